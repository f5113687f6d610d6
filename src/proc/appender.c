#include "proc/appender.h"

#include "base/text.h"
#include "proc/clock.h"
#include "proc/judged.h"
#include "proc/link.h"
#include "proc/log.h"
#include "proc/role.h"
#include "proc/scopes.h"
#include "record/crypto/crypto.h"
#include "record/ledger/keys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define GROUP_TIME (200 * TIME_MS)   /* longest that a custody record waits for its commit */
#define BATCH_TIME TIME_SECOND       /* longest that an observation waits for company */
#define PUBLISH_TIME TIME_SECOND     /* longest that what is durable waits for its checkpoint … */
#define PUBLISH_QUIET (20 * TIME_MS) /* … while there is always something to do: else so long */
#define BATCH_BYTES (1u << 20)       /* an observation leaf is closed above this */
#define GROUP_BYTES (8u << 20)       /* appended and not committed: commit above this */
#define PRIVATE_MAX (1u << 20)       /* most bytes of a record's private text */
#define VEILED_MAX (2u << 20)
#define STEP_NOTICED (500 * TIME_MS) /* a step of the wall clock below this is not worth an event */

enum item_kind { ITEM_PIPELINE, ITEM_EVIDENCE, ITEM_END, ITEM_OWN, ITEM_ACT, ITEM_RUN, ITEM_MARK, ITEM_LINK };

/* Somebody who waits for a decision; on that thread's stack. */
struct waiter {
    bool done;
    bool failed;
    uint64_t index;
    struct waiter *next; /* in the list of those whose commit is due */
};

/* What somebody wants done on this thread; on that thread's stack, like the waiter. */
struct wanted {
    appender_act *act;
    void *context;
    int rc;
    struct error error;
};

struct item {
    struct item *next;
    enum item_kind kind;
    struct position position;
    struct waiter *waiter;
    size_t n;
    uint8_t bytes[];
};

struct appender {
    struct appender_options o;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what stands between here and the next line */
    pthread_cond_t work;
    pthread_cond_t decided;
    struct item *first;
    struct item **last;
    size_t intake;
    bool gathering;
    bool stopping;
    bool failed;
    struct error why;
    struct progress durable;
    _Atomic bool spare;
    _Atomic uint64_t skipped;
    bool marked;
    /* the thread's own */
    uint8_t run[RUN_ID];      /* that what comes now belongs to */
    bool other_run;           /* an earlier one: its records were spooled */
    struct position taken[3]; /* by stream */
    struct position evidence; /* of the finding whose packets were taken last */
    struct progress counted;
    struct buf batch;    /* observations that wait for company */
    tq_time batch_since; /* monotonic; 0: none waits */
    size_t batch_count;
    struct buf payload;
    struct buf veiled;
    struct buf private;
    struct buf body;
    uint8_t digest[PAYLOAD_DIGEST];
    bool link_due; /* a relay waits for the commit */
    size_t group_bytes;
    tq_time group_since; /* monotonic; 0: nothing waits for a commit */
    tq_time committed;   /* monotonic: the first commit that no checkpoint covers; 0: none */
    struct waiter *due;
    tq_time offset; /* wall clock minus monotonic clock, when last looked */
    struct record record;
    struct scopes *scopes;
    struct judged *numbers;    /* of relays' records that were taken, whichever way they came */
    struct scope_choice scope; /* of the record in hand */
};

enum ledger_stream appender_stream(enum event event)
{
    switch (event) {
    case EVENT_ASSET_EVIDENCE:
    case EVENT_FLOW_CLOSED:
    case EVENT_DICOM_ASSOCIATION:
    case EVENT_NETWORK_ATTEMPTS:
    case EVENT_NETWORK_CLAIMS:
    case EVENT_SENSOR_STATUS:
    case EVENT_CAPTURE_STARTED:
    case EVENT_CAPTURE_ENDED: return LEDGER_OBSERVATION;
    default: return LEDGER_CUSTODY;
    }
}

/* ── the thread: appending ── */

static int append_leaf(struct appender *a, enum ledger_stream stream, struct buf *payload, uint64_t *ret_index, struct error *e)
{
    if (!buf_ok(payload))
        return err_set(e, ERR_LIMIT, "a record is larger than a leaf of the ledger may be");
    (void)pthread_mutex_lock(a->o.ledger_lock);
    const struct scope_choice *c = &a->scope;
    int r = stream == LEDGER_CUSTODY && c->shared
                ? ledger_append_shared(a->o.ledger, stream, c->of, c->n, clock_now(), buf_span(payload), ret_index, e)
                : ledger_append(a->o.ledger, stream, stream == LEDGER_CUSTODY && c->n == 1 ? c->of[0] : NULL, clock_now(), buf_span(payload),
                                ret_index, e);
    (void)pthread_mutex_unlock(a->o.ledger_lock);
    a->group_bytes += payload->n;
    if (a->group_since == 0)
        a->group_since = clock_monotonic();
    return r;
}

static int flush_batch(struct appender *a, struct error *e)
{
    if (a->batch_count == 0)
        return 0;
    uint64_t index;
    int r = append_leaf(a, LEDGER_OBSERVATION, &a->batch, &index, e);
    buf_clear(&a->batch);
    a->batch_count = 0;
    a->batch_since = 0;
    return r;
}

/* Joins the pieces of the body; digests it where it is whole. */
static struct payload_body body_of(struct appender *a)
{
    const struct record *r = &a->record;
    struct payload_body b = {.whole = (uint64_t)record_number(r, KEY_BODY_BYTES, 0)};
    buf_clear(&a->body);
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_BODY)
            buf_add_span(&a->body, r->fields[i].text);
    if (a->body.n == 0 || !buf_ok(&a->body))
        return (struct payload_body){0};
    b.bytes = buf_span(&a->body);
    if (b.whole <= b.bytes.n) {
        b.whole = b.bytes.n;
        crypto_sha256(b.bytes, a->digest);
        b.digest = span_of(a->digest, sizeof a->digest);
    } else {
        b.digest = record_get(r, KEY_BODY_DIGEST);
    }
    return b;
}

/* The two texts of a record, and its body. A private text that does not fit is left out, and says so. */
static struct payload_record veil_record(struct appender *a, struct position position)
{
    buf_clear(&a->veiled);
    buf_clear(&a->private);
    struct payload_body body = body_of(a);
    char hex[2 * PAYLOAD_DIGEST + 1];
    if (a->record.event == EVENT_EVIDENCE_PACKETS && body.digest.n > 0) {
        text_hex_to(hex, body.digest.p, body.digest.n);
        record_str(&a->record, KEY_SHA256, hex);
    }
    veil_texts(a->o.veil, &a->veiled, &a->private, &a->record);
    if (!buf_ok(&a->private)) {
        buf_clear(&a->private);
        buf_add_str(&a->private, "{\"cut\":true}");
    }
    struct payload_record r = {.position = position, .veiled = buf_span(&a->veiled), .private = buf_span(&a->private), .body = body};
    if (!buf_ok(&a->veiled))
        r.veiled = (struct span){0};
    if (span_is(r.private, "{}") || scopes_bare(a->scopes, &a->record) || a->scope.short_of)
        r.private.n = 0;
    if (a->scope.short_of)
        r.body = (struct payload_body){0};
    return r;
}

static void count(struct progress *p, const struct record *r)
{
    p->records++;
    if (r->event == EVENT_LAB_MESSAGE)
        p->messages++;
    else if (r->event == EVENT_LAB_RESULT)
        p->results++;
    else if (r->event == EVENT_FINDING)
        p->findings++;
    if (r->event == EVENT_CAPTURE_ENDED) {
        p->packets = (uint64_t)record_number(r, KEY_PACKETS, 0);
        p->damaged = (uint64_t)record_number(r, KEY_DAMAGED, 0);
    }
}

static int take_observation(struct appender *a, const struct payload_record *r, struct error *e)
{
    if (a->batch_count == 0) {
        payload_start(&a->batch, a->run);
        a->batch_since = clock_monotonic();
    }
    payload_add(&a->batch, r);
    a->batch_count++;
    return a->batch_count == PAYLOAD_RECORDS || a->batch.n > BATCH_BYTES ? flush_batch(a, e) : 0;
}

static int take_custody(struct appender *a, const struct payload_record *r, struct waiter *waiter, struct error *e)
{
    buf_clear(&a->payload);
    payload_start(&a->payload, r->position.seq == 0 && r->position.ordinal == 0 ? a->o.run : a->run);
    payload_add(&a->payload, r);
    uint64_t index = 0;
    if (append_leaf(a, LEDGER_CUSTODY, &a->payload, &index, e) != 0)
        return -1;
    if (waiter != NULL) {
        waiter->index = index;
        waiter->next = a->due;
        a->due = waiter;
    }
    return 0;
}

/* What is not kept where the disk is nearly full: traffic and facts about devices, never what says how the capture goes. */
static bool may_be_spared(enum event event)
{
    return event == EVENT_FLOW_CLOSED || event == EVENT_ASSET_EVIDENCE || event == EVENT_DICOM_ASSOCIATION || event == EVENT_NETWORK_ATTEMPTS;
}

/* A relay's record: false: it was taken before. */
static bool take_number(struct appender *a, enum item_kind kind)
{
    uint8_t run[4];
    uint64_t seq;
    struct span text = record_get(&a->record, KEY_LINK_SEQ);
    if (text.n == 0 || !link_seq_read(text, run, &seq) || memcmp(run, a->o.run, sizeof run) != 0 || kind == ITEM_LINK)
        return true;
    a->link_due = true;
    if (seq <= a->counted.link)
        return false;
    a->counted.link = seq;
    return true;
}

/* One record, unless it was taken before. */
static int take_record(struct appender *a, const struct item *item, struct error *e)
{
    if (record_decode(span_of(item->bytes, item->n), &a->record, e) != 0)
        return -1;
    enum ledger_stream stream = appender_stream(a->record.event);
    if (item->kind == ITEM_PIPELINE && !a->other_run) {
        if (!position_after(item->position, a->taken[stream]))
            return 0;
        a->taken[stream] = item->position;
        if (!take_number(a, item->kind) || !judged_begin(a->numbers, &a->record))
            return 0;
        count(&a->counted, &a->record);
    }
    if (item->kind == ITEM_LINK && !judged_begin(a->numbers, &a->record))
        return 0; /* it was on its way through the pipeline when the spool was read in */
    if (item->kind == ITEM_EVIDENCE && a->o.replay && !a->other_run) {
        if (!position_after(item->position, a->evidence))
            return 0;
        a->evidence = item->position;
    }
    if (atomic_load(&a->spare) && may_be_spared(a->record.event)) {
        atomic_fetch_add(&a->skipped, 1);
        return 0;
    }
    scopes_choose(a->scopes, a->o.veil, &a->record, &a->scope);
    if (a->scope.shared && ledger_keys_short(a->o.ledger)) { /* nobody's, with nothing hidden: there is no key to erase it by */
        a->scope.short_of = true;
        a->scope.shared = false;
        a->scope.n = 0;
    }
    if (a->record.event == EVENT_EVIDENCE_PACKETS && a->scope.short_of) {
        log_line(LOG_LEVEL_WARNING,
                 "packets of a finding are not kept: they are about more patients than could be erased from them, or room for keys is short");
        return 0;
    }
    struct payload_record r = veil_record(a, item->position);
    return stream == LEDGER_OBSERVATION && item->waiter == NULL ? take_observation(a, &r, e) : take_custody(a, &r, item->waiter, e);
}

static void tell_waiters(struct appender *a, bool failed)
{
    (void)pthread_mutex_lock(&a->lock);
    for (struct waiter *w = a->due; w != NULL;) {
        struct waiter *next = w->next; /* w is gone once done is set and the lock given back */
        w->failed = failed;
        w->done = true;
        w = next;
    }
    a->due = NULL;
    (void)pthread_cond_broadcast(&a->decided);
    (void)pthread_mutex_unlock(&a->lock);
}

/* A checkpoint costs files made and moved: more than a commit. So nobody waits for one but who has decided something: what comes next may be a proof
 * of it. */
static int publish(struct appender *a, struct error *e)
{
    (void)pthread_mutex_lock(a->o.ledger_lock);
    int r = ledger_publish(a->o.ledger, clock_now(), e);
    (void)pthread_mutex_unlock(a->o.ledger_lock);
    a->committed = 0;
    return r;
}

static int commit(struct appender *a, struct error *e)
{
    (void)pthread_mutex_lock(a->o.ledger_lock);
    int r = ledger_commit(a->o.ledger, clock_now(), e);
    uint64_t size = ledger_size(a->o.ledger);
    (void)pthread_mutex_unlock(a->o.ledger_lock);
    if (r != 0)
        return -1;
    a->group_bytes = 0;
    a->group_since = 0;
    a->link_due = false;
    a->counted.ledger = size;
    (void)pthread_mutex_lock(&a->lock);
    uint64_t waiting = a->batch_count;
    a->durable = a->counted;
    a->durable.records -= waiting;
    (void)pthread_mutex_unlock(&a->lock);
    a->committed = a->committed != 0 ? a->committed : clock_monotonic();
    a->o.committed(a->o.context);
    if (a->due == NULL)
        return 0;
    if (publish(a, e) != 0)
        return -1;
    tell_waiters(a, false);
    return 0;
}

/* A jump of the wall clock is an event: times on the ledger would be doubted else. */
static int watch_clock(struct appender *a, struct error *e)
{
    tq_time wall = clock_now();
    tq_time offset = wall - clock_monotonic();
    tq_time step = offset - a->offset;
    a->offset = offset;
    if (step < STEP_NOTICED && step > -STEP_NOTICED)
        return 0;
    record_start(&a->record, EVENT_CLOCK_STEPPED, wall, NULL);
    record_int(&a->record, KEY_STEP_NS, step);
    a->scope.shared = a->scope.short_of = false;
    a->scope.n = 0;
    struct payload_record r = veil_record(a, (struct position){0});
    return take_custody(a, &r, NULL, e);
}

/* Everything that was put is durable, and under a checkpoint. */
static int complete(struct appender *a, struct error *e)
{
    if (flush_batch(a, e) != 0 || commit(a, e) != 0)
        return -1;
    return publish(a, e);
}

/* Commits what is due: at once when somebody waits or the group is large, else when the oldest has waited long enough. quiet: nothing came. */
static int settle(struct appender *a, bool all, bool quiet, struct error *e)
{
    tq_time now = clock_monotonic();
    if (all || (a->batch_since != 0 && now - a->batch_since >= BATCH_TIME))
        if (flush_batch(a, e) != 0)
            return -1;
    bool due = a->due != NULL || (a->link_due && a->group_since != 0) || a->group_bytes >= GROUP_BYTES ||
               (a->group_since != 0 && (all || now - a->group_since >= GROUP_TIME));
    if (due && commit(a, e) != 0)
        return -1;
    return a->committed != 0 && (all || quiet || now - a->committed >= PUBLISH_TIME) ? publish(a, e) : 0;
}

/* ── the thread: its loop ── */

static void wait_until(struct appender *a, tq_time deadline)
{
    struct timespec t = {.tv_sec = deadline / TIME_SECOND, .tv_nsec = deadline % TIME_SECOND};
    (void)pthread_cond_clockwait(&a->work, &a->lock, CLOCK_MONOTONIC, &t);
}

/* Sleeps until there is work or something is due; takes the whole intake. */
static struct item *take_intake(struct appender *a, bool *ret_stopping)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    tq_time now = (tq_time)t.tv_sec * TIME_SECOND + t.tv_nsec;
    tq_time deadline = now + (a->committed != 0 ? PUBLISH_QUIET : a->group_since != 0 ? GROUP_TIME : BATCH_TIME);
    (void)pthread_mutex_lock(&a->lock);
    if (a->first == NULL && !a->stopping)
        wait_until(a, deadline);
    struct item *items = a->first;
    bool was_full = a->intake > APPENDER_INTAKE;
    a->first = NULL;
    a->last = &a->first;
    a->intake = 0;
    *ret_stopping = a->stopping && items == NULL;
    (void)pthread_mutex_unlock(&a->lock);
    if (was_full)
        a->o.committed(a->o.context);
    return items;
}

static void fail(struct appender *a, const struct error *e)
{
    (void)pthread_mutex_lock(&a->lock);
    a->failed = true;
    a->why = *e;
    (void)pthread_mutex_unlock(&a->lock);
    tell_waiters(a, true);
    a->o.committed(a->o.context);
}

static int act_now(struct appender *a, const struct item *item, struct error *e)
{
    struct wanted *w;
    memcpy(&w, item->bytes, sizeof w);
    if (complete(a, e) != 0)
        return -1;
    (void)pthread_mutex_lock(a->o.ledger_lock);
    w->rc = w->act(w->context, a->o.ledger, a->o.veil, &w->error);
    (void)pthread_mutex_unlock(a->o.ledger_lock);
    (void)pthread_mutex_lock(&a->lock);
    item->waiter->done = true;
    (void)pthread_cond_broadcast(&a->decided);
    (void)pthread_mutex_unlock(&a->lock);
    return 0;
}

/* What comes now belongs to another run: no leaf holds records of two. */
static int change_run(struct appender *a, const struct item *item, struct error *e)
{
    if (flush_batch(a, e) != 0)
        return -1;
    memcpy(a->run, item->bytes, RUN_ID);
    a->other_run = memcmp(a->run, a->o.run, RUN_ID) != 0;
    return 0;
}

static int pass_mark(struct appender *a, struct error *e)
{
    if (complete(a, e) != 0)
        return -1;
    (void)pthread_mutex_lock(&a->lock);
    a->marked = true;
    (void)pthread_mutex_unlock(&a->lock);
    a->o.committed(a->o.context);
    return 0;
}

/* Works the intake off in order. Once something failed (r), the rest is only given back: who waits is told by tell_waiters. */
static int work_off(struct appender *a, struct item *items, int r, struct error *e)
{
    while (items != NULL) {
        struct item *item = items;
        items = item->next;
        if (r == 0 && item->kind == ITEM_END) {
            a->counted.ended = true;
            r = complete(a, e);
        } else if (r == 0 && item->kind == ITEM_ACT) {
            r = act_now(a, item, e);
        } else if (r == 0 && item->kind == ITEM_RUN) {
            r = change_run(a, item, e);
        } else if (r == 0 && item->kind == ITEM_MARK) {
            r = pass_mark(a, e);
        } else if (r == 0) {
            r = take_record(a, item, e);
            if (r == 0 && a->group_bytes >= GROUP_BYTES)
                r = commit(a, e);
        }
        if (r != 0 && item->waiter != NULL && item->waiter != a->due) {
            item->waiter->next = a->due;
            a->due = item->waiter;
        }
        explicit_bzero(item->bytes, item->n);
        free(item);
    }
    return r;
}

static void *run(void *context)
{
    struct appender *a = context;
    struct error e = {0};
    bool stopping = false;
    role_step_back(0); /* a link's messages are durable in the relay's spool before: nobody's answer waits for this thread */
    while (!stopping) {
        struct item *items = take_intake(a, &stopping);
        int r = a->failed || watch_clock(a, &e) != 0 ? -1 : 0;
        bool quiet = items == NULL;
        r = work_off(a, items, r, &e);
        if (r == 0)
            r = settle(a, stopping, quiet, &e);
        if (r != 0 && !a->failed)
            fail(a, &e);
        else if (r != 0)
            tell_waiters(a, true);
    }
    return NULL;
}

/* ── the other threads' side ── */

struct appender *appender_start(const struct appender_options *options, struct error *e)
{
    struct appender *a = calloc(1, sizeof *a);
    if (a == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the appender");
        return NULL;
    }
    a->o = *options;
    memcpy(a->run, options->run, RUN_ID);
    a->last = &a->first;
    a->durable = a->counted = options->progress;
    a->taken[LEDGER_CUSTODY] = options->custody;
    a->taken[LEDGER_OBSERVATION] = options->observation;
    a->evidence = options->evidence;
    a->batch = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    a->payload = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    a->veiled = BUF_SECRET(VEILED_MAX);
    a->private = BUF_SECRET(PRIVATE_MAX);
    a->body = BUF_SECRET(RECORD_ENCODED);
    a->offset = clock_now() - clock_monotonic();
    a->scopes = scopes_new();
    a->numbers = judged_new();
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->work, NULL);
    (void)pthread_cond_init(&a->decided, NULL);
    int r = a->scopes == NULL || a->numbers == NULL ? ENOMEM : pthread_create(&a->thread, NULL, run, a);
    if (r != 0) {
        (void)err_sys(e, r, "starting the appender");
        scopes_free(a->scopes);
        judged_free(a->numbers);
        free(a);
        return NULL;
    }
    return a;
}

int appender_stop(struct appender *a, struct error *e)
{
    if (a == NULL)
        return 0;
    (void)pthread_mutex_lock(&a->lock);
    a->stopping = true;
    (void)pthread_cond_signal(&a->work);
    (void)pthread_mutex_unlock(&a->lock);
    (void)pthread_join(a->thread, NULL);
    int r = a->failed ? -1 : 0;
    if (r != 0 && e != NULL)
        *e = a->why;
    buf_release(&a->batch);
    buf_release(&a->payload);
    buf_release(&a->veiled);
    buf_release(&a->private);
    scopes_free(a->scopes);
    judged_free(a->numbers);
    buf_release(&a->body);
    (void)pthread_cond_destroy(&a->decided);
    (void)pthread_cond_destroy(&a->work);
    (void)pthread_mutex_destroy(&a->lock);
    explicit_bzero(a, sizeof *a);
    free(a);
    return r;
}

static struct item *new_item(enum item_kind kind, struct position position, struct span bytes, struct error *e)
{
    struct item *item = malloc(sizeof *item + bytes.n);
    if (item == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for a record");
        return NULL;
    }
    *item = (struct item){.kind = kind, .position = position, .n = bytes.n};
    if (bytes.n > 0)
        memcpy(item->bytes, bytes.p, bytes.n);
    return item;
}

static void put_item(struct appender *a, struct item *item)
{
    (void)pthread_mutex_lock(&a->lock);
    *a->last = item;
    a->last = &item->next;
    a->intake += sizeof *item + item->n;
    if (!a->gathering)
        (void)pthread_cond_signal(&a->work);
    (void)pthread_mutex_unlock(&a->lock);
}

void appender_gather(struct appender *a, bool on)
{
    (void)pthread_mutex_lock(&a->lock);
    a->gathering = on;
    if (!on && a->first != NULL)
        (void)pthread_cond_signal(&a->work);
    (void)pthread_mutex_unlock(&a->lock);
}

static int put_bytes(struct appender *a, enum item_kind kind, struct position position, struct span bytes, struct error *e)
{
    struct item *item = new_item(kind, position, bytes, e);
    if (item == NULL)
        return -1;
    put_item(a, item);
    return 0;
}

int appender_put(struct appender *a, struct position position, struct span encoded, struct error *e)
{
    return put_bytes(a, ITEM_PIPELINE, position, encoded, e);
}

int appender_put_link(struct appender *a, struct span encoded, struct error *e)
{
    return put_bytes(a, ITEM_LINK, (struct position){0}, encoded, e);
}

int appender_put_noted(struct appender *a, struct span encoded, struct error *e)
{
    return put_bytes(a, ITEM_OWN, (struct position){.ordinal = 1}, encoded, e);
}

int appender_run(struct appender *a, const uint8_t run[RUN_ID], struct error *e)
{
    return put_bytes(a, ITEM_RUN, (struct position){0}, span_of(run, RUN_ID), e);
}

int appender_mark(struct appender *a, struct error *e)
{
    return put_bytes(a, ITEM_MARK, (struct position){0}, (struct span){0}, e);
}

bool appender_marked(struct appender *a)
{
    (void)pthread_mutex_lock(&a->lock);
    bool marked = a->marked;
    (void)pthread_mutex_unlock(&a->lock);
    return marked;
}

int appender_put_evidence(struct appender *a, struct position finding, struct span encoded, struct error *e)
{
    return put_bytes(a, ITEM_EVIDENCE, finding, encoded, e);
}

void appender_end(struct appender *a)
{
    struct item *item = new_item(ITEM_END, (struct position){0}, (struct span){0}, NULL);
    if (item != NULL)
        put_item(a, item);
}

void appender_spare(struct appender *a, bool spare)
{
    atomic_store(&a->spare, spare);
}

uint64_t appender_skipped(struct appender *a)
{
    return atomic_load(&a->skipped);
}

bool appender_full(struct appender *a)
{
    (void)pthread_mutex_lock(&a->lock);
    bool full = a->intake > APPENDER_INTAKE;
    (void)pthread_mutex_unlock(&a->lock);
    return full;
}

static struct item *encode_own(const struct record *r, struct error *e)
{
    struct buf encoded = BUF_SECRET(RECORD_ENCODED);
    record_encode(&encoded, r);
    struct item *item = NULL;
    if (buf_ok(&encoded))
        item = new_item(ITEM_OWN, (struct position){0}, buf_span(&encoded), e);
    else
        (void)err_set(e, ERR_LIMIT, "the record is too large");
    buf_release(&encoded);
    return item;
}

int appender_note(struct appender *a, const struct record *r, struct error *e)
{
    struct item *item = encode_own(r, e);
    if (item == NULL)
        return -1;
    put_item(a, item);
    return 0;
}

/* Until the appender is through with it. -1: it failed, and why it takes nothing more. */
static int put_and_wait(struct appender *a, struct item *item, struct waiter *w, const char *what, struct error *e)
{
    item->waiter = w;
    put_item(a, item);
    (void)pthread_mutex_lock(&a->lock);
    while (!w->done)
        (void)pthread_cond_wait(&a->decided, &a->lock);
    struct error why = a->why;
    (void)pthread_mutex_unlock(&a->lock);
    return w->failed ? err_set(e, ERR_SYSTEM, "%s: %s", what, why.text) : 0;
}

int appender_decide(struct appender *a, const struct record *r, uint64_t *ret_index, struct error *e)
{
    struct item *item = encode_own(r, e);
    if (item == NULL)
        return -1;
    struct waiter w = {0};
    if (put_and_wait(a, item, &w, "the record could not be written", e) != 0)
        return -1;
    *ret_index = w.index;
    return 0;
}

int appender_do(struct appender *a, appender_act *act, void *context, struct error *e)
{
    struct wanted wanted = {.act = act, .context = context};
    struct wanted *p = &wanted;
    struct item *item = new_item(ITEM_ACT, (struct position){0}, span_of(&p, sizeof p), e);
    if (item == NULL)
        return -1;
    struct waiter w = {0};
    if (put_and_wait(a, item, &w, "the ledger takes nothing more", e) != 0)
        return -1;
    if (wanted.rc != 0 && e != NULL)
        *e = wanted.error;
    return wanted.rc;
}

struct progress appender_progress(struct appender *a)
{
    (void)pthread_mutex_lock(&a->lock);
    struct progress p = a->durable;
    (void)pthread_mutex_unlock(&a->lock);
    return p;
}

bool appender_failed(struct appender *a, struct error *e)
{
    (void)pthread_mutex_lock(&a->lock);
    bool failed = a->failed;
    if (failed)
        *e = a->why;
    (void)pthread_mutex_unlock(&a->lock);
    return failed;
}
