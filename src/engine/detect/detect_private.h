/* What the files of this room share. One file a family of findings:
 *
 *   message.c   what a message itself shows      sender.c   who sends           clock.c   whose clock is wrong
 *   network.c   scans and floods                 query.c    who asks for many   answer.c  acknowledgements
 *   card.c      from which network card somebody speaks; network.c also judges addresses that two claim
 *   gather.c    a message's results, put together in canonical form, and what becomes of them
 *   replay.c    whole messages that come again, and devices that start again
 *   repeat.c    one result again on the same link: altered, corrected
 *   copy.c      the same message on two links, part by part
 *   origin.c    from which link a specimen's results came
 *   custody.c   the same result on two links: altered in transit, wrong patient; path.c: missing, extra, delayed; passage.c: under other codes
 *   renumber.c  specimens' numbers as a middleware writes them; results without a number
 *   behind.c    what a relay recorded and did not hand on yet
 *   follow.c    what became of each result: no findings, but for whoever wants to know of all of them
 *   value.c     what a value shows by itself: implausible, its unit, its flag
 *   shift.c     one test of many patients        order.c    results and their orders
 *
 * links.c knows who sends to whom and what is usual there, who.c what the ends of a message are looked up by, words.c what the texts of results
 * mean; finding.c makes the records. */
#ifndef TQ_DETECT_PRIVATE_H
#define TQ_DETECT_PRIVATE_H

#include "engine/detect/detect.h"
#include "engine/detect/links.h"
#include "engine/detect/memo.h"
#include "engine/detect/results.h"
#include "engine/detect/words.h"
#include "engine/result/analyte.h"
#include "engine/result/number.h"
#include "engine/result/text.h"

/* Most entries of each memory; when one is full, memo.h says what goes. docs/formats/detector-state.md has them all. */
#define CAUSES_MAX 16384   /* causes of findings: one that was pushed out may be told again, and the keeper joins it */
#define KNOWN_MAX 16384    /* senders, their addresses and names, receivers */
#define RESULTS_MAX 131072 /* results, to see whether one comes back changed or goes on unchanged */
#define ORDERED_MAX 131072 /* tests that were ordered */
#define CLOCKS_MAX 4096    /* senders whose clocks are watched */
#define CONVERSATIONS_MAX 4096
#define MESSAGES_MAX 16384 /* messages with results, to see whether one comes back */
#define SPECIMENS_MAX 65536
#define SENT_MAX 8192         /* specimens' results in one message, to see whether they go on; a power of two */
#define HABITS_MAX 16384      /* one test on one link */
#define ASKED_MAX 2048        /* who asks for patients */
#define EXPECTED_MAX 8192     /* messages that can be answered */
#define TRANSLATIONS_MAX 4096 /* orders as they are passed on */
#define PASSAGES_MAX 8192     /* tests that go on under another code or in another unit */
#define COPIES_MAX 16384      /* messages, to see whether they are the same on the next link */
#define CARDS_MAX 4096        /* network cards of who talks to whom */
#define GATHER_MAX 256        /* results judged together; a message with more is judged in so many parts */
#define GROUPS_MAX 64         /* specimens of one message judged together */

#define LOST_TIMES 16
#define LEARN_DEFAULT (60 * TIME_SECOND)
#define ENDPOINT_TEXT 64 /* "10.0.5.1 port 2575" and a final zero */

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

/* In alphabetical order of their names. */
enum kind {
    KIND_DEVICE_CLOCK,
    KIND_MESSAGE_HOSTILE,
    KIND_MESSAGE_MALFORMED,
    KIND_NETWORK_ARP_SPOOF,
    KIND_NETWORK_FLOOD,
    KIND_NETWORK_SCAN,
    KIND_ORDER_MISMATCH,
    KIND_PHI_BULK_QUERY,
    KIND_PHI_CLEARTEXT,
    KIND_PROTOCOL_VIOLATION,
    KIND_RESULT_ALTERED,
    KIND_RESULT_ALTERED_IN_TRANSIT,
    KIND_RESULT_CORRECTED,
    KIND_RESULT_DELAYED,
    KIND_RESULT_EXTRA,
    KIND_RESULT_FLAG_MISMATCH,
    KIND_RESULT_IMPLAUSIBLE,
    KIND_RESULT_MISSING,
    KIND_RESULT_REPLAYED,
    KIND_RESULT_SHIFT,
    KIND_RESULT_UNIT_CHANGED,
    KIND_RESULT_WRONG_PATIENT,
    KIND_SENDER_SPOOFED,
    KIND_SENDER_UNKNOWN,
    KIND_COUNT
};

extern const char *const kind_names[KIND_COUNT];

/* Who talks to whom in a record: the two ends of its flow, turned so that the sender of this message comes first. */
struct parties {
    const struct address *sender;
    const struct address *receiver;
    uint16_t port; /* the port of the flow's listening end, whoever sends */
    bool receiver_listens;
    struct who *who; /* until the next message; NULL: not known */
    char sender_text[ENDPOINT_TEXT];
    char receiver_text[ENDPOINT_TEXT]; /* with its port where it is the listening end */
};

/* Leaves the texts empty (they are made where a finding needs them), and who. */
void parties_of(const struct record *r, struct span message_id, struct parties *ret);
void parties_text(struct parties *p);

/* Reads the direction out of a message id "fFLOW.DIRECTION.ORDINAL" (docs/formats/events.md): 0 or 1; 0 where it is no such text. */
int message_direction(struct span id);

#define MESSAGE_ID_TEXT 64
/* The direction and ordinal of such an id, and the id made of them; an id of another form has ordinal 0, and gives no text. */
void message_id_read(struct span id, uint8_t *ret_direction, uint64_t *ret_ordinal);
struct span message_id_text(uint64_t flow, uint8_t direction, uint64_t ordinal, char out[MESSAGE_ID_TEXT]);

/* A lab.message, taken apart once. */
struct message {
    int64_t results;
    int64_t patients;
    int64_t gaps; /* holes that the capture has in it */
    struct span id;
    struct span type;
    struct span control_id;
    struct span sender;
    struct span malformed;
    struct span hostile;
    struct span ack_code;
    struct span ack_for;
    struct span sent_at;
    struct span protocol;
    struct span processing;
    struct span patient;
    struct span prior_patient;
    struct span marks;
    struct span state; /* of its connection: "underway" */
    struct span mac;   /* of its sender, where that is news of its connection */
    bool ours;         /* our own relay forwards it … */
    bool queued;       /* … or keeps it until the LIS takes it */
    bool encrypted;    /* our own relay had it over TLS */
    bool again;        /* the LIS may have had it from our relay, or had refused it for good */
    struct digest own; /* what an answer to it will be known by, and what it answers itself; zeros: nothing */
    struct digest answered;
    struct digest identity; /* what it is known by if it comes again, and the one that it says was accepted; zeros: nothing */
    struct digest accepted;
};

/* A lab.result or lab.order, taken apart once. */
struct result {
    const struct field *value; /* its pieces, one behind the other */
    size_t pieces;
    struct span message;
    struct span code;
    struct span alternate;
    struct span specimen;
    struct span order;
    struct span filler;
    struct span container;
    struct span patient;
    struct span units;
    struct span range;
    struct span flag; /* the first */
    struct span status;
    struct span observed;
    struct span role;
    struct span material;
    struct span action;
    struct span priority;
};

/* A result in canonical form, and what is needed to tell of it. Digests are keyed; nothing of it is kept in clear but the code. */
struct gathered {
    struct seen_result is;            /* as it is kept; sent and place are filled in then */
    struct habit *habit;              /* known once all results are here */
    const struct seen_result *before; /* what was known of it on this link when the message came; NULL: nothing */
    struct seen_result *there;        /* what was said of it on the link that it came from; NULL: nothing is known */
    bool document;                    /* too long for a value */
    bool several;                     /* the message holds this result several times (replicates, sub-tests); exact is of all of them, in any order */
    bool merged;                      /* it is one of those, and not the first */
    bool part;                        /* it says something else under a code that the message used before: in words, in another unit */
    bool guessed;                     /* there is only supposed to be of the same test */
    bool doubtful;                    /* it may have come under a code that is not known yet */
    bool kept;                        /* it has a specimen and a test, so that it can be known again */
    bool again;                       /* it was seen on this link before */
    bool differs;                     /* from what was seen then */
    bool came;                        /* its origin was seen on another link */
    bool told;                        /* that it was changed on the way */
    int8_t fits;                      /* its flag, its range: see flag_fits */
    int8_t agrees;                    /* with what lies there: 1 yes, 0 no, -1 it can't be told */
    uint8_t nth;                      /* of what is sent; SENT_TESTS: not among those */
    uint16_t group;
    uint16_t near;      /* the number of its habit; NEAR_NONE: to be looked up */
    uint64_t alternate; /* this and what follows, for a habit that is new: the digest of its code in another system; 0: none */
    uint16_t analyte;
    uint8_t code_n;
    char code[CODE_TEXT];
};

#define IDS SENT_IDS /* specimen, order, filler, container */

/* The results of one specimen in a message. */
struct group {
    uint64_t ids[IDS]; /* different ones, the specimen's first; 0: no more */
    uint64_t patient;  /* 0: not said */
    uint64_t values;   /* the sum of what its results say, whosever they are */
    uint64_t moment;   /* what it would be known by if it had no number; 0: nothing */
    bool unnumbered;   /* it has none: moment stands in ids */
    bool control;      /* quality control, calibration, proficiency, test message */
    bool material;     /* not blood: limits and codes mean something else */
    bool before_here;  /* it was seen on this link before */
    bool full;         /* there, more results than are listed */
    size_t n;
    size_t from; /* its results are among these of the message */
    size_t to;
    struct specimen *of; /* what is known under the first id; NULL: nothing */
    int64_t age;
    uint32_t sent;
    uint16_t origin; /* the link that it came from; LINK_NONE: not known */
    uint8_t name_n;
    char name[SPECIMEN_NAME]; /* in clear, for causes */
};

struct gathering {
    char id[64]; /* of the message; "" where none is open */
    size_t id_n;
    uint64_t message; /* digest of the id */
    bool announced;   /* by a lab.message, which told how many results there are */
    int64_t left;
    int64_t told; /* by the lab.message */
    uint16_t link;
    struct link *at;   /* the same */
    bool test_message; /* MSH-11 is not P */
    bool cut;          /* pieces of it are missing */
    bool queued;
    bool poct1a;
    bool astm;
    tq_time time;
    tq_time said;          /* by its sender, without a zone; 0: not said */
    int64_t age;           /* of the result before: see struct sent */
    struct digest control; /* of its ends and control id; zeros: it has none */
    struct digest latest;  /* of its flow: latest_key */
    bool marked;
    uint64_t marks[MARKS];
    size_t n;
    size_t judged; /* results of this message before those */
    uint16_t groups_n;
    struct gathered all[GATHER_MAX];
    struct group groups[GROUPS_MAX];
    uint32_t role_n;
    uint8_t role;
    bool no_patient;
    uint8_t specimen_n; /* of the result before: most results of a message share them */
    uint8_t observed_n;
    uint8_t specimen_text[64];
    uint8_t observed_text[32];
    uint32_t observed_digest;
};

/* The order that comes in: its tests so far. */
struct ordering {
    uint64_t message;
    uint64_t ids[IDS];
    uint64_t sum;
    tq_time time;
    size_t n;         /* 0: none */
    size_t known;     /* of these: ordered before, on whichever link */
    uint8_t priority; /* its first letter; 0: not said */
    uint16_t link;
    uint8_t name_n;
    char name[SPECIMEN_NAME];
    struct flow_ref flow;
    uint64_t seq;
    uint8_t id_n;
    char id[MESSAGE_ID_TEXT];
};

/* An order that its receiver did not pass on yet. */
struct placed {
    uint32_t number; /* 0: it was */
    uint16_t link;
    uint8_t name_n;
    uint8_t id_n;
    tq_time time;
    struct flow_ref flow;
    uint64_t seq;
    char name[SPECIMEN_NAME];
    char id[MESSAGE_ID_TEXT];
};

#define PLACED_MAX 512

/* An answer to nothing. */
struct strange {
    struct flow_ref flow;
    uint64_t seq;
    tq_time time;
    uint8_t id_n;
    char id[MESSAGE_ID_TEXT];
};

#define STRANGE_MAX 16

struct finding {
    enum kind kind;
    enum severity severity;
    const char *title;
    const char *advice;
    const char *technique; /* ATT&CK id, or NULL */
    struct span subjects[4];
    size_t n_subjects;
    struct span also;   /* the id of the other message that it is about */
    uint64_t also_flow; /* 0: none */
    struct span cause;  /* canonical: the same cause gives the same text in every run */
};

/* A message as it was seen first. */
struct copy {
    uint64_t written[MARKS_WRITTEN];
    uint64_t flow;
    uint64_t ordinal;
    tq_time time;
    int64_t results;
    uint64_t patient; /* of its only one; 0: not said */
    uint16_t link;
    uint8_t direction;
    bool doubtful; /* two different ones came under this name on one link */
};

#define NEAR_HABITS 4096 /* a power of two */

/* A habit that was looked up lately: saves most look-ups in their memory. What stands here is there. */
struct near {
    uint64_t is; /* its tag and its number; 0: none */
};

#define NEAR_NUMBER UINT64_C(0xffff)
#define NEAR_NONE UINT16_MAX
_Static_assert(HABITS_MAX <= NEAR_NUMBER, "a number has room, and NEAR_NONE is none");

struct detect {
    struct detect_options options;
    struct hash_key key; /* of all digests; from the state where one was restored */
    struct memo *causes;
    struct memo *known;
    struct results *results;
    struct index ordered; /* the key of a test that was ordered → seconds, doubled; and 1 where it was taken back */
    struct memo *messages;
    struct memo *conversations;
    struct memo *clocks;
    struct memo *habits;
    struct memo *specimens;
    struct memo *asked;
    struct memo *expected;
    struct memo *translations;
    struct memo *passages;
    struct memo *copies;
    struct memo *cards;
    tq_time rival_card; /* when a message came from another card than those before it, last; 0: never */
    struct links *links;
    struct words *words;
    struct near *near;
    struct who *whos;
    bool moments;                  /* results without a specimen's number were seen */
    bool forwards;                 /* somebody has passed on messages of others: key x of sender.c */
    struct references *references; /* of each habit */
    struct placed *placed;         /* a ring */
    uint32_t placed_first;
    uint32_t placed_next;
    uint16_t *near_places; /* of each habit: where it stands, if it does */
    struct sent *sent;     /* a ring */
    uint32_t sent_next;    /* the number of the latest */
    uint32_t sent_oldest;
    struct orphan *orphans; /* a ring */
    uint32_t orphans_first;
    uint32_t orphans_next;
    struct doubt *doubts; /* a ring */
    uint32_t doubts_first;
    uint32_t doubts_next;
    struct strange strange[STRANGE_MAX]; /* a ring */
    uint32_t strange_first;
    uint32_t strange_next;
    struct analytes *analytes;
    bool started;
    bool learnt; /* senders that were learnt in an earlier run were restored: learning is over */
    tq_time first;
    tq_time now;
    tq_time swept;
    uint32_t ordered_all; /* specimens whose order was seen, and not, on all links that had any */
    uint32_t unordered_all;
    tq_time gap;  /* when the capture lost something last; 0: never */
    int64_t lost; /* what sensors said that they dropped */
    struct {
        bool is;
        tq_time since; /* records of relays from this time on are still to come */
        struct {
            tq_time from, until;
        } lost[LOST_TIMES]; /* what was on its way then may have been lost with a relay; until is 0: free */
        size_t lost_at;     /* of the newest */
    } behind;
    size_t senders_learnt;
    uint32_t heard; /* senders, those of them that spoke once, and once or twice */
    uint32_t heard_once;
    uint32_t heard_seldom;
    uint32_t spoken; /* how often they did */
    uint32_t cards_heard;
    uint64_t counts[KIND_COUNT];
    struct copy first_copy;  /* of the message that is open: what it was on another link; link LINK_NONE: nothing is known */
    uint64_t integrity;      /* findings that a result or its patient changed on the way: so many were told … */
    uint64_t integrity_then; /* … when this message came */
    struct {
        bool due; /* the open message is still to be looked up among the copies */
        struct digest name;
        struct copy is;
    } copy;
    struct digest own; /* of the message that was told last, if it can be answered */
    struct gathering open;
    struct ordering ordering;
    /* the same message, for result.replayed */
    struct {
        struct digest identity;
        uint64_t content; /* of the results so far */
        bool complete;    /* it was announced, and is whole */
        bool expected;    /* our own relay sends it, or the LIS had refused it for good: it may come again */
        bool whole;       /* the same, until its results were judged */
        bool told;
        bool placed;  /* it was judged whether its sender has started again, … */
        bool restart; /* … and so it seems */
    } replay;
    struct record finding;
    struct record elsewhere; /* stands for a record that is not at hand */
    struct record step;
};

/* Makes the finding's record from the record that showed it and hands it on, unless this cause was told with this severity or more. */
void finding_put(struct detect *d, const struct record *from, const struct finding *f);

/* The same of what no record at hand shows: who and when come from the sent results. The subjects must be words of ours. */
void finding_put_at(struct detect *d, const struct flow_ref *flow, uint64_t seq, struct span message, const struct finding *f);
void finding_put_sent(struct detect *d, const struct sent *sent, const struct finding *f);

struct flow_ref sent_flow(const struct detect *d, const struct sent *sent);

/* ── follow.c ── */
#define STEP_RUNS 40
#define NO_PLACE UINT16_MAX

/* Results of one message that fared alike. verdict: see docs/formats/events.md. */
struct step {
    const char *verdict;
    const char *changed;           /* which part; NULL: none */
    const struct finding *finding; /* NULL: none was made of it */
    const struct sent *other;      /* the message that they came from; NULL: none is known */
    bool backward;                 /* it is the other way round: they went on to that one */
    size_t n;
    struct {
        uint32_t here;
        uint32_t there;
        uint32_t count;
    } runs[STEP_RUNS];
};

/* The place of a result in the message that is open; of one that was sent before (NO_PLACE: no longer known). */
uint32_t place_here(const struct detect *d, const struct gathered *g);
uint32_t place_there(const struct detect *d, const struct seen_result *k);
/* One more result of the open message; r: NULL where no record is at hand, and then nothing is told. Where it does not go with those before, these
 * are told first. step_put: those that are left. */
void step_add(struct detect *d, const struct record *r, struct step *s, uint32_t here, const struct sent *other, uint32_t there);
void step_control(struct detect *d, const struct record *r, uint16_t number);
void step_put(struct detect *d, const struct record *r, struct step *s);
/* One result, told at once; from: what was said of it before (NULL: nothing). */
void step_one(struct detect *d, const struct record *r, struct step *s, const struct gathered *g, const struct seen_result *from);
/* The results at these places of what was sent; from: NULL: none. */
void step_sent(struct detect *d, const struct sent *s, uint64_t which, const char *verdict, const struct finding *f, const struct sent *from);

/* ── who.c ── */
#define WHO_NAME_TEXT 44 /* of longer names the keys are made each time */

/* An answer is looked up by the first two, anything else by the second and those behind it. */
enum who_key {
    WHO_LINK_BACK,
    WHO_CLOCK,
    WHO_LINK,
    WHO_CLEAR,
    WHO_PAIR,
    WHO_RECEIVER,
    WHO_LISTENER,
    WHO_ADDRESS,
    WHO_AT_HOME,
    WHO_NAME,
    WHO_TALKS,
    WHO_LATEST,
    WHO_KEYS
};

struct who {
    struct flow_ref flow;
    bool back; /* from dst to src */
    bool known;
    bool answers; /* what an answer is looked up by is made … */
    bool whole;   /* … and what everything else is */
    uint8_t name_n;
    uint8_t name[WHO_NAME_TEXT];
    uint64_t card; /* from which its messages come, as a number; 0: not known */
    struct digest keys[WHO_KEYS];
};

struct who *whos_new(void);
void whos_free(struct who *w);
/* The keys of a message's ends, for this record's flow and its sender's name; they hold until the next call. Of a message that answers WHO_LINK_BACK
 * is there, where all of it is wanted those behind WHO_CLOCK. */
struct who *who_of(const struct detect *d, const struct record *r, const struct parties *p, struct span name, bool answers, bool whole);
/* Asks the memory for what their look-ups will touch; the second, when the first is here, for the rest. */
void who_expect(const struct detect *d, const struct who *w, bool answers);
void who_expect_entries(const struct detect *d, const struct who *w, bool answers, tq_time now);

/* The keys, each made by the file that looks it up. */
struct digest clock_key(const struct detect *d, const struct address *sender, struct span name);
struct digest clear_text_key(const struct detect *d, const struct parties *p);
struct digest conversation_key(const struct detect *d, const struct flow_ref *f);
struct digest latest_key(const struct detect *d, uint64_t flow);
void sender_keys(const struct detect *d, const struct parties *p, struct span name, struct digest keys[WHO_KEYS]);
struct span sender_name(struct span sender); /* without versions and serial numbers */

/* Each judges one message or result. */
void judge_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_sender(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_clock(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_query(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_answer(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
/* Are pieces of a message missing, by what the sensor says is wrong with it? */
bool pieces_lost(struct span malformed);
void answers_judge(struct detect *d, bool end);
/* The capture lost something since then. */
bool lost_lately(const struct detect *d, tq_time since);
void judge_attempts(struct detect *d, const struct record *r);
void judge_claim(struct detect *d, const struct record *r);
void judge_card(struct detect *d, const struct record *r, const struct message *m, struct parties *p);

/* ── gather.c ── */
/* A message was told: what was open is judged, and its own results are waited for. */
void gather_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void gather_result(struct detect *d, const struct record *r, const struct result *t);
/* Judges what is there; r: a result of it, or NULL where none is at hand. */
void gather_close(struct detect *d, const struct record *r);
/* The digests of the ids of a result or order, different ones; how many. */
size_t ids_of(const struct detect *d, const struct result *t, uint64_t ids[IDS]);

/* The test of a result that says something else under the same code: see struct gathered, part. */
uint64_t part_test(uint64_t test, const struct seen_result *says);
/* Do two results speak of the same kind of thing: words, or numbers in one unit? */
static inline bool same_kind(const struct seen_result *a, const struct seen_result *b)
{
    return a->numeric == b->numeric && (!a->numeric || unit_same(a->unit, b->unit) || a->unit.dimension == 0 || b->unit.dimension == 0);
}

/* Where a result is kept: the specimen's digest, the test's, the link, and that of the time of observation (0: none). */
uint64_t result_key(uint64_t specimen, uint64_t test, uint16_t link, uint32_t observed);

/* ── the judges of a whole gathering; r: the record of its last result ── */
void judge_replay(struct detect *d, const struct record *r);
/* No more will come: what seemed to be a device that starts again and sent something again was none. */
void resent_end(struct detect *d);
void judge_renumbered(struct detect *d, const struct record *r);
/* The values of this group are those of another specimen. */
void judge_alike(struct detect *d, const struct record *r, uint16_t group);
struct digest replay_identity(const struct detect *d, const struct address *receiver, uint16_t port, struct span control_id);
void replay_message(struct detect *d, const struct message *m);
void replay_answer(struct detect *d, const struct record *r, const struct message *m);
void judge_repeats(struct detect *d, const struct record *r, struct gathered *g);
void judge_correction(struct detect *d, const struct record *r, const struct gathered *g);
void judge_custody(struct detect *d, const struct record *r);
void judge_value(struct detect *d, const struct record *r, struct gathered *g);
void judge_shift(struct detect *d, const struct record *r, struct gathered *g);
void judge_orders(struct detect *d, const struct record *r, struct group *g);
/* An order was told. */
void order_take(struct detect *d, const struct record *r, const struct result *t);
/* The order is whole. */
void order_close(struct detect *d);
/* What should have been passed on by now. */
void orders_sweep(struct detect *d);

/* ── answer.c ── */
struct digest answer_key(const struct detect *d, const struct address *sender, const struct address *receiver, struct span control_id);
/* The message that is open can be answered: it sent these. */
void answer_expect(struct detect *d, uint32_t first, uint32_t n);

/* ── custody.c ── */
static inline struct sent *sent_at(const struct detect *d, uint32_t number) /* NULL: gone, or 0 */
{
    struct sent *s = &d->sent[number % SENT_MAX];
    return number != 0 && s->number == number ? s : NULL;
}
/* Makes room for so many results of so many specimens: the oldest go. */
void sent_make_room(struct detect *d, size_t results, size_t specimens);
struct seen_result *sent_result(const struct detect *d, const struct sent *s, size_t i);
static inline struct habit *habit_at(const struct detect *d, uint16_t number)
{
    return memo_at(d->habits, number);
}
void specimen_expect(const struct detect *d, uint64_t id);
void specimen_expect_entry(const struct detect *d, uint64_t id, tq_time now);
/* Asks the memory for what was sent of it before; the second, when that is here, for its results. */
void specimen_expect_sent(const struct detect *d, const struct specimen *s);
void specimen_expect_results(const struct detect *d, const struct group *g);
struct specimen *specimen_get(const struct detect *d, uint64_t id);
struct specimen *specimen_put(struct detect *d, uint64_t id, tq_time now);
/* ── origin.c ── */
/* Where a group of the open message was seen before; NULL: nowhere that it could have come from. */
const struct sighting *origin_of(struct detect *d, uint16_t number);
/* Does the pair go the other way: what came first on that link is known to follow what comes now? Two taps may tell in the wrong order. */
bool origin_is_backward(struct detect *d, uint16_t from);

/* Two patients' records were joined. */
void custody_merge(struct detect *d, struct span patient, struct span prior, tq_time now);

/* Does g say what k said, in its own unit? 1 yes, 0 no, -1 it can't be told. */
int values_agree(const struct detect *d, const struct gathered *g, const struct seen_result *k);

/* ── passage.c ── */
/* Which of these results (bits of s's) is g under another code: as was learnt, or as it seems, from which is learnt. NULL: it is not known. */
struct seen_result *passage_known(struct detect *d, const struct sent *s, uint64_t open, const struct gathered *g);
struct seen_result *passage_guess(struct detect *d, const struct sent *s, uint64_t open, struct gathered *g);
/* The same as values_agree, which said `agrees` of the two, where units are of different kinds: by the factor that is usual here. */
int passage_factor(struct detect *d, const struct sent *s, const struct gathered *g, const struct seen_result *k, int agrees);

/* ── renumber.c ── */
/* By what results are known that have no specimen's number: whose they are, and when they were measured. 0: not both are said, or only the minute. */
uint64_t moment_id(const struct detect *d, const struct result *t);
/* Results whose numbers were not seen before: those under which they came here, where a middleware writes numbers in another way, or gave one to what
 * had none. True: one was added to the group's. */
bool renumber_find(struct detect *d, uint16_t group);

/* Of what the next link was sent of a specimen, at last so: which of it the group is. What was held may go on after something newer was sent. */
uint32_t outrun(const struct detect *d, uint16_t group, uint32_t sent);
/* What this link sent of the group's specimen before; 0: nothing. */
uint32_t sent_before(const struct detect *d, const struct group *g);

/* ── path.c ── */
/* What was sent waits for the next link; went on, after so long; or leaves the ring. */
void path_wait(struct detect *d, struct sent *s);
void path_used(struct detect *d, struct path *p, struct sent *s, tq_time delay);
void path_forget(struct detect *d, struct sent *s);
/* Are the group's results without origin, where such results always have one? */
void path_judge_origin(struct detect *d, uint16_t group);
/* What is due by now: results that should have gone on. */
void paths_sweep(struct detect *d);
/* No more will come: what waits for its origin waits no longer. */
void paths_end(struct detect *d);

/* Are its ends one conversation, seen at two places of its way? */
bool path_is_twin(const struct detect *d, const struct path *p);
/* Does a part pass unchanged on this path, as far as is known? least: so often it has to have been seen. */
bool path_keeps(const struct detect *d, const struct path *p, enum part part, uint32_t least);

/* ── behind.c ── */
/* A relay said that its records come later, or that all of them are here. */
void behind_take(struct detect *d, const struct record *r);
/* The time by which it is judged what should have come by now. */
tq_time behind_now(const struct detect *d);
/* Records are still to come: what is judged all the same is a doubt. */
bool behind_doubt(const struct detect *d);
/* The records of this time may have been lost with the relay that made them. */
bool behind_lost(const struct detect *d, tq_time time);

/* ── copy.c ── */
/* A message with results begins: under which name it is to be looked up. */
void copy_open(struct detect *d, const struct record *r, const struct message *m);
/* Asks the memory for what that will touch, once its bucket is here. */
void copy_expect(const struct detect *d);
/* Its results are here: what it was on another link is looked up, once for each message, in the order of copy_open. */
void copy_look(struct detect *d);
/* It is whole, and its results are judged. r: a record of it. */
void copy_judge(struct detect *d, const struct record *r);

/* The link of this gathering, and its two ends as text. */
struct link *open_link(const struct detect *d);
void link_text(const struct link *l, struct parties *ret);
/* "ADDRESS>ADDRESS:PORT|" and more pieces, of the causes. */
struct span cause_on(struct buf *b, const struct parties *p, const struct span *more, size_t n);
/* The code of a test as it was sent. */
struct span test_name(const struct habit *h);

/* The memories, each made by the file that knows its values. NULL: no memory. */
struct memo *senders_new(void);
struct memo *messages_new(void);
struct memo *conversations_new(void);
struct memo *clocks_new(void);
struct memo *asked_new(void);
struct memo *expected_new(void);
struct memo *translations_new(void);
struct memo *passages_new(void);
struct memo *copies_new(void);
struct memo *cards_new(void);

/* The part of the state that sender.c keeps. */
void senders_save(const struct detect *d, struct buf *out);
int senders_restore(struct detect *d, struct span *in, struct error *e);

#endif
