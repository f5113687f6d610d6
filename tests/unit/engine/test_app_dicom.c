/* DICOM associations: who calls whom, what became of it, the software that both sides name; in pieces of every length, with holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app_collect.h"

/* An association request (type 1) or acceptance (2) whose user information holds a maximum length and a version name. */
static void association(struct buf *out, uint8_t type, const char *version)
{
    size_t n = strlen(version);
    buf_u8(out, type);
    buf_u8(out, 0);
    buf_be32(out, (uint32_t)(68 + 25 + 4 + 8 + 4 + n));
    buf_be32(out, 0x00010000);
    buf_add_str(out, "ARCHIVE         MODALITY-1      ");
    for (int i = 0; i < 32; i++)
        buf_u8(out, 0);
    buf_add(out,
            "\x10\x00\x00\x15"
            "1.2.840.10008.3.1.1.1",
            25);
    buf_be16(out, 0x5000);
    buf_be16(out, (uint16_t)(8 + 4 + n));
    buf_add(out, "\x51\x00\x00\x04\x00\x00\x40\x00", 8);
    buf_be16(out, 0x5500);
    buf_be16(out, (uint16_t)n);
    buf_add_str(out, version);
}

static void both_sides(void **state)
{
    (void)state;
    struct collect k;
    struct buf ask = BUF_INIT(4096);
    struct buf answer = BUF_INIT(4096);
    association(&ask, 1, "ACME_RIS_31");
    association(&answer, 2, "PACS_7");
    collect_open(&k, 0, true);
    for (int again = 0; again < 2; again++) {
        collect_data(&k, 0, buf_span(&ask));
        collect_data(&k, 1, buf_span(&answer));
        collect_end_flow(&k);
    }
    assert_string_equal(buf_text(&k.lines), "asset.evidence; ip=10.0.0.1; software=ACME_RIS_31; source=dicom\n"
                                            "asset.evidence; ip=10.0.0.2; software=PACS_7; source=dicom\n"
                                            "dicom.association; calling=MODALITY-1; called=ARCHIVE; result=accepted\n"
                                            "dicom.association; calling=MODALITY-1; called=ARCHIVE; result=accepted\n");
    assert_int_equal(k.stats.dicom_associations, 2);
    collect_close(&k);
    buf_release(&ask);
    buf_release(&answer);
}

/* The lines of a conversation whose pieces are `step` bytes; lost: a hole behind so many bytes of the request. */
static void talk(struct buf *lines, struct span ask, struct span answer, size_t step, size_t lost)
{
    struct collect k;
    collect_open(&k, 0, true);
    struct span rest = span_of(ask.p, lost > 0 ? lost : ask.n);
    while (rest.n > 0)
        collect_data(&k, 0, span_take(&rest, rest.n < step ? rest.n : step));
    if (lost > 0)
        app_gap(k.c, &k.flow, &k.ref, 0, ask.n - lost, 1000);
    while (answer.n > 0)
        collect_data(&k, 1, span_take(&answer, answer.n < step ? answer.n : step));
    collect_end_flow(&k);
    buf_clear(lines);
    buf_addf(lines, "%llu ", (unsigned long long)k.stats.dicom_associations);
    buf_add_span(lines, buf_span(&k.lines));
    collect_close(&k);
}

static void cut_anywhere(void **state)
{
    (void)state;
    static const char want[] = "1 asset.evidence; ip=10.0.0.1; software=ACME_RIS_31; source=dicom\n"
                               "asset.evidence; ip=10.0.0.2; software=PACS_7; source=dicom\n"
                               "dicom.association; calling=MODALITY-1; called=ARCHIVE; result=accepted\n";
    struct buf ask = BUF_INIT(4096);
    struct buf answer = BUF_INIT(4096);
    struct buf lines = BUF_INIT(4096);
    association(&ask, 1, "ACME_RIS_31");
    association(&answer, 2, "PACS_7");
    for (size_t step = 1; step <= ask.n; step++) {
        talk(&lines, buf_span(&ask), buf_span(&answer), step, 0);
        assert_string_equal(buf_text(&lines), want);
        talk(&lines, buf_span(&ask), SPAN_LIT("\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07"), step, 0);
        assert_non_null(strstr(buf_text(&lines), "calling=MODALITY-1; called=ARCHIVE; result=rejected\n"));
        talk(&lines, buf_span(&ask), SPAN_LIT("\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"), step, 0);
        assert_non_null(strstr(buf_text(&lines), "result=aborted\n"));
    }
    for (size_t lost = 1; lost < ask.n; lost++) { /* what is read is told, the rest is not guessed */
        talk(&lines, buf_span(&ask), buf_span(&answer), 4096, lost);
        if (lost < 42)
            assert_true(buf_text(&lines)[0] == '0');
        else
            assert_non_null(strstr(buf_text(&lines), "calling=MODALITY-1; called=ARCHIVE; result=accepted\n"));
        assert_true((strstr(buf_text(&lines), "ACME_RIS_31") != NULL) == false);
    }
    talk(&lines, buf_span(&ask), span_of(answer.p, 60), 7, 0); /* the answer is cut off: it was one */
    assert_non_null(strstr(buf_text(&lines), "result=accepted\n"));
    talk(&lines, buf_span(&ask), SPAN_LIT(""), 7, 0);
    assert_non_null(strstr(buf_text(&lines), "result=not answered\n"));
    buf_release(&ask);
    buf_release(&answer);
    buf_release(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_sides), cmocka_unit_test(cut_anywhere)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
