#include "../cmocka_all.h"

#include "proc/config.h"
#include "proc/config_keys.h"

#include <stdio.h>
#include <stdlib.h>

static struct config config;

static int parse(const char *text, struct error *e)
{
    *e = (struct error){0};
    return config_parse(&config, span_str(text), "lab.yaml", e);
}

static void wrong(const char *text, const char *place, const char *words)
{
    struct error e;
    assert_int_equal(parse(text, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    if (strstr(e.text, place) == NULL || strstr(e.text, words) == NULL)
        fail_msg("\"%s\" lacks %s or \"%s\"", e.text, place, words);
}

static void test_defaults(void **state)
{
    (void)state;
    struct error e;
    config_default(&config);
    assert_string_equal(config.site, "laboratory");
    assert_string_equal(config.data, "/var/lib/tourniquet");
    assert_string_equal(config.console_listen.host, "127.0.0.1");
    assert_int_equal(config.console_listen.port, 8443);
    assert_string_equal(config.console_name, "localhost");
    assert_int_equal(config.capture_count + config.relay_count + config.listener_count, 0);
    assert_int_equal(parse("", &e), 0); /* an empty file is all defaults */
    assert_string_equal(config.site, "laboratory");
    assert_int_equal(parse("# nothing\n", &e), 0);
}

static void test_times_and_numbers(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(parse("", &e), 0);
    assert_int_equal(config.backup_every, 24 * 3600);
    assert_int_equal(config.backup_keep, 7);
    assert_int_equal(config.keep_observations, 0);
    assert_int_equal(config.keep_evidence, INT64_C(365) * 86400);
    assert_int_equal(parse("backup: { to: /mnt/b, every: 90m, keep: 3, test: 2d }\nretention: { observations: 400d, evidence: 12h }\n", &e), 0);
    assert_int_equal(config.keep_evidence, 12 * 3600);
    assert_int_equal(config.backup_every, 90 * 60);
    assert_int_equal(config.backup_keep, 3);
    assert_int_equal(config.backup_test, 2 * 86400);
    assert_int_equal(config.keep_observations, INT64_C(400) * 86400);
    static const char *const times[] = {"24", "h", "0h", "-1h", "1w", "01h", "36601d", "99999999999999999999d", "1.5h", "\"\""};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "backup: { every: %s }\n", times[i]);
        wrong(text, ":1:18:", "a time with s, m, h or d");
    }
    wrong("backup: { keep: 0 }\n", ":1:17:", "a number from 1 to 1000");
    wrong("backup: { keep: 1001 }\n", ":1:17:", "a number from 1 to 1000");
    wrong("backup: { keep: some }\n", ":1:17:", "a number from 1 to 1000");
    wrong("backup: { to: b }\n", ":1:15:", "an absolute path");
    wrong("listeners: [ { for: mail, listen: 0.0.0.0:25, name: report.lab.example } ]\n", ":1:1:", "mail.servers");
    wrong("mail: { servers: mx.lab.example }\n", ":1:18:", "a network");
}

static void test_whole(void **state)
{
    (void)state;
    struct error e;
    const char *text =
        "site: main-street\ndata: /srv/lab\ncapture: [ { interface: eth1 }, { interface: eth2 } ]\nrelay:\n"
        "  - { name: chemistry, listen: 10.0.5.1:5000, forward: lis.example:2575, protocol: mllp, tls: { to: required } }\n"
        "  - name: hematology\n    listen: \"[fe80::1]:5001\"\n    forward: 10.0.6.1:2576\n    protocol: astm\n"
        "console: { listen: \"[::1]:9443\", name: lab.example }\n"
        "listeners: [ { for: taxii, listen: 0.0.0.0:8444, name: share.lab.example }, { for: mail, listen: 0.0.0.0:25, name: report.lab.example } ]\n"
        "mail: { servers: [ 10.1.1.5, 10.1.2.0/24 ] }\n";
    assert_int_equal(parse(text, &e), 0);
    assert_string_equal(config.site, "main-street");
    assert_int_equal(config.capture_count, 2);
    assert_string_equal(config.capture[1].interface, "eth2");
    assert_int_equal(config.relay_count, 2);
    assert_string_equal(config.relay[0].forward.host, "lis.example");
    assert_int_equal(config.relay[0].forward.port, 2575);
    assert_string_equal(config.relay[0].tls_to, "required");
    assert_string_equal(config.relay[1].listen.host, "fe80::1");
    assert_string_equal(config.relay[1].tls_to, "off"); /* a default inside a list */
    assert_string_equal(config.relay[1].mode, "end-to-end");
    assert_int_equal(config.relay[1].record_wait, 200);
    assert_string_equal(config.console_listen.host, "::1");
    assert_int_equal(config.console_listen.port, 9443);
    assert_string_equal(config.listener[0].purpose, "taxii");
    assert_string_equal(config.listener[1].purpose, "mail");
    assert_string_equal(config.mail_servers, "10.1.1.5\n10.1.2.0/24\n");
    assert_string_equal(config.mail_arrives, "starttls");
    char out[300];
    config_endpoint_text(&config.console_listen, out, sizeof out);
    assert_string_equal(out, "[::1]:9443");
}

static void test_link(void **state)
{
    (void)state;
    struct error e;
    const char *text =
        "relay:\n  - { name: a, connect: analyzer.example:1, accept: 10.0.0.1:2, protocol: astm, mode: store-and-forward, record_wait: 2s,\n"
        "      delay_limit: 50ms, queue_max: 5, learn: 7d, unknown: refuse, tls: { min: 1.2 },\n"
        "      policy: { types: [ ORU^R01, \"A B\" ], senders: LIS, size: 4096, rate: 60 } }\n";
    assert_int_equal(parse(text, &e), 0);
    const struct config_relay *r = &config.relay[0];
    assert_string_equal(r->connect.host, "analyzer.example");
    assert_int_equal(r->accept.port, 2);
    assert_int_equal(r->listen.port, 0);
    assert_int_equal(r->record_wait, 2000);
    assert_int_equal(r->delay_limit, 50);
    assert_int_equal(r->connections, 1);
    assert_int_equal(r->learn, 7 * 86400);
    assert_string_equal(r->tls_min, "1.2");
    assert_string_equal(r->policy_types, "ORU^R01\nA B\n");
    assert_string_equal(r->policy_senders, "LIS\n");
    assert_string_equal(r->policy_tests, "");
    assert_int_equal(r->policy_size, 4096);
    assert_int_equal(r->policy_rate, 60);
}

static void test_wrong(void **state)
{
    (void)state;
    wrong("site: x\nconsole:\n  lisen: 127.0.0.1:1\n", "lab.yaml:3:3:", "unknown key \"lisen\"; expected one of listen, name");
    wrong("site: x\nsite: y\n", "lab.yaml:2:1:", "site is given twice");
    wrong("console: { listen: 127.0.0.1:1 }\nconsole: { name: a.b }\n", "lab.yaml:2:1:", "console is given twice");
    wrong("capture:\n  - interface: eth0\n    interface: eth1\n", "lab.yaml:3:5:", "twice");
    wrong("relay:\n  - name: a\n", "lab.yaml:2:5:", "protocol is missing");
    wrong("relay:\n  - { name: a, protocol: mllp, forward: x.y:1 }\n", "lab.yaml:2:5:", "one of listen");
    wrong("relay:\n  - { name: a, protocol: mllp, listen: 10.0.0.1:1, connect: x.y:2, forward: x.y:1 }\n", "lab.yaml:2:5:", "one of listen");
    wrong("relay:\n  - { name: a, protocol: mllp, listen: 10.0.0.1:1 }\n", "lab.yaml:2:5:", "one of forward");
    wrong("relay:\n  - { name: a, protocol: mllp, listen: 10.0.0.1:1, forward: x.y:1 }\n"
          "  - { name: a, protocol: mllp, listen: 10.0.0.1:2, forward: x.y:1 }\n",
          "lab.yaml:3:5:", "another link");
    wrong("relay:\n  - { name: a, protocol: mllp, listen: 10.0.0.1:1, forward: x.y:1, connections: 2 }\n", "lab.yaml:2:5:", "several connections");
    wrong("relay:\n  - { name: a, protocol: astm, listen: 10.0.0.1:1, forward: x.y:1, mode: store-and-forward, connections: 2 }\n",
          "lab.yaml:2:5:", "several connections");
    wrong("relay:\n  - { name: a, protocol: mllp, listen: 10.0.0.1:1, accept: 10.0.0.1:2, mode: store-and-forward, connections: 2 }\n",
          "lab.yaml:2:5:", "several connections");
    wrong("relay:\n  - { name: a, protocol: mllp, listen: 10.0.0.1:1, forward: x.y:1, mode: store-and-forward, connections: 33 }\n",
          "lab.yaml:2:", "32");
    wrong("relay:\n  - { name: a, record_wait: 200 }\n", "lab.yaml:2:29:", "200ms");
    wrong("relay:\n  - { name: a, tls: { pin: sha256/x } }\n", "lab.yaml:2:28:", "sha256/");
    wrong("relay:\n  - { name: a, policy: { types: [ a, [] ] } }\n", "lab.yaml:2:38:", "a list of words");
    wrong("relay: {}\n", "lab.yaml:1:8:", "a list");
    wrong("relay: [ x ]\n", "lab.yaml:1:10:", "a list");
    wrong("site: [ a ]\n", "lab.yaml:1:7:", "expected a name");
    wrong("console: x\n", "lab.yaml:1:10:", "keys with values");
    wrong("? [a]\n: b\n", "lab.yaml:1:3:", "expected one of the keys");
    wrong("x\n", "lab.yaml:1:1:", "expected keys with values");
    wrong("a: &b c\n", "lab.yaml:1:1:", "unknown key");
    wrong("site: *b\n", "lab.yaml:1:7:", "anchors and aliases");
    wrong("site: 'a\n", "lab.yaml:", "not YAML");
    wrong("site: a\x01\n", "lab.yaml:", "not YAML");
    wrong("site: \xff\xff\n", "lab.yaml:", "not YAML");
    wrong("site: \"a\\0b\"\n", "lab.yaml:1:7:", "expected a name");
    wrong("\"si\\0te\": a\n", "lab.yaml:1:1:", "unknown key");
    wrong("capture[]: a\n", "lab.yaml:1:1:", "unknown key");
    wrong("console.name: a\n", "lab.yaml:1:1:", "unknown key");
    wrong("site: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx\n", "lab.yaml:1:7:", "1 to 40");
}

#define WITNESS_KEY "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"

static void test_witness(void **state)
{
    (void)state;
    struct error e;
    static const char *const good[] = {"https://witness.example", "https://witness.example:8444/a/b", "http://[::1]:80", "http://10.0.0.1/"};
    static const char *const bad[] = {"ftp://x.example",        "https://",  "https:///x",       "https://u:p@x.example", "https://x.example:99999",
                                      "https://x.example/?a=b", "x.example", "https://x example"};
    char text[512];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(text, sizeof text, "witness: [ { name: w1, url: \"%s\", key: \"" WITNESS_KEY "\" } ]\n", good[i]);
        assert_int_equal(parse(text, &e), 0);
        assert_string_equal(config.witness[0].url, good[i]);
        assert_string_equal(config.witness[0].key, WITNESS_KEY);
        assert_string_equal(config.witness[0].authority, "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, "witness: [ { name: w1, url: \"%s\", key: \"" WITNESS_KEY "\" } ]\n", bad[i]);
        wrong(text, "lab.yaml:1:29:", "witness[].url: expected an address");
    }
    wrong("witness: [ { name: w1, url: \"https://x.example\", key: abc } ]\n", "lab.yaml:1:55:", "witness[].key: expected a public key");
    wrong("witness: [ { name: w1, url: \"https://x.example\" } ]\n", "lab.yaml:1:12:", "key is missing");
}

static void test_too_many(void **state)
{
    (void)state;
    struct error e;
    char text[4096] = "capture:\n";
    for (int i = 0; i < CONFIG_CAPTURES; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "  - { interface: eth%d }\n", i);
    assert_int_equal(parse(text, &e), 0);
    assert_int_equal(config.capture_count, CONFIG_CAPTURES);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "  - { interface: more }\n");
    wrong(text, "lab.yaml:18:5:", "at most 16");
}

static void test_a_failure_changes_nothing(void **state)
{
    (void)state;
    struct error e;
    assert_int_equal(parse("site: before\n", &e), 0);
    assert_int_equal(parse("site: after\nconsole: 1\n", &e), -1);
    assert_string_equal(config.site, "before");
}

static bool endpoint(const char *text, bool names)
{
    struct config_endpoint p;
    return config_endpoint_parse(span_str(text), names, &p);
}

static void test_endpoints(void **state)
{
    (void)state;
    assert_true(endpoint("10.0.0.1:1", false));
    assert_true(endpoint("[::]:65535", false));
    assert_true(endpoint("lis.example:2575", true));
    const char *const bad[] = {"",
                               ":",
                               "10.0.0.1",
                               "10.0.0.1:",
                               "10.0.0.1:0",
                               "10.0.0.1:65536",
                               "10.0.0.1:01",
                               "10.0.0.1: 1",
                               "::1:80",
                               "[10.0.0.1]:80",
                               "[::1:80",
                               "lis..example:1",
                               "-lis:1",
                               "lis-:1",
                               "1.2.3:4",
                               "lis_a:1",
                               "10.0.0.256:1",
                               ":80",
                               "[]:80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (endpoint(bad[i], true))
            fail_msg("taken as an endpoint: %s", bad[i]);
    assert_false(endpoint("lis.example:2575", false));
}

static void test_warden(void **state)
{
    (void)state;
    static struct config c;
    struct error e = {0};
    assert_int_equal(
        config_parse(&c, SPAN_LIT("warden: { devices: [10.8.0.0/24, \"fd00:8::/64\"], vendors: 10.9.0.7, longest: 2h }\n"), "lab.yaml", &e), 0);
    assert_string_equal(c.warden_devices, "10.8.0.0/24\nfd00:8::/64\n");
    assert_string_equal(c.warden_vendors, "10.9.0.7\n");
    assert_int_equal(c.warden_longest, 7200);
    static const char *const bad[] = {"warden: { devices: [10.8.0.0/24] }\n", "warden: { vendors: [10.8.0.0/24] }\n",
                                      "warden: { devices: [10.8.0.1/24], vendors: [10.9.0.0/24] }\n",
                                      "warden: { devices: [0.0.0.0/0], vendors: [10.9.0.0/24] }\n",
                                      "warden: { devices: [lab], vendors: [10.9.0.0/24] }\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(config_parse(&c, span_str(bad[i]), "lab.yaml", &e), -1);
        assert_int_equal(e.class, ERR_MISUSE);
    }
}

/* The table itself: every default is a value that its own key takes, every key is documented, and bits are enough to mark them. */
static void test_table(void **state)
{
    (void)state;
    struct buf document = BUF_INIT(65536);
    config_document(&document);
    assert_true(buf_ok(&document) && config_key_count <= 256);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *k = &config_keys[i];
        char row[160];
        struct config scratch;
        (void)snprintf(row, sizeof row, "| `%s` | ", k->path);
        assert_non_null(strstr(buf_text(&document), row));
        assert_true(strlen(k->help) > 8);
        if (k->initial != NULL)
            assert_true(config_store(k, span_str(k->initial), &scratch));
    }
    buf_release(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_link),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_witness),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_a_failure_changes_nothing),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_warden),
        cmocka_unit_test(test_times_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
