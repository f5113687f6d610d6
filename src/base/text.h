/* Bytes as text and back: hexadecimal, base64, UTF-8; numbers as text. */
#ifndef TQ_BASE_TEXT_H
#define TQ_BASE_TEXT_H

#include "base/buf.h"

/* Appends lower-case hexadecimal. */
void text_hex(struct buf *out, struct span bytes);

/* Writes 2*n lower-case digits and a final zero. */
void text_hex_to(char *out, const void *bytes, size_t n);

/* Reads exactly n bytes from 2*n hexadecimal digits of either case. */
bool text_unhex(struct span text, uint8_t *out, size_t n);

/* Appends standard base64 with padding (RFC 4648, section 4). */
void text_base64(struct buf *out, struct span bytes);

/* Reads strict base64: padding required, no spaces, spare bits zero. Appends to out; false: not such a text, or out is full. */
bool text_unbase64(struct span text, struct buf *out);

/* The same in the alphabet for addresses, without padding (RFC 4648, section 5). */
void text_base64url(struct buf *out, struct span bytes);
bool text_unbase64url(struct span text, struct buf *out);

/* Bytes of the well-formed UTF-8 sequence at the start of s (1-4), or 0: none (RFC 3629: no overlong forms, no surrogates). */
size_t text_utf8_len(struct span s);

bool text_is_utf8(struct span s);

/* Writes the UTF-8 of a code point up to U+10FFFF; which ones are allowed is the caller's business. Returns how many bytes, 1-4. */
size_t text_utf8_put(uint8_t out[4], uint32_t c);

/* Writes v in decimal digits, without a final zero; at most TEXT_DECIMAL. Returns their end. printf is slow where it is done for every message. */
#define TEXT_DECIMAL 20
char *text_decimal(char *out, uint64_t v);

/* Is it a mail address in the plain form of RFC 5322, section 3.4.1 (dot-atom @ host name)? No quotes, no comments, nothing that a mail server could
 * take for two addresses. */
bool text_is_mail(struct span mail);

#endif
