#include "lab/respond/told.h"

#include "lab/views_private.h"

#define QUIET (15 * 60 * TIME_SECOND)
#define QUIET_CRITICAL (2 * 60 * TIME_SECOND)

bool told_now(const struct told *last, int64_t rank, tq_time now)
{
    tq_time quiet = rank >= RANK_CRITICAL ? QUIET_CRITICAL : QUIET;
    return last == NULL || now - last->time >= quiet || now < last->time; /* the clock was set back: better too early */
}

int told_apply(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO finding_mail VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    store_bind_int(q, 1, span_is(event_text(&a->ev, "what"), "test"));
    store_bind_int(q, 2, a->ev.time);
    store_bind_int(q, 3, (int64_t)a->c->index);
    store_bind_int(q, 4, event_int(&a->ev, "told_until", -1));
    store_bind_int(q, 5, event_int(&a->ev, "findings", 0));
    store_bind_int(q, 6, event_int(&a->ev, "addresses", 0));
    store_bind_text(q, 7, event_text(&a->ev, "why"));
    view_notice(a->v, TOPIC_FINDINGS, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

int told_last(struct store_conn *c, bool test, struct told *ret, bool *ret_found, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT time, record, until, findings, addresses, why FROM finding_mail WHERE test = ?1");
    store_bind_int(q, 1, test);
    *ret = (struct told){.until = -1};
    *ret_found = store_step(q);
    if (*ret_found) {
        *ret = (struct told){.time = store_int(q, 0),
                             .record = (uint64_t)store_int(q, 1),
                             .until = store_int(q, 2),
                             .findings = store_int(q, 3),
                             .addresses = store_int(q, 4)};
        ret->why[span_copy(store_text(q, 5), ret->why, sizeof ret->why - 1)] = 0;
    }
    return store_done(q, e);
}

/* Lines of a finding's history by which it opened: its first, and those that say why it is news again. */
#define OPENED                                                                                                                                       \
    "(SELECT finding.id AS id, max(h.record) AS record FROM finding JOIN finding_event h ON h.finding = finding.n "                                  \
    "WHERE state = 'open' AND rank >= ?1 AND h.record > ?2 AND h.time >= ?3 AND h.person IS NULL AND (h.event = 'finding.reopened' OR "              \
    "(h.event = 'finding' AND (h.why IS NOT NULL OR h.n = (SELECT min(n) FROM finding_event WHERE finding = finding.n)))) GROUP BY finding.n)"

static void bind(struct store_stmt *q, const struct told_query *query)
{
    store_bind_int(q, 1, query->rank_min);
    store_bind_int(q, 2, query->after);
    store_bind_int(q, 3, query->since);
}

int told_due(struct store_conn *c, const struct told_query *query, struct told_news *ret, finding_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*), coalesce(max(rank), 0), coalesce(max(news.record), -1) FROM finding JOIN " OPENED
                                         " AS news ON news.id = finding.id");
    bind(q, query);
    *ret = (struct told_news){0};
    if (store_step(q))
        *ret = (struct told_news){.total = store_int(q, 0), .rank = store_int(q, 1), .until = store_int(q, 2)};
    if (store_done(q, e) != 0)
        return -1;
    if (ret->total == 0 || query->limit == 0)
        return 0;
    char ids[64][65];
    size_t n = 0;
    q = store_stmt(c, "SELECT finding.id FROM finding JOIN " OPENED " AS news ON news.id = finding.id ORDER BY rank DESC, finding.n LIMIT ?4");
    bind(q, query);
    store_bind_int(q, 4, query->limit);
    while (n < sizeof ids / sizeof ids[0] && store_step(q)) {
        ids[n][span_copy(store_text(q, 0), ids[n], sizeof ids[n] - 1)] = 0;
        n++;
    }
    if (store_done(q, e) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        if (finding_get(c, span_str(ids[i]), each, context, &found, e) != 0)
            return -1;
    }
    return 0;
}
