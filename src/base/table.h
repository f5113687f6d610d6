/* A map from short byte keys to values of one fixed size, with a cap. Open addressing, linear probing, keyed hash: keys may come from attackers. */
#ifndef TQ_BASE_TABLE_H
#define TQ_BASE_TABLE_H

#include "base/hash.h"

struct table;

#define TABLE_KEY_MAX 256 /* bytes; longer keys are refused: hash or cut them first */

/* max: most entries it will ever hold; value_size: bytes per value. NULL: no memory. */
struct table *table_new(struct hash_key key, size_t max, size_t value_size);
void table_free(struct table *t);

size_t table_count(const struct table *t);

/* The value of key, or NULL. The pointer holds until the next table_put or table_remove. */
void *table_get(const struct table *t, struct span key);

/* The value of key, made (all zeros) where it is new; *ret_new (may be NULL) says so. NULL: full, no memory, or the key is too long. */
void *table_put(struct table *t, struct span key, bool *ret_new);

/* Removes key; false where it was not there. */
bool table_remove(struct table *t, struct span key);

/* Walks all entries in no special order: start with *at = 0; false at the end. The table must not change meanwhile. */
bool table_next(const struct table *t, size_t *at, struct span *ret_key, void **ret_value);

#endif
