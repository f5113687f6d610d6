/* source: the bytes of a capture → packets.
 *
 * Plain, gzip (several members) and zstd (several frames) are told apart by their magic numbers, pcap and pcapng by theirs. Bytes come from the
 * caller's read function; nothing here opens a file, and memory stays at one window whatever the file claims. */
#ifndef TQ_SENSE_SOURCE_H
#define TQ_SENSE_SOURCE_H

#include "base/error.h"
#include "base/time.h"

#include <sys/types.h>

/* Reads up to n bytes: how many (≥ 1), 0 at the end, or -1 with errno, as read(2). */
typedef ssize_t source_read(void *context, void *into, size_t n);

/* Bytes where they lie, from offset `at` of what is read: at least n (≤ 524,288), fewer only where they end. They hold, and stay as they are, until
 * the next call. -1: not any more; the read function goes on at `at`. */
typedef ssize_t source_view(void *context, uint64_t at, size_t n, const uint8_t **ret);

struct packet {
    tq_time time;
    uint32_t linktype;
    uint32_t wire_length;
    struct span bytes; /* hold until the next source_next */
};

struct source;

/* NULL: no memory. */
struct source *source_new(source_read *read, void *context, struct error *e);

/* From a descriptor, which stays the caller's. */
struct source *source_from_fd(int fd, struct error *e);

/* Before the first packet: what is not packed is read in place, as long as `view` can. */
void source_in_place(struct source *s, source_view *view, void *context);

void source_free(struct source *s);

/* The next packet: 1, or 0 at the end, or -1: ERR_MISUSE where the bytes are no capture at all, ERR_SYSTEM where reading failed. Damage inside a
 * capture is no error: what can be read behind it is read; see source_damage. After 0 or -1 every call says the same. */
int source_next(struct source *s, struct packet *ret, struct error *e);

/* How often the capture was damaged; *ret_first (may be NULL) names the first place, "" where there was none. Holds as long as s. */
uint64_t source_damage(const struct source *s, const char **ret_first);

#endif
