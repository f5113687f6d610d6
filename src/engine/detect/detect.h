/* detect: records in, findings out. Pure: no key, no file, no clock; the time is that of the records.
 *
 * A finding is a record too (EVENT_FINDING): kind, severity, title, subjects, evidence, technique, advice, and its canonical cause, from which the
 * veil makes the id. The same cause gives a finding again at most once per detector's life unless it got worse; the keeper joins what comes after a
 * restart. */
#ifndef TQ_DETECT_H
#define TQ_DETECT_H

#include "base/error.h"
#include "base/hash.h"
#include "base/record.h"

struct detect;

struct detect_options {
    struct hash_key hash_key; /* for tables; random, from the caller */
    struct record_sink sink;  /* gets the findings */
    bool follow;              /* the sink also gets EVENT_RESULT_FOLLOWED: what became of each result */
    tq_time learn;            /* how long from the first packet on senders are taken as known (0: the default of 60 s of packet time) */
};

struct detect *detect_new(const struct detect_options *options, struct error *e);
void detect_free(struct detect *d);

/* Judges one record; findings go to the sink during the call. */
void detect_record(struct detect *d, const struct record *r);

/* The packet clock has come so far, also where no record says so: what is overdue is told. Called with the times of packets only. */
void detect_advance(struct detect *d, tq_time now);

/* No record will come any more (the end of a capture): what waits for company is judged as it is. What is not overdue by then is not told as missing.
 */
void detect_end(struct detect *d);

/* Is this a field of lab.message or lab.result that decides what is found? Without the others the same findings are made; but then a finding does not
 * hold what is private in its message, and must not be shown. */
bool detect_reads(enum record_key key);

/* Findings so far, by kind, in alphabetical order. */
void detect_kinds(const struct detect *d, void (*each)(void *context, const char *kind, uint64_t count), void *context);

/* What the detector has learnt (known senders …), for the keeper to keep and to hand back after a restart. Format: docs/formats/detector-state.md. */
void detect_save(const struct detect *d, struct buf *out);
int detect_restore(struct detect *d, struct span saved, struct error *e);

#endif
