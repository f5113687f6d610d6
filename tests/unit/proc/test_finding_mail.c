/* The mail that tells new findings: what it says, in both languages, and what it does not. */
#include "../cmocka_all.h"

#include "proc/finding_mail.h"

#include "base/text.h"
#include "proc/reminder.h"

#include <string.h>

/* The rest of finding_mail.c sends by this; process_finding_mail tests it with a real server. */
int reminder_send(struct reminder *m, struct span letter, const char *from, const char *to, char why[200])
{
    (void)m, (void)letter, (void)from, (void)to, (void)why;
    fail();
    return -1;
}

static const struct finding_row ROW = {.severity = SPAN_LIT("high"),
                                       .title = SPAN_LIT("10.0.5.9 acknowledged to 10.0.5.1 a message that was never sent."),
                                       .advice = SPAN_LIT("Look at 10.0.5.9."),
                                       .device_title = SPAN_LIT("XN-1000")};

static struct buf letter(const char *language, int64_t total)
{
    struct buf whole = BUF_INIT(65536);
    struct buf rows = BUF_INIT(65536);
    struct buf text = BUF_INIT(65536);
    struct buf joined = BUF_INIT(65536);
    if (total > 0)
        finding_mail_row(&rows, language, &ROW);
    finding_mail_write(&whole, &(struct finding_mail_text){.language = language,
                                                           .from = "tourniquet@lab.example",
                                                           .to = "it@lab.example",
                                                           .site = "main-street",
                                                           .total = total,
                                                           .worst = "high",
                                                           .rows = buf_span(&rows),
                                                           .rows_n = total > 0,
                                                           .now = 1795360000 * TIME_SECOND,
                                                           .number = 7});
    assert_true(buf_ok(&whole));
    assert_non_null(strstr(buf_text(&whole), "Auto-Submitted: auto-generated"));
    const char *body = strstr(buf_text(&whole), "\r\n\r\n");
    assert_non_null(body);
    for (body += 4; *body != 0; body++)
        if (*body != '\r' && *body != '\n')
            buf_u8(&joined, (uint8_t)*body);
    assert_true(text_unbase64(buf_span(&joined), &text));
    (void)buf_text(&text);
    assert_null(strstr((const char *)text.p, "http"));
    buf_release(&whole);
    buf_release(&rows);
    buf_release(&joined);
    return text;
}

static void says(const char *language, int64_t total, const char *word, const char *not_this)
{
    struct buf text = letter(language, total);
    if (strstr((const char *)text.p, word) == NULL)
        fail_msg("%s", (const char *)text.p);
    assert_null(strstr((const char *)text.p, not_this));
    buf_release(&text);
}

static void both_languages(void **state)
{
    (void)state;
    says("en", 1, "HIGH: 10.0.5.9 acknowledged to 10.0.5.1 a message that was never sent.\nLook at 10.0.5.9.\nDevice: XN-1000", "more, on the page");
    says("en", 4, "And 3 more, on the page Findings.", "test");
    says("es", 4, "ALTO: 10.0.5.9 confirmó a 10.0.5.1 un mensaje que nunca se envió.", "HIGH");
    says("es", 4, "Y 3 más, en la página Hallazgos.", "more");
    says("en", 0, "new findings reach this address", "HIGH");
    says("es", 0, "los hallazgos nuevos llegan a esta dirección", "ALTO");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_languages)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
