/* What two messages have in common: MinHash (Broder) of their runs of three words and of the sites that they lead to. */
#include "engine/mail/sketch.h"

#include "base/hash.h"

#define WORDS_MOST 4000

static uint32_t mixed(uint64_t x, uint32_t i)
{
    x ^= (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(x >> 32);
}

static void add(uint32_t sketch[MAIL_SKETCH], uint64_t item)
{
    for (uint32_t i = 0; i < MAIL_SKETCH; i++) {
        uint32_t h = mixed(item, i + 1);
        sketch[i] = h < sketch[i] ? h : sketch[i];
    }
}

/* Numbers differ from copy to copy of one attack. */
static bool counts(struct span word)
{
    for (size_t i = 0; i < word.n; i++)
        if (word.p[i] >= '0' && word.p[i] <= '9')
            return false;
    return word.n > 0 && word.n < 30;
}

void sketch_make(const struct mail_known *k, const struct facts *f, uint32_t out[MAIL_SKETCH])
{
    static const struct hash_key key = {.k0 = 11, .k1 = 13};
    struct span rest = buf_span(&f->words);
    struct span last[3] = {{0}};
    for (size_t i = 0; i < MAIL_SKETCH; i++)
        out[i] = UINT32_MAX;
    for (size_t n = 0; rest.n > 0 && n < WORDS_MOST;) {
        struct span word = span_until(&rest, ' ', NULL);
        if (!counts(word))
            continue;
        last[0] = last[1];
        last[1] = last[2];
        last[2] = word;
        if (++n < 3)
            continue;
        struct hash_state h = hash_start(&key);
        for (int i = 0; i < 3; i++)
            hash_piece(&h, last[i]);
        add(out, hash_end(h));
    }
    for (size_t i = 0; i < f->links_n && i < 32; i++) {
        struct span site = known_site(k, f->links[i].host);
        if (site.n > 0 && f->links[i].where != LINK_PICTURE)
            add(out, hash_bytes(&key, site.p, site.n));
    }
}
