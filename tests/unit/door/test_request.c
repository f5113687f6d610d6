/* Frames of requests, replies and notices: there and back, and damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/request.h"

static const struct request sample = {
    .id = 0x0102030405060708,
    .door = DOOR_CONSOLE,
    .method = SPAN_LIT("PUT"),
    .path = SPAN_LIT("/api/v1/devices/x/name"),
    .query = SPAN_LIT("a=b"),
    .session = SPAN_LIT("token"),
    .csrf = SPAN_LIT("csrf"),
    .bearer = SPAN_LIT("tqt_1"),
    .if_match = SPAN_LIT("\"7\""),
    .if_none_match = SPAN_LIT("\"8\""),
    .language = SPAN_LIT("es, en"),
    .peer = SPAN_LIT("10.0.0.5"),
    .body = SPAN_LIT("{\"name\":\"Chem 2\"}"),
};

static void requests_come_back(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(65536);
    struct request r;
    struct error e = {0};
    request_encode(&b, &sample);
    assert_int_equal(request_decode(buf_span(&b), &r, &e), 0);
    assert_int_equal(r.id, sample.id);
    assert_int_equal(r.door, DOOR_CONSOLE);
    const struct span pairs[][2] = {
        {r.method, sample.method},     {r.path, sample.path},     {r.query, sample.query},       {r.session, sample.session},
        {r.csrf, sample.csrf},         {r.bearer, sample.bearer}, {r.if_match, sample.if_match}, {r.if_none_match, sample.if_none_match},
        {r.language, sample.language}, {r.peer, sample.peer},     {r.body, sample.body}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_true(span_equal(pairs[i][0], pairs[i][1]));
    buf_release(&b);
}

static void replies_and_notices_come_back(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(65536);
    struct error e = {0};
    struct reply in = {.id = 5,
                       .status = 201,
                       .type = SPAN_LIT("application/json"),
                       .etag = SPAN_LIT("41"),
                       .set_session = SPAN_LIT("t"),
                       .clear_session = true,
                       .body = SPAN_LIT("{}")};
    struct reply out;
    reply_encode(&b, &in);
    assert_int_equal(reply_decode(buf_span(&b), &out, &e), 0);
    assert_int_equal(out.id, 5);
    assert_int_equal(out.status, 201);
    assert_true(out.clear_session);
    assert_true(span_is(out.type, "application/json") && span_is(out.etag, "41") && span_is(out.set_session, "t") && span_is(out.body, "{}"));
    buf_clear(&b);
    struct notice n = {.topic = SPAN_LIT("findings"), .id = SPAN_LIT("f1"), .etag = SPAN_LIT("9")};
    struct notice back;
    notice_encode(&b, &n);
    assert_int_equal(notice_decode(buf_span(&b), &back, &e), 0);
    assert_true(span_is(back.topic, "findings") && span_is(back.id, "f1") && span_is(back.etag, "9"));
    buf_release(&b);
}

static void damage_is_noticed(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(65536);
    struct request r;
    struct reply reply;
    struct error e = {0};
    request_encode(&b, &sample);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(request_decode(span_of(b.p, n), &r, &e), -1); /* cut anywhere */
    assert_int_equal(e.class, ERR_PEER);
    buf_u8(&b, 0);
    assert_int_equal(request_decode(buf_span(&b), &r, &e), -1); /* and something behind it */
    b.n--;
    assert_int_equal(reply_decode(buf_span(&b), &reply, &e), -1); /* a request is no reply */
    for (unsigned door = 0; door < 256; door++) {
        b.p[9] = (uint8_t)door;
        bool known = door >= DOOR_CONSOLE && door <= DOOR_MAIL;
        assert_int_equal(request_decode(buf_span(&b), &r, &e), known ? 0 : -1); /* through no door that is none */
    }
    buf_clear(&b);
    static uint8_t large[REQUEST_TEXT_MAX + 1];
    struct request fat = sample;
    fat.query = span_of(large, sizeof large);
    request_encode(&b, &fat);
    assert_int_equal(request_decode(buf_span(&b), &r, &e), -1);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(requests_come_back), cmocka_unit_test(replies_and_notices_come_back),
                                       cmocka_unit_test(damage_is_noticed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
