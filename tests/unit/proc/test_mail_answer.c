/* The letter to whoever reported a mail: what it says in each state, in both languages; nothing in it can be followed. */
#include "../cmocka_all.h"

#include "proc/mail_answer.h"

#include "base/text.h"

#include <string.h>

/* The letter's text, decoded. */
static struct buf letter(const struct mail_row *m, const char *language, bool attached)
{
    struct buf whole = BUF_INIT(65536);
    struct buf text = BUF_INIT(65536);
    struct buf joined = BUF_INIT(65536);
    mail_answer_write(&whole, m,
                      &(struct mail_answer){.language = language,
                                            .from = "tourniquet@lab.example",
                                            .to = "pat@lab.example",
                                            .name = "Pat",
                                            .site = "main-street",
                                            .attached = attached,
                                            .now = 1795360000 * TIME_SECOND,
                                            .number = 7});
    assert_true(buf_ok(&whole));
    const char *body = strstr(buf_text(&whole), "\r\n\r\n");
    assert_non_null(body);
    for (body += 4; *body != 0; body++)
        if (*body != '\r' && *body != '\n')
            buf_u8(&joined, (uint8_t)*body);
    assert_true(text_unbase64(buf_span(&joined), &text));
    assert_non_null(strstr(buf_text(&whole), "Auto-Submitted: auto-generated"));
    (void)buf_text(&text);
    buf_release(&whole);
    buf_release(&joined);
    return text;
}

static void says(const struct mail_row *m, const char *language, bool attached, const char *word, const char *not_this)
{
    struct buf text = letter(m, language, attached);
    assert_non_null(strstr((const char *)text.p, word));
    if (not_this != NULL)
        assert_null(strstr((const char *)text.p, not_this));
    buf_release(&text);
}

static void each_state(void **state)
{
    (void)state;
    struct mail_row m = {.verdict = SPAN_LIT("dangerous"),
                         .state = SPAN_LIT("waiting"),
                         .reasons = SPAN_LIT("link-like-own\tlogin.lab-exarnple.top\nfrom-cheap\tx.top\n")};
    says(&m, "en", true, "looks DANGEROUS", "attachment");
    says(&m, "en", true, "login[.]lab-exarnple[.]top", "exarnple.top");
    says(&m, "en", false, "Next time forward it as an attachment", NULL);
    says(&m, "es", true, "parece PELIGROSO", "looks");
    m.verdict = SPAN_LIT("suspicious");
    says(&m, "en", true, "is SUSPICIOUS", "DANGEROUS");
    m.verdict = SPAN_LIT("fine");
    m.state = SPAN_LIT("answered");
    says(&m, "en", true, "Nothing speaks against", "What speaks against it");
    says(&m, "en", false, "who sent it could not be checked", "Nothing speaks against");
    m.exercise = SPAN_LIT("c1-pat");
    says(&m, "en", true, "an exercise of your lab", "Nothing speaks against");
    m.exercise = (struct span){0};
    m.state = SPAN_LIT("dangerous");
    m.answer = SPAN_LIT("Well seen: http://evil.example/x is theirs. Ask ray@lab.example.");
    says(&m, "en", true, "WAS DANGEROUS", "evil.example");
    says(&m, "en", true, "http[:]//evil[.]example/x", "://");
    says(&m, "es", true, "ERA PELIGROSO", "ray@lab");
    m.state = SPAN_LIT("harmless");
    says(&m, "en", true, "it is harmless", "DANGEROUS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_state)};
    return cmocka_run_group_tests_name("proc_mail_answer", tests, NULL, NULL);
}
