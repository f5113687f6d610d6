#include "proc/letter.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* A text of a header: as it is, or in encoded words of 45 bytes that end between two characters. */
static void value(struct buf *out, const char *text)
{
    bool plain = true;
    for (const char *p = text; *p != 0; p++)
        plain = plain && *p >= ' ' && *p < 0x7f;
    if (plain) {
        buf_add_str(out, text);
        return;
    }
    struct span rest = span_str(text);
    for (bool first = true; rest.n > 0; first = false) {
        size_t n = rest.n < 45 ? rest.n : 45;
        while (n < rest.n && (rest.p[n] & 0xc0) == 0x80)
            n--;
        buf_add_str(out, first ? "=?utf-8?B?" : "\r\n =?utf-8?B?");
        text_base64(out, span_take(&rest, n));
        buf_add_str(out, "?=");
    }
}

static void header(struct buf *out, const char *key, const char *text)
{
    buf_addf(out, "%s: ", key);
    value(out, text);
    buf_add_str(out, "\r\n");
}

static void from_header(struct buf *out, const struct letter *l)
{
    if (l->sender == NULL) {
        header(out, "From", l->from);
        return;
    }
    bool atoms = true; /* a phrase of atoms needs no quotes */
    for (const char *p = l->sender; *p != 0; p++)
        atoms = atoms && ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') || *p == ' ' || *p == '-' || (*p & 0x80) != 0);
    buf_add_str(out, "From: ");
    if (atoms)
        value(out, l->sender);
    buf_addf(out, "%s<%s>\r\n", atoms ? " " : "", l->from);
}

void letter_write(struct buf *out, const struct letter *l)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct buf coded = BUF_INIT(65536);
    time_t seconds = (time_t)(l->now / TIME_SECOND);
    struct tm at;
    const char *host = strchr(l->from, '@');
    (void)gmtime_r(&seconds, &at);
    from_header(out, l);
    header(out, "To", l->to);
    header(out, "Subject", l->subject);
    buf_addf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[at.tm_wday % 7], at.tm_mday, months[at.tm_mon % 12], at.tm_year + 1900,
             at.tm_hour, at.tm_min, at.tm_sec);
    buf_addf(out, "Message-ID: <%s%.80s>\r\n", l->id, host != NULL ? host : "@localhost");
    if (l->exercise != NULL)
        header(out, "X-Tourniquet-Exercise", l->exercise);
    if (l->automatic)
        header(out, "Auto-Submitted", "auto-generated");
    buf_add_str(out, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    text_base64(&coded, l->text);
    struct span rest = buf_span(&coded);
    while (rest.n > 0) {
        buf_add_span(out, span_take(&rest, rest.n < 76 ? rest.n : 76));
        buf_add_str(out, "\r\n");
    }
    buf_release(&coded);
}
