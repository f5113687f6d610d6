/* What is done with the ledger's keys: by whom, and not by a session alone. */
#include "../cmocka_all.h"

#include "door/api/api_private.h"

#include "keeper.h"

#define PASSWORD "\"password\":\"" KEEPER_PASSWORD "\""
#define WHY "\"why\":\"the patient asked for it\""

static struct keeper *officer(void)
{
    struct keeper *k = keeper_new();
    keeper_feed(k, T "\"run.started\"}");
    assert_int_equal(keeper_set_up(k), 201);
    keeper_sign_in(k, "pia", "privacy officer");
    return k;
}

#define DID(k, what)                                                                                                                                 \
    do {                                                                                                                                             \
        assert_string_equal((k)->keys_did, what);                                                                                                    \
        (k)->keys_did[0] = 0;                                                                                                                        \
    } while (0)

static const struct {
    const char *what;
    const char *body;
    const char *with; /* the password */
    const char *did;
} changes[] = {
    {"POST /api/v1/keys/erase", "{\"token\":\"P-ABCDEFGHABCDEFGH\"," WHY "}", "{\"token\":\"P-ABCDEFGHABCDEFGH\"," WHY "," PASSWORD "}",
     "erased by record "},
    {"POST /api/v1/keys/rotate", "{" WHY "}", "{" WHY "," PASSWORD "}", "rotated to  of 0"},
    {"POST /api/v1/keys/recovery", "{}", "{" PASSWORD "}", "recovery made"},
};

/* Each needs the password again: a session that somebody took does nothing. The refusal is a record, and so is what is done. */
static void the_password_again(void **state)
{
    (void)state;
    struct keeper *k = officer();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        k->now.monotonic += 600 * TIME_SECOND;
        ASK(k, 403, changes[i].what, changes[i].body, NULL);
        SAYS(k, "password");
        DID(k, "");
        assert_non_null(strstr(k->last, "\"event\":\"request.refused\""));
        assert_null(strstr(keeper_text(k), "opens everything"));
        char wrong[256];
        (void)snprintf(wrong, sizeof wrong, "%.*s%s\"password\":\"not at all this one\"}", (int)strlen(changes[i].body) - 1, changes[i].body,
                       strlen(changes[i].body) > 2 ? "," : "");
        ASK(k, 403, changes[i].what, wrong, NULL);
        DID(k, "");
        k->now.monotonic += 600 * TIME_SECOND;
        if (i == 0) { /* this one wants another person, too */
            ASK(k, 409, changes[i].what, changes[i].with, NULL);
            DID(k, "");
            keeper_sign_in(k, "pat", "privacy officer");
        }
        ASK(k, 200, changes[i].what, changes[i].with, NULL);
        assert_memory_equal(k->keys_did, changes[i].did, strlen(changes[i].did));
        k->keys_did[0] = 0;
        assert_non_null(strstr(k->last, "\"event\":\"keys."));
        assert_null(strstr(k->last, KEEPER_PASSWORD));
    }
    SAYS(k, "the one that opens everything");
    assert_true(k->reply.hidden);
    keeper_free(k);
}

/* What is destroyed stays destroyed: two people, each signed in, the same patient and months, within a quarter of an hour. */
static void two_people_erase(void **state)
{
    (void)state;
    static const char *const what = "POST /api/v1/keys/erase";
    static const char *const wish = "{\"patient\":\"7\",\"from\":\"2026-01\"," WHY "," PASSWORD "}";
    struct keeper *k = officer();
    ASK(k, 409, what, wish, NULL);
    SAYS(k, "\"code\":\"second-person\"");
    assert_non_null(strstr(k->last, "\"event\":\"request.refused\""));
    assert_non_null(strstr(k->last, "second-person"));
    ASK(k, 409, what, wish, NULL); /* the same person twice is one */
    DID(k, "");
    keeper_sign_in(k, "pat", "privacy officer");
    ASK(k, 409, what, "{\"patient\":\"7\",\"from\":\"2026-02\"," WHY "," PASSWORD "}", NULL); /* other months are another wish */
    ASK(k, 409, what, "{\"token\":\"P-ABCDEFGHABCDEFGH\",\"from\":\"2026-01\"," WHY "," PASSWORD "}", NULL);
    DID(k, "");
    k->now.monotonic += INT64_C(15) * 60 * TIME_SECOND; /* too late */
    ASK(k, 409, what, wish, NULL);
    DID(k, "");
    keeper_sign_in(k, "pim", "privacy officer");
    ASK(k, 200, what, wish, NULL);
    assert_memory_equal(k->keys_did, "erased by record ", 17);
    k->keys_did[0] = 0;
    assert_non_null(strstr(k->last, "\"event\":\"keys.erased\""));
    assert_non_null(strstr(k->last, "\"person\":\"pim\""));
    assert_non_null(strstr(k->last, "the patient asked for it (pat asked for it first: the patient asked for it)"));
    ASK(k, 409, what, wish, NULL); /* the wish is used up */
    DID(k, "");
    keeper_free(k);
}

static void only_who_may(void **state)
{
    (void)state;
    struct keeper *k = officer();
    keeper_sign_in(k, "sam", "lab manager");
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        ASK(k, 403, changes[i].what, changes[i].with, NULL);
        DID(k, "");
    }
    ASK(k, 200, "GET /api/v1/keys", NULL, NULL);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) /* whoever is at the machine's own socket has its keys anyway */
        assert_int_equal(keeper_ask_local(k, changes[i].what, changes[i].body, NULL), 200);
    keeper_free(k);
}

/* A passphrase that is guessed first protects nobody, also when it is set later. */
static void a_weak_passphrase(void **state)
{
    (void)state;
    struct keeper *k = officer();
    static const char *const weak[] = {"a", "passphrase", "tourniquet 2026", "main-street main-street", "passwordpassword"};
    char body[256];
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        (void)snprintf(body, sizeof body, "{\"source\":\"passphrase\",\"passphrase\":\"%s\"," WHY "," PASSWORD "}", weak[i]);
        ASK(k, 422, "POST /api/v1/keys/rotate", body, NULL);
        SAYS(k, "weak-passphrase");
        DID(k, "");
        assert_int_equal(keeper_ask_local(k, "POST /api/v1/keys/rotate", body, NULL), 422);
    }
    ASK(k, 200, "POST /api/v1/keys/rotate", "{\"source\":\"passphrase\",\"passphrase\":\"candle orbit walnut 41 ferry\"," WHY "," PASSWORD "}", NULL);
    DID(k, "rotated to passphrase of 28");
    keeper_free(k);
}

static void what_is_asked_wrongly(void **state)
{
    (void)state;
    struct keeper *k = officer();
    ASK(k, 422, "POST /api/v1/keys/erase", "{" WHY "," PASSWORD "}", NULL);
    ASK(k, 422, "POST /api/v1/keys/erase", "{\"token\":\"P-A\",\"patient\":\"7\"," WHY "," PASSWORD "}", NULL);
    ASK(k, 422, "POST /api/v1/keys/erase", "{\"patient\":\"7\",\"why\":\"\"," PASSWORD "}", NULL);
    ASK(k, 422, "POST /api/v1/keys/erase", "{\"patient\":\"7\",\"from\":\"2026-13\"," WHY "," PASSWORD "}", NULL);
    ASK(k, 404, "POST /api/v1/keys/erase", "{\"patient\":\"8\"," WHY "," PASSWORD "}", NULL);
    ASK(k, 422, "POST /api/v1/keys/rotate", "{\"why\":\"\"," PASSWORD "}", NULL);
    ASK(k, 422, "POST /api/v1/keys/recovery/test", "{\"recovery_key\":\"\"}", NULL);
    DID(k, "");
    ASK(k, 409, "POST /api/v1/keys/erase", "{\"patient\":\"7\"," WHY "," PASSWORD "}", NULL);
    keeper_sign_in(k, "pat", "privacy officer");
    k->broken = true; /* what cannot be recorded is not done */
    ASK(k, 503, "POST /api/v1/keys/erase", "{\"patient\":\"7\"," WHY "," PASSWORD "}", NULL);
    DID(k, "");
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_password_again), cmocka_unit_test(two_people_erase), cmocka_unit_test(only_who_may),
                                       cmocka_unit_test(a_weak_passphrase), cmocka_unit_test(what_is_asked_wrongly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
