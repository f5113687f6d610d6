/* sealed: small files of the keeper below the present folder, sealed under a key of their own and replaced whole: version (1), nonce (12), then
 * AES-256-GCM with the file's name as associated data. A file is either the old one or the new one, whenever the machine stops. */
#ifndef TQ_PROC_SEALED_H
#define TQ_PROC_SEALED_H

#include "base/buf.h"
#include "base/error.h"

#include <sys/types.h>

#define SEALED_FILE_MAX (4u << 20)

/* Appends what is in the file. *ret_there false: there is none. -1: ERR_CORRUPT it does not open under this key, ERR_SYSTEM. */
int sealed_load(const char *name, const uint8_t key[32], struct buf *out, bool *ret_there, struct error *e);
int sealed_save(const char *name, const uint8_t key[32], struct span clear, struct error *e);

/* The bytes of a file that is not sealed. */
int plain_load(const char *name, struct buf *out, bool *ret_there, struct error *e);

/* Not sealed: for what others read. Written beside it, then renamed. */
int plain_save(const char *name, mode_t mode, struct span bytes, struct error *e);

#endif
