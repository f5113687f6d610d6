/* The same result on two links: what the first one said is compared with what arrives on the second (result.altered_in_transit), and who it is of
 * (result.wrong_patient). A path from link to link is known once results with the same content went along it; what a middleware always changes
 * (flags, ranges, statuses, units with their values) is known then too, and is no finding. */
#include "engine/detect/detect_private.h"

#define CAUSE_MAX 1024
#define MANY 8           /* so often a part has to have passed unchanged before its change counts */
#define TRUSTED 2        /* so many other values of the same message, or ... */
#define PATIENTS_KNOWN 2 /* ... whose patients, comments and specimens were unchanged before another one counts */
#define PATH_KNOWN 3     /* ... so many before it on this path have to be unchanged before a change of value counts */

/* ── memories ── */

static struct digest specimen_key(const struct detect *d, uint64_t id)
{
    return (struct digest){.a = id ^ d->key.k0, .b = id * UINT64_C(0x9e3779b97f4a7c15) ^ d->key.k1};
}

void specimen_expect(const struct detect *d, uint64_t id)
{
    memo_expect(d->specimens, specimen_key(d, id));
}

void specimen_expect_entry(const struct detect *d, uint64_t id, tq_time now)
{
    memo_expect_entry(d->specimens, specimen_key(d, id), now);
}

void specimen_expect_sent(const struct detect *d, const struct specimen *s)
{
    for (size_t i = 0; s != NULL && i < SIGHTINGS && s->seen[i].used; i++) {
        const struct sent *sent = &d->sent[s->seen[i].sent % SENT_MAX];
        __builtin_prefetch(sent);
        __builtin_prefetch((const uint8_t *)sent + 64);
    }
}

void specimen_expect_results(const struct detect *d, const struct group *g)
{
    const struct sent *s = g->of == NULL || !g->of->seen[0].used ? NULL : sent_at(d, g->of->seen[0].sent);
    for (size_t i = 0; s != NULL && i < s->n && i < g->n; i++)
        __builtin_prefetch(sent_result(d, s, i));
}

struct specimen *specimen_get(const struct detect *d, uint64_t id)
{
    return id == 0 ? NULL : memo_get(d->specimens, specimen_key(d, id));
}

struct specimen *specimen_put(struct detect *d, uint64_t id, tq_time now)
{
    return memo_put(d->specimens, specimen_key(d, id), now, NULL);
}

/* Notes that the specimen was seen on this link, before what was seen on others. */
static void note_sighting(struct specimen *s, struct sighting now)
{
    size_t at = 0;
    while (at < SIGHTINGS - 1 && s->seen[at].used && s->seen[at].link != now.link)
        at++;
    if (now.patient == 0)
        now.patient = s->seen[at].link == now.link && s->seen[at].used ? s->seen[at].patient : 0;
    memmove(&s->seen[1], &s->seen[0], at * sizeof s->seen[0]);
    s->seen[0] = now;
}

/* Results and what sent them are forgotten together. */
void sent_make_room(struct detect *d, size_t results, size_t specimens)
{
    for (;; d->sent_oldest++) {
        struct sent *s = sent_at(d, d->sent_oldest);
        uint32_t numbers = d->sent_next - d->sent_oldest;
        bool fits = s != NULL && numbers + specimens < SENT_MAX && d->results->next - s->first + results <= RESULTS_MAX;
        if (fits || numbers == 0)
            return;
        if (s != NULL && (!s->settled || s->waits))
            path_forget(d, s);
        if (s != NULL)
            s->number = 0;
    }
}

/* Messages of one specimen: elsewhere it cannot be told what belongs to which. */
static bool is_marked(const struct detect *d)
{
    const struct gathering *o = &d->open;
    return o->marked && o->groups_n == 1 && o->judged == 0 && o->left <= 0;
}

static uint32_t mark_of(const struct detect *d, size_t which)
{
    uint64_t m = d->open.marks[MARK_NAME + which];
    return m == 0 ? 0 : (uint32_t)(m ^ m >> 32) | 1;
}

static struct sent *sent_new(struct detect *d, const struct record *r, const struct group *g)
{
    if (++d->sent_next == 0)
        d->sent_next = 1;
    struct sent *s = &d->sent[d->sent_next % SENT_MAX];
    *s = (struct sent){.number = d->sent_next,
                       .first = d->results->next,
                       .link = d->open.link,
                       .origin = g->origin,
                       .came = g->origin != LINK_NONE,
                       .restart = d->replay.restart,
                       .message = (uint32_t)d->open.message,
                       .age = g->age,
                       .time = d->open.time,
                       .control = d->open.control.a,
                       .queued = d->open.queued,
                       .named = d->open.control.a != 0 || d->open.control.b != 0,
                       .patient = g->patient,
                       .unnumbered = g->unnumbered,
                       .name_n = g->name_n};
    memcpy(s->name, g->name, g->name_n);
    memcpy(s->ids, g->ids, sizeof s->ids);
    if (r != NULL) {
        s->flow = r->flow.id;
        s->sport = r->flow.sport;
        s->vlan = r->flow.vlan;
        s->proto = r->flow.proto;
        s->seq = r->seq;
    }
    s->marked = is_marked(d);
    for (size_t i = 0; s->marked && i < PART_MARKS; i++)
        s->marks[i] = mark_of(d, i);
    message_id_read(span_of(d->open.id, d->open.id_n), &s->direction, &s->ordinal);
    return s;
}

struct seen_result *sent_result(const struct detect *d, const struct sent *s, size_t i)
{
    return results_at(d->results, s->first + (uint32_t)i);
}

/* ── comparing ── */

static bool same_test(const struct detect *d, const struct gathered *g, const struct sent *s, const struct seen_result *k, int pass)
{
    const struct habit *h = habit_at(d, k->habit);
    if (h->test != k->test || h->link != s->link)
        return k->test == g->habit->alternate;
    if (pass == 1)
        return k->test == g->habit->alternate || h->alternate == g->is.test;
    return h->analyte != ANALYTE_NONE && h->analyte == g->habit->analyte;
}

/* What the other link said of this result: by its code, by its code in another system, or by any other code of the same analyte there. Mostly results
 * go on in the order in which they came; next is where this one is expected then. */
static struct seen_result *by_code(const struct detect *d, const struct sent *s, const struct gathered *g, size_t next)
{
    struct seen_result *k = NULL;
    for (size_t i = next; i < (size_t)s->n + next; i++) {
        struct seen_result *c = sent_result(d, s, i < s->n ? i : i - s->n);
        if (c->test == g->is.test && (k == NULL || c->observed == g->is.observed))
            k = c;
        if (k == c && c->observed == g->is.observed)
            return c;
    }
    for (int pass = 1; k == NULL && pass < 3; pass++)
        for (size_t i = s->n; k == NULL && i-- > 0;)
            if (same_test(d, g, s, sent_result(d, s, i), pass))
                k = sent_result(d, s, i);
    if (k != NULL || s->n < SENT_TESTS)
        return k;
    return results_get(d->results, result_key(s->ids[0], g->is.test, s->link, g->is.observed)); /* behind those that are followed */
}

/* The same, where a code stands for several things: the one of this kind. */
static struct seen_result *counterpart(const struct detect *d, const struct sent *s, const struct gathered *g, size_t next)
{
    struct seen_result *k = by_code(d, s, g, next);
    if (k == NULL || !k->parted || same_kind(k, &g->is))
        return k;
    uint64_t test = part_test(k->test, &g->is);
    for (size_t i = 0; i < s->n; i++)
        if (sent_result(d, s, i)->test == test)
            return sent_result(d, s, i);
    return k->numeric == g->is.numeric ? k : NULL;
}

/* What the code stands for: as one of the two links has it. */
static uint16_t analyte_of(const struct detect *d, const struct gathered *g, const struct seen_result *k)
{
    const struct habit *h = habit_at(d, k->habit);
    return g->habit->analyte != ANALYTE_NONE || h->test != k->test ? g->habit->analyte : h->analyte;
}

/* Documents are made anew on the way. */
int values_agree(const struct detect *d, const struct gathered *g, const struct seen_result *k)
{
    const struct seen_result *is = &g->is;
    if (g->several || k->several)
        return g->several != k->several ? -1 : is->exact == k->exact ? 1 : unit_same(is->unit, k->unit) ? 0 : -1;
    if (!is->numeric || !k->numeric)
        return is->exact == k->exact ? 1 : g->document ? -1 : 0;
    if (is->number.comparator != k->number.comparator)
        return 0;
    if (unit_same(is->unit, k->unit) || is->unit.dimension == 0 || k->unit.dimension == 0)
        return number_close(&is->number, &k->number, 1.0);
    double factor = unit_factor(k->unit, is->unit);
    if (factor != 0)
        return number_close(&is->number, &k->number, factor);
    struct analyte_limit a;
    struct analyte_limit b;
    uint16_t analyte = analyte_of(d, g, k);
    if (analyte == ANALYTE_NONE || !analytes_limit(d->analytes, analyte, k->unit, &a) || !analytes_limit(d->analytes, analyte, is->unit, &b) ||
        a.high <= 0)
        return -1;
    double x = number_value(&is->number); /* mass and moles: the limits of the table stand to each other as the units do */
    double y = number_value(&k->number) * (b.high / a.high);
    double distance = x > y ? x - y : y - x;
    return distance <= 0.03 * (x > 0 ? x : -x) + 0.5 ? 1 : 0;
}

struct comparison {
    bool changed[PART_COUNT];
    bool same[PART_COUNT];
};

/* Rounded or converted, so that it can lie on the other side of a limit. */
static bool is_rounded(const struct seen_result *is, const struct seen_result *was)
{
    bool fewer = is->number.decimals < was->number.decimals || !unit_same(is->unit, was->unit);
    return is->numeric && was->numeric && fewer && is->exact != was->exact;
}

static struct comparison compare(const struct gathered *g, const struct seen_result *k, int value)
{
    struct comparison c = {0};
    const struct seen_result *is = &g->is;
    bool here_final = is->status == STATUS_FINAL || is->status == STATUS_CORRECTED;
    bool unit = unit_same(is->unit, k->unit);
    enum part values = is->numeric && k->numeric ? PART_VALUE : PART_TEXT;
    bool several = g->several || k->several;
    c.same[values] = value == 1;
    c.changed[values] = value == 0;
    c.same[PART_UNIT] = unit;
    /* the number stayed and its unit did not: that is a change, and a value that was converted is none */
    c.changed[PART_UNIT] = !unit && (several ? is->exact == k->exact
                                             : is->numeric && k->numeric && is->number.digits != 0 && number_close(&is->number, &k->number, 1.0));
    if (c.changed[PART_UNIT])
        c.changed[values] = false;
    if (several)
        return c;
    c.same[PART_FLAG] = is->flag == k->flag;
    c.changed[PART_FLAG] = is->flag != k->flag && !(value == 1 && is_rounded(is, k) && g->fits == 1); /* it is that of the rounded value */
    c.same[PART_RANGE] = is->range == k->range;
    c.changed[PART_RANGE] = unit && is->range != k->range; /* it goes with the unit */
    c.same[PART_STATUS] = is->status == k->status;
    bool both_timed = is->observed != 0 && k->observed != 0;
    c.same[PART_TIME] = both_timed && k->observed == is->observed;
    c.changed[PART_TIME] = both_timed && !c.same[PART_TIME];
    c.changed[PART_STATUS] = is->status != k->status && !(k->status == STATUS_PRELIMINARY && here_final);
    return c;
}

static const struct {
    const char *title;
    enum severity severity;
} words[PART_COUNT] = {
    [PART_VALUE] = {"A result of test {2} reached {1} from {0} with another value than the one that was sent.", SEVERITY_CRITICAL},
    [PART_UNIT] = {"A result of test {2} reached {1} from {0} in another unit than the one that was sent, with its number unchanged.",
                   SEVERITY_CRITICAL},
    [PART_FLAG] = {"A result of test {2} reached {1} from {0} with another flag than the one that was sent.", SEVERITY_HIGH},
    [PART_RANGE] = {"A result of test {2} reached {1} from {0} with another reference range than the one that was sent.", SEVERITY_HIGH},
    [PART_TEXT] = {"A result of test {2} reached {1} from {0} with other words than the ones that were sent.", SEVERITY_HIGH},
    [PART_STATUS] = {"A result of test {2} reached {1} from {0} with another status than the one that was sent.", SEVERITY_HIGH},
    [PART_TIME] = {"A result of test {2} reached {1} from {0} with another time of measurement than the one that was sent.", SEVERITY_HIGH},
};

static const char *const part_names[PART_PATIENT] = {"value", "unit", "flag", "range", "status", "text", "time"};

/* A result, and what was said of it on the link that it came from. */
struct pair {
    struct gathered *here;
    const struct seen_result *there;
    const struct sent *sent;
    struct path *path;
    bool backward; /* it came from here, and was told later */
};

/* tell: it was not found of this result before; first: it is the first part of it that changed */
static void altered(struct detect *d, const struct record *r, const struct pair *pair, enum part part, bool tell, bool first)
{
    UNCLEARED struct parties p;
    const struct gathered *g = pair->here;
    const struct sent *s = pair->sent;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    const struct group *of = &d->open.groups[g->group];
    link_text(open_link(d), &p);
    bool each = part != PART_STATUS && part != PART_TIME; /* that is done to a whole message */
    const struct span more[] = {span_of(of->name, of->name_n), each ? test_name(g->habit) : SPAN_LIT("all"), span_str(part_names[part])};
    struct finding f = {
        .kind = KIND_RESULT_ALTERED_IN_TRANSIT,
        .severity = words[part].severity,
        .title = words[part].title,
        .advice =
            "Do not act on this result. Compare the value in the LIS with the analyzer's own display or printout, and tell the physician if a wrong "
            "value went out. Then have {0} and all that lies between it and the analyzer examined: something there changes results.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), test_name(g->habit)},
        .n_subjects = 3,
        .also = message_id_text(s->flow, s->direction, s->ordinal, also),
        .also_flow = s->flow,
        .cause = cause_on(&cause, &p, more, 3),
    };
    if (r != NULL && tell)
        finding_put(d, r, &f);
    step_one(d, r, &(struct step){.verdict = "changed", .changed = part_names[part], .finding = first ? &f : NULL, .backward = pair->backward}, g,
             pair->there);
    buf_release(&cause);
}

/* Was a part changed that is not, on this path? */
static bool judge_parts(struct detect *d, const struct record *r, const struct pair *pair, const struct comparison *c, size_t others_same)
{
    struct path *p = pair->path;
    struct gathered *here = pair->here;
    bool any = false;
    for (enum part part = PART_VALUE; part < PART_PATIENT; part++) {
        bool own = part == PART_RANGE && !here->habit->ranged && !path_is_twin(d, p); /* whoever passes it on has a range for this test */
        if (c->changed[part] && !own) {
            bool value = part == PART_VALUE || part == PART_UNIT;
            bool text = part == PART_TEXT && p->same[part] > 0 && p->changed[part] == 0;
            bool known = path_keeps(d, p, part, value ? PATH_KNOWN : MANY) || ((value || text) && others_same >= TRUSTED && p->changed[part] <= 1);
            if (known)
                altered(d, r, pair, part, !here->told, !any);
            here->told = here->told || known;
            any = any || known;
        }
        p->changed[part] += c->changed[part] && !own;
        p->same[part] += c->same[part];
    }
    here->habit->ranged |= c->same[PART_RANGE] && here->is.range != 0;
    return any;
}

/* All results of the group that have a counterpart there fared alike. */
static void group_step(struct detect *d, const struct record *r, const struct group *group, const struct sent *there, struct step *step)
{
    step->backward = origin_is_backward(d, there->link);
    step->n = 0;
    for (size_t i = group->from; d->options.follow && i < group->to; i++) {
        const struct gathered *g = &d->open.all[i];
        const struct seen_result *k = g->group == group - d->open.groups ? g->there : NULL;
        if (k != NULL)
            step_add(d, r, step, place_here(d, g), sent_at(d, k->sent), place_there(d, k));
    }
    step_put(d, r, step);
}

/* ── patients ── */

static struct digest merge_key(const struct detect *d, uint64_t a, uint64_t b)
{
    return (struct digest){.a = (a + b) ^ d->key.k1, .b = (a ^ b) * UINT64_C(0x9e3779b97f4a7c15) ^ d->key.k0 ^ 'M'};
}

void custody_merge(struct detect *d, struct span patient, struct span prior, tq_time now)
{
    uint64_t a = identity_digest(&d->key, patient);
    uint64_t b = identity_digest(&d->key, prior);
    if (a != 0 && b != 0)
        (void)memo_put(d->specimens, merge_key(d, a, b), now, NULL);
}

static void wrong_patient(struct detect *d, const struct record *r, const struct group *g, const struct sent *s, const char *title,
                          enum severity severity)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(open_link(d), &p);
    const struct span more = span_of(g->name, g->name_n);
    struct finding f = {
        .kind = KIND_RESULT_WRONG_PATIENT,
        .severity = severity,
        .title = title,
        .advice = "Hold the results of this specimen and find out whose it is: look at the label of the tube and at the order. If no one in the lab "
                  "joined or "
                  "renamed patients, somebody may be changing messages between {0} and {1}.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .also = s == NULL ? (struct span){0} : message_id_text(s->flow, s->direction, s->ordinal, also),
        .also_flow = s == NULL ? 0 : s->flow,
        .cause = cause_on(&cause, &p, &more, 1),
    };
    if (r != NULL)
        finding_put(d, r, &f);
    if (s != NULL && s->link != d->open.link)
        group_step(d, r, g, s, &(struct step){.verdict = "changed", .changed = "patient", .finding = &f});
    buf_release(&cause);
}

static bool other_patient(const struct detect *d, uint64_t a, uint64_t b)
{
    return a != 0 && b != 0 && a != b && memo_get(d->specimens, merge_key(d, a, b)) == NULL;
}

/* Numbers so short come again with other patients. */
#define SPECIMEN_LEAST 5

static bool was_here(const struct detect *d, const struct group *g)
{
    const struct specimen *s = g->of;
    for (size_t i = 0; s != NULL && i < SIGHTINGS; i++)
        if (s->seen[i].used && s->seen[i].link == d->open.link)
            return true;
    return false;
}

static void judge_patient_here(struct detect *d, const struct record *r, const struct group *g)
{
    struct link *l = open_link(d);
    const struct specimen *s = g->of;
    if (g->patient == 0)
        return;
    if ((s == NULL || !s->control) && l->controls > 0 && identity_is_control(span_of(g->name, g->name_n)))
        wrong_patient(d, r, g, NULL, "{0} sent to {1} a result as that of a patient, of a specimen that is called like a quality control.",
                      SEVERITY_MEDIUM);
    if (s == NULL)
        return;
    if (s->control && g->name_n > 0) {
        wrong_patient(d, r, g, NULL, "{0} sent to {1} a result of a quality control as that of a patient.", SEVERITY_HIGH);
        return;
    }
    for (size_t i = 0; i < SIGHTINGS; i++) {
        if (!s->seen[i].used || s->seen[i].link != d->open.link || s->seen[i].patient == 0)
            continue;
        if (!other_patient(d, g->patient, s->seen[i].patient)) {
            l->patients_same++;
            continue;
        }
        bool usual = l->patients_other > 1 + l->patients_same / 50;
        if (!usual && g->name_n >= SPECIMEN_LEAST)
            wrong_patient(d, r, g, sent_at(d, s->seen[i].sent), "{0} sent to {1} results of one specimen for two different patients.",
                          SEVERITY_CRITICAL);
        l->patients_other++;
    }
    bool ordered_other = s->order_at != 0 && other_patient(d, g->patient, s->order_patient);
    if (ordered_other && l->ordered >= MANY && l->patients_other <= 1 + l->ordered / 50)
        wrong_patient(d, r, g, NULL, "{0} sent to {1} results of a specimen for another patient than it was ordered for.", SEVERITY_CRITICAL);
}

static void judge_patient_on(struct detect *d, const struct record *r, const struct group *g, const struct sent *s, struct path *p)
{
    if (g->patient == 0 || s->patient == 0)
        return;
    bool other = other_patient(d, g->patient, s->patient);
    if (other && path_keeps(d, p, PART_PATIENT, PATIENTS_KNOWN))
        wrong_patient(d, r, g, s, "{0} passed results on to {1} for another patient than the one that they came for.", SEVERITY_CRITICAL);
    p->changed[PART_PATIENT] += other;
    p->same[PART_PATIENT] += !other;
}

/* ── specimens ── */

static void renumbered(struct detect *d, const struct record *r, const struct group *g, const struct sent *s)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(open_link(d), &p);
    const struct span more[] = {span_of(g->name, g->name_n), SPAN_LIT("specimen")};
    struct finding f = {
        .kind = KIND_RESULT_ALTERED_IN_TRANSIT,
        .severity = SEVERITY_CRITICAL,
        .title = "Results reached {1} from {0} under another specimen number than the one that was sent.",
        .advice = "Hold these results and find out whose they are: compare the numbers on the tube, on the analyzer and in the LIS. Then have {0} "
                  "and all that lies "
                  "between it and the analyzer examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .also = message_id_text(s->flow, s->direction, s->ordinal, also),
        .also_flow = s->flow,
        .cause = cause_on(&cause, &p, more, 2),
    };
    if (r != NULL)
        finding_put(d, r, &f);
    group_step(d, r, g, s, &(struct step){.verdict = "changed", .changed = "specimen", .finding = &f});
    buf_release(&cause);
}

/* A specimen goes by several numbers (the tube's, the order's): do fewer of them agree than always do on this path? */
static void judge_numbers(struct detect *d, const struct record *r, const struct group *g, const struct sent *s, struct path *p)
{
    uint8_t both = 0;
    uint8_t here = 0;
    uint8_t there = 0;
    for (size_t i = 0; i < IDS; i++) {
        here += g->ids[i] != 0;
        there += s->ids[i] != 0;
        for (size_t k = 0; k < IDS; k++)
            both += g->ids[i] != 0 && g->ids[i] == s->ids[k];
    }
    if (both > p->numbers) {
        p->numbers = both;
        p->same[PART_SPECIMEN] = p->changed[PART_SPECIMEN] = 0;
    }
    bool changed = both < p->numbers && here >= p->numbers && there >= p->numbers;
    if (changed && path_keeps(d, p, PART_SPECIMEN, MANY))
        renumbered(d, r, g, s);
    p->changed[PART_SPECIMEN] += changed;
    p->same[PART_SPECIMEN] += both == p->numbers;
}

/* ── what else a message says of a specimen ── */

static const struct {
    const char *title;
    const char *changed;
    enum severity severity;
    enum kind kind;
} mark_words[PART_MARKS] = {
    [PART_NAME - PART_NAME] = {"{0} passed results on to {1} under another patient's name than the one that they came with.", "name",
                               SEVERITY_CRITICAL, KIND_RESULT_WRONG_PATIENT},
    [PART_BORN - PART_NAME] = {"{0} passed results on to {1} with another date of birth than the one that they came with.", "born", SEVERITY_HIGH,
                               KIND_RESULT_WRONG_PATIENT},
    [PART_SEX - PART_NAME] = {"{0} passed results on to {1} with another sex of the patient than the one that they came with.", "sex", SEVERITY_HIGH,
                              KIND_RESULT_WRONG_PATIENT},
    [PART_MATERIAL - PART_NAME] = {"Results reached {1} from {0} as those of another kind of specimen than the one that was sent.", "material",
                                   SEVERITY_HIGH, KIND_RESULT_ALTERED_IN_TRANSIT},
    [PART_NOTE - PART_NAME] = {"A comment on results was changed, added or taken out before they reached {1} from {0}.", "comment", SEVERITY_MEDIUM,
                               KIND_RESULT_ALTERED_IN_TRANSIT},
};

static void mark_changed(struct detect *d, const struct record *r, const struct group *g, const struct sent *s, size_t which)
{
    UNCLEARED struct parties p;
    char also[MESSAGE_ID_TEXT];
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(open_link(d), &p);
    const struct span more[] = {span_of(g->name, g->name_n), span_str(mark_words[which].changed)};
    struct finding f = {
        .kind = mark_words[which].kind,
        .severity = mark_words[which].severity,
        .title = mark_words[which].title,
        .advice =
            "Hold these results until both messages are compared: what the analyzer sent counts. If nobody changed the settings of {0}, have it "
            "and all that "
            "lies between it and the analyzer examined.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text)},
        .n_subjects = 2,
        .also = message_id_text(s->flow, s->direction, s->ordinal, also),
        .also_flow = s->flow,
        .cause = cause_on(&cause, &p, more, 2),
    };
    if (r != NULL)
        finding_put(d, r, &f);
    group_step(d, r, g, s, &(struct step){.verdict = "changed", .changed = mark_words[which].changed, .finding = &f});
    buf_release(&cause);
}

static void judge_marks(struct detect *d, const struct record *r, const struct group *g, const struct sent *s, struct path *p)
{
    if (!is_marked(d) || !s->marked)
        return;
    for (size_t i = 0; i < PART_MARKS; i++) {
        uint32_t here = mark_of(d, i);
        uint32_t there = s->marks[i];
        enum part part = (enum part)(PART_NAME + i);
        bool changed = here != there;
        if (here == 0 && there == 0)
            continue;
        if (changed && path_keeps(d, p, part, PATIENTS_KNOWN))
            mark_changed(d, r, g, s, i);
        p->changed[part] += changed;
        p->same[part] += !changed;
    }
}

/* ── a specimen's results ── */

static void mark_gone_on(struct detect *d, struct seen_result *k, const struct gathered *g)
{
    struct sent *s = sent_at(d, k->sent);
    size_t nth = s == NULL ? SENT_TESTS : results_nth(d->results, k, s->first);
    k->went_on = true;
    if (nth < SENT_TESTS)
        s->went_on |= UINT64_C(1) << nth;
    if (!g->guessed)
        count_up(&g->habit->came_first);
}

/* A result that came from two taps in the wrong order: its origin is known after all. */
static void mark_came(const struct detect *d, const struct seen_result *k, struct sent *s, uint16_t link)
{
    struct habit *h = habit_at(d, k->habit);
    s->came = true;
    s->origin = link;
    if (h->test == k->test && h->link == s->link) {
        count_up(&h->came_first);
        h->came_alone -= h->came_alone > 0;
    }
}

static int agreement(struct detect *d, const struct sent *s, const struct gathered *g, const struct seen_result *k)
{
    const struct seen_result *is = &g->is;
    int agrees = values_agree(d, g, k);
    bool numbers = is->numeric && k->numeric && is->number.comparator == k->number.comparator && !g->several && !k->several;
    bool measures = is->unit.dimension != 0 && k->unit.dimension != 0 && is->unit.dimension != k->unit.dimension;
    return numbers && measures ? passage_factor(d, s, g, k, agrees) : agrees;
}

static size_t pair_up(struct detect *d, const struct sent *s, struct gathered *g, struct seen_result *k, uint64_t *open)
{
    size_t nth = results_nth(d->results, k, s->first);
    *open &= nth < SENT_TESTS ? ~(UINT64_C(1) << nth) : UINT64_MAX;
    g->there = k;
    g->agrees = (int8_t)agreement(d, s, g, k);
    return g->agrees == 1;
}

/* Results that have no counterpart by their codes; open: those there, bit by bit. How many say the same here, or seem to. */
static size_t find_renamed(struct detect *d, uint16_t number, const struct sent *s, uint64_t open)
{
    const struct group *group = &d->open.groups[number];
    size_t same = 0;
    for (int guess = 0; guess < 2; guess++)
        for (size_t i = group->from; i < group->to && open != 0; i++) {
            struct gathered *g = &d->open.all[i];
            if (g->group != number || !g->kept || g->there != NULL || g->merged)
                continue;
            struct seen_result *k = guess == 0 ? passage_known(d, s, open, g) : passage_guess(d, s, open, g);
            same += k == NULL ? 0 : pair_up(d, s, g, k, &open);
        }
    return same;
}

/* Finds what the other link said of the group's results. How many say the same here. */
static size_t find_counterparts(struct detect *d, uint16_t number, const struct sent *s)
{
    const struct group *group = &d->open.groups[number];
    uint64_t open = s->n < SENT_TESTS ? (UINT64_C(1) << s->n) - 1 : UINT64_MAX;
    bool all = true;
    size_t same = 0;
    size_t next = 0;
    for (size_t i = group->from; i < group->to; i++) {
        struct gathered *g = &d->open.all[i];
        if (g->group != number || !g->kept)
            continue;
        struct seen_result *k = counterpart(d, s, g, next < s->n ? next : 0);
        all = all && k != NULL;
        if (k == NULL)
            continue;
        next = results_nth(d->results, k, s->first) + 1;
        same += pair_up(d, s, g, k, &open);
    }
    return all ? same : same + find_renamed(d, number, s, open);
}

/* Results that went on, by how they compare. */
struct followed {
    struct step same;
    struct step converted;
    struct step unclear;
};

static void follow_start(struct followed *f, bool backward)
{
    static const char *const verdicts[] = {"same", "converted", "unclear"};
    struct step *const all[] = {&f->same, &f->converted, &f->unclear};
    for (size_t i = 0; i < 3; i++) { /* the rows are large, and written before they are read */
        all[i]->verdict = verdicts[i];
        all[i]->changed = NULL;
        all[i]->finding = NULL;
        all[i]->other = NULL;
        all[i]->backward = backward;
        all[i]->n = 0;
    }
}

/* What is not known to be kept on this path (a value of its first messages) is no change yet; that it arrived as sent can't be said either. */
static void follow_add(struct detect *d, const struct record *r, struct followed *f, const struct pair *p, const struct comparison *c)
{
    bool same = c->same[PART_VALUE] || c->same[PART_TEXT];
    struct step *s = !same || c->changed[PART_UNIT] ? &f->unclear : c->same[PART_UNIT] ? &f->same : &f->converted;
    step_add(d, r, s, place_here(d, p->here), sent_at(d, p->there->sent), place_there(d, p->there));
}

static void follow_end(struct detect *d, const struct record *r, struct followed *f)
{
    step_put(d, r, &f->same);
    step_put(d, r, &f->converted);
    step_put(d, r, &f->unclear);
}

/* The results of a group whose specimen was seen on another link. */
static void follow(struct detect *d, const struct record *r, uint16_t number, const struct sighting *from)
{
    struct group *group = &d->open.groups[number];
    struct sent *s = sent_at(d, from->sent);
    bool backward = origin_is_backward(d, from->link);
    size_t same = find_counterparts(d, number, s);
    struct path *p = links_path(d->links, backward ? d->open.link : from->link, backward ? from->link : d->open.link, same > 0);
    if (p == NULL)
        return;
    tq_time delay = backward ? s->time - d->open.time : d->open.time - s->time;
    bool gone = false;
    UNCLEARED struct followed followed;
    follow_start(&followed, backward);
    for (size_t i = group->from; i < group->to; i++) {
        struct gathered *g = &d->open.all[i];
        struct seen_result *k = g->group == number ? g->there : NULL;
        if (k == NULL)
            continue;
        struct comparison c = compare(g, k, g->agrees);
        const struct pair pair = {.here = g, .there = k, .sent = s, .path = p, .backward = backward};
        if (g->guessed || !judge_parts(d, r, &pair, &c, same - (c.same[PART_VALUE] || c.same[PART_TEXT])))
            follow_add(d, r, &followed, &pair, &c);
        gone = true;
        g->came = !backward;
        group->origin = backward ? group->origin : from->link;
        group->full = s->n == SENT_TESTS;
        if (backward) {
            g->is.went_on = true;
            mark_came(d, k, s, d->open.link);
        } else {
            mark_gone_on(d, k, g);
        }
    }
    follow_end(d, r, &followed);
    if (gone && !backward)
        path_used(d, p, s, delay);
    if (!gone)
        return;
    judge_patient_on(d, r, group, s, p);
    judge_numbers(d, r, group, s, p);
    judge_marks(d, r, group, s, p);
}

/* Keeps what the group sent, for the links that its results go on to. */
static void remember(struct detect *d, const struct record *r, uint16_t number)
{
    struct group *group = &d->open.groups[number];
    struct sent *s = sent_new(d, r, group);
    group->sent = s->number;
    s->before = sent_before(d, group);
    open_link(d)->sent_last = s->number;
    for (size_t i = group->from; i < group->to; i++) {
        struct gathered *g = &d->open.all[i];
        bool is_new;
        if (g->group != number || !g->kept)
            continue;
        g->is.sent = s->number;
        g->is.place = (uint16_t)place_here(d, g);
        struct seen_result *k = results_add(d->results, &g->is, &is_new);
        if (!is_new) { /* it came several times in this message, under codes that mean the same */
            k->several = k->several || k->exact != g->is.exact;
            continue;
        }
        if (s->n == SENT_TESTS)
            continue;
        s->went_on |= (uint64_t)g->is.went_on << s->n;
        s->final |= (uint64_t)(g->is.status == STATUS_FINAL || g->is.status == STATUS_CORRECTED) << s->n;
        g->nth = s->n++;
    }
    const struct sighting now = {.link = d->open.link, .sent = s->number, .patient = group->patient, .used = true};
    for (size_t i = 0; i < IDS && group->ids[i] != 0; i++)
        note_sighting(i == 0 && group->of != NULL ? group->of : specimen_put(d, group->ids[i], d->open.time), now);
    s->settled = group->control;
    if (!group->control)
        path_wait(d, s);
}

/* Controls need not go on; those that do are compared like patients' results. They come under one number again and again, from several analyzers:
 * what was measured at the same time is the same. */
static void judge_control(struct detect *d, const struct record *r, uint16_t number)
{
    struct group *group = &d->open.groups[number];
    for (size_t i = group->from; i < group->to; i++)
        d->open.all[i].kept = d->open.all[i].kept || (d->open.all[i].group == number && d->open.all[i].habit->code_n > 0);
    group->origin = LINK_NONE;
    const struct sighting *from = origin_of(d, number);
    const struct sent *s = from == NULL ? NULL : sent_at(d, from->sent);
    uint32_t observed = d->open.all[group->from].is.observed;
    const struct sighting copy = s == NULL ? (struct sighting){0} : *from;
    if (copy.used && s->n > 0 && observed != 0 && sent_result(d, s, 0)->observed == observed)
        follow(d, r, number, &copy);
    remember(d, r, number);
}

void judge_custody(struct detect *d, const struct record *r)
{
    uint32_t first = d->sent_next;
    for (uint16_t i = 0; i < d->open.groups_n; i++) {
        struct group *group = &d->open.groups[i];
        if (group->ids[0] == 0)
            continue;
        if (group->control) {
            count_up(&open_link(d)->controls);
            step_control(d, r, i);
            judge_control(d, r, i);
            if (group->patient == 0)
                specimen_put(d, group->ids[0], d->open.time)->control = true;
            continue;
        }
        group->before_here = was_here(d, group);
        judge_patient_here(d, r, group);
        group->origin = LINK_NONE;
        const struct sighting *from = origin_of(d, i);
        if (from == NULL && renumber_find(d, i))
            from = origin_of(d, i);
        struct sighting copy = from == NULL ? (struct sighting){0} : *from;
        copy.sent = copy.used ? outrun(d, i, copy.sent) : 0;
        if (copy.used)
            follow(d, r, i, &copy);
        remember(d, r, i);
        path_judge_origin(d, i);
    }
    answer_expect(d, first + 1, d->sent_next - first);
}
