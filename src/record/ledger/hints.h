/* Where in a segment a record lies: one hint every 64 KiB, in a small file beside it. A hint is never trusted: what lies there says itself which
 * record it is, and its seal whether it is. Lost or damaged ones cost time and nothing else. docs/formats/ledger.md, Index. */
#ifndef TQ_LEDGER_HINTS_H
#define TQ_LEDGER_HINTS_H

#include "record/ledger/entry.h"

#define HINT_STEP (64u << 10)
#define HINT_PATH 64

/* The writer's side, for the segment that grows. No call fails: without hints reading is slower. */
struct hints {
    int dir;
    int fd; /* -1: none yet, or given up */
    bool given_up;
    uint64_t n;
    uint64_t last;        /* where the last hint points, at first behind the segment's header */
    char path[HINT_PATH]; /* of the file of hints */
};

void hints_path(char out[HINT_PATH], const char *segment);
void hints_begin(struct hints *h, int dir, const char *segment, uint64_t header); /* a new segment */
void hints_close(struct hints *h);

/* Goes on with a segment of this length: hints that cannot be right go, missing ones are made by walking through it. */
void hints_resume(struct hints *h, int dir, const char *segment, int segment_fd, uint64_t header, uint64_t length);

/* These whole records were written at `at`. */
void hints_add(struct hints *h, struct span records, uint64_t at);

/* Whether the hints of a segment that does not grow are what hints_resume would make of it. */
bool hints_hold(int dir, const char *segment, int segment_fd, uint64_t header, uint64_t length);

/* The place of the greatest hinted record at or before `index`, when a record with that number seems to lie there; 0: none. */
uint64_t hints_find(int dir, const char *segment, int segment_fd, uint64_t index);

#endif
