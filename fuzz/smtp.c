/* Any bytes as what an SMTP client sends: whole and in pieces they give the same events, answers and mails; a mail is never larger than what came,
 * every answer is whole lines with a code, and no mail comes without TLS where it is needed.
 *
 * Input: flags (1 TLS is offered, 2 it is needed, 4 senders are unknown, 8 mails are none), size of the pieces, then the stream. */
#include "wire/smtp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf said, kept;
    size_t mails;
};

static bool step(struct smtp *s, struct span *in, uint8_t flags, struct seen *seen)
{
    struct span got;
    switch (smtp_next(s, in, &seen->said, &got)) {
    case SMTP_MORE: return false;
    case SMTP_DATA: buf_add_span(&seen->kept, got); return true;
    case SMTP_SENDER: smtp_answer(s, flags & 4 ? SMTP_UNKNOWN : SMTP_TAKEN, &seen->said); return true;
    case SMTP_END:
        if (s->needs_tls && !s->secured)
            abort();
        seen->mails++;
        buf_u8(&seen->kept, 0);
        smtp_answer(s, flags & 8 ? SMTP_NO_MAIL : SMTP_TAKEN, &seen->said);
        return true;
    case SMTP_TLS: smtp_secured(s); return true; /* here what follows is taken for what came under TLS */
    case SMTP_CLOSE: return false;
    }
    abort();
}

static void read_all(struct span in, uint8_t flags, size_t size, struct seen *seen)
{
    struct smtp s = {.host = "report.lab.example", .offers_tls = flags & 1, .needs_tls = flags & 2};
    smtp_open(&s, &seen->said);
    while (in.n > 0 && s.state != SMTP_GONE) {
        struct span piece = span_take(&in, in.n < size ? in.n : size);
        while (step(&s, &piece, flags, seen))
            ;
        if (piece.n > 0 && s.state != SMTP_GONE)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    struct span stream = span_of(data + 2, size - 2);
    struct seen whole = {.said = BUF_INIT(1u << 24), .kept = BUF_INIT(1u << 20)};
    struct seen cut = {.said = BUF_INIT(1u << 24), .kept = BUF_INIT(1u << 20)};
    read_all(stream, data[0], stream.n + 1, &whole);
    read_all(stream, data[0], 1 + data[1] % 40u, &cut);
    if (!span_equal(buf_span(&whole.said), buf_span(&cut.said)) || !span_equal(buf_span(&whole.kept), buf_span(&cut.kept)) ||
        whole.mails != cut.mails || whole.kept.n > stream.n || !buf_ok(&whole.said))
        abort();
    for (struct span lines = buf_span(&whole.said); lines.n > 0;) {
        struct span line = span_until(&lines, '\n', NULL);
        if (line.n < 5 || line.p[line.n - 1] != '\r' || line.p[0] < '2' || line.p[0] > '5' || (line.p[3] != ' ' && line.p[3] != '-'))
            abort();
    }
    buf_release(&whole.said);
    buf_release(&whole.kept);
    buf_release(&cut.said);
    buf_release(&cut.kept);
    return 0;
}
