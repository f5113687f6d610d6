#include "proc/tickets.h"

#include "base/table.h"

#include <stdlib.h>

struct tickets {
    uint64_t first;
    uint64_t given, settled, durable; /* the last ticket of each */
    struct table *names;              /* of tickets: numbers */
    uint64_t *numbers;                /* of the tickets that are not durable; a ring */
};

struct tickets *tickets_new(uint64_t first, struct hash_key key)
{
    struct tickets *t = malloc(sizeof *t);
    if (t == NULL)
        return NULL;
    *t = (struct tickets){.first = first,
                          .given = first,
                          .settled = first,
                          .durable = first,
                          .names = table_new(key, TICKETS_NAMED, sizeof(uint64_t)),
                          .numbers = calloc(TICKETS_MOST, sizeof(uint64_t))};
    if (t->names == NULL || t->numbers == NULL) {
        tickets_free(t);
        return NULL;
    }
    return t;
}

void tickets_free(struct tickets *t)
{
    if (t == NULL)
        return;
    table_free(t->names);
    free(t->numbers);
    free(t);
}

uint64_t tickets_give(struct tickets *t)
{
    return t->given - t->durable < TICKETS_MOST ? ++t->given : 0;
}

bool tickets_settle(struct tickets *t, uint64_t seq, bool named)
{
    if (t->settled == t->given)
        return false;
    uint64_t ticket = ++t->settled;
    t->numbers[ticket % TICKETS_MOST] = seq;
    uint64_t *name = named ? table_put(t->names, span_of(&ticket, sizeof ticket), NULL) : NULL;
    if (name != NULL)
        *name = seq;
    return !named || name != NULL;
}

uint64_t tickets_durable(struct tickets *t, uint64_t seq)
{
    while (t->durable < t->settled && t->numbers[(t->durable + 1) % TICKETS_MOST] <= seq)
        t->durable++;
    return t->durable == t->first && seq < t->first ? 0 : t->durable;
}

uint64_t tickets_name(struct tickets *t, uint64_t ticket)
{
    struct span key = span_of(&ticket, sizeof ticket);
    const uint64_t *name = table_get(t->names, key);
    uint64_t seq = name == NULL ? 0 : *name;
    (void)table_remove(t->names, key);
    return seq;
}
