/* Reassembly against a model: whatever the order, the cuts and the repetitions, app sees every byte once, in order, the one that came first. */
#include "engine/sense/tcp_stream.h"

#include "../cmocka_all.h"

#include <stdlib.h>

/* ── a stand-in for app: keeps what it is given ── */

#define ROOM 400000

struct app_context {
    int unused;
};

struct app_flow {
    int unused;
};

static uint8_t got[2][ROOM];
static bool lost[2][ROOM];
static size_t got_n[2];
static unsigned gaps;
static unsigned conflicts;
static size_t skip_after; /* app wants no more of a direction after so many bytes; 0: wants all */
static struct app_flow some;
static unsigned underway; /* how often a beginning was told to be missing */

void app_data(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, struct span bytes, tq_time time)
{
    (void)c, (void)flow, (void)time;
    *state = &some;
    assert_true(bytes.n > 0 && got_n[direction] + bytes.n <= ROOM);
    memcpy(got[direction] + got_n[direction], bytes.p, bytes.n);
    got_n[direction] += bytes.n;
}

void app_card(struct app_flow **state, int direction, const uint8_t mac[6])
{
    (void)state;
    (void)direction;
    (void)mac;
}

void app_underway(struct app_flow **state)
{
    *state = &some;
    underway++;
}

void app_gap(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, uint64_t bytes, tq_time time)
{
    (void)c, (void)state, (void)flow, (void)time;
    assert_true(bytes > 0);
    gaps++;
    if (got_n[direction] + bytes > ROOM)
        return;
    memset(lost[direction] + got_n[direction], 1, bytes);
    memset(got[direction] + got_n[direction], 0, bytes);
    got_n[direction] += bytes;
}

void app_conflict(struct app_context *c, struct app_flow **state, const struct flow_ref *flow, int direction, struct hops hops, tq_time time)
{
    (void)c, (void)state, (void)flow, (void)direction, (void)hops, (void)time;
    conflicts++;
}

bool app_is_lab(const struct app_flow *state)
{
    (void)state;
    return false;
}

bool app_done(const struct app_flow *state, int direction)
{
    (void)state;
    return skip_after != 0 && got_n[direction] >= skip_after;
}

/* ── the bench ── */

struct lab {
    struct streams streams;
    struct sense_stats stats;
    struct flows *flows;
    struct flow *flow;
    uint32_t isn[2];
    tq_time now;
};

static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static void begin_with(struct lab *l, uint32_t isn_a, uint32_t isn_b, size_t max_flow)
{
    struct error e = {0};
    memset(l, 0, sizeof *l);
    memset(lost, 0, sizeof lost);
    got_n[0] = got_n[1] = 0;
    gaps = conflicts = 0;
    underway = 0;
    skip_after = 0;
    struct sense_limits limits = {.reassembly_flow = max_flow, .reassembly_total = max_flow * 2};
    assert_int_equal(streams_init(&l->streams, &limits, &e), 0);
    struct hash_key key = {1, 2};
    l->flows = flows_new(&key, 16);
    struct flow_key fk = {.meta = 6, .ports = 1};
    l->streams.flows = l->flows;
    l->streams.stats = &l->stats;
    l->flow = flows_add(l->flows, &fk, flows_hash(l->flows, &fk), FLOW_OPENING, 0);
    l->isn[0] = isn_a;
    l->isn[1] = isn_b;
    l->now = TIME_SECOND;
}

static void segment(struct lab *l, int direction, uint32_t seq, uint8_t flags, uint32_t ack, const void *p, size_t n, uint32_t missing)
{
    /* an exact copy on the heap, so that a sanitizer sees a byte too many */
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    assert_non_null(copy);
    if (n > 0)
        memcpy(copy, p, n);
    struct tcp t = {.seq = seq, .ack = ack, .flags = flags, .payload = span_of(copy, n)};
    assert_false(stream_reopens(l->flow, direction, &t));
    stream_segment(&l->streams, l->flow, direction, &t, missing, l->now, l->now);
    free(copy);
    assert_true(l->flow->side[0].held_bytes + l->flow->side[1].held_bytes == l->streams.held);
    assert_true(l->streams.held <= l->streams.max_total);
}

static void handshake(struct lab *l)
{
    segment(l, 0, l->isn[0], TCP_SYN, 0, NULL, 0, 0);
    segment(l, 1, l->isn[1], TCP_SYN | TCP_ACK, l->isn[0] + 1, NULL, 0, 0);
    segment(l, 0, l->isn[0] + 1, TCP_ACK, l->isn[1] + 1, NULL, 0, 0);
}

/* Bytes of direction 0 at a stream offset. */
static void data(struct lab *l, size_t offset, const void *p, size_t n)
{
    segment(l, 0, l->isn[0] + 1 + (uint32_t)offset, TCP_ACK, l->isn[1] + 1, p, n, 0);
}

static void acknowledge(struct lab *l, size_t offset)
{
    segment(l, 1, l->isn[1] + 1, TCP_ACK, l->isn[0] + 1 + (uint32_t)offset, NULL, 0, 0);
}

static void done(struct lab *l)
{
    stream_end(&l->streams, l->flow, l->now);
    assert_true(l->streams.held == 0);
    flows_remove(l->flows, l->flow);
    flows_free(l->flows);
    streams_release(&l->streams);
}

static void expect(const char *text)
{
    assert_int_equal(got_n[0], strlen(text));
    assert_memory_equal(got[0], text, strlen(text));
}

/* ── one at a time ── */

static void in_order(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 100, 900, 65536);
    handshake(&l);
    data(&l, 0, "hello ", 6);
    data(&l, 6, "world", 5);
    expect("hello world");
    assert_int_equal(l.stats.retransmitted, 0);
    done(&l);
}

static void what_begins_in_the_middle_is_told(void **state)
{
    struct lab l;
    (void)state;
    begin_with(&l, 7, 9, 1 << 16);
    handshake(&l);
    data(&l, 0, "whole", 5);
    assert_int_equal(underway, 0);
    done(&l);
    begin_with(&l, 7, 9, 1 << 16);
    data(&l, 100, "rest", 4);
    data(&l, 104, "more", 4);
    assert_int_equal(underway, 1);
    assert_memory_equal(got[0], "restmore", 8);
    done(&l);
}

static void out_of_order_and_repeated(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 0xfffffff8u, 900, 65536); /* wraps in the middle */
    handshake(&l);
    data(&l, 6, "world", 5);
    expect("");
    data(&l, 11, "!", 1);
    data(&l, 6, "world", 5); /* held already */
    assert_int_equal(l.stats.retransmitted, 1);
    data(&l, 0, "hello ", 6);
    expect("hello world!");
    data(&l, 0, "hello world!?", 13); /* old, and one more */
    expect("hello world!?");
    assert_int_equal(l.stats.retransmitted, 2);
    assert_int_equal(conflicts, 0);
    assert_int_equal(gaps, 0);
    done(&l);
}

static void a_repacked_repetition_that_overtakes_counts_once(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 0, "aa", 2);
    data(&l, 0, "aabbcc", 6);
    data(&l, 2, "bb", 2);
    data(&l, 4, "cc", 2);
    expect("aabbcc");
    assert_int_equal(l.stats.retransmitted, 1);
    data(&l, 4, "cc", 2);
    assert_int_equal(l.stats.retransmitted, 2);
    done(&l);
}

static void first_wins_and_contradiction_is_told_once(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 0, "RESULT 5.1", 10);
    data(&l, 0, "RESULT 9.9", 10);
    expect("RESULT 5.1");
    assert_int_equal(conflicts, 1);
    data(&l, 7, "8", 1); /* another alignment */
    assert_int_equal(conflicts, 1);
    assert_int_equal(l.stats.tcp_conflicts, 2);
    /* among held ones */
    data(&l, 12, "cdef", 4);
    data(&l, 11, "bCDEFg", 6);
    data(&l, 10, "a", 1);
    expect("RESULT 5.1abcdefg");
    assert_int_equal(l.stats.tcp_conflicts, 3);
    done(&l);
}

/* What is noted of a segment is all of it, however it lies in the units of the journal. */
static void a_change_of_any_byte_is_a_contradiction(void **state)
{
    (void)state;
    for (size_t n = 2; n < 90; n++) {
        struct lab l;
        uint8_t text[90];
        for (size_t i = 0; i < n; i++)
            text[i] = (uint8_t)(i * 37 + n);
        begin_with(&l, 1, 900, 65536);
        handshake(&l);
        data(&l, 0, text, n);
        data(&l, n, "behind", 6);
        data(&l, 0, text, n);
        data(&l, n, "behind", 6);
        assert_int_equal(l.stats.tcp_conflicts, 0);
        assert_int_equal(l.stats.retransmitted, 2);
        for (size_t i = 0; i < n; i++) {
            text[i] ^= 0x80;
            data(&l, 0, text, n);
            text[i] ^= 0x80;
            assert_int_equal(l.stats.tcp_conflicts, i + 1);
        }
        done(&l);
    }
}

static void keep_alives_are_neither(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 0, "abc", 3);
    acknowledge(&l, 3);
    data(&l, 2, "", 0);
    data(&l, 2, "\0", 1);
    data(&l, 2, "\xff", 1);
    expect("abc");
    assert_int_equal(l.stats.retransmitted, 0);
    assert_int_equal(conflicts, 0);
    data(&l, 2, "c", 1); /* a true repetition of one byte, as ASTM has them */
    assert_int_equal(l.stats.retransmitted, 1);
    data(&l, 3, "d", 1); /* a probe of a closed window that was let in */
    expect("abcd");
    data(&l, 3, "x", 1); /* nobody has acknowledged that byte: one of the two is forged */
    assert_int_equal(conflicts, 1);
    done(&l);
}

static void a_hole_waits_for_the_acknowledgement(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 0, "ab", 2);
    data(&l, 5, "fg", 2);
    acknowledge(&l, 2);
    l.now += 100 * TIME_SECOND; /* the receiver still waits for it: so do we */
    acknowledge(&l, 2);
    assert_int_equal(gaps, 0);
    acknowledge(&l, 7); /* it did get it: the capture lost it */
    assert_int_equal(gaps, 1);
    assert_int_equal(got_n[0], 7);
    assert_true(lost[0][2] && lost[0][4] && !lost[0][5]);
    assert_memory_equal(got[0] + 5, "fg", 2);
    done(&l);
}

static void without_acknowledgements_a_hole_ends_by_time(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    segment(&l, 0, 1, TCP_SYN, 0, NULL, 0, 0);
    data(&l, 0, "ab", 2);
    data(&l, 5, "fg", 2);
    assert_int_equal(gaps, 0);
    l.now += 11 * TIME_SECOND;
    data(&l, 7, "hi", 2);
    assert_int_equal(gaps, 1);
    assert_memory_equal(got[0] + 5, "fghi", 4);
    done(&l);
}

static void the_end_gives_what_is_held(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 3, "d", 1);
    data(&l, 7, "h", 1);
    stream_end(&l.streams, l.flow, l.now);
    assert_int_equal(got_n[0], 8);
    assert_int_equal(gaps, 2);
    done(&l);
}

static void no_room_gives_up_the_hole(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 8192);
    handshake(&l);
    uint8_t block[500];
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < 100; i++)
        data(&l, 1 + i * sizeof block, block, sizeof block);
    assert_int_equal(l.stats.tcp_gaps, 1);
    assert_int_equal(got_n[0], 1 + 100 * sizeof block);
    /* a single segment that no limit has room for */
    uint8_t *big = calloc(1, 60000);
    assert_non_null(big);
    data(&l, 60000, big, 60000);
    assert_int_equal(l.stats.tcp_gaps, 2);
    assert_int_equal(got_n[0], 120000);
    free(big);
    done(&l);
}

static void a_forged_far_segment_changes_nothing(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 0, "ab", 2);
    data(&l, 0x70000000, "EVIL", 4);
    data(&l, 0x100000, "EVIL", 4);
    for (size_t i = 0; i < 50; i++) {
        l.now += 20 * TIME_SECOND;
        data(&l, 2 + i, "c", 1);
        acknowledge(&l, 3 + i);
    }
    assert_int_equal(got_n[0], 52);
    assert_int_equal(gaps, 0);
    done(&l);
}

static void start_in_the_middle(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    segment(&l, 1, 5000, TCP_ACK, 7000, NULL, 0, 0);
    segment(&l, 0, 7000, TCP_ACK, 5000, "abc", 3, 0);
    segment(&l, 1, 5000, TCP_ACK, 7003, "xyz", 3, 0);
    segment(&l, 0, 7003, TCP_ACK, 5003, "def", 3, 0);
    expect("abcdef");
    assert_memory_equal(got[1], "xyz", 3);
    done(&l);
}

static void cut_packets_leave_a_hole(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    segment(&l, 0, 2, TCP_ACK, 901, "abc", 3, 5);
    data(&l, 8, "ijk", 3);
    assert_int_equal(gaps, 1);
    assert_int_equal(got_n[0], 11);
    assert_memory_equal(got[0] + 8, "ijk", 3);
    assert_true(lost[0][3] && lost[0][7] && !lost[0][8]);
    /* the same, out of order */
    segment(&l, 0, 2 + 13, TCP_ACK, 901, "n", 1, 1);
    data(&l, 11, "lm", 2);
    assert_int_equal(got_n[0], 15);
    assert_int_equal(gaps, 2);
    done(&l);
}

static void what_app_does_not_want_is_only_counted(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    skip_after = 3;
    data(&l, 0, "abc", 3);
    data(&l, 3, "def", 3);
    data(&l, 9, "jkl", 3);
    data(&l, 6, "ghi", 3);
    data(&l, 6, "ghi", 3);
    expect("abc");
    assert_int_equal(l.stats.retransmitted, 1);
    assert_int_equal(l.stats.tcp_gaps, 0);
    assert_true(l.flow->side[0].next == 2 + 12);
    done(&l);
}

static void ends_and_new_beginnings(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    assert_int_equal(l.flow->class, FLOW_OPEN);
    struct tcp syn = {.seq = 77777, .flags = TCP_SYN};
    struct tcp same = {.seq = 1, .flags = TCP_SYN};
    assert_false(stream_reopens(l.flow, 0, &same));
    assert_false(stream_reopens(l.flow, 0, &syn)); /* may be forged … */
    struct tcp answer = {.seq = 5, .ack = 77778, .flags = TCP_SYN | TCP_ACK};
    assert_true(stream_reopens(l.flow, 1, &answer)); /* … until the other side takes it up */
    segment(&l, 0, 2 + (1 << 25), TCP_RST, 0, NULL, 0, 0);
    assert_int_equal(l.flow->class, FLOW_OPEN); /* a RST from nowhere */
    segment(&l, 0, 2, TCP_FIN | TCP_ACK, 901, "x", 1, 0);
    assert_int_equal(l.flow->class, FLOW_OPEN);
    segment(&l, 1, 901, TCP_FIN | TCP_ACK, 4, NULL, 0, 0);
    assert_int_equal(l.flow->class, FLOW_CLOSING);
    assert_true(stream_reopens(l.flow, 0, &syn));
    expect("x");
    done(&l);
}

static void a_forged_reset_does_not_blind(void **state)
{
    (void)state;
    struct lab l;
    begin_with(&l, 1, 900, 65536);
    handshake(&l);
    data(&l, 0, "ab", 2);
    segment(&l, 0, 4, TCP_RST, 0, "go away", 7, 0);
    assert_int_equal(l.flow->class, FLOW_CLOSING);
    data(&l, 2, "cd", 2);
    assert_int_equal(l.flow->class, FLOW_OPEN);
    expect("abcd");
    done(&l);
}

/* ── at random ── */

static void shuffled_cut_and_repeated_streams_come_out_whole(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        random_state = seed;
        struct lab l;
        begin_with(&l, next_random() << 8 | 0xf0000000u, next_random(), 256 << 10);
        handshake(&l);
        size_t n = 2000 + next_random() % 20000;
        uint8_t *bytes = malloc(n);
        assert_non_null(bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)next_random();
        /* a window wanders over the stream; pieces of any cut come from it in any order; in the end everything comes once more */
        for (size_t at = 0; at < n; at += 1 + next_random() % 300) {
            size_t from = at + next_random() % 3000;
            from = from > 1500 ? from - 1500 : 0;
            if (from < n) {
                size_t size = 1 + next_random() % 800;
                data(&l, from, bytes + from, size < n - from ? size : n - from);
            }
        }
        for (size_t at = 0; at < n;) {
            size_t size = 1 + next_random() % 1460;
            size = size < n - at ? size : n - at;
            data(&l, at, bytes + at, size);
            at += size;
        }
        assert_int_equal(got_n[0], n);
        assert_memory_equal(got[0], bytes, n);
        assert_int_equal(gaps, 0);
        assert_int_equal(conflicts, 0);
        free(bytes);
        done(&l);
    }
}

static void what_came_first_wins_whatever_comes(void **state)
{
    (void)state;
    enum { N = 3000 };
    for (uint32_t seed = 1; seed <= 300; seed++) {
        random_state = seed * 77;
        struct lab l;
        begin_with(&l, next_random(), next_random(), 256 << 10);
        handshake(&l);
        uint8_t model[N];
        bool have[N] = {0};
        bool contradicted = false;
        for (int i = 0; i < 400; i++) {
            uint8_t piece[200];
            size_t at = next_random() % N;
            size_t size = 2 + next_random() % (sizeof piece - 2);
            size = size < N - at ? size : N - at;
            if (size < 2)
                continue;
            for (size_t k = 0; k < size; k++) {
                piece[k] = (uint8_t)(at + k + (next_random() % 200 == 0));
                if (have[at + k])
                    contradicted |= model[at + k] != piece[k];
                else
                    model[at + k] = piece[k];
                have[at + k] = true;
            }
            data(&l, at, piece, size);
        }
        for (size_t at = 0; at < N; at++) {
            if (!have[at]) {
                model[at] = (uint8_t)at;
                data(&l, at, &model[at], 1);
            }
        }
        assert_int_equal(got_n[0], N);
        assert_memory_equal(got[0], model, N);
        assert_int_equal(gaps, 0);
        assert_int_equal(conflicts, contradicted);
        done(&l);
    }
}

static void losses_leave_holes_of_the_right_size(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        random_state = seed * 3 + 1;
        struct lab l;
        begin_with(&l, next_random() << 8, next_random(), 256 << 10);
        handshake(&l);
        enum { N = 200, SIZE = 100 };
        bool missing[N] = {0};
        unsigned holes = 0;
        size_t end = 0;
        size_t acked = 0;
        for (size_t i = 0; i < N; i++) {
            uint8_t piece[SIZE];
            memset(piece, (int)(i + 1) & 0xff, SIZE);
            missing[i] = next_random() % 10 == 0;
            l.now += TIME_MS * 50;
            if (!missing[i]) {
                holes += i > 0 && missing[i - 1];
                data(&l, i * SIZE, piece, SIZE);
                end = (i + 1) * SIZE;
            }
            if (next_random() % 4 == 0) {
                acked = (i + 1) * SIZE;
                acknowledge(&l, acked);
            }
        }
        stream_end(&l.streams, l.flow, l.now);
        holes += acked > end; /* what was lost at the end */
        end = acked > end ? acked : end;
        assert_int_equal(got_n[0], end);
        assert_int_equal(gaps, holes);
        for (size_t i = 0; i < end; i++) {
            assert_int_equal(lost[0][i], missing[i / SIZE]);
            if (!lost[0][i])
                assert_int_equal(got[0][i], (i / SIZE + 1) & 0xff);
        }
        done(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(what_begins_in_the_middle_is_told),
        cmocka_unit_test(out_of_order_and_repeated),
        cmocka_unit_test(a_repacked_repetition_that_overtakes_counts_once),
        cmocka_unit_test(first_wins_and_contradiction_is_told_once),
        cmocka_unit_test(a_change_of_any_byte_is_a_contradiction),
        cmocka_unit_test(keep_alives_are_neither),
        cmocka_unit_test(a_hole_waits_for_the_acknowledgement),
        cmocka_unit_test(without_acknowledgements_a_hole_ends_by_time),
        cmocka_unit_test(the_end_gives_what_is_held),
        cmocka_unit_test(no_room_gives_up_the_hole),
        cmocka_unit_test(a_forged_far_segment_changes_nothing),
        cmocka_unit_test(start_in_the_middle),
        cmocka_unit_test(cut_packets_leave_a_hole),
        cmocka_unit_test(what_app_does_not_want_is_only_counted),
        cmocka_unit_test(ends_and_new_beginnings),
        cmocka_unit_test(a_forged_reset_does_not_blind),
        cmocka_unit_test(shuffled_cut_and_repeated_streams_come_out_whole),
        cmocka_unit_test(what_came_first_wins_whatever_comes),
        cmocka_unit_test(losses_leave_holes_of_the_right_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
