/* What lies in segments, bundles and journals: sealed records, entries, segment headers, journal pages and frames. */
#include "record/ledger/mark.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void records(struct span in, struct keyring *ring)
{
    struct sealed_record r;
    struct error e = {0};
    static uint8_t clear[LEDGER_PAYLOAD_MAX];
    for (;;) {
        size_t before = in.n;
        int rc = sealed_record_take(&in, &r);
        if (rc != 1) {
            if (in.n != before)
                abort(); /* nothing is taken but whole records */
            break;
        }
        struct entry entry;
        struct erased_key erased;
        if (r.bytes.n != before - in.n || r.entry.n != ENTRY_BYTES || r.sealed.n > SEALED_MAX)
            abort();
        if (entry_parse(r.entry, &entry, &e) == 0 && entry_open(ring, &r, &entry, clear, &erased, &e) == 0)
            abort(); /* no bytes from outside open under keys that they do not know */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keyring *ring;
    static const uint8_t log_id[LOG_ID];
    struct error e = {0};
    struct span in = span_of(data, size);
    struct span entry;
    struct journal_base base;
    struct journal_frame frame;
    uint32_t day;
    size_t need;
    ring = keyring_new(&e);
    const struct period_key known = {.stream = LEDGER_CUSTODY, .key = {1}}; /* its id is zeros: an entry of zeros finds it */
    if (ring == NULL || keyring_put(ring, &known, &e) != 0)
        abort();
    records(in, ring);
    (void)segment_header_check(span_of(data, size < SEGMENT_HEADER ? size : SEGMENT_HEADER), LEDGER_CUSTODY, 0, log_id, &day, &e);
    (void)journal_base_parse(in, &base, &e);
    if (journal_frame_parse(in, log_id, &frame, &need))
        records(frame.body, ring);
    struct mark m;
    uint8_t again[MARK_BYTES];
    if (mark_parse(in, &m, &e) == 0) {
        mark_format(&m, again);
        if (memcmp(again, data, MARK_BYTES) != 0)
            abort(); /* a mark has one form */
    }
    for (struct span bundle = in; bundle_next(&bundle, &entry);)
        (void)entry_parse(entry, &(struct entry){0}, &e);
    keyring_free(ring);
    return 0;
}
