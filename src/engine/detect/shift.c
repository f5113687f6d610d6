/* One test that moves for many patients at once (result.shift): what is left of a change so small that no single result shows it.
 *
 * Patient-based quality control as the field knows it: the median of a block of patients (a moving median resists the very ill: Fleming and Katayev,
 * "Changing the paradigm of laboratory quality control through implementation of real-time test results monitoring", Clin Biochem 2015;48:508), and
 * sums of the blocks' deviations from the long-run mean (CUSUM: Page, Biometrika 1954;41:100), which find a lasting small shift sooner than single
 * limits do (for laboratories: Westgard et al., Clin Chem 1977;23:1881; on the choice of block and truncation: Badrick et al., "Patient-based
 * real-time quality control", Clin Chem 2019;65:962). The spread of a block's median is taken from the spread within blocks (medians of n values of a
 * normal population spread by 1.2533 s / sqrt(n)) or from how the medians themselves have spread, whichever is more: patients are no normal
 * population. */
#include "engine/detect/detect_private.h"

#include <math.h>

#define LEARN_BLOCKS 16     /* 192 values of different patients */
#define SLACK 1.25F         /* CUSUM's k, in spreads of a block's median: half of the shift that matters */
#define LIMIT 10.0F         /* and its h */
#define STEP_MAX 3.0F       /* what one block can add: a single odd block is no shift */
#define FOLLOW 0.02F        /* how fast what is usual follows */
#define TO_DEVIATION 1.349F /* the width of the middle half of a normal population */
#define OF_MEDIAN 1.2533F
#define ROOT_BLOCK 3.4641F /* sqrt(12) */
#define CAUSE_MAX 512

_Static_assert(SHIFT_BLOCK == 12, "the root above is of the block");

static void shifted(struct detect *d, const struct record *r, const struct gathered *g, bool up)
{
    UNCLEARED struct parties p;
    struct buf cause = BUF_INIT(CAUSE_MAX);
    link_text(open_link(d), &p);
    const struct span more[] = {test_name(g->habit), up ? SPAN_LIT("up") : SPAN_LIT("down")};
    struct finding f = {
        .kind = KIND_RESULT_SHIFT,
        .severity = SEVERITY_MEDIUM,
        .title = up ? "Results of test {2} from {0} to {1} have become higher for many patients at once."
                    : "Results of test {2} from {0} to {1} have become lower for many patients at once.",
        .advice = "Run a quality control of this test. If it has moved too, the device needs care (calibration, reagent). If it has not, something "
                  "between {0} and "
                  "{1} changes the results: compare some of them with the display of the device.",
        .technique = "T1565.002",
        .subjects = {span_str(p.sender_text), span_str(p.receiver_text), test_name(g->habit)},
        .n_subjects = 3,
        .cause = cause_on(&cause, &p, more, 2),
    };
    if (r != NULL)
        finding_put(d, r, &f);
    buf_release(&cause);
}

/* A block is too short for qsort to pay. */
static void sort_block(float v[SHIFT_BLOCK])
{
    for (size_t i = 1; i < SHIFT_BLOCK; i++) {
        float x = v[i];
        size_t k = i;
        for (; k > 0 && v[k - 1] > x; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

static float absolute(float x)
{
    return x < 0 ? -x : x;
}

/* A block is full: its median is held against what is usual. */
static void judge_block(struct detect *d, const struct record *r, const struct gathered *g)
{
    struct habit *h = g->habit;
    float sorted[SHIFT_BLOCK];
    for (size_t i = 0; i < SHIFT_BLOCK; i++)
        sorted[i] = h->block[i];
    sort_block(sorted);
    float median = (sorted[SHIFT_BLOCK / 2 - 1] + sorted[SHIFT_BLOCK / 2]) / 2;
    float middle = sorted[SHIFT_BLOCK * 3 / 4 - 1] + sorted[SHIFT_BLOCK * 3 / 4] - sorted[SHIFT_BLOCK / 4 - 1] - sorted[SHIFT_BLOCK / 4];
    float spread = middle / 2 / TO_DEVIATION * OF_MEDIAN / ROOT_BLOCK;
    float weight = h->blocks < LEARN_BLOCKS ? 1.0F / (float)(h->blocks + 1) : FOLLOW;
    bool learning = h->blocks < LEARN_BLOCKS;
    count_up(&h->blocks);
    float usual = h->spread * h->spread > h->medians ? h->spread : sqrtf(h->medians);
    if (!learning && usual > 0) {
        float z = (median - h->mean) / usual;
        z = z > STEP_MAX ? STEP_MAX : z < -STEP_MAX ? -STEP_MAX : z;
        h->up = h->up + z - SLACK > 0 ? h->up + z - SLACK : 0;
        h->down = h->down - z - SLACK > 0 ? h->down - z - SLACK : 0;
        bool up = h->up > LIMIT;
        bool down = h->down > LIMIT;
        if ((up || down) && !h->shifted)
            shifted(d, r, g, up);
        h->shifted = h->shifted ? h->up + h->down > 0 : up || down;
    }
    if (learning || (h->up == 0 && h->down == 0)) { /* a shift does not become the usual by lasting */
        float off = median - h->mean;
        h->mean += off * weight;
        h->medians += (off * off * (1 - weight) - h->medians) * weight;
        h->spread += (spread - h->spread) * weight;
    }
}

void judge_shift(struct detect *d, const struct record *r, struct gathered *g)
{
    struct habit *h = g->habit;
    const struct group *of = &d->open.groups[g->group];
    bool counts = g->is.numeric && g->is.number.comparator == COMPARES_EQUAL && g->is.status != STATUS_WITHDRAWN && !g->again && of->patient != 0 &&
                  h->n > 1 && (uint32_t)of->patient != h->block_patient && (g->is.unit.dimension == 0 || unit_same(h->unit, g->is.unit));
    if (!counts)
        return;
    h->block_patient = (uint32_t)of->patient;
    float v = (float)number_value(&g->is.number);
    if (absolute(v) > 1e12F)
        return;
    h->block[h->block_n++] = v;
    if (h->block_n < SHIFT_BLOCK)
        return;
    h->block_n = 0;
    judge_block(d, r, g);
}
