#include "door/request.h"

/* A frame's body is: kind (1 byte), then the fixed fields, then each text as a 32-bit length and its bytes; big-endian. The kind keeps a reply from
 * being read as a request when a channel is wired wrongly. */
enum { KIND_REQUEST = 'Q', KIND_REPLY = 'R', KIND_NOTICE = 'N' };

#define NOTICE_TEXT_MAX 128

static void put_text(struct buf *out, struct span s)
{
    buf_be32(out, (uint32_t)s.n);
    buf_add_span(out, s);
}

static struct span get_text(struct span *s, size_t max)
{
    uint32_t n = span_be32(s);
    if (n > max) {
        (void)span_fail(s);
        return (struct span){.p = s->p, .n = 0, .bad = true};
    }
    return span_take(s, n);
}

/* Checks what every frame shares at its end: all of it was there, and nothing follows. */
static int finish(const struct span *s, const char *what, struct error *e)
{
    if (s->bad)
        return err_set(e, ERR_PEER, "a %s is cut, or one of its texts is too long", what);
    if (s->n != 0)
        return err_set(e, ERR_PEER, "a %s is followed by %u stray bytes", what, s->n);
    return 0;
}

void request_encode(struct buf *out, const struct request *r)
{
    buf_u8(out, KIND_REQUEST);
    buf_be64(out, r->id);
    buf_u8(out, (uint8_t)r->door);
    put_text(out, r->method);
    put_text(out, r->path);
    put_text(out, r->query);
    put_text(out, r->session);
    put_text(out, r->csrf);
    put_text(out, r->bearer);
    put_text(out, r->proof);
    put_text(out, r->if_match);
    put_text(out, r->if_none_match);
    put_text(out, r->language);
    put_text(out, r->peer);
    put_text(out, r->body);
}

int request_decode(struct span in, struct request *ret, struct error *e)
{
    struct span s = in;
    struct request r = {.fd = -1};
    uint8_t kind = span_u8(&s);
    r.id = span_be64(&s);
    uint8_t door = span_u8(&s);
    r.method = get_text(&s, 16);
    r.path = get_text(&s, REQUEST_TEXT_MAX);
    r.query = get_text(&s, REQUEST_TEXT_MAX);
    r.session = get_text(&s, REQUEST_TEXT_MAX);
    r.csrf = get_text(&s, REQUEST_TEXT_MAX);
    r.bearer = get_text(&s, REQUEST_TEXT_MAX);
    r.proof = get_text(&s, REQUEST_TEXT_MAX);
    r.if_match = get_text(&s, REQUEST_TEXT_MAX);
    r.if_none_match = get_text(&s, REQUEST_TEXT_MAX);
    r.language = get_text(&s, REQUEST_TEXT_MAX);
    r.peer = get_text(&s, REQUEST_TEXT_MAX);
    r.body = get_text(&s, REQUEST_BODY_MAX);
    if (finish(&s, "request", e) != 0)
        return -1;
    if (kind != KIND_REQUEST || door < DOOR_CONSOLE || door > DOOR_MAIL)
        return err_set(e, ERR_PEER, "a request has an unknown kind (%u) or door (%u)", kind, door);
    r.door = (enum request_door)door;
    *ret = r;
    return 0;
}

void reply_encode(struct buf *out, const struct reply *r)
{
    buf_u8(out, KIND_REPLY);
    buf_be64(out, r->id);
    buf_be16(out, r->status);
    buf_u8(out, r->clear_session);
    put_text(out, r->type);
    put_text(out, r->etag);
    put_text(out, r->set_session);
    put_text(out, r->body);
}

int reply_decode(struct span in, struct reply *ret, struct error *e)
{
    struct span s = in;
    struct reply r = {0};
    uint8_t kind = span_u8(&s);
    r.id = span_be64(&s);
    r.status = span_be16(&s);
    uint8_t clear = span_u8(&s);
    r.type = get_text(&s, REQUEST_TEXT_MAX);
    r.etag = get_text(&s, REQUEST_TEXT_MAX);
    r.set_session = get_text(&s, REQUEST_TEXT_MAX);
    r.body = get_text(&s, REPLY_BODY_MAX);
    if (finish(&s, "reply", e) != 0)
        return -1;
    if (kind != KIND_REPLY || r.status < 100 || r.status > 599 || clear > 1)
        return err_set(e, ERR_PEER, "a reply has an unknown kind (%u) or status (%u)", kind, r.status);
    r.clear_session = clear == 1;
    *ret = r;
    return 0;
}

void notice_encode(struct buf *out, const struct notice *n)
{
    buf_u8(out, KIND_NOTICE);
    put_text(out, n->topic);
    put_text(out, n->id);
    put_text(out, n->etag);
}

int notice_decode(struct span in, struct notice *ret, struct error *e)
{
    struct span s = in;
    struct notice n = {0};
    uint8_t kind = span_u8(&s);
    n.topic = get_text(&s, NOTICE_TEXT_MAX);
    n.id = get_text(&s, NOTICE_TEXT_MAX);
    n.etag = get_text(&s, NOTICE_TEXT_MAX);
    if (finish(&s, "notice", e) != 0)
        return -1;
    if (kind != KIND_NOTICE)
        return err_set(e, ERR_PEER, "a notice has an unknown kind (%u)", kind);
    *ret = n;
    return 0;
}
