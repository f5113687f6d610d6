#include "proc/outbox.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PIECE (64u << 10)

/* Records go about in the order they came, so memory is given back piece by piece: nothing is searched for, or joined, for each. A piece is held by
 * whoever makes records in it, and by each of these; who made them and who drops them may be two threads. */
struct outbox_piece {
    _Atomic size_t holds;
    size_t used;
    size_t made;
    _Alignas(max_align_t) uint8_t bytes[];
};

#define MAKER ((size_t)1 << 32) /* holds of the maker, in place of those of records that it makes: it need not count each where others see it */

static void let_go(struct outbox_piece *p, size_t holds)
{
    if (atomic_fetch_sub_explicit(&p->holds, holds, memory_order_acq_rel) == holds)
        free(p);
}

void outbox_arena_close(struct outbox_arena *a)
{
    struct outbox_piece *p = a->piece;
    a->piece = NULL;
    if (p != NULL)
        let_go(p, MAKER - p->made);
}

/* n: at most PIECE. NULL: no memory. */
static struct outbox_piece *piece_for(struct outbox_arena *a, size_t n)
{
    if (a->piece != NULL && PIECE - a->piece->used >= n)
        return a->piece;
    outbox_arena_close(a);
    a->piece = malloc(sizeof *a->piece + PIECE);
    if (a->piece != NULL) {
        a->piece->used = a->piece->made = 0;
        atomic_init(&a->piece->holds, MAKER);
    }
    return a->piece;
}

static struct outbox_record *make(struct outbox_arena *a, size_t n)
{
    size_t whole = (sizeof(struct outbox_record) + n + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
    struct outbox_record *r;
    if (whole > PIECE / 4) {
        r = malloc(sizeof *r + n);
        if (r != NULL)
            *r = (struct outbox_record){.size = n};
        return r;
    }
    struct outbox_piece *p = piece_for(a, whole);
    if (p == NULL)
        return NULL;
    r = (struct outbox_record *)(void *)(p->bytes + p->used);
    *r = (struct outbox_record){.piece = p, .size = n};
    p->used += whole;
    p->made++;
    return r;
}

void outbox_init(struct outbox *o)
{
    *o = (struct outbox){.last = &o->first};
}

/* On to the next one that is loose. */
static void look_on(struct outbox *o)
{
    while (o->loose != NULL && (o->loose->spooled || o->loose->seq <= o->spooled))
        o->loose = o->loose->next;
}

static void drop_at(struct outbox *o, struct outbox_record **at)
{
    struct outbox_record *r = *at;
    if (o->loose == r) {
        o->loose = r->next;
        look_on(o);
    }
    *at = r->next;
    if (r->next == NULL)
        o->last = at;
    if (o->unsent == r)
        o->unsent = r->next;
    o->bytes -= sizeof *r + r->size;
    outbox_drop(r);
}

static void drop_first(struct outbox *o)
{
    drop_at(o, &o->first);
}

void outbox_drop(struct outbox_record *r)
{
    if (r == NULL)
        return;
    explicit_bzero(r->bytes, r->n);
    if (r->piece == NULL)
        free(r);
    else
        let_go(r->piece, 1);
}

void outbox_release(struct outbox *o)
{
    while (o->first != NULL)
        drop_first(o);
}

struct outbox_record *outbox_make(struct outbox_arena *a, size_t most)
{
    struct outbox_record *r = make(a, OUTBOX_HEAD + most);
    if (r != NULL)
        r->n = OUTBOX_HEAD;
    return r;
}

struct outbox_record *outbox_copy(struct outbox_arena *a, struct span encoded, size_t more)
{
    struct outbox_record *r = outbox_make(a, encoded.n + more);
    if (r == NULL)
        return NULL;
    r->n += encoded.n;
    memcpy(r->bytes + OUTBOX_HEAD, encoded.p, encoded.n);
    return r;
}

/* seq 0: nobody waits for it. */
static void leave(struct outbox *o, uint64_t seq, tq_time at)
{
    if (seq == 0)
        return;
    if (o->left == 0 || at < o->left_at)
        o->left_at = at;
    o->left = seq > o->left ? seq : o->left;
}

static void go(struct outbox *o, uint64_t seq, tq_time at)
{
    if (seq != 0 && o->gone == 0)
        o->gone_at = at;
    o->gone = seq > o->gone ? seq : o->gone;
}

static bool room(struct outbox *o, size_t n, size_t max)
{
    size_t most = o->burst ? OUTBOX_BURST : OUTBOX_MAX;
    while (o->bytes + n > most && o->first != NULL && o->first->seq <= o->spooled) {
        if (o->first == o->unsent)
            leave(o, o->first->seq, o->first->at);
        else
            go(o, o->first->seq, o->first->at);
        drop_first(o);
    }
    return o->bytes + n <= max;
}

bool outbox_room(struct outbox *o, size_t n)
{
    return room(o, n, OUTBOX_MAX);
}

bool outbox_reserve(struct outbox *o, size_t n)
{
    return room(o, n, OUTBOX_MAX + OUTBOX_RESERVE);
}

void outbox_add(struct outbox *o, struct outbox_record *r, uint64_t seq, tq_time now)
{
    r->seq = seq;
    r->at = now;
    *o->last = r;
    o->last = &r->next;
    if (o->unsent == NULL)
        o->unsent = r;
    if (o->loose == NULL && seq > o->spooled)
        o->loose = r;
    o->bytes += sizeof *r + r->size;
}

void outbox_sent(struct outbox *o)
{
    if (o->unsent != NULL)
        o->unsent = o->unsent->next;
    while (o->first != NULL && o->first->seq == 0 && o->first != o->unsent)
        drop_first(o);
}

void outbox_rewind(struct outbox *o)
{
    o->unsent = o->first;
    if (o->gone != 0)
        leave(o, o->gone, o->gone_at);
    o->gone = 0;
}

void outbox_recorded(struct outbox *o, uint64_t seq)
{
    outbox_spooled(o, seq);
    o->gone = o->gone <= seq ? 0 : o->gone;
    while (o->first != NULL && o->first->seq <= seq && o->first != o->unsent)
        drop_first(o);
}

void outbox_read_in(struct outbox *o, uint64_t seq)
{
    outbox_spooled(o, seq);
    struct outbox_record **at = &o->first;
    while (*at != NULL && (*at)->seq <= seq) {
        struct outbox_record *r = *at;
        if (r->seq == 0) /* no spool has it */
            at = &r->next;
        else
            drop_at(o, at);
    }
    o->left = o->left <= seq ? 0 : o->left;
    o->gone = o->gone <= seq ? 0 : o->gone;
}

void outbox_doubt(struct outbox *o, uint64_t seq)
{
    if (!outbox_is_recorded(o))
        leave(o, seq, o->gone != 0 ? o->gone_at : o->first != NULL ? o->first->at : o->left_at);
}

void outbox_spooled(struct outbox *o, uint64_t seq)
{
    if (seq > o->spooled)
        o->spooled = seq;
    look_on(o);
}

bool outbox_is_recorded(const struct outbox *o)
{
    for (const struct outbox_record *r = o->first; r != NULL; r = r->next)
        if (r->seq != 0)
            return false;
    return o->left == 0 && o->gone == 0;
}

void outbox_given(struct outbox *o)
{
    if (o->loose != NULL)
        o->loose->spooled = true;
    look_on(o);
}

void outbox_loosen(struct outbox *o)
{
    for (struct outbox_record *r = o->first; r != NULL; r = r->next)
        r->spooled = r->spooled && r->seq <= o->spooled;
    o->loose = o->first;
    look_on(o);
}
