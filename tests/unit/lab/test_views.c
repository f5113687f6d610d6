/* Projections: what devices, messages, results and findings become of ledger lines. */
#include "feed.h"

#include "lab/inventory/asset.h"
#include "lab/inventory/message.h"
#include "lab/respond/finding.h"
#include "lab/today.h"

static void message(struct feed *f, int second, const char *id, const char *src, const char *dst, int results)
{
    char rest[1024];
    (void)snprintf(
        rest, sizeof rest,
        "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"%s\",\"sport\":4000,\"dst\":\"%s\",\"dport\":2575,\"vlan\":null},\"id\":\"%s\",\"protocol\":"
        "\"hl7\","
        "\"type\":\"ORU^R01\",\"control_id\":\"M1\",\"sender\":\"Chem 2\",\"receiver\":\"LIS\",\"version\":\"2.5.1\",\"charset\":null,\"results\":%d,"
        "\"bytes\":400,\"malformed\":null,\"ack\":null",
        src, dst, id, results);
    feed_event(f, second, "lab.message", rest);
}

static void result(struct feed *f, int second, const char *message_id)
{
    char rest[1024];
    (void)snprintf(
        rest, sizeof rest,
        FLOW("10.0.5.7", "10.0.5.1") ",\"test\":{\"code\":\"2823-3\",\"system\":\"LN\",\"text\":\"Potassium\"},\"patient\":\"P-ABC\","
                                     "\"specimen\":\"S-DEF\",\"value_digest\":\"x\",\"units\":\"mmol/L\",\"flags\":[\"H\"],\"status\":\"F\","
                                     "\"observed_at\":\"2026-11-22T14:00:00\",\"message\":\"%s\"",
        message_id);
    feed_event(f, second, "lab.result", rest);
}

static void finding_of(struct feed *f, int second, const char *id, const char *kind, const char *severity, const char *title)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest,
                   FLOW("10.0.5.7", "10.0.5.1") ",\"id\":\"%s\",\"kind\":\"%s\",\"severity\":\"%s\",\"title\":\"%s\","
                                                "\"evidence\":{\"flows\":[\"1\"],\"messages\":[\"f1.0.%d\"]},\"technique\":null,\"advice\":\"Look.\"",
                   id, kind, severity, title, second);
    feed_event(f, second, "finding", rest);
}

static void finding(struct feed *f, int second, const char *id, const char *severity, const char *title)
{
    finding_of(f, second, id, "message.malformed", severity, title);
}

static void evidence_joins_by_mac_and_address(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "flow.closed", FLOW("10.0.5.7", "10.0.5.1") ",\"packets\":4,\"bytes_up\":100,\"bytes_down\":80,\"app\":\"hl7\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset"), "2");
    char id[64];
    (void)snprintf(id, sizeof id, "%s", ask(&f, "SELECT id FROM asset ORDER BY n"));
    feed_event(&f, 2, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:33:44:55\",\"source\":\"arp\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset"), "2"); /* the same device, now with its MAC address */
    assert_string_equal(ask(&f, "SELECT asset.id FROM asset_address JOIN asset ON asset.n = asset WHERE value = '00:11:22:33:44:55'"), id);
    /* a new address by DHCP: still the same device */
    feed_event(&f, 3, "asset.evidence", "\"ip\":\"10.0.5.9\",\"mac\":\"00:11:22:33:44:55\",\"hostname\":\"chem2\",\"source\":\"dhcp\"");
    assert_string_equal(ask(&f, "SELECT asset.id FROM asset_address JOIN asset ON asset.n = asset WHERE value = '10.0.5.9'"), id);
    assert_string_equal(ask(&f, "SELECT title FROM asset WHERE hostname = 'chem2'"), "chem2");
    /* what was known under an address alone joins the device that turns out to hold it */
    feed_event(&f, 4, "asset.evidence", "\"ip\":\"10.0.5.20\",\"model\":\"C-800\",\"maker\":\"Acme\",\"source\":\"hl7.msh\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE root = n"), "3");
    feed_event(&f, 5, "asset.evidence", "\"ip\":\"10.0.5.20\",\"mac\":\"00:11:22:33:44:55\",\"source\":\"arp\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE root = n"), "2");
    assert_string_equal(ask(&f, "SELECT title FROM asset WHERE hostname = 'chem2'"), "Acme C-800");
    feed_free(&f);
}

static void a_card_names_its_maker(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:00:0c:33:44:55\",\"source\":\"arp\"");
    assert_string_equal(ask(&f, "SELECT maker || '|' || source FROM asset JOIN asset_fact ON asset = n"), "Cisco Systems, Inc|oui");
    /* what the device says itself is worth more; and the maker of the card does not go into its title */
    feed_event(&f, 2, "asset.evidence", "\"ip\":\"10.0.5.7\",\"model\":\"C-800\",\"source\":\"hl7.msh\"");
    assert_string_equal(ask(&f, "SELECT maker || '|' || title FROM asset"), "Cisco Systems, Inc|C-800");
    feed_event(&f, 3, "asset.evidence", "\"ip\":\"10.0.5.7\",\"maker\":\"Acme\",\"source\":\"hl7.msh\"");
    assert_string_equal(ask(&f, "SELECT maker || '|' || title FROM asset"), "Acme|Acme C-800");
    /* a router's address, and a random one, name nobody */
    feed_event(&f, 4, "asset.evidence", "\"ip\":\"10.0.5.8\",\"mac\":\"00:00:0c:33:44:56\",\"source\":\"ip\"");
    feed_event(&f, 5, "asset.evidence", "\"ip\":\"10.0.5.9\",\"mac\":\"02:00:0c:33:44:57\",\"source\":\"arp\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE maker IS NOT NULL"), "1");
    assert_string_equal(ask(&f, "SELECT value FROM asset_fact WHERE field = 'local_mac'"), "02:00:0c:33:44:57");
    feed_free(&f);
}

static void a_routers_mac_joins_nothing(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:11:22:33:44:55\",\"model\":\"A\",\"source\":\"hl7.msh\"");
    feed_event(&f, 2, "asset.evidence", "\"ip\":\"10.0.5.8\",\"mac\":\"00:11:22:33:44:55\",\"model\":\"B\",\"source\":\"hl7.msh\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE root = n"), "2");
    feed_event(&f, 3, "asset.evidence", "\"ip\":\"10.0.5.255\",\"mac\":\"ff:ff:ff:ff:ff:ff\",\"source\":\"arp\""); /* nobody's */
    feed_event(&f, 4, "asset.evidence", "\"ip\":\"0.0.0.0\",\"source\":\"arp\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE root = n"), "2");
    feed_free(&f);
}

static void only_who_answers_is_a_device(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "flow.closed", FLOW("10.0.5.7", "10.0.5.99") ",\"packets\":1,\"bytes_up\":60,\"bytes_down\":0,\"app\":\"\"");
    feed_event(&f, 2, "flow.closed", FLOW("10.0.5.7", "8.8.8.8") ",\"packets\":2,\"bytes_up\":60,\"bytes_down\":90,\"app\":\"dns\"");
    assert_string_equal(ask(&f, "SELECT group_concat(title) FROM asset"), "10.0.5.7");
    assert_string_equal(ask(&f, "SELECT count(*) FROM conversation"), "2");
    feed_free(&f);
}

static void roles_follow_from_results(void **state)
{
    (void)state;
    struct feed f = feed_new();
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 3);
    assert_string_equal(ask(&f, "SELECT role || ' ' || role_basis FROM asset WHERE title = '10.0.5.7'"), "analyzer inferred");
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.1'"), "lis");
    message(&f, 2, "f2.1.1", "10.0.5.40", "10.0.5.1", 3); /* sent by the side that did not open the flow */
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.1'"), "middleware");
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.40'"), "lis");
    feed_free(&f);
}

static void middleware_may_have_two_addresses(void **state)
{
    (void)state;
    static const char *const lines[] = {
        FLOW("10.0.5.7", "10.0.5.1") ",\"id\":\"f1.0.1\",\"protocol\":\"astm\",\"sender\":\"XN\",\"receiver\":\"LINK^CORE\",\"results\":2",
        FLOW("10.0.6.1", "10.0.6.9") ",\"id\":\"f2.0.1\",\"protocol\":\"hl7\",\"sender\":\"LINK\",\"receiver\":\"LIS\",\"results\":2",
    };
    struct feed f = feed_new();
    feed_event(&f, 1, "lab.message", lines[0]);
    assert_string_equal(ask(&f, "SELECT role FROM asset WHERE title = '10.0.5.1'"), "lis");
    feed_event(&f, 2, "lab.message", lines[1]);
    assert_string_equal(ask(&f, "SELECT group_concat(role) FROM (SELECT role FROM asset ORDER BY title)"), "middleware,analyzer,middleware,lis");
    feed_free(&f);
}

static void servers_and_workstations_follow_from_flows(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 0; i < 3; i++) {
        assert_string_equal(ask(&f, "SELECT coalesce((SELECT role FROM asset WHERE title = '10.0.5.7'), 'unknown')"), "unknown");
        feed_event(&f, i, "flow.closed", FLOW("10.0.5.7", "8.8.4.4") ",\"packets\":9,\"bytes_up\":60,\"bytes_down\":90,\"app\":\"tls\"");
    }
    assert_string_equal(ask(&f, "SELECT role || role_basis FROM asset WHERE title = '10.0.5.7'"), "workstationinferred");
    feed_event(&f, 4, "flow.closed", FLOW("10.0.5.7", "10.0.5.2") ",\"packets\":2,\"bytes_up\":60,\"bytes_down\":90,\"app\":\"dns\"");
    assert_string_equal(ask(&f, "SELECT role || role_basis FROM asset WHERE title = '10.0.5.2'"), "serverinferred");
    feed_event(&f, 5, "asset.evidence", "\"ip\":\"8.8.4.4\",\"hostname\":\"dns.example\",\"source\":\"tls\""); /* not of the lab */
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset"), "2");
    feed_free(&f);
}

static void results_learn_from_their_message(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 0, "run.started", "");
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 1);
    result(&f, 1, "f1.0.1");
    assert_string_equal(ask(&f, "SELECT sender || control_id || flags FROM result"), "Chem 2M1[\"H\"]");
    result(&f, 2, "f1.0.2"); /* before its message */
    assert_string_equal(ask(&f, "SELECT coalesce(sender, '-') FROM result ORDER BY n DESC"), "-");
    message(&f, 2, "f1.0.2", "10.0.5.7", "10.0.5.1", 1);
    assert_string_equal(ask(&f, "SELECT sender FROM result ORDER BY n DESC"), "Chem 2");
    assert_string_equal(ask(&f, "SELECT search FROM result ORDER BY n DESC"), "2823-3 potassium p-abc s-def chem 2");
    /* a new run counts its messages anew: its results do not take an old message for theirs */
    feed_event(&f, 3, "run.started", "");
    result(&f, 4, "f1.0.1");
    assert_string_equal(ask(&f, "SELECT coalesce(sender, '-') FROM result ORDER BY n DESC"), "-");
    assert_string_equal(ask(&f, "SELECT value FROM counter WHERE name = 'results'"), "3");
    feed_free(&f);
}

static void message_ids_tell_directions(void **state)
{
    (void)state;
    assert_int_equal(message_direction(SPAN_LIT("f12.0.7")), 0);
    assert_int_equal(message_direction(SPAN_LIT("f12.1.7")), 1);
    assert_int_equal(message_direction(SPAN_LIT("f12.1")), 0);
    assert_int_equal(message_direction(SPAN_LIT("")), 0);
    assert_int_equal(message_direction(SPAN_LIT("1")), 0);
}

/* Whoever signs in decides nothing about devices and findings. */
static void what_people_decided_is_known(void **state)
{
    (void)state;
    struct feed f = feed_new();
    finding(&f, 1, "f1", "medium", "One");
    feed_event(&f, 3, "session.opened", "\"person\":\"ana\"");
    assert_int_equal(views_decided(f.views), 0);
    feed_event(&f, 4, "finding.taken", "\"id\":\"f1\",\"person\":\"ana\"");
    assert_int_equal(views_decided(f.views), f.next);
    feed_free(&f);
}

static void findings_go_their_ways(void **state)
{
    (void)state;
    struct feed f = feed_new();
    finding(&f, 1, "f1", "medium", "One");
    finding(&f, 2, "f1", "medium", "One");
    assert_string_equal(ask(&f, "SELECT state || count || messages || records FROM finding"), "open2[\"f1.0.1\",\"f1.0.2\"][0,1]");
    assert_string_equal(ask(&f, "SELECT flows FROM finding"),
                        "[{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.0.5.7\",\"sport\":4000,\"dst\":\"10.0.5.1\",\"dport\":2575,"
                        "\"vlan\":null}]"); /* once, with its ends */
    feed_event(&f, 3, "finding.taken", "\"id\":\"f1\",\"person\":\"ana\"");
    assert_string_equal(ask(&f, "SELECT state || taken_by || changed FROM finding"), "takenana2");
    feed_event(&f, 4, "finding.dismissed", "\"id\":\"f1\",\"person\":\"ana\",\"why\":\"A test\"");
    finding(&f, 5, "f1", "medium", "One");
    assert_string_equal(ask(&f, "SELECT state || count FROM finding"), "dismissed3"); /* the same again stays dismissed */
    finding(&f, 6, "f1", "critical", "Worse");
    assert_string_equal(ask(&f, "SELECT state || severity || title FROM finding"), "opencriticalWorse");
    assert_string_equal(ask(&f, "SELECT why FROM finding_event ORDER BY n DESC"), "It got worse: medium before, critical now.");
    finding(&f, 7, "f1", "low", "Milder");
    assert_string_equal(ask(&f, "SELECT severity || title FROM finding"), "criticalWorse");
    feed_event(&f, 8, "finding.taken", "\"id\":\"nobody\",\"person\":\"ana\""); /* of a finding that is not there */
    finding(&f, 9, "f2", "shocking", "No such severity");
    assert_string_equal(ask(&f, "SELECT count(*) FROM finding"), "1");
    assert_true(finding_may("finding.taken", SPAN_LIT("open")));
    assert_false(finding_may("finding.taken", SPAN_LIT("taken")));
    assert_true(finding_may("finding.dismissed", SPAN_LIT("taken")));
    assert_false(finding_may("finding.dismissed", SPAN_LIT("dismissed")));
    assert_false(finding_may("finding.eaten", SPAN_LIT("open")));
    feed_free(&f);
}

static void finding_that_ends(void **state)
{
    (void)state;
    struct feed f = feed_new();
    finding(&f, 1, "f1", "high", "Overdue");
    feed_event(&f, 2, "finding.ended", "\"id\":\"f1\",\"why\":\"One was made.\"");
    assert_string_equal(ask(&f, "SELECT state || ended FROM finding"), "dismissed1");
    assert_string_equal(ask(&f, "SELECT event || why FROM finding_event ORDER BY n DESC"), "finding.endedOne was made.");
    finding(&f, 3, "f1", "medium", "Overdue again"); /* opens again, as bad as it is now */
    assert_string_equal(ask(&f, "SELECT state || ended || severity || rank FROM finding"), "open0medium2");
    feed_event(&f, 4, "finding.dismissed", "\"id\":\"f1\",\"person\":\"ana\",\"why\":\"known\"");
    feed_event(&f, 5, "finding.ended", "\"id\":\"f1\",\"why\":\"Over.\"");
    finding(&f, 6, "f1", "medium", "Overdue again"); /* a person's word stays */
    assert_string_equal(ask(&f, "SELECT state || ended FROM finding"), "dismissed0");
    feed_event(&f, 7, "finding.ended", "\"id\":\"nobody\"");
    feed_free(&f);
}

static void finding_lists_are_bounded(void **state)
{
    (void)state;
    struct feed f = feed_new();
    for (int i = 0; i < 300; i++)
        finding(&f, i, "f1", "medium", "Many");
    assert_string_equal(ask(&f, "SELECT json_array_length(messages) FROM finding"), "20");
    assert_string_equal(ask(&f, "SELECT json_extract(messages, '$[19]') FROM finding"), "f1.0.299");
    assert_string_equal(ask(&f, "SELECT count FROM finding"), "300");
    assert_string_equal(ask(&f, "SELECT count(*) FROM finding_event"), "101"); /* the first, and the newest hundred */
    assert_string_equal(ask(&f, "SELECT min(record) FROM finding_event"), "0");
    feed_free(&f);
}

static void today_says_only_what_is_known(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct today t;
    struct error e = {0};
    struct buf text = BUF_INIT(1024);
    const char *expected[] = {"Nothing needs you. No network is being watched yet.", "Nothing needs you. No results seen yet.",
                              "3 things need you. 1 result seen, from 1 device. 2 devices wait for somebody to vouch for them.",
                              ("The record does not hold: it was changed, or the disk is damaged. 3 things need you. 1 result seen, from 1 device. "
                               "2 devices wait for somebody to vouch for them.")};
    for (int i = 0; i < 4; i++) {
        if (i == 1)
            feed_event(&f, 1, "capture.started", "\"capture\":\"lab.pcap\"");
        if (i == 2) {
            message(&f, 2, "f1.0.1", "10.0.5.7", "10.0.5.1", 1);
            result(&f, 2, "f1.0.1");
            finding(&f, 3, "f1", "medium", "One");
            finding(&f, 3, "f2", "critical", "Two");
        }
        if (i == 3)
            feed_event(&f, 4, "ledger.verified", "\"holds\":false,\"tree_size\":3,\"why\":\"record 1\",\"first_bad\":1");
        assert_int_equal(store_look(f.reader, &e), 0);
        assert_int_equal(today_get(f.reader, &t, &e), 0);
        store_look_end(f.reader);
        buf_clear(&text);
        today_sentence(&t, &text);
        assert_string_equal(buf_text(&text), expected[i]);
    }
    assert_int_equal(t.needs, 3);
    assert_int_equal(t.devices_waiting, 2);
    assert_int_equal(t.findings_open, 2);
    assert_int_equal(t.findings_critical, 1);
    buf_release(&text);
    t = (struct today){.needs = 1204, .capture = true, .results = 1002003, .senders = 4, .capture_state = "failed"};
    today_sentence(&t, &text);
    assert_string_equal(buf_text(&text), "1,204 things need you. 1,002,003 results seen, from 4 devices. Watching has failed: nothing new is seen.");
    buf_release(&text);
    feed_free(&f);
}

struct needs {
    char text[512];
    char device[64]; /* of the last one */
    int64_t members;
};

static void note_need(void *context, const struct finding_need *need)
{
    struct needs *n = context;
    size_t at = strlen(n->text);
    (void)snprintf(n->text + at, sizeof n->text - at, "%.*s+%lld@%lld ", (int)need->row.id.n, (const char *)need->row.id.p, (long long)need->same,
                   (long long)(need->same_last - need->row.last_time) / TIME_SECOND);
    (void)snprintf(n->device, sizeof n->device, "%.*s", (int)need->row.device_title.n, (const char *)need->row.device_title.p);
    n->members += need->same + 1;
}

/* The needs in order, each as "id of its first, + further ones, @ seconds by which the newest is younger than the first". */
static struct needs needs_of(struct feed *f, struct today *ret_today)
{
    struct needs n = {0};
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    assert_int_equal(finding_needs(f->reader, 100, note_need, &n, &e), 0);
    assert_int_equal(today_get(f->reader, ret_today, &e), 0);
    store_look_end(f->reader);
    return n;
}

static void one_cause_is_one_need(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct today t;
    assert_string_equal(needs_of(&f, &t).text, "");
    finding(&f, 1, "i1", "info", "Asks for nothing");
    assert_string_equal(needs_of(&f, &t).text, "");
    assert_int_equal(t.needs + t.findings_open, 0);
    finding(&f, 2, "m1", "medium", "One");
    assert_string_equal(needs_of(&f, &t).text, "m1+0@0 ");
    finding(&f, 3, "m2", "medium", "Two");
    finding(&f, 4, "l1", "low", "Three");
    assert_string_equal(needs_of(&f, &t).text, "m2+2@1 "); /* the worst, then the newest of them stands for all */
    finding_of(&f, 5, "s1", "sender.unknown", "low", "Another kind");
    finding(&f, 6, "h1", "high", "Alone");
    finding(&f, 7, "h2", "high", "Alone");
    finding(&f, 8, "c1", "critical", "Alone");
    struct needs n = needs_of(&f, &t);
    assert_string_equal(n.text, "c1+0@0 h2+0@0 h1+0@0 m2+2@1 s1+0@0 ");
    assert_int_equal(t.needs, 5);
    assert_int_equal(t.findings_open, n.members); /* no finding is lost or counted twice */
    assert_int_equal(t.findings_open, 7);
    feed_event(&f, 9, "finding.taken", "\"id\":\"m2\",\"person\":\"ana\"");
    feed_event(&f, 9, "finding.taken", "\"id\":\"h2\",\"person\":\"ana\"");
    assert_string_equal(needs_of(&f, &t).text, "c1+0@0 h1+0@0 m1+1@2 s1+0@0 ");
    assert_int_equal(t.needs, 4);
    finding(&f, 10, "m1", "high", "Worse"); /* leaves its group */
    assert_string_equal(needs_of(&f, &t).text, "c1+0@0 h1+0@0 m1+0@0 s1+0@0 l1+0@0 ");
    feed_free(&f);
}

static void a_need_tells_its_device(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct today t;
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 3);
    finding(&f, 2, "f1", "medium", "One");
    assert_string_equal(needs_of(&f, &t).device, "10.0.5.7");
    feed_event(&f, 3, "asset.evidence", "\"ip\":\"10.0.5.7\",\"maker\":\"Acme\",\"model\":\"C-800\",\"source\":\"hl7.msh\"");
    assert_string_equal(needs_of(&f, &t).device, "Acme C-800");
    feed_free(&f);
}

/* A mixed stream of lines, the same for the same seed. */
static void play(struct feed *f, unsigned seed, int lines)
{
    for (int i = 0; i < lines; i++) {
        seed = seed * 1103515245u + 12345u;
        char ip[32];
        char rest[512];
        char id[32];
        (void)snprintf(ip, sizeof ip, "10.0.5.%u", 1 + (seed >> 16) % 30);
        (void)snprintf(id, sizeof id, "f%u.%u.%d", (seed >> 8) % 9, (seed >> 12) % 2, i);
        switch ((seed >> 20) % 6) {
        case 0:
            (void)snprintf(rest, sizeof rest, "\"ip\":\"%s\",\"mac\":\"02:00:00:00:00:%02x\",\"hostname\":\"h%u\",\"source\":\"dhcp\"", ip,
                           (seed >> 9) % 20, (seed >> 5) % 7);
            feed_event(f, i, "asset.evidence", rest);
            break;
        case 1: message(f, i, id, ip, "10.0.5.1", (int)((seed >> 3) % 4)); break;
        case 2: result(f, i, id); break;
        case 3:
            (void)snprintf(rest, sizeof rest, "f%u", (seed >> 7) % 5);
            finding(f, i, rest, (seed >> 4) % 3 == 0 ? "critical" : "low", "Something");
            break;
        case 4:
            (void)snprintf(rest, sizeof rest, "\"id\":\"f%u\",\"person\":\"ana\"", (seed >> 7) % 5);
            feed_event(f, i, "finding.taken", rest);
            break;
        default:
            (void)snprintf(rest, sizeof rest,
                           "\"flow\":{\"src\":\"%s\",\"dst\":\"10.0.5.2\"},\"packets\":3,\"bytes_up\":4,\"bytes_down\":%u,\"app\":\"tls\"", ip,
                           (seed >> 6) % 2);
            feed_event(f, i, "flow.closed", rest);
        }
    }
}

static void a_replay_gives_the_same_tables(void **state)
{
    (void)state;
    struct feed a = feed_new();
    struct feed b = feed_new();
    play(&a, 7, 3000);
    play(&b, 7, 3000);
    struct buf first = BUF_INIT(64u << 20);
    struct buf second = BUF_INIT(64u << 20);
    struct error e = {0};
    assert_int_equal(store_dump(a.reader, &first, &e), 0);
    assert_int_equal(store_dump(b.reader, &second, &e), 0);
    assert_true(first.n > 100000);
    assert_true(span_equal(buf_span(&first), buf_span(&second)));
    feed_event(&b, 9, "finding.released", "\"id\":\"f1\"");
    buf_clear(&second);
    assert_int_equal(store_dump(b.reader, &second, &e), 0);
    assert_false(span_equal(buf_span(&first), buf_span(&second))); /* the dump does tell */
    buf_release(&first);
    buf_release(&second);
    feed_free(&a);
    feed_free(&b);
}

static void strange_lines_are_survived(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"event\":\"finding\"}",
        "{\"event\":1,\"time\":\"2026-11-22T14:00:00Z\"}",
        "{\"event\":\"finding\",\"time\":\"yesterday\"}",
    };
    struct feed f = feed_new();
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        feed(&f, lines[i]);
    assert_int_equal(views_skipped(f.views), 7);
    static const char *const events[] = {"asset.evidence", "flow.closed",     "lab.message",     "lab.result",    "finding",
                                         "finding.taken",  "account.created", "capture.started", "capture.ended", "sensor.status",
                                         "asset.named",    "ledger.verified", "run.started",     "unheard.of"};
    static const char *const rests[] = {"", "\"id\":7,\"ip\":[],\"flow\":\"x\",\"severity\":{},\"capture\":null",
                                        "\"ip\":\"10.0.0.1\\u0000'; DROP TABLE asset\",\"id\":\"'; DROP TABLE asset; "
                                        "--\",\"severity\":\"low\",\"capture\":\"'\",\"flow\":{\"src\":\"10.0.0.1\",\"dst\":\"::\"}",
                                        "\"flags\":{\"a\":1},\"evidence\":{\"flows\":7,\"messages\":[[1]],\"records\":[\"x\",-5,1e9]},\"id\":\"x\","
                                        "\"severity\":\"high\",\"results\":-9223372036854775808"};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        for (size_t r = 0; r < sizeof rests / sizeof rests[0]; r++)
            feed_event(&f, 1, events[i], rests[r]);
    assert_int_equal(views_skipped(f.views), 7);
    assert_string_equal(ask(&f, "SELECT count(*) > 0 FROM asset"), "1");
    struct error e = {0};
    struct committed late = {.index = 3, .json = SPAN_LIT("{}")};
    assert_int_equal(views_apply(f.views, &late, &e), -1); /* out of order */
    assert_int_equal(e.class, ERR_MISUSE);
    feed_free(&f);
}

struct heard {
    int n;
    char last[128];
};

static void hear(void *context, const char *topic, const char *id, const char *etag)
{
    struct heard *h = context;
    h->n++;
    (void)snprintf(h->last, sizeof h->last, "%s %s %s", topic, id, etag);
}

static void notices_are_gathered(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct heard h = {0};
    for (int i = 0; i < 500; i++)
        result(&f, i, "f1.0.1");
    views_take_notices(f.views, hear, &h);
    assert_int_equal(h.n, 2); /* results, ledger */
    assert_string_equal(h.last, "ledger  499");
    h.n = 0;
    views_take_notices(f.views, hear, &h);
    assert_int_equal(h.n, 0);
    feed_free(&f);
}

static void names_given_by_people_win(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"10.0.5.7\",\"model\":\"C-800\",\"source\":\"hl7.msh\"");
    char rest[256];
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"name\":\"Chem 2\",\"person\":\"ana\"", ask(&f, "SELECT id FROM asset"));
    feed_event(&f, 2, "asset.named", rest);
    feed_event(&f, 3, "asset.evidence", "\"ip\":\"10.0.5.7\",\"model\":\"C-900\",\"source\":\"hl7.msh\"");
    assert_string_equal(ask(&f, "SELECT title || ' ' || model || ' ' || changed FROM asset"), "Chem 2 C-900 2");
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"person\":\"ana\"", ask(&f, "SELECT id FROM asset"));
    feed_event(&f, 4, "asset.named", rest);
    assert_string_equal(ask(&f, "SELECT title FROM asset"), "C-900");
    feed_free(&f);
}

/* The record that a device's id came from was kept long enough: a rebuilt view gives it another id, and what people decided finds it by its address.
 */
static void names_outlive_what_is_removed(void **state)
{
    (void)state;
    struct feed f = feed_new();
    static const char gone[] = "\"asset\":\"01a2038e-82e8-7000-8000-000000000000\",\"person\":\"ana\"";
    char rest[256];
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"10.0.5.7\",\"mac\":\"00:1b:21:00:00:07\",\"source\":\"arp\"");
    (void)snprintf(rest, sizeof rest, "%s,\"name\":\"Chem 2\",\"ip\":\"10.0.5.99\",\"mac\":\"00:1b:21:00:00:07\"", gone);
    feed_event(&f, 2, "asset.named", rest); /* it had another address then */
    assert_string_equal(ask(&f, "SELECT count(*) || ' ' || title FROM asset"), "1 Chem 2");
    (void)snprintf(rest, sizeof rest, "%s,\"edits\":[\"owner=Chemistry\"],\"ip\":\"10.0.5.7\"", gone);
    feed_event(&f, 3, "asset.edited", rest);
    assert_string_equal(ask(&f, "SELECT value FROM asset_edit WHERE field = 'owner'"), "Chemistry");
    /* one that is heard again only later */
    (void)snprintf(rest, sizeof rest, "%s,\"name\":\"Hema 1\",\"ip\":\"10.0.5.9\"", gone);
    feed_event(&f, 4, "asset.named", rest);
    feed_event(&f, 5, "asset.evidence", "\"ip\":\"10.0.5.9\",\"model\":\"H-1\",\"source\":\"hl7.msh\"");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset"), "2");
    assert_string_equal(ask(&f, "SELECT model FROM asset WHERE title = 'Hema 1'"), "H-1");
    /* a decision of before addresses were written down: as if it were not there */
    (void)snprintf(rest, sizeof rest, "%s,\"name\":\"Old\"", gone);
    feed_event(&f, 6, "asset.named", rest);
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE title = 'Old'"), "0");
    feed_free(&f);
}

static void device_ids_come_from_the_ledger(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.evidence", "\"ip\":\"10.0.5.7\",\"model\":\"C-800\",\"source\":\"hl7.msh\"");
    const char *id = ask(&f, "SELECT id FROM asset");
    assert_int_equal(strlen(id), 36);
    assert_int_equal(id[14], '7'); /* version */
    assert_non_null(strchr("89ab", id[19]));
    assert_memory_equal(id, "01a2038e-82e8", 13); /* 2026-11-22T14:00:01Z in milliseconds */
    feed_free(&f);
}

static void sentences_are_plain(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(256);
    asset_sentence(&b, SPAN_LIT("model"), SPAN_LIT("XN-1000^00-22"), SPAN_LIT("astm.h"));
    assert_string_equal(buf_text(&b), "Calls itself 'XN-1000^00-22' in the ASTM header record.");
    buf_clear(&b);
    asset_sentence(&b, SPAN_LIT("colour"), SPAN_LIT("red"), SPAN_LIT("mirror"));
    assert_string_equal(buf_text(&b), "Known as 'red', seen in mirror.");
    buf_clear(&b);
    assert_false(asset_role_sentence(&b, &(struct asset_row){0}));
    assert_true(asset_role_sentence(&b, &(struct asset_row){.results_sent = 1}));
    assert_string_equal(buf_text(&b), "Sent 1 result and received none, as an analyzer does.");
    buf_release(&b);
}

static void what_a_sensor_lost_and_when(void **state)
{
    (void)state;
    struct feed f = feed_new();
#define COUNTS(dropped, flows, lab)                                                                                                                  \
    "\"capture\":\"eth1\",\"packets\":100,\"bytes\":9,\"flows\":1,\"damaged\":0,\"dropped\":" dropped ",\"dropped_flows\":" flows                    \
    ",\"dropped_lab\":" lab
    feed_event(&f, 1, "run.started", "");
    feed_event(&f, 2, "capture.started", "\"capture\":\"eth1\"");
    feed_event(&f, 5, "sensor.status", COUNTS("0", "0", "0"));
    assert_string_equal(ask(&f, "SELECT dropped_first IS NULL AND dropped_last IS NULL FROM capture"), "1");
    feed_event(&f, 10, "sensor.status", COUNTS("7", "4", "0"));
    feed_event(&f, 15, "sensor.status", COUNTS("9", "4", "1"));
    feed_event(&f, 20, "sensor.status", COUNTS("9", "4", "1"));
    assert_string_equal(ask(&f, "SELECT dropped || ' ' || dropped_flows || ' ' || dropped_lab FROM capture"), "9 4 1");
    assert_string_equal(ask(&f, "SELECT (dropped_last - dropped_first) / 1000000000 FROM capture"), "5");
    feed_event(&f, 21, "sensor.status", COUNTS("9", "4", "1") ",\"shed_bulk\":31,\"shed_other\":2");
    assert_string_equal(ask(&f, "SELECT shed_bulk || ' ' || shed_other || ' ' || dropped FROM capture"), "31 2 9");
    /* it vanishes, that is told twice, and comes back */
    feed_event(&f, 30, "capture.ended", COUNTS("9", "4", "1") ",\"why\":\"the interface went away\"");
    feed_event(&f, 31, "capture.ended", COUNTS("9", "4", "1") ",\"why\":\"there is no interface eth1\"");
    assert_string_equal(ask(&f, "SELECT state || ' ' || failures || ' ' || (back_at IS NULL) FROM capture"), "failed 1 1");
    feed_event(&f, 40, "capture.started", "\"capture\":\"eth1\"");
    assert_string_equal(ask(&f, "SELECT state || ' ' || failures || ' ' || ((back_at - failed_at) / 1000000000) FROM capture"), "reading 1 10");
    /* a sensor that starts anew counts from nothing */
    feed_event(&f, 45, "sensor.status", COUNTS("0", "0", "0"));
    assert_string_equal(ask(&f, "SELECT dropped_first IS NULL AND dropped_last IS NULL FROM capture"), "1");
    /* the end of the sensor before comes late: whoever counts is reading */
    feed_event(&f, 46, "capture.ended", COUNTS("9", "4", "1") ",\"reason\":\"stopped\"");
    assert_string_equal(ask(&f, "SELECT state FROM capture"), "ended");
    feed_event(&f, 47, "sensor.status", COUNTS("0", "0", "0"));
    assert_string_equal(ask(&f, "SELECT state || ' ' || failures FROM capture"), "reading 1");
    feed_event(&f, 50, "capture.ended", COUNTS("0", "0", "0") ",\"why\":\"gone\"");
    feed_event(&f, 55, "run.started", "");
    assert_string_equal(ask(&f, "SELECT state || ' ' || failures FROM capture"), "ended 0");
#undef COUNTS
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_joins_by_mac_and_address),
        cmocka_unit_test(a_card_names_its_maker),
        cmocka_unit_test(a_routers_mac_joins_nothing),
        cmocka_unit_test(only_who_answers_is_a_device),
        cmocka_unit_test(roles_follow_from_results),
        cmocka_unit_test(servers_and_workstations_follow_from_flows),
        cmocka_unit_test(middleware_may_have_two_addresses),
        cmocka_unit_test(results_learn_from_their_message),
        cmocka_unit_test(message_ids_tell_directions),
        cmocka_unit_test(what_people_decided_is_known),
        cmocka_unit_test(findings_go_their_ways),
        cmocka_unit_test(finding_that_ends),
        cmocka_unit_test(finding_lists_are_bounded),
        cmocka_unit_test(today_says_only_what_is_known),
        cmocka_unit_test(one_cause_is_one_need),
        cmocka_unit_test(a_need_tells_its_device),
        cmocka_unit_test(a_replay_gives_the_same_tables),
        cmocka_unit_test(strange_lines_are_survived),
        cmocka_unit_test(notices_are_gathered),
        cmocka_unit_test(names_given_by_people_win),
        cmocka_unit_test(names_outlive_what_is_removed),
        cmocka_unit_test(device_ids_come_from_the_ledger),
        cmocka_unit_test(sentences_are_plain),
        cmocka_unit_test(what_a_sensor_lost_and_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
