/* Training: duties and counts that follow from records. */
#include "feed.h"

#include "base/text.h"
#include "lab/training/training.h"

#include <fcntl.h>
#include <unistd.h>

static int64_t day(const char *text)
{
    int64_t d = 0;
    assert_true(day_parse(span_str(text), &d));
    return d;
}

static void say(struct feed *f, const char *time, const char *event, const char *rest)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"time\":\"%s\",\"event\":\"%s\",\"person\":\"mia\",%s}", time, event, rest);
    feed(f, json);
}

static void person(struct feed *f, const char *time, const char *name, const char *shown, const char *role)
{
    char json[512];
    (void)snprintf(
        json, sizeof json,
        "{\"time\":\"%s\",\"event\":\"account.created\",\"person\":\"mia\",\"account\":\"%s\",\"display_name\":\"%s\",\"account_role\":\"%s\"}", time,
        name, shown, role);
    feed_private(f, json, "{\"password_hash\":\"x\"}");
}

static void assign(struct feed *f, const char *time, const char *course, const char *role, const char *from, int days, int renew)
{
    char rest[512];
    (void)snprintf(rest, sizeof rest, "\"course\":\"%s\",\"account_role\":\"%s\",\"from_day\":\"%s\",\"days\":%d,\"renew_months\":%d", course, role,
                   from, days, renew);
    say(f, time, "training.assigned", rest);
}

static void complete(struct feed *f, const char *time, const char *name, const char *course)
{
    char rest[256];
    (void)snprintf(rest, sizeof rest, "\"account\":\"%s\",\"course\":\"%s\",\"course_version\":1,\"course_title\":\"T\"", name, course);
    say(f, time, "training.completed", rest);
}

struct seen {
    char text[4096];
};

static void see_duty(void *context, const struct training_duty *d)
{
    struct seen *s = context;
    char due[DAY_TEXT];
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%.*s:%.*s:%s:%s ", (int)d->account.n, (const char *)d->account.p, (int)d->course.n,
                   (const char *)d->course.p, training_state_name(d->state), day_format(d->due, due));
}

static const char *duties(struct feed *f, struct seen *s, const char *name, const char *today)
{
    struct error e = {0};
    s->text[0] = 0;
    assert_int_equal(training_duties(f->reader, span_str(name), day(today), see_duty, s, &e), 0);
    return s->text;
}

static void see_count(void *context, struct span name, const struct training_counts *n)
{
    struct seen *s = context;
    size_t at = strlen(s->text);
    (void)snprintf(s->text + at, sizeof s->text - at, "%.*s=%lld/%lld/%lld/%lld ", (int)name.n, name.n == 0 ? "" : (const char *)name.p,
                   (long long)n->n[0], (long long)n->n[1], (long long)n->n[2], (long long)n->n[3]);
}

static const char *counts(struct feed *f, struct seen *s, enum training_by by, const char *course, const char *role, const char *today)
{
    struct error e = {0};
    s->text[0] = 0;
    assert_int_equal(training_counts(f->reader, by, span_str(course), span_str(role), SPAN_LIT(""), day(today), see_count, s, &e), 0);
    return s->text;
}

/* What the projector counted is what the duties add up to, whatever happened before. */
static void check_counts(struct feed *f, const char *today)
{
    struct error e = {0};
    static const char whole[] =
        "SELECT count(*) FROM (SELECT k.role, k.site, d.course, d.done, d.due, count(*) AS n FROM training_duty AS d JOIN (SELECT DISTINCT account, "
        "'' AS "
        "role, '' AS site FROM training_member UNION SELECT account, role, '' FROM training_member UNION SELECT account, role, site FROM "
        "training_member UNION SELECT account, '', '' FROM training_duty) AS k ON k.account = d.account GROUP BY 1, 2, 3, 4, 5 EXCEPT SELECT * FROM "
        "training_count)";
    static const char rows[] = "SELECT (SELECT count(*) FROM training_count) - (SELECT count(*) FROM (SELECT 1 FROM training_duty AS d JOIN (SELECT "
                               "account, '' AS role, '' AS site FROM training_duty UNION SELECT account, role, '' FROM training_member UNION SELECT "
                               "account, role, site FROM training_member) AS k ON k.account = d.account GROUP BY k.role, k.site, d.course, d.done, "
                               "d.due))";
    assert_int_equal(store_run_int(store_stmt(f->reader, whole), -1, &e), 0);
    assert_int_equal(store_run_int(store_stmt(f->reader, rows), -1, &e), 0);
    static const char people[] =
        "SELECT count(*) FROM (SELECT account, count(*), sum(done), min(due) FROM training_duty GROUP BY account EXCEPT SELECT * "
        "FROM training_person)";
    assert_int_equal(store_run_int(store_stmt(f->reader, people), -1, &e), 0);
    assert_int_equal(store_run_int(store_stmt(f->reader, "SELECT count(*) FROM training_count WHERE n <= 0"), -1, &e), 0);
    (void)today;
}

static void test_roles_and_dates(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct seen s;
    person(&f, "2026-01-05T10:00:00Z", "ana", "Ana R.", "phlebotomist");
    person(&f, "2026-01-05T10:00:00Z", "tom", "Tom B.", "IT");
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "", "2026-01-10", 30, 12);
    assign(&f, "2026-01-06T09:00:00Z", "draw", "phlebotomist", "2026-01-01", 14, 0);
    assert_string_equal(duties(&f, &s, "ana", "2026-01-06"), "ana:draw:open:2026-01-19 ana:phishing:open:2026-02-09 ");
    assert_string_equal(duties(&f, &s, "tom", "2026-01-06"), "tom:phishing:open:2026-02-09 ");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-19"), "ana:draw:open:2026-01-19 ana:phishing:open:2026-02-09 ");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-20"), "ana:draw:late:2026-01-19 ana:phishing:open:2026-02-09 ");
    complete(&f, "2026-01-12T10:00:00Z", "ana", "phishing");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-12"), "ana:draw:open:2026-01-19 ana:phishing:done:2027-01-12 ");
    assert_string_equal(duties(&f, &s, "ana", "2026-12-13"), "ana:draw:late:2026-01-19 ana:phishing:renew:2027-01-12 ");
    assert_string_equal(duties(&f, &s, "ana", "2027-01-13"), "ana:draw:late:2026-01-19 ana:phishing:late:2027-01-12 ");
    complete(&f, "2026-01-13T10:00:00Z", "ana", "draw"); /* once and for all */
    assert_string_equal(duties(&f, &s, "ana", "2029-01-12"), "ana:phishing:late:2027-01-12 ana:draw:done: ");
    assert_string_equal(counts(&f, &s, TRAINING_BY_COURSE, "", "", "2026-02-10"), "draw=1/0/0/0 phishing=1/0/0/1 ");
    assert_string_equal(counts(&f, &s, TRAINING_BY_ROLE, "", "", "2026-02-10"), "IT=0/0/0/1 phlebotomist=2/0/0/0 ");
    assert_string_equal(counts(&f, &s, TRAINING_BY_SITE, "phishing", "", "2026-02-10"), "main-street=1/0/0/1 ");
    check_counts(&f, "2026-02-10");
    feed_free(&f);
}

/* Who comes gets hers on that day; who goes has none; who comes back, or gets another role, gets them anew. */
static void test_people_come_and_go(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct seen s;
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "", "2026-01-01", 30, 12);
    assign(&f, "2026-01-06T09:00:00Z", "net", "IT", "2026-01-01", 10, 0);
    person(&f, "2026-03-01T10:00:00Z", "lea", "Lea", "phlebotomist");
    assert_string_equal(duties(&f, &s, "lea", "2026-03-01"), "lea:phishing:open:2026-03-31 ");
    say(&f, "2026-03-05T10:00:00Z", "account.granted", "\"account\":\"lea\",\"account_role\":\"IT\"");
    assert_string_equal(duties(&f, &s, "lea", "2026-03-05"), "lea:net:open:2026-03-15 lea:phishing:open:2026-03-31 ");
    check_counts(&f, "2026-03-05");
    say(&f, "2026-03-06T10:00:00Z", "account.withdrawn", "\"account\":\"lea\",\"account_role\":\"IT\"");
    assert_string_equal(duties(&f, &s, "lea", "2026-03-05"), "lea:phishing:open:2026-03-31 ");
    complete(&f, "2026-03-07T10:00:00Z", "lea", "phishing");
    say(&f, "2026-03-08T10:00:00Z", "account.closed", "\"account\":\"lea\"");
    assert_string_equal(duties(&f, &s, "lea", "2026-03-08"), "");
    assert_string_equal(counts(&f, &s, TRAINING_BY_COURSE, "", "", "2026-03-08"), "");
    check_counts(&f, "2026-03-08");
    say(&f, "2026-03-09T10:00:00Z", "account.reopened", "\"account\":\"lea\",\"until\":\"2026-03-12T10:00:00Z\"");
    say(&f, "2026-03-09T10:00:00Z", "account.granted", "\"account\":\"lea\",\"account_role\":\"auditor\"");
    assert_string_equal(duties(&f, &s, "lea", "2026-03-09"), "lea:phishing:done:2027-03-07 "); /* what she did still counts */
    /* an engineer's role ends by itself; the record of it takes the duties away */
    person(&f, "2026-03-01T10:00:00Z", "eng", "Eng", "");
    say(&f, "2026-03-01T10:00:00Z", "account.granted",
        "\"account\":\"eng\",\"account_role\":\"maker's engineer\",\"until\":\"2026-03-10T00:00:00Z\"");
    assert_string_equal(duties(&f, &s, "eng", "2026-03-02"), "eng:phishing:open:2026-03-31 ");
    say(&f, "2026-03-11T00:00:00Z", "training.left", "\"account\":\"eng\"");
    assert_string_equal(duties(&f, &s, "eng", "2026-03-11"), "");
    /* the envelope's account is nobody */
    person(&f, "2026-03-01T10:00:00Z", "emergency", "Emergency account", "emergency");
    assert_string_equal(duties(&f, &s, "emergency", "2026-03-11"), "");
    check_counts(&f, "2026-03-11");
    feed_free(&f);
}

static void test_rules_end_and_meet(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct seen s;
    person(&f, "2026-01-05T10:00:00Z", "ana", "Ana R.", "phlebotomist");
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "", "2026-02-01", 30, 24);
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "phlebotomist", "2026-01-10", 10, 12);
    assert_string_equal(duties(&f, &s, "ana", "2026-01-06"), "ana:phishing:open:2026-01-20 "); /* the earliest day */
    complete(&f, "2026-01-12T10:00:00Z", "ana", "phishing");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-12"), "ana:phishing:done:2027-01-12 "); /* the shortest renewal */
    say(&f, "2026-01-13T10:00:00Z", "training.unassigned", "\"rule\":128");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-12"), "ana:phishing:done:2028-01-12 ");
    say(&f, "2026-01-13T10:00:00Z", "training.unassigned", "\"rule\":64");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-12"), "");
    check_counts(&f, "2026-01-13");
    /* what cannot be meant is ignored */
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "king", "2026-02-01", 30, 24);
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "", "2026-02-30", 30, 24);
    assign(&f, "2026-01-06T09:00:00Z", "phishing", "", "2026-02-01", 9999, 24);
    assign(&f, "2026-01-06T09:00:00Z", "policy:x", "", "2026-02-01", 9, 24);
    assert_string_equal(duties(&f, &s, "ana", "2026-01-12"), "");
    /* a refresher asks again for what was done, once */
    say(&f, "2026-02-01T10:00:00Z", "training.refresher",
        "\"account\":\"ana\",\"course\":\"phishing\",\"why\":\"a simulation\",\"cause_record\":3,\"due_day\":\"2026-02-15\"");
    assert_string_equal(duties(&f, &s, "ana", "2026-02-01"), "ana:phishing:open:2026-02-15 ");
    complete(&f, "2026-02-03T10:00:00Z", "ana", "phishing");
    assert_string_equal(duties(&f, &s, "ana", "2026-02-03"), "");
    check_counts(&f, "2026-02-03");
    feed_free(&f);
}

static void test_policies(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct seen s;
    person(&f, "2026-01-05T10:00:00Z", "ana", "Ana R.", "phlebotomist");
    person(&f, "2026-01-05T10:00:00Z", "tom", "Tom B.", "IT");
    say(&f, "2026-01-06T09:00:00Z", "training.policy",
        "\"course\":\"policy:desk\",\"course_title\":\"Clean "
        "desk\",\"course_version\":1,\"sha256\":\"aa\",\"days\":7,\"audience\":[\"phlebotomist\"]");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-06"), "ana:policy:desk:open:2026-01-13 ");
    assert_string_equal(duties(&f, &s, "tom", "2026-01-06"), "");
    say(&f, "2026-01-07T09:00:00Z", "training.acknowledged", "\"account\":\"ana\",\"course\":\"policy:desk\",\"course_version\":1");
    assert_string_equal(duties(&f, &s, "ana", "2026-01-07"), "ana:policy:desk:done: ");
    say(&f, "2026-05-01T09:00:00Z", "training.policy",
        "\"course\":\"policy:desk\",\"course_title\":\"Clean "
        "desk\",\"course_version\":2,\"sha256\":\"bb\",\"days\":7,\"audience\":[\"phlebotomist\"]");
    assert_string_equal(duties(&f, &s, "ana", "2026-05-01"), "ana:policy:desk:open:2026-05-08 ");
    /* the first version once more says nothing of the second */
    say(&f, "2026-05-02T09:00:00Z", "training.acknowledged", "\"account\":\"ana\",\"course\":\"policy:desk\",\"course_version\":1");
    assert_string_equal(duties(&f, &s, "ana", "2026-05-02"), "ana:policy:desk:open:2026-05-08 ");
    say(&f, "2026-05-02T09:00:00Z", "training.acknowledged", "\"account\":\"ana\",\"course\":\"policy:desk\",\"course_version\":2");
    assert_string_equal(duties(&f, &s, "ana", "2026-05-02"), "ana:policy:desk:done: ");
    say(&f, "2026-06-02T09:00:00Z", "training.policy", "\"course\":\"policy:desk\",\"on\":false");
    assert_string_equal(duties(&f, &s, "ana", "2026-06-02"), "");
    check_counts(&f, "2026-06-02");
    feed_free(&f);
}

static void begin(struct feed *f, const char *time, const char *attempt, const char *name)
{
    char json[512];
    (void)snprintf(json, sizeof json,
                   "{\"time\":\"%s\",\"event\":\"training.begun\",\"person\":\"%s\",\"account\":\"%s\",\"course\":\"draw\",\"course_version\":1,"
                   "\"sha256\":\"aa\",\"attempt\":\"%s\",\"asked\":2,\"pass\":80}",
                   time, name, name, attempt);
    feed_private(f, json, "{\"drawn\":\"who:10 found:012\"}");
}

static void answer(struct feed *f, const char *attempt, int place, bool right)
{
    char json[512];
    char sealed[128];
    (void)snprintf(json, sizeof json, "{\"time\":\"2026-01-07T10:00:0%dZ\",\"event\":\"training.answered\",\"account\":\"ana\",\"attempt\":\"%s\"}",
                   place, attempt);
    (void)snprintf(sealed, sizeof sealed, "{\"place\":\"%d\",\"question\":\"q%d\",\"chosen\":\"1\",\"right\":\"%s\"}", place, place,
                   right ? "yes" : "no");
    feed_private(f, json, sealed);
}

static void test_attempts(void **state)
{
    (void)state;
    static const char one[] = "11111111111111111111111111111111";
    static const char two[] = "22222222222222222222222222222222";
    struct feed f = feed_new();
    struct error e = {0};
    struct training_attempt a;
    bool found = false;
    person(&f, "2026-01-05T10:00:00Z", "ana", "Ana R.", "phlebotomist");
    begin(&f, "2026-01-07T10:00:00Z", one, "ana");
    answer(&f, one, 0, true);
    answer(&f, one, 0, false); /* an answer stays */
    answer(&f, one, 7, true);  /* no such place */
    assert_int_equal(training_attempt_get(f.reader, span_str(one), SPAN_LIT(""), SPAN_LIT(""), &a, &found, &e), 0);
    assert_true(found && a.answered == 1 && a.right == 1);
    assert_string_equal(a.state, "open");
    answer(&f, one, 1, false);
    assert_int_equal(training_attempt_get(f.reader, span_str(one), SPAN_LIT(""), SPAN_LIT(""), &a, &found, &e), 0);
    assert_string_equal(a.state, "failed");
    assert_true(training_failed(f.reader, SPAN_LIT("ana"), SPAN_LIT("draw"), 1) > 0);
    assert_true(training_failed(f.reader, SPAN_LIT("ana"), SPAN_LIT("draw"), 2) == 0);
    answer(&f, one, 1, true); /* it is over */
    begin(&f, "2026-01-07T11:00:00Z", two, "ana");
    answer(&f, two, 0, true);
    answer(&f, two, 1, true);
    assert_int_equal(training_attempt_get(f.reader, SPAN_LIT(""), SPAN_LIT("ana"), SPAN_LIT("draw"), &a, &found, &e), 0);
    assert_string_equal(a.id, two);
    assert_string_equal(a.state, "passed");
    say(&f, "2026-01-07T12:00:00Z", "training.completed",
        "\"account\":\"ana\",\"course\":\"draw\",\"course_version\":1,\"course_title\":\"Draw\",\"attempt\":\"22222222222222222222222222222222\"");
    /* nobody finds a single answer any more, nor that there was another attempt */
    assert_int_equal(store_run_int(store_stmt(f.reader, "SELECT count(*) FROM training_answer"), -1, &e), 0);
    assert_int_equal(store_run_int(store_stmt(f.reader, "SELECT count(*) FROM training_attempt WHERE state = 'failed'"), -1, &e), 0);
    struct training_certificate k;
    assert_true(training_certificate(f.reader, f.next - 1, SPAN_LIT("ana"), &k));
    assert_string_equal(k.title, "Draw");
    assert_false(training_certificate(f.reader, f.next - 1, SPAN_LIT("tom"), &k));
    /* attempts and answers are nobody's acts */
    assert_int_equal(store_run_int(store_stmt(f.reader, "SELECT count(*) FROM act WHERE event IN ('training.begun', 'training.answered')"), -1, &e),
                     0);
    feed_free(&f);
}

static void see_history(void *context, const struct training_done *d)
{
    struct seen *s = context;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%.*s/%.*s/%.*s ", (int)d->account.n, (const char *)d->account.p, (int)d->how.n,
                   (const char *)d->how.p, (int)d->by.n, (const char *)d->by.p);
}

/* Two people of one name stay two. */
static void test_classroom_and_namesakes(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct seen s = {{0}};
    struct error e = {0};
    person(&f, "2026-01-05T10:00:00Z", "maria.lopez", "María López", "phlebotomist");
    person(&f, "2026-01-05T10:00:00Z", "maria.lopez2", "María López", "phlebotomist");
    assign(&f, "2026-01-06T09:00:00Z", "draw", "phlebotomist", "2026-01-01", 14, 12);
    say(&f, "2026-01-20T09:00:00Z", "training.classroom",
        "\"course\":\"draw\",\"course_title\":\"Drawing\",\"trainer\":\"Dr. Vance\",\"from_day\":\"2026-01-15\",\"sha256\":\"ab\",\"attended\":["
        "\"maria.lopez2\",\"nobody\"]");
    assert_string_equal(duties(&f, &s, "maria.lopez", "2026-01-20"), "maria.lopez:draw:late:2026-01-19 ");
    assert_string_equal(duties(&f, &s, "maria.lopez2", "2026-01-20"), "maria.lopez2:draw:done:2027-01-15 ");
    s.text[0] = 0;
    assert_int_equal(training_history(f.reader, SPAN_LIT(""), 0, ZONE_DAY_NEVER, 0, SPAN_LIT(""), 10, see_history, &s, &e), 0);
    assert_string_equal(s.text, "maria.lopez2/classroom/Dr. Vance ");
    check_counts(&f, "2026-01-20");
    feed_free(&f);
}

/* The last second of a local day is still that day, on both sides of a change of the clock. */
static void test_zone(void **state)
{
    (void)state;
    struct error e = {0};
    struct feed f = {.store = store_open_memory(&e)};
    struct seen s;
    uint8_t file[ZONE_FILE];
    int fd = open("/usr/share/zoneinfo/America/Chicago", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    ssize_t n = read(fd, file, sizeof file);
    (void)close(fd);
    f.views = views_open(f.store, "main-street", &e);
    assert_int_equal(views_zone_set(f.views, span_of(file, (size_t)n), &e), 0);
    f.reader = store_reader_open(f.store, &e);
    person(&f, "2026-03-07T05:30:00Z", "ana", "Ana R.", "phlebotomist"); /* the evening of the 6th there */
    assign(&f, "2026-03-07T05:30:00Z", "draw", "", "2026-01-01", 2, 12);
    assert_string_equal(duties(&f, &s, "ana", "2026-03-08"), "ana:draw:open:2026-03-08 ");
    assert_int_equal(zone_day(views_zone(f.views), INT64_C(1773032399) * TIME_SECOND), day("2026-03-08")); /* 23:59:59 of the day of 23 hours */
    assert_int_equal(zone_day(views_zone(f.views), INT64_C(1773032400) * TIME_SECOND), day("2026-03-09"));
    complete(&f, "2026-03-09T04:59:59Z", "ana", "draw"); /* in its last second */
    assert_string_equal(duties(&f, &s, "ana", "2026-03-09"), "ana:draw:done:2027-03-08 ");
    static const char late[] = "SELECT sum(late) FROM training_month";
    assert_int_equal(store_run_int(store_stmt(f.reader, late), -1, &e), 0);
    assert_int_equal(views_zone_set(f.views, span_of(file, (size_t)n), &e), -1); /* too late */
    feed_free(&f);
}

static void see_notice(void *context, const struct training_notice *x)
{
    struct seen *s = context;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%s:%.*s:%lld ", x->kind, (int)x->account.n, (const char *)x->account.p, (long long)x->n);
}

static const char *notices(struct feed *f, struct seen *s, const char *today)
{
    struct error e = {0};
    s->text[0] = 0;
    assert_int_equal(training_notices(f->reader, day(today), 7, 14, 10, see_notice, s, &e), 0);
    return s->text;
}

static void told(struct feed *f, const char *time, const char *what)
{
    char rest[128];
    (void)snprintf(rest, sizeof rest, "\"account\":\"ana\",\"what\":\"%s\",\"due_day\":\"2026-02-10\",\"how\":\"mail\"", what);
    say(f, time, "training.reminded", rest);
}

static void test_reminding(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct seen s;
    struct error e = {0};
    person(&f, "2026-01-05T10:00:00Z", "ana", "Ana R.", "phlebotomist");
    assign(&f, "2026-01-06T09:00:00Z", "draw", "", "2026-01-11", 30, 12);
    assign(&f, "2026-01-06T09:00:00Z", "net", "", "2026-01-11", 30, 12);
    assert_string_equal(notices(&f, &s, "2026-02-02"), "");
    assert_string_equal(notices(&f, &s, "2026-02-03"), "soon:ana:2 ");
    told(&f, "2026-02-03T10:00:00Z", "soon");
    assert_string_equal(notices(&f, &s, "2026-02-04"), "");
    assert_string_equal(notices(&f, &s, "2026-02-10"), "due:ana:2 ");
    told(&f, "2026-02-10T10:00:00Z", "due");
    assert_string_equal(notices(&f, &s, "2026-02-11"), "late:ana:2 ");
    told(&f, "2026-02-11T10:00:00Z", "late");
    assert_string_equal(notices(&f, &s, "2026-02-17"), "");
    assert_string_equal(notices(&f, &s, "2026-02-18"), "late:ana:2 "); /* each week */
    assert_string_equal(notices(&f, &s, "2026-02-25"), "manager:ana:2 late:ana:2 ");
    told(&f, "2026-02-25T10:00:00Z", "manager");
    told(&f, "2026-02-25T10:00:00Z", "late");
    assert_string_equal(notices(&f, &s, "2026-02-26"), "");
    feed_private(&f, "{\"time\":\"2026-02-26T10:00:00Z\",\"event\":\"account.contact\",\"account\":\"ana\",\"manager\":\"mia\"}",
                 "{\"mail\":\"ana@lab.example\"}");
    struct training_contact c;
    assert_int_equal(training_contact_get(f.reader, SPAN_LIT("ana"), &c, &e), 0);
    assert_string_equal(c.mail, "ana@lab.example");
    static const char *const good[] = {"a@b.c", "ana.ruiz+lab@lab.example.org"};
    static const char *const bad[] = {"",         "a",      "@b.c",   "a@",      "a@b",         "a b@c.d", "a@b.c\r\nBcc: x@y.z",
                                      "a..b@c.d", ".a@b.c", "a@b..c", "<a@b.c>", "a@b.c,d@e.f", "a@b.c."};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(text_is_mail(span_str(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(text_is_mail(span_str(bad[i])));
    feed_free(&f);
}

/* Whatever happens in whatever order, counts are what duties add up to. */
static void test_counts_hold(void **state)
{
    (void)state;
    struct feed f = feed_new();
    static const char *const people[] = {"a", "b", "c", "d", "e"};
    static const char *const roles[] = {"phlebotomist", "IT", "front desk", "auditor"};
    static const char *const courses[] = {"x", "y", "z"};
    unsigned seed = 7;
    for (size_t i = 0; i < 5; i++)
        person(&f, "2026-01-01T10:00:00Z", people[i], people[i], roles[i % 4]);
    for (int i = 0; i < 400; i++) {
        char time[40];
        char rest[256];
        seed = seed * 1103515245u + 12345u;
        unsigned r = seed >> 8;
        const char *who = people[r % 5];
        const char *role = roles[r / 5 % 4];
        const char *course = courses[r / 20 % 3];
        (void)snprintf(time, sizeof time, "2026-%02d-%02dT10:00:00Z", 1 + i / 40, 1 + i % 28);
        (void)snprintf(rest, sizeof rest, "\"account\":\"%s\",\"account_role\":\"%s\"", who, role);
        switch (r / 60 % 8) {
        case 0: say(&f, time, "account.granted", rest); break;
        case 1: say(&f, time, "account.withdrawn", rest); break;
        case 2: say(&f, time, r % 7 == 0 ? "account.closed" : "account.granted", rest); break;
        case 3: say(&f, time, "account.reopened", rest); break;
        case 4: assign(&f, time, course, r % 3 == 0 ? "" : role, "2026-02-01", (int)(r % 40), (int)(r / 7 % 13)); break;
        case 5:
            (void)snprintf(rest, sizeof rest, "\"rule\":%d", (int)(r % (unsigned)f.next) * 64);
            say(&f, time, "training.unassigned", rest);
            break;
        default: complete(&f, time, who, course);
        }
        if (i % 10 == 0)
            check_counts(&f, "2026-06-01");
    }
    check_counts(&f, "2026-06-01");
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_roles_and_dates),
                                       cmocka_unit_test(test_people_come_and_go),
                                       cmocka_unit_test(test_rules_end_and_meet),
                                       cmocka_unit_test(test_policies),
                                       cmocka_unit_test(test_attempts),
                                       cmocka_unit_test(test_classroom_and_namesakes),
                                       cmocka_unit_test(test_zone),
                                       cmocka_unit_test(test_reminding),
                                       cmocka_unit_test(test_counts_hold)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
