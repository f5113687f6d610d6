/* What the detector keeps things in: memories, results, indexes. */
#include "engine/detect/detect_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void memo_holds_what_was_learnt(void **state)
{
    (void)state;
    struct memo *m = memo_new(64, sizeof(int));
    struct hash_key key = {3, 4};
    for (int i = 0; i < 100000; i++) {
        struct hash_state g = digest_start(&key, 'x');
        hash_piece(&g, span_of(&i, sizeof i));
        bool is_new;
        *(int *)memo_put(m, digest_end(g), i, &is_new) = i;
        assert_true(is_new);
        if (i < 8)
            memo_hold(m, digest_end(g));
    }
    int count = 0;
    for (int i = 0; i < 100000; i++) {
        struct hash_state g = digest_start(&key, 'x');
        hash_piece(&g, span_of(&i, sizeof i));
        const int *value = memo_get(m, digest_end(g));
        if (i < 8)
            assert_non_null(value);
        if (value == NULL)
            continue;
        count++;
        assert_int_equal(*value, i);
        assert_ptr_equal(memo_at(m, memo_number(m, value)), value);
    }
    assert_int_equal(count, 64);
    memo_free(m);
}

static uint64_t result_number(uint64_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void results_are_kept_up_to_a_cap(void **state)
{
    (void)state;
    struct results *m = results_new(100);
    bool is_new;
    m->next = UINT32_MAX - 20000; /* numbers begin again */
    for (uint64_t i = 0; i < 50000; i++) {
        const struct seen_result r = {.key = result_number(i), .exact = (uint32_t)i, .sent = 7};
        assert_null(results_get(m, r.key));
        struct seen_result *k = results_add(m, &r, &is_new);
        assert_true(is_new);
        assert_int_equal(k->exact, i);
        assert_ptr_equal(results_get(m, r.key), k);
        assert_int_equal(results_nth(m, k, m->next - 3), 2);
    }
    size_t kept = 0;
    for (uint64_t i = 0; i < 50000; i++) {
        const struct seen_result *r = results_get(m, result_number(i));
        kept += r != NULL;
        assert_true(r == NULL || r->exact == i);
        assert_true(r != NULL || i < 50000 - 64); /* the newest are there; of the rest, whom the index had room for */
    }
    assert_in_range(kept, 110, 128);
    results_free(m);
}

static void a_result_of_the_same_message_stays(void **state)
{
    (void)state;
    struct results *m = results_new(100);
    const struct seen_result all[] = {{.key = 5, .exact = 1, .sent = 1}, {.key = 5, .exact = 2, .sent = 1}, {.key = 5, .exact = 3, .sent = 2}};
    bool is_new;
    struct seen_result *first = results_add(m, &all[0], &is_new);
    assert_ptr_equal(results_add(m, &all[1], &is_new), first);
    assert_false(is_new);
    assert_int_equal(first->exact, 1);
    assert_int_equal(results_add(m, &all[2], &is_new)->exact, 3);
    assert_true(is_new);
    assert_int_equal(results_get(m, 5)->exact, 3);
    results_free(m);
}

static void an_index_keeps_the_latest(void **state)
{
    (void)state;
    struct index x;
    assert_true(index_init(&x, 8)); /* one bucket */
    for (uint32_t i = 0; i < 100; i++)
        index_put(&x, result_number(i), i - 50);
    for (uint32_t i = 0; i < 100; i++)
        assert_true((index_get(&x, result_number(i)) != NULL) == (i >= 92));
    index_put(&x, result_number(95), 60);
    assert_int_equal(*index_get(&x, result_number(95)), 60);
    index_release(&x);
}

/* What is never needed is never touched: entries are given out in turn, and one that takes another's place takes its number. */
static void memo_gives_entries_out_in_turn(void **state)
{
    (void)state;
    struct memo *m = memo_new(64, sizeof(int));
    uint64_t numbers = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const struct digest key = {.a = i, .b = i * 5}; /* also where the part of the key that a bucket keeps is 0 */
        bool is_new;
        int *value = memo_put(m, key, i * TIME_SECOND, &is_new);
        assert_true(is_new);
        assert_int_equal(*value, 0);
        *value = 1;
        assert_true(i >= 8 || memo_number(m, value) == i);
        assert_in_range(memo_number(m, value), 0, 63);
        numbers |= UINT64_C(1) << memo_number(m, value);
        memo_use(m, memo_number(m, value), i * TIME_SECOND);
        assert_ptr_equal(memo_get(m, key), value);
        assert_null(memo_get(m, (struct digest){.a = i ^ UINT64_C(1) << 40, .b = i * 5}));
    }
    assert_true(numbers == UINT64_MAX);
    memo_free(m);
    assert_null(memo_new(65537, 1));
}

/* The results of one specimen lie in the same 4 KiB of an index, side by side, and those of many specimens everywhere. */
static void results_of_a_specimen_lie_together(void **state)
{
    (void)state;
    struct index x;
    assert_true(index_init(&x, 65536));
    size_t apart = 0;
    for (uint64_t specimen = 1; specimen <= 20; specimen++) {
        size_t page = (size_t)(index_bucket_of(&x, result_key(result_number(specimen), result_number(999), 3, 7)) - x.all) / 64;
        size_t others = 0;
        for (uint64_t test = 0; test < 200; test++) {
            uint64_t key = result_key(result_number(specimen), result_number(test), 3, 7);
            assert_int_equal((size_t)(index_bucket_of(&x, key) - x.all) / 64, page);
            others += key != result_key(result_number(specimen), result_number(test + 1), 3, 7);
        }
        assert_int_equal(others, 200);
        apart += page != (size_t)(index_bucket_of(&x, result_key(result_number(specimen + 1), 1, 3, 7)) - x.all) / 64;
    }
    assert_in_range(apart, 18, 20);
    index_release(&x);
}

static void digests_tell_pieces_apart(void **state)
{
    (void)state;
    struct hash_key key = {3, 4};
    char large[400];
    memset(large, 'a', sizeof large);
    struct digest all[4];
    const struct span pairs[4][2] = {{SPAN_LIT("ab"), SPAN_LIT("c")},
                                     {SPAN_LIT("a"), SPAN_LIT("bc")},
                                     {span_of(large, 399), span_of(large, 1)},
                                     {span_of(large, 398), span_of(large, 2)}};
    for (size_t i = 0; i < 4; i++) {
        struct hash_state g = digest_start(&key, 'x');
        for (size_t k = 0; k < 12; k++) {
            hash_piece(&g, pairs[i][0]);
            hash_piece(&g, pairs[i][1]);
        }
        all[i] = digest_end(g);
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(all[i], all[k]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memo_holds_what_was_learnt),         cmocka_unit_test(memo_gives_entries_out_in_turn),
        cmocka_unit_test(results_of_a_specimen_lie_together), cmocka_unit_test(results_are_kept_up_to_a_cap),
        cmocka_unit_test(a_result_of_the_same_message_stays), cmocka_unit_test(an_index_keeps_the_latest),
        cmocka_unit_test(digests_tell_pieces_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
