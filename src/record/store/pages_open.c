/* Making, opening, checking and removing the files of a sealed store. What is read here may come from anybody. */
#include "record/store/pages_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_PAGES 64

/* ── the head ── */

/* One place of the head. 1: it opens; 0: nothing was ever written there; -1: it does not hold. */
static int head_decode(struct pages *p, struct span bytes, uint8_t place, struct page_head *ret, struct error *e)
{
    uint8_t ad[HEAD_MAGIC_N + 1] = HEAD_MAGIC;
    uint8_t clear[HEAD_CLEAR];
    struct span magic = span_take(&bytes, HEAD_MAGIC_N);
    struct span nonce = span_take(&bytes, AES_GCM_NONCE);
    ad[HEAD_MAGIC_N] = place;
    if (!bytes.bad && memcmp(magic.p, HEAD_MAGIC, HEAD_MAGIC_N - 1) == 0 && magic.p[HEAD_MAGIC_N - 1] > HEAD_MAGIC[HEAD_MAGIC_N - 1])
        return err_set(e, ERR_MISUSE, "%s is of a newer format", HEAD_FILE);
    if (bytes.bad || !span_is(magic, HEAD_MAGIC) || !crypto_open(p->keys->store, nonce.p, span_of(ad, sizeof ad), bytes, clear))
        return err_set(e, ERR_CORRUPT, "%s: place %u does not hold, or belongs to another data folder", HEAD_FILE, place);
    struct span s = span_of(clear, sizeof clear);
    memcpy(ret->life, span_take(&s, STORE_LIFE).p, STORE_LIFE);
    memcpy(p->keys->page, span_take(&s, 32).p, 32);
    memcpy(p->keys->set, span_take(&s, 32).p, 32);
    ret->written = span_be64(&s);
    ret->generation = span_be64(&s);
    ret->copying = span_u8(&s) != 0;
    memcpy(ret->sum, span_take(&s, SET_HASH).p, SET_HASH);
    memcpy(ret->log_id, span_take(&s, LOG_ID).p, LOG_ID);
    ret->frames = span_be32(&s);
    ret->pages = span_be32(&s);
    crypto_wipe(clear, sizeof clear);
    return 0;
}

static int head_load(struct pages *p, struct error *e)
{
    struct page_head heads[HEAD_PLACES];
    for (uint8_t place = 0; place < HEAD_PLACES; place++) {
        uint8_t bytes[HEAD_BYTES];
        ssize_t n = read_at(p->head_fd, bytes, sizeof bytes, (uint64_t)place * HEAD_APART);
        if (n < 0)
            return err_sys(e, errno, "reading %s", HEAD_FILE);
        if (head_decode(p, span_of(bytes, (size_t)n), place, &heads[place], e) != 0)
            return -1;
    }
    unsigned newer = heads[1].written > heads[0].written;
    if (heads[newer].written != heads[!newer].written + 1 || memcmp(heads[0].life, heads[1].life, STORE_LIFE) != 0)
        return err_set(e, ERR_CORRUPT, "%s: its two places are not of two writings in a row: an older one was put back", HEAD_FILE);
    p->head = heads[newer];
    crypto_hmac_set(&p->keys->set_ready, span_of(p->keys->set, sizeof p->keys->set));
    return 0;
}

/* ── the log ── */

static void note(char out[STORE_NOTE], const char *what, unsigned long number)
{
    (void)snprintf(out, STORE_NOTE, "%s: %s %lu does not hold; it and what follows in the log is left out", LOG_FILE, what, number);
}

/* Opens the log's head under the generation of the pages. */
static bool log_open(struct pages *p, struct page_hand *h, const uint8_t block[LOG_BLOCK], uint64_t generation)
{
    uint8_t ad[9];
    uint8_t clear[LOG_HEAD + LOG_ID];
    size_t n = LOG_HEAD + LOG_ID;
    if (!crypto_bulk_open(h->box, block + n, log_ad(ad, generation), span_of(block, n), block + n + AES_GCM_NONCE, clear))
        return false;
    memcpy(p->log_head, clear, LOG_HEAD);
    memcpy(p->log_id, clear + LOG_HEAD, LOG_ID);
    return true;
}

/* Frames that open, in order. */
static int log_frames(struct pages *p, struct page_hand *h, char ret_note[STORE_NOTE], struct error *e)
{
    uint8_t frame[FRAME_BYTES];
    for (uint32_t k = 1; k <= FRAMES_MAX; k++) {
        ssize_t n = read_at(p->log_fd, frame, sizeof frame, LOG_BLOCK + (uint64_t)(k - 1) * FRAME_BYTES);
        if (n < 0)
            return err_sys(e, errno, "reading %s", LOG_FILE);
        if (n == 0)
            break;
        memcpy(p->frame_tail[k], frame + FRAME_BYTES - PAGE_TAIL, PAGE_TAIL);
        if (n != FRAME_BYTES || !open_frame(p, h, k, frame)) {
            note(ret_note, "frame", k);
            break;
        }
        struct span head = span_of(frame, FRAME_HEAD);
        p->frame_page[k] = span_be32(&head);
        if (span_be32(&head) != 0)
            p->committed = k;
        atomic_store(&p->frames, k);
    }
    return 0;
}

/* Where the log does not go on from these pages, it is as if it were empty: whoever keeps the store catches up. */
static int log_load(struct pages *p, struct page_hand *h, char ret_note[STORE_NOTE], struct error *e)
{
    uint8_t block[LOG_BLOCK];
    ssize_t n = read_at(p->log_fd, block, sizeof block, 0);
    if (n < 0)
        return err_sys(e, errno, "reading %s", LOG_FILE);
    bool ours = n == LOG_BLOCK && log_open(p, h, block, p->head.generation);
    bool copied = n == LOG_BLOCK && !ours && p->head.generation > 0 && log_open(p, h, block, p->head.generation - 1);
    if (n > 0 && !ours && !copied) /* else the last checkpoint ended before it could cut the log */
        note(ret_note, "its head, of generation", (unsigned long)p->head.generation);
    atomic_store(&p->log_there, ours);
    if (ours && log_frames(p, h, ret_note, e) != 0)
        return -1;
    if (p->looking)
        return 0;
    uint64_t keep = ours ? LOG_BLOCK + (uint64_t)pages_log_frames(p) * FRAME_BYTES : 0;
    return ftruncate(p->log_fd, (off_t)keep) == 0 ? 0 : err_sys(e, errno, "cutting %s", LOG_FILE);
}

/* ── the pages ── */

static bool all_zero(const uint8_t page[PAGE_BYTES])
{
    return page[0] == 0 && memcmp(page, page + 1, PAGE_BYTES - 1) == 0;
}

/* One page as it lies on the disk. listed: the log has it, so that it need not hold. */
static int page_take(struct pages *p, struct page_hand *h, uint32_t number, uint8_t page[PAGE_BYTES], bool listed, struct error *e)
{
    uint8_t tail[PAGE_TAIL];
    memcpy(tail, page + PAGE_BYTES - PAGE_TAIL, PAGE_TAIL);
    if (all_zero(page))
        return 0; /* never written: it is in no sum */
    if (!open_page(h, number, page))
        return listed ? 0 : err_set(e, ERR_CORRUPT, "%s: page %lu does not hold", PAGE_FILE, (unsigned long)number);
    if (tail_absent(tail))
        return err_set(e, ERR_CORRUPT, "%s: page %lu does not hold", PAGE_FILE, (unsigned long)number);
    memcpy(p->tail[number], tail, PAGE_TAIL);
    return 0;
}

static int pages_take(struct pages *p, struct page_hand *h, uint32_t count, const uint8_t *listed, uint8_t sum[SET_HASH], struct error *e)
{
    uint8_t *chunk = malloc(CHUNK_PAGES * PAGE_BYTES);
    if (chunk == NULL)
        return err_set(e, ERR_SYSTEM, "store: no memory");
    int r = 0;
    for (uint32_t first = 1; r == 0 && first <= count; first += CHUNK_PAGES) {
        uint32_t n = count - first + 1 < CHUNK_PAGES ? count - first + 1 : CHUNK_PAGES;
        ssize_t got = read_at(p->page_fd, chunk, (size_t)n * PAGE_BYTES, (uint64_t)(first - 1) * PAGE_BYTES);
        if (got != (ssize_t)n * PAGE_BYTES)
            r = got < 0 ? err_sys(e, errno, "reading %s", PAGE_FILE) : err_set(e, ERR_CORRUPT, "%s was cut while it was read", PAGE_FILE);
        for (uint32_t i = 0; r == 0 && i < n; i++) {
            bool skip = is_listed(listed, first + i);
            r = page_take(p, h, first + i, chunk + (size_t)i * PAGE_BYTES, skip, e);
            if (r != 0)
                break;
            sum_change(p->keys, p->sum, first + i, p->tail[first + i]);
            if (!skip)
                sum_change(p->keys, sum, first + i, p->tail[first + i]);
        }
    }
    free(chunk);
    return r;
}

/* What lies on the disk is what the head says, page by page and as a whole. */
static int pages_load(struct pages *p, struct page_hand *h, struct error *e)
{
    struct stat st;
    uint8_t sum[SET_HASH] = {0};
    if (fstat(p->page_fd, &st) != 0)
        return err_sys(e, errno, "reading %s", PAGE_FILE);
    uint64_t count = (uint64_t)st.st_size / PAGE_BYTES;
    bool whole = (uint64_t)st.st_size % PAGE_BYTES == 0;
    if (count > PAGES_MAX || count < p->head.pages || (!p->head.copying && (count > p->head.pages || !whole)))
        return err_set(e, ERR_CORRUPT, "%s has %llu bytes where %lu pages belong", PAGE_FILE, (unsigned long long)st.st_size,
                       (unsigned long)p->head.pages);
    uint8_t *listed = pages_listed(p, p->head.copying ? p->head.frames : 0);
    if (listed == NULL)
        return err_set(e, ERR_SYSTEM, "store: no memory");
    int r = pages_take(p, h, (uint32_t)count, listed, sum, e);
    free(listed);
    if (r == 0 && !crypto_equal(sum, p->head.sum, SET_HASH))
        r = err_set(e, ERR_CORRUPT, "%s: its pages are not those of checkpoint %llu together: an older page was put in, or one taken out", PAGE_FILE,
                    (unsigned long long)p->head.generation);
    atomic_store(&p->count, (uint32_t)count);
    return r;
}

static int load(struct pages *p, char ret_note[STORE_NOTE], struct error *e)
{
    if (head_load(p, e) != 0)
        return -1;
    struct page_hand *h = page_hand_new(p);
    if (h == NULL)
        return err_set(e, ERR_SYSTEM, "store: no memory");
    int r = log_load(p, h, ret_note, e);
    if (r == 0 && p->head.copying && (!pages_log_there(p) || memcmp(p->log_id, p->head.log_id, LOG_ID) != 0 || p->committed < p->head.frames))
        r = err_set(e, ERR_CORRUPT, "%s does not hold up to frame %lu, in the middle of a checkpoint", LOG_FILE, (unsigned long)p->head.frames);
    if (r == 0)
        r = pages_load(p, h, e);
    if (r == 0 && p->head.copying && !p->looking)
        r = pages_redo(p, h, e);
    page_hand_free(h);
    return r;
}

/* ── making, opening, looking ── */

static int open_file(int dir, const char *name, int flags, struct error *e)
{
    int fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        return fd;
    int errnum = errno;
    (void)err_sys(e, errnum, "opening %s", name);
    if (errnum == ENOENT && e != NULL)
        e->class = ERR_CLOSED;
    return -1;
}

static int open_files(struct pages *p, int dir, int flags, struct error *e)
{
    p->head_fd = open_file(dir, HEAD_FILE, flags, e);
    if (p->head_fd < 0)
        return -1;
    if (!p->looking && flock(p->head_fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? err_set(e, ERR_AGAIN, "the store is in use by another process") : err_sys(e, errno, "locking %s", HEAD_FILE);
    int more = p->looking ? 0 : O_CREAT;
    p->page_fd = open_file(dir, PAGE_FILE, flags | more, e);
    p->log_fd = p->page_fd < 0 ? -1 : open_file(dir, LOG_FILE, flags | more, e);
    if (p->log_fd >= 0)
        return 0;
    if (e != NULL && e->class == ERR_CLOSED)
        e->class = ERR_CORRUPT; /* there is a head, so there must be the rest */
    return -1;
}

/* A new life: both places of the head are written, over no pages. */
static int make(struct pages *p, int dir, struct error *e)
{
    crypto_random(p->head.life, STORE_LIFE);
    crypto_random(p->keys->page, sizeof p->keys->page);
    crypto_random(p->keys->set, sizeof p->keys->set);
    crypto_hmac_set(&p->keys->set_ready, span_of(p->keys->set, sizeof p->keys->set));
    if (ftruncate(p->page_fd, 0) != 0 || ftruncate(p->log_fd, 0) != 0)
        return err_sys(e, errno, "making the store");
    struct page_head next = p->head;
    if (head_write(p, &next, e) != 0 || head_write(p, &next, e) != 0)
        return -1;
    return fsync(dir) == 0 ? 0 : err_sys(e, errno, "making the store durable");
}

struct pages *pages_open(int dir, const uint8_t key[32], bool create, char ret_note[STORE_NOTE], struct error *e)
{
    struct pages *p = pages_new();
    if (p == NULL) {
        (void)err_set(e, ERR_SYSTEM, "store: no memory");
        return NULL;
    }
    memcpy(p->keys->store, key, 32);
    ret_note[0] = 0;
    if (open_files(p, dir, O_RDWR | (create ? O_CREAT | O_EXCL : 0), e) != 0 || (create ? make(p, dir, e) : load(p, ret_note, e)) != 0) {
        pages_close(p);
        return NULL;
    }
    return p;
}

int pages_scan(int dir, const uint8_t key[32], struct store_scanned *ret, struct error *e)
{
    struct pages *p = pages_new();
    if (p == NULL)
        return err_set(e, ERR_SYSTEM, "store: no memory");
    *ret = (struct store_scanned){0};
    p->looking = true;
    memcpy(p->keys->store, key, 32);
    int r = open_files(p, dir, O_RDONLY, e);
    if (r == 0)
        r = load(p, ret->note, e);
    if (r == 0) {
        pages_mark(p, &ret->mark);
        ret->copying = p->head.copying;
        ret->frames = pages_log_frames(p);
    }
    pages_close(p);
    return r;
}

/* The head's places are written over and durable before any file goes: after that, nothing opens the rest. */
static int destroy_key(int dir, struct error *e)
{
    static const uint8_t zeros[HEAD_APART + HEAD_BYTES];
    int fd = openat(dir, HEAD_FILE, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening %s", HEAD_FILE);
    int r = 0;
    if (pwrite(fd, zeros, sizeof zeros, 0) != (ssize_t)sizeof zeros || fdatasync(fd) != 0)
        r = err_sys(e, errno, "writing over %s", HEAD_FILE);
    (void)close(fd);
    return r;
}

int pages_drop(int dir, struct error *e)
{
    static const char *const files[] = {PAGE_FILE, LOG_FILE, HEAD_FILE};
    struct error late;
    int r = destroy_key(dir, e); /* on a full or failing disk the files go all the same */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (unlinkat(dir, files[i], 0) != 0 && errno != ENOENT)
            r = err_sys(r == 0 ? e : &late, errno, "removing %s", files[i]);
    return r;
}
