#include "door/api/api_private.h"

#include <stdio.h>

/* The second person: two people ask for the same, each with their own sign-in, within a quarter of an hour. The first is told to wait for the second,
 * and that is on the ledger; the second's decision names both. At the machine itself one is enough: whoever is root there could do it anyhow. */

#define WISH_TIME (INT64_C(15) * 60 * TIME_SECOND)

static bool is_for(const struct wish_of_two *w, const char *what, tq_time now)
{
    return w->person[0] != 0 && now < w->until && strcmp(w->what, what) == 0;
}

/* Another person's wish for the same is copied to *ret; else this one's is written down. */
static bool find_or_keep(struct call *c, const char *what, struct span why, struct wish_of_two *ret)
{
    struct wish_of_two *free_one = &c->api->wishes[0];
    struct wish_of_two *of_another = NULL;
    struct wish_of_two *own = NULL;
    (void)pthread_mutex_lock(&c->api->lock);
    for (size_t i = 0; i < WISHES; i++) {
        struct wish_of_two *w = &c->api->wishes[i];
        if (is_for(w, what, c->now.monotonic) && strcmp(w->person, c->person.name) == 0)
            own = w;
        else if (is_for(w, what, c->now.monotonic))
            of_another = w;
        if (w->person[0] == 0 || w->until < free_one->until)
            free_one = w; /* empty, or the oldest */
    }
    if (of_another != NULL) {
        *ret = *of_another;
    } else {
        struct wish_of_two *w = own != NULL ? own : free_one;
        *w = (struct wish_of_two){.until = c->now.monotonic + WISH_TIME};
        (void)snprintf(w->person, sizeof w->person, "%s", c->person.name);
        (void)snprintf(w->what, sizeof w->what, "%s", what);
        if (why.n <= WISH_WHY)
            (void)snprintf(w->why, sizeof w->why, "%.*s", (int)why.n, (const char *)why.p);
    }
    (void)pthread_mutex_unlock(&c->api->lock);
    return of_another != NULL;
}

bool second_person(struct call *c, const char *what, struct span why, struct buf *both, const char *told, const char *permission)
{
    struct wish_of_two first = {0};
    if (c->request->door != DOOR_LOCAL && !find_or_keep(c, what, why, &first)) {
        refuse(c, 409, "second-person", told, permission);
        return false;
    }
    buf_add_span(both, why);
    if (first.person[0] != 0)
        buf_addf(both, " (%s asked for it first: %s)", first.person, first.why);
    return true;
}

void second_person_done(struct call *c, const char *what)
{
    (void)pthread_mutex_lock(&c->api->lock);
    for (size_t i = 0; i < WISHES; i++)
        if (strcmp(c->api->wishes[i].what, what) == 0)
            c->api->wishes[i] = (struct wish_of_two){0};
    (void)pthread_mutex_unlock(&c->api->lock);
}

bool second_person_awaited(struct call *c, const char *what, struct wish_of_two *ret)
{
    bool found = false;
    (void)pthread_mutex_lock(&c->api->lock);
    for (size_t i = 0; i < WISHES && !found; i++)
        if (is_for(&c->api->wishes[i], what, c->now.monotonic)) {
            *ret = c->api->wishes[i];
            found = true;
        }
    (void)pthread_mutex_unlock(&c->api->lock);
    return found;
}
