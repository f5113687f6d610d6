/* What the short texts of results mean: codes of tests, units, ranges. The same few come again all the time, on whatever link, so each is read once
 * and kept in the one place that it can have; a newer text takes the place of an older one. What is kept holds until the next call. */
#ifndef TQ_WORDS_H
#define TQ_WORDS_H

#include "base/hash.h"
#include "engine/result/analyte.h"
#include "engine/result/text.h"
#include "engine/result/unit.h"

#define CODE_TEXT 29 /* longer texts are read each time */
#define RANGE_TEXT 30
#define UNIT_TEXT 23

struct code_word {
    uint64_t test; /* digest of the code, in capitals; never 0 */
    uint16_t analyte;
    uint8_t n;
    uint8_t text[CODE_TEXT];
};

struct range_word {
    struct range is;
    uint32_t digest; /* never 0 */
    bool known;      /* it is a range */
    uint8_t n;
    uint8_t text[RANGE_TEXT];
};

struct unit_word {
    struct unit is;
    uint8_t n;
    uint8_t text[UNIT_TEXT];
};

struct words;

/* NULL: no memory. */
struct words *words_new(void);
void words_free(struct words *w);

const struct code_word *words_code(struct words *w, const struct hash_key *key, const struct analytes *analytes, struct span code);
const struct range_word *words_range(struct words *w, const struct hash_key *key, struct span range);
struct unit words_unit(struct words *w, struct span unit);

/* Is it the text that is kept? Mostly short ones: two words that overlap cost less than a call. */
static inline __attribute__((always_inline)) bool same_text(struct span s, const uint8_t *kept, uint8_t n)
{
    if (s.n != n)
        return false;
    if (n < 8)
        return hash_tail(s.p, n) == hash_tail(kept, n);
    return n <= 16 ? hash_word(s.p) == hash_word(kept) && hash_word(s.p + n - 8) == hash_word(kept + n - 8) : memcmp(s.p, kept, n) == 0;
}

/* Keeps a text where it fits; returns its length, 0: it does not. */
static inline uint8_t keep_text(struct span s, uint8_t *kept, size_t room)
{
    return s.n > room ? 0 : (uint8_t)span_copy(s, kept, room);
}

/* The keyed digest of a text; purpose keeps digests of different things apart. */
uint64_t digest_text(const struct hash_key *key, char purpose, struct span text);

#endif
