#include "lab/link_view.h"

#include "lab/views_private.h"

#define KEEP_LINKS 1000
#define KEEP_QUEUE 1000000
#define KEEP_ASIDE 1000 /* of a link, the newest */

/* "RUN.NUMBER" */
static bool seq_of(struct span text, struct span *ret_run, int64_t *ret_seq)
{
    bool more = false;
    uint64_t seq;
    *ret_run = span_until(&text, '.', &more);
    if (!more || ret_run->n != 8 || !span_decimal(text, INT64_MAX, &seq))
        return false;
    *ret_seq = (int64_t)seq;
    return true;
}

static void tell(struct apply *a, struct span name)
{
    view_notice(a->v, TOPIC_LINKS, name.n < VIEW_ID ? name : SPAN_LIT(""), a->c->index);
}

int link_have_row(struct apply *a, struct span name, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO link(name, changed) SELECT ?1, ?2 WHERE (SELECT count(*) FROM link) < ?3 ON CONFLICT(name) DO "
                                      "UPDATE SET changed = ?2");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, KEEP_LINKS);
    return store_run(q, e);
}

int link_apply_state(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "link");
    if (name.n == 0 || link_have_row(a, name, e) != 0)
        return name.n == 0 ? 0 : -1;
    struct store_stmt *q = store_stmt(a->w, "UPDATE link SET state = ?2, state_at = ?3 WHERE name = ?1");
    store_bind_text(q, 1, name);
    store_bind_text(q, 2, event_text(&a->ev, "state"));
    store_bind_int(q, 3, a->ev.time);
    tell(a, name);
    return store_run(q, e);
}

int link_apply_decision(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "link");
    if (name.n == 0 || link_have_row(a, name, e) != 0)
        return name.n == 0 ? 0 : -1;
    struct store_stmt *q = a->ev.event == EVENT_LINK_BYPASSED
                               ? store_stmt(a->w,
                                            "UPDATE link SET bypassed = ?2, decided_by = nullif(?3, ''), decided_why = nullif(?4, ''), decided_at = "
                                            "?5 WHERE name = ?1")
                               : store_stmt(a->w,
                                            "UPDATE link SET held = ?2, doubt = ?2 AND (doubt OR ?6), decided_by = nullif(?3, ''), decided_why = "
                                            "nullif(?4, ''), decided_at = ?5 WHERE name = ?1");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, event_int(&a->ev, "on", 0) != 0);
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, a->ev.time);
    if (a->ev.event != EVENT_LINK_BYPASSED) /* who is in doubt stays so, whatever the next one holds it for */
        store_bind_int(q, 6, span_is(event_text(&a->ev, "kind"), "doubt"));
    tell(a, name);
    return store_run(q, e);
}

/* A message that was forwarded to the LIS: of a link that delivers in order it is the first of the queue. */
static int note_sent(struct apply *a, struct span link, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE link_queue SET sent = 1 WHERE record = (SELECT min(record) FROM link_queue WHERE link = ?1)");
    store_bind_text(q, 1, link);
    return store_run(q, e);
}

int link_apply_message(struct apply *a, struct error *e)
{
    struct span link = event_text(&a->ev, "link");
    struct span run;
    int64_t seq;
    if (link.n == 0)
        return 0;
    bool lis = span_is(event_text(&a->ev, "side"), "lis");
    if (lis && span_is(event_text(&a->ev, "leg"), "forwarded") && event_text(&a->ev, "ack.code").n == 0)
        return note_sent(a, link, e);
    if (event_int(&a->ev, "queued", 0) == 0 || !seq_of(event_text(&a->ev, "link_seq"), &run, &seq))
        return 0;
    struct store_stmt *q = store_stmt(
        a->w, "INSERT OR IGNORE INTO link_queue SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, nullif(?8, ''), nullif(?9, ''), ?10 WHERE (SELECT "
              "count(*) FROM link_queue) < ?7");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_text(q, 2, link);
    store_bind_text(q, 3, run);
    store_bind_int(q, 4, seq);
    store_bind_int(q, 5, a->ev.time);
    store_bind_int(q, 6, event_int(&a->ev, "bytes", 0));
    store_bind_int(q, 7, KEEP_QUEUE);
    store_bind_text(q, 8, event_text(&a->ev, "type"));
    store_bind_text(q, 9, event_text(&a->ev, "control_id"));
    store_bind_int(q, 10, event_int(&a->ev, "results", 0));
    return store_run(q, e);
}

/* The LIS refused it for good: it waits for a person. */
static int put_aside(struct apply *a, struct span link, int64_t record, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT OR IGNORE INTO link_aside SELECT record, link, time, ?2, type, control_id, results FROM link_queue "
                                      "WHERE record = ?1");
    store_bind_int(q, 1, record);
    store_bind_int(q, 2, a->ev.time);
    if (store_run(q, e) != 0)
        return -1;
    tell(a, link);
    q = store_stmt(a->w, "DELETE FROM link_aside WHERE link = ?1 AND record <= (SELECT record FROM link_aside WHERE link = ?1 ORDER BY record DESC "
                         "LIMIT 1 OFFSET ?2)");
    store_bind_text(q, 1, link);
    store_bind_int(q, 2, KEEP_ASIDE);
    return store_run(q, e);
}

/* The record of the message that needs no more delivery; -1: it does not wait. */
static int64_t delivered(struct apply *a, struct span link, struct error *e)
{
    struct span run;
    int64_t seq;
    int64_t record = event_int(&a->ev, "of_record", -1);
    struct store_stmt *q;
    if (record >= 0) {
        q = store_stmt(a->w, "SELECT record FROM link_queue WHERE record = ?1 AND link = ?2");
        store_bind_int(q, 1, record);
        store_bind_text(q, 2, link);
        return store_run_int(q, -1, e);
    }
    if (!seq_of(event_text(&a->ev, "of"), &run, &seq))
        return -1;
    q = store_stmt(a->w, "SELECT record FROM link_queue WHERE link = ?1 AND run = ?2 AND seq <= ?3 ORDER BY seq DESC LIMIT 1");
    store_bind_text(q, 1, link);
    store_bind_text(q, 2, run);
    store_bind_int(q, 3, seq);
    return store_run_int(q, -1, e);
}

int link_apply_delivered(struct apply *a, struct error *e)
{
    struct error why = {0};
    struct span link = event_text(&a->ev, "link");
    int64_t record = delivered(a, link, &why);
    if (why.class != ERR_NONE) {
        *e = why;
        return -1;
    }
    if (record < 0)
        return 0;
    if (span_is(event_text(&a->ev, "state"), "given up") && put_aside(a, link, record, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM link_queue WHERE record = ?1");
    store_bind_int(q, 1, record);
    return store_run(q, e);
}

int link_apply_seen(struct apply *a, struct error *e)
{
    struct span run;
    int64_t seq;
    if (!seq_of(event_text(&a->ev, "link_seq"), &run, &seq))
        return 0;
    struct keeper_views *v = a->v;
    if (v->link_seq > 0 && !span_is(run, v->link_run) && link_keep_seen(v, e) != 0)
        return -1;
    memcpy(v->link_run, run.p, run.n);
    v->link_seq = seq > v->link_seq ? seq : v->link_seq;
    return 0;
}

int link_keep_seen(struct keeper_views *v, struct error *e)
{
    if (v->link_seq == 0)
        return 0;
    struct store_stmt *q = store_stmt(v->w,
                                      "INSERT INTO link_seen VALUES (1, ?1, ?2) ON CONFLICT(one) DO UPDATE SET seq = iif(run = ?1, max(seq, ?2), "
                                      "?2), run = ?1");
    store_bind_str(q, 1, v->link_run);
    store_bind_int(q, 2, v->link_seq);
    v->link_seq = 0;
    return store_run(q, e);
}

/* ── reading ── */

int link_list(struct store_conn *c, struct span name, link_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT name, state, state_at, bypassed, held, decided_by, decided_why, decided_at, proposed_at, policy_by, "
                                         "policy_at, changed, learn_from, learn_size, learn_rate, unknown, allow_size, allow_rate, doubt FROM link "
                                         "WHERE ?1 = '' OR name = ?1 ORDER BY name");
    store_bind_text(q, 1, name);
    while (store_step(q)) {
        struct link_row row = {.name = store_text(q, 0),
                               .state = store_text(q, 1),
                               .state_at = store_int(q, 2),
                               .bypassed = store_int(q, 3) != 0,
                               .held = store_int(q, 4) != 0,
                               .decided_by = store_text(q, 5),
                               .decided_why = store_text(q, 6),
                               .decided_at = store_int(q, 7),
                               .proposed_at = store_int(q, 8),
                               .policy_by = store_text(q, 9),
                               .policy_at = store_int(q, 10),
                               .changed = (uint64_t)store_int(q, 11),
                               .learn_from = store_int(q, 12),
                               .learn_size = store_int(q, 13),
                               .learn_rate = store_int(q, 14),
                               .unknown = store_text(q, 15),
                               .allow_size = store_int(q, 16),
                               .allow_rate = store_int(q, 17),
                               .doubt = store_int(q, 18) != 0};
        each(context, &row);
    }
    return store_done(q, e);
}

int link_messages(struct store_conn *c, struct span name, int64_t limit, link_message_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT m.record, m.time, m.type, m.control_id, m.results, m.verdict, (SELECT ack_code FROM message AS k "
                                         "WHERE k.link = m.link AND k.ack_for = "
                                         "m.control_id AND k.n BETWEEN m.n AND m.n + 1000 AND k.side = 'analyzer' ORDER BY k.n LIMIT 1) FROM message "
                                         "AS m WHERE m.link = ?1 AND m.side = "
                                         "'analyzer' AND m.leg = 'received' AND m.ack_code IS NULL ORDER BY m.n DESC LIMIT ?2");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, limit);
    while (store_step(q)) {
        struct link_message m = {.record = (uint64_t)store_int(q, 0),
                                 .time = store_int(q, 1),
                                 .type = store_text(q, 2),
                                 .control_id = store_text(q, 3),
                                 .results = store_int(q, 4),
                                 .verdict = store_text(q, 5),
                                 .answer = store_text(q, 6)};
        each(context, &m);
    }
    return store_done(q, e);
}

int link_put_aside(struct store_conn *c, struct span name, tq_time since, int64_t limit, link_aside_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT record, time, refused_at, type, control_id, results FROM link_aside WHERE link = ?1 AND refused_at >= ?2 "
           "ORDER BY record DESC LIMIT ?3");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, since);
    store_bind_int(q, 3, limit);
    while (store_step(q)) {
        struct link_aside m = {.record = (uint64_t)store_int(q, 0),
                               .time = store_int(q, 1),
                               .refused = store_int(q, 2),
                               .type = store_text(q, 3),
                               .control_id = store_text(q, 4),
                               .results = store_int(q, 5)};
        each(context, &m);
    }
    return store_done(q, e);
}

int link_queue(struct store_conn *c, int64_t after, int64_t limit, link_waiting_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT record, link, run, seq, sent, time FROM link_queue WHERE record > ?1 ORDER BY record LIMIT ?2");
    store_bind_int(q, 1, after);
    store_bind_int(q, 2, limit);
    while (store_step(q)) {
        struct link_waiting w = {.record = (uint64_t)store_int(q, 0),
                                 .link = store_text(q, 1),
                                 .run = store_text(q, 2),
                                 .seq = (uint64_t)store_int(q, 3),
                                 .sent = store_int(q, 4) != 0,
                                 .time = store_int(q, 5)};
        each(context, &w);
    }
    return store_done(q, e);
}

uint64_t link_last_seq(struct store_conn *c, const char run[9])
{
    struct store_stmt *q = store_stmt(c, "SELECT seq FROM link_seen WHERE run = ?1");
    store_bind_str(q, 1, run);
    return (uint64_t)store_run_int(q, 0, NULL);
}

void link_device(struct store_conn *c, const char *ip, char out[40])
{
    struct store_stmt *q = store_stmt(
        c, "SELECT shown.id FROM asset_address JOIN asset ON asset.n = asset_address.asset JOIN asset AS shown ON shown.n = "
           "asset.root WHERE kind = 'ip' AND value = ?1 AND now = 1");
    out[0] = 0;
    store_bind_str(q, 1, ip);
    if (ip[0] != 0 && store_step(q) && store_text(q, 0).n < 40) {
        struct span id = store_text(q, 0);
        memcpy(out, id.p, id.n);
        out[id.n] = 0;
    }
    (void)store_done(q, NULL);
}
