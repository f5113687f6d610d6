/* Who asks for the data of many patients: phi.bulk_query. */
#include "engine/detect/detect_private.h"

#define WINDOW (60 * TIME_SECOND)
#define PEOPLE_MANY 20 /* questions for people in a minute */
#define WORK_MANY 60   /* an analyzer's questions for work in a minute */
#define ANSWER_MANY 50 /* patients in one answer */
#define USUAL_AFTER 10 /* minutes in which it asked before what it does is usual */
#define CAUSE_MAX 256

struct asking {
    tq_time since;
    uint32_t now;     /* questions in this minute */
    uint32_t most;    /* in any minute before */
    uint32_t minutes; /* in which it asked */
};

struct memo *asked_new(void)
{
    return memo_new(ASKED_MAX, sizeof(struct asking));
}

static void told(struct detect *d, const struct record *r, struct parties *p, bool answer)
{
    struct buf cause = BUF_INIT(CAUSE_MAX);
    parties_text(p);
    const struct span who = answer ? span_str(p->receiver_text) : span_str(p->sender_text);
    const struct span whom = answer ? span_str(p->sender_text) : span_str(p->receiver_text);
    buf_add_span(&cause, who);
    buf_u8(&cause, '>');
    buf_add_span(&cause, whom);
    struct finding f = {
        .kind = KIND_PHI_BULK_QUERY,
        .severity = SEVERITY_HIGH,
        .title = answer ? "{0} got the data of many patients from {1} in one answer."
                        : "{0} asks {1} for the data of many patients, one after another.",
        .advice = "Find out who uses {0} and whether this person or program may see so many patients at once. If nobody can explain it, take {0} off "
                  "the network and "
                  "tell your privacy officer: patients' data may have been copied.",
        .technique = "T1213",
        .subjects = {who, whom},
        .n_subjects = 2,
        .cause = buf_span(&cause),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

/* Questions about people: QRY, and QBP but those of IHE LAW, which ask for an analyzer's work. */
static bool asks_for_people(struct span type)
{
    if (span_starts(type, SPAN_LIT("QBP^Q11")))
        return false;
    return span_starts(type, SPAN_LIT("QBP")) || span_starts(type, SPAN_LIT("QRY")) || span_starts(type, SPAN_LIT("QRF")) ||
           span_starts(type, SPAN_LIT("VQQ"));
}

static bool asks_for_work(struct span type)
{
    return span_starts(type, SPAN_LIT("QBP^Q11")) || span_is(type, "ASTM.QUERY");
}

void judge_query(struct detect *d, const struct record *r, const struct message *m, struct parties *p)
{
    bool people = asks_for_people(m->type);
    bool work = asks_for_work(m->type);
    bool answers = m->ack_code.n > 0 && m->patients >= ANSWER_MANY;
    if (answers)
        told(d, r, p, true);
    if (answers || (!people && !work))
        return;
    struct hash_state g = digest_start(&d->key, people ? 'P' : 'W');
    hash_piece(&g, span_of(p->sender->bytes, sizeof p->sender->bytes));
    hash_piece(&g, span_of(p->receiver->bytes, sizeof p->receiver->bytes));
    struct asking *a = memo_put(d->asked, digest_end(g), r->time, NULL);
    if (r->time - a->since > WINDOW) {
        a->most = a->now > a->most ? a->now : a->most;
        a->minutes += a->now > 0;
        a->now = 0;
        a->since = r->time;
    }
    a->now++;
    bool usual = a->minutes >= USUAL_AFTER && a->now <= 4 * a->most + 10;
    if (!usual && a->now % (people ? PEOPLE_MANY : WORK_MANY) == 0 && (people || a->minutes >= USUAL_AFTER))
        told(d, r, p, false);
}
