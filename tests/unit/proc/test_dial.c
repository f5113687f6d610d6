/* Outgoing connections without waiting: loopback, and this machine's own names. */
#include "../cmocka_all.h"

#include "base/record.h"
#include "proc/clock.h"
#include "proc/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t last_id;
static int last_fd;
static char last_why[160];
static unsigned outcomes;

static void done(void *context, uint64_t id, int fd, const char *why)
{
    (void)context;
    outcomes++;
    last_id = id;
    last_fd = fd;
    (void)snprintf(last_why, sizeof last_why, "%s", why);
}

static void wait_for(struct dialer *d, unsigned n)
{
    tq_time until = clock_monotonic() + 120 * TIME_SECOND;
    while (outcomes < n && clock_monotonic() < until) {
        struct pollfd p[DIALS];
        size_t polled = dial_poll(d, p);
        (void)poll(p, polled, 50);
        dial_act(d, p, polled, clock_monotonic());
    }
    assert_int_equal(outcomes, n);
}

static int listening(uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 8) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static void test_address(void **state)
{
    (void)state;
    struct config_endpoint to = {.host = "127.0.0.1"};
    struct dialer *d = dialer_new(65000, done, NULL);
    int server = listening(&to.port);
    outcomes = 0;
    assert_int_equal(dial_deadline(d), 0);
    dial(d, 7, &to, clock_monotonic());
    assert_true(outcomes == 1 || dial_deadline(d) > 0);
    wait_for(d, 1);
    assert_int_equal(last_id, 7);
    assert_true(last_fd >= 0);
    assert_int_equal(send(last_fd, "x", 1, 0), 1);
    (void)close(last_fd);
    (void)close(server);
    outcomes = 0;
    dial(d, 8, &to, clock_monotonic()); /* nobody listens any more */
    wait_for(d, 1);
    assert_int_equal(last_fd, -1);
    assert_non_null(strstr(last_why, "refused"));
    assert_int_equal(dial_deadline(d), 0);
    dialer_free(d);
}

static void test_name(void **state)
{
    (void)state;
    struct config_endpoint to = {.host = "no-such-host.invalid", .port = 1};
    struct dialer *d = dialer_new(65000, done, NULL);
    outcomes = 0;
    dial(d, 1, &to, clock_monotonic()); /* RFC 6761: never exists */
    wait_for(d, 1);
    assert_int_equal(last_fd, -1);
    assert_true(last_why[0] != 0);
    dialer_free(d);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

/* What takes too long ends; what nobody waits for any more is forgotten; too many at once are refused. */
static void test_limits(void **state)
{
    (void)state;
    struct config_endpoint to = {.host = "192.0.2.1", .port = 9}; /* RFC 5737: nobody is there */
    struct dialer *d = dialer_new(65000, done, NULL);
    struct pollfd p[DIALS];
    tq_time now = clock_monotonic();
    outcomes = 0;
    for (uint64_t i = 0; i < DIALS; i++)
        dial(d, i, &to, now);
    unsigned early = outcomes; /* "network is unreachable", on a machine without one */
    if (early == 0) {
        dial(d, DIALS, &to, now);
        assert_int_equal(outcomes, 1);
        assert_int_equal(last_id, DIALS);
        assert_int_equal(dial_poll(d, p), DIALS);
        dial_act(d, p, 0, now + DIAL_TIME);
        assert_int_equal(outcomes, 1 + DIALS);
        assert_int_equal(last_fd, -1);
    }
    outcomes = 0;
    dial(d, 1, &to, now);
    early = outcomes;
    dial_forget(d);
    dial_act(d, p, 0, now + 2 * DIAL_TIME);
    assert_int_equal(outcomes, early);
    assert_int_equal(dial_poll(d, p), 0);
    dialer_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_address), cmocka_unit_test(test_name), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
