#include "engine/detect/links.h"

#include "base/room.h"

struct links {
    struct memo *by_ends;  /* digest of the ends → number + 1 */
    struct memo *by_links; /* (from, to) → number of the path + 1 */
    tq_time due[LINKS_MAX];
    tq_time soonest[LINKS_MAX / LINKS_BLOCK];
    tq_time last[LINKS_MAX]; /* when each was used last: side by side too, since who goes is looked for among them */
    struct link all[LINKS_MAX];
    struct path paths[PATHS_MAX];
    uint16_t n;
    uint16_t hand; /* where the next to go is looked for */
    uint16_t paths_n;
};

bool links_twin(const struct link *a, const struct link *b)
{
    return a->leg != b->leg && a->port == b->port && memcmp(&a->sender.bytes, &b->sender.bytes, sizeof a->sender.bytes) == 0 &&
           memcmp(&a->receiver.bytes, &b->receiver.bytes, sizeof a->receiver.bytes) == 0;
}

struct links *links_new(void)
{
    struct links *l = room_new(sizeof *l);
    if (l == NULL)
        return NULL;
    l->by_ends = memo_new((size_t)LINKS_MAX * 2, sizeof(uint16_t));
    l->by_links = memo_new((size_t)PATHS_MAX * 2, sizeof(uint16_t));
    if (l->by_ends == NULL || l->by_links == NULL) {
        links_free(l);
        return NULL;
    }
    for (size_t i = 0; i < LINKS_MAX; i++)
        l->due[i] = INT64_MAX;
    return l;
}

void links_free(struct links *l)
{
    if (l == NULL)
        return;
    memo_free(l->by_ends);
    memo_free(l->by_links);
    room_free(l, sizeof *l);
}

uint16_t links_count(const struct links *l)
{
    return l->n;
}

uint16_t links_path_count(const struct links *l)
{
    return l->paths_n;
}

tq_time *links_due(struct links *l, uint16_t link)
{
    return &l->due[link < LINKS_MAX ? link : 0];
}

tq_time *links_soonest(struct links *l, size_t block)
{
    return &l->soonest[block < LINKS_MAX / LINKS_BLOCK ? block : 0];
}

#define LOOKED_AT 32

/* Of some, in turn, the one used longest ago: a flood of new links must not cost a look at all of them for each. */
static uint16_t old_link(struct links *l)
{
    uint16_t oldest = l->hand;
    for (uint16_t i = 1; i < LOOKED_AT; i++) {
        uint16_t at = (uint16_t)((l->hand + i) % LINKS_MAX);
        if (l->last[at] < l->last[oldest])
            oldest = at;
    }
    l->hand = (uint16_t)((l->hand + LOOKED_AT) % LINKS_MAX);
    return oldest;
}

struct digest links_key(const struct hash_key *key, const struct link *ends)
{
    struct hash_state s = hash_start(key);
    hash_add(&s, 'L');
    hash_piece(&s, span_of(ends->sender.bytes, sizeof ends->sender.bytes));
    hash_piece(&s, span_of(ends->receiver.bytes, sizeof ends->receiver.bytes));
    hash_add(&s, (uint64_t)ends->leg << 17 | (uint64_t)ends->port << 1 | ends->receiver_listens);
    struct digest d = {.a = 0, .b = 0};
    hash_end_two(s, &d.a, &d.b);
    return d;
}

const struct memo *links_memory(const struct links *l)
{
    return l->by_ends;
}

uint16_t links_put(struct links *l, struct digest key, const struct link *ends, tq_time now)
{
    uint16_t *number = memo_put(l->by_ends, key, now, NULL);
    if (*number != 0 && l->all[*number - 1].key == key.a) {
        l->last[*number - 1] = now;
        return (uint16_t)(*number - 1);
    }
    uint16_t i = l->n < LINKS_MAX ? l->n++ : old_link(l);
    l->all[i] = *ends;
    l->due[i] = INT64_MAX;
    l->all[i].key = key.a;
    l->all[i].down = LINK_NONE;
    l->all[i].first = l->last[i] = now;
    *number = (uint16_t)(i + 1);
    return i;
}

struct link *links_get(struct links *l, struct digest key)
{
    const uint16_t *number = memo_get(l->by_ends, key);
    return number == NULL || *number == 0 || l->all[*number - 1].key != key.a ? NULL : &l->all[*number - 1];
}

struct link *links_at(struct links *l, uint16_t link)
{
    return &l->all[link < LINKS_MAX ? link : 0];
}

tq_time links_last(const struct links *l, uint16_t link)
{
    return l->last[link < LINKS_MAX ? link : 0];
}

struct path *links_path(struct links *l, uint16_t from, uint16_t to, bool make)
{
    /* links that were given to others since take their paths with them: the keys of both ends are in the digest */
    struct digest d = {.a = l->all[from].key * 3 + l->all[to].key, .b = l->all[to].key ^ l->all[from].key << 1};
    uint16_t *number = make ? memo_put(l->by_links, d, l->last[to], NULL) : memo_get(l->by_links, d);
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

/* ── state ── */

/* Where the counters of a link and of a path lie, in the order of the format. */
static void link_counters(struct link *l, uint32_t *at[12])
{
    uint32_t *all[12] = {&l->answered, &l->unanswered, &l->answers_right, &l->answers_wrong, &l->flags_right,    &l->flags_wrong,
                         &l->ordered,  &l->unordered,  &l->ordered_run,   &l->test_ordered,  &l->test_unordered, &l->patients_same};
    memcpy(at, all, sizeof all);
}

static void put_ends(struct buf *out, const struct address *a)
{
    buf_u8(out, a->family);
    buf_add(out, a->bytes, sizeof a->bytes);
}

static bool get_ends(struct span *in, struct address *a)
{
    a->family = span_u8(in);
    struct span bytes = span_take(in, sizeof a->bytes);
    if (bytes.bad || (a->family != 4 && a->family != 6))
        return false;
    memcpy(a->bytes, bytes.p, sizeof a->bytes);
    return true;
}

void links_save(const struct links *l, struct buf *out)
{
    buf_be32(out, l->n);
    for (size_t i = 0; i < l->n; i++) {
        struct link link = l->all[i];
        uint32_t *counters[12];
        link_counters(&link, counters);
        put_ends(out, &link.sender);
        put_ends(out, &link.receiver);
        buf_be16(out, link.port);
        buf_u8(out, (uint8_t)(link.leg << 1 | link.receiver_listens));
        buf_be64(out, (uint64_t)link.first);
        buf_be64(out, (uint64_t)l->last[i]);
        for (size_t k = 0; k < 12; k++)
            buf_be32(out, *counters[k]);
    }
    buf_be32(out, l->paths_n);
    for (size_t i = 0; i < l->paths_n; i++) {
        const struct path *p = &l->paths[i];
        buf_be16(out, p->from);
        buf_be16(out, p->to);
        buf_be32(out, p->messages);
        buf_be32(out, p->due);
        buf_be32(out, p->lost);
        buf_be64(out, (uint64_t)p->slowest);
        buf_u8(out, p->numbers);
        for (size_t k = 0; k < PART_COUNT; k++) {
            buf_be32(out, p->same[k]);
            buf_be32(out, p->changed[k]);
        }
    }
}

static bool restore_link(struct links *l, const struct hash_key *key, struct span *in)
{
    struct link ends = {0};
    uint32_t *counters[12];
    bool ok = get_ends(in, &ends.sender) && get_ends(in, &ends.receiver);
    ends.port = span_be16(in);
    uint8_t listens = span_u8(in);
    ends.receiver_listens = listens & 1;
    ends.leg = listens >> 1;
    tq_time first = (tq_time)span_be64(in);
    tq_time last = (tq_time)span_be64(in);
    if (!ok || in->bad || listens > 3)
        return false;
    struct link *link = &l->all[links_put(l, links_key(key, &ends), &ends, last)];
    link->first = first;
    link_counters(link, counters);
    for (size_t k = 0; k < 12; k++)
        *counters[k] = span_be32(in);
    return !in->bad;
}

static bool restore_path(struct links *l, struct span *in)
{
    uint16_t from = span_be16(in);
    uint16_t to = span_be16(in);
    if (in->bad || from >= l->n || to >= l->n)
        return false;
    struct path *p = links_path(l, from, to, true);
    if (p == NULL)
        return false;
    p->messages = span_be32(in);
    p->due = span_be32(in);
    p->lost = span_be32(in);
    p->slowest = (tq_time)span_be64(in);
    p->numbers = span_u8(in);
    for (size_t k = 0; k < PART_COUNT; k++) {
        p->same[k] = span_be32(in);
        p->changed[k] = span_be32(in);
    }
    if (in->bad || p->slowest < 0 || p->slowest > 7 * 86400 * TIME_SECOND)
        return false;
    struct link *link = &l->all[from];
    const struct path *main = links_path_at(l, link->down);
    if (main == NULL || p->messages > main->messages)
        link->down = links_path_number(l, p);
    return true;
}

bool links_restore(struct links *l, const struct hash_key *key, struct span *in)
{
    uint32_t n = span_be32(in);
    bool ok = !in->bad && n <= LINKS_MAX;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = restore_link(l, key, in);
    n = span_be32(in);
    ok = ok && !in->bad && n <= PATHS_MAX;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = restore_path(l, in);
    return ok;
}
