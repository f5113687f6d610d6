/* charset: every code of every set against iconv of the C library, where that is there; switches; what is not of the set; sizes. */
#include "wire/charset.h"

#include "base/text.h"

#include "../cmocka_all.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads `in` whole, with room for `room` bytes at a time. */
static struct span read_all(struct charset_reader *r, struct span in, size_t room, uint8_t *out, size_t size)
{
    size_t n = 0;
    while (in.n > 0) {
        size_t before = in.n;
        assert_true(n + room <= size);
        n += charset_read(r, &in, out + n, room);
        assert_true(in.n < before);
    }
    return span_of(out, n);
}

static void gives(enum charset base, bool switches, struct span in, const char *want)
{
    for (size_t room = 8; room < 64; room += 13) {
        uint8_t out[2048];
        struct charset_reader r = {.base = base, .switches = switches, .escape = '\\'};
        struct span got = read_all(&r, in, room, out, sizeof out);
        if (!span_is(got, want))
            fail_msg("\"%.*s\" is not \"%s\"", (int)got.n, (const char *)got.p, want);
    }
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum charset set;
    } known[] = {{"ASCII", CHARSET_ASCII},         {"8859/1", CHARSET_8859_1},         {"8859/15", CHARSET_8859_15},
                 {"8859/16", CHARSET_8859_16},     {"ISO-8859-2", CHARSET_8859_2},     {"UNICODE UTF-8", CHARSET_UTF8},
                 {"utf-8", CHARSET_UTF8},          {"UNICODE", CHARSET_UTF8},          {"ISO IR87", CHARSET_ISO_2022},
                 {"ISO IR159", CHARSET_ISO_2022},  {"GB 18030-2000", CHARSET_GB18030}, {"KS X 1001", CHARSET_KS_X_1001},
                 {"BIG-5", CHARSET_BIG5},          {"ISO IR14", CHARSET_JIS_X_0201},   {"windows-1252", CHARSET_WINDOWS_1252},
                 {"cp1258", CHARSET_WINDOWS_1258}, {"Shift_JIS", CHARSET_SHIFT_JIS},   {"UTF-16LE", CHARSET_UTF16LE}};
    enum charset set;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(charset_named(span_str(known[i].name), &set));
        assert_int_equal(set, known[i].set);
    }
    static const char *const unknown[] = {"",      "CNS 11643-1992", "8859/12", "8859/0", "8859/17",
                                          "8859/", "cp1249",         "cp1259",  "EBCDIC", "UNICODE UTF-8 with much behind it"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_false(charset_named(span_str(unknown[i]), &set));
        assert_int_equal(set, CHARSET_NONE);
    }
}

static void looks(void **state)
{
    (void)state;
    uint8_t text[200];
    memset(text, 'x', sizeof text);
    for (size_t at = 0; at < 90; at++) { /* wherever the byte lies among those looked at together */
        assert_int_equal(charset_look(span_of(text, 100)), CHARSET_LOOKS_ASCII);
        memcpy(text + at, "\xc3\xa9", 2);
        assert_int_equal(charset_look(span_of(text, 100)), CHARSET_LOOKS_UTF8);
        text[at + 1] = 'y';
        assert_int_equal(charset_look(span_of(text, 100)), CHARSET_LOOKS_OTHER);
        text[at] = text[at + 1] = 'x';
    }
    assert_int_equal(charset_look((struct span){0}), CHARSET_LOOKS_ASCII);
    assert_int_equal(charset_by_start(SPAN_LIT("MSH|")), CHARSET_NONE);
    assert_int_equal(charset_by_start(SPAN_LIT("M\0S\0H\0")), CHARSET_UTF16LE);
    assert_int_equal(charset_by_start(SPAN_LIT("\xfe\xff\0M")), CHARSET_UTF16BE);
    assert_int_equal(charset_by_start(SPAN_LIT("\xff\xfe\0\0")), CHARSET_UTF32LE);
    assert_int_equal(charset_by_start(SPAN_LIT("\xef\xbb\xbfMSH|")), CHARSET_UTF8);
}

/* One person, in the set that each sender uses: the same text comes out. */
static void one_name(void **state)
{
    (void)state;
    gives(CHARSET_8859_1, false, SPAN_LIT("M\xfcller^J\xf6rg"), "Müller^Jörg");
    gives(CHARSET_UTF8, false, SPAN_LIT("Müller^Jörg"), "Müller^Jörg");
    gives(CHARSET_NONE, false, SPAN_LIT("M\xfcller^Jörg"), "Müller^Jörg");
    gives(CHARSET_UTF16LE, false, SPAN_LIT("\xff\xfeM\0\xfc\0l\0l\0e\0r\0"), "Müller");
    gives(CHARSET_UTF16BE, false, SPAN_LIT("\0M\0\xfc\xd8\x3d\xde\x00\0r"), "Mü😀r");
    gives(CHARSET_UTF32BE, false, SPAN_LIT("\0\0\0M\0\0\0\xfc\0\1\xf6\0"), "Mü😀");
    gives(CHARSET_8859_5, false, SPAN_LIT("\xb8\xd2\xd0\xdd\xde\xd2"), "Иванов");
    gives(CHARSET_WINDOWS_1251, false, SPAN_LIT("\xc8\xe2\xe0\xed\xee\xe2"), "Иванов");
    gives(CHARSET_GB18030, false, SPAN_LIT("\xd0\xa1\xc3\xf7|\x81\x30\x81\x30|\x90\x30\x81\x30"), "小明|\xc2\x80|\xf0\x90\x80\x80");
    gives(CHARSET_BIG5, false, SPAN_LIT("\xa4\x70\xa9\xfa"), "小明");
    gives(CHARSET_KS_X_1001, false, SPAN_LIT("\xb1\xe8"), "김");
    gives(CHARSET_SHIFT_JIS, false, SPAN_LIT("\x8e\x52\x93\x63^\xd4\xcf\xc0\xde"), "山田^ﾔﾏﾀﾞ");
    gives(CHARSET_ASCII, true, SPAN_LIT("\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"), "山田^太郎");
    gives(CHARSET_ASCII, true, SPAN_LIT("\\M2442\\;3ED\\C2842\\^x"), "山田^x");
    gives(CHARSET_ASCII, true, SPAN_LIT("\\C2D42\\\xa1\\C2D47\\\xc7\\C2842\\x"), "Ąاx");
    gives(CHARSET_JIS_X_0201, false, SPAN_LIT("\xd4\xcf\xc0\xde"), "ﾔﾏﾀﾞ");
}

/* The bytes of delimiters in the middle of a character are no delimiters. */
static void delimiters_inside(void **state)
{
    (void)state;
    gives(CHARSET_GB18030, false, SPAN_LIT("\x81\x7c|\x81\x5e^"), "亅|乛^");
    gives(CHARSET_ASCII, true, SPAN_LIT("\x1b$B\x30\x7c\x35\x5e\x1b(B|"), "淫急|");
}

static void strays(void **state)
{
    (void)state;
    gives(CHARSET_ASCII, false, SPAN_LIT("\xff\xc3\xa9"), "ÿé");
    gives(CHARSET_UTF8, false, SPAN_LIT("a\xc3"), "aÃ");
    gives(CHARSET_8859_3, false, SPAN_LIT("\xa5"), "¥");
    gives(CHARSET_GB18030, false, SPAN_LIT("\x81\x7f|\xff"), "\xc2\x81\x7f|ÿ");
    gives(CHARSET_UTF16LE, false,
          SPAN_LIT("a\0\0\xd8"
                   "b\0x"),
          "a\xef\xbf\xbd"
          "b\xef\xbf\xbd");
    /* not switched back: the delimiter counts, and the end of the segment sets all back */
    gives(CHARSET_ASCII, true, SPAN_LIT("\x1b$B;3|x\x1b$BED\rPID"), "山|x田\rPID");
    gives(CHARSET_ASCII, true, SPAN_LIT("\x1b[31m\\C4141\\\\M24\\\\C28"), "\x1b[31m\\C4141\\\\M24\\\\C28");
    gives(CHARSET_ASCII, false, SPAN_LIT("\x1b$B;3\\C2842\\"), "\x1b$B;3\\C2842\\"); /* none declared: nothing is obeyed */
    struct charset_reader r = {.base = CHARSET_ASCII};
    uint8_t out[64];
    (void)read_all(&r, SPAN_LIT("x\xe9"), 64, out, sizeof out);
    assert_true(r.latin1 && !r.utf8 && !r.lost);
    r = (struct charset_reader){.base = CHARSET_GB18030};
    (void)read_all(&r, SPAN_LIT("\xf0\x9f\x98\x80"), 64, out, sizeof out);
    assert_false(r.latin1);
}

/* What iconv makes of these bytes: bytes of UTF-8, 0: nothing. */
static size_t by_iconv(iconv_t cd, const uint8_t *in, size_t n, uint8_t out[16])
{
    char copy[8];
    memcpy(copy, in, n);
    char *from = copy;
    char *to = (char *)out;
    size_t room = 16;
    (void)iconv(cd, NULL, NULL, NULL, NULL);
    if (iconv(cd, &from, &n, &to, &room) == (size_t)-1 || iconv(cd, NULL, NULL, &to, &room) == (size_t)-1)
        return 0;
    return 16 - room;
}

/* All codes of one or two bytes, the first ≥ 0x80. Returns how many differ. */
static unsigned compare(enum charset set, const char *name, bool pairs)
{
    iconv_t cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1) {
        print_message("# iconv has no %s: not compared\n", name);
        return 0;
    }
    unsigned differ = 0;
    for (unsigned a = 0x80; a < 0x100; a++) {
        for (unsigned b = pairs ? 0x40 : 0x100; b < 0x101; b++) {
            uint8_t in[2] = {(uint8_t)a, (uint8_t)b};
            size_t n = b < 0x100 ? 2 : 1;
            uint8_t want[16];
            uint8_t out[32];
            struct charset_reader r = {.base = set};
            struct span rest = span_of(in, n);
            size_t want_n = by_iconv(cd, in, n, want);
            struct span got = span_of(out, charset_read(&r, &rest, out, sizeof out));
            bool have = !r.latin1 && !r.utf8;
            if (n == 2 && (want_n == 0 || text_utf8_len(span_of(want, want_n)) != want_n))
                continue; /* not one character to iconv: two, or a wider set than ours */
            if (have != (want_n > 0) || (have && !span_equal(got, span_of(want, want_n))))
                differ++;
        }
    }
    (void)iconv_close(cd);
    return differ;
}

static void against_iconv(void **state)
{
    (void)state;
    static const unsigned parts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char name[32];
        enum charset set;
        (void)snprintf(name, sizeof name, parts[i] < 1000 ? "ISO-8859-%u" : "CP%u", parts[i]);
        assert_true(charset_named(span_str(name), &set));
        assert_int_equal(compare(set, name, false), 0);
    }
    assert_int_equal(compare(CHARSET_SHIFT_JIS, "SHIFT_JIS", true), 0);
    /* editions of these differ: characters added later, or moved out of the private area; what the makers of Big5 systems added */
    assert_in_range(compare(CHARSET_GB18030, "GB18030", true), 0, 40);
    assert_in_range(compare(CHARSET_KS_X_1001, "EUC-KR", true), 0, 40);
    assert_in_range(compare(CHARSET_BIG5, "BIG5", true), 0, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),  cmocka_unit_test(looks),         cmocka_unit_test(one_name), cmocka_unit_test(delimiters_inside),
        cmocka_unit_test(strays), cmocka_unit_test(against_iconv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
