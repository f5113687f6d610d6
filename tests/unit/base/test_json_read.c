#include "base/json_read.h"

#include "../cmocka_all.h"

static bool holds(const char *text)
{
    struct jsonr walk = jsonr_object(span_str(text));
    struct span name, value;
    while (jsonr_member(&walk, &name, &value))
        continue;
    return jsonr_ended(&walk);
}

static void walks_over_members_and_items(void **state)
{
    (void)state;
    struct jsonr walk = jsonr_object(SPAN_LIT(" {\"a\" : 1, \"b\":[true, \"x,]\" ,{}] ,\"c\":{\"d\":null}} "));
    struct span name, value, item;
    assert_true(jsonr_member(&walk, &name, &value) && span_is(name, "a") && span_is(value, "1"));
    assert_true(jsonr_member(&walk, &name, &value) && span_is(name, "b"));
    struct jsonr list = jsonr_list(value);
    assert_true(jsonr_item(&list, &item) && span_is(item, "true"));
    assert_true(jsonr_item(&list, &item) && span_is(item, "\"x,]\""));
    assert_true(jsonr_item(&list, &item) && span_is(item, "{}"));
    assert_false(jsonr_item(&list, &item));
    assert_true(jsonr_ended(&list));
    assert_true(jsonr_member(&walk, &name, &value) && span_is(name, "c") && span_is(value, "{\"d\":null}"));
    assert_false(jsonr_ended(&walk));
    assert_false(jsonr_member(&walk, &name, &value));
    assert_true(jsonr_ended(&walk));
    struct jsonr none = jsonr_list(SPAN_LIT("\"text\""));
    assert_false(jsonr_item(&none, &item) || jsonr_ended(&none));
}

static void takes_nothing_that_is_not_well_formed(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}", " { } ", "{\"a\":[]}", "{\"a\":-0.5e+3}", "{\"a\":\"\\ud83d\\ude00\\u0000\"}", "{\"a\":9223372036854775807}", "{\"a\":1,\"a\":2}"};
    static const char *const bad[] = {"",
                                      "{",
                                      "{}x",
                                      "[]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1 \"b\":2}",
                                      "{a:1}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":+1}",
                                      "{\"a\":- 1}",
                                      "{\"a\":9223372036854775808}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"x}",
                                      "{\"a\":\"\t\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\ud83d\"}",
                                      "{\"a\":\"\\ude00\"}",
                                      "{\"a\":\"\\u12\"}",
                                      "{\"a\":\"\xc3\"}",
                                      "{\"a\":\"\xc0\x80\"}",
                                      "{\"\\u0000\":1}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1 2]}",
                                      "{\"a\":[1}"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(holds(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(holds(bad[i]));
    char deep[2 * JSONR_DEPTH + 16] = "{\"a\":";
    for (size_t depth = JSONR_DEPTH - 1; depth <= JSONR_DEPTH; depth++) {
        memset(deep + 5, '[', depth);
        memset(deep + 5 + depth, ']', depth);
        memcpy(deep + 5 + 2 * depth, "}", 2);
        assert_int_equal(holds(deep), depth < JSONR_DEPTH);
    }
}

static void says_what_a_value_means(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(64);
    struct span quoted;
    int64_t n;
    assert_true(jsonr_quoted(SPAN_LIT("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00z\""), &quoted));
    assert_false(jsonr_is_plain(quoted));
    jsonr_unescape(quoted, &out);
    assert_string_equal(buf_text(&out), "a\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80z");
    assert_false(jsonr_quoted(SPAN_LIT("\""), &quoted) || jsonr_quoted(SPAN_LIT("12"), &quoted));
    assert_true(jsonr_int(SPAN_LIT("-9223372036854775808"), &n) && n == INT64_MIN);
    assert_false(jsonr_int(SPAN_LIT("9223372036854775808"), &n) || jsonr_int(SPAN_LIT("-"), &n) || jsonr_int(SPAN_LIT("1.5"), &n));
    buf_clear(&out);
    jsonr_compact(SPAN_LIT("{ \"a b\" : [ 1 , \"\\\" \" ] }"), &out);
    assert_string_equal(buf_text(&out), "{\"a b\":[1,\"\\\" \"]}");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_over_members_and_items),
        cmocka_unit_test(takes_nothing_that_is_not_well_formed),
        cmocka_unit_test(says_what_a_value_means),
    };
    return cmocka_run_group_tests_name("json_read", tests, NULL, NULL);
}
