/* What the load generator and its sink share: one end of a connection, in clear or over TLS 1.3, and the message that goes over it. */
#ifndef TQ_BENCH_MLLP_END_H
#define TQ_BENCH_MLLP_END_H

#include "base/buf.h"
#include "base/hash.h"
#include "wire/mllp.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/types.h>

#define CONNECTIONS_MOST 60000u
#define MESSAGE_MOST 1048576u /* bytes of a message or an answer */
#define ID_SIZE 16u           /* "C00012N000000345": connection 12, its message 345 */

struct end {
    int fd; /* -1: closed */
    SSL *tls;
    struct mllp reader;
    struct buf content; /* of the open block */
    struct buf out;     /* what did not go out yet */
};

/* Nanoseconds of the monotonic clock. */
uint64_t now_ns(void);

/* As many descriptors as the machine allows, at most two for every connection. */
void many_descriptors(void);

struct sockaddr_in loopback(unsigned port);

/* Bytes read, 0 at the end, -1 nothing yet, -2 failed. */
ssize_t end_read(struct end *c, uint8_t *p, size_t n);

/* Sends what is in c->out: 1 all of it, 0 some is left, -1 failed. */
int end_flush(struct end *c);

void end_close(struct end *c);

/* Reads until there is nothing more and hands over every whole block. False: the peer is gone, or sent more than a message may have. *junk: bytes
 * outside blocks are added to it. */
bool end_blocks(struct end *c, uint64_t *junk, bool (*take)(void *context, struct span block), void *context);

/* Field `field` of the first segment that begins with name. */
struct span field_of(struct span message, const char *name, unsigned field);

/* Digest by which the tests see that a message came out as it went in. */
uint64_t digest_of(struct span message);

#endif
