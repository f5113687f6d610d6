/* What the files of this room share. One file a family of findings: message.c (what a message itself shows), sender.c (who sends), clock.c (whose
 * clock is wrong), network.c (scans and floods), result.c (whether results stay the same); finding.c makes the records. */
#ifndef TQ_DETECT_PRIVATE_H
#define TQ_DETECT_PRIVATE_H

#include "engine/detect/detect.h"
#include "engine/detect/memo.h"
#include "engine/detect/results.h"

/* Most entries of each memory; when one is full, memo.h says what goes. 8 MiB together. */
#define CAUSES_MAX 16384   /* causes of findings: one that was pushed out may be told again, and the keeper joins it */
#define KNOWN_MAX 16384    /* senders, their addresses and names, receivers */
#define RESULTS_MAX 81920  /* results, to see whether one comes back changed */
#define CLOCKS_MAX 4096    /* senders whose clocks are watched */
#define MESSAGES_MAX 16384 /* messages with results, to see whether one comes back */

#define LEARN_DEFAULT (60 * TIME_SECOND)
#define ENDPOINT_TEXT 64 /* "10.0.5.1 port 2575" and a final zero */

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

/* In alphabetical order of their names. */
enum kind {
    KIND_DEVICE_CLOCK,
    KIND_MESSAGE_HOSTILE,
    KIND_MESSAGE_MALFORMED,
    KIND_NETWORK_FLOOD,
    KIND_NETWORK_SCAN,
    KIND_PHI_CLEARTEXT,
    KIND_PROTOCOL_VIOLATION,
    KIND_RESULT_ALTERED,
    KIND_RESULT_CORRECTED,
    KIND_RESULT_REPLAYED,
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
    char sender_text[ENDPOINT_TEXT];
    char receiver_text[ENDPOINT_TEXT]; /* with its port where it is the listening end */
};

/* Leaves the texts empty: they are made where a finding needs them. */
void parties_of(const struct record *r, struct span message_id, struct parties *ret);
void parties_text(struct parties *p);

/* Reads the direction out of a message id "fFLOW.DIRECTION.ORDINAL" (docs/formats/events.md): 0 or 1; 0 where it is no such text. */
int message_direction(struct span id);

/* A lab.message, taken apart once. */
struct message {
    int64_t results;
    int64_t patients;
    struct span id;
    struct span type;
    struct span control_id;
    struct span sender;
    struct span malformed;
    struct span hostile;
    struct span ack_code;
    struct span ack_for;
    struct span sent_at;
};

/* A lab.result, taken apart once. */
struct result {
    const struct field *value; /* its pieces, one behind the other */
    size_t pieces;
    struct span message;
    struct span code;
    struct span system;
    struct span specimen;
    struct span units;
    struct span status;
    struct span observed;
};

struct finding {
    enum kind kind;
    enum severity severity;
    const char *title;
    const char *advice;
    const char *technique; /* ATT&CK id, or NULL */
    struct span subjects[4];
    size_t n_subjects;
    struct span cause; /* canonical: the same cause gives the same text in every run */
};

struct detect {
    struct detect_options options;
    struct hash_key key; /* of all digests; from the state where one was restored */
    struct memo *causes;
    struct memo *known;
    struct results *results;
    struct memo *messages;
    struct memo *clocks;
    bool started;
    bool learnt; /* senders that were learnt in an earlier run were restored: learning is over */
    tq_time first;
    size_t senders_learnt;
    uint64_t counts[KIND_COUNT];
    /* the message whose results come in: its id, and what all its results share */
    struct {
        char id[64];
        size_t n;
        uint64_t message;
        uint64_t place; /* who sends to whom */
    } current;
    /* the same message, for result.replayed */
    struct {
        uint64_t id;
        struct digest identity;
        uint64_t content; /* of the results so far */
        int64_t results_left;
    } open;
    struct record finding;
};

/* Makes the finding's record from the record that showed it and hands it on, unless this cause was told with this severity or more. */
void finding_put(struct detect *d, const struct record *from, const struct finding *f);

/* Each judges one message or result. */
void judge_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_sender(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_clock(struct detect *d, const struct record *r, const struct message *m, struct parties *p);
void judge_result(struct detect *d, const struct record *r, const struct result *t);
void judge_attempts(struct detect *d, const struct record *r);
void judge_replay_message(struct detect *d, const struct record *r, const struct message *m, struct parties *p);

/* The memories, each made by the file that knows its values. NULL: no memory. */
struct memo *senders_new(void);
struct memo *messages_new(void);
struct memo *clocks_new(void);

/* The part of the state that sender.c keeps. */
void senders_save(const struct detect *d, struct buf *out);
int senders_restore(struct detect *d, struct span *in, struct error *e);

#endif
