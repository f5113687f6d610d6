/* Store and forward over MLLP: durable, in order, once; outages, refusals, a full queue. */
#include "relay_bed.h"

#define CONTENT(id) "MSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1\rOBX|1|NM|2345-7^G||5\r"
#define MSG(id) "\x0b" CONTENT(id) "\x1c\r"
#define ACK(code, id) "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||ACK^R01|A" id "|P|2.5.1\rMSA|" code "|" id "\r\x1c\r"

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

static void durable_then_answered(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    bed_pass(&bed, 5 * SECOND, SECOND);
    assert_string_equal(bed_got(fd), ""); /* however long it takes */
    relay_durable(bed.relay, 1);
    bed_run(&bed);
    const char *got = bed_got(fd);
    assert_non_null(strstr(got, "|ACK^R01^ACK|"));
    assert_non_null(strstr(got, "\rMSA|AA|1\r\x1c\r"));
    assert_int_equal(strncmp(got, "\x0bMSH|^~\\&|LIS|H|LAB|WARD|", 22), 0);
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    assert_int_equal(bed.delivered, 0);
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_int_equal(bed.delivered, 1);
    assert_int_equal(bed.last_delivered, 1);
    assert_int_equal(status_of(&bed).queue_messages, 0);
    (void)close(fd);
    bed_stop(&bed);
}

static void answers_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *conditions;
        const char *answer; /* "": none */
    } cases[] = {{"AL|NE", "MSA|CA|7"}, {"AL|AL", "MSA|CA|7"}, {"NE|AL", "MSA|AA|7"}, {"NE|NE", ""},
                 {"ER|NE", ""},         {"SU|NE", "MSA|CA|7"}, {"|AL", "MSA|AA|7"}};
    struct relay_link_options o = options();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(&o);
        bed.records = false;
        int fd = bed_connect(&bed, RELAY_ANALYZER);
        char text[256];
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1|||%s\r\x1c\r", cases[i].conditions);
        bed_send(&bed, fd, text, (size_t)n);
        const char *got = bed_got(fd);
        if (cases[i].answer[0] == 0)
            assert_string_equal(got, "");
        else
            assert_non_null(strstr(got, cases[i].answer));
        assert_string_equal(bed_got(bed.lis), text);
        assert_int_equal(bed.delivered, strstr(cases[i].answer, "MSA") == NULL); /* who asks for none gets none from the LIS either */
        (void)close(fd);
        bed_stop(&bed);
    }
}

static void outage(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    bed_start(&bed);
    bed.lis_refuses = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    char text[256];
    for (int i = 0; i < 50; i++) {
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|M%d|P|2.5.1\r\x1c\r", i);
        bed_send(&bed, fd, text, (size_t)n);
        (void)snprintf(text, sizeof text, "MSA|AA|M%d\r", i);
        assert_non_null(strstr(bed_got(fd), text));
        bed_pass(&bed, 120 * SECOND, 5 * SECOND);
    }
    struct relay_status s = status_of(&bed);
    assert_int_equal(s.queue_messages, 50);
    assert_int_equal(s.queue_oldest, 1000 * SECOND);
    assert_int_equal(s.state, RELAY_STATE_DEGRADED);
    assert_int_equal(bed.events[RELAY_EVENT_DOWN], 1); /* told once */
    bed.lis_refuses = false;
    bed_pass(&bed, 31 * SECOND, SECOND);
    for (int i = 0; i < 50; i++) {
        (void)snprintf(text, sizeof text, "|M%d|P|", i);
        assert_non_null(strstr(bed_got(bed.lis), text)); /* one at a time, in order */
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LIS\rMSA|AA|M%d\r\x1c\r", i);
        bed_send(&bed, bed.lis, text, (size_t)n);
    }
    assert_int_equal(bed.delivered, 50);
    assert_int_equal(status_of(&bed).counters.resent, 0);
    assert_true(status_of(&bed).delay_p99 < SECOND); /* that the LIS was away is no delay of ours */
    assert_int_equal(status_of(&bed).state, RELAY_STATE_UP);
    (void)close(fd);
    bed_stop(&bed);
}

/* A LIS that accepts and never answers, and one that goes away in the middle. */
static void sent_again(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1") MSG("2"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "9")); /* not its answer */
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_WRONG], 1);
    assert_int_equal(bed.delivered, 0);
    bed_pass(&bed, 33 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_NO_ANSWER], 1);
    assert_string_equal(bed_got(bed.lis), MSG("1")); /* on a new connection, unchanged */
    assert_int_equal(bed.events[RELAY_EVENT_RESENT], 1);
    (void)close(bed.lis);
    bed.lis = -1;
    bed_pass(&bed, 3 * SECOND, SECOND);
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_int_equal(bed.delivered, 2);
    assert_int_equal(status_of(&bed).counters.resent, 2);
    (void)close(fd);
    bed_stop(&bed);
}

static void refused_by_lis(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1") MSG("2"));
    for (int i = 0; i < 3; i++) {
        assert_string_equal(bed_got(bed.lis), MSG("1"));
        SEND(&bed, bed.lis, ACK("AR", "1"));
        bed_pass(&bed, 5 * SECOND, SECOND);
    }
    assert_int_equal(bed.given_up, 1);
    assert_int_equal(bed.events[RELAY_EVENT_GIVEN_UP], 1);
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AE", "2"));
    bed_pass(&bed, 2 * SECOND, SECOND);
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_int_equal(bed.delivered, 1);
    /* somebody mended the LIS, and sends the result once more from the analyzer: it was never delivered, so it is now */
    (void)bed_got(fd);
    SEND(&bed, fd, MSG("1"));
    assert_non_null(strstr(bed_got(fd), "MSA|AA|1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_int_equal(bed.delivered, 2);
    (void)close(fd);
    bed_stop(&bed);
}

/* The LIS accepts it, and its application does not: it is told, whether or not the analyzer is still there to hear it. */
static void refused_behind_acceptance(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1|||AL|AL\r\x1c\r");
    (void)bed_got(fd);
    SEND(&bed, bed.lis, ACK("CA", "7"));
    assert_int_equal(bed.delivered, 1);
    static const char no[] = "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||ACK^R01|B7|P|2.5.1|||NE|NE\rMSA|AE|7|no such patient\r\x1c\r";
    SEND(&bed, bed.lis, no);
    assert_string_equal(bed_got(fd), no);
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_BAD], 1);
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_WRONG], 0);
    (void)close(fd);
    bed_pass(&bed, 6 * SECOND, SECOND);
    SEND(&bed, bed.lis, no);
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_BAD], 2);
    bed_stop(&bed);
}

/* A queue of very few: its alarm comes when some wait, not when none does. */
static void small_queue(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.queue_messages = 3;
    bed_start(&bed);
    bed.lis_refuses = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    assert_int_equal(bed.events[RELAY_EVENT_QUEUE], 0);
    SEND(&bed, fd, MSG("1") MSG("2"));
    assert_int_equal(bed.events[RELAY_EVENT_QUEUE], 0);
    SEND(&bed, fd, MSG("3"));
    assert_int_equal(bed.events[RELAY_EVENT_QUEUE], 1);
    bed.lis_refuses = false;
    bed_pass(&bed, 5 * SECOND, SECOND);
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_int_equal(bed.events[RELAY_EVENT_QUEUE], 1);
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_int_equal(bed.events[RELAY_EVENT_QUEUE], 2); /* over */
    (void)close(fd);
    bed_stop(&bed);
}

static void full_queue(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.queue_messages = 10;
    bed_start(&bed);
    bed.lis_refuses = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    char text[256];
    for (int i = 0; i < 12; i++) {
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|M%d|P|2.5.1\r\x1c\r", i);
        bed_send(&bed, fd, text, (size_t)n);
        assert_int_equal(bed.events[RELAY_EVENT_QUEUE], i >= 7);
        assert_int_equal(strstr(bed_got(fd), "MSA|AA|") != NULL, i < 10);
    }
    assert_int_equal(bed.events[RELAY_EVENT_STOPPED], 1);
    assert_true(status_of(&bed).stopped);
    bed.lis_refuses = false;
    bed_pass(&bed, 5 * SECOND, SECOND);
    for (int i = 0; i < 12; i++) {
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LIS\rMSA|AA|M%d\r\x1c\r", i);
        bed_send(&bed, bed.lis, text, (size_t)n);
    }
    assert_int_equal(bed.delivered, 12); /* the two that waited in the socket came when there was room */
    assert_false(status_of(&bed).stopped);
    assert_int_equal(bed.events[RELAY_EVENT_QUEUE], 2);
    (void)close(fd);
    bed_stop(&bed);
}

static void nothing_can_be_kept(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    relay_can_keep(bed.relay, false);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(fd), "");
    assert_string_equal(bed_got(bed.lis), "");
    relay_can_keep(bed.relay, true);
    bed_run(&bed);
    relay_durable(bed.relay, 1);
    bed_run(&bed);
    assert_non_null(strstr(bed_got(fd), "MSA|AA|1"));
    (void)close(fd);
    bed_stop(&bed);
    /* or end to end: the LIS's own answer is the answer */
    o.when_full = RELAY_FULL_END_TO_END;
    start(&o);
    fd = bed_connect(&bed, RELAY_ANALYZER);
    bed.keeps_not = true;
    relay_can_keep(bed.relay, false);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(fd), "");
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_string_equal(bed_got(fd), ACK("AA", "1"));
    (void)close(fd);
    bed_stop(&bed);
}

static void repeated_ids(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    (void)bed_got(fd);
    SEND(&bed, fd, MSG("1")); /* its answer was lost on the way */
    assert_non_null(strstr(bed_got(fd), "MSA|AA|1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_string_equal(bed_got(bed.lis), "");
    assert_int_equal(bed.events[RELAY_EVENT_REPEATED], 1);
    bed_pass(&bed, 6 * SECOND, SECOND);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|1|P|2.5.1\rOBX|1|NM|2345-7^G||6\r\x1c\r"); /* another one under the same */
    assert_non_null(strstr(bed_got(bed.lis), "||6\r"));
    assert_int_equal(bed.events[RELAY_EVENT_REPEATED], 2);
    assert_int_equal(status_of(&bed).counters.repeated, 2);
    (void)close(fd);
    bed_stop(&bed);
}

static void fed_after_restart(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    bed_start(&bed);
    struct error e = {0};
    bed.link = relay_add_link(bed.relay, &o, &e);
    assert_non_null(bed.link);
    assert_int_equal(relay_feed(bed.link, 41, SPAN_LIT(CONTENT("1")), true, bed.now - 90 * SECOND, &e), 0);
    assert_int_equal(relay_feed(bed.link, 42, SPAN_LIT(CONTENT("2")), false, bed.now, &e), 0);
    assert_true(status_of(&bed).queue_oldest == bed.now - 90 * SECOND); /* it waits since then, not since this run */
    bed_run(&bed);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("3"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    assert_int_equal(bed.events[RELAY_EVENT_RESENT], 1);
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_int_equal(bed.last_delivered, 41);
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_string_equal(bed_got(bed.lis), MSG("3"));
    assert_int_equal(status_of(&bed).counters.resent, 1);
    (void)close(fd);
    bed_stop(&bed);
}

/* What an earlier run left comes late: it goes before what this run took and has not sent yet. */
static void fed_late(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("5"));
    SEND(&bed, fd, MSG("6"));
    struct error e = {0};
    assert_int_equal(relay_feed(bed.link, 1, SPAN_LIT(CONTENT("1")), false, bed.now, &e), 0);
    assert_int_equal(relay_feed(bed.link, 2, SPAN_LIT(CONTENT("2")), false, bed.now, &e), 0);
    SEND(&bed, fd, MSG("7"));
    static const char *const want[] = {MSG("5"), MSG("1"), MSG("2"), MSG("6"), MSG("7")};
    static const char *const acks[] = {ACK("AA", "5"), ACK("AA", "1"), ACK("AA", "2"), ACK("AA", "6"), ACK("AA", "7")};
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(bed_got(bed.lis), want[i]);
        bed_send(&bed, bed.lis, acks[i], strlen(acks[i]));
    }
    assert_int_equal(relay_feed(bed.link, 3, SPAN_LIT(CONTENT("3")), false, bed.now, &e), 0);
    bed_run(&bed);
    assert_string_equal(bed_got(bed.lis), MSG("3"));
    (void)close(fd);
    bed_stop(&bed);
}

/* The analyzer had not heard that an earlier run took a message, and sent it again before that one was fed: it is delivered once. */
static void fed_twin(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    relay_hold(bed.link, true);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    SEND(&bed, fd, MSG("2"));
    SEND(&bed, fd, MSG("3"));
    struct error e = {0};
    assert_int_equal(relay_feed(bed.link, 1, SPAN_LIT(CONTENT("2")), true, bed.now, &e), 0);
    assert_int_equal(bed.merged, 1);
    assert_int_equal(bed.events[RELAY_EVENT_REPEATED], 1);
    assert_int_equal(relay_feed(bed.link, 2, SPAN_LIT(CONTENT("3")), false, bed.now, &e), 0);
    assert_int_equal(bed.merged, 2);
    assert_int_equal(status_of(&bed).queue_messages, 3);
    SEND(&bed, fd, MSG("4"));
    relay_hold(bed.link, false);
    bed_run(&bed);
    static const char *const want[] = {MSG("2"), MSG("3"), MSG("1"), MSG("4")};
    static const char *const acks[] = {ACK("AA", "2"), ACK("AA", "3"), ACK("AA", "1"), ACK("AA", "4")};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(bed_got(bed.lis), want[i]);
        assert_int_equal(relay_sends_again(bed.link), i < 2);
        bed_send(&bed, bed.lis, acks[i], strlen(acks[i]));
    }
    assert_string_equal(bed_got(bed.lis), "");
    assert_int_equal(status_of(&bed).queue_messages, 0);
    assert_int_equal(bed.delivered, 4);
    (void)close(fd);
    bed_stop(&bed);
}

/* A query wants data, which only the LIS has; an order of the LIS goes to the analyzer, and its answer back. */
static void both_ways(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
#define QUERY "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||QBP^Q11|Q1|P|2.5.1\rQPD|WOS\r\x1c\r"
#define REPLY "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||RSP^K11|R1|P|2.5.1\rMSA|AA|Q1\rQAK|1|OK\r\x1c\r"
    SEND(&bed, fd, QUERY);
    assert_string_equal(bed_got(fd), "");
    assert_string_equal(bed_got(bed.lis), QUERY);
    SEND(&bed, bed.lis, REPLY);
    assert_string_equal(bed_got(fd), REPLY);
    assert_int_equal(bed.delivered, 1);
#define ORDER "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||OML^O33|O1|P|2.5.1\rORC|NW\r\x1c\r"
    SEND(&bed, bed.lis, ORDER);
    assert_string_equal(bed_got(fd), ORDER);
    SEND(&bed, fd, ACK("AA", "O1"));
    assert_string_equal(bed_got(bed.lis), ACK("AA", "O1"));
    (void)close(fd);
    bed_run(&bed);
    SEND(&bed, bed.lis, ORDER);
    assert_non_null(strstr(bed_got(bed.lis), "MSA|AE|O1|the analyzer is not connected"));
    assert_int_equal(status_of(&bed).counters.from_lis, 2);
    bed_stop(&bed);
}

/* Chance: analyzers that come and go and send again, a LIS that answers, says AE, is silent, answers something else, or goes away. What was
 * acknowledged arrives, in the order of acknowledgement, and what arrives twice was counted as sent again. */
#define CHAOS 300 /* messages */

struct chaos {
    uint64_t random;
    int fd;
    unsigned next;    /* the message that is being sent */
    unsigned acked;   /* … all before it are */
    unsigned arrived; /* at the LIS, the first time each */
    unsigned twice;
    bool answered; /* the LIS has answered the newest that arrived */
};

static unsigned chance(struct chaos *c, unsigned of)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (unsigned)(c->random % of);
}

static void analyzer_acts(struct chaos *c)
{
    char text[256];
    if (c->fd < 0)
        c->fd = bed_connect(&bed, RELAY_ANALYZER);
    const char *got = bed_got(c->fd);
    (void)snprintf(text, sizeof text, "MSA|AA|M%u\r", c->next);
    if (strstr(got, text) != NULL)
        c->acked = ++c->next;
    if (strstr(got, "<end>") != NULL || chance(c, 20) == 0) {
        (void)close(c->fd);
        c->fd = -1;
        return;
    }
    if (c->next == CHAOS)
        return;
    int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|M%u|P|2.5.1\rOBX|1|NM|1||%u\r\x1c\r", c->next, c->next);
    bool cut = chance(c, 10) == 0;
    if (cut)
        n = (int)chance(c, (unsigned)n);
    bed_send(&bed, c->fd, text, (size_t)n);
    if (cut) {
        (void)close(c->fd);
        c->fd = -1;
    }
}

static void lis_acts(struct chaos *c)
{
    char text[128];
    const char *got = bed.lis < 0 ? "" : bed_got(bed.lis);
    const char *id = strstr(got, "|M");
    if (id != NULL && strstr(got, "\x1c\r") != NULL) {
        unsigned n = (unsigned)strtoul(id + 2, NULL, 10);
        assert_true(n <= c->arrived); /* in order, none left out */
        if (n < c->arrived) {
            assert_int_equal(n + 1, c->arrived); /* only the one whose answer did not get through */
            c->twice++;
        } else
            c->arrived++;
        c->answered = false;
    }
    if (bed.lis < 0 || c->arrived == 0 || c->answered)
        return;
    unsigned what = chance(c, 12);
    if (what == 0) {
        (void)close(bed.lis);
        bed.lis = -1;
    } else if (what == 1)
        SEND(&bed, bed.lis, ACK("AA", "someone's"));
    else if (what < 9) {
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LIS\rMSA|%s|M%u\r\x1c\r", what == 2 ? "AE" : "AA", c->arrived - 1);
        c->answered = what != 2;
        bed_send(&bed, bed.lis, text, (size_t)n);
        if (chance(c, 8) == 0) { /* it goes before we can be sure that the answer was heard */
            (void)close(bed.lis);
            bed.lis = -1;
        }
    }
}

static void chaos(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.answer_time = 5 * SECOND;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        start(&o);
        struct chaos c = {.random = seed * 0x9e3779b97f4a7c15u, .fd = -1};
        for (unsigned step = 0; step < 60000 && (c.next < CHAOS || status_of(&bed).queue_messages > 0); step++) {
            bed.lis_refuses = chance(&c, 40) == 0;
            if (chance(&c, 3) != 0)
                analyzer_acts(&c);
            if (chance(&c, 3) == 0)
                relay_durable(bed.relay, bed.token);
            if (chance(&c, 3) != 0)
                lis_acts(&c);
            bed.now += chance(&c, 3) == 0 ? SECOND : 0;
            bed_run(&bed);
        }
        struct relay_status s = status_of(&bed);
        assert_int_equal(c.next, CHAOS);
        assert_int_equal(s.queue_messages, 0);
        assert_int_equal(c.arrived, CHAOS);
        assert_int_equal(bed.given_up, 0);
        assert_true(c.twice <= s.counters.resent + bed.events[RELAY_EVENT_ANSWER_BAD] * 6);
        assert_int_equal(bed.delivered, CHAOS);
        if (c.fd >= 0)
            (void)close(c.fd);
        bed_stop(&bed);
    }
}

/* The same over several connections: what one sender sent arrives in order, one at a time, whichever connections break. */
#define SENDERS 6
#define EACH 100

struct several {
    struct chaos c; /* for chance */
    int analyzer[SENDERS];
    unsigned next[SENDERS];
    unsigned arrived[SENDERS];
    bool answered[SENDERS]; /* the LIS has answered the newest that arrived */
    unsigned twice;
    unsigned most; /* messages that were on their way at one time */
    int lis[64];
    unsigned owes[64]; /* 1 + the sender whose message waits for an answer there; 0: none */
    size_t lis_n;
};

static void sender_acts(struct several *v, unsigned sender)
{
    char text[256];
    int *fd = &v->analyzer[sender];
    if (*fd < 0)
        *fd = bed_connect(&bed, RELAY_ANALYZER);
    const char *got = bed_got(*fd);
    (void)snprintf(text, sizeof text, "MSA|AA|S%uM%u\r", sender, v->next[sender]);
    v->next[sender] += strstr(got, text) != NULL;
    if (strstr(got, "<end>") != NULL || chance(&v->c, 20) == 0) {
        (void)close(*fd);
        *fd = -1;
        return;
    }
    if (v->next[sender] == EACH)
        return;
    int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LAB%u|WARD|LIS|H|20260101||ORU^R01|S%uM%u|P|2.5.1\rOBX|1|NM|1||%u\r\x1c\r", sender, sender,
                     v->next[sender], v->next[sender]);
    bed_send(&bed, *fd, text, (size_t)n);
}

static void take_new_connections(struct several *v)
{
    for (size_t i = 0; i < bed.old_n; i++)
        v->lis[v->lis_n++] = bed.old[i];
    bed.old_n = 0;
    if (bed.lis >= 0)
        v->lis[v->lis_n++] = bed.lis;
    bed.lis = -1;
    assert_true(v->lis_n <= 16);
}

static void close_lis(struct several *v, size_t i)
{
    (void)close(v->lis[i]);
    v->lis_n--;
    v->lis[i] = v->lis[v->lis_n];
    v->owes[i] = v->owes[v->lis_n];
    v->owes[v->lis_n] = 0;
}

static void outlet_acts(struct several *v, size_t i)
{
    char text[128];
    const char *got = bed_got(v->lis[i]);
    const char *id = strstr(got, "|S");
    if (id != NULL) {
        unsigned sender = (unsigned)strtoul(id + 2, NULL, 10);
        unsigned n = (unsigned)strtoul(strchr(id, 'M') + 1, NULL, 10);
        assert_true(sender < SENDERS);
        assert_int_equal(v->owes[i], 0); /* one at a time */
        assert_true(n <= v->arrived[sender]);
        if (n < v->arrived[sender]) {
            assert_int_equal(n + 1, v->arrived[sender]);
            v->twice++;
        } else {
            assert_true(n == 0 || v->answered[sender]);
            v->arrived[sender]++;
        }
        v->answered[sender] = false;
        v->owes[i] = 1 + sender;
    }
    unsigned owing = 0;
    for (size_t k = 0; k < v->lis_n; k++)
        owing += v->owes[k] != 0;
    v->most = owing > v->most ? owing : v->most;
    if (strstr(got, "<end>") != NULL || chance(&v->c, 30) == 0) {
        close_lis(v, i);
        return;
    }
    if (v->owes[i] == 0 || chance(&v->c, 2) == 0)
        return;
    unsigned sender = v->owes[i] - 1;
    int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LIS\rMSA|AA|S%uM%u\r\x1c\r", sender, v->arrived[sender] - 1);
    v->answered[sender] = true;
    v->owes[i] = 0;
    bed_send(&bed, v->lis[i], text, (size_t)n);
}

static bool all_sent(const struct several *v)
{
    for (unsigned i = 0; i < SENDERS; i++)
        if (v->next[i] < EACH)
            return false;
    return status_of(&bed).queue_messages == 0;
}

static void several_connections(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.answer_time = 5 * SECOND;
    o.deliveries = 4;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        start(&o);
        struct several v = {.c = {.random = seed * 0x9e3779b97f4a7c15u}, .analyzer = {-1, -1, -1, -1, -1, -1}};
        for (unsigned step = 0; step < 60000 && !all_sent(&v); step++) {
            bed.lis_refuses = chance(&v.c, 40) == 0;
            sender_acts(&v, chance(&v.c, SENDERS));
            if (chance(&v.c, 3) == 0)
                relay_durable(bed.relay, bed.token);
            take_new_connections(&v);
            if (v.lis_n > 0)
                outlet_acts(&v, chance(&v.c, (unsigned)v.lis_n));
            bed.now += chance(&v.c, 3) == 0 ? SECOND / 4 : 0;
            bed_run(&bed);
            take_new_connections(&v);
            struct relay_status s = status_of(&bed);
            assert_true(s.side[RELAY_LIS].connections <= 4);
        }
        assert_true(all_sent(&v));
        for (unsigned i = 0; i < SENDERS; i++) {
            assert_int_equal(v.arrived[i], EACH);
            if (v.analyzer[i] >= 0)
                (void)close(v.analyzer[i]);
        }
        assert_int_equal(bed.delivered, SENDERS * EACH);
        assert_int_equal(v.most, 4); /* side by side: six senders are spread over all four */
        assert_true(v.twice <= status_of(&bed).counters.resent);
        while (v.lis_n > 0)
            close_lis(&v, 0);
        bed_stop(&bed);
    }
}

/* Of what an earlier run left, each sender's first may have been on its way, and goes before what comes now; a LIS that is away is not dialled the
 * faster for the number of connections; its orders are answered where they came from. */
static void several_after_restart(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.deliveries = 3;
    bed_start(&bed);
    bed.lis_refuses = true;
    bed_link(&bed, &o);
    bed_pass(&bed, 200 * SECOND, SECOND / 2);
    assert_in_range(bed.dials, 3 * 8, 3 * 14); /* after 0.5, 1, 2, 4, 8, 16, 30 … seconds */
    struct error e = {0};
    relay_hold(bed.link, true);
#define OF(sender, id) "MSH|^~\\&|" sender "|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1\r"
    assert_int_equal(relay_feed(bed.link, 1, SPAN_LIT(OF("A", "a1")), true, bed.now, &e), 0);
    assert_int_equal(relay_feed(bed.link, 2, SPAN_LIT(OF("B", "b1")), false, bed.now, &e), 0);
    assert_int_equal(relay_feed(bed.link, 3, SPAN_LIT(OF("A", "a2")), false, bed.now, &e), 0);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, "\x0b" OF("B", "b2") "\x1c\r");
    bed.lis_refuses = false;
    relay_hold(bed.link, false);
    bed_pass(&bed, SECOND, SECOND / 4);
    int lis[3] = {bed.old[0], bed.old[1], bed.lis};
    assert_int_equal(bed.old_n, 2);
    unsigned seen = 0;
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < 3; i++) {
            const char *got = bed_got(lis[i]);
            const char *id = strstr(got, "ORU^R01|");
            if (id == NULL)
                continue;
            char name[3] = {id[8], id[9], 0};
            char text[128];
            assert_true(name[1] == '1' || (seen & (name[0] == 'a' ? 1u : 2u)) != 0); /* in order */
            seen |= name[1] == '2' ? 0 : name[0] == 'a' ? 1u : 2u;
            int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LIS\rMSA|AA|%s\r\x1c\r", name);
            bed_send(&bed, lis[i], text, (size_t)n);
        }
    assert_int_equal(bed.delivered, 4);
    assert_int_equal(status_of(&bed).counters.resent, 2); /* a1, b1 */
    for (int i = 0; i < 3; i++) {
        SEND(&bed, lis[i], ORDER);
        assert_non_null(strstr(bed_got(fd), ORDER));
        SEND(&bed, fd, ACK("AA", "O1"));
        assert_string_equal(bed_got(lis[i]), ACK("AA", "O1"));
    }
    (void)close(fd);
    bed_stop(&bed);
}

/* Full, and configured to go on end to end: what comes on top is answered by the LIS alone; sent again, it is still one. */
static void full_goes_end_to_end(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.queue_messages = 2;
    o.when_full = RELAY_FULL_END_TO_END;
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1") MSG("2"));
    assert_non_null(strstr(bed_got(fd), "MSA|AA|2"));
    SEND(&bed, fd, MSG("3"));
    SEND(&bed, fd, MSG("3"));
    assert_string_equal(bed_got(fd), "");
    assert_int_equal(status_of(&bed).queue_messages, 3);
    int other = bed_connect(&bed, RELAY_ANALYZER); /* it comes back on a new connection, and asks again there */
    (void)close(fd);
    bed_run(&bed);
    SEND(&bed, other, MSG("3"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_string_equal(bed_got(bed.lis), MSG("3"));
    assert_string_equal(bed_got(other), "");
    SEND(&bed, bed.lis, ACK("AA", "3"));
    assert_string_equal(bed_got(other), ACK("AA", "3"));
    assert_string_equal(bed_got(bed.lis), "");
    assert_int_equal(bed.delivered, 3);
    (void)close(other);
    bed_stop(&bed);
}

/* The LIS connects to us; its newest connection is the one that counts. */
static void lis_connects(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    o.side[RELAY_LIS].dial = false;
    start(&o);
    bed.records = false;
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_non_null(strstr(bed_got(fd), "MSA|AA|1"));
    int first = bed_connect(&bed, RELAY_LIS);
    assert_string_equal(bed_got(first), MSG("1"));
    int second = bed_connect(&bed, RELAY_LIS);
    assert_string_equal(bed_got(first), "<end>");
    assert_string_equal(bed_got(second), MSG("1"));
    SEND(&bed, second, "\x0b\x06\x1c\r"); /* of MLLP release 2 */
    assert_int_equal(bed.delivered, 1);
    (void)close(first);
    (void)close(second);
    (void)close(fd);
    bed_stop(&bed);
}

/* Orders for an analyzer that does not read: answered, not heaped up. */
static void orders_without_end(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    unsigned refused = 0;
    for (int i = 0; i < 20000 && refused < 100; i++) {
        char text[256];
        int n = snprintf(text, sizeof text, "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||OML^O33|O%d|P|2.5.1\rNTE|1||%0100d\r\x1c\r", i, i);
        if (send(bed.lis, text, (size_t)n, MSG_NOSIGNAL) != n)
            bed_run(&bed);
        if (i % 16 == 0)
            bed_run(&bed);
        if (i % 64 == 0)
            refused += strstr(bed_got(bed.lis), "takes nothing now") != NULL;
    }
    assert_true(refused > 0);
    (void)close(fd);
    bed_stop(&bed);
}

static void held_and_bypassed(void **state)
{
    (void)state;
    struct relay_link_options o = options();
    start(&o);
    bed.records = false;
    relay_hold(bed.link, true);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_non_null(strstr(bed_got(fd), "MSA|AA|1"));
    assert_string_equal(bed_got(bed.lis), "");
    relay_hold(bed.link, false);
    bed_run(&bed);
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    relay_bypass(bed.link, true);
    bed_run(&bed);
    assert_string_equal(bed_got(fd), "<end>"); /* it connects again, and is passed on */
    (void)close(fd);
    int old = bed.lis;
    fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("2"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_string_equal(bed_got(fd), ACK("AA", "2"));
    SEND(&bed, old, ACK("AA", "1")); /* what waited is delivered beside */
    assert_int_equal(bed.delivered, 1);
    assert_string_equal(bed_got(old), "<end>");
    (void)close(fd);
    bed_stop(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durable_then_answered),
        cmocka_unit_test(answers_as_asked),
        cmocka_unit_test(outage),
        cmocka_unit_test(sent_again),
        cmocka_unit_test(refused_by_lis),
        cmocka_unit_test(refused_behind_acceptance),
        cmocka_unit_test(small_queue),
        cmocka_unit_test(full_queue),
        cmocka_unit_test(nothing_can_be_kept),
        cmocka_unit_test(repeated_ids),
        cmocka_unit_test(fed_after_restart),
        cmocka_unit_test(fed_late),
        cmocka_unit_test(fed_twin),
        cmocka_unit_test(both_ways),
        cmocka_unit_test(held_and_bypassed),
        cmocka_unit_test(chaos),
        cmocka_unit_test(several_connections),
        cmocka_unit_test(several_after_restart),
        cmocka_unit_test(full_goes_end_to_end),
        cmocka_unit_test(lis_connects),
        cmocka_unit_test(orders_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
