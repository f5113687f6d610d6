/* Acknowledgements: of messages that nobody sent (protocol.violation), and none where there always was one (path.c: result.missing). */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 512
#define ANSWERS_USUAL 5
#define STRANGE_WAIT (5 * 60 * TIME_SECOND) /* a hole in a connection shows when it goes on: path.c waits as long for one that is silent */

/* A message that can be answered. */
struct expected {
    uint32_t first; /* of its sent results */
    uint32_t n;
    tq_time time;
};

struct memo *expected_new(void)
{
    return memo_new(EXPECTED_MAX, sizeof(struct expected));
}

struct digest answer_key(const struct detect *d, const struct address *sender, const struct address *receiver, struct span control_id)
{
    struct hash_state g = digest_start(&d->key, 'q');
    if (control_id.n == 0)
        return (struct digest){.a = 0, .b = 0};
    hash_piece(&g, span_of(sender->bytes, sizeof sender->bytes));
    hash_piece(&g, span_of(receiver->bytes, sizeof receiver->bytes));
    hash_piece(&g, control_id);
    return digest_end(g);
}

void answer_expect(struct detect *d, uint32_t first, uint32_t n)
{
    if (d->open.control.a == 0 && d->open.control.b == 0)
        return;
    struct expected *e = memo_put(d->expected, d->open.control, d->open.time, NULL);
    e->time = d->open.time;
    if (e->n == 0 || first != e->first + e->n)
        e->first = first;
    e->n = first + n - e->first;
}

static void strange_answer(struct detect *d, const struct strange *of)
{
    UNCLEARED struct parties all;
    struct parties *p = &all;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    const struct record from = {.flow = of->flow};
    const struct span id = span_of(of->id, of->id_n);
    parties_of(&from, id, p);
    parties_text(p);
    const struct span more = SPAN_LIT("answer");
    struct finding f = {
        .kind = KIND_PROTOCOL_VIOLATION,
        .severity = SEVERITY_MEDIUM,
        .title = "{0} acknowledged to {1} a message that was never sent.",
        .advice = "The message that was meant may be lost although its sender takes it for delivered: look up in the LIS whether the results of this "
                  "moment are "
                  "there. Have {0} examined, and whatever lies between the two.",
        .technique = "T1565.002",
        .subjects = {span_str(p->sender_text), span_str(p->receiver_text)},
        .n_subjects = 2,
        .cause = cause_on(&cause, p, &more, 1),
    };
    finding_put_at(d, &of->flow, of->seq, id, &f);
    buf_release(&cause);
}

/* Where the message that was answered fell into a hole of the capture, that shows a little later. */
void answers_judge(struct detect *d, bool end)
{
    for (; d->strange_first != d->strange_next; d->strange_first++) {
        const struct strange *s = &d->strange[d->strange_first % STRANGE_MAX];
        if (!end && d->now - s->time < STRANGE_WAIT && d->strange_next - d->strange_first < STRANGE_MAX)
            return;
        if (d->gap == 0 || s->time - d->gap > 600 * TIME_SECOND)
            strange_answer(d, s);
    }
}

static void note_strange(struct detect *d, const struct record *r, const struct message *m)
{
    struct strange *s = &d->strange[d->strange_next++ % STRANGE_MAX];
    *s = (struct strange){.flow = r->flow, .seq = r->seq, .time = r->time};
    s->id_n = (uint8_t)span_copy(m->id, s->id, sizeof s->id);
    answers_judge(d, false);
}

static void take_answer(struct detect *d, const struct expected *e, struct span code, tq_time time)
{
    bool good = code.n == 2 && code.p[1] == 'A';
    for (uint32_t i = 0; i < e->n && i < GROUPS_MAX; i++) {
        struct sent *s = sent_at(d, e->first + i);
        if (s == NULL)
            continue;
        if (!s->answered)
            s->answered_at = time;
        s->answered = true;
        s->refused = !good;
    }
}

void judge_answer(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    bool answers = m->ack_code.n > 0 || m->ack_for.n > 0;
    if (!answers) {
        if (m->control_id.n > 0 && m->results <= 0) /* else when its results are here */
            ((struct expected *)memo_put(d->expected, d->own, r->time, NULL))->time = r->time;
        return;
    }
    if (m->ack_for.n == 0)
        return;
    /* the answer counts for the link that it answers on */
    struct link ends = {.sender = *p->receiver, .receiver = *p->sender, .port = p->port, .receiver_listens = !p->receiver_listens};
    struct link *l = links_at(d->links, links_put(d->links, p->who->keys[WHO_LINK_BACK], &ends, r->time));
    const struct expected *e = memo_get(d->expected, m->answered);
    if (e != NULL) {
        l->answers_right++;
        take_answer(d, e, m->ack_code, r->time);
        return;
    }
    bool usual = l->answers_right >= ANSWERS_USUAL && l->answers_wrong <= l->answers_right / 50;
    l->answers_wrong++;
    if (usual)
        note_strange(d, r, m);
}
