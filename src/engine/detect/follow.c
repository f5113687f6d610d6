/* What became of each result (result.followed), for those who show it: which results of one message are the same as which of another, and how they
 * fared. The other files decide that; here it is put together, results that fared alike in one record. */
#include "engine/detect/detect_private.h"

uint32_t place_here(const struct detect *d, const struct gathered *g)
{
    size_t place = d->open.judged + (size_t)(g - d->open.all);
    return place < NO_PLACE ? (uint32_t)place : NO_PLACE;
}

uint32_t place_there(const struct detect *d, const struct seen_result *k)
{
    return k == NULL || sent_at(d, k->sent) == NULL ? NO_PLACE : k->place;
}

static void put_rows(struct record *r, const struct step *s)
{
    for (size_t i = 0; i < s->n; i++)
        record_int(r, KEY_STEP_HERE, s->backward ? s->runs[i].there : s->runs[i].here);
    for (size_t i = 0; s->other != NULL && i < s->n; i++) {
        uint32_t there = s->backward ? s->runs[i].here : s->runs[i].there;
        record_int(r, KEY_STEP_THERE, there == NO_PLACE ? -1 : (int64_t)there);
    }
    for (size_t i = 0; i < s->n; i++)
        record_int(r, KEY_STEP_COUNT, s->runs[i].count);
}

/* message, other: ids, the later one first. */
static void put(struct detect *d, const struct flow_ref *flow, tq_time time, uint64_t seq, struct span message, struct span from, struct step *s)
{
    struct record *r = &d->step;
    record_start(r, EVENT_RESULT_FOLLOWED, time, flow);
    r->seq = seq;
    if (s->finding != NULL) {
        record_str(r, KEY_KIND, kind_names[s->finding->kind]);
        record_text(r, KEY_CAUSE, s->finding->cause);
    }
    record_text(r, KEY_MESSAGE, message);
    record_str(r, KEY_STEP_VERDICT, s->verdict);
    record_text(r, KEY_STEP_FROM, from);
    record_str(r, KEY_STEP_CHANGED, s->changed);
    put_rows(r, s);
    record_put(&d->options.sink, r);
}

void step_put(struct detect *d, const struct record *r, struct step *s)
{
    char text[MESSAGE_ID_TEXT];
    const struct gathering *o = &d->open;
    bool wanted = d->options.follow && d->options.sink.put != NULL && r != NULL && o->announced;
    if (s->n > 0 && wanted) {
        struct span here = span_of(o->id, o->id_n);
        struct span there = s->other == NULL ? (struct span){0} : message_id_text(s->other->flow, s->other->direction, s->other->ordinal, text);
        put(d, &r->flow, r->time, r->seq, s->backward ? there : here, s->backward ? here : there, s);
    }
    s->n = 0;
}

static bool goes_on(const struct step *s, uint32_t here, uint32_t there)
{
    if (s->n == 0)
        return false;
    uint32_t count = s->runs[s->n - 1].count;
    uint32_t first = s->runs[s->n - 1].there;
    return s->runs[s->n - 1].here + count == here && (there == NO_PLACE ? first == NO_PLACE : first != NO_PLACE && first + count == there);
}

void step_add(struct detect *d, const struct record *r, struct step *s, uint32_t here, const struct sent *other, uint32_t there)
{
    if (!d->options.follow || here == NO_PLACE || (s->backward && (other == NULL || there == NO_PLACE)))
        return;
    bool more = s->n > 0 && s->other == other && goes_on(s, here, there);
    if (s->n > 0 && (s->other != other || (!more && s->n == STEP_RUNS)))
        step_put(d, r, s);
    s->other = other;
    if (more) {
        s->runs[s->n - 1].count++;
        return;
    }
    s->runs[s->n].here = here;
    s->runs[s->n].there = there;
    s->runs[s->n].count = 1;
    s->n++;
}

void step_one(struct detect *d, const struct record *r, struct step *s, const struct gathered *g, const struct seen_result *from)
{
    step_add(d, r, s, place_here(d, g), from == NULL ? NULL : sent_at(d, from->sent), place_there(d, from));
    step_put(d, r, s);
}

void step_sent(struct detect *d, const struct sent *sent, uint64_t which, const char *verdict, const struct finding *f, const struct sent *from)
{
    struct step s = {.verdict = verdict, .changed = from == NULL ? NULL : "specimen", .finding = f};
    if (!d->options.follow || d->options.sink.put == NULL)
        return;
    for (size_t i = 0; i < sent->n && s.n < STEP_RUNS; i++)
        if ((which >> i & 1) != 0)
            step_add(d, NULL, &s, sent_result(d, sent, i)->place, from, NO_PLACE);
    if (s.n == 0)
        return;
    char here[MESSAGE_ID_TEXT];
    char there[MESSAGE_ID_TEXT];
    struct flow_ref flow = sent_flow(d, sent);
    put(d, &flow, d->now, sent->seq, message_id_text(sent->flow, sent->direction, sent->ordinal, here),
        from == NULL ? (struct span){0} : message_id_text(from->flow, from->direction, from->ordinal, there), &s);
}

void step_control(struct detect *d, const struct record *r, uint16_t number)
{
    struct step s = {.verdict = "control"};
    for (size_t i = 0; d->options.follow && i < d->open.n; i++)
        if (d->open.all[i].group == number)
            step_add(d, r, &s, place_here(d, &d->open.all[i]), NULL, NO_PLACE);
    step_put(d, r, &s);
}
