/* catalog list | check | match: what is known of device models, a lab's own file checked, and devices named by it. */
#include "lab/catalog/catalog.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "proc/own.h"
#include "record/crypto/crypto.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICES 20000
#define EVIDENCE 50 /* pieces kept of a device: as in the inventory */
#define PORTS 64
#define LINE_MAX_BYTES (1u << 20)
#define TOLD 8 /* candidates printed of a device */

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet catalog: %s\n", e->text);
    return err_exit_status(e);
}

static int usage_error(void)
{
    struct error e = {0};
    (void)err_set(&e, ERR_MISUSE, "wrong use; see `tourniquet help catalog`");
    return complain(&e);
}

static int add_file(struct catalog *c, const char *path, struct error *e)
{
    struct buf text = BUF_INIT(CATALOG_FILE_BYTES);
    int rc = own_file(path, &text, e);
    if (rc == 0)
        rc = catalog_add(c, buf_span(&text), path, true, e);
    buf_release(&text);
    return rc;
}

/* The program's catalog, and the lab's folder over it. */
static struct catalog *open_catalog(const char *folder, struct error *e)
{
    struct catalog *c = catalog_new(e);
    if (c == NULL || folder == NULL || own_catalog_read(folder, c, NULL, e) == 0)
        return c;
    catalog_free(c);
    return NULL;
}

/* ── list ── */

static void put_lines(struct jsonw *j, const struct catalog *c, const struct catalog_entry *entry, enum catalog_key key)
{
    bool any = false;
    for (size_t i = 0; i < entry->lines; i++) {
        if (catalog_lines(c, entry)[i].key != key)
            continue;
        if (!any) {
            jsonw_key(j, catalog_key_name(key));
            jsonw_array(j);
        }
        any = true;
        jsonw_text(j, catalog_lines(c, entry)[i].value);
    }
    if (any)
        jsonw_array_end(j);
}

static int list(const struct catalog *c)
{
    struct buf line = BUF_INIT(1u << 20);
    for (size_t i = 0; i < catalog_count(c); i++) {
        const struct catalog_entry *entry = catalog_at(c, i);
        if (entry->replaced || entry->model.n == 0)
            continue;
        struct jsonw j = jsonw_to(&line);
        buf_clear(&line);
        jsonw_object(&j);
        jsonw_put_text(&j, "id", entry->id);
        jsonw_put_text(&j, "maker", entry->maker);
        jsonw_put_text(&j, "model", entry->model);
        jsonw_put_text(&j, "class", entry->class);
        jsonw_put_str(&j, "sure", catalog_sure_name(entry->sure));
        if (entry->own)
            jsonw_put_bool(&j, "own", true);
        for (int key = CATALOG_PROTOCOL; key < CATALOG_SURE; key++)
            put_lines(&j, c, entry, (enum catalog_key)key);
        jsonw_object_end(&j);
        (void)printf("%s\n", buf_text(&line));
    }
    buf_release(&line);
    return 0;
}

/* ── check ── */

static int check(char **paths, int n, struct error *e)
{
    int status = 0;
    struct catalog *c = catalog_new(e);
    for (int i = 0; c != NULL && i < n; i++) {
        struct error why = {0};
        size_t before = catalog_count(c);
        bool valid = add_file(c, paths[i], &why) == 0;
        struct buf line = BUF_INIT(4096);
        struct jsonw j = jsonw_to(&line);
        jsonw_object(&j);
        jsonw_put_str(&j, "file", paths[i]);
        jsonw_put_bool(&j, "valid", valid);
        jsonw_put_uint(&j, "entries", catalog_count(c) - before);
        jsonw_put_str(&j, "error", valid ? NULL : why.text);
        jsonw_object_end(&j);
        (void)printf("%s\n", buf_text(&line));
        buf_release(&line);
        if (!valid) {
            (void)complain(&why);
            status = 1;
        }
    }
    if (c == NULL)
        return complain(e);
    catalog_free(c);
    return status;
}

/* ── match ── */

struct device {
    char key[64];
    size_t n, ports_n;
    char *evidence[EVIDENCE]; /* JSON objects */
    uint16_t ports[PORTS];
};

struct devices {
    struct table *index; /* key → number + 1 */
    size_t n, size;
    struct device *list;
};

static struct device *device_of(struct devices *d, const char *key)
{
    bool fresh = false;
    size_t *number = key == NULL || strlen(key) >= sizeof d->list->key ? NULL : table_put(d->index, span_str(key), &fresh);
    if (number == NULL)
        return NULL;
    if (!fresh)
        return &d->list[*number];
    if (d->n == d->size) {
        size_t more = d->size == 0 ? 64 : d->size * 2;
        struct device *list = reallocarray(d->list, more, sizeof *list);
        if (list == NULL)
            return NULL;
        d->list = list;
        d->size = more;
    }
    struct device *one = &d->list[d->n];
    *one = (struct device){0};
    memcpy(one->key, key, strlen(key));
    *number = d->n++;
    return one;
}

static void keep(struct device *one, json_t *fields)
{
    char *text = one == NULL || one->n == EVIDENCE ? NULL : json_dumps(fields, JSON_COMPACT);
    for (size_t i = 0; text != NULL && i < one->n; i++) {
        if (strcmp(one->evidence[i], text) == 0) {
            free(text);
            text = NULL;
        }
    }
    if (text != NULL)
        one->evidence[one->n++] = text;
}

static void take_evidence(struct devices *d, json_t *event)
{
    const char *ip = json_string_value(json_object_get(event, "ip"));
    const char *mac = json_string_value(json_object_get(event, "mac"));
    static const char *const other[] = {"time", "event", "flow"};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        (void)json_object_del(event, other[i]);
    keep(device_of(d, ip != NULL ? ip : mac), event);
}

static void take_port(struct devices *d, const json_t *event)
{
    const json_t *flow = json_object_get(event, "flow");
    const char *proto = json_string_value(json_object_get(flow, "proto"));
    const char *key = json_string_value(json_object_get(flow, "dst"));
    json_int_t port = json_integer_value(json_object_get(flow, "dport"));
    if (proto == NULL || strcmp(proto, "tcp") != 0 || json_integer_value(json_object_get(event, "bytes_down")) == 0)
        return;
    struct device *one = device_of(d, key);
    for (size_t i = 0; one != NULL && i < one->ports_n; i++)
        if (one->ports[i] == port)
            return;
    if (one != NULL && one->ports_n < PORTS && port > 0 && port < 65536)
        one->ports[one->ports_n++] = (uint16_t)port;
}

static void take_association(struct devices *d, const json_t *event)
{
    static const char *const ends[2][2] = {{"calling", "src"}, {"called", "dst"}};
    for (size_t i = 0; i < 2; i++) {
        const char *title = json_string_value(json_object_get(event, ends[i][0]));
        if (title == NULL)
            continue;
        json_t *fields = json_pack("{s:s,s:[s]}", "source", "dicom", "said", title);
        keep(device_of(d, json_string_value(json_object_get(json_object_get(event, "flow"), ends[i][1]))), fields);
        json_decref(fields);
    }
}

/* False: no JSON object. */
static bool take(struct devices *d, const char *line, size_t n)
{
    json_t *event = json_loadb(line, n, 0, NULL);
    const char *name = json_string_value(json_object_get(event, "event"));
    if (name != NULL && strcmp(name, "asset.evidence") == 0)
        take_evidence(d, event);
    else if (name != NULL && strcmp(name, "flow.closed") == 0)
        take_port(d, event);
    else if (name != NULL && strcmp(name, "dicom.association") == 0)
        take_association(d, event);
    bool good = json_is_object(event);
    json_decref(event);
    return good;
}

static void tell(const struct catalog *c, const struct device *one, struct catalog_piece *pieces)
{
    struct catalog_candidate found[TOLD];
    struct catalog_evidence evidence = {.pieces = pieces, .ports = one->ports, .ports_n = one->ports_n};
    for (size_t i = 0; i < one->n; i++)
        if (catalog_piece_read(&pieces[evidence.n], (struct span){0}, span_str(one->evidence[i])))
            evidence.n++;
    if (evidence.n == 0)
        return;
    size_t n = catalog_match(c, &evidence, found, TOLD);
    struct buf line = BUF_INIT(1u << 20);
    struct jsonw j = jsonw_to(&line);
    jsonw_object(&j);
    jsonw_put_str(&j, strchr(one->key, '.') == NULL && strlen(one->key) == 17 ? "mac" : "ip", one->key);
    jsonw_key(&j, "candidates");
    jsonw_array(&j);
    for (size_t i = 0; i < n; i++) {
        struct buf each = BUF_INIT(1u << 16);
        catalog_candidate_json(&each, &found[i]);
        jsonw_raw(&j, buf_span(&each));
        buf_release(&each);
    }
    jsonw_array_end(&j);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    buf_release(&line);
}

static int read_events(struct devices *d, FILE *in, struct error *e)
{
    char *line = NULL;
    size_t size = 0;
    size_t good = 0;
    size_t bad = 0;
    for (ssize_t n; (n = getline(&line, &size, in)) > 0;)
        *(n <= (ssize_t)LINE_MAX_BYTES && take(d, line, (size_t)n) ? &good : &bad) += 1;
    free(line);
    if (bad > 0)
        (void)fprintf(stderr, "tourniquet catalog: %zu lines are no events; they are left out\n", bad);
    return good > 0 ? 0 : err_set(e, ERR_MISUSE, "standard input holds no event; give the output of `tourniquet sense`");
}

static int match(const struct catalog *c, struct error *e)
{
    struct devices d = {0};
    struct hash_key key;
    struct catalog_piece *pieces = calloc(EVIDENCE, sizeof *pieces);
    crypto_random(&key, sizeof key);
    d.index = table_new(key, DEVICES, sizeof(size_t));
    int rc = pieces == NULL || d.index == NULL ? err_set(e, ERR_SYSTEM, "no memory to match with") : read_events(&d, stdin, e);
    for (size_t i = 0; rc == 0 && i < d.n; i++)
        tell(c, &d.list[i], pieces);
    for (size_t i = 0; i < d.n; i++)
        for (size_t k = 0; k < d.list[i].n; k++)
            free(d.list[i].evidence[k]);
    table_free(d.index);
    free(d.list);
    free(pieces);
    return rc == 0 ? 0 : complain(e);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"catalog", required_argument, NULL, 'c'}, {NULL, 0, NULL, 0}};
    const char *folder = NULL;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o != 'c')
            return usage_error();
        folder = optarg;
    }
    const char *what = optind < argc ? argv[optind] : "";
    int rest = argc - optind - 1;
    struct error e = {0};
    if (strcmp(what, "check") == 0 && rest > 0 && folder == NULL)
        return check(argv + optind + 1, rest, &e);
    if ((strcmp(what, "list") != 0 && strcmp(what, "match") != 0) || rest != 0)
        return usage_error();
    struct catalog *c = open_catalog(folder, &e);
    if (c == NULL)
        return complain(&e);
    int status = what[0] == 'l' ? list(c) : match(c, &e);
    catalog_free(c);
    return fflush(stdout) == 0 ? status : 3;
}

const struct verb verb_catalog = {
    .name = "catalog",
    .summary = "what is known of lab device models; which of them a device is",
    .usage = "usage: tourniquet catalog list [--catalog DIR]\n"
             "       tourniquet catalog check FILE...\n"
             "       tourniquet catalog match [--catalog DIR]\n\n"
             "list prints every model that the program knows, one JSON object a line. check reads files that a lab wrote and says whether they are\n"
             "good, with line and column where not (exit 1). match reads events from standard input, as `tourniquet sense` prints them, and\n"
             "prints one object a device: what it may be, how sure that is (0-100), and why.\n\n"
             "  --catalog DIR   also the lab's own files DIR/*.txt; their entries win over the program's\n\n"
             "The format: docs/formats/catalog.md.\n",
    .run = run,
};
