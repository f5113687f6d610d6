/* Names in messages of DNS's form (RFC 1035, section 4): multicast DNS (RFC 6762), LLMNR (RFC 4795), the NetBIOS name service (RFC 1002,
 * section 4.2). */
#ifndef TQ_WIRE_NAMES_H
#define TQ_WIRE_NAMES_H

#include "base/span.h"

#define NAMES_TEXT 256

enum { NAMES_A = 1, NAMES_TXT = 16, NAMES_AAAA = 28, NAMES_NB = 0x20, NAMES_NBSTAT = 0x21 };

struct names {
    struct span message;
    struct span rest; /* behind what was read */
    bool response;
    uint8_t opcode;
    size_t left; /* records */
};

struct names_record {
    char name[NAMES_TEXT]; /* labels with dots between, as they came; no dot at the end */
    size_t n;
    uint16_t type;
    struct span data;
};

/* Reads the head and steps over the questions. False: not such a message. */
bool names_start(struct span message, struct names *ret);

/* The next record of any section. False: none left, or it is damaged. */
bool names_next(struct names *s, struct names_record *ret);

/* The 32 letters of a NetBIOS name → the name without trailing spaces, and its last byte, the kind of service. Returns the length; 0: no such name.
 */
size_t names_netbios(const struct names_record *r, char out[16], uint8_t *ret_kind);

#endif
