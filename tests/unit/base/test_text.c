#include "base/text.h"

#include "../cmocka_all.h"

static void hex_both_ways(void **state)
{
    (void)state;
    uint8_t out[3];
    assert_true(text_unhex(SPAN_LIT("00fFa9"), out, 3));
    assert_memory_equal(out, "\x00\xff\xa9", 3);
    assert_false(text_unhex(SPAN_LIT("00ff"), out, 3));
    assert_false(text_unhex(SPAN_LIT("00ffag"), out, 3));
    char text[7];
    text_hex_to(text, out, 3);
    assert_string_equal(text, "00ffa9");
}

/* RFC 4648, section 10. */
static void base64_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct buf b = BUF_INIT(64);
        text_base64(&b, span_str(vectors[i][0]));
        assert_string_equal(buf_text(&b), vectors[i][1]);
        struct buf back = BUF_INIT(64);
        assert_true(text_unbase64(span_str(vectors[i][1]), &back));
        assert_string_equal(buf_text(&back), vectors[i][0]);
        buf_release(&b);
        buf_release(&back);
    }
}

static void base64_refuses_what_is_not_exact(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "====", "Z===", "Zg==Zg==", "Zm8=Zm8=", "Zm9-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf b = BUF_INIT(64);
        assert_false(text_unbase64(span_str(bad[i]), &b));
        buf_release(&b);
    }
}

static void base64_for_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *clear, *text;
    } good[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"\xfb\xff\xfe", "-__-"}, {"foobar\xff", "Zm9vYmFy_w"}};
    static const char *const bad[] = {"Z", "Zg==", "Zg=", "Zh", "Zm9=", "Zm9v\n", "+__+", "Zm9vZ"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct buf b = BUF_INIT(64);
        struct buf back = BUF_INIT(64);
        text_base64url(&b, span_str(good[i].clear));
        assert_string_equal(buf_text(&b), good[i].text);
        assert_true(text_unbase64url(span_str(good[i].text), &back));
        assert_string_equal(buf_text(&back), good[i].clear);
        buf_release(&b);
        buf_release(&back);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct buf b = BUF_INIT(64);
        assert_false(text_unbase64url(span_str(bad[i]), &b));
        buf_release(&b);
    }
}

static void utf8_by_the_book(void **state)
{
    (void)state;
    static const char *const good[] = {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",     "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xe2\x82", "a\xffz"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(text_is_utf8(span_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_is_utf8(span_str(bad[i])));
}

/* What is written is read as one character of that length; the ends of each length. */
static void utf8_is_written(void **state)
{
    (void)state;
    static const struct {
        uint32_t c;
        const char *bytes;
    } cases[] = {{0x41, "A"},
                 {0x7f, "\x7f"},
                 {0x80, "\xc2\x80"},
                 {0x7ff, "\xdf\xbf"},
                 {0x800, "\xe0\xa0\x80"},
                 {0xffff, "\xef\xbf\xbf"},
                 {0x10000, "\xf0\x90\x80\x80"},
                 {0x10ffff, "\xf4\x8f\xbf\xbf"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[4];
        struct span s = span_of(out, text_utf8_put(out, cases[i].c));
        assert_true(span_is(s, cases[i].bytes));
        assert_int_equal(text_utf8_len(s), s.n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_written),      cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(base64_vectors),       cmocka_unit_test(base64_refuses_what_is_not_exact),
        cmocka_unit_test(base64_for_addresses), cmocka_unit_test(utf8_by_the_book),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
