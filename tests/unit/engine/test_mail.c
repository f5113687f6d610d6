/* Mail judged: what is dangerous, what is not, and what tries to break the judge. The rates over many mails are tests/scene/test_mail.py's. */
#include "engine/mail/mail.h"

#include "base/text.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

static struct mail_known *known;
static struct mail_report *report;
static const struct mail_lab lab = {
    .own = {{.p = (const uint8_t *)"sunrise-lab.example", .n = 19}}, .own_n = 1, .authserv = SPAN_LIT("mx.sunrise-lab.example")};

static int open_all(void **state)
{
    (void)state;
    struct error e = {0};
    known = mail_known_new(&e);
    report = calloc(1, sizeof *report);
    if (known == NULL)
        (void)puts(e.text);
    return known != NULL && report != NULL ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    mail_known_free(known);
    free(report);
    return 0;
}

static void judge_span(struct span message)
{
    struct error e = {0};
    if (mail_judge(known, &lab, message, report, &e) != 0)
        fail_msg("%s", e.text);
}

static void judge(const char *message)
{
    judge_span(span_str(message));
}

static bool because(const char *code)
{
    for (size_t i = 0; i < report->n; i++)
        if (strcmp(mail_reason_rows[report->reasons[i].code].code, code) == 0)
            return true;
    return false;
}

#define HEAD(from) "From: " from "\nTo: ana@sunrise-lab.example\nDate: Tue, 17 Nov 2026 09:00:00 +0000\nMessage-ID: <1@x.example>\nSubject: hello\n"

static void verdicts(void **state)
{
    (void)state;
    judge(HEAD("Tom Becker <tom@sunrise-lab.example>") "\nThe rota is on the board.\n");
    assert_int_equal(report->verdict, MAIL_FINE);
    judge(HEAD("\"Microsoft 365\" <x@rnicrosoft.com>") "\nYour password expires today. Sign in to keep your account: https://rnicrosoft.com/login\n");
    assert_int_equal(report->verdict, MAIL_DANGEROUS);
    assert_true(because("from-like-known") && because("name-not-theirs"));
    judge(HEAD("HR <hr@sunrise-1ab.example>") "\nYour pay slip is ready: https://sunrise-1ab.example/\n");
    assert_int_equal(report->verdict, MAIL_DANGEROUS);
    assert_true(because("from-like-own"));
}

static void senders(void **state)
{
    (void)state;
    judge(HEAD("\"ceo@sunrise-lab.example\" <x@gmail.com>") "\nhello\n");
    assert_true(because("name-other-address"));
    judge(HEAD("Marie Roche <marie.roche@gmail.com>") "\nAre you coming on Friday?\n");
    assert_int_equal(report->verdict, MAIL_FINE); /* a surname */
    assert_false(because("name-not-theirs"));
    judge(HEAD("Roche <orders@other.example>") "\nhello\n");
    assert_true(because("name-not-theirs"));
    judge("Authentication-Results: mx.sunrise-lab.example; dmarc=fail header.from=sunrise-lab.example\n" HEAD(
        "Tom <tom@sunrise-lab.example>") "\nhello\n");
    assert_true(because("auth-own"));
    judge("Authentication-Results: other.example; dmarc=pass\n" HEAD("PayPal <service@paypal.com>") "\nhello\n");
    assert_false(because("confirmed")); /* said by somebody else */
    judge("Authentication-Results: mx.sunrise-lab.example; dmarc=pass\n" HEAD("PayPal <service@paypal.com>") "\nhello\n");
    assert_true(because("confirmed"));
}

static void links(void **state)
{
    (void)state;
    judge(HEAD("a@b.example") "Content-Type: text/html\n\n<a href='https://evil.example/x'>https://www.paypal.com/signin</a>");
    assert_true(because("link-shows-known"));
    judge(HEAD("a@b.example") "\nhttp://www.paypal.com@203.0.113.5/x\n");
    assert_true(because("link-userinfo") && because("link-number"));
    judge(HEAD("a@b.example") "\nhttps://xn--pypal-4ve.com/\n");
    assert_true(because("link-like-known"));
    judge(HEAD("a@b.example") "\nhttps://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2F192.0.2.7%2Fx&data=1\n");
    assert_true(because("link-number")); /* behind the filter's wrapping */
    judge(HEAD("a@b.example") "\nhttps://safelinks.protection.outlook.com.c.example/?url=https%3A%2F%2F192.0.2.7%2Fx&data=1\n");
    assert_false(because("link-number")); /* only its owner's wrapping is taken off */
    judge(HEAD("a@b.example") "\nhttps://abc.r.eu-west-1.awstrack.me/L0/https:%2F%2F192.0.2.7%2Fx/1/0102-000000/abc=1\n");
    assert_true(because("link-number"));
    judge(HEAD("a@b.example") "\nhttps://abc.r.eu-west-1.awstrack.me/L0/\n");
    assert_false(because("link-number"));
    judge(HEAD("a@b.example") "\nhttps://translate.google.com/translate?sl=auto&tl=en&u=c.example/login\n");
    assert_true(because("link-redirect"));
    judge(HEAD("a@b.example") "\nhttps://1.2.0.192.host.secureserver.net/n/\n");
    assert_true(because("link-hosting"));
    judge(HEAD(
        "a@b.example") "Content-Type: text/html\n\n<a href='data:text/html;base64,PGZvcm0gbWV0aG9kPXBvc3Q+PGlucHV0IHR5cGU9cGFzc3dvcmQ+'>open</a>");
    assert_true(because("link-data"));
    judge(HEAD("a@b.example") "Content-Type: text/html\n\n<form action='https://c.example'><input type=password></form>");
    assert_true(because("mail-password"));
}

static int points(const char *code)
{
    for (size_t i = 0; i < report->n; i++)
        if (strcmp(mail_reason_rows[report->reasons[i].code].code, code) == 0)
            return report->reasons[i].points;
    return 0;
}

#define NOBODY "Authentication-Results: mx.other.example; spf=none smtp.mailfrom=b.example; dkim=none; dmarc=none header.from=b.example\n"

/* Where the name of the lab's own receiver is not known. */
static void judge_unknown(const char *message)
{
    const struct mail_lab other = {.own = {SPAN_LIT("sunrise-lab.example")}, .own_n = 1};
    struct error e = {0};
    assert_int_equal(mail_judge(known, &other, span_str(message), report, &e), 0);
}

/* Who vouches for a sender. */
static void vouching(void **state)
{
    (void)state;
    judge_unknown(NOBODY HEAD("a@b.example") "List-Id: <x.b.example>\nList-Unsubscribe: <https://b.example/u>\n\nhello https://b.example/x\n");
    assert_true(because("auth-none"));
    assert_false(because("newsletter") || because("links-home")); /* anybody can write that field, and the sender's name */
    judge_unknown("Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=b.example; dkim=none\n" HEAD(
        "a@b.example") "List-Unsubscribe: <x1@y.example>\n\nhello https://b.example/x\n");
    assert_false(because("auth-none") || because("newsletter")); /* that leads nowhere */
    judge_unknown("Authentication-Results: =?utf-8?B?c3BmPW5vbmU7IGRraW09bm9uZTsgZG1hcmM9ZmFpbCBoZWFkZXIuZnJvbT1iLmV4YW1wbGU=?=\n" HEAD(
        "a@b.example") "\nhello\n");
    assert_true(because("auth-dmarc") && because("auth-none"));
    judge_unknown("Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=t1.bounces.example; dkim=none\n" HEAD(
        "Lidl <a@lidl-centre.example>") "\nhello\n");
    assert_true(because("auth-none")); /* SPF speaks for the one it comes back to, not for the sender */
    assert_int_equal(points("name-not-theirs"), 16);
    judge_unknown("Authentication-Results: mx.other.example; spf=pass smtp.mailfrom=t1.bounces.example; dkim=pass header.d=mailer.example\n" HEAD(
        "Lidl <a@lidl-centre.example>") "\nhello\n");
    assert_false(because("auth-none") || because("name-not-theirs"));
    judge_unknown("From: a@b.example\nTo: ana@sunrise-lab.example\nIn-Reply-To: <1@x>\nSubject: [qc] AW: plan\n\nhello\n");
    assert_true(because("answer"));
    judge_unknown("From: a@b.example\nTo: ana@sunrise-lab.example\nIn-Reply-To: <1@x>\nSubject: Urgent: plan\n\nhello\n");
    assert_false(because("answer"));
}

/* What attacks on everybody look like: names of others, gifts, pictures, pages that lead on. */
static void crowds(void **state)
{
    (void)state;
    judge(HEAD("\"Parcel service\", <x@parcels.example>") "\nhello\n");
    assert_string_equal(report->from, "x@parcels.example");
    assert_string_equal(report->from_name, "Parcel service");
    judge(HEAD("UPS <ups@team7.onmicrosoft.com>") "\nhello\n");
    assert_int_equal(points("name-not-theirs"), 40);
    assert_true(because("from-hosting"));
    assert_false(because("from-holds-name")); /* what was registered is Microsoft's */
    judge(HEAD("Lena Vogt <lena@practice.onmicrosoft.com>") "\nCan you fetch the samples on Friday?\n");
    assert_int_equal(report->verdict, MAIL_FINE);
    judge(HEAD(
        "Microsoft Outlook <postmaster@practice.onmicrosoft.com>") "Content-Type: multipart/report; boundary=b\n\n--b\n\nUndeliverable.\n--b--\n");
    assert_int_equal(report->verdict, MAIL_FINE);
    judge(HEAD("Kaufland <x@other.example>") "\nhello\n");
    assert_int_equal(points("name-not-theirs"), 16); /* shops write from many domains */
    judge(HEAD("Kaufland <x@kaufland-news.example>") "\nhello\n");
    assert_false(because("name-not-theirs"));
    judge(HEAD("\"InPost (via Market Mail)\" <x@bigmarket.example>") "\nhello\n");
    assert_int_equal(points("name-not-theirs"), 10); /* said openly, and by whom */
    judge(HEAD("\"InPost (via Market Mail)\" <x@b.example>") "\nhello\n");
    assert_int_equal(points("name-not-theirs"), 28);
    judge_unknown(NOBODY HEAD("Shop.it <x@shop.it>") "\nhello\n");
    assert_false(because("name-outside")); /* a domain's end is no department */
    judge(HEAD("Amazon.it <x@amazon.it>") "\nOrdine XXX-1: https://www.amazon.it/xxx\n");
    assert_false(because("from-holds-name") || because("words-vice"));
    judge(HEAD("LinkedIn <x@linkedin.com>") "\nhello\n");
    assert_false(because("name-not-theirs"));
    judge(HEAD("a@b.example") "\nhttps://www.google.de/amp/s/c.example/x\n");
    assert_true(because("link-redirect"));
    judge(HEAD("a@b.example") "\nhttps://www.linkedin.com/slink?code=abc\n");
    assert_true(because("link-redirect"));
    judge(HEAD("a@b.example") "\nhttps://www.linkedin.com/in/ana\n");
    assert_false(because("link-redirect"));
    judge(HEAD("a@b.example") "\nhttps://x.s3.eu-central-1.amazonaws.com/x.html\n");
    assert_true(because("link-hosting"));
    assert_false(because("link-holds-name"));
    judge(HEAD("a@b.example") "Content-Type: text/html\n\n<a href='mailto:x1@gmail.com?subject=no'>It was not me</a>");
    assert_int_equal(points("link-private"), 14);
    judge(HEAD("Netflix <a@b.example>") "Content-Type: text/html\n\n<a href='mailto:x1@gmail.com?subject=no'>It was not me</a>");
    assert_int_equal(points("link-private"), 24);
    judge(HEAD("a@b.example") "Content-Type: text/html\n\n<img src='https://i.imgur.com/x.png'>");
    assert_true(because("picture-hosting"));
    judge(HEAD("a@b.example") "Content-Type: text/html\n\nYou have been selected to receive a gift. <a href='https://c.example/x'>Start</a>");
    assert_true(because("gift-elsewhere"));
    judge(HEAD("a@b.example") "Content-Type: text/html\n\nYou have been selected to receive a gift. <a href='https://b.example/x'>Start</a>");
    assert_false(because("gift-elsewhere"));
    judge(HEAD("a@b.example") "\nHallo ana@sunrise-lab.example,\nhere is the plan.\n");
    assert_true(because("words-by-address"));
    judge(HEAD("a@b.example") "\nThis was sent to ana@sunrise-lab.example\n");
    assert_false(because("words-by-address"));
    judge(HEAD("a@b.example") "\nOnline casino: 200 free spins\n");
    assert_true(because("words-vice"));
    judge(HEAD("a@b.example") "\nTreffen Sie Singles in Ihrer Naehe\n");
    assert_true(because("words-vice"));
    judge(HEAD("a@b.example") "\nChicas, tengo las citas de las pacientes de la zona.\n");
    assert_false(because("words-vice"));
    judge(HEAD("a@b.example") "\nThis address cannot accept incoming email.\n");
    assert_false(because("words-mailbox"));
#define CODE(host, words)                                                                                                                            \
    HEAD("a@b.example") "Content-Type: text/html\n\n" words "<img src='https://b.example/q'><a href='https://" host "/x'>Where it is</a>"
    judge(CODE("b.example", "Your parcel is ready to collect. Scan the QR code, or enter the pick-up code 123."));
    assert_false(because("code-asks"));
    judge(CODE("c.example", "Your parcel is ready to collect. Scan the QR code, or enter the pick-up code 123."));
    assert_true(because("code-asks"));
    judge(CODE("b.example", "Your parcel is ready to collect. Scan the QR code and confirm your password."));
    assert_true(because("code-asks"));
#undef CODE
    judge_unknown("Reply-To: x1@bluewin.ch\n" HEAD("a@b.example") "\nhello\n");
    assert_true(because("reply-to-free"));
    judge(HEAD("Ana Ruiz <ana@hotmail.es>") "\nCan you fetch the samples on Friday? https://www.google.pl/maps/x\n");
    assert_int_equal(report->verdict, MAIL_FINE); /* the owner's own names in other countries */
    assert_false(because("from-holds-name") || because("link-holds-name"));
#define LOCKED(words)                                                                                                                                \
    HEAD("a@b.example")                                                                                                                              \
    "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" words "\n--b\nContent-Type: application/pdf; name=1.pdf\n\n"                              \
    "%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R/Encrypt 5 0 R>>\n%%EOF\n--b--\n"
    judge(LOCKED("Mais em anexo. Senha PDF: 123"));
    assert_true(because("archive-password"));
    judge(LOCKED("Das Passwort zum Anhang: 123"));
    assert_true(because("archive-password"));
    judge(LOCKED("Le mot de passe du fichier: 123"));
    assert_true(because("archive-password"));
    judge(LOCKED("Here is the plan."));
    assert_true(because("file-encrypted") && !because("archive-password"));
    judge(LOCKED("Your payslip is attached. The password is your date of birth."));
    assert_false(because("archive-password") || because("file-pretext")); /* nobody told it: who reads it knows it */
    judge_unknown(NOBODY LOCKED("Your payslip is attached. The password is your date of birth."));
    assert_true(because("archive-password"));
#undef LOCKED
}

static void forwarded(void **state)
{
    (void)state;
    judge(HEAD(
        "Ana <ana@sunrise-lab.example>") "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nIs this real?\n--b\nContent-Type: message/rfc822\n\n"
                                         "From: IT <it@evil.example>\nTo: ana@sunrise-lab.example\nSubject: Your mailbox is full\n\nConfirm your "
                                         "password within 24 hours: "
                                         "https://mailbox-quota.web.app/login#ana@sunrise-lab.example\n--b--\n");
    assert_true(report->attached);
    assert_int_equal(report->verdict, MAIL_DANGEROUS);
    assert_string_equal(report->from, "it@evil.example");
}

static void shown(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(MAIL_SHOWN);
    struct error e = {0};
    static const char message[] = HEAD("a@b.example") "Content-Type: text/html\n\n<style>p{}</style><script>alert(1)</script><p onclick=x>See <a "
                                                      "href='https://bank.example/a.b'>this</a> "
                                                      "https://bank.example/a.b <img src=http://track.example/1.gif> \xe2\x80\xae"
                                                      "gpj</p>";
    assert_int_equal(mail_show(known, span_str(message), &out, &e), 0);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "hxxps://bank[.]example/a.b"));
    assert_null(strstr(text, "https://"));
    assert_null(strstr(text, "alert"));
    assert_null(strstr(text, "track.example"));
    assert_null(strchr(text, '<'));
    assert_null(strstr(text, "\xe2\x80\xae"));
    buf_release(&out);
}

static void alike(void **state)
{
    (void)state;
    struct mail_report *other = calloc(1, sizeof *other);
    struct error e = {0};
    assert_non_null(other);
    judge(HEAD(
        "a@b.example") "\nYour parcel 4471 is on hold at customs, please pay the fee of two dollars to have it delivered: https://evil.example/1\n");
    static const char same[] = HEAD(
        "c@d.example") "\nYour parcel 9910 is on hold at customs, please pay the fee of two dollars to have it delivered: https://evil.example/2\n";
    assert_int_equal(mail_judge(known, &lab, span_str(same), other, &e), 0);
    assert_true(mail_alike(report->sketch, other->sketch) >= MAIL_ALIKE);
    judge(HEAD("a@b.example") "\nThe quality meeting is moved to Thursday, the minutes of the last one are in the folder of the laboratory.\n");
    assert_true(mail_alike(report->sketch, other->sketch) < MAIL_ALIKE);
    free(other);
}

static void ours(void **state)
{
    (void)state;
    struct mail_secret secret = {.k0 = 7, .k1 = 9};
    char mark[MAIL_OURS_MARK];
    char id[MAIL_OURS_ID];
    struct buf m = BUF_INIT(4096);
    mail_ours_mark(&secret, SPAN_LIT("campaign-1"), mark);
    buf_addf(&m, "From: a@b\nX-Tourniquet-Exercise: campaign-1.%s\n\nhello", mark);
    assert_true(mail_ours(&secret, buf_span(&m), id));
    assert_string_equal(id, "campaign-1");
    struct mail_secret wrong = {.k0 = 7, .k1 = 8};
    assert_false(mail_ours(&wrong, buf_span(&m), id));
    struct buf outer = BUF_INIT(8192);
    buf_add_str(&outer, "From: ana@b\nContent-Type: multipart/mixed; boundary=q\n\n--q\nContent-Type: message/rfc822\n\n");
    buf_add_span(&outer, buf_span(&m));
    buf_add_str(&outer, "\n--q--\n");
    assert_true(mail_ours(&secret, buf_span(&outer), id));
    assert_false(mail_ours(&secret, span_str("From: a\nX-Tourniquet-Exercise: campaign-1.00000000000000000000000000000000\n\n"), id));
    buf_release(&m);
    buf_release(&outer);
}

static void not_mail(void **state)
{
    (void)state;
    struct error e = {0};
    assert_int_equal(mail_judge(known, &lab, span_str(""), report, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    assert_int_equal(mail_judge(known, &lab, span_str("%PDF-1.7 not a mail\n"), report, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
}

static void nested(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4U << 20);
    buf_add_str(&b, "From: a@b.example\nTo: c@sunrise-lab.example\nSubject: deep\n");
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    buf_add_str(&b, "\nthe end\n");
    judge_span(buf_span(&b));
    assert_true(because("mail-broken"));
    buf_clear(&b);
    for (int i = 0; i < 1000; i++)
        buf_add_str(&b, "From: a@b.example\nSubject: x\nContent-Type: message/rfc822\n\n");
    judge_span(buf_span(&b));
    buf_clear(&b); /* elements in elements, and no end of any */
    buf_add_str(&b, "From: a@b.example\nContent-Type: text/html\n\n");
    for (int i = 0; i < 50000; i++)
        buf_add_str(&b, "<div style='display:none'><a href='http://x.example/'>");
    judge_span(buf_span(&b));
    buf_release(&b);
}

static void large(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(MAIL_BYTES);
    buf_add_str(&b, HEAD("a@b.example") "Content-Type: application/octet-stream; name=big.bin\nContent-Disposition: "
                                        "attachment\nContent-Transfer-Encoding: base64\n\n");
    static char line[77 * 1000];
    for (size_t i = 0; i < sizeof line; i++)
        line[i] = i % 77 == 76 ? '\n' : 'A';
    while (b.n < 137U << 20) /* 100 MB, decoded */
        buf_add(&b, line, sizeof line);
    judge_span(buf_span(&b));
    assert_int_equal(report->files, 1);
    buf_release(&b);
}

/* A deflated member of a zip archive. */
static void add_zip(struct buf *b, const char *name, struct span packed, uint32_t unpacked)
{
    size_t at = b->n;
    buf_add(b, "PK\3\4\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0", 18);
    buf_le32(b, packed.n);
    buf_le32(b, unpacked);
    buf_le32(b, (uint32_t)strlen(name));
    buf_add_str(b, name);
    buf_add_span(b, packed);
    size_t directory = b->n;
    buf_add(b, "PK\1\2\x14\0\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0", 20);
    buf_le32(b, packed.n);
    buf_le32(b, unpacked);
    buf_le32(b, (uint32_t)strlen(name));
    buf_le32(b, 0);
    buf_le32(b, 0);
    buf_le32(b, 0);
    buf_le32(b, (uint32_t)at);
    buf_le16(b, 0);
    b->n -= 2;
    buf_add_str(b, name);
    size_t size = b->n - directory;
    buf_add(b, "PK\5\6\0\0\0\0\1\0\1\0", 12);
    buf_le32(b, (uint32_t)size);
    buf_le32(b, (uint32_t)directory);
    buf_le16(b, 0);
}

static void bombs(void **state)
{
    (void)state;
    static uint8_t zeros[16U << 20];
    uLongf n = compressBound(sizeof zeros);
    uint8_t *packed = malloc(n);
    struct buf zip = BUF_INIT(1U << 20);
    struct buf b = BUF_INIT(4U << 20);
    assert_non_null(packed);
    assert_int_equal(compress(packed, &n, zeros, sizeof zeros), Z_OK);
    add_zip(&zip, "zeros.bin", span_of(packed + 2, n - 6), sizeof zeros);
    buf_add_str(
        &b, HEAD("a@b.example") "Content-Type: application/zip; name=z.zip\nContent-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n");
    text_base64(&b, buf_span(&zip));
    judge_span(buf_span(&b));
    assert_true(because("file-bomb"));
    free(packed);
    buf_release(&zip);
    buf_release(&b);
}

static void lies(void **state)
{
    (void)state;
    judge("From: =?utf-16?b?////?= <a@b.example>\nSubject: =?utf-8?q?=FF=FE?=\nContent-Type: text/plain; charset=utf-32\n\n\xff\xfe\x80 broken \xc3");
    assert_true(text_is_utf8(span_str(report->subject)));
    assert_true(text_is_utf8(span_str(report->from_name)));
    judge(HEAD("a@b.example") "Content-Type: text/plain; charset=\"x-no-such\"\nContent-Transfer-Encoding: base64\n\n////!!!!");
    judge("From:\nTo:\nSubject:\nContent-Type:;;;=\"\nContent-Transfer-Encoding: =\n\n");
}

/* Every reason has a sentence in both languages, and holes only where something is put in. */
static void sentences(void **state)
{
    (void)state;
    for (size_t i = 0; i < MAIL_CODES; i++) {
        struct buf b = BUF_INIT(1000);
        mail_reason_text(&b, (enum mail_code)i, SPAN_LIT("x.example"), false);
        buf_u8(&b, '|');
        mail_reason_text(&b, (enum mail_code)i, SPAN_LIT("x.example"), true);
        const char *text = buf_text(&b);
        assert_null(strchr(text, '{'));
        assert_non_null(strchr(text, '.'));
        bool en = strstr(mail_reason_rows[i].english, "{}") != NULL;
        bool es = strstr(mail_reason_rows[i].spanish, "{}") != NULL;
        assert_int_equal(en, es);
        enum mail_code found;
        assert_true(mail_reason_find(span_str(mail_reason_rows[i].code), &found) && found == i);
        buf_release(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),  cmocka_unit_test(senders), cmocka_unit_test(links), cmocka_unit_test(vouching), cmocka_unit_test(crowds),
        cmocka_unit_test(forwarded), cmocka_unit_test(shown),   cmocka_unit_test(alike), cmocka_unit_test(ours),     cmocka_unit_test(not_mail),
        cmocka_unit_test(nested),    cmocka_unit_test(large),   cmocka_unit_test(bombs), cmocka_unit_test(lies),     cmocka_unit_test(sentences)};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
