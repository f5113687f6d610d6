#include "lab/respond/finding.h"

#include "lab/inventory/message.h"
#include "lab/views_private.h"

#define KEEP_LIST 20 /* newest entries of a list of evidence */

static const char *const severities[] = {"info", "low", "medium", "high", "critical"};

static const struct {
    const char *event;
    const char *from; /* states, as a list */
    const char *to;
} steps[] = {
    {"finding.taken", "open", "taken"},
    {"finding.released", "taken", "open"},
    {"finding.dismissed", "open taken", "dismissed"},
    {"finding.reopened", "dismissed", "open"},
};

int finding_rank(struct span severity)
{
    for (int i = 0; i < 5; i++)
        if (span_is(severity, severities[i]))
            return i;
    return -1;
}

const char *finding_rank_name(int64_t rank)
{
    return rank < 0 || rank >= (int64_t)(sizeof severities / sizeof severities[0]) ? NULL : severities[rank];
}

bool finding_state_valid(struct span state)
{
    return span_is(state, "open") || span_is(state, "taken") || span_is(state, "dismissed");
}

bool finding_may(const char *event, struct span state)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(steps[i].event, event) != 0)
            continue;
        struct span from = span_str(steps[i].from);
        while (from.n > 0)
            if (span_equal(span_until(&from, ' ', NULL), state))
                return true;
    }
    return false;
}

/* ── projection ── */

struct known {
    int64_t n; /* 0: new */
    int64_t rank;
    bool dismissed;
    bool ended;
};

static int add_history(struct apply *a, int64_t n, const char *event, struct span person, struct span why, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w, "INSERT INTO finding_event(finding, time, event, person, why, record) VALUES (?1, ?2, ?3, nullif(?4, ''), nullif(?5, ''), ?6)");
    store_bind_int(q, 1, n);
    store_bind_int(q, 2, a->ev.time);
    store_bind_str(q, 3, event);
    store_bind_text(q, 4, person);
    store_bind_text(q, 5, why);
    store_bind_int(q, 6, (int64_t)a->c->index);
    if (store_run(q, e) != 0)
        return -1;
    /* the first line stays: it is how it began */
    q = store_stmt(a->w, "DELETE FROM finding_event WHERE finding = ?1 AND n > (SELECT min(n) FROM finding_event WHERE finding = ?1) AND n <= "
                         "(SELECT n FROM finding_event WHERE finding = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)");
    store_bind_int(q, 1, n);
    store_bind_int(q, 2, KEEP_FINDING_EVENTS);
    return store_run(q, e);
}

/* The device that a finding is about: who sent the message it is about, else who spoke first in its flow. */
static int subject(struct apply *a, int64_t *ret_asset, struct error *e)
{
    bool back = message_direction(event_item(&a->ev, "evidence.messages", 0)) == 1;
    return asset_at(a, event_text(&a->ev, back ? "flow.dst" : "flow.src"), ret_asset, e);
}

/* kept entries, then those of this record that are not among them: the newest KEEP_LIST, as a JSON array of entries, each written as `entry` says */
#define MERGED(column, param, entry)                                                                                                                 \
    column " = (SELECT json_group_array(" entry                                                                                                      \
           ") FROM (SELECT value FROM (SELECT value, max(place) AS place FROM (SELECT value, key AS place FROM json_each(" column                    \
           ") UNION ALL SELECT value, key + 100000 FROM json_each(" param ")) GROUP BY value ORDER BY place DESC LIMIT 20) ORDER BY place))"

static void add_list(const struct event_view *ev, const char *path, struct buf *out)
{
    event_json(ev, path, out);
    if (out->n == 0 || out->p[0] != '[' || !buf_ok(out)) {
        buf_clear(out);
        buf_add_str(out, "[]");
    }
}

/* The conversation that the finding is about, with its ends: its number alone would say nothing to a person. */
static void add_flow(const struct event_view *ev, struct buf *out)
{
    struct buf flow = BUF_INIT(1024);
    event_json(ev, "flow", &flow);
    buf_add_str(out, "[");
    if (buf_ok(&flow) && flow.n > 0 && flow.p[0] == '{')
        buf_add_span(out, buf_span(&flow));
    buf_add_str(out, "]");
    buf_release(&flow);
}

static void add_records(const struct apply *a, struct buf *out)
{
    buf_add_str(out, "[");
    for (size_t i = 0; i < KEEP_LIST; i++) {
        int64_t record = event_item_int(&a->ev, "evidence.records", i, -1);
        if (record >= 0)
            buf_addf(out, "%lld,", (long long)record);
    }
    buf_addf(out, "%llu]", (unsigned long long)a->c->index);
}

static int write_lists(struct apply *a, int64_t n, struct error *e)
{
    struct buf flows = BUF_INIT(65536);
    struct buf messages = BUF_INIT(65536);
    struct buf records = BUF_INIT(1024);
    add_flow(&a->ev, &flows);
    add_list(&a->ev, "evidence.messages", &messages);
    add_records(a, &records);
    struct store_stmt *q = store_stmt(a->w, "UPDATE finding SET " MERGED("flows", "?2", "json(value)") ", " MERGED(
                                                "messages", "?3", "value") ", " MERGED("records", "?4", "value") " WHERE n = ?1");
    store_bind_int(q, 1, n);
    store_bind_text(q, 2, buf_span(&flows));
    store_bind_text(q, 3, buf_span(&messages));
    store_bind_text(q, 4, buf_span(&records));
    int rc = store_run(q, e);
    buf_release(&flows);
    buf_release(&messages);
    buf_release(&records);
    return rc;
}

static int insert(struct apply *a, int rank, struct error *e)
{
    if (counter_now(a, "findings", e) >= KEEP_FINDINGS)
        return counter_add(a, "findings_not_kept", 1, e);
    int64_t asset = 0;
    if (subject(a, &asset, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT INTO finding(id, changed, kind, severity, rank, title, advice, technique, first_time, last_time, count, asset, "
        "flows, messages, records) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''), ?9, ?9, 1, nullif(?10, 0), '[]', '[]', '[]') RETURNING n");
    store_bind_text(q, 1, event_text(&a->ev, "id"));
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_text(q, 3, event_text(&a->ev, "kind"));
    store_bind_str(q, 4, severities[rank]);
    store_bind_int(q, 5, rank);
    store_bind_text(q, 6, event_text(&a->ev, "title"));
    store_bind_text(q, 7, event_text(&a->ev, "advice"));
    store_bind_text(q, 8, event_text(&a->ev, "technique"));
    store_bind_int(q, 9, a->ev.time);
    store_bind_int(q, 10, asset);
    int64_t n = store_run_int(q, -1, e);
    if (n < 0 || counter_add(a, "findings", 1, e) != 0 || write_lists(a, n, e) != 0)
        return -1;
    return add_history(a, n, "finding", (struct span){0}, (struct span){0}, e);
}

static int again(struct apply *a, const struct known *k, int rank, struct error *e)
{
    bool worse = rank > k->rank || k->ended; /* what was over begins anew, as bad as it is now */
    int now = worse ? rank : (int)k->rank;
    struct store_stmt *q = store_stmt(
        a->w, "UPDATE finding SET changed = ?2, count = count + 1, last_time = max(last_time, ?3), first_time = min(first_time, ?3), "
              "severity = ?5, rank = ?6, title = CASE WHEN ?4 THEN ?7 ELSE title END, "
              "advice = CASE WHEN ?4 THEN ?8 ELSE advice END, state = CASE WHEN ?4 AND state = 'dismissed' THEN 'open' ELSE state END, "
              "taken_by = CASE WHEN ?4 AND state = 'dismissed' THEN NULL ELSE taken_by END, ended = 0 WHERE n = ?1");
    store_bind_int(q, 1, k->n);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, a->ev.time);
    store_bind_int(q, 4, worse);
    store_bind_str(q, 5, severities[now]);
    store_bind_int(q, 6, now);
    store_bind_text(q, 7, event_text(&a->ev, "title"));
    store_bind_text(q, 8, event_text(&a->ev, "advice"));
    if (store_run(q, e) != 0 || write_lists(a, k->n, e) != 0)
        return -1;
    if (!worse)
        return add_history(a, k->n, "finding", (struct span){0}, (struct span){0}, e);
    if (k->ended)
        return add_history(a, k->n, "finding.reopened", (struct span){0}, SPAN_LIT("It is there again."), e);
    struct buf why = BUF_INIT(128);
    buf_addf(&why, "It got worse: %s before, %s now.", severities[k->rank], severities[rank]);
    int rc = add_history(a, k->n, k->dismissed ? "finding.reopened" : "finding", (struct span){0}, buf_span(&why), e);
    buf_release(&why);
    return rc;
}

static int look_up(struct apply *a, struct span id, struct known *ret, struct error *e)
{
    *ret = (struct known){0};
    struct store_stmt *q = store_stmt(a->w, "SELECT n, rank, state = 'dismissed', ended FROM finding WHERE id = ?1");
    store_bind_text(q, 1, id);
    if (store_step(q))
        *ret = (struct known){.n = store_int(q, 0), .rank = store_int(q, 1), .dismissed = store_int(q, 2) != 0, .ended = store_int(q, 3) != 0};
    return store_done(q, e);
}

static void tell(struct apply *a, struct span id)
{
    view_notice(a->v, TOPIC_FINDINGS, id, a->c->index);
    view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
}

int finding_apply(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "id");
    int rank = finding_rank(event_text(&a->ev, "severity"));
    if (id.n == 0 || id.n > 64 || rank < 0)
        return 0;
    struct known known;
    if (look_up(a, id, &known, e) != 0)
        return -1;
    tell(a, id);
    return known.n == 0 ? insert(a, rank, e) : again(a, &known, rank, e);
}

/* A decision. One that does not fit the state (two people at once, before a restart) stays on the ledger and in the history, and changes nothing. */
int finding_apply_decision(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "id");
    struct known known;
    if (look_up(a, id, &known, e) != 0)
        return -1;
    if (known.n == 0)
        return 0;
    const char *event = event_name(a->ev.event);
    const char *to = "open";
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        if (strcmp(steps[i].event, event) == 0)
            to = steps[i].to;
    struct store_stmt *q = store_stmt(a->w, "UPDATE finding SET changed = ?2, state = ?3, taken_by = CASE ?3 WHEN 'taken' THEN ?4 END WHERE n = ?1");
    store_bind_int(q, 1, known.n);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_str(q, 3, to);
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    tell(a, id);
    return store_run(q, e) != 0 ? -1 : add_history(a, known.n, event, event_text(&a->ev, "person"), event_text(&a->ev, "why"), e);
}

/* What the program had found is over. What a person dismissed stays as it is: it is not to open again by itself. */
int finding_apply_ended(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "id");
    struct known known;
    if (look_up(a, id, &known, e) != 0)
        return -1;
    if (known.n == 0 || known.dismissed)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE finding SET changed = ?2, state = 'dismissed', taken_by = NULL, ended = 1 WHERE n = ?1");
    store_bind_int(q, 1, known.n);
    store_bind_int(q, 2, (int64_t)a->c->index);
    tell(a, id);
    return store_run(q, e) != 0 ? -1 : add_history(a, known.n, "finding.ended", (struct span){0}, event_text(&a->ev, "why"), e);
}

int finding_apply_packets(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "id");
    if (id.n == 0 || id.n > 64)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO packets(finding, record, time, packets, bytes) VALUES (?1, ?2, ?3, ?4, ?5)");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, a->ev.time);
    store_bind_int(q, 4, event_int(&a->ev, "packets", 0));
    store_bind_int(q, 5, event_int(&a->ev, "bytes", 0));
    if (store_run(q, e) != 0)
        return -1;
    view_notice(a->v, TOPIC_FINDINGS, id, a->c->index);
    q = store_stmt(a->w, "DELETE FROM packets WHERE n <= (SELECT max(n) FROM packets) - ?1");
    store_bind_int(q, 1, KEEP_PACKETS);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE finding SET changed = ?2 WHERE id = ?1");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, (int64_t)a->c->index);
    return store_run(q, e);
}

/* Packets that were kept long enough: up to this record their keys are destroyed. */
int finding_apply_packets_removed(struct apply *a, struct error *e)
{
    int64_t last = event_int(&a->ev, "erased.last", -1);
    struct store_stmt *q = store_stmt(
        a->w, "UPDATE finding SET changed = ?2 WHERE id IN (SELECT finding FROM packets WHERE record <= ?1 AND removed IS NULL)");
    store_bind_int(q, 1, last);
    store_bind_int(q, 2, (int64_t)a->c->index);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE packets SET removed = ?2 WHERE record <= ?1 AND removed IS NULL");
    store_bind_int(q, 1, last);
    store_bind_int(q, 2, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "INSERT OR REPLACE INTO packets_removed VALUES (?1, ?2, ?3)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->ev.time);
    store_bind_int(q, 3, last);
    view_notice(a->v, TOPIC_FINDINGS, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

/* ── reading ── */

#define COLUMNS                                                                                                                                      \
    "finding.n, rank, finding.id, finding.changed, kind, severity, finding.title, advice, technique, state, taken_by, asset.id, first_time, "        \
    "last_time, "                                                                                                                                    \
    "count, flows, finding.messages, records, asset.title"
#define ROWS " FROM finding LEFT JOIN asset ON asset.n = (SELECT root FROM asset AS subject WHERE subject.n = finding.asset)"

/* ?1 state, null: all; ?2 to ?8 ranks; ?3 kind, null: all */
#define MATCHES "(?1 IS NULL OR state = ?1) AND rank BETWEEN ?2 AND ?8 AND (?3 IS NULL OR kind = ?3)"

/* ?1 RANK_NEED, ?2 RANK_SHARED */
#define IS_NEED "state = 'open' AND rank >= ?1"
#define SAME_NEED "iif(rank > ?2, n, 0), kind"

static void bind_filter(struct store_stmt *q, const struct finding_query *query)
{
    if (query->state.n > 0)
        store_bind_text(q, 1, query->state);
    store_bind_int(q, 2, query->rank_min);
    store_bind_int(q, 8, query->rank_max);
    if (query->kind.n > 0)
        store_bind_text(q, 3, query->kind);
}

static void row_of(struct store_stmt *q, struct finding_row *row)
{
    *row = (struct finding_row){
        .n = store_int(q, 0),
        .rank = store_int(q, 1),
        .id = store_text(q, 2),
        .changed = (uint64_t)store_int(q, 3),
        .kind = store_text(q, 4),
        .severity = store_text(q, 5),
        .title = store_text(q, 6),
        .advice = store_text(q, 7),
        .technique = store_text(q, 8),
        .state = store_text(q, 9),
        .taken_by = store_text(q, 10),
        .device = store_text(q, 11),
        .first_time = store_int(q, 12),
        .last_time = store_int(q, 13),
        .count = store_int(q, 14),
        .flows = store_text(q, 15),
        .messages = store_text(q, 16),
        .records = store_text(q, 17),
        .device_title = store_text(q, 18),
    };
}

int finding_list(struct store_conn *c, const struct finding_query *query, finding_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS ROWS " WHERE " MATCHES " AND (?4 = 0 OR (rank, finding.n) < (?5, ?6)) "
                                         "ORDER BY rank DESC, finding.n DESC LIMIT ?7");
    bind_filter(q, query);
    store_bind_int(q, 4, query->after);
    store_bind_int(q, 5, query->after_rank);
    store_bind_int(q, 6, query->after_n);
    store_bind_int(q, 7, query->limit);
    struct finding_row row;
    while (store_step(q)) {
        row_of(q, &row);
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t finding_total(struct store_conn *c, const struct finding_query *query, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM finding WHERE " MATCHES);
    bind_filter(q, query);
    return store_run_int(q, -1, e);
}

int finding_needs(struct store_conn *c, int64_t limit, finding_need_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "WITH need AS (SELECT n AS first, count(*) OVER whole - 1 AS same, max(last_time) OVER whole AS same_last, "
                                         "row_number() OVER (whole ORDER BY rank DESC, n DESC) AS place FROM finding WHERE " IS_NEED
                                         " WINDOW whole AS (PARTITION BY " SAME_NEED ")) "
                                         "SELECT " COLUMNS ", same, same_last" ROWS " JOIN need ON need.first = finding.n AND need.place = 1 "
                                         "ORDER BY rank DESC, finding.n DESC LIMIT ?3");
    store_bind_int(q, 1, RANK_NEED);
    store_bind_int(q, 2, RANK_SHARED);
    store_bind_int(q, 3, limit);
    while (store_step(q)) {
        struct finding_need need;
        row_of(q, &need.row);
        need.same = store_int(q, 19);
        need.same_last = store_int(q, 20);
        each(context, &need);
    }
    return store_done(q, e);
}

int64_t finding_needs_total(struct store_conn *c, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM (SELECT 1 FROM finding WHERE " IS_NEED " GROUP BY " SAME_NEED ")");
    store_bind_int(q, 1, RANK_NEED);
    store_bind_int(q, 2, RANK_SHARED);
    return store_run_int(q, -1, e);
}

int finding_get(struct store_conn *c, struct span id, finding_each *each, void *context, bool *ret_found, struct error *e)
{
    *ret_found = false;
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS ROWS " WHERE finding.id = ?1");
    store_bind_text(q, 1, id);
    if (store_step(q)) {
        struct finding_row row;
        row_of(q, &row);
        *ret_found = true;
        each(context, &row);
    }
    return store_done(q, e);
}

int finding_history(struct store_conn *c, int64_t n, finding_event_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT time, event, person, why, record FROM finding_event WHERE finding = ?1 ORDER BY n");
    store_bind_int(q, 1, n);
    while (store_step(q))
        each(context, store_int(q, 0), store_text(q, 1), store_text(q, 2), store_text(q, 3), (uint64_t)store_int(q, 4));
    return store_done(q, e);
}

int finding_packets(struct store_conn *c, struct span id, finding_packets_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT record, time, packets, bytes, removed FROM packets WHERE finding = ?1 ORDER BY n");
    store_bind_text(q, 1, id);
    while (store_step(q)) {
        struct finding_kept kept = {.record = (uint64_t)store_int(q, 0),
                                    .time = store_int(q, 1),
                                    .packets = store_int(q, 2),
                                    .bytes = store_int(q, 3),
                                    .removed = store_int(q, 4)};
        each(context, &kept);
    }
    return store_done(q, e);
}

tq_time finding_packets_removed(struct store_conn *c, int64_t n)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT coalesce(min(time), 0) FROM packets_removed WHERE last > (SELECT max(record) FROM finding_event WHERE "
                                      "finding = ?1 AND event IN ('finding', 'finding.reopened'))");
    store_bind_int(q, 1, n);
    return store_run_int(q, 0, NULL);
}
