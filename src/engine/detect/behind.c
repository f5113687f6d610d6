/* What a relay recorded and did not hand on yet (relay.behind): until it is here, nobody can say that something is missing, or came from nowhere. The
 * clock by which such is judged stands still meanwhile, but not for ever: then it is told as what it is, a doubt. */
#include "engine/detect/detect_private.h"

#define BEHIND_MOST (10 * 60 * TIME_SECOND)

void behind_take(struct detect *d, const struct record *r)
{
    tq_time from = record_number(r, KEY_FIRST_TIME, 0);
    tq_time until = record_number(r, KEY_LAST_TIME, 0);
    bool behind = span_is(record_get(r, KEY_STATE), "behind");
    if (behind && (!d->behind.is || from < d->behind.since))
        d->behind.since = from;
    d->behind.is = behind;
    if (until <= from)
        return;
    d->behind.lost_from = from;
    d->behind.lost_until = until;
}

bool behind_doubt(const struct detect *d)
{
    return d->behind.is;
}

tq_time behind_now(const struct detect *d)
{
    bool waits = d->behind.is && d->behind.since < d->now && d->now - d->behind.since <= BEHIND_MOST;
    return waits ? d->behind.since : d->now;
}

bool behind_lost(const struct detect *d, tq_time time)
{
    return time >= d->behind.lost_from && time <= d->behind.lost_until;
}
