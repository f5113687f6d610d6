#include "proc/spooler.h"

#include "proc/clock.h"
#include "proc/locked.h"
#include "record/spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statfs.h>
#include <unistd.h>

#define TOGETHER (32u << 10) /* most bytes of records in one frame, unless it is one */
#define HEAD 16              /* in front of a frame that waits: number of its last record (8), records (4), bytes (4) */
#define HELD_MOST (4u << 20) /* memory that is kept for what may come */
#define PART (32u << 20)     /* bytes of a part: it can be read in, and its room be given back, while others are written */
#define PIECES 64
#define READY (256u << 20)    /* room that is made ready while nothing else is to do, for a burst … */
#define READY_STEP (1u << 20) /* … so much at a time, with pauses: others want the disk, too … */
#define READY_PAUSE (50 * TIME_MS)
#define READY_SPARES 16         /* … where the disk has so many times as much left … */
#define READY_LEAST (64u << 20) /* … and not less than for this */
#define BLOCK 4096
#define LOOK_AGAIN TIME_SECOND /* others use the disk, too */
#define PARTS_OF_DISK 4        /* one of these for the spool: on the ledger it is a journal, a segment and views before the spool is emptied */

struct spooler {
    int fd;
    uint8_t run[RUN_ID];
    void (*wake)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what stands between here and the next line */
    pthread_cond_t work;
    struct buf waits; /* frames, each behind its HEAD */
    size_t newest;    /* where the last of them begins */
    bool has_key;
    uint8_t key[X25519_KEY];
    uint64_t ledger;
    uint64_t waits_ledger; /* what it was when the first that waits was put: none of these is on the ledger before that */
    uint64_t durable;
    bool stopping;
    bool end_asked;
    struct {
        uint64_t to;
        uint64_t seq;
    } pieces[PIECES]; /* whole parts that are not read in */
    size_t pieces_n;
    uint64_t from;    /* up to this byte all is */
    uint64_t read_in; /* to be emptied, if it is so long; 0: no */
    uint64_t forget;  /* … if it has no record behind this number; 0: no */
    bool broken;
    struct spooler_state state;
    /* the thread's own */
    struct spool_writer *writer;
    struct buf taken;
    uint64_t taken_ledger;
    uint64_t written; /* highest number that the writer took */
    uint64_t part;    /* where its part begins */
    uint64_t holes;   /* bytes at the beginning of the file whose room was given back */
    uint64_t used;    /* bytes of the file, while there is no writer: zeros follow … */
    uint64_t ready;   /* … up to here: room that was made ready */
    bool short_of;    /* room is short: none is made ready */
};

static int have_writer(struct spooler *s, struct error *e)
{
    if (s->writer != NULL)
        return 0;
    struct spool_part part = {.begun = clock_now(), .from = s->taken_ledger};
    uint8_t to[X25519_KEY];
    memcpy(part.run, s->run, RUN_ID);
    (void)pthread_mutex_lock(&s->lock);
    memcpy(to, s->key, sizeof to);
    (void)pthread_mutex_unlock(&s->lock);
    s->part = s->used;
    s->writer = spool_writer_at(s->fd, s->used, &part, to, SPOOLER_MAX + s->holes, e);
    if (s->writer != NULL)
        spool_use_ready(s->writer, s->ready);
    return s->writer == NULL ? -1 : 0;
}

static void drop_writer(struct spooler *s)
{
    if (s->writer != NULL)
        s->used = spool_counts(s->writer).bytes;
    spool_writer_free(s->writer);
    s->writer = NULL;
}

/* Under the lock: what stands before `to` is whole. Where there are many pieces the last one grows. */
static void note_piece(struct spooler *s, uint64_t to)
{
    uint64_t last = s->pieces_n > 0 ? s->pieces[s->pieces_n - 1].to : s->from;
    if (to <= last)
        return;
    s->pieces_n += s->pieces_n < PIECES;
    s->pieces[s->pieces_n - 1].to = to;
    s->pieces[s->pieces_n - 1].seq = s->written;
}

/* A large part is whole; the next record begins another. */
static int end_part(struct spooler *s, struct error *e)
{
    if (spool_counts(s->writer).bytes - s->part < PART)
        return 0;
    if (spool_end(s->writer, e) != 0)
        return -1;
    (void)pthread_mutex_lock(&s->lock);
    note_piece(s, spool_counts(s->writer).bytes);
    (void)pthread_mutex_unlock(&s->lock);
    drop_writer(s);
    return 0;
}

static uint64_t size_of(const struct spooler *s)
{
    return s->writer != NULL ? spool_counts(s->writer).bytes : s->used;
}

/* There is none in a file whose beginning was given back. */
static bool wants_room(const struct spooler *s)
{
    uint64_t size = size_of(s);
    return !s->short_of && s->holes == 0 && (s->ready > size ? s->ready : size) + READY_STEP <= READY;
}

/* Bytes that the file may have ready, where the disk is to have so many times as much left. */
static uint64_t room_for(const struct spooler *s, unsigned spares)
{
    struct statfs fs;
    uint64_t room = fstatfs(s->fd, &fs) == 0 ? (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize / spares : 0;
    return room < READY_LEAST ? 0 : room < READY ? room : READY;
}

/* How much the file may hold, by what the disk has. */
static void look_at_disk(struct spooler *s)
{
    struct statfs fs;
    uint64_t size = size_of(s);
    uint64_t has = (s->ready > size ? s->ready : size) - s->holes;
    uint64_t left = fstatfs(s->fd, &fs) == 0 ? (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize : SPOOLER_MAX * PARTS_OF_DISK;
    uint64_t max = (has + left) / PARTS_OF_DISK < SPOOLER_MAX ? (has + left) / PARTS_OF_DISK : SPOOLER_MAX;
    (void)pthread_mutex_lock(&s->lock);
    s->state.max = max;
    (void)pthread_mutex_unlock(&s->lock);
}

/* Makes some room ready. */
static void make_ready(struct spooler *s)
{
    uint64_t size = size_of(s);
    uint64_t from = s->ready > size ? s->ready : size;
    s->short_of = room_for(s, READY_SPARES) < from + READY_STEP || spool_ready(s->fd, from, from + READY_STEP, NULL) != 0;
    if (s->short_of)
        return;
    s->ready = (from + READY_STEP) / BLOCK * BLOCK;
    if (s->writer != NULL)
        spool_use_ready(s->writer, s->ready);
}

/* No record is in the file that anybody still needs. Its room is given back where the disk is shorter of it than when it was made ready. */
static bool empty_file(struct spooler *s)
{
    bool whole = s->holes == 0;
    if (whole ? spool_empty(s->fd, s->used, room_for(s, READY_SPARES / 2), &s->ready, NULL) != 0 : ftruncate(s->fd, 0) != 0)
        return false;
    s->used = s->holes = 0;
    s->ready = whole ? s->ready : 0;
    s->short_of = false;
    return true;
}

/* Gives the room back of what was read in; the bytes that follow stay where they are. */
static void give_back(struct spooler *s, uint64_t to)
{
    uint64_t holes = to / BLOCK * BLOCK;
    if (holes > s->holes && fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->holes, (off_t)(holes - s->holes)) == 0)
        s->holes = holes;
}

static int write_all(struct spooler *s, uint64_t *ret_count, struct error *e)
{
    struct span rest = buf_span(&s->taken);
    while (rest.n > 0) {
        s->written = span_be64(&rest);
        *ret_count += span_be32(&rest);
        struct span frame = span_take(&rest, span_be32(&rest));
        if (have_writer(s, e) != 0 || spool_write(s->writer, (struct spool_place){.seq = s->written}, frame, e) != 0)
            return -1;
    }
    return spool_sync(s->writer, e) != 0 ? -1 : end_part(s, e);
}

/* Ends the part, empties the file: as asked. */
static void put_in_order(struct spooler *s, bool end, uint64_t read_in, uint64_t forget)
{
    struct error e = {0};
    bool all = forget != 0 && s->written <= forget; /* then nothing in the file is worth its room */
    uint64_t size = size_of(s);
    if ((end || all) && s->writer != NULL) {
        if (all || spool_end(s->writer, &e) == 0)
            size = spool_counts(s->writer).bytes;
        else
            end = false;
        drop_writer(s);
    }
    if (s->writer == NULL && (all || (read_in != 0 && size == read_in)) && empty_file(s))
        size = 0;
    else if (read_in != 0)
        give_back(s, read_in);
    (void)pthread_mutex_lock(&s->lock);
    s->state.bytes = size - s->holes;
    if (read_in != 0 && s->read_in == read_in)
        s->read_in = 0;
    if (forget != 0 && s->forget == forget)
        s->forget = 0;
    if (size == 0)
        s->from = s->pieces_n = 0;
    else if (end)
        note_piece(s, size);
    (void)pthread_mutex_unlock(&s->lock);
}

static void empty(struct buf *b)
{
    if (b->size > HELD_MOST)
        buf_release(b);
    else if (b->n > 0)
        explicit_bzero(b->p, b->n);
    buf_clear(b);
}

/* What was taken is written. */
static void work_off(struct spooler *s)
{
    struct error e = {0};
    uint64_t count = 0;
    int r = write_all(s, &count, &e);
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->state.trouble, sizeof s->state.trouble, "%.199s", r != 0 ? e.text : "");
    s->broken = r != 0;
    if (r == 0) {
        s->state.records += count;
        s->state.bytes = size_of(s) - s->holes;
        s->durable = s->written > s->durable ? s->written : s->durable;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (r != 0)
        drop_writer(s); /* another part is begun */
    empty(&s->taken);
}

static bool is_idle(const struct spooler *s)
{
    return (s->waits.n == 0 || s->broken) && !s->stopping && !s->end_asked && s->read_in == 0 && s->forget == 0;
}

static void wait_for_work(struct spooler *s, tq_time most)
{
    tq_time until = clock_monotonic() + most;
    struct timespec t = {.tv_sec = until / TIME_SECOND, .tv_nsec = until % TIME_SECOND};
    (void)pthread_cond_clockwait(&s->work, &s->lock, CLOCK_MONOTONIC, &t);
}

static void *run(void *context)
{
    struct spooler *s = context;
    bool stopping = false;
    while (!stopping) {
        (void)pthread_mutex_lock(&s->lock);
        if (is_idle(s) && wants_room(s)) {
            wait_for_work(s, READY_PAUSE);
            bool idle = is_idle(s);
            (void)pthread_mutex_unlock(&s->lock);
            if (idle)
                make_ready(s);
            continue;
        }
        if (is_idle(s) && s->state.bytes > 0)
            wait_for_work(s, LOOK_AGAIN);
        else if (is_idle(s))
            (void)pthread_cond_wait(&s->work, &s->lock);
        bool some = s->waits.n > 0 && !s->broken;
        if (some) {
            struct buf none = s->taken;
            s->taken = s->waits;
            s->waits = none;
            s->taken_ledger = s->waits_ledger;
        }
        bool end = s->end_asked;
        s->end_asked = false; /* what is asked from now on is asked anew */
        uint64_t read_in = s->read_in;
        uint64_t forget = s->forget;
        stopping = s->stopping;
        (void)pthread_mutex_unlock(&s->lock);
        if (some)
            work_off(s);
        if (end || read_in != 0 || forget != 0 || stopping)
            put_in_order(s, end || stopping, read_in, forget);
        look_at_disk(s);
        (void)pthread_mutex_lock(&s->lock);
        s->state.busy = s->waits.n > 0;
        (void)pthread_mutex_unlock(&s->lock);
        s->wake(s->context);
    }
    return NULL;
}

struct spooler *spooler_new(int fd, const uint8_t id[RUN_ID], void (*wake)(void *context), void *context, struct error *e)
{
    struct spooler *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the relay's spool");
        return NULL;
    }
    s->fd = fd;
    s->wake = wake;
    s->context = context;
    s->waits = s->taken = BUF_SECRET(SPOOLER_WAITS);
    memcpy(s->run, id, RUN_ID);
    if (spool_room(fd, &s->used, &s->ready, e) != 0) {
        free(s);
        return NULL;
    }
    s->state.bytes = s->used;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->work, NULL);
    look_at_disk(s);
    int r = pthread_create(&s->thread, NULL, run, s);
    if (r == 0)
        return s;
    (void)err_sys(e, r, "starting the relay's spool");
    free(s);
    return NULL;
}

void spooler_free(struct spooler *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    drop_writer(s);
    buf_release(&s->waits);
    buf_release(&s->taken);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

void spooler_key(struct spooler *s, struct span key, uint64_t ledger)
{
    (void)pthread_mutex_lock(&s->lock);
    if (key.n == X25519_KEY) {
        memcpy(s->key, key.p, X25519_KEY);
        s->has_key = true;
    }
    if (ledger > s->ledger)
        s->ledger = ledger;
    (void)pthread_mutex_unlock(&s->lock); /* it changes nothing for what is there: without a key nothing was put */
}

bool spooler_can(struct spooler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    bool can = s->has_key && !s->broken;
    (void)pthread_mutex_unlock(&s->lock);
    return can;
}

static void put_be(uint8_t *at, unsigned width, uint64_t v)
{
    for (; width > 0; width--, v >>= 8)
        at[width - 1] = (uint8_t)v;
}

/* Sealing costs by the frame: so records that are there together share one. */
static void add(struct spooler *s, uint64_t seq, struct span encoded)
{
    static const uint8_t head[HEAD];
    struct buf *b = &s->waits;
    bool begins = b->n == 0 || b->n - s->newest - HEAD + 4 + encoded.n > TOGETHER;
    if (begins) {
        s->newest = b->n;
        buf_add(b, head, sizeof head);
        buf_u8(b, SPOOLED_RECORDS);
    }
    buf_be32(b, encoded.n);
    buf_add_span(b, encoded);
    uint8_t *at = b->p + s->newest;
    uint32_t before = begins ? 0 : (uint32_t)at[8] << 24 | (uint32_t)at[9] << 16 | (uint32_t)at[10] << 8 | at[11];
    put_be(at, 8, seq);
    put_be(at + 8, 4, before + 1);
    put_be(at + 12, 4, b->n - s->newest - HEAD);
}

bool spooler_put(struct spooler *s, uint64_t seq, struct span encoded)
{
    (void)pthread_mutex_lock(&s->lock);
    bool room = s->has_key && !s->broken && buf_reserve(&s->waits, HEAD + 5 + (size_t)encoded.n);
    s->waits.failed = false; /* there is room later */
    if (room) {
        bool sleeps = s->waits.n == 0; /* else it was woken for what came before */
        s->waits_ledger = sleeps ? s->ledger : s->waits_ledger;
        add(s, seq, encoded);
        s->state.busy = true;
        if (sleeps)
            (void)pthread_cond_signal(&s->work);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return room;
}

bool spooler_broken(struct spooler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    bool broken = s->broken;
    (void)pthread_mutex_unlock(&s->lock);
    return broken;
}

/* What was put behind the failure goes: it would make the numbers before it look durable. */
void spooler_mend(struct spooler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    empty(&s->waits);
    s->broken = false;
    (void)pthread_mutex_unlock(&s->lock);
}

uint64_t spooler_durable(struct spooler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    uint64_t durable = s->durable;
    (void)pthread_mutex_unlock(&s->lock);
    return durable;
}

void spooler_state(struct spooler *s, struct spooler_state *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    *ret = s->state;
    (void)pthread_mutex_unlock(&s->lock);
}

void spooler_end(struct spooler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->end_asked = true;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
}

void spooler_whole(struct spooler *s, struct spooler_whole *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    *ret = (struct spooler_whole){.from = s->from, .to = s->from};
    if (s->pieces_n > 0) {
        ret->to = s->pieces[0].to;
        ret->seq = s->pieces[0].seq;
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void spooler_read_in(struct spooler *s, uint64_t to)
{
    (void)pthread_mutex_lock(&s->lock);
    s->read_in = s->from = to;
    while (s->pieces_n > 0 && s->pieces[0].to <= to)
        memmove(&s->pieces[0], &s->pieces[1], --s->pieces_n * sizeof s->pieces[0]);
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
}

void spooler_forget(struct spooler *s, uint64_t seq)
{
    (void)pthread_mutex_lock(&s->lock);
    s->forget = seq;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
}
