/* One direction of a session: what waits in it, and which of its messages wait for answers. */
#include "engine/relay/relay_private.h"

#define HELD_MAX (1u << 20) /* besides the answer itself */

uint64_t relay_id(const struct relay *r, struct span control_id)
{
    return hash_bytes(&r->key, control_id.p, control_id.n);
}

void lane_awaits(struct session *s)
{
    struct relay *r = session_relay(s);
    if (s->prev_held != NULL)
        return;
    s->next_held = r->held;
    s->prev_held = &r->held;
    if (r->held != NULL)
        r->held->prev_held = &s->next_held;
    r->held = s;
}

bool lane_out(struct session *s, enum relay_side from, struct span bytes)
{
    struct lane *l = &s->lane[from];
    if (l->held.n == 0)
        return session_send(s, other_side(from), bytes);
    buf_add_span(&l->held, bytes);
    if (buf_ok(&l->held))
        return true;
    session_end(s, from, "no memory");
    return false;
}

bool lane_hold(struct session *s, enum relay_side from, struct span bytes, uint64_t token, tq_time until)
{
    struct relay *r = session_relay(s);
    struct lane *l = &s->lane[from];
    if (bytes.n == 0)
        return true;
    if (l->held.n == 0) {
        l->held = BUF_INIT((size_t)s->link->o.message_max + RELAY_SCRATCH + HELD_MAX);
        l->held_token = 0;
        l->held_until = until;
        l->held_since = relay_clock(r);
        lane_awaits(s);
    }
    if (token > l->held_token)
        l->held_token = token;
    r->look = r->look || l->held_token <= r->durable;
    buf_add_span(&l->held, bytes);
    if (!buf_ok(&l->held)) {
        session_end(s, from, "no memory");
        return false;
    }
    if (l->held_until != TIMER_NEVER)
        session_arm(s, l->held_until);
    return true;
}

bool lane_release(struct session *s, enum relay_side from, bool recorded)
{
    struct lane *l = &s->lane[from];
    struct relay *r = session_relay(s);
    struct buf held = l->held;
    l->held = BUF_INIT(0);
    s->link->counters.answered += from == RELAY_LIS;
    if (!recorded) {
        s->link->counters.unrecorded++;
        relay_tell(s->link, RELAY_EVENT_UNRECORDED, from, s->id, false, (struct span){0}, "an answer went back before its message was on record");
    }
    measure_delay(&s->link->measure, r->now, relay_clock(r) - l->held_since);
    bool alive = session_send(s, other_side(from), buf_span(&held));
    buf_release(&held);
    if (alive)
        session_pause(s);
    return alive;
}

void lane_release_durable(struct relay *r)
{
    struct session *next;
    if (!r->look)
        return;
    r->look = false;
    for (struct session *s = r->held; s != NULL; s = next) {
        next = s->next_held; /* a session that ends stays where it is till it is buried, so next holds */
        for (int from = 0; from < 2 && !s->dead; from++)
            if (s->lane[from].held.n > 0 && s->lane[from].held_token <= r->durable)
                (void)lane_release(s, (enum relay_side)from, true);
        bool awaits = !s->dead && s->kind == SESSION_INTAKE && s->end[RELAY_ANALYZER] != NULL && astm_end_waits(s->end[RELAY_ANALYZER]);
        if (awaits && s->lane[RELAY_ANALYZER].token <= r->durable) {
            awaits = false;
            s->link->counters.answered++;
            measure_delay(&s->link->measure, r->now, relay_clock(r) - s->lane[RELAY_ANALYZER].held_since);
            astm_end_decide(s->end[RELAY_ANALYZER], ASTM_ACCEPT, 0);
        }
        if (s->dead || awaits || s->lane[0].held.n + s->lane[1].held.n > 0)
            continue;
        *s->prev_held = s->next_held;
        if (s->next_held != NULL)
            s->next_held->prev_held = s->prev_held;
        s->prev_held = NULL;
    }
}

void lane_pending(struct session *s, enum relay_side from, struct span control_id, uint64_t token, tq_time delay, bool twice)
{
    struct relay *r = session_relay(s);
    struct lane *l = &s->lane[from];
    if (l->pending_n == RELAY_PENDING) {
        memmove(l->pending, l->pending + 1, sizeof l->pending - sizeof l->pending[0]);
        l->pending_n--;
        s->link->counters.unanswered++;
    }
    l->pending[l->pending_n++] = (struct pending){.id = relay_id(r, control_id), .token = token, .since = r->now, .delay = delay, .twice = twice};
    session_arm(s, r->now + s->link->o.answer_time);
}

bool lane_answered(struct session *s, enum relay_side from, struct span control_id, struct pending *ret)
{
    struct lane *l = &s->lane[from];
    uint64_t id = l->pending_n == 0 ? 0 : relay_id(session_relay(s), control_id);
    for (uint8_t i = 0; i < l->pending_n; i++) {
        if (l->pending[i].id != id)
            continue;
        *ret = l->pending[i];
        l->pending_n--;
        memmove(l->pending + i, l->pending + i + 1, (size_t)(l->pending_n - i) * sizeof l->pending[0]);
        return true;
    }
    return false;
}

bool lane_answered_oldest(struct session *s, enum relay_side from, struct pending *ret)
{
    struct lane *l = &s->lane[from];
    if (l->pending_n == 0)
        return false;
    *ret = l->pending[0];
    memmove(l->pending, l->pending + 1, --l->pending_n * sizeof l->pending[0]);
    return true;
}

bool lane_unrecorded(const struct session *s, enum relay_side from)
{
    const struct lane *l = &s->lane[from];
    for (uint8_t i = 0; i < l->pending_n; i++)
        if (l->pending[i].token > session_relay(s)->durable)
            return true;
    return false;
}

void lane_reset(struct session *s, enum relay_side from)
{
    struct lane *l = &s->lane[from];
    buf_release(&l->raw);
    memset(&l->reader, 0, sizeof l->reader);
    l->reader.mllp.any_block = s->link->o.protocol == RELAY_MLLP;
    l->passed = l->content = l->frame = 0;
    l->open = l->gather = l->closing = false;
}
