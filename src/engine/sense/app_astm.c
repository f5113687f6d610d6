/* ASTM E1381 and E1394: sessions → messages → records.
 *
 * 1. Text of a frame counts when its checksum holds and it is no repeat (wire/astm_link.h says how frames are counted); it is kept in astm_side.text
 * until its message is complete.
 * 2. A message goes from H to L. It is counted when its L record is complete, or at EOT when no L came. A message that is not ended in either way
 * (the sender begins again, the stream ends) is reported as malformed, and not counted: senders send it again.
 * 3. Records are counted by type when their message is counted, so that what is sent again after an abort counts once.
 * 4. A message whose beginning was not captured has no H: it is reported, its results are read with the usual delimiters; it is counted only where a
 * hole in the capture took the H.
 * 5. A sender may leave the frames out: an H record and the start of another record, each at the start of a line, begin such a message. From there on
 * each line that CR or LF ends is a record, up to the L record (or EOT, or frames: text is text).
 * 6. Over a limit, the first bytes are kept, whole records behind them are looked at and dropped; the L, or EOT, still ends the message. */
#include "engine/sense/app_private.h"

#include <inttypes.h>
#include <stdio.h>

#define FIELDS 15
#define HEADER_MAX 1024 /* longest H record that a message without frames may begin with */

static const struct hl7_delims usual = {.field = '|', .repetition = '\\', .component = '^', .escape = '&', .sub = 0};

/* The letter of a record. */
static bool is_type(uint8_t c)
{
    return c != 0 && strchr("HPORCQLMShporcqlms", c) != NULL;
}

/* A field of one letter, of these. */
static bool is_one_of(struct span field, const char *letters)
{
    return field.n == 1 && field.p[0] != 0 && strchr(letters, field.p[0]) != NULL;
}

/* ── a message ── */

struct reading {
    struct span patient;
    struct span specimen;
    const char *material;
    bool control;  /* of quality: the order */
    bool controls; /* the whole message */
    size_t by_type[26];
};

static void read_header(struct lab_message *m, struct span record)
{
    UNCLEARED struct span f[FIELDS];
    (void)astm_fields(m->delims, record, f, FIELDS);
    m->control_id = f[3];
    lab_private(m, f[4]); /* a password */
    m->sender = f[5];
    m->receiver = f[10];
    m->version = f[13];
    m->processing = span_is(f[12], "T") ? "T" : span_is(f[12], "D") ? "D" : NULL;
    m->sent = f[14];
}

static void read_privates(struct lab_message *m, struct span record)
{
    bool more = true;
    for (size_t i = 1; more; i++) {
        struct span field = span_until(&record, m->delims->field, &more);
        if (i > 2)
            lab_private(m, field);
    }
}

static struct span patient_of(const struct hl7_delims *d, struct span record)
{
    UNCLEARED struct span f[6];
    struct span patient = {0};
    (void)astm_fields(d, record, f, 6);
    for (size_t i = 3; i < 6 && patient.n == 0; i++)
        patient = astm_first_component(d, f[i]);
    return patient;
}

static void read_who(struct lab_message *m, struct span record)
{
    lab_who(m, patient_of(m->delims, record));
    if (m->private != NULL)
        read_privates(m, record);
}

static void name_type(struct lab_message *m, const struct reading *r)
{
    m->results = r->by_type['R' - 'A'];
    m->patients = r->by_type['P' - 'A'];
    if (m->results > 0)
        m->type = SPAN_LIT("ASTM.RESULT");
    else if (r->by_type['Q' - 'A'] > 0)
        m->type = SPAN_LIT("ASTM.QUERY");
    else if (r->by_type['O' - 'A'] > 0)
        m->type = SPAN_LIT("ASTM.ORDER");
    else
        m->type = SPAN_LIT("ASTM.MESSAGE");
}

static void walk_message(struct lab_message *m, struct span message, struct reading *r, bool records)
{
    m->whos = m->who_more = m->who_named = 0;
    m->who_lost = false;
    struct span rest = message;
    struct span record;
    for (size_t number = 1; astm_record(&rest, &record); number++) {
        uint8_t type = astm_type(m->delims, record);
        m->longest = record.n > m->longest ? record.n : m->longest;
        if (type == 0) {
            lab_malformed(m, "record %zu (byte %zu): does not begin with a record type", number, (size_t)(record.p - message.p));
            continue;
        }
        r->by_type[type - 'A']++;
        if (type == 'H')
            read_header(m, record);
        else if (type == 'P')
            read_who(m, record);
        else if (type == 'L' && is_one_of(hl7_part(record, m->delims->field, 3), "TREtre"))
            lab_malformed(m, "L-3: the message was given up");
        else if (type == 'R' && records && m->hostile[0] == 0 && app_executable(hl7_part(record, m->delims->field, 4)))
            (void)snprintf(m->hostile, sizeof m->hostile, "an executable program in R-4 (record %zu)", number);
    }
    name_type(m, r);
    if (m->results > APP_RESULTS_MAX)
        lab_malformed(m, "R: results behind the first %d are not read", APP_RESULTS_MAX);
}

static void put_flags(struct app_context *c, const struct hl7_delims *d, const struct hl7_delims *escaped, struct span field)
{
    bool more = field.n > 0;
    for (size_t i = 0; more && i < 24; i++)
        lab_text(c, escaped, KEY_FLAGS, span_until(&field, d->repetition, &more), APP_FOREIGN_MAX);
}

static void put_result(struct app_context *c, const struct hl7_delims *d, struct span record, const struct reading *r)
{
    UNCLEARED struct span f[FIELDS];
    struct span code, text;
    (void)astm_fields(d, record, f, FIELDS);
    const struct hl7_delims *escaped = span_find(&record, d->escape) < record.n ? d : NULL;
    astm_test(d, f[3], &code, &text);
    lab_text(c, escaped, KEY_TEST_CODE, code, APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_TEST_TEXT, text, APP_FOREIGN_MAX);
    lab_text(c, d, KEY_PATIENT, r->patient, APP_IDENTITY_MAX);
    lab_text(c, d, KEY_SPECIMEN, r->specimen, APP_IDENTITY_MAX);
    lab_value(c, escaped, f[4]);
    lab_text(c, escaped, KEY_UNITS, f[5], APP_FOREIGN_MAX); /* no components: "10^3/uL" is one unit */
    put_flags(c, d, escaped, f[7]);
    lab_text(c, escaped, KEY_STATUS, f[9], APP_FOREIGN_MAX);
    if (r->control || r->controls)
        record_str(&c->record, KEY_SPECIMEN_ROLE, "Q"); /* O-12 or H-12, in the words of HL7's SPM-11 */
    lab_time(c, f[13].n > 0 ? f[13] : f[12]);
    lab_range(c, escaped, f[6]);
    lab_text(c, escaped, KEY_TEST_ALTERNATE, lab_test_name(code, text), APP_FOREIGN_MAX);
    if (r->material != NULL)
        record_str(&c->record, KEY_MATERIAL, r->material);
    record_put(&c->options.sink, &c->record);
}

static void read_patient(const struct hl7_delims *d, struct span record, struct reading *r)
{
    *r = (struct reading){.controls = r->controls, .patient = patient_of(d, record)};
}

static void read_order(const struct hl7_delims *d, struct span record, struct reading *r)
{
    UNCLEARED struct span f[17];
    (void)astm_fields(d, record, f, 17);
    r->control = is_one_of(f[12], "Qq");
    r->material = lab_material(astm_first_component(d, f[16]));
    r->specimen = astm_specimen(d, f[3]);
    if (r->specimen.n == 0)
        r->specimen = astm_specimen(d, f[4]);
}

/* The tests of an O record: O-5 repeats. O-12: C takes back; N, A and nothing ask. */
static void put_orders(const struct app_where *w, const struct hl7_delims *d, struct span record, const struct reading *r, size_t shared,
                       size_t *left)
{
    struct app_context *c = w->c;
    struct span tests = hl7_part(record, d->field, 5);
    struct span action = hl7_part(record, d->field, 12);
    const char *priority = lab_priority(hl7_part(record, d->field, 6));
    bool more = true;
    for (; more && *left > 0; --*left) {
        struct span code, text;
        astm_test(d, span_until(&tests, d->repetition, &more), &code, &text);
        lab_result_next(c, shared);
        lab_text(c, d, KEY_TEST_CODE, code, APP_FOREIGN_MAX);
        lab_text(c, d, KEY_TEST_TEXT, text, APP_FOREIGN_MAX);
        lab_text(c, d, KEY_PATIENT, r->patient, APP_IDENTITY_MAX);
        lab_text(c, d, KEY_SPECIMEN, r->specimen, APP_IDENTITY_MAX);
        if (r->control || r->controls)
            record_str(&c->record, KEY_SPECIMEN_ROLE, "Q");
        record_str(&c->record, KEY_ACTION, is_one_of(action, "Cc") ? "cancel" : action.n == 0 || is_one_of(action, "NnAaQq") ? "new" : "other");
        record_str(&c->record, KEY_PRIORITY, priority);
        record_put(&c->options.sink, &c->record);
    }
}

static void walk_orders(const struct app_where *w, const struct lab_message *m, struct span message)
{
    const struct hl7_delims *d = m->delims;
    size_t shared = lab_results_start(w, m);
    struct reading r = {0};
    struct span rest = message;
    struct span record;
    size_t left = APP_ORDERS_MAX;
    while (left > 0 && astm_record(&rest, &record)) {
        uint8_t type = astm_type(d, record);
        if (type == 'H')
            r.controls = is_one_of(hl7_part(record, d->field, 12), "Qq");
        else if (type == 'P')
            read_patient(d, record, &r);
        else if (type == 'O') {
            read_order(d, record, &r);
            put_orders(w, d, record, &r, shared, &left);
        }
    }
}

static void walk_results(const struct app_where *w, const struct lab_message *m, struct span message)
{
    const struct hl7_delims *d = m->delims;
    size_t shared = lab_results_start(w, m);
    struct reading r = {0};
    struct span rest = message;
    struct span record;
    size_t left = APP_RESULTS_MAX;
    while (left > 0 && astm_record(&rest, &record)) {
        switch (astm_type(d, record)) {
        case 'H': r.controls = is_one_of(hl7_part(record, d->field, 12), "Qq"); break;
        case 'P': read_patient(d, record, &r); break;
        case 'O': read_order(d, record, &r); break;
        case 'R':
            lab_result_next(w->c, shared);
            put_result(w->c, d, record, &r);
            left--;
            break;
        default: break;
        }
    }
}

static void tell_evidence(const struct app_where *w, const struct lab_message *m, const struct reading *r)
{
    struct astm_sender sender;
    if (!w->c->options.flow_records || !app_wants_records(w->c) || m->sender.n == 0)
        return;
    astm_sender(m->delims, m->sender, &sender);
    struct lab_evidence e = {.source = "astm.h", .maker = sender.maker, .model = sender.model, .serial = sender.serial, .software = sender.software};
    e.sends_results = m->results > 0 || r->by_type['Q' - 'A'] > 0; /* analyzers ask, hosts answer with orders */
    e.takes_results = !e.sends_results && r->by_type['O' - 'A'] > 0;
    if (e.takes_results)
        e = (struct lab_evidence){.source = e.source, .software = m->sender, .takes_results = true};
    e.said = m->sender;
    app_evidence(w, &e, m);
}

static void flaw_of(const struct app_where *w, const struct astm_side *s, const char *not_ended, struct lab_message *m)
{
    if (s->over)
        lab_malformed(m, "message of %" PRIu64 " bytes is over the limit of %zu", s->bytes, w->c->options.limits.message);
    else if (s->starved)
        lab_malformed(m, "message of %" PRIu64 " bytes could not be kept: too many unfinished messages", s->bytes);
    else if (s->hole)
        lab_malformed(m, "frames are missing: the capture lost bytes");
    else if (not_ended != NULL)
        lab_malformed(m, "framing: %s (byte %" PRIu64 ")", not_ended, s->bytes);
    else if (s->frame_lost)
        lab_malformed(m, "framing: a frame number is skipped");
    else if (!s->header)
        lab_malformed(m, "H: the message has no header record");
}

static void message(const struct app_where *w, struct astm_side *s, struct span text, const char *not_ended, bool counted)
{
    struct app_context *c = w->c;
    UNCLEARED struct lab_message m;
    struct reading r = {0};
    bool records = app_wants_records(c);
    bool cut = s->over || s->starved;
    counted = counted && (s->header || s->hole);
    lab_start(c, &m, "astm");
    m.delims = s->header ? &s->delims : &usual;
    m.bytes = cut ? s->bytes : text.n;
    m.body = text;
    lab_number(w, &m);
    struct buf plain = {0};
    text = lab_decoded(c, &m, text, &plain);
    flaw_of(w, s, not_ended, &m);
    walk_message(&m, text, &r, records);
    if (cut)
        m.results = 0; /* they are not read */
    if (records && m.hostile[0] == 0)
        app_hostile(m.delims, text, m.longest, true, m.hostile);
    if (counted || !s->header)
        for (size_t i = 0; i < 26; i++)
            c->counters->astm_records[i] += r.by_type[i];
    if (records)
        lab_marks_astm(c, &m, text);
    lab_put(w, &m, counted);
    if (records && m.results > 0)
        walk_results(w, &m, text);
    else if (records && r.by_type['O' - 'A'] > 0 && r.by_type['Q' - 'A'] == 0)
        walk_orders(w, &m, text);
    tell_evidence(w, &m, &r);
    if (plain.p != NULL)
        app_hold_release(c, &plain);
}

/* ── the open message ── */

/* The text before this offset is done with. The bytes go when settle is called. */
static void forget(struct astm_side *s, size_t to)
{
    s->start = to;
    s->bytes = s->text.n - to;
    s->header = s->frame_lost = s->over = s->starved = s->hole = false;
}

/* Moves the text [from, end of buffer) down to `to`: once for many records, however many messages a frame holds. */
static void close_up(struct astm_side *s, size_t to, size_t from)
{
    memmove(s->text.p + to, s->text.p + from, s->text.n - from);
    s->text.n -= from - to;
    s->frame_at -= from - to;
    s->parsed -= from - to;
}

static void settle(const struct app_where *w, struct astm_side *s)
{
    if (s->start > 0)
        close_up(s, 0, s->start);
    s->start = 0;
    if (s->text.n == 0 && s->text.p != NULL)
        app_hold_release(w->c, &s->text);
}

static void drop_all(const struct app_where *w, struct astm_side *s)
{
    s->parsed = s->frame_at = s->text.n;
    forget(s, s->text.n);
    settle(w, s);
}

static void cut_to_record(struct astm_side *s)
{
    while (s->text.n > 0 && s->text.p[s->text.n - 1] != '\r')
        s->text.n--;
}

/* The text passes a limit: of the message its first whole records are kept, also when they are in this frame. */
static void cut_frame(const struct app_where *w, struct astm_side *s, struct span text)
{
    bool over;
    bool first = s->frame_at == 0;
    size_t left = first ? s->text.n : s->frame_at;
    s->frame_cut = true;
    app_hold_shrink(w->c, &s->text, left < APP_KEEP_OVERSIZE ? left : APP_KEEP_OVERSIZE);
    if (first && s->text.n < APP_KEEP_OVERSIZE) {
        size_t room = APP_KEEP_OVERSIZE - s->text.n;
        (void)app_hold(w->c, &s->text, span_of(text.p, text.n < room ? text.n : room), &over);
    }
    cut_to_record(s);
    if (!first)
        s->frame_at = s->text.n;
    if (s->parsed > s->frame_at)
        s->parsed = s->frame_at;
}

static void keep(const struct app_where *w, struct astm_side *s, struct span text)
{
    s->bytes += text.n;
    if (s->frame_cut)
        return;
    bool over;
    if (app_hold(w->c, &s->text, text, &over))
        return;
    if (over)
        s->over = true;
    else
        s->starved = true;
    cut_frame(w, s, text);
}

/* One whole record, [from, from + n); the text of its message lies in [start, kept), kept ≤ from. True when it is the first or the last of a message.
 */
static bool look(const struct app_where *w, struct astm_side *s, size_t kept, size_t from, size_t n)
{
    struct span record = {0};
    struct span line = span_of(s->text.p + from, n);
    (void)astm_record(&line, &record);
    struct hl7_delims d;
    if (astm_delims(record, &d)) {
        if (kept > s->start)
            message(w, s, span_of(s->text.p + s->start, kept - s->start), "another H record before the L record", true);
        forget(s, from); /* what was lost came before this message */
        s->header = true;
        s->delims = d;
        return true;
    }
    if (astm_type(s->header ? &s->delims : &usual, record) != 'L')
        return false;
    if (kept < from)
        memmove(s->text.p + kept, s->text.p + from, n + 1);
    message(w, s, span_of(s->text.p + s->start, kept + n + 1 - s->start), NULL, true);
    forget(s, from + n + 1);
    return true;
}

static void look_at_records(const struct app_where *w, struct astm_side *s)
{
    bool dropping = false; /* over a limit: whole records from `kept` to `parsed` are dropped */
    size_t kept = 0;
    while (s->parsed < s->frame_at) {
        struct span rest = span_of(s->text.p + s->parsed, s->frame_at - s->parsed);
        size_t from = s->parsed;
        size_t n = span_find(&rest, '\r');
        if (n == rest.n)
            break;
        s->parsed = from + n + 1;
        if (look(w, s, dropping ? kept : from, from, n)) {
            dropping = false;
        } else if (!dropping && (s->over || s->starved)) {
            dropping = true;
            kept = from;
        }
    }
    if (dropping)
        close_up(s, kept, s->parsed);
    settle(w, s);
}

/* What is kept ends with a whole record. */
static void end_record(const struct app_where *w, struct astm_side *s)
{
    if (!s->frame_cut && s->text.n > 0 && s->text.p[s->text.n - 1] != '\r')
        keep(w, s, SPAN_LIT("\r"));
}

/* A frame whose records end with LF alone: each LF that ends the text or stands before a type and a delimiter becomes CR. */
static void end_with_cr(struct astm_side *s)
{
    uint8_t delimiter = s->header ? s->delims.field : usual.field;
    size_t n = s->text.n - s->frame_at;
    if (n == 0)
        return;
    uint8_t *text = s->text.p + s->frame_at;
    if (memchr(text, '\n', n) == NULL || memchr(text, '\r', n) != NULL)
        return;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n' && (i + 1 == n || (i + 2 < n && is_type(text[i + 1]) && (text[i + 2] == delimiter || text[i + 1] == 'H'))))
            text[i] = '\r';
}

/* The text of a frame that arrived well: it counts, and where the frame ended with ETX its last record is whole. */
static void accept_text(const struct app_where *w, struct astm_side *s)
{
    if (s->link.out_of_order)
        s->frame_lost = true;
    end_with_cr(s);
    if (s->link.last_of_message)
        end_record(w, s);
    s->frame_cut = false;
    s->frame_at = s->text.n;
}

static void good_frame(const struct app_where *w, struct astm_side *s)
{
    w->c->counters->astm_good_frames++;
    accept_text(w, s);
    look_at_records(w, s);
}

/* The frame's text does not count. */
static void bad_frame(struct astm_side *s)
{
    if (s->text.n > s->frame_at) {
        s->bytes -= s->text.n - s->frame_at;
        s->text.n = s->frame_at;
    }
    s->frame_cut = false;
}

/* ── records without frames ── */

static bool blank(uint8_t c)
{
    return c <= 0x20;
}

/* Up to the CR or LF, or all there is. */
static struct span rest_of_line(struct span *in)
{
    size_t n = 0;
    while (n < in->n && in->p[n] != '\r' && in->p[n] != '\n')
        n++;
    return span_take(in, n);
}

/* Forgets what may have been an H record. */
static enum astm_plain no_header(struct astm_side *s, enum astm_plain next)
{
    bad_frame(s);
    s->plain_type = 0;
    return next;
}

/* The line that may be an H record goes on; it must look like one as far as it is known. */
static enum astm_plain header_line(const struct app_where *w, struct astm_side *s, struct span *in)
{
    struct hl7_delims d;
    keep(w, s, rest_of_line(in));
    struct span line = span_of(s->text.p + s->frame_at, s->text.n - s->frame_at);
    bool ended = in->n > 0;
    if (s->frame_cut || line.n > HEADER_MAX || ((ended || line.n > 5) && !astm_delims(line, &d)))
        return no_header(s, ASTM_PLAIN_LINE);
    if (!ended)
        return ASTM_PLAIN_HEADER;
    (void)span_skip(in, 1);
    keep(w, s, SPAN_LIT("\r"));
    return ASTM_PLAIN_SECOND;
}

/* Behind an H record: the type of another, and its delimiter, make it certain. */
static enum astm_plain second_line(const struct app_where *w, struct astm_side *s, struct span *in)
{
    uint8_t c = in->p[0];
    uint8_t delimiter = s->text.p[s->frame_at + 1];
    if (s->plain_type == 0) {
        if (!blank(c) && !is_type(c))
            return no_header(s, ASTM_PLAIN_LINE);
        s->plain_type = blank(c) ? 0 : c;
        (void)span_skip(in, 1);
        return ASTM_PLAIN_SECOND;
    }
    if (c != delimiter)
        return no_header(s, ASTM_PLAIN_LINE);
    keep(w, s, span_of(&s->plain_type, 1));
    s->plain_type = 0;
    s->certain = s->plain_open = true;
    return ASTM_PLAIN_ON;
}

/* In a message without frames: up to the end of a line. */
static enum astm_plain plain_line(const struct app_where *w, struct astm_side *s, struct span *in)
{
    size_t n = 0;
    while (n < in->n && (in->p[n] >= 0x20 || in->p[n] == '\t'))
        n++;
    keep(w, s, span_take(in, n));
    if (in->n == 0)
        return ASTM_PLAIN_ON;
    uint8_t c = span_u8(in);
    if (c != '\r' && c != '\n')
        return ASTM_PLAIN_ON;
    end_record(w, s);
    s->frame_cut = false;
    s->frame_at = s->text.n;
    look_at_records(w, s);
    s->plain_open = s->text.n > 0;
    return s->plain_open ? ASTM_PLAIN_ON : ASTM_PLAIN_EDGE;
}

/* Bytes outside of frames, up to the next change of state. */
static void plain_step(const struct app_where *w, struct astm_side *s, struct span *in)
{
    uint8_t c = in->p[0];
    switch (s->plain) {
    case ASTM_PLAIN_EDGE:
        if (s->plain_open)
            s->plain = ASTM_PLAIN_ON;
        else if (blank(c))
            (void)span_skip(in, 1);
        else
            s->plain = (c | 0x20) == 'h' && s->text.n == 0 ? ASTM_PLAIN_HEADER : ASTM_PLAIN_LINE;
        break;
    case ASTM_PLAIN_LINE:
        (void)rest_of_line(in);
        s->plain = in->n > 0 ? ASTM_PLAIN_EDGE : ASTM_PLAIN_LINE;
        (void)span_skip(in, in->n > 0);
        break;
    case ASTM_PLAIN_HEADER: s->plain = header_line(w, s, in); break;
    case ASTM_PLAIN_SECOND: s->plain = second_line(w, s, in); break;
    case ASTM_PLAIN_ON: s->plain = plain_line(w, s, in); break;
    case ASTM_PLAIN_HOLE: s->plain = (c | 0x20) == 'h' ? ASTM_PLAIN_HEADER : ASTM_PLAIN_LINE; break;
    }
}

/* Something else than text comes: a line that has not ended is whole where it belongs to a message. */
static void plain_end(const struct app_where *w, struct astm_side *s)
{
    if (s->plain == ASTM_PLAIN_ON) {
        end_record(w, s);
        s->frame_cut = false;
        s->frame_at = s->text.n;
    } else if (s->plain != ASTM_PLAIN_EDGE) {
        (void)no_header(s, ASTM_PLAIN_EDGE);
    }
    s->plain = ASTM_PLAIN_EDGE;
    s->plain_open = false;
}

static void session_end(const struct app_where *w, struct astm_side *s, const char *not_ended, bool counted)
{
    plain_end(w, s);
    bad_frame(s);
    end_record(w, s);
    s->frame_at = s->text.n;
    look_at_records(w, s);
    struct span rest = buf_span(&s->text);
    struct span record;
    if (astm_record(&rest, &record)) /* more than fillers */
        message(w, s, buf_span(&s->text), not_ended, counted);
    drop_all(w, s);
}

/* One event of the link. False: the input is used up. */
static bool step(const struct app_where *w, struct astm_side *s, struct span *in)
{
    struct span got = {0};
    enum astm_event event = astm_link_next(&s->link, in, &got);
    switch (event) {
    case ASTM_MORE: return false;
    case ASTM_ENQ: session_end(w, s, "the session begins again before the message is complete", false); break;
    case ASTM_EOT: session_end(w, s, "the session ends before the L record", true); break;
    case ASTM_FRAME_START:
        plain_end(w, s);
        s->frame_at = s->text.n;
        break;
    case ASTM_TEXT: keep(w, s, got); break;
    case ASTM_FRAME_GOOD: good_frame(w, s); break;
    case ASTM_FRAME_REPEAT:
        w->c->counters->astm_good_frames++;
        bad_frame(s);
        break;
    case ASTM_FRAME_DAMAGED:
        w->c->counters->astm_damaged_frames++;
        bad_frame(s);
        break;
    case ASTM_JUNK:
        while (got.n > 0)
            plain_step(w, s, &got);
        break;
    case ASTM_ACK:
    case ASTM_NAK: break;
    }
    return true;
}

void app_astm_data(const struct app_where *w, struct span bytes)
{
    struct astm_side *s = &w->f->side[w->direction].astm;
    while (step(w, s, &bytes))
        ;
}

void app_astm_gap(const struct app_where *w)
{
    struct astm_side *s = &w->f->side[w->direction].astm;
    (void)astm_link_gap(&s->link);
    (void)no_header(s, s->plain); /* nor does a frame, or a line, that has not ended */
    s->plain = s->plain_open || s->text.n == 0 ? ASTM_PLAIN_HOLE : ASTM_PLAIN_LINE;
    cut_to_record(s);
    s->frame_at = s->text.n;
    if (s->parsed > s->text.n)
        s->parsed = s->text.n;
    s->hole = true;
}

void app_astm_close(const struct app_where *w)
{
    struct astm_side *s = &w->f->side[w->direction].astm;
    enum astm_event last = astm_link_close(&s->link);
    if (last == ASTM_FRAME_GOOD)
        good_frame(w, s);
    session_end(w, s, "the stream ends before the message does", false);
}

/* ── recognition ── */

/* The text of a frame that begins with an H record and sane delimiters: six bytes that nothing else has. */
static bool is_header_text(struct span s)
{
    struct hl7_delims d;
    return s.n >= 6 && astm_delims(span_of(s.p, s.p[5] == '\r' ? 5 : s.n), &d);
}

/* The text of a good frame that begins like any record: a type and a delimiter. */
static bool is_record_text(struct span s)
{
    return s.n >= 3 && is_type(s.p[0]) && s.p[1] != 0 && strchr("|!#%;,:@^~\\/", s.p[1]) != NULL;
}

/* The text of a frame without checksum, with which chance comes up once in some hundred streams, must say more: the number that every record but H
 * has behind its type (E1394, 6.4), and letters throughout. */
static bool is_numbered_text(struct span s)
{
    bool ends = s.n >= 4 && (s.p[3] == s.p[1] || s.p[3] == '\r' || (s.p[3] >= '0' && s.p[3] <= '9'));
    if (!ends || !is_record_text(s) || s.p[2] < '0' || s.p[2] > '9')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 0x20 && s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\t') || s.p[i] >= 0x7f)
            return false;
    return true;
}

/* One event while it is not certain. False: the input is used up, or it is certain now. */
static bool probe_step(const struct app_where *w, struct astm_side *s, struct span *in)
{
    struct span got = {0};
    enum astm_event event = astm_link_next(&s->link, in, &got);
    if (event == ASTM_TEXT)
        keep(w, s, got);
    struct span text = s->text.n == 0 ? (struct span){0} : span_of(s->text.p + s->frame_at, s->text.n - s->frame_at);
    switch (event) {
    case ASTM_MORE: return false;
    case ASTM_FRAME_START:
        plain_end(w, s);
        s->frame_at = s->text.n;
        break;
    case ASTM_TEXT: s->certain = is_header_text(text); break;
    case ASTM_FRAME_GOOD:
        s->good++;
        s->certain = s->link.summed ? is_record_text(text) : is_numbered_text(text);
        accept_text(w, s);
        break;
    case ASTM_FRAME_REPEAT:
        s->good++;
        bad_frame(s);
        break;
    case ASTM_FRAME_DAMAGED:
        s->damaged++;
        bad_frame(s);
        break;
    case ASTM_JUNK:
        while (got.n > 0 && !s->certain)
            plain_step(w, s, &got);
        if (s->certain) /* what follows is read when the flow is known */
            *in = span_of(got.p, (size_t)(in->p + in->n - got.p));
        break;
    default: break;
    }
    return !s->certain;
}

bool app_astm_probe(const struct app_where *w, struct span *in)
{
    struct astm_side *s = &w->f->side[w->direction].astm;
    while (probe_step(w, s, in))
        ;
    return s->certain;
}

void app_astm_begin(const struct app_where *w)
{
    for (int direction = 0; direction < 2; direction++) {
        struct app_where one = *w;
        one.direction = direction;
        struct astm_side *s = &w->f->side[direction].astm;
        w->c->counters->astm_damaged_frames += s->damaged;
        w->c->counters->astm_good_frames += s->good;
        look_at_records(&one, s);
    }
}

void app_astm_forget(const struct app_where *w)
{
    struct astm_side *s = &w->f->side[w->direction].astm;
    if (s->text.p != NULL)
        app_hold_release(w->c, &s->text);
    *s = (struct astm_side){0};
}
