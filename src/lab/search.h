/* search: what a few typed letters may mean, over all nouns that the asker may see. It looks at what the views show anyway, in the order of lists
 * that are kept; nothing hidden is searched. */
#ifndef TQ_LAB_SEARCH_H
#define TQ_LAB_SEARCH_H

#include "base/error.h"
#include "base/time.h"
#include "record/store/store.h"

#define SEARCH_EACH 6 /* most hits of a kind */

struct search_wish {
    struct span text;     /* lower-case, at least two bytes */
    struct span specimen; /* the token of a specimen, or its beginning: "S-…"; empty: none */
    /* may the asker see these? */
    bool devices, findings, results, people, mails, records;
    bool doors;           /* … */
    struct span doors_of; /* … which this person asked for; empty: everybody's */
    bool reports;         /* everybody's … */
    struct span person;   /* … else this person's; empty: none */
};

struct search_hit {
    const char *kind; /* device, finding, result, person, report, mail, door, record, policy */
    struct span id;   /* behind the noun in addresses: of results and records the record's number */
    struct span title;
    struct span note; /* in which words it is told apart: role and address, state, severity; empty: none */
    struct span state;
    tq_time time; /* 0: none */
};

typedef void search_each(void *context, const struct search_hit *hit);
/* Kind by kind, the likeliest first: what begins with the text before what holds it; else the newest. */
int search_all(struct store_conn *c, const struct search_wish *wish, search_each *each, void *context, struct error *e);

#endif
