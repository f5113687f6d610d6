/* A course as JSON, for the page and for scripts. Text is an array of runs, never HTML. */
#include "lab/courses/course_private.h"

#include "base/json.h"

static void put_run(void *context, enum course_run_kind kind, struct span text)
{
    static const char *const as[] = {NULL, "strong", "soft", "code"};
    struct jsonw *j = context;
    jsonw_object(j);
    if (kind == COURSE_CITE) {
        jsonw_put_text(j, "source", text);
    } else {
        jsonw_put_text(j, "text", text);
        if (as[kind] != NULL)
            jsonw_put_str(j, "as", as[kind]);
    }
    jsonw_object_end(j);
}

static void put_runs(struct jsonw *j, const char *key, struct span written)
{
    if (key != NULL)
        jsonw_key(j, key);
    jsonw_array(j);
    (void)course_runs(written, put_run, j, NULL, NULL);
    jsonw_array_end(j);
}

/* Items side by side are one list. Returns how many pieces went into it. */
static size_t put_list(struct jsonw *j, const struct course_piece *p, size_t n)
{
    size_t i = 0;
    jsonw_put_str(j, "kind", p->kind == COURSE_ITEM ? "list" : "steps");
    jsonw_key(j, "items");
    jsonw_array(j);
    for (; i < n && p[i].kind == p->kind; i++)
        put_runs(j, NULL, p[i].text);
    jsonw_array_end(j);
    return i;
}

void course_put_blocks(struct jsonw *j, const char *key, const struct course_piece *p, size_t n)
{
    static const char *const kinds[] = {"text", "heading", "list", "steps", "note", "picture"};
    jsonw_key(j, key);
    jsonw_array(j);
    for (size_t i = 0; i < n;) {
        jsonw_object(j);
        if (p[i].kind == COURSE_ITEM || p[i].kind == COURSE_STEP) {
            i += put_list(j, &p[i], n - i);
        } else if (p[i].kind == COURSE_PICTURE) {
            jsonw_put_str(j, "kind", kinds[p[i].kind]);
            jsonw_put_text(j, "picture", p[i].picture);
            jsonw_put_text(j, "shows", p[i].text);
            i++;
        } else {
            jsonw_put_str(j, "kind", kinds[p[i].kind]);
            put_runs(j, "runs", p[i].text);
            i++;
        }
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

/* Whose order the answers have; order NULL: the file's, and everything is told. */
struct asking {
    course_order_of *order;
    void *context;
};

static void put_told(struct jsonw *j, const struct course_answer *a)
{
    jsonw_put_bool(j, "right", a->right);
    put_runs(j, "feedback", a->feedback);
}

static void put_see(struct jsonw *j, const struct course_question *q)
{
    struct buf see = BUF_INIT(COURSE_FILE_BYTES);
    course_plain(&see, q->see);
    jsonw_put_text(j, "see", buf_span(&see));
    buf_release(&see);
}

static void put_question(struct jsonw *j, const struct course *c, const struct course_question *q, const struct course_order *order)
{
    jsonw_object(j);
    jsonw_put_text(j, "id", q->id);
    jsonw_put_str(j, "kind", course_question_kind_name(q->kind));
    course_put_blocks(j, "ask", c->pieces + q->first, q->n);
    jsonw_key(j, "answers");
    jsonw_array(j);
    for (size_t i = 0; i < q->answers; i++) {
        const struct course_answer *a = &c->answers[q->answer0 + (order == NULL ? i : order->at[i])];
        jsonw_object(j);
        put_runs(j, "runs", a->text);
        if (order == NULL)
            put_told(j, a);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    if (order == NULL)
        put_see(j, q);
    jsonw_object_end(j);
}

static void put_mixed(struct jsonw *j, const struct course *c, const struct course_question *q, const struct asking *asking)
{
    struct course_order order;
    if (asking != NULL)
        asking->order(asking->context, c, q, &order);
    put_question(j, c, q, asking != NULL ? &order : NULL);
}

static void put_lesson(struct jsonw *j, const struct course *c, const struct course_lesson *l, const struct asking *asking)
{
    const struct course_question *q = c->questions + l->question0;
    size_t scenarios = 0;
    jsonw_object(j);
    jsonw_put_text(j, "title", l->title);
    jsonw_put_uint(j, "minutes", l->minutes);
    jsonw_key(j, "scenario");
    if (l->questions > 0 && q->scenario) {
        put_mixed(j, c, q, asking);
        scenarios = 1;
    } else {
        jsonw_null(j);
    }
    course_put_blocks(j, "text", c->pieces + l->first, l->n);
    jsonw_key(j, "questions");
    jsonw_array(j);
    for (size_t i = scenarios; i < l->questions; i++)
        put_mixed(j, c, q + i, asking);
    jsonw_array_end(j);
    jsonw_object_end(j);
}

static void put_head(struct jsonw *j, const struct course *c)
{
    struct course_measure m;
    course_measure(c, &m);
    jsonw_put_text(j, "id", c->id);
    jsonw_put_text(j, "title", c->title);
    jsonw_put_text(j, "about", c->about);
    jsonw_key(j, "for");
    jsonw_array(j);
    for (int a = 0; a < COURSE_AUDIENCES; a++)
        if ((c->audience & 1u << a) != 0)
            jsonw_str(j, course_audience_name((enum course_audience)a));
    jsonw_array_end(j);
    jsonw_put_str(j, "after", course_after_name(c->after));
    jsonw_put_text(j, "language", c->language);
    jsonw_put_uint(j, "version", c->version);
    jsonw_put_uint(j, "minutes", c->minutes);
    jsonw_put_uint(j, "pass", c->pass);
    jsonw_put_bool(j, "own", c->own);
    jsonw_put_uint(j, "pool", m.pool);
    jsonw_key(j, "parts");
    jsonw_array(j);
    for (size_t i = 0; i < c->lessons_n; i++) {
        jsonw_object(j);
        jsonw_put_text(j, "title", c->lessons[i].title);
        jsonw_put_uint(j, "minutes", c->lessons[i].minutes);
        jsonw_put_uint(j, "questions", c->lessons[i].questions);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

void course_summary_json(struct buf *out, const struct course *c)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    put_head(&j, c);
    jsonw_object_end(&j);
}

static void put_course(struct buf *out, const struct course *c, const struct asking *asking)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    put_head(&j, c);
    jsonw_key(&j, "sources");
    jsonw_array(&j);
    for (size_t i = 0; i < c->sources_n; i++) {
        jsonw_object(&j);
        jsonw_put_text(&j, "id", c->sources[i].id);
        jsonw_put_text(&j, "name", c->sources[i].name);
        jsonw_put_text(&j, "section", c->sources[i].section);
        jsonw_object_end(&j);
    }
    jsonw_array_end(&j);
    jsonw_key(&j, "lessons");
    jsonw_array(&j);
    for (size_t i = 0; i < c->lessons_n; i++)
        put_lesson(&j, c, &c->lessons[i], asking);
    jsonw_array_end(&j);
    jsonw_object_end(&j);
}

void course_json(struct buf *out, const struct course *c)
{
    put_course(out, c, NULL);
}

void course_asked_json(struct buf *out, const struct course *c, course_order_of *order, void *context)
{
    put_course(out, c, &(struct asking){.order = order, .context = context});
}

void course_question_json(struct buf *out, const struct course *c, const struct course_question *q, const struct course_order *order)
{
    struct jsonw j = jsonw_to(out);
    put_question(&j, c, q, order);
}

void course_verdict_json(struct buf *out, const struct course *c, const struct course_question *q, const struct course_order *order, bool right)
{
    struct jsonw j = jsonw_to(out);
    jsonw_object(&j);
    jsonw_put_bool(&j, "right", right);
    jsonw_key(&j, "answers");
    jsonw_array(&j);
    for (size_t i = 0; i < q->answers; i++) {
        jsonw_object(&j);
        put_told(&j, &c->answers[q->answer0 + order->at[i]]);
        jsonw_put_uint(&j, "place", q->kind == COURSE_ORDER ? order->at[i] + 1u : 0u);
        jsonw_object_end(&j);
    }
    jsonw_array_end(&j);
    put_see(&j, q);
    jsonw_object_end(&j);
}
