#include "proc/links.h"

#include "lab/link_view.h"
#include "proc/clock.h"
#include "proc/intake.h"
#include "proc/link_words.h"
#include "proc/locked.h"
#include "proc/log.h"
#include "proc/opened.h"
#include "record/spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define OUT_MAX (2u << 20)  /* most bytes that wait for the relay */
#define LATE_MAX (2u << 20) /* … for the detector */
#define FEED_ONCE 64        /* rows that are asked for at a time */
#define VISIBLE (60 * TIME_SECOND)
#define ERASED_MOST (1u << 16) /* most numbers that are missing in a row and count as erased */
#define SEEN_MAX (1u << 20)    /* most numbers of a spool that are looked for at a time */

struct links {
    struct links_options o;
    struct links_open open;
    atomic_bool is_open; /* `open` holds: said on whichever thread opened the ledger, read on the main one */
    struct channel relay;
    struct link_recorded told;
    bool told_any;
    struct store_conn *reader; /* the thread's */
    uint64_t began;            /* so many records the ledger had */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    bool stopping;
    struct {
        uint64_t from, to; /* bytes; to is 0: none */
    } spooled;             /* of the spool, which the relay asks to have read in */
    bool late_waits;       /* main thread: something of it is not on its way to the detector yet */
    bool greet;            /* a new relay is to hear what people decided */
    bool feed;             /* it asks for what waits … */
    uint64_t feed_before;  /* … of this run up to this number */
    uint64_t generation;   /* of the relay's channel */
    struct buf out;        /* messages for the relay: u8 type, u32 length, body */
    struct buf late;       /* records for the detector: u32 length, record */
    struct link_status status[CONFIG_RELAYS];
    tq_time status_at[CONFIG_RELAYS];
    size_t n;
};

struct links *links_new(const struct links_options *options, struct error *e)
{
    struct links *l = calloc(1, sizeof *l);
    if (l == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for links");
        return NULL;
    }
    l->o = *options;
    l->relay.fd = -1;
    l->out = BUF_SECRET(OUT_MAX + LINK_QUEUED_MAX + 64);
    l->late = BUF_SECRET(LATE_MAX + RECORD_ENCODED + 64);
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->work, NULL);
    return l;
}

/* ── messages for the relay ── */

/* Under the lock. */
static bool put_out(struct links *l, enum message_type type, struct span body)
{
    if (l->out.n > OUT_MAX)
        return false;
    buf_u8(&l->out, (uint8_t)type);
    buf_be32(&l->out, (uint32_t)body.n);
    buf_add_span(&l->out, body);
    return buf_ok(&l->out);
}

int links_order(struct links *l, const struct link_order *order, struct error *e)
{
    struct buf body = BUF_INIT(LINK_ORDER_MAX);
    link_order_encode(&body, order);
    (void)pthread_mutex_lock(&l->lock);
    bool put = buf_ok(&body) && put_out(l, MESSAGE_ORDER, buf_span(&body));
    (void)pthread_mutex_unlock(&l->lock);
    buf_release(&body);
    l->o.wake(l->o.context);
    return put ? 0 : err_set(e, ERR_LIMIT, "the relay does not take what is decided");
}

/* Links whose policies and what they learnt are to be told, behind the look at the store that names them. */
struct told_row {
    char name[CONFIG_NAME];
    char unknown[16]; /* "": no policy is approved */
    struct link_order learnt;
    struct link_policy allowed;
};
struct greeting {
    struct links *l;
    struct told_row rows[CONFIG_RELAYS];
    size_t n;
};

/* What people decided goes to every new relay, and what earlier ones learnt. */
static void order_of_row(void *context, const struct link_row *row)
{
    struct greeting *g = context;
    struct link_order o = {.kind = LINK_ORDER_BYPASS, .link = row->name, .on = row->bypassed};
    if (row->bypassed)
        (void)links_order(g->l, &o, NULL);
    o = (struct link_order){.kind = LINK_ORDER_HOLD, .link = row->name, .on = row->held};
    if (row->held)
        (void)links_order(g->l, &o, NULL);
    if (g->n == CONFIG_RELAYS || row->name.n >= CONFIG_NAME)
        return;
    struct told_row *t = &g->rows[g->n++];
    *t = (struct told_row){.learnt = {.kind = LINK_ORDER_LEARNT, .on = row->proposed_at != 0, .from = row->learn_from},
                           .allowed = {.size = (uint32_t)row->allow_size, .rate = (uint32_t)row->allow_rate}};
    t->learnt.policy = (struct link_policy){.size = (uint32_t)row->learn_size, .rate = (uint32_t)row->learn_rate};
    memcpy(t->name, row->name.p, row->name.n);
    (void)span_copy(row->unknown, t->unknown, sizeof t->unknown - 1);
}

/* With the names of a list, in clear. */
static int order_words(struct links *l, struct link_order *o, enum link_words list, struct error *e)
{
    struct link_clear clear;
    if (link_clear_get(l->reader, l->open.ledger, l->open.ledger_lock, o->link, list, &clear, e) != 0)
        return -1;
    o->policy.types = buf_span(&clear.words[0]);
    o->policy.senders = buf_span(&clear.words[1]);
    o->policy.tests = buf_span(&clear.words[2]);
    if (clear.missing > 0)
        log_line(LOG_LEVEL_WARNING, "link %.*s: names of its policy that were hidden cannot be read any more: %zu", (int)o->link.n,
                 (const char *)o->link.p, clear.missing);
    int r = links_order(l, o, e);
    link_clear_release(&clear);
    return r;
}

static int order_told(struct links *l, struct told_row *t, struct error *e)
{
    struct link_order o = {.kind = LINK_ORDER_POLICY, .link = span_str(t->name), .on = t->unknown[0] != 0, .policy = t->allowed};
    o.policy.unknown = span_str(t->unknown);
    int r = o.on ? order_words(l, &o, LINK_WORDS_ALLOWED, e) : links_order(l, &o, e);
    t->learnt.link = o.link;
    return r != 0 || t->learnt.from == 0 ? r : order_words(l, &t->learnt, LINK_WORDS_LEARNT, e);
}

/* ── reading the spool in ── */

struct seen {
    uint64_t *numbers; /* run's first four bytes << 32 ^ …: hashed, see mark_of */
    size_t n;
    size_t size;
};

/* A number that stands for run and seq; collisions of two in one spool are as good as none. */
static uint64_t mark_of(const uint8_t run[4], uint64_t seq)
{
    uint64_t r = (uint64_t)run[0] << 24 | (uint64_t)run[1] << 16 | (uint64_t)run[2] << 8 | run[3];
    uint64_t x = (r << 32 ^ r) * UINT64_C(0x9e3779b97f4a7c15) ^ seq * UINT64_C(0xff51afd7ed558ccd);
    return x == 0 ? 1 : x;
}

static bool seen_grow(struct seen *s);

/* True: it was there already. */
static bool seen_put(struct seen *s, uint64_t mark)
{
    if (s->n * 2 >= s->size && !seen_grow(s))
        return false;
    size_t at = mark & (s->size - 1);
    while (s->numbers[at] != 0 && s->numbers[at] != mark)
        at = (at + 1) & (s->size - 1);
    bool there = s->numbers[at] == mark;
    s->numbers[at] = mark;
    s->n += !there;
    return there;
}

static bool seen_grow(struct seen *s)
{
    struct seen old = *s;
    size_t size = old.size == 0 ? 4096 : old.size * 2;
    uint64_t *numbers = size > 8 * SEEN_MAX ? NULL : calloc(size, sizeof *numbers);
    if (numbers == NULL)
        return old.size > old.n + 1;
    *s = (struct seen){.numbers = numbers, .size = size};
    for (size_t i = 0; i < old.size; i++)
        if (old.numbers[i] != 0)
            (void)seen_put(s, old.numbers[i]);
    free(old.numbers);
    return true;
}

static void least_from(void *context, const struct spool_part *part)
{
    uint64_t *least = context;
    if (part->from < *least)
        *least = part->from;
}

/* Records that were erased tell no number any more, and must not come again from a copy in the spool. They stand between their neighbours: what is
 * missing there counts as seen. */
struct erased {
    uint64_t n;      /* since the last number that was read */
    uint8_t run[4];  /* of that one */
    uint64_t before; /* … the number; 0: none was read */
};

static void note_erased(struct seen *s, struct erased *x, const uint8_t run[4], uint64_t first, uint64_t behind)
{
    for (uint64_t seq = first; x->n > 0 && seq < behind && seq - first < ERASED_MOST; seq++)
        (void)seen_put(s, mark_of(run, seq));
    x->n = 0;
}

static void note_number(struct seen *s, struct erased *x, struct span veiled)
{
    static const char key[] = "\"link_seq\":\"";
    const uint8_t *at = memmem(veiled.p, veiled.n, key, sizeof key - 1);
    if (at == NULL)
        return;
    struct span rest = span_of(at + sizeof key - 1, (size_t)(veiled.p + veiled.n - at) - (sizeof key - 1));
    uint8_t run[4];
    uint64_t seq;
    if (!link_seq_read(span_until(&rest, '"', NULL), run, &seq))
        return;
    bool same = x->before != 0 && memcmp(x->run, run, sizeof run) == 0;
    uint64_t first = same ? x->before + 1 : seq > x->n ? seq - x->n : 1;
    note_erased(s, x, run, first, seq);
    (void)seen_put(s, mark_of(run, seq));
    memcpy(x->run, run, sizeof run);
    x->before = seq;
}

/* Numbers on the ledger, from `from` on up to where this keeper began. */
static int look_through(struct links *l, uint64_t from, struct seen *s, struct error *e)
{
    struct ledger_record leaf;
    struct payload *payload = malloc(sizeof *payload);
    (void)pthread_mutex_lock(l->open.ledger_lock);
    uint64_t size = l->began;
    struct ledger_reader *reader = payload == NULL || from >= size ? NULL : ledger_reader_new(l->open.ledger, from, e);
    (void)pthread_mutex_unlock(l->open.ledger_lock);
    int r = payload == NULL ? err_set(e, ERR_SYSTEM, "no memory for reading the relay's spool in") : from >= size ? 0 : reader == NULL ? -1 : 1;
    struct erased erased = {0};
    for (uint64_t index = from; r == 1 && index < size; index++) {
        (void)pthread_mutex_lock(l->open.ledger_lock);
        r = ledger_reader_next(reader, &leaf, e);
        (void)pthread_mutex_unlock(l->open.ledger_lock);
        erased.n += r == 1 && leaf.erased;
        if (r != 1 || leaf.stream != LEDGER_CUSTODY || leaf.erased || payload_decode(leaf.payload, payload, NULL) != 0)
            continue;
        for (size_t i = 0; i < payload->n; i++)
            note_number(s, &erased, payload->records[i].veiled);
    }
    if (erased.before != 0)
        note_erased(s, &erased, erased.run, erased.before + 1, erased.before + 1 + erased.n);
    ledger_reader_free(reader);
    free(payload);
    return r < 0 ? -1 : 0;
}

static int committed(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    (void)context, (void)l, (void)v, (void)e;
    return 0;
}

static bool is_stopping(struct links *l)
{
    (void)pthread_mutex_lock(&l->lock);
    bool stopping = l->stopping;
    (void)pthread_mutex_unlock(&l->lock);
    return stopping;
}

/* Waits for room. */
static void put_late(struct links *l, struct span encoded)
{
    bool room = false;
    while (!room && !is_stopping(l)) {
        (void)pthread_mutex_lock(&l->lock);
        bool asleep = l->late.n == 0;
        room = l->late.n <= LATE_MAX;
        if (room) {
            buf_be32(&l->late, (uint32_t)encoded.n);
            buf_add_span(&l->late, encoded);
        }
        (void)pthread_mutex_unlock(&l->lock);
        if (asleep || !room)
            l->o.wake(l->o.context);
        if (!room)
            (void)usleep(2000);
    }
}

struct putting {
    struct seen seen;
    struct record record;
    struct record bare;
    struct buf encoded;
    uint64_t put, bad;
};

/* What came by the spool was judged by nobody: now it is. Of what the detector does not read it gets the number: that none is missing. */
static void judge_late(struct links *l, struct putting *p, struct span encoded)
{
    const struct record *r = &p->record;
    if (r->event == EVENT_LAB_MESSAGE || r->event == EVENT_LAB_RESULT || r->event == EVENT_LAB_ORDER) {
        put_late(l, encoded);
        return;
    }
    record_start(&p->bare, r->event, r->time, NULL);
    record_text(&p->bare, KEY_LINK_SEQ, record_get(r, KEY_LINK_SEQ));
    buf_clear(&p->encoded);
    record_encode(&p->encoded, &p->bare);
    put_late(l, buf_span(&p->encoded));
}

/* One record, unless it is on the ledger, or is no relay's. */
static int put_one(struct links *l, struct putting *p, struct span encoded, struct error *e)
{
    uint8_t run[4];
    uint64_t seq;
    bool good = record_decode(encoded, &p->record, NULL) == 0 && intake_relay_may(&p->record) &&
                link_seq_read(record_get(&p->record, KEY_LINK_SEQ), run, &seq);
    p->bad += !good;
    if (!good || seen_put(&p->seen, mark_of(run, seq)))
        return 0;
    if (appender_put_link(l->open.appender, encoded, e) != 0)
        return -1;
    p->put++;
    judge_late(l, p, encoded);
    return 0;
}

static int put_frame(struct links *l, struct putting *p, struct span frame, struct error *e)
{
    uint8_t what = span_u8(&frame);
    if (what == SPOOLED_RECORD)
        return put_one(l, p, frame, e);
    p->bad += what != SPOOLED_RECORDS;
    while (what == SPOOLED_RECORDS && frame.n > 0) {
        struct span encoded = span_take(&frame, span_be32(&frame));
        if (put_one(l, p, encoded, e) != 0)
            return -1;
        if (frame.bad)
            break; /* counted: what is cut does not decode */
    }
    return 0;
}

/* Puts what stands between these bytes of the spool on the ledger, where it is not there yet. */
static int put_all(struct links *l, int fd, uint64_t from, uint64_t to, struct putting *p, struct error *e)
{
    struct spool_reader *reader = spool_reader_new(fd, l->open.secret, e);
    struct spool_record s;
    int r = reader == NULL ? -1 : 1;
    if (reader != NULL) {
        spool_reader_start(reader, from);
        spool_reader_limit(reader, to);
    }
    while (r > 0 && !is_stopping(l)) {
        struct error why = {0};
        while (appender_full(l->open.appender) && !is_stopping(l))
            (void)usleep(10000);
        r = spool_reader_next(reader, &s, &why);
        if (r < 0 && why.class == ERR_CORRUPT) {
            p->bad++;
            r = 1;
            continue;
        }
        if (r < 0)
            *e = why;
        if (r > 0 && put_frame(l, p, s.record, e) != 0)
            r = -1;
    }
    if (r >= 0 && is_stopping(l))
        r = err_set(e, ERR_AGAIN, "the keeper ends");
    spool_reader_free(reader);
    return r < 0 ? -1 : 0;
}

static void tell_damage(struct links *l, uint64_t bad)
{
    struct record *r = calloc(1, sizeof *r);
    char cause[64];
    if (r == NULL)
        return;
    (void)snprintf(cause, sizeof cause, "relay spool, %lld", (long long)clock_now());
    record_start(r, EVENT_FINDING, clock_now(), NULL);
    record_str(r, KEY_KIND, "ledger.spool_damaged");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_SEVERITY, "high");
    record_str(r, KEY_TITLE, "Part of what the relay had kept while nobody recorded cannot be read any more.");
    record_str(r, KEY_TECHNIQUE, "T1565.001");
    record_str(r, KEY_ADVICE, "Find out who had access to this machine meanwhile. Compare the results of that time with what the analyzers keep.");
    (void)appender_note(l->open.appender, r, NULL);
    free(r);
    log_line(LOG_LEVEL_ERROR, "places of the relay's spool that do not hold: %llu", (unsigned long long)bad);
}

static int read_in(struct links *l, uint64_t from, uint64_t to, struct error *e)
{
    uint64_t least = UINT64_MAX;
    struct putting *p = calloc(1, sizeof *p);
    if (p == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for reading the relay's spool in");
    p->encoded = BUF_INIT(256);
    int fd = open(RELAY_SPOOL_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = fd < 0 ? err_sys(e, errno, "opening the relay's spool") : spool_parts_between(fd, from, to, least_from, &least, e);
    if (r == 0 && least != UINT64_MAX)
        r = look_through(l, least, &p->seen, e);
    if (r == 0)
        r = put_all(l, fd, from, to, p, e);
    if (r == 0)
        r = appender_do(l->open.appender, committed, NULL, e);
    if (r == 0 && p->bad > 0)
        tell_damage(l, p->bad);
    if (r == 0 && p->put > 0)
        log_line(LOG_LEVEL_INFO, "records that only the relay's spool had are on the ledger now: %llu", (unsigned long long)p->put);
    if (fd >= 0)
        (void)close(fd);
    free(p->seen.numbers);
    buf_release(&p->encoded);
    free(p);
    return r;
}

/* ── feeding ── */

#define FEED_MOST (1u << 20) /* messages */
#define FEED_RUNS 64         /* earlier runs that are told apart */

struct row {
    uint64_t record;
    uint64_t seq;
    uint32_t run; /* in the order in which they came to the ledger */
    bool sent;
    tq_time time;
    char link[CONFIG_NAME];
};

struct feeding {
    char run[9]; /* this one */
    uint64_t before;
    uint64_t last; /* row that was looked at */
    size_t looked;
    struct row *rows;
    size_t n;
    size_t size;
    bool failed;
    char runs[FEED_RUNS][9];
    uint32_t runs_n;
    char begun[CONFIG_RELAYS][CONFIG_NAME]; /* links whose first message was fed */
    size_t begun_n;
};

/* Links deliver one message after the other: only the first one that is left can have been on its way, whether or not that was recorded in time. */
static bool is_first(struct feeding *f, struct span link)
{
    for (size_t i = 0; i < f->begun_n; i++)
        if (span_is(link, f->begun[i]))
            return false;
    if (f->begun_n < CONFIG_RELAYS) {
        memcpy(f->begun[f->begun_n], link.p, link.n); /* shorter than CONFIG_NAME, and ends in the zeros that were there */
        f->begun_n++;
    }
    return true;
}

static uint32_t run_number(struct feeding *f, struct span run)
{
    for (uint32_t i = 0; i < f->runs_n; i++)
        if (span_is(run, f->runs[i]))
            return i;
    if (f->runs_n == FEED_RUNS)
        return FEED_RUNS;
    (void)snprintf(f->runs[f->runs_n], sizeof f->runs[0], "%.*s", (int)run.n, (const char *)run.p);
    return f->runs_n++;
}

static void take_row(void *context, const struct link_waiting *w)
{
    struct feeding *f = context;
    f->last = w->record;
    f->looked++;
    if (f->failed || (span_is(w->run, f->run) && w->seq > f->before) || w->link.n >= CONFIG_NAME)
        return; /* the relay that asks has it itself */
    if (f->n == f->size) {
        size_t size = f->size == 0 ? FEED_ONCE : f->size * 2;
        struct row *rows = size > FEED_MOST ? NULL : realloc(f->rows, size * sizeof *rows);
        f->failed = rows == NULL;
        if (f->failed)
            return;
        f->rows = rows;
        f->size = size;
    }
    struct row *r = &f->rows[f->n++];
    *r = (struct row){.record = w->record, .seq = w->seq, .run = run_number(f, w->run), .sent = w->sent, .time = w->time};
    memcpy(r->link, w->link.p, w->link.n);
}

/* As the relay took them: what went by the spool comes to the ledger later than what did not. */
static int by_number(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    if (x->run != y->run)
        return x->run < y->run ? -1 : 1;
    if (x->run < FEED_RUNS && x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

/* All that waits, in order. The relay delivers nothing meanwhile. */
static int look_at_rows(struct links *l, struct feeding *f, struct error *e)
{
    int r = 0;
    do {
        f->looked = 0;
        if (store_look(l->reader, e) != 0)
            return -1;
        r = link_queue(l->reader, (int64_t)f->last, FEED_ONCE, take_row, f, e);
        store_look_end(l->reader);
    } while (r == 0 && !f->failed && f->looked == FEED_ONCE);
    if (r == 0 && f->failed)
        return err_set(e, ERR_SYSTEM, "no memory for the messages that wait for their links");
    if (f->n > 1)
        qsort(f->rows, f->n, sizeof *f->rows, by_number);
    return r;
}

/* Waits for room; false: the relay is another one by now, or this ends. */
static bool put_when_room(struct links *l, enum message_type type, struct span body, uint64_t generation)
{
    for (;;) {
        (void)pthread_mutex_lock(&l->lock);
        bool over = l->stopping || l->generation != generation;
        bool put = !over && put_out(l, type, body);
        (void)pthread_mutex_unlock(&l->lock);
        l->o.wake(l->o.context);
        if (over || put)
            return put;
        (void)usleep(5000);
    }
}

static bool feed_one(struct links *l, const struct row *row, bool sent, uint64_t generation)
{
    struct buf opened = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    struct buf body = BUF_SECRET(LINK_QUEUED_MAX);
    struct api_record r;
    struct error e = {0};
    bool going = true;
    if (opened_record(l->open.ledger, l->open.ledger_lock, row->record, &opened, &r, &e) != 0 || r.body.n == 0 || r.body_whole > r.body.n) {
        log_line(LOG_LEVEL_ERROR, "link %s: the message of record %llu cannot be delivered any more: %s", row->link, (unsigned long long)row->record,
                 e.text[0] != 0 ? e.text : "its bytes are not kept");
    } else {
        link_queued_encode(&body,
                           &(struct link_queued){.link = span_str(row->link), .record = row->record, .sent = sent, .time = row->time, .raw = r.body});
        going = put_when_room(l, MESSAGE_QUEUED, buf_span(&body), generation);
    }
    buf_release(&opened);
    buf_release(&body);
    return going;
}

static int feed(struct links *l, uint64_t before, uint64_t generation, struct error *e)
{
    struct feeding f = {.before = before};
    char text[LINK_SEQ_TEXT];
    link_seq_write(text, l->o.run, 0);
    (void)snprintf(f.run, sizeof f.run, "%.8s", text);
    (void)pthread_mutex_lock(l->open.ledger_lock);
    uint64_t size = ledger_size(l->open.ledger);
    (void)pthread_mutex_unlock(l->open.ledger_lock);
    if (size > 0 && projector_wait(l->open.projector, size - 1, VISIBLE, e) != 0)
        return -1;
    int r = look_at_rows(l, &f, e);
    bool going = r == 0;
    for (size_t i = 0; going && i < f.n; i++)
        going = feed_one(l, &f.rows[i], is_first(&f, span_str(f.rows[i].link)) || f.rows[i].sent, generation);
    free(f.rows);
    if (!going)
        return r;
    struct buf body = BUF_INIT(64);
    link_queued_encode(&body, &(struct link_queued){0});
    (void)put_when_room(l, MESSAGE_QUEUED, buf_span(&body), generation);
    buf_release(&body);
    return 0;
}

/* ── the thread ── */

static void do_read_in(struct links *l, uint64_t from, uint64_t to, uint64_t generation)
{
    struct error e = {0};
    struct buf body = BUF_INIT(8);
    if (read_in(l, from, to, &e) != 0) {
        if (e.class != ERR_AGAIN)
            log_line(LOG_LEVEL_ERROR, "the relay's spool cannot be read in now: %s", e.text);
        to = 0;
    }
    buf_be64(&body, to);
    (void)put_when_room(l, MESSAGE_READ_IN, buf_span(&body), generation);
    buf_release(&body);
}

static int greet(struct links *l, struct error *e)
{
    struct greeting *g = calloc(1, sizeof *g);
    if (g == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for what was decided about links");
    g->l = l;
    int r = store_look(l->reader, e);
    if (r == 0) {
        r = link_list(l->reader, (struct span){0}, order_of_row, g, e);
        for (size_t i = 0; i < g->n && r == 0; i++)
            r = order_told(l, &g->rows[i], e);
        store_look_end(l->reader);
        (void)links_order(l, &(struct link_order){.kind = LINK_ORDER_ALL}, NULL);
    }
    free(g);
    return r;
}

static void *run(void *context)
{
    struct links *l = context;
    bool stopping = false;
    while (!stopping) {
        (void)pthread_mutex_lock(&l->lock);
        while (!l->stopping && l->spooled.to == 0 && !l->feed && !l->greet)
            (void)pthread_cond_wait(&l->work, &l->lock);
        stopping = l->stopping;
        uint64_t from = l->spooled.from;
        uint64_t to = l->spooled.to;
        bool feeds = l->feed && to == 0;
        uint64_t before = l->feed_before;
        uint64_t generation = l->generation;
        bool greets = l->greet;
        l->spooled.to = 0;
        l->greet = false;
        if (feeds)
            l->feed = false;
        (void)pthread_mutex_unlock(&l->lock);
        struct error e = {0};
        if (!stopping && greets && greet(l, &e) != 0)
            log_line(LOG_LEVEL_ERROR, "the relay could not be told what was decided about links: %s", e.text);
        if (!stopping && to > 0)
            do_read_in(l, from, to, generation);
        else if (!stopping && feeds && feed(l, before, generation, &e) != 0)
            log_line(LOG_LEVEL_ERROR, "what waits for delivery could not be fed to the relay: %s", e.text);
    }
    return NULL;
}

int links_opened(struct links *l, const struct links_open *open, struct error *e)
{
    l->open = *open;
    l->began = ledger_size(open->ledger);
    l->reader = store_reader_open(open->store, e);
    if (l->reader == NULL)
        return -1;
    int r = pthread_create(&l->thread, NULL, run, l);
    if (r != 0)
        return err_sys(e, r, "starting the keeper's side of links");
    l->running = true;
    atomic_store(&l->is_open, true);
    return 0;
}

void links_stop(struct links *l)
{
    if (l == NULL || !l->running)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->stopping = true;
    (void)pthread_cond_broadcast(&l->work);
    (void)pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->thread, NULL);
    l->running = false;
    store_reader_close(l->reader);
    l->reader = NULL;
}

/* ── main thread ── */

void links_relay(struct links *l, int fd)
{
    channel_close(&l->relay);
    channel_open(&l->relay, fd, ROLE_KEEPER, ROLE_RELAY, OUT_MAX);
    (void)pthread_mutex_lock(&l->lock);
    l->generation++;
    l->spooled.to = 0;
    l->feed = false;
    l->greet = true;
    buf_clear(&l->out);
    l->n = 0;
    (void)pthread_cond_signal(&l->work);
    (void)pthread_mutex_unlock(&l->lock);
    l->told_any = false;
}

int links_fd(const struct links *l)
{
    return l->relay.fd;
}

short links_events(const struct links *l)
{
    return (short)(POLLIN | (channel_waiting(&l->relay) > 0 ? POLLOUT : 0));
}

static int take_status(struct links *l, struct span body, struct error *e)
{
    static struct link_status s; /* main thread only */
    if (link_status_decode(body, &s, e) != 0)
        return -1;
    (void)pthread_mutex_lock(&l->lock);
    l->status[s.link] = s;
    l->status_at[s.link] = clock_monotonic();
    l->n = s.links;
    (void)pthread_mutex_unlock(&l->lock);
    for (int side = 0; side < LINK_SIDES; side++)
        if (s.side[side].outside && s.side[side].expires != 0)
            l->o.seen(l->o.context, s.name, side, &s.side[side]);
    return 0;
}

static void ask_thread(struct links *l, const struct message *m)
{
    struct span body = m->body;
    uint64_t n = span_be64(&body);
    (void)pthread_mutex_lock(&l->lock);
    if (m->type == MESSAGE_SPOOLED) {
        l->spooled.from = n;
        l->spooled.to = span_be64(&body);
    } else {
        l->feed = true;
        l->feed_before = n;
    }
    (void)pthread_cond_signal(&l->work);
    (void)pthread_mutex_unlock(&l->lock);
}

int links_read(struct links *l, struct error *e)
{
    struct message m;
    struct error why = {0};
    int r = channel_read(&l->relay, &why);
    if (r != 0 && why.class == ERR_AGAIN)
        return 0;
    while (r == 0 && (r = channel_next(&l->relay, &m, &why)) == 1) {
        r = 0;
        if (m.type == MESSAGE_STATUS)
            r = take_status(l, m.body, &why);
        else if (m.body.n == (m.type == MESSAGE_SPOOLED ? 16 : 8))
            ask_thread(l, &m);
    }
    if (r == 0)
        return 0;
    channel_close(&l->relay);
    if (why.class == ERR_CLOSED)
        return 0;
    *e = why;
    return -1;
}

/* As much of what other threads want sent as goes. */
static void send_out(struct links *l)
{
    (void)pthread_mutex_lock(&l->lock);
    struct span rest = buf_span(&l->out);
    size_t done = 0;
    while (rest.n > 0) {
        enum message_type type = (enum message_type)span_u8(&rest);
        struct span body = span_take(&rest, span_be32(&rest));
        bool early = type == MESSAGE_READ_IN && (l->late.n > 0 || l->late_waits);
        if (early || channel_put(&l->relay, type, body, NULL) != 0)
            break;
        done = l->out.n - rest.n;
    }
    buf_drop_front(&l->out, done);
    (void)pthread_mutex_unlock(&l->lock);
}

void links_late(struct links *l, struct channel *detector)
{
    (void)pthread_mutex_lock(&l->lock);
    struct span rest = buf_span(&l->late);
    size_t done = 0;
    while (rest.n > 0 && detector->fd >= 0) {
        struct span record = span_take(&rest, span_be32(&rest));
        if (channel_put(detector, MESSAGE_LATE, record, NULL) != 0)
            break;
        done = l->late.n - rest.n;
    }
    buf_drop_front(&l->late, done);
    (void)pthread_mutex_unlock(&l->lock);
    if (done > 0)
        (void)channel_write(detector, NULL); /* where it is gone, reading tells */
    l->late_waits = channel_waiting(detector) > 0;
}

void links_step(struct links *l, bool locked, bool recording, uint64_t durable, uint64_t ledger)
{
    struct link_recorded now = {.locked = locked, .recording = recording, .seq = durable, .ledger = ledger};
    if (l->relay.fd < 0)
        return;
    if (!l->told_any || now.locked != l->told.locked || now.recording != l->told.recording || now.seq != l->told.seq) {
        struct buf body = BUF_INIT(128);
        struct link_recorded told = now;
        if (atomic_load(&l->is_open))
            told.key = span_of(l->open.key, sizeof l->open.key);
        link_recorded_encode(&body, &told);
        if (channel_put(&l->relay, MESSAGE_RECORDED, buf_span(&body), NULL) == 0) {
            l->told = now;
            l->told_any = true;
        }
        buf_release(&body);
    }
    send_out(l);
    if (channel_waiting(&l->relay) > 0)
        (void)channel_write(&l->relay, NULL); /* where it is gone, reading tells */
}

/* ── any thread ── */

static void copy_side(const struct link_side_status *s, struct api_link_side *out)
{
    char ip[46];
    address_format(&s->peer, ip);
    if (ip[0] != 0)
        (void)snprintf(out->peer, sizeof out->peer, s->peer.family == 6 ? "[%s]:%u" : "%s:%u", ip, s->port);
    (void)snprintf(out->ip, sizeof out->ip, "%s", ip);
    out->connections = s->connections;
    (void)snprintf(out->tls, sizeof out->tls, "%s", s->tls);
    (void)snprintf(out->name, sizeof out->name, "%s", s->name);
    out->expires = s->expires;
    (void)snprintf(out->why, sizeof out->why, "%s", s->why);
}

static void copy_status(const struct link_status *s, bool old, struct api_link *out)
{
    *out = (struct api_link){.state = old ? "down" : link_state_name(s->state),
                             .rate = s->rate,
                             .delay_p50 = s->delay_p50,
                             .delay_p99 = s->delay_p99,
                             .delay_limit = s->delay_limit,
                             .queue_messages = s->queue_messages,
                             .queue_bytes = s->queue_bytes,
                             .queue_max = s->queue_max,
                             .queue_oldest = s->queue_oldest,
                             .learning_until = s->learning_until};
    (void)snprintf(out->name, sizeof out->name, "%s", s->name);
    (void)snprintf(out->protocol, sizeof out->protocol, "%s", s->protocol);
    (void)snprintf(out->mode, sizeof out->mode, "%s", s->mode);
    (void)snprintf(out->why, sizeof out->why, "%s", old ? "the relay does not say how it is" : s->why);
    (void)snprintf(out->unknown, sizeof out->unknown, "%s", s->unknown);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(out->side[i].where, sizeof out->side[i].where, "%s", s->where[i]);
        copy_side(&s->side[i], &out->side[i]);
    }
    memcpy(out->counters, s->counters, sizeof out->counters);
}

void links_decided(struct links *l)
{
    (void)pthread_mutex_lock(&l->lock);
    l->greet = true;
    (void)pthread_cond_signal(&l->work);
    (void)pthread_mutex_unlock(&l->lock);
}

#define STATUS_OLD (5 * TIME_SECOND)

size_t links_list(struct links *l, struct api_link *ret, size_t most)
{
    tq_time now = clock_monotonic();
    (void)pthread_mutex_lock(&l->lock);
    size_t n = l->n < most ? l->n : most;
    for (size_t i = 0; i < n; i++)
        copy_status(&l->status[i], now - l->status_at[i] > STATUS_OLD, &ret[i]);
    (void)pthread_mutex_unlock(&l->lock);
    return n;
}
