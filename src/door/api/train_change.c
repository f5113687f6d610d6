/* What managers decide about training: who has to do what, who was taught, who is reminded. */
#include "door/api/training.h"

#include "base/text.h"
#include "door/api/people_private.h"

#include <stdio.h>
#include <stdlib.h>

static bool day_field(struct call *c, struct span text, int64_t missing, int64_t *ret)
{
    *ret = missing;
    if (text.n == 0 || day_parse(text, ret))
        return true;
    problem(c, 422, "day", "A day is written as 2026-12-31.");
    return false;
}

static bool number_field(struct call *c, struct span text, uint64_t missing, uint64_t most, const char *what, uint64_t *ret)
{
    *ret = missing;
    if (text.n == 0 || span_decimal(text, most, ret))
        return true;
    problem(c, 422, "number", what);
    return false;
}

static bool known_course(struct call *c, struct span course)
{
    const struct courses *s = courses_of(c);
    if (s != NULL && courses_find(s, course) == NULL)
        problem(c, 422, "course", "There is no course of this id.");
    return !answered(c);
}

/* An open account. */
static bool known_person(struct call *c, struct span name)
{
    struct error e = {0};
    struct account a;
    bool found = false;
    if (account_get(c->db, name, &a, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found || a.closed)
        problem(c, 422, "account", "There is no open account of one of these names.");
    return !answered(c);
}

static void put_record(struct call *c, uint64_t index)
{
    jsonw_object(&c->json);
    jsonw_put_uint(&c->json, "record", index);
    jsonw_object_end(&c->json);
}

/* ── POST /training/rules ── */

void handle_training_assign(struct call *c)
{
    enum { COURSE, ROLE, SITE, ACCOUNT, FROM, DAYS, RENEW, WHY, FIELDS };
    struct body body;
    struct error e = {0};
    struct body_field f[FIELDS] = {[COURSE] = {.name = "course", .max = COURSE_ID},
                                   [ROLE] = {.name = "role", .max = 40, .optional = true},
                                   [SITE] = {.name = "site", .max = TRAINING_SITE - 1, .optional = true},
                                   [ACCOUNT] = {.name = "account", .max = ACCOUNT_NAME_MAX, .optional = true},
                                   [FROM] = {.name = "from", .max = 10, .optional = true},
                                   [DAYS] = {.name = "days", .max = 4},
                                   [RENEW] = {.name = "renew_months", .max = 4, .optional = true},
                                   [WHY] = {.name = "why", .max = 4 * PEOPLE_WHY_MAX, .optional = true}};
    uint64_t days = 0;
    uint64_t renew = 0;
    uint64_t index = 0;
    int64_t from = 0;
    enum job role;
    char text[DAY_TEXT];
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (f[ROLE].text.n > 0 && (!job_find(f[ROLE].text, &role) || role == JOB_LOCAL || role == JOB_EMERGENCY))
        problem(c, 422, "role", "There is no such role.");
    else if (known_course(c, f[COURSE].text) && (f[ACCOUNT].text.n == 0 || known_person(c, f[ACCOUNT].text)) &&
             day_field(c, f[FROM].text, training_today(c), &from) &&
             number_field(c, f[DAYS].text, 0, TRAINING_DAYS, "\"days\" is a number from 0 to 730: so long there is time.", &days) &&
             number_field(c, f[RENEW].text, 0, TRAINING_MONTHS, "\"renew_months\" is a number up to 120; 0: once and for all.", &renew) &&
             (f[WHY].text.n == 0 || people_why(c, f[WHY].text))) {
        int64_t held = training_rule_count(c->db, &e);
        if (held < 0)
            problem_store(c, &e);
        else if (held >= TRAINING_RULES)
            problem(c, 409, "full", "There are 500 assignments already. End some first.");
        struct record *r = answered(c) ? NULL : decision(c, EVENT_TRAINING_ASSIGNED);
        if (r != NULL) {
            record_text(r, KEY_COURSE, f[COURSE].text);
            record_text(r, KEY_ACCOUNT_ROLE, f[ROLE].text);
            record_text(r, KEY_SITE, f[SITE].text);
            record_text(r, KEY_ACCOUNT, f[ACCOUNT].text);
            record_str(r, KEY_FROM_DAY, day_format(from, text));
            record_int(r, KEY_DAYS, (int64_t)days);
            record_int(r, KEY_RENEW_MONTHS, (int64_t)renew);
            record_text(r, KEY_WHY, f[WHY].text);
        }
        if (training_decide(c, r, &index))
            put_record(c, index);
    }
    body_close(&body);
}

/* ── POST /training/rules/{rule}/end ── */

void handle_training_unassign(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "why", .max = 4 * PEOPLE_WHY_MAX}};
    uint64_t rule = 0;
    uint64_t index = 0;
    if (!body_open(c, &body, f, 1))
        return;
    if (!span_decimal(c->params[0], INT64_MAX, &rule) || !training_rule_holds(c->db, (int64_t)rule)) {
        problem(c, 404, "not-found", "There is no such assignment, or it ended already.");
    } else if (people_why(c, f[0].text)) {
        struct record *r = decision(c, EVENT_TRAINING_UNASSIGNED);
        if (r != NULL) {
            record_int(r, KEY_RULE, (int64_t)rule);
            record_text(r, KEY_WHY, f[0].text);
        }
        if (training_decide(c, r, &index))
            put_record(c, index);
    }
    body_close(&body);
}

/* ── refreshers ── */

bool training_refresher(struct call *c, struct span account, struct span course, struct span why, int64_t cause, int64_t days, uint64_t *ret_index)
{
    char text[DAY_TEXT];
    if (!known_person(c, account) || !known_course(c, course))
        return false;
    struct record *r = decision(c, EVENT_TRAINING_REFRESHER);
    if (r != NULL) {
        record_text(r, KEY_ACCOUNT, account);
        record_text(r, KEY_COURSE, course);
        record_text(r, KEY_WHY, why);
        if (cause >= 0)
            record_int(r, KEY_CAUSE_RECORD, cause);
        record_str(r, KEY_DUE_DAY, day_format(training_today(c) + days, text));
    }
    return training_decide(c, r, ret_index);
}

void handle_training_refresher(struct call *c)
{
    enum { ACCOUNT, COURSE, WHY, CAUSE, DAYS, FIELDS };
    struct body body;
    struct body_field f[FIELDS] = {[ACCOUNT] = {.name = "account", .max = ACCOUNT_NAME_MAX},
                                   [COURSE] = {.name = "course", .max = COURSE_ID},
                                   [WHY] = {.name = "why", .max = 4 * PEOPLE_WHY_MAX},
                                   [CAUSE] = {.name = "record", .max = 20, .optional = true},
                                   [DAYS] = {.name = "days", .max = 4, .optional = true}};
    uint64_t days = 0;
    uint64_t cause = 0;
    uint64_t index = 0;
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (people_why(c, f[WHY].text) &&
        number_field(c, f[DAYS].text, TRAINING_REFRESHER_DAYS, TRAINING_DAYS, "\"days\" is a number up to 730.", &days) &&
        number_field(c, f[CAUSE].text, 0, INT64_MAX, "\"record\" is the number of a record on the ledger.", &cause) &&
        training_refresher(c, f[ACCOUNT].text, f[COURSE].text, f[WHY].text, f[CAUSE].text.n > 0 ? (int64_t)cause : -1, (int64_t)days, &index))
        put_record(c, index);
    body_close(&body);
}

/* ── POST /training/classes ── */

static bool is_hash(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= '0' && text.p[i] <= '9') || (text.p[i] >= 'a' && text.p[i] <= 'f')))
            return false;
    return text.n == 64;
}

static bool attended(struct call *c, struct span list, struct record *r)
{
    size_t n = 0;
    while (list.n > 0) {
        struct span name = span_until(&list, ',', NULL);
        if (n++ == TRAINING_PEOPLE)
            problem(c, 422, "people", "At most 150 people at once. Record the others as a second class.");
        else if (known_person(c, name))
            record_text(r, KEY_ATTENDED, name);
        if (answered(c))
            return false;
    }
    if (n == 0)
        problem(c, 422, "people", "Name who was there: ana,tom");
    return n > 0;
}

void handle_training_class(struct call *c)
{
    enum { TOPIC, COURSE, TRAINER, DAY, PEOPLE, SHA256, FIELDS };
    struct body body;
    struct body_field f[FIELDS] = {[TOPIC] = {.name = "topic", .max = 120},     [COURSE] = {.name = "course", .max = COURSE_ID, .optional = true},
                                   [TRAINER] = {.name = "trainer", .max = 320}, [DAY] = {.name = "day", .max = 10},
                                   [PEOPLE] = {.name = "people", .max = 16384}, [SHA256] = {.name = "sha256", .max = 64, .optional = true}};
    uint64_t index = 0;
    int64_t day = 0;
    char text[DAY_TEXT];
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (!reason_valid(f[TOPIC].text) || !reason_valid(f[TRAINER].text))
        problem(c, 422, "topic", "Say what was taught, and who taught it.");
    else if (f[SHA256].text.n > 0 && !is_hash(f[SHA256].text))
        problem(c, 422, "sha256", "\"sha256\" has 64 hexadecimal digits: of the list that people signed.");
    else if ((f[COURSE].text.n == 0 || known_course(c, f[COURSE].text)) && day_field(c, f[DAY].text, 0, &day)) {
        if (day > training_today(c) || day < training_today(c) - 3660)
            problem(c, 422, "day", "A class is recorded when it was held, within ten years.");
        struct record *r = answered(c) ? NULL : decision(c, EVENT_TRAINING_CLASSROOM);
        if (r != NULL) {
            const struct course *k = courses_find(c->api->courses, f[COURSE].text);
            record_text(r, KEY_COURSE, f[COURSE].text);
            record_text(r, KEY_COURSE_TITLE, f[TOPIC].text);
            if (k != NULL)
                record_int(r, KEY_COURSE_VERSION, k->version);
            record_text(r, KEY_TRAINER, f[TRAINER].text);
            record_str(r, KEY_FROM_DAY, day_format(day, text));
            record_text(r, KEY_SHA256, f[SHA256].text);
        }
        if (r != NULL && !attended(c, f[PEOPLE].text, r)) {
            free(r);
            r = NULL;
        }
        if (training_decide(c, r, &index))
            put_record(c, index);
    }
    body_close(&body);
}

/* ── PUT /training/people/{name}/contact ── */

void handle_training_contact(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "mail", .max = 254, .optional = true}, {.name = "manager", .max = ACCOUNT_NAME_MAX, .optional = true}};
    uint64_t index = 0;
    char name[ACCOUNT_NAME_MAX + 1];
    if (!body_open(c, &body, f, 2))
        return;
    if (f[0].text.n > 0 && !text_is_mail(f[0].text))
        problem(c, 422, "mail", "Expected a mail address, as in ana@lab.example.");
    else if (!account_name(c->params[0], name))
        problem(c, 404, "not-found", "There is no account of this name.");
    else if (known_person(c, c->params[0]) && (f[1].text.n == 0 || known_person(c, f[1].text))) {
        struct record *r = decision(c, EVENT_ACCOUNT_CONTACT);
        if (r != NULL) {
            record_str(r, KEY_ACCOUNT, name);
            record_text(r, KEY_MAIL, f[0].text);
            record_text(r, KEY_MANAGER, f[1].text);
        }
        if (training_decide(c, r, &index))
            put_record(c, index);
    }
    body_close(&body);
}

/* ── POST /training/remind ── */

static bool remind(struct call *c, struct span name)
{
    struct error e = {0};
    uint64_t index = 0;
    char account[ACCOUNT_NAME_MAX + 1];
    char text[DAY_TEXT];
    struct training_contact contact;
    account[span_copy(name, account, sizeof account - 1)] = 0;
    if (!known_person(c, name))
        return false;
    if (training_contact_get(c->db, name, &contact, &e) != 0) {
        problem_store(c, &e);
        return false;
    }
    bool mail = c->api->training.mail && contact.mail[0] != 0 && c->api->host.remind != NULL;
    struct record *r = training_record(c, EVENT_TRAINING_REMINDED, account, NULL);
    if (r != NULL) {
        record_str(r, KEY_WHAT, "asked");
        record_str(r, KEY_DUE_DAY, day_format(training_today(c), text));
        record_str(r, KEY_HOW, mail ? "mail" : "page");
    }
    if (!training_decide(c, r, &index))
        return false;
    if (mail)
        c->api->host.remind(c->api->host.context, name);
    return true;
}

void handle_training_remind(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "people", .max = 16384}};
    size_t n = 0;
    if (!body_open(c, &body, f, 1))
        return;
    struct span list = f[0].text;
    while (list.n > 0 && !answered(c)) {
        struct span name = span_until(&list, ',', NULL);
        if (n++ == TRAINING_PEOPLE)
            problem(c, 422, "people", "At most 150 people at once.");
        else
            (void)remind(c, name);
    }
    if (n == 0)
        problem(c, 422, "people", "Name who is to be reminded: ana,tom");
    if (!answered(c)) {
        jsonw_object(&c->json);
        jsonw_put_uint(&c->json, "reminded", n);
        jsonw_object_end(&c->json);
    }
    body_close(&body);
}

/* ── the lab's policies, at the start ── */

static void policy_audience(unsigned audience, struct record *r)
{
    static const struct {
        enum course_audience audience;
        enum job job;
    } table[] = {{COURSE_PHLEBOTOMIST, JOB_PHLEBOTOMIST}, {COURSE_TECHNOLOGIST, JOB_TECHNOLOGIST}, {COURSE_FRONT_DESK, JOB_DESK}, {COURSE_IT, JOB_IT},
                 {COURSE_MANAGER, JOB_MANAGER},           {COURSE_PRIVACY_OFFICER, JOB_PRIVACY},   {COURSE_VENDOR, JOB_ENGINEER}};
    if ((audience & 1u << COURSE_EVERYONE) != 0)
        return;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if ((audience & 1u << table[i].audience) != 0)
            record_str(r, KEY_AUDIENCE, job_name(table[i].job));
}

struct kept_policies {
    const struct courses *s;
    size_t n;
    struct {
        char id[COURSE_ID + 1];
        char sha256[2 * SHA256_SIZE + 1];
        bool there;
    } kept[2 * POLICIES_MAX];
};

static void keep_policy(void *context, const struct training_policy *p)
{
    struct kept_policies *k = context;
    if (k->n == sizeof k->kept / sizeof k->kept[0])
        return;
    k->kept[k->n].id[span_copy(p->id, k->kept[k->n].id, COURSE_ID)] = 0;
    k->kept[k->n].sha256[span_copy(p->sha256, k->kept[k->n].sha256, 2 * SHA256_SIZE)] = 0;
    k->kept[k->n].there = courses_policy(k->s, p->id) != NULL;
    k->n++;
}

static int write_policy(struct api *api, tq_time now, const struct policy *p, const char *id, const char *sha256, struct error *e)
{
    uint64_t index = 0;
    char course[TRAINING_COURSE];
    struct record *r = malloc(sizeof *r);
    if (r == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for a record");
    record_start(r, EVENT_TRAINING_POLICY, now, NULL);
    (void)snprintf(course, sizeof course, TRAINING_POLICY "%s", id);
    record_str(r, KEY_COURSE, course);
    if (p == NULL) {
        record_int(r, KEY_LINK_ON, 0);
    } else {
        record_text(r, KEY_COURSE_TITLE, p->title);
        record_int(r, KEY_COURSE_VERSION, p->version);
        record_str(r, KEY_SHA256, sha256);
        record_int(r, KEY_DAYS, p->days);
        record_int(r, KEY_RENEW_MONTHS, p->renew);
        policy_audience(p->audience, r);
    }
    int rc = api->host.decide(api->host.context, r, &index, e);
    free(r);
    return rc;
}

int api_policies(struct api *api, tq_time now, struct error *e)
{
    struct kept_policies *k = calloc(1, sizeof *k);
    struct store_conn *db = k == NULL ? NULL : store_reader_open(api->store, e);
    int rc = db == NULL ? err_set(e, ERR_SYSTEM, "no memory for the policies") : 0;
    if (rc == 0 && api->courses != NULL) {
        k->s = api->courses;
        rc = training_policies(db, keep_policy, k, e);
    }
    if (db != NULL)
        store_reader_close(db);
    for (size_t i = 0; rc == 0 && k->s != NULL && i < courses_policies(k->s); i++) {
        const struct policy *p = courses_policy_at(k->s, i);
        char sha256[2 * SHA256_SIZE + 1];
        char id[COURSE_ID + 1];
        bool same = false;
        course_sha256(p->file, sha256);
        id[span_copy(p->id, id, COURSE_ID)] = 0;
        for (size_t n = 0; n < k->n; n++)
            same = same || (strcmp(k->kept[n].id, id) == 0 && strcmp(k->kept[n].sha256, sha256) == 0);
        if (!same)
            rc = write_policy(api, now, p, id, sha256, e);
    }
    for (size_t n = 0; rc == 0 && n < k->n; n++)
        if (!k->kept[n].there)
            rc = write_policy(api, now, NULL, k->kept[n].id, "", e);
    free(k);
    return rc;
}
