#include "wire/mllp_write.h"

void mllp_write(struct buf *out, struct span message)
{
    buf_u8(out, MLLP_START);
    buf_add_span(out, message);
    buf_u8(out, MLLP_END);
    buf_u8(out, '\r');
}
