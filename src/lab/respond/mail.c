#include "lab/respond/mail.h"

#include "lab/views_private.h"

#define KEEP_MAILS 20000
#define KEEP_INCIDENTS 10000
#define KEEP_INDICATORS 50000
#define REASONS_MOST 24
#define INDICATORS_MOST 64
#define LINES_MAX 24576

static const char *const states[] = {"waiting", "answered", "dangerous", "harmless"};

bool mail_state_valid(struct span state)
{
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (span_is(state, states[i]))
            return true;
    return false;
}

bool mail_may(struct span verdict, struct span state)
{
    if (span_is(verdict, "open"))
        return span_is(state, "dangerous") || span_is(state, "harmless");
    return (span_is(verdict, "dangerous") || span_is(verdict, "harmless")) && (span_is(state, "waiting") || span_is(state, "answered"));
}

/* ── projection ── */

/* Nothing in a line may end it. */
static void add_plain(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        buf_u8(out, text.p[i] < 0x20 ? ' ' : text.p[i]);
}

/* The oldest goes, those that are done first. */
static int make_room(struct apply *a, const char *count, const char *remove, int64_t most, struct error *e)
{
    if (store_run_int(store_stmt(a->w, count), 0, e) <= most)
        return 0;
    return store_run(store_stmt(a->w, remove), e);
}

static void sealed_lines(struct apply *a, const struct event_view *sealed, struct buf *reasons, struct buf *indicators)
{
    for (size_t i = 0; i < REASONS_MOST && event_item(&a->ev, "reasons", i).n > 0; i++) {
        add_plain(reasons, event_item(&a->ev, "reasons", i));
        buf_u8(reasons, '\t');
        add_plain(reasons, event_item(sealed, "about", i));
        buf_u8(reasons, '\n');
    }
    for (size_t i = 0; i < INDICATORS_MOST && event_item(sealed, "indicators", i).n > 0; i++) {
        struct span one = event_item(sealed, "indicators", i);
        if (span_starts(one, SPAN_LIT("subject ")))
            continue; /* a patient may be named in it */
        add_plain(indicators, one);
        buf_u8(indicators, '\n');
    }
}

static int insert(struct apply *a, const struct event_view *sealed, struct error *e)
{
    struct buf reasons = BUF_INIT(LINES_MAX);
    struct buf indicators = BUF_INIT(LINES_MAX);
    struct span verdict = event_text(&a->ev, "verdict");
    bool answered = span_is(verdict, "fine") || event_text(&a->ev, "exercise").n > 0;
    sealed_lines(a, sealed, &reasons, &indicators);
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO mail(id, record, changed, time, person, verdict, score, reasons, sender, sketch, indicators, "
                                      "files, links, scanned, exercise, digest, state, decided_by, decided, answer, incident) VALUES "
                                      "(?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, '', 0, '', '') "
                                      "ON CONFLICT DO NOTHING");
    store_bind_text(q, 1, event_item(&a->ev, "mail_id", 0));
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_text(q, 5, verdict);
    store_bind_int(q, 6, event_int(&a->ev, "score", 0));
    store_bind_text(q, 7, buf_span(&reasons));
    store_bind_text(q, 8, event_text(sealed, "mail_from"));
    store_bind_text(q, 9, event_text(sealed, "sketch"));
    store_bind_text(q, 10, buf_span(&indicators));
    store_bind_int(q, 11, event_int(&a->ev, "files", 0));
    store_bind_int(q, 12, event_int(&a->ev, "links", 0));
    store_bind_text(q, 13, event_text(&a->ev, "scanned"));
    store_bind_text(q, 14, event_text(&a->ev, "exercise"));
    store_bind_text(q, 15, event_text(&a->ev, "sha256"));
    store_bind_str(q, 16, answered ? "answered" : "waiting");
    int r = store_run(q, e);
    buf_release(&reasons);
    buf_release(&indicators);
    return r;
}

int mail_apply_reported(struct apply *a, struct error *e)
{
    struct span id = event_item(&a->ev, "mail_id", 0);
    struct event_view sealed;
    if (id.n == 0 || id.n >= VIEW_ID || event_text(&a->ev, "verdict").n == 0)
        return 0;
    if (!event_open_bare(&sealed, a->c->private_json))
        sealed = (struct event_view){0};
    int r = insert(a, &sealed, e);
    event_release(&sealed);
    view_notice(a->v, TOPIC_MAIL, id, a->c->index);
    return r != 0 ? -1
                  : make_room(a, "SELECT count(*) FROM mail", "DELETE FROM mail WHERE n = (SELECT n FROM mail ORDER BY state = 'waiting', n LIMIT 1)",
                              KEEP_MAILS, e);
}

int mail_apply_decided(struct apply *a, struct error *e)
{
    struct span verdict = event_text(&a->ev, "verdict");
    bool open = span_is(verdict, "open");
    struct span id;
    for (size_t i = 0; i < MAIL_TOGETHER && (id = event_item(&a->ev, "mail_id", i)).n > 0; i++) {
        char state[16] = "";
        struct store_stmt *q = store_stmt(a->w, "SELECT state FROM mail WHERE id = ?1");
        store_bind_text(q, 1, id);
        if (store_step(q))
            state[span_copy(store_text(q, 0), state, sizeof state - 1)] = 0;
        if (store_done(q, e) != 0)
            return -1;
        if (!mail_may(verdict, span_str(state)))
            continue; /* it stays on the ledger, and changes nothing */
        q = store_stmt(a->w, "UPDATE mail SET changed = ?2, state = ?3, decided_by = ?4, decided = ?5, answer = ?6, incident = ?7 WHERE id = ?1");
        store_bind_text(q, 1, id);
        store_bind_int(q, 2, (int64_t)a->c->index);
        store_bind_text(q, 3, open ? SPAN_LIT("waiting") : verdict);
        store_bind_text(q, 4, open ? SPAN_LIT("") : event_text(&a->ev, "person"));
        store_bind_int(q, 5, open ? 0 : a->ev.time);
        store_bind_text(q, 6, event_text(&a->ev, "answer"));
        store_bind_text(q, 7, event_text(&a->ev, "incident"));
        if (store_run(q, e) != 0)
            return -1;
        view_notice(a->v, TOPIC_MAIL, id, a->c->index);
    }
    if (!open)
        return 0;
    /* what was taken back is looked for no more, where no other mail holds to it */
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM indicator WHERE incident = ?1 AND NOT EXISTS (SELECT 1 FROM mail WHERE mail.incident = ?1)");
    store_bind_text(q, 1, event_text(&a->ev, "other"));
    return store_run(q, e);
}

static int keep_indicator(struct apply *a, struct span line, struct error *e)
{
    struct span kind = span_until(&line, ' ', NULL);
    if (line.n == 0 || span_is(kind, "subject"))
        return 0;
    struct store_stmt *q = store_stmt(
        a->w, "INSERT INTO indicator(kind, value, incident, time, record) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING");
    store_bind_text(q, 1, kind);
    store_bind_text(q, 2, line);
    store_bind_text(q, 3, event_text(&a->ev, "incident"));
    store_bind_int(q, 4, a->ev.time);
    store_bind_int(q, 5, (int64_t)a->c->index);
    return store_run(q, e);
}

int incident_apply_opened(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "incident");
    struct event_view sealed;
    if (id.n == 0 || id.n >= VIEW_ID)
        return 0;
    struct store_stmt *q = store_stmt(
        a->w, "INSERT INTO incident(id, record, time, kind, title, person) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "kind"));
    store_bind_text(q, 5, event_text(&a->ev, "title"));
    store_bind_text(q, 6, event_text(&a->ev, "person"));
    if (store_run(q, e) != 0)
        return -1;
    int r = 0;
    if (event_open_bare(&sealed, a->c->private_json)) {
        for (size_t i = 0; r == 0 && i < INDICATORS_MOST && event_item(&sealed, "indicators", i).n > 0; i++)
            r = keep_indicator(a, event_item(&sealed, "indicators", i), e);
        event_release(&sealed);
    }
    if (r == 0)
        r = make_room(a, "SELECT count(*) FROM incident", "DELETE FROM incident WHERE n = (SELECT min(n) FROM incident)", KEEP_INCIDENTS, e);
    return r != 0 ? -1
                  : make_room(a, "SELECT count(*) FROM indicator",
                              "DELETE FROM indicator WHERE n <= (SELECT n FROM indicator ORDER BY n DESC LIMIT 1 OFFSET 50000)", KEEP_INDICATORS, e);
}

/* ── reading ── */

#define ROWS                                                                                                                                         \
    "SELECT n, id, record, mail.changed, time, person, coalesce(account.display_name, person), verdict, score, reasons, sender, sketch, "            \
    "indicators, "                                                                                                                                   \
    "files, links, scanned, exercise, mail.state, decided_by, answer, incident, decided FROM mail LEFT JOIN account ON account.name = person "
/* Of all: without exercises. Who reported one, and so who did not, is nobody's business. */
#define MATCHES "(?1 = '' OR mail.state = ?1) AND CASE ?2 WHEN '' THEN exercise = '' ELSE person = ?2 END"

struct reading {
    mail_each *each;
    void *context;
};

static void give_row(struct store_stmt *q, void *context)
{
    const struct reading *r = context;
    const struct mail_row row = {
        .n = store_int(q, 0),
        .id = store_text(q, 1),
        .record = (uint64_t)store_int(q, 2),
        .changed = (uint64_t)store_int(q, 3),
        .time = store_int(q, 4),
        .person = store_text(q, 5),
        .display_name = store_text(q, 6),
        .verdict = store_text(q, 7),
        .score = store_int(q, 8),
        .reasons = store_text(q, 9),
        .sender = store_text(q, 10),
        .sketch = store_text(q, 11),
        .indicators = store_text(q, 12),
        .files = store_int(q, 13),
        .links = store_int(q, 14),
        .scanned = store_text(q, 15),
        .exercise = store_text(q, 16),
        .state = store_text(q, 17),
        .decided_by = store_text(q, 18),
        .answer = store_text(q, 19),
        .incident = store_text(q, 20),
        .decided = store_int(q, 21),
    };
    r->each(r->context, &row);
}

int mail_list(struct store_conn *c, const struct filed_query *query, mail_each *each, void *context, struct error *e)
{
    struct reading r = {each, context};
    return filed_list(store_stmt(c, ROWS "WHERE " MATCHES " AND n < ?3 ORDER BY n DESC LIMIT ?4"), query, give_row, &r, e);
}

int64_t mail_total(struct store_conn *c, const struct filed_query *query, struct error *e)
{
    return filed_total(store_stmt(c, "SELECT count(*) FROM mail WHERE " MATCHES), query, e);
}

int mail_get(struct store_conn *c, struct span id, mail_each *each, void *context, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, ROWS "WHERE id = ?1");
    store_bind_text(q, 1, id);
    return filed_one(q, give_row, &(struct reading){each, context}, ret_found, e);
}

int mail_by_digest(struct store_conn *c, struct span person, struct span digest, mail_each *each, void *context, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, ROWS "WHERE digest = ?1 AND person = ?2 ORDER BY n DESC LIMIT 1");
    store_bind_text(q, 1, digest);
    store_bind_text(q, 2, person);
    return filed_one(q, give_row, &(struct reading){each, context}, ret_found, e);
}

int64_t mail_count_since(struct store_conn *c, struct span person, tq_time since, struct error *e)
{
    return filed_since(store_stmt(c, "SELECT count(*) FROM mail WHERE person = ?1 AND time > ?2"), person, since, e);
}

/* ── indicators ── */

#define INDICATORS                                                                                                                                   \
    "SELECT indicator.n, indicator.kind, value, indicator.incident, coalesce(incident.title, ''), indicator.time, indicator.record FROM indicator "  \
    "LEFT JOIN incident ON incident.id = indicator.incident "

static void give_indicator(struct store_stmt *q, indicator_each *each, void *context)
{
    struct indicator_row row = {.n = store_int(q, 0),
                                .kind = store_text(q, 1),
                                .value = store_text(q, 2),
                                .incident = store_text(q, 3),
                                .title = store_text(q, 4),
                                .time = store_int(q, 5),
                                .record = (uint64_t)store_int(q, 6)};
    each(context, &row);
}

int indicator_list(struct store_conn *c, int64_t before, int64_t limit, indicator_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, INDICATORS "WHERE indicator.n < ?1 ORDER BY indicator.n DESC LIMIT ?2");
    store_bind_int(q, 1, before > 0 ? before : INT64_MAX);
    store_bind_int(q, 2, limit);
    while (store_step(q))
        give_indicator(q, each, context);
    return store_done(q, e);
}

int64_t indicator_total(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM indicator"), -1, e);
}

int indicator_find(struct store_conn *c, struct span lines, indicator_each *each, void *context, bool *ret_found, struct error *e)
{
    *ret_found = false;
    while (lines.n > 0 && !*ret_found) {
        struct span value = span_until(&lines, '\n', NULL);
        struct span kind = span_until(&value, ' ', NULL);
        struct store_stmt *q = store_stmt(c, INDICATORS "WHERE indicator.kind = ?1 AND value = ?2");
        store_bind_text(q, 1, kind);
        store_bind_text(q, 2, value);
        *ret_found = store_step(q);
        if (*ret_found)
            give_indicator(q, each, context);
        if (store_done(q, e) != 0)
            return -1;
    }
    return 0;
}
