/* What a detector, or a sensor behind it, may say to the keeper. */
#include "../cmocka_all.h"

#include "proc/intake.h"

static struct record record;
static struct position last;

static int take(enum event event, uint64_t seq, uint32_t ordinal, bool evidence, struct error *e)
{
    struct buf b = BUF_INIT(RECORD_ENCODED);
    struct position p;
    struct span encoded;
    buf_be64(&b, seq);
    buf_be32(&b, ordinal);
    record_start(&record, event, 1000, NULL);
    record_str(&record, KEY_ACCOUNT, "mallory");
    record_encode(&b, &record);
    assert_true(buf_ok(&b));
    int rc = evidence ? intake_evidence(buf_span(&b), last, &p, &encoded, e) : intake_record(buf_span(&b), &last, &p, &encoded, e);
    if (rc == 0) {
        assert_int_equal(p.seq, seq);
        assert_int_equal(p.ordinal, ordinal);
        assert_int_equal(encoded.n, b.n - 12);
    }
    buf_release(&b);
    return rc;
}

/* Accounts, decisions, what the keeper does: every event that is not the pipeline's is refused, and is the sender's fault. */
static void test_each_event(void **state)
{
    (void)state;
    unsigned taken = 0;
    last = (struct position){0};
    for (enum event event = EVENT_NONE + 1; event < EVENT_COUNT; event++) {
        struct error e = {0};
        bool may = event_maker(event) != MAKER_KEEPER && event != EVENT_EVIDENCE_PACKETS;
        assert_int_equal(take(event, (uint64_t)event, 0, false, &e), may ? 0 : -1);
        if (!may)
            assert_int_equal(e.class, ERR_PEER);
        taken += may;
        assert_int_equal(take(event, 1, 1, true, &(struct error){0}), event == EVENT_EVIDENCE_PACKETS && taken > 1 ? 0 : -1);
    }
    assert_in_range(taken, 12, EVENT_COUNT / 2);
    const enum event never[] = {EVENT_ACCOUNT_CREATED, EVENT_KEYS_ERASED,   EVENT_RETENTION_REMOVED,
                                EVENT_PHI_LOOK,        EVENT_FINDING_ENDED, EVENT_FINDING_DISMISSED};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        assert_int_equal(event_maker(never[i]), MAKER_KEEPER);
}

static void test_order(void **state)
{
    (void)state;
    struct error e = {0};
    last = (struct position){0};
    assert_int_equal(take(EVENT_LAB_MESSAGE, 0, 0, false, &e), -1);
    assert_int_equal(take(EVENT_LAB_MESSAGE, 1, 0, false, &e), 0);
    assert_int_equal(take(EVENT_FINDING, 1, 1, false, &e), 0);
    assert_int_equal(take(EVENT_FINDING, 1, 1, false, &e), -1);
    assert_int_equal(take(EVENT_EVIDENCE_PACKETS, 1, 1, true, &e), 0);
    assert_int_equal(take(EVENT_EVIDENCE_PACKETS, 1, 2, true, &e), -1); /* of no finding yet */
    assert_int_equal(take(EVENT_EVIDENCE_PACKETS, 1, 0, true, &e), -1);
    assert_int_equal(e.class, ERR_PEER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_event), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
