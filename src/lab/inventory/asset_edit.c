#include "lab/inventory/asset_private.h"

#include <stdio.h>

/* What people decide: rule 9. Decisions are records; a rebuilt store has them all. */

static const char *const editable[] = {"name",  "owner", "place",  "criticality", "role", "zone",
                                       "maker", "model", "serial", "software",    "os",   "retired"};

size_t asset_editable(const char *const **ret)
{
    *ret = editable;
    return sizeof editable / sizeof editable[0];
}

static bool criticality_valid(struct span value)
{
    static const char *const levels[] = {"low", "medium", "high", "critical"};
    return one_of(value, levels, sizeof levels / sizeof levels[0]);
}

const char *asset_edit_flaw(const char *field, struct span value)
{
    if (value.n == 0)
        return NULL;
    if (strcmp(field, "criticality") == 0)
        return criticality_valid(value) ? NULL : "Criticality is low, medium, high or critical.";
    if (strcmp(field, "role") == 0)
        return asset_role_known(value) || span_is(value, "unknown")
                   ? NULL
                   : "A role is analyzer, middleware, lis, workstation, server, printer, phone, camera, network or unknown.";
    if (strcmp(field, "retired") == 0)
        return span_is(value, "true") || span_is(value, "false") ? NULL : "\"retired\" is true or false.";
    return asset_name_valid(value) ? NULL : "It has at most 80 characters, on one line.";
}

int64_t asset_by_id(struct apply *a, struct span id, int *rc, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "SELECT n FROM asset WHERE id = ?1");
    store_bind_text(q, 1, id);
    return number_of(q, e, rc);
}

static int make_told(struct apply *a, size_t row, struct span ips, struct span macs, int64_t *ret_asset, struct error *e);

int64_t asset_decided(struct apply *a, size_t row, struct span id, struct span ips, struct span macs, int *rc, struct error *e)
{
    struct span mac_left = macs;
    struct span ip_left = ips;
    int64_t asset = asset_by_id(a, id, rc, e);
    while (*rc == 0 && asset == 0 && mac_left.n > 0)
        asset = asset_holder(a->w, "mac", span_until(&mac_left, ' ', NULL), rc, e);
    while (*rc == 0 && asset == 0 && ip_left.n > 0)
        asset = asset_holder(a->w, "ip", span_until(&ip_left, ' ', NULL), rc, e);
    if (*rc == 0 && asset == 0 && macs.n + ips.n > 0)
        *rc = make_told(a, row, ips, macs, &asset, e);
    return asset;
}

static int64_t decided(struct apply *a, int *rc, struct error *e)
{
    return asset_decided(a, 0, event_text(&a->ev, "asset"), event_text(&a->ev, "ip"), event_text(&a->ev, "mac"), rc, e);
}

/* The device counts as one; what was said of any of its identities before gives way. */
int asset_put_edit(struct apply *a, int64_t asset, const char *field, struct span value, struct error *e)
{
    if (!one_of(span_str(field), editable, sizeof editable / sizeof editable[0]) || value.n >= 4 * 80 + 1 || value.n >= VALUE_MAX)
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "DELETE FROM asset_edit WHERE field = ?2 AND asset IN (SELECT n FROM asset WHERE root = (SELECT root FROM "
                                      "asset WHERE n = ?1))");
    store_bind_int(q, 1, asset);
    store_bind_str(q, 2, field);
    if (store_run(q, e) != 0 || value.n == 0)
        return value.n == 0 ? 0 : -1;
    q = store_stmt(a->w, "INSERT INTO asset_edit SELECT root, ?2, ?3, nullif(?4, ''), ?5, ?6 FROM asset WHERE n = ?1");
    store_bind_int(q, 1, asset);
    store_bind_str(q, 2, field);
    store_bind_text(q, 3, value);
    store_bind_text(q, 4, event_text(&a->ev, "person"));
    store_bind_int(q, 5, a->ev.time);
    store_bind_int(q, 6, (int64_t)a->c->index);
    return store_run(q, e);
}

static int settle(struct apply *a, int64_t asset, struct error *e)
{
    return asset_judge(a, asset, e) != 0 ? -1 : asset_changed(a, asset, e);
}

int asset_apply_named(struct apply *a, struct error *e)
{
    int rc = 0;
    int64_t asset = decided(a, &rc, e);
    if (rc != 0 || asset == 0)
        return rc;
    return asset_put_edit(a, asset, "name", event_text(&a->ev, "name"), e) != 0 ? -1 : settle(a, asset, e);
}

int asset_apply_edited(struct apply *a, struct error *e)
{
    int rc = 0;
    int64_t asset = decided(a, &rc, e);
    for (size_t i = 0; rc == 0 && asset != 0 && i < sizeof editable / sizeof editable[0]; i++) {
        struct span value = event_item(&a->ev, "edits", i);
        struct span field = span_until(&value, '=', NULL);
        for (size_t f = 0; rc == 0 && f < sizeof editable / sizeof editable[0]; f++)
            if (span_is(field, editable[f]))
                rc = asset_put_edit(a, asset, editable[f], value, e);
    }
    return rc != 0 || asset == 0 ? rc : settle(a, asset, e);
}

int asset_apply_joined(struct apply *a, struct error *e)
{
    int rc = 0;
    int64_t asset = asset_by_id(a, event_text(&a->ev, "asset"), &rc, e);
    int64_t other = asset_by_id(a, event_text(&a->ev, "other"), &rc, e);
    if (rc != 0 || asset == 0 || other == 0)
        return rc;
    if (run2(a->w,
             "DELETE FROM asset_distinct WHERE EXISTS (SELECT 1 FROM asset AS x, asset AS y, asset AS p, asset AS q WHERE x.n = one AND y.n = other "
             "AND p.n = ?1 AND q.n = ?2 AND ((x.root = p.root AND y.root = q.root) OR (x.root = q.root AND y.root = p.root)))",
             asset, other, e) != 0)
        return -1;
    return asset_link(a, other, asset, "person", e);
}

int asset_apply_distinct(struct apply *a, struct error *e)
{
    int rc = 0;
    int64_t asset = asset_by_id(a, event_text(&a->ev, "asset"), &rc, e);
    int64_t other = asset_by_id(a, event_text(&a->ev, "other"), &rc, e);
    if (rc != 0 || asset == 0 || other == 0 || asset == other)
        return rc;
    if (asset_set_distinct(a, asset, other, e) != 0)
        return -1;
    return asset_changed(a, asset, e) != 0 ? -1 : asset_changed(a, other, e);
}

/* ── parting ── */

int asset_part_find(struct store_conn *c, int64_t n, struct span part, struct asset_part *ret, struct error *e)
{
    *ret = (struct asset_part){0};
    struct store_stmt *q = store_stmt(
        c, "SELECT m.n, h.kind, (SELECT count(*) FROM asset_address AS o WHERE o.asset = m.n AND o.kind = h.kind AND o.now = 1),"
           " (SELECT count(*) FROM asset AS g WHERE g.root = m.root) FROM asset_address AS h JOIN asset AS m ON m.n = h.asset"
           " WHERE m.root = (SELECT root FROM asset WHERE n = ?1) AND h.value = ?2 AND h.now = 1 "
           "UNION ALL SELECT m.n, 'serial', 1, (SELECT count(*) FROM asset AS g WHERE g.root = m.root) FROM asset_fact AS f JOIN asset AS m"
           " ON m.n = f.asset WHERE m.root = (SELECT root FROM asset WHERE n = ?1) AND f.field = 'serial' AND f.value = ?2 LIMIT 1");
    store_bind_int(q, 1, n);
    store_bind_text(q, 2, part);
    if (store_step(q)) {
        ret->identity = store_int(q, 0);
        (void)snprintf(ret->kind, sizeof ret->kind, "%.*s", (int)store_text(q, 1).n, (const char *)store_text(q, 1).p);
        ret->whole = store_int(q, 3) > 1 && (store_int(q, 2) == 1 || ret->identity != n);
        ret->possible = ret->whole || store_int(q, 2) > 1;
    }
    return store_done(q, e);
}

/* A new identity takes the address, and with it what was heard from there. */
static int part_address(struct apply *a, const struct asset_part *part, struct span address, int64_t *ret_asset, struct error *e)
{
    struct buf key = BUF_INIT(256);
    buf_addf(&key, "%llu ", (unsigned long long)a->c->index);
    buf_add_span(&key, address);
    int rc = asset_make(a, "part", buf_span(&key), 0, ret_asset, e);
    buf_release(&key);
    if (rc != 0 || *ret_asset == 0)
        return rc;
    static const char *const moves[] = {
        ("UPDATE asset SET (first_seen, last_seen) = (SELECT first_seen, last_seen FROM asset_address WHERE asset = ?1 AND kind = ?4 AND value = ?3) "
         "WHERE n = ?2"),
        "UPDATE asset_address SET asset = ?2 WHERE asset = ?1 AND kind = ?4 AND value = ?3",
        "UPDATE conversation SET a = ?2 WHERE a = ?1 AND src = ?3 AND ?4 = 'ip'",
        "UPDATE conversation SET b = ?2 WHERE b = ?1 AND dst = ?3 AND ?4 = 'ip'",
        "UPDATE asset_evidence SET asset = ?2 WHERE asset = ?1 AND json_extract(fields, '$.' || ?4) = ?3",
    };
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        struct store_stmt *q = store_stmt(a->w, moves[i]);
        store_bind_int(q, 1, part->identity);
        store_bind_int(q, 2, *ret_asset);
        store_bind_text(q, 3, address);
        store_bind_str(q, 4, part->kind);
        if (store_run(q, e) != 0)
            return -1;
    }
    return settle(a, *ret_asset, e) != 0 ? -1 : settle(a, part->identity, e);
}

int asset_apply_split(struct apply *a, struct error *e)
{
    int rc = 0;
    int64_t asset = asset_by_id(a, event_text(&a->ev, "asset"), &rc, e);
    int64_t root = rc == 0 && asset != 0 ? asset_root(a->w, asset, &rc, e) : 0;
    struct asset_part part;
    if (rc != 0 || root == 0 || asset_part_find(a->w, root, event_text(&a->ev, "part"), &part, e) != 0 || !part.possible)
        return rc;
    int64_t gone = part.identity;
    int64_t rest = root;
    if (!part.whole && part_address(a, &part, event_text(&a->ev, "part"), &gone, e) != 0)
        return -1;
    if (part.whole && gone == root) { /* what remains is known by the eldest of the others */
        struct store_stmt *q = store_stmt(a->w, "SELECT min(n) FROM asset WHERE joined_to = ?1");
        store_bind_int(q, 1, root);
        rest = number_of(q, e, &rc);
    }
    if (rc != 0 || gone == 0 || rest == 0 || (part.whole && asset_unlink(a, gone, e) != 0))
        return rc != 0 ? -1 : 0;
    return asset_set_distinct(a, gone, rest, e);
}

/* ── a list of devices ── */

/* A device that nobody has seen yet. The addresses of the list, texts with spaces between, lead to it as soon as it is heard. */
static int make_told(struct apply *a, size_t row, struct span ips, struct span macs, int64_t *ret_asset, struct error *e)
{
    struct buf key = BUF_INIT(64);
    buf_addf(&key, "%llu %zu", (unsigned long long)a->c->index, row);
    int rc = asset_make(a, "told", buf_span(&key), 0, ret_asset, e);
    buf_release(&key);
    for (int i = 0; rc == 0 && *ret_asset != 0 && i < 2 * IMPORT_ADDRESSES; i++) {
        bool mac = i >= IMPORT_ADDRESSES;
        struct span one = span_until(mac ? &macs : &ips, ' ', NULL);
        const char *kind = mac ? "mac" : "ip";
        if ((mac ? mac_of_one_device(one) : address_of_one_device(one)) && asset_holder(a->w, kind, one, &rc, e) == 0 && rc == 0)
            rc = asset_hold(a, *ret_asset, kind, one, e);
    }
    return rc;
}

static int import_row(struct apply *a, int64_t list, size_t number, struct span row, struct error *e)
{
    char id[64];
    char ips[IMPORT_ADDRESSES * 46] = "";
    char macs[IMPORT_ADDRESSES * 46] = "";
    char value[VALUE_MAX];
    int rc = 0;
    int64_t asset = 0;
    if (event_member(row, "asset", id, sizeof id)) {
        asset = asset_by_id(a, span_str(id), &rc, e);
    } else {
        (void)event_member(row, "ip", ips, sizeof ips);
        (void)event_member(row, "mac", macs, sizeof macs);
        rc = make_told(a, number, span_str(ips), span_str(macs), &asset, e);
        if (rc == 0 && asset != 0)
            rc = asset_list_note(a, list, asset, "", e);
    }
    if (rc != 0 || asset == 0)
        return rc;
    for (size_t i = 0; i < sizeof editable / sizeof editable[0]; i++)
        if (event_member(row, editable[i], value, sizeof value) &&
            (asset_list_note(a, list, asset, editable[i], e) != 0 || asset_put_edit(a, asset, editable[i], span_str(value), e) != 0))
            return -1;
    return settle(a, asset, e);
}

int asset_apply_imported(struct apply *a, struct error *e)
{
    int64_t list = event_int(&a->ev, "list", (int64_t)a->c->index);
    if (asset_list_begin(a, list, e) != 0)
        return -1;
    int64_t devices = 0;
    for (size_t i = 0; i < IMPORT_ROWS; i++) {
        struct span row = event_item(&a->ev, "rows", i);
        devices += row.n > 0;
        if (row.n > 0 && import_row(a, list, i, row, e) != 0)
            return -1;
    }
    return run2(a->w, "UPDATE asset_list SET devices = devices + ?2 WHERE record = ?1", list, devices, e);
}
