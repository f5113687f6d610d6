/* SHA-256 against the examples of FIPS 180-4 (as NIST publishes them) and across block boundaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/sha256.h"

static void digest_is(struct span message, size_t step, const char *want)
{
    struct sha256 s;
    uint8_t out[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    sha256_start(&s);
    while (message.n > 0)
        sha256_add(&s, span_take(&message, message.n < step ? message.n : step));
    sha256_end(&s, out);
    text_hex_to(hex, out, sizeof out);
    assert_string_equal(hex, want);
}

static void vectors(void **state)
{
    (void)state;
    digest_is(SPAN_LIT(""), 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_is(SPAN_LIT("abc"), 64, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    static uint8_t million[1000000];
    memset(million, 'a', sizeof million);
    static const size_t steps[] = {1, 63, 64, 65, 1000, sizeof million};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        digest_is(SPAN_LIT("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), steps[i],
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        digest_is(span_of(million, sizeof million), steps[i], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
