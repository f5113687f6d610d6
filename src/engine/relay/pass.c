/* Whole messages: looked at, judged, told to the host; answers matched with what they answer. */
#include "engine/relay/relay_private.h"

#include <stdlib.h>

bool pass_gathers(const struct session *s, enum relay_side from)
{
    const struct relay_link *link = s->link;
    if (s->kind != SESSION_PAIR)
        return true;
    return policy_refuses(link->policy, link->relay->now) || lane_unrecorded(s, other_side(from)) || s->lane[other_side(from)].given_up != 0;
}

/* A control id that was used before: by the same message, sent again, which is usual; or by another one, which is told. */
static void look_for_repeat(struct session *s, enum relay_side from, const struct look *look, struct span content)
{
    struct relay_link *link = s->link;
    const struct hash_key *key = &link->relay->key;
    if (look->control_id.n == 0 || (link->recent == NULL && (link->recent = calloc(1, sizeof *link->recent)) == NULL))
        return;
    struct recent *recent = link->recent;
    uint64_t id = relay_id(link->relay, look->control_id) ^ (uint64_t)from;
    uint64_t hash = hash_bytes(key, content.p, content.n);
    for (size_t i = 0; i < RECENT; i++) {
        if (recent->seen[i].id != id)
            continue;
        link->counters.repeated++;
        if (recent->seen[i].hash != hash)
            relay_complain(s, RELAY_EVENT_REPEATED, from, look->control_id, "another message under a control id that was used before");
        recent->seen[i].hash = hash;
        return;
    }
    recent->seen[recent->at].id = id;
    recent->seen[recent->at].hash = hash;
    recent->at = (recent->at + 1) % RECENT;
}

bool pass_unanswered(struct session *s, enum relay_side from, uint64_t id)
{
    struct lane *l = &s->lane[from];
    struct look look;
    if (s->kind != SESSION_PAIR || from != RELAY_ANALYZER || s->link->o.protocol != RELAY_MLLP || s->link->bypassed || l->header_n == 0 ||
        s->channel[from].state != CHANNEL_OPEN || !look_hl7(span_of(l->header, l->header_n), &look, NULL, NULL))
        return true;
    struct buf out = BUF_INIT(4096);
    answer_write(s->link, &out, &look, ANSWER_ERROR, "207", "the LIS did not answer in time: send this again");
    l->given_up = id;
    bool alive = session_send(s, from, buf_span(&out));
    buf_release(&out);
    return alive;
}

static void tell_verdict(struct session *s, enum relay_side from, const struct policy_verdict *v)
{
    struct relay_link *link = s->link;
    if (v->verdict == RELAY_PASSED)
        return;
    bool refused = v->verdict == RELAY_REFUSED;
    *(refused ? &link->counters.refused : &link->counters.flagged) += 1;
    relay_tell(link, refused ? RELAY_EVENT_REFUSED : RELAY_EVENT_FLAGGED, from, s->id, false, v->foreign, v->reason);
}

void pass_judge(struct session *s, enum relay_side from, struct span content, uint32_t size, struct judged *ret)
{
    struct relay_link *link = s->link;
    struct relay *r = link->relay;
    bool read = false;
    uint32_t in_minute = 1 + measure_in_minute(&link->measure, r->now);
    ret->verdict = policy_judge(link->policy, link->o.protocol, content, size, in_minute, r->now, &ret->look, &read);
    ret->keep = true;
    ret->again = false;
    ret->token = 0;
    if (!read && content.n > 0)
        relay_complain(s, RELAY_EVENT_FRAMING, from, (struct span){0},
                       link->o.protocol == RELAY_MLLP ? "a message without MSH" : "a message without an H record");
    if (ret->look.charset_wrong)
        relay_complain(s, RELAY_EVENT_CHARSET, from, (struct span){0}, "a message holds bytes that are not of the character set it names");
    if (ret->look.answer)
        return;
    measure_message(&link->measure, r->now);
    if (policy_floods(link->policy, in_minute))
        relay_complain(s, RELAY_EVENT_FLOOD, from, (struct span){0}, "more messages in a minute than this link allows");
    *(from == RELAY_ANALYZER ? &link->counters.received : &link->counters.from_lis) += 1;
}

/* Tells the host of a message whose verdict stands. */
void pass_tell(struct session *s, enum relay_side from, struct span raw, struct span content, struct judged *j)
{
    struct relay *r = session_relay(s);
    tell_verdict(s, from, &j->verdict);
    if (r->host.message == NULL)
        return;
    struct relay_message m = {.connection = &s->channel[from].connection,
                              .verdict = j->verdict.verdict,
                              .reason = j->verdict.reason,
                              .content = content,
                              .raw = raw,
                              .type = j->look.type,
                              .control_id = j->look.control_id,
                              .sender_app = j->look.sender_app,
                              .sender_place = j->look.sender_place,
                              .results = j->look.results,
                              .answer = j->look.answer,
                              .again = j->again};
    j->token = r->host.message(r->host.context, s->link, &m, r->now, &j->keep);
}

/* Which acknowledgements it asks for (HL7 v2.5.1, 2.9.3; table 0155). */
static bool wants(struct span condition)
{
    return condition.n > 0 && !span_is(condition, "NE");
}

static void look_at_answer(struct session *s, enum relay_side from, const struct look *look, bool known)
{
    static const char codes[6][3] = {"AA", "CA", "AE", "AR", "CE", "CR"};
    size_t i = 0;
    while (i < 6 && !span_is(look->answer_code, codes[i]))
        i++;
    if (i == 6)
        relay_complain(s, RELAY_EVENT_ANSWER_WRONG, from, look->answer_code, "an answer with a code that is none (MSA-1)");
    else if (!known)
        relay_complain(s, RELAY_EVENT_ANSWER_WRONG, from, look->answered_id, "an answer to a message that does not wait for one (MSA-2)");
    else if (i > 1)
        relay_tell(s->link, RELAY_EVENT_ANSWER_BAD, from, s->id, false, look->answer_code, "a message was answered with an error or refused");
}

static enum pass refuse(struct session *s, enum relay_side from, const struct judged *j)
{
    struct buf out = BUF_INIT(4096);
    answer_write(s->link, &out, &j->look, ANSWER_REJECT, j->verdict.code, j->verdict.reason);
    bool alive = session_send(s, from, buf_span(&out));
    buf_release(&out);
    return alive ? PASS_DROP : PASS_DEAD;
}

/* It answers the oldest that waits, which is the only one where the sender keeps to the rules. */
static enum pass commit(struct session *s, enum relay_side from, bool stored, uint64_t *ret_token)
{
    struct relay *r = session_relay(s);
    struct pending pending;
    if (!lane_answered_oldest(s, other_side(from), &pending)) {
        relay_complain(s, RELAY_EVENT_ANSWER_WRONG, from, (struct span){0}, "an answer to nothing that was sent");
        return PASS_ON;
    }
    if (!stored)
        relay_tell(s->link, RELAY_EVENT_ANSWER_BAD, from, s->id, false, (struct span){0}, "a message was answered as not stored");
    if (s->lane[from].gather && pending.token > r->durable) {
        *ret_token = pending.token;
        return PASS_HOLD;
    }
    s->link->counters.answered += from == RELAY_LIS;
    measure_delay(&s->link->measure, r->now, pending.delay);
    return PASS_ON;
}

enum pass pass_message(struct session *s, enum relay_side from, struct span content, uint32_t size, uint64_t *ret_token)
{
    struct relay_link *link = s->link;
    struct relay *r = link->relay;
    if (is_commit(content))
        return commit(s, from, content.p[0] == 0x06, ret_token);
    struct judged j;
    struct pending pending = {0};
    tq_time came = relay_clock(r);
    pass_judge(s, from, content, size, &j);
    bool known = j.look.answer && lane_answered(s, other_side(from), j.look.answered_id, &pending);
    if (known && j.look.results == 0)
        j.verdict = (struct policy_verdict){.verdict = RELAY_PASSED};
    if (j.verdict.verdict == RELAY_REFUSED && !s->lane[from].gather) /* it has gone already: the policy changed meanwhile */
        j.verdict.verdict = RELAY_FLAGGED;
    pass_tell(s, from, content, content, &j);
    if (j.look.answer)
        look_at_answer(s, from, &j.look, known);
    if (j.verdict.verdict == RELAY_REFUSED)
        return refuse(s, from, &j);
    bool accept = wants(j.look.accept_ack);
    bool application = wants(j.look.application_ack);
    struct lane *asked = &s->lane[other_side(from)];
    if (j.look.answer && !known && asked->given_up != 0 && asked->given_up == relay_id(r, j.look.answered_id)) {
        asked->given_up = 0;
        return s->lane[from].gather ? PASS_DROP : PASS_ON;
    }
    if (!j.look.answer) {
        struct lane *l = &s->lane[from];
        l->header_n = j.look.header.n <= sizeof l->header ? (uint8_t)span_copy(j.look.header, l->header, sizeof l->header) : 0;
        l->given_up = 0;
        look_for_repeat(s, from, &j.look, content);
        link->counters.forwarded += from == RELAY_ANALYZER;
        if (content.n > 0 && (accept || application || !j.look.enhanced))
            lane_pending(s, from, j.look.control_id, j.token, relay_clock(r) - came, accept && application);
        return PASS_ON;
    }
    if (accept) /* an application acknowledgement is acknowledged itself */
        lane_pending(s, from, j.look.control_id, j.token, 0, false);
    if (known && pending.twice && j.look.answer_code.n > 0 && j.look.answer_code.p[0] == 'C')
        lane_pending(s, other_side(from), j.look.answered_id, pending.token, 0, false);
    if (known && s->lane[from].gather && pending.token > r->durable && !link->bypassed) {
        *ret_token = pending.token;
        return PASS_HOLD;
    }
    link->counters.answered += from == RELAY_LIS;
    measure_delay(&link->measure, r->now, pending.delay + relay_clock(r) - came);
    return PASS_ON;
}

uint64_t pass_seen(struct session *s, enum relay_side from, struct span raw, struct span content, uint32_t size)
{
    struct judged j;
    pass_judge(s, from, content, size, &j);
    if (j.verdict.verdict == RELAY_REFUSED) /* it has gone already */
        j.verdict.verdict = RELAY_FLAGGED;
    pass_tell(s, from, raw, content, &j);
    s->link->counters.forwarded += from == RELAY_ANALYZER;
    return j.token;
}
