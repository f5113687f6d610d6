/* Store and forward over MLLP: nothing is read for which there is no room. */
#include "relay_bed.h"

#define CONTENT(id) "MSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1\rOBX|1|NM|2345-7^G||5\r"
#define MSG(id) "\x0b" CONTENT(id) "\x1c\r"

static struct bed bed;

static struct relay_link_options options(void)
{
    struct relay_link_options o = bed_options();
    o.mode = RELAY_STORE_AND_FORWARD;
    return o;
}

static struct relay_status status_of(struct bed *b)
{
    struct relay_status s;
    relay_status(b->link, b->now, &s);
    assert_true(relay_waits(b->link) == (s.queue_messages > 0));
    return s;
}

static void start(const struct relay_link_options *o)
{
    bed_start(&bed);
    bed.records = true;
    bed_link(&bed, o);
}

/* There is no room for more: what was read is answered, the rest waits in the socket, nobody is cut off meanwhile, and all of it comes afterwards. */
static void no_room_for_a_while(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    int other = bed_connect(&bed, RELAY_ANALYZER);
    int half = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, half, "\x0bMSH|^~\\&|LAB|WARD|LIS");
    SEND(&bed, fd, MSG("1") "\x0bMSH|^~\\&|LAB|WARD|LIS");
    bed.no_room = true;
    SEND(&bed, fd, "|H|20260101||ORU^R01|2|P|2.5.1\r\x1c\r");
    SEND(&bed, other, MSG("3"));
    assert_true(bed.wanted > 65536); /* what it has of the second one counts, too */
    assert_int_equal(bed.messages, 1);
    assert_true(status_of(&bed).stopped);
    assert_false(status_of(&bed).full);
    relay_durable(bed.relay, 1); /* it was taken before */
    bed_run(&bed);
    assert_non_null(strstr(bed_got(fd), "MSA|AA|1"));
    bed_pass(&bed, 1000 * SECOND, SECOND); /* a message is begun and not whole: we do not read it, the sender is not slow */
    assert_string_equal(bed_got(fd), "");
    assert_string_equal(bed_got(other), "");
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 0);
    bed.no_room = false;
    relay_can_keep(bed.relay, true);
    bed_run(&bed);
    assert_int_equal(bed.messages, 3);
    bed_pass(&bed, 5 * SECOND, SECOND); /* its rest is still to come */
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 0);
    SEND(&bed, half, "|H|20260101||ORU^R01|4|P|2.5.1\r\x1c\r");
    assert_int_equal(bed.messages, 4);
    (void)close(half);
    relay_durable(bed.relay, 4);
    bed_pass(&bed, 5 * SECOND, SECOND);
    assert_non_null(strstr(bed_got(fd), "MSA|AA|2"));
    assert_non_null(strstr(bed_got(other), "MSA|AA|3"));
    assert_int_equal(bed.events[RELAY_EVENT_STOPPED], 2);
    /* who is slow once we read again is slow */
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB");
    bed_pass(&bed, 61 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 1);
    assert_string_equal(bed_got(fd), "<end>");
    (void)close(fd);
    (void)close(other);
    bed_stop(&bed);
    /* a link that goes on end to end instead never asks */
    o.when_full = RELAY_FULL_END_TO_END;
    start(&o);
    fd = bed_connect(&bed, RELAY_ANALYZER);
    bed.no_room = bed.keeps_not = true;
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    assert_int_equal(bed.wanted, 0);
    (void)close(fd);
    bed_stop(&bed);
}

/* A link that is added while nothing can be kept reads nothing, and says so. */
static void added_while_there_is_none(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    bed_start(&bed);
    bed.records = true;
    relay_can_keep(bed.relay, false);
    bed_link(&bed, &o);
    assert_true(status_of(&bed).stopped);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_int_equal(bed.messages, 0);
    relay_can_keep(bed.relay, true);
    bed_run(&bed);
    assert_int_equal(bed.messages, 1);
    assert_int_equal(bed.events[RELAY_EVENT_STOPPED], 2);
    (void)close(fd);
    bed_stop(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_room_for_a_while), cmocka_unit_test(added_while_there_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
