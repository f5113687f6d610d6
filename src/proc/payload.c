#include "proc/payload.h"

#define VERSION 2
#define VERSION_WITHOUT_BODIES 1
#define BODY_HEAD (8 + PAYLOAD_DIGEST)
#define COUNT_AT (1 + RUN_ID)

void payload_start(struct buf *out, const uint8_t run[RUN_ID])
{
    buf_u8(out, VERSION);
    buf_add(out, run, RUN_ID);
    buf_be16(out, 0);
}

size_t payload_count(const struct buf *out)
{
    return out->n < PAYLOAD_HEAD ? 0 : (size_t)out->p[COUNT_AT] << 8 | out->p[COUNT_AT + 1];
}

static void add_body(struct buf *out, const struct payload_body *b)
{
    static const uint8_t unknown[PAYLOAD_DIGEST];
    if (b->whole == 0) {
        buf_be32(out, 0);
        return;
    }
    buf_be32(out, (uint32_t)(BODY_HEAD + b->bytes.n));
    buf_be64(out, b->whole);
    buf_add(out, b->digest.n == PAYLOAD_DIGEST ? b->digest.p : unknown, PAYLOAD_DIGEST);
    buf_add_span(out, b->bytes);
}

static struct payload_body take_body(struct span *s)
{
    struct span part = span_take(s, span_be32(s));
    struct payload_body b = {0};
    if (part.bad || part.n == 0)
        return b;
    b.whole = span_be64(&part);
    b.digest = span_take(&part, PAYLOAD_DIGEST);
    b.bytes = part;
    if (part.bad || b.whole < part.n)
        (void)span_fail(s);
    return b;
}

void payload_add(struct buf *out, const struct payload_record *record)
{
    size_t count = payload_count(out) + 1;
    buf_be64(out, record->position.seq);
    buf_be32(out, record->position.ordinal);
    buf_be32(out, (uint32_t)record->veiled.n);
    buf_add_span(out, record->veiled);
    buf_be32(out, (uint32_t)record->private.n);
    buf_add_span(out, record->private);
    add_body(out, &record->body);
    if (count > PAYLOAD_RECORDS)
        out->failed = true;
    if (!buf_ok(out))
        return;
    out->p[COUNT_AT] = (uint8_t)(count >> 8);
    out->p[COUNT_AT + 1] = (uint8_t)count;
}

int payload_decode(struct span in, struct payload *ret, struct error *e)
{
    struct span s = in;
    uint8_t version = span_u8(&s);
    if (s.bad || version < VERSION_WITHOUT_BODIES || version > VERSION)
        return err_set(e, ERR_CORRUPT, "a ledger payload has version %u; this program reads %d to %d", version, VERSION_WITHOUT_BODIES, VERSION);
    struct span run = span_take(&s, RUN_ID);
    size_t n = span_be16(&s);
    if (s.bad || n == 0 || n > PAYLOAD_RECORDS)
        return err_set(e, ERR_CORRUPT, "a ledger payload says that it holds %zu records", n);
    memcpy(ret->run, run.p, RUN_ID);
    ret->n = n;
    for (size_t i = 0; i < n; i++) {
        struct payload_record *r = &ret->records[i];
        r->position.seq = span_be64(&s);
        r->position.ordinal = span_be32(&s);
        r->veiled = span_take(&s, span_be32(&s));
        r->private = span_take(&s, span_be32(&s));
        r->body = version == VERSION_WITHOUT_BODIES ? (struct payload_body){0} : take_body(&s);
    }
    if (s.bad || s.n != 0)
        return err_set(e, ERR_CORRUPT, "a ledger payload is cut, or followed by stray bytes");
    return 0;
}
