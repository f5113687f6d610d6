/* ASTM end to end, where policy cannot refuse: bytes go on at once both ways, and we read along. What may wait is one byte: the ACK of the frame that
 * ends a message, until the message is on record. */
#include "engine/relay/relay_private.h"

/* False: it is too long. */
static bool keep_text(struct session *s, enum relay_side from, struct span text)
{
    struct lane *l = &s->lane[from];
    if (l->raw.max == 0)
        l->raw = BUF_INIT(s->link->o.message_max);
    buf_add_span(&l->raw, text);
    if (buf_ok(&l->raw))
        return true;
    relay_complain(s, RELAY_EVENT_TOO_LONG, from, (struct span){0}, "a message is longer than this link takes");
    return false;
}

static void forget_text(struct lane *l)
{
    buf_release(&l->raw);
    l->raw.max = 0;
    l->frame = 0;
    l->open = false;
}

/* The records so far are a message. */
static void whole(struct session *s, enum relay_side from)
{
    struct lane *l = &s->lane[from];
    l->token = pass_seen(s, from, (struct span){0}, buf_span(&l->raw), (uint32_t)l->raw.n);
    forget_text(l);
}

/* An answer to what the other side sent last. False: it was held. */
static bool answered(struct session *s, enum relay_side from, bool good)
{
    struct relay *r = session_relay(s);
    struct lane *asked = &s->lane[other_side(from)];
    struct pending pending;
    if (!lane_answered(s, other_side(from), (struct span){0}, &pending))
        relay_complain(s, RELAY_EVENT_ANSWER_WRONG, from, (struct span){0}, "an answer to nothing that was sent");
    bool closes = asked->closing && good;
    asked->closing = false;
    if (!good)
        relay_tell(s->link, RELAY_EVENT_ANSWER_BAD, from, s->id, false, (struct span){0}, "a frame was answered with NAK");
    if (!closes)
        return true;
    if (asked->token > r->durable)
        return false;
    s->link->counters.answered += from == RELAY_LIS;
    measure_delay(&s->link->measure, r->now, pending.delay);
    return true;
}

static void frame_ended(struct session *s, enum relay_side from, enum astm_event event)
{
    struct lane *l = &s->lane[from];
    l->closing = event == ASTM_FRAME_REPEAT && l->closed;
    if (event == ASTM_FRAME_GOOD) {
        l->closed = look_astm_ended(buf_span(&l->raw), l->reader.astm.last_of_message);
        l->closing = l->closed;
        l->frame = (uint32_t)l->raw.n;
        if (l->reader.astm.out_of_order)
            relay_complain(s, RELAY_EVENT_FRAMING, from, (struct span){0}, "a frame with a number that is not the next one");
        if (l->closed)
            whole(s, from);
    } else {
        l->raw.n = l->frame < l->raw.n ? l->frame : l->raw.n;
        if (event == ASTM_FRAME_DAMAGED)
            relay_complain(s, RELAY_EVENT_FRAMING, from, (struct span){0}, "a frame is damaged or its checksum does not hold");
    }
    lane_pending(s, from, (struct span){0}, 0, 0, false);
}

bool astm_input(struct session *s, enum relay_side from, struct span in)
{
    struct lane *l = &s->lane[from];
    const uint8_t *at = in.p; /* what is not sent on begins here */
    struct span got = {0};
    for (;;) {
        const uint8_t *before = in.p;
        enum astm_event event = astm_link_next(&l->reader.astm, &in, &got);
        if (event == ASTM_MORE)
            break;
        switch (event) {
        case ASTM_ENQ:
            forget_text(l);
            l->closed = l->closing = false;
            l->pending_n = s->lane[other_side(from)].pending_n = 0; /* asked again; or both asked, and neither is answered */
            lane_pending(s, from, (struct span){0}, 0, 0, false);
            break;
        case ASTM_EOT:
            if (l->raw.n > 0)
                whole(s, from);
            forget_text(l);
            l->pending_n = 0;                        /* nothing it sent is answered any more */
            s->lane[other_side(from)].pending_n = 0; /* as a receiver it takes the frame with it */
            break;
        case ASTM_ACK:
        case ASTM_NAK:
            if (answered(s, from, event == ASTM_ACK))
                break;
            if (!lane_out(s, from, span_of(at, (size_t)(before - at))) ||
                !lane_hold(s, from, span_of(before, (size_t)(in.p - before)), s->lane[other_side(from)].token,
                           session_relay(s)->now + s->link->o.record_wait))
                return false;
            at = in.p;
            break;
        case ASTM_FRAME_START:
            l->open = true;
            l->began = session_relay(s)->now; /* each frame has its time */
            l->frame = (uint32_t)l->raw.n;
            break;
        case ASTM_TEXT:
            if (!keep_text(s, from, got)) {
                if (lane_out(s, from, span_of(at, (size_t)(before - at))))
                    session_end(s, from, "a message was longer than this link takes");
                return false;
            }
            break;
        case ASTM_FRAME_GOOD:
        case ASTM_FRAME_REPEAT:
        case ASTM_FRAME_DAMAGED: frame_ended(s, from, event); break;
        case ASTM_JUNK: relay_complain(s, RELAY_EVENT_FRAMING, from, (struct span){0}, "bytes outside a frame"); break;
        case ASTM_MORE: break;
        }
    }
    struct span rest = span_of(at, (size_t)(in.p - at));
    return rest.n == 0 || lane_out(s, from, rest);
}
