#include "lab/inventory/message.h"

#include "lab/views_private.h"

#include <stdio.h>

int message_direction(struct span id)
{
    (void)span_until(&id, '.', NULL);
    bool more = false;
    struct span direction = span_until(&id, '.', &more);
    return more && span_is(direction, "1") ? 1 : 0;
}

static int insert(struct apply *a, int64_t run, int64_t src, int64_t dst, struct error *e)
{
    const struct event_view *ev = &a->ev;
    struct buf flow = BUF_INIT(1024);
    event_json(ev, "flow", &flow);
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT INTO message(run, id, record, position, time, protocol, type, control_id, sender, receiver, version, charset, "
        "results, bytes, malformed, ack_code, ack_for, flow, src, dst, link, leg, side, verdict) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, nullif(?19, 0), nullif(?20, 0), ?21, ?22, ?23, "
        "?24)");
    store_bind_int(q, 1, run);
    store_bind_held(q, 2, event_text(ev, "id"));
    store_bind_int(q, 3, (int64_t)a->c->index);
    store_bind_int(q, 4, a->c->position);
    store_bind_int(q, 5, ev->time);
    store_bind_held(q, 6, event_text(ev, "protocol"));
    store_bind_held(q, 7, event_text(ev, "type"));
    static const char *const optional[] = {"control_id", "sender", "receiver", "version", "charset"};
    for (int i = 0; i < 5; i++)
        store_bind_optional(q, 8 + i, event_text(ev, optional[i]));
    store_bind_int(q, 13, event_int(ev, "results", 0));
    store_bind_int(q, 14, event_int(ev, "bytes", 0));
    store_bind_optional(q, 15, event_text(ev, "malformed"));
    store_bind_optional(q, 16, event_text(ev, "ack.code"));
    store_bind_optional(q, 17, event_text(ev, "ack.for"));
    store_bind_optional(q, 18, buf_ok(&flow) ? buf_span(&flow) : (struct span){0});
    store_bind_int(q, 19, src);
    store_bind_int(q, 20, dst);
    static const char *const of_link[] = {"link", "leg", "side", "policy"};
    for (int i = 0; i < 4; i++)
        store_bind_optional(q, 21 + i, event_text(ev, of_link[i]));
    int rc = store_run(q, e);
    buf_release(&flow);
    return rc;
}

/* Results that came before their message learn from it what it says about them. */
static int tell_results(struct apply *a, int64_t run, int64_t src, struct error *e)
{
    const struct event_view *ev = &a->ev;
    if (event_int(ev, "results", 0) == 0)
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE result SET protocol = ?3, type = ?4, control_id = ?5, sender = ?6, receiver = ?7, src = nullif(?8, 0), "
                                      "search = search || ' ' || lower(coalesce(?6, '')) WHERE run = ?1 AND message = ?2 AND protocol IS NULL");
    store_bind_int(q, 1, run);
    store_bind_held(q, 2, event_text(ev, "id"));
    store_bind_held(q, 3, event_text(ev, "protocol"));
    store_bind_held(q, 4, event_text(ev, "type"));
    store_bind_optional(q, 5, event_text(ev, "control_id"));
    store_bind_optional(q, 6, event_text(ev, "sender"));
    store_bind_optional(q, 7, event_text(ev, "receiver"));
    store_bind_int(q, 8, src);
    return store_run(q, e);
}

/* Results of a message that went on unchanged are those of the message that came, seen once more. */
static int repeat_results(struct apply *a, int64_t run, int64_t src, struct error *e)
{
    struct span from = event_text(&a->ev, "unchanged_from");
    if (from.n == 0)
        return 0;
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT INTO result(record, position, time, recorded, run, message, test_code, test_system, test_text, patient, specimen, units, status, "
        "observed_at, flags, protocol, type, control_id, sender, receiver, src, search, place, awaited) "
        "SELECT record, position, ?4, ?5, run, ?3, test_code, test_system, test_text, patient, specimen, units, status, observed_at, flags, "
        "protocol, type, control_id, sender, receiver, nullif(?6, 0), search, place, specimen IS NOT NULL AND EXISTS (SELECT 1 FROM followed "
        "WHERE followed.src = ?6) FROM result WHERE run = ?1 AND message = ?2 ORDER BY place");
    store_bind_int(q, 1, run);
    store_bind_held(q, 2, from);
    store_bind_held(q, 3, event_text(&a->ev, "id"));
    store_bind_int(q, 4, a->ev.time);
    store_bind_int(q, 5, a->c->recorded);
    store_bind_int(q, 6, src);
    return store_run(q, e) == 0 ? results_counted(a, event_int(&a->ev, "results", 0), e) : -1;
}

static int count(struct apply *a, struct error *e)
{
    int rc = counter_add(a, "messages", 1, e);
    if (rc == 0 && event_text(&a->ev, "malformed").n > 0)
        rc = counter_add(a, "malformed", 1, e);
    if (rc == 0 && event_int(&a->ev, "results", 0) > 0 && event_int(&a->ev, "tls", 0) == 0) /* what else the decoder could read was not encrypted */
        rc = counter_add(a, "messages_clear", 1, e);
    if (rc != 0 || counter_now(a, "messages", e) % KEEP_SLACK != 0)
        return rc;
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM message WHERE n <= (SELECT max(n) FROM message) - ?1");
    store_bind_int(q, 1, KEEP_MESSAGES);
    return store_run(q, e);
}

int message_apply(struct apply *a, struct error *e)
{
    bool back = message_direction(event_text(&a->ev, "id")) == 1;
    struct asset_traffic t = {
        .protocol = event_text(&a->ev, "protocol"),
        .sender = event_text(&a->ev, "sender"),
        .receiver = event_text(&a->ev, "receiver"),
        .port = back ? event_int(&a->ev, "flow.dport", 0) : 0,
        .results = event_int(&a->ev, "results", 0),
        .ack = event_text(&a->ev, "ack.code").n > 0,
    };
    if (asset_at(a, event_text(&a->ev, back ? "flow.dst" : "flow.src"), &t.from, e) != 0 ||
        asset_at(a, event_text(&a->ev, back ? "flow.src" : "flow.dst"), &t.to, e) != 0 || asset_saw_message(a, &t, e) != 0)
        return -1;
    char tls[32];
    struct span app = t.protocol;
    if (event_int(&a->ev, "tls", 0) != 0) {
        (void)snprintf(tls, sizeof tls, "tls.%.*s", (int)(t.protocol.n < 16 ? t.protocol.n : 16), (const char *)t.protocol.p);
        app = span_str(tls);
    }
    struct conversation talk = {.src = event_text(&a->ev, "flow.src"),
                                .dst = event_text(&a->ev, "flow.dst"),
                                .app = app,
                                .a = back ? t.to : t.from,
                                .b = back ? t.from : t.to,
                                .messages = 1};
    if (conversation_add(a, &talk, e) != 0)
        return -1;
    int64_t run = counter_now(a, "runs", e);
    if (insert(a, run, t.from, t.to, e) != 0 || link_apply_message(a, e) != 0 || tell_results(a, run, t.from, e) != 0 ||
        repeat_results(a, run, t.from, e) != 0 || count(a, e) != 0)
        return -1;
    view_notice(a->v, TOPIC_RESULTS, SPAN_LIT(""), a->c->index);
    view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
    return 0;
}

int message_list(struct store_conn *c, int64_t before, int64_t limit, message_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT n, record, position, time, id, protocol, type, control_id, sender, receiver, version, charset, malformed, "
           "ack_code, ack_for, flow, results, bytes, link, leg, side, verdict FROM message WHERE n < ?1 ORDER BY n DESC LIMIT ?2");
    store_bind_int(q, 1, before > 0 ? before : INT64_MAX);
    store_bind_int(q, 2, limit);
    while (store_step(q)) {
        struct message_row row = {
            .n = store_int(q, 0),
            .record = (uint64_t)store_int(q, 1),
            .position = (uint32_t)store_int(q, 2),
            .time = store_int(q, 3),
            .id = store_text(q, 4),
            .protocol = store_text(q, 5),
            .type = store_text(q, 6),
            .control_id = store_text(q, 7),
            .sender = store_text(q, 8),
            .receiver = store_text(q, 9),
            .version = store_text(q, 10),
            .charset = store_text(q, 11),
            .malformed = store_text(q, 12),
            .ack_code = store_text(q, 13),
            .ack_for = store_text(q, 14),
            .flow = store_text(q, 15),
            .results = store_int(q, 16),
            .bytes = store_int(q, 17),
            .link = store_text(q, 18),
            .leg = store_text(q, 19),
            .side = store_text(q, 20),
            .verdict = store_text(q, 21),
        };
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t message_total(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM message"), -1, e);
}

int64_t message_of_result(struct store_conn *c, uint64_t result, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT message.record FROM result JOIN message ON message.run = result.run AND message.id = result.message "
                                         "WHERE result.record = ?1 ORDER BY result.n LIMIT 1");
    store_bind_int(q, 1, (int64_t)result);
    return store_run_int(q, -1, e);
}

int64_t message_by_id(struct store_conn *c, struct span id, uint64_t before, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT record FROM message WHERE id = ?1 AND record < ?2 ORDER BY n DESC LIMIT 1");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, (int64_t)before);
    return store_run_int(q, -1, e);
}

int64_t message_of_same_result(struct store_conn *c, uint64_t message, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT earlier.record FROM message AS this JOIN result AS r ON r.run = this.run AND r.message = this.id "
           "JOIN result AS same ON same.specimen = r.specimen AND same.test_code IS r.test_code AND same.test_system IS r.test_system "
           "AND same.observed_at IS r.observed_at AND same.n < r.n AND NOT (same.run = r.run AND same.message = r.message) "
           "JOIN message AS earlier ON earlier.run = same.run AND earlier.id = same.message "
           "WHERE this.record = ?1 ORDER BY earlier.n DESC LIMIT 1");
    store_bind_int(q, 1, (int64_t)message);
    return store_run_int(q, -1, e);
}

void message_patient(struct store_conn *c, uint64_t message, char out[MESSAGE_PATIENT])
{
    out[0] = 0;
    struct store_stmt *q = store_stmt(c, "SELECT max(patient) FROM message JOIN result ON result.run = message.run AND result.message = message.id "
                                         "WHERE message.record = ?1 HAVING count(DISTINCT patient) = 1");
    store_bind_int(q, 1, (int64_t)message);
    if (store_step(q)) {
        struct span patient = store_text(q, 0);
        if (patient.n < MESSAGE_PATIENT) {
            memcpy(out, patient.p, patient.n);
            out[patient.n] = 0;
        }
    }
    (void)store_done(q, NULL);
}
