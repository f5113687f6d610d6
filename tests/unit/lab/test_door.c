/* Doors: their states, and what the views make of records about them. */
#include "feed.h"

#include "base/record.h"
#include "lab/door.h"

#define ID "00112233445566aa"
#define ASKED                                                                                                                                        \
    "\"door\":\"" ID                                                                                                                                 \
    "\",\"asset\":\"a-1\",\"address\":\"10.8.0.2\",\"from\":\"10.9.0.2\",\"service\":\"rdp\",\"proto\":6,\"port\":3389,\"minutes\":60,"              \
    "\"for_maker\":\"Example\",\"why\":\"yearly service\",\"person\":\"ana\""
#define ABOUT "\"door\":\"" ID "\""

static void states_follow_their_arrows(void **state)
{
    (void)state;
    static const int events[] = {EVENT_DOOR_ASKED,     EVENT_DOOR_APPROVED, EVENT_DOOR_REFUSED,
                                 EVENT_DOOR_WITHDRAWN, EVENT_DOOR_OPENED,   EVENT_DOOR_CLOSED};
    static const enum door_state to[][6] = {
        [DOOR_NONE] = {DOOR_ASKED, 0, 0, 0, 0, 0},
        [DOOR_ASKED] = {0, DOOR_APPROVED, DOOR_REFUSED, DOOR_CLOSED, 0, 0},
        [DOOR_REFUSED] = {0, 0, 0, 0, 0, 0},
        [DOOR_APPROVED] = {0, 0, 0, DOOR_APPROVED, DOOR_OPEN, DOOR_CLOSED},
        [DOOR_OPEN] = {0, 0, 0, DOOR_OPEN, 0, DOOR_CLOSED},
        [DOOR_CLOSED] = {0, 0, 0, 0, 0, 0},
    };
    for (int from = DOOR_NONE; from <= DOOR_CLOSED; from++) {
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(door_next((enum door_state)from, events[i]), to[from][i]);
        if (from != DOOR_NONE)
            assert_int_equal(door_state_of(span_str(door_state_name((enum door_state)from))), from);
    }
    assert_int_equal(door_next(DOOR_OPEN, EVENT_FINDING), DOOR_NONE);
}

static void remote_access_is_known(void **state)
{
    (void)state;
    assert_string_equal(door_remote_access(6, 3389, SPAN_LIT("")), "RDP");
    assert_string_equal(door_remote_access(17, 3389, SPAN_LIT("")), "RDP");
    assert_string_equal(door_remote_access(6, 5901, SPAN_LIT("")), "VNC");
    assert_string_equal(door_remote_access(6, 4444, SPAN_LIT("ssh")), "SSH");
    assert_string_equal(door_remote_access(6, 443, SPAN_LIT("tls.anydesk")), "AnyDesk");
    assert_string_equal(door_remote_access(6, 23, SPAN_LIT("telnet")), "Telnet");
    assert_null(door_remote_access(6, 443, SPAN_LIT("tls")));
    assert_null(door_remote_access(6, 2575, SPAN_LIT("hl7")));
    assert_null(door_remote_access(17, 22, SPAN_LIT("")));
    assert_non_null(door_service(SPAN_LIT("vnc")));
    assert_null(door_service(SPAN_LIT("")));
}

static void a_door_goes_its_way(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "door.asked", ASKED);
    assert_string_equal(ask(&f, "SELECT state FROM door"), "asked");
    feed_event(&f, 2, "door.opened", ABOUT); /* nobody approved it */
    assert_string_equal(ask(&f, "SELECT state FROM door"), "asked");
    feed_event(&f, 3, "door.approved", ABOUT ",\"person\":\"leo\",\"until\":\"2026-11-22T15:00:03.000000000Z\"");
    assert_string_equal(ask(&f, "SELECT state || decided_by || (until > decided_at) FROM door"), "approvedleo1");
    feed_event(&f, 4, "door.refused", ABOUT ",\"person\":\"eve\"");
    assert_string_equal(ask(&f, "SELECT state || decided_by FROM door"), "approvedleo");
    feed_event(&f, 5, "door.opened", ABOUT);
    assert_string_equal(ask(&f, "SELECT state FROM door"), "open");
    feed_event(&f, 6, "door.withdrawn", ABOUT ",\"person\":\"leo\",\"why\":\"enough\"");
    feed_event(&f, 7, "door.withdrawn", ABOUT ",\"person\":\"eve\",\"why\":\"me too\"");
    assert_string_equal(ask(&f, "SELECT state || withdrawn_by || withdrawn_why FROM door"), "openleoenough");
    feed_event(&f, 8, "door.closed", ABOUT ",\"reason\":\"withdrawn\",\"packets\":5,\"bytes_up\":100,\"bytes_down\":7");
    feed_event(&f, 9, "door.closed", ABOUT ",\"reason\":\"time\",\"packets\":9,\"bytes_up\":1,\"bytes_down\":1");
    assert_string_equal(ask(&f, "SELECT state || ended || packets || ' ' || bytes_up || ' ' || bytes_down FROM door"), "closedwithdrawn5 100 7");
    feed_event(&f, 10, "door.asked", ASKED); /* an id counts once */
    assert_string_equal(ask(&f, "SELECT count(*) || state FROM door"), "1closed");
    feed_free(&f);
}

static void what_was_not_counted_is_not_zero(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "door.asked", ASKED);
    feed_event(&f, 2, "door.approved", ABOUT ",\"person\":\"leo\",\"until\":\"2026-11-22T15:00:03.000000000Z\"");
    feed_event(&f, 3, "door.closed", ABOUT ",\"reason\":\"error\",\"why\":\"no right\"");
    assert_string_equal(ask(&f, "SELECT state || ended || ended_why || (packets IS NULL) || opened_at FROM door"), "closederrorno right10");
    feed_free(&f);
}

#define TALK(proto, src, dst, port)                                                                                                                  \
    "\"flow\":{\"id\":7,\"proto\":\"" proto "\",\"src\":\"" src "\",\"sport\":4000,\"dst\":\"" dst "\",\"dport\":" #port                             \
    ",\"vlan\":null},\"packets\":4,\"bytes_up\":10,\"bytes_down\":20,\"duration_ns\":1000000000,\"app\":\"rdp\""
#define QUIET(src, dst, port)                                                                                                                        \
    "\"flow\":{\"id\":7,\"proto\":\"tcp\",\"src\":\"" src "\",\"sport\":4000,\"dst\":\"" dst "\",\"dport\":" #port                                   \
    ",\"vlan\":null},\"packets\":4,\"bytes_up\":10,\"bytes_down\":20,\"duration_ns\":1000000000,\"app\":\"tls\""

static void open_it(struct feed *f)
{
    feed_event(f, 9, "asset.evidence", "\"ip\":\"10.8.0.2\",\"mac\":\"02:00:00:00:00:01\",\"software\":\"4.1\",\"source\":\"hl7\"");
    char asked[1024];
    (void)snprintf(
        asked, sizeof asked,
        ABOUT ",\"asset\":\"%s\",\"address\":\"10.8.0.2\",\"from\":\"10.9.0.2\",\"service\":\"rdp\",\"proto\":6,\"port\":3389,\"minutes\":60,\"why\":"
              "\"service\",\"person\":\"ana\"",
        ask(f, "SELECT id FROM asset"));
    feed_event(f, 10, "door.asked", asked);
    feed_event(f, 11, "door.approved", ABOUT ",\"person\":\"leo\",\"until\":\"2026-11-22T15:00:03.000000000Z\"");
    feed_event(f, 12, "door.opened", ABOUT);
}

static void what_is_seen_belongs_to_the_door(void **state)
{
    (void)state;
    struct feed f = feed_new();
    open_it(&f);
    feed_event(&f, 20, "flow.closed", TALK("tcp", "10.9.0.2", "10.8.0.2", 3389)); /* through the door */
    feed_event(&f, 21, "flow.closed", QUIET("10.8.0.2", "93.184.216.34", 443));   /* the device calls somebody outside */
    feed_event(&f, 22, "flow.closed", QUIET("10.8.0.2", "10.7.0.9", 2575));       /* its usual work */
    assert_string_equal(ask(&f, "SELECT count(*) || ' ' || min(dst) || ' ' || max(bytes_up) FROM door_flow"), "2 10.8.0.2 10");
    feed_event(&f, 23, "asset.evidence", "\"ip\":\"10.8.0.2\",\"mac\":\"02:00:00:00:00:01\",\"software\":\"4.2\",\"source\":\"hl7\"");
    assert_string_equal(ask(&f, "SELECT count(*) || field || before || after FROM door_change"), "1software4.14.2");
    feed_event(&f, 30, "door.closed", ABOUT ",\"reason\":\"time\"");
    feed_event(
        &f, 40, "flow.closed",
        "\"flow\":{\"id\":8,\"proto\":\"tcp\",\"src\":\"10.9.0.2\",\"sport\":4000,\"dst\":\"10.8.0.2\",\"dport\":3389,\"vlan\":null},\"packets\":9,"
        "\"bytes_up\":1,\"bytes_down\":1,\"duration_ns\":15000000000,\"app\":\"rdp\""); /* it began while the door was open */
    assert_string_equal(ask(&f, "SELECT count(*) FROM door_flow"), "3");
    feed_event(&f, 41, "asset.evidence", "\"ip\":\"10.8.0.2\",\"mac\":\"02:00:00:00:00:01\",\"software\":\"4.3\",\"source\":\"hl7\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM door_change"), "1");
    assert_string_equal(ask(&f, "SELECT count(*) FROM door_standing"), "0");
    feed_free(&f);
}

static void standing_access_is_kept(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "flow.closed", TALK("tcp", "10.9.0.2", "10.8.0.2", 3389));
    feed_event(&f, 2, "flow.closed", TALK("tcp", "10.9.0.2", "10.8.0.2", 3389));
    feed_event(&f, 3, "flow.closed", TALK("tcp", "10.8.0.7", "10.8.0.2", 3389)); /* a neighbour */
    feed_event(&f, 4, "flow.closed", QUIET("10.9.0.2", "10.8.0.2", 443));
    feed_event(
        &f, 5, "flow.closed",
        "\"flow\":{\"id\":9,\"proto\":\"tcp\",\"src\":\"10.9.0.3\",\"sport\":4000,\"dst\":\"10.8.0.2\",\"dport\":22,\"vlan\":null},\"packets\":1,"
        "\"bytes_up\":60,\"bytes_down\":0,\"duration_ns\":0"); /* nobody answered */
    assert_string_equal(ask(&f, "SELECT count(*) || src || port || app || count FROM door_standing"), "110.9.0.23389RDP2");
    open_it(&f);
    feed_event(&f, 20, "flow.closed", TALK("tcp", "10.9.0.9", "10.8.0.2", 3389)); /* a door is open, but not for this one */
    assert_string_equal(ask(&f, "SELECT count(*) FROM door_standing"), "2");
    feed_free(&f);
}

static void take_device(void *context, const struct door_device *d)
{
    (*(int *)context)++;
    assert_true(span_is(d->address, "10.8.0.2"));
}

static void an_engineer_has_a_maker(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct error e = {0};
    char maker[128];
    int n = 0;
    feed_private(&f, "{\"time\":\"2026-11-22T14:00:00.000000000Z\",\"event\":\"account.created\",\"account\":\"ana\",\"display_name\":\"Ana\"}",
                 "{\"password_hash\":\"x\"}");
    feed_event(&f, 1, "account.granted",
               "\"account\":\"ana\",\"account_role\":\"maker's "
               "engineer\",\"for_maker\":\"Example\",\"until\":\"2026-12-22T14:00:00.000000000Z\",\"person\":\"leo\"");
    feed_event(&f, 2, "asset.evidence", "\"ip\":\"10.8.0.2\",\"mac\":\"02:00:00:00:00:01\",\"maker\":\"Example Diagnostics\",\"source\":\"hl7\"");
    feed_event(&f, 3, "asset.evidence", "\"ip\":\"10.8.0.3\",\"mac\":\"02:00:00:00:00:02\",\"maker\":\"Examples\",\"source\":\"hl7\"");
    assert_int_equal(store_look(f.reader, &e), 0);
    door_maker_of(f.reader, SPAN_LIT("ana"), "main-street", INT64_C(1795356000) * TIME_SECOND, maker);
    assert_string_equal(maker, "Example");
    assert_int_equal(door_devices(f.reader, span_str(maker), (struct span){0}, 10, take_device, &n, &e), 0);
    assert_int_equal(n, 1);
    door_maker_of(f.reader, SPAN_LIT("ana"), "main-street", INT64_C(1990000000) * TIME_SECOND, maker);
    assert_string_equal(maker, ""); /* it had an end */
    store_look_end(f.reader);
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_follow_their_arrows),
        cmocka_unit_test(remote_access_is_known),
        cmocka_unit_test(a_door_goes_its_way),
        cmocka_unit_test(what_was_not_counted_is_not_zero),
        cmocka_unit_test(what_is_seen_belongs_to_the_door),
        cmocka_unit_test(standing_access_is_kept),
        cmocka_unit_test(an_engineer_has_a_maker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
