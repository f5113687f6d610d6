/* html: tokens of HTML as browsers and mail programs split it (WHATWG HTML, section 13.2.5, what matters of it), for facts about a text and never to
 * show it. Any bytes are taken; nothing allocates; a token is a view into the text. */
#ifndef TQ_WIRE_HTML_H
#define TQ_WIRE_HTML_H

#include "base/buf.h"

enum html_kind { HTML_END, HTML_TEXT, HTML_OPEN, HTML_CLOSE, HTML_COMMENT, HTML_RAW /* inside script and style */ };

#define HTML_NAME 24

struct html {
    struct span rest;
    char raw[HTML_NAME]; /* "script", "style" …: its end is looked for */
};

struct html_token {
    enum html_kind kind;
    char name[HTML_NAME];   /* of a tag, in small letters, cut */
    struct span text;       /* of HTML_TEXT, HTML_RAW, HTML_COMMENT */
    struct span attributes; /* of HTML_OPEN */
    bool closed;            /* <name/> */
};

static inline struct html html_of(struct span text)
{
    return (struct html){.rest = text};
}

/* The next token; HTML_END at the end. */
enum html_kind html_next(struct html *h, struct html_token *t);

/* Takes the next attribute of *rest. value: undecoded, without its quotes; empty where there is none. */
bool html_attribute_next(struct span *rest, struct span *ret_name, struct span *ret_value);
/* The first attribute of that name (small letters). False: there is none. */
bool html_attribute(const struct html_token *t, const char *name, struct span *ret_value);

/* Appends text with its character references decoded (numbers, and the names that matter). */
void html_decode(struct buf *out, struct span text);

#endif
