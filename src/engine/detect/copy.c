/* The same message on two links: under its own number, of its own time, from the sender that it names. Where such messages pass as they are (a relay,
 * two taps of one conversation, somebody who has put himself between), every part of them has to be the same: also what no reader of results looks
 * at. */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 512
#define COPY_LATEST (30 * 60 * TIME_SECOND) /* later ones are another matter: replay.c */
#define COPY_KNOWN 1                        /* copies that were the same before one that is not is told aloud */

struct memo *copies_new(void)
{
    return memo_new(COPIES_MAX, sizeof(struct copy));
}

/* Not its ends: these are what differs. */
static bool name_of(const struct detect *d, const struct message *m, struct digest *ret)
{
    if (m->marks.n != MARKS * MARK_BYTES || m->sent_at.n == 0 || (m->control_id.n == 0 && !d->open.astm))
        return false;
    struct hash_state s = digest_start(&d->key, 'y');
    hash_piece(&s, m->control_id);
    hash_piece(&s, m->sent_at);
    hash_piece(&s, m->sender);
    hash_piece(&s, m->protocol);
    *ret = digest_end(s);
    return true;
}

static void read_marks(struct gathering *o, struct span marks)
{
    o->marked = marks.n == MARKS * MARK_BYTES;
    for (size_t i = 0; o->marked && i < MARKS; i++)
        o->marks[i] = hash_word(marks.p + MARK_BYTES * i);
}

static bool same_written(const struct copy *a, const struct gathering *o)
{
    return memcmp(a->written, o->marks, sizeof a->written) == 0;
}

void copy_open(struct detect *d, const struct record *r, const struct message *m)
{
    struct gathering *o = &d->open;
    read_marks(o, m->marks);
    d->first_copy.link = LINK_NONE;
    d->integrity_then = d->integrity;
    d->copy.due = name_of(d, m, &d->copy.name);
    if (!d->copy.due)
        return;
    struct copy *k = &d->copy.is;
    *k = (struct copy){.flow = r->flow.id,
                       .time = r->time,
                       .results = m->results,
                       .patient = m->patient.n == 0 ? 0 : identity_digest(&d->key, m->patient),
                       .link = o->link};
    memcpy(k->written, o->marks, sizeof k->written);
    message_id_read(m->id, &k->direction, &k->ordinal);
    memo_expect(d->copies, d->copy.name);
}

void copy_expect(const struct detect *d)
{
    if (d->copy.due)
        memo_expect_entry(d->copies, d->copy.name, d->copy.is.time);
}

void copy_look(struct detect *d)
{
    struct copy *is = &d->copy.is;
    bool is_new;
    if (!d->copy.due)
        return;
    d->copy.due = false;
    struct copy *k = memo_put(d->copies, d->copy.name, is->time, &is_new);
    tq_time since = is->time - k->time;
    bool elsewhere = !is_new && k->link != is->link && since <= COPY_LATEST && since >= -COPY_LATEST;
    if (elsewhere && !k->doubtful) {
        d->first_copy = *k;
        return; /* what came first stays what later ones are compared with */
    }
    if (elsewhere)
        return;
    is->doubtful = !is_new && k->link == is->link && (k->doubtful || memcmp(k->written, is->written, sizeof k->written) != 0);
    *k = *is;
}

static const struct {
    const char *title;
    const char *changed;
    enum severity severity;
} words[MARKS_WRITTEN] = {
    [MARK_HEADER] = {"The header of a message with results reached {1} from {0} with other content than the one that was sent.", "header",
                     SEVERITY_MEDIUM},
    [MARK_PATIENT] = {"Results reached {1} from {0} with other data of the patient than the ones that were sent.", "patient", SEVERITY_CRITICAL},
    [MARK_ORDER] = {"Results reached {1} from {0} with other data of the order or specimen than the ones that were sent.", "specimen", SEVERITY_HIGH},
    [MARK_RESULTS] = {"Results reached {1} from {0} with other content than the one that was sent.", "value", SEVERITY_CRITICAL},
    [MARK_COMMENTS] = {"A comment on results was changed, added or taken out before they reached {1} from {0}.", "comment", SEVERITY_MEDIUM},
    [MARK_OTHER] = {"A message with results reached {1} from {0} with other content than the one that was sent.", "other", SEVERITY_MEDIUM},
};

/* Results that were taken out or put in are called what they are. */
static enum kind kind_of(const struct detect *d, enum mark part)
{
    if (part == MARK_PATIENT)
        return KIND_RESULT_WRONG_PATIENT;
    if (part != MARK_RESULTS || d->open.told == d->first_copy.results)
        return KIND_RESULT_ALTERED_IN_TRANSIT;
    return d->open.told < d->first_copy.results ? KIND_RESULT_MISSING : KIND_RESULT_EXTRA;
}

static void tell(struct detect *d, const struct record *r, enum mark part, bool sure)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    const struct copy *k = &d->first_copy;
    const struct group *of = &d->open.groups[0];
    link_text(open_link(d), &p);
    enum kind kind = kind_of(d, part);
    const struct span more[] = {span_of(of->name, of->name_n), span_str(words[part].changed), SPAN_LIT("copy")};
    struct finding f = {
        .kind = kind,
        .severity = sure ? words[part].severity : SEVERITY_LOW,
        .title = kind == KIND_RESULT_MISSING ? "A message with results reached {1} from {0} without some of the results that were in it."
                 : kind == KIND_RESULT_EXTRA ? "A message with results reached {1} from {0} with results that were not in it when it was sent."
                                             : words[part].title,
        .advice =
            sure ? "Hold these results and compare both messages: what the analyzer sent counts. Nothing between the two places should change "
                   "messages: have "
                   "all that lies there examined, down to the cabling."
                 : "It is the first message on this way, and another program may rewrite messages there. If none does, hold these results and have "
                   "{0} "
                   "examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .also = message_id_text(k->flow, k->direction, k->ordinal, also),
        .also_flow = k->flow,
        .cause = cause_on(&cause, &p, more, 3),
    };
    finding_put(d, r, &f);
    buf_release(&cause);
}

void copy_judge(struct detect *d, const struct record *r)
{
    const struct copy *k = &d->first_copy;
    const struct gathering *o = &d->open;
    if (k->link == LINK_NONE || !o->marked || r == NULL || o->groups_n == 0)
        return;
    struct path *p = links_path(d->links, k->link, o->link, true);
    bool same = same_written(k, o);
    if (p == NULL)
        return;
    bool twin = links_twin(links_at(d->links, k->link), open_link(d));
    bool keeps = path_keeps(d, p, PART_COPY, COPY_KNOWN);
    bool first = p->same[PART_COPY] == 0 && p->changed[PART_COPY] == 0;
    size_t parts = 0;
    enum mark part = MARK_OTHER;
    for (enum mark i = MARK_HEADER; i < MARKS_WRITTEN; i++) {
        bool differs = k->written[i] != o->marks[i];
        parts += differs;
        if (differs && (parts == 1 || i == MARK_RESULTS || i == MARK_PATIENT))
            part = part == MARK_PATIENT ? part : i;
    }
    bool told = d->integrity != d->integrity_then && o->told == k->results; /* what is told of other parts says nothing of results that are gone */
    part = o->told != k->results ? MARK_RESULTS : part;
    if (!same && !told && (keeps || (first && parts == 1 && part != MARK_RESULTS)))
        tell(d, r, part, keeps || twin);
    p->changed[PART_COPY] += !same;
    p->same[PART_COPY] += same;
}
