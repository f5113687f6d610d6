#include "lab/inventory/import.h"

#include "base/json.h"
#include "base/text.h"
#include "lab/inventory/asset_private.h"
#include "lab/inventory/columns.h"
#include "lab/inventory/sheet.h"
#include "record/crypto/crypto.h"

#include <stdio.h>

/* The inventory as a list for spreadsheets, and as a bill of materials for other tools. Devices in the order in which they became known, so that the
 * same state gives the same bytes. */

#define OWN "(SELECT n FROM asset AS m WHERE m.root = asset.n)"
#define HELD(kind)                                                                                                                                   \
    "(SELECT group_concat(value, ' ') FROM (SELECT value FROM asset_address WHERE asset IN " OWN " AND kind = '" kind                                \
    "' AND now = 1 ORDER BY value LIMIT 32))"
#define EXPORTED                                                                                                                                     \
    "SELECT id, " HELD("ip") ", " HELD("mac") ", hostname, name, owner, place, criticality, role, zone, maker, model, serial, software, os, "        \
                                              "iif(retired, 'yes', 'no'), title, class, role_basis, confidence, (SELECT min(m.first_seen) FROM "     \
                                              "asset AS m WHERE m.root = asset.n), "                                                                 \
                                              "(SELECT max(m.last_seen) FROM asset AS m WHERE m.root = asset.n), (SELECT b.id FROM asset AS at "     \
                                              "JOIN asset AS b ON b.n = at.root WHERE at.n = "                                                       \
                                              "asset.behind AND b.n <> asset.n) FROM asset WHERE root = n ORDER BY n"

enum { TITLE = COLUMNS, CLASS, BASIS, CONFIDENCE, FIRST, LAST, BEHIND, WRITTEN }; /* behind those that a list may bring */
static const char *const more_names[WRITTEN - COLUMNS] = {"shown as", "class", "role basis", "confidence", "first seen", "last seen", "behind"};

static struct span cell(struct store_stmt *q, int column, char room[64])
{
    if (column == FIRST || column == LAST)
        return store_is_null(q, column) ? (struct span){0} : span_of(room, time_format(store_int(q, column), room));
    if (column != CONFIDENCE)
        return store_text(q, column);
    (void)snprintf(room, 64, "%lld", (long long)store_int(q, column));
    return span_str(room);
}

int export_csv(struct store_conn *c, struct buf *out, struct error *e)
{
    for (int i = 0; i < WRITTEN; i++)
        buf_addf(out, "%s%s", i > 0 ? "," : "", i < COLUMNS ? column_names[i] : more_names[i - COLUMNS]);
    buf_add_str(out, "\r\n");
    struct store_stmt *q = store_stmt(c, EXPORTED);
    while (store_step(q)) {
        char room[64];
        for (int i = 0; i < WRITTEN; i++) {
            if (i > 0)
                buf_u8(out, ',');
            sheet_write(out, cell(q, i, room));
        }
        buf_add_str(out, "\r\n");
    }
    return store_done(q, e);
}

/* ── CycloneDX ── */

static void put_text(struct jsonw *j, const char *key, struct span text)
{
    if (text.n > 0)
        jsonw_put_text(j, key, text);
}

static void put_property(struct jsonw *j, const char *name, struct span value)
{
    if (value.n == 0)
        return;
    jsonw_object(j);
    jsonw_put_str(j, "name", name);
    jsonw_put_text(j, "value", value);
    jsonw_object_end(j);
}

static void put_organization(struct jsonw *j, const char *key, struct span name)
{
    if (name.n == 0)
        return;
    jsonw_key(j, key);
    jsonw_object(j);
    jsonw_put_text(j, "name", name);
    jsonw_object_end(j);
}

static void put_component(struct jsonw *j, struct store_stmt *q)
{
    char room[64];
    jsonw_object(j);
    jsonw_put_str(j, "type", "device");
    jsonw_put_text(j, "bom-ref", store_text(q, ID));
    put_organization(j, "manufacturer", store_text(q, MAKER));
    jsonw_put_text(j, "name", store_text(q, MODEL).n > 0 ? store_text(q, MODEL) : store_text(q, TITLE));
    put_text(j, "version", store_text(q, SOFTWARE));
    put_text(j, "description", store_text(q, TITLE));
    if (store_text(q, OS).n > 0) {
        jsonw_key(j, "components");
        jsonw_array(j);
        jsonw_object(j);
        jsonw_put_str(j, "type", "operating-system");
        jsonw_put_text(j, "name", store_text(q, OS));
        jsonw_object_end(j);
        jsonw_array_end(j);
    }
    static const struct {
        const char *name;
        int column;
    } properties[] = {
        {"tourniquet:serial", SERIAL},    {"tourniquet:role", ROLE},
        {"tourniquet:role-basis", BASIS}, {"tourniquet:confidence", CONFIDENCE},
        {"tourniquet:class", CLASS},      {"tourniquet:ip", IP},
        {"tourniquet:mac", MAC},          {"tourniquet:hostname", HOSTNAME},
        {"tourniquet:zone", ZONE},        {"tourniquet:owner", OWNER},
        {"tourniquet:place", PLACE},      {"tourniquet:criticality", CRITICALITY},
        {"tourniquet:retired", RETIRED},  {"tourniquet:first-seen", FIRST},
        {"tourniquet:last-seen", LAST},   {"tourniquet:behind", BEHIND},
    };
    jsonw_key(j, "properties");
    jsonw_array(j);
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        put_property(j, properties[i].name, cell(q, properties[i].column, room));
    jsonw_array_end(j);
    jsonw_object_end(j);
}

/* A UUID of this site and state (RFC 9562, version 8). */
static void put_serial_number(struct jsonw *j, const char *site, int64_t changed)
{
    char state[32];
    (void)snprintf(state, sizeof state, "%lld", (long long)changed);
    struct span parts[] = {SPAN_LIT("tourniquet bom"), span_of("", 1), span_str(site), span_of("", 1), span_str(state)};
    uint8_t id[SHA256_SIZE];
    crypto_sha256_parts(parts, sizeof parts / sizeof parts[0], id);
    id[6] = (uint8_t)(0x80 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
    char hex[33];
    char urn[64];
    text_hex_to(hex, id, 16);
    (void)snprintf(urn, sizeof urn, "urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    jsonw_put_str(j, "serialNumber", urn);
}

static int put_metadata(struct jsonw *j, struct store_conn *c, const char *site, struct error *e)
{
    struct error own = {0};
    char text[TIME_TEXT];
    int64_t changed = store_run_int(store_stmt(c, "SELECT max(changed) FROM asset"), 0, &own);
    tq_time newest = store_run_int(store_stmt(c, "SELECT max(last_seen) FROM asset"), 0, &own);
    put_serial_number(j, site, changed);
    jsonw_put_int(j, "version", 1);
    jsonw_key(j, "metadata");
    jsonw_object(j);
    jsonw_put_text(j, "timestamp", span_of(text, time_format(newest, text))); /* of what it describes: the newest traffic */
    jsonw_key(j, "tools");
    jsonw_raw(j, SPAN_LIT("{\"components\":[{\"type\":\"application\",\"name\":\"tourniquet\"}]}"));
    jsonw_key(j, "component");
    jsonw_object(j);
    jsonw_put_str(j, "type", "platform");
    jsonw_put_str(j, "bom-ref", "site");
    jsonw_put_str(j, "name", site);
    jsonw_object_end(j);
    jsonw_object_end(j);
    if (own.class != ERR_NONE)
        *e = own;
    return own.class == ERR_NONE ? 0 : -1;
}

int export_cyclonedx(struct store_conn *c, const char *site, struct buf *out, struct error *e)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    jsonw_put_str(&j, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    jsonw_put_str(&j, "bomFormat", "CycloneDX");
    jsonw_put_str(&j, "specVersion", "1.6");
    if (put_metadata(&j, c, site, e) != 0)
        return -1;
    jsonw_key(&j, "components");
    jsonw_array(&j);
    struct store_stmt *q = store_stmt(c, EXPORTED);
    while (store_step(q))
        put_component(&j, q);
    jsonw_array_end(&j);
    jsonw_object_end(&j);
    return store_done(q, e);
}
