/* look: what the relay must know of a message, found in one pass over it. Nothing is copied or allocated. */
#ifndef TQ_RELAY_LOOK_H
#define TQ_RELAY_LOOK_H

#include "base/span.h"
#include "wire/hl7.h"

#define LOOK_TYPE 64

struct look {
    struct hl7_delims delims;
    struct span header;          /* MSH or H, whole; empty: there is none */
    struct span type;            /* "ORU^R01", "ASTM.RESULT"; may point into type_text */
    struct span control_id;      /* MSH-10, H-3 */
    struct span sender_app;      /* MSH-3.1, H-5 */
    struct span sender_place;    /* MSH-4.1 */
    struct span accept_ack;      /* MSH-15 */
    struct span application_ack; /* MSH-16 */
    struct span answer_code;     /* MSA-1 */
    struct span answered_id;     /* MSA-2 */
    uint32_t headers;            /* MSH, H: several messages in one where there are several */
    uint32_t results;            /* OBX, R */
    bool answer;                 /* there is an MSA */
    bool enhanced;               /* MSH-15 or MSH-16 says something */
    bool charset_wrong;          /* bytes that are not what MSH-18 says */
    char type_text[LOOK_TYPE];
};

/* Called for the test code of each result; may be NULL. */
typedef void look_test(void *context, struct span code);

/* An HL7 message, without its framing. False: it does not begin with MSH, FHS or BHS (then everything is empty). */
bool look_hl7(struct span content, struct look *ret, look_test *test, void *context);
/* The records of a message of LIS2-A2, without frames. False: it does not begin with an H record. */
bool look_astm(struct span records, struct look *ret, look_test *test, void *context);
/* Does the last record end a message (L)? It must be whole: ended by CR, or by the frame (etx: the last one ended with ETX), for a sender may cut its
 * records anywhere into frames (LIS1-A: more of the same follows a frame that ends with ETB). */
bool look_astm_ended(struct span records, bool etx);

#endif
