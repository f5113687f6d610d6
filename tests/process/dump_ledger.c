/* dump_ledger FOLDER: opens FOLDER/ledger with FOLDER/root.key and writes everything that its keys open, in clear; how many records were erased goes
 * to standard error. For tests that look for what must not be there. The ledger must not be open elsewhere. */
#include "record/ledger/ledger.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct error e = {0};
    char dir[512];
    char key[512];
    if (argc != 2)
        return 2;
    (void)snprintf(dir, sizeof dir, "%s/ledger", argv[1]);
    (void)snprintf(key, sizeof key, "%s/root.key", argv[1]);
    struct ledger_options o = {.dir = dir, .key_file = key};
    struct ledger *l = ledger_open(&o, NULL, &e);
    struct ledger_reader *r = l == NULL ? NULL : ledger_reader_new(l, 0, &e);
    struct ledger_record record;
    unsigned long erased = 0;
    int rc = r == NULL ? -1 : 1;
    while (rc == 1 && (rc = ledger_reader_next(r, &record, &e)) == 1) {
        erased += record.erased;
        if (record.payload.n > 0)
            (void)fwrite(record.payload.p, 1, record.payload.n, stdout);
    }
    if (r != NULL)
        ledger_reader_free(r);
    ledger_close(l);
    (void)fprintf(stderr, "%lu\n", erased);
    if (rc != 0)
        (void)fprintf(stderr, "%s\n", e.text);
    return rc == 0 ? 0 : 3;
}
