/* A place for one test's ledger, and snapshots of its folder: taken, changed, put back. */
#ifndef TQ_TEST_LEDGER_PLACE_H
#define TQ_TEST_LEDGER_PLACE_H

#include "record/ledger/ledger.h"

extern char ledger_path[96];
extern char key_path[96];

int place_make(void **state); /* setup and teardown of cmocka */
int place_remove(void **state);
void folder_remove(const char *path);

struct ledger_options place_options(void);
struct ledger *open_ledger(char note[256]); /* made where there is none; fails the test when it does not open */

#define SNAPSHOT_FILES 300

struct snapshot {
    size_t n;
    struct {
        char path[128]; /* under the folder */
        bool folder;
        struct buf bytes;
    } files[SNAPSHOT_FILES];
};

struct snapshot *snapshot_take(const char *folder);
void snapshot_restore(const struct snapshot *s); /* the ledger's folder becomes this */
struct buf *snapshot_file(struct snapshot *s, const char *path);
void snapshot_free(struct snapshot *s);
void put_file(const char *path, struct span bytes); /* under the ledger's folder */

#endif
