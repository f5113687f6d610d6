/* What the reader does with one mail. */
#include "door/mailed.h"
#include "proc/clamd.h"
#include "proc/mail_job.h"

#include <stdlib.h>
#include <unistd.h>

/* ── what is shown ── */

struct showing {
    struct mailed_shown shown;
    struct buf kept; /* the texts; `shown` points into it: it never grows */
};

#define KEPT (512u << 10)

static struct span keep(struct showing *s, struct span text)
{
    size_t at = s->kept.n;
    if (text.n > s->kept.size - s->kept.n)
        return (struct span){0};
    buf_add_span(&s->kept, text);
    return span_of(s->kept.p + at, text.n);
}

static void take_head(void *context, const char *name, struct span value)
{
    struct showing *s = context;
    struct span *to = strcmp(name, "name") == 0       ? &s->shown.name
                      : strcmp(name, "from") == 0     ? &s->shown.from
                      : strcmp(name, "reply_to") == 0 ? &s->shown.reply_to
                                                      : &s->shown.subject;
    *to = keep(s, value);
}

static void take_file(void *context, const struct mail_view_file *f)
{
    struct showing *s = context;
    if (s->shown.files_n < MAILED_FILES)
        s->shown.files[s->shown.files_n++] = (struct mailed_file){.name = keep(s, f->name),
                                                                  .type = keep(s, span_str(f->type)),
                                                                  .sha256 = keep(s, span_str(f->sha256)),
                                                                  .bytes = f->bytes,
                                                                  .inside = f->inside};
}

static void take_link(void *context, const struct mail_view_link *l)
{
    struct showing *s = context;
    if (s->shown.links_n < MAILED_LINKS)
        s->shown.links[s->shown.links_n++] = (struct mailed_link){.scheme = keep(s, l->scheme),
                                                                  .before = keep(s, l->before),
                                                                  .site = keep(s, l->site),
                                                                  .rest = keep(s, l->rest),
                                                                  .shown = keep(s, l->shown),
                                                                  .dressed = l->dressed};
}

static void take_text(void *context, struct span text)
{
    struct showing *s = context;
    s->shown.text = keep(s, text);
}

static int show(const struct mail_known *known, struct span message, struct buf *out, struct error *e)
{
    struct showing *s = calloc(1, sizeof *s);
    int r = -1;
    if (s != NULL) {
        s->kept = BUF_INIT(KEPT);
        struct mail_view view = {.head = take_head, .file = take_file, .link = take_link, .text = take_text, .context = s};
        r = buf_reserve(&s->kept, KEPT) ? mail_view(known, message, &view, e) : err_set(e, ERR_SYSTEM, "no memory for a mail");
        if (r == 0)
            mailed_shown_encode(out, &s->shown);
        buf_release(&s->kept);
    }
    free(s);
    return r;
}

/* ── the whole ── */

static void scan(int scanner, struct span message, struct mail_report *r, struct mailed *m)
{
    char name[CLAMD_NAME];
    struct error e = {0};
    enum clamd_answer a = scanner < 0 ? CLAMD_NONE : clamd_ask_on(scanner, message, name, &e);
    m->scan = a == CLAMD_FOUND ? MAILED_FOUND : a == CLAMD_CLEAN ? MAILED_CLEAN : MAILED_NO_ANSWER;
    if (a == CLAMD_FOUND)
        mail_report_virus(r, name);
}

int mail_job_do(const struct mail_known *known, const struct mail_job *job, int scanner, struct buf *out, struct error *e)
{
    struct mail_report *r = calloc(1, sizeof *r);
    struct mailed *m = calloc(1, sizeof *m);
    struct buf shown = BUF_INIT(MAILED_SHOWN);
    char claim[MAIL_OURS_ID];
    char mark[MAIL_OURS_MARK];
    int status = r == NULL || m == NULL ? err_set(e, ERR_SYSTEM, "no memory for a mail") : mail_judge(known, &job->lab, job->message, r, e);
    if (status == 0 && job->scan)
        scan(scanner, job->message, r, m);
    else if (scanner >= 0)
        (void)close(scanner);
    if (status == 0)
        status = show(known, job->message, &shown, e);
    if (status == 0) {
        m->verdict = (uint8_t)r->verdict;
        m->score = (uint8_t)r->score;
        m->attached = r->attached;
        m->from = span_str(r->from);
        m->files = (uint16_t)r->files;
        m->links = (uint16_t)r->links;
        (void)memcpy(m->sketch, r->sketch, sizeof m->sketch);
        if (mail_ours_claim(job->message, claim, mark)) {
            m->claim_id = span_str(claim);
            m->claim_mark = span_str(mark);
        }
        m->reasons_n = r->n;
        for (size_t i = 0; i < r->n; i++)
            m->reasons[i] = (struct mailed_reason){.code = span_str(mail_reason_rows[r->reasons[i].code].code),
                                                   .about = span_str(r->reasons[i].about)};
        m->indicators_n = r->indicators_n;
        for (size_t i = 0; i < r->indicators_n; i++)
            m->indicators[i] = (struct mailed_indicator){.kind = span_str(mail_indicator_name(r->indicators[i].kind)),
                                                         .value = span_str(r->indicators[i].value)};
        m->shown = buf_span(&shown);
        mailed_encode(out, m);
        if (!buf_ok(out) || !buf_ok(&shown))
            status = err_set(e, ERR_LIMIT, "a mail has more to show than there is room for");
    }
    buf_release(&shown);
    free(m);
    free(r);
    return status;
}
