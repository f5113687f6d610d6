/* simulate: a small laboratory's network traffic, packet by packet, made from a seed: analyzers, middleware, LIS, workstations, and attacks on
 * request.
 *
 * The same seed and options give the same bytes on every machine (integers only, no clock, no environment). Everybody in it is made up. Packets come
 * in the order of their times; nothing is lost in the capture. What the lab holds: docs/simulate.md; the truth: docs/formats/truth.md. */
#ifndef TQ_SIMULATE_H
#define TQ_SIMULATE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"

/* ATTACK(name in C, kind as findings call it, and behind a slash in which way it is done) */
#define SIMULATE_ATTACKS(ATTACK)                                                                                                                     \
    ATTACK(SENDER_UNKNOWN, "sender.unknown")                                                                                                         \
    ATTACK(SENDER_SPOOFED, "sender.spoofed")                                                                                                         \
    ATTACK(MESSAGE_MALFORMED, "message.malformed")                                                                                                   \
    ATTACK(MESSAGE_HOSTILE, "message.hostile")                                                                                                       \
    ATTACK(RESULT_ALTERED, "result.altered")                                                                                                         \
    ATTACK(RESULT_ALTERED_IN_TRANSIT, "result.altered_in_transit")                                                                                   \
    ATTACK(RESULT_MISSING, "result.missing")                                                                                                         \
    ATTACK(RESULT_REPLAYED, "result.replayed")                                                                                                       \
    ATTACK(RESULT_WRONG_PATIENT, "result.wrong_patient")                                                                                             \
    ATTACK(RESULT_UNIT_CHANGED, "result.unit_changed")                                                                                               \
    ATTACK(RESULT_FLAG_MISMATCH, "result.flag_mismatch")                                                                                             \
    ATTACK(RESULT_IMPLAUSIBLE, "result.implausible")                                                                                                 \
    ATTACK(PHI_BULK_QUERY, "phi.bulk_query")                                                                                                         \
    ATTACK(TRANSIT_UNIT, "result.altered_in_transit/unit")                                                                                           \
    ATTACK(TRANSIT_DECIMAL, "result.altered_in_transit/decimal")                                                                                     \
    ATTACK(TRANSIT_FLAG, "result.altered_in_transit/flag")                                                                                           \
    ATTACK(TRANSIT_RANGE, "result.altered_in_transit/range")                                                                                         \
    ATTACK(TRANSIT_STATUS, "result.altered_in_transit/status")                                                                                       \
    ATTACK(TRANSIT_SPECIMEN, "result.altered_in_transit/specimen")                                                                                   \
    ATTACK(TRANSIT_SWAPPED, "result.altered_in_transit/swapped")                                                                                     \
    ATTACK(TRANSIT_PATIENT, "result.wrong_patient/transit")                                                                                          \
    ATTACK(CONTROL_AS_PATIENT, "result.wrong_patient/control")                                                                                       \
    ATTACK(MISSING_PART, "result.missing/part")                                                                                                      \
    ATTACK(DELAYED, "result.delayed")                                                                                                                \
    ATTACK(EXTRA, "result.extra")                                                                                                                    \
    ATTACK(REPLAYED_RENUMBERED, "result.replayed/renumbered")                                                                                        \
    ATTACK(ALTERED_DOWNGRADE, "result.altered/downgrade")                                                                                            \
    ATTACK(ALTERED_CORRECTION, "result.altered/correction")                                                                                          \
    ATTACK(ALTERED_ASTM, "result.altered/astm")                                                                                                      \
    ATTACK(SHIFT, "result.shift")                                                                                                                    \
    ATTACK(ORDER_NONE, "order.mismatch/none")                                                                                                        \
    ATTACK(ORDER_CANCELLED, "order.mismatch/cancelled")                                                                                              \
    ATTACK(ORDER_CHANGED, "order.mismatch/changed")                                                                                                  \
    ATTACK(FALSE_ANSWER, "protocol.violation/answer")                                                                                                \
    ATTACK(OVERLAP, "protocol.violation/overlap")                                                                                                    \
    ATTACK(REPLAYED_SPECIMEN, "result.replayed/specimen")

enum simulate_attack {
    ATTACK_NONE,
#define SIMULATE_ATTACK_ENUM(c, kind) ATTACK_##c,
    SIMULATE_ATTACKS(SIMULATE_ATTACK_ENUM)
#undef SIMULATE_ATTACK_ENUM
        ATTACK_COUNT
};

#define SIMULATE_SECONDS_MIN 60
#define SIMULATE_SECONDS_MAX (7 * 24 * 3600)
#define SIMULATE_SECONDS 3600 /* where nothing is asked for */
#define SIMULATE_ANALYZERS_MIN 4
#define SIMULATE_ANALYZERS_MAX 500
#define SIMULATE_STAGED_MAX 16 /* most attacks of one kind */

struct simulate_options {
    uint64_t seed;
    int64_t seconds;               /* 0: SIMULATE_SECONDS */
    tq_time start;                 /* when the lab's day begins, by packets and by the messages' own time stamps; 0: drawn from the seed */
    unsigned analyzers;            /* 0: SIMULATE_ANALYZERS_MIN; the four kinds take turns; what else there is comes for each 50 of them */
    uint32_t specimens_from;       /* number of its first specimen: two labs that are listened to at one place have to count apart; below 1,000,000 */
    uint8_t attacks[ATTACK_COUNT]; /* how many of each kind to stage */
};

struct simulate;

/* NULL: no memory, or options out of range (the error says which). */
struct simulate *simulate_new(const struct simulate_options *options, struct error *e);
void simulate_free(struct simulate *s);

/* The next packet: an Ethernet frame, whole; *ret_bytes holds until the next call. 1: a packet, 0: the lab's day is over, -1: no memory. */
int simulate_next(struct simulate *s, tq_time *ret_time, struct span *ret_bytes, struct error *e);

/* Hands all packets to `each` (false from it stops the run, which then returns 0). */
int simulate_run(struct simulate *s, bool (*each)(void *context, tq_time time, struct span bytes), void *context, struct error *e);

/* Appends what was made so far, as a JSON object (docs/formats/truth.md). Whole once simulate_next gave 0. */
void simulate_truth(const struct simulate *s, struct buf *out);

/* The kind's name (with its way), and the kind of a name (ATTACK_NONE: no such kind). */
const char *simulate_attack_name(enum simulate_attack kind);
enum simulate_attack simulate_attack_kind(struct span name);

#endif
