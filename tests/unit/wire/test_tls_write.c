/* The TLS encoder: the decoder finds the server's name, and every record is as long as it says. */
#include "wire/tls.h"
#include "wire/tls_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_client_hello(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(65536);
    struct tls_hello_write hello = {.server_name = "ehr.example.com", .alpn = "h2"};
    struct tls_hello found;
    tls_write_client_hello(&b, &hello);
    assert_int_equal(tls_hello_decode(buf_span(&b), &found), TLS_HELLO_OK);
    assert_true(span_is(found.name, "ehr.example.com"));
    assert_int_equal(found.version, 0x0303);
    assert_int_equal(b.p[3] << 8 | b.p[4], b.n - 5);
    assert_int_equal(tls_hello_decode(span_of(b.p, b.n - 1), &found), TLS_HELLO_MORE);
    buf_clear(&b);
    hello.server_name = NULL;
    tls_write_client_hello(&b, &hello);
    assert_int_equal(tls_hello_decode(buf_span(&b), &found), TLS_HELLO_OK);
    assert_int_equal(found.name.n, 0);
    buf_release(&b);
}

static void test_other_records(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(65536);
    struct tls_hello_write hello = {0};
    struct tls_hello found;
    tls_write_server_hello(&b, &hello);
    assert_int_equal(b.p[5], 2);
    assert_int_equal(b.p[3] << 8 | b.p[4], b.n - 5);
    assert_int_equal(b.p[6] << 16 | b.p[7] << 8 | b.p[8], b.n - 9);
    assert_int_equal(tls_hello_decode(buf_span(&b), &found), TLS_HELLO_NONE);
    buf_clear(&b);
    uint8_t *much = calloc(1, 16641);
    tls_write_record(&b, TLS_APPLICATION, span_of(much, 16640));
    assert_int_equal(b.n, 16645);
    tls_write_record(&b, TLS_APPLICATION, span_of(much, 16641));
    assert_false(buf_ok(&b));
    free(much);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_client_hello), cmocka_unit_test(test_other_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
