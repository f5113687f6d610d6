/* mailed: what the reader (proc/reader_main.c) tells of a mail that it read: the judgement, and what a person may be shown. The reader had all of a
 * hostile mail in its hands: what it tells is believed no further than its form goes. The part for people's eyes is kept sealed as it is (the body of
 * mail.reported) and taken apart again when somebody looks. */
#ifndef TQ_DOOR_MAILED_H
#define TQ_DOOR_MAILED_H

#include "base/buf.h"
#include "base/error.h"

#define MAILED_REASONS 24
#define MAILED_INDICATORS 64
#define MAILED_SKETCH 32
#define MAILED_FILES 48
#define MAILED_LINKS 64
#define MAILED_TEXT 256           /* most bytes of a short text … */
#define MAILED_LONG 512           /* … and of a longer one */
#define MAILED_SHOWN (256u << 10) /* most bytes of the part for people's eyes: it fits into a record */
#define MAILED_MAX (MAILED_SHOWN + (96u << 10))

enum mailed_scan { MAILED_NOT_ASKED, MAILED_CLEAN, MAILED_FOUND, MAILED_NO_ANSWER };

struct mailed_reason {
    struct span code; /* docs/mail.md */
    struct span about;
};

struct mailed_indicator {
    struct span kind; /* host, address, sha256, subject */
    struct span value;
};

struct mailed {
    uint8_t verdict; /* 0 fine, 1 suspicious, 2 dangerous */
    uint8_t score;   /* 0 to 100 */
    bool attached;   /* judged was a message that somebody forwarded as an attachment */
    enum mailed_scan scan;
    struct span claim_id; /* an exercise that it says to be, and the mark that proves it; empty: none */
    struct span claim_mark;
    struct span from;
    uint16_t files, links; /* how many */
    uint32_t sketch[MAILED_SKETCH];
    size_t reasons_n, indicators_n;
    struct mailed_reason reasons[MAILED_REASONS];
    struct mailed_indicator indicators[MAILED_INDICATORS];
    struct span shown; /* mailed_shown's form */
};

struct mailed_file {
    struct span name, type, sha256;
    uint64_t bytes;
    bool inside; /* an archive of the mail holds it */
};

struct mailed_link {
    struct span scheme, before, site, rest, shown;
    bool dressed;
};

struct mailed_shown {
    struct span name, from, reply_to, subject;
    size_t files_n, links_n;
    struct mailed_file files[MAILED_FILES];
    struct mailed_link links[MAILED_LINKS];
    struct span text; /* UTF-8, lines */
};

void mailed_encode(struct buf *out, const struct mailed *m);
int mailed_decode(struct span in, struct mailed *ret, struct error *e); /* spans point into in; ERR_PEER: malformed, or a text that is none */
void mailed_shown_encode(struct buf *out, const struct mailed_shown *s);
int mailed_shown_decode(struct span in, struct mailed_shown *ret, struct error *e);

#endif
