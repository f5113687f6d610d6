/* door: a maker's engineer reaches one port of one device for a time. She asks, the lab approves, the firewall (proc/warden_main.c) opens and closes.
 *
 *   asked ──► refused                     a person's word
 *     │──► closed                         withdrawn before anybody decided
 *     ▼
 *   approved ──► closed                   the firewall could not open it, or it was withdrawn
 *     ▼
 *   open ──► closed                       its time is over, or a person ended it
 *
 * Every arrow is a record; what fits no arrow is ignored. A door that nobody decided about within DOOR_WAITS lapses: no record says so, its age does.
 *
 * What the sensors tell while a door is open belongs to its story: conversations with the device, and what became another at it. Remote access that
 * no open door explains is kept too (door_standing): the keeper makes findings of it. */
#ifndef TQ_LAB_DOOR_H
#define TQ_LAB_DOOR_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define DOOR_ID 17         /* 16 hexadecimal digits and a final zero */
#define DOOR_LEAST 5       /* minutes */
#define DOOR_MOST (8 * 60) /* minutes: the longest door */
#define DOOR_WAITS (INT64_C(24) * 3600 * TIME_SECOND)
#define DOOR_WAITING_MOST 100 /* requests that wait at a time */
#define DOOR_OPEN_MOST 64     /* doors that are approved or open at a time */
#define DOOR_LONG (4 * 60)    /* minutes: more in one door is a finding */
#define DOOR_AGAIN 3          /* so many doors of one person to one device, opened within a day, are a finding */
#define DOOR_DAY (INT64_C(24) * 3600 * TIME_SECOND)

enum door_state { DOOR_NONE, DOOR_ASKED, DOOR_REFUSED, DOOR_APPROVED, DOOR_OPEN, DOOR_CLOSED };

const char *door_state_name(enum door_state s); /* "asked" …; "" for DOOR_NONE */
enum door_state door_state_of(struct span name);

/* Where an event leads from a state; DOOR_NONE: nowhere, it is to be ignored. A withdrawn door that is approved or open stays what it is until the
 * firewall says that it is closed. event: one of EVENT_DOOR_*. */
enum door_state door_next(enum door_state now, int event);

/* What can be asked for, with the usual port. */
struct door_service {
    const char *name;
    uint8_t proto; /* 6, 17 */
    uint16_t port; /* 0: to be given ("port") */
};
extern const struct door_service door_services[];
extern const size_t door_service_count;
const struct door_service *door_service(struct span name); /* NULL: there is none */

/* Is that a service by which a device is worked on from afar? port: of the side that answered. app: as a sensor names it. Its name, or NULL. */
const char *door_remote_access(uint8_t proto, uint16_t port, struct span app);

struct door {
    int64_t n;
    char id[DOOR_ID];
    enum door_state state;
    struct span asset, device; /* its id, its title now */
    struct span address, source, service, maker;
    uint8_t proto;
    uint16_t port;
    int64_t minutes;
    struct span asked_by, why;
    tq_time asked_at;
    struct span decided_by, decided_why;
    tq_time decided_at;
    tq_time until, opened_at, closed_at; /* 0: not (yet) */
    struct span ended, ended_why;        /* closed: time, withdrawn, error; in words */
    struct span withdrawn_by, withdrawn_why;
    tq_time withdrawn_at;
    bool counted; /* the firewall told what went through */
    int64_t packets, bytes_up, bytes_down;
    int64_t flows, changes;
    uint64_t changed;
};

struct door_query {
    struct span id;       /* this one; empty: all */
    struct span asked_by; /* of this person; empty: everybody's */
    bool live;            /* only approved and open ones */
    bool waiting;         /* only asked ones … */
    tq_time now;          /* … that have not lapsed */
    int64_t before;       /* n; 0: from the newest on */
    int64_t limit;
};
typedef void door_each(void *context, const struct door *d);                                                          /* spans hold during the call */
int door_list(struct store_conn *c, const struct door_query *query, door_each *each, void *context, struct error *e); /* newest first */
int64_t door_count(struct store_conn *c, const struct door_query *query, struct error *e);

/* How many doors of this person to this device were opened since then. */
int64_t door_opened_since(struct store_conn *c, struct span person, struct span asset, tq_time since, struct error *e);

/* Is another door of this very way (source, device, protocol, port) approved or open? */
bool door_taken(struct store_conn *c, const char *source, const char *address, int proto, int port);

struct door_flow {
    struct span src, dst, app;
    int64_t proto, port, packets, bytes_up, bytes_down;
    tq_time began, ended;
    uint64_t record;
};
typedef void door_flow_each(void *context, const struct door_flow *f);
int door_flows(struct store_conn *c, int64_t n, door_flow_each *each, void *context, struct error *e);

struct door_change {
    tq_time time;
    struct span field, before, after;
    uint64_t record;
};
typedef void door_change_each(void *context, const struct door_change *x);
int door_changes(struct store_conn *c, int64_t n, door_change_each *each, void *context, struct error *e);

struct door_standing {
    int64_t n;
    struct span src, dst, app, device; /* the device's title; empty: not known */
    int64_t port, count;
    tq_time first_seen, last_seen;
    uint64_t flow; /* its id in the run */
    uint64_t record;
};
typedef void door_standing_each(void *context, const struct door_standing *s);
/* Behind this n, oldest first, at most `limit`. */
int64_t door_standing_last(struct store_conn *c, struct error *e); /* the greatest n; -1: the store failed */
int door_standing_list(struct store_conn *c, int64_t after, int64_t limit, door_standing_each *each, void *context, struct error *e);

/* ── whom an engineer works for ── */

/* The maker of this account's grant as maker's engineer, in force now; "" where there is none. */
void door_maker_of(struct store_conn *c, struct span account, const char *site, tq_time now, char out[128]);

struct door_device {
    struct span id, title, address, maker, model;
};
typedef void door_device_each(void *context, const struct door_device *d);
/* Devices with an address now, of this maker (letter case does not count; "Roche" also finds "Roche Diagnostics"); empty: of any. */
int door_devices(struct store_conn *c, struct span maker, struct span id, int64_t limit, door_device_each *each, void *context, struct error *e);

#endif
