#include "lab/inventory/asset_private.h"

/* What a device is, from everything that is known of it. docs/inventory.md tells the order and the figures. */

#define TURNS 2 /* HL7 senders at one address behind which another one began before they spoke again: three take turns */

enum {
    SURE_TOLD = 100,
    SURE_RELAY = 60,   /* from results that it receives and sends on */
    SURE_RESULTS = 60, /* from results that it sends, or receives */
    SURE_ROUTES = 70,
    SURE_INSTRUMENTS = 80,
    SURE_SERVICE = 40, /* from services that it offers or uses */
};
enum { WORTH_OUI = 10 }; /* who made the network card is only a guess at who made the device */

enum fact { MAKER, MODEL, SERIAL, SOFTWARE, OS, ROLE, HOSTNAME, NAME, OWNER, PLACE, CRITICALITY, ZONE, RETIRED, FACTS };
static const char *const fact_names[FACTS] = {"maker", "model", "serial", "software",    "os",   "role",   "hostname",
                                              "name",  "owner", "place",  "criticality", "zone", "retired"};

/* How much a source is worth for saying what a device is: its own words first, then what its software shows, then guesses. */
static int worth(struct span source)
{
    static const struct {
        const char *source;
        int worth;
    } order[] = {{"hl7.msh", 90}, {"astm.h", 90},    {"poct1a.hel", 90}, {"lldp", 80}, {"cdp", 80},    {"dicom", 70}, {"snmp", 70},
                 {"dhcp", 60},    {"dhcp6", 60},     {"ntlm", 60},       {"smb", 50},  {"http", 50},   {"ssh", 50},   {"mdns", 50},
                 {"netbios", 50}, {"llmnr", 50},     {"ssdp", 40},       {"ftp", 40},  {"telnet", 40}, {"pjl", 70},   {"zpl", 70},
                 {"ipp", 70},     {"upnp", 60},      {"wsd", 60},        {"sip", 60},  {"rtsp", 50},   {"tls", 40},   {"tls.certificate", 30},
                 {"dns", 30},     {"oui", WORTH_OUI}};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (span_is(source, order[i].source))
            return order[i].worth;
    return 20;
}

bool asset_role_known(struct span role)
{
    static const char *const roles[] = {"analyzer", "middleware", "lis", "workstation", "server", "printer", "phone", "camera", "network"};
    return one_of(role, roles, sizeof roles / sizeof roles[0]);
}

struct best {
    int worth; /* SURE_TOLD: a person said so; 0: not known */
    char value[VALUE_MAX];
};

struct judgement {
    int64_t root;
    struct best best[FACTS];
    int64_t sent, received, served, browsed, routes, instruments;
    bool between;
    bool terminal;  /* by its maker it may be a terminal server */
    int catalog;    /* how sure the catalog is of class, maker and model; 0: not at all */
    char class[64]; /* … of it */
    const char *role;
    const char *basis;
    int sure;
};

static int fact_number(struct span name)
{
    for (int i = 0; i < FACTS; i++)
        if (span_is(name, fact_names[i]))
            return i;
    return -1;
}

static void take(struct judgement *g, int i, struct span value, int worth_of)
{
    if (i < 0 || worth_of <= g->best[i].worth || value.n >= VALUE_MAX)
        return;
    g->best[i].worth = worth_of;
    memcpy(g->best[i].value, value.p, value.n);
    g->best[i].value[value.n] = 0;
}

static int gather(struct store_conn *w, struct judgement *g, struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT field, value, source FROM asset_fact JOIN asset ON asset.n = asset_fact.asset WHERE root = ?1 "
                                         "ORDER BY field, asset_fact.time DESC, source, voice");
    store_bind_int(q, 1, g->root);
    while (store_step(q))
        take(g, fact_number(store_text(q, 0)), store_text(q, 1), worth(store_text(q, 2)));
    if (store_done(q, e) != 0)
        return -1;
    q = store_stmt(w, "SELECT field, value FROM asset_edit JOIN asset ON asset.n = asset_edit.asset WHERE root = ?1 ORDER BY record DESC");
    store_bind_int(q, 1, g->root);
    while (store_step(q))
        take(g, fact_number(store_text(q, 0)), store_text(q, 1), SURE_TOLD);
    return store_done(q, e);
}

/* Sends results and receives them, itself or under one name with another address; or three send under names of their own from one address. */
static int count(struct store_conn *w, struct judgement *g, struct error *e)
{
    struct store_stmt *q = store_stmt(
        w, "SELECT sum(results_sent), sum(results_received), sum(served), sum(browsed), max(routes),"
           " (SELECT count(*) FROM asset AS i JOIN asset AS b ON b.n = i.behind WHERE b.root = ?1 AND i.root = i.n AND i.n <> ?1),"
           " EXISTS (SELECT 1 FROM asset AS m JOIN asset_alias AS own ON own.asset = m.n JOIN asset_alias AS other ON other.name = own.name"
           " AND other.sends <> own.sends WHERE m.root = ?1) OR (SELECT count(*) FROM asset AS m JOIN asset_voice AS v ON v.asset = m.n"
           " WHERE m.root = ?1 AND v.turns = 1 AND v.instrument IS NULL) >= ?2 FROM asset WHERE root = ?1");
    store_bind_int(q, 1, g->root);
    store_bind_int(q, 2, TURNS);
    if (store_step(q)) {
        g->sent = store_int(q, 0);
        g->received = store_int(q, 1);
        g->served = store_int(q, 2);
        g->browsed = store_int(q, 3);
        g->routes = store_int(q, 4);
        g->instruments = store_int(q, 5);
        g->between = store_int(q, 6) != 0 || (g->sent > 0 && g->received > 0);
    }
    return store_done(q, e);
}

/* What the catalog makes of it. A model that the device says itself takes the place of the raw words; one that is only guessed at gives a class. An
 * address that carries other devices' names is none of them. */
static int look_up(struct apply *a, struct judgement *g, struct error *e)
{
    const struct asset_guess *guesses = NULL;
    size_t n = 0;
    if (asset_guesses(a, g->root, &guesses, &n, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        g->terminal |= span_is(guesses[i].class, "terminal-server");
    for (size_t i = 0; i < n; i++) {
        const struct asset_guess *k = &guesses[i];
        bool carries = g->between && strcmp(catalog_role(k->class), "analyzer") == 0;
        bool behind = g->instruments > 0 && !span_is(k->class, "terminal-server");
        if (carries || behind || k->class.n >= sizeof g->class)
            continue;
        g->catalog = k->confidence;
        if (k->class.n > 0)
            memcpy(g->class, k->class.p, k->class.n);
        g->class[k->class.n] = 0;
        const struct span said[] = {k->maker, k->model, k->serial, k->software};
        static const enum fact facts[] = {MAKER, MODEL, SERIAL, SOFTWARE};
        for (int f = 0; k->confidence >= 60 && f < 4; f++)
            if (said[f].n > 0 && g->best[facts[f]].worth < SURE_TOLD && (f < 2 || k->confidence >= 90 || g->best[facts[f]].worth == 0)) {
                g->best[facts[f]].worth = 0;
                take(g, facts[f], said[f], k->confidence);
            }
        break;
    }
    return 0;
}

static void decide(struct judgement *g, const char *role, const char *basis, int sure)
{
    if (g->role != NULL)
        return;
    g->role = role;
    g->basis = basis;
    g->sure = sure;
}

static void decide_role(struct judgement *g)
{
    const struct best *said = &g->best[ROLE];
    if (said->worth == SURE_TOLD)
        decide(g, said->value, "told", SURE_TOLD);
    if (g->instruments > 0)
        decide(g, "network", "inferred", SURE_INSTRUMENTS);
    if (g->between)
        decide(g, "middleware", "inferred", SURE_RELAY);
    const char *kind = g->class[0] != 0 ? catalog_role(span_str(g->class)) : "unknown";
    if (g->catalog >= 60 && asset_role_known(span_str(kind)))
        decide(g, kind, "seen", g->catalog);
    if (said->worth > 0)
        decide(g, said->value, "seen", said->worth);
    if (g->sent > 0 || g->received > 0)
        decide(g, g->sent > 0 ? "analyzer" : "lis", "inferred", SURE_RESULTS);
    if (g->routes > 0)
        decide(g, "network", "inferred", SURE_ROUTES);
    if (g->catalog > 0 && asset_role_known(span_str(kind)))
        decide(g, kind, "inferred", g->catalog);
    if (g->served > 0 || g->browsed >= BROWSES)
        decide(g, g->served > 0 ? "server" : "workstation", "inferred", SURE_SERVICE);
    decide(g, "unknown", "unknown", 0);
}

/* How sure it is what the device is: its role, and its model where the role is one of devices with models of interest. */
static int confidence(const struct judgement *g)
{
    int model = g->best[MODEL].worth;
    if (strcmp(g->basis, "told") == 0)
        return SURE_TOLD;
    if (g->sure == 0)
        return model / 2;
    return model > 0 ? (g->sure + model) / 2 : g->sure * 2 / 3;
}

static void bind_best(struct store_stmt *q, int at, const struct best *b)
{
    store_bind_str(q, at, b->value[0] == 0 ? NULL : b->value);
}

static int first_address(struct store_conn *w, int64_t root, struct buf *ret_zone, struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT value FROM asset_address AS h JOIN asset ON asset.n = h.asset WHERE (root = ?1 OR asset.n = (SELECT "
                                         "behind FROM asset WHERE n = ?1)) AND kind = 'ip' AND "
                                         "now = 1 ORDER BY value LIKE '%:%', h.last_seen DESC, value");
    store_bind_int(q, 1, root);
    while (store_step(q))
        if (ret_zone->n == 0 && address_of_own_network(store_text(q, 0)))
            address_network(store_text(q, 0), ret_zone);
    return store_done(q, e);
}

#define HELD(kind)                                                                                                                                   \
    "(SELECT value FROM asset_address AS h JOIN asset AS m ON m.n = h.asset WHERE m.root = ?1 AND kind = '" kind                                     \
    "' AND now = 1 ORDER BY value LIKE '%:%:%' AND kind = 'ip', h.last_seen DESC, value LIMIT 1)"

#define TITLE                                                                                                                                        \
    "coalesce(?9, CASE WHEN ?16 AND ?2 IS NOT NULL AND ?3 IS NOT NULL AND instr(lower(?3), lower(?2)) = 0 THEN ?2 || ' ' || ?3 ELSE ?3 END, "        \
    "?8, " HELD("ip") ", " HELD("mac") ", (SELECT min(name) FROM asset_voice WHERE instrument = ?1), ?4, asset.title)"

static int write_down(struct apply *a, const struct judgement *g, struct span zone, bool *ret_moved, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w,
        "WITH t(title, words) AS (SELECT " TITLE ", ' ' || (SELECT coalesce(group_concat(value, ' '), '') FROM (SELECT value FROM asset_address "
        "JOIN asset AS m ON m.n = asset WHERE m.root = ?1 AND now = 1 ORDER BY value)) FROM asset WHERE n = ?1), "
        "s(title, search) AS (SELECT title, lower(title || ' ' || coalesce(?2, '') || ' ' || coalesce(?3, '') || ' ' || coalesce(?4, '') || ' ' "
        "|| coalesce(?5, '') || ' ' || coalesce(?6, '') || ' ' || coalesce(?8, '') || ' ' || coalesce(?10, '') || ' ' || coalesce(?11, '') || "
        "words) FROM t) "
        "UPDATE asset SET maker = ?2, model = ?3, serial = ?4, software = ?5, os = ?6, hostname = ?8, name = ?9, owner = ?10, place = ?11, "
        "criticality = ?12, zone = ?13, retired = ?14, class = nullif(?18, ''), terminal = ?19, role = ?7, role_basis = ?15, confidence = ?17, title "
        "= s.title, search = s.search FROM s "
        "WHERE n = ?1 AND (maker, model, serial, software, os, hostname, name, owner, place, criticality, zone, retired, class, terminal, role, "
        "role_basis, "
        "confidence, asset.title, asset.search) IS NOT (?2, ?3, ?4, ?5, ?6, ?8, ?9, ?10, ?11, ?12, ?13, ?14, nullif(?18, ''), ?19, ?7, ?15, ?17, "
        "s.title, s.search) "
        "RETURNING n");
    static const struct {
        int at;
        enum fact fact;
    } bound[] = {{2, MAKER}, {3, MODEL}, {4, SERIAL}, {5, SOFTWARE}, {6, OS}, {8, HOSTNAME}, {9, NAME}, {10, OWNER}, {11, PLACE}, {12, CRITICALITY}};
    store_bind_int(q, 1, g->root);
    for (size_t i = 0; i < sizeof bound / sizeof bound[0]; i++)
        bind_best(q, bound[i].at, &g->best[bound[i].fact]);
    store_bind_str(q, 7, g->role);
    if (zone.n > 0)
        store_bind_text(q, 13, zone);
    store_bind_int(q, 14, strcmp(g->best[RETIRED].value, "true") == 0);
    store_bind_str(q, 15, g->basis);
    store_bind_int(q, 16, g->best[MAKER].worth > WORTH_OUI);
    store_bind_int(q, 17, confidence(g));
    store_bind_str(q, 18, g->class);
    store_bind_int(q, 19, g->terminal);
    int rc = 0;
    *ret_moved = number_of(q, e, &rc) != 0;
    return rc;
}

int asset_judge(struct apply *a, int64_t asset, struct error *e)
{
    int rc = 0;
    struct judgement g = {.root = asset_root(a->w, asset, &rc, e)};
    if (rc != 0 || g.root == 0)
        return rc;
    if (gather(a->w, &g, e) != 0 || count(a->w, &g, e) != 0 || look_up(a, &g, e) != 0)
        return -1;
    decide_role(&g);
    bool moved = false;
    struct buf zone = BUF_INIT(VALUE_MAX);
    buf_add_str(&zone, g.best[ZONE].value);
    rc = first_address(a->w, g.root, &zone, e);
    if (rc == 0)
        rc = write_down(a, &g, buf_span(&zone), &moved, e);
    if (rc == 0)
        rc = admission_judge(a, g.root, &moved, e);
    buf_release(&zone);
    return rc != 0 ? -1 : moved ? asset_changed(a, g.root, e) : 0;
}

int asset_put_fact(struct apply *a, int64_t asset, const char *field, struct span source, struct span voice, struct span value, bool *ret_new,
                   struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO asset_fact SELECT ?1, ?2, ?3, ?6, ?4, ?5, ?7 WHERE (SELECT count(*) FROM asset_fact WHERE asset = "
                                      "?1 AND (voice = '') = (?6 = '')) < ?8 OR "
                                      "EXISTS (SELECT 1 FROM asset_fact WHERE asset = ?1 AND field = ?2 AND source = ?3 AND voice = ?6) "
                                      "ON CONFLICT(asset, field, source, voice) DO UPDATE SET value = excluded.value, time = excluded.time, record = "
                                      "excluded.record WHERE value <> excluded.value RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_str(q, 2, field);
    store_bind_text(q, 3, source);
    store_bind_text(q, 4, value);
    store_bind_int(q, 5, a->ev.time);
    store_bind_text(q, 6, voice.n > 0 ? voice : SPAN_LIT(""));
    store_bind_int(q, 7, (int64_t)a->c->index);
    store_bind_int(q, 8, KEEP_FACTS / 2); /* what senders say of themselves leaves the rest to other sources */
    int rc = 0;
    if (number_of(q, e, &rc) != 0)
        *ret_new = true;
    return rc;
}
