#include "base/json.h"

#include "../cmocka_all.h"

#include <stdio.h>

static void puts_commas_where_they_belong(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    struct jsonw j = jsonw_to(&b);
    jsonw_object(&j);
    jsonw_put_int(&j, "a", -5);
    jsonw_key(&j, "b");
    jsonw_array(&j);
    jsonw_uint(&j, 18446744073709551615u);
    jsonw_null(&j);
    jsonw_object(&j);
    jsonw_object_end(&j);
    jsonw_array_end(&j);
    jsonw_put_bool(&j, "c", false);
    jsonw_key(&j, "d");
    jsonw_real(&j, 1.25, 2);
    jsonw_key(&j, "e");
    jsonw_real(&j, 0.0 / 0.0, 2);
    jsonw_put_int(&j, "f", INT64_MIN);
    jsonw_object_end(&j);
    assert_string_equal(buf_text(&b), "{\"a\":-5,\"b\":[18446744073709551615,null,{}],\"c\":false,\"d\":1.25,\"e\":null,\"f\":-9223372036854775808}");
    buf_release(&b);
}

static void escapes_and_mends_text(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    struct jsonw j = jsonw_to(&b);
    jsonw_text(&j, span_of("q\"\\\n\t\x01\x7fM\xfcller \xc3\xa4", 16));
    assert_string_equal(buf_text(&b), "\"q\\\"\\\\\\n\\t\\u0001\\u007fM\xc3\xbcller \xc3\xa4\"");
    buf_release(&b);
}

/* Texts of every length around a word, each byte of them in turn one that does not stand for itself; into much room, and into none too much. */
static void writes_texts_of_any_length(void **state)
{
    (void)state;
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    for (size_t n = 0; n < sizeof plain; n++)
        for (size_t at = 0; at <= n; at++)
            for (size_t room = 0; room < 2; room++) {
                char text[sizeof plain];
                char want[sizeof plain + 4];
                memcpy(text, plain, n);
                if (at < n)
                    text[at] = '"';
                int length = at < n ? snprintf(want, sizeof want, "\"%.*s\\\"%.*s\"", (int)at, plain, (int)(n - at - 1), plain + at + 1)
                                    : snprintf(want, sizeof want, "\"%.*s\"", (int)n, plain);
                struct buf b = BUF_INIT(room == 0 ? (size_t)length + 1 : 4096);
                struct jsonw j = jsonw_to(&b);
                jsonw_text(&j, span_of(text, n));
                assert_true(buf_ok(&b));
                assert_int_equal(b.n, length);
                assert_memory_equal(b.p, want, b.n);
                buf_release(&b);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(puts_commas_where_they_belong), cmocka_unit_test(escapes_and_mends_text),
                                       cmocka_unit_test(writes_texts_of_any_length)};
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
