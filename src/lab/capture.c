#include "lab/capture.h"

#include "lab/views_private.h"

static void tell(struct apply *a, struct span name)
{
    view_notice(a->v, TOPIC_SENSOR, name.n < VIEW_ID ? name : SPAN_LIT(""), a->c->index);
    view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
}

int capture_apply_started(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "capture");
    if (name.n == 0)
        return 0;
    tell(a, name);
    struct store_stmt *q = store_stmt(
        a->w, "INSERT INTO capture(name, state, changed) SELECT ?1, 'reading', ?2 WHERE (SELECT count(*) FROM capture) < ?3 "
              "OR EXISTS (SELECT 1 FROM capture WHERE name = ?1) ON CONFLICT(name) DO UPDATE SET state = 'reading', changed = ?2, why = NULL, "
              "back_at = CASE WHEN state = 'failed' THEN ?4 ELSE back_at END");
    store_bind_int(q, 4, a->ev.time);
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_int(q, 3, KEEP_CAPTURES);
    return store_run(q, e);
}

/* Brings the last counters; `why` says why it could not be read to its end. */
int capture_apply_ended(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "capture");
    bool failed = event_text(&a->ev, "why").n > 0;
    if (capture_apply_status(a, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE capture SET failures = failures + (?2 = 'failed' AND state <> 'failed'), failed_at = CASE WHEN ?2 = "
                                      "'failed' AND state <> 'failed' THEN ?4 ELSE failed_at END, state = ?2, changed = ?3 WHERE name = ?1");
    store_bind_text(q, 1, name);
    store_bind_str(q, 2, failed ? "failed" : "ended");
    store_bind_int(q, 3, (int64_t)a->c->index);
    store_bind_int(q, 4, a->ev.time);
    return store_run(q, e) != 0 ? -1 : custody_stopped(a, e);
}

/* Counters of a sensor are totals since its start: the newest stand for all before. `reason` of a sensor.status says what was dropped. Who counts is
 * reading, whatever was said of the sensor before. */
int capture_apply_status(struct apply *a, struct error *e)
{
    struct span name = event_text(&a->ev, "capture");
    if (name.n == 0)
        return 0;
    tell(a, name);
    struct store_stmt *q = store_stmt(
        a->w,
        "INSERT INTO capture SELECT ?1, 'reading', ?2, ?3, ?4, ?5, ?6, nullif(?7, 0), nullif(?8, 0), ?9, nullif(?11, ''), ?12, ?13, "
        "iif(?5 > 0, ?14, NULL), iif(?5 > 0, ?14, NULL), 0, NULL, NULL, ?16, ?17 WHERE (SELECT count(*) FROM capture) < ?10 OR EXISTS (SELECT 1 FROM "
        "capture WHERE name = ?1) "
        "ON CONFLICT(name) DO UPDATE SET packets = excluded.packets, bytes = excluded.bytes, flows = excluded.flows, "
        "dropped = excluded.dropped, damaged = excluded.damaged, first_time = coalesce(excluded.first_time, first_time), "
        "last_time = coalesce(excluded.last_time, last_time), changed = excluded.changed, why = excluded.why, "
        "state = iif(?15, 'reading', state), "
        "dropped_flows = excluded.dropped_flows, dropped_lab = excluded.dropped_lab, shed_bulk = excluded.shed_bulk, shed_other = "
        "excluded.shed_other, "
        "dropped_first = iif(excluded.dropped = 0, NULL, coalesce(dropped_first, excluded.dropped_first)), "
        "dropped_last = iif(excluded.dropped > dropped, excluded.dropped_last, iif(excluded.dropped = 0, NULL, dropped_last))");
    bool counts = a->ev.event == EVENT_SENSOR_STATUS;
    struct span why = event_text(&a->ev, counts ? "reason" : "why");
    store_bind_int(q, 15, counts);
    store_bind_text(q, 1, name);
    store_bind_text(q, 11, why.n > 0 ? why : SPAN_LIT(""));
    static const char *const counters[] = {"packets", "bytes", "flows", "dropped", "damaged"};
    for (int i = 0; i < 5; i++)
        store_bind_int(q, 2 + i, event_int(&a->ev, counters[i], 0));
    store_bind_int(q, 7, event_when(&a->ev, "first_time"));
    store_bind_int(q, 8, event_when(&a->ev, "last_time"));
    store_bind_int(q, 9, (int64_t)a->c->index);
    store_bind_int(q, 10, KEEP_CAPTURES);
    store_bind_int(q, 12, event_int(&a->ev, "dropped_flows", 0));
    store_bind_int(q, 13, event_int(&a->ev, "dropped_lab", 0));
    store_bind_int(q, 14, a->ev.time);
    store_bind_int(q, 16, event_int(&a->ev, "shed_bulk", 0));
    store_bind_int(q, 17, event_int(&a->ev, "shed_other", 0));
    return store_run(q, e);
}

/* The program started or stopped: what still counts as being read was cut off. A start opens a new run: ids of messages begin anew, and what could
 * not be read before is told again, if it still is to be read. */
int capture_apply_run(struct apply *a, struct error *e)
{
    if (a->ev.event == EVENT_RUN_STARTED && counter_add(a, "runs", 1, e) != 0)
        return -1;
    tell(a, SPAN_LIT(""));
    struct store_stmt *q = store_stmt(a->w, "UPDATE capture SET state = 'ended', changed = ?1, failures = iif(?2, 0, failures), "
                                            "failed_at = iif(?2, NULL, failed_at), back_at = iif(?2, NULL, back_at) "
                                            "WHERE state = 'reading' OR ?2");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->ev.event == EVENT_RUN_STARTED);
    return store_run(q, e) != 0 ? -1 : custody_stopped(a, e);
}

int capture_list(struct store_conn *c, capture_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT name, state, packets, bytes, flows, dropped, damaged, first_time, last_time, why, dropped_flows, dropped_lab, failures, "
           "dropped_first, dropped_last, failed_at, back_at, shed_bulk, shed_other FROM capture ORDER BY changed DESC, name");
    while (store_step(q)) {
        struct capture_row row = {
            .name = store_text(q, 0),
            .state = store_text(q, 1),
            .packets = store_int(q, 2),
            .bytes = store_int(q, 3),
            .flows = store_int(q, 4),
            .dropped = store_int(q, 5),
            .damaged = store_int(q, 6),
            .first_time = store_int(q, 7),
            .last_time = store_int(q, 8),
            .why = store_text(q, 9),
            .dropped_flows = store_int(q, 10),
            .dropped_lab = store_int(q, 11),
            .failures = store_int(q, 12),
            .dropped_first = store_int(q, 13),
            .dropped_last = store_int(q, 14),
            .failed_at = store_int(q, 15),
            .back_at = store_int(q, 16),
            .shed_bulk = store_int(q, 17),
            .shed_other = store_int(q, 18),
        };
        each(context, &row);
    }
    return store_done(q, e);
}
