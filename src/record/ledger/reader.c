/* Reads an open ledger's records in order: two streams of segments merged by index, each record checked and opened. */
#include "record/ledger/mark.h"

#include <errno.h>
#include <stdlib.h>

struct ledger_reader {
    struct ledger *ledger;
    struct segment_reader streams[STREAMS];
    unsigned last; /* the stream that the record before came from */
    uint64_t next;
    struct mark *marks; /* of segments that were removed */
    size_t marks_n;
    struct buf clear;
};

struct ledger_reader *ledger_reader_new(struct ledger *l, uint64_t from, struct error *e)
{
    struct ledger_reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        (void)err_sys(e, ENOMEM, "reading the ledger");
        return NULL;
    }
    r->ledger = l;
    r->next = from;
    r->clear = BUF_SECRET(LEDGER_PAYLOAD_MAX);
    for (unsigned i = 0; i < STREAMS; i++)
        segment_reader_init(&r->streams[i], ledger_dir(l), (enum ledger_stream)(i + 1), ledger_ring(l)->log_id);
    for (unsigned i = 0; i < STREAMS; i++) {
        if (segment_reader_seek(&r->streams[i], from, e) != 0) {
            ledger_reader_free(r);
            return NULL;
        }
    }
    return r;
}

/* Finds the next record in one stream, stepping over earlier ones: 1, 0 it is not there, -1. */
static int find(struct segment_reader *s, uint64_t index, uint64_t limit, struct sealed_record *ret, struct error *e)
{
    for (;;) {
        int rc = segment_reader_peek(s, limit, ret, e);
        if (rc != 1 || ret->index == index)
            return rc;
        if (ret->index > index)
            return 0;
        segment_reader_step(s, ret);
    }
}

/* The next record from either stream, where it should be. 1, or the two reasons why not. */
static int find_there(struct ledger_reader *r, uint64_t limit, struct sealed_record *ret, struct error *why, struct error *other_why)
{
    if (find(&r->streams[r->last], r->next, limit, ret, why) == 1)
        return 1;
    unsigned other = (r->last + 1) % STREAMS;
    if (find(&r->streams[other], r->next, limit, ret, other_why) != 1)
        return 0;
    r->last = other;
    return 1;
}

/* The same, looked for without hints and then behind damage where it must be. */
static int find_next(struct ledger_reader *r, uint64_t limit, struct sealed_record *ret, struct error *e)
{
    struct error why = {0};
    struct error other_why = {0};
    if (find_there(r, limit, ret, &why, &other_why) == 1)
        return 1;
    bool back = segment_reader_rewind(&r->streams[0]);
    back = segment_reader_rewind(&r->streams[1]) || back;
    if (back) {
        why = other_why = (struct error){0};
        if (find_there(r, limit, ret, &why, &other_why) == 1)
            return 1;
    }
    struct error late = {0};
    for (unsigned i = 0; i < STREAMS; i++)
        if (segment_reader_find(&r->streams[i], r->next, &late) == 1 && segment_reader_peek(&r->streams[i], limit, ret, &late) == 1) {
            r->last = i;
            return 1;
        }
    if (why.class == ERR_NONE)
        why = other_why;
    if (why.class == ERR_NONE)
        return err_set(e, ERR_CORRUPT, "record %llu does not hold: it is in no segment", (unsigned long long)r->next);
    (void)err_context(&why, "record %llu", (unsigned long long)r->next);
    if (e != NULL)
        *e = why;
    return -1;
}

/* Steps over records whose segment was removed, to the next one that is there. False: the next one was not. */
static bool step_over_removed(struct ledger_reader *r, uint64_t limit)
{
    struct mark *m = mark_of(r->marks, r->marks_n, r->next);
    if (m == NULL) { /* it may have been removed meanwhile */
        free(r->marks);
        r->marks = NULL;
        r->marks_n = 0;
        if (mark_list(ledger_dir(r->ledger), &r->marks, &r->marks_n, NULL) != 0 || (m = mark_of(r->marks, r->marks_n, r->next)) == NULL)
            return false;
    }
    uint64_t to = m->removal.last + 1;
    for (unsigned i = 0; i < STREAMS; i++) {
        struct sealed_record there;
        struct error why = {0};
        if (segment_reader_peek(&r->streams[i], limit, &there, &why) == 1 && there.index > r->next && there.index < to)
            to = there.index;
    }
    r->next = to;
    return true;
}

int ledger_reader_next(struct ledger_reader *r, struct ledger_record *ret, struct error *e)
{
    uint64_t limit = ledger_size(r->ledger);
    struct sealed_record sealed;
    struct entry entry;
    struct error first = {0};
    struct error second = {0};
    while (r->next < limit && find_there(r, limit, &sealed, &first, &second) != 1 && step_over_removed(r, limit))
        ;
    if (r->next >= limit)
        return 0;
    if (find_next(r, limit, &sealed, e) != 1)
        return -1;
    if (entry_parse(sealed.entry, &entry, e) != 0)
        return err_context(e, "record %llu does not hold", (unsigned long long)r->next);
    buf_clear(&r->clear);
    if (!buf_reserve(&r->clear, entry.clear_n == 0 ? 1 : entry.clear_n))
        return err_sys(e, ENOMEM, "reading record %llu", (unsigned long long)r->next);
    struct error why = {0};
    struct erased_key erased = {0};
    if (entry_open(ledger_ring(r->ledger), &sealed, &entry, r->clear.p, &erased, &why) == 0)
        r->clear.n = entry.clear_n;
    else if (why.class != ERR_CLOSED) {
        if (e != NULL)
            *e = why;
        return -1;
    }
    segment_reader_step(&r->streams[r->last], &sealed);
    *ret = (struct ledger_record){.index = r->next++,
                                  .stream = entry.stream,
                                  .time = entry.time,
                                  .payload = buf_span(&r->clear),
                                  .erased = why.class == ERR_CLOSED,
                                  .erased_at = erased.at};
    return 1;
}

void ledger_reader_free(struct ledger_reader *r)
{
    if (r == NULL)
        return;
    for (unsigned i = 0; i < STREAMS; i++)
        segment_reader_release(&r->streams[i]);
    buf_release(&r->clear);
    free(r->marks);
    free(r);
}
