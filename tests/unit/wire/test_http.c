/* HTTP/1.x framing: where bodies are, however the stream is cut; what is not guessed. */
#include "wire/http.h"

#include "base/buf.h"

#include "../cmocka_all.h"

/* One line of text for what comes: H header, the body in brackets, E end, X bad. */
static void events(struct http_reader *r, struct span in, size_t step, bool head_answer, struct buf *out)
{
    bool open = false;
    while (in.n > 0) {
        struct span piece = span_take(&in, in.n < step ? in.n : step);
        struct span got;
        for (;;) {
            enum http_event e = http_next(r, &piece, &got);
            if (e == HTTP_MORE)
                break;
            if (e == HTTP_HEAD)
                r->bodiless = head_answer;
            if (e == HTTP_BODY && !open)
                buf_add_str(out, "[");
            if (e != HTTP_BODY && open)
                buf_add_str(out, "]");
            open = e == HTTP_BODY;
            if (open)
                buf_add_span(out, got);
            else
                buf_add_str(out, e == HTTP_HEAD ? "H" : e == HTTP_END ? "E" : "X");
            if (e == HTTP_BAD)
                return;
        }
    }
    if (open)
        buf_add_str(out, "]");
}

static void reads(bool response, bool head_answer, const char *stream, const char *want)
{
    for (size_t step = 1; step <= strlen(stream); step++) {
        struct http_reader r = {.response = response};
        struct buf out = BUF_INIT(65536);
        events(&r, span_str(stream), step, head_answer, &out);
        /* a body that is handed over in pieces, with chunks between them, is one body */
        char joined[1024];
        size_t n = 0;
        const char *text = buf_text(&out);
        for (size_t i = 0; text[i] != 0; i++)
            if (strncmp(text + i, "][", 2) == 0)
                i++;
            else
                joined[n++] = text[i];
        joined[n] = 0;
        if (strcmp(joined, want) != 0)
            fail_msg("in steps of %zu: %s, not %s, of %s", step, joined, want, stream);
        buf_release(&out);
    }
}

static void framing(void **state)
{
    (void)state;
    reads(false, false, "GET / HTTP/1.1\r\nHost: x\r\n\r\nPOST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc\r\nGET / HTTP/1.1\r\n\r\n", "HEH[abc]EHE");
    reads(false, false,
          "POST /a HTTP/1.1\nTransfer-Encoding: gzip, Chunked\nContent-Length: 99\n\n3;x=y\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\nGET "
          "/ HTTP/1.1\r\n\r\n",
          "H[abc0123456789]EHE");
    reads(true, false,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nHTTP/1.0 200 "
          "OK\r\n\r\nto the end",
          "HEH[ok]EHEH[to the end]");
    reads(true, true, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEHE");
    reads(false, false, "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "HEH[x]E");
}

static void not_guessed(void **state)
{
    (void)state;
    reads(false, false, "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", "X");
    reads(false, false, "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", "X");
    reads(false, false, "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nx", "X");
    reads(false, false, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HX");
    reads(false, false, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", "H[x]X");
    reads(false, false, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n", "HX");
    reads(true, false, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\nxx", "X");
    reads(true, false, "HTTP/2 200\r\n\r\n", "X");
    reads(false, false, "post / HTTP/1.1\r\n\r\n", "X");
    struct http_reader r = {0};
    struct span got;
    struct span in = SPAN_LIT("GET / HTTP/1.1\r\n");
    assert_int_equal(http_next(&r, &in, &got), HTTP_MORE);
    for (int i = 0; i < 700; i++) { /* a header without end */
        in = SPAN_LIT("X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
        if (http_next(&r, &in, &got) == HTTP_BAD)
            return;
    }
    fail_msg("it was read");
}

static void headers(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool hl7;
        const char *charset;
    } types[] = {
        {"application/hl7-v2; charset=ISO-8859-1", true, "ISO-8859-1"},
        {"x-application/hl7-v2+er7; charset=\"utf-8\"", true, "utf-8"},
        {"application/hl7-v2+xml", false, ""},
        {"text/plain;charset=utf-16", false, "utf-16"},
        {"application/json", false, ""},
        {"text/plain; charset=much-longer-than-any-name-of-a-set", false, ""},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct buf b = BUF_INIT(4096);
        struct http_reader r = {0};
        struct span got;
        buf_addf(&b, "POST / HTTP/1.1\r\nContent-Type: %s\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", types[i].type);
        struct span in = buf_span(&b);
        assert_int_equal(http_next(&r, &in, &got), HTTP_HEAD);
        assert_int_equal(r.hl7, types[i].hl7);
        assert_true(r.coded);
        assert_true(span_is(span_of(r.charset, r.charset_n), types[i].charset));
        buf_release(&b);
    }
    assert_int_equal(http_signature(SPAN_LIT("PO")), 0);
    assert_int_equal(http_signature(SPAN_LIT("POST ")), 1);
    assert_int_equal(http_signature(SPAN_LIT("HTTP/1.1 2")), 1);
    assert_int_equal(http_signature(SPAN_LIT("HEL")), -1);
}

static void holes(void **state)
{
    (void)state;
    struct http_reader r = {0};
    struct span got;
    struct span in = SPAN_LIT("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nab");
    while (http_next(&r, &in, &got) != HTTP_MORE)
        ;
    assert_true(http_gap(&r, 7));
    in = SPAN_LIT("xGET / HTTP/1.1\r\n\r\n");
    assert_int_equal(http_next(&r, &in, &got), HTTP_BODY);
    assert_true(span_is(got, "x"));
    assert_int_equal(http_next(&r, &in, &got), HTTP_END);
    assert_int_equal(http_next(&r, &in, &got), HTTP_HEAD);
    assert_false(http_gap(&r, 1));
    assert_int_equal(http_next(&r, &in, &got), HTTP_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing),
        cmocka_unit_test(not_guessed),
        cmocka_unit_test(headers),
        cmocka_unit_test(holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
