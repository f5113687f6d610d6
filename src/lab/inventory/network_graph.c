#include "lab/inventory/network_private.h"
#include "lab/views_private.h"

#include <stdio.h>
#include <stdlib.h>

/* The whole network, from the views' rows: a few scans, and no question for each device. */

struct identity {
    size_t node;         /* its device; SIZE_MAX: none */
    struct span address; /* the least that it holds: an instrument behind it has none of its own */
};

struct reader {
    struct network_graph *g;
    struct store_conn *c;
    struct buf texts; /* offsets until all is there: the buffer moves as it grows */
    size_t room_nodes, room_links;
    size_t n_identities;
    struct identity *identities; /* by number */
    struct error *e;
};

static struct span keep(struct reader *r, struct span text)
{
    size_t at = r->texts.n;
    buf_add_span(&r->texts, text);
    return (struct span){.p = (const uint8_t *)at, .n = text.n}; // NOLINT(performance-no-int-to-ptr): made a pointer by settle()
}

static struct span kept(const struct reader *r, struct span s)
{
    return span_of((const uint8_t *)r->texts.p + (uintptr_t)s.p, s.n);
}

static void settle(struct span *s, const char *texts)
{
    s->p = (const uint8_t *)texts + (uintptr_t)s->p;
}

static int no_memory(struct reader *r, struct store_stmt *q)
{
    (void)store_done(q, NULL);
    return err_set(r->e, ERR_SYSTEM, "no memory");
}

static bool grow(void **array, size_t *room, size_t n, size_t size)
{
    if (n < *room)
        return true;
    size_t next = *room == 0 ? 256 : *room * 2;
    void *more = realloc(*array, next * size);
    if (more == NULL)
        return false;
    *array = more;
    *room = next;
    return true;
}

static struct network_node *add_node(struct reader *r)
{
    if (!grow((void **)&r->g->nodes, &r->room_nodes, r->g->n_nodes, sizeof *r->g->nodes))
        return NULL;
    struct network_node *node = &r->g->nodes[r->g->n_nodes++];
    *node = (struct network_node){.members = 1};
    return node;
}

static enum network_lane lane_of(struct span role)
{
    for (int i = 0; i < LANE_OTHER; i++)
        if (span_is(role, network_lane_name((enum network_lane)i)))
            return (enum network_lane)i;
    return LANE_OTHER;
}

/* ── devices ── */

static struct network_node *device_of(const struct reader *r, int64_t identity)
{
    if (identity <= 0 || (size_t)identity >= r->n_identities || r->identities[identity].node == SIZE_MAX)
        return NULL;
    return &r->g->nodes[r->identities[identity].node];
}

/* Roots come before what was joined to them only by chance: two scans. */
static int read_identities(struct reader *r)
{
    struct error own = {0};
    int64_t most = store_run_int(store_stmt(r->c, "SELECT coalesce(max(n), 0) FROM asset"), 0, &own);
    r->n_identities = (size_t)most + 1;
    r->identities = calloc(r->n_identities, sizeof *r->identities);
    if (own.class != ERR_NONE || r->identities == NULL)
        return err_set(r->e, ERR_SYSTEM, "no memory");
    for (size_t i = 0; i < r->n_identities; i++)
        r->identities[i].node = SIZE_MAX;
    struct store_stmt *q = store_stmt(r->c, "SELECT n, id, title, role, role_basis, coalesce(behind, 0) FROM asset WHERE root = n ORDER BY n");
    while (store_step(q)) {
        struct network_node *d = add_node(r);
        if (d == NULL)
            return no_memory(r, q);
        d->asset = store_int(q, 0);
        d->kind = NETWORK_DEVICE;
        d->id = keep(r, store_text(q, 1));
        d->title = keep(r, store_text(q, 2));
        d->lane = lane_of(store_text(q, 3));
        d->role = keep(r, store_text(q, 3));
        d->role_basis = keep(r, store_text(q, 4));
        d->behind = store_int(q, 5);
        r->identities[d->asset].node = r->g->n_nodes - 1;
    }
    r->g->n_devices = r->g->n_nodes;
    if (store_done(q, r->e) != 0)
        return -1;
    q = store_stmt(r->c, "SELECT n, root, coalesce(first_seen, 0), coalesce(last_seen, 0) FROM asset");
    while (store_step(q)) {
        struct network_node *d = device_of(r, store_int(q, 1));
        tq_time first = store_int(q, 2);
        tq_time last = store_int(q, 3);
        if (d == NULL)
            continue;
        r->identities[store_int(q, 0)].node = (size_t)(d - r->g->nodes);
        if (first != 0 && (d->first_seen == 0 || first < d->first_seen))
            d->first_seen = first;
        d->last_seen = last > d->last_seen ? last : d->last_seen;
    }
    return store_done(q, r->e);
}

/* Of a device's addresses the first of IPv4, the one seen last; of an identity's the least. */
static int read_held(struct reader *r)
{
    struct store_stmt *q = store_stmt(r->c, "SELECT asset, value FROM asset_address WHERE kind = 'ip' AND now = 1 ORDER BY instr(value, ':') > 0, "
                                            "last_seen DESC, value");
    while (store_step(q)) {
        struct network_node *d = device_of(r, store_int(q, 0));
        struct span value = store_text(q, 1);
        if (d == NULL)
            continue;
        struct identity *i = &r->identities[store_int(q, 0)];
        if (d->address.n == 0)
            d->address = keep(r, value);
        struct span least = kept(r, i->address);
        size_t n = least.n < value.n ? least.n : value.n;
        int order = n == 0 ? 0 : memcmp(value.p, least.p, n);
        if (i->address.n == 0 || order < 0 || (order == 0 && value.n < least.n))
            i->address = keep(r, value);
    }
    return store_done(q, r->e);
}

static int read_findings(struct reader *r)
{
    struct store_stmt *q = store_stmt(r->c, "SELECT asset, rank FROM finding WHERE state = 'open' AND asset IS NOT NULL");
    while (store_step(q)) {
        struct network_node *d = device_of(r, store_int(q, 0));
        int64_t rank = store_int(q, 1);
        if (d == NULL)
            continue;
        d->findings += rank > 0;
        d->rank = rank > d->rank ? rank : d->rank;
    }
    return store_done(q, r->e);
}

static int read_zones(struct reader *r)
{
    struct store_stmt *q = store_stmt(r->c, "SELECT asset, value FROM asset_edit WHERE field = 'zone'");
    while (store_step(q)) {
        struct network_node *d = device_of(r, store_int(q, 0));
        if (d == NULL)
            continue;
        d->zone = keep(r, store_text(q, 1));
        d->zone_told = true;
    }
    for (size_t i = 0; i < r->g->n_devices; i++) {
        struct network_node *d = &r->g->nodes[i];
        struct buf zone = BUF_INIT(NETWORK_ZONE_MAX);
        if (d->address.n == 0 && d->behind > 0 && (size_t)d->behind < r->n_identities)
            d->address = r->identities[d->behind].address;
        if (!d->zone_told) {
            char copy[64];
            struct span address = kept(r, d->address);
            size_t n = address.n < sizeof copy ? address.n : 0;
            if (n > 0)
                memcpy(copy, address.p, n);
            address_network(span_of(copy, n), &zone);
            d->zone = keep(r, buf_span(&zone));
        }
        buf_release(&zone);
    }
    return store_done(q, r->e);
}

/* ── addresses that no device holds ── */

/* Of the lab's networks they never answered, the others are outside. */
static int read_addresses(struct reader *r)
{
    struct store_stmt *q = store_stmt(r->c, "SELECT ip, min(first_seen), max(last_seen) FROM ("
                                            "SELECT src AS ip, first_seen, last_seen FROM conversation WHERE a = 0 UNION ALL "
                                            "SELECT dst, first_seen, last_seen FROM conversation WHERE b = 0) WHERE NOT EXISTS "
                                            "(SELECT 1 FROM asset_address WHERE kind = 'ip' AND value = ip AND now = 1) GROUP BY ip ORDER BY ip");
    while (store_step(q)) {
        struct span ip = store_text(q, 0);
        if (!address_of_one_device(ip))
            continue; /* a call to everybody has no other end */
        struct network_node *d = add_node(r);
        if (d == NULL)
            return no_memory(r, q);
        d->kind = address_of_own_network(ip) ? NETWORK_SILENT : NETWORK_OUTSIDE;
        d->lane = LANE_OTHER;
        d->id = d->title = d->address = keep(r, ip);
        d->role = keep(r, d->kind == NETWORK_SILENT ? SPAN_LIT("silent") : SPAN_LIT("outside"));
        d->role_basis = d->zone = keep(r, SPAN_LIT(""));
        d->first_seen = store_int(q, 1);
        d->last_seen = store_int(q, 2);
    }
    return store_done(q, r->e);
}

static size_t address_at(const struct network_graph *g, struct span ip)
{
    size_t low = g->n_devices;
    size_t high = g->n_nodes;
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct span have = g->nodes[middle].address;
        int order = memcmp(have.p, ip.p, have.n < ip.n ? have.n : ip.n);
        if (order < 0 || (order == 0 && have.n < ip.n))
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->n_nodes && span_equal(g->nodes[low].address, ip) ? low : SIZE_MAX;
}

/* ── links ── */

static uint64_t app_bit(struct network_graph *g, struct span app)
{
    if (app.n == 0)
        return 0;
    for (size_t i = 0; i < g->n_apps; i++)
        if (span_is(app, g->apps[i]))
            return UINT64_C(1) << i;
    if (g->n_apps < NETWORK_APPS - 1)
        (void)snprintf(g->apps[g->n_apps++], sizeof g->apps[0], "%.*s", (int)app.n, (const char *)app.p);
    else
        (void)snprintf(g->apps[NETWORK_APPS - 1], sizeof g->apps[0], "other"), g->n_apps = NETWORK_APPS;
    return UINT64_C(1) << (g->n_apps - 1);
}

/* Where an end of a conversation is: its device, or the address. */
static size_t end_of(const struct reader *r, int64_t identity, struct span ip)
{
    const struct network_node *d = device_of(r, identity);
    return d != NULL ? (size_t)(d - r->g->nodes) : address_at(r->g, ip);
}

static int read_links(struct reader *r)
{
    struct network_graph *g = r->g;
    struct store_stmt *q = store_stmt(
        r->c,
        "SELECT iif(a <> 0, a, coalesce((SELECT asset FROM asset_address WHERE kind = 'ip' AND value = src AND now = 1), 0)), iif(b <> 0, b, "
        "coalesce((SELECT asset FROM asset_address WHERE kind = 'ip' AND value = dst AND now = 1), 0)), src, dst, app, packets, bytes, messages, "
        "first_seen, last_seen FROM conversation");
    while (store_step(q)) {
        size_t a = end_of(r, store_int(q, 0), store_text(q, 2));
        size_t b = end_of(r, store_int(q, 1), store_text(q, 3));
        if (a == SIZE_MAX || b == SIZE_MAX || a == b)
            continue;
        if (!grow((void **)&g->links, &r->room_links, g->n_links, sizeof *g->links))
            return no_memory(r, q);
        struct span app = store_text(q, 4);
        g->links[g->n_links++] = (struct network_edge){.a = a < b ? a : b,
                                                       .b = a < b ? b : a,
                                                       .apps = app_bit(g, app),
                                                       .crypt = network_app_crypt(app),
                                                       .lab = app_of_lab(app) || store_int(q, 7) > 0,
                                                       .packets = store_int(q, 5),
                                                       .bytes = store_int(q, 6),
                                                       .messages = store_int(q, 7),
                                                       .first_seen = store_int(q, 8),
                                                       .last_seen = store_int(q, 9)};
    }
    g->n_links = network_merge(g->links, g->n_links);
    for (size_t i = 0; i < g->n_links; i++)
        g->links[i].links = 1;
    return store_done(q, r->e);
}

/* ── all of it ── */

#define TEXTS_MAX ((size_t)32 << 20)

/* Texts are found by their place until the buffer has stopped moving. Addresses are looked up in between, so they settle before the links are read.
 */
static int read_graph(struct reader *r)
{
    if (read_identities(r) != 0 || read_held(r) != 0 || read_findings(r) != 0 || read_zones(r) != 0 || read_addresses(r) != 0)
        return -1;
    if (!buf_ok(&r->texts) || r->texts.n == 0)
        buf_u8(&r->texts, 0);
    r->g->texts = (char *)r->texts.p;
    if (!buf_ok(&r->texts) || r->g->texts == NULL)
        return err_set(r->e, ERR_SYSTEM, "no memory");
    for (size_t i = 0; i < r->g->n_nodes; i++) {
        struct network_node *d = &r->g->nodes[i];
        struct span *spans[] = {&d->id, &d->title, &d->role, &d->role_basis, &d->zone, &d->address};
        for (size_t k = 0; k < sizeof spans / sizeof spans[0]; k++)
            settle(spans[k], r->g->texts);
    }
    return read_links(r);
}

uint64_t network_version(struct store_conn *c, struct error *e)
{
    return (uint64_t)store_run_int(store_stmt(c, "SELECT coalesce(max(record), -1) + 1 FROM ledger_row"), 0, e);
}

struct network_graph *network_graph_read(struct store_conn *c, struct error *e)
{
    struct network_graph *g = calloc(1, sizeof *g);
    if (g == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory");
        return NULL;
    }
    struct reader r = {.g = g, .c = c, .texts = BUF_INIT(TEXTS_MAX), .e = e};
    g->version = network_version(c, e);
    int rc = read_graph(&r);
    free(r.identities);
    if (g->texts == NULL)
        buf_release(&r.texts);
    if (rc == 0)
        rc = network_prepare(g, e);
    if (rc == 0)
        return g;
    free(g->nodes);
    free(g->links);
    free(g->texts);
    free(g->places[0]);
    free(g->places[1]);
    free(g);
    return NULL;
}
