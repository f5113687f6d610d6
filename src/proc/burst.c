#include "proc/burst.h"

/* How much came since the last look: bytes a second. */
static uint64_t count(struct burst *b, tq_time now)
{
    uint64_t ms = (uint64_t)((now - b->look_at) / TIME_MS);
    uint64_t rate = b->bytes * (TIME_SECOND / TIME_MS) / ms;
    uint64_t ordinary = ms < TIME_SECOND / TIME_MS ? BURST_LEAST * ms / (TIME_SECOND / TIME_MS) : BURST_LEAST;
    b->above = b->above + b->bytes > ordinary ? b->above + b->bytes - ordinary : 0;
    b->above = b->above < BURST_LEAST ? b->above : BURST_LEAST;
    if (rate >= BURST_LEAST)
        b->much_at = now;
    b->look_at = now;
    b->bytes = 0;
    return rate;
}

static bool begins(const struct burst *b, const struct burst_facts *f, uint64_t rate)
{
    if (b->spent || f->earlier || !f->records || !f->can || f->spooled >= BURST_BYTES)
        return false;
    return (b->above >= BURST_LEAST && !b->steady) || (f->behind >= BURST_BEHIND && rate >= BURST_LEAST);
}

bool burst_look(struct burst *b, const struct burst_facts *f, tq_time now)
{
    if (now - b->look_at < BURST_LOOK)
        return false;
    uint64_t rate = count(b, now);
    b->spent = b->spent && (f->left || !f->calm);
    b->steady = b->steady && now - b->much_at < BURST_MOST;
    if (!b->is && !f->left)
        b->since = now;
    bool most = now - b->since >= BURST_MOST || f->spooled >= BURST_BYTES || !f->can;
    b->highest = rate > b->highest || !b->is ? rate : b->highest;
    if (rate >= b->highest / BURST_ENDS)
        b->goes_at = now;
    if (b->is && (most || now - b->goes_at >= BURST_QUIET)) {
        b->is = false;
        b->spent = b->steady = most;
        return true;
    }
    b->is = b->is || (!most && begins(b, f, rate));
    return false;
}

bool burst_lets(struct burst *b, size_t bytes, tq_time at, tq_time now)
{
    if (b->spent || b->steady || now - at >= BURST_DOUBT)
        return true;
    uint64_t us = (uint64_t)(now - b->hands_at) / (TIME_MS / 1000);
    uint64_t more = us < 1000000 ? BURST_HANDS * us / 1000000 : BURST_HANDS_AT_ONCE;
    if (more > 0) {
        b->hands = b->hands + more < BURST_HANDS_AT_ONCE ? b->hands + more : BURST_HANDS_AT_ONCE;
        b->hands_at = now;
    }
    if (b->hands < bytes && b->hands < BURST_HANDS_AT_ONCE)
        return false;
    b->hands -= bytes < b->hands ? bytes : b->hands;
    return true;
}
