/* What keeper and reader say to each other about a mail: read, and written again the same way. */
#include "door/mailed.h"
#include "proc/mail_job.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct buf *again, struct span before)
{
    if (!buf_ok(again) || !span_equal(buf_span(again), before))
        abort();
    buf_clear(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mailed told;
    static struct mailed_shown shown;
    struct error e = {0};
    struct mail_job job;
    struct span in = span_of(data, size);
    struct buf again = BUF_INIT(size + 1024);
    if (mail_job_decode(in, &job, &e) == 0) {
        mail_job_encode(&again, &job);
        same(&again, in);
    }
    if (mailed_decode(in, &told, &e) == 0) {
        mailed_encode(&again, &told);
        same(&again, in);
    }
    if (mailed_shown_decode(in, &shown, &e) == 0) {
        mailed_shown_encode(&again, &shown);
        same(&again, in);
    }
    buf_release(&again);
    return 0;
}
