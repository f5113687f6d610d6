#include "lab/respond/report.h"

#include "base/text.h"
#include "lab/people/code.h"
#include "lab/views_private.h"

#include <stdio.h>

#define KEEP_REPORTS 20000
#define KEEP_STEPS 50 /* of one report */
#define CLAIM_LETTERS 20

static const char *const kinds[] = {"device", "person", "message", "result", "lost", "other"};
static const char *const states[] = {"received", "looking", "answered", "closed"};

static const struct {
    enum event event;
    const char *from; /* states, as a list */
    const char *to;
} steps[] = {
    {EVENT_REPORT_TAKEN, "received", "looking"},
    {EVENT_REPORT_RELEASED, "looking", "received"},
    {EVENT_REPORT_ANSWERED, "received looking answered closed", "answered"},
    {EVENT_REPORT_CLOSED, "received looking answered", "closed"},
};

static bool among(struct span text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(text, list[i]))
            return true;
    return false;
}

bool report_kind_valid(struct span kind)
{
    return among(kind, kinds, sizeof kinds / sizeof kinds[0]);
}

bool report_state_valid(struct span state)
{
    return span_is(state, "open") || among(state, states, sizeof states / sizeof states[0]);
}

static const char *step_to(const char *event, struct span state)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(event_name(steps[i].event), event) != 0)
            continue;
        struct span from = span_str(steps[i].from);
        while (from.n > 0)
            if (span_equal(span_until(&from, ' ', NULL), state))
                return steps[i].to;
    }
    return NULL;
}

bool report_may(const char *event, struct span state)
{
    return step_to(event, state) != NULL;
}

void report_id(tq_time now, char out[REPORT_ID])
{
    uint8_t b[16];
    uint64_t ms = now > 0 ? (uint64_t)(now / (TIME_SECOND / 1000)) : 0;
    crypto_random(b, sizeof b);
    for (size_t i = 0; i < 6; i++)
        b[i] = (uint8_t)(ms >> (40 - 8 * i));
    b[6] = (uint8_t)(0x70 | (b[6] & 0x0f));
    b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
    char hex[33];
    text_hex_to(hex, b, sizeof b);
    (void)snprintf(out, REPORT_ID, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool report_claim(struct span typed, char out[REPORT_CLAIM])
{
    char plain[CLAIM_LETTERS + 1];
    uint8_t hash[SHA256_SIZE];
    code_plain(typed, plain, sizeof plain);
    bool whole = strlen(plain) == CLAIM_LETTERS;
    for (size_t i = 0; whole && i < CLAIM_LETTERS; i++)
        whole = strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", plain[i]) != NULL;
    struct span parts[] = {SPAN_LIT("tourniquet report claim"), span_of(plain, CLAIM_LETTERS)};
    crypto_sha256_parts(parts, 2, hash);
    text_hex_to(out, hash, sizeof hash);
    crypto_wipe(plain, sizeof plain);
    return whole;
}

/* ── projection ── */

static int add_step(struct apply *a, int64_t n, struct span why, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO report_event(report, time, event, person, why, record) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE "
                                            "(SELECT count(*) FROM report_event WHERE report = ?1) < ?7");
    store_bind_int(q, 1, n);
    store_bind_int(q, 2, a->ev.time);
    store_bind_str(q, 3, event_name(a->ev.event));
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_text(q, 5, why);
    store_bind_int(q, 6, (int64_t)a->c->index);
    store_bind_int(q, 7, KEEP_STEPS);
    view_notice(a->v, TOPIC_REPORTS, event_text(&a->ev, "report"), a->c->index);
    view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

/* Too many: the oldest that are done go, then the oldest of all. */
static int make_room(struct apply *a, struct error *e)
{
    int64_t n = store_run_int(store_stmt(a->w, "SELECT count(*) FROM report"), 0, e);
    if (n <= KEEP_REPORTS)
        return 0;
    int64_t oldest = store_run_int(store_stmt(a->w, "SELECT n FROM report ORDER BY state IN ('received', 'looking'), n LIMIT 1"), 0, e);
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM report_event WHERE report = ?1");
    store_bind_int(q, 1, oldest);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "DELETE FROM report WHERE n = ?1");
    store_bind_int(q, 1, oldest);
    return store_run(q, e);
}

int report_apply_filed(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "report");
    struct span kind = event_text(&a->ev, "kind");
    if (id.n == 0 || id.n >= VIEW_ID || !report_kind_valid(kind))
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO report(id, record, changed, time, kind, text, urgent, person, photo, claim, state, taken_by, "
                                      "answer, answered) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'received', '', '', 0) "
                                      "ON CONFLICT DO NOTHING RETURNING n");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, kind);
    store_bind_text(q, 5, event_text(&a->ev, "text"));
    store_bind_int(q, 6, event_int(&a->ev, "now", 0) == 1);
    store_bind_text(q, 7, event_text(&a->ev, "person"));
    store_bind_text(q, 8, event_text(&a->ev, "photo"));
    store_bind_text(q, 9, event_text(&a->ev, "claim"));
    struct error own = {0};
    int64_t n = store_run_int(q, -1, &own);
    if (own.class != ERR_NONE) {
        *e = own;
        return -1;
    }
    if (n < 0)
        return 0;
    return add_step(a, n, SPAN_LIT(""), e) != 0 ? -1 : make_room(a, e);
}

/* A step that does not fit the state stays on the ledger, and changes nothing. */
int report_apply_step(struct apply *a, struct error *e)
{
    const char *event = event_name(a->ev.event);
    const char *to = NULL;
    int64_t n = 0;
    struct store_stmt *q = store_stmt(a->w, "SELECT n, state FROM report WHERE id = ?1");
    store_bind_text(q, 1, event_text(&a->ev, "report"));
    if (store_step(q)) {
        n = store_int(q, 0);
        to = step_to(event, store_text(q, 1));
    }
    if (store_done(q, e) != 0)
        return -1;
    if (n == 0 || to == NULL)
        return 0;
    struct span answer = event_text(&a->ev, "answer");
    q = store_stmt(a->w, "UPDATE report SET changed = ?2, state = ?3, taken_by = CASE ?3 WHEN 'received' THEN '' ELSE ?4 END, "
                         "answer = CASE ?5 WHEN '' THEN answer ELSE ?5 END, answered = CASE ?5 WHEN '' THEN answered ELSE ?6 END WHERE n = ?1");
    store_bind_int(q, 1, n);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_str(q, 3, to);
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_text(q, 5, answer);
    store_bind_int(q, 6, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    return add_step(a, n, answer.n > 0 ? answer : event_text(&a->ev, "why"), e);
}

/* ── reading ── */

#define ROWS                                                                                                                                         \
    "SELECT n, id, record, report.changed, time, kind, text, urgent, person, coalesce(account.display_name, person), photo, report.state, "          \
    "taken_by, "                                                                                                                                     \
    "answer, answered FROM report LEFT JOIN account ON account.name = person "
#define MATCHES "(?1 = '' OR report.state = ?1 OR (?1 = 'open' AND report.state IN ('received', 'looking'))) AND (?2 = '' OR person = ?2)"

struct reading {
    report_each *each;
    void *context;
};

static void give_row(struct store_stmt *q, void *context)
{
    const struct reading *r = context;
    const struct report_row row = {
        .n = store_int(q, 0),
        .id = store_text(q, 1),
        .record = (uint64_t)store_int(q, 2),
        .changed = (uint64_t)store_int(q, 3),
        .time = store_int(q, 4),
        .kind = store_text(q, 5),
        .text = store_text(q, 6),
        .urgent = store_int(q, 7) != 0,
        .person = store_text(q, 8),
        .display_name = store_text(q, 9),
        .photo = store_text(q, 10),
        .state = store_text(q, 11),
        .taken_by = store_text(q, 12),
        .answer = store_text(q, 13),
        .answered = store_int(q, 14),
    };
    r->each(r->context, &row);
}

int report_list(struct store_conn *c, const struct filed_query *query, report_each *each, void *context, struct error *e)
{
    struct reading r = {each, context};
    return filed_list(store_stmt(c, ROWS "WHERE " MATCHES " AND n < ?3 ORDER BY n DESC LIMIT ?4"), query, give_row, &r, e);
}

int64_t report_total(struct store_conn *c, const struct filed_query *query, struct error *e)
{
    return filed_total(store_stmt(c, "SELECT count(*) FROM report WHERE " MATCHES), query, e);
}

int report_get(struct store_conn *c, struct span id, report_each *each, void *context, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, ROWS "WHERE id = ?1");
    store_bind_text(q, 1, id);
    return filed_one(q, give_row, &(struct reading){each, context}, ret_found, e);
}

int report_by_claim(struct store_conn *c, const char *claim, report_each *each, void *context, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, ROWS "WHERE claim = ?1 AND claim <> '' ORDER BY n LIMIT 1");
    store_bind_str(q, 1, claim);
    return filed_one(q, give_row, &(struct reading){each, context}, ret_found, e);
}

int64_t report_count_since(struct store_conn *c, struct span person, tq_time since, struct error *e)
{
    return filed_since(store_stmt(c, "SELECT count(*) FROM report WHERE person = ?1 AND time > ?2"), person, since, e);
}

int64_t report_waiting(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM report WHERE state = 'received'"), -1, e);
}

int report_history(struct store_conn *c, int64_t n, report_event_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT time, event, person, why, record FROM report_event WHERE report = ?1 ORDER BY n");
    store_bind_int(q, 1, n);
    while (store_step(q))
        each(context, store_int(q, 0), store_text(q, 1), store_text(q, 2), store_text(q, 3), (uint64_t)store_int(q, 4));
    return store_done(q, e);
}
