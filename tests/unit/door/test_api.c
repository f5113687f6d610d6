/* The API: signing in, permissions, every request well and badly put. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper.h"

#include "door/api/api_private.h"
#include "record/crypto/password.h"

static void setting_up_once(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    char code[SETUP_CODE_TEXT];
    char body[512];
    ASK(k, 200, "GET /api/v1/setup", NULL, NULL);
    assert_string_equal(keeper_text(k), "{\"needed\":true}");
    assert_true(api_setup_code(k->api, code));
    assert_int_equal(strlen(code), 11);
    ASK(k, 403, "POST /api/v1/setup", "{\"code\":\"AAAAA-AAAAA\",\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    assert_non_null(strstr(k->last, "request.refused"));
    assert_null(strstr(k->last, "AAAAA"));
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"ana\",\"password\":\"password1234\"}", code);
    ASK(k, 422, "POST /api/v1/setup", body, NULL);
    SAYS(k, "weak-password");
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"Ana Rios\",\"password\":\"" KEEPER_PASSWORD "\"}", code);
    ASK(k, 422, "POST /api/v1/setup", body, NULL);
    ASK(k, 400, "POST /api/v1/setup", "{\"code\":\"x\"}", NULL);
    ASK(k, 400, "POST /api/v1/setup", "", NULL);
    /* typed by hand: small letters, no dash, letters for digits */
    char typed[16] = {0};
    size_t n = 0;
    for (size_t i = 0; code[i] != 0; i++)
        if (code[i] != '-')
            typed[n++] = code[i] == '0' ? 'o' : code[i] == '1' ? 'l' : (char)(code[i] >= 'A' ? code[i] | 0x20 : code[i]);
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"Ana\",\"display_name\":\"Ana R\",\"password\":\"" KEEPER_PASSWORD "\"}", typed);
    ASK(k, 201, "POST /api/v1/setup", body, NULL);
    SAYS(k, "\"role\":\"lab manager\"");
    SAYS(k, "\"site\":\"main-street\"");
    keeper_take_session(k);
    assert_int_equal(strlen(k->session), 64);
    assert_false(api_setup_code(k->api, code));
    ASK(k, 200, "GET /api/v1/session", NULL, NULL);
    SAYS(k, "\"display_name\":\"Ana R\"");
    assert_string_equal(keeper_member(k, "csrf"), k->csrf);
    ASK(k, 409, "POST /api/v1/setup", body, NULL);
    ASK(k, 200, "GET /api/v1/setup", NULL, NULL);
    assert_string_equal(keeper_text(k), "{\"needed\":false}");
    keeper_free(k);
}

static void wrong_codes_are_throttled(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    for (int i = 0; i < 5; i++)
        ASK(k, 403, "POST /api/v1/setup", "{\"code\":\"AAAAA-AAAAA\",\"name\":\"ana\",\"password\":\"x\"}", NULL);
    assert_int_equal(keeper_set_up(k), 429); /* even the right one waits */
    SAYS(k, "\"retry_after_s\":60");
    k->now.monotonic += 61 * TIME_SECOND;
    assert_int_equal(keeper_set_up(k), 201);
    keeper_free(k);
}

static void signing_in_and_out(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    assert_non_null(strstr(k->last, "session.opened"));
    assert_null(strstr(k->last, k->session));
    ASK(k, 204, "DELETE /api/v1/session", NULL, NULL);
    assert_true(k->reply.r.clear_session);
    assert_non_null(strstr(k->last, "session.closed"));
    ASK(k, 401, "GET /api/v1/session", NULL, NULL);
    SAYS(k, "signed-out");
    k->session[0] = 0;
    ASK(k, 401, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "not-signed-in");

    ASK(k, 401, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"not this\"}", NULL);
    char wrong_password[512];
    (void)snprintf(wrong_password, sizeof wrong_password, "%s", keeper_text(k));
    assert_non_null(strstr(k->last, "\"account\":\"ana\""));
    ASK(k, 401, "POST /api/v1/session", "{\"name\":\"hunter2secret\",\"password\":\"not this\"}", NULL);
    assert_string_equal(keeper_text(k), wrong_password); /* the same words */
    assert_null(strstr(k->last, "hunter2secret"));       /* it may have been a password */
    ASK(k, 200, "POST /api/v1/session", "{\"name\":\"ANA\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    keeper_take_session(k);
    assert_null(strstr(k->last, KEEPER_PASSWORD));
    ASK(k, 200, "GET /api/v1/session", NULL, NULL);
    k->now.monotonic += SESSION_IDLE;
    ASK(k, 401, "GET /api/v1/session", NULL, NULL);
    assert_non_null(strstr(k->last, "session.closed")); /* and the record says why */
    assert_non_null(strstr(k->last, "30 minutes"));
    keeper_free(k);
}

static void guessing_is_throttled(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    k->session[0] = 0;
    int refused = 0;
    for (int i = 0; i < 6; i++)
        refused += keeper_ask(k, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"not this\"}", NULL) == 429;
    assert_in_range(refused, 1, 3);
    ASK(k, 429, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    SAYS(k, "retry_after_s");
    k->now.monotonic += 5 * 60 * TIME_SECOND;
    ASK(k, 200, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    keeper_free(k);
}

static void changes_need_the_csrf_token(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    char right[40];
    (void)snprintf(right, sizeof right, "%s", k->csrf);
    static const char *const wrong[] = {"", "x", "00000000000000000000000000000000"};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(k->csrf, sizeof k->csrf, "%s", wrong[i]);
        ASK(k, 403, "POST " FINDING "/take", NULL, "7");
        assert_non_null(strstr(k->last, "request.refused"));
        ASK(k, 200, "GET " FINDING, NULL, NULL); /* reading needs none */
    }
    (void)snprintf(k->csrf, sizeof k->csrf, "%s", right);
    ASK(k, 200, "POST " FINDING "/take", NULL, "7");
    keeper_free(k);
}

static void findings_are_decided(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 200, "GET " FINDING, NULL, NULL);
    SAYS(k, "\"history\":[{\"time\":\"2026-11-22T14:00:00.000000000Z\",\"event\":\"finding\",\"person\":null,\"why\":null,\"record\":7}]");
    char etag[32];
    (void)snprintf(etag, sizeof etag, "\"%s\"", k->reply.etag);
    ASK(k, 428, "POST " FINDING "/take", NULL, NULL);
    ASK(k, 412, "POST " FINDING "/take", NULL, "\"6\"");
    ASK(k, 200, "POST " FINDING "/take", NULL, etag);
    SAYS(k, "\"state\":\"taken\",\"taken_by\":\"ana\"");
    ASK(k, 412, "POST " FINDING "/release", NULL, etag); /* it has moved on */
    (void)snprintf(etag, sizeof etag, "%s", k->reply.etag);
    ASK(k, 200, "GET " FINDING, NULL, NULL);
    (void)snprintf(etag, sizeof etag, "%s", k->reply.etag);
    ASK(k, 409, "POST " FINDING "/take", NULL, etag);
    ASK(k, 200, "POST " FINDING "/release", NULL, etag);
    (void)snprintf(etag, sizeof etag, "%s", k->reply.etag);
    ASK(k, 400, "POST " FINDING "/dismiss", NULL, etag);
    ASK(k, 422, "POST " FINDING "/dismiss", "{\"why\":\"  \"}", etag);
    ASK(k, 400, "POST " FINDING "/dismiss", "{\"why\":7}", etag);
    ASK(k, 400, "POST " FINDING "/dismiss", "{\"why\":\"x\",\"state\":\"open\"}", etag);
    ASK(k, 200, "POST " FINDING "/dismiss", "{\"why\":\"A test of ours\"}", etag);
    (void)snprintf(etag, sizeof etag, "%s", k->reply.etag);
    ASK(k, 200, "GET /api/v1/findings", NULL, NULL);
    SAYS(k, "\"total\":0");
    ASK(k, 200, "GET /api/v1/findings?state=dismissed", NULL, NULL);
    SAYS(k, "\"total\":1");
    ASK(k, 200, "POST " FINDING "/reopen", "{\"why\":\"Not ours\"}", etag);
    ASK(k, 200, "GET " FINDING, NULL, NULL);
    SAYS(k, "Not ours");
    ASK(k, 404, "POST /api/v1/findings/nosuch/take", NULL, "1");
    ASK(k, 404, "GET /api/v1/findings/nosuch", NULL, NULL);
    SAYS(k, "There is no finding with this id.");
    ASK(k, 200, "GET /api/v1/finding-mail", NULL, NULL);
    SAYS(k, "{\"addresses\":[],\"from\":\"high\",\"last\":null,\"tested\":null}");
    ASK(k, 409, "POST /api/v1/finding-mail/test", NULL, NULL);
    (void)snprintf(k->language, sizeof k->language, "es-ES, en");
    ASK(k, 404, "GET /api/v1/findings/nosuch", NULL, NULL);
    SAYS(k, "\"detail\":\"No hay ningún hallazgo con este identificador.\",\"code\":\"no-finding\"");
    keeper_free(k);
}

static void pages_tell_what_they_should(void **state)
{
    (void)state;
    static const struct {
        const char *ask;
        const char *says;
    } pages[] = {
        {"GET /api/v1/today", "\"sentence\":\"2 things need you. 1 result seen, from 1 device. 2 devices wait for somebody to vouch for them.\""},
        {"GET /api/v1/today",
         "\"counts\":{\"needs\":2,\"findings_open\":1,\"findings_critical\":0,\"devices\":2,\"devices_unknown\":0,\"devices_waiting\":2,"
         "\"devices_refused\":0,\"results\":1,"
         "\"messages\":2,\"malformed\":0,"
         "\"messages_clear\":1,\"not_kept\":0,\"reports_waiting\":0,\"mail_waiting\":0,\"reviews_due\":0,\"access_ending\":0}"},
        {"GET /api/v1/today", "\"capture\":{\"state\":\"reading\",\"last_time\":\"2026-11-22T14:00:00.000000000Z\",\"packets\":12}"},
        {"GET /api/v1/results", "\"sender\":\"Chem 2\""},
        {"GET /api/v1/results",
         "\"message\":{\"id\":\"1-0-1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"control_id\":\"M1\",\"record\":3,\"link\":null,\"leg\":null},"
         "\"verdict\":{\"state\":\"one-sided\",\"why\":\"once\",\"changed\":null,"},
        {"GET /api/v1/results?verdict=one-sided&seen=first", "\"total\":1"},
        {"GET /api/v1/results?verdict=changed&seen=first", "\"items\":[],\"next\":null,\"total\":0"},
        {"GET /api/v1/results?verdict=changed", "\"total\":0"},
        {"GET /api/v1/results/summary",
         "{\"total\":1,\"changed\":0,\"missing\":0,\"extra\":0,\"replayed\":0,\"corrected\":0,\"unclear\":0,\"as_sent\":0,"
         "\"one_sided\":1,\"pending\":0,\"since\":\"20"},
        {"GET /api/v1/session", "\"time_zone\":\"America/Chicago\""},
        {"GET /api/v1/today", "\"custody\":{\"total\":1,\"compared\":0,\"wrong\":0}"},
        {"GET /api/v1/results?q=POTASS", "\"total\":1"},
        {"GET /api/v1/results?q=sodium", "\"items\":[],\"next\":null,\"total\":0"},
        {"GET /api/v1/results?sender=Chem%202", "\"total\":1"},
        {"GET /api/v1/results?sender=Chem+3", "\"total\":0"},
        {"GET /api/v1/messages", "\"ack\":{\"code\":\"AA\",\"for\":\"M1\"}"},
        {"GET /api/v1/messages?limit=1", "\"total\":2"},
        {"GET /api/v1/findings?severity=medium&kind=phi.cleartext", "\"total\":1"},
        {"GET /api/v1/findings?severity=high", "\"total\":0"},
        {"GET /api/v1/findings?state=all", "\"records\":[7]"},
        {"GET /api/v1/ledger", "\"checkpoint\":{\"size\":"},
        {"GET /api/v1/ledger", "\"verified\":null,\"verifying\":false"},
        {"GET /api/v1/ledger/records", "\"summary\":\"Signed in: ana, by ana, from 10.0.0.5\""},
        {"GET /api/v1/ledger/records", "\"summary\":\"ORU^R01 from Chem 2 to LIS, 1 result\""},
        {"GET /api/v1/ledger/proof/3", "c2sp.org/tlog-proof@v1"},
        {"GET /api/v1/ledger/offer", "old 0\n"},
        {"GET /api/v1/ledger/offer?old=1", "old 1\n"},
        {"GET /api/v1/witnesses",
         "\"url\":\"https://n.example\",\"last_size\":null,\"last_at\":null,\"state\":\"never\",\"why\":\"nobody answers\",\"asking\":false}"},
        {"GET /api/v1/witnesses", "\"url\":null,\"last_size\":7,\"last_at\":\"2026-"},
        {"GET /api/v1/sensor", "{\"captures\":[{\"capture\":\"lab.pcap\",\"state\":\"reading\",\"packets\":12"},
        {"GET /api/v1/network", "\"apps\":[\"hl7\"],\"encrypted\":\"no\",\"lab\":true,\"new\":false,\"odd\":null,\"links\":1,\"packets\":9"},
        {"GET /api/v1/network?zone=10.0.5.0%2F24&since=7d&open=0a1b2c3d,ffffffff", "\"counts\":{\"zones\":1,\"devices\":2,"},
        {"GET /api/v1/network?zone=elsewhere&since=2026-11-22T14:00:00Z", "\"nodes\":[],\"edges\":[]"},
        {"GET /api/v1/stream", "{\"allowed\":true}"},
        {"GET /readyz", "\"ready\":true"},
        {"GET /metrics", "tourniquet_results_total 1\n"},
        {"GET /api/v1/openapi.json", "\"/api/v1/devices/{id}/name\":{\"put\":"},
        {"GET /api/v1/openapi.json", "\"network\":{\"type\":\"object\""},
    };
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        ASK(k, 200, pages[i].ask, NULL, NULL);
        SAYS(k, pages[i].says);
    }
    ASK(k, 202, "POST /api/v1/ledger/verify", NULL, NULL);
    ASK(k, 409, "POST /api/v1/ledger/verify", NULL, NULL);
    keeper_free(k);
}

/* Witnesses by hand and on request. */
static void witnesses(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 404, "POST /api/v1/witnesses/nobody/ask", NULL, NULL);
    ASK(k, 202, "POST /api/v1/witnesses/neighbour/ask", NULL, NULL);
    ASK(k, 409, "POST /api/v1/witnesses/neighbour/ask", NULL, NULL);
    ASK(k, 400, "GET /api/v1/ledger/offer?old=07", NULL, NULL);
    ASK(k, 422, "GET /api/v1/ledger/offer?old=99999", NULL, NULL);
    ASK(k, 422, "POST /api/v1/ledger/cosignature", "{\"note\":\"bad\"}", NULL);
    SAYS(k, "not-kept");
    ASK(k, 422, "POST /api/v1/ledger/cosignature", "{\"note\":\"bad\",\"key\":\"k\"}", NULL);
    SAYS(k, "does-not-hold");
    ASK(k, 400, "POST /api/v1/ledger/cosignature", "{}", NULL);
    ASK(k, 200, "POST /api/v1/ledger/cosignature", "{\"note\":\"good\"}", NULL);
    SAYS(k, "{\"name\":\"by hand\",\"records\":9}");
    assert_non_null(strstr(k->last, "\"event\":\"ledger.witnessed\""));
    assert_non_null(strstr(k->last, "\"person\":\"ana\""));
    ASK(k, 200, "GET /api/v1/ledger/records", NULL, NULL);
    SAYS(k, "The witness by hand cosigned 9 records, brought by ana.");
    ASK(k, 200, "POST /api/v1/ledger/check", "{\"proof\":\"good\"}", NULL);
    SAYS(k, "{\"holds\":true,\"index\":3,");
    ASK(k, 200, "POST /api/v1/ledger/check", "{\"proof\":\"bad\"}", NULL);
    SAYS(k, "{\"holds\":false,\"index\":null,\"records\":null,\"why\":\"the proof does not hold\"}");
    keeper_free(k);
}

/* A count is the same everywhere: the sentence counts the rows of today, findings_open those of the list, and a need those behind its link. */
static void what_needs_nobody_is_not_counted(void **state)
{
    (void)state;
    static const struct {
        const char *ask;
        const char *says;
    } pages[] = {
        {"GET /api/v1/today", "\"sentence\":\"3 things need you. "},
        {"GET /api/v1/today", "\"counts\":{\"needs\":3,\"findings_open\":4,\"findings_critical\":1,"},
        {"GET /api/v1/today", "\"kind\":\"result.altered\""},
        {"GET /api/v1/today", "\"same\":2,\"same_last\":\"2026-11-22T14:00:00.000000000Z\"}]"},
        {"GET /api/v1/today", "\"device_title\":\"Acme C-800\""},
        {"GET /api/v1/findings", "\"total\":4"},
        {"GET /api/v1/findings?state=all", "\"total\":4"},
        {"GET /api/v1/findings?severity=minor&kind=phi.cleartext&state=open", "\"total\":3"},
        {"GET /api/v1/findings?severity=all", "\"total\":5"},
        {"GET /api/v1/findings?severity=info", "\"total\":1"},
        {"GET /api/v1/findings?severity=info", "\"kind\":\"result.corrected\""},
        {"GET /api/v1/findings?severity=critical", "\"device\":null,\"device_title\":null"},
        {"GET /api/v1/devices?q=c-800", "\"findings_open\":3"},
        {"GET /metrics", "tourniquet_findings_open 4\n"},
    };
#define MORE(flow, id, kind, severity)                                                                                                               \
    T "\"finding\"" flow ",\"id\":\"" id "\",\"kind\":\"" kind "\",\"severity\":\"" severity "\",\"title\":\"Something.\",\"advice\":\"Look.\"}"
    struct keeper *k = keeper_new();
    feed_lab(k);
    keeper_feed(k, MORE("," FLOW, "f2", "phi.cleartext", "medium"));
    keeper_feed(k, MORE("," FLOW, "f3", "phi.cleartext", "low"));
    keeper_feed(k, MORE("", "f4", "result.altered", "critical"));
    keeper_feed(k, MORE("," FLOW, "f5", "result.corrected", "info"));
    assert_int_equal(keeper_set_up(k), 201);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        ASK(k, 200, pages[i].ask, NULL, NULL);
        SAYS(k, pages[i].says);
    }
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    assert_null(strstr(keeper_text(k), "result.corrected"));
    keeper_free(k);
}

static void badly_put_requests(void **state)
{
    (void)state;
    static const struct {
        const char *ask;
        int status;
    } bad[] = {
        {"GET /", 404},
        {"GET /api/v1", 404},
        {"GET /api/v1/devices/", 404},
        {"GET /api/v1/devices/a/b/c", 404},
        {"GET /api/v1/devices/a%2fb", 404},
        {"GET /api/v1/Today", 404},
        {"PATCH /api/v1/today", 405},
        {"get /api/v1/today", 405},
        {"GET /api/v1/results?limit=0", 400},
        {"GET /api/v1/results?limit=201", 400},
        {"GET /api/v1/results?limit=ten", 400},
        {"GET /api/v1/results?cursor=zz", 400},
        {"GET /api/v1/results?cursor=00", 400},
        {"GET /api/v1/results?q=%", 400},
        {"GET /api/v1/results?q=%ff", 400},
        {"GET /api/v1/results?q=%00", 400},
        {"GET /api/v1/results?q=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 400},
        {"GET /api/v1/findings?state=lost", 400},
        {"GET /api/v1/findings?severity=fatal", 400},
        {"GET /api/v1/ledger/proof/x", 404},
        {"GET /api/v1/ledger/proof/99999", 404},
        {"GET /api/v1/ledger/proof/18446744073709551616", 404},
    };
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ASK(k, bad[i].status, bad[i].ask, NULL, NULL);
        assert_true(span_is(k->reply.r.type, "application/problem+json"));
    }
    keeper_free(k);
}

static void the_local_socket_is_the_administrator(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_ask_local(k, "GET /api/v1/session", NULL, NULL), 200);
    SAYS(k, "\"role\":\"local administrator\"");
    assert_int_equal(keeper_ask_local(k, "GET /api/v1/today", NULL, NULL), 200);
    assert_int_equal(keeper_ask_local(k, "POST " FINDING "/take", NULL, "7"), 200);
    SAYS(k, "\"taken_by\":\"local socket, uid 0\"");
    assert_non_null(strstr(k->last, "\"origin\":\"local socket, uid 0\""));
    assert_int_equal(keeper_ask_local(k, "DELETE /api/v1/session", NULL, NULL), 204);
    keeper_free(k);
}

static void what_cannot_be_written_is_not_done(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    k->broken = true;
    ASK(k, 503, "POST " FINDING "/take", NULL, "7");
    SAYS(k, "not-saved");
    ASK(k, 503, "POST /api/v1/session", "{\"name\":\"ana\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL); /* nobody is let in without a record */
    assert_int_equal(k->reply.r.set_session.n, 0);
    ASK(k, 200, "GET " FINDING, NULL, NULL); /* reading goes on */
    SAYS(k, "\"state\":\"open\"");
    keeper_free(k);
}

static void refusals_are_thinned(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    (void)snprintf(k->csrf, sizeof k->csrf, "wrong");
    uint64_t before = k->next;
    for (int i = 0; i < 200; i++)
        ASK(k, 403, "POST " FINDING "/take", NULL, "7");
    assert_int_equal(k->next - before, 60);
    k->now.monotonic += 61 * TIME_SECOND;
    ASK(k, 403, "POST " FINDING "/take", NULL, "7");
    assert_non_null(strstr(k->last, "140 more refusals"));
    keeper_free(k);
}

static void not_modified_saves_work(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    struct request r = {
        .door = DOOR_LOCAL, .method = SPAN_LIT("GET"), .path = SPAN_LIT(FINDING), .peer = SPAN_LIT("uid 0"), .if_none_match = SPAN_LIT("\"7\"")};
    api_handle(k->api, k->now, &r, &k->reply);
    assert_int_equal(k->reply.r.status, 304);
    assert_int_equal(k->reply.r.body.n, 0);
    assert_true(span_is(k->reply.r.etag, "7"));
    keeper_free(k);
}

static void a_network_badly_asked_for(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    feed_lab(k);
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 400, "GET /api/v1/network?since=yesterday", NULL, NULL);
    SAYS(k, "\"code\":\"since\"");
    ASK(k, 400, "GET /api/v1/network?since=0d", NULL, NULL);
    ASK(k, 400, "GET /api/v1/network?since=99999d", NULL, NULL);
    ASK(k, 400, "GET /api/v1/network?open=xyz", NULL, NULL);
    SAYS(k, "\"code\":\"open\"");
    ASK(k, 400, "GET /api/v1/network?open=1,2,3,4,5,6,7,8", NULL, NULL);
    ASK(k, 200, "GET /api/v1/network?at=nobody&zone=", NULL, NULL);
    ASK(k, 200, "GET /api/v1/network?zone=a+zone+with+a+name+of+more+than+64+bytes%2C+which+people+may+well+give+it", NULL, NULL);
    ASK(k, 200, "GET /api/v1/devices?zone=a+zone+with+a+name+of+more+than+64+bytes%2C+which+people+may+well+give+it", NULL, NULL);
    keeper_free(k);
}

static void cursors_walk_whole_lists(void **state)
{
    (void)state;
    static const char *const lists[] = {"/api/v1/messages",
                                        "/api/v1/findings",
                                        "/api/v1/ledger/records",
                                        "/api/v1/devices",
                                        "/api/v1/devices?sort=first_seen",
                                        "/api/v1/devices?sort=last_seen",
                                        "/api/v1/devices?sort=unknown"};
    struct keeper *k = keeper_new();
    char line[1024];
    for (int i = 0; i < 57; i++) {
        (void)snprintf(line, sizeof line,
                       T "\"lab.message\",\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.0.6.%d\",\"dst\":\"10.0.6.%d\"},\"id\":\"%d-0-1\","
                         "\"protocol\":\"hl7\",\"type\":\"ORU^R01\","
                         "\"results\":1,\"bytes\":4}",
                       i / 2 + 1, 100 + i / 2, i);
        keeper_feed(k, line);
        (void)snprintf(line, sizeof line, T "\"finding\",\"id\":\"f%d\",\"kind\":\"a\",\"severity\":\"%s\",\"title\":\"t\",\"advice\":\"a\"}", i,
                       i % 3 == 0 ? "high" : "low");
        keeper_feed(k, line);
    }
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        char ask[2048];
        char cursor[1024] = "";
        int rows = 0;
        int total = -1;
        for (int page = 0; page < 60; page++) {
            (void)snprintf(ask, sizeof ask, "GET %s%climit=7%s%s", lists[l], strchr(lists[l], '?') != NULL ? '&' : '?',
                           cursor[0] != 0 ? "&cursor=" : "", cursor);
            if (keeper_ask_local(k, ask, NULL, NULL) != 200)
                fail_msg("%s: %s", ask, keeper_text(k));
            const char *at = strstr(keeper_text(k), "\"total\":");
            total = (int)strtol(at + 8, NULL, 10);
            for (at = strstr(keeper_text(k), l == 2 ? "\"index\":" : "\"etag\":"); l != 0 && at != NULL;
                 at = strstr(at + 1, l == 2 ? "\"index\":" : "\"etag\":"))
                rows++;
            for (at = strstr(keeper_text(k), "\"charset\":"); l == 0 && at != NULL; at = strstr(at + 1, "\"charset\":"))
                rows++;
            (void)snprintf(cursor, sizeof cursor, "%s", keeper_member(k, "next"));
            if (cursor[0] == 0)
                break;
        }
        if (rows != total || total < 50)
            fail_msg("%s: %d rows of %d", lists[l], rows, total);
    }
    assert_int_equal(keeper_ask_local(k, "GET /api/v1/devices?limit=2", NULL, NULL), 200);
    (void)snprintf(line, sizeof line, "GET /api/v1/messages?cursor=%s", keeper_member(k, "next"));
    assert_int_equal(keeper_ask_local(k, line, NULL, NULL), 400); /* a cursor of another list */
    keeper_free(k);
}

static void cursors_are_read_strictly(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(2048);
    struct page at = {.number = -5, .order = INT64_MAX, .text = "a|b \xc3\xa9"};
    struct page back = {.limit = 3};
    cursor_write(&b, "things", &at);
    assert_true(cursor_read(buf_span(&b), "things", &back));
    assert_true(back.after && back.limit == 3 && back.number == -5 && back.order == INT64_MAX);
    assert_string_equal(back.text, at.text);
    assert_false(cursor_read(buf_span(&b), "thing", &back));
    assert_false(cursor_read(span_of(b.p, b.n - 1), "things", &back));
    assert_false(cursor_read(SPAN_LIT("7468696e67737c317c"), "things", &back)); /* "things|1|" */
    buf_release(&b);
}

static void courses_are_for_whoever_is_signed_in(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    ASK(k, 401, "GET /api/v1/courses", NULL, NULL);
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 200, "GET /api/v1/courses", NULL, NULL);
    SAYS(k, "\"id\":\"everyone\"");
    assert_null(strstr(keeper_text(k), "\"lessons\""));
    ASK(k, 200, "GET /api/v1/courses/everyone", NULL, NULL);
    SAYS(k, "\"scenario\":{\"id\":\"pw-colleague\",\"kind\":\"one\"");
    ASK(k, 200, "GET /api/v1/courses/pictures/address.svg", NULL, NULL);
    assert_true(span_is(k->reply.r.type, "image/svg+xml; charset=utf-8"));
    SAYS(k, "<svg ");
    ASK(k, 404, "GET /api/v1/courses/nosuch", NULL, NULL);
    ASK(k, 404, "GET /api/v1/courses/pictures/nosuch.svg", NULL, NULL);
    ASK(k, 404, "GET /api/v1/courses/pictures/..%2f..%2fetc", NULL, NULL);
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_up_once),
        cmocka_unit_test(wrong_codes_are_throttled),
        cmocka_unit_test(signing_in_and_out),
        cmocka_unit_test(guessing_is_throttled),
        cmocka_unit_test(changes_need_the_csrf_token),
        cmocka_unit_test(findings_are_decided),
        cmocka_unit_test(pages_tell_what_they_should),
        cmocka_unit_test(what_needs_nobody_is_not_counted),
        cmocka_unit_test(badly_put_requests),
        cmocka_unit_test(witnesses),
        cmocka_unit_test(the_local_socket_is_the_administrator),
        cmocka_unit_test(what_cannot_be_written_is_not_done),
        cmocka_unit_test(refusals_are_thinned),
        cmocka_unit_test(not_modified_saves_work),
        cmocka_unit_test(a_network_badly_asked_for),
        cmocka_unit_test(courses_are_for_whoever_is_signed_in),
        cmocka_unit_test(cursors_walk_whole_lists),
        cmocka_unit_test(cursors_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
