#include "lab/erasure.h"

#include "lab/views_private.h"

/* What is dropped of a patient's messages and results, by the records that the event names. They are shown no more from the moment that the erasure
 * is applied, and a rebuilt view never had them: their records cannot be read. */
#define GONE "SELECT record FROM result WHERE patient = ?1 AND record BETWEEN ?2 AND ?3"
#define GONE_MESSAGES                                                                                                                                \
    "SELECT message.record FROM message JOIN result ON result.run = message.run AND result.message = message.id WHERE result.patient = ?1 AND "      \
    "result.record BETWEEN ?2 AND ?3"

static int run(struct apply *a, const char *sql, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, sql);
    store_bind_text(q, 1, event_text(&a->ev, "erased.patient"));
    store_bind_int(q, 2, event_int(&a->ev, "erased.first", 0));
    store_bind_int(q, 3, event_int(&a->ev, "erased.last", -1));
    return store_run(q, e);
}

int keys_apply_erased(struct apply *a, struct error *e)
{
    if (run(a, "UPDATE ledger_row SET event = 'erased', summary = 'Erased' WHERE record IN (" GONE " UNION " GONE_MESSAGES ")", e) != 0 ||
        run(a, "DELETE FROM link_aside WHERE record IN (" GONE_MESSAGES ")", e) != 0 ||
        run(a, "DELETE FROM message WHERE record IN (" GONE_MESSAGES ")", e) != 0 || run(a, "DELETE FROM result WHERE record IN (" GONE ")", e) != 0)
        return -1;
    store_checkpoint_soon(a->v->store); /* and from the store's pages and log */
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO erasure VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "erased.patient"));
    store_bind_int(q, 4, event_int(&a->ev, "erased.from", 0));
    store_bind_int(q, 5, event_int(&a->ev, "erased.to", UINT32_MAX));
    int64_t last = event_int(&a->ev, "erased.last", -1);
    if (event_int(&a->ev, "erased.first", -1) >= 0 && last >= 0)
        store_bind_int(q, 6, last);
    else
        store_bind_null(q, 6);
    view_notice(a->v, TOPIC_RESULTS, SPAN_LIT(""), a->c->index);
    view_notice(a->v, TOPIC_LEDGER, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

int erasure_list(struct store_conn *c, uint64_t record, erasure_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT record, time, patient, from_month, to_month, last FROM erasure WHERE record >= ?1 ORDER BY record");
    store_bind_int(q, 1, record > INT64_MAX ? INT64_MAX : (int64_t)record);
    while (store_step(q)) {
        struct erasure_row row = {.record = (uint64_t)store_int(q, 0),
                                  .time = store_int(q, 1),
                                  .patient = store_text(q, 2),
                                  .from = (uint32_t)store_int(q, 3),
                                  .to = (uint32_t)store_int(q, 4),
                                  .last = (uint64_t)store_int(q, 5),
                                  .none = store_is_null(q, 5)};
        each(context, &row);
    }
    return store_done(q, e);
}
