/* Whoever floods the network with made-up devices: what happens to the real ones (docs/inventory.md, "Caps"). */
#include "feed.h"

#include "lab/today.h"
#include "lab/views_private.h"

#define DEVICES "SELECT count(*) FROM asset WHERE root = n"

static void heard(struct feed *f, int second, const char *ip, const char *mac, const char *source, const char *more)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest, "%s%s%s%s%s%s\"source\":\"%s\"%s%s", ip[0] != 0 ? "\"ip\":\"" : "", ip, ip[0] != 0 ? "\"," : "",
                   mac[0] != 0 ? "\"mac\":\"" : "", mac, mac[0] != 0 ? "\"," : "", source, more[0] != 0 ? "," : "", more);
    feed_event(f, second, "asset.evidence", rest);
}

static void talks(struct feed *f, int second, const char *src, const char *dst, const char *app)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest,
                   "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"%s\",\"sport\":4000,\"dst\":\"%s\",\"dport\":2575,\"vlan\":null},\"app\":\"%s\","
                   "\"packets\":9,\"bytes_up\":10,\"bytes_down\":10,\"duration_ns\":1",
                   src, dst, app);
    feed_event(f, second, "flow.closed", rest);
}

/* As if so many were there. */
static void pretend(struct feed *f, const char *counter, int64_t n)
{
    struct error e = {0};
    struct apply a = {.v = f->views, .w = store_writer(f->store)};
    assert_int_equal(counter_add(&a, counter, n - counter_now(&a, counter, &e), &e), 0);
}

static void speakers_of_lab_protocols_find_room(void **state)
{
    (void)state;
    static const char *const filled[][2] = {{"assets_made", "assets_not_kept"}, {"addresses", "assets_not_kept"}};
    static const int64_t most[] = {KEEP_ASSETS - KEEP_ASSETS / 10, KEEP_ADDRESSES - KEEP_ADDRESSES / 10};
    for (int i = 0; i < 2; i++) {
        struct feed f = feed_new();
        char sql[128];
        (void)snprintf(sql, sizeof sql, "SELECT value FROM counter WHERE name = '%s'", filled[i][1]);
        pretend(&f, filled[i][0], most[i]);
        heard(&f, 1, "10.0.5.1", "00:11:22:33:44:01", "arp", "");
        heard(&f, 2, "10.0.5.2", "", "http", "\"software\":\"nginx\"");
        talks(&f, 3, "10.0.5.3", "10.0.5.4", "tls");
        assert_string_equal(ask(&f, DEVICES), "0");
        assert_string_equal(ask(&f, sql), "4"); /* one each for ARP and HTTP, two for the ends of the conversation */
        talks(&f, 4, "10.0.5.5", "10.0.5.6", "hl7");
        heard(&f, 5, "10.0.5.7", "", "astm.h", "\"model\":\"XN-1000\",\"sender\":\"XN\"");
        assert_string_equal(ask(&f, DEVICES), "3");
        assert_string_equal(ask(&f, sql), "4");
        feed_free(&f);
    }
}

static void what_found_no_room_is_told(void **state)
{
    (void)state;
    struct feed f = feed_new();
    pretend(&f, "conversations", KEEP_CONVERSATIONS - KEEP_CONVERSATIONS / 10);
    talks(&f, 1, "10.0.5.3", "10.0.5.4", "tls");
    assert_string_equal(ask(&f, "SELECT count(*) FROM conversation"), "0");
    assert_string_equal(ask(&f, "SELECT value FROM counter WHERE name = 'conversations_not_kept'"), "1");
    talks(&f, 2, "10.0.5.3", "10.0.5.4", "astm");
    assert_string_equal(ask(&f, "SELECT count(*) FROM conversation"), "1");
    struct error e = {0};
    struct today t;
    struct buf sentence = BUF_INIT(1024);
    assert_int_equal(store_look(f.reader, &e), 0);
    assert_int_equal(today_get(f.reader, &t, &e), 0);
    store_look_end(f.reader);
    today_sentence(&t, &sentence);
    assert_int_equal(t.not_kept, 1);
    assert_non_null(strstr(buf_text(&sentence), "Not everything found room"));
    buf_release(&sentence);
    feed_free(&f);
}

static void a_flood_of_one_source_hides_no_header(void **state)
{
    (void)state;
    struct feed f = feed_new();
    heard(&f, 1, "10.0.5.7", "", "astm.h", "\"model\":\"XN-1000\",\"sender\":\"XN\",\"said\":[\"XN-1000\",\"1.2\"]");
    for (int i = 0; i < 3 * KEEP_EVIDENCE; i++) {
        char more[64];
        (void)snprintf(more, sizeof more, "\"hostname\":\"made-up-%d\"", i);
        heard(&f, 2 + i, "10.0.5.7", "", "mdns", more);
    }
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_evidence"), "50");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_evidence WHERE source = 'astm.h'"), "1");
    assert_string_equal(ask(&f, "SELECT class FROM asset"), "haematology");
    feed_free(&f);
}

static void names_of_many_senders_leave_room_for_other_facts(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 0; i < KEEP_FACTS + 10; i++) {
        char more[96];
        (void)snprintf(more, sizeof more, "\"model\":\"M\",\"sender\":\"made up %d\"", i);
        heard(&f, i, "10.0.5.7", "", "hl7.msh", more);
    }
    heard(&f, 1000, "10.0.5.7", "", "snmp", "\"model\":\"PowerEdge\",\"hostname\":\"lis\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_fact WHERE voice <> ''"), "250");
    assert_string_equal(ask(&f, "SELECT hostname FROM asset"), "lis");
    feed_free(&f);
}

static void who_answers_for_everybody_is_not_everybody(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 1; i <= 3; i++) {
        char ip[16];
        (void)snprintf(ip, sizeof ip, "10.0.6.%d", i);
        heard(&f, i, ip, "", "astm.h", "\"model\":\"XN-1000\"");
    }
    heard(&f, 4, "10.0.5.66", "02:66:66:66:66:66", "arp", "");
    for (int i = 1; i <= 4; i++) { /* an hour and a half later; the fourth is new */
        char line[256];
        if (i == 4)
            feed(&f,
                 "{\"time\":\"2026-11-22T15:29:00Z\",\"event\":\"asset.evidence\",\"ip\":\"10.0.6.4\",\"source\":\"astm.h\",\"model\":\"XN-1000\"}");
        (void)snprintf(line, sizeof line,
                       "{\"time\":\"2026-11-22T15:30:0%dZ\",\"event\":\"asset.evidence\",\"ip\":\"10.0.6.%d\",\"mac\":\"02:66:66:66:66:66\","
                       "\"source\":\"arp\"}",
                       i, i);
        feed(&f, line);
    }
    assert_string_equal(ask(&f, DEVICES), "4");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE joined_by = 'mac'"), "1");
    feed_free(&f);
}

static void one_device_holds_so_many_addresses_and_no_more(void **state)
{
    (void)state;
    struct feed f = feed_new();
    heard(&f, 1, "10.0.5.200", "00:11:22:33:44:55", "arp", "");
    for (int i = 1; i <= 70; i++) {
        char ip[16];
        (void)snprintf(ip, sizeof ip, "10.0.5.%d", i);
        heard(&f, 1 + i, ip, "02:66:66:66:66:66", "arp", "");
    }
    heard(&f, 100, "10.0.5.200", "02:66:66:66:66:66", "arp", "");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_address WHERE asset = 2"), "64");
    assert_string_equal(ask(&f, "SELECT asset FROM asset_address WHERE value = '10.0.5.200' AND now = 1"), "1");
    assert_string_equal(ask(&f, "SELECT value FROM counter WHERE name = 'addresses_not_kept'"), "8");
    feed(&f,
         "{\"time\":\"2026-12-22T15:30:00Z\",\"event\":\"asset.evidence\",\"ip\":\"10.0.5.99\",\"mac\":\"02:66:66:66:66:66\",\"source\":\"arp\"}");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_address WHERE asset = 2"), "64"); /* a month later the eldest has gone */
    assert_string_equal(ask(&f, "SELECT asset FROM asset_address WHERE value = '10.0.5.99' AND now = 1"), "2");
    assert_string_equal(ask(&f, "SELECT value - (SELECT count(*) FROM asset_address) FROM counter WHERE name = 'addresses'"), "0");
    feed_free(&f);
}

static void one_serial_number_joins_so_many_and_no_more(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 0; i < 80; i++) {
        char ip[16];
        (void)snprintf(ip, sizeof ip, "10.0.6.%d", i + 1);
        heard(&f, i, ip, "", "astm.h", "\"model\":\"XN-1000\",\"serial\":\"11001\"");
    }
    assert_string_equal(ask(&f, "SELECT max(n) FROM (SELECT count(*) AS n FROM asset GROUP BY root)"), "64");
    feed_free(&f);
}

static void decisions_that_are_taken_back_fill_nothing(void **state)
{
    (void)state;
    struct feed f = feed_new();
    char id[2][64];
    heard(&f, 1, "10.0.5.1", "", "http", "");
    heard(&f, 2, "10.0.5.2", "", "http", "");
    (void)snprintf(id[0], sizeof id[0], "%s", ask(&f, "SELECT id FROM asset WHERE n = 1"));
    (void)snprintf(id[1], sizeof id[1], "%s", ask(&f, "SELECT id FROM asset WHERE n = 2"));
    for (int i = 0; i < 6; i++) {
        char rest[256];
        (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"other\":\"%s\",\"person\":\"ana\"", id[0], id[1]);
        feed_event(&f, 3 + i, "asset.distinct", rest);
    }
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_distinct"), "1");
    assert_string_equal(ask(&f, "SELECT count(*) FROM counter WHERE name = 'distinct'"), "0");
    feed_free(&f);
}

/* Counters stand in memory until the batch ends: one that failed has counted nothing, and what is counted after it goes on from what is committed. */
static void what_was_abandoned_is_not_counted(void **state)
{
    (void)state;
    static const char count[] = "SELECT value FROM counter WHERE name = 'assets_made'";
    struct feed f = feed_new();
    struct error e = {0};
    struct apply a = {.v = f.views, .w = store_writer(f.store)};
    heard(&f, 1, "10.0.5.1", "", "http", "");
    assert_string_equal(ask(&f, count), "1");
    static const char json[] = "{\"time\":\"2026-11-22T14:00:02.000000000Z\",\"event\":\"asset.evidence\",\"ip\":\"10.0.5.2\",\"source\":\"http\"}";
    struct committed c = {.index = f.next, .recorded = INT64_C(1790000000) * TIME_SECOND, .json = span_str(json)};
    assert_int_equal(views_apply(f.views, &c, &e), 0);
    assert_int_equal(counter_now(&a, "assets_made", &e), 2);
    views_abandon(f.views);
    assert_int_equal(counter_now(&a, "assets_made", &e), 1);
    heard(&f, 3, "10.0.5.3", "", "http", "");
    assert_string_equal(ask(&f, count), "2");
    assert_string_equal(ask(&f, DEVICES), "2");
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(speakers_of_lab_protocols_find_room),         cmocka_unit_test(what_found_no_room_is_told),
        cmocka_unit_test(a_flood_of_one_source_hides_no_header),       cmocka_unit_test(names_of_many_senders_leave_room_for_other_facts),
        cmocka_unit_test(who_answers_for_everybody_is_not_everybody),  cmocka_unit_test(one_device_holds_so_many_addresses_and_no_more),
        cmocka_unit_test(one_serial_number_joins_so_many_and_no_more), cmocka_unit_test(decisions_that_are_taken_back_fill_nothing),
        cmocka_unit_test(what_was_abandoned_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
