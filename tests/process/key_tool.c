/* key_tool DATA promise P-…: the record that this patient is erased, and no more, as a stop at this moment leaves it. key_tool DATA recovery: makes a
 * recovery key and prints it. key_tool DATA person: records of one person, under a key of their own. key_tool DATA
 * erase: erases that key. Nothing runs on the data folder. */
#include "proc/payload.h"
#include "record/ledger/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint8_t who[16] = {4, 7, 1};

static int fail(const struct error *e)
{
    (void)fprintf(stderr, "%s\n", e->text);
    return 1;
}

static int add(struct ledger *l, const uint8_t *scope, const char *event, const char *more, tq_time now, uint64_t *ret, struct error *e)
{
    static const uint8_t run[RUN_ID] = {2};
    struct buf payload = BUF_INIT(4096);
    char text[512];
    char time_text[TIME_TEXT];
    (void)time_format(now, time_text);
    int n = snprintf(text, sizeof text, "{\"time\":\"%s\",\"event\":\"%s\"%s}", time_text, event, more);
    struct payload_record r = {.veiled = span_of(text, (size_t)n)};
    payload_start(&payload, run);
    payload_add(&payload, &r);
    int rc = ledger_append(l, LEDGER_CUSTODY, scope, now, buf_span(&payload), ret, e) == 0 ? ledger_commit(l, now, e) : -1;
    buf_release(&payload);
    return rc;
}

static int erase(struct ledger *l, tq_time now, struct error *e)
{
    struct buf ids = BUF_INIT(4096);
    uint64_t record = 0;
    size_t n = 0;
    int rc = ledger_keys_of(l, span_of(who, sizeof who), 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD, &ids, e);
    if (rc == 0 && ids.n == 0)
        rc = err_set(e, ERR_MISUSE, "there is no key of that person");
    if (rc == 0)
        rc = add(l, NULL, "keys.erased", "", now, &record, e);
    if (rc == 0)
        rc = ledger_erase(l, buf_span(&ids), now, record, &n, e);
    buf_release(&ids);
    return rc;
}

static int promise(struct ledger *l, const char *token, tq_time now, struct error *e)
{
    char more[256];
    (void)snprintf(more, sizeof more,
                   ",\"erased\":{\"patient\":\"%.18s\",\"from\":0,\"to\":4294967295,\"first\":0,\"last\":1000000000,\"keys\":1},\"why\":\"as asked\"",
                   token);
    return add(l, NULL, "keys.erased", more, now, NULL, e);
}

int main(int argc, char **argv)
{
    char dir[512];
    char key[512];
    char text[RECOVERY_TEXT];
    struct error e = {0};
    tq_time now = (tq_time)time(NULL) * TIME_SECOND;
    if (argc != 3 + (argc > 2 && strcmp(argv[2], "promise") == 0))
        return 2;
    (void)snprintf(dir, sizeof dir, "%s/ledger", argv[1]);
    (void)snprintf(key, sizeof key, "%s/root.key", argv[1]);
    struct ledger_options o = {.dir = dir, .key_file = key};
    struct ledger *l = ledger_open(&o, NULL, &e);
    int rc = l == NULL ? -1 : 0;
    if (rc == 0 && strcmp(argv[2], "recovery") == 0 && (rc = ledger_recovery_new(l, now, text, &e)) == 0)
        (void)puts(text);
    else if (rc == 0 && strcmp(argv[2], "person") == 0)
        rc = add(l, who, "run.started", "", now, NULL, &e);
    else if (rc == 0 && strcmp(argv[2], "erase") == 0)
        rc = erase(l, now, &e);
    else if (rc == 0)
        rc = promise(l, argv[3], now, &e);
    ledger_close(l);
    return rc == 0 ? 0 : fail(&e);
}
