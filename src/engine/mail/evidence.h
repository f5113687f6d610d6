/* evidence: reasons as they are gathered. Of this room only. */
#ifndef TQ_ENGINE_MAIL_EVIDENCE_H
#define TQ_ENGINE_MAIL_EVIDENCE_H

#include "engine/mail/auth.h"
#include "engine/mail/facts.h"
#include "engine/mail/phrases.h"

struct evidence {
    const struct mail_known *k;
    const struct mail_lab *lab;
    const struct facts *f;
    struct auth auth;
    struct phrases_found words;
    int points[MAIL_CODES]; /* 0: not seen */
    char about[MAIL_CODES][MAIL_ABOUT];
    /* of the sender */
    uint32_t from_kinds;
    uint16_t from_name;  /* organisation whose domain the sender's is */
    uint16_t spoken_for; /* organisation that the sender calls itself */
    bool from_own;
    bool bulk;
    /* of links that can be clicked */
    size_t clickable;
    bool all_home;       /* … and all lead to the sender, the lab or well-known sites */
    struct span foreign; /* the first that does not */
    struct span bad;     /* the first with something wrong about it */
    bool bad_in_file;
    bool device_code;
    bool bad_file;
};

/* Sees a reason once; points 0: those of the table. */
void evidence_add(struct evidence *v, enum mail_code code, int points, struct span about);
static inline bool evidence_has(const struct evidence *v, enum mail_code code)
{
    return v->points[code] != 0;
}

bool evidence_own(const struct evidence *v, struct span host); /* one of the lab's domains (or, where none is known, the recipient's) */
bool evidence_same_site(const struct evidence *v, struct span a, struct span b);

void evidence_sender(struct evidence *v);
void evidence_links(struct evidence *v);
void evidence_files(struct evidence *v);
void evidence_words(struct evidence *v); /* words, form, and what all of it means together: the last */

#endif
