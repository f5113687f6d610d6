/* What a supervisor hands over is what the next one takes; what is cut, of another form or of another configuration is refused. */
#include "../cmocka_all.h"

#include "proc/handover.h"
#include "proc/supervisor_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const char lab_yaml[] = "data: \"/nowhere\"\n"
                               "capture: [ { interface: one }, { interface: two } ]\n"
                               "relay:\n  - { name: chem, listen: 127.0.0.1:2575, forward: 127.0.0.1:2576, protocol: mllp }\n";

static struct config config;

static struct supervisor_options options_of(const char *text)
{
    struct error e = {0};
    assert_int_equal(config_parse(&config, span_str(text), "lab.yaml", &e), 0);
    return (struct supervisor_options){.config = &config, .config_text = span_str(text)};
}

/* Gives back what a supervisor has taken, but for its data folder, which is none. */
static void end(struct supervisor *s)
{
    supervisor_close(s);
    free(s);
}

static struct supervisor *lay_out(const struct supervisor_options *o)
{
    struct error e = {0};
    struct supervisor *s = supervisor_lay_out(o, &e);
    assert_non_null(s);
    return s;
}

/* A supervisor in the middle of its work: two sensors, one of them without its interface, a detector that was restarted. */
static struct supervisor *at_work(const struct supervisor_options *o, int *ret_far)
{
    struct supervisor *s = lay_out(o);
    int pair[2];
    (void)snprintf(s->folder, sizeof s->folder, "/usr/libexec/tourniquet");
    s->programs.mark = 77;
    s->programs.fd[ROLE_KEEPER] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->listen_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->listeners[0][0].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    s->starts = 5;
    s->hash_key = (struct hash_key){.k0 = 1, .k1 = 2};
    memset(s->run, 9, sizeof s->run);
    s->announced = true;
    s->authority[0] = BUF_INIT(AUTHORITY_MAX);
    buf_add_str(&s->authority[0], "a certificate");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    *ret_far = pair[1];
    struct child *detector = &s->children[ROLE_DETECTOR];
    supervisor_channel(detector, pair[0]);
    buf_add_str(&detector->control.in, "half a me");
    detector->pid = 4711;
    detector->ready = detector->was_ready = detector->restarted = true;
    detector->failures = 3;
    (void)snprintf(detector->why, sizeof detector->why, "killed by signal 9");
    struct child *second = &s->children[ROLE_COUNT];
    assert_true(second->role == ROLE_SENSOR && second->capture == 1);
    (void)snprintf(second->trouble, sizeof second->trouble, "there is no interface two");
    second->reopens = 2;
    return s;
}

static void test_taken_as_given(void **state)
{
    (void)state;
    struct supervisor_options o = options_of(lab_yaml);
    struct error e = {0};
    struct handover h;
    int far = -1;
    int fd = -1;
    struct supervisor *gives = at_work(&o, &far);
    assert_int_equal(handover_write(gives, &fd, &e), 0);
    assert_int_equal(handover_open(fd, &h, &e), 0);
    assert_true(span_equal(h.config, span_str(lab_yaml)) && strcmp(h.from, programs_version()) == 0);
    struct supervisor *takes = lay_out(&o);
    assert_int_equal(handover_take(&h, takes, &e), 0);
    assert_true(takes->starts == 5 && takes->hash_key.k1 == 2 && takes->run[3] == 9 && takes->announced && !takes->fingerprint_told);
    assert_true(strcmp(takes->folder, gives->folder) == 0 && takes->programs.mark == 77 &&
                takes->programs.fd[ROLE_KEEPER] == gives->programs.fd[ROLE_KEEPER]);
    assert_true(takes->listen_fd == gives->listen_fd && takes->data_fd == -1 && takes->listeners[0][0].fd == gives->listeners[0][0].fd);
    assert_true(span_equal(buf_span(&takes->authority[0]), SPAN_LIT("a certificate")));
    const struct child *detector = &takes->children[ROLE_DETECTOR];
    assert_true(detector->pid == 4711 && detector->ready && detector->restarted && detector->failures == 3 &&
                strcmp(detector->why, "killed by signal 9") == 0);
    assert_true(detector->control.fd == gives->children[ROLE_DETECTOR].control.fd &&
                span_equal(buf_span(&detector->control.in), SPAN_LIT("half a me")));
    const struct child *second = &takes->children[ROLE_COUNT];
    assert_true(strcmp(second->trouble, "there is no interface two") == 0 && second->reopens == 2 && second->control.fd == -1);
    int again = -1;
    takes->o = &o;
    assert_int_equal(handover_write(takes, &again, &e), 0); /* written again the same way */
    assert_int_equal(lseek(again, 0, SEEK_END), lseek(fd, 0, SEEK_END));
    (void)close(again);
    /* the descriptors are the same: one of the two closes them */
    buf_release(&takes->authority[0]);
    buf_release(&takes->children[ROLE_DETECTOR].control.in);
    buf_release(&takes->children[ROLE_DETECTOR].control.out);
    dialer_free(takes->dialer);
    free(takes);
    handover_release(&h);
    end(gives);
    (void)close(fd);
    (void)close(far);
}

static int file_of(struct span bytes)
{
    int fd = memfd_create("handover", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    return fd;
}

static void test_refused(void **state)
{
    (void)state;
    struct supervisor_options o = options_of(lab_yaml);
    struct error e = {0};
    struct handover h;
    int fd = -1;
    struct supervisor *gives = lay_out(&o); /* no descriptors: nothing to give back of what is taken by half */
    assert_int_equal(handover_write(gives, &fd, &e), 0);
    uint8_t bytes[65536];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    assert_true(n > 100);
    (void)close(fd);
    for (size_t cut = 0; cut < (size_t)n; cut++) {
        fd = file_of(span_of(bytes, cut));
        struct supervisor *takes = lay_out(&o);
        int r = handover_open(fd, &h, &e);
        if (r == 0) {
            assert_int_not_equal(handover_take(&h, takes, &e), 0);
            handover_release(&h);
        }
        assert_int_equal(e.class, ERR_MISUSE);
        (void)close(fd);
        end(takes);
    }
    bytes[9]++; /* the form's number */
    fd = file_of(span_of(bytes, (size_t)n));
    assert_true(handover_open(fd, &h, &e) != 0 && e.class == ERR_LIMIT && strstr(e.text, "form") != NULL);
    bytes[9]--;
    (void)close(fd);
    bytes[13]++; /* the dialect */
    fd = file_of(span_of(bytes, (size_t)n));
    assert_true(handover_open(fd, &h, &e) != 0 && e.class == ERR_LIMIT && strstr(e.text, "speak otherwise") != NULL);
    bytes[13]--;
    (void)close(fd);
    /* for two interfaces, taken for one */
    static struct config other;
    assert_int_equal(config_parse(&other, SPAN_LIT("data: \"/nowhere\"\ncapture: [ { interface: one } ]\n"), "lab.yaml", &e), 0);
    struct supervisor_options less = {.config = &other};
    fd = file_of(span_of(bytes, (size_t)n));
    assert_int_equal(handover_open(fd, &h, &e), 0);
    struct supervisor *takes = lay_out(&less);
    assert_true(handover_take(&h, takes, &e) != 0 && e.class == ERR_MISUSE);
    handover_release(&h);
    (void)close(fd);
    end(takes);
    end(gives);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken_as_given), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
