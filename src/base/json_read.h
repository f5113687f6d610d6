/* Reads JSON (RFC 8259) in place: nothing is copied, nothing allocated. For what the program wrote itself and reads again for every record; what
 * people and other programs send is jansson's work (base/json.h).
 *
 * A value is the span of its text. A walk over an object or a list looks at each part as it comes: well-formed UTF-8, pairs of surrogates, integers
 * of 64 bits, no zero character in a name. Whoever wants all of it to hold walks to the end and asks jsonr_ended. */
#ifndef TQ_BASE_JSON_READ_H
#define TQ_BASE_JSON_READ_H

#include "base/buf.h"

#define JSONR_DEPTH 64 /* objects and lists in each other, at most */

struct jsonr {
    struct span rest;
    uint8_t end;
    bool first; /* no part was read yet */
    bool over;  /* … and all were */
};

/* Begins a walk; of anything but an object or a list there is nothing to walk over. */
struct jsonr jsonr_object(struct span value);
struct jsonr jsonr_list(struct span value);

/* The next part. False: there is none, or it does not hold. A name is as it stands between its quotes. */
bool jsonr_member(struct jsonr *r, struct span *ret_name, struct span *ret_value);
bool jsonr_item(struct jsonr *r, struct span *ret_value);

/* The walk went to the end, all parts hold, and nothing but spaces follows. */
bool jsonr_ended(const struct jsonr *r);

/* The characters between the quotes of a text, as they stand there. False: it is none. */
bool jsonr_quoted(struct span value, struct span *ret);
/* Do they stand for themselves? Else jsonr_unescape appends what they mean; that is never longer. */
bool jsonr_is_plain(struct span quoted);
void jsonr_unescape(struct span quoted, struct buf *out);

/* False: it is no integer, or none of 64 bits. */
bool jsonr_int(struct span value, int64_t *ret);

/* Appends the value without the spaces between its parts. */
void jsonr_compact(struct span value, struct buf *out);

#endif
