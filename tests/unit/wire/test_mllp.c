/* MLLP framing: whole, cut at every byte, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/mllp.h"

/* Events as text: S start, R restart, E end, e end without CR, J(bytes) junk, content as it is; C where the stream ends inside a block. */
static void feed(struct mllp *m, struct span in, struct buf *out)
{
    struct span got = {0};
    for (;;) {
        enum mllp_event event = mllp_next(m, &in, &got);
        switch (event) {
        case MLLP_MORE: assert_int_equal(in.n, 0); return;
        case MLLP_START: buf_add_str(out, "<S>"); break;
        case MLLP_RESTART: buf_add_str(out, "<R>"); break;
        case MLLP_END: buf_add_str(out, m->end_without_cr ? "<e>" : "<E>"); break;
        case MLLP_JUNK:
            buf_add_str(out, "<J>");
            buf_add_span(out, got);
            break;
        case MLLP_CONTENT:
            assert_true(got.n > 0);
            buf_add_span(out, got);
            break;
        }
    }
}

static void expect(const char *stream, size_t n, bool any, const char *want)
{
    for (size_t step = 1; step <= n; step++) {
        struct mllp m = {.any_block = any};
        struct buf out = BUF_INIT(4096);
        for (size_t at = 0; at < n; at += step)
            feed(&m, span_of(stream + at, n - at < step ? n - at : step), &out);
        /* junk comes in pieces when the input does: only its bytes matter */
        struct buf joined = BUF_INIT(4096);
        bool junk = false;
        for (size_t i = 0; i < out.n; i++) {
            if (i + 3 <= out.n && memcmp(out.p + i, "<J>", 3) == 0) {
                if (!junk)
                    buf_add_str(&joined, "<J>");
                junk = true;
                i += 2;
                continue;
            }
            if (out.p[i] == '<')
                junk = false;
            buf_u8(&joined, out.p[i]);
        }
        assert_string_equal(buf_text(&joined), want);
        buf_release(&joined);
        buf_release(&out);
    }
}

#define EXPECT(stream, any, want) expect((stream), sizeof(stream) - 1, (any), (want))

static void blocks(void **state)
{
    (void)state;
    EXPECT("\x0bMSH|^~\\&|a\r\x1c\r", false, "<S>MSH|^~\\&|a\r<E>");
    EXPECT("\x0bMSH|^~\\&|a\r\x1c\r\x0bMSH|^~\\&|b\r\x1c\r", false, "<S>MSH|^~\\&|a\r<E><S>MSH|^~\\&|b\r<E>");
    EXPECT("\x0b"
           "FHS|^~\\&|a\r\x1c\r",
           false, "<S>FHS|^~\\&|a\r<E>");
    EXPECT("\x0bMSH|^~\\&|\x1c\r\x0b\x06\x1c\r", true, "<S>MSH|^~\\&|<E><S>\x06<E>"); /* release 2: a commit block */
}

static void damaged(void **state)
{
    (void)state;
    EXPECT("xx\x0byy\x0b\x0bMSH|^~\\&|a\x1c\rzz", false, "<J>xx\x0byy\x0b<S>MSH|^~\\&|a<E><J>zz");
    EXPECT("\x0bMSH|^~\\&|a\r\x0bMSH|^~\\&|b\r\x1c\r", false, "<S>MSH|^~\\&|a\r<R>MSH|^~\\&|b\r<E>");
    EXPECT("\x0bMSH|^~\\&|a\x0b"
           "b\x0bMSHx\x1c\r",
           false,
           "<S>MSH|^~\\&|a\x0b"
           "b\x0bMSHx<E>"); /* stray 0x0B are data */
    EXPECT("\x0bMSH|^~\\&|a\x1c"
           "b\x1c\r",
           false,
           "<S>MSH|^~\\&|a\x1c"
           "b<E>");
    EXPECT("\x0bMSH|^~\\&|a\x1c\x1c\r", false, "<S>MSH|^~\\&|a\x1c<E>");
    EXPECT("\x0bMSH|^~\\&|a\x1c\x0bMSH|^~\\&|b\x1c\r", false, "<S>MSH|^~\\&|a<e><S>MSH|^~\\&|b<E>");
    EXPECT("\x0bMSH|^~\\&|a\x1c\n\x0bMSH|^~\\&|b\x1c\r", false, "<S>MSH|^~\\&|a<e><S>MSH|^~\\&|b<E>");
    EXPECT("\x0bhello\x1c\r", false, "<J>\x0bhello\x1c\r");
    EXPECT("\x0bhello\x1c\r", true, "<S>hello<E>");
    EXPECT("\x0bMSHabc\x1c\r", false, "<J>\x0bMSHabc\x1c\r"); /* letters are no delimiters */
}

static void ends(void **state)
{
    (void)state;
    struct mllp m = {0};
    struct buf out = BUF_INIT(256);
    feed(&m, SPAN_LIT("\x0bMSH|^~\\&|a\x1c"), &out);
    assert_int_equal(mllp_close(&m), MLLP_END);
    assert_true(m.end_without_cr);
    feed(&m, SPAN_LIT("\x0bMSH|^~\\&|a"), &out);
    assert_int_equal(mllp_close(&m), MLLP_RESTART);
    assert_int_equal(mllp_close(&m), MLLP_MORE);
    buf_release(&out);
}

static void switched_while_held(void **state)
{
    (void)state;
    struct mllp m = {0};
    struct buf out = BUF_INIT(256);
    feed(&m, SPAN_LIT("\x0b"), &out);
    m.any_block = true;
    feed(&m, SPAN_LIT("\x15\x1c\r"), &out);
    assert_string_equal(buf_text(&out), "<S>\x15<E>");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(blocks), cmocka_unit_test(damaged), cmocka_unit_test(ends),
                                       cmocka_unit_test(switched_while_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
