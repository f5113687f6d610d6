/* Which findings are told by mail, and when. */
#include "feed.h"

#include "lab/respond/told.h"

#include <string.h>

#define ABOUT "\"flow\":null,\"evidence\":{\"flows\":[],\"messages\":[]},\"technique\":null,\"advice\":\"Look.\""

static void finding(struct feed *f, int second, const char *id, const char *severity)
{
    char rest[512];
    (void)snprintf(rest, sizeof rest, "\"id\":\"%s\",\"kind\":\"message.malformed\",\"severity\":\"%s\",\"title\":\"Title of %s\"," ABOUT, id,
                   severity, id);
    feed_event(f, second, "finding", rest);
}

static void take(void *context, const struct finding_row *row)
{
    char *ids = context;
    (void)snprintf(ids + strlen(ids), 256 - strlen(ids), "%.*s ", (int)row->id.n, (const char *)row->id.p);
}

/* The ids that are due, in their order; "": none. */
static const char *due(struct feed *f, int64_t rank_min, tq_time since, struct told_news *ret)
{
    static char ids[256];
    struct error e = {0};
    struct told last;
    bool any = false;
    ids[0] = 0;
    assert_int_equal(store_look(f->reader, &e), 0);
    assert_int_equal(told_last(f->reader, false, &last, &any, &e), 0);
    struct told_query q = {.rank_min = rank_min, .after = last.until, .since = any ? 0 : since, .limit = 20};
    assert_int_equal(told_due(f->reader, &q, ret, take, ids, &e), 0);
    store_look_end(f->reader);
    return ids;
}

static void told(struct feed *f, int second, const struct told_news *news)
{
    char rest[256];
    (void)snprintf(rest, sizeof rest, "\"told_until\":%lld,\"findings\":%lld,\"addresses\":2", (long long)news->until, (long long)news->total);
    feed_event(f, second, "finding.mailed", rest);
}

static void news_is_told_once(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct told_news news;
    finding(&f, 1, "f1", "high");
    finding(&f, 2, "f2", "medium");
    finding(&f, 3, "f3", "critical");
    assert_string_equal(due(&f, finding_rank(SPAN_LIT("high")), 0, &news), "f3 f1 ");
    assert_int_equal(news.total, 2);
    assert_int_equal(news.rank, RANK_CRITICAL);
    told(&f, 4, &news);
    assert_string_equal(due(&f, finding_rank(SPAN_LIT("high")), 0, &news), "");
    finding(&f, 5, "f1", "high"); /* as it was: no news */
    assert_string_equal(due(&f, finding_rank(SPAN_LIT("high")), 0, &news), "");
    finding(&f, 6, "f2", "high"); /* it got worse */
    finding(&f, 7, "f4", "high");
    assert_string_equal(due(&f, finding_rank(SPAN_LIT("high")), 0, &news), "f2 f4 ");
    told(&f, 8, &news);
    assert_string_equal(ask(&f, "SELECT findings || ' ' || addresses FROM finding_mail WHERE test = 0"), "2 2");
    feed_free(&f);
}

static void what_somebody_looks_after_is_not_told(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct told_news news;
    finding(&f, 1, "f1", "high");
    finding(&f, 2, "f2", "high");
    feed_event(&f, 3, "finding.taken", "\"id\":\"f1\",\"person\":\"ana\"");
    feed_event(&f, 4, "finding.dismissed", "\"id\":\"f2\",\"person\":\"ana\",\"why\":\"known\"");
    assert_string_equal(due(&f, 0, 0, &news), "");
    feed_event(&f, 5, "finding.reopened", "\"id\":\"f2\",\"person\":\"ana\",\"why\":\"not known after all\""); /* she knows */
    told(&f, 6, &(struct told_news){.until = 4, .total = 1});
    assert_string_equal(due(&f, 0, 0, &news), "");
    feed_event(&f, 7, "finding.dismissed", "\"id\":\"f2\",\"person\":\"ana\",\"why\":\"known\"");
    finding(&f, 8, "f2", "critical"); /* it opens again by itself */
    assert_string_equal(due(&f, 0, 0, &news), "f2 ");
    feed_free(&f);
}

static void the_first_mail_does_not_tell_old_stories(void **state)
{
    (void)state;
    struct feed f = feed_new();
    struct told_news news;
    tq_time then = 0;
    assert_true(time_parse(SPAN_LIT("2026-11-22T14:00:30Z"), &then));
    finding(&f, 1, "f1", "high");
    finding(&f, 40, "f2", "high");
    assert_string_equal(due(&f, 0, then, &news), "f2 ");
    /* a test is no news */
    feed_event(&f, 41, "finding.mailed", "\"what\":\"test\",\"addresses\":1,\"why\":\"550 no such person\"");
    assert_string_equal(due(&f, 0, then, &news), "f2 ");
    assert_string_equal(ask(&f, "SELECT why FROM finding_mail WHERE test = 1"), "550 no such person");
    feed_free(&f);
}

static void mails_keep_apart(void **state)
{
    (void)state;
    const struct told last = {.time = 1000 * TIME_SECOND};
    assert_true(told_now(NULL, 0, 1000 * TIME_SECOND));
    assert_false(told_now(&last, RANK_CRITICAL - 1, 1899 * TIME_SECOND));
    assert_true(told_now(&last, RANK_CRITICAL - 1, 1900 * TIME_SECOND));
    assert_false(told_now(&last, RANK_CRITICAL, 1119 * TIME_SECOND));
    assert_true(told_now(&last, RANK_CRITICAL, 1120 * TIME_SECOND));
    assert_true(told_now(&last, 0, 999 * TIME_SECOND)); /* a clock that was set back does not silence it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_is_told_once),
        cmocka_unit_test(what_somebody_looks_after_is_not_told),
        cmocka_unit_test(the_first_mail_does_not_tell_old_stories),
        cmocka_unit_test(mails_keep_apart),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
