/* Tickets of messages: what is durable of them, and their numbers. */
#include "../cmocka_all.h"

#include "proc/tickets.h"

static const struct hash_key key = {.k0 = 1, .k1 = 2};

static void durable(void **state)
{
    (void)state;
    struct tickets *t = tickets_new(1000, key);
    assert_int_equal(tickets_durable(t, 0), 0); /* nothing ever was */
    assert_int_equal(tickets_durable(t, 1000), 1000);
    assert_int_equal(tickets_give(t), 1001);
    assert_int_equal(tickets_give(t), 1002);
    assert_int_equal(tickets_give(t), 1003);
    assert_int_equal(tickets_durable(t, 9999), 1000); /* their records are not made yet */
    assert_true(tickets_settle(t, 1013, false));
    assert_true(tickets_settle(t, 1013, false)); /* of it there is no record: what came before is enough */
    assert_int_equal(tickets_durable(t, 1012), 1000);
    assert_int_equal(tickets_durable(t, 1013), 1002);
    assert_true(tickets_settle(t, 1020, false));
    assert_int_equal(tickets_durable(t, 1019), 1002);
    assert_int_equal(tickets_durable(t, 1020), 1003);
    assert_false(tickets_settle(t, 1021, false)); /* none was given out */
    tickets_free(t);
}

static void names(void **state)
{
    (void)state;
    struct tickets *t = tickets_new(0, key);
    for (uint64_t i = 1; i <= 1000; i++) {
        assert_int_equal(tickets_give(t), i);
        assert_true(tickets_settle(t, 13 * i, i % 3 == 0));
        (void)tickets_durable(t, 13 * i);
    }
    for (uint64_t i = 1000; i > 0; i--) { /* they stay when it is durable, until they are asked for */
        assert_int_equal(tickets_name(t, i), i % 3 == 0 ? 13 * i : 0);
        assert_int_equal(tickets_name(t, i), 0);
    }
    tickets_free(t);
}

static void too_many(void **state)
{
    (void)state;
    struct tickets *t = tickets_new(7, key);
    for (uint64_t i = 0; i < TICKETS_MOST; i++)
        assert_int_equal(tickets_give(t), 8 + i);
    assert_int_equal(tickets_give(t), 0);
    assert_true(tickets_settle(t, 50, false));
    assert_int_equal(tickets_give(t), 0);
    assert_int_equal(tickets_durable(t, 50), 8);
    assert_int_equal(tickets_give(t), 8 + TICKETS_MOST);
    tickets_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable),
        cmocka_unit_test(names),
        cmocka_unit_test(too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
