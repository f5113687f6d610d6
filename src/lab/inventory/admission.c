#include "lab/inventory/admission.h"

#include "base/text.h"
#include "lab/inventory/asset_private.h"
#include "record/crypto/crypto.h"

#include <stdio.h>

static const char *const words[ADMISSION_DECISIONS] = {"vouch", "refuse", "withdraw"};
static const char *const forms[ADMISSION_FORMS] = {"bare", "hyphen", "colon", "dot"};

const char *admission_word(enum admission_decision d)
{
    return (unsigned)d < ADMISSION_DECISIONS ? words[d] : "";
}

bool admission_find(struct span word, enum admission_decision *ret)
{
    for (int d = 0; d < ADMISSION_DECISIONS; d++)
        if (span_is(word, words[d])) {
            *ret = (enum admission_decision)d;
            return true;
        }
    return false;
}

bool admission_form_find(struct span word, enum admission_form *ret)
{
    for (int f = 0; f < ADMISSION_FORMS; f++)
        if (span_is(word, forms[f])) {
            *ret = (enum admission_form)f;
            return true;
        }
    return false;
}

/* ── projecting ── */

/* What follows for the device from what was decided about its identities and addresses (rule 2). */
#define STATE                                                                                                                                        \
    "(SELECT CASE WHEN count(*) = 0 OR min(d.state) <> max(d.state) THEN 'unknown' WHEN min(d.state) = 'refused' THEN 'refused' WHEN EXISTS "        \
    "(SELECT 1 FROM asset AS o JOIN asset_address AS h ON h.asset = o.n WHERE o.root = ?1 AND h.kind = 'mac' AND h.now = 1 AND NOT EXISTS (SELECT "  \
    "1 FROM admission_mac AS v WHERE v.mac = h.value AND v.state = 'vouched')) THEN 'unknown' ELSE 'vouched' END FROM asset AS m JOIN admission "    \
    "AS d ON d.asset = m.n WHERE m.root = ?1)"

int admission_judge(struct apply *a, int64_t root, bool *ret_moved, struct error *e)
{
    int rc = 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset SET admission = s.now FROM (SELECT " STATE
                                            " AS now) AS s WHERE n = ?1 AND admission <> s.now RETURNING n");
    store_bind_int(q, 1, root);
    *ret_moved = number_of(q, e, &rc) != 0 || *ret_moved;
    return rc;
}

/* One address of a decision. Only such as the device has are kept: so there are no more of them than addresses. */
static int put_mac(struct apply *a, int64_t root, enum admission_decision d, struct span mac, struct error *e)
{
    int rc = 0;
    int64_t holder = mac_of_one_device(mac) ? asset_holder(a->w, "mac", mac, &rc, e) : 0;
    if (rc != 0 || holder == 0 || asset_root(a->w, holder, &rc, e) != root)
        return rc;
    struct store_stmt *q = store_stmt(a->w, d == ADMISSION_WITHDRAW ? "DELETE FROM admission_mac WHERE mac = ?1 AND ?2 <> '' AND ?3 >= 0"
                                                                    : "INSERT OR REPLACE INTO admission_mac VALUES (?1, ?2, ?3)");
    store_bind_text(q, 1, mac);
    store_bind_str(q, 2, d == ADMISSION_REFUSE ? "refused" : "vouched");
    store_bind_int(q, 3, (int64_t)a->c->index);
    return store_run(q, e);
}

/* All identities that the device has now. */
static int put_identities(struct apply *a, int64_t root, enum admission_decision d, struct error *e)
{
    if (run2(a->w, "DELETE FROM admission WHERE asset IN (SELECT n FROM asset WHERE root = ?1) AND ?2", root, 1, e) != 0)
        return -1;
    if (d == ADMISSION_WITHDRAW)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO admission SELECT n, ?2, nullif(?3, ''), nullif(?4, ''), ?5, ?6 FROM asset WHERE root = ?1");
    store_bind_int(q, 1, root);
    store_bind_str(q, 2, d == ADMISSION_REFUSE ? "refused" : "vouched");
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, a->ev.time);
    store_bind_int(q, 6, (int64_t)a->c->index);
    return store_run(q, e);
}

static int apply_row(struct apply *a, size_t number, struct span row, enum admission_decision d, struct error *e)
{
    char id[64] = "";
    char ip[VALUE_MAX] = "";
    char macs[VALUE_MAX + 64] = "";
    int rc = 0;
    (void)event_member(row, "asset", id, sizeof id);
    (void)event_member(row, "ip", ip, sizeof ip);
    (void)event_member(row, "mac", macs, sizeof macs);
    int64_t asset = asset_decided(a, number, span_str(id), span_str(ip), span_str(macs), &rc, e);
    int64_t root = rc == 0 && asset != 0 ? asset_root(a->w, asset, &rc, e) : 0;
    if (rc != 0 || root == 0)
        return rc;
    struct span left = span_str(macs);
    rc = put_identities(a, root, d, e);
    for (int i = 0; rc == 0 && left.n > 0 && i < ADMISSION_MACS; i++)
        rc = put_mac(a, root, d, span_until(&left, ' ', NULL), e);
    bool moved = false;
    if (rc == 0)
        rc = admission_judge(a, root, &moved, e);
    return rc != 0 ? -1 : asset_changed(a, root, e);
}

int asset_apply_admission(struct apply *a, struct error *e)
{
    enum admission_decision d;
    if (!admission_find(event_text(&a->ev, "decision"), &d))
        return 0;
    for (size_t i = 0; i < ADMISSION_ROWS; i++) {
        struct span row = event_item(&a->ev, "rows", i);
        if (row.n > 0 && apply_row(a, i, row, d, e) != 0)
            return -1;
    }
    return 0;
}

/* ── reading ── */

int admission_get(struct store_conn *c, int64_t n, admission_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT d.person, d.why, coalesce(d.time, 0), coalesce(d.record, -1), (SELECT count(DISTINCT x.state) > 1 FROM admission AS x JOIN asset "
           "AS m ON m.n = x.asset WHERE m.root = ?1), (SELECT json_group_array(value) FROM (SELECT h.value FROM asset_address AS h JOIN asset AS m "
           "ON m.n = h.asset WHERE m.root = ?1 AND h.kind = 'mac' AND h.now = 1 AND d.state = 'vouched' AND NOT EXISTS (SELECT 1 FROM "
           "admission_mac AS v WHERE v.mac = h.value AND v.state = 'vouched') ORDER BY h.value LIMIT 32)) FROM (SELECT 1) LEFT JOIN (SELECT x.* "
           "FROM admission AS x JOIN asset AS m ON m.n = x.asset WHERE m.root = ?1 ORDER BY x.record DESC LIMIT 1) AS d");
    store_bind_int(q, 1, n);
    if (store_step(q)) {
        struct admission_row row = {.person = store_text(q, 0),
                                    .why = store_text(q, 1),
                                    .time = store_int(q, 2),
                                    .record = store_int(q, 3),
                                    .mixed = store_int(q, 4) != 0,
                                    .new_macs = store_text(q, 5)};
        each(context, &row);
    }
    return store_done(q, e);
}

bool admission_put_row(struct store_conn *c, int64_t n, struct buf *out, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c,
        "SELECT json_object('asset', id, 'ip', coalesce((SELECT value FROM asset_address AS h JOIN asset AS m ON m.n = h.asset WHERE m.root = ?1 "
        "AND kind = 'ip' AND now = 1 ORDER BY h.last_seen DESC, value LIMIT 1), ''), 'mac', coalesce((SELECT group_concat(value, ' ') FROM (SELECT "
        "value FROM asset_address AS h JOIN asset AS m ON m.n = h.asset WHERE m.root = ?1 AND kind = 'mac' AND now = 1 ORDER BY h.last_seen "
        "DESC, value LIMIT ?2)), '')) FROM asset WHERE n = ?1 AND root = n");
    store_bind_int(q, 1, n);
    store_bind_int(q, 2, ADMISSION_MACS);
    bool found = store_step(q);
    if (found)
        buf_add_span(out, store_text(q, 0));
    return store_done(q, e) == 0 && found && buf_ok(out);
}

int64_t admission_waiting(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM asset WHERE root = n AND " ADMISSION_WAITS), -1, e);
}

int64_t admission_refused_heard(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c,
                                    "SELECT count(*) FROM asset WHERE root = n AND admission = 'refused' AND retired = 0 AND (SELECT "
                                    "max(m.last_seen) FROM asset AS m WHERE m.root = asset.n) > (SELECT max(d.time) FROM asset AS m JOIN admission "
                                    "AS d ON d.asset = m.n WHERE m.root = asset.n)"),
                         -1, e);
}

tq_time admission_learning_until(struct store_conn *c, struct error *e)
{
    struct error own = {0};
    tq_time first = store_run_int(store_stmt(c, "SELECT coalesce(min(first_seen), 0) FROM asset"), 0, &own);
    if (own.class != ERR_NONE) {
        *e = own;
        return -1;
    }
    return first == 0 ? 0 : first + ADMISSION_LEARNING;
}

#define OWN "(SELECT n FROM asset AS m WHERE m.root = asset.n)"
#define HELD(kind)                                                                                                                                   \
    "(SELECT json_group_array(value) FROM (SELECT value FROM asset_address WHERE asset IN " OWN " AND kind = '" kind                                 \
    "' AND now = 1 ORDER BY last_seen DESC, value LIMIT 16))"
#define FIRST_SEEN "(SELECT min(m.first_seen) FROM asset AS m WHERE m.root = asset.n)"

int admission_candidates(struct store_conn *c, tq_time until, admission_candidate *each, void *context, char digest[65], struct error *e)
{
    uint8_t hash[SHA256_SIZE];
    struct crypto_hash *h = crypto_hash_new();
    if (h == NULL)
        return err_set(e, ERR_SYSTEM, "no memory to look at the devices that wait");
    struct store_stmt *q = store_stmt(
        c, "SELECT n, id, title, role, " HELD("ip") ", " HELD("mac") ", " FIRST_SEEN ", changed FROM asset WHERE root = n AND " ADMISSION_WAITS
                                                                     " AND " FIRST_SEEN " < ?1 ORDER BY n");
    store_bind_int(q, 1, until);
    while (store_step(q)) {
        char state[32];
        (void)snprintf(state, sizeof state, " %lld\n", (long long)store_int(q, 7));
        crypto_hash_add(h, store_text(q, 1));
        crypto_hash_add(h, span_str(state));
        if (each != NULL)
            each(context, store_int(q, 0), store_text(q, 1), store_text(q, 2), store_text(q, 3), store_text(q, 4), store_text(q, 5), store_int(q, 6));
    }
    crypto_hash_end(h, hash);
    crypto_hash_free(h);
    text_hex_to(digest, hash, sizeof hash);
    return store_done(q, e);
}

int admission_keeps_certificate(struct store_conn *c, struct span id, bool *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT r.admission <> 'refused' AND r.retired = 0 FROM asset AS i JOIN asset AS r ON r.n = i.root WHERE i.id = ?1");
    store_bind_text(q, 1, id);
    *ret = store_step(q) && store_int(q, 0) != 0;
    return store_done(q, e);
}

bool admission_same_device(struct store_conn *c, struct span id, int64_t n)
{
    struct store_stmt *q = store_stmt(c, "SELECT root FROM asset WHERE id = ?1");
    store_bind_text(q, 1, id);
    return store_run_int(q, 0, NULL) == n;
}

/* ── for a RADIUS server ── */

/* mac: six pairs with colons. */
static void put_name(struct buf *out, struct span mac, enum admission_form form, bool upper)
{
    static const struct {
        size_t digits; /* between two marks */
        char mark;
    } shapes[ADMISSION_FORMS] = {{12, 0}, {2, '-'}, {2, ':'}, {4, '.'}};
    size_t n = 0;
    for (size_t i = 0; i < mac.n; i++) {
        uint8_t ch = mac.p[i];
        if (ch == ':')
            continue;
        if (n > 0 && n % shapes[form].digits == 0)
            buf_u8(out, (uint8_t)shapes[form].mark);
        buf_u8(out, upper && ch >= 'a' ? (uint8_t)(ch & 0xdf) : ch);
        n++;
    }
}

/* A title in a comment: printable ASCII, on one line. */
static void put_comment(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.n && i < 80; i++)
        buf_u8(out, text.p[i] >= 0x20 && text.p[i] < 0x7f ? text.p[i] : '?');
}

int admission_radius(struct store_conn *c, const char *site, enum admission_form form, bool upper, struct buf *out, struct error *e)
{
    int64_t n = 0;
    buf_add_str(out, "# Devices of ");
    put_comment(out, span_str(site));
    buf_add_str(out, " that somebody vouched for, by MAC address (MAC authentication bypass).\n"
                     "# A MAC address can be copied: this keeps out what is plugged in by mistake. Against somebody who wants in, use EAP-TLS.\n");
    struct store_stmt *q = store_stmt(
        c,
        "SELECT v.mac, r.title FROM admission_mac AS v JOIN asset_address AS h ON h.kind = 'mac' AND h.value = v.mac AND h.now = 1 JOIN asset AS i "
        "ON i.n = h.asset JOIN asset AS r ON r.n = i.root WHERE v.state = 'vouched' AND r.admission <> 'refused' AND r.retired = 0 ORDER BY v.mac");
    while (store_step(q)) {
        struct span mac = store_text(q, 0);
        buf_add_str(out, "\n# ");
        put_comment(out, store_text(q, 1));
        buf_u8(out, '\n');
        put_name(out, mac, form, upper);
        buf_add_str(out, " Cleartext-Password := \"");
        put_name(out, mac, form, upper);
        buf_add_str(out, "\"\n");
        n++;
    }
    buf_addf(out, "\n# %lld addresses. Whoever is not in this list is refused by the server's default.\n", (long long)n);
    return store_done(q, e);
}
