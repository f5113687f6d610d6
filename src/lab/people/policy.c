#include "lab/people/policy.h"

#include "lab/views_private.h"

static const char *const names[] = {[SECOND_FACTOR_NONE] = "none", [SECOND_FACTOR_MANAGERS] = "managers", [SECOND_FACTOR_EVERYBODY] = "everybody"};

const char *second_factor_name(enum second_factor f)
{
    return names[f];
}

bool second_factor_find(struct span name, enum second_factor *ret)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_is(name, names[i])) {
            *ret = (enum second_factor)i;
            return true;
        }
    return false;
}

int policy_apply(struct apply *a, struct error *e)
{
    int64_t days = event_int(&a->ev, "password_days", 0);
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO access_policy VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)");
    store_bind_int(q, 1, days >= POLICY_DAYS_LEAST && days <= POLICY_DAYS_MOST ? days : 0);
    store_bind_text(q, 2, event_text(&a->ev, "person"));
    store_bind_int(q, 3, a->ev.time);
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, (int64_t)a->c->index);
    store_bind_text(q, 6, event_text(&a->ev, "second_factor"));
    view_notice(a->v, TOPIC_PEOPLE, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

int access_policy_get(struct store_conn *c, struct access_policy *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT password_days, by, time, why, second_factor FROM access_policy");
    *ret = (struct access_policy){0};
    if (store_step(q)) {
        ret->password_days = store_int(q, 0);
        ret->by[span_copy(store_text(q, 1), ret->by, sizeof ret->by - 1)] = 0;
        ret->time = store_int(q, 2);
        (void)second_factor_find(store_text(q, 4), &ret->second_factor);
        ret->why[span_copy(store_text(q, 3), ret->why, sizeof ret->why - 1)] = 0;
    }
    return store_done(q, e);
}
