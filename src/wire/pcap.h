/* The classic capture file (draft-ietf-opsawg-pcap, "PCAP Capture File Format"): one file header, then records.
 *
 * Read: microsecond and nanosecond files of either byte order, and the variant with magic a1b2cd34 whose record headers are 24 bytes long. */
#ifndef TQ_WIRE_PCAP_H
#define TQ_WIRE_PCAP_H

#include "base/time.h"

#define PCAP_HEADER_SIZE 24
#define PCAP_CAPTURED_MAX 262144 /* most bytes that a record may claim to hold: what every known writer keeps to */

struct pcap_header {
    bool big; /* byte order of the file */
    bool nanoseconds;
    uint32_t record_header; /* bytes before each packet: 16, or 24 in the variant */
    uint32_t snaplen;       /* as written; not to be trusted */
    uint32_t linktype;      /* LINKTYPE_*: the low 16 bits of the field */
};

struct pcap_record {
    tq_time time;
    uint32_t captured; /* bytes that follow in the file */
    uint32_t original; /* bytes on the wire */
};

/* True where the four bytes are one of the magic numbers. */
bool pcap_is_magic(struct span s);

/* Reads the file header (24 bytes). False: too short, or no magic number of this format. */
bool pcap_header_decode(struct span s, struct pcap_header *ret);

/* Reads one record header (header->record_header bytes). False: too short. The values are as written: see pcap_record_plausible. */
static inline bool pcap_record_decode(const struct pcap_header *header, struct span s, struct pcap_record *ret)
{
    uint32_t field[4]; /* seconds, fraction, captured, original */
    if (s.n < header->record_header || s.n < sizeof field)
        return false;
    memcpy(field, s.p, sizeof field);
    if (__builtin_expect(header->big != (BYTE_ORDER == BIG_ENDIAN), 0))
        for (size_t i = 0; i < 4; i++)
            field[i] = __builtin_bswap32(field[i]);
    ret->captured = field[2];
    ret->original = field[3];
    ret->time = (int64_t)field[0] * TIME_SECOND + (header->nanoseconds ? (int64_t)field[1] : (int64_t)field[1] * 1000);
    return true;
}

/* Whether a record header can be true: no more captured than PCAP_CAPTURED_MAX or on the wire, fraction below a second, and, where last is not 0,
 * within ten days of it. Used to find the next record behind damage. */
bool pcap_record_plausible(const struct pcap_header *header, struct span s, tq_time last);

#endif
