#include "engine/detect/links.h"

#include "engine/detect/memo.h"

#include <stdlib.h>

struct links {
    struct memo *by_ends;  /* digest of the ends → number + 1 */
    struct memo *by_links; /* (from, to) → number of the path + 1 */
    struct link all[LINKS_MAX];
    struct path paths[PATHS_MAX];
    uint16_t n;
    uint16_t paths_n;
};

struct links *links_new(void)
{
    struct links *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->by_ends = memo_new((size_t)LINKS_MAX * 2, sizeof(uint16_t));
    l->by_links = memo_new((size_t)PATHS_MAX * 2, sizeof(uint16_t));
    if (l->by_ends == NULL || l->by_links == NULL) {
        links_free(l);
        return NULL;
    }
    return l;
}

void links_free(struct links *l)
{
    if (l == NULL)
        return;
    memo_free(l->by_ends);
    memo_free(l->by_links);
    free(l);
}

uint16_t links_count(const struct links *l)
{
    return l->n;
}

static uint16_t oldest_link(const struct links *l)
{
    uint16_t oldest = 0;
    for (uint16_t i = 1; i < LINKS_MAX; i++)
        if (l->all[i].last < l->all[oldest].last)
            oldest = i;
    return oldest;
}

uint16_t links_put(struct links *l, const struct hash_key *key, const struct link *ends, tq_time now)
{
    struct hash_state s = hash_start(key);
    hash_add(&s, 'L');
    hash_piece(&s, span_of(ends->sender.bytes, sizeof ends->sender.bytes));
    hash_piece(&s, span_of(ends->receiver.bytes, sizeof ends->receiver.bytes));
    hash_add(&s, (uint64_t)ends->port << 1 | ends->receiver_listens);
    struct digest d = {.a = 0, .b = 0};
    hash_end_two(s, &d.a, &d.b);
    uint16_t *number = memo_put(l->by_ends, d, now, NULL);
    if (*number != 0 && l->all[*number - 1].key == d.a) {
        l->all[*number - 1].last = now;
        return (uint16_t)(*number - 1);
    }
    uint16_t i = l->n < LINKS_MAX ? l->n++ : oldest_link(l);
    l->all[i] = *ends;
    l->all[i].key = d.a;
    l->all[i].down = LINK_NONE;
    l->all[i].first = l->all[i].last = now;
    *number = (uint16_t)(i + 1);
    return i;
}

struct link *links_at(struct links *l, uint16_t link)
{
    return &l->all[link < LINKS_MAX ? link : 0];
}

struct path *links_path(struct links *l, uint16_t from, uint16_t to, bool make)
{
    /* links that were given to others since take their paths with them: the keys of both ends are in the digest */
    struct digest d = {.a = l->all[from].key * 3 + l->all[to].key, .b = l->all[to].key ^ l->all[from].key << 1};
    uint16_t *number = make ? memo_put(l->by_links, d, l->all[to].last, NULL) : memo_get(l->by_links, d);
    if (number == NULL)
        return NULL;
    if (*number == 0) {
        if (l->paths_n == PATHS_MAX)
            return NULL;
        l->paths[l->paths_n] = (struct path){.from = from, .to = to, .used = true};
        *number = ++l->paths_n;
    }
    return &l->paths[*number - 1];
}

struct path *links_path_at(struct links *l, uint16_t path)
{
    return path < l->paths_n ? &l->paths[path] : NULL;
}

uint16_t links_path_number(const struct links *l, const struct path *p)
{
    return (uint16_t)(p - l->paths);
}
