#ifndef TQ_LAB_COURSES_COURSE_PRIVATE_H
#define TQ_LAB_COURSES_COURSE_PRIVATE_H

#include "base/json.h"
#include "lab/courses/course.h"

/* What the build embeds. */
struct course_file {
    const char *name;
    const char *text;
};
extern const struct course_file course_files[];
extern const size_t course_files_count;

/* "name.svg" of small letters, digits and hyphens. */
bool course_picture_name(struct span name);

void course_put_blocks(struct jsonw *j, const char *key, const struct course_piece *p, size_t n);

/* What holds a course together once its lines are read: every text is well written, every citation is a source that is named, every source is used,
 * and the words that answer a question stand in its lesson. ERR_MISUSE with the place. */
int course_check(struct course *c, const char *name, struct error *e);

#endif
