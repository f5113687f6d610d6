#include "lab/door.h"

#include "lab/people/job.h"
#include "lab/views_private.h"

#include <stdio.h>

/* ── states ── */

static const char *const state_names[] = {[DOOR_NONE] = "",     [DOOR_ASKED] = "asked",  [DOOR_REFUSED] = "refused", [DOOR_APPROVED] = "approved",
                                          [DOOR_OPEN] = "open", [DOOR_CLOSED] = "closed"};

const char *door_state_name(enum door_state s)
{
    return (unsigned)s < sizeof state_names / sizeof state_names[0] ? state_names[s] : "";
}

enum door_state door_state_of(struct span name)
{
    for (int s = DOOR_ASKED; s <= DOOR_CLOSED; s++)
        if (span_is(name, state_names[s]))
            return (enum door_state)s;
    return DOOR_NONE;
}

enum door_state door_next(enum door_state now, int event)
{
    static const struct {
        enum door_state from;
        int event;
        enum door_state to;
    } arrows[] = {
        {DOOR_NONE, EVENT_DOOR_ASKED, DOOR_ASKED},       {DOOR_ASKED, EVENT_DOOR_APPROVED, DOOR_APPROVED},
        {DOOR_ASKED, EVENT_DOOR_REFUSED, DOOR_REFUSED},  {DOOR_ASKED, EVENT_DOOR_WITHDRAWN, DOOR_CLOSED},
        {DOOR_APPROVED, EVENT_DOOR_OPENED, DOOR_OPEN},   {DOOR_APPROVED, EVENT_DOOR_WITHDRAWN, DOOR_APPROVED},
        {DOOR_APPROVED, EVENT_DOOR_CLOSED, DOOR_CLOSED}, {DOOR_OPEN, EVENT_DOOR_WITHDRAWN, DOOR_OPEN},
        {DOOR_OPEN, EVENT_DOOR_CLOSED, DOOR_CLOSED},
    };
    for (size_t i = 0; i < sizeof arrows / sizeof arrows[0]; i++)
        if (arrows[i].from == now && arrows[i].event == event)
            return arrows[i].to;
    return DOOR_NONE;
}

/* ── services ── */

const struct door_service door_services[] = {{"rdp", 6, 3389}, {"vnc", 6, 5900}, {"ssh", 6, 22}, {"https", 6, 443}, {"port", 6, 0}};
const size_t door_service_count = sizeof door_services / sizeof door_services[0];

const struct door_service *door_service(struct span name)
{
    for (size_t i = 0; i < door_service_count; i++)
        if (span_is(name, door_services[i].name))
            return &door_services[i];
    return NULL;
}

const char *door_remote_access(uint8_t proto, uint16_t port, struct span app)
{
    static const struct {
        uint16_t port, last;
        const char *name;
    } ports[] = {{22, 22, "SSH"},       {23, 23, "Telnet"},     {3389, 3389, "RDP"}, {5900, 5905, "VNC"}, {5938, 5938, "TeamViewer"},
                 {5985, 5986, "WinRM"}, {7070, 7070, "AnyDesk"}};
    static const struct {
        const char *app, *name;
    } apps[] = {{"ssh", "SSH"}, {"telnet", "Telnet"}, {"rdp", "RDP"}, {"vnc", "VNC"}, {"teamviewer", "TeamViewer"}, {"anydesk", "AnyDesk"}};
    struct span inner = app;
    bool more = false;
    struct span outer = span_until(&inner, '.', &more); /* "tls.anydesk" */
    for (size_t i = 0; i < sizeof apps / sizeof apps[0]; i++)
        if (span_is(outer, apps[i].app) || (more && span_is(inner, apps[i].app)))
            return apps[i].name;
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if ((proto == 6 || port == 3389 || port == 5938) && port >= ports[i].port && port <= ports[i].last)
            return ports[i].name;
    return NULL;
}

/* ── reading ── */

#define COLUMNS                                                                                                                                      \
    "SELECT d.n, d.id, state, asset, coalesce((SELECT shown.title FROM asset AS a JOIN asset AS shown ON shown.n = a.root WHERE a.id = d.asset), "   \
    "d.address), address, source, service, d.maker, proto, port, minutes, asked_by, asked_at, why, decided_by, decided_at, decided_why, until, "     \
    "opened_at, closed_at, ended, ended_why, withdrawn_by, withdrawn_at, withdrawn_why, packets, bytes_up, bytes_down, d.changed, (SELECT count(*) " \
    "FROM door_flow WHERE door = d.n), (SELECT count(*) FROM door_change WHERE door = d.n) "
#define MATCHES                                                                                                                                      \
    "FROM door AS d WHERE (?1 = '' OR d.id = ?1) AND (?2 = '' OR asked_by = ?2) AND (?3 = 0 OR state IN ('approved', 'open')) AND (?4 = 0 OR "       \
    "(state "                                                                                                                                        \
    "= 'asked' AND asked_at > ?5)) AND (?6 = 0 OR d.n < ?6) "

static void bind(struct store_stmt *q, const struct door_query *x)
{
    store_bind_text(q, 1, x->id);
    store_bind_text(q, 2, x->asked_by);
    store_bind_int(q, 3, x->live);
    store_bind_int(q, 4, x->waiting);
    store_bind_int(q, 5, x->now - DOOR_WAITS);
    store_bind_int(q, 6, x->before);
}

static void read_row(struct store_stmt *q, struct door *d)
{
    struct span id = store_text(q, 1);
    *d = (struct door){.n = store_int(q, 0),
                       .state = door_state_of(store_text(q, 2)),
                       .asset = store_text(q, 3),
                       .device = store_text(q, 4),
                       .address = store_text(q, 5),
                       .source = store_text(q, 6),
                       .service = store_text(q, 7),
                       .maker = store_text(q, 8),
                       .proto = (uint8_t)store_int(q, 9),
                       .port = (uint16_t)store_int(q, 10),
                       .minutes = store_int(q, 11),
                       .asked_by = store_text(q, 12),
                       .asked_at = store_int(q, 13),
                       .why = store_text(q, 14),
                       .decided_by = store_text(q, 15),
                       .decided_at = store_int(q, 16),
                       .decided_why = store_text(q, 17),
                       .until = store_int(q, 18),
                       .opened_at = store_int(q, 19),
                       .closed_at = store_int(q, 20),
                       .ended = store_text(q, 21),
                       .ended_why = store_text(q, 22),
                       .withdrawn_by = store_text(q, 23),
                       .withdrawn_at = store_int(q, 24),
                       .withdrawn_why = store_text(q, 25),
                       .counted = !store_is_null(q, 26),
                       .packets = store_int(q, 26),
                       .bytes_up = store_int(q, 27),
                       .bytes_down = store_int(q, 28),
                       .changed = (uint64_t)store_int(q, 29),
                       .flows = store_int(q, 30),
                       .changes = store_int(q, 31)};
    (void)snprintf(d->id, sizeof d->id, "%.*s", (int)id.n, (const char *)id.p);
}

int door_list(struct store_conn *c, const struct door_query *query, door_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, COLUMNS MATCHES "ORDER BY d.n DESC LIMIT ?7");
    bind(q, query);
    store_bind_int(q, 7, query->limit);
    while (store_step(q)) {
        struct door d;
        read_row(q, &d);
        each(context, &d);
    }
    return store_done(q, e);
}

int64_t door_count(struct store_conn *c, const struct door_query *query, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) " MATCHES);
    bind(q, query);
    return store_run_int(q, 0, e);
}

int64_t door_opened_since(struct store_conn *c, struct span person, struct span asset, tq_time since, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM door WHERE asked_by = ?1 AND asset = ?2 AND opened_at >= ?3");
    store_bind_text(q, 1, person);
    store_bind_text(q, 2, asset);
    store_bind_int(q, 3, since);
    return store_run_int(q, 0, e);
}

bool door_taken(struct store_conn *c, const char *source, const char *address, int proto, int port)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT count(*) FROM door WHERE state IN ('approved', 'open') AND source = ?1 AND address = ?2 AND proto = ?3 "
                                      "AND port = ?4");
    store_bind_str(q, 1, source);
    store_bind_str(q, 2, address);
    store_bind_int(q, 3, proto);
    store_bind_int(q, 4, port);
    return store_run_int(q, 1, NULL) != 0;
}

int door_flows(struct store_conn *c, int64_t n, door_flow_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT src, dst, proto, port, app, packets, bytes_up, bytes_down, began, ended, record FROM door_flow WHERE door = ?1 ORDER BY n");
    store_bind_int(q, 1, n);
    while (store_step(q)) {
        struct door_flow f = {.src = store_text(q, 0),
                              .dst = store_text(q, 1),
                              .proto = store_int(q, 2),
                              .port = store_int(q, 3),
                              .app = store_text(q, 4),
                              .packets = store_int(q, 5),
                              .bytes_up = store_int(q, 6),
                              .bytes_down = store_int(q, 7),
                              .began = store_int(q, 8),
                              .ended = store_int(q, 9),
                              .record = (uint64_t)store_int(q, 10)};
        each(context, &f);
    }
    return store_done(q, e);
}

int door_changes(struct store_conn *c, int64_t n, door_change_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT time, field, before, after, record FROM door_change WHERE door = ?1 ORDER BY n");
    store_bind_int(q, 1, n);
    while (store_step(q)) {
        struct door_change x = {.time = store_int(q, 0),
                                .field = store_text(q, 1),
                                .before = store_text(q, 2),
                                .after = store_text(q, 3),
                                .record = (uint64_t)store_int(q, 4)};
        each(context, &x);
    }
    return store_done(q, e);
}

int64_t door_standing_last(struct store_conn *c, struct error *e)
{
    struct error own = {0};
    int64_t n = store_run_int(store_stmt(c, "SELECT coalesce(max(n), 0) FROM door_standing"), 0, &own);
    if (own.class == ERR_NONE)
        return n;
    *e = own;
    return -1;
}

int door_standing_list(struct store_conn *c, int64_t after, int64_t limit, door_standing_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT src, dst, port, app, s.first_seen, s.last_seen, count, flow, record, s.n, coalesce((SELECT shown.title FROM asset_address JOIN "
           "asset ON "
           "asset.n = asset_address.asset JOIN asset AS shown ON shown.n = asset.root WHERE kind = 'ip' AND value = dst AND now = 1), '') FROM "
           "door_standing AS s WHERE s.n > ?1 ORDER BY s.n LIMIT ?2");
    store_bind_int(q, 1, after);
    store_bind_int(q, 2, limit);
    while (store_step(q)) {
        struct door_standing s = {.src = store_text(q, 0),
                                  .dst = store_text(q, 1),
                                  .port = store_int(q, 2),
                                  .app = store_text(q, 3),
                                  .first_seen = store_int(q, 4),
                                  .last_seen = store_int(q, 5),
                                  .count = store_int(q, 6),
                                  .flow = (uint64_t)store_int(q, 7),
                                  .record = (uint64_t)store_int(q, 8),
                                  .n = store_int(q, 9),
                                  .device = store_text(q, 10)};
        each(context, &s);
    }
    return store_done(q, e);
}

void door_maker_of(struct store_conn *c, struct span account, const char *site, tq_time now, char out[128])
{
    struct store_stmt *q = store_stmt(
        c, "SELECT maker FROM account_grant WHERE account = ?1 AND role = ?2 AND (site = '' OR site = ?3) AND ended = 0 AND "
           "(until = 0 OR until > ?4) ORDER BY n DESC LIMIT 1");
    store_bind_text(q, 1, account);
    store_bind_str(q, 2, job_name(JOB_ENGINEER));
    store_bind_str(q, 3, site);
    store_bind_int(q, 4, now);
    out[0] = 0;
    if (store_step(q))
        (void)snprintf(out, 128, "%.*s", (int)store_text(q, 0).n, (const char *)store_text(q, 0).p);
    (void)store_done(q, NULL);
}

int door_devices(struct store_conn *c, struct span maker, struct span id, int64_t limit, door_device_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c,
        "SELECT shown.id, shown.title, at.value, coalesce(shown.maker, ''), coalesce(shown.model, '') FROM asset AS shown JOIN asset AS own ON "
        "own.root = shown.n JOIN asset_address AS at ON at.asset = own.n AND at.kind = 'ip' AND at.now = 1 WHERE shown.root = shown.n AND "
        "shown.retired = 0 AND (?2 = '' OR shown.id = ?2) AND (?1 = '' OR lower(shown.maker) = lower(?1) OR substr(lower(shown.maker), 1, length(?1) "
        "+ 1) = lower(?1) || ' ') ORDER BY lower(shown.title), instr(at.value, ':'), at.last_seen DESC LIMIT ?3");
    store_bind_text(q, 1, maker);
    store_bind_text(q, 2, id);
    store_bind_int(q, 3, limit);
    while (store_step(q)) {
        struct door_device d = {
            .id = store_text(q, 0), .title = store_text(q, 1), .address = store_text(q, 2), .maker = store_text(q, 3), .model = store_text(q, 4)};
        each(context, &d);
    }
    return store_done(q, e);
}
