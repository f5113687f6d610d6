/* mail_head: header fields of Internet messages (RFC 5322), encoded words (RFC 2047) and parameters (RFC 2045, RFC 2231), read so that nothing that a
 * sender writes can break off the reading: what is malformed is taken as it would be shown. */
#ifndef TQ_WIRE_MAIL_HEAD_H
#define TQ_WIRE_MAIL_HEAD_H

#include "base/buf.h"

struct mail_field {
    struct span name;  /* without the colon */
    struct span value; /* as it stands: folded, undecoded, without the last line end */
};

/* Takes the next field of *rest (a message or a part of one, at its first field); a line of an mbox file before the first field ("From …") and lines
 * that are no field are passed over. False: the header ends; *rest is then the body. */
bool mail_field_next(struct span *rest, struct mail_field *ret);

/* The n-th field (from 0) of that name in a header or a whole message. False: there is none. */
bool mail_field_find(struct span message, const char *name, size_t n, struct span *ret_value);

/* Appends a value unfolded, its encoded words decoded, as UTF-8; controls become spaces. */
void mail_words_decode(struct buf *out, struct span value);

struct mail_address {
    struct span display; /* as it stands: quoted, encoded; empty where there is none */
    struct span address; /* local@domain, without comments; empty: a group's name */
};

/* Takes the next mailbox of an address list (RFC 5322, section 3.4), of any shape that is seen in the wild. False: the end. */
bool mail_address_next(struct span *rest, struct mail_address *ret);

/* The part behind the last @; empty: there is none. */
struct span mail_domain(struct span address);

/* Appends the display name without its quotes, decoded. */
void mail_display_decode(struct buf *out, struct span display);

/* Appends parameter `name` of a value such as Content-Type's, decoded as UTF-8: quoted, with a charset, in pieces. False: there is none. */
bool mail_parameter(struct span value, const char *name, struct buf *out);

/* The value's first word without its parameters ("text/html"), in small letters, cut at room - 1. */
void mail_token(struct span value, char *out, size_t room);

/* Bytes of the named character set as UTF-8, appended. A set that is not known, or that the bytes cannot be of, is a lie: then UTF-8 where it is well
 * formed, else ISO 8859-1. True: it was a lie. */
bool mail_charset_decode(struct buf *out, struct span charset, struct span bytes);

/* Case does not count (ASCII). */
bool mail_same(struct span a, struct span b);
bool mail_is(struct span a, const char *b);
/* Where b stands in a, case not counting; a.n: nowhere. */
size_t mail_find(struct span a, const char *b);
struct span mail_trim(struct span s); /* without spaces, tabs and line ends at both ends */

#endif
