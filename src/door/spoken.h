/* spoken: sentences of the program in the language of whoever reads them.
 *
 * What the program says (findings, what to do, why a request was refused) is written in English where it is made, and stands in English on the
 * ledger. catalog/spoken/es.txt (embedded; it says how it is written) has the same in Spanish, with holes for names and numbers; a sentence is found
 * by its own text, so that older records are read in Spanish too. scripts/check-spoken finds sentences that are missing there. */
#ifndef TQ_DOOR_SPOKEN_H
#define TQ_DOOR_SPOKEN_H

#include "base/buf.h"

enum tongue { TONGUE_ENGLISH, TONGUE_SPANISH };

/* The first of our languages that an Accept-Language header names; none, or "": English. */
enum tongue tongue_of(struct span accept);

/* Appends `english` in that language; a text that the catalogue does not know is appended as it is. Whatever the text, the work is bounded. Any
 * thread. */
void speak(struct buf *out, enum tongue tongue, struct span english);

/* Entries that are wrong: a hole that the English has not, the same twice, more than fit. For the tests; 0: all is well. */
size_t spoken_wrong(void);

/* The embedded text, of this room only. */
struct spoken_file {
    const char *name;
    const char *text;
};
extern const struct spoken_file spoken_files[];
extern const size_t spoken_files_count;

#endif
