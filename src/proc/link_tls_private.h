/* The packed form of a link's side, between link_tls_pack.c (supervisor) and link_tls.c (relay): version, side and flags (a byte each), link and host
 * (u16 and text), pins (u8 and 32 bytes each), then behind a u32 each: key and chain (PEM), authorities (PEM), fingerprints of what is revoked. */
#ifndef TQ_PROC_LINK_TLS_PRIVATE_H
#define TQ_PROC_LINK_TLS_PRIVATE_H

#include "proc/link_tls.h"
#include "record/crypto/x509.h"

#define LINK_TLS_VERSION 1
#define LINK_TLS_URI "tourniquet:link/%s/%s" /* in a certificate of the lab's own authority: link and side whose peer may show it */

enum { PACKED_DIALS = 1, PACKED_OPTIONAL = 2, PACKED_TLS12 = 4, PACKED_OUTSIDE = 8 };

#endif
