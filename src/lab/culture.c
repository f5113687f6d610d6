#include "lab/culture.h"

#include "lab/training/training.h"

#define DAY (86400 * TIME_SECOND)
#define OLD (2 * DAY)
#define MEDIUM 2 /* ranks of findings */
#define HIGH 3

static void take_counts(void *context, struct span name, const struct phishing_counts *n)
{
    (void)name;
    *(struct phishing_counts *)context = *n;
}

static int64_t between(struct store_conn *c, const char *sql, int64_t from, int64_t to, struct error *e)
{
    struct store_stmt *q = store_stmt(c, sql);
    store_bind_int(q, 1, from);
    store_bind_int(q, 2, to);
    return store_run_int(q, 0, e);
}

static int window(struct store_conn *c, const struct zone *zone, tq_time from, tq_time to, struct culture_window *ret, struct error *e)
{
    int64_t first = zone_day(zone, from) + 1; /* whole days: today belongs to the newer window, and each day to one */
    int64_t last = zone_day(zone, to) + 1;
    e->class = ERR_NONE;
    ret->trained = between(c, "SELECT count(*) FROM training_done WHERE day >= ?1 AND day < ?2", first, last, e);
    if (e->class == ERR_NONE)
        ret->trained_late = between(c, "SELECT count(*) FROM training_done WHERE day >= ?1 AND day < ?2 AND late = 1", first, last, e);
    if (e->class == ERR_NONE)
        ret->reviews = between(c, "SELECT count(*) FROM act WHERE time > ?1 AND time <= ?2 AND event = 'account.reviewed'", from, to, e);
    if (e->class == ERR_NONE)
        ret->mails = between(c, "SELECT count(*) FROM mail WHERE time > ?1 AND time <= ?2", from, to, e);
    if (e->class == ERR_NONE)
        ret->findings = between(c, "SELECT count(*) FROM finding WHERE first_time > ?1 AND first_time <= ?2 AND rank >= 2", from, to, e);
    if (e->class != ERR_NONE)
        return -1;
    struct store_stmt *q = store_stmt(c,
                                      "SELECT count(*), coalesce(sum(state IN ('answered', 'closed')), 0), coalesce(avg(CASE WHEN answered > 0 THEN "
                                      "(answered - time) / 1000000000 END), -1.0) FROM report WHERE time > ?1 AND time <= ?2");
    store_bind_int(q, 1, from);
    store_bind_int(q, 2, to);
    if (store_step(q)) {
        ret->reports = store_int(q, 0);
        ret->reports_answered = store_int(q, 1);
        ret->answer_s = (int64_t)store_real(q, 2);
    }
    if (store_done(q, e) != 0)
        return -1;
    return phishing_counts(c, PHISHING_BY_ALL, SPAN_LIT(""), from + 1, to + 1, take_counts, &ret->phishing, e);
}

static void add_duties(void *context, struct span name, const struct training_counts *n)
{
    struct culture *x = context;
    (void)name;
    for (int i = 0; i < TRAINING_STATES; i++)
        x->duties += n->n[i];
    x->done += n->n[TRAINING_DONE] + n->n[TRAINING_RENEW];
}

static int standing(struct store_conn *c, tq_time now, struct culture *ret, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*), coalesce(sum(time < ?1), 0) FROM report WHERE state IN ('received', 'looking')");
    store_bind_int(q, 1, now - OLD);
    if (store_step(q)) {
        ret->reports_waiting = store_int(q, 0);
        ret->reports_old = store_int(q, 1);
    }
    if (store_done(q, e) != 0)
        return -1;
    q = store_stmt(c, "SELECT count(*), coalesce(sum(time < ?1), 0) FROM mail WHERE state = 'waiting'");
    store_bind_int(q, 1, now - OLD);
    if (store_step(q)) {
        ret->mails_waiting = store_int(q, 0);
        ret->mails_old = store_int(q, 1);
    }
    if (store_done(q, e) != 0)
        return -1;
    q = store_stmt(c, "SELECT count(*), coalesce(sum(max(created, reviewed) < ?1), 0) FROM account WHERE closed = 0");
    store_bind_int(q, 1, now - CULTURE_DAYS * DAY);
    if (store_step(q)) {
        ret->accounts = store_int(q, 0);
        ret->reviews_due = store_int(q, 1);
    }
    if (store_done(q, e) != 0)
        return -1;
    q = store_stmt(c,
                   "SELECT count(*), coalesce(sum(state = 'open'), 0), coalesce(sum(state = 'open' AND rank >= ?2), 0) FROM finding WHERE state IN "
                   "('open', 'taken') AND ended = 0 AND rank >= ?1");
    store_bind_int(q, 1, MEDIUM);
    store_bind_int(q, 2, HIGH);
    if (store_step(q)) {
        ret->tasks = store_int(q, 0);
        ret->tasks_untaken = store_int(q, 1);
        ret->tasks_urgent = store_int(q, 2);
    }
    return store_done(q, e);
}

int culture_get(struct store_conn *c, const struct zone *zone, tq_time now, struct culture *ret, struct error *e)
{
    tq_time then = now - CULTURE_DAYS * DAY;
    int64_t today = zone_day(zone, now);
    *ret = (struct culture){0};
    if (window(c, zone, then, now, &ret->now, e) != 0 || window(c, zone, then - CULTURE_DAYS * DAY, then, &ret->before, e) != 0 ||
        standing(c, now, ret, e) != 0 || training_totals(c, today, &ret->people, &ret->people_late, e) != 0)
        return -1;
    return training_counts(c, TRAINING_BY_ALL, SPAN_LIT(""), SPAN_LIT(""), SPAN_LIT(""), today, add_duties, ret, e);
}

enum culture_next culture_next(const struct culture *c, bool can_simulate, int64_t *ret_n)
{
    const struct phishing_counts *p = &c->now.phishing;
    const struct {
        bool holds;
        int64_t n;
    } rule[] = {[CULTURE_FINDINGS] = {c->tasks_urgent > 0, c->tasks_urgent},
                [CULTURE_REPORTS] = {c->reports_old > 0, c->reports_old},
                [CULTURE_MAILS] = {c->mails_old > 0, c->mails_old},
                [CULTURE_ASSIGN] = {c->accounts > 0 && c->duties == 0, 0},
                [CULTURE_TRAINING] = {c->people_late > 0, c->people_late},
                [CULTURE_REVIEWS] = {c->reviews_due > 0, c->reviews_due},
                [CULTURE_SIMULATE] = {can_simulate && p->sent == 0, 0},
                [CULTURE_TALK] = {p->sent >= PHISHING_FAIR && 2 * p->reported < p->sent, p->sent - p->reported}};
    for (int i = 0; i < CULTURE_NOTHING; i++)
        if (rule[i].holds) {
            *ret_n = rule[i].n;
            return (enum culture_next)i;
        }
    *ret_n = 0;
    return CULTURE_NOTHING;
}

const char *culture_next_name(enum culture_next n)
{
    static const char *const names[] = {"findings", "reports", "mails", "assign", "training", "reviews", "simulate", "talk", "nothing"};
    return names[n];
}
