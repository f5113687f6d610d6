/* show: the bytes of a lab message as they were kept, taken apart for showing: lines of numbered fields, in UTF-8.
 *
 *   HL7       a line a segment, named by its name; fields numbered as the standard does (MSH-1 is the separator)
 *   ASTM      a line a record, named by its letter; fields numbered from 1, the letter
 *   POCT1-A   a line an element, named by its name, with its depth; its attributes by name, numbered from 1; text between tags is a line without name
 *   else      a line a line; the whole of it is field 1
 *
 * Nothing is interpreted: escape sequences, components and entities of XML stay as they came, so that what is shown is what was sent. Empty fields
 * are left out. What is no well-formed message is shown as far as it goes; damage never loses bytes of HL7 and ASTM. */
#ifndef TQ_WIRE_SHOW_H
#define TQ_WIRE_SHOW_H

#include "base/buf.h"
#include "wire/hl7.h"
#include "wire/poct1a.h"

#define SHOW_NAME 64 /* bytes of a line's name that are shown */

enum show_form { SHOW_LINES, SHOW_HL7, SHOW_ASTM, SHOW_POCT1A };

/* The form by the protocol's name in lab.message: hl7, astm, poct1a. */
enum show_form show_form(struct span protocol);

/* The bytes as UTF-8: themselves, or decoded into *plain (empty, with a cap of CHARSET_GROWTH times the bytes + 8). The character set is what HL7's
 * MSH-18 says, where the bytes do not say otherwise. *ret_charset names what they were read as: "ASCII", "UTF-8", "as MSH-18 says", "ISO 8859-1". */
struct span show_text(enum show_form form, struct span bytes, struct buf *plain, const char **ret_charset);

struct show_line {
    struct span name;
    size_t depth; /* POCT1-A: elements around it; else 0 */
};

struct show_field {
    size_t number;
    struct span name; /* POCT1-A: of the attribute; else empty */
    struct span text;
    bool withheld; /* a password (H-4 of ASTM): the text is empty */
};

struct show_reader {
    enum show_form form;
    struct hl7_delims delims;
    struct span rest;
    struct span line; /* what is left of the line's fields */
    size_t number;    /* of the field before */
    bool header;      /* the line is a header record */
    bool text;        /* POCT1-A: the line is a text */
    struct poct1a_reader xml;
};

/* text: as show_text gives it. */
void show_start(struct show_reader *r, enum show_form form, struct span text);

/* The next line; false: there is none. Then its fields, as many as are wanted. */
bool show_line(struct show_reader *r, struct show_line *ret);
bool show_field(struct show_reader *r, struct show_field *ret);

/* Bytes of the text that no line has shown yet: what is behind the last line, or cannot be read. */
size_t show_left(const struct show_reader *r);

#endif
