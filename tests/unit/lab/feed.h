/* Feeds handwritten ledger lines to views, as the projector does. */
#ifndef TQ_TEST_FEED_H
#define TQ_TEST_FEED_H

#include "lab/views.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

struct feed {
    struct store *store;
    struct keeper_views *views;
    struct store_conn *reader;
    uint64_t next;
};

static inline struct feed feed_new(void)
{
    struct error e = {0};
    struct feed f = {.store = store_open_memory(&e)};
    assert_non_null(f.store);
    f.views = views_open(f.store, "main-street", &e);
    if (f.views == NULL)
        fail_msg("%s", e.text);
    f.reader = store_reader_open(f.store, &e);
    assert_non_null(f.reader);
    return f;
}

static inline void feed_free(struct feed *f)
{
    store_reader_close(f->reader);
    views_close(f->views);
    store_close(f->store);
}

static inline void feed_private(struct feed *f, const char *json, const char *private_json)
{
    struct error e = {0};
    struct committed c = {.index = f->next++,
                          .custody = true,
                          .recorded = INT64_C(1790000000) * TIME_SECOND,
                          .json = span_str(json),
                          .private_json = span_str(private_json)};
    if (views_apply(f->views, &c, &e) != 0 || views_commit(f->views, &e) != 0)
        fail_msg("%s", e.text);
}

static inline void feed(struct feed *f, const char *json)
{
    feed_private(f, json, "");
}

/* One event: second, name, and the rest of the object. */
static inline void feed_event(struct feed *f, int second, const char *event, const char *rest)
{
    char line[4096];
    (void)snprintf(line, sizeof line, "{\"time\":\"2026-11-22T14:%02d:%02d.000000000Z\",\"event\":\"%s\"%s%s}", second / 60 % 60, second % 60, event,
                   rest[0] == 0 ? "" : ",", rest);
    feed(f, line);
}

/* The first column of the first row, as text; "(none)" without rows. */
static inline const char *ask(struct feed *f, const char *sql)
{
    static char answer[1024];
    struct error e = {0};
    assert_int_equal(store_look(f->reader, &e), 0);
    struct store_stmt *q = store_stmt(f->reader, sql);
    (void)snprintf(answer, sizeof answer, "(none)");
    if (store_step(q)) {
        struct span text = store_text(q, 0);
        (void)snprintf(answer, sizeof answer, "%.*s", (int)text.n, (const char *)text.p);
    }
    if (store_done(q, &e) != 0)
        fail_msg("%s", e.text);
    store_look_end(f->reader);
    return answer;
}

#define FLOW(src, dst) "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"" src "\",\"sport\":4000,\"dst\":\"" dst "\",\"dport\":2575,\"vlan\":null}"

#endif
