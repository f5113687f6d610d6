#include "proc/projector.h"

#include "base/record.h"
#include "proc/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#define BATCH_RECORDS 256 /* views are committed after this many records … */
#define MISSED_ONE_BY_ONE 64
#define BATCH_TIME (20 * TIME_MS) /* … or this long: readers wait while a batch is open */

struct projector {
    struct projector_options o;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards the next ten */
    pthread_cond_t work;
    pthread_cond_t visible;
    bool woken;
    bool stopping;
    bool broken;
    struct error why;
    uint64_t holes; /* records that do not hold and were stepped over */
    uint64_t first_hole;
    struct error hole; /* why the first one does not hold */
    uint64_t next;     /* record to apply; the thread's own, as is what follows */
    unsigned missed;   /* records in a row that did not hold */
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
    (void)pthread_mutex_lock(p->o.ledger_lock);
    uint64_t size = ledger_size(p->o.ledger);
    (void)pthread_mutex_unlock(p->o.ledger_lock);
    if (step > size - p->next)
        step = size - p->next;
    (void)pthread_mutex_lock(&p->lock);
    if (p->holes == 0) {
        p->first_hole = p->next;
        p->hole = *e;
    }
    p->holes += step;
    (void)pthread_mutex_unlock(&p->lock);
    p->missed++;
    p->next += step;
}

static int apply_leaf(struct projector *p, const struct ledger_record *leaf, struct found *found, struct error *e)
{
    if (payload_decode(leaf->payload, &p->payload, e) != 0)
        return err_context(e, "record %llu", (unsigned long long)leaf->index);
    bool ours = memcmp(p->payload.run, p->o.run, RUN_ID) == 0;
    for (size_t i = 0; i < p->payload.n; i++) {
        const struct payload_record *r = &p->payload.records[i];
        struct committed c = {
            .index = leaf->index, .position = (uint32_t)i, .custody = leaf->stream == LEDGER_CUSTODY, .recorded = leaf->time, .json = r->veiled};
        if (span_is(event_of(r->veiled), event_name(EVENT_ACCOUNT_CREATED)))
            c.private_json = r->private;
        if (views_apply(p->o.views, &c, e) != 0)
            return -1;
        if (found != NULL && ours)
            note_record(found, leaf->stream, r);
    }
    return 0;
}

static int make_visible(struct projector *p, struct error *e)
{
    if (views_commit(p->o.views, e) != 0)
        return -1;
    (void)pthread_mutex_lock(&p->lock);
    (void)pthread_cond_broadcast(&p->visible);
    (void)pthread_mutex_unlock(&p->lock);
    views_take_notices(p->o.views, p->o.notice, p->o.context);
    return 0;
}

/* Applies what is committed, up to the first record that does not hold. */
static int follow_whole(struct projector *p, struct found *found, struct error *e)
{
    (void)pthread_mutex_lock(p->o.ledger_lock);
    struct ledger_reader *reader = ledger_size(p->o.ledger) > p->next ? ledger_reader_new(p->o.ledger, p->next, e) : NULL;
    bool nothing = reader == NULL && ledger_size(p->o.ledger) <= p->next;
    (void)pthread_mutex_unlock(p->o.ledger_lock);
    if (reader == NULL)
        return nothing ? 0 : -1;
    int r;
    size_t records = 0;
    tq_time since = clock_monotonic();
    for (;;) {
        struct ledger_record leaf;
        (void)pthread_mutex_lock(p->o.ledger_lock);
        r = ledger_reader_next(reader, &leaf, e);
        (void)pthread_mutex_unlock(p->o.ledger_lock);
        if (r != 1)
            break;
        if (found != NULL && leaf.index == 0)
            found->first_time = leaf.time;
        if ((r = apply_leaf(p, &leaf, found, e)) != 0)
            break;
        p->next = leaf.index + 1;
        p->missed = 0;
        records += p->payload.n;
        if (records < BATCH_RECORDS && clock_monotonic() - since < BATCH_TIME)
            continue;
        if ((r = make_visible(p, e)) != 0)
            break;
        records = 0;
        since = clock_monotonic();
    }
    ledger_reader_free(reader);
    struct error late;
    if (make_visible(p, r == 0 ? e : &late) != 0)
        r = -1;
    return r;
}

/* Applies all that is committed and holds. */
static int follow(struct projector *p, struct found *found, struct error *e)
{
    struct error why = {0};
    while (follow_whole(p, found, &why) != 0) {
        if (why.class != ERR_CORRUPT) {
            *e = why;
            return -1;
        }
        step_over(p, &why);
        why = (struct error){0};
    }
    return 0;
}

int projector_catch_up(struct projector *p, struct found *ret, struct error *e)
{
    *ret = (struct found){0};
    int r = follow(p, ret, e);
    ret->progress.ledger = p->next;
    if (r != 0)
        mark_broken(p, e);
    return r;
}

static void *run(void *context)
{
    struct projector *p = context;
    for (;;) {
        (void)pthread_mutex_lock(&p->lock);
        while (!p->woken && !p->stopping)
            (void)pthread_cond_wait(&p->work, &p->lock);
        bool stopping = p->stopping;
        p->woken = false;
        bool broken = p->broken;
        (void)pthread_mutex_unlock(&p->lock);
        struct error e = {0};
        if (!broken && follow(p, NULL, &e) != 0)
            mark_broken(p, &e);
        if (stopping)
            return NULL;
    }
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
    (void)pthread_cond_signal(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

int projector_wait(struct projector *p, uint64_t index, tq_time most, struct error *e)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    tq_time until = (tq_time)t.tv_sec * TIME_SECOND + t.tv_nsec + most;
    t = (struct timespec){.tv_sec = until / TIME_SECOND, .tv_nsec = until % TIME_SECOND};
    int r = 0;
    (void)pthread_mutex_lock(&p->lock);
    while (views_visible(p->o.views) <= index && !p->broken && r != ETIMEDOUT)
        r = pthread_cond_clockwait(&p->visible, &p->lock, CLOCK_MONOTONIC, &t);
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
