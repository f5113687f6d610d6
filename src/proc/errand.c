#include "proc/errand.h"

static void put(struct buf *out, struct span text)
{
    buf_be32(out, text.n);
    buf_add_span(out, text);
}

static struct span get(struct span *s, uint32_t most)
{
    uint32_t n = span_be32(s);
    if (n > most)
        (void)span_fail(s);
    return span_take(s, s->bad ? 0 : n);
}

void errand_encode(struct buf *out, const struct errand *x)
{
    buf_be32(out, x->id);
    put(out, x->url);
    put(out, x->type);
    put(out, x->authority);
    put(out, x->body);
    put(out, x->from);
    put(out, x->to);
    put(out, x->user);
    put(out, x->password);
    buf_u8(out, x->clear);
}

int errand_decode(struct span in, struct errand *ret, struct error *e)
{
    struct errand x = {.id = span_be32(&in)};
    x.url = get(&in, ERRAND_TEXT);
    x.type = get(&in, ERRAND_TEXT);
    x.authority = get(&in, ERRAND_AUTHORITY);
    x.body = get(&in, ERRAND_BODY);
    x.from = get(&in, ERRAND_TEXT);
    x.to = get(&in, ERRAND_TEXT);
    x.user = get(&in, ERRAND_TEXT);
    x.password = get(&in, ERRAND_TEXT);
    uint8_t clear = span_u8(&in);
    x.clear = clear == 1;
    if (in.bad || in.n != 0 || clear > 1)
        return err_set(e, ERR_PEER, "an errand is malformed");
    *ret = x;
    return 0;
}

void outcome_encode(struct buf *out, const struct outcome *x)
{
    buf_be32(out, x->id);
    buf_be16(out, x->status);
    put(out, x->type);
    put(out, x->why);
    put(out, x->body);
}

int outcome_decode(struct span in, struct outcome *ret, struct error *e)
{
    struct outcome x = {.id = span_be32(&in)};
    x.status = span_be16(&in);
    x.type = get(&in, ERRAND_TEXT);
    x.why = get(&in, ERRAND_TEXT);
    x.body = get(&in, ERRAND_BODY);
    if (in.bad || in.n != 0)
        return err_set(e, ERR_PEER, "an errand's outcome is malformed");
    *ret = x;
    return 0;
}

void witness_told_encode(struct buf *out, const struct witness_told *x)
{
    put(out, x->name);
    put(out, x->url);
    put(out, x->key);
    put(out, x->authority);
}

int witness_told_decode(struct span in, struct witness_told *ret, struct error *e)
{
    struct witness_told x = {.name = get(&in, 63)};
    x.url = get(&in, ERRAND_TEXT - 32);
    x.key = get(&in, 255);
    x.authority = get(&in, ERRAND_AUTHORITY);
    if (in.bad || in.n != 0)
        return err_set(e, ERR_PEER, "a witness was told in a malformed message");
    *ret = x;
    return 0;
}
