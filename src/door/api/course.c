/* Training courses, for whoever is signed in: GET /courses, /courses/{id}, and the pictures in them. */
#include "door/api/training.h"

#include <stdio.h>

void handle_course_list(struct call *c)
{
    const struct courses *s = courses_of(c);
    if (s == NULL)
        return;
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    for (size_t i = 0; i < courses_count(s); i++) {
        struct buf one = BUF_INIT(COURSE_JSON_MAX);
        if (courses_at(s, i)->replaced)
            continue;
        course_summary_json(&one, courses_at(s, i));
        jsonw_raw(&c->json, buf_span(&one));
        buf_release(&one);
    }
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
}

void handle_course_get(struct call *c)
{
    const struct courses *s = courses_of(c);
    const struct course *course = s == NULL ? NULL : courses_find(s, c->params[0]);
    if (course != NULL)
        course_asked_json(&c->reply->body, course, practice_order, c); /* what is right is told behind an answer */
    else if (s != NULL)
        problem(c, 404, "not-found", "There is no course of this id.");
}

void handle_course_picture(struct call *c)
{
    const struct courses *s = courses_of(c);
    const struct course_picture *picture = s == NULL ? NULL : courses_picture(s, c->params[0]);
    if (picture != NULL) {
        buf_add_span(&c->reply->body, picture->text);
        (void)snprintf(c->reply->type, sizeof c->reply->type, "image/svg+xml; charset=utf-8");
    } else if (s != NULL) {
        problem(c, 404, "not-found", "There is no picture of this name.");
    }
}
