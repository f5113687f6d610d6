/* Any bytes as a mail: judged, shown as text, compared; what is told about it is UTF-8 without controls and stays within its bounds. */
#include "engine/mail/mail.h"

#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void harmless(const char *text)
{
    for (const char *p = text; *p != 0; p++)
        if ((unsigned char)*p < 0x20)
            abort();
    if (!text_is_utf8(span_str(text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mail_known *known;
    static struct mail_report report;
    struct error e = {0};
    struct mail_lab lab = {.own = {SPAN_LIT("lab.example")}, .own_n = 1};
    if (size > 262144)
        return 0;
    if (known == NULL)
        known = mail_known_new(&e);
    if (known == NULL)
        abort();
    if (mail_judge(known, &lab, span_of(data, size), &report, &e) != 0)
        return 0;
    if (report.score < 0 || report.score > 100 || report.n > MAIL_REASONS || report.indicators_n > MAIL_INDICATORS)
        abort();
    for (size_t i = 0; i < report.n; i++)
        harmless(report.reasons[i].about);
    for (size_t i = 0; i < report.indicators_n; i++)
        harmless(report.indicators[i].value);
    harmless(report.subject);
    harmless(report.from);
    harmless(report.from_name);
    if (mail_alike(report.sketch, report.sketch) != 100 && report.links > 0 && mail_alike(report.sketch, report.sketch) != 0)
        abort();
    struct buf shown = BUF_INIT(MAIL_SHOWN);
    if (mail_show(known, span_of(data, size), &shown, &e) == 0 && !text_is_utf8(buf_span(&shown)))
        abort();
    buf_release(&shown);
    struct mail_secret secret = {.k0 = 1, .k1 = 2};
    char id[MAIL_OURS_ID];
    (void)mail_ours(&secret, span_of(data, size), id);
    return 0;
}
