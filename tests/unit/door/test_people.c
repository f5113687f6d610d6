/* People: inviting, granting, closing; one's own sessions, password and tokens; who did what; the emergency account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/api/api_private.h"
#include "keeper.h"
#include "lab/people/breached.h"
#include "record/crypto/crypto.h"

#define DAY (INT64_C(86400) * TIME_SECOND)
#define AGAIN "\"password\":\"" KEEPER_PASSWORD "\""
#define OTHER_PASSWORD "lantern gravel pumice 31"

struct who {
    char session[65];
    char csrf[40];
};

static void leave(struct keeper *k, struct who *out)
{
    memcpy(out->session, k->session, sizeof k->session);
    memcpy(out->csrf, k->csrf, sizeof k->csrf);
    k->session[0] = k->csrf[0] = 0;
}

static void enter(struct keeper *k, const struct who *in)
{
    memcpy(k->session, in->session, sizeof k->session);
    memcpy(k->csrf, in->csrf, sizeof k->csrf);
}

static void forward(struct keeper *k, tq_time t)
{
    k->now.wall += t;
    k->now.monotonic += t;
}

/* Takes up the invitation of the answer in hand; its session stays in hand. */
static void take_up(struct keeper *k, const char *name, const char *password)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"code\":\"%s\",\"password\":\"%s\"}", name, keeper_member(k, "code"), password);
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/invitation", body, NULL);
    keeper_take_session(k);
}

/* Ana, the first lab manager, is signed in; Tom is a technologist, in tom. */
static struct keeper *lab(struct who *ana, struct who *tom)
{
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 201, "POST /api/v1/people",
        "{\"name\":\"Tom\",\"display_name\":\"Tom B\",\"role\":\"technologist\",\"why\":\"starts on Monday\"," AGAIN "}", NULL);
    leave(k, ana);
    take_up(k, "tom", OTHER_PASSWORD);
    leave(k, tom);
    enter(k, ana);
    return k;
}

static void somebody_is_invited(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct keeper *k = lab(&ana, &tom);
    ASK(k, 200, "GET /api/v1/people", NULL, NULL);
    SAYS(k, "\"name\":\"tom\"");
    SAYS(k, "\"roles\":[\"technologist\"]");
    SAYS(k, "\"total\":2");
    assert_null(strstr(keeper_text(k), "argon2"));
    ASK(k, 200, "GET /api/v1/people/tom", NULL, NULL);
    SAYS(k, "\"state\":\"active\"");
    SAYS(k, "\"by\":\"ana\",\"why\":\"starts on Monday\"");
    SAYS(k, "\"sessions\":1");
    ASK(k, 200, "GET /api/v1/people?q=TOM%20b", NULL, NULL);
    SAYS(k, "\"total\":1");
    ASK(k, 404, "GET /api/v1/people/nobody", NULL, NULL);
    /* a name is given once, a reason and a good name are needed */
    ASK(k, 409, "POST /api/v1/people", "{\"name\":\"TOM\",\"why\":\"again\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people", "{\"name\":\"x y\",\"why\":\"again\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people", "{\"name\":\"eve\",\"why\":\" \"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people", "{\"name\":\"eve\",\"role\":\"emergency\",\"why\":\"help\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people", "{\"name\":\"eve\",\"role\":\"local administrator\",\"why\":\"help\"," AGAIN "}", NULL);
    ASK(k, 403, "POST /api/v1/people", "{\"name\":\"eve\",\"why\":\"without a password\"}", NULL);
    keeper_free(k);
}

static void a_code_is_good_once_and_not_for_ever(void **state)
{
    (void)state;
    struct who ana;
    char code[64];
    char body[256];
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    ASK(k, 201, "POST /api/v1/people", "{\"name\":\"eve\",\"why\":\"a new colleague\"," AGAIN "}", NULL);
    (void)snprintf(code, sizeof code, "%s", keeper_member(k, "code"));
    assert_null(strstr(k->last, code)); /* what is on the ledger does not hold it */
    leave(k, &ana);
    (void)snprintf(body, sizeof body, "{\"name\":\"eve\",\"code\":\"AAAAA-AAAAA-AAAAA-AAAAA-AAAAA\",\"password\":\"" OTHER_PASSWORD "\"}");
    ASK(k, 401, "POST /api/v1/invitation", body, NULL);
    ASK(k, 401, "POST /api/v1/session", "{\"name\":\"eve\",\"password\":\"\"}", NULL); /* there is no password yet */
    (void)snprintf(body, sizeof body, "{\"name\":\"eve\",\"code\":\"%s\",\"password\":\"short\"}", code);
    ASK(k, 422, "POST /api/v1/invitation", body, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"Eve\",\"code\":\"%s\",\"password\":\"" OTHER_PASSWORD "\"}", code);
    forward(k, 60 * TIME_SECOND);
    ASK(k, 200, "POST /api/v1/invitation", body, NULL);
    SAYS(k, "\"roles\":[]");
    ASK(k, 401, "POST /api/v1/invitation", body, NULL);
    /* a week later a code is nothing */
    enter(k, &ana);
    ASK(k, 201, "POST /api/v1/people", "{\"name\":\"late\",\"why\":\"on holiday\"," AGAIN "}", NULL);
    (void)snprintf(code, sizeof code, "%s", keeper_member(k, "code"));
    forward(k, 8 * DAY);
    (void)snprintf(body, sizeof body, "{\"name\":\"late\",\"code\":\"%s\",\"password\":\"" OTHER_PASSWORD "\"}", code);
    ASK(k, 401, "POST /api/v1/invitation", body, NULL);
    keeper_free(k);
}

static void roles_are_given_and_taken(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct keeper *k = lab(&ana, &tom);
    /* from outside only until a day */
    ASK(k, 422, "POST /api/v1/people/tom/grant", "{\"role\":\"assessor\",\"why\":\"the yearly audit\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people/tom/grant", "{\"role\":\"assessor\",\"until\":\"2020-01-01\",\"why\":\"the yearly audit\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people/tom/grant", "{\"role\":\"assessor\",\"until\":\"2029-01-01\",\"why\":\"the yearly audit\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/people/tom/grant", "{\"role\":\"king\",\"why\":\"why not\"," AGAIN "}", NULL);
    ASK(k, 403, "POST /api/v1/people/ana/grant", "{\"role\":\"privacy officer\",\"why\":\"I want it\"," AGAIN "}", NULL);
    SAYS(k, "own-account");
    ASK(k, 200, "POST /api/v1/people/tom/grant", "{\"role\":\"assessor\",\"until\":\"2027-02-01\",\"why\":\"the yearly audit\"," AGAIN "}", NULL);
    SAYS(k, "\"ends\":\"2027-02-01T23:59:59");
    assert_non_null(strstr(k->last, "\"permission\":\"people.manage\""));
    assert_non_null(strstr(k->last, "\"by_role\":\"lab manager\""));
    enter(k, &tom);
    ASK(k, 200, "GET /api/v1/ledger", NULL, NULL); /* at once, in the session that is open */
    forward(k, 10 * 60 * TIME_SECOND);
    ASK(k, 200, "GET /api/v1/session", NULL, NULL);
    enter(k, &ana);
    ASK(k, 409, "POST /api/v1/people/tom/withdraw", "{\"role\":\"auditor\",\"why\":\"he has not got it\"," AGAIN "}", NULL);
    ASK(k, 200, "POST /api/v1/people/tom/withdraw", "{\"role\":\"technologist\",\"why\":\"moves to the office\"," AGAIN "}", NULL);
    SAYS(k, "\"ended_by\":\"ana\",\"ended_why\":\"moves to the office\"");
    enter(k, &tom);
    ASK(k, 403, "GET /api/v1/results", NULL, NULL);
    /* another site's role is none here */
    enter(k, &ana);
    ASK(k, 200, "POST /api/v1/people/tom/grant", "{\"role\":\"IT\",\"site\":\"elsewhere\",\"why\":\"runs the other lab\"," AGAIN "}", NULL);
    enter(k, &tom);
    ASK(k, 403, "GET /api/v1/today", NULL, NULL);
    enter(k, &ana);
    ASK(k, 200, "POST /api/v1/people/tom/grant", "{\"role\":\"IT\",\"site\":\"main-street\",\"why\":\"and now this one\"," AGAIN "}", NULL);
    enter(k, &tom);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    /* the assessor's access ends by itself */
    ASK(k, 200, "GET /api/v1/acts", NULL, NULL);
    k->now.wall += 80 * DAY;
    ASK(k, 200, "GET /api/v1/session", NULL, NULL);
    assert_null(strstr(keeper_text(k), "assessor"));
    keeper_free(k);
}

static void the_last_manager_stays(void **state)
{
    (void)state;
    struct keeper *k = keeper_new();
    assert_int_equal(keeper_set_up(k), 201);
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/people/ana/close", "{\"why\":\"left the company\"}", NULL), 409);
    SAYS(k, "last-manager");
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/people/ana/withdraw", "{\"role\":\"lab manager\",\"why\":\"no more\"}", NULL), 409);
    ASK(k, 201, "POST /api/v1/people", "{\"name\":\"ben\",\"role\":\"lab manager\",\"why\":\"the deputy\"," AGAIN "}", NULL);
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/people/ana/close", "{\"why\":\"left the company\"}", NULL), 200);
    ASK(k, 401, "GET /api/v1/today", NULL, NULL);
    keeper_free(k);
}

static void who_leaves_is_out_everywhere(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    char token[128];
    char body[256];
    struct keeper *k = lab(&ana, &tom);
    enter(k, &tom);
    ASK(k, 201, "POST /api/v1/tokens", "{\"label\":\"a script\",\"scopes\":\"device.read\",\"password\":\"" OTHER_PASSWORD "\"}", NULL);
    (void)snprintf(token, sizeof token, "%s", keeper_member(k, "token"));
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/devices", NULL), 200);
    enter(k, &ana);
    ASK(k, 200, "POST /api/v1/people/tom/close", "{\"why\":\"his last day\"," AGAIN "}", NULL);
    SAYS(k, "\"state\":\"closed\"");
    SAYS(k, "\"sessions\":0");
    SAYS(k, "\"ended_why\":\"the account was closed\"");
    assert_non_null(strstr(k->last, "session.closed"));
    assert_non_null(strstr(k->last, "the account was closed"));
    enter(k, &tom);
    ASK(k, 401, "GET /api/v1/devices", NULL, NULL);
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/devices", NULL), 401);
    k->session[0] = 0;
    ASK(k, 401, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\"}", NULL);
    /* opened again: no role, no password, no token of before */
    enter(k, &ana);
    ASK(k, 200, "GET /api/v1/people", NULL, NULL);
    SAYS(k, "\"total\":1");
    ASK(k, 200, "GET /api/v1/people?state=all", NULL, NULL);
    SAYS(k, "\"total\":2");
    ASK(k, 200, "POST /api/v1/people/tom/reopen", "{\"why\":\"comes back\"," AGAIN "}", NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\"}");
    char code[64];
    (void)snprintf(code, sizeof code, "%s", keeper_member(k, "code"));
    k->session[0] = 0;
    ASK(k, 401, "POST /api/v1/session", body, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"tom\",\"code\":\"%s\",\"password\":\"marble thicket oboe 12\"}", code);
    forward(k, 60 * TIME_SECOND);
    ASK(k, 200, "POST /api/v1/invitation", body, NULL);
    SAYS(k, "\"roles\":[]");
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/devices", NULL), 401);
    keeper_free(k);
}

static void a_password_that_others_know_counts_no_more(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct keeper *k = lab(&ana, &tom);
    ASK(k, 200, "POST /api/v1/people/tom/reset", "{\"why\":\"it was on a note at the bench\",\"compromised\":true," AGAIN "}", NULL);
    assert_non_null(strstr(k->last, "session.closed"));
    enter(k, &tom);
    ASK(k, 401, "GET /api/v1/session", NULL, NULL);
    k->session[0] = 0;
    ASK(k, 401, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\"}", NULL);
    enter(k, &ana);
    ASK(k, 403, "POST /api/v1/people/ana/reset", "{\"why\":\"my own\"," AGAIN "}", NULL);
    keeper_free(k);
}

static void ones_own_password_and_sessions(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct who elsewhere;
    struct keeper *k = lab(&ana, &tom);
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\"}", NULL);
    keeper_take_session(k);
    leave(k, &elsewhere);
    enter(k, &tom);
    ASK(k, 200, "GET /api/v1/sessions", NULL, NULL);
    SAYS(k, "\"this\":true");
    SAYS(k, "\"this\":false");
    assert_null(strstr(keeper_text(k), "\"account\":\"ana\""));
    ASK(k, 403, "GET /api/v1/sessions?account=ana", NULL, NULL);
    ASK(k, 403, "POST /api/v1/session/password", "{\"password\":\"wrong\",\"new_password\":\"marble thicket oboe 12\"}", NULL);
    ASK(k, 422, "POST /api/v1/session/password", "{\"password\":\"" OTHER_PASSWORD "\",\"new_password\":\"tom tom tom tom tom\"}", NULL);
    forward(k, 60 * TIME_SECOND);
    ASK(k, 200, "POST /api/v1/session/password", "{\"password\":\"" OTHER_PASSWORD "\",\"new_password\":\"marble thicket oboe 12\"}", NULL);
    ASK(k, 200, "GET /api/v1/session", NULL, NULL);
    enter(k, &elsewhere);
    ASK(k, 401, "GET /api/v1/session", NULL, NULL);
    /* a manager ends what she must; nobody else can */
    enter(k, &tom);
    ASK(k, 200, "GET /api/v1/sessions", NULL, NULL);
    char path[128];
    (void)snprintf(path, sizeof path, "POST /api/v1/sessions/%s/end", keeper_member(k, "id"));
    enter(k, &ana);
    ASK(k, 404, "POST /api/v1/sessions/nosuch/end", "{" AGAIN "}", NULL);
    ASK(k, 200, "GET /api/v1/sessions", NULL, NULL);
    SAYS(k, "\"account\":\"tom\"");
    ASK(k, 403, path, "{}", NULL); /* an open browser is not enough */
    ASK(k, 403, path, "{\"password\":\"wrong\"}", NULL);
    ASK(k, 204, path, "{" AGAIN "}", NULL);
    assert_non_null(strstr(k->last, "ended by somebody else"));
    assert_non_null(strstr(k->last, "\"person\":\"ana\""));
    enter(k, &tom);
    ASK(k, 401, "GET /api/v1/session", NULL, NULL);
    keeper_free(k);
}

/* Where somebody signed in before is known, from the ledger; elsewhere is not, and not for ever. */
static void places_are_known(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct error e = {0};
    struct keeper *k = lab(&ana, &tom);
    struct store_conn *c = store_reader_open(k->store, &e);
    assert_int_equal(store_look(c, &e), 0);
    assert_true(account_knows(c, SPAN_LIT("tom"), SPAN_LIT("10.0.0.5"), k->now.wall - DAY));
    assert_false(account_knows(c, SPAN_LIT("tom"), SPAN_LIT("10.0.0.66"), k->now.wall - DAY));
    assert_false(account_knows(c, SPAN_LIT("eve"), SPAN_LIT("10.0.0.5"), k->now.wall - DAY));
    assert_false(account_knows(c, SPAN_LIT("tom"), SPAN_LIT("10.0.0.5"), k->now.wall + DAY));
    store_look_end(c);
    store_reader_close(c);
    keeper_free(k);
}

static void a_site_may_want_passwords_to_end(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct keeper *k = lab(&ana, &tom);
    ASK(k, 200, "GET /api/v1/access-policy", NULL, NULL);
    SAYS(k, "\"password_days\":0");
    SAYS(k, "\"password_shortest\":15");
    ASK(k, 422, "PUT /api/v1/access-policy", "{\"password_days\":\"7\",\"why\":\"the insurer\"," AGAIN "}", NULL);
    ASK(k, 200, "PUT /api/v1/access-policy", "{\"password_days\":\"90\",\"why\":\"the insurer demands it\"," AGAIN "}", NULL);
    SAYS(k, "\"by\":\"ana\"");
    forward(k, 91 * DAY);
    k->session[0] = 0;
    ASK(k, 403, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\"}", NULL);
    SAYS(k, "password-old");
    ASK(k, 422, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\",\"new_password\":\"" OTHER_PASSWORD "\"}", NULL);
    ASK(k, 401, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"wrong\",\"new_password\":\"marble thicket oboe 12\"}", NULL);
    ASK(k, 200, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\",\"new_password\":\"marble thicket oboe 12\"}", NULL);
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"marble thicket oboe 12\"}", NULL);
    keeper_free(k);
}

static void what_leaked_elsewhere_is_refused(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct error e = {0};
    struct keeper *k = lab(&ana, &tom);
    /* SHA-1 of "marble thicket oboe 12" and a password in clear */
    uint8_t sha1[SHA1_SIZE];
    char list[160];
    size_t n = 0;
    crypto_sha1(SPAN_LIT("marble thicket oboe 12"), sha1);
    for (size_t i = 0; i < sizeof sha1; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%02X", sha1[i]);
    (void)snprintf(list + n, sizeof list - n, ":37\r\n" OTHER_PASSWORD "\n\n");
    struct buf marks = BUF_INIT(1024);
    assert_int_equal(breached_read(span_str(list), &marks, &e), 0);
    assert_int_equal(breached_use(buf_span(&marks), &e), 0);
    buf_release(&marks);
    assert_int_equal(breached_count(), 2);
    k->session[0] = 0;
    ASK(k, 403, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\"}", NULL);
    SAYS(k, "password-breached");
    ASK(k, 422, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\",\"new_password\":\"marble thicket oboe 12\"}", NULL);
    ASK(k, 200, "POST /api/v1/session", "{\"name\":\"tom\",\"password\":\"" OTHER_PASSWORD "\",\"new_password\":\"walnut ferry cobalt 88\"}", NULL);
    assert_int_equal(breached_use(SPAN_LIT(""), &e), 0);
    keeper_free(k);
}

static void tokens_are_narrow(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    char token[128];
    char id[32];
    char path[64];
    struct keeper *k = lab(&ana, &tom);
    ASK(k, 422, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"phi.look\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"people.manage\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/tokens", "{\"label\":\"\",\"scopes\":\"device.read\"," AGAIN "}", NULL);
    ASK(k, 422, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"device.read\",\"days\":\"9999\"," AGAIN "}", NULL);
    ASK(k, 403, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"device.read\"}", NULL);
    ASK(k, 403, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"device.read\",\"account\":\"tom\"," AGAIN "}", NULL);
    ASK(k, 201, "POST /api/v1/tokens", "{\"label\":\"CMDB\",\"scopes\":\"device.read finding.decide\",\"days\":\"10\"," AGAIN "}", NULL);
    (void)snprintf(token, sizeof token, "%s", keeper_member(k, "token"));
    (void)snprintf(id, sizeof id, "%s", keeper_member(k, "id"));
    assert_null(strstr(k->last, token));
    ASK(k, 200, "GET /api/v1/tokens", NULL, NULL);
    assert_null(strstr(keeper_text(k), token));
    k->session[0] = 0;
    /* every request of the table with it: what its scopes name, who it is, the stream, and what is open */
    feed_lab(k);
    for (size_t i = 0; i < api_route_count; i++) {
        const struct route *r = &api_routes[i];
        char ask[256];
        (void)snprintf(ask, sizeof ask, "%s %s", r->method, r->path);
        for (char *b; (b = strchr(ask, '{')) != NULL;)
            memmove(b, strchr(b, '}') + 1, strlen(strchr(b, '}'))), memmove(b + 1, b, strlen(b) + 1), *b = 'x';
        bool allowed = r->permission != NULL ? api_token_scope(SPAN_LIT("device.read finding.decide"), r->permission)
                                             : (r->flags & (ROUTE_OPEN | ROUTE_TOKEN)) != 0;
        int status = keeper_ask_bearer(k, token, ask, "{}");
        bool refused = status == 403 && strstr(keeper_text(k), "not-permitted") != NULL;
        if (refused == allowed)
            fail_msg("%s with a token gives %d %s", ask, status, keeper_text(k));
    }
    /* a decision by a token says so */
    k->now.monotonic += 61 * TIME_SECOND;
    assert_int_equal(keeper_ask_bearer_if(k, token, "POST " FINDING "/take", NULL, "14"), 412);
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/session", NULL), 200);
    SAYS(k, id);
    assert_int_equal(keeper_ask_bearer(k, "tqt_00", "GET /api/v1/session", NULL), 401);
    /* 600 a minute */
    int last = 0;
    for (int i = 0; i < 620; i++)
        last = keeper_ask_bearer(k, token, "GET /api/v1/session", NULL);
    assert_int_equal(last, 429);
    SAYS(k, "retry_after_s");
    k->now.monotonic += 61 * TIME_SECOND;
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/session", NULL), 200);
    k->now.wall += 11 * DAY;
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/session", NULL), 401);
    k->now.wall -= 11 * DAY;
    /* revoked: by its owner or a manager, by nobody else */
    (void)snprintf(path, sizeof path, "DELETE /api/v1/tokens/%s", id);
    enter(k, &tom);
    ASK(k, 404, path, NULL, NULL);
    enter(k, &ana);
    ASK(k, 204, path, NULL, NULL);
    assert_int_equal(keeper_ask_bearer(k, token, "GET /api/v1/session", NULL), 401);
    /* at the local socket a token is made for an account */
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"metrics.read\"}", NULL), 409);
    assert_int_equal(keeper_ask_local(k, "POST /api/v1/tokens", "{\"label\":\"x\",\"scopes\":\"metrics.read\",\"account\":\"tom\"}", NULL), 201);
    (void)snprintf(token, sizeof token, "%s", keeper_member(k, "token"));
    k->session[0] = 0;
    assert_int_equal(keeper_ask_bearer(k, token, "GET /metrics", NULL), 200);
    /* who loses the role takes it from the token too */
    enter(k, &ana);
    ASK(k, 200, "POST /api/v1/people/tom/withdraw", "{\"role\":\"technologist\",\"why\":\"moves on\"," AGAIN "}", NULL);
    assert_int_equal(keeper_ask_bearer(k, token, "GET /metrics", NULL), 403);
    keeper_free(k);
}

static void who_did_what_and_why_they_could(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct keeper *k = lab(&ana, &tom);
    unsigned long long message = (unsigned long long)k->next + 3;
    feed_lab(k);
    ASK(k, 200, "GET /api/v1/acts", NULL, NULL);
    SAYS(k, "\"event\":\"account.granted\"");
    SAYS(k, "Role given: technologist to tom");
    SAYS(k, "\"permission\":\"people.manage\",\"role\":\"lab manager\"");
    enter(k, &tom);
    ASK(k, 403, "POST /api/v1/people", "{\"name\":\"x\",\"why\":\"no right\"}", NULL);
    ASK(k, 200, "GET /api/v1/acts", NULL, NULL); /* her own, and those about her */
    SAYS(k, "request.refused");
    SAYS(k, "account.granted");
    ASK(k, 403, "GET /api/v1/acts?person=ana", NULL, NULL);
    enter(k, &ana);
    ASK(k, 200, "GET /api/v1/acts?person=tom&event=session", NULL, NULL);
    SAYS(k, "\"total\":1");
    ASK(k, 200, "GET /api/v1/acts?q=monday", NULL, NULL);
    SAYS(k, "starts on Monday");
    SAYS(k, "\"object\":\"technologist\"");
    ASK(k, 400, "GET /api/v1/acts?cursor=zz", NULL, NULL);
    /* by right, noun, time and device */
    ASK(k, 200, "GET /api/v1/acts?permission=people.manage&event=account.granted", NULL, NULL);
    SAYS(k, "account.granted");
    ASK(k, 200, "GET /api/v1/acts?permission=device", NULL, NULL);
    SAYS(k, "\"total\":0");
    ASK(k, 200, "GET /api/v1/acts?since=2020-01-01&until=2020-01-02", NULL, NULL);
    SAYS(k, "\"total\":0");
    ASK(k, 200, "GET /api/v1/acts?since=2020-01-01T00:00:00Z&until=2099-01-01", NULL, NULL);
    SAYS(k, "account.granted");
    ASK(k, 400, "GET /api/v1/acts?since=yesterday", NULL, NULL);
    keeper_feed(k, "{\"time\":\"2026-11-22T15:06:41Z\",\"event\":\"asset.named\",\"asset\":\"0190-one\",\"name\":\"Chem 2\",\"person\":\"tom\"}");
    unsigned long long named = (unsigned long long)k->next - 1;
    ASK(k, 200, "GET /api/v1/acts?device=0190-one", NULL, NULL);
    SAYS(k, "\"total\":1");
    SAYS(k, "\"object\":\"Chem 2\",\"device\":\"0190-one\"");
    char explain[96];
    (void)snprintf(explain, sizeof explain, "GET /api/v1/acts/%llu/why", named);
    ASK(k, 200, explain, NULL, NULL);
    SAYS(k, "\"person\":\"tom\"");
    SAYS(k, "\"grants\":[{\"role\":\"technologist\"");
    ASK(k, 404, "GET /api/v1/acts/999999/why", NULL, NULL);
    ASK(k, 404, "GET /api/v1/acts/x/why", NULL, NULL);
    enter(k, &tom);
    ASK(k, 200, explain, NULL, NULL); /* his own */
    keeper_feed(k, "{\"time\":\"2026-11-22T15:06:41Z\",\"event\":\"asset.named\",\"asset\":\"0190-one\",\"name\":\"Chem 3\",\"person\":\"ana\"}");
    (void)snprintf(explain, sizeof explain, "GET /api/v1/acts/%llu/why", (unsigned long long)k->next - 1);
    ASK(k, 403, explain, NULL, NULL);
    /* settings of lab.yaml: names, no values */
    enter(k, &ana);
    keeper_feed(k, "{\"time\":\"2026-11-22T14:00:00Z\",\"event\":\"config.changed\",\"settings\":[\"backup\",\"relay\"],\"edits\":[\"backup=00ff\","
                   "\"relay=0102\"]}");
    ASK(k, 200, "GET /api/v1/acts?event=config", NULL, NULL);
    SAYS(k, "\"object\":\"backup, relay\"");
    assert_null(strstr(keeper_text(k), "00ff"));
    ASK(k, 200, "GET /api/v1/acts?limit=2", NULL, NULL);
    assert_null(strstr(keeper_text(k), "\"next\":null"));
    /* why could Tom see this? */
    ASK(k, 200, "GET /api/v1/people/tom/why?permission=phi.look", NULL, NULL);
    SAYS(k, "\"may\":true");
    SAYS(k, "\"role\":\"technologist\"");
    SAYS(k, "\"by\":\"ana\",\"why\":\"starts on Monday\"");
    ASK(k, 200, "GET /api/v1/people/tom/why?permission=people.manage", NULL, NULL);
    SAYS(k, "\"may\":false,\"grants\":[]");
    /* of a look, long after the role is gone */
    enter(k, &tom);
    char look[256];
    char record[32];
    (void)snprintf(look, sizeof look, "{\"record\":\"%llu\",\"reason\":\"the physician asked for it\",\"password\":\"" OTHER_PASSWORD "\"}", message);
    ASK(k, 200, "POST /api/v1/looks", look, NULL);
    (void)snprintf(record, sizeof record, "%llu", (unsigned long long)(k->next - 1));
    assert_non_null(strstr(k->last, "phi.look"));
    forward(k, 60 * TIME_SECOND);
    enter(k, &ana);
    ASK(k, 200, "POST /api/v1/people/tom/withdraw", "{\"role\":\"technologist\",\"why\":\"moves on\"," AGAIN "}", NULL);
    char ask[128];
    (void)snprintf(ask, sizeof ask, "GET /api/v1/people/tom/why?record=%s", record);
    ASK(k, 200, ask, NULL, NULL);
    SAYS(k, "\"why\":\"the physician asked for it\"");
    SAYS(k, "\"permission\":\"phi.look\",\"may\":true");
    SAYS(k, "\"role\":\"technologist\"");
    ASK(k, 404, "GET /api/v1/people/ana/why?record=999999", NULL, NULL);
    /* exports are written down before they go out */
    ASK(k, 200, "POST /api/v1/devices/export.csv", "{" AGAIN "}", NULL);
    assert_non_null(strstr(k->last, "data.exported"));
    assert_non_null(strstr(k->last, "\"proof\":\"password\""));
    /* and whoever has only the browser of somebody gets none */
    ASK(k, 403, "GET /api/v1/devices/export.csv", NULL, NULL);
    SAYS(k, "\"code\":\"password\"");
    assert_non_null(strstr(k->last, "request.refused"));
    ASK(k, 403, "POST /api/v1/devices/export.csv", "{\"password\":\"not this one\"}", NULL);
    assert_null(strstr(keeper_text(k), "id,"));
    k->broken = true;
    ASK(k, 503, "POST /api/v1/devices/export.csv", "{" AGAIN "}", NULL);
    k->broken = false;
    keeper_free(k);
}

/* What ends by itself is told two weeks before, to whoever can give it anew. */
static void what_ends_is_told_before(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    struct keeper *k = lab(&ana, &tom);
    ASK(k, 201, "POST /api/v1/tokens", "{\"label\":\"metrics\",\"scopes\":\"device.read\",\"days\":\"20\"," AGAIN "}", NULL);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"access_ending\":0}");
    ASK(k, 200, "GET /api/v1/people?state=ending", NULL, NULL);
    SAYS(k, "\"items\":[]");
    k->now.wall += 7 * DAY;
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"access_ending\":1}");
    ASK(k, 200, "GET /api/v1/people?state=ending", NULL, NULL);
    SAYS(k, "\"total\":1");
    SAYS(k, "\"name\":\"ana\"");
    assert_null(strstr(keeper_text(k), "\"token_ends\":null"));
    k->now.wall += 14 * DAY; /* it has ended: nothing is to come */
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"access_ending\":0}");
    enter(k, &tom);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"access_ending\":null}");
    keeper_free(k);
}

static void roles_are_confirmed(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    char body[128];
    struct keeper *k = lab(&ana, &tom);
    forward(k, 20 * 60 * TIME_SECOND);
    ASK(k, 200, "GET /api/v1/session", NULL, NULL);
    k->now.wall += 91 * DAY;
    ASK(k, 200, "GET /api/v1/people/tom", NULL, NULL);
    SAYS(k, "\"review_due\":true");
    /* Today says how many wait for her, and the list has just those: not she herself */
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"reviews_due\":1,");
    ASK(k, 200, "GET /api/v1/people?state=due", NULL, NULL);
    SAYS(k, "\"name\":\"tom\"");
    SAYS(k, "\"total\":1");
    assert_null(strstr(keeper_text(k), "\"name\":\"ana\""));
    ASK(k, 200, "GET /api/v1/people/tom", NULL, NULL);
    char etag[32];
    (void)snprintf(etag, sizeof etag, "%.*s", (int)k->reply.r.etag.n, (const char *)k->reply.r.etag.p);
    ASK(k, 412, "POST /api/v1/access-review", "{\"people\":\"tom:1\"}", NULL);
    ASK(k, 422, "POST /api/v1/access-review", "{\"people\":\"nobody:1\"}", NULL);
    ASK(k, 422, "POST /api/v1/access-review", "{\"people\":\"\"}", NULL);
    (void)snprintf(body, sizeof body, "{\"people\":\"tom:%s\"}", etag);
    ASK(k, 200, "POST /api/v1/access-review", body, NULL);
    ASK(k, 200, "GET /api/v1/people/tom", NULL, NULL);
    SAYS(k, "\"reviewed_by\":\"ana\",\"review_due\":false");
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"reviews_due\":0,");
    ASK(k, 200, "GET /api/v1/people?state=due", NULL, NULL);
    SAYS(k, "\"items\":[]");
    ASK(k, 200, "GET /api/v1/people/ana", NULL, NULL);
    (void)snprintf(body, sizeof body, "{\"people\":\"ana:%.*s\"}", (int)k->reply.r.etag.n, (const char *)k->reply.r.etag.p);
    ASK(k, 403, "POST /api/v1/access-review", body, NULL);
    keeper_free(k);
}

static void the_envelope_is_opened(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    char body[128];
    struct keeper *k = lab(&ana, &tom);
    ASK(k, 200, "POST /api/v1/emergency", "{\"why\":\"for the safe\"," AGAIN "}", NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"emergency\",\"password\":\"%s\"}", keeper_member(k, "code"));
    ASK(k, 200, "GET /api/v1/people/emergency", NULL, NULL);
    SAYS(k, "\"emergency\":true");
    ASK(k, 409, "POST /api/v1/people/emergency/grant", "{\"role\":\"lab manager\",\"why\":\"more\"," AGAIN "}", NULL);
    ASK(k, 409, "POST /api/v1/people/emergency/reset", "{\"why\":\"more\"," AGAIN "}", NULL);
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/session", body, NULL);
    SAYS(k, "\"roles\":[\"emergency\"]");
    assert_non_null(strstr(k->last, "access.emergency"));
    assert_non_null(strstr(k->last, "critical"));
    keeper_take_session(k);
    ASK(k, 200, "GET /api/v1/findings", NULL, NULL);
    SAYS(k, "Somebody signed in with the emergency account.");
    ASK(k, 403, "POST /api/v1/people", "{\"name\":\"x\",\"why\":\"no right\"}", NULL);
    ASK(k, 409, "POST /api/v1/session/password", "{\"password\":\"a\",\"new_password\":\"marble thicket oboe 12\"}", NULL);
    struct who used;
    leave(k, &used);
    enter(k, &ana);
    ASK(k, 200, "POST /api/v1/emergency", "{\"why\":\"sealed after the power cut\"," AGAIN "}", NULL);
    enter(k, &used);
    ASK(k, 401, "GET /api/v1/findings", NULL, NULL);
    k->session[0] = 0;
    ASK(k, 401, "POST /api/v1/session", body, NULL); /* the old code */
    keeper_free(k);
}

static void people_come_from_a_list(void **state)
{
    (void)state;
    struct who ana;
    struct who tom;
    char body[1024];
    struct keeper *k = lab(&ana, &tom);
#define LIST                                                                                                                                         \
    "name;display name;role;until\\nlea;Lea Sol;phlebotomist;\\ntom;Tom B;technologist;\\nmax;Max;assessor;2027-03-01\\nbad "                        \
    "name;;;\\nno;No;king;\\n"                                                                                                                       \
    "ana;Ana;IT;\\nvis;V;maker's engineer;\\n"
    ASK(k, 422, "POST /api/v1/people/import", "{\"list\":\"a,b\\nc,d\\n\"}", NULL);
    ASK(k, 200, "POST /api/v1/people/import", "{\"list\":\"" LIST "\"}", NULL);
    SAYS(k, "\"create\":2,\"grant\":0,\"same\":1,\"error\":4");
    (void)snprintf(body, sizeof body, "{\"list\":\"" LIST "\",\"token\":\"%s\",\"why\":\"the new season\"," AGAIN "}", keeper_member(k, "token"));
    ASK(k, 200, "POST /api/v1/people/import", body, NULL);
    SAYS(k, "\"saved\":2,\"whole\":true");
    SAYS(k, "\"name\":\"lea\"");
    ASK(k, 200, "GET /api/v1/people/max", NULL, NULL);
    SAYS(k, "\"ends\":\"2027-03-01");
    ASK(k, 409, "POST /api/v1/people/import", body, NULL); /* it is done already: another plan */
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(somebody_is_invited),
        cmocka_unit_test(a_code_is_good_once_and_not_for_ever),
        cmocka_unit_test(roles_are_given_and_taken),
        cmocka_unit_test(the_last_manager_stays),
        cmocka_unit_test(who_leaves_is_out_everywhere),
        cmocka_unit_test(a_password_that_others_know_counts_no_more),
        cmocka_unit_test(ones_own_password_and_sessions),
        cmocka_unit_test(places_are_known),
        cmocka_unit_test(a_site_may_want_passwords_to_end),
        cmocka_unit_test(what_leaked_elsewhere_is_refused),
        cmocka_unit_test(tokens_are_narrow),
        cmocka_unit_test(who_did_what_and_why_they_could),
        cmocka_unit_test(what_ends_is_told_before),
        cmocka_unit_test(roles_are_confirmed),
        cmocka_unit_test(the_envelope_is_opened),
        cmocka_unit_test(people_come_from_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
