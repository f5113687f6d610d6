/* What writer and reader share: the layout of docs/formats/spool.md. */
#ifndef TQ_SPOOL_PRIVATE_H
#define TQ_SPOOL_PRIVATE_H

#include "record/spool/spool.h"

#define SPOOL_FORMAT 1
#define SPOOL_ALIGN 4096 /* parts begin at multiples of it */
#define HEADER 136
#define HEADER_SUMMED 120 /* … of which these are under its sum */
#define HEAD_CLEAR 16     /* of a frame: length, seq, ordinal */
#define HEAD 24           /* … and their check */
#define FRAME_MAX (HEAD + SPOOL_RECORD_MAX + AES_GCM_TAG)

struct spool_header {
    struct spool_part part;
    uint8_t ephemeral[X25519_KEY];
    uint8_t to[X25519_KEY];
};

/* A part's chain of keys. Each step forgets the key before. */
struct spool_chain {
    uint8_t key[32];
    uint8_t seal[32];
    uint8_t check[32];
    uint64_t frame; /* that the two keys above are for */
};

void spool_header_encode(uint8_t out[HEADER], const struct spool_header *h);
/* False: these bytes are no part's header, or one that does not belong at this offset. *ret_newer: they are, of a newer format. */
bool spool_header_decode(struct span in, uint64_t offset, struct spool_header *ret, bool *ret_newer);

void spool_chain_start(struct spool_chain *c, const uint8_t shared[X25519_KEY], const uint8_t header[HEADER]);
void spool_chain_step(struct spool_chain *c); /* to the keys of the next frame */
void spool_chain_check(const struct spool_chain *c, const uint8_t head[HEAD_CLEAR], uint8_t out[HEAD - HEAD_CLEAR]);

int spool_read_at(int fd, uint8_t *out, size_t n, uint64_t at, size_t *ret_n, struct error *e);
int spool_size(int fd, uint64_t *ret, struct error *e);

/* Whether what is written by fd goes past the system's cache, by whole blocks from aligned memory. False: this file system has no such thing. */
bool spool_past_cache(int fd, bool past);

/* The next part's header at or behind `at` and before `end`. 1 found, 0 none, -1 ERR_SYSTEM, ERR_LIMIT (a newer format). */
int spool_find_header(int fd, uint64_t at, uint64_t end, struct spool_header *ret, struct error *e);

static inline uint64_t aligned(uint64_t at)
{
    return (at + SPOOL_ALIGN - 1) / SPOOL_ALIGN * SPOOL_ALIGN;
}

#endif
