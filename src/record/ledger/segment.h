/* Segments: files of sealed records, one folder a stream. docs/formats/ledger.md, Segment. */
#ifndef TQ_LEDGER_SEGMENT_H
#define TQ_LEDGER_SEGMENT_H

#include "record/ledger/hints.h"

#define SEGMENT_FORMAT 1
#define SEGMENT_HEADER 64
#define SEGMENT_SIZE_MAX (UINT64_C(64) << 20)
#define SEGMENT_PATH 64
#define SEGMENT_NONE UINT64_MAX
#define STREAMS 2

static inline unsigned stream_slot(enum ledger_stream s)
{
    return (unsigned)s - 1;
}

void segment_path(char out[SEGMENT_PATH], enum ledger_stream stream, uint64_t first);

/* The numbers in the names of a stream's segments (suffix "") or of what lies beside them (".index"), rising. *ret: n of them, the caller frees it;
 * NULL where there are none. */
int segment_list(int dir, enum ledger_stream stream, const char *suffix, uint64_t **ret, size_t *ret_n, struct error *e);

/* ── Writing ── */

struct segment_writer {
    int dir;
    int fd; /* -1: none yet */
    uint8_t log_id[LOG_ID];
    enum ledger_stream stream;
    uint64_t first; /* SEGMENT_NONE: none yet */
    uint64_t length;
    uint64_t sent; /* bytes that are on their way to the disk: settling has less to wait for */
    uint32_t day;
    struct hints hints;
};

void segment_writer_init(struct segment_writer *w, int dir, const uint8_t log_id[LOG_ID], enum ledger_stream stream);
void segment_writer_close(struct segment_writer *w);

/* Opens the segment that was the last one of a durable state, with its length then; changes nothing. ERR_CORRUPT: it is shorter, or its header does
 * not hold; ERR_LIMIT: of a newer format. */
int segment_writer_open(struct segment_writer *w, uint64_t first, uint64_t length, struct error *e);
/* Goes back to that state: segments begun later are removed, this one is cut to its length. Makes hints that are missing in any segment of the
 * stream. */
int segment_writer_cut(struct segment_writer *w, struct error *e);

/* Writes a run of sealed records, the first of which has this index and day; begins a new segment where one is due (the old one is synced). */
int segment_write(struct segment_writer *w, uint64_t index, uint32_t day, struct span records, struct error *e);

/* Whether these records must go to a new segment. */
bool segment_due(const struct segment_writer *w, uint32_t day, size_t n);

int segment_writer_sync(struct segment_writer *w, struct error *e);

/* ── Reading: one stream from a given record on ── */

struct segment_reader {
    int dir;
    int fd;
    uint8_t log_id[LOG_ID];
    bool any_log; /* the log's id is not known: take that of the first segment */
    enum ledger_stream stream;
    uint64_t first; /* of the segment that is open; SEGMENT_NONE: none */
    uint64_t at;    /* where in the file the buffer's unread part begins */
    struct buf buffer;
    size_t taken; /* bytes of the buffer that have been read */
    bool ended;   /* no bytes behind the buffer */
    bool started;
    bool hinted; /* it began at a hint and not at the segment's first record */
    char path[SEGMENT_PATH];
};

void segment_reader_init(struct segment_reader *r, int dir, enum ledger_stream stream, const uint8_t *log_id);
void segment_reader_release(struct segment_reader *r);

/* Begins at the segment that holds record `from`, at a hint or its first record, or where there is none at the first segment behind it. */
int segment_reader_seek(struct segment_reader *r, uint64_t from, struct error *e);

/* Goes back to the first record of the segment, when it was begun at a hint (which may have been wrong): true; else nothing changes. */
bool segment_reader_rewind(struct segment_reader *r);

/* Looks for record `index` further on in the open segment, whatever lies between: for going on behind damage. 1: a peek gives it now; 0: it is not
 * there (the segment is at its end then); -1: the machine failed. What is found is only a candidate: its hash says whether it holds. */
int segment_reader_find(struct segment_reader *r, uint64_t index, struct error *e);

/* The next record, without stepping over it: 1; 0: the stream ends here (whatever bytes are left are no record with an index below `limit`);
 * -1: ERR_CORRUPT or ERR_SYSTEM. Its spans hold until the next call. */
int segment_reader_peek(struct segment_reader *r, uint64_t limit, struct sealed_record *ret, struct error *e);
void segment_reader_step(struct segment_reader *r, const struct sealed_record *peeked);

/* Bytes left in the segment behind the last record taken (0: none or not known to be more). */
uint64_t segment_reader_left(const struct segment_reader *r);

/* Checks a header (fuzzed). ERR_CORRUPT, ERR_LIMIT. */
int segment_header_check(struct span header, enum ledger_stream stream, uint64_t first, const uint8_t *log_id, uint32_t *ret_day, struct error *e);

#endif
