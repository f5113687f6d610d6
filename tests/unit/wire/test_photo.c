/* Pictures without what they say about place and person. The files are written for these tests. */
#include "../cmocka_all.h"

#include "wire/photo.h"

#define PNG "\x89PNG\r\n\x1a\n"
#define IHDR(w, h) "\0\0\0\rIHDR\0\0" w "\0\0" h "\x08\x02\0\0\0CRC_"
#define IDAT "\0\0\0\4IDATdrawCRC_"
#define IEND "\0\0\0\0IENDCRC_"
#define TEXT_CHUNK "\0\0\0\3tEXtGPSCRC_"

#define DQT "\xff\xdb\0\5\1\2\3"
#define SOF(marker, h, w) "\xff" marker "\0\x0b\x08" h w "\1\1\x11\0"
#define SOF0 SOF("\xc0", "\0\x10", "\0\x20")
#define SCAN "\xff\xda\0\4\1\0\x12\xff\0\x34\xff\xd3\x56"
#define EXIF                                                                                                                                         \
    "\xff\xe1\0\x0e"                                                                                                                                 \
    "Exif\0\0GPS41N"
#define JFIF "\xff\xe0\0\4JF"
#define COMMENT "\xff\xfe\0\6Dana"
#define ADOBE                                                                                                                                        \
    "\xff\xee\0\x0e"                                                                                                                                 \
    "Adobe\0\x64\0\0\0\0\1"

static void gives(struct span in, struct span expected, enum photo_kind kind, uint32_t width, uint32_t height)
{
    struct buf out = BUF_INIT(4096);
    struct photo photo;
    struct error e = {0};
    if (photo_strip(in, &out, &photo, &e) != 0)
        fail_msg("%s", e.text);
    assert_int_equal(photo.kind, kind);
    assert_int_equal(photo.width, width);
    assert_int_equal(photo.height, height);
    assert_int_equal(photo.left_out, in.n - expected.n);
    assert_int_equal(out.n, expected.n);
    assert_memory_equal(out.p, expected.p, expected.n);
    buf_release(&out);
}

static void refused(struct span in, const char *why)
{
    struct buf out = BUF_INIT(4096);
    struct photo photo;
    struct error e = {0};
    assert_int_equal(photo_strip(in, &out, &photo, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    if (strstr(e.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, why);
    buf_release(&out);
}

static void a_jpeg_without_place_time_and_person(void **state)
{
    (void)state;
    gives(SPAN_LIT("\xff\xd8" JFIF EXIF COMMENT ADOBE DQT SOF0 SCAN "\xff\xd9"), SPAN_LIT("\xff\xd8" ADOBE DQT SOF0 SCAN "\xff\xd9"), PHOTO_JPEG, 32,
          16);
    /* between the scans of a progressive one, and behind its end: a second picture, an archive */
    gives(SPAN_LIT("\xff\xd8" DQT SOF("\xc2", "\1\0", "\2\0") SCAN EXIF SCAN "\xff\xd9\xff\xd8" EXIF "PK\3\4"),
          SPAN_LIT("\xff\xd8" DQT SOF("\xc2", "\1\0", "\2\0") SCAN SCAN "\xff\xd9"), PHOTO_JPEG, 512, 256);
    /* bytes that fill up before a marker */
    gives(SPAN_LIT("\xff\xd8\xff\xff\xff\xdb\0\5\1\2\3" SOF0 SCAN "\xff\xff\xd9"), SPAN_LIT("\xff\xd8" DQT SOF0 SCAN "\xff\xd9"), PHOTO_JPEG, 32, 16);
    /* what calls itself Adobe's and is longer says more than it may */
    gives(SPAN_LIT("\xff\xd8\xff\xee\0\x12"
                   "Adobe\0\x64\0\0\0\0\1Dana" SOF0 SCAN "\xff\xd9"),
          SPAN_LIT("\xff\xd8" SOF0 SCAN "\xff\xd9"), PHOTO_JPEG, 32, 16);
}

static void a_png_without_them(void **state)
{
    (void)state;
    gives(SPAN_LIT(PNG IHDR("\0\x20", "\0\x10") TEXT_CHUNK IDAT TEXT_CHUNK IDAT IEND "hung on"),
          SPAN_LIT(PNG IHDR("\0\x20", "\0\x10") IDAT IDAT IEND), PHOTO_PNG, 32, 16);
}

static void what_is_refused_says_why_and_where(void **state)
{
    (void)state;
    refused(SPAN_LIT(""), "no JPEG or PNG");
    refused(SPAN_LIT("GIF89a..............."), "no JPEG or PNG");
    refused(SPAN_LIT("<svg onload=alert(1)>"), "no JPEG or PNG");
    refused(SPAN_LIT("\0\0\0\x18"
                     "ftypheic\0\0\0\0mif1heic"),
            "HEIC");
    refused(SPAN_LIT("\xff\xd8\xff"), "ends too early");
    refused(SPAN_LIT("\xff\xd8" SOF0 "\xff\xd9"), "no picture in it (byte 17)");
    refused(SPAN_LIT("\xff\xd8" SCAN "\xff\xd9"), "no frame");
    refused(SPAN_LIT("\xff\xd8" SOF0 SOF0 SCAN "\xff\xd9"), "two frames");
    refused(SPAN_LIT("\xff\xd8" SOF0 SCAN), "ends too early");
    refused(SPAN_LIT("\xff\xd8" SOF0 "\xff\xe1\xff\xff"
                     "cut"),
            "cut");
    refused(SPAN_LIT("\xff\xd8" SOF0 "\xff\xe1\0\1"
                     "cut"),
            "cut");
    refused(SPAN_LIT("\xff\xd8" SOF("\xc9", "\0\x10", "\0\x10") SCAN "\xff\xd9"), "this kind of JPEG");
    refused(SPAN_LIT("\xff\xd8" SOF("\xc0", "\0\0", "\0\x10") SCAN "\xff\xd9"), "no size");
    refused(SPAN_LIT("\xff\xd8" SOF("\xc0", "\xff\xff", "\xff\xff") SCAN "\xff\xd9"), "50 million");
    refused(SPAN_LIT(PNG), "ends too early");
    refused(SPAN_LIT(PNG IHDR("\xff\xff", "\xff\xff") IDAT IEND), "50 million");
    refused(SPAN_LIT(PNG IDAT IEND), "not where it belongs");
    refused(SPAN_LIT(PNG IHDR("\0\1", "\0\1") IHDR("\0\1", "\0\1") IDAT IEND), "not where it belongs");
    refused(SPAN_LIT(PNG IHDR("\0\1", "\0\1") IEND), "no picture");
    refused(SPAN_LIT(PNG IHDR("\0\1", "\0\1") IDAT), "ends too early");
    refused(SPAN_LIT(PNG IHDR("\0\1", "\0\1") "\xff\xff\xff\xffIDATdraw"), "cut");
}

/* A file that ends anywhere is refused, and read no further than it goes. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const struct {
        const char *p;
        size_t n;
    } whole[] = {{PNG IHDR("\0\x20", "\0\x10") IDAT IEND, sizeof PNG IHDR("\0\x20", "\0\x10") IDAT IEND - 1},
                 {"\xff\xd8" JFIF DQT SOF0 SCAN "\xff\xd9", sizeof "\xff\xd8" JFIF DQT SOF0 SCAN "\xff\xd9" - 1}};
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 0; n < whole[i].n; n++) {
            uint8_t *copy = malloc(n + 1);
            struct buf out = BUF_INIT(4096);
            struct photo photo;
            struct error e = {0};
            assert_non_null(copy);
            memcpy(copy, whole[i].p, n);
            if (photo_strip(span_of(copy, n), &out, &photo, &e) == 0)
                fail_msg("the first %zu bytes of file %zu were taken", n, i);
            buf_release(&out);
            free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_jpeg_without_place_time_and_person),
        cmocka_unit_test(a_png_without_them),
        cmocka_unit_test(what_is_refused_says_why_and_where),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
