#include "wire/pcapng_write.h"

#include "wire/pcapng.h"

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define OPTION_TSRESOL 9

void pcapng_write_start(struct buf *out)
{
    buf_le32(out, PCAPNG_SECTION);
    buf_le32(out, PCAPNG_WRITE_START);
    buf_le32(out, BYTE_ORDER_MAGIC);
    buf_le16(out, 1); /* version 1.0 */
    buf_le16(out, 0);
    buf_le32(out, UINT32_MAX); /* the section's length: not said */
    buf_le32(out, UINT32_MAX);
    buf_le32(out, PCAPNG_WRITE_START);
}

void pcapng_write_interface(struct buf *out, uint32_t linktype)
{
    buf_le32(out, PCAPNG_INTERFACE);
    buf_le32(out, PCAPNG_WRITE_INTERFACE);
    buf_le16(out, (uint16_t)linktype);
    buf_le16(out, 0);
    buf_le32(out, 0); /* no limit of length */
    buf_le16(out, OPTION_TSRESOL);
    buf_le16(out, 1);
    buf_le32(out, 9); /* 10^-9 s, and three bytes of padding */
    buf_le32(out, 0); /* end of options */
    buf_le32(out, PCAPNG_WRITE_INTERFACE);
}

void pcapng_write_packet(struct buf *out, uint32_t interface, tq_time time, struct span bytes, uint32_t original)
{
    static const uint8_t padding[3];
    size_t pad = (4 - bytes.n % 4) % 4;
    uint64_t stamp = time < 0 ? 0 : (uint64_t)time;
    uint32_t length = (uint32_t)(PCAPNG_WRITE_PACKET + bytes.n + pad);
    buf_le32(out, PCAPNG_ENHANCED);
    buf_le32(out, length);
    buf_le32(out, interface);
    buf_le32(out, (uint32_t)(stamp >> 32));
    buf_le32(out, (uint32_t)stamp);
    buf_le32(out, (uint32_t)bytes.n);
    buf_le32(out, original);
    buf_add_span(out, bytes);
    buf_add(out, padding, pad);
    buf_le32(out, length);
}
