/* spool: records on their way to a ledger that is locked, in one append-only file. Whoever holds the public key can write; only the holder of the
 * secret key can read: not even the writer can read back what it has written (docs/formats/spool.md).
 *
 * It is handed a descriptor and uses no path, reads no clock and syncs when it is told. A file holds parts, one for each time that somebody began to
 * write; each has a key pair of its own, and its frames a chain of keys that only goes forward.
 *
 * One thread at a time uses a writer or a reader. A reader may follow a writer of the same process (spool_reader_limit). */
#ifndef TQ_SPOOL_H
#define TQ_SPOOL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "record/crypto/crypto.h"

#define SPOOL_RUN 16
#define SPOOL_RECORD_MAX (2u << 20) /* most bytes of a record in clear */

/* Where a record stands in its run. Not looked at here. */
struct spool_place {
    uint64_t seq;
    uint32_t ordinal;
};

/* What a part says of itself, in clear. */
struct spool_part {
    uint8_t run[SPOOL_RUN]; /* whose places its records have */
    uint64_t from;          /* the ledger had so many records at least when it was begun: none of these comes from this part */
    tq_time begun;
    uint64_t offset; /* of the part in the file */
};

/* ── Writing ── */

struct spool_writer;

struct spool_counts {
    uint64_t bytes;    /* of the file, with what is not written yet */
    uint64_t max;      /* its cap */
    uint64_t records;  /* taken by this writer */
    uint64_t unsynced; /* bytes that no sync has made durable */
    bool nearly_full;  /* four fifths of the cap are used */
};

/* Begins a part behind what is in the file. fd stays the caller's, and open. `to`: the reader's public key. max: cap of the file in bytes. Of *part,
 * run, from and begun are used. NULL: ERR_MISUSE (no public key), ERR_LIMIT (no room for a part), ERR_SYSTEM. */
struct spool_writer *spool_writer_new(int fd, const struct spool_part *part, const uint8_t to[X25519_KEY], uint64_t max, struct error *e);

/* … behind this byte: what the file holds from there on are zeros (spool_room). */
struct spool_writer *spool_writer_at(int fd, uint64_t used, const struct spool_part *part, const uint8_t to[X25519_KEY], uint64_t max,
                                     struct error *e);

/* Up to this byte of the file room is ready (spool_ready): it is written over in place. The descriptor's flags are the writer's meanwhile. */
void spool_use_ready(struct spool_writer *w, uint64_t ready);

/* Adds a record, sealed, to what waits to be written. ERR_LIMIT: the cap is reached, or too much waits because the disk takes nothing: the record is
 * not taken, a later one may be. ERR_SYSTEM: no memory. record: 1 to SPOOL_RECORD_MAX bytes, else ERR_MISUSE. */
int spool_write(struct spool_writer *w, struct spool_place place, struct span record, struct error *e);

/* Writes what waits and makes it durable. ERR_SYSTEM: the disk does not take it now; it waits on, and a later call tries again. But where the sync
 * itself failed, every later call fails too: begin a new part. */
int spool_sync(struct spool_writer *w, struct error *e);

bool spool_failed(const struct spool_writer *w); /* begin a new part */
struct spool_counts spool_counts(const struct spool_writer *w);

/* Writes the mark that this part is whole, and syncs. */
int spool_end(struct spool_writer *w, struct error *e);
void spool_writer_free(struct spool_writer *w); /* wipes; w may be NULL. What waits is lost. */

/* ── Room made ready: zeros, durable before something is written over them ── */

/* Writes zeros from the block of `from` on up to that of `to`, and makes them durable. ERR_SYSTEM: some of it may be there. */
int spool_ready(int fd, uint64_t from, uint64_t to, struct error *e);

/* Looks at a file that another writer left, and finishes an emptying that was cut off. *ret_used: behind it only zeros stand. *ret_ready: how far
 * they go. ERR_SYSTEM. */
int spool_room(int fd, uint64_t *ret_used, uint64_t *ret_ready, struct error *e);

/* Empties the file, in which `used` bytes may be something; no writer has it. Where it is one part of no more than `keep` bytes its room stays, as
 * zeros, durable: *ret_ready bytes. Else the file is cut to nothing. Cut off in the middle: spool_room. ERR_SYSTEM. */
int spool_empty(int fd, uint64_t used, uint64_t keep, uint64_t *ret_ready, struct error *e);

/* ── Looking, without any key ── */

struct spool_look {
    uint64_t bytes;   /* of the file */
    uint64_t records; /* whole frames, as their lengths say; nothing is checked */
    uint64_t parts;
    tq_time since; /* when the first part was begun; 0: there is none */
};

/* What stands in the file. */
int spool_look(int fd, struct spool_look *ret, struct error *e);

/* Calls back for each part of the file that begins between these bytes, in order, as spool_look finds them. */
int spool_parts_between(int fd, uint64_t from, uint64_t to, void (*each)(void *context, const struct spool_part *part), void *context,
                        struct error *e);
/* … of the whole file. */
int spool_parts(int fd, void (*each)(void *context, const struct spool_part *part), void *context, struct error *e);

/* ── Reading ── */

struct spool_reader;

struct spool_record {
    const struct spool_part *part; /* until the next call */
    struct spool_place place;
    struct span record; /* until the next call */
};

/* secret: the secret key; wiped by spool_reader_free. NULL: ERR_SYSTEM. */
struct spool_reader *spool_reader_new(int fd, const uint8_t secret[X25519_KEY], struct error *e);

/* Reading begins with the first part at or behind this byte. Before the first record. */
void spool_reader_start(struct spool_reader *r, uint64_t at);

/* Nothing behind `bytes` is read, and a frame cut there is awaited, not taken for torn: for a file that is still being written. */
void spool_reader_limit(struct spool_reader *r, uint64_t bytes);

/* 1: a record. 0: the end, for now. -1: ERR_CORRUPT: something does not hold; the text names the byte; the next call goes on behind it. ERR_SYSTEM:
 * the disk failed. */
int spool_reader_next(struct spool_reader *r, struct spool_record *ret, struct error *e);

struct spool_losses {
    uint64_t torn;    /* bytes at the end of parts that were being written when the machine stopped: dropped */
    uint64_t damaged; /* places that do not hold: each was told once */
    uint64_t unended; /* parts without the mark that they are whole: the last of what was written may not have reached the disk */
};
struct spool_losses spool_reader_losses(const struct spool_reader *r);
uint64_t spool_reader_at(const struct spool_reader *r); /* bytes read */
void spool_reader_free(struct spool_reader *r);         /* r may be NULL */

#endif
