/* POCT1-A: XML documents of point-of-care devices → lab.message, lab.result, and what a greeting says about its device.
 *
 * 1. A message goes from its root's tag to the end of it; the document type that came before belongs to it. It is counted when it is whole. One that
 * the next message, a hole or the end of the stream cuts off is reported as malformed, and not counted.
 * 2. What lies in one segment is read in place; otherwise the message is kept, under the limits, its beginning when it is over them.
 * 3. A message is walked twice: for itself, with all private fields, then for its results. Every text inside PT but not inside what was observed or
 * ordered is private. Operators and passwords are read over: no record holds them. */
#include "engine/sense/app_private.h"

#include "wire/poct1a.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct side {
    struct poct1a_frame frame;
    struct buf text;
    uint64_t bytes; /* of the open message */
    bool open;
    bool over;
    bool starved;
    bool doctype;
};

struct app_poct1a {
    struct side side[2];
};

/* One walk over a message. */
struct walk {
    struct poct1a_reader xml;
    size_t patient_at; /* depth of the open PT element; 0: none */
    size_t beside_at;  /* depth of an element inside PT whose texts are not the patient's */
    uint8_t *room;     /* for texts that hold entities */
    size_t left;
    bool full; /* there was no room */
};

/* What a result is made of, while its element is open. */
struct result {
    struct span code, system, text, value, units, method, flag, status;
};

/* What the observations around it share. */
struct around {
    struct span patient, order, time;
    const char *role; /* as in SPM-11 of HL7: Q control, C calibration; NULL: a patient's */
};

/* ── walking ── */

static void begin_walk(struct walk *k, struct span message, uint8_t *room, size_t size)
{
    poct1a_start(&k->xml, message);
    k->patient_at = k->beside_at = 0;
    k->room = room;
    k->left = size;
    k->full = false;
}

static struct span plain(struct walk *k, struct span raw)
{
    if (raw.n == 0 || memchr(raw.p, '&', raw.n) == NULL)
        return raw;
    if (raw.n > k->left) {
        k->full = true;
        return (struct span){0};
    }
    struct span out = span_of(k->room, poct1a_text(raw, k->room));
    k->room += out.n;
    k->left -= out.n;
    return out;
}

static struct span value_of(struct walk *k)
{
    return plain(k, poct1a_attribute(&k->xml, "V"));
}

static bool named(const struct walk *k, const char *name)
{
    return span_is(poct1a_local(k->xml.name), name);
}

/* Objects that stand inside a patient's and are not the patient: what was observed, ordered, used. */
static bool beside_patient(const struct walk *k)
{
    static const char *const objects[] = {"OBS", "ORD", "SPC", "RGT", "OPR"};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        if (named(k, objects[i]))
            return true;
    return false;
}

static enum poct1a_token next(struct walk *k)
{
    enum poct1a_token token = poct1a_next(&k->xml);
    size_t depth = k->xml.depth;
    if (token == POCT1A_OPEN) {
        if (k->patient_at == 0 && named(k, "PT"))
            k->patient_at = depth;
        else if (k->patient_at != 0 && k->beside_at == 0 && beside_patient(k))
            k->beside_at = depth;
    } else if (token == POCT1A_CLOSE) {
        if (k->beside_at == depth + 1)
            k->beside_at = 0;
        if (k->patient_at == depth + 1)
            k->patient_at = 0;
    }
    return token;
}

/* ── a message ── */

/* A private text, and each word of it: names stand whole in one attribute. */
static void keep_private(struct lab_message *m, struct span text)
{
    lab_private(m, text);
    bool more = text.n > 0;
    while (more) {
        struct span word = span_until(&text, ' ', &more);
        while (word.n > 0 && (word.p[word.n - 1] == ',' || word.p[word.n - 1] == ';'))
            word.n--;
        lab_private(m, word);
    }
}

struct greeting {
    struct span vendor, manufacturer, model, name, serial, device, software;
};

static void read_element(struct walk *k, struct lab_message *m, struct greeting *g)
{
    const struct {
        const char *name;
        struct span *into;
    } leaves[] = {
        {"HDR.control_id", &m->control_id}, {"HDR.version_id", &m->version},  {"HDR.creation_dttm", &m->sent},
        {"ACK.type_cd", &m->ack_code},      {"ACK.type_id", &m->ack_code},    {"ACK.ack_control_id", &m->ack_for},
        {"ACK.control_id", &m->ack_for},    {"DEV.vendor_id", &g->vendor},    {"DEV.manufacturer_name", &g->manufacturer},
        {"DEV.model_id", &g->model},        {"DEV.device_name", &g->name},    {"DEV.serial_id", &g->serial},
        {"DEV.device_id", &g->device},      {"DEV.sw_version", &g->software},
    };
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
        if (named(k, leaves[i].name)) {
            *leaves[i].into = value_of(k);
            return;
        }
}

/* Reads the message itself. False: it could not be read to its end. */
static bool read_message(struct walk *k, struct lab_message *m, struct greeting *g, bool privates)
{
    for (;;) {
        switch (next(k)) {
        case POCT1A_OPEN:
            if (k->xml.depth == 1)
                m->type = poct1a_local(k->xml.name);
            m->results += named(k, "OBS");
            m->patients += named(k, "PT");
            if (named(k, "PT.patient_id"))
                lab_who(m, value_of(k));
            if (k->patient_at == 0)
                read_element(k, m, g);
            else if (privates && k->beside_at == 0)
                for (size_t i = 0; i < k->xml.attributes; i++)
                    keep_private(m, plain(k, k->xml.attribute[i].value));
            break;
        case POCT1A_TEXT:
            if (privates && k->patient_at != 0 && k->beside_at == 0)
                keep_private(m, plain(k, k->xml.text));
            break;
        case POCT1A_CLOSE: break;
        case POCT1A_DONE: return true;
        case POCT1A_BAD: return false;
        }
    }
}

/* ── results ── */

static void put_result(struct app_context *c, const struct result *r, const struct around *a)
{
    char time[POCT1A_TIME_TEXT];
    lab_text(c, NULL, KEY_TEST_CODE, r->code, APP_FOREIGN_MAX);
    lab_text(c, NULL, KEY_TEST_SYSTEM, r->system, APP_FOREIGN_MAX);
    lab_text(c, NULL, KEY_TEST_TEXT, r->text, APP_FOREIGN_MAX);
    lab_text(c, NULL, KEY_PATIENT, a->patient, APP_IDENTITY_MAX);
    lab_text(c, NULL, KEY_SPECIMEN, a->order, APP_IDENTITY_MAX);
    lab_text(c, NULL, KEY_ORDER, a->order, APP_IDENTITY_MAX);
    lab_value(c, NULL, r->value);
    lab_text(c, NULL, KEY_UNITS, r->units, APP_FOREIGN_MAX);
    lab_text(c, NULL, KEY_FLAGS, r->flag, APP_FOREIGN_MAX);
    lab_text(c, NULL, KEY_STATUS, r->status, APP_FOREIGN_MAX);
    record_text(&c->record, KEY_OBSERVED_AT, span_of(time, poct1a_time(a->time, time)));
    lab_text(c, NULL, KEY_METHOD, r->method, APP_FOREIGN_MAX);
    record_str(&c->record, KEY_SPECIMEN_ROLE, a->role);
    record_put(&c->options.sink, &c->record);
}

static void read_observation(struct walk *k, struct result *r)
{
    const struct {
        const char *name;
        struct span *into;
    } leaves[] = {
        {"OBS.qualitative_value", &r->value},
        {"OBS.method_cd", &r->method},
        {"OBS.interpretation_cd", &r->flag},
        {"OBS.status_cd", &r->status},
    };
    if (named(k, "OBS.observation_id")) {
        r->code = value_of(k);
        r->system = plain(k, poct1a_attribute(&k->xml, "SN"));
    } else if (named(k, "TRANSLTN") && k->xml.depth >= 2 && span_is(poct1a_local(k->xml.open[k->xml.depth - 2]), "OBS.observation_id")) {
        r->text = value_of(k);
    } else if (named(k, "OBS.value")) {
        r->value = value_of(k);
        r->units = plain(k, poct1a_attribute(&k->xml, "U"));
    } else {
        for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++)
            if (named(k, leaves[i].name))
                *leaves[i].into = value_of(k);
    }
}

static const char *role_of(struct span role)
{
    bool control = span_is(role, "LQC") || span_is(role, "EQC");
    return control ? "Q" : span_is(role, "CAL") || span_is(role, "CVR") ? "C" : NULL;
}

static void walk_results(const struct app_where *w, const struct lab_message *m, struct span message)
{
    struct app_context *c = w->c;
    struct walk k;
    struct result r = {0};
    struct around a = {0};
    size_t shared = lab_results_start(w, m);
    size_t left = APP_RESULTS_MAX;
    bool inside = false;
    uint8_t room[8192]; /* for one service and a result: what has no room is left out */
    begin_walk(&k, message, room, sizeof room);
    for (enum poct1a_token token = next(&k); token != POCT1A_DONE && token != POCT1A_BAD && left > 0; token = next(&k)) {
        if (token == POCT1A_OPEN && (named(&k, "SVC") || named(&k, "PT") || named(&k, "CTC"))) {
            if (named(&k, "SVC")) {
                a = (struct around){0};
                k.room = room;
                k.left = sizeof room;
            }
            a.patient = (struct span){0};
        } else if (token == POCT1A_OPEN && named(&k, "OBS")) {
            r = (struct result){0};
            inside = true;
        } else if (token == POCT1A_OPEN && inside) {
            read_observation(&k, &r);
        } else if (token == POCT1A_OPEN && named(&k, "SVC.observation_dttm")) {
            a.time = value_of(&k);
        } else if (token == POCT1A_OPEN && named(&k, "SVC.role_cd")) {
            a.role = role_of(value_of(&k));
        } else if (token == POCT1A_OPEN && named(&k, "PT.patient_id")) {
            a.patient = value_of(&k);
        } else if (token == POCT1A_OPEN && named(&k, "ORD.order_id")) {
            a.order = value_of(&k);
        } else if (token == POCT1A_CLOSE && named(&k, "OBS")) {
            lab_result_next(c, shared);
            put_result(c, &r, &a);
            inside = false;
            left--;
        }
    }
}

static void tell_evidence(const struct app_where *w, const struct lab_message *m, const struct greeting *g)
{
    struct app_side *side = &w->f->side[w->direction];
    bool hello = span_starts(m->type, SPAN_LIT("HEL."));
    side->sends_results = side->sends_results || hello || m->results > 0;
    if (!w->c->options.flow_records || !app_wants_records(w->c))
        return;
    struct lab_evidence e = {.source = "poct1a.hel"};
    if (hello) {
        e.maker = g->manufacturer.n > 0 ? g->manufacturer : g->vendor;
        e.model = g->model.n > 0 ? g->model : g->name;
        e.serial = g->serial.n > 0 ? g->serial : g->device;
        e.software = g->software;
        e.sends_results = true; /* only devices greet */
    } else if (m->results > 0) {
        e.sends_results = true;
    } else if (m->ack_code.n > 0 && w->f->side[!w->direction].sends_results && !side->sends_results) {
        e.takes_results = true;
    } else {
        return;
    }
    app_evidence(w, &e, m);
}

static void flaw_of(const struct app_where *w, const struct side *s, const char *not_ended, struct lab_message *m)
{
    if (s->over)
        lab_malformed(m, "message of %" PRIu64 " bytes is over the limit of %zu", s->bytes, w->c->options.limits.message);
    else if (s->starved)
        lab_malformed(m, "message of %" PRIu64 " bytes could not be kept: too many unfinished messages", s->bytes);
    else if (not_ended != NULL)
        lab_malformed(m, "framing: %s (byte %" PRIu64 ")", not_ended, s->bytes);
    if (s->doctype)
        (void)snprintf(m->hostile, sizeof m->hostile, "a document type declaration before the root element");
}

/* A message is over. not_ended: why it is not whole; NULL: it is. */
static void message(const struct app_where *w, struct side *s, struct span text, const char *not_ended, bool lost)
{
    struct app_context *c = w->c;
    struct lab_message m;
    struct greeting g = {0};
    struct walk k;
    lab_start(c, &m, "poct1a");
    m.bytes = s->bytes;
    m.body = text;
    lab_number(w, &m);
    if (lost)
        lab_malformed(&m, "bytes are missing: the capture lost them (byte %" PRIu64 ")", s->bytes);
    struct buf plain = {0};
    text = lab_decoded(c, &m, text, &plain);
    flaw_of(w, s, not_ended, &m);
    begin_walk(&k, text, c->plain, sizeof c->plain);
    if (!read_message(&k, &m, &g, m.private != NULL)) {
        m.private_cut = true; /* whose fields these are is not certain any more */
        lab_malformed(&m, "byte %zu: %s", k.xml.at, k.xml.flaw);
        if (k.xml.declares && m.hostile[0] == 0)
            (void)snprintf(m.hostile, sizeof m.hostile, "%s (byte %zu)", k.xml.flaw, k.xml.at);
    }
    m.private_cut = m.private_cut || k.full;
    if (m.results > APP_RESULTS_MAX)
        lab_malformed(&m, "OBS: results behind the first %d are not read", APP_RESULTS_MAX);
    if (s->over || s->starved || not_ended != NULL || lost)
        m.results = 0; /* they are not read */
    if (m.control_id.n == 0)
        lab_malformed(&m, "HDR.control_id: missing");
    lab_put(w, &m, not_ended == NULL && !lost);
    if (app_wants_records(c) && m.results > 0)
        walk_results(w, &m, text);
    tell_evidence(w, &m, &g);
    if (plain.p != NULL)
        app_hold_release(c, &plain);
}

/* ── the stream ── */

static void forget(const struct app_where *w, struct side *s)
{
    if (s->text.p != NULL)
        app_hold_release(w->c, &s->text);
    s->bytes = 0;
    s->open = s->over = s->starved = s->doctype = false;
}

static void keep(const struct app_where *w, struct side *s, struct span text)
{
    if (text.n == 0 || s->over || s->starved)
        return;
    bool over;
    if (app_hold(w->c, &s->text, text, &over))
        return;
    *(over ? &s->over : &s->starved) = true;
    if (s->text.n > APP_KEEP_OVERSIZE) {
        app_hold_shrink(w->c, &s->text, APP_KEEP_OVERSIZE);
    } else {
        size_t room = APP_KEEP_OVERSIZE - s->text.n;
        (void)app_hold(w->c, &s->text, span_of(text.p, text.n < room ? text.n : room), &over);
    }
}

static void end(const struct app_where *w, struct side *s, struct span last, const char *not_ended, bool lost)
{
    if (!s->open)
        return;
    bool here = s->text.n == 0 && !s->over && !s->starved && last.n <= w->c->options.limits.message;
    if (!here)
        keep(w, s, last);
    message(w, s, here ? last : buf_span(&s->text), not_ended, lost);
    forget(w, s);
}

/* What was kept last belongs to the next message. */
static void untake(struct side *s, size_t n)
{
    s->bytes -= n < s->bytes ? n : s->bytes;
    if (!s->over && !s->starved)
        s->text.n -= n < s->text.n ? n : s->text.n;
}

void app_poct1a_data(const struct app_where *w, struct span bytes)
{
    struct side *s = &w->f->poct1a->side[w->direction];
    struct span in = bytes;
    struct span part = bytes; /* begins where the open message goes on */
    for (;;) {
        enum poct1a_event event = poct1a_frame_next(&s->frame, &in);
        size_t read = part.n - in.n;
        if (event == POCT1A_MORE) {
            if (s->open) {
                s->bytes += part.n;
                keep(w, s, part);
            }
            return;
        }
        if (event == POCT1A_START) {
            size_t name = s->frame.root_n + 1u;
            forget(w, s);
            s->open = true;
            s->doctype = s->frame.doctype;
            s->frame.doctype = false;
            size_t here = bytes.n - in.n;
            if (here >= name) { /* the tag began in these bytes */
                part = span_of(in.p - name, in.n + name);
                continue;
            }
            s->bytes = name;
            keep(w, s, SPAN_LIT("<"));
            keep(w, s, span_of(s->frame.root, s->frame.root_n));
            part = in;
        } else if (event == POCT1A_END) {
            s->bytes += read;
            end(w, s, span_take(&part, read), NULL, false);
        } else {
            size_t tag = s->frame.head_n + 1u;
            size_t here = read < tag ? 0 : read - tag;
            s->bytes += here;
            if (read < tag)
                untake(s, tag - read);
            end(w, s, span_of(part.p, here), "the next message begins before this one ends", false);
            (void)span_skip(&part, read);
        }
    }
}

bool app_poct1a_half_read(const struct app_flow *f, int direction)
{
    return f->poct1a != NULL && !poct1a_frame_idle(&f->poct1a->side[direction].frame);
}

bool app_poct1a_probe(const struct app_where *w, struct span *in)
{
    struct app_flow *f = w->f;
    struct poct1a_frame fresh = {0};
    struct poct1a_frame *frame = f->poct1a == NULL ? &fresh : &f->poct1a->side[w->direction].frame;
    struct poct1a_frame before = *frame;
    bool found = poct1a_frame_next(frame, in) == POCT1A_START;
    if (f->poct1a == NULL && !found && poct1a_frame_idle(frame))
        return false;
    if (f->poct1a == NULL)
        f->poct1a = calloc(1, sizeof *f->poct1a);
    if (f->poct1a == NULL)
        return false;
    f->poct1a->side[w->direction].frame = found ? before : *frame; /* app_poct1a_data reads it again */
    return found;
}

void app_poct1a_gap(const struct app_where *w)
{
    struct side *s = &w->f->poct1a->side[w->direction];
    (void)poct1a_frame_gap(&s->frame);
    end(w, s, (struct span){0}, NULL, true);
}

void app_poct1a_close(const struct app_where *w)
{
    struct side *s = &w->f->poct1a->side[w->direction];
    end(w, s, (struct span){0}, "the stream ends before the message does", false);
}

void app_poct1a_forget(struct app_flow *f)
{
    free(f->poct1a); /* its sides hold no text: app_poct1a_close was called where they could */
    f->poct1a = NULL;
}
