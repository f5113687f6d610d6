#include "proc/waiting.h"

#include "base/record.h"
#include "proc/clock.h"
#include "proc/log.h"
#include "proc/readin.h"
#include "record/crypto/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct waiting {
    struct waiting_options o;
    struct gate *gate;    /* NULL: nothing was locked */
    pthread_mutex_t lock; /* guards stage, spool's state, outcome, who */
    enum gate_stage stage;
    struct locked *spool;
    char who[128];
    int outcome; /* of opening: 0 none yet, 1, -1 */
    struct error why;
    /* main thread, once it is open */
    bool told;
    bool marked; /* all is handed over; the mark is on its way */
    struct readin *readin;
    struct record record;
};

static void state(void *context, struct gate_state *ret)
{
    struct waiting *w = context;
    struct locked_state s;
    (void)pthread_mutex_lock(&w->lock);
    locked_state(w->spool, &s);
    enum gate_stage stage = w->stage;
    (void)pthread_mutex_unlock(&w->lock);
    *ret = (struct gate_state){.stage = stage,
                               .since = s.since,
                               .records = s.records,
                               .bytes = s.bytes,
                               .max = s.max,
                               .lost = s.lost,
                               .nearly_full = s.nearly_full,
                               .keeping = locked_can(w->spool) && s.trouble[0] == 0};
}

static void set_stage(struct waiting *w, enum gate_stage stage)
{
    (void)pthread_mutex_lock(&w->lock);
    w->stage = stage;
    (void)pthread_mutex_unlock(&w->lock);
}

static void *open_rest(void *context)
{
    struct waiting *w = context;
    struct error e = {0};
    int r = w->o.rest(&e);
    (void)pthread_mutex_lock(&w->lock);
    w->outcome = r == 0 ? 1 : -1;
    w->why = e;
    (void)pthread_mutex_unlock(&w->lock);
    w->o.wake(NULL);
    return NULL;
}

static int unlock(void *context, struct span passphrase, const char *who, struct error *e)
{
    struct waiting *w = context;
    pthread_t thread;
    if (w->o.open(passphrase, e) != 0)
        return -1;
    set_stage(w, GATE_OPENING);
    (void)snprintf(w->who, sizeof w->who, "%s", who);
    int r = pthread_create(&thread, NULL, open_rest, w);
    if (r != 0) {
        (void)pthread_mutex_lock(&w->lock);
        w->outcome = -1;
        (void)err_sys(&w->why, r, "starting to read the views");
        (void)pthread_mutex_unlock(&w->lock);
        w->o.wake(NULL);
        return 0;
    }
    (void)pthread_detach(thread);
    return 0;
}

struct waiting *waiting_new(const struct waiting_options *options, struct error *e)
{
    struct waiting *w = calloc(1, sizeof *w);
    if (w == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for waiting");
        return NULL;
    }
    w->o = *options;
    w->stage = options->stage;
    (void)pthread_mutex_init(&w->lock, NULL);
    struct gate_host host = {.context = w, .state = state, .unlock = unlock};
    w->spool = locked_open(&options->spool, e);
    if (w->spool != NULL && w->stage != GATE_OPEN)
        w->gate = gate_new(options->site, &host, e);
    if (w->spool == NULL || (w->gate == NULL && w->stage != GATE_OPEN)) {
        waiting_free(w);
        return NULL;
    }
    w->outcome = w->stage == GATE_OPEN ? 1 : 0;
    return w;
}

void waiting_free(struct waiting *w)
{
    if (w == NULL)
        return;
    readin_free(w->readin);
    locked_free(w->spool);
    gate_free(w->gate);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

void waiting_answer(struct waiting *w, struct api_clock now, const struct request *request, struct api_reply *ret)
{
    gate_handle(w->gate, now, request, ret);
}

void waiting_metrics(struct waiting *w, struct buf *out)
{
    struct gate_state s;
    state(w, &s);
    gate_metrics(&s, out);
}

int waiting_prepare(struct waiting *w, struct ledger *ledger, struct error *e)
{
    uint8_t secret[X25519_KEY];
    ledger_derive_key(ledger, "spool", secret);
    w->readin = readin_new(locked_fd(w->spool), secret, w->o.spool.run, ledger, e);
    crypto_wipe(secret, sizeof secret);
    return w->readin == NULL ? -1 : 0;
}

int waiting_opened(struct waiting *w, struct error *e)
{
    (void)pthread_mutex_lock(&w->lock);
    int outcome = w->told ? 0 : w->outcome;
    if (outcome < 0)
        *e = w->why;
    if (outcome > 0)
        w->stage = GATE_OPEN;
    w->told = w->told || outcome != 0;
    (void)pthread_mutex_unlock(&w->lock);
    return outcome;
}

bool waiting_locked(struct waiting *w)
{
    (void)pthread_mutex_lock(&w->lock);
    bool locked = w->stage == GATE_LOCKED || w->stage == GATE_FRESH;
    (void)pthread_mutex_unlock(&w->lock);
    return locked;
}

bool waiting_takes(const struct waiting *w)
{
    return locked_can(w->spool) && !w->marked;
}

void waiting_put(struct waiting *w, enum spooled what, struct position place, struct span encoded)
{
    (void)pthread_mutex_lock(&w->lock);
    locked_put(w->spool, what, place, encoded);
    (void)pthread_mutex_unlock(&w->lock);
}

void waiting_note(struct waiting *w, const struct record *r)
{
    (void)pthread_mutex_lock(&w->lock);
    locked_note(w->spool, r);
    (void)pthread_mutex_unlock(&w->lock);
}

/* ── reading in ── */

static void note_damage(struct waiting *w, struct appender *a, const struct readin_counts *c)
{
    record_start(&w->record, EVENT_FINDING, clock_now(), NULL);
    record_str(&w->record, KEY_KIND, "ledger.spool_damaged");
    record_str(&w->record, KEY_CAUSE, c->why);
    record_str(&w->record, KEY_SEVERITY, "high");
    record_str(&w->record, KEY_TITLE, "Part of what was seen while the ledger was locked cannot be read any more.");
    record_str(&w->record, KEY_TECHNIQUE, "T1565.001");
    record_str(&w->record, KEY_ADVICE,
               "Find out who had access to this machine while it was locked. Compare the results of that time with what the analyzers keep.");
    record_str(&w->record, KEY_WHY, c->why);
    (void)appender_note(a, &w->record, NULL);
}

static void note_unlocked(struct waiting *w, struct appender *a)
{
    struct readin_counts c;
    struct locked_state s;
    tq_time now = clock_now();
    readin_counts(w->readin, &c);
    locked_state(w->spool, &s);
    if (c.losses.damaged + c.refused > 0)
        note_damage(w, a, &c);
    record_start(&w->record, EVENT_LEDGER_UNLOCKED, now, NULL);
    record_str(&w->record, KEY_ORIGIN, w->who[0] != 0 ? w->who : NULL);
    record_int(&w->record, KEY_WAITED_S, now > s.since ? (now - s.since) / TIME_SECOND : 0);
    record_int(&w->record, KEY_RECORDS, (int64_t)c.records);
    record_int(&w->record, KEY_LOST, (int64_t)s.lost);
    record_int(&w->record, KEY_DAMAGED, (int64_t)(c.losses.damaged + c.refused));
    if (w->gate != NULL)
        record_int(&w->record, KEY_ATTEMPTS, (int64_t)gate_wrong(w->gate));
    record_str(&w->record, KEY_WHY, c.why[0] != 0 ? c.why : NULL);
    (void)appender_note(a, &w->record, NULL);
    log_line(LOG_LEVEL_INFO, "unlocked; %llu records that had waited are on the ledger now%s", (unsigned long long)c.records,
             s.lost > 0 ? ", others had found no room" : "");
}

/* 1: there is more to do at once; 0: wait; -1: error. */
static int read_in(struct waiting *w, struct appender *a, struct error *e)
{
    int r = readin_step(w->readin, locked_durable(w->spool), a, e);
    if (r != 0)
        return r < 0 ? -1 : appender_full(a) ? 0 : 1;
    if (locked_waits(w->spool)) { /* more stands in the spool than is durable: now it is */
        (void)pthread_mutex_lock(&w->lock);
        locked_sync(w->spool);
        (void)pthread_mutex_unlock(&w->lock);
        return 1;
    }
    note_unlocked(w, a);
    w->marked = true;
    return readin_finish(w->readin, a, e) != 0 ? -1 : 0;
}

int waiting_step(struct waiting *w, struct appender *a, tq_time now, bool *ret_done, struct error *e)
{
    if (w->marked) {
        *ret_done = appender_marked(a);
        return *ret_done ? locked_remove(w->spool, e) : 60000;
    }
    if (w->told && w->readin != NULL) {
        int r = read_in(w, a, e);
        return r < 0 ? -1 : r == 1 ? 0 : 60000;
    }
    (void)pthread_mutex_lock(&w->lock);
    tq_time at = locked_tick(w->spool, now);
    (void)pthread_mutex_unlock(&w->lock);
    tq_time left = at == 0 ? 60 * TIME_SECOND : at - now;
    return left <= 0 ? 0 : (int)(left / TIME_MS) + 1;
}

void waiting_end(struct waiting *w)
{
    (void)pthread_mutex_lock(&w->lock);
    locked_end(w->spool);
    (void)pthread_mutex_unlock(&w->lock);
}
