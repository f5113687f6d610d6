#include "lab/inventory/asset_private.h"

#include "base/text.h"
#include "lab/inventory/admission.h"

/* Lists of devices and single ones. What belongs to one: asset_detail.c. */

/* identities of the device in hand */
#define OWN "(SELECT n FROM asset AS m WHERE m.root = asset.n)"
#define SUM(column) "(SELECT sum(m." column ") FROM asset AS m WHERE m.root = asset.n)"
#define FIRST_SEEN "(SELECT coalesce(min(m.first_seen), 0) FROM asset AS m WHERE m.root = asset.n)"
#define LAST_SEEN "(SELECT coalesce(max(m.last_seen), 0) FROM asset AS m WHERE m.root = asset.n)"
#define ADDRESSES(kind)                                                                                                                              \
    "(SELECT json_group_array(value) FROM (SELECT value FROM asset_address WHERE asset IN " OWN " AND kind = '" kind                                 \
    "' AND now = 1 ORDER BY last_seen DESC, value LIMIT 32))"
#define NEWEST_HOUR "(SELECT max(hour) FROM asset_hour)"
#define OLDEST_HOUR "(SELECT min(hour) FROM asset_hour)"

#define COLUMNS                                                                                                                                      \
    "asset.n, id, changed, name, title, role, role_basis, maker, model, serial, software, hostname, " FIRST_SEEN ", " LAST_SEEN                      \
    ", " SUM("messages") ", " SUM("results_sent") ", " SUM("results_received") ", " SUM(                                                             \
        "acks_sent") ", (SELECT count(*) FROM finding WHERE finding.asset IN " OWN                                                                   \
                     " AND +finding.state = 'open' AND +rank > 0), class, os, owner, place, criticality, zone, retired, confidence, "                \
                     "(SELECT b.id FROM asset AS at JOIN asset AS b ON b.n = at.root WHERE at.n = asset.behind AND b.n <> asset.n), "                \
                     "(SELECT count(*) FROM asset AS i WHERE i.behind IN " OWN                                                                       \
                     " AND i.root = i.n AND i.n <> asset.n), " ADDRESSES("ip") ", " ADDRESSES(                                                       \
                         "mac") ", (SELECT json_group_array(protocol) FROM (SELECT DISTINCT protocol FROM asset_protocol WHERE "                     \
                                "asset IN " OWN " ORDER BY protocol LIMIT 32)), "                                                                    \
                                "(SELECT sum(messages) FROM asset_hour WHERE asset IN " OWN " AND hour > " NEWEST_HOUR                               \
                                " - 24), max(1, min(24, " NEWEST_HOUR " - " OLDEST_HOUR " + 1)), "                                                   \
                                "(SELECT skew FROM (SELECT skew, row_number() OVER (ORDER BY skew) AS place, count(*) OVER () "                      \
                                "AS all_of FROM asset_skew WHERE asset IN " OWN ") WHERE all_of >= 5 AND place = (all_of + 1) / 2), "                \
                                "iif(" ADMISSION_WAITS ", 'waiting', admission)"

/* ?1: text to search, null: all; ?2: role, ?8: zone, ?9: criticality, ?10: admission, null: all */
#define MATCHES                                                                                                                                      \
    "asset.root = asset.n AND (?2 IS NULL OR role = ?2) AND (?8 IS NULL OR zone = ?8) AND (?9 IS NULL OR criticality = ?9) AND "                     \
    "CASE WHEN ?10 IS NULL THEN 1 WHEN ?10 = 'waiting' THEN " ADMISSION_WAITS " WHEN ?10 = 'not-vouched' THEN admission <> 'vouched' WHEN ?10 = "    \
    "'unknown' THEN admission = 'unknown' AND NOT " ADMISSION_WAITS " ELSE admission = ?10 END AND "                                                 \
    "(?1 IS NULL OR instr(search, ?1) > 0)"

/* Which rows, then what they hold: sorting must not carry all columns of all devices along. */
#define NEWEST_FIRST(key)                                                                                                                            \
    "SELECT " COLUMNS " FROM (SELECT asset.n AS here, " key " AS key FROM asset WHERE " MATCHES " AND (?3 = 0 OR (" key                              \
    ", asset.n) < (?5, ?6)) AND ?4 IS NOT NULL ORDER BY key DESC, asset.n DESC LIMIT ?7) AS found CROSS JOIN asset ON asset.n = found.here "         \
    "ORDER BY found.key DESC, asset.n DESC"

static void row_of(struct store_stmt *q, struct asset_row *row)
{
    *row = (struct asset_row){
        .n = store_int(q, 0),
        .id = store_text(q, 1),
        .changed = (uint64_t)store_int(q, 2),
        .name = store_text(q, 3),
        .title = store_text(q, 4),
        .role = store_text(q, 5),
        .role_basis = store_text(q, 6),
        .maker = store_text(q, 7),
        .model = store_text(q, 8),
        .serial = store_text(q, 9),
        .software = store_text(q, 10),
        .hostname = store_text(q, 11),
        .first_seen = store_int(q, 12),
        .last_seen = store_int(q, 13),
        .messages = store_int(q, 14),
        .results_sent = store_int(q, 15),
        .results_received = store_int(q, 16),
        .acks_sent = store_int(q, 17),
        .findings_open = store_int(q, 18),
        .class = store_text(q, 19),
        .os = store_text(q, 20),
        .owner = store_text(q, 21),
        .place = store_text(q, 22),
        .criticality = store_text(q, 23),
        .zone = store_text(q, 24),
        .retired = store_int(q, 25) != 0,
        .confidence = store_int(q, 26),
        .behind = store_text(q, 27),
        .instruments = store_int(q, 28),
        .ips = store_text(q, 29),
        .macs = store_text(q, 30),
        .protocols = store_text(q, 31),
        .messages_per_hour = (store_int(q, 32) + store_int(q, 33) / 2) / (store_int(q, 33) > 0 ? store_int(q, 33) : 1),
        .skew_known = !store_is_null(q, 34),
        .skew_s = store_int(q, 34),
        .admission = store_text(q, 35),
    };
}

static void bind_filter(struct store_stmt *q, const struct asset_query *query)
{
    const struct {
        int at;
        struct span text;
    } filters[] = {{1, query->search}, {2, query->role}, {8, query->zone}, {9, query->criticality}, {10, query->admission}};
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++)
        if (filters[i].text.n > 0)
            store_bind_text(q, filters[i].at, filters[i].text);
}

int asset_list(struct store_conn *c, const struct asset_query *query, asset_each *each, void *context, struct error *e)
{
    /* ?3: is there a place to go on behind; ?4 text, ?5 time (or: is it known), ?6 number of that place; ?7 limit */
    static const char *const sql[ASSET_SORTS] = {
        [ASSET_BY_TITLE] = "SELECT " COLUMNS " FROM asset WHERE " MATCHES " AND (lower(title), asset.n) > (lower(?4), ?6) AND ?3 + ?5 IS NOT NULL "
                           "ORDER BY lower(title), asset.n LIMIT ?7",
        [ASSET_BY_FIRST_SEEN] = NEWEST_FIRST(FIRST_SEEN),
        [ASSET_BY_LAST_SEEN] = NEWEST_FIRST(LAST_SEEN),
        [ASSET_BY_UNKNOWN] = "SELECT " COLUMNS " FROM asset WHERE " MATCHES " AND (role <> 'unknown', lower(title), asset.n) > (?5, lower(?4), ?6) "
                             "AND ?3 IS NOT NULL ORDER BY role <> 'unknown', lower(title), asset.n LIMIT ?7",
    };
    struct store_stmt *q = store_stmt(c, sql[query->sort]);
    bind_filter(q, query);
    store_bind_int(q, 3, query->after);
    store_bind_text(q, 4, query->after ? query->after_title : SPAN_LIT(""));
    store_bind_int(q, 5, query->after_time);
    store_bind_int(q, 6, query->after ? query->after_n : -1);
    store_bind_int(q, 7, query->limit);
    struct asset_row row;
    while (store_step(q)) {
        row_of(q, &row);
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t asset_total(struct store_conn *c, const struct asset_query *query, struct error *e)
{
    if (span_is(query->admission, "waiting") && query->search.n + query->role.n + query->zone.n + query->criticality.n == 0)
        return admission_waiting(c, e); /* has an index */
    if (query->search.n + query->role.n + query->zone.n + query->criticality.n + query->admission.n == 0)
        return store_run_int(store_stmt(c, "SELECT count(*) FROM asset WHERE root = n"), -1, e); /* so has this */
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM asset WHERE " MATCHES);
    bind_filter(q, query);
    return store_run_int(q, -1, e);
}

int64_t asset_unknown(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM asset WHERE root = n AND role = 'unknown'"), -1, e);
}

int asset_get(struct store_conn *c, struct span id, asset_each *each, void *context, bool *ret_found, struct error *e)
{
    *ret_found = false;
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM asset WHERE asset.n = (SELECT root FROM asset WHERE id = ?1)");
    store_bind_text(q, 1, id);
    if (store_step(q)) {
        struct asset_row row;
        row_of(q, &row);
        *ret_found = true;
        each(context, &row);
    }
    return store_done(q, e);
}

bool asset_name_valid(struct span name)
{
    size_t characters = 0;
    while (name.n > 0) {
        size_t n = text_utf8_len(name);
        if (n == 0 || name.p[0] < 0x20 || name.p[0] == 0x7f || (n == 2 && name.p[0] == 0xc2 && name.p[1] < 0xa0) || ++characters > 80)
            return false;
        (void)span_skip(&name, n);
    }
    return true;
}

int asset_relation(struct store_conn *c, struct span one, struct span other, bool *ret_found, bool *ret_same, bool *ret_distinct, struct error *e)
{
    *ret_found = *ret_same = *ret_distinct = false;
    int64_t n[2] = {0};
    struct store_stmt *q = store_stmt(c, "SELECT a.n, b.n, a.root = b.root FROM asset AS a, asset AS b WHERE a.id = ?1 AND b.id = ?2");
    store_bind_text(q, 1, one);
    store_bind_text(q, 2, other);
    if (store_step(q)) {
        *ret_found = true;
        n[0] = store_int(q, 0);
        n[1] = store_int(q, 1);
        *ret_same = store_int(q, 2) != 0;
    }
    int rc = store_done(q, e);
    if (rc == 0 && *ret_found)
        *ret_distinct = asset_are_distinct(c, n[0], n[1], &rc, e);
    return rc;
}
