/* Learning: what somebody has to do, attempts at a course's questions, policies.
 *
 * Invariants
 *  1. Which answer is right leaves the keeper only behind an answer that is on the ledger, or one that counts for nothing (learning).
 *  2. An attempt belongs to whoever began it and to the text of the course as it was then; an answer, once given, stays. A request that is asked
 * again because its answer got lost gives the same answer.
 *  3. Nobody but the person sees answers, numbers of attempts or how many were right. */
#include "door/api/training.h"

#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define STATEMENT_EN "I have read and understood this course, and I answered its questions myself."
#define STATEMENT_ES "He leído y entendido este curso, y yo respondí sus preguntas."
#define POLICY_EN "I have read and understood this policy, and I will keep it."
#define POLICY_ES "He leído y entendido esta política, y la cumpliré."

/* ── shared ── */

const struct courses *courses_of(struct call *c)
{
    if (c->api->courses == NULL)
        problem(c, 503, "courses", "Courses cannot be asked for here.");
    return c->api->courses;
}

void put_day(struct jsonw *j, const char *key, int64_t day)
{
    char text[DAY_TEXT];
    (void)day_format(day, text);
    jsonw_put_str(j, key, text[0] != 0 ? text : NULL);
}

struct span course_title(const struct call *c, struct span course)
{
    struct span id = course;
    if (c->api->courses == NULL)
        return course;
    if (span_starts(course, SPAN_LIT(TRAINING_POLICY))) {
        (void)span_skip(&id, sizeof TRAINING_POLICY - 1);
        const struct policy *p = courses_policy(c->api->courses, id);
        return p != NULL ? p->title : id;
    }
    const struct course *k = courses_find(c->api->courses, id);
    return k != NULL ? k->title : id;
}

void course_sha256(struct span file, char out[2 * SHA256_SIZE + 1])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(file, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

void practice_order(void *context, const struct course *course, const struct course_question *q, struct course_order *ret)
{
    const struct call *c = context;
    uint8_t seed[SHA256_SIZE];
    char text[128];
    struct course_dice dice;
    (void)snprintf(text, sizeof text, "practice %.*s %.*s", (int)course->id.n, (const char *)course->id.p, (int)q->id.n, (const char *)q->id.p);
    crypto_hmac_sha256(span_of(c->api->key, sizeof c->api->key), span_str(text), seed);
    course_dice_begin(&dice, seed);
    course_mix(&dice, q, ret);
}

bool training_account(struct call *c, struct account *ret)
{
    struct error e = {0};
    bool found = false;
    if (account_get(c->db, span_str(c->person.name), ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 409, "no-account", "At the local socket nobody has an account. Sign in at the page.");
    return !answered(c);
}

struct record *training_record(struct call *c, enum event event, const char *account, const char *course)
{
    struct record *r = decision(c, event);
    if (r != NULL) {
        record_str(r, KEY_ACCOUNT, account);
        record_str(r, KEY_COURSE, course);
    }
    return r;
}

bool training_decide(struct call *c, struct record *r, uint64_t *ret_index)
{
    bool ok = r != NULL && decide(c, r, ret_index);
    free(r);
    return ok;
}

/* ── POST /courses/{id}/questions/{question} ── */

void handle_practice(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "chosen", .max = 32}};
    const struct courses *s = courses_of(c);
    const struct course *course = s == NULL ? NULL : courses_find(s, c->params[0]);
    const struct course_question *q = course == NULL ? NULL : course_question_find(course, c->params[1]);
    struct course_order order;
    if (s == NULL || !body_open(c, &body, f, 1))
        return;
    if (q == NULL) {
        problem(c, 404, "not-found", "There is no such course, or no such question in it.");
    } else {
        practice_order(c, course, q, &order);
        int right = course_judged(course, q, &order, f[0].text);
        if (right < 0)
            problem(c, 422, "chosen", "\"chosen\" names answers by their places: 0,2");
        else
            course_verdict_json(&c->reply->body, course, q, &order, right == 1);
    }
    body_close(&body);
}

/* ── an attempt ── */

struct exam {
    struct training_attempt a;
    const struct course *course;
    struct course *own; /* read for this; freed with exam_end */
    size_t n;
    struct {
        const struct course_question *q;
        struct course_order order;
        bool answered, right;
        char chosen[32];
    } asked[COURSE_QUESTIONS];
};

static void exam_end(struct exam *x)
{
    course_free(x->own);
    free(x);
}

/* The text that the attempt began with: today's, or an older one that the ledger keeps. */
static bool find_text(struct call *c, struct exam *x)
{
    char sha256[2 * SHA256_SIZE + 1];
    struct error e = {0};
    const struct course *now = courses_find(c->api->courses, span_str(x->a.course));
    if (now != NULL) {
        course_sha256(now->file, sha256);
        if (strcmp(sha256, x->a.sha256) == 0)
            x->course = now;
    }
    if (x->course == NULL) {
        struct buf text = BUF_SECRET(COURSE_FILE_BYTES + 1);
        if (training_text(c->db, x->a.sha256, &text, &e) == 0 && text.n > 0)
            x->course = x->own = course_read(buf_span(&text), "course", &e);
        buf_release(&text);
    }
    return x->course != NULL;
}

static void take_answer(void *context, const struct training_answer *a)
{
    struct exam *x = context;
    if (a->place < 0 || (size_t)a->place >= x->n)
        return;
    x->asked[a->place].answered = true;
    x->asked[a->place].right = a->right;
    x->asked[a->place].chosen[span_copy(a->chosen, x->asked[a->place].chosen, sizeof x->asked[0].chosen - 1)] = 0;
}

/* "who:210 found:01" */
static bool read_drawn(struct exam *x)
{
    struct span rest = span_str(x->a.drawn);
    while (rest.n > 0 && x->n < COURSE_QUESTIONS) {
        struct span order = span_until(&rest, ' ', NULL);
        struct span id = span_until(&order, ':', NULL);
        const struct course_question *q = course_question_find(x->course, id);
        if (q == NULL || order.n != q->answers)
            return false;
        x->asked[x->n].q = q;
        x->asked[x->n].order.n = (uint8_t)order.n;
        for (size_t i = 0; i < order.n; i++) {
            x->asked[x->n].order.at[i] = (uint8_t)(order.p[i] - '0');
            if (x->asked[x->n].order.at[i] >= q->answers)
                return false;
        }
        x->n++;
    }
    return x->n == (size_t)x->a.asked;
}

/* Opens the attempt with this id, or the newest one at a course; NULL: there is none, or the problem is set. */
static struct exam *exam_open(struct call *c, struct span id, struct span course)
{
    struct error e = {0};
    bool found = false;
    struct exam *x = calloc(1, sizeof *x);
    if (courses_of(c) == NULL || x == NULL) {
        free(x);
        return NULL;
    }
    if (training_attempt_get(c->db, id, span_str(c->person.name), course, &x->a, &found, &e) != 0) {
        problem_store(c, &e);
    } else if (!found || strcmp(x->a.account, c->person.name) != 0) {
        if (id.n > 0)
            problem(c, 404, "not-found", "There is no such attempt, or it is somebody else's.");
    } else if (!find_text(c, x) || !read_drawn(x)) {
        problem(c, 409, "text-gone", "What this attempt asked cannot be read any more. Begin anew.");
    } else if (training_answers(c->db, x->a.id, take_answer, x, &e) != 0) {
        problem_store(c, &e);
    } else {
        return x;
    }
    exam_end(x);
    return NULL;
}

static void put_question(struct call *c, const struct exam *x, size_t i)
{
    struct jsonw *j = &c->json;
    struct buf one = BUF_SECRET(COURSE_FILE_BYTES);
    jsonw_object(j);
    jsonw_key(j, "question");
    course_question_json(&one, x->course, x->asked[i].q, &x->asked[i].order);
    jsonw_raw(j, buf_span(&one));
    put_optional(j, "chosen", span_str(x->asked[i].chosen));
    jsonw_key(j, "verdict");
    if (x->asked[i].answered) {
        buf_clear(&one);
        course_verdict_json(&one, x->course, x->asked[i].q, &x->asked[i].order, x->asked[i].right);
        jsonw_raw(j, buf_span(&one));
    } else {
        jsonw_null(j);
    }
    buf_release(&one);
    jsonw_object_end(j);
}

static int64_t wait_for(struct call *c, const char *course)
{
    tq_time last = training_failed(c->db, span_str(c->person.name), span_str(course), 1);
    if (training_failed(c->db, span_str(c->person.name), span_str(course), c->api->training.tries) == 0)
        return 0;
    int64_t left = last + c->api->training.cool_down * TIME_SECOND - c->now.wall;
    return left > 0 ? left / TIME_SECOND + 1 : 0;
}

static void put_exam(struct call *c, const struct exam *x)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "id", x->a.id);
    jsonw_put_str(j, "course", x->a.course);
    jsonw_put_text(j, "title", x->course->title);
    jsonw_put_text(j, "language", x->course->language);
    jsonw_put_int(j, "version", x->a.version);
    jsonw_put_int(j, "pass", x->a.pass);
    jsonw_put_str(j, "state", x->a.state);
    jsonw_put_int(j, "answered", x->a.answered);
    jsonw_key(j, "right"); /* how many: once all are answered */
    if (strcmp(x->a.state, "open") != 0)
        jsonw_int(j, x->a.right);
    else
        jsonw_null(j);
    put_time(j, "begun", x->a.begun);
    jsonw_put_int(j, "retry_after_s", strcmp(x->a.state, "failed") == 0 ? wait_for(c, x->a.course) : 0);
    jsonw_key(j, "sources");
    jsonw_array(j);
    for (size_t i = 0; i < x->course->sources_n; i++) {
        jsonw_object(j);
        jsonw_put_text(j, "id", x->course->sources[i].id);
        jsonw_put_text(j, "name", x->course->sources[i].name);
        jsonw_put_text(j, "section", x->course->sources[i].section);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_key(j, "questions");
    jsonw_array(j);
    for (size_t i = 0; i < x->n; i++)
        put_question(c, x, i);
    jsonw_array_end(j);
    jsonw_object_end(j);
}

static void answer_exam(struct call *c, const char *id)
{
    struct exam *x = exam_open(c, span_str(id), SPAN_LIT(""));
    if (x == NULL)
        return;
    put_exam(c, x);
    exam_end(x);
}

/* ── beginning ── */

/* The course's text goes on the ledger once: later it says what was asked and taught. */
static bool keep_text(struct call *c, const struct course *course, const char *sha256)
{
    uint64_t index = 0;
    char id[COURSE_ID + 1];
    if (training_text_known(c->db, sha256))
        return true;
    id[span_copy(course->id, id, sizeof id - 1)] = 0;
    struct record *r = training_record(c, EVENT_TRAINING_COURSE, NULL, id);
    if (r == NULL)
        return false;
    struct span rest = course->file;
    record_int(r, KEY_COURSE_VERSION, course->version);
    record_text(r, KEY_COURSE_TITLE, course->title);
    record_str(r, KEY_SHA256, sha256);
    while (rest.n > 0) { /* in pieces that end between two characters */
        size_t n = rest.n < RECORD_TEXT / 2 ? rest.n : RECORD_TEXT / 2;
        while (n < rest.n && (rest.p[n] & 0xc0) == 0x80)
            n--;
        record_text(r, KEY_COURSE_TEXT, span_take(&rest, n));
    }
    return training_decide(c, r, &index);
}

static void draw(struct call *c, const struct course *course, struct buf *out, size_t *ret_n)
{
    uint8_t seed[32];
    uint16_t drawn[COURSE_QUESTIONS];
    struct course_dice dice;
    crypto_random(seed, sizeof seed);
    course_dice_begin(&dice, seed);
    crypto_wipe(seed, sizeof seed);
    *ret_n = course_draw(&dice, course, (size_t)c->api->training.questions, drawn);
    for (size_t i = 0; i < *ret_n; i++) {
        const struct course_question *q = &course->questions[drawn[i]];
        struct course_order order;
        course_mix(&dice, q, &order);
        buf_addf(out, "%s%.*s:", i == 0 ? "" : " ", (int)q->id.n, (const char *)q->id.p);
        for (size_t k = 0; k < order.n; k++)
            buf_u8(out, (uint8_t)('0' + order.at[k]));
    }
}

static bool begin(struct call *c, const struct course *course, char id[TRAINING_ATTEMPT])
{
    uint8_t random[(TRAINING_ATTEMPT - 1) / 2];
    char sha256[2 * SHA256_SIZE + 1];
    char course_id[COURSE_ID + 1];
    struct buf drawn = BUF_SECRET(2000);
    uint64_t index = 0;
    size_t n = 0;
    course_sha256(course->file, sha256);
    if (!keep_text(c, course, sha256))
        return false;
    draw(c, course, &drawn, &n);
    crypto_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(id + 2 * i, 3, "%02x", random[i]);
    course_id[span_copy(course->id, course_id, sizeof course_id - 1)] = 0;
    struct record *r = n > 0 && buf_ok(&drawn) ? training_record(c, EVENT_TRAINING_BEGUN, c->person.name, course_id) : NULL;
    if (r != NULL) {
        record_int(r, KEY_COURSE_VERSION, course->version);
        record_str(r, KEY_SHA256, sha256);
        record_str(r, KEY_ATTEMPT, id);
        record_int(r, KEY_ASKED, (int64_t)n);
        record_int(r, KEY_PASS, course->pass);
        record_text(r, KEY_DRAWN, buf_span(&drawn));
    } else if (!answered(c)) {
        problem(c, 422, "no-questions", "This course has no questions to answer.");
    }
    bool ok = training_decide(c, r, &index);
    buf_release(&drawn);
    return ok;
}

void handle_attempt_begin(struct call *c)
{
    struct account a;
    char id[TRAINING_ATTEMPT];
    const struct courses *s = courses_of(c);
    const struct course *course = s == NULL ? NULL : courses_find(s, c->params[0]);
    if (s == NULL || !training_account(c, &a))
        return;
    struct exam *before = exam_open(c, SPAN_LIT(""), c->params[0]);
    bool gone = answered(c); /* what it asked cannot be read any more: a new one takes its place */
    if (gone) {
        c->reply->r.status = 0;
        c->reply->type[0] = 0;
        buf_clear(&c->reply->body);
        c->json = jsonw_to(&c->reply->body);
    }
    if (before != NULL && (strcmp(before->a.state, "open") == 0 || strcmp(before->a.state, "passed") == 0)) {
        put_exam(c, before); /* of two at once there is one */
        exam_end(before);
        return;
    }
    if (before != NULL)
        exam_end(before);
    if (course == NULL) {
        problem(c, 404, "not-found", "There is no course of this id.");
        return;
    }
    char name[COURSE_ID + 1];
    name[span_copy(course->id, name, sizeof name - 1)] = 0;
    int64_t wait = wait_for(c, name);
    if (wait > 0)
        problem_later(c, 429, "cool-down", "Read the lessons again in peace; the next try is open a little later.", wait);
    else if (begin(c, course, id))
        answer_exam(c, id);
}

void handle_attempt_get(struct call *c)
{
    struct exam *x = exam_open(c, c->params[0].n > 0 ? c->params[0] : SPAN_LIT("-"), SPAN_LIT(""));
    if (x == NULL)
        return;
    put_exam(c, x);
    exam_end(x);
}

/* ── answering, signing ── */

static void answer_place(struct call *c, struct exam *x, size_t i, struct span chosen)
{
    uint64_t index = 0;
    if (!x->asked[i].answered) {
        int right = course_judged(x->course, x->asked[i].q, &x->asked[i].order, chosen);
        if (right < 0 || chosen.n >= sizeof x->asked[i].chosen) {
            problem(c, 422, "chosen", "\"chosen\" names answers by their places: 0,2");
            return;
        }
        char place[24];
        (void)snprintf(place, sizeof place, "%zu", i);
        struct record *r = training_record(c, EVENT_TRAINING_ANSWERED, c->person.name, x->a.course);
        if (r != NULL) {
            record_str(r, KEY_ATTEMPT, x->a.id);
            record_str(r, KEY_PLACE, place);
            record_text(r, KEY_QUESTION, x->asked[i].q->id);
            record_text(r, KEY_CHOSEN, chosen);
            record_str(r, KEY_RIGHT, right == 1 ? "yes" : "no");
        }
        if (!training_decide(c, r, &index))
            return;
    }
    answer_exam(c, x->a.id);
}

void handle_attempt_answer(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "place", .max = 4}, {.name = "chosen", .max = 32}};
    uint64_t place = 0;
    if (!body_open(c, &body, f, 2))
        return;
    struct exam *x = exam_open(c, c->params[0].n > 0 ? c->params[0] : SPAN_LIT("-"), SPAN_LIT(""));
    if (x != NULL) {
        if (!span_decimal(f[0].text, x->n - 1, &place))
            problem(c, 422, "place", "\"place\" is the question's number, counted from 0.");
        else if (!x->asked[place].answered && strcmp(x->a.state, "open") != 0)
            problem(c, 409, "over", "This attempt is over.");
        else
            answer_place(c, x, (size_t)place, f[1].text);
        exam_end(x);
    }
    body_close(&body);
}

static bool statement(struct call *c, struct span language, const char *en, const char *es, const char **ret)
{
    *ret = span_is(language, "es") ? es : en;
    if (language.n == 0 || span_is(language, "en") || span_is(language, "es"))
        return true;
    problem(c, 422, "language", "\"language\" is en or es: of the sentence that is signed.");
    return false;
}

static void put_signed(struct call *c, uint64_t index, const char *words)
{
    jsonw_object(&c->json);
    jsonw_put_uint(&c->json, "record", index);
    jsonw_put_str(&c->json, "statement", words);
    jsonw_object_end(&c->json);
}

void handle_attempt_sign(struct call *c)
{
    struct body body;
    struct body_field f[] = {{.name = "language", .max = 4, .optional = true}, {.name = "password", .max = 4096, .optional = true}};
    const char *words;
    uint64_t index = 0;
    if (!body_open(c, &body, f, 2))
        return;
    struct exam *x = exam_open(c, c->params[0].n > 0 ? c->params[0] : SPAN_LIT("-"), SPAN_LIT(""));
    if (x != NULL) {
        if (strcmp(x->a.state, "passed") != 0)
            problem(c, 409, "not-passed", strcmp(x->a.state, "signed") == 0 ? "This is signed already." : "There are questions to answer first.");
        else if (statement(c, f[0].text, STATEMENT_EN, STATEMENT_ES, &words) && proof_again(c, f[1].text, "training.sign")) {
            struct record *r = training_record(c, EVENT_TRAINING_COMPLETED, c->person.name, x->a.course);
            if (r != NULL) {
                record_int(r, KEY_COURSE_VERSION, x->a.version);
                record_text(r, KEY_COURSE_TITLE, x->course->title);
                record_str(r, KEY_SHA256, x->a.sha256);
                record_str(r, KEY_ATTEMPT, x->a.id);
                record_str(r, KEY_STATEMENT, words);
            }
            if (training_decide(c, r, &index))
                put_signed(c, index, words);
        }
        exam_end(x);
    }
    body_close(&body);
}

/* ── policies ── */

static const struct policy *policy_of(struct call *c)
{
    const struct courses *s = courses_of(c);
    const struct policy *p = s == NULL ? NULL : courses_policy(s, c->params[0]);
    if (s != NULL && p == NULL)
        problem(c, 404, "not-found", "There is no policy of this id.");
    return p;
}

void handle_policy_read(struct call *c)
{
    const struct policy *p = policy_of(c);
    if (p != NULL)
        policy_json(&c->reply->body, p);
}

void handle_policy_sign(struct call *c)
{
    struct body body;
    struct account a;
    const char *words;
    uint64_t version = 0;
    uint64_t index = 0;
    char course[TRAINING_COURSE];
    char sha256[2 * SHA256_SIZE + 1];
    struct body_field f[] = {
        {.name = "version", .max = 8}, {.name = "language", .max = 4, .optional = true}, {.name = "password", .max = 4096, .optional = true}};
    const struct policy *p = policy_of(c);
    if (p == NULL || !training_account(c, &a) || !body_open(c, &body, f, 3))
        return;
    if (!span_decimal(f[0].text, UINT32_MAX, &version) || version != p->version) {
        problem(c, 412, "changed", "The policy was changed since you read it. Read it again.");
    } else if (statement(c, f[1].text, POLICY_EN, POLICY_ES, &words) && proof_again(c, f[2].text, "training.sign")) {
        (void)snprintf(course, sizeof course, TRAINING_POLICY "%.*s", (int)p->id.n, (const char *)p->id.p);
        course_sha256(p->file, sha256);
        struct record *r = training_record(c, EVENT_TRAINING_ACKNOWLEDGED, c->person.name, course);
        if (r != NULL) {
            record_int(r, KEY_COURSE_VERSION, p->version);
            record_text(r, KEY_COURSE_TITLE, p->title);
            record_str(r, KEY_SHA256, sha256);
            record_str(r, KEY_STATEMENT, words);
        }
        if (training_decide(c, r, &index))
            put_signed(c, index, words);
    }
    body_close(&body);
}

/* ── GET /training/mine ── */

static void put_duty(void *context, const struct training_duty *d)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    bool policy = span_starts(d->course, SPAN_LIT(TRAINING_POLICY));
    struct span id = d->course;
    if (policy)
        (void)span_skip(&id, sizeof TRAINING_POLICY - 1);
    jsonw_object(j);
    jsonw_put_text(j, "course", id);
    jsonw_put_str(j, "kind", policy ? "policy" : "course");
    jsonw_put_text(j, "title", course_title(c, d->course));
    jsonw_put_str(j, "state", training_state_name(d->state));
    put_day(j, "assigned", d->assigned);
    put_day(j, "due", d->due);
    put_day(j, "done", d->record >= 0 ? d->done_day : ZONE_DAY_NEVER);
    jsonw_key(j, "record");
    if (d->record >= 0)
        jsonw_int(j, d->record);
    else
        jsonw_null(j);
    put_optional(j, "how", d->how);
    put_optional(j, "why", d->why);
    jsonw_object_end(j);
}

static void put_done(void *context, const struct training_done *d)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "record", d->record);
    put_optional(j, "course", d->course);
    jsonw_put_text(j, "title", d->title.n > 0 ? d->title : course_title(c, d->course));
    jsonw_put_text(j, "how", d->how);
    jsonw_put_int(j, "version", d->version);
    put_day(j, "day", d->day);
    jsonw_object_end(j);
}

void training_put_person(struct call *c, struct span account)
{
    struct error e = {0};
    struct jsonw *j = &c->json;
    jsonw_key(j, "duties");
    jsonw_array(j);
    int rc = training_duties(c->db, account, training_today(c), put_duty, c, &e);
    jsonw_array_end(j);
    jsonw_key(j, "history");
    jsonw_array(j);
    if (rc == 0)
        rc = training_history(c->db, account, 0, ZONE_DAY_NEVER, 0, SPAN_LIT(""), 200, put_done, c, &e);
    jsonw_array_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

void handle_training_mine(struct call *c)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    put_day(j, "today", training_today(c));
    jsonw_put_bool(j, "mail", c->api->training.mail);
    training_put_person(c, span_str(c->person.known ? c->person.name : "-"));
    if (!answered(c))
        jsonw_object_end(j);
}
