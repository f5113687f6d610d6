#include "proc/mail_job.h"

static void put(struct buf *out, struct span text)
{
    buf_be16(out, (uint16_t)text.n);
    buf_add(out, text.p, (uint16_t)text.n);
}

void mail_job_encode(struct buf *out, const struct mail_job *job)
{
    buf_be32(out, job->id);
    buf_u8(out, job->scan);
    buf_u8(out, job->lab.cut);
    put(out, job->lab.authserv);
    buf_u8(out, (uint8_t)job->lab.own_n);
    for (size_t i = 0; i < job->lab.own_n; i++)
        put(out, job->lab.own[i]);
    buf_add_span(out, job->message);
}

int mail_job_decode(struct span in, struct mail_job *ret, struct error *e)
{
    struct mail_job j = {.id = span_be32(&in)};
    uint8_t scan = span_u8(&in);
    uint8_t cut = span_u8(&in);
    j.scan = scan == 1;
    j.lab.cut = cut == 1;
    j.lab.authserv = span_take(&in, span_be16(&in));
    j.lab.own_n = span_u8(&in);
    for (size_t i = 0; i < j.lab.own_n && i < MAIL_OWN; i++)
        j.lab.own[i] = span_take(&in, span_be16(&in));
    if (in.bad || j.lab.own_n > MAIL_OWN || scan > 1 || cut > 1 || in.n > MAIL_JOB_MESSAGE)
        return err_set(e, ERR_PEER, "a mail for the reader is malformed");
    j.message = in;
    *ret = j;
    return 0;
}
