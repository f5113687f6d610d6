/* What the two files of looks share: look.c decides and records, look_show.c writes what is shown. */
#ifndef TQ_DOOR_API_LOOK_PRIVATE_H
#define TQ_DOOR_API_LOOK_PRIVATE_H

#include "door/api/api_private.h"
#include "lab/event.h"
#include "lab/inventory/message.h"

#define LOOK_ITEMS 8      /* most records that one look shows */
#define LOOK_SECONDS 300  /* how long the page shows them */
#define LOOK_FIELDS 20000 /* most fields of a body that are taken apart … */
#define LOOK_LINES 8000   /* … and lines */
#define LOOK_ERASED 256

/* A record that is looked at, opened. */
struct looked {
    uint64_t index;
    struct buf opened;
    struct api_record record;
    struct event_view event; /* of its veiled text */
    bool readable;
    char erased[LOOK_ERASED]; /* why not: its key was erased; "" */
};

#define LOOK_PERMISSION "phi.look"
#define REASON_MAX 500

/* A reason, the password, not too often. False: the problem is set, and the refusal recorded. *ret_before: looks within the last hour. */
bool look_permitted(struct call *c, struct span reason, struct span password, int64_t *ret_before);
/* Records a look at one record, before anything of it is shown: false: it could not be, and the problem is set. */
bool look_record(struct call *c, uint64_t record, enum event of, const char *what, struct span reason, uint64_t *ret_index);
/* Many looks of one person are a finding; `before` had gone before this one. */
void look_judge_burst(struct call *c, int64_t before, uint64_t record);

void look_put(struct call *c, uint64_t look, uint64_t record, const struct looked *items, size_t n);

#endif
