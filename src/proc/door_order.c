#include "proc/door_order.h"

#include <string.h>

bool door_order_id(struct span id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!((id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f')))
            return false;
    return id.n == DOOR_ORDER_ID;
}

static void put_address(struct buf *out, const struct address *a)
{
    buf_u8(out, a->family);
    buf_add_span(out, span_of(a->bytes, sizeof a->bytes));
}

static bool take_address(struct span *s, struct address *ret)
{
    *ret = (struct address){.family = span_u8(s)};
    struct span bytes = span_take(s, sizeof ret->bytes);
    if (bytes.n != sizeof ret->bytes)
        return false;
    memcpy(ret->bytes, bytes.p, sizeof ret->bytes);
    return ret->family == 4 || ret->family == 6;
}

static bool take_id(struct span *s, char id[DOOR_ORDER_ID + 1])
{
    struct span text = span_take(s, DOOR_ORDER_ID);
    if (!door_order_id(text))
        return false;
    memcpy(id, text.p, DOOR_ORDER_ID);
    id[DOOR_ORDER_ID] = 0;
    return true;
}

void door_order_encode(struct buf *out, const struct door_order *x)
{
    buf_u8(out, (uint8_t)x->kind);
    if (x->kind == DOOR_ORDER_SETTLE)
        return;
    buf_add_span(out, span_of(x->id, DOOR_ORDER_ID));
    if (x->kind == DOOR_ORDER_CLOSE)
        return;
    put_address(out, &x->way.from);
    put_address(out, &x->way.to);
    buf_u8(out, x->way.proto);
    buf_be16(out, x->way.port);
    buf_be64(out, (uint64_t)x->ms);
}

int door_order_decode(struct span in, struct door_order *ret, struct error *e)
{
    *ret = (struct door_order){.kind = (enum door_order_kind)span_u8(&in)};
    bool good = ret->kind >= DOOR_ORDER_OPEN && ret->kind <= DOOR_ORDER_SETTLE;
    if (good && ret->kind != DOOR_ORDER_SETTLE)
        good = take_id(&in, ret->id);
    if (good && ret->kind == DOOR_ORDER_OPEN) {
        good = take_address(&in, &ret->way.from) && take_address(&in, &ret->way.to) && ret->way.from.family == ret->way.to.family;
        ret->way.proto = span_u8(&in);
        ret->way.port = span_be16(&in);
        ret->ms = (int64_t)span_be64(&in);
        good = good && (ret->way.proto == 6 || ret->way.proto == 17) && ret->way.port != 0 && ret->ms > 0 && ret->ms <= DOOR_LONGEST_MS;
    }
    if (!good || in.bad || in.n != 0)
        return err_set(e, ERR_PEER, "an order about a door is malformed");
    return 0;
}

void door_told_encode(struct buf *out, const struct door_told *x)
{
    buf_u8(out, (uint8_t)x->kind);
    buf_u8(out, (uint8_t)((x->on ? 1 : 0) | (x->timed ? 2 : 0)));
    if (x->kind != DOOR_TOLD_STATE) {
        buf_add_span(out, span_of(x->id, DOOR_ORDER_ID));
        buf_be64(out, x->packets);
        buf_be64(out, x->bytes_up);
        buf_be64(out, x->bytes_down);
    }
    buf_add_span(out, span_of(x->why.p, x->why.n > DOOR_TOLD_WHY ? DOOR_TOLD_WHY : x->why.n));
}

int door_told_decode(struct span in, struct door_told *ret, struct error *e)
{
    *ret = (struct door_told){.kind = (enum door_told_kind)span_u8(&in)};
    uint8_t flags = span_u8(&in);
    bool good = ret->kind >= DOOR_TOLD_STATE && ret->kind <= DOOR_TOLD_CLOSED && flags <= 3;
    ret->on = (flags & 1) != 0;
    ret->timed = (flags & 2) != 0;
    if (good && ret->kind != DOOR_TOLD_STATE) {
        good = take_id(&in, ret->id);
        ret->packets = span_be64(&in);
        ret->bytes_up = span_be64(&in);
        ret->bytes_down = span_be64(&in);
        good = good && ret->packets <= INT64_MAX && ret->bytes_up <= INT64_MAX && ret->bytes_down <= INT64_MAX;
    }
    if (!good || in.bad || in.n > DOOR_TOLD_WHY)
        return err_set(e, ERR_PEER, "what the warden tells about a door is malformed");
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] < 0x20 || in.p[i] == 0x7f)
            return err_set(e, ERR_PEER, "what the warden tells about a door is no line of text");
    ret->why = in;
    return 0;
}

bool network_parse(struct span text, struct address *ret, unsigned *ret_bits)
{
    bool slash = false;
    struct span rest = text;
    struct span host = span_until(&rest, '/', &slash);
    uint64_t bits;
    if (!address_parse(host, ret))
        return false;
    unsigned most = ret->family == 4 ? 32 : 128;
    if (!slash)
        bits = most;
    else if (!span_decimal(rest, most, &bits))
        return false;
    for (unsigned i = (unsigned)bits; i < most; i++)
        if ((ret->bytes[i / 8] >> (7 - i % 8) & 1) != 0)
            return false;
    *ret_bits = (unsigned)bits;
    return true;
}

bool network_has(const char *lines, const struct address *a)
{
    struct span rest = span_str(lines);
    while (rest.n > 0) {
        struct address network;
        unsigned bits;
        if (!network_parse(span_until(&rest, '\n', NULL), &network, &bits) || network.family != a->family)
            continue;
        unsigned i = 0;
        while (i < bits && ((network.bytes[i / 8] ^ a->bytes[i / 8]) >> (7 - i % 8) & 1) == 0)
            i++;
        if (i == bits)
            return true;
    }
    return false;
}
