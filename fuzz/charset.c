/* Any bytes in any character set: read in pieces of any size they give the same, well-formed UTF-8, at most so long, and all of them are read.
 *
 * Input: set, flags (1 switches, 2 an escape character), room, then the text. */
#include "wire/charset.h"

#include "base/text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t read_all(enum charset set, uint8_t flags, struct span in, size_t room, uint8_t *out)
{
    struct charset_reader r = {.base = set, .switches = flags & 1, .escape = flags & 2 ? '\\' : 0};
    size_t n = 0;
    while (in.n > 0) {
        size_t before = in.n;
        size_t got = charset_read(&r, &in, out + n, room);
        if (in.n >= before || got > room)
            abort();
        n += got;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 65536)
        return 0;
    struct span text = span_of(data + 3, size - 3);
    enum charset set = (enum charset)(data[0] % CHARSET_COUNT);
    size_t room = 8 + data[2];
    uint8_t *whole = malloc(CHARSET_GROWTH * text.n + 8);
    uint8_t *pieces = malloc(CHARSET_GROWTH * text.n + room);
    if (whole == NULL || pieces == NULL)
        abort();
    size_t n = read_all(set, data[1], text, CHARSET_GROWTH * text.n + 8, whole);
    size_t m = read_all(set, data[1], text, room, pieces);
    if (n > CHARSET_GROWTH * text.n || n != m || memcmp(whole, pieces, n) != 0 || !text_is_utf8(span_of(whole, n)))
        abort();
    (void)charset_look(text);
    (void)charset_by_start(text);
    (void)charset_named(text, &set);
    free(whole);
    free(pieces);
    return 0;
}
