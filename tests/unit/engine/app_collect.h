/* Drives app as the flow layer does and keeps its records as text, one line a record: event, then key=value of every field, with "; " between them.
 */
#ifndef TQ_TEST_APP_COLLECT_H
#define TQ_TEST_APP_COLLECT_H

#include "engine/sense/app.h"

#include <inttypes.h>
#include <stdlib.h>

struct collect {
    struct buf lines;
    struct sense_stats stats;
    struct app_context *c;
    struct app_flow *flow;
    struct flow_ref ref;
};

static void collect_put(void *context, const struct record *r)
{
    struct collect *k = context;
    buf_add_str(&k->lines, event_name(r->event));
    for (size_t i = 0; i < r->n; i++) {
        const struct key_info *info = key_info(r->fields[i].key);
        if (r->fields[i].key == KEY_MARKS) /* digests: test_marks.c */
            continue;
        buf_addf(&k->lines, "; %s=", info->json);
        if (info->type == TYPE_TEXT)
            buf_add_span(&k->lines, r->fields[i].text);
        else
            buf_addf(&k->lines, "%" PRId64, r->fields[i].number);
    }
    buf_add_str(&k->lines, "\n");
}

/* limit: bytes of a message, 0 for the default. evidence: asset.evidence too. */
static void collect_open(struct collect *k, size_t limit, bool evidence)
{
    *k = (struct collect){.lines = BUF_INIT(64 << 20)};
    struct sense_options options = {.limits = sense_default_limits, .flow_records = evidence, .sink = {.put = collect_put, .context = k}};
    if (limit != 0)
        options.limits.message = limit;
    struct error e;
    k->c = app_context_new(&options, &k->stats, &e);
    if (k->c == NULL)
        abort();
    k->ref = (struct flow_ref){.id = 7, .proto = 6, .src = {{10, 0, 0, 1}, 4}, .dst = {{10, 0, 0, 2}, 4}, .sport = 40000, .dport = 5000};
}

static void collect_data(struct collect *k, int direction, struct span s)
{
    if (s.n == 0)
        return;
    uint8_t *copy = malloc(s.n); /* exactly its size, and gone after the call: nothing may look behind it or keep it */
    if (copy == NULL)
        abort();
    memcpy(copy, s.p, s.n);
    app_data(k->c, &k->flow, &k->ref, direction, span_of(copy, s.n), 1000);
    memset(copy, 0xee, s.n);
    free(copy);
}

static void collect_end_flow(struct collect *k)
{
    app_close(k->c, &k->flow, &k->ref, 2000);
}

static void collect_close(struct collect *k)
{
    collect_end_flow(k);
    app_context_free(k->c);
    buf_release(&k->lines);
}

#endif
