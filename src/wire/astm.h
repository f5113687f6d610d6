/* astm: the records of ASTM E1394 / CLSI LIS2-A2, read in place.
 *
 * A message is a row of records, each ended by CR, from H to L. Field 1 is the type letter. The four characters behind the H are the delimiters:
 * field, repeat, component, escape; a record of another order (GeneXpert sends "H|@^\") is as good. Nothing allocates; all spans point into the
 * message. */
#ifndef TQ_WIRE_ASTM_H
#define TQ_WIRE_ASTM_H

#include "wire/hl7.h"

/* Reads the delimiters of an H record into the form that hl7_part, hl7_unescape take (`sub` is not used in LIS2). False: not an H record, or the
 * delimiters make no sense. */
bool astm_delims(struct span header, struct hl7_delims *ret);

/* Takes the next record that is not empty from *rest, without its CR and any LF, NUL or space around it. False: none left. */
bool astm_record(struct span *rest, struct span *ret);

/* Splits a record: out[n] is field n, numbered from 1 (the type letter; out[0] is empty). In H, field 2 is the delimiters. Entries the record has not
 * are empty. Returns one more than the number of the last field present (at most max). */
size_t astm_fields(const struct hl7_delims *d, struct span record, struct span *out, size_t max);

/* The record's type as a capital letter, 0 where it does not begin with a letter. A letter must be followed by the field separator or nothing. */
uint8_t astm_type(const struct hl7_delims *d, struct span record);

/* What a sender's H-5 says about its device. Makers fill it in their own ways; the shapes known:
 *   name^version^serial            standard (LIS2-A2, 7.1.5); version: begins with a digit and has a dot or dash, as 00-22 or 4.8, or with one or two
 *                                  letters before a digit and a dot, as V2.1
 *   maker^model^serial             where the second part is no version
 *   name^version^^^^serial^code    Sysmex
 *   host^maker^model^version^x^serial   Roche
 *   maker^model^version^serial          Ortho
 *   place^model^version                 Cepheid; with a V before the version (V2.1) the first part is taken for the maker
 *   name^serial^version, name^serial    HORIBA, Radiometer: the second part is, or holds, a number of five digits */
struct astm_sender {
    struct span maker;
    struct span model;
    struct span serial;
    struct span software;
};
void astm_sender(const struct hl7_delims *d, struct span field, struct astm_sender *ret);

/* The test of R-3 or O-5 (universal test id): component 4, or the first that is not empty behind it, or else before it; text: the component behind
 * the one chosen, where component 4 was. */
void astm_test(const struct hl7_delims *d, struct span field, struct span *ret_code, struct span *ret_text);

/* The first component that holds more than spaces, without the spaces around it. */
struct span astm_first_component(const struct hl7_delims *d, struct span field);

/* The specimen in O-3 or O-4: the first component, or the number behind rack and position, which are digits
 * ("2^1^        10023^B"), and longer than the rack. */
struct span astm_specimen(const struct hl7_delims *d, struct span field);

#endif
