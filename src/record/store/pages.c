/* The sealed pages and log of an open store.
 *
 * Invariants
 *  1. Every page and frame is sealed with AES-256-GCM under a key of this database's life, with a nonce of its own: eight bytes drawn at random at
 *     each opening, then a counter. When the counter is used up, eight new bytes are drawn.
 *  2. What is sealed says where it belongs (associated data): a page its number; a frame its log's random id and its place in it; the log's head the
 *     generation of the pages that it goes on from. So nothing opens anywhere else than where it was written.
 *  3. Memory knows nonce and tag of every page and frame (`tail`, `frame_tail`). What lies on the disk is what was written last, or it is refused by
 *     name: an older page that still opens is a damaged one.
 *  4. `sum` is the XOR of HMAC-SHA-256(set key, number and tail) over all pages: an incremental set-hash (MSet-XOR-Hash of Clarke, Devadas, van Dijk,
 *     Gassend, Suh, "Incremental Multiset Hash Functions", ASIACRYPT 2003), whose value never leaves in clear: the head seals it, and marks carry an
 *     HMAC of it. Who does not know the key learns nothing of it but whether two are equal, so that two different sets of pages that were ever
 *     written agree with probability 2^-256 a try.
 *  5. The head is the only place where keys lie, sealed under the store key. It has two places, written in turn; both must open, and be of two
 *     writings in a row. What the newer one says of the pages is true of the disk, or the store does not open.
 *  6. Pages are written by checkpoints only (and while the store is made). A log begins after a checkpoint and belongs to the generation that it
 *     made; a log of another generation is nobody's, and is not read. So pages and log never come from two times.
 *  7. What is sealed may wait for what comes behind it on the disk, and goes there in one write: frames until one ends a transaction, so that no
 *     other connection ever asks for one that waits; pages while the log is copied, when nobody reads.
 *  8. Order. Log durable, then head COPYING durable, then pages written and durable, then head with the next generation durable, then the log cut.
 *     Nothing else is synced.
 *
 *              frames                  pages_copy_begin                 page_write …              pages_copy_end
 *     ┌───────┐ ─────► ┌────────────┐ ─────────────────► ┌─────────┐ ─────────────────► ┌────────┐ ──────────────► ┌───────┐
 *     │ CLEAN │        │ CLEAN, LOG │                    │ COPYING │                    │ COPIED │                 │ CLEAN │ of the next generation
 *     └───────┘        └────────────┘                    └─────────┘                    └────────┘                 └───────┘
 *
 *  CLEAN: sum is that of all pages. A crash keeps the pages; of the log that much as opens, in order, which may be nothing.
 *  COPYING, COPIED: pages that the log holds may lie there old, new or in part; sum is that of all the others. A crash keeps everything, if the log
 *  holds up to where it was; the copying is done again. If it does not, the store does not open. */
#include "record/store/pages_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NONCE_PREFIX 8

/* ── the disk ── */

ssize_t read_at(int fd, void *out, size_t n, uint64_t at)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, (uint8_t *)out + got, n - got, (off_t)(at + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

static int write_at(int fd, struct span data, uint64_t at)
{
    while (data.n > 0) {
        ssize_t n = pwrite(fd, data.p, data.n, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? ENOSPC : errno;
        (void)span_skip(&data, (size_t)n);
        at += (uint64_t)n;
    }
    return 0;
}

static enum page_result result_of(int errnum)
{
    return errnum == 0 ? PAGE_OK : errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG ? PAGE_FULL : PAGE_ERROR;
}

/* ── what is known of it ── */

static void *table_of(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

struct pages *pages_new(void)
{
    struct pages *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->head_fd = p->page_fd = p->log_fd = -1;
    (void)pthread_mutex_init(&p->lock, NULL);
    p->keys = crypto_secret_new(sizeof *p->keys, NULL);
    p->tail = table_of((PAGES_MAX + 1) * sizeof *p->tail);
    p->frame_tail = table_of((FRAMES_MAX + 1) * sizeof *p->frame_tail);
    p->frame_page = table_of((FRAMES_MAX + 1) * sizeof *p->frame_page);
    p->unsure = table_of(PAGES_MAX / 8 + 1);
    atomic_store(&p->held_from, NO_FRAME);
    p->held_log = malloc((size_t)HELD * FRAME_BYTES);
    p->held_text = malloc((size_t)HELD * PAGE_BYTES);
    if (p->held_log == NULL || p->held_text == NULL || p->keys == NULL || p->tail == NULL || p->frame_tail == NULL || p->frame_page == NULL ||
        p->unsure == NULL) {
        pages_close(p);
        return NULL;
    }
    crypto_random(p->nonce, NONCE_PREFIX);
    return p;
}

void pages_close(struct pages *p)
{
    if (p == NULL)
        return;
    const int fds[] = {p->page_fd, p->log_fd, p->head_fd};
    for (size_t i = 0; i < 3; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    if (p->tail != NULL)
        (void)munmap(p->tail, (PAGES_MAX + 1) * sizeof *p->tail);
    if (p->frame_tail != NULL)
        (void)munmap(p->frame_tail, (FRAMES_MAX + 1) * sizeof *p->frame_tail);
    if (p->frame_page != NULL)
        (void)munmap(p->frame_page, (FRAMES_MAX + 1) * sizeof *p->frame_page);
    if (p->unsure != NULL)
        (void)munmap(p->unsure, PAGES_MAX / 8 + 1);
    free(p->held_log);
    free(p->held_text);
    crypto_secret_free(p->keys, sizeof *p->keys);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

void pages_tell(struct pages *p, void (*damaged)(void *context, const struct error *why), void *context)
{
    p->damaged = damaged;
    p->context = context;
}

bool pages_why(struct pages *p, struct error *ret)
{
    (void)pthread_mutex_lock(&p->lock);
    bool there = p->why.class != ERR_NONE;
    if (there)
        *ret = p->why;
    (void)pthread_mutex_unlock(&p->lock);
    return there;
}

static enum page_result damaged(struct pages *p, const char *file, const char *what, uint32_t number)
{
    struct error why;
    (void)err_set(&why, ERR_CORRUPT, "%s: %s %lu does not hold: it was changed, or an older one put back", file, what, (unsigned long)number);
    (void)pthread_mutex_lock(&p->lock);
    bool first = p->why.class == ERR_NONE;
    if (first)
        p->why = why;
    (void)pthread_mutex_unlock(&p->lock);
    if (first && p->damaged != NULL)
        p->damaged(p->context, &why);
    return PAGE_DAMAGED;
}

bool tail_absent(const uint8_t tail[PAGE_TAIL])
{
    static const uint8_t none[PAGE_TAIL];
    return memcmp(tail, none, PAGE_TAIL) == 0;
}

void sum_change(const struct page_keys *keys, uint8_t sum[SET_HASH], uint32_t number, const uint8_t tail[PAGE_TAIL])
{
    uint8_t element[4 + PAGE_TAIL] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    uint8_t mac[SHA256_SIZE];
    if (tail_absent(tail))
        return;
    memcpy(element + 4, tail, PAGE_TAIL);
    struct span whole = span_of(element, sizeof element);
    crypto_hmac_do(&keys->set_ready, &whole, 1, mac);
    for (size_t i = 0; i < SET_HASH; i++)
        sum[i] ^= mac[i];
}

/* ── sealing ── */

struct page_hand *page_hand_new(const struct pages *p)
{
    struct page_hand *h = calloc(1, sizeof *h);
    if (h != NULL && (h->box = crypto_bulk_new(p->keys->page)) == NULL) {
        free(h);
        return NULL;
    }
    return h;
}

void page_hand_free(struct page_hand *h)
{
    if (h == NULL)
        return;
    crypto_bulk_free(h->box);
    free(h);
}

static void next_nonce(struct pages *p, uint8_t out[AES_GCM_NONCE])
{
    for (size_t i = AES_GCM_NONCE; i-- > NONCE_PREFIX;)
        if (++p->nonce[i] != 0) {
            memcpy(out, p->nonce, AES_GCM_NONCE);
            return;
        }
    crypto_random(p->nonce, NONCE_PREFIX);
    memcpy(out, p->nonce, AES_GCM_NONCE);
}

void seal_with_tail(struct pages *p, struct page_hand *h, struct span ad, struct span in, uint8_t *out)
{
    uint8_t *tail = out + in.n;
    next_nonce(p, tail);
    crypto_bulk_seal(h->box, tail, ad, in, out, tail + AES_GCM_NONCE);
}

static bool open_with_tail(struct page_hand *h, struct span ad, uint8_t *text, size_t n)
{
    uint8_t *tail = text + n - PAGE_TAIL;
    bool right = crypto_bulk_open(h->box, tail, ad, span_of(text, n - PAGE_TAIL), tail + AES_GCM_NONCE, text);
    memset(tail, 0, PAGE_TAIL);
    return right;
}

#define PAGE_AD 5
static struct span page_ad(uint8_t room[PAGE_AD], uint32_t number)
{
    room[0] = 'P';
    for (size_t i = 0; i < 4; i++)
        room[1 + i] = (uint8_t)(number >> (24 - 8 * i));
    return span_of(room, PAGE_AD);
}

#define FRAME_AD (1 + LOG_ID + 4)
static struct span frame_ad(uint8_t room[FRAME_AD], const uint8_t log_id[LOG_ID], uint32_t number)
{
    (void)page_ad(room + LOG_ID, number);
    room[0] = 'F';
    memcpy(room + 1, log_id, LOG_ID);
    return span_of(room, FRAME_AD);
}

struct span log_ad(uint8_t room[9], uint64_t generation)
{
    room[0] = 'L';
    for (size_t i = 0; i < 8; i++)
        room[1 + i] = (uint8_t)(generation >> (56 - 8 * i));
    return span_of(room, 9);
}

bool open_page(struct page_hand *h, uint32_t number, uint8_t page[PAGE_BYTES])
{
    uint8_t ad[PAGE_AD];
    return open_with_tail(h, page_ad(ad, number), page, PAGE_BYTES);
}

bool open_frame(const struct pages *p, struct page_hand *h, uint32_t number, uint8_t frame[FRAME_BYTES])
{
    uint8_t ad[FRAME_AD];
    return open_with_tail(h, frame_ad(ad, p->log_id, number), frame, FRAME_BYTES);
}

/* ── pages ── */

uint32_t pages_count(const struct pages *p)
{
    return atomic_load(&p->count);
}

static void set_unsure(struct pages *p, uint32_t number, bool unsure)
{
    uint8_t bit = (uint8_t)(1u << number % 8);
    bool was = (p->unsure[number / 8] & bit) != 0;
    if (was != unsure)
        p->unsure[number / 8] ^= bit;
    p->unsure_pages += (uint32_t)unsure - (uint32_t)was;
}

/* Writes sealed pages that lie one behind the other. */
static enum page_result put_pages(struct pages *p, uint32_t first, uint32_t n, const uint8_t *sealed)
{
    int errnum = write_at(p->page_fd, span_of(sealed, (size_t)n * PAGE_BYTES), (uint64_t)(first - 1) * PAGE_BYTES);
    for (uint32_t number = first; number < first + n; number++, sealed += PAGE_BYTES) {
        const uint8_t *tail = sealed + PAGE_BYTES - PAGE_TAIL;
        set_unsure(p, number, errnum != 0);
        if (errnum != 0)
            continue;
        sum_change(p->keys, p->sum, number, p->tail[number]);
        sum_change(p->keys, p->sum, number, tail);
        memcpy(p->tail[number], tail, PAGE_TAIL);
        if (number > pages_count(p))
            atomic_store(&p->count, number);
    }
    if (errnum != 0)
        p->why_unsure = result_of(errnum);
    return result_of(errnum);
}

static enum page_result put_held_pages(struct pages *p)
{
    uint32_t n = p->held_pages;
    p->held_pages = 0;
    return n == 0 ? PAGE_OK : put_pages(p, p->held_page, n, p->held_text);
}

/* The page as the log's last transaction has it. */
static enum page_result from_log(struct pages *p, struct page_hand *h, uint32_t number, uint8_t out[PAGE_BYTES])
{
    uint32_t k = p->committed;
    while (k > 0 && p->frame_page[k] != number)
        k--;
    if (k == 0)
        return PAGE_ERROR;
    enum page_result r = frame_read(p, h, k, h->sealed);
    memcpy(out, h->sealed + FRAME_HEAD, PAGE_BYTES);
    return r;
}

enum page_result page_read(struct pages *p, struct page_hand *h, uint32_t number, uint8_t out[PAGE_BYTES])
{
    if (number - p->held_page < p->held_pages) /* only the thread that copies can ask */
        (void)put_held_pages(p);
    if (number == 0 || number > pages_count(p)) {
        memset(out, 0, PAGE_BYTES);
        return PAGE_ABSENT;
    }
    if (is_listed(p->unsure, number))
        return from_log(p, h, number, out);
    ssize_t n = read_at(p->page_fd, out, PAGE_BYTES, (uint64_t)(number - 1) * PAGE_BYTES);
    if (n < 0)
        return PAGE_ERROR;
    const uint8_t *tail = p->tail[number];
    if (n < PAGE_BYTES || memcmp(out + PAGE_BYTES - PAGE_TAIL, tail, PAGE_TAIL) != 0)
        return damaged(p, PAGE_FILE, "page", number);
    if (tail_absent(tail)) {
        memset(out, 0, PAGE_BYTES);
        return PAGE_ABSENT;
    }
    return open_page(h, number, out) ? PAGE_OK : damaged(p, PAGE_FILE, "page", number);
}

enum page_result pages_written(struct pages *p)
{
    p->holding = false;
    return put_held_pages(p);
}

enum page_result page_write(struct pages *p, struct page_hand *h, uint32_t number, const uint8_t clear[PAGE_BYTES])
{
    uint8_t ad[PAGE_AD];
    if (number == 0 || number > PAGES_MAX)
        return PAGE_FULL;
    if (!tail_absent(clear + PAGE_BYTES - PAGE_TAIL))
        return PAGE_ERROR; /* SQLite keeps nothing there, or it would be lost */
    enum page_result r = PAGE_OK;
    if (p->held_pages == HELD || (p->held_pages > 0 && number != p->held_page + p->held_pages))
        r = put_held_pages(p);
    if (r != PAGE_OK)
        return r;
    uint8_t *sealed = p->holding ? p->held_text + (size_t)p->held_pages * PAGE_BYTES : h->sealed;
    seal_with_tail(p, h, page_ad(ad, number), span_of(clear, PAGE_BYTES - PAGE_TAIL), sealed);
    if (!p->holding)
        return put_pages(p, number, 1, sealed);
    if (p->held_pages++ == 0)
        p->held_page = number;
    return PAGE_OK;
}

enum page_result pages_resize(struct pages *p, uint32_t count)
{
    if (count > PAGES_MAX)
        return PAGE_FULL;
    enum page_result r = put_held_pages(p);
    if (r != PAGE_OK)
        return r;
    if (count != pages_count(p) && ftruncate(p->page_fd, (off_t)count * PAGE_BYTES) != 0)
        return result_of(errno);
    for (uint32_t number = count + 1; number <= pages_count(p); number++) {
        sum_change(p->keys, p->sum, number, p->tail[number]);
        memset(p->tail[number], 0, PAGE_TAIL);
        set_unsure(p, number, false);
    }
    atomic_store(&p->count, count);
    return p->unsure_pages == 0 ? PAGE_OK : p->why_unsure; /* SQLite cuts when it has copied all: it must not think so */
}

/* ── the log ── */

bool pages_log_there(const struct pages *p)
{
    return atomic_load(&p->log_there);
}

uint32_t pages_log_frames(const struct pages *p)
{
    return atomic_load(&p->frames);
}

void pages_log_head(const struct pages *p, uint8_t out[LOG_HEAD])
{
    memcpy(out, p->log_head, LOG_HEAD);
}

enum page_result pages_log_end(struct pages *p)
{
    p->held_frames = 0;
    atomic_store(&p->held_from, NO_FRAME);
    atomic_store(&p->log_there, false);
    atomic_store(&p->frames, 0);
    p->committed = 0;
    return result_of(ftruncate(p->log_fd, 0) == 0 ? 0 : errno);
}

enum page_result pages_log_start(struct pages *p, struct page_hand *h, const uint8_t head[LOG_HEAD])
{
    uint8_t ad[9];
    uint8_t clear[LOG_HEAD + LOG_ID];
    uint8_t sealed[LOG_BLOCK];
    enum page_result r = pages_log_end(p);
    if (r != PAGE_OK)
        return r;
    crypto_random(p->log_id, LOG_ID);
    memcpy(clear, head, LOG_HEAD);
    memcpy(clear + LOG_HEAD, p->log_id, LOG_ID);
    seal_with_tail(p, h, log_ad(ad, p->head.generation), span_of(clear, sizeof clear), sealed);
    r = result_of(write_at(p->log_fd, span_of(sealed, sizeof sealed), 0));
    if (r == PAGE_OK) {
        memcpy(p->log_head, head, LOG_HEAD);
        atomic_store(&p->log_there, true);
    }
    return r;
}

static uint64_t frame_place(uint32_t number)
{
    return LOG_BLOCK + (uint64_t)(number - 1) * FRAME_BYTES;
}

/* Writes the frames that wait. */
static enum page_result put_held_frames(struct pages *p)
{
    uint32_t first = atomic_load(&p->held_from);
    uint32_t n = p->held_frames;
    if (n == 0)
        return PAGE_OK;
    p->held_frames = 0;
    atomic_store(&p->held_from, NO_FRAME);
    enum page_result r = result_of(write_at(p->log_fd, span_of(p->held_log, (size_t)n * FRAME_BYTES), frame_place(first)));
    if (r != PAGE_OK) /* they end no transaction: SQLite gives it up, and writes there again */
        atomic_store(&p->frames, first - 1);
    return r;
}

enum page_result frame_read(struct pages *p, struct page_hand *h, uint32_t number, uint8_t out[FRAME_BYTES])
{
    if (number >= atomic_load(&p->held_from)) { /* only the connection that writes knows of it */
        enum page_result r = put_held_frames(p);
        if (r != PAGE_OK)
            return r;
    }
    if (number == 0 || number > pages_log_frames(p)) {
        memset(out, 0, FRAME_BYTES);
        return PAGE_ABSENT;
    }
    ssize_t n = read_at(p->log_fd, out, FRAME_BYTES, frame_place(number));
    if (n < 0)
        return PAGE_ERROR;
    bool holds = n == FRAME_BYTES && memcmp(out + FRAME_BYTES - PAGE_TAIL, p->frame_tail[number], PAGE_TAIL) == 0 && open_frame(p, h, number, out);
    return holds ? PAGE_OK : damaged(p, LOG_FILE, "frame", number);
}

enum page_result frame_write(struct pages *p, struct page_hand *h, uint32_t number, const uint8_t clear[FRAME_BYTES])
{
    uint8_t ad[FRAME_AD];
    if (number == 0 || number > FRAMES_MAX)
        return PAGE_FULL;
    if (!pages_log_there(p) || number > pages_log_frames(p) + 1 || !tail_absent(clear + FRAME_BYTES - PAGE_TAIL))
        return PAGE_ERROR;
    uint32_t next = atomic_load(&p->held_from) + p->held_frames;
    if (p->held_frames == HELD || (p->held_frames > 0 && number != next)) {
        enum page_result r = put_held_frames(p);
        if (r != PAGE_OK)
            return r;
    }
    uint8_t *sealed = p->held_log + (size_t)p->held_frames * FRAME_BYTES;
    seal_with_tail(p, h, frame_ad(ad, p->log_id, number), span_of(clear, FRAME_BYTES - PAGE_TAIL), sealed);
    struct span head = span_of(clear, FRAME_HEAD);
    p->frame_page[number] = span_be32(&head);
    memcpy(p->frame_tail[number], sealed + FRAME_BYTES - PAGE_TAIL, PAGE_TAIL);
    if (p->held_frames++ == 0)
        atomic_store(&p->held_from, number);
    if (number > pages_log_frames(p))
        atomic_store(&p->frames, number);
    if (span_be32(&head) == 0)
        return PAGE_OK;
    enum page_result r = put_held_frames(p);
    if (r == PAGE_OK)
        p->committed = number;
    return r;
}

/* ── checkpoints ── */

uint8_t *pages_listed(const struct pages *p, uint32_t frames)
{
    uint8_t *listed = calloc(1, PAGES_MAX / 8 + 1);
    for (uint32_t k = 1; listed != NULL && k <= frames; k++)
        if (p->frame_page[k] <= PAGES_MAX)
            listed[p->frame_page[k] / 8] |= (uint8_t)(1u << p->frame_page[k] % 8);
    return listed;
}

bool is_listed(const uint8_t *listed, uint32_t number)
{
    return (listed[number / 8] >> number % 8 & 1) != 0;
}

/* The head as bytes, sealed under the store key for its place. */
static void head_encode(const struct pages *p, const struct page_head *h, uint8_t place, uint8_t out[HEAD_BYTES])
{
    const struct span magic = SPAN_LIT(HEAD_MAGIC);
    uint8_t ad[HEAD_MAGIC_N + 1] = HEAD_MAGIC;
    struct buf clear = BUF_SECRET(HEAD_CLEAR);
    ad[HEAD_MAGIC_N] = place;
    buf_add(&clear, h->life, STORE_LIFE);
    buf_add(&clear, p->keys->page, 32);
    buf_add(&clear, p->keys->set, 32);
    buf_be64(&clear, h->written);
    buf_be64(&clear, h->generation);
    buf_u8(&clear, h->copying);
    buf_add(&clear, h->sum, SET_HASH);
    buf_add(&clear, h->log_id, LOG_ID);
    buf_be32(&clear, h->frames);
    buf_be32(&clear, h->pages);
    memcpy(out, magic.p, magic.n);
    crypto_random(out + HEAD_MAGIC_N, AES_GCM_NONCE);
    crypto_seal(p->keys->store, out + HEAD_MAGIC_N, span_of(ad, sizeof ad), buf_span(&clear), out + HEAD_MAGIC_N + AES_GCM_NONCE);
    buf_release(&clear);
}

int head_write(struct pages *p, struct page_head *next, struct error *e)
{
    uint8_t bytes[HEAD_BYTES];
    next->written = p->head.written + 1;
    uint8_t place = (uint8_t)(next->written % HEAD_PLACES);
    head_encode(p, next, place, bytes);
    int errnum = write_at(p->head_fd, span_of(bytes, sizeof bytes), (uint64_t)place * HEAD_APART);
    if (errnum == 0 && fdatasync(p->head_fd) != 0)
        errnum = errno;
    if (errnum != 0)
        return err_sys(e, errnum, "writing %s", HEAD_FILE);
    p->head = *next;
    return 0;
}

int pages_copy_begin(struct pages *p, struct error *e)
{
    struct page_head next = p->head;
    (void)pages_written(p); /* of a copying that was given up */
    if (put_held_frames(p) != PAGE_OK)
        return err_set(e, ERR_SYSTEM, "store: the log cannot be written");
    uint8_t *listed = pages_listed(p, p->committed);
    if (listed == NULL)
        return err_set(e, ERR_SYSTEM, "store: no memory for a checkpoint");
    next.copying = true;
    next.frames = p->committed;
    next.pages = pages_count(p);
    memcpy(next.log_id, p->log_id, LOG_ID);
    memcpy(next.sum, p->sum, SET_HASH);
    for (uint32_t number = 1; number <= next.pages; number++)
        if (is_listed(listed, number))
            sum_change(p->keys, next.sum, number, p->tail[number]);
    free(listed);
    if (fdatasync(p->log_fd) != 0)
        return err_sys(e, errno, "making %s durable", LOG_FILE);
    p->holding = true;
    return head_write(p, &next, e);
}

int pages_settle(struct pages *p, struct error *e)
{
    struct page_head next = p->head;
    if (pages_written(p) != PAGE_OK || p->unsure_pages > 0)
        return err_set(e, ERR_SYSTEM, "store: pages could not be written");
    next.copying = false;
    next.frames = 0;
    next.pages = pages_count(p);
    memcpy(next.sum, p->sum, SET_HASH);
    if (fdatasync(p->page_fd) != 0)
        return err_sys(e, errno, "making %s durable", PAGE_FILE);
    return head_write(p, &next, e);
}

int pages_copy_end(struct pages *p, struct error *e)
{
    uint64_t before = p->head.generation;
    p->head.generation = (before > p->outdo ? before : p->outdo) + 1;
    int r = pages_settle(p, e);
    if (r != 0)
        p->head.generation = before;
    return r;
}

int pages_redo(struct pages *p, struct page_hand *h, struct error *e)
{
    uint8_t frame[FRAME_BYTES];
    uint32_t count = pages_count(p);
    enum page_result r = PAGE_OK;
    for (uint32_t k = 1; r == PAGE_OK && k <= p->committed; k++) { /* later ones over earlier ones */
        r = frame_read(p, h, k, frame);
        struct span head = span_of(frame, FRAME_HEAD);
        uint32_t number = span_be32(&head);
        uint32_t ends = span_be32(&head);
        count = ends != 0 ? ends : count;
        if (r == PAGE_OK)
            r = page_write(p, h, number, frame + FRAME_HEAD);
    }
    if (r == PAGE_OK)
        r = pages_resize(p, count);
    if (r != PAGE_OK)
        return err_set(e, r == PAGE_FULL ? ERR_LIMIT : ERR_SYSTEM, "store: the checkpoint that was under way cannot be ended: %s",
                       r == PAGE_FULL ? "no room" : "the disk failed");
    if (pages_copy_end(p, e) != 0)
        return -1;
    return pages_log_end(p) == PAGE_OK ? 0 : err_set(e, ERR_SYSTEM, "store: the log cannot be cut");
}

void pages_outdo(struct pages *p, uint64_t generation)
{
    p->outdo = generation;
}

void pages_mark(const struct pages *p, struct store_mark *ret)
{
    struct buf text = BUF_INIT(128);
    memcpy(ret->life, p->head.life, STORE_LIFE);
    ret->generation = p->head.generation;
    ret->pages = p->head.pages;
    buf_add_str(&text, "store checkpoint");
    buf_be64(&text, p->head.generation);
    buf_be32(&text, p->head.pages);
    buf_u8(&text, p->head.copying);
    buf_add(&text, p->head.sum, SET_HASH);
    crypto_hmac_sha256(span_of(p->keys->set, sizeof p->keys->set), buf_span(&text), ret->hash);
    buf_release(&text);
}
