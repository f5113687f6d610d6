/* tickets: numbers that the relay's engine knows messages by before their records have numbers of their own (relay_talk.h). A ticket is given out
 * when a message is there, settled when its records are in the outbox, in the same order, and durable with the last of these. */
#ifndef TQ_PROC_TICKETS_H
#define TQ_PROC_TICKETS_H

#include "base/error.h"
#include "base/hash.h"

#include <stdbool.h>

#define TICKETS_MOST (1u << 18)  /* that are given out and not durable */
#define TICKETS_NAMED (1u << 22) /* that will be asked for */

struct tickets;

/* first: what tickets begin behind; `named` ones are found by a keyed hash. NULL: no memory. */
struct tickets *tickets_new(uint64_t first, struct hash_key key);
void tickets_free(struct tickets *t);

/* Another one; 0: there are too many. */
uint64_t tickets_give(struct tickets *t);
/* The next one that was given out has this number, which is not below that of the one before. named: tickets_name will be asked for it. False: no
 * room for its name. */
bool tickets_settle(struct tickets *t, uint64_t seq, bool named);
/* Up to which ticket all is durable, when all records up to this number are; 0: none ever was. */
uint64_t tickets_durable(struct tickets *t, uint64_t seq);
/* The number of a ticket that was settled as named, once. 0: it has none. */
uint64_t tickets_name(struct tickets *t, uint64_t ticket);

#endif
