#include "wire/pcap.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO 0xa1b23c4du
#define MAGIC_LONG 0xa1b2cd34u

static bool known(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_LONG;
}

bool pcap_is_magic(struct span s)
{
    uint32_t magic = span_be32(&s);
    return !s.bad && (known(magic) || known(__builtin_bswap32(magic)));
}

static inline uint32_t u32(bool big, struct span *s)
{
    uint32_t v = span_be32(s);
    return big ? v : __builtin_bswap32(v);
}

bool pcap_header_decode(struct span s, struct pcap_header *ret)
{
    if (!pcap_is_magic(s))
        return false;
    uint32_t magic = span_be32(&s);
    bool big = known(magic);
    if (!big)
        magic = __builtin_bswap32(magic);
    (void)span_skip(&s, 12); /* version, time zone, accuracy: never used by anybody */
    uint32_t snaplen = u32(big, &s);
    uint32_t linktype = u32(big, &s);
    if (s.bad)
        return false;
    *ret = (struct pcap_header){.big = big,
                                .nanoseconds = magic == MAGIC_NANO,
                                .record_header = magic == MAGIC_LONG ? 24 : 16,
                                .snaplen = snaplen,
                                .linktype = linktype & 0xffff};
    return true;
}

bool pcap_record_plausible(const struct pcap_header *header, struct span s, tq_time last)
{
    if (s.n < header->record_header)
        return false;
    struct span lengths = span_of(s.p + 8, 8); /* first, as nearly all that is no header fails here */
    uint32_t captured = u32(header->big, &lengths);
    if (captured == 0 || captured > PCAP_CAPTURED_MAX || captured > u32(header->big, &lengths))
        return false;
    struct pcap_record r;
    if (!pcap_record_decode(header, s, &r))
        return false;
    (void)span_skip(&s, 4);
    if (u32(header->big, &s) >= (header->nanoseconds ? 1000000000u : 1000000u))
        return false;
    int64_t apart = r.time - last;
    return last == 0 || (apart < 10 * 86400 * TIME_SECOND && apart > -10 * 86400 * TIME_SECOND);
}
