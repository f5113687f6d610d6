/* Duties: what rules, roles and what was done amount to.
 *
 * Invariants
 *  1. training_count holds every duty once for each of its person's keys (all, each site, each role, each role at a site), and nothing else: a duty
 *     is taken out of the counts before it, or who its person counts as, changes, and is put in behind that.
 *  2. training_person has a row for everybody with a duty, and no others; its members follow from her duties. */
#include "lab/training/training_private.h"

#include <stdio.h>

/* The keys under which a person's duties are counted: ?1 is the account. */
#define KEYS                                                                                                                                         \
    "(SELECT '' AS role, '' AS site UNION SELECT role, '' FROM training_member WHERE account = ?1 UNION SELECT role, site FROM training_member "     \
    "WHERE account = ?1)"

static int count(struct apply *a, struct span account, struct span course, bool done, int64_t due, int64_t by, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO training_count SELECT role, site, ?2, ?3, ?4, ?5 FROM " KEYS
                                            " WHERE true ON CONFLICT(role, site, course, done, due) DO UPDATE SET n = n + excluded.n");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    store_bind_int(q, 3, done);
    store_bind_int(q, 4, due);
    store_bind_int(q, 5, by);
    if (store_run(q, e) != 0)
        return -1;
    if (by > 0)
        return 0;
    q = store_stmt(a->w, "DELETE FROM training_count WHERE role IN (SELECT role FROM " KEYS ") AND site IN (SELECT site FROM " KEYS
                         ") AND course = ?2 AND done = ?3 AND due = ?4 AND n = 0");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    store_bind_int(q, 3, done);
    store_bind_int(q, 4, due);
    return store_run(q, e);
}

/* All duties of a person into the counts, or out of them. */
static int count_person(struct apply *a, struct span account, int64_t by, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "SELECT course, done, due FROM training_duty WHERE account = ?1");
    int rc = 0;
    store_bind_text(q, 1, account);
    while (rc == 0 && store_step(q))
        rc = count(a, account, store_text(q, 0), store_int(q, 1) != 0, store_int(q, 2), by, e);
    return store_done(q, rc == 0 ? e : NULL) != 0 || rc != 0 ? -1 : 0;
}

static int sum_person(struct apply *a, struct span account, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO training_person SELECT account, count(*), sum(done), min(due) FROM training_duty "
                                            "WHERE account = ?1 GROUP BY account");
    store_bind_text(q, 1, account);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "DELETE FROM training_person WHERE account = ?1 AND NOT EXISTS (SELECT 1 FROM training_duty WHERE account = ?1)");
    store_bind_text(q, 1, account);
    return store_run(q, e);
}

/* ── what a duty should be ── */

struct wanted {
    bool any;
    int64_t assigned, due, renew, record, refresher;
    bool done;
};

static int want_rules(struct apply *a, struct span account, struct span course, struct wanted *w, struct error *e)
{
    struct store_stmt *q = store_stmt(
        a->w, "SELECT max(from_day, since), days, renew FROM training_rule JOIN training_member AS m ON m.account = ?1 AND m.role = "
              "training_rule.role AND (training_rule.site = '' OR training_rule.site = m.site) WHERE course = ?2 AND ended = 0 AND "
              "(training_rule.account = '' OR training_rule.account = ?1)");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    while (store_step(q)) {
        int64_t from = store_int(q, 0);
        int64_t due = from + store_int(q, 1);
        int64_t renew = store_int(q, 2);
        if (!w->any || due < w->due) {
            w->assigned = from;
            w->due = due;
        }
        if (renew > 0 && (w->renew == 0 || renew < w->renew))
            w->renew = renew;
        w->any = true;
    }
    return store_done(q, e);
}

static int want_refresher(struct apply *a, struct span account, struct span course, struct wanted *w, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "SELECT record, day, due FROM training_refresher WHERE account = ?1 AND course = ?2 AND done < 0 "
                                            "ORDER BY due LIMIT 1");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    if (store_step(q)) {
        w->refresher = store_int(q, 0);
        if (!w->any || store_int(q, 2) < w->due || w->done) {
            w->assigned = store_int(q, 1);
            w->due = store_int(q, 2);
        }
        w->any = true;
        w->done = false;
    }
    return store_done(q, e);
}

static int want_done(struct apply *a, struct span account, struct span course, struct wanted *w, struct error *e)
{
    int64_t version = 0; /* the only one that counts; 0: any */
    int64_t since = 0;
    struct store_stmt *q;
    if (span_starts(course, SPAN_LIT(TRAINING_POLICY))) {
        q = store_stmt(a->w, "SELECT version, day FROM training_policy WHERE 'policy:' || id = ?1");
        store_bind_text(q, 1, course);
        if (store_step(q)) {
            version = store_int(q, 0);
            since = store_int(q, 1);
        }
        if (store_done(q, e) != 0)
            return -1;
    }
    q = store_stmt(a->w, "SELECT record, day, version FROM training_done WHERE account = ?1 AND course = ?2 ORDER BY record DESC LIMIT 1");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    w->record = -1;
    if (store_step(q) && (version == 0 || store_int(q, 2) == version)) {
        w->done = true;
        w->record = store_int(q, 0);
        w->due = w->renew > 0 ? day_add_months(store_int(q, 1), w->renew) : ZONE_DAY_NEVER;
    } else if (w->assigned < since) { /* a new version is asked for anew */
        w->due += since - w->assigned;
        w->assigned = since;
    }
    return store_done(q, e);
}

static int want(struct apply *a, struct span account, struct span course, struct wanted *w, struct error *e)
{
    *w = (struct wanted){.record = -1, .refresher = -1};
    if (want_rules(a, account, course, w, e) != 0)
        return -1;
    if (w->any && want_done(a, account, course, w, e) != 0)
        return -1;
    return want_refresher(a, account, course, w, e);
}

/* ── one duty ── */

static int drop(struct apply *a, struct span account, struct span course, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM training_duty WHERE account = ?1 AND course = ?2");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    return store_run(q, e);
}

static int put(struct apply *a, struct span account, struct span course, const struct wanted *w, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO training_duty VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    store_bind_int(q, 3, w->assigned);
    store_bind_int(q, 4, w->renew);
    store_bind_int(q, 5, w->due);
    store_bind_int(q, 6, w->done);
    store_bind_int(q, 7, w->record);
    store_bind_int(q, 8, w->refresher);
    return store_run(q, e);
}

/* counted: the duty is in the counts now, and shall be again. */
static int judge(struct apply *a, struct span account, struct span course, bool counted, struct error *e)
{
    struct wanted w;
    if (want(a, account, course, &w, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT done, due, assigned, renew, record, refresher FROM training_duty WHERE account = ?1 AND course = ?2");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    bool there = store_step(q);
    bool done = there && store_int(q, 0) != 0;
    int64_t due = there ? store_int(q, 1) : 0;
    bool same = there && w.any && done == w.done && due == w.due && store_int(q, 2) == w.assigned && store_int(q, 3) == w.renew &&
                store_int(q, 4) == w.record && store_int(q, 5) == w.refresher;
    if (store_done(q, e) != 0)
        return -1;
    if (same || (!there && !w.any))
        return 0;
    if (there && counted && count(a, account, course, done, due, -1, e) != 0)
        return -1;
    if ((w.any ? put(a, account, course, &w, e) : drop(a, account, course, e)) != 0)
        return -1;
    return w.any && counted ? count(a, account, course, w.done, w.due, 1, e) : 0;
}

int duty_judge(struct apply *a, struct span account, struct span course, struct error *e)
{
    return judge(a, account, course, true, e) != 0 ? -1 : sum_person(a, account, e);
}

/* ── a person ── */

static int set_members(struct apply *a, struct span account, struct error *e)
{
    struct account person;
    bool found = false;
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM training_member WHERE account = ?1");
    store_bind_text(q, 1, account);
    if (store_run(q, e) != 0 || account_get(a->w, account, &person, &found, e) != 0)
        return -1;
    if (!found || person.closed)
        return 0;
    q = store_stmt(a->w, "SELECT role, CASE WHEN site = '' THEN ?3 ELSE site END, since FROM account_grant WHERE account = ?1 AND ended = 0 AND "
                         "(until = 0 OR until > ?2)");
    store_bind_text(q, 1, account);
    store_bind_int(q, 2, a->ev.time);
    store_bind_str(q, 3, a->v->site);
    bool sealed = false;
    int rc = 0;
    while (rc == 0 && store_step(q)) {
        struct store_stmt *one = store_stmt(a->w, "INSERT INTO training_member VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET since = min(since, "
                                                  "excluded.since)");
        struct span role = store_text(q, 0);
        sealed = sealed || span_is(role, job_name(JOB_EMERGENCY));
        for (int i = 0; rc == 0 && i < 2; i++) { /* as one of this role, and as one of everybody */
            store_bind_text(one, 1, account);
            store_bind_text(one, 2, i == 0 ? role : SPAN_LIT(""));
            store_bind_text(one, 3, store_text(q, 1));
            store_bind_int(one, 4, zone_day(&a->v->zone, store_int(q, 2)));
            rc = store_run(one, e);
        }
    }
    if (store_done(q, rc == 0 ? e : NULL) != 0 || rc != 0)
        return -1;
    if (!sealed)
        return 0;
    q = store_stmt(a->w, "DELETE FROM training_member WHERE account = ?1"); /* the envelope's account is nobody */
    store_bind_text(q, 1, account);
    return store_run(q, e);
}

int duty_judge_person(struct apply *a, struct span account, struct error *e)
{
    if (count_person(a, account, -1, e) != 0 || set_members(a, account, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(a->w, "SELECT DISTINCT course FROM training_rule WHERE ended = 0 UNION SELECT course FROM training_duty WHERE "
                                            "account = ?1 UNION SELECT course FROM training_refresher WHERE account = ?1 AND done < 0");
    store_bind_text(q, 1, account);
    int rc = 0;
    while (rc == 0 && store_step(q)) {
        struct span course = store_text(q, 0);
        struct account person;
        bool found = false;
        rc = account_get(a->w, account, &person, &found, e);
        if (rc == 0)
            rc = !found || person.closed ? drop(a, account, course, e) : judge(a, account, course, false, e);
    }
    if (store_done(q, rc == 0 ? e : NULL) != 0 || rc != 0)
        return -1;
    return count_person(a, account, 1, e) != 0 ? -1 : sum_person(a, account, e);
}

int duty_judge_course(struct apply *a, struct span course, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT DISTINCT account FROM training_member WHERE role IN (SELECT role FROM training_rule WHERE course = "
                                      "?1) UNION SELECT account FROM training_duty WHERE course = ?1");
    store_bind_text(q, 1, course);
    int rc = 0;
    while (rc == 0 && store_step(q))
        rc = duty_judge(a, store_text(q, 0), course, e);
    return store_done(q, rc == 0 ? e : NULL) != 0 || rc != 0 ? -1 : 0;
}
