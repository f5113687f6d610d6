/* What a relay recorded and did not hand on yet (relay.behind): until it is here, nobody can say that something is missing, or came from nowhere. The
 * clock by which such is judged stands still meanwhile, but not for ever: then it is told as what it is, a doubt. */
#include "engine/detect/detect_private.h"

#define BEHIND_MOST (10 * 60 * TIME_SECOND)

/* Relays that ended soon after each other share a time. */
static void note_lost(struct detect *d, tq_time from, tq_time until)
{
    size_t at = d->behind.lost_at;
    if (from <= d->behind.lost[at].until && until >= d->behind.lost[at].from) {
        from = from < d->behind.lost[at].from ? from : d->behind.lost[at].from;
        until = until > d->behind.lost[at].until ? until : d->behind.lost[at].until;
    } else {
        at = (at + 1) % LOST_TIMES;
    }
    d->behind.lost[at].from = from;
    d->behind.lost[at].until = until;
    d->behind.lost_at = at;
}

void behind_take(struct detect *d, const struct record *r)
{
    tq_time from = record_number(r, KEY_FIRST_TIME, 0);
    tq_time until = record_number(r, KEY_LAST_TIME, 0);
    bool behind = span_is(record_get(r, KEY_STATE), "behind");
    if (behind && (!d->behind.is || from < d->behind.since))
        d->behind.since = from;
    d->behind.is = behind;
    if (until > from)
        note_lost(d, from, until);
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
    for (size_t i = 0; i < LOST_TIMES; i++)
        if (time >= d->behind.lost[i].from && time <= d->behind.lost[i].until)
            return true;
    return false;
}
