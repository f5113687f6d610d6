/* The writer: open and recover, append, commit, settle, close.
 *
 * Invariants
 *  1. One writer a folder: an open-file-description lock on `lock` is held from open to close.
 *  2. A record is committed when, and only when, a whole frame with it is durable in the valid journal generation, or the generation's base covers
 * it.
 *  3. What the base of the valid generation covers is durable in place: segments up to the lengths in the base, bundles, tiles, keyring. Nothing that
 * the base needs is overwritten, cut or removed while it is the base: segments only grow behind those lengths, full tiles lie behind it, partial
 * tiles of its size are removed only after a later base is durable.
 *  4. Everything behind the base (segments' ends, bundles, tiles, checkpoint) is a function of base and frames: a restart may write it again, any
 * number of times, and be stopped at any point of doing so.
 *  5. A head is signed only over committed records, and committed records are never dropped: so any two signed heads are consistent. A frame that is
 * taken back (journal_cancel) was never under a signed head.
 *  6. A frame begins on its own page, so writing one touches no page of another: a torn write damages only what was not acknowledged.
 *  7. A period key is durable in the key file before a frame with a record that it sealed is written (commit_steps). A seal key is used once, because
 * its salt is random: an index that is given again after a crash does not meet the same key.
 *  8. After any failed write nothing more is taken (FAILED): what the disk holds is unknown until a restart has read it.
 *  9. size, published head and key count are what other threads see; they change under `mutex` or atomically, after the disk.
 * 10. Success of a sync says something only about what was written since the last failed one: Linux marks pages clean that it could not write, and
 * what is read back may be nowhere but in memory. So no failed sync is tried again: the ledger is FAILED, and the next start writes the journal anew,
 *     byte for byte as it read it, and segments and tiles behind the base as always, before it signs or acknowledges anything.
 * 11. Journal, keyring and checkpoint are written by the caller's thread alone; segments, bundles and tiles by it or by the scribe's (scribe.c),
 *     which the caller waits for before it touches one of them, publishes, settles, or begins the next frame. Other threads only seal queued records
 *     (sealing.c); until sealing_wait says so, their bytes are in clear, and neither written nor hashed; and their period keys stay where they are.
 *
 *                 append                commit: journal, segments, full tiles, fdatasync    tiles, checkpoint
 *      ┌──────┐ ─────────► ┌────────┐ ─────────────────────────────────────────► ┌─────────┐ ───────────► ┌───────────┐
 *      │ OPEN │            │ QUEUED │                                            │ DURABLE │              │ PUBLISHED │ ──► acknowledged, OPEN
 *      └──────┘ ◄───────── └────────┘                                            └─────────┘              └───────────┘
 *         ▲      (close or crash: gone)      any failure ──► frame taken back ──► FAILED ──► only close
 *         │ settle: all durable in place, next generation
 *
 *  OPEN, QUEUED: a crash loses nothing acknowledged; the journal ends behind the last commit.  DURABLE: a crash keeps the records; the restart
 * publishes them. With a checkpoint interval, DURABLE is acknowledged and PUBLISHED follows.
 *
 * Why a journal: a commit that touched segments of two streams, a bundle, tiles and the checkpoint would need five or more syncs and could be torn
 * between them. The journal needs one, into blocks that exist, and makes the commit one thing; the price is that bytes are written twice, the second
 * time at leisure. */
#include "record/ledger/ledger.h"

#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SALTS 64
#define DAY (INT64_C(86400) * TIME_SECOND)

struct ledger {
    int dir;
    int lock;
    struct keyring *ring;
    struct crypto_signer *signer;
    struct sealing *sealing;
    struct note_key key;
    char verifier[VERIFIER_TEXT];
    tq_time interval;
    uint64_t settle_at;

    struct scribe *scribe;
    struct edge *edge; /* the scribe's, as are the segments: touched only when no frame is in its hands */
    struct journal journal;
    struct sweep sweep;
    struct buf queue;   /* the next frame */
    struct buf written; /* the one before, which the scribe may still be reading */
    uint32_t queued;

    uint8_t salts[SALTS][ENTRY_SALT];
    unsigned salts_left;
    struct {
        bool set;
        bool scoped;
        int64_t day;
        const struct period_key *key;
    } current[STREAMS];

    struct error failure;      /* why nothing more is taken */
    _Atomic unsigned cuts;     /* that are being copied: no segment goes meanwhile */
    _Atomic uint64_t cut_size; /* of the oldest of them */
    _Atomic uint64_t size;
    pthread_mutex_t mutex;
    struct ledger_head head;
};

/* ── What other files of this folder may see ── */

int ledger_dir(const struct ledger *l)
{
    return l->dir;
}

struct keyring *ledger_ring(const struct ledger *l)
{
    return l->ring;
}

uint32_t ledger_queued(const struct ledger *l)
{
    return l->queued;
}

void ledger_hold(struct ledger *l, uint64_t size)
{
    if (atomic_fetch_add(&l->cuts, 1) == 0)
        atomic_store(&l->cut_size, size);
}

void ledger_let_go(struct ledger *l)
{
    (void)atomic_fetch_sub(&l->cuts, 1);
}

bool ledger_held(const struct ledger *l, uint64_t record)
{
    return atomic_load(&l->cuts) > 0 && record >= atomic_load(&l->cut_size);
}

uint64_t ledger_size(const struct ledger *l)
{
    return l->size;
}

void ledger_root(const struct ledger *l, uint8_t root[32])
{
    memcpy(root, l->head.root, 32);
}

const char *ledger_checkpoint(const struct ledger *l)
{
    return l->head.checkpoint;
}

tq_time ledger_checkpoint_time(const struct ledger *l)
{
    return l->head.checkpoint_time;
}

const char *ledger_verifier(const struct ledger *l)
{
    return l->verifier;
}

void ledger_head(struct ledger *l, struct ledger_head *ret)
{
    (void)pthread_mutex_lock(&l->mutex);
    *ret = l->head;
    (void)pthread_mutex_unlock(&l->mutex);
}

static void derive_key(const struct keyring *ring, const char *purpose, uint8_t out[32])
{
#define PURPOSE_LABEL "tourniquet purpose v1"
    uint8_t info[256] = PURPOSE_LABEL; /* the array's zeros give the 00 behind the label */
    size_t n = strnlen(purpose, sizeof info - sizeof PURPOSE_LABEL);
    memcpy(info + sizeof PURPOSE_LABEL, purpose, n);
    crypto_hkdf(span_of(ring->purpose, sizeof ring->purpose), span_of(ring->log_id, LOG_ID), span_of(info, sizeof PURPOSE_LABEL + n), out, 32);
}

void ledger_derive_key(struct ledger *l, const char *purpose, uint8_t out[32])
{
    derive_key(l->ring, purpose, out);
}

int ledger_peek_key(const char *dir, const struct root_source *root, const char *purpose, uint8_t out[32], struct error *e)
{
    int fd = ledger_folder_open(dir, e);
    struct keyring *ring = fd < 0 ? NULL : keyring_new(e);
    int r = ring == NULL ? -1 : keyring_load(ring, fd, root, e);
    if (r == 0)
        derive_key(ring, purpose, out);
    keyring_free(ring);
    if (fd >= 0)
        (void)close(fd);
    return r;
}

void ledger_log_id(const struct ledger *l, uint8_t out[16])
{
    memcpy(out, l->ring->log_id, LOG_ID);
}

void ledger_opening_key(struct ledger *l, uint8_t out[32])
{
    memcpy(out, l->ring->w, 32);
}

/* ── Failing ── */

int ledger_fail(struct ledger *l, const struct error *why, struct error *e)
{
    l->failure = *why;
    scribe_drop(l->scribe);
    sealing_reset(l->sealing);
    (void)pthread_mutex_lock(&l->mutex);
    l->head.failed = true;
    (void)pthread_mutex_unlock(&l->mutex);
    buf_clear(&l->queue);
    l->queued = 0;
    if (e != NULL)
        *e = *why;
    return -1;
}

int ledger_refuse(const struct ledger *l, struct error *e)
{
    if (l->failure.class == ERR_NONE)
        return 0;
    return err_set(e, ERR_SYSTEM, "the ledger takes nothing more since a write failed (%.200s): mend the disk, then restart", l->failure.text);
}

/* ── Append ── */

void ledger_forget_keys(struct ledger *l)
{
    memset(l->current, 0, sizeof l->current);
    sealing_reset(l->sealing);
}

/* The period key for a record; a new one becomes durable before the commit (keyring_flush). */
static const struct period_key *key_for(struct ledger *l, enum ledger_stream stream, const uint8_t *scope, tq_time time, struct error *e)
{
    unsigned slot = stream_slot(stream);
    int64_t day = time / DAY - (time % DAY < 0);
    const struct period_key *key = l->current[slot].key;
    if (l->current[slot].set && l->current[slot].day == day && l->current[slot].scoped == (scope != NULL) &&
        (scope == NULL || memcmp(key->scope, scope, KEY_SCOPE) == 0))
        return key;
    key = keyring_take(l->ring, (uint8_t)stream, time, scope, l->size + l->queued, e);
    if (key == NULL)
        return NULL;
    l->current[slot].set = true;
    l->current[slot].scoped = scope != NULL;
    l->current[slot].day = day;
    l->current[slot].key = key;
    return key;
}

/* Whether a record can be taken now. */
static int check_record(struct ledger *l, enum ledger_stream stream, struct span payload, struct error *e)
{
    if (ledger_refuse(l, e) != 0)
        return -1;
    if (stream != LEDGER_CUSTODY && stream != LEDGER_OBSERVATION)
        return err_set(e, ERR_MISUSE, "there is no ledger stream %d", (int)stream);
    if (payload.n > LEDGER_PAYLOAD_MAX)
        return err_set(e, ERR_LIMIT, "a record of %u bytes is over the ledger's limit of %u", payload.n, LEDGER_PAYLOAD_MAX);
    size_t total = SEALED_RECORD_MIN + payload.n + AES_GCM_TAG;
    if (l->queue.n + total > JOURNAL_FRAME_HEADER + JOURNAL_BODY_MAX)
        return err_set(e, ERR_LIMIT, "%u records wait for a commit: commit them first", l->queued);
    return 0;
}

static int append_under(struct ledger *l, const struct period_key *key, enum ledger_stream stream, tq_time time, struct span payload,
                        uint64_t *ret_index, struct error *e)
{
    if (key == NULL)
        return -1;
    if (l->salts_left == 0) {
        crypto_random(l->salts, sizeof l->salts);
        l->salts_left = SALTS;
    }
    if (l->queued == 0)
        journal_frame_begin(&l->queue);
    uint64_t index = l->size + l->queued;
    if (!sealing_add(l->sealing, &l->queue, key, index, stream, time, l->salts[--l->salts_left], payload)) {
        struct error why = {0};
        (void)err_sys(&why, ENOMEM, "sealing a record");
        return ledger_fail(l, &why, e);
    }
    l->queued++;
    if (ret_index != NULL)
        *ret_index = index;
    return 0;
}

int ledger_append(struct ledger *l, enum ledger_stream stream, const uint8_t *scope, tq_time time, struct span payload, uint64_t *ret_index,
                  struct error *e)
{
    return check_record(l, stream, payload, e) != 0 ? -1 : append_under(l, key_for(l, stream, scope, time, e), stream, time, payload, ret_index, e);
}

int ledger_append_shared(struct ledger *l, enum ledger_stream stream, const uint8_t (*scopes)[LEDGER_SCOPE], size_t n, tq_time time,
                         struct span payload, uint64_t *ret_index, struct error *e)
{
    if (check_record(l, stream, payload, e) != 0)
        return -1;
    const struct period_key *key = keyring_share(l->ring, (uint8_t)stream, time, scopes, n, l->size + l->queued, e);
    return append_under(l, key, stream, time, payload, ret_index, e);
}

/* ── Commit ── */

/* Writes partial tiles and the checkpoint of the tree as it is, and makes it the head. */
static int publish(struct ledger *l, uint64_t published, tq_time now, struct error *e)
{
    struct buf text = BUF_INIT(512);
    struct buf note = BUF_INIT(sizeof l->head.checkpoint - 1);
    struct tree_hash root;
    int rc = scribe_done(l->scribe, e);
    if (rc == 0)
        rc = edge_publish(l->edge, published, e);
    if (rc == 0) {
        tree_root(&l->edge->tree, &root);
        checkpoint_format(&text, l->key.name, l->edge->tree.size, &root);
        note_sign(&note, buf_span(&text), &l->key, l->signer);
        rc = buf_ok(&text) && buf_ok(&note) ? file_replace(l->dir, "checkpoint", buf_span(&note), false, e)
                                            : err_sys(e, ENOMEM, "signing a checkpoint");
    }
    if (rc == 0) {
        (void)pthread_mutex_lock(&l->mutex);
        memcpy(l->head.checkpoint, note.p, note.n);
        l->head.checkpoint[note.n] = 0;
        l->head.published = l->head.size = l->edge->tree.size;
        l->head.checkpoint_time = now;
        memcpy(l->head.root, root.b, sizeof l->head.root);
        (void)pthread_mutex_unlock(&l->mutex);
    }
    buf_release(&text);
    buf_release(&note);
    return rc;
}

static void take_size(struct ledger *l, uint64_t size)
{
    (void)pthread_mutex_lock(&l->mutex);
    l->head.size = size;
    (void)pthread_mutex_unlock(&l->mutex);
    l->size = size;
}

/* Makes all that is committed durable in place and begins the next journal generation. The head must be published. */
static int settle(struct ledger *l, struct error *e)
{
    struct journal_base base = {.generation = l->journal.base.generation + 1, .size = l->edge->tree.size};
    uint64_t before = l->journal.base.size;
    if (sweep_end(&l->sweep, e) != 0)
        return -1;
    memcpy(base.log_id, l->ring->log_id, LOG_ID);
    tree_root(&l->edge->tree, &base.root);
    for (unsigned i = 0; i < STREAMS; i++) {
        struct segment_writer *w = scribe_segment(l->scribe, i);
        base.segment[i].first = w->first;
        base.segment[i].length = w->length;
        if (segment_writer_sync(w, e) != 0)
            return -1;
    }
    if (base.segment[0].first != SEGMENT_NONE || base.segment[1].first != SEGMENT_NONE) {
        if (file_sync_path(l->dir, "segment", e) != 0)
            return -1;
    }
    if (keyring_base(l->ring, l->dir, e) != 0 || edge_sync(l->edge, before, e) != 0 || file_sync_path(l->dir, "checkpoint", e) != 0 ||
        file_sync_path(l->dir, ".", e) != 0 || journal_begin(&l->journal, &base, e) != 0)
        return -1;
    edge_tidy(l->edge, before);
    return 0;
}

int ledger_settle(struct ledger *l, tq_time now, struct journal_base *ret, struct error *e)
{
    struct error why = {0};
    if (ledger_refuse(l, e) != 0)
        return -1;
    if (l->head.published != l->size && publish(l, l->head.published, now, &why) != 0)
        return ledger_fail(l, &why, e);
    if (l->journal.end != JOURNAL_PAGE && settle(l, &why) != 0)
        return ledger_fail(l, &why, e);
    *ret = l->journal.base;
    return 0;
}

static bool publication_due(const struct ledger *l, tq_time now)
{
    bool stepped_back = now < l->head.checkpoint_time && l->interval != LEDGER_BY_HAND;
    return l->interval == 0 || now - l->head.checkpoint_time >= l->interval || stepped_back;
}

/* Puts the frame into the journal while its records are being sealed, and hands to the scribe what is. */
static int put_frame(struct ledger *l, tq_time now, struct error *e)
{
    size_t all = l->queue.n;
    if (keyring_flush(l->ring, l->dir, e) != 0 || journal_put(&l->journal, &l->queue, l->size, l->queued, now, e) != 0)
        return -1;
    scribe_begin(l->scribe, l->queue.p, JOURNAL_FRAME_HEADER, all, l->queued, sealing_leaves(l->sealing));
    for (size_t sealed = 0; sealed < all;) {
        sealed = sealing_wait(l->sealing, &l->queue);
        scribe_more(l->scribe, sealed);
        if (journal_put_more(&l->journal, &l->queue, sealed, e) != 0)
            return -1;
    }
    return 0;
}

/* The steps of a commit, in the order that invariants 2 to 5 ask for. While the frame is on its way to the disk, segments and full tiles are written;
 * the latter may go on when the commit is over. */
static int commit_steps(struct ledger *l, tq_time now, struct error *e)
{
    if (scribe_done(l->scribe, e) != 0)
        return -1;
    if (l->journal.end > l->settle_at) {
        if (l->head.published != l->size && publish(l, l->head.published, now, e) != 0)
            return -1;
        if (settle(l, e) != 0)
            return -1;
    }
    if (put_frame(l, now, e) != 0 || journal_sync(&l->journal, e) != 0 || scribe_stored(l->scribe, e) != 0)
        return -1;
    if (l->journal.end > l->settle_at / 4 * 3)
        sweep_begin(&l->sweep, l->dir);
    return publication_due(l, now) ? publish(l, l->head.published, now, e) : 0;
}

int ledger_publish(struct ledger *l, tq_time now, struct error *e)
{
    struct error why = {0};
    if (ledger_refuse(l, e) != 0)
        return -1;
    if (l->head.published == l->size || publish(l, l->head.published, now, &why) == 0)
        return 0;
    return ledger_fail(l, &why, e);
}

int ledger_commit(struct ledger *l, tq_time now, struct error *e)
{
    struct error why = {0};
    if (ledger_refuse(l, e) != 0)
        return -1;
    if (l->queued == 0)
        return publication_due(l, now) ? ledger_publish(l, now, e) : 0;
    if (commit_steps(l, now, &why) != 0) {
        journal_cancel(&l->journal);
        return ledger_fail(l, &why, e);
    }
    journal_keep(&l->journal);
    take_size(l, l->size + l->queued);
    sealing_turn(l->sealing);
    struct buf next = l->written;
    l->written = l->queue;
    l->queue = next;
    l->queued = 0;
    l->queue.n = 0; /* nothing in clear is left in it to be wiped */
    return 0;
}

/* ── Open ── */

static bool is_there(int dir, const char *path)
{
    return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Threads that may help to seal: one for each other core that this process may use. */
static unsigned helpers(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (unsigned)CPU_COUNT(&cores) - 1 : 0;
}

static int open_identity(struct ledger *l, struct error *e)
{
    uint8_t public_key[ED25519_PUBLIC];
    char line[VERIFIER_TEXT + 1];
    struct buf kept = BUF_INIT(VERIFIER_TEXT + 1);
    struct error why = {0};
    l->signer = crypto_signer_new(l->ring->seed);
    l->sealing = sealing_new(l->ring, helpers());
    if (l->signer == NULL || l->sealing == NULL)
        return err_sys(e, ENOMEM, "opening the signing key");
    crypto_signer_public(l->signer, public_key);
    if (note_key_make(&l->key, span_str(l->ring->origin), public_key, e) != 0)
        return -1;
    note_key_format(&l->key, l->verifier);
    (void)snprintf(line, sizeof line, "%s\n", l->verifier);
    int rc = file_load(l->dir, "verifier.pub", VERIFIER_TEXT, &kept, &why);
    if (rc != 0 && why.class == ERR_CLOSED)
        rc = file_replace(l->dir, "verifier.pub", span_str(line), true, e);
    else if (rc != 0 || !span_is(buf_span(&kept), line))
        rc = err_set(e, ERR_CORRUPT, "verifier.pub is not this ledger's public key: it was exchanged or damaged. The right line is %s", l->verifier);
    buf_release(&kept);
    return rc;
}

/* The last signed checkpoint. 1: loaded into the head; 0: there is none, or no more than room for it, empty or zeros, is what a power cut left of it;
 * -1: it does not hold. */
static int load_checkpoint(struct ledger *l, struct checkpoint *ret, struct error *e)
{
    struct buf note = {.p = (uint8_t *)l->head.checkpoint, .size = sizeof l->head.checkpoint - 1, .max = sizeof l->head.checkpoint - 1};
    struct error why = {0};
    struct stat st;
    l->head.checkpoint[0] = 0;
    if (file_load(l->dir, "checkpoint", note.max, &note, &why) != 0) {
        if (why.class == ERR_CLOSED)
            return 0;
        *e = why;
        return -1;
    }
    if (note.n == 0 || memchr(note.p, 0, note.n) != NULL)
        return 0;
    note.p[note.n] = 0;
    if (checkpoint_open(buf_span(&note), &l->key, ret, &why) != 0)
        return err_set(e, ERR_CORRUPT, "the ledger's checkpoint does not hold (%.150s): compare with a copy kept elsewhere before going on",
                       why.text);
    l->head.published = ret->size;
    memcpy(l->head.root, ret->root.b, sizeof l->head.root);
    if (fstatat(l->dir, "checkpoint", &st, AT_SYMLINK_NOFOLLOW) == 0)
        l->head.checkpoint_time = (tq_time)st.st_mtim.tv_sec * TIME_SECOND + st.st_mtim.tv_nsec;
    return 1;
}

static int begin_empty(struct ledger *l, struct error *e)
{
    struct journal_base base = {.generation = 1};
    memcpy(base.log_id, l->ring->log_id, LOG_ID);
    tree_root(&l->edge->tree, &base.root);
    base.segment[0].first = base.segment[1].first = SEGMENT_NONE;
    return journal_begin(&l->journal, &base, e);
}

static int open_journal(struct ledger *l, struct error *e)
{
    struct error why = {0};
    if (journal_open(&l->journal, false, &why) != 0) {
        bool never_used = !is_there(l->dir, "checkpoint") && !is_there(l->dir, "segment");
        if (never_used && (why.class == ERR_CLOSED || why.class == ERR_CORRUPT))
            return begin_empty(l, e);
        if (why.class == ERR_CLOSED)
            return err_set(e, ERR_CORRUPT, "both journals are missing: put the ledger back from a backup");
        *e = why;
        return -1;
    }
    if (memcmp(l->journal.base.log_id, l->ring->log_id, LOG_ID) != 0)
        return err_set(e, ERR_CORRUPT, "the journal belongs to another ledger: put the right one back from a backup");
    return 0;
}

/* What the journal holds behind its base. */
struct tail {
    uint64_t frames;
    uint64_t size; /* of the ledger with them */
    tq_time time;  /* of the last */
    bool torn;
};

/* The key of a record in the journal was durable before it: where it is not there, it was lost. (Keys of settled records are counted in the slots.)
 */
static int check_key(struct ledger *l, const struct sealed_record *r, struct error *e)
{
    struct entry entry;
    struct erased_key erased;
    uint8_t key[32];
    if (entry_parse(r->entry, &entry, e) != 0)
        return -1;
    bool there = keyring_find(l->ring, entry.key_id, key, &erased) || erased.at != 0;
    crypto_wipe(key, sizeof key);
    return there ? 0
                 : err_set(e, ERR_CORRUPT, "the key of record %llu is lost: the end of the key file was damaged; put it back from a backup",
                           (unsigned long long)r->index);
}

/* Reads all frames, calling for each the two writers where `apply` says so. The first reading changes nothing: a damaged journal must find segments
 * and tiles as they were. */
static int read_tail(struct ledger *l, bool apply, uint64_t watch, struct tree_hash *ret_root, struct tail *ret, struct error *e)
{
    struct buf bytes = BUF_INIT(JOURNAL_FRAME_HEADER + JOURNAL_BODY_MAX + SHA256_SIZE + JOURNAL_PAGE);
    struct journal_frame f;
    struct tail t = {.size = l->journal.base.size};
    int rc;
    l->journal.end = JOURNAL_PAGE;
    while ((rc = journal_next(&l->journal, t.size, &bytes, &f, &t.torn, e)) == 1) {
        struct span body = f.body;
        struct sealed_record r;
        uint64_t count = 0;
        for (; sealed_record_take(&body, &r) == 1 && r.index == t.size + count; count++)
            if (!apply && (rc = check_key(l, &r, e)) != 0)
                goto done;
        if (body.n > 0 || count != f.count) {
            rc = err_set(e, ERR_CORRUPT, "the journal's commit at record %llu is not well-formed", (unsigned long long)f.first);
            break;
        }
        if (apply && scribe_take(l->scribe, f.body, watch, ret_root, e) != 0) {
            rc = -1;
            break;
        }
        t.frames++;
        t.size += count;
        t.time = f.time;
    }
done:
    buf_release(&bytes);
    *ret = t;
    return rc;
}

/* The root that the tree had at a size that the base covers. */
static int settled_root(struct ledger *l, uint64_t size, struct tree_hash *ret, struct error *e)
{
    struct tile_source *s = malloc(sizeof *s);
    struct tree t;
    if (s == NULL)
        return err_sys(e, ENOMEM, "reading the tree");
    tile_source_init(s, l->dir, l->journal.base.size);
    struct tree_source source = tile_tree_source(s);
    int rc = tree_load(&t, size, &source, e);
    free(s);
    if (rc == 0)
        tree_root(&t, ret);
    return rc;
}

/* Brings tree and segments to the base of the journal. */
static int restore_base(struct ledger *l, struct error *e)
{
    const struct journal_base *b = &l->journal.base;
    struct tree_hash root;
    if (edge_load(l->edge, b->size, e) != 0)
        return err_context(e, "the ledger's tree cannot be read (put it back from a backup)");
    tree_root(&l->edge->tree, &root);
    if (!tree_hash_equal(&root, &b->root))
        return err_set(e, ERR_CORRUPT,
                       "the tree on disk is not the one that was settled at %llu records: run ledger verify, then put it back from a backup",
                       (unsigned long long)b->size);
    for (unsigned i = 0; i < STREAMS; i++) { /* both are looked at before either is changed: who refuses a ledger leaves it as it was */
        if (segment_writer_open(scribe_segment(l->scribe, i), b->segment[i].first, b->segment[i].length, e) != 0)
            return -1;
    }
    return segment_writer_cut(scribe_segment(l->scribe, 0), e) == 0 ? segment_writer_cut(scribe_segment(l->scribe, 1), e) : -1;
}

static int check_head(struct ledger *l, const struct checkpoint *c, const struct tree_hash *watched, struct error *e)
{
    struct tree_hash root = *watched;
    if (c->size <= l->journal.base.size && settled_root(l, c->size, &root, e) != 0)
        return -1;
    if (tree_hash_equal(&root, &c->root))
        return 0;
    return err_set(e, ERR_CORRUPT,
                   "the ledger's first %llu records are not those of its signed checkpoint: it was changed, or parts of an old copy were put back",
                   (unsigned long long)c->size);
}

static void describe(char *note, const struct tail *t, bool had_checkpoint, bool fresh, const char *locked)
{
    char recovered[120] = "";
    if (t->frames > 0)
        (void)snprintf(recovered, sizeof recovered, "not closed in an orderly way: %llu commits since the last settling were read back; ",
                       (unsigned long long)t->frames);
    (void)snprintf(note, 256, "%s%s%s%s", recovered, t->torn ? "one commit that was never acknowledged was cut short and dropped; " : "",
                   had_checkpoint || fresh ? "" : "the checkpoint was missing and was signed again; ", locked);
    size_t n = strlen(note);
    if (n >= 2)
        note[n - 2] = 0;
}

static int recover(struct ledger *l, char *note, struct error *e)
{
    struct checkpoint c = {0};
    struct tail t;
    struct tree_hash watched;
    bool fresh = !is_there(l->dir, "checkpoint") && !is_there(l->dir, "segment");
    if (open_journal(l, e) != 0)
        return -1;
    int has = load_checkpoint(l, &c, e);
    if (has < 0 || read_tail(l, false, 0, NULL, &t, e) != 0)
        return -1;
    if (has == 1 && c.size > t.size)
        return err_set(e, ERR_CORRUPT, "the checkpoint covers %llu records but only %llu are there: the end was cut off, or an old copy was put back",
                       (unsigned long long)c.size, (unsigned long long)t.size);
    uint64_t end = l->journal.end;
    if (restore_base(l, e) != 0 || journal_rewrite(&l->journal, end, e) != 0)
        return -1;
    tree_root(&l->edge->tree, &watched);
    if (read_tail(l, true, c.size, &watched, &t, e) != 0 || (has == 1 && check_head(l, &c, &watched, e) != 0))
        return -1;
    take_size(l, t.size);
    tq_time time = t.frames > 0 ? t.time : l->head.checkpoint_time;
    if ((has == 0 || c.size != t.size || t.frames > 0) && publish(l, l->journal.base.size, time, e) != 0)
        return -1;
    if (t.frames > 0) {
        if (settle(l, e) != 0)
            return -1;
        edge_tidy_last(l->edge);
    }
    if (note != NULL)
        describe(note, &t, has == 1, fresh, l->ring->locked ? "" : "keys lie in memory that may be swapped out (raise the limit of locked memory); ");
    return 0;
}

static int open_all(struct ledger *l, const struct ledger_options *o, char *note, struct error *e)
{
    if (o->create && file_make_folder(o->dir, e) != 0)
        return -1;
    l->dir = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir < 0)
        return errno == ENOENT ? err_set(e, ERR_MISUSE, "there is no ledger in %s", o->dir) : err_sys(e, errno, "opening the folder %s", o->dir);
    if (!o->create && !is_there(l->dir, "keyring") && !is_there(l->dir, "checkpoint"))
        return err_set(e, ERR_MISUSE, "there is no ledger in %s", o->dir);
    l->lock = ledger_lock(l->dir, e);
    l->ring = l->lock < 0 ? NULL : ledger_keys_open(l->dir, o, e);
    if (l->ring == NULL || open_identity(l, e) != 0)
        return -1;
    l->scribe = scribe_new(l->dir, l->ring->log_id, helpers() > 0);
    if (l->scribe == NULL)
        return err_sys(e, ENOMEM, "opening the ledger");
    l->edge = scribe_edge(l->scribe);
    journal_init(&l->journal, l->dir);
    l->head.keys_locked = l->ring->locked;
    return recover(l, note, e) == 0 ? ledger_keys_settle(l->ring, l->dir, o, e) : -1;
}

static void release(struct ledger *l)
{
    (void)sweep_end(&l->sweep, NULL);
    scribe_free(l->scribe);
    sealing_free(l->sealing);
    journal_close(&l->journal);
    buf_release(&l->queue);
    buf_release(&l->written);
    crypto_signer_free(l->signer);
    keyring_free(l->ring);
    if (l->lock >= 0)
        (void)close(l->lock); /* and the lock goes */
    if (l->dir >= 0)
        (void)close(l->dir);
    (void)pthread_mutex_destroy(&l->mutex);
    free(l);
}

struct ledger *ledger_open(const struct ledger_options *options, char ret_note[256], struct error *e)
{
    struct error why = {0};
    struct ledger *l = calloc(1, sizeof *l);
    if (l == NULL || crypto_start(&why) != 0) {
        if (l == NULL)
            (void)err_sys(&why, ENOMEM, "opening the ledger");
        free(l);
        if (e != NULL)
            *e = why;
        return NULL;
    }
    l->dir = l->lock = l->journal.fd = l->journal.direct = -1;
    l->interval = options->checkpoint_interval;
    l->settle_at = options->settle != 0 ? options->settle : JOURNAL_SETTLE;
    l->queue = l->written = BUF_SECRET(JOURNAL_FRAME_HEADER + JOURNAL_BODY_MAX + SHA256_SIZE);
    (void)pthread_mutex_init(&l->mutex, NULL);
    if (ret_note != NULL)
        ret_note[0] = 0;
    if (open_all(l, options, ret_note, &why) == 0)
        return l;
    release(l);
    if (e != NULL)
        *e = why;
    return NULL;
}

void ledger_close(struct ledger *l)
{
    if (l == NULL)
        return;
    if (l->failure.class == ERR_NONE) { /* whatever fails here is made good by the next start */
        bool published = l->head.published == l->size || publish(l, l->head.published, l->head.checkpoint_time, NULL) == 0;
        if (published && (l->journal.end == JOURNAL_PAGE || settle(l, NULL) == 0))
            (void)journal_shrink(&l->journal, NULL);
        keyfile_trim(l->ring, l->dir);
    }
    release(l);
}
