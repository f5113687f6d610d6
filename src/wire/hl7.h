/* hl7: HL7 version 2 messages in ER7 encoding ("pipe and hat"), read in place.
 *
 * Delimiters are taken from the message, never assumed (HL7 v2.5.1, 2.5.4): byte 3 is the field separator, the bytes up to the next one are
 * component, repetition, escape and subcomponent. Segments end with CR; LF and CRLF are accepted, and the last one may be missing. Fields are
 * numbered as in the standard: in MSH, FHS and BHS field 1 is the separator itself. Nothing here allocates; all spans point into the message. */
#ifndef TQ_WIRE_HL7_H
#define TQ_WIRE_HL7_H

#include "wire/charset.h"

struct hl7_delims {
    uint8_t field;
    uint8_t component;
    uint8_t repetition;
    uint8_t escape;
    uint8_t sub;
    uint8_t truncation;    /* 0: none (v2.7 on: the fifth of MSH-2) */
    uint8_t charset;       /* enum charset: what the bytes of \Xhh..\ are. hl7_delims leaves it CHARSET_NONE */
    bool encoding_missing; /* MSH-2 is absent or short: defaults stand in for what is missing */
};

/* Reads the delimiters of a message that begins with MSH, FHS or BHS. False: it does not, or they make no sense (equal to each other, letters …). */
bool hl7_delims(struct span message, struct hl7_delims *ret);

/* Does MSH, FHS or BHS begin here, with delimiters of its own? */
bool hl7_header(struct span segment);

/* Takes the next segment that is not empty from *rest, without its end. False: none left. A line feed ends a segment where what follows looks like
 * one (a name and a separator) or the message ends; elsewhere it is data. */
bool hl7_segment(const struct hl7_delims *d, struct span *rest, struct span *ret);

/* Is it a segment name (a letter, then two letters or digits, capitals) with a separator or nothing behind it? */
bool hl7_segment_named(const struct hl7_delims *d, struct span segment);

/* The three bytes of a segment's name as one number: hl7_name(segment) == HL7_NAME('O', 'B', 'X'). 0: shorter than three bytes. */
#define HL7_NAME(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))
static inline uint32_t hl7_name(struct span segment)
{
    return segment.n < 3 ? 0 : HL7_NAME(segment.p[0], segment.p[1], segment.p[2]);
}

/* Splits a segment: out[0] is its name, out[n] field n as the standard numbers it. Entries up to max that the segment has not are empty. Fields from
 * max on are not looked at. Returns one more than the number of the last field present (at most max). max ≥ 3. */
size_t hl7_fields(const struct hl7_delims *d, struct span segment, struct span *out, size_t max);

/* Part n (from 1) of s split at separator; empty where there is none. For repetitions, components, subcomponents. */
struct span hl7_part(struct span s, uint8_t separator, size_t n);

/* Is it the explicit null (two double quotes)? */
static inline bool hl7_null(struct span s)
{
    return s.n == 2 && s.p[0] == '"' && s.p[1] == '"';
}

/* Undoes the escape sequences of s (HL7 v2.5.1, 2.7; the same letters serve LIS2-A2, 5.4.6) into out, which has room for HL7_UNESCAPED(s.n) bytes:
 *   F S T R E P   the delimiters (P: truncation)
 *   Xhh..         bytes of the message's character set, as UTF-8
 *   H N           highlighting, left out; so are .in .ti .fi .nf, which only shape a page
 *   .br .sp .ce .sk   a space: text goes on behind it
 * Others (character sets, local ones) and unfinished ones stay as they are. Returns the bytes written. */
#define HL7_UNESCAPED(n) ((n) + (n) / 2 + 4)
size_t hl7_unescape(const struct hl7_delims *d, struct span s, uint8_t *out);

/* Room for hl7_time: "2026-03-02T08:00:00.1234+01:00" and a final zero. */
#define HL7_TIME_TEXT 40

/* Turns YYYY[MM[DD[HH[MM[SS[.S+]]]]]][+/-ZZZZ] into ISO 8601 of the same precision; without a zone where the sender gave none. Anything from a caret
 * on is ignored (TS component 2). Returns its length; 0 and "" where s is no such time. LIS2-A2 times have the same form. */
size_t hl7_time(struct span s, char out[HL7_TIME_TEXT]);

#endif
