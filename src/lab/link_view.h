/* link_view: links through the relay, as the ledger tells: what people decided, what was learnt, which messages wait, and the last ones. */
#ifndef TQ_LAB_LINK_VIEW_H
#define TQ_LAB_LINK_VIEW_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

struct link_row {
    struct span name, state;
    tq_time state_at;
    bool bypassed, held;
    bool doubt; /* held because results may be wrong: two people let it go on */
    struct span decided_by, decided_why;
    tq_time decided_at;
    tq_time learn_from;             /* 0: it never learnt */
    int64_t learn_size, learn_rate; /* what would be proposed */
    tq_time proposed_at;            /* 0: not yet */
    struct span unknown;            /* empty: nobody approved a policy */
    int64_t allow_size, allow_rate;
    struct span policy_by;
    tq_time policy_at;
    uint64_t changed;
};

typedef void link_each(void *context, const struct link_row *row);
/* name empty: all. */
int link_list(struct store_conn *c, struct span name, link_each *each, void *context, struct error *e);

enum link_words { LINK_WORDS_LEARNT, LINK_WORDS_ALLOWED };
#define LINK_WORD_KINDS 3 /* types, senders, tests */
struct link_word {
    int what; /* 0 type, 1 sender, 2 test */
    struct span text;
    bool hidden;     /* text is a token */
    uint64_t record; /* that says so: "types", "senders" or "tests" of it … */
    size_t place;    /* … at this place, in clear in its sealed part where it is hidden */
};
typedef void link_word_each(void *context, const struct link_word *w);
/* What a link learnt, or what may pass it: types first, then senders, then tests, as they came. */
int link_words(struct store_conn *c, struct span name, enum link_words list, link_word_each *each, void *context, struct error *e);
bool link_word_hidden(struct span text); /* a token as the veil makes them */

struct link_message {
    uint64_t record;
    tq_time time;
    struct span type, control_id, answer, verdict;
    int64_t results;
};
typedef void link_message_each(void *context, const struct link_message *m);
/* The last messages that the link received from the analyzer, newest first. */
int link_messages(struct store_conn *c, struct span name, int64_t limit, link_message_each *each, void *context, struct error *e);

struct link_aside {
    uint64_t record;       /* of the message */
    tq_time time, refused; /* when it came, and when the LIS refused it for good */
    struct span type, control_id;
    int64_t results;
};
typedef void link_aside_each(void *context, const struct link_aside *m);
/* Store and forward: messages that the LIS refused for good since then, newest first, at most `limit`. */
int link_put_aside(struct store_conn *c, struct span name, tq_time since, int64_t limit, link_aside_each *each, void *context, struct error *e);

struct link_waiting {
    uint64_t record;
    struct span link, run;
    uint64_t seq;
    bool sent;    /* it may have reached the LIS */
    tq_time time; /* wall: when it came */
};
typedef void link_waiting_each(void *context, const struct link_waiting *w);
/* What waits for its delivery behind record `after`, oldest first, at most `limit`. */
int link_queue(struct store_conn *c, int64_t after, int64_t limit, link_waiting_each *each, void *context, struct error *e);

/* The device at this address now: its id, or "". */
void link_device(struct store_conn *c, const char *ip, char out[40]);

/* The last number that a relay gave in this run (its first four bytes in hexadecimal digits); 0: none. */
uint64_t link_last_seq(struct store_conn *c, const char run[9]);

#endif
