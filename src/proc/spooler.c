#include "proc/spooler.h"

#include "proc/clock.h"
#include "proc/locked.h"
#include "record/spool/spool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct item {
    struct item *next;
    uint64_t seq;
    size_t n;
    uint8_t bytes[];
};

struct spooler {
    int fd;
    uint8_t run[RUN_ID];
    void (*wake)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what stands between here and the next line */
    pthread_cond_t work;
    struct item *first;
    struct item **last;
    size_t waits;
    bool has_key;
    uint8_t key[X25519_KEY];
    uint64_t ledger;
    uint64_t durable;
    bool stopping;
    bool end_asked;
    uint64_t whole;
    uint64_t read_in; /* to be emptied, if it is so long; 0: no */
    bool broken;
    struct spooler_state state;
    /* the thread's own */
    struct spool_writer *writer;
    struct buf frame;
    uint64_t written; /* highest number that the writer took */
};

static int have_writer(struct spooler *s, struct error *e)
{
    if (s->writer != NULL)
        return 0;
    struct spool_part part = {.begun = clock_now()};
    uint8_t to[X25519_KEY];
    memcpy(part.run, s->run, RUN_ID);
    (void)pthread_mutex_lock(&s->lock);
    memcpy(to, s->key, sizeof to);
    part.from = s->ledger;
    (void)pthread_mutex_unlock(&s->lock);
    s->writer = spool_writer_new(s->fd, &part, to, SPOOLER_MAX, e);
    return s->writer == NULL ? -1 : 0;
}

static int write_one(struct spooler *s, const struct item *item, struct error *e)
{
    buf_clear(&s->frame);
    buf_u8(&s->frame, SPOOLED_RECORD);
    buf_add(&s->frame, item->bytes, item->n);
    if (!buf_ok(&s->frame))
        return err_set(e, ERR_LIMIT, "a record is too large for the spool");
    return have_writer(s, e) != 0 ? -1 : spool_write(s->writer, (struct spool_place){.seq = item->seq}, buf_span(&s->frame), e);
}

/* Ends the part, empties the file: as asked. */
static void put_in_order(struct spooler *s, bool end, uint64_t read_in)
{
    struct error e = {0};
    uint64_t size = s->writer != NULL ? spool_counts(s->writer).bytes : (uint64_t)lseek(s->fd, 0, SEEK_END);
    if (read_in != 0 && s->writer == NULL && size == read_in && ftruncate(s->fd, 0) == 0)
        size = 0;
    if (end && s->writer != NULL) {
        if (spool_end(s->writer, &e) == 0)
            size = spool_counts(s->writer).bytes;
        else
            end = false;
        spool_writer_free(s->writer);
        s->writer = NULL;
    }
    (void)pthread_mutex_lock(&s->lock);
    s->state.bytes = size;
    if (read_in != 0 && s->read_in == read_in)
        s->read_in = 0;
    if (end)
        s->whole = size;
    s->end_asked = false;
    (void)pthread_mutex_unlock(&s->lock);
}

static void give_back(struct item *items)
{
    while (items != NULL) {
        struct item *item = items;
        items = item->next;
        explicit_bzero(item->bytes, item->n);
        free(item);
    }
}

static void work_off(struct spooler *s, struct item *items)
{
    struct error e = {0};
    uint64_t count = 0;
    int r = 0;
    for (struct item *i = items; i != NULL && r == 0; i = i->next) {
        r = write_one(s, i, &e);
        count++;
        s->written = i->seq;
    }
    if (r == 0)
        r = spool_sync(s->writer, &e);
    (void)pthread_mutex_lock(&s->lock);
    (void)snprintf(s->state.trouble, sizeof s->state.trouble, "%.199s", r != 0 ? e.text : "");
    s->broken = r != 0;
    if (r == 0) {
        s->state.records += count;
        s->state.bytes = spool_counts(s->writer).bytes;
        s->durable = s->written > s->durable ? s->written : s->durable;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (r != 0) {
        spool_writer_free(s->writer); /* another part is begun */
        s->writer = NULL;
    }
    give_back(items);
}

static void *run(void *context)
{
    struct spooler *s = context;
    bool stopping = false;
    while (!stopping) {
        (void)pthread_mutex_lock(&s->lock);
        if ((s->first == NULL || s->broken) && !s->stopping && !s->end_asked && s->read_in == 0)
            (void)pthread_cond_wait(&s->work, &s->lock);
        struct item *items = s->broken ? NULL : s->first;
        if (items != NULL) {
            s->first = NULL;
            s->last = &s->first;
            s->waits = 0;
        }
        bool end = s->end_asked;
        uint64_t read_in = s->read_in;
        stopping = s->stopping;
        (void)pthread_mutex_unlock(&s->lock);
        if (items != NULL)
            work_off(s, items);
        if (end || read_in != 0 || stopping)
            put_in_order(s, end || stopping, read_in);
        (void)pthread_mutex_lock(&s->lock);
        s->state.busy = s->first != NULL;
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
    s->last = &s->first;
    s->frame = BUF_SECRET(SPOOL_RECORD_MAX);
    memcpy(s->run, id, RUN_ID);
    off_t size = lseek(fd, 0, SEEK_END);
    s->state.bytes = size > 0 ? (uint64_t)size : 0;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->work, NULL);
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
    give_back(s->first);
    spool_writer_free(s->writer);
    buf_release(&s->frame);
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

bool spooler_put(struct spooler *s, uint64_t seq, struct span encoded)
{
    struct item *item = malloc(sizeof *item + encoded.n);
    if (item == NULL)
        return false;
    *item = (struct item){.seq = seq, .n = encoded.n};
    memcpy(item->bytes, encoded.p, encoded.n);
    (void)pthread_mutex_lock(&s->lock);
    bool room = s->has_key && !s->broken && s->waits + encoded.n <= SPOOLER_WAITS;
    if (room) {
        *s->last = item;
        s->last = &item->next;
        s->waits += encoded.n;
        s->whole = 0;
        s->state.busy = true;
        (void)pthread_cond_signal(&s->work);
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (!room)
        free(item);
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
    struct item *items = s->first;
    s->first = NULL;
    s->last = &s->first;
    s->waits = 0;
    s->broken = false;
    (void)pthread_mutex_unlock(&s->lock);
    give_back(items);
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

uint64_t spooler_whole(struct spooler *s)
{
    (void)pthread_mutex_lock(&s->lock);
    uint64_t whole = s->first == NULL ? s->whole : 0;
    (void)pthread_mutex_unlock(&s->lock);
    return whole;
}

void spooler_read_in(struct spooler *s, uint64_t bytes)
{
    (void)pthread_mutex_lock(&s->lock);
    s->read_in = bytes;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
}
