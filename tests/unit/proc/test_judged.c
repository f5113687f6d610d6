/* Records of a relay that come again: judged once, and what was said of them said again. */
#include "../cmocka_all.h"

#include "proc/judged.h"
#include "proc/link.h"

#include <stdio.h>
#include <stdlib.h>

static const uint8_t runs[2][RUN_ID] = {{1, 2, 3, 4}, {1, 2, 3, 5}};
static struct record r;
static char said[64];

static const struct record *numbered(int run, uint64_t seq)
{
    static char text[LINK_SEQ_TEXT];
    link_seq_write(text, runs[run], seq);
    record_start(&r, EVENT_LAB_MESSAGE, 1, NULL);
    record_str(&r, KEY_LINK_SEQ, text);
    return &r;
}

static void hear(void *context, struct span encoded)
{
    size_t n = strlen(said);
    (void)context;
    (void)snprintf(said + n, sizeof said - n, "%.*s;", (int)encoded.n, (const char *)encoded.p);
}

static const char *again(const struct judged *j, int run, uint64_t seq)
{
    said[0] = 0;
    judged_again(j, numbered(run, seq), hear, NULL);
    return said;
}

static void once_each(void **state)
{
    struct judged *j = judged_new();
    (void)state;
    assert_non_null(j);
    for (uint64_t i = 1; i <= 5; i++)
        assert_true(judged_begin(j, numbered(0, i)));
    for (uint64_t i = 9; i <= 12; i++) /* 6 to 8 went another way */
        assert_true(judged_begin(j, numbered(0, i)));
    for (uint64_t i = 1; i <= 13; i++)
        assert_int_equal(judged_begin(j, numbered(0, i)), (i >= 6 && i <= 8) || i == 13);
    for (uint64_t i = 1; i <= 13; i++)
        assert_false(judged_begin(j, numbered(0, i)));
    assert_true(judged_begin(j, numbered(1, 3))); /* of another run */
    assert_false(judged_begin(j, numbered(1, 3)));
    record_start(&r, EVENT_LAB_MESSAGE, 1, NULL); /* a sensor's has no number */
    assert_true(judged_begin(j, &r));
    assert_true(judged_begin(j, &r));
    judged_free(j);
}

static void says_again(void **state)
{
    struct judged *j = judged_new();
    (void)state;
    assert_true(judged_begin(j, numbered(0, 1)));
    judged_said(j, SPAN_LIT("one"));
    judged_said(j, SPAN_LIT("two"));
    assert_true(judged_begin(j, numbered(0, 2)));
    judged_said(j, SPAN_LIT("three"));
    record_start(&r, EVENT_LAB_MESSAGE, 1, NULL);
    assert_true(judged_begin(j, &r));
    judged_said(j, SPAN_LIT("of nobody"));
    assert_false(judged_begin(j, numbered(0, 1)));
    judged_said(j, SPAN_LIT("not new"));
    assert_string_equal(again(j, 0, 1), "one;two;");
    assert_string_equal(again(j, 0, 2), "three;");
    assert_string_equal(again(j, 1, 1), "");
    assert_string_equal(again(j, 0, 3), "");
    /* what is kept has a limit: the oldest goes */
    uint8_t *large = calloc(1, JUDGED_KEPT / 4);
    assert_non_null(large);
    for (uint64_t i = 3; i < 8; i++) {
        assert_true(judged_begin(j, numbered(0, i)));
        judged_said(j, span_of(large, JUDGED_KEPT / 4));
    }
    assert_string_equal(again(j, 0, 1), "");
    assert_false(judged_begin(j, numbered(0, 1)));
    free(large);
    judged_free(j);
}

/* Many gaps: the oldest range is forgotten, the memory does not grow. */
static void gaps(void **state)
{
    struct judged *j = judged_new();
    (void)state;
    for (uint64_t i = 1; i <= 2 * JUDGED_RANGES; i++)
        assert_true(judged_begin(j, numbered(0, 2 * i)));
    assert_false(judged_begin(j, numbered(0, 4 * JUDGED_RANGES)));
    assert_true(judged_begin(j, numbered(0, 2)));
    judged_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(once_each),
        cmocka_unit_test(says_again),
        cmocka_unit_test(gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
