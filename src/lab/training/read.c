/* What is told of training but people and counts: rules, what was done, classes, policies, texts, attempts. */
#include "lab/training/training.h"

static void copy(struct span text, char *out, size_t size)
{
    out[span_copy(text, out, size - 1)] = 0;
}

/* ── rules ── */

int training_rules(struct store_conn *c, training_rule_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT n, course, role, site, account, from_day, days, renew, by, why, time FROM training_rule WHERE ended = 0 "
           "AND substr(course, 1, 7) <> 'policy:' ORDER BY course, n");
    while (store_step(q)) {
        struct training_rule r = {
            .n = store_int(q, 0),
            .course = store_text(q, 1),
            .role = store_text(q, 2),
            .site = store_text(q, 3),
            .account = store_text(q, 4),
            .from_day = store_int(q, 5),
            .days = store_int(q, 6),
            .renew = store_int(q, 7),
            .by = store_text(q, 8),
            .why = store_text(q, 9),
            .time = store_int(q, 10),
        };
        each(context, &r);
    }
    return store_done(q, e);
}

int64_t training_rule_count(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM training_rule WHERE ended = 0"), -1, e);
}

bool training_rule_holds(struct store_conn *c, int64_t n)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM training_rule WHERE n = ?1 AND ended = 0 AND substr(course, 1, 7) <> 'policy:'");
    store_bind_int(q, 1, n);
    return store_run_int(q, 0, NULL) == 1;
}

/* ── what was done ── */

#define DONE                                                                                                                                         \
    "SELECT record, training_done.account, coalesce(account.display_name, training_done.account), course, version, title, how, day, time, late, by " \
    "FROM training_done LEFT JOIN account ON account.name = training_done.account WHERE "

int training_history(struct store_conn *c, struct span account, int64_t from, int64_t to, uint64_t after, struct span after_account, int64_t limit,
                     training_done_each *each, void *context, struct error *e)
{
    /* one person's few lie together; everybody's are found by their records */
    struct store_stmt *q =
        account.n > 0
            ? store_stmt(c, DONE "training_done.account = ?1 AND day >= ?2 AND day <= ?3 AND +record > ?4 AND ?5 = ?5 ORDER BY +record LIMIT ?6")
            : store_stmt(c, DONE "?1 = '' AND day >= ?2 AND day <= ?3 AND (record, training_done.account) > (?4, ?5) ORDER BY record, "
                                 "training_done.account LIMIT ?6");
    store_bind_text(q, 1, account);
    store_bind_int(q, 2, from);
    store_bind_int(q, 3, to);
    store_bind_int(q, 4, after == 0 ? -1 : (int64_t)after);
    store_bind_text(q, 5, after_account);
    store_bind_int(q, 6, limit);
    while (store_step(q)) {
        struct training_done d = {
            .record = (uint64_t)store_int(q, 0),
            .account = store_text(q, 1),
            .display_name = store_text(q, 2),
            .course = store_text(q, 3),
            .version = store_int(q, 4),
            .title = store_text(q, 5),
            .how = store_text(q, 6),
            .day = store_int(q, 7),
            .time = store_int(q, 8),
            .late = store_int(q, 9) != 0,
            .by = store_text(q, 10),
        };
        each(context, &d);
    }
    return store_done(q, e);
}

bool training_certificate(struct store_conn *c, uint64_t record, struct span account, struct training_certificate *ret)
{
    struct store_stmt *q = store_stmt(
        c,
        "SELECT d.account, coalesce(account.display_name, d.account), d.course, d.title, d.how, d.by, d.version, d.day, d.time, CASE WHEN "
        "training_duty.record = d.record AND training_duty.done = 1 THEN training_duty.due ELSE 0 END FROM training_done AS d LEFT JOIN account ON "
        "account.name = d.account LEFT JOIN training_duty ON training_duty.account = d.account AND training_duty.course = d.course WHERE d.record = "
        "?1 AND (?2 = '' OR d.account = ?2) ORDER BY d.account LIMIT 1");
    store_bind_int(q, 1, (int64_t)record);
    store_bind_text(q, 2, account);
    bool found = store_step(q);
    if (found) {
        copy(store_text(q, 0), ret->account, sizeof ret->account);
        copy(store_text(q, 1), ret->display_name, sizeof ret->display_name);
        copy(store_text(q, 2), ret->course, sizeof ret->course);
        copy(store_text(q, 3), ret->title, sizeof ret->title);
        copy(store_text(q, 4), ret->how, sizeof ret->how);
        copy(store_text(q, 5), ret->by, sizeof ret->by);
        ret->version = store_int(q, 6);
        ret->day = store_int(q, 7);
        ret->time = store_int(q, 8);
        ret->until = store_int(q, 9);
    }
    return store_done(q, NULL) == 0 && found;
}

int training_classes(struct store_conn *c, uint64_t before, int64_t limit, training_class_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT record, course, topic, trainer, sha256, by, day, people FROM training_classroom WHERE record < ?1 ORDER "
           "BY record DESC LIMIT ?2");
    store_bind_int(q, 1, before > INT64_MAX ? INT64_MAX : (int64_t)before);
    store_bind_int(q, 2, limit);
    while (store_step(q)) {
        struct training_class k = {
            .record = (uint64_t)store_int(q, 0),
            .course = store_text(q, 1),
            .topic = store_text(q, 2),
            .trainer = store_text(q, 3),
            .sha256 = store_text(q, 4),
            .by = store_text(q, 5),
            .day = store_int(q, 6),
            .people = store_int(q, 7),
        };
        each(context, &k);
    }
    return store_done(q, e);
}

/* ── policies and texts ── */

int training_policies(struct store_conn *c, training_policy_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT id, title, sha256, version, day, record FROM training_policy WHERE ended = 0 ORDER BY id");
    while (store_step(q)) {
        struct training_policy p = {.id = store_text(q, 0),
                                    .title = store_text(q, 1),
                                    .sha256 = store_text(q, 2),
                                    .version = store_int(q, 3),
                                    .day = store_int(q, 4),
                                    .record = (uint64_t)store_int(q, 5)};
        each(context, &p);
    }
    return store_done(q, e);
}

bool training_text_known(struct store_conn *c, const char *sha256)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(*) FROM training_text WHERE sha256 = ?1");
    store_bind_str(q, 1, sha256);
    return store_run_int(q, 0, NULL) == 1;
}

int training_text(struct store_conn *c, const char *sha256, struct buf *out, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT text FROM training_text WHERE sha256 = ?1");
    store_bind_str(q, 1, sha256);
    if (store_step(q))
        buf_add_span(out, store_text(q, 0));
    return store_done(q, e);
}

/* ── attempts ── */

int training_attempt_get(struct store_conn *c, struct span id, struct span account, struct span course, struct training_attempt *ret, bool *ret_found,
                         struct error *e)
{
    struct store_stmt *q = store_stmt(c,
                                      "SELECT id, account, course, version, sha256, record, begun, drawn, asked, pass, answered, right, state, ended "
                                      "FROM training_attempt WHERE (?1 <> '' AND id = ?1) OR (?1 = '' AND account = ?2 AND course = ?3) ORDER BY "
                                      "begun DESC, record DESC LIMIT 1");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, account);
    store_bind_text(q, 3, course);
    *ret_found = store_step(q);
    if (*ret_found) {
        copy(store_text(q, 0), ret->id, sizeof ret->id);
        copy(store_text(q, 1), ret->account, sizeof ret->account);
        copy(store_text(q, 2), ret->course, sizeof ret->course);
        ret->version = store_int(q, 3);
        copy(store_text(q, 4), ret->sha256, sizeof ret->sha256);
        ret->record = (uint64_t)store_int(q, 5);
        ret->begun = store_int(q, 6);
        copy(store_text(q, 7), ret->drawn, sizeof ret->drawn);
        ret->asked = store_int(q, 8);
        ret->pass = store_int(q, 9);
        ret->answered = store_int(q, 10);
        ret->right = store_int(q, 11);
        copy(store_text(q, 12), ret->state, sizeof ret->state);
        ret->ended = store_int(q, 13);
    }
    return store_done(q, e);
}

tq_time training_failed(struct store_conn *c, struct span account, struct span course, int64_t n)
{
    struct store_stmt *q = store_stmt(
        c, "SELECT ended FROM training_attempt WHERE account = ?1 AND course = ?2 AND state = 'failed' ORDER BY ended DESC "
           "LIMIT 1 OFFSET ?3");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    store_bind_int(q, 3, n - 1);
    return store_run_int(q, 0, NULL);
}

int training_answers(struct store_conn *c, const char *attempt, training_answer_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT place, chosen, right FROM training_answer WHERE attempt = ?1 ORDER BY place");
    store_bind_str(q, 1, attempt);
    while (store_step(q)) {
        struct training_answer a = {.place = store_int(q, 0), .chosen = store_text(q, 1), .right = store_int(q, 2) != 0};
        each(context, &a);
    }
    return store_done(q, e);
}

int training_questions(struct store_conn *c, struct span course, training_question_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT question, answered, right FROM training_question WHERE course = ?1 ORDER BY question");
    store_bind_text(q, 1, course);
    while (store_step(q)) {
        struct training_question x = {.question = store_text(q, 0), .answered = store_int(q, 1), .right = store_int(q, 2)};
        each(context, &x);
    }
    return store_done(q, e);
}

int64_t training_passed(struct store_conn *c, struct span course, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT count(DISTINCT account) FROM training_attempt WHERE course = ?1 AND state = 'signed'");
    store_bind_text(q, 1, course);
    return store_run_int(q, -1, e);
}
