/* Search: what it finds, in which order, and that nobody finds what their lists would not show. */
#include "../cmocka_all.h"

#include "door/api/api_private.h"
#include "door/api/certificate.h"

#include "keeper.h"
#include "record/crypto/password.h"

#define ID "00112233445566778899aabbccddeeff"
#define ENGINEER "chem-p9" /* lab() makes an account for each role: JOB_ENGINEER */
#define CLAIM "7K2MX-QQ4TD-9ABCD-EFGH"

static int specimen(void *context, struct span identifier, char out[32], struct error *e)
{
    (void)context, (void)e;
    (void)snprintf(out, 32, "%s", span_is(identifier, "26-004711") ? "S-abcdefgh23456723" : "S-zzzzzzzz77777777");
    return 0;
}

static void sign_in_as(struct keeper *k, const char *name)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"" KEEPER_PASSWORD "\"}", name);
    k->session[0] = 0;
    k->now.monotonic += 61 * TIME_SECOND;
    ASK(k, 200, "POST /api/v1/session", body, NULL);
    keeper_take_session(k);
}

static void list_certificates(void *context, void (*each)(void *to, const struct api_certificate *x), void *to)
{
    (void)context;
    struct api_certificate old = {.serial = "01", .link = "chem", .side = "lis", .names = "old-chem.example", .replaced = true};
    struct api_certificate now = {.serial = "02", .link = "chem", .side = "lis", .names = "lis.chem.example"};
    each(to, &now);
    each(to, &old);
}

/* What is about "chem" beside devices and findings: a door, a mail, a policy, a simulation, a certificate. */
static void more_of_it(struct keeper *k)
{
    keeper_feed(k,
                T "\"door.asked\",\"door\":\"00000000000000aa\",\"asset\":\"a-1\",\"address\":\"10.8.0.2\",\"from\":\"10.9.0.2\",\"service\":\"rdp\","
                  "\"proto\":6,\"port\":3389,\"minutes\":60,\"for_maker\":\"Chemco\",\"why\":\"service\",\"person\":\"" ENGINEER "\"}");
    keeper_feed(k,
                T "\"door.asked\",\"door\":\"00000000000000bb\",\"asset\":\"a-1\",\"address\":\"10.8.0.2\",\"from\":\"10.9.0.2\",\"service\":\"ssh\","
                  "\"proto\":6,\"port\":22,\"minutes\":60,\"for_maker\":\"Chemco\",\"why\":\"service\",\"person\":\"nina\"}");
    (void)keeper_feed_sealed(
        k, T "\"mail.reported\",\"mail_id\":[\"00000000000000cc\"],\"verdict\":\"dangerous\",\"score\":80,\"person\":\"pat\",\"state\":\"waiting\"}",
        "{\"mail_from\":\"pay@chem-lab.example\"}", SPAN_LIT(""), 0);
    keeper_feed(
        k, T "\"training.policy\",\"course\":\"policy:waste\",\"course_title\":\"Chemical waste\",\"course_version\":1,\"sha256\":\"aa\",\"days\":7,"
             "\"audience\":[\"phlebotomist\"]}");
    keeper_feed(k, T "\"phish.planned\",\"person\":\"mia\",\"campaign\":\"00112233445566778899aabbccddeeff\",\"template\":\"courier\",\"language\":"
                     "\"en\",\"audience\":[],"
                     "\"starts\":\"2026-11-22T14:00:00Z\",\"until\":\"2026-11-29T14:00:00Z\",\"rate\":60,\"course\":\"after-simulation\"}");
}

/* A device "Chem 2", a finding about it, a result, people, a report of pat's. */
static struct keeper *lab(void)
{
    struct keeper *k = keeper_new();
    struct error e = {0};
    char hash[PASSWORD_TEXT];
    assert_int_equal(password_hash(SPAN_LIT(KEEPER_PASSWORD), hash, &e), 0);
    k->api->host.specimen = specimen;
    static const struct api_pki pki = {.list = list_certificates};
    k->api->host.pki = &pki;
    keeper_feed(k, T "\"run.started\"}");
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"mac\":\"00:1b:44:11:3a:b7\",\"hostname\":\"chem-2\",\"source\":\"dhcp\"}");
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.8\",\"hostname\":\"second-chem\",\"source\":\"dhcp\"}");
    keeper_feed(k,
                T "\"lab.message\"," FLOW ",\"id\":\"f1.0.1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"sender\":\"Chem 2\",\"receiver\":\"LIS\","
                  "\"results\":1,\"bytes\":99,\"malformed\":null,\"ack\":null}");
    keeper_feed(k, T "\"lab.result\"," FLOW ",\"test\":{\"code\":\"K\",\"text\":\"Potassium\"},\"patient\":\"P-qqqqqqqqqqqqqqqq\",\"specimen\":"
                     "\"S-abcdefgh23456723\",\"flags\":[],\"observed_at\":\"2026-11-22T14:00:00\",\"message\":\"f1.0.1\"}");
    keeper_feed(k, T "\"finding\"," FLOW ",\"id\":\"" ID "\",\"kind\":\"result.altered\",\"severity\":\"critical\",\"title\":\"chem-2: a potassium "
                     "result changed.\",\"advice\":\"Wait.\",\"evidence\":{\"flows\":[1],\"messages\":[\"f1.0.1\"],\"records\":[]}}");
    for (int j = JOB_MANAGER; j < JOB_COUNT; j++) {
        char name[16];
        (void)snprintf(name, sizeof name, "chem-p%d", j);
        keeper_account(k, name, job_name((enum job)j), hash);
    }
    char name[16];
    (void)snprintf(name, sizeof name, "chem-p%d", JOB_PHLEBOTOMIST);
    sign_in_as(k, name);
    ASK(k, 201, "POST /api/v1/reports", "{\"kind\":\"device\",\"text\":\"The chem-2 smells burnt.\",\"claim\":\"" CLAIM "0\"}", NULL);
    ASK(k, 201, "POST /api/v1/reports/nameless", "{\"kind\":\"device\",\"text\":\"Somebody opened chem-2.\",\"claim\":\"" CLAIM "1\"}", NULL);
    more_of_it(k);
    return k;
}

static bool finds(struct keeper *k, const char *kind)
{
    char mark[40];
    (void)snprintf(mark, sizeof mark, "\"kind\":\"%s\"", kind);
    return strstr(keeper_text(k), mark) != NULL;
}

static size_t hits(struct keeper *k, const char *kind)
{
    char mark[40];
    size_t n = 0;
    (void)snprintf(mark, sizeof mark, "\"kind\":\"%s\"", kind);
    for (const char *at = keeper_text(k); (at = strstr(at, mark)) != NULL; at += strlen(mark))
        n++;
    return n;
}

static void a_record_is_found_by_its_number(void **state)
{
    (void)state;
    struct keeper *k = lab();
    sign_in_as(k, "chem-p1");
    ASK(k, 200, "GET /api/v1/search?q=12", NULL, NULL);
    SAYS(k, "\"kind\":\"record\",\"id\":\"12\"");
    ASK(k, 200, "POST /api/v1/search", "{\"q\":\"12\"}", NULL);
    SAYS(k, "\"kind\":\"record\",\"id\":\"12\"");
    ASK(k, 200, "GET /api/v1/search?q=999999999999", NULL, NULL);
    SAYS(k, "\"items\":[]");
    ASK(k, 200, "GET /api/v1/ledger/records?from=3&limit=2", NULL, NULL);
    SAYS(k, "{\"items\":[{\"index\":3,");
    SAYS(k, "{\"index\":2,");
    assert_null(strstr(keeper_text(k), "{\"index\":4,"));
    ASK(k, 400, "GET /api/v1/ledger/records?from=-1", NULL, NULL);
    ASK(k, 400, "GET /api/v1/ledger/records?from=9223372036854775807", NULL, NULL);
    keeper_free(k);
}

/* A simulation is called as whoever asks calls it. */
static void a_simulation_has_a_name_in_each_language(void **state)
{
    (void)state;
    struct keeper *k = lab();
    sign_in_as(k, "chem-p1");
    ASK(k, 200, "GET /api/v1/search?q=could%20not", NULL, NULL);
    SAYS(k, "\"title\":\"Courier could not deliver\"");
    (void)snprintf(k->language, sizeof k->language, "es");
    ASK(k, 200, "GET /api/v1/search?q=mensajero", NULL, NULL);
    SAYS(k, "\"title\":\"El mensajero no pudo entregar\"");
    keeper_free(k);
}

/* Every role, and nobody: a kind is found exactly by those whose role shows its list. */
static void what_a_role_may_not_see_is_not_found(void **state)
{
    (void)state;
    struct keeper *k = lab();
    for (int j = JOB_MANAGER; j < JOB_COUNT; j++) {
        char name[16];
        unsigned role = JOB_BIT(j);
        (void)snprintf(name, sizeof name, "chem-p%d", j);
        sign_in_as(k, name);
        ASK(k, 200, "GET /api/v1/search?q=chem", NULL, NULL);
        assert_int_equal(finds(k, "device"), jobs_may(role, "device.read"));
        assert_int_equal(finds(k, "finding"), jobs_may(role, "finding.read"));
        assert_int_equal(finds(k, "person"), jobs_may(role, "people.read"));
        assert_int_equal(hits(k, "report"), jobs_may(role, "report.handle") ? 2 : j == JOB_PHLEBOTOMIST ? 1 : 0);
        assert_int_equal(hits(k, "certificate"), jobs_may(role, "certificate.read")); /* not the replaced one */
        assert_int_equal(finds(k, "mail"), jobs_may(role, "mail.decide"));
        assert_int_equal(hits(k, "door"), jobs_may(role, "visits.read") ? 2 : jobs_may(role, "doors.read") ? 1 : 0);
        assert_int_equal(hits(k, "policy"), 1); /* they are for everybody to read */
        assert_false(finds(k, "result"));
        ASK(k, 200, "GET /api/v1/search?q=courier", NULL, NULL);
        assert_int_equal(hits(k, "simulation"), jobs_may(role, "phishing.read"));
        ASK(k, 200, "GET /api/v1/search?q=12", NULL, NULL);
        assert_int_equal(hits(k, "record"), jobs_may(role, "ledger.read"));
        ASK(k, 200, "GET /api/v1/search?q=S-ABCDEF", NULL, NULL);
        assert_int_equal(finds(k, "result"), jobs_may(role, "result.read"));
        ASK(k, 200, "POST /api/v1/search", "{\"q\":\" 26-004711 \"}", NULL);
        assert_int_equal(finds(k, "result"), jobs_may(role, "result.read"));
        if (!jobs_may(role, "device.read") && j != JOB_PHLEBOTOMIST)
            assert_null(strstr(keeper_text(k), "chem-2"));
    }
    k->session[0] = 0;
    ASK(k, 401, "GET /api/v1/search?q=chem", NULL, NULL);
    ASK(k, 401, "POST /api/v1/search", "{\"q\":\"26-004711\"}", NULL);
    keeper_free(k);
}

static void what_is_found_and_in_which_order(void **state)
{
    (void)state;
    struct keeper *k = lab();
    char name[16];
    (void)snprintf(name, sizeof name, "chem-p%d", JOB_MANAGER);
    sign_in_as(k, name);
    ASK(k, 200, "GET /api/v1/search?q=Chem", NULL, NULL);
    const char *first = strstr(keeper_text(k), "\"title\":\"chem-2\"");
    const char *second = strstr(keeper_text(k), "\"title\":\"second-chem\"");
    const char *finding = strstr(keeper_text(k), ID);
    assert_true(first != NULL && second != NULL && finding != NULL && first < second && second < finding);
    assert_int_equal(hits(k, "person"), 6); /* no more of a kind */
    ASK(k, 200, "GET /api/v1/search?q=10.0.5.7", NULL, NULL);
    SAYS(k, "\"note\":\"10.0.5.7\"");
    ASK(k, 200, "GET /api/v1/search?q=00:1B:44", NULL, NULL);
    assert_true(finds(k, "device"));
    ASK(k, 200, "GET /api/v1/search?q=result.altered", NULL, NULL);
    assert_true(finds(k, "finding"));
    /* of results nothing but the specimen's token is looked at: neither the patient's, nor the test, nor a number in an address */
    static const char *const nothing[] = {"q=P-qqqqqqqqqqqqqqqq", "q=26-004711", "q=S-a", "q=S-abc%25", "q=c", "q=", "q=%20%20"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        char ask[80];
        (void)snprintf(ask, sizeof ask, "GET /api/v1/search?%s", nothing[i]);
        ASK(k, 200, ask, NULL, NULL);
        assert_false(finds(k, "result"));
    }
    SAYS(k, "\"items\":[]");
    ASK(k, 200, "GET /api/v1/search?q=%25_%27%22", NULL, NULL);
    SAYS(k, "\"items\":[]");
    ASK(k, 400, "GET /api/v1/search?q=%ff", NULL, NULL);
    ASK(k, 400, "POST /api/v1/search", "{}", NULL);
    ASK(k, 200, "POST /api/v1/search", "{\"q\":\"99-999999\"}", NULL);
    assert_false(finds(k, "result"));
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_role_may_not_see_is_not_found),
        cmocka_unit_test(what_is_found_and_in_which_order),
        cmocka_unit_test(a_record_is_found_by_its_number),
        cmocka_unit_test(a_simulation_has_a_name_in_each_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
