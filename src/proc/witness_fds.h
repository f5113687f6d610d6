/* Where libexec/tourniquet/witness finds what `ledger witness serve` opened for it. */
#ifndef TQ_PROC_WITNESS_FDS_H
#define TQ_PROC_WITNESS_FDS_H

#define WITNESS_DIR_FD 3    /* the witness's folder */
#define WITNESS_LISTEN_FD 4 /* a listening socket, non-blocking */
#define WITNESS_TLS_FD 5    /* u32 length, certificate (PEM), key (PEM); closed: plain HTTP */
#define WITNESS_TLS_MAX (64 << 10)

#endif
