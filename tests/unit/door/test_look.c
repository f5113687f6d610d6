/* Looks at what is hidden: who may, what is recorded before anything is shown, what is shown, how it is refused. */
#include "../cmocka_all.h"

#include "door/api/api_private.h"

#include "keeper.h"

#define REASON "\"reason\":\"the physician asks for it\""
#define PASSWORD ",\"password\":\"" KEEPER_PASSWORD "\""
#define LOOKS "POST /api/v1/looks"

#define ORU1 "MSH|^~\\&|Chem 2||LIS\rPID|1||7777^^^L||DOE^JANE\rOBX|1|NM|K^Potassium||4.1|mmol/L|||||F\r"
#define ORU2 "MSH|^~\\&|Chem 2||LIS\rPID|1||7777^^^L||DOE^JANE\rOBX|1|NM|K^Potassium||9.9|mmol/L|||||F\r"

#define MESSAGE(id)                                                                                                                                  \
    T "\"lab.message\"," FLOW ",\"id\":\"" id                                                                                                        \
      "\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"sender\":\"Chem 2\",\"receiver\":\"LIS\",\"results\":1,\"bytes\":99,\"malformed\":null,"       \
      "\"ack\":null}"
#define RESULT(message)                                                                                                                              \
    T "\"lab.result\"," FLOW                                                                                                                         \
      ",\"test\":{\"code\":\"K\"},\"patient\":\"P-ABC\",\"specimen\":\"S-DEF\",\"flags\":[],\"observed_at\":\"2026-11-22T14:00:00\",\"message\":"    \
      "\"" message "\"}"

struct lab {
    struct keeper *k;
    uint64_t first, first_result, second, second_result, finding, packets, last;
};

static struct lab lab(void)
{
    struct lab l = {.k = keeper_new()};
    keeper_feed(l.k, T "\"run.started\"}");
    l.first = keeper_feed_sealed(l.k, MESSAGE("f1.0.1"), "", SPAN_LIT(ORU1), sizeof ORU1 - 1);
    l.first_result = keeper_feed_sealed(l.k, RESULT("f1.0.1"), "{\"patient_id\":\"7777\",\"value\":\"4.1\"}", SPAN_LIT(""), 0);
    l.second = keeper_feed_sealed(l.k, MESSAGE("f1.0.2"), "", SPAN_LIT(ORU2), sizeof ORU2 - 1);
    l.second_result = keeper_feed_sealed(l.k, RESULT("f1.0.2"), "{\"patient_id\":\"7777\",\"value\":\"9.9\"}", SPAN_LIT(""), 0);
    l.finding = keeper_feed_sealed(l.k,
                                   T "\"finding\"," FLOW ",\"id\":\"00112233445566778899aabbccddeeff\",\"kind\":\"result.altered\",\"severity\":"
                                     "\"critical\",\"title\":\"Another value.\",\"advice\":\"Wait.\",\"evidence\":{\"flows\":[1],\"messages\":"
                                     "[\"f1.0.2\"],\"records\":[]}}",
                                   "", SPAN_LIT(""), 0);
    l.packets = keeper_feed_sealed(l.k,
                                   T "\"evidence.packets\"," FLOW ",\"id\":\"00112233445566778899aabbccddeeff\",\"kind\":\"result.altered\","
                                     "\"packets\":2,\"bytes\":12,\"sha256\":\"00\"}",
                                   "", SPAN_LIT("\x0a\x0d\x0d\x0a packets"), 12);
    l.last = keeper_feed_sealed(l.k, T "\"clock.stepped\",\"step_ns\":9}", "", SPAN_LIT(""), 0);
    assert_int_equal(keeper_set_up(l.k), 201);
    return l;
}

static int look_at(struct lab *l, uint64_t record, const char *more)
{
    char body[1024];
    l->k->now.wall += 7 * TIME_SECOND; /* not too often */
    l->k->now.monotonic += 7 * TIME_SECOND;
    (void)snprintf(body, sizeof body, "{\"record\":\"%llu\",%s}", (unsigned long long)record, more);
    return keeper_ask(l->k, LOOKS, body, NULL);
}

#define LOOK(l, expected, record, more)                                                                                                              \
    do {                                                                                                                                             \
        int got = look_at(l, record, more);                                                                                                          \
        if (got != (expected))                                                                                                                       \
            fail_msg("line %d: %d instead of %d: %s", __LINE__, got, (int)(expected), keeper_text((l)->k));                                          \
    } while (0)

#define NOTHING_SHOWN(l)                                                                                                                             \
    do {                                                                                                                                             \
        assert_null(strstr(keeper_text((l)->k), "7777"));                                                                                            \
        assert_null(strstr(keeper_text((l)->k), "DOE"));                                                                                             \
        assert_false((l)->k->reply.hidden);                                                                                                          \
    } while (0)

static void says(const struct keeper *k, const char *text)
{
    if (strstr(k->last, text) == NULL)
        fail_msg("the record does not say %s: %s", text, k->last);
}

static void a_message_its_result_and_its_finding(void **state)
{
    (void)state;
    struct lab l = lab();
    LOOK(&l, 200, l.first, REASON PASSWORD);
    assert_true(l.k->reply.hidden);
    SAYS(l.k, "{\"number\":5,\"name\":null,\"text\":\"DOE^JANE\"}");
    SAYS(l.k, "\"cut\":false");
    SAYS(l.k, "\"seconds\":300");
    says(l.k, "\"event\":\"phi.look\"");
    says(l.k, "\"person\":\"ana\"");
    says(l.k, "\"why\":\"the physician asks for it\"");
    says(l.k, "\"looked\":{\"record\":1,\"event\":\"lab.message\",\"patient\":\"P-ABC\"}");
    assert_null(strstr(l.k->last, "7777"));
    assert_null(strstr(l.k->last, "DOE"));

    LOOK(&l, 200, l.second_result, REASON PASSWORD);
    SAYS(l.k, "\"clear\":{\"patient_id\":\"7777\",\"value\":\"9.9\"}");
    SAYS(l.k, "\"text\":\"9.9\"");
    says(l.k, "\"shown\":[4,3]");

    /* of a finding: its message, and the one before it that told the same result */
    LOOK(&l, 200, l.finding, REASON PASSWORD);
    says(l.k, "\"shown\":[5,1,3]");
    says(l.k, "\"what\":\"clear fields and messages\"");
    const char *first = strstr(keeper_text(l.k), "\"text\":\"4.1\"");
    const char *second = strstr(keeper_text(l.k), "\"text\":\"9.9\"");
    assert_true(first != NULL && second != NULL && first < second);
    keeper_free(l.k);
}

static void files(void **state)
{
    (void)state;
    struct lab l = lab();
    LOOK(&l, 200, l.packets, REASON PASSWORD);
    assert_true(span_is(l.k->reply.r.type, "application/octet-stream"));
    assert_true(span_is(l.k->reply.r.body, "\x0a\x0d\x0d\x0a packets"));
    says(l.k, "\"what\":\"packets, as a file\"");
    LOOK(&l, 200, l.first, REASON PASSWORD ",\"as\":\"file\"");
    assert_true(span_is(l.k->reply.r.body, ORU1));
    says(l.k, "\"what\":\"message, as a file\"");
    LOOK(&l, 422, l.first_result, REASON PASSWORD ",\"as\":\"file\"");
    NOTHING_SHOWN(&l);
    ASK(l.k, 200, "GET " FINDING, NULL, NULL);
    SAYS(l.k, "\"packets\":[{\"record\":6,");
    keeper_free(l.k);
}

/* Nobody is shown anything without permission, reason, password; and each attempt is a record. */
static void refusals(void **state)
{
    (void)state;
    struct lab l = lab();
    static const struct {
        const char *more;
        int status;
        const char *why; /* NULL: no record */
    } wrong[] = {
        {REASON, 403, "password"},
        {REASON ",\"password\":\"\"", 403, "password"},
        {REASON ",\"password\":\"not my password\"", 403, "wrong-password"},
        {"\"password\":\"" KEEPER_PASSWORD "\"", 422, "reason"},
        {"\"reason\":\"\"" PASSWORD, 422, "reason"},
        {"\"reason\":\"because of\"" PASSWORD, 422, "reason"},
        {"\"reason\":\"a b c d e\"" PASSWORD, 422, "reason"},
        {"\"reason\":\"the\\u0007 physician asks\"" PASSWORD, 422, "reason"},
        {"\"reason\":\"          ,\"" PASSWORD, 422, "reason"},
        {REASON PASSWORD ",\"as\":\"html\"", 400, NULL},
        {REASON PASSWORD ",\"everything\":\"yes\"", 400, NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        l.k->last[0] = 0;
        l.k->now.monotonic += 600 * TIME_SECOND; /* wrong passwords are throttled: elsewhere */
        LOOK(&l, wrong[i].status, l.first, wrong[i].more);
        NOTHING_SHOWN(&l);
        assert_null(strstr(l.k->last, "not my password"));
        if (wrong[i].why == NULL) {
            assert_int_equal(l.k->last[0], 0);
            continue;
        }
        says(l.k, "\"event\":\"request.refused\"");
        says(l.k, "\"permission\":\"phi.look\"");
        says(l.k, wrong[i].why);
    }
    ASK(l.k, 200, "GET /api/v1/looks", NULL, NULL);
    SAYS(l.k, "\"total\":0");
    keeper_free(l.k);
}

static void wrong_passwords_are_slowed_down(void **state)
{
    (void)state;
    struct lab l = lab();
    int status = 0;
    for (int i = 0; i < 20 && status != 429; i++)
        status = look_at(&l, l.first, REASON ",\"password\":\"guess guess guess\"");
    assert_int_equal(status, 429);
    NOTHING_SHOWN(&l);
    ASK(l.k, 429, LOOKS, "{\"record\":\"1\"," REASON PASSWORD "}", NULL); /* also the right one, now */
    NOTHING_SHOWN(&l);
    keeper_free(l.k);
}

static void records_that_hide_nothing(void **state)
{
    (void)state;
    struct lab l = lab();
    LOOK(&l, 404, 99999, REASON PASSWORD);
    LOOK(&l, 422, l.last, REASON PASSWORD);
    SAYS(l.k, "nothing-hidden");
    l.k->erased = l.first;
    LOOK(&l, 410, l.first, REASON PASSWORD);
    SAYS(l.k, "Erased on 2 November 2026.");
    ASK(l.k, 200, "GET /api/v1/looks", NULL, NULL);
    SAYS(l.k, "\"total\":0");                  /* nothing was shown */
    LOOK(&l, 200, l.finding, REASON PASSWORD); /* one of its two messages */
    SAYS(l.k, "\"erased\":\"Erased on 2 November 2026.\"");
    SAYS(l.k, "\"text\":\"9.9\"");
    keeper_free(l.k);
}

/* What cannot be recorded is not shown. */
static void no_record_no_look(void **state)
{
    (void)state;
    struct lab l = lab();
    l.k->broken = true;
    LOOK(&l, 503, l.first, REASON PASSWORD);
    NOTHING_SHOWN(&l);
    keeper_free(l.k);
}

static void too_many(void **state)
{
    (void)state;
    struct lab l = lab();
    char body[256];
    (void)snprintf(body, sizeof body, "{\"record\":\"%llu\"," REASON PASSWORD "}", (unsigned long long)l.first);
    for (int i = 0; i < 10; i++)
        ASK(l.k, 200, LOOKS, body, NULL);
    ASK(l.k, 429, LOOKS, body, NULL);
    NOTHING_SHOWN(&l);
    says(l.k, "throttled");
    l.k->now.wall += 60 * TIME_SECOND;
    for (int i = 10; i < 19; i++)
        LOOK(&l, 200, l.first, REASON PASSWORD);
    ASK(l.k, 200, "GET /api/v1/findings?kind=access.phi_burst", NULL, NULL);
    SAYS(l.k, "\"total\":0");
    LOOK(&l, 200, l.first, REASON PASSWORD); /* the twentieth within an hour */
    says(l.k, "access.phi_burst");
    SAYS(l.k, "DOE^JANE"); /* which is shown all the same */
    ASK(l.k, 200, "GET /api/v1/findings?kind=access.phi_burst", NULL, NULL);
    SAYS(l.k, "ana looked at hidden values 20 times within an hour.");
    SAYS(l.k, "\"severity\":\"medium\"");
    for (int i = 20; i < 60; i++)
        LOOK(&l, 200, l.first, REASON PASSWORD);
    ASK(l.k, 200, "GET /api/v1/findings?kind=access.phi_burst", NULL, NULL);
    SAYS(l.k, "\"severity\":\"high\"");
    SAYS(l.k, "\"total\":1"); /* the same one, worse */
    keeper_free(l.k);
}

/* The privacy officer sees everybody's looks and shows nothing; others see their own. */
static void who_sees_looks(void **state)
{
    (void)state;
    struct lab l = lab();
    LOOK(&l, 200, l.first, REASON PASSWORD);
    keeper_sign_in(l.k, "tom", "technologist");
    LOOK(&l, 200, l.second, "\"reason\":\"a second determination\"" PASSWORD);
    ASK(l.k, 200, "GET /api/v1/looks", NULL, NULL);
    SAYS(l.k, "\"total\":1");
    SAYS(l.k, "\"person\":\"tom\",\"display_name\":\"tom\",\"what\":\"clear fields and messages\",\"reason\":\"a second determination\","
              "\"subject\":{\"index\":3,\"event\":\"lab.message\",\"patient\":\"P-ABC\"}");
    ASK(l.k, 200, "GET /api/v1/looks?person=tom", NULL, NULL);
    ASK(l.k, 403, "GET /api/v1/looks?person=ana", NULL, NULL);
    keeper_sign_in(l.k, "pia", "privacy officer");
    LOOK(&l, 403, l.first, REASON PASSWORD);
    NOTHING_SHOWN(&l);
    says(l.k, "\"permission\":\"phi.look\"");
    ASK(l.k, 200, "GET /api/v1/looks", NULL, NULL);
    SAYS(l.k, "\"total\":2");
    SAYS(l.k, "\"display_name\":\"Ana R\"");
    ASK(l.k, 200, "GET /api/v1/looks?person=ana", NULL, NULL);
    SAYS(l.k, "\"total\":1");
    ASK(l.k, 200, "GET /api/v1/looks?record=3", NULL, NULL);
    SAYS(l.k, "\"total\":1");
    SAYS(l.k, "a second determination");
    ASK(l.k, 200, "GET /api/v1/looks?limit=1", NULL, NULL);
    char next[1100];
    (void)snprintf(next, sizeof next, "GET /api/v1/looks?limit=1&cursor=%s", keeper_member(l.k, "next"));
    ASK(l.k, 200, next, NULL, NULL);
    SAYS(l.k, "the physician asks for it");
    ASK(l.k, 400, "GET /api/v1/looks?record=x", NULL, NULL);
    keeper_free(l.k);
}

static void the_local_socket_records_too(void **state)
{
    (void)state;
    struct lab l = lab();
    char body[128];
    (void)snprintf(body, sizeof body, "{\"record\":\"%llu\"," REASON "}", (unsigned long long)l.first);
    assert_int_equal(keeper_ask_local(l.k, LOOKS, body, NULL), 200);
    SAYS(l.k, "DOE^JANE");
    says(l.k, "\"person\":\"local socket, uid 0\"");
    (void)snprintf(body, sizeof body, "{\"record\":\"%llu\"}", (unsigned long long)l.first);
    assert_int_equal(keeper_ask_local(l.k, LOOKS, body, NULL), 422);
    NOTHING_SHOWN(&l);
    keeper_free(l.k);
}

/* What a hostile sender wrote stays a text: escaped where JSON needs it, cut where it is too much, and the answer has a size. */
static void hostile_bodies(void **state)
{
    (void)state;
    struct lab l = lab();
    uint64_t script = keeper_feed_sealed(
        l.k, MESSAGE("f1.0.8"), "", SPAN_LIT("MSH|^~\\&|</script><img src=x onerror=alert(1)>\rZZZ|\x01\x1b[2J\"\\\x7f\xe2\x80\xae|\xff\r"), 400);
    LOOK(&l, 200, script, REASON PASSWORD);
    SAYS(l.k, "</script><img src=x onerror=alert(1)>");
    SAYS(l.k, "\\u0001\\u001b[2J\\\"\\\\");
    SAYS(l.k, "\"charset\":\"ISO 8859-1\"");
    SAYS(l.k, "\"cut\":true");
    static const struct {
        const char *protocol;
        const char *unit;
    } floods[] = {{"hl7", "A"},     {"hl7", "|"},         {"hl7", "|\x01"},  {"hl7", "A\r"},
                  {"hl7", "\r"},    {"astm", "R|\x01\r"}, {"poct1a", "<a>"}, {"poct1a", "<a b=\"\x01\"/>"},
                  {"odd", "\x01\n"}};
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        struct buf body = BUF_INIT(1 << 20);
        char json[512];
        if (strcmp(floods[i].protocol, "hl7") == 0)
            buf_add_str(&body, "MSH|^~\\&|A\r");
        while (body.n < 262144)
            buf_add_str(&body, floods[i].unit);
        (void)snprintf(json, sizeof json,
                       T "\"lab.message\"," FLOW ",\"id\":\"f9.0.%zu\",\"protocol\":\"%s\",\"type\":\"X\",\"results\":0,\"bytes\":262144}", i,
                       floods[i].protocol);
        uint64_t flood = keeper_feed_sealed(l.k, json, "", span_of(body.p, 262144), 262144);
        LOOK(&l, 200, flood, REASON PASSWORD);
        assert_true(l.k->reply.body.n < 2u << 20);
        buf_release(&body);
    }
    keeper_free(l.k);
}

struct racer {
    struct lab *l;
    int status;
    struct api_reply reply;
    char body[256];
};

static void *race(void *context)
{
    struct racer *r = context;
    struct request q = {.id = 3,
                        .door = DOOR_LOCAL,
                        .method = SPAN_LIT("POST"),
                        .path = SPAN_LIT("/api/v1/looks"),
                        .peer = SPAN_LIT("uid 0"),
                        .body = span_str(r->body)};
    api_handle(r->l->k->api, r->l->k->now, &q, &r->reply);
    return NULL;
}

static void two_at_once(void **state)
{
    (void)state;
    struct lab l = lab();
    struct racer r[2];
    pthread_t t[2];
    for (int i = 0; i < 2; i++) {
        r[i] = (struct racer){.l = &l, .reply = API_REPLY_INIT};
        (void)snprintf(r[i].body, sizeof r[i].body, "{\"record\":\"%llu\",\"reason\":\"reason number %d\"}",
                       (unsigned long long)(i == 0 ? l.first : l.second), i);
        assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
        assert_int_equal(r[i].reply.r.status, 200);
        assert_non_null(memmem(r[i].reply.body.p, r[i].reply.body.n, i == 0 ? "4.1" : "9.9", 3));
        assert_null(memmem(r[i].reply.body.p, r[i].reply.body.n, i == 0 ? "9.9" : "4.1", 3));
        api_reply_release(&r[i].reply);
    }
    ASK(l.k, 200, "GET /api/v1/looks", NULL, NULL);
    SAYS(l.k, "\"total\":2");
    SAYS(l.k, "reason number 0");
    SAYS(l.k, "reason number 1");
    keeper_free(l.k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_its_result_and_its_finding),
        cmocka_unit_test(files),
        cmocka_unit_test(refusals),
        cmocka_unit_test(wrong_passwords_are_slowed_down),
        cmocka_unit_test(records_that_hide_nothing),
        cmocka_unit_test(no_record_no_look),
        cmocka_unit_test(too_many),
        cmocka_unit_test(who_sees_looks),
        cmocka_unit_test(the_local_socket_records_too),
        cmocka_unit_test(hostile_bodies),
        cmocka_unit_test(two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
