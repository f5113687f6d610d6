/* What devices say first: DHCP and the TLS hello. */
#include "base/buf.h"
#include "wire/dhcp.h"
#include "wire/tls.h"

#include "../cmocka_all.h"

#include <stdlib.h>

static void dhcp_head(struct buf *b, uint8_t operation)
{
    static const uint8_t zeros[202] = {0};
    buf_u8(b, operation);
    buf_add(b, "\x01\x06\x00", 3);
    buf_add(b, zeros, 8);
    buf_add(b, "\x0a\x00\x00\x09", 4); /* client */
    buf_add(b, "\x0a\x00\x00\x0a", 4); /* yours */
    buf_add(b, zeros, 8);
    buf_add(b, "\x02\x00\x00\x00\x00\x01", 6);
    buf_add(b, zeros, 202);
    buf_add(b, "\x63\x82\x53\x63", 4);
}

static void dhcp_options(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    dhcp_head(&b, 1);
    buf_add(&b, "\x35\x01\x03", 3);
    buf_add(&b, "\x00\x00", 2); /* padding */
    buf_add(&b,
            "\x0c\x06"
            "XP-300",
            8);
    buf_add(&b,
            "\x3c\x08"
            "MSFT 5.0",
            10);
    buf_add(&b, "\x32\x04\x0a\x00\x00\x0b", 6);
    buf_add(&b, "\x36\x04\x0a\x00\x00\x01", 6);
    buf_add(&b, "\xff", 1);
    struct dhcp d;
    assert_true(dhcp_decode(buf_span(&b), &d));
    assert_false(d.reply);
    assert_int_equal(d.type, DHCP_REQUEST);
    assert_memory_equal(d.mac, "\x02\0\0\0\0\x01", 6);
    assert_memory_equal(d.client_ip, "\x0a\0\0\x09", 4);
    assert_memory_equal(d.your_ip, "\x0a\0\0\x0a", 4);
    assert_memory_equal(d.requested_ip, "\x0a\0\0\x0b", 4);
    assert_memory_equal(d.server_ip, "\x0a\0\0\x01", 4);
    assert_true(span_is(d.hostname, "XP-300"));
    assert_true(span_is(d.vendor, "MSFT 5.0"));
    /* every cut gives an answer and reads nothing behind its end */
    for (size_t n = 0; n <= b.n; n++) {
        uint8_t *copy = malloc(n == 0 ? 1 : n);
        assert_non_null(copy);
        memcpy(copy, b.p, n);
        assert_int_equal(dhcp_decode(span_of(copy, n), &d), n >= 240);
        free(copy);
    }
    buf_release(&b);
}

static void dhcp_qualified_names(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(4096);
    struct dhcp d;
    dhcp_head(&b, 2);
    buf_add(&b,
            "\x51\x0a\x00\x00\x00"
            "lis.lab",
            12);
    b.p[b.n - 8] = 0;
    assert_true(dhcp_decode(buf_span(&b), &d));
    assert_true(d.reply);
    buf_release(&b);
    dhcp_head(&b, 1);
    buf_add(&b,
            "\x51\x0c\x04\x00\x00\x03"
            "lis\x03"
            "lab\x00",
            14);
    assert_true(dhcp_decode(buf_span(&b), &d));
    assert_true(span_is(d.hostname, "lis"));
    buf_release(&b);
    dhcp_head(&b, 1);
    buf_add(&b,
            "\x0c\x05"
            "ABC\0\0",
            7); /* counted with its zeros */
    assert_true(dhcp_decode(buf_span(&b), &d));
    assert_true(span_is(d.hostname, "ABC"));
    b.p[236] ^= 1; /* the cookie */
    assert_false(dhcp_decode(buf_span(&b), &d));
    buf_release(&b);
}

/* A ClientHello in one record, with the server name extension's content as given. */
static void client_hello(struct buf *b, const char *name, size_t filler)
{
    static const uint8_t zeros[8000] = {0};
    size_t list = 3 + strlen(name);
    size_t extensions = 4 + filler + 4 + 2 + list;
    size_t message = 2 + 32 + 1 + 2 + 2 + 2 + 2 + extensions;
    buf_add(b, "\x16\x03\x01", 3);
    buf_be16(b, (uint16_t)(message + 4));
    buf_u8(b, 1);
    buf_be24(b, (uint32_t)message);
    buf_add(b, "\x03\x03", 2);
    buf_add(b, zeros, 32);
    buf_add(b, "\x00\x00\x02\x13\x01\x01\x00", 7);
    buf_be16(b, (uint16_t)extensions);
    buf_be16(b, 21); /* padding in front */
    buf_be16(b, (uint16_t)filler);
    buf_add(b, zeros, filler);
    buf_be16(b, 0);
    buf_be16(b, (uint16_t)(2 + list));
    buf_be16(b, (uint16_t)list);
    buf_u8(b, 0);
    buf_be16(b, (uint16_t)strlen(name));
    buf_add_str(b, name);
}

static void tls_names(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(16384);
    client_hello(&b, "lis.example", 1800);
    struct tls_hello h;
    assert_int_equal(tls_hello_decode(buf_span(&b), &h), TLS_HELLO_OK);
    assert_true(span_is(h.name, "lis.example"));
    assert_int_equal(h.version, 0x0303);
    for (size_t n = 0; n < b.n; n++) {
        uint8_t *copy = malloc(n == 0 ? 1 : n);
        assert_non_null(copy);
        memcpy(copy, b.p, n);
        assert_int_equal(tls_hello_decode(span_of(copy, n), &h), n == 0 ? TLS_HELLO_NONE : TLS_HELLO_MORE);
        free(copy);
    }
    buf_release(&b);
    client_hello(&b, "lis example\n", 0); /* no host name */
    assert_int_equal(tls_hello_decode(buf_span(&b), &h), TLS_HELLO_OK);
    assert_int_equal(h.name.n, 0);
    buf_release(&b);
}

static void what_is_no_hello(void **state)
{
    (void)state;
    struct tls_hello h;
    assert_int_equal(tls_hello_decode(SPAN_LIT("GET / HTTP/1.1\r\n"), &h), TLS_HELLO_NONE);
    assert_int_equal(tls_hello_decode(span_of("\x17\x03\x03\x00\x10", 5), &h), TLS_HELLO_NONE);
    assert_int_equal(tls_hello_decode(span_of("\x16\x03\x01\xff\xff\x01\x00\xff\xfb", 9), &h), TLS_HELLO_NONE);
    struct buf b = BUF_INIT(16384);
    client_hello(&b, "a", 0);
    b.p[9 + 34] = 200; /* a session id longer than the message */
    assert_int_equal(tls_hello_decode(buf_span(&b), &h), TLS_HELLO_NONE);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dhcp_options),
        cmocka_unit_test(dhcp_qualified_names),
        cmocka_unit_test(tls_names),
        cmocka_unit_test(what_is_no_hello),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
