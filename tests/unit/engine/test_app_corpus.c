/* The corpus (TOURNIQUET_CORPUS): real HL7 messages and analyzers' ASTM recordings, each as a stream of its own, whole and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app_collect.h"
#include "wire/astm_link.h"

#include "engine/sense/source.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define HL7_FILES 387

/* What does not decode as its name promises, and why. Everything else must give at least one counted message without a reason. */
static const struct exception {
    const char *name;
    const char *why;
    const char *label; /* of its stream */
    uint64_t messages;
    uint64_t malformed;
} exceptions[] = {
    {"spotchem_el.txt", "no E1394: a print-out between STX and ETX, without record types and without a checksum", "", 0, 0},
    {"malformed.astm", "made to be wrong: a message without H, two with impossible delimiters, two cut off before L", "astm", 5, 6},
};

static uint64_t seed = 0x9e3779b97f4a7c15u;

static size_t random_below(size_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (size_t)(seed % n);
}

typedef void each_file(const char *name, struct span content, void *context);

static void walk(const char *folder, each_file *each, void *context)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && stat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode)) {
                walk(path, each, context);
            } else {
                FILE *f = fopen(path, "rb");
                uint8_t *p = malloc((size_t)st.st_size + 1);
                assert_non_null(f);
                assert_non_null(p);
                assert_int_equal(fread(p, 1, (size_t)st.st_size, f), st.st_size);
                (void)fclose(f);
                each(entries[i]->d_name, span_of(p, (size_t)st.st_size), context);
                free(p);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

static const char *corpus(void)
{
    const char *folder = getenv("TOURNIQUET_CORPUS");
    if (folder == NULL || folder[0] == 0)
        skip();
    return folder;
}

/* Feeds a stream: step 0: in pieces of random length. */
static void feed(struct collect *k, struct span s, size_t step)
{
    while (s.n > 0) {
        size_t n = step > 0 ? step : 1 + random_below(400);
        collect_data(k, 0, span_take(&s, n < s.n ? n : s.n));
    }
}

static void same_when_cut(const char *name, struct span stream, const struct collect *whole, size_t step)
{
    struct collect k;
    collect_open(&k, 0, true);
    feed(&k, stream, step);
    collect_end_flow(&k);
    if (!span_equal(buf_span(&k.lines), buf_span(&whole->lines)) || memcmp(&k.stats, &whole->stats, sizeof k.stats) != 0)
        fail_msg("%s: other records when cut (step %zu)", name, step);
    collect_close(&k);
}

/* Cut in two at every place. */
static void same_at_every_place(const char *name, struct span stream, const struct collect *whole)
{
    for (size_t at = 1; at < stream.n; at++) {
        struct collect k;
        collect_open(&k, 0, true);
        collect_data(&k, 0, span_of(stream.p, at));
        collect_data(&k, 0, span_of(stream.p + at, stream.n - at));
        collect_end_flow(&k);
        if (!span_equal(buf_span(&k.lines), buf_span(&whole->lines)))
            fail_msg("%s: other records when cut at %zu", name, at);
        collect_close(&k);
    }
}

struct tally {
    size_t files;
    uint64_t messages;
    uint64_t segments_obx;
    uint64_t results;
};

static size_t count_obx(struct span s)
{
    size_t n = 0;
    bool start = true;
    for (size_t i = 0; i < s.n; i++) {
        n += start && i + 3 < s.n && memcmp(s.p + i, "OBX", 3) == 0;
        start = s.p[i] == '\r' || s.p[i] == '\n';
    }
    return n;
}

static void hl7_file(const char *name, struct span content, void *context)
{
    struct tally *t = context;
    struct buf stream = BUF_INIT(1 << 20);
    struct collect whole;
    buf_u8(&stream, 0x0b);
    buf_add_span(&stream, content);
    buf_add_str(&stream, "\x1c\r");
    collect_open(&whole, 0, true);
    collect_data(&whole, 0, buf_span(&stream));
    collect_end_flow(&whole);
    if (whole.stats.hl7_messages != 1 || whole.stats.malformed != 0 || strstr(buf_text(&whole.lines), "; hostile=") != NULL)
        fail_msg("%s: %s", name, buf_text(&whole.lines));
    t->files++;
    t->messages += whole.stats.hl7_messages;
    t->results += whole.stats.results;
    t->segments_obx += count_obx(content);
    same_when_cut(name, buf_span(&stream), &whole, 1);
    for (int i = 0; i < 8; i++)
        same_when_cut(name, buf_span(&stream), &whole, 0);
    if (t->files % 16 == 0)
        same_at_every_place(name, buf_span(&stream), &whole);
    collect_close(&whole);
    buf_release(&stream);
}

static void hl7_messages(void **state)
{
    (void)state;
    char path[4096];
    struct tally t = {0};
    (void)snprintf(path, sizeof path, "%s/hl7/_messages", corpus());
    print_message("# seed of the cuts: %#llx\n", (unsigned long long)seed);
    walk(path, hl7_file, &t);
    assert_int_equal(t.files, HL7_FILES);
    assert_int_equal(t.messages, HL7_FILES);
    assert_int_equal(t.results, t.segments_obx);
}

static const struct exception *exception_of(const char *name)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++)
        if (strcmp(exceptions[i].name, name) == 0)
            return &exceptions[i];
    return NULL;
}

static void judge(const char *name, struct span stream)
{
    struct collect whole;
    const struct exception *x = exception_of(name);
    collect_open(&whole, 0, true);
    collect_data(&whole, 0, stream);
    const char *label = app_label(whole.flow);
    uint64_t messages = whole.stats.astm_messages + whole.stats.hl7_messages;
    bool fine = x != NULL ? strcmp(label, x->label) == 0 && messages == x->messages && whole.stats.malformed == x->malformed
                          : label[0] != 0 && messages >= 1 && whole.stats.malformed == 0;
    fine = fine && strstr(buf_text(&whole.lines), "; hostile=") == NULL;
    if (!fine)
        fail_msg("%s: %s, %llu messages, %llu malformed: %s", name, label, (unsigned long long)messages, (unsigned long long)whole.stats.malformed,
                 buf_text(&whole.lines));
    if (x != NULL)
        print_message("# %s: %s\n", name, x->why);
    collect_end_flow(&whole);
    same_when_cut(name, stream, &whole, 1);
    for (int i = 0; i < 8; i++)
        same_when_cut(name, stream, &whole, 0);
    same_at_every_place(name, stream, &whole);
    collect_close(&whole);
}

static void instrument_file(const char *name, struct span content, void *context)
{
    (void)context;
    judge(name, content);
}

static void instruments(void **state)
{
    (void)state;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/astm/instruments", corpus());
    walk(path, instrument_file, NULL);
}

static void add_frame(struct buf *out, unsigned number, struct span record)
{
    size_t start = out->n + 1;
    buf_addf(out, "\x02%u", number % 8);
    buf_add_span(out, record);
    buf_add_str(out, "\r\x03");
    buf_addf(out, "%02X\r\n", astm_checksum(span_of(out->p + start, out->n - start)));
}

/* The samples are written down without frames, a record a line, with comments before them. */
static void sample_file(const char *name, struct span content, void *context)
{
    (void)context;
    size_t n = strlen(name);
    bool hl7 = n > 4 && strcmp(name + n - 4, ".hl7") == 0;
    struct buf stream = BUF_INIT(1 << 20);
    buf_u8(&stream, hl7 ? 0x0b : 0x05);
    unsigned number = 1;
    for (bool more = content.n > 0; more;) {
        struct span line = span_until(&content, '\n', &more);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!hl7) {
            add_frame(&stream, number++, line);
        } else {
            buf_add_span(&stream, line);
            buf_u8(&stream, '\r');
        }
    }
    buf_add_str(&stream, hl7 ? "\x1c\r" : "\x04");
    judge(name, buf_span(&stream));
    buf_release(&stream);
}

static void samples(void **state)
{
    (void)state;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/astm/openelis", corpus());
    walk(path, sample_file, NULL);
}

/* ── captures: the whole path from packets on ── */

static void each_type(void *context, const char *type, uint64_t count)
{
    buf_addf(context, "%s=%" PRIu64 " ", type, count);
}

static void read_capture(const char *path, struct sense_stats *ret, struct buf *types)
{
    struct error e;
    struct sense_options options = {.hash_key = {1, 2}};
    struct packet p;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct source *source = source_from_fd(fd, &e);
    struct sense *sense = sense_new(&options, &e);
    assert_non_null(source);
    assert_non_null(sense);
    while (source_next(source, &p, &e) == 1)
        sense_packet(sense, p.time, p.linktype, p.bytes, p.wire_length);
    sense_finish(sense);
    *ret = *sense_stats(sense);
    sense_hl7_types(sense, each_type, types);
    sense_free(sense);
    source_free(source);
    (void)close(fd);
}

/* The figures of lab50.truth.json: by_type of its parts hl7 and astm. */
static void lab_by_type(void **state)
{
    (void)state;
    char path[4096];
    struct sense_stats stats;
    struct buf types = BUF_INIT(4096);
    static const uint64_t records[26] = {['C' - 'A'] = 908,  ['H' - 'A'] = 1856, ['L' - 'A'] = 1856, ['M' - 'A'] = 460,
                                         ['O' - 'A'] = 1948, ['P' - 'A'] = 1948, ['Q' - 'A'] = 85,   ['R' - 'A'] = 14008};
    (void)snprintf(path, sizeof path, "%s/pcap/lab/lab50.pcap.zst", corpus());
    read_capture(path, &stats, &types);
    assert_string_equal(buf_text(&types), "ACK=3786 ORU^R01=2519 OUL^R22=1267 ");
    assert_memory_equal(stats.astm_records, records, sizeof records);
    assert_int_equal(stats.results, 47843 + 14008);
    assert_int_equal(stats.malformed, 0);
    buf_release(&types);
}

/* python-hl7 talking to itself: 140 messages, 140 acknowledgements (counted in the capture's payload). */
static void other_implementation(void **state)
{
    (void)state;
    char path[4096];
    struct sense_stats stats;
    struct buf types = BUF_INIT(4096);
    (void)snprintf(path, sizeof path, "%s/pcap/generated/python-hl7-mllp-dev.pcap", corpus());
    read_capture(path, &stats, &types);
    assert_int_equal(stats.hl7_messages, 280);
    assert_true(strncmp(buf_text(&types), "ACK=140 ", 8) == 0);
    assert_int_equal(stats.malformed, 0);
    buf_release(&types);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hl7_messages), cmocka_unit_test(instruments), cmocka_unit_test(samples),
                                       cmocka_unit_test(lab_by_type), cmocka_unit_test(other_implementation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
