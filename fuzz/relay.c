/* A relay whose peers send what they like. Byte 0: protocol, mode, what policy does, whether records are durable. Byte 1: how the bytes are cut.
 *
 * First the rest comes from the analyzer alone, whole and cut: what goes to either side, and how many messages there are, must be the same. Then both
 * sides send pieces of it by turns while time passes. */
#include "engine/relay/relay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 4096
#define LONGEST 600 /* bytes of a message */
#define QUEUE 5     /* messages; what one read holds may come on top */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct relay *relay;
    struct relay_link *link;
    tq_time now;
    int end[2]; /* ours, by side; -1: none */
    bool durable;
    uint64_t token;
    unsigned messages;
    bool too_long;     /* a message was: it ends its connection, however much of it has gone on */
    struct buf out[2]; /* what was sent to each side */
};

static int pair(int *ours)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0)
        abort();
    *ours = fd[0];
    return fd[1];
}

static void dial(void *context, struct relay_link *link, enum relay_side side, uint64_t ticket)
{
    struct run *r = context;
    (void)link;
    if (r->end[side] >= 0)
        (void)close(r->end[side]);
    relay_dialed(r->relay, ticket, pair(&r->end[side]), NULL);
}

static void observe(void *context, struct relay_link *link, const struct relay_connection *c, bool outward, struct span bytes, tq_time time)
{
    struct run *r = context;
    (void)link;
    (void)time;
    if (outward)
        buf_add_span(&r->out[c->side], bytes);
}

static uint64_t message(void *context, struct relay_link *link, const struct relay_message *m, tq_time time, bool *keep)
{
    struct run *r = context;
    (void)link;
    (void)time;
    (void)keep;
    r->messages++;
    if (m->content.n > LONGEST || m->type.n > m->content.n + 16)
        abort();
    if (r->durable)
        relay_durable(r->relay, r->token + 1);
    return ++r->token;
}

static void event(void *context, struct relay_link *link, const struct relay_event *e, tq_time time)
{
    struct run *r = context;
    (void)link;
    (void)time;
    r->too_long = r->too_long || e->kind == RELAY_EVENT_TOO_LONG;
}

static void work(struct run *r)
{
    for (int i = 0; i < 4; i++) {
        if (relay_wait(r->relay, r->now, 0, NULL) != 0)
            abort();
        relay_work(r->relay, r->now);
    }
    for (int i = 0; i < 2; i++) {
        char drop[65536];
        while (r->end[i] >= 0 && recv(r->end[i], drop, sizeof drop, 0) > 0)
            ;
    }
}

static void begin(struct run *r, uint8_t how, uint32_t queue)
{
    static const char *const types[] = {"ORU^R01", "ASTM.RESULT"};
    const struct relay_host host = {.context = r, .dial = dial, .observe = observe, .message = message, .event = event};
    struct relay_link_options o = {.name = "fuzz",
                                   .protocol = (how & 1) != 0 ? RELAY_ASTM : RELAY_MLLP,
                                   .mode = (how & 2) != 0 ? RELAY_STORE_AND_FORWARD : RELAY_END_TO_END,
                                   .side = {{.listener = -1}, {.listener = -1, .dial = true}},
                                   .policy = {.unknown = (how & 4) != 0 ? RELAY_UNKNOWN_REFUSE : RELAY_UNKNOWN_FLAG, .types = types, .types_n = 2},
                                   .message_max = LONGEST,
                                   .queue_messages = queue,
                                   .when_full = (how & 16) != 0 ? RELAY_FULL_END_TO_END : RELAY_FULL_STOP};
    *r = (struct run){.now = 1000 * TIME_SECOND, .end = {-1, -1}, .durable = (how & 8) != 0};
    r->out[0] = r->out[1] = BUF_INIT(1u << 20);
    r->relay = relay_new(&host, (struct hash_key){.k0 = 1}, NULL);
    r->link = r->relay == NULL ? NULL : relay_add_link(r->relay, &o, NULL);
    if (r->link == NULL)
        abort();
    work(r);
    relay_accepted(r->relay, r->link, RELAY_ANALYZER, pair(&r->end[RELAY_ANALYZER]));
    work(r);
}

static void finish(struct run *r)
{
    relay_free(r->relay);
    for (int i = 0; i < 2; i++) {
        if (r->end[i] >= 0)
            (void)close(r->end[i]);
        buf_release(&r->out[i]);
    }
}

static void put(struct run *r, enum relay_side side, struct span bytes)
{
    if (r->end[side] >= 0 && bytes.n > 0)
        (void)send(r->end[side], bytes.p, bytes.n, MSG_NOSIGNAL);
    work(r);
}

static void cut_alike(uint8_t how, size_t step, struct span bytes)
{
    struct run whole;
    struct run cut;
    begin(&whole, how, 1000);
    put(&whole, RELAY_ANALYZER, bytes);
    begin(&cut, how, 1000);
    while (bytes.n > 0)
        put(&cut, RELAY_ANALYZER, span_take(&bytes, bytes.n < step ? bytes.n : step));
    if (whole.messages != cut.messages)
        abort();
    if (whole.too_long != cut.too_long)
        abort();
    for (int i = 0; i < 2; i++) {
        size_t n = whole.out[i].n < cut.out[i].n ? whole.out[i].n : cut.out[i].n;
        bool all = whole.out[i].n == cut.out[i].n || whole.too_long;
        if (!all || !span_equal(span_of(whole.out[i].p, n), span_of(cut.out[i].p, n)))
            abort();
    }
    finish(&whole);
    finish(&cut);
}

static void by_turns(uint8_t how, struct span in)
{
    struct run r;
    begin(&r, how, QUEUE);
    while (in.n > 0) {
        uint8_t what = span_u8(&in);
        size_t n = span_u8(&in);
        if ((what & 0xf0) == 0xf0)
            r.now += (tq_time)(what & 15) * 5 * TIME_SECOND;
        else if ((what & 0xf0) == 0xe0)
            relay_durable(r.relay, r.token);
        else if ((what & 0xf0) == 0xd0)
            relay_bypass(r.link, (what & 1) != 0);
        else if ((what & 0xf0) == 0xc0)
            relay_hold(r.link, (what & 1) != 0);
        else if ((what & 0xf0) == 0xb0)
            relay_can_keep(r.relay, (what & 1) != 0);
        put(&r, (what & 8) != 0 ? RELAY_LIS : RELAY_ANALYZER, span_take(&in, n < in.n ? n : in.n));
    }
    r.now += 200 * TIME_SECOND;
    work(&r);
    struct relay_status s;
    relay_status(r.link, r.now, &s);
    if (s.queue_messages > QUEUE + MOST / 8 || s.counters.answered > s.counters.received + s.counters.from_lis + s.counters.repeated + r.messages)
        abort();
    finish(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > MOST)
        return 0;
    struct span bytes = span_of(data + 2, size - 2);
    cut_alike(data[0], 1 + data[1] % 50u, bytes);
    by_turns(data[0], bytes);
    return 0;
}
