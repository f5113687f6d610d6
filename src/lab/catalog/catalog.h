/* catalog: what is known of lab device models, and which of them a device is.
 *
 * The catalog is read once from texts (docs/formats/catalog.md) and does not change afterwards: any number of threads may match at the same time.
 * What a device says is an outsider's word; nothing here trusts it beyond the confidence that the format's page explains. */
#ifndef TQ_LAB_CATALOG_H
#define TQ_LAB_CATALOG_H

#include "base/buf.h"
#include "base/error.h"

#define CATALOG_FILE_BYTES (1u << 20) /* one file */
#define CATALOG_LINE 1024             /* longest line */
#define CATALOG_FILES 1024            /* of a lab's own */
#define CATALOG_LINES 65536           /* all files together */
#define CATALOG_ENTRIES 8192          /* makers and models */

/* Keys of the format, in the order of its table (catalog_key_name). */
enum catalog_key {
    CATALOG_MAKER,
    CATALOG_MODEL,
    CATALOG_ID,
    CATALOG_CLASS,
    CATALOG_PROTOCOL,
    CATALOG_TRANSPORT,
    CATALOG_PORT,
    CATALOG_NAME,        /* a name under which makers' messages give this maker or model */
    CATALOG_COMMON_NAME, /* one that means other things too: counts only beside the maker's */
    CATALOG_SAID,        /* a header in the form that the maker fixed */
    CATALOG_SHOWS,       /* what its services show */
    CATALOG_MAC,         /* blocks registered to this maker */
    CATALOG_BUILT_BY,    /* another maker whose network card is in it */
    CATALOG_COLLIDES,    /* why its names do not settle it */
    CATALOG_OS,
    CATALOG_SUPPORT,
    CATALOG_ADVISORY,
    CATALOG_NOTE,
    CATALOG_SOURCE,
    CATALOG_SURE,
    CATALOG_KEYS
};
const char *catalog_key_name(enum catalog_key k);

enum catalog_sure { CATALOG_UNVERIFIED, CATALOG_SECOND_HAND, CATALOG_SEEN };
const char *catalog_sure_name(enum catalog_sure s);

struct catalog_line {
    enum catalog_key key;
    struct span value;
    uint32_t number; /* in its file */
};

/* A model; or a maker, whose model is empty. */
struct catalog_entry {
    struct span id;    /* of a maker: its name */
    struct span maker; /* as shown */
    struct span model; /* as shown; empty: the entry is of the maker itself */
    struct span class;
    enum catalog_sure sure;
    bool own;      /* from the lab's own files */
    bool replaced; /* the lab has an entry of the same id: not used */
    size_t of;     /* number of the first entry of its maker */
    size_t again;  /* of a maker: number of its next entry, 0: none */
    size_t first;  /* its lines: catalog_lines */
    size_t lines;
    uint64_t initials; /* with what its names and forms begin: most entries need no look */
};

struct catalog;

/* The catalog that comes with the program. NULL: no memory (ERR_SYSTEM); the build's tests know that it parses. */
struct catalog *catalog_new(struct error *e);
struct catalog *catalog_empty(struct error *e);
void catalog_free(struct catalog *c);

/* Adds one file's text (copied). own: it is the lab's, its entries replace others of the same id. ERR_MISUSE: "name:line:column: what is wrong and
 * what was expected"; the catalog is as it was before. */
int catalog_add(struct catalog *c, struct span text, const char *name, bool own, struct error *e);

size_t catalog_count(const struct catalog *c); /* entries, replaced ones too */
const struct catalog_entry *catalog_at(const struct catalog *c, size_t n);
const struct catalog_line *catalog_lines(const struct catalog *c, const struct catalog_entry *entry); /* entry->lines of them */

/* What a class is in the inventory: "analyzer", "middleware", "lis", "printer", "network" …; "unknown" for a class that is none. */
const char *catalog_role(struct span class);
bool catalog_class_known(struct span class);

/* ── matching ── */

#define CATALOG_SAID_PARTS 12 /* components of a header's sender that are looked at */
#define CATALOG_PIECES 64     /* pieces of evidence that are looked at */
#define CATALOG_REASONS 6
#define CATALOG_TOLD 30 /* below this confidence there is no candidate */

/* One piece of evidence, as asset.evidence carries it. Texts that the veil turned into tokens (T-…) say nothing here. */
struct catalog_piece {
    struct span source;                   /* hl7.msh, astm.h, poct1a.hel, snmp, http … */
    size_t said_n;                        /* components of H-5 or MSH-3, in their places, empty ones too */
    struct span said[CATALOG_SAID_PARTS]; /* 0: the sensor did not say them */
    struct span facility;                 /* MSH-4 */
    struct span maker, model, serial, software, hostname;
    struct span mac; /* only where it is the device's own, on its own segment */
    size_t used;
    char text[1400]; /* room for the texts of catalog_piece_read */
};

/* Reads a piece from its event, or from an object with the event's members. source: empty where the object has a member "source". False: no JSON
 * object. The texts are kept in the piece, which must not be moved. */
bool catalog_piece_read(struct catalog_piece *ret, struct span source, struct span json);

struct catalog_evidence {
    const struct catalog_piece *pieces;
    size_t n;
    const uint16_t *ports; /* TCP ports on which the device answers */
    size_t ports_n;
};

enum catalog_reason_kind {
    CATALOG_BY_FORM,  /* the header has the form that the maker fixed; text: what names the model */
    CATALOG_BY_MODEL, /* it says the model; text */
    CATALOG_BY_MAKER, /* it says the maker; text */
    CATALOG_BY_SHOWS, /* a service shows it; text */
    CATALOG_BY_HOSTNAME,
    CATALOG_BY_MAC,       /* text: the block */
    CATALOG_BY_PORT,      /* text: the port and what it is, from the catalog */
    CATALOG_BUT_COLLIDES, /* text: from the catalog */
    CATALOG_BUT_SECOND_HAND,
    CATALOG_BUT_UNVERIFIED,
    CATALOG_BUT_BEHIND, /* the network card is another maker's */
    CATALOG_OF_LAB,     /* the entry is the lab's own */
};

struct catalog_reason {
    enum catalog_reason_kind kind;
    struct span text;
    struct span source; /* of the piece */
    struct span maker;
};

/* Spans point into the catalog and into the evidence. */
struct catalog_candidate {
    const struct catalog_entry *entry;
    struct span maker;
    struct span model;    /* as the device says it, else as the catalog does; empty: only the maker is known */
    struct span serial;   /* of the header, where the form says which part it is; else as the sensor took it */
    struct span software; /* the same */
    struct span class;
    int confidence; /* 30 to 99: docs/formats/catalog.md */
    size_t reasons_n;
    struct catalog_reason reasons[CATALOG_REASONS];
};

/* Writes at most max candidates into out, surest first, and returns how many. Several of 60 and more are several devices at one address (a terminal
 * server, middleware). The same evidence gives the same candidates. Allocates nothing. */
size_t catalog_match(const struct catalog *c, const struct catalog_evidence *evidence, struct catalog_candidate *out, size_t max);

/* "seen": the device itself says so (60 and more); "inferred": from its network card, ports, host name. */
const char *catalog_basis(int confidence);

/* Appends a plain sentence: "Calls itself 'c111' in the ASTM header record, in the form that Roche fixes." */
void catalog_sentence(struct buf *out, const struct catalog_candidate *candidate, const struct catalog_reason *reason);

/* Appends a JSON object: id, maker, model, class, role, confidence, basis, sure, serial, software, own, reasons. What is not known is left out. */
void catalog_candidate_json(struct buf *out, const struct catalog_candidate *candidate);

/* ── parts, for tests and for other files of this room ── */

/* Compares without case and without spaces, hyphens and underscores; in the pattern "*" stands for anything, "#" for a digit. */
bool catalog_glob(struct span pattern, struct span text);

#endif
