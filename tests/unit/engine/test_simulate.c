/* simulate: the same seed gives the same bytes, and the truth is what a second, simple reader finds in the packets. The reader shares no code with
 * the encoders or with sense: it puts TCP payload where its sequence number says and looks at the result. */
#include "base/table.h"
#include "engine/simulate/simulate.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define STREAMS 65536

struct stream {
    uint32_t first; /* sequence number of the first byte */
    uint8_t *bytes;
    uint8_t *seen;
    size_t n;
    size_t size;
};

struct walker {
    struct table *index; /* addresses and ports → number of the stream */
    struct table *datagrams;
    struct stream *streams;
    size_t streams_n;
    uint64_t packets, tcp_flows, retransmitted, arp;
    uint64_t cut, hl7, acks, oru, oul, obx, astm, good, damaged, records, results, contentions, poct1a, observations, dicom;
    uint64_t by_type[26];
    tq_time last;
    uint64_t digest;
    struct buf messages; /* all HL7 messages, each behind a 0x0b */
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

/* The one's complement sum of some 16-bit words, folded; right headers sum to 0xffff. */
static uint32_t folded(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void put(struct walker *w, struct stream *s, uint32_t seq, const uint8_t *p, size_t n)
{
    size_t at = (uint32_t)(seq - s->first);
    assert_true(at < 64U << 20);
    if (at + n > s->size) {
        size_t size = (at + n) * 2;
        s->bytes = realloc(s->bytes, size);
        s->seen = realloc(s->seen, size);
        memset(s->seen + s->size, 0, size - s->size);
        s->size = size;
    }
    bool again = false;
    for (size_t i = 0; i < n; i++) {
        if (s->seen[at + i]) {
            again = true;
            assert_int_equal(s->bytes[at + i], p[i]); /* a stream never contradicts itself */
        }
        s->seen[at + i] = 1;
        s->bytes[at + i] = p[i];
    }
    w->retransmitted += again;
    if (at + n > s->n)
        s->n = at + n;
}

static void walk_tcp(struct walker *w, const uint8_t *addresses, size_t addresses_n, const uint8_t *p, size_t n)
{
    uint8_t key[40];
    size_t header = (size_t)(p[12] >> 4) * 4;
    memcpy(key, addresses, addresses_n);
    memcpy(key + addresses_n, p, 4);
    bool syn = (p[13] & 2) != 0;
    uint32_t *number = table_put(w->index, span_of(key, addresses_n + 4), NULL);
    assert_non_null(number);
    if (syn) {
        assert_true(w->streams_n < STREAMS);
        *number = (uint32_t)w->streams_n++;
        w->streams[*number] = (struct stream){.first = be32(p + 4) + 1};
        w->tcp_flows += (p[13] & 0x10) == 0;
    } else if (n > header)
        put(w, &w->streams[*number], be32(p + 4), p + header, n - header);
}

static void walk_udp(struct walker *w, const uint8_t *addresses, size_t n, const uint8_t *p)
{
    uint8_t key[40];
    size_t half = n / 2;
    bool turn = memcmp(addresses, addresses + half, half) > 0;
    memcpy(key, addresses + (turn ? half : 0), half);
    memcpy(key + half, addresses + (turn ? 0 : half), half);
    memcpy(key + n, p + (turn ? 2 : 0), 2);
    memcpy(key + n + 2, p + (turn ? 0 : 2), 2);
    assert_non_null(table_put(w->datagrams, span_of(key, n + 4), NULL));
}

static bool walk(void *context, tq_time time, struct span bytes)
{
    struct walker *w = context;
    const uint8_t *p = bytes.p;
    assert_true(time >= w->last);
    assert_in_range(bytes.n, 60, 1518);
    w->last = time;
    w->packets++;
    struct hash_key key = {.k0 = w->digest, .k1 = (uint64_t)time};
    w->digest = hash_bytes(&key, bytes.p, bytes.n);
    size_t at = be16(p + 12) == 0x8100 ? 18 : 14;
    uint32_t type = be16(p + at - 2);
    if (type == 0x0806) {
        w->arp++;
        return true;
    }
    bool six = type == 0x86dd;
    assert_true(six || type == 0x0800);
    const uint8_t *ip = p + at;
    size_t header = six ? 40 : 20, addresses_n = six ? 32 : 8;
    size_t n = six ? be16(ip + 4) : be16(ip + 2) - header;
    uint8_t proto = six ? ip[6] : ip[9];
    assert_true(at + header + n <= bytes.n);
    if (!six)
        assert_int_equal(folded(0, ip, header), 0xffff);
    const uint8_t *addresses = six ? ip + 8 : ip + 12;
    assert_int_equal(folded(folded(proto + (uint32_t)n, addresses, addresses_n), ip + header, n), 0xffff);
    if (proto == 6)
        walk_tcp(w, addresses, addresses_n, ip + header, n);
    else
        walk_udp(w, addresses, addresses_n, ip + header);
    return true;
}

static bool begins(const uint8_t *p, const uint8_t *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - p) >= n && memcmp(p, text, n) == 0;
}

static void count_message(struct walker *w, const uint8_t *p, const uint8_t *end)
{
    assert_true(begins(p, end, "MSH|^~\\&|"));
    buf_u8(&w->messages, 0x0b);
    buf_add(&w->messages, p, (size_t)(end - p));
    const uint8_t *type = p;
    for (unsigned bars = 0; bars < 8; type++)
        bars += *type == '|';
    w->hl7++;
    w->acks += begins(type, end, "ACK");
    w->oru += begins(type, end, "ORU^R01");
    w->oul += begins(type, end, "OUL^R22");
    for (const uint8_t *at = p; at < end; at++)
        w->obx += at[-1] == '\r' && begins(at, end, "OBX|");
}

static void count_mllp(struct walker *w, const struct stream *s)
{
    for (size_t at = 0; at < s->n;) {
        assert_int_equal(s->bytes[at], 0x0b);
        size_t end = at + 1;
        while (end < s->n && s->bytes[end] != 0x1c && s->bytes[end] != 0x0b)
            end++;
        if (end < s->n && s->bytes[end] == 0x0b) { /* a frame that stops where the next begins */
            w->cut++;
            at = end;
            continue;
        }
        assert_true(end + 1 < s->n && s->bytes[end + 1] == '\r');
        count_message(w, s->bytes + at + 1, s->bytes + end);
        at = end + 2;
    }
}

static int hex(uint8_t c)
{
    return c >= 'A' ? c - 'A' + 10 : c - '0';
}

static void count_astm(struct walker *w, const struct stream *s)
{
    bool start = true; /* a record begins with the next byte of text */
    for (size_t i = 0; i < s->n; i++) {
        w->contentions += i > 0 && s->bytes[i] == 0x05 && s->bytes[i - 1] == 0x05;
        if (s->bytes[i] != 0x02)
            continue;
        size_t end = i + 2;
        unsigned sum = s->bytes[i + 1];
        for (; s->bytes[end] != 0x03 && s->bytes[end] != 0x17; end++)
            sum += s->bytes[end];
        sum = (sum + s->bytes[end]) & 0xff;
        bool good = sum == (unsigned)(hex(s->bytes[end + 1]) * 16 + hex(s->bytes[end + 2]));
        w->good += good;
        w->damaged += !good;
        for (size_t k = i + 2; good && k < end; k++) {
            if (start)
                w->by_type[s->bytes[k] - 'A']++;
            start = s->bytes[k] == '\r';
        }
        assert_memory_equal(s->bytes + end + 3, "\r\n", 2);
        i = end + 4;
    }
}

static uint64_t occurrences(const struct stream *s, const char *text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        n += begins(s->bytes + i, s->bytes + s->n, text);
    return n;
}

static void finish(struct walker *w)
{
    for (size_t i = 0; i < w->streams_n; i++) {
        const struct stream *s = &w->streams[i];
        for (size_t k = 0; k < s->n; k++)
            assert_int_equal(s->seen[k], 1); /* nothing is lost */
        if (s->n > 0 && s->bytes[0] == 0x0b)
            count_mllp(w, s);
        else if (s->n > 0 && (s->bytes[0] == 0x05 || s->bytes[0] == 0x06 || s->bytes[0] == 0x15))
            count_astm(w, s);
        else if (s->n > 0 && s->bytes[0] == '<') {
            w->poct1a += occurrences(s, "<HDR>");
            w->observations += occurrences(s, "<OBS>");
        }
        w->dicom += s->n > 10 && begins(s->bytes, s->bytes + s->n, "\x01") && s->bytes[1] == 0 && s->bytes[7] == 1;
        free(s->bytes);
        free(s->seen);
    }
    for (unsigned i = 0; i < 26; i++)
        w->records += w->by_type[i];
    w->astm = w->by_type['H' - 'A'];
}

static uint64_t truth_number(json_t *truth, const char *group, const char *key)
{
    json_t *in = group == NULL ? truth : json_object_get(truth, group);
    json_t *v = json_object_get(in, key);
    return v == NULL ? 0 : (uint64_t)json_integer_value(v);
}

/* Runs a lab through the walker; the truth as JSON. */
static json_t *simulated(const struct simulate_options *options, struct walker *w)
{
    struct error e = {0};
    *w = (struct walker){.digest = 1, .messages = BUF_INIT(256U << 20)};
    w->streams = calloc(STREAMS, sizeof *w->streams);
    w->index = table_new((struct hash_key){1, 2}, STREAMS, sizeof(uint32_t));
    w->datagrams = table_new((struct hash_key){1, 2}, STREAMS, 1);
    struct simulate *s = simulate_new(options, &e);
    assert_non_null(s);
    assert_int_equal(simulate_run(s, walk, w, &e), 0);
    struct buf text = BUF_INIT(1 << 20);
    simulate_truth(s, &text);
    json_t *truth = json_loads(buf_text(&text), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(truth);
    buf_release(&text);
    simulate_free(s);
    finish(w);
    return truth;
}

static void walker_free(struct walker *w)
{
    free(w->streams);
    buf_release(&w->messages);
    table_free(w->index);
    table_free(w->datagrams);
}

#define SAME(found, group, key) assert_int_equal((found), truth_number(truth, group, key))

static void compare(json_t *truth, const struct walker *w)
{
    SAME(w->packets, NULL, "packets");
    SAME(w->tcp_flows, NULL, "tcp_flows");
    SAME(table_count(w->datagrams), NULL, "udp_flows");
    SAME(w->tcp_flows + table_count(w->datagrams), NULL, "flows");
    SAME(w->retransmitted, NULL, "retransmitted");
    SAME(w->arp, "background", "arp_packets");
    SAME(w->hl7, "hl7", "messages");
    SAME(w->acks, "hl7", "ACK");
    SAME(w->oru, "hl7", "ORU^R01");
    SAME(w->oul, "hl7", "OUL^R22");
    SAME(w->obx, NULL, "obx");
    SAME(w->astm, "astm", "messages");
    SAME(w->good, "astm", "good_frames");
    SAME(w->damaged, "astm", "damaged_frames");
    SAME(w->records, "astm", "records");
    SAME(w->poct1a, "poct1a", "messages");
    SAME(w->observations, "poct1a", "observations");
    SAME(w->dicom, "dicom", "associations");
    SAME(w->obx + w->by_type['R' - 'A'] + w->observations, NULL, "results");
    json_t *by_type = json_object_get(json_object_get(truth, "astm"), "by_type");
    for (char c = 'A'; c <= 'Z'; c++) {
        char name[2] = {c, 0};
        assert_int_equal(w->by_type[c - 'A'], (uint64_t)json_integer_value(json_object_get(by_type, name)));
    }
}

static void test_counts_hold(void **state)
{
    (void)state;
    uint64_t damaged = 0, contentions = 0, swapped = 0, documents = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct walker w;
        struct simulate_options options = {.seed = seed, .seconds = 480, .analyzers = seed % 4 == 0 ? 9 : 0};
        if (seed % 5 == 0)
            memset(options.attacks + 1, 1, ATTACK_COUNT - 1);
        options.attacks[ATTACK_OVERLAP] = 0; /* the walker takes streams that hold together */
        json_t *truth = simulated(&options, &w);
        compare(truth, &w);
        assert_int_equal(truth_number(truth, NULL, "seed"), seed);
        assert_true(w.hl7 > 50 && w.astm > 10 && w.oul > 3 && w.retransmitted > 0);
        damaged += w.damaged;
        contentions += truth_number(truth, "astm", "contentions");
        swapped += truth_number(truth, "tcp", "swapped_pairs");
        documents += truth_number(truth, "hl7", "embedded_documents");
        json_decref(truth);
        walker_free(&w);
    }
    assert_true(damaged > 0 && contentions > 0 && swapped > 0 && documents > 0);
}

static uint64_t digest_of(const struct simulate_options *options)
{
    struct walker w;
    json_decref(simulated(options, &w));
    walker_free(&w);
    return w.digest;
}

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    struct simulate_options options = {.seed = 77, .seconds = 300};
    uint64_t first = digest_of(&options);
    assert_int_equal(digest_of(&options), first);
    struct simulate_options other = options;
    other.seed = 78;
    assert_int_not_equal(digest_of(&other), first);
    other = options;
    other.attacks[ATTACK_MESSAGE_HOSTILE] = 1;
    assert_int_not_equal(digest_of(&other), first);
}

static void test_every_attack_is_staged(void **state)
{
    (void)state;
    for (int kind = 1; kind < ATTACK_COUNT; kind++) {
        if (kind == ATTACK_OVERLAP) /* test_custody.c: the walker takes streams that hold together */
            continue;
        struct walker w;
        struct simulate_options options = {.seed = 500 + (uint64_t)kind, .seconds = 240};
        options.attacks[kind] = 2;
        json_t *truth = simulated(&options, &w);
        compare(truth, &w);
        json_t *attacks = json_object_get(truth, "attacks");
        assert_int_equal(json_array_size(attacks), 2);
        tq_time last = 0;
        for (size_t i = 0; i < 2; i++) {
            json_t *a = json_array_get(attacks, i);
            tq_time at = 0;
            const char *way = json_string_value(json_object_get(a, "way"));
            char name[64];
            (void)snprintf(name, sizeof name, "%s%s%s", json_string_value(json_object_get(a, "kind")), way == NULL ? "" : "/",
                           way == NULL ? "" : way);
            assert_string_equal(name, simulate_attack_name((enum simulate_attack)kind));
            assert_true(strlen(json_string_value(json_object_get(a, "message"))) > 3);
            assert_non_null(json_object_get(a, "field"));
            assert_true(time_parse(span_str(json_string_value(json_object_get(a, "time"))), &at));
            assert_true(at >= last && at <= w.last);
            last = at;
        }
        assert_int_equal(w.cut, kind == ATTACK_MESSAGE_MALFORMED ? 1 : 0);
        json_decref(truth);
        walker_free(&w);
    }
}

/* ── what the attacks did to the bytes ── */

/* The k-th message (0 …) that holds both texts; n is 0 where there is none. */
static struct span message_with(const struct walker *w, const char *a, const char *b, unsigned k)
{
    struct span left = buf_span(&w->messages);
    while (left.n > 0) {
        struct span m = span_until(&left, 0x0b, NULL);
        if (m.n > 0 && memmem(m.p, m.n, a, strlen(a)) != NULL && memmem(m.p, m.n, b, strlen(b)) != NULL && k-- == 0)
            return m;
    }
    return (struct span){0};
}

/* Field n of the first segment that begins with `start`. */
static struct span field(struct span message, const char *start, unsigned n)
{
    struct span found = {0};
    while (message.n > 0) {
        struct span segment = span_until(&message, '\r', NULL);
        if (!span_starts(segment, span_str(start)))
            continue;
        for (unsigned i = 0; i <= n; i++)
            found = span_until(&segment, '|', NULL);
        return found;
    }
    return found;
}

#define FROM_ANALYZER "MSH|^~\\&|Mindray|BS-380|LABLINK"
#define FROM_MIDDLEWARE "MSH|^~\\&|LABLINK|CORE|LIS|MAIN"
#define POTASSIUM "OBX|2|NM|K^"

static const char *text_of(json_t *attack, const char *key)
{
    const char *text = json_string_value(json_object_get(attack, key));
    return text == NULL ? "" : text;
}

/* A lab with one attack of this kind: its entry in the truth, and its messages in w. */
static json_t *staged(enum simulate_attack kind, struct walker *w, json_t **truth)
{
    struct simulate_options options = {.seed = 900 + (uint64_t)kind, .seconds = 240};
    options.attacks[kind] = 1;
    *truth = simulated(&options, w);
    json_t *a = json_array_get(json_object_get(*truth, "attacks"), 0);
    assert_non_null(a);
    return a;
}

static void test_results_are_changed(void **state)
{
    (void)state;
    for (enum simulate_attack kind = ATTACK_RESULT_ALTERED; kind <= ATTACK_RESULT_IMPLAUSIBLE; kind++) {
        struct walker w;
        json_t *truth;
        json_t *a = staged(kind, &w, &truth);
        const char *specimen = text_of(a, "specimen");
        struct span sent = message_with(&w, FROM_ANALYZER, specimen, 0), sent_again = message_with(&w, FROM_ANALYZER, specimen, 1);
        struct span arrived = message_with(&w, FROM_MIDDLEWARE, specimen, 0), arrived_again = message_with(&w, FROM_MIDDLEWARE, specimen, 1);
        struct span value = field(sent, POTASSIUM, 5), forwarded = field(arrived, POTASSIUM, 5);
        assert_true(sent.n > 0);
        assert_true(value.n > 0);
        if (kind == ATTACK_RESULT_MISSING) {
            assert_int_equal(arrived.n, 0);
        } else {
            assert_true(arrived.n > 0);
            assert_int_equal(span_equal(value, forwarded), kind != ATTACK_RESULT_ALTERED_IN_TRANSIT);
        }
        assert_int_equal(sent_again.n > 0, kind == ATTACK_RESULT_ALTERED || kind == ATTACK_RESULT_WRONG_PATIENT);
        if (kind == ATTACK_RESULT_ALTERED) {
            assert_false(span_equal(value, field(sent_again, POTASSIUM, 5)));
            assert_true(span_is(field(sent_again, POTASSIUM, 11), "F"));
        } else if (kind == ATTACK_RESULT_WRONG_PATIENT) {
            assert_true(span_equal(value, field(sent_again, POTASSIUM, 5)));
            assert_false(span_equal(field(sent, "PID|", 3), field(sent_again, "PID|", 3)));
        } else if (kind == ATTACK_RESULT_REPLAYED) {
            assert_true(arrived_again.n > 0 && span_equal(arrived, arrived_again));
        } else if (kind == ATTACK_RESULT_UNIT_CHANGED) {
            assert_true(span_is(field(sent, POTASSIUM, 6), "mg/dL"));
        } else if (kind == ATTACK_RESULT_FLAG_MISMATCH) {
            assert_true(span_is(value, "6.9") && span_is(field(sent, POTASSIUM, 8), "N"));
        } else if (kind == ATTACK_RESULT_IMPLAUSIBLE) {
            assert_true(span_is(value, "45.0") && span_is(field(sent, POTASSIUM, 8), "HH"));
        }
        json_decref(truth);
        walker_free(&w);
    }
}

static void test_senders_and_messages_are_staged(void **state)
{
    (void)state;
    struct walker w;
    json_t *truth;
    json_t *a = staged(ATTACK_SENDER_UNKNOWN, &w, &truth);
    assert_true(message_with(&w, "MSH|^~\\&|LABPRO-X|BACKROOM|LIS", text_of(a, "message"), 0).n > 0);
    json_decref(truth);
    walker_free(&w);
    a = staged(ATTACK_SENDER_SPOOFED, &w, &truth);
    assert_true(message_with(&w, FROM_MIDDLEWARE, text_of(a, "message"), 0).n > 0);
    assert_string_equal(text_of(a, "src"), "10.20.10.199");
    json_decref(truth);
    walker_free(&w);
    a = staged(ATTACK_MESSAGE_MALFORMED, &w, &truth);
    assert_true(message_with(&w, "\r|||\r", text_of(a, "message"), 0).n > 0);
    assert_int_equal(truth_number(truth, NULL, "malformed"), 1);
    json_decref(truth);
    walker_free(&w);
    a = staged(ATTACK_MESSAGE_HOSTILE, &w, &truth);
    assert_true(field(message_with(&w, FROM_ANALYZER, text_of(a, "message"), 0), "NTE|", 3).n > 10);
    json_decref(truth);
    walker_free(&w);
    staged(ATTACK_PHI_BULK_QUERY, &w, &truth);
    assert_int_equal(truth_number(truth, "hl7", "QBP^Q22"), 40);
    assert_true(message_with(&w, "RSP^K22", "PID|1||MR", 39).n > 0);
    json_decref(truth);
    walker_free(&w);
}

static void test_no_attack_unasked(void **state)
{
    (void)state;
    struct walker w;
    struct simulate_options options = {.seed = 9, .seconds = 60};
    json_t *truth = simulated(&options, &w);
    assert_null(json_object_get(truth, "attacks"));
    json_decref(truth);
    walker_free(&w);
}

static void test_options_out_of_range(void **state)
{
    (void)state;
    struct simulate_options bad[] = {
        {.seconds = 59}, {.seconds = SIMULATE_SECONDS_MAX + 1}, {.analyzers = 3}, {.analyzers = SIMULATE_ANALYZERS_MAX + 1}, {.attacks = {0, 17}}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e = {0};
        assert_null(simulate_new(&bad[i], &e));
        assert_int_equal(e.class, ERR_MISUSE);
    }
    assert_int_equal(simulate_attack_kind(SPAN_LIT("result.replayed")), ATTACK_RESULT_REPLAYED);
    assert_int_equal(simulate_attack_kind(SPAN_LIT("result.replay")), ATTACK_NONE);
    assert_int_equal(simulate_attack_kind(SPAN_LIT("result.replayed/renumbered")), ATTACK_REPLAYED_RENUMBERED);
    assert_int_equal(simulate_attack_kind(SPAN_LIT("")), ATTACK_NONE);
}

static void test_stopped_early(void **state)
{
    (void)state;
    struct error e = {0};
    struct simulate_options options = {.seed = 3};
    memset(options.attacks + 1, 1, ATTACK_COUNT - 1);
    struct simulate *s = simulate_new(&options, &e);
    tq_time at;
    struct span bytes;
    for (int i = 0; i < 40000; i++)
        assert_int_equal(simulate_next(s, &at, &bytes, &e), 1);
    simulate_free(s); /* with events, packets and samples on their way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_hold),
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_every_attack_is_staged),
        cmocka_unit_test(test_results_are_changed),
        cmocka_unit_test(test_senders_and_messages_are_staged),
        cmocka_unit_test(test_no_attack_unasked),
        cmocka_unit_test(test_options_out_of_range),
        cmocka_unit_test(test_stopped_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
