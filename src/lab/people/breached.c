#include "lab/people/breached.h"

#include "base/text.h"
#include "record/crypto/crypto.h"

#include <stdlib.h>

static uint64_t *marks; /* sorted */
static size_t count;

static uint64_t mark_of(const uint8_t sha1[SHA1_SIZE])
{
    uint64_t m = 0;
    for (int i = 0; i < 8; i++)
        m = m << 8 | sha1[i];
    return m;
}

static uint64_t mark_line(struct span line)
{
    uint8_t sha1[SHA1_SIZE];
    struct span rest = line;
    struct span hex = span_until(&rest, ':', NULL);
    if (hex.n != 2 * sizeof sha1 || !text_unhex(hex, sha1, sizeof sha1))
        crypto_sha1(line, sha1);
    return mark_of(sha1);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int breached_read(struct span file, struct buf *out, struct error *e)
{
    size_t n = 0;
    while (file.n > 0) {
        struct span line = span_until(&file, '\n', NULL);
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n == 0)
            continue;
        if (n++ == BREACHED_MOST)
            return err_set(e, ERR_MISUSE, "a list of leaked passwords has at most %d lines: take those that leaked most often", BREACHED_MOST);
        buf_be64(out, mark_line(line));
    }
    return 0;
}

int breached_use(struct span list, struct error *e)
{
    size_t n = list.n / BREACHED_MARK;
    uint64_t *made = calloc(n + 1, sizeof *made);
    if (made == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the list of leaked passwords");
    for (size_t i = 0; i < n; i++)
        made[i] = span_be64(&list);
    qsort(made, n, sizeof *made, compare);
    free(marks);
    marks = made;
    count = n;
    return 0;
}

bool breached_has(struct span password)
{
    uint8_t sha1[SHA1_SIZE];
    if (count == 0)
        return false;
    crypto_sha1(password, sha1);
    uint64_t wanted = mark_of(sha1);
    return bsearch(&wanted, marks, count, sizeof *marks, compare) != NULL;
}

size_t breached_count(void)
{
    return count;
}
