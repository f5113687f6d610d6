/* What endpoints of ASTM make of messages: the two of a pair hand them to each other whole; those of a link that keeps, to its queue. */
#include "engine/relay/relay_private.h"

bool astm_told(struct session *s, enum relay_side from, struct span frames, struct span records, struct judged *ret)
{
    struct lane *l = &s->lane[from];
    uint64_t hash = hash_bytes(&session_relay(s)->key, frames.p, frames.n);
    if (l->asked && l->hash == hash) {
        *ret = (struct judged){.token = l->token, .keep = true};
        return true;
    }
    pass_judge(s, from, records, records.n, ret);
    pass_tell(s, from, frames, records, ret);
    bool taken = ret->verdict.verdict != RELAY_REFUSED;
    l->asked = taken && ret->keep;
    l->hash = hash;
    l->token = ret->token;
    return taken;
}

/* A message for the other side of a pair, or from the LIS for the analyzer of a link that keeps. */
static enum astm_decision hand_over(struct session *s, enum relay_side from, struct session *to_session, struct span frames, struct span records)
{
    enum relay_side to = other_side(from);
    struct judged j;
    if (!astm_told(s, from, frames, records, &j))
        return ASTM_REFUSE;
    struct astm_end *to_end = to_session == NULL || !to_session->running ? NULL : to_session->end[to];
    if (to_end == NULL || !astm_end_idle(to_end))
        return ASTM_AGAIN;
    astm_end_send(to_end, frames);
    return ASTM_WAIT;
}

enum astm_decision astm_received(struct session *s, enum relay_side from, struct span frames, struct span records, uint64_t *ret_token)
{
    switch (s->kind) {
    case SESSION_INTAKE: return keep_astm(s, frames, records, ret_token);
    case SESSION_DELIVERY: return hand_over(s, from, keep_newest_intake(s->link), frames, records);
    case SESSION_PAIR: break;
    }
    return hand_over(s, from, s, frames, records);
}

void astm_sent(struct session *s, enum relay_side to, enum astm_sent how, const char *why)
{
    bool ok = how == ASTM_SENT;
    struct relay_link *link = s->link;
    enum relay_side from = other_side(to);
    if (s->kind == SESSION_DELIVERY) {
        keep_sent(s, how, why);
        return;
    }
    struct session *origin = s->kind == SESSION_INTAKE ? link->queue->outlet[0].session : s;
    if (!ok)
        relay_tell(link, RELAY_EVENT_ANSWER_BAD, to, s->id, false, (struct span){0}, why);
    if (origin == NULL || origin->end[from] == NULL)
        return;
    struct lane *l = &origin->lane[from];
    if (ok) {
        link->counters.forwarded += from == RELAY_ANALYZER;
        link->counters.answered += from == RELAY_ANALYZER;
        l->asked = false;
    }
    astm_end_decide(origin->end[from], ok ? ASTM_ACCEPT : ASTM_AGAIN, ok ? l->token : 0);
}
