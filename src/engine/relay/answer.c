/* Our own answers: what HL7 v2.5.1 (2.9, 2.14.8 MSA, 2.14.5 ERR) lets a receiver say. */
#include "engine/relay/relay_private.h"

/* Is an acknowledgement of this condition (table 0155) asked for, when the outcome is so? */
bool answer_asked(struct span condition, bool good)
{
    return span_is(condition, "AL") || span_is(condition, good ? "SU" : "ER");
}

#define FIELD_MAX 512 /* longer ones are not echoed */

#define FIELDS 13

/* The fields of the message's header, as they stand. */
static void header_fields(const struct look *look, struct span f[FIELDS])
{
    if (look->header.n == 0) {
        memset(f, 0, FIELDS * sizeof f[0]);
        return;
    }
    (void)hl7_fields(&look->delims, look->header, f, FIELDS);
    for (size_t i = 0; i < FIELDS; i++)
        if (f[i].n > FIELD_MAX)
            f[i] = (struct span){0};
}

/* When the relay started, and the number of the answer, six digits at least: hexadecimal ones. */
static void add_id(struct buf *out, const struct relay_link *link)
{
    const uint64_t parts[2] = {(uint64_t)(link->relay->started / TIME_SECOND), ++link->relay->answers};
    static const unsigned least[2] = {1, 6};
    buf_add(out, "TQ", 2);
    for (size_t i = 0; i < 2; i++) {
        unsigned n = parts[i] == 0 ? 1 : (unsigned)(67 - __builtin_clzll(parts[i])) / 4;
        for (n = n < least[i] ? least[i] : n; n > 0; n--)
            buf_u8(out, (uint8_t) "0123456789abcdef"[parts[i] >> (4 * n - 4) & 15]);
    }
}

/* The time as HL7 writes it: YYYYMMDDHHMMSS+0000. */
static void add_time(struct buf *out, tq_time now)
{
    char text[TIME_TEXT];
    (void)time_format(now, text); /* 2026-11-22T14:02:03. */
    static const uint8_t places[14] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
    for (size_t i = 0; i < sizeof places; i++)
        buf_u8(out, (uint8_t)text[places[i]]);
    buf_add_str(out, "+0000");
}

/* A sentence of ours as a field: nothing of it is a delimiter of the message. */
static void add_reason(struct buf *out, const struct hl7_delims *d, const char *reason)
{
    for (; *reason != 0; reason++) {
        uint8_t c = (uint8_t)*reason;
        bool special = c == d->field || c == d->component || c == d->repetition || c == d->escape || c == d->sub;
        buf_u8(out, special ? ' ' : c);
    }
}

void answer_write(struct relay_link *link, struct buf *out, const struct look *look, enum answer what, const char *code, const char *reason)
{
    static const char codes[2][3][3] = {{"AA", "AE", "AR"}, {"CA", "CE", "CR"}};
    bool good = what == ANSWER_ACCEPT;
    bool commit = look->enhanced && answer_asked(look->accept_ack, good);
    if (look->enhanced && !commit && !answer_asked(look->application_ack, good))
        return;
    struct hl7_delims d = look->delims;
    if (look->header.n == 0)
        d = (struct hl7_delims){.field = '|', .component = '^', .repetition = '~', .escape = '\\', .sub = '&'};
    UNCLEARED struct span of[FIELDS];
    header_fields(look, of);
    struct span trigger = hl7_part(of[9], d.component, 2);
    const uint8_t f = d.field;
    buf_u8(out, MLLP_START_BYTE);
    buf_add_str(out, "MSH");
    buf_u8(out, f);
    const uint8_t encoding[4] = {d.component, d.repetition, d.escape, d.sub};
    for (size_t i = 0; i < 4 && encoding[i] != 0; i++)
        buf_u8(out, encoding[i]);
    for (size_t i = 0; i < 4; i++) { /* who it is from and to: the other way round */
        static const uint8_t fields[4] = {5, 6, 3, 4};
        buf_u8(out, f);
        buf_add_span(out, of[fields[i]]);
    }
    buf_u8(out, f);
    add_time(out, link->relay->now + link->relay->wall_ahead);
    buf_u8(out, f);
    buf_u8(out, f);
    buf_add_str(out, "ACK");
    if (trigger.n > 0) {
        buf_u8(out, d.component);
        buf_add_span(out, trigger);
        buf_u8(out, d.component);
        buf_add_str(out, "ACK");
    }
    buf_u8(out, f);
    add_id(out, link);
    buf_u8(out, f);
    buf_add_span(out, of[11].n > 0 ? of[11] : SPAN_LIT("P"));
    buf_u8(out, f);
    buf_add_span(out, of[12].n > 0 ? of[12] : SPAN_LIT("2.5.1"));
    buf_add(out, "\rMSA", 4);
    buf_u8(out, f);
    buf_add_str(out, codes[commit][what]);
    buf_u8(out, f);
    buf_add_span(out, of[10]);
    if (!good) {
        buf_u8(out, f);
        add_reason(out, &d, reason);
        /* ERR-3 code, ERR-4 severity, ERR-8 for the person at the analyzer */
        buf_addf(out, "\rERR%c%c%c%s%cE%c%c%c%c", f, f, f, code, f, f, f, f, f);
        add_reason(out, &d, reason);
    }
    buf_u8(out, '\r');
    buf_u8(out, MLLP_END_BYTE);
    buf_u8(out, '\r');
}
