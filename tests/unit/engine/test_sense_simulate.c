/* sense reads from a simulated lab exactly what was put into it. 10 seeds; 50 with TOURNIQUET_LONG=1. */
#include "engine/sense/sense.h"
#include "engine/simulate/simulate.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct types {
    json_t *hl7;
    uint64_t total;
};

static bool feed(void *context, tq_time time, struct span bytes)
{
    sense_packet(context, time, 1, bytes, (uint32_t)bytes.n);
    return true;
}

static json_int_t number(json_t *truth, const char *group, const char *key)
{
    return json_integer_value(json_object_get(group == NULL ? truth : json_object_get(truth, group), key));
}

static void check_type(void *context, const char *type, uint64_t count)
{
    struct types *t = context;
    if (json_integer_value(json_object_get(t->hl7, type)) != (json_int_t)count)
        fail_msg("%s: sense counts %llu, the truth says %lld", type, (unsigned long long)count,
                 (long long)json_integer_value(json_object_get(t->hl7, type)));
    t->total += count;
}

static void compare(struct sense *sense, json_t *truth)
{
    const struct sense_stats *s = sense_stats(sense);
    assert_int_equal(s->packets, number(truth, NULL, "packets"));
    assert_int_equal(s->bytes, number(truth, NULL, "frame_bytes"));
    assert_int_equal(s->flows, number(truth, NULL, "flows"));
    assert_int_equal(s->tcp_flows, number(truth, NULL, "tcp_flows"));
    assert_int_equal(s->udp_flows, number(truth, NULL, "udp_flows"));
    assert_int_equal(s->retransmitted, number(truth, NULL, "retransmitted"));
    assert_int_equal(s->tcp_gaps, 0);
    assert_int_equal(s->tcp_conflicts, 0);
    assert_int_equal(s->damaged_packets, 0);
    assert_int_equal(s->hl7_messages, number(truth, "hl7", "messages"));
    assert_int_equal(s->astm_messages, number(truth, "astm", "messages"));
    assert_int_equal(s->astm_good_frames, number(truth, "astm", "good_frames"));
    assert_int_equal(s->astm_damaged_frames, number(truth, "astm", "damaged_frames"));
    assert_int_equal(s->poct1a_messages, number(truth, "poct1a", "messages"));
    assert_int_equal(s->dicom_associations, number(truth, "dicom", "associations"));
    assert_int_equal(s->results, number(truth, NULL, "results"));
    assert_int_equal(s->malformed, number(truth, NULL, "malformed"));
    json_t *by_type = json_object_get(json_object_get(truth, "astm"), "by_type");
    for (char c = 'A'; c <= 'Z'; c++) {
        char name[2] = {c, 0};
        assert_int_equal(s->astm_records[c - 'A'], json_integer_value(json_object_get(by_type, name)));
    }
    struct types types = {.hl7 = json_object_get(truth, "hl7")};
    sense_hl7_types(sense, check_type, &types);
    assert_int_equal(types.total, s->hl7_messages);
}

static void run_lab(const struct simulate_options *lab)
{
    struct error e = {0};
    struct sense_options options = {.hash_key = {lab->seed, 5}};
    struct simulate *s = simulate_new(lab, &e);
    struct sense *sense = sense_new(&options, &e);
    assert_non_null(s);
    assert_non_null(sense);
    assert_int_equal(simulate_run(s, feed, sense, &e), 0);
    sense_finish(sense);
    struct buf text = BUF_INIT(1 << 20);
    simulate_truth(s, &text);
    json_t *truth = json_loads(buf_text(&text), 0, NULL);
    assert_non_null(truth);
    compare(sense, truth);
    json_decref(truth);
    buf_release(&text);
    sense_free(sense);
    simulate_free(s);
}

static void test_sense_finds_the_truth(void **state)
{
    (void)state;
    const char *want = getenv("TOURNIQUET_LONG");
    uint64_t seeds = want != NULL && strcmp(want, "1") == 0 ? 50 : 10;
    for (uint64_t seed = 1001; seed < 1001 + seeds; seed++) {
        struct simulate_options lab = {.seed = seed,
                                       .seconds = 300 + (int64_t)(seed % 3) * 400,
                                       .analyzers = seed % 4 == 1    ? 10
                                                    : seed % 20 == 3 ? 60
                                                                     : 0};
        if (seed % 2 == 0)
            memset(lab.attacks + 1, 1 + seed % 4 / 2, ATTACK_COUNT - 1);
        lab.attacks[ATTACK_OVERLAP] = 0; /* a stream that contradicts itself is told, but not counted in the truth */
        run_lab(&lab);
    }
}

/* A day of hours: lasting connections, leases renewed, ports that come round again. */
static void test_a_long_day(void **state)
{
    (void)state;
    struct simulate_options lab = {.seed = 4242, .seconds = 6 * 3600};
    run_lab(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sense_finds_the_truth), cmocka_unit_test(test_a_long_day)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
