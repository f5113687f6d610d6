#include "base/json.h"

#include "../cmocka_all.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(puts_commas_where_they_belong), cmocka_unit_test(escapes_and_mends_text)};
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
