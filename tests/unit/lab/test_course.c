/* Training courses: those that come with the program keep every rule; a lab's file is read, or refused with its place. */
#include "../cmocka_all.h"

#include "lab/courses/course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ── the courses that come with the program ── */

static void complain(void *context, uint32_t line, const char *text)
{
    struct buf *out = context;
    buf_addf(out, "\n  line %u: %s", line, text);
}

static void test_shipped(void **state)
{
    (void)state;
    struct error e = {0};
    struct courses *s = courses_new(&e);
    if (s == NULL)
        fail_msg("%s", e.text);
    unsigned audience = 0;
    unsigned after = 0;
    for (size_t i = 0; i < courses_count(s); i++) {
        const struct course *c = courses_at(s, i);
        struct course_measure m;
        struct buf notes = BUF_INIT(1u << 16);
        struct buf json = BUF_INIT(COURSE_JSON_MAX);
        course_measure(c, &m);
        if (course_judge(c, complain, &notes) != 0)
            fail_msg("courses/%.*s.md:%s", (int)c->id.n, (const char *)c->id.p, buf_text(&notes));
        assert_true(m.pool >= 12);
        assert_true(m.grade > 0.0 && m.grade <= 8.0);
        assert_false(c->own || c->replaced);
        audience |= c->audience;
        after |= 1u << c->after;
        course_json(&json, c);
        assert_true(buf_ok(&json));
        buf_release(&json);
        buf_release(&notes);
    }
    assert_true(courses_count(s) > 0);
    assert_int_equal(audience, (1u << COURSE_AUDIENCES) - 1); /* there is something for each */
    assert_int_equal(after, 1u << COURSE_NEVER | 1u << COURSE_AFTER_SIMULATION | 1u << COURSE_AFTER_FINDING);
    courses_free(s);
}

/* ── a lab's own ── */

#define HEAD                                                                                                                                         \
    "---\nid: ours\ntitle: Ours\nabout: One sentence.\nfor: everyone, it\nlanguage: en\nversion: 2\nminutes: 3\npass: 75\n"                          \
    "source: here | Our lab, Rules of the house | page 3\n---\n\n"
#define SCENARIO                                                                                                                                     \
    "## First\nminutes: 3\n\n### Scenario door\n\nA man stands at the door.\n\n- [ ] Let him in.\n  > Who is he?\n- [x] Ask first.\n  > Yes.\n"      \
    "- [ ] Run.\n  > Stay.\n\nSee: ask who they are first\n\n"
#define TEXT "### What to know\n\nWhen somebody comes,\n**ask who\n they are** *first*.[^here]\n\n"
#define ORDER "### Question row\n\nPut in order.\n\n1. One\n  > It is\n  > the first.\n2. Two\n  > Then this.\n\nSee: when somebody comes ask\n"

static struct course *read_text(const char *text, struct error *e)
{
    *e = (struct error){0};
    return course_read(span_str(text), "f", e);
}

static void test_reads(void **state)
{
    (void)state;
    struct error e;
    struct course *c = read_text(HEAD SCENARIO TEXT ORDER, &e);
    if (c == NULL)
        fail_msg("%s", e.text);
    assert_int_equal(c->version, 2);
    assert_int_equal(c->pass, 75);
    assert_int_equal(c->audience, 1u << COURSE_EVERYONE | 1u << COURSE_IT);
    assert_int_equal(c->lessons_n, 1);
    assert_int_equal(c->questions_n, 2);
    assert_true(c->questions[0].scenario);
    assert_int_equal(c->questions[0].kind, COURSE_ONE);
    assert_int_equal(c->questions[1].kind, COURSE_ORDER);
    assert_int_equal(c->lessons[0].n, 2);
    struct buf json = BUF_INIT(1u << 16);
    course_json(&json, c);
    const char *text = buf_text(&json);
    assert_non_null(strstr(text, "{\"text\":\"When somebody comes,\"},{\"text\":\" \"},{\"text\":\"ask who\",\"as\":\"strong\"}"));
    assert_non_null(strstr(text, "{\"text\":\"first\",\"as\":\"soft\"},{\"text\":\".\"},{\"source\":\"here\"}"));
    assert_non_null(strstr(text, "\"feedback\":[{\"text\":\"It is\"},{\"text\":\" \"},{\"text\":\"the first.\"}]"));
    assert_non_null(strstr(text, "\"see\":\"when somebody comes ask\""));
    buf_release(&json);
    course_free(c);
}

/* Windows writes other line ends, and some editors a mark before the first byte. */
static void test_line_ends(void **state)
{
    (void)state;
    static const char text[] = HEAD SCENARIO TEXT ORDER;
    struct buf other = BUF_INIT(1u << 16);
    struct error e = {0};
    buf_add_str(&other, "\xef\xbb\xbf");
    for (const char *p = text; *p != 0; p++) {
        if (*p == '\n')
            buf_add_str(&other, "  \r");
        buf_u8(&other, (uint8_t)*p);
    }
    struct course *one = course_read(buf_span(&other), "f", &e);
    struct course *two = read_text(text, &e);
    assert_non_null(one);
    assert_non_null(two);
    struct buf a = BUF_INIT(1u << 16);
    struct buf b = BUF_INIT(1u << 16);
    course_json(&a, one);
    course_json(&b, two);
    assert_true(span_equal(buf_span(&a), buf_span(&b)));
    buf_release(&a);
    buf_release(&b);
    buf_release(&other);
    course_free(one);
    course_free(two);
}

/* Text that somebody means to be HTML, or Markdown that a course does not have, is refused; what is left is text and comes out as text. */
static void test_no_html(void **state)
{
    (void)state;
    struct error e;
    assert_null(read_text(HEAD SCENARIO "### T\n\nA <script>alert(1)</script> here.[^here]\n" ORDER, &e));
    assert_string_equal(e.text, "f:31:3: no HTML in a course; a sign that is meant is \\<");
    struct course *c = read_text(HEAD SCENARIO "### T\n\nWhen somebody comes ask who they are first \\<b> & \\*so\\* `a < b`.[^here]\n" ORDER, &e);
    if (c == NULL)
        fail_msg("%s", e.text);
    struct buf json = BUF_INIT(1u << 16);
    course_json(&json, c);
    assert_non_null(strstr(buf_text(&json), "{\"text\":\"<b> & \"},{\"text\":\"*so\"},{\"text\":\"* \"},{\"text\":\"a < b\",\"as\":\"code\"}"));
    buf_release(&json);
    course_free(c);
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"", "f:1:1: expected --- in the first line"},
        {"---\nid: A\n", "f:2:5: expected an id of small letters"},
        {"---\nid: a\nid: b\n", "f:3:1: \"id\" is given twice"},
        {"---\nid: a\n---\n", "f:3:1: \"title\" is missing above this line"},
        {"---\nid: a\n", "f:3:1: expected one of: id, title"},
        {"---\ncolour: red\n", "f:2:1: expected one of: id, title"},
        {"---\nfor: everyone, cats\n", "f:2:16: expected some of: everyone, phlebotomist"},
        {"---\nminutes: 0\n", "f:2:10: expected a number from 1 to 120"},
        {"---\npass: 101\n", "f:2:7: expected a number from 1 to 100"},
        {"---\nlanguage: fr\n", "f:2:11: expected en or es"},
        {"---\nafter: lunch\n", "f:2:8: expected simulation or finding"},
        {"---\nsource: a | b\n", "f:2:9: expected id | publisher and document | section"},
        {"---\nsource: a | b | c\nsource: a | b | c\n", "f:3:9: this source is named already in line 2"},
        {HEAD, "f:13:1: the course has no lesson"},
        {HEAD "Text.\n", "f:13:1: expected a lesson: ## its title"},
        {HEAD "## L\n\nText.[^here]\n", "f:13:1: this lesson needs a line \"minutes: 3\""},
        {HEAD "## L\nminutes: 3\n", "f:13:1: this lesson has no text"},
        {HEAD "## L\nminutes: 3\n\nText[^there].\n", "f:16:7: no source of this name at the head of the file: there"},
        {HEAD "## L\nminutes: 3\n\nText.\n", "f:10:9: no text cites this source: here"},
        {HEAD "## L\nminutes: 3\n\n| a | b |\n", "f:16:1: a course has paragraphs"},
        {HEAD "## L\nminutes: 3\n\nA [link](http://a.b).\n", "f:16:3: expected a source, as in [^nist-63b]"},
        {HEAD "## L\nminutes: 3\n\nA *star\n", "f:16:3: strong or soft text that does not end"},
        {HEAD "## L\nminutes: 3\n\nA \x01 sign\n", "f:16:3: a control character"},
        {HEAD "## L\nminutes: 3\n\nA \xff sign\n", "f:16:1: this line is no UTF-8 text"},
        {HEAD "## L\nminutes: 3\n\n![x](pictures/a.svg)\n", "f:16:3: say what the picture shows"},
        {HEAD "## L\nminutes: 3\n\n![what it shows](pictures/../a.svg)\n", "f:16:27: expected the name of a picture"},
        {HEAD "## L\nminutes: 3\n\n![what it shows](http://a.b/c.svg)\n", "f:16:1: expected a picture as"},
        {HEAD "## L\nminutes: 3\n\nT.[^here]\n\n### Question A!\n", "f:18:14: expected the question's id"},
        {HEAD "## L\nminutes: 3\n\n### Question a\n", "f:16:1: a question stands behind the lesson's text"},
        {HEAD "## L\nminutes: 3\n\nT.[^here]\n\n### Scenario a\n", "f:18:1: a scenario stands at the start of its lesson"},
        {HEAD SCENARIO TEXT "### Question door\n", "f:35:14: this id is taken by the question of line 16"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [ ] One\n- [x] Two\n", "f:40:1: the answer above needs feedback first"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [ ] One\n  > No\n- [ ] Two\n  > No\n\nSee: who they are first\n",
         "f:35:1: no answer is right"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [x] One\n  > No\n\nSee: who they are first\n",
         "f:35:1: a question needs at least two answers"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [x] One\n  > No\n1. Two\n  > No\n", "f:41:1: answers are either"},
        {HEAD SCENARIO TEXT "### Question a\n\n- [x] One\n  > No\n- [ ] Two\n  > No\n\nSee: who they are first\n", "f:35:1: nothing is asked"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [x] One\n  > No\n- [ ] Two\n  > No\n", "f:35:1: a line \"See: …\" is missing"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [x] One\n  > No\n- [ ] Two\n  > No\n\nSee: not what they say there\n",
         "f:44:6: these words do not stand in the text of this lesson"},
        {HEAD SCENARIO TEXT "### Question a\n\nAsk\n\n- [x] One\n  > No\n- [ ] Two\n  > No\n\nSee: they are first\n", "f:44:6: at least four words"},
        {HEAD SCENARIO TEXT ORDER "\nMore text.\n", "f:47:1: expected the next question"},
        {HEAD SCENARIO TEXT ORDER "\n### A heading\n", "f:47:1: a lesson's text stands before its questions"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error e;
        struct course *c = read_text(bad[i].text, &e);
        if (c != NULL || strncmp(e.text, bad[i].error, strlen(bad[i].error)) != 0)
            fail_msg("%zu: expected \"%s\", got \"%s\"", i, bad[i].error, c == NULL ? e.text : "no error");
        assert_int_equal(e.class, ERR_MISUSE);
    }
}

static void test_caps(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf text = BUF_INIT(COURSE_FILE_BYTES * 2);
    buf_add_str(&text, HEAD);
    for (size_t i = 0; i <= COURSE_LESSONS; i++)
        buf_addf(&text, "## L%zu\nminutes: 3\n\nT.[^here]\n\n", i);
    assert_null(course_read(buf_span(&text), "f", &e));
    assert_non_null(strstr(e.text, "over 20 lessons"));
    buf_clear(&text);
    buf_add_str(&text, HEAD "## L\nminutes: 3\n\n");
    for (size_t i = 0; i <= COURSE_LINE; i++)
        buf_u8(&text, 'a');
    assert_null(course_read(buf_span(&text), "f", &e));
    assert_non_null(strstr(e.text, "a line of over 2000 bytes"));
    while (text.n <= COURSE_FILE_BYTES)
        buf_add_str(&text, "words and words and words\n");
    assert_null(course_read(buf_span(&text), "f", &e));
    assert_non_null(strstr(e.text, "over 262144 bytes"));
    buf_release(&text);
}

/* 0.39 * 12 / 2 + 11.8 * 16 / 12 - 15.59 = 2.48 */
static void test_grade(void **state)
{
    (void)state;
    struct error e;
    struct course *c = read_text(HEAD "## L\nminutes: 3\n\nThe tube is on the table. Label it before the patient leaves.[^here]\n", &e);
    assert_non_null(c);
    struct course_measure m;
    course_measure(c, &m);
    assert_int_equal(m.sentences, 2);
    assert_int_equal(m.words, 12);
    assert_int_equal(m.syllables, 16); /* 15 by hand: "leaves" is counted long */
    assert_true(m.grade > 2.4 && m.grade < 2.5);
    assert_int_equal(course_judge(c, NULL, NULL), 3); /* minutes of the course, pool, no scenario */
    course_free(c);
}

static void test_library(void **state)
{
    (void)state;
    static const char picture[] = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    struct error e = {0};
    struct courses *s = courses_new(&e);
    size_t before = courses_count(s);
    assert_int_equal(courses_add(s, span_str(HEAD SCENARIO TEXT ORDER), "f", &e), 0);
    assert_true(courses_find(s, SPAN_LIT("ours"))->own);
    assert_int_equal(courses_add(s, span_str(HEAD SCENARIO TEXT ORDER), "g", &e), -1);
    assert_string_equal(e.text, "g:1:1: the id \"ours\" is taken by another course");
    const char *shown = HEAD SCENARIO TEXT "![A tube with its label](pictures/our-tube.svg)\n\n" ORDER;
    struct buf other = BUF_INIT(1u << 16);
    buf_add_str(&other, shown);
    memcpy(memmem(other.p, other.n, "ours", 4), "mine", 4);
    assert_int_equal(courses_add(s, buf_span(&other), "g", &e), -1);
    assert_string_equal(e.text, "g:35:1: there is no picture pictures/our-tube.svg");
    assert_int_equal(courses_add_picture(s, SPAN_LIT("our-tube.svg"), SPAN_LIT("<html>"), &e), -1);
    assert_int_equal(courses_add_picture(s, SPAN_LIT("../x.svg"), span_str(picture), &e), -1);
    assert_int_equal(courses_add_picture(s, SPAN_LIT("our-tube.svg"), span_str(picture), &e), 0);
    assert_int_equal(courses_add(s, buf_span(&other), "g", &e), 0);
    assert_int_equal(courses_count(s), before + 2);
    buf_release(&other);
    courses_free(s);
}

/* A lab's course of our id takes ours's place, packed and unpacked again. */
static void test_packed(void **state)
{
    (void)state;
    struct error e = {0};
    struct courses *s = courses_new(&e);
    struct buf text = BUF_INIT(1u << 16);
    struct buf packed = BUF_INIT(1u << 16);
    buf_add_str(&text, "---\nid: everyone");
    buf_add_str(&text, &(HEAD SCENARIO TEXT ORDER)[strlen("---\nid: ours")]);
    courses_pack(&packed, 'p', SPAN_LIT("a.svg"), SPAN_LIT("<svg />"));
    courses_pack(&packed, 'c', SPAN_LIT("everyone.md"), buf_span(&text));
    assert_false(courses_find(s, SPAN_LIT("everyone"))->own);
    assert_int_equal(courses_unpack(s, buf_span(&packed), &e), 0);
    assert_true(courses_find(s, SPAN_LIT("everyone"))->own);
    assert_non_null(courses_picture(s, SPAN_LIT("a.svg")));
    assert_int_equal(courses_unpack(s, span_of(packed.p, packed.n - 1), &e), -1);
    buf_release(&text);
    buf_release(&packed);
    courses_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped), cmocka_unit_test(test_reads),   cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_no_html), cmocka_unit_test(test_refuses), cmocka_unit_test(test_caps),
        cmocka_unit_test(test_grade),   cmocka_unit_test(test_library), cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
