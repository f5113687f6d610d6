#include "proc/opened.h"

#include "proc/payload.h"

#include <stdlib.h>

/* Its bytes in *opened. 1: they are there; 0: there is no such record of one event; -1: e says why. */
static int read_one(struct ledger *l, uint64_t index, struct buf *opened, tq_time *ret_time, struct error *e)
{
    struct ledger_record leaf = {0};
    if (index >= ledger_size(l))
        return 0;
    struct ledger_reader *reader = ledger_reader_new(l, index, e);
    int r = reader == NULL ? -1 : ledger_reader_next(reader, &leaf, e);
    if (r == 1 && (leaf.index != index || leaf.stream != LEDGER_CUSTODY)) {
        r = 0;
    } else if (r == 1 && leaf.erased) {
        char when[TIME_TEXT];
        (void)time_format(leaf.erased_at, when);
        r = err_set(e, ERR_CLOSED, "Erased on %.10s.", when);
    } else if (r == 1) {
        buf_add_span(opened, leaf.payload);
        *ret_time = leaf.time;
    }
    ledger_reader_free(reader);
    return r;
}

int opened_record(struct ledger *l, pthread_mutex_t *lock, uint64_t index, struct buf *opened, struct api_record *ret, struct error *e)
{
    static const uint8_t unknown[PAYLOAD_DIGEST];
    tq_time time = 0;
    (void)pthread_mutex_lock(lock);
    int r = read_one(l, index, opened, &time, e);
    (void)pthread_mutex_unlock(lock);
    if (r <= 0)
        return r < 0 ? -1 : err_set(e, ERR_MISUSE, "there is no record of one event at %llu", (unsigned long long)index);
    struct payload *payload = malloc(sizeof *payload);
    if (payload == NULL || !buf_ok(opened))
        r = err_set(e, ERR_SYSTEM, "no memory for a record");
    else
        r = payload_decode(buf_span(opened), payload, e);
    if (r == 0) {
        const struct payload_record *p = &payload->records[0];
        bool known = p->body.digest.n > 0 && !span_equal(p->body.digest, span_of(unknown, sizeof unknown));
        *ret = (struct api_record){.recorded = time,
                                   .veiled = p->veiled,
                                   .private = p->private,
                                   .body = p->body.bytes,
                                   .body_whole = p->body.whole,
                                   .digest = known ? p->body.digest : (struct span){0}};
    }
    free(payload);
    return r;
}
