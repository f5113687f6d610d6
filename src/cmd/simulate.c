/* tourniquet simulate lab: a lab's traffic as a capture file, with the truth beside it. */
#include "cmd/cmd.h"

#include "engine/simulate/simulate.h"
#include "wire/pcap_write.h"

#include <errno.h>
#include <stdio.h>

#define OUT_CHUNK (1U << 20)

struct arguments {
    struct simulate_options options;
    const char *out;
    const char *truth;
    bool seeded;
};

struct sink {
    FILE *file;
    const char *path;
    struct buf bytes;
    int error; /* errno of the first write that failed */
};

#define KIND_LINE(c, kind) "  " kind "\n"

static const char usage[] =
    "usage: tourniquet simulate lab --seed N --out FILE.pcap [OPTION]...\n"
    "\n"
    "Writes the traffic of a small laboratory that does not exist, as a capture file. The same seed and options give the same bytes.\n"
    "\n"
    "  --seed N         which lab and which day\n"
    "  --out FILE       the capture (pcap with nanoseconds); - is standard output\n"
    "  --truth FILE     what is in it, counted while it was made (JSON, docs/formats/truth.md)\n"
    "  --attack KIND    stages an attack; may be given more than once; all: one of each\n"
    "  --hours H        how long the day is (1 to 168); or\n"
    "  --minutes M      in minutes (default: 60)\n"
    "  --start TIME     when it begins, in packets and in messages (RFC 3339, like 2026-11-02T07:30:00Z); otherwise the seed chooses a working day\n"
    "  --analyzers N    how many analyzers there are (4 to 500, default 4); the rest of the lab grows with them\n"
    "  --help           this text\n"
    "\n"
    "Kinds of attack:\n" SIMULATE_ATTACKS(KIND_LINE);

static int read_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *ret, struct error *e)
{
    uint64_t v;
    if (!span_decimal(span_str(text), high, &v) || v < low)
        return err_set(e, ERR_MISUSE, "%s takes a whole number from %llu to %llu", option, (unsigned long long)low, (unsigned long long)high);
    *ret = v;
    return 0;
}

static int read_attack(const char *text, struct arguments *a, struct error *e)
{
    if (strcmp(text, "all") == 0) {
        for (int i = 1; i < ATTACK_COUNT; i++)
            a->options.attacks[i]++;
        return 0;
    }
    enum simulate_attack kind = simulate_attack_kind(span_str(text));
    if (kind == ATTACK_NONE)
        return err_set(e, ERR_MISUSE, "--attack %.60s: there is no such kind; the kinds are listed below", text);
    if (a->options.attacks[kind] == SIMULATE_STAGED_MAX)
        return err_set(e, ERR_MISUSE, "--attack %s: at most %d of one kind are staged", text, SIMULATE_STAGED_MAX);
    a->options.attacks[kind]++;
    return 0;
}

static int read_option(const char *option, const char *value, struct arguments *a, struct error *e)
{
    uint64_t v = 0;
    if (strcmp(option, "--out") == 0) {
        a->out = value;
    } else if (strcmp(option, "--truth") == 0) {
        a->truth = value;
    } else if (strcmp(option, "--attack") == 0) {
        return read_attack(value, a, e);
    } else if (strcmp(option, "--seed") == 0) {
        a->seeded = true;
        return read_number(option, value, 0, INT64_MAX, &a->options.seed, e);
    } else if (strcmp(option, "--hours") == 0) {
        if (read_number(option, value, 1, SIMULATE_SECONDS_MAX / 3600, &v, e) != 0)
            return -1;
        a->options.seconds = (int64_t)v * 3600;
    } else if (strcmp(option, "--minutes") == 0) {
        if (read_number(option, value, 1, SIMULATE_SECONDS_MAX / 60, &v, e) != 0)
            return -1;
        a->options.seconds = (int64_t)v * 60;
    } else if (strcmp(option, "--start") == 0) {
        if (!time_parse(span_str(value), &a->options.start) || a->options.start == 0)
            return err_set(e, ERR_MISUSE, "--start takes a time like 2026-11-02T07:30:00Z");
    } else if (strcmp(option, "--analyzers") == 0) {
        if (read_number(option, value, SIMULATE_ANALYZERS_MIN, SIMULATE_ANALYZERS_MAX, &v, e) != 0)
            return -1;
        a->options.analyzers = (unsigned)v;
    } else
        return err_set(e, ERR_MISUSE, "%.60s: there is no such option", option);
    return 0;
}

static int read_arguments(int argc, char **argv, struct arguments *a, struct error *e)
{
    if (argc < 2 || strcmp(argv[1], "lab") != 0)
        return err_set(e, ERR_MISUSE, "simulate makes a lab: say 'simulate lab --seed N --out FILE.pcap'");
    for (int i = 2; i < argc; i += 2) {
        if (i + 1 == argc)
            return err_set(e, ERR_MISUSE, "%.60s: a value is missing, or there is no such option", argv[i]);
        if (read_option(argv[i], argv[i + 1], a, e) != 0)
            return -1;
    }
    if (!a->seeded)
        return err_set(e, ERR_MISUSE, "--seed N is missing: the same seed gives the same lab");
    if (a->out[0] == 0)
        return err_set(e, ERR_MISUSE, "--out FILE.pcap is missing (- is standard output)");
    return 0;
}

/* Opens a file for writing; "-" is standard output. */
static int sink_open(struct sink *k, const char *path, struct error *e)
{
    *k = (struct sink){.path = path, .bytes = BUF_INIT(2 * OUT_CHUNK)};
    k->file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wbe");
    if (k->file == NULL)
        return err_sys(e, errno, "%s cannot be written", path);
    return 0;
}

static bool sink_flush(struct sink *k)
{
    if (!buf_ok(&k->bytes))
        k->error = ENOMEM;
    else if (k->bytes.n > 0 && fwrite(k->bytes.p, 1, k->bytes.n, k->file) != k->bytes.n)
        k->error = errno;
    buf_clear(&k->bytes);
    return k->error == 0;
}

static int sink_close(struct sink *k, struct error *e)
{
    if (k->error == 0)
        (void)sink_flush(k);
    int result = k->file == stdout ? fflush(k->file) : fclose(k->file);
    if (k->error == 0 && result != 0)
        k->error = errno;
    buf_release(&k->bytes);
    return k->error == 0 ? 0 : err_sys(e, k->error, "writing %s", k->path);
}

static bool write_packet(void *context, tq_time time, struct span bytes)
{
    struct sink *k = context;
    pcap_write_packet(&k->bytes, time, bytes);
    return k->bytes.n < OUT_CHUNK || sink_flush(k);
}

static int write_capture(struct simulate *s, const char *path, struct error *e)
{
    struct sink k;
    if (sink_open(&k, path, e) != 0)
        return -1;
    pcap_write_header(&k.bytes, 1);
    int run = simulate_run(s, write_packet, &k, e);
    struct error later = {0};
    int closed = sink_close(&k, &later);
    if (run != 0)
        return -1;
    return closed == 0 ? 0 : err_set(e, later.class, "%s", later.text);
}

static int write_truth(const struct simulate *s, const char *path, struct error *e)
{
    struct sink k;
    if (sink_open(&k, path, e) != 0)
        return -1;
    simulate_truth(s, &k.bytes);
    buf_u8(&k.bytes, '\n');
    return sink_close(&k, e);
}

static int run(int argc, char **argv)
{
    struct error e = {0};
    struct arguments a = {.out = ""};
    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (read_arguments(argc, argv, &a, &e) != 0) {
        (void)fprintf(stderr, "tourniquet simulate: %s\n\n%s", e.text, usage);
        return err_exit_status(&e);
    }
    struct simulate *s = simulate_new(&a.options, &e);
    bool done = s != NULL && write_capture(s, a.out, &e) == 0 && (a.truth == NULL || write_truth(s, a.truth, &e) == 0);
    simulate_free(s);
    if (!done)
        (void)fprintf(stderr, "tourniquet simulate: %s\n", e.text);
    return done ? 0 : err_exit_status(&e);
}

const struct verb verb_simulate = {
    .name = "simulate",
    .summary = "make a lab's network traffic, with a truth file beside it",
    .usage = usage,
    .run = run,
};
