/* A course's file: read, or refused with a place; what is read comes out as JSON, with no mark of its writing left and every citation known. */
#include "lab/courses/course.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct course *c)
{
    struct buf json = BUF_INIT(COURSE_JSON_MAX * 4);
    if (c->lessons_n == 0 || c->lessons_n > COURSE_LESSONS || c->questions_n > COURSE_QUESTIONS || c->pieces_n > COURSE_PIECES)
        abort();
    for (size_t i = 0; i < c->questions_n; i++) {
        const struct course_question *q = &c->questions[i];
        size_t right = 0;
        for (size_t k = 0; k < q->answers; k++)
            right += c->answers[q->answer0 + k].right;
        if (q->answers < 2 || q->answers > COURSE_ANSWERS || right == 0 || q->see.n == 0 || q->id.n == 0 || q->first + q->n > c->pieces_n)
            abort();
    }
    course_json(&json, c);
    if (!buf_ok(&json) || memmem(json.p, json.n, "<script", 7) != NULL)
        abort();
    buf_release(&json);
    (void)course_judge(c, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    if (size > COURSE_FILE_BYTES)
        return 0;
    struct course *c = course_read(span_of(data, size), "f", &e);
    if (c != NULL)
        look(c);
    else if (e.class != ERR_MISUSE || strncmp(e.text, "f:", 2) != 0)
        abort();
    course_free(c);
    struct courses *s = courses_empty(&e);
    if (s != NULL)
        (void)courses_unpack(s, span_of(data, size), &e);
    courses_free(s);
    return 0;
}
