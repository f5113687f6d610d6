/* Whether results go on as they are expected to: result.missing, result.delayed, result.extra; and those that go on under another specimen number.
 *
 * What a link sent waits in a list until it went on, or until it is overdue: by the slowest so far on its path, several times over, and only when
 * later ones went on meanwhile. Then it is told as late, and as missing when it still did not come and was not measured again: after minutes, or
 * after what is usual where results are held. Nothing is told across a gap of the capture. */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 512
#define PATH_LEARNT 4     /* specimens' results that went on before others are missed */
#define ANSWERS_LEARNT 10 /* messages that were acknowledged before an answer is missed */
#define LEAST_WAIT (10 * TIME_SECOND)
#define ANSWER_WAIT (60 * TIME_SECOND)
#define LONGEST_WAIT (4 * 3600 * TIME_SECOND)
#define SILENT_MOST (5 * 60 * TIME_SECOND)  /* how long a link that is silent is waited for: what it lost is known when it speaks again */
#define ORPHAN_WAIT (5 * TIME_SECOND)       /* the other tap's record may come later than the packet did */
#define ORPHAN_MOST (150 * TIME_SECOND)     /* … and a hole in what was captured shows when its connection goes on */
#define DOUBT_WAIT (5 * 60 * TIME_SECOND)   /* how long results of somebody who passes on may be late: measured again */
#define HELD_WAIT (20 * 60 * TIME_SECOND)   /* … held for a person's eyes, where that is the habit or may be … */
#define HELD_LONG (3600 * TIME_SECOND)      /* … and longer, as who has much to do looks at them when there is time, … */
#define NONE_HELD 300                       /* … but by whoever passed on so many in time, and none late: not one in a hundred is held there */
#define DOUBT_MOST (2 * 3600 * TIME_SECOND) /* … and at most, where it is known to take longer */
#define HELD (60 * TIME_SECOND)             /* no machine takes so long by itself */
#define NEVER_LATE 30                       /* specimens' results that somebody passed on in time: then holding is no habit of theirs */
#define HELD_AGAIN 150                      /* … and so many behind a late one: the rule of three (Hanley and Lippman-Hand, JAMA 1983;249:1743) */
#define TOLD_EACH 8                         /* of one link; the rest is told as one */
#define ORIGIN_LEARNT 3
#define COMES_FROM_ELSEWHERE 60 /* results whose origin was seen; at most one in so many had none */
#define RENAMED_LOOK 64
#define NO_PATH PATHS_MAX /* of a doubt: whether it was taken at all */

static void judge_doubt(struct detect *d, struct doubt *o);

/* ── the list of a link ── */

void path_wait(struct detect *d, struct sent *s)
{
    struct link *l = links_at(d->links, s->link);
    struct sent *last = sent_at(d, l->pending_last);
    if (last != NULL && l->pending_first != 0)
        last->next = s->number;
    else {
        l->pending_first = s->number;
        tq_time due = s->time + LEAST_WAIT;
        tq_time *soonest = links_soonest(d->links, s->link / LINKS_BLOCK);
        *links_due(d->links, s->link) = due;
        *soonest = due < *soonest ? due : *soonest;
    }
    l->pending_last = s->number;
}

static void pop(struct link *l, const struct sent *s)
{
    l->pending_first = s->next;
    if (s->next == 0)
        l->pending_last = 0;
}

/* The oldest of all is the first of its link's list, unless the link was given to others. */
void path_forget(struct detect *d, struct sent *s)
{
    for (uint32_t i = d->doubts_first; s->waits && i != d->doubts_next; i++)
        if (d->doubts[i % DOUBTS_MAX].sent == s->number)
            judge_doubt(d, &d->doubts[i % DOUBTS_MAX]);
    if (s->settled)
        return;
    struct link *l = links_at(d->links, s->link);
    if (l->pending_first == s->number)
        pop(l, s);
}

/* ── paths ── */

/* Nobody has any business between the ends of such a path. */
bool path_is_twin(const struct detect *d, const struct path *p)
{
    return links_twin(links_at(d->links, p->from), links_at(d->links, p->to));
}

/* A part that this path keeps: it changed at most once in fifty times, and was seen unchanged often enough. */
bool path_keeps(const struct detect *d, const struct path *p, enum part part, uint32_t least)
{
    return (path_is_twin(d, p) || p->same[part] >= least) && p->changed[part] <= p->same[part] / 50;
}

static tq_time wait_on(const struct path *p)
{
    tq_time wait = p->slowest * (p->messages >= 100 ? 5 : 8) / 2 + 2 * TIME_SECOND;
    wait = wait < LEAST_WAIT ? LEAST_WAIT : wait;
    return wait > LONGEST_WAIT ? LONGEST_WAIT : wait;
}

static void delayed(struct detect *d, const struct path *p, const struct sent *s, tq_time delay, enum severity severity)
{
    UNCLEARED struct parties ends;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(links_at(d->links, p->to), &ends);
    const struct span more = span_of(s->name, s->name_n);
    struct buf minutes = BUF_INIT(32);
    int64_t seconds = delay / TIME_SECOND;
    if (seconds >= 120)
        buf_addf(&minutes, "%lld minutes", (long long)(seconds / 60));
    else
        buf_addf(&minutes, "%lld seconds", (long long)seconds);
    struct finding f = {
        .kind = KIND_RESULT_DELAYED,
        .severity = severity,
        .title = "{0} kept results for {2} before it passed them on to {1}: far longer than usual.",
        .advice = "Ask whether somebody held these results on purpose, for instance to look at them. If not, have {0} examined: it may be "
                  "overloaded, or somebody "
                  "may have kept them back.",
        .technique = "T1565.002",
        .subjects = {span_str(ends.sender_text), span_str(ends.receiver_text), buf_span(&minutes)},
        .n_subjects = 3,
        .cause = cause_on(&cause, &ends, &more, 1),
    };
    finding_put_sent(d, s, &f);
    buf_release(&cause);
    buf_release(&minutes);
}

/* One result in twenty is held for a person's eyes where results are verified by rules. Who passed so many on in time does not do that. */
static bool never_holds(const struct link *to)
{
    return to->late == 0 && to->in_time >= NEVER_LATE;
}

/* Whoever sends here passes some results on late. */
static void note_late(struct link *to, tq_time delay)
{
    count_up(&to->late);
    to->late_sent = 0;
    to->latest = delay > to->latest ? delay : to->latest;
}

/* The only one that ever was late, among so many: if one in twenty were held, another one would have been. */
static void judge_late(struct detect *d, struct link *to, bool end)
{
    const struct sent *s = sent_at(d, to->late_sent);
    const struct path *p = links_path_at(d->links, to->late_path);
    bool only = to->late == 1 && (end || to->in_time - to->late_at >= HELD_AGAIN);
    if (to->late_sent == 0 || !only)
        return;
    to->late_sent = 0;
    if (s != NULL && p != NULL)
        delayed(d, p, s, to->late_by, SEVERITY_MEDIUM);
}

void path_used(struct detect *d, struct path *p, struct sent *s, tq_time delay)
{
    struct link *from = links_at(d->links, p->from);
    bool overdue = (s->missed || s->doubted) && p->messages >= PATH_LEARNT;
    if (overdue) {
        struct link *to = links_at(d->links, p->to);
        bool first = never_holds(to) && !s->missed;
        delayed(d, p, s, delay, s->missed ? SEVERITY_MEDIUM : SEVERITY_LOW);
        note_late(to, delay);
        if (first) {
            to->late_sent = s->number;
            to->late_path = links_path_number(d->links, p);
            to->late_at = to->in_time;
            to->late_by = delay;
        }
        s->missed = false;
    } else if (!s->passed) {
        p->messages++;
        if (delay > HELD)
            note_late(links_at(d->links, p->to), delay);
        else
            count_up(&links_at(d->links, p->to)->in_time);
        judge_late(d, links_at(d->links, p->to), false);
        p->slowest = delay > p->slowest ? delay : p->slowest;
    }
    s->passed = true;
    p->last_sent = s->time > p->last_sent ? s->time : p->last_sent;
    const struct path *main = links_path_at(d->links, from->down);
    if (main == NULL || p->messages > main->messages)
        from->down = links_path_number(d->links, p);
}

/* ── missing ── */

/* late: it may come yet. */
static void missing(struct detect *d, struct link *from, const struct sent *s, uint64_t which, const struct link *to, const char *title,
                    const char *all, enum severity severity, bool late)
{
    UNCLEARED struct parties a;
    UNCLEARED struct parties b;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(from, &a);
    link_text(to, &b);
    bool doubt = behind_doubt(d);
    bool each = doubt || from->told_missing < TOLD_EACH;
    const struct span more[] = {span_str(b.receiver_text), each ? span_of(s->name, s->name_n) : SPAN_LIT("many"), SPAN_LIT("late")};
    struct finding f = {
        .kind = KIND_RESULT_MISSING,
        .severity = doubt  ? SEVERITY_LOW
                    : each ? severity
                           : SEVERITY_CRITICAL,
        .title = doubt  ? "Results that {0} sent were not seen at {2} so far; but records of the relay are still outstanding."
                 : each ? title
                        : all,
        .advice = "Look up in the LIS whether the results of this moment are there. Send them again from the analyzer if not, and find out what kept "
                  "them: a rule "
                  "in the middleware, an error there, or somebody on the way.",
        .technique = "T1565.002",
        .subjects = {span_str(a.sender_text), span_str(b.sender_text), span_str(b.receiver_text)},
        .n_subjects = 3,
        .cause = cause_on(&cause, &a, more, late ? 3 : 2),
    };
    if (!doubt && !late)
        count_up(&from->told_missing);
    if (!late || each)
        finding_put_sent(d, s, &f);
    if (!late)
        step_sent(d, s, which, doubt ? "gap" : "missing", &f, NULL);
    buf_release(&cause);
}

/* Was this test sent again on the same link? Then the later one counts. */
static bool sent_again(const struct detect *d, const struct specimen *of, const struct sent *s, size_t i)
{
    for (size_t k = 0; of != NULL && k < SIGHTINGS; k++) {
        const struct sent *later = of->seen[k].used && of->seen[k].link == s->link ? sent_at(d, of->seen[k].sent) : NULL;
        for (size_t n = 0; later != NULL && later != s && n < later->n; n++)
            if (sent_result(d, later, n)->test == sent_result(d, s, i)->test)
                return true;
    }
    return false;
}

static void doubt(struct detect *d, struct sent *s, uint16_t path, uint64_t which);

static void settle_answer(struct detect *d, struct link *l, struct sent *s)
{
    if (!s->named) /* there is nothing to answer to */
        return;
    bool fine = s->answered && !s->refused;
    bool usual = l->answered >= ANSWERS_LEARNT && l->unanswered <= l->answered / 50;
    if (!fine && usual && s->n > 0 && !sent_again(d, specimen_get(d, s->ids[0]), s, 0))
        doubt(d, s, NO_PATH, UINT64_MAX);
    if (fine)
        l->answered++;
    else
        l->unanswered++;
}

/* ── what is late ── */

static void take_back(struct detect *d, const struct sent *s, uint64_t which)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct seen_result *k = sent_result(d, s, i);
        struct habit *h = habit_at(d, k->habit);
        if ((which >> i & 1) == 0 || h->test != k->test || h->link != s->link)
            continue;
        h->stayed -= h->stayed > 0;
        count_up(&h->went_on);
    }
}

static void judge_unanswered(struct detect *d, const struct sent *s)
{
    struct link *l = links_at(d->links, s->link);
    if (!s->refused && lost_lately(d, s->time)) /* the answer may be in what the capture lost: that shows with a later one */
        step_sent(d, s, ~s->went_on, "gap", NULL, NULL);
    else if (!sent_again(d, specimen_get(d, s->ids[0]), s, 0))
        missing(d, l, s, UINT64_MAX, l,
                s->refused ? "{2} refused results from {0}, and they were not sent again."
                           : "{2} never acknowledged results from {0}, and they were not sent again.",
                "{2} did not take many results from {0}.", SEVERITY_MEDIUM, false);
}

static void not_passed_on(struct detect *d, struct sent *s, uint64_t which, const struct link *to, bool part)
{
    s->missed = !behind_doubt(d); /* else it is not late when it comes */
    missing(d, links_at(d->links, s->link), s, which, to,
            part ? "{1} passed only a part of the results of a specimen from {0} on to {2}."
                 : "Results that {0} sent were not passed on by {1} to {2}.",
            "Many results that {0} sent were not passed on by {1} to {2}.", SEVERITY_HIGH, false);
}

/* What neither came nor was measured again is missing. */
static void judge_doubt(struct detect *d, struct doubt *o)
{
    struct sent *s = sent_at(d, o->sent);
    struct path *p = links_path_at(d->links, o->path);
    uint64_t which = o->which;
    o->sent = 0;
    if (s == NULL)
        return;
    if (p == NULL) {
        judge_unanswered(d, s);
        return;
    }
    const struct link *to = links_at(d->links, p->to);
    const struct specimen *of = specimen_get(d, s->ids[0]);
    uint64_t again = 0;
    s->doubted = false;
    for (size_t i = 0; i < s->n; i++)
        if ((which >> i & 1) != 0 && (s->went_on >> i & 1) == 0 && sent_again(d, of, s, i))
            again |= UINT64_C(1) << i;
    which &= ~(s->went_on | again);
    step_sent(d, s, again, "again", NULL, NULL);
    if (which == 0)
        take_back(d, s, o->which);
    if (which == 0)
        return;
    if (to->lost >= s->time) { /* it may be in what the capture lost of where it goes */
        step_sent(d, s, which, "gap", NULL, NULL);
        return;
    }
    bool habit = p->lost > p->due / 25;
    p->lost++;
    if (habit) {
        step_sent(d, s, which, "stayed", NULL, NULL);
        return;
    }
    not_passed_on(d, s, which, to, s->passed);
}

/* Until the end of all it costs nothing but time to wait for what may be held; that it is late was told. */
static tq_time doubt_wait(const struct link *to, bool end)
{
    if (to->late == 0)
        return end ? 0 : to->in_time < NONE_HELD ? HELD_LONG : HELD_WAIT;
    tq_time least = end ? DOUBT_WAIT : HELD_LONG;
    tq_time wait = to->latest * 3; /* others may be held longer */
    wait = wait > 3 * DOUBT_WAIT ? 3 * DOUBT_WAIT : wait;
    wait = wait > to->latest / 2 * 3 ? wait : to->latest / 2 * 3;
    return wait < least ? least : wait > DOUBT_MOST ? DOUBT_MOST : wait;
}

/* Tells what is overdue; at the end of all, also what nobody expects to come. */
static void judge_doubts(struct detect *d, tq_time now, bool end)
{
    for (uint32_t i = d->doubts_first; i != d->doubts_next; i++) {
        struct doubt *o = &d->doubts[i % DOUBTS_MAX];
        const struct sent *s = sent_at(d, o->sent);
        const struct path *p = links_path_at(d->links, o->path);
        if (s != NULL) {
            const struct link *to = p == NULL ? NULL : links_at(d->links, p->to);
            bool came = (o->which & ~s->went_on) == 0;
            tq_time wait = to == NULL ? DOUBT_WAIT : doubt_wait(to, end);
            if (came || now - s->time >= wait)
                judge_doubt(d, o);
        }
        d->doubts_first += i == d->doubts_first && (s == NULL || o->sent == 0);
    }
}

static void doubt(struct detect *d, struct sent *s, uint16_t path, uint64_t which)
{
    if (d->doubts_next - d->doubts_first == DOUBTS_MAX)
        judge_doubt(d, &d->doubts[d->doubts_first++ % DOUBTS_MAX]);
    d->doubts[d->doubts_next++ % DOUBTS_MAX] = (struct doubt){.sent = s->number, .path = path, .which = which};
    s->waits = true;
    s->doubted = s->doubted || path != NO_PATH;
}

static void settle_path(struct detect *d, struct link *l, struct sent *s, struct path *p)
{
    uint64_t lost = 0;
    uint64_t again = 0;
    bool any = false;
    const struct specimen *of = specimen_get(d, s->ids[0]);
    for (size_t i = 0; i < s->n; i++) {
        const struct seen_result *k = sent_result(d, s, i);
        struct habit *h = habit_at(d, k->habit);
        bool is_again = sent_again(d, of, s, i);
        again |= (uint64_t)is_again << i;
        if (h->test != k->test || h->link != s->link || is_again || k->guessed || (k->repeated && !(s->went_on >> i & 1)))
            continue;
        bool went = s->went_on >> i & 1;
        bool usual = h->went_on >= 3  ? h->stayed <= h->went_on / 20
                     : h->went_on > 0 ? h->stayed == 0
                                      : !s->passed && h->stayed == 0 && p->messages >= 2 * PATH_LEARNT;
        any = any || went;
        if (!went && usual && (s->final >> i & 1))
            lost |= UINT64_C(1) << i;
        count_up(went ? &h->went_on : &h->stayed);
    }
    bool habit = p->lost > p->due / 25;
    const struct link *to = links_at(d->links, p->to);
    bool twin = links_twin(l, to);
    bool at_once = twin || to->ours || p->same[PART_COPY] >= PATH_LEARNT; /* who only hands on holds nothing, and waits for no second run */
    p->due++;
    p->lost += lost != 0 && (habit || at_once);
    lost = habit ? 0 : lost;
    step_sent(d, s, again & ~s->went_on, "again", NULL, NULL);
    step_sent(d, s, ~(lost | again | s->went_on), "stayed", NULL, NULL);
    if (lost == 0)
        return;
    if (twin) {
        s->missed = !behind_doubt(d); /* else it is not late when it comes */
        missing(d, l, s, lost, to,
                any ? "Only a part of the results of a specimen that {0} sent came as far as {2}: the rest was lost or taken out on the way."
                    : "Results that {0} sent did not come as far as {2}: they were lost or taken out on the way.",
                "Many results that {0} sent did not come as far as {2}.", SEVERITY_HIGH, false);
        return;
    }
    if (at_once) {
        not_passed_on(d, s, lost, to, any);
        return;
    }
    missing(d, l, s, lost, to, "{1} did not pass results from {0} on to {2} so far, later than usual.", "", SEVERITY_LOW, true);
    doubt(d, s, links_path_number(d->links, p), lost);
}

/* Settles the first of the list where it is time. */
static bool settle_first(struct detect *d, struct link *l, tq_time *due)
{
    struct sent *s = sent_at(d, l->pending_first);
    if (s == NULL) {
        l->pending_first = l->pending_last = 0;
        *due = INT64_MAX;
        return false;
    }
    struct path *p = links_path_at(d->links, l->down);
    bool twin = p != NULL && links_twin(l, links_at(d->links, p->to)); /* the same conversation: what is here comes there */
    if (p != NULL && p->messages < (twin ? 1 : PATH_LEARNT))
        p = NULL;
    tq_time wait = p != NULL ? wait_on(p) : ANSWER_WAIT;
    if (s->queued && !s->passed) /* the relay itself tells when it cannot deliver */
        wait = LONGEST_WAIT;
    tq_time now = behind_now(d);
    tq_time age = now - s->time;
    bool quiet = p != NULL && p->last_sent <= s->time && !s->passed;                 /* nothing at all went on since: perhaps it is only slow today */
    bool silent = p != NULL && links_last(d->links, p->to) <= s->time && !s->passed; /* … or the capture has a hole */
    if (age < (silent && 3 * wait < SILENT_MOST ? SILENT_MOST : quiet ? 3 * wait : wait)) {
        *due = s->time + wait;        /* it may be quiet no longer by then */
        if (s->queued || *due <= now) /* … or it went on */
            *due = now + 5 * TIME_SECOND;
        return false;
    }
    bool gap = (d->gap != 0 && d->gap >= s->time - LEAST_WAIT) || behind_lost(d, s->time);
    pop(l, s);
    s->settled = true;
    if (gap) {
        if (links_path_at(d->links, l->down) != NULL)
            step_sent(d, s, ~s->went_on, "gap", NULL, NULL);
        return true;
    }
    settle_answer(d, l, s);
    if (p != NULL)
        settle_path(d, l, s, p);
    else if (links_path_at(d->links, l->down) != NULL) /* too little is known of it */
        step_sent(d, s, ~s->went_on, "stayed", NULL, NULL);
    return true;
}

static void judge_orphans(struct detect *d, tq_time until);

static void sweep_block(struct detect *d, uint16_t block, size_t links, tq_time now)
{
    tq_time *due = links_due(d->links, 0);
    tq_time soonest = INT64_MAX;
    for (size_t i = (size_t)block * LINKS_BLOCK; i < links && i < (size_t)(block + 1) * LINKS_BLOCK; i++) {
        for (size_t n = 0; due[i] <= now && n < SENT_MAX && settle_first(d, links_at(d->links, (uint16_t)i), &due[i]); n++)
            ;
        soonest = due[i] < soonest ? due[i] : soonest;
    }
    *links_soonest(d->links, block) = soonest;
}

void paths_sweep(struct detect *d)
{
    tq_time now = behind_now(d);
    judge_orphans(d, now);
    judge_doubts(d, now, false);
    const size_t links = links_count(d->links);
    for (size_t block = 0; block * LINKS_BLOCK < links; block++) /* of many links few are due */
        if (*links_soonest(d->links, block) <= now)
            sweep_block(d, (uint16_t)block, links, now);
}

void paths_end(struct detect *d)
{
    paths_sweep(d);
    judge_orphans(d, INT64_MAX);
    judge_doubts(d, behind_now(d), true);
    for (uint16_t i = 0; i < links_count(d->links); i++)
        judge_late(d, links_at(d->links, i), true);
}

/* ── results without origin ── */

static void orphan_finding(struct detect *d, const struct orphan *o, const struct sent *s, const struct sent *origin)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    struct link *l = links_at(d->links, s->link);
    link_text(l, &p);
    bool doubt = origin == NULL && behind_doubt(d);
    bool patient = origin != NULL && origin->unnumbered; /* its patient is what it is known by */
    bool each = doubt || l->told_extra < TOLD_EACH;
    const struct span more = each ? span_of(s->name, s->name_n) : SPAN_LIT("many");
    struct finding f = {
        .kind = patient          ? KIND_RESULT_WRONG_PATIENT
                : origin != NULL ? KIND_RESULT_ALTERED_IN_TRANSIT
                                 : KIND_RESULT_EXTRA,
        .severity = doubt  ? SEVERITY_LOW
                    : each ? (origin != NULL || o->whole ? SEVERITY_CRITICAL : SEVERITY_HIGH)
                           : SEVERITY_CRITICAL,
        .title = patient          ? "{0} passed results on to {1} for another patient than the one that they came for."
                 : origin != NULL ? "Results reached {1} from {0} under another specimen number than the one that the analyzer sent."
                 : doubt    ? "Results reached {1} from {0} that no analyzer was seen to send so far; but records of the relay are still outstanding."
                 : !each    ? "Many results reached {1} from {0} that no analyzer sent."
                 : o->whole ? "Results of a specimen reached {1} from {0} that no analyzer sent."
                            : "A result reached {1} from {0} that no analyzer sent, among others that one did.",
        .advice = origin != NULL ? "Hold these results and find out whose they are: compare the numbers on the tube, on the analyzer and in the LIS. "
                                   "Then have {0} and "
                                   "all that lies between it and the analyzer examined."
                                 : "Hold these results. Ask whether somebody entered them by hand at {0}; if nobody did, they are forged: find out "
                                   "who can write to {0}, "
                                   "and what reached it at this time.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .also = origin == NULL ? (struct span){0} : message_id_text(origin->flow, origin->direction, origin->ordinal, also),
        .also_flow = origin == NULL ? 0 : origin->flow,
        .cause = cause_on(&cause, &p, &more, 1),
    };
    if (!doubt)
        count_up(&l->told_extra);
    finding_put_sent(d, s, &f);
    step_sent(d, s, o->which, origin != NULL ? "changed" : doubt ? "gap" : "extra", &f, origin);
    if (origin != NULL)
        step_sent(d, origin, UINT64_MAX, "changed", &f, NULL);
    buf_release(&cause);
}

/* How many of s's values are among those of c. */
static size_t same_values(const struct detect *d, const struct sent *s, const struct sent *c)
{
    size_t n = 0;
    uint64_t taken = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < c->n; k++)
            if (sent_result(d, s, i)->exact == sent_result(d, c, k)->exact && (taken >> k & 1) == 0) {
                taken |= UINT64_C(1) << k;
                n++;
                break;
            }
    return n;
}

/* What waits on a link that leads here and holds the same values: the same results under another number. One value alone may be the same by chance.
 */
static struct sent *renamed(struct detect *d, const struct sent *s)
{
    for (uint16_t i = 0; i < links_path_count(d->links); i++) {
        const struct path *p = links_path_at(d->links, i);
        if (p->to != s->link || links_path(d->links, p->from, p->to, false) != p) /* the ends of an old path may be others by now */
            continue;
        struct sent *c = sent_at(d, links_at(d->links, p->from)->pending_first);
        for (size_t k = 0; c != NULL && k < RENAMED_LOOK; k++, c = sent_at(d, c->next))
            if (!c->passed && (s->n > 1 || c->unnumbered) && same_values(d, s, c) * 10 >= (size_t)s->n * 9 &&
                (s->n > 1 || sent_result(d, s, 0)->observed == sent_result(d, c, 0)->observed))
                return c;
    }
    return NULL;
}

/* What the capture lost since they were measured can be where they came from: whoever passes results on may hold them. */
static bool needs_no_origin(const struct detect *d, const struct orphan *o, const struct sent *s)
{
    return s == NULL || (o->whole && s->came) || lost_lately(d, s->time - LEAST_WAIT - (s->age > 0 ? s->age * TIME_SECOND : 0));
}

/* Did it come under another number? Looked up early: what it would have been waits no longer than others do. */
static void look_renamed(struct detect *d, struct orphan *o)
{
    struct sent *s = sent_at(d, o->sent);
    o->looked = true;
    struct sent *origin = !o->whole || needs_no_origin(d, o, s) ? NULL : renamed(d, s);
    if (origin == NULL)
        return;
    origin->passed = true;
    origin->went_on = UINT64_MAX;
    orphan_finding(d, o, s, origin);
    o->sent = 0;
}

/* Whoever could have sent it has spoken since: had the capture lost it, the hole would have shown. */
static bool origins_spoke(struct detect *d, const struct orphan *o)
{
    const struct sent *s = sent_at(d, o->sent);
    for (uint16_t i = 0; s != NULL && i < links_path_count(d->links); i++) {
        const struct path *p = links_path_at(d->links, i);
        if (p->to == s->link && p->messages > 0 && links_last(d->links, p->from) < o->time)
            return false;
    }
    return true;
}

static void judge_orphans(struct detect *d, tq_time now)
{
    for (uint32_t i = d->orphans_first; i != d->orphans_next; i++) {
        struct orphan *o = &d->orphans[i % ORPHANS_MAX];
        if (!o->looked && o->time <= now - ORPHAN_WAIT)
            look_renamed(d, o);
    }
    while (d->orphans_first != d->orphans_next) {
        const struct orphan *o = &d->orphans[d->orphans_first % ORPHANS_MAX];
        if (o->time > now - ORPHAN_WAIT || (o->time > now - ORPHAN_MOST && !origins_spoke(d, o)))
            return;
        d->orphans_first++;
        const struct sent *s = sent_at(d, o->sent);
        if (!needs_no_origin(d, o, s))
            orphan_finding(d, o, s, NULL);
    }
}

/* A group is judged once more when the other tap has had its time. */
void path_judge_origin(struct detect *d, uint16_t number)
{
    struct group *group = &d->open.groups[number];
    struct sent *s = sent_at(d, group->sent);
    struct link *l = open_link(d);
    size_t alone = 0;
    size_t strange = 0;
    size_t all = 0;
    size_t came = 0;
    size_t novel = 0;
    size_t documents = 0;
    uint64_t which = 0;
    for (size_t i = group->from; s != NULL && i < group->to; i++) {
        const struct gathered *g = &d->open.all[i];
        all += g->group == number && !g->merged;
        came += g->group == number && g->kept && g->came;
        if (g->group != number || !g->kept || g->came || g->again || g->doubtful)
            continue;
        struct habit *h = g->habit;
        alone++;
        documents += g->document;
        novel += h->came_first == 0 && h->came_alone == 0 && !g->document;
        if (g->nth < SENT_TESTS)
            which |= UINT64_C(1) << g->nth;
        strange += h->came_first >= ORIGIN_LEARNT && h->came_alone <= h->came_first / 50;
        count_up(&h->came_alone);
    }
    bool whole = alone == all;
    bool twin = group->origin != LINK_NONE && links_twin(links_at(d->links, group->origin), l);
    /* a test that never came here before is one that is computed here, except where nothing can be, or nearly nothing is */
    if (twin)
        strange += novel;
    else if (!whole && l->came >= COMES_FROM_ELSEWHERE && l->alone <= l->came / COMES_FROM_ELSEWHERE)
        strange += novel;
    l->came += (uint32_t)came;
    l->alone += (uint32_t)(alone - documents);
    if (strange == 0 || group->full || (s->age >= 0 && s->age * TIME_SECOND > d->now - l->first))
        return;
    if (d->orphans_next - d->orphans_first == ORPHANS_MAX)
        judge_orphans(d, INT64_MAX);
    d->orphans[d->orphans_next++ % ORPHANS_MAX] = (struct orphan){.sent = s->number, .time = d->open.time, .whole = whole, .which = which};
}
