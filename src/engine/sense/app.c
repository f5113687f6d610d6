/* app: what a stream carries, and the two directions of it.
 *
 * How a flow is recognised, by content alone:
 * 1. While it is unknown, every byte of the first PROBE_BYTES of each direction goes through four readers: labels (at the very beginning of the
 *    direction only), the start of an MLLP block (0x0B, then MSH, FHS or BHS, then two delimiters), ASTM frames (a good frame whose text begins
 *    like a record, or a frame that begins with an H record and its delimiters), and the tag of a POCT1-A message's root ("<OBS.R01>").
 * 2. Behind PROBE_BYTES only what each call's first byte promises (0x0B, ENQ, STX, H or '<') is looked at, up to PROBE_LATE bytes; then the direction
 * is given up. A block that begins in the middle of a segment there is missed until the next one that begins with a segment.
 * 3. Once a lab protocol is recognised in one direction it is so in both, to the end. A flow with another label is given up at once.
 * 4. A stray 0x0B, STX or ENQ never makes a message: nothing is counted before its protocol is certain. */
#include "engine/sense/app_private.h"

#include <stdlib.h>

#define PROBE_BYTES 4096
#define PROBE_LATE 1048576
#define ROLES 4096

struct app_context *app_context_new(const struct sense_options *options, struct sense_stats *counters, struct error *e)
{
    struct app_context *c = calloc(1, sizeof *c);
    if (c == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the readers of lab protocols");
        return NULL;
    }
    c->options = *options;
    if (c->options.limits.message == 0)
        c->options.limits.message = sense_default_limits.message;
    if (c->options.limits.messages_total == 0)
        c->options.limits.messages_total = sense_default_limits.messages_total;
    if (c->options.limits.message < APP_MESSAGE_LEAST)
        c->options.limits.message = APP_MESSAGE_LEAST;
    c->counters = counters;
    for (size_t k = 0; k < KEY_COUNT; k++)
        c->wanted[k] = options->wants == NULL || options->wants((enum record_key)k);
    c->types = table_new(options->hash_key, APP_TYPES, sizeof(uint64_t));
    c->told = table_new(options->hash_key, APP_EVIDENCE, 1);
    c->roles = table_new(options->hash_key, ROLES, 1);
    if (c->types == NULL || c->told == NULL || c->roles == NULL) {
        app_context_free(c);
        (void)err_set(e, ERR_SYSTEM, "no memory for the tables of lab protocols");
        return NULL;
    }
    return c;
}

void app_context_free(struct app_context *c)
{
    if (c == NULL)
        return;
    table_free(c->types);
    table_free(c->told);
    table_free(c->roles);
    for (size_t i = 0; i < c->spares; i++)
        buf_release(&c->spare[i]);
    free(c);
}

static void give_up(struct app_context *c, struct app_flow *f, int direction)
{
    struct app_where w = {.c = c, .f = f, .direction = direction};
    app_astm_forget(&w);
    f->side[direction].done = true;
}

static void become_other(struct app_context *c, struct app_flow *f, const char *label)
{
    f->kind = APP_OTHER;
    f->label = label;
    app_poct1a_forget(f);
    give_up(c, f, 0);
    give_up(c, f, 1);
}

static void become_lab(const struct app_where *w, enum app_kind kind)
{
    struct app_flow *f = w->f;
    f->kind = kind;
    f->label = kind == APP_HL7 ? "hl7" : kind == APP_ASTM ? "astm" : "poct1a";
    f->side[0].done = f->side[1].done = false;
    app_dicom_forget(w->c, f);
    if (kind != APP_POCT1A)
        app_poct1a_forget(f);
    if (kind == APP_ASTM) {
        app_astm_begin(w);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct app_where one = *w;
        one.direction = i;
        app_astm_forget(&one);
    }
}

/* Looks for lab protocols in these bytes: the one that is certain first is it. True: found; *in is what follows what was read. */
static bool probe(const struct app_where *w, struct span *in)
{
    struct app_side *side = &w->f->side[w->direction];
    struct span poct1a = *in;
    bool is_poct1a = app_poct1a_probe(w, &poct1a);
    struct span mllp = *in;
    if (is_poct1a) /* it took the byte behind the tag's name to know */
        mllp.n -= poct1a.n > 0 ? poct1a.n - 1 : 0;
    struct span astm = mllp;
    bool is_hl7 = app_hl7_probe(&side->hl7, &mllp);
    if (is_hl7) { /* ASTM that was certain before the start of this block was whole came first, however the stream is cut */
        size_t named = span_peek(&mllp, 0) == 0xef ? MLLP_HELD - 1 : MLLP_NAMED - 1;
        size_t whole = astm.n - mllp.n + (side->hl7.mllp.held_n > 0 ? 0 : named);
        astm.n = whole < astm.n ? whole : astm.n;
    }
    if (app_astm_probe(w, &astm)) {
        become_lab(w, APP_ASTM);
        *in = span_of(astm.p, (size_t)(in->p + in->n - astm.p));
        return true;
    }
    if (is_hl7) {
        become_lab(w, APP_HL7);
        *in = span_of(mllp.p, (size_t)(in->p + in->n - mllp.p));
        return true;
    }
    if (is_poct1a)
        become_lab(w, APP_POCT1A);
    return is_poct1a;
}

/* Is a frame or a block half read, so that the next bytes are looked at whatever they are? */
static bool half_read(const struct app_side *side)
{
    bool frame = side->astm.link.state != ASTM_LINK_IDLE && side->astm.text.n - side->astm.frame_at < PROBE_BYTES && !side->astm.frame_cut;
    bool header = side->astm.plain == ASTM_PLAIN_HEADER || side->astm.plain == ASTM_PLAIN_SECOND;
    return side->hl7.mllp.held_n > 0 || frame || header;
}

static void unknown(const struct app_where *w, struct span bytes)
{
    struct app_side *side = &w->f->side[w->direction];
    uint64_t before = side->seen;
    side->seen += bytes.n;
    if (before == 0) {
        const char *label = app_label_stream(w->flow, bytes);
        if (label != NULL) {
            app_dicom_forget(w->c, w->f);
            become_other(w->c, w->f, label);
            if (strcmp(label, "http") == 0)
                app_http_begin(w, bytes);
            return;
        }
    }
    if (app_http_probe(w, bytes, before == 0)) {
        app_dicom_forget(w->c, w->f);
        become_other(w->c, w->f, "http");
        app_http_begin(w, bytes);
        return;
    }
    if (app_dicom_probe(w, bytes, before == 0)) {
        become_other(w->c, w->f, "dicom");
        app_dicom_begin(w);
        return;
    }
    bool late = before >= PROBE_BYTES;
    uint8_t first = bytes.p[0];
    if (late && (first | 0x20) == 'h' && !half_read(side))
        side->astm.plain = ASTM_PLAIN_EDGE; /* what was skipped since may have ended a line */
    if (!late || half_read(side) || first == MLLP_START_BYTE || first == 0x05 || first == 0x02 || (first | 0x20) == 'h' || first == '<' ||
        app_poct1a_half_read(w->f, w->direction)) {
        struct span in = bytes;
        if (late && in.n > PROBE_BYTES)
            in.n = PROBE_BYTES;
        if (probe(w, &in)) {
            in = span_of(in.p, (size_t)(bytes.p + bytes.n - in.p));
            if (w->f->kind == APP_POCT1A)
                app_poct1a_data(w, bytes);
            else if (w->f->kind == APP_HL7)
                app_hl7_data(w, in);
            else
                app_astm_data(w, in);
            return;
        }
    }
    if (side->seen >= PROBE_LATE)
        give_up(w->c, w->f, w->direction);
}

static struct app_flow *flow_of(struct app_flow **state)
{
    if (*state == NULL)
        *state = calloc(1, sizeof **state);
    return *state;
}

void app_data(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, struct span bytes, tq_time time)
{
    struct app_flow *f = flow_of(state);
    if (f == NULL || bytes.n == 0)
        return;
    direction = direction != 0;
    struct app_where w = {.c = c, .f = f, .flow = flow, .direction = direction, .time = time};
    switch (f->kind) {
    case APP_UNKNOWN:
        if (!f->side[direction].done)
            unknown(&w, bytes);
        break;
    case APP_HL7: app_hl7_data(&w, bytes); break;
    case APP_ASTM: app_astm_data(&w, bytes); break;
    case APP_POCT1A: app_poct1a_data(&w, bytes); break;
    case APP_HTTP: app_http_data(&w, bytes); break;
    case APP_OTHER:
        if (f->dicom != NULL)
            app_dicom_data(&w, bytes);
        break;
    }
}

void app_underway(struct app_flow **state)
{
    struct app_flow *f = flow_of(state);
    if (f != NULL)
        f->underway = true;
}

void app_card(struct app_flow **state, int direction, const uint8_t mac[6])
{
    static const uint8_t none[6];
    struct app_flow *f = flow_of(state);
    if (f == NULL)
        return;
    struct app_side *side = &f->side[direction != 0];
    if (memcmp(side->mac, mac, sizeof none) == 0 || memcmp(mac, none, sizeof none) == 0)
        return;
    memcpy(side->mac, mac, sizeof none);
    side->mac_new = true;
}

void app_gap(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, uint64_t bytes, tq_time time)
{
    struct app_flow *f = *state;
    if (f == NULL)
        return;
    struct app_where w = {.c = c, .f = f, .flow = flow, .direction = direction != 0, .time = time};
    f->side[w.direction].lost = true;
    if (f->kind == APP_HL7) {
        app_hl7_gap(&w);
    } else if (f->kind == APP_ASTM) {
        app_astm_gap(&w);
    } else if (f->kind == APP_POCT1A) {
        app_poct1a_gap(&w);
    } else if (f->kind == APP_HTTP) {
        app_http_gap(&w, bytes);
    } else if (f->kind == APP_UNKNOWN) {
        f->side[w.direction].http_n = 0;
        if (f->poct1a != NULL)
            app_poct1a_gap(&w);
        mllp_gap(&f->side[w.direction].hl7.mllp);
        app_astm_forget(&w);
    }
    if (f->dicom != NULL)
        app_dicom_gap(&w);
}

void app_conflict(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, struct hops hops, tq_time time)
{
    (void)c;
    (void)flow;
    (void)time;
    struct app_flow *f = flow_of(state);
    if (f == NULL || f->conflict_told)
        return;
    f->conflict_told = true;
    f->side[direction != 0].conflict = true;
    f->side[direction != 0].hops = hops;
}

/* What is encrypted shows its ends when it was changed. Everything else that contradicts itself is told, also what was not recognised: forged bytes
 * at the start of a stream may be there to hide what it is. */
static bool guards_itself(const struct app_flow *f)
{
    return f->kind == APP_OTHER && (strcmp(f->label, "tls") == 0 || strcmp(f->label, "ssh") == 0);
}

void app_close(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, tq_time time)
{
    struct app_flow *f = *state;
    if (f == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        struct app_where w = {.c = c, .f = f, .flow = flow, .direction = i, .time = time};
        if (f->kind == APP_HL7)
            app_hl7_close(&w);
        else if (f->kind == APP_ASTM)
            app_astm_close(&w);
        else if (f->kind == APP_POCT1A)
            app_poct1a_close(&w);
        else if (f->kind == APP_HTTP)
            app_http_close(&w);
        else if (f->dicom != NULL)
            app_dicom_close(&w);
        if (f->side[i].conflict && !guards_itself(f))
            lab_conflict(&w);
        give_up(c, f, i);
    }
    app_poct1a_forget(f);
    app_http_forget(c, f);
    free(f);
    *state = NULL;
}

const char *app_datagram(struct app_context *c, const struct flow_ref *flow, int direction, struct span bytes, tq_time time)
{
    (void)c;
    (void)direction;
    (void)time;
    const char *label = app_label_datagram(flow, bytes);
    return label == NULL ? "" : label;
}

const char *app_label(const struct app_flow *state)
{
    return state == NULL || state->label == NULL ? "" : state->label;
}

uint64_t app_ordinal(struct app_flow *state, int direction)
{
    return ++state->side[direction != 0].ordinal;
}

void app_expect(const struct app_flow *state, int direction)
{
    if (state == NULL)
        return;
    const char *side = (const char *)&state->side[direction != 0];
    __builtin_prefetch(state);
    for (size_t i = 0; i < sizeof(struct app_side); i += 64)
        __builtin_prefetch(side + i, 1);
}

bool app_is_lab(const struct app_flow *state)
{
    return state->kind == APP_HL7 || state->kind == APP_ASTM || state->kind == APP_POCT1A;
}

bool app_brought_lab(const struct app_flow *state)
{
    return state != NULL && (app_is_lab(state) || state->side[0].ordinal > 0 || state->side[1].ordinal > 0);
}

bool app_short_of_room(const struct app_context *c)
{
    return c->held > c->options.limits.messages_total / 2;
}

bool app_done(const struct app_flow *state, int direction)
{
    return state != NULL && state->side[direction != 0].done;
}
