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

static bool is_evidence(void)
{
    static const uint8_t kind[LEDGER_SCOPE] = SCOPE_EVIDENCE;
    return choice.shared && choice.n > 0 && memcmp(choice.of[0], kind, sizeof kind) == 0;
}

static void packets_of(uint64_t flow)
{
    start(EVENT_EVIDENCE_PACKETS, flow);
    record_int(&record, KEY_EVIDENCE_FLOW, (int64_t)flow);
    choose();
    assert_true(is_evidence());
}

static void message_of(uint64_t flow, const char *patient, int64_t bytes)
{
    start(EVENT_LAB_MESSAGE, flow);
    record_int(&record, KEY_BYTES, bytes);
    record_str(&record, KEY_PATIENT, patient);
    choose();
}

/* Packets go with everybody whose messages passed in their conversations, and with their age. */
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
    assert_true(is_evidence() && choice.n == 4 && has("A") && has("B") && has("D") && !has("C"));
    start(EVENT_LAB_RESULT, 9 + 1024); /* a newer conversation in the same place */
    record_str(&record, KEY_PATIENT, "E");
    choose();
    packets_of(9);
    assert_true(choice.n == 1);
}

/* Of a long conversation: all whose messages can be in the newest packets, each once, and nobody of long before. */
static void packets_of_many(void **state)
{
    (void)state;
    char name[16];
    for (unsigned i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof name, "N%u", i);
        message_of(8, name, 1024);
        start(EVENT_LAB_RESULT, 8);
        record_str(&record, KEY_PATIENT, name);
        choose();
    }
    packets_of(8);
    assert_true(!choice.short_of && has("N2999") && has("N2232") && !has("N2200") && !has("N0"));
    assert_int_equal(choice.n, 1 + 769); /* 768 KiB of 1 KiB each, and the one at their beginning */
    message_of(8, "N0", 1024);           /* whoever comes again is lately there */
    packets_of(8);
    assert_true(has("N0"));
    message_of(8, "LONG", 10 << 20); /* its patients may stand in its last bytes */
    packets_of(8);
    assert_true(choice.n == 2 && has("LONG"));
    for (unsigned i = 0; i <= SCOPES_FLOW; i++) { /* more than are remembered: such packets are not to be kept, until they are past */
        (void)snprintf(name, sizeof name, "M%u", i);
        message_of(8, name, 1);
    }
    packets_of(8);
    assert_true(choice.short_of);
    message_of(8, "Z", RECORD_PACKETS + 1);
    packets_of(8);
    assert_true(!choice.short_of && choice.n == 2 && has("Z"));
}

/* However many patients a message names, each is told; of more than can be, nothing is to be kept. */
static void message_of_many(void **state)
{
    (void)state;
    static uint8_t more[RECORD_WHO];
    size_t n = 0;
    unsigned patients = 0;
    start(EVENT_LAB_MESSAGE, 5);
    record_int(&record, KEY_PATIENTS, 3000);
    record_str(&record, KEY_WHO, "ANN-1");
    record_str(&record, KEY_WHO, "BOB-2");
    for (; patients < 3000; patients++) {
        int size = snprintf((char *)more + n + 2, sizeof more - n - 2, "M%u", patients);
        more[n] = 0;
        more[n + 1] = (uint8_t)size;
        n += 2 + (size_t)size;
    }
    record_text(&record, KEY_WHO_MORE, span_of(more, n));
    choose();
    assert_true(choice.shared && !choice.short_of && has("ANN-1") && has("M0") && has("M2999"));
    assert_int_equal(choice.n, 3002);
    packets_of(5); /* too many for packets: they are known by 2,048 at most */
    assert_true(choice.short_of);
    start(EVENT_LAB_MESSAGE, 6);
    record_text(&record, KEY_WHO_MORE, span_of(more, n - 1)); /* cut */
    choose();
    assert_true(choice.shared && choice.short_of && choice.n == 0);
    start(EVENT_LAB_MESSAGE, 6);
    record_int(&record, KEY_PATIENTS, 9000);
    record_str(&record, KEY_WHO, "ANN-1");
    record_int(&record, KEY_WHO_LOST, 1);
    choose();
    assert_true(choice.shared && choice.short_of && choice.n == 0);
    packets_of(6);
    assert_true(choice.short_of);
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
    const struct CMUnitTest tests[] = {CASE(of_one),   CASE(of_several),      CASE(of_somebody_and_nobody),
                                       CASE(packets),  CASE(packets_of_many), CASE(message_of_many),
                                       CASE(findings), CASE(tokens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
