/* Asking a course's questions: which, in what order, and whether an answer is right. */
#include "lab/courses/course.h"

/* xoshiro256** (Blackman and Vigna, 2018): with a seed of 256 bits nobody guesses it from the few bits that orders show. */
static uint64_t rotl(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static uint64_t roll(struct course_dice *d)
{
    uint64_t *s = d->s;
    uint64_t out = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

void course_dice_begin(struct course_dice *d, const uint8_t seed[32])
{
    struct span bytes = span_of(seed, 32);
    for (size_t i = 0; i < 4; i++)
        d->s[i] = span_be64(&bytes);
    d->s[0] |= 1; /* all zeros would stay so */
}

/* 0 … n-1; n is small, so that what modulo favours cannot be noticed */
static size_t below(struct course_dice *d, size_t n)
{
    return (size_t)((roll(d) >> 11) % n);
}

void course_mix(struct course_dice *d, const struct course_question *q, struct course_order *ret)
{
    bool same = true;
    ret->n = (uint8_t)q->answers;
    for (uint8_t i = 0; i < ret->n; i++)
        ret->at[i] = i;
    for (size_t i = ret->n; i > 1; i--) {
        size_t k = below(d, i);
        uint8_t swap = ret->at[i - 1];
        ret->at[i - 1] = ret->at[k];
        ret->at[k] = swap;
    }
    for (uint8_t i = 0; i < ret->n; i++)
        same = same && ret->at[i] == i;
    for (uint8_t i = 0; same && q->kind == COURSE_ORDER && i < ret->n; i++)
        ret->at[i] = (uint8_t)((i + 1) % ret->n);
}

size_t course_draw(struct course_dice *d, const struct course *c, size_t most, uint16_t drawn[COURSE_QUESTIONS])
{
    size_t n = 0;
    for (size_t i = 0; i < c->questions_n; i++)
        if (!c->questions[i].scenario)
            drawn[n++] = (uint16_t)i;
    for (size_t i = n; i > 1; i--) {
        size_t k = below(d, i);
        uint16_t swap = drawn[i - 1];
        drawn[i - 1] = drawn[k];
        drawn[k] = swap;
    }
    return n < most ? n : most;
}

const struct course_question *course_question_find(const struct course *c, struct span id)
{
    for (size_t i = 0; i < c->questions_n; i++)
        if (span_equal(c->questions[i].id, id))
            return &c->questions[i];
    return NULL;
}

const struct course_lesson *course_lesson_of(const struct course *c, const struct course_question *q)
{
    size_t n = (size_t)(q - c->questions);
    for (size_t i = 0; i < c->lessons_n; i++)
        if (n >= c->lessons[i].question0 && n < c->lessons[i].question0 + c->lessons[i].questions)
            return &c->lessons[i];
    return NULL;
}

int course_judged(const struct course *c, const struct course_question *q, const struct course_order *order, struct span chosen)
{
    bool taken[COURSE_ANSWERS] = {false};
    bool right = true;
    size_t n = 0;
    while (chosen.n > 0) {
        uint64_t place = 0;
        bool more = false;
        struct span one = span_until(&chosen, ',', &more);
        if (!span_decimal(one, order->n - 1u, &place) || taken[place] || (more && chosen.n == 0))
            return -1;
        taken[place] = true;
        if (q->kind == COURSE_ORDER)
            right = right && order->at[place] == n;
        n++;
    }
    if (n == 0 || (q->kind == COURSE_ONE && n != 1) || (q->kind == COURSE_ORDER && n != order->n))
        return -1;
    for (size_t i = 0; q->kind != COURSE_ORDER && i < order->n; i++)
        right = right && c->answers[q->answer0 + order->at[i]].right == taken[i];
    return right;
}
