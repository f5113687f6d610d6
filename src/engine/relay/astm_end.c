/* An endpoint of CLSI LIS1-A (ASTM E1381): sender and receiver, with its retries, contention and timers.
 *
 *   IDLE ──ENQ──► RECEIVING ──last frame──► WAITING (the other side is asked) ──► RECEIVING ──EOT──► IDLE
 *                     └── refused ──► REFUSING (each frame gets NAK) ──EOT──► IDLE
 *   IDLE ──we have a message──► ENQUIRING ──ACK──► SENDING ──last ACK──► IDLE
 *                     └── NAK, or both asked ──► BACKING_OFF ──► ENQUIRING
 *
 * A frame that ends a message is answered when what becomes of the message is known; while that is not, and the sender's 15 s are nearly over, it
 * hears NAK: it sends the frame again, up to six times, and waits on. */
#include "engine/relay/relay_private.h"
#include "wire/astm_write.h"

#include <stdlib.h>

#define ANSWER_TIME (15 * TIME_SECOND)
#define RECEIVE_TIME (30 * TIME_SECOND)
#define DECIDE_TIME (12 * TIME_SECOND) /* of the sender's 15 s */
#define BUSY_TIME (10 * TIME_SECOND)
#define INSTRUMENT_TIME TIME_SECOND      /* contention: the instrument asks again after this … */
#define COMPUTER_TIME (20 * TIME_SECOND) /* … and the computer waits so long for it */
#define TRIES 6

enum end_state { END_IDLE, END_RECEIVING, END_WAITING, END_REFUSING, END_ENQUIRING, END_BACKING_OFF, END_SENDING };

struct astm_end {
    struct session *s;
    enum relay_side side; /* whose peer we talk to */
    enum end_state state;
    tq_time due; /* TIMER_NEVER: none */
    /* receiving */
    struct astm_link reader;
    struct buf frames; /* of the message so far, from STX to the checksum, each with CR LF behind it */
    struct buf text;   /* its records */
    size_t frames_at;  /* where the last frame begins */
    size_t text_at;
    uint8_t expected;
    bool accepted;  /* a frame was, since ENQ */
    bool capturing; /* the bytes that come are a frame's, and are kept */
    bool put_off;   /* WAITING: the sender was told NAK to make it wait on */
    /* sending */
    struct buf out; /* the frames to send; empty: nothing is to be sent */
    size_t at;
    size_t frame; /* bytes of the frame at `at` */
    unsigned number;
    uint8_t tries;
    uint8_t enquiries;
};

struct astm_end *astm_end_new(struct session *s, enum relay_side side)
{
    struct astm_end *e = calloc(1, sizeof *e);
    if (e == NULL)
        return NULL;
    e->s = s;
    e->side = side;
    e->due = TIMER_NEVER;
    e->frames = BUF_INIT(2u * s->link->o.message_max + 4096);
    e->text = BUF_INIT(s->link->o.message_max);
    e->out = BUF_INIT(3u * (size_t)s->link->o.message_max + 4096);
    return e;
}

void astm_end_free(struct astm_end *e)
{
    if (e == NULL)
        return;
    buf_release(&e->frames);
    buf_release(&e->text);
    buf_release(&e->out);
    free(e);
}

static tq_time now_of(const struct astm_end *e)
{
    return session_relay(e->s)->now;
}

static void wait_for(struct astm_end *e, enum end_state state, tq_time time)
{
    e->state = state;
    e->due = now_of(e) + time;
    session_arm(e->s, e->due);
}

static bool say(struct astm_end *e, uint8_t byte)
{
    return session_send(e->s, e->side, span_of(&byte, 1));
}

static void complain(struct astm_end *e, enum relay_event_kind kind, const char *text)
{
    relay_complain(e->s, kind, e->side, (struct span){0}, text);
}

static void forget(struct astm_end *e)
{
    buf_release(&e->frames);
    buf_release(&e->text);
    e->frames_at = e->text_at = 0;
}

/* ── Sending ── */

static bool enquire(struct astm_end *e)
{
    wait_for(e, END_ENQUIRING, ANSWER_TIME);
    return say(e, ASTM_BYTE_ENQ);
}

static bool idle(struct astm_end *e)
{
    e->state = END_IDLE;
    e->due = TIMER_NEVER;
    return e->out.n == 0 || enquire(e);
}

/* The frame at the start of s: its bytes up to the checksum, with CR LF behind; 0: there is none. Its text in *ret_text is that of the frame. */
static size_t frame_at(struct span s, struct span *ret_text, bool *ret_last, int *ret_number)
{
    struct astm_link reader = {0};
    struct span rest = s;
    struct span got = {0};
    *ret_text = (struct span){0};
    for (;;) {
        enum astm_event event = astm_link_next(&reader, &rest, &got);
        if (event == ASTM_MORE)
            event = astm_link_close(&reader);
        if (event == ASTM_TEXT) {
            bool first = ret_text->n == 0;
            *ret_text = first ? got : span_of(ret_text->p, ret_text->n + got.n);
        } else if (event == ASTM_FRAME_GOOD || event == ASTM_FRAME_REPEAT) {
            size_t n = (size_t)(rest.p - s.p);
            *ret_last = reader.last_of_message;
            *ret_number = reader.bare ? -1 : reader.number;
            n += span_peek(&rest, 0) == '\r' ? 1 : 0;
            (void)span_skip(&rest, span_peek(&rest, 0) == '\r' ? 1 : 0);
            return n + (span_peek(&rest, 0) == '\n' ? 1 : 0);
        } else if (event != ASTM_FRAME_START)
            return 0;
    }
}

static bool sent(struct astm_end *e, enum astm_sent how, const char *why);

static bool send_frame(struct astm_end *e)
{
    struct span text = {0};
    bool last = true;
    int number = -1;
    struct span rest = span_of(e->out.p + e->at, e->out.n - e->at);
    e->frame = frame_at(rest, &text, &last, &number);
    if (e->frame == 0)
        return sent(e, ASTM_SENT_REFUSED, "what was kept of a message is no frame of ASTM");
    wait_for(e, END_SENDING, ANSWER_TIME);
    if (number < 0 || (unsigned)number == e->number % 8)
        return session_send(e->s, e->side, span_of(rest.p, e->frame));
    struct buf made = BUF_INIT(rest.n + 64u); /* it was not the first message behind its ENQ: the same text under the number it has now */
    astm_write_frame(&made, e->number, text, last);
    bool alive = buf_ok(&made) && session_send(e->s, e->side, buf_span(&made));
    buf_release(&made);
    return alive;
}

static bool sent(struct astm_end *e, enum astm_sent how, const char *why)
{
    struct session *s = e->s;
    buf_release(&e->out);
    e->enquiries = 0;
    e->state = END_IDLE;
    e->due = TIMER_NEVER;
    if (!say(e, ASTM_BYTE_EOT))
        return false;
    astm_sent(s, e->side, how, why);
    return !s->dead && (e->state != END_IDLE || idle(e));
}

static bool next_frame(struct astm_end *e)
{
    e->at += e->frame;
    e->number++;
    e->tries = 0;
    return e->at < e->out.n ? send_frame(e) : sent(e, ASTM_SENT, NULL);
}

static bool again(struct astm_end *e)
{
    if (++e->tries >= TRIES)
        return sent(e, ASTM_SENT_REFUSED, "a frame was not taken six times");
    return send_frame(e);
}

void astm_end_send(struct astm_end *e, struct span frames)
{
    buf_clear(&e->out);
    buf_add_span(&e->out, frames);
    e->enquiries = 0;
    if (!buf_ok(&e->out)) {
        buf_release(&e->out);
        astm_sent(e->s, e->side, ASTM_SENT_NOT, "no memory");
    } else if (e->state == END_IDLE)
        (void)enquire(e);
}

bool astm_end_idle(const struct astm_end *e)
{
    return e->out.n == 0;
}

/* ── Receiving ── */

/* The last frame counts. */
static bool take(struct astm_end *e, uint64_t token)
{
    struct session *s = e->s;
    forget(e);
    wait_for(e, END_RECEIVING, RECEIVE_TIME);
    if (token <= session_relay(s)->durable)
        return say(e, ASTM_BYTE_ACK);
    static const uint8_t ack = ASTM_BYTE_ACK;
    return lane_hold(s, other_side(e->side), span_of(&ack, 1), token, now_of(e) + s->link->o.record_wait);
}

/* The last frame does not count: it is to come again. */
static bool take_back(struct astm_end *e)
{
    e->frames.n = e->frames_at;
    e->text.n = e->text_at;
    e->expected = (e->expected + 7) & 7;
    wait_for(e, END_RECEIVING, RECEIVE_TIME);
    return say(e, ASTM_BYTE_NAK);
}

static bool decided(struct astm_end *e, enum astm_decision what, uint64_t token)
{
    switch (what) {
    case ASTM_ACCEPT: return take(e, token);
    case ASTM_WAIT:
        e->put_off = false;
        wait_for(e, END_WAITING, DECIDE_TIME);
        return true;
    case ASTM_AGAIN: return take_back(e);
    case ASTM_REFUSE: break;
    }
    forget(e);
    wait_for(e, END_REFUSING, RECEIVE_TIME);
    return say(e, ASTM_BYTE_NAK);
}

void astm_end_decide(struct astm_end *e, enum astm_decision what, uint64_t token)
{
    if (e->state == END_WAITING && what != ASTM_WAIT)
        (void)decided(e, what, token);
}

bool astm_end_waits(const struct astm_end *e)
{
    return e->state == END_WAITING;
}

static bool drop_frame(struct astm_end *e, uint8_t say_this)
{
    e->frames.n = e->frames_at;
    e->text.n = e->text_at;
    wait_for(e, END_RECEIVING, RECEIVE_TIME);
    return say(e, say_this);
}

/* A frame whose checksum holds; same: with the content of the one before. */
static bool good_frame(struct astm_end *e, bool same)
{
    uint8_t number = e->reader.number;
    bool repeat = e->reader.bare ? same : e->accepted && number == ((e->expected + 7) & 7);
    bool next = e->reader.bare || number == e->expected || e->state == END_IDLE;
    if (e->state == END_WAITING && repeat) {
        e->put_off = false;
        wait_for(e, END_WAITING, DECIDE_TIME);
        return true;
    }
    if (e->state == END_SENDING)
        return again(e); /* any other answer than ACK is one that says no */
    if (e->state != END_RECEIVING && e->state != END_IDLE)
        return e->state == END_ENQUIRING || say(e, ASTM_BYTE_NAK);
    if (e->state == END_IDLE) /* some senders begin without ENQ */
        complain(e, RELAY_EVENT_FRAMING, "a frame without ENQ before it");
    buf_add(&e->frames, "\r\n", 2);
    if (repeat)
        return drop_frame(e, ASTM_BYTE_ACK);
    if (!next) {
        complain(e, RELAY_EVENT_FRAMING, "a frame with a number that is not the next one");
        return drop_frame(e, ASTM_BYTE_NAK);
    }
    if (!buf_ok(&e->frames) || !buf_ok(&e->text)) {
        complain(e, RELAY_EVENT_TOO_LONG, "a message is longer than this link takes");
        forget(e);
        wait_for(e, END_REFUSING, RECEIVE_TIME);
        return say(e, ASTM_BYTE_NAK);
    }
    e->accepted = true;
    e->expected = (number + 1) & 7;
    wait_for(e, END_RECEIVING, RECEIVE_TIME);
    if (!look_astm_ended(buf_span(&e->text), e->reader.last_of_message))
        return say(e, ASTM_BYTE_ACK);
    uint64_t token = 0;
    enum astm_decision what = astm_received(e->s, e->side, buf_span(&e->frames), buf_span(&e->text), &token);
    return !e->s->dead && decided(e, what, token);
}

static bool damaged_frame(struct astm_end *e)
{
    complain(e, RELAY_EVENT_FRAMING, "a frame is damaged or its checksum does not hold");
    if (e->state == END_SENDING)
        return again(e);
    if (e->state == END_RECEIVING || e->state == END_IDLE)
        return drop_frame(e, ASTM_BYTE_NAK);
    return e->state == END_ENQUIRING || say(e, ASTM_BYTE_NAK);
}

static bool enq(struct astm_end *e)
{
    switch (e->state) {
    case END_ENQUIRING: /* both asked: the instrument goes first */
        wait_for(e, END_BACKING_OFF, e->side == RELAY_ANALYZER ? COMPUTER_TIME : INSTRUMENT_TIME);
        return true;
    case END_SENDING: return again(e);
    case END_RECEIVING:
    case END_WAITING:
    case END_REFUSING:
        if (e->text.n > 0 && e->state == END_RECEIVING)
            complain(e, RELAY_EVENT_FRAMING, "a message was cut off by the start of another one");
        break;
    case END_IDLE:
    case END_BACKING_OFF: break;
    }
    forget(e);
    e->expected = 1;
    e->accepted = false;
    if (e->s->kind == SESSION_INTAKE &&
        e->s->link->stopped) { /* not ready: it asks again in 10 s. Were it not read, it would get two answers later */
        e->state = END_IDLE;
        e->due = TIMER_NEVER;
        return say(e, ASTM_BYTE_NAK);
    }
    wait_for(e, END_RECEIVING, RECEIVE_TIME);
    return say(e, ASTM_BYTE_ACK);
}

static bool eot(struct astm_end *e)
{
    if (e->state == END_SENDING) /* the receiver took the frame and would like us to stop: we go on */
        return next_frame(e);
    if (e->state == END_ENQUIRING || e->state == END_BACKING_OFF)
        return true;
    if (e->state == END_RECEIVING && e->text.n > 0) { /* records without an L record: nobody waits for an answer */
        uint64_t token = 0;
        (void)astm_received(e->s, e->side, buf_span(&e->frames), buf_span(&e->text), &token);
        if (e->s->dead)
            return false;
    }
    forget(e);
    e->accepted = false;
    return idle(e);
}

static bool reply(struct astm_end *e, bool ack)
{
    if (e->state == END_ENQUIRING) {
        if (ack) {
            e->at = 0;
            e->number = 1;
            e->tries = 0;
            return send_frame(e);
        }
        if (++e->enquiries >= TRIES)
            return sent(e, ASTM_SENT_NOT, "the receiver was not ready six times");
        wait_for(e, END_BACKING_OFF, BUSY_TIME);
        return true;
    }
    if (e->state == END_SENDING)
        return ack ? next_frame(e) : again(e);
    complain(e, RELAY_EVENT_ANSWER_WRONG, "an answer to nothing that was sent");
    return true;
}

static bool event_of(struct astm_end *e, enum astm_event event, struct span got)
{
    switch (event) {
    case ASTM_ENQ: return enq(e);
    case ASTM_EOT: return eot(e);
    case ASTM_ACK: return reply(e, true);
    case ASTM_NAK: return reply(e, false);
    case ASTM_FRAME_START:
        e->capturing = e->state == END_RECEIVING || e->state == END_IDLE;
        if (e->capturing) {
            e->frames_at = e->frames.n;
            e->text_at = e->text.n;
        }
        return true;
    case ASTM_TEXT:
        if (e->capturing)
            buf_add_span(&e->text, got);
        return true;
    case ASTM_FRAME_GOOD:
    case ASTM_FRAME_REPEAT: e->capturing = false; return good_frame(e, event == ASTM_FRAME_REPEAT);
    case ASTM_FRAME_DAMAGED: e->capturing = false; return damaged_frame(e);
    case ASTM_JUNK: complain(e, RELAY_EVENT_FRAMING, "bytes outside a frame"); return e->state != END_SENDING || again(e);
    case ASTM_MORE: break;
    }
    return true;
}

bool astm_end_input(struct astm_end *e, struct span in)
{
    struct span got = {0};
    for (;;) {
        const uint8_t *before = in.p;
        enum astm_event event = astm_link_next(&e->reader, &in, &got);
        if (event == ASTM_FRAME_START && (e->state == END_RECEIVING || e->state == END_IDLE)) {
            if (!event_of(e, event, got))
                return false;
            buf_u8(&e->frames, ASTM_BYTE_STX);
            continue;
        }
        if (e->capturing)
            buf_add(&e->frames, before, (size_t)(in.p - before));
        if (event == ASTM_MORE)
            return true;
        if (!event_of(e, event, got))
            return false;
    }
}

tq_time astm_end_due(const struct astm_end *e)
{
    return e->due;
}

void astm_end_tick(struct astm_end *e, tq_time now)
{
    if (now < e->due)
        return;
    switch (e->state) {
    case END_IDLE: e->due = TIMER_NEVER; return;
    case END_RECEIVING:
        if (e->accepted || e->text.n > 0)
            complain(e, RELAY_EVENT_SLOW, "a message was begun and nothing more came of it for 30 s");
        forget(e);
        (void)idle(e);
        return;
    case END_REFUSING: (void)idle(e); return;
    case END_WAITING:
        if (e->put_off) { /* it has not tried again: it has given up */
            e->put_off = false;
            forget(e);
            (void)idle(e);
            return;
        }
        e->put_off = true;
        wait_for(e, END_WAITING, RECEIVE_TIME);
        (void)say(e, ASTM_BYTE_NAK);
        return;
    case END_BACKING_OFF: (void)enquire(e); return;
    case END_ENQUIRING:
    case END_SENDING:
        e->s->link->counters.unanswered++;
        relay_tell(e->s->link, RELAY_EVENT_NO_ANSWER, e->side, e->s->id, false, (struct span){0}, "what was sent was not answered within 15 s");
        (void)sent(e, ASTM_SENT_NOT, "the receiver did not answer within 15 s");
        return;
    }
}
