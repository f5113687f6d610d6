#include "lab/inventory/network_private.h"
#include "lab/respond/finding.h"

#include <stdio.h>
#include <stdlib.h>

/* What is odd, what is shown alone, what folds. */

#define DAY (24 * 3600 * TIME_SECOND)
#define WINDOW (7 * DAY) /* new, when nobody says otherwise */
#define LEARNING DAY     /* of a start, nothing is new */
#define LANE_ALONE 24    /* devices that a lane of devices for results shows one by one */
#define OTHER_ALONE 14   /* those of the last lane */
#define LANE_GROUPS 24   /* above so many groups a lane folds whatever the zone */
#define ODD_ALONE 8      /* odd devices that stay outside of their group */
#define OPEN_ALONE 100   /* devices that an open group shows */
#define FEW 4            /* what nobody needs to fold */
#define SEARCHING 16     /* addresses asked in vain */

/* Kinds of device, as far as it matters who talks to whom. */
enum class { ANALYZER, MIDDLEWARE, LIS, WORKSTATION, SERVER, PRINTER, NETWORK, OUTSIDE, SILENT, UNKNOWN, CLASSES };
#define BIT(c) (1u << (c))

/* Whom a device that handles results usually talks to. */
static const uint32_t usual[LANE_OTHER] = {
    [LANE_ANALYZER] = BIT(MIDDLEWARE) | BIT(LIS) | BIT(SERVER) | BIT(PRINTER) | BIT(NETWORK) | BIT(SILENT),
    [LANE_MIDDLEWARE] = BIT(ANALYZER) | BIT(MIDDLEWARE) | BIT(LIS) | BIT(WORKSTATION) | BIT(SERVER) | BIT(PRINTER) | BIT(NETWORK) | BIT(SILENT),
    [LANE_LIS] = BIT(ANALYZER) | BIT(MIDDLEWARE) | BIT(LIS) | BIT(WORKSTATION) | BIT(SERVER) | BIT(PRINTER) | BIT(NETWORK) | BIT(SILENT),
};

static enum class judge_class(struct span role) {
    static const char *const names[CLASSES] = {"analyzer", "middleware", "lis", "workstation", "server", "printer", "network", "outside", "silent",
                                               ""};
    for (int i = 0; i < UNKNOWN; i++) if (span_is(role, names[i])) return (enum class)i;
    return UNKNOWN;
}

static enum class class_of(const struct network_node *d) { return (enum class)d->class; }

struct fold {
    struct network *n;
    const struct network_query *q;
    struct network_node *nodes;
    struct network_edge *links;
    size_t n_nodes, n_links;
    size_t *order; /* nodes of this picture, as they are shown */
    size_t n_order;
    int64_t of[LANE_OTHER];             /* devices in a lane */
    int64_t doing[LANE_OTHER][CLASSES]; /* of them, those that talk to such a device */
    int64_t crowd[LANES];
    bool by_role[LANES]; /* too many zones: they fold together */
};

/* ── time ── */

static void judge_time(struct fold *f)
{
    struct network *n = f->n;
    for (size_t i = 0; i < f->n_links; i++) {
        const struct network_edge *l = &f->links[i];
        if (n->from == 0 || l->first_seen < n->from)
            n->from = l->first_seen;
        if (l->last_seen > n->until)
            n->until = l->last_seen;
    }
    n->since = f->q->window > 0 ? n->until - f->q->window : f->q->since;
    if (n->since == 0) {
        n->since = n->until - WINDOW;
        if (n->since < n->from + LEARNING)
            n->since = n->from + LEARNING;
    }
    /* A comparison needs something to compare with: an eighth of the time that is judged. */
    n->judged = n->until > 0 && n->since <= n->until && (n->since - n->from) >= (n->until - n->since) / 8 && n->since > n->from;
}

/* ── what is odd ── */

static void note_peer(struct fold *f, size_t self, size_t other)
{
    struct network_node *d = &f->nodes[self];
    const struct network_node *o = &f->nodes[other];
    enum class c = class_of(o);
    d->silent += c == SILENT;
    if ((d->peers & BIT(c)) != 0)
        return;
    d->peers |= BIT(c);
    if (d->lane != LANE_OTHER)
        f->doing[d->lane][c]++;
}

static bool is_usual(const struct fold *f, enum network_lane lane, enum class c, bool lab)
{
    if (lane == LANE_OTHER || (usual[lane] & BIT(c)) != 0)
        return true;
    if (c == UNKNOWN && lane != LANE_ANALYZER && !lab)
        return true; /* whoever asks a LIS may be any work place; an analyzer is asked by few, and lab messages come from devices that say what they
                        are */
    return f->doing[lane][c] >= 3 && f->doing[lane][c] * 2 >= f->of[lane];
}

/* The Internet is new at every turn: a new link is told only between devices, or where results are handled. */
static bool worth_telling(const struct network_node *a, const struct network_node *b)
{
    return (a->kind == NETWORK_DEVICE && b->kind == NETWORK_DEVICE) || a->lane != LANE_OTHER || b->lane != LANE_OTHER;
}

static void judge_link(struct fold *f, struct network_edge *l)
{
    struct network_node *a = &f->nodes[l->a];
    struct network_node *b = &f->nodes[l->b];
    l->fresh = f->n->judged && l->first_seen >= f->n->since && worth_telling(a, b);
    enum class ca = class_of(a);
    enum class cb = class_of(b);
    if (!is_usual(f, a->lane, cb, l->lab))
        l->odd = cb == OUTSIDE ? ODD_OUTSIDE : ODD_PEER;
    if (!is_usual(f, b->lane, ca, l->lab) && l->odd != ODD_OUTSIDE)
        l->odd = ca == OUTSIDE ? ODD_OUTSIDE : ODD_PEER;
    if (l->odd == ODD_NONE && l->fresh && !a->fresh && !b->fresh)
        l->odd = ODD_NEW_LINK;
    if (l->odd == ODD_NONE)
        return;
    a->odd = l->odd > a->odd ? l->odd : a->odd;
    b->odd = l->odd > b->odd ? l->odd : b->odd;
}

static void judge(struct fold *f)
{
    for (size_t i = 0; i < f->n_nodes; i++) {
        struct network_node *d = &f->nodes[i];
        d->fresh = f->n->judged && d->kind == NETWORK_DEVICE && d->first_seen >= f->n->since;
        if (d->fresh)
            d->odd = ODD_NEW_DEVICE;
        if (d->kind == NETWORK_DEVICE && d->lane != LANE_OTHER)
            f->of[d->lane]++;
    }
    for (size_t i = 0; i < f->n_links; i++) {
        note_peer(f, f->links[i].a, f->links[i].b);
        note_peer(f, f->links[i].b, f->links[i].a);
    }
    for (size_t i = 0; i < f->n_nodes; i++)
        if (f->nodes[i].silent >= SEARCHING && f->nodes[i].odd < ODD_SEARCHING)
            f->nodes[i].odd = ODD_SEARCHING;
    for (size_t i = 0; i < f->n_links; i++)
        judge_link(f, &f->links[i]);
}

/* ── what is asked for ── */

/* Leaves links without an end in the zone; `shown` of a node becomes 1 where it takes part. */
static void choose(struct fold *f)
{
    struct span zone = f->q->zone;
    size_t kept = 0;
    for (size_t i = 0; i < f->n_nodes; i++)
        f->nodes[i].shown = f->nodes[i].kind == NETWORK_DEVICE && (zone.n == 0 || span_equal(f->nodes[i].zone, zone));
    for (size_t i = 0; i < f->n_links; i++) {
        struct network_edge *l = &f->links[i];
        if (zone.n > 0 && !span_equal(f->nodes[l->a].zone, zone) && !span_equal(f->nodes[l->b].zone, zone))
            continue;
        f->links[kept++] = *l;
    }
    f->n_links = kept;
    for (size_t i = 0; i < kept; i++)
        f->nodes[f->links[i].a].shown = f->nodes[f->links[i].b].shown = 1;
}

static void count(struct fold *f)
{
    struct network *n = f->n;
    for (size_t i = 0; i < f->n_nodes; i++) {
        const struct network_node *d = &f->nodes[i];
        if (d->shown == 0)
            continue;
        n->devices += d->kind == NETWORK_DEVICE;
        n->outside += d->kind == NETWORK_OUTSIDE;
        n->silent += d->kind == NETWORK_SILENT;
        f->crowd[d->lane] += d->kind == NETWORK_DEVICE;
    }
    n->links = (int64_t)f->n_links;
    for (size_t i = 0; i < f->n_links; i++) {
        n->links_lab += f->links[i].lab;
        n->links_lab_clear += f->links[i].lab && f->links[i].crypt == CRYPT_NO;
        n->links_new += f->links[i].fresh;
    }
}

/* ── telling what is odd ── */

static void tell(struct fold *f, const struct network_odd *odd)
{
    struct network *n = f->n;
    n->odd_total++;
    size_t at = n->n_odd; /* worst first, then newest */
    while (at > 0 && (n->odd[at - 1].kind < odd->kind || (n->odd[at - 1].kind == odd->kind && n->odd[at - 1].last_seen < odd->last_seen)))
        at--;
    if (at == NETWORK_ODD)
        return;
    size_t move = n->n_odd < NETWORK_ODD ? n->n_odd++ - at : NETWORK_ODD - 1 - at;
    memmove(&n->odd[at + 1], &n->odd[at], move * sizeof n->odd[0]);
    n->odd[at] = *odd;
}

static void tell_link(struct fold *f, const struct network_edge *l)
{
    const struct network_node *a = &f->nodes[l->a];
    const struct network_node *b = &f->nodes[l->b];
    struct network_odd odd = {.kind = l->odd, .a = a, .b = b, .apps = l->apps, .first_seen = l->first_seen, .last_seen = l->last_seen};
    if (l->odd != ODD_NEW_LINK) {
        if (is_usual(f, a->lane, class_of(b), l->lab)) { /* the device that it is odd for comes first */
            odd.a = b;
            odd.b = a;
        }
        odd.share = f->doing[odd.a->lane][class_of(odd.b)];
        odd.of = f->of[odd.a->lane];
    }
    tell(f, &odd);
}

static void tell_all(struct fold *f)
{
    for (size_t i = 0; i < f->n_nodes; i++) {
        const struct network_node *d = &f->nodes[i];
        if (d->shown == 0)
            continue;
        if (d->fresh)
            tell(f, &(struct network_odd){.kind = ODD_NEW_DEVICE, .a = d, .first_seen = d->first_seen, .last_seen = d->last_seen});
        if (d->silent >= SEARCHING)
            tell(f, &(struct network_odd){.kind = ODD_SEARCHING, .a = d, .share = d->silent, .first_seen = d->first_seen, .last_seen = d->last_seen});
    }
    for (size_t i = 0; i < f->n_links; i++)
        if (f->links[i].odd != ODD_NONE)
            tell_link(f, &f->links[i]);
}

/* ── zones ── */

static int compare(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int by_zone(const void *left, const void *right, void *context)
{
    const struct network_node *nodes = context;
    return compare(nodes[*(const size_t *)left].zone, nodes[*(const size_t *)right].zone);
}

/* All zones, whichever is asked for. */
static int list_zones(struct network_graph *g, struct error *e)
{
    size_t *order = calloc(g->n_devices + 1, sizeof *order);
    if (order == NULL)
        return err_set(e, ERR_SYSTEM, "no memory");
    for (size_t i = 0; i < g->n_devices; i++)
        order[i] = i;
    qsort_r(order, g->n_devices, sizeof *order, by_zone, g->nodes);
    for (size_t i = 0; i < g->n_devices; i++) {
        struct span zone = g->nodes[order[i]].zone;
        if (zone.n == 0)
            continue;
        bool next = g->n_zones == 0 || i == 0 || !span_equal(g->nodes[order[i - 1]].zone, zone);
        g->zones_total += next;
        if (next && g->n_zones < NETWORK_ZONES)
            g->zones[g->n_zones++] = (struct network_zone){.name = zone, .told = g->nodes[order[i]].zone_told};
        if (g->zones_total == (int64_t)g->n_zones)
            g->zones[g->n_zones - 1].devices++;
    }
    free(order);
    return 0;
}

/* ── order and groups ── */

static bool same_group(const struct fold *f, const struct network_node *a, const struct network_node *b)
{
    return a->lane == b->lane && span_equal(a->role, b->role) && (f->by_role[a->lane] || span_equal(a->zone, b->zone));
}

struct placing {
    const struct network_node *nodes;
    bool by_role;
};

static int by_place(const void *left, const void *right, void *context)
{
    const struct placing *p = context;
    const struct network_node *a = &p->nodes[*(const size_t *)left];
    const struct network_node *b = &p->nodes[*(const size_t *)right];
    if (a->lane != b->lane)
        return a->lane < b->lane ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int order = p->by_role ? compare(a->role, b->role) : compare(a->zone, b->zone);
    if (order == 0)
        order = p->by_role ? compare(a->zone, b->zone) : compare(a->role, b->role);
    if (order == 0)
        order = compare(a->title, b->title);
    return order != 0 ? order : compare(a->id, b->id);
}

int network_prepare(struct network_graph *g, struct error *e)
{
    for (size_t i = 0; i < g->n_nodes; i++)
        g->nodes[i].class = (uint8_t)judge_class(g->nodes[i].role);
    for (int k = 0; k < 2; k++) {
        struct placing p = {.nodes = g->nodes, .by_role = k == 1};
        g->places[k] = calloc(g->n_nodes + 1, sizeof *g->places[k]);
        if (g->places[k] == NULL)
            return err_set(e, ERR_SYSTEM, "no memory");
        for (size_t i = 0; i < g->n_nodes; i++)
            g->places[k][i] = i;
        qsort_r(g->places[k], g->n_nodes, sizeof *g->places[k], by_place, &p);
    }
    return list_zones(g, e);
}

/* Lanes are one behind the other in both orders, so each lane's part comes from the order that it needs. */
static void sort(struct fold *f)
{
    const struct network_graph *g = f->n->graph;
    f->n_order = 0;
    for (int lane = 0; lane < LANES; lane++) {
        const size_t *places = g->places[f->by_role[lane]];
        for (size_t i = 0; i < f->n_nodes; i++)
            if (f->nodes[places[i]].lane == (enum network_lane)lane && f->nodes[places[i]].shown != 0)
                f->order[f->n_order++] = places[i];
    }
    size_t groups[LANES] = {0};
    for (size_t i = 0; i < f->n_order; i++) {
        const struct network_node *d = &f->nodes[f->order[i]];
        groups[d->lane] += i == 0 || !same_group(f, &f->nodes[f->order[i - 1]], d);
    }
    bool again = false;
    for (int lane = 0; lane < LANES; lane++)
        if (groups[lane] > LANE_GROUPS && !f->by_role[lane])
            again = f->by_role[lane] = true;
    if (again)
        sort(f);
}

/* A number that is the same whenever the same group is made (FNV-1a over role and zone). */
static uint32_t number(const struct fold *f, const struct network_node *d)
{
    uint32_t h = 2166136261u;
    struct span parts[] = {d->role, f->by_role[d->lane] ? SPAN_LIT("") : d->zone};
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < parts[k].n; i++)
            h = (h ^ parts[k].p[i]) * 16777619u;
        h = (h ^ 0xff) * 16777619u;
    }
    return h == 0 ? 1 : h;
}

static bool is_open(const struct fold *f, uint32_t group)
{
    for (int i = 0; i < NETWORK_OPEN; i++)
        if (f->q->open[i] == group)
            return true;
    return false;
}

/* Does a run of like nodes show every one of them? */
static bool whole(const struct fold *f, const struct network_node *d, size_t run)
{
    if (run == 1)
        return true;
    if (d->kind != NETWORK_DEVICE)
        return run < FEW;
    if (f->crowd[d->lane] <= (d->lane == LANE_OTHER ? OTHER_ALONE : LANE_ALONE))
        return true;
    return class_of(d) == UNKNOWN && run <= ODD_ALONE;
}

static struct network_node *show(struct fold *f, const struct network_node *d)
{
    if (f->n->n_nodes == NETWORK_NODES) {
        f->n->cut = true;
        return NULL;
    }
    f->n->nodes[f->n->n_nodes] = *d;
    return &f->n->nodes[f->n->n_nodes++];
}

static void gather(struct network_node *group, const struct network_node *d)
{
    group->members++;
    group->findings += d->findings;
    group->rank = d->rank > group->rank ? d->rank : group->rank;
    group->fresh = group->fresh || d->fresh;
    group->odd = d->odd > group->odd ? d->odd : group->odd;
    group->first_seen = d->first_seen < group->first_seen ? d->first_seen : group->first_seen;
    group->last_seen = d->last_seen > group->last_seen ? d->last_seen : group->last_seen;
}

/* How much a device must not vanish in a group: 0, or more the odder it is. What nearly all have (a finding that is medium) holds none back. */
#define WEIGHTS (2 * ODDITIES + 2)
static int weight(const struct network_node *d)
{
    return 2 * (int)d->odd + (d->rank > RANK_SHARED);
}

/* Of a run, the ODD_ALONE that weigh most stay alone: all above *ret_least, and as many that weigh just so as *ret_more says. */
static void weigh(const struct fold *f, size_t from, size_t run, int *ret_least, size_t *ret_more)
{
    size_t count_of[WEIGHTS] = {0};
    for (size_t i = from; i < from + run; i++)
        count_of[weight(&f->nodes[f->order[i]])]++;
    size_t room = ODD_ALONE;
    int least = WEIGHTS - 1;
    while (least > 1 && count_of[least] <= room)
        room -= count_of[least--];
    *ret_least = least;
    *ret_more = room;
}

#define NOWHERE SIZE_MAX

/* The nodes order[from] … order[from + run - 1] are alike: those that matter stay alone, the others become one. */
static void fold_run(struct fold *f, size_t from, size_t run)
{
    const struct network_node *first = &f->nodes[f->order[from]];
    bool all = whole(f, first, run);
    uint32_t group = number(f, first);
    bool open = !all && is_open(f, group);
    size_t alone = 0;
    size_t more;
    int least;
    weigh(f, from, run, &least, &more);
    struct network_node *together = NULL;
    const struct network_node *only = NULL;
    for (size_t i = from; i < from + run; i++) {
        struct network_node *d = &f->nodes[f->order[i]];
        int weighs = weight(d);
        bool stays = all || (open && alone < OPEN_ALONE) || (f->q->at.n > 0 && span_equal(d->id, f->q->at)) || weighs > least ||
                     (weighs == least && more > 0 && more-- > 0);
        alone += stays;
        if (!stays && together != NULL) {
            gather(together, d);
            d->shown = (size_t)(together - f->n->nodes);
            continue;
        }
        struct network_node *put = show(f, d);
        d->shown = put == NULL ? NOWHERE : f->n->n_nodes - 1;
        if (put == NULL)
            continue;
        if (stays) {
            put->group = open ? group : 0;
            continue;
        }
        together = put;
        only = d;
        put->kind = NETWORK_GROUP;
        put->group = group;
        if (f->by_role[put->lane])
            put->zone = (struct span){.p = put->zone.p};
    }
    if (together != NULL && together->members == 1)
        *together = *only; /* one alone is no group */
}

static void fold_nodes(struct fold *f)
{
    for (size_t i = 0; i < f->n_order;) {
        size_t run = 1;
        while (i + run < f->n_order && same_group(f, &f->nodes[f->order[i]], &f->nodes[f->order[i + run]]))
            run++;
        fold_run(f, i, run);
        i += run;
    }
}

/* ── edges ── */

static int by_worth(const void *left, const void *right)
{
    const struct network_edge *l = left;
    const struct network_edge *r = right;
    int worth_l = (int)l->odd * 4 + l->lab * 2 + l->fresh;
    int worth_r = (int)r->odd * 4 + r->lab * 2 + r->fresh;
    if (worth_l != worth_r)
        return worth_l > worth_r ? -1 : 1;
    return l->bytes == r->bytes ? 0 : l->bytes > r->bytes ? -1 : 1;
}

/* Nodes of a picture are few: each pair has a place of its own, where its edge stands from the first link on (its number + 1). */
static int fold_edges(struct fold *f, struct error *e)
{
    struct network *n = f->n;
    size_t room = 0;
    uint32_t *of = calloc(n->n_nodes * n->n_nodes + 1, sizeof *of);
    if (of == NULL)
        return err_set(e, ERR_SYSTEM, "no memory");
    for (size_t i = 0; i < f->n_links; i++) {
        struct network_edge l = f->links[i];
        size_t a = f->nodes[l.a].shown;
        size_t b = f->nodes[l.b].shown;
        if (a == NOWHERE || b == NOWHERE || a == b)
            continue;
        l.a = a < b ? a : b;
        l.b = a < b ? b : a;
        uint32_t *at = &of[l.a * n->n_nodes + l.b];
        if (*at != 0) {
            network_add(&n->edges[*at - 1], &l);
            continue;
        }
        if (n->n_edges == room) {
            struct network_edge *more = reallocarray(n->edges, room + 1024, sizeof *more);
            if (more == NULL) {
                free(of);
                return err_set(e, ERR_SYSTEM, "no memory");
            }
            n->edges = more;
            room += 1024;
        }
        n->edges[n->n_edges++] = l;
        *at = (uint32_t)n->n_edges;
    }
    free(of);
    if (n->n_edges > NETWORK_EDGES) {
        qsort(n->edges, n->n_edges, sizeof *n->edges, by_worth);
        n->n_edges = NETWORK_EDGES;
        n->cut = true;
    }
    if (n->n_edges > 0)
        (void)network_merge(n->edges, n->n_edges); /* only sorts: their ends differ */
    return 0;
}

static void fold_all(struct fold *f)
{
    judge_time(f);
    judge(f);
    choose(f);
    count(f);
    tell_all(f);
    sort(f);
    fold_nodes(f);
}

/* The graph is everybody's: what is judged for this question is judged on copies. */
int network_fold(struct network *n, const struct network_query *q, struct error *e)
{
    const struct network_graph *g = n->graph;
    struct fold f = {.n = n, .q = q, .n_nodes = g->n_nodes, .n_links = g->n_links};
    f.order = calloc(g->n_nodes + 1, sizeof *f.order);
    f.nodes = n->all = calloc(g->n_nodes + 1, sizeof *n->all);
    f.links = malloc((g->n_links + 1) * sizeof *f.links);
    n->nodes = calloc(NETWORK_NODES, sizeof *n->nodes);
    int rc = -1;
    if (f.order == NULL || n->all == NULL || f.links == NULL || n->nodes == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory");
    } else {
        if (g->n_nodes > 0)
            memcpy(n->all, g->nodes, g->n_nodes * sizeof *n->all);
        if (g->n_links > 0)
            memcpy(f.links, g->links, g->n_links * sizeof *f.links);
        memcpy(n->apps, g->apps, sizeof n->apps);
        n->n_apps = g->n_apps;
        memcpy(n->zones, g->zones, sizeof n->zones);
        n->n_zones = g->n_zones;
        n->zones_total = g->zones_total;
        fold_all(&f);
        rc = fold_edges(&f, e);
    }
    free(f.order);
    free(f.links);
    return rc;
}
