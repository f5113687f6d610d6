#include "lab/inventory/asset.h"

#include "base/skew.h"
#include "base/text.h"
#include "lab/inventory/asset_private.h"
#include "lab/inventory/maker.h"

/* The projection of devices: evidence, flows and messages as they come. Who is who: asset_identity.c; what it is: asset_judge.c. */

#define ALIASES 8   /* names kept of one device */
#define SKEWS 15    /* measurements of a clock that are kept */
#define REPORTS 500 /* tests kept of one device */

/* A MAC address belongs to the device only where the device itself is on this segment: elsewhere it is the router's. */
static bool own_mac_source(struct span source)
{
    static const char *const sources[] = {"arp", "ndp", "dhcp", "dhcp6", "lldp", "cdp", "oui"};
    return one_of(source, sources, sizeof sources / sizeof sources[0]);
}

static bool lab_source(struct span source)
{
    static const char *const sources[] = {"hl7.msh", "astm.h", "poct1a.hel", "dicom"};
    return one_of(source, sources, sizeof sources / sizeof sources[0]);
}

/* Whoever speaks a lab protocol matters wherever it is; of the others only what is on the lab's own networks is a device of the lab: a name in a TLS
 * greeting says nothing about a server on the Internet that we would have to look after. */
static bool about_the_lab(struct span ip, struct span source)
{
    return lab_source(source) || own_mac_source(source) || address_of_own_network(ip);
}

/* ── evidence ── */

static int put_facts(struct apply *a, int64_t asset, struct span source, bool *ret_new, struct error *e)
{
    static const char *const fields[] = {"maker", "model", "serial", "software", "hostname", "os", "role"};
    struct span voice = lab_source(source) ? event_text(&a->ev, "sender") : (struct span){0};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct span value = event_text(&a->ev, fields[i]);
        if (value.n == 0 || value.n >= VALUE_MAX || voice.n >= VALUE_MAX || (strcmp(fields[i], "role") == 0 && !asset_role_known(value)))
            continue;
        if (asset_put_fact(a, asset, fields[i], source, voice, value, ret_new, e) != 0)
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
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_fact VALUES (?1, ?2, 'oui', '', ?3, ?4, ?5) ON CONFLICT DO NOTHING RETURNING 1");
    store_bind_int(q, 1, asset);
    store_bind_str(q, 2, local ? "local_mac" : "maker");
    store_bind_text(q, 3, local ? mac : maker);
    store_bind_int(q, 4, a->ev.time);
    store_bind_int(q, 5, (int64_t)a->c->index);
    int rc = 0;
    if (number_of(q, e, &rc) != 0)
        *ret_new = true;
    return rc;
}

/* Above KEEP_EVIDENCE the oldest goes of the source that has most: who floods one source pushes nothing of the others out. */
static int cut_evidence(struct apply *a, int64_t asset, struct error *e)
{
    return run2(a->w,
                "DELETE FROM asset_evidence WHERE n = (SELECT min(n) FROM asset_evidence WHERE asset = ?1 GROUP BY source ORDER BY count(*) DESC, "
                "min(n) LIMIT 1) AND (SELECT count(*) FROM asset_evidence WHERE asset = ?1) > ?2",
                asset, KEEP_EVIDENCE, e);
}

/* Keeps the record of evidence, unless the very same is among the newest already: then it only gets the new time. */
static int put_evidence(struct apply *a, int64_t asset, struct span source, bool *ret_new, struct error *e)
{
    struct buf text = BUF_INIT(8192);
    buf_add_str(&text, "{");
    static const char *const shown[] = {"ip", "mac",  "maker",        "model", "serial", "software", "hostname",
                                        "os", "role", "dhcp_options", "ja4",   "said",   "facility", "sender"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (!event_has(&a->ev, shown[i]))
            continue;
        buf_addf(&text, "%s\"%s\":", text.n > 1 ? "," : "", shown[i]);
        event_json(&a->ev, shown[i], &text);
    }
    buf_add_str(&text, "}");
    int rc = 0;
    struct span fields = buf_ok(&text) ? buf_span(&text) : SPAN_LIT("{}");
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset_evidence SET time = ?4 WHERE asset = ?1 AND source = ?2 AND fields = ?3 RETURNING n");
    store_bind_int(q, 1, asset);
    store_bind_text(q, 2, source);
    store_bind_text(q, 3, fields);
    store_bind_int(q, 4, a->ev.time);
    if (number_of(q, e, &rc) == 0 && rc == 0) {
        q = store_stmt(a->w, "INSERT INTO asset_evidence(asset, source, fields, time, record) VALUES (?1, ?2, ?3, ?4, ?5)");
        store_bind_int(q, 1, asset);
        store_bind_text(q, 2, source);
        store_bind_text(q, 3, fields);
        store_bind_int(q, 4, a->ev.time);
        store_bind_int(q, 5, (int64_t)a->c->index);
        rc = store_run(q, e);
        if (rc == 0)
            rc = cut_evidence(a, asset, e);
        *ret_new = true;
    }
    buf_release(&text);
    return rc;
}

static int seen(struct apply *a, int64_t asset, struct error *e)
{
    return run2(a->w, "UPDATE asset SET last_seen = max(coalesce(last_seen, ?2), ?2), first_seen = min(coalesce(first_seen, ?2), ?2) WHERE n = ?1",
                asset, a->ev.time, e);
}

int asset_apply_evidence(struct apply *a, struct error *e)
{
    struct span source = event_text(&a->ev, "source");
    if (source.n == 0)
        source = SPAN_LIT("unknown");
    struct span ip = event_text(&a->ev, "ip");
    struct span mac = event_text(&a->ev, "mac");
    a->foremost = lab_source(source);
    if (!address_of_one_device(ip) || !about_the_lab(ip, source))
        ip = (struct span){0};
    if (!mac_of_one_device(mac))
        mac = (struct span){0};
    if (!own_mac_source(source) && mac.n > 0) {
        if (ip.n > 0 && asset_routed(a, ip, mac, e) != 0)
            return -1;
        mac = (struct span){0};
    }
    int64_t asset = 0;
    bool fresh = false;
    if (asset_whose(a, ip, mac, &asset, e) != 0)
        return -1;
    if (asset != 0 && lab_source(source) && asset_voice_of(a, asset, event_text(&a->ev, "sender"), &asset, e) != 0)
        return -1;
    if (asset == 0)
        return 0;
    if (seen(a, asset, e) != 0 || put_facts(a, asset, source, &fresh, e) != 0 || put_maker(a, asset, mac, &fresh, e) != 0 ||
        put_evidence(a, asset, source, &fresh, e) != 0 || (fresh && lab_source(source) && asset_same_serial(a, asset, e) != 0) ||
        asset_judge(a, asset, e) != 0)
        return -1;
    return fresh ? asset_changed(a, asset, e) : 0;
}

/* ── flows ── */

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
    return rc != 0 ? -1 : fresh ? asset_changed(a, asset, e) : 0;
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
    return rc != 0 ? -1 : turning ? asset_judge(a, asset, e) : 0;
}

int asset_apply_flow(struct apply *a, struct error *e)
{
    struct span src = event_text(&a->ev, "flow.src");
    struct span dst = event_text(&a->ev, "flow.dst");
    struct span app = event_text(&a->ev, "app");
    int64_t ends[2] = {0};
    bool answered = event_int(&a->ev, "bytes_down", 0) > 0;
    a->foremost = answered && app_of_lab(app);
    int rc = counter_add(a, "flows", 1, e);
    if (rc == 0 && address_of_own_network(src))
        rc = asset_at(a, src, &ends[0], e);
    if (rc == 0 && answered && address_of_own_network(dst)) /* an address that answers is a device; one that was only asked may be nobody */
        rc = asset_at(a, dst, &ends[1], e);
    for (int i = 0; rc == 0 && i < 2; i++)
        if (ends[i] != 0 &&
            (seen(a, ends[i], e) != 0 || put_protocol(a, ends[i], app, e) != 0 || (answered && count_service(a, ends[i], i == 1, app, e) != 0)))
            rc = -1;
    if (rc == 0 && ends[1] == 0 && address_of_own_network(dst))
        ends[1] = asset_holder(a->w, "ip", dst, &rc, e);
    if (rc != 0)
        return -1;
    struct conversation talk = {.src = src,
                                .dst = dst,
                                .app = app,
                                .a = ends[0],
                                .b = ends[1],
                                .packets = event_int(&a->ev, "packets", 0),
                                .bytes = event_int(&a->ev, "bytes_up", 0) + event_int(&a->ev, "bytes_down", 0)};
    return conversation_add(a, &talk, e);
}

/* ── messages ── */

static int count_hour(struct apply *a, int64_t asset, struct error *e)
{
    int64_t hour = a->ev.time / (3600 * TIME_SECOND);
    int rc = 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_hour VALUES (?1, ?2, 1) ON CONFLICT DO UPDATE SET messages = messages + 1 "
                                            "RETURNING messages = 1");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, hour);
    bool began = number_of(q, e, &rc) != 0;
    if (rc != 0 || !began)
        return rc;
    return run2(a->w, "DELETE FROM asset_hour WHERE asset = ?1 AND hour <= (SELECT max(hour) FROM asset_hour WHERE asset = ?1) - ?2", asset, 24, e);
}

static int note_skew(struct apply *a, int64_t asset, int64_t message, struct error *e)
{
    int64_t skew = 0;
    if (!skew_of(event_text(&a->ev, "sent_at"), a->ev.time, &skew))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO asset_skew VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET skew = excluded.skew");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, message % SKEWS);
    store_bind_int(q, 3, skew);
    return store_run(q, e);
}

/* One end of a message: its sender, or who it went to. */
static int count_message(struct apply *a, int64_t asset, const struct asset_traffic *t, bool sender, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w, "UPDATE asset SET messages = messages + 1, results_sent = results_sent + ?2, results_received = results_received + ?3, "
              "acks_sent = acks_sent + ?4, last_seen = max(coalesce(last_seen, ?5), ?5), first_seen = min(coalesce(first_seen, ?5), ?5) "
              "WHERE n = ?1 RETURNING messages * 4 + ((results_sent > 0) <> (results_sent > ?2)) * 2 + "
              "((results_received > 0) <> (results_received > ?3))");
    store_bind_int(q, 1, asset);
    store_bind_int(q, 2, sender ? t->results : 0);
    store_bind_int(q, 3, sender ? 0 : t->results);
    store_bind_int(q, 4, sender && t->ack);
    store_bind_int(q, 5, a->ev.time);
    int rc = 0;
    int64_t told = number_of(q, e, &rc);
    if (rc != 0 || count_hour(a, asset, e) != 0 || (sender && note_skew(a, asset, told / 4, e) != 0) || put_protocol(a, asset, t->protocol, e) != 0)
        return -1;
    if ((told & 1) != 0 && asset_no_relay(a, asset, e) != 0)
        return -1;
    return (told & 3) != 0 ? asset_judge(a, asset, e) : 0; /* its first results in this direction: the role may follow from that */
}

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
        rc = asset_judge(a, sharing[i], e);
    return rc;
}

int asset_saw_message(struct apply *a, struct asset_traffic *t, struct error *e)
{
    int64_t address = t->from;
    if (t->results > 0 && (put_alias(a, t->from, true, t->sender, e) != 0 || put_alias(a, t->to, false, t->receiver, e) != 0))
        return -1;
    if (t->from != 0 && asset_voice(a, t, &t->from, e) != 0)
        return -1;
    if (t->from != address && (seen(a, address, e) != 0 || put_protocol(a, address, t->protocol, e) != 0)) /* the terminal server is there too */
        return -1;
    if (t->from != 0 && count_message(a, t->from, t, true, e) != 0)
        return -1;
    return t->to != 0 && t->to != address ? count_message(a, t->to, t, false, e) : 0;
}

int asset_saw_result(struct apply *a, int64_t asset, struct error *e)
{
    struct span code = event_text(&a->ev, "test.code");
    struct span text = event_text(&a->ev, "test.text");
    if (asset == 0 || code.n == 0 || code.n >= VALUE_MAX)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "UPDATE asset_report SET count = count + 1, text = coalesce(nullif(?3, ''), text) WHERE asset = ?1 AND "
                                            "code = ?2 AND ?4 RETURNING 1");
    int rc = 0;
    for (int insert = 0; insert < 2; insert++) {
        store_bind_int(q, 1, asset);
        store_bind_text(q, 2, code);
        store_bind_text(q, 3, text.n < VALUE_MAX ? text : SPAN_LIT(""));
        store_bind_int(q, 4, REPORTS);
        if (number_of(q, e, &rc) != 0 || rc != 0)
            return rc;
        q = store_stmt(a->w, "INSERT INTO asset_report SELECT ?1, ?2, nullif(?3, ''), 1 WHERE (SELECT count(*) FROM asset_report WHERE asset = ?1) "
                             "< ?4 RETURNING 1");
    }
    return 0;
}
