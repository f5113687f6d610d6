/* Bytes, and the engine's words about them, go from hand to hand: while little is to do, this thread makes their records itself; in a burst a second
 * one does, so that this one has its time for those who wait (relay_role.h, invariant 7). */
#include "proc/relay_role.h"

#include "proc/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define RING (1u << 20) /* bytes of jobs that wait for the second thread */
#define MANY 8          /* connections that are ready at once: it is worth waking another thread for them */
#define TOGETHER 24     /* jobs and records change hands so many at a time: to wake a thread costs as much as a job */
#define GROWS 8         /* how many times as large records are as what they are made of, about (of many short results up to 25 times) … */
#define GROWS_MORE 4096 /* … and besides */
#define FREE_AGAIN (OUTBOX_MAX / 4 / GROWS)
#define DEFERRED (1u << 17) /* deliveries that wait for the numbers of their messages */
#define WORDS_MOST 64       /* bytes of a message's type, or control id, that are handed over */

struct deferred {
    struct line *line;
    uint64_t token;
    enum relay_delivery how;
};

static struct {
    struct talks *talks; /* the second thread's while the ring is not empty */
    struct ring *ring;   /* NULL: there is one thread */
    bool over;           /* jobs are handed over */
    bool jobs;           /* there was one in this turn */
    unsigned unsaid;     /* … that were handed over since the second thread was last woken */
    struct deferred *deferred;
    size_t deferred_first, deferred_n;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what stands between here and the next line */
    pthread_cond_t work, done;
    struct outbox_record *made;
    struct outbox_record **made_last;
    _Atomic size_t made_bytes;
    uint64_t lost;
    bool failed;
    /* ──────── */
    atomic_bool sleeps;  /* the second thread waits for work */
    atomic_bool waits;   /* the first waits for events, and is to be woken when records are there */
    atomic_bool blocked; /* the first waits for the second */
} hand = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

/* ── the second thread ── */

static void wake_first(void)
{
    uint64_t one = 1;
    if (!atomic_exchange(&hand.waits, false))
        return;
    ssize_t n = write(rr.wake_fd, &one, sizeof one);
    (void)n;
}

static void give_back(bool done)
{
    uint64_t lost = 0;
    struct outbox_record *made = talks_take(hand.talks, &lost);
    struct outbox_record *last = NULL;
    size_t bytes = 0;
    for (struct outbox_record *x = made; x != NULL; x = x->next) {
        bytes += sizeof *x + x->size;
        last = x;
    }
    (void)pthread_mutex_lock(&hand.lock);
    if (made != NULL) {
        *hand.made_last = made;
        hand.made_last = &last->next;
        hand.made_bytes += bytes;
    }
    hand.lost += lost;
    hand.failed = hand.failed || !done;
    (void)pthread_mutex_unlock(&hand.lock);
}

static void *second(void *context)
{
    (void)context;
    for (;;) {
        unsigned jobs = 0;
        bool done = true;
        for (struct talk_job *job = ring_first(hand.ring); job != NULL; job = ring_first(hand.ring)) {
            done = talks_do(hand.talks, job) && done;
            if (++jobs % TOGETHER == 0 || ring_is_last(hand.ring))
                give_back(done);
            ring_done(hand.ring);
            if (atomic_load(&hand.blocked)) {
                (void)pthread_mutex_lock(&hand.lock);
                (void)pthread_cond_signal(&hand.done);
                (void)pthread_mutex_unlock(&hand.lock);
            }
        }
        wake_first();
        (void)pthread_mutex_lock(&hand.lock);
        atomic_store(&hand.sleeps, true);
        if (ring_first(hand.ring) == NULL)
            (void)pthread_cond_wait(&hand.work, &hand.lock);
        atomic_store(&hand.sleeps, false);
        (void)pthread_mutex_unlock(&hand.lock);
    }
    return NULL;
}

/* ── records come back ── */

static _Noreturn void fail(const char *why)
{
    struct error e = {0};
    (void)err_set(&e, ERR_SYSTEM, "%s", why);
    role_fail(&rr.self, &e);
}

static void put_delivered(struct line *l, uint64_t token, enum relay_delivery how)
{
    static struct record r;
    char of[LINK_SEQ_TEXT];
    record_start(&r, EVENT_RELAY_DELIVERED, rr.wall, NULL);
    record_str(&r, KEY_LINK, l->config.name);
    record_str(&r, KEY_STATE, how == RELAY_DELIVERED ? "delivered" : how == RELAY_MERGED ? "came again" : "given up");
    if (token > rr.self.start.first) {
        link_seq_write(of, rr.self.start.run, tickets_name(rr.tickets, token));
        record_str(&r, KEY_LINK_OF, of);
    } else {
        record_int(&r, KEY_LINK_RECORD, (int64_t)token);
    }
    (void)talk_put(&r);
}

/* Gives a record its number, and it is the outbox's. */
static uint64_t put(struct outbox_record *x)
{
    uint64_t seq = x->unnumbered ? 0 : ++rr.seq;
    if (seq != 0)
        talk_number(x, rr.self.start.run, seq);
    rr.burst.bytes += x->n;
    outbox_add(&rr.outbox, x, seq, rr.now);
    return rr.seq;
}

static void settle(bool named, bool awaited)
{
    if (!tickets_settle(rr.tickets, rr.seq, named))
        fail("no memory for a message that waits for the LIS");
    rr.awaited = rr.awaited || awaited;
    rr.hurry = rr.hurry || (awaited && !relay_spools());
}

static void put_deferred(void)
{
    struct deferred d = hand.deferred[hand.deferred_first++ % DEFERRED];
    hand.deferred_n--;
    put_delivered(d.line, d.token, d.how);
}

static void put_all(struct outbox_record *made)
{
    for (struct outbox_record *next; made != NULL; made = next) {
        uint64_t ticket = made->ticket;
        bool named = made->named;
        bool awaited = made->awaited;
        bool mark = made->n == OUTBOX_HEAD && ticket == 0;
        next = made->next;
        made->next = NULL;
        if (made->n > OUTBOX_HEAD)
            (void)put(made);
        else
            outbox_drop(made);
        if (ticket != 0)
            settle(named, awaited);
        if (mark)
            put_deferred();
    }
}

void hand_collect(void)
{
    if (hand.ring == NULL)
        return;
    (void)pthread_mutex_lock(&hand.lock);
    struct outbox_record *made = hand.made;
    bool failed = hand.failed;
    rr.lost += hand.lost;
    hand.lost = 0;
    hand.made = NULL;
    hand.made_last = &hand.made;
    hand.made_bytes = 0;
    (void)pthread_mutex_unlock(&hand.lock);
    put_all(made);
    if (failed)
        fail("no memory for a message that has to be kept");
}

static void wake_second(void)
{
    hand.unsaid = 0;
    if (!atomic_load(&hand.sleeps))
        return;
    (void)pthread_mutex_lock(&hand.lock);
    (void)pthread_cond_signal(&hand.work);
    (void)pthread_mutex_unlock(&hand.lock);
}

/* Waits until so many bytes are free, or all is done: no longer than it would take to do it here. */
static void wait_for_second(bool (*enough)(size_t n), size_t n)
{
    wake_second();
    (void)pthread_mutex_lock(&hand.lock);
    atomic_store(&hand.blocked, true);
    while (!enough(n))
        (void)pthread_cond_wait(&hand.done, &hand.lock);
    atomic_store(&hand.blocked, false);
    (void)pthread_mutex_unlock(&hand.lock);
    hand_collect();
}

static bool has_room(size_t n)
{
    return ring_room(hand.ring, n) != NULL;
}

static bool is_idle(size_t n)
{
    (void)n;
    return ring_is_empty(hand.ring);
}

void hand_drain(void)
{
    if (hand.ring != NULL)
        wait_for_second(is_idle, 0);
}

/* ── jobs ── */

static void do_here(const struct talk_job *job)
{
    bool done = talks_do(hand.talks, job);
    put_all(talks_take(hand.talks, &rr.lost));
    if (!done)
        fail("no memory for a message that has to be kept");
}

static struct span copy(uint8_t **at, struct span s)
{
    uint8_t *to = *at;
    if (s.n > 0)
        memcpy(to, s.p, s.n);
    *at += s.n;
    return span_of(to, s.n);
}

static void hand_over(const struct talk_job *job)
{
    size_t n = sizeof *job + job->bytes.n + job->type.n + job->control_id.n;
    if (n > ring_most(hand.ring)) {
        hand_drain();
        do_here(job);
        return;
    }
    struct talk_job *to = ring_room(hand.ring, n);
    if (to == NULL) {
        wait_for_second(has_room, n);
        to = ring_room(hand.ring, n);
    }
    uint8_t *at = (uint8_t *)(to + 1);
    *to = *job;
    to->bytes = copy(&at, job->bytes);
    to->type = copy(&at, job->type);
    to->control_id = copy(&at, job->control_id);
    ring_put(hand.ring);
    if (++hand.unsaid >= TOGETHER || job->what == TALK_SETTLE)
        wake_second();
}

static void do_job(const struct talk_job *job)
{
    hand.jobs = hand.jobs || job->what != TALK_SETTLE;
    if (hand.over)
        hand_over(job);
    else
        do_here(job);
}

/* Room for what is made of so many bytes, beside what was made and is not here yet, which is counted, and what will be made of those that wait in the
 * ring, which is not known. A message has at most 4096 results, and the ring 1 MiB: so the outbox passes its cap by less than once as much. */
static size_t wanted(size_t n)
{
    size_t waits = hand.over ? ring_used(hand.ring) : 0;
    size_t made = hand.over ? atomic_load(&hand.made_bytes) : 0;
    return made + (n + waits) * GROWS + GROWS_MORE;
}

/* taken: of what was read when hand_room said that there was room, so that it does not go unanswered now. */
static bool room_for(size_t n, bool taken)
{
    return taken ? outbox_reserve(&rr.outbox, wanted(n)) : outbox_room(&rr.outbox, wanted(n));
}

bool hand_room(void *context, size_t n)
{
    (void)context;
    rr.short_of = rr.short_of || !room_for(n, false);
    return !rr.short_of;
}

bool hand_has_room(void)
{
    rr.short_of = rr.short_of && !room_for(FREE_AGAIN, false);
    return !rr.short_of;
}

void hand_turn(int ready)
{
    bool over = hand.ring != NULL && (ready >= MANY || !ring_is_empty(hand.ring));
    if (hand.over)
        hand_collect(); /* where the second thread has done all, its records go before those that are made here */
    hand.over = over;
}

bool hand_waits(bool on)
{
    if (hand.ring == NULL || !hand.over)
        return false;
    atomic_store(&hand.waits, on);
    if (!on)
        return false;
    (void)pthread_mutex_lock(&hand.lock);
    bool made = hand.made != NULL;
    (void)pthread_mutex_unlock(&hand.lock);
    return made;
}

/* ── what the engine says ── */

void talk_observe(void *context, struct relay_link *link, const struct relay_connection *connection, bool outward, struct span bytes, tq_time time)
{
    const struct line *l = relay_link_user(link);
    (void)context, (void)time;
    if (!l->records || bytes.n == 0)
        return;
    const struct talk_job job = {.what = TALK_BYTES,
                                 .link = &l->talk,
                                 .connection = *connection,
                                 .wall = rr.wall,
                                 .room = room_for(bytes.n, l->stops),
                                 .detector = rr.detector.fd >= 0,
                                 .outward = outward,
                                 .again = outward && connection->side == RELAY_LIS && relay_sends_again(link),
                                 .bytes = bytes};
    do_job(&job);
}

void talk_closed(void *context, struct relay_link *link, const struct relay_connection *connection, tq_time time)
{
    const struct line *l = relay_link_user(link);
    (void)context, (void)time;
    if (!l->records)
        return;
    const struct talk_job job = {.what = TALK_CLOSED,
                                 .link = &l->talk,
                                 .connection = *connection,
                                 .wall = rr.wall,
                                 .room = room_for(0, l->stops),
                                 .detector = rr.detector.fd >= 0};
    do_job(&job);
}

static struct span words(struct span s)
{
    return span_of(s.p, s.n < WORDS_MOST ? s.n : WORDS_MOST);
}

uint64_t talk_message(void *context, struct relay_link *link, const struct relay_message *m, tq_time time, bool *keep)
{
    const struct line *l = relay_link_user(link);
    (void)context, (void)time;
    if (!l->records) {
        *keep = !l->store;
        return 0;
    }
    bool kept = l->store && m->connection->side == RELAY_ANALYZER && !m->answer && m->verdict != RELAY_REFUSED;
    /* what its bytes came to is made already, or counts in the ring; one that is to be delivered may be told once more by its bytes */
    uint64_t ticket = room_for(kept ? m->raw.n : 0, l->stops) ? tickets_give(rr.tickets) : 0;
    bool queued = ticket != 0 && kept;
    const struct talk_job job = {.what = TALK_MESSAGE,
                                 .link = &l->talk,
                                 .connection = *m->connection,
                                 .wall = rr.wall,
                                 .room = ticket != 0,
                                 .detector = rr.detector.fd >= 0,
                                 .ticket = ticket,
                                 .answer = m->answer,
                                 .again = m->again,
                                 .queued = queued,
                                 .verdict = m->verdict,
                                 .results = m->results,
                                 .content = (uint32_t)m->content.n,
                                 .type = words(m->type),
                                 .control_id = words(m->control_id),
                                 .bytes = queued ? m->raw : (struct span){0}};
    if (ticket == 0)
        *keep = false;
    do_job(&job);
    return ticket;
}

void talk_delivered(void *context, struct relay_link *link, uint64_t token, enum relay_delivery how, struct span answer, tq_time time)
{
    struct line *l = relay_link_user(link);
    (void)context, (void)time, (void)answer;
    if (hand.over && hand.deferred_n == DEFERRED)
        hand_drain();
    if (!hand.over) {
        put_delivered(l, token, how);
        return;
    }
    const struct talk_job job = {.what = TALK_MARK, .wall = rr.wall};
    hand.deferred[(hand.deferred_first + hand.deferred_n++) % DEFERRED] = (struct deferred){l, token, how};
    do_job(&job);
}

void talk_settle(void)
{
    const struct talk_job job = {.what = TALK_SETTLE, .wall = rr.wall, .room = room_for(0, true), .detector = rr.detector.fd >= 0};
    if (hand.jobs)
        do_job(&job);
    hand.jobs = false;
}

uint64_t talk_put(const struct record *r)
{
    struct outbox_record *x = talk_encode(&rr.arena, r);
    if (x != NULL && outbox_reserve(&rr.outbox, sizeof *x + x->size))
        return put(x);
    rr.lost++;
    outbox_drop(x);
    return 0;
}

void talk_forget(void)
{
    hand_drain();
    talks_forget(hand.talks);
}

void talk_end(void)
{
    hand_drain();
    hand.over = false;
    talk_settle();
    talks_end(hand.talks, rr.wall);
    put_all(talks_take(hand.talks, &rr.lost));
}

int hand_start(uint64_t flows, struct error *e)
{
    hand.made_last = &hand.made;
    hand.talks = talks_new(rr.self.start.hash_key, rr.self.start.bodies, flows, e);
    hand.deferred = calloc(DEFERRED, sizeof *hand.deferred);
    rr.tickets = tickets_new(rr.self.start.first, rr.self.start.hash_key);
    if (hand.talks == NULL)
        return -1;
    if (hand.deferred == NULL || rr.tickets == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for messages that wait for the LIS");
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        return 0; /* nobody would have more time */
    hand.ring = ring_new(RING);
    if (hand.ring != NULL && pthread_create(&hand.thread, NULL, second, NULL) != 0) {
        ring_free(hand.ring);
        hand.ring = NULL; /* it goes without */
    }
    return 0;
}
