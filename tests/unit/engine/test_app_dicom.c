/* DICOM associations: the software that both sides name, each told once. */
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
    for (size_t n = 42; n < ask.n; n++) { /* cut anywhere: nothing, or the whole name */
        collect_open(&k, 0, true);
        collect_data(&k, 0, span_of(ask.p, n));
        assert_int_equal(k.lines.n, 0);
        collect_end_flow(&k);
        collect_close(&k);
    }
    buf_release(&ask);
    buf_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_sides)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
