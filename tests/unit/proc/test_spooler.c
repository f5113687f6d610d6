/* The relay's spool as it is written: what is durable can be read back by the keeper, and is forgotten only where the ledger has all of it. */
#include "../cmocka_all.h"

#include "proc/locked.h"
#include "proc/spooler.h"
#include "record/spool/spool.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static int fd = -1;
static int seen = -1; /* the same file, for looking at it: the thread changes the flags of its own */
static struct spooler *s;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static unsigned turns;
static bool held; /* the thread stays where it woke us */
static const uint8_t secret[X25519_KEY] = {7};

static void wake(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&lock);
    turns++;
    (void)pthread_cond_broadcast(&turned);
    while (held)
        (void)pthread_cond_wait(&turned, &lock);
    (void)pthread_mutex_unlock(&lock);
}

/* Waits for the thread, turn by turn, until it is so. */
#define AWAIT(condition)                                                                                                                             \
    do {                                                                                                                                             \
        (void)pthread_mutex_lock(&lock);                                                                                                             \
        unsigned before = turns;                                                                                                                     \
        while (!(condition)) {                                                                                                                       \
            while (turns == before)                                                                                                                  \
                (void)pthread_cond_wait(&turned, &lock);                                                                                             \
            before = turns;                                                                                                                          \
        }                                                                                                                                            \
        (void)pthread_mutex_unlock(&lock);                                                                                                           \
    } while (false)

static int set_up(void **state)
{
    (void)state;
    static const uint8_t run[RUN_ID] = {1};
    uint8_t public[X25519_KEY];
    struct error e = {0};
    (void)snprintf(path, sizeof path, "/tmp/tourniquet-spooler-XXXXXX");
    fd = mkstemp(path);
    seen = open(path, O_RDONLY | O_CLOEXEC);
    crypto_x25519_public(secret, public);
    s = seen < 0 ? NULL : spooler_new(fd, run, wake, NULL, &e);
    if (s == NULL)
        return -1;
    spooler_key(s, span_of(public, sizeof public), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)close(fd);
    (void)close(seen);
    (void)unlink(path);
    return 0;
}

static void put(uint64_t seq)
{
    char text[32];
    (void)snprintf(text, sizeof text, "record %llu", (unsigned long long)seq);
    assert_true(spooler_put(s, seq, span_str(text)));
}

static uint64_t kept(void)
{
    struct spooler_state st;
    spooler_state(s, &st);
    return st.bytes;
}

/* Nothing of what was written can be found in the file. */
static bool is_blank(void)
{
    static const uint8_t zeros[4096];
    uint8_t bytes[4096];
    ssize_t n = 1;
    for (off_t at = 0; n > 0; at += n)
        if ((n = pread(seen, bytes, sizeof bytes, at)) > 0 && memcmp(bytes, zeros, (size_t)n) != 0)
            return false;
    return n == 0;
}

/* Numbers of the records that whoever has the secret reads from this byte on, joined. */
static void read_from(uint64_t at, char *out, size_t room)
{
    struct error e = {0};
    struct spool_reader *r = spool_reader_new(seen, secret, &e);
    struct spool_record got;
    size_t n = 0;
    assert_non_null(r);
    spool_reader_start(r, at);
    out[0] = 0;
    while (spool_reader_next(r, &got, &e) == 1) {
        struct span frame = got.record;
        assert_int_equal(span_u8(&frame), SPOOLED_RECORDS);
        while (frame.n > 0) {
            struct span one = span_take(&frame, span_be32(&frame));
            assert_false(frame.bad);
            n += (size_t)snprintf(out + n, room - n, "%.*s;", (int)one.n - 7, (const char *)one.p + 7);
        }
    }
    spool_reader_free(r);
}

static void read_back(char *out, size_t room)
{
    read_from(0, out, room);
}

static bool is_whole(uint64_t seq, struct spooler_whole *ret)
{
    spooler_whole(s, ret);
    return ret->to > ret->from && ret->seq == seq;
}

static void test_durable(void **state)
{
    char text[4096];
    (void)state;
    for (uint64_t i = 1; i <= 300; i++)
        put(i);
    AWAIT(spooler_durable(s) == 300);
    read_back(text, sizeof text);
    assert_non_null(strstr(text, "1;2;3;4;"));
    assert_non_null(strstr(text, ";299;300;"));
    struct spooler_state st;
    spooler_state(s, &st);
    assert_int_equal(st.records, 300);
    spooler_free(s);
}

static void test_forget(void **state)
{
    char text[256];
    (void)state;
    put(1);
    put(2);
    AWAIT(spooler_durable(s) == 2);
    spooler_forget(s, 1); /* the ledger lacks the second */
    put(3);
    AWAIT(spooler_durable(s) == 3);
    read_back(text, sizeof text);
    assert_string_equal(text, "1;2;3;");
    spooler_forget(s, 3);
    AWAIT(kept() == 0);
    assert_true(is_blank());
    put(4);
    AWAIT(spooler_durable(s) == 4);
    read_back(text, sizeof text);
    assert_string_equal(text, "4;");
    spooler_free(s);
}

/* It is read in piece by piece, while more is written behind. */
static void test_pieces(void **state)
{
    char text[256];
    struct spooler_whole first;
    struct spooler_whole second;
    (void)state;
    put(1);
    put(2);
    AWAIT(spooler_durable(s) == 2);
    spooler_whole(s, &first);
    assert_int_equal(first.to, 0); /* its part is not ended */
    spooler_end(s);
    AWAIT(is_whole(2, &first));
    assert_int_equal(first.from, 0);
    assert_int_equal(first.to, kept());
    put(3);
    AWAIT(spooler_durable(s) == 3);
    spooler_read_in(s, first.to);
    spooler_end(s);
    AWAIT(is_whole(3, &second));
    assert_int_equal(second.from, first.to);
    read_from(second.from, text, sizeof text);
    assert_string_equal(text, "3;");
    read_back(text, sizeof text);
    assert_string_equal(text, "1;2;3;");
    spooler_read_in(s, second.to);
    AWAIT(kept() == 0);
    assert_true(is_blank());
    put(4);
    spooler_end(s);
    AWAIT(is_whole(4, &first));
    assert_int_equal(first.from, 0);
    spooler_free(s);
}

/* Large parts end by themselves, and what was read in takes no room while others stand behind it. */
static void test_room(void **state)
{
    static char text[1 << 20];
    struct spooler_whole first;
    struct spooler_state full;
    struct spooler_state after;
    struct stat st;
    (void)state;
    for (uint64_t i = 1; i <= 40; i++) {
        (void)snprintf(text, sizeof text, "record %llu", (unsigned long long)i);
        assert_true(spooler_put(s, i, span_of(text, sizeof text)));
        AWAIT(spooler_durable(s) == i);
    }
    spooler_whole(s, &first);
    assert_true(first.to > 31u << 20 && first.to < 34u << 20);
    assert_true(first.seq >= 31 && first.seq <= 33);
    spooler_state(s, &full);
    spooler_read_in(s, first.to);
    AWAIT((spooler_state(s, &after), after.bytes < full.bytes));
    assert_true(full.bytes - after.bytes > 31u << 20);
    assert_int_equal(fstat(fd, &st), 0);
    assert_true((uint64_t)st.st_size >= full.bytes);
    assert_true((uint64_t)st.st_blocks * 512 <= (uint64_t)st.st_size - (31u << 20));
    struct error e = {0};
    struct spool_reader *r = spool_reader_new(seen, secret, &e);
    struct spool_record got;
    assert_non_null(r);
    spool_reader_start(r, first.to);
    assert_int_equal(spool_reader_next(r, &got, &e), 1);
    assert_int_equal(got.place.seq, first.seq + 1);
    spool_reader_free(r);
    spooler_forget(s, 40);
    AWAIT(kept() == 0);
    assert_true(is_blank());
    spooler_free(s);
}

/* Records that fill more than a frame, one that finds no room, and usual ones behind it. */
static void test_large(void **state)
{
    static char text[SPOOLER_WAITS + 64];
    char got[256];
    (void)state;
    memset(text, ' ', sizeof text);
    for (uint64_t i = 1; i <= 6; i++) {
        int n = snprintf(text, 32, "record %llu", (unsigned long long)i);
        text[n] = ' ';
        assert_true(spooler_put(s, i, span_of((const uint8_t *)text, i % 2 == 0 ? 20000 : (size_t)n)));
    }
    assert_false(spooler_put(s, 7, span_of((const uint8_t *)text, sizeof text)));
    put(7);
    AWAIT(spooler_durable(s) == 7);
    struct spool_reader *r = spool_reader_new(seen, secret, &(struct error){0});
    struct spool_record record;
    unsigned long long next = 1;
    assert_non_null(r);
    while (spool_reader_next(r, &record, &(struct error){0}) == 1) {
        struct span frame = record.record;
        assert_int_equal(span_u8(&frame), SPOOLED_RECORDS);
        assert_true(frame.n <= 33000);
        for (; frame.n > 0; next++) {
            struct span one = span_take(&frame, span_be32(&frame));
            assert_false(frame.bad);
            (void)snprintf(got, sizeof got, "record %llu", next);
            assert_true(span_starts(one, span_str(got)));
            assert_int_equal(one.n, next % 2 == 0 ? 20000 : 8);
        }
        assert_int_equal(record.place.seq, next - 1);
    }
    assert_int_equal(next, 8);
    spool_reader_free(r);
    struct spooler_state st;
    spooler_state(s, &st);
    assert_int_equal(st.records, 7);
    spooler_free(s);
}

static void test_end(void **state)
{
    char text[256];
    (void)state;
    put(1);
    spooler_free(s); /* what it took becomes durable first */
    read_back(text, sizeof text);
    assert_string_equal(text, "1;");
}

static void note_from(void *context, const struct spool_part *part)
{
    uint64_t *from = context;
    *from = part->from;
}

static void hold(bool on)
{
    (void)pthread_mutex_lock(&lock);
    held = on;
    (void)pthread_cond_broadcast(&turned);
    (void)pthread_mutex_unlock(&lock);
}

/* The ledger gets a record by the other way while it waits for the disk here: its part says how long the ledger was before, or it would be looked for
 * behind its place there, and be put there a second time. */
static void test_overtaken(void **state)
{
    uint8_t public[X25519_KEY];
    struct error e = {0};
    uint64_t from = 0;
    (void)state;
    crypto_x25519_public(secret, public);
    spooler_key(s, span_of(public, sizeof public), 5);
    put(1);
    AWAIT(spooler_durable(s) == 1);
    hold(true);
    spooler_forget(s, 1);
    AWAIT(kept() == 0);
    put(2);
    spooler_key(s, span_of(public, sizeof public), 1000);
    put(3);
    hold(false);
    AWAIT(spooler_durable(s) == 3);
    assert_int_equal(spool_parts(seen, note_from, &from, &e), 0);
    assert_int_equal(from, 5);
    spooler_free(s);
}

/* What an earlier relay left: its records, and the room that it had made ready behind them, which are no records. */
static void test_anew(void **state)
{
    char text[256];
    struct spooler_whole whole;
    struct error e = {0};
    static const uint8_t run[RUN_ID] = {2};
    uint8_t public[X25519_KEY];
    struct stat st;
    (void)state;
    put(1);
    AWAIT(spooler_durable(s) == 1);
    spooler_free(s);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(ftruncate(fd, st.st_size > 1 << 20 ? st.st_size : 1 << 20), 0);
    s = spooler_new(fd, run, wake, NULL, &e);
    assert_non_null(s);
    assert_true(kept() > 0 && kept() < 8192);
    crypto_x25519_public(secret, public);
    spooler_key(s, span_of(public, sizeof public), 0);
    put(2);
    AWAIT(spooler_durable(s) == 2);
    spooler_end(s);
    AWAIT(is_whole(2, &whole));
    read_back(text, sizeof text);
    assert_string_equal(text, "1;2;");
    spooler_read_in(s, whole.to);
    AWAIT(kept() == 0);
    assert_true(is_blank());
    spooler_free(s);
    s = spooler_new(fd, run, wake, NULL, &e);
    assert_non_null(s);
    assert_int_equal(kept(), 0);
    spooler_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_durable, set_up, tear_down), cmocka_unit_test_setup_teardown(test_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),    cmocka_unit_test_setup_teardown(test_forget, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),   cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_anew, set_up, tear_down),    cmocka_unit_test_setup_teardown(test_overtaken, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
