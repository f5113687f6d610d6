/* claims: who says by ARP that an IPv4 address is his → network.claims, where somebody says so of an address that another holds, again and again.
 *
 * An address belongs to the network card that spoke for it first by ARP. What counts against another card are claims that nobody asked for: replies
 * without a question, announcements, and questions in the address's name. They are told
 * - as pushed, where such replies go to one and the same device five times and more, less than 15 s apart: nobody but who wants to be taken for the
 *   address does that, whether its holder is heard or not;
 * - as shared, where there are three within two minutes and the holder was heard among them: two speak for one address.
 * An address that moves (a standby takes over, a lease goes to another device) is claimed by one, and not heard from the other any more; a router
 * that answers for others (proxy ARP) was asked. Neither is told. A bounded number of addresses; when it is full all are forgotten. */
#ifndef TQ_SENSE_CLAIMS_H
#define TQ_SENSE_CLAIMS_H

#include "base/hash.h"
#include "base/record.h"

struct claims;

/* NULL: no memory. */
struct claims *claims_new(const struct hash_key *key, const struct record_sink *sink);
void claims_free(struct claims *c);

/* An ARP packet (the bytes behind the link header) on the network with these tags. What is damaged is passed over. */
void claims_arp(struct claims *c, uint32_t vlan, struct span packet, tq_time time);

/* A packet with this source address came from this card. */
void claims_heard(struct claims *c, uint32_t vlan, const struct address *a, const uint8_t mac[6], tq_time time);

#endif
