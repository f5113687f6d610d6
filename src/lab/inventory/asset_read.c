#include "lab/inventory/asset.h"

#include "base/text.h"

#define COLUMNS                                                                                                                                      \
    "asset.n, id, changed, name, title, role, role_basis, maker, model, serial, software, hostname, first_seen, last_seen, messages, results_sent, " \
    "results_received, acks_sent, (SELECT count(*) FROM finding WHERE finding.asset = asset.n AND finding.state = 'open' AND rank > 0)"

/* ?1: text to search, null: all; ?2: role, null: all */
#define MATCHES                                                                                                                                      \
    "merged_into IS NULL AND (?2 IS NULL OR role = ?2) AND (?1 IS NULL OR instr(lower(title || ' ' || coalesce(maker, '') || ' ' || "                \
    "coalesce(model, '') || ' ' || coalesce(serial, '') || ' ' || coalesce(software, '') || ' ' || coalesce(hostname, '') || ' ' || "                \
    "(SELECT coalesce(group_concat(value, ' '), '') FROM asset_address WHERE asset = asset.n)), ?1) > 0)"

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
    };
}

static void bind_filter(struct store_stmt *q, const struct asset_query *query)
{
    if (query->search.n > 0)
        store_bind_text(q, 1, query->search);
    if (query->role.n > 0)
        store_bind_text(q, 2, query->role);
}

int asset_list(struct store_conn *c, const struct asset_query *query, asset_each *each, void *context, struct error *e)
{
    /* ?3: is there a place to go on behind; ?4 text, ?5 time, ?6 number of that place; ?7 limit */
    static const char *const sql[ASSET_SORTS] = {
        [ASSET_BY_TITLE] = "SELECT " COLUMNS " FROM asset WHERE " MATCHES
                           " AND (?3 = 0 OR (lower(title), asset.n) > (lower(?4), ?6)) AND ?5 IS NOT NULL "
                           "ORDER BY lower(title), asset.n LIMIT ?7",
        [ASSET_BY_FIRST_SEEN] = "SELECT " COLUMNS " FROM asset WHERE " MATCHES " AND (?3 = 0 OR (first_seen, asset.n) < (?5, ?6)) AND ?4 IS NOT NULL "
                                "ORDER BY first_seen DESC, asset.n DESC LIMIT ?7",
        [ASSET_BY_LAST_SEEN] = "SELECT " COLUMNS " FROM asset WHERE " MATCHES " AND (?3 = 0 OR (last_seen, asset.n) < (?5, ?6)) AND ?4 IS NOT NULL "
                               "ORDER BY last_seen DESC, asset.n DESC LIMIT ?7",
    };
    struct store_stmt *q = store_stmt(c, sql[query->sort]);
    bind_filter(q, query);
    store_bind_int(q, 3, query->after);
    store_bind_text(q, 4, query->after_title);
    store_bind_int(q, 5, query->after_time);
    store_bind_int(q, 6, query->after_n);
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
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM asset WHERE " MATCHES);
    bind_filter(q, query);
    return store_run_int(q, -1, e);
}

int64_t asset_unknown(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM asset WHERE merged_into IS NULL AND role = 'unknown'"), -1, e);
}

int asset_get(struct store_conn *c, struct span id, asset_each *each, void *context, bool *ret_found, struct error *e)
{
    *ret_found = false;
    struct store_stmt *q = store_stmt(c, "SELECT " COLUMNS " FROM asset WHERE asset.n = (SELECT coalesce(merged_into, n) FROM asset WHERE id = ?1)");
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

static int each_text(struct store_stmt *q, asset_text_each *each, void *context, struct error *e)
{
    while (store_step(q))
        each(context, store_text(q, 0));
    return store_done(q, e);
}

int asset_addresses(struct store_conn *c, int64_t n, const char *kind, asset_text_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT value FROM asset_address WHERE asset = ?1 AND kind = ?2 ORDER BY last_seen DESC, value LIMIT 32");
    store_bind_int(q, 1, n);
    store_bind_str(q, 2, kind);
    return each_text(q, each, context, e);
}

int asset_protocols(struct store_conn *c, int64_t n, asset_text_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT protocol FROM asset_protocol WHERE asset = ?1 ORDER BY protocol");
    store_bind_int(q, 1, n);
    return each_text(q, each, context, e);
}

int asset_facts(struct store_conn *c, int64_t n, asset_fact_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT field, value, source, time FROM asset_fact WHERE asset = ?1 ORDER BY time DESC, field, source LIMIT 32");
    store_bind_int(q, 1, n);
    while (store_step(q))
        each(context, store_text(q, 0), store_text(q, 1), store_text(q, 2), store_int(q, 3));
    return store_done(q, e);
}

int asset_evidence(struct store_conn *c, int64_t n, asset_evidence_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT time, source, fields FROM asset_evidence WHERE asset = ?1 ORDER BY n DESC");
    store_bind_int(q, 1, n);
    while (store_step(q))
        each(context, store_int(q, 0), store_text(q, 1), store_text(q, 2));
    return store_done(q, e);
}

int asset_peers(struct store_conn *c, int64_t n, asset_peer_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "WITH talk(ip, peer, app, packets, bytes, last_seen) AS ("
           "  SELECT dst, b, app, packets, bytes, last_seen FROM conversation WHERE a = ?1"
           "  UNION ALL SELECT src, a, app, packets, bytes, last_seen FROM conversation WHERE b = ?1) "
           "SELECT ip, coalesce((SELECT title FROM asset WHERE n = coalesce(nullif(peer, 0),"
           "  (SELECT asset FROM asset_address WHERE kind = 'ip' AND value = ip))), ''),"
           " app, sum(packets), sum(bytes), max(last_seen) FROM talk GROUP BY ip, peer, app ORDER BY 6 DESC, ip, app LIMIT 200");
    store_bind_int(q, 1, n);
    while (store_step(q)) {
        struct asset_peer peer = {.ip = store_text(q, 0),
                                  .name = store_text(q, 1),
                                  .app = store_text(q, 2),
                                  .packets = store_int(q, 3),
                                  .bytes = store_int(q, 4),
                                  .last_seen = store_int(q, 5)};
        each(context, &peer);
    }
    return store_done(q, e);
}

/* ── words ── */

static const char *source_words(struct span source)
{
    static const struct {
        const char *source;
        const char *words;
    } table[] = {
        {"hl7.msh", "in the header of its HL7 messages"},
        {"astm.h", "in the ASTM header record"},
        {"poct1a.hel", "in its POCT1-A greeting"},
        {"dhcp", "when it asked for an address (DHCP)"},
        {"dhcp6", "when it asked for an address (DHCPv6)"},
        {"oui", "as the first part of its MAC address says"},
        {"arp", "by ARP on this segment"},
        {"ndp", "by neighbour discovery on this segment"},
        {"http", "in its HTTP headers"},
        {"tls", "in its TLS greeting"},
        {"dns", "in DNS"},
        {"dicom", "in its DICOM association"},
        {"smb", "when it opened a Windows share"},
        {"lldp", "in its LLDP announcements"},
        {"cdp", "in its CDP announcements"},
        {"ssh", "in its SSH greeting"},
        {"ftp", "in its FTP greeting"},
        {"telnet", "in its TELNET greeting"},
        {"ntlm", "when it signed in to Windows (NTLM)"},
        {"snmp", "when it was asked by SNMP"},
        {"mdns", "in multicast DNS"},
        {"llmnr", "when its name was looked for (LLMNR)"},
        {"netbios", "in the NetBIOS name service"},
        {"ssdp", "in its UPnP announcements"},
        {"tls.certificate", "in its TLS certificate"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (span_is(source, table[i].source))
            return table[i].words;
    return NULL;
}

void asset_sentence(struct buf *out, struct span field, struct span value, struct span source)
{
    static const struct {
        const char *field;
        const char *before;
    } table[] = {
        {"model", "Calls itself '"},         {"hostname", "Gives its name as '"},
        {"maker", "Its maker is '"},         {"serial", "Gives its serial number as '"},
        {"software", "Says that it runs '"},
    };
    const char *words = source_words(source);
    if (span_is(field, "local_mac")) {
        buf_add_str(out, "Uses a MAC address that no maker gave out (");
        buf_add_span(out, value);
        buf_add_str(out, "): a random one, or one that a person or a program set.");
        return;
    }
    if (span_is(field, "role")) {
        buf_add_str(out, span_is(value, "lis") ? "Acts as the LIS" : span_is(value, "analyzer") ? "Acts as an analyzer" : "Acts as a ");
        if (!span_is(value, "lis") && !span_is(value, "analyzer"))
            buf_add_span(out, value);
        buf_add_str(out, words != NULL ? ", as shown " : ", as seen in ");
    }
    const char *before = "Known as '";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (span_is(field, table[i].field))
            before = table[i].before;
    if (span_is(source, "oui"))
        before = "The maker of its network card is '";
    if (!span_is(field, "role")) {
        buf_add_str(out, before);
        buf_add_span(out, value);
        buf_add_str(out, words != NULL ? "' " : "', seen in ");
    }
    if (words != NULL)
        buf_add_str(out, words);
    else
        buf_add_span(out, source);
    buf_add_str(out, ".");
}

bool asset_role_sentence(struct buf *out, const struct asset_row *row)
{
    long long sent = row->results_sent;
    long long received = row->results_received;
    if (sent == 0 && received == 0) {
        if (!span_is(row->role_basis, "inferred"))
            return false;
        buf_add_str(out, span_is(row->role, "server") ? "Answers what other devices ask of the network, as a server does."
                                                      : "Opens web pages and shared folders and offers nothing itself, as a workstation does.");
        return true;
    }
    bool between = span_is(row->role, "middleware") && (sent == 0 || received == 0);
    if (between)
        buf_addf(out, "%s %lld result%s under a name under which another address %s them: it stands between analyzers and the LIS.",
                 sent > 0 ? "Sent" : "Received", sent + received, sent + received == 1 ? "" : "s", sent > 0 ? "receives" : "sends");
    else if (sent > 0 && received > 0)
        buf_addf(out, "Received %lld results and sent %lld on: it stands between analyzers and the LIS.", received, sent);
    else if (sent > 0)
        buf_addf(out, "Sent %lld result%s and received none, as an analyzer does.", sent, sent == 1 ? "" : "s");
    else
        buf_addf(out, "Received %lld result%s and sent none on, as a LIS does.", received, received == 1 ? "" : "s");
    return true;
}
