/* mail_transfer: what content transfer encodings hide (RFC 2045, section 6), read leniently: what is no digit is passed over, as mail programs do. */
#ifndef TQ_WIRE_MAIL_TRANSFER_H
#define TQ_WIRE_MAIL_TRANSFER_H

#include "base/buf.h"

enum mail_encoding { MAIL_PLAIN, MAIL_BASE64, MAIL_QUOTED };

enum mail_encoding mail_encoding_named(struct span value); /* of Content-Transfer-Encoding; anything unknown is plain */

/* Append what the text stands for; out's cap ends it early (out is then not failed: `full` tells it by out->n == out->max). */
void mail_base64_decode(struct buf *out, struct span text);
void mail_quoted_decode(struct buf *out, struct span text);
void mail_q_decode(struct buf *out, struct span text); /* of encoded words: _ is a space */
void mail_decode(struct buf *out, enum mail_encoding encoding, struct span text);

#endif
