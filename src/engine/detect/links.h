/* Who sends results to whom, and what is usual there: links (sender, receiver, port), the paths that lead from one link to the next, tests on a link,
 * and specimens. */
#ifndef TQ_LINKS_H
#define TQ_LINKS_H

#include "base/hash.h"
#include "base/record.h"
#include "engine/detect/memo.h"
#include "engine/detect/words.h"
#include "engine/result/text.h"
#include "engine/result/unit.h"

#include <stddef.h>

#define LINKS_MAX 2048
#define PATHS_MAX 1024
#define LINK_NONE UINT16_MAX

/* What can change on the way. Values that are no numbers (PART_TEXT) are put into other words by many. */
enum part {
    PART_VALUE,
    PART_UNIT,
    PART_FLAG,
    PART_RANGE,
    PART_STATUS,
    PART_TEXT,
    PART_TIME,
    PART_PATIENT,
    PART_SPECIMEN,
    PART_NAME, /* of a whole message of one specimen: as enum mark has them */
    PART_BORN,
    PART_SEX,
    PART_MATERIAL,
    PART_NOTE,
    PART_COPY, /* messages that are passed on under their own number, byte for byte */
    PART_COUNT
};
#define PART_MARKS (PART_COPY - PART_NAME)

#define REWRITINGS 2 /* of one link */
#define REWRITTEN 8  /* most letters that are added or taken away at one end of a number */

/* How a specimen's number differs from the one under which its results came: so many letters of it are the middleware's, in front and behind, and
 * these stood in their place. */
struct rewriting {
    uint8_t cut_front;
    uint8_t cut_back;
    uint8_t front_n;
    uint8_t back_n;
    char front[REWRITTEN];
    char back[REWRITTEN];
    bool varies;   /* what stood in their place is not always the same: a number can't be made back */
    uint16_t seen; /* in so many specimens; 0: free */
};

struct link {
    uint64_t key; /* 0: free */
    struct address sender;
    struct address receiver;
    uint16_t port;
    bool receiver_listens;
    bool ours;              /* our own relay sends here */
    bool renames;           /* some of its tests come under other codes */
    uint8_t leg;            /* 1: the same conversations, seen at a second place of their way */
    uint16_t down;          /* the path that most of its results take; LINK_NONE: none is known */
    uint32_t pending_first; /* of its sent results, oldest first; numbers of the ring, 0: none */
    uint32_t pending_last;
    uint32_t sent_last;    /* its latest */
    uint64_t content_last; /* of its latest message with results: as replay.c has it; 0: none */
    uint32_t whole;        /* messages with results that came whole, and those that came again though they had been answered */
    uint32_t again;
    tq_time said; /* its latest message with results, and with some that were new */
    tq_time fresh;
    tq_time resent;  /* what comes once more behind a silence: when the latest of it came first; 0: none does */
    bool resending;  /* … and what was sent behind that did not come again so far */
    bool resent_as;  /* … under other numbers */
    uint32_t panels; /* specimens with several numbers, each unlike those before */
    bool canned;     /* … or not: its values are made up */
    uint16_t quick;  /* of them, so many came since quick_from */
    tq_time quick_from;
    tq_time quick_last; /* when they last came faster than is measured; 0: never */
    tq_time first;
    tq_time lost;      /* when the capture lost something of it last; 0: never */
    uint32_t answered; /* messages with results that were acknowledged in time, and not */
    uint32_t unanswered;
    tq_time answer_slowest;
    uint32_t answers_right; /* acknowledgements of messages that were sent, and of others */
    uint32_t answers_wrong;
    uint32_t flags_right; /* flags that fit the range beside them, and that do not */
    uint32_t flags_wrong;
    uint32_t ordered; /* specimens whose order was seen, and not; in a row */
    uint32_t unordered;
    uint32_t ordered_run;
    uint16_t orders_on; /* orders that its receiver passed on, and not; the slowest, and when the latest of them was placed */
    uint16_t orders_kept;
    tq_time orders_slowest;
    tq_time orders_last;
    uint32_t test_ordered; /* tests that were among the ordered ones, and not */
    uint32_t test_unordered;
    uint32_t patients_same; /* specimens that came again for the same patient, and for another */
    uint32_t patients_other;
    uint32_t came; /* results whose origin was seen, and not (documents left out) */
    uint32_t alone;
    uint16_t sought; /* specimens in a row whose origin was looked for by what they say, in vain */
    uint16_t fed_of; /* so many links were looked at: … */
    bool fed;        /* … one of them leads to this one's sender */
    bool seconds;    /* of what has no number: its times are not of whole minutes */
    struct rewriting rewritings[REWRITINGS];
    uint16_t controls;  /* results of quality control that were marked as such */
    uint16_t in_time;   /* specimens' results that were passed on in time here, */
    uint16_t late;      /* and late, and the latest of them */
    uint16_t late_path; /* the first of them, until it is known whether others are: … */
    uint16_t late_at;   /* … how many were in time by then */
    uint32_t late_sent; /* 0: none */
    tq_time late_by;
    tq_time latest;
    uint16_t told_missing;
    uint16_t told_extra;
};

/* Results seen on `from` and then on `to`. */
struct path {
    uint16_t from;
    uint16_t to;
    bool used;
    uint32_t messages; /* specimens' results that went on */
    uint32_t due;      /* specimens' results that were waited for to the end, and of those that did not come */
    uint32_t lost;
    tq_time slowest;
    uint8_t numbers;   /* most numbers of a specimen that both ends had */
    tq_time last_sent; /* the time of the latest message on `from` that went on */
    uint32_t same[PART_COUNT];
    uint32_t changed[PART_COUNT];
};

#define SHIFT_BLOCK 12

/* One test on one link, in three cache lines: the key in front of it (memo.h) and what each result needs lie in the first two. */
struct habit {
    uint64_t test;    /* digest of its code; 0: new */
    struct unit unit; /* the usual one */
    double low;       /* what it can be in that unit; low > high: not known */
    double high;
    uint32_t n;
    uint32_t at_message; /* the message that comes in, and where it is there: at */
    uint16_t link;
    uint16_t unit_n;     /* how often in a row */
    uint16_t came_first; /* how often its origin was seen, and not */
    uint16_t came_alone;
    float block[SHIFT_BLOCK];
    uint32_t block_patient; /* half the digest, of the value before: one patient's series is no shift */
    uint16_t went_on;       /* how often it was passed on, and not */
    uint16_t stayed;
    uint16_t analyte;
    uint16_t shifted : 1;
    uint16_t block_n : 4;
    uint16_t renamed : 1; /* it comes under another code from some link */
    uint16_t ranged : 1;  /* its reference range came as it was sent */
    uint16_t code_n : 5;
    uint8_t at;
    uint64_t alternate; /* digest of its code in another system; 0: none */
    /* shift.c */
    float mean;    /* of the blocks' medians */
    float medians; /* their variance */
    float spread;  /* within blocks, as a standard deviation of their medians */
    float up;      /* sums of CUSUM */
    float down;
    uint16_t blocks;
    uint16_t unit_changes; /* how often it was another */
    uint16_t absurd;
    char code[CODE_TEXT];
};

#define RANGES_USUAL 4

/* The reference ranges of one test on one link, beside its habit: parts of their digests; 0: free. */
struct references {
    uint16_t usual[RANGES_USUAL];
    uint16_t fresh;  /* one that is not among them */
    uint8_t fresh_n; /* in a row */
    uint8_t n;       /* results with a usual one, up to what it takes */
};

#define HABIT_HOT 128 /* bytes, with the key */
_Static_assert(sizeof(struct habit) + 2 * sizeof(uint64_t) <= 3 * 64, "with its key");
_Static_assert(offsetof(struct habit, alternate) + 2 * sizeof(uint64_t) <= HABIT_HOT, "the first two lines");
_Static_assert(SHIFT_BLOCK < 16 && CODE_TEXT < 32, "they fit in four and five bits");

/* One specimen under one of its ids: where its results were seen. */
#define SIGHTINGS 3

struct sighting {
    uint64_t patient;
    uint32_t sent;
    uint16_t link;
    bool used;
};

struct specimen {
    struct sighting seen[SIGHTINGS]; /* latest first */
    uint64_t order_patient;
    uint64_t order_sum; /* of the tests ordered, on the link where the order was seen first */
    uint64_t order_message;
    tq_time order_at;     /* 0: no order was seen */
    uint64_t order_to[2]; /* digests of who was asked to do it, latest first */
    uint32_t order_waits; /* its number among those that are to be passed on; 0: it is not */
    uint16_t order_link;
    uint16_t order_n;       /* tests of one message, on the link where the order was seen first */
    uint8_t order_priority; /* there: its first letter; 0: not said */
    uint16_t orders;        /* tests asked for, and taken back */
    uint16_t cancelled;
    bool control;
};

#define SENT_TESTS 64
#define SENT_IDS 4
#define SPECIMEN_NAME 24

/* The results of one specimen in one message. */
struct sent {
    uint32_t number; /* of the ring; 0: free */
    uint32_t next;   /* on the same link */
    uint32_t before; /* of the same specimen on the same link; 0: none */
    uint32_t first;  /* of its results in the ring of results.h, where they lie one behind the other ... */
    uint8_t n;       /* ... and how many count; those behind the first SENT_TESTS are not followed */
    uint16_t link;
    uint16_t origin; /* the link that it came from; LINK_NONE: not known */
    uint16_t sport;
    uint16_t vlan;
    uint8_t direction;
    uint8_t proto;
    bool settled; /* it waits no longer */
    bool named;   /* by a control id, so that it can be answered */
    bool answered;
    bool refused;
    bool queued;  /* by our own relay: it goes on when the LIS takes it */
    bool passed;  /* some of it went on */
    bool waits;   /* a doubt is about it … */
    bool doubted; /* … it is late: it may come, or be measured again */
    bool missed;  /* and was told as missing */
    bool came;    /* its origin was seen */
    bool restart; /* its sender seems to have started again, and sends it once more */
    uint8_t name_n;
    char name[SPECIMEN_NAME];
    uint32_t message; /* digest of its id */
    int64_t age;      /* seconds from its observation to its message, by the sender's clock; -1: not known */
    tq_time time;
    tq_time answered_at;
    uint64_t flow;
    uint64_t ordinal;
    uint64_t seq;
    uint64_t control; /* half of the digest of its control id */
    uint64_t ids[SENT_IDS];
    uint64_t patient;
    uint32_t marks[PART_MARKS]; /* 0: nothing is said of it */
    bool unnumbered;            /* it has no number: its only one is moment_id */
    bool marked;                /* … and it is all that its message holds */
    uint64_t went_on;           /* bits of its results */
    uint64_t final;
};

/* Results that were seen without their origin. */
struct orphan {
    uint32_t sent;
    tq_time time;
    bool whole;  /* all of the specimen's */
    bool looked; /* for the same under another number */
    uint64_t which;
};

#define ORPHANS_MAX 256

/* Results that did not go on in time. */
struct doubt {
    uint32_t sent; /* 0: it is settled */
    uint16_t path;
    uint64_t which;
};

#define DOUBTS_MAX 512

struct links;

uint16_t links_count(const struct links *l);
uint16_t links_path_count(const struct links *l);

struct links *links_new(void);
void links_free(struct links *l);

/* What a link is looked up by: the digest of its ends and leg; and where. */
struct digest links_key(const struct hash_key *key, const struct link *ends);
const struct memo *links_memory(const struct links *l);

/* The link with these ends, made where it is new; where all are taken, one that was not used for long goes. */
uint16_t links_put(struct links *l, struct digest key, const struct link *ends, tq_time now);
struct link *links_at(struct links *l, uint16_t link);
/* The link with this key; NULL: none is known. */
struct link *links_get(struct links *l, struct digest key);
/* When it was used last. */
tq_time links_last(const struct links *l, uint16_t link);

/* The same conversation at two places of its way. */
bool links_twin(const struct link *a, const struct link *b);

/* When something that the link sent can be due; INT64_MAX: nothing waits. These stand side by side: they are looked through every second. */
tq_time *links_due(struct links *l, uint16_t link);
/* Nothing of the LINKS_BLOCK links from block * LINKS_BLOCK on is due before: whoever sets an earlier time for one of them sets this too. */
#define LINKS_BLOCK 64
tq_time *links_soonest(struct links *l, size_t block);

/* The path, made where it is new and `make` says so; NULL: there is none, or no room. */
struct path *links_path(struct links *l, uint16_t from, uint16_t to, bool make);
struct path *links_path_at(struct links *l, uint16_t path);
uint16_t links_path_number(const struct links *l, const struct path *p);

/* The part of the detector's state that is about links and paths: docs/formats/detector-state.md. Restoring: false where it is malformed; what was
 * taken by then must be thrown away. */
void links_save(const struct links *l, struct buf *out);
bool links_restore(struct links *l, const struct hash_key *key, struct span *in);

static inline void count_up(uint16_t *n)
{
    if (*n < UINT16_MAX)
        (*n)++;
}

#endif
