#include "lab/inventory/result.h"

#include "lab/inventory/custody.h"
#include "lab/inventory/result_private.h"
#include "lab/views_private.h"

static void add_search(struct buf *search, struct span text)
{
    if (text.n == 0)
        return;
    if (search->n > 0)
        buf_u8(search, ' ');
    for (size_t i = 0; i < text.n; i++)
        buf_u8(search, text.p[i] >= 'A' && text.p[i] <= 'Z' ? (uint8_t)(text.p[i] | 0x20) : text.p[i]);
}

static void flags_json(const struct event_view *ev, struct buf *out)
{
    bool list = event_item(ev, "flags", 1).n > 0 || event_text(ev, "flags").n == 0;
    event_json(ev, "flags", out);
    if (out->n == 0)
        buf_add_str(out, "[]");
    else if (!list && out->p[0] == '"') { /* a single text */
        struct buf one = BUF_INIT(4096);
        buf_addf(&one, "[%s]", buf_text(out));
        buf_clear(out);
        buf_add_span(out, buf_span(&one));
        buf_release(&one);
    }
}

enum { SENDER = 3 }; /* protocol, type, control id, sender, receiver */

static struct span memo_text(const struct result_memo *m, int i)
{
    uint32_t from = i == 0 ? 0 : m->ends[i - 1];
    return m->missing[i] ? (struct span){0} : span_of(m->texts.p + from, m->ends[i] - from);
}

/* What the message of this result says about it, into the memo. */
static int ask_message(struct apply *a, struct error *e)
{
    struct result_memo *m = &a->v->result;
    struct span id = event_text(&a->ev, "message");
    int64_t run = counter_now(a, "runs", e);
    if (m->known && m->run == run && span_equal(buf_span(&m->id), id))
        return 0;
    struct store_stmt *q = store_stmt(
        a->w, "SELECT m.protocol, m.type, m.control_id, m.sender, m.receiver, coalesce(m.src, 0), (SELECT coalesce(max(place) + 1, 0) FROM result "
              "WHERE run = ?1 AND message = ?2), EXISTS (SELECT 1 FROM followed WHERE followed.src = m.src) FROM (SELECT 1) LEFT JOIN "
              "(SELECT * FROM message WHERE run = ?1 AND id = ?2 ORDER BY n DESC LIMIT 1) AS m");
    store_bind_int(q, 1, run);
    store_bind_held(q, 2, id);
    m->known = false;
    m->run = run;
    m->id.max = m->texts.max = 8 * RECORD_TEXT;
    buf_clear(&m->id);
    buf_clear(&m->texts);
    buf_add_span(&m->id, id);
    if (store_step(q)) {
        for (int i = 0; i < 5; i++) {
            m->missing[i] = store_is_null(q, i);
            buf_add_span(&m->texts, store_text(q, i));
            m->ends[i] = (uint32_t)m->texts.n;
        }
        m->src = store_int(q, 5);
        m->place = store_int(q, 6);
        m->awaited = store_int(q, 7) != 0;
        m->known = true;
    }
    if (store_done(q, e) != 0)
        return -1;
    return m->known && buf_ok(&m->id) && buf_ok(&m->texts) ? 0 : err_set(e, ERR_SYSTEM, "no memory for a result");
}

static int insert(struct apply *a, struct span search, struct span flags, struct error *e)
{
    const struct event_view *ev = &a->ev;
    struct result_memo *m = &a->v->result;
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT INTO result(record, position, time, recorded, run, message, test_code, test_system, test_text, patient, specimen, units, status, "
        "observed_at, flags, search, protocol, type, control_id, sender, receiver, src, place, awaited) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, nullif(?22, 0), ?23, ?24)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->c->position);
    store_bind_int(q, 3, ev->time);
    store_bind_int(q, 4, a->c->recorded);
    store_bind_int(q, 5, m->run);
    store_bind_held(q, 6, buf_span(&m->id));
    static const char *const optional[] = {"test.code", "test.system", "test.text", "patient", "specimen", "units", "status", "observed_at"};
    for (int i = 0; i < 8; i++)
        store_bind_optional(q, 7 + i, event_text(ev, optional[i]));
    store_bind_held(q, 15, flags);
    store_bind_held(q, 16, search);
    for (int i = 0; i < 5; i++)
        if (!m->missing[i])
            store_bind_held(q, 17 + i, memo_text(m, i));
    store_bind_int(q, 22, m->src);
    store_bind_int(q, 23, m->place);
    store_bind_int(q, 24, m->awaited && event_text(ev, "specimen").n > 0);
    m->place++;
    return store_run(q, e);
}

int results_counted(struct apply *a, int64_t n, struct error *e)
{
    if (counter_add(a, "results", n, e) != 0)
        return -1;
    view_notice(a->v, TOPIC_RESULTS, SPAN_LIT(""), a->c->index);
    int64_t all = counter_now(a, "results", e);
    if (all / KEEP_SLACK == (all - n) / KEEP_SLACK)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM result WHERE n <= (SELECT max(n) FROM result) - ?1");
    store_bind_int(q, 1, KEEP_RESULTS);
    return store_run(q, e);
}

int result_apply(struct apply *a, struct error *e)
{
    struct buf search = BUF_INIT(2048);
    static const char *const searched[] = {"test.code", "test.text", "patient", "specimen"};
    if (ask_message(a, e) != 0)
        return -1;
    for (size_t i = 0; i < 4; i++)
        add_search(&search, event_text(&a->ev, searched[i]));
    add_search(&search, memo_text(&a->v->result, SENDER));
    struct buf flags = BUF_INIT(4096);
    flags_json(&a->ev, &flags);
    int rc = insert(a, buf_ok(&search) ? buf_span(&search) : SPAN_LIT(""), buf_ok(&flags) ? buf_span(&flags) : SPAN_LIT("[]"), e);
    buf_release(&search);
    buf_release(&flags);
    return rc != 0 || asset_saw_result(a, a->v->result.src, e) != 0 || results_counted(a, 1, e) != 0 ? -1 : 0;
}

/* ── reading ── */

/* ?1: text to search, null: all; ?2: sender, null: all; ?5: verdict, null: all; ?6: each result once. With one of the verdicts that stand in the
 * store, the rows are found by it. */
#define MATCHES                                                                                                                                      \
    "(?1 IS NULL OR instr(r.search, ?1) > 0) AND (?2 IS NULL OR r.sender = ?2) AND (?6 = 0 OR r.head IS NULL) AND (?5 IS NULL OR " RESULT_VERDICT    \
    " = ?5)"
#define MATCHES_ALL "(?1 IS NULL OR instr(r.search, ?1) > 0) AND (?2 IS NULL OR r.sender = ?2) AND (?6 = 0 OR r.head IS NULL)"
#define BY_STATE "r.head IS NULL AND r.state = ?5 AND (?1 IS NULL OR instr(r.search, ?1) > 0) AND (?2 IS NULL OR r.sender = ?2)"
#define LIST(where) "SELECT " RESULT_COLUMNS " FROM " RESULT_TABLES " WHERE r.n < ?3 AND " where " ORDER BY r.n DESC LIMIT ?4"

static bool by_state(const struct result_query *query)
{
    return query->first && query->verdict > CUSTODY_ONE_SIDED;
}

static void bind_filter(struct store_stmt *q, const struct result_query *query)
{
    if (query->search.n > 0)
        store_bind_text(q, 1, query->search);
    if (query->sender.n > 0)
        store_bind_text(q, 2, query->sender);
    if (query->verdict >= 0)
        store_bind_int(q, 5, query->verdict);
    if (!by_state(query))
        store_bind_int(q, 6, query->first);
}

void result_row_of(struct store_stmt *q, struct result_row *row)
{
    *row = (struct result_row){
        .n = store_int(q, 0),
        .record = (uint64_t)store_int(q, 1),
        .position = (uint32_t)store_int(q, 2),
        .time = store_int(q, 3),
        .recorded = store_int(q, 4),
        .sender = store_text(q, 5),
        .sender_device = store_text(q, 6),
        .receiver = store_text(q, 7),
        .test_code = store_text(q, 8),
        .test_system = store_text(q, 9),
        .test_text = store_text(q, 10),
        .patient = store_text(q, 11),
        .specimen = store_text(q, 12),
        .units = store_text(q, 13),
        .status = store_text(q, 14),
        .observed_at = store_text(q, 15),
        .flags = store_text(q, 16),
        .message = store_text(q, 17),
        .protocol = store_text(q, 18),
        .type = store_text(q, 19),
        .control_id = store_text(q, 20),
        .state = (int)store_int(q, 21),
        .why = store_text(q, 22),
        .part = store_text(q, 23),
        .finding = store_text(q, 24),
        .received = store_int(q, 25),
        .forwarded = store_is_null(q, 26) ? -1 : store_int(q, 26),
        .step = store_text(q, 27),
        .changed = store_text(q, 28),
        .message_record = store_is_null(q, 30) ? -1 : store_int(q, 30),
        .receiver_device = store_text(q, 31),
        .told = store_is_null(q, 32) ? -1 : store_int(q, 32),
        .link = store_text(q, 33),
        .leg = store_text(q, 34),
        .sender_title = store_text(q, 35),
        .receiver_title = store_text(q, 36),
    };
    if (row->why.n == 0)
        row->why = row->state == CUSTODY_PENDING ? SPAN_LIT("awaited") : SPAN_LIT("once");
}

int result_list(struct store_conn *c, const struct result_query *query, result_each *each, void *context, struct error *e)
{
    struct store_stmt *q = by_state(query) ? store_stmt(c, LIST(BY_STATE)) : store_stmt(c, LIST(MATCHES));
    bind_filter(q, query);
    store_bind_int(q, 3, query->before > 0 ? query->before : INT64_MAX);
    store_bind_int(q, 4, query->limit);
    struct result_row row;
    while (store_step(q)) {
        result_row_of(q, &row);
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t result_total(struct store_conn *c, const struct result_query *query, struct error *e)
{
    if (query->first && query->search.n == 0 && query->sender.n == 0) { /* all of them, or all of a verdict: they are counted already */
        struct custody_summary s;
        if (custody_summary(c, &s, e) != 0)
            return -1;
        return query->verdict < 0 ? s.total : s.of[query->verdict];
    }
    struct store_stmt *q = query->verdict < 0 ? store_stmt(c, "SELECT count(*) FROM result AS r WHERE " MATCHES_ALL)
                           : by_state(query)  ? store_stmt(c, "SELECT count(*) FROM result AS r WHERE " BY_STATE)
                                              : store_stmt(c, "SELECT count(*) FROM " RESULT_TABLES " WHERE " MATCHES);
    bind_filter(q, query);
    return store_run_int(q, -1, e);
}
