#include "wire/astm_write.h"

uint8_t astm_checksum(struct span bytes)
{
    unsigned sum = 0;
    for (size_t i = 0; i < bytes.n; i++)
        sum += bytes.p[i];
    return (uint8_t)sum;
}

void astm_write_frame(struct buf *out, unsigned number, struct span text, bool last)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_u8(out, ASTM_STX);
    size_t start = out->n;
    buf_u8(out, (uint8_t)('0' + number % 8));
    buf_add_span(out, text);
    buf_u8(out, last ? ASTM_ETX : ASTM_ETB);
    uint8_t sum = out->failed ? 0 : astm_checksum(span_of(out->p + start, out->n - start));
    buf_u8(out, (uint8_t)digits[sum >> 4]);
    buf_u8(out, (uint8_t)digits[sum & 15]);
    buf_add(out, "\r\n", 2);
}
