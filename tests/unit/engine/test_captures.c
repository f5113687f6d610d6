/* Every capture of the corpus through all of sense: none may crash it, hang it or make it grow. Needs TOURNIQUET_CORPUS. */
#include "engine/sense/sense.h"
#include "engine/sense/source.h"

#include "../cmocka_all.h"
#include "../corpus.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SECONDS_EACH 20 /* for a file of a few MiB; under sanitizers too */
#define RSS_MAX (128L << 10)

static const char *corpus;
static unsigned files;
static unsigned failures;
static uint64_t packets;

/* Checks what every record must hold. */
struct watch {
    uint64_t seq;
    uint64_t flows_closed;
    struct buf encoded;
    bool wrong;
};

static void watch(void *context, const struct record *r)
{
    struct watch *w = context;
    w->wrong |= r->seq != ++w->seq || r->event == EVENT_NONE || r->event >= EVENT_COUNT || r->n > RECORD_FIELDS;
    w->flows_closed += r->event == EVENT_FLOW_CLOSED;
    buf_clear(&w->encoded);
    record_encode(&w->encoded, r);
    w->wrong |= !buf_ok(&w->encoded);
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int read_capture(const char *path, bool records, struct sense_stats *ret)
{
    struct error e = {0};
    struct watch w = {.encoded = BUF_INIT(4u << 20)};
    struct sense_options options = {.hash_key = {11, 12}};
    if (records) {
        options.flow_records = true;
        options.sink = (struct record_sink){.put = watch, .context = &w};
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct source *source = source_from_fd(fd, &e);
    struct sense *sense = sense_new(&options, &e);
    assert_non_null(source);
    assert_non_null(sense);
    struct packet p;
    int got;
    while ((got = source_next(source, &p, &e)) == 1)
        sense_packet(sense, p.time, p.linktype, p.bytes, p.wire_length);
    sense_finish(sense);
    *ret = *sense_stats(sense);
    assert_true(got == 0 || e.class == ERR_MISUSE);
    assert_false(w.wrong);
    assert_true(!records || w.flows_closed == ret->flows);
    assert_true(ret->flows == ret->tcp_flows + ret->udp_flows);
    sense_free(sense);
    source_free(source);
    buf_release(&w.encoded);
    (void)close(fd);
    return got;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)where;
    static const char *const ends[] = {".pcap", ".pcapng", ".cap", ".trace", ".dmp", ".gz", ".zst"};
    const char *dot = strrchr(path, '.');
    bool capture = false;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        capture |= dot != NULL && strcmp(dot, ends[i]) == 0;
    if (type != FTW_F || !capture)
        return 0;
    double start = seconds();
    struct sense_stats stats;
    (void)read_capture(path, files % 2 == 0, &stats);
    double took = seconds() - start;
    files++;
    packets += stats.packets;
    if (took > SECONDS_EACH) {
        (void)printf("# %s took %.1f s\n", path, took);
        failures++;
    }
    return 0;
}

static void all_captures_are_read(void **state)
{
    (void)state;
    static const char *const folders[] = {"zeek", "tcpdump", "suricata-verify", "generated", "lab"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/pcap/%s", corpus, folders[i]);
        assert_int_equal(nftw(path, visit, 16, FTW_PHYS), 0);
    }
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    (void)printf("# %u files, %" PRIu64 " packets, %ld KiB at most\n", files, packets, use.ru_maxrss);
    assert_true(files > 0);
    assert_int_equal(failures, 0);
#ifndef SANITIZED /* the sanitizer's shadow counts too */
    assert_true(use.ru_maxrss < RSS_MAX);
#endif
}

static uint64_t number(const json_t *truth, const char *group, const char *key)
{
    const json_t *in = group == NULL ? truth : json_object_get(truth, group);
    const json_t *v = json_object_get(in, key);
    assert_true(json_is_integer(v));
    return (uint64_t)json_integer_value(v);
}

static void the_lab_is_counted_right(void **state)
{
    (void)state;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/pcap/lab/lab50.truth.json", corpus);
    json_t *truth = json_load_file(path, 0, NULL);
    assert_non_null(truth);
    struct sense_stats stats;
    (void)snprintf(path, sizeof path, "%s/pcap/lab/lab50.pcap.zst", corpus);
    assert_int_equal(read_capture(path, false, &stats), 0);
    assert_true(stats.packets == number(truth, NULL, "packets"));
    assert_true(stats.bytes == number(truth, NULL, "frame_bytes"));
    assert_true(stats.flows == number(truth, NULL, "flows"));
    assert_true(stats.tcp_flows == number(truth, NULL, "tcp_flows"));
    assert_true(stats.udp_flows == number(truth, NULL, "udp_flows"));
    assert_true(stats.retransmitted == number(truth, "tcp", "retransmitted"));
    assert_true(stats.tcp_gaps == 0);
    assert_true(stats.tcp_conflicts == 0);
    assert_true(stats.damaged_packets == 0);
    assert_true(stats.hl7_messages == number(truth, "hl7", "messages"));
    assert_true(stats.astm_messages == number(truth, "astm", "messages"));
    assert_true(stats.astm_good_frames == number(truth, "astm", "good_frames"));
    assert_true(stats.astm_damaged_frames == number(truth, "astm", "damaged_frames"));
    struct sense_stats again;
    assert_int_equal(read_capture(path, true, &again), 0);
    assert_memory_equal(&stats, &again, sizeof stats); /* listening to records changes no count */
    json_decref(truth);
}

int main(void)
{
    corpus = corpus_or_skip();
    if (corpus == NULL)
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_captures_are_read),
        cmocka_unit_test(the_lab_is_counted_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
