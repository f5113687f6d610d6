/* mail: is a message dangerous, suspicious or fine, and why. docs/mail.md says what is weighed and how the weights were set.
 *
 * All of a message is hostile. It is read through wire/'s decoders, all of which are bounded; nothing of it is run, fetched or written anywhere. */
#ifndef TQ_ENGINE_MAIL_H
#define TQ_ENGINE_MAIL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/time.h"
#include "engine/mail/reasons.h"

#define MAIL_BYTES (160u << 20) /* most of one message: 100 MB of attachments in base64 */
#define MAIL_REASONS 24
#define MAIL_ABOUT 128
#define MAIL_SKETCH 32 /* values of a sketch */
#define MAIL_INDICATORS 64
#define MAIL_INDICATOR 256

enum mail_verdict { MAIL_FINE, MAIL_SUSPICIOUS, MAIL_DANGEROUS };
const char *mail_verdict_name(enum mail_verdict v); /* "fine", "suspicious", "dangerous" */

struct mail_known; /* names, hosts, phrases */

/* What the program knows by itself (catalog/mail). NULL: no memory, or a file in it is wrong (ERR_CORRUPT, with file and line). It is not changed
 * afterwards: any thread may use it. */
struct mail_known *mail_known_new(struct error *e);
void mail_known_free(struct mail_known *k);

#define MAIL_OWN 16

/* What is known of the lab. Spans are the caller's. */
struct mail_lab {
    struct span own[MAIL_OWN]; /* its domains, small letters */
    size_t own_n;
    struct span authserv; /* what its own receiver calls itself in Authentication-Results (RFC 8601, section 2.2); empty: not known, and then only
                             what speaks against a message is believed */
    bool cut;             /* the message's end is missing: it was too long to be handed in whole */
};

struct mail_reason {
    enum mail_code code;
    int points;
    char about[MAIL_ABOUT]; /* what it was seen in: a host, a name of a file; UTF-8, harmless to print; "" */
};

enum mail_indicator_kind { MAIL_INDICATOR_HOST, MAIL_INDICATOR_ADDRESS, MAIL_INDICATOR_FILE, MAIL_INDICATOR_SUBJECT };
const char *mail_indicator_name(enum mail_indicator_kind kind); /* "host", "address", "sha256", "subject" */

/* What an attack may be known by again. */
struct mail_indicator {
    enum mail_indicator_kind kind;
    char value[MAIL_INDICATOR]; /* a host or address in small letters; a hash in hexadecimal digits; a subject in plain words */
};

struct mail_report {
    enum mail_verdict verdict;
    int score;     /* 0 to 100 */
    bool attached; /* judged was a message that is attached to the one handed in: somebody forwarded it */
    size_t n;
    struct mail_reason reasons[MAIL_REASONS]; /* strongest first */
    size_t indicators_n;
    struct mail_indicator indicators[MAIL_INDICATORS];
    uint32_t sketch[MAIL_SKETCH]; /* of its text and where it leads */
    char from[MAIL_INDICATOR];    /* the address; "" */
    char from_name[MAIL_INDICATOR];
    char subject[MAIL_INDICATOR];
    char message_id[MAIL_INDICATOR];
    size_t links;
    size_t files;
};

/* Judges a message (with or without an mbox line before it). ERR_MISUSE: it is empty, or no mail at all (no header field known); ERR_LIMIT: longer
 * than MAIL_BYTES; ERR_SYSTEM: no memory. */
int mail_judge(const struct mail_known *k, const struct mail_lab *lab, struct span message, struct mail_report *ret, struct error *e);

/* Puts what a virus scanner found before everything else. */
void mail_report_virus(struct mail_report *r, const char *name);

/* Appends what a person may be shown of a message: header lines that matter, its text as text, links in a form that no program makes a link of
 * (hxxps://bank[.]example), the names of its files. No markup, no pictures. Capped at MAIL_SHOWN bytes. */
#define MAIL_SHOWN (128u << 10)
int mail_show(const struct mail_known *k, struct span message, struct buf *out, struct error *e);

/* The same in its parts, in this order: name, from, reply_to and subject; files; links; the text. All of it is UTF-8 without controls (the text has
 * line ends and tabs). Spans hold during the call. */
struct mail_view_file {
    struct span name;
    const char *type;   /* by content */
    const char *sha256; /* hexadecimal; "" where only its beginning is there */
    uint64_t bytes;
    bool inside; /* an archive of the message holds it */
};
struct mail_view_link {
    struct span scheme;
    struct span before; /* of the host, up to … */
    struct span site;   /* … what somebody registered */
    struct span rest;   /* path and query */
    struct span shown;  /* what a reader clicks on; empty: the address itself */
    bool dressed;       /* its address hides where it leads */
};
struct mail_view {
    void (*head)(void *context, const char *name, struct span value);
    void (*file)(void *context, const struct mail_view_file *file);
    void (*link)(void *context, const struct mail_view_link *link);
    void (*text)(void *context, struct span text);
    void *context;
};
int mail_view(const struct mail_known *k, struct span message, const struct mail_view *view, struct error *e);

/* How alike two messages are by their sketches: 0 to 100. From MAIL_ALIKE on they are the same attack for people's purposes. */
#define MAIL_ALIKE 55
int mail_alike(const uint32_t a[MAIL_SKETCH], const uint32_t b[MAIL_SKETCH]);

/* Is the message one that the program itself sent, as an exercise? secret: of the installation. True: *ret_id is the exercise's (of MAIL_OURS_ID
 * bytes with a final zero): the message has a field X-Tourniquet-Exercise: ID.MARK whose mark is the keyed hash of ID that mail_ours_mark makes.
 * Nobody outside can make one, so nobody can dress an attack as an exercise. */
#define MAIL_OURS_ID 40
#define MAIL_OURS_MARK 33
struct mail_secret {
    uint64_t k0;
    uint64_t k1;
};
void mail_ours_mark(const struct mail_secret *secret, struct span id, char out[MAIL_OURS_MARK]);
bool mail_ours(const struct mail_secret *secret, struct span message, char ret_id[MAIL_OURS_ID]);
/* Its two halves: what a message says, for who has read it; and whether that holds, for who has the secret. */
bool mail_ours_claim(struct span message, char ret_id[MAIL_OURS_ID], char ret_mark[MAIL_OURS_MARK]);
bool mail_ours_holds(const struct mail_secret *secret, struct span id, struct span mark);

#endif
