/* A course's file: lines between "---" say what it is; "## " begins a lesson, "### Scenario ID" and "### Question ID" a question, any other "### " a
 * part of the lesson's text. Line by line, with a place for every mistake. */
#include "lab/courses/course_private.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What the line in hand may belong to. */
enum where { IN_HEAD, BEFORE_LESSONS, IN_LESSON, IN_TEXT, IN_QUESTION, IN_ANSWERS, AFTER_SEE };

struct reader {
    struct course *c;
    const char *name;
    struct error *e;
    enum where where;
    uint32_t line;
    struct span text;   /* the line in hand */
    struct span *open;  /* the text that the next line may go on with; NULL: none */
    bool open_note;     /* it goes on behind ">" */
    bool minutes_given; /* of the lesson in hand */
    unsigned head;      /* keys seen, a bit each */
};

/* at: where in the line in hand; NULL: its start. */
static int fail(const struct reader *r, const uint8_t *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int fail(const struct reader *r, const uint8_t *at, const char *format, ...)
{
    char text[230];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_set(r->e, ERR_MISUSE, "%s:%u:%zu: %s", r->name, r->line, at == NULL ? 1 : (size_t)(at - r->text.p) + 1, text);
}

static int fail_line(struct reader *r, uint32_t line, const char *what)
{
    r->line = line;
    return fail(r, NULL, "%s", what);
}

/* Room for one more in a list, or -1. */
static int more(const struct reader *r, void **list, size_t *size, size_t n, size_t each, size_t most, const char *what)
{
    if (n >= most)
        return fail(r, NULL, "over %zu %s", most, what);
    if (n < *size)
        return 0;
    size_t next = *size == 0 ? 16 : *size * 2;
    void *grown = reallocarray(*list, next, each);
    if (grown == NULL)
        return err_set(r->e, ERR_SYSTEM, "%s: no memory for the course", r->name);
    *list = grown;
    *size = next;
    return 0;
}

#define MORE(r, member, most, what) more(r, (void **)&(r)->c->member, &(r)->c->member##_size, (r)->c->member##_n, sizeof *(r)->c->member, most, what)

static struct course_lesson *lesson(const struct reader *r)
{
    return &r->c->lessons[r->c->lessons_n - 1];
}

static struct course_question *question(const struct reader *r)
{
    return &r->c->questions[r->c->questions_n - 1];
}

static struct span trim(struct span s)
{
    while (s.n > 0 && *s.p == ' ')
        (void)span_skip(&s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* The rest of s behind a beginning; false: it does not begin so. */
static bool behind(struct span s, const char *start, struct span *ret)
{
    if (!span_starts(s, span_str(start)))
        return false;
    (void)span_skip(&s, strlen(start));
    *ret = trim(s);
    return true;
}

static bool is_id(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    return s.n > 0 && s.n <= COURSE_ID;
}

#define ID_WANTED "small letters, digits and hyphens, at most 40"

/* ── the head ── */

static int head_number(const struct reader *r, struct span v, uint64_t least, uint64_t most, uint32_t *ret)
{
    uint64_t n = 0;
    if (!span_decimal(v, most, &n) || n < least)
        return fail(r, v.p, "expected a number from %llu to %llu", (unsigned long long)least, (unsigned long long)most);
    *ret = (uint32_t)n;
    return 0;
}

static int head_id(struct reader *r, struct span v)
{
    r->c->id = v;
    return is_id(v) ? 0 : fail(r, v.p, "expected an id of " ID_WANTED ", as in front-desk");
}

static int head_title(struct reader *r, struct span v)
{
    r->c->title = v;
    return v.n <= 120 ? 0 : fail(r, v.p, "a title of over 120 bytes");
}

static int head_about(struct reader *r, struct span v)
{
    r->c->about = v;
    return v.n <= 400 ? 0 : fail(r, v.p, "over 400 bytes; one sentence is enough");
}

static int head_for(struct reader *r, struct span v)
{
    bool again = true;
    while (again) {
        struct span word = trim(span_until(&v, ',', &again));
        int a = 0;
        while (a < COURSE_AUDIENCES && !span_is(word, course_audience_name((enum course_audience)a)))
            a++;
        if (a == COURSE_AUDIENCES)
            return fail(r, word.p, "expected some of: everyone, phlebotomist, technologist, front-desk, it, manager, privacy-officer, vendor");
        r->c->audience |= 1u << a;
    }
    return 0;
}

static int head_language(struct reader *r, struct span v)
{
    r->c->language = v;
    return span_is(v, "en") || span_is(v, "es") ? 0 : fail(r, v.p, "expected en or es");
}

static int head_version(struct reader *r, struct span v)
{
    return head_number(r, v, 1, 99999, &r->c->version);
}

static int head_minutes(struct reader *r, struct span v)
{
    return head_number(r, v, 1, 120, &r->c->minutes);
}

static int head_pass(struct reader *r, struct span v)
{
    return head_number(r, v, 1, 100, &r->c->pass);
}

static int head_after(struct reader *r, struct span v)
{
    r->c->after = span_is(v, "simulation") ? COURSE_AFTER_SIMULATION : span_is(v, "finding") ? COURSE_AFTER_FINDING : COURSE_NEVER;
    return r->c->after != COURSE_NEVER ? 0 : fail(r, v.p, "expected simulation or finding: what this refresher follows");
}

static int head_source(struct reader *r, struct span v)
{
    const uint8_t *at = v.p;
    bool two = false;
    bool three = false;
    struct course_source s = {.line = r->line, .id = trim(span_until(&v, '|', &two))};
    s.name = trim(span_until(&v, '|', &three));
    s.section = trim(v);
    if (!two || !three || s.name.n == 0 || s.section.n == 0 || span_find(&v, '|') < v.n || !is_id(s.id))
        return fail(r, at,
                    "expected id | publisher and document | section, as in nist-63b | NIST SP 800-63B-4, Digital Identity Guidelines | section 3.1");
    for (size_t i = 0; i < r->c->sources_n; i++)
        if (span_equal(r->c->sources[i].id, s.id))
            return fail(r, at, "this source is named already in line %u", r->c->sources[i].line);
    if (MORE(r, sources, COURSE_SOURCES, "sources") != 0)
        return -1;
    r->c->sources[r->c->sources_n++] = s;
    return 0;
}

static const struct {
    const char *name;
    bool needed, many;
    int (*take)(struct reader *r, struct span value);
} head_keys[] = {
    {"id", true, false, head_id},           {"title", true, false, head_title},       {"about", true, false, head_about},
    {"for", true, false, head_for},         {"language", true, false, head_language}, {"version", true, false, head_version},
    {"minutes", true, false, head_minutes}, {"pass", true, false, head_pass},         {"after", false, false, head_after},
    {"source", true, true, head_source},
};
#define HEAD_KEYS (sizeof head_keys / sizeof head_keys[0])

static int end_head(struct reader *r)
{
    for (size_t i = 0; i < HEAD_KEYS; i++)
        if (head_keys[i].needed && (r->head & 1u << i) == 0)
            return fail(r, NULL, "\"%s\" is missing above this line", head_keys[i].name);
    r->where = BEFORE_LESSONS;
    return 0;
}

static int head_line(struct reader *r)
{
    struct span rest = r->text;
    bool colon = false;
    if (r->line == 1)
        return span_is(rest, "---") ? 0 : fail(r, NULL, "expected --- in the first line, then what the course is");
    if (span_is(rest, "---"))
        return end_head(r);
    struct span key = span_until(&rest, ':', &colon);
    struct span value = trim(rest);
    for (size_t i = 0; colon && i < HEAD_KEYS; i++) {
        if (!span_is(key, head_keys[i].name))
            continue;
        if (value.n == 0)
            return fail(r, rest.p, "a value is missing");
        if (!head_keys[i].many && (r->head & 1u << i) != 0)
            return fail(r, NULL, "\"%s\" is given twice", head_keys[i].name);
        r->head |= 1u << i;
        return head_keys[i].take(r, value);
    }
    return fail(r, NULL,
                "expected one of: id, title, about, for, language, version, minutes, pass, after, source; with a colon behind, or --- as the end");
}

/* ── pieces of text ── */

static int add_piece(struct reader *r, enum course_piece_kind kind, struct span text, struct span picture)
{
    if (text.n == 0)
        return fail(r, NULL, "words are missing");
    if (MORE(r, pieces, COURSE_PIECES, "pieces of text") != 0)
        return -1;
    struct course_piece *p = &r->c->pieces[r->c->pieces_n++];
    *p = (struct course_piece){.kind = kind, .line = r->line, .text = text, .picture = picture};
    *(r->where == IN_QUESTION ? &question(r)->n : &lesson(r)->n) += 1;
    r->open = kind == COURSE_HEADING || kind == COURSE_PICTURE ? NULL : &p->text;
    r->open_note = kind == COURSE_NOTE;
    return 0;
}

/* The line goes on with the text in hand, which lies before it in the copy. */
static void go_on(struct reader *r)
{
    r->open->n = (uint32_t)(r->text.p + r->text.n - r->open->p);
}

static int picture_line(struct reader *r)
{
    struct span rest = r->text;
    bool words_end = false;
    bool name_ends = false;
    (void)span_skip(&rest, 2);
    struct span words = span_until(&rest, ']', &words_end);
    struct span file;
    if (!words_end || !behind(rest, "(pictures/", &file))
        return fail(r, NULL, "expected a picture as ![what it shows, for those who do not see it](pictures/name.svg)");
    struct span name = span_until(&file, ')', &name_ends);
    if (!name_ends || file.n > 0 || !course_picture_name(name))
        return fail(r, name.p, "expected the name of a picture, name.svg of small letters, digits and hyphens, then )");
    if (words.n < 10)
        return fail(r, words.p, "say what the picture shows, for those who do not see it");
    return add_piece(r, COURSE_PICTURE, words, name);
}

/* "1. " … "99. ": the number's length, or 0. */
static size_t numbered(struct span s)
{
    size_t i = 0;
    while (i < 2 && span_peek(&s, i) >= '0' && span_peek(&s, i) <= '9')
        i++;
    return i > 0 && span_peek(&s, i) == '.' && span_peek(&s, i + 1) == ' ' ? i + 2 : 0;
}

/* Markdown that a course does not have: it would be shown as something else than what is meant. */
static bool not_ours(struct span s)
{
    static const char *const starts[] = {"#", ">", "|", "* ", "+ ", "```", "~~~", "===", "---", "***"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (span_starts(s, span_str(starts[i])))
            return true;
    return false;
}

static int piece_line(struct reader *r)
{
    struct span text;
    size_t number = numbered(r->text);
    if (r->open != NULL && r->open_note && behind(r->text, "> ", &text)) {
        go_on(r);
        return 0;
    }
    if (behind(r->text, "- ", &text))
        return add_piece(r, COURSE_ITEM, text, (struct span){0});
    if (behind(r->text, "> ", &text))
        return add_piece(r, COURSE_NOTE, text, (struct span){0});
    if (span_starts(r->text, SPAN_LIT("![")))
        return picture_line(r);
    if (number > 0) {
        text = r->text;
        (void)span_skip(&text, number);
        return add_piece(r, COURSE_STEP, trim(text), (struct span){0});
    }
    if (not_ours(r->text))
        return fail(r, NULL,
                    "a course has paragraphs, \"- \" lists, \"1. \" lists, \"> \" notes, pictures, \"## \" and \"### \" headings; this is none");
    if (r->open != NULL && !r->open_note) {
        go_on(r);
        return 0;
    }
    if (*r->text.p == ' ')
        return fail(r, NULL, "spaces at the start of a line that goes on with nothing");
    return add_piece(r, COURSE_TEXT, trim(r->text), (struct span){0});
}

/* ── questions ── */

static int end_question(struct reader *r)
{
    struct course_question *q = question(r);
    size_t right = 0;
    for (size_t i = 0; i < q->answers; i++) {
        const struct course_answer *a = &r->c->answers[q->answer0 + i];
        right += a->right;
        if (a->feedback.n == 0)
            return fail_line(r, a->line, "this answer needs feedback below it: a line \"  > why\"");
    }
    if (q->n == 0)
        return fail_line(r, q->line, "nothing is asked");
    if (q->answers < 2)
        return fail_line(r, q->line, "a question needs at least two answers");
    if (right == 0)
        return fail_line(r, q->line, "no answer is right; the right ones begin with \"- [x] \"");
    if (q->see.n == 0)
        return fail_line(r, q->line, "a line \"See: …\" is missing: the words of the lesson that answer the question");
    if (q->kind != COURSE_ORDER)
        q->kind = right == 1 ? COURSE_ONE : COURSE_SEVERAL;
    return 0;
}

static int begin_question(struct reader *r, struct span id, bool scenario)
{
    if (!is_id(id))
        return fail(r, id.p, "expected the question's id, " ID_WANTED ", as in ### Question badge-2");
    for (size_t i = 0; i < r->c->questions_n; i++)
        if (span_equal(r->c->questions[i].id, id))
            return fail(r, id.p, "this id is taken by the question of line %u", r->c->questions[i].line);
    if (scenario && (lesson(r)->n > 0 || lesson(r)->questions > 0))
        return fail(r, NULL, "a scenario stands at the start of its lesson: it is asked before the text");
    if (!scenario && lesson(r)->n == 0)
        return fail(r, NULL, "a question stands behind the lesson's text; one to begin with is a scenario");
    if (MORE(r, questions, COURSE_QUESTIONS, "questions") != 0)
        return -1;
    r->c->questions[r->c->questions_n++] = (struct course_question){
        .line = r->line, .id = id, .scenario = scenario, .first = r->c->pieces_n, .answer0 = r->c->answers_n};
    lesson(r)->questions++;
    r->where = IN_QUESTION;
    return 0;
}

static int add_answer(struct reader *r, bool order, bool right, struct span text)
{
    struct course_question *q = question(r);
    if (q->answers > 0 && order != (q->kind == COURSE_ORDER))
        return fail(r, NULL, "answers are either a \"- [ ] \" list or a \"1. \" list to be put in order");
    if (q->answers == COURSE_ANSWERS)
        return fail(r, NULL, "over %d answers", COURSE_ANSWERS);
    if (q->answers > 0 && r->c->answers[r->c->answers_n - 1].feedback.n == 0)
        return fail(r, NULL, "the answer above needs feedback first: a line \"  > why\"");
    if (text.n == 0)
        return fail(r, NULL, "words are missing");
    if (MORE(r, answers, COURSE_QUESTIONS * COURSE_ANSWERS, "answers") != 0)
        return -1;
    struct course_answer *a = &r->c->answers[r->c->answers_n++];
    *a = (struct course_answer){.line = r->line, .right = right, .text = text};
    q->kind = order ? COURSE_ORDER : COURSE_ONE;
    q->answers++;
    r->open = &a->text;
    r->open_note = false;
    r->where = IN_ANSWERS;
    return 0;
}

/* Takes the line where it begins an answer, or the words that a question is answered by. *ret_taken says so. */
static int answer_line(struct reader *r, bool *ret_taken)
{
    struct span text = r->text;
    size_t number = numbered(r->text);
    *ret_taken = true;
    if (behind(r->text, "- [x] ", &text))
        return add_answer(r, false, true, text);
    if (behind(r->text, "- [ ] ", &text))
        return add_answer(r, false, false, text);
    if (number > 0) {
        (void)span_skip(&text, number);
        return add_answer(r, true, true, trim(text));
    }
    if (r->where == IN_ANSWERS && behind(r->text, "See:", &text)) {
        question(r)->see = text;
        r->open = &question(r)->see;
        r->open_note = false;
        r->where = AFTER_SEE;
        return text.n > 0 ? 0 : fail(r, NULL, "words of the lesson are missing");
    }
    *ret_taken = false;
    return 0;
}

static int feedback_line(struct reader *r)
{
    struct span text;
    struct course_answer *a = &r->c->answers[r->c->answers_n - 1];
    if (behind(r->text, "  > ", &text)) {
        if (r->open != NULL && r->open_note) {
            go_on(r);
            return 0;
        }
        if (a->feedback.n > 0)
            return fail(r, NULL, "this answer has its feedback already");
        a->feedback = text;
        r->open = &a->feedback;
        r->open_note = true;
        return text.n > 0 ? 0 : fail(r, NULL, "words are missing");
    }
    if (r->open != NULL && !r->open_note && behind(r->text, "  ", &text)) {
        go_on(r);
        return 0;
    }
    return fail(r, NULL, "expected an answer, its feedback (\"  > why\") or \"See: words of the lesson\"");
}

/* ── lessons ── */

static int end_lesson(struct reader *r)
{
    if (r->c->lessons_n == 0)
        return 0;
    const struct course_lesson *l = lesson(r);
    if (r->where >= IN_QUESTION && end_question(r) != 0)
        return -1;
    if (!r->minutes_given)
        return fail_line(r, l->line, "this lesson needs a line \"minutes: 3\" below its title");
    if (l->n == 0)
        return fail_line(r, l->line, "this lesson has no text");
    return 0;
}

static int begin_lesson(struct reader *r, struct span title)
{
    if (r->where == IN_HEAD || end_lesson(r) != 0)
        return -1;
    if (title.n == 0 || title.n > 120)
        return fail(r, NULL, "expected a title of at most 120 bytes");
    if (MORE(r, lessons, COURSE_LESSONS, "lessons") != 0)
        return -1;
    r->c->lessons[r->c->lessons_n++] = (struct course_lesson){
        .line = r->line, .title = title, .first = r->c->pieces_n, .question0 = r->c->questions_n};
    r->minutes_given = false;
    r->where = IN_LESSON;
    return 0;
}

static int heading_line(struct reader *r, struct span title)
{
    struct span id;
    if (r->c->lessons_n == 0)
        return fail(r, NULL, "expected a lesson first: ## its title");
    if (r->where >= IN_QUESTION && end_question(r) != 0)
        return -1;
    bool scenario = behind(title, "Scenario ", &id);
    if (scenario || behind(title, "Question ", &id))
        return begin_question(r, id, scenario);
    if (r->where >= IN_QUESTION && !question(r)->scenario)
        return fail(r, NULL, "a lesson's text stands before its questions");
    r->where = IN_TEXT;
    if (lesson(r)->n == 0)
        lesson(r)->first = r->c->pieces_n;
    return add_piece(r, COURSE_HEADING, title, (struct span){0});
}

static int lesson_line(struct reader *r)
{
    struct span value;
    if (behind(r->text, "minutes:", &value) && !r->minutes_given) {
        r->minutes_given = true;
        return head_number(r, value, 1, 30, &lesson(r)->minutes);
    }
    r->where = IN_TEXT;
    return piece_line(r);
}

static int body_line(struct reader *r)
{
    struct span title;
    bool taken = false;
    if (r->text.n == 0) {
        r->open = NULL;
        return 0;
    }
    if (behind(r->text, "## ", &title) || behind(r->text, "### ", &title))
        r->open = NULL;
    if (behind(r->text, "## ", &title))
        return begin_lesson(r, title);
    if (behind(r->text, "### ", &title))
        return heading_line(r, title);
    switch (r->where) {
    case IN_LESSON: return lesson_line(r);
    case IN_TEXT: return piece_line(r);
    case IN_QUESTION:
    case IN_ANSWERS: {
        int rc = answer_line(r, &taken);
        if (rc != 0 || taken)
            return rc;
        return r->where == IN_QUESTION ? piece_line(r) : feedback_line(r);
    }
    case AFTER_SEE:
        if (r->open == NULL)
            return fail(r, NULL, "expected the next question (### Question ID) or lesson (## title)");
        go_on(r);
        return 0;
    default: return fail(r, NULL, "expected a lesson: ## its title");
    }
}

/* ── the whole ── */

static int read_line(struct reader *r, struct span line)
{
    r->text = line;
    if (line.n > COURSE_LINE)
        return fail(r, NULL, "a line of over %d bytes", COURSE_LINE);
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] < 0x20 || line.p[i] == 0x7f)
            return fail(r, line.p + i, "a control character; use spaces for tabs");
    if (!text_is_utf8(line))
        return fail(r, NULL, "this line is no UTF-8 text; save the file as UTF-8");
    return r->where == IN_HEAD ? head_line(r) : body_line(r);
}

static int read_text(struct reader *r, struct span text)
{
    bool again = true;
    while (again) {
        r->line++;
        if (read_line(r, span_until(&text, '\n', &again)) != 0)
            return -1;
    }
    if (r->where == IN_HEAD)
        return fail(r, NULL, "the file ends before --- ends what the course is");
    if (r->c->lessons_n == 0)
        return fail(r, NULL, "the course has no lesson: ## its title");
    return end_lesson(r) != 0 ? -1 : course_check(r->c, r->name, r->e);
}

/* Without the carriage returns and the spaces that lines may end with. */
static struct span copy_of(struct course *c, struct span text)
{
    size_t n = 0;
    c->copy = malloc(2 * (size_t)text.n + 1);
    if (c->copy == NULL)
        return (struct span){.bad = true};
    if (span_starts(text, SPAN_LIT("\xef\xbb\xbf")))
        (void)span_skip(&text, 3);
    bool again = true;
    while (again) {
        struct span line = span_until(&text, '\n', &again);
        while (line.n > 0 && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
            line.n--;
        n += span_copy(line, c->copy + n, line.n);
        if (again)
            c->copy[n++] = '\n';
    }
    return span_of(c->copy, n);
}

struct course *course_read(struct span text, const char *name, struct error *e)
{
    if (text.n > COURSE_FILE_BYTES) {
        (void)err_set(e, ERR_MISUSE, "%s:1:1: over %u bytes; part it into several courses", name, COURSE_FILE_BYTES);
        return NULL;
    }
    struct course *c = calloc(1, sizeof *c);
    struct span copy = c == NULL ? (struct span){.bad = true} : copy_of(c, text);
    if (copy.bad) {
        (void)err_set(e, ERR_SYSTEM, "%s: no memory for the course", name);
        course_free(c);
        return NULL;
    }
    struct reader r = {.c = c, .name = name, .e = e};
    if (read_text(&r, copy) == 0) {
        c->file = span_of(c->copy + text.n + 1, span_copy(text, c->copy + text.n + 1, text.n)); /* the copy is changed by reading it */
        return c;
    }
    course_free(c);
    return NULL;
}

void course_free(struct course *c)
{
    if (c == NULL)
        return;
    free(c->copy);
    free(c->lessons);
    free(c->questions);
    free(c->answers);
    free(c->pieces);
    free(c->sources);
    free(c);
}
