/* make_days DATA DAYS: a data folder whose ledger has observations and custody records of the last so many days, as a keeper would have written them.
 */
#include "proc/payload.h"
#include "record/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define DAY (INT64_C(86400) * TIME_SECOND)

static void add(struct ledger *l, enum ledger_stream stream, tq_time t, const char *event)
{
    static const uint8_t run[RUN_ID] = {1};
    struct buf payload = BUF_INIT(65536);
    char text[256];
    char time_text[TIME_TEXT];
    struct error e = {0};
    (void)time_format(t, time_text);
    int n = snprintf(text, sizeof text, "{\"time\":\"%s\",\"event\":\"%s\",\"packets\":3,\"bytes_up\":10,\"bytes_down\":20}", time_text, event);
    struct payload_record r = {.veiled = span_of(text, (size_t)n)};
    payload_start(&payload, run);
    for (int i = 0; i < (stream == LEDGER_OBSERVATION ? 20 : 1); i++)
        payload_add(&payload, &r);
    if (ledger_append(l, stream, NULL, t, buf_span(&payload), NULL, &e) != 0) {
        (void)fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    buf_release(&payload);
}

int main(int argc, char **argv)
{
    char dir[512];
    char key[512];
    struct error e = {0};
    if (argc != 3)
        return 2;
    int days = atoi(argv[2]);
    (void)snprintf(dir, sizeof dir, "%s/ledger", argv[1]);
    (void)snprintf(key, sizeof key, "%s/root.key", argv[1]);
    if (mkdir(argv[1], 0700) != 0)
        return 1;
    struct ledger_options o = {.dir = dir, .key_file = key, .origin = "tourniquet.local/test-lab", .create = true};
    struct ledger *l = ledger_open(&o, NULL, &e);
    tq_time now = (tq_time)time(NULL) * TIME_SECOND;
    for (int day = days; l != NULL && day >= 0; day--)
        for (int i = 0; i < 30; i++) {
            add(l, i % 5 == 0 ? LEDGER_CUSTODY : LEDGER_OBSERVATION, now - day * DAY, i % 5 == 0 ? "run.started" : "flow.closed");
            if (i % 10 == 9 && ledger_commit(l, now - day * DAY, &e) != 0)
                break;
        }
    if (l == NULL || e.class != ERR_NONE) {
        (void)fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    ledger_close(l);
    return 0;
}
