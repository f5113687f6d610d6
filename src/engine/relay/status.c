/* How a link is. */
#include "engine/relay/relay_private.h"

void relay_status(struct relay_link *link, tq_time now, struct relay_status *ret)
{
    *ret = (struct relay_status){.counters = link->counters, .stopped = link->stopped, .learning = policy_learns(link->policy, now)};
    for (int i = 0; i < 2; i++) {
        const struct side_state *from = &link->side[i];
        struct relay_side_status *to = &ret->side[i];
        to->connections = from->connections;
        to->peer = from->peer;
        to->since = from->since;
        memcpy(to->tls_version, from->tls_version, sizeof to->tls_version);
        memcpy(to->why, from->why, sizeof to->why);
    }
    ret->full = link->queue != NULL && link->relay->can_keep && link->stopped;
    bool near = false;
    if (link->queue != NULL)
        near = relay_queue_look(link->queue, link, &ret->queue_messages, &ret->queue_bytes, &ret->queue_oldest);
    ret->delay_p50 = measure_percentile(&link->measure, now, 50);
    ret->delay_p99 = measure_percentile(&link->measure, now, 99);
    ret->rate = measure_rate(&link->measure, now);
    bool lis = link->side[RELAY_LIS].down_told;
    bool analyzer = link->side[RELAY_ANALYZER].down_told;
    bool keeps = link->o.mode == RELAY_STORE_AND_FORWARD;
    ret->state = link->bypassed                         ? RELAY_STATE_BYPASSED
                 : link->hold                           ? RELAY_STATE_HELD
                 : (lis && !keeps) || (lis && analyzer) ? RELAY_STATE_DOWN
                 : lis || analyzer || near || ret->full ? RELAY_STATE_DEGRADED
                                                        : RELAY_STATE_UP; /* for how long it may be `stopped` otherwise, the host says */
}

bool relay_waits(const struct relay_link *link)
{
    return link->queue != NULL && link->queue->n > 0;
}

void relay_proposed(struct relay_link *link, void (*each)(void *context, enum relay_learnt what, const char *text, uint64_t count), void *context)
{
    policy_proposed(link->policy, each, context);
}

void relay_proposed_limits(struct relay_link *link, uint32_t *ret_size, uint32_t *ret_rate)
{
    *ret_size = policy_largest(link->policy);
    *ret_rate = link->measure.busiest;
}

bool relay_learnt_news(struct relay_link *link, bool told, bool (*each)(void *context, enum relay_learnt what, struct span text), void *context)
{
    if (!told)
        policy_not_told(link->policy);
    return policy_news(link->policy, each, context);
}

void relay_learnt_known(struct relay_link *link, enum relay_learnt what, struct span text)
{
    policy_known(link->policy, what, text);
}

void relay_learnt_limits(struct relay_link *link, uint32_t size, uint32_t rate)
{
    policy_known_largest(link->policy, size);
    if (rate > link->measure.busiest)
        link->measure.busiest = rate;
}

void relay_learn_until(struct relay_link *link, tq_time until)
{
    policy_learn_until(link->policy, until);
}
