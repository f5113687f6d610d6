/* Training courses, for whoever is signed in: GET /courses, /courses/{id}, and the pictures in them. */
#include "door/api/api_private.h"

#include "lab/courses/course.h"

#include <stdio.h>

static const struct courses *courses_of(struct call *c)
{
    if (c->api->courses == NULL)
        problem(c, 503, "courses", "Courses cannot be asked for here.");
    return c->api->courses;
}

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
        course_json(&c->reply->body, course);
    else if (s != NULL)
        problem(c, 404, "not-found", "There is no course of this id.");
}

void handle_course_picture(struct call *c)
{
    const struct courses *s = courses_of(c);
    const struct course_picture *picture = s == NULL ? NULL : courses_picture(s, c->params[0]);
    if (picture != NULL) {
        buf_add_span(&c->reply->body, picture->text);
        (void)snprintf(c->reply->type, sizeof c->reply->type, "image/svg+xml");
    } else if (s != NULL) {
        problem(c, 404, "not-found", "There is no picture of this name.");
    }
}
