/* event: one veiled event as the ledger holds it (a JSON object), opened for reading. The views' only JSON reader. */
#ifndef TQ_LAB_EVENT_H
#define TQ_LAB_EVENT_H

#include "base/buf.h"
#include "base/record.h"

struct event_view {
    void *root;       /* the parsed object */
    enum event event; /* EVENT_NONE: of a kind that this version does not know */
    tq_time time;
};

/* False: not a JSON object with `event` and `time`; nothing to release then. Texts that come out of it hold until event_release. */
bool event_open(struct event_view *v, struct span json);
/* The sealed rest of one: any JSON object; event and time are not set. */
bool event_open_bare(struct event_view *v, struct span json);
void event_release(struct event_view *v);

/* path: "key" or "object.key". Missing, null or of another type: an empty span, `missing`, 0. */
struct span event_text(const struct event_view *v, const char *path);
bool event_has(const struct event_view *v, const char *path);                     /* a text, or a list, that is not empty */
int64_t event_int(const struct event_view *v, const char *path, int64_t missing); /* also true and false, as 1 and 0 */
tq_time event_when(const struct event_view *v, const char *path);                 /* an RFC 3339 text as a time */

/* The i-th text of a list; empty past its end. A single text counts as a list of one. */
struct span event_item(const struct event_view *v, const char *path, size_t i);
int64_t event_item_int(const struct event_view *v, const char *path, size_t i, int64_t missing);

/* Appends the member as compact JSON; nothing where it is missing or null. */
void event_json(const struct event_view *v, const char *path, struct buf *out);

/* The text of one member of any JSON object; copied to out with a final zero. False: missing, not a text, or too long. */
bool event_member(struct span json, const char *key, char *out, size_t size);

#endif
