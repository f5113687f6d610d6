/* Invariants
 *  1. One frame at a time, its records in order. From scribe_begin until it is done, edge and segments are those of the thread that writes it: its
 * own one, or the caller's, never both.
 *  2. Records go into segments before their entries go into the tree: whoever committed waits for the former alone.
 *  3. After a failure nothing more is written: the ledger stops, and the next start writes from the journal. */
#include "record/ledger/scribe.h"

#include "record/ledger/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define ALONE 16u         /* a frame of fewer records is written by the caller: waking costs more */
#define GATHER (1u << 20) /* most bytes of one write into a segment */
#define TREE_STEP 64u     /* records that go into the tree before segments are looked at again */
#define DAY (INT64_C(86400) * TIME_SECOND)

/* A stream's records on their way to a segment: where they lie in the frame, one behind the other; or copies, where others lie between them. */
struct run {
    struct span records;
    struct buf bytes;
    uint64_t index; /* of the first record */
    uint32_t day;
};

struct scribe {
    struct edge edge;
    struct segment_writer segments[STREAMS];
    struct run runs[STREAMS];

    /* the frame in hand; the caller's to change only when it is done */
    const uint8_t *frame;
    const struct tree_hash *leaves;
    size_t end;
    bool alone; /* the caller writes it */

    bool own_thread; /* there may be one */
    bool running;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t work;
    pthread_cond_t done;
    size_t ready;  /* bytes that may be written, … */
    size_t stored; /* … of which these lie in segments, … */
    size_t grown;  /* … and these in the tree */
    bool sleeping;
    bool stop;
    struct error why; /* of the first failure */
};

/* ── Segments ── */

static uint32_t day_of(tq_time time)
{
    return time < 0 ? 0 : (uint32_t)(time / DAY);
}

static int write_run(struct scribe *s, unsigned slot, struct error *e)
{
    struct run *run = &s->runs[slot];
    int rc = run->records.n > 0 ? segment_write(&s->segments[slot], run->index, run->day, run->records, e) : 0;
    run->records.n = 0;
    buf_clear(&run->bytes);
    return rc;
}

static int write_runs(struct scribe *s, struct error *e)
{
    return write_run(s, 0, e) == 0 ? write_run(s, 1, e) : -1;
}

/* Adds a record to those of its run. False: no memory. */
static bool run_add(struct run *run, struct span record)
{
    bool copied = run->bytes.n > 0;
    if (run->records.n == 0) {
        run->records = record;
        return true;
    }
    if (!copied && run->records.p + run->records.n == record.p) {
        run->records.n += record.n;
        return true;
    }
    if (!copied)
        buf_add_span(&run->bytes, run->records);
    buf_add_span(&run->bytes, record);
    run->records = buf_span(&run->bytes);
    return buf_ok(&run->bytes);
}

/* Takes records on their way to their streams' segments, so that many small ones cost few writes. */
static int gather(struct scribe *s, struct span records, struct error *e)
{
    struct sealed_record r;
    UNCLEARED struct entry entry;
    while (sealed_record_take(&records, &r) == 1) {
        if (entry_parse(r.entry, &entry, e) != 0)
            return -1;
        unsigned slot = stream_slot(entry.stream);
        struct run *run = &s->runs[slot];
        uint32_t day = entry.stream == LEDGER_OBSERVATION ? day_of(entry.time) : 0;
        if (run->records.n > 0 && (day != run->day || run->records.n + r.bytes.n > GATHER) && write_run(s, slot, e) != 0)
            return -1;
        if (run->records.n == 0) {
            run->index = r.index;
            run->day = day;
        }
        if (!run_add(run, r.bytes))
            return err_sys(e, ENOMEM, "writing segments");
    }
    return 0;
}

/* ── The tree ── */

/* Adds entries of at most n records, and takes them off `records`. leaves: their hashes (NULL: not known). */
static int grow(struct scribe *s, struct span *records, const struct tree_hash *leaves, unsigned n, struct error *e)
{
    struct sealed_record r;
    struct tree_hash leaf;
    for (unsigned i = 0; i < n && sealed_record_take(records, &r) == 1; i++) {
        if (leaves == NULL)
            tree_leaf_hash(r.entry, &leaf);
        else
            leaf = leaves[i];
        if (edge_add(&s->edge, r.entry, &leaf, e) != 0)
            return -1;
    }
    return 0;
}

int scribe_take(struct scribe *s, struct span records, uint64_t watch, struct tree_hash *ret_root, struct error *e)
{
    if (gather(s, records, e) != 0 || write_runs(s, e) != 0)
        return -1;
    while (records.n > 0) {
        if (grow(s, &records, NULL, 1, e) != 0)
            return -1;
        if (s->edge.tree.size == watch)
            tree_root(&s->edge.tree, ret_root);
    }
    return 0;
}

/* ── One step of a frame; called and left with the lock held ── */

static bool failed(const struct scribe *s)
{
    return s->why.class != ERR_NONE;
}

static void store_more(struct scribe *s)
{
    struct error why = {0};
    size_t ready = s->ready;
    struct span records = span_of(s->frame + s->stored, ready - s->stored);
    (void)pthread_mutex_unlock(&s->lock);
    int rc = gather(s, records, &why);
    if (rc == 0 && ready == s->end)
        rc = write_runs(s, &why);
    (void)pthread_mutex_lock(&s->lock);
    s->stored = ready;
    if (rc != 0)
        s->why = why;
}

static void grow_more(struct scribe *s)
{
    struct error why = {0};
    struct span records = span_of(s->frame + s->grown, s->stored - s->grown);
    (void)pthread_mutex_unlock(&s->lock);
    uint64_t before = s->edge.tree.size;
    int rc = grow(s, &records, s->leaves, TREE_STEP, &why);
    s->leaves += s->edge.tree.size - before;
    (void)pthread_mutex_lock(&s->lock);
    s->grown = (size_t)(records.p - s->frame);
    if (rc != 0)
        s->why = why;
}

/* False: there is nothing to do now. */
static bool step(struct scribe *s)
{
    if (failed(s) || s->grown == s->ready)
        return false;
    if (s->stored < s->ready)
        store_more(s);
    else
        grow_more(s);
    return true;
}

static void *write_frames(void *context)
{
    struct scribe *s = context;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (!s->alone && step(s)) {
            (void)pthread_cond_signal(&s->done);
            continue;
        }
        s->sleeping = true;
        (void)pthread_cond_wait(&s->work, &s->lock);
        s->sleeping = false;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ── The caller's side ── */

struct scribe *scribe_new(int dir, const uint8_t log_id[LOG_ID], bool own_thread)
{
    struct scribe *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->own_thread = own_thread;
    s->alone = true;
    edge_init(&s->edge, dir);
    for (unsigned i = 0; i < STREAMS; i++) {
        segment_writer_init(&s->segments[i], dir, log_id, (enum ledger_stream)(i + 1));
        s->runs[i].bytes = BUF_INIT(GATHER + SEALED_RECORD_MAX);
    }
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->work, NULL);
    (void)pthread_cond_init(&s->done, NULL);
    return s;
}

void scribe_free(struct scribe *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->running)
        (void)pthread_join(s->thread, NULL);
    (void)pthread_cond_destroy(&s->done);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_mutex_destroy(&s->lock);
    for (unsigned i = 0; i < STREAMS; i++) {
        segment_writer_close(&s->segments[i]);
        buf_release(&s->runs[i].bytes);
    }
    edge_release(&s->edge);
    free(s);
}

struct edge *scribe_edge(struct scribe *s)
{
    return &s->edge;
}

struct segment_writer *scribe_segment(struct scribe *s, unsigned slot)
{
    return &s->segments[slot];
}

void scribe_begin(struct scribe *s, const uint8_t *frame, size_t from, size_t end, uint32_t n, const struct tree_hash *leaves)
{
    (void)pthread_mutex_lock(&s->lock);
    s->frame = frame;
    s->leaves = leaves;
    s->end = end;
    s->ready = s->stored = s->grown = from;
    if (n >= ALONE && s->own_thread && !s->running)
        s->running = s->own_thread = thread_start(&s->thread, write_frames, s);
    s->alone = n < ALONE || !s->running;
    (void)pthread_mutex_unlock(&s->lock);
}

void scribe_more(struct scribe *s, size_t ready)
{
    (void)pthread_mutex_lock(&s->lock);
    s->ready = ready;
    while (s->alone && step(s))
        ;
    if (!s->alone && s->sleeping)
        (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
}

/* Waits until *at is the frame's end. */
static int wait_for(struct scribe *s, const size_t *at, struct error *e)
{
    (void)pthread_mutex_lock(&s->lock);
    while (!failed(s) && *at < s->end)
        (void)pthread_cond_wait(&s->done, &s->lock);
    bool bad = failed(s);
    if (bad && e != NULL)
        *e = s->why;
    (void)pthread_mutex_unlock(&s->lock);
    return bad ? -1 : 0;
}

void scribe_drop(struct scribe *s)
{
    (void)pthread_mutex_lock(&s->lock);
    while (!failed(s) && s->grown < s->ready)
        (void)pthread_cond_wait(&s->done, &s->lock);
    s->end = s->ready;
    (void)pthread_mutex_unlock(&s->lock);
}

int scribe_stored(struct scribe *s, struct error *e)
{
    return wait_for(s, &s->stored, e);
}

int scribe_done(struct scribe *s, struct error *e)
{
    return wait_for(s, &s->grown, e);
}
