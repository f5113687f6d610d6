/* sense: packets in, records out.
 *
 *   capture bytes → source (pcap, pcapng, gz, zst) → link → IP (fragments) → flows → TCP streams → app (recognised by content) → records
 *
 * It opens no file, reads no clock and knows no key. It holds bounded memory whatever it is fed (struct sense_limits). Damaged input never ends a
 * run: what can be read is read, what cannot is counted and named. */
#ifndef TQ_SENSE_H
#define TQ_SENSE_H

#include "base/error.h"
#include "base/hash.h"
#include "base/record.h"

struct labels;

struct sense_limits {
    size_t flows;            /* most flows at once; the one idle longest goes first */
    size_t fragments;        /* most bytes of IP fragments that wait for the rest */
    size_t reassembly_flow;  /* most bytes of out-of-order TCP payload that one direction of a flow may hold */
    size_t reassembly_total; /* most bytes of that over all flows */
    size_t message;          /* largest lab message read whole; a larger one is counted and named malformed */
    size_t messages_total;   /* most bytes of unfinished lab messages over all flows */
};

extern const struct sense_limits sense_default_limits;

/* Counters, all since the start. Names are those of `sense --stats` (contracts.md). */
struct sense_stats {
    uint64_t packets;
    uint64_t bytes; /* bytes on the wire (original length) */
    uint64_t flows; /* TCP and UDP conversations seen */
    uint64_t tcp_flows;
    uint64_t udp_flows;
    uint64_t tcp_gaps;        /* holes in TCP streams that were given up */
    uint64_t retransmitted;   /* TCP segments whose payload, or part of it, had been seen */
    uint64_t tcp_conflicts;   /* retransmissions that contradict what was seen */
    uint64_t damaged_packets; /* cut, wrong length, unknown link type */
    uint64_t hl7_messages;
    uint64_t astm_messages;
    uint64_t astm_good_frames;
    uint64_t astm_damaged_frames;
    uint64_t astm_records[26]; /* by type letter, A = 0 */
    uint64_t poct1a_messages;
    uint64_t dicom_associations;
    uint64_t results;
    uint64_t malformed;  /* lab messages with a reason */
    uint64_t shed_bulk;  /* packets whose content was not looked at, to keep up: what conversations that are no lab's carry in bulk … */
    uint64_t shed_other; /* … and of all else that is no lab's: connections that begin, what names devices */
    tq_time first_time;  /* packet clock; 0: none seen */
    tq_time last_time;
};

struct sense_options {
    struct sense_limits limits;
    struct hash_key hash_key; /* for tables; random, from the caller */
    uint64_t first_flow;      /* ids of flows begin behind this: two senses whose records meet must not use the same */
    struct record_sink sink;  /* put may be NULL: only count */
    bool (*wants)(
        enum record_key key); /* what the sink reads of lab.message and lab.result; fields that it does not read may be left out. NULL: everything */
    struct labels *labels;    /* nDPI, for what is not recognised here; stays the caller's. NULL: own labels only */
    bool bodies;              /* messages are put with their bytes (KEY_BODY), for a sink that seals them */
    bool flow_records;        /* make flow.closed and asset.evidence records (off for --stats without --events: nobody reads them) */
};

struct sense;

/* NULL: no memory, or limits that make no sense. Limits of 0 take their default. */
struct sense *sense_new(const struct sense_options *options, struct error *e);
void sense_free(struct sense *s);

/* One packet: its time, its link type (LINKTYPE_* of pcap), the bytes captured and the length it had on the wire. False: it was shed. */
bool sense_packet(struct sense *s, tq_time time, uint32_t linktype, struct span bytes, uint32_t wire_length);

/* What is not looked at for now, so that the rest is read in time. Traffic of known lab connections, and to and from where a lab protocol was spoken
 * before, is never shed. */
enum shed {
    SHED_NOTHING,
    SHED_BULK,       /* content in bulk of conversations that are no lab's: packets are counted in their flow, and that is all, for the rest of it */
    SHED_ALL_BUT_LAB /* also all else: as if it had not come */
};
void sense_shed(struct sense *s, enum shed what);

/* What to shed when so many eighths of the queue of packets are taken, and `now` is shed: from three quarters on bulk, from seven eighths on all
 * but lab traffic; less again only well below, so that it does not change with each packet. Not before: a queue that is half full has lost nothing.
 */
enum shed sense_shed_at(enum shed now, unsigned eighths);

/* The flow that the last packet belonged to; 0: none (yet), as with the first fragments of a packet. */
uint64_t sense_flow(const struct sense *s);

/* Lets time pass to `now` (packet clock): idle flows end. Called by sense_packet itself now and then; live captures call it when nothing arrives. */
void sense_advance(struct sense *s, tq_time now);

/* Ends all flows: unfinished streams are reported, flow.closed records are made. */
void sense_finish(struct sense *s);

const struct sense_stats *sense_stats(const struct sense *s);

/* What was damaged, by name ("a link type that is not known: 147"), and how often: calls `each` for every kind that came. The sum is
 * stats.damaged_packets. */
void sense_damage(const struct sense *s, void (*each)(void *context, const char *what, uint64_t count), void *context);

/* Messages by type ("ORU^R01" → count): calls `each` in alphabetical order; at most 256 types are kept apart, the rest under "other". */
void sense_hl7_types(const struct sense *s, void (*each)(void *context, const char *type, uint64_t count), void *context);

/* How many flows that are over carried what, by label, in alphabetical order; those without a label as "unknown". */
void sense_labels(const struct sense *s, void (*each)(void *context, const char *label, uint64_t count), void *context);

/* ── source.h: a capture file or stream as packets ── see source.h */

#endif
