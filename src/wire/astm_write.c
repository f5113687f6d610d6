#include "wire/astm_write.h"

#include "wire/astm_link.h" /* astm_checksum */

void astm_write_frame(struct buf *out, unsigned number, struct span text, bool last)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_u8(out, ASTM_BYTE_STX);
    size_t start = out->n;
    buf_u8(out, (uint8_t)('0' + number % 8));
    buf_add_span(out, text);
    buf_u8(out, last ? ASTM_BYTE_ETX : ASTM_BYTE_ETB);
    uint8_t sum = out->failed ? 0 : astm_checksum(span_of(out->p + start, out->n - start));
    buf_u8(out, (uint8_t)digits[sum >> 4]);
    buf_u8(out, (uint8_t)digits[sum & 15]);
    buf_add(out, "\r\n", 2);
}
