/* Results whose specimen's number was not seen before: middleware adds a letter or a container to it, or a check digit; a data manager of bedside
 * devices gives a number to what had none.
 *
 * 1. How a link's numbers differ from those under which its results came is learnt from specimens that say the same there. A rewriting adds and takes
 * away a fixed number of letters at either end, whatever they are; what it puts back is always the same.
 * 2. Results without a number are known by their patient and the second of their measurement. */
#include "engine/detect/detect_private.h"

#include <string.h>

#define CORE_LEAST 5       /* letters that both numbers have in common */
#define REWRITING_LEARNT 3 /* so many specimens before a number is believed that nothing else speaks for */
#define NUMBERS_LEAST 2    /* values that are the same */
#define LOOK_BACK 64       /* specimens of each link that are looked at */
#define SOUGHT_MANY 16     /* in vain; then only one in … */
#define SOUGHT_EACH 32     /* … so many is looked for */
#define STAMP 19           /* 2026-01-31T08:15:30 */

/* ── what has no number ── */

uint64_t moment_id(const struct detect *d, const struct result *t)
{
    uint8_t plain[8 + STAMP];
    if (t->patient.n == 0 || t->observed.n < STAMP)
        return 0;
    if (memcmp(t->observed.p + STAMP - 2, "00", 2) != 0)
        open_link(d)->seconds = true;
    else if (!open_link(d)->seconds) /* it may be one of several in this minute */
        return 0;
    uint64_t patient = identity_digest(&d->key, t->patient);
    memcpy(plain, &patient, 8);
    memcpy(plain + 8, t->observed.p, STAMP);
    return patient == 0 ? 0 : hash_bytes(&d->key, plain, sizeof plain) | 1;
}

/* ── numbers that are written anew ── */

/* A number without what identity_digest reads over (but zeros), in capitals. */
static size_t plain_number(const char *text, size_t n, char out[SPECIMEN_NAME])
{
    size_t to = 0;
    for (size_t i = 0; i < n && text[i] != '^'; i++)
        if (text[i] != ' ' && text[i] != '-')
            out[to++] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
    return to;
}

/* The longest text that both have. */
static size_t common(const char *a, size_t an, const char *b, size_t bn, size_t *ret_a, size_t *ret_b)
{
    uint8_t row[SPECIMEN_NAME + 1] = {0};
    size_t best = 0;
    for (size_t i = 0; i < an; i++)
        for (size_t k = bn; k-- > 0;) {
            row[k + 1] = a[i] == b[k] ? (uint8_t)(row[k] + 1) : 0;
            if (row[k + 1] > best) {
                best = row[k + 1];
                *ret_a = i + 1 - best;
                *ret_b = k + 1 - best;
            }
        }
    return best;
}

/* How `here` is made of `there`; false: the two have too little in common. */
static bool rewriting_of(const struct group *here, const struct sent *there, struct rewriting *ret)
{
    char a[SPECIMEN_NAME];
    char b[SPECIMEN_NAME];
    size_t at_a = 0;
    size_t at_b = 0;
    size_t an = plain_number(here->name, here->name_n, a);
    size_t bn = plain_number(there->name, there->name_n, b);
    size_t n = common(a, an, b, bn, &at_a, &at_b);
    size_t cut_back = an - at_a - n;
    size_t back_n = bn - at_b - n;
    while (at_b == 0 && at_a > 0 && a[at_a - 1] == '0') /* one filled up with zeros is the same number */
        at_a--;
    bool cut = there->name_n == SPECIMEN_NAME;
    bool same = at_a + at_b + cut_back + back_n == 0; /* it is known already, and came from elsewhere */
    if (cut || same || n < CORE_LEAST || at_a > REWRITTEN || at_b > REWRITTEN || cut_back > REWRITTEN || back_n > REWRITTEN)
        return false;
    *ret = (struct rewriting){.cut_front = (uint8_t)at_a, .cut_back = (uint8_t)cut_back, .front_n = (uint8_t)at_b, .back_n = (uint8_t)back_n};
    memcpy(ret->front, b, at_b);
    memcpy(ret->back, b + at_b + n, back_n);
    return true;
}

/* Does it put other letters in place of some? So do the numbers of two specimens that came one behind the other: then their results must say it. */
static bool replaces(const struct rewriting *w)
{
    return (w->cut_front > 0 && w->front_n > 0) || (w->cut_back > 0 && w->back_n > 0);
}

static bool same_shape(const struct rewriting *a, const struct rewriting *b)
{
    return a->cut_front == b->cut_front && a->cut_back == b->cut_back && a->front_n == b->front_n && a->back_n == b->back_n;
}

/* True where it was seen before: one number that is written otherwise than all others is a change. */
static bool learn(struct link *l, const struct rewriting *w)
{
    struct rewriting *least = &l->rewritings[0];
    for (size_t i = 0; i < REWRITINGS; i++) {
        struct rewriting *k = &l->rewritings[i];
        if (k->seen > 0 && same_shape(k, w)) {
            k->varies = k->varies || memcmp(k->front, w->front, w->front_n) != 0 || memcmp(k->back, w->back, w->back_n) != 0;
            count_up(&k->seen);
            return true;
        }
        least = k->seen < least->seen ? k : least;
    }
    *least = *w;
    least->seen = 1;
    return false;
}

/* Was something sent under this number on another link? */
static bool is_known(const struct detect *d, uint64_t id)
{
    const struct specimen *s = specimen_get(d, id);
    for (size_t i = 0; s != NULL && i < SIGHTINGS; i++)
        if (s->seen[i].used && s->seen[i].link != d->open.link)
            return true;
    return false;
}

static uint64_t by_rewriting(const struct detect *d, const struct group *g, const struct link *l)
{
    char a[SPECIMEN_NAME];
    char b[SPECIMEN_NAME + 2 * REWRITTEN];
    size_t n = 0;
    for (size_t i = 0; i < REWRITINGS; i++) {
        const struct rewriting *w = &l->rewritings[i];
        if (w->seen < REWRITING_LEARNT || w->varies)
            continue;
        n = n > 0 ? n : plain_number(g->name, g->name_n, a);
        size_t cut = (size_t)w->cut_front + w->cut_back;
        if (n < cut + CORE_LEAST)
            continue;
        memcpy(b, w->front, w->front_n);
        memcpy(b + w->front_n, a + w->cut_front, n - cut);
        memcpy(b + w->front_n + n - cut, w->back, w->back_n);
        uint64_t id = identity_digest(&d->key, span_of((const uint8_t *)b, w->front_n + n - cut + w->back_n));
        if (is_known(d, id))
            return id;
    }
    return 0;
}

/* ── what says the same ── */

/* How many of the group's results are among those of s; *ret_all: of how many; *ret_numbers: how many of the former are numbers. */
static size_t same_results(const struct detect *d, uint16_t number, const struct sent *s, size_t *ret_all, size_t *ret_numbers)
{
    const struct group *group = &d->open.groups[number];
    size_t same = 0;
    *ret_all = *ret_numbers = 0;
    for (size_t i = group->from; i < group->to; i++) {
        const struct gathered *g = &d->open.all[i];
        bool found = false;
        if (g->group != number || !g->kept || g->merged || g->document || g->is.exact == 0)
            continue;
        for (size_t k = 0; k < s->n && !found; k++)
            found = sent_result(d, s, k)->exact == g->is.exact;
        same += found;
        *ret_numbers += found && g->is.numeric;
        ++*ret_all;
    }
    return same;
}

static bool same_address(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Of what waits on links that lead to this one's sender: what says the same under a number like this one, or for the same patient under none. */
static const struct sent *by_content(struct detect *d, uint16_t number, struct rewriting *ret)
{
    const struct group *g = &d->open.groups[number];
    const struct link *l = open_link(d);
    const struct sent *best = NULL;
    size_t best_same = 0;
    for (uint16_t i = 0; i < links_count(d->links); i++) {
        const struct link *from = links_at(d->links, i);
        if (i == d->open.link || from->pending_first == 0 || !same_address(&from->receiver, &l->sender))
            continue;
        const struct sent *c = sent_at(d, from->pending_first);
        for (size_t k = 0; c != NULL && k < LOOK_BACK; k++, c = sent_at(d, c->next)) {
            size_t all;
            size_t numbers;
            size_t same = c->passed ? 0 : same_results(d, number, c, &all, &numbers);
            struct rewriting w = {0};
            if (same == 0 || same < best_same || same * 2 < all)
                continue;
            if (c->unnumbered ? same < all || c->patient != g->patient || c->patient == 0 : !rewriting_of(g, c, &w))
                continue;
            if (replaces(&w) && (same < all || numbers < NUMBERS_LEAST))
                continue;
            best = c;
            best_same = same;
            *ret = w;
        }
    }
    return best;
}

/* Most senders receive nothing: each link is looked at once. */
static bool is_fed(const struct detect *d, struct link *l)
{
    for (; !l->fed && l->fed_of < links_count(d->links); l->fed_of++)
        l->fed = same_address(&links_at(d->links, l->fed_of)->receiver, &l->sender);
    return l->fed;
}

static bool add_id(struct group *g, uint64_t id)
{
    size_t i = 0;
    while (i < IDS - 1 && g->ids[i] != 0)
        i++;
    g->ids[i] = id;
    return true;
}

static bool is_hopeless(struct link *l)
{
    if (l->sought < SOUGHT_MANY)
        return false;
    l->sought = l->sought == SOUGHT_MANY + SOUGHT_EACH ? SOUGHT_MANY : (uint16_t)(l->sought + 1);
    return l->sought != SOUGHT_MANY;
}

bool renumber_find(struct detect *d, uint16_t number)
{
    struct group *g = &d->open.groups[number];
    struct link *l = open_link(d);
    struct rewriting w = {0};
    bool long_name = g->name_n == SPECIMEN_NAME; /* it may be cut */
    uint64_t id = long_name || g->unnumbered ? 0 : by_rewriting(d, g, l);
    if (id == 0 && d->moments && g->moment != 0 && is_known(d, g->moment))
        id = g->moment;
    if (id != 0)
        return add_id(g, id);
    if (long_name || g->before_here || !is_fed(d, l) || is_hopeless(l))
        return false;
    const struct sent *from = by_content(d, number, &w);
    if (from == NULL) {
        l->sought += l->sought < SOUGHT_MANY;
        return false;
    }
    l->sought = 0;
    if (!from->unnumbered && !learn(l, &w)) {
        for (size_t i = g->from; l->came == 0 && i < g->to; i++) /* where nothing is known yet it is no change either */
            d->open.all[i].doubtful = d->open.all[i].doubtful || d->open.all[i].group == number;
        return false;
    }
    return add_id(g, from->ids[0]);
}

/* ── what was sent before ── */

#define OUTRUN_MOST 4

uint32_t sent_before(const struct detect *d, const struct group *g)
{
    const struct specimen *of = g->of;
    for (size_t i = 0; of != NULL && i < SIGHTINGS && of->seen[i].used; i++)
        if (of->seen[i].link == d->open.link)
            return of->seen[i].sent;
    return 0;
}

uint32_t outrun(const struct detect *d, uint16_t group, uint32_t sent)
{
    const struct sent *s = sent_at(d, sent);
    size_t all;
    size_t numbers;
    if (s == NULL || s->before == 0 || same_results(d, group, s, &all, &numbers) == all)
        return sent;
    for (size_t i = 0; i < OUTRUN_MOST && s != NULL; i++, s = sent_at(d, s->before))
        if (!s->passed && same_results(d, group, s, &all, &numbers) == all)
            return s->number;
    return sent;
}
