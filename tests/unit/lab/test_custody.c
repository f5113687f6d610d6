/* What became of results: chains of sightings, verdicts, and what a person reads of them. */
#include "feed.h"

#include "lab/inventory/custody.h"
#include "lab/inventory/result.h"

static void message(struct feed *f, int second, const char *id, const char *src, const char *dst, int results)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest,
                   FLOW("%s", "%s") ",\"id\":\"%s\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"sender\":\"%s\",\"receiver\":\"%s\",\"results\":%d,"
                                    "\"bytes\":400,\"malformed\":null,\"ack\":null",
                   src, dst, id, src, dst, results);
    feed_event(f, second, "lab.message", rest);
    for (int i = 0; i < results; i++) {
        (void)snprintf(rest, sizeof rest,
                       FLOW("%s", "%s") ",\"test\":{\"code\":\"T%d\"},\"patient\":\"P-ABC\",\"specimen\":\"S-DEF\",\"value_digest\":\"x\","
                                        "\"flags\":[],\"status\":\"F\",\"message\":\"%s\"",
                       src, dst, i, id);
        feed_event(f, second, "lab.result", rest);
    }
}

static void step(struct feed *f, int second, const char *message, const char *verdict, const char *from, const char *rows, const char *more)
{
    char rest[1024];
    (void)snprintf(rest, sizeof rest, "%s\"message\":\"%s\",\"step\":{\"verdict\":\"%s\"%s%s%s,%s}", more, message, verdict,
                   from[0] == 0 ? "" : ",\"from\":\"", from, from[0] == 0 ? "" : "\"", rows);
    feed_event(f, second, "result.followed", rest);
}

static struct feed start(void)
{
    struct feed f = feed_new();
    feed_event(&f, 0, "run.started", "\"person\":\"-\"");
    feed_event(&f, 0, "capture.started", "\"capture\":\"eth1\"");
    return f;
}

static void one_result(struct feed *f, int second, const char *message)
{
    char rest[512];
    (void)snprintf(rest, sizeof rest,
                   FLOW("10.0.0.1", "10.0.0.2") ",\"test\":{\"code\":\"GLU\"},\"specimen\":\"S-DEF\",\"flags\":[],\"message\":\"%s\"", message);
    feed_event(f, second, "lab.result", rest);
}

/* Results of several messages in turn, before and behind them: each has its place in its own, and what that says. */
static void results_know_their_message(void **state)
{
    (void)state;
    struct feed f = start();
    one_result(&f, 1, "f1.0.1");
    one_result(&f, 1, "f1.0.1");
    message(&f, 2, "f1.0.1", "10.0.0.1", "10.0.0.2", 1);
    one_result(&f, 3, "f1.0.2");
    one_result(&f, 3, "f1.0.1");
    message(&f, 4, "f1.0.2", "10.0.0.3", "10.0.0.2", 1);
    one_result(&f, 5, "f1.0.1");
    assert_string_equal(ask(&f, "SELECT group_concat(message || '/' || place || '/' || coalesce(type, '-') || '/' || coalesce(sender, '-') || '/' || "
                                "(instr(search, coalesce(sender, '?')) > 0), ' ') FROM (SELECT * FROM result ORDER BY n)"),
                        "f1.0.1/0/ORU^R01/10.0.0.1/1 f1.0.1/1/ORU^R01/10.0.0.1/1 f1.0.1/2/ORU^R01/10.0.0.1/1 f1.0.2/0/ORU^R01/10.0.0.3/1 "
                        "f1.0.1/3/ORU^R01/10.0.0.1/1 f1.0.2/1/ORU^R01/10.0.0.3/1 f1.0.1/4/ORU^R01/10.0.0.1/1");
    feed_free(&f);
}

/* "changed value 3>7" of the result in this record: state, what changed, records where it was seen first and last. */
struct said {
    char text[512];
    size_t n;
};

static void say(void *context, const struct result_row *row)
{
    struct said *s = context;
    if (s->n++ > 0)
        return;
    (void)snprintf(s->text, sizeof s->text, "%s %.*s %.*s %d>%d", custody_word((enum custody_state)row->state), (int)row->why.n, row->why.p,
                   (int)row->part.n, row->part.n == 0 ? (const uint8_t *)"" : row->part.p, (int)row->received, (int)row->forwarded);
}

static const char *verdict(struct feed *f, uint64_t record, size_t sightings)
{
    static struct said s;
    struct error e = {0};
    s = (struct said){0};
    assert_int_equal(store_look(f->reader, &e), 0);
    assert_int_equal(custody_chain(f->reader, record, say, &s, &e), 0);
    store_look_end(f->reader);
    assert_int_equal(s.n, sightings);
    return s.text;
}

static void count_rows(void *context, const struct result_row *row)
{
    (void)row;
    ++*(int64_t *)context;
}

/* The summary, and that every count is that of the list it leads to. */
static struct custody_summary summary(struct feed *f)
{
    struct custody_summary s;
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    assert_int_equal(custody_summary(f->reader, &s, &e), 0);
    int64_t all = 0;
    for (int i = 0; i < CUSTODY_STATES; i++) {
        struct result_query q = {.verdict = i, .first = true, .limit = 1000};
        int64_t rows = 0;
        assert_int_equal(result_list(f->reader, &q, count_rows, &rows, &e), 0);
        assert_int_equal(rows, s.of[i]);
        assert_int_equal(result_total(f->reader, &q, &e), s.of[i]);
        all += rows;
    }
    assert_int_equal(all, s.total);
    store_look_end(f->reader);
    return s;
}

#define SAME3 "\"here\":[0],\"there\":[0],\"count\":[3]"

static void from_analyzer_to_lis(void **state)
{
    (void)state;
    struct feed f = start();
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 3);  /* records 2, 3-5 */
    message(&f, 2, "f2.0.1", "10.0.5.1", "10.0.5.50", 3); /* 6, 7-9 */
    assert_string_equal(verdict(&f, 3, 1), "one-sided once  3>-1");
    step(&f, 2, "f2.0.1", "same", "f1.0.1", "\"here\":[1],\"there\":[0],\"count\":[2]", ""); /* T0 and T1 were written behind T2 */
    step(&f, 2, "f2.0.1", "changed", "f1.0.1", "\"changed\":\"value\",\"here\":[0],\"there\":[2],\"count\":[1]",
         "\"kind\":\"result.altered_in_transit\",\"id\":\"0123456789abcdef0123456789abcdef\",");
    assert_string_equal(verdict(&f, 3, 2), "as-sent same  3>8");
    assert_string_equal(verdict(&f, 8, 2), "as-sent same  3>8");
    assert_string_equal(verdict(&f, 4, 2), "as-sent same  4>9");
    assert_string_equal(verdict(&f, 5, 2), "changed changed value 5>7");
    assert_string_equal(verdict(&f, 7, 2), "changed changed value 5>7");
    assert_string_equal(ask(&f, "SELECT group_concat(finding) FROM result"), "0123456789abcdef0123456789abcdef");
    struct custody_summary s = summary(&f);
    assert_int_equal(s.total, 3);
    assert_int_equal(s.of[CUSTODY_AS_SENT], 2);
    assert_int_equal(s.of[CUSTODY_CHANGED], 1);
    struct buf text = BUF_INIT(512);
    custody_say(&(struct result_row){.why = SPAN_LIT("changed"), .part = SPAN_LIT("value")}, &text);
    assert_string_equal(buf_text(&text), "It arrived with another value than the one that was sent.");
    buf_release(&text);
    feed_free(&f);
}

/* Three places; told in the order in which they lie, and the other way round. */
/* A relay tells of a message that went on as it came in one record: its results were seen there, too. */
static void went_on_unchanged(void **state)
{
    (void)state;
    struct feed f = start();
    message(&f, 1, "f1.0.1", "10.0.5.1", "10.0.5.9", 3); /* records 2; 3 to 5 */
    feed_event(&f, 2, "lab.message",
               FLOW("10.0.5.9", "10.0.9.1") ",\"id\":\"f2.0.1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"sender\":\"A\",\"receiver\":\"B\","
                                            "\"results\":3,\"bytes\":400,\"malformed\":null,\"ack\":null,\"link\":\"chem\",\"leg\":\"forwarded\","
                                            "\"unchanged_from\":\"f1.0.1\"");
    step(&f, 2, "f2.0.1", "same", "f1.0.1", "\"here\":[0],\"there\":[0],\"count\":[3]", "");
    for (uint64_t record = 3; record <= 5; record++) {
        char wanted[64];
        (void)snprintf(wanted, sizeof wanted, "as-sent same  %d>%d", (int)record, (int)record);
        assert_string_equal(verdict(&f, record, 2), wanted);
    }
    struct custody_summary s = summary(&f);
    assert_int_equal(s.total, 3);
    assert_int_equal(s.of[CUSTODY_AS_SENT], 3);
    assert_string_equal(ask(&f, "SELECT value FROM counter WHERE name = 'results'"), "6");
    feed_free(&f);
}

static void longer_ways(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct feed f = start();
        message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 1);   /* 3 */
        message(&f, 2, "f2.0.1", "10.0.5.1", "10.0.5.20", 1);  /* 5 */
        message(&f, 3, "f3.0.1", "10.0.5.20", "10.0.5.50", 1); /* 7 */
        for (int i = 0; i < 2; i++)
            if ((i == 0) == (turn == 0))
                step(&f, 3, "f2.0.1", "same", "f1.0.1", "\"here\":[0],\"there\":[0],\"count\":[1]", "");
            else
                step(&f, 3, "f3.0.1", "changed", "f2.0.1", "\"changed\":\"unit\",\"here\":[0],\"there\":[0],\"count\":[1]", "");
        assert_string_equal(verdict(&f, 7, 3), "changed changed unit 3>7");
        assert_int_equal(summary(&f).total, 1);
        /* a circle is none */
        step(&f, 4, "f1.0.1", "same", "f3.0.1", "\"here\":[0],\"there\":[0],\"count\":[1]", "");
        assert_string_equal(verdict(&f, 7, 3), "changed changed unit 3>7");
        feed_free(&f);
    }
}

static void count_found(void *context, const struct result_row *row)
{
    (void)row;
    ++*(int *)context;
}

/* By whatever specimen's number and test's name it had at any place, and once. */
static void found_by_its_tube(void **state)
{
    (void)state;
    static const struct {
        const char *specimen;
        const char *test;
        int n;
    } asked[] = {{"S-DEF", "T0", 1}, {"S-DEF", "t1", 1}, {"S-DEF", "T7", 0}, {"S-OTHER", "T0", 0}, {"S-LIS", "K+", 1}};
    struct feed f = start();
    struct error e = {0};
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 2);
    message(&f, 2, "f2.0.1", "10.0.5.1", "10.0.5.50", 2);
    feed_event(&f, 2, "lab.result",
               FLOW("10.0.5.1", "10.0.5.50") ",\"test\":{\"code\":\"K+\"},\"specimen\":\"S-LIS\",\"flags\":[],\"message\":\"f2.0.1\"");
    step(&f, 2, "f2.0.1", "same", "f1.0.1", "\"here\":[0,2],\"there\":[0,1],\"count\":[1,1]", "");
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        int n = 0;
        assert_int_equal(store_look(f.reader, &e), 0);
        assert_int_equal(custody_find(f.reader, span_str(asked[i].specimen), span_str(asked[i].test), count_found, &n, &e), 0);
        store_look_end(f.reader);
        /* T1 was seen at both places, by its own name at the second one too: two results, since nothing says that they are one */
        assert_int_equal(n, i == 1 ? 2 : asked[i].n);
    }
    feed_free(&f);
}

static void what_is_awaited(void **state)
{
    (void)state;
    struct feed f = start();
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 1);  /* 3 */
    message(&f, 2, "f2.0.1", "10.0.5.1", "10.0.5.50", 1); /* 5 */
    step(&f, 2, "f2.0.1", "same", "f1.0.1", "\"here\":[0],\"there\":[0],\"count\":[1]", "");
    message(&f, 3, "f1.0.2", "10.0.5.7", "10.0.5.1", 3); /* 8-10: this sender's results go on */
    assert_string_equal(verdict(&f, 8, 1), "pending awaited  8>-1");
    assert_int_equal(summary(&f).of[CUSTODY_PENDING], 3);
    step(&f, 4, "f1.0.2", "missing", "", "\"here\":[0],\"count\":[1]", "\"kind\":\"result.missing\",\"id\":\"00\",");
    step(&f, 4, "f1.0.2", "stayed", "", "\"here\":[1],\"count\":[1]", "");
    assert_string_equal(verdict(&f, 8, 1), "missing missing  8>-1");
    assert_string_equal(verdict(&f, 9, 1), "one-sided stayed  9>-1");
    message(&f, 5, "f2.0.2", "10.0.5.1", "10.0.5.50", 1); /* 14: it comes after all */
    step(&f, 5, "f2.0.2", "same", "f1.0.2", "\"here\":[0],\"there\":[0],\"count\":[1]", "");
    assert_string_equal(verdict(&f, 8, 2), "as-sent late  8>14");
    assert_string_equal(verdict(&f, 10, 1), "pending awaited  10>-1");
    feed_event(&f, 6, "capture.ended", "\"capture\":\"eth1\"");
    assert_string_equal(verdict(&f, 10, 1), "one-sided ended  10>-1");
    assert_int_equal(summary(&f).total, 4);
    feed_free(&f);
}

static void what_was_told_of_one_place(void **state)
{
    (void)state;
    struct feed f = start();
    message(&f, 1, "f1.0.1", "10.0.5.7", "10.0.5.1", 3); /* 3-5 */
    message(&f, 2, "f1.0.2", "10.0.5.7", "10.0.5.1", 3); /* 7-9: again, corrected, altered, replayed */
    step(&f, 2, "f1.0.2", "corrected", "f1.0.1", "\"changed\":\"value\",\"here\":[0],\"there\":[0],\"count\":[1]", "");
    step(&f, 2, "f1.0.2", "altered", "f1.0.1", "\"changed\":\"flag\",\"here\":[1],\"there\":[1],\"count\":[1]", "");
    step(&f, 2, "f1.0.2", "replayed", "", "\"here\":[0],\"count\":[3]", "");
    assert_string_equal(verdict(&f, 7, 1), "replayed replayed  7>-1"); /* the worse one */
    assert_string_equal(verdict(&f, 8, 1), "changed altered flag 8>-1");
    assert_string_equal(verdict(&f, 9, 1), "replayed replayed  9>-1");
    assert_string_equal(verdict(&f, 3, 1), "one-sided once  3>-1"); /* the first ones stay what they were */
    /* nothing of this is understood, and nothing breaks */
    step(&f, 3, "f1.0.2", "nonsense", "f1.0.1", SAME3, "");
    step(&f, 3, "f9.0.2", "same", "f1.0.1", SAME3, "");
    step(&f, 3, "f1.0.2", "same", "f9.0.1", SAME3, "");
    step(&f, 3, "f1.0.2", "same", "f1.0.1", "\"here\":[-4],\"there\":[0],\"count\":[3]", "");
    step(&f, 3, "f1.0.2", "same", "f1.0.1", "\"here\":[0],\"there\":[0],\"count\":[99999999]", "");
    assert_string_equal(verdict(&f, 8, 1), "changed altered flag 8>-1");
    assert_int_equal(summary(&f).total, 6);
    feed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_know_their_message), cmocka_unit_test(from_analyzer_to_lis),
        cmocka_unit_test(went_on_unchanged),          cmocka_unit_test(longer_ways),
        cmocka_unit_test(found_by_its_tube),          cmocka_unit_test(what_is_awaited),
        cmocka_unit_test(what_was_told_of_one_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
