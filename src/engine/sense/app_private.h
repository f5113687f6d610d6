/* What the files of app share.
 *
 *   app.c          contexts, flows, recognition by content, the two directions
 *   app_label*.c   cheap names for what is not a lab protocol: streams, datagrams, and what is alike in both
 *   app_hl7.c      MLLP blocks → messages; app_hl7_message.c, app_hl7_text.c, app_hl7_result.c: messages → lab.message, lab.result
 *   app_http.c     HTTP bodies that are HL7 → messages
 *   app_astm.c     ASTM sessions → lab.message, lab.result
 *   app_poct1a.c   XML documents of point-of-care devices → lab.message, lab.result
 *   app_record.c   records, private fields, message types, evidence about devices
 *   app_dicom.c    DICOM associations: who calls whom
 *   app_hold.c     memory for unfinished messages, under the limits
 *   app_hostile.c  payloads that try to exploit a receiver
 */
#ifndef TQ_SENSE_APP_PRIVATE_H
#define TQ_SENSE_APP_PRIVATE_H

#include "base/table.h"
#include "engine/sense/app.h"
#include "wire/astm.h"
#include "wire/astm_link.h"
#include "wire/charset.h"
#include "wire/document.h"
#include "wire/hl7.h"
#include "wire/mllp.h"

#define APP_SCRATCH 65536      /* room for unescaped texts of one record */
#define APP_PLAIN 32768        /* room for texts of one POCT1-A message that hold entities */
#define APP_VALUE_MAX 16384    /* longest value whose escape sequences are undone; a longer one goes as it came, in pieces of RECORD_TEXT bytes */
#define APP_VALUE_PIECES 8     /* most pieces: what is behind the first 512 KiB of a value is left out, and the record is marked as cut */
#define APP_FOREIGN_MAX 256    /* longest text of a field that outsiders fill; the veil shows at most 64 bytes anyway */
#define APP_WHO_MAX 32         /* patients of one message that are named one by one; those behind them stand in WHO_MORE */
#define APP_IDENTITY_MAX 1024  /* longest identifier of a patient, specimen or order */
#define APP_PRIVATE_TEXT 16384 /* room for private fields whose escape sequences are undone */
#define APP_PRIVATE_MAX 256    /* longest private field kept whole; pieces longer than this set private_cut */
#define APP_TYPE_TEXT 48
#define APP_STAMP 32           /* longest time stamp of a sender that is one */
#define APP_REASON 128         /* room for a reason */
#define APP_KEEP_OVERSIZE 4096 /* of a message over the limit: its beginning, to name its type and sender */
#define APP_MESSAGE_LEAST 8192 /* the limit of a message is at least this: room for its beginning and a record behind it */
#define APP_RESULTS_MAX 4096   /* results of one message that become records; more are counted only, and that is said */
#define APP_ORDERS_MAX 1024    /* orders of one message that become records; more are counted only */
#define APP_SEGMENTS 512       /* segments of a message that are found once for its walk and its results */
#define APP_TYPES 256          /* message types counted apart */
#define APP_EVIDENCE 4096      /* pieces of evidence remembered as told; then all is forgotten and may be told again */
#define APP_SPARES 8           /* buffers kept for the next split message */
#define APP_SPARE_BYTES 262144 /* largest buffer kept so */

enum app_kind { APP_UNKNOWN, APP_HL7, APP_ASTM, APP_POCT1A, APP_HTTP, APP_OTHER };

/* One direction of MLLP. */
struct hl7_side {
    struct mllp mllp;
    struct buf text;   /* content of the open block, as far as it had to be kept */
    struct span whole; /* content of the open block that lies in the present segment */
    uint64_t bytes;    /* content of the open block so far */
    uint64_t junk;     /* bytes outside blocks since the last block */
    uint64_t hole_at;  /* where the first hole is */
    bool framed;       /* a block was seen in this direction */
    bool over;         /* longer than a message may be */
    bool starved;      /* no memory was left for it */
    bool hole;
    bool skip_line;          /* behind a hole: skip to the next segment end */
    uint8_t charset;         /* of the open body of HTTP, CHARSET_NONE: not said */
    struct hl7_carry *carry; /* what a message left open that goes on in another one; NULL: nothing */
    bool lost_between;       /* bytes between blocks are missing: what is there is no violation */
};

/* Where a direction of ASTM stands outside of frames. */
enum astm_plain {
    ASTM_PLAIN_EDGE,   /* at the start of a line */
    ASTM_PLAIN_LINE,   /* in a line that means nothing */
    ASTM_PLAIN_HEADER, /* in a line that may be an H record; it is kept behind frame_at */
    ASTM_PLAIN_SECOND, /* behind an H record */
    ASTM_PLAIN_ON,     /* in a message without frames */
    ASTM_PLAIN_HOLE,   /* behind a hole: a line goes on here, or an H record begins */
};

/* One direction of ASTM. */
struct astm_side {
    struct astm_link link;
    enum astm_plain plain;
    bool plain_open;    /* a message without frames is open */
    uint8_t plain_type; /* the letter behind an H record, 0: not seen yet */
    struct hl7_delims delims;
    struct buf text; /* records of the open message */
    size_t frame_at; /* text before this offset counts; behind it is that of the current frame */
    size_t start;    /* of the open message in the text; 0 but while records are looked at */
    size_t parsed;   /* whole records before this offset have been looked at; ≤ frame_at */
    uint64_t bytes;  /* text of the open message so far, also what was not kept */
    bool header;     /* the open message has its H record */
    bool frame_lost; /* a frame number was skipped */
    bool over;
    bool starved;
    bool frame_cut; /* part of the current frame's text was not kept */
    bool hole;
    bool certain;  /* a frame was seen that only ASTM has, or two records without frames */
    uint64_t good; /* frames seen before the flow was known to be ASTM */
    uint64_t damaged;
};

struct app_side {
    uint64_t seen;    /* bytes handed in while unknown */
    uint64_t ordinal; /* of the last lab message */
    bool done;
    bool sends_results;
    bool conflict;  /* contradicted itself, not told yet */
    bool lost;      /* the capture lost bytes since its last message */
    bool spoke;     /* a message of it was told */
    bool mac_new;   /* not told yet */
    uint8_t mac[6]; /* of its sender; zeros: not known */
    struct hops hops;
    uint8_t http_n; /* the direction begins like HTTP, as far as it goes */
    uint8_t http[7];
    struct hl7_side hl7;
    struct astm_side astm;
};

struct app_flow {
    enum app_kind kind;
    const char *label;
    bool conflict_told;
    bool underway;             /* its beginning was not captured */
    struct app_dicom *dicom;   /* NULL: no association is asked for, or it is told */
    struct app_http *http;     /* NULL: no body of it may be HL7 */
    struct app_poct1a *poct1a; /* NULL: nothing like it was seen */
    struct app_side side[2];
};

/* Where a segment of the HL7 message in hand lies. */
struct app_segment {
    struct span text;
    uint32_t name;
};

struct app_context {
    struct sense_options options;
    struct sense_stats *counters;
    struct table *types; /* → uint64_t */
    uint64_t other_types;
    struct table *told;  /* evidence told → uint8_t */
    struct table *roles; /* address → uint8_t: bit 0 sends results, bit 1 receives results */
    size_t http_flows;   /* that are looked at */
    size_t held;         /* bytes allocated for unfinished messages */
    struct buf spare[APP_SPARES];
    size_t spares;
    bool wanted[KEY_COUNT];              /* what options.wants says */
    struct span private[RECORD_PRIVATE]; /* of the message in hand */
    uint8_t private_text[APP_PRIVATE_TEXT];
    uint8_t who_more[RECORD_WHO]; /* of the message in hand */
    char continues[64];           /* the id that lab_message.continues points to */
    struct {                      /* the last time stamp: the results of a message mostly share one */
        uint8_t stamp[APP_STAMP];
        size_t stamp_n;
        char text[HL7_TIME_TEXT];
        size_t n;
    } observed;
    struct span walked; /* the message whose segments these are; empty: there were more of them */
    size_t segments;
    struct app_segment segment[APP_SEGMENTS];
    struct record record;
    size_t scratch_n;
    size_t scratch_kept; /* of that, what the next result of the message needs too */
    uint8_t scratch[APP_SCRATCH];
    uint8_t plain[APP_PLAIN]; /* texts of a POCT1-A message, without entities */
};

/* Whose bytes, and when. */
struct app_where {
    struct app_context *c;
    struct app_flow *f;
    const struct flow_ref *flow;
    int direction;
    tq_time time;
};

/* A message as its protocol's file has read it; spans point into the message. */
struct lab_message {
    const char *protocol;
    struct span type;
    struct span control_id;
    struct span sender;
    struct span facility; /* of the sender */
    struct span receiver;
    struct span version;
    struct span charset;
    struct span sent; /* when the sender says that it made the message, as it stands */
    struct span ack_code;
    struct span ack_for;
    struct span ack_error;
    struct span wants_accept;
    struct span wants_application;
    struct span profile;
    const char *ack_message;
    const char *charset_read;
    const char *batch; /* the id of the first of its block */
    const char *continues;
    bool continued;
    const char *processing; /* "T", "D"; NULL: production, or not said */
    struct span patient;    /* of a message that says who somebody was before */
    struct span prior_patient;
    size_t whos;
    uint8_t *who_room;        /* where those behind them stand, as WHO_MORE wants them; NULL: they are not wanted */
    size_t who_more;          /* bytes there */
    bool who_lost;            /* and some did not fit */
    size_t who_named;         /* how many of those name one */
    bool behind_first;        /* not the first of its block: its results count, it does not */
    struct document document; /* of a message that is not one of results */
    size_t orders;
    size_t results;
    size_t patients;
    uint64_t bytes;
    size_t longest; /* bytes of its longest segment or record */
    bool private_cut;
    size_t privates;
    struct span *private;  /* room for RECORD_PRIVATE; NULL: they are not wanted */
    uint8_t *private_room; /* and for their texts without escapes */
    size_t private_left;
    struct span body; /* its bytes as they were received, without framing; where body.n < bytes, the beginning */
    const struct hl7_delims *delims;
    bool marked;
    /* from here on only the first byte of each text is cleared for a new message */
    char malformed[APP_REASON];
    char hostile[APP_REASON];
    char id[64];
    char type_text[APP_TYPE_TEXT];     /* room for a type that is put together */
    struct span who[APP_WHO_MAX];      /* the patients that its PID, P or PT name, each once: so many as whos says */
    uint8_t marks[MARKS * MARK_BYTES]; /* where it is marked */
};

/* ── app_marks.c: m's marks, where somebody wants them and it has results ── */
void lab_marks_hl7(struct app_context *c, struct lab_message *m, struct span message);
void lab_marks_astm(struct app_context *c, struct lab_message *m, struct span message);

/* ── app_hl7.c ── */
void app_hl7_data(const struct app_where *w, struct span bytes);
/* Looks for the start of a first block: true when there is one; *in is what follows it. */
bool app_hl7_probe(struct hl7_side *s, struct span *in);
void app_hl7_gap(const struct app_where *w);
void app_hl7_close(const struct app_where *w);
/* One message that something else frames: its bytes in order, `input` being what they lie in; a pause where the input ends, before it is gone; the
 * end, cut_off says how it ended if not well. */
void app_hl7_body_start(const struct app_where *w, enum charset set);
void app_hl7_body(const struct app_where *w, struct span bytes, struct span input);
void app_hl7_body_pause(const struct app_where *w);
void app_hl7_body_gap(const struct app_where *w);
void app_hl7_body_end(const struct app_where *w, const char *cut_off);
void app_hl7_body_forget(const struct app_where *w);

/* ── app_http.c ── */
/* Bytes of an unknown flow, all of a direction from its first one on: true when they are HTTP whose bodies may be HL7. What was held of bytes before
 * these is kept for app_http_begin. */
bool app_http_probe(const struct app_where *w, struct span bytes, bool first);
/* The flow is HTTP (and was given up): takes it back, where there is room, and reads what was held, then these bytes. The next three only where
 * f->http is there. */
void app_http_begin(const struct app_where *w, struct span bytes);
void app_http_data(const struct app_where *w, struct span bytes);
void app_http_gap(const struct app_where *w, uint64_t bytes);
void app_http_close(const struct app_where *w);
void app_http_forget(struct app_context *c, struct app_flow *f);

/* ── app_astm.c ── */
void app_astm_data(const struct app_where *w, struct span bytes);
void app_astm_gap(const struct app_where *w);
void app_astm_close(const struct app_where *w);
/* Looks for frames: true when these bytes, with those before, are ASTM. What was read stays in the flow; *in is what follows. */
bool app_astm_probe(const struct app_where *w, struct span *in);
/* The flow is ASTM: what both directions have read so far counts. */
void app_astm_begin(const struct app_where *w);
void app_astm_forget(const struct app_where *w);

/* ── app_poct1a.c ── */
void app_poct1a_data(const struct app_where *w, struct span bytes);
void app_poct1a_gap(const struct app_where *w);
void app_poct1a_close(const struct app_where *w);
/* Looks for the tag of a root element: true when there is one; *in is what follows the tag's name. It is read again by app_poct1a_data, with the same
 * input. */
bool app_poct1a_probe(const struct app_where *w, struct span *in);
bool app_poct1a_half_read(const struct app_flow *f, int direction);
/* Frees what the flow has of it. */
void app_poct1a_forget(struct app_flow *f);

/* ── app_label.c, app_label_datagram.c ── The label of a protocol whose stream begins with these bytes, or whose datagram this is; or NULL. */
const char *app_label_stream(const struct flow_ref *flow, struct span start);
const char *app_label_datagram(const struct flow_ref *flow, struct span bytes);
/* ── app_label_either.c ── Messages that are the same over TCP and UDP. */
const char *app_label_either(struct span message);
const char *app_label_call(struct span message); /* those that have a length of four bytes before them over TCP */
bool app_label_is_dns(struct span message);      /* two bytes over TCP */
/* Begins with one of the methods of HTTP and what may follow it. */
bool app_label_is_request(struct span s);

/* ── app_dicom.c ── The association that a connection begins with, and what became of it (PS3.8, 9.3). */
/* Bytes of an unknown flow, all of a direction from its first one on: true when they are DICOM. */
bool app_dicom_probe(const struct app_where *w, struct span bytes, bool first);
/* The flow is DICOM; what was probed counts. */
void app_dicom_begin(const struct app_where *w);
/* These three only where f->dicom is there; they may end it. */
void app_dicom_data(const struct app_where *w, struct span bytes);
void app_dicom_gap(const struct app_where *w);
void app_dicom_close(const struct app_where *w);
void app_dicom_forget(struct app_context *c, struct app_flow *f);

/* ── app_hold.c ── */
/* Appends to a message's buffer. False: not kept: it would pass the limit of a message (*over set) or of all messages (*over not set). */
bool app_hold(struct app_context *c, struct buf *b, struct span s, bool *over);
/* Appends a text as UTF-8. False: no room for it; nothing is held. */
bool app_hold_decoded(struct app_context *c, struct charset_reader *r, struct span text, struct buf *plain);
void app_hold_release(struct app_context *c, struct buf *b);
/* Cuts a buffer to its first n bytes and gives memory back. */
void app_hold_shrink(struct app_context *c, struct buf *b, size_t n);

/* ── app_record.c ── */
static inline bool app_wants_records(const struct app_context *c)
{
    return c->options.sink.put != NULL;
}
/* The context has room for the private fields of one message at a time. */
void lab_start(struct app_context *c, struct lab_message *m, const char *protocol);
/* Fills the id with the next ordinal of this direction. */
void lab_number(const struct app_where *w, struct lab_message *m);
/* The text of a message that names no character set, as UTF-8: as it is, or decoded into *plain, which the caller releases; m->charset_read says so.
 */
struct span lab_decoded(struct app_context *c, struct lab_message *m, struct span text, struct buf *plain);
/* The first reason stays. */
void lab_malformed(struct lab_message *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A field of the patient, with all its parts where the message has delimiters. */
void lab_private(struct lab_message *m, struct span field);
void lab_who(struct lab_message *m, struct span id); /* a patient's identifier, as it stands in the message */
/* Counts it (counted: as a message of its protocol) and puts the lab.message record. */
void lab_put(const struct app_where *w, struct lab_message *m, bool counted);
/* Reports a contradiction that no message of this direction came to tell of. */
void lab_conflict(const struct app_where *w);
/* Starts the records of the message's results (where it has none: of its orders) in c->record: what all share. Returns how many fields that are: give
 * it to lab_result_next before each result. */
size_t lab_results_start(const struct app_where *w, const struct lab_message *m);
void lab_result_next(struct app_context *c, size_t shared);
/* Puts a field into c->record, where it is wanted, unescaped, cut to max bytes. Most fields are empty or not wanted, or as they are to be: those cost
 * no call. */
void lab_put_text(struct app_context *c, const struct hl7_delims *d, enum record_key key, const uint8_t *p, size_t n);
static inline void lab_text(struct app_context *c, const struct hl7_delims *d, enum record_key key, struct span text, size_t max)
{
    if (text.n == 0 || !c->wanted[key])
        return;
    if (d == NULL && text.n <= max && text.p[0] != '"')
        record_item(&c->record, key, text);
    else
        lab_put_text(c, d, key, text.p, text.n < max ? text.n : max);
}
/* The value of a result, in one piece or several. */
void lab_value(struct app_context *c, const struct hl7_delims *d, struct span value);
void lab_time(struct app_context *c, struct span text);
/* The range beside a value, where it is one: numbers and what stands between them. Other texts are not told. */
void lab_range_put(struct app_context *c, const struct hl7_delims *d, struct span text);
static inline void lab_range(struct app_context *c, const struct hl7_delims *d, struct span text)
{
    if (text.n > 0 && c->wanted[KEY_RANGE])
        lab_range_put(c, d, text);
}
/* The name that stands beside the code, as a code in its place: where the analyzer only numbers its tests. Empty: it does not. */
struct span lab_test_name(struct span code, struct span name);
/* What was measured, in a word of ours; NULL where its code is not known. */
const char *lab_material(struct span code);
/* How soon an order is to be done: stat, urgent, routine; NULL: not said. */
const char *lab_priority(struct span code);
void lab_document(struct app_context *c, const struct hl7_delims *d, const struct document *doc);
void app_count_type(struct app_context *c, struct span type);

#define APP_SAID 12 /* components of a sender's name that are told */

struct lab_evidence {
    struct span said; /* H-5 or MSH-3 as it stands */
    struct span facility;
    struct span maker;
    struct span model;
    struct span serial;
    struct span software;
    const char *source;
    bool sends_results;
    bool takes_results; /* acknowledged results */
};
/* What a message says about the device that sent it. Told once. */
void app_evidence(const struct app_where *w, const struct lab_evidence *evidence, const struct lab_message *m);

/* ── app_hostile.c ── Looks through a message; writes what it tries and where. longest: bytes of its longest segment. records: true for ASTM, false
 * for HL7. */
void app_hostile(const struct hl7_delims *d, struct span message, size_t longest, bool records, char out[APP_REASON]);
#define APP_EXECUTABLE_MIN 64 /* shorter ones are none */
/* Does this value (OBX-5 or a part of it) hold an executable program, plain, in base64 or in hexadecimal? */
bool app_executable(struct span value);

#endif
