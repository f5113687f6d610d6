/* document: a document inside a result (HL7 v2 types ED and RP, or base64 in a text): what it is and how large, by a look at its first bytes. It is
 * neither decoded whole nor copied. */
#ifndef TQ_WIRE_DOCUMENT_H
#define TQ_WIRE_DOCUMENT_H

#include "wire/hl7.h"

struct document {
    const char *type; /* by its content: pdf, rtf, jpeg, png, gif, tiff, bmp, dicom, zip, rar, 7z, gzip, ole, exe, elf, macho, script, xml, html, hl7,
                         text; reference: it lies elsewhere. NULL: none, or not known */
    struct span declared; /* what its sender calls it (ED-3 or ED-2, RP-4 or RP-3) */
    uint64_t bytes;       /* decoded */
    bool sized;
};

/* What the first bytes of a document say it is; NULL: not known. 132 bytes are enough. */
const char *document_type(struct span start);

/* Looks at OBX-5 (a repetition of it) of type OBX-2. False: it is no document; *ret is zeroed. */
bool document_read(const struct hl7_delims *d, struct span value_type, struct span value, struct document *ret);

#endif
