/* Whose a record is: one patient's, several's, somebody's, nobody's; and what a finding keeps. */
#include "proc/scopes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key[VEIL_KEY] = {7};
static struct veil *veil;
static struct scopes *scopes;
static struct scope_choice choice;
static struct record record;

static int setup(void **state)
{
    (void)state;
    struct error e = {0};
    veil = veil_new(key, false, &e);
    scopes = scopes_new();
    return veil == NULL || scopes == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    veil_free(veil);
    scopes_free(scopes);
    return 0;
}

static void start(enum event event, uint64_t flow)
{
    record_start(&record, event, 1, &(struct flow_ref){.id = flow, .proto = 6});
}

static bool has(const char *patient)
{
    uint8_t scope[VEIL_SCOPE];
    veil_scope(veil, span_str(patient), scope);
    for (size_t i = 0; i < choice.n; i++)
        if (memcmp(choice.of[i], scope, sizeof scope) == 0)
            return true;
    return false;
}

static void choose(void)
{
    scopes_choose(scopes, veil, &record, &choice);
}

static void of_one(void **state)
{
    (void)state;
    static const enum event events[] = {EVENT_LAB_MESSAGE, EVENT_LAB_RESULT, EVENT_LAB_ORDER};
    for (size_t i = 0; i < 3; i++) {
        start(events[i], 5);
        record_str(&record, KEY_PATIENT, "ANN-1 ");
        choose();
        assert_true(!choice.shared && choice.n == 1 && has("ANN-1"));
    }
}

static void of_several(void **state)
{
    (void)state;
    start(EVENT_LAB_MESSAGE, 5);
    record_int(&record, KEY_PATIENTS, 3);
    record_str(&record, KEY_WHO, "ANN-1");
    record_str(&record, KEY_WHO, "BOB-2");
    record_str(&record, KEY_WHO, "ANN-1");
    choose();
    assert_true(choice.shared && choice.n == 2 && has("ANN-1") && has("BOB-2"));
    start(EVENT_LAB_MESSAGE, 5);
    record_str(&record, KEY_PATIENT, "ANN-1");
    record_str(&record, KEY_PRIOR_PATIENT, "ANN-0");
    choose();
    assert_true(choice.shared && choice.n == 2 && has("ANN-0"));
}

static void of_somebody_and_nobody(void **state)
{
    (void)state;
    start(EVENT_LAB_MESSAGE, 5);
    record_int(&record, KEY_PATIENTS, 1);
    choose();
    assert_true(choice.shared && choice.n == 0);
    start(EVENT_LAB_MESSAGE, 5);
    record_int(&record, KEY_PATIENTS, 0);
    choose();
    assert_true(!choice.shared && choice.n == 0);
    start(EVENT_FINDING, 5);
    record_str(&record, KEY_PATIENT, "ANN-1");
    choose();
    assert_true(!choice.shared && choice.n == 0);
}

/* Packets go with everybody whose messages passed in their conversations. */
static void packets(void **state)
{
    (void)state;
    static const char *const names[] = {"A", "B", "C"};
    for (size_t i = 0; i < 3; i++) {
        start(EVENT_LAB_RESULT, i == 2 ? 9 : 8);
        record_str(&record, KEY_PATIENT, names[i]);
        choose();
    }
    start(EVENT_EVIDENCE_PACKETS, 8);
    record_int(&record, KEY_EVIDENCE_FLOW, 8);
    record_int(&record, KEY_EVIDENCE_FLOW, 77);
    record_str(&record, KEY_PATIENT, "D");
    choose();
    assert_true(choice.shared && choice.n == 3 && has("A") && has("B") && has("D") && !has("C"));
    for (unsigned i = 0; i < 70; i++) { /* more than are remembered of one conversation */
        char name[8];
        (void)snprintf(name, sizeof name, "N%u", i);
        start(EVENT_LAB_RESULT, 9);
        record_str(&record, KEY_PATIENT, name);
        choose();
    }
    start(EVENT_EVIDENCE_PACKETS, 9);
    record_int(&record, KEY_EVIDENCE_FLOW, 9);
    choose();
    assert_true(choice.shared && choice.n == 64 && has("C") && has("N62") && !has("N63"));
    start(EVENT_LAB_RESULT, 9 + 1024); /* a newer conversation in the same place */
    record_str(&record, KEY_PATIENT, "E");
    choose();
    start(EVENT_EVIDENCE_PACKETS, 9);
    record_int(&record, KEY_EVIDENCE_FLOW, 9);
    choose();
    assert_true(choice.shared && choice.n == 0);
}

static void findings(void **state)
{
    (void)state;
    start(EVENT_FINDING, 8);
    record_int(&record, KEY_EVIDENCE_FLOW, 8);
    assert_false(scopes_bare(scopes, &record));
    start(EVENT_LAB_RESULT, 8);
    record_str(&record, KEY_PATIENT, "A");
    choose();
    assert_false(scopes_bare(scopes, &record));
    start(EVENT_FINDING, 8);
    assert_true(scopes_bare(scopes, &record));
    start(EVENT_FINDING, 0);
    record_int(&record, KEY_EVIDENCE_FLOW, 8);
    assert_true(scopes_bare(scopes, &record));
    start(EVENT_FINDING, 7);
    record_str(&record, KEY_PATIENT, "A");
    assert_true(scopes_bare(scopes, &record));
}

/* The token is the beginning of the scope, so that who has the token can name whose keys go. */
static void tokens(void **state)
{
    (void)state;
    struct buf json = BUF_INIT(65536);
    uint8_t scope[VEIL_SCOPE];
    uint8_t bytes[VEIL_TOKEN_BYTES];
    start(EVENT_LAB_RESULT, 8);
    record_str(&record, KEY_PATIENT, "ANN-1");
    veil_json(veil, &json, &record);
    const char *at = strstr(buf_text(&json), "\"patient\":\"");
    assert_non_null(at);
    struct span token = span_of(at + 11, 18);
    assert_true(veil_token_bytes(token, bytes));
    veil_scope(veil, SPAN_LIT("ANN-1"), scope);
    assert_memory_equal(bytes, scope, sizeof bytes);
    static const char *const wrong[] = {
        "", "P-", "S-aaaaaaaaaaaaaaaa", "P-aaaaaaaaaaaaaaa", "P-aaaaaaaaaaaaaaaaa", "P-aaaaaaaaaaaaaaa1", "P-aaaaaaaaaaaaaaaA"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(veil_token_bytes(span_str(wrong[i]), bytes));
    buf_release(&json);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {CASE(of_one), CASE(of_several), CASE(of_somebody_and_nobody), CASE(packets), CASE(findings), CASE(tokens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
