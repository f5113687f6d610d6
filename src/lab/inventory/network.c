#include "lab/inventory/network_private.h"
#include "lab/views_private.h"

#include <stdio.h>
#include <stdlib.h>

/* Conversations as they are kept, and as a graph. network_fold.c makes the picture of it. */

/* ── keeping ── */

int conversation_add(struct apply *a, const struct conversation *c, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE conversation SET packets = packets + ?6, bytes = bytes + ?7, messages = messages + ?8, "
                                            "first_seen = min(first_seen, ?9), last_seen = max(last_seen, ?10) "
                                            "WHERE src = ?1 AND dst = ?2 AND app = ?3 AND a = ?4 AND b = ?5 RETURNING 1");
    for (int insert = 0; insert < 2; insert++) {
        store_bind_text(q, 1, c->src);
        store_bind_text(q, 2, c->dst);
        store_bind_text(q, 3, c->app);
        store_bind_int(q, 4, c->a);
        store_bind_int(q, 5, c->b);
        store_bind_int(q, 6, c->packets);
        store_bind_int(q, 7, c->bytes);
        store_bind_int(q, 8, c->messages);
        store_bind_int(q, 9, a->ev.time - event_int(&a->ev, "duration_ns", 0));
        store_bind_int(q, 10, a->ev.time);
        struct error own = {0};
        bool done = store_run_int(q, 0, &own) != 0;
        if (own.class != ERR_NONE) {
            *e = own;
            return -1;
        }
        if (done)
            return insert == 0 ? 0 : counter_add(a->w, "conversations", 1, e);
        if (counter_get(a->w, "conversations", e) >= view_room(a, KEEP_CONVERSATIONS))
            return counter_add(a->w, "conversations_not_kept", 1, e);
        q = store_stmt(a->w, "INSERT INTO conversation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING 1");
    }
    return 0;
}

/* ── words ── */

const char *network_oddity_name(enum network_oddity kind)
{
    static const char *const names[ODDITIES] = {
        [ODD_NEW_LINK] = "new-link", [ODD_NEW_DEVICE] = "new-device", [ODD_SEARCHING] = "searching", [ODD_PEER] = "peer", [ODD_OUTSIDE] = "outside"};
    return names[kind];
}

const char *network_crypt_name(enum network_crypt crypt)
{
    return crypt == CRYPT_YES ? "yes" : crypt == CRYPT_NO ? "no" : "unknown";
}

const char *network_lane_name(enum network_lane lane)
{
    static const char *const names[LANES] = {"analyzer", "middleware", "lis", "other"};
    return names[lane];
}

static bool in_list(struct span text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(text, list[i]))
            return true;
    return false;
}

bool app_of_lab(struct span app)
{
    static const char *const lab[] = {"hl7", "astm", "poct1a", "dicom"};
    return in_list(app, lab, sizeof lab / sizeof lab[0]);
}

enum network_crypt network_app_crypt(struct span app)
{
    /* SMB, RDP, LDAP and Kerberos may or may not be encrypted: their names do not say. */
    static const char *const yes[] = {"tls", "ssh", "quic", "https", "imaps", "smtps", "ldaps", "ftps", "dtls", "wireguard", "openvpn", "ipsec"};
    static const char *const no[] = {"http",   "dns",    "dhcp",    "dhcp6", "ntp",  "ftp",  "telnet", "snmp",       "tftp", "syslog",
                                     "mdns",   "llmnr",  "netbios", "wsd",   "ssdp", "icmp", "ipp",    "pop3",       "smtp", "imap",
                                     "modbus", "bacnet", "rtsp",    "rsync", "zpl",  "pjl",  "pcl",    "postscript", "lpd",  "redis"};
    app = span_until(&app, '.', NULL); /* "tls.teamviewer" is TLS */
    if (in_list(app, yes, sizeof yes / sizeof yes[0]))
        return CRYPT_YES;
    return app_of_lab(app) || in_list(app, no, sizeof no / sizeof no[0]) ? CRYPT_NO : CRYPT_UNKNOWN;
}

/* ── reading ── */

struct reader {
    struct network *n;
    struct network_graph *g;
    struct store_conn *c;
    struct buf texts; /* offsets until all is there: the buffer moves as it grows */
    size_t room_nodes, room_links;
    struct error *e;
};

static struct span keep(struct reader *r, struct span text)
{
    size_t at = r->texts.n;
    buf_add_span(&r->texts, text);
    return (struct span){.p = (const uint8_t *)at, .n = text.n}; // NOLINT(performance-no-int-to-ptr): made a pointer by settle()
}

static void settle(struct span *s, const char *texts)
{
    s->p = (const uint8_t *)texts + (uintptr_t)s->p;
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

#define OWN "(SELECT n FROM asset AS m WHERE m.root = asset.n)"

static int read_devices(struct reader *r)
{
    struct store_stmt *q = store_stmt(
        r->c,
        "SELECT n, id, title, role, role_basis, (SELECT value FROM asset_edit WHERE field = 'zone' AND asset IN " OWN "), "
        "(SELECT coalesce(min(m.first_seen), 0) FROM asset AS m WHERE m.root = asset.n), (SELECT coalesce(max(m.last_seen), 0) FROM asset AS m WHERE "
        "m.root = asset.n), coalesce((SELECT value FROM asset_address WHERE asset IN " OWN " AND kind = 'ip' AND now = 1 ORDER BY instr(value, ':') "
        "> 0, last_seen DESC, value LIMIT 1), (SELECT value FROM asset_address WHERE asset = asset.behind AND kind = 'ip' AND now = 1 ORDER BY value "
        "LIMIT 1), ''), (SELECT count(*) FROM finding WHERE finding.asset IN " OWN
        " AND +state = 'open' AND +rank > 0), (SELECT coalesce(max(rank), 0) "
        "FROM finding WHERE finding.asset IN " OWN " AND +state = 'open') FROM asset WHERE root = n ORDER BY n");
    while (store_step(q)) {
        struct network_node *d = add_node(r);
        if (d == NULL) {
            (void)store_done(q, NULL);
            return err_set(r->e, ERR_SYSTEM, "no memory");
        }
        struct buf zone = BUF_INIT(NETWORK_ZONE_MAX);
        buf_add_span(&zone, store_text(q, 5));
        d->zone_told = zone.n > 0;
        if (zone.n == 0)
            address_network(store_text(q, 8), &zone);
        d->asset = store_int(q, 0);
        d->kind = NETWORK_DEVICE;
        d->id = keep(r, store_text(q, 1));
        d->title = keep(r, store_text(q, 2));
        d->lane = lane_of(store_text(q, 3));
        d->role = keep(r, store_text(q, 3));
        d->role_basis = keep(r, store_text(q, 4));
        d->zone = keep(r, buf_span(&zone));
        buf_release(&zone);
        d->first_seen = store_int(q, 6);
        d->last_seen = store_int(q, 7);
        d->address = keep(r, store_text(q, 8));
        d->findings = store_int(q, 9);
        d->rank = store_int(q, 10);
    }
    r->g->n_devices = r->g->n_nodes;
    return store_done(q, r->e);
}

/* Addresses that no device holds: of the lab's networks they never answered, the others are outside. */
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
        if (d == NULL) {
            (void)store_done(q, NULL);
            return err_set(r->e, ERR_SYSTEM, "no memory");
        }
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

static size_t device_at(const struct network_graph *g, int64_t asset)
{
    size_t low = 0;
    size_t high = g->n_devices;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (g->nodes[middle].asset < asset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < g->n_devices && g->nodes[low].asset == asset ? low : SIZE_MAX;
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

static uint64_t app_bit(struct network *n, struct span app)
{
    if (app.n == 0)
        return 0;
    for (size_t i = 0; i < n->n_apps; i++)
        if (span_is(app, n->apps[i]))
            return UINT64_C(1) << i;
    if (n->n_apps < NETWORK_APPS - 1)
        (void)snprintf(n->apps[n->n_apps++], sizeof n->apps[0], "%.*s", (int)app.n, (const char *)app.p);
    else
        (void)snprintf(n->apps[NETWORK_APPS - 1], sizeof n->apps[0], "other"), n->n_apps = NETWORK_APPS;
    return UINT64_C(1) << (n->n_apps - 1);
}

static int read_links(struct reader *r)
{
    struct network_graph *g = r->g;
    struct store_stmt *q = store_stmt(
        r->c, "SELECT coalesce((SELECT root FROM asset WHERE n = coalesce(nullif(a, 0), (SELECT asset FROM asset_address WHERE kind = 'ip' AND value "
              "= src AND now = 1))), 0), coalesce((SELECT root FROM asset WHERE n = coalesce(nullif(b, 0), (SELECT asset FROM asset_address WHERE "
              "kind = 'ip' AND value = dst AND now = 1))), 0), src, dst, app, packets, bytes, messages, first_seen, last_seen FROM conversation");
    while (store_step(q)) {
        size_t a = store_int(q, 0) != 0 ? device_at(g, store_int(q, 0)) : address_at(g, store_text(q, 2));
        size_t b = store_int(q, 1) != 0 ? device_at(g, store_int(q, 1)) : address_at(g, store_text(q, 3));
        if (a == SIZE_MAX || b == SIZE_MAX || a == b)
            continue;
        if (!grow((void **)&g->links, &r->room_links, g->n_links, sizeof *g->links)) {
            (void)store_done(q, NULL);
            return err_set(r->e, ERR_SYSTEM, "no memory");
        }
        struct span app = store_text(q, 4);
        g->links[g->n_links++] = (struct network_edge){.a = a < b ? a : b,
                                                       .b = a < b ? b : a,
                                                       .apps = app_bit(r->n, app),
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

static int by_ends(const void *left, const void *right)
{
    const struct network_edge *l = left;
    const struct network_edge *r = right;
    if (l->a != r->a)
        return l->a < r->a ? -1 : 1;
    return l->b == r->b ? 0 : l->b < r->b ? -1 : 1;
}

size_t network_merge(struct network_edge *edges, size_t n)
{
    if (n == 0)
        return 0;
    qsort(edges, n, sizeof *edges, by_ends);
    size_t last = 0;
    for (size_t i = 1; i < n; i++) {
        struct network_edge *to = &edges[last];
        const struct network_edge *more = &edges[i];
        if (by_ends(to, more) != 0) {
            edges[++last] = *more;
            continue;
        }
        /* One part in clear makes the whole clear; lab messages in clear weigh more than what else there is. */
        to->crypt = more->crypt < to->crypt ? more->crypt : to->crypt;
        to->apps |= more->apps;
        to->lab = to->lab || more->lab;
        to->fresh = to->fresh || more->fresh;
        to->odd = more->odd > to->odd ? more->odd : to->odd;
        to->links += more->links;
        to->packets += more->packets;
        to->bytes += more->bytes;
        to->messages += more->messages;
        to->first_seen = more->first_seen < to->first_seen ? more->first_seen : to->first_seen;
        to->last_seen = more->last_seen > to->last_seen ? more->last_seen : to->last_seen;
    }
    return last + 1;
}

#define TEXTS_MAX ((size_t)32 << 20)

/* Texts are found by their place until the buffer has stopped moving. Addresses are looked up in between, so they settle before the links are read.
 */
static int read_graph(struct reader *r)
{
    if (read_devices(r) != 0 || read_addresses(r) != 0)
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

struct network *network_read(struct store_conn *c, const struct network_query *q, struct error *e)
{
    struct network *n = calloc(1, sizeof *n);
    struct network_graph *g = calloc(1, sizeof *g);
    if (n == NULL || g == NULL) {
        free(n);
        free(g);
        (void)err_set(e, ERR_SYSTEM, "no memory");
        return NULL;
    }
    n->graph = g;
    struct reader r = {.n = n, .g = g, .c = c, .texts = BUF_INIT(TEXTS_MAX), .e = e};
    int rc = read_graph(&r);
    if (g->texts == NULL)
        buf_release(&r.texts);
    if (rc != 0 || network_fold(n, q, e) != 0) {
        network_free(n);
        return NULL;
    }
    return n;
}

void network_free(struct network *n)
{
    if (n == NULL)
        return;
    free(n->graph->nodes);
    free(n->graph->links);
    free(n->graph->texts);
    free(n->graph);
    free(n->nodes);
    free(n->edges);
    free(n);
}
