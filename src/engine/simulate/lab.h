/* The simulated lab from inside: who is in it, what they say, and what has been counted. One file an actor:
 *
 *   order.c       the LIS orders, prints labels; samples and their life: ordered → arrived → measured → forwarded → corrected
 *   analyzer.c    how each kind of analyzer asks for work and reports
 *   point_of_care.c  bedside devices and their data manager
 *   imaging.c     slide scanners and the archive
 *   middleware.c  takes results in, re-writes and forwards them
 *   hl7.c, astm.c messages as text, and the exchanges that carry them
 *   background.c  everything else on the network
 *   attack.c      what is staged on request */
#ifndef TQ_SIMULATE_LAB_H
#define TQ_SIMULATE_LAB_H

#include "engine/simulate/content.h"
#include "engine/simulate/net.h"

#define PATIENTS 240
#define STATIONS 8
#define MESSAGE_MAX (1U << 20)
#define CONTROL_TEXT 24
#define PORT_LIS_RESULTS 2575 /* MLLP: the LIS takes results */
#define PORT_LIS_ASTM 4001    /* E1381 over TCP: the LIS */
#define PORT_MIDDLEWARE 5100  /* MLLP: the middleware takes results and orders */
#define PORT_MIDDLEWARE_ASTM 5200
#define PORT_ANALYZER_LAW 6700 /* MLLP: an analyzer takes work orders */
#define PORT_SERIAL 4001       /* E1381 over TCP: the first serial line of a terminal server; the next ones follow */
#define PORT_POCT1A 3001       /* POCT1-A: the data manager */
#define PORT_ARCHIVE 104       /* DICOM */

#define GROUP                                                                                                                                        \
    50 /* for each so many analyzers: a terminal server with its serial analyzers, a blood gas analyzer, a glucose meter, a slide scanner            \
        */
#define GROUPS_MAX ((SIMULATE_ANALYZERS_MAX + GROUP - 1) / GROUP)
#define SERIAL_LINES 2 /* of a terminal server */
#define ALL_ANALYZERS_MAX (SIMULATE_ANALYZERS_MAX + SERIAL_LINES * GROUPS_MAX)

/* A sender or receiver of HL7 messages. */
struct party {
    const char *application;
    const char *facility;
    const char *version;
    const char *charset; /* MSH-18 */
    bool latin1;         /* writes ISO 8859-1; else UTF-8 */
    char prefix[8];      /* of its control ids */
    uint32_t control;    /* the last one */
};

enum analyzer_kind {
    ANALYZER_CHEMISTRY,   /* HL7 2.3.1, ORU^R01, one lasting connection to the middleware */
    ANALYZER_IMMUNOASSAY, /* HL7 2.5.1, IHE LAW, one connection per message */
    ANALYZER_COMPACT,     /* ASTM, one record per frame, straight to the LIS */
    ANALYZER_HAEMATOLOGY, /* ASTM, frames filled up, to the middleware */
    ANALYZER_SERIAL_CBC,  /* ASTM, on the first line of a terminal server, to which the middleware connects */
    ANALYZER_SERIAL_A1C,  /* on the second line: a whole message in each frame */
    ANALYZER_KINDS
};
#define NETWORKED_KINDS 4 /* the first ones */

struct analyzer {
    enum analyzer_kind kind;
    struct host *host;
    struct host *upstream;
    struct party party; /* the two that speak HL7 */
    char serial[12];
    struct conn up; /* the lasting connection, where it has one */
    int side;       /* its side of that: 1 behind a terminal server, which is connected to */
    uint16_t line;  /* the port of its line there */
    uint32_t runs;
};

enum meter_kind { METER_GAS, METER_GLUCOSE };

struct meter {
    enum meter_kind kind;
    struct host *host;
    struct conn up;
    char serial[12];
    uint32_t control[2]; /* the last control id of each side */
    uint32_t sequence;
};

#define HL7_TYPES 32
#define POCT1A_TYPES 16
#define TRUTH_ATTACKS 1024

struct truth_attack {
    enum simulate_attack kind;
    tq_time time;
    char message[CONTROL_TEXT]; /* MSH-10, or the specimen of an ASTM message */
    const char *field;          /* "OBX-5" … */
    const char *test;           /* "" where none */
    char specimen[16];
    struct address from; /* who sent the message */
};

struct type_count {
    char type[12];
    uint64_t count;
};

struct truth {
    struct type_count hl7_types[HL7_TYPES];
    size_t hl7_types_n;
    struct type_count poct1a_types[POCT1A_TYPES];
    size_t poct1a_types_n;
    uint64_t poct1a_messages;
    uint64_t poct1a_observations;
    uint64_t dicom_associations;
    uint64_t dicom_rejected; /* of those */
    uint64_t hl7_messages;
    uint64_t hl7_bytes; /* with their frames */
    uint64_t obx;
    uint64_t documents;
    uint64_t malformed; /* staged messages that are broken, inside or by their frame */
    uint64_t astm_messages;
    uint64_t astm_sessions;
    uint64_t astm_contentions;
    uint64_t astm_good_frames;
    uint64_t astm_damaged_frames;
    uint64_t astm_records;
    uint64_t astm_by_type[26];
    uint64_t dns_queries;
    uint64_t tls_connections;
    uint64_t http_requests;
    uint64_t smb_requests;
    uint64_t dhcp_exchanges;
    uint64_t ntp_queries;
    uint64_t labels;
    uint64_t results_ordered; /* samples of patients */
    struct truth_attack attacks[TRUTH_ATTACKS];
    size_t attacks_n;
};

struct replay;

struct simulate {
    struct simulate_options options;
    struct rng rng;
    struct net net;
    struct queue events;
    tq_time start;
    tq_time end;
    tq_time last;         /* the latest event */
    bool closed;          /* the lasting connections have been closed */
    bool failed;          /* no memory: sticky */
    struct packet *given; /* the packet handed out last */
    struct truth truth;
    struct patient patients[PATIENTS];
    struct sample *samples;
    uint32_t samples_made;
    struct analyzer analyzers[ALL_ANALYZERS_MAX]; /* first those on the network, then those on serial lines */
    unsigned analyzers_n;                         /* all of them */
    unsigned networked_n;
    struct meter meters[2 * GROUPS_MAX];
    unsigned meters_n;
    struct host hosts[SIMULATE_ANALYZERS_MAX + STATIONS + 32 + 4 * GROUPS_MAX];
    size_t hosts_n;
    struct host *gateway; /* router, name server, DHCP server, clock */
    struct host *lis;
    struct host *middleware;     /* its leg on the office network */
    struct host *middleware_lab; /* its leg among the analyzers */
    struct host *files;
    struct host *manager; /* of bedside devices */
    struct host *archive; /* of pictures */
    struct host *printer;
    struct host *intruder;
    struct host *stations[STATIONS];
    struct host *outside[4];
    struct party lis_party;
    struct party middleware_party;
    struct conn results;     /* middleware → LIS */
    struct conn orders;      /* LIS → middleware */
    struct buf held;         /* a forwarded message that waits to be sent together with the next */
    struct buf held_answer;  /* and its acknowledgement */
    struct replay *replays;  /* messages kept by an attacker */
    char control[16];        /* a basic metabolic control that an analyzer ran */
    bool shifting;           /* potassium is reported too high from now on */
    struct sample passed_on; /* the basic metabolic panel forwarded last, of another patient */
    enum simulate_attack staged[ATTACK_COUNT];
    struct buf message; /* scratch, one for each step of an exchange */
    struct buf answer;
    struct buf frame;
};

typedef void lab_act(void *world, tq_time at, void *what);

/* Does `act` at `at`; a sample is held meanwhile (NULL: none). */
void lab_later(struct simulate *s, tq_time at, lab_act *act, struct sample *sample);
void lab_do(struct simulate *s, tq_time at, lab_act *act, void *what);
void sample_release(struct simulate *s, struct sample *sample);
struct sample *sample_new(struct simulate *s);

#define LINKS_MAX (ALL_ANALYZERS_MAX + 2 * GROUPS_MAX + 2)
/* The lasting connections (open or not): how many there are. */
unsigned lab_links(struct simulate *s, struct conn *links[LINKS_MAX]);

/* How busy the lab is at this time of the day, in thousandths (about 1,000 by day, 80 at night). */
int64_t lab_rate(tq_time at);
/* How many groups of further devices there are. */
unsigned lab_groups(const struct simulate *s);
struct lab_ip {
    char text[16];
};
/* "10.20.10." and 61; numbers over 250 go on at 101 of the next 256 addresses. */
struct lab_ip lab_ip(const char *network, unsigned number);
struct host *lab_host(struct simulate *s, const char *name, const uint8_t maker[3], const char *ip, uint16_t vlan);

/* ── hl7.c ── */
void party_init(struct party *p, const char *application, const char *facility, const char *version, const char *charset, const char *prefix);
void hl7_text(struct buf *m, const struct party *from, const char *utf8);
void hl7_stamp(struct buf *m, tq_time at);
/* MSH; type as in MSH-9 ("ORU^R01^ORU_R01"), profile for MSH-21 (NULL: none); control: gets the new MSH-10. */
void hl7_msh(struct buf *m, struct party *from, const struct party *to, const char *type, const char *profile, tq_time at,
             char control[CONTROL_TEXT]);
void hl7_pid(struct buf *m, const struct party *from, const struct patient *p);
void hl7_obx(struct buf *m, const struct party *from, const struct sample *sample, size_t i, size_t set);
void hl7_ack(struct buf *m, struct party *from, const struct party *to, const char *event, tq_time at, const char *control, const char *code,
             const char *why);
void hl7_oru_analyzer(struct buf *m, struct analyzer *a, const struct sample *sample, const struct party *to, tq_time at, char control[CONTROL_TEXT]);
void hl7_oul(struct buf *m, struct analyzer *a, const struct sample *sample, const struct party *to, tq_time at, char control[CONTROL_TEXT]);
void hl7_oru_forward(struct simulate *s, struct buf *m, struct party *from, const struct sample *sample, tq_time at, char control[CONTROL_TEXT]);
/* Counts one message that is about to be sent, and sends it in its frame. */
void mllp_say(struct simulate *s, struct conn *c, int from, struct span message, bool quiet);
/* A message and its answer on an open connection, thinking time between. */
void mllp_exchange(struct simulate *s, struct conn *c, int from, struct span message, struct span answer);

/* ── order_write.c: orders and queries as HL7 ── */
void hl7_order_orm(struct simulate *s, struct buf *m, const struct sample *sample, tq_time at, char control[CONTROL_TEXT]);
void hl7_order_oml(struct simulate *s, struct buf *m, const struct sample *sample, tq_time at, char control[CONTROL_TEXT]);
void hl7_order_answer(struct simulate *s, struct buf *m, const struct sample *sample, tq_time at, const char *control);
void hl7_law_query(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, char control[CONTROL_TEXT]);
void hl7_law_answer(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, const char *control);
void hl7_law_order(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, char control[CONTROL_TEXT]);
void hl7_law_accept(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, const char *control);
void hl7_people_query(struct simulate *s, struct buf *m, struct party *from, const struct patient *p, tq_time at, char control[CONTROL_TEXT]);
void hl7_people_answer(struct simulate *s, struct buf *m, const struct party *to, const struct patient *p, tq_time at, const char *control);

/* ── astm.c ── */
/* One transfer: ENQ, the records of `text` in frames of at most `most` bytes of text (0: one record per frame), EOT. */
struct astm_transfer {
    int from;
    size_t most;
    bool contended;  /* both sides bid for the line first */
    bool busy;       /* the receiver refuses the first bid */
    unsigned damage; /* one frame in so many is damaged on its way; 0: none */
};
void astm_transfer(struct simulate *s, struct conn *c, const struct astm_transfer *how, struct span text);
void astm_result(struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at);
void astm_query(struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at);
void astm_order(struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at);

/* ── analyzer.c ── */
void analyzer_start(struct simulate *s, unsigned number);
void analyzer_start_serial(struct simulate *s, unsigned group);
lab_act analyzer_arrive; /* a sample is on board: ask for its work */
lab_act analyzer_report; /* measured: send it */
const char *analyzer_model(const struct analyzer *a);
size_t astm_frame_limit(const struct analyzer *a);

/* ── middleware.c ── */
lab_act middleware_forward;                                                                   /* a result goes on to the LIS */
void middleware_say(struct simulate *s, struct span message, struct span answer, tq_time at); /* on the lasting connection to the LIS */
void middleware_order(struct simulate *s, const struct sample *sample, tq_time at);           /* the LIS sends the order */

/* ── order.c ── */
lab_act order_source;   /* patients' samples, again and again */
lab_act control_source; /* quality control, again and again */
struct sample *order_make(struct simulate *s, struct analyzer *a, tq_time at);

/* ── point_of_care.c, imaging.c ── */
void point_of_care_start(struct simulate *s);
void imaging_start(struct simulate *s);

/* ── background.c ── */
void background_start(struct simulate *s);
void print_label(struct simulate *s, const struct sample *sample, tq_time at);

/* ── attack.c ── */
void attack_start(struct simulate *s);
void attack_free(struct simulate *s);                                                                  /* what is staged and not yet done */
void attack_shape(struct simulate *s, struct sample *sample);                                          /* before the analyzer reports */
bool attack_comes_again(const struct sample *sample);                                                  /* is its second report the attack? */
void attack_ordered(struct simulate *s, const struct sample *sample, tq_time at, const char *control); /* when the analyzer was asked */
void attack_reported(struct simulate *s, struct sample *sample, tq_time at, const char *control);      /* when it has reported */
/* Before the middleware forwards; the sample is a copy. */
void attack_shape_forward(struct simulate *s, struct sample *sample);
/* When it has forwarded this message. */
void attack_forwarded(struct simulate *s, const struct sample *sample, struct span message, const char *control, tq_time at);
void truth_attack(struct simulate *s, enum simulate_attack kind, tq_time at, const char *message, const char *field, const char *test,
                  const struct sample *sample, const struct host *from);

/* ── truth.c ── */
void truth_poct1a(struct truth *t, const char *root);
void truth_hl7(struct truth *t, struct span message, size_t framed);

#endif
