#include "lab/inventory/network_private.h"
#include "lab/views_private.h"

#include <pthread.h>
#include <stdlib.h>

/* Conversations as they are kept, and as a graph that many requests share. network_graph.c reads the graph, network_fold.c makes the picture of it.
 */

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
            return insert == 0 ? 0 : counter_add(a, "conversations", 1, e);
        if (counter_now(a, "conversations", e) >= view_room(a, KEEP_CONVERSATIONS))
            return counter_add(a, "conversations_not_kept", 1, e);
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

/* ── edges ── */

static int by_ends(const void *left, const void *right)
{
    const struct network_edge *l = left;
    const struct network_edge *r = right;
    if (l->a != r->a)
        return l->a < r->a ? -1 : 1;
    return l->b == r->b ? 0 : l->b < r->b ? -1 : 1;
}

void network_add(struct network_edge *to, const struct network_edge *more)
{
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
        network_add(to, more);
    }
    return last + 1;
}

/* ── one graph for many requests ── */

struct network_keeper {
    pthread_mutex_t lock; /* guards what follows, and `users` of every graph */
    struct network_graph *graph;
    bool reading;
    bool due; /* somebody was given what is older than NETWORK_AGE */
};

struct network_keeper *network_keeper_new(void)
{
    struct network_keeper *k = calloc(1, sizeof *k);
    if (k != NULL)
        (void)pthread_mutex_init(&k->lock, NULL);
    return k;
}

static void drop(struct network_graph *g)
{
    if (g == NULL)
        return;
    free(g->nodes);
    free(g->links);
    free(g->texts);
    free(g->places[0]);
    free(g->places[1]);
    free(g);
}

void network_keeper_free(struct network_keeper *k)
{
    if (k == NULL)
        return;
    drop(k->graph);
    (void)pthread_mutex_destroy(&k->lock);
    free(k);
}

static void give_back(struct network_keeper *k, struct network_graph *g)
{
    if (k == NULL) {
        drop(g);
        return;
    }
    (void)pthread_mutex_lock(&k->lock);
    bool last = --g->users == 0;
    (void)pthread_mutex_unlock(&k->lock);
    if (last)
        drop(g);
}

/* Is the graph that is kept good enough? Traffic may be some seconds older than the newest, where the network is large; what a person decided is in.
 * Where it gets old it serves once more, and is due. */
static bool serves(struct network_keeper *k, uint64_t newest, uint64_t decided, tq_time now)
{
    const struct network_graph *g = k->graph;
    if (g == NULL || g->version < decided)
        return false;
    if (g->version == newest || k->reading)
        return true;
    if (g->n_nodes + g->n_links <= NETWORK_SMALL || now - g->at >= NETWORK_STALE)
        return false;
    k->due = k->due || now - g->at >= NETWORK_AGE;
    return true;
}

/* Reads the graph anew and keeps it from now on; one user. `reading` was set by whoever calls. NULL: as network_graph_read. */
static struct network_graph *renew(struct network_keeper *k, struct store_conn *c, tq_time now, struct error *e)
{
    struct network_graph *g = network_graph_read(c, e);
    struct network_graph *before = NULL;
    (void)pthread_mutex_lock(&k->lock);
    k->reading = k->due = false;
    if (g != NULL) {
        g->at = now;
        g->users = 2;
        before = k->graph;
        k->graph = g;
    }
    (void)pthread_mutex_unlock(&k->lock);
    if (before != NULL)
        give_back(k, before);
    return g;
}

/* The graph that is kept, or a new one. While one thread reads it anew, the others go on with what there is. */
static struct network_graph *take(struct network_keeper *k, struct store_conn *c, uint64_t decided, tq_time now, struct error *e)
{
    uint64_t newest = network_version(c, e);
    (void)pthread_mutex_lock(&k->lock);
    bool good = serves(k, newest, decided, now);
    struct network_graph *g = k->graph;
    if (good)
        g->users++;
    else
        k->reading = true;
    (void)pthread_mutex_unlock(&k->lock);
    return good ? g : renew(k, c, now, e);
}

bool network_due(struct network_keeper *k)
{
    (void)pthread_mutex_lock(&k->lock);
    bool due = k->due && !k->reading;
    (void)pthread_mutex_unlock(&k->lock);
    return due;
}

void network_renew(struct network_keeper *k, struct store_conn *c, tq_time now)
{
    (void)pthread_mutex_lock(&k->lock);
    bool mine = k->due && !k->reading;
    k->reading = k->reading || mine;
    (void)pthread_mutex_unlock(&k->lock);
    struct network_graph *g = mine ? renew(k, c, now, NULL) : NULL;
    if (g != NULL)
        give_back(k, g);
}

struct network *network_kept(struct network_keeper *k, struct store_conn *c, const struct network_query *q, uint64_t decided, tq_time now,
                             struct error *e)
{
    struct network *n = calloc(1, sizeof *n);
    if (n == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory");
        return NULL;
    }
    n->keeper = k;
    n->graph = k == NULL ? network_graph_read(c, e) : take(k, c, decided, now, e);
    if (n->graph == NULL || network_fold(n, q, e) != 0) {
        network_free(n);
        return NULL;
    }
    return n;
}

struct network *network_read(struct store_conn *c, const struct network_query *q, struct error *e)
{
    return network_kept(NULL, c, q, 0, 0, e);
}

void network_free(struct network *n)
{
    if (n == NULL)
        return;
    if (n->graph != NULL)
        give_back(n->keeper, n->graph);
    free(n->all);
    free(n->nodes);
    free(n->edges);
    free(n);
}
