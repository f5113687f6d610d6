/* What is decided about links: held for work, one person lets it go on; held because results may be wrong, it takes two. */
#include "../cmocka_all.h"

#include "door/api/api_private.h"

#include "keeper.h"

#define PASSWORD "\"password\":\"" KEEPER_PASSWORD "\""
#define HOLD "POST /api/v1/links/chem/hold"
#define WORK "{\"on\":true,\"reason\":\"the LIS is being mended\"," PASSWORD "}"
#define DOUBT "{\"on\":true,\"doubt\":true,\"reason\":\"controls of potassium are off\"," PASSWORD "}"
#define GO_ON "{\"on\":false,\"reason\":\"controls are right again\"," PASSWORD "}"
#define BYPASS "{\"on\":true,\"reason\":\"results are waited for\"," PASSWORD "}"

static char ordered[16]; /* what the relay was told: h, H: hold off, on; b, B: bypass */

static size_t one_link(void *context, struct api_link *ret, size_t most)
{
    (void)context;
    assert_true(most > 0);
    *ret = (struct api_link){.name = "chem", .protocol = "hl7", .mode = "end-to-end", .state = "up", .unknown = "flag"};
    return 1;
}

static int take_order(void *context, const struct api_link_order *o, struct error *e)
{
    (void)context;
    (void)e;
    char letter = o->what == API_LINK_HOLD ? 'h' : 'b';
    size_t n = strlen(ordered);
    if (n + 1 < sizeof ordered)
        ordered[n] = (char)(o->on ? letter - 0x20 : letter);
    return 0;
}

static struct keeper *manager(void)
{
    memset(ordered, 0, sizeof ordered);
    keeper_links = one_link;
    keeper_link_order = take_order;
    struct keeper *k = keeper_new();
    keeper_feed(k, T "\"run.started\"}");
    assert_int_equal(keeper_set_up(k), 201);
    keeper_sign_in(k, "lea", "lab manager");
    return k;
}

static void one_person_ends_a_hold_for_work(void **state)
{
    (void)state;
    struct keeper *k = manager();
    ASK(k, 200, HOLD, WORK, NULL);
    SAYS(k, "\"hold\":true,\"doubt\":false,\"go_on_asked_by\":null,\"go_on_until\":null");
    ASK(k, 200, HOLD, GO_ON, NULL);
    SAYS(k, "\"hold\":false");
    assert_string_equal(ordered, "Hh");
    keeper_free(k);
}

static void two_people_let_doubtful_results_go_on(void **state)
{
    (void)state;
    struct keeper *k = manager();
    ASK(k, 200, HOLD, DOUBT, NULL);
    SAYS(k, "\"hold\":true,\"doubt\":true,\"go_on_asked_by\":null");
    assert_non_null(strstr(k->last, "\"kind\":\"doubt\""));
    ASK(k, 200, HOLD, WORK, NULL); /* no way around it: the doubt stays … */
    SAYS(k, "\"doubt\":true");
    uint64_t before = k->next;
    ASK(k, 409, "POST /api/v1/links/chem/bypass", BYPASS, NULL); /* … and nothing passes beside it */
    SAYS(k, "\"code\":\"doubt\"");
    assert_int_equal(k->next, before);
    ASK(k, 403, HOLD, "{\"on\":false,\"reason\":\"controls are right again\"}", NULL); /* a session alone asks for nothing */
    ASK(k, 409, HOLD, GO_ON, NULL);
    SAYS(k, "\"code\":\"second-person\"");
    assert_non_null(strstr(k->last, "\"event\":\"request.refused\""));
    ASK(k, 409, HOLD, GO_ON, NULL); /* the same person twice is one */
    ASK(k, 200, "GET /api/v1/links", NULL, NULL);
    SAYS(k, "\"hold\":true,\"doubt\":true,\"go_on_asked_by\":\"lea\",\"go_on_until\":\"2026-");
    assert_string_equal(ordered, "HH");
    k->now.monotonic += INT64_C(15) * 60 * TIME_SECOND; /* too late */
    keeper_sign_in(k, "ian", "IT");
    ASK(k, 200, "GET /api/v1/links", NULL, NULL);
    SAYS(k, "\"go_on_asked_by\":null");
    ASK(k, 409, HOLD, GO_ON, NULL);
    keeper_sign_in(k, "lou", "lab manager");
    ASK(k, 200, HOLD, GO_ON, NULL);
    SAYS(k, "\"hold\":false,\"doubt\":false,\"go_on_asked_by\":null");
    assert_non_null(strstr(k->last, "\"person\":\"lou\""));
    assert_non_null(strstr(k->last, "controls are right again (ian asked for it first: controls are right again)"));
    assert_string_equal(ordered, "HHh");
    ASK(k, 200, HOLD, DOUBT, NULL);
    ASK(k, 409, HOLD, GO_ON, NULL); /* the wish is used up */
    assert_string_equal(ordered, "HHhH");
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_person_ends_a_hold_for_work),
        cmocka_unit_test(two_people_let_doubtful_results_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
