/* recent: the newest messages that came over links, so that one that goes on as it came is told in one record.
 *
 * Relay and detector hold the same ones: the relay knows a message by its bytes when it sends them, and says whose they are; the detector puts the
 * results that it was told of that message in the place of those that need not be told again. What the one finds the other has, because both are
 * shown the same records in the same order, and the relay holds fewer. */
#ifndef TQ_PROC_RECENT_H
#define TQ_PROC_RECENT_H

#include "base/hash.h"

#define RECENT_RELAY 3072    /* messages */
#define RECENT_DETECTOR 4096 /* … */
#define RECENT_BYTES 8192    /* most bytes of one message's results */

struct recent;

/* most: messages; an older one makes room. NULL: no memory. */
struct recent *recent_new(struct hash_key key, size_t most);
void recent_free(struct recent *r);
void recent_clear(struct recent *r);

/* A message came. key: what it is looked up by (RECENT_KEY bytes at most); kept: copied. results: records of them that are to follow. The message
 * with the same key before it is forgotten. */
void recent_message(struct recent *r, struct span key, struct span kept, int64_t results);
/* A record of a result of the newest message. keep: it is kept behind what is there, its length (u32) in front. */
void recent_result(struct recent *r, struct span encoded, bool keep);

/* What was kept of the message with this key. Empty: it is not known, not all its results came, or they are too much. Holds until the next call. */
struct span recent_find(const struct recent *r, struct span key);

#endif
