#include "engine/mail/phrases.h"

#include "base/hash.h"

#include <stdlib.h>

#define PHRASES 1024
#define ELEMENTS 8
#define WORDS 24 /* words in all alternatives of an element */
#define SLOTS 4096
#define STARTS 4096
#define GAP 3
#define TEXT_WORDS 20000

/* One of several: words with spaces between, the last may end in '*'. "": a gap. */
struct element {
    struct span choices[WORDS];
    size_t n;
    bool gap;
};

struct phrase {
    struct element e[ELEMENTS];
    size_t n;
    enum phrase_class class;
};

struct start { /* a phrase, under its first word */
    uint32_t hash;
    uint16_t phrase;
    uint16_t next; /* place + 1 */
};

struct phrases {
    struct phrase phrases[PHRASES];
    size_t n;
    struct start starts[STARTS];
    size_t starts_n;
    uint16_t slots[SLOTS]; /* place + 1 */
};

static const char *const class_names[PHRASE_COUNT] = {
#define PHRASE_TEXT(name, text) text,
    PHRASE_CLASSES(PHRASE_TEXT)
#undef PHRASE_TEXT
};

static uint32_t word_hash(struct span w)
{
    uint32_t h = 2166136261U;
    for (size_t i = 0; i < w.n; i++)
        h = (h ^ w.p[i]) * 16777619U;
    return h;
}

static struct span trim(struct span s)
{
    while (s.n > 0 && s.p[0] == ' ')
        (void)span_skip(&s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

/* Takes the next element of a phrase. */
static bool element_next(struct span *rest, struct element *e)
{
    *rest = trim(*rest);
    *e = (struct element){0};
    if (rest->n == 0)
        return false;
    if (rest->p[0] == '[') {
        (void)span_skip(rest, 1);
        struct span inside = span_until(rest, ']', NULL);
        for (bool more = true; more && e->n < WORDS;)
            e->choices[e->n++] = trim(span_until(&inside, '|', &more));
        return true;
    }
    struct span word = span_until(rest, ' ', NULL);
    if (span_is(word, ".."))
        e->gap = true;
    else
        e->choices[e->n++] = word;
    return true;
}

static bool index_phrase(struct phrases *p, size_t i)
{
    const struct element *first = &p->phrases[i].e[0];
    for (size_t k = 0; k < first->n; k++) {
        struct span choice = first->choices[k];
        struct span word = span_until(&choice, ' ', NULL);
        if (p->starts_n == STARTS || word.n == 0 || word.p[word.n - 1] == '*')
            return word.n == 0;
        uint32_t h = word_hash(word);
        struct start *s = &p->starts[p->starts_n++];
        *s = (struct start){.hash = h, .phrase = (uint16_t)i, .next = p->slots[h % SLOTS]};
        p->slots[h % SLOTS] = (uint16_t)p->starts_n;
    }
    return true;
}

static bool read_line(struct phrases *p, struct span line)
{
    struct span name = span_until(&line, ':', NULL);
    if (p->n == PHRASES)
        return false;
    struct phrase *one = &p->phrases[p->n];
    size_t c = 0;
    while (c < PHRASE_COUNT && !span_is(name, class_names[c]))
        c++;
    if (c == PHRASE_COUNT)
        return false;
    *one = (struct phrase){.class = (enum phrase_class)c};
    while (one->n < ELEMENTS && element_next(&line, &one->e[one->n]))
        one->n++;
    return one->n > 0 && !one->e[0].gap && trim(line).n == 0 && index_phrase(p, p->n++);
}

struct phrases *phrases_read(const char *text, struct error *e)
{
    struct phrases *p = calloc(1, sizeof *p);
    struct span rest = span_str(text);
    if (p == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the phrases of mail");
        return NULL;
    }
    for (unsigned n = 1; rest.n > 0; n++) {
        struct span line = trim(span_until(&rest, '\n', NULL));
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!read_line(p, line)) {
            (void)err_set(e, ERR_CORRUPT, "catalog/mail/phrases.txt:%u: not a phrase, or too many", n);
            phrases_free(p);
            return NULL;
        }
    }
    return p;
}

void phrases_free(struct phrases *p)
{
    free(p);
}

size_t phrases_bits(const struct phrases *p)
{
    return p->n;
}

static bool word_is(struct span word, struct span wanted)
{
    if (wanted.n > 0 && wanted.p[wanted.n - 1] == '*')
        return span_starts(word, span_of(wanted.p, wanted.n - 1));
    return span_equal(word, wanted);
}

/* Words that a choice takes at `at`; 0: it is not there. */
static size_t choice_at(struct span choice, const struct span *words, size_t n, size_t at)
{
    size_t taken = 0;
    for (bool more = true; more; taken++) {
        struct span word = span_until(&choice, ' ', &more);
        if (at + taken >= n || !word_is(words[at + taken], word))
            return 0;
    }
    return taken;
}

static bool matches(const struct phrase *p, size_t element, const struct span *words, size_t n, size_t at)
{
    if (element == p->n)
        return true;
    const struct element *e = &p->e[element];
    if (e->gap) {
        for (size_t skip = 0; skip <= GAP; skip++)
            if (matches(p, element + 1, words, n, at + skip))
                return true;
        return false;
    }
    for (size_t i = 0; i < e->n; i++) {
        size_t taken = choice_at(e->choices[i], words, n, at);
        if (taken > 0 && matches(p, element + 1, words, n, at + taken))
            return true;
    }
    return false;
}

void phrases_find(const struct phrases *p, struct span folded, uint8_t *seen, struct phrases_found *found)
{
    struct span *words = malloc(TEXT_WORDS * sizeof *words);
    size_t n = 0;
    if (words == NULL)
        return;
    while (folded.n > 0 && n < TEXT_WORDS) {
        struct span word = span_until(&folded, ' ', NULL);
        if (word.n > 0)
            words[n++] = word;
    }
    found->words += n;
    for (size_t i = 0; i < n; i++) {
        uint32_t h = word_hash(words[i]);
        for (uint16_t s = p->slots[h % SLOTS]; s != 0; s = p->starts[s - 1].next) {
            const struct start *start = &p->starts[s - 1];
            size_t phrase = start->phrase;
            if (start->hash != h || (seen[phrase / 8] >> (phrase % 8) & 1) != 0 || !matches(&p->phrases[phrase], 0, words, n, i))
                continue;
            seen[phrase / 8] |= (uint8_t)(1U << (phrase % 8));
            found->counts[p->phrases[phrase].class]++;
        }
    }
    free(words);
}
