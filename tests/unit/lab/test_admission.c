/* Who may be on the lab's network: what a person's word covers, and what nobody gets in by. */
#include "feed.h"

#include "lab/inventory/admission.h"

#define MAC_A "00:11:22:33:44:55"
#define MAC_B "00:11:22:33:44:66"
#define ANALYZER "\"maker\":\"Acme\",\"model\":\"C-800\",\"serial\":\"110022\",\"role\":\"analyzer\""
#define STATE_OF(value)                                                                                                                              \
    "SELECT r.admission FROM asset_address JOIN asset AS m ON m.n = asset JOIN asset AS r ON r.n = m.root WHERE now = 1 AND value = '" value "'"
#define WAITING "SELECT count(*) FROM asset WHERE root = n AND " ADMISSION_WAITS

static void evidence(struct feed *f, int second, const char *ip, const char *mac, const char *source, const char *more)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest, "\"ip\":\"%s\"%s%s%s,\"source\":\"%s\"%s%s", ip, mac[0] != 0 ? ",\"mac\":\"" : "", mac, mac[0] != 0 ? "\"" : "",
                   source, more[0] != 0 ? "," : "", more);
    feed_event(f, second, "asset.evidence", rest);
}

/* A person's word about the device at this address, as the door writes it. */
static void decide(struct feed *f, int second, const char *decision, const char *address)
{
    struct error e = {0};
    char rest[2048];
    struct buf row = BUF_INIT(ADMISSION_ROW);
    assert_int_equal(store_look(f->reader, &e), 0);
    struct store_stmt *q = store_stmt(f->reader, "SELECT root FROM asset JOIN asset_address ON asset = n WHERE now = 1 AND value = ?1");
    store_bind_str(q, 1, address);
    int64_t n = store_run_int(q, 0, &e);
    assert_true(admission_put_row(f->reader, n, &row, &e));
    store_look_end(f->reader);
    size_t at = (size_t)snprintf(rest, sizeof rest, "\"person\":\"ana\",\"why\":\"because\",\"decision\":\"%s\",\"rows\":[\"", decision);
    for (size_t i = 0; i < row.n; i++) {
        if (row.p[i] == '"')
            rest[at++] = '\\';
        rest[at++] = (char)row.p[i];
    }
    (void)snprintf(rest + at, sizeof rest - at, "\"]");
    buf_release(&row);
    feed_event(f, second, "asset.admission", rest);
}

static const char *radius(struct feed *f)
{
    static char text[4096];
    struct error e = {0};
    struct buf out = BUF_INIT(sizeof text);
    assert_int_equal(store_look(f->reader, &e), 0);
    assert_int_equal(admission_radius(f->reader, "main-street", ADMISSION_COLON, false, &out, &e), 0);
    store_look_end(f->reader);
    (void)snprintf(text, sizeof text, "%s", buf_text(&out));
    buf_release(&out);
    return text;
}

static void a_new_device_is_unknown_until_somebody_vouches(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", MAC_A, "arp", "");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "unknown");
    assert_string_equal(ask(&f, WAITING), "0"); /* no analyzer is on that network */
    evidence(&f, 2, "10.0.5.8", "", "hl7.msh", ANALYZER);
    evidence(&f, 3, "10.0.9.8", "", "dhcp", "");
    assert_string_equal(ask(&f, WAITING), "2"); /* the two that share the analyzer's network */
    decide(&f, 4, "vouch", "10.0.5.7");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "vouched");
    assert_string_equal(ask(&f, WAITING), "1");
    assert_non_null(strstr(radius(&f), MAC_A " Cleartext-Password := \"" MAC_A "\"\n"));
    decide(&f, 5, "withdraw", "10.0.5.7");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "unknown");
    assert_null(strstr(radius(&f), MAC_A));
    decide(&f, 6, "refuse", "10.0.5.7");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "refused");
    assert_string_equal(ask(&f, WAITING), "1"); /* it waits for nobody */
    feed_free(&f);
}

static void another_network_card_is_not_vouched_for(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.8", "", "hl7.msh", ANALYZER);
    decide(&f, 2, "vouch", "10.0.5.8"); /* known by its IP address alone */
    assert_string_equal(ask(&f, STATE_OF("10.0.5.8")), "vouched");
    evidence(&f, 3, "10.0.5.8", MAC_A, "arp", "");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.8")), "unknown");
    assert_null(strstr(radius(&f), MAC_A));
    decide(&f, 4, "vouch", "10.0.5.8");
    assert_non_null(strstr(radius(&f), MAC_A));
    feed_free(&f);
}

/* A forger who names the serial number of a device that was vouched for becomes a part of it (rule 6 of the inventory), and gets in by nothing. */
static void a_forged_serial_number_does_not_get_in(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.8", MAC_A, "arp", "");
    evidence(&f, 2, "10.0.5.8", "", "hl7.msh", ANALYZER);
    decide(&f, 3, "vouch", "10.0.5.8");
    evidence(&f, 4, "10.0.5.66", MAC_B, "arp", "");
    evidence(&f, 5, "10.0.5.66", "", "hl7.msh", ANALYZER);
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE root = n"), "1");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.8")), "unknown");
    assert_non_null(strstr(radius(&f), MAC_A)); /* what was vouched for stays in: else a forger could put the analyzer out */
    assert_null(strstr(radius(&f), MAC_B));
    feed_free(&f);
}

static void a_refused_forger_does_not_put_the_device_out(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.8", MAC_A, "arp", "");
    evidence(&f, 2, "10.0.5.8", "", "hl7.msh", ANALYZER);
    decide(&f, 3, "vouch", "10.0.5.8");
    evidence(&f, 4, "10.0.5.66", MAC_B, "arp", "");
    decide(&f, 5, "refuse", "10.0.5.66");
    evidence(&f, 6, "10.0.5.66", "", "hl7.msh", ANALYZER); /* and now it says that it is the analyzer */
    assert_string_equal(ask(&f, STATE_OF("10.0.5.8")), "unknown");
    assert_non_null(strstr(radius(&f), MAC_A));
    assert_null(strstr(radius(&f), MAC_B));
    feed_free(&f);
}

static void who_was_refused_and_is_heard_again_is_counted(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct error e = {0};
    evidence(&f, 1, "10.0.5.7", MAC_A, "arp", "");
    decide(&f, 2, "refuse", "10.0.5.7");
    assert_int_equal(store_look(f.reader, &e), 0);
    assert_int_equal(admission_refused_heard(f.reader, &e), 0);
    store_look_end(f.reader);
    evidence(&f, 3, "10.0.5.7", MAC_A, "arp", "");
    assert_int_equal(store_look(f.reader, &e), 0);
    assert_int_equal(admission_refused_heard(f.reader, &e), 1);
    store_look_end(f.reader);
    feed_free(&f);
}

static void what_is_retired_is_not_exported(void **state)
{
    (void)state;
    struct feed f = feed_new();
    char rest[256];
    evidence(&f, 1, "10.0.5.7", MAC_A, "arp", "");
    decide(&f, 2, "vouch", "10.0.5.7");
    (void)snprintf(rest, sizeof rest, "\"asset\":\"%s\",\"edits\":[\"retired=true\"],\"person\":\"ana\"", ask(&f, "SELECT id FROM asset"));
    feed_event(&f, 3, "asset.edited", rest);
    assert_null(strstr(radius(&f), MAC_A));
    feed_free(&f);
}

/* Records whose rows are no rows, name nobody, or carry addresses that the device has not. */
static void damaged_records_change_nothing(void **state)
{
    (void)state;
    struct feed f = feed_new();
    evidence(&f, 1, "10.0.5.7", MAC_A, "arp", "");
    evidence(&f, 2, "10.0.5.9", MAC_B, "arp", "");
    feed_event(&f, 3, "asset.admission", "\"decision\":\"vouch\"");
    feed_event(&f, 4, "asset.admission", "\"decision\":\"admire\",\"rows\":[\"{}\"]");
    feed_event(&f, 5, "asset.admission",
               "\"decision\":\"vouch\",\"rows\":[\"{\",\"[]\",\"\",\"{\\\"asset\\\":7}\",\"{\\\"asset\\\":\\\"nosuch\\\"}\"]");
    assert_string_equal(ask(&f, "SELECT count(*) FROM admission"), "0");
    char rest[256];
    (void)snprintf(rest, sizeof rest,
                   "\"decision\":\"vouch\",\"rows\":[\"{\\\"asset\\\":\\\"%s\\\",\\\"mac\\\":\\\"" MAC_B " ff:ff:ff:ff:ff:ff x\\\"}\"]",
                   ask(&f, "SELECT id FROM asset JOIN asset_address ON asset = n WHERE value = '" MAC_A "'"));
    feed_event(&f, 6, "asset.admission", rest);
    assert_string_equal(ask(&f, "SELECT count(*) FROM admission"), "1");
    assert_string_equal(ask(&f, "SELECT count(*) FROM admission_mac"), "0"); /* another device's address */
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "unknown");
    feed_free(&f);
}

/* A view that is rebuilt after the first records were removed finds the device by its address. */
static void a_decision_finds_its_device_by_address(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_event(&f, 1, "asset.admission",
               "\"decision\":\"vouch\",\"rows\":[\"{\\\"asset\\\":\\\"gone\\\",\\\"ip\\\":\\\"10.0.5.7\\\",\\\"mac\\\":\\\"" MAC_A "\\\"}\"]");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "vouched");
    evidence(&f, 2, "10.0.5.7", MAC_A, "arp", "");
    assert_string_equal(ask(&f, "SELECT count(*) FROM asset WHERE root = n"), "1");
    assert_string_equal(ask(&f, STATE_OF("10.0.5.7")), "vouched");
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_device_is_unknown_until_somebody_vouches),
        cmocka_unit_test(another_network_card_is_not_vouched_for),
        cmocka_unit_test(a_forged_serial_number_does_not_get_in),
        cmocka_unit_test(a_refused_forger_does_not_put_the_device_out),
        cmocka_unit_test(who_was_refused_and_is_heard_again_is_counted),
        cmocka_unit_test(what_is_retired_is_not_exported),
        cmocka_unit_test(damaged_records_change_nothing),
        cmocka_unit_test(a_decision_finds_its_device_by_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
