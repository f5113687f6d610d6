/* Any bytes as a direction of HTTP: whole and in pieces they give the same events and the same bodies; no body is larger than what came.
 *
 * Input: flags (1 response, 2 every answer is one to HEAD), size of the pieces, then the stream. */
#include "wire/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t sum;
    size_t events;
    size_t body;
};

static void note(struct seen *s, uint8_t c)
{
    s->sum = s->sum * 31 + c;
}

static struct seen read_all(struct span in, uint8_t flags, size_t step)
{
    struct http_reader r = {.response = flags & 1};
    struct seen s = {0};
    while (in.n > 0) {
        struct span piece = span_take(&in, in.n < step ? in.n : step);
        struct span got;
        for (;;) {
            enum http_event e = http_next(&r, &piece, &got);
            if (e == HTTP_BAD) {
                note(&s, 'X');
                return s;
            }
            if (e == HTTP_MORE)
                break;
            if (e == HTTP_BODY) {
                for (size_t i = 0; i < got.n; i++)
                    note(&s, got.p[i]);
                s.body += got.n;
                continue;
            }
            if (e == HTTP_HEAD)
                r.bodiless = (flags & 2) && r.response;
            note(&s, e == HTTP_HEAD ? 'H' : 'E');
            note(&s, (uint8_t)(r.hl7 << 1 | r.coded));
            s.events++;
        }
        if (piece.n > 0)
            abort();
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct span stream = span_of(data + 2, size - 2);
    struct seen whole = read_all(stream, data[0], stream.n + 1);
    struct seen cut = read_all(stream, data[0], 1 + data[1] % 40u);
    if (whole.sum != cut.sum || whole.events != cut.events || whole.body != cut.body || whole.body > stream.n)
        abort();
    if (stream.n > 0)
        (void)http_signature(stream);
    struct http_reader r = {.response = data[0] & 1};
    struct span in = span_of(stream.p, stream.n / 2);
    struct span got;
    for (enum http_event e = HTTP_HEAD; e != HTTP_MORE && e != HTTP_BAD;)
        e = http_next(&r, &in, &got);
    (void)http_gap(&r, data[1]);
    (void)http_inside(&r);
    in = span_of(stream.p + stream.n / 2, stream.n - stream.n / 2);
    for (enum http_event e = HTTP_HEAD; e != HTTP_MORE && e != HTTP_BAD;)
        e = http_next(&r, &in, &got);
    return 0;
}
