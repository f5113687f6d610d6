/* Records of what goes over a link: which message they are of, where there is no room, and what is told of one that the readers don't know. */
#include "../cmocka_all.h"

#include "proc/talk.h"

#define TEXT(id)                                                                                                                                     \
    "MSH|^~\\&|LAB|WARD|LIS|H|20260101||ORU^R01|" id "|P|2.5.1\rPID|1||1\rOBR|1|T1\rOBX|1|NM|2345-7^G||5|mmol/L\rOBX|2|NM|2823-3^K||4|mmol/L\r"
#define BLOCK(text) "\x0b" text "\x1c\r"

static const struct hash_key key = {.k0 = 1, .k1 = 2};
static const struct talk_link link_of_test = {.name = "chemistry", .hl7 = true, .store = true};
static struct talks *talks;
static uint64_t lost;

static struct talk_job job_of(enum talk_what what, enum relay_side side)
{
    return (struct talk_job){.what = what,
                             .link = &link_of_test,
                             .connection = {.session = side == RELAY_ANALYZER ? 1 : 2, .side = side, .dialed = side == RELAY_LIS},
                             .wall = 1000 * TIME_SECOND,
                             .room = true,
                             .detector = true};
}

static bool bytes(enum relay_side side, bool outward, const char *text, bool room)
{
    struct talk_job job = job_of(TALK_BYTES, side);
    job.outward = outward;
    job.bytes = span_str(text);
    job.room = room;
    return talks_do(talks, &job);
}

static bool message(uint64_t ticket, const char *text, bool room)
{
    struct talk_job job = job_of(TALK_MESSAGE, RELAY_ANALYZER);
    job.ticket = ticket;
    job.room = room;
    job.queued = room;
    job.results = 2;
    job.type = SPAN_LIT("ORU^R01");
    job.control_id = SPAN_LIT("X7");
    job.bytes = span_str(text);
    return talks_do(talks, &job);
}

/* What was made, by event and leg; the ticket behind the last record of a message. */
static const char *made(void)
{
    static char text[1000];
    static struct record r;
    size_t n = 0;
    text[0] = 0;
    for (struct outbox_record *x = talks_take(talks, &lost), *next; x != NULL; x = next) {
        next = x->next;
        if (x->n > OUTBOX_HEAD) {
            if (!x->unnumbered)
                talk_number(x, (const uint8_t[RUN_ID]){1}, 77);
            assert_int_equal(record_decode(span_of(x->bytes + OUTBOX_HEAD, x->n - OUTBOX_HEAD), &r, NULL), 0);
            assert_true(span_is(record_get(&r, KEY_LINK), "chemistry"));
            assert_true((record_get(&r, KEY_LINK_SEQ).n > 0) == !x->unnumbered);
            if (r.event == EVENT_LAB_MESSAGE || r.event == EVENT_LAB_RESULT)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%s%s%s%s ", r.event == EVENT_LAB_MESSAGE ? "message" : "result",
                                      record_get(&r, KEY_LINK_LEG).n == 0                 ? ""
                                      : span_is(record_get(&r, KEY_LINK_LEG), "received") ? "<"
                                                                                          : ">",
                                      record_get(&r, KEY_LINK_UNCHANGED).n > 0 ? "=" : "", record_number(&r, KEY_LINK_QUEUED, 0) != 0 ? "q" : "",
                                      record_get(&r, KEY_LINK_VERDICT).n > 0 ? "v" : "");
        } else {
            n += (size_t)snprintf(text + n, sizeof text - n, x->ticket != 0 ? "none " : "mark ");
        }
        if (x->ticket != 0)
            n += (size_t)snprintf(text + n, sizeof text - n, "%llu%s ", (unsigned long long)x->ticket, x->named ? "n" : "");
        outbox_drop(x);
    }
    return text;
}

static int set_up(void **state)
{
    struct error e = {0};
    (void)state;
    talks = talks_new(key, false, 100, &e);
    lost = 0;
    return talks == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    talks_end(talks, 2000 * TIME_SECOND);
    talks_free(talks);
    return 0;
}

static void tickets(void **state)
{
    (void)state;
    assert_true(bytes(RELAY_ANALYZER, false, BLOCK(TEXT("1")), true));
    assert_string_equal(made(), ""); /* it waits for the engine's word */
    assert_true(message(5, TEXT("1"), true));
    assert_string_equal(made(), "message<q result result 5n ");
    assert_true(bytes(RELAY_LIS, true, BLOCK(TEXT("1")), true));
    (void)made();
    /* two at once, of which each has its own; the second goes on as it came */
    assert_true(bytes(RELAY_ANALYZER, false, BLOCK(TEXT("2")) BLOCK(TEXT("3")), true));
    assert_true(message(6, TEXT("2"), true));
    assert_true(message(7, TEXT("3"), true));
    assert_string_equal(made(), "message<q result result 6n message<q result result 7n ");
    assert_true(bytes(RELAY_LIS, true, BLOCK(TEXT("3")), true));
    assert_string_equal(made(), "message>= ");
    talks_forget(talks); /* another detector has not seen it */
    assert_true(bytes(RELAY_LIS, true, BLOCK(TEXT("3")), true));
    assert_string_equal(made(), "message> result result ");
    assert_int_equal(lost, 0);
}

static void no_room(void **state)
{
    (void)state;
    assert_true(bytes(RELAY_ANALYZER, false, BLOCK(TEXT("1")), true));
    assert_true(message(0, TEXT("1"), false));
    assert_string_equal(made(), "");
    assert_int_equal(lost, 3);
    assert_true(bytes(RELAY_ANALYZER, false, BLOCK(TEXT("1")), true));
    assert_true(message(1, TEXT("1"), true));
    assert_string_equal(made(), "message<q result result 1n ");
}

/* What waits when the turn is over goes without a word; a message that nobody read is told by what the engine says. */
static void without(void **state)
{
    (void)state;
    assert_true(bytes(RELAY_ANALYZER, false, BLOCK(TEXT("1")), true));
    struct talk_job settle = job_of(TALK_SETTLE, RELAY_ANALYZER);
    assert_true(talks_do(talks, &settle));
    assert_string_equal(made(), "message< result result ");
    assert_true(message(9, "what is this?", true));
    assert_string_equal(made(), "message<q 9n ");
    struct talk_job other = job_of(TALK_MESSAGE, RELAY_ANALYZER); /* … but where nothing has to be told */
    other.ticket = 10;
    assert_true(talks_do(talks, &other));
    assert_string_equal(made(), "none 10 ");
    struct talk_job mark = job_of(TALK_MARK, RELAY_ANALYZER);
    assert_true(bytes(RELAY_LIS, true, BLOCK(TEXT("4")), true));
    assert_true(talks_do(talks, &mark));
    assert_true(bytes(RELAY_LIS, true, BLOCK(TEXT("5")), true));
    assert_string_equal(made(), "message> result result mark message> result result ");
    assert_true(bytes(RELAY_ANALYZER, false, "\x0bMSH|^~\\&|LAB", true));
    talks_end(talks, 1001 * TIME_SECOND);
    (void)made();
    assert_int_equal(lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tickets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
