/* Writes ASTM frames for the tests of app. */
#ifndef TQ_TEST_APP_FRAMES_H
#define TQ_TEST_APP_FRAMES_H

#include "base/buf.h"
#include "wire/astm_link.h"

/* damage: what the checksum is wrong by. */
static void frame(struct buf *out, unsigned number, const char *text, uint8_t end, unsigned damage)
{
    struct buf body = BUF_INIT(1 << 20);
    buf_u8(&body, (uint8_t)('0' + number % 8));
    buf_add_str(&body, text);
    buf_u8(&body, end);
    buf_u8(out, 0x02);
    buf_add_span(out, buf_span(&body));
    buf_addf(out, "%02X\r\n", (astm_checksum(buf_span(&body)) + damage) & 255u);
    buf_release(&body);
}

#endif
