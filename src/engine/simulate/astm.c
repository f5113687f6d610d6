/* ASTM E1394 records as the two kinds of instruments write them, and the E1381 transfer that carries them. */
#include "engine/simulate/lab.h"

#include "wire/astm_write.h"

#define FRAMES_MAX 7 /* sendings of one frame before a sender gives up */

/* Text as a leaf of a field: delimiters escaped (field |, repeat \, component ^, escape &), in ISO 8859-1. */
static void astm_text(struct buf *m, const char *utf8)
{
    static const char delimiters[] = "|^&\\";
    static const char names[] = "FSER";
    for (const char *p = utf8; *p != 0;) {
        const char *hit = strchr(delimiters, *p);
        size_t n = strcspn(p, delimiters);
        if (hit != NULL) {
            buf_addf(m, "&%c&", names[hit - delimiters]);
            n = 1;
        } else
            latin1_add(m, span_of(p, n));
        p += n;
    }
}

static void add_header(struct buf *m, const struct analyzer *a, bool from_host, tq_time at)
{
    buf_add_str(m, "H|\\^&|||");
    if (from_host)
        buf_addf(m, "%s|||||%s||P|", a->kind == ANALYZER_COMPACT ? "LIS^MAIN" : "LABLINK^CORE", analyzer_model(a));
    else if (a->kind == ANALYZER_COMPACT)
        buf_addf(m, "LAB1^Roche^c111^4.2.2.1730^1^%s|||||host|RSUPL^REAL|P|", a->serial);
    else if (a->kind == ANALYZER_SERIAL_CBC)
        buf_addf(m, "XP-300^00-11^^^^A%s^CS800871||||||||", a->serial);
    else if (a->kind == ANALYZER_SERIAL_A1C)
        buf_addf(m, "D-10^4.30^%s|||||||P|", a->serial);
    else
        buf_addf(m, "XN-550^00-14^%s^^^^AP807129|||||||P|", a->serial);
    buf_addf(m, "%s|", a->kind == ANALYZER_COMPACT ? "1" : "E1394-97");
    hl7_stamp(m, at);
    buf_u8(m, '\r');
}

static void add_patient(struct buf *m, const struct sample *sample)
{
    const struct patient *p = sample->patient;
    if (p == NULL) {
        buf_add_str(m, "P|1\r");
        return;
    }
    buf_addf(m, "P|1||%s||", p->mrn);
    astm_text(m, p->family);
    buf_u8(m, '^');
    astm_text(m, p->given);
    buf_addf(m, "||%s|%c|||||%.4s\r", p->birth, p->sex, p->doctor);
}

static void add_order(struct buf *m, const struct sample *sample, bool from_host)
{
    const struct panel_info *panel = &panels[sample->panel];
    buf_addf(m, "O|1|%s||", sample->barcode);
    for (unsigned i = 0; i < panel->count; i++)
        buf_addf(m, "%s^^^%s", i == 0 ? "" : "\\", analyte_at(panel->first + i)->code);
    buf_addf(m, "|%s||", sample->urgent ? "S" : "R");
    hl7_stamp(m, sample->collected);
    buf_addf(m, "||||%s||||||||||||||%s\r", sample->patient == NULL ? "Q" : from_host ? "N" : "", from_host ? "Q" : "F");
}

void astm_result(struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at)
{
    add_header(m, a, false, at);
    add_patient(m, sample);
    add_order(m, sample, false);
    if (sample->comment != NULL) {
        buf_add_str(m, "C|1|I|");
        astm_text(m, sample->comment);
        buf_add_str(m, "|G\r");
    }
    for (size_t i = 0; i < sample->values_n; i++) {
        const struct value *v = &sample->values[i];
        buf_addf(m, "R|%zu|^^^%s|", i + 1, v->of->code);
        value_write(m, v);
        buf_addf(m, "|%s|", v->unit);
        value_write_range(m, v);
        buf_addf(m, "|%s||%c||op%u||", v->flags, v->status, 1 + a->runs % 3);
        hl7_stamp(m, sample->measured);
        buf_addf(m, "|%s\r", a->serial);
    }
    if (a->kind == ANALYZER_COMPACT && a->runs % 8 == 0)
        buf_addf(m, "M|1|CR^BM^c111^1|%s\r", a->serial);
    buf_add_str(m, "L|1|N\r");
}

void astm_query(struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at)
{
    add_header(m, a, false, at);
    buf_addf(m, "Q|1|^%s||ALL||||||||O\rL|1|N\r", sample->barcode);
}

void astm_order(struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at)
{
    add_header(m, a, true, at);
    add_patient(m, sample);
    add_order(m, sample, true);
    buf_add_str(m, "L|1|F\r");
}

/* ── the transfer ── */

static void say_byte(struct conn *c, int from, uint8_t byte, bool quiet)
{
    conn_send(c, from, span_of(&byte, 1), quiet);
}

static void think(struct simulate *s, struct conn *c)
{
    c->clock += rng_between(&s->rng, 2 * TIME_MS, 18 * TIME_MS);
}

/* Gets the line: ENQ and ACK, after a refusal or a contention where asked for. The sender here has priority. */
static void bid(struct simulate *s, struct conn *c, const struct astm_transfer *how)
{
    if (how->contended) {
        say_byte(c, how->from, ASTM_BYTE_ENQ, true);
        say_byte(c, !how->from, ASTM_BYTE_ENQ, false);
        c->clock += rng_between(&s->rng, 1000 * TIME_MS, 1300 * TIME_MS);
        s->truth.astm_contentions++;
    }
    if (how->busy) {
        say_byte(c, how->from, ASTM_BYTE_ENQ, true);
        think(s, c);
        say_byte(c, !how->from, ASTM_BYTE_NAK, false);
        c->clock += rng_between(&s->rng, 10000 * TIME_MS, 11000 * TIME_MS);
    }
    say_byte(c, how->from, ASTM_BYTE_ENQ, true);
    think(s, c);
    say_byte(c, !how->from, ASTM_BYTE_ACK, true);
    think(s, c);
}

/* One frame until it is through; a byte of its text may be hit on the way, then the receiver says NAK and gets it again. */
static void send_frame(struct simulate *s, struct conn *c, const struct astm_transfer *how, unsigned number, struct span text, bool last)
{
    for (unsigned i = 0; i < FRAMES_MAX; i++) {
        buf_clear(&s->frame);
        astm_write_frame(&s->frame, number, text, last);
        if (!buf_ok(&s->frame)) {
            s->failed = true;
            return;
        }
        bool damaged = how->damage != 0 && i + 1 < FRAMES_MAX && text.n > 8 && rng_one_in(&s->rng, how->damage);
        if (damaged) { /* one bit of a printable character: the frame keeps its shape, its sum does not hold */
            size_t at = 2 + rng_below(&s->rng, (uint32_t)text.n - 4);
            s->frame.p[at] ^= s->frame.p[at] >= 0x40 ? 0x01 : 0x02;
            damaged = s->frame.p[at] >= 0x20;
            if (!damaged)
                s->frame.p[at] ^= 0x02;
        }
        conn_send(c, how->from, buf_span(&s->frame), true);
        think(s, c);
        say_byte(c, !how->from, damaged ? ASTM_BYTE_NAK : ASTM_BYTE_ACK, true);
        think(s, c);
        if (!damaged) {
            s->truth.astm_good_frames++;
            return;
        }
        s->truth.astm_damaged_frames++;
    }
}

static void count_records(struct truth *t, struct span text)
{
    t->astm_messages++;
    t->astm_sessions++;
    while (text.n > 0) {
        struct span record = span_until(&text, '\r', NULL);
        if (record.n > 0 && record.p[0] >= 'A' && record.p[0] <= 'Z') {
            t->astm_records++;
            t->astm_by_type[record.p[0] - 'A']++;
        }
    }
}

void astm_transfer(struct simulate *s, struct conn *c, const struct astm_transfer *how, struct span text)
{
    count_records(&s->truth, text);
    bid(s, c, how);
    unsigned number = 1;
    while (text.n > 0) {
        size_t n = how->most == 0 ? span_find(&text, '\r') + 1 : how->most;
        if (n > text.n)
            n = text.n;
        struct span part = span_take(&text, n);
        send_frame(s, c, how, number++, part, text.n == 0);
    }
    say_byte(c, how->from, ASTM_BYTE_EOT, false);
}
