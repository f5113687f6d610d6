#include "base/table.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

static void hash_depends_on_key_and_all_bytes(void **state)
{
    (void)state;
    struct hash_key a = {1, 2};
    struct hash_key b = {1, 3};
    uint8_t bytes[64] = {0};
    for (size_t n = 0; n < sizeof bytes; n++) {
        uint64_t before = hash_bytes(&a, bytes, n + 1);
        assert_true(before != hash_bytes(&b, bytes, n + 1));
        assert_true(before != hash_bytes(&a, bytes, n));
        for (int bit = 0; bit < 8; bit++) {
            bytes[n] ^= (uint8_t)(1 << bit);
            assert_true(before != hash_bytes(&a, bytes, n + 1));
            bytes[n] ^= (uint8_t)(1 << bit);
        }
    }
}

/* Against a plain array as the model: random puts, gets and removes. */
static void behaves_like_a_map(void **state)
{
    (void)state;
    enum { KEYS = 500 };
    uint32_t model[KEYS] = {0};
    bool there[KEYS] = {false};
    size_t count = 0;
    struct table *t = table_new((struct hash_key){7, 9}, KEYS, sizeof(uint32_t));
    uint32_t random = 12345;
    for (uint32_t step = 1; step < 40000; step++) {
        random = random * 1664525 + 1013904223;
        uint32_t k = (random >> 8) % KEYS;
        char key[16];
        struct span ks = span_of(key, (size_t)snprintf(key, sizeof key, "key %u", k));
        if (random >> 30 == 0) {
            assert_true(table_remove(t, ks) == there[k]);
            count -= there[k];
            there[k] = false;
        } else {
            bool fresh;
            uint32_t *v = table_put(t, ks, &fresh);
            assert_non_null(v);
            assert_true(fresh == !there[k]);
            assert_true(*v == (there[k] ? model[k] : 0));
            count += fresh;
            there[k] = true;
            *v = model[k] = step;
        }
        assert_int_equal(table_count(t), count);
    }
    size_t at = 0;
    size_t walked = 0;
    struct span key;
    void *value;
    while (table_next(t, &at, &key, &value)) {
        unsigned long k = strtoul((const char *)key.p + 4, NULL, 10);
        assert_true(there[k] && *(uint32_t *)value == model[k]);
        walked++;
    }
    assert_int_equal(walked, count);
    table_free(t);
}

static void keeps_its_cap(void **state)
{
    (void)state;
    struct table *t = table_new((struct hash_key){1, 1}, 3, 1);
    assert_non_null(table_put(t, SPAN_LIT("a"), NULL));
    assert_non_null(table_put(t, SPAN_LIT("b"), NULL));
    assert_non_null(table_put(t, SPAN_LIT(""), NULL));
    assert_null(table_put(t, SPAN_LIT("d"), NULL));
    assert_non_null(table_put(t, SPAN_LIT("b"), NULL));
    assert_true(table_remove(t, SPAN_LIT("a")));
    assert_non_null(table_put(t, SPAN_LIT("d"), NULL));
    uint8_t longer[TABLE_KEY_MAX + 1] = {0};
    assert_null(table_get(t, span_of(longer, sizeof longer)));
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hash_depends_on_key_and_all_bytes), cmocka_unit_test(behaves_like_a_map),
                                       cmocka_unit_test(keeps_its_cap)};
    return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
