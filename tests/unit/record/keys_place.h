/* What the tests of the ledger's keys share: opening by a source, records of two patients, what a reader sees. What is not as expected fails the
 * test. */
#ifndef TQ_TEST_KEYS_PLACE_H
#define TQ_TEST_KEYS_PLACE_H

#include "ledger_place.h"

#define T0 (INT64_C(1795000000) * TIME_SECOND) /* 2026-11-18 */
#define MONTH (31 * INT64_C(86400) * TIME_SECOND)

extern const struct passphrase_cost cheap;
extern const uint8_t ann[LEDGER_SCOPE];
extern const uint8_t bob[LEDGER_SCOPE];

struct ledger *try_open(const struct root_source *root, struct error *e); /* may fail */
struct ledger *must_open(const struct root_source *root);
void must_not_open(const struct root_source *root, enum err_class class, const char *says);
void put(struct ledger *l, const uint8_t *scope, tq_time time, const char *text);
void commit(struct ledger *l);
void seen(struct ledger *l, const char *expected); /* what a reader sees, one character a record: the text's first, - erased */
void holds(void);                                  /* the ledger verifies */
size_t erase_of(struct ledger *l, const uint8_t *scope, uint32_t from, uint32_t to, uint64_t record);
void two_patients(struct ledger *l);

#endif
