/* What writing and reading share. Only files of this folder include it. */
#ifndef TQ_BACKUP_INSIDE_H
#define TQ_BACKUP_INSIDE_H

#include "record/backup/backup.h"
#include "record/crypto/crypto.h"

#define HEAD_BOUND 128 /* bytes before the wrapped key, which is bound to them */
#define HEAD_BEFORE_KEYRING (HEAD_BOUND + BACKUP_KEY + AES_GCM_TAG + 4)
#define BACKUP_MAGIC SPAN_LIT("TQBKUP1\n")
#define CHUNK_LAST (UINT32_C(1) << 31)
#define CHUNK_HEAD 4

enum item { ITEM_FILE = 1, ITEM_END = 2 };

/* The key that wraps a backup's own: from the key that opens the keyring. */
void backup_wrapping_key(const uint8_t opening[32], const uint8_t salt[32], uint8_t out[32]);

/* Nonce and associated data of a chunk. */
void backup_chunk_bind(const uint8_t id[BACKUP_ID], uint64_t number, uint32_t head, uint8_t nonce[AES_GCM_NONCE], uint8_t ad[BACKUP_ID + 8 + 4]);

#endif
