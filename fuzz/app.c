/* Two directions of a stream in pieces, with holes and contradictions, through recognition and the lab protocols; then the first direction alone,
 * whole and cut: the records must be the same.
 *
 * Input: pieces of (control byte, bytes). Control: bit 0 direction, bits 1-5 length × 4, value 0xff a hole, 0xfe a contradiction, bit 7 with bit 6 a
 * length of up to 512 more. */
#include "engine/sense/app.h"

#include <stdlib.h>

#define MOST 4000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t sum;
    size_t records;
};

static void put(void *context, const struct record *r)
{
    struct seen *s = context;
    struct buf out = BUF_INIT(RECORD_ENCODED);
    record_encode(&out, r);
    if (!buf_ok(&out) || r->n > RECORD_FIELDS)
        abort();
    for (size_t i = 0; i < out.n; i++)
        s->sum = s->sum * 31 + out.p[i];
    s->records++;
    buf_release(&out);
}

static struct app_context *open_context(struct seen *s, struct sense_stats *stats, size_t limit)
{
    struct error e;
    struct sense_options options = {.limits = sense_default_limits, .flow_records = true, .sink = {.put = put, .context = s}};
    options.limits.message = limit;
    options.limits.messages_total = 3 * limit;
    struct app_context *c = app_context_new(&options, stats, &e);
    if (c == NULL)
        abort();
    return c;
}

static const struct flow_ref ref = {.id = 3, .src = {{10, 0, 0, 1}, 4}, .dst = {{10, 0, 0, 2}, 4}};

static void give(struct app_context *c, struct app_flow **f, int direction, struct span bytes)
{
    if (bytes.n == 0)
        return;
    uint8_t *copy = malloc(bytes.n);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes.p, bytes.n);
    app_data(c, f, &ref, direction, span_of(copy, bytes.n), 5);
    free(copy);
}

static void both(struct span s)
{
    struct seen seen = {0};
    struct sense_stats stats = {0};
    struct app_context *c = open_context(&seen, &stats, 8192);
    struct app_flow *f = NULL;
    while (s.n > 0) {
        uint8_t control = span_u8(&s);
        int direction = control & 1;
        size_t n = (size_t)(control >> 1 & 31) * 4 + 1;
        if (control == 0xff) {
            app_gap(c, &f, &ref, 0, 10, 5);
            continue;
        }
        if (control == 0xfe) {
            app_conflict(c, &f, &ref, 1, (struct hops){0}, 5);
            continue;
        }
        if (control >> 6 == 3)
            n += 512;
        give(c, &f, direction, span_take(&s, n < s.n ? n : s.n));
    }
    app_close(c, &f, &ref, 6);
    app_context_free(c);
}

/* What it was recognised as; NULL: as something else, which looks at the first piece only. */
static const char *one(struct span s, size_t step, struct seen *seen, struct sense_stats *stats)
{
    struct app_context *c = open_context(seen, stats, 1 << 20);
    struct app_flow *f = NULL;
    while (s.n > 0)
        give(c, &f, 0, span_take(&s, s.n < step ? s.n : step));
    const char *label = app_label(f);
    bool lab = label[0] == 0 || strcmp(label, "hl7") == 0 || strcmp(label, "astm") == 0 || strcmp(label, "poct1a") == 0;
    bool http = strcmp(label, "http") == 0;
    app_close(c, &f, &ref, 6);
    app_context_free(c);
    return lab ? "lab" : http ? "http" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    both(span_of(data, size));
    if (size < 2 || size > MOST)
        return 0;
    struct seen whole = {0};
    struct seen cut = {0};
    struct sense_stats whole_stats = {0};
    struct sense_stats cut_stats = {0};
    struct span s = span_of(data + 1, size - 1);
    const char *first = one(s, s.n, &whole, &whole_stats);
    const char *second = one(s, 1 + data[0] % 60u, &cut, &cut_stats);
    bool same = first != NULL && second != NULL && strcmp(first, second) == 0; /* other methods than POST are known by a whole word only */
    if (same && (whole.records != cut.records || whole.sum != cut.sum || memcmp(&whole_stats, &cut_stats, sizeof cut_stats) != 0))
        abort();
    return 0;
}
