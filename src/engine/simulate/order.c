/* Where samples come from, and their life until an analyzer has them. */
#include "engine/simulate/lab.h"

#include <stdio.h>
#include <stdlib.h>

#define ORDER_MEAN (36 * TIME_SECOND)      /* between two samples for one analyzer, at the busiest */
#define SHIFT_SAMPLES 320                  /* of which three in four hold the test that will shift */
#define SHIFT_MEAN_LEAST (3 * TIME_SECOND) /* no analyzer takes samples faster */
#define CONTROL_MEAN (1500 * TIME_SECOND)  /* between two quality controls of one analyzer */
#define TAIL (150 * TIME_SECOND)           /* no new samples so long before the end, or in the last third of a short day */

struct sample *sample_new(struct simulate *s)
{
    struct sample *sample = calloc(1, sizeof *sample);
    if (sample == NULL) {
        s->failed = true;
        return NULL;
    }
    sample->next = s->samples;
    sample->link = &s->samples;
    if (s->samples != NULL)
        s->samples->link = &sample->next;
    s->samples = sample;
    sample->uses = 1;
    return sample;
}

void sample_release(struct simulate *s, struct sample *sample)
{
    (void)s;
    if (sample == NULL || --sample->uses > 0)
        return;
    *sample->link = sample->next;
    if (sample->next != NULL)
        sample->next->link = sample->link;
    free(sample);
}

/* The panels that each kind of analyzer runs. */
static enum panel pick_panel(struct simulate *s, enum analyzer_kind kind)
{
    static const enum panel chemistry[] = {PANEL_BMP, PANEL_BMP, PANEL_BMP, PANEL_LIVER};
    static const enum panel immunoassay[] = {PANEL_CARDIAC, PANEL_CARDIAC, PANEL_THYROID, PANEL_IRON};
    static const enum panel compact[] = {PANEL_A1C, PANEL_A1C, PANEL_CRP, PANEL_LIPID};
    uint32_t i = rng_below(&s->rng, 4);
    switch (kind) {
    case ANALYZER_CHEMISTRY: return chemistry[i];
    case ANALYZER_IMMUNOASSAY: return immunoassay[i];
    case ANALYZER_COMPACT: return compact[i];
    case ANALYZER_SERIAL_A1C: return PANEL_A1C;
    default: return PANEL_CBC;
    }
}

struct sample *order_make(struct simulate *s, struct analyzer *a, tq_time at)
{
    struct sample *sample = sample_new(s);
    if (sample == NULL)
        return NULL;
    uint32_t number = s->options.specimens_from + ++s->samples_made;
    uint64_t day = (uint64_t)(s->start / (86400 * TIME_SECOND));
    snprintf(sample->barcode, sizeof sample->barcode, "%03u%07u", (unsigned)(day % 1000), 1000 + number * 7 + rng_below(&s->rng, 6));
    snprintf(sample->order, sizeof sample->order, "ORD%07u", 500000 + number);
    snprintf(sample->step, sizeof sample->step, "WOS%07u", 700000 + number);
    sample->analyzer = a;
    sample->patient = &s->patients[rng_below(&s->rng, PATIENTS)];
    sample->panel = pick_panel(s, a->kind);
    sample->urgent = rng_one_in(&s->rng, 6);
    sample->comment = rng_one_in(&s->rng, 9) ? comment_make(&s->rng) : NULL;
    sample->collected = at - rng_between(&s->rng, 60 * TIME_SECOND, 1500 * TIME_SECOND);
    s->truth.results_ordered++;
    return sample;
}

/* Until the next sample for this analyzer, on average. A shift shows itself only among many patients: where one is staged, as many as it takes pass
 * through the chemistry analyzers in the third of the day before it. */
static tq_time order_mean(const struct simulate *s, const struct analyzer *a, tq_time at)
{
    tq_time mean = ORDER_MEAN * 1000 / lab_rate(at);
    tq_time needed = s->options.seconds * TIME_SECOND / 3 * (s->options.analyzers / 4) / SHIFT_SAMPLES;
    needed = needed < SHIFT_MEAN_LEAST ? SHIFT_MEAN_LEAST : needed;
    bool many = a->kind == ANALYZER_CHEMISTRY && s->options.attacks[ATTACK_SHIFT] > 0;
    return many && needed < mean ? needed : mean;
}

static struct analyzer *as_analyzer(void *what)
{
    return what;
}

void order_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct analyzer *a = as_analyzer(what);
    struct sample *sample = order_make(s, a, at);
    if (sample != NULL) {
        if (rng_one_in(&s->rng, 2))
            print_label(s, sample, at);
        if (a->kind != ANALYZER_COMPACT)
            middleware_order(s, sample, at + rng_between(&s->rng, 200 * TIME_MS, 900 * TIME_MS));
        lab_later(s, at + rng_between(&s->rng, 15 * TIME_SECOND, 60 * TIME_SECOND), analyzer_arrive, sample);
        sample_release(s, sample);
    }
    tq_time next = at + rng_wait(&s->rng, order_mean(s, a, at));
    int64_t third = s->options.seconds * TIME_SECOND / 3;
    if (next < s->end - (third < TAIL ? third : TAIL))
        lab_do(s, next, order_source, a);
}

void control_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct analyzer *a = as_analyzer(what);
    struct sample *sample = sample_new(s);
    if (sample != NULL) {
        sample->control_level = 1 + a->runs % 2;
        sample->analyzer = a;
        sample->panel = pick_panel(s, a->kind);
        sample->collected = at;
        snprintf(sample->barcode, sizeof sample->barcode, "QC%u-LOT%u", sample->control_level, 2200 + (unsigned)sample->panel);
        snprintf(sample->order, sizeof sample->order, "%s", "");
        snprintf(sample->step, sizeof sample->step, "QC%u", a->runs);
        lab_later(s, at + rng_between(&s->rng, 2 * TIME_SECOND, 8 * TIME_SECOND), analyzer_report, sample);
        sample_release(s, sample);
    }
    tq_time next = at + rng_wait(&s->rng, CONTROL_MEAN);
    if (next < s->end)
        lab_do(s, next, control_source, a);
}
