#include "lab/people/challenge.h"

#include "record/crypto/crypto.h"

#include <pthread.h>
#include <stdlib.h>

#define RANDOM 12
#define CLEAR (RANDOM + 4) /* and the second it was made in */
#define MARK (CHALLENGE_SIZE - CLEAR)

struct used {
    tq_time until; /* 0: free */
    uint8_t mark[MARK];
};

struct challenges {
    pthread_mutex_t lock;
    uint8_t key[32];
    struct used used[CHALLENGES_USED];
};

struct challenges *challenges_new(struct error *e)
{
    struct challenges *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for challenges");
        return NULL;
    }
    crypto_random(s->key, sizeof s->key);
    (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

void challenges_free(struct challenges *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    crypto_wipe(s, sizeof *s);
    free(s);
}

static void mark_of(const struct challenges *s, enum challenge_for what, struct span who, const uint8_t clear[CLEAR], uint8_t out[MARK])
{
    uint8_t bound[SHA256_SIZE];
    uint8_t mac[SHA256_SIZE];
    uint8_t text[1 + CLEAR + SHA256_SIZE];
    crypto_sha256(who, bound);
    text[0] = (uint8_t)what;
    memcpy(text + 1, clear, CLEAR);
    memcpy(text + 1 + CLEAR, bound, sizeof bound);
    crypto_hmac_sha256(span_of(s->key, sizeof s->key), span_of(text, sizeof text), mac);
    memcpy(out, mac, MARK);
}

void challenge_make(struct challenges *s, enum challenge_for what, struct span who, tq_time now, uint8_t out[CHALLENGE_SIZE])
{
    uint32_t second = htobe32((uint32_t)(now / TIME_SECOND));
    crypto_random(out, RANDOM);
    memcpy(out + RANDOM, &second, sizeof second);
    mark_of(s, what, who, out, out + CLEAR);
}

static tq_time made_at(const uint8_t challenge[CHALLENGE_SIZE])
{
    struct span at = span_of(challenge + RANDOM, 4);
    return (tq_time)span_be32(&at) * TIME_SECOND;
}

static const struct used *find(const struct challenges *s, const uint8_t challenge[CHALLENGE_SIZE], tq_time now)
{
    for (size_t i = 0; i < CHALLENGES_USED; i++)
        if (s->used[i].until > now && memcmp(s->used[i].mark, challenge + CLEAR, MARK) == 0)
            return &s->used[i];
    return NULL;
}

bool challenge_live(struct challenges *s, enum challenge_for what, struct span who, tq_time now, const uint8_t challenge[CHALLENGE_SIZE])
{
    uint8_t mark[MARK];
    tq_time age = now - made_at(challenge);
    mark_of(s, what, who, challenge, mark);
    if (!crypto_equal(mark, challenge + CLEAR, MARK) || age < -TIME_SECOND || age >= CHALLENGE_AGE)
        return false;
    (void)pthread_mutex_lock(&s->lock);
    bool fresh = find(s, challenge, now) == NULL;
    (void)pthread_mutex_unlock(&s->lock);
    return fresh;
}

bool challenge_use(struct challenges *s, tq_time now, const uint8_t challenge[CHALLENGE_SIZE])
{
    struct used *room = NULL;
    (void)pthread_mutex_lock(&s->lock);
    if (find(s, challenge, now) == NULL)
        for (size_t i = 0; i < CHALLENGES_USED && room == NULL; i++)
            room = s->used[i].until <= now ? &s->used[i] : NULL;
    if (room != NULL) {
        room->until = made_at(challenge) + CHALLENGE_AGE + TIME_SECOND;
        memcpy(room->mark, challenge + CLEAR, MARK);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return room != NULL;
}
