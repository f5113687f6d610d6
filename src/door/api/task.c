/* Long work: how far it is, how long it may still take, and ending it before its end. */
#include "door/api/api_private.h"

#include <stdlib.h>

static const struct {
    const char *name, *see, *cancel;
} kinds[API_TASKS] = {[API_TASK_VERIFY] = {"verify-ledger", "ledger.read", "ledger.verify"},
                      [API_TASK_BACKUP] = {"make-backup", "backup.read", "backup.manage"},
                      [API_TASK_TEST] = {"test-backup", "backup.read", "backup.manage"}};

#define GUESS_AFTER (3 * TIME_SECOND) /* before that nobody can say */

/* A range, never a point: half as fast and a third faster than so far. */
static void put_left(struct jsonw *j, const struct api_task *t, tq_time so_far)
{
    jsonw_key(j, "left_s");
    if (so_far < GUESS_AFTER || t->done == 0 || t->total < t->done) {
        jsonw_null(j);
        return;
    }
    double left = (double)so_far / TIME_SECOND * (double)(t->total - t->done) / (double)t->done;
    jsonw_object(j);
    jsonw_put_int(j, "least", (int64_t)(left * 0.75));
    jsonw_put_int(j, "most", (int64_t)(left * 2.0) + 1);
    jsonw_object_end(j);
}

static void put_task(struct call *c, const struct api_task *t)
{
    struct jsonw *j = &c->json;
    tq_time so_far = c->now.monotonic - t->began_monotonic;
    jsonw_object(j);
    jsonw_put_str(j, "kind", kinds[t->kind].name);
    put_optional(j, "person", span_str(t->person));
    put_time(j, "began", t->began);
    jsonw_put_int(j, "seconds", so_far > 0 ? so_far / TIME_SECOND : 0);
    jsonw_put_uint(j, "done", t->done);
    jsonw_key(j, "total");
    if (t->total == 0)
        jsonw_null(j);
    else
        jsonw_uint(j, t->total);
    put_left(j, t, so_far);
    jsonw_put_bool(j, "ending", t->ending);
    jsonw_put_bool(j, "may_cancel", may(c, kinds[t->kind].cancel));
    jsonw_object_end(j);
}

void handle_task_list(struct call *c)
{
    struct api_task tasks[API_TASKS];
    size_t n = c->api->host.tasks == NULL ? 0 : c->api->host.tasks(c->api->host.context, tasks);
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    for (size_t i = 0; i < n; i++)
        if (may(c, kinds[tasks[i].kind].see))
            put_task(c, &tasks[i]);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
}

/* The first of these that is under way. */
static void cancel(struct call *c, const enum api_task_kind *wanted, size_t n)
{
    struct api_task tasks[API_TASKS];
    size_t on = c->api->host.tasks == NULL ? 0 : c->api->host.tasks(c->api->host.context, tasks);
    for (size_t i = 0; i < on; i++)
        for (size_t k = 0; k < n; k++) {
            uint64_t index = 0;
            if (tasks[i].kind != wanted[k])
                continue;
            struct record *r = decision(c, EVENT_TASK_CANCELLED);
            if (r == NULL)
                return;
            record_str(r, KEY_WHAT, kinds[wanted[k]].name);
            if (decide(c, r, &index)) {
                (void)c->api->host.task_cancel(c->api->host.context, wanted[k], span_str(c->person.name));
                c->reply->r.status = 204;
            }
            free(r);
            return;
        }
    problem(c, 409, "no-task", "Nothing of this kind is under way: it may just have ended.");
}

void handle_verify_cancel(struct call *c)
{
    cancel(c, (const enum api_task_kind[]){API_TASK_VERIFY}, 1);
}

void handle_backup_cancel(struct call *c)
{
    cancel(c, (const enum api_task_kind[]){API_TASK_BACKUP, API_TASK_TEST}, 2);
}
