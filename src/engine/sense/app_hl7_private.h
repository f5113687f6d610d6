/* What the files of HL7 share.
 *
 *   app_hl7.c           a stream's blocks, put together
 *   app_hl7_message.c   a block → its messages, each walked for itself: lab.message
 *   app_hl7_text.c      what stands in the way of reading a message: character sets, continued segments
 *   app_hl7_result.c    a message's results: lab.result */
#ifndef TQ_SENSE_APP_HL7_PRIVATE_H
#define TQ_SENSE_APP_HL7_PRIVATE_H

#include "engine/sense/app_private.h"

#define NAME(a, b, c) HL7_NAME(a, b, c)

/* A block, as far as it was kept. */
struct hl7_content {
    struct span message;
    uint64_t bytes;
    const char *flaw; /* of its framing, "": none */
    bool counted;
    uint8_t charset;  /* enum charset: what HTTP says about the bytes, which counts for more than what they say */
    bool header_only; /* over a limit: only its beginning is here */
};

/* What a message says about how it is to be read. */
struct hl7_reading {
    struct span pointer;  /* MSH-14: it continues the message that ended with this */
    struct span next;     /* DSC-1: a message with this will continue it */
    struct span charsets; /* MSH-18 */
    bool alternates;      /* more sets than one: MSH-18 repeats, or MSH-20 says how they are switched */
    bool interactive;     /* DSC-2: the rest comes when it is asked for */
    bool specimens;       /* SPM or SAC are in it */
    bool added;           /* ADD continues a segment */
    bool added_first;     /* ADD is the first segment behind MSH */
    bool only_added;      /* nothing but MSH, ADD, DSC */
    struct span partial;  /* the segment that goes on in the next message: an empty ADD stands behind it */
    size_t end;           /* bytes of the message */
};

/* What is left of a message, segment by segment: from what the walk noted, or where it did not note all of them, found anew. */
struct hl7_rest {
    const struct hl7_delims *d;
    struct span text;
    const struct app_segment *next; /* NULL: they were not noted */
    const struct app_segment *end;
};

/* message: the text that was walked last, or its beginning. */
struct hl7_rest hl7_rest_of(const struct app_context *c, const struct hl7_delims *d, struct span message);
/* Takes the next segment and its name; false: none is left. */
bool hl7_rest_next(struct hl7_rest *r, struct span *ret, uint32_t *ret_name);

/* ── app_hl7_message.c ── */
void hl7_block(const struct app_where *w, const struct hl7_content *content);
/* A commit block of MLLP release 2. */
void hl7_commit(const struct app_where *w, bool stored);

static inline struct span hl7_either(struct span a, struct span b)
{
    return a.n > 0 ? a : b;
}

/* The first subcomponent of a component of the first repetition; empty for the explicit null. */
struct span hl7_first(const struct hl7_delims *d, struct span field, size_t component);

/* ── app_hl7_text.c ── */
/* The message as UTF-8. Where its bytes are that already, itself; else a copy in *plain, for the caller to release with app_hold_release. */
struct span hl7_decoded(struct app_context *c, struct hl7_delims *d, const struct hl7_reading *r, struct span message, struct buf *plain,
                        struct lab_message *m);
/* The message with segments that ADD continues in one piece, and what a message before it left open in front. Itself where there is nothing to join.
 */
struct span hl7_joined(const struct app_where *w, const struct hl7_delims *d, const struct hl7_reading *r, struct span message, struct buf *joined,
                       struct lab_message *m);
/* Does this message continue the one that is kept? m learns it. True: it is a piece of the open segment and nothing else, which goes on: it is kept,
 * and the message holds no result. */
bool hl7_carry_more(const struct app_where *w, const struct hl7_delims *d, const struct hl7_reading *r, struct span message, struct lab_message *m);
/* Keeps what the next message will continue; forgets what this one did not. */
void hl7_carry_on(const struct app_where *w, const struct hl7_delims *d, const struct hl7_reading *r, struct span message,
                  const struct lab_message *m);
void hl7_carry_forget(struct app_context *c, struct hl7_side *s);

/* The patient's identifier of a PID segment: PID-3, else PID-2, else PID-4. */
struct span hl7_patient(const struct hl7_delims *d, struct span pid);

/* ── app_hl7_result.c ── */
/* Do the OBX of messages of this type tell results of a lab? */
bool hl7_tells_results(struct span type);
void hl7_results(const struct app_where *w, const struct lab_message *m, struct span message, bool specimens);
/* Do messages of this type order tests? */
bool hl7_tells_orders(struct span type);
void hl7_orders(const struct app_where *w, const struct lab_message *m, struct span message, bool specimens);

#endif
