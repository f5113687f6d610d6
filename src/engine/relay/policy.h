/* policy: what may pass a link, and what a new link learns. */
#ifndef TQ_RELAY_POLICY_H
#define TQ_RELAY_POLICY_H

#include "engine/relay/look.h"
#include "engine/relay/relay.h"

struct policy;

#define POLICY_LEARN_TYPES 64
#define POLICY_LEARN_SENDERS 64
#define POLICY_LEARN_TESTS 1024
#define POLICY_LIST_MAX 4096 /* entries of a list */

/* NULL: ERR_MISUSE (a list or text is too long), ERR_SYSTEM. */
struct policy *policy_new(const struct relay_policy *from, struct hash_key key, struct error *e);
void policy_free(struct policy *p); /* p may be NULL */

/* Can it refuse anything at `now`? */
bool policy_refuses(const struct policy *p, tq_time now);
bool policy_floods(const struct policy *p, uint32_t in_minute); /* more messages than its rate allows */
bool policy_learns(const struct policy *p, tq_time now);

struct policy_verdict {
    enum relay_verdict verdict;
    const char *reason;  /* one plain sentence, or NULL */
    const char *code;    /* what HL7 calls it (table 0357) */
    struct span foreign; /* what it is about */
};

/* Looks at a message and judges it, in one pass. in_minute: how many messages this minute has seen, this one included. size: of the message, which
 * may be more than content where it was too long to keep. *look is filled in any case. */
struct policy_verdict policy_judge(struct policy *p, enum relay_protocol protocol, struct span content, uint32_t size, uint32_t in_minute,
                                   tq_time now, struct look *look, bool *ret_read);

void policy_proposed(const struct policy *p, void (*each)(void *context, enum relay_learnt what, const char *text, uint64_t count), void *context);
uint32_t policy_largest(const struct policy *p);

/* What was learnt and not yet handed out here, in no order, until each() returns false (then that one is not handed out). True: that was all. */
bool policy_news(struct policy *p, bool (*each)(void *context, enum relay_learnt what, struct span text), void *context);
void policy_not_told(struct policy *p); /* policy_news begins anew */
/* What was learnt before this program began. Nothing where the policy does not learn. */
void policy_known(struct policy *p, enum relay_learnt what, struct span text);
void policy_known_largest(struct policy *p, uint32_t largest);
void policy_learn_until(struct policy *p, tq_time until); /* another end of the time for learning, where there is one */

#endif
