#include "engine/detect/words.h"

#include <stdlib.h>

#define PLACES 1024 /* of codes, and of ranges; powers of two */
#define UNIT_PLACES 256

struct words {
    struct code_word codes[PLACES + 1]; /* the last one: of those that are too long to be kept */
    struct range_word ranges[PLACES + 1];
    struct unit_word units[UNIT_PLACES];
};

struct words *words_new(void)
{
    return calloc(1, sizeof(struct words));
}

void words_free(struct words *w)
{
    free(w);
}

/* Where a text is kept: whoever chooses texts that meet has them read each time, and no more. */
static inline size_t place_of(struct span s, size_t places)
{
    uint64_t first = s.n < 8 ? hash_tail(s.p, s.n) : hash_word(s.p);
    uint64_t last = s.n < 8 ? 0 : hash_word(s.p + s.n - 8);
    return ((first ^ (last << 23 | last >> 41) ^ s.n) * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (places - 1);
}

uint64_t digest_text(const struct hash_key *key, char purpose, struct span text)
{
    struct hash_state s = hash_start(key);
    hash_add(&s, (uint8_t)purpose);
    hash_piece(&s, text);
    return hash_end(s);
}

static uint64_t test_digest(const struct hash_key *key, struct span code)
{
    uint8_t capitals[64];
    size_t n = code.n < sizeof capitals ? code.n : sizeof capitals;
    for (size_t i = 0; i < n; i++)
        capitals[i] = code.p[i] >= 'a' && code.p[i] <= 'z' ? (uint8_t)(code.p[i] - 32) : code.p[i];
    return digest_text(key, 't', span_of(capitals, n)) | 1;
}

const struct code_word *words_code(struct words *w, const struct hash_key *key, const struct analytes *analytes, struct span code)
{
    struct code_word *c = &w->codes[code.n > CODE_TEXT ? PLACES : place_of(code, PLACES)];
    if (c->test != 0 && code.n <= CODE_TEXT && same_text(code, c->text, c->n))
        return c;
    c->n = (uint8_t)span_copy(code, c->text, sizeof c->text);
    c->test = test_digest(key, code);
    c->analyte = analytes_find(analytes, code);
    return c;
}

const struct range_word *words_range(struct words *w, const struct hash_key *key, struct span range)
{
    struct range_word *r = &w->ranges[range.n > RANGE_TEXT ? PLACES : place_of(range, PLACES)];
    if (r->digest != 0 && range.n <= RANGE_TEXT && same_text(range, r->text, r->n))
        return r;
    r->n = keep_text(range, r->text, sizeof r->text);
    r->known = range_read(range, &r->is);
    r->digest = (uint32_t)digest_text(key, 'r', range) | 1;
    return r;
}

struct unit words_unit(struct words *w, struct span unit)
{
    if (unit.n == 0)
        return (struct unit){0};
    if (unit.n > UNIT_TEXT)
        return unit_read(unit);
    struct unit_word *u = &w->units[place_of(unit, UNIT_PLACES)];
    if (!same_text(unit, u->text, u->n)) {
        u->n = keep_text(unit, u->text, sizeof u->text);
        u->is = unit_read(unit);
    }
    return u->is;
}
