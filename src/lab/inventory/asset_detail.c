#include "lab/inventory/asset_private.h"

/* What belongs to one device, for its page. ?1 is always its root. */

#define OWN "(SELECT n FROM asset WHERE root = ?1)"

static struct store_stmt *of(struct store_conn *c, const char *sql, int64_t n)
{
    struct store_stmt *q = store_stmt(c, sql);
    store_bind_int(q, 1, n);
    return q;
}

/* ── why ── */

static int64_t role_record(struct store_conn *c, int64_t n, bool sent, struct error *e)
{
    struct store_stmt *q = of(c,
                              sent ? "SELECT max((SELECT record FROM message WHERE src = m.n AND results > 0 ORDER BY message.n DESC LIMIT 1)) "
                                     "FROM asset AS m WHERE root = ?1"
                                   : "SELECT max((SELECT record FROM message WHERE dst = m.n AND results > 0 ORDER BY message.n DESC LIMIT 1)) "
                                     "FROM asset AS m WHERE root = ?1",
                              n);
    int64_t record = -1;
    if (store_step(q) && !store_is_null(q, 0))
        record = store_int(q, 0);
    (void)store_done(q, e);
    return record;
}

static int why_role(struct store_conn *c, const struct asset_row *row, asset_why_each *each, void *context, struct error *e)
{
    struct buf text = BUF_INIT(512);
    bool results = row->results_sent + row->results_received > 0;
    struct error own = {0};
    if (asset_role_sentence(&text, row))
        each(context, buf_span(&text), results ? SPAN_LIT("messages") : SPAN_LIT("flows"), row->last_seen,
             results ? role_record(c, row->n, row->results_sent > 0, &own) : -1);
    buf_clear(&text);
    if (row->instruments > 0) {
        buf_addf(&text, "Header records of several senders take turns at its address: %lld instrument%s behind it.", (long long)row->instruments,
                 row->instruments == 1 ? " stands" : "s stand");
        each(context, buf_span(&text), SPAN_LIT("messages"), row->last_seen, -1);
    }
    buf_release(&text);
    if (own.class != ERR_NONE) {
        *e = own;
        return -1;
    }
    struct store_stmt *q = of(c, "SELECT max(routes) FROM asset WHERE root = ?1", row->n);
    int64_t routes = store_run_int(q, 0, &own);
    if (routes > 0)
        each(context, SPAN_LIT("Packets of other networks come from its MAC address, as from a router."), SPAN_LIT("ip"), row->last_seen, -1);
    if (own.class != ERR_NONE)
        *e = own;
    return own.class != ERR_NONE ? -1 : 0;
}

static int why_edits(struct store_conn *c, int64_t n, asset_why_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(c,
                              "SELECT field, value, coalesce(person, 'A person'), time, record FROM asset_edit WHERE asset IN " OWN
                              " AND field IN ('role', 'maker', 'model', 'serial', 'software', 'os') ORDER BY record DESC, field",
                              n);
    while (store_step(q)) {
        struct buf text = BUF_INIT(2048);
        buf_add_span(&text, store_text(q, 2));
        buf_add_str(&text, " said that its ");
        buf_add_span(&text, span_is(store_text(q, 0), "os") ? SPAN_LIT("operating system") : store_text(q, 0));
        buf_add_str(&text, " is '");
        buf_add_span(&text, store_text(q, 1));
        buf_add_str(&text, "'.");
        each(context, buf_span(&text), SPAN_LIT("person"), store_int(q, 3), store_int(q, 4));
        buf_release(&text);
    }
    return store_done(q, e);
}

static int why_joined(struct store_conn *c, int64_t n, asset_why_each *each, void *context, struct error *e)
{
    static const struct {
        const char *by;
        const char *words;
    } reasons[] = {
        {"mac", " is the same device: its IP address turned up with this MAC address."},
        {"serial", " is the same device: it names the same serial number and model."},
        {"carries", " is no device of its own: it is a name that this one carries for others."},
        {"person", " is the same device: a person said so."},
    };
    struct store_stmt *q = of(c,
                              "SELECT title, joined_by, joined_time, joined_record FROM asset WHERE root = ?1 AND joined_to IS NOT NULL ORDER BY "
                              "joined_record DESC, n LIMIT 50",
                              n);
    while (store_step(q)) {
        struct buf text = BUF_INIT(1024);
        buf_add_str(&text, "What was known as '");
        buf_add_span(&text, store_text(q, 0));
        buf_add_str(&text, "'");
        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
            if (span_is(store_text(q, 1), reasons[i].by))
                buf_add_str(&text, reasons[i].words);
        each(context, buf_span(&text), span_is(store_text(q, 1), "person") ? SPAN_LIT("person") : SPAN_LIT("rules"), store_int(q, 2),
             store_int(q, 3));
        buf_release(&text);
    }
    return store_done(q, e);
}

static int why_facts(struct store_conn *c, int64_t n, asset_why_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(c,
                              "SELECT field, value, source, max(time), max(record) FROM asset_fact WHERE asset IN " OWN
                              " GROUP BY field, value, source ORDER BY max(time) DESC, field, source, value LIMIT 32",
                              n);
    while (store_step(q)) {
        struct buf text = BUF_INIT(2048);
        asset_sentence(&text, store_text(q, 0), store_text(q, 1), store_text(q, 2));
        each(context, buf_span(&text), store_text(q, 2), store_int(q, 3), store_int(q, 4));
        buf_release(&text);
    }
    return store_done(q, e);
}

struct why_model {
    struct store_conn *c;
    const struct asset_row *row;
    asset_why_each *each;
    void *context;
    struct error *e;
    bool told;
};

/* The catalog's reasons for the model that the device is taken for, with the newest evidence of each reason's source. */
static void why_model(void *context, const struct catalog_candidate *k)
{
    struct why_model *w = context;
    if (w->told || !span_equal(k->class, w->row->class) || (k->model.n > 0 && !span_equal(k->model, w->row->model)))
        return;
    w->told = true;
    for (size_t i = 0; i < k->reasons_n; i++) {
        struct buf text = BUF_INIT(2048);
        struct store_stmt *q = of(w->c,
                                  "SELECT time, record FROM asset_evidence WHERE asset IN " OWN
                                  " AND (source = ?2 OR (?2 = 'oui' AND json_extract(fields, '$.mac') IS NOT NULL)) ORDER BY n DESC LIMIT 1",
                                  w->row->n);
        tq_time time = 0;
        int64_t record = -1;
        bool card = k->reasons[i].kind == CATALOG_BY_MAC || k->reasons[i].kind == CATALOG_BUT_BEHIND;
        struct span source = k->reasons[i].source.n > 0 ? k->reasons[i].source : card ? SPAN_LIT("oui") : SPAN_LIT("catalog");
        store_bind_text(q, 2, source);
        if (store_step(q)) {
            time = store_int(q, 0);
            record = store_int(q, 1);
        }
        (void)store_done(q, w->e);
        catalog_sentence(&text, k, &k->reasons[i]);
        w->each(w->context, buf_span(&text), source, time, record);
        buf_release(&text);
    }
}

int asset_why(struct store_conn *c, const struct catalog *catalog, const struct asset_row *row, asset_why_each *each, void *context, struct error *e)
{
    struct why_model model = {.c = c, .row = row, .each = each, .context = context, .e = e};
    return why_edits(c, row->n, each, context, e) != 0 || asset_candidates(c, catalog, row->n, why_model, &model, e) != 0 ||
                   why_role(c, row, each, context, e) != 0 || why_facts(c, row->n, each, context, e) != 0 ||
                   why_joined(c, row->n, each, context, e) != 0
               ? -1
               : 0;
}

/* ── lists ── */

int asset_evidence(struct store_conn *c, int64_t n, asset_evidence_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(c, "SELECT time, source, fields, record FROM asset_evidence WHERE asset IN " OWN " ORDER BY n DESC LIMIT 50", n);
    while (store_step(q))
        each(context, store_int(q, 0), store_text(q, 1), store_text(q, 2), store_int(q, 3));
    return store_done(q, e);
}

int asset_peers(struct store_conn *c, int64_t n, asset_peer_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(
        c,
        "WITH own(n) AS (SELECT n FROM asset WHERE root = ?1), talk(ip, peer, app, packets, bytes, last_seen) AS ("
        "  SELECT dst, b, app, packets, bytes, last_seen FROM conversation WHERE a IN own"
        "  UNION ALL SELECT src, a, app, packets, bytes, last_seen FROM conversation WHERE b IN own),"
        " peer(ip, root, app, packets, bytes, last_seen) AS (SELECT ip, (SELECT root FROM asset WHERE n = coalesce(nullif(peer, 0),"
        " (SELECT asset FROM asset_address WHERE kind = 'ip' AND value = ip AND now = 1))), app, packets, bytes, last_seen FROM talk) "
        "SELECT ip, coalesce((SELECT title FROM asset WHERE n = peer.root), ''), app, sum(packets), sum(bytes), max(last_seen),"
        " (SELECT id FROM asset WHERE n = peer.root) FROM peer GROUP BY ip, root, app ORDER BY 6 DESC, ip, app LIMIT 200",
        n);
    while (store_step(q)) {
        struct asset_peer peer = {.ip = store_text(q, 0),
                                  .name = store_text(q, 1),
                                  .app = store_text(q, 2),
                                  .packets = store_int(q, 3),
                                  .bytes = store_int(q, 4),
                                  .last_seen = store_int(q, 5),
                                  .device = store_text(q, 6)};
        each(context, &peer);
    }
    return store_done(q, e);
}

int asset_hours(struct store_conn *c, int64_t n, int64_t ret_hours[24], struct error *e)
{
    memset(ret_hours, 0, 24 * sizeof ret_hours[0]);
    struct store_stmt *q = of(
        c, "SELECT hour - (SELECT max(hour) FROM asset_hour) + 23, sum(messages) FROM asset_hour WHERE asset IN " OWN " GROUP BY hour", n);
    while (store_step(q)) {
        int64_t hour = store_int(q, 0);
        if (hour >= 0 && hour < 24)
            ret_hours[hour] = store_int(q, 1);
    }
    return store_done(q, e);
}

int asset_reports(struct store_conn *c, int64_t n, asset_report_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(
        c, "SELECT code, max(text), sum(count) FROM asset_report WHERE asset IN " OWN " GROUP BY code ORDER BY sum(count) DESC, code LIMIT 500", n);
    while (store_step(q))
        each(context, store_text(q, 0), store_text(q, 1), store_int(q, 2));
    return store_done(q, e);
}

int asset_instruments(struct store_conn *c, int64_t n, asset_link_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(c, "SELECT id, title FROM asset WHERE behind IN " OWN " AND root = n AND n <> ?1 ORDER BY lower(title), n", n);
    while (store_step(q))
        each(context, store_text(q, 0), store_text(q, 1), NULL);
    return store_done(q, e);
}

/* Other devices that name the same serial number, or the same host name, and were not found to be different. */
int asset_duplicates(struct store_conn *c, int64_t n, asset_link_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(
        c,
        "SELECT r.id, r.title, min(f.field = 'hostname') FROM asset_fact AS own JOIN asset_fact AS f ON f.field = own.field AND f.value = own.value"
        " JOIN asset AS m ON m.n = f.asset JOIN asset AS r ON r.n = m.root WHERE own.asset IN " OWN
        " AND own.field IN ('serial', 'hostname') AND length(own.value) > 3 AND r.n <> ?1 AND NOT EXISTS (SELECT 1 FROM asset_distinct AS d"
        " JOIN asset AS x ON x.n = d.one JOIN asset AS y ON y.n = d.other WHERE (x.root = ?1 AND y.root = r.n) OR (x.root = r.n AND y.root = ?1))"
        " GROUP BY r.n ORDER BY 3, r.n LIMIT 20",
        n);
    while (store_step(q))
        each(context, store_text(q, 0), store_text(q, 1),
             store_int(q, 2) == 0 ? "It names the same serial number." : "It goes by the same host name.");
    return store_done(q, e);
}

int asset_edits(struct store_conn *c, int64_t n, asset_edit_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(c, "SELECT field, value, person, time FROM asset_edit WHERE asset IN " OWN " ORDER BY record DESC, field", n);
    while (store_step(q))
        each(context, store_text(q, 0), store_text(q, 1), store_text(q, 2), store_int(q, 3));
    return store_done(q, e);
}

int asset_address_history(struct store_conn *c, int64_t n, asset_held_each *each, void *context, struct error *e)
{
    struct store_stmt *q = of(c,
                              "SELECT value, first_seen, last_seen, now FROM asset_address WHERE asset IN " OWN
                              " ORDER BY now DESC, last_seen DESC, kind, value LIMIT 200",
                              n);
    while (store_step(q))
        each(context, store_text(q, 0), store_int(q, 1), store_int(q, 2), store_int(q, 3) != 0);
    return store_done(q, e);
}
