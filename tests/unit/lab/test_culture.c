/* The culture view: what came to pass in two stretches of time, and the rule that says what helps most now. */
#include "feed.h"

#include "lab/culture.h"

static void say(struct feed *f, const char *time, const char *event, const char *rest)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"time\":\"%s\",\"event\":\"%s\",\"person\":\"mia\",%s}", time, event, rest);
    feed(f, json);
}

static void report(struct feed *f, const char *time, const char *id)
{
    char rest[256];
    (void)snprintf(rest, sizeof rest, "\"report\":\"%s\",\"kind\":\"message\",\"text\":\"odd\"", id);
    say(f, time, "report.filed", rest);
}

static void mail(struct feed *f, const char *time, const char *id, const char *verdict)
{
    char rest[256];
    (void)snprintf(rest, sizeof rest, "\"mail_id\":[\"%s\"],\"verdict\":\"%s\",\"score\":50", id, verdict);
    say(f, time, "mail.reported", rest);
}

static struct culture get(struct feed *f, const char *now)
{
    struct culture c;
    struct error e = {0};
    tq_time t = 0;
    assert_true(time_parse(span_str(now), &t));
    if (culture_get(f->reader, views_zone(f->views), t, &c, &e) != 0)
        fail_msg("%s", e.text);
    return c;
}

static void two_stretches(void **state)
{
    (void)state;
    struct feed f = feed_new();
    feed_private(&f,
                 "{\"time\":\"2026-01-01T08:00:00Z\",\"event\":\"account.created\",\"person\":\"mia\",\"account\":\"ana\",\"display_name\":\"Ana\","
                 "\"account_role\":\"phlebotomist\"}",
                 "{\"password_hash\":\"x\"}");
    say(&f, "2026-01-02T08:00:00Z", "training.assigned", "\"course\":\"everyone\",\"from_day\":\"2026-01-02\",\"days\":10,\"renew_months\":0");
    say(&f, "2026-01-02T09:00:00Z", "training.assigned", "\"course\":\"bench\",\"from_day\":\"2026-01-02\",\"days\":200,\"renew_months\":0");
    say(&f, "2026-02-01T08:00:00Z", "training.completed", "\"account\":\"ana\",\"course\":\"everyone\",\"course_version\":1,\"course_title\":\"T\"");
    say(&f, "2026-06-01T08:00:00Z", "training.completed", "\"account\":\"ana\",\"course\":\"bench\",\"course_version\":1,\"course_title\":\"T\"");
    report(&f, "2026-02-01T08:00:00Z", "01990000-0000-7000-8000-000000000001");
    say(&f, "2026-02-01T10:00:00Z", "report.answered", "\"report\":\"01990000-0000-7000-8000-000000000001\",\"answer\":\"thanks\"");
    report(&f, "2026-06-01T08:00:00Z", "01990000-0000-7000-8000-000000000002");
    report(&f, "2026-06-20T08:00:00Z", "01990000-0000-7000-8000-000000000003");
    mail(&f, "2026-02-10T08:00:00Z", "01990000-0000-7000-8000-00000000000a", "fine"); /* answered at once */
    mail(&f, "2026-06-18T08:00:00Z", "01990000-0000-7000-8000-00000000000b", "dangerous");
    mail(&f, "2026-06-20T08:00:00Z", "01990000-0000-7000-8000-00000000000c", "suspicious");
    say(&f, "2026-02-10T08:00:00Z", "account.reviewed", "\"reviewed\":[\"ana\"]");

    struct culture c = get(&f, "2026-06-21T08:00:00Z"); /* 90 days before: 23-Mar; before those: 23-Dec */
    assert_int_equal(1, c.now.trained);
    assert_int_equal(0, c.now.trained_late);
    assert_int_equal(1, c.before.trained);
    assert_int_equal(1, c.before.trained_late);
    assert_int_equal(2, c.now.reports);
    assert_int_equal(0, c.now.reports_answered);
    assert_int_equal(-1, c.now.answer_s);
    assert_int_equal(1, c.before.reports_answered);
    assert_int_equal(7200, c.before.answer_s);
    assert_int_equal(2, c.reports_waiting);
    assert_int_equal(1, c.reports_old);
    assert_int_equal(2, c.mails_waiting);
    assert_int_equal(1, c.mails_old);
    assert_int_equal(2, c.now.mails);
    assert_int_equal(1, c.before.mails);
    assert_int_equal(1, c.before.reviews);
    assert_int_equal(0, c.now.reviews);
    assert_int_equal(1, c.accounts);
    assert_int_equal(1, c.reviews_due);
    assert_int_equal(2, c.duties);
    assert_int_equal(2, c.done);
    c = get(&f, "2026-03-01T08:00:00Z");
    assert_int_equal(0, c.reviews_due);
    assert_int_equal(0, c.before.trained);
    assert_int_equal(1, c.now.trained);
    feed_free(&f);
}

static void the_first_that_holds(void **state)
{
    (void)state;
    struct culture c = {.tasks_urgent = 2, .reports_old = 3, .people_late = 4, .reviews_due = 5};
    int64_t n = 0;
    assert_int_equal(CULTURE_FINDINGS, culture_next(&c, true, &n));
    assert_int_equal(2, n);
    c.tasks_urgent = 0;
    assert_int_equal(CULTURE_REPORTS, culture_next(&c, true, &n));
    c.reports_old = 0;
    c.mails_old = 1;
    assert_int_equal(CULTURE_MAILS, culture_next(&c, true, &n));
    c.mails_old = 0;
    c.accounts = 9; /* whose people have nothing to learn */
    assert_int_equal(CULTURE_ASSIGN, culture_next(&c, true, &n));
    c.duties = 1;
    assert_int_equal(CULTURE_TRAINING, culture_next(&c, true, &n));
    c.people_late = 0;
    assert_int_equal(CULTURE_REVIEWS, culture_next(&c, true, &n));
    assert_int_equal(5, n);
    c.reviews_due = 0;
    assert_int_equal(CULTURE_SIMULATE, culture_next(&c, true, &n));
    assert_int_equal(CULTURE_NOTHING, culture_next(&c, false, &n)); /* what cannot be done is not advised */
    c.now.phishing = (struct phishing_counts){.sent = 10, .reported = 4};
    assert_int_equal(CULTURE_TALK, culture_next(&c, true, &n));
    assert_int_equal(6, n);
    c.now.phishing.reported = 5;
    assert_int_equal(CULTURE_NOTHING, culture_next(&c, true, &n));
    c.now.phishing = (struct phishing_counts){.sent = 4}; /* too few to say anything */
    assert_int_equal(CULTURE_NOTHING, culture_next(&c, true, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(two_stretches), cmocka_unit_test(the_first_that_holds)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
