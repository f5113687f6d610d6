#include "wire/dns_write.h"

static void write_name(struct buf *out, const char *name)
{
    struct span left = span_str(name);
    while (left.n > 0) {
        struct span label = span_until(&left, '.', NULL);
        if (label.n == 0 || label.n > 63) {
            out->failed = true;
            return;
        }
        buf_u8(out, (uint8_t)label.n);
        buf_add_span(out, label);
    }
    buf_u8(out, 0);
}

static void write_head(struct buf *out, uint16_t id, uint16_t flags, uint16_t answers, const char *name, uint16_t type)
{
    buf_be16(out, id);
    buf_be16(out, flags);
    buf_be16(out, 1); /* questions */
    buf_be16(out, answers);
    buf_be32(out, 0); /* authority, additional */
    write_name(out, name);
    buf_be16(out, type);
    buf_be16(out, 1); /* Internet */
}

void dns_write_query(struct buf *out, uint16_t id, const char *name, uint16_t type)
{
    write_head(out, id, 0x0100, 0, name, type);
}

void dns_write_answer(struct buf *out, uint16_t id, const char *name, uint16_t type, const uint8_t *address, uint32_t ttl)
{
    if (address == NULL) {
        write_head(out, id, 0x8183, 0, name, type);
        return;
    }
    write_head(out, id, 0x8180, 1, name, type);
    buf_be16(out, 0xc00c); /* the name of the question */
    buf_be16(out, type);
    buf_be16(out, 1);
    buf_be32(out, ttl);
    uint16_t n = type == DNS_AAAA ? 16 : 4;
    buf_be16(out, n);
    buf_add(out, address, n);
}
