/* make_ledger FOLDER RECORDS PER_COMMIT [leave]: a ledger in FOLDER/ledger, or so many records more in one that is there, for checkers that are not
 * ours and for tests/unit/record/fixture. Record i is i % 300 bytes of value i. "leave": without an orderly end. */
#include "record/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct error e = {0};
    char dir[512];
    char key[512];
    if (argc < 4)
        return 2;
    (void)snprintf(dir, sizeof dir, "%s/ledger", argv[1]);
    (void)snprintf(key, sizeof key, "%s/root.key", argv[1]);
    struct ledger_options o = {.dir = dir, .key_file = key, .origin = "tourniquet.local/checked", .create = true};
    unsigned long records = strtoul(argv[2], NULL, 10);
    unsigned long per_commit = strtoul(argv[3], NULL, 10);
    struct ledger *l = ledger_open(&o, NULL, &e);
    unsigned long begin = l == NULL ? 0 : (unsigned long)ledger_size(l);
    for (unsigned long i = begin; l != NULL && i < begin + records; i++) {
        uint8_t payload[300];
        tq_time now = INT64_C(1795000000) * TIME_SECOND + (tq_time)i;
        memset(payload, (int)(i & 255), sizeof payload);
        if (ledger_append(l, i % 4 == 1 ? LEDGER_OBSERVATION : LEDGER_CUSTODY, NULL, now, span_of(payload, i % 300), NULL, &e) != 0)
            break;
        if (((i + 1) % per_commit == 0 || i + 1 == begin + records) && ledger_commit(l, now, &e) != 0)
            break;
    }
    if (e.class != ERR_NONE) {
        (void)fprintf(stderr, "%s\n", e.text);
        return 3;
    }
    if (argc > 4)
        _exit(0); /* as if killed: nothing is closed */
    ledger_close(l);
    return 0;
}
