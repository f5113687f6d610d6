/* JA4: a print of a TLS client, from the offer it makes (the open part of FoxIO's method, as described in public). */
#ifndef TQ_WIRE_JA4_H
#define TQ_WIRE_JA4_H

#include "base/span.h"

#define JA4_TEXT 37 /* "t13d1516h2_8daaf6152771_e5627efa2ab1" and a final zero */

/* The start of a client's stream, with its whole ClientHello in one record. False: it is not. */
bool ja4(struct span start, char out[JA4_TEXT]);

#endif
