/* People and their duties, as lists. */
#include "lab/training/training.h"

#define STATE "CASE WHEN due < ?1 THEN 3 WHEN done = 0 THEN 2 WHEN due <= ?1 + 30 THEN 1 ELSE 0 END" /* enum training_state; 30: TRAINING_SOON */

const char *training_state_name(enum training_state s)
{
    static const char *const names[TRAINING_STATES] = {
        [TRAINING_DONE] = "done", [TRAINING_RENEW] = "renew", [TRAINING_OPEN] = "open", [TRAINING_LATE] = "late"};
    return (unsigned)s < TRAINING_STATES ? names[s] : "";
}

enum training_state training_state(bool done, int64_t due, int64_t today)
{
    if (due < today)
        return TRAINING_LATE;
    if (!done)
        return TRAINING_OPEN;
    return due <= today + TRAINING_SOON ? TRAINING_RENEW : TRAINING_DONE;
}

#define DUTY                                                                                                                                         \
    "training_duty.account, coalesce(account.display_name, training_duty.account), training_duty.course, assigned, training_duty.due, renew, "       \
    "training_duty.done, training_duty.record, training_done.day, training_done.version, training_done.how, training_duty.refresher, "               \
    "training_refresher.why FROM training_duty LEFT JOIN account ON account.name = training_duty.account LEFT JOIN training_done ON "                \
    "training_done.account = training_duty.account AND training_done.course = training_duty.course AND training_done.record = "                      \
    "training_duty.record LEFT JOIN training_refresher ON training_refresher.record = training_duty.refresher "

static void give(struct store_stmt *q, int64_t today, training_duty_each *each, void *context)
{
    struct training_duty d = {
        .account = store_text(q, 0),
        .display_name = store_text(q, 1),
        .course = store_text(q, 2),
        .assigned = store_int(q, 3),
        .due = store_int(q, 4),
        .renew = store_int(q, 5),
        .done = store_int(q, 6) != 0,
        .record = store_int(q, 7),
        .done_day = store_is_null(q, 8) ? ZONE_DAY_NEVER : store_int(q, 8),
        .version = store_int(q, 9),
        .how = store_text(q, 10),
        .refresher = store_int(q, 11),
        .why = store_text(q, 12),
    };
    d.state = training_state(d.done, d.due, today);
    each(context, &d);
}

int training_duties(struct store_conn *c, struct span account, int64_t today, training_duty_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT " DUTY "WHERE training_duty.account = ?1 ORDER BY training_duty.due, training_duty.course");
    store_bind_text(q, 1, account);
    while (store_step(q))
        give(q, today, each, context);
    return store_done(q, e);
}

int training_duty_list(struct store_conn *c, const struct training_query *x, training_duty_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c,
        "SELECT " DUTY "WHERE (training_duty.account, training_duty.course) > (?5, ?6) AND (?2 = '' OR training_duty.course = ?2) AND ((?3 = '' AND "
        "?4 = '') OR EXISTS (SELECT 1 FROM training_member AS m WHERE m.account = training_duty.account AND m.role = ?3 AND (?4 = '' OR m.site = "
        "?4))) AND (?7 < 0 OR CASE WHEN training_duty.due < ?1 THEN 3 WHEN training_duty.done = 0 THEN 2 WHEN training_duty.due <= ?1 + 30 THEN 1 "
        "ELSE 0 END = ?7) ORDER BY training_duty.account, training_duty.course LIMIT ?8");
    store_bind_int(q, 1, x->today);
    store_bind_text(q, 2, x->course);
    store_bind_text(q, 3, x->role);
    store_bind_text(q, 4, x->site);
    store_bind_text(q, 5, x->after_account);
    store_bind_text(q, 6, x->after_course);
    store_bind_int(q, 7, x->state);
    store_bind_int(q, 8, x->limit);
    while (store_step(q))
        give(q, x->today, each, context);
    return store_done(q, e);
}

/* ── people ── */

#define PERSON                                                                                                                                       \
    "SELECT p.account, coalesce(account.display_name, p.account), p.duties, p.done, (SELECT count(*) FROM training_duty AS d WHERE d.account = "     \
    "p.account AND d.due < ?1), p.next, coalesce(manager, ''), coalesce(mail, '') <> '' OR instr(p.account, '@') > 0 FROM training_person AS p "     \
    "LEFT "                                                                                                                                          \
    "JOIN account ON account.name = p.account LEFT JOIN account_contact ON account_contact.account = p.account WHERE (?2 = '' OR instr(p.account, "  \
    "lower(?2)) > 0 OR instr(lower(account.display_name), lower(?2)) > 0) AND ((?3 = '' AND ?4 < 0) OR EXISTS (SELECT 1 FROM training_duty AS d "    \
    "WHERE d.account = p.account AND (?3 = '' OR d.course = ?3) AND (?4 < 0 OR " STATE                                                               \
    " = ?4))) AND ((?5 = '' AND ?6 = '') OR EXISTS (SELECT 1 FROM training_member AS m WHERE m.account = p.account AND m.role = ?5 AND (?6 = '' OR " \
    "m.site = ?6)))"

/* Those whose first day is over are late: the index finds them. */
#define BY_DUE PERSON " AND (p.next, p.account) > (?7, ?8) AND (?4 <> 3 OR p.next < ?1) ORDER BY p.next, p.account LIMIT ?9"
#define BY_NAME PERSON " AND p.account > ?8 AND ?7 = ?7 ORDER BY p.account LIMIT ?9"

int training_people(struct store_conn *c, const struct training_people *x, training_person_each *each, void *context, struct error *e)
{
    struct store_stmt *q = x->order == TRAINING_BY_DUE ? store_stmt(c, BY_DUE) : store_stmt(c, BY_NAME);
    store_bind_int(q, 1, x->today);
    store_bind_text(q, 2, x->text);
    store_bind_text(q, 3, x->course);
    store_bind_int(q, 4, x->state);
    store_bind_text(q, 5, x->role);
    store_bind_text(q, 6, x->site);
    store_bind_int(q, 7, x->after ? x->after_next : INT64_MIN);
    store_bind_text(q, 8, x->after ? x->after_account : SPAN_LIT(""));
    store_bind_int(q, 9, x->limit);
    while (store_step(q)) {
        struct training_person p = {
            .account = store_text(q, 0),
            .display_name = store_text(q, 1),
            .duties = store_int(q, 2),
            .done = store_int(q, 3),
            .late = store_int(q, 4),
            .next = store_int(q, 5),
            .manager = store_text(q, 6),
            .mail = store_int(q, 7) != 0,
        };
        each(context, &p);
    }
    return store_done(q, e);
}

int training_totals(struct store_conn *c, int64_t today, int64_t *ret_people, int64_t *ret_late, struct error *e)
{
    *ret_people = store_run_int(store_stmt(c, "SELECT count(*) FROM training_person"), -1, e);
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM training_person WHERE next < ?1");
    store_bind_int(q, 1, today);
    *ret_late = store_run_int(q, -1, e);
    return *ret_people < 0 || *ret_late < 0 ? -1 : 0;
}

/* ── counts ── */

#define COUNTS                                                                                                                                       \
    "sum(CASE WHEN done = 1 AND due > ?1 + 30 THEN n ELSE 0 END), sum(CASE WHEN done = 1 AND due >= ?1 AND due <= ?1 + 30 THEN n ELSE 0 END), "      \
    "sum(CASE WHEN done = 0 AND due >= ?1 THEN n ELSE 0 END), sum(CASE WHEN due < ?1 THEN n ELSE 0 END) FROM training_count "

int training_counts(struct store_conn *c, enum training_by by, struct span course, struct span role, struct span site, int64_t today,
                    training_count_each *each, void *context, struct error *e)
{
    static const char *const queries[] = {
        [TRAINING_BY_ALL] = "SELECT '', " COUNTS "WHERE role = ?3 AND site = ?4 AND (?2 = '' OR course = ?2)",
        [TRAINING_BY_COURSE] = "SELECT course, " COUNTS "WHERE role = ?3 AND site = ?4 AND (?2 = '' OR course = ?2) GROUP BY course ORDER BY course",
        [TRAINING_BY_ROLE] = "SELECT role, " COUNTS "WHERE role <> '' AND (?3 = '' OR role = ?3) AND site = ?4 AND (?2 = '' OR course = ?2) GROUP BY "
                             "role ORDER BY role",
        [TRAINING_BY_SITE] = "SELECT site, " COUNTS "WHERE role = ?3 AND site <> '' AND (?4 = '' OR site = ?4) AND (?2 = '' OR course = ?2) GROUP BY "
                             "site ORDER BY site",
    };
    struct store_stmt *q = store_stmt(c, queries[by]);
    store_bind_int(q, 1, today);
    store_bind_text(q, 2, course);
    store_bind_text(q, 3, role);
    store_bind_text(q, 4, site);
    while (store_step(q)) {
        struct training_counts n;
        for (int i = 0; i < TRAINING_STATES; i++)
            n.n[i] = store_int(q, i + 1);
        each(context, store_text(q, 0), &n);
    }
    return store_done(q, e);
}

int training_months(struct store_conn *c, struct span course, int64_t most, training_month_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT * FROM (SELECT month, sum(on_time), sum(late) FROM training_month WHERE (?1 = '' OR course = ?1) GROUP "
                                      "BY month ORDER BY month DESC LIMIT ?2) ORDER BY 1");
    store_bind_text(q, 1, course);
    store_bind_int(q, 2, most);
    while (store_step(q)) {
        struct training_month m = {.month = store_int(q, 0), .on_time = store_int(q, 1), .late = store_int(q, 2)};
        each(context, &m);
    }
    return store_done(q, e);
}

int training_standings(struct store_conn *c, int64_t most, training_standing_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT * FROM (SELECT day, assigned, done, late, record FROM training_standing ORDER BY record DESC LIMIT ?1) "
                                      "ORDER BY record");
    store_bind_int(q, 1, most);
    while (store_step(q)) {
        struct training_standing s = {.day = store_int(q, 0),
                                      .assigned = store_int(q, 1),
                                      .done = store_int(q, 2),
                                      .late = store_int(q, 3),
                                      .record = (uint64_t)store_int(q, 4)};
        each(context, &s);
    }
    return store_done(q, e);
}
