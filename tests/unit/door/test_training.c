/* Training at the API: attempts are judged here, nobody sees what is somebody's own, and the clerk's work is on the record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "door/api/training.h"
#include "keeper.h"

#define AGAIN "{\"password\":\"" KEEPER_PASSWORD "\"}" /* it is still the same person */

#include <jansson.h>

static void sign_in_as(struct keeper *k, const char *name)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"" KEEPER_PASSWORD "\"}", name);
    k->session[0] = 0;
    ASK(k, 200, "POST /api/v1/session", body, NULL);
    keeper_take_session(k);
}

static struct keeper *lab(void)
{
    struct keeper *k = keeper_new();
    struct error e = {0};
    char hash[PASSWORD_TEXT];
    assert_int_equal(password_hash(SPAN_LIT(KEEPER_PASSWORD), hash, &e), 0);
    keeper_account(k, "mia", "lab manager", hash);
    keeper_account(k, "ana", "phlebotomist", hash);
    keeper_account(k, "tom", "technologist", hash);
    keeper_account(k, "aud", "auditor", hash);
    return k;
}

static json_t *body_of(struct keeper *k)
{
    json_t *j = json_loads(keeper_text(k), 0, NULL);
    assert_non_null(j);
    return j;
}

/* The right places for a question as it was shown; the courses are the test's, so it may know. */
static void solve(struct keeper *k, const char *course, const json_t *question, bool well, char out[32])
{
    const struct course *c = courses_find(k->courses, span_str(course));
    const struct course_question *q = course_question_find(c, span_str(json_string_value(json_object_get(question, "id"))));
    const json_t *answers = json_object_get(question, "answers");
    size_t n = json_array_size(answers);
    struct course_order order = {.n = (uint8_t)n};
    assert_int_equal(n, q->answers);
    for (size_t i = 0; i < n; i++) { /* by their text */
        char shown[1024] = "";
        struct buf text = BUF_INIT(4096);
        size_t at;
        json_t *run;
        json_array_foreach(json_object_get(json_array_get(answers, i), "runs"), at, run)
        {
            (void)strncat(shown, json_is_string(json_object_get(run, "text")) ? json_string_value(json_object_get(run, "text")) : "",
                          sizeof shown - strlen(shown) - 1);
        }
        for (uint8_t a = 0; a < q->answers; a++) {
            buf_clear(&text);
            course_plain(&text, c->answers[q->answer0 + a].text);
            if (strcmp(buf_text(&text), shown) == 0)
                order.at[i] = a;
        }
        buf_release(&text);
    }
    size_t len = 0;
    out[0] = 0;
    if (q->kind == COURSE_ORDER) {
        for (size_t step = 0; step < n; step++)
            for (size_t i = 0; i < n; i++)
                if (order.at[i] == (well ? step : n - 1 - step))
                    len += (size_t)snprintf(out + len, 32 - len, "%s%zu", len == 0 ? "" : ",", i);
    } else {
        for (size_t i = 0; i < n; i++)
            if (c->answers[q->answer0 + order.at[i]].right == well && (q->kind == COURSE_SEVERAL || len == 0))
                len += (size_t)snprintf(out + len, 32 - len, "%s%zu", len == 0 ? "" : ",", i);
    }
    assert_int_equal(course_judged(c, q, &order, span_str(out)), well);
}

/* Answers every question; the id of the attempt. */
static void go_through(struct keeper *k, const char *course, bool well, char id[40])
{
    char path[256];
    char body[128];
    (void)snprintf(path, sizeof path, "POST /api/v1/courses/%s/attempts", course);
    ASK(k, 200, path, NULL, NULL);
    json_t *a = body_of(k);
    (void)snprintf(id, 40, "%s", json_string_value(json_object_get(a, "id")));
    json_t *questions = json_object_get(a, "questions");
    assert_int_equal(json_array_size(questions), 10);
    for (size_t i = 0; i < json_array_size(questions); i++) {
        char chosen[32];
        solve(k, course, json_object_get(json_array_get(questions, i), "question"), well, chosen);
        (void)snprintf(path, sizeof path, "POST /api/v1/training/attempts/%s/answers", id);
        (void)snprintf(body, sizeof body, "{\"place\":\"%zu\",\"chosen\":\"%s\"}", i, chosen);
        ASK(k, 200, path, body, NULL);
    }
    json_decref(a);
}

static void answers_stay_here(void **state)
{
    (void)state;
    struct keeper *k = lab();
    sign_in_as(k, "ana");
    for (size_t i = 0; i < courses_count(k->courses); i++) {
        const struct course *c = courses_at(k->courses, i);
        char path[128];
        (void)snprintf(path, sizeof path, "GET /api/v1/courses/%.*s", (int)c->id.n, (const char *)c->id.p);
        ASK(k, 200, path, NULL, NULL);
        assert_null(strstr(keeper_text(k), "\"right\""));
        assert_null(strstr(keeper_text(k), "\"feedback\""));
        assert_null(strstr(keeper_text(k), "\"see\""));
        for (size_t n = 0; n < c->questions_n; n++) { /* steps do not stand in their right order */
            struct course_order order;
            uint8_t seed[32] = {0};
            struct course_dice dice;
            seed[0] = (uint8_t)n;
            course_dice_begin(&dice, seed);
            course_mix(&dice, &c->questions[n], &order);
            bool same = true;
            for (uint8_t a = 0; a < order.n; a++)
                same = same && order.at[a] == a;
            assert_false(same && c->questions[n].kind == COURSE_ORDER);
        }
        (void)snprintf(path, sizeof path, "POST /api/v1/courses/%.*s/attempts", (int)c->id.n, (const char *)c->id.p);
        ASK(k, 200, path, NULL, NULL);
        assert_null(strstr(keeper_text(k), "\"feedback\""));
    }
    /* what is right is told behind an answer, and practice leaves no record */
    uint64_t before = k->next;
    const struct course *c = courses_at(k->courses, 0);
    char path[160];
    (void)snprintf(path, sizeof path, "POST /api/v1/courses/%.*s/questions/%.*s", (int)c->id.n, (const char *)c->id.p, (int)c->questions[0].id.n,
                   (const char *)c->questions[0].id.p);
    ASK(k, 200, path, "{\"chosen\":\"0\"}", NULL);
    assert_non_null(strstr(keeper_text(k), "\"feedback\""));
    ASK(k, 422, path, "{\"chosen\":\"9\"}", NULL);
    ASK(k, 422, path, "{\"chosen\":\"0,0\"}", NULL);
    ASK(k, 422, path, "{\"chosen\":\"\"}", NULL);
    assert_true(k->next == before);
    keeper_free(k);
}

static void an_attempt_from_end_to_end(void **state)
{
    (void)state;
    struct keeper *k = lab();
    char id[40];
    char path[256];
    sign_in_as(k, "mia");
    ASK(k, 200, "POST /api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"14\",\"renew_months\":\"12\"}", NULL);
    sign_in_as(k, "ana");
    ASK(k, 200, "GET /api/v1/training/mine", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"state\":\"open\""));
    go_through(k, "everyone", true, id);
    SAYS(k, "\"state\":\"passed\"");
    SAYS(k, "\"right\":10");
    /* asked again: the same answer, and no second record */
    uint64_t before = k->next;
    (void)snprintf(path, sizeof path, "POST /api/v1/training/attempts/%s/answers", id);
    ASK(k, 200, path, "{\"place\":\"3\",\"chosen\":\"0\"}", NULL);
    assert_true(k->next == before);
    /* somebody else has nothing of it */
    (void)snprintf(path, sizeof path, "GET /api/v1/training/attempts/%s", id);
    sign_in_as(k, "tom");
    ASK(k, 404, path, NULL, NULL);
    sign_in_as(k, "mia");
    ASK(k, 404, path, NULL, NULL);
    sign_in_as(k, "ana");
    (void)snprintf(path, sizeof path, "POST /api/v1/training/attempts/%s/sign", id);
    ASK(k, 403, path, "{\"password\":\"not it\"}", NULL);
    ASK(k, 200, path, "{\"password\":\"" KEEPER_PASSWORD "\",\"language\":\"es\"}", NULL);
    assert_non_null(strstr(k->last, "\"proof\":\"password\""));
    assert_non_null(strstr(k->last, "He le"));
    json_t *done = body_of(k);
    long long record = json_integer_value(json_object_get(done, "record"));
    json_decref(done);
    ASK(k, 409, path, "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    ASK(k, 200, "GET /api/v1/training/mine", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"state\":\"done\""));
    /* the paper, and whoever holds it */
    (void)snprintf(path, sizeof path, "GET /api/v1/training/certificates/%lld/paper.pdf", record);
    ASK(k, 200, path, NULL, NULL);
    assert_memory_equal(keeper_text(k), "%PDF-1.4", 8);
    (void)snprintf(path, sizeof path, "GET /api/v1/training/certificates/%lld", record);
    ASK(k, 200, path, NULL, NULL);
    json_t *paper = body_of(k);
    const char *url = json_string_value(json_object_get(paper, "url"));
    const char *code = strstr(url, "&code=") + 6;
    (void)snprintf(path, sizeof path, "GET /api/v1/training/verify/%lld/%.30s", record, code);
    k->session[0] = 0;
    ASK(k, 200, path, NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"genuine\":true"));
    path[strlen(path) - 1] = path[strlen(path) - 1] == '0' ? '1' : '0';
    ASK(k, 404, path, NULL, NULL);
    (void)snprintf(path, sizeof path, "GET /api/v1/training/verify/%lld/%.30s", record - 1, code);
    ASK(k, 404, path, NULL, NULL);
    json_decref(paper);
    sign_in_as(k, "tom"); /* another's certificate is hers */
    (void)snprintf(path, sizeof path, "GET /api/v1/training/certificates/%lld", record);
    ASK(k, 404, path, NULL, NULL);
    (void)snprintf(path, sizeof path, "GET /api/v1/training/certificates/%lld?account=ana", record);
    ASK(k, 403, path, NULL, NULL);
    sign_in_as(k, "aud");
    ASK(k, 200, path, NULL, NULL);
    keeper_free(k);
}

/* Nobody is shamed: whatever a manager or an auditor asks, no answer, no number of tries, no count of right answers comes. */
static void nobody_is_shamed(void **state)
{
    (void)state;
    static const char *const asked[] = {"GET /api/v1/training",
                                        "GET /api/v1/training/people",
                                        "GET /api/v1/training/people?state=late&sort=name",
                                        "GET /api/v1/training/people/ana",
                                        "GET /api/v1/training/rules",
                                        "GET /api/v1/training/classes",
                                        "GET /api/v1/training/topics/everyone",
                                        "POST /api/v1/training/export.csv",
                                        "POST /api/v1/training/history.csv",
                                        "GET /api/v1/training/mine",
                                        "GET /api/v1/acts",
                                        "GET /api/v1/acts?person=ana",
                                        "GET /api/v1/ledger/records"};
    static const char *const never[] = {"\"chosen\"", "\"right\"", "failed", "\"drawn\"", "\"question\"", "attempt"};
    struct keeper *k = lab();
    char id[40];
    sign_in_as(k, "mia");
    ASK(k, 200, "POST /api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"14\",\"renew_months\":\"12\"}", NULL);
    sign_in_as(k, "ana");
    go_through(k, "everyone", false, id);
    assert_non_null(strstr(keeper_text(k), "\"state\":\"failed\""));
    for (int i = 0; i < 2; i++) {
        sign_in_as(k, i == 0 ? "mia" : "aud");
        for (size_t n = 0; n < sizeof asked / sizeof asked[0]; n++) {
            assert_int_equal(keeper_ask(k, asked[n], asked[n][0] == 'P' ? AGAIN : NULL, NULL), 200);
            for (size_t w = 0; w < sizeof never / sizeof never[0]; w++)
                if (strstr(keeper_text(k), never[w]) != NULL)
                    fail_msg("%s tells %s: %s", asked[n], never[w], keeper_text(k));
            if (strstr(asked[n], "ledger/records") != NULL) {
                json_t *list = body_of(k);
                size_t at;
                json_t *row;
                json_array_foreach(json_object_get(list, "items"), at, row)
                {
                    const char *event = json_string_value(json_object_get(row, "event"));
                    if (strcmp(event, "training.begun") == 0 || strcmp(event, "training.answered") == 0)
                        assert_null(strstr(json_string_value(json_object_get(row, "summary")), "ana"));
                }
                json_decref(list);
            }
        }
    }
    /* the records themselves, as any reader of the ledger gets them, say nothing of it either */
    for (uint64_t i = 0; i < k->next; i++) {
        const char *text = buf_text(&k->kept[i].veiled);
        if (strstr(text, "training.answered") != NULL) {
            assert_null(strstr(text, "chosen"));
            assert_null(strstr(text, "\"right\""));
            assert_null(strstr(text, "\"question\""));
        }
        assert_null(strstr(text, "course_text"));
    }
    keeper_free(k);
}

static void tries_and_waiting(void **state)
{
    (void)state;
    struct keeper *k = lab();
    char id[40];
    char first[40];
    sign_in_as(k, "ana");
    ASK(k, 200, "POST /api/v1/courses/everyone/attempts", NULL, NULL);
    json_t *a = body_of(k);
    (void)snprintf(first, sizeof first, "%s", json_string_value(json_object_get(a, "id")));
    json_decref(a);
    ASK(k, 200, "POST /api/v1/courses/everyone/attempts", NULL, NULL); /* two at once: there is one */
    a = body_of(k);
    assert_string_equal(first, json_string_value(json_object_get(a, "id")));
    json_decref(a);
    ASK(k, 404, "POST /api/v1/courses/none/attempts", NULL, NULL);
    for (int i = 0; i < 3; i++) {
        go_through(k, "everyone", false, id);
        k->now.wall += TIME_SECOND;
    }
    assert_true(keeper_ask(k, "POST /api/v1/courses/everyone/attempts", NULL, NULL) == 429);
    assert_non_null(strstr(keeper_text(k), "retry_after_s"));
    sign_in_as(k, "tom"); /* nobody else waits for her */
    ASK(k, 200, "POST /api/v1/courses/everyone/attempts", NULL, NULL);
    k->now.wall += 3601 * TIME_SECOND;
    k->now.monotonic += 10 * TIME_SECOND;
    sign_in_as(k, "ana");
    go_through(k, "everyone", true, id);
    char path[128];
    (void)snprintf(path, sizeof path, "POST /api/v1/training/attempts/%s/answers", first);
    ASK(k, 422, path, "{\"place\":\"99\",\"chosen\":\"0\"}", NULL);
    keeper_free(k);
}

/* The course's file is changed while somebody answers: she is judged by what she was asked. */
static void another_text_meanwhile(void **state)
{
    (void)state;
    struct keeper *k = lab();
    struct error e = {0};
    char path[256];
    char body[64];
    sign_in_as(k, "ana");
    ASK(k, 200, "POST /api/v1/courses/everyone/attempts", NULL, NULL);
    json_t *a = body_of(k);
    char id[40];
    (void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(a, "id")));
    /* the lab's own course takes the place of ours: other questions, another version */
    const struct course *ours = courses_find(k->courses, SPAN_LIT("everyone"));
    struct buf text = BUF_INIT(1u << 20);
    const char *file = (const char *)ours->file.p;
    const char *version = strstr(file, "version: ");
    buf_add(&text, file, (size_t)(version - file));
    buf_add_str(&text, "version: 99");
    const char *rest = strchr(version, '\n');
    buf_add(&text, rest, ours->file.n - (size_t)(rest - file));
    struct span whole = buf_span(&text);
    for (size_t i = 0; i + 4 < whole.n; i++) /* every right answer of one kind is another now */
        if (memcmp(whole.p + i, "[x]", 3) == 0)
            i += 2;
    assert_int_equal(courses_add(k->courses, whole, "mine.md", &e), 0);
    const struct course *mine = courses_find(k->courses, SPAN_LIT("everyone"));
    assert_int_equal(mine->version, 99);
    (void)snprintf(path, sizeof path, "GET /api/v1/training/attempts/%s", id);
    ASK(k, 200, path, NULL, NULL);
    json_t *now = body_of(k);
    assert_true(json_equal(json_object_get(a, "questions"), json_object_get(now, "questions")));
    assert_true(json_integer_value(json_object_get(now, "version")) != 99);
    json_decref(now);
    for (size_t i = 0; i < 10; i++) {
        char chosen[32];
        solve(k, "everyone", json_object_get(json_array_get(json_object_get(a, "questions"), i), "question"), true, chosen);
        (void)snprintf(path, sizeof path, "POST /api/v1/training/attempts/%s/answers", id);
        (void)snprintf(body, sizeof body, "{\"place\":\"%zu\",\"chosen\":\"%s\"}", i, chosen);
        ASK(k, 200, path, body, NULL);
    }
    assert_non_null(strstr(keeper_text(k), "\"state\":\"passed\""));
    (void)snprintf(path, sizeof path, "POST /api/v1/training/attempts/%s/sign", id);
    ASK(k, 200, path, "{\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    assert_null(strstr(k->last, "\"course_version\":99"));
    json_decref(a);
    buf_release(&text);
    keeper_free(k);
}

static void managers_decide(void **state)
{
    (void)state;
    struct keeper *k = lab();
    struct error e = {0};
    static const char policy[] =
        "---\nid: clean-desk\ntitle: Clean desk\nfor: everyone\nlanguage: en\nversion: 3\ndays: 7\n---\n\n## What\n\nLock your "
        "**screen**.\n- One.\n- Two.\n";
    assert_int_equal(courses_add_policy(k->courses, span_str(policy), "p.md", &e), 0);
    assert_int_equal(api_policies(k->api, k->now.wall, &e), 0);
    uint64_t before = k->next;
    assert_int_equal(api_policies(k->api, k->now.wall, &e), 0); /* once */
    assert_true(k->next == before);
    sign_in_as(k, "mia");
    ASK(k, 422, "POST /api/v1/training/rules", "{\"course\":\"none\",\"days\":\"14\"}", NULL);
    ASK(k, 422, "POST /api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"14\",\"role\":\"king\"}", NULL);
    ASK(k, 422, "POST /api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"14\",\"from\":\"2026-02-30\"}", NULL);
    ASK(k, 422, "POST /api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"5000\"}", NULL);
    ASK(k, 200, "POST /api/v1/training/rules", "{\"course\":\"everyone\",\"days\":\"14\",\"role\":\"phlebotomist\",\"from\":\"2026-12-01\"}", NULL);
    ASK(k, 200, "GET /api/v1/training/rules", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"role\":\"phlebotomist\""));
    assert_non_null(strstr(keeper_text(k), "\"clean-desk\""));
    ASK(k, 200, "GET /api/v1/training", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"people\":4"));
    ASK(k, 200, "POST /api/v1/training/classes",
        "{\"topic\":\"Mail at the bench\",\"trainer\":\"Dr. Vance\",\"day\":\"2026-11-20\",\"people\":\"ana,tom\",\"course\":\"everyone\"}", NULL);
    ASK(k, 422, "POST /api/v1/training/classes", "{\"topic\":\"x\",\"trainer\":\"y\",\"day\":\"2030-11-20\",\"people\":\"ana\"}", NULL);
    ASK(k, 422, "POST /api/v1/training/classes", "{\"topic\":\"x\",\"trainer\":\"y\",\"day\":\"2026-11-20\",\"people\":\"ana,nobody\"}", NULL);
    ASK(k, 200, "GET /api/v1/training/people/ana", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"how\":\"classroom\""));
    ASK(k, 200, "POST /api/v1/training/refreshers", "{\"account\":\"ana\",\"course\":\"everyone\",\"why\":\"a stick at her bench\",\"record\":\"2\"}",
        NULL);
    ASK(k, 200, "GET /api/v1/training/people?course=everyone&state=open", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"name\":\"ana\""));
    ASK(k, 422, "PUT /api/v1/training/people/ana/contact", "{\"mail\":\"ana@lab.example\\r\\nBcc: x@y.z\"}", NULL);
    ASK(k, 200, "PUT /api/v1/training/people/ana/contact", "{\"mail\":\"ana@lab.example\",\"manager\":\"mia\"}", NULL);
    assert_null(strstr(k->last, "lab.example")); /* sealed */
    ASK(k, 200, "GET /api/v1/training/people/ana", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "ana@lab.example"));
    ASK(k, 200, "POST /api/v1/training/remind", "{\"people\":\"ana,tom\"}", NULL);
    ASK(k, 422, "POST /api/v1/training/remind", "{\"people\":\"\"}", NULL);
    sign_in_as(k, "aud");
    ASK(k, 200, "GET /api/v1/training/people/ana", NULL, NULL);
    assert_null(strstr(keeper_text(k), "ana@lab.example"));
    ASK(k, 200, "POST /api/v1/training/export.csv", AGAIN, NULL);
    assert_non_null(strstr(keeper_text(k), "164.308(a)(5)"));
    assert_non_null(strstr(k->last, "data.exported"));
    sign_in_as(k, "ana");
    ASK(k, 403, "GET /api/v1/training", NULL, NULL);
    ASK(k, 200, "GET /api/v1/training/policies/clean-desk", NULL, NULL);
    ASK(k, 412, "POST /api/v1/training/policies/clean-desk/acknowledge", "{\"version\":\"2\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    ASK(k, 200, "POST /api/v1/training/policies/clean-desk/acknowledge", "{\"version\":\"3\",\"password\":\"" KEEPER_PASSWORD "\"}", NULL);
    ASK(k, 200, "GET /api/v1/training/mine", NULL, NULL);
    assert_non_null(strstr(keeper_text(k), "\"how\":\"acknowledged\""));
    keeper_free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_stay_here),      cmocka_unit_test(an_attempt_from_end_to_end),
                                       cmocka_unit_test(nobody_is_shamed),       cmocka_unit_test(tries_and_waiting),
                                       cmocka_unit_test(another_text_meanwhile), cmocka_unit_test(managers_decide)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
