#include "lab/people/look.h"

#include "lab/views_private.h"

#define KEEP_LOOKS 100000

int look_apply(struct apply *a, struct error *e)
{
    const struct event_view *ev = &a->ev;
    int64_t subject = event_int(ev, "looked.record", -1);
    if (subject < 0 || event_text(ev, "person").n == 0)
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO look(record, time, person, what, why, subject, event, patient) "
                                            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''))");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, ev->time);
    store_bind_text(q, 3, event_text(ev, "person"));
    store_bind_text(q, 4, event_text(ev, "what"));
    store_bind_text(q, 5, event_text(ev, "why"));
    store_bind_int(q, 6, subject);
    store_bind_text(q, 7, event_text(ev, "looked.event"));
    store_bind_text(q, 8, event_text(ev, "looked.patient"));
    if (store_run(q, e) != 0)
        return -1;
    view_notice(a->v, TOPIC_LOOKS, SPAN_LIT(""), a->c->index);
    q = store_stmt(a->w, "DELETE FROM look WHERE n <= (SELECT max(n) FROM look) - ?1");
    store_bind_int(q, 1, KEEP_LOOKS);
    return store_run(q, e);
}

#define MATCHES "(?1 IS NULL OR look.person = ?1) AND (?2 < 0 OR look.subject = ?2)"

static void bind_filter(struct store_stmt *q, const struct look_query *query)
{
    if (query->person.n > 0)
        store_bind_text(q, 1, query->person);
    store_bind_int(q, 2, query->subject);
}

int look_list(struct store_conn *c, const struct look_query *query, look_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT n, record, time, person, coalesce(account.display_name, person), what, why, subject, event, patient "
                                      "FROM look LEFT JOIN account ON account.name = person WHERE " MATCHES " AND n < ?3 ORDER BY n DESC LIMIT ?4");
    bind_filter(q, query);
    store_bind_int(q, 3, query->before > 0 ? query->before : INT64_MAX);
    store_bind_int(q, 4, query->limit);
    while (store_step(q)) {
        struct look_row row = {
            .n = store_int(q, 0),
            .record = (uint64_t)store_int(q, 1),
            .time = store_int(q, 2),
            .person = store_text(q, 3),
            .display_name = store_text(q, 4),
            .what = store_text(q, 5),
            .why = store_text(q, 6),
            .subject = (uint64_t)store_int(q, 7),
            .event = store_text(q, 8),
            .patient = store_text(q, 9),
        };
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t look_total(struct store_conn *c, const struct look_query *query, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM look WHERE " MATCHES);
    bind_filter(q, query);
    return store_run_int(q, -1, e);
}

int64_t look_count(struct store_conn *c, struct span person, tq_time since, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM look WHERE person = ?1 AND time > ?2");
    store_bind_text(q, 1, person);
    store_bind_int(q, 2, since);
    return store_run_int(q, -1, e);
}

bool look_of_record(struct store_conn *c, struct span person, uint64_t subject, uint64_t after, tq_time since, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM look WHERE person = ?1 AND subject = ?2 AND record > ?3 AND time > ?4");
    store_bind_text(q, 1, person);
    store_bind_int(q, 2, (int64_t)subject);
    store_bind_int(q, 3, (int64_t)after);
    store_bind_int(q, 4, since);
    return store_run_int(q, 0, e) > 0;
}
