#include "proc/link.h"

#include "base/text.h"

#include <stdio.h>

static const char *const states[LINK_STATES] = {"down", "up", "degraded", "held", "bypassed"};

const char *link_state_name(enum link_state s)
{
    return (unsigned)s < LINK_STATES ? states[s] : "";
}

static void put_span(struct buf *out, struct span text)
{
    buf_be32(out, (uint32_t)text.n);
    buf_add_span(out, text);
}

static struct span get_span(struct span *s)
{
    return span_take(s, span_be32(s));
}

static void put_text(struct buf *out, const char *text)
{
    put_span(out, span_str(text));
}

static void get_text(struct span *s, char *out, size_t size)
{
    struct span text = get_span(s);
    if (text.bad || text.n >= size || memchr(text.n > 0 ? text.p : (const uint8_t *)"", 0, text.n) != NULL) {
        (void)span_fail(s);
        return;
    }
    if (text.n > 0)
        memcpy(out, text.p, text.n);
    out[text.n] = 0;
}

static int malformed(struct span s, struct error *e)
{
    return s.bad || s.n != 0 ? err_set(e, ERR_PEER, "a message about a link is malformed") : 0;
}

/* ── MESSAGE_LINK ── */

static void put_endpoint(struct buf *out, const struct config_endpoint *p)
{
    put_text(out, p->host);
    buf_be16(out, p->port);
}

static void get_endpoint(struct span *s, struct config_endpoint *p)
{
    get_text(s, p->host, sizeof p->host);
    p->port = span_be16(s);
}

void link_told_encode(struct buf *out, const struct config_relay *r)
{
    const struct config_endpoint *const ends[] = {&r->listen, &r->connect, &r->forward, &r->accept};
    const char *const texts[] = {r->name, r->protocol,   r->tls_from, r->tls_to, r->tls_pin,      r->tls_authority,  r->tls_min,     r->tls_name,
                                 r->mode, r->unrecorded, r->unknown,  r->record, r->policy_types, r->policy_senders, r->policy_tests};
    const int64_t numbers[] = {r->record_wait, r->delay_limit, r->queue_max, r->connections, r->learn, r->policy_size, r->policy_rate};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        put_endpoint(out, ends[i]);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        put_text(out, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        buf_be64(out, (uint64_t)numbers[i]);
}

int link_told_decode(struct span in, struct config_relay *r, struct error *e)
{
    struct span s = in;
    memset(r, 0, sizeof *r);
    struct config_endpoint *const ends[] = {&r->listen, &r->connect, &r->forward, &r->accept};
    const struct {
        char *text;
        size_t size;
    } texts[] = {{r->name, sizeof r->name},
                 {r->protocol, sizeof r->protocol},
                 {r->tls_from, sizeof r->tls_from},
                 {r->tls_to, sizeof r->tls_to},
                 {r->tls_pin, sizeof r->tls_pin},
                 {r->tls_authority, sizeof r->tls_authority},
                 {r->tls_min, sizeof r->tls_min},
                 {r->tls_name, sizeof r->tls_name},
                 {r->mode, sizeof r->mode},
                 {r->unrecorded, sizeof r->unrecorded},
                 {r->unknown, sizeof r->unknown},
                 {r->record, sizeof r->record},
                 {r->policy_types, sizeof r->policy_types},
                 {r->policy_senders, sizeof r->policy_senders},
                 {r->policy_tests, sizeof r->policy_tests}};
    int64_t *const numbers[] = {&r->record_wait, &r->delay_limit, &r->queue_max, &r->connections, &r->learn, &r->policy_size, &r->policy_rate};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        get_endpoint(&s, ends[i]);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        get_text(&s, texts[i].text, texts[i].size);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = (int64_t)span_be64(&s);
    return malformed(s, e);
}

/* ── keeper → relay ── */

void link_recorded_encode(struct buf *out, const struct link_recorded *x)
{
    buf_u8(out, x->locked);
    buf_u8(out, x->recording);
    buf_be64(out, x->seq);
    buf_be64(out, x->ledger);
    put_span(out, x->key);
}

int link_recorded_decode(struct span in, struct link_recorded *ret, struct error *e)
{
    struct span s = in;
    ret->locked = span_u8(&s) != 0;
    ret->recording = span_u8(&s) != 0;
    ret->seq = span_be64(&s);
    ret->ledger = span_be64(&s);
    ret->key = get_span(&s);
    if (!s.bad && ret->key.n != 0 && ret->key.n != LINK_KEY)
        (void)span_fail(&s);
    return malformed(s, e);
}

void link_order_encode(struct buf *out, const struct link_order *x)
{
    buf_u8(out, (uint8_t)x->kind);
    put_span(out, x->link);
    buf_u8(out, x->on);
    buf_be64(out, (uint64_t)x->from);
    put_span(out, x->policy.types);
    put_span(out, x->policy.senders);
    put_span(out, x->policy.tests);
    put_span(out, x->policy.unknown);
    buf_be32(out, x->policy.size);
    buf_be32(out, x->policy.rate);
}

int link_order_decode(struct span in, struct link_order *ret, struct error *e)
{
    struct span s = in;
    uint8_t kind = span_u8(&s);
    *ret = (struct link_order){.kind = (enum link_order_kind)kind, .link = get_span(&s)};
    ret->on = span_u8(&s) != 0;
    ret->from = (int64_t)span_be64(&s);
    ret->policy.types = get_span(&s);
    ret->policy.senders = get_span(&s);
    ret->policy.tests = get_span(&s);
    ret->policy.unknown = get_span(&s);
    ret->policy.size = span_be32(&s);
    ret->policy.rate = span_be32(&s);
    if (kind < LINK_ORDER_BYPASS || kind > LINK_ORDER_ALL)
        (void)span_fail(&s);
    return malformed(s, e);
}

void link_queued_encode(struct buf *out, const struct link_queued *x)
{
    put_span(out, x->link);
    buf_be64(out, x->record);
    buf_u8(out, x->sent);
    buf_be64(out, (uint64_t)x->time);
    put_span(out, x->raw);
}

int link_queued_decode(struct span in, struct link_queued *ret, struct error *e)
{
    struct span s = in;
    ret->link = get_span(&s);
    ret->record = span_be64(&s);
    ret->sent = span_u8(&s) != 0;
    ret->time = (tq_time)span_be64(&s);
    ret->raw = get_span(&s);
    return malformed(s, e);
}

/* ── MESSAGE_STATUS ── */

static void put_side(struct buf *out, const struct link_side_status *x)
{
    buf_u8(out, x->peer.family);
    buf_add(out, x->peer.bytes, sizeof x->peer.bytes);
    buf_be16(out, x->port);
    buf_be32(out, x->connections);
    put_text(out, x->tls);
    put_text(out, x->name);
    buf_be64(out, (uint64_t)x->expires);
    buf_u8(out, x->outside);
    put_text(out, x->serial);
    buf_add(out, x->print, sizeof x->print);
    put_text(out, x->why);
}

static void get_side(struct span *s, struct link_side_status *x)
{
    x->peer.family = span_u8(s);
    struct span bytes = span_take(s, sizeof x->peer.bytes);
    if (bytes.bad || (x->peer.family != 0 && x->peer.family != 4 && x->peer.family != 6)) {
        (void)span_fail(s);
        return;
    }
    memcpy(x->peer.bytes, bytes.p, sizeof x->peer.bytes);
    x->port = span_be16(s);
    x->connections = span_be32(s);
    get_text(s, x->tls, sizeof x->tls);
    get_text(s, x->name, sizeof x->name);
    x->expires = (int64_t)span_be64(s);
    x->outside = span_u8(s) != 0;
    get_text(s, x->serial, sizeof x->serial);
    (void)span_copy(span_take(s, sizeof x->print), x->print, sizeof x->print);
    get_text(s, x->why, sizeof x->why);
}

void link_status_encode(struct buf *out, const struct link_status *x)
{
    buf_be16(out, x->link);
    buf_be16(out, x->links);
    put_text(out, x->name);
    put_text(out, x->protocol);
    put_text(out, x->mode);
    buf_u8(out, (uint8_t)x->state);
    put_text(out, x->why);
    for (int i = 0; i < LINK_SIDES; i++) {
        put_text(out, x->where[i]);
        put_side(out, &x->side[i]);
    }
    const uint64_t numbers[] = {x->rate,        (uint64_t)x->delay_p50, (uint64_t)x->delay_p99,    (uint64_t)x->delay_limit,   x->queue_messages,
                                x->queue_bytes, x->queue_max,           (uint64_t)x->queue_oldest, (uint64_t)x->learning_until};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        buf_be64(out, numbers[i]);
    for (int i = 0; i < LINK_COUNTERS; i++)
        buf_be64(out, x->counters[i]);
    put_text(out, x->unknown);
    buf_u8(out, x->recording);
    buf_u8(out, x->stopped);
}

int link_status_decode(struct span in, struct link_status *x, struct error *e)
{
    struct span s = in;
    memset(x, 0, sizeof *x);
    x->link = span_be16(&s);
    x->links = span_be16(&s);
    get_text(&s, x->name, sizeof x->name);
    get_text(&s, x->protocol, sizeof x->protocol);
    get_text(&s, x->mode, sizeof x->mode);
    uint8_t state = span_u8(&s);
    get_text(&s, x->why, sizeof x->why);
    for (int i = 0; i < LINK_SIDES; i++) {
        get_text(&s, x->where[i], sizeof x->where[i]);
        get_side(&s, &x->side[i]);
    }
    x->rate = (uint32_t)span_be64(&s);
    x->delay_p50 = (int64_t)span_be64(&s);
    x->delay_p99 = (int64_t)span_be64(&s);
    x->delay_limit = (int64_t)span_be64(&s);
    x->queue_messages = (uint32_t)span_be64(&s);
    x->queue_bytes = span_be64(&s);
    x->queue_max = span_be64(&s);
    x->queue_oldest = (int64_t)span_be64(&s);
    x->learning_until = (int64_t)span_be64(&s);
    for (int i = 0; i < LINK_COUNTERS; i++)
        x->counters[i] = span_be64(&s);
    get_text(&s, x->unknown, sizeof x->unknown);
    x->recording = span_u8(&s) != 0;
    x->stopped = span_u8(&s) != 0;
    if (state >= LINK_STATES || x->links > CONFIG_RELAYS || x->link >= x->links)
        (void)span_fail(&s);
    x->state = (enum link_state)state;
    return malformed(s, e);
}

/* ── numbers of records ── */

_Static_assert(8 + 1 + TEXT_DECIMAL + 1 <= LINK_SEQ_TEXT, "part of a run's id, a point, a number");

void link_seq_write(char out[LINK_SEQ_TEXT], const uint8_t run[RUN_ID], uint64_t seq)
{
    text_hex_to(out, run, 4);
    out[8] = '.';
    *text_decimal(out + 9, seq) = 0;
}

bool link_seq_read(struct span text, uint8_t ret_run[4], uint64_t *ret_seq)
{
    struct span s = text;
    bool more = false;
    struct span run = span_until(&s, '.', &more);
    return more && run.n == 8 && text_unhex(run, ret_run, 4) && span_decimal(s, UINT64_MAX >> 1, ret_seq);
}
