#include "proc/verifier.h"

#include "proc/clock.h"
#include "proc/role.h"
#include "proc/tasks.h"

#include <stdio.h>
#include <stdlib.h>

#define PERSON_MAX 128

struct verifier {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct appender *appender; /* NULL: stopped */
    bool asked;
    bool busy;
    char person[PERSON_MAX];
    char dir[256];
    char key[512];
};

/* Under the lock. */
static void note(struct verifier *v, const struct record *r)
{
    if (v->appender != NULL)
        (void)appender_note(v->appender, r, NULL);
}

static void note_broken(struct verifier *v, uint64_t first_bad, const char *why)
{
    char title[192];
    char cause[64];
    if (first_bad == LEDGER_NO_RECORD) {
        (void)snprintf(title, sizeof title,
                       "The ledger does not hold: its key, its checkpoint or one of its files was changed, removed or cannot be read.");
        (void)snprintf(cause, sizeof cause, "ledger");
    } else {
        (void)snprintf(title, sizeof title, "The ledger does not hold from record %llu on: it was changed, or the disk is damaged.",
                       (unsigned long long)first_bad);
        (void)snprintf(cause, sizeof cause, "ledger %llu", (unsigned long long)first_bad);
    }
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    record_start(r, EVENT_FINDING, clock_now(), NULL);
    record_str(r, KEY_KIND, "ledger.broken");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_SEVERITY, "critical");
    record_str(r, KEY_TITLE, title);
    if (first_bad != LEDGER_NO_RECORD)
        record_int(r, KEY_EVIDENCE_RECORD, (int64_t)first_bad);
    record_str(r, KEY_TECHNIQUE, "T1565.001");
    record_str(r, KEY_ADVICE,
               "Do not delete anything. Copy the data folder to another disk, compare the last checkpoint that you keep elsewhere with "
               "'tourniquet ledger verify --since', and find out who had access to this machine.");
    record_str(r, KEY_WHY, why);
    note(v, r);
    free(r);
}

static void note_outcome(struct verifier *v, const struct ledger_report *report)
{
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    record_start(r, EVENT_LEDGER_VERIFIED, clock_now(), NULL);
    record_str(r, KEY_PERSON, v->person[0] == 0 ? NULL : v->person);
    record_int(r, KEY_HOLDS, report->holds);
    record_int(r, KEY_TREE_SIZE, (int64_t)report->records);
    if (!report->holds && report->first_bad != LEDGER_NO_RECORD)
        record_int(r, KEY_FIRST_BAD, (int64_t)report->first_bad);
    record_str(r, KEY_WHY, report->holds ? NULL : report->why);
    note(v, r);
    free(r);
    if (!report->holds)
        note_broken(v, report->first_bad, report->why);
}

static bool step(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    return task_step(API_TASK_VERIFY, done, total);
}

static void *run(void *context)
{
    struct verifier *v = context;
    role_step_back(10);
    (void)pthread_mutex_lock(&v->lock);
    for (;;) {
        while (!v->asked)
            (void)pthread_cond_wait(&v->work, &v->lock);
        v->asked = false;
        (void)pthread_mutex_unlock(&v->lock);
        struct ledger_report report = {0};
        struct error e = {0};
        char by[API_TASK_PERSON];
        task_begin(API_TASK_VERIFY, v->person);
        int r = ledger_verify_watched(v->dir, v->key, step, NULL, &report, &e);
        bool ended = task_end(API_TASK_VERIFY, by) && r != 0 && e.class == ERR_CLOSED;
        if (r != 0) {
            report = (struct ledger_report){.first_bad = LEDGER_NO_RECORD};
            (void)snprintf(report.why, sizeof report.why, "it could not be read: %.200s", e.text);
        }
        (void)pthread_mutex_lock(&v->lock);
        if (!ended) /* who ended it is on record, and nothing is known of the ledger by it */
            note_outcome(v, &report);
        v->busy = false;
    }
    return NULL;
}

struct verifier *verifier_start(const char *dir, const char *key, struct appender *appender, struct error *e)
{
    struct verifier *v = calloc(1, sizeof *v);
    if (v == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the verifier");
        return NULL;
    }
    v->appender = appender;
    (void)snprintf(v->dir, sizeof v->dir, "%s", dir);
    (void)snprintf(v->key, sizeof v->key, "%s", key);
    (void)pthread_mutex_init(&v->lock, NULL);
    (void)pthread_cond_init(&v->work, NULL);
    pthread_t thread;
    int r = pthread_create(&thread, NULL, run, v);
    if (r != 0) {
        (void)err_sys(e, r, "starting the verifier");
        free(v);
        return NULL;
    }
    (void)pthread_detach(thread);
    return v;
}

void verifier_stop(struct verifier *v)
{
    (void)pthread_mutex_lock(&v->lock);
    v->appender = NULL;
    (void)pthread_mutex_unlock(&v->lock);
}

int verifier_ask(struct verifier *v, struct span person, struct error *e)
{
    (void)pthread_mutex_lock(&v->lock);
    bool busy = v->busy;
    if (!busy) {
        v->busy = v->asked = true;
        (void)snprintf(v->person, sizeof v->person, "%.*s", (int)(person.n < PERSON_MAX ? person.n : PERSON_MAX - 1),
                       person.n == 0 ? "" : (const char *)person.p);
        (void)pthread_cond_signal(&v->work);
    }
    (void)pthread_mutex_unlock(&v->lock);
    return busy ? err_set(e, ERR_AGAIN, "the ledger is being checked already") : 0;
}

bool verifier_busy(struct verifier *v)
{
    (void)pthread_mutex_lock(&v->lock);
    bool busy = v->busy;
    (void)pthread_mutex_unlock(&v->lock);
    return busy;
}

void verifier_report(struct verifier *v, uint64_t first_bad, const char *why)
{
    (void)pthread_mutex_lock(&v->lock);
    note_broken(v, first_bad, why);
    (void)pthread_mutex_unlock(&v->lock);
}
