/* What the two files of looks share: look.c decides and records, look_show.c writes what is shown. */
#ifndef TQ_DOOR_API_LOOK_PRIVATE_H
#define TQ_DOOR_API_LOOK_PRIVATE_H

#include "door/api/api_private.h"
#include "lab/event.h"

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

void look_put(struct call *c, uint64_t look, uint64_t record, const struct looked *items, size_t n);

#endif
