/* Doors as they follow from records: what people and the firewall say, and what sensors see at the device meanwhile. */
#include "lab/door.h"

#include "lab/views_private.h"

#define KEEP_DOORS 5000
#define KEEP_FLOWS 100   /* of one door: the first */
#define KEEP_CHANGES 100 /* the same */
#define KEEP_STANDING 500
#define LATE                                                                                                                                         \
    (INT64_C(3600) * TIME_SECOND) /* a conversation is told when it has ended: so long after a door's end is looked for those that began before */

static void tell(struct apply *a, struct span id)
{
    view_notice(a->v, TOPIC_DOORS, id, a->c->index);
}

static int one_text(struct store_stmt *q, struct buf *out, struct error *e)
{
    if (store_step(q))
        buf_add_span(out, store_text(q, 0));
    return store_done(q, e);
}

/* ── asking, deciding, opening, closing ── */

int door_apply_asked(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "door");
    if (id.n != DOOR_ID - 1)
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT OR IGNORE INTO door(id, state, asset, address, source, service, proto, port, minutes, maker, asked_by, "
                                      "asked_at, why, changed) VALUES (?1, 'asked', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, event_text(&a->ev, "asset"));
    store_bind_text(q, 3, event_text(&a->ev, "address"));
    store_bind_text(q, 4, event_text(&a->ev, "from"));
    store_bind_text(q, 5, event_text(&a->ev, "service"));
    store_bind_int(q, 6, event_int(&a->ev, "proto", 0));
    store_bind_int(q, 7, event_int(&a->ev, "port", 0));
    store_bind_int(q, 8, event_int(&a->ev, "minutes", 0));
    store_bind_text(q, 9, event_text(&a->ev, "for_maker"));
    struct span account = event_text(&a->ev, "account"); /* asked for somebody, at the local socket */
    store_bind_text(q, 10, account.n > 0 ? account : event_text(&a->ev, "person"));
    store_bind_int(q, 11, a->ev.time);
    store_bind_text(q, 12, event_text(&a->ev, "why"));
    store_bind_int(q, 13, (int64_t)a->c->index);
    if (store_run(q, e) != 0)
        return -1;
    tell(a, id);
    if (counter_add(a, "doors", 1, e) != 0)
        return -1;
    if (counter_now(a, "doors", e) <= KEEP_DOORS + KEEP_SLACK)
        return 0;
    static const char *const cuts[] = {"door_flow", "door_change"};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        q = i == 0 ? store_stmt(a->w, "DELETE FROM door_flow WHERE door <= (SELECT n FROM door ORDER BY n DESC LIMIT 1 OFFSET ?1)")
                   : store_stmt(a->w, "DELETE FROM door_change WHERE door <= (SELECT n FROM door ORDER BY n DESC LIMIT 1 OFFSET ?1)");
        store_bind_int(q, 1, KEEP_DOORS);
        if (store_run(q, e) != 0)
            return -1;
    }
    q = store_stmt(a->w, "DELETE FROM door WHERE n <= (SELECT n FROM door ORDER BY n DESC LIMIT 1 OFFSET ?1)");
    store_bind_int(q, 1, KEEP_DOORS);
    return store_run(q, e) != 0 ? -1 : counter_add(a, "doors", -KEEP_SLACK - 1, e);
}

/* What is known of the device: the fields that say which it is and what runs on it, a line each. */
#define KNOWN                                                                                                                                        \
    "coalesce(shown.maker, '') || char(10) || coalesce(shown.model, '') || char(10) || coalesce(shown.serial, '') || char(10) || "                   \
    "coalesce(shown.software, '') || char(10) || coalesce(shown.os, '') || char(10) || coalesce(shown.hostname, '')"
static const char *const known_fields[] = {"maker", "model", "serial", "software", "os", "hostname"};

static int decided(struct apply *a, struct span id, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE door SET decided_by = ?2, decided_at = ?3, decided_why = ?4, until = ?5 WHERE id = ?1");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, event_text(&a->ev, "person"));
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, event_when(&a->ev, "until"));
    return store_run(q, e);
}

static int withdrawn(struct apply *a, struct span id, bool ends, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE door SET withdrawn_by = ?2, withdrawn_at = ?3, withdrawn_why = ?4, closed_at = iif(?5, ?3, closed_at), "
                                      "ended = iif(?5, 'withdrawn', ended) WHERE id = ?1 AND withdrawn_at = 0");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, event_text(&a->ev, "person"));
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, ends);
    return store_run(q, e);
}

static int opened(struct apply *a, struct span id, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE door SET opened_at = ?2, was = coalesce((SELECT " KNOWN " FROM asset AS a JOIN asset AS shown ON "
                                            "shown.n = a.root WHERE a.id = door.asset), '') WHERE id = ?1");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, a->ev.time);
    return store_run(q, e);
}

static int closed(struct apply *a, struct span id, struct error *e)
{
    bool counted = event_int(&a->ev, "packets", -1) >= 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE door SET closed_at = ?2, ended = ?3, ended_why = ?4, packets = ?5, bytes_up = ?6, bytes_down = ?7 "
                                      "WHERE id = ?1");
    store_bind_text(q, 1, id);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "reason"));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    if (!counted) {
        store_bind_null(q, 5);
        store_bind_null(q, 6);
        store_bind_null(q, 7);
    } else {
        store_bind_int(q, 5, event_int(&a->ev, "packets", 0));
        store_bind_int(q, 6, event_int(&a->ev, "bytes_up", 0));
        store_bind_int(q, 7, event_int(&a->ev, "bytes_down", 0));
    }
    return store_run(q, e);
}

int door_apply_step(struct apply *a, struct error *e)
{
    struct span id = event_text(&a->ev, "door");
    struct buf state = BUF_INIT(32);
    struct store_stmt *q = store_stmt(a->w, "SELECT state FROM door WHERE id = ?1");
    store_bind_text(q, 1, id);
    int rc = one_text(q, &state, e);
    enum door_state next = rc != 0 ? DOOR_NONE : door_next(door_state_of(buf_span(&state)), (int)a->ev.event);
    buf_release(&state);
    if (rc != 0 || next == DOOR_NONE)
        return rc;
    switch (a->ev.event) {
    case EVENT_DOOR_APPROVED:
    case EVENT_DOOR_REFUSED: rc = decided(a, id, e); break;
    case EVENT_DOOR_WITHDRAWN: rc = withdrawn(a, id, next == DOOR_CLOSED, e); break;
    case EVENT_DOOR_OPENED: rc = opened(a, id, e); break;
    default: rc = closed(a, id, e); break;
    }
    if (rc != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE door SET state = ?2, changed = ?3 WHERE id = ?1");
    store_bind_text(q, 1, id);
    store_bind_str(q, 2, door_state_name(next));
    store_bind_int(q, 3, (int64_t)a->c->index);
    a->v->doors_known = false;
    tell(a, id);
    return store_run(q, e);
}

/* ── what sensors see meanwhile ── */

/* Until when records of sensors may belong to a door: most of the time there is none, and no row is looked for. */
static tq_time doors_until(struct apply *a, struct error *e, int *rc)
{
    struct keeper_views *v = a->v;
    if (v->doors_known)
        return v->doors_until;
    struct error own = {0};
    int64_t open = store_run_int(store_stmt(a->w, "SELECT count(*) FROM door WHERE state = 'open'"), 0, &own);
    int64_t last = store_run_int(store_stmt(a->w, "SELECT coalesce(max(closed_at), 0) FROM door WHERE opened_at > 0"), 0, &own);
    if (own.class != ERR_NONE) {
        *e = own;
        *rc = -1;
        return 0;
    }
    v->doors_until = open > 0 ? INT64_MAX : last == 0 ? 0 : last + LATE;
    v->doors_known = true;
    return v->doors_until;
}

/* The door that is, or was, open for this device at that time; 0: none. source empty: whoever's. */
static int64_t door_of(struct apply *a, struct span address, struct span source, tq_time began, tq_time ended, int *rc, struct error *e)
{
    struct error own = {0};
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT n FROM door WHERE address = ?1 AND opened_at > 0 AND opened_at <= ?3 AND (closed_at = 0 OR closed_at "
                                      ">= ?2) AND (?4 = '' OR source = ?4) ORDER BY n DESC LIMIT 1");
    store_bind_text(q, 1, address);
    store_bind_int(q, 2, began);
    store_bind_int(q, 3, ended);
    store_bind_text(q, 4, source);
    int64_t n = store_run_int(q, 0, &own);
    if (own.class != ERR_NONE) {
        *e = own;
        *rc = -1;
    }
    return n;
}

static int64_t proto_of(const struct apply *a)
{
    struct span word = event_text(&a->ev, "flow.proto");
    return span_is(word, "tcp") ? 6 : span_is(word, "udp") ? 17 : 0;
}

static int keep_flow(struct apply *a, int64_t door, tq_time began, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO door_flow(door, src, dst, proto, port, app, packets, bytes_up, bytes_down, began, ended, record) "
                                      "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 WHERE (SELECT count(*) FROM door_flow WHERE door = "
                                      "?1) < ?13");
    store_bind_int(q, 1, door);
    store_bind_text(q, 2, event_text(&a->ev, "flow.src"));
    store_bind_text(q, 3, event_text(&a->ev, "flow.dst"));
    store_bind_int(q, 4, proto_of(a));
    store_bind_int(q, 5, event_int(&a->ev, "flow.dport", 0));
    store_bind_text(q, 6, event_text(&a->ev, "app"));
    store_bind_int(q, 7, event_int(&a->ev, "packets", 0));
    store_bind_int(q, 8, event_int(&a->ev, "bytes_up", 0));
    store_bind_int(q, 9, event_int(&a->ev, "bytes_down", 0));
    store_bind_int(q, 10, began);
    store_bind_int(q, 11, a->ev.time);
    store_bind_int(q, 12, (int64_t)a->c->index);
    store_bind_int(q, 13, KEEP_FLOWS);
    return store_run(q, e);
}

/* Remote access that no door explains: one row for each pair and port. */
static int keep_standing(struct apply *a, const char *what, tq_time began, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO door_standing(src, dst, port, app, first_seen, last_seen, count, flow, record) SELECT ?1, ?2, ?3, "
                                      "?4, ?5, ?6, 1, ?7, ?8 WHERE (SELECT count(*) FROM door_standing) "
                                      "< ?9 OR EXISTS (SELECT 1 FROM door_standing WHERE src = ?1 AND dst = ?2 AND port = ?3) ON CONFLICT DO UPDATE "
                                      "SET last_seen = max(last_seen, excluded.last_seen), count = count + 1");
    store_bind_text(q, 1, event_text(&a->ev, "flow.src"));
    store_bind_text(q, 2, event_text(&a->ev, "flow.dst"));
    store_bind_int(q, 3, event_int(&a->ev, "flow.dport", 0));
    store_bind_str(q, 4, what);
    store_bind_int(q, 5, began);
    store_bind_int(q, 6, a->ev.time);
    store_bind_int(q, 7, event_int(&a->ev, "flow.id", 0));
    store_bind_int(q, 8, (int64_t)a->c->index);
    store_bind_int(q, 9, KEEP_STANDING);
    if (store_run(q, e) != 0)
        return -1;
    tell(a, SPAN_LIT(""));
    return 0;
}

static bool same_network(struct span one, struct span other)
{
    struct buf a = BUF_INIT(64);
    struct buf b = BUF_INIT(64);
    address_network(one, &a);
    address_network(other, &b);
    bool same = span_equal(buf_span(&a), buf_span(&b));
    buf_release(&a);
    buf_release(&b);
    return same;
}

int door_apply_flow(struct apply *a, struct error *e)
{
    int rc = 0;
    struct span src = event_text(&a->ev, "flow.src");
    struct span dst = event_text(&a->ev, "flow.dst");
    tq_time began = a->ev.time - event_int(&a->ev, "duration_ns", 0);
    bool any = began <= doors_until(a, e, &rc);
    int64_t door = 0;
    if (any && rc == 0)
        door = door_of(a, dst, src, began, a->ev.time, &rc, e);
    if (any && rc == 0 && door == 0)
        door = door_of(a, src, dst, began, a->ev.time, &rc, e); /* the device calls whoever came through the door */
    if (any && rc == 0 && door == 0 && !address_of_own_network(dst))
        door = door_of(a, src, SPAN_LIT(""), began, a->ev.time, &rc, e);
    if (rc != 0)
        return -1;
    if (door != 0)
        return keep_flow(a, door, began, e);
    const char *what = door_remote_access((uint8_t)proto_of(a), (uint16_t)event_int(&a->ev, "flow.dport", 0), event_text(&a->ev, "app"));
    bool answered = event_int(&a->ev, "bytes_down", 0) > 0;
    if (what == NULL || !answered || !address_of_own_network(dst) || same_network(src, dst))
        return 0;
    return keep_standing(a, what, began, e);
}

static int note_change(struct apply *a, int64_t door, const char *field, struct span before, struct span after, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO door_change(door, time, field, before, after, record) SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (SELECT "
                                      "count(*) FROM door_change WHERE door = ?1) < ?7");
    store_bind_int(q, 1, door);
    store_bind_int(q, 2, a->ev.time);
    store_bind_str(q, 3, field);
    store_bind_text(q, 4, before);
    store_bind_text(q, 5, after);
    store_bind_int(q, 6, (int64_t)a->c->index);
    store_bind_int(q, 7, KEEP_CHANGES);
    return store_run(q, e);
}

/* What is known of the device now, compared with what was known when the door was opened, or at its last change. */
int door_apply_evidence(struct apply *a, struct error *e)
{
    int rc = 0;
    struct span ip = event_text(&a->ev, "ip");
    if (ip.n == 0 || a->ev.time > doors_until(a, e, &rc) || rc != 0)
        return rc;
    int64_t door = door_of(a, ip, SPAN_LIT(""), a->ev.time, a->ev.time, &rc, e);
    if (door == 0 || rc != 0)
        return rc;
    struct buf was = BUF_INIT(8192);
    struct buf is = BUF_INIT(8192);
    struct store_stmt *q = store_stmt(a->w, "SELECT was FROM door WHERE n = ?1");
    store_bind_int(q, 1, door);
    rc = one_text(q, &was, e);
    q = store_stmt(a->w, "SELECT " KNOWN " FROM door JOIN asset AS a ON a.id = door.asset JOIN asset AS shown ON shown.n = a.root WHERE door.n = ?1");
    store_bind_int(q, 1, door);
    if (rc == 0)
        rc = one_text(q, &is, e);
    if (rc == 0 && is.n > 0 && buf_ok(&was) && buf_ok(&is) && !span_equal(buf_span(&was), buf_span(&is))) {
        struct span before = buf_span(&was);
        struct span after = buf_span(&is);
        for (size_t i = 0; i < sizeof known_fields / sizeof known_fields[0] && rc == 0; i++) {
            struct span b = span_until(&before, '\n', NULL);
            struct span c = span_until(&after, '\n', NULL);
            if (!span_equal(b, c))
                rc = note_change(a, door, known_fields[i], b, c, e);
        }
        q = store_stmt(a->w, "UPDATE door SET was = ?2 WHERE n = ?1");
        store_bind_int(q, 1, door);
        store_bind_text(q, 2, buf_span(&is));
        if (rc == 0)
            rc = store_run(q, e);
    }
    buf_release(&was);
    buf_release(&is);
    return rc;
}
