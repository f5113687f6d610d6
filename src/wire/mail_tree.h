/* mail_tree: the parts of a MIME message (RFC 2046), as views into its bytes. Bounded whatever is sent: so many parts, so deep; what is beyond stays
 * one part, undivided, and is told. */
#ifndef TQ_WIRE_MAIL_TREE_H
#define TQ_WIRE_MAIL_TREE_H

#include "wire/mail_transfer.h"

#define MAIL_PARTS 256
#define MAIL_DEPTH 16
#define MAIL_TYPE 80

struct mail_part {
    struct span head; /* its fields */
    struct span body; /* as it stands, still encoded */
    uint16_t parent;  /* place of the part that it lies in; its own for the message itself */
    uint16_t depth;
    enum mail_encoding encoding;
    bool divided;         /* its parts follow */
    bool message;         /* message/rfc822 whose message is the next part (not where it is encoded) */
    bool inner;           /* it is, or lies in, a message that is attached */
    char type[MAIL_TYPE]; /* "text/plain" where nothing is said */
};

struct mail_tree {
    size_t n;
    bool too_deep;
    bool too_many;
    bool unclosed; /* a boundary that never ends, or that is not there at all */
    struct mail_part parts[MAIL_PARTS];
};

/* Reads a whole message. Its bytes must stay. */
void mail_tree_read(struct mail_tree *t, struct span message);

#endif
