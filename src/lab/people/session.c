#include "lab/people/session.h"

#include "base/text.h"
#include "record/crypto/crypto.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct slot {
    bool used;
    uint8_t hash[SHA256_SIZE];
    struct session session;
};

struct sessions {
    pthread_mutex_t lock;
    size_t count;
    struct slot slots[SESSIONS_MAX];
};

struct sessions *sessions_new(struct error *e)
{
    struct sessions *s = calloc(1, sizeof *s);
    if (s == NULL)
        (void)err_set(e, ERR_SYSTEM, "no memory for sessions");
    else
        (void)pthread_mutex_init(&s->lock, NULL);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_destroy(&s->lock);
    crypto_wipe(s, sizeof *s);
    free(s);
}

static void drop(struct sessions *s, struct slot *slot)
{
    crypto_wipe(slot, sizeof *slot);
    s->count--;
}

static bool live(const struct slot *slot, tq_time now)
{
    return slot->used && now - slot->session.last < SESSION_IDLE && now - slot->session.opened < SESSION_LONGEST;
}

/* A free slot; makes the account's oldest session go where it has too many. */
static struct slot *place(struct sessions *s, const char *account)
{
    struct slot *unused = NULL;
    struct slot *oldest = NULL;
    size_t own = 0;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct slot *slot = &s->slots[i];
        if (!slot->used) {
            unused = unused == NULL ? slot : unused;
            continue;
        }
        if (strcmp(slot->session.account, account) != 0)
            continue;
        own++;
        if (oldest == NULL || slot->session.opened < oldest->session.opened)
            oldest = slot;
    }
    if (own < SESSIONS_PER_ACCOUNT)
        return unused;
    drop(s, oldest);
    return oldest;
}

bool session_open(struct sessions *s, const char *account, const char *origin, bool two_factors, tq_time now, char ret_token[SESSION_TOKEN],
                  struct session *ret)
{
    uint8_t token[32];
    crypto_random(token, sizeof token);
    text_hex_to(ret_token, token, sizeof token);
    crypto_wipe(token, sizeof token);
    uint8_t handle[SHA256_SIZE];
    struct span parts[] = {SPAN_LIT("tourniquet session handle"), span_str(ret_token)};
    crypto_sha256_parts(parts, 2, handle);

    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = place(s, account);
    if (slot != NULL) {
        *slot = (struct slot){.used = true, .session = {.opened = now, .last = now, .two_factors = two_factors}};
        crypto_sha256(span_str(ret_token), slot->hash);
        (void)snprintf(slot->session.account, sizeof slot->session.account, "%s", account);
        (void)snprintf(slot->session.origin, sizeof slot->session.origin, "%s", origin);
        text_hex_to(slot->session.handle, handle, (SESSION_HANDLE - 1) / 2);
        *ret = slot->session;
        s->count++;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return slot != NULL;
}

static struct slot *find(struct sessions *s, struct span token)
{
    if (token.n != SESSION_TOKEN - 1)
        return NULL;
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(token, hash);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (s->slots[i].used && crypto_equal(s->slots[i].hash, hash, sizeof hash))
            return &s->slots[i];
    return NULL;
}

static bool take(struct sessions *s, struct span token, tq_time now, bool use, struct session *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = find(s, token);
    bool ok = slot != NULL && live(slot, now);
    if (ok) {
        if (use)
            slot->session.last = now;
        *ret = slot->session;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return ok;
}

void session_second_factor(struct sessions *s, struct span token)
{
    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = find(s, token);
    if (slot != NULL)
        slot->session.two_factors = true;
    (void)pthread_mutex_unlock(&s->lock);
}

bool session_use(struct sessions *s, struct span token, tq_time now, struct session *ret)
{
    return take(s, token, now, true, ret);
}

bool session_look(struct sessions *s, struct span token, tq_time now, struct session *ret)
{
    return take(s, token, now, false, ret);
}

bool session_close(struct sessions *s, struct span token, struct session *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    struct slot *slot = find(s, token);
    if (slot != NULL) {
        *ret = slot->session;
        drop(s, slot);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return slot != NULL;
}

bool session_expired(struct sessions *s, tq_time now, struct session *ret, bool *ret_idle)
{
    bool found = false;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SESSIONS_MAX && !found; i++) {
        struct slot *slot = &s->slots[i];
        if (!slot->used || live(slot, now))
            continue;
        found = true;
        *ret = slot->session;
        *ret_idle = now - slot->session.opened < SESSION_LONGEST;
        drop(s, slot);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

bool session_end_one(struct sessions *s, const char *account, const char *handle, const char *but, struct session *ret)
{
    bool found = false;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SESSIONS_MAX && !found; i++) {
        struct slot *slot = &s->slots[i];
        found = slot->used && (account == NULL || strcmp(slot->session.account, account) == 0) &&
                (handle == NULL ? but == NULL || strcmp(slot->session.handle, but) != 0 : strcmp(slot->session.handle, handle) == 0);
        if (found) {
            *ret = slot->session;
            drop(s, slot);
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

void sessions_each(struct sessions *s, tq_time now, void (*each)(void *context, const struct session *one), void *context)
{
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (live(&s->slots[i], now))
            each(context, &s->slots[i].session);
    (void)pthread_mutex_unlock(&s->lock);
}

size_t sessions_count(struct sessions *s)
{
    (void)pthread_mutex_lock(&s->lock);
    size_t n = s->count;
    (void)pthread_mutex_unlock(&s->lock);
    return n;
}

void session_csrf(struct span token, char out[SESSION_CSRF])
{
    out[0] = 0;
    if (token.n != SESSION_TOKEN - 1)
        return;
    uint8_t hash[SHA256_SIZE];
    struct span parts[] = {SPAN_LIT("tourniquet csrf"), token};
    crypto_sha256_parts(parts, 2, hash);
    text_hex_to(out, hash, (SESSION_CSRF - 1) / 2);
}
