/* Community ID v1 of a flow: a short hash that other tools (Zeek, Suricata, Wireshark) write too, so that their records can be joined with ours. It
 * names addresses and ports, hides nothing and is no protection: SHA-1 is what the published format asks for. */
#ifndef TQ_COMMUNITY_H
#define TQ_COMMUNITY_H

#include "base/record.h"

#define COMMUNITY_ID 31 /* "1:", 28 characters of base64 and a final zero */

/* Writes the id with seed 0 and returns true. False, and an empty text: a flow without addresses of one family, or ICMP, whose id needs the message
 * type. Source: "Community ID Flow Hashing", version 1 (github.com/corelight/community-id-spec). */
bool community_id(const struct flow_ref *flow, char out[COMMUNITY_ID]);

#endif
