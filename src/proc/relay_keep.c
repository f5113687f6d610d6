/* How the relay's records become durable: first in the spool, then on the ledger (relay_role.h, invariants 3 and 5). */
#include "proc/relay_role.h"

#define SPOOL_LATE TIME_SECOND        /* nothing was recorded for so long: the keeper hangs */
#define ROLL_AFTER (60 * TIME_SECOND) /* what the ledger has does not stay in the spool for longer … */
#define ROLL_QUIET TIME_SECOND        /* … nor for longer than this, where nothing is on its way */
#define ROLL_BYTES (128u << 20)       /* … nor beyond this size, unless there is such a load … */
#define ROLL_CALM (2u << 20)          /* … that more than this is on its way */
#define ROLL_FULL (SPOOLER_MAX / 8 * 7)
#define MEND_AFTER TIME_SECOND /* a spool that the disk did not take is tried again */

bool relay_spools(void)
{
    return (!rr.rolling || !relay_records_now()) && spooler_can(rr.spool);
}

/* The engine is told how far everything is durable: on the ledger, or in the spool. */
static void tell_durable(void)
{
    uint64_t spooled = spooler_durable(rr.spool);
    outbox_spooled(&rr.outbox, spooled);
    relay_durable(rr.relay, rr.outbox.spooled);
}

/* Messages whose records wait in the spool for a ledger that is not written. */
static void count_spooled(void)
{
    static struct record r;
    bool waits = !relay_records_now();
    bool more = waits && (!rr.spool_counts || rr.outbox.loose != NULL);
    rr.spool_counts = waits;
    for (struct outbox_record *o = more ? rr.outbox.first : NULL; o != NULL; o = o->next) {
        struct span encoded = span_of(o->bytes + OUTBOX_HEAD, o->n - OUTBOX_HEAD);
        bool message = !o->counted && record_decode(encoded, &r, NULL) == 0 && r.event == EVENT_LAB_MESSAGE;
        struct line *l = message ? relay_line(record_get(&r, KEY_LINK)) : NULL;
        if (l != NULL)
            l->spooled++;
        o->counted = true;
    }
}

void keep_all(void)
{
    for (const struct outbox_record *r = rr.outbox.loose; r != NULL; r = rr.outbox.loose) {
        struct span encoded = span_of(r->bytes + OUTBOX_HEAD, r->n - OUTBOX_HEAD);
        if (!spooler_put(rr.spool, r->seq, encoded))
            return;
        outbox_given(&rr.outbox);
    }
}

/* When the keeper is too late. An answer that waits for the LIS's and for its record (record_wait) cannot wait long; an analyzer that we answer
 * ourselves can, and where the keeper gets on, spooling what it is about to record would only make it later. */
static tq_time stalls_at(void)
{
    tq_time since = rr.outbox.loose->at;
    for (size_t i = 0; i < rr.lines_n; i++)
        if (!rr.lines[i].store)
            return since + SPOOL_AFTER;
    tq_time stands = (rr.advanced > since ? rr.advanced : since) + SPOOL_AFTER;
    return stands < since + SPOOL_LATE ? stands : since + SPOOL_LATE;
}

/* Whether the spool is to take nothing more, so that what is in it gets old and it can be emptied. Not under load: the ledger would have to catch up
 * first, and what waits for it meanwhile would wait long. */
static bool roll_due(const struct spooler_state *s)
{
    if (s->bytes == 0)
        return false;
    if (rr.rolling || rr.old_spool || rr.asked_bytes != 0)
        return true;
    bool quiet = outbox_is_recorded(&rr.outbox) && rr.now - rr.spool_from >= ROLL_QUIET;
    bool due = rr.outbox.left || s->bytes >= ROLL_BYTES || rr.now - rr.spool_from >= ROLL_AFTER;
    return quiet || (due && rr.outbox.bytes <= ROLL_CALM) || s->bytes >= ROLL_FULL;
}

/* Empties the spool, once the ledger has all that is in it. What only the spool has is read in: keep_read_in. */
static void roll(void)
{
    struct spooler_state s;
    spooler_state(rr.spool, &s);
    if (s.bytes == 0 && !s.busy && rr.outbox.loose == NULL) {
        rr.spool_from = 0;
        rr.outbox.left = false;
    } else if (rr.spool_from == 0) {
        rr.spool_from = rr.now;
    }
    bool rolled = rr.rolling;
    rr.rolling = roll_due(&s) && relay_records_now();
    rr.hurry = rr.hurry || (rr.rolling && !rolled); /* what waited for company is waited for now */
    bool both = rr.outbox.first != NULL && rr.outbox.first->spooled;
    if (rr.rolling && !rr.old_spool && !rr.outbox.left && rr.asked_bytes == 0 && !both && !s.busy)
        spooler_forget(rr.spool, rr.recorded);
}

/* Nothing gets on: the keeper hangs. While it is only behind, what waits for the disk does not wait for it. */
static bool hangs(void)
{
    const struct outbox_record *oldest = rr.outbox.first;
    return oldest != NULL && oldest->seq > rr.recorded && rr.now - oldest->at >= SPOOL_LATE && rr.now - rr.advanced >= SPOOL_LATE;
}

/* What is to be durable goes to the spool, in order. While that is emptied the keeper makes it so, and the spool only where it takes too long. */
static void spool_due(void)
{
    if (spooler_broken(rr.spool)) {
        if (rr.mend_at == 0)
            rr.mend_at = rr.now + MEND_AFTER;
        if (rr.now < rr.mend_at)
            return;
        rr.mend_at = 0;
        outbox_loosen(&rr.outbox);
        spooler_mend(rr.spool);
    }
    rr.stalled = rr.stalled || hangs();
    count_spooled();
    if (rr.outbox.loose == NULL)
        return;
    if (rr.rolling && rr.now >= stalls_at())
        rr.stalled = true;
    if (relay_spools())
        keep_all();
}

/* What only the spool has is read in, once the keeper is at work and has everything else. */
void keep_read_in(void)
{
    struct spooler_state s;
    spooler_state(rr.spool, &s);
    bool both = rr.outbox.first != NULL && rr.outbox.first->spooled; /* it may be on its way to the ledger, too */
    if (s.bytes == 0)
        rr.asked_bytes = 0;
    bool needed = rr.old_spool || rr.outbox.left;
    if (!needed || !relay_records_now() || both || s.busy || s.bytes == 0 || rr.keeper.fd < 0 || rr.now < rr.ask_at)
        return;
    uint64_t whole = spooler_whole(rr.spool);
    if (whole == 0) {
        spooler_end(rr.spool);
        return;
    }
    if (rr.asked_bytes == whole)
        return;
    struct buf body = BUF_INIT(8);
    buf_be64(&body, whole);
    if (channel_put(&rr.keeper, MESSAGE_SPOOLED, buf_span(&body), NULL) == 0)
        rr.asked_bytes = whole;
    buf_release(&body);
}

/* What was on its way to a keeper that is gone may be lost, and what the detector held for it come to the next one before it: that one's word for how
 * far the ledger has everything is then no word for what is missing. So the spool is read in, not forgotten. */
void keep_doubt(void)
{
    rr.outbox.left = rr.outbox.left || !outbox_is_recorded(&rr.outbox);
}

void keep_step(void)
{
    roll();
    spool_due();
    tell_durable();
}

tq_time keep_due(tq_time until)
{
    if (rr.rolling && rr.outbox.loose != NULL && stalls_at() < until)
        until = stalls_at();
    return rr.mend_at != 0 && rr.mend_at < until ? rr.mend_at : until;
}
