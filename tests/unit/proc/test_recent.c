/* The newest messages of links: what relay and detector both hold. */
#include "../cmocka_all.h"

#include "proc/recent.h"

static const struct hash_key key = {.k0 = 1, .k1 = 2};

static struct span number(const uint64_t *n)
{
    return span_of(n, sizeof *n);
}

static void test_whole(void **state)
{
    (void)state;
    struct recent *r = recent_new(key, 4);
    assert_non_null(r);
    recent_message(r, SPAN_LIT("a"), SPAN_LIT("message"), 2);
    assert_int_equal(recent_find(r, SPAN_LIT("a")).n, 0); /* its results are to come */
    recent_result(r, SPAN_LIT("one"), false);
    assert_int_equal(recent_find(r, SPAN_LIT("a")).n, 0);
    recent_result(r, SPAN_LIT("two"), false);
    assert_true(span_is(recent_find(r, SPAN_LIT("a")), "message"));
    recent_result(r, SPAN_LIT("one too many"), false);
    assert_int_equal(recent_find(r, SPAN_LIT("a")).n, 0);
    recent_message(r, SPAN_LIT("b"), (struct span){0}, 1);
    recent_result(r, SPAN_LIT("kept"), true);
    struct span kept = recent_find(r, SPAN_LIT("b"));
    assert_int_equal(span_be32(&kept), 4);
    assert_true(span_is(kept, "kept"));
    recent_message(r, (struct span){0}, SPAN_LIT("nobody asks for it"), 0);
    assert_int_equal(recent_find(r, (struct span){0}).n, 0);
    recent_clear(r);
    assert_int_equal(recent_find(r, SPAN_LIT("b")).n, 0);
    recent_free(r);
}

static void test_room(void **state)
{
    (void)state;
    static uint8_t large[RECENT_BYTES + 1];
    struct recent *r = recent_new(key, 4);
    for (uint64_t i = 1; i <= 9; i++)
        recent_message(r, number(&i), number(&i), 0);
    for (uint64_t i = 1; i <= 9; i++)
        assert_int_equal(recent_find(r, number(&i)).n, i > 5 ? sizeof i : 0);
    recent_message(r, SPAN_LIT("again"), SPAN_LIT("first"), 0);
    recent_message(r, SPAN_LIT("again"), SPAN_LIT("second"), 0);
    assert_true(span_is(recent_find(r, SPAN_LIT("again")), "second"));
    for (uint64_t i = 20; i < 23; i++) /* the first goes, and must not take the second with it */
        recent_message(r, number(&i), number(&i), 0);
    assert_true(span_is(recent_find(r, SPAN_LIT("again")), "second"));
    recent_message(r, SPAN_LIT("large"), SPAN_LIT("x"), 1);
    recent_result(r, span_of(large, sizeof large), true);
    assert_int_equal(recent_find(r, SPAN_LIT("large")).n, 0);
    recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole), cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
