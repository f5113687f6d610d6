/* The allow-list for fields that outsiders fill: which of them may be shown as they are.
 *
 * A text is shown when it is short, printable, holds no long number, and repeats no field of the patient or specimen of the same record. */
#ifndef TQ_ALLOW_H
#define TQ_ALLOW_H

#include "base/span.h"

#define ALLOW_BYTES 64   /* longest text that is shown */
#define ALLOW_DIGITS 5   /* longest run of digits that is shown */
#define ALLOW_SHORTEST 3 /* shorter private pieces (a sex, a title) are not looked for: they are in every word */
#define ALLOW_PIECES 640 /* most private pieces of one record; with more, nothing foreign is shown */
#define ALLOW_STEPS 8192 /* bytes compared for one text: honest ones need some hundreds. One that needs more is not shown */

/* A private text, or one of its components. */
struct allow_piece {
    struct span text;
    uint64_t letters; /* which bytes it holds, folded: a piece can only lie in a text that holds all of them */
};

struct allow {
    size_t n;
    bool shut; /* too much is private: show nothing */
    struct allow_piece pieces[ALLOW_PIECES];
};

/* Only the head is written. */
static inline void allow_start(struct allow *a)
{
    a->n = 0;
    a->shut = false;
}

/* Adds a private text, and its components as HL7 and ASTM separate them (| ^ & ~ \ @). The bytes must hold while `a` is used. */
void allow_private(struct allow *a, struct span text);

/* The shape alone: at most ALLOW_BYTES printable bytes (ASCII; well-formed UTF-8 letters and the signs of units; ISO 8859-1 letters where the text is
 * not UTF-8), no run of digits over ALLOW_DIGITS. */
bool allow_shape(struct span text);

/* Words of fixed vocabularies, shown whatever is private beside them: an HL7 message type with its event (ORU^R01), ACK, our names for ASTM messages;
 * HL7 versions (2.5.1) and those of LIS2-A2. Nobody's name has these forms, and a message without them is of little use. */
bool allow_message_type(struct span text);
bool allow_version(struct span text);

/* Shape, and no private piece in the text or the other way round. Pieces of fewer than five bytes count as whole words only. ASCII letters of either
 * case are equal. */
bool allow_shown(const struct allow *a, struct span text);

#endif
