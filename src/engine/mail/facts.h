/* facts: what a message holds, without any judgement. Of this room only. */
#ifndef TQ_ENGINE_MAIL_FACTS_H
#define TQ_ENGINE_MAIL_FACTS_H

#include "engine/mail/fold.h"
#include "engine/mail/known.h"
#include "wire/mail_tree.h"
#include "wire/sha256.h"
#include "wire/url.h"

#define FACTS_LINKS 256
#define FACTS_FILES 48
#define FACTS_TEXT (512u << 10)   /* bytes of shown text that are read */
#define FACTS_KEPT (4u << 20)     /* bytes of all that is kept */
#define FACTS_FILE (32u << 20)    /* bytes of an attachment that are looked into */
#define FACTS_UNPACKED (8u << 20) /* bytes that are unpacked of all archives and documents of a message */

enum link_where { LINK_PAGE, LINK_TEXT, LINK_FORM, LINK_REFRESH, LINK_PICTURE, LINK_FILE, LINK_CALENDAR };

struct facts_link {
    enum link_where where;
    struct span url;   /* decoded, where it really leads: a mail filter's wrapping is taken off */
    struct span shown; /* the text that a reader clicks on, UTF-8; empty: none, or it is the address itself */
    struct span host;  /* small letters; empty: none */
    char scheme[12];
    bool ip;
    bool dressed;
    bool userinfo;
    bool picture; /* what is clicked on is a picture */
    uint32_t port;
    struct span path;
    struct span query;
    struct span fragment;
};

struct facts_file {
    struct span name; /* UTF-8, "" where it has none */
    const char *type; /* by content */
    uint64_t bytes;
    uint32_t flags;                    /* of its content, ATTACHMENT_* */
    uint32_t named;                    /* what its name's end says */
    bool lies;                         /* the name shows another end than it has */
    bool differs;                      /* the content is not what the name says */
    bool inside;                       /* an archive of the message holds it */
    bool embedded;                     /* a picture of the text */
    char sha256[2 * SHA256_BYTES + 1]; /* "" where only its beginning is there */
};

struct arena {
    struct block *blocks;
    size_t used;
};

struct facts {
    struct arena arena;
    struct mail_tree tree;
    /* the sender and others, as they stand: addresses in small letters */
    size_t from_n;
    struct span from_name; /* UTF-8 */
    struct span from;      /* local@domain */
    struct span from_host;
    struct span reply_to;
    struct span reply_host;
    struct span return_host;
    struct span sender_host;
    struct span to; /* the first recipient */
    struct span to_host;
    size_t to_n;
    struct span subject;
    struct span message_id_host;
    struct span message_id;
    bool has_date;
    bool has_message_id;
    bool list;      /* List-Id, List-Post, Precedence: list or bulk */
    bool list_post; /* people talk to each other there */
    bool unsubscribe;
    bool answer;      /* In-Reply-To or References, and a subject that says so */
    bool script_sent; /* by a script on a web server */
    bool report;      /* a mail server's report that something could not be delivered */
    size_t received;
    /* what is shown */
    struct buf text;      /* UTF-8, lines */
    struct buf words;     /* folded: subject, then text */
    size_t subject_words; /* bytes of `words` that are the subject's */
    struct fold fold;
    size_t html_parts;
    size_t hidden;   /* characters of text that is not shown */
    size_t pictures; /* <img> */
    size_t picture_bytes;
    bool form;
    bool asks_password;
    bool script;
    bool lies_charset;
    bool calendar;
    struct facts_link links[FACTS_LINKS];
    size_t links_n;
    bool links_cut;
    struct facts_file files[FACTS_FILES];
    size_t files_n;
    bool files_cut;
    size_t unpacked;      /* bytes */
    struct span attached; /* the first message that is attached, decoded; empty: none */
    size_t attached_n;
};

/* Reads a message into *f (large: keep it on the heap, zeroed). False: no memory. */
bool facts_read(const struct mail_known *k, struct facts *f, struct span message);
void facts_release(struct facts *f);

/* Bytes that live as long as the facts; cut where FACTS_KEPT is reached. */
struct span facts_keep(struct facts *f, struct span bytes);
struct span facts_keep_lower(struct facts *f, struct span bytes);

/* page.c: reads HTML. file: it is an attachment: its text is not the message's; returns what it could do (ATTACHMENT_*). */
uint32_t facts_page(const struct mail_known *k, struct facts *f, struct span html, bool file);
void facts_link_add(const struct mail_known *k, struct facts *f, enum link_where where, struct span url, struct span shown, bool picture);
void facts_text_links(const struct mail_known *k, struct facts *f, struct span text, enum link_where where);

/* files.c: looks into an attachment. */
void facts_file_add(const struct mail_known *k, struct facts *f, struct span name, struct span bytes, uint64_t size, bool whole, bool embedded);

#endif
