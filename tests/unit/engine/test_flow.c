#include "engine/sense/flow.h"

#include "../cmocka_all.h"

static struct flow_key key_of(uint32_t i)
{
    struct flow_key k = {.meta = 6, .ports = i};
    memcpy(k.addresses, &i, 4);
    return k;
}

static struct flow *add(struct flows *t, uint32_t i, enum flow_class class, tq_time now)
{
    struct flow_key k = key_of(i);
    return flows_add(t, &k, flows_hash(t, &k), class, now);
}

static struct flow *find(struct flows *t, uint32_t i)
{
    struct flow_key k = key_of(i);
    return flows_find(t, &k, flows_hash(t, &k));
}

static void thousands_come_and_go(void **state)
{
    (void)state;
    struct hash_key key = {3, 4};
    struct flows *t = flows_new(&key, 5000);
    assert_non_null(t);
    bool there[20000] = {0};
    uint32_t r = 1;
    size_t count = 0;
    uint64_t last_id = 0;
    for (int step = 0; step < 200000; step++) {
        r = r * 1664525u + 1013904223u;
        uint32_t i = (r >> 8) % 20000;
        struct flow *f = find(t, i);
        assert_int_equal(f != NULL, there[i]);
        if (f != NULL) {
            assert_true(f->key.ports == i);
            flows_remove(t, f);
            there[i] = false;
            count--;
        } else if ((f = add(t, i, (enum flow_class)(r % FLOW_CLASSES), step)) != NULL) {
            assert_true(f->ref.id == ++last_id);
            there[i] = true;
            count++;
        } else {
            assert_int_equal(count, 5000);
        }
        assert_int_equal(flows_count(t), count);
    }
    struct flow *f;
    while ((f = flows_any(t)) != NULL)
        flows_remove(t, f);
    assert_int_equal(flows_count(t), 0);
    flows_free(t);
}

static void version_6_is_told_apart_by_its_last_byte(void **state)
{
    (void)state;
    struct hash_key key = {3, 4};
    struct flows *t = flows_new(&key, 10);
    struct flow_key a = {.meta = FLOW_KEY_V6 | 6};
    struct flow_key b = a;
    b.addresses[31] = 1;
    struct flow *f = flows_add(t, &a, flows_hash(t, &a), FLOW_OPEN, 0);
    assert_ptr_equal(flows_find(t, &a, flows_hash(t, &a)), f);
    assert_null(flows_find(t, &b, flows_hash(t, &b)));
    assert_null(flows_find(t, &b, flows_hash(t, &a))); /* not even when the hash is the same */
    flows_free(t);
}

static void idleness_by_class(void **state)
{
    (void)state;
    struct hash_key key = {3, 4};
    struct flows *t = flows_new(&key, 10);
    struct flow *udp = add(t, 1, FLOW_UDP, 0);
    struct flow *open = add(t, 2, FLOW_OPEN, 0);
    struct flow *busy = add(t, 3, FLOW_UDP, 0);
    assert_null(flows_expired(t, 60 * TIME_SECOND));
    busy->last = 50 * TIME_SECOND;
    assert_ptr_equal(flows_expired(t, 61 * TIME_SECOND), udp);
    flows_remove(t, udp);
    assert_null(flows_expired(t, 61 * TIME_SECOND));
    assert_true(flow_idle(busy, 111 * TIME_SECOND));
    assert_false(flow_idle(open, 7200 * TIME_SECOND));
    assert_ptr_equal(flows_expired(t, 200 * TIME_SECOND), busy);
    flows_reclass(t, open, FLOW_CLOSING, 200 * TIME_SECOND);
    open->last = 200 * TIME_SECOND;
    assert_true(flow_idle(open, 211 * TIME_SECOND));
    flows_free(t);
}

static void a_lab_may_be_silent_for_days(void **state)
{
    (void)state;
    struct hash_key key = {3, 4};
    struct flows *t = flows_new(&key, 10);
    struct flow *lab = add(t, 1, FLOW_LAB, 0);
    assert_false(flow_idle(lab, 5 * 86400 * TIME_SECOND));
    assert_null(flows_expired(t, 5 * 86400 * TIME_SECOND));
    flows_hurry(t, true); /* room is short */
    assert_null(flows_expired(t, 7200 * TIME_SECOND));
    assert_ptr_equal(flows_expired(t, 7201 * TIME_SECOND), lab);
    flows_hurry(t, false);
    assert_null(flows_expired(t, 7201 * TIME_SECOND));
    assert_ptr_equal(flows_expired(t, 8 * 86400 * TIME_SECOND), lab);
    flows_free(t);
}

static void scans_go_before_conversations(void **state)
{
    (void)state;
    struct hash_key key = {3, 4};
    struct flows *t = flows_new(&key, 5);
    struct flow *lab = add(t, 9, FLOW_LAB, 0);
    struct flow *open = add(t, 1, FLOW_OPEN, 0);
    struct flow *scan_a = add(t, 2, FLOW_OPENING, 1);
    struct flow *scan_b = add(t, 3, FLOW_OPENING, 2);
    (void)add(t, 4, FLOW_UDP, 3);
    assert_null(add(t, 5, FLOW_UDP, 4));
    scan_a->last = 10; /* was used since */
    assert_ptr_equal(flows_victim(t, 11), scan_b);
    flows_remove(t, scan_b);
    assert_ptr_equal(flows_victim(t, 11), scan_a);
    flows_remove(t, scan_a);
    struct flow *udp = flows_victim(t, 11);
    assert_true(udp != open && udp != lab);
    flows_remove(t, udp);
    assert_ptr_equal(flows_victim(t, 11), open); /* silent no longer than the lab's */
    flows_remove(t, open);
    assert_ptr_equal(flows_victim(t, 11), lab);
    flows_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_come_and_go),
        cmocka_unit_test(version_6_is_told_apart_by_its_last_byte),
        cmocka_unit_test(idleness_by_class),
        cmocka_unit_test(a_lab_may_be_silent_for_days),
        cmocka_unit_test(scans_go_before_conversations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
