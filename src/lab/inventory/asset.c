#include "lab/inventory/asset.h"

#include "base/text.h"
#include "lab/inventory/maker.h"
#include "lab/views_private.h"
#include "record/crypto/crypto.h"

#include <stdio.h>

/* The projection of devices: from evidence, flows and messages to rows. asset_read.c answers questions about them. */

static const char *const fields[] = {"maker", "model", "serial", "software", "hostname", "role"};
enum { FIELDS = sizeof fields / sizeof fields[0] };

#define BROWSES 3 /* conversations as people have them, from which on a device without a service counts as a workstation */

static int64_t number_of(struct store_stmt *q, struct error *e, int *rc)
{
    struct error own = {0};
    int64_t v = store_run_int(q, 0, &own);
    if (own.class != ERR_NONE) {
        *rc = -1;
        if (e != NULL)
            *e = own;
    }
    return v;
}

/* ── addresses ── */

bool address_of_one_device(struct span ip)
{
    struct address a = {0};
    if (!address_parse(ip, &a))
        return false;
    static const uint8_t zero[16];
    if (memcmp(a.bytes, zero, sizeof zero) == 0)
        return false;
    if (a.family == 4)
        return a.bytes[0] < 224 && a.bytes[0] != 127 && a.bytes[0] != 0 && a.bytes[3] != 255;
    return a.bytes[0] != 0xff && !(memcmp(a.bytes, zero, 15) == 0 && a.bytes[15] == 1);
}

/* Addresses of the lab's own networks: RFC 1918, link-local, RFC 6598 shared space, unique local and link-local IPv6. */
bool address_of_own_network(struct span ip)
{
    struct address a = {0};
    if (!address_parse(ip, &a))
        return false;
    const uint8_t *b = a.bytes;
    if (a.family == 6)
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
           (b[0] == 100 && (b[1] & 0xc0) == 64);
}

/* A MAC address belongs to the device only where the device itself is on this segment: elsewhere it is the router's. */
static bool own_mac_source(struct span source)
{
    static const char *const sources[] = {"arp", "ndp", "dhcp", "dhcp6", "lldp", "cdp", "oui"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (span_is(source, sources[i]))
            return true;
    return false;
}

/* Whoever speaks a lab protocol matters wherever it is; of the others only what is on the lab's own networks is a device of the lab: a name in a TLS
 * greeting says nothing about a server on the Internet that we would have to look after. */
static bool about_the_lab(struct span ip, struct span source)
{
    static const char *const sources[] = {"hl7.msh", "astm.h", "poct1a.hel", "dicom"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (span_is(source, sources[i]))
            return true;
    return own_mac_source(source) || address_of_own_network(ip);
}

static bool mac_of_one_device(struct span mac)
{
    if (mac.n != 17 || span_is(mac, "00:00:00:00:00:00"))
        return false;
    uint8_t first = 0;
    return text_unhex(span_of(mac.p, 2), &first, 1) && (first & 1) == 0;
}

static int64_t holder(struct store_conn *w, const char *kind, struct span value, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT asset FROM asset_address WHERE kind = ?1 AND value = ?2");
    store_bind_str(q, 1, kind);
    store_bind_text(q, 2, value);
    return number_of(q, e, rc);
}

static int hold(struct apply *a, int64_t asset, const char *kind, struct span value, struct error *e)
{
    int rc = 0;
    if (holder(a->w, kind, value, &rc, e) == 0 && rc == 0) {
        if (counter_get(a->w, "addresses", e) >= KEEP_ADDRESSES)
            return counter_add(a->w, "addresses_not_kept", 1, e);
        rc = counter_add(a->w, "addresses", 1, e);
    }
    if (rc != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_address VALUES (?1, ?2, ?3, ?4) ON CONFLICT(kind, value) DO UPDATE SET "
                                            "asset = excluded.asset, last_seen = max(last_seen, excluded.last_seen)");
    store_bind_str(q, 1, kind);
    store_bind_text(q, 2, value);
    store_bind_int(q, 3, asset);
    store_bind_int(q, 4, a->ev.time);
    return store_run(q, e);
}

static bool has_mac(struct store_conn *w, int64_t asset, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT count(*) FROM asset_address WHERE asset = ?1 AND kind = 'mac'");
    store_bind_int(q, 1, asset);
    return number_of(q, e, rc) > 0;
}

/* ── making, changing, joining ── */

/* UUIDv7's layout (RFC 9562, section 5.7): 48 bits of milliseconds, then version and variant over bits of the hash. */
static void make_id(const char *site, const char *kind, struct span value, tq_time time, char out[37])
{
    struct span parts[] = {SPAN_LIT("tourniquet asset"), span_of("", 1), span_str(site), span_of("", 1), span_str(kind), span_of("", 1), value};
    uint8_t hash[SHA256_SIZE];
    crypto_sha256_parts(parts, sizeof parts / sizeof parts[0], hash);
    uint64_t ms = (uint64_t)(time / TIME_MS);
    uint8_t id[16];
    for (int i = 0; i < 6; i++)
        id[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(id + 6, hash, 10);
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    char hex[33];
    text_hex_to(hex, id, sizeof id);
    (void)snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static int changed(struct apply *a, int64_t asset, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset SET changed = ?2 WHERE n = ?1 RETURNING id");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, (int64_t)a->c->index);
    if (store_step(q)) {
        view_notice(a->v, TOPIC_DEVICES, store_text(q, 0), a->c->index);
        view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
    }
    return store_run(q, e);
}

static int make(struct apply *a, const char *kind, struct span value, int64_t *ret_asset, struct error *e)
{
    *ret_asset = 0;
    if (counter_get(a->w, "assets_made", e) - counter_get(a->w, "assets_joined", e) >= KEEP_ASSETS)
        return counter_add(a->w, "assets_not_kept", 1, e);
    char id[37];
    make_id(a->v->site, kind, value, a->ev.time, id);
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset(id, changed, title, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?4) RETURNING n");
    store_bind_str(q, 1, id);
    store_bind_int(q, 2, (int64_t)a->c->index);
    store_bind_text(q, 3, value);
    store_bind_int(q, 4, a->ev.time);
    int rc = 0;
    int64_t asset = number_of(q, e, &rc);
    if (rc != 0 || counter_add(a->w, "assets_made", 1, e) != 0 || hold(a, asset, kind, value, e) != 0 || changed(a, asset, e) != 0)
        return -1;
    *ret_asset = asset;
    return 0;
}

static int run2(struct store_conn *w, const char *sql, int64_t first, int64_t second, struct error *e)
{
    struct store_stmt *q = store_stmt(w, sql);
    store_bind_int(q, 1, first);
    store_bind_int(q, 2, second);
    return store_run(q, e);
}

/* `from` turns out to be `into`: everything that is known about it moves over, and its id leads there from now on. */
static int join(struct apply *a, int64_t from, int64_t into, struct error *e)
{
    struct store_conn *w = a->w;
    bool failed = run2(w, "UPDATE asset SET merged_into = ?2 WHERE n = ?1 OR merged_into = ?1", from, into, e) != 0 ||
                  run2(w, "UPDATE asset_address SET asset = ?2 WHERE asset = ?1", from, into, e) != 0 ||
                  run2(w, "UPDATE OR IGNORE asset_protocol SET asset = ?2 WHERE asset = ?1", from, into, e) != 0 ||
                  run2(w, "UPDATE OR IGNORE asset_fact SET asset = ?2 WHERE asset = ?1", from, into, e) != 0 ||
                  run2(w, "UPDATE asset_evidence SET asset = ?2 WHERE asset = ?1", from, into, e) != 0 ||
                  run2(w, "UPDATE finding SET asset = ?2 WHERE asset = ?1", from, into, e) != 0 || conversation_join(w, from, into, e) != 0 ||
                  run2(w, "UPDATE OR IGNORE asset_alias SET asset = ?2 WHERE asset = ?1", from, into, e) != 0 ||
                  run2(w, "DELETE FROM asset_alias WHERE asset = ?1 AND ?2", from, 1, e) != 0 ||
                  run2(w, "DELETE FROM asset_protocol WHERE asset = ?1 AND ?2", from, 1, e) != 0 ||
                  run2(w, "DELETE FROM asset_fact WHERE asset = ?1 AND ?2", from, 1, e) != 0 ||
                  run2(w,
                       "UPDATE asset SET name = coalesce(asset.name, o.name), first_seen = min(asset.first_seen, o.first_seen), "
                       "last_seen = max(asset.last_seen, o.last_seen), messages = asset.messages + o.messages, "
                       "results_sent = asset.results_sent + o.results_sent, results_received = asset.results_received + o.results_received, "
                       "acks_sent = asset.acks_sent + o.acks_sent, served = asset.served + o.served, browsed = asset.browsed + o.browsed FROM "
                       "(SELECT * FROM asset WHERE n = ?1) AS o WHERE asset.n = ?2",
                       from, into, e) != 0;
    return failed || counter_add(w, "assets_joined", 1, e) != 0 ? -1 : 0;
}

/* ── what it is ── */

enum { WORTH_OUI = 10 }; /* who made the network card is only a guess at who made the device */

/* How much a source is worth for saying what a device is: its own words first, then what its software shows, then guesses. */
static int worth(struct span source)
{
    static const struct {
        const char *source;
        int worth;
    } order[] = {{"hl7.msh", 90}, {"astm.h", 90}, {"poct1a.hel", 90},      {"lldp", 80},  {"cdp", 80},       {"dicom", 70},
                 {"snmp", 70},    {"dhcp", 60},   {"dhcp6", 60},           {"ntlm", 60},  {"smb", 50},       {"http", 50},
                 {"ssh", 50},     {"mdns", 50},   {"netbios", 50},         {"llmnr", 50}, {"ssdp", 40},      {"ftp", 40},
                 {"telnet", 40},  {"tls", 40},    {"tls.certificate", 30}, {"dns", 30},   {"oui", WORTH_OUI}};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (span_is(source, order[i].source))
            return order[i].worth;
    return 20;
}

static bool known_role(struct span role)
{
    static const char *const roles[] = {"analyzer", "middleware", "lis", "workstation", "server", "printer", "phone", "camera", "network"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (span_is(role, roles[i]))
            return true;
    return false;
}

#define VALUE_MAX 256

struct best {
    int worth;
    char value[VALUE_MAX];
};

static int best_facts(struct store_conn *w, int64_t asset, struct best best[FIELDS], struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT field, value, source FROM asset_fact WHERE asset = ?1 ORDER BY field, source");
    store_bind_int(q, 1, asset);
    while (store_step(q)) {
        struct span value = store_text(q, 1);
        int worth_of = worth(store_text(q, 2));
        for (int i = 0; i < FIELDS; i++)
            if (span_is(store_text(q, 0), fields[i]) && worth_of > best[i].worth && value.n < VALUE_MAX) {
                best[i].worth = worth_of;
                memcpy(best[i].value, value.p, value.n);
                best[i].value[value.n] = 0;
            }
    }
    return store_done(q, e);
}

/* Sends results and receives them, itself or under one name with another address. */
#define BETWEEN                                                                                                                                      \
    "(results_sent > 0 AND results_received > 0) OR EXISTS (SELECT 1 FROM asset_alias AS own JOIN asset_alias AS other ON other.name = own.name"     \
    " AND other.sends <> own.sends WHERE own.asset = asset.n)"

/* Looks at everything that is known, and writes what follows from it. `changed` moves only when something did. */
static int judge(struct apply *a, int64_t asset, struct error *e)
{
    struct best best[FIELDS] = {0};
    if (best_facts(a->w, asset, best, e) != 0)
        return -1;
    const char *role = best[5].value;
    struct store_stmt *q = store_stmt(
        a->w, "WITH now(n, maker, model, serial, software, hostname, role, basis) AS (SELECT n, ?2, ?3, ?4, ?5, ?6,"
              " CASE WHEN " BETWEEN " THEN 'middleware' WHEN ?7 IS NOT NULL THEN ?7 WHEN results_sent > 0 THEN 'analyzer'"
              " WHEN results_received > 0 THEN 'lis' WHEN served > 0 THEN 'server' WHEN browsed >= ?8 THEN 'workstation' ELSE 'unknown' END,"
              " CASE WHEN " BETWEEN " THEN 'inferred' WHEN ?7 IS NOT NULL THEN 'seen'"
              " WHEN results_sent + results_received + served > 0 OR browsed >= ?8 THEN 'inferred' ELSE 'unknown' END FROM asset WHERE n = ?1),"
              "titled AS (SELECT now.*, coalesce(asset.name, CASE WHEN ?9 AND now.model IS NOT NULL AND"
              " instr(lower(now.model), lower(now.maker)) = 0 THEN now.maker || ' ' || now.model ELSE now.model END, now.hostname,"
              " (SELECT value FROM asset_address WHERE asset = now.n AND kind = 'ip' ORDER BY last_seen DESC, value LIMIT 1),"
              " (SELECT value FROM asset_address WHERE asset = now.n AND kind = 'mac' ORDER BY value LIMIT 1), asset.title) AS title"
              " FROM now JOIN asset USING (n)) "
              "UPDATE asset SET maker = t.maker, model = t.model, serial = t.serial, software = t.software, hostname = t.hostname, role = t.role,"
              " role_basis = t.basis, title = t.title FROM titled AS t WHERE asset.n = t.n AND"
              " (asset.maker, asset.model, asset.serial, asset.software, asset.hostname, asset.role, asset.role_basis, asset.title)"
              " IS NOT (t.maker, t.model, t.serial, t.software, t.hostname, t.role, t.basis, t.title) RETURNING asset.n");
    store_bind_int(q, 1, asset);
    for (int i = 0; i < FIELDS - 1; i++)
        store_bind_str(q, 2 + i, best[i].value[0] == 0 ? NULL : best[i].value);
    store_bind_str(q, 7, role[0] == 0 ? NULL : role);
    store_bind_int(q, 8, BROWSES);
    store_bind_int(q, 9, best[0].worth > WORTH_OUI);
    int rc = 0;
    bool moved = number_of(q, e, &rc) != 0;
    return rc != 0 ? -1 : moved ? changed(a, asset, e) : 0;
}

/* ── evidence ── */

static int put_fact(struct apply *a, int64_t asset, const char *field, struct span source, struct span value, bool *ret_new, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_fact VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(asset, field, source) DO UPDATE SET "
                                            "value = excluded.value, time = excluded.time WHERE value <> excluded.value RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_str(q, 2, field);
    store_bind_text(q, 3, source);
    store_bind_text(q, 4, value);
    store_bind_int(q, 5, a->ev.time);
    int rc = 0;
    if (number_of(q, e, &rc) != 0)
        *ret_new = true;
    return rc;
}

static int put_facts(struct apply *a, int64_t asset, struct span source, bool *ret_new, struct error *e)
{
    for (int i = 0; i < FIELDS; i++) {
        struct span value = event_text(&a->ev, fields[i]);
        if (value.n == 0 || value.n >= VALUE_MAX || (i == FIELDS - 1 && !known_role(value)))
            continue;
        if (put_fact(a, asset, fields[i], source, value, ret_new, e) != 0)
            return -1;
    }
    return 0;
}

/* What the MAC address itself tells; of several cards, the first one's. A local address (a random one) is of no maker. */
static int put_maker(struct apply *a, int64_t asset, struct span mac, bool *ret_new, struct error *e)
{
    uint8_t six[6];
    for (size_t i = 0; i < 6; i++)
        if (mac.n != 17 || !text_unhex(span_of(mac.p + 3 * i, 2), six + i, 1))
            return 0;
    bool local = maker_is_local(six);
    struct span maker = maker_of(six);
    if (!local && maker.n == 0)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_fact VALUES (?1, ?2, 'oui', ?3, ?4) ON CONFLICT DO NOTHING RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_str(q, 2, local ? "local_mac" : "maker");
    store_bind_text(q, 3, local ? mac : maker);
    store_bind_int(q, 4, a->ev.time);
    int rc = 0;
    if (number_of(q, e, &rc) != 0)
        *ret_new = true;
    return rc;
}

/* Keeps the record of evidence, unless the very same is among the newest already: then it only gets the new time. */
static int put_evidence(struct apply *a, int64_t asset, struct span source, bool *ret_new, struct error *e)
{
    struct buf text = BUF_INIT(8192);
    buf_add_str(&text, "{");
    static const char *const shown[] = {"ip",       "mac",  "maker",        "model", "serial", "software",
                                        "hostname", "role", "dhcp_options", "ja4",   "said",   "facility"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (!event_has(&a->ev, shown[i]))
            continue;
        buf_addf(&text, "%s\"%s\":", text.n > 1 ? "," : "", shown[i]);
        event_json(&a->ev, shown[i], &text);
    }
    buf_add_str(&text, "}");
    int rc = 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset_evidence SET time = ?4 WHERE asset = ?1 AND source = ?2 AND fields = ?3 RETURNING n");
    store_bind_int(q, 1, asset);
    store_bind_text(q, 2, source);
    store_bind_text(q, 3, buf_ok(&text) ? buf_span(&text) : SPAN_LIT("{}"));
    store_bind_int(q, 4, a->ev.time);
    if (number_of(q, e, &rc) == 0 && rc == 0) {
        q = store_stmt(a->w, "INSERT INTO asset_evidence(asset, source, fields, time) VALUES (?1, ?2, ?3, ?4)");
        store_bind_int(q, 1, asset);
        store_bind_text(q, 2, source);
        store_bind_text(q, 3, buf_ok(&text) ? buf_span(&text) : SPAN_LIT("{}"));
        store_bind_int(q, 4, a->ev.time);
        rc = store_run(q, e);
        if (rc == 0)
            rc = run2(a->w,
                      "DELETE FROM asset_evidence WHERE asset = ?1 AND n <= (SELECT n FROM asset_evidence WHERE asset = ?1 ORDER BY n DESC LIMIT 1 "
                      "OFFSET ?2)",
                      asset, KEEP_EVIDENCE, e);
        *ret_new = true;
    }
    buf_release(&text);
    return rc;
}

/* Whose evidence this is: by MAC address, else by IP address; joins two assets that turn out to be one. 0: nobody's. */
static int whose(struct apply *a, struct span ip, struct span mac, int64_t *ret_asset, struct error *e)
{
    *ret_asset = 0;
    int rc = 0;
    int64_t by_ip = ip.n == 0 ? 0 : holder(a->w, "ip", ip, &rc, e);
    if (rc != 0)
        return -1;
    if (mac.n == 0) {
        *ret_asset = by_ip;
        return by_ip != 0 || ip.n == 0 ? 0 : make(a, "ip", ip, ret_asset, e);
    }
    int64_t by_mac = holder(a->w, "mac", mac, &rc, e);
    bool nameless = rc == 0 && by_ip != 0 && by_ip != by_mac && !has_mac(a->w, by_ip, &rc, e);
    if (rc != 0)
        return -1;
    if (by_mac == 0 && nameless) {
        *ret_asset = by_ip;
        return hold(a, by_ip, "mac", mac, e);
    }
    if (by_mac == 0)
        rc = make(a, "mac", mac, &by_mac, e);
    else if (nameless)
        rc = join(a, by_ip, by_mac, e);
    *ret_asset = by_mac;
    if (rc != 0 || by_mac == 0 || ip.n == 0)
        return rc;
    rc = hold(a, by_mac, "ip", ip, e);
    return rc == 0 && by_ip != 0 && by_ip != by_mac && !nameless ? judge(a, by_ip, e) : rc; /* the address moved on from another device */
}

static int seen(struct apply *a, int64_t asset, struct error *e)
{
    return run2(a->w, "UPDATE asset SET last_seen = max(last_seen, ?2), first_seen = min(first_seen, ?2) WHERE n = ?1", asset, a->ev.time, e);
}

int asset_apply_evidence(struct apply *a, struct error *e)
{
    struct span source = event_text(&a->ev, "source");
    if (source.n == 0)
        source = SPAN_LIT("unknown");
    struct span ip = event_text(&a->ev, "ip");
    struct span mac = event_text(&a->ev, "mac");
    if (!address_of_one_device(ip) || !about_the_lab(ip, source))
        ip = (struct span){0};
    if (!own_mac_source(source) || !mac_of_one_device(mac))
        mac = (struct span){0};
    int64_t asset = 0;
    bool fresh = false;
    if (whose(a, ip, mac, &asset, e) != 0)
        return -1;
    if (asset == 0)
        return 0;
    if (seen(a, asset, e) != 0 || put_facts(a, asset, source, &fresh, e) != 0 || put_maker(a, asset, mac, &fresh, e) != 0 ||
        put_evidence(a, asset, source, &fresh, e) != 0 || judge(a, asset, e) != 0)
        return -1;
    return fresh ? changed(a, asset, e) : 0;
}

int asset_at(struct apply *a, struct span ip, int64_t *ret_asset, struct error *e)
{
    *ret_asset = 0;
    if (!address_of_one_device(ip))
        return 0;
    int rc = 0;
    *ret_asset = holder(a->w, "ip", ip, &rc, e);
    return rc != 0 || *ret_asset != 0 ? rc : make(a, "ip", ip, ret_asset, e);
}

/* ── flows and messages ── */

static int put_protocol(struct apply *a, int64_t asset, struct span protocol, struct error *e)
{
    if (protocol.n == 0)
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO asset_protocol SELECT ?1, ?2 WHERE (SELECT count(*) FROM asset_protocol WHERE asset = ?1) < 32 "
                                      "ON CONFLICT DO NOTHING RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_text(q, 2, protocol);
    int rc = 0;
    bool fresh = number_of(q, e, &rc) != 0;
    return rc != 0 ? -1 : fresh ? changed(a, asset, e) : 0;
}

static bool one_of(struct span text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(text, list[i]))
            return true;
    return false;
}

/* Who offers a service, and who only uses what people use: from that follow servers and workstations, where nothing better is known. */
static int count_service(struct apply *a, int64_t asset, bool serves, struct span app, struct error *e)
{
    static const char *const offered[] = {"dns", "dhcp", "ntp", "smb", "ldap", "kerberos", "rdp", "ssh"};
    static const char *const used[] = {"tls", "http", "smb"};
    app = span_until(&app, '.', NULL); /* "tls.teamviewer" is TLS */
    bool served = serves && one_of(app, offered, sizeof offered / sizeof offered[0]);
    bool browsed = !serves && one_of(app, used, sizeof used / sizeof used[0]);
    if (asset == 0 || (!served && !browsed))
        return 0;
    struct store_stmt *q = store_stmt(
        a->w, "UPDATE asset SET served = served + ?2, browsed = browsed + ?3 WHERE n = ?1 RETURNING served = ?2 OR browsed = ?4");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, served);
    store_bind_int(q, 3, browsed);
    store_bind_int(q, 4, BROWSES);
    int rc = 0;
    bool turning = number_of(q, e, &rc) != 0;
    return rc != 0 ? -1 : turning ? judge(a, asset, e) : 0;
}

int asset_apply_flow(struct apply *a, struct error *e)
{
    struct span src = event_text(&a->ev, "flow.src");
    struct span dst = event_text(&a->ev, "flow.dst");
    struct span app = event_text(&a->ev, "app");
    int64_t ends[2] = {0};
    bool answered = event_int(&a->ev, "bytes_down", 0) > 0;
    int rc = counter_add(a->w, "flows", 1, e);
    if (rc == 0 && address_of_own_network(src))
        rc = asset_at(a, src, &ends[0], e);
    if (rc == 0 && answered && address_of_own_network(dst)) /* an address that answers is a device; one that was only asked may be nobody */
        rc = asset_at(a, dst, &ends[1], e);
    for (int i = 0; rc == 0 && i < 2; i++)
        if (ends[i] != 0 &&
            (seen(a, ends[i], e) != 0 || put_protocol(a, ends[i], app, e) != 0 || (answered && count_service(a, ends[i], i == 1, app, e) != 0)))
            rc = -1;
    if (rc == 0 && ends[1] == 0 && address_of_own_network(dst))
        ends[1] = holder(a->w, "ip", dst, &rc, e);
    return rc != 0 ? -1
                   : conversation_add(a,
                                      &(struct conversation){.src = src,
                                                             .dst = dst,
                                                             .app = app,
                                                             .a = ends[0],
                                                             .b = ends[1],
                                                             .packets = event_int(&a->ev, "packets", 0),
                                                             .bytes = event_int(&a->ev, "bytes_up", 0) + event_int(&a->ev, "bytes_down", 0)},
                                      e);
}

static int count_message(struct apply *a, int64_t asset, int64_t sent, int64_t received, int64_t acks, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset SET messages = messages + 1, results_sent = results_sent + ?2, "
                                            "results_received = results_received + ?3, acks_sent = acks_sent + ?4, last_seen = max(last_seen, ?5), "
                                            "first_seen = min(first_seen, ?5) WHERE n = ?1 RETURNING "
                                            "(results_sent > 0) <> (results_sent > ?2) OR (results_received > 0) <> (results_received > ?3)");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, sent);
    store_bind_int(q, 3, received);
    store_bind_int(q, 4, acks);
    store_bind_int(q, 5, a->ev.time);
    int rc = 0;
    bool first = number_of(q, e, &rc) != 0; /* its first results in this direction: the role may follow from that */
    return rc != 0 ? -1 : first ? judge(a, asset, e) : 0;
}

#define ALIASES 8 /* names kept of one device */

/* Notes the name (its part before "^") and judges anew who shares it. */
static int put_alias(struct apply *a, int64_t asset, bool sends, struct span name, struct error *e)
{
    name = span_until(&name, '^', NULL);
    if (asset == 0 || name.n < 2 || name.n > 64)
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO asset_alias SELECT ?1, ?2, ?3 WHERE (SELECT count(*) FROM asset_alias WHERE asset = ?1) < ?4 "
                                      "ON CONFLICT DO NOTHING RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, sends);
    store_bind_text(q, 3, name);
    store_bind_int(q, 4, ALIASES);
    int rc = 0;
    if (number_of(q, e, &rc) == 0 || rc != 0)
        return rc;
    int64_t sharing[ALIASES];
    size_t n = 0;
    q = store_stmt(a->w, "SELECT DISTINCT asset FROM asset_alias WHERE name = ?1 ORDER BY asset LIMIT ?2");
    store_bind_text(q, 1, name);
    store_bind_int(q, 2, ALIASES);
    while (n < ALIASES && store_step(q))
        sharing[n++] = store_int(q, 0);
    rc = store_done(q, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = judge(a, sharing[i], e);
    return rc;
}

int asset_saw_message(struct apply *a, const struct asset_traffic *t, struct error *e)
{
    int rc = 0;
    if (t->results > 0 && (put_alias(a, t->from, true, t->sender, e) != 0 || put_alias(a, t->to, false, t->receiver, e) != 0))
        return -1;
    if (t->from != 0)
        rc = count_message(a, t->from, t->results, 0, t->ack, e) != 0 || put_protocol(a, t->from, t->protocol, e) != 0 ? -1 : 0;
    if (rc == 0 && t->to != 0 && t->to != t->from)
        rc = count_message(a, t->to, 0, t->results, 0, e) != 0 || put_protocol(a, t->to, t->protocol, e) != 0 ? -1 : 0;
    return rc;
}

/* ── people's decisions ── */

int asset_apply_named(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "UPDATE asset SET name = ?2 WHERE n = (SELECT coalesce(merged_into, n) FROM asset WHERE id = ?1) RETURNING n");
    struct span name = event_text(&a->ev, "name");
    store_bind_text(q, 1, event_text(&a->ev, "asset"));
    if (name.n > 0)
        store_bind_text(q, 2, name);
    int rc = 0;
    int64_t asset = number_of(q, e, &rc);
    if (rc != 0 || asset == 0)
        return rc;
    return judge(a, asset, e) != 0 ? -1 : changed(a, asset, e);
}
