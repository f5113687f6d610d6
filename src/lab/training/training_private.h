/* What the projections of training share. Only files of lab/training include it. */
#ifndef TQ_LAB_TRAINING_PRIVATE_H
#define TQ_LAB_TRAINING_PRIVATE_H

#include "lab/training/training.h"
#include "lab/views_private.h"

/* Judges one duty anew, and counts it. */
int duty_judge(struct apply *a, struct span account, struct span course, struct error *e);
/* Everything of an account: who it counts as, and all its duties. */
int duty_judge_person(struct apply *a, struct span account, struct error *e);
/* A course's duties, of everybody who has or should have one. */
int duty_judge_course(struct apply *a, struct span course, struct error *e);

static inline int64_t duty_today(const struct apply *a)
{
    return zone_day(&a->v->zone, a->ev.time);
}

#endif
