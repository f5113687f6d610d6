/* What a value shows by itself: that no living person has it (result.implausible), that its unit is not the usual one (result.unit_changed), that its
 * flag contradicts the range beside it, or that the range has become another one (result.flag_mismatch). What a link always does is no finding: some
 * devices flag by ranges that they do not send. */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 512
#define UNIT_USUAL 3   /* results in one unit before another is a change */
#define UNIT_NEW 20    /* in a row in the other unit: it is the usual one now */
#define FLAGS_USUAL 10 /* flags that fit before one that does not is told */
/* A reference range that was never seen, in each of so many patients in a row: by chance where some patients have it (p of them, unseen in the first
 * n, and then k in a row: at most (k/(n+k))^k (n/(n+k))^n) it comes once in 20,000 tests; where ranges go by sex and age, patients of one kind come
 * together, and it takes more. */
#define RANGE_KNOWN 20
#define RANGE_NEW 4
#define RANGES_KNOWN 40 /* where there are several */
#define RANGES_NEW 12

struct told {
    enum kind kind;
    enum severity severity;
    const char *title;
    const char *advice;
    bool on_link; /* one cause for the link and test, else for the specimen and test wherever it passes */
};

static void tell(struct detect *d, const struct record *r, const struct gathered *g, const struct told *t)
{
    UNCLEARED struct parties p;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    const struct group *of = &d->open.groups[g->group];
    link_text(open_link(d), &p);
    const struct span more[] = {test_name(g->habit)};
    struct span name = span_of(of->name, of->name_n);
    if (t->on_link) {
        (void)cause_on(&cause, &p, more, 1);
    } else {
        buf_add_span(&cause, name.n > 0 ? name : span_str(p.sender_text));
        buf_u8(&cause, '|');
        buf_add_span(&cause, more[0]);
    }
    struct finding f = {
        .kind = t->kind,
        .severity = t->severity,
        .title = t->title,
        .advice = t->advice,
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), test_name(g->habit)},
        .n_subjects = 3,
        .cause = buf_span(&cause),
    };
    if (r != NULL)
        finding_put(d, r, &f);
    buf_release(&cause);
}

/* ── units ── */

static void set_unit(struct detect *d, struct habit *h, struct unit unit)
{
    struct analyte_limit l;
    h->unit = unit;
    h->unit_n = 0;
    h->low = 1;
    h->high = 0;
    if (h->analyte != ANALYTE_NONE && analytes_limit(d->analytes, h->analyte, unit, &l)) {
        h->low = l.low;
        h->high = l.high;
    }
}

static void judge_unit(struct detect *d, const struct record *r, struct gathered *g)
{
    static const char advice[] =
        "Compare the result in the LIS with the display of the device: a number in the wrong unit can be read as ten times too much or too "
        "little. If nobody changed the device's settings, have the path between {0} and {1} examined.";
    struct habit *h = g->habit;
    struct unit unit = g->is.unit;
    if (unit.dimension == 0)
        return;
    if (h->unit.dimension == 0) {
        set_unit(d, h, unit);
        struct analyte_limit first;
        bool strange = h->analyte != ANALYTE_NONE && h->low > h->high && (unit.dimension & UNIT_STRANGE) == 0 &&
                       analytes_row(d->analytes, h->analyte, 0, &first) && (first.unit.dimension & UNIT_STRANGE) == 0;
        if (strange)
            tell(d, r, g,
                 &(struct told){KIND_RESULT_UNIT_CHANGED, SEVERITY_LOW, "{0} sends results of test {2} to {1} in a unit in which it is not measured.",
                                advice, true});
        return;
    }
    if (unit_same(h->unit, unit)) {
        count_up(&h->unit_n);
        return;
    }
    bool usual = h->unit_n + 1 >= UNIT_USUAL && h->unit_changes <= h->unit_n / 50 && !d->open.cut;
    if (usual)
        tell(d, r, g,
             &(struct told){KIND_RESULT_UNIT_CHANGED, SEVERITY_HIGH, "{0} sent to {1} a result of test {2} in another unit than all those before.",
                            advice, false});
    count_up(&h->unit_changes);
    if (h->unit_changes % UNIT_NEW == 0)
        set_unit(d, h, unit);
}

/* ── limits ── */

static void judge_limits(struct detect *d, const struct record *r, struct gathered *g)
{
    struct habit *h = g->habit;
    if (!g->is.numeric || h->low > h->high || !unit_same(h->unit, g->is.unit) || d->open.groups[g->group].material ||
        g->is.status == STATUS_WITHDRAWN)
        return;
    double v = number_value(&g->is.number);
    uint8_t comparator = g->is.number.comparator;
    bool below = v < h->low && comparator == COMPARES_EQUAL;
    bool above = v > h->high && comparator != COMPARES_LESS && comparator != COMPARES_LESS_EQUAL;
    if (!below && !above)
        return;
    bool usual = h->absurd > 1 + h->n / 50;
    count_up(&h->absurd);
    if (usual)
        return;
    tell(d, r, g,
         &(struct told){KIND_RESULT_IMPLAUSIBLE, SEVERITY_HIGH,
                        above ? "A result of test {2} from {0} to {1} is higher than it can be in a living person."
                              : "A result of test {2} from {0} to {1} is lower than it can be in a living person.",
                        "Do not act on this result. Compare it with the display of the device and look at the specimen: a wrong tube or an infusion "
                        "can do this, and so "
                        "can somebody who changes results on the way. Have the test repeated.",
                        false});
}

/* ── flags ── */

static void judge_flag(struct detect *d, const struct record *r, const struct gathered *g)
{
    struct link *l = open_link(d);
    if (g->fits == 1)
        l->flags_right++;
    if (g->fits != -1)
        return;
    bool usual = l->flags_wrong > l->flags_right / 50;
    l->flags_wrong++;
    if (usual || l->flags_right < FLAGS_USUAL)
        return;
    bool hides = g->is.flag == FLAG_NORMAL;
    tell(d, r, g,
         &(struct told){KIND_RESULT_FLAG_MISMATCH, SEVERITY_HIGH,
                        hides ? "A result of test {2} from {0} to {1} lies outside of the range sent with it, and is flagged as normal."
                              : "The flag of a result of test {2} from {0} to {1} contradicts the range sent with it.",
                        "Look at the value itself, not at its flag. Compare both with the display of the device: if they differ there, somebody may "
                        "have changed the "
                        "value or the flag on the way.",
                        false});
}

/* ── ranges ── */

/* Whoever moves the limits makes results normal, or not, without touching a value. */
static void judge_range(struct detect *d, const struct record *r, struct gathered *g)
{
    struct references *f = &d->references[g->is.habit];
    uint16_t range = (uint16_t)(g->is.range >> 16 ^ g->is.range) | 1;
    size_t known = 0;
    if (g->is.range == 0 || g->again || d->open.cut)
        return;
    while (known < RANGES_USUAL && f->usual[known] != 0 && f->usual[known] != range)
        known++;
    bool usual = known < RANGES_USUAL && f->usual[known] == range;
    bool several = f->usual[1] != 0;
    bool learnt = f->n >= (several ? RANGES_KNOWN : RANGE_KNOWN);
    f->n += usual && f->n < RANGES_KNOWN;
    if (usual || !learnt) {
        if (known < RANGES_USUAL)
            f->usual[known] = range;
        for (known = 0; known < RANGES_USUAL && f->usual[known] != 0;)
            known++;
        if (f->fresh_n > 0 && known < RANGES_USUAL) /* it came and went: some have it */
            f->usual[known] = f->fresh;
        f->fresh_n = 0;
        return;
    }
    if (known == RANGES_USUAL) /* there is one for everybody */
        return;
    f->fresh_n = f->fresh == range ? (uint8_t)(f->fresh_n + 1) : 1;
    f->fresh = range;
    if (f->fresh_n < (several ? RANGES_NEW : RANGE_NEW))
        return;
    tell(d, r, g,
         &(struct told){KIND_RESULT_FLAG_MISMATCH, SEVERITY_MEDIUM,
                        "Results of test {2} from {0} to {1} come with another reference range than all those before.",
                        "Ask whether the lab changed the reference range of this test. If nobody did, look at the values and not at their flags, "
                        "compare the range with the device's settings, and have the path between {0} and {1} examined.",
                        true});
    *f = (struct references){.usual = {range}, .n = RANGE_KNOWN};
}

void judge_value(struct detect *d, const struct record *r, struct gathered *g)
{
    g->habit->n++;
    judge_unit(d, r, g);
    judge_limits(d, r, g);
    judge_flag(d, r, g);
    judge_range(d, r, g);
}
