#ifndef TQ_LAB_CATALOG_PRIVATE_H
#define TQ_LAB_CATALOG_PRIVATE_H

#include "lab/catalog/catalog.h"

struct catalog {
    size_t texts_n, texts_size;
    uint8_t **texts; /* the lab's own files, copied */
    size_t entries_n, entries_size;
    struct catalog_entry *entries;
    size_t lines_n, lines_size;
    struct catalog_line *lines;
};

/* What the build embeds. */
struct catalog_file {
    const char *name;
    const char *text;
};
extern const struct catalog_file catalog_files[];
extern const size_t catalog_files_count;

/* ── text.c ── */

/* Skips what comparisons leave out at the start. */
struct span catalog_trim(struct span s);
/* Whether text begins with name (compared as catalog_glob does, without its signs) and a word ends there. *ret_rest: what follows. */
bool catalog_begins(struct span text, struct span name, struct span *ret_rest);
bool catalog_is_token(struct span s);

/* What a header's form gives. */
struct catalog_form {
    size_t strength; /* parts of the header that the form speaks of and that are filled; 0: it does not fit */
    struct span model, serial, software;
    size_t fixed_n;
    struct span fixed[4]; /* the parts that fit the form's fixed texts */
};
/* form: the value of a "said" line behind its protocol: components parted by "^", and the facility (HL7) or the model (POCT1-A) behind "|". */
bool catalog_form_fits(struct span form, const struct span *said, size_t n, struct span behind, struct catalog_form *ret);
/* Checks a form. *ret_at: where the flaw is. NULL: none. */
const char *catalog_form_flaw(struct span form, size_t *ret_at);

/* Sets of first letters and digits, one bit each (several share one). Of a text: those of all its words. Of a pattern: what a text must have one of,
 * to fit; all bits where anything may. Of a form: the same. */
uint64_t catalog_initials_of_text(struct span text);
uint64_t catalog_initials_of_pattern(struct span pattern);
uint64_t catalog_initials_of_form(struct span form);

/* The block of a "mac" line: nibbles in ret[0, n). 0: it is none. */
size_t catalog_mac_nibbles(struct span text, uint8_t ret[12]);

bool catalog_one_of(struct span text, const char *const *list, size_t n);
struct span catalog_word(struct span *rest); /* takes the next word and the spaces behind it */

#endif
