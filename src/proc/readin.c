#include "proc/readin.h"

#include "proc/intake.h"
#include "proc/locked.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE (1u << 20)

struct run {
    uint8_t id[RUN_ID];
    uint64_t from;         /* least of its parts */
    tq_time begun;         /* earliest of its parts */
    uint64_t on_ledger[3]; /* by stream */
};

struct readin {
    struct spool_reader *reader;
    uint8_t present[RUN_ID];
    struct run *runs;
    size_t n;
    bool too_many;
    struct run *current; /* that the appender was told */
    struct readin_counts counts;
    struct record record;
};

static struct run *find_run(struct readin *r, const uint8_t id[RUN_ID])
{
    if (r->current != NULL && memcmp(r->current->id, id, RUN_ID) == 0)
        return r->current;
    for (size_t i = 0; i < r->n; i++)
        if (memcmp(r->runs[i].id, id, RUN_ID) == 0)
            return &r->runs[i];
    return NULL;
}

static void note_part(void *context, const struct spool_part *part)
{
    struct readin *r = context;
    struct run *run = find_run(r, part->run);
    if (run == NULL && r->n == READIN_RUNS) {
        r->too_many = true;
        return;
    }
    if (run == NULL) {
        run = &r->runs[r->n++];
        *run = (struct run){.from = part->from, .begun = part->begun};
        memcpy(run->id, part->run, RUN_ID);
    }
    if (part->from < run->from)
        run->from = part->from;
    if (part->begun < run->begun)
        run->begun = part->begun;
}

static void count_leaf(struct readin *r, const struct ledger_record *leaf, struct payload *payload)
{
    if (payload_decode(leaf->payload, payload, NULL) != 0)
        return; /* erased, or of nobody's here */
    struct run *run = find_run(r, payload->run);
    if (run == NULL || leaf->index < run->from)
        return;
    if (run->from != 0 && leaf->time < run->begun) /* listened to, and appended before the keys were locked: not from the spool */
        return;
    for (size_t i = 0; i < payload->n; i++)
        if (payload->records[i].position.seq != 0 || payload->records[i].position.ordinal != 0)
            run->on_ledger[leaf->stream]++;
}

static int count_ledger(struct readin *r, struct ledger *ledger, struct error *e)
{
    uint64_t from = UINT64_MAX;
    for (size_t i = 0; i < r->n; i++)
        if (r->runs[i].from < from)
            from = r->runs[i].from;
    if (r->n == 0 || from >= ledger_size(ledger))
        return 0;
    struct payload *payload = malloc(sizeof *payload);
    struct ledger_reader *reader = payload == NULL ? NULL : ledger_reader_new(ledger, from, e);
    struct ledger_record leaf;
    int got = payload == NULL ? err_set(e, ERR_SYSTEM, "no memory for reading the spool in") : reader == NULL ? -1 : 1;
    while (got == 1 && (got = ledger_reader_next(reader, &leaf, e)) == 1)
        count_leaf(r, &leaf, payload);
    ledger_reader_free(reader);
    free(payload);
    return got;
}

static void note_present(struct readin *r)
{
    struct spool_part present = {.from = UINT64_MAX, .begun = INT64_MAX};
    memcpy(present.run, r->present, RUN_ID);
    note_part(r, &present); /* its parts may not be written yet: none of it is on the ledger then */
}

struct readin *readin_new(int fd, const uint8_t secret[X25519_KEY], const uint8_t run[RUN_ID], struct ledger *ledger, struct error *e)
{
    struct readin *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->runs = calloc(READIN_RUNS, sizeof *r->runs);
    if (r == NULL || r->runs == NULL) {
        free(r);
        (void)err_set(e, ERR_SYSTEM, "no memory for reading the spool in");
        return NULL;
    }
    memcpy(r->present, run, RUN_ID);
    int result = spool_parts(fd, note_part, r, e);
    if (result == 0)
        note_present(r);
    if (result == 0 && r->too_many)
        result = err_set(e, ERR_LIMIT, "the spool holds more than %d runs", READIN_RUNS);
    if (result == 0)
        result = count_ledger(r, ledger, e);
    r->reader = result != 0 ? NULL : spool_reader_new(fd, secret, e);
    if (r->reader == NULL) {
        readin_free(r);
        return NULL;
    }
    return r;
}

void readin_free(struct readin *r)
{
    if (r == NULL)
        return;
    spool_reader_free(r->reader);
    free(r->runs);
    free(r);
}

/* Whether the ledger holds it: each stream holds a beginning of what was spooled. */
static bool is_on_ledger(struct readin *r)
{
    uint64_t *left = r->current->on_ledger;
    enum ledger_stream stream = appender_stream(r->record.event);
    if (left[stream] == 0)
        return false;
    left[stream]--;
    return true;
}

static int refuse(struct readin *r, const char *what)
{
    r->counts.refused++;
    if (r->counts.why[0] == 0)
        (void)snprintf(r->counts.why, sizeof r->counts.why, "the spool holds a record that nothing of this program put there: %s", what);
    return 0;
}

static int tell_run(struct readin *r, struct run *run, struct appender *a, struct error *e)
{
    if (run == r->current)
        return 0;
    r->current = run;
    return appender_run(a, run->id, e);
}

static int hand_over(struct readin *r, const struct spool_record *s, struct appender *a, struct error *e)
{
    struct span encoded = s->record;
    enum spooled what = (enum spooled)span_u8(&encoded);
    struct position place = {.seq = s->place.seq, .ordinal = s->place.ordinal};
    struct run *run = find_run(r, s->part->run);
    if (run == NULL)
        return err_set(e, ERR_SYSTEM, "the spool changed while it was read in");
    if (tell_run(r, run, a, e) != 0)
        return -1;
    if (what == SPOOLED_END) { /* of an earlier run it says nothing any more */
        if (memcmp(run->id, r->present, RUN_ID) == 0)
            appender_end(a);
        return 0;
    }
    struct error why = {0};
    if (record_decode(encoded, &r->record, &why) != 0)
        return refuse(r, why.text);
    bool may = locked_may(what, r->record.event) || (what == SPOOLED_RECORD && intake_relay_may(&r->record));
    if (!may || (what != SPOOLED_OWN && place.seq == 0))
        return refuse(r, event_name(r->record.event));
    if (is_on_ledger(r)) {
        r->counts.skipped++;
        return 0;
    }
    r->counts.records++;
    switch (what) {
    case SPOOLED_RECORD: return appender_put(a, place, encoded, e);
    case SPOOLED_EVIDENCE: return appender_put_evidence(a, place, encoded, e);
    case SPOOLED_OWN: return appender_put_noted(a, encoded, e);
    default: return 0;
    }
}

int readin_step(struct readin *r, uint64_t durable, struct appender *a, struct error *e)
{
    spool_reader_limit(r->reader, durable);
    uint64_t until = spool_reader_at(r->reader) + PIECE;
    while (spool_reader_at(r->reader) < until && !appender_full(a)) {
        struct spool_record s;
        struct error why = {0};
        int got = spool_reader_next(r->reader, &s, &why);
        if (got == 0)
            return 0;
        if (got < 0 && why.class != ERR_CORRUPT) {
            *e = why;
            return -1;
        }
        if (got < 0 && r->counts.why[0] == 0)
            memcpy(r->counts.why, why.text, sizeof r->counts.why);
        if (got == 1 && hand_over(r, &s, a, e) != 0)
            return -1;
    }
    return 1;
}

int readin_finish(struct readin *r, struct appender *a, struct error *e)
{
    return tell_run(r, find_run(r, r->present), a, e) != 0 ? -1 : appender_mark(a, e);
}

void readin_counts(const struct readin *r, struct readin_counts *ret)
{
    *ret = r->counts;
    ret->losses = spool_reader_losses(r->reader);
}
