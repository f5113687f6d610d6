/* poct1a: point-of-care messages (POCT1-A, device messaging layer): a TCP stream of XML documents, read without a DTD and without entities but the
 * five. Namespaces are not resolved: a prefix is left out. UTF-16 is not read.
 *
 * There is no length and no delimiter: a message ends with the close tag of its root element. Two readers:
 *   poct1a_frame    the stream, byte for byte, in any pieces: where a message begins and ends. The same events however the stream is cut
 *   poct1a_reader   one whole message: elements, attributes, text, in order; stops at the first thing that is not well formed
 * Neither allocates. Names of elements are compared as bytes; nothing is fetched, expanded or looked up. */
#ifndef TQ_WIRE_POCT1A_H
#define TQ_WIRE_POCT1A_H

#include "base/span.h"

#define POCT1A_NAME 32       /* longest name of a root element, longest start of a tag that is remembered */
#define POCT1A_DEPTH 16      /* most open elements */
#define POCT1A_ATTRIBUTES 16 /* most attributes of one element */
#define POCT1A_VALUE 4096    /* longest attribute */
#define POCT1A_TIME_TEXT 40

/* ── the stream ── */

struct poct1a_frame {
    uint8_t state;
    uint8_t quote;   /* inside a tag: the quote that is open */
    uint8_t matched; /* bytes of "-->" or "]]>" seen */
    bool open;       /* inside a message */
    bool closing;    /* in the close tag of the root */
    bool empty;      /* the byte before was a slash: the tag may close itself */
    bool begin;      /* POCT1A_START comes next */
    bool doctype;    /* a document type declaration came before the root: the caller looks at POCT1A_START and clears it */
    uint8_t head_n;
    uint8_t root_n;
    uint8_t head[POCT1A_NAME]; /* of the tag being read, behind its '<' */
    uint8_t root[POCT1A_NAME]; /* name of the open message's root */
};

enum poct1a_event {
    POCT1A_MORE,  /* the input is used up */
    POCT1A_START, /* a message begins: '<', root[0, root_n) are read; the rest of it is next in the input */
    POCT1A_END,   /* the message ends with the byte read last */
    POCT1A_LOST,  /* another message, or XML declaration, begins before this one has ended; POCT1A_START may follow */
};

/* Reads on in *in. An all-zero frame is ready to read. */
enum poct1a_event poct1a_frame_next(struct poct1a_frame *f, struct span *in);

/* Bytes of the stream are lost: what was open is forgotten. True: a message was. */
bool poct1a_frame_gap(struct poct1a_frame *f);

/* Nothing is half read: the next bytes are looked at afresh. */
bool poct1a_frame_idle(const struct poct1a_frame *f);

/* ── a message ── */

enum poct1a_token {
    POCT1A_OPEN,  /* an element: name, attributes */
    POCT1A_CLOSE, /* the end of element `name`; comes for <a/> too */
    POCT1A_TEXT,  /* text that is more than white space */
    POCT1A_DONE,  /* the root is closed and nothing follows it */
    POCT1A_BAD,   /* not well formed: flaw, at byte `at`. Stays so */
};

struct poct1a_reader {
    struct span rest;
    size_t size;
    struct span name;
    struct span text;
    size_t attributes;
    struct {
        struct span name;
        struct span value; /* as it stands, with entities */
    } attribute[POCT1A_ATTRIBUTES];
    size_t depth;
    struct span open[POCT1A_DEPTH];
    bool empty;
    bool rooted;      /* the root was seen */
    bool declares;    /* the flaw is a document type declaration or an entity that is not one of the five */
    const char *flaw; /* a plain sentence without content; NULL: none */
    size_t at;
};

/* A name without the prefix of its namespace. */
struct span poct1a_local(struct span name);

void poct1a_start(struct poct1a_reader *r, struct span message);
enum poct1a_token poct1a_next(struct poct1a_reader *r);

/* The attribute of the element that was opened last; empty where it has none. */
struct span poct1a_attribute(const struct poct1a_reader *r, const char *name);

/* Replaces the five entities and characters by number. out has room for raw.n bytes. Returns the length. */
size_t poct1a_text(struct span raw, uint8_t *out);

/* A time as the standard writes it, YYYY-MM-DDThh:mm[:ss[.fraction]][Z or ±hh:mm], copied when it is one. Returns the length, 0: it is none. */
size_t poct1a_time(struct span s, char out[POCT1A_TIME_TEXT]);

#endif
