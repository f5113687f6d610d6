#include "wire/smtp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Where the mail stands in its line; what is left open at the end of an input is closed by the next. */
enum { IN_LINE, AT_START, BEHIND_CR, BEHIND_DOT, BEHIND_DOT_CR };

static void say(struct buf *out, const char *line)
{
    buf_add_str(out, line);
    buf_add_str(out, "\r\n");
}

static void forget_mail(struct smtp *s)
{
    s->from[0] = 0;
    s->recipients = 0;
    if (s->state > SMTP_GREETED && s->state != SMTP_GONE)
        s->state = SMTP_GREETED;
}

void smtp_open(struct smtp *s, struct buf *out)
{
    buf_addf(out, "220 %s ESMTP\r\n", s->host);
}

void smtp_secured(struct smtp *s)
{
    forget_mail(s);
    s->secured = true;
    s->state = SMTP_IDLE;
    s->line_n = 0;
    s->overlong = false;
}

void smtp_answer(struct smtp *s, enum smtp_verdict verdict, struct buf *out)
{
    if (s->state == SMTP_ASKED_SENDER) {
        s->state = verdict == SMTP_TAKEN ? SMTP_FROM : SMTP_GREETED;
        say(out, verdict == SMTP_TAKEN     ? "250 2.1.0 Go on"
                 : verdict == SMTP_UNKNOWN ? "550 5.7.1 Nobody here has this address: write from the one that your account has, or use the page"
                                           : "451 4.3.2 Not just now: try again in a minute");
        return;
    }
    forget_mail(s);
    switch (verdict) {
    case SMTP_TAKEN: say(out, "250 2.0.0 Taken and looked at"); return;
    case SMTP_UNKNOWN: say(out, "550 5.7.1 Nobody here has this address"); return;
    case SMTP_OFTEN: say(out, "450 4.7.0 Too many from you within an hour: try again later"); return;
    case SMTP_NO_MAIL: say(out, "550 5.6.0 That is no mail: forward it as an attachment"); return;
    case SMTP_UNREADABLE: say(out, "554 5.6.0 This cannot be read: do not open it, and tell whoever looks after computers"); return;
    case SMTP_LATER: say(out, "451 4.3.0 Not just now: nothing was kept, try again in a minute"); return;
    }
}

/* ── commands ── */

/* What stands between < and > at the start of *s, which goes on behind it. False: it is none, or too long. */
static bool path(struct span *s, struct span *ret)
{
    while (span_peek(s, 0) == ' ' && s->n > 0)
        (void)span_skip(s, 1);
    bool closed = false;
    if (span_u8(s) != '<')
        return false;
    *ret = span_until(s, '>', &closed);
    if (!closed || ret->n > SMTP_ADDRESS)
        return false;
    for (size_t i = 0; i < ret->n; i++)
        if (ret->p[i] <= ' ' || ret->p[i] == 0x7f || ret->p[i] == '<')
            return false;
    if (ret->n > 0 && ret->p[0] == '@') { /* a source route (RFC 5321, appendix C): passed over */
        struct span route = span_until(ret, ':', &closed);
        (void)route;
        return closed && ret->n > 0;
    }
    return true;
}

static bool starts(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && strncasecmp((const char *)s.p, word, n) == 0;
}

/* The parameters of MAIL. NULL: they can be met; else what is said. */
static const char *unmet(struct span rest)
{
    while (rest.n > 0) {
        struct span one = span_until(&rest, ' ', NULL);
        uint64_t size = 0;
        if (one.n == 0 || starts(one, "BODY=7BIT") || starts(one, "BODY=8BITMIME") || starts(one, "AUTH="))
            continue;
        if (!starts(one, "SIZE="))
            return "555 5.5.4 A parameter of MAIL that is not known here";
        (void)span_skip(&one, 5);
        if (!span_decimal(one, UINT64_MAX / 16, &size))
            return "501 5.5.4 The size is no number";
        if (size > SMTP_SIZE_MAX)
            return "552 5.3.4 Of a mail 100 MiB are taken";
    }
    return NULL;
}

static enum smtp_event mail(struct smtp *s, struct span rest, struct buf *out)
{
    struct span from;
    if (s->state == SMTP_IDLE)
        say(out, "503 5.5.1 Say EHLO first");
    else if (s->needs_tls && !s->secured)
        say(out, "530 5.7.0 Say STARTTLS first: mail is not taken in clear");
    else if (s->state != SMTP_GREETED)
        say(out, "503 5.5.1 There is a mail in hand already");
    else if (!path(&rest, &from))
        say(out, "501 5.1.7 That is no address: MAIL FROM:<pat@lab.example>");
    else if (from.n == 0)
        say(out, "550 5.7.1 Mail of machines (no sender) is not taken");
    else if (unmet(rest) != NULL)
        say(out, unmet(rest));
    else {
        s->from[span_copy(from, s->from, SMTP_ADDRESS)] = 0;
        s->state = SMTP_ASKED_SENDER;
        return SMTP_SENDER;
    }
    return SMTP_MORE;
}

static bool is_ours(const struct smtp *s, struct span to)
{
    if (starts(to, "postmaster") && to.n == 10) /* RFC 5321, 4.5.1 */
        return true;
    for (size_t i = to.n; i-- > 1;)
        if (to.p[i] == '@')
            return to.n - i - 1 == strlen(s->host) && strncasecmp((const char *)to.p + i + 1, s->host, to.n - i - 1) == 0;
    return false;
}

static void recipient(struct smtp *s, struct span rest, struct buf *out)
{
    struct span to;
    if (s->state != SMTP_FROM && s->state != SMTP_TO)
        say(out, "503 5.5.1 Say MAIL first");
    else if (!path(&rest, &to))
        say(out, "501 5.1.3 That is no address: RCPT TO:<report@host>");
    else if (!is_ours(s, to))
        buf_addf(out, "550 5.7.1 Nothing is passed on from here: only mail for %s is taken\r\n", s->host);
    else if (s->recipients == SMTP_RECIPIENTS)
        say(out, "452 4.5.3 Too many recipients");
    else {
        s->recipients++;
        s->state = SMTP_TO;
        say(out, "250 2.1.5 Go on");
    }
}

static void hello(struct smtp *s, bool extended, struct buf *out)
{
    forget_mail(s);
    s->state = SMTP_GREETED;
    if (!extended) {
        buf_addf(out, "250 %s\r\n", s->host);
        return;
    }
    buf_addf(out, "250-%s\r\n250-PIPELINING\r\n250-SIZE %u\r\n250-8BITMIME\r\n", s->host, SMTP_SIZE_MAX);
    if (s->offers_tls && !s->secured)
        say(out, "250-STARTTLS");
    say(out, "250 ENHANCEDSTATUSCODES");
}

static enum smtp_event close_now(struct smtp *s, struct buf *out, const char *line)
{
    say(out, line);
    s->state = SMTP_GONE;
    return SMTP_CLOSE;
}

static enum smtp_event wrong(struct smtp *s, struct buf *out, const char *line)
{
    if (++s->wrong >= SMTP_WRONG)
        return close_now(s, out, "421 4.7.0 Too many commands that are none");
    say(out, line);
    return SMTP_MORE;
}

static enum smtp_event command(struct smtp *s, struct span line, struct buf *out)
{
    struct span rest = line;
    struct span verb = span_until(&rest, ' ', NULL);
    if (starts(line, "MAIL FROM:")) {
        (void)span_skip(&line, 10);
        return mail(s, line, out);
    }
    if (starts(line, "RCPT TO:")) {
        (void)span_skip(&line, 8);
        recipient(s, line, out);
        return SMTP_MORE;
    }
    if (span_is(verb, "POST") || span_is(verb, "GET")) /* a browser that some site's page made speak to us */
        return close_now(s, out, "421 4.7.0 This is no web server");
    if (verb.n != 4 && !starts(verb, "STARTTLS"))
        return wrong(s, out, "500 5.5.2 No such command");
    if (starts(verb, "EHLO") || starts(verb, "HELO")) {
        if (rest.n == 0)
            return wrong(s, out, "501 5.5.4 Say who you are: EHLO host");
        hello(s, starts(verb, "EHLO"), out);
    } else if (starts(verb, "DATA")) {
        if (s->state != SMTP_TO) {
            say(out, "503 5.5.1 Say MAIL and RCPT first");
        } else {
            say(out, "354 Go on, and end with a dot alone in its line");
            s->state = SMTP_BODY;
            s->dots = AT_START;
        }
    } else if (starts(verb, "RSET")) {
        forget_mail(s);
        say(out, "250 2.0.0 Forgotten");
    } else if (starts(verb, "NOOP")) {
        say(out, "250 2.0.0 Still here");
    } else if (starts(verb, "VRFY")) {
        say(out, "252 2.1.5 Not told here");
    } else if (starts(verb, "HELP")) {
        say(out, "214 2.0.0 RFC 5321");
    } else if (starts(verb, "QUIT")) {
        return close_now(s, out, "221 2.0.0 Good bye");
    } else if (starts(verb, "STARTTLS") && verb.n == 8) {
        if (!s->offers_tls || s->secured) {
            say(out, "503 5.5.1 Not now");
        } else {
            say(out, "220 2.0.0 Begin");
            return SMTP_TLS;
        }
    } else {
        return wrong(s, out, "500 5.5.2 No such command");
    }
    return SMTP_MORE;
}

/* ── the mail ── */

/* Bytes of the mail up to a dot that is not content, or to the end of the input. */
static enum smtp_event body(struct smtp *s, struct span *in, struct span *ret)
{
    struct span all = *in;
    size_t n = 0; /* bytes that are content */
    while (n < all.n) {
        uint8_t c = all.p[n];
        switch (s->dots) {
        case AT_START:
            if (c == '.') {
                if (n > 0) { /* what came so far goes first; the dot comes again */
                    *ret = span_take(in, n);
                    return SMTP_DATA;
                }
                (void)span_skip(in, 1);
                all = *in;
                s->dots = BEHIND_DOT;
                continue;
            }
            s->dots = IN_LINE;
            continue;
        case BEHIND_DOT:
            if (c == '\r') {
                (void)span_skip(in, 1);
                all = *in;
                s->dots = BEHIND_DOT_CR;
                continue;
            }
            s->dots = IN_LINE; /* the dot was put before one, or before anything: it goes */
            continue;
        case BEHIND_DOT_CR:
            if (c == '\n') {
                (void)span_skip(in, 1);
                s->dots = AT_START;
                s->state = SMTP_ASKED_END;
                return SMTP_END;
            }
            s->dots = BEHIND_CR; /* the CR was content */
            *ret = SPAN_LIT("\r");
            return SMTP_DATA;
        case BEHIND_CR:
            s->dots = c == '\n' ? AT_START : c == '\r' ? BEHIND_CR : IN_LINE;
            n++;
            continue;
        default: {
            struct span rest = span_of(all.p + n, all.n - n);
            size_t to = span_find(&rest, '\r');
            n += to < rest.n ? to + 1 : to;
            s->dots = to < rest.n ? BEHIND_CR : IN_LINE;
        }
        }
    }
    if (n == 0)
        return SMTP_MORE;
    *ret = span_take(in, n);
    return SMTP_DATA;
}

enum smtp_event smtp_next(struct smtp *s, struct span *in, struct buf *out, struct span *ret)
{
    while (in->n > 0) {
        if (s->state == SMTP_GONE)
            return SMTP_CLOSE;
        if (s->state == SMTP_ASKED_SENDER || s->state == SMTP_ASKED_END)
            return SMTP_MORE;
        if (s->state == SMTP_BODY)
            return body(s, in, ret);
        bool ended = false;
        struct span part = span_until(in, '\n', &ended);
        if (part.n > sizeof s->line - s->line_n)
            s->overlong = true;
        if (!s->overlong && part.n > 0) {
            memcpy(s->line + s->line_n, part.p, part.n);
            s->line_n += part.n;
        }
        if (!ended)
            return SMTP_MORE;
        struct span line = span_of(s->line, s->line_n);
        while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
            line.n--;
        s->line_n = 0;
        bool overlong = s->overlong;
        s->overlong = false;
        enum smtp_event event = overlong ? wrong(s, out, "500 5.5.2 The line is too long") : command(s, line, out);
        if (event != SMTP_MORE)
            return event;
    }
    return SMTP_MORE;
}
