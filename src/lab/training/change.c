/* What records say about training. A record that cannot be meant is ignored. */
#include "lab/training/training_private.h"

#include "base/text.h"

#define COURSE_PLACES 1000 /* more questions has no attempt */

static bool subject(const struct apply *a, char out[ACCOUNT_NAME_MAX + 1])
{
    return account_name(event_text(&a->ev, "account"), out);
}

static struct span course_of(const struct apply *a)
{
    struct span course = event_text(&a->ev, "course");
    return course.n < TRAINING_COURSE ? course : span_of(NULL, 0);
}

static int told(struct apply *a, const char *account, int rc)
{
    view_notice(a->v, TOPIC_TRAINING, span_str(account), a->c->index);
    return rc;
}

static bool sealed_text(const struct apply *a, const char *key, char *out, size_t size)
{
    bool there = event_member(a->c->private_json, key, out, size);
    if (!there)
        out[0] = 0;
    return there;
}

/* ── people ── */

int training_apply_account(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    switch (a->ev.event) {
    case EVENT_ACCOUNT_CREATED:
    case EVENT_ACCOUNT_GRANTED:
    case EVENT_ACCOUNT_WITHDRAWN:
    case EVENT_ACCOUNT_CLOSED:
    case EVENT_ACCOUNT_REOPENED: break;
    default: return 0;
    }
    return subject(a, name) ? told(a, name, duty_judge_person(a, span_str(name), e)) : 0;
}

int training_apply_left(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    return subject(a, name) ? told(a, name, duty_judge_person(a, span_str(name), e)) : 0;
}

int training_apply_contact(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char manager[ACCOUNT_NAME_MAX + 1] = "";
    char mail[256];
    if (!subject(a, name))
        return 0;
    (void)account_name(event_text(&a->ev, "manager"), manager);
    if (!sealed_text(a, "mail", mail, sizeof mail) || !text_is_mail(span_str(mail)))
        mail[0] = 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO account_contact SELECT name, ?2, ?3 FROM account WHERE name = ?1");
    store_bind_str(q, 1, name);
    store_bind_str(q, 2, mail);
    store_bind_str(q, 3, manager);
    return told(a, name, store_run(q, e));
}

/* ── rules ── */

static int add_rule(struct apply *a, int64_t n, struct span course, struct span role, struct span account, int64_t from, int64_t days,
                    struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO training_rule VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, '', '')");
    store_bind_int(q, 1, n);
    store_bind_text(q, 2, course);
    store_bind_text(q, 3, role);
    store_bind_text(q, 4, event_text(&a->ev, "site"));
    store_bind_text(q, 5, account);
    store_bind_int(q, 6, from);
    store_bind_int(q, 7, days);
    store_bind_int(q, 8, event_int(&a->ev, "renew_months", 0));
    store_bind_text(q, 9, event_text(&a->ev, "person"));
    store_bind_text(q, 10, event_text(&a->ev, "why"));
    store_bind_int(q, 11, a->ev.time);
    return store_run(q, e);
}

/* Days and months within what is sensible, else the record is not meant. */
static bool sensible(const struct apply *a, int64_t *ret_days)
{
    int64_t renew = event_int(&a->ev, "renew_months", 0);
    *ret_days = event_int(&a->ev, "days", -1);
    return *ret_days >= 0 && *ret_days <= TRAINING_DAYS && renew >= 0 && renew <= TRAINING_MONTHS;
}

int training_apply_assigned(struct apply *a, struct error *e)
{
    struct span course = course_of(a);
    struct span role = event_text(&a->ev, "account_role");
    int64_t from = 0;
    int64_t days = 0;
    enum job job;
    if (course.n == 0 || span_starts(course, SPAN_LIT(TRAINING_POLICY)) || (role.n > 0 && !job_find(role, &job)) || !sensible(a, &days) ||
        !day_parse(event_text(&a->ev, "from_day"), &from) || training_rule_count(a->w, e) >= TRAINING_RULES)
        return 0;
    if (add_rule(a, (int64_t)a->c->index * 64, course, role, event_text(&a->ev, "account"), from, days, e) != 0)
        return -1;
    return told(a, "", duty_judge_course(a, course, e));
}

int training_apply_unassigned(struct apply *a, struct error *e)
{
    int64_t n = event_int(&a->ev, "rule", -1);
    char course[TRAINING_COURSE] = "";
    struct store_stmt *q = store_stmt(a->w, "SELECT course FROM training_rule WHERE n = ?1 AND ended = 0");
    store_bind_int(q, 1, n);
    if (store_step(q))
        course[span_copy(store_text(q, 0), course, sizeof course - 1)] = 0;
    if (store_done(q, e) != 0)
        return -1;
    if (course[0] == 0 || span_starts(span_str(course), SPAN_LIT(TRAINING_POLICY)))
        return 0;
    q = store_stmt(a->w, "UPDATE training_rule SET ended = ?2, ended_by = ?3, ended_why = ?4 WHERE n = ?1");
    store_bind_int(q, 1, n);
    store_bind_int(q, 2, a->ev.time);
    store_bind_text(q, 3, event_text(&a->ev, "person"));
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    return store_run(q, e) != 0 ? -1 : told(a, "", duty_judge_course(a, span_str(course), e));
}

int training_apply_refresher(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct span course = course_of(a);
    int64_t due = 0;
    if (!subject(a, name) || course.n == 0 || !day_parse(event_text(&a->ev, "due_day"), &due))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO training_refresher SELECT ?1, name, ?3, ?4, ?5, ?6, ?7, -1 FROM account WHERE "
                                            "name = ?2 AND state <> 'closed'");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_str(q, 2, name);
    store_bind_text(q, 3, course);
    store_bind_text(q, 4, event_text(&a->ev, "why"));
    store_bind_int(q, 5, event_int(&a->ev, "cause_record", -1));
    store_bind_int(q, 6, duty_today(a));
    store_bind_int(q, 7, due);
    return store_run(q, e) != 0 ? -1 : told(a, name, duty_judge(a, span_str(name), course, e));
}

/* ── what was done ── */

static int tally_month(struct apply *a, struct span course, int64_t day, bool late, struct error *e)
{
    int64_t year;
    unsigned month;
    unsigned of_month;
    day_to_civil(day, &year, &month, &of_month);
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO training_month VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET on_time = on_time + "
                                            "excluded.on_time, late = late + excluded.late");
    store_bind_int(q, 1, year * 100 + month);
    store_bind_text(q, 2, course);
    store_bind_int(q, 3, !late);
    store_bind_int(q, 4, late);
    return store_run(q, e);
}

static int add_done(struct apply *a, struct span account, struct span course, const char *how, int64_t day, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "SELECT due FROM training_duty WHERE account = ?1 AND course = ?2");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    bool late = store_run_int(q, ZONE_DAY_NEVER, NULL) < day;
    q = store_stmt(a->w, "INSERT OR IGNORE INTO training_done SELECT ?1, name, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 FROM account WHERE name = ?2");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_text(q, 2, account);
    store_bind_text(q, 3, course);
    store_bind_int(q, 4, event_int(&a->ev, "course_version", 0));
    store_bind_text(q, 5, event_text(&a->ev, "course_title"));
    store_bind_str(q, 6, how);
    store_bind_int(q, 7, day);
    store_bind_int(q, 8, a->ev.time);
    store_bind_int(q, 9, late);
    store_bind_text(q, 10, event_text(&a->ev, "trainer"));
    if (store_run(q, e) != 0)
        return -1;
    if (course.n == 0)
        return 0;
    q = store_stmt(a->w, "UPDATE training_refresher SET done = ?3 WHERE account = ?1 AND course = ?2 AND done < 0");
    store_bind_text(q, 1, account);
    store_bind_text(q, 2, course);
    store_bind_int(q, 3, (int64_t)a->c->index);
    if (store_run(q, e) != 0 || tally_month(a, course, day, late, e) != 0)
        return -1;
    return duty_judge(a, account, course, e);
}

/* The attempt is signed: its answers and all earlier attempts at the course are forgotten. */
static int forget(struct apply *a, const char *account, struct span course, struct span attempt, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM training_answer WHERE attempt IN (SELECT id FROM training_attempt WHERE account = ?1 AND "
                                            "course = ?2)");
    store_bind_str(q, 1, account);
    store_bind_text(q, 2, course);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "DELETE FROM training_attempt WHERE account = ?1 AND course = ?2 AND id <> ?3");
    store_bind_str(q, 1, account);
    store_bind_text(q, 2, course);
    store_bind_text(q, 3, attempt);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "UPDATE training_attempt SET state = 'signed' WHERE id = ?1");
    store_bind_text(q, 1, attempt);
    return store_run(q, e);
}

int training_apply_completed(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct span course = course_of(a);
    if (!subject(a, name) || course.n == 0)
        return 0;
    if (add_done(a, span_str(name), course, "test", duty_today(a), e) != 0)
        return -1;
    return told(a, name, forget(a, name, course, event_text(&a->ev, "attempt"), e));
}

int training_apply_acknowledged(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    struct span course = course_of(a);
    if (!subject(a, name) || !span_starts(course, SPAN_LIT(TRAINING_POLICY)))
        return 0;
    return told(a, name, add_done(a, span_str(name), course, "acknowledged", duty_today(a), e));
}

int training_apply_classroom(struct apply *a, struct error *e)
{
    struct span course = course_of(a);
    char name[ACCOUNT_NAME_MAX + 1];
    int64_t day = 0;
    int64_t people = 0;
    if (!day_parse(event_text(&a->ev, "from_day"), &day) || span_starts(course, SPAN_LIT(TRAINING_POLICY)))
        return 0;
    for (size_t i = 0; account_name(event_item(&a->ev, "attended", i), name); i++, people++)
        if (add_done(a, span_str(name), course, "classroom", day, e) != 0)
            return -1;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO training_classroom VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_text(q, 2, course);
    store_bind_text(q, 3, event_text(&a->ev, "course_title"));
    store_bind_text(q, 4, event_text(&a->ev, "trainer"));
    store_bind_int(q, 5, day);
    store_bind_text(q, 6, event_text(&a->ev, "sha256"));
    store_bind_int(q, 7, people);
    store_bind_text(q, 8, event_text(&a->ev, "person"));
    store_bind_int(q, 9, a->ev.time);
    return told(a, "", store_run(q, e));
}

/* ── policies and texts ── */

static int end_policy_rules(struct apply *a, struct span course, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "DELETE FROM training_rule WHERE course = ?1");
    store_bind_text(q, 1, course);
    return store_run(q, e);
}

int training_apply_policy(struct apply *a, struct error *e)
{
    struct span course = course_of(a);
    int64_t days = 0;
    bool ended = event_int(&a->ev, "on", 1) == 0;
    if (!span_starts(course, SPAN_LIT(TRAINING_POLICY)) || (!ended && !sensible(a, &days)) || end_policy_rules(a, course, e) != 0)
        return 0;
    struct span id = course;
    (void)span_skip(&id, sizeof TRAINING_POLICY - 1);
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO training_policy VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE SET title = "
                                            "excluded.title, version = excluded.version, sha256 = excluded.sha256, record = excluded.record, day = "
                                            "CASE WHEN version = excluded.version THEN day ELSE excluded.day END, ended = excluded.ended");
    store_bind_text(q, 1, id);
    store_bind_text(q, 2, event_text(&a->ev, "course_title"));
    store_bind_int(q, 3, event_int(&a->ev, "course_version", 0));
    store_bind_text(q, 4, event_text(&a->ev, "sha256"));
    store_bind_int(q, 5, (int64_t)a->c->index);
    store_bind_int(q, 6, duty_today(a));
    store_bind_int(q, 7, ended);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w, "SELECT day FROM training_policy WHERE id = ?1");
    store_bind_text(q, 1, id);
    int64_t from = store_run_int(q, duty_today(a), NULL);
    int64_t n = (int64_t)a->c->index * 64;
    bool any = false;
    for (size_t i = 0; !ended && i < JOB_COUNT && event_item(&a->ev, "audience", i).n > 0; i++) {
        any = true;
        if (add_rule(a, n + (int64_t)i, course, event_item(&a->ev, "audience", i), SPAN_LIT(""), from, days, e) != 0)
            return -1;
    }
    if (!ended && !any && add_rule(a, n, course, SPAN_LIT(""), SPAN_LIT(""), from, days, e) != 0)
        return -1;
    return told(a, "", duty_judge_course(a, course, e));
}

int training_apply_course(struct apply *a, struct error *e)
{
    struct event_view sealed;
    struct span course = course_of(a);
    struct span sha256 = event_text(&a->ev, "sha256");
    if (course.n == 0 || sha256.n != 64 || !event_open_bare(&sealed, a->c->private_json))
        return 0;
    struct buf text = BUF_INIT(512u << 10);
    for (size_t i = 0; event_item(&sealed, "course_text", i).n > 0; i++)
        buf_add_span(&text, event_item(&sealed, "course_text", i));
    event_release(&sealed);
    int rc = 0;
    if (buf_ok(&text) && text.n > 0) {
        struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO training_text VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        store_bind_text(q, 1, sha256);
        store_bind_text(q, 2, course);
        store_bind_int(q, 3, event_int(&a->ev, "course_version", 0));
        store_bind_text(q, 4, event_text(&a->ev, "course_title"));
        store_bind_int(q, 5, (int64_t)a->c->index);
        store_bind_text(q, 6, buf_span(&text));
        rc = store_run(q, e);
    }
    buf_release(&text);
    return rc;
}

/* ── attempts ── */

int training_apply_begun(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    char drawn[sizeof((struct training_attempt *)0)->drawn];
    struct span course = course_of(a);
    struct span attempt = event_text(&a->ev, "attempt");
    int64_t asked = event_int(&a->ev, "asked", 0);
    if (!subject(a, name) || course.n == 0 || attempt.n != TRAINING_ATTEMPT - 1 || asked <= 0 || !sealed_text(a, "drawn", drawn, sizeof drawn))
        return 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT OR IGNORE INTO training_attempt SELECT ?1, name, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, 'open', 0 "
                                      "FROM account WHERE name = ?2");
    store_bind_text(q, 1, attempt);
    store_bind_str(q, 2, name);
    store_bind_text(q, 3, course);
    store_bind_int(q, 4, event_int(&a->ev, "course_version", 0));
    store_bind_text(q, 5, event_text(&a->ev, "sha256"));
    store_bind_int(q, 6, (int64_t)a->c->index);
    store_bind_int(q, 7, a->ev.time);
    store_bind_str(q, 8, drawn);
    store_bind_int(q, 9, asked);
    store_bind_int(q, 10, event_int(&a->ev, "pass", 100));
    return told(a, name, store_run(q, e));
}

static int tally_question(struct apply *a, struct span attempt, const char *question, bool right, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w,
                                      "INSERT INTO training_question SELECT course, ?2, 1, ?3 FROM training_attempt WHERE id = ?1 ON CONFLICT DO "
                                      "UPDATE SET answered = answered + 1, right = right + excluded.right");
    store_bind_text(q, 1, attempt);
    store_bind_str(q, 2, question);
    store_bind_int(q, 3, right);
    return store_run(q, e);
}

int training_apply_answered(struct apply *a, struct error *e)
{
    struct event_view sealed;
    struct span attempt = event_text(&a->ev, "attempt");
    if (!event_open_bare(&sealed, a->c->private_json))
        return 0;
    char question[64];
    uint64_t number = 0;
    int64_t place = span_decimal(event_text(&sealed, "place"), COURSE_PLACES, &number) ? (int64_t)number : -1;
    bool right = span_is(event_text(&sealed, "right"), "yes");
    question[span_copy(event_text(&sealed, "question"), question, sizeof question - 1)] = 0;
    struct store_stmt *q = store_stmt(a->w,
                                      "SELECT count(*) FROM training_attempt WHERE id = ?1 AND state = 'open' AND ?2 >= 0 AND ?2 < asked AND NOT "
                                      "EXISTS (SELECT 1 FROM training_answer WHERE attempt = ?1 AND place = ?2)");
    store_bind_text(q, 1, attempt);
    store_bind_int(q, 2, place);
    bool takes = store_run_int(q, 0, e) == 1; /* an answer once given stays */
    int rc = 0;
    if (takes) {
        q = store_stmt(a->w, "INSERT INTO training_answer VALUES (?1, ?2, ?3, ?4, ?5)");
        store_bind_text(q, 1, attempt);
        store_bind_int(q, 2, place);
        store_bind_text(q, 3, event_text(&sealed, "chosen"));
        store_bind_int(q, 4, right);
        store_bind_int(q, 5, (int64_t)a->c->index);
        rc = store_run(q, e);
    }
    event_release(&sealed);
    if (!takes || rc != 0)
        return rc;
    q = store_stmt(a->w, "UPDATE training_attempt SET answered = answered + 1, right = right + ?2 WHERE id = ?1");
    store_bind_text(q, 1, attempt);
    store_bind_int(q, 2, right);
    if (store_run(q, e) != 0)
        return -1;
    q = store_stmt(a->w,
                   "UPDATE training_attempt SET state = CASE WHEN right * 100 >= asked * pass THEN 'passed' ELSE 'failed' END, ended = ?2 WHERE "
                   "id = ?1 AND answered = asked");
    store_bind_text(q, 1, attempt);
    store_bind_int(q, 2, a->ev.time);
    return store_run(q, e) != 0 ? -1 : tally_question(a, attempt, question, right, e);
}

/* ── reminding, counting ── */

int training_apply_reminded(struct apply *a, struct error *e)
{
    char name[ACCOUNT_NAME_MAX + 1];
    int64_t due = 0;
    if (!subject(a, name) || !day_parse(event_text(&a->ev, "due_day"), &due))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO training_told SELECT name, ?2, ?3, ?4, ?5, ?6, ?7 FROM account WHERE name = ?1");
    store_bind_str(q, 1, name);
    store_bind_text(q, 2, event_text(&a->ev, "what"));
    store_bind_int(q, 3, due);
    store_bind_int(q, 4, duty_today(a));
    store_bind_text(q, 5, event_text(&a->ev, "how"));
    store_bind_text(q, 6, event_text(&a->ev, "why"));
    store_bind_int(q, 7, (int64_t)a->c->index);
    return told(a, name, store_run(q, e));
}

int training_apply_standing(struct apply *a, struct error *e)
{
    int64_t day = 0;
    if (!day_parse(event_text(&a->ev, "from_day"), &day))
        return 0;
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO training_standing VALUES (?1, ?2, ?3, ?4, ?5)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, day);
    store_bind_int(q, 3, event_int(&a->ev, "assigned", 0));
    store_bind_int(q, 4, event_int(&a->ev, "done", 0));
    store_bind_int(q, 5, event_int(&a->ev, "late", 0));
    return told(a, "", store_run(q, e));
}
