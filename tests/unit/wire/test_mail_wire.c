/* Mail as it is written by those who mean well, by those who do not, and by programs that never read an RFC. */
#include "base/text.h"
#include "wire/attachment.h"
#include "wire/html.h"
#include "wire/mail_head.h"
#include "wire/mail_tree.h"
#include "wire/ole.h"
#include "wire/url.h"
#include "wire/zip.h"

#include "../cmocka_all.h"

#include <stdlib.h>

static void is_text(struct buf *b, const char *want)
{
    assert_string_equal(buf_text(b), want);
    buf_release(b);
}

static void fields(void **state)
{
    (void)state;
    struct span m = span_str("From nobody Thu Jan  1\nSubject: a\n folded\n\tline\nno field\nX-Y : b\r\nsubject:second\n\nBody: not a field\n");
    struct span v;
    assert_true(mail_field_find(m, "subject", 0, &v));
    struct buf b = BUF_INIT(1000);
    mail_words_decode(&b, v);
    is_text(&b, "a folded line");
    assert_true(mail_field_find(m, "SUBJECT", 1, &v) && span_is(v, "second"));
    assert_true(mail_field_find(m, "x-y", 0, &v) && span_is(v, "b"));
    assert_false(mail_field_find(m, "body", 0, &v));
    struct mail_field f;
    size_t n = 0;
    while (mail_field_next(&m, &f))
        n++;
    assert_int_equal(n, 3);
    assert_true(span_is(m, "Body: not a field\n"));
}

static void words_are(const char *raw, const char *want)
{
    struct buf b = BUF_INIT(1000);
    mail_words_decode(&b, span_str(raw));
    is_text(&b, want);
}

static void encoded_words(void **state)
{
    (void)state;
    words_are("=?utf-8?B?wqFIb2xhIQ==?= =?iso-8859-1?q?_caf=E9?=", "\xc2\xa1Hola! caf\xc3\xa9");
    words_are("a =?utf-8?q?b?= c", "a b c");
    words_are("=?utf-8?q?never ends", "=?utf-8?q?never ends");
    words_are("=?no-such-set?q?caf=E9?=", "caf\xc3\xa9");
    words_are("=?us-ascii?q?caf=E9?=", "caf\xc3\xa9"); /* a lie */
    words_are("=?koi8?b?!!!?=", "");
    words_are("=?utf-8*es?q?x?=", "x"); /* RFC 2231, section 5 */
    words_are("tab\tand\x01"
              "control",
              "tab and control");
}

static void addresses(void **state)
{
    (void)state;
    struct span list = span_str(
        "\"Ruiz, Ana\" <ana@lab.example>, tom@lab.example (Tom), , \"a@b.example\" <c@d.example>; @x,@y:z@w.example, <broken");
    static const char *const want[] = {"ana@lab.example", "tom@lab.example", "c@d.example"};
    struct mail_address a;
    for (size_t i = 0; i < 3; i++) {
        assert_true(mail_address_next(&list, &a));
        assert_true(span_is(a.address, want[i]));
    }
    while (mail_address_next(&list, &a)) {
    }
    struct span one = span_str("\"billing@bank.example\" <x@evil.example>");
    assert_true(mail_address_next(&one, &a));
    struct buf b = BUF_INIT(100);
    mail_display_decode(&b, a.display);
    is_text(&b, "billing@bank.example");
    assert_true(span_is(mail_domain(a.address), "evil.example"));
}

static void parameter_is(const char *value, const char *name, const char *want)
{
    struct buf b = BUF_INIT(1000);
    if (want == NULL)
        assert_false(mail_parameter(span_str(value), name, &b));
    else
        assert_true(mail_parameter(span_str(value), name, &b));
    is_text(&b, want == NULL ? "" : want);
}

static void parameters(void **state)
{
    (void)state;
    parameter_is("multipart/mixed; boundary=\"a;b\\\"c\"", "boundary", "a;b\"c");
    parameter_is("text/plain; charset=utf-8", "charset", "utf-8");
    parameter_is("attachment; filename*=UTF-8''na%C3%AFve.pdf", "filename", "na\xc3\xafve.pdf");
    parameter_is("attachment; filename*1=\"b.exe\"; filename*0=\"a.pdf\"", "filename", "a.pdfb.exe");
    parameter_is("attachment; filename*0*=iso-8859-1''caf%E9; filename*1*=.exe", "filename", "caf\xc3\xa9.exe");
    parameter_is("attachment; filename=\"=?utf-8?q?a=2Eexe?=\"", "filename", "a.exe");
    parameter_is("text/plain", "charset", NULL);
    parameter_is("x; filename", "filename", NULL);
}

static void transfer(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(100);
    mail_base64_decode(&b, span_str("SGVs\r\nbG8=!!IHdvcmxk"));
    is_text(&b, "Hello world");
    b = BUF_INIT(5);
    mail_base64_decode(&b, span_str("SGVsbG8gd29ybGQ="));
    assert_int_equal(b.n, 5);
    assert_true(buf_ok(&b));
    buf_release(&b);
    b = BUF_INIT(100);
    mail_quoted_decode(&b, span_str("caf=C3=A9 =\r\nsoft=\n=zz=3"));
    is_text(&b, "caf\xc3\xa9 soft=zz=3");
}

static void charset_is(const char *set, const char *bytes, const char *want, bool lie)
{
    struct buf b = BUF_INIT(1000);
    assert_int_equal(mail_charset_decode(&b, span_str(set), span_str(bytes)), lie);
    assert_true(text_is_utf8(buf_span(&b)));
    is_text(&b, want);
}

static void charsets(void **state)
{
    (void)state;
    charset_is("utf-8", "caf\xe9", "caf\xc3\xa9", true);
    charset_is("utf-16", "plain text after all", "plain text after all", true);
    charset_is("iso-2022-jp", "\x1b$B$3\x1b(B", "\xe3\x81\x93", false);
    charset_is("windows-1252", "\x93quoted\x94", "\xe2\x80\x9cquoted\xe2\x80\x9d", false);
    charset_is("gb2312", "\xc4\xe3\xba\xc3", "\xe4\xbd\xa0\xe5\xa5\xbd", false);
    charset_is("does-not-exist", "caf\xc3\xa9", "caf\xc3\xa9", true);
}

static struct mail_tree *tree(const char *message)
{
    struct mail_tree *t = malloc(sizeof *t);
    assert_non_null(t);
    mail_tree_read(t, span_str(message));
    return t;
}

static void trees(void **state)
{
    (void)state;
    struct mail_tree *t = tree("Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\none\n--b\nContent-Type: TEXT/HTML; "
                               "charset=x\n\n<p>\n--bad\n--b--\nepilogue\n");
    assert_int_equal(t->n, 3);
    assert_true(span_is(t->parts[1].body, "one"));
    assert_string_equal(t->parts[2].type, "text/html");
    assert_true(span_is(t->parts[2].body, "<p>\n--bad"));
    assert_false(t->unclosed);
    free(t);
    t = tree("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnever closed");
    assert_true(t->unclosed && t->n == 2);
    free(t);
    t = tree("Content-Type: multipart/mixed\n\nno boundary");
    assert_true(t->unclosed && t->n == 1);
    free(t);
    t = tree("Content-Type: message/rfc822\n\nSubject: inner\n\ntext");
    assert_true(t->n == 2 && t->parts[0].message && t->parts[1].inner);
    free(t);
}

static void nesting(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(1U << 20);
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i);
    buf_add_str(&b, "\nthe end\n");
    struct mail_tree *t = tree(buf_text(&b));
    assert_true(t->too_deep);
    assert_true(t->n <= MAIL_DEPTH);
    free(t);
    buf_clear(&b);
    buf_add_str(&b, "Content-Type: multipart/mixed; boundary=b\n\n");
    for (int i = 0; i < 1000; i++)
        buf_add_str(&b, "--b\n\nx\n");
    buf_add_str(&b, "--b--\n");
    t = tree(buf_text(&b));
    assert_true(t->too_many && t->n == MAIL_PARTS);
    free(t);
    buf_release(&b);
}

static void tokens(void **state)
{
    (void)state;
    struct html h = html_of(
        span_str("a < b<A HREF='x>y' title=\"q\"  class=z>te&amp;xt</a><!-- c --><script>if (a<b) \"</div>\"</SCRIPT>d<br/><img src=x"));
    struct html_token t;
    struct buf b = BUF_INIT(2000);
    while (html_next(&h, &t) != HTML_END) {
        struct span v = {0};
        if (t.kind == HTML_OPEN)
            buf_addf(&b, "[%s", t.name);
        if (t.kind == HTML_OPEN && html_attribute(&t, "href", &v))
            buf_addf(&b, " %.*s", (int)v.n, (const char *)v.p);
        if (t.kind == HTML_OPEN)
            buf_add_str(&b, "]");
        if (t.kind == HTML_CLOSE)
            buf_addf(&b, "[/%s]", t.name);
        if (t.kind == HTML_TEXT)
            html_decode(&b, t.text);
        if (t.kind == HTML_RAW)
            buf_addf(&b, "{%.*s}", (int)t.text.n, (const char *)t.text.p);
        if (t.kind == HTML_COMMENT)
            buf_add_str(&b, "!");
    }
    is_text(&b, "a < b[a x>y]te&xt[/a]![script]{if (a<b) \"</div>\"}[/script]d[br][img]");
}

static void references(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(200);
    html_decode(&b, span_str("&#104;&#x74;tp&colon;&#47;/&lt;x&bogus;&#x110000;&#;"));
    is_text(&b, "http://<x&bogus;\xef\xbf\xbd&#;");
}

static void url_is(const char *text, const char *host, bool ip, bool dressed, bool userinfo)
{
    struct buf scratch = BUF_INIT(4096);
    struct url u;
    assert_true(url_read(span_str(text), &scratch, &u));
    assert_string_equal(u.host, host);
    assert_int_equal(u.ip, ip);
    assert_int_equal(u.dressed, dressed);
    assert_int_equal(u.userinfo.n > 0, userinfo);
    buf_release(&scratch);
}

static void urls(void **state)
{
    (void)state;
    url_is("HTTP://WWW.Bank.Example./path", "www.bank.example", false, false, false);
    url_is("https://bank.example@evil.example/", "evil.example", false, false, true);
    url_is("https:\\\\evil.example\\x", "evil.example", false, false, false);
    url_is("https:///evil.example", "evil.example", false, false, false);
    url_is("http://192.0.2.1:81/x", "192.0.2.1", true, false, false);
    url_is("http://0xc0000201/", "0xc0000201", true, true, false);
    url_is("http://3221225985/", "3221225985", true, true, false);
    url_is("http://[2001:db8::1]:8443/", "[2001:db8::1]", true, false, false);
    url_is("http://ev%69l.example/", "evil.example", false, true, false);
    url_is("ht\ntp://a.exa\tmple/", "a.example", false, false, false);
    struct buf scratch = BUF_INIT(4096);
    struct url u;
    assert_false(url_read(span_str("nothing"), &scratch, &u));
    assert_false(url_read(span_str("unknown://x"), &scratch, &u));
    assert_true(url_read(span_str("https://h.example:99/p/q?x=1&y#frag"), &scratch, &u));
    assert_true(u.port == 99 && span_is(u.path, "/p/q") && span_is(u.query, "x=1&y") && span_is(u.fragment, "frag"));
    buf_release(&scratch);
    struct span text = span_str("see (https://a.example/x). or www.b.example, not ahttp://c");
    struct span found;
    assert_true(url_next(&text, &found) && span_is(found, "https://a.example/x"));
    assert_true(url_next(&text, &found) && span_is(found, "www.b.example"));
    assert_false(url_next(&text, &found));
    char host[URL_HOST];
    assert_true(url_shown_host(span_str("www.bank.example/login"), host));
    assert_string_equal(host, "www.bank.example");
    assert_false(url_shown_host(span_str("Click here"), host));
    assert_false(url_shown_host(span_str("report.v2"), host));
    struct buf b = BUF_INIT(100);
    assert_true(url_punycode(span_str("xn--mnchen-3ya"), &b));
    is_text(&b, "m\xc3\xbcnchen");
    assert_false(url_punycode(span_str("xn--99999999999"), &b));
    buf_release(&b);
}

static void archives(void **state)
{
    (void)state;
    static const char zip[] = "PK\3\4\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\5\0\0\0a.exehi"
                              "PK\1\2\x14\0\x14\0\1\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a.exe"
                              "PK\5\6\0\0\0\0\1\0\1\0\x33\0\0\0\x25\0\0\0\0\0";
    struct zip z;
    struct zip_entry e;
    assert_true(zip_open(&z, span_of(zip, sizeof zip - 1)));
    assert_true(z.central);
    assert_true(zip_next(&z, &e));
    assert_true(span_is(e.name, "a.exe") && e.encrypted && span_is(e.data, "hi"));
    assert_false(zip_next(&z, &e));
    assert_true(zip_open(&z, span_of(zip, 37))); /* the end is missing */
    assert_true(!z.central && zip_next(&z, &e) && span_is(e.name, "a.exe"));
    for (size_t n = 0; n < sizeof zip; n++) /* cut anywhere */
        if (zip_open(&z, span_of(zip, n)))
            while (zip_next(&z, &e)) {
            }
    struct ole o;
    uint8_t file[512 + 512] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};
    struct ole_entry entry;
    file[30] = 9;
    file[512] = 'V', file[514] = 'B', file[516] = 'A', file[512 + 64] = 8, file[512 + 66] = 1;
    assert_true(ole_open(&o, span_of(file, sizeof file)));
    assert_true(ole_next(&o, &entry));
    assert_string_equal(entry.name, "vba");
    while (ole_next(&o, &entry)) { /* ends, although the table leads in a circle */
    }
}

static void names(void **state)
{
    (void)state;
    const char *type = NULL;
    assert_true(attachment_name_lies(span_str("invoice.pdf.exe")));
    assert_true(attachment_name_lies(span_str("cv\xe2\x80\xae"
                                              "fdp.exe")));
    assert_true(attachment_name_lies(span_str("photo.jpg                    .scr")));
    assert_false(attachment_name_lies(span_str("report.final.pdf")));
    assert_false(attachment_name_lies(span_str("backup.tar.gz")));
    assert_true((attachment_name(span_str("A.JS "), &type) & ATTACHMENT_SCRIPT) != 0);
    (void)attachment_name(span_str("x.pdf"), &type);
    assert_string_equal(type, "pdf");
}

static void contents(void **state)
{
    (void)state;
    assert_string_equal(attachment_type(span_str("%PDF-1.7\n")), "pdf");
    assert_string_equal(attachment_type(span_str("\n\n<!DOCTYPE html><p>")), "html");
    assert_string_equal(attachment_type(span_str("<svg xmlns='x'></svg>")), "svg");
    assert_true((attachment_look("pdf", span_str("%PDF /OpenAction << /S /JavaScript /JS (x) >>")) & ATTACHMENT_ACTION) != 0);
    assert_int_equal(attachment_look("pdf", span_str("%PDF /Title (nothing)")), 0);
    assert_true((attachment_look("rtf", span_str("{\\rtf1{\\object\\objupdate{\\*\\objdata 01}}}")) & ATTACHMENT_OBJECT) != 0);
    struct span rest = span_str("<< /URI (https://a.example/\\(x\\)) >> /URI(b)");
    struct span uri;
    assert_true(attachment_pdf_uri(&rest, &uri) && span_is(uri, "https://a.example/\\(x\\)"));
    assert_true(attachment_pdf_uri(&rest, &uri) && span_is(uri, "b"));
    assert_false(attachment_pdf_uri(&rest, &uri));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields),     cmocka_unit_test(encoded_words), cmocka_unit_test(addresses),
                                       cmocka_unit_test(parameters), cmocka_unit_test(transfer),      cmocka_unit_test(charsets),
                                       cmocka_unit_test(trees),      cmocka_unit_test(nesting),       cmocka_unit_test(tokens),
                                       cmocka_unit_test(references), cmocka_unit_test(urls),          cmocka_unit_test(archives),
                                       cmocka_unit_test(names),      cmocka_unit_test(contents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
