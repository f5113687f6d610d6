/* The table of keys of lab.yaml; for config.c and config_document.c only. */
#ifndef TQ_PROC_CONFIG_KEYS_H
#define TQ_PROC_CONFIG_KEYS_H

#include "proc/config.h"
#include "proc/start.h"

enum config_type {
    CONFIG_MAP,       /* holds keys */
    CONFIG_LIST,      /* of maps */
    CONFIG_LABEL,     /* a short name: letters, digits, - and _ */
    CONFIG_FILE,      /* an absolute path */
    CONFIG_INTERFACE, /* a network interface */
    CONFIG_ADDRESS,   /* address:port */
    CONFIG_TARGET,    /* address or host name, :port */
    CONFIG_HOSTNAME,  /* a host name, never an address */
    CONFIG_URL,       /* http:// or https:// */
    CONFIG_VERIFIER,  /* a public key: name+number+key, as `ledger witness new` prints it */
    CONFIG_CHOICE,    /* one of `choices` */
    CONFIG_NUMBER,    /* a number from 1 to `most`; int64_t */
    CONFIG_DURATION,  /* a number with s, m, h or d; int64_t, seconds */
    CONFIG_MILLIS,    /* a number with ms or s; int64_t, milliseconds */
    CONFIG_PIN,       /* sha256/ and 43 or 44 characters of base64, or a list of such; kept a line each */
    CONFIG_ZONE,      /* the name of a time zone */
    CONFIG_MAIL,      /* a mail address */
    CONFIG_ACCOUNT,   /* a name at another system: printable, without spaces */
    CONFIG_WORDS,     /* words, as a list; kept a line each */
    CONFIG_NETWORKS,  /* networks or addresses, as a list; kept a line each */
};

struct config_key {
    const char *path; /* "relay[].tls.to" */
    enum config_type type;
    bool required;       /* in its map */
    size_t offset;       /* in struct config, or in the list's element */
    size_t size;         /* of the field; of one element (list) */
    size_t count_offset; /* list: where the number of elements is kept */
    size_t most;         /* list: most elements; number: the greatest */
    const char *initial; /* default, as text; NULL: none */
    const char *choices; /* "a b c" */
    const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* What a value of this key has to be, in words. */
const char *config_expected(const struct config_key *key, char *scratch, size_t size);

/* Adds a word to a CONFIG_WORDS; false: it is none, or there is no room. */
bool config_add_word(const struct config_key *key, struct span word, void *base);

/* What the last of n entries of a list says as a whole: NULL where it holds, else what is wrong. prefix: "relay[]". */
const char *config_wrong_entry(const char *prefix, const void *entries, size_t n);

/* Stores a text value; false: it is not what is expected. base: the struct that offset counts from. */
bool config_store(const struct config_key *key, struct span text, void *base);

/* Each setting by the name of its map or list ("backup", "relay"), with a digest of all that it says, defaults among it. Gives how many, at most
 * START_SETTINGS. */
size_t config_settings(const struct config *c, struct start_setting out[START_SETTINGS]);

#endif
