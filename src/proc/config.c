#include "proc/config.h"

#include "proc/config_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#define PATH_MAX_KEY 128 /* longest path of a key in the table, and room for an unknown one */

/* Which keys of the table were given. */
struct seen {
    uint64_t bits[4];
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool held; /* event is to be deleted */
    const char *name;
    struct config *config;
    struct error *e;
};

/* Where an error is: libyaml counts from 0. */
#define FAIL(r, mark, ...) fail_at(r, (mark).line + 1, (mark).column + 1, __VA_ARGS__)

static int fail_at(struct reader *r, size_t line, size_t column, const char *format, ...) __attribute__((format(printf, 4, 5)));
static int fail_at(struct reader *r, size_t line, size_t column, const char *format, ...)
{
    char text[240];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(r->e, ERR_MISUSE, "%s:%zu:%zu: %s", r->name, line, column, text);
}

static bool has_anchor(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return true;
    case YAML_SCALAR_EVENT: return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT: return event->data.mapping_start.anchor != NULL;
    default: return false;
    }
}

static int next(struct reader *r)
{
    if (r->held)
        yaml_event_delete(&r->event);
    r->held = yaml_parser_parse(&r->parser, &r->event) != 0;
    if (r->held && has_anchor(&r->event))
        return FAIL(r, r->event.start_mark, "anchors and aliases (& and *) are not used here");
    if (r->held)
        return 0;
    const yaml_mark_t *at = r->parser.error == YAML_READER_ERROR ? &r->parser.mark : &r->parser.problem_mark;
    return FAIL(r, *at, "not YAML: %s", r->parser.problem == NULL ? "no memory" : r->parser.problem);
}

static const struct config_key *find_key(const char *path)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (strcmp(config_keys[i].path, path) == 0)
            return &config_keys[i];
    return NULL;
}

/* The last part of a path when it is directly below prefix ("" for the top), else NULL. */
static const char *directly_below(const char *path, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(path, prefix, n) != 0 || (n > 0 && path[n] != '.'))
        return NULL;
    const char *last = path + n + (n > 0 ? 1 : 0);
    return strpbrk(last, ".[") == NULL ? last : NULL;
}

static void known_keys(const char *prefix, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < config_key_count; i++) {
        const char *last = directly_below(config_keys[i].path, prefix);
        if (last == NULL || used >= size)
            continue;
        int n = snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ", last);
        used += n < 0 ? size : (size_t)n;
    }
}

/* Writes the defaults of the keys below prefix into base. */
static void set_defaults(const char *prefix, void *base)
{
    size_t n = strlen(prefix);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        bool below = n == 0 ? strchr(k->path, '[') == NULL : strncmp(k->path, prefix, n) == 0 && k->path[n] == '.';
        if (below && k->initial != NULL)
            (void)config_store(k, span_str(k->initial), base);
    }
}

void config_default(struct config *ret)
{
    memset(ret, 0, sizeof *ret);
    set_defaults("", ret);
}

static int read_map(struct reader *r, const char *prefix, void *base, struct seen *seen);

static bool is_scalar(const struct reader *r)
{
    return r->event.type == YAML_SCALAR_EVENT;
}

static int expected(struct reader *r, const struct config_key *key)
{
    char scratch[160];
    return FAIL(r, r->event.start_mark, "%s: expected %s", key->path, config_expected(key, scratch, sizeof scratch));
}

static int read_scalar(struct reader *r, const struct config_key *key, void *base)
{
    if (!is_scalar(r) || !config_store(key, span_of(r->event.data.scalar.value, r->event.data.scalar.length), base))
        return expected(r, key);
    return 0;
}

static bool is_seen(const struct seen *s, size_t key)
{
    return (s->bits[key / 64] >> key % 64 & 1) != 0;
}

/* A list of words, or one. */
static int read_words(struct reader *r, const struct config_key *key, void *base)
{
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return read_scalar(r, key, base);
    for (;;) {
        if (next(r) != 0)
            return -1;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (read_scalar(r, key, base) != 0)
            return -1;
    }
}

static int check_required(struct reader *r, const char *prefix, const struct seen *seen, yaml_mark_t at)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const char *last = directly_below(config_keys[i].path, prefix);
        if (last != NULL && config_keys[i].required && !is_seen(seen, i))
            return FAIL(r, at, "%s%s is missing",
                        prefix[0] == 0                      ? "the key "
                        : prefix[strlen(prefix) - 1] == ']' ? "in this entry, the key "
                                                            : "",
                        last);
    }
    return 0;
}

static int read_list(struct reader *r, const struct config_key *key, void *base)
{
    size_t *count = (size_t *)(void *)((char *)base + key->count_offset);
    char prefix[PATH_MAX_KEY];
    (void)snprintf(prefix, sizeof prefix, "%s[]", key->path);
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return expected(r, key);
    for (;;) {
        if (next(r) != 0)
            return -1;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (r->event.type != YAML_MAPPING_START_EVENT || *count == key->most)
            return expected(r, key);
        yaml_mark_t at = r->event.start_mark;
        void *element = (char *)base + key->offset + *count * key->size;
        struct seen seen = {0};
        set_defaults(prefix, element);
        if (read_map(r, prefix, element, &seen) != 0 || check_required(r, prefix, &seen, at) != 0)
            return -1;
        const char *wrong = config_wrong_entry(prefix, (char *)base + key->offset, *count + 1);
        if (wrong != NULL)
            return FAIL(r, at, "%s", wrong);
        (*count)++;
    }
}

static int read_value(struct reader *r, const struct config_key *key, void *base, struct seen *seen)
{
    if (key->type == CONFIG_LIST)
        return read_list(r, key, base);
    if (key->type == CONFIG_WORDS || key->type == CONFIG_PIN || key->type == CONFIG_NETWORKS)
        return read_words(r, key, base);
    if (key->type != CONFIG_MAP)
        return read_scalar(r, key, base);
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return expected(r, key);
    yaml_mark_t at = r->event.start_mark;
    return read_map(r, key->path, base, seen) != 0 ? -1 : check_required(r, key->path, seen, at);
}

/* From behind the start of a mapping to its end. seen: one bit a key of the table, for duplicates and for what is missing. */
static int read_map(struct reader *r, const char *prefix, void *base, struct seen *seen)
{
    for (;;) {
        if (next(r) != 0)
            return -1;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        char known[160];
        char path[PATH_MAX_KEY];
        known_keys(prefix, known, sizeof known);
        if (!is_scalar(r))
            return FAIL(r, r->event.start_mark, "expected one of the keys %s", known);
        const char *name = (const char *)r->event.data.scalar.value;
        size_t n = r->event.data.scalar.length;
        int full = snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] == 0 ? "" : ".", name);
        const struct config_key *key = strlen(name) == n && strpbrk(name, ".[") == NULL && full > 0 && (size_t)full < sizeof path ? find_key(path)
                                                                                                                                  : NULL;
        if (key == NULL)
            return FAIL(r, r->event.start_mark, "unknown key \"%.40s\"; expected one of %s", name, known);
        size_t at = (size_t)(key - config_keys);
        if (is_seen(seen, at))
            return FAIL(r, r->event.start_mark, "%s is given twice", path);
        seen->bits[at / 64] |= UINT64_C(1) << at % 64;
        if (next(r) != 0 || read_value(r, key, base, seen) != 0)
            return -1;
    }
}

static int read_document(struct reader *r)
{
    if (next(r) != 0 || next(r) != 0) /* stream start, document start */
        return -1;
    struct seen seen = {0};
    yaml_mark_t start = r->event.start_mark;
    if (r->event.type == YAML_DOCUMENT_START_EVENT) {
        if (next(r) != 0)
            return -1;
        start = r->event.start_mark;
        if (r->event.type != YAML_MAPPING_START_EVENT)
            return FAIL(r, start, "expected keys with values, as in site: main-street");
        if (read_map(r, "", r->config, &seen) != 0 || next(r) != 0 || next(r) != 0)
            return -1;
        if (r->event.type != YAML_STREAM_END_EVENT)
            return FAIL(r, r->event.start_mark, "a second document; expected the end of the file");
    }
    if ((r->config->warden_devices[0] != 0) != (r->config->warden_vendors[0] != 0))
        return FAIL(r, start, "warden: devices and vendors are needed both, or neither");
    for (size_t i = 0; i < r->config->listener_count; i++)
        if (strcmp(r->config->listener[i].purpose, "mail") == 0 && r->config->mail_servers[0] == 0)
            return FAIL(r, start, "listeners: a listener `mail` needs mail.servers: which mail servers may bring mail to it");
    return check_required(r, "", &seen, start);
}

int config_parse(struct config *ret, struct span text, const char *name, struct error *e)
{
    struct config *c = calloc(1, sizeof *c);
    struct reader r = {.name = name, .config = c, .e = e};
    if (c == NULL || yaml_parser_initialize(&r.parser) == 0) {
        free(c);
        return err_set(e, ERR_SYSTEM, "%s: no memory to read it", name);
    }
    config_default(c);
    yaml_parser_set_input_string(&r.parser, text.n == 0 ? (const unsigned char *)"" : text.p, text.n);
    int result = read_document(&r);
    if (r.held)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    if (result == 0)
        *ret = *c;
    free(c);
    return result;
}

int config_read(struct buf *text, const char *path, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "%s cannot be opened: %s", path, strerror(errno));
    int r = 0;
    for (ssize_t n = 1; r == 0 && n > 0;) {
        if (!buf_reserve(text, 4096)) {
            r = err_set(e, ERR_MISUSE, "%s is larger than %u bytes: it is no configuration", path, CONFIG_BYTES);
        } else if ((n = read(fd, text->p + text->n, 4096)) < 0) {
            r = err_set(e, ERR_MISUSE, "%s cannot be read: %s", path, strerror(errno));
        } else {
            text->n += (size_t)n;
        }
    }
    (void)close(fd);
    return r;
}

int config_load(struct config *ret, const char *path, struct error *e)
{
    struct buf text = BUF_INIT(CONFIG_BYTES);
    int r = config_read(&text, path, e);
    if (r == 0)
        r = config_parse(ret, buf_span(&text), path, e);
    buf_release(&text);
    return r;
}
