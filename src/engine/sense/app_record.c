#include "engine/sense/app_private.h"

#include "base/text.h"
#include "wire/poct1a.h"
#include "wire/sha256.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static struct span cut(struct span s, size_t max)
{
    if (s.n > max)
        s.n = max;
    return s;
}

void lab_start(struct app_context *c, struct lab_message *m, const char *protocol)
{
    memset(m, 0, offsetof(struct lab_message, malformed)); /* what lies behind is large */
    m->malformed[0] = m->hostile[0] = m->id[0] = m->type_text[0] = 0;
    m->protocol = protocol;
    m->who_room = c->wanted[KEY_WHO_MORE] ? c->who_more : NULL;
    m->private = c->wanted[KEY_PRIVATE] ? c->private : NULL;
    m->private_room = c->private_text;
    m->private_left = sizeof c->private_text;
}

void lab_number(const struct app_where *w, struct lab_message *m)
{
    uint64_t ordinal = ++w->f->side[w->direction].ordinal;
    char *out = m->id; /* room for two numbers */
    *out++ = 'f';
    out = text_decimal(out, w->flow->id);
    *out++ = '.';
    *out++ = (char)('0' + w->direction);
    *out++ = '.';
    *text_decimal(out, ordinal) = 0;
}

struct span lab_decoded(struct app_context *c, struct lab_message *m, struct span text, struct buf *plain)
{
    struct charset_reader r = {.base = CHARSET_NONE};
    enum charset_look look = app_wants_records(c) ? charset_look(text) : CHARSET_LOOKS_ASCII; /* else nobody reads it */
    if (look == CHARSET_LOOKS_ASCII)
        return text;
    m->charset_read = "UTF-8";
    if (look == CHARSET_LOOKS_UTF8)
        return text;
    if (!app_hold_decoded(c, &r, text, plain)) {
        m->charset_read = "not read";
        return text;
    }
    m->charset_read = r.utf8 ? "mixed" : "ISO 8859-1";
    return buf_span(plain);
}

void lab_malformed(struct lab_message *m, const char *format, ...)
{
    if (m->malformed[0] != 0)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(m->malformed, sizeof m->malformed, format, args);
    va_end(args);
}

static void private_piece(struct lab_message *m, struct span s)
{
    if (s.n < 3 || hl7_null(s))
        return;
    if (s.n > APP_PRIVATE_MAX) {
        m->private_cut = true;
        return;
    }
    for (size_t i = 0; i < m->privates; i++)
        if (span_equal(m->private[i], s))
            return;
    if (m->privates == RECORD_PRIVATE)
        m->private_cut = true;
    else
        m->private[m->privates++] = s;
}

/* The veil parts private texts at the usual delimiters itself; parts are given apart only where the message uses others, or where the field is too
 * long to be kept whole. */
static bool parts_itself(const struct hl7_delims *d)
{
    return d->component == '^' && (d->repetition == '~' || d->repetition == '\\' || d->repetition == '@') && (d->sub == '&' || d->sub == 0);
}

/* A name that its sender escaped is still a name: it is compared with texts whose escapes are undone. */
static struct span without_escapes(struct lab_message *m, struct span field)
{
    if (memchr(field.p, m->delims->escape, field.n) == NULL)
        return field;
    if (HL7_UNESCAPED(field.n) > m->private_left) {
        m->private_cut = true;
        return field;
    }
    struct span text = span_of(m->private_room, hl7_unescape(m->delims, field, m->private_room));
    m->private_room += text.n;
    m->private_left -= text.n;
    return text;
}

/* As lab_text would put it: unescaped, and cut. */
static void who_more(struct lab_message *m, struct span id)
{
    uint8_t *out = m->who_room + m->who_more;
    id = cut(id, APP_IDENTITY_MAX);
    if (m->who_room == NULL || hl7_null(id))
        return;
    if (2 + HL7_UNESCAPED(id.n) > RECORD_WHO - m->who_more) {
        m->who_lost = true;
        return;
    }
    size_t n = id.n;
    if (m->delims != NULL && memchr(id.p, m->delims->escape, id.n) != NULL)
        n = hl7_unescape(m->delims, id, out + 2);
    else
        memcpy(out + 2, id.p, id.n);
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    m->who_more += 2 + n;
}

void lab_who(struct lab_message *m, struct span id)
{
    if (id.n == 0)
        return;
    m->who_named++;
    for (size_t i = 0; i < m->whos; i++)
        if (span_equal(m->who[i], id))
            return;
    if (m->whos < APP_WHO_MAX)
        m->who[m->whos++] = id;
    else
        who_more(m, id);
}

/* Whose message it is: of one patient, or of which several. */
static void put_who(struct app_context *c, const struct lab_message *m)
{
    if (m->prior_patient.n > 0 && m->whos <= 2) { /* else several were joined in one message */
        lab_text(c, m->delims, KEY_PATIENT, m->patient, APP_IDENTITY_MAX);
        lab_text(c, m->delims, KEY_PRIOR_PATIENT, m->prior_patient, APP_IDENTITY_MAX);
    } else if (m->whos == 1 && m->who_named >= m->patients) {
        lab_text(c, m->delims, KEY_PATIENT, m->who[0], APP_IDENTITY_MAX);
    } else {
        for (size_t i = 0; i < m->whos; i++)
            lab_text(c, m->delims, KEY_WHO, m->who[i], APP_IDENTITY_MAX);
        record_text(&c->record, KEY_WHO_MORE, span_of(m->who_room, m->who_more));
        if (m->who_lost)
            record_int(&c->record, KEY_WHO_LOST, 1);
    }
}

void lab_private(struct lab_message *m, struct span field)
{
    const struct hl7_delims *d = m->delims;
    if (m->private == NULL || field.n < 3)
        return;
    if (d != NULL)
        field = without_escapes(m, field);
    bool whole = field.n <= APP_PRIVATE_MAX;
    if (whole || d == NULL)
        private_piece(m, field);
    if (d == NULL || (whole && parts_itself(d)))
        return;
    bool more_repetitions = true;
    for (struct span rest = field; more_repetitions && !m->private_cut;) {
        struct span repetition = span_until(&rest, d->repetition, &more_repetitions);
        bool more_components = true;
        while (more_components && !m->private_cut) {
            struct span component = span_until(&repetition, d->component, &more_components);
            bool more_subs = true;
            while (more_subs && !m->private_cut)
                private_piece(m, span_until(&component, d->sub, &more_subs));
        }
    }
}

static void put_privates(struct record *r, const struct lab_message *m)
{
    for (size_t i = 0; i < m->privates; i++)
        record_text(r, KEY_PRIVATE, m->private[i]);
    if (m->private_cut)
        record_int(r, KEY_PRIVATE_CUT, 1);
}

/* Apart, so that the way of most texts, which cannot hold escape sequences, has nothing to put aside. */
static __attribute__((noinline)) void put_unescaped(struct app_context *c, const struct hl7_delims *d, enum record_key key, struct span text)
{
    if (memchr(text.p, d->escape, text.n) != NULL && HL7_UNESCAPED(text.n) <= APP_SCRATCH - c->scratch_n) {
        uint8_t *out = c->scratch + c->scratch_n;
        text = span_of(out, hl7_unescape(d, text, out));
        c->scratch_n += text.n;
    }
    record_text(&c->record, key, text);
}

void lab_put_text(struct app_context *c, const struct hl7_delims *d, enum record_key key, const uint8_t *p, size_t n)
{
    struct span text = span_of(p, n);
    if (hl7_null(text))
        return;
    if (d != NULL && key != KEY_MESSAGE_TYPE)
        put_unescaped(c, d, key, text);
    else
        record_text(&c->record, key, text);
}

/* 64 KiB is more than all other fields of a result take: 24 flags and some ten texts. */
_Static_assert(APP_VALUE_PIECES *RECORD_TEXT + RECORD_PRIVATE * APP_PRIVATE_MAX + 65536 < RECORD_ENCODED, "the largest result can be encoded");

void lab_value(struct app_context *c, const struct hl7_delims *d, struct span value)
{
    if (value.n <= APP_VALUE_MAX) {
        lab_text(c, d, KEY_VALUE, value, APP_VALUE_MAX);
        return;
    }
    if (!c->wanted[KEY_VALUE])
        return;
    for (size_t i = 0; value.n > 0 && i < APP_VALUE_PIECES; i++)
        record_text(&c->record, KEY_VALUE, span_take(&value, value.n < RECORD_TEXT ? value.n : RECORD_TEXT));
    if (value.n > 0)
        c->record.cut = true;
}

void lab_time(struct app_context *c, struct span text)
{
    if (text.n == 0)
        return;
    if (!span_equal(text, span_of(c->observed.stamp, c->observed.stamp_n))) {
        c->observed.n = hl7_time(text, c->observed.text);
        c->observed.stamp_n = text.n <= APP_STAMP ? text.n : 0;
        memcpy(c->observed.stamp, text.p, c->observed.stamp_n);
    }
    record_text(&c->record, KEY_OBSERVED_AT, span_of(c->observed.text, c->observed.n));
}

#define RANGE_MAX 32

/* What words stand behind, as other components ("136 - 145^TECH"); empty where these are its own. */
static struct span before_component(struct span range)
{
    size_t n = span_find(&range, '^');
    return span_of(range.p, n < range.n ? n : 0);
}

void lab_range_put(struct app_context *c, const struct hl7_delims *d, struct span text)
{
    /* digits count as 1, what may stand between them as 2 */
    static const uint8_t kinds[256] = {
        ['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1,  ['7'] = 1,  ['8'] = 1,  ['9'] = 1, [' '] = 2,
        ['.'] = 2, [','] = 2, ['-'] = 2, ['+'] = 2, ['<'] = 2, ['>'] = 2, ['='] = 2,  ['^'] = 2,  ['~'] = 2,  ['('] = 2, [')'] = 2,
        ['['] = 2, [']'] = 2, ['t'] = 2, ['o'] = 2, ['T'] = 2, ['O'] = 2, [0xe2] = 2, [0x80] = 2, [0x93] = 2, [0x94] = 2};
    bool digit = false;
    if (text.n > RANGE_MAX)
        return;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t kind = kinds[text.p[i]];
        if (kind == 0) {
            lab_range_put(c, d, before_component(span_of(text.p, i)));
            return;
        }
        digit = digit || kind == 1;
    }
    if (digit)
        lab_text(c, d, KEY_RANGE, text, RANGE_MAX);
}

struct span lab_test_name(struct span code, struct span name)
{
    bool numbered = code.n > 0 && code.n < 5 && name.n > 1 && (name.p[0] | 0x20) >= 'a' && (name.p[0] | 0x20) <= 'z';
    for (size_t i = 0; numbered && i < code.n; i++)
        numbered = code.p[i] >= '0' && code.p[i] <= '9';
    return numbered ? name : (struct span){0};
}

const char *lab_priority(struct span code)
{
    /* table 0485 and its ancestors in OBR-5, ORC-7 and O-6 */
    switch (code.n == 0 ? 0 : code.p[0] & 0xdf) {
    case 'S': return "stat";
    case 'A':
    case 'U':
    case 'T':
    case 'C': return "urgent";
    case 'R':
    case 'N': return "routine";
    default: return NULL;
    }
}

const char *lab_material(struct span code)
{
    /* tables 0070 and 0487, and what else is common */
    static const struct {
        const char *code;
        const char *is;
    } codes[] = {{"SER", "blood"},   {"SERUM", "blood"}, {"S", "blood"},    {"PLAS", "blood"},  {"PLASMA", "blood"}, {"P", "blood"},
                 {"BLD", "blood"},   {"WB", "blood"},    {"B", "blood"},    {"BLOOD", "blood"}, {"BLDA", "blood"},   {"BLDV", "blood"},
                 {"BLDC", "blood"},  {"PPP", "blood"},   {"UR", "urine"},   {"URINE", "urine"}, {"U", "urine"},      {"UA", "urine"},
                 {"RANDU", "urine"}, {"24U", "urine"},   {"24HU", "urine"}, {"CSF", "other"},   {"FLD", "other"},    {"FLU", "other"},
                 {"PLR", "other"},   {"ASC", "other"},   {"SYN", "other"},  {"STL", "other"},   {"STOOL", "other"},  {"SAL", "other"},
                 {"SPT", "other"},   {"SWB", "other"},   {"PRT", "other"},  {"AMN", "other"},   {"SWT", "other"},    {"TISS", "other"},
                 {"BFLD", "other"},  {"BALD", "other"},  {"ORH", "other"}};
    for (size_t i = 0; code.n > 0 && i < sizeof codes / sizeof codes[0]; i++)
        if (code.n == strlen(codes[i].code) && strncasecmp((const char *)code.p, codes[i].code, code.n) == 0)
            return codes[i].is;
    return NULL;
}

_Static_assert(POCT1A_TIME_TEXT <= HL7_TIME_TEXT, "a time of either form fits");

/* The message's own time stamp, as a time or not at all: whatever else may stand there is not ours to show. */
static void put_sent(struct app_context *c, const struct lab_message *m, char text[HL7_TIME_TEXT])
{
    if (m->sent.n == 0 || !c->wanted[KEY_SENT_AT])
        return;
    size_t n = m->protocol[0] == 'p' ? poct1a_time(m->sent, text) : hl7_time(m->sent, text);
    record_text(&c->record, KEY_SENT_AT, span_of(text, n));
}

static void put_answer(struct app_context *c, const struct lab_message *m)
{
    const struct hl7_delims *d = m->delims;
    lab_text(c, d, KEY_ACK_CODE, m->ack_code, APP_FOREIGN_MAX);
    lab_text(c, d, KEY_ACK_FOR, m->ack_for, APP_FOREIGN_MAX);
    if (m->ack_code.n + m->ack_for.n > 0)
        lab_text(c, d, KEY_ACK_ERROR, m->ack_error, APP_FOREIGN_MAX);
    record_str(&c->record, KEY_ACK_MESSAGE, m->ack_message);
    lab_text(c, d, KEY_WANTS_ACCEPT, m->wants_accept, APP_FOREIGN_MAX);
    lab_text(c, d, KEY_WANTS_APPLICATION, m->wants_application, APP_FOREIGN_MAX);
    lab_text(c, d, KEY_PROFILE, m->profile, APP_FOREIGN_MAX);
}

/* What the message is to others, and how it was read. */
static void put_links(struct app_context *c, const struct lab_message *m)
{
    struct record *r = &c->record;
    record_str(r, KEY_CHARSET_READ, m->charset_read);
    record_str(r, KEY_BATCH, m->batch);
    record_str(r, KEY_CONTINUES, m->continues);
    if (m->continued)
        record_int(r, KEY_CONTINUED, 1);
    if (m->orders > 0)
        record_int(r, KEY_ORDERS, (int64_t)m->orders);
}

void lab_document(struct app_context *c, const struct hl7_delims *d, const struct document *doc)
{
    record_str(&c->record, KEY_DOCUMENT_TYPE, doc->type);
    lab_text(c, d, KEY_DOCUMENT_DECLARED, doc->declared, APP_FOREIGN_MAX);
    if (doc->sized)
        record_int(&c->record, KEY_DOCUMENT_BYTES, (int64_t)doc->bytes);
}

/* The bytes themselves, last: what a record has no room for is lost from its end. Of a longer message the beginning, and the digest of what was there
 * to be read. digest holds as long as the record. */
static void put_body(struct app_context *c, const struct lab_message *m, uint8_t digest[SHA256_BYTES])
{
    if (!c->options.bodies || m->body.n == 0)
        return;
    record_int(&c->record, KEY_BODY_BYTES, (int64_t)(m->body.n > m->bytes ? m->body.n : m->bytes));
    if (m->body.n > RECORD_BODY) {
        struct sha256 s;
        sha256_start(&s);
        sha256_add(&s, m->body);
        sha256_end(&s, digest);
        record_text(&c->record, KEY_BODY_DIGEST, span_of(digest, SHA256_BYTES));
    }
    record_body(&c->record, cut(m->body, RECORD_BODY));
}

/* What is known of the connection: bytes that the capture lost before this message, that it stood before the capture began, and from which card it
 * comes, where that is news. */
static void put_way(const struct app_where *w, struct record *r, char mac[18])
{
    struct app_side *side = &w->f->side[w->direction];
    if (side->mac_new) {
        for (size_t i = 0; i < 17; i++)
            mac[i] = i % 3 == 2 ? ':' : "0123456789abcdef"[side->mac[i / 3] >> (i % 3 == 0 ? 4 : 0) & 15];
        record_text(r, KEY_MAC, span_of(mac, 17));
        side->mac_new = false;
    }
    if (side->lost)
        record_int(r, KEY_GAPS, 1);
    if (w->f->underway && !side->spoke)
        record_str(r, KEY_STATE, "underway");
    side->lost = false;
    side->spoke = true;
}

void lab_put(const struct app_where *w, struct lab_message *m, bool counted)
{
    struct app_context *c = w->c;
    bool lab = m->protocol != NULL; /* else a stream of something else that contradicts itself */
    bool hl7 = lab && m->protocol[0] == 'h';
    if (w->f->side[w->direction].conflict) {
        struct hops hops = w->f->side[w->direction].hops;
        w->f->side[w->direction].conflict = false;
        if (hops.odd > 0)
            lab_malformed(m, "tcp: bytes of this stream were sent twice with different content, once with a hop limit of %u where %u is usual",
                          hops.odd, hops.usual);
        else
            lab_malformed(m, "tcp: bytes of this stream were sent twice with different content");
    }
    if (counted && m->behind_first) {
        c->counters->results += m->results;
    } else if (counted) {
        *(hl7 ? &c->counters->hl7_messages : m->protocol[0] == 'a' ? &c->counters->astm_messages : &c->counters->poct1a_messages) += 1;
        c->counters->results += m->results;
        if (hl7)
            app_count_type(c, m->type);
    }
    if (m->malformed[0] != 0 && lab)
        c->counters->malformed++;
    if (!app_wants_records(c))
        return;
    struct record *r = &c->record;
    c->scratch_n = 0;
    record_start(r, EVENT_LAB_MESSAGE, w->time, w->flow);
    record_str(r, KEY_MESSAGE_ID, m->id);
    record_str(r, KEY_PROTOCOL, m->protocol);
    lab_text(c, m->delims, KEY_MESSAGE_TYPE, m->type, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_CONTROL_ID, m->control_id, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_SENDER, m->sender, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_RECEIVER, m->receiver, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_VERSION, m->version, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_CHARSET, m->charset, APP_FOREIGN_MAX);
    char sent[HL7_TIME_TEXT];
    put_sent(c, m, sent);
    record_int(r, KEY_RESULTS, (int64_t)m->results);
    record_int(r, KEY_PATIENTS, (int64_t)m->patients);
    record_int(r, KEY_BYTES, (int64_t)m->bytes);
    record_str(r, KEY_PROCESSING, m->processing);
    put_who(c, m);
    if (m->malformed[0] != 0)
        record_str(r, KEY_MALFORMED, m->malformed);
    if (m->hostile[0] != 0)
        record_str(r, KEY_HOSTILE, m->hostile);
    put_answer(c, m);
    put_links(c, m);
    char mac[18];
    put_way(w, r, mac);
    lab_document(c, m->delims, &m->document);
    if (m->marked)
        record_text(r, KEY_MARKS, span_of(m->marks, sizeof m->marks));
    put_privates(r, m);
    uint8_t digest[SHA256_BYTES];
    put_body(c, m, digest);
    record_put(&c->options.sink, r);
}

void lab_conflict(const struct app_where *w)
{
    struct lab_message m;
    bool lab = w->f->kind != APP_UNKNOWN && w->f->kind != APP_OTHER && w->f->kind != APP_HTTP;
    lab_start(w->c, &m, lab ? w->f->label : NULL);
    lab_number(w, &m);
    lab_put(w, &m, false);
}

size_t lab_results_start(const struct app_where *w, const struct lab_message *m)
{
    struct record *r = &w->c->record;
    record_start(r, m->results > 0 ? EVENT_LAB_RESULT : EVENT_LAB_ORDER, w->time, w->flow);
    record_str(r, KEY_MESSAGE, m->id);
    put_privates(r, m);
    w->c->scratch_kept = 0;
    return r->n;
}

void lab_result_next(struct app_context *c, size_t shared)
{
    c->record.n = shared;
    c->record.cut = false;
    c->scratch_n = c->scratch_kept;
}

/* Only what looks like a message type is counted under its own name: an outsider fills MSH-9, and the name is printed. */
static bool is_type(struct span s)
{
    if (s.n != 3 && s.n != 7)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (s.p[i] < 'A' || s.p[i] > 'Z')
            return false;
    if (s.n == 3)
        return true;
    bool letter = s.p[5] >= 'A' && s.p[5] <= 'Z';
    bool digit = s.p[5] >= '0' && s.p[5] <= '9';
    return s.p[3] == '^' && s.p[4] >= 'A' && s.p[4] <= 'Z' && (letter || digit) && s.p[6] >= '0' && s.p[6] <= '9';
}

void app_count_type(struct app_context *c, struct span type)
{
    uint64_t *count = is_type(type) ? table_put(c->types, type, NULL) : NULL;
    if (count != NULL)
        (*count)++;
    else
        c->other_types++;
}

struct type_row {
    const char *type;
    uint64_t count;
};

static int by_name(const void *a, const void *b)
{
    const struct type_row *x = a;
    const struct type_row *y = b;
    return strcmp(x->type, y->type);
}

void app_hl7_types(const struct app_context *c, void (*each)(void *context, const char *type, uint64_t count), void *context)
{
    char names[APP_TYPES + 1][8];
    struct type_row rows[APP_TYPES + 1];
    size_t n = 0;
    size_t at = 0;
    struct span key;
    void *value;
    while (n < APP_TYPES && table_next(c->types, &at, &key, &value)) {
        memcpy(names[n], key.p, key.n);
        names[n][key.n] = 0;
        rows[n] = (struct type_row){.type = names[n], .count = *(uint64_t *)value};
        n++;
    }
    if (c->other_types > 0)
        rows[n++] = (struct type_row){.type = "other", .count = c->other_types};
    qsort(rows, n, sizeof rows[0], by_name);
    for (size_t i = 0; i < n; i++)
        each(context, rows[i].type, rows[i].count);
}

/* An address that sends results in one conversation and takes them in another is middleware. */
static const char *role_of(struct app_context *c, const struct address *a, const struct lab_evidence *evidence)
{
    uint8_t now = (uint8_t)((evidence->sends_results ? 1 : 0) | (evidence->takes_results ? 2 : 0));
    if (now == 0)
        return NULL;
    struct span key = span_of(a->bytes, a->family == 4 ? 4 : sizeof a->bytes);
    uint8_t *known = table_put(c->roles, key, NULL);
    uint8_t all = now;
    if (known != NULL)
        all = *known |= now;
    return all == 3 ? "middleware" : all == 1 ? "analyzer" : "lis";
}

/* True the first time that this content is seen. */
static bool is_news(struct app_context *c, const struct address *a, const struct lab_evidence *e, const char *role)
{
    struct span parts[] = {
        span_of(a->bytes, sizeof a->bytes), cut(e->maker, APP_FOREIGN_MAX), cut(e->model, APP_FOREIGN_MAX),    cut(e->serial, APP_FOREIGN_MAX),
        cut(e->software, APP_FOREIGN_MAX),  cut(e->said, APP_FOREIGN_MAX),  cut(e->facility, APP_FOREIGN_MAX), span_str(e->source),
        span_str(role == NULL ? "" : role)};
    uint64_t key[sizeof parts / sizeof parts[0]];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        key[i] = hash_bytes(&c->options.hash_key, parts[i].p, parts[i].n);
    bool fresh = false;
    if (table_put(c->told, span_of(key, sizeof key), &fresh) != NULL)
        return fresh;
    struct table *next = table_new(c->options.hash_key, APP_EVIDENCE, 1);
    if (next == NULL)
        return false;
    table_free(c->told);
    c->told = next;
    return true;
}

/* The sender's name in its components, so that a serial number that must not be shown takes nothing with it. */
static void put_said(struct app_context *c, const struct hl7_delims *d, struct span said)
{
    said = cut(said, APP_FOREIGN_MAX);
    if (said.n == 0 || !c->wanted[KEY_SAID])
        return;
    bool more = true;
    for (size_t i = 0; more && i < APP_SAID; i++) {
        struct span part = span_until(&said, d->component, &more);
        size_t before = c->record.n;
        lab_text(c, d, KEY_SAID, part, APP_FOREIGN_MAX);
        if (c->record.n == before)
            record_item(&c->record, KEY_SAID, (struct span){0});
    }
}

void app_evidence(const struct app_where *w, const struct lab_evidence *evidence, const struct lab_message *m)
{
    struct app_context *c = w->c;
    if (!c->options.flow_records || !app_wants_records(c))
        return;
    const struct address *a = w->direction == 0 ? &w->flow->src : &w->flow->dst;
    const char *role = role_of(c, a, evidence);
    bool empty = evidence->maker.n + evidence->model.n + evidence->serial.n + evidence->software.n == 0 && role == NULL;
    if (empty || !is_news(c, a, evidence, role))
        return;
    char ip[46];
    address_format(a, ip);
    struct record *r = &c->record;
    c->scratch_n = 0;
    record_start(r, EVENT_ASSET_EVIDENCE, w->time, w->flow);
    record_str(r, KEY_IP, ip);
    lab_text(c, m->delims, KEY_MAKER, evidence->maker, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_MODEL, evidence->model, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_SERIAL, evidence->serial, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_SOFTWARE, evidence->software, APP_FOREIGN_MAX);
    record_str(r, KEY_ROLE, role);
    record_str(r, KEY_SOURCE, evidence->source);
    put_said(c, m->delims, evidence->said);
    lab_text(c, m->delims, KEY_FACILITY, evidence->facility, APP_FOREIGN_MAX);
    lab_text(c, m->delims, KEY_SENDER, m->sender, APP_FOREIGN_MAX);
    put_privates(r, m);
    record_put(&c->options.sink, r);
}
