#include "lab/inventory/import.h"

#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "lab/inventory/asset_private.h"
#include "lab/inventory/columns.h"
#include "lab/inventory/sheet.h"
#include "record/crypto/crypto.h"

#include <stdlib.h>

#define FIRST_FIELD NAME /* from here on: what a person may set */

/* Other headings for the same, in small letters and digits only. */
static const struct {
    const char *heading;
    enum column column;
} headings[] = {
    {"deviceid", ID},
    {"assetid", ID},
    {"ipaddress", IP},
    {"ipaddresses", IP},
    {"address", IP},
    {"ipv4", IP},
    {"macaddress", MAC},
    {"macaddresses", MAC},
    {"ethernet", MAC},
    {"host", HOSTNAME},
    {"dnsname", HOSTNAME},
    {"computername", HOSTNAME},
    {"devicename", NAME},
    {"assetname", NAME},
    {"title", NAME},
    {"device", NAME},
    {"responsible", OWNER},
    {"department", OWNER},
    {"contact", OWNER},
    {"location", PLACE},
    {"room", PLACE},
    {"site", PLACE},
    {"critical", CRITICALITY},
    {"importance", CRITICALITY},
    {"type", ROLE},
    {"kind", ROLE},
    {"network", ZONE},
    {"segment", ZONE},
    {"vlan", ZONE},
    {"manufacturer", MAKER},
    {"vendor", MAKER},
    {"make", MAKER},
    {"modelname", MODEL},
    {"modelnumber", MODEL},
    {"product", MODEL},
    {"serialnumber", SERIAL},
    {"serialno", SERIAL},
    {"sn", SERIAL},
    {"softwareversion", SOFTWARE},
    {"firmware", SOFTWARE},
    {"firmwareversion", SOFTWARE},
    {"version", SOFTWARE},
    {"operatingsystem", OS},
    {"decommissioned", RETIRED},
};

const char *import_action_name(enum import_action action)
{
    static const char *const words[IMPORT_ACTIONS] = {"create", "change", "same", "ambiguous", "error"};
    return words[action];
}

static enum column column_of(struct span heading)
{
    char plain[64];
    size_t n = 0;
    for (size_t i = 0; i < heading.n && n < sizeof plain - 1; i++) {
        uint8_t c = heading.p[i] >= 'A' && heading.p[i] <= 'Z' ? heading.p[i] | 0x20 : heading.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            plain[n++] = (char)c;
    }
    for (int i = 0; i < COLUMNS; i++)
        if (span_is(span_of(plain, n), column_names[i]))
            return (enum column)i;
    for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++)
        if (span_is(span_of(plain, n), headings[i].heading))
            return headings[i].column;
    return NOTHING;
}

struct known {
    int64_t n;
    char id[40];
    char title[4 * 80 + 64];
    char values[COLUMNS][VALUE_MAX];
};

struct importer {
    struct store_conn *c;
    struct import_plan *plan;
    struct error *e;
    enum column columns[SHEET_COLUMNS];
    size_t columns_n;
    uint32_t *lines; /* by device: the line that was about it; 0: none */
    size_t lines_n;
    struct table *fresh; /* what new devices were named by: their line */
    /* the row in hand */
    struct span cells[COLUMNS];
    size_t at[COLUMNS];             /* column in the file, from 1 */
    char mac[IMPORT_ADDRESSES][18]; /* as the inventory writes them */
    char ip[IMPORT_ADDRESSES][46];
    size_t macs, ips;
    const char *flaw;
    size_t flaw_column;
    struct known known;
    int64_t found[8];
    size_t found_n;
};

static void refuse(struct importer *m, enum column column, const char *why)
{
    if (m->flaw != NULL)
        return;
    m->flaw = why;
    m->flaw_column = column >= 0 ? m->at[column] : 1;
}

/* ── which device ── */

static void note(struct importer *m, int64_t root)
{
    for (size_t i = 0; i < m->found_n; i++)
        if (m->found[i] == root)
            return;
    if (root != 0 && m->found_n < sizeof m->found / sizeof m->found[0])
        m->found[m->found_n++] = root;
}

static void look(struct importer *m, const char *sql, struct span text)
{
    struct store_stmt *q = store_stmt(m->c, sql);
    store_bind_text(q, 1, text);
    while (store_step(q))
        note(m, store_int(q, 0));
    if (store_done(q, m->e) != 0)
        refuse(m, NOTHING, "");
}

/* The next of several texts in one cell. */
static struct span next_part(struct span *rest)
{
    while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == ',' || rest->p[0] == ';' || rest->p[0] == '\n'))
        (void)span_skip(rest, 1);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != ',' && rest->p[n] != ';' && rest->p[n] != '\n')
        n++;
    return span_take(rest, n);
}

/* "00-11-22-33-44-55", "0011.2233.4455" … as the inventory writes it. */
static bool plain_mac(struct span text, char out[18])
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i] >= 'A' && text.p[i] <= 'F' ? text.p[i] | 0x20 : text.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!hex && c != ':' && c != '-' && c != '.')
            return false;
        if (!hex)
            continue;
        if (n == 17)
            return false;
        out[n++] = (char)c;
        if (n % 3 == 2 && n < 17)
            out[n++] = ':';
    }
    out[n] = 0;
    return n == 17 && mac_of_one_device(span_of(out, 17));
}

/* "FD00::01" as "fd00::1". */
static bool plain_ip(struct span text, char out[46])
{
    struct address a = {0};
    if (!address_of_one_device(text) || !address_parse(text, &a))
        return false;
    address_format(&a, out);
    return true;
}

static void read_addresses(struct importer *m)
{
    static const char too_many[] = "A row has at most 8 IP addresses and 8 MAC addresses.";
    struct span rest = m->cells[MAC];
    m->macs = m->ips = 0;
    for (struct span part = next_part(&rest); part.n > 0; part = next_part(&rest)) {
        if (m->macs == IMPORT_ADDRESSES || !plain_mac(part, m->mac[m->macs])) {
            refuse(m, MAC, m->macs == IMPORT_ADDRESSES ? too_many : "This is no MAC address of one device.");
            return;
        }
        m->macs++;
    }
    rest = m->cells[IP];
    for (struct span part = next_part(&rest); part.n > 0; part = next_part(&rest)) {
        if (m->ips == IMPORT_ADDRESSES || !plain_ip(part, m->ip[m->ips])) {
            refuse(m, IP, m->ips == IMPORT_ADDRESSES ? too_many : "This is no IP address of one device.");
            return;
        }
        m->ips++;
    }
}

static void by_addresses(struct importer *m)
{
    read_addresses(m);
    for (size_t i = 0; m->flaw == NULL && i < m->macs; i++)
        look(m, "SELECT root FROM asset_address JOIN asset ON n = asset WHERE kind = 'mac' AND value = ?1 AND now = 1", span_str(m->mac[i]));
    for (size_t i = 0; m->flaw == NULL && i < m->ips; i++)
        look(m, "SELECT root FROM asset_address JOIN asset ON n = asset WHERE kind = 'ip' AND value = ?1 AND now = 1", span_str(m->ip[i]));
}

static void find(struct importer *m)
{
    m->found_n = 0;
    if (m->cells[ID].n > 0) {
        look(m, "SELECT root FROM asset WHERE id = ?1", m->cells[ID]);
        if (m->found_n == 0)
            refuse(m, ID, "There is no device with this id; leave it empty for a new one.");
        return;
    }
    by_addresses(m);
    if (m->cells[SERIAL].n > 0)
        look(m, "SELECT n FROM asset WHERE serial = ?1 AND root = n LIMIT 8", m->cells[SERIAL]);
    if (m->found_n == 0 && m->cells[NAME].n > 0)
        look(m, "SELECT n FROM asset WHERE name = ?1 AND root = n LIMIT 8", m->cells[NAME]);
    if (m->found_n == 0 && m->cells[HOSTNAME].n > 0)
        look(m, "SELECT n FROM asset WHERE hostname = ?1 AND root = n LIMIT 8", m->cells[HOSTNAME]);
}

static bool read_known(struct importer *m, int64_t n, struct known *k)
{
    struct store_stmt *q = store_stmt(m->c, "SELECT n, id, title, name, owner, place, criticality, role, zone, maker, model, serial, software, os, "
                                            "iif(retired, 'true', 'false') FROM asset WHERE n = ?1");
    *k = (struct known){0};
    store_bind_int(q, 1, n);
    if (store_step(q)) {
        k->n = store_int(q, 0);
        const struct {
            char *out;
            size_t size;
            struct span text;
        } heads[] = {{k->id, sizeof k->id, store_text(q, 1)}, {k->title, sizeof k->title, store_text(q, 2)}};
        for (int i = 0; i < 2; i++)
            if (heads[i].text.n > 0 && heads[i].text.n < heads[i].size)
                memcpy(heads[i].out, heads[i].text.p, heads[i].text.n);
        for (int f = FIRST_FIELD; f < COLUMNS; f++) {
            struct span text = store_text(q, 3 + f - FIRST_FIELD);
            if (text.n > 0 && text.n < VALUE_MAX)
                memcpy(k->values[f], text.p, text.n);
        }
    }
    return store_done(q, m->e) == 0 && k->n != 0;
}

/* ── one row ── */

static void take_cells(struct importer *m, const struct sheet_row *row)
{
    memset(m->cells, 0, sizeof m->cells);
    m->flaw = row->flaw;
    m->flaw_column = row->flaw_column;
    for (size_t i = 0; i < row->n && i < m->columns_n; i++)
        if (m->columns[i] != NOTHING && m->cells[m->columns[i]].n == 0) {
            m->cells[m->columns[i]] = row->cells[i];
            m->at[m->columns[i]] = i + 1;
        }
    static const char *const yes[] = {"yes", "y", "true", "1", "x", "TRUE", "True", "Yes", "YES"};
    static const char *const no[] = {"no", "n", "false", "0", "FALSE", "False", "No", "NO"};
    struct span *retired = &m->cells[RETIRED];
    if (one_of(*retired, yes, sizeof yes / sizeof yes[0]))
        *retired = SPAN_LIT("true");
    else if (one_of(*retired, no, sizeof no / sizeof no[0]))
        *retired = SPAN_LIT("false");
    for (int f = FIRST_FIELD; f < COLUMNS; f++) {
        const char *why = m->cells[f].n >= VALUE_MAX ? "It has at most 80 characters, on one line." : asset_edit_flaw(column_names[f], m->cells[f]);
        if (why != NULL)
            refuse(m, (enum column)f, why);
    }
}

static void write_event(struct importer *m, struct import_row *row, const bool changed[COLUMNS])
{
    struct buf *out = &m->plan->texts;
    struct jsonw j = jsonw_to(out);
    row->event_at = out->n;
    jsonw_object(&j);
    if (row->action == IMPORT_CHANGE) {
        jsonw_put_str(&j, "asset", m->known.id);
    } else {
        struct buf ips = BUF_INIT(IMPORT_ADDRESSES * 46);
        struct buf macs = BUF_INIT(IMPORT_ADDRESSES * 46);
        for (size_t i = 0; i < m->ips; i++)
            buf_addf(&ips, "%s%s", i > 0 ? " " : "", m->ip[i]);
        for (size_t i = 0; i < m->macs; i++)
            buf_addf(&macs, "%s%s", i > 0 ? " " : "", m->mac[i]);
        if (ips.n > 0)
            jsonw_put_text(&j, "ip", buf_span(&ips));
        if (macs.n > 0)
            jsonw_put_text(&j, "mac", buf_span(&macs));
        buf_release(&ips);
        buf_release(&macs);
    }
    for (int f = FIRST_FIELD; f < COLUMNS; f++)
        if (changed[f])
            jsonw_put_text(&j, column_names[f], m->cells[f]);
    jsonw_object_end(&j);
    row->event_n = out->n - row->event_at;
}

static void put_candidates(struct importer *m, struct jsonw *j)
{
    struct known k;
    jsonw_key(j, "candidates");
    jsonw_array(j);
    for (size_t i = 0; i < m->found_n && m->found_n > 1; i++)
        if (read_known(m, m->found[i], &k)) {
            jsonw_object(j);
            jsonw_put_str(j, "id", k.id);
            jsonw_put_str(j, "title", k.title);
            jsonw_object_end(j);
        }
    jsonw_array_end(j);
}

static void write_shown(struct importer *m, struct import_row *row, uint32_t line, const char *why, const bool changed[COLUMNS])
{
    struct buf *out = &m->plan->texts;
    struct jsonw j = jsonw_to(out);
    bool known = row->action == IMPORT_CHANGE || row->action == IMPORT_SAME;
    row->at = out->n;
    row->why = why;
    jsonw_put_int(&j, "line", line);
    jsonw_put_str(&j, "action", import_action_name(row->action));
    jsonw_put_str(&j, "device", known ? m->known.id : NULL);
    jsonw_key(&j, "title");
    if (known)
        jsonw_str(&j, m->known.title);
    else
        jsonw_text(&j, m->cells[NAME].n > 0     ? m->cells[NAME]
                       : m->cells[MODEL].n > 0  ? m->cells[MODEL]
                       : m->cells[SERIAL].n > 0 ? m->cells[SERIAL]
                       : m->cells[IP].n > 0     ? m->cells[IP]
                                                : m->cells[MAC]);
    jsonw_key(&j, "changes");
    jsonw_array(&j);
    for (int f = FIRST_FIELD; f < COLUMNS; f++)
        if (changed[f]) {
            jsonw_object(&j);
            jsonw_put_str(&j, "field", column_names[f]);
            jsonw_put_str(&j, "from", known && m->known.values[f][0] != 0 ? m->known.values[f] : NULL);
            jsonw_put_text(&j, "to", m->cells[f]);
            jsonw_object_end(&j);
        }
    jsonw_array_end(&j);
    jsonw_key(&j, "column");
    if (row->action == IMPORT_ERROR)
        jsonw_int(&j, (int64_t)m->flaw_column);
    else
        jsonw_null(&j);
    put_candidates(m, &j);
    row->n = out->n - row->at;
}

/* Notes that this line names a new device so; false: another line did before. */
static bool mention(struct importer *m, enum column column, struct span text, uint32_t line)
{
    struct buf key = BUF_INIT(TABLE_KEY_MAX);
    bool fresh = true;
    if (text.n > 0 && text.n < TABLE_KEY_MAX - 8) {
        buf_u8(&key, (uint8_t)column);
        buf_add_span(&key, text);
        uint32_t *at = table_put(m->fresh, buf_span(&key), &fresh);
        if (at != NULL && fresh)
            *at = line;
        fresh = fresh || (at != NULL && *at == line);
    }
    buf_release(&key);
    return fresh;
}

/* A new device is named once in a list: by its addresses, its serial number, its name. */
static bool first_mention(struct importer *m, uint32_t line)
{
    bool first = mention(m, SERIAL, m->cells[SERIAL], line);
    first &= mention(m, NAME, m->cells[NAME], line);
    for (size_t i = 0; i < m->ips; i++)
        first &= mention(m, IP, span_str(m->ip[i]), line);
    for (size_t i = 0; i < m->macs; i++)
        first &= mention(m, MAC, span_str(m->mac[i]), line);
    return first;
}

/* What the row is about, once it is known to be well written. Gives the reason, where a person must look. */
static const char *judge_row(struct importer *m, struct import_row *row, uint32_t line, bool changed[COLUMNS])
{
    if (m->found_n > 1) {
        row->action = IMPORT_AMBIGUOUS;
        return "What this row says fits several devices. Give the id of the one that is meant.";
    }
    if (m->found_n == 0) {
        bool named = m->cells[IP].n + m->cells[MAC].n + m->cells[SERIAL].n + m->cells[NAME].n > 0;
        row->action = named ? IMPORT_CREATE : IMPORT_ERROR;
        if (!named) {
            m->flaw_column = 1;
            return "A new device needs a name, an address or a serial number.";
        }
        for (int f = FIRST_FIELD; f < COLUMNS; f++)
            changed[f] = m->cells[f].n > 0 && !(f == RETIRED && span_is(m->cells[f], "false"));
        if (first_mention(m, line))
            return NULL;
        row->action = IMPORT_AMBIGUOUS;
        return "Another row of this list names the same new device.";
    }
    if (!read_known(m, m->found[0], &m->known)) {
        row->action = IMPORT_ERROR;
        return "The device cannot be read now.";
    }
    bool any = false;
    for (int f = FIRST_FIELD; f < COLUMNS; f++)
        any |= changed[f] = m->cells[f].n > 0 && !span_is(m->cells[f], m->known.values[f]);
    row->action = any ? IMPORT_CHANGE : IMPORT_SAME;
    uint32_t *before = (size_t)m->known.n < m->lines_n ? &m->lines[m->known.n] : NULL;
    if (before != NULL && *before != 0 && any) {
        row->action = IMPORT_AMBIGUOUS;
        return "Another row of this list is about the same device.";
    }
    if (before != NULL)
        *before = line;
    return NULL;
}

static bool plan_row(struct importer *m, const struct sheet_row *row)
{
    struct import_plan *p = m->plan;
    struct import_row *made = &p->rows[p->n];
    bool changed[COLUMNS] = {0};
    const char *why = NULL;
    *made = (struct import_row){0};
    m->found_n = 0;
    take_cells(m, row);
    if (p->n == IMPORT_LIST_ROWS)
        refuse(m, NOTHING, "A list has at most 10,000 rows: bring the rest in another one.");
    if (m->flaw == NULL)
        find(m);
    if (m->e->class != ERR_NONE)
        return false;
    if (m->flaw != NULL) {
        made->action = IMPORT_ERROR;
        why = m->flaw;
    } else {
        why = judge_row(m, made, row->line, changed);
    }
    if (m->e->class != ERR_NONE)
        return false;
    write_shown(m, made, row->line, why, changed);
    if (made->action == IMPORT_CREATE || made->action == IMPORT_CHANGE)
        write_event(m, made, changed);
    p->counts[made->action]++;
    p->n++;
    return true;
}

/* ── the whole list ── */

static bool read_header(struct importer *m, struct sheet *s)
{
    struct sheet_row row;
    struct jsonw j = jsonw_to(&m->plan->columns);
    bool any = false;
    jsonw_array(&j);
    if (sheet_next(s, &row) && row.flaw == NULL)
        for (size_t i = 0; i < row.n; i++) {
            enum column column = column_of(row.cells[i]);
            m->columns[m->columns_n++] = column;
            any |= column != NOTHING;
            jsonw_str(&j, column == NOTHING ? NULL : column_names[column]);
        }
    jsonw_array_end(&j);
    if (!any)
        (void)err_set(m->e, ERR_MISUSE, "The first row must name the columns: name, ip, mac, serial, owner, place …");
    return any;
}

static void make_token(struct import_plan *p, struct span file)
{
    struct span parts[] = {file, span_of("", 1), buf_span(&p->texts)};
    uint8_t hash[SHA256_SIZE];
    crypto_sha256_parts(parts, sizeof parts / sizeof parts[0], hash);
    text_hex_to(p->token, hash, sizeof hash);
}

static void plan_rows(struct importer *m, struct span file)
{
    struct sheet s;
    struct sheet_row row;
    if (file.n > 0 && memchr(file.p, 0, file.n) != NULL) {
        (void)err_set(m->e, ERR_MISUSE, "This is no list in plain text (a workbook, or UTF-16): save it as CSV, UTF-8.");
        return;
    }
    if (!sheet_open(&s, file)) {
        (void)err_set(m->e, ERR_SYSTEM, "no memory");
        return;
    }
    if (read_header(m, &s))
        while (m->plan->n <= IMPORT_LIST_ROWS && sheet_next(&s, &row) && plan_row(m, &row))
            continue;
    sheet_close(&s);
}

struct import_plan *import_plan_make(struct store_conn *c, struct span file, struct error *e)
{
    struct error own = {0};
    struct import_plan *p = calloc(1, sizeof *p);
    struct importer *m = calloc(1, sizeof *m);
    if (p != NULL && m != NULL) {
        *m = (struct importer){.c = c, .plan = p, .e = &own, .lines_n = 2 * KEEP_ASSETS + 1};
        p->texts = BUF_INIT(64u << 20);
        p->columns = BUF_INIT(4096);
        p->rows = calloc(IMPORT_LIST_ROWS + 1, sizeof *p->rows);
        m->lines = calloc(m->lines_n, sizeof *m->lines);
        m->fresh = table_new((struct hash_key){0}, (2 * IMPORT_ADDRESSES + 2) * (IMPORT_LIST_ROWS + 1), sizeof(uint32_t));
    }
    if (p == NULL || m == NULL || p->rows == NULL || m->lines == NULL || m->fresh == NULL)
        (void)err_set(&own, ERR_SYSTEM, "no memory");
    else
        plan_rows(m, file);
    if (own.class == ERR_NONE && !buf_ok(&p->texts))
        (void)err_set(&own, ERR_SYSTEM, "no memory");
    if (own.class == ERR_NONE)
        make_token(p, file);
    if (m != NULL) {
        free(m->lines);
        table_free(m->fresh);
        free(m);
    }
    if (own.class == ERR_NONE)
        return p;
    *e = own;
    import_plan_free(p);
    return NULL;
}

void import_plan_free(struct import_plan *p)
{
    if (p == NULL)
        return;
    free(p->rows);
    buf_release(&p->texts);
    buf_release(&p->columns);
    free(p);
}
