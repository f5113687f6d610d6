/* HL7 over MLLP: blocks → messages → records.
 *
 * 1. A block is one message, counted once, when its end is seen; so is a block with a hole (bytes that the capture lost) whose end, or successor, is
 * seen. A block that the sender cut off (a new one begins, the stream ends) is reported as malformed, and not counted.
 * 2. While a block lies in one segment it is read in place; otherwise its content is kept in hl7_side.text, never beyond the limits.
 * 3. Behind a hole reading goes on at the next segment end, and the segment before the hole is dropped: no value is read from a torn segment.
 * 4. A batch (FHS, BHS) in one block is one message; all its results are read.
 * 5. lab.message comes first, then its results in the order of their OBX. */
#include "engine/sense/app_private.h"

#include <inttypes.h>
#include <stdio.h>

#define FIELDS 15 /* of an OBX segment, as far as they are used */
#define FLAGS_MAX 24
#define NAME(a, b, c) HL7_NAME(a, b, c)

struct results_walk {
    struct span patient;
    struct span specimen;
    struct span order_obr;
    struct span order_orc;
    struct span observed;
    bool specimen_first; /* SPM or SAC come before the OBR that they belong to (OUL, OML), not behind it (ORU) */
    bool obr_seen;
    bool orc_used;
};

static struct span first_part(const struct hl7_delims *d, struct span field, size_t component)
{
    struct span s = hl7_part(hl7_part(field, d->repetition, 1), d->component, component);
    s = hl7_part(s, d->sub, 1);
    return hl7_null(s) ? (struct span){0} : s;
}

static struct span either(struct span a, struct span b)
{
    return a.n > 0 ? a : b;
}

/* ── first walk: the message ── */

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

static void read_msh(struct lab_message *m, struct span segment)
{
    UNCLEARED struct span f[19];
    (void)hl7_fields(m->delims, segment, f, 19);
    m->sender = either(f[3], f[4]);
    m->receiver = either(f[5], f[6]);
    m->sent = f[7];
    read_type(m, f[9]);
    m->control_id = f[10];
    m->version = hl7_part(f[12], m->delims->component, 1);
    m->charset = hl7_part(f[18], m->delims->repetition, 1);
    if (m->delims->encoding_missing)
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

static void read_obx(struct lab_message *m, struct span segment, size_t number)
{
    m->results++;
    if (m->hostile[0] != 0)
        return;
    UNCLEARED struct span f[7];
    if (segment.n < APP_EXECUTABLE_MIN || span_split(segment, m->delims->field, f, 7) < 6 || f[5].n < APP_EXECUTABLE_MIN)
        return;
    bool more = true;
    while (more)
        if (app_executable(span_until(&f[5], m->delims->component, &more)))
            (void)snprintf(m->hostile, sizeof m->hostile, "an executable program in OBX-5 (segment %zu)", number);
}

/* What the walks share with block(). */
struct content {
    struct span message;
    uint64_t bytes;
    bool header_only; /* over a limit: only its beginning is here */
};

static bool walk_message(struct lab_message *m, const struct content *content, bool records)
{
    struct span rest = content->message;
    struct span segment;
    bool header = false;
    bool specimens = false;
    for (size_t number = 1; hl7_segment(m->delims, &rest, &segment); number++) {
        uint32_t name = hl7_name(segment);
        if (content->header_only && header) {
            m->longest = content->message.n;
            break;
        }
        m->longest = segment.n > m->longest ? segment.n : m->longest;
        if (name == NAME('M', 'S', 'H') && !header) {
            header = true;
            read_msh(m, segment);
        } else if (name == NAME('O', 'B', 'X')) {
            if (records)
                read_obx(m, segment, number);
            else
                m->results++;
        } else if (name == NAME('M', 'S', 'A')) {
            m->ack_code = hl7_part(segment, m->delims->field, 2);
            m->ack_for = hl7_part(segment, m->delims->field, 3);
        } else if (name == NAME('P', 'I', 'D')) {
            m->patients++;
        } else if (name == NAME('S', 'P', 'M') || name == NAME('S', 'A', 'C')) {
            specimens = true;
        }
        if (!hl7_segment_named(m->delims, segment))
            lab_malformed(m, "segment %zu (byte %zu): does not begin with a segment name", number, (size_t)(segment.p - content->message.p));
        if (m->private != NULL && (name == NAME('P', 'I', 'D') || name == NAME('N', 'K', '1') || name == NAME('I', 'N', '1') ||
                                   name == NAME('I', 'N', '2') || name == NAME('G', 'T', '1') || name == NAME('M', 'R', 'G')))
            read_privates(m, segment);
    }
    if (!header)
        lab_malformed(m, "MSH: there is none");
    if (m->results > APP_RESULTS_MAX)
        lab_malformed(m, "OBX: results behind the first %d are not read", APP_RESULTS_MAX);
    return specimens;
}

/* ── second walk: the results ── */

static void read_specimen(const struct hl7_delims *d, struct span segment, bool sac, struct results_walk *r)
{
    UNCLEARED struct span f[4];
    (void)hl7_fields(d, segment, f, 4);
    if (sac)
        r->specimen = either(r->specimen, first_part(d, f[3], 1));
    else
        r->specimen = either(first_part(d, f[2], 1), first_part(d, f[2], 2));
}

/* In ORU the specimen follows the observations that it belongs to: looks for it in the rest of this order's group. */
static void look_ahead(const struct hl7_delims *d, struct span rest, struct results_walk *r)
{
    struct span segment;
    r->specimen = (struct span){0};
    while (hl7_segment(d, &rest, &segment)) {
        uint32_t name = hl7_name(segment);
        if (name == NAME('O', 'B', 'R') || name == NAME('O', 'R', 'C') || name == NAME('P', 'I', 'D') || name == NAME('M', 'S', 'H'))
            return;
        if (name == NAME('S', 'P', 'M')) {
            read_specimen(d, segment, false, r);
            return;
        }
    }
}

static void read_pid(const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    UNCLEARED struct span f[5];
    (void)hl7_fields(d, segment, f, 5);
    *r = (struct results_walk){.patient = either(first_part(d, f[3], 1), either(first_part(d, f[2], 1), first_part(d, f[4], 1)))};
}

static void read_obr(const struct hl7_delims *d, struct span segment, struct span rest, bool specimens, struct results_walk *r)
{
    UNCLEARED struct span f[8];
    (void)hl7_fields(d, segment, f, 8);
    r->order_obr = either(first_part(d, f[2], 1), first_part(d, f[3], 1));
    if (r->orc_used)
        r->order_orc = (struct span){0};
    r->observed = f[7];
    r->obr_seen = true;
    if (specimens && !r->specimen_first)
        look_ahead(d, rest, r);
}

static void read_orc(const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    UNCLEARED struct span f[4];
    (void)hl7_fields(d, segment, f, 4);
    r->order_orc = either(first_part(d, f[2], 1), first_part(d, f[3], 1));
    r->orc_used = false;
}

static void put_flags(struct app_context *c, const struct hl7_delims *d, struct span field)
{
    bool more = field.n > 0 && c->wanted[KEY_FLAGS];
    for (size_t i = 0; more && i < FLAGS_MAX; i++) {
        struct span flag = span_until(&field, d->repetition, &more);
        lab_text(c, d, KEY_FLAGS, hl7_part(flag, d->component, 1), APP_FOREIGN_MAX);
    }
}

/* The identifier in OBX-6; a power that the sender did not escape ("10^3/uL") stays whole. */
static struct span units_of(const struct hl7_delims *d, struct span field)
{
    struct span code = hl7_part(field, d->component, 1);
    struct span next = hl7_part(field, d->component, 2);
    if (code.n >= 2 && code.n <= 3 && memcmp(code.p + code.n - 2, "10", 2) == 0 && next.n > 0 && next.p[0] >= '0' && next.p[0] <= '9')
        code.n += 1 + next.n;
    return code;
}

static void put_result(const struct app_where *w, const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    struct app_context *c = w->c;
    UNCLEARED struct span f[FIELDS];
    (void)hl7_fields(d, segment, f, FIELDS);
    const struct hl7_delims *escaped = span_find(&segment, d->escape) < segment.n ? d : NULL;
    struct span id[7] = {0};
    (void)span_split(hl7_part(f[3], d->repetition, 1), d->component, id, 7);
    const struct span *test = id[0].n > 0 ? id : id + 3; /* the alternate identifier where the first is empty */
    lab_text(c, escaped, KEY_TEST_CODE, test[0], APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_TEST_SYSTEM, test[2], APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_TEST_TEXT, test[1], APP_FOREIGN_MAX);
    struct span order = either(r->order_obr, r->order_orc);
    r->orc_used = true;
    lab_text(c, d, KEY_PATIENT, r->patient, APP_IDENTITY_MAX);
    lab_text(c, d, KEY_SPECIMEN, either(r->specimen, order), APP_IDENTITY_MAX);
    lab_text(c, d, KEY_ORDER, order, APP_IDENTITY_MAX);
    lab_value(c, escaped, f[5]);
    lab_text(c, escaped, KEY_VALUE_TYPE, f[2], APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_UNITS, units_of(d, f[6]), APP_FOREIGN_MAX);
    put_flags(c, d, f[8]);
    lab_text(c, escaped, KEY_STATUS, f[11], APP_FOREIGN_MAX);
    lab_time(c, either(f[14], r->observed));
    record_put(&c->options.sink, &c->record);
}

static void walk_results(const struct app_where *w, const struct lab_message *m, struct span message, bool specimens)
{
    const struct hl7_delims *d = m->delims;
    size_t shared = lab_results_start(w, m);
    struct results_walk r = {0};
    struct span rest = message;
    struct span segment;
    size_t left = APP_RESULTS_MAX;
    while (left > 0 && hl7_segment(d, &rest, &segment)) {
        switch (hl7_name(segment)) {
        case NAME('P', 'I', 'D'): read_pid(d, segment, &r); break;
        case NAME('S', 'P', 'M'):
        case NAME('S', 'A', 'C'):
            if (!r.obr_seen)
                r.specimen_first = true;
            if (r.specimen_first)
                read_specimen(d, segment, hl7_name(segment) == NAME('S', 'A', 'C'), &r);
            break;
        case NAME('O', 'R', 'C'): read_orc(d, segment, &r); break;
        case NAME('O', 'B', 'R'): read_obr(d, segment, rest, specimens, &r); break;
        case NAME('O', 'B', 'X'):
            lab_result_next(w->c, shared);
            put_result(w, d, segment, &r);
            left--;
            break;
        default: break;
        }
    }
}

/* ── a message ── */

static bool is_result_message(const struct lab_message *m)
{
    return m->results > 0 && (span_starts(m->type, SPAN_LIT("ORU")) || span_starts(m->type, SPAN_LIT("OUL")));
}

/* The instrument's identifier, where it looks like a serial number: three digits in a row. */
static struct span serial_of(const struct hl7_delims *d, struct span message)
{
    struct span rest = message;
    struct span segment;
    while (hl7_segment(d, &rest, &segment)) {
        if (hl7_name(segment) != NAME('O', 'B', 'X'))
            continue;
        struct span id = first_part(d, hl7_part(segment, d->field, 19), 1);
        size_t run = 0;
        for (size_t i = 0; i < id.n && run < 3; i++)
            run = id.p[i] >= '0' && id.p[i] <= '9' ? run + 1 : 0;
        return run == 3 ? id : (struct span){0};
    }
    return (struct span){0};
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
    bool sends = is_result_message(m);
    if (sends)
        side->sends_results = true;
    if (!w->c->options.flow_records || !app_wants_records(w->c))
        return;
    struct lab_evidence e = {.source = "hl7.msh", .sends_results = sends};
    e.takes_results = m->ack_code.n > 0 && w->f->side[!w->direction].sends_results;
    struct span rest = message;
    struct span header;
    if (hl7_segment(m->delims, &rest, &header))
        e.facility = first_part(m->delims, hl7_part(header, m->delims->field, 4), 1);
    e.said = m->sender;
    if (sends) {
        read_sender(m, &e);
        struct span serial = serial_of(m->delims, message);
        e.serial = serial.n > 0 ? serial : e.serial;
    } else if (e.takes_results) {
        e.software = m->sender;
    } else {
        return;
    }
    app_evidence(w, &e, m);
}

static void message(const struct app_where *w, const struct content *content, const char *flaw, bool counted)
{
    struct lab_message m;
    struct hl7_delims d = {.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    lab_start(w->c, &m, "hl7");
    m.delims = &d;
    m.bytes = content->bytes;
    lab_number(w, &m);
    if (flaw[0] != 0)
        lab_malformed(&m, "%s", flaw);
    if (!hl7_delims(content->message, &d)) {
        lab_malformed(&m, "MSH: the message does not begin with a segment MSH, FHS or BHS with delimiters");
        lab_put(w, &m, counted);
        return;
    }
    bool records = app_wants_records(w->c);
    bool specimens = walk_message(&m, content, records);
    if (records && m.hostile[0] == 0)
        app_hostile(&d, content->message, m.longest, false, m.hostile);
    lab_put(w, &m, counted);
    if (records && m.results > 0)
        walk_results(w, &m, content->message, specimens);
    tell_evidence(w, &m, content->message);
}

/* ── blocks ── */

static void block_start(struct hl7_side *s)
{
    s->whole = (struct span){0};
    s->bytes = 0;
    s->over = s->starved = s->hole = s->skip_line = false;
    s->framed = true;
}

/* Of a message over a limit its beginning is kept, the same however the stream is cut. */
static void keep(const struct app_where *w, struct hl7_side *s, struct span part)
{
    if (s->over || s->starved || part.n == 0)
        return;
    bool over;
    if (app_hold(w->c, &s->text, part, &over))
        return;
    if (over)
        s->over = true;
    else
        s->starved = true;
    app_hold_shrink(w->c, &s->text, APP_KEEP_OVERSIZE);
    size_t room = APP_KEEP_OVERSIZE - s->text.n;
    if (part.n > room)
        part.n = room;
    (void)app_hold(w->c, &s->text, part, &over);
}

static void flush(const struct app_where *w, struct hl7_side *s)
{
    struct span whole = s->whole;
    s->whole = (struct span){0};
    keep(w, s, whole);
}

static void part(const struct app_where *w, struct hl7_side *s, struct span bytes, struct span input)
{
    s->bytes += bytes.n;
    if (s->skip_line) {
        size_t at = span_find(&bytes, '\r');
        s->skip_line = at == bytes.n;
        (void)span_skip(&bytes, s->skip_line ? at : at + 1);
    }
    bool in_place = bytes.n > 0 && bytes.p >= input.p && bytes.p < input.p + input.n;
    if (in_place && s->whole.n == 0 && s->text.n == 0 && !s->hole) {
        s->whole = bytes;
        return;
    }
    flush(w, s);
    keep(w, s, bytes);
}

/* The flaws of a block's framing, the worst first. */
static void flaw_of(const struct app_where *w, const struct hl7_side *s, const char *cut_off, char out[APP_REASON])
{
    size_t limit = w->c->options.limits.message;
    if (s->over || s->bytes > limit)
        (void)snprintf(out, APP_REASON, "message of %" PRIu64 " bytes is over the limit of %zu", s->bytes, limit);
    else if (s->starved)
        (void)snprintf(out, APP_REASON, "message of %" PRIu64 " bytes could not be kept: too many unfinished messages", s->bytes);
    else if (s->hole)
        (void)snprintf(out, APP_REASON, "bytes are missing at byte %" PRIu64 ": the capture lost them", s->hole_at);
    else if (cut_off != NULL)
        (void)snprintf(out, APP_REASON, "framing: %s at byte %" PRIu64, cut_off, s->bytes);
    else if (s->mllp.end_without_cr)
        (void)snprintf(out, APP_REASON, "framing: no 0x0D after the 0x1C at byte %" PRIu64, s->bytes);
    else if (s->junk > 0 && s->framed)
        (void)snprintf(out, APP_REASON, "framing: %" PRIu64 " bytes outside a block before this one", s->junk);
    else
        out[0] = 0;
}

static bool is_commit(struct span content)
{
    return content.n == 1 && (content.p[0] == 0x06 || content.p[0] == 0x15);
}

/* The open block is over; cut_off says how, where it is not complete. */
static void block_end(const struct app_where *w, struct hl7_side *s, const char *cut_off)
{
    if (s->over || s->starved)
        flush(w, s);
    bool split = s->text.n > 0;
    if (split)
        flush(w, s);
    struct content content = {.message = split ? buf_span(&s->text) : s->whole, .bytes = s->bytes};
    size_t limit = w->c->options.limits.message;
    if (content.message.n > limit)
        content.message.n = APP_KEEP_OVERSIZE;
    content.header_only = s->over || s->starved || s->bytes > limit;
    char flaw[APP_REASON];
    flaw_of(w, s, cut_off, flaw);
    if (!is_commit(content.message))
        message(w, &content, flaw, cut_off == NULL || s->hole);
    if (s->text.p != NULL)
        app_hold_release(w->c, &s->text);
    s->whole = (struct span){0};
    s->bytes = s->junk = 0;
    s->hole = false;
}

static void junk(struct hl7_side *s, struct span bytes)
{
    if (!s->framed || s->lost_between)
        return; /* a capture that begins, or goes on, in the middle of a message */
    for (size_t i = 0; i < bytes.n; i++)
        s->junk += bytes.p[i] != '\r' && bytes.p[i] != '\n';
}

bool app_hl7_probe(struct hl7_side *s, struct span *in)
{
    struct span got;
    for (;;) {
        switch (mllp_next(&s->mllp, in, &got)) {
        case MLLP_START: block_start(s); return true;
        case MLLP_MORE: return false;
        default: break;
        }
    }
}

void app_hl7_data(const struct app_where *w, struct span bytes)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    s->mllp.any_block = true;
    struct span in = bytes;
    struct span got = {0};
    for (;;) {
        switch (mllp_next(&s->mllp, &in, &got)) {
        case MLLP_MORE: flush(w, s); return;
        case MLLP_JUNK: junk(s, got); break;
        case MLLP_RESTART:
            block_end(w, s, "the block is not ended and another one begins");
            block_start(s);
            break;
        case MLLP_START:
            s->lost_between = false;
            block_start(s);
            break;
        case MLLP_CONTENT: part(w, s, got, bytes); break;
        case MLLP_END: block_end(w, s, NULL); break;
        }
    }
}

void app_hl7_gap(const struct app_where *w)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    mllp_gap(&s->mllp);
    if (s->mllp.state == MLLP_IDLE) {
        s->lost_between = true;
        return;
    }
    if (!s->hole)
        s->hole_at = s->bytes;
    s->hole = s->skip_line = true;
    while (s->text.n > 0 && s->text.p[s->text.n - 1] != '\r')
        s->text.n--;
}

void app_hl7_close(const struct app_where *w)
{
    struct hl7_side *s = &w->f->side[w->direction].hl7;
    enum mllp_event event = mllp_close(&s->mllp);
    if (event == MLLP_END) {
        block_end(w, s, NULL);
    } else if (event == MLLP_RESTART) {
        s->hole = false; /* whether its end was lost is not known: it is not counted */
        block_end(w, s, "the stream ends before the block does");
    } else if (s->junk > 0) {
        struct content none = {.bytes = s->junk};
        char flaw[APP_REASON];
        (void)snprintf(flaw, sizeof flaw, "framing: %" PRIu64 " bytes outside a block at the end of the stream", s->junk);
        message(w, &none, flaw, false);
    }
    s->junk = 0;
}
