/* Store and forward: messages are answered when they are durable, wait in a queue, and are delivered in order, one at a time, over the link's own
 * connection to the LIS; or over several, its outlets, each sender's over one of them.
 *
 * Invariants: a message leaves the queue only when the LIS took it (or refused it for good, which is told); the first of an outlet is the only one of
 * it under way; what is sent again is sent unchanged. */
#include "engine/relay/queue.h"
#include "engine/relay/relay_private.h"

#include <stdio.h>
#include <stdlib.h>

#define REJECTED_TRIES 3 /* AR, CR, or frames that are not taken */
#define ERROR_TRIES 6    /* AE, CE */
#define RETRY_FIRST TIME_SECOND
#define RETRY_MOST (60 * TIME_SECOND)

/* ── Room ── */

/* So many fifths of what may wait do. */
static bool reaches(const struct queue *q, const struct relay_link *link, unsigned fifths)
{
    return (uint64_t)q->n * 5 >= (uint64_t)link->o.queue_messages * fifths || q->bytes >= link->o.queue_bytes / 5 * fifths;
}

bool relay_queue_look(const struct queue *q, const struct relay_link *link, uint32_t *ret_messages, uint64_t *ret_bytes, tq_time *ret_oldest)
{
    *ret_messages = q->n;
    *ret_bytes = q->bytes;
    *ret_oldest = 0;
    for (unsigned i = 0; i < q->outlets; i++) {
        const struct item *first = q->outlet[i].first;
        if (first != NULL && (*ret_oldest == 0 || first->came < *ret_oldest))
            *ret_oldest = first->came;
    }
    return reaches(q, link, 4);
}

/* Full; once it was, until a tenth is free again. */
static bool full(const struct relay_link *link)
{
    const struct relay_link_options *o = &link->o;
    uint32_t messages = link->stopped ? o->queue_messages - o->queue_messages / 10 : o->queue_messages;
    uint64_t bytes = link->stopped ? o->queue_bytes - o->queue_bytes / 10 : o->queue_bytes;
    return link->queue->n >= messages || link->queue->bytes >= bytes;
}

/* Where a full link goes on end to end, messages that wait for the LIS's own answer come on top; there is an end to that too. */
static bool overfull(const struct relay_link *link)
{
    return link->queue->n / 2 >= link->o.queue_messages || link->queue->bytes / 2 >= link->o.queue_bytes;
}

/* Alarms, and whether we go on taking messages. */
static void look_at_room(struct relay_link *link)
{
    struct queue *q = link->queue;
    if (reaches(q, link, 4) && !q->alarmed) {
        q->alarmed = true;
        relay_tell(link, RELAY_EVENT_QUEUE, RELAY_LIS, 0, false, (struct span){0}, "four fifths of the messages that may wait for the LIS do");
    } else if (q->alarmed && !reaches(q, link, 3)) {
        q->alarmed = false;
        relay_tell(link, RELAY_EVENT_QUEUE, RELAY_LIS, 0, true, (struct span){0}, "the messages that wait for the LIS are fewer again");
    }
    bool cannot = full(link) || !link->relay->can_keep;
    bool stop = !link->bypassed && (link->o.when_full == RELAY_FULL_STOP ? cannot : overfull(link));
    if (stop == link->stopped)
        return;
    link->stopped = stop;
    relay_tell(link, RELAY_EVENT_STOPPED, RELAY_ANALYZER, 0, !stop, (struct span){0},
               !stop                   ? "messages are kept and answered again"
               : link->relay->can_keep ? "the queue is full: the analyzer is not answered"
                                       : "no more messages can be kept: the analyzer is not answered");
    for (struct session *s = link->sessions; s != NULL; s = s->next)
        session_pause(s);
}

bool keep_room(struct session *s)
{
    struct relay_link *link = s->link;
    struct relay *r = link->relay;
    if (r->host.room == NULL || link->o.when_full != RELAY_FULL_STOP || link->bypassed || s->end[RELAY_ANALYZER] != NULL ||
        r->host.room(r->host.context, s->lane[RELAY_ANALYZER].raw.n + RELAY_SCRATCH))
        return true;
    relay_can_keep(r, false);
    look_at_room(link);
    return false;
}

/* ── Taking ── */

struct session *keep_newest_intake(struct relay_link *link)
{
    for (struct session *s = link->sessions; s != NULL; s = s->next)
        if (s->kind == SESSION_INTAKE && s->running && !s->dead)
            return s;
    return NULL;
}

static struct session *session_with(struct relay_link *link, uint64_t id)
{
    for (struct session *s = link->sessions; s != NULL && id != 0; s = s->next)
        if (s->id == id && s->running && !s->dead)
            return s;
    return NULL;
}

/* An answer of ours to an intake; it goes when the token is durable. */
static bool answer(struct session *s, const struct look *look, enum answer what, uint64_t token, const char *code, const char *reason)
{
    struct buf out = BUF_INIT(8192);
    answer_write(s->link, &out, look, what, code, reason);
    bool now = token <= session_relay(s)->durable && s->lane[RELAY_LIS].held.n == 0;
    bool alive = now ? session_send(s, RELAY_ANALYZER, buf_span(&out)) : lane_hold(s, RELAY_LIS, buf_span(&out), token, TIMER_NEVER);
    s->link->counters.answered += now;
    buf_release(&out);
    return alive;
}

/* Queries want data for an answer, which only the LIS has. */
static bool is_query(const struct look *look)
{
    return look->type.n >= 3 && look->type.p[0] == 'Q' && !span_starts(look->type, SPAN_LIT("QCN"));
}

enum repeat { REPEAT_NONE, REPEAT_ANSWER, REPEAT_WAITS };

/* Was this message here before? Then it is answered (its token in *ret_token), or still waits for the LIS's own answer, which goes to whoever asked
 * last. Another one under the same control id is told and taken; so is one that the LIS had refused for good (ret_again). */
static enum repeat repeated(struct session *s, const struct look *look, struct span raw, uint64_t *ret_token, bool *ret_again)
{
    struct relay *r = session_relay(s);
    struct queue *q = s->link->queue;
    uint64_t id = relay_id(r, look->control_id);
    const struct seen *seen = look->control_id.n == 0 ? NULL : relay_queue_seen(q, id);
    if (seen == NULL)
        return REPEAT_NONE;
    bool same = seen->hash == hash_bytes(&r->key, raw.p, raw.n);
    *ret_again = seen->given_up && same;
    if (seen->given_up)
        return REPEAT_NONE;
    s->link->counters.repeated++;
    relay_tell(s->link, RELAY_EVENT_REPEATED, RELAY_ANALYZER, s->id, false, look->control_id,
               same ? "a message came again: it is not delivered twice" : "another message under a control id that was used before");
    *ret_token = seen->token;
    if (!same)
        return REPEAT_NONE;
    if (!seen->passes)
        return REPEAT_ANSWER;
    struct item *i = relay_queue_find(q, id);
    if (i == NULL) /* the LIS has answered it, and that answer did not arrive */
        return REPEAT_NONE;
    i->session = s->id;
    return REPEAT_WAITS;
}

static struct outlet *outlet_of(const struct session *s)
{
    return &s->link->queue->outlet[s->outlet];
}

static uint16_t sender_of(const struct relay *r, const struct look *look)
{
    return (uint16_t)(relay_id(r, look->sender_app) * 31 + relay_id(r, look->sender_place));
}

static void wake(struct relay_link *link, struct outlet *o);

/* Returns the outlet; NULL: no memory. */
static struct outlet *put(struct session *s, const struct judged *j, struct span raw, bool passes)
{
    struct relay *r = session_relay(s);
    struct item *i = item_new(s->link->o.protocol, raw);
    if (i == NULL)
        return NULL;
    i->token = j->token;
    i->came = r->now;
    i->id = relay_id(r, j->look.control_id);
    i->passes = passes;
    i->session = passes ? s->id : 0;
    struct outlet *o = relay_queue_outlet(s->link->queue, sender_of(r, &j->look));
    i->silent = j->look.enhanced && !answer_asked(j->look.accept_ack, true) && !answer_asked(j->look.application_ack, true);
    relay_queue_put(s->link->queue, o, i);
    if (j->look.control_id.n > 0)
        relay_queue_note(
            s->link->queue,
            (struct seen){.id = i->id, .hash = hash_bytes(&r->key, raw.p, raw.n), .token = j->token, .session = s->id, .passes = passes});
    return o;
}

/* The connection that brought a message of the LIS; where it is gone, another one. NULL: none stands. */
static struct session *way_back(struct relay_link *link, uint64_t via)
{
    struct session *s = session_with(link, via);
    for (unsigned i = 0; i < link->queue->outlets && s == NULL; i++) {
        s = link->queue->outlet[i].session;
        s = s != NULL && s->running && !s->dead ? s : NULL;
    }
    return s;
}

/* From the analyzer. */
static enum pass take(struct session *s, struct span content, uint32_t size)
{
    struct relay_link *link = s->link;
    struct judged j;
    pass_judge(s, RELAY_ANALYZER, content, size, &j);
    if (j.look.answer) { /* to something the LIS sent it */
        struct pending pending;
        bool known = lane_answered(s, RELAY_LIS, j.look.answered_id, &pending);
        if (known && j.look.results == 0)
            j.verdict = (struct policy_verdict){.verdict = RELAY_PASSED};
        pass_tell(s, RELAY_ANALYZER, content, content, &j);
        if (!known)
            relay_complain(s, RELAY_EVENT_ANSWER_WRONG, RELAY_ANALYZER, j.look.answered_id,
                           "an answer to a message that does not wait for one (MSA-2)");
        struct session *back = known && j.verdict.verdict != RELAY_REFUSED ? way_back(link, pending.via) : NULL;
        if (back != NULL) {
            struct buf block = BUF_INIT(content.n + 3u);
            buf_u8(&block, MLLP_START_BYTE);
            buf_add_span(&block, content);
            buf_add(&block, "\x1c\r", 2);
            if (buf_ok(&block))
                (void)session_send(back, RELAY_LIS, buf_span(&block));
            buf_release(&block);
        }
        return PASS_DROP;
    }
    uint64_t token = 0;
    switch (j.look.header.n > 0 ? repeated(s, &j.look, content, &token, &j.again) : REPEAT_NONE) {
    case REPEAT_ANSWER: return answer(s, &j.look, ANSWER_ACCEPT, token, NULL, NULL) ? PASS_DROP : PASS_DEAD;
    case REPEAT_WAITS: return PASS_DROP;
    case REPEAT_NONE: break;
    }
    if (j.look.header.n == 0 && j.verdict.verdict != RELAY_REFUSED)
        j.verdict = (struct policy_verdict){
            .verdict = RELAY_REFUSED, .code = "207", .reason = "this is no HL7 message that can be kept and delivered"};
    pass_tell(s, RELAY_ANALYZER, content, content, &j);
    if (j.verdict.verdict == RELAY_REFUSED)
        return answer(s, &j.look, ANSWER_REJECT, 0, j.verdict.code, j.verdict.reason) ? PASS_DROP : PASS_DEAD;
    bool end_to_end = link->o.when_full == RELAY_FULL_END_TO_END;
    bool kept = j.keep && !(end_to_end && (full(link) || !link->relay->can_keep)); /* what was read, and is on record, is taken */
    if (!kept && !end_to_end) {                                                    /* not answered: the analyzer sends it again */
        look_at_room(link);
        return PASS_DROP;
    }
    bool passes = !kept || is_query(&j.look);
    struct outlet *o = put(s, &j, content, passes);
    if (o == NULL)
        return answer(s, &j.look, ANSWER_ERROR, 0, "207", "there is no room for this message now") ? PASS_DROP : PASS_DEAD;
    bool alive = passes || answer(s, &j.look, ANSWER_ACCEPT, j.token, NULL, NULL);
    wake(link, o);
    return alive && !s->dead ? PASS_DROP : PASS_DEAD;
}

enum astm_decision keep_astm(struct session *s, struct span frames, struct span records, uint64_t *ret_token)
{
    struct relay_link *link = s->link;
    struct relay *r = link->relay;
    struct judged j;
    bool end_to_end = link->o.when_full == RELAY_FULL_END_TO_END;
    if (!end_to_end && !r->can_keep) { /* it keeps it till it is acknowledged */
        look_at_room(link);
        return ASTM_AGAIN;
    }
    if (!astm_told(s, RELAY_ANALYZER, frames, records, &j))
        return ASTM_REFUSE;
    bool kept = j.keep && !(end_to_end && (full(link) || !r->can_keep));
    struct outlet *o = kept || end_to_end ? put(s, &j, frames, !kept) : NULL;
    if (o == NULL) {
        look_at_room(link);
        return ASTM_AGAIN;
    }
    s->lane[RELAY_ANALYZER].asked = false;
    *ret_token = 0;
    wake(link, o);
    if (kept && j.token <= r->durable) {
        link->counters.answered++;
        return ASTM_ACCEPT;
    }
    if (kept) {
        s->lane[RELAY_ANALYZER].held_since = relay_clock(r);
        lane_awaits(s);
        r->look = true;
    }
    return ASTM_WAIT;
}

/* The analyzer had not heard that an earlier run took it, and sent it again before it was fed: it is one message, and delivered once, in its place.
 */
static void merge_twin(struct relay_link *link, struct outlet *o, struct item *fed)
{
    struct relay *r = link->relay;
    struct item *twin = relay_queue_twin(link->queue, o, fed);
    if (twin == NULL)
        return;
    fed->session = twin->session;
    fed->passes = twin->passes;
    link->counters.repeated++;
    relay_tell(link, RELAY_EVENT_REPEATED, RELAY_ANALYZER, 0, false, (struct span){0}, "a message came again: it is not delivered twice");
    if (r->host.delivered != NULL)
        r->host.delivered(r->host.context, link, twin->token, RELAY_MERGED, (struct span){0}, r->now);
    free(twin);
}

int relay_feed(struct relay_link *link, uint64_t token, struct span raw, bool sent, tq_time came, struct error *e)
{
    if (link->queue == NULL)
        return err_set(e, ERR_MISUSE, "link %s does not keep messages", link->name);
    struct buf frames = BUF_INIT(3u * (size_t)raw.n + 4096);
    if (link->o.protocol == RELAY_ASTM && span_peek(&raw, 0) != 0x02) {
        item_frame(&frames, raw);
        raw = buf_span(&frames);
    }
    struct item *i = buf_ok(&frames) ? item_new(link->o.protocol, raw) : NULL;
    buf_release(&frames);
    if (i == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for a message that waits for the LIS");
    struct look look = {0};
    struct span content = item_content(i);
    if (link->o.protocol == RELAY_MLLP)
        (void)look_hl7(content, &look, NULL, NULL);
    uint16_t sender = sender_of(link->relay, &look);
    struct outlet *o = relay_queue_outlet(link->queue, sender);
    i->token = token;
    i->sent = relay_queue_fed_first(link->queue, link->relay->key, sender) || sent;
    i->again = true;
    i->came = came;
    i->id = relay_id(link->relay, look.control_id);
    i->silent = look.enhanced && !answer_asked(look.accept_ack, true) && !answer_asked(look.application_ack, true);
    if (look.control_id.n > 0)
        relay_queue_note(link->queue, (struct seen){.id = i->id, .hash = hash_bytes(&link->relay->key, content.p, content.n), .token = token});
    merge_twin(link, o, i);
    relay_queue_feed(link->queue, o, i);
    wake(link, o);
    return 0;
}

/* ── Delivering ── */

static void retry_later(struct relay_link *link, struct outlet *o)
{
    o->retry = o->retry == 0 ? RETRY_FIRST : o->retry * 2 < RETRY_MOST ? o->retry * 2 : RETRY_MOST;
    o->due = link->relay->now + o->retry;
    if (o->session != NULL)
        session_arm(o->session, o->due);
}

/* The first of the outlet is done with. */
static void done(struct relay_link *link, struct outlet *o, enum relay_delivery how, struct span text)
{
    struct relay *r = link->relay;
    struct item *i = relay_queue_take(link->queue, o);
    o->under_way = false;
    o->due = 0;
    o->retry = 0;
    o->tries = 0;
    if (how == RELAY_DELIVERED) { /* how long the LIS was away, or took, is no delay that we add: queue_oldest tells of it */
        link->counters.forwarded++;
    } else {
        link->counters.given_up++;
        relay_queue_gave_up(link->queue, i);
        relay_tell(link, RELAY_EVENT_GIVEN_UP, RELAY_LIS, 0, false, (struct span){0},
                   "the LIS refused a message several times: it is not sent again");
    }
    if (r->host.delivered != NULL)
        r->host.delivered(r->host.context, link, i->token, how, text, r->now);
    free(i);
    look_at_room(link);
}

static void send_first(struct relay_link *link, struct outlet *o)
{
    struct item *i = o->first;
    if (i->sent) {
        link->counters.resent++;
        relay_tell(link, RELAY_EVENT_RESENT, RELAY_LIS, o->session->id, false, (struct span){0},
                   "a message is sent again, unchanged: its answer had not come");
    }
    i->again = i->again || i->sent;
    i->sent = true;
    o->under_way = true;
    o->due = link->relay->now + link->o.answer_time;
    if (link->o.protocol == RELAY_ASTM) {
        o->due = TIMER_NEVER; /* the endpoint has its own */
        astm_end_send(o->session->end[RELAY_LIS], item_raw(i));
        return;
    }
    session_arm(o->session, o->due);
    bool silent = i->silent;
    link->queue->sending = o;
    bool sent = session_send(o->session, RELAY_LIS, item_raw(i));
    link->queue->sending = NULL;
    if (sent && silent)
        done(link, o, RELAY_DELIVERED, (struct span){0}); /* it asks for no answer */
}

bool relay_sends_again(const struct relay_link *link)
{
    const struct queue *q = link->queue;
    const struct outlet *o = q == NULL ? NULL : q->outlets == 1 ? &q->outlet[0] : q->sending;
    return o != NULL && o->under_way && o->first != NULL && o->first->again;
}

void keep_poll(struct relay_link *link)
{
    struct queue *q = link->queue;
    for (unsigned n = 0; q != NULL && q->n > 1 && n < q->outlets; n++) {
        q->polled = q->polled + 1 < q->outlets ? q->polled + 1 : 0;
        struct outlet *o = &q->outlet[q->polled];
        if (!o->under_way || o->first == o->last || o->session == NULL || !o->session->running)
            continue;
        session_ready(&o->session->channel[RELAY_LIS], EPOLLIN);
        return;
    }
}

static void wake(struct relay_link *link, struct outlet *o)
{
    if (o->waking)
        return;
    o->waking = true; /* what is told below may come back here */
    look_at_room(link);
    while (o->first != NULL && !o->under_way && !link->hold && o->session != NULL && o->session->running && !o->session->dead &&
           (o->due == 0 || link->relay->now >= o->due))
        send_first(link, o);
    o->waking = false;
    if (o->first == NULL && o->session != NULL && !o->session->dead)
        relay_channel_rest(&o->session->channel[RELAY_LIS]);
    if (link->bypassed && o->first == NULL && o->session != NULL)
        session_end(o->session, RELAY_LIS, NULL);
}

void keep_wake(struct relay_link *link)
{
    for (unsigned i = 0; link->queue != NULL && i < link->queue->outlets; i++)
        wake(link, &link->queue->outlet[i]);
}

/* The LIS took it, or not. */
static void outcome(struct relay_link *link, struct outlet *o, bool good, bool rejected, struct span text)
{
    o->under_way = false;
    o->first->sent = false; /* it was answered: to send it once more is no doubt about it */
    if (good)
        done(link, o, RELAY_DELIVERED, text);
    else if (++o->tries >= (rejected ? REJECTED_TRIES : ERROR_TRIES))
        done(link, o, RELAY_GIVEN_UP, text);
    else
        retry_later(link, o);
    wake(link, o);
}

void keep_sent(struct session *s, enum astm_sent how, const char *why)
{
    bool ok = how == ASTM_SENT;
    struct relay_link *link = s->link;
    struct outlet *o = outlet_of(s);
    if (o->first == NULL || !o->under_way)
        return;
    struct session *asked = session_with(link, o->first->session);
    bool passes = o->first->passes;
    if (!ok)
        relay_tell(link, RELAY_EVENT_ANSWER_BAD, RELAY_LIS, 0, false, (struct span){0}, why);
    if (how == ASTM_SENT_NOT) { /* it is away, or busy: that goes on as long as it takes */
        o->under_way = false;
        retry_later(link, o);
        return;
    }
    outcome(link, o, ok, false, (struct span){0});
    if (ok && passes && asked != NULL)
        astm_end_decide(asked->end[RELAY_ANALYZER], ASTM_ACCEPT, 0);
}

/* An answer of the LIS. */
static void lis_answered(struct session *s, struct span raw, const struct look *look)
{
    struct relay_link *link = s->link;
    struct outlet *o = outlet_of(s);
    uint64_t id = relay_id(link->relay, look->answered_id);
    struct span code = look->answer_code;
    bool good = span_is(code, "AA") || span_is(code, "CA");
    if (!o->under_way || o->first == NULL || o->first->id != id) {
        const struct seen *seen = relay_queue_seen(link->queue, id);
        struct session *asked = seen == NULL ? NULL : session_with(link, seen->session);
        if (seen == NULL)
            relay_complain(s, RELAY_EVENT_ANSWER_WRONG, RELAY_LIS, look->answered_id, "an answer to a message that does not wait for one (MSA-2)");
        else if (!good) /* the application did not take what was accepted, or what asked for no answer */
            relay_tell(link, RELAY_EVENT_ANSWER_BAD, RELAY_LIS, s->id, false, code,
                       "a message was accepted, and then answered with an error or refused");
        if (asked != NULL && look->enhanced &&
            !relay_channel_waits(&asked->channel[RELAY_ANALYZER])) /* the application's acknowledgement, after the one that it was accepted */
            (void)lane_out(asked, RELAY_LIS, raw);
        return;
    }
    bool rejected = span_is(code, "AR") || span_is(code, "CR");
    if (!good && !rejected && !span_is(code, "AE") && !span_is(code, "CE")) {
        relay_complain(s, RELAY_EVENT_ANSWER_WRONG, RELAY_LIS, code, "an answer with a code that is none (MSA-1)");
        return;
    }
    if (!good)
        relay_tell(link, RELAY_EVENT_ANSWER_BAD, RELAY_LIS, s->id, false, code, "a message was answered with an error or refused");
    bool passes = o->first->passes;
    if (passes) {
        struct session *asked = session_with(link, o->first->session);
        if (asked != NULL && lane_out(asked, RELAY_LIS, raw))
            link->counters.answered++;
        if (!good) { /* whoever asked has its answer: what it does is its own */
            done(link, o, RELAY_GIVEN_UP, look->header);
            wake(link, o);
            return;
        }
    }
    outcome(link, o, good, rejected, look->header);
}

/* From the LIS. */
static enum pass from_lis(struct session *s, struct span raw, struct span content, uint32_t size)
{
    struct relay_link *link = s->link;
    struct judged j;
    if (is_commit(content) && outlet_of(s)->under_way) {
        outcome(link, outlet_of(s), content.p[0] == 0x06, false, content);
        return s->dead ? PASS_DEAD : PASS_DROP;
    }
    pass_judge(s, RELAY_LIS, content, size, &j);
    if (j.look.answer) {
        j.verdict = (struct policy_verdict){.verdict = RELAY_PASSED};
        pass_tell(s, RELAY_LIS, content, content, &j);
        lis_answered(s, raw, &j.look);
        return s->dead ? PASS_DEAD : PASS_DROP;
    }
    struct session *to = keep_newest_intake(link);
    if (to != NULL && relay_channel_waits(&to->channel[RELAY_ANALYZER])) /* it does not read: nothing is heaped up for it */
        to = NULL;
    if (to == NULL && j.verdict.verdict != RELAY_REFUSED)
        j.verdict = (struct policy_verdict){.verdict = RELAY_REFUSED, .code = "207", .reason = "the analyzer is not connected, or takes nothing now"};
    pass_tell(s, RELAY_LIS, content, content, &j);
    if (j.verdict.verdict == RELAY_REFUSED) {
        struct buf out = BUF_INIT(4096);
        answer_write(link, &out, &j.look, to == NULL ? ANSWER_ERROR : ANSWER_REJECT, j.verdict.code, j.verdict.reason);
        bool alive = session_send(s, RELAY_LIS, buf_span(&out));
        buf_release(&out);
        return alive ? PASS_DROP : PASS_DEAD;
    }
    lane_pending(to, RELAY_LIS, j.look.control_id, j.token, 0, false);
    to->lane[RELAY_LIS].pending[to->lane[RELAY_LIS].pending_n - 1].via = s->id;
    (void)lane_out(to, RELAY_LIS, raw);
    return s->dead ? PASS_DEAD : PASS_DROP;
}

enum pass keep_message(struct session *s, enum relay_side from, struct span raw, struct span content, uint32_t size)
{
    return from == RELAY_ANALYZER ? take(s, content, size) : from_lis(s, raw, content, size);
}

void keep_delivery_opened(struct session *s)
{
    struct outlet *o = outlet_of(s);
    struct session *old = o->session;
    o->session = s;
    if (old != NULL && old != s)
        session_end(old, RELAY_LIS, "the LIS connected again");
    o->under_way = false;
    o->due = 0;
    wake(s->link, o);
}

void keep_stand(struct relay_link *link, bool all)
{
    for (unsigned i = 0; i < link->queue->outlets; i++) {
        struct outlet *o = &link->queue->outlet[i];
        struct session *s = o->session != NULL || (o->first == NULL && !all) ? NULL : session_new(link, SESSION_DELIVERY);
        if (s == NULL)
            continue;
        s->standing = true;
        s->outlet = (uint8_t)i;
        o->session = s;
        session_dial(s, RELAY_LIS);
    }
}

void keep_delivery_ended(struct session *s)
{
    struct outlet *o = outlet_of(s);
    if (o->session != s)
        return;
    o->session = NULL;
    o->under_way = false;
}

bool keep_empties(const struct session *s)
{
    return s->kind == SESSION_DELIVERY && outlet_of(s)->session == s && outlet_of(s)->first != NULL;
}

void keep_delivery_tick(struct session *s, tq_time now, tq_time *due)
{
    struct relay_link *link = s->link;
    struct outlet *o = outlet_of(s);
    if (o->first != NULL && o->due != 0 && now >= o->due) {
        if (o->under_way) {
            link->counters.unanswered++;
            relay_tell(link, RELAY_EVENT_NO_ANSWER, RELAY_LIS, s->id, false, (struct span){0}, "a message was taken and not answered in time");
            session_end(s, RELAY_LIS, "the LIS did not answer in time");
            return;
        }
        wake(link, o);
        if (s->dead)
            return;
    }
    if (o->first != NULL && o->due > now && o->due < *due)
        *due = o->due;
}
