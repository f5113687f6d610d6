/* MLLP: the blocks of one direction, and what becomes of their bytes.
 *
 * A block that may go on at once is written as it comes, from the read buffer; of one that comes in several reads a copy is kept to be looked at when
 * it is whole. A block that must be whole first (pass_gathers) waits in that copy. Bytes outside blocks go on where blocks go on at once, and are
 * dropped, as MLLP says, where they wait. */
#include "engine/relay/relay_private.h"

/* Where we are in one read. */
struct run {
    struct session *s;
    enum relay_side from;
    const uint8_t *at;    /* what is not yet sent on or dropped begins here */
    const uint8_t *block; /* the open block's bytes in this read begin here */
};

static bool flush_to(struct run *run, const uint8_t *end)
{
    struct span bytes = span_of(run->at, (size_t)(end - run->at));
    run->at = end;
    return bytes.n == 0 || lane_out(run->s, run->from, bytes);
}

static void begin(struct run *run, const uint8_t *at)
{
    struct lane *l = &run->s->lane[run->from];
    l->open = true;
    l->content = 0;
    l->began = session_relay(run->s)->now;
    run->block = at;
}

/* Bytes that no block has. Line ends between blocks are usual and harm nobody. */
static bool junk(struct run *run, const uint8_t *before, const uint8_t *after, struct span got)
{
    struct session *s = run->s;
    struct lane *l = &s->lane[run->from];
    for (size_t i = 0; i < got.n; i++) {
        if (got.p[i] == '\r' || got.p[i] == '\n')
            continue;
        relay_complain(s, RELAY_EVENT_FRAMING, run->from, (struct span){0}, "bytes outside an MLLP block");
        break;
    }
    bool gathers = l->raw.n > 0 ? l->gather : pass_gathers(s, run->from);
    buf_release(&l->raw); /* what was held back as the start of a block and is none */
    l->passed = 0;
    if (!gathers)
        return true;
    if (!flush_to(run, before))
        return false;
    run->at = after;
    return true;
}

/* Keeps the open block's bytes of this read, up to end, behind those of the reads before. */
static bool keep(struct run *run, const uint8_t *end)
{
    struct session *s = run->s;
    struct lane *l = &s->lane[run->from];
    struct span more = span_of(run->block, (size_t)(end - run->block));
    run->block = end;
    if (l->raw.max == 0)
        l->raw = BUF_INIT((size_t)s->link->o.message_max + RELAY_SCRATCH);
    buf_add_span(&l->raw, more);
    if (buf_ok(&l->raw))
        return true;
    session_end(s, run->from, "no memory");
    return false;
}

/* Too much of a message came: it is answered by what its start says, and the connection is over. What went on of it has no end, so it is no message.
 */
static bool end_too_long(struct run *run, const uint8_t *stop)
{
    struct session *s = run->s;
    struct lane *l = &s->lane[run->from];
    struct span block = span_of(run->block, (size_t)(stop - run->block));
    if (l->raw.n > 0) {
        buf_add_span(&l->raw, block);
        block = buf_span(&l->raw);
    }
    struct span start = span_of(block.p + 1, s->link->o.message_max < block.n - 1 ? s->link->o.message_max : block.n - 1);
    struct look look;
    struct buf out = BUF_INIT(4096);
    (void)look_hl7(start, &look, NULL, NULL);
    answer_write(s->link, &out, &look, ANSWER_REJECT, "207", "the message is longer than this link takes");
    relay_complain(s, RELAY_EVENT_TOO_LONG, run->from, (struct span){0}, "a message is longer than this link takes");
    s->link->counters.refused++;
    bool split = l->raw.n > 0;
    l->open = false;
    buf_release(&l->raw);
    bool alive = l->gather || split || flush_to(run, run->block); /* whole messages before it in this read */
    if (alive && session_send(s, run->from, buf_span(&out)))
        session_finish(s, run->from);
    buf_release(&out);
    return false;
}

static bool end(struct run *run, const uint8_t *after)
{
    struct session *s = run->s;
    struct lane *l = &s->lane[run->from];
    bool split = l->raw.n > 0;
    if (split && !keep(run, after))
        return false;
    struct span raw = split ? buf_span(&l->raw) : span_of(run->block, (size_t)(after - run->block));
    uint32_t size = l->content;
    struct span content = raw.n < size + 1 ? (struct span){0} : span_of(raw.p + 1, size);
    uint64_t token = 0;
    l->open = false;
    enum pass what = s->kind == SESSION_PAIR ? pass_message(s, run->from, content, size, &token) : keep_message(s, run->from, raw, content, size);
    if (what == PASS_DEAD)
        return false;
    bool alive = true;
    if (l->gather) {
        /* everything before the block has gone on at its start; now the block itself */
        struct span whole = split ? span_of(raw.p + l->passed, raw.n - l->passed) : raw;
        run->at = after;
        if (what == PASS_HOLD) {
            tq_time until = session_relay(s)->now + s->link->o.record_wait;
            alive = lane_hold(s, run->from, whole, token, until);
        } else if (what == PASS_ON)
            alive = lane_out(s, run->from, whole);
    }
    if (alive) {
        if (split)
            buf_release(&l->raw);
        l->passed = 0;
    }
    return alive;
}

/* The open block was cut off by the start of another one. */
static bool restart(struct run *run, const uint8_t *at, uint8_t held)
{
    struct session *s = run->s;
    struct lane *l = &s->lane[run->from];
    relay_complain(s, RELAY_EVENT_FRAMING, run->from, (struct span){0}, "a message was cut off by the start of another one");
    if (held > 0 && l->raw.n >= held) { /* the new one began in the read before */
        buf_drop_front(&l->raw, l->raw.n - held);
        l->passed = l->gather ? 0 : held;
    } else {
        buf_release(&l->raw);
        l->passed = 0;
    }
    if (l->gather)
        run->at = at;
    begin(run, at);
    return true;
}

bool mllp_input(struct session *s, enum relay_side from, struct span in)
{
    struct lane *l = &s->lane[from];
    struct run run = {.s = s, .from = from, .at = in.p, .block = in.p};
    const uint8_t *const stop = in.p + in.n;
    struct span got = {0};
    for (;;) {
        const uint8_t *before = in.p;
        uint8_t held = l->reader.mllp.held_n;
        enum mllp_event event = mllp_next(&l->reader.mllp, &in, &got);
        if (event == MLLP_MORE)
            break;
        bool alive = true;
        switch (event) {
        case MLLP_JUNK: alive = junk(&run, before, in.p, got); break;
        case MLLP_START:
            if (held == 0) {
                l->gather = pass_gathers(s, from);
                if (l->gather)
                    alive = flush_to(&run, before);
            }
            begin(&run, before);
            break;
        case MLLP_RESTART: alive = restart(&run, before, held); break;
        case MLLP_CONTENT:
            l->content += got.n;
            if (l->content > s->link->o.message_max)
                alive = end_too_long(&run, in.p);
            break;
        case MLLP_END: alive = end(&run, in.p); break;
        case MLLP_MORE: break;
        }
        if (!alive)
            return false;
    }
    bool begun = l->open || l->reader.mllp.held_n > 0;
    if (!begun)
        return flush_to(&run, stop);
    if (!l->open) { /* what may be a start is held back by the reader */
        run.block = stop - l->reader.mllp.held_n;
        if (run.block < run.at) /* all of it came in this read or was there already */
            run.block = run.at;
        if (l->raw.n == 0)
            l->gather = pass_gathers(s, from);
        if (l->gather) {
            if (!flush_to(&run, run.block))
                return false;
            run.at = stop;
        }
    }
    if (!l->gather && !flush_to(&run, stop))
        return false;
    if (!keep(&run, stop))
        return false;
    if (!l->gather)
        l->passed = (uint32_t)l->raw.n;
    return true;
}

void mllp_ended(struct session *s, enum relay_side from)
{
    struct lane *l = &s->lane[from];
    if (!l->open || mllp_close(&l->reader.mllp) != MLLP_END)
        return;
    static const uint8_t none[1];
    struct run run = {.s = s, .from = from, .at = none, .block = none};
    (void)end(&run, none);
}
