/* When the relay hands nothing on: in bursts, for a bounded time, and not of ordinary traffic. */
#include "../cmocka_all.h"

#include "proc/burst.h"

#define MESSAGE 10240u /* bytes of records of a message of 8 results */

static struct burst b;
static struct burst_facts f;
static tq_time now;

static int set_up(void **state)
{
    (void)state;
    b = (struct burst){0};
    f = (struct burst_facts){.calm = true, .records = true, .can = true};
    now = 1000 * TIME_SECOND;
    (void)burst_look(&b, &f, now);
    return 0;
}

/* So many messages a second come for so long; what comes in a burst is in the spool alone. Returns how long it was one. */
static tq_time send(unsigned a_second, tq_time seconds)
{
    tq_time in = 0;
    for (tq_time until = now + seconds; now < until;) {
        uint64_t bytes = (uint64_t)a_second * MESSAGE / 10;
        now += BURST_LOOK;
        b.bytes += bytes;
        if (b.is) {
            in += BURST_LOOK;
            f.left = true;
            f.spooled += bytes;
        }
        (void)burst_look(&b, &f, now);
    }
    return in;
}

/* The ledger has everything. */
static void caught_up(void)
{
    f.left = false;
    f.spooled = 0;
}

static void test_ordinary(void **state)
{
    (void)state;
    assert_int_equal(send(20, 60 * TIME_SECOND), 0);
    assert_int_equal(send(400, 60 * TIME_SECOND), 0);
    b.bytes += 300 * MESSAGE; /* a rack that is done */
    assert_int_equal(send(0, 2 * TIME_SECOND), 0);
    assert_int_equal(b.above, 0); /* and nothing is left of it */
}

static void test_begins_and_ends(void **state)
{
    (void)state;
    assert_int_equal(send(2000, 5 * TIME_SECOND) / TIME_MS, 4700); /* after 4 MiB above 4 MiB a second */
    assert_true(b.is);
    assert_int_equal(send(0, 5 * TIME_SECOND) / TIME_MS, 500);
    assert_false(b.is || b.spent || b.steady);
    caught_up();
    assert_int_equal(send(2000, 5 * TIME_SECOND) / TIME_MS, 4700); /* the next one is let be, too */
}

/* Ten seconds, then the ledger follows as long as much comes; a pause makes another burst possible. */
static void test_lasts(void **state)
{
    (void)state;
    assert_true(send(2000, 60 * TIME_SECOND) <= BURST_MOST);
    assert_true(b.spent && b.steady);
    caught_up();
    assert_int_equal(send(2000, 3600 * TIME_SECOND), 0);
    assert_false(b.spent);
    assert_int_equal(send(5, 9 * TIME_SECOND), 0);
    assert_int_equal(send(2000, 5 * TIME_SECOND), 0); /* the pause was too short */
    assert_int_equal(send(5, 11 * TIME_SECOND), 0);
    assert_true(send(2000, 60 * TIME_SECOND) > BURST_MOST / 2);
}

/* Bursts with short pauses, in which the ledger does not come to have everything, are let be for no longer than one. */
static void test_in_pieces(void **state)
{
    (void)state;
    tq_time in = 0;
    for (int i = 0; i < 60; i++)
        in += send(2000, 4 * TIME_SECOND) + send(0, TIME_SECOND);
    assert_true(in <= BURST_MOST);
}

/* More comes than the ledger takes: a reason also where much comes all the time. */
static void test_behind(void **state)
{
    (void)state;
    (void)send(2000, 60 * TIME_SECOND);
    caught_up();
    assert_int_equal(send(2000, TIME_SECOND), 0);
    f.behind = BURST_BEHIND;
    f.calm = false;
    assert_true(send(2000, TIME_SECOND) > 0);
}

static void test_not_where(void **state)
{
    (void)state;
    f.records = false; /* there is no ledger that could come behind */
    assert_int_equal(send(2000, 5 * TIME_SECOND), 0);
    f.records = true;
    f.can = false;
    assert_int_equal(send(2000, 5 * TIME_SECOND), 0);
    f.can = true;
    f.earlier = f.left = true;
    assert_int_equal(send(2000, 5 * TIME_SECOND), 0);
    f.earlier = f.left = false;
    f.spooled = BURST_BYTES;
    assert_int_equal(send(2000, 5 * TIME_SECOND), 0);
    f.spooled = BURST_BYTES - 100 * MESSAGE; /* it ends where the spool has no room */
    assert_true(send(2000, 5 * TIME_SECOND) < TIME_SECOND);
    assert_true(b.spent);
}

/* A look that comes late takes what came for what it is. */
static void test_late(void **state)
{
    (void)state;
    now += 60 * TIME_SECOND;
    b.bytes = 2 * BURST_LEAST;
    (void)burst_look(&b, &f, now);
    assert_true(b.is); /* they may all have come at once */
    (void)set_up(NULL);
    now += 60 * TIME_SECOND;
    b.bytes = BURST_LEAST;
    (void)burst_look(&b, &f, now);
    assert_false(b.is);
}

/* Hands on what it may, for so long, of so many messages a second; returns how many bytes. Each waits until it may. */
static uint64_t hand(unsigned a_second, tq_time time)
{
    uint64_t sent = 0;
    uint64_t came = 0;
    for (tq_time t = 0; t < time; t += TIME_MS) {
        now += TIME_MS;
        came += (uint64_t)a_second * MESSAGE / 1000;
        while (sent + MESSAGE <= came && burst_lets(&b, MESSAGE, now, now))
            sent += MESSAGE;
    }
    return sent;
}

/* What may be the beginning of a burst goes a little faster than what is ordinary; that goes at once, and what has waited long goes, too. */
static void test_lets(void **state)
{
    (void)state;
    assert_true(hand(400, 10 * TIME_SECOND) >= 400u * 10 * MESSAGE - 2 * MESSAGE);
    uint64_t most = BURST_HANDS_AT_ONCE + BURST_HANDS * 3 / 10;
    uint64_t handed = hand(2000, 300 * TIME_MS);
    assert_true(handed <= most && handed >= most - 2 * MESSAGE);
    assert_false(burst_lets(&b, MESSAGE, now - BURST_DOUBT / 2, now));
    assert_true(burst_lets(&b, MESSAGE, now - BURST_DOUBT, now));
    now += TIME_SECOND;
    assert_true(burst_lets(&b, 2 * BURST_HANDS_AT_ONCE, now, now)); /* one that is larger than that */
    assert_false(burst_lets(&b, MESSAGE, now, now));
    b.steady = true; /* the ledger follows */
    assert_true(burst_lets(&b, 100 * BURST_HANDS_AT_ONCE, now, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_ordinary, set_up), cmocka_unit_test_setup(test_begins_and_ends, set_up),
                                       cmocka_unit_test_setup(test_lasts, set_up),    cmocka_unit_test_setup(test_in_pieces, set_up),
                                       cmocka_unit_test_setup(test_behind, set_up),   cmocka_unit_test_setup(test_not_where, set_up),
                                       cmocka_unit_test_setup(test_late, set_up),     cmocka_unit_test_setup(test_lets, set_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
