#include "wire/names.h"

#define MOST_QUESTIONS 16
#define MOST_RECORDS 64
#define MOST_JUMPS 32

/* Reads a name at the start of *s; pointers go backwards only. out may be NULL. */
static bool read_name(struct span message, struct span *s, char *out, size_t *ret_n)
{
    struct span at = *s;
    size_t n = 0;
    size_t before = (size_t)(s->p - message.p); /* where the next pointer must point in front of */
    bool jumped = false;
    for (int jumps = 0; jumps < MOST_JUMPS;) {
        uint8_t length = span_u8(&at);
        if (at.bad)
            return false;
        if (length >= 0xc0) {
            size_t to = (size_t)(length & 0x3f) << 8 | span_u8(&at);
            if (at.bad || to >= before)
                return false;
            if (!jumped)
                *s = at;
            jumped = true;
            before = to;
            at = message;
            (void)span_skip(&at, to);
            jumps++;
            continue;
        }
        if (length == 0) {
            if (!jumped)
                *s = at;
            if (ret_n != NULL)
                *ret_n = n;
            return true;
        }
        struct span label = span_take(&at, length);
        if (length > 63 || label.bad || n + length + 1 >= NAMES_TEXT)
            return false;
        if (out != NULL) {
            if (n > 0)
                out[n] = '.';
            memcpy(out + n + (n > 0), label.p, label.n);
        }
        n += label.n + (n > 0);
    }
    return false;
}

bool names_start(struct span message, struct names *ret)
{
    struct span s = message;
    (void)span_skip(&s, 2);
    uint16_t flags = span_be16(&s);
    size_t questions = span_be16(&s);
    size_t records = span_be16(&s);
    records += span_be16(&s);
    records += span_be16(&s);
    if (s.bad || questions > MOST_QUESTIONS)
        return false;
    for (; questions > 0; questions--)
        if (!read_name(message, &s, NULL, NULL) || !span_skip(&s, 4))
            return false;
    *ret = (struct names){.message = message, .rest = s, .response = (flags & 0x8000) != 0, .opcode = flags >> 11 & 15};
    ret->left = records < MOST_RECORDS ? records : MOST_RECORDS;
    return true;
}

bool names_next(struct names *s, struct names_record *ret)
{
    if (s->left == 0 || !read_name(s->message, &s->rest, ret->name, &ret->n))
        return false;
    s->left--;
    ret->type = span_be16(&s->rest);
    (void)span_skip(&s->rest, 6); /* class, time to live */
    ret->data = span_take(&s->rest, span_be16(&s->rest));
    return !s->rest.bad;
}

size_t names_netbios(const struct names_record *r, char out[16], uint8_t *ret_kind)
{
    if (r->n < 32 || (r->n > 32 && r->name[32] != '.'))
        return 0;
    uint8_t raw[16];
    for (size_t i = 0; i < 16; i++) {
        uint8_t high = (uint8_t)(r->name[2 * i] - 'A');
        uint8_t low = (uint8_t)(r->name[2 * i + 1] - 'A');
        if (high > 15 || low > 15)
            return 0;
        raw[i] = (uint8_t)(high << 4 | low);
    }
    size_t n = 15;
    while (n > 0 && (raw[n - 1] == ' ' || raw[n - 1] == 0))
        n--;
    memcpy(out, raw, n);
    out[n] = 0;
    *ret_kind = raw[15];
    return n;
}
