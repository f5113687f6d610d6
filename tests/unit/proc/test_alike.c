/* alike: the record of an acknowledgement that is like the one before it, beside what sense's readers make of the same bytes. */
#include "../cmocka_all.h"

#include "engine/sense/app.h"
#include "proc/alike.h"

#include <stdio.h>

struct world {
    struct app_context *app;
    struct app_flow *flow;
    struct sense_stats stats;
    struct buf told; /* the newest lab.message, encoded */
    unsigned messages;
};

static void take(void *context, const struct record *r)
{
    struct world *w = context;
    if (r->event != EVENT_LAB_MESSAGE)
        return;
    w->messages++;
    buf_clear(&w->told);
    record_encode(&w->told, r);
}

/* What the readers say of this content, as one block. */
static void read_block(struct world *w, const char *content, struct record *ret)
{
    static const struct flow_ref flow = {.id = 7, .proto = 6, .src = {.family = 4}, .dst = {.family = 4}};
    char block[4096];
    int n = snprintf(block, sizeof block, "\x0b%s\x1c\r", content);
    app_data(w->app, &w->flow, &flow, 1, span_of(block, (size_t)n), 1000);
    assert_int_equal(record_decode(buf_span(&w->told), ret, NULL), 0);
}

static int begin(void **state)
{
    static struct world w;
    w = (struct world){.told = BUF_INIT(1 << 20)};
    struct sense_options options = {.hash_key = {.k0 = 1, .k1 = 2}, .sink = {.put = take, .context = &w}, .bodies = true};
    w.app = app_context_new(&options, &w.stats, NULL);
    *state = &w;
    return w.app == NULL ? -1 : 0;
}

static int end(void **state)
{
    static const struct flow_ref flow = {.id = 7};
    struct world *w = *state;
    app_close(w->app, &w->flow, &flow, 1000);
    app_context_free(w->app);
    buf_release(&w->told);
    return 0;
}

/* The same but for the message's own number. */
static void assert_same(struct record *x, struct record *y)
{
    assert_int_equal(x->n, y->n);
    assert_int_equal(x->event, y->event);
    assert_int_equal(x->flow.id, y->flow.id);
    for (size_t i = 0; i < x->n; i++) {
        assert_int_equal(x->fields[i].key, y->fields[i].key);
        if (x->fields[i].key == KEY_MESSAGE_ID)
            continue;
        if (key_info(x->fields[i].key)->type == TYPE_TEXT)
            assert_true(span_equal(x->fields[i].text, y->fields[i].text));
        else
            assert_int_equal(x->fields[i].number, y->fields[i].number);
    }
}

#define MSH(more, time, id) "MSH|^~\\&|LIS|LAB|A|B|" time "||ACK^R01^ACK|" id "|P|2.5.1" more "\r"

static void of_the_same_kind(void **state)
{
    static struct record noted, read, alike;
    struct world *w = *state;
    struct alike *a = NULL;
    static const struct {
        const char *first;
        const char *next;
    } pairs[] = {
        {MSH("", "20261130120000+0000", "TQ1000001") "MSA|AA|M1\r", MSH("", "20261130120000+0000", "TQ1000002") "MSA|AA|M2\r"},
        {MSH("", "20261130120000", "9") "MSA|AA|M1\r", MSH("", "20261130120000", "10") "MSA|AA|a-much.longer_one\r"},
        {MSH("|||AL|NE||UNICODE UTF-8", "", "TQ1") "MSA|AE|M1|why\rERR|||207^x|E\r",
         MSH("|||AL|NE||UNICODE UTF-8", "", "TQ2") "MSA|AE|M2|why\rERR|||207^x|E\r"},
        {MSH("", "", "TQ1") "MSA|CA|M1", MSH("", "", "TQ2") "MSA|CA|M22"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        read_block(w, pairs[i].first, &noted);
        alike_note(&a, span_str(pairs[i].first), &noted);
        assert_true(alike_next(a, span_str(pairs[i].next), &alike));
        read_block(w, pairs[i].next, &read);
        assert_same(&alike, &read);
        assert_true(alike_next(a, span_str(pairs[i].first), &alike)); /* and once more the same */
        read_block(w, pairs[i].first, &noted);
        assert_same(&alike, &noted);
    }
    alike_free(a);
}

static void of_another_kind(void **state)
{
    static struct record noted, alike;
    struct world *w = *state;
    struct alike *a = NULL;
    static const char first[] = MSH("", "20261130120000+0000", "TQ1000001") "MSA|AA|M1\r";
    static const char *const others[] = {
        MSH("", "20261130120001+0000", "TQ1000002") "MSA|AA|M2\r", /* a second later */
        MSH("", "20261130120000+0000", "TQ1000002") "MSA|AE|M2\r",
        MSH("", "20261130120000+0000", "TQ1000002") "MSA|AA|M2|text\r",
        MSH("", "20261130120000+0000", "TQ1000002") "MSA|AA|M2\rERR|x\r",
        MSH("", "20261130120000+0000", "TQ1000002") "MSA|AA|M2",
        MSH("", "20261130120000+0000", "TQ1000002") "MSA|AA|\r",
        MSH("", "20261130120000+0000", "") "MSA|AA|M2\r",
        MSH("", "20261130120000+0000", "TQ\\F\\2") "MSA|AA|M2\r", /* an escape is undone by its reader */
        MSH("", "20261130120000+0000", "TQ2") "MSA|AA|M^2\r",
        MSH("", "20261130120000+0000", "TQ2") "MSA|AA|\"\"\r",
        MSH("||7", "20261130120000+0000", "TQ2") "MSA|AA|M2\r",
        "MSH|^~\\&|LIS|LAB|A|B|20261130120000+0000||ACK^R01^ACK|TQ2|P|2.5.1\rSFT|x\rMSA|AA|M2\r",
        "MSH",
        "",
    };
    assert_false(alike_next(NULL, span_str(first), &alike));
    read_block(w, first, &noted);
    alike_note(&a, span_str(first), &noted);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(alike_next(a, span_str(others[i]), &alike));
    assert_true(alike_next(a, span_str(first), &alike));
    alike_free(a);
}

/* What says more than its own bytes do, or is no acknowledgement, is not kept; and what was, is forgotten. */
static void not_kept(void **state)
{
    static struct record noted, alike;
    struct world *w = *state;
    struct alike *a = NULL;
    static const char good[] = MSH("", "", "TQ1") "MSA|AA|M1\r";
    static const char *const bad[] = {
        MSH("", "", "TQ1") "MSA|AA|M1\rxyz|not a name\r",                  /* malformed */
        MSH("", "", "TQ1") "MSA|AA|M1\rPID|1||4711||NAME^OF\r",            /* of somebody */
        MSH("", "", "TQ1") "MSA|AA|M1\r" MSH("", "", "TQ2") "MSA|AA|M2\r", /* two */
        MSH("", "", "TQ1") "PID|1||4711\r",
        MSH("||7", "", "TQ1") "MSA|AA|M1\r",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        read_block(w, good, &noted);
        alike_note(&a, span_str(good), &noted);
        assert_true(alike_next(a, span_str(good), &alike));
        read_block(w, bad[i], &noted);
        alike_note(&a, span_str(bad[i]), &noted);
        assert_false(alike_next(a, span_str(bad[i]), &alike));
        assert_false(alike_next(a, span_str(good), &alike));
    }
    char large[ALIKE_MOST + 64];
    int n = snprintf(large, sizeof large, MSH("", "", "TQ1") "MSA|AA|M1|");
    memset(large + n, 'x', sizeof large - (size_t)n);
    large[sizeof large - 1] = 0;
    read_block(w, large, &noted);
    alike_note(&a, span_str(large), &noted);
    assert_false(alike_next(a, span_str(large), &alike));
    alike_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_the_same_kind, begin, end),
        cmocka_unit_test_setup_teardown(of_another_kind, begin, end),
        cmocka_unit_test_setup_teardown(not_kept, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
