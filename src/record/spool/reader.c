/* Invariants
 *  1. A record is handed out only after its head and its body held under the keys of its place in the chain: none can be changed, moved, repeated or
 * left out before another of its part.
 *  2. `at` only grows. What lies before it was handed out, told as damaged, or counted as torn.
 *  3. A frame whose head holds has a length that can be believed: where only its body is bad, the next frame is found behind it. Where the head is
 * bad, the rest of the part is lost, and reading goes on at the next part.
 *
 * States: BETWEEN parts → (header) → INSIDE a part → (its end mark, the next header, damage) → BETWEEN. */
#include "record/spool/spool_private.h"

struct spool_reader {
    struct spool_chain chain;
    uint8_t secret[X25519_KEY];
    uint8_t public_key[X25519_KEY];
    int fd;
    bool inside;
    bool ended; /* INSIDE: the part's end mark was read */
    bool limited;
    uint64_t limit;
    uint64_t at;
    uint64_t next; /* offset of the next part's header, or the end; 0: not looked for */
    struct spool_header header;
    struct spool_losses losses;
    uint64_t window_at;
    struct buf window;
    struct buf clear;
};

struct spool_reader *spool_reader_new(int fd, const uint8_t secret[X25519_KEY], struct error *e)
{
    struct spool_reader *r = crypto_secret_new(sizeof *r, NULL);
    if (r == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the spool");
        return NULL;
    }
    r->fd = fd;
    memcpy(r->secret, secret, X25519_KEY);
    crypto_x25519_public(secret, r->public_key);
    r->window = BUF_INIT(FRAME_MAX);
    r->clear = BUF_SECRET(SPOOL_RECORD_MAX + 1);
    return r;
}

void spool_reader_free(struct spool_reader *r)
{
    if (r == NULL)
        return;
    buf_release(&r->window);
    buf_release(&r->clear);
    crypto_secret_free(r, sizeof *r);
}

void spool_reader_start(struct spool_reader *r, uint64_t at)
{
    r->at = at;
}

void spool_reader_limit(struct spool_reader *r, uint64_t bytes)
{
    r->limited = true;
    if (bytes != r->limit)
        r->next = 0;
    r->limit = bytes;
}

struct spool_losses spool_reader_losses(const struct spool_reader *r)
{
    return r->losses;
}

uint64_t spool_reader_at(const struct spool_reader *r)
{
    return r->at;
}

/* n bytes at `at`, or fewer where the file ends. */
static int look_at(struct spool_reader *r, uint64_t at, size_t n, struct span *ret, struct error *e)
{
    if (at < r->window_at || at + n > r->window_at + r->window.n) {
        size_t want = n > (256u << 10) ? n : (256u << 10);
        size_t got = 0;
        buf_clear(&r->window);
        if (!buf_reserve(&r->window, want))
            return err_set(e, ERR_SYSTEM, "no memory for the spool");
        if (spool_read_at(r->fd, r->window.p, want, at, &got, e) != 0)
            return -1;
        r->window_at = at;
        r->window.n = got;
    }
    size_t skip = (size_t)(at - r->window_at);
    size_t there = r->window.n - skip;
    *ret = span_of(r->window.p + skip, there < n ? there : n);
    return 0;
}

static bool all_zero(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != 0)
            return false;
    return true;
}

/* 1: zeros from `at` to `end`; 0: something else is among them; -1: ERR_SYSTEM. */
static int zeros(struct spool_reader *r, uint64_t at, uint64_t end, struct error *e)
{
    while (at < end) {
        struct span piece;
        size_t n = end - at > 65536 ? 65536 : (size_t)(end - at);
        if (look_at(r, at, n, &piece, e) != 0)
            return -1;
        if (!all_zero(piece))
            return 0;
        if (piece.n < n)
            break;
        at += n;
    }
    return 1;
}

static int damaged(struct spool_reader *r, uint64_t at, const char *what, struct error *e)
{
    r->losses.damaged++;
    return err_set(e, ERR_CORRUPT, "the spool does not hold at byte %llu: %s", (unsigned long long)at, what);
}

static void leave_part(struct spool_reader *r, uint64_t to)
{
    if (r->inside && !r->ended)
        r->losses.unended++;
    r->inside = r->ended = false;
    r->at = to;
    r->next = 0;
}

/* Where the part that is being read must end. */
static int find_end(struct spool_reader *r, uint64_t end, struct error *e)
{
    struct spool_header next;
    if (r->next != 0)
        return 0;
    int found = spool_find_header(r->fd, r->at, end, &next, e);
    if (found < 0)
        return -1;
    r->next = found == 1 ? next.part.offset : end;
    return 0;
}

/* BETWEEN: to the next part. 1: there is one, 0: there is none. */
static int enter_part(struct spool_reader *r, uint64_t end, struct error *e)
{
    uint8_t bytes[HEADER];
    uint8_t shared[X25519_KEY];
    uint64_t from = r->at;
    int found = spool_find_header(r->fd, from, end, &r->header, e);
    if (found < 0)
        return -1;
    uint64_t to = found == 1 ? r->header.part.offset : end;
    int empty = zeros(r, from, to, e);
    if (empty == 0) { /* only a header that was being written may stand here: nothing behind it */
        uint64_t start = aligned(from);
        uint64_t behind = to - start > HEADER ? start + HEADER : to;
        empty = start >= to || zeros(r, from, start, e) != 1 || zeros(r, behind, to, e) != 1 ? 0 : 1;
        if (empty == 1 && found == 0 && r->limited)
            return 0;
        r->losses.torn += empty == 1 ? behind - start : 0;
    }
    if (empty < 0)
        return -1;
    r->at = to;
    if (empty == 0)
        return damaged(r, from, "a part's header, or what lies between two parts, was changed", e);
    if (found == 0)
        return 0;
    size_t n;
    spool_header_encode(bytes, &r->header);
    if (spool_read_at(r->fd, bytes, sizeof bytes, to, &n, e) != 0)
        return -1;
    r->at = to + HEADER;
    r->next = 0;
    if (memcmp(r->header.to, r->public_key, X25519_KEY) != 0 || !crypto_x25519(r->secret, r->header.ephemeral, shared)) {
        if (find_end(r, end, e) != 0)
            return -1;
        r->at = r->next;
        return damaged(r, to, "this part is sealed to another key", e);
    }
    spool_chain_start(&r->chain, shared, bytes);
    crypto_wipe(shared, sizeof shared);
    r->inside = true;
    return 1;
}

/* A head that does not hold: torn, where nothing was written behind it; else damaged. The rest of the part is left. */
static int bad_head(struct spool_reader *r, struct error *e)
{
    uint64_t at = r->at;
    uint64_t to = r->next;
    int nothing = to - at <= HEAD ? 1 : zeros(r, at + HEAD, to, e);
    if (nothing < 0)
        return -1;
    leave_part(r, to);
    if (nothing == 0)
        return damaged(r, at, "the head of a record was changed; what follows it in this part cannot be read", e);
    int blank = zeros(r, at, to, e);
    if (blank == 0)
        r->losses.torn += to - at;
    return blank < 0 ? -1 : 0;
}

/* The frame at r->at. 1: a record in *ret; 0: what stood there is dealt with, go on; 2: it is not whole yet. */
static int read_frame(struct spool_reader *r, struct spool_record *ret, struct error *e)
{
    static const uint8_t nonce[AES_GCM_NONCE];
    struct span s;
    uint8_t check[HEAD - HEAD_CLEAR];
    uint64_t room = r->next - r->at;
    if (room == 0 && r->limited && r->next == r->limit)
        return 2;
    if (look_at(r, r->at, room < HEAD ? (size_t)room : HEAD, &s, e) != 0)
        return -1;
    bool whole = s.n == HEAD;
    if (whole)
        spool_chain_check(&r->chain, s.p, check);
    if (!whole || !crypto_equal(check, s.p + HEAD_CLEAR, sizeof check))
        return bad_head(r, e);
    uint32_t n = span_be32(&s);
    ret->place.seq = span_be64(&s);
    ret->place.ordinal = span_be32(&s);
    uint64_t at = r->at;
    size_t all = HEAD + (size_t)n + AES_GCM_TAG;
    if (n > SPOOL_RECORD_MAX || all > room) {
        leave_part(r, r->next);
        r->losses.torn += room;
        return 0;
    }
    if (look_at(r, at, all, &s, e) != 0)
        return -1;
    buf_clear(&r->clear);
    if (!buf_reserve(&r->clear, (size_t)n + 1))
        return err_set(e, ERR_SYSTEM, "no memory for the spool");
    bool there = s.n == all;
    struct span head = span_take(&s, HEAD);
    bool opens = there && crypto_open(r->chain.seal, nonce, head, s, r->clear.p);
    bool cut = !opens && (!there || s.p[s.n - 1] == 0); /* it may have been cut by the end of what was written */
    int nothing = cut ? zeros(r, at + all, r->next, e) : 0;
    if (nothing < 0)
        return -1;
    bool torn = nothing == 1;
    r->at += all;
    spool_chain_step(&r->chain);
    if (torn)
        r->losses.torn += all;
    else if (!opens)
        return damaged(r, at, "a record was changed", e);
    if (torn)
        leave_part(r, r->next);
    if (opens && n == 0) {
        r->ended = true;
        leave_part(r, r->at);
    }
    if (!opens || n == 0)
        return 0;
    ret->part = &r->header.part;
    ret->record = span_of(r->clear.p, n);
    return 1;
}

int spool_reader_next(struct spool_reader *r, struct spool_record *ret, struct error *e)
{
    for (;;) {
        uint64_t end = 0;
        if (spool_size(r->fd, &end, e) != 0)
            return -1;
        if (r->limited && end > r->limit)
            end = r->limit;
        if (r->at >= end) {
            if (r->inside && !r->limited)
                leave_part(r, r->at);
            return 0;
        }
        int got = r->inside ? 0 : enter_part(r, end, e);
        if (got < 0 || (got == 0 && !r->inside))
            return got;
        if (find_end(r, end, e) != 0)
            return -1;
        got = read_frame(r, ret, e);
        if (got != 0)
            return got == 2 ? 0 : got;
    }
}
