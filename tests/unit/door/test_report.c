/* Reports: under a name and without, what is written down and what is not, who sees them, how they are answered, pictures, how often. */
#include "../cmocka_all.h"

#include "door/api/api_private.h"

#include "base/text.h"
#include "keeper.h"

#define AGAIN "\"password\":\"" KEEPER_PASSWORD "\""
#define OTHER_PASSWORD "lantern gravel pumice 31"
#define FILE_IT "POST /api/v1/reports"
#define NAMELESS "POST /api/v1/reports/nameless"
#define STATUS "POST /api/v1/reports/status"
#define CLAIM "7K2MX-QQ4TD-9ABCD-EFGH0"
#define CLAIM2 "7K2MX-QQ4TD-9ABCD-EFGH1"

#define DRAWN                                                                                                                                        \
    "\xff\xd8\xff\xc0\0\x0b\x08\0\x10\0\x20\1\1\x11\0"                                                                                               \
    "\xff\xda\0\4\1\0\x12\x34\xff\xd9"
#define TAKEN                                                                                                                                        \
    "\xff\xd8\xff\xe1\0\x0e"                                                                                                                         \
    "Exif\0\0GPS41N\xff\xc0\0\x0b\x08\0\x10\0\x20\1\1\x11\0\xff\xda\0\4\1\0\x12\x34\xff\xd9"

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

static void invite(struct keeper *k, const char *name, const char *role, const struct who *ana, struct who *out)
{
    char body[512];
    enter(k, ana);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"role\":\"%s\",\"why\":\"starts on Monday\"," AGAIN "}", name, role);
    ASK(k, 201, "POST /api/v1/people", body, NULL);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"code\":\"%s\",\"password\":\"" OTHER_PASSWORD "\"}", name, keeper_member(k, "code"));
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/invitation", body, NULL);
    keeper_take_session(k);
    leave(k, out);
}

/* Ana is the lab manager, Pat a phlebotomist, Ray at the front desk; nobody is signed in. */
struct lab {
    struct keeper *k;
    struct who ana, pat, ray;
};

static struct lab lab(void)
{
    struct lab l = {.k = keeper_new()};
    assert_int_equal(keeper_set_up(l.k), 201);
    leave(l.k, &l.ana);
    invite(l.k, "pat", "phlebotomist", &l.ana, &l.pat);
    invite(l.k, "ray", "front desk", &l.ana, &l.ray);
    return l;
}

static void step_on(struct keeper *k, const char *act, const char *id, int status, const char *body)
{
    char ask[160];
    char etag[32];
    (void)snprintf(ask, sizeof ask, "GET /api/v1/reports/%s", id);
    ASK(k, 200, ask, NULL, NULL);
    (void)snprintf(etag, sizeof etag, "%s", keeper_member(k, "etag"));
    (void)snprintf(ask, sizeof ask, "POST /api/v1/reports/%s/%s", id, act);
    ASK(k, status, ask, body, etag);
}

static void says_not(const struct keeper *k, const char *text)
{
    if (strstr(k->last, text) != NULL)
        fail_msg("the record says %s: %s", text, k->last);
}

static void from_report_to_answer(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    char id[64];
    enter(k, &l.pat);
    ASK(k, 201, FILE_IT, "{\"kind\":\"person\",\"text\":\"Somebody without a badge is at the printer.\",\"now\":true,\"claim\":\"" CLAIM "\"}", NULL);
    SAYS(k, "\"state\":\"received\"");
    assert_non_null(strstr(k->last, "\"event\":\"report.filed\""));
    assert_non_null(strstr(k->last, "\"person\":\"pat\""));
    says_not(k, "7K2MX"); /* the code itself is kept nowhere */
    says_not(k, "7k2mx");
    ASK(k, 200, "GET /api/v1/reports", NULL, NULL);
    SAYS(k, "\"total\":1");
    (void)snprintf(id, sizeof id, "%s", keeper_member(k, "id"));

    /* it is nobody else's business, but who handles reports */
    enter(k, &l.ray);
    char ask[160];
    (void)snprintf(ask, sizeof ask, "GET /api/v1/reports/%s", id);
    ASK(k, 404, ask, NULL, NULL);
    ASK(k, 200, "GET /api/v1/reports?state=all", NULL, NULL);
    SAYS(k, "\"total\":0");
    (void)snprintf(ask, sizeof ask, "POST /api/v1/reports/%s/take", id);
    ASK(k, 403, ask, "{}", "1");

    enter(k, &l.ana);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"reports_waiting\":1");
    ASK(k, 200, "GET /api/v1/reports", NULL, NULL);
    SAYS(k, "\"now\":true");
    ASK(k, 412, ask, "{}", "1");
    step_on(k, "take", id, 200, "{}");
    SAYS(k, "\"state\":\"looking\"");
    SAYS(k, "\"taken_by\":\"ana\"");
    step_on(k, "take", id, 409, "{}");
    step_on(k, "release", id, 200, "{}");
    SAYS(k, "\"state\":\"received\"");
    step_on(k, "take", id, 200, NULL);
    ASK(k, 200, "GET /api/v1/today", NULL, NULL);
    SAYS(k, "\"reports_waiting\":0");
    step_on(k, "answer", id, 400, "{}");
    step_on(k, "answer", id, 422, "{\"answer\":\" \"}");
    step_on(k, "answer", id, 200, "{\"answer\":\"It was the copier's service. Thank you.\"}");
    SAYS(k, "\"state\":\"answered\"");
    SAYS(k, "\"why\":\"It was the copier's service. Thank you.\"");
    step_on(k, "close", id, 200, "{\"why\":\"done\"}");

    enter(k, &l.pat);
    ASK(k, 200, "GET /api/v1/reports", NULL, NULL);
    SAYS(k, "\"answer\":\"It was the copier's service. Thank you.\"");
    SAYS(k, "\"taken_by\":null");
    k->session[0] = 0; /* and by the code, from anywhere */
    ASK(k, 200, STATUS, "{\"claim\":\"7k2mx qq4td9abcdefgho\"}", NULL);
    SAYS(k, "\"state\":\"closed\"");
    keeper_free(k);
}

static void without_a_name_nobody_is_written_down(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    for (int signed_in = 0; signed_in < 2; signed_in++) {
        if (signed_in == 1)
            enter(k, &l.pat); /* a browser that sends its session along changes nothing */
        char body[256];
        (void)snprintf(body, sizeof body, "{\"kind\":\"other\",\"text\":\"I saw a password on a note.\",\"claim\":\"7K2MX-QQ4TD-9ABCD-EFGH%d\"}",
                       signed_in);
        ASK(k, 201, NAMELESS, body, NULL);
        assert_non_null(strstr(k->last, "report.filed"));
        says_not(k, "person");
        says_not(k, "pat");
        says_not(k, "origin");
        says_not(k, "10.0.0.5");
        says_not(k, "session");
        says_not(k, "token");
        k->session[0] = 0;
    }
    enter(k, &l.pat);
    ASK(k, 200, "GET /api/v1/acts", NULL, NULL);
    assert_null(strstr(keeper_text(k), "report.filed"));
    ASK(k, 200, "GET /api/v1/reports", NULL, NULL);
    SAYS(k, "\"total\":0");
    enter(k, &l.ana);
    ASK(k, 200, "GET /api/v1/reports", NULL, NULL);
    SAYS(k, "\"total\":2");
    SAYS(k, "\"person\":null");
    ASK(k, 200, "GET /api/v1/acts?event=report", NULL, NULL);
    SAYS(k, "\"total\":0");
    keeper_free(k);
}

static void the_same_again_is_the_same_report(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    ASK(k, 201, NAMELESS, "{\"kind\":\"lost\",\"text\":\"A badge on the stairs.\",\"claim\":\"" CLAIM "\"}", NULL);
    uint64_t next = k->next;
    ASK(k, 201, NAMELESS, "{\"kind\":\"lost\",\"text\":\"A badge on the stairs.\",\"claim\":\"" CLAIM "\"}", NULL);
    assert_int_equal(k->next, next);
    ASK(k, 404, STATUS, "{\"claim\":\"" CLAIM2 "\"}", NULL);
    static const struct {
        const char *body;
        int status;
        const char *code;
    } wrong[] = {
        {"{\"kind\":\"lost\",\"text\":\"x\"}", 400, "body"},
        {"{\"kind\":\"lost\",\"text\":\"x\",\"claim\":\"short\"}", 422, "claim"},
        {"{\"kind\":\"lost\",\"text\":\"x\",\"claim\":\"UUUUU-UUUUU-UUUUU-UUUUU\"}", 422, "claim"},
        {"{\"kind\":\"virus\",\"text\":\"x\",\"claim\":\"" CLAIM2 "\"}", 422, "kind"},
        {"{\"kind\":\"lost\",\"claim\":\"" CLAIM2 "\"}", 422, "empty"},
        {"{\"kind\":\"lost\",\"text\":\"a\\u0007b\",\"claim\":\"" CLAIM2 "\"}", 422, "text"},
        {"{\"kind\":\"lost\",\"text\":\"x\",\"photo\":\"!\",\"claim\":\"" CLAIM2 "\"}", 422, "photo"},
        {"{\"kind\":\"lost\",\"photo\":\"PHN2Zz4=\",\"claim\":\"" CLAIM2 "\"}", 422, "photo"},
        {"{\"kind\":\"lost\",\"photo\":\"AAAAGGZ0eXBoZWljAAAAAA==\",\"claim\":\"" CLAIM2 "\"}", 422, "HEIC"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        k->now.monotonic += 3601 * TIME_SECOND;
        ASK(k, wrong[i].status, NAMELESS, wrong[i].body, NULL);
        SAYS(k, wrong[i].code);
    }
    assert_int_equal(keeper_ask_local(k, "GET /api/v1/reports?state=all", NULL, NULL), 200);
    SAYS(k, "\"total\":1");
    keeper_free(k);
}

static void a_picture_is_stripped_sealed_and_shown_by_a_look(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    char body[512];
    char ask[160];
    struct buf base64 = BUF_INIT(256);
    text_base64(&base64, SPAN_LIT(TAKEN));
    enter(k, &l.pat);
    (void)snprintf(body, sizeof body, "{\"kind\":\"device\",\"photo\":\"%s\",\"claim\":\"" CLAIM "\"}", buf_text(&base64));
    ASK(k, 201, FILE_IT, body, NULL);
    assert_non_null(strstr(k->last, "\"photo\":\"image/jpeg\""));
    says_not(k, "GPS");
    uint64_t record = k->next - 1;
    assert_true(span_equal(buf_span(&k->kept[record].body), SPAN_LIT(DRAWN)));
    ASK(k, 200, "GET /api/v1/reports", NULL, NULL);
    (void)snprintf(ask, sizeof ask, "POST /api/v1/reports/%s/photo", keeper_member(k, "id"));
    ASK(k, 403, ask, "{\"reason\":\"I want to see it\"}", NULL);
    SAYS(k, "not-permitted");

    enter(k, &l.ana);
    ASK(k, 422, ask, "{" AGAIN "}", NULL);
    ASK(k, 403, ask, "{\"reason\":\"which device is it\"}", NULL);
    assert_false(k->reply.hidden);
    ASK(k, 200, ask, "{\"reason\":\"which device is it\"," AGAIN "}", NULL);
    assert_true(k->reply.hidden);
    assert_true(span_is(k->reply.r.type, "image/jpeg"));
    assert_true(span_equal(k->reply.r.body, SPAN_LIT(DRAWN)));
    assert_non_null(strstr(k->last, "phi.look"));
    assert_non_null(strstr(k->last, "which device is it"));
    ASK(k, 200, "GET /api/v1/looks", NULL, NULL);
    SAYS(k, "picture of a report");
    k->broken = true; /* no record, no picture */
    k->now.wall += 10 * TIME_SECOND;
    ASK(k, 503, ask, "{\"reason\":\"which device is it\"," AGAIN "}", NULL);
    assert_false(k->reply.hidden);
    buf_release(&base64);
    keeper_free(k);
}

static int one_more(struct keeper *k, const char *what, int n)
{
    char body[256];
    (void)snprintf(body, sizeof body, "{\"kind\":\"other\",\"text\":\"again\",\"claim\":\"00000-00000-00000-%05d\"}", n);
    return keeper_ask(k, what, body, NULL);
}

static void not_too_often(void **state)
{
    (void)state;
    struct lab l = lab();
    struct keeper *k = l.k;
    int n = 0;
    for (int i = 0; i < 6; i++)
        assert_int_equal(one_more(k, NAMELESS, n++), 201);
    assert_int_equal(one_more(k, NAMELESS, n++), 429);
    assert_int_equal(one_more(k, NAMELESS, 0), 201); /* one that is there already, sent again */
    enter(k, &l.pat);
    for (int i = 0; i < 30; i++)
        assert_int_equal(one_more(k, FILE_IT, n++), 201); /* who is known is not kept out by who is not */
    assert_int_equal(one_more(k, FILE_IT, n++), 429);
    k->now.monotonic += 3601 * TIME_SECOND;
    k->now.wall += 3601 * TIME_SECOND;
    k->session[0] = 0;
    assert_int_equal(one_more(k, NAMELESS, n++), 201);
    int status = 404;
    for (int i = 0; i < 12 && status == 404; i++)
        status = keeper_ask(k, STATUS, "{\"claim\":\"" CLAIM2 "\"}", NULL);
    assert_int_equal(status, 429);
    k->broken = true;
    assert_int_equal(one_more(k, NAMELESS, n++), 503);
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_report_to_answer),
        cmocka_unit_test(without_a_name_nobody_is_written_down),
        cmocka_unit_test(the_same_again_is_the_same_report),
        cmocka_unit_test(a_picture_is_stripped_sealed_and_shown_by_a_look),
        cmocka_unit_test(not_too_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
