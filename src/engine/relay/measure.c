#include "engine/relay/measure.h"

/* Steps: the delay in units of 1.024 µs, four to an octave. */
#define UNIT_BITS 10

static unsigned step_of(tq_time delay)
{
    uint64_t units = delay <= 0 ? 0 : (uint64_t)delay >> UNIT_BITS;
    if (units < 4)
        return (unsigned)units;
    unsigned octave = 63u - (unsigned)__builtin_clzll(units);
    unsigned step = 4 * (octave - 1) + (unsigned)(units >> (octave - 2) & 3);
    return step < MEASURE_STEPS ? step : MEASURE_STEPS - 1;
}

/* The end of a step. */
static tq_time step_end(unsigned step)
{
    if (step < 4)
        return (tq_time)(step + 1) << UNIT_BITS;
    unsigned octave = step / 4 + 1;
    return (tq_time)((uint64_t)(step % 4 + 5) << (octave - 2)) << UNIT_BITS;
}

static void roll(struct measure *m, tq_time now)
{
    if (now - m->window >= 2 * MEASURE_WINDOW) {
        memset(m->count, 0, sizeof m->count);
        m->total[0] = m->total[1] = 0;
        m->window = now;
    } else if (now - m->window >= MEASURE_WINDOW) {
        memcpy(m->count[1], m->count[0], sizeof m->count[0]);
        memset(m->count[0], 0, sizeof m->count[0]);
        m->total[1] = m->total[0];
        m->total[0] = 0;
        m->window += MEASURE_WINDOW;
    }
}

static void roll_minute(struct measure *m, tq_time now)
{
    if (now - m->minute < 60 * TIME_SECOND)
        return;
    m->last_minute = now - m->minute < 120 * TIME_SECOND ? m->in_minute : 0;
    m->in_minute = 0;
    m->minute = now - m->minute < 120 * TIME_SECOND ? m->minute + 60 * TIME_SECOND : now;
}

void measure_delay(struct measure *m, tq_time now, tq_time delay)
{
    roll(m, now);
    m->count[0][step_of(delay)]++;
    m->total[0]++;
}

uint32_t measure_in_minute(struct measure *m, tq_time now)
{
    roll_minute(m, now);
    return m->in_minute;
}

void measure_message(struct measure *m, tq_time now)
{
    roll_minute(m, now);
    m->in_minute++;
    if (m->in_minute > m->busiest)
        m->busiest = m->in_minute;
}

tq_time measure_percentile(struct measure *m, tq_time now, unsigned share)
{
    roll(m, now);
    uint64_t total = (uint64_t)m->total[0] + m->total[1];
    uint64_t wanted = (total * share + 99) / 100;
    uint64_t seen = 0;
    for (unsigned i = 0; i < MEASURE_STEPS && total > 0; i++) {
        seen += (uint64_t)m->count[0][i] + m->count[1][i];
        if (seen >= wanted && seen > 0)
            return step_end(i);
    }
    return 0;
}

uint32_t measure_rate(struct measure *m, tq_time now)
{
    roll_minute(m, now);
    return m->last_minute;
}
