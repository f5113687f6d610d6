/* course: a training course as a file says it (docs/formats/course.md), and the courses that there are.
 *
 * A file is read once into a struct course, whose spans point into a copy of its text. Nothing in it is HTML: text is runs, which whoever shows them
 * draws as text. A course does not change once it is read: any number of threads may look at it. */
#ifndef TQ_LAB_COURSES_COURSE_H
#define TQ_LAB_COURSES_COURSE_H

#include "base/buf.h"
#include "base/error.h"

#define COURSE_FILE_BYTES (256u << 10)   /* one file */
#define COURSE_PICTURE_BYTES (32u << 10) /* one picture */
#define COURSE_LINE 2000                 /* longest line */
#define COURSE_LESSONS 20
#define COURSE_QUESTIONS 200
#define COURSE_ANSWERS 8 /* of a question */
#define COURSE_PIECES 4000
#define COURSE_SOURCES 64
#define COURSE_ID 40
#define COURSE_JSON_MAX (4u << 20)
#define COURSES_MAX 256 /* and as many pictures */

/* A stretch of text that is shown as one: paragraph, heading, item of a list. */
enum course_piece_kind {
    COURSE_TEXT,
    COURSE_HEADING,
    COURSE_ITEM, /* of a list; items side by side are one list */
    COURSE_STEP, /* of a numbered list */
    COURSE_NOTE, /* set apart: what to remember */
    COURSE_PICTURE,
};

struct course_piece {
    enum course_piece_kind kind;
    uint32_t line;
    struct span text;    /* as written: course_runs reads it. Of a picture: the words for those who do not see it */
    struct span picture; /* name of the file */
};

struct course_answer {
    uint32_t line;
    bool right;           /* of an order: true; they stand in the right order */
    struct span text;     /* as written */
    struct span feedback; /* as written: why, and what then */
};

enum course_question_kind { COURSE_ONE, COURSE_SEVERAL, COURSE_ORDER };
const char *course_question_kind_name(enum course_question_kind k);

struct course_question {
    uint32_t line;
    struct span id;
    enum course_question_kind kind;
    bool scenario;   /* asked before the lesson's text */
    size_t first, n; /* what is asked: pieces */
    size_t answer0;  /* its answers */
    size_t answers;
    struct span see; /* words of the lesson that answer it */
};

struct course_lesson {
    uint32_t line;
    struct span title;
    uint32_t minutes;
    size_t first, n; /* its text: pieces */
    size_t question0;
    size_t questions;
};

struct course_source {
    uint32_t line;
    struct span id;
    struct span name;    /* who published it, and the document */
    struct span section; /* where in it */
    bool used;
};

enum course_audience {
    COURSE_EVERYONE,
    COURSE_PHLEBOTOMIST,
    COURSE_TECHNOLOGIST,
    COURSE_FRONT_DESK,
    COURSE_IT,
    COURSE_MANAGER,
    COURSE_PRIVACY_OFFICER,
    COURSE_VENDOR,
    COURSE_AUDIENCES
};
const char *course_audience_name(enum course_audience a);

/* What a refresher follows. */
enum course_after { COURSE_NEVER, COURSE_AFTER_SIMULATION, COURSE_AFTER_FINDING };
const char *course_after_name(enum course_after a); /* "simulation", "finding"; NULL: it is no refresher */

struct course {
    uint8_t *copy;    /* of the file's text */
    struct span file; /* the file as it was, behind the copy: reading it again gives the same course */
    bool own;         /* a lab's */
    bool replaced;    /* the lab has a course of the same id */
    struct span id, title, about, language;
    uint32_t version, minutes, pass; /* pass: per cent of the questions */
    unsigned audience;               /* bits 1 << COURSE_… */
    enum course_after after;
    size_t lessons_n, lessons_size;
    struct course_lesson *lessons;
    size_t questions_n, questions_size;
    struct course_question *questions;
    size_t answers_n, answers_size;
    struct course_answer *answers;
    size_t pieces_n, pieces_size;
    struct course_piece *pieces;
    size_t sources_n, sources_size;
    struct course_source *sources;
};

/* Reads a course (the text is copied). name: the file's, for errors. NULL: ERR_MISUSE: "name:line:column: what is wrong and what was expected";
 * ERR_SYSTEM: no memory. */
struct course *course_read(struct span text, const char *name, struct error *e);
void course_free(struct course *c);

/* ── text ── */

enum course_run_kind { COURSE_PLAIN, COURSE_STRONG, COURSE_SOFT, COURSE_CODE, COURSE_CITE };

/* Hands out a written text's runs in their order: parts that look alike. of COURSE_CITE the text is a source's id. False: it is badly written;
 * *ret_at and *ret_why say where and how (they may be NULL). The text is what is shown: no mark of the writing is left in it. */
typedef void course_run(void *context, enum course_run_kind kind, struct span text);
bool course_runs(struct span written, course_run *each, void *context, size_t *ret_at, const char **ret_why);

/* Appends what a reader sees, in one line, with no citations. */
void course_plain(struct buf *out, struct span written);

/* ── JSON ── */

void course_summary_json(struct buf *out, const struct course *c); /* an object: what a list shows */
void course_json(struct buf *out, const struct course *c);         /* the same with sources and lessons, right answers and all */

/* ── asking ── */

/* The order in which answers are shown: at place i stands answer at[i] of the file. */
struct course_order {
    uint8_t n;
    uint8_t at[COURSE_ANSWERS];
};

/* A generator for orders and draws; what it is begun with decides all of it, and cannot be told from a few orders. */
struct course_dice {
    uint64_t s[4];
};
void course_dice_begin(struct course_dice *d, const uint8_t seed[32]);
void course_mix(struct course_dice *d, const struct course_question *q, struct course_order *ret); /* steps never stand in their right order */

/* Draws `most` questions (or all) of a course's pool, none twice, in a random order. Returns how many: numbers of questions in c->questions. */
size_t course_draw(struct course_dice *d, const struct course *c, size_t most, uint16_t drawn[COURSE_QUESTIONS]);

/* NULL: there is none of this id. */
const struct course_question *course_question_find(const struct course *c, struct span id);
const struct course_lesson *course_lesson_of(const struct course *c, const struct course_question *q);

/* Places that were chosen, as "0,2" (of an order: all of them, in the order in which they were put). 1: right; 0: not; -1: these are no such places.
 */
int course_judged(const struct course *c, const struct course_question *q, const struct course_order *order, struct span chosen);

/* Whoever asks decides the order of each question's answers. */
typedef void course_order_of(void *context, const struct course *c, const struct course_question *q, struct course_order *ret);
/* A course for somebody who has not answered yet: which answers are right, why, and where it stands are left out. */
void course_asked_json(struct buf *out, const struct course *c, course_order_of *order, void *context);
/* One question in that form, and what is told behind its answer: {"right":true,"answers":[{"right","place","feedback"} …],"see"}, answers as they
 * were shown; place: of a step, counted from 1. */
void course_question_json(struct buf *out, const struct course *c, const struct course_question *q, const struct course_order *order);
void course_verdict_json(struct buf *out, const struct course *c, const struct course_question *q, const struct course_order *order, bool right);

/* ── policies of the lab (docs/formats/course.md, "Policies") ── */

#define POLICIES_MAX 64

struct policy {
    uint8_t *copy; /* of the file's text, and behind it the file as it was */
    struct span file;
    struct span id, title, language;
    uint32_t version, days, renew; /* renew: months; 0: until there is a new version */
    unsigned audience;             /* bits 1 << COURSE_… */
    size_t pieces_n;
    struct course_piece *pieces;
};
/* As course_read. */
struct policy *policy_read(struct span text, const char *name, struct error *e);
void policy_free(struct policy *p);
void policy_json(struct buf *out, const struct policy *p); /* {"id","title","language","version","text":[block …]} */

/* ── the rules of the house (docs/formats/course.md, "What a good course keeps") ── */

struct course_measure {
    size_t words, sentences, syllables;
    double grade;     /* Flesch-Kincaid: the school year that can read it; of English only, else 0 */
    uint32_t minutes; /* to read at 200 words a minute, with half of the feedback, and 6 s a question */
    size_t pool;      /* questions but scenarios */
};
void course_measure(const struct course *c, struct course_measure *ret);

/* Calls each for every rule that the course does not keep, in plain words. Returns how many. A lab's own course may break them all. */
typedef void course_note(void *context, uint32_t line, const char *text);
size_t course_judge(const struct course *c, course_note *each, void *context);

/* ── the courses that there are ── */

struct course_picture {
    struct span name; /* "phishing-mail.svg" */
    struct span text; /* SVG */
    bool own;
};

struct courses;

/* Those that come with the program. NULL: no memory (ERR_SYSTEM); the build's tests know that they are good. */
struct courses *courses_new(struct error *e);
struct courses *courses_empty(struct error *e);
void courses_free(struct courses *s);

/* Adds a picture of the lab's own (copied); it takes the place of one of the same name. ERR_MISUSE: it is no SVG file, or too large. */
int courses_add_picture(struct courses *s, struct span name, struct span text, struct error *e);
/* Adds a course of the lab's own; it takes the place of ours of the same id. ERR_MISUSE: name, line, column, why; nothing is changed then. */
int courses_add(struct courses *s, struct span text, const char *name, struct error *e);

size_t courses_count(const struct courses *s); /* replaced ones too */
const struct course *courses_at(const struct courses *s, size_t n);
const struct course *courses_find(const struct courses *s, struct span id);              /* NULL: none */
const struct course_picture *courses_picture(const struct courses *s, struct span name); /* NULL: none */

/* Adds a policy. ERR_MISUSE as above, or another has its id. */
int courses_add_policy(struct courses *s, struct span text, const char *name, struct error *e);
size_t courses_policies(const struct courses *s);
const struct policy *courses_policy_at(const struct courses *s, size_t n);
const struct policy *courses_policy(const struct courses *s, struct span id); /* NULL: none */

/* A folder's files in one text, for a process that may open none: entries of a kind ('p': picture, 'c': course, 'g': policy; s, z and a are somebody
 * else's), the name and the text, each behind its length. Adds them all; ERR_MISUSE as above, ERR_CORRUPT: it is no such text. */
void courses_pack(struct buf *out, char kind, struct span name, struct span text);
int courses_unpack(struct courses *s, struct span packed, struct error *e);

#endif
