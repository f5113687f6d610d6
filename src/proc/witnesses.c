/* Invariants
 *  1. A witness has at most one offer on its way (`waits`). Its outcome, or the courier's end, ends it.
 *  2. Nothing is believed that an answer says but what is signed: a cosignature (ledger_cosigned_note, ledger_attach), and where the witness will not
 * give one, the checkpoint that it cosigned last, which it is asked to show (ledger_compare). A fork is found by that alone: whoever sits on the way
 * can make any answer but no signature of this ledger's key. A size in a 409 only chooses where the next proof begins.
 *  3. An offer is made at most every minute, after failures at growing distance; a person may ask at any time.
 *  4. The lock is never held while the ledger's files are read.
 *
 * A witness: IDLE → (due) → offer made → WAITS → 200 kept | 409 another size: offer again from there | refused | failed → IDLE
 *                                          └──► 409, 422: it contradicts → SHOWS → shown: fork | not shown, or of this ledger: not cosigning → IDLE
 */
#include "proc/witnesses.h"

#include "base/text.h"
#include "proc/clock.h"
#include "record/crypto/crypto.h"
#include "record/ledger/ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK (2 * TIME_SECOND)           /* how often the thread looks whether something is new */
#define AGAIN (60 * TIME_SECOND)         /* between two offers */
#define AGAIN_MOST (3600 * TIME_SECOND)  /* after failures */
#define ALIVE (6 * 3600 * TIME_SECOND)   /* without anything new it is asked so often whether it is there */
#define SILENT (24 * 3600 * TIME_SECOND) /* without a cosignature */
#define BEHIND (2 * 3600 * TIME_SECOND)  /* an older cosignature that does not cover the head is behind */
#define OFFER_MAX (48u << 10)
#define SIZES_MOST 3 /* offers in a row, each from the size that the witness named */
#define TOLD_NAME 64

enum state { STATE_NEVER, STATE_AGREES, STATE_SILENT, STATE_REFUSED };
static const char *const state_words[] = {"never", "agrees", "silent", "refused"};

struct witness_of {
    char name[TOLD_NAME];
    char url[ERRAND_TEXT];
    char key[256];
    struct buf authority;
    enum state state;
    char why[200];       /* why the last attempt came to nothing; "" */
    uint64_t size;       /* cosigned last */
    int64_t seconds;     /* when; 0: never */
    tq_time asked_since; /* wall: when the first attempt was made that gave no cosignature; 0: the last one gave it */
    tq_time due;         /* monotonic: not asked again before */
    unsigned failures;   /* in a row */
    bool found;          /* its silence is a finding, told in this run */
    bool quiet;          /* it may be one of before this run, still open */
    bool forked;         /* it showed a fork, and has not cosigned since */
    bool asked;          /* by a person */
    bool shows;          /* the errand asks what it cosigned last */
    char claim[160];     /* for it said this */
    bool ready;          /* an errand is to be taken */
    bool waits;
    bool came;          /* an outcome is to be judged */
    uint32_t errand;    /* id of the one on its way */
    unsigned sizes;     /* offers in a row */
    uint64_t old;       /* where the proof of the offer begins */
    struct buf offer;   /* on its way */
    struct buf outcome; /* as it came */
};

struct witnesses {
    pthread_mutex_t lock;
    pthread_mutex_t files; /* one cosignature is kept at a time */
    pthread_cond_t work;
    struct witnesses_options o;
    char dir[256];
    char verifier[512];
    char shown_at[2 * 32 + sizeof "/checkpoint"]; /* below a witness's address: its last checkpoint of this log */
    uint32_t last_errand;
    bool running; /* there is a thread */
    size_t n;
    struct witness_of all[WITNESSES_ASKED];
};

/* ── what is told of them ── */

static void copy(char *out, size_t size, struct span text)
{
    (void)snprintf(out, size, "%.*s", (int)text.n, text.n == 0 ? "" : (const char *)text.p);
}

struct witnesses *witnesses_new(const struct witnesses_options *options, struct error *e)
{
    struct witnesses *w = calloc(1, sizeof *w);
    pthread_condattr_t clock;
    if (w == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the witnesses");
        return NULL;
    }
    w->o = *options;
    (void)snprintf(w->dir, sizeof w->dir, "%s", options->dir);
    (void)snprintf(w->verifier, sizeof w->verifier, "%s", options->verifier);
    uint8_t hash[SHA256_SIZE];
    struct span line = span_str(w->verifier);
    crypto_sha256(span_until(&line, '+', NULL), hash); /* the origin is the name of the key */
    text_hex_to(w->shown_at, hash, sizeof hash);
    (void)snprintf(w->shown_at + 2 * sizeof hash, sizeof "/checkpoint", "/checkpoint");
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_mutex_init(&w->files, NULL);
    (void)pthread_cond_init(&w->work, &clock);
    (void)pthread_condattr_destroy(&clock);
    return w;
}

int witnesses_add(struct witnesses *w, struct span told, struct error *e)
{
    struct witness_told t;
    if (witness_told_decode(told, &t, e) != 0)
        return -1;
    if (w->n == WITNESSES_ASKED || t.name.n >= TOLD_NAME)
        return err_set(e, ERR_PEER, "more witnesses were told than are allowed");
    struct witness_of *x = &w->all[w->n];
    *x = (struct witness_of){
        .quiet = w->o.quiet, .authority = BUF_INIT(ERRAND_AUTHORITY), .offer = BUF_INIT(OFFER_MAX), .outcome = BUF_INIT(ERRAND_MAX)};
    copy(x->name, sizeof x->name, t.name);
    copy(x->url, sizeof x->url, t.url);
    copy(x->key, sizeof x->key, t.key);
    buf_add_span(&x->authority, t.authority);
    if (!buf_ok(&x->authority))
        return err_set(e, ERR_SYSTEM, "no memory for a witness");
    if (ledger_witness_key(x->key, NULL, e) != 0)
        return err_context(e, "the key of the witness %s in lab.yaml", x->name);
    w->n++;
    return 0;
}

/* ── records; under the lock ── */

static void note(struct witnesses *w, struct record *r)
{
    if (w->o.appender != NULL)
        (void)appender_note(w->o.appender, r, NULL);
    free(r);
}

static void note_state(struct witnesses *w, const struct witness_of *x)
{
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    record_start(r, EVENT_LEDGER_WITNESSED, clock_now(), NULL);
    record_str(r, KEY_NAME, x->name);
    record_str(r, KEY_STATE, state_words[x->state]);
    if (x->seconds > 0)
        record_int(r, KEY_TREE_SIZE, (int64_t)x->size);
    record_str(r, KEY_WHY, x->state == STATE_AGREES ? NULL : x->why);
    note(w, r);
}

static void note_finding(struct witnesses *w, const struct witness_of *x, bool fork)
{
    struct record *r = calloc(1, sizeof *r);
    char title[256];
    char cause[TOLD_NAME + 16];
    if (r == NULL)
        return;
    (void)snprintf(cause, sizeof cause, "witness %s", x->name);
    if (fork)
        (void)snprintf(title, sizeof title, "The witness %s does not agree with the ledger: %s.", x->name, x->why);
    else
        (void)snprintf(title, sizeof title, "The witness %s does not cosign: %s.", x->name, x->why);
    record_start(r, EVENT_FINDING, clock_now(), NULL);
    record_str(r, KEY_KIND, fork ? "ledger.fork" : "ledger.witness_silent");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_SEVERITY, fork ? "critical" : "medium");
    record_str(r, KEY_TITLE, title);
    record_str(r, KEY_TECHNIQUE, fork ? "T1565.001" : NULL);
    record_str(
        r, KEY_ADVICE,
        fork
            ? "Do not delete anything. Copy the data folder to another disk. Ask whoever keeps the witness for the last checkpoint that it cosigned, "
              "and compare: 'tourniquet ledger verify --since'. An old copy of the data folder put back gives this too: then say so when you close "
              "it."
            : "Ask whoever keeps the witness whether it runs and can be reached. Until it answers, only a checkpoint that you keep elsewhere shows "
              "whether the ledger was rewritten.");
    note(w, r);
}

/* It speaks again: what was found of its silence is over. A fork is not: a person closes that. */
static void note_spoken(struct witnesses *w, const struct witness_of *x)
{
    struct record *r = calloc(1, sizeof *r);
    char cause[TOLD_NAME + 16];
    if (r == NULL)
        return;
    (void)snprintf(cause, sizeof cause, "witness %s", x->name);
    record_start(r, EVENT_FINDING_ENDED, clock_now(), NULL);
    record_str(r, KEY_KIND, "ledger.witness_silent");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_WHY, "The witness cosigned again.");
    note(w, r);
}

/* A new state is a record; a fork, and a silence, a finding. */
static void become(struct witnesses *w, struct witness_of *x, enum state state, bool fork)
{
    bool new = x->state != state;
    if (state == STATE_AGREES && (x->quiet || x->state == STATE_SILENT))
        note_spoken(w, x);
    x->quiet = x->quiet && state != STATE_AGREES;
    x->state = state;
    if (new)
        note_state(w, x);
    if (fork || (state == STATE_SILENT && !x->found))
        note_finding(w, x, fork);
    x->found = state == STATE_SILENT;
}

/* ── outcomes; under the lock ── */

static void later(struct witness_of *x)
{
    tq_time wait = x->failures < 6 ? AGAIN << x->failures : AGAIN_MOST;
    x->failures++;
    x->due = clock_monotonic() + (wait > AGAIN_MOST ? AGAIN_MOST : wait);
}

/* Not for a day: that is a finding, whatever it answers; where it showed a fork there is a worse one. */
static bool is_silent(struct witness_of *x)
{
    tq_time now = clock_now();
    if (x->asked_since == 0)
        x->asked_since = now;
    tq_time since = x->seconds > 0 ? x->seconds * TIME_SECOND : x->asked_since;
    return !x->forked && now - since > SILENT;
}

/* It came to nothing: nobody answered, or not as a witness answers. */
static void failed(struct witnesses *w, struct witness_of *x, const char *why)
{
    (void)snprintf(x->why, sizeof x->why, "%s", why);
    if (is_silent(x))
        become(w, x, STATE_SILENT, false);
    later(x);
}

static void refused(struct witnesses *w, struct witness_of *x, bool fork, const char *why)
{
    (void)snprintf(x->why, sizeof x->why, "%s", why);
    x->forked = x->forked || fork;
    become(w, x, is_silent(x) ? STATE_SILENT : STATE_REFUSED, fork);
    later(x);
}

static void agreed(struct witnesses *w, struct witness_of *x, const struct ledger_witness *kept)
{
    x->size = kept->size;
    x->seconds = (int64_t)kept->seconds;
    x->why[0] = 0;
    x->failures = 0;
    x->asked_since = 0;
    x->forked = false;
    x->due = clock_monotonic() + AGAIN;
    become(w, x, STATE_AGREES, false);
}

/* The size that a 409 names. */
static bool named_size(const struct outcome *o, uint64_t *ret)
{
    struct span body = o->body;
    bool lf = false;
    struct span number = span_until(&body, '\n', &lf);
    return span_is(o->type, "text/x.tlog.size") && lf && body.n == 0 && span_decimal(number, INT64_MAX, ret);
}

/* It says that this ledger is not the one that it cosigned. Let it show what it did cosign. */
static void let_it_show(struct witnesses *w, struct witness_of *x, const char *claim)
{
    (void)snprintf(x->claim, sizeof x->claim, "%s", claim);
    x->errand = ++w->last_errand;
    x->shows = x->ready = x->waits = true;
}

static void other_size(struct witnesses *w, struct witness_of *x, const struct outcome *o, uint64_t head)
{
    char claim[160];
    uint64_t size;
    if (!named_size(o, &size)) {
        failed(w, x, "it answered 409 without the size that belongs there");
    } else if (size > head) {
        (void)snprintf(claim, sizeof claim, "it says that it cosigned %llu records, more than there are here", (unsigned long long)size);
        let_it_show(w, x, claim);
    } else if (size == x->old) {
        (void)snprintf(claim, sizeof claim, "it says that it cosigned another tree of %llu records", (unsigned long long)size);
        let_it_show(w, x, claim);
    } else if (x->sizes >= SIZES_MOST) {
        failed(w, x, "it named another size each time");
    } else {
        x->old = size;
        x->asked = true; /* at once, from there */
    }
}

static void refusal(struct witnesses *w, struct witness_of *x, const struct outcome *o)
{
    char why[200];
    switch (o->status) {
    case 422: let_it_show(w, x, "it says that what is recorded does not go on from what it cosigned"); return;
    case 403: refused(w, x, false, "it knows this ledger by another key, or does not take its signature (403)"); return;
    case 404: refused(w, x, false, "it does not watch this ledger, or there is no witness at its address (404)"); return;
    default:
        if (o->status >= 300 && o->status < 400)
            (void)snprintf(why, sizeof why, "it sends on to another address (%u), which is not followed", o->status);
        else
            (void)snprintf(why, sizeof why, "it answered %u", o->status);
        failed(w, x, why);
    }
}

/* Neither shown nor cosigned: it does not cosign, which is told at once, and ends when it does again. */
static void unproven(struct witnesses *w, struct witness_of *x, const char *how)
{
    (void)snprintf(x->why, sizeof x->why, "%.120s, %s", x->claim, how);
    (void)is_silent(x);
    if (!x->forked)
        become(w, x, STATE_SILENT, false);
    later(x);
}

/* What it showed when it was asked to. rc: of ledger_compare; -1 where it showed nothing. */
static void judge_shown(struct witnesses *w, struct witness_of *x, int rc, const struct ledger_shown *shown)
{
    if (rc != 0)
        unproven(w, x, "and shows nothing that this ledger's key signed and that proves it");
    else if (shown->contradicts)
        refused(w, x, true, shown->why);
    else if (shown->size == x->old || x->sizes >= SIZES_MOST)
        unproven(w, x, "yet what it shows is of this ledger");
    else {
        x->old = shown->size;
        x->asked = true; /* at once, from there */
    }
}

/* Of the head's size in an offer's checkpoint: its second line. */
static uint64_t offered_size(struct span offer)
{
    uint64_t size = 0;
    struct span line = span_until(&offer, '\n', NULL);
    while (offer.n > 0 && line.n > 0)
        line = span_until(&offer, '\n', NULL);
    (void)span_until(&offer, '\n', NULL);
    (void)span_decimal(span_until(&offer, '\n', NULL), INT64_MAX, &size);
    return size;
}

/* ── the thread ── */

static int attach(struct witnesses *w, struct span note, const char *key, struct error *e)
{
    (void)pthread_mutex_lock(&w->files);
    int rc = ledger_attach(w->dir, note, key, e);
    (void)pthread_mutex_unlock(&w->files);
    return rc;
}

/* What is kept of one witness. */
static bool find_kept(const char *dir, const char *key, struct ledger_witness *ret)
{
    struct ledger_witness *kept = calloc(WITNESSES_MAX, sizeof *kept);
    size_t n = 0;
    bool found = false;
    if (kept != NULL && ledger_witnesses(dir, kept, &n, NULL) == 0) {
        for (size_t i = 0; i < n && !found; i++) {
            found = strcmp(kept[i].key, key) == 0;
            if (found)
                *ret = kept[i];
        }
    }
    free(kept);
    return found;
}

/* A 200: its line is checked and kept. Without the lock: offer and outcome do not change while `came` is set. */
static int keep(struct witnesses *w, struct witness_of *x, const struct outcome *o, struct ledger_witness *ret, struct error *e)
{
    struct buf made = BUF_INIT(ERRAND_MAX);
    int rc = ledger_cosigned_note(buf_span(&x->offer), o->body, w->verifier, x->key, &made, e);
    if (rc == 0)
        rc = attach(w, buf_span(&made), x->key, e);
    buf_release(&made);
    if (rc == 0 && !find_kept(w->dir, x->key, ret))
        rc = err_set(e, ERR_SYSTEM, "what it cosigned could not be read back");
    return rc;
}

static void judge(struct witnesses *w, struct witness_of *x)
{
    struct outcome o;
    struct ledger_witness kept;
    struct ledger_shown shown;
    struct error e = {0};
    bool shows = x->shows; /* this thread's, once it came */
    int rc = -1;
    (void)outcome_decode(buf_span(&x->outcome), &o, NULL); /* it was checked when it came */
    if (o.status == 200)
        rc = shows ? ledger_compare(w->dir, o.body, x->key, &shown, &e) : keep(w, x, &o, &kept, &e);
    (void)pthread_mutex_lock(&w->lock);
    x->came = x->waits = x->shows = false;
    char why[200];
    (void)snprintf(why, sizeof why, "%.*s", (int)(o.why.n < sizeof why ? o.why.n : sizeof why - 1), o.why.n == 0 ? "" : (const char *)o.why.p);
    if (shows)
        judge_shown(w, x, rc, &shown);
    else if (o.status == 200 && rc == 0)
        agreed(w, x, &kept);
    else if (o.status == 200 && e.class == ERR_CORRUPT)
        refused(w, x, false, "its answer is not its signature under this head");
    else if (o.status == 200)
        failed(w, x, e.text);
    else if (o.status == 409)
        other_size(w, x, &o, offered_size(buf_span(&x->offer)));
    else if (o.status == 0)
        failed(w, x, why);
    else
        refusal(w, x, &o);
    if (!x->asked)
        x->sizes = 0;
    (void)pthread_mutex_unlock(&w->lock);
}

static void make_offer(struct witnesses *w, struct witness_of *x, uint64_t old)
{
    struct buf offer = BUF_INIT(OFFER_MAX);
    struct error e = {0};
    int rc = ledger_offer(w->dir, old, &offer, &e);
    (void)pthread_mutex_lock(&w->lock);
    if (rc == 0) {
        buf_release(&x->offer);
        x->offer = offer;
        x->errand = ++w->last_errand;
        x->sizes++;
        x->ready = x->waits = true;
    } else {
        buf_release(&offer);
        x->sizes = 0;
        failed(w, x, e.text);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* Under the lock: is it to be asked now? */
static bool is_due(struct witness_of *x, uint64_t published, tq_time now, tq_time wall)
{
    if (x->waits || published == 0)
        return false;
    if (x->asked)
        return true;
    return now >= x->due && (x->size < published || x->state != STATE_AGREES || wall - x->seconds * TIME_SECOND > ALIVE);
}

static void serve(struct witnesses *w, struct witness_of *x)
{
    struct ledger_head head;
    ledger_head(w->o.ledger, &head);
    (void)pthread_mutex_lock(&w->lock);
    bool came = x->came;
    bool due = !came && w->o.appender != NULL && is_due(x, head.published, clock_monotonic(), clock_now());
    if (due) {
        if (x->sizes == 0)
            x->old = x->size <= head.published ? x->size : head.published;
        x->asked = false;
    }
    uint64_t old = x->old;
    (void)pthread_mutex_unlock(&w->lock);
    if (came)
        judge(w, x);
    else if (due)
        make_offer(w, x, old);
    if (came || due)
        w->o.changed(w->o.context);
}

static bool has_work(const struct witnesses *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i].came || (w->all[i].asked && !w->all[i].waits))
            return true;
    return false;
}

static void *run(void *context)
{
    struct witnesses *w = context;
    for (;;) {
        for (size_t i = 0; i < w->n; i++)
            serve(w, &w->all[i]);
        (void)pthread_mutex_lock(&w->lock);
        if (!has_work(w)) {
            struct timespec until;
            (void)clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += LOOK / TIME_SECOND;
            (void)pthread_cond_timedwait(&w->work, &w->lock, &until);
        }
        (void)pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

int witnesses_start(struct witnesses *w, struct error *e)
{
    pthread_t thread;
    struct ledger_witness kept;
    for (size_t i = 0; i < w->n; i++) {
        if (!find_kept(w->dir, w->all[i].key, &kept))
            continue;
        w->all[i].size = kept.size;
        w->all[i].seconds = (int64_t)kept.seconds;
        w->all[i].state = clock_now() - w->all[i].seconds * TIME_SECOND > SILENT ? STATE_SILENT : STATE_AGREES;
    }
    int r = w->n == 0 ? 0 : pthread_create(&thread, NULL, run, w);
    if (r != 0)
        return err_sys(e, r, "starting the witnesses' thread");
    w->running = w->n > 0;
    if (w->running)
        (void)pthread_detach(thread);
    return 0;
}

void witnesses_stop(struct witnesses *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->o.appender = NULL;
    (void)pthread_mutex_unlock(&w->lock);
}

/* ── the courier's side: main thread ── */

bool witnesses_errand(struct witnesses *w, struct buf *out)
{
    bool any = false;
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n && !any && w->o.appender != NULL; i++) {
        struct witness_of *x = &w->all[i];
        char url[ERRAND_TEXT + sizeof w->shown_at];
        if (!x->ready)
            continue;
        size_t n = strlen(x->url);
        (void)snprintf(url, sizeof url, "%s%s%s", x->url, n > 0 && x->url[n - 1] == '/' ? "" : "/", x->shows ? w->shown_at : "add-checkpoint");
        struct errand errand = {.id = x->errand,
                                .url = span_str(url),
                                .type = SPAN_LIT("text/plain; charset=utf-8"),
                                .authority = buf_span(&x->authority),
                                .body = x->shows ? span_of(NULL, 0) : buf_span(&x->offer)};
        errand_encode(out, &errand);
        x->ready = false;
        any = true;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return any;
}

int witnesses_outcome(struct witnesses *w, struct span outcome, struct error *e)
{
    struct outcome o;
    if (outcome_decode(outcome, &o, e) != 0)
        return -1;
    int rc = -1;
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n && rc != 0; i++) {
        struct witness_of *x = &w->all[i];
        if (!x->waits || x->ready || x->came || x->errand != o.id)
            continue;
        buf_clear(&x->outcome);
        buf_add_span(&x->outcome, outcome);
        x->came = buf_ok(&x->outcome);
        x->waits = x->came;
        rc = 0;
    }
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    return rc == 0 ? 0 : err_set(e, ERR_PEER, "an outcome came that nobody waits for");
}

void witnesses_courier_gone(struct witnesses *w)
{
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i].waits && !w->all[i].came)
            w->all[i].ready = true;
    (void)pthread_mutex_unlock(&w->lock);
}

/* ── requests: any thread ── */

static const char *shown_state(const struct witness_of *x, uint64_t published, tq_time now)
{
    if (x->state == STATE_AGREES && x->size < published && now - x->seconds * TIME_SECOND > BEHIND)
        return "behind";
    return state_words[x->state];
}

static size_t list_told(struct witnesses *w, struct api_witness ret[API_WITNESSES])
{
    struct ledger_head head;
    tq_time now = clock_now();
    ledger_head(w->o.ledger, &head);
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        const struct witness_of *x = &w->all[i];
        struct api_witness *a = &ret[i];
        *a = (struct api_witness){.any = x->seconds > 0, .size = x->size, .at = x->seconds * TIME_SECOND, .asking = x->waits || x->asked};
        (void)snprintf(a->name, sizeof a->name, "%s", x->name);
        (void)snprintf(a->key, sizeof a->key, "%s", x->key);
        (void)snprintf(a->url, sizeof a->url, "%s", x->url);
        (void)snprintf(a->state, sizeof a->state, "%s", shown_state(x, head.published, now));
        (void)snprintf(a->why, sizeof a->why, "%s", x->why);
    }
    size_t n = w->n;
    (void)pthread_mutex_unlock(&w->lock);
    return n;
}

size_t witnesses_list(struct witnesses *w, struct api_witness ret[API_WITNESSES])
{
    struct ledger_witness *kept = calloc(WITNESSES_MAX, sizeof *kept);
    struct ledger_head head;
    tq_time now = clock_now();
    size_t n = list_told(w, ret);
    size_t told = n;
    size_t kept_n = 0;
    ledger_head(w->o.ledger, &head);
    if (kept != NULL)
        (void)ledger_witnesses(w->dir, kept, &kept_n, NULL);
    for (size_t i = 0; i < kept_n && n < API_WITNESSES; i++) {
        bool known = false;
        for (size_t j = 0; j < told; j++)
            known = known || strcmp(ret[j].key, kept[i].key) == 0;
        if (known)
            continue;
        tq_time at = (tq_time)(kept[i].seconds > INT64_MAX / TIME_SECOND ? 0 : kept[i].seconds) * TIME_SECOND;
        struct api_witness *a = &ret[n++];
        *a = (struct api_witness){.any = true, .size = kept[i].size, .at = at};
        (void)snprintf(a->name, sizeof a->name, "%s", kept[i].name);
        (void)snprintf(a->key, sizeof a->key, "%s", kept[i].key);
        (void)snprintf(a->state, sizeof a->state, "%s", kept[i].size < head.published && now - at > SILENT ? "behind" : "agrees");
    }
    free(kept);
    return n;
}

int witnesses_ask(struct witnesses *w, struct span name, struct error *e)
{
    int rc = err_set(e, ERR_MISUSE, "there is no such witness in lab.yaml");
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++) {
        struct witness_of *x = &w->all[i];
        if (!span_is(name, x->name))
            continue;
        bool busy = x->waits || x->asked;
        x->asked = true;
        rc = busy ? err_set(e, ERR_AGAIN, "it is being asked already") : 0;
        if (busy && x->waits)
            x->asked = false;
        (void)pthread_cond_signal(&w->work);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return rc;
}

/* Tries the keys that are known until one has signed the note. */
static int bring_known(struct witnesses *w, struct span text, char ret_key[256], struct error *e)
{
    struct api_witness *all = calloc(API_WITNESSES, sizeof *all);
    size_t n = all == NULL ? 0 : witnesses_list(w, all);
    struct error why = {0};
    int rc = err_set(e, ERR_MISUSE, "no witness is known here: give the key of the one that signed");
    for (size_t i = 0; i < n && rc != 0; i++) {
        why = (struct error){0};
        rc = attach(w, text, all[i].key, &why);
        if (rc == 0)
            (void)snprintf(ret_key, 256, "%s", all[i].key);
        else if (e != NULL && (i == 0 || why.class == ERR_MISUSE))
            *e = why;
    }
    free(all);
    return rc;
}

int witnesses_bring(struct witnesses *w, struct span text, const char *witness, char ret_name[129], uint64_t *ret_size, struct error *e)
{
    char key[256];
    struct ledger_witness kept;
    (void)snprintf(key, sizeof key, "%s", witness);
    int rc = witness[0] == 0 ? bring_known(w, text, key, e) : attach(w, text, key, e);
    if (rc != 0 || !find_kept(w->dir, key, &kept))
        return rc != 0 ? rc : err_set(e, ERR_SYSTEM, "what was cosigned could not be read back");
    (void)snprintf(ret_name, 129, "%s", kept.name);
    *ret_size = kept.size;
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->n; i++)
        if (strcmp(w->all[i].key, key) == 0) {
            if (w->all[i].quiet || w->all[i].state == STATE_SILENT)
                note_spoken(w, &w->all[i]);
            w->all[i].size = kept.size;
            w->all[i].seconds = (int64_t)kept.seconds;
            w->all[i].state = STATE_AGREES;
            w->all[i].quiet = w->all[i].forked = false;
            w->all[i].asked_since = 0;
            w->all[i].why[0] = 0;
        }
    (void)pthread_mutex_unlock(&w->lock);
    return 0;
}
