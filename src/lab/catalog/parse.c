/* The files of the catalog: lines "key: value", "#" comments. A line "maker" or "model" begins an entry; a model belongs to the maker above it. */
#include "lab/catalog/catalog_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct reader {
    struct catalog *c;
    const char *name;
    bool own;
    uint32_t line;
    size_t maker; /* number of its entry, or NONE */
    size_t entry; /* the one in hand, or NONE */
    struct span text;
    struct error *e;
};

#define NONE SIZE_MAX

/* p: where in the line in hand; NULL: its start. */
static int fail(const struct reader *r, const uint8_t *p, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(const struct reader *r, const uint8_t *p, const char *format, ...)
{
    char text[220];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(r->e, ERR_MISUSE, "%s:%u:%zu: %s", r->name, r->line, p == NULL ? 1 : (size_t)(p - r->text.p) + 1, text);
}

/* ── what a value may be: NULL, or what was expected; *ret_at: where ── */

typedef const char *check(struct span value, size_t *ret_at);

static const char *const classes[] = {
    "chemistry", "immunoassay",   "haematology",       "coagulation", "blood-gas",    "urinalysis",     "microbiology", "molecular", "sequencing",
    "hba1c",     "glucose-meter", "immunohaematology", "esr",         "imaging",      "pre-analytical", "tube-labeler", "barcode",   "middleware",
    "lis",       "label-printer", "terminal-server",   "temperature", "data-manager", "workstation",    "other"};

bool catalog_class_known(struct span class)
{
    return catalog_one_of(class, classes, sizeof classes / sizeof classes[0]);
}

const char *catalog_role(struct span class)
{
    static const struct {
        const char *class, *role;
    } others[] = {{"middleware", "middleware"},
                  {"data-manager", "middleware"},
                  {"lis", "lis"},
                  {"label-printer", "printer"},
                  {"tube-labeler", "printer"},
                  {"barcode", "scanner"},
                  {"terminal-server", "network"},
                  {"temperature", "sensor"},
                  {"workstation", "workstation"},
                  {"other", "unknown"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (span_is(class, others[i].class))
            return others[i].role;
    return catalog_class_known(class) ? "analyzer" : "unknown";
}

static const char *check_class(struct span v, size_t *ret_at)
{
    (void)ret_at;
    return catalog_class_known(v) ? NULL : "expected a class of docs/formats/catalog.md, as in chemistry or terminal-server";
}

static const char *check_protocol(struct span v, size_t *ret_at)
{
    static const char *const all[] = {"astm",  "hl7", "poct1a", "dicom", "bci",    "serial-text", "file",
                                      "print", "raw", "http",   "snmp",  "telnet", "proprietary"};
    (void)ret_at;
    return catalog_one_of(v, all, sizeof all / sizeof all[0])
               ? NULL
               : "expected one of: astm hl7 poct1a dicom bci serial-text file print raw http snmp telnet proprietary";
}

static const char *check_transport(struct span v, size_t *ret_at)
{
    static const char *const all[] = {"serial", "tcp", "tcp-client", "tcp-server", "wlan", "usb", "file-share"};
    (void)ret_at;
    return catalog_one_of(v, all, sizeof all / sizeof all[0]) ? NULL : "expected one of: serial tcp tcp-client tcp-server wlan usb file-share";
}

static const char *check_port(struct span v, size_t *ret_at)
{
    uint64_t port;
    struct span first = catalog_word(&v);
    *ret_at = 0;
    return span_decimal(first, 65535, &port) && port > 0 ? NULL : "expected a port from 1 to 65535, and what it is, as in 4001 serial data";
}

static const char *check_mac(struct span v, size_t *ret_at)
{
    uint8_t nibbles[12];
    struct span block = catalog_word(&v);
    size_t n = catalog_mac_nibbles(block, nibbles);
    *ret_at = 0;
    return n == 6 || n == 7 || n == 9
               ? NULL
               : "expected a block of 24, 28 or 36 bits, as in 00-06-6B, 78-D4-F1-D or 70-B3-D5-36-A, and to whom it is registered";
}

static size_t weight(struct span v)
{
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++)
        n += v.p[i] != ' ' && v.p[i] != '-' && v.p[i] != '_' && v.p[i] != '*';
    return n;
}

static const char *check_name(struct span v, size_t *ret_at)
{
    *ret_at = 0;
    return weight(v) >= 4 ? NULL : "expected at least four letters or digits (a shorter name is a common-name: it counts only beside the maker's)";
}

static const char *check_common_name(struct span v, size_t *ret_at)
{
    *ret_at = 0;
    return weight(v) >= 2 ? NULL : "expected at least two letters or digits";
}

static const char *check_said(struct span v, size_t *ret_at)
{
    static const char *const all[] = {"astm", "hl7", "poct1a"};
    const uint8_t *start = v.p;
    *ret_at = 0;
    if (!catalog_one_of(catalog_word(&v), all, sizeof all / sizeof all[0]) || v.n == 0)
        return "expected astm, hl7 or poct1a and a form, as in astm XP-100^<software>^^^^<serial>";
    size_t at = 0;
    const char *flaw = catalog_form_flaw(v, &at);
    *ret_at = (size_t)(v.p - start) + at;
    return flaw;
}

static const char *check_shows(struct span v, size_t *ret_at)
{
    *ret_at = 0;
    struct span source = catalog_word(&v);
    return source.n > 0 && weight(v) >= 4 ? NULL : "expected a source of evidence and a pattern of at least four letters, as in http *Mirth Connect*";
}

static const char *check_id(struct span v, size_t *ret_at)
{
    for (*ret_at = 0; *ret_at < v.n; (*ret_at)++) {
        uint8_t c = v.p[*ret_at];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            break;
    }
    return *ret_at == v.n && v.n <= 60 ? NULL : "expected at most 60 small letters, digits and hyphens, as in sysmex-xp-100";
}

static const char *const sures[] = {"unverified", "second-hand", "seen"};

static const char *check_sure(struct span v, size_t *ret_at)
{
    (void)ret_at;
    return catalog_one_of(v, sures, 3) ? NULL : "expected one of: seen second-hand unverified";
}

const char *catalog_sure_name(enum catalog_sure s)
{
    return sures[s];
}

enum where { OF_MAKER = 1, OF_MODEL = 2 };

static const struct {
    const char *name;
    unsigned where;
    bool many;
    check *check;
} keys[CATALOG_KEYS] = {
    [CATALOG_MAKER] = {"maker", OF_MAKER, false, NULL},
    [CATALOG_MODEL] = {"model", OF_MODEL, false, NULL},
    [CATALOG_ID] = {"id", OF_MODEL, false, check_id},
    [CATALOG_CLASS] = {"class", OF_MODEL, false, check_class},
    [CATALOG_PROTOCOL] = {"protocol", OF_MODEL, true, check_protocol},
    [CATALOG_TRANSPORT] = {"transport", OF_MODEL, true, check_transport},
    [CATALOG_PORT] = {"port", OF_MODEL, true, check_port},
    [CATALOG_NAME] = {"name", OF_MAKER | OF_MODEL, true, check_name},
    [CATALOG_COMMON_NAME] = {"common-name", OF_MODEL, true, check_common_name},
    [CATALOG_SAID] = {"said", OF_MODEL, true, check_said},
    [CATALOG_SHOWS] = {"shows", OF_MODEL, true, check_shows},
    [CATALOG_MAC] = {"mac", OF_MAKER, true, check_mac},
    [CATALOG_BUILT_BY] = {"built-by", OF_MODEL, true, NULL},
    [CATALOG_COLLIDES] = {"collides", OF_MAKER | OF_MODEL, false, NULL},
    [CATALOG_OS] = {"os", OF_MODEL, false, NULL},
    [CATALOG_SUPPORT] = {"support", OF_MODEL, true, NULL},
    [CATALOG_ADVISORY] = {"advisory", OF_MODEL, true, NULL},
    [CATALOG_NOTE] = {"note", OF_MAKER | OF_MODEL, true, NULL},
    [CATALOG_SOURCE] = {"source", OF_MAKER | OF_MODEL, true, NULL},
    [CATALOG_SURE] = {"sure", OF_MODEL, false, check_sure},
};

const char *catalog_key_name(enum catalog_key k)
{
    return keys[k].name;
}

/* ── growing ── */

/* The list with room for one more than n, or NULL. */
static void *grow(struct reader *r, void *list, size_t *size, size_t n, size_t each, size_t most, const char *what)
{
    if (n < *size)
        return list;
    if (n >= most) {
        (void)fail(r, NULL, "over %zu %s in the whole catalog", most, what);
        return NULL;
    }
    size_t more = *size == 0 ? 64 : *size * 2;
    void *next = reallocarray(list, more, each);
    if (next == NULL)
        (void)err_set(r->e, ERR_SYSTEM, "%s: no memory for the catalog", r->name);
    else
        *size = more;
    return next;
}

static int new_entry(struct reader *r, struct catalog_entry entry)
{
    struct catalog *c = r->c;
    struct catalog_entry *list = grow(r, c->entries, &c->entries_size, c->entries_n, sizeof *list, CATALOG_ENTRIES, "entries");
    if (list == NULL)
        return -1;
    c->entries = list;
    entry.first = c->lines_n;
    entry.own = r->own;
    r->entry = c->entries_n;
    c->entries[c->entries_n++] = entry;
    return 0;
}

static size_t maker_named(const struct catalog *c, struct span name)
{
    for (size_t i = 0; i < c->entries_n; i++)
        if (c->entries[i].model.n == 0 && catalog_glob(c->entries[i].maker, name))
            return i;
    return NONE;
}

/* ── an entry is complete ── */

static bool has(const struct catalog *c, const struct catalog_entry *entry, enum catalog_key key)
{
    for (size_t i = 0; i < entry->lines; i++)
        if (c->lines[entry->first + i].key == key)
            return true;
    return false;
}

static int missing(struct reader *r, const struct catalog_entry *entry, const char *what)
{
    r->line = r->c->lines[entry->first].number;
    return fail(r, NULL, "this entry has no %s", what);
}

static int finish_entry(struct reader *r)
{
    struct catalog *c = r->c;
    if (r->entry == NONE || c->entries[r->entry].model.n == 0)
        return 0;
    struct catalog_entry *entry = &c->entries[r->entry];
    if (entry->id.n == 0)
        return missing(r, entry, "id");
    if (entry->class.n == 0)
        return missing(r, entry, "class");
    if (!has(c, entry, CATALOG_SURE))
        return missing(r, entry, "sure (how sure it is: seen, second-hand or unverified)");
    if (!has(c, entry, CATALOG_SOURCE) && entry->sure != CATALOG_UNVERIFIED)
        return missing(r, entry, "source; without one it is \"sure: unverified\"");
    return 0;
}

/* ── lines ── */

static int take_id(struct reader *r, struct catalog_entry *entry, struct span value)
{
    for (size_t i = 0; i < r->c->entries_n; i++) {
        struct catalog_entry *other = &r->c->entries[i];
        if (i == r->entry || other->model.n == 0 || other->replaced || !span_equal(other->id, value))
            continue;
        if (other->own == r->own)
            return fail(r, value.p, "the id \"%.*s\" is taken by another entry", (int)value.n, (const char *)value.p);
        other->replaced = true;
    }
    entry->id = value;
    return 0;
}

static int begin_entry(struct reader *r, enum catalog_key key, struct span value)
{
    if (finish_entry(r) != 0)
        return -1;
    if (key == CATALOG_MAKER) {
        size_t known = maker_named(r->c, value);
        struct span shown = known == NONE ? value : r->c->entries[known].maker;
        if (new_entry(r, (struct catalog_entry){.maker = shown, .id = shown, .sure = CATALOG_SEEN}) != 0)
            return -1;
        r->maker = r->entry;
        r->c->entries[r->entry].of = known == NONE ? r->entry : known;
        size_t last = known;
        while (known != NONE && r->c->entries[last].again != 0)
            last = r->c->entries[last].again;
        if (known != NONE)
            r->c->entries[last].again = r->entry;
        return 0;
    }
    if (r->maker == NONE)
        return fail(r, NULL, "a model needs a line \"maker: …\" above it");
    return new_entry(r, (struct catalog_entry){.maker = r->c->entries[r->maker].maker, .model = value, .of = r->c->entries[r->maker].of});
}

static void add_initials(struct catalog_entry *entry, enum catalog_key key, struct span value)
{
    if (key == CATALOG_SAID || key == CATALOG_SHOWS)
        (void)catalog_word(&value);
    if (key == CATALOG_SAID)
        entry->initials |= catalog_initials_of_form(value);
    else if (key == CATALOG_BUILT_BY)
        entry->initials = UINT64_MAX; /* another maker's network card is a reason to look */
    else if (key == CATALOG_SHOWS || key == CATALOG_NAME || key == CATALOG_COMMON_NAME || key == CATALOG_MODEL || key == CATALOG_MAKER)
        entry->initials |= catalog_initials_of_pattern(value);
}

static int put_line(struct reader *r, enum catalog_key key, struct span value)
{
    struct catalog *c = r->c;
    if ((key == CATALOG_MAKER || key == CATALOG_MODEL) && begin_entry(r, key, value) != 0)
        return -1;
    if (r->entry == NONE)
        return fail(r, NULL, "expected a line \"maker: …\" first");
    struct catalog_entry *entry = &c->entries[r->entry];
    if ((keys[key].where & (entry->model.n == 0 ? OF_MAKER : OF_MODEL)) == 0)
        return fail(r, NULL, "\"%s\" belongs to a %s", keys[key].name, entry->model.n == 0 ? "model" : "maker");
    if (!keys[key].many && has(c, entry, key))
        return fail(r, NULL, "\"%s\" is given twice in this entry", keys[key].name);
    size_t at = 0;
    bool short_maker = key == CATALOG_NAME && entry->model.n == 0 && weight(value) == 3;
    const char *flaw = keys[key].check == NULL || short_maker ? NULL : keys[key].check(value, &at);
    if (flaw != NULL)
        return fail(r, value.p + at, "%s: %s", keys[key].name, flaw);
    if (key == CATALOG_BUILT_BY && r->own && maker_named(c, value) == NONE) /* ours name each other in any order; a test looks after them */
        return fail(r, value.p, "built-by: there is no maker of this name above or in another file");
    if (key == CATALOG_ID && take_id(r, entry, value) != 0)
        return -1;
    if (key == CATALOG_CLASS)
        entry->class = value;
    if (key == CATALOG_SURE)
        entry->sure = span_is(value, "seen") ? CATALOG_SEEN : span_is(value, "second-hand") ? CATALOG_SECOND_HAND : CATALOG_UNVERIFIED;
    struct catalog_line *list = grow(r, c->lines, &c->lines_size, c->lines_n, sizeof *list, CATALOG_LINES, "lines");
    if (list == NULL)
        return -1;
    c->lines = list;
    add_initials(&c->entries[r->entry], key, value);
    c->lines[c->lines_n++] = (struct catalog_line){.key = key, .value = value, .number = r->line};
    c->entries[r->entry].lines++;
    return 0;
}

static int read_line(struct reader *r, struct span line)
{
    r->text = line;
    if (line.n > CATALOG_LINE)
        return fail(r, NULL, "a line of over %d bytes", CATALOG_LINE);
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] < 0x20 && line.p[i] != '\t' && line.p[i] != '\r')
            return fail(r, line.p + i, "a control character");
    struct span rest = catalog_trim(line);
    if (rest.n == 0 || rest.p[0] == '#')
        return 0;
    bool more;
    const uint8_t *start = rest.p;
    struct span name = catalog_trim(span_until(&rest, ':', &more));
    struct span value = catalog_trim(rest);
    if (!more || value.n == 0)
        return fail(r, start, "expected \"key: value\"");
    for (int key = 0; key < CATALOG_KEYS; key++)
        if (span_is(name, keys[key].name))
            return put_line(r, (enum catalog_key)key, value);
    return fail(r, start, "unknown key \"%.*s\"; docs/formats/catalog.md has them all", name.n > 40 ? 40 : (int)name.n, (const char *)name.p);
}

static int read_text(struct reader *r, struct span text)
{
    bool more = true;
    while (more) {
        r->line++;
        if (read_line(r, span_until(&text, '\n', &more)) != 0)
            return -1;
    }
    return finish_entry(r);
}

/* The text must outlive the catalog. */
static int add(struct catalog *c, struct span text, const char *name, bool own, struct error *e)
{
    struct reader r = {.c = c, .name = name, .own = own, .maker = NONE, .entry = NONE, .e = e};
    size_t entries = c->entries_n;
    size_t lines = c->lines_n;
    if (read_text(&r, text) == 0)
        return 0;
    for (size_t i = 0; i < entries; i++)
        if (c->entries[i].again >= entries)
            c->entries[i].again = 0;
    for (size_t i = 0; i < entries; i++) /* what this text had replaced is back */
        for (size_t j = entries; j < c->entries_n; j++)
            if (c->entries[i].replaced && span_equal(c->entries[i].id, c->entries[j].id))
                c->entries[i].replaced = false;
    c->entries_n = entries;
    c->lines_n = lines;
    return -1;
}

int catalog_add(struct catalog *c, struct span text, const char *name, bool own, struct error *e)
{
    if (text.n > CATALOG_FILE_BYTES)
        return err_set(e, ERR_MISUSE, "%s:1:1: over %u bytes; part it into several files", name, CATALOG_FILE_BYTES);
    struct reader r = {.c = c, .name = name, .e = e};
    uint8_t **list = grow(&r, c->texts, &c->texts_size, c->texts_n, sizeof *list, CATALOG_FILES, "files");
    if (list == NULL)
        return -1;
    c->texts = list;
    uint8_t *copy = malloc(text.n + 1);
    if (copy == NULL)
        return err_set(e, ERR_SYSTEM, "%s: no memory for the catalog", name);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    if (add(c, span_of(copy, text.n), name, own, e) != 0) {
        free(copy);
        return -1;
    }
    c->texts[c->texts_n++] = copy;
    return 0;
}

struct catalog *catalog_empty(struct error *e)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (c == NULL)
        (void)err_set(e, ERR_SYSTEM, "no memory for the catalog");
    return c;
}

struct catalog *catalog_new(struct error *e)
{
    struct catalog *c = catalog_empty(e);
    for (size_t i = 0; c != NULL && i < catalog_files_count; i++)
        if (add(c, span_str(catalog_files[i].text), catalog_files[i].name, false, e) != 0) {
            catalog_free(c);
            return NULL;
        }
    return c;
}

void catalog_free(struct catalog *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->texts_n; i++)
        free(c->texts[i]);
    free(c->texts);
    free(c->entries);
    free(c->lines);
    free(c);
}

size_t catalog_count(const struct catalog *c)
{
    return c->entries_n;
}

const struct catalog_entry *catalog_at(const struct catalog *c, size_t n)
{
    return &c->entries[n];
}

const struct catalog_line *catalog_lines(const struct catalog *c, const struct catalog_entry *entry)
{
    return c->lines + entry->first;
}
