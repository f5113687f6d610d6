/* SMTP as a receiver: what is said to each command, where a mail ends, what is content; TLS; who is refused. However the stream is cut. */
#include "wire/smtp.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <string.h>

struct run {
    enum smtp_verdict sender, mail;
    bool offers, needs;
};

/* What was said (codes), and in brackets what each mail was. */
static void talk(const struct run *r, struct span in, size_t step, struct buf *codes, struct buf *mails)
{
    struct smtp s = {.host = "report.lab.example", .offers_tls = r->offers, .needs_tls = r->needs};
    struct buf said = BUF_INIT(1u << 20);
    bool on = true;
    smtp_open(&s, &said);
    while (in.n > 0 && on) {
        struct span piece = span_take(&in, in.n < step ? in.n : step);
        struct span got;
        for (enum smtp_event e; on && (e = smtp_next(&s, &piece, &said, &got)) != SMTP_MORE;) {
            if (e == SMTP_SENDER)
                smtp_answer(&s, r->sender, &said);
            else if (e == SMTP_DATA)
                buf_add_span(mails, got);
            else if (e == SMTP_END) {
                buf_addf(mails, "|%s;", s.from);
                smtp_answer(&s, r->mail, &said);
            } else if (e == SMTP_TLS) {
                smtp_secured(&s);
                buf_add_str(&said, "TLS \n");
            } else
                on = false;
        }
    }
    for (struct span lines = buf_span(&said); lines.n > 0;) {
        struct span line = span_until(&lines, '\n', NULL);
        if (line.p[3] == ' ') {
            buf_add(codes, line.p, 3);
            buf_u8(codes, ' ');
        }
    }
    buf_release(&said);
}

static void says(const struct run *r, const char *stream, const char *codes, const char *mails)
{
    for (size_t step = 1; step <= strlen(stream); step++) {
        struct buf c = BUF_INIT(65536);
        struct buf m = BUF_INIT(65536);
        talk(r, span_str(stream), step, &c, &m);
        assert_string_equal(buf_text(&c), codes);
        assert_string_equal(buf_text(&m), mails);
        buf_release(&c);
        buf_release(&m);
    }
}

static const struct run open_door = {.offers = true};

#define HELLO "EHLO mx.lab.example\r\nMAIL FROM:<pat@lab.example>\r\nRCPT TO:<mail@REPORT.lab.example>\r\nDATA\r\n"

static void test_a_mail(void **state)
{
    (void)state;
    says(&open_door, HELLO "Subject: x\r\n\r\nhello\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221 ",
         "Subject: x\r\n\r\nhello\r\n|pat@lab.example;");
    says(&open_door, HELLO ".\r\n", "220 250 250 250 354 250 ", "|pat@lab.example;");
    says(&open_door, HELLO "a\r\n.\r\nmail from: <Pat@lab.example> SIZE=12 BODY=8BITMIME\r\nrcpt to:<postmaster>\r\ndata\r\nb\r\n.\r\n",
         "220 250 250 250 354 250 250 250 354 250 ", "a\r\n|pat@lab.example;b\r\n|Pat@lab.example;");
}

/* The end is CR LF . CR LF and nothing else (SMTP smuggling). */
static void test_the_end(void **state)
{
    (void)state;
    static const char *const no_ends[] = {"\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r"};
    for (size_t i = 0; i < sizeof no_ends / sizeof no_ends[0]; i++) {
        char stream[400];
        char want[400];
        (void)snprintf(stream, sizeof stream, HELLO "a%sMAIL FROM:<x@y>\r\n.\r\n", no_ends[i]);
        const char *kept = i < 4 ? no_ends[i] : i == 4 ? "\r\n\n" : "\r\n\r"; /* a dot at the start of a line goes, as one that was put there */
        (void)snprintf(want, sizeof want, "a%sMAIL FROM:<x@y>\r\n|pat@lab.example;", kept);
        says(&open_door, stream, "220 250 250 250 354 250 ", want);
    }
    says(&open_door, HELLO "..\r\n...a\r\n.b\r\n.\r\n", "220 250 250 250 354 250 ", ".\r\n..a\r\nb\r\n|pat@lab.example;");
}

static void test_order(void **state)
{
    (void)state;
    says(&open_door, "MAIL FROM:<a@b>\r\nRCPT TO:<a@b>\r\nDATA\r\nEHLO\r\nNOOP\r\nRSET\r\nVRFY x\r\nHELP\r\nEXPN x\r\nBDAT 1 LAST\r\n",
         "220 503 503 503 501 250 250 252 214 500 500 ", "");
    says(&open_door, "HELO a\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<c@d>\r\nDATA\r\nRSET\r\nRCPT TO:<x@report.lab.example>\r\n",
         "220 250 250 503 503 250 503 ", "");
    says(&open_door,
         "EHLO a\r\nMAIL FROM:a@b\r\nMAIL FROM:<a b@c>\r\nMAIL FROM:<>\r\nMAIL FROM:<a@b> SIZE=x\r\nMAIL FROM:<a@b> SIZE=104857601\r\nMAIL "
         "FROM:<a@b> SMTPUTF8\r\n",
         "220 250 501 501 550 501 552 555 ", "");
    says(&open_door,
         "EHLO a\r\nMAIL FROM:<@x,@y:a@b>\r\nRCPT TO:<x@lab.example>\r\nRCPT TO:<report.lab.example>\r\nRCPT TO:<x@report.lab.example> \r\n",
         "220 250 250 550 550 250 ", "");
}

static void test_who(void **state)
{
    (void)state;
    const struct run unknown = {.sender = SMTP_UNKNOWN};
    says(&unknown, HELLO "x\r\n", "220 250 550 503 503 500 ", "");
    const struct run later = {.sender = SMTP_LATER};
    says(&later, HELLO, "220 250 451 503 503 ", "");
    static const struct {
        enum smtp_verdict verdict;
        const char *codes;
    } table[] = {{SMTP_LATER, "220 250 250 250 354 451 "},
                 {SMTP_OFTEN, "220 250 250 250 354 450 "},
                 {SMTP_NO_MAIL, "220 250 250 250 354 550 "},
                 {SMTP_UNKNOWN, "220 250 250 250 354 550 "},
                 {SMTP_UNREADABLE, "220 250 250 250 354 554 "}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        says(&(struct run){.mail = table[i].verdict}, HELLO "x\r\n.\r\n", table[i].codes, "x\r\n|pat@lab.example;");
}

static void test_tls(void **state)
{
    (void)state;
    const struct run needs = {.offers = true, .needs = true};
    says(&needs, "EHLO a\r\nMAIL FROM:<a@b>\r\nSTARTTLS\r\nMAIL FROM:<a@b>\r\nEHLO a\r\nSTARTTLS\r\nMAIL FROM:<a@b>\r\n",
         "220 250 530 220 TLS 503 250 503 250 ", "");
    says(&(struct run){0}, "EHLO a\r\nSTARTTLS\r\n", "220 250 503 ", "");
}

static void test_nonsense(void **state)
{
    (void)state;
    says(&open_door, "x\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nx\r\nNOOP\r\n", "220 500 500 500 500 500 500 500 500 500 421 ", "");
    says(&open_door, "POST / HTTP/1.1\r\nNOOP\r\n", "220 421 ", "");
    says(&open_door, "GET / HTTP/1.1\r\nNOOP\r\n", "220 421 ", "");
    struct buf stream = BUF_INIT(1u << 16);
    struct buf codes = BUF_INIT(1000);
    struct buf mails = BUF_INIT(1000);
    for (size_t i = 0; i < SMTP_LINE + 1; i++)
        buf_u8(&stream, 'a');
    buf_add_str(&stream, "\r\nNOOP\r\n");
    talk(&open_door, buf_span(&stream), 1000, &codes, &mails);
    assert_string_equal(buf_text(&codes), "220 500 250 ");
    buf_release(&stream);
    buf_release(&codes);
    buf_release(&mails);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_mail), cmocka_unit_test(test_the_end), cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_who),    cmocka_unit_test(test_tls),     cmocka_unit_test(test_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
