/* What the two files of links share: link.c shows them and takes bypass and hold, link_policy.c has what they learn and what may pass. */
#ifndef TQ_DOOR_API_LINK_PRIVATE_H
#define TQ_DOOR_API_LINK_PRIVATE_H

#include "door/api/api_private.h"
#include "lab/link_view.h"

/* A link's policy, as the ledger says. */
struct link_decided {
    tq_time learn_from; /* 0: it never learnt */
    int64_t learn_size, learn_rate;
    tq_time proposed_at; /* 0: not yet */
    char unknown[16];    /* "": nobody approved one */
    int64_t allow_size, allow_rate;
    char by[128];
    tq_time at;
};

int link_decided_get(struct call *c, struct span name, struct link_decided *ret, struct error *e);
/* The member "policy" of a link. */
int link_policy_put(struct call *c, const struct api_link *l, const struct link_decided *d, struct error *e);

bool link_named(struct call *c); /* the first parameter names a link; else the problem is set */
void link_hand_on(struct call *c, const struct api_link_order *o);

#endif
