#include "proc/doors.h"

#include "lab/door.h"
#include "lab/people/account.h"
#include "proc/clock.h"
#include "proc/log.h"
#include "record/crypto/crypto.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OUT_MAX (64u << 10)
#define LOOK_EVERY 2                /* seconds between two looks at the views */
#define STANDING_ONCE 64            /* rows that are looked at in one look */
#define LATE (5 * TIME_SECOND)      /* so long after its end the warden's word is waited for */
#define UNOPENED (30 * TIME_SECOND) /* so long for a door to open */

struct live {
    char id[DOOR_ID];
    enum door_state state;
    struct door_way way;
    bool wanted;
    bool seen;    /* in the last look */
    bool ordered; /* told to the present warden */
    bool closing; /* it was told to close it */
    bool opened;  /* door.opened is put */
    bool closed;  /* door.closed is put */
    bool counted;
    uint64_t packets, bytes_up, bytes_down;
    tq_time until, decided;
    bool withdrawn; /* by a person, or by the end of the engineer's own access */
    bool left;
    int64_t minutes;
    char address[46];
    char asked_by[ACCOUNT_NAME_MAX + 32];
    char asset[64];
    char device[256];
};

struct doors {
    struct doors_options o;
    char devices[1024];
    char vendors[1024];
    struct channel warden; /* main thread */
    struct appender *appender;
    struct store_conn *reader; /* the thread's */
    pthread_t thread;
    bool running;
    int64_t standing;     /* the thread's: rows up to this n are looked at */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;
    bool stopping;
    bool look;
    bool up;      /* the warden's channel is there … */
    bool told;    /* … and it said how the firewall is */
    bool settled; /* it has heard of every door */
    bool on;
    char why[DOOR_TOLD_WHY + 1];
    struct live live[DOOR_OPEN_MOST];
    size_t n;
    struct buf out; /* u16 length, message */
};

struct doors *doors_new(const struct doors_options *options, struct error *e)
{
    struct doors *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for doors");
        return NULL;
    }
    pthread_condattr_t clock;
    d->o = *options;
    (void)snprintf(d->devices, sizeof d->devices, "%s", options->devices);
    (void)snprintf(d->vendors, sizeof d->vendors, "%s", options->vendors);
    d->warden.fd = -1;
    d->out = (struct buf){.max = OUT_MAX};
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&d->work, &clock);
    (void)pthread_condattr_destroy(&clock);
    return d;
}

/* ── on the ledger ── */

static void note_step(struct doors *d, struct live *x, enum event event, const char *reason, struct span why)
{
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    record_start(r, event, clock_now(), NULL);
    record_str(r, KEY_DOOR, x->id);
    record_str(r, KEY_DOOR_ADDRESS, x->address);
    record_str(r, KEY_ACCOUNT, x->asked_by);
    if (event == EVENT_DOOR_OPENED)
        record_int(r, KEY_UNTIL, x->until);
    if (event == EVENT_DOOR_CLOSED) {
        record_str(r, KEY_REASON, reason);
        record_text(r, KEY_WHY, why);
        if (x->counted) {
            record_int(r, KEY_PACKETS, (int64_t)x->packets);
            record_int(r, KEY_BYTES_UP, (int64_t)x->bytes_up);
            record_int(r, KEY_BYTES_DOWN, (int64_t)x->bytes_down);
        }
    }
    if (appender_note(d->appender, r, NULL) == 0) {
        x->opened = x->opened || event == EVENT_DOOR_OPENED;
        x->closed = x->closed || event == EVENT_DOOR_CLOSED;
    }
    free(r);
}

struct trouble {
    const char *kind, *severity, *title, *advice, *technique;
    const char *cause;
    const char *subject[4];
    uint64_t flow; /* 0: none */
};

static void note_finding(struct doors *d, const struct trouble *t)
{
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    record_start(r, EVENT_FINDING, clock_now(), NULL);
    record_str(r, KEY_KIND, t->kind);
    record_str(r, KEY_CAUSE, t->cause);
    record_str(r, KEY_SEVERITY, t->severity);
    record_str(r, KEY_TITLE, t->title);
    for (size_t i = 0; i < 4 && t->subject[i] != NULL; i++)
        record_str(r, KEY_SUBJECT, t->subject[i]);
    if (t->flow != 0)
        record_int(r, KEY_EVIDENCE_FLOW, (int64_t)t->flow);
    record_str(r, KEY_TECHNIQUE, t->technique);
    record_str(r, KEY_ADVICE, t->advice);
    (void)appender_note(d->appender, r, NULL);
    free(r);
}

static struct span left_words(const struct live *x)
{
    return x->left ? SPAN_LIT("the access of whoever asked has ended") : (struct span){0};
}

/* ── what is to be open ── */

static struct live *find(struct doors *d, const char *id)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->live[i].id, id) == 0)
            return &d->live[i];
    return NULL;
}

static void copy(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, text.n > 0 ? (const char *)text.p : "");
}

/* Under the lock. */
static void take_row(void *context, const struct door *row)
{
    struct doors *d = context;
    struct live *x = find(d, row->id);
    struct door_way way = {.proto = row->proto, .port = row->port};
    if (!address_parse(row->source, &way.from) || !address_parse(row->address, &way.to))
        return;
    if (x == NULL) {
        if (d->n == DOOR_OPEN_MOST)
            return;
        x = &d->live[d->n++];
        *x = (struct live){.way = way};
        memcpy(x->id, row->id, sizeof x->id);
    }
    x->seen = true;
    x->state = row->state;
    x->until = row->until;
    x->decided = row->decided_at;
    x->withdrawn = row->withdrawn_at != 0;
    x->minutes = row->minutes;
    copy(x->address, sizeof x->address, row->address);
    copy(x->asked_by, sizeof x->asked_by, row->asked_by);
    copy(x->asset, sizeof x->asset, row->asset);
    copy(x->device, sizeof x->device, row->device);
}

/* Under the lock. */
static bool order(struct doors *d, const struct door_order *o)
{
    struct buf body = BUF_INIT(DOOR_ORDER_MAX);
    door_order_encode(&body, o);
    bool room = buf_ok(&body) && d->out.n + body.n + 2 <= OUT_MAX;
    if (room) {
        buf_be16(&d->out, (uint16_t)body.n);
        buf_add_span(&d->out, buf_span(&body));
    }
    buf_release(&body);
    return room;
}

static void order_open(struct doors *d, struct live *x, tq_time now)
{
    int64_t ms = (x->until - now) / TIME_MS;
    struct door_order o = {.kind = DOOR_ORDER_OPEN, .way = x->way, .ms = ms > DOOR_LONGEST_MS ? DOOR_LONGEST_MS : ms};
    memcpy(o.id, x->id, sizeof o.id);
    if (ms > 0)
        x->ordered = order(d, &o);
}

static void order_close(struct doors *d, struct live *x)
{
    struct door_order o = {.kind = DOOR_ORDER_CLOSE};
    memcpy(o.id, x->id, sizeof o.id);
    x->closing = order(d, &o);
}

/* Whose door it is may not ask for one any more: the account is closed, or the role has ended. */
static bool has_left(struct doors *d, const struct live *x, tq_time now)
{
    struct account a = {0};
    bool found = false;
    if (account_get(d->reader, span_str(x->asked_by), &a, &found, NULL) != 0 || !found)
        return false; /* asked at the local socket */
    bool left = a.closed || !jobs_may(account_roles(d->reader, span_str(a.name), d->o.site, now), "doors.ask");
    crypto_wipe(&a, sizeof a);
    return left;
}

/* Under the lock: one door, now. */
static void judge(struct doors *d, struct live *x, tq_time now)
{
    bool over = now >= x->until;
    x->left = x->left || has_left(d, x, now);
    x->withdrawn = x->withdrawn || x->left;
    x->wanted = !over && !x->withdrawn && !x->closed;
    if (x->closed)
        return;
    if (d->up && d->told && x->wanted && !x->ordered)
        order_open(d, x, now);
    if (d->up && d->told && !x->wanted && !over && x->ordered && !x->closing)
        order_close(d, x);
    if (x->withdrawn && !x->ordered && x->state == DOOR_APPROVED && d->settled) {
        note_step(d, x, EVENT_DOOR_CLOSED, "withdrawn", left_words(x)); /* it was never opened */
    } else if (now >= x->until + LATE) {
        const char *why = x->state == DOOR_APPROVED && !x->opened ? "it was never opened"
                                                                  : "the kernel closed it; the warden did not tell what went through";
        note_step(d, x, EVENT_DOOR_CLOSED,
                  x->withdrawn                         ? "withdrawn"
                  : x->opened || x->state == DOOR_OPEN ? "time"
                                                       : "error",
                  x->counted ? (struct span){0} : span_str(why));
    } else if (x->state == DOOR_APPROVED && !x->opened && !x->ordered && now >= x->decided + UNOPENED) {
        note_step(d, x, EVENT_DOOR_CLOSED, "error", span_str(d->up ? d->why : "the part that changes the firewall is not there"));
    }
}

static void look_at_doors(struct doors *d, tq_time now)
{
    struct error e = {0};
    (void)pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->n; i++)
        d->live[i].seen = false;
    int r = door_list(d->reader, &(struct door_query){.live = true, .limit = DOOR_OPEN_MOST}, take_row, d, &e);
    for (size_t i = 0; r == 0 && i < d->n;) {
        if (!d->live[i].seen)
            d->live[i] = d->live[--d->n];
        else
            judge(d, &d->live[i++], now);
    }
    if (r == 0 && d->up && d->told && !d->settled)
        d->settled = order(d, &(struct door_order){.kind = DOOR_ORDER_SETTLE});
    bool send = d->out.n > 0;
    (void)pthread_mutex_unlock(&d->lock);
    if (r != 0)
        log_line(LOG_LEVEL_WARNING, "doors: %s", e.text);
    if (send)
        d->o.wake(d->o.context);
}

/* ── findings ── */

struct row {
    struct doors *d;
    int64_t last;
};

/* From outside, or from a network that lab.yaml calls a vendor's. Where it names none, every network but the lab's own. */
static bool comes_from_afar(const struct doors *d, struct span src)
{
    struct address a;
    if (!address_parse(src, &a))
        return false;
    if (d->vendors[0] != 0 && network_has(d->vendors, &a))
        return true;
    const uint8_t *b = a.bytes;
    if (a.family == 6)
        return (b[0] & 0xfe) != 0xfc && !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    return b[0] != 10 && !(b[0] == 172 && (b[1] & 0xf0) == 16) && !(b[0] == 192 && b[1] == 168) && !(b[0] == 169 && b[1] == 254) &&
           !(b[0] == 100 && (b[1] & 0xc0) == 64);
}

static void take_standing(void *context, const struct door_standing *s)
{
    struct row *row = context;
    char cause[160];
    char app[24];
    char src[46];
    char device[256];
    row->last = s->n;
    if (!comes_from_afar(row->d, s->src))
        return;
    copy(app, sizeof app, s->app);
    copy(src, sizeof src, s->src);
    copy(device, sizeof device, s->device.n > 0 ? s->device : s->dst);
    (void)snprintf(cause, sizeof cause, "%.*s %.*s %lld", (int)s->src.n, (const char *)s->src.p, (int)s->dst.n, (const char *)s->dst.p,
                   (long long)s->port);
    note_finding(row->d,
                 &(struct trouble){.kind = "access.standing",
                                   .severity = "high",
                                   .cause = cause,
                                   .title = "{0} was worked on from afar ({1}, from {2}) without an open door.",
                                   .subject = {device, app, src},
                                   .flow = s->flow,
                                   .technique = "T1133",
                                   .advice = "Find out who that was. Close this standing way in, and let makers' engineers ask for a door each time "
                                             "(Vendor access)."});
}

static void look_at_standing(struct doors *d)
{
    struct error e = {0};
    struct row row = {.d = d, .last = d->standing};
    if (door_standing_list(d->reader, d->standing, STANDING_ONCE, take_standing, &row, &e) == 0)
        d->standing = row.last;
}

/* A door was opened: is it one for long, or one more of many? Not under the lock. */
static void judge_opened(struct doors *d, const struct live *x)
{
    char cause[200];
    char many[24];
    char hours[24];
    (void)snprintf(cause, sizeof cause, "%s", x->id);
    (void)snprintf(hours, sizeof hours, "%lld", (long long)x->minutes / 60);
    if (x->minutes > DOOR_LONG)
        note_finding(d, &(struct trouble){.kind = "access.door_long",
                                          .severity = "low",
                                          .cause = cause,
                                          .title = "A door to {0} is open for {1} hours.",
                                          .subject = {x->device, hours},
                                          .technique = "T1133",
                                          .advice = "A visit rarely takes so long. Close it when the work is done (Vendor access)."});
    int64_t n = door_opened_since(d->reader, span_str(x->asked_by), span_str(x->asset), clock_now() - DOOR_DAY, NULL);
    if (n < DOOR_AGAIN)
        return;
    (void)snprintf(cause, sizeof cause, "%s %s %lld", x->asked_by, x->asset, (long long)(clock_now() / DOOR_DAY));
    (void)snprintf(many, sizeof many, "%lld", (long long)n);
    note_finding(d,
                 &(struct trouble){.kind = "access.door_again",
                                   .severity = "medium",
                                   .cause = cause,
                                   .title = "{0} doors to {1} within a day for {2}: that is standing access by another name.",
                                   .subject = {many, x->device, x->asked_by},
                                   .technique = "T1133",
                                   .advice = "Ask what the work is, and why one visit is not enough. Refuse the next request until that is clear."});
}

static void look_at_opened(struct doors *d)
{
    struct live fresh[DOOR_OPEN_MOST];
    size_t n = 0;
    (void)pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->n; i++)
        if (d->live[i].state == DOOR_OPEN && d->live[i].opened) { /* in this process: told once */
            fresh[n++] = d->live[i];
            d->live[i].opened = false;
        }
    (void)pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < n; i++)
        judge_opened(d, &fresh[i]);
}

/* ── the thread ── */

static void *watch(void *context)
{
    struct doors *d = context;
    (void)pthread_mutex_lock(&d->lock);
    while (!d->stopping) {
        d->look = false;
        (void)pthread_mutex_unlock(&d->lock);
        look_at_doors(d, clock_now());
        look_at_opened(d);
        look_at_standing(d);
        (void)pthread_mutex_lock(&d->lock);
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += LOOK_EVERY;
        while (!d->stopping && !d->look && pthread_cond_timedwait(&d->work, &d->lock, &until) == 0)
            continue;
    }
    (void)pthread_mutex_unlock(&d->lock);
    return NULL;
}

int doors_opened(struct doors *d, struct appender *appender, struct store *store, struct error *e)
{
    d->appender = appender;
    d->reader = store_reader_open(store, e);
    if (d->reader == NULL)
        return -1;
    /* What was seen before has its finding, by the keeper before. */
    d->standing = door_standing_last(d->reader, e);
    if (d->standing < 0)
        return -1;
    int r = pthread_create(&d->thread, NULL, watch, d);
    if (r != 0)
        return err_sys(e, r, "starting the thread for doors");
    d->running = true;
    return 0;
}

void doors_stop(struct doors *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->stopping = true;
    (void)pthread_cond_signal(&d->work);
    (void)pthread_mutex_unlock(&d->lock);
    if (d->running)
        (void)pthread_join(d->thread, NULL);
    d->running = false;
    if (d->reader != NULL)
        store_reader_close(d->reader);
    d->reader = NULL;
}

void doors_poke(struct doors *d)
{
    (void)pthread_mutex_lock(&d->lock);
    d->look = true;
    (void)pthread_cond_signal(&d->work);
    (void)pthread_mutex_unlock(&d->lock);
}

/* ── main thread ── */

void doors_warden(struct doors *d, int fd)
{
    channel_close(&d->warden);
    channel_open(&d->warden, fd, ROLE_KEEPER, ROLE_WARDEN, OUT_MAX);
    (void)pthread_mutex_lock(&d->lock);
    d->up = true;
    d->told = d->settled = false;
    buf_clear(&d->out);
    for (size_t i = 0; i < d->n; i++)
        d->live[i].ordered = d->live[i].closing = false;
    (void)pthread_mutex_unlock(&d->lock);
}

int doors_fd(const struct doors *d)
{
    return d->warden.fd;
}

short doors_events(const struct doors *d)
{
    return (short)(POLLIN | (channel_waiting(&d->warden) > 0 ? POLLOUT : 0));
}

/* Under the lock. */
static void take_told(struct doors *d, const struct door_told *t)
{
    struct live *x = t->kind == DOOR_TOLD_STATE ? NULL : find(d, t->id);
    if (t->kind == DOOR_TOLD_STATE) {
        d->told = true;
        d->on = t->on;
        copy(d->why, sizeof d->why, t->why);
        return;
    }
    if (x == NULL)
        return;
    if (t->kind != DOOR_TOLD_OPENED || t->packets > 0) {
        x->counted = true;
        x->packets = t->packets;
        x->bytes_up = t->bytes_up;
        x->bytes_down = t->bytes_down;
    }
    if (d->appender == NULL)
        return;
    if (t->kind == DOOR_TOLD_OPENED && x->state == DOOR_APPROVED && !x->opened)
        note_step(d, x, EVENT_DOOR_OPENED, NULL, (struct span){0});
    if (t->kind == DOOR_TOLD_CLOSED && !x->closed)
        note_step(d, x, EVENT_DOOR_CLOSED,
                  t->timed       ? "time"
                  : x->withdrawn ? "withdrawn"
                                 : "error",
                  x->withdrawn && !t->timed ? left_words(x) : t->why);
}

static void lost(struct doors *d)
{
    channel_close(&d->warden);
    (void)pthread_mutex_lock(&d->lock);
    d->up = d->told = d->on = false;
    (void)pthread_mutex_unlock(&d->lock);
    d->o.notice(d->o.context, "doors", "", "");
}

int doors_read(struct doors *d, struct error *e)
{
    struct message m;
    struct error why = {0};
    bool any = false;
    int r = channel_read(&d->warden, &why);
    if (r != 0 && why.class == ERR_AGAIN)
        return 0;
    while (r == 0 && (r = channel_next(&d->warden, &m, &why)) == 1) {
        struct door_told told;
        r = door_told_decode(m.body, &told, &why);
        if (r != 0)
            break;
        (void)pthread_mutex_lock(&d->lock);
        take_told(d, &told);
        (void)pthread_mutex_unlock(&d->lock);
        any = true;
    }
    if (any) {
        doors_poke(d);
        d->o.notice(d->o.context, "doors", "", "");
    }
    if (r == 0)
        return 0;
    lost(d);
    if (why.class == ERR_CLOSED)
        return 0;
    *e = why;
    return -1;
}

void doors_step(struct doors *d)
{
    if (d->warden.fd < 0)
        return;
    (void)pthread_mutex_lock(&d->lock);
    struct span rest = buf_span(&d->out);
    size_t done = 0;
    while (rest.n > 0) {
        struct span body = span_take(&rest, span_be16(&rest));
        if (channel_put(&d->warden, MESSAGE_DOOR, body, NULL) != 0)
            break;
        done = d->out.n - rest.n;
    }
    buf_drop_front(&d->out, done);
    (void)pthread_mutex_unlock(&d->lock);
    if (channel_waiting(&d->warden) > 0)
        (void)channel_write(&d->warden, NULL); /* where it is gone, reading tells */
}

/* ── any thread ── */

void doors_state(struct doors *d, struct api_doors *ret)
{
    (void)pthread_mutex_lock(&d->lock);
    *ret = (struct api_doors){.configured = d->devices[0] != 0, .longest = d->o.longest, .on = d->up && d->told && d->on};
    (void)snprintf(ret->why, sizeof ret->why, "%s",
                   d->devices[0] == 0   ? "lab.yaml names no networks for doors (warden)"
                   : d->o.replay        ? "a capture is replayed, and no firewall is touched"
                   : !d->up || !d->told ? "the part that changes the firewall is not there"
                                        : d->why);
    for (size_t i = 0; i < d->n && ret->n < API_DOORS; i++) {
        struct live *x = &d->live[i];
        if (!x->counted)
            continue;
        struct api_door_count *c = &ret->counts[ret->n++];
        *c = (struct api_door_count){.packets = x->packets, .bytes_up = x->bytes_up, .bytes_down = x->bytes_down};
        memcpy(c->id, x->id, sizeof c->id);
    }
    (void)pthread_mutex_unlock(&d->lock);
}

enum api_door_way doors_way(struct doors *d, const struct address *from, const struct address *to)
{
    if (from->family != to->family)
        return API_DOOR_FAMILIES;
    if (!network_has(d->vendors, from))
        return API_DOOR_NO_VENDOR;
    return network_has(d->devices, to) ? API_DOOR_GOOD : API_DOOR_NO_DEVICE;
}
