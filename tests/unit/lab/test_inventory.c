/* The rules by which evidence becomes devices (src/lab/inventory/asset_private.h), one by one, and what people's decisions do to them. */
#include "feed.h"

#include "lab/inventory/asset.h"

#define MAC_A "00:11:22:33:44:55"
#define MAC_B "00:11:22:33:44:66"
#define DEVICES "SELECT count(*) FROM asset WHERE root = n"

static void evidence(struct feed *f, int second, const char *ip, const char *mac, const char *source, const char *more)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest, "\"ip\":\"%s\"%s%s%s,\"source\":\"%s\"%s%s", ip, mac[0] != 0 ? ",\"mac\":\"" : "", mac, mac[0] != 0 ? "\"" : "",
                   source, more[0] != 0 ? "," : "", more);
    feed_event(f, second, "asset.evidence", rest);
}

struct said {
    const char *src, *dst, *sender, *receiver;
    const char *protocol;
    int results;
    int dport; /* 0: 2575 */
    bool back; /* sent by the side that was called */
    const char *sent_at;
};

static void says(struct feed *f, int second, const struct said *m)
{
    char rest[2048];
    (void)snprintf(
        rest, sizeof rest,
        "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"%s\",\"sport\":4000,\"dst\":\"%s\",\"dport\":%d,\"vlan\":null},\"id\":\"f1.%d.%d\","
        "\"protocol\":\"%s\",\"type\":\"ASTM.RESULT\",\"sender\":\"%s\",\"receiver\":\"%s\",\"results\":%d,\"bytes\":400,\"malformed\":null,"
        "\"ack\":null%s%s%s",
        m->back ? m->dst : m->src, m->back ? m->src : m->dst, m->dport != 0 ? m->dport : 2575, m->back, second,
        m->protocol != NULL ? m->protocol : "astm", m->sender, m->receiver != NULL ? m->receiver : "LIS", m->results,
        m->sent_at != NULL ? ",\"sent_at\":\"" : "", m->sent_at != NULL ? m->sent_at : "", m->sent_at != NULL ? "\"" : "");
    feed_event(f, second, "lab.message", rest);
}

static void reports(struct feed *f, int second, const char *code)
{
    char rest[512];
    (void)snprintf(rest, sizeof rest, "\"message\":\"f1.0.%d\",\"test\":{\"code\":\"%s\",\"text\":\"Test %s\"},\"flags\":[]", second, code, code);
    feed_event(f, second, "lab.result", rest);
}

/* The id of the device at an address. */
static const char *id_at(struct feed *f, const char *address)
{
    static char ids[4][64];
    static int next;
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    char *id = ids[next++ % 4];
    id[0] = 0;
    struct store_stmt *q = store_stmt(f->reader, "SELECT r.id FROM asset_address JOIN asset AS m ON m.n = asset JOIN asset AS r ON r.n = m.root "
                                                 "WHERE now = 1 AND value = ?1");
    store_bind_str(q, 1, address);
    if (store_step(q))
        (void)snprintf(id, 64, "%.*s", (int)store_text(q, 0).n, (const char *)store_text(q, 0).p);
    assert_int_equal(store_done(q, &e), 0);
    store_look_end(f->reader);
    return id;
}

static void decide2(struct feed *f, int second, const char *event, const char *asset, const char *key, const char *value)
{
    char rest[512];
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"%s\":\"%s\",\"person\":\"ana\"", asset, key, value);
    feed_event(f, second, event, rest);
}

/* ── rules 1 to 5 ── */

static void an_address_that_moves_takes_nothing_along(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", MAC_A, "dhcp", "\"hostname\":\"first\"");
    says(&f, 2, &(struct said){.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "A", .results = 3});
    feed_event(&f, 3, "flow.closed", FLOW("10.0.5.7", "10.0.5.1") ",\"packets\":4,\"bytes_up\":100,\"bytes_down\":80,\"app\":\"astm\"");
    evidence(&f, 60, "10.0.5.7", MAC_B, "dhcp", "\"hostname\":\"second\""); /* the lease went to another device */
    says(&f, 61, &(struct said){.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "B", .results = 1});
    assert_string_equal(ask(&f, "SELECT messages || ' ' || results_sent FROM asset WHERE hostname = 'first'"), "1 3");
    assert_string_equal(ask(&f, "SELECT messages || ' ' || results_sent FROM asset WHERE hostname = 'second'"), "1 1");
    assert_string_equal(ask(&f, "SELECT hostname FROM conversation JOIN asset ON asset.n = a WHERE packets = 4"), "first");
    assert_string_equal(ask(&f, "SELECT group_concat(now || ' ' || ((last_seen - first_seen) / 1000000000), ', ') FROM (SELECT * FROM asset_address "
                                "WHERE value = '10.0.5.7' ORDER BY now)"),
                        "0 0, 1 0");
    /* a conversation that ended late, of before the move, is the first one's */
    feed_event(&f, 30, "flow.closed", FLOW("10.0.5.7", "10.0.5.1") ",\"packets\":8,\"bytes_up\":100,\"bytes_down\":80,\"app\":\"http\"");
    assert_string_equal(ask(&f, "SELECT hostname FROM conversation JOIN asset ON asset.n = a WHERE packets = 8"), "first");
    evidence(&f, 90, "10.0.5.9", MAC_A, "arp", "");
    evidence(&f, 91, "10.0.5.7", MAC_A, "arp", ""); /* and back again */
    assert_string_equal(ask(&f, "SELECT hostname FROM asset_address JOIN asset ON n = asset WHERE value = '10.0.5.7' AND now = 1"), "first");
    feed_free(&f);
}

static void an_address_without_mac_is_joined_within_a_day(void **state)
{
    (void)state;
    for (int days = 0; days < 2; days++) {
        struct feed f = feed_new();
        char line[256];
        evidence(&f, 1, "10.0.5.9", MAC_A, "arp", "");
        evidence(&f, 2, "10.0.5.7", "", "http", "\"software\":\"apache\"");
        assert_string_equal(ask(&f, DEVICES), "2");
        (void)snprintf(line, sizeof line,
                       "{\"time\":\"2026-11-2%dT15:00:00Z\",\"event\":\"asset.evidence\",\"ip\":\"10.0.5.7\",\"mac\":\"" MAC_A
                       "\",\"source\":\"arp\"}",
                       2 + 2 * days);
        feed(&f, line);
        assert_string_equal(ask(&f, DEVICES), days == 0 ? "1" : "2"); /* two days later it may be another device's address */
        assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE joined_by = 'mac'"), days == 0 ? "1" : "0");
        assert_string_equal(ask(&f, "SELECT coalesce(software, '-') FROM asset WHERE n = 1"), days == 0 ? "apache" : "-");
        feed_free(&f);
    }
}

static void a_router_is_network_gear(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.1", MAC_A, "arp", "");
    evidence(&f, 2, "10.0.5.1", MAC_A, "ip", "");
    evidence(&f, 3, "10.0.6.20", MAC_A, "ip", "");
    evidence(&f, 4, "10.0.6.21", MAC_A, "ip", "");
    evidence(&f, 5, "10.0.5.44", MAC_A, "ip", ""); /* of its own network: says nothing about routing */
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.1'"), "unknown");
    evidence(&f, 6, "10.0.7.9", MAC_A, "ip", "");
    assert_string_equal(ask(&f, "SELECT role || ' ' || role_basis FROM asset WHERE title = '10.0.5.1'"), "network inferred");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_address WHERE kind = 'mac'"), "1"); /* those behind it did not get its MAC address */
    assert_string_equal(ask(&f, DEVICES), "5");
    feed_free(&f);
    f = feed_new(); /* one that never speaks for itself becomes known by its MAC address */
    evidence(&f, 1, "10.0.6.20", MAC_B, "ip", "");
    evidence(&f, 2, "10.0.6.21", MAC_B, "ip", "");
    evidence(&f, 3, "10.0.6.22", MAC_B, "ip", "");
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '" MAC_B "'"), "network");
    feed_free(&f);
}

/* ── rule 6 ── */

#define XN "\"maker\":\"Sysmex\",\"model\":\"XN-1000\",\"serial\":\"11001\""

static void the_same_serial_number_is_the_same_device(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", MAC_A, "arp", "");
    evidence(&f, 2, "10.0.5.7", "", "astm.h", XN);
    evidence(&f, 3, "10.0.6.7", MAC_B, "arp", "");
    evidence(&f, 4, "10.0.6.7", "", "astm.h", XN); /* its second network card */
    assert_string_equal(ask(&f, DEVICES), "1");
    assert_string_equal(ask(&f, "SELECT joined_by FROM asset WHERE root <> n"), "serial");
    evidence(&f, 5, "10.0.6.8", "", "astm.h", "\"model\":\"XN-2000\",\"serial\":\"11001\""); /* another model, another maker's number */
    evidence(&f, 6, "10.0.6.9", "", "astm.h", "\"model\":\"XN-1000\",\"serial\":\"1\"");     /* too short to say anything */
    evidence(&f, 7, "10.0.6.10", "", "astm.h", "\"model\":\"XN-1000\",\"serial\":\"1\"");
    assert_string_equal(ask(&f, DEVICES), "4");
    feed_free(&f);
}

static void who_talks_to_it_is_another_device(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "astm.h", XN);
    feed_event(&f, 2, "flow.closed", FLOW("10.0.5.7", "10.0.5.1") ",\"packets\":4,\"bytes_up\":100,\"bytes_down\":80,\"app\":\"astm\"");
    evidence(&f, 3, "10.0.5.1", "", "astm.h", XN); /* passes the header on */
    assert_string_equal(ask(&f, DEVICES), "2");
    feed_free(&f);
}

static void who_receives_results_only_carries_the_name(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "astm.h", XN);
    evidence(&f, 2, "10.0.6.1", "", "astm.h", XN);
    assert_string_equal(ask(&f, DEVICES), "1");
    says(&f, 3, &(struct said){.src = "10.0.5.9", .dst = "10.0.6.1", .sender = "Other", .results = 1}); /* so that was middleware */
    assert_string_equal(ask(&f, DEVICES), "3");
    evidence(&f, 4, "10.0.5.7", "", "astm.h", XN ",\"software\":\"2\"");
    assert_string_equal(ask(&f, DEVICES), "3"); /* and stays so */
    feed_free(&f);
}

/* ── rules 7 and 8 ── */

static void senders_that_take_turns_are_instruments(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct said a = {.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "ZN-1000^00-22", .results = 2};
    struct said b = {.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "HQ76^1", .results = 5};
    feed_event(&f, 0, "run.started", "");
    evidence(&f, 1, "10.0.5.7", "", "astm.h", "\"model\":\"ZN-1000\",\"sender\":\"ZN-1000^00-22\"");
    says(&f, 1, &a);
    reports(&f, 1, "WBC");
    evidence(&f, 2, "10.0.5.7", "", "astm.h", "\"model\":\"HQ76\",\"serial\":\"77001\",\"sender\":\"HQ76^1\"");
    says(&f, 2, &b);
    reports(&f, 2, "GLU");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE behind IS NOT NULL"), "0"); /* so far one may have replaced the other */
    says(&f, 3, &a);
    reports(&f, 3, "RBC");
    assert_string_equal(ask(&f, "SELECT group_concat(title) FROM (SELECT title FROM asset WHERE behind IS NOT NULL ORDER BY title)"), "HQ76,ZN-1000");
    assert_string_equal(ask(&f,
                            "SELECT group_concat(title || ' ' || role || ' ' || messages || ' ' || results_sent) FROM (SELECT * FROM asset ORDER BY "
                            "title)"),
                        "10.0.5.1 lis 3 0,10.0.5.7 network 0 0,HQ76 analyzer 1 5,ZN-1000 analyzer 2 4");
    assert_string_equal(ask(&f, "SELECT group_concat(title || ' ' || code || ' ' || count) FROM (SELECT * FROM asset_report JOIN asset ON n = asset "
                                "ORDER BY title, code)"),
                        "HQ76 GLU 1,ZN-1000 RBC 1,ZN-1000 WBC 1");
    assert_string_equal(ask(&f, "SELECT serial FROM asset WHERE title = 'HQ76'"), "77001");
    says(&f, 4, &b);
    reports(&f, 4, "GLU");
    evidence(&f, 5, "10.0.5.7", "", "astm.h", "\"model\":\"HQ76\",\"software\":\"3.1\",\"sender\":\"HQ76^1\"");
    assert_string_equal(ask(&f, "SELECT messages || ' ' || results_sent || ' ' || software FROM asset WHERE title = 'HQ76'"), "2 10 3.1");
    assert_string_equal(ask(&f,
                            "SELECT group_concat(n || '/' || c) FROM (SELECT title AS n, count(*) AS c FROM result JOIN asset ON asset.n = src GROUP "
                            "BY title ORDER BY title)"),
                        "HQ76/2,ZN-1000/2");
    feed_free(&f);
}

static void the_port_tells_instruments_of_one_name_apart(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct said a = {.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "BC-30", .results = 2, .back = true, .dport = 4001};
    struct said b = a;
    b.dport = 4002;
    says(&f, 1, &a);
    says(&f, 2, &b);
    says(&f, 3, &a);
    says(&f, 4, &b);
    assert_string_equal(ask(&f, "SELECT group_concat(messages) FROM asset WHERE behind IS NOT NULL"), "2,2");
    feed_free(&f);
}

static void a_new_version_is_no_second_instrument(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 0; i < 6; i++)
        says(&f, i, &(struct said){.src = "10.0.5.7", .dst = "10.0.5.1", .sender = i < 3 ? "XN-1000^00-22" : "XN-1000^00-23", .results = 2});
    assert_string_equal(ask(&f, DEVICES), "2");
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.7'"), "analyzer");
    feed_free(&f);
}

static void middleware_has_no_instruments(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct said a = {.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "XN", .results = 2};
    struct said b = {.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "AU", .results = 2};
    says(&f, 1, &(struct said){.src = "10.0.5.20", .dst = "10.0.5.7", .sender = "XN", .results = 2});
    for (int i = 2; i < 8; i++)
        says(&f, i, i % 2 == 0 ? &a : &b);
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE behind IS NOT NULL"), "0");
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.7'"), "middleware");
    feed_free(&f);
    f = feed_new(); /* what looked like a terminal server before it received anything is put right */
    for (int i = 2; i < 8; i++)
        says(&f, i, i % 2 == 0 ? &a : &b);
    assert_string_equal(ask(&f, DEVICES), "4");
    says(&f, 9, &(struct said){.src = "10.0.5.20", .dst = "10.0.5.7", .sender = "XN", .results = 2});
    assert_string_equal(ask(&f, "SELECT group_concat(role) FROM (SELECT role FROM asset WHERE root = n ORDER BY title)"), "lis,analyzer,middleware");
    feed_free(&f);
}

static void three_hl7_senders_show_middleware(void **state)
{
    (void)state;
    struct feed f = feed_new();
    static const char *const names[] = {"A1", "B2", "C3"};
    for (int i = 0; i < 7; i++) {
        assert_string_equal(ask(&f, "SELECT coalesce((SELECT role FROM asset WHERE title = '10.0.5.7'), '-')"), i == 0  ? "-"
                                                                                                                : i < 5 ? "analyzer"
                                                                                                                        : "middleware");
        says(&f, i, &(struct said){.src = "10.0.5.7", .dst = "10.0.5.1", .sender = names[i % 3], .results = 2, .protocol = "hl7"});
    }
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE behind IS NOT NULL"), "0");
    feed_free(&f);
}

/* A serial analyzer behind a terminal server of a known maker is an instrument even when it is alone there. */
static void a_terminal_servers_maker_is_enough(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct said a = {.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "ZN-1000^00-22", .results = 2};
    says(&f, 1, &a);
    evidence(&f, 2, "10.0.5.7", "", "astm.h", "\"model\":\"ZN-1000\",\"sender\":\"ZN-1000^00-22\"");
    assert_string_equal(ask(&f, DEVICES), "2");
    evidence(&f, 3, "10.0.5.7", "00:90:e8:01:02:03", "arp", ""); /* Moxa's block */
    says(&f, 4, &a);
    assert_string_equal(ask(&f, DEVICES), "3");
    assert_string_equal(ask(&f, "SELECT role || ' ' || class FROM asset WHERE n = 1"), "network terminal-server");
    assert_string_equal(ask(&f, "SELECT title || ' ' || role || ' ' || messages || ' ' || behind FROM asset WHERE behind IS NOT NULL"),
                        "ZN-1000 analyzer 2 1");
    feed_free(&f);
}

static void the_catalog_names_models(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "astm.h",
             "\"model\":\"XN-1000\",\"serial\":\"T-abcdefghijklmnop\",\"said\":[\"XN-1000\",\"00-22\"],\"sender\":\"XN-1000^00-22\"");
    assert_string_equal(ask(&f, "SELECT title || '|' || role || '|' || role_basis || '|' || class || '|' || serial FROM asset"),
                        "Sysmex XN-1000|analyzer|seen|haematology|T-abcdefghijklmnop");
    assert_string_equal(ask(&f, "SELECT confidence >= 60 FROM asset"), "1");
    feed_free(&f);
}

/* ── rule 9 ── */

/* What the catalog gave is remembered: joining and parting change what it rests on. */
static void a_model_goes_where_its_evidence_goes(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.1", "", "http", "\"software\":\"nginx\"");
    evidence(&f, 2, "10.0.5.7", "", "astm.h", "\"model\":\"XN-1000\",\"said\":[\"XN-1000\",\"1.2\"]");
    assert_string_equal(ask(&f, "SELECT group_concat(coalesce(class, '-')) FROM asset WHERE root = n"), "-,haematology");
    decide2(&f, 3, "asset.joined", id_at(&f, "10.0.5.1"), "other", id_at(&f, "10.0.5.7"));
    assert_string_equal(ask(&f, "SELECT group_concat(coalesce(class, '-')) FROM asset WHERE root = n"), "haematology");
    decide2(&f, 4, "asset.split", id_at(&f, "10.0.5.1"), "part", "10.0.5.7");
    assert_string_equal(ask(&f, "SELECT group_concat(coalesce(class, '-')) FROM asset WHERE root = n"), "-,haematology");
    feed_free(&f);
}

static void a_persons_word_stands_against_evidence(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "astm.h", XN);
    evidence(&f, 2, "10.0.6.7", "", "astm.h", XN);
    assert_string_equal(ask(&f, DEVICES), "1");
    decide2(&f, 3, "asset.split", id_at(&f, "10.0.5.7"), "part", "10.0.6.7");
    assert_string_equal(ask(&f, DEVICES), "2");
    evidence(&f, 4, "10.0.6.7", "", "astm.h", XN ",\"software\":\"2\"");
    assert_string_equal(ask(&f, DEVICES), "2");
    assert_string_equal(ask(&f, "SELECT software FROM asset_address JOIN asset ON n = asset WHERE value = '10.0.6.7'"), "2");
    decide2(&f, 5, "asset.joined", id_at(&f, "10.0.5.7"), "other", id_at(&f, "10.0.6.7"));
    assert_string_equal(ask(&f, DEVICES), "1");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_distinct"), "0");
    assert_string_equal(ask(&f, "SELECT software FROM asset WHERE root = n"), "2");
    decide2(&f, 6, "asset.split", id_at(&f, "10.0.5.7"), "part", "10.0.5.7"); /* the elder of the two goes */
    assert_string_equal(ask(&f, DEVICES), "2");
    assert_string_not_equal(id_at(&f, "10.0.5.7"), id_at(&f, "10.0.6.7"));
    feed_free(&f);
}

static void an_address_parted_from_its_mac_stays_parted(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", MAC_A, "arp", "\"hostname\":\"one\"");
    evidence(&f, 2, "10.0.5.8", MAC_A, "arp", "");
    feed_event(&f, 3, "flow.closed", FLOW("10.0.5.8", "10.0.5.1") ",\"packets\":4,\"bytes_up\":100,\"bytes_down\":80,\"app\":\"http\"");
    assert_string_equal(id_at(&f, "10.0.5.7"), id_at(&f, "10.0.5.8"));
    decide2(&f, 4, "asset.split", id_at(&f, "10.0.5.7"), "part", "10.0.5.8");
    evidence(&f, 5, "10.0.5.8", MAC_A, "arp", "\"hostname\":\"two\"");
    assert_string_not_equal(id_at(&f, "10.0.5.7"), id_at(&f, "10.0.5.8"));
    assert_string_equal(ask(&f, "SELECT hostname FROM conversation JOIN asset ON asset.n = a"), "two");
    assert_string_equal(ask(&f, "SELECT hostname FROM asset_address JOIN asset ON n = asset WHERE value = '10.0.5.7'"), "one");
    evidence(&f, 6, "10.0.5.8", MAC_B, "arp", ""); /* but a third device may have the address later */
    assert_string_equal(id_at(&f, "10.0.5.8"), id_at(&f, MAC_B));
    feed_free(&f);
}

static void distinct_devices_are_not_joined(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "http", "\"software\":\"a\"");
    evidence(&f, 2, "10.0.6.7", "", "http", "\"software\":\"b\"");
    decide2(&f, 3, "asset.distinct", id_at(&f, "10.0.5.7"), "other", id_at(&f, "10.0.6.7"));
    evidence(&f, 4, "10.0.5.7", "", "astm.h", XN);
    evidence(&f, 5, "10.0.6.7", "", "astm.h", XN);
    assert_string_equal(ask(&f, DEVICES), "2");
    feed_free(&f);
}

static void edits_win(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "astm.h", XN);
    char rest[256];
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"edits\":[\"role=printer\",\"serial=X=1\",\"colour=red\",\"owner=Ana\"],\"person\":\"ana\"",
                   id_at(&f, "10.0.5.7"));
    feed_event(&f, 2, "asset.edited", rest);
    evidence(&f, 3, "10.0.5.7", "", "astm.h", "\"model\":\"XN-1000\",\"serial\":\"11002\",\"role\":\"analyzer\"");
    assert_string_equal(ask(&f, "SELECT role || role_basis || confidence || serial || owner FROM asset"), "printertold100X=1Ana");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_edit"), "3");
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"edits\":[\"role=\",\"serial=\"]", id_at(&f, "10.0.5.7"));
    feed_event(&f, 4, "asset.edited", rest);
    assert_string_equal(ask(&f, "SELECT role || role_basis || serial || owner FROM asset"), "analyzerseen11002Ana");
    feed_free(&f);
}

/* ── what it does ── */

static int64_t skew_of(struct feed *f, const char *minute, const char *zone, int n)
{
    struct error e = {0};
    char stamp[64];
    for (int i = 0; i < n; i++) {
        (void)snprintf(stamp, sizeof stamp, "%s:%02d%s", minute, i % 60, zone);
        says(f, i % 60, &(struct said){.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "A", .results = 1, .sent_at = stamp});
    }
    assert_int_equal(store_look(f->reader, &e), 0);
    struct store_stmt *q = store_stmt(f->reader,
                                      "SELECT skew FROM (SELECT skew, row_number() OVER (ORDER BY skew) AS place, count(*) OVER () AS n FROM "
                                      "asset_skew) WHERE place = (n + 1) / 2");
    int64_t skew = store_run_int(q, -9999, &e);
    store_look_end(f->reader);
    return skew;
}

static void clocks_are_measured_whatever_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *minute, *zone; /* packets come at 14:00:SS UTC */
        int64_t skew;
    } cases[] = {
        {"2026-11-22T14:00", "", 0},   {"2026-11-22T08:00", "", 0},        {"2026-11-22T19:30", "", 0}, /* UTC, Chicago, Kolkata */
        {"2026-11-22T08:03", "", 180}, {"2026-11-22T07:57", "", -180},     {"2026-11-22T09:00", "-06:00", 3600}, {"2026-11-22T08:00", "-06:00", 0},
        {"2026-11-22T14:00", "Z", 0},  {"2026-11-22T14:05", ".500Z", 300}, {"2026-11-19T14:00", "", -3 * 86400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct feed f = feed_new();
        assert_int_equal(skew_of(&f, cases[i].minute, cases[i].zone, 20), cases[i].skew);
        feed_free(&f);
    }
    struct feed f = feed_new();
    assert_int_equal(skew_of(&f, "2026-11-22T14:00", "", 20), 0);
    says(&f, 21,
         &(struct said){.src = "10.0.5.7", .dst = "10.0.5.1", .sender = "A", .results = 1, .sent_at = "2020-01-01T00:00:00"}); /* one outlier */
    assert_int_equal(skew_of(&f, "", "", 0), 0);
    feed_free(&f);
}

static void note_hours(struct feed *f, int64_t hours[24])
{
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    assert_int_equal(asset_hours(f->reader, 1, hours, &e), 0);
    store_look_end(f->reader);
}

static void hours_are_counted_by_the_packet_clock(void **state)
{
    (void)state;
    struct feed f = feed_new();
    int64_t hours[24];
    for (int i = 0; i < 30; i++) {
        char line[512];
        (void)snprintf(line, sizeof line,
                       "{\"time\":\"2026-11-%02dT%02d:30:00Z\",\"event\":\"lab.message\"," FLOW(
                           "10.0.5.7", "10.0.5.1") ",\"id\":\"f1.0.%d\",\"protocol\":\"hl7\",\"results\":1}",
                       22 + i / 24, i % 24, i);
        feed(&f, line);
    }
    note_hours(&f, hours);
    for (int i = 0; i < 24; i++)
        assert_int_equal(hours[i], 1);
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset_hour WHERE asset = 1"), "24"); /* no more are kept */
    feed(&f,
         "{\"time\":\"2026-11-23T09:10:00Z\",\"event\":\"lab.message\"," FLOW("10.0.5.7", "10.0.5.1") ",\"id\":\"f1.0.99\",\"protocol\":\"hl7\"}");
    note_hours(&f, hours);
    assert_int_equal(hours[23], 1);
    assert_int_equal(hours[22], 0);
    assert_int_equal(hours[19], 1);
    feed_free(&f);
}

/* ── lists that people bring ── */

static void a_list_names_what_nobody_has_seen(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", "", "astm.h", XN);
    char rest[512];
    (void)snprintf(
        rest, sizeof rest,
        "\"rows\":[\"{\\\"asset\\\":\\\"%s\\\",\\\"owner\\\":\\\"Ana\\\"}\",\"{\\\"ip\\\":\\\"10.0.5.50\\\",\\\"name\\\":\\\"Fridge\\\"}\",\"[\"],"
        "\"person\":\"ana\"",
        id_at(&f, "10.0.5.7"));
    feed_event(&f, 2, "asset.imported", rest);
    assert_string_equal(ask(&f, "SELECT owner FROM asset WHERE model = 'XN-1000'"), "Ana");
    assert_string_equal(ask(&f, "SELECT title || coalesce(last_seen, '-') FROM asset WHERE name = 'Fridge'"), "Fridge-");
    evidence(&f, 3, "10.0.5.50", MAC_B, "dhcp", "\"hostname\":\"fridge1\""); /* and there it is */
    assert_string_equal(ask(&f, "SELECT title || hostname || (last_seen > 0) FROM asset WHERE name = 'Fridge'"), "Fridgefridge11");
    feed_free(&f);
}

/* ── and all of it, played twice ── */

static void play(struct feed *f, unsigned seed, int lines)
{
    static const char *const senders[] = {"XN^1", "AU^2", "C3", "D4"};
    for (int i = 0; i < lines; i++) {
        seed = seed * 1103515245u + 12345u;
        unsigned r = seed >> 8;
        char ip[32];
        char mac[32];
        char more[128];
        char dst[32];
        (void)snprintf(ip, sizeof ip, "10.0.%u.%u", r % 2, 1 + (r >> 2) % 12);
        (void)snprintf(dst, sizeof dst, "10.0.%u.%u", (r >> 1) % 2, 1 + (r >> 6) % 5);
        (void)snprintf(mac, sizeof mac, "00:00:00:00:00:%02x", 1 + (r >> 4) % 9);
        (void)snprintf(more, sizeof more, "\"model\":\"M%u\",\"serial\":\"900%u\"", (r >> 7) % 2, (r >> 9) % 4);
        switch ((r >> 12) % 8) {
        case 0: evidence(f, i, ip, mac, (r & 4) != 0 ? "arp" : "dhcp", ""); break;
        case 1: evidence(f, i, ip, mac, "ip", ""); break;
        case 2: evidence(f, i, ip, "", "astm.h", more); break;
        case 3: decide2(f, i, "asset.joined", id_at(f, ip), "other", id_at(f, dst)); break;
        case 4: decide2(f, i, "asset.split", id_at(f, ip), "part", (r & 64) != 0 ? ip : "9001"); break;
        case 5: decide2(f, i, (r & 64) != 0 ? "asset.distinct" : "asset.edited", id_at(f, ip), "other", id_at(f, dst)); break;
        default:
            says(f, i,
                 &(struct said){
                     .src = ip, .dst = dst, .sender = senders[(r >> 10) % 4], .results = (int)(r % 3), .protocol = (r & 8) != 0 ? "astm" : "hl7"});
            reports(f, i, senders[r % 4]);
        }
    }
}

static void any_history_replays_and_keeps_its_invariants(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 4; seed++) {
        struct feed a = feed_new();
        struct feed b = feed_new();
        struct buf first = BUF_INIT(64u << 20);
        struct buf second = BUF_INIT(64u << 20);
        struct error e = {0};
        play(&a, seed, 350);
        play(&b, seed, 350);
        assert_int_equal(store_dump(a.reader, &first, &e), 0);
        assert_int_equal(store_dump(b.reader, &second, &e), 0);
        assert_true(span_equal(buf_span(&first), buf_span(&second)));
        /* a root is its own root; whoever was joined follows the way to it; an address has one holder */
        assert_string_equal(ask(&a, "SELECT count(*) FROM asset AS x JOIN asset AS r ON r.n = x.root WHERE r.root <> r.n"), "0");
        assert_string_equal(ask(&a, "SELECT count(*) FROM asset WHERE (root = n) <> (joined_to IS NULL)"), "0");
        assert_string_equal(ask(&a, "SELECT count(*) FROM asset AS x JOIN asset AS t ON t.n = x.joined_to WHERE t.root <> x.root"), "0");
        assert_string_equal(ask(&a,
                                "SELECT (SELECT value FROM counter WHERE name = 'assets_made') - coalesce((SELECT value FROM counter WHERE name = "
                                "'assets_joined'), 0) - (SELECT count(*) FROM asset WHERE root = n)"),
                            "0");
        assert_string_equal(ask(&a, "SELECT value - (SELECT count(*) FROM asset_address) FROM counter WHERE name = 'addresses'"), "0");
        buf_release(&first);
        buf_release(&second);
        feed_free(&a);
        feed_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_moves_takes_nothing_along),
        cmocka_unit_test(an_address_without_mac_is_joined_within_a_day),
        cmocka_unit_test(a_router_is_network_gear),
        cmocka_unit_test(the_same_serial_number_is_the_same_device),
        cmocka_unit_test(who_talks_to_it_is_another_device),
        cmocka_unit_test(who_receives_results_only_carries_the_name),
        cmocka_unit_test(senders_that_take_turns_are_instruments),
        cmocka_unit_test(the_port_tells_instruments_of_one_name_apart),
        cmocka_unit_test(a_new_version_is_no_second_instrument),
        cmocka_unit_test(middleware_has_no_instruments),
        cmocka_unit_test(three_hl7_senders_show_middleware),
        cmocka_unit_test(a_terminal_servers_maker_is_enough),
        cmocka_unit_test(the_catalog_names_models),
        cmocka_unit_test(a_model_goes_where_its_evidence_goes),
        cmocka_unit_test(a_persons_word_stands_against_evidence),
        cmocka_unit_test(an_address_parted_from_its_mac_stays_parted),
        cmocka_unit_test(distinct_devices_are_not_joined),
        cmocka_unit_test(edits_win),
        cmocka_unit_test(clocks_are_measured_whatever_the_zone),
        cmocka_unit_test(hours_are_counted_by_the_packet_clock),
        cmocka_unit_test(a_list_names_what_nobody_has_seen),
        cmocka_unit_test(any_history_replays_and_keeps_its_invariants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
