#include "record/ledger/hints.h"

#include "record/ledger/file.h"
#include "record/ledger/segment.h"

#include <stdio.h>
#include <unistd.h>

#define HINT_BYTES 16
#define HINTS_MAX (2 * SEGMENT_SIZE_MAX / HINT_STEP) /* a file of more is none */

struct hint {
    uint64_t index;
    uint64_t at;
};

void hints_path(char out[HINT_PATH], const char *segment)
{
    (void)snprintf(out, HINT_PATH, "%.50s.index", segment);
}

void hints_begin(struct hints *h, int dir, const char *segment, uint64_t header)
{
    *h = (struct hints){.dir = dir, .fd = -1, .last = header};
    hints_path(h->path, segment);
}

void hints_close(struct hints *h)
{
    if (h->fd >= 0)
        (void)close(h->fd);
    h->fd = -1;
}

static void put(struct hints *h, uint64_t index, uint64_t at)
{
    uint8_t bytes[HINT_BYTES];
    struct buf b = {.p = bytes, .size = sizeof bytes, .max = sizeof bytes};
    if (h->given_up)
        return;
    if (h->fd < 0) {
        h->fd = file_open_write(h->dir, h->path, NULL);
        h->given_up = h->fd < 0 || file_cut(h->fd, h->path, h->n * HINT_BYTES, NULL) != 0;
    }
    buf_be64(&b, index);
    buf_be64(&b, at);
    if (!h->given_up && file_write(h->fd, h->path, buf_span(&b), h->n * HINT_BYTES, NULL) != 0)
        h->given_up = true;
    h->n++;
    h->last = at;
}

void hints_add(struct hints *h, struct span records, uint64_t at)
{
    while (records.n >= SEALED_RECORD_MIN) {
        struct span index = records;
        struct span sealed = span_of(records.p + SEALED_RECORD_MIN - 4, 4);
        if (at - h->last >= HINT_STEP)
            put(h, span_be64(&index), at);
        size_t n = SEALED_RECORD_MIN + (size_t)span_be32(&sealed);
        if (!span_skip(&records, n))
            return;
        at += n;
    }
}

/* The head of the record that lies at `at`: its number and whole length. False: none begins there. */
static bool record_at(int fd, const char *path, uint64_t at, uint64_t *ret_index, uint64_t *ret_n)
{
    uint8_t head[SEALED_RECORD_MIN];
    size_t n = 0;
    struct entry entry;
    struct span in = span_of(head, sizeof head);
    if (file_read(fd, path, head, sizeof head, at, &n, NULL) != 0 || n < sizeof head)
        return false;
    *ret_index = span_be64(&in);
    if (span_be16(&in) != ENTRY_BYTES || entry_parse(span_take(&in, ENTRY_BYTES), &entry, NULL) != 0)
        return false;
    uint32_t sealed = span_be32(&in);
    *ret_n = SEALED_RECORD_MIN + (uint64_t)sealed;
    return sealed == entry.clear_n + AES_GCM_TAG;
}

static bool load(int dir, const char *path, struct buf *out)
{
    return file_load(dir, path, HINTS_MAX * HINT_BYTES, out, NULL) == 0;
}

static struct hint hint_of(const struct buf *file, size_t i)
{
    struct span at = span_of(file->p + i * HINT_BYTES, HINT_BYTES);
    struct hint h = {.index = span_be64(&at)};
    h.at = span_be64(&at);
    return h;
}

void hints_resume(struct hints *h, int dir, const char *segment, int segment_fd, uint64_t header, uint64_t length)
{
    struct buf file = BUF_INIT(HINTS_MAX * HINT_BYTES);
    uint64_t index = 0;
    uint64_t n = 0;
    hints_begin(h, dir, segment, header);
    if (load(dir, h->path, &file)) {
        struct hint before = {.at = header};
        for (size_t i = 0; i < file.n / HINT_BYTES; i++) {
            struct hint x = hint_of(&file, i);
            if (x.at < before.at + HINT_STEP || x.at >= length || x.index <= before.index)
                break;
            before = x;
            h->n++;
        }
        while (h->n > 0 && !(record_at(segment_fd, segment, before.at, &index, &n) && index == before.index)) {
            h->n--;
            before = h->n > 0 ? hint_of(&file, h->n - 1) : (struct hint){.at = header};
        }
        h->last = before.at;
    }
    buf_release(&file);
    for (uint64_t at = h->last; at < length && record_at(segment_fd, segment, at, &index, &n); at += n) {
        if (at - h->last >= HINT_STEP)
            put(h, index, at);
    }
}

bool hints_hold(int dir, const char *segment, int segment_fd, uint64_t header, uint64_t length)
{
    struct buf file = BUF_INIT(HINTS_MAX * HINT_BYTES);
    char path[HINT_PATH];
    uint64_t index = 0;
    uint64_t n = 0;
    uint64_t last = header;
    hints_path(path, segment);
    bool holds = !load(dir, path, &file) || file.n % HINT_BYTES == 0;
    for (size_t i = 0; i < file.n / HINT_BYTES && holds; i++) {
        struct hint x = hint_of(&file, i);
        holds = x.at >= last + HINT_STEP && x.at < length && record_at(segment_fd, segment, x.at, &index, &n) && index == x.index;
        last = x.at;
    }
    buf_release(&file);
    for (uint64_t at = last; holds && at < length && record_at(segment_fd, segment, at, &index, &n); at += n)
        holds = at - last < HINT_STEP;
    return holds;
}

uint64_t hints_find(int dir, const char *segment, int segment_fd, uint64_t index)
{
    char path[HINT_PATH];
    struct buf file = BUF_INIT(HINTS_MAX * HINT_BYTES);
    uint64_t found = 0;
    uint64_t is = 0;
    uint64_t n = 0;
    hints_path(path, segment);
    if (load(dir, path, &file)) {
        size_t low = 0; /* hints before it are at or before `index` */
        size_t high = file.n / HINT_BYTES;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (hint_of(&file, middle).index <= index)
                low = middle + 1;
            else
                high = middle;
        }
        if (low > 0) {
            struct hint h = hint_of(&file, low - 1);
            if (record_at(segment_fd, segment, h.at, &is, &n) && is == h.index)
                found = h.at;
        }
    }
    buf_release(&file);
    return found;
}
