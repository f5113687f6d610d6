/* HL7 messages: a block → its messages → lab.message.
 *
 * 1. A block mostly is one message. A batch (FHS, BHS) holds several: each is read with its own delimiters, and has a record of its own; the block is
 * counted once.
 * 2. A message is walked for itself first. Only where that shows that it cannot be read as it lies (app_hl7_text.c) it is walked again, in a copy.
 * 3. lab.message comes first, then its results in the order of their OBX. Places in a reason are those of the message as it was sent. */
#include "engine/sense/app_hl7_private.h"

#include <inttypes.h>
#include <stdio.h>

#define BATCH_MOST 4096 /* messages of one block */

struct span hl7_first(const struct hl7_delims *d, struct span field, size_t component)
{
    struct span s = component == 1 ? field : hl7_part(hl7_part(field, d->repetition, 1), d->component, component);
    size_t n = 0; /* mostly short: cheaper than a search for each */
    while (n < s.n && s.p[n] != d->repetition && s.p[n] != d->component && s.p[n] != d->sub)
        n++;
    s.n = (uint32_t)n;
    return hl7_null(s) ? (struct span){0} : s;
}

/* ── the walk ── */

static void read_type(struct lab_message *m, struct span field)
{
    struct span code = hl7_part(field, m->delims->component, 1);
    struct span event = hl7_part(field, m->delims->component, 2);
    m->type = code;
    if (event.n == 0 || span_is(code, "ACK") || code.n + event.n + 1 > sizeof m->type_text)
        return;
    memcpy(m->type_text, code.p, code.n);
    m->type_text[code.n] = '^';
    memcpy(m->type_text + code.n + 1, event.p, event.n);
    m->type = span_of(m->type_text, code.n + 1 + event.n);
}

/* MSH-15 and -16 hold one of four codes (table 0155); anything else is none of our business. */
static struct span wish(struct span field)
{
    bool known = span_is(field, "AL") || span_is(field, "NE") || span_is(field, "ER") || span_is(field, "SU");
    return known ? field : (struct span){0};
}

/* MSH-11 and H-12: T training, D debugging. */
static const char *processing_of(struct span field)
{
    return span_is(field, "T") ? "T" : span_is(field, "D") ? "D" : NULL;
}

static void read_msh(struct lab_message *m, struct hl7_delims *d, struct hl7_reading *r, struct span segment)
{
    UNCLEARED struct span f[22];
    enum charset set;
    (void)hl7_fields(d, segment, f, 22);
    m->sender = hl7_either(f[3], f[4]);
    m->receiver = hl7_either(f[5], f[6]);
    m->facility = hl7_first(d, f[4], 1);
    m->sent = f[7];
    read_type(m, f[9]);
    m->control_id = f[10];
    m->processing = processing_of(hl7_first(d, f[11], 1));
    m->version = hl7_part(f[12], d->component, 1);
    r->pointer = f[14];
    m->wants_accept = wish(f[15]);
    m->wants_application = wish(f[16]);
    m->charset = hl7_part(f[18], d->repetition, 1);
    m->profile = hl7_first(d, f[21], 1);
    if (d->charset == CHARSET_NONE) { /* else it is known already what the bytes are */
        (void)charset_named(m->charset, &set);
        d->charset = (uint8_t)set;
    }
    r->alternates = f[20].n > 0 || m->charset.n < f[18].n;
    bool early = span_starts(m->version, SPAN_LIT("2.1")) || span_starts(m->version, SPAN_LIT("2.2"));
    if (d->encoding_missing && !(early && f[2].n >= 2)) /* those versions could do without the last two */
        lab_malformed(m, "MSH-2: encoding characters are missing");
    if (m->type.n == 0)
        lab_malformed(m, "MSH-9: the message type is missing");
}

static void read_privates(struct lab_message *m, struct span segment)
{
    bool more = true;
    (void)span_until(&segment, m->delims->field, &more);
    while (more)
        lab_private(m, span_until(&segment, m->delims->field, &more));
}

/* The document of a message that is not one of results. */
static void read_document(struct lab_message *m, struct span segment)
{
    if (m->document.type == NULL && !m->document.sized && segment.n >= APP_EXECUTABLE_MIN)
        (void)document_read(m->delims, hl7_part(segment, m->delims->field, 3), hl7_part(segment, m->delims->field, 6), &m->document);
}

/* Programs in any OBX. Few messages hold a component that is long enough for one. */
static void read_programs(const struct app_context *c, struct lab_message *m, struct span message)
{
    if (!span_has_run(message, m->delims->field, m->delims->component, APP_EXECUTABLE_MIN))
        return;
    struct hl7_rest rest = hl7_rest_of(c, m->delims, message);
    struct span segment;
    uint32_t name;
    for (size_t number = 1; m->hostile[0] == 0 && hl7_rest_next(&rest, &segment, &name); number++) {
        struct span value = name != NAME('O', 'B', 'X') || segment.n < APP_EXECUTABLE_MIN ? (struct span){0} : hl7_part(segment, m->delims->field, 6);
        bool more = value.n >= APP_EXECUTABLE_MIN;
        while (more)
            if (app_executable(span_until(&value, m->delims->component, &more)))
                (void)snprintf(m->hostile, sizeof m->hostile, "an executable program in OBX-5 (segment %zu)", number);
    }
}

#define ERROR_CODE_MAX 8 /* table 0357 has three digits; local codes are short too */

static void keep_error(struct lab_message *m, struct span code)
{
    if (m->ack_error.n == 0 && code.n <= ERROR_CODE_MAX)
        m->ack_error = code;
}

static void read_msa(struct lab_message *m, struct span segment)
{
    UNCLEARED struct span f[7];
    (void)hl7_fields(m->delims, segment, f, 7);
    m->ack_code = f[1];
    m->ack_for = f[2];
    keep_error(m, hl7_first(m->delims, f[6], 1));
}

/* ERR-3 from v2.5 on; before it the fourth component of ERR-1, whose first subcomponent is the code. */
static void read_err(struct lab_message *m, struct span segment)
{
    UNCLEARED struct span f[4];
    (void)hl7_fields(m->delims, segment, f, 4);
    keep_error(m, hl7_either(hl7_first(m->delims, f[3], 1), hl7_first(m->delims, f[1], 4)));
}

/* An ADD segment: more of the one before it, or the mark that more of it comes in the next message. */
static void read_add(struct hl7_reading *r, struct span segment, struct span before, size_t number)
{
    if (segment.n > 4) {
        r->added = true;
        r->added_first = r->added_first || number == 2;
    } else if (before.n > 0 && hl7_name(before) != NAME('M', 'S', 'H')) {
        r->partial = before;
    }
}

static void read_dsc(const struct hl7_delims *d, struct span segment, struct hl7_reading *r)
{
    UNCLEARED struct span f[3];
    (void)hl7_fields(d, segment, f, 3);
    if (!hl7_null(f[1]))
        r->next = f[1];
    r->interactive = span_is(f[2], "I");
}

struct walk {
    struct app_context *c;
    struct lab_message *m;
    struct hl7_delims *d;
    struct hl7_reading *r;
    bool records;
    bool header;
    bool tells_results;
    uint8_t outer_field; /* the separator of the batch around it */
    struct span before;  /* the segment before this one */
};

/* One segment. `number` is from 1. */
static void read_segment(struct walk *k, struct span segment, uint32_t name, size_t number)
{
    struct lab_message *m = k->m;
    bool add_or_dsc = false;
    switch (name) {
    case NAME('M', 'S', 'H'):
        k->header = true;
        read_msh(m, k->d, k->r, segment);
        k->tells_results = hl7_tells_results(m->type);
        add_or_dsc = true;
        break;
    case NAME('O', 'B', 'X'):
        m->results += k->tells_results;
        if (k->records && !k->tells_results)
            read_document(m, segment);
        break;
    case NAME('M', 'S', 'A'): read_msa(m, segment); break;
    case NAME('E', 'R', 'R'): read_err(m, segment); break;
    case NAME('P', 'I', 'D'):
        m->patients++;
        lab_who(m, hl7_patient(k->d, segment));
        if (!k->tells_results)
            m->patient = hl7_first(k->d, hl7_part(segment, k->d->field, 4), 1);
        break;
    case NAME('M', 'R', 'G'):
        if (!k->tells_results) {
            m->prior_patient = hl7_first(k->d, hl7_part(segment, k->d->field, 2), 1);
            lab_who(m, m->prior_patient);
        }
        break;
    case NAME('O', 'B', 'R'): m->orders += !k->tells_results; break;
    case NAME('S', 'P', 'M'):
    case NAME('S', 'A', 'C'): k->r->specimens = true; break;
    case NAME('A', 'D', 'D'):
        add_or_dsc = true;
        read_add(k->r, segment, k->before, number);
        break;
    case NAME('D', 'S', 'C'):
        add_or_dsc = true;
        read_dsc(k->d, segment, k->r);
        break;
    default: break;
    }
    if (!add_or_dsc)
        k->r->partial = (struct span){0}; /* the mark means something at the end only */
    k->r->only_added = k->r->only_added && add_or_dsc;
    if (m->private != NULL && (name == NAME('P', 'I', 'D') || name == NAME('N', 'K', '1') || name == NAME('I', 'N', '1') ||
                               name == NAME('I', 'N', '2') || name == NAME('G', 'T', '1') || name == NAME('M', 'R', 'G')))
        read_privates(m, segment);
}

/* Does another message, or the end of a batch, begin here? */
static bool ends_message(const struct walk *k, struct span segment, uint32_t name)
{
    switch (name) {
    case NAME('M', 'S', 'H'):
    case NAME('F', 'H', 'S'):
    case NAME('B', 'H', 'S'): return hl7_header(segment);
    case NAME('B', 'T', 'S'):
    case NAME('F', 'T', 'S'): return segment.n == 3 || segment.p[3] == k->d->field || segment.p[3] == k->outer_field;
    default: return false;
    }
}

struct hl7_rest hl7_rest_of(const struct app_context *c, const struct hl7_delims *d, struct span message)
{
    bool noted = c->walked.n >= message.n && c->walked.p == message.p;
    return (struct hl7_rest){.d = d, .text = message, .next = noted ? c->segment : NULL, .end = noted ? c->segment + c->segments : NULL};
}

bool hl7_rest_next(struct hl7_rest *r, struct span *ret, uint32_t *ret_name)
{
    if (r->next == NULL) {
        bool more = hl7_segment(r->d, &r->text, ret);
        *ret_name = more ? hl7_name(*ret) : 0;
        return more;
    }
    if (r->next == r->end || r->next->text.p >= r->text.p + r->text.n)
        return false;
    *ret = r->next->text;
    *ret_name = r->next->name;
    r->next++;
    return true;
}

static void note_segment(struct app_context *c, struct span segment, uint32_t name, size_t number)
{
    if (number <= APP_SEGMENTS)
        c->segment[number - 1] = (struct app_segment){.text = segment, .name = name};
}

static void walk_message(struct walk *k, struct span message, bool header_only)
{
    struct lab_message *m = k->m;
    *k->r = (struct hl7_reading){.only_added = true, .end = message.n};
    m->results = m->patients = m->orders = m->privates = m->whos = m->who_more = m->who_named = 0;
    m->private_cut = m->who_lost = k->header = false;
    k->tells_results = true; /* where no header says what it is */
    k->before = (struct span){0};
    struct span rest = message;
    struct span segment;
    size_t number = 1;
    for (; hl7_segment(k->d, &rest, &segment); number++) {
        uint32_t name = hl7_name(segment);
        if (header_only && k->header)
            break;
        if (k->header && ends_message(k, segment, name)) {
            k->r->end = (size_t)(segment.p - message.p);
            break;
        }
        m->longest = segment.n > m->longest ? segment.n : m->longest;
        if (!hl7_segment_named(k->d, segment))
            lab_malformed(m, "segment %zu (byte %zu): does not begin with a segment name", number, (size_t)(segment.p - message.p));
        read_segment(k, segment, name, number);
        note_segment(k->c, segment, name, number);
        k->before = segment;
    }
    k->c->segments = number - 1;
    k->c->walked = header_only || number > APP_SEGMENTS + 1 ? (struct span){0} : span_of(message.p, k->r->end);
    if (k->r->partial.n > 0 && hl7_name(k->r->partial) == NAME('O', 'B', 'X') && m->results > 0)
        m->results--; /* it is one when it is whole */
    if (header_only)
        m->longest = message.n;
    m->continued = k->r->next.n > 0;
}

/* ── what a message says about its sender ── */

/* The instrument's identifier, where it looks like a serial number: three digits in a row. */
static struct span serial_of(const struct hl7_delims *d, struct span message)
{
    struct span rest = message;
    struct span segment;
    while (hl7_segment(d, &rest, &segment)) {
        if (hl7_name(segment) != NAME('O', 'B', 'X'))
            continue;
        struct span id = hl7_first(d, hl7_part(segment, d->field, 19), 1);
        size_t run = 0;
        for (size_t i = 0; i < id.n && run < 3; i++)
            run = id.p[i] >= '0' && id.p[i] <= '9' ? run + 1 : 0;
        return run == 3 ? id : (struct span){0};
    }
    return (struct span){0};
}

/* IHE LAW says in MSH-21 who speaks: LAB-27 (a query for work) and LAB-29 (results) are an analyzer's, LAB-28 (work) its manager's; the answers are
 * the other's. */
static void law_roles(const struct lab_message *m, bool *analyzer, bool *manager)
{
    bool asks = span_starts(m->profile, SPAN_LIT("LAB-27"));
    bool tells = span_starts(m->profile, SPAN_LIT("LAB-29"));
    bool orders = span_starts(m->profile, SPAN_LIT("LAB-28"));
    bool answers = m->ack_code.n > 0;
    *analyzer = *analyzer || ((asks || tells) && !answers) || (orders && answers);
    *manager = *manager || (orders && !answers) || ((asks || tells) && answers);
}

/* MSH-3 is a name with a universal identifier behind it (HD); devices write into it what they write into H-5. */
static void read_sender(const struct lab_message *m, struct lab_evidence *e)
{
    static const char *const types[] = {"DNS", "GUID", "HCD", "HL7", "ISO", "L", "M", "N", "Random", "URI", "UUID", "x400", "x500"};
    struct span type = hl7_part(m->sender, m->delims->component, 3);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (span_is(type, types[i])) {
            e->model = hl7_part(m->sender, m->delims->component, 1);
            return;
        }
    }
    struct astm_sender sender;
    astm_sender(m->delims, m->sender, &sender);
    e->maker = sender.maker;
    e->model = sender.model;
    e->serial = sender.serial;
    e->software = sender.software;
}

static void tell_evidence(const struct app_where *w, const struct lab_message *m, struct span message)
{
    struct app_side *side = &w->f->side[w->direction];
    bool has_results = m->results > 0 && m->type.n > 0;
    bool sends = has_results;
    bool takes = m->ack_code.n > 0 && w->f->side[!w->direction].sends_results;
    law_roles(m, &sends, &takes);
    if (sends)
        side->sends_results = true;
    if (!w->c->options.flow_records || !app_wants_records(w->c))
        return;
    struct lab_evidence e = {
        .source = "hl7.msh", .sends_results = sends, .takes_results = takes && !sends, .said = m->sender, .facility = m->facility};
    if (sends) {
        read_sender(m, &e);
        struct span serial = has_results ? serial_of(m->delims, message) : (struct span){0};
        e.serial = serial.n > 0 ? serial : e.serial;
    } else if (takes) {
        e.software = m->sender;
    } else {
        return;
    }
    app_evidence(w, &e, m);
}

/* ── a message ── */

/* A block's messages so far. */
struct batch {
    struct hl7_delims d; /* of the last header */
    bool enclosed;       /* FHS or BHS were seen */
    size_t messages;     /* in the block */
    size_t in_batch;     /* since the last BHS */
    char first[64];      /* id of the first */
    bool wide;           /* the block was in 16 or 32 bits, and is UTF-8 by now */
};

/* The number of messages that the end of a batch tells, where it stands behind this message. */
static void check_count(struct lab_message *m, struct span behind, const struct batch *b)
{
    struct span segment;
    uint64_t said;
    if (!b->enclosed || !hl7_segment(m->delims, &behind, &segment) || hl7_name(segment) != NAME('B', 'T', 'S'))
        return;
    if (span_decimal(hl7_part(segment, b->d.field, 2), UINT32_MAX, &said) && said != b->in_batch)
        lab_malformed(m, "BTS-1: the batch holds %zu messages, not %" PRIu64, b->in_batch, said);
}

/* The message as it can be read, and walked again where that is not how it lies. */
static struct span readable(const struct app_where *w, struct walk *k, struct span message, struct buf *plain, struct buf *joined)
{
    struct lab_message *m = k->m;
    struct span text = k->records ? hl7_decoded(w->c, k->d, k->r, message, plain, m) : message;
    if (text.p != message.p)
        walk_message(k, text, false);
    size_t patients = m->patients;
    if (hl7_carry_more(w, k->d, k->r, text, m))
        return span_of(text.p, 0);
    struct span whole = hl7_joined(w, k->d, k->r, text, joined, m);
    if (whole.p == text.p)
        return text;
    walk_message(k, whole, false);
    m->patients = patients; /* not those of the message before */
    return whole;
}

static void put_message(const struct app_where *w, struct walk *k, const struct hl7_content *content, struct span text)
{
    struct lab_message *m = k->m;
    struct span complete = k->r->partial.n > 0 && text.n > 0 ? span_of(text.p, (size_t)(k->r->partial.p - text.p)) : text;
    if (!k->header)
        lab_malformed(m, "MSH: there is none");
    if (m->results > APP_RESULTS_MAX)
        lab_malformed(m, "OBX: results behind the first %d are not read", APP_RESULTS_MAX);
    if (text.n == 0)
        m->results = 0;
    if (k->records)
        lab_marks_hl7(w->c, m, complete);
    lab_put(w, m, content->counted);
    if (k->records && m->results > 0)
        hl7_results(w, m, complete, k->r->specimens);
    else if (k->records && m->orders > 0 && hl7_tells_orders(m->type))
        hl7_orders(w, m, complete, k->r->specimens);
    tell_evidence(w, m, complete);
    if (text.n > 0 && !content->header_only)
        hl7_carry_on(w, k->d, k->r, text, m);
}

/* Reads the message at the start of content->message. Returns its bytes. */
static size_t read_message(const struct app_where *w, const struct hl7_content *content, struct batch *b)
{
    struct app_context *c = w->c;
    UNCLEARED struct lab_message m;
    struct hl7_reading r = {.end = content->message.n};
    struct hl7_delims d = {.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    struct walk k = {.c = c, .m = &m, .d = &d, .r = &r, .records = app_wants_records(c)};
    lab_start(c, &m, "hl7");
    m.delims = &d;
    m.bytes = content->bytes;
    lab_number(w, &m);
    if (b->messages++ == 0)
        memcpy(b->first, m.id, sizeof b->first);
    b->in_batch++;
    m.behind_first = b->messages > 1;
    if (content->flaw[0] != 0)
        lab_malformed(&m, "%s", content->flaw);
    if (!hl7_delims(content->message, &d)) {
        lab_malformed(&m, "MSH: the message does not begin with a segment MSH, FHS or BHS with delimiters");
        m.body = content->message;
        lab_put(w, &m, content->counted);
        return r.end;
    }
    if (!b->enclosed)
        b->d = d;
    k.outer_field = b->d.field;
    d.charset = b->wide ? CHARSET_UTF8 : content->charset;
    walk_message(&k, content->message, content->header_only);
    size_t end = r.end;
    size_t longest = m.longest;
    struct span raw = span_of(content->message.p, end);
    if (k.records && !content->header_only)
        read_programs(c, &m, raw);
    struct span behind = span_of(raw.p + end, content->message.n - end);
    m.body = raw;
    if (b->enclosed || m.behind_first || behind.n > 0) {
        m.batch = b->first;
        m.bytes = end;
        check_count(&m, behind, b);
    }
    if (b->messages == BATCH_MOST && behind.n > 0)
        lab_malformed(&m, "BHS: messages behind the first %d are not read", BATCH_MOST);
    struct buf plain = {0};
    struct buf joined = {0};
    struct span text = content->header_only ? raw : readable(w, &k, raw, &plain, &joined);
    if (k.records && text.p != raw.p)
        read_programs(c, &m, text);
    if (k.records && m.hostile[0] == 0)
        app_hostile(&d, raw, longest, false, m.hostile);
    put_message(w, &k, content, text);
    if (plain.p != NULL)
        app_hold_release(c, &plain);
    if (joined.p != NULL)
        app_hold_release(c, &joined);
    return end;
}

/* ── a block ── */

/* Steps over a segment that encloses messages (FHS, BHS, BTS, FTS), or lies between these and a message, at the start of *rest. */
static bool enclosing(struct batch *b, struct span *rest)
{
    struct span segment;
    while (rest->n > 0 && (rest->p[0] == '\r' || rest->p[0] == '\n'))
        (void)span_skip(rest, 1);
    uint32_t name = hl7_name(*rest);
    bool head = (name == NAME('F', 'H', 'S') || name == NAME('B', 'H', 'S')) && hl7_delims(*rest, &b->d);
    bool tail = name == NAME('B', 'T', 'S') || name == NAME('F', 'T', 'S');
    if (!head && !(tail && b->messages > 0) && !(b->enclosed && name != NAME('M', 'S', 'H') && rest->n > 0))
        return false;
    b->enclosed = b->enclosed || head;
    b->in_batch = head ? 0 : b->in_batch;
    return hl7_segment(&b->d, rest, &segment);
}

/* A block in 16 or 32 bits becomes UTF-8 in *plain, as far as there is room. True: it was one. */
static bool widen(struct app_context *c, struct hl7_content *content, struct buf *plain)
{
    struct span *message = &content->message;
    enum charset set = charset_by_start(*message);
    if (set == CHARSET_NONE)
        return false;
    if (set == CHARSET_UTF8) { /* a mark in front, and nothing else to do */
        (void)span_skip(message, 3);
        return false;
    }
    struct charset_reader r = {.base = set};
    struct span rest = *message;
    uint8_t piece[4096];
    bool over;
    while (rest.n > 0)
        if (!app_hold(c, plain, span_of(piece, charset_read(&r, &rest, piece, sizeof piece)), &over)) {
            content->flaw = content->flaw[0] != 0 ? content->flaw : "message of 16-bit characters is over a limit";
            break;
        }
    *message = buf_span(plain);
    return true;
}

void hl7_block(const struct app_where *w, const struct hl7_content *content)
{
    struct batch b = {.d = {.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'}};
    struct hl7_content one = *content;
    struct buf plain = {0};
    b.wide = widen(w->c, &one, &plain);
    struct span rest = one.message;
    while (enclosing(&b, &rest))
        ;
    if (rest.n > 0)
        one.message = rest;
    else
        rest = one.message; /* nothing is enclosed */
    for (;;) {
        (void)span_skip(&rest, read_message(w, &one, &b));
        while (enclosing(&b, &rest))
            ;
        if (rest.n == 0 || one.header_only || b.messages == BATCH_MOST)
            break;
        one.message = rest;
        one.flaw = "";
    }
    if (plain.p != NULL)
        app_hold_release(w->c, &plain);
}

void hl7_commit(const struct app_where *w, bool stored)
{
    struct lab_message m;
    uint64_t answered = w->f->side[!w->direction].ordinal;
    char id[64];
    lab_start(w->c, &m, "hl7");
    m.bytes = 1;
    lab_number(w, &m);
    m.type = stored ? SPAN_LIT("MLLP.ACK") : SPAN_LIT("MLLP.NAK");
    m.ack_code = stored ? SPAN_LIT("ACK") : SPAN_LIT("NAK");
    if (answered > 0) {
        (void)snprintf(id, sizeof id, "f%" PRIu64 ".%d.%" PRIu64, w->flow->id, !w->direction, answered);
        m.ack_message = id;
    }
    lab_put(w, &m, false);
}
