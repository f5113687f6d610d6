/* The capture file of blocks (draft-ietf-opsawg-pcapng): sections, interfaces with their own link type and clock, packets.
 *
 * These are the pure decoders of one block each; engine/sense/source.c walks the file. A block is type, length, body, length again; lengths are
 * multiples of 4 and the byte order is that of the section. */
#ifndef TQ_WIRE_PCAPNG_H
#define TQ_WIRE_PCAPNG_H

#include "base/time.h"

#define PCAPNG_SECTION 0x0a0d0d0au
#define PCAPNG_INTERFACE 1u
#define PCAPNG_PACKET_OLD 2u /* obsolete Packet Block */
#define PCAPNG_SIMPLE 3u
#define PCAPNG_NAMES 4u
#define PCAPNG_STATISTICS 5u
#define PCAPNG_ENHANCED 6u

#define PCAPNG_BLOCK_MIN 12
#define PCAPNG_BLOCK_MAX (16u << 20) /* a longer block is taken for damage */
#define PCAPNG_PACKET_HEAD 28        /* bytes of an enhanced packet block before the packet: type, length and five fields */

struct pcapng_interface {
    uint32_t linktype;
    uint32_t snaplen;    /* 0: no limit */
    uint64_t per_second; /* units of its clock in a second */
    int64_t offset;      /* seconds to add (if_tsoffset) */
};

struct pcapng_packet {
    uint32_t interface;
    uint64_t stamp;    /* in units of its interface's clock */
    bool has_stamp;    /* a simple packet block has none */
    uint32_t captured; /* bytes that follow */
    uint32_t original;
};

/* Byte order from the twelve bytes that start a section header (type, length, byte-order magic). False: not a section header. */
bool pcapng_section_order(struct span s, bool *ret_big);

/* Type and total length at the start of a block. False: fewer than 8 bytes, or a length that no block can have. */
bool pcapng_block_decode(bool big, struct span s, uint32_t *ret_type, uint32_t *ret_length);

/* The body of an interface description block (without type, lengths). Options of this block that are cut or absurd are passed over. False: too short.
 */
bool pcapng_interface_decode(bool big, struct span body, struct pcapng_interface *ret);

/* The fixed head of a packet in an enhanced, obsolete or simple packet block, from behind type and length; *ret_head says how many bytes it takes.
 * For a simple block, captured is what the interface's snaplen leaves of original. False: too short. */
bool pcapng_packet_decode(bool big, uint32_t type, struct span body, uint32_t simple_snaplen, struct pcapng_packet *ret, size_t *ret_head);

/* A stamp as a time, held at the ends of what tq_time can say. */
tq_time pcapng_time(const struct pcapng_interface *i, uint64_t stamp);

#endif
