#include "proc/judged.h"

#include "proc/link.h"

#include <stdlib.h>

struct number {
    uint8_t run[4];
    uint64_t seq; /* 0: none */
};

struct range {
    uint8_t run[4];
    uint64_t first, last; /* 0: none */
};

struct said {
    struct said *next;
    struct number of;
    size_t n;
    uint8_t bytes[];
};

struct judged {
    struct range ranges[JUDGED_RANGES];
    size_t newest; /* that was begun last */
    struct number now;
    struct said *first;
    struct said **last;
    size_t bytes;
};

struct judged *judged_new(void)
{
    struct judged *j = calloc(1, sizeof *j);
    if (j != NULL)
        j->last = &j->first;
    return j;
}

static void drop_first(struct judged *j)
{
    struct said *s = j->first;
    j->first = s->next;
    if (j->first == NULL)
        j->last = &j->first;
    j->bytes -= sizeof *s + s->n;
    explicit_bzero(s->bytes, s->n);
    free(s);
}

void judged_free(struct judged *j)
{
    if (j == NULL)
        return;
    while (j->first != NULL)
        drop_first(j);
    free(j);
}

static struct number number_of(const struct record *r)
{
    struct number n = {.seq = 0};
    if (!link_seq_read(record_get(r, KEY_LINK_SEQ), n.run, &n.seq))
        n.seq = 0;
    return n;
}

static bool same_run(const uint8_t a[4], const uint8_t b[4])
{
    return memcmp(a, b, 4) == 0;
}

static bool is_judged(const struct judged *j, const struct number *n)
{
    for (size_t i = 0; i < JUDGED_RANGES; i++)
        if (j->ranges[i].last != 0 && same_run(j->ranges[i].run, n->run) && n->seq >= j->ranges[i].first && n->seq <= j->ranges[i].last)
            return true;
    return false;
}

/* Numbers come one after the other, but for those that went another way. */
static void note(struct judged *j, const struct number *n)
{
    for (size_t i = 0; i < JUDGED_RANGES; i++)
        if (j->ranges[i].last != 0 && j->ranges[i].last + 1 == n->seq && same_run(j->ranges[i].run, n->run)) {
            j->ranges[i].last = n->seq;
            return;
        }
    j->newest = (j->newest + 1) % JUDGED_RANGES;
    j->ranges[j->newest] = (struct range){.first = n->seq, .last = n->seq};
    memcpy(j->ranges[j->newest].run, n->run, sizeof n->run);
}

bool judged_begin(struct judged *j, const struct record *r)
{
    struct number n = number_of(r);
    j->now = (struct number){.seq = 0};
    if (n.seq == 0)
        return true;
    if (is_judged(j, &n))
        return false;
    note(j, &n);
    j->now = n;
    return true;
}

void judged_said(struct judged *j, struct span encoded)
{
    struct said *s = j->now.seq == 0 || encoded.n > JUDGED_KEPT / 4 ? NULL : malloc(sizeof *s + encoded.n);
    if (s == NULL)
        return;
    *s = (struct said){.of = j->now, .n = encoded.n};
    memcpy(s->bytes, encoded.p, encoded.n);
    *j->last = s;
    j->last = &s->next;
    j->bytes += sizeof *s + s->n;
    while (j->bytes > JUDGED_KEPT)
        drop_first(j);
}

void judged_again(const struct judged *j, const struct record *r, void (*each)(void *context, struct span encoded), void *context)
{
    struct number n = number_of(r);
    for (const struct said *s = j->first; s != NULL && n.seq != 0; s = s->next)
        if (s->of.seq == n.seq && same_run(s->of.run, n.run))
            each(context, span_of(s->bytes, s->n));
}
