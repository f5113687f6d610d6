/* fragment: IP fragments → whole packets (RFC 791, RFC 8200 section 4.5).
 *
 * Bytes that came first win; a packet whose fragments contradict each other or its end is dropped. Memory is bounded in bytes and in packets at once,
 * a packet that is not complete after 30 s (packet clock) is dropped, the oldest goes when there is no room. */
#ifndef TQ_SENSE_FRAGMENT_H
#define TQ_SENSE_FRAGMENT_H

#include "base/time.h"
#include "wire/ip.h"

struct fragments;

/* max_bytes: most memory that waiting fragments may take. NULL: no memory. */
struct fragments *fragments_new(size_t max_bytes);
void fragments_free(struct fragments *t);

/* Adds a fragment (ip->fragment is true). True: the packet is complete; *ret is its payload, which holds until the next call, and *ret_proto the
 * protocol named by its first fragment. */
bool fragments_add(struct fragments *t, const struct ip *ip, uint32_t vlan, tq_time now, struct span *ret, uint8_t *ret_proto);

#endif
