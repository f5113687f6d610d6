/* How a test goes on from one link to the next, where neither its code nor the units say it: under which other code a middleware passes it on, and by
 * which factor it converts what it measured. Both are learnt from results that agree. */
#include "engine/detect/detect_private.h"

#define NAMES_LEARNT 3    /* so many different values under another code, all the same as what was sent, before it counts as the name of the test */
#define FACTOR_SHARE 0.02 /* … of the value, beside rounding */
#define FACTORS_LEARNT 3  /* so many values in a row that were converted by the same factor */

/* A test on a link, and the link that it comes from. */
struct passage {
    uint64_t test;  /* digest of its code there; 0: not known */
    uint32_t exact; /* the latest value that agreed */
    uint8_t names;  /* how many different ones did */
    uint8_t factors;
    double here; /* sums of values that were converted by the same factor */
    double there;
};

struct memo *passages_new(void)
{
    return memo_new(PASSAGES_MAX, sizeof(struct passage));
}

static struct digest passage_key(const struct detect *d, uint64_t test, const struct sent *from)
{
    uint64_t ends = open_link(d)->key ^ links_at(d->links, from->link)->key * UINT64_C(0x9e3779b97f4a7c15);
    return (struct digest){.a = test ^ ends, .b = (test * UINT64_C(0xff51afd7ed558ccd) ^ ends) + d->key.k0};
}

/* ── names ── */

/* One of these results is what g was, as far as values can tell; *ret_n: how many are. */
static struct seen_result *alike(const struct detect *d, const struct sent *s, uint64_t open, const struct gathered *g, size_t *ret_n)
{
    struct seen_result *found = NULL;
    *ret_n = 0;
    for (size_t i = 0; i < s->n; i++) {
        struct seen_result *k = sent_result(d, s, i);
        if ((open >> i & 1) == 0 || k->numeric != g->is.numeric || values_agree(d, g, k) != 1)
            continue;
        found = k;
        ++*ret_n;
    }
    return found;
}

/* Does another result of the group, whose origin is not known either, say the same? */
static bool doubled(const struct detect *d, const struct gathered *g)
{
    const struct group *group = &d->open.groups[g->group];
    for (size_t i = group->from; i < group->to; i++) {
        const struct gathered *o = &d->open.all[i];
        if (o != g && o->group == g->group && o->there == NULL && o->is.exact == g->is.exact)
            return true;
    }
    return false;
}

static struct seen_result *named(const struct detect *d, const struct sent *s, uint64_t open, uint64_t test)
{
    for (size_t i = 0; i < s->n; i++)
        if ((open >> i & 1) != 0 && sent_result(d, s, i)->test == test)
            return sent_result(d, s, i);
    return NULL;
}

static struct passage *passage_of(struct detect *d, const struct sent *s, const struct gathered *g)
{
    return memo_put(d->passages, passage_key(d, g->is.test, s), d->open.time, NULL);
}

struct seen_result *passage_known(struct detect *d, const struct sent *s, uint64_t open, const struct gathered *g)
{
    const struct passage *p = passage_of(d, s, g);
    return p->names < NAMES_LEARNT ? NULL : named(d, s, open, p->test);
}

struct seen_result *passage_guess(struct detect *d, const struct sent *s, uint64_t open, struct gathered *g)
{
    struct passage *p = passage_of(d, s, g);
    size_t n;
    if (p->names >= NAMES_LEARNT || g->document || g->is.exact == 0)
        return NULL; /* it is known, and was not sent; or there is nothing to compare */
    struct seen_result *k = alike(d, s, open & ~s->went_on, g, &n);
    const struct seen_result *before = p->test == 0 ? NULL : named(d, s, open, p->test);
    if (before != NULL && values_agree(d, g, before) != 1) { /* it was chance */
        p->test = 0;
        p->names = 0;
    }
    struct link *l = open_link(d);
    if (n != 1 || doubled(d, g)) {
        g->doubtful = n > 0 || g->habit->renamed || (l->renames && g->habit->came_first == 0);
        return NULL;
    }
    if (p->test != k->test)
        *p = (struct passage){.test = k->test};
    p->names += p->exact != g->is.exact; /* a value that never changes says nothing */
    p->exact = g->is.exact;
    g->guessed = p->names < NAMES_LEARNT;
    k->guessed = g->guessed;
    if (!g->guessed) {
        g->habit->came_alone = 0; /* those before came from there too */
        g->habit->renamed = true;
        l->renames = true;
    }
    return k;
}

/* ── factors ── */

/* Is here as many times there as is usual, but for rounding? */
static bool is_usual(const struct passage *p, const struct number *here, const struct number *there)
{
    double factor = p->here / p->there;
    double x = number_value(here);
    double distance = x - factor * number_value(there);
    double most = FACTOR_SHARE * (x < 0 ? -x : x) + number_half_step(here) + factor * number_half_step(there);
    return (distance < 0 ? -distance : distance) <= most;
}

int passage_factor(struct detect *d, const struct sent *s, const struct gathered *g, const struct seen_result *k, int agrees)
{
    const struct number *here = &g->is.number;
    const struct number *there = &k->number;
    if (here->digits <= 0 || there->digits <= 0)
        return agrees;
    struct passage *p = passage_of(d, s, g);
    bool usual = p->factors > 0 && is_usual(p, here, there);
    if (!usual && agrees != 1 && p->factors >= FACTORS_LEARNT)
        return 0;
    if (!usual) {
        p->here = p->there = 0;
        p->factors = 0;
    }
    p->here += number_value(here);
    p->there += number_value(there);
    p->factors = agrees == 1 ? FACTORS_LEARNT : p->factors < FACTORS_LEARNT ? (uint8_t)(p->factors + 1) : p->factors;
    return p->factors < FACTORS_LEARNT ? -1 : 1;
}
