/* known: what names, hosts and phrases of catalog/mail mean. Of this room only. */
#ifndef TQ_ENGINE_MAIL_KNOWN_H
#define TQ_ENGINE_MAIL_KNOWN_H

#include "base/table.h"
#include "engine/mail/mail.h"
#include "engine/mail/phrases.h"

#define KNOWN_NAMES 512
#define KNOWN_LABELS 1024
#define KNOWN_WORDS 8

#define HOST_FREEMAIL 0x1U
#define HOST_SHORTENER 0x2U
#define HOST_HOSTING 0x4U
#define HOST_SENDER 0x8U
#define HOST_WRAPPER 0x10U
#define HOST_REDIRECT 0x20U
#define HOST_TLD 0x40U
#define HOST_SUFFIX 0x80U
#define HOST_FORM 0x100U
#define HOST_NAMED 0x200U /* of an organisation in names.txt */
#define HOST_PICTURE 0x400U

#define NO_NAME UINT16_MAX

struct known_name {
    char words[KNOWN_WORDS][40]; /* folded */
    bool everyday[KNOWN_WORDS];  /* a surname or such: counts only where it is meant */
    size_t words_n;
    bool consumer;  /* a shop or such, with more domains than are known here: its name counts less, and no domain is said to imitate it */
    char first[64]; /* its first domain */
};

struct known_label { /* "paypal" of paypal.com */
    char text[32];
    size_t n;
    uint16_t name;
};

struct known_host {
    uint32_t kinds;
    uint16_t name;
};

struct mail_known {
    struct known_name names[KNOWN_NAMES];
    size_t names_n;
    struct known_label labels[KNOWN_LABELS];
    size_t labels_n;
    struct table *hosts; /* domain → struct known_host */
    struct phrases *phrases;
};

/* What a host is: the kinds of all domains that it lies in; *ret_name (may be NULL) the organisation, NO_NAME: none. */
uint32_t known_host_kinds(const struct mail_known *k, struct span host, uint16_t *ret_name);

/* The part of a host that somebody registered: "mail.lab.example.co.uk" → "example.co.uk". */
struct span known_site(const struct mail_known *k, struct span host);

enum looks { LOOKS_NOT, LOOKS_LIKE, LOOKS_HOLDS };

/* Does a host look like an organisation's that it is not? LIKE: like it letter by letter; HOLDS: with its name in it. */
enum looks known_looks(const struct mail_known *k, struct span host, uint16_t *ret_name);

/* The same for one domain, such as the lab's own. */
enum looks known_looks_like(const struct mail_known *k, struct span host, struct span domain);

/* Does the registered part of a host say the organisation's name (without spaces)? */
bool known_site_says(const struct mail_known *k, struct span host, uint16_t name);

/* Which organisation's words stand in a folded text; NO_NAME: none. whole: the text is a sender's name: everyday words count there, alone or beside a
 * department's. */
uint16_t known_named(const struct mail_known *k, struct span folded, bool whole);

#endif
