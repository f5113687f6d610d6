#include "base/text.h"
#include "lab/inventory/asset_private.h"
#include "record/crypto/crypto.h"

#include <stdio.h>

/* Who is who: rules 1 to 6, 8 and 9 of asset_private.h. What is known stays with its identity; joining and parting only move roots. */

#define NEW_MAC_WITHIN (24 * 3600 * TIME_SECOND) /* rule 3: above that, the IP address may have been another device's */
#define ROUTED_KEPT 8
#define ROUTED_ENOUGH 3
#define HOLDERS_KEPT 16 /* of one address, over time */
#define OLD_ADDRESS (7 * 24 * 3600 * TIME_SECOND)
#define SETTLED (3600 * TIME_SECOND)
#define JOINED_MOST 64 /* identities of one device that evidence joins: all of them are read whenever it is judged */

int64_t number_of(struct store_stmt *q, struct error *e, int *rc)
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

int run2(struct store_conn *w, const char *sql, int64_t first, int64_t second, struct error *e)
{
    struct store_stmt *q = store_stmt(w, sql);
    store_bind_int(q, 1, first);
    store_bind_int(q, 2, second);
    return store_run(q, e);
}

static int64_t ask2(struct store_conn *w, const char *sql, int64_t first, int64_t second, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(w, sql);
    store_bind_int(q, 1, first);
    store_bind_int(q, 2, second);
    return number_of(q, e, rc);
}

bool one_of(struct span text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(text, list[i]))
            return true;
    return false;
}

/* ── addresses ── */

int64_t asset_holder(struct store_conn *w, const char *kind, struct span value, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(w, "SELECT asset FROM asset_address WHERE kind = ?1 AND value = ?2 AND now = 1");
    store_bind_str(q, 1, kind);
    store_bind_text(q, 2, value);
    return number_of(q, e, rc);
}

/* Who held it at the time of this event: who holds it now, unless that began later. */
static int64_t holder_then(struct apply *a, struct span ip, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "SELECT asset FROM asset_address WHERE kind = 'ip' AND value = ?1 "
                                            "ORDER BY first_seen > ?2, now DESC, last_seen DESC, asset LIMIT 1");
    store_bind_text(q, 1, ip);
    store_bind_int(q, 2, a->ev.time);
    return number_of(q, e, rc);
}

/* Is there room for one more address of this identity? An old one makes room: one that another device holds now, or that was not seen for a week. */
static bool room_for_address(struct apply *a, int64_t asset, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "DELETE FROM asset_address WHERE (SELECT count(*) FROM asset_address WHERE asset = ?1) >= ?3 AND "
                                      "(value, kind, asset) = (SELECT value, kind, asset FROM asset_address WHERE asset = ?1 AND kind = 'ip' AND "
                                      "(now = 0 OR last_seen < ?2) ORDER BY now, last_seen, value LIMIT 1) RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, a->ev.time - OLD_ADDRESS);
    store_bind_int(q, 3, KEEP_ADDRESSES_OF_ONE);
    if (number_of(q, e, rc) != 0)
        *rc = counter_add(a, "addresses", -1, e);
    return *rc == 0 && counter_now(a, "addresses", e) < view_room(a, KEEP_ADDRESSES) &&
           ask2(a->w, "SELECT count(*) < ?2 FROM asset_address WHERE asset = ?1", asset, KEEP_ADDRESSES_OF_ONE, rc, e) != 0;
}

static int cut_holders(struct apply *a, const char *kind, struct span value, struct error *e)
{
    int rc = 0;
    struct store_stmt *q = store_stmt(
        a->w, "DELETE FROM asset_address WHERE kind = ?1 AND value = ?2 AND asset IN (SELECT asset FROM asset_address WHERE kind = ?1 AND "
              "value = ?2 ORDER BY now DESC, last_seen DESC, asset LIMIT -1 OFFSET ?3) RETURNING 1");
    store_bind_str(q, 1, kind);
    store_bind_text(q, 2, value);
    store_bind_int(q, 3, HOLDERS_KEPT);
    return number_of(q, e, &rc) == 0 ? rc : counter_add(a, "addresses", -1, e);
}

/* Binds ?1 kind, ?2 value, ?3 asset, ?4 the time, and runs: the first column of the first row. */
static int64_t ask_held(struct apply *a, const char *sql, int64_t asset, const char *kind, struct span value, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, sql);
    store_bind_str(q, 1, kind);
    store_bind_text(q, 2, value);
    store_bind_int(q, 3, asset);
    store_bind_int(q, 4, a->ev.time);
    return number_of(q, e, rc);
}

int asset_hold(struct apply *a, int64_t asset, const char *kind, struct span value, struct error *e)
{
    int rc = 0;
    bool known = ask_held(a, "SELECT 1 FROM asset_address WHERE kind = ?1 AND value = ?2 AND asset = ?3 AND ?4", asset, kind, value, &rc, e) != 0;
    if (rc == 0 && !known && !room_for_address(a, asset, &rc, e))
        return rc != 0 ? -1 : counter_add(a, "addresses_not_kept", 1, e);
    if (rc == 0)
        (void)ask_held(a, "UPDATE asset_address SET now = 0 WHERE kind = ?1 AND value = ?2 AND now = 1 AND asset <> ?3 AND ?4", asset, kind, value,
                       &rc, e);
    if (rc == 0)
        (void)ask_held(a,
                       "INSERT INTO asset_address VALUES (?1, ?2, ?3, 1, ?4, ?4) ON CONFLICT DO UPDATE SET now = 1, "
                       "first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)",
                       asset, kind, value, &rc, e);
    if (rc != 0 || known)
        return rc;
    return counter_add(a, "addresses", 1, e) != 0 ? -1 : cut_holders(a, kind, value, e);
}

int64_t asset_root(struct store_conn *w, int64_t asset, int *rc, struct error *e)
{
    return ask2(w, "SELECT root FROM asset WHERE n = ?1 AND ?2", asset, 1, rc, e);
}

static bool has_mac(struct store_conn *w, int64_t asset, int *rc, struct error *e)
{
    return ask2(w,
                "SELECT count(*) FROM asset_address WHERE kind = 'mac' AND now = ?2 AND asset IN (SELECT n FROM asset WHERE root = "
                "(SELECT root FROM asset WHERE n = ?1))",
                asset, 1, rc, e) > 0;
}

static bool crowded(struct store_conn *w, int64_t asset, int *rc, struct error *e)
{
    return ask2(w, "SELECT count(*) >= ?2 FROM asset WHERE root = (SELECT root FROM asset WHERE n = ?1)", asset, JOINED_MOST, rc, e) != 0;
}

/* ── making, joining, parting ── */

/* UUIDv7's layout (RFC 9562, section 5.7): 48 bits of milliseconds, then version and variant over bits of the hash. */
static void make_id(const struct apply *a, const char *kind, struct span value, char out[37])
{
    struct span parts[] = {SPAN_LIT("tourniquet asset"), span_of("", 1), span_str(a->v->site), span_of("", 1), span_str(kind), span_of("", 1), value};
    uint8_t hash[SHA256_SIZE];
    crypto_sha256_parts(parts, sizeof parts / sizeof parts[0], hash);
    uint64_t ms = (uint64_t)(a->ev.time / TIME_MS);
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

int asset_changed(struct apply *a, int64_t asset, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset SET changed = ?2 WHERE n = (SELECT root FROM asset WHERE n = ?1) RETURNING id");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, (int64_t)a->c->index);
    if (store_step(q)) {
        view_notice(a->v, TOPIC_DEVICES, store_text(q, 0), a->c->index);
        view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
    }
    return store_run(q, e);
}

int asset_make(struct apply *a, const char *kind, struct span value, int64_t behind, int64_t *ret_asset, struct error *e)
{
    *ret_asset = 0;
    bool address = strcmp(kind, "ip") == 0 || strcmp(kind, "mac") == 0;
    int64_t made = counter_now(a, "assets_made", e);
    if (made - counter_now(a, "assets_joined", e) >= view_room(a, KEEP_ASSETS) || made >= view_room(a, 2 * KEEP_ASSETS) ||
        (address && counter_now(a, "addresses", e) >= view_room(a, KEEP_ADDRESSES))) /* else it would not be known again, and made again */
        return counter_add(a, "assets_not_kept", 1, e);
    char id[37];
    make_id(a, kind, value, id);
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset(n, id, root, behind, changed, title, first_seen, last_seen) SELECT ?1, ?2, ?1, "
                                            "nullif(?3, 0), ?4, ?5, ?6, ?6 WHERE NOT EXISTS (SELECT 1 FROM asset WHERE id = ?2) RETURNING n");
    store_bind_int(q, 1, made + 1);
    store_bind_str(q, 2, id);
    store_bind_int(q, 3, behind);
    store_bind_int(q, 4, (int64_t)a->c->index);
    store_bind_text(q, 5, value);
    if (strcmp(kind, "told") == 0)
        store_bind_null(q, 6);
    else
        store_bind_int(q, 6, a->ev.time);
    int rc = 0;
    int64_t asset = number_of(q, e, &rc);
    if (rc != 0 || asset == 0)
        return rc;
    if (counter_add(a, "assets_made", 1, e) != 0 || (address && asset_hold(a, asset, kind, value, e) != 0) || asset_judge(a, asset, e) != 0 ||
        asset_changed(a, asset, e) != 0)
        return -1;
    *ret_asset = asset;
    return 0;
}

int asset_link(struct apply *a, int64_t from, int64_t into, const char *by, struct error *e)
{
    int rc = 0;
    int64_t old = asset_root(a->w, from, &rc, e);
    int64_t root = asset_root(a->w, into, &rc, e);
    if (rc != 0 || old == 0 || root == 0 || old == root)
        return rc;
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset SET joined_to = ?2, joined_by = ?3, joined_time = ?4, joined_record = ?5 WHERE n = ?1");
    store_bind_int(q, 1, old);
    store_bind_int(q, 2, root);
    store_bind_str(q, 3, by);
    store_bind_int(q, 4, a->ev.time);
    store_bind_int(q, 5, (int64_t)a->c->index);
    if (store_run(q, e) != 0 || run2(a->w, "UPDATE asset SET root = ?2 WHERE root = ?1", old, root, e) != 0 ||
        counter_add(a, "assets_joined", 1, e) != 0)
        return -1;
    return asset_judge(a, root, e) != 0 ? -1 : asset_changed(a, root, e);
}

/* The root leaves its device: the eldest of those joined to it stands for what remains. */
static int step_down(struct apply *a, int64_t root, int64_t *ret_heir, struct error *e)
{
    int rc = 0;
    int64_t heir = ask2(a->w, "SELECT min(n) FROM asset WHERE joined_to = ?1 AND ?2", root, 1, &rc, e);
    *ret_heir = heir;
    if (rc != 0 || heir == 0)
        return rc;
    return run2(a->w, "UPDATE asset SET joined_to = nullif(?2, n), joined_by = iif(n = ?2, NULL, joined_by) WHERE joined_to = ?1", root, heir, e) != 0
               ? -1
               : run2(a->w, "UPDATE asset SET root = ?2 WHERE root = ?1 AND n <> ?1", root, heir, e);
}

int asset_unlink(struct apply *a, int64_t asset, struct error *e)
{
    int rc = 0;
    int64_t root = asset_root(a->w, asset, &rc, e);
    int64_t rest = root;
    if (rc != 0 || root == 0)
        return rc;
    if (root == asset) {
        if (step_down(a, asset, &rest, e) != 0 || rest == 0)
            return rest == 0 ? 0 : -1;
    } else {
        struct store_stmt *q = store_stmt(
            a->w, "WITH RECURSIVE own(n) AS (SELECT ?1 UNION SELECT asset.n FROM asset JOIN own ON asset.joined_to = own.n) "
                  "UPDATE asset SET root = ?1, joined_to = iif(n = ?1, NULL, joined_to), joined_by = iif(n = ?1, NULL, joined_by) "
                  "WHERE n IN (SELECT n FROM own)");
        store_bind_int(q, 1, asset);
        if (store_run(q, e) != 0)
            return -1;
    }
    if (counter_add(a, "assets_joined", -1, e) != 0 || asset_judge(a, asset, e) != 0 || asset_judge(a, rest, e) != 0)
        return -1;
    return asset_changed(a, asset, e) != 0 ? -1 : asset_changed(a, rest, e);
}

bool asset_are_distinct(struct store_conn *w, int64_t one, int64_t other, int *rc, struct error *e)
{
    return ask2(w,
                "WITH of(n, root) AS (SELECT n, root FROM asset WHERE root IN ((SELECT root FROM asset WHERE n = ?1), "
                "(SELECT root FROM asset WHERE n = ?2))) SELECT count(*) FROM asset_distinct JOIN of AS x ON x.n = one JOIN of AS y ON y.n = other "
                "WHERE x.root <> y.root",
                one, other, rc, e) > 0;
}

int asset_set_distinct(struct apply *a, int64_t one, int64_t other, struct error *e)
{
    int rc = 0;
    if (ask2(a->w, "SELECT count(*) + ?2 FROM asset_distinct WHERE ?1", 1, 0, &rc, e) >= KEEP_ASSETS)
        return counter_add(a, "distinct_not_kept", 1, e);
    return rc != 0 ? -1 : run2(a->w, "INSERT INTO asset_distinct VALUES (min(?1, ?2), max(?1, ?2)) ON CONFLICT DO NOTHING", one, other, e);
}

/* ── rules 1 to 4 ── */

/* An identity known by its IP address alone turns out to have this MAC address, or to be its holder. */
static int name_by_mac(struct apply *a, int64_t by_ip, int64_t by_mac, struct span mac, int64_t *ret_asset, struct error *e)
{
    *ret_asset = by_mac == 0 ? by_ip : by_mac;
    return by_mac == 0 ? asset_hold(a, by_ip, "mac", mac, e) : asset_link(a, by_ip, by_mac, "mac", e);
}

/* Who answers for everybody's addresses (a spoofer, a proxy) is not everybody: a MAC address that has an address of this family already is joined
 * only with what became known within the hour, as after a change by DHCP. */
static bool settled_apart(struct apply *a, int64_t by_ip, int64_t by_mac, struct span ip, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT EXISTS (SELECT 1 FROM asset WHERE n = ?1 AND first_seen < ?2) AND EXISTS (SELECT 1 FROM asset_address "
                                      "WHERE kind = 'ip' AND now = 1 AND (instr(value, ':') > 0) = (instr(?4, ':') > 0) AND asset IN (SELECT n FROM "
                                      "asset WHERE root = (SELECT root FROM asset WHERE n = ?3)))");
    store_bind_int(q, 1, by_ip);
    store_bind_int(q, 2, a->ev.time - SETTLED);
    store_bind_int(q, 3, by_mac);
    store_bind_text(q, 4, ip);
    return number_of(q, e, rc) != 0;
}

int asset_whose(struct apply *a, struct span ip, struct span mac, int64_t *ret_asset, struct error *e)
{
    *ret_asset = 0;
    int rc = 0;
    if (mac.n == 0) {
        int64_t by_ip = ip.n == 0 ? 0 : holder_then(a, ip, &rc, e);
        *ret_asset = by_ip;
        return rc != 0 || by_ip != 0 || ip.n == 0 ? rc : asset_make(a, "ip", ip, 0, ret_asset, e);
    }
    int64_t by_ip = ip.n == 0 ? 0 : asset_holder(a->w, "ip", ip, &rc, e);
    int64_t by_mac = asset_holder(a->w, "mac", mac, &rc, e);
    bool one = by_ip != 0 && by_mac != 0 && asset_root(a->w, by_ip, &rc, e) == asset_root(a->w, by_mac, &rc, e);
    if (rc == 0 && by_ip != 0 && by_mac != 0 && !one && asset_are_distinct(a->w, by_ip, by_mac, &rc, e)) {
        *ret_asset = by_ip; /* rule 9: a person parted the two */
        return 0;
    }
    bool nameless = rc == 0 && by_ip != 0 && !one && !has_mac(a->w, by_ip, &rc, e);
    bool fresh = nameless &&
                 ask2(a->w, "SELECT last_seen IS NULL OR last_seen >= ?2 FROM asset WHERE n = ?1", by_ip, a->ev.time - NEW_MAC_WITHIN, &rc, e) != 0;
    if (rc == 0 && fresh && by_mac != 0 && (settled_apart(a, by_ip, by_mac, ip, &rc, e) || crowded(a->w, by_mac, &rc, e)))
        fresh = false;
    if (rc != 0)
        return -1;
    if (fresh)
        return name_by_mac(a, by_ip, by_mac, mac, ret_asset, e);
    if (by_mac == 0)
        rc = asset_make(a, "mac", mac, 0, &by_mac, e);
    *ret_asset = by_mac;
    if (rc != 0 || by_mac == 0 || ip.n == 0 || (one && by_ip != by_mac))
        return rc;
    rc = asset_hold(a, by_mac, "ip", ip, e);
    return rc == 0 && by_ip != 0 && by_ip != by_mac ? asset_judge(a, by_ip, e) : rc; /* the address moved on from another device */
}

int asset_at(struct apply *a, struct span ip, int64_t *ret_asset, struct error *e)
{
    *ret_asset = 0;
    if (!address_of_one_device(ip))
        return 0;
    int rc = 0;
    *ret_asset = holder_then(a, ip, &rc, e);
    return rc != 0 || *ret_asset != 0 ? rc : asset_make(a, "ip", ip, 0, ret_asset, e);
}

/* ── rule 5 ── */

/* Is it of a network in which the holder of the MAC address has an address itself? */
static bool same_network(struct apply *a, int64_t asset, struct span ip, struct error *e)
{
    struct buf want = BUF_INIT(64);
    struct buf have = BUF_INIT(64);
    bool same = false;
    address_network(ip, &want);
    struct store_stmt *q = store_stmt(a->w, "SELECT value FROM asset_address WHERE asset = ?1 AND kind = 'ip' LIMIT 64");
    store_bind_int(q, 1, asset);
    while (store_step(q)) {
        buf_clear(&have);
        address_network(store_text(q, 0), &have);
        same |= span_equal(buf_span(&have), buf_span(&want));
    }
    buf_release(&want);
    buf_release(&have);
    return store_done(q, e) == 0 && same;
}

int asset_routed(struct apply *a, struct span ip, struct span mac, struct error *e)
{
    int rc = 0;
    int64_t holder = asset_holder(a->w, "mac", mac, &rc, e);
    if (rc != 0 || (holder != 0 && same_network(a, holder, ip, e)) || counter_now(a, "routed", e) >= KEEP_ADDRESSES)
        return rc;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_routed SELECT ?1, ?2 WHERE (SELECT count(*) FROM asset_routed WHERE mac = ?1) < ?3 "
                                            "ON CONFLICT DO NOTHING RETURNING (SELECT count(*) FROM asset_routed WHERE mac = ?1)");
    store_bind_text(q, 1, mac);
    store_bind_text(q, 2, ip);
    store_bind_int(q, 3, ROUTED_KEPT);
    bool fresh = number_of(q, e, &rc) != 0;
    if (rc != 0 || !fresh)
        return rc;
    q = store_stmt(a->w, "SELECT count(*) FROM asset_routed WHERE mac = ?1");
    store_bind_text(q, 1, mac);
    int64_t n = number_of(q, e, &rc);
    if (rc != 0 || counter_add(a, "routed", 1, e) != 0 || n < ROUTED_ENOUGH)
        return rc;
    if (holder == 0 && (asset_make(a, "mac", mac, 0, &holder, e) != 0 || holder == 0))
        return holder == 0 ? 0 : -1;
    return run2(a->w, "UPDATE asset SET routes = ?2 WHERE n = ?1", holder, n, e) != 0 ? -1 : asset_judge(a, holder, e);
}

/* ── rules 6 and 8 ── */

#define GROUP(n) "(SELECT n FROM asset WHERE root = (SELECT root FROM asset WHERE n = " n "))"

static bool talk(struct store_conn *w, int64_t one, int64_t other, int *rc, struct error *e)
{
    return ask2(w,
                "SELECT EXISTS (SELECT 1 FROM conversation WHERE a IN " GROUP("?1") " AND b IN " GROUP(
                    "?2") ") OR EXISTS (SELECT 1 FROM conversation WHERE b IN " GROUP("?1") " AND a IN " GROUP("?2") ")",
                one, other, rc, e) != 0;
}

static bool receives(struct store_conn *w, int64_t asset, int *rc, struct error *e)
{
    return ask2(w, "SELECT count(*) FROM asset WHERE n IN " GROUP("?1") " AND results_received >= ?2", asset, 1, rc, e) > 0;
}

int asset_same_serial(struct apply *a, int64_t asset, struct error *e)
{
    int rc = 0;
    int64_t other = ask2(
        a->w,
        "SELECT min(o.root) FROM asset_fact AS s JOIN asset_fact AS m ON m.asset = s.asset AND m.voice = s.voice AND m.source = s.source"
        " JOIN asset_fact AS os ON os.field = 'serial' AND os.value = s.value JOIN asset AS o ON o.n = os.asset"
        " JOIN asset_fact AS om ON om.asset = os.asset AND om.voice = os.voice AND om.source = os.source AND om.field = 'model' AND om.value = "
        "m.value"
        " WHERE s.asset = ?1 AND s.field = 'serial' AND m.field = 'model' AND length(s.value) > ?2 AND o.behind IS NULL"
        " AND o.root <> (SELECT root FROM asset WHERE n = ?1) AND (SELECT behind FROM asset WHERE n = ?1) IS NULL",
        asset, 3, &rc, e);
    if (rc != 0 || other == 0)
        return rc;
    if (crowded(a->w, asset, &rc, e) || crowded(a->w, other, &rc, e) || asset_are_distinct(a->w, asset, other, &rc, e) ||
        talk(a->w, asset, other, &rc, e) || receives(a->w, asset, &rc, e) || receives(a->w, other, &rc, e) || rc != 0)
        return rc;
    int64_t root = asset_root(a->w, asset, &rc, e);
    return rc != 0 ? -1 : asset_link(a, root < other ? other : root, root < other ? root : other, "serial", e);
}

int asset_no_relay(struct apply *a, int64_t asset, struct error *e)
{
    int rc = 0;
    for (int i = 0; i < 64; i++) {
        int64_t joined = ask2(a->w, "SELECT min(n) FROM asset WHERE n IN " GROUP("?1") " AND joined_by = 'serial' AND ?2", asset, 1, &rc, e);
        if (rc != 0 || joined == 0)
            break;
        rc = asset_unlink(a, joined, e);
    }
    for (int i = 0; rc == 0 && i < 64; i++) {
        int64_t instrument = ask2(a->w,
                                  "SELECT min(i.n) FROM asset AS i WHERE i.behind IN " GROUP("?1") " AND i.root = i.n AND i.root <> "
                                                                                                   "(SELECT root FROM asset WHERE n = ?1) AND ?2",
                                  asset, 1, &rc, e);
        if (rc != 0 || instrument == 0)
            break;
        rc = asset_link(a, instrument, asset, "carries", e);
    }
    return rc;
}
