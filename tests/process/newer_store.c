/* newer_store DATA: makes the views' store in DATA one of a program that knows a further migration and has rows of it, as a later version would leave
 * it. Nothing runs on the data folder. */
#include "lab/schema.h"
#include "record/ledger/ledger.h"
#include "record/ledger/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST 256

int main(int argc, char **argv)
{
    static const struct store_migration later = {
        "lab/schema/999-later",
        "CREATE TABLE later(n INTEGER PRIMARY KEY, what TEXT NOT NULL) STRICT; INSERT INTO later VALUES (1, 'of a later version');"};
    static struct store_migration all[MOST];
    const struct store_options options = {0};
    char path[512];
    char file[512];
    uint8_t key[32];
    char note[STORE_NOTE];
    struct error e = {0};
    if (argc != 2 || lab_schema_count >= MOST)
        return 2;
    for (size_t i = 0; i < lab_schema_count; i++)
        all[i] = lab_schema[i];
    all[lab_schema_count] = later;
    (void)snprintf(path, sizeof path, "%s/ledger", argv[1]);
    (void)snprintf(file, sizeof file, "%s/root.key", argv[1]);
    const struct root_source root = {.kind = ROOT_FILE, .path = file};
    int rc = ledger_peek_key(path, &root, "store", key, &e);
    (void)snprintf(path, sizeof path, "%s/store", argv[1]);
    int dir = rc == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    struct store *s = dir < 0 ? NULL : store_open(dir, key, &options, note, &e);
    rc = s == NULL ? -1 : store_migrate(s, all, lab_schema_count + 1, &e);
    if (s != NULL)
        store_close(s);
    if (dir >= 0)
        (void)close(dir);
    if (rc != 0)
        (void)fprintf(stderr, "%s\n", e.text);
    return rc == 0 ? 0 : 1;
}
