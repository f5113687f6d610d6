/* The corpus (TOURNIQUET_CORPUS): real HL7 messages and analyzers' ASTM recordings, each as a stream of its own, whole and cut. */
#include "../corpus.h"

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

static bool everything(void)
{
    const char *want = getenv("TOURNIQUET_LONG");
    return want != NULL && strcmp(want, "1") == 0;
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
    uint64_t segments_obx; /* in messages of results */
    uint64_t others;       /* in other messages: not results of a lab */
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

/* Does MSH-9 begin so? */
static bool is_type(struct span s, const char *type)
{
    for (int i = 0; i < 8; i++)
        (void)span_until(&s, '|', NULL);
    return span_starts(s, span_str(type));
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
    bool results = is_type(content, "ORU") || is_type(content, "OUL") || is_type(content, "ORF");
    *(results ? &t->segments_obx : &t->others) += count_obx(content);
    same_when_cut(name, buf_span(&stream), &whole, 1);
    for (int i = 0; i < 8; i++)
        same_when_cut(name, buf_span(&stream), &whole, 0);
    if (t->files % 16 == 0 || everything())
        same_at_every_place(name, buf_span(&stream), &whole);
    collect_close(&whole);
    buf_release(&stream);
}

static void hl7_messages(void **state)
{
    (void)state;
    char path[4096];
    struct tally t = {0};
    (void)snprintf(path, sizeof path, "%s/hl7/_messages", corpus_folder());
    print_message("# seed of the cuts: %#llx\n", (unsigned long long)seed);
    walk(path, hl7_file, &t);
    assert_int_equal(t.files, HL7_FILES);
    assert_int_equal(t.messages, HL7_FILES);
    assert_int_equal(t.results, t.segments_obx);
    assert_true(t.results > 100 && t.others > 100);
}

/* What each recording and each written sample holds, counted in the files themselves: records by type; texts that must come out. The samples' H, P,
 * O, R and L are all that they have. */
static const struct contents {
    const char *name;
    const char *records; /* in the order of the alphabet */
    uint64_t results;
    const char *texts[5];
} table[] = {
    {"cobas_c111.txt",
     "C1 H1 L1 M1 O1 P1 R1 ",
     1,
     {"sender=SENAITE^Roche^c111^4.2.2.1730^1^13147; receiver=host; version=1; ",
      "maker=Roche; model=c111; serial=13147; software=4.2.2.1730; role=analyzer",
      "test.code=413; specimen=T20 10134GA D28; value=40.13; units=g/L; flags=N; status=F; observed_at=2023-08-03T13:17:00"}},
    {"genexpert.txt",
     "C3 H1 L1 O1 P1 R84 ",
     84,
     {"control_id=URM-8lT4abZA-06; ", "sender=.806149 Happy Hospital^GeneXpert^4.8; receiver=HNH-SENAITE; version=1394-97; ",
      "model=GeneXpert; software=4.8; role=analyzer",
      "test.code=Xpert; test.text=Xpert MTB-RIF Ultra; specimen=PR25A137; value=NOT DETECTED^; status=F; observed_at=2025-05-14T13:21:03",
      "value=^159.0"}},
    {"sysmex_xp100.txt",
     "H1 L1 O1 P1 R20 ",
     20,
     {"sender=XP-100^00-13^^^^A7869^BS649542; version=E1394-97; ",
      "model=XP-100; serial=A7869; software=00-13; role=analyzer; source=astm.h; said=XP-100; said=00-13; said=; said=; said=; said=A7869; "
      "said=BS649542",
      "test.code=WBC; specimen=113; value=  5.5; units=10*3/uL; flags=N; observed_at=2024-07-23T17:24:52",
      "test.code=MCV; specimen=113; value= 84.3; units=fL; flags=L", "test.code=PCT; specimen=113; value= 0.17; units=%"}},
    {"spotchem_el.txt", "", 0, {NULL}},
    {"chemistry-panel.astm",
     "H1 L1 O1 P1 R16 ",
     16,
     {"maker=Beckman; model=AU5800", "test.code=GLUCOSE; test.text=Glucose; patient=PAT-2025-002; specimen=SAMPLE-2025-0002; value=98; units=mg/dL"}},
    {"hematology-cbc.astm",
     "H1 L1 O1 P1 R10 ",
     10,
     {"maker=Sysmex; model=XN-1000", "test.code=WBC; test.text=White Blood Cell Count; patient=PAT-2025-001"}},
    {"immunology-screening.astm", "H2 L2 O2 P2 R12 ", 12, {"maker=Abbott; model=Architect; serial=i2000", "value=NON-REACTIVE; flags=N"}},
    {"unit-mismatch.astm",
     "H2 L2 O2 P2 R9 ",
     9,
     {"maker=European; model=Analyzer", "patient=PAT-2025-008; specimen=SAMPLE-2025-0008; value=128; units=g/L"}},
    {"unmapped-fields.astm", "H2 L2 O2 P2 R13 ", 13, {"test.code=RETICULOCYTES"}},
    {"qc-control-results.astm", "H3 L3 Q24 ", 0, {"type=ASTM.QUERY"}},
    {"horiba-micros60-cbc.astm", "H1 L1 O1 P1 R16 ", 16, {"maker=ABX; model=MICROS60"}},
    {"horiba-pentra60-cbc.astm", "H1 L1 O1 P1 R20 ", 20, {"maker=ABX; model=PENTRA60"}},
    {"stago-start4-coagulation.astm",
     "H1 L1 O1 P1 R5 ",
     5,
     {"maker=STAGO; model=START4", "test.code=FIB; patient=PAT-2026-002; specimen=SAMPLE-2026-0002; value=3.2; units=g/L"}},
    {"mindray-ba88a-result.txt",
     "H1 L1 O1 P1 R10 ",
     10,
     {"software=1.0", "test.code=D-Bil; patient=PATIENT001; specimen=ACC-2026-001; value=0.2; units=mg/dL"}},
};

static void holds(const char *name, struct collect *k)
{
    struct buf records = BUF_INIT(256);
    for (unsigned i = 0; i < 26; i++)
        if (k->stats.astm_records[i] > 0)
            buf_addf(&records, "%c%" PRIu64 " ", 'A' + i, k->stats.astm_records[i]);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct contents *c = &table[i];
        if (strcmp(c->name, name) != 0)
            continue;
        if (strcmp(buf_text(&records), c->records) != 0 || k->stats.results != c->results)
            fail_msg("%s: records %s, %llu results", name, buf_text(&records), (unsigned long long)k->stats.results);
        for (size_t t = 0; t < 5 && c->texts[t] != NULL; t++)
            if (strstr(buf_text(&k->lines), c->texts[t]) == NULL)
                fail_msg("%s: \"%s\" is not in\n%s", name, c->texts[t], buf_text(&k->lines));
    }
    buf_release(&records);
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
    holds(name, &whole);
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
    (void)snprintf(path, sizeof path, "%s/astm/instruments", corpus_folder());
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

/* The same records as others send them: without frames; without numbers and checksums. */
static void other_ways(const char *name, struct span records)
{
    for (int frames = 0; frames < 2; frames++) {
        struct buf stream = BUF_INIT(1 << 20);
        buf_add_str(&stream, frames ? "\x05\x02" : "");
        buf_add_span(&stream, records);
        buf_add_str(&stream, frames ? "\x03\x04" : "");
        judge(name, buf_span(&stream));
        buf_release(&stream);
    }
}

/* The samples are written down without frames, a record a line, with comments before them. */
static void sample_file(const char *name, struct span content, void *context)
{
    (void)context;
    size_t n = strlen(name);
    bool hl7 = n > 4 && strcmp(name + n - 4, ".hl7") == 0;
    struct buf stream = BUF_INIT(1 << 20);
    struct buf records = BUF_INIT(1 << 20);
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
            buf_add_span(&records, line);
            buf_u8(&records, '\r');
        } else {
            buf_add_span(&stream, line);
            buf_u8(&stream, '\r');
        }
    }
    buf_add_str(&stream, hl7 ? "\x1c\r" : "\x04");
    judge(name, buf_span(&stream));
    if (!hl7 && exception_of(name) == NULL)
        other_ways(name, buf_span(&records));
    buf_release(&stream);
    buf_release(&records);
}

static void samples(void **state)
{
    (void)state;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/astm/openelis", corpus_folder());
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
    (void)snprintf(path, sizeof path, "%s/pcap/lab/lab50.pcap.zst", corpus_folder());
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
    (void)snprintf(path, sizeof path, "%s/pcap/generated/python-hl7-mllp-dev.pcap", corpus_folder());
    read_capture(path, &stats, &types);
    assert_int_equal(stats.hl7_messages, 280);
    assert_true(strncmp(buf_text(&types), "ACK=140 ", 8) == 0);
    assert_int_equal(stats.malformed, 0);
    buf_release(&types);
}

int main(void)
{
    if (corpus_or_skip() == NULL)
        return 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(hl7_messages), cmocka_unit_test(instruments), cmocka_unit_test(samples),
                                       cmocka_unit_test(lab_by_type), cmocka_unit_test(other_implementation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
