/* Orders about doors, networks, and what the warden says to nftables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc/firewall.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

static struct address address(const char *text)
{
    struct address a;
    assert_true(address_parse(span_str(text), &a));
    return a;
}

static struct firewall_door a_door(void)
{
    return (struct firewall_door){.id = "00112233445566aa",
                                  .way = {.from = address("10.9.0.2"), .to = address("10.8.0.2"), .proto = 6, .port = 3389},
                                  .ms = 90500,
                                  .packets = 3,
                                  .bytes_up = 40,
                                  .bytes_down = 50};
}

static void orders_survive_the_way(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf out = BUF_INIT(DOOR_ORDER_MAX);
    struct firewall_door d = a_door();
    struct door_order got;
    struct door_order o = {.kind = DOOR_ORDER_OPEN, .way = d.way, .ms = 1000};
    memcpy(o.id, d.id, sizeof o.id);
    door_order_encode(&out, &o);
    assert_int_equal(door_order_decode(buf_span(&out), &got, &e), 0);
    assert_true(got.kind == o.kind && got.ms == 1000 && strcmp(got.id, o.id) == 0 && firewall_same_way(&got.way, &o.way));
    for (size_t n = 0; n < out.n; n++)
        assert_int_equal(door_order_decode(span_of(out.p, n), &got, &e), -1);
    buf_u8(&out, 0);
    assert_int_equal(door_order_decode(buf_span(&out), &got, &e), -1);
    static const int64_t bad[] = {0, -1, DOOR_LONGEST_MS + 1};
    for (size_t i = 0; i < 3; i++) {
        buf_clear(&out);
        o.ms = bad[i];
        door_order_encode(&out, &o);
        assert_int_equal(door_order_decode(buf_span(&out), &got, &e), -1);
    }
    o.ms = 1;
    o.way.to = address("fd00::2"); /* two families */
    buf_clear(&out);
    door_order_encode(&out, &o);
    assert_int_equal(door_order_decode(buf_span(&out), &got, &e), -1);
    o.kind = DOOR_ORDER_SETTLE;
    buf_clear(&out);
    door_order_encode(&out, &o);
    assert_int_equal(door_order_decode(buf_span(&out), &got, &e), 0);
    assert_int_equal(got.kind, DOOR_ORDER_SETTLE);
    buf_release(&out);
}

static void what_is_told_survives_the_way(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf out = BUF_INIT(DOOR_TOLD_MAX);
    struct door_told got;
    struct door_told t = {
        .kind = DOOR_TOLD_CLOSED, .id = "00112233445566aa", .timed = true, .packets = 1, .bytes_up = 2, .bytes_down = 3, .why = SPAN_LIT("over")};
    door_told_encode(&out, &t);
    assert_int_equal(door_told_decode(buf_span(&out), &got, &e), 0);
    assert_true(got.kind == t.kind && got.timed && !got.on && got.packets == 1 && got.bytes_up == 2 && got.bytes_down == 3 &&
                span_is(got.why, "over"));
    out.p[2] = 'G';
    assert_int_equal(door_told_decode(buf_span(&out), &got, &e), -1);
    buf_clear(&out);
    t.why = SPAN_LIT("two\nlines");
    door_told_encode(&out, &t);
    assert_int_equal(door_told_decode(buf_span(&out), &got, &e), -1);
    buf_release(&out);
}

static void networks_are_read(void **state)
{
    (void)state;
    struct address a;
    unsigned bits;
    assert_true(network_parse(SPAN_LIT("10.8.0.0/24"), &a, &bits) && bits == 24);
    assert_true(network_parse(SPAN_LIT("fd00:8::/64"), &a, &bits) && bits == 64 && a.family == 6);
    assert_true(network_parse(SPAN_LIT("10.8.0.7"), &a, &bits) && bits == 32);
    static const char *const bad[] = {"", "10.8.0.1/24", "10.8.0.0/33", "10.8.0.0/", "10.8/16", "fd00::1/64", "10.8.0.0/-1", "lab/24"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(network_parse(span_str(bad[i]), &a, &bits));
    static const char lines[] = "10.8.0.0/23\nfd00:8::/64\n";
    struct {
        const char *address;
        bool in;
    } all[] = {{"10.8.0.1", true}, {"10.8.1.255", true}, {"10.8.2.0", false}, {"fd00:8::5", true}, {"fd00:8:0:1::5", false}, {"11.8.0.1", false}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        a = address(all[i].address);
        assert_int_equal(network_has(lines, &a), all[i].in);
    }
    a = address("10.8.0.1");
    assert_false(network_has("", &a));
}

/* ── the batch, walked through as the kernel does ── */

static size_t count(const struct buf *text, const void *what, size_t size)
{
    size_t n = 0;
    struct span rest = buf_span(text);
    const uint8_t *at;
    while ((at = memmem(rest.p, rest.n, what, size)) != NULL) {
        n++;
        rest = span_of(at + 1, (size_t)(rest.p + rest.n - at - 1));
    }
    return n;
}

/* Every message has its length, begins where the one before ended, and names our table first. */
static size_t walk(const struct buf *batch)
{
    size_t n = 0;
    size_t at = 0;
    while (at < batch->n) {
        struct nlmsghdr head;
        assert_true(batch->n - at >= sizeof head);
        memcpy(&head, batch->p + at, sizeof head);
        assert_true(head.nlmsg_len >= sizeof head + 4 && head.nlmsg_len % 4 == 0 && head.nlmsg_len <= batch->n - at);
        assert_true((head.nlmsg_flags & NLM_F_REQUEST) != 0);
        if (head.nlmsg_type != NFNL_MSG_BATCH_BEGIN && head.nlmsg_type != NFNL_MSG_BATCH_END) {
            assert_int_equal(head.nlmsg_type >> 8, NFNL_SUBSYS_NFTABLES);
            assert_int_equal(batch->p[at + sizeof head], NFPROTO_INET);
            assert_memory_equal(batch->p + at + sizeof head + 4 + 4, "tourniquet", 11);
        }
        at += head.nlmsg_len;
        n++;
    }
    return n;
}

static void the_table_names_nothing_else(void **state)
{
    (void)state;
    struct buf out = BUF_INIT(FIREWALL_BYTES);
    struct firewall_door d = a_door();
    static const uint8_t door_key[] = {10, 9, 0, 2, 10, 8, 0, 2, 6, 0, 0, 0, 0x0d, 0x3d, 0, 0};
    firewall_begin(&out);
    firewall_table(&out, "10.8.0.0/24\nfd00:8::/64\n", "10.9.0.0/24\n", &d, 1);
    firewall_end(&out, 7);
    assert_true(buf_ok(&out));
    assert_true(walk(&out) > 30);
    assert_int_equal(count(&out, "filter", 7), 1);
    assert_int_equal(count(&out, d.id, 16), 4);                  /* past, past again, in, out */
    assert_int_equal(count(&out, door_key, sizeof door_key), 5); /* and where past is forgotten */
    static const uint8_t end[] = {10, 8, 1, 0};                  /* behind 10.8.0.0/24 */
    assert_int_equal(count(&out, end, sizeof end), 1);
    buf_clear(&out);
    d.ms = 0; /* its time is over: it is not put back */
    firewall_table(&out, "10.8.0.0/24\n", "10.9.0.0/24\n", &d, 1);
    assert_int_equal(count(&out, door_key, sizeof door_key), 0);
    buf_release(&out);
}

static size_t keys(const char *networks, const uint8_t *key)
{
    struct buf out = BUF_INIT(FIREWALL_BYTES);
    firewall_table(&out, networks, "", NULL, 0);
    assert_true(buf_ok(&out));
    size_t n = count(&out, key, 4);
    buf_release(&out);
    return n;
}

static void networks_become_intervals(void **state)
{
    (void)state;
    static const uint8_t first[] = {10, 8, 0, 0};
    static const uint8_t behind_23[] = {10, 8, 2, 0};
    static const uint8_t behind_32[] = {10, 8, 0, 8};
    static const uint8_t last[] = {255, 255, 255, 0};
    static const uint8_t inner[] = {10, 8, 1, 0};
    assert_int_equal(keys("10.8.0.0/23\n", first), 1);
    assert_int_equal(keys("10.8.0.0/23\n", behind_23), 1);
    assert_int_equal(keys("10.8.0.7\n", behind_32), 1);
    assert_int_equal(keys("255.255.255.0/24\n", last), 1); /* nothing is behind it */
    assert_int_equal(keys("10.8.1.0/24\n10.8.0.0/23\n", inner), 0);
    assert_int_equal(keys("10.8.0.0/23\n10.8.0.0/23\n", first), 1);
    assert_int_equal(keys("10.8.0.0/24\n10.8.1.0/24\n", inner), 2); /* the end of one, the beginning of the other */
}

static void a_mark_stands_for_its_networks(void **state)
{
    (void)state;
    char one[16];
    char other[16];
    firewall_mark("10.8.0.0/24\n", "10.9.0.0/24\n", one);
    firewall_mark("10.8.0.0/24\n", "10.9.0.0/24\n", other);
    assert_string_equal(one, other);
    firewall_mark("10.8.0.0/24\n10.9.0.0/24\n", "", other);
    assert_string_not_equal(one, other);
}

/* What a kernel says of a set is what was said to it, but for the time that is left. */
static void what_is_there_is_read(void **state)
{
    (void)state;
    static struct firewall_door doors[FIREWALL_DOORS];
    struct error e = {0};
    struct buf out = BUF_INIT(FIREWALL_BYTES);
    struct firewall_door d = a_door();
    size_t n = 0;
    int wrong = 0;
    firewall_open(&out, &d);
    for (size_t at = 0; at + sizeof(struct nlmsghdr) < out.n;) {
        struct nlmsghdr head;
        memcpy(&head, out.p + at, sizeof head);
        head.nlmsg_seq = 5;
        if ((head.nlmsg_type & 0xff) == NFT_MSG_NEWSETELEM && memmem(out.p + at, head.nlmsg_len, "past", 4) == NULL) {
            memcpy(out.p + at, &head, sizeof head);
            assert_int_equal(firewall_read(span_of(out.p + at, head.nlmsg_len), 5, doors, &n, &wrong, &e), 0);
            for (size_t cut = 1; cut < head.nlmsg_len; cut++) { /* no length is believed */
                static struct firewall_door none[FIREWALL_DOORS];
                size_t m = 0;
                (void)firewall_read(span_of(out.p + at, cut), 5, none, &m, &wrong, &e);
            }
        }
        at += head.nlmsg_len;
    }
    assert_int_equal(n, 1);
    assert_string_equal(doors[0].id, d.id);
    assert_true(firewall_same_way(&doors[0].way, &d.way));
    assert_true(doors[0].packets == 3 && doors[0].bytes_up == 40 && doors[0].bytes_down == 50);
    struct {
        struct nlmsghdr head;
        int32_t code;
    } answer = {.head = {.nlmsg_len = 20, .nlmsg_type = NLMSG_ERROR, .nlmsg_seq = 5}, .code = -1};
    assert_int_equal(firewall_read(span_of(&answer, 20), 5, NULL, &n, &wrong, &e), 1);
    assert_int_equal(wrong, 1);
    answer.code = 0;
    assert_int_equal(firewall_read(span_of(&answer, 20), 5, NULL, &n, &wrong, &e), 1);
    assert_int_equal(wrong, 0);
    assert_int_equal(firewall_read(span_of(&answer, 20), 6, NULL, &n, &wrong, &e), 0); /* somebody else's */
    answer.head.nlmsg_len = 3;
    assert_int_equal(firewall_read(span_of(&answer, 20), 5, NULL, &n, &wrong, &e), -1);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_survive_the_way),    cmocka_unit_test(what_is_told_survives_the_way),
        cmocka_unit_test(networks_are_read),         cmocka_unit_test(the_table_names_nothing_else),
        cmocka_unit_test(networks_become_intervals), cmocka_unit_test(a_mark_stands_for_its_networks),
        cmocka_unit_test(what_is_there_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
