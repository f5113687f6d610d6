/* The schema files of all nouns (NOUN/schema/NNN-what.sql) in the order in which they run; made at build by scripts/embed.py. */
#ifndef TQ_LAB_SCHEMA_H
#define TQ_LAB_SCHEMA_H

#include "record/store/store.h"

extern const struct store_migration lab_schema[];
extern const size_t lab_schema_count;

/* SHA-256 over the sources that say what becomes of a record; made at build by scripts/embed-digest. */
extern const char lab_projections[];

#endif
