/* The appender against a real ledger: what is taken, what is passed over, what is durable when. */
#include "../cmocka_all.h"

#include "proc/appender.h"
#include "proc/clock.h"
#include "proc/link.h"
#include "record/ledger/inside.h"
#include "record/ledger/keys.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ledger *ledger;
static struct veil *veil;
static const uint8_t run_id[RUN_ID] = {42};
static struct record scratch;

static void nothing(void *context)
{
    (void)context;
}

static struct appender *start(struct position custody, struct position observation)
{
    struct error e = {0};
    struct appender_options o = {.ledger = ledger,
                                 .ledger_lock = &the_lock,
                                 .veil = veil,
                                 .custody = custody,
                                 .observation = observation,
                                 .replay = true,
                                 .committed = nothing};
    memcpy(o.run, run_id, RUN_ID);
    struct appender *a = appender_start(&o, &e);
    assert_non_null(a);
    return a;
}

static int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    static const uint8_t key[VEIL_KEY] = {7};
    char dir[96];
    char key_file[96];
    (void)snprintf(folder, sizeof folder, "/tmp/tourniquet-appender-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    (void)snprintf(key_file, sizeof key_file, "%s/root.key", folder);
    struct ledger_options options = {.dir = dir, .key_file = key_file, .origin = "tourniquet.local/test", .create = true};
    ledger = ledger_open(&options, NULL, &e);
    veil = veil_new(key, false, &e);
    return ledger == NULL || veil == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    ledger_close(ledger);
    veil_free(veil);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(struct appender *a, enum event event, uint64_t seq, uint32_t ordinal)
{
    struct error e = {0};
    struct buf b = BUF_INIT(RECORD_ENCODED);
    record_start(&scratch, event, 1000, NULL);
    record_str(&scratch, event == EVENT_LAB_MESSAGE ? KEY_MESSAGE_ID : KEY_SOURCE, "x");
    record_encode(&b, &scratch);
    assert_int_equal(appender_put(a, (struct position){seq, ordinal}, buf_span(&b), &e), 0);
    buf_release(&b);
}

/* Every record on the ledger as "custody 3.0 " or "observation 4.0+5.0 ". */
static void read_back(struct buf *out)
{
    static struct payload p;
    struct error e = {0};
    struct ledger_reader *r = ledger_reader_new(ledger, 0, &e);
    struct ledger_record leaf;
    assert_non_null(r);
    int got;
    while ((got = ledger_reader_next(r, &leaf, &e)) == 1) {
        assert_int_equal(payload_decode(leaf.payload, &p, &e), 0);
        assert_memory_equal(p.run, run_id, RUN_ID);
        buf_add_str(out, leaf.stream == LEDGER_CUSTODY ? "C" : "O");
        for (size_t i = 0; i < p.n; i++)
            buf_addf(out, "%s%llu.%u", i == 0 ? "" : "+", (unsigned long long)p.records[i].position.seq, p.records[i].position.ordinal);
        buf_add_str(out, " ");
    }
    assert_int_equal(got, 0);
    ledger_reader_free(r);
}

static void wait_ended(struct appender *a)
{
    while (!appender_progress(a).ended)
        (void)usleep(1000);
}

static void test_each_once(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf got = BUF_INIT(65536);
    struct appender *a = start((struct position){0}, (struct position){0});
    put(a, EVENT_FLOW_CLOSED, 1, 0);
    put(a, EVENT_LAB_MESSAGE, 2, 0);
    put(a, EVENT_FINDING, 2, 1);
    put(a, EVENT_FINDING, 2, 2);
    put(a, EVENT_FLOW_CLOSED, 3, 0);
    put(a, EVENT_FLOW_CLOSED, 1, 0); /* the capture is read again … */
    put(a, EVENT_LAB_MESSAGE, 2, 0);
    put(a, EVENT_FINDING, 2, 1);
    put(a, EVENT_FINDING, 2, 2);
    put(a, EVENT_FLOW_CLOSED, 3, 0);
    put(a, EVENT_LAB_MESSAGE, 4, 0); /* … and goes on */
    appender_end(a);
    wait_ended(a);
    struct progress p = appender_progress(a);
    assert_int_equal(p.records, 6);
    assert_int_equal(p.messages, 2);
    assert_int_equal(p.findings, 2);
    assert_int_equal(p.ledger, 5);
    assert_int_equal(appender_stop(a, &e), 0);
    read_back(&got);
    assert_string_equal(buf_text(&got), "C2.0 C2.1 C2.2 C4.0 O1.0+3.0 ");
    buf_release(&got);
}

static void put_packets(struct appender *a, uint64_t seq, uint32_t ordinal)
{
    struct error e = {0};
    struct buf b = BUF_INIT(RECORD_ENCODED);
    record_start(&scratch, EVENT_EVIDENCE_PACKETS, 1000, NULL);
    record_str(&scratch, KEY_KIND, "result.altered");
    record_str(&scratch, KEY_CAUSE, "a cause");
    record_int(&scratch, KEY_BODY_BYTES, 3);
    record_body(&scratch, SPAN_LIT("abc"));
    record_encode(&b, &scratch);
    assert_int_equal(appender_put_evidence(a, (struct position){seq, ordinal}, buf_span(&b), &e), 0);
    buf_release(&b);
}

/* The packets of a finding come once, however often the capture is read; they count as no record of it, and say their digest. */
static void test_evidence_once(void **state)
{
    (void)state;
    static struct payload p;
    struct error e = {0};
    struct buf got = BUF_INIT(65536);
    struct appender *a = start((struct position){0}, (struct position){0});
    for (int again = 0; again < 2; again++) {
        put(a, EVENT_LAB_MESSAGE, 1, 0);
        put(a, EVENT_FINDING, 1, 1);
        put_packets(a, 1, 1);
        put(a, EVENT_FINDING, 1, 2);
        put_packets(a, 1, 2);
    }
    appender_end(a);
    wait_ended(a);
    assert_int_equal(appender_progress(a).records, 3);
    assert_int_equal(appender_stop(a, &e), 0);
    read_back(&got);
    assert_string_equal(buf_text(&got), "C1.0 C1.1 C1.1 C1.2 C1.2 ");
    buf_release(&got);
    struct ledger_reader *r = ledger_reader_new(ledger, 2, &e);
    struct ledger_record leaf;
    assert_int_equal(ledger_reader_next(r, &leaf, &e), 1);
    assert_int_equal(payload_decode(leaf.payload, &p, &e), 0);
    assert_true(span_is(p.records[0].body.bytes, "abc") && p.records[0].body.whole == 3 && p.records[0].private.n == 0);
    static const char sum[] = "\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";
    assert_non_null(memmem(p.records[0].veiled.p, p.records[0].veiled.n, sum, sizeof sum - 1));
    assert_null(memmem(p.records[0].veiled.p, p.records[0].veiled.n, "abc", 3));
    assert_null(memmem(p.records[0].veiled.p, p.records[0].veiled.n, "a cause", 7));
    ledger_reader_free(r);
}

/* After a crash the custody stream may be ahead of the observations: each goes on from its own place. */
/* A message with a body; about two patients, or about more than can be told. */
static void put_message(struct appender *a, uint64_t seq, bool lost)
{
    struct error e = {0};
    struct buf b = BUF_INIT(RECORD_ENCODED);
    record_start(&scratch, EVENT_LAB_MESSAGE, 1000, NULL);
    record_str(&scratch, KEY_MESSAGE_ID, "x");
    record_str(&scratch, KEY_WHO, "HIDDEN-1");
    record_str(&scratch, KEY_WHO, "HIDDEN-2");
    if (lost)
        record_int(&scratch, KEY_WHO_LOST, 1);
    record_body(&scratch, SPAN_LIT("PID HIDDEN-1"));
    record_encode(&b, &scratch);
    assert_int_equal(appender_put(a, (struct position){seq, 0}, buf_span(&b), &e), 0);
    buf_release(&b);
}

/* What could not be erased is not kept: of a message with too many patients, and where room for keys is short, neither bytes nor clear fields. */
static void test_what_no_key_would_erase(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_record leaf;
    struct ledger_keys keys;
    ledger_ring(ledger)->most = 64; /* 60 are much */
    struct appender *a = start((struct position){0}, (struct position){0});
    put_message(a, 1, true);
    for (uint64_t seq = 2; seq < 34; seq++)
        put_message(a, seq, false);
    put_packets(a, 33, 1);
    appender_end(a);
    wait_ended(a);
    assert_int_equal(appender_stop(a, &e), 0);
    ledger_keys(ledger, &keys);
    assert_int_equal(keys.period_keys, 1 + 2 * 30 + 1); /* of nobody that is known; two patients' of 30; and the month's */
    struct ledger_reader *r = ledger_reader_new(ledger, 0, &e);
    for (unsigned i = 0; i < 33; i++) {
        assert_int_equal(ledger_reader_next(r, &leaf, &e), 1);
        assert_int_equal(memmem(leaf.payload.p, leaf.payload.n, "HIDDEN", 6) != NULL, i >= 1 && i <= 30);
        assert_non_null(memmem(leaf.payload.p, leaf.payload.n, "lab.message", 11));
    }
    assert_int_equal(ledger_reader_next(r, &leaf, &e), 0); /* and no packets */
    ledger_reader_free(r);
}

/* A relay's record of this number; position 0: out of the relay's spool. */
static void put_numbered(struct appender *a, uint64_t number, uint64_t position)
{
    struct error e = {0};
    char text[LINK_SEQ_TEXT];
    struct buf b = BUF_INIT(RECORD_ENCODED);
    link_seq_write(text, run_id, number);
    record_start(&scratch, EVENT_LAB_MESSAGE, 1000, NULL);
    record_str(&scratch, KEY_MESSAGE_ID, "x");
    record_str(&scratch, KEY_LINK_SEQ, text);
    record_encode(&b, &scratch);
    if (position == 0)
        assert_int_equal(appender_put_link(a, buf_span(&b), &e), 0);
    else
        assert_int_equal(appender_put(a, (struct position){position, 0}, buf_span(&b), &e), 0);
    buf_release(&b);
}

/* A killed relay's records come through the pipeline still while its spool is read in: each is taken once, whichever way is the faster. */
static void test_two_ways(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf got = BUF_INIT(65536);
    struct appender *a = start((struct position){0}, (struct position){0});
    put_numbered(a, 1, 1);
    put_numbered(a, 2, 2);
    put_numbered(a, 2, 0);
    put_numbered(a, 3, 0);
    put_numbered(a, 3, 3);
    put_numbered(a, 4, 4);
    put_numbered(a, 5, 0); /* it came by no other way */
    put_numbered(a, 9, 5);
    put_numbered(a, 7, 0);
    put_numbered(a, 7, 0);
    assert_int_equal(appender_stop(a, &e), 0);
    read_back(&got);
    assert_string_equal(buf_text(&got), "C1.0 C2.0 C0.0 C4.0 C0.0 C5.0 C0.0 ");
    buf_release(&got);
}

static void test_streams_go_on_apart(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf got = BUF_INIT(65536);
    struct appender *a = start((struct position){4, 1}, (struct position){1, 0});
    put(a, EVENT_FLOW_CLOSED, 1, 0);
    put(a, EVENT_FLOW_CLOSED, 2, 0);
    put(a, EVENT_LAB_MESSAGE, 4, 0);
    put(a, EVENT_FINDING, 4, 1);
    put(a, EVENT_FINDING, 4, 2);
    appender_end(a);
    wait_ended(a);
    assert_int_equal(appender_stop(a, &e), 0);
    read_back(&got);
    assert_string_equal(buf_text(&got), "C4.2 O2.0 ");
    buf_release(&got);
}

static void test_leaves_are_bounded(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf got = BUF_INIT(65536);
    struct appender *a = start((struct position){0}, (struct position){0});
    for (uint64_t i = 1; i <= PAYLOAD_RECORDS + 1; i++)
        put(a, EVENT_FLOW_CLOSED, i, 0);
    appender_end(a);
    wait_ended(a);
    assert_int_equal(appender_progress(a).ledger, 2);
    assert_int_equal(appender_progress(a).records, PAYLOAD_RECORDS + 1);
    assert_int_equal(appender_stop(a, &e), 0);
    buf_release(&got);
}

static void test_a_decision_is_durable_when_told(void **state)
{
    (void)state;
    struct error e = {0};
    uint64_t index = 99;
    struct appender *a = start((struct position){0}, (struct position){0});
    record_start(&scratch, EVENT_FINDING_TAKEN, clock_now(), NULL);
    record_str(&scratch, KEY_FINDING, "f");
    assert_int_equal(appender_decide(a, &scratch, &index, &e), 0);
    assert_int_equal(index, 0);
    (void)pthread_mutex_lock(&the_lock);
    assert_int_equal(ledger_size(ledger), 1);
    (void)pthread_mutex_unlock(&the_lock);
    assert_int_equal(appender_decide(a, &scratch, &index, &e), 0);
    assert_int_equal(index, 1);
    assert_int_equal(appender_stop(a, &e), 0);
}

/* Nobody waits, and nothing more comes: durable within a second and a bit all the same. The time is told by how often it was looked: on a machine
 * that is busy with other things the appender comes late, and so do the looks. */
static void test_group_commit(void **state)
{
    (void)state;
    struct error e = {0};
    struct appender *a = start((struct position){0}, (struct position){0});
    put(a, EVENT_LAB_MESSAGE, 1, 0);
    put(a, EVENT_FLOW_CLOSED, 2, 0);
    for (int looks = 0; looks < 300 && appender_progress(a).ledger < 2; looks++)
        (void)usleep(10000);
    assert_int_equal(appender_progress(a).ledger, 2);
    assert_int_equal(appender_stop(a, &e), 0);
}

static void test_streams(void **state)
{
    (void)state;
    assert_int_equal(appender_stream(EVENT_LAB_RESULT), LEDGER_CUSTODY);
    assert_int_equal(appender_stream(EVENT_ACCOUNT_CREATED), LEDGER_CUSTODY);
    assert_int_equal(appender_stream(EVENT_FLOW_CLOSED), LEDGER_OBSERVATION);
    assert_int_equal(appender_stream(EVENT_ASSET_EVIDENCE), LEDGER_OBSERVATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_evidence_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_no_key_would_erase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_streams_go_on_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leaves_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_decision_is_durable_when_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_group_commit, set_up, tear_down),
        cmocka_unit_test(test_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
