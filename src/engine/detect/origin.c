/* From which link the results of a specimen came: where it was seen before, who said the same of it, and which way results go between two links. */
#include "engine/detect/detect_private.h"

#define PATH_KNOWN 3 /* specimens' results that went on along a path, before it is known which way it leads */
#define BACKWARD_MOST (30 * TIME_SECOND)

static bool same_address(const struct address *a, const struct address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Two that send to one receiver, and neither to the other. Where who received it first is who sends now, it was passed on: also to the same machine,
 * on another port (a relay or a middleware beside the LIS). */
static bool same_link_end(const struct link *there, const struct link *here)
{
    bool passed_on = there->port != here->port && same_address(&there->receiver, &here->sender);
    return !links_twin(there, here) && !passed_on && same_address(&there->receiver, &here->receiver);
}

/* Nobody is told what he told others himself. Where that was well before, what comes to him now is a correction of it, or the same once more. */
static bool told_it_himself(const struct link *there, const struct link *here)
{
    return !links_twin(there, here) && same_address(&there->sender, &here->receiver) && !same_address(&there->receiver, &here->sender);
}

bool origin_is_backward(struct detect *d, uint16_t from)
{
    const struct path *there = links_path(d->links, from, d->open.link, false);
    const struct path *back = links_path(d->links, d->open.link, from, false);
    return back != NULL && back->messages >= PATH_KNOWN && (there == NULL || there->messages < back->messages);
}

/* Not what itself came from here; and what is known to follow from here only where it has no origin yet, and is of this moment. */
static bool may_be_origin(struct detect *d, const struct sighting *c)
{
    const struct sent *s = sent_at(d, c->sent);
    if (s == NULL || s->origin == d->open.link)
        return false;
    if (d->open.time - s->time > BACKWARD_MOST && told_it_himself(links_at(d->links, c->link), open_link(d)))
        return false;
    return !origin_is_backward(d, c->link) || (!s->came && d->open.time - s->time <= BACKWARD_MOST);
}

/* How many of the group's results were sent there under the same code. */
static uint32_t tests_there(const struct detect *d, uint16_t number, const struct sent *s)
{
    const struct group *g = &d->open.groups[number];
    uint32_t n = 0;
    for (size_t i = g->from; i < g->to; i++)
        for (size_t k = 0; k < s->n; k++)
            n += d->open.all[i].group == number && sent_result(d, s, k)->test == d->open.all[i].is.test;
    return n;
}

/* How many of the group's results were sent there with the same content. */
static uint32_t values_there(const struct detect *d, uint16_t number, const struct sent *s)
{
    const struct group *g = &d->open.groups[number];
    uint32_t n = 0;
    for (size_t i = g->from; i < g->to; i++)
        for (size_t k = 0; k < s->n; k++) {
            const struct seen_result *there = sent_result(d, s, k);
            n += d->open.all[i].group == number && there->test == d->open.all[i].is.test && there->exact == d->open.all[i].is.exact;
        }
    return n;
}

/* Of two links a specimen came from both where two analyzers share it: then its tests say which; or where one device speaks from another address
 * since then: then what it said says which. */
static bool is_likelier(const struct detect *d, uint16_t number, const struct sighting *c, const struct sighting *best, bool more_known)
{
    if (best->sent == c->sent)
        return false;
    uint32_t a = tests_there(d, number, sent_at(d, c->sent));
    uint32_t b = tests_there(d, number, sent_at(d, best->sent));
    if (a != b)
        return a > b;
    a = values_there(d, number, sent_at(d, c->sent));
    b = values_there(d, number, sent_at(d, best->sent));
    return a == b ? more_known : a > b;
}

/* The link on which this specimen was seen before and from which it may have come: its results went to somebody else than those of this link do. */
const struct sighting *origin_of(struct detect *d, uint16_t number)
{
    const struct group *g = &d->open.groups[number];
    const struct link *here = open_link(d);
    const struct sighting *best = NULL;
    uint32_t best_known = 0;
    for (size_t i = 0; i < IDS && g->ids[i] != 0; i++) {
        const struct specimen *s = i == 0 ? g->of : specimen_get(d, g->ids[i]);
        for (size_t k = 0; s != NULL && k < SIGHTINGS; k++) {
            const struct sighting *c = &s->seen[k];
            if (!c->used || c->link == d->open.link || same_link_end(links_at(d->links, c->link), here) || !may_be_origin(d, c))
                continue;
            const struct path *p = links_path(d->links, c->link, d->open.link, false);
            uint32_t known = p == NULL ? 0 : p->messages;
            if (best == NULL || is_likelier(d, number, c, best, known > best_known)) {
                best = c;
                best_known = known;
            }
        }
    }
    return best;
}
