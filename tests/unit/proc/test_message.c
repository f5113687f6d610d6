#include "../cmocka_all.h"

#include "base/record.h"
#include "door/request.h"
#include "proc/message.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void pair(struct channel *a, enum role ra, struct channel *b, enum role rb, size_t out_max)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    channel_open(a, fds[0], ra, rb, out_max);
    channel_open(b, fds[1], rb, ra, out_max);
}

static void test_who_may_say_what(void **state)
{
    (void)state;
    assert_true(message_allowed(MESSAGE_RECORD, ROLE_SENSOR, ROLE_DETECTOR));
    assert_true(message_allowed(MESSAGE_RECORD, ROLE_DETECTOR, ROLE_KEEPER));
    assert_true(message_allowed(MESSAGE_IDENTITY, ROLE_KEEPER, ROLE_CONSOLE));
    assert_true(message_allowed(MESSAGE_ERRAND, ROLE_KEEPER, ROLE_COURIER) && message_allowed(MESSAGE_OUTCOME, ROLE_COURIER, ROLE_KEEPER));
    assert_false(message_allowed(MESSAGE_ERRAND, ROLE_CONSOLE, ROLE_COURIER) || message_allowed(MESSAGE_REQUEST, ROLE_COURIER, ROLE_KEEPER));
    assert_true(message_allowed(MESSAGE_MAIL, ROLE_KEEPER, ROLE_READER) && message_allowed(MESSAGE_MAIL_READ, ROLE_READER, ROLE_KEEPER));
    assert_false(message_allowed(MESSAGE_MAIL, ROLE_CONSOLE, ROLE_READER) || message_allowed(MESSAGE_RECORD, ROLE_READER, ROLE_KEEPER));
    assert_false(message_allowed(MESSAGE_IDENTITY, ROLE_KEEPER, ROLE_COURIER) || message_allowed(MESSAGE_WITNESS, ROLE_SUPERVISOR, ROLE_COURIER));
    assert_true(message_allowed(MESSAGE_REQUEST, ROLE_LOCAL, ROLE_KEEPER));
    assert_false(message_allowed(MESSAGE_RECORD, ROLE_CONSOLE, ROLE_KEEPER));
    assert_false(message_allowed(MESSAGE_RECORD, ROLE_KEEPER, ROLE_DETECTOR));
    assert_false(message_allowed(MESSAGE_REQUEST, ROLE_SENSOR, ROLE_KEEPER));
    assert_false(message_allowed(MESSAGE_IDENTITY, ROLE_KEEPER, ROLE_LOCAL));
    assert_false(message_allowed(MESSAGE_STOP, ROLE_KEEPER, ROLE_CONSOLE));
    assert_false(message_allowed(MESSAGE_READY, ROLE_LOCAL, ROLE_SUPERVISOR));
    for (int r = 0; r < ROLE_COUNT; r++)
        for (int t = 0; t < MESSAGE_COUNT; t++) {
            assert_false(message_allowed(MESSAGE_NONE, (enum role)r, (enum role)t));
            assert_false(message_allowed((enum message_type)t, (enum role)r, (enum role)r));
        }
    assert_false(message_allowed((enum message_type)MESSAGE_COUNT, ROLE_SENSOR, ROLE_DETECTOR));
}

static void test_round_trip(void **state)
{
    (void)state;
    struct channel a;
    struct channel b;
    struct message m;
    struct error e = {0};
    pair(&a, ROLE_SENSOR, &b, ROLE_DETECTOR, 65536);
    assert_int_equal(channel_next(&b, &m, &e), 0);
    assert_int_equal(channel_put(&a, MESSAGE_RECORD, SPAN_LIT("one"), &e), 0);
    assert_int_equal(channel_put(&a, MESSAGE_RECORD, SPAN_LIT(""), &e), 0);
    assert_int_equal(channel_put(&a, MESSAGE_END, (struct span){0}, &e), 0);
    assert_int_equal(channel_write(&a, &e), 0);
    assert_int_equal(channel_waiting(&a), 0);
    assert_int_equal(channel_read(&b, &e), 0);
    assert_int_equal(channel_next(&b, &m, &e), 1);
    assert_true(m.type == MESSAGE_RECORD && span_is(m.body, "one"));
    assert_int_equal(channel_next(&b, &m, &e), 1);
    assert_true(m.type == MESSAGE_RECORD && m.body.n == 0);
    assert_int_equal(channel_next(&b, &m, &e), 1);
    assert_true(m.type == MESSAGE_END);
    assert_int_equal(channel_next(&b, &m, &e), 0);
    assert_int_equal(channel_read(&b, &e), -1);
    assert_int_equal(e.class, ERR_AGAIN);
    channel_close(&a);
    assert_int_equal(channel_read(&b, &e), -1);
    assert_int_equal(e.class, ERR_CLOSED);
    assert_int_equal(channel_put(&a, MESSAGE_END, (struct span){0}, &e), -1);
    assert_int_equal(e.class, ERR_CLOSED);
    channel_close(&b);
}

/* A message that comes byte by byte is whole only at its last byte. */
static void test_byte_by_byte(void **state)
{
    (void)state;
    struct channel a;
    struct channel b;
    struct message m;
    struct error e = {0};
    pair(&a, ROLE_SENSOR, &b, ROLE_DETECTOR, 65536);
    const uint8_t frame[] = {0, 0, 0, 3, MESSAGE_RECORD, 0, 0, 0, 'a', 'b', 'c'};
    for (size_t i = 0; i < sizeof frame; i++) {
        assert_int_equal(channel_next(&b, &m, &e), 0);
        assert_int_equal(write(a.fd, frame + i, 1), 1);
        assert_int_equal(channel_read(&b, &e), 0);
    }
    assert_int_equal(channel_next(&b, &m, &e), 1);
    assert_true(span_is(m.body, "abc"));
    channel_close(&a);
    channel_close(&b);
}

static void refuse(enum role from, enum role to, const uint8_t *frame, size_t n)
{
    struct channel a;
    struct channel b;
    struct message m;
    struct error e = {0};
    pair(&a, from, &b, to, 65536);
    assert_int_equal(write(a.fd, frame, n), (ssize_t)n);
    assert_int_equal(channel_read(&b, &e), 0);
    assert_int_equal(channel_next(&b, &m, &e), -1);
    assert_int_equal(e.class, ERR_PEER);
    channel_close(&a);
    channel_close(&b);
}

static void test_bad_frames(void **state)
{
    (void)state;
    refuse(ROLE_SENSOR, ROLE_DETECTOR, (const uint8_t[]){0, 0, 0, 0, MESSAGE_STOP, 0, 0, 0}, 8); /* not its to say */
    refuse(ROLE_SENSOR, ROLE_DETECTOR, (const uint8_t[]){0, 0, 0, 0, 200, 0, 0, 0}, 8);          /* no such type */
    refuse(ROLE_SENSOR, ROLE_DETECTOR, (const uint8_t[]){0, 0, 0, 1, MESSAGE_END, 0, 0, 0}, 8);  /* END has no body */
    refuse(ROLE_SENSOR, ROLE_DETECTOR, (const uint8_t[]){255, 255, 255, 255, MESSAGE_RECORD, 0, 0, 0}, 8);
    refuse(ROLE_SENSOR, ROLE_DETECTOR, (const uint8_t[]){0, 0, 0, 0, MESSAGE_END, 0, 0, 1}, 8);       /* the zero is not */
    refuse(ROLE_SENSOR, ROLE_DETECTOR, (const uint8_t[]){0, 0, 0, 0, MESSAGE_END, 1, 0, 0}, 8);       /* no descriptors with END */
    refuse(ROLE_SUPERVISOR, ROLE_KEEPER, (const uint8_t[]){0, 0, 0, 1, MESSAGE_PEER, 1, 0, 0, 5}, 9); /* says a descriptor, brings none */
    refuse(ROLE_LOCAL, ROLE_KEEPER, (const uint8_t[]){0, 32, 0, 0, MESSAGE_REQUEST, 0, 0, 0}, 8);     /* larger than any request */
}

static void test_caps_of_the_sender(void **state)
{
    (void)state;
    struct channel a;
    struct channel b;
    struct error e = {0};
    static uint8_t large[13 + RECORD_ENCODED];
    pair(&a, ROLE_SENSOR, &b, ROLE_DETECTOR, 1000);
    assert_int_equal(channel_put(&a, MESSAGE_RECORD, span_of(large, sizeof large), &e), -1);
    assert_int_equal(e.class, ERR_LIMIT);
    assert_int_equal(channel_put(&a, MESSAGE_STOP, (struct span){0}, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    /* The queue takes one message of any size, and then ends. */
    size_t put = 0;
    while (channel_put(&a, MESSAGE_RECORD, span_of(large, 100000), &e) == 0)
        assert_true(++put < 100);
    assert_int_equal(e.class, ERR_LIMIT);
    assert_true(put >= 1 && channel_waiting(&a) <= 1000 + 12 + RECORD_ENCODED + MESSAGE_HEAD);
    channel_close(&a);
    channel_close(&b);
}

/* More than a socket holds: the sender keeps the rest, and nothing is lost or changed on the way. */
static void test_large_messages(void **state)
{
    (void)state;
    struct channel a;
    struct channel b;
    struct message m;
    struct error e = {0};
    size_t n = 12 + RECORD_ENCODED;
    uint8_t *large = malloc(n);
    assert_non_null(large);
    for (size_t i = 0; i < n; i++)
        large[i] = (uint8_t)(i * 2654435761u >> 13);
    pair(&a, ROLE_SENSOR, &b, ROLE_DETECTOR, 65536);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(channel_put(&a, MESSAGE_RECORD, span_of(large, n), &e), 0);
        int r = 0;
        while ((r = channel_next(&b, &m, &e)) == 0) {
            assert_int_equal(channel_write(&a, &e), 0);
            assert_true(channel_read(&b, &e) == 0 || e.class == ERR_AGAIN);
        }
        assert_int_equal(r, 1);
        assert_true(m.body.n == n && memcmp(m.body.p, large, n) == 0);
    }
    free(large);
    channel_close(&a);
    channel_close(&b);
}

static void test_descriptors(void **state)
{
    (void)state;
    struct channel a;
    struct channel b;
    struct message m;
    struct error e = {0};
    pair(&a, ROLE_SUPERVISOR, &b, ROLE_KEEPER, 65536);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    uint8_t role = ROLE_CONSOLE;
    assert_int_equal(channel_send_fds(&a, MESSAGE_PEER, span_of(&role, 1), &pipes[1], 1, &e), 0);
    assert_int_equal(channel_send_fds(&a, MESSAGE_STOP, (struct span){0}, NULL, 0, &e), 0);
    assert_int_equal(channel_send_fds(&a, MESSAGE_STOP, (struct span){0}, &pipes[1], 1, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    while (channel_read(&b, &e) == 0)
        continue;
    assert_int_equal(channel_next(&b, &m, &e), 1);
    assert_true(m.type == MESSAGE_PEER && m.fd_count == 1 && m.body.n == 1 && m.body.p[0] == ROLE_CONSOLE);
    assert_true((fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(m.fds[0], "x", 1), 1);
    char c = 0;
    assert_int_equal(read(pipes[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    (void)close(m.fds[0]);
    assert_int_equal(channel_next(&b, &m, &e), 1);
    assert_true(m.type == MESSAGE_STOP && m.fd_count == 0);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    channel_close(&a);
    channel_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_say_what), cmocka_unit_test(test_round_trip),         cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_bad_frames),       cmocka_unit_test(test_caps_of_the_sender), cmocka_unit_test(test_large_messages),
        cmocka_unit_test(test_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
