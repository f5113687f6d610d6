#include "proc/projector.h"

#include "base/record.h"
#include "proc/clock.h"
#include "proc/role.h"
#include "record/crypto/crypto.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define BATCH_RECORDS 256 /* views are committed after this many records … */
#define MANY_RECORDS 4096 /* … but after this many, where nobody waits for one: a transaction writes the same pages for many records at once */
#define MISSED_ONE_BY_ONE 64
#define BATCH_TIME (20 * TIME_MS) /* … or this long: whoever waits for one sees it then */
#define MANY_TIME (250 * TIME_MS) /* as long where nobody waits and records come all the time */
#define AGAIN (1 * TIME_SECOND)   /* a store that could not be written is tried again */
#define PATIENCE TIME_SECOND      /* of a stop, for what the views lack */
#define BEHIND 10                 /* its niceness: records have to be durable in time, and shown when there is time */
#define KEPT_VERSION 1
#define KEPT_BYTES (1 + RUN_ID + 1 + 3 * 12 + 6 * 8 + 8 + SHA256_SIZE + 16)

/* What is kept in the store with the rows. */
struct kept {
    uint8_t run[RUN_ID];
    struct found found;        /* of that run */
    uint8_t last[SHA256_SIZE]; /* of the record before `next`, as it was read; zeros: it did not hold */
    uint64_t holes;            /* records that do not hold and were stepped over */
    uint64_t first_hole;
};

struct projector {
    struct projector_options o;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what stands before `next` */
    pthread_cond_t work;
    pthread_cond_t visible;
    bool woken;
    bool idle;                /* it waits for `woken`, and gathers nothing */
    _Atomic unsigned waiting; /* for a record to be visible */
    bool busy;                /* the last time there were many records: the thread's own */
    bool stopping;
    _Atomic tq_time give_up; /* stopping: what is not applied by then (monotonic), is left; 0: not stopping */
    bool broken;
    struct error why;
    uint64_t holes; /* as kept.holes and first_hole */
    uint64_t first_hole;
    struct error hole;     /* why the first one does not hold */
    uint64_t next;         /* record to apply; the thread's own, as is what follows */
    unsigned missed;       /* records in a row that did not hold */
    bool store_failed;     /* the last error was not the ledger's */
    struct kept kept;      /* up to `next` … */
    struct kept committed; /* … and as it was at the last commit, up to: */
    uint64_t committed_next;
    struct payload payload;
};

struct projector *projector_new(const struct projector_options *options, struct error *e)
{
    struct projector *p = calloc(1, sizeof *p);
    if (p == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the projector");
        return NULL;
    }
    p->o = *options;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->visible, NULL);
    return p;
}

/* ── what this run had done ── */

/* The name of the event in a veiled text, which starts {"time":"…","event":"…". */
static struct span event_of(struct span veiled)
{
    static const char mark[] = "\"event\":\"";
    const uint8_t *at = memmem(veiled.p, veiled.n, mark, sizeof mark - 1);
    if (at == NULL)
        return (struct span){0};
    struct span rest = span_of(at + sizeof mark - 1, veiled.n - (size_t)(at - veiled.p) - (sizeof mark - 1));
    return span_until(&rest, '"', NULL);
}

/* What is sealed of these (hashes of passwords, codes and tokens; where a mail came from) is needed to let people in, to judge what they learnt, or
 * to find what is alike; the views see it of no other record. */
static bool views_need(struct span event)
{
    static const char *const nouns[] = {"account.", "token.", "totp.", "recovery.", "training.", "phish.", "mail.", "incident."};
    for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++)
        if (span_starts(event, span_str(nouns[i])))
            return true;
    return false;
}

static void note_capture(struct span veiled, struct progress *progress)
{
    json_t *object = json_loadb((const char *)veiled.p, veiled.n, 0, NULL);
    json_int_t packets = json_integer_value(json_object_get(object, "packets"));
    json_int_t damaged = json_integer_value(json_object_get(object, "damaged"));
    progress->packets = packets > 0 ? (uint64_t)packets : 0;
    progress->damaged = damaged > 0 ? (uint64_t)damaged : 0;
    json_decref(object);
}

static void note_record(struct found *f, enum ledger_stream stream, const struct payload_record *r)
{
    struct span event = event_of(r->veiled);
    if (r->position.seq == 0) {
        if (span_is(event, event_name(EVENT_RUN_STARTED)))
            f->run_started = true;
        return;
    }
    if (span_is(event, event_name(EVENT_EVIDENCE_PACKETS))) { /* under its finding's position */
        if (position_after(r->position, f->evidence))
            f->evidence = r->position;
        return;
    }
    struct position *highest = stream == LEDGER_CUSTODY ? &f->custody : &f->observation;
    if (position_after(r->position, *highest))
        *highest = r->position;
    f->progress.records++;
    if (span_is(event, event_name(EVENT_LAB_MESSAGE)))
        f->progress.messages++;
    else if (span_is(event, event_name(EVENT_LAB_RESULT)))
        f->progress.results++;
    else if (span_is(event, event_name(EVENT_FINDING)))
        f->progress.findings++;
    else if (span_is(event, event_name(EVENT_CAPTURE_ENDED)))
        note_capture(r->veiled, &f->progress);
}

/* ── what is kept ── */

static void put_position(struct buf *out, struct position p)
{
    buf_be64(out, p.seq);
    buf_be32(out, p.ordinal);
}

static struct position take_position(struct span *s)
{
    struct position p = {.seq = span_be64(s)};
    p.ordinal = span_be32(s);
    return p;
}

static void kept_encode(struct buf *out, const struct kept *k)
{
    const struct found *f = &k->found;
    const uint64_t counts[] = {f->progress.records,  f->progress.messages, f->progress.results,
                               f->progress.findings, f->progress.packets,  f->progress.damaged};
    buf_u8(out, KEPT_VERSION);
    buf_add(out, k->run, RUN_ID);
    buf_u8(out, f->run_started);
    put_position(out, f->custody);
    put_position(out, f->observation);
    put_position(out, f->evidence);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        buf_be64(out, counts[i]);
    buf_be64(out, (uint64_t)f->first_time);
    buf_add(out, k->last, sizeof k->last);
    buf_be64(out, k->holes);
    buf_be64(out, k->first_hole);
}

static int kept_decode(struct span s, struct kept *k, struct error *e)
{
    struct found *f = &k->found;
    uint64_t *const counts[] = {&f->progress.records,  &f->progress.messages, &f->progress.results,
                                &f->progress.findings, &f->progress.packets,  &f->progress.damaged};
    if (s.n != KEPT_BYTES || span_u8(&s) != KEPT_VERSION)
        return err_set(e, ERR_MISUSE, "the views were made by another program");
    memcpy(k->run, span_take(&s, RUN_ID).p, RUN_ID);
    f->run_started = span_u8(&s) != 0;
    f->custody = take_position(&s);
    f->observation = take_position(&s);
    f->evidence = take_position(&s);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        *counts[i] = span_be64(&s);
    f->first_time = (tq_time)span_be64(&s);
    memcpy(k->last, span_take(&s, sizeof k->last).p, sizeof k->last);
    k->holes = span_be64(&s);
    k->first_hole = span_be64(&s);
    return 0;
}

/* Kept as hexadecimal digits, which a dump can show. */
static int keep(struct projector *p, struct error *e)
{
    static const char digits[] = "0123456789abcdef";
    struct buf bytes = BUF_INIT(KEPT_BYTES);
    char text[2 * KEPT_BYTES];
    kept_encode(&bytes, &p->kept);
    for (size_t i = 0; i < bytes.n; i++) {
        text[2 * i] = digits[bytes.p[i] >> 4];
        text[2 * i + 1] = digits[bytes.p[i] & 15];
    }
    int r = views_keep(p->o.views, p->next, span_of(text, 2 * bytes.n), e);
    buf_release(&bytes);
    return r;
}

static uint8_t digit_of(uint8_t c)
{
    return c >= 'a' ? (uint8_t)(c - 'a' + 10) : (uint8_t)(c - '0');
}

static int unkeep(struct projector *p, struct error *e)
{
    struct buf text = BUF_INIT(2 * KEPT_BYTES);
    uint8_t bytes[KEPT_BYTES];
    int r = views_resume(p->o.views, &p->next, &text, e);
    if (r == 0 && text.n > 0) {
        for (size_t i = 0; i < text.n / 2; i++)
            bytes[i] = (uint8_t)(digit_of(text.p[2 * i]) << 4 | digit_of(text.p[2 * i + 1]));
        r = kept_decode(span_of(bytes, text.n / 2), &p->kept, e);
    }
    buf_release(&text);
    return r;
}

static void digest_leaf(const struct ledger_record *leaf, uint8_t out[SHA256_SIZE])
{
    struct buf head = BUF_INIT(32);
    buf_be64(&head, leaf->index);
    buf_u8(&head, (uint8_t)leaf->stream);
    buf_be64(&head, (uint64_t)leaf->time);
    struct span parts[] = {buf_span(&head), leaf->payload};
    crypto_sha256_parts(parts, 2, out);
    buf_release(&head);
}

/* Reads one record. 1; 0: it is not there; -1: ERR_CORRUPT it does not hold. */
static int read_one(struct projector *p, uint64_t index, uint8_t digest[SHA256_SIZE], struct error *e)
{
    struct ledger_record leaf;
    struct ledger_reader *reader = ledger_reader_new(p->o.ledger, index, e);
    int r = reader == NULL ? -1 : ledger_reader_next(reader, &leaf, e);
    if (r == 1 && (leaf.erased || leaf.index != index))
        memcpy(digest, p->kept.last, SHA256_SIZE); /* erased or removed: it may have been that */
    else if (r == 1)
        digest_leaf(&leaf, digest);
    ledger_reader_free(reader);
    return r;
}

/* Is the ledger still the one that the rows are of? And is what was damaged still so: else there is more to show than the rows hold. */
static int agrees(struct projector *p, struct error *e)
{
    static const uint8_t none[SHA256_SIZE];
    uint8_t digest[SHA256_SIZE];
    struct error why = {0};
    if (p->next > 0 && memcmp(p->kept.last, none, sizeof none) != 0) {
        int r = read_one(p, p->next - 1, digest, &why);
        if (r == 0 || (r == 1 && memcmp(digest, p->kept.last, sizeof digest) != 0))
            return err_set(e, ERR_MISUSE, "the views are of another ledger than this: record %llu is another", (unsigned long long)p->next - 1);
    }
    if (p->kept.holes == 0)
        return 0;
    if (read_one(p, p->kept.first_hole, digest, &why) != -1)
        return err_set(e, ERR_MISUSE, "record %llu, which did not hold, is whole again", (unsigned long long)p->kept.first_hole);
    p->holes = p->kept.holes;
    p->first_hole = p->kept.first_hole;
    p->hole = why;
    return 0;
}

/* ── following ── */

static void mark_broken(struct projector *p, const struct error *e)
{
    (void)pthread_mutex_lock(&p->lock);
    p->broken = true;
    p->why = *e;
    (void)pthread_cond_broadcast(&p->visible);
    (void)pthread_mutex_unlock(&p->lock);
}

/* A record that does not hold is stepped over: whoever damages one must not take all that came after it from the page. Where many in a row do not
 * hold, the steps grow, so that a segment in ruins costs few attempts. */
static void step_over(struct projector *p, const struct error *e)
{
    uint64_t step = p->missed < MISSED_ONE_BY_ONE ? 1 : UINT64_C(1) << (p->missed - MISSED_ONE_BY_ONE < 20 ? p->missed - MISSED_ONE_BY_ONE : 20);
    uint64_t size = ledger_size(p->o.ledger);
    if (step > size - p->next)
        step = size - p->next;
    (void)pthread_mutex_lock(&p->lock);
    if (p->holes == 0) {
        p->first_hole = p->next;
        p->hole = *e;
    }
    p->holes += step;
    p->kept.holes = p->holes;
    p->kept.first_hole = p->first_hole;
    (void)pthread_mutex_unlock(&p->lock);
    memset(p->kept.last, 0, sizeof p->kept.last);
    p->missed++;
    p->next += step;
}

static int apply_leaf(struct projector *p, const struct ledger_record *leaf, struct error *e)
{
    if (leaf->erased) { /* no hole: what it said is gone on purpose */
        memset(p->kept.last, 0, sizeof p->kept.last);
        const struct committed gone = {.index = leaf->index, .custody = leaf->stream == LEDGER_CUSTODY, .recorded = leaf->time};
        if (views_erased(p->o.views, &gone, e) == 0)
            return 0;
        p->store_failed = true;
        return -1;
    }
    if (payload_decode(leaf->payload, &p->payload, e) != 0)
        return err_context(e, "record %llu", (unsigned long long)leaf->index);
    bool ours = memcmp(p->payload.run, p->o.run, RUN_ID) == 0;
    for (size_t i = 0; i < p->payload.n; i++) {
        const struct payload_record *r = &p->payload.records[i];
        struct committed c = {
            .index = leaf->index, .position = (uint32_t)i, .custody = leaf->stream == LEDGER_CUSTODY, .recorded = leaf->time, .json = r->veiled};
        if (views_need(event_of(r->veiled)))
            c.private_json = r->private;
        if (views_apply(p->o.views, &c, e) != 0) {
            p->store_failed = true;
            return -1;
        }
        if (ours)
            note_record(&p->kept.found, leaf->stream, r);
    }
    digest_leaf(leaf, p->kept.last);
    return 0;
}

static int checkpoint(struct projector *p, struct error *e)
{
    struct store_mark mark;
    if (store_checkpoint(p->o.store, &mark, e) != 0)
        return -1;
    if (p->o.checkpointed != NULL)
        p->o.checkpointed(p->o.context, &mark, p->committed_next);
    return 0;
}

static int make_visible(struct projector *p, struct error *e)
{
    if (p->next == p->committed_next)
        return 0;
    if (keep(p, e) != 0 || views_commit(p->o.views, e) != 0) {
        p->store_failed = true;
        return -1;
    }
    p->committed = p->kept;
    p->committed_next = p->next;
    (void)pthread_mutex_lock(&p->lock);
    (void)pthread_cond_broadcast(&p->visible);
    (void)pthread_mutex_unlock(&p->lock);
    views_take_notices(p->o.views, p->o.notice, p->o.context);
    if (store_checkpoint_due(p->o.store) && checkpoint(p, e) != 0) {
        p->store_failed = true;
        return -1;
    }
    return 0;
}

static bool out_of_patience(const struct projector *p, tq_time now)
{
    tq_time give_up = atomic_load(&p->give_up);
    return give_up != 0 && now >= give_up;
}

/* Applies what is committed, up to the first record that does not hold; while it is stopping, as much as there is time for. */
static int follow_whole(struct projector *p, struct error *e)
{
    if (ledger_size(p->o.ledger) <= p->next)
        return 0;
    struct ledger_reader *reader = ledger_reader_new(p->o.ledger, p->next, e);
    if (reader == NULL)
        return -1;
    int r;
    size_t records = 0;
    tq_time since = clock_monotonic();
    for (;;) {
        struct ledger_record leaf;
        r = ledger_reader_next(reader, &leaf, e);
        if (r != 1)
            break;
        if (leaf.index == 0)
            p->kept.found.first_time = leaf.time;
        if ((r = apply_leaf(p, &leaf, e)) != 0)
            break;
        p->next = leaf.index + 1;
        p->missed = 0;
        records += p->payload.n;
        tq_time now = clock_monotonic();
        if (out_of_patience(p, now))
            break;
        bool awaited = atomic_load(&p->waiting) > 0;
        if (records < (awaited ? BATCH_RECORDS : MANY_RECORDS) && now - since < (awaited ? BATCH_TIME : MANY_TIME))
            continue;
        if ((r = make_visible(p, e)) != 0)
            break;
        records = 0;
        since = now;
    }
    ledger_reader_free(reader);
    struct error late = {0};
    if (!p->store_failed && make_visible(p, &late) != 0) {
        *e = late;
        r = -1;
    }
    return r;
}

/* Applies all that is committed and holds. Where the store fails, nothing of the last batch was. */
static int follow(struct projector *p, struct error *e)
{
    struct error why = {0};
    p->store_failed = false;
    while (follow_whole(p, &why) != 0) {
        if (why.class != ERR_CORRUPT || p->store_failed) {
            views_abandon(p->o.views);
            p->kept = p->committed;
            p->next = p->committed_next;
            (void)pthread_mutex_lock(&p->lock);
            p->holes = p->kept.holes;
            (void)pthread_mutex_unlock(&p->lock);
            *e = why;
            return -1;
        }
        step_over(p, &why);
        why = (struct error){0};
    }
    return 0;
}

int projector_catch_up(struct projector *p, struct found *ret, uint64_t *ret_from, struct error *e)
{
    *ret = (struct found){0};
    int r = unkeep(p, e) != 0 || agrees(p, e) != 0 ? -1 : 0;
    if (ret_from != NULL)
        *ret_from = p->next;
    if (r == 0 && memcmp(p->kept.run, p->o.run, RUN_ID) != 0) {
        p->kept.found = (struct found){.first_time = p->kept.found.first_time};
        memcpy(p->kept.run, p->o.run, RUN_ID);
    }
    p->committed = p->kept;
    p->committed_next = p->next;
    if (r == 0)
        r = follow(p, e);
    *ret = p->kept.found;
    ret->progress.ledger = p->next;
    if (r != 0)
        mark_broken(p, e);
    return r;
}

static struct timespec from_now(tq_time wait)
{
    tq_time until = clock_monotonic() + wait;
    return (struct timespec){.tv_sec = until / TIME_SECOND, .tv_nsec = until % TIME_SECOND};
}

/* Waits for work; where the store failed, not longer than until it is tried again. While records come all the time, many are shown at once, unless
 * somebody waits for one: a transaction costs as much as twenty rows. */
static bool wait_for_work(struct projector *p)
{
    struct timespec gathered = from_now(p->busy ? MANY_TIME : BATCH_TIME);
    struct timespec t = from_now(AGAIN);
    int r = 0;
    (void)pthread_mutex_lock(&p->lock);
    while (!p->broken && !p->stopping && p->waiting == 0 && r != ETIMEDOUT)
        r = pthread_cond_clockwait(&p->work, &p->lock, CLOCK_MONOTONIC, &gathered);
    r = 0;
    p->idle = true;
    while (!p->woken && !p->stopping && r != ETIMEDOUT)
        r = p->broken ? pthread_cond_clockwait(&p->work, &p->lock, CLOCK_MONOTONIC, &t) : pthread_cond_wait(&p->work, &p->lock);
    p->idle = false;
    bool stopping = p->stopping;
    p->woken = false;
    (void)pthread_mutex_unlock(&p->lock);
    return !stopping;
}

static void tell_trouble(struct projector *p, bool failed, const struct error *why)
{
    (void)pthread_mutex_lock(&p->lock);
    bool was = p->broken;
    p->broken = failed;
    (void)pthread_mutex_unlock(&p->lock);
    if (failed)
        mark_broken(p, why);
    if (failed != was && p->o.trouble != NULL)
        p->o.trouble(p->o.context, failed ? why : NULL);
}

static void *run(void *context)
{
    struct projector *p = context;
    bool going = true;
    role_step_back(BEHIND);
    while (going) {
        struct error e = {0};
        going = wait_for_work(p);
        uint64_t from = p->next;
        tell_trouble(p, follow(p, &e) != 0, &e);
        p->busy = p->next - from >= BATCH_RECORDS;
    }
    struct error e = {0};
    struct store_mark mark; /* in memory there is none, and nothing to make durable */
    if (!p->broken && store_mark(p->o.store, &mark) && checkpoint(p, &e) != 0)
        tell_trouble(p, true, &e);
    return NULL;
}

int projector_start(struct projector *p, struct error *e)
{
    int r = pthread_create(&p->thread, NULL, run, p);
    p->running = r == 0;
    return r == 0 ? 0 : err_sys(e, r, "starting the projector");
}

void projector_stop(struct projector *p)
{
    if (p == NULL)
        return;
    if (p->running) {
        atomic_store(&p->give_up, clock_monotonic() + (p->o.patience != 0 ? p->o.patience : PATIENCE));
        (void)pthread_mutex_lock(&p->lock);
        p->stopping = true;
        (void)pthread_cond_signal(&p->work);
        (void)pthread_mutex_unlock(&p->lock);
        (void)pthread_join(p->thread, NULL);
    }
    (void)pthread_cond_destroy(&p->visible);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

void projector_wake(struct projector *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->woken = true;
    if (p->idle)
        (void)pthread_cond_signal(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

int projector_wait(struct projector *p, uint64_t index, tq_time most, struct error *e)
{
    struct timespec t = from_now(most);
    int r = 0;
    (void)pthread_mutex_lock(&p->lock);
    p->waiting++;
    (void)pthread_cond_signal(&p->work);
    while (views_visible(p->o.views) <= index && !p->broken && r != ETIMEDOUT)
        r = pthread_cond_clockwait(&p->visible, &p->lock, CLOCK_MONOTONIC, &t);
    p->waiting--;
    bool there = views_visible(p->o.views) > index;
    (void)pthread_mutex_unlock(&p->lock);
    return there ? 0 : err_set(e, ERR_AGAIN, "written to the ledger, but not yet shown on the page");
}

uint64_t projector_holes(struct projector *p, uint64_t *ret_first, struct error *e)
{
    (void)pthread_mutex_lock(&p->lock);
    uint64_t holes = p->holes;
    if (holes > 0) {
        *ret_first = p->first_hole;
        *e = p->hole;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return holes;
}
