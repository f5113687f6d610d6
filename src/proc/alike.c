#include "proc/alike.h"

#include <stdlib.h>

#define ID_MOST 64
#define RECORD_MOST (2 * ALIKE_MOST)

/* Where an acknowledgement has what is its own. */
struct own {
    struct span id; /* MSH-10 */
    struct span of; /* MSA-2 */
};

struct alike {
    uint32_t n; /* 0: none is kept */
    uint32_t record_n;
    struct own own; /* in content */
    uint8_t content[ALIKE_MOST];
    uint8_t record[RECORD_MOST];
};

/* Nothing in it means anything to a reader but itself. */
static bool is_plain(struct span id)
{
    for (size_t i = 0; i < id.n; i++) {
        uint8_t c = id.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.'))
            return false;
    }
    return id.n > 0 && id.n <= ID_MOST;
}

/* False: it is no acknowledgement of the usual form, with MSH, then MSA, the usual delimiters, and no pointer that makes it one of several (MSH-14).
 */
static bool find_own(struct span content, struct own *ret)
{
    if (!span_starts(content, SPAN_LIT("MSH|^~\\&|")) || content.n > ALIKE_MOST)
        return false;
    bool more = true;
    struct span rest = content;
    struct span header = span_until(&rest, '\r', &more);
    for (unsigned field = 1; more && field <= 14; field++) { /* of MSH the name is the first part, its separator field 1 */
        struct span f = span_until(&header, '|', &more);
        if (field == 10)
            ret->id = f;
        else if (field == 14 && f.n > 0)
            return false;
    }
    if (!span_starts(rest, SPAN_LIT("MSA|")))
        return false;
    struct span answer = span_until(&rest, '\r', NULL);
    (void)span_until(&answer, '|', NULL);
    (void)span_until(&answer, '|', NULL);
    ret->of = span_until(&answer, '|', NULL);
    return is_plain(ret->id) && is_plain(ret->of);
}

/* What a record of an acknowledgement says that nothing but the message's other bytes decide. */
static bool is_usual(enum record_key key)
{
    switch (key) {
    case KEY_MESSAGE_ID:
    case KEY_PROTOCOL:
    case KEY_MESSAGE_TYPE:
    case KEY_CONTROL_ID:
    case KEY_SENDER:
    case KEY_RECEIVER:
    case KEY_VERSION:
    case KEY_CHARSET:
    case KEY_SENT_AT:
    case KEY_RESULTS:
    case KEY_PATIENTS:
    case KEY_BYTES:
    case KEY_PROCESSING:
    case KEY_ACK_CODE:
    case KEY_ACK_FOR:
    case KEY_ACK_ERROR:
    case KEY_WANTS_ACCEPT:
    case KEY_WANTS_APPLICATION:
    case KEY_PROFILE:
    case KEY_BODY_BYTES:
    case KEY_BODY: return true;
    default: return false;
    }
}

static bool keeps(const struct record *r, struct span content, const struct own *own)
{
    bool usual = r->event == EVENT_LAB_MESSAGE && !r->cut && record_number(r, KEY_RESULTS, 0) == 0 &&
                 span_equal(record_get(r, KEY_CONTROL_ID), own->id) && span_equal(record_get(r, KEY_ACK_FOR), own->of) &&
                 span_equal(record_get(r, KEY_BODY), content) && record_number(r, KEY_BYTES, 0) == (int64_t)content.n &&
                 record_encoded_size(r) <= RECORD_MOST;
    for (size_t i = 0; usual && i < r->n; i++)
        usual = is_usual(r->fields[i].key);
    return usual;
}

void alike_note(struct alike **a, struct span content, const struct record *r)
{
    struct own own = {0};
    if (*a != NULL)
        (*a)->n = 0;
    if (!find_own(content, &own) || !keeps(r, content, &own) || (*a == NULL && (*a = calloc(1, sizeof **a)) == NULL))
        return;
    struct buf b = {.p = (*a)->record, .size = RECORD_MOST, .max = RECORD_MOST};
    record_encode(&b, r);
    (*a)->record_n = (uint32_t)b.n;
    (*a)->n = (uint32_t)span_copy(content, (*a)->content, ALIKE_MOST);
    own.id.p = (*a)->content + (own.id.p - content.p);
    own.of.p = (*a)->content + (own.of.p - content.p);
    (*a)->own = own;
}

/* Is the piece of x that ends at x_to, n bytes long, the one of y that ends at y_to? */
static bool same(const uint8_t *x_to, const uint8_t *y_to, size_t n)
{
    return memcmp(x_to - n, y_to - n, n) == 0;
}

bool alike_next(const struct alike *a, struct span content, struct record *ret)
{
    struct own now = {0};
    if (a == NULL || a->n == 0 || !find_own(content, &now))
        return false;
    const struct own *before = &a->own;
    size_t head = (size_t)(before->id.p - a->content);
    size_t middle = (size_t)(before->of.p - (before->id.p + before->id.n));
    size_t tail = (size_t)(a->content + a->n - (before->of.p + before->of.n));
    bool long_enough = now.id.p == content.p + head && now.of.p == now.id.p + now.id.n + middle &&
                       now.of.p + now.of.n + tail == content.p + content.n;
    if (!long_enough || !same(now.id.p, before->id.p, head) || !same(now.of.p, before->of.p, middle) ||
        !same(content.p + content.n, a->content + a->n, tail) || record_decode(span_of(a->record, a->record_n), ret, NULL) != 0)
        return false;
    for (size_t i = 0; i < ret->n; i++) {
        struct field *f = &ret->fields[i];
        switch (f->key) {
        case KEY_CONTROL_ID: f->text = now.id; break;
        case KEY_ACK_FOR: f->text = now.of; break;
        case KEY_BODY: f->text = content; break;
        case KEY_BYTES:
        case KEY_BODY_BYTES: f->number = content.n; break;
        default: break;
        }
    }
    return true;
}

void alike_free(struct alike *a)
{
    free(a);
}
