#include "lab/respond/filed.h"

int filed_list(struct store_stmt *q, const struct filed_query *query, filed_row *row, void *context, struct error *e)
{
    store_bind_text(q, 1, query->state);
    store_bind_text(q, 2, query->person);
    store_bind_int(q, 3, query->before > 0 ? query->before : INT64_MAX);
    store_bind_int(q, 4, query->limit);
    while (store_step(q))
        row(q, context);
    return store_done(q, e);
}

int64_t filed_total(struct store_stmt *q, const struct filed_query *query, struct error *e)
{
    store_bind_text(q, 1, query->state);
    store_bind_text(q, 2, query->person);
    return store_run_int(q, -1, e);
}

int filed_one(struct store_stmt *q, filed_row *row, void *context, bool *ret_found, struct error *e)
{
    *ret_found = store_step(q);
    if (*ret_found)
        row(q, context);
    return store_done(q, e);
}

int64_t filed_since(struct store_stmt *q, struct span person, tq_time since, struct error *e)
{
    store_bind_text(q, 1, person);
    store_bind_int(q, 2, since);
    return store_run_int(q, -1, e);
}
