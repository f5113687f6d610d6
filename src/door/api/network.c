#include "door/api/api_private.h"

#include "base/text.h"
#include "lab/inventory/network.h"
#include "lab/respond/finding.h"

#include <stdio.h>

/* GET /network: the picture of who talks to whom. */

static void put_apps(struct jsonw *j, const struct network *n, uint64_t apps)
{
    jsonw_key(j, "apps");
    jsonw_array(j);
    for (size_t i = 0; i < n->n_apps; i++)
        if ((apps >> i & 1) != 0)
            jsonw_str(j, n->apps[i]);
    jsonw_array_end(j);
}

static void put_group(struct jsonw *j, const char *key, uint32_t group)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%08x", (unsigned)group);
    jsonw_put_str(j, key, group == 0 ? NULL : text);
}

static const char *kind_name(enum network_kind kind)
{
    static const char *const names[] = {
        [NETWORK_DEVICE] = "device", [NETWORK_OUTSIDE] = "outside", [NETWORK_SILENT] = "silent", [NETWORK_GROUP] = "group"};
    return names[kind];
}

/* The id under which edges name a node: a group's is its number. */
static void put_id(struct jsonw *j, const char *key, const struct network_node *d)
{
    if (d->kind == NETWORK_GROUP)
        put_group(j, key, d->group);
    else
        jsonw_put_text(j, key, d->id);
}

static void put_odd_name(struct jsonw *j, const char *key, enum network_oddity odd)
{
    jsonw_put_str(j, key, odd == ODD_NONE ? NULL : network_oddity_name(odd));
}

static void put_node(struct jsonw *j, const struct network_node *d)
{
    bool group = d->kind == NETWORK_GROUP;
    jsonw_object(j);
    put_id(j, "id", d);
    jsonw_put_str(j, "kind", kind_name(d->kind));
    jsonw_put_str(j, "lane", network_lane_name(d->lane));
    jsonw_put_text(j, "title", group ? SPAN_LIT("") : d->title);
    jsonw_put_text(j, "role", d->role);
    put_optional(j, "role_basis", group ? SPAN_LIT("") : d->role_basis);
    put_optional(j, "zone", d->zone);
    put_optional(j, "address", group ? SPAN_LIT("") : d->address);
    put_group(j, "group", d->group);
    jsonw_put_int(j, "members", d->members);
    jsonw_put_int(j, "findings", d->findings);
    jsonw_put_str(j, "severity", d->findings > 0 ? finding_rank_name(d->rank) : NULL);
    jsonw_put_bool(j, "new", d->fresh);
    put_odd_name(j, "odd", d->odd);
    put_time(j, "first_seen", d->first_seen);
    put_time(j, "last_seen", d->last_seen);
    jsonw_object_end(j);
}

static void put_edge(struct jsonw *j, const struct network *n, const struct network_edge *l)
{
    jsonw_object(j);
    put_id(j, "a", &n->nodes[l->a]);
    put_id(j, "b", &n->nodes[l->b]);
    put_apps(j, n, l->apps);
    jsonw_put_str(j, "encrypted", network_crypt_name(l->crypt));
    jsonw_put_bool(j, "lab", l->lab);
    jsonw_put_bool(j, "new", l->fresh);
    put_odd_name(j, "odd", l->odd);
    jsonw_put_int(j, "links", l->links);
    jsonw_put_int(j, "packets", l->packets);
    jsonw_put_int(j, "bytes", l->bytes);
    jsonw_put_int(j, "messages", l->messages);
    put_time(j, "first_seen", l->first_seen);
    put_time(j, "last_seen", l->last_seen);
    jsonw_object_end(j);
}

static void put_end(struct jsonw *j, const char *key, const struct network_node *d)
{
    jsonw_key(j, key);
    if (d == NULL) {
        jsonw_null(j);
        return;
    }
    jsonw_object(j);
    jsonw_put_text(j, "id", d->id);
    jsonw_put_str(j, "kind", kind_name(d->kind));
    jsonw_put_text(j, "title", d->title);
    jsonw_put_text(j, "role", d->role);
    jsonw_object_end(j);
}

static void put_odd(struct jsonw *j, const struct network *n, const struct network_odd *odd)
{
    jsonw_object(j);
    jsonw_put_str(j, "kind", network_oddity_name(odd->kind));
    put_end(j, "a", odd->a);
    put_end(j, "b", odd->b);
    put_apps(j, n, odd->apps);
    jsonw_put_int(j, "share", odd->share);
    jsonw_put_int(j, "of", odd->of);
    put_time(j, "first_seen", odd->first_seen);
    put_time(j, "last_seen", odd->last_seen);
    jsonw_object_end(j);
}

static void put_lists(struct jsonw *j, const struct network *n)
{
    jsonw_key(j, "nodes");
    jsonw_array(j);
    for (size_t i = 0; i < n->n_nodes; i++)
        put_node(j, &n->nodes[i]);
    jsonw_array_end(j);
    jsonw_key(j, "edges");
    jsonw_array(j);
    for (size_t i = 0; i < n->n_edges; i++)
        put_edge(j, n, &n->edges[i]);
    jsonw_array_end(j);
    jsonw_key(j, "odd");
    jsonw_array(j);
    for (size_t i = 0; i < n->n_odd; i++)
        put_odd(j, n, &n->odd[i]);
    jsonw_array_end(j);
    jsonw_key(j, "zones");
    jsonw_array(j);
    for (size_t i = 0; i < n->n_zones; i++) {
        jsonw_object(j);
        jsonw_put_text(j, "name", n->zones[i].name);
        jsonw_put_bool(j, "told", n->zones[i].told);
        jsonw_put_int(j, "devices", n->zones[i].devices);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

static void put_network(struct jsonw *j, const struct network *n)
{
    jsonw_object(j);
    put_time(j, "from", n->from);
    put_time(j, "until", n->until);
    put_time(j, "since", n->until == 0 ? 0 : n->since);
    jsonw_put_bool(j, "judged", n->judged);
    jsonw_put_bool(j, "cut", n->cut);
    put_lists(j, n);
    jsonw_key(j, "counts");
    jsonw_object(j);
    jsonw_put_int(j, "zones", n->zones_total);
    jsonw_put_int(j, "devices", n->devices);
    jsonw_put_int(j, "outside", n->outside);
    jsonw_put_int(j, "silent", n->silent);
    jsonw_put_int(j, "links", n->links);
    jsonw_put_int(j, "links_lab", n->links_lab);
    jsonw_put_int(j, "links_lab_clear", n->links_lab_clear);
    jsonw_put_int(j, "links_new", n->links_new);
    jsonw_put_int(j, "odd", n->odd_total);
    jsonw_object_end(j);
    jsonw_object_end(j);
}

/* ── what is asked ── */

/* "2026-11-22T14:00:00Z", or hours or days before the newest traffic: "24h", "7d". */
static bool read_since(struct call *c, const char *text, struct network_query *q)
{
    struct span s = span_str(text);
    uint64_t n = 0;
    if (s.n == 0 || time_parse(s, &q->since))
        return true;
    uint8_t unit = s.p[s.n - 1];
    if ((unit == 'h' || unit == 'd') && span_decimal(span_of(s.p, s.n - 1), 1000, &n) && n > 0) {
        q->window = (tq_time)n * (unit == 'h' ? 1 : 24) * 3600 * TIME_SECOND;
        return true;
    }
    problem(c, 400, "since", "\"since\" is a time (2026-11-22T14:00:00Z) or hours or days before the newest traffic (24h, 7d).");
    return false;
}

static bool read_open(struct call *c, const char *text, struct network_query *q)
{
    struct span s = span_str(text);
    for (size_t n = 0; s.n > 0; n++) {
        uint8_t bytes[4];
        struct span one = span_until(&s, ',', NULL);
        if (n == NETWORK_OPEN || !text_unhex(one, bytes, sizeof bytes)) {
            problem(c, 400, "open", "\"open\" is up to 7 groups as GET /network names them, with commas between.");
            return false;
        }
        q->open[n] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    }
    return true;
}

void handle_network(struct call *c)
{
    char zone[NAMED_MAX + 1];
    char since[PARAM_MAX + 1];
    char open[PARAM_MAX + 1];
    char at[PARAM_MAX + 1];
    struct network_query q = {0};
    struct error e = {0};
    if (!query_named(c, "zone", zone) || !query_text(c, "since", since) || !query_text(c, "open", open) || !query_text(c, "at", at) ||
        !read_since(c, since, &q) || !read_open(c, open, &q))
        return;
    q.zone = span_str(zone);
    q.at = span_str(at);
    struct network *n = network_kept(c->api->network, c->db, &q, views_decided(c->api->views), c->now.monotonic, &e);
    if (n == NULL) {
        problem_store(c, &e);
        return;
    }
    put_network(&c->json, n);
    network_free(n);
}
