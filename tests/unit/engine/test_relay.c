/* MLLP over the relay: end to end, policy, bad peers. */
#include "relay_bed.h"

#define MSG(id) "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1\rPID|1||1\rOBR|1\rOBX|1|NM|2345-7^G||5\r\x1c\r"
#define ACK(code, id) "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||ACK^R01|A" id "|P|2.5.1\rMSA|" code "|" id "\r\x1c\r"
#define ENHANCED(id, accept, application)                                                                                                            \
    "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1|||" accept "|" application "\rOBX|1|NM|2345-7^G||5\r\x1c\r"

static struct bed bed; /* large */

static struct relay_status status_of(struct bed *b)
{
    struct relay_status s;
    relay_status(b->link, b->now, &s);
    return s;
}

static void passes_byte_for_byte(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    static const char stream[] = MSG("1") "\r\n" MSG("2") MSG("3");
    for (size_t step = 1; step <= sizeof stream; step += step < 12 ? 1 : 37) {
        for (int refusing = 0; refusing < 2; refusing++) {
            bed_start(&bed);
            static const char *const types[] = {"ORU^R01"};
            o.policy = (struct relay_policy){.unknown = refusing ? RELAY_UNKNOWN_REFUSE : RELAY_UNKNOWN_FLAG, .types = types, .types_n = 1};
            bed_link(&bed, &o);
            int fd = bed_connect(&bed, RELAY_ANALYZER);
            for (size_t at = 0; at < sizeof stream - 1; at += step)
                bed_send(&bed, fd, stream + at, sizeof stream - 1 - at < step ? sizeof stream - 1 - at : step);
            assert_string_equal(bed_got(bed.lis), refusing ? MSG("1") MSG("2") MSG("3") : stream);
            assert_int_equal(bed.messages, 3);
            assert_string_equal(bed.type, "ORU^R01");
            SEND(&bed, bed.lis, ACK("AA", "1") ACK("AA", "2"));
            SEND(&bed, bed.lis, ACK("AA", "3"));
            assert_string_equal(bed_got(fd), ACK("AA", "1") ACK("AA", "2") ACK("AA", "3"));
            struct relay_status s = status_of(&bed);
            assert_int_equal(s.counters.received, 3);
            assert_int_equal(s.counters.forwarded, 3);
            assert_int_equal(s.counters.answered, 3);
            assert_int_equal(s.counters.violations, 0);
            assert_int_equal(s.state, RELAY_STATE_UP);
            assert_int_equal(bed.seen[RELAY_ANALYZER][0].n, sizeof stream - 1);
            assert_int_equal(bed.seen[RELAY_LIS][1].n, sizeof stream - 1 - (refusing ? 2 : 0));
            (void)close(fd);
            bed_run(&bed);
            assert_string_equal(bed_got(bed.lis), "<end>");
            bed_stop(&bed);
        }
    }
}

/* Nothing waits for the end of a message where policy cannot refuse. */
static void cut_through(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LA");
    assert_string_equal(bed_got(bed.lis), "\x0bMSH|^~\\&|LA");
    SEND(&bed, fd, "B|WARD");
    assert_string_equal(bed_got(bed.lis), "B|WARD");
    (void)close(fd);
    bed_stop(&bed);
}

static void answer_waits_for_record(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed.records = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_string_equal(bed_got(fd), "");
    relay_durable(bed.relay, 1);
    bed_run(&bed);
    assert_string_equal(bed_got(fd), ACK("AA", "1"));
    /* the record does not come: after 200 ms the answer goes without it, and that is told */
    SEND(&bed, fd, MSG("2"));
    (void)bed_got(bed.lis);
    SEND(&bed, bed.lis, ACK("AA", "2"));
    bed_pass(&bed, 199 * TIME_MS, 20 * TIME_MS);
    assert_string_equal(bed_got(fd), "");
    bed_pass(&bed, 2 * TIME_MS, TIME_MS);
    assert_string_equal(bed_got(fd), ACK("AA", "2"));
    assert_int_equal(bed.events[RELAY_EVENT_UNRECORDED], 1);
    assert_int_equal(status_of(&bed).counters.unrecorded, 1);
    assert_true(status_of(&bed).delay_p99 >= 190 * TIME_MS);
    (void)close(fd);
    bed_stop(&bed);
}

static void policy_refuses(void **state)
{
    (void)state;
    static const char *const types[] = {"ORU^R01"};
    static const char *const senders[] = {"LAB|WARD", "OTHER"};
    static const char *const tests[] = {"2345-7"};
    static const struct {
        const char *message;
        const char *answer; /* a part of it; "": it passes */
    } cases[] = {
        {MSG("1"), ""},
        {"\x0bMSH|^~\\&|OTHER|ANYWHERE|LIS|H|20260101||ORU^R01|7|P|2.5.1\rOBX|1|NM|2345-7||5\r\x1c\r", ""},
        {"\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ADT^A40|7|P|2.5.1\rPID|1\r\x1c\r",
         "MSA|AR|7|this type of message is not allowed on this link\rERR|||200|E||||this type"},
        {"\x0bMSH|^~\\&|EVIL|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1\rOBX|1|NM|2345-7||5\r\x1c\r", "MSA|AR|7|this sender"},
        {"\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1\rOBX|1|NM|1-1||5\r\x1c\r", "MSA|AR|7|a test of this message"},
        {"\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1|||AL|NE\rOBX|1|NM|1-1||5\r\x1c\r", "MSA|CR|7|"},
        {"\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1|||NE|AL\rOBX|1|NM|1-1||5\r\x1c\r", "MSA|AR|7|"},
        {"\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ADT^A40|7|P|2.5.1\rMSA|AA|9\rPID|1\r\x1c\r", "MSA|AR|7|this type"}, /* no way round by an MSA */
        {"\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|7|P|2.5.1\rOBX|1|NM|2345-7||5\rMSH|^~\\&|LAB|WARD|LIS|H|20260101||ADT^A40|8|P|2.5.1\r\x1c\r",
         "MSA|AR|7|several messages came as one"},
    };
    struct relay_link_options o = bed_options();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int how = RELAY_UNKNOWN_PASS; how <= RELAY_UNKNOWN_REFUSE; how++) {
            o.policy = (struct relay_policy){
                .unknown = (enum relay_unknown)how, .types = types, .types_n = 1, .senders = senders, .senders_n = 2, .tests = tests, .tests_n = 1};
            bed_start(&bed);
            bed_link(&bed, &o);
            int fd = bed_connect(&bed, RELAY_ANALYZER);
            bed_send(&bed, fd, cases[i].message, strlen(cases[i].message));
            bool refused = how == RELAY_UNKNOWN_REFUSE && cases[i].answer[0] != 0;
            assert_string_equal(bed_got(bed.lis), refused ? "" : cases[i].message);
            const char *got = bed_got(fd);
            if (refused)
                assert_non_null(strstr(got, cases[i].answer));
            else
                assert_string_equal(got, "");
            assert_int_equal(bed.events[RELAY_EVENT_REFUSED], refused);
            assert_int_equal(bed.events[RELAY_EVENT_FLAGGED], how == RELAY_UNKNOWN_FLAG && cases[i].answer[0] != 0);
            (void)close(fd);
            bed_stop(&bed);
        }
    }
}

static void learnt(void *context, enum relay_learnt what, const char *text, uint64_t count)
{
    char line[200];
    (void)snprintf(line, sizeof line, "%d %s %llu\n", what, text, (unsigned long long)count);
    buf_add_str(context, line);
}

static void policy_learns(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    o.policy = (struct relay_policy){.unknown = RELAY_UNKNOWN_REFUSE, .learn_until = 1060 * SECOND};
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1") MSG("2"));
    struct buf out = BUF_INIT(4096);
    relay_proposed(bed.link, learnt, &out);
    assert_string_equal(buf_text(&out), "0 ORU^R01 2\n1 LAB|WARD 2\n2 2345-7 2\n");
    uint32_t size;
    uint32_t rate;
    relay_proposed_limits(bed.link, &size, &rate);
    assert_int_equal(size, sizeof MSG("1") - 4);
    assert_int_equal(rate, 2);
    assert_true(status_of(&bed).learning);
    static const char *const types[] = {"OUL^R22"};
    struct relay_policy then = {.unknown = RELAY_UNKNOWN_REFUSE, .types = types, .types_n = 1};
    struct error e = {0};
    assert_int_equal(relay_set_policy(bed.link, &then, &e), 0);
    (void)bed_got(bed.lis);
    SEND(&bed, fd, MSG("3"));
    assert_string_equal(bed_got(bed.lis), "");
    assert_non_null(strstr(bed_got(fd), "MSA|AR|3|"));
    buf_release(&out);
    (void)close(fd);
    bed_stop(&bed);
}

static void rate_and_size(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    o.policy = (struct relay_policy){.unknown = RELAY_UNKNOWN_REFUSE, .rate_max = 3, .size_max = 200};
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1") MSG("2") MSG("3") MSG("4") MSG("5"));
    assert_string_equal(bed_got(bed.lis), MSG("1") MSG("2") MSG("3"));
    assert_non_null(strstr(bed_got(fd), "MSA|AR|4|more messages in a minute"));
    assert_int_equal(bed.events[RELAY_EVENT_FLOOD], 1);
    bed.now += 61 * SECOND;
    SEND(&bed, fd, MSG("6"));
    assert_string_equal(bed_got(bed.lis), MSG("6"));
    char large[512] = "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|8|P|2.5.1\rNTE|1||";
    memset(large + strlen(large), 'x', 300);
    memcpy(large + strlen(large), "\r\x1c\r", 4);
    bed_send(&bed, fd, large, strlen(large));
    assert_non_null(strstr(bed_got(fd), "MSA|AR|8|the message is longer than this link allows"));
    (void)close(fd);
    bed_stop(&bed);
}

static void enhanced(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    /* accept, then application, which is acknowledged itself */
    SEND(&bed, fd, ENHANCED("1", "AL", "AL"));
    SEND(&bed, bed.lis, ACK("CA", "1"));
    SEND(&bed, bed.lis, "\x0bMSH|^~\\&|LIS|H|LAB|WARD|20260101||ACK^R01|77|P|2.5.1|||AL|NE\rMSA|AA|1\r\x1c\r");
    SEND(&bed, fd, ACK("CA", "77"));
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_WRONG], 0);
    /* none is asked for: none is missed */
    SEND(&bed, fd, ENHANCED("2", "NE", "NE"));
    bed_pass(&bed, 60 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_NO_ANSWER], 0);
    (void)close(fd);
    bed_stop(&bed);
}

/* MLLP release 2: the answer is one byte. */
static void commit_blocks(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed.records = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    SEND(&bed, bed.lis, "\x0b\x06\x1c\r");
    assert_string_equal(bed_got(fd), "");
    relay_durable(bed.relay, 1);
    bed_run(&bed);
    assert_string_equal(bed_got(fd), "\x0b\x06\x1c\r");
    SEND(&bed, fd, MSG("2"));
    SEND(&bed, bed.lis, "\x0b\x15\x1c\r");
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_BAD], 1);
    assert_int_equal(status_of(&bed).counters.violations, 0);
    (void)close(fd);
    bed_stop(&bed);
}

/* An analyzer that leaves while the LIS has not connected yet makes no pair with it. */
static void leaves_early(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    o.side[RELAY_LIS].dial = false;
    bed_start(&bed);
    bed_link(&bed, &o);
    int gone = bed_connect(&bed, RELAY_ANALYZER);
    (void)close(gone);
    bed_run(&bed);
    assert_int_equal(status_of(&bed).side[0].connections, 0);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    int lis = bed_connect(&bed, RELAY_LIS);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(lis), MSG("1"));
    (void)close(fd);
    (void)close(lis);
    bed_stop(&bed);
}

static void bad_answers(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    SEND(&bed, bed.lis, ACK("AA", "9"));
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_WRONG], 1);
    assert_string_equal(bed_got(fd), ACK("AA", "9")); /* byte for byte, and told */
    SEND(&bed, bed.lis, ACK("AE", "1"));
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_BAD], 1);
    bed_pass(&bed, 10 * SECOND, SECOND);
    SEND(&bed, fd, MSG("2"));
    SEND(&bed, bed.lis, ACK("OK", "2"));
    assert_int_equal(bed.events[RELAY_EVENT_ANSWER_WRONG], 2);
    SEND(&bed, fd, MSG("3"));
    bed_pass(&bed, 31 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_NO_ANSWER], 1);
    assert_int_equal(status_of(&bed).counters.unanswered, 1);
    /* whoever waits for the answer hears that none came; a late one is not passed on */
    const char *got = bed_got(fd);
    assert_non_null(strstr(got, "MSA|AE|3|the LIS did not answer in time"));
    SEND(&bed, bed.lis, ACK("AA", "3"));
    assert_string_equal(bed_got(fd), "");
    SEND(&bed, fd, MSG("3")); /* sent again */
    SEND(&bed, bed.lis, ACK("AA", "3"));
    assert_string_equal(bed_got(fd), ACK("AA", "3"));
    assert_int_equal(bed.events[RELAY_EVENT_REPEATED], 0);
    assert_int_equal(status_of(&bed).counters.repeated, 1);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|3|P|2.5.1\rOBX|1|NM|2345-7^G||99\r\x1c\r");
    assert_int_equal(bed.events[RELAY_EVENT_REPEATED], 1);
    (void)close(fd);
    bed_stop(&bed);
}

/* One byte a second, and a message that does not end: told, and the connection is over. */
static void slow_peer(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    int other = bed_connect(&bed, RELAY_ANALYZER);
    static const char text[] = MSG("1");
    for (int i = 0; i < 70; i++) {
        bed_send(&bed, fd, text + i, 1);
        bed_pass(&bed, SECOND, SECOND);
    }
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 1);
    assert_non_null(strstr(bed_got(fd), "<end>"));
    SEND(&bed, other, MSG("2"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    (void)close(fd);
    (void)close(other);
    bed_stop(&bed);
}

static size_t memory_now(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    unsigned long size = 0;
    unsigned long resident = 0;
    assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
    (void)fclose(f);
    return resident * 4096;
}

/* More than message_max: told, answered, and over, however much of it has gone on. */
static void endless_message(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    static uint8_t filler[65536];
    memset(filler, 'x', sizeof filler);
    for (int refusing = 0; refusing < 2; refusing++) {
        static const char *const types[] = {"ORU^R01"};
        o.message_max = 1u << 20;
        o.policy = (struct relay_policy){.unknown = refusing ? RELAY_UNKNOWN_REFUSE : RELAY_UNKNOWN_PASS, .types = types, .types_n = 1};
        bed_start(&bed);
        for (int i = 0; i < 4; i++)
            bed.seen[i / 2][i % 2].max = 0; /* the bed would be what grows */
        bed_link(&bed, &o);
        int fd = bed_connect(&bed, RELAY_ANALYZER);
        SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|9|P|2.5.1\rNTE|1||");
        size_t before = memory_now();
        size_t passed = 0;
        for (int i = 0; i < 64 * 16; i++) {
            if (send(fd, filler, sizeof filler, MSG_NOSIGNAL) <= 0)
                break;
            bed_run(&bed);
            const char *went = bed_got(bed.lis);
            if (strstr(went, "<end>") != NULL)
                break;
            passed += strlen(went);
        }
        assert_true(memory_now() < before + (8u << 20));
        assert_int_equal(bed.events[RELAY_EVENT_TOO_LONG], 1);
        const char *got = bed_got(fd);
        assert_non_null(strstr(got, "MSA|AR|9|the message is longer than this link takes"));
        assert_non_null(strstr(got, "<end>"));
        assert_true(refusing ? passed == 0 : passed <= (1u << 20) + 65536 + 100);
        bed_pass(&bed, 11 * SECOND, SECOND);
        assert_int_equal(status_of(&bed).side[0].connections, 0);
        assert_string_equal(bed_got(bed.lis), "<end>");
        (void)close(fd);
        bed_stop(&bed);
    }
}

/* A LIS that does not read: nothing of ours grows, the analyzer is read no more, and after a minute it is told. */
static void back_pressure(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    static const char text[] = MSG("1");
    size_t sent = 0;
    for (int i = 0; i < 100000; i++) {
        ssize_t n = send(fd, text, sizeof text - 1, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        sent += (size_t)n;
        if (i % 64 == 0)
            bed_run(&bed);
    }
    assert_true(sent < 8u << 20);
    bed_pass(&bed, 61 * SECOND, SECOND);
    assert_int_equal(bed.events[RELAY_EVENT_SLOW], 1);
    (void)close(fd);
    bed_stop(&bed);
}

static void framing(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, "GET / HTTP/1.1\r\n\r\n");
    assert_int_equal(bed.events[RELAY_EVENT_FRAMING], 1);
    bed_pass(&bed, 6 * SECOND, SECOND);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD" MSG("1"));
    assert_int_equal(bed.events[RELAY_EVENT_FRAMING], 2);
    assert_int_equal(bed.messages, 1);
    bed_pass(&bed, 6 * SECOND, SECOND);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|9|P|2.5.1||||||UNICODE UTF-8\rNTE|1||\xe9\xe9\r\x1c\r");
    assert_int_equal(bed.events[RELAY_EVENT_CHARSET], 1);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB");
    (void)close(fd);
    bed_run(&bed);
    (void)close(bed.lis);
    bed.lis = -1;
    bed_run(&bed);
    assert_int_equal(bed.events[RELAY_EVENT_FRAMING], 3);
    assert_string_equal(bed.text[RELAY_EVENT_FRAMING], "the connection ended in the middle of a message");
    bed_stop(&bed);
}

/* An analyzer leaves without waiting for its answer, and the LIS breaks off with what it had not read: nobody is away. One that breaks off while the
 * analyzer is there is. */
static void lis_breaks_off(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    for (int left = 0; left < 2; left++) {
        bed_start(&bed);
        bed_link(&bed, &o);
        int fd = bed_connect(&bed, RELAY_ANALYZER);
        SEND(&bed, fd, MSG("1"));
        if (left) {
            (void)shutdown(fd, SHUT_WR);
            bed_run(&bed);
        }
        (void)close(bed.lis); /* a message lies unread in it: the other end hears of a reset */
        bed.lis = -1;
        bed_run(&bed);
        assert_int_equal(status_of(&bed).side[RELAY_LIS].connections, 0);
        assert_int_equal(bed.events[RELAY_EVENT_DOWN], left ? 0 : 1);
        assert_int_equal(status_of(&bed).side[RELAY_LIS].why[0] == 0, left);
        (void)close(fd);
        bed_stop(&bed);
    }
}

static void lis_away(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed.lis_refuses = true;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    assert_string_equal(bed_got(fd), "<end>");
    assert_int_equal(bed.events[RELAY_EVENT_DOWN], 1);
    assert_int_equal(status_of(&bed).state, RELAY_STATE_DOWN);
    assert_string_equal(status_of(&bed).side[RELAY_LIS].why, "connection refused");
    (void)close(fd);
    bed.lis_refuses = false;
    fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    assert_int_equal(status_of(&bed).state, RELAY_STATE_UP);
    (void)close(fd);
    bed.lis_silent = true; /* nobody answers the dialling */
    fd = bed_connect(&bed, RELAY_ANALYZER);
    bed_pass(&bed, 61 * SECOND, SECOND);
    assert_string_equal(bed_got(fd), "<end>");
    (void)close(fd);
    bed_stop(&bed);
}

/* Whoever connects to whom. */
static void directions(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct relay_link_options o = bed_options();
        o.side[RELAY_ANALYZER].dial = (which & 1) != 0;
        o.side[RELAY_LIS].dial = (which & 2) != 0;
        bed_start(&bed);
        bed_link(&bed, &o);
        int analyzer = o.side[RELAY_ANALYZER].dial ? -1 : bed_connect(&bed, RELAY_ANALYZER);
        int lis = o.side[RELAY_LIS].dial ? -1 : bed_connect(&bed, RELAY_LIS);
        analyzer = analyzer < 0 ? bed.analyzer : analyzer;
        lis = lis < 0 ? bed.lis : lis;
        assert_true(analyzer >= 0 && lis >= 0);
        SEND(&bed, analyzer, MSG("1"));
        assert_string_equal(bed_got(lis), MSG("1"));
        SEND(&bed, lis, ACK("AA", "1"));
        assert_string_equal(bed_got(analyzer), ACK("AA", "1"));
        if (which == 3) { /* both ours: it stands again by itself, later and later */
            unsigned dials = bed.dials;
            (void)close(bed.lis);
            bed.lis = -1;
            bed_run(&bed);
            bed_pass(&bed, 2 * SECOND, SECOND / 4);
            assert_true(bed.dials > dials);
            assert_true(bed.lis >= 0);
        }
        if (!o.side[RELAY_ANALYZER].dial)
            (void)close(analyzer);
        if (!o.side[RELAY_LIS].dial)
            (void)close(lis);
        bed_stop(&bed);
    }
}

static void bypass_and_hold(void **state)
{
    (void)state;
    static const char *const types[] = {"OUL^R22"};
    struct relay_link_options o = bed_options();
    o.policy = (struct relay_policy){.unknown = RELAY_UNKNOWN_REFUSE, .types = types, .types_n = 1};
    bed_start(&bed);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|");
    assert_string_equal(bed_got(bed.lis), "");
    relay_bypass(bed.link, true);
    bed_run(&bed);
    assert_string_equal(bed_got(bed.lis), "\x0bMSH|^~\\&|LAB|WARD|"); /* what waited goes on */
    SEND(&bed, fd, "LIS|H\r\x1c\r");
    assert_string_equal(bed_got(bed.lis), "LIS|H\r\x1c\r");
    assert_int_equal(status_of(&bed).state, RELAY_STATE_BYPASSED);
    relay_bypass(bed.link, false);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(bed.lis), "");
    assert_non_null(strstr(bed_got(fd), "MSA|AR|1|"));
    relay_hold(bed.link, true);
    SEND(&bed, fd, "\x0bMSH|^~\\&|LAB|WARD|LIS|H|20260101||OUL^R22|2|P|2.5.1\r\x1c\r");
    assert_string_equal(bed_got(bed.lis), "");
    assert_int_equal(status_of(&bed).state, RELAY_STATE_HELD);
    relay_hold(bed.link, false);
    bed_run(&bed);
    assert_non_null(strstr(bed_got(bed.lis), "OUL^R22"));
    (void)close(fd);
    bed_stop(&bed);
}

static void count_ready(void *context, int fd, uint32_t events)
{
    char one;
    if ((events & EPOLLIN) != 0 && recv(fd, &one, 1, 0) == 1)
        *(unsigned *)context += 1;
}

static void host_descriptors(void **state)
{
    (void)state;
    bed_start(&bed);
    int ours[200];
    int theirs[200];
    unsigned got = 0;
    struct error e = {0};
    for (int i = 0; i < 200; i++) {
        theirs[i] = new_pair(&ours[i]);
        assert_int_equal(relay_watch(bed.relay, theirs[i], EPOLLIN, count_ready, &got, &e), 0);
        assert_int_equal(relay_watch(bed.relay, theirs[i], EPOLLIN, count_ready, &got, &e), 0);
        assert_int_equal(send(ours[i], "x", 1, 0), 1);
    }
    bed_run(&bed);
    assert_int_equal(got, 200);
    assert_int_equal(relay_watch(bed.relay, theirs[7], EPOLLOUT, count_ready, &got, &e), 0);
    assert_int_equal(relay_watch(bed.relay, theirs[9], 0, NULL, NULL, &e), 0);
    for (int i = 0; i < 200; i++)
        assert_int_equal(send(ours[i], "x", 1, 0), 1);
    bed_run(&bed);
    assert_int_equal(got, 398);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(relay_watch(bed.relay, theirs[i], 0, NULL, NULL, &e), 0);
        (void)close(ours[i]);
        (void)close(theirs[i]);
    }
    bed_stop(&bed);
}

static void too_many_connections(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    o.connections_max = 2;
    int l = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr name = {.sa_family = AF_UNIX}; /* a name of the kernel's choice */
    assert_int_equal(bind(l, &name, sizeof(sa_family_t)), 0);
    assert_int_equal(listen(l, 16), 0);
    o.side[RELAY_ANALYZER].listener = l;
    bed_start(&bed);
    bed_link(&bed, &o);
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    assert_int_equal(getsockname(l, (struct sockaddr *)&at, &n), 0);
    int fd[4];
    for (int i = 0; i < 4; i++) {
        fd[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(connect(fd[i], (struct sockaddr *)&at, n), 0);
        bed_run(&bed);
        nonblocking(fd[i]);
    }
    assert_int_equal(status_of(&bed).side[0].connections, 2);
    assert_int_equal(bed.events[RELAY_EVENT_FLOOD], 1);
    assert_string_equal(bed_got(fd[3]), "<end>");
    SEND(&bed, fd[1], MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    for (int i = 0; i < 4; i++)
        (void)close(fd[i]);
    bed_stop(&bed);
}

/* A host connects so many at one time: the others wait, in order, and a silent LIS of one link keeps no other link waiting. */
static void dials_in_turn(void **state)
{
    (void)state;
    enum { EACH = 32, ANALYZERS = 100, LINKS = 5 };
    struct relay_link_options o = bed_options();
    int fd[ANALYZERS];
    int other[LINKS];
    bed_start(&bed);
    bed.lis_silent = true;
    bed_link(&bed, &o);
    struct relay_link *first = bed.link;
    for (int i = 0; i < ANALYZERS; i++)
        fd[i] = bed_connect(&bed, RELAY_ANALYZER);
    assert_int_equal(bed.dials, EACH);
    assert_int_equal(status_of(&bed).side[0].connections, ANALYZERS); /* none is closed */
    assert_int_equal(bed.events[RELAY_EVENT_FLOOD], 0);
    for (int i = 0; i < LINKS; i++) { /* another link goes at once */
        bed_link(&bed, &o);
        other[i] = bed_connect(&bed, RELAY_ANALYZER);
    }
    assert_int_equal(bed.dials, EACH + LINKS);
    /* one that waits leaves; one that is being connected, too: its place is free when the host has answered */
    (void)close(fd[EACH]);
    (void)close(fd[0]);
    bed_run(&bed);
    assert_int_equal(bed.dials, EACH + LINKS);
    relay_dialed(bed.relay, bed.tickets[0], -1, "late");
    bed_run(&bed);
    assert_int_equal(bed.dials, EACH + LINKS + 1);
    assert_int_equal(bed.events[RELAY_EVENT_DOWN], 0); /* nobody asked any more */
    relay_dialed(bed.relay, bed.tickets[1], -1, "refused");
    bed_run(&bed);
    assert_string_equal(bed_got(fd[1]), "<end>");
    assert_int_equal(bed.dials, EACH + LINKS + 2);
    bed.link = first;
    assert_int_equal(status_of(&bed).side[0].connections, ANALYZERS - 3);
    /* the LIS answers again: all are connected, each asked for once */
    bed.lis_silent = false;
    for (unsigned i = 2; i < EACH + LINKS + 2; i++)
        relay_dialed(bed.relay, bed.tickets[i], new_pair(&bed.old[0]), NULL);
    bed_run(&bed);
    assert_int_equal(bed.dials, ANALYZERS - 1 + LINKS);
    assert_int_equal(status_of(&bed).side[1].connections, ANALYZERS - 3);
    SEND(&bed, fd[ANALYZERS - 1], MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    /* a host that never answers: a minute, and the place goes to the next */
    bed.lis_silent = true;
    unsigned dials = bed.dials;
    for (int i = 2; i < EACH + 4; i++) {
        (void)close(fd[i]);
        fd[i] = bed_connect(&bed, RELAY_ANALYZER);
    }
    assert_int_equal(bed.dials, dials + EACH);
    bed_pass(&bed, 61 * SECOND, SECOND);
    (void)close(fd[2]);
    fd[2] = bed_connect(&bed, RELAY_ANALYZER);
    assert_true(bed.dials > dials + EACH);
    for (int i = 1; i < ANALYZERS; i++)
        if (i != EACH)
            (void)close(fd[i]);
    for (int i = 0; i < LINKS; i++)
        (void)close(other[i]);
    bed_stop(&bed);
}

/* The wall clock is put forward: our answers say the new time, and nothing that waits has waited longer for it. */
static void clock_put_right(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    o.mode = RELAY_STORE_AND_FORWARD;
    bed_start(&bed);
    relay_wall(bed.relay, 0);
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_non_null(strstr(bed_got(fd), "|19700101001640+0000|"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    relay_wall(bed.relay, 3600 * SECOND);
    bed_pass(&bed, SECOND, SECOND);
    SEND(&bed, fd, MSG("2"));
    assert_non_null(strstr(bed_got(fd), "|19700101011641+0000|"));
    assert_int_equal(bed.events[RELAY_EVENT_NO_ANSWER], 0);
    SEND(&bed, bed.lis, ACK("AA", "1"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    SEND(&bed, bed.lis, ACK("AA", "2"));
    assert_int_equal(bed.delivered, 2);
    assert_int_equal(status_of(&bed).counters.resent, 0);
    (void)close(fd);
    bed_stop(&bed);
}

/* A link that is held for work on it, and bypassed: what waited passes, and so does who connects meanwhile. */
static void held_then_bypassed(void **state)
{
    (void)state;
    struct relay_link_options o = bed_options();
    bed_start(&bed);
    bed_link(&bed, &o);
    int before = bed_connect(&bed, RELAY_ANALYZER);
    int lis = bed.lis;
    relay_hold(bed.link, true);
    SEND(&bed, before, MSG("1"));
    int meanwhile = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, meanwhile, MSG("2"));
    assert_string_equal(bed_got(lis), "");
    assert_int_equal(bed.lis, lis); /* nobody is called */
    relay_bypass(bed.link, true);
    bed_run(&bed);
    assert_string_equal(bed_got(lis), MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("2"));
    int behind = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, behind, MSG("3"));
    assert_string_equal(bed_got(bed.lis), MSG("3"));
    (void)close(before);
    (void)close(meanwhile);
    (void)close(behind);
    bed_stop(&bed);
}

/* Who made a connection for the relay closes its own descriptor a little later: meanwhile the relay's end of it may be over, and what comes is
 * nobody's. */
static void handed_over_late(void **state)
{
    (void)state;
    struct error e = {0};
    struct relay_link_options o = bed_options();
    int copy = -1;
    bed_start(&bed);
    bed.copy = &copy;
    bed_link(&bed, &o);
    int fd = bed_connect(&bed, RELAY_ANALYZER);
    SEND(&bed, fd, MSG("1"));
    assert_string_equal(bed_got(bed.lis), MSG("1"));
    (void)close(fd);
    bed_pass(&bed, 120 * SECOND, SECOND);
    assert_int_equal(bed.closed, 2);
    assert_true(copy >= 0);
    assert_int_equal(send(bed.lis, "x", 1, MSG_NOSIGNAL), 1);
    assert_int_equal(relay_wait(bed.relay, bed.now, 0, &e), 0);
    assert_int_equal(relay_ready(bed.relay), 0);
    (void)close(copy);
    bed_stop(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_byte_for_byte),
        cmocka_unit_test(cut_through),
        cmocka_unit_test(answer_waits_for_record),
        cmocka_unit_test(policy_refuses),
        cmocka_unit_test(policy_learns),
        cmocka_unit_test(rate_and_size),
        cmocka_unit_test(enhanced),
        cmocka_unit_test(bad_answers),
        cmocka_unit_test(host_descriptors),
        cmocka_unit_test(commit_blocks),
        cmocka_unit_test(leaves_early),
        cmocka_unit_test(slow_peer),
        cmocka_unit_test(endless_message),
        cmocka_unit_test(clock_put_right),
        cmocka_unit_test(held_then_bypassed),
        cmocka_unit_test(handed_over_late),
        cmocka_unit_test(back_pressure),
        cmocka_unit_test(framing),
        cmocka_unit_test(lis_breaks_off),
        cmocka_unit_test(lis_away),
        cmocka_unit_test(directions),
        cmocka_unit_test(bypass_and_hold),
        cmocka_unit_test(too_many_connections),
        cmocka_unit_test(dials_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
