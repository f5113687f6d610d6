/* A policy's file: read, or refused with a place; what is read comes out as JSON, and draws of a course's questions are the same for the same seed.
 */
#include "lab/courses/course.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct policy *p = policy_read(span_of(data, size), "f", &e);
    if (p == NULL) {
        if (e.class != ERR_MISUSE || strncmp(e.text, "f:", 2) != 0)
            abort();
        return 0;
    }
    struct buf json = BUF_INIT(COURSE_JSON_MAX * 4);
    policy_json(&json, p);
    if (!buf_ok(&json) || p->version == 0 || p->days == 0 || p->audience == 0 || p->id.n == 0 || !span_equal(p->file, span_of(data, size)))
        abort();
    buf_release(&json);
    policy_free(p);
    return 0;
}
