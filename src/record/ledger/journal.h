/* The journal: what makes a commit durable, with one write and one fdatasync. docs/formats/ledger.md, Journal. */
#ifndef TQ_LEDGER_JOURNAL_H
#define TQ_LEDGER_JOURNAL_H

#include "record/ledger/segment.h"
#include "record/ledger/tree.h"

#define JOURNAL_FORMAT 1
#define JOURNAL_PAGE 4096
#define JOURNAL_FRAME_HEADER 64
#define JOURNAL_BODY_MAX (48u << 20) /* most bytes of sealed records in one commit */
#define JOURNAL_SETTLE (UINT64_C(32) << 20)

struct journal_base {
    uint8_t log_id[LOG_ID];
    uint64_t generation;
    uint64_t size;
    struct tree_hash root;
    uint8_t nonce[16];
    struct {
        uint64_t first;
        uint64_t length;
    } segment[STREAMS];
};

struct journal {
    int dir;
    int fd;         /* -1: none */
    int direct;     /* the same file, for writing past the system's cache; -1: none */
    uint8_t *stage; /* a frame on its way there, by pages */
    struct journal_base base;
    uint64_t end;   /* where the next frame goes */
    uint64_t put;   /* where the frame lies that was put and may yet be taken back; 0: none */
    size_t hashed;  /* bytes of it that are hashed */
    size_t written; /* and written */
    bool by_pages;  /* past the cache */
    struct crypto_hash *hash;
    uint64_t allocated; /* the file's size: written with zeros or older frames, so that a frame changes no metadata */
};

struct journal_frame {
    uint64_t first;
    uint32_t count;
    tq_time time;
    struct span body;
};

void journal_init(struct journal *j, int dir);
void journal_close(struct journal *j);

/* Begins a generation in its file (base->generation; the nonce is made here), durable on return, and closes the one before. */
int journal_begin(struct journal *j, const struct journal_base *base, struct error *e);

/* Opens the valid generation. ERR_CLOSED: there is no journal at all; ERR_CORRUPT: none holds; ERR_LIMIT: newer format. read_only: for verifying. */
int journal_open(struct journal *j, bool read_only, struct error *e);

/* Empties `out` and begins a frame in it; records are appended. Then journal_put fills in its head, and journal_put_more, called until all of it is
 * sealed, hashes it, writes it and sends it on its way to the disk: `sealed` bytes from the frame's front will not change any more. The frame has
 * room for its hash. journal_sync makes it durable; before that other work may be done. */
void journal_frame_begin(struct buf *out);
int journal_put(struct journal *j, struct buf *frame, uint64_t first, uint32_t count, tq_time time, struct error *e);
int journal_put_more(struct journal *j, struct buf *frame, size_t sealed, struct error *e);
int journal_sync(struct journal *j, struct error *e);
void journal_keep(struct journal *j);   /* the frame that was put stays */
void journal_cancel(struct journal *j); /* or is taken back (best effort): its place is overwritten */

/* Reads the frame at j->end, which must begin with record `first`, into `bytes`; steps over it. 1; 0: the journal ends here (*ret_torn: something
 * that is no frame stands there); -1 ERR_CORRUPT: it ends here but whole frames of it stand behind. */
int journal_next(struct journal *j, uint64_t first, struct buf *bytes, struct journal_frame *ret, bool *ret_torn, struct error *e);

/* Writes page 0 and the frames up to `end` again, byte for byte, and makes them durable: a sync that failed before may have left them in memory
 * only. */
int journal_rewrite(struct journal *j, uint64_t end, struct error *e);

/* Cuts the file to its first page and removes the other one (an orderly end, after settling). Where one of the two was much used, both keep their
 * blocks for the next start: making them anew costs as much as what is then written into them. */
int journal_shrink(struct journal *j, struct error *e);

/* Page 0 of a generation, and the name of its file. */
const char *journal_path(uint64_t generation);
void journal_page(const struct journal_base *base, uint8_t page[JOURNAL_PAGE]);

/* For the fuzzer: page 0, and a frame in memory. */
int journal_base_parse(struct span page, struct journal_base *ret, struct error *e);
bool journal_frame_parse(struct span bytes, const uint8_t nonce[16], struct journal_frame *ret, size_t *ret_need);

#endif
