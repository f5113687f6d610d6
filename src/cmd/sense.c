/* tourniquet sense: a capture or a live interface → events and findings, in one process: source or ring → sense → detect → veil → standard output. */
#include "cmd/cmd.h"

#include "engine/detect/detect.h"
#include "engine/sense/labels.h"
#include "engine/sense/ring.h"
#include "engine/sense/sense.h"
#include "engine/sense/source.h"
#include "engine/sense/still.h"
#include "proc/clock.h"
#include "proc/interface.h"
#include "record/crypto/crypto.h"
#include "record/veil/veil.h"

#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY 256             /* packets between two looks at how full the ring is */
#define OUT_BLOCK (128 * 1024)     /* written in blocks of at least this */
#define OUT_MAX (64 * 1024 * 1024) /* one record is 1 MiB at most, six times that as JSON */
#define KEY_FILE_MAX 66            /* 64 digits and an end of line */

static const char usage[] =
    "usage: tourniquet sense FILE|- [OPTION]...\n"
    "       tourniquet sense -i INTERFACE [OPTION]...\n"
    "\n"
    "Reads a capture of network traffic and prints what it means for a laboratory: devices, lab messages, results, and what is wrong with them.\n"
    "FILE is a pcap or pcapng file, plain or packed with gzip or zstd; - is standard input. Lab protocols (HL7 over MLLP, ASTM E1381/E1394 and "
    "others)\n"
    "are recognised by content on any port. Damaged captures are read as far as they can be.\n"
    "\n"
    "With -i it listens to a network interface (root, or the capability CAP_NET_RAW) until Ctrl-C or SIGTERM, and sends nothing.\n"
    "\n"
    "Output: one JSON object a line, the events of docs/formats/events.md. Patients and specimens are keyed tokens (P-..., S-...), values are "
    "digests\n"
    "(V-...), names, birth dates and addresses are left out, and texts from outside that could hold any of these are tokens too (T-...).\n"
    "\n"
    "  -i INTERFACE       listen to this interface instead of reading a capture\n"
    "  --stats            print no events, but one line of counters at the end\n"
    "  --events           print events also with --stats\n"
    "  --custody          print also what became of the results of each message: seen at a second place as they were sent, changed, missing …\n"
    "  --token-key FILE   key for tokens: 32 bytes, or 64 hexadecimal digits; not readable by everybody. The same key gives the same tokens. Without "
    "it a\n"
    "                     random key is used, and tokens of two runs cannot be compared\n"
    "  --reveal           add patient, specimen and value in clear: only for people who may see them\n"
    "  --fail-on SEVERITY exit with 1 when there is a finding of this severity (info, low, medium, high, critical) or above\n"
    "  --labels KIND      how flow.closed names applications: own (by our own recognition; the default), or ndpi (what that does not know, and what "
    "runs\n"
    "                     inside TLS, HTTP and QUIC, by the library nDPI: Debian's package libndpi4.2)\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0 done (findings are output, not failure), 1 a finding reached --fail-on, 2 wrong use, or not one packet could be read,\n"
    "3 the machine failed (disk, memory, permission; an interface that went away).\n"
    "\n"
    "Examples:\n"
    "  tourniquet sense monday.pcapng.gz | jq 'select(.event == \"finding\")'\n"
    "  tourniquet sense monday.pcap --stats\n"
    "  sudo tourniquet sense -i eth1 --token-key lab.key\n"
    "  ssh sensor tcpdump -i eth1 -w - | tourniquet sense -\n";

enum long_option { OPT_STATS = 1000, OPT_EVENTS, OPT_CUSTODY, OPT_TOKEN_KEY, OPT_REVEAL, OPT_FAIL_ON, OPT_LABELS, OPT_RULES, OPT_INTEL };

static const struct option long_options[] = {
    {"stats", no_argument, NULL, OPT_STATS},
    {"events", no_argument, NULL, OPT_EVENTS},
    {"custody", no_argument, NULL, OPT_CUSTODY},
    {"token-key", required_argument, NULL, OPT_TOKEN_KEY},
    {"reveal", no_argument, NULL, OPT_REVEAL},
    {"fail-on", required_argument, NULL, OPT_FAIL_ON},
    {"labels", required_argument, NULL, OPT_LABELS},
    {"rules", required_argument, NULL, OPT_RULES},
    {"intel", required_argument, NULL, OPT_INTEL},
    {"interface", required_argument, NULL, 'i'},
    {0},
};

static const char *const severities[] = {"info", "low", "medium", "high", "critical"};
#define SEVERITIES ((int)(sizeof severities / sizeof severities[0]))

struct choice {
    const char *file; /* NULL: interface */
    const char *interface;
    const char *token_key; /* file, or NULL */
    bool stats;
    bool events;
    bool custody;
    bool reveal;
    bool ndpi;
    int fail_on; /* severity, or SEVERITIES: never */
};

/* Everything of one run. */
struct run {
    struct choice choice;
    struct sense *sense;
    struct labels *labels; /* NULL: own only */
    struct detect *detect;
    struct veil *veil;     /* NULL: nothing is printed but counters */
    struct source *source; /* NULL where ring is used */
    struct still *still;   /* NULL: the capture is read, not looked at in place */
    struct ring *ring;
    int fd;
    bool live; /* a pipe or the like, which may be slow: what is printed must not wait for the next block */
    struct buf out;
    int out_error; /* errno of a failed write; EPIPE: the reader went away */
    int worst;     /* severity of the worst finding, -1: none */
};

static int severity_rank(struct span word)
{
    for (int i = 0; i < SEVERITIES; i++)
        if (span_is(word, severities[i]))
            return i;
    return -1;
}

static int choose(int argc, char **argv, struct choice *ret, struct error *e)
{
    struct choice c = {.fail_on = SEVERITIES};
    bool events = false;
    optind = 0;
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, ":i:", long_options, NULL)) != -1;) {
        switch (o) {
        case OPT_STATS: c.stats = true; break;
        case OPT_EVENTS: events = true; break;
        case OPT_CUSTODY: c.custody = true; break;
        case OPT_TOKEN_KEY: c.token_key = optarg; break;
        case OPT_REVEAL: c.reveal = true; break;
        case OPT_FAIL_ON:
            c.fail_on = severity_rank(span_str(optarg));
            if (c.fail_on < 0)
                return err_set(e, ERR_MISUSE, "--fail-on %s: give one of info, low, medium, high, critical", optarg);
            break;
        case OPT_LABELS:
            c.ndpi = strcmp(optarg, "ndpi") == 0;
            if (!c.ndpi && strcmp(optarg, "own") != 0)
                return err_set(e, ERR_MISUSE, "--labels %s: give own or ndpi", optarg);
            break;
        case OPT_RULES: return err_set(e, ERR_MISUSE, "--rules: this version does not match rules yet; leave the option out");
        case OPT_INTEL: return err_set(e, ERR_MISUSE, "--intel: this version does not match indicators yet; leave the option out");
        case 'i': c.interface = optarg; break;
        case ':': return err_set(e, ERR_MISUSE, "%s: its value is missing; see `tourniquet help sense`", argv[optind - 1]);
        default: return err_set(e, ERR_MISUSE, "%s: there is no such option; see `tourniquet help sense`", argv[optind - 1]);
        }
    }
    if (optind >= argc && c.interface == NULL)
        return err_set(e, ERR_MISUSE, "no capture given: name a file, - for standard input, or an interface with -i");
    if (optind < argc && c.interface != NULL)
        return err_set(e, ERR_MISUSE, "%s: give a capture or an interface, not both", argv[optind]);
    if (optind + 1 < argc)
        return err_set(e, ERR_MISUSE, "%s: one capture at a time; run it once for each file", argv[optind + 1]);
    c.file = optind < argc ? argv[optind] : NULL;
    c.events = events || !c.stats;
    *ret = c;
    return 0;
}

/* ── The token key ── */

/* Bytes of the file, at most max, or -1. */
static ssize_t read_key_file(const char *path, uint8_t *into, size_t max, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == EACCES ? err_sys(e, errno, "%s: the token key cannot be opened", path)
                               : err_set(e, ERR_MISUSE, "%s: the token key cannot be opened: no such file", path);
    struct stat st;
    ssize_t n = -1;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        (void)err_set(e, ERR_MISUSE, "%s: the token key is no ordinary file", path);
    else if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0)
        (void)err_set(e, ERR_MISUSE,
                      "%s: everybody may read or write this token key; run `chmod 600` on it, and use another key if somebody may have read it",
                      path);
    else if ((n = read(fd, into, max)) < 0)
        (void)err_sys(e, errno, "%s: reading the token key", path);
    (void)close(fd);
    return n;
}

static int token_key(const char *path, uint8_t key[VEIL_KEY], struct error *e)
{
    if (path == NULL) {
        crypto_random(key, VEIL_KEY);
        return 0;
    }
    uint8_t bytes[KEY_FILE_MAX + 1];
    ssize_t n = read_key_file(path, bytes, sizeof bytes, e);
    if (n < 0)
        return -1;
    struct span text = span_of(bytes, (size_t)n);
    while (text.n > 2 * VEIL_KEY && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    bool ok = true;
    if (text.n == VEIL_KEY)
        memcpy(key, text.p, VEIL_KEY);
    else
        ok = text.n == 2 * VEIL_KEY && text_unhex(text, key, VEIL_KEY);
    crypto_wipe(bytes, sizeof bytes);
    return ok ? 0 : err_set(e, ERR_MISUSE, "%s: a token key is 32 bytes, or 64 hexadecimal digits; make one with `openssl rand -hex 32`", path);
}

/* ── Output ── */

static void flush(struct run *run)
{
    size_t at = 0;
    while (at < run->out.n && run->out_error == 0) {
        ssize_t n = write(STDOUT_FILENO, run->out.p + at, run->out.n - at);
        if (n > 0)
            at += (size_t)n;
        else if (n < 0 && errno != EINTR)
            run->out_error = errno;
    }
    buf_clear(&run->out);
}

static void print(struct run *run, const struct record *r)
{
    veil_json(run->veil, &run->out, r);
    buf_u8(&run->out, '\n');
    if (!buf_ok(&run->out)) {
        run->out_error = ENOMEM;
        buf_clear(&run->out);
    } else if (run->out.n >= OUT_BLOCK) {
        flush(run);
    }
}

static void take_finding(void *context, const struct record *r)
{
    struct run *run = context;
    int rank = severity_rank(record_get(r, KEY_SEVERITY));
    if (rank > run->worst)
        run->worst = rank;
    if (run->veil != NULL)
        print(run, r);
}

static void take_record(void *context, const struct record *r)
{
    struct run *run = context;
    if (run->veil != NULL)
        print(run, r);
    detect_record(run->detect, r);
}

/* ── Counters ── */

static void put_count(void *context, const char *name, uint64_t count)
{
    jsonw_put_uint(context, name, count);
}

/* A message type comes from outside: three capitals or digits, and perhaps an event of a letter and two digits, is a type; anything else is "other".
 */
static bool is_type(const char *t)
{
    size_t n = strlen(t);
    if (n != 3 && n != 7)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool capital = t[i] >= 'A' && t[i] <= 'Z';
        bool digit = t[i] >= '0' && t[i] <= '9';
        if (i == 3 ? t[i] != '^' : i == 0 || i == 4 ? !capital : i > 4 ? !digit : !capital && !digit)
            return false;
    }
    return true;
}

struct types {
    struct jsonw *json;
    uint64_t other;
};

static void put_type(void *context, const char *type, uint64_t count)
{
    struct types *t = context;
    if (is_type(type))
        jsonw_put_uint(t->json, type, count);
    else
        t->other += count;
}

static void put_types(struct jsonw *j, const struct sense *sense)
{
    struct types types = {.json = j};
    jsonw_key(j, "hl7_by_type");
    jsonw_object(j);
    sense_hl7_types(sense, put_type, &types);
    if (types.other > 0)
        jsonw_put_uint(j, "other", types.other);
    jsonw_object_end(j);
}

static void put_letters(struct jsonw *j, const struct sense_stats *s)
{
    jsonw_key(j, "astm_records_by_type");
    jsonw_object(j);
    for (size_t i = 0; i < 26; i++)
        if (s->astm_records[i] > 0)
            jsonw_put_uint(j, (char[]){(char)('A' + i), 0}, s->astm_records[i]);
    jsonw_object_end(j);
}

static void put_time(struct jsonw *j, const char *key, tq_time t)
{
    char text[TIME_TEXT];
    if (t == 0) {
        jsonw_put_str(j, key, NULL);
        return;
    }
    jsonw_put_text(j, key, span_of(text, time_format(t, text)));
}

/* How often the capture itself was damaged; a live interface never is. */
static uint64_t capture_damage(const struct run *run, const char **ret_first)
{
    *ret_first = "";
    return run->source == NULL ? 0 : source_damage(run->source, ret_first);
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void print_stats(struct run *run, const struct timespec *start)
{
    const struct sense_stats *s = sense_stats(run->sense);
    const char *first_damage;
    struct jsonw out = jsonw_to(&run->out);
    struct jsonw *j = &out;
    jsonw_object(j);
    put_time(j, "time", s->last_time);
    jsonw_put_str(j, "event", "stats");
    jsonw_put_uint(j, "packets", s->packets);
    jsonw_put_uint(j, "bytes", s->bytes);
    jsonw_put_uint(j, "flows", s->flows);
    jsonw_put_uint(j, "tcp_flows", s->tcp_flows);
    jsonw_put_uint(j, "udp_flows", s->udp_flows);
    jsonw_key(j, "flows_by_label");
    jsonw_object(j);
    sense_labels(run->sense, put_count, j);
    jsonw_object_end(j);
    jsonw_put_uint(j, "tcp_gaps", s->tcp_gaps);
    jsonw_put_uint(j, "retransmitted", s->retransmitted);
    jsonw_put_uint(j, "tcp_conflicts", s->tcp_conflicts);
    jsonw_put_uint(j, "hl7_messages", s->hl7_messages);
    put_types(j, run->sense);
    jsonw_put_uint(j, "astm_messages", s->astm_messages);
    put_letters(j, s);
    jsonw_put_uint(j, "astm_good_frames", s->astm_good_frames);
    jsonw_put_uint(j, "astm_damaged_frames", s->astm_damaged_frames);
    jsonw_put_uint(j, "poct1a_messages", s->poct1a_messages);
    jsonw_put_uint(j, "dicom_associations", s->dicom_associations);
    jsonw_put_uint(j, "results", s->results);
    jsonw_put_uint(j, "malformed", s->malformed);
    jsonw_key(j, "findings_by_kind");
    jsonw_object(j);
    detect_kinds(run->detect, put_count, j);
    jsonw_object_end(j);
    jsonw_put_uint(j, "damaged_packets", s->damaged_packets);
    jsonw_put_uint(j, "capture_damage", capture_damage(run, &first_damage));
    if (run->ring != NULL) {
        jsonw_put_uint(j, "dropped", ring_counts(run->ring).dropped);
        jsonw_put_uint(j, "shed_bulk", s->shed_bulk);
        jsonw_put_uint(j, "shed_other", s->shed_other);
    }
    put_time(j, "first_time", s->first_time);
    put_time(j, "last_time", s->last_time);
    jsonw_key(j, "elapsed_s");
    jsonw_real(j, seconds_since(start), 6);
    jsonw_object_end(j);
    buf_u8(&run->out, '\n');
}

/* ── The run ── */

/* The signal that asked to stop; reading then ends as if the capture did. The same signal again ends the program at once. */
static volatile sig_atomic_t stopped_by;

static void stop(int signal_number)
{
    stopped_by = signal_number;
}

static void prepare_signals(void)
{
    struct sigaction s = {.sa_handler = stop, .sa_flags = SA_RESETHAND};
    (void)sigaction(SIGINT, &s, NULL);
    (void)sigaction(SIGTERM, &s, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGIO, SIG_IGN); /* still.h */
}

static ssize_t read_input(void *context, void *into, size_t n)
{
    struct run *run = context;
    struct pollfd ready = {.fd = run->fd, .events = POLLIN};
    if (run->live && run->out.n > 0 && poll(&ready, 1, 0) == 0)
        flush(run);
    ssize_t got = stopped_by != 0 ? 0 : read(run->fd, into, n);
    return got < 0 && errno == EINTR && stopped_by != 0 ? 0 : got;
}

static int make_stages(struct run *run, struct error *e)
{
    struct hash_key tables[2]; /* of the same token key the same: what counts by hashes counts the same in each run */
    crypto_random(tables, sizeof tables);
    if (run->choice.events) {
        uint8_t key[VEIL_KEY];
        if (token_key(run->choice.token_key, key, e) != 0)
            return -1;
        crypto_hkdf_expand(key, SPAN_LIT("tourniquet sense, keys of tables"), (uint8_t *)tables, sizeof tables);
        run->veil = veil_new(key, run->choice.reveal, e);
        crypto_wipe(key, sizeof key);
        if (run->veil == NULL)
            return -1;
    }
    if (run->choice.ndpi && (run->labels = labels_new(e)) == NULL)
        return -1;
    struct detect_options d = {.hash_key = tables[0], .sink = {take_finding, run}, .follow = run->choice.custody && run->choice.events};
    struct sense_options s = {
        .limits = sense_default_limits, .hash_key = tables[1], .sink = {take_record, run}, .labels = run->labels, .flow_records = run->choice.events};
    if (!run->choice.events)
        s.wants = detect_reads; /* nobody else reads the records */
    run->detect = detect_new(&d, e);
    run->sense = run->detect == NULL ? NULL : sense_new(&s, e);
    return run->sense == NULL ? -1 : 0;
}

static int open_capture(const char *file, int *ret_fd, struct error *e)
{
    if (strcmp(file, "-") == 0) {
        *ret_fd = STDIN_FILENO;
        return 0;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return err_set(e, ERR_MISUSE, "%s: there is no such file; check the name", file);
        return err_sys(e, errno, "%s: cannot be opened", file);
    }
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)close(fd);
        return err_set(e, ERR_MISUSE, "%s: is a folder; name one capture file", file);
    }
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *ret_fd = fd;
    return 0;
}

static void finish(struct run *run)
{
    sense_finish(run->sense);
    detect_advance(run->detect, sense_stats(run->sense)->last_time);
    detect_end(run->detect);
}

/* Reads until the end, an error, or a reader that went away. */
static __attribute__((hot)) int read_all(struct run *run, struct error *e)
{
    struct packet p;
    int more = 0;
    while (run->out_error == 0 && stopped_by == 0 && (more = source_next(run->source, &p, e)) > 0)
        (void)sense_packet(run->sense, p.time, p.linktype, p.bytes, p.wire_length);
    if (run->out_error == 0)
        finish(run);
    return more < 0 ? -1 : 0;
}

/* Waits for packets, with what was found so far printed. -1: the interface went away. */
static int wait_for_packets(struct run *run, int ms, struct error *e)
{
    struct pollfd ready = {.fd = run->fd, .events = POLLIN};
    flush(run);
    if (poll(&ready, 1, ms) > 0)
        return (ready.revents & POLLERR) != 0 ? ring_trouble(run->ring, e) : 0;
    sense_advance(run->sense, clock_now() - TIME_SECOND); /* a packet may still wait in the ring */
    return 0;
}

/* Listens until it is stopped; what came before the stop is still read. */
static int listen_on(struct run *run, struct error *e)
{
    struct packet p;
    tq_time end = 0; /* 0: not stopped */
    enum shed shed = SHED_NOTHING;
    unsigned n = 0;
    int rc = 0;
    while (rc == 0 && run->out_error == 0) {
        if (stopped_by != 0 && end == 0)
            end = clock_now();
        if (ring_next(run->ring, &p)) {
            if (end != 0 && p.time > end)
                break;
            if (n++ % LOOK_EVERY == 0)
                sense_shed(run->sense, shed = sense_shed_at(shed, ring_eighths(run->ring)));
            (void)sense_packet(run->sense, p.time, p.linktype, p.bytes, p.wire_length);
        } else if (end != 0 && clock_now() - end > TIME_SECOND / 4) {
            break;
        } else {
            rc = wait_for_packets(run, end != 0 ? 100 : 1000, e);
        }
    }
    if (run->out_error == 0)
        finish(run);
    uint64_t dropped = ring_counts(run->ring).dropped;
    if (dropped > 0)
        (void)fprintf(stderr, "tourniquet sense: %s: %llu packets came faster than they could be read and were dropped\n", run->choice.interface,
                      (unsigned long long)dropped);
    const struct sense_stats *s = sense_stats(run->sense);
    if (s->shed_bulk + s->shed_other > 0)
        (void)fprintf(stderr, "tourniquet sense: %s: passed over to keep up: %llu packets of bulk traffic, %llu others, none of a lab connection\n",
                      run->choice.interface, (unsigned long long)s->shed_bulk, (unsigned long long)s->shed_other);
    if (rc != 0)
        e->class = ERR_SYSTEM;
    return rc;
}

/* What could not be read, in one line for people. */
static void name_damage(const struct run *run, const char *name)
{
    const char *first;
    uint64_t capture = capture_damage(run, &first);
    uint64_t packets = sense_stats(run->sense)->damaged_packets;
    if ((capture == 0 && packets == 0) || sense_stats(run->sense)->packets == 0)
        return; /* nothing, or the error says it */
    struct buf line = BUF_INIT(2048);
    buf_addf(&line, "tourniquet sense: %s:", name);
    if (capture > 0)
        buf_addf(&line, " the capture is damaged in %llu place%s, first: %s;", (unsigned long long)capture, capture == 1 ? "" : "s", first);
    if (packets > 0)
        buf_addf(&line, " %llu packet%s cut or malformed;", (unsigned long long)packets, packets == 1 ? " is" : "s are");
    buf_add_str(&line, " the rest was read");
    (void)fprintf(stderr, "%s\n", buf_text(&line));
    buf_release(&line);
}

/* The exit status, after everything is printed; complains where the machine or the input failed. */
static int conclude(struct run *run, int rc, const char *name, struct error *e)
{
    const char *damage;
    (void)capture_damage(run, &damage);
    if (rc == 0 && run->ring == NULL && sense_stats(run->sense)->packets == 0)
        rc = err_set(e, ERR_MISUSE, "holds not one packet%s%s; give a capture made while the network was in use", *damage != 0 ? ", " : "", damage);
    if (rc != 0) {
        (void)err_context(e, "tourniquet sense: %s", name);
        (void)fprintf(stderr, "%s\n", e->text);
        return err_exit_status(e);
    }
    if (run->out_error != 0 && run->out_error != EPIPE) {
        (void)err_sys(e, run->out_error, "tourniquet sense: standard output cannot be written");
        (void)fprintf(stderr, "%s\n", e->text);
        return 3;
    }
    if (stopped_by != 0 && !run->live)
        return 128 + stopped_by; /* the rest of the file was not read */
    return run->worst >= run->choice.fail_on ? 1 : 0;
}

static int open_input(struct run *run, uint32_t *ret_linktype, struct error *e)
{
    if (run->choice.interface != NULL)
        return interface_open(run->choice.interface, &run->fd, ret_linktype, e);
    return open_capture(run->choice.file, &run->fd, e);
}

static uint64_t processor_time(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Where the file can be mapped, and this machine gains by it. */
static void read_in_place(struct run *run)
{
    run->still = still_new(run->fd);
    if (run->still != NULL && still_is_dear(run->still, processor_time)) {
        still_free(run->still);
        run->still = NULL;
    }
    if (run->still != NULL)
        source_in_place(run->source, still_view, run->still);
}

static int run_on(struct run *run, const char *name, uint32_t linktype, struct error *e)
{
    struct stat st;
    run->live = fstat(run->fd, &st) != 0 || !S_ISREG(st.st_mode);
    struct timespec start;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    if (run->choice.interface != NULL)
        run->ring = ring_new(run->fd, linktype, e);
    else
        run->source = source_new(read_input, run, e);
    if (run->source != NULL && !run->choice.events) /* whoever prints may have to wait */
        read_in_place(run);
    int rc = run->ring == NULL && run->source == NULL ? -1 : make_stages(run, e);
    if (rc != 0) {
        (void)fprintf(stderr, "tourniquet sense: %s\n", e->text);
        return err_exit_status(e);
    }
    rc = run->ring != NULL ? listen_on(run, e) : read_all(run, e);
    name_damage(run, name);
    if (run->choice.stats && (run->ring != NULL || sense_stats(run->sense)->packets > 0))
        print_stats(run, &start);
    flush(run);
    return conclude(run, rc, name, e);
}

static int run_sense(int argc, char **argv)
{
    struct error e = {0};
    struct run run = {.out = BUF_INIT(OUT_MAX), .worst = -1, .fd = -1};
    uint32_t linktype = 0;
    if (choose(argc, argv, &run.choice, &e) != 0 || crypto_start(&e) != 0 || open_input(&run, &linktype, &e) != 0) {
        (void)fprintf(stderr, "tourniquet sense: %s\n", e.text);
        return err_exit_status(&e);
    }
    prepare_signals();
    const char *name = run.choice.interface != NULL ? run.choice.interface : run.fd == STDIN_FILENO ? "standard input" : run.choice.file;
    int status = run_on(&run, name, linktype, &e);
    ring_free(run.ring);
    still_free(run.still);
    if (run.fd != STDIN_FILENO)
        (void)close(run.fd);
    sense_free(run.sense);
    labels_free(run.labels);
    detect_free(run.detect);
    veil_free(run.veil);
    source_free(run.source);
    buf_release(&run.out);
    return status;
}

const struct verb verb_sense = {
    .name = "sense",
    .summary = "network traffic, captured or live -> events and findings",
    .usage = usage,
    .run = run_sense,
};
