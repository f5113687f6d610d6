#include "door/spoken.h"

#include <pthread.h>
#include <string.h>

#define ENTRIES 1200
#define HOLES 8
#define STEPS 20000 /* of one sentence: places tried */

struct entry {
    struct span english, other;
    size_t weight; /* bytes of it that are no hole */
    bool word;     /* for holes only */
};

static struct entry entries[ENTRIES];
static size_t entries_n, wrong;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Is a hole there, "{0}" to "{7}"? */
static bool hole_at(struct span s, size_t i, size_t *ret)
{
    if (i + 2 >= s.n || s.p[i] != '{' || s.p[i + 2] != '}' || s.p[i + 1] < '0' || s.p[i + 1] >= '0' + HOLES)
        return false;
    *ret = (size_t)(s.p[i + 1] - '0');
    return true;
}

/* ── the catalogue ── */

static unsigned holes_of(struct span s, size_t *ret_weight)
{
    unsigned holes = 0;
    size_t hole;
    *ret_weight = s.n;
    for (size_t i = 0; i < s.n; i++)
        if (hole_at(s, i, &hole)) {
            holes |= 1u << hole;
            *ret_weight -= 3;
        }
    return holes;
}

static void add(struct span english, struct span other, bool word)
{
    size_t weight;
    size_t unused;
    unsigned holes = holes_of(english, &weight);
    bool bad = entries_n == ENTRIES || other.n == 0 || weight == 0 || (holes_of(other, &unused) & ~holes) != 0;
    for (size_t i = 0; i < entries_n && !bad; i++)
        bad = span_equal(entries[i].english, english);
    wrong += bad;
    if (!bad)
        entries[entries_n++] = (struct entry){.english = english, .other = other, .weight = weight, .word = word};
}

static void read_catalogue(void)
{
    bool word = false;
    for (size_t i = 0; i < spoken_files_count; i++) {
        struct span text = span_str(spoken_files[i].text);
        struct span english = {0};
        while (text.n > 0) {
            struct span line = span_until(&text, '\n', NULL);
            if (span_is(line, "[words]"))
                word = true;
            if (line.n == 0 || line.p[0] == '#' || line.p[0] == '[')
                continue;
            if (english.n == 0) {
                english = line;
                continue;
            }
            add(english, line, word);
            english = span_of(NULL, 0);
        }
        wrong += english.n > 0;
    }
}

size_t spoken_wrong(void)
{
    (void)pthread_once(&once, read_catalogue);
    return wrong;
}

/* ── finding ── */

struct search {
    struct span holes[HOLES];
    int steps;
};

/* Does the whole text fit the pattern? A hole takes as little as it can. */
static bool fits(struct search *s, struct span pattern, struct span text)
{
    size_t hole = 0;
    size_t n = 0;
    while (n < pattern.n && !hole_at(pattern, n, &hole))
        n++;
    if (text.n < n || (n > 0 && memcmp(pattern.p, text.p, n) != 0))
        return false;
    if (n == pattern.n)
        return text.n == n;
    (void)span_skip(&pattern, (uint32_t)n + 3);
    (void)span_skip(&text, (uint32_t)n);
    for (size_t taken = pattern.n == 0 ? text.n : 1; taken <= text.n; taken++) {
        if (--s->steps < 0)
            return false;
        s->holes[hole] = span_of(text.p, taken);
        if (fits(s, pattern, span_of(text.p + taken, text.n - taken)))
            return true;
    }
    return false;
}

static void speak_deep(struct buf *out, struct span english, bool hole, int *steps);

static void fill(struct buf *out, struct span other, const struct search *found, int *steps)
{
    size_t hole;
    for (size_t i = 0; i < other.n; i++)
        if (hole_at(other, i, &hole)) {
            speak_deep(out, found->holes[hole], true, steps);
            i += 2;
        } else {
            buf_u8(out, other.p[i]);
        }
}

/* The entry that fits with the fewest bytes in its holes. What stands in a hole may be a word or a sentence of the program again. */
static void speak_deep(struct buf *out, struct span english, bool hole, int *steps)
{
    const struct entry *best = NULL;
    struct search found = {0};
    for (size_t i = 0; i<entries_n && * steps> 0; i++) {
        const struct entry *e = &entries[i];
        struct search s = {.steps = *steps};
        if ((best != NULL && e->weight <= best->weight) || e->weight > english.n || (e->word && !hole))
            continue;
        if (fits(&s, e->english, english)) {
            best = e;
            found = s;
        }
        *steps = s.steps;
    }
    if (best == NULL)
        buf_add_span(out, english);
    else
        fill(out, best->other, &found, steps);
}

void speak(struct buf *out, enum tongue tongue, struct span english)
{
    int steps = STEPS;
    (void)pthread_once(&once, read_catalogue);
    if (tongue == TONGUE_ENGLISH || english.n == 0)
        buf_add_span(out, english);
    else
        speak_deep(out, english, false, &steps);
}

enum tongue tongue_of(struct span accept)
{
    while (accept.n > 0) {
        struct span one = span_until(&accept, ',', NULL);
        while (one.n > 0 && one.p[0] == ' ')
            (void)span_skip(&one, 1);
        struct span tag = span_until(&one, ';', NULL);
        struct span language = span_until(&tag, '-', NULL);
        if (span_is(language, "es"))
            return TONGUE_SPANISH;
        if (span_is(language, "en"))
            return TONGUE_ENGLISH;
    }
    return TONGUE_ENGLISH;
}
