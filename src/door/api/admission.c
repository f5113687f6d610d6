/* Which devices may be on the lab's network: one person's word about one device, or about all that were there while the network was learnt; and the
 * list of them for a RADIUS server. */
#include "door/api/api_private.h"

#include "lab/inventory/admission.h"
#include "lab/inventory/asset.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX 2000
#define SHOWN 1000                            /* devices of a preview; the others are counted */
#define EXCEPT_BYTES 16384                    /* ids that are left out */
#define ROWS_BYTES ((size_t)24 * 1024 * 1024) /* of all devices that there can be */

/* ── POST /devices/{id}/admission ── */

struct subject {
    int64_t n;
    uint64_t changed;
    char id[64];
    char state[16];
};

static void note_subject(void *context, const struct asset_row *row)
{
    struct subject *s = context;
    s->n = row->n;
    s->changed = row->changed;
    (void)snprintf(s->id, sizeof s->id, "%.*s", (int)row->id.n, (const char *)row->id.p);
    (void)snprintf(s->state, sizeof s->state, "%.*s", (int)row->admission.n, (const char *)row->admission.p);
}

static bool find_subject(struct call *c, struct subject *s)
{
    struct error e = {0};
    bool found = false;
    if (asset_get(c->db, c->params[0], note_subject, s, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-device", "There is no device with this id.");
    return !answered(c);
}

static bool decide_subject(struct call *c, const struct subject *s, enum admission_decision d, struct span why)
{
    struct error e = {0};
    uint64_t index = 0;
    struct buf row = BUF_INIT(ADMISSION_ROW);
    struct record *r = decision(c, EVENT_ASSET_ADMISSION);
    bool ok = r != NULL;
    if (ok && !admission_put_row(c->db, s->n, &row, &e)) {
        problem_store(c, &e);
        ok = false;
    }
    if (ok) {
        record_str(r, KEY_ASSET, s->id);
        record_str(r, KEY_DECISION, admission_word(d));
        record_text(r, KEY_ROW, buf_span(&row));
        record_text(r, KEY_WHY, why);
        ok = decide(c, r, &index);
    }
    free(r);
    buf_release(&row);
    return ok;
}

void handle_device_admission(struct call *c)
{
    struct body_field f[] = {{.name = "decision", .max = 16}, {.name = "why", .max = WHY_MAX}};
    struct body body;
    struct subject s = {0};
    enum admission_decision d;
    if (!body_open(c, &body, f, 2))
        return;
    if (!admission_find(f[0].text, &d)) {
        problem(c, 422, "decision", "The decision is vouch, refuse or withdraw.");
    } else if (!reason_valid(f[1].text)) {
        problem(c, 422, "why", "Say in a few words why.");
    } else if (find_subject(c, &s) && if_match(c, s.changed)) {
        static const char *const after[] = {"vouched", "refused", ""};
        if (strcmp(s.state, after[d]) == 0)
            problem(c, 409, "state", "That was decided already.");
        else if (decide_subject(c, &s, d, f[1].text)) {
            if (d == ADMISSION_REFUSE)
                certificates_end(c, s.n, "the device was refused");
            if (!answered(c))
                answer_device(c, true);
        }
    }
    body_close(&body);
}

/* ── POST /devices/admission ── */

struct learnt {
    struct call *c;
    struct span except;
    bool doing;
    size_t shown;
    int64_t total;
    size_t n;
    int64_t *numbers; /* of those that are vouched for */
    bool full;
};

static bool is_excepted(struct span list, struct span id)
{
    while (list.n > 0)
        if (span_equal(span_until(&list, ',', NULL), id))
            return true;
    return false;
}

static void take_candidate(void *context, int64_t n, struct span id, struct span title, struct span role, struct span ips, struct span macs,
                           tq_time first_seen)
{
    struct learnt *l = context;
    struct jsonw *j = &l->c->json;
    l->total++;
    if (l->doing) {
        if (is_excepted(l->except, id))
            return;
        if (l->n % 256 == 0) {
            int64_t *more = reallocarray(l->numbers, l->n + 256, sizeof *more);
            if (more == NULL) {
                l->full = true;
                return;
            }
            l->numbers = more;
        }
        l->numbers[l->n++] = n;
        return;
    }
    if (l->shown++ >= SHOWN)
        return;
    jsonw_object(j);
    jsonw_put_text(j, "id", id);
    jsonw_put_text(j, "title", title);
    jsonw_put_text(j, "role", role);
    put_ready(j, "ip", ips, "[]");
    put_ready(j, "mac", macs, "[]");
    put_time(j, "first_seen", first_seen);
    jsonw_object_end(j);
}

static void put_learnt(struct call *c, const char *token, tq_time until, tq_time learning, const struct learnt *l, int64_t saved)
{
    struct jsonw *j = &c->json;
    put_optional(j, "token", span_str(token));
    put_time(j, "until", until);
    put_time(j, "learning_until", learning);
    jsonw_put_int(j, "total", l->total);
    jsonw_key(j, "saved");
    if (saved < 0)
        jsonw_null(j);
    else
        jsonw_int(j, saved);
    jsonw_put_bool(j, "cut", l->shown > SHOWN);
    jsonw_object_end(j);
}

static void preview(struct call *c, tq_time until, tq_time learning)
{
    struct error e = {0};
    struct learnt l = {.c = c};
    char digest[65];
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = admission_candidates(c->db, until, take_candidate, &l, digest, &e);
    jsonw_array_end(&c->json);
    put_learnt(c, digest, until, learning, &l, -1);
    if (rc != 0)
        problem_store(c, &e);
}

/* The rows of all records, each with a line end behind it: they are looked at before the first is written. */
static bool read_rows(struct call *c, const struct learnt *l, struct buf *rows)
{
    struct error e = {0};
    for (size_t i = 0; i < l->n; i++) {
        if (!admission_put_row(c->db, l->numbers[i], rows, &e)) {
            problem_store(c, &e);
            return false;
        }
        buf_u8(rows, '\n');
    }
    return buf_ok(rows);
}

static bool decide_rows(struct call *c, struct span rows, struct span why, int64_t *ret_saved)
{
    while (rows.n > 0) {
        struct record *r = decision(c, EVENT_ASSET_ADMISSION);
        uint64_t index = 0;
        int64_t n = 0;
        if (r == NULL)
            return false;
        record_str(r, KEY_DECISION, admission_word(ADMISSION_VOUCH));
        record_text(r, KEY_WHY, why);
        for (; rows.n > 0 && n < ADMISSION_ROWS; n++)
            record_text(r, KEY_ROW, span_until(&rows, '\n', NULL));
        bool ok = decide(c, r, &index);
        free(r);
        if (!ok)
            return false;
        *ret_saved += n;
    }
    return true;
}

static void vouch_for_all(struct call *c, tq_time until, tq_time learning, const struct body_field *f)
{
    struct error e = {0};
    struct learnt l = {.c = c, .doing = true, .except = f[3].text};
    struct buf rows = BUF_INIT(ROWS_BYTES);
    char digest[65];
    int64_t saved = 0;
    if (admission_candidates(c->db, until, take_candidate, &l, digest, &e) != 0 || l.full) {
        problem_store(c, &e);
    } else if (!span_is(f[1].text, digest)) {
        problem(c, 409, "changed", "The devices that wait are others now than in the preview. Look at them again.");
    } else if (read_rows(c, &l, &rows) && decide_rows(c, buf_span(&rows), f[2].text, &saved)) {
        jsonw_object(&c->json);
        jsonw_key(&c->json, "items");
        jsonw_array(&c->json);
        jsonw_array_end(&c->json);
        put_learnt(c, "", until, learning, &l, saved);
    } else if (saved > 0) {
        problem_later(c, 503, "part-saved", "Some devices are vouched for, the others are not. Look at what waits, and go on from there.", 2);
    }
    free(l.numbers);
    buf_release(&rows);
}

void handle_admission_learnt(struct call *c)
{
    struct body_field f[] = {{.name = "until", .max = 40, .optional = true},
                             {.name = "token", .max = 64, .optional = true},
                             {.name = "why", .max = WHY_MAX, .optional = true},
                             {.name = "except", .max = EXCEPT_BYTES, .optional = true}};
    struct body body;
    struct error e = {0};
    if (!body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    tq_time learning = admission_learning_until(c->db, &e);
    tq_time until = learning;
    if (learning < 0)
        problem_store(c, &e);
    else if (f[0].text.n > 0 && (!time_parse(f[0].text, &until) || until > learning))
        problem(c, 422, "until",
                "\"until\" is a time (RFC 3339) within the seven days after the first device was seen; what came later is vouched for one by one.");
    else if (f[1].text.n == 0)
        preview(c, until, learning);
    else if (!reason_valid(f[2].text))
        problem(c, 422, "why", "Say in a few words why.");
    else
        vouch_for_all(c, until, learning, f);
    body_close(&body);
}

/* ── GET /devices/export.radius ── */

void handle_device_radius(struct call *c)
{
    char word[PARAM_MAX + 1];
    char upper[PARAM_MAX + 1];
    enum admission_form form = ADMISSION_BARE;
    struct error e = {0};
    if (!query_text(c, "form", word) || !query_text(c, "upper", upper))
        return;
    if (word[0] != 0 && !admission_form_find(span_str(word), &form))
        problem(c, 400, "form", "\"form\" is bare, hyphen, colon or dot.");
    else if (admission_radius(c->db, c->api->site, form, strcmp(upper, "yes") == 0, &c->reply->body, &e) != 0)
        problem_store(c, &e);
    else
        (void)snprintf(c->reply->type, sizeof c->reply->type, "text/plain; charset=utf-8");
}
