/* What the handlers share. Only files of door/api include it. */
#ifndef TQ_DOOR_API_PRIVATE_H
#define TQ_DOOR_API_PRIVATE_H

#include "base/json.h"
#include "door/api/api.h"
#include "door/api/body.h"
#include "door/api/passkey_check.h"
#include "lab/people/account.h"
#include "lab/people/challenge.h"
#include "lab/people/passkey.h"
#include "lab/people/rate.h"
#include "lab/people/session.h"
#include "lab/people/throttle.h"
#include "lab/people/token.h"

#include <pthread.h>
#include <stdatomic.h>

#define API_READERS 8
#define PARAM_MAX 64
#define LIST_DEFAULT 100
#define LIST_MAX 200
#define ROUTE_PARAMS 2

#define API_LISTS 4 /* previewed lists that are kept */
#define API_LIST_AGE (30 * 60 * TIME_SECOND)

struct api_list {
    char token[65];
    tq_time at;
    struct buf file;
};

/* How often within an hour: of one address, or of all. */
struct api_hour {
    uint8_t who[32];
    tq_time start;
    int64_t count;
};
/* A mail that comes in pieces. */
struct api_upload {
    char person[ACCOUNT_NAME_MAX + 32]; /* "": free */
    struct buf bytes;
    tq_time at; /* monotonic: when the last one came */
};
#define API_UPLOADS 4    /* at once */
#define API_REPORTERS 64 /* addresses that reported without a name and are remembered */

/* Somebody asked for what takes two people: another person has to ask for the same (second.c). */
#define WISHES 8
#define WISH_WHY 400
struct wish_of_two {
    char person[ACCOUNT_NAME_MAX + 1]; /* "": none */
    char what[128];                    /* names the act and what it is about */
    tq_time until;                     /* monotonic */
    char why[WISH_WHY + 1];
};

struct api {
    char site[128];
    struct store *store;
    struct keeper_views *views;
    struct api_host host;
    const struct courses *courses;
    struct network_keeper *network;
    struct api_training training;
    char landing[300];
    char phishing_domains[1024];
    char phishing_language[4];
    int64_t phishing_every;
    struct sessions *sessions;
    struct throttle *throttle;
    struct rates *rates;
    struct challenges *challenges;
    char name[256];
    char origin[300];
    int64_t lock_s;
    char time_zone[64];
    char mail_to[280];          /* "mail@report.lab.example"; "": nothing is forwarded */
    char told_to[1024];         /* addresses that new findings are told to, with spaces between */
    char told_from[16];         /* the least severity */
    struct passkey_party party; /* of these two */
    uint8_t key[32];
    pthread_mutex_t passkeys;                /* passkeys and codes are judged one at a time: none counts twice */
    pthread_mutex_t change;                  /* changes are made one at a time */
    pthread_mutex_t hashing;                 /* one Argon2id at a time: it takes 64 MiB */
    pthread_mutex_t lock;                    /* guards what follows */
    struct store_conn *readers[API_READERS]; /* idle ones */
    size_t idle;
    char setup_code[SETUP_CODE_TEXT]; /* empty: used up */
    struct throttle_window setup_wrong;
    struct throttle_window enrolment_wrong;
    struct throttle_window refusals;
    int64_t refusals_left_out;
    tq_time swept;
    struct api_list lists[API_LISTS];
    struct wish_of_two wishes[WISHES];
    struct api_upload uploads[API_UPLOADS];
    struct api_hour reporters[API_REPORTERS];
    struct api_hour reports;     /* without a name, from everywhere */
    _Atomic uint64_t answers[6]; /* by first digit of the status */
    _Atomic uint64_t refused;
};

enum {
    ROUTE_OPEN = 1,     /* for anybody */
    ROUTE_SIGNED = 2,   /* for whoever is signed in */
    ROUTE_IF_MATCH = 4, /* needs If-Match; the handler compares */
    ROUTE_LIST = 8,     /* takes limit and cursor */
    ROUTE_SERIAL = 16,  /* changes something: one at a time */
    ROUTE_TOKEN = 32,   /* with ROUTE_SIGNED: an API token may ask it too */
    ROUTE_EXPORT = 64,  /* takes data out: a record of it is durable before the answer is made */
};

struct call;

struct route {
    const char *method;
    const char *path;       /* "/api/v1/devices/{id}" */
    const char *permission; /* "noun.verb"; NULL with ROUTE_OPEN or ROUTE_SIGNED */
    unsigned flags;
    void (*handle)(struct call *c);
    const char *summary;
    const char *query;  /* "q:text role:text": beyond limit and cursor; NULL: none */
    const char *body;   /* "name password": members of the body, all texts; "why?" may be left out; "@csv": a list; "@eml": a mail; NULL: none */
    const char *answer; /* schema of the answer (openapi.c); "[device]": a list of them; NULL: none */
    int success;        /* status when it went well */
};

extern const struct route api_routes[];
extern const size_t api_route_count;

struct person {
    bool known;
    char name[ACCOUNT_NAME_MAX + 32];
    char display_name[4 * ACCOUNT_DISPLAY_MAX + 1];
    unsigned roles;   /* ROLE_BITs in force here and now */
    bool two_factors; /* of a session: it was opened with a passkey, or with a code of an app beside the password */
    bool withheld;    /* there are roles, and the site's rules want a second factor before they count: roles is empty */
    char session[SESSION_HANDLE];
    char token[API_TOKEN_ID]; /* asks with an API token; "": not */
    char scopes[sizeof((struct api_token *)0)->scopes];
};

/* One request in hand. */
struct call {
    struct api *api;
    struct api_clock now;
    const struct request *request;
    struct api_reply *reply;
    const struct route *route;
    struct span params[ROUTE_PARAMS];
    struct person person;
    char origin[96];
    struct store_conn *db;
    bool looking;
    const char *proof;              /* how the person showed again that it is they; NULL: they were not asked */
    char proof_key[PASSKEY_HANDLE]; /* … by this passkey */
    struct jsonw json;              /* writes the reply's body */
    struct buf spoken;              /* what said() gave last */
};

/* May whoever asks do this ("noun.verb")? */
bool may(const struct call *c, const char *permission);
/* Fills c->person for an account. */
void person_of(struct call *c, const struct account *account, const char *session);
/* Takes the roles from c->person again where the site's rules want more of a session than a password. */
void withhold_roles(struct call *c, bool two_factors);

/* ── answers ── */

/* Ends the call with a problem (RFC 9457): a plain sentence and a code of our own ("weak-password"). */
void problem(struct call *c, int status, const char *code, const char *detail);
void problem_later(struct call *c, int status, const char *code, const char *detail, int64_t retry_after_s);
void problem_store(struct call *c, const struct error *e);
void set_etag(struct call *c, uint64_t index);
bool answered(const struct call *c);

/* A sentence of the program in the language of whoever asks (door/spoken.h); holds until the next one. */
struct span said(struct call *c, struct span english);

void put_time(struct jsonw *j, const char *key, tq_time t);                              /* 0: null */
void put_optional(struct jsonw *j, const char *key, struct span text);                   /* empty: null */
void put_ready(struct jsonw *j, const char *key, struct span json, const char *missing); /* JSON text; empty: `missing` */

/* ── what came in ── */

/* A query parameter, percent-decoded, in out (with a final zero); empty where it is missing. False: badly written or too long; the problem is set. */
bool query_text(struct call *c, const char *name, char out[PARAM_MAX + 1]);
/* The same for what people name (up to 80 characters). */
#define NAMED_MAX 320
bool query_named(struct call *c, const char *name, char out[NAMED_MAX + 1]);
void lower(char *text);

struct page {
    int64_t limit;
    bool after;
    int64_t number;               /* of the row to go on behind */
    int64_t order;                /* what the list is ordered by: a time, a rank; 0 where it is the number alone */
    char text[PARAM_MAX * 4 + 1]; /* … or a text */
};

/* Reads limit and cursor. `list` names the list: a cursor of another one is refused. False: the problem is set. */
bool query_page(struct call *c, const char *list, struct page *ret);
/* `"next":` with the cursor behind this row, or null. */
void put_next(struct jsonw *j, const char *list, bool more, const struct page *at);
/* The answer of a list: after list_begin its rows are put; list_end adds next (`more`: there are rows behind `last`) and the total. total < 0: the
 * store failed, as *e says, and so does the answer. */
void list_begin(struct call *c);
void list_end(struct call *c, const char *list, bool more, const struct page *last, int64_t total, const struct error *e);
/* The text form, for tests and fuzzing: false where it is none of this list's cursors. */
bool cursor_read(struct span cursor, const char *list, struct page *ret);
void cursor_write(struct buf *out, const char *list, const struct page *at);

/* If-Match against the noun's ETag. False: the problem (428 missing, 412 stale) is set. */
bool if_match(struct call *c, uint64_t etag);
/* If-None-Match: true and 304 is set where the reader has this very state. */
bool not_modified(struct call *c, uint64_t etag);

/* ── bodies ── */

/* body_parse, with the problem set. */
bool body_open(struct call *c, struct body *b, struct body_field *fields, size_t n);

/* The look at the store: taken before a handler runs. A handler that waits (hashing) ends it and takes it anew; else the projector would wait too. */
bool look(struct call *c); /* false: the problem is set */
void look_away(struct call *c);

/* ── changes ── */

/* Starts a decision: event, time, person, origin. The caller adds its fields and calls decide, then frees it. NULL: the problem is set. */
struct record *decision(struct call *c, enum event event);
/* Hands it to the keeper and waits; false: the problem is set. The look at the store is taken anew. */
bool decide(struct call *c, const struct record *r, uint64_t *ret_index);

/* Refuses with a record: who wanted what. */
void refuse(struct call *c, int status, const char *code, const char *detail, const char *permission);
void note_session(struct call *c, enum event event, const char *account, const char *session, const char *why);

/* ── shared between nouns ── */

struct finding_row;
void put_finding(struct call *c, const struct finding_row *row); /* the members, without the braces */
struct result_row;
void result_put(struct call *c, const struct result_row *row);       /* the members, without the braces */
void result_put_step(struct jsonw *j, const struct result_row *row); /* "step" */
void put_person(struct call *c);                                     /* the answer of GET /session */
void answer_device(struct call *c, bool whole);                      /* the device of the request; whole: as GET gives it */
/* Does a passkey of who asks sign this very request (X-Proof), or is this their password? Passwords are throttled as sign-ins are. False: the problem
 * is set, and the refusal recorded. At the local socket nobody has either: true. */
bool proof_again(struct call *c, struct span password, const char *permission);
/* proof_again with the password of a body that has nothing else in it. */
bool proved(struct call *c, const char *permission);
bool password_again(struct call *c, struct span password, const char *permission); /* its second half */
/* Is this a code of the account's app, and not used before? True also where it has none. Uses it up. */
bool totp_right(struct call *c, const struct account *account, struct span typed);
/* Has another person asked for the same within 15 minutes, or is this the machine itself? Then true, and `both` gets the reason, with the first
 * one's. Else the wish is kept and recorded, and the answer is 409 second-person with these words. */
bool second_person(struct call *c, const char *what, struct span why, struct buf *both, const char *told, const char *permission);
void second_person_done(struct call *c, const char *what);                             /* nobody waits for it any more */
bool second_person_awaited(struct call *c, const char *what, struct wish_of_two *ret); /* does somebody wait for a second person? */
/* A reason of a person: something readable, on lines without other control characters. */
bool reason_valid(struct span why);
bool known_place(struct call *c, struct span account); /* was this account signed in with from there within the last 90 days? */
bool password_good(struct call *c, const char *name, const char *display_name, struct span password); /* false: the problem is set */
bool password_make(struct call *c, struct span password, char hash[ACCOUNT_HASH_MAX]);                /* hashes; false: the problem is set */
bool password_choose(struct call *c, const struct account *a, struct span password, const char *why); /* … and writes it down */
/* May this right password let its owner in? Where it leaked, or is older than the site allows, `chosen` must take its place (empty: the problem is
 * set); where it was hashed with less work than today's, it is hashed anew. */
bool password_serves(struct call *c, struct account *a, struct span password, struct span chosen);
/* A session, its record, the answer; method: "password", "passkey" …; two_factors: a passkey, or a code beside the password, was part of it. */
void sign_in(struct call *c, const struct account *account, const char *method, bool two_factors);
void put_roles(struct jsonw *j, unsigned roles); /* "roles", "role", "permissions" */
/* The device's certificates are taken by nobody from now on: it was refused, or retired. n: its root. */
void certificates_end(struct call *c, int64_t n, const char *why);
/* Appends the ids of devices that have a certificate in force, or may bring a request for one, each on a line. */
void certificates_held(struct call *c, struct buf *out);
struct act_row;
void act_put(struct call *c, const struct act_row *row); /* the members, without the braces */
void name_origin(struct call *c);                        /* where the request came from, as records may show it */
void setup_code_make(char out[SETUP_CODE_TEXT]);
bool setup_code_matches(struct span typed, const char *code); /* whatever the case and the dashes; constant time */

/* Appends docs/permissions.md. */
void permissions_document(struct buf *out);

/* handlers */
void handle_passkey_wish(struct call *c);
void handle_passkey_sign_in(struct call *c);
void handle_proof_wish(struct call *c);
void handle_methods(struct call *c);
void handle_passkey_new_wish(struct call *c);
void handle_passkey_add(struct call *c);
void handle_passkey_rename(struct call *c);
void handle_passkey_remove(struct call *c);
void handle_passkey_test(struct call *c);
void handle_totp_wish(struct call *c);
void handle_totp_set(struct call *c);
void handle_totp_remove(struct call *c);
void handle_recovery_list(struct call *c);
void handle_recovery_ask(struct call *c);
void handle_recovery_approve(struct call *c);
void handle_recovery_withdraw(struct call *c);
void handle_recovery_wish(struct call *c);
void handle_recovery_redeem(struct call *c);
void handle_setup_get(struct call *c);
void handle_setup_post(struct call *c);
void handle_session_get(struct call *c);
void handle_session_post(struct call *c);
void handle_session_delete(struct call *c);
void handle_today(struct call *c);
void handle_device_list(struct call *c);
void handle_device_get(struct call *c);
void handle_device_name(struct call *c);
void handle_device_edit(struct call *c);
void handle_device_preview(struct call *c);
void handle_device_import(struct call *c);
void handle_device_imports(struct call *c);
void handle_device_unimport(struct call *c);
void handle_device_csv(struct call *c);
void handle_device_cyclonedx(struct call *c);
void handle_device_admission(struct call *c);
void handle_admission_learnt(struct call *c);
void handle_device_radius(struct call *c);
void handle_device_join(struct call *c);
void handle_device_split(struct call *c);
void handle_device_distinct(struct call *c);
void handle_network(struct call *c);
void handle_result_list(struct call *c);
void handle_result_summary(struct call *c);
void handle_result_get(struct call *c);
void handle_message_list(struct call *c);
void handle_finding_list(struct call *c);
void handle_finding_get(struct call *c);
void handle_finding_take(struct call *c);
void handle_finding_release(struct call *c);
void handle_finding_dismiss(struct call *c);
void handle_finding_reopen(struct call *c);
void handle_told_get(struct call *c);
void handle_told_test(struct call *c);
void handle_look_post(struct call *c);
void handle_proof_post(struct call *c);
void handle_look_list(struct call *c);
void handle_keys_get(struct call *c);
void handle_keys_erase(struct call *c);
void handle_keys_rotate(struct call *c);
void handle_keys_recovery(struct call *c);
void handle_keys_recovery_test(struct call *c);
void handle_ledger_get(struct call *c);
void handle_ledger_verify(struct call *c);
void handle_ledger_records(struct call *c);
void handle_ledger_proof(struct call *c);
void handle_ledger_offer(struct call *c);
void handle_ledger_cosignature(struct call *c);
void handle_ledger_check(struct call *c);
void handle_witnesses(struct call *c);
void handle_witness_ask(struct call *c);
void handle_task_list(struct call *c);
void handle_verify_cancel(struct call *c);
void handle_backup_cancel(struct call *c);
void handle_backup_list(struct call *c);
void handle_backup_make(struct call *c);
void handle_backup_test(struct call *c);
void handle_disk(struct call *c);
void handle_course_list(struct call *c);
void handle_course_get(struct call *c);
void handle_course_picture(struct call *c);
void handle_practice(struct call *c);
void handle_attempt_begin(struct call *c);
void handle_attempt_get(struct call *c);
void handle_attempt_answer(struct call *c);
void handle_attempt_sign(struct call *c);
void handle_policy_read(struct call *c);
void handle_policy_sign(struct call *c);
void handle_training_mine(struct call *c);
void handle_training_overview(struct call *c);
void handle_training_people(struct call *c);
void handle_training_person(struct call *c);
void handle_training_contact(struct call *c);
void handle_training_rules(struct call *c);
void handle_training_assign(struct call *c);
void handle_training_unassign(struct call *c);
void handle_training_refresher(struct call *c);
void handle_culture(struct call *c);
void handle_phishing_list(struct call *c);
void handle_phishing_plan(struct call *c);
void handle_phishing_get(struct call *c);
void handle_phishing_stop(struct call *c);
void handle_phishing_mine(struct call *c);
void handle_phishing_landing(struct call *c); /* takes the look, and the lock of changes, itself */
/* Does a text that whoever asks reports (a mail's decoded text and its links, in any order) carry a token of a simulated mail? Where it is their own,
 * it is written down as reported; how: "mail", "report". False also where the store failed. */
bool phishing_reported_text(struct call *c, struct span text, const char *how);
/* Whoever asks reported a mail that bears this simulation's mark: theirs counts as reported. */
void phishing_reported_mail(struct call *c, struct span campaign);
/* Somebody reported "a message" and gave nothing of it: where a simulated mail reached them in the last days, it is that. */
void phishing_reported_some(struct call *c);
void handle_training_classes(struct call *c);
void handle_training_class(struct call *c);
void handle_training_remind(struct call *c);
void handle_training_topics(struct call *c);
void handle_training_csv(struct call *c);
void handle_training_history_csv(struct call *c);
void handle_training_evidence(struct call *c);
void handle_training_certificate(struct call *c);
void handle_training_paper(struct call *c);
void handle_training_verify(struct call *c);
void handle_certificate_list(struct call *c);
void handle_certificate_chain(struct call *c);
void handle_certificate_rotate(struct call *c);
void handle_pki_succeed(struct call *c);
void handle_certificate_request(struct call *c);
void handle_certificate_install(struct call *c);
void handle_certificate_revoke(struct call *c);
void handle_pki_init(struct call *c);
void handle_pki_authority(struct call *c);
void handle_pki_crl(struct call *c);
void handle_enrolment_new(struct call *c);
void handle_enrolment_withdraw(struct call *c);
void handle_enrolment_redeem(struct call *c);
void handle_sensor(struct call *c);
void handle_door_list(struct call *c);
void handle_door_choices(struct call *c);
void handle_door_get(struct call *c);
void handle_door_ask(struct call *c);
void handle_door_approve(struct call *c);
void handle_door_refuse(struct call *c);
void handle_door_close(struct call *c);
void handle_link_list(struct call *c);
void handle_link_bypass(struct call *c);
void handle_link_hold(struct call *c);
void handle_link_policy(struct call *c);
void handle_people_list(struct call *c);
void handle_people_new(struct call *c);
void handle_people_import(struct call *c);
void handle_people_get(struct call *c);
void handle_people_edit(struct call *c);
void handle_people_grant(struct call *c);
void handle_people_withdraw(struct call *c);
void handle_people_close(struct call *c);
void handle_people_reopen(struct call *c);
void handle_people_reset(struct call *c);
void handle_people_why(struct call *c);
void handle_people_review(struct call *c);
void handle_emergency(struct call *c);
void handle_roles(struct call *c);
void handle_act_list(struct call *c);
void handle_search(struct call *c);
void handle_search_clear(struct call *c);
void handle_report_file(struct call *c);
void handle_report_nameless(struct call *c);
void handle_report_status(struct call *c);
void handle_report_list(struct call *c);
void handle_report_get(struct call *c);
void handle_report_take(struct call *c);
void handle_report_release(struct call *c);
void handle_report_answer(struct call *c);
void handle_report_close(struct call *c);
void handle_report_photo(struct call *c);
void handle_mail_report(struct call *c);
void handle_mail_piece(struct call *c);
void handle_mail_list(struct call *c);
void handle_mail_get(struct call *c);
void handle_mail_look(struct call *c);
void handle_mail_decide(struct call *c);
void handle_indicator_list(struct call *c);
void handle_act_why(struct call *c);
void handle_policy_get(struct call *c);
void handle_policy_put(struct call *c);
void handle_invitation(struct call *c);
void handle_own_password(struct call *c);
void handle_session_list(struct call *c);
void handle_session_end(struct call *c);
void handle_token_list(struct call *c);
void handle_token_new(struct call *c);
void handle_token_revoke(struct call *c);
void handle_stream(struct call *c);
void handle_openapi(struct call *c);
void handle_ready(struct call *c);
void handle_metrics(struct call *c);
void handle_unlock_get(struct call *c);
void handle_unlock_post(struct call *c);

#endif
