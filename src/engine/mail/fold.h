/* fold: any text as plain words, so that letters of other alphabets, accents and invisible characters hide nothing. Of this room only. */
#ifndef TQ_ENGINE_MAIL_FOLD_H
#define TQ_ENGINE_MAIL_FOLD_H

#include "base/buf.h"

struct fold {
    size_t letters;
    size_t disguised; /* words of Latin letters with look-alikes of other alphabets among them */
    size_t invisible; /* characters that are not shown, inside words */
};

/* Appends the words of UTF-8: small ASCII letters and digits, one space between; apostrophes and hyphens inside a word are left out. f (may be NULL)
 * counts what was odd. */
void fold_words(struct buf *out, struct span utf8, struct fold *f);

/* The ASCII letter that a character stands for, or looks like; 0: none. *foreign: it is of another alphabet. *nothing: it is not shown. */
char fold_letter(uint32_t c, bool *foreign, bool *nothing);

/* Takes a character of UTF-8; a byte that is none stands for itself. */
uint32_t fold_next(struct span *s);

/* A label of a host name as what it looks like: "paypa1" and "раураl" give "paypal"; rn gives m, vv w. out: n + 1 bytes at least, n the label's.
 * Returns the length. *foreign: letters of another alphabet were in it. */
size_t fold_label(struct span label, char *out, size_t room, bool *foreign);

#endif
