/* fill_lab DATA [RECORDS]: a data folder whose ledger holds the records of a large lab, as a keeper would have written them, one record a leaf:
 * 10,000 devices that said who they are, 100,000 conversations between them, messages with their results, findings; a million records unless said
 * otherwise. What a program that starts on it has to show is what bench/console.py measures. */
#include "proc/payload.h"
#include "record/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define DEVICES 10000
#define TALKS 10     /* conversations of each */
#define SPEAK 10     /* every tenth speaks a lab protocol */
#define RESULTS 4    /* of a message */
#define FINDINGS 400 /* one for so many conversations */
#define BATCH 4096   /* records to a commit */
#define SPREAD (INT64_C(24) * 3600 * TIME_SECOND)

static struct ledger *ledger;
static struct buf payload = BUF_INIT(65536);
static tq_time begin;
static unsigned long records;
static unsigned long made;

static void stop(const struct error *e)
{
    (void)fprintf(stderr, "fill_lab: %s\n", e->text);
    exit(1);
}

/* One record with the next moment of the day before now. */
static void event(enum ledger_stream stream, const char *name, const char *rest)
{
    static const uint8_t run[RUN_ID] = {1};
    char text[2048];
    char at[TIME_TEXT];
    struct error e = {0};
    tq_time t = begin + (tq_time)((double)SPREAD * (double)made / (double)records);
    (void)time_format(t, at);
    int n = snprintf(text, sizeof text, "{\"time\":\"%s\",\"event\":\"%s\",%s}", at, name, rest);
    buf_clear(&payload);
    payload_start(&payload, run);
    payload_add(&payload, &(struct payload_record){.veiled = span_of(text, (size_t)n)});
    if (ledger_append(ledger, stream, NULL, t, buf_span(&payload), NULL, &e) != 0 || (++made % BATCH == 0 && ledger_commit(ledger, t, &e) != 0))
        stop(&e);
}

static void address(int n, char out[16])
{
    (void)snprintf(out, 16, "10.%d.%d.%d", n / 40000, n / 200 % 200, n % 200 + 1);
}

static void evidence(int n)
{
    char ip[16];
    char rest[1024];
    address(n, ip);
    (void)snprintf(rest, sizeof rest,
                   "\"ip\":\"%s\",\"mac\":\"00:80:a3:%02x:%02x:%02x\",\"source\":\"dhcp\",\"hostname\":\"host-%d\",\"dhcp_options\":[1,3,6,15]", ip,
                   n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff, n);
    event(LEDGER_OBSERVATION, "asset.evidence", rest);
    if (n % SPEAK != 0)
        return;
    (void)snprintf(
        rest, sizeof rest,
        "\"ip\":\"%s\",\"source\":\"astm.h\",\"sender\":\"unit %d\",\"model\":\"XN-1000\",\"serial\":\"S%06d\",\"said\":[\"XN-1000\",\"1.%d\"]", ip,
        n, n, n % 9);
    event(LEDGER_OBSERVATION, "asset.evidence", rest);
}

static int flow_text(int n, int k, char *out, size_t size)
{
    char src[16];
    char dst[16];
    bool lab = n % SPEAK == 0 && k == 0;
    address(n, src);
    address(lab ? 1 : (n + 1 + k * 7) % DEVICES, dst);
    return snprintf(out, size, "\"flow\":{\"id\":%lu,\"proto\":\"tcp\",\"src\":\"%s\",\"sport\":4000,\"dst\":\"%s\",\"dport\":443,\"vlan\":null}",
                    made, src, dst);
}

static void message(int n)
{
    char flow[256];
    char rest[1024];
    unsigned long id = made;
    (void)flow_text(n, 0, flow, sizeof flow);
    (void)snprintf(rest, sizeof rest,
                   "%s,\"id\":\"f%lu.0.1\",\"protocol\":\"astm\",\"type\":\"ASTM.RESULT\",\"sender\":\"unit %d\",\"receiver\":\"LIS\",\"results\":%d,"
                   "\"bytes\":400,\"malformed\":null,\"patients\":1",
                   flow, id, n, RESULTS);
    event(LEDGER_CUSTODY, "lab.message", rest);
    for (int i = 0; i < RESULTS; i++) {
        (void)snprintf(rest, sizeof rest,
                       "%s,\"test\":{\"code\":\"T%d\",\"system\":\"L\",\"text\":\"Test %d\"},\"specimen\":\"S-%016lx\",\"patient\":\"P-%016lx\","
                       "\"value_digest\":\"V-%016lx%d\",\"value_type\":\"NM\",\"units\":\"mmol/L\",\"range\":\"135-145\",\"flags\":[\"N\"],"
                       "\"status\":\"F\",\"message\":\"f%lu.0.1\"",
                       flow, i, i, id, id / 5, id, i, id);
        event(LEDGER_CUSTODY, "lab.result", rest);
    }
}

static void finding(int n)
{
    static const char *const severities[] = {"high", "medium", "low", "low", "medium", "low", "info", "low"};
    char ip[16];
    char rest[1024];
    address(n, ip);
    (void)snprintf(rest, sizeof rest,
                   "\"id\":\"%032lx\",\"kind\":\"phi.cleartext\",\"severity\":\"%s\",\"title\":\"Results from %s to port 5100 pass in clear text.\","
                   "\"subject\":[\"%s\"],\"evidence\":{\"flows\":[1],\"messages\":[],\"records\":[]},\"technique\":\"T1040\",\"advice\":\"Switch on "
                   "TLS at both ends.\"",
                   made, made % 977 == 0 ? "critical" : severities[made % 8], ip, ip);
    event(LEDGER_CUSTODY, "finding", rest);
}

static void fill(void)
{
    char rest[1024];
    for (int n = 0; n < DEVICES; n++)
        evidence(n);
    for (unsigned long i = 0; made < records; i++) {
        int n = (int)(i % DEVICES);
        int k = (int)(i / DEVICES % TALKS);
        int at = flow_text(n, k, rest, sizeof rest);
        (void)snprintf(rest + at, sizeof rest - (size_t)at,
                       ",\"app\":\"%s\",\"packets\":20,\"bytes_up\":900,\"bytes_down\":900,\"duration_ns\":5000000000",
                       n % SPEAK == 0 && k == 0 ? "astm" : "tls");
        event(LEDGER_OBSERVATION, "flow.closed", rest);
        if (i % 5 == 0)
            message(n / SPEAK * SPEAK);
        if (i % FINDINGS == 0)
            finding(n);
    }
}

int main(int argc, char **argv)
{
    char dir[512];
    char key[512];
    struct error e = {0};
    if (argc < 2)
        return 2;
    records = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    (void)snprintf(dir, sizeof dir, "%s/ledger", argv[1]);
    (void)snprintf(key, sizeof key, "%s/root.key", argv[1]);
    if (mkdir(argv[1], 0700) != 0)
        return 1;
    begin = (tq_time)time(NULL) * TIME_SECOND - SPREAD - INT64_C(60) * TIME_SECOND;
    struct ledger_options o = {.dir = dir, .key_file = key, .origin = "tourniquet.local/bench", .create = true};
    ledger = ledger_open(&o, NULL, &e);
    if (ledger == NULL)
        stop(&e);
    fill();
    if (ledger_commit(ledger, begin + SPREAD, &e) != 0)
        stop(&e);
    ledger_close(ledger);
    buf_release(&payload);
    (void)printf("%lu records\n", made);
    return 0;
}
