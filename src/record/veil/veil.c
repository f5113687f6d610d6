/* Invariants
 *
 * 1. What a field becomes is decided by its class alone, in put_field and in veil_private_json: nothing else writes a field's text.
 * 2. A PRIVATE, CAUSE, SECRET or BODY field is written by neither with or without reveal (SECRET: only by veil_private_json).
 * 3. Every HMAC starts with a word of its own for its purpose, and every text in one with several texts has its length before it: no two different
 * inputs give the same bytes.
 * 4. The token cache holds keyed hashes of texts, never texts: a core file gives away no name.
 * 5. Keys are written in the order of RECORD_KEYS, each at most once: the same record always gives the same text. */
#include "record/veil/veil.h"

#include "base/hash.h"
#include "base/json.h"
#include "record/crypto/crypto.h"
#include "record/veil/allow.h"
#include "record/veil/community.h"

#include <stdlib.h>

#define PATIENT_WORD "tourniquet patient\n"
#define TOKEN_BYTES VEIL_TOKEN_BYTES /* 80 bits */
#define TOKEN 18                     /* "P-" and 16 characters */
#define DIGEST_BYTES 20
#define DIGEST 34  /* "V-" and 32 characters */
#define CACHE 8192 /* tokens kept; a power of two. A newer token takes the place of an older one */
#define TITLE_MAX 8192
#define FLOW_MAX 512

struct cached {
    uint64_t a;
    uint64_t b;
    char token[TOKEN];
};

/* "test.code" → object "test", member "code" */
struct name {
    struct span object; /* the same bytes for all members of one; empty: none */
    struct span member;
    const struct key_info *info;
};

struct veil {
    struct crypto_hmac *hmac;
    struct hash_key *cache_keys; /* two of them, in secret memory */
    struct cached *cache;
    bool reveal;
    struct buf title;
    struct flow_ref flow; /* the last one written, and its text: records of one flow come in rows */
    struct buf flow_text;
    tq_time time; /* the same of the time */
    char time_text[TIME_TEXT];
    size_t time_n;
    struct name names[KEY_COUNT];
    struct allow allow;
    /* what `allow` was made of: the private texts of the record in hand, each behind its length. Results of one message share them mostly: they are
     * taken apart anew only where they are others than those before */
    struct buf private;
    struct buf private_before;
    /* of the record in hand: its fields by key */
    uint64_t present[(KEY_COUNT + 63) / 64];
    uint8_t first[KEY_COUNT];
    uint8_t last[KEY_COUNT];
    uint8_t next[RECORD_FIELDS];    /* the next field with the same key; the last points to itself */
    uint8_t allowed[RECORD_FIELDS]; /* whether a foreign text may be shown, for both texts of a record; see allowed_of */
};

_Static_assert(RECORD_FIELDS <= 256, "field indexes are kept in bytes");

static void name_keys(struct veil *v)
{
    for (size_t k = 0; k < KEY_COUNT; k++) {
        struct name *name = &v->names[k];
        name->info = key_info((enum record_key)k);
        name->member = span_str(name->info->json);
        bool dotted;
        struct span rest = name->member;
        struct span object = span_until(&rest, '.', &dotted);
        if (!dotted)
            continue;
        name->object = object;
        name->member = rest;
        for (size_t i = 0; i < k; i++)
            if (span_equal(v->names[i].object, object))
                name->object = v->names[i].object;
    }
}

struct veil *veil_new(const uint8_t key[VEIL_KEY], bool reveal, struct error *e)
{
    struct veil *v = calloc(1, sizeof *v);
    if (v != NULL) {
        v->hmac = crypto_hmac_new(span_of(key, VEIL_KEY));
        v->cache_keys = crypto_secret_new(2 * sizeof *v->cache_keys, NULL);
        v->cache = calloc(CACHE, sizeof *v->cache);
    }
    if (v == NULL || v->hmac == NULL || v->cache_keys == NULL || v->cache == NULL) {
        veil_free(v);
        (void)err_set(e, ERR_SYSTEM, "no memory for the veil");
        return NULL;
    }
    crypto_random(v->cache_keys, 2 * sizeof *v->cache_keys);
    v->reveal = reveal;
    v->title = BUF_INIT(TITLE_MAX);
    v->private = v->private_before = BUF_SECRET(RECORD_ENCODED);
    v->flow_text = BUF_INIT(FLOW_MAX);
    name_keys(v);
    return v;
}

void veil_free(struct veil *v)
{
    if (v == NULL)
        return;
    crypto_hmac_free(v->hmac);
    crypto_secret_free(v->cache_keys, 2 * sizeof *v->cache_keys);
    free(v->cache);
    buf_release(&v->title);
    buf_release(&v->flow_text);
    buf_release(&v->private);
    buf_release(&v->private_before);
    free(v);
}

/* ── Tokens ── */

static struct span trimmed(struct span s)
{
    while (s.n > 0 && s.p[0] == ' ') {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* Base32 (RFC 4648, alphabet of section 6) in lower case; n is a multiple of 5. */
static void base32(const uint8_t *in, size_t n, char *out)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    for (; n >= 5; n -= 5, in += 5, out += 8) {
        uint64_t five = (uint64_t)in[0] << 32 | (uint64_t)in[1] << 24 | (uint64_t)in[2] << 16 | (uint64_t)in[3] << 8 | in[4];
        for (int i = 0; i < 8; i++)
            out[i] = digits[five >> (35 - 5 * i) & 31];
    }
}

/* The token of a text: P, S or T, a dash, 16 characters. The span points into the cache and holds until the next token. */
static struct span token(struct veil *v, char letter, struct span text)
{
    text = trimmed(text);
    uint64_t a = hash_bytes(&v->cache_keys[0], text.p, text.n) ^ (uint64_t)(uint8_t)letter;
    uint64_t b = hash_bytes(&v->cache_keys[1], text.p, text.n);
    struct cached *c = &v->cache[b & (CACHE - 1)];
    if (c->a != a || c->b != b || c->token[0] != letter) {
        struct span purpose = letter == 'P'   ? SPAN_LIT(PATIENT_WORD)
                              : letter == 'S' ? SPAN_LIT("tourniquet specimen\n")
                                              : SPAN_LIT("tourniquet text\n");
        uint8_t mac[SHA256_SIZE];
        crypto_hmac_do(v->hmac, (struct span[]){purpose, text}, 2, mac);
        *c = (struct cached){.a = a, .b = b, .token = {letter, '-'}};
        base32(mac, TOKEN_BYTES, c->token + 2);
    }
    return span_of(c->token, TOKEN);
}

void veil_scope(struct veil *v, struct span patient, uint8_t out[VEIL_SCOPE])
{
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_do(v->hmac, (struct span[]){SPAN_LIT(PATIENT_WORD), trimmed(patient)}, 2, mac);
    memcpy(out, mac, VEIL_SCOPE);
}

void veil_patient(struct veil *v, struct span patient, char out[VEIL_TOKEN_TEXT])
{
    memcpy(out, token(v, 'P', patient).p, TOKEN);
    out[TOKEN] = 0;
}

void veil_specimen(struct veil *v, struct span specimen, char out[VEIL_TOKEN_TEXT])
{
    memcpy(out, token(v, 'S', specimen).p, TOKEN);
    out[TOKEN] = 0;
}

bool veil_token_bytes(struct span token, uint8_t out[VEIL_TOKEN_BYTES])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    memset(out, 0, VEIL_TOKEN_BYTES);
    if (token.n != TOKEN || token.p[0] != 'P' || token.p[1] != '-')
        return false;
    for (size_t i = 0; i < TOKEN - 2; i++) {
        const char *at = token.p[2 + i] == 0 ? NULL : strchr(digits, token.p[2 + i]);
        if (at == NULL)
            return false;
        unsigned v = (unsigned)(at - digits);
        for (size_t b = 0; b < 5; b++)
            out[(5 * i + b) / 8] |= (uint8_t)((v >> (4 - b) & 1) << (7 - (5 * i + b) % 8));
    }
    return true;
}

static bool allowed(const struct veil *v, enum record_key k, struct span text)
{
    if ((k == KEY_MESSAGE_TYPE && allow_message_type(text)) || (k == KEY_VERSION && allow_version(text)))
        return true;
    return allow_shown(&v->allow, text);
}

/* A foreign text of key k as it may be written: itself, or its token (which holds until the next one). */
static struct span foreign(struct veil *v, enum record_key k, struct span text)
{
    return v->reveal || allowed(v, k, text) ? text : token(v, 'T', text);
}

void veil_finding_id(struct veil *v, const char *kind, struct span cause, char out[33])
{
    static const char hex[] = "0123456789abcdef";
    uint8_t length[4] = {(uint8_t)(cause.n >> 24), (uint8_t)(cause.n >> 16), (uint8_t)(cause.n >> 8), (uint8_t)cause.n};
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_do(v->hmac, (struct span[]){SPAN_LIT("tourniquet finding\n"), span_str(kind), SPAN_LIT("\n"), span_of(length, 4), cause}, 5, mac);
    for (size_t i = 0; i < 16; i++) {
        out[2 * i] = hex[mac[i] >> 4];
        out[2 * i + 1] = hex[mac[i] & 15];
    }
    out[32] = 0;
}

/* ── The record in hand ── */

static bool has(const struct veil *v, enum record_key k)
{
    return v->present[k / 64] >> (k % 64) & 1;
}

static void mark(struct veil *v, enum record_key k)
{
    v->present[k / 64] |= UINT64_C(1) << (k % 64);
}

enum { UNASKED, SHOWN, HIDDEN };

/* The same of a field of the record in hand, which is looked at once. */
static bool allowed_of(struct veil *v, const struct record *r, const struct field *f)
{
    uint8_t *said = &v->allowed[f - r->fields];
    if (*said == UNASKED)
        *said = allowed(v, f->key, f->text) ? SHOWN : HIDDEN;
    return *said == SHOWN;
}

/* Sorts the fields by key, and learns what is private. */
#define NOT_ALL UINT32_MAX /* in the place of a length: the record has PRIVATE_CUT */

static void keep_private(struct buf *b, const struct field *f, enum field_type type)
{
    buf_be32(b, type == TYPE_TEXT ? (uint32_t)f->text.n : NOT_ALL);
    if (type == TYPE_TEXT)
        buf_add_span(b, f->text);
}

/* Makes `allow` of the private texts that are kept, unless they are those that it was made of. */
static void take_private(struct veil *v)
{
    struct span in = buf_span(&v->private);
    if (buf_ok(&v->private) && buf_ok(&v->private_before) && span_equal(in, buf_span(&v->private_before)))
        return;
    allow_start(&v->allow);
    v->allow.shut = !buf_ok(&v->private);
    while (in.n > 0 && !v->allow.shut) {
        uint32_t n = span_be32(&in);
        if (n == NOT_ALL)
            v->allow.shut = true;
        else
            allow_private(&v->allow, span_take(&in, n));
    }
    struct buf made_of = v->private; /* the pieces point into it */
    v->private = v->private_before;
    v->private_before = made_of;
}

static void take(struct veil *v, const struct record *r)
{
    memset(v->present, 0, sizeof v->present);
    buf_clear(&v->private);
    for (size_t i = 0; i < r->n; i++) {
        enum record_key k = r->fields[i].key;
        v->next[i] = (uint8_t)i;
        v->allowed[i] = UNASKED;
        if (has(v, k))
            v->next[v->last[k]] = (uint8_t)i;
        else
            v->first[k] = (uint8_t)i;
        v->last[k] = (uint8_t)i;
        mark(v, k);
        const struct key_info *info = v->names[k].info;
        if (info->class == FIELD_PRIVATE || info->class == FIELD_PATIENT || info->class == FIELD_SPECIMEN)
            keep_private(&v->private, &r->fields[i], info->type);
    }
    take_private(v);
}

/* The fields of key k one after another: start with *at = -1. */
static const struct field *each(const struct veil *v, const struct record *r, enum record_key k, int *at)
{
    if (!has(v, k) || *at == (int)v->last[k])
        return NULL;
    *at = *at < 0 ? v->first[k] : v->next[*at];
    return &r->fields[*at];
}

static const struct field *only(const struct veil *v, const struct record *r, enum record_key k)
{
    return has(v, k) ? &r->fields[v->first[k]] : NULL;
}

static struct span text_of(const struct veil *v, const struct record *r, enum record_key k)
{
    const struct field *f = only(v, r, k);
    return f == NULL ? (struct span){0} : f->text;
}

/* ── Writing ── */

static void length_before(uint8_t out[4], size_t n)
{
    out[0] = (uint8_t)(n >> 24);
    out[1] = (uint8_t)(n >> 16);
    out[2] = (uint8_t)(n >> 8);
    out[3] = (uint8_t)n;
}

/* The value's digest: over specimen, test, units and value. A value that came in several pieces counts as one. */
static void put_value_digest(struct veil *v, struct jsonw *j, const struct record *r)
{
    enum { FIXED = 4 };
    const struct span fixed[FIXED] = {trimmed(text_of(v, r, KEY_SPECIMEN)), text_of(v, r, KEY_TEST_CODE), text_of(v, r, KEY_TEST_SYSTEM),
                                      text_of(v, r, KEY_UNITS)};
    UNCLEARED struct span parts[2 + 2 * FIXED + RECORD_FIELDS];
    uint8_t lengths[FIXED + 1][4];
    size_t n = 0;
    parts[n++] = SPAN_LIT("tourniquet value\n");
    for (size_t i = 0; i < FIXED; i++) {
        length_before(lengths[i], fixed[i].n);
        parts[n++] = span_of(lengths[i], 4);
        parts[n++] = fixed[i];
    }
    size_t total_at = n++;
    size_t total = 0;
    int at = -1;
    for (const struct field *f; (f = each(v, r, KEY_VALUE, &at)) != NULL; total += f->text.n)
        parts[n++] = f->text;
    length_before(lengths[FIXED], total);
    parts[total_at] = span_of(lengths[FIXED], 4);
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_do(v->hmac, parts, n, mac);
    char digest[DIGEST] = {'V', '-'};
    base32(mac, DIGEST_BYTES, digest + 2);
    jsonw_put_text(j, "value_digest", span_of(digest, DIGEST));
}

/* The value in clear, its pieces joined. */
static void put_value(struct veil *v, struct jsonw *j, const struct record *r)
{
    const struct field *one = only(v, r, KEY_VALUE);
    if (v->first[KEY_VALUE] == v->last[KEY_VALUE]) {
        jsonw_put_text(j, "value", one->text);
        return;
    }
    struct buf whole = BUF_SECRET(RECORD_ENCODED);
    int at = -1;
    for (const struct field *f; (f = each(v, r, KEY_VALUE, &at)) != NULL;)
        buf_add_span(&whole, f->text);
    jsonw_put_text(j, "value", buf_span(&whole));
    buf_release(&whole);
}

/* A sentence with {0} … {9} replaced by the subjects. */
static void put_sentence(struct veil *v, struct jsonw *j, const struct record *r, struct span s)
{
    buf_clear(&v->title);
    for (;;) {
        bool more;
        buf_add_span(&v->title, span_until(&s, '{', &more));
        if (!more)
            break;
        if (s.n < 2 || s.p[0] < '0' || s.p[0] > '9' || s.p[1] != '}') {
            buf_u8(&v->title, '{');
            continue;
        }
        int wanted = s.p[0] - '0';
        (void)span_skip(&s, 2);
        int at = -1;
        const struct field *f = each(v, r, KEY_SUBJECT, &at);
        while (f != NULL && wanted-- > 0)
            f = each(v, r, KEY_SUBJECT, &at);
        buf_add_span(&v->title, f == NULL ? SPAN_LIT("(not known)") : foreign(v, f->key, f->text));
    }
    jsonw_text(j, buf_span(&v->title));
}

static void put_number(struct jsonw *j, enum field_type type, int64_t number)
{
    char text[TIME_TEXT];
    if (type == TYPE_BOOL)
        jsonw_bool(j, number != 0);
    else if (type == TYPE_TIME)
        jsonw_text(j, span_of(text, time_format(number, text)));
    else
        jsonw_int(j, number);
}

/* One value of a field whose class lets it be written. */
static void put_one(struct veil *v, struct jsonw *j, const struct record *r, const struct field *f)
{
    const struct key_info *info = v->names[f->key].info;
    if (info->type != TYPE_TEXT)
        put_number(j, info->type, f->number);
    else if (f->key == KEY_TITLE || f->key == KEY_ADVICE)
        put_sentence(v, j, r, f->text);
    else if (info->class == FIELD_FOREIGN)
        jsonw_text(j, v->reveal || allowed_of(v, r, f) ? f->text : token(v, 'T', f->text));
    else
        jsonw_text(j, f->text);
}

static void put_list(struct veil *v, struct jsonw *j, const struct record *r, enum record_key k)
{
    jsonw_array(j);
    int at = -1;
    for (const struct field *f; (f = each(v, r, k, &at)) != NULL;)
        put_one(v, j, r, f);
    jsonw_array_end(j);
}

static void put_identifier(struct veil *v, struct jsonw *j, const struct record *r, enum record_key k, char letter, const char *clear_name)
{
    struct span text = text_of(v, r, k);
    jsonw_name(j, v->names[k].member);
    jsonw_text(j, token(v, letter, text));
    if (v->reveal)
        jsonw_put_text(j, clear_name, text);
}

static const char *clear_name(enum record_key k)
{
    return k == KEY_PATIENT     ? "patient_id"
           : k == KEY_SPECIMEN  ? "specimen_id"
           : k == KEY_CONTAINER ? "container_id"
           : k == KEY_FILLER    ? "filler_id"
                                : "order_id";
}

/* Writes key k of the record: the one place that decides by class. A key that is not in the record is one that its event always has. */
static void put_field(struct veil *v, struct jsonw *j, const struct record *r, enum record_key k)
{
    const struct key_info *info = v->names[k].info;
    switch (info->class) {
    case FIELD_PRIVATE:
    case FIELD_CAUSE:
    case FIELD_SECRET:
    case FIELD_BODY: return;
    case FIELD_PATIENT: put_identifier(v, j, r, k, 'P', clear_name(k)); return;
    case FIELD_SPECIMEN: put_identifier(v, j, r, k, 'S', clear_name(k)); return;
    case FIELD_VALUE:
        put_value_digest(v, j, r);
        if (v->reveal)
            put_value(v, j, r);
        return;
    case FIELD_OPEN:
    case FIELD_FOREIGN: break;
    }
    jsonw_name(j, v->names[k].member);
    if (info->list)
        put_list(v, j, r, k);
    else if (has(v, k))
        put_one(v, j, r, only(v, r, k));
    else
        jsonw_null(j);
}

/* Opens and closes the objects that hold members: "test.code" and "test.system" share one. */
static void enter(struct veil *v, struct jsonw *j, struct span *inside, enum record_key k)
{
    struct span object = v->names[k].object;
    if (inside->p == object.p)
        return;
    if (inside->n > 0)
        jsonw_object_end(j);
    if (object.n > 0) {
        jsonw_name(j, object);
        jsonw_object(j);
    }
    *inside = object;
}

static void leave(struct jsonw *j, struct span inside)
{
    if (inside.n > 0)
        jsonw_object_end(j);
}

/* The keys that an event's object always has: null, or an empty list, where the record has none. */
static const struct {
    enum event event;
    enum record_key key;
} always[] = {
    {EVENT_LAB_MESSAGE, KEY_MALFORMED},    {EVENT_LAB_RESULT, KEY_FLAGS},        {EVENT_FINDING, KEY_EVIDENCE_FLOW},
    {EVENT_FINDING, KEY_EVIDENCE_MESSAGE}, {EVENT_FINDING, KEY_EVIDENCE_RECORD}, {EVENT_FINDING, KEY_TECHNIQUE},
};

static void put_fields(struct veil *v, struct jsonw *j, const struct record *r)
{
    uint64_t keys[sizeof v->present / sizeof v->present[0]];
    memcpy(keys, v->present, sizeof keys);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (always[i].event == r->event)
            keys[always[i].key / 64] |= UINT64_C(1) << (always[i].key % 64);
    if (r->event == EVENT_FINDING || r->event == EVENT_EVIDENCE_PACKETS)
        keys[KEY_FINDING / 64] &= ~(UINT64_C(1) << (KEY_FINDING % 64)); /* the id is made, not taken */
    if (r->event == EVENT_FINDING || r->event == EVENT_EVIDENCE_PACKETS || has(v, KEY_FINDING))
        keys[KEY_MESSAGE_ID / 64] &= ~(UINT64_C(1) << (KEY_MESSAGE_ID % 64)); /* also called "id" */
    struct span inside = {0};
    for (size_t word = 0; word < sizeof keys / sizeof keys[0]; word++) {
        for (; keys[word] != 0; keys[word] &= keys[word] - 1) {
            enum record_key k = (enum record_key)(64 * word + (size_t)__builtin_ctzll(keys[word]));
            enum field_class class = v->names[k].info->class;
            if (class != FIELD_PRIVATE && class != FIELD_CAUSE && class != FIELD_SECRET && class != FIELD_BODY)
                enter(v, j, &inside, k);
            put_field(v, j, r, k);
        }
    }
    leave(j, inside);
    bool answers = has(v, KEY_ACK_CODE) || has(v, KEY_ACK_FOR) || has(v, KEY_ACK_ERROR) || has(v, KEY_ACK_MESSAGE);
    if (r->event == EVENT_LAB_MESSAGE && !answers) {
        jsonw_key(j, "ack");
        jsonw_null(j);
    }
}

static void write_flow(struct jsonw *j, const struct flow_ref *flow)
{
    char text[46];
    jsonw_object(j);
    jsonw_put_uint(j, "id", flow->id);
    jsonw_key(j, "proto");
    if (flow->proto == 6)
        jsonw_text(j, SPAN_LIT("tcp"));
    else if (flow->proto == 17)
        jsonw_text(j, SPAN_LIT("udp"));
    else
        jsonw_uint(j, flow->proto);
    address_format(&flow->src, text);
    jsonw_put_str(j, "src", text);
    jsonw_put_uint(j, "sport", flow->sport);
    address_format(&flow->dst, text);
    jsonw_put_str(j, "dst", text);
    jsonw_put_uint(j, "dport", flow->dport);
    jsonw_key(j, "vlan");
    if (flow->vlan == 0)
        jsonw_null(j);
    else
        jsonw_uint(j, flow->vlan);
    jsonw_object_end(j);
}

static bool same_flow(const struct flow_ref *a, const struct flow_ref *b)
{
    return a->id == b->id && a->proto == b->proto && a->sport == b->sport && a->dport == b->dport && a->vlan == b->vlan &&
           memcmp(&a->src, &b->src, sizeof a->src) == 0 && memcmp(&a->dst, &b->dst, sizeof a->dst) == 0;
}

static void put_flow(struct veil *v, struct jsonw *j, const struct flow_ref *flow)
{
    if (v->flow_text.n == 0 || !same_flow(&v->flow, flow)) {
        buf_clear(&v->flow_text);
        struct jsonw text = jsonw_to(&v->flow_text);
        write_flow(&text, flow);
        v->flow = *flow;
    }
    jsonw_key(j, "flow");
    jsonw_raw(j, buf_span(&v->flow_text));
}

static void put_veiled(struct veil *v, struct buf *out, const struct record *r)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    if (v->time_n == 0 || v->time != r->time) {
        v->time = r->time;
        v->time_n = time_format(r->time, v->time_text);
    }
    jsonw_put_text(&j, "time", span_of(v->time_text, v->time_n));
    jsonw_put_str(&j, "event", event_name(r->event));
    if (r->flow.id != 0)
        put_flow(v, &j, &r->flow);
    if (r->event == EVENT_FLOW_CLOSED) {
        char community[COMMUNITY_ID];
        if (community_id(&r->flow, community))
            jsonw_put_str(&j, "community_id", community);
    }
    bool followed = r->event == EVENT_RESULT_FOLLOWED && has(v, KEY_KIND); /* and something was found */
    if (r->event == EVENT_FINDING || r->event == EVENT_FINDING_ENDED || r->event == EVENT_EVIDENCE_PACKETS || followed) {
        char kind[64];
        struct span k = text_of(v, r, KEY_KIND);
        size_t n = k.n < sizeof kind ? k.n : sizeof kind - 1;
        if (n > 0)
            memcpy(kind, k.p, n);
        kind[n] = 0;
        char id[33];
        veil_finding_id(v, kind, text_of(v, r, KEY_CAUSE), id);
        jsonw_put_str(&j, "id", id);
    }
    put_fields(v, &j, r);
    if (r->cut)
        jsonw_put_bool(&j, "cut", true); /* more was seen than a record holds */
    jsonw_object_end(&j);
}

void veil_json(struct veil *v, struct buf *out, const struct record *r)
{
    take(v, r);
    put_veiled(v, out, r);
}

/* Whether a key has something for the sealed text: everything of the patient's, and foreign texts that veil_json writes as tokens. */
static bool hidden(struct veil *v, const struct record *r, enum record_key k)
{
    switch (v->names[k].info->class) {
    case FIELD_PATIENT:
    case FIELD_SPECIMEN:
    case FIELD_VALUE:
    case FIELD_SECRET: return true;
    case FIELD_FOREIGN: {
        int at = -1;
        for (const struct field *f; (f = each(v, r, k, &at)) != NULL;)
            if (!allowed_of(v, r, f))
                return true;
        return false;
    }
    case FIELD_OPEN:
    case FIELD_PRIVATE:
    case FIELD_CAUSE:
    case FIELD_BODY: break;
    }
    return false;
}

static void put_clear(struct veil *v, struct jsonw *j, const struct record *r, enum record_key k)
{
    const struct key_info *info = v->names[k].info;
    if (info->class == FIELD_VALUE) {
        put_value(v, j, r);
        return;
    }
    jsonw_name(j, info->class == FIELD_PATIENT || info->class == FIELD_SPECIMEN ? span_str(clear_name(k)) : v->names[k].member);
    if (info->list)
        jsonw_array(j);
    int at = -1;
    for (const struct field *f; (f = each(v, r, k, &at)) != NULL;) {
        jsonw_text(j, f->text);
        if (!info->list)
            break;
    }
    if (info->list)
        jsonw_array_end(j);
}

static void put_private(struct veil *v, struct buf *out, const struct record *r)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    struct span inside = {0};
    for (size_t word = 0; word < sizeof v->present / sizeof v->present[0]; word++) {
        for (uint64_t left = v->present[word]; left != 0; left &= left - 1) {
            enum record_key k = (enum record_key)(64 * word + (size_t)__builtin_ctzll(left));
            if (!hidden(v, r, k))
                continue;
            enter(v, &j, &inside, k);
            put_clear(v, &j, r, k);
        }
    }
    leave(&j, inside);
    jsonw_object_end(&j);
}

void veil_private_json(struct veil *v, struct buf *out, const struct record *r)
{
    take(v, r);
    put_private(v, out, r);
}

void veil_texts(struct veil *v, struct buf *veiled, struct buf *private, const struct record *r)
{
    take(v, r);
    put_veiled(v, veiled, r);
    put_private(v, private, r);
}
