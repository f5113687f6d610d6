/* What a good course keeps, as far as a program can tell. */
#include "lab/courses/course.h"

#include <stdarg.h>
#include <stdio.h>

#define WORDS_A_MINUTE 200
#define SECONDS_A_QUESTION 6
#define GRADE_MOST 8.0
#define POOL_LEAST 12
#define ANSWER_MOST 200   /* bytes: an answer is read on a phone */
#define FEEDBACK_MOST 320 /* bytes */
#define SENTENCE_MOST 34  /* words */

struct reading {
    struct course_measure *m;
    size_t letters; /* of the word in hand */
    size_t vowels;  /* groups of them in it */
    bool vowel;     /* the last letter was one */
    bool silent;    /* … an "e" behind a consonant */
    size_t in_hand; /* words of the sentence in hand */
    size_t longest; /* of a sentence */
};

static void end_word(struct reading *r)
{
    if (r->letters == 0)
        return;
    size_t n = r->vowels;
    if (r->silent && n > 1)
        n--;
    r->m->words++;
    r->in_hand++;
    r->m->syllables += n == 0 ? 1 : n;
    r->letters = r->vowels = 0;
    r->vowel = r->silent = false;
}

static void end_sentence(struct reading *r)
{
    end_word(r);
    r->m->sentences += r->in_hand > 0;
    if (r->in_hand > r->longest)
        r->longest = r->in_hand;
    r->in_hand = 0;
}

static void letter(struct reading *r, uint8_t c)
{
    uint8_t low = c | 0x20;
    bool vowel = low == 'a' || low == 'e' || low == 'i' || low == 'o' || low == 'u' || low == 'y';
    r->silent = low == 'e' && !r->vowel && r->letters > 0;
    r->vowels += vowel && !r->vowel;
    r->vowel = vowel;
    r->letters++;
}

static void read_plain(struct reading *r, struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        uint8_t next = span_peek(&text, i + 1);
        if (((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c >= 0x80 || (c >= '0' && c <= '9'))
            letter(r, c);
        else if ((c == '.' || c == '!' || c == '?') && (next == ' ' || next == 0))
            end_sentence(r);
        else if (c != '\'')
            end_word(r);
    }
    end_sentence(r);
}

static void read_written(struct reading *r, struct span written)
{
    struct buf text = BUF_INIT(COURSE_FILE_BYTES);
    course_plain(&text, written);
    read_plain(r, buf_span(&text));
    buf_release(&text);
}

/* Returns the words of feedback: nobody reads all of it. */
static size_t measure(const struct course *c, struct reading *r)
{
    size_t feedback = 0;
    for (size_t i = 0; i < c->pieces_n; i++)
        if (c->pieces[i].kind != COURSE_PICTURE)
            read_written(r, c->pieces[i].text);
    for (size_t i = 0; i < c->answers_n; i++) {
        read_written(r, c->answers[i].text);
        size_t before = r->m->words;
        read_written(r, c->answers[i].feedback);
        feedback += r->m->words - before;
    }
    return feedback;
}

void course_measure(const struct course *c, struct course_measure *ret)
{
    *ret = (struct course_measure){0};
    struct reading r = {.m = ret};
    size_t feedback = measure(c, &r);
    for (size_t i = 0; i < c->questions_n; i++)
        ret->pool += !c->questions[i].scenario;
    if (span_is(c->language, "en") && ret->words > 0 && ret->sentences > 0)
        ret->grade = 0.39 * (double)ret->words / (double)ret->sentences + 11.8 * (double)ret->syllables / (double)ret->words - 15.59;
    size_t seconds = (ret->words - feedback / 2) * 60 / WORDS_A_MINUTE + c->questions_n * SECONDS_A_QUESTION;
    ret->minutes = (uint32_t)((seconds + 30) / 60);
}

struct judge {
    const struct course *c;
    course_note *each;
    void *context;
    size_t n;
};

static void note(struct judge *j, uint32_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void note(struct judge *j, uint32_t line, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    j->n++;
    if (j->each != NULL)
        j->each(j->context, line, text);
}

static void count_cite(void *context, enum course_run_kind kind, struct span text)
{
    (void)text;
    *(size_t *)context += kind == COURSE_CITE;
}

static size_t cites(struct span written)
{
    size_t n = 0;
    (void)course_runs(written, count_cite, &n, NULL, NULL);
    return n;
}

/* A paragraph or note that stands for itself. */
static bool claims(const struct course_piece *p)
{
    return p->kind == COURSE_TEXT || p->kind == COURSE_NOTE;
}

static void judge_sentences(struct judge *j, uint32_t line, struct span written)
{
    struct course_measure m = {0};
    struct reading r = {.m = &m};
    read_written(&r, written);
    if (r.longest > SENTENCE_MOST)
        note(j, line, "a sentence of %zu words; part it, %d are enough", r.longest, SENTENCE_MOST);
}

static void judge_lesson(struct judge *j, const struct course_lesson *l)
{
    const struct course_piece *p = j->c->pieces + l->first;
    size_t cited = 0;
    size_t texts = 0;
    for (size_t i = 0; i < l->n; i++) {
        texts += claims(&p[i]);
        cited += cites(p[i].text) > 0;
    }
    if (l->minutes < 2 || l->minutes > 5)
        note(j, l->line, "a lesson takes 2 to 5 minutes, this one %u", l->minutes);
    if (l->questions == 0 || !j->c->questions[l->question0].scenario)
        note(j, l->line, "a lesson begins with a scenario: a question before the text");
    if (cited == 0 || cited * 2 < texts)
        note(j, l->line, "%zu of %zu paragraphs name their source; at least half should", cited, texts);
}

static void judge_question(struct judge *j, const struct course_question *q)
{
    size_t right = 0;
    if (q->answers < 3)
        note(j, q->line, "two answers are a coin to toss; give three or more");
    for (size_t i = 0; i < q->answers; i++) {
        const struct course_answer *a = &j->c->answers[q->answer0 + i];
        right += a->right;
        if (a->text.n > ANSWER_MOST)
            note(j, a->line, "an answer of %u bytes; over %d it is hard to read on a phone", a->text.n, ANSWER_MOST);
        if (a->feedback.n > FEEDBACK_MOST)
            note(j, a->line, "feedback of %u bytes; over %d nobody reads it", a->feedback.n, FEEDBACK_MOST);
        if (a->feedback.n < 15)
            note(j, a->line, "feedback says why, in a sentence");
    }
    if (q->kind == COURSE_SEVERAL && right == q->answers)
        note(j, q->line, "every answer is right: nothing is asked");
}

/* What somebody could go by who has read nothing: the place of the right answer, and its length. */
static void judge_tells(struct judge *j)
{
    size_t ones = 0;
    size_t longest = 0;
    size_t at[COURSE_ANSWERS] = {0};
    for (size_t i = 0; i < j->c->questions_n; i++) {
        const struct course_question *q = &j->c->questions[i];
        size_t right = 0;
        bool over = true;
        if (q->kind != COURSE_ONE)
            continue;
        while (!j->c->answers[q->answer0 + right].right)
            right++;
        for (size_t k = 0; k < q->answers; k++)
            over = over && (k == right || j->c->answers[q->answer0 + k].text.n < j->c->answers[q->answer0 + right].text.n);
        ones++;
        longest += over;
        at[right]++;
    }
    if (ones < 8)
        return;
    for (size_t k = 0; k < COURSE_ANSWERS; k++)
        if (at[k] * 2 > ones)
            note(j, 1, "the right answer is number %zu in %zu of %zu questions; who always takes that one would do well", k + 1, at[k], ones);
    if (longest * 2 > ones)
        note(j, 1, "the right answer is the longest one in %zu of %zu questions; who always takes the longest would do well", longest, ones);
}

size_t course_judge(const struct course *c, course_note *each, void *context)
{
    struct judge j = {.c = c, .each = each, .context = context};
    struct course_measure m;
    uint32_t minutes = 0;
    course_measure(c, &m);
    bool refresher = c->after != COURSE_NEVER;
    for (size_t i = 0; i < c->lessons_n; i++)
        minutes += c->lessons[i].minutes;
    if (minutes != c->minutes)
        note(&j, 1, "the lessons take %u minutes together, the course says %u", minutes, c->minutes);
    if (c->minutes < (refresher ? 4 : 10) || c->minutes > (refresher ? 10 : 15))
        note(&j, 1, "a course takes 10 to 15 minutes, a refresher 4 to 10, this one %u", c->minutes);
    if (m.minutes > c->minutes + 2 || m.minutes + 4 < c->minutes)
        note(&j, 1, "%zu words and %zu questions take about %u minutes, the course says %u", m.words, c->questions_n, m.minutes, c->minutes);
    if (m.pool < POOL_LEAST)
        note(&j, 1, "the pool has %zu questions besides the scenarios; at least %d keep an attempt from being the last one again", m.pool,
             POOL_LEAST);
    if (m.grade > GRADE_MOST)
        note(&j, 1, "a reading grade of %.1f (Flesch-Kincaid); %.0f or less is plain", m.grade, GRADE_MOST);
    for (size_t i = 0; i < c->pieces_n; i++)
        if (c->pieces[i].kind != COURSE_PICTURE)
            judge_sentences(&j, c->pieces[i].line, c->pieces[i].text);
    for (size_t i = 0; i < c->answers_n; i++)
        judge_sentences(&j, c->answers[i].line, c->answers[i].feedback);
    for (size_t i = 0; i < c->lessons_n; i++)
        judge_lesson(&j, &c->lessons[i]);
    for (size_t i = 0; i < c->questions_n; i++)
        judge_question(&j, &c->questions[i]);
    judge_tells(&j);
    return j.n;
}
