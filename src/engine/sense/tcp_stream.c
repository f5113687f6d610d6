#include "engine/sense/tcp_stream.h"

#include <stdlib.h>

#define JOURNAL_MAX (4u << 20) /* the journal takes a quarter of what may be held, as a power of 2 between these */
#define JOURNAL_MIN 4096u
#define JOURNAL_STEPS 64              /* most chunks looked at for one repeated segment */
#define HELD_MOST 1024                /* most segments of one side */
#define WAIT_ACKED (TIME_SECOND / 10) /* captures put an acknowledgement before its data now and then */
#define WAIT_BLIND (10 * TIME_SECOND) /* when acknowledgements are not seen at all */
#define HOPS_FAR 2                    /* routes change by as many */
#define ODD_MOST (1 << 20)            /* bytes that odd segments of a side may be apart */
#define FAR (1 << 30)                 /* no window is larger (RFC 7323) */

struct segment {
    struct segment *next;
    uint32_t seq;
    uint32_t n;    /* bytes of the stream */
    uint32_t have; /* of these, captured */
    uint8_t data[];
};

/* In front of each chunk in the journal. */
struct chunk {
    uint64_t before; /* 1 + place of the chunk before of the same side, 0: none */
    uint32_t seq;
    uint32_t n;
};

/* Everything about the segment in hand that the steps below need. */
struct work {
    struct streams *t;
    struct flow *f;
    struct tcp_side *me;
    int direction;
    tq_time time;
    tq_time now;
};

static inline int32_t ahead(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

int streams_init(struct streams *t, const struct sense_limits *limits, struct error *e)
{
    *t = (struct streams){.max_flow = limits->reassembly_flow, .max_total = limits->reassembly_total};
    t->journal.size = JOURNAL_MIN;
    while (t->journal.size < JOURNAL_MAX && t->journal.size * 8 <= limits->reassembly_total)
        t->journal.size *= 2;
    t->journal.ring = malloc(t->journal.size);
    return t->journal.ring != NULL ? 0 : err_set(e, ERR_SYSTEM, "no memory for TCP streams");
}

void streams_release(struct streams *t)
{
    free(t->journal.ring);
    t->journal.ring = NULL;
}

/* ── the journal of bytes handed on ── */

#define JOURNAL_UNIT 16u /* chunks lie on it, and so does what is in them */

_Static_assert(sizeof(struct chunk) == JOURNAL_UNIT && JOURNAL_MIN % JOURNAL_UNIT == 0, "a head is one unit, and units fill the ring");

static inline void put_unit(uint8_t *to, const uint8_t *unit)
{
#ifdef __SSE2__
    _mm_stream_si128((__m128i *)(void *)to, _mm_loadu_si128((const __m128i_u *)(const void *)unit));
#else
    memcpy(to, unit, JOURNAL_UNIT);
#endif
}

/* The same of two words that lie in registers: to put them side by side in memory first would make the processor wait for both. */
static inline void put_words(uint8_t *to, uint64_t first, uint64_t second)
{
#ifdef __SSE2__
    _mm_stream_si128((__m128i *)(void *)to, _mm_set_epi64x((int64_t)second, (int64_t)first));
#else
    uint64_t words[2] = {htole64(first), htole64(second)};
    memcpy(to, words, sizeof words);
#endif
}

/* Past the processor's cache, in whole units: what is noted is read again only where bytes come a second time, and would push out what is needed for
 * each message. */
static void put_units(uint8_t *to, struct span bytes)
{
    size_t i = 0;
    for (; bytes.n - i >= 4 * JOURNAL_UNIT; i += 4 * JOURNAL_UNIT)
        for (size_t k = 0; k < 4; k++)
            put_unit(to + i + k * JOURNAL_UNIT, bytes.p + i + k * JOURNAL_UNIT);
    for (; bytes.n - i >= JOURNAL_UNIT; i += JOURNAL_UNIT)
        put_unit(to + i, bytes.p + i);
    size_t left = bytes.n - i;
    const uint8_t *last = bytes.p + i;
    if (left > 8)
        put_words(to + i, hash_word(last), hash_tail(last + 8, left - 8));
    else if (left > 0)
        put_words(to + i, left == 8 ? hash_word(last) : hash_tail(last, left), 0);
}

static void journal_add(struct journal *j, struct tcp_side *me, uint32_t seq, struct span bytes)
{
    size_t need = sizeof(struct chunk) + bytes.n;
    if (need > j->size / 4)
        return;
    size_t at = j->head & (j->size - 1);
    if (at + need > j->size) { /* a chunk lies in one piece */
        j->head += j->size - at;
        at = 0;
    }
    put_words(j->ring + at, me->journal, (uint64_t)bytes.n << 32 | seq);
    put_units(j->ring + at + sizeof(struct chunk), bytes);
    me->journal = j->head + 1;
    j->head += (need + JOURNAL_UNIT - 1) & ~(size_t)(JOURNAL_UNIT - 1);
}

static struct chunk chunk_at(const struct journal *j, size_t at)
{
    uint64_t rest = hash_word(j->ring + at + 8);
    return (struct chunk){.before = hash_word(j->ring + at), .seq = (uint32_t)rest, .n = (uint32_t)(rest >> 32)};
}

enum seen { SEEN_SAME, SEEN_OTHER, SEEN_UNKNOWN };

/* Compares the part that two runs of bytes share. */
static enum seen compare(uint32_t seq_a, struct span a, uint32_t seq_b, const uint8_t *b, uint32_t n_b)
{
    uint32_t from = ahead(seq_a, seq_b) > 0 ? seq_a : seq_b;
    uint32_t end_a = seq_a + (uint32_t)a.n;
    uint32_t end_b = seq_b + n_b;
    uint32_t to = ahead(end_a, end_b) < 0 ? end_a : end_b;
    if (ahead(to, from) <= 0)
        return SEEN_UNKNOWN;
    return memcmp(a.p + (from - seq_a), b + (from - seq_b), to - from) == 0 ? SEEN_SAME : SEEN_OTHER;
}

/* What the journal says about bytes that were handed on before. */
static enum seen journal_check(const struct journal *j, const struct tcp_side *me, uint32_t seq, struct span bytes)
{
    enum seen found = SEEN_UNKNOWN;
    uint64_t place = me->journal;
    for (int i = 0; i < JOURNAL_STEPS && place != 0 && place - 1 + j->size >= j->head; i++) {
        size_t at = (place - 1) & (j->size - 1);
        struct chunk c = chunk_at(j, at);
        enum seen here = compare(seq, bytes, c.seq, j->ring + at + sizeof c, c.n);
        if (here == SEEN_OTHER)
            return here;
        if (here == SEEN_SAME)
            found = here;
        if (ahead(c.seq, seq) <= 0)
            break;
        place = c.before;
    }
    return found;
}

/* The first n bytes from seq on, of a segment, are not what came before. */
static void contradiction(const struct work *w, uint32_t seq, uint32_t n)
{
    const struct tcp_side *me = w->me;
    bool odd = me->odd_hops != 0 && ahead(seq + n, me->odd_from) > 0 && ahead(me->odd_to, seq) > 0;
    struct hops hops = {.odd = odd ? me->odd_hops : 0, .usual = me->hops};
    w->t->stats->tcp_conflicts++;
    if (w->f->conflict)
        return;
    w->f->conflict = true;
    app_conflict(w->t->app, &w->f->app, &w->f->ref, w->direction, hops, w->time);
}

static void repeated(const struct work *w)
{
    w->t->stats->retransmitted++;
    w->f->retransmitted++;
}

/* ── handing on ── */

static void gap(const struct work *w, uint32_t n)
{
    w->t->stats->tcp_gaps++;
    w->f->gaps++;
    w->me->next += n;
    w->me->original = w->me->next;
    w->me->flags &= (uint8_t)~SIDE_HELLO;
    if (!(w->me->flags & SIDE_SKIP))
        app_gap(w->t->app, &w->f->app, &w->f->ref, w->direction, n, w->time);
}

/* What is known of the flow's ends before its first bytes. */
static void first_bytes(struct flow *f)
{
    app_card(&f->app, 0, f->macs[0]);
    app_card(&f->app, 1, f->macs[1]);
}

/* Hands on n bytes at next, of which those in `bytes` were captured. */
static inline __attribute__((always_inline)) void deliver(const struct work *w, struct span bytes, uint32_t n)
{
    struct tcp_side *me = w->me;
    if (bytes.n > 0) {
        uint32_t seq = me->next;
        me->next += (uint32_t)bytes.n;
        if (me->flags & SIDE_HELLO)
            w->t->start(w->t->start_context, w->f, w->direction, bytes, w->time);
        if (!(me->flags & SIDE_SKIP)) {
            journal_add(&w->t->journal, me, seq, bytes);
            if (__builtin_expect(w->f->app == NULL, 0))
                first_bytes(w->f);
            app_data(w->t->app, &w->f->app, &w->f->ref, w->direction, bytes, w->time);
            if (w->f->app != NULL && app_done(w->f->app, w->direction))
                me->flags |= SIDE_SKIP;
        }
    }
    if (n > bytes.n)
        gap(w, n - (uint32_t)bytes.n);
}

/* Nobody reads what is in this direction any more. */
static bool unread(const struct tcp_side *me)
{
    return (me->flags & (SIDE_SKIP | SIDE_HELLO)) == SIDE_SKIP;
}

static size_t cost(uint32_t have)
{
    return sizeof(struct segment) + have;
}

static struct segment *unhold(const struct work *w)
{
    struct segment *s = w->me->held;
    w->me->held = s->next;
    w->me->held_count--;
    w->me->held_bytes -= (uint32_t)cost(s->have);
    w->t->held -= cost(s->have);
    return s;
}

/* Hands on held segments that next has reached. */
static void drain(const struct work *w)
{
    struct tcp_side *me = w->me;
    while (me->held != NULL && ahead(me->held->seq, me->next) <= 0) {
        struct segment *s = unhold(w);
        uint32_t old = me->next - s->seq;
        if (old < s->n && unread(me)) {
            me->next += s->n - old; /* held without its bytes */
        } else if (old < s->n) {
            struct span bytes = old < s->have ? span_of(s->data + old, s->have - old) : (struct span){0};
            deliver(w, bytes, s->n - old);
        }
        free(s);
    }
}

static void give_up(const struct work *w)
{
    gap(w, w->me->held->seq - w->me->next);
    drain(w);
    w->me->held_since = w->now;
}

/* ── ahead of next ── */

static bool room_for(const struct work *w, size_t n)
{
    return w->me->held_count < HELD_MOST && w->me->held_bytes + n <= w->t->max_flow && w->t->held + n <= w->t->max_total;
}

/* Holds a piece, behind `after` (NULL: in front of all). */
static struct segment *hold(const struct work *w, struct segment *after, uint32_t seq, struct span bytes, uint32_t n)
{
    uint32_t have = unread(w->me) ? 0 : (uint32_t)bytes.n;
    struct segment *s = room_for(w, cost(have)) ? malloc(cost(have)) : NULL;
    if (s == NULL)
        return NULL;
    *s = (struct segment){.seq = seq, .n = n, .have = have};
    if (have > 0)
        memcpy(s->data, bytes.p, have);
    if (w->me->held == NULL)
        w->me->held_since = w->now;
    struct segment **at = after == NULL ? &w->me->held : &after->next;
    s->next = *at;
    *at = s;
    w->me->held_count++;
    w->me->held_bytes += (uint32_t)cost(have);
    w->t->held += cost(have);
    return s;
}

/* Takes the first n bytes of the stream off a piece. */
static void cut(uint32_t *seq, struct span *bytes, uint32_t *n, uint32_t off)
{
    *seq += off;
    *n -= off;
    (void)span_skip(bytes, off < bytes->n ? off : bytes->n);
}

/* A run of bytes at or above next that may meet held ones: what is new in it is handed on or held, what is there already is compared. */
static void merge(const struct work *w, uint32_t seq, struct span bytes, uint32_t n, bool counted)
{
    struct segment *before = NULL;
    struct segment *s = w->me->held;
    while (n > 0) {
        while (s != NULL && ahead(s->seq + s->n, seq) <= 0) {
            before = s;
            s = s->next;
        }
        uint32_t piece = n;
        if (s != NULL && ahead(seq + n, s->seq) > 0)
            piece = ahead(s->seq, seq) > 0 ? s->seq - seq : 0;
        if (piece > 0) {
            struct span part = {.p = bytes.p, .n = bytes.n < piece ? bytes.n : piece};
            if (seq == w->me->next) {
                deliver(w, part, piece);
                w->me->original = w->me->next;
            } else {
                before = hold(w, before, seq, part, piece);
                if (before == NULL)
                    return; /* no room: as if lost */
            }
            cut(&seq, &bytes, &n, piece);
        }
        if (n == 0)
            break;
        if (!counted)
            repeated(w);
        counted = true;
        uint32_t shared = s->seq + s->n - seq;
        if (compare(seq, bytes, s->seq, s->data, s->have) == SEEN_OTHER)
            contradiction(w, seq, shared < n ? shared : n);
        cut(&seq, &bytes, &n, shared < n ? shared : n);
    }
}

/* ── below next ── */

/* The first `old` bytes of a segment have been handed on before. Returns whether it was counted as a repetition. */
static bool below(const struct work *w, uint32_t seq, struct span bytes, uint32_t n, uint32_t old)
{
    struct tcp_side *me = w->me;
    if (old > FAR)
        return true; /* not of this window at all */
    struct span shared = {.p = bytes.p, .n = bytes.n < old ? bytes.n : old};
    enum seen seen = journal_check(&w->t->journal, me, seq, shared);
    /* A keep-alive repeats the last byte or puts anything in its place (RFC 9293, section 3.8.4), when all is acknowledged. Before that, other
     * content is a contradiction: the byte that came first may be a forged one. */
    bool idle = (me->flags & SIDE_ACKED) == 0 || ahead(me->acked, me->next) >= 0;
    if (idle && n == 1 && seq + 1 == me->next && (seen == SEEN_OTHER || (seen == SEEN_UNKNOWN && span_peek(&bytes, 0) == 0)))
        return true;
    if (seen == SEEN_OTHER)
        contradiction(w, seq, old);
    /* A repetition that packs several segments into one may overtake the ones it repeats: those come for the first time themselves. */
    if (ahead(seq, me->original) >= 0) {
        me->original = old < n ? me->next : seq + n;
        return false;
    }
    repeated(w);
    return true;
}

/* ── one segment's payload ── */

static void payload_slow(const struct work *w, uint32_t seq, struct span bytes, uint32_t n, bool counted)
{
    struct tcp_side *me = w->me;
    if (ahead(seq, me->next) < 0) {
        uint32_t old = me->next - seq;
        counted = below(w, seq, bytes, n, old < n ? old : n) || counted;
        if (old >= n)
            return;
        cut(&seq, &bytes, &n, old);
        if (me->held == NULL) {
            deliver(w, bytes, n);
            if (!counted)
                me->original = me->next;
            return;
        }
    }
    if (ahead(seq, me->next) >= FAR)
        return;
    while (!room_for(w, cost((uint32_t)bytes.n) * 2) && me->held != NULL && ahead(me->held->seq, seq) < 0)
        give_up(w);
    if (ahead(seq, me->next) < 0) {
        payload_slow(w, seq, bytes, n, counted); /* what was held reached into it: less is held now, so this ends */
        return;
    }
    if (!room_for(w, cost((uint32_t)bytes.n) * 2) && seq != me->next)
        gap(w, seq - me->next);
    uint32_t before = me->next;
    merge(w, seq, bytes, n, counted);
    drain(w);
    if (me->next != before)
        me->held_since = w->now;
}

static void pin(const struct streams *t, struct tcp_side *me, uint32_t next)
{
    me->next = me->original = next;
    me->flags |= SIDE_PINNED | (t->hellos ? SIDE_HELLO : 0);
}

static inline void payload(const struct work *w, uint32_t seq, struct span bytes, uint32_t n)
{
    struct tcp_side *me = w->me;
    if (!(me->flags & SIDE_PINNED)) {
        if (!(w->f->side[!w->direction].flags & SIDE_ISN))
            app_underway(&w->f->app);
        pin(w->t, me, seq);
    }
    if (seq == me->next && me->held == NULL) {
        deliver(w, bytes, n);
        me->original = me->next;
    } else {
        payload_slow(w, seq, bytes, n, false);
    }
}

/* ── opening and closing ── */

bool stream_reopens(struct flow *f, int direction, const struct tcp *seg)
{
    struct tcp_side *me = &f->side[direction];
    struct tcp_side *peer = &f->side[!direction];
    if ((seg->flags & (TCP_SYN | TCP_RST)) == TCP_SYN) {
        if (seg->flags & TCP_ACK) /* confirms a SYN that did not fit */
            return (peer->flags & SIDE_RESYN) && seg->ack == peer->resyn + 1;
        if (me->flags & SIDE_ISN ? me->isn == seg->seq : (me->flags & SIDE_PINNED) && me->next == seg->seq + 1)
            return false;
        if (!(me->flags & SIDE_PINNED) && !(peer->flags & SIDE_PINNED))
            return false;
        if (f->class == FLOW_CLOSING || f->class == FLOW_OPENING)
            return true;
        me->resyn = seg->seq; /* a SYN alone may be forged: believed when the other side takes it up, or the sender goes on from it */
        me->flags |= SIDE_RESYN;
        return false;
    }
    return (me->flags & SIDE_RESYN) && seg->payload.n > 0 && seg->seq == me->resyn + 1 && ahead(seg->seq, me->next) != 0;
}

static void opening(struct streams *t, struct flow *f, int direction, const struct tcp *seg)
{
    struct tcp_side *me = &f->side[direction];
    struct tcp_side *peer = &f->side[!direction];
    if (!(me->flags & (SIDE_ISN | SIDE_PINNED)) || (!(me->flags & SIDE_ISN) && me->next == seg->seq + 1)) {
        me->isn = seg->seq;
        me->flags |= SIDE_ISN;
        pin(t, me, seg->seq + 1);
    }
    if ((seg->flags & TCP_ACK) && !(peer->flags & SIDE_PINNED))
        pin(t, peer, seg->ack);
}

static void closing(const struct work *w, const struct tcp *seg, uint32_t end)
{
    struct tcp_side *me = w->me;
    struct tcp_side *peer = &w->f->side[!w->direction];
    if (seg->flags & TCP_RST) {
        /* far from what is expected: nobody would believe it (RFC 9293, section 3.10.7.4) */
        if ((me->flags & SIDE_PINNED) && (ahead(seg->seq, me->next) < -1 || ahead(seg->seq, me->next) > (1 << 24)) && seg->seq != 0)
            return;
        me->flags |= SIDE_RST;
    } else {
        me->flags |= SIDE_FIN;
        me->fin = end;
    }
    if (w->f->class != FLOW_CLOSING && ((me->flags & SIDE_RST) || (peer->flags & SIDE_FIN)))
        flows_reclass(w->t->flows, w->f, FLOW_CLOSING, w->now);
}

/* Whether a side speaks on, from `before`, behind its own end: that end was forged. */
static bool goes_on(const struct tcp_side *me, uint32_t before)
{
    return (me->flags & SIDE_RST) || ((me->flags & SIDE_FIN) && ahead(before, me->fin) >= 0);
}

/* A hole whose time is over: see invariant 4. */
static bool hole_is_lost(const struct tcp_side *me, tq_time now)
{
    if (me->flags & SIDE_ACKED)
        return ahead(me->acked, me->held->seq) >= 0 && now - me->held_since > WAIT_ACKED;
    return now - me->held_since > WAIT_BLIND;
}

void stream_hops(struct flow *f, int direction, const struct tcp *seg, uint8_t hops)
{
    struct tcp_side *me = &f->side[direction];
    if (me->hops == 0 || hops + HOPS_FAR >= me->hops) {
        me->hops = hops > me->hops ? hops : me->hops; /* whoever began with a short one does not make it usual */
        return;
    }
    if (seg->payload.n == 0)
        return;
    uint32_t from = seg->seq;
    uint32_t to = from + (uint32_t)seg->payload.n;
    bool apart = me->odd_hops == 0 || ahead(from, me->odd_to) > ODD_MOST || ahead(me->odd_from, to) > ODD_MOST;
    me->odd_from = apart || ahead(from, me->odd_from) < 0 ? from : me->odd_from;
    me->odd_to = apart || ahead(to, me->odd_to) > 0 ? to : me->odd_to;
    me->odd_hops = hops > 0 ? hops : 1;
}

void stream_segment(struct streams *t, struct flow *f, int direction, const struct tcp *seg, uint32_t missing, tq_time time, tq_time now)
{
    struct work w = {.t = t, .f = f, .me = &f->side[direction], .direction = direction, .time = time, .now = now};
    struct tcp_side *peer = &f->side[!direction];
    uint32_t seq = seg->seq;
    uint32_t n = (uint32_t)seg->payload.n + missing;
    if (seg->flags & TCP_SYN) {
        opening(t, f, direction, seg);
        seq++;
    }
    if (seg->flags & TCP_ACK) {
        peer->acked = seg->ack;
        peer->flags |= SIDE_ACKED;
    }
    if (n > 0 && !(seg->flags & TCP_RST)) { /* what a RST carries is a reason in words, not stream */
        uint32_t before = w.me->next;
        payload(&w, seq, seg->payload, n);
        if (f->class == FLOW_CLOSING && w.me->next != before && goes_on(w.me, before)) {
            w.me->flags &= (uint8_t) ~(SIDE_RST | SIDE_FIN);
            flows_reclass(t->flows, f, FLOW_OPEN, now);
        }
    }
    if (f->class == FLOW_OPENING && (n > 0 || (w.me->flags & peer->flags & SIDE_ISN && !(seg->flags & TCP_SYN))))
        flows_reclass(t->flows, f, FLOW_OPEN, now);
    if (f->class == FLOW_OPEN && f->app != NULL && app_is_lab(f->app))
        flows_reclass(t->flows, f, FLOW_LAB, now);
    if (seg->flags & (TCP_FIN | TCP_RST))
        closing(&w, seg, seq + n);
    if (w.me->held != NULL && hole_is_lost(w.me, now))
        give_up(&w);
    if (peer->held != NULL && hole_is_lost(peer, now)) {
        struct work other = w;
        other.me = peer;
        other.direction = !direction;
        give_up(&other);
    }
}

/* What the other side acknowledged, or stands before the end, and the capture never had. */
static void lost_end(const struct work *w)
{
    const struct tcp_side *me = w->me;
    uint32_t end = me->flags & SIDE_FIN ? me->fin : me->acked;
    int32_t least = me->flags & SIDE_FIN ? 1 : 2; /* one byte that was acknowledged may be an end that was not seen */
    bool known = (me->flags & SIDE_PINNED) && (me->flags & (SIDE_FIN | SIDE_ACKED));
    if (known && ahead(end, me->next) >= least && ahead(end, me->next) < FAR)
        gap(w, end - me->next);
}

void stream_end(struct streams *t, struct flow *f, tq_time time)
{
    for (int direction = 0; direction < 2; direction++) {
        struct work w = {.t = t, .f = f, .me = &f->side[direction], .direction = direction, .time = time, .now = time};
        while (w.me->held != NULL)
            give_up(&w);
        lost_end(&w);
    }
}
