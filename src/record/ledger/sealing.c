/* Invariants
 *  1. Records are sealed in pieces: runs of records under one period key. A piece is claimed under the lock by one thread, and nobody else touches
 * its bytes and leaves until that thread has marked it sealed, under the lock.
 *  2. Frame and arrays move (grow) only while no piece is being sealed.
 *  3. What a thread needs of keys lies in its part of `workers`: locked memory, wiped when the batch is done. */
#include "record/ledger/sealing.h"

#include "record/ledger/thread.h"

#include <stdlib.h>

#define PIECE_RECORDS 16
#define PIECE_BYTES (16u << 10)
#define SHARED 8 /* pieces must wait before a thread is woken: for fewer the waking costs more than they do */

struct piece {
    const struct period_key *key;
    size_t at;   /* its first byte in the frame */
    size_t end;  /* and the one behind its last */
    size_t leaf; /* number of its first record in the frame */
    unsigned n;  /* records */
    bool sealed;
};

/* One thread's own; 0 is the caller. */
struct worker {
    struct crypto_hmac prepared;
    const struct period_key *key; /* that it was made of */
    struct crypto_sealer *sealer;
    struct sealing *of;
    pthread_t thread;
};

struct sealing {
    const struct keyring *ring;
    struct worker *workers;
    unsigned helpers; /* threads that there may be */
    unsigned running; /* threads that there are: workers 1 to so many */

    /* the caller's alone */
    struct piece filling; /* n = 0: none is */
    size_t records;
    size_t known; /* pieces before it are sealed */

    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_cond_t done;
    uint8_t *frame;
    struct piece *pieces;
    struct tree_hash *leaves;
    struct tree_hash *before; /* leaves of the frame before */
    size_t pieces_n;
    size_t pieces_size;
    size_t leaves_size;
    size_t before_size;
    size_t claimed; /* pieces before it are sealed or in work */
    unsigned busy;  /* pieces in work */
    unsigned sleeping;
    bool stop;
};

/* ── Sealing one piece ── */

static void seal_piece(const struct keyring *ring, struct worker *w, const struct piece *p, uint8_t *at, struct tree_hash *leaves)
{
    if (w->key != p->key) {
        crypto_hmac_set(&w->prepared, span_of(p->key->key, sizeof p->key->key));
        w->key = p->key;
    }
    for (unsigned i = 0; i < p->n; i++)
        at += entry_seal(at, w->sealer, ring, &w->prepared, &leaves[i]);
}

/* Claims the next piece and seals it: called and left with the lock held. */
static void work_once(struct sealing *s, struct worker *w)
{
    size_t i = s->claimed++;
    struct piece p = s->pieces[i];
    uint8_t *frame = s->frame;
    struct tree_hash *leaves = s->leaves;
    s->busy++;
    (void)pthread_mutex_unlock(&s->lock);
    seal_piece(s->ring, w, &p, frame + p.at, leaves + p.leaf);
    (void)pthread_mutex_lock(&s->lock);
    s->busy--;
    s->pieces[i].sealed = true;
}

static void *help(void *context)
{
    struct worker *w = context;
    struct sealing *s = w->of;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (s->claimed < s->pieces_n) {
            work_once(s, w);
            (void)pthread_cond_signal(&s->done);
        } else {
            s->sleeping++;
            (void)pthread_cond_wait(&s->work, &s->lock);
            s->sleeping--;
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* A machine that gives no threads has the caller do all. */
static void start_helpers(struct sealing *s)
{
    while (s->running < s->helpers && thread_start(&s->workers[s->running + 1].thread, help, &s->workers[s->running + 1]))
        s->running++;
    s->helpers = s->running;
}

/* ── New, free ── */

static void forget(struct sealing *s)
{
    for (unsigned i = 0; i <= s->helpers; i++) {
        struct worker *w = &s->workers[i];
        if (w->key == NULL)
            continue;
        crypto_sealer_forget(w->sealer);
        crypto_wipe(&w->prepared, sizeof w->prepared);
        w->key = NULL;
    }
}

struct sealing *sealing_new(const struct keyring *ring, unsigned helpers)
{
    struct sealing *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->ring = ring;
    s->helpers = helpers < SEALING_HELPERS_MAX ? helpers : SEALING_HELPERS_MAX;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->work, NULL);
    (void)pthread_cond_init(&s->done, NULL);
    s->workers = crypto_secret_new((SEALING_HELPERS_MAX + 1) * sizeof *s->workers, NULL); /* the ring says whether keys are locked */
    for (unsigned i = 0; s->workers != NULL && i <= s->helpers; i++) {
        s->workers[i].of = s;
        s->workers[i].sealer = crypto_sealer_new();
        if (s->workers[i].sealer == NULL) {
            sealing_free(s);
            return NULL;
        }
    }
    if (s->workers != NULL)
        return s;
    sealing_free(s);
    return NULL;
}

void sealing_free(struct sealing *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_broadcast(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
    for (unsigned i = 1; i <= s->running; i++)
        (void)pthread_join(s->workers[i].thread, NULL);
    for (unsigned i = 0; s->workers != NULL && i <= SEALING_HELPERS_MAX; i++)
        crypto_sealer_free(s->workers[i].sealer);
    crypto_secret_free(s->workers, (SEALING_HELPERS_MAX + 1) * sizeof *s->workers);
    (void)pthread_cond_destroy(&s->done);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->pieces);
    free(s->leaves);
    free(s->before);
    free(s);
}

/* ── The caller's side ── */

static size_t twice(size_t n)
{
    return n == 0 ? 64 : 2 * n;
}

static bool grow_leaves(struct sealing *s)
{
    struct tree_hash *p = reallocarray(s->leaves, twice(s->leaves_size), sizeof *p);
    if (p == NULL)
        return false;
    s->leaves = p;
    s->leaves_size = twice(s->leaves_size);
    return true;
}

static bool grow_pieces(struct sealing *s)
{
    struct piece *p = reallocarray(s->pieces, twice(s->pieces_size), sizeof *p);
    if (p == NULL)
        return false;
    s->pieces = p;
    s->pieces_size = twice(s->pieces_size);
    return true;
}

/* Room for one more record; invariant 2. */
static bool make_room(struct sealing *s, struct buf *frame, size_t total)
{
    size_t wanted = total + SHA256_SIZE;
    if (frame->p == s->frame && frame->size - frame->n >= wanted && s->records < s->leaves_size && s->pieces_n + 1 < s->pieces_size)
        return true;
    (void)pthread_mutex_lock(&s->lock);
    while (s->busy > 0)
        (void)pthread_cond_wait(&s->done, &s->lock);
    bool ok = buf_reserve(frame, wanted) && (s->records < s->leaves_size || grow_leaves(s)) && (s->pieces_n + 1 < s->pieces_size || grow_pieces(s));
    s->frame = frame->p;
    (void)pthread_mutex_unlock(&s->lock);
    return ok;
}

/* Hands over what is being filled. Without helpers it is sealed here and now, while its bytes are near. */
static void hand_over(struct sealing *s)
{
    if (s->filling.n == 0)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->pieces[s->pieces_n++] = s->filling;
    s->filling.n = 0;
    if (s->helpers == 0)
        work_once(s, &s->workers[0]);
    else if (s->pieces_n - s->claimed >= SHARED && s->running == 0)
        start_helpers(s);
    else if (s->pieces_n - s->claimed >= SHARED && s->sleeping > 0)
        (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
}

bool sealing_add(struct sealing *s, struct buf *frame, const struct period_key *key, uint64_t index, enum ledger_stream stream, tq_time time,
                 const uint8_t salt[ENTRY_SALT], struct span payload)
{
    struct piece *f = &s->filling;
    if (f->n > 0 && f->key != key)
        hand_over(s);
    if (!make_room(s, frame, SEALED_RECORD_MIN + payload.n + AES_GCM_TAG))
        return false;
    if (f->n == 0)
        *f = (struct piece){.key = key, .at = frame->n, .leaf = s->records};
    frame->n += entry_put(frame->p + frame->n, key, index, stream, time, salt, payload);
    f->end = frame->n;
    f->n++;
    s->records++;
    if (f->n == PIECE_RECORDS || f->end - f->at >= PIECE_BYTES)
        hand_over(s);
    return true;
}

size_t sealing_wait(struct sealing *s, const struct buf *frame)
{
    hand_over(s);
    (void)pthread_mutex_lock(&s->lock);
    size_t before = s->known;
    for (;;) {
        while (s->known < s->pieces_n && s->pieces[s->known].sealed)
            s->known++;
        if (s->known > before || s->known == s->pieces_n)
            break;
        if (s->claimed < s->pieces_n)
            work_once(s, &s->workers[0]);
        else
            (void)pthread_cond_wait(&s->done, &s->lock);
    }
    size_t sealed = s->known == s->pieces_n ? frame->n : s->pieces[s->known].at;
    (void)pthread_mutex_unlock(&s->lock);
    return sealed;
}

const struct tree_hash *sealing_leaves(const struct sealing *s)
{
    return s->leaves;
}

void sealing_turn(struct sealing *s)
{
    sealing_reset(s);
    struct tree_hash *leaves = s->leaves;
    size_t size = s->leaves_size;
    s->leaves = s->before;
    s->leaves_size = s->before_size;
    s->before = leaves;
    s->before_size = size;
}

void sealing_reset(struct sealing *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->claimed = s->pieces_n;
    while (s->busy > 0)
        (void)pthread_cond_wait(&s->done, &s->lock);
    s->pieces_n = s->claimed = s->known = s->records = 0;
    s->filling.n = 0;
    forget(s);
    (void)pthread_mutex_unlock(&s->lock);
}
