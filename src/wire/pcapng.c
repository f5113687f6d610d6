#include "wire/pcapng.h"

#define ORDER_MAGIC 0x1a2b3c4du

static inline uint32_t u32(bool big, struct span *s)
{
    uint32_t v = span_be32(s);
    return big ? v : __builtin_bswap32(v);
}

static inline uint16_t u16(bool big, struct span *s)
{
    uint16_t v = span_be16(s);
    return big ? v : __builtin_bswap16(v);
}

bool pcapng_section_order(struct span s, bool *ret_big)
{
    uint32_t type = span_be32(&s);
    (void)span_be32(&s);
    uint32_t magic = span_be32(&s);
    if (s.bad || type != PCAPNG_SECTION || (magic != ORDER_MAGIC && magic != __builtin_bswap32(ORDER_MAGIC)))
        return false;
    *ret_big = magic == ORDER_MAGIC;
    return true;
}

bool pcapng_block_decode(bool big, struct span s, uint32_t *ret_type, uint32_t *ret_length)
{
    uint32_t type = u32(big, &s);
    uint32_t length = u32(big, &s);
    if (s.bad || length < PCAPNG_BLOCK_MIN || length > PCAPNG_BLOCK_MAX)
        return false;
    *ret_type = type;
    *ret_length = (length + 3) & ~3u; /* some writers forget the padding */
    return true;
}

/* if_tsresol: the top bit chooses a power of 2, else of 10. Resolutions that do not fit into 64 bits are held at the finest that does. */
static uint64_t resolution(uint8_t v)
{
    unsigned exponent = v & 0x7f;
    if (v & 0x80)
        return UINT64_C(1) << (exponent > 63 ? 63 : exponent);
    uint64_t r = 1;
    for (unsigned i = 0; i < exponent && i < 19; i++)
        r *= 10;
    return r;
}

bool pcapng_interface_decode(bool big, struct span body, struct pcapng_interface *ret)
{
    uint32_t linktype = u16(big, &body);
    (void)u16(big, &body);
    uint32_t snaplen = u32(big, &body);
    if (body.bad)
        return false;
    *ret = (struct pcapng_interface){.linktype = linktype, .snaplen = snaplen, .per_second = 1000000};
    while (body.n >= 4) {
        uint16_t code = u16(big, &body);
        uint16_t length = u16(big, &body);
        struct span value = span_take(&body, length);
        if (code == 0 || value.bad)
            break;
        if (code == 9 && length >= 1)
            ret->per_second = resolution(span_peek(&value, 0));
        if (code == 14 && length == 8)
            ret->offset = (int64_t)(big ? span_be64(&value) : span_le64(&value));
        if (!span_skip(&body, (4 - length % 4) % 4))
            break;
    }
    return true;
}

bool pcapng_packet_decode(bool big, uint32_t type, struct span body, uint32_t simple_snaplen, struct pcapng_packet *ret, size_t *ret_head)
{
    struct pcapng_packet p = {0};
    if (type == PCAPNG_SIMPLE) {
        p.original = u32(big, &body);
        p.captured = simple_snaplen != 0 && p.original > simple_snaplen ? simple_snaplen : p.original;
        *ret_head = 4;
    } else {
        if (type == PCAPNG_PACKET_OLD) {
            p.interface = u16(big, &body);
            (void)u16(big, &body); /* drops */
        } else {
            p.interface = u32(big, &body);
        }
        uint64_t high = u32(big, &body);
        p.stamp = high << 32 | u32(big, &body);
        p.has_stamp = true;
        p.captured = u32(big, &body);
        p.original = u32(big, &body);
        *ret_head = 20;
    }
    if (body.bad)
        return false;
    *ret = p;
    return true;
}

tq_time pcapng_time(const struct pcapng_interface *i, uint64_t stamp)
{
    __int128 seconds = (__int128)(stamp / i->per_second) + i->offset;
    __int128 fraction = (__int128)(stamp % i->per_second) * TIME_SECOND / i->per_second;
    __int128 t = seconds * TIME_SECOND + fraction;
    return t > INT64_MAX ? INT64_MAX : t < INT64_MIN ? INT64_MIN : (tq_time)t;
}
