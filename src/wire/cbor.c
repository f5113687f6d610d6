#include "wire/cbor.h"

/* The argument of a head: its low five bits, or the 1 to 8 bytes that they announce. Longer than need be: refused. */
static bool argument(struct span *s, uint8_t low, uint64_t *ret)
{
    if (low < 24) {
        *ret = low;
        return true;
    }
    uint64_t least = 24;
    switch (low) {
    case 24: *ret = span_u8(s); break;
    case 25: *ret = span_be16(s), least = UINT64_C(1) << 8; break;
    case 26: *ret = span_be32(s), least = UINT64_C(1) << 16; break;
    case 27: *ret = span_be64(s), least = UINT64_C(1) << 32; break;
    default: return span_fail(s); /* 28 to 30 are not given out, 31 is an indefinite length */
    }
    return !s->bad && (*ret >= least || span_fail(s));
}

bool cbor_next(struct span *s, struct cbor_item *ret)
{
    *ret = (struct cbor_item){0};
    uint8_t head = span_u8(s);
    if (s->bad)
        return false;
    ret->type = (enum cbor_type)(head >> 5);
    if (head >> 5 == 6 || (ret->type == CBOR_SIMPLE && ((head & 31) < 20 || (head & 31) > 22)))
        return span_fail(s);
    if (!argument(s, head & 31, &ret->value))
        return false;
    if (ret->type == CBOR_BYTES || ret->type == CBOR_TEXT)
        ret->bytes = span_take(s, ret->value);
    if ((ret->type == CBOR_ARRAY || ret->type == CBOR_MAP) && ret->value > s->n) /* an item takes a byte at least */
        return span_fail(s);
    return !s->bad;
}

bool cbor_skip(struct span *s)
{
    uint64_t left[CBOR_DEPTH + 1] = {1};
    size_t depth = 0;
    for (;;) {
        struct cbor_item item;
        while (left[depth] == 0) {
            if (depth == 0)
                return true;
            depth--;
        }
        left[depth]--;
        if (!cbor_next(s, &item))
            return false;
        if (item.type != CBOR_ARRAY && item.type != CBOR_MAP)
            continue;
        if (depth == CBOR_DEPTH)
            return span_fail(s);
        left[++depth] = item.type == CBOR_MAP ? 2 * item.value : item.value;
    }
}

bool cbor_int(struct span *s, int64_t *ret)
{
    struct cbor_item item;
    if (!cbor_next(s, &item))
        return false;
    if ((item.type != CBOR_UNSIGNED && item.type != CBOR_NEGATIVE) || item.value > INT64_MAX)
        return span_fail(s);
    *ret = item.type == CBOR_UNSIGNED ? (int64_t)item.value : -1 - (int64_t)item.value;
    return true;
}

bool cbor_map(struct span *s, uint64_t most, uint64_t *ret_pairs)
{
    struct cbor_item item;
    if (!cbor_next(s, &item))
        return false;
    if (item.type != CBOR_MAP || item.value > most)
        return span_fail(s);
    *ret_pairs = item.value;
    return true;
}

struct span cbor_take(struct span *s, enum cbor_type want)
{
    struct cbor_item item;
    if (cbor_next(s, &item) && item.type == want && (want == CBOR_BYTES || want == CBOR_TEXT))
        return item.bytes;
    (void)span_fail(s);
    return (struct span){.bad = true};
}
