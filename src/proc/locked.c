#include "proc/locked.h"

#include "proc/intake.h"
#include "proc/log.h"
#include "record/ledger/file.h"
#include "record/ledger/note.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct locked {
    struct locked_options o;
    int fd;
    bool can;
    uint8_t to[X25519_KEY];
    struct spool_writer *writer; /* NULL: nothing was spooled yet */
    struct spool_look before;    /* what stood in the file at the start */
    uint64_t max;
    uint64_t written; /* records, by writers before the present one */
    uint64_t lost;
    tq_time sync_at; /* monotonic; 0: nothing waits */
    struct buf frame;
    char trouble[200];
};

static int load_key(struct locked *l, struct error *e)
{
    struct buf key = BUF_INIT(X25519_KEY + 1);
    struct error why = {0};
    int r = file_load(AT_FDCWD, SPOOL_KEY_FILE, X25519_KEY, &key, &why);
    l->can = r == 0 && key.n == X25519_KEY;
    if (l->can)
        memcpy(l->to, key.p, X25519_KEY);
    else if (r == 0)
        r = err_set(&why, ERR_CORRUPT, SPOOL_KEY_FILE " has not exactly %d bytes", X25519_KEY);
    buf_release(&key);
    if (r == 0 || why.class == ERR_CLOSED)
        return 0;
    if (e != NULL)
        *e = why;
    return -1;
}

struct cut {
    const uint8_t *run;
    uint64_t at; /* UINT64_MAX: nowhere */
};

static void find_cut(void *context, const struct spool_part *part)
{
    struct cut *c = context;
    if (memcmp(part->run, c->run, RUN_ID) == 0 && part->offset < c->at)
        c->at = part->offset;
}

/* Invariant 3. The parts of a run are the last ones. */
static int cut_replay(struct locked *l, struct error *e)
{
    struct cut c = {.run = l->o.run, .at = UINT64_MAX};
    if (!l->o.replay)
        return 0;
    if (spool_parts(l->fd, find_cut, &c, e) != 0)
        return -1;
    return c.at == UINT64_MAX || ftruncate(l->fd, (off_t)c.at) == 0 ? 0 : err_sys(e, errno, "cutting the spool");
}

struct locked *locked_open(const struct locked_options *options, struct error *e)
{
    struct locked *l = calloc(1, sizeof *l);
    struct statvfs disk;
    if (l == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the spool");
        return NULL;
    }
    l->o = *options;
    l->frame = BUF_SECRET(SPOOL_RECORD_MAX);
    l->fd = open(SPOOL_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int r = l->fd < 0 ? err_sys(e, errno, "opening the spool") : load_key(l, e);
    if (r == 0)
        r = cut_replay(l, e);
    if (r == 0)
        r = spool_look(l->fd, &l->before, e);
    if (r == 0 && fstatvfs(l->fd, &disk) != 0)
        r = err_sys(e, errno, "asking how much room there is");
    if (r != 0) {
        locked_free(l);
        return NULL;
    }
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize / 5 * 4; /* the ledger will need some, too */
    l->max = l->before.bytes + room < SPOOL_MAX ? l->before.bytes + room : SPOOL_MAX;
    return l;
}

void locked_free(struct locked *l)
{
    if (l == NULL)
        return;
    spool_writer_free(l->writer);
    buf_release(&l->frame);
    if (l->fd >= 0)
        (void)close(l->fd);
    free(l);
}

bool locked_may(enum spooled what, enum event event)
{
    switch (what) {
    case SPOOLED_RECORD: return intake_may(event, false);
    case SPOOLED_EVIDENCE: return intake_may(event, true);
    case SPOOLED_OWN:
        return event == EVENT_RUN_STARTED || event == EVENT_RUN_STOPPED || event == EVENT_ROLE_RESTARTED || event == EVENT_PROGRAM_UPGRADED;
    default: return false;
    }
}

bool locked_can(const struct locked *l)
{
    return l->can;
}

static void lose(struct locked *l, const struct error *e)
{
    l->lost++;
    if (strcmp(l->trouble, e->text) == 0)
        return;
    (void)snprintf(l->trouble, sizeof l->trouble, "%.199s", e->text);
    log_line(LOG_LEVEL_ERROR, "what is seen now is not kept: %s", e->text);
}

static int have_writer(struct locked *l, struct error *e)
{
    struct spool_part part = {.from = l->o.replay ? 0 : l->o.ledger, .begun = l->o.now};
    memcpy(part.run, l->o.run, RUN_ID);
    if (l->writer == NULL)
        l->writer = spool_writer_new(l->fd, &part, l->to, l->max, e);
    return l->writer == NULL ? -1 : 0;
}

void locked_put(struct locked *l, enum spooled what, struct position place, struct span encoded)
{
    struct error e = {0};
    struct spool_place at = {.seq = place.seq, .ordinal = place.ordinal};
    buf_clear(&l->frame);
    buf_u8(&l->frame, (uint8_t)what);
    buf_add_span(&l->frame, encoded);
    int r = !buf_ok(&l->frame) ? err_set(&e, ERR_LIMIT, "a record is too large for the spool") : have_writer(l, &e);
    if (r == 0)
        r = spool_write(l->writer, at, buf_span(&l->frame), &e);
    if (r != 0)
        lose(l, &e);
}

void locked_note(struct locked *l, const struct record *r)
{
    struct buf encoded = BUF_SECRET(RECORD_ENCODED);
    record_encode(&encoded, r);
    if (l->can && buf_ok(&encoded))
        locked_put(l, SPOOLED_OWN, (struct position){.ordinal = 1}, buf_span(&encoded));
    buf_release(&encoded);
}

/* After a failed sync nobody knows what reached the disk: what this writer took since the last one counts as lost, and another part is begun. */
static void begin_again(struct locked *l, const struct error *e)
{
    struct spool_counts c = spool_counts(l->writer);
    l->written += c.records;
    lose(l, e);
    spool_writer_free(l->writer);
    l->writer = NULL;
}

void locked_sync(struct locked *l)
{
    struct error e = {0};
    if (l->writer == NULL || spool_sync(l->writer, &e) == 0)
        return;
    if (spool_failed(l->writer))
        begin_again(l, &e);
    else
        (void)snprintf(l->trouble, sizeof l->trouble, "%.199s", e.text);
}

bool locked_waits(const struct locked *l)
{
    return l->writer != NULL && spool_counts(l->writer).unsynced > 0;
}

void locked_end(struct locked *l)
{
    struct error e = {0};
    if (l->writer != NULL && spool_end(l->writer, &e) != 0)
        log_line(LOG_LEVEL_ERROR, "the end of the spool is not durable: %s", e.text);
}

tq_time locked_tick(struct locked *l, tq_time now)
{
    if (!locked_waits(l))
        l->sync_at = 0;
    else if (l->sync_at == 0)
        l->sync_at = now + SPOOL_SYNC;
    else if (now >= l->sync_at) {
        locked_sync(l);
        l->sync_at = now + SPOOL_SYNC;
    }
    return l->sync_at;
}

void locked_state(const struct locked *l, struct locked_state *ret)
{
    struct spool_counts c = {.bytes = l->before.bytes, .max = l->max};
    if (l->writer != NULL)
        c = spool_counts(l->writer);
    *ret = (struct locked_state){.since = l->before.since != 0 && l->before.since < l->o.now ? l->before.since : l->o.now,
                                 .records = l->before.records + l->written + c.records,
                                 .bytes = c.bytes,
                                 .max = c.max,
                                 .lost = l->lost,
                                 .nearly_full = c.bytes > c.max / 5 * 4};
    memcpy(ret->trouble, l->trouble, sizeof ret->trouble);
}

int locked_fd(const struct locked *l)
{
    return l->fd;
}

uint64_t locked_durable(const struct locked *l)
{
    struct spool_counts c = {.bytes = l->before.bytes};
    if (l->writer != NULL)
        c = spool_counts(l->writer);
    return c.bytes - c.unsynced;
}

int locked_remove(struct locked *l, struct error *e)
{
    spool_writer_free(l->writer);
    l->writer = NULL;
    return file_remove(AT_FDCWD, SPOOL_FILE, e) != 0 ? -1 : file_sync_path(AT_FDCWD, ".", e);
}

uint64_t locked_ledger_size(const char *ledger)
{
    char path[256];
    struct buf note = BUF_INIT(NOTE_MAX);
    struct checkpoint c = {0};
    (void)snprintf(path, sizeof path, "%s/checkpoint", ledger);
    if (file_load(AT_FDCWD, path, NOTE_MAX, &note, NULL) == 0) {
        const uint8_t *end = memmem(note.p, note.n, "\n\n", 2);
        struct span text = end == NULL ? (struct span){0} : span_of(note.p, (size_t)(end - note.p) + 1);
        if (checkpoint_parse(text, &c, NULL) != 0)
            c.size = 0;
    }
    buf_release(&note);
    return c.size;
}
