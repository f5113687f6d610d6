/* How the relay's records become durable: first in the spool, then on the ledger (relay_role.h, invariants 3, 5 and 6). */
#include "proc/relay_role.h"

#define SPOOL_LATE TIME_SECOND              /* nothing was recorded for so long: the keeper hangs */
#define ROLL_AFTER (60 * TIME_SECOND)       /* what the ledger has does not stay in the spool for longer … */
#define ROLL_QUIET TIME_SECOND              /* … nor for longer than this, where nothing is on its way */
#define ROLL_BYTES (448u << 20)             /* … nor beyond this size, unless there is such a load … */
#define ROLL_CALM (2u << 20)                /* … that more than this is on its way */
#define FULL(max) ((max) / 16 * 14)         /* bytes in the spool: nothing more is taken from analyzers … */
#define AGAIN(max) ((max) / 16 * 13)        /* … until so few are left */
#define BRIM(max) ((max) / 16 * 15)         /* … and nothing more is written: up to here is room for what was taken before */
#define BEHIND_MOST (10 * 60 * TIME_SECOND) /* how long newer records wait for older ones that are read in */
#define OLDER (60 * TIME_SECOND)            /* what an earlier relay left is at most so old, where that one did not tell of it */
#define LOST (10 * TIME_SECOND)             /* what it had not made durable when it ended is not older than this */
#define COMPANY (10 * TIME_MS)              /* how long a record that nobody waits for waits for one that somebody does */
#define ASK_SOON (10 * TIME_MS)
#define ASK_AGAIN (2 * TIME_SECOND)
#define MEND_AFTER TIME_SECOND /* a spool that the disk did not take is tried again */

bool relay_spools(void)
{
    return (!rr.rolling || !relay_records_now()) && !rr.brim && spooler_can(rr.spool);
}

/* ── order ── */

static bool is_left(void)
{
    return rr.old_spool || rr.outbox.left != 0;
}

static bool is_behind(void)
{
    return rr.burst.is || is_left();
}

static void look_at_burst(void)
{
    struct spooler_state s;
    if (rr.now - rr.burst.look_at < BURST_LOOK)
        return;
    spooler_state(rr.spool, &s);
    struct burst_facts facts = {.behind = rr.outbox.bytes,
                                .spooled = s.bytes >= s.max / 8 * 6 ? BURST_BYTES : s.bytes,
                                .left = is_left(),
                                .earlier = rr.old_spool,
                                .calm = rr.outbox.bytes <= ROLL_CALM,
                                .records = relay_records_now(),
                                .can = spooler_can(rr.spool)};
    if (burst_look(&rr.burst, &facts, rr.now))
        rr.advanced = rr.now;
    rr.outbox.burst = rr.burst.is;
}

bool keep_in_order(void)
{
    return !is_behind() || (rr.behind.at != 0 && rr.now - rr.behind.at >= BEHIND_MOST);
}

bool keep_can(void)
{
    return is_behind() ? !rr.full && spooler_can(rr.spool) : relay_records_now() || spooler_can(rr.spool);
}

static void look_behind(void)
{
    bool behind = is_behind();
    const struct outbox_record *unsent = rr.outbox.unsent;
    tq_time at = rr.outbox.left != 0 ? rr.outbox.left_at : unsent != NULL ? unsent->at : rr.now;
    tq_time from = rr.wall - (rr.old_spool ? OLDER : rr.now - at);
    bool earlier = behind && rr.behind.is && from + TIME_SECOND < rr.behind.from && !rr.old_spool;
    if (behind == rr.behind.is && !earlier)
        return;
    rr.behind.from = from;
    rr.behind.told = false;
    rr.hurry = true; /* what waited goes */
    if (behind != rr.behind.is)
        rr.behind.at = rr.behind.began = behind ? rr.now : 0;
    rr.behind.is = behind;
}

void keep_untold(void)
{
    rr.behind.told = false;
}

bool keep_notice(void)
{
    static struct record r;
    if (rr.behind.told)
        return false;
    record_start(&r, EVENT_RELAY_BEHIND, rr.wall, NULL);
    record_str(&r, KEY_STATE, rr.behind.is ? "behind" : "whole");
    if (rr.behind.is) {
        record_int(&r, KEY_FIRST_TIME, rr.behind.from);
        record_str(&r, KEY_WHY, rr.old_spool ? "an earlier relay left records in the spool" : "records wait in the spool");
    } else if (rr.behind.lost_until != 0) {
        record_int(&r, KEY_FIRST_TIME, rr.behind.lost_until - LOST);
        record_int(&r, KEY_LAST_TIME, rr.behind.lost_until);
    }
    buf_clear(&rr.encoded);
    record_encode(&rr.encoded, &r);
    return buf_ok(&rr.encoded);
}

void keep_told(void)
{
    rr.behind.told = true;
}

/* ── the spool ── */

/* The engine is told how far everything is durable: on the ledger, or in the spool. */
static void tell_durable(void)
{
    uint64_t spooled = spooler_durable(rr.spool);
    outbox_spooled(&rr.outbox, spooled);
    relay_durable(rr.relay, tickets_durable(rr.tickets, rr.outbox.spooled));
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
    rr.awaited = false;
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
    if (s->bytes == 0 || is_behind())
        return false;
    if (rr.rolling)
        return true;
    bool quiet = outbox_is_recorded(&rr.outbox) && rr.now - rr.spool_from >= ROLL_QUIET;
    bool due = s->bytes >= ROLL_BYTES || s->bytes >= s->max / 2 || rr.now - rr.spool_from >= ROLL_AFTER;
    return quiet || (due && rr.outbox.bytes <= ROLL_CALM) || s->bytes >= FULL(s->max);
}

/* Empties the spool, once the ledger has all that is in it. What only the spool has is read in: keep_read_in. */
static void roll(void)
{
    struct spooler_state s;
    spooler_state(rr.spool, &s);
    if (s.bytes == 0 && !s.busy && rr.outbox.loose == NULL) {
        rr.spool_from = 0;
        rr.outbox.left = 0;
        rr.old_spool = false;
    } else if (rr.spool_from == 0) {
        rr.spool_from = rr.now;
    }
    rr.full = is_behind() && s.bytes >= (rr.full ? AGAIN(s.max) : FULL(s.max));
    rr.brim = is_behind() && s.bytes >= BRIM(s.max);
    bool rolled = rr.rolling;
    rr.rolling = roll_due(&s) && relay_records_now();
    rr.hurry = rr.hurry || (rr.rolling && !rolled); /* what waited for company is waited for now */
    bool both = rr.outbox.first != NULL && rr.outbox.first->spooled;
    if (rr.rolling && !both && !s.busy)
        spooler_forget(rr.spool, rr.recorded);
}

/* Nothing gets on: the keeper hangs. While it is only behind, what waits for the disk does not wait for it. */
static bool hangs(void)
{
    const struct outbox_record *oldest = rr.outbox.first;
    if (rr.burst.is || (rr.asked_bytes != 0 && rr.now - rr.advanced < BEHIND_MOST))
        return false;
    return oldest != NULL && oldest->seq > rr.recorded && rr.now - oldest->at >= SPOOL_LATE && rr.now - rr.advanced >= SPOOL_LATE;
}

/* What nobody waits for (an answer, a delivery) goes with what somebody does, or a little later: each write costs the disk and two threads a turn. */
static bool goes_now(void)
{
    return rr.awaited || rr.now - rr.outbox.loose->at >= COMPANY;
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
    if (relay_spools() && goes_now())
        keep_all();
}

/* What only the spool has is read in, piece by piece; more may be written behind it meanwhile. */
void keep_read_in(void)
{
    struct spooler_whole whole;
    if (!is_left() || rr.burst.is || !rr.recording || rr.detector.fd < 0 || rr.keeper.fd < 0 || rr.asked_bytes != 0 || rr.now < rr.ask_at)
        return;
    spooler_whole(rr.spool, &whole);
    if (whole.to == whole.from) {
        spooler_end(rr.spool);
        rr.ask_at = rr.now + ASK_SOON;
        return;
    }
    struct buf body = BUF_INIT(16);
    buf_be64(&body, whole.from);
    buf_be64(&body, whole.to);
    if (channel_put(&rr.keeper, MESSAGE_SPOOLED, buf_span(&body), NULL) == 0) {
        rr.asked_bytes = whole.to;
        rr.asked_seq = whole.seq;
        rr.advanced = rr.now;
    }
    buf_release(&body);
}

void keep_read(uint64_t bytes)
{
    if (bytes == 0 || bytes != rr.asked_bytes) {
        rr.asked_bytes = 0;
        rr.ask_at = rr.now + ASK_AGAIN;
        return;
    }
    spooler_read_in(rr.spool, bytes);
    rr.asked_bytes = 0;
    rr.old_spool = rr.stalled = false;
    rr.recorded = rr.asked_seq > rr.recorded ? rr.asked_seq : rr.recorded;
    rr.advanced = rr.behind.at = rr.now;
    outbox_read_in(&rr.outbox, rr.asked_seq);
    look_behind();
}

/* What was on its way to a keeper that is gone may be lost, and what the detector held for it come to the next one before it: that one's word for how
 * far the ledger has everything is then no word for what is missing. So the spool is read in, not forgotten. */
void keep_doubt(void)
{
    outbox_doubt(&rr.outbox, rr.seq);
    look_behind();
}

void keep_step(void)
{
    look_at_burst();
    look_behind();
    roll();
    spool_due();
    tell_durable();
}

tq_time keep_due(tq_time until)
{
    const struct outbox_record *loose = rr.outbox.loose;
    tq_time goes = loose == NULL || !relay_spools() ? until : loose->at + COMPANY;
    if (goes > rr.now && goes < until) /* else it was tried, and goes when there is room: the spool says when */
        until = goes;
    if (rr.rolling && loose != NULL && stalls_at() < until)
        until = stalls_at();
    return rr.mend_at != 0 && rr.mend_at < until ? rr.mend_at : until;
}
