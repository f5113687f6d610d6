/* code: one-time codes that people read out and type: groups of five letters of Crockford's base32 (no I, L, O, U), 25 bits a group. */
#ifndef TQ_LAB_CODE_H
#define TQ_LAB_CODE_H

#include "base/span.h"

#define CODE_GROUP 5
#define CODE_TEXT(groups) (((groups)) * (CODE_GROUP + 1)) /* room for the groups with dashes between, and a final zero */

/* A random code: "XXXXX-XXXXX" and so on. */
void code_make(char *out, size_t groups);

/* What was typed without dashes, spaces and case; O read as 0, I and L as 1; filled with zeros up to size. Too long: "?". */
void code_plain(struct span typed, char *out, size_t size);

#endif
