/* ASTM over the relay: read along, as endpoints, and store and forward. */
#include "relay_bed.h"

#include "wire/astm_write.h"

#define ENQ "\x05"
#define ACK "\x06"
#define NAK "\x15"
#define EOT "\x04"

static struct bed bed;
static struct buf frames[8]; /* one each */
static size_t frames_n;

static struct relay_status status_of(struct bed *b)
{
    struct relay_status s;
    relay_status(b->link, b->now, &s);
    return s;
}

/* H, P, O, R, L: a frame each. */
static void make(const char *value)
{
    char result[128];
    (void)snprintf(result, sizeof result, "R|1|^^^GLU|%s|mmol/L||N||F\r", value);
    const char *const records[] = {"H|\\^&|||ANZ^1^2|||||||P|1|20260101\r", "P|1\r", "O|1|S1||^^^GLU\r", result, "L|1|N\r"};
    frames_n = sizeof records / sizeof records[0];
    for (size_t i = 0; i < frames_n; i++) {
        buf_release(&frames[i]);
        frames[i] = BUF_INIT(4096);
        astm_write_frame(&frames[i], (unsigned)i + 1, span_str(records[i]), i + 1 == frames_n);
    }
}

static void release(void)
{
    for (size_t i = 0; i < 8; i++)
        buf_release(&frames[i]);
}

static void frame(int fd, size_t i)
{
    bed_send(&bed, fd, frames[i].p, frames[i].n);
}

static bool got_frame(int fd, size_t i)
{
    const char *got = bed_got(fd);
    return strlen(got) == frames[i].n && memcmp(got, frames[i].p, frames[i].n) == 0;
}

static struct relay_link_options options(bool refusing)
{
    static const char *const types[] = {"ASTM.RESULT"};
    static const char *const tests[] = {"GLU"};
    struct relay_link_options o = bed_options();
    o.protocol = RELAY_ASTM;
    o.policy = (struct relay_policy){
        .unknown = refusing ? RELAY_UNKNOWN_REFUSE : RELAY_UNKNOWN_FLAG, .types = types, .types_n = 1, .tests = tests, .tests_n = 1};
    return o;
}

static void read_along(void **state)
{
    (void)state;
    struct relay_link_options o = options(false);
    bed_start(&bed);
    bed.records = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    SEND(&bed, fd, ENQ);
    assert_string_equal(bed_got(bed.lis), ENQ);
    SEND(&bed, bed.lis, ACK);
    assert_string_equal(bed_got(fd), ACK);
    for (size_t i = 0; i < frames_n; i++) {
        for (size_t at = 0; at < frames[i].n; at++) { /* byte by byte, and each at once */
            bed_send(&bed, fd, frames[i].p + at, 1);
            char one[2] = {(char)frames[i].p[at], 0};
            assert_string_equal(bed_got(bed.lis), one);
        }
        bed_send(&bed, bed.lis, i == 2 ? NAK : ACK, 1);
        if (i == 2) { /* sent again, and taken */
            assert_string_equal(bed_got(fd), NAK);
            frame(fd, i);
            (void)bed_got(bed.lis);
            SEND(&bed, bed.lis, ACK);
        }
        if (i + 1 < frames_n)
            assert_string_equal(bed_got(fd), ACK);
    }
    assert_int_equal(bed.messages, 1);
    assert_string_equal(bed.type, "ASTM.RESULT");
    assert_string_equal(bed_got(fd), ""); /* the last one waits for the record */
    relay_durable(bed.relay, 1);
    bed_run(&bed);
    assert_string_equal(bed_got(fd), ACK);
    SEND(&bed, fd, EOT);
    assert_string_equal(bed_got(bed.lis), EOT);
    assert_int_equal(status_of(&bed).counters.received, 1);
    assert_int_equal(status_of(&bed).counters.answered, 1);
    assert_int_equal(status_of(&bed).counters.violations, 0);
    /* an answer that does not come is told */
    SEND(&bed, fd, ENQ);
    bed_pass(&bed, 31 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_NO_ANSWER], 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* The analyzer sends a message to us as an endpoint, up to its last frame. */
static void send_all_but_last(int fd)
{
    SEND(&bed, fd, ENQ);
    assert_string_equal(bed_got(fd), ACK);
    for (size_t i = 0; i + 1 < frames_n; i++) {
        frame(fd, i);
        assert_string_equal(bed_got(fd), ACK);
    }
}

/* The LIS takes a message from us, up to its last frame. */
static void take_all_but_last(int lis)
{
    assert_string_equal(bed_got(lis), ENQ);
    for (size_t i = 0; i < frames_n; i++) {
        SEND(&bed, lis, ACK);
        assert_true(got_frame(lis, i));
    }
}

static void endpoints(void **state)
{
    (void)state;
    struct relay_link_options o = options(true);
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    assert_string_equal(bed_got(bed.lis), ""); /* nothing before it is whole and judged */
    frame(fd, frames_n - 1);
    assert_string_equal(bed_got(fd), ""); /* end to end: the LIS first */
    take_all_but_last(bed.lis);
    assert_string_equal(bed_got(fd), "");
    SEND(&bed, bed.lis, ACK);
    assert_string_equal(bed_got(bed.lis), EOT);
    assert_string_equal(bed_got(fd), ACK);
    SEND(&bed, fd, EOT);
    assert_int_equal(status_of(&bed).counters.forwarded, 1);
    assert_int_equal(bed.messages, 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* Frames are cut by their length: the last record may lie in two of them, or its end alone in the second. */
static void cut_anywhere(void **state)
{
    (void)state;
    static const char text[] = "H|\\^&|||ANZ^1^2|||||||P|1|20260101\rP|1\rO|1|S1||^^^GLU\rR|1|^^^GLU|5.4|mmol/L||N||F\rL|1|N\r";
    for (int along = 0; along < 2; along++)
        for (uint32_t cut = sizeof text - 10; cut < sizeof text - 1; cut++) {
            struct relay_link_options o = options(along == 0);
            bed_start(&bed);
            bed_link(&bed, &o);
            int fd = bed_connect(&bed, RELAY_ANALYZER);
            frames_n = 2;
            for (unsigned i = 0; i < 2; i++) {
                buf_release(&frames[i]);
                frames[i] = BUF_INIT(4096);
                astm_write_frame(&frames[i], i + 1, i == 0 ? span_of(text, cut) : span_of(text + cut, sizeof text - 1 - cut), i == 1);
            }
            SEND(&bed, fd, ENQ);
            if (along == 1) {
                assert_string_equal(bed_got(bed.lis), ENQ);
                SEND(&bed, bed.lis, ACK);
            }
            assert_string_equal(bed_got(fd), ACK);
            frame(fd, 0);
            if (along == 1) {
                assert_true(got_frame(bed.lis, 0));
                SEND(&bed, bed.lis, ACK);
            }
            assert_string_equal(bed_got(fd), ACK);
            assert_int_equal(bed.messages, 0); /* not yet, also where what is there looks like an end */
            frame(fd, 1);
            assert_int_equal(bed.messages, 1);
            assert_string_equal(bed.type, "ASTM.RESULT");
            assert_int_equal(status_of(&bed).counters.violations, 0);
            (void)close(fd);
            bed_stop(&bed);
        }
    release();
}

static void endpoint_refuses(void **state)
{
    (void)state;
    static const char *const tests[] = {"CREA"};
    struct relay_link_options o = options(true);
    o.policy.tests = tests;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    for (int i = 0; i < 6; i++) { /* as often as it tries */
        frame(fd, frames_n - 1);
        assert_string_equal(bed_got(fd), NAK);
    }
    SEND(&bed, fd, EOT);
    assert_string_equal(bed_got(bed.lis), "");
    assert_int_equal(bed.events[RELAY_EVENT_REFUSED], 1);
    assert_int_equal(status_of(&bed).counters.refused, 1);
    SEND(&bed, fd, ENQ);
    assert_string_equal(bed_got(fd), ACK); /* it may try with another one */
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* The LIS takes long: the analyzer hears NAK before its 15 s are over, sends the frame again and waits on. */
static void endpoint_waits(void **state)
{
    (void)state;
    struct relay_link_options o = options(true);
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    frame(fd, frames_n - 1);
    take_all_but_last(bed.lis);
    bed_pass(&bed, 13 * SECOND, SECOND);
    assert_string_equal(bed_got(fd), NAK);
    frame(fd, frames_n - 1);
    assert_string_equal(bed_got(fd), "");
    SEND(&bed, bed.lis, ACK);
    assert_string_equal(bed_got(fd), ACK);
    assert_int_equal(bed.messages, 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* Damaged frames, wrong numbers, repeats: NAK, NAK, ACK; and the silent sender is given up after 30 s. */
static void endpoint_bad_sender(void **state)
{
    (void)state;
    struct relay_link_options o = options(true);
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    SEND(&bed, fd, ENQ);
    assert_string_equal(bed_got(fd), ACK);
    frames[0].p[8] ^= 1;
    frame(fd, 0);
    assert_string_equal(bed_got(fd), NAK);
    frames[0].p[8] ^= 1;
    frame(fd, 0);
    assert_string_equal(bed_got(fd), ACK);
    frame(fd, 0); /* our answer was lost */
    assert_string_equal(bed_got(fd), ACK);
    frame(fd, 2);
    assert_string_equal(bed_got(fd), NAK);
    frame(fd, 1);
    assert_string_equal(bed_got(fd), ACK);
    bed_pass(&bed, 31 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 1);
    send_all_but_last(fd); /* all of it again */
    frame(fd, frames_n - 1);
    take_all_but_last(bed.lis);
    assert_int_equal(bed.messages, 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* A LIS that is busy, says NAK, or nothing. */
static void endpoint_bad_receiver(void **state)
{
    (void)state;
    struct relay_link_options o = options(true);
    o.mode = RELAY_STORE_AND_FORWARD;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    frame(fd, frames_n - 1);
    assert_string_equal(bed_got(fd), ACK);
    SEND(&bed, fd, EOT);
    assert_string_equal(bed_got(bed.lis), ENQ);
    SEND(&bed, bed.lis, NAK); /* not ready: asked again after 10 s */
    bed_pass(&bed, 9 * SECOND, SECOND);
    assert_string_equal(bed_got(bed.lis), "");
    bed_pass(&bed, 2 * SECOND, SECOND);
    assert_string_equal(bed_got(bed.lis), ENQ);
    bed_pass(&bed, 16 * SECOND, SECOND); /* no answer: EOT, and again later */
    const char *got = bed_got(bed.lis);
    assert_int_equal(strncmp(got, EOT, 1), 0);
    assert_int_equal(bed.events[RELAY_EVENT_NO_ANSWER], 1);
    bed_pass(&bed, 5 * SECOND, SECOND);
    if (strlen(got) < 2)
        assert_string_equal(bed_got(bed.lis), ENQ);
    SEND(&bed, bed.lis, ACK);
    for (int i = 0; i < 6; i++) { /* six times, then it is over */
        assert_true(got_frame(bed.lis, 0));
        SEND(&bed, bed.lis, NAK);
    }
    assert_string_equal(bed_got(bed.lis), EOT);
    assert_int_equal(status_of(&bed).queue_messages, 1);
    bed_pass(&bed, 10 * SECOND, SECOND);
    take_all_but_last(bed.lis);
    SEND(&bed, bed.lis, ACK);
    assert_string_equal(bed_got(bed.lis), EOT);
    assert_int_equal(bed.delivered, 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* Nothing more can be kept: who asks hears that we are not ready, and gets one answer for each ENQ; who is in the middle of a message sends its last
 * frame again. */
static void nothing_taken_for_a_while(void **state)
{
    (void)state;
    struct relay_link_options o = options(true);
    o.mode = RELAY_STORE_AND_FORWARD;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    int other = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(other);
    relay_can_keep(bed.relay, false);
    for (int i = 0; i < 3; i++) {
        SEND(&bed, fd, ENQ);
        assert_string_equal(bed_got(fd), NAK);
        frame(other, frames_n - 1);
        assert_string_equal(bed_got(other), NAK);
        bed_pass(&bed, 10 * SECOND, SECOND);
    }
    assert_int_equal(bed.messages, 0);
    relay_can_keep(bed.relay, true);
    bed_run(&bed);
    frame(other, frames_n - 1);
    assert_string_equal(bed_got(other), ACK);
    SEND(&bed, other, EOT);
    send_all_but_last(fd);
    frame(fd, frames_n - 1);
    assert_string_equal(bed_got(fd), ACK);
    assert_int_equal(bed.messages, 2);
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 0);
    release();
    (void)close(fd);
    (void)close(other);
    bed_stop(&bed);
}

/* A LIS that is connected and says nothing for hours: nothing is given up. */
static void mute_for_hours(void **state)
{
    (void)state;
    struct relay_link_options o = options(false);
    o.mode = RELAY_STORE_AND_FORWARD;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    frame(fd, frames_n - 1);
    assert_string_equal(bed_got(fd), ACK);
    SEND(&bed, fd, EOT);
    bed_pass(&bed, 7200 * SECOND, 5 * SECOND);
    assert_int_equal(status_of(&bed).queue_messages, 1);
    assert_int_equal(bed.given_up, 0);
    assert_true(status_of(&bed).counters.unanswered > 50);
    for (int i = 0; i < 70; i++) {
        (void)bed_got(bed.lis);
        bed_pass(&bed, SECOND, SECOND);
        if (strstr(bed_got(bed.lis), ENQ) != NULL)
            break;
    }
    for (size_t i = 0; i < frames_n; i++) {
        SEND(&bed, bed.lis, ACK);
        assert_true(got_frame(bed.lis, i));
    }
    SEND(&bed, bed.lis, ACK);
    assert_int_equal(bed.delivered, 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

/* Both want to send: the instrument goes first. */
static void contention(void **state)
{
    (void)state;
    struct relay_link_options o = options(true);
    o.mode = RELAY_STORE_AND_FORWARD;
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    frame(fd, frames_n - 1);
    (void)bed_got(fd);
    SEND(&bed, fd, EOT);
    /* toward the LIS we are the instrument */
    assert_string_equal(bed_got(bed.lis), ENQ);
    SEND(&bed, bed.lis, ENQ);
    assert_string_equal(bed_got(bed.lis), "");
    bed_pass(&bed, 2 * SECOND, SECOND / 2);
    assert_string_equal(bed_got(bed.lis), ENQ);
    SEND(&bed, bed.lis, ACK);
    assert_true(got_frame(bed.lis, 0));
    for (size_t i = 1; i < frames_n; i++) {
        SEND(&bed, bed.lis, ACK);
        assert_true(got_frame(bed.lis, i));
    }
    SEND(&bed, bed.lis, ACK);
    assert_string_equal(bed_got(bed.lis), EOT);
    /* toward the analyzer we are the computer: a message of the LIS waits for its turn */
    SEND(&bed, bed.lis, ENQ);
    assert_string_equal(bed_got(bed.lis), ACK);
    for (size_t i = 0; i < frames_n; i++)
        frame(bed.lis, i);
    (void)bed_got(bed.lis);
    assert_string_equal(bed_got(fd), ENQ);
    SEND(&bed, fd, ENQ);
    bed_pass(&bed, SECOND, SECOND);
    assert_string_equal(bed_got(fd), "");
    SEND(&bed, fd, ENQ); /* again after its second: now it is answered */
    assert_string_equal(bed_got(fd), ACK);
    SEND(&bed, fd, EOT);
    assert_string_equal(bed_got(fd), ENQ);
    SEND(&bed, fd, ACK);
    assert_true(got_frame(fd, 0));
    release();
    (void)close(fd);
    bed_stop(&bed);
}

static void kept(void **state)
{
    (void)state;
    struct relay_link_options o = options(false);
    o.mode = RELAY_STORE_AND_FORWARD;
    bed_start(&bed);
    bed.records = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    make("5.4");
    send_all_but_last(fd);
    frame(fd, frames_n - 1);
    assert_string_equal(bed_got(fd), ""); /* not durable yet */
    bed_pass(&bed, SECOND, SECOND);
    relay_durable(bed.relay, 1);
    bed_run(&bed);
    assert_string_equal(bed_got(fd), ACK);
    struct relay_status s;
    relay_status(bed.link, bed.now, &s);
    assert_true(s.delay_p99 >= SECOND && s.delay_p99 < 2 * SECOND); /* which we added */
    SEND(&bed, fd, EOT);
    take_all_but_last(bed.lis);
    SEND(&bed, bed.lis, ACK);
    assert_int_equal(bed.delivered, 1);
    /* fed as records, it is framed anew: the same frames here, since each record was one */
    struct error e = {0};
    assert_string_equal(bed_got(bed.lis), EOT);
    assert_int_equal(relay_feed(bed.link, 9,
                                SPAN_LIT("H|\\^&|||ANZ^1^2|||||||P|1|20260101\rP|1\rO|1|S1||^^^GLU\rR|1|^^^GLU|5.4|mmol/L||N||F\rL|1|N\r"), false,
                                bed.now, &e),
                     0);
    bed_run(&bed);
    assert_string_equal(bed_got(bed.lis), ENQ);
    SEND(&bed, bed.lis, ACK);
    const char *got = bed_got(bed.lis);
    assert_int_equal(strncmp(got,
                             "\x02"
                             "1H|",
                             4),
                     0);
    for (size_t i = 1; i < frames_n + 1; i++)
        SEND(&bed, bed.lis, ACK);
    assert_int_equal(bed.delivered, 2);
    /* what is no message any more is given up, and does not stand in the way */
    (void)bed_got(bed.lis);
    assert_int_equal(relay_feed(bed.link, 10, SPAN_LIT("\x02no frame of anything"), false, bed.now, &e), 0);
    for (int i = 0; i < 120 && bed.given_up == 0; i++) {
        if (strstr(bed_got(bed.lis), ENQ) != NULL)
            SEND(&bed, bed.lis, ACK);
        bed_pass(&bed, SECOND, SECOND);
    }
    assert_int_equal(bed.given_up, 1);
    release();
    (void)close(fd);
    bed_stop(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_along),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(endpoint_refuses),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(endpoint_waits),
        cmocka_unit_test(endpoint_bad_sender),
        cmocka_unit_test(endpoint_bad_receiver),
        cmocka_unit_test(contention),
        cmocka_unit_test(nothing_taken_for_a_while),
        cmocka_unit_test(mute_for_hours),
        cmocka_unit_test(kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
