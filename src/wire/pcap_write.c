#include "wire/pcap_write.h"

void pcap_write_header(struct buf *out, uint32_t linktype)
{
    buf_le32(out, 0xa1b23c4d);
    buf_le16(out, 2); /* version 2.4 */
    buf_le16(out, 4);
    buf_le32(out, 0); /* time zone: UTC */
    buf_le32(out, 0); /* accuracy: not said */
    buf_le32(out, PCAP_WRITE_SNAP);
    buf_le32(out, linktype);
}

void pcap_write_packet(struct buf *out, tq_time time, struct span bytes)
{
    tq_time t = time < 0 ? 0 : time;
    int64_t seconds = t / TIME_SECOND;
    uint32_t n = bytes.n > PCAP_WRITE_SNAP ? PCAP_WRITE_SNAP : (uint32_t)bytes.n;
    buf_le32(out, seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds);
    buf_le32(out, (uint32_t)(t % TIME_SECOND));
    buf_le32(out, n);
    buf_le32(out, bytes.n > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes.n);
    buf_add(out, bytes.p, n);
}
