#include "door/api/api_private.h"

#include "lab/backup_view.h"

#include <stdio.h>
#include <stdlib.h>

/* ── GET /backups ── */

static void put_backup(void *context, const struct backup_row *row)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_text(j, "id", row->id);
    put_time(j, "at", row->at);
    jsonw_put_int(j, "bytes", row->bytes);
    jsonw_put_int(j, "records", row->records);
    jsonw_put_text(j, "where", row->place);
    put_time(j, "tested_at", row->tested_at);
    jsonw_key(j, "holds");
    if (row->tested_at == 0)
        jsonw_null(j);
    else
        jsonw_bool(j, row->holds);
    put_optional(j, "why", said(c, row->why));
    jsonw_object_end(j);
}

void handle_backup_list(struct call *c)
{
    struct error e = {0};
    struct backup_summary sum;
    struct api_backup_state *s = calloc(1, sizeof *s);
    if (s == NULL || backup_summary(c->db, &sum, &e) != 0) {
        free(s);
        problem_store(c, &e);
        return;
    }
    if (c->api->host.backup_state != NULL)
        c->api->host.backup_state(c->api->host.context, s);
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_key(j, "items");
    jsonw_array(j);
    int rc = backup_list(c->db, put_backup, c, &e);
    jsonw_array_end(j);
    put_time(j, "last", sum.made);
    put_time(j, "tested", sum.tested);
    put_optional(j, "due", said(c, span_str(s->due)));
    put_optional(j, "doing", span_str(s->doing));
    jsonw_key(j, "failed");
    if (s->failed[0] == 0) {
        jsonw_null(j);
    } else {
        jsonw_object(j);
        jsonw_put_str(j, "id", s->failed);
        jsonw_put_text(j, "why", said(c, span_str(s->why)));
        jsonw_object_end(j);
    }
    jsonw_object_end(j);
    free(s);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── making and testing ── */

static void refused(struct call *c, const struct error *e, const char *missing)
{
    if (e->class == ERR_AGAIN)
        problem_later(c, 409, "busy", "A backup is being made or tested already. What comes of it will show here.", 10);
    else if (e->class == ERR_MISUSE)
        problem(c, 409, missing, e->text);
    else
        problem(c, 503, "not-started", "It could not be started. Try again in a moment.");
}

static void started(struct call *c, const char *id)
{
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "started", true);
    jsonw_put_str(&c->json, "id", id);
    jsonw_object_end(&c->json);
}

static bool place_valid(struct span where)
{
    for (size_t i = 0; i < where.n; i++)
        if (where.p[i] < 0x20 || where.p[i] == 0x7f)
            return false;
    return true;
}

/* A command at the local socket may send a file along; its `where` is then what is written down as the place. */
void handle_backup_make(struct call *c)
{
    struct body body;
    struct body_field where = {.name = "where", .max = 500, .optional = true};
    struct error e = {0};
    char id[API_BACKUP_ID] = "";
    if (!body_open(c, &body, &where, 1))
        return;
    int fd = c->request->door == DOOR_LOCAL ? c->request->fd : -1;
    if (!place_valid(where.text))
        problem(c, 422, "where", "The place is one line of text.");
    else if (c->api->host.backup_make == NULL ||
             c->api->host.backup_make(c->api->host.context, span_str(c->person.name), fd, fd >= 0 ? where.text : (struct span){0}, id, &e) != 0)
        refused(c, &e, "no-folder");
    else
        started(c, id);
    body_close(&body);
}

void handle_backup_test(struct call *c)
{
    struct error e = {0};
    char id[API_BACKUP_ID];
    (void)snprintf(id, sizeof id, "%.*s", (int)(c->params[0].n < sizeof id ? c->params[0].n : sizeof id - 1), (const char *)c->params[0].p);
    if (c->api->host.backup_test == NULL || c->api->host.backup_test(c->api->host.context, span_str(c->person.name), c->params[0], &e) != 0)
        refused(c, &e, "no-backup");
    else
        started(c, id);
}

/* ── GET /disk ── */

static void put_retention(struct call *c, const char *kind, int64_t days)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "kind", kind);
    jsonw_key(j, "days");
    if (days <= 0)
        jsonw_null(j);
    else
        jsonw_int(j, days);
    put_time(j, "removed_until", retention_until(c->db, kind));
    jsonw_object_end(j);
}

void handle_disk(struct call *c)
{
    struct jsonw *j = &c->json;
    struct api_disk_state s = {0};
    if (c->api->host.disk_state == NULL || !c->api->host.disk_state(c->api->host.context, &s)) {
        problem(c, 503, "not-measured", "The disk has not been looked at yet. Try again in a moment.");
        return;
    }
    jsonw_object(j);
    jsonw_put_uint(j, "total", s.total);
    jsonw_put_uint(j, "free", s.free);
    jsonw_key(j, "used");
    jsonw_array(j);
    for (size_t i = 0; i < s.used_n; i++) {
        jsonw_object(j);
        jsonw_put_str(j, "what", s.used[i].what);
        jsonw_put_uint(j, "bytes", s.used[i].bytes);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_key(j, "per_day");
    if (s.per_day == INT64_MIN)
        jsonw_null(j);
    else
        jsonw_int(j, s.per_day);
    put_time(j, "full_at", s.full_at);
    jsonw_put_str(j, "state", s.state);
    jsonw_put_uint(j, "not_kept", s.not_kept);
    jsonw_key(j, "goes_first");
    jsonw_array(j);
    for (size_t i = 0; i < s.first_n; i++)
        jsonw_text(j, said(c, span_str(s.first[i])));
    jsonw_array_end(j);
    jsonw_key(j, "retention");
    jsonw_array(j);
    put_retention(c, "observations", s.observation_days);
    put_retention(c, "evidence", s.evidence_days);
    put_retention(c, "custody", 0);
    jsonw_array_end(j);
    jsonw_object_end(j);
}
