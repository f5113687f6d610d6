/* Templates of phishing simulations: texts of catalog/phishing, embedded when the program is built (docs/formats/phishing.md). */
#ifndef TQ_LAB_PHISHING_TEMPLATE_H
#define TQ_LAB_PHISHING_TEMPLATE_H

#include "base/buf.h"
#include "base/error.h"

#define PHISHING_ID 40    /* most bytes of a template's id */
#define PHISHING_SIGNS 8  /* most signs */
#define PHISHING_LINE 400 /* most bytes of a line */

struct phishing_file {
    const char *name;
    const char *text;
};
extern const struct phishing_file phishing_files[];
extern const size_t phishing_files_count;

/* One language of a template. Spans point into the text that was read. */
struct phishing_words {
    struct span name, sender, subject;
    struct span text; /* lines that begin with a space; {name} and {link} stand in it */
    struct span headline, prompt, button;
    struct span sign[PHISHING_SIGNS];
    size_t signs;
};

struct phishing_template {
    struct span id;
    struct span course; /* the refresher for whoever followed the link */
    bool sign_in;       /* the landing page begins with a sign-in that goes nowhere */
    struct phishing_words words[2];
};
enum phishing_language { PHISHING_EN, PHISHING_ES };

/* ERR_MISUSE: "name:line: what is wrong". */
int phishing_template_read(struct phishing_template *ret, const char *name, struct span text, struct error *e);

size_t phishing_template_count(void);
/* One of the program's own; false: there is none of this number, or of this id. */
bool phishing_template_at(size_t i, struct phishing_template *ret);
bool phishing_template_find(struct span id, struct phishing_template *ret);

/* Appends the mail's text, with LF at the ends of lines. */
void phishing_text(struct buf *out, const struct phishing_words *w, struct span name, struct span link);

#endif
