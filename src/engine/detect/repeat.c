/* One result that comes again on the same link: result.altered, result.corrected; and who it is of: result.wrong_patient (custody.c). */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 1024

/* How a result differs from what this link said before. */
enum difference { DIFFERENT_NOT, DIFFERENT_VALUE, DIFFERENT_UNIT, DIFFERENT_FLAG, DIFFERENT_STATUS, DIFFERENT_RANGE };

static const struct {
    const char *title;
    enum severity severity;
} words[] = {
    [DIFFERENT_VALUE] = {"A result of test {2} came from {0} to {1} a second time with different content, and not as a correction.",
                         SEVERITY_CRITICAL},
    [DIFFERENT_UNIT] = {"A result of test {2} came from {0} to {1} a second time in another unit, and not as a correction.", SEVERITY_CRITICAL},
    [DIFFERENT_FLAG] = {"A result of test {2} came from {0} to {1} a second time with another flag, and not as a correction.", SEVERITY_HIGH},
    [DIFFERENT_STATUS] = {"A final result of test {2} came from {0} to {1} a second time as one that is not final.", SEVERITY_MEDIUM},
    [DIFFERENT_RANGE] = {"A result of test {2} came from {0} to {1} a second time with another reference range.", SEVERITY_MEDIUM},
};

static void changed(struct detect *d, const struct record *r, const struct gathered *g, enum difference what, bool correction)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    const struct group *of = &d->open.groups[g->group];
    link_text(open_link(d), &p);
    /* what is done to a whole message is told once */
    bool each = correction || what == DIFFERENT_VALUE || what == DIFFERENT_UNIT || what == DIFFERENT_FLAG;
    const struct span more[] = {span_of(of->name, of->name_n), each ? test_name(g->habit) : SPAN_LIT("all")};
    const struct sent *s = sent_at(d, g->before->sent);
    struct finding f = {
        .kind = correction ? KIND_RESULT_CORRECTED : KIND_RESULT_ALTERED,
        .severity = correction ? SEVERITY_INFO : words[what].severity,
        .title = correction ? "{0} corrected a result of test {2} that it had sent to {1} before." : words[what].title,
        .advice =
            correction
                ? "Nothing to do if the lab corrected this result. If nobody did, treat it as altered: compare it with the analyzer's own record."
                : "Do not act on this result. Compare the value in the LIS with the analyzer's own display or printout, tell the physician if a "
                  "wrong value "
                  "went out, and have the path between {0} and {1} examined.",
        .technique = correction ? NULL : "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), test_name(g->habit)},
        .n_subjects = 3,
        .also = s == NULL ? (struct span){0} : message_id_text(s->flow, s->direction, s->ordinal, also),
        .also_flow = s == NULL ? 0 : s->flow,
        .cause = cause_on(&cause, &p, more, 2),
    };
    static const char *const parts[] = {[DIFFERENT_VALUE] = "value",
                                        [DIFFERENT_UNIT] = "unit",
                                        [DIFFERENT_FLAG] = "flag",
                                        [DIFFERENT_STATUS] = "status",
                                        [DIFFERENT_RANGE] = "range"};
    if (r != NULL)
        finding_put(d, r, &f);
    step_one(d, r, &(struct step){.verdict = correction ? "corrected" : "altered", .changed = parts[what], .finding = &f}, g, g->before);
    buf_release(&cause);
}

/* A value without its unit is the same only as such. */
static enum difference compare(const struct seen_result *was, const struct gathered *g)
{
    const struct seen_result *is = &g->is;
    bool final = is->status == STATUS_FINAL || is->status == STATUS_CORRECTED || is->status == STATUS_WITHDRAWN;
    if (was->exact != is->exact)
        return DIFFERENT_VALUE;
    if (g->several)
        return DIFFERENT_NOT;
    if (!unit_same(was->unit, is->unit))
        return DIFFERENT_UNIT;
    if (was->flag != is->flag && was->flag != FLAG_NONE && is->flag != FLAG_NONE)
        return DIFFERENT_FLAG;
    if (!final)
        return DIFFERENT_STATUS;
    return was->range != is->range && was->range != 0 && is->range != 0 ? DIFFERENT_RANGE : DIFFERENT_NOT;
}

/* A correction of what was never there is how a value is slipped in as if it were proper. Only where the first one must have been seen: the result is
 * younger than the link. */
void judge_correction(struct detect *d, const struct record *r, const struct gathered *g)
{
    UNCLEARED struct parties p;
    const struct group *of = &d->open.groups[g->group];
    const struct link *l = open_link(d);
    if (g->is.status != STATUS_CORRECTED || !g->kept || g->again || g->came || r == NULL)
        return;
    if (of->before_here || of->age < 0 || of->age * TIME_SECOND > d->open.time - l->first)
        return;
    if (lost_lately(d, d->open.time - of->age * TIME_SECOND)) /* it may have been in what the capture lost */
        return;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(l, &p);
    const struct span more[] = {span_of(of->name, of->name_n), test_name(g->habit), SPAN_LIT("first")};
    struct finding f = {
        .kind = KIND_RESULT_ALTERED,
        .severity = SEVERITY_MEDIUM,
        .title = "{0} sent to {1} a correction of a result of test {2} that it had never sent.",
        .advice = "Ask at the device whether this result was corrected, and what it was before. If nobody corrected it, do not act on it, and have "
                  "the path between {0} "
                  "and {1} examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), test_name(g->habit)},
        .n_subjects = 3,
        .cause = cause_on(&cause, &p, more, 3),
    };
    finding_put(d, r, &f);
    step_one(d, r, &(struct step){.verdict = "altered", .finding = &f}, g, NULL);
    buf_release(&cause);
}

/* Without specimen, test and time of observation two results may rightly differ. */
void judge_repeats(struct detect *d, const struct record *r, struct gathered *g)
{
    const struct group *of = &d->open.groups[g->group];
    if (of->ids[0] == 0 || g->habit->code_n == 0)
        return;
    const struct seen_result *k = results_get(d->results, g->is.key);
    g->kept = true;
    g->before = k;
    g->again = k != NULL;
    g->is.several = g->several;
    if (k == NULL)
        return;
    const struct sent *s = sent_at(d, k->sent);
    bool same_message = s != NULL && s->message == (uint32_t)d->open.message; /* it was not announced */
    bool piecemeal = same_message && (k->several || k->exact != g->is.exact);
    bool comparable = !piecemeal && k->several == g->several && k->parted == g->is.parted;
    enum difference what = g->is.observed != 0 && comparable ? compare(k, g) : DIFFERENT_NOT;
    g->differs = what != DIFFERENT_NOT || !comparable;
    if (what != DIFFERENT_NOT && (k->status == STATUS_FINAL || k->status == STATUS_CORRECTED)) {
        bool correction = g->is.status == STATUS_CORRECTED || g->is.status == STATUS_WITHDRAWN;
        changed(d, r, g, what, correction);
    }
    g->is.repeated = !g->differs && k->exact == g->is.exact && (k->went_on || k->repeated);
    g->is.went_on = k->went_on && same_message;
    g->is.several = g->several || piecemeal || (k->several && g->is.observed != 0 && !d->open.announced);
}
