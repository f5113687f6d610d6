/* The configuration, lab.yaml. One table of keys (config_keys.c) gives the parser, the defaults, the texts of errors and docs/configuration.md. */
#ifndef TQ_PROC_CONFIG_H
#define TQ_PROC_CONFIG_H

#include "base/buf.h"
#include "base/error.h"

#define CONFIG_BYTES (1u << 20) /* largest lab.yaml */
#define CONFIG_PATH 1024
#define CONFIG_NAME 64
#define CONFIG_HOST 256
#define CONFIG_CAPTURES 16
#define CONFIG_RELAYS 64
#define CONFIG_CONNECTIONS 32 /* of one link to the LIS */
#define CONFIG_LISTENERS 8
#define CONFIG_WITNESSES 8
#define CONFIG_LINE 512

struct config_endpoint {
    char host[CONFIG_HOST]; /* an address, or (where a key allows it) a host name */
    uint16_t port;          /* 0: not given */
};

struct config_capture {
    char interface[16];
};

#define CONFIG_WORDS_MAX 1024
#define CONFIG_PINS 256

/* A link. Of listen and connect one is given (the analyzer's side), of forward and accept one (the LIS's). */
struct config_relay {
    char name[CONFIG_NAME];
    struct config_endpoint listen;
    struct config_endpoint connect;
    struct config_endpoint forward;
    struct config_endpoint accept;
    char protocol[CONFIG_NAME];
    char tls_from[CONFIG_NAME];
    char tls_to[CONFIG_NAME];
    char tls_pin[CONFIG_PINS];       /* sha256/BASE64 of the LIS's public key, a line each; "": none */
    char tls_authority[CONFIG_PATH]; /* of the LIS's certificate; "": the lab's own */
    char tls_min[CONFIG_NAME];       /* 1.2, 1.3 */
    char tls_name[CONFIG_HOST];      /* in the LIS's certificate; "": the host of forward */
    char mode[CONFIG_NAME];          /* end-to-end, store-and-forward */
    char unrecorded[CONFIG_NAME];
    char unknown[CONFIG_NAME];           /* pass, flag, refuse */
    char record[CONFIG_NAME];            /* on, off */
    int64_t record_wait;                 /* milliseconds */
    int64_t delay_limit;                 /* milliseconds */
    int64_t queue_max;                   /* messages */
    int64_t connections;                 /* to the LIS, that deliver */
    int64_t learn;                       /* seconds; 0: it does not learn */
    char policy_types[CONFIG_WORDS_MAX]; /* words, a line each */
    char policy_senders[CONFIG_WORDS_MAX];
    char policy_tests[CONFIG_WORDS_MAX];
    int64_t policy_size; /* bytes; 0: as large as the engine takes */
    int64_t policy_rate; /* messages a minute; 0: any */
};

struct config_listener {
    char purpose[CONFIG_NAME];
    struct config_endpoint listen;
    char name[CONFIG_HOST];
};

struct config_witness {
    char name[CONFIG_NAME];
    char url[CONFIG_LINE];
    char key[256];
    char authority[CONFIG_PATH]; /* "": the machine's */
};

struct config {
    char site[CONFIG_NAME];
    char data[CONFIG_PATH];
    char breached[CONFIG_PATH];                                                                         /* a file; "": none */
    char catalog[CONFIG_PATH];                                                                          /* "": none */
    char courses[CONFIG_PATH];                                                                          /* "": none */
    char policies[CONFIG_PATH];                                                                         /* "": none */
    char time_zone[CONFIG_NAME];                                                                        /* "": the machine's */
    int64_t training_questions, training_tries, training_cool_down, training_remind, training_escalate; /* numbers; seconds; days */
    struct config_endpoint mail_server;                                                                 /* port 0: no mail */
    char mail_tls[CONFIG_NAME];
    char mail_from[CONFIG_HOST];
    char mail_user[CONFIG_HOST];
    char mail_password[CONFIG_PATH];  /* a file; "": none */
    char mail_authority[CONFIG_PATH]; /* "": the machine's */
    char mail_language[CONFIG_NAME];
    char mail_domains[CONFIG_WORDS_MAX];  /* the lab's own, a line each */
    char mail_receiver[CONFIG_HOST];      /* what its mail server calls itself in Authentication-Results; "": not known */
    char mail_scanner[CONFIG_PATH];       /* clamd's socket; "": none */
    char mail_findings[CONFIG_WORDS_MAX]; /* addresses that new findings are told to, a line each */
    char mail_findings_from[CONFIG_NAME];
    char mail_servers[CONFIG_WORDS_MAX];     /* networks that mail about mail may come from, a line each */
    char mail_arrives[CONFIG_NAME];          /* starttls, or off: also in clear */
    char phishing_domains[CONFIG_WORDS_MAX]; /* a line each; "": no simulation may be sent */
    char phishing_from[CONFIG_HOST];         /* "": mail_from */
    int64_t phishing_every;                  /* days */
    char labels[CONFIG_NAME];
    char root_key[CONFIG_NAME]; /* where the ledger's root key comes from: root_kind_of */
    char credential[CONFIG_NAME];
    char bodies[CONFIG_NAME];
    char packets[CONFIG_NAME];   /* MiB, as a number */
    char backup_to[CONFIG_PATH]; /* "": no backups */
    int64_t backup_every;        /* seconds */
    int64_t backup_keep;
    int64_t backup_test;       /* seconds */
    int64_t keep_observations; /* seconds; 0: for ever */
    int64_t keep_evidence;     /* the same */
    struct config_endpoint console_listen;
    char console_name[CONFIG_HOST];
    int64_t console_port;                  /* as browsers know it; 0: that of console_listen */
    int64_t console_lock;                  /* seconds that nobody touches the page before it locks */
    char warden_devices[CONFIG_WORDS_MAX]; /* networks, a line each; "": there is no warden */
    char warden_vendors[CONFIG_WORDS_MAX];
    int64_t warden_longest; /* seconds */
    size_t capture_count;
    struct config_capture capture[CONFIG_CAPTURES];
    size_t relay_count;
    struct config_relay relay[CONFIG_RELAYS];
    size_t witness_count;
    struct config_witness witness[CONFIG_WITNESSES];
    size_t listener_count;
    struct config_listener listener[CONFIG_LISTENERS];
};

/* Every default. */
void config_default(struct config *ret);

/* Reads a whole lab.yaml. name: of the file, for error texts ("lab.yaml:3:7: …"). -1: ERR_MISUSE with line, column and what was expected. */
int config_parse(struct config *ret, struct span text, const char *name, struct error *e);

/* Appends what a file holds. ERR_MISUSE: there is no such file, or it may not be read, or it is too large. */
int config_read(struct buf *text, const char *path, struct error *e);

/* Reads it from a file. ERR_MISUSE also where there is no such file, or it may not be read. */
int config_load(struct config *ret, const char *path, struct error *e);

/* Reads "10.0.5.1:5000", "[fe80::1]:5000" or, where names are allowed, "lis.example:2575". False: it is none. */
bool config_endpoint_parse(struct span text, bool names, struct config_endpoint *ret);

/* Writes it back, with brackets where it needs them. */
void config_endpoint_text(const struct config_endpoint *p, char *out, size_t size);

/* Appends docs/configuration.md. */
void config_document(struct buf *out);

#endif
