#include "proc/certify.h"

void certify_encode(struct buf *out, const struct certify *x)
{
    buf_u8(out, (uint8_t)x->side);
    buf_u8(out, (uint8_t)strlen(x->link));
    buf_add_str(out, x->link);
    buf_add_str(out, x->names);
}

static bool take(struct span text, char *out, size_t size)
{
    if (text.n == 0 || text.n >= size || memchr(text.p, 0, text.n) != NULL || memchr(text.p, ' ', text.n) != NULL)
        return false;
    memcpy(out, text.p, text.n);
    out[text.n] = 0;
    return true;
}

int certify_decode(struct span in, struct certify *ret, struct error *e)
{
    *ret = (struct certify){0};
    uint8_t side = span_u8(&in);
    struct span link = span_take(&in, span_u8(&in));
    ret->side = side == LINK_TLS_ANALYZER ? LINK_TLS_ANALYZER : LINK_TLS_LIS;
    bool ok = !in.bad && (side == LINK_TLS_ANALYZER || side == LINK_TLS_LIS) && take(link, ret->link, sizeof ret->link) &&
              memchr(link.p, '/', link.n) == NULL && take(in, ret->names, sizeof ret->names);
    return ok ? 0 : err_set(e, ERR_PEER, "a link to certify is none");
}
