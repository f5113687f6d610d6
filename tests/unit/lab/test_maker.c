/* Makers by MAC address: the table that is compiled in, whole, and well-known blocks of each size. */
#include "lab/inventory/maker.h"
#include "lab/inventory/maker_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void of(uint64_t address, uint8_t mac[6])
{
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)(address >> (40 - 8 * i));
}

static bool made_by(uint64_t address, const char *maker)
{
    uint8_t mac[6];
    of(address, mac);
    return span_is(maker_of(mac), maker);
}

static void the_smallest_block_wins(void **state)
{
    (void)state;
    assert_true(made_by(0x00000c123456, "Cisco Systems, Inc"));           /* 24 bits */
    assert_true(made_by(0x00000cffffff, "Cisco Systems, Inc"));           /* its last address */
    assert_true(made_by(0x208593b00001, "IOG Products LLC"));             /* 28 bits */
    assert_true(made_by(0x70b3d5f2f123, "TELEPLATFORMS"));                /* 36 bits */
    assert_true(made_by(0x70b3d5f2ffff, "TELEPLATFORMS"));                /* its last address */
    assert_false(made_by(0x70b3d5f30000, "TELEPLATFORMS"));               /* its neighbour's */
    assert_true(made_by(0x0050c27d5001, "DEUTA-WERKE GmbH"));             /* 36 bits of the older kind */
    assert_false(made_by(0x2085931f0000, "IEEE Registration Authority")); /* who only hands out parts is no maker */
    assert_true(made_by(0x080030000001, ""));                             /* given to three */
}

static void who_is_no_card_has_no_maker(void **state)
{
    (void)state;
    uint8_t local[6] = {0x02, 0x00, 0x0c, 1, 2, 3};
    uint8_t group[6] = {0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc};
    uint8_t old_local[6] = {0x02, 0x60, 0x8c, 1, 2, 3}; /* in the registry since before the bit had its meaning */
    uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint8_t zero[6] = {0};
    assert_true(maker_is_local(local));
    assert_false(maker_is_local(group));
    assert_int_equal(maker_of(local).n, 0);
    assert_int_equal(maker_of(group).n, 0);
    assert_int_equal(maker_of(old_local).n, 0);
    assert_int_equal(maker_of(all).n, 0);
    assert_true(span_is(maker_of(zero), "XEROX CORPORATION"));
}

/* Rising keys, and each block found by its first and last address unless a smaller one holds that. */
static void the_table_is_whole(void **state)
{
    (void)state;
    assert_true(maker_block_count > 40000);
    size_t found = 0;
    for (size_t i = 0; i < maker_block_count; i++) {
        uint64_t key = maker_blocks[i].key;
        unsigned bits = key & 0xff;
        const char *name = maker_names + maker_blocks[i].name;
        assert_true(bits == 24 || bits == 28 || bits == 36);
        assert_true(i == 0 || maker_blocks[i - 1].key < key);
        assert_true(name[0] != 0 && (maker_blocks[i].name == 0 || name[-1] == 0));
        bool card = (key >> 48 & 3) == 0;
        uint64_t last = (key >> 8) + (UINT64_C(1) << (48 - bits)) - 1;
        found += card && made_by(key >> 8, name) && made_by(last, name);
    }
    assert_true(found > maker_block_count - 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_block_wins),
        cmocka_unit_test(who_is_no_card_has_no_maker),
        cmocka_unit_test(the_table_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
