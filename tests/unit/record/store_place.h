/* A sealed store in a folder of its own: making, copying, changing and asking it. */
#ifndef TQ_TEST_STORE_PLACE_H
#define TQ_TEST_STORE_PLACE_H

#include "record/store/store.h"

#define HEAD "store.head"
#define PAGES "store.db"
#define LOG "store.wal"

extern const uint8_t store_key[32];
extern const struct store_migration store_schema[];
#define STORE_SCHEMA 2

extern char place[64]; /* the folder above; made by place_setup */
int place_setup(void **state);
int place_teardown(void **state);

int place_open(const char *name);                  /* a folder's descriptor; made where it is missing */
void place_empty(const char *name);                /* removes the files in it */
void place_copy(const char *from, const char *to); /* all files, over those that are there */
void place_copy_file(const char *from, const char *to, const char *file);
size_t place_read(const char *name, const char *file, uint8_t *out, size_t max); /* returns its size */
void place_write(const char *name, const char *file, const uint8_t *bytes, size_t n);

/* Opens and migrates; NULL: *e says why. */
struct store *place_store(const char *name, char note[STORE_NOTE], struct error *e);
/* Adds n rows with numbers from `first` on, in one batch; the first row that is missing is what a catch-up would begin with. */
int place_row(struct store_conn *w, int64_t a, int64_t again, struct error *e); /* one, in the batch in hand */
void place_rows(struct store *s, int64_t first, int64_t n, int64_t again);
/* What the store answers: -1: it says that it does not hold; -2: an answer is wrong; else how many rows there are. `again` as it was told. */
int64_t place_ask(struct store *s, struct error *e);

#endif
