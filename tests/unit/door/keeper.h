/* A keeper small enough for a test: decisions are veiled, go on a list that stands for the ledger, and are projected at once. */
#ifndef TQ_TEST_KEEPER_H
#define TQ_TEST_KEEPER_H

#include "door/api/api.h"
#include "lab/courses/course.h"
#include "record/crypto/password.h"
#include "record/veil/veil.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEPER_PASSWORD "rhubarb kettle osprey 97"

struct keeper_record {
    struct buf veiled;
    struct buf sealed;
    struct buf body;
    uint64_t whole;
};

struct keeper {
    struct store *store;
    struct keeper_views *views;
    struct courses *courses;
    struct api *api;
    struct veil *veil;
    pthread_mutex_t lock;      /* one decision after the other */
    pthread_mutex_t kept_lock; /* kept and next: whoever reads in the store may ask for a record while a decision waits for the store */
    uint64_t next;
    char last[8192];            /* veiled text of the last decision */
    bool broken;                /* the ledger cannot be written */
    struct keeper_record *kept; /* by index */
    uint64_t erased;            /* the record whose key is gone; 0: none */
    bool verifying;
    char changed[256]; /* accounts that were told of a change: "ana:passkey.added " */
    char keys_did[64]; /* what was last done with the keys */
    struct api_clock now;
    struct api_reply reply;
    char session[65];
    char csrf[40];
    char proof[4096]; /* X-Proof of the next request; keeper_again: once more */
    char proof_before[4096];
    char language[16]; /* Accept-Language of what is asked */
    char said[8192];   /* for the test's own use */
};

static inline int keeper_apply(struct keeper *k, struct span json, struct span private_json, uint64_t *ret_index, struct error *e)
{
    struct committed c = {.index = k->next, .custody = true, .recorded = k->now.wall, .json = json, .private_json = private_json};
    if (views_apply(k->views, &c, e) != 0 || views_commit(k->views, e) != 0)
        return -1;
    (void)pthread_mutex_lock(&k->kept_lock);
    k->kept = realloc(k->kept, (k->next + 1) * sizeof *k->kept);
    if (k->kept == NULL)
        abort();
    struct keeper_record *r = &k->kept[k->next];
    *r = (struct keeper_record){.veiled = {.max = 1u << 20}, .sealed = {.max = 1u << 20}, .body = {.max = 1u << 20}};
    buf_add_span(&r->veiled, json);
    buf_add_span(&r->sealed, private_json);
    *ret_index = k->next++;
    (void)pthread_mutex_unlock(&k->kept_lock);
    return 0;
}

static inline int keeper_open_record(void *context, uint64_t index, struct buf *opened, struct api_record *ret, struct error *e)
{
    struct keeper *k = context;
    (void)pthread_mutex_lock(&k->kept_lock);
    int r = 0;
    if (index >= k->next)
        r = err_set(e, ERR_MISUSE, "no such record");
    else if (index == k->erased && index > 0)
        r = err_set(e, ERR_CLOSED, "Erased on 2 November 2026.");
    if (r == 0) {
        const struct keeper_record *kept = &k->kept[index];
        buf_add_span(opened, buf_span(&kept->veiled));
        buf_add_span(opened, buf_span(&kept->sealed));
        buf_add_span(opened, buf_span(&kept->body));
        struct span s = buf_span(opened);
        *ret = (struct api_record){.recorded = k->now.wall, .body_whole = kept->whole};
        ret->veiled = span_take(&s, kept->veiled.n);
        ret->private = span_take(&s, kept->sealed.n);
        ret->body = s;
    }
    (void)pthread_mutex_unlock(&k->kept_lock);
    return r;
}

static inline int keeper_decide(void *context, const struct record *r, uint64_t *ret_index, struct error *e)
{
    struct keeper *k = context;
    (void)pthread_mutex_lock(&k->lock);
    struct buf clear = BUF_INIT(1u << 20);
    struct buf sealed = BUF_INIT(1u << 20);
    veil_json(k->veil, &clear, r);
    veil_private_json(k->veil, &sealed, r);
    (void)snprintf(k->last, sizeof k->last, "%s", buf_text(&clear));
    int rc = k->broken ? err_set(e, ERR_SYSTEM, "the disk is full") : keeper_apply(k, buf_span(&clear), buf_span(&sealed), ret_index, e);
    for (size_t i = 0; rc == 0 && i < r->n; i++)
        if (r->fields[i].key == KEY_BODY) {
            (void)pthread_mutex_lock(&k->kept_lock);
            buf_add_span(&k->kept[*ret_index].body, r->fields[i].text);
            (void)pthread_mutex_unlock(&k->kept_lock);
        }
    buf_release(&clear);
    buf_release(&sealed);
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}

static inline void keeper_ledger_state(void *context, struct api_ledger_state *ret)
{
    struct keeper *k = context;
    *ret = (struct api_ledger_state){.records = k->next,
                                     .bytes = 4096,
                                     .first_time = k->now.wall,
                                     .checkpoint_time = k->now.wall,
                                     .origin = "tourniquet.local/test",
                                     .root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                                     .checkpoint = "a\nb\n",
                                     .verifier = "v",
                                     .verifying = k->verifying};
}

static inline int keeper_prove(void *context, uint64_t index, struct buf *out, struct error *e)
{
    struct keeper *k = context;
    if (index >= k->next)
        return err_set(e, ERR_MISUSE, "no such record");
    buf_addf(out, "c2sp.org/tlog-proof@v1\nindex %llu\n", (unsigned long long)index);
    return 0;
}

static inline int keeper_verify(void *context, struct span person, struct error *e)
{
    struct keeper *k = context;
    (void)person;
    if (k->verifying)
        return err_set(e, ERR_AGAIN, "under way");
    k->verifying = true;
    return 0;
}

static inline int keeper_offer(void *context, uint64_t old, struct buf *out, struct error *e)
{
    struct keeper *k = context;
    if (old != UINT64_MAX && old > k->next)
        return err_set(e, ERR_MISUSE, "not so many");
    buf_addf(out, "old %llu\n\n", old == UINT64_MAX ? 0ULL : (unsigned long long)old);
    return 0;
}

static inline int keeper_check(void *context, struct span proof, struct api_proof *ret, struct error *e)
{
    struct keeper *k = context;
    *ret = (struct api_proof){.index = 3, .records = k->next};
    return span_is(proof, "good") ? 0 : err_set(e, ERR_CORRUPT, "the proof does not hold");
}

static inline size_t keeper_witnesses(void *context, struct api_witness ret[API_WITNESSES])
{
    struct keeper *k = context;
    ret[0] = (struct api_witness){.name = "neighbour", .key = "n+00000000+A", .url = "https://n.example", .state = "never", .why = "nobody answers"};
    ret[1] = (struct api_witness){.name = "by hand", .key = "h+00000000+A", .state = "agrees", .any = true, .size = 7, .at = k->now.wall};
    return 2;
}

static inline int keeper_ask_witness(void *context, struct span name, struct error *e)
{
    struct keeper *k = context;
    if (!span_is(name, "neighbour"))
        return err_set(e, ERR_MISUSE, "none");
    if (k->verifying)
        return err_set(e, ERR_AGAIN, "under way");
    k->verifying = true;
    return 0;
}

static inline int keeper_bring(void *context, struct span note, const char *key, char ret_name[129], uint64_t *ret_size, struct error *e)
{
    (void)context;
    if (!span_is(note, "good"))
        return err_set(e, key[0] == 0 ? ERR_MISUSE : ERR_CORRUPT, "the checkpoint is not cosigned by it");
    (void)snprintf(ret_name, 129, "by hand");
    *ret_size = 9;
    return 0;
}

static inline int keeper_keys(void *context, struct api_keys *ret, struct error *e)
{
    (void)context, (void)e;
    *ret = (struct api_keys){.source = "file", .epoch = 2};
    return 0;
}

static inline int keeper_keys_choose(void *context, struct span patient, struct api_erasure *x, struct error *e)
{
    (void)context, (void)e;
    x->keys = patient.n == 0 || patient.p[0] == '7' ? 3 : 0;
    return 0;
}

static inline int keeper_keys_erase(void *context, const struct api_erasure *x, uint64_t record, uint64_t *ret_keys, struct error *e)
{
    struct keeper *k = context;
    (void)e;
    (void)snprintf(k->keys_did, sizeof k->keys_did, "erased by record %llu", (unsigned long long)record);
    *ret_keys = x->keys;
    return 0;
}

static inline int keeper_keys_rotate(void *context, struct span source, struct span secret, struct error *e)
{
    struct keeper *k = context;
    (void)e;
    (void)snprintf(k->keys_did, sizeof k->keys_did, "rotated to %.*s of %u", (int)source.n, source.n == 0 ? "" : (const char *)source.p, secret.n);
    return 0;
}

static inline int keeper_keys_recovery(void *context, struct span typed, char text[API_RECOVERY_TEXT], struct error *e)
{
    struct keeper *k = context;
    (void)e;
    (void)snprintf(k->keys_did, sizeof k->keys_did, "recovery %s", typed.n > 0 ? "tested" : "made");
    (void)snprintf(text, API_RECOVERY_TEXT, "the one that opens everything");
    return 0;
}

/* Of a test about mail: set before keeper_new. */
static int (*keeper_mail_read)(void *context, struct span message, bool cut, struct buf *told, struct error *e);
static bool (*keeper_mail_ours)(void *context, struct span id, struct span mark);
static size_t (*keeper_tasks)(void *context, struct api_task ret[API_TASKS]); /* likewise, about long work */
static bool (*keeper_task_cancel)(void *context, enum api_task_kind kind, struct span person);
static void (*keeper_mail_tell)(void *context, struct span account, struct span id, bool attached);

/* Of a test about links: likewise. */
static size_t (*keeper_links)(void *context, struct api_link *ret, size_t most);
static int (*keeper_link_order)(void *context, const struct api_link_order *order, struct error *e);

/* Of a test about certificates: likewise. */
static const struct api_pki *keeper_pki;

static inline void keeper_account_changed(void *context, struct span account, enum event event)
{
    struct keeper *k = context;
    size_t n = strlen(k->changed);
    (void)snprintf(k->changed + n, sizeof k->changed - n, "%.*s:%s ", (int)account.n, (const char *)account.p, event_name(event));
}

static inline struct keeper *keeper_new(void)
{
    static const uint8_t key[VEIL_KEY] = {7};
    struct error e = {0};
    struct keeper *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_mutex_init(&k->kept_lock, NULL);
    k->now = (struct api_clock){.wall = INT64_C(1795360000) * TIME_SECOND, .monotonic = 5000 * TIME_SECOND};
    k->store = store_open_memory(&e);
    k->views = views_open(k->store, "main-street", &e);
    k->veil = veil_new(key, false, &e);
    struct api_options o = {.site = "main-street",
                            .time_zone = "America/Chicago",
                            .store = k->store,
                            .views = k->views,
                            .host = {.context = k,
                                     .decide = keeper_decide,
                                     .account_changed = keeper_account_changed,
                                     .ledger_state = keeper_ledger_state,
                                     .ledger_prove = keeper_prove,
                                     .ledger_open_record = keeper_open_record,
                                     .ledger_verify = keeper_verify,
                                     .ledger_offer = keeper_offer,
                                     .ledger_check = keeper_check,
                                     .witnesses = keeper_witnesses,
                                     .witness_ask = keeper_ask_witness,
                                     .witness_bring = keeper_bring,
                                     .keys = keeper_keys,
                                     .keys_choose = keeper_keys_choose,
                                     .keys_erase = keeper_keys_erase,
                                     .keys_rotate = keeper_keys_rotate,
                                     .keys_recovery = keeper_keys_recovery}};
    if (keeper_mail_read != NULL)
        o.host.mail_read = keeper_mail_read;
    if (keeper_mail_ours != NULL)
        o.host.mail_ours = keeper_mail_ours;
    o.host.mail_tell = keeper_mail_tell;
    o.host.tasks = keeper_tasks;
    o.host.task_cancel = keeper_task_cancel;
    o.host.pki = keeper_pki;
    o.host.links = keeper_links;
    o.host.link_order = keeper_link_order;
    o.courses = k->courses = courses_new(&e);
    k->api = api_new(&o, &e);
    k->reply = API_REPLY_INIT;
    if (k->api == NULL || k->veil == NULL) {
        (void)fprintf(stderr, "%s\n", e.text);
        abort();
    }
    return k;
}

static inline void keeper_free(struct keeper *k)
{
    api_reply_release(&k->reply);
    api_free(k->api);
    courses_free(k->courses);
    views_close(k->views);
    store_close(k->store);
    veil_free(k->veil);
    (void)pthread_mutex_destroy(&k->lock);
    (void)pthread_mutex_destroy(&k->kept_lock);
    for (uint64_t i = 0; i < k->next; i++) {
        buf_release(&k->kept[i].veiled);
        buf_release(&k->kept[i].sealed);
        buf_release(&k->kept[i].body);
    }
    free(k->kept);
    free(k);
}

static inline void keeper_feed(struct keeper *k, const char *json)
{
    uint64_t index;
    struct error e = {0};
    if (keeper_apply(k, span_str(json), SPAN_LIT(""), &index, &e) != 0)
        abort();
}

/* A record with what is sealed of it. Returns its index. */
static inline uint64_t keeper_feed_sealed(struct keeper *k, const char *json, const char *sealed, struct span body, uint64_t whole)
{
    uint64_t index;
    struct error e = {0};
    if (keeper_apply(k, span_str(json), span_str(sealed), &index, &e) != 0)
        abort();
    buf_add_span(&k->kept[index].body, body);
    k->kept[index].whole = whole;
    return index;
}

/* Accounts come with a hash that is cheap to have: nobody signs in with it unless the test made it so. */
static inline void keeper_account(struct keeper *k, const char *name, const char *role, const char *hash)
{
    char json[512];
    char sealed[512];
    uint64_t index;
    struct error e = {0};
    (void)snprintf(
        json, sizeof json,
        "{\"time\":\"2026-11-22T14:00:00Z\",\"event\":\"account.created\",\"account\":\"%s\",\"display_name\":\"%s\",\"account_role\":\"%s\"}", name,
        name, role);
    (void)snprintf(sealed, sizeof sealed, "{\"password_hash\":\"%s\"}", hash);
    if (keeper_apply(k, span_str(json), span_str(sealed), &index, &e) != 0)
        abort();
}

/* Sends this request: "METHOD /path?query" and a body put into it. Returns the status. */
static inline int keeper_send(struct keeper *k, struct request r, const char *what, const char *body)
{
    r.id = 9;
    r.query = span_str(what);
    r.method = span_until(&r.query, ' ', NULL);
    r.path = span_until(&r.query, '?', NULL);
    r.body = span_str(body == NULL ? "" : body);
    api_handle(k->api, k->now, &r, &k->reply);
    (void)buf_text(&k->reply.body);
    return k->reply.r.status;
}

/* Asks with the session and CSRF token in hand. */
static inline int keeper_ask(struct keeper *k, const char *what, const char *body, const char *if_match)
{
    struct request r = {.door = DOOR_CONSOLE,
                        .session = span_str(k->session),
                        .csrf = span_str(k->csrf),
                        .proof = span_str(k->proof),
                        .if_match = span_str(if_match == NULL ? "" : if_match),
                        .language = span_str(k->language),
                        .peer = SPAN_LIT("10.0.0.5")};
    int status = keeper_send(k, r, what, body);
    memcpy(k->proof_before, k->proof, sizeof k->proof);
    k->proof[0] = 0;
    return status;
}

/* The same by a program with an API token, and nothing else. */
static inline int keeper_ask_bearer_if(struct keeper *k, const char *token, const char *what, const char *body, const char *if_match)
{
    struct request r = {
        .door = DOOR_CONSOLE, .bearer = span_str(token), .if_match = span_str(if_match == NULL ? "" : if_match), .peer = SPAN_LIT("10.0.0.9")};
    return keeper_send(k, r, what, body);
}

static inline int keeper_ask_bearer(struct keeper *k, const char *token, const char *what, const char *body)
{
    return keeper_ask_bearer_if(k, token, what, body, "1");
}

static inline void keeper_again(struct keeper *k)
{
    memcpy(k->proof, k->proof_before, sizeof k->proof);
}

static inline int keeper_ask_local(struct keeper *k, const char *what, const char *body, const char *if_match)
{
    struct request r = {.door = DOOR_LOCAL, .if_match = span_str(if_match == NULL ? "" : if_match), .peer = SPAN_LIT("uid 0")};
    return keeper_send(k, r, what, body);
}

/* As the postbox asks for whoever forwarded a mail. */
static inline int keeper_ask_posted(struct keeper *k, const char *sender, const char *what, const char *body)
{
    return keeper_send(k, (struct request){.door = DOOR_MAIL, .session = span_str(sender), .peer = SPAN_LIT("10.0.0.25")}, what, body);
}

static inline const char *keeper_text(struct keeper *k)
{
    return buf_text(&k->reply.body);
}

/* The text of a member ("key":"…") of the answer, the first of that name. */
static inline const char *keeper_member(struct keeper *k, const char *key)
{
    static char value[2048];
    char mark[64];
    (void)snprintf(mark, sizeof mark, "\"%s\":\"", key);
    const char *at = strstr(keeper_text(k), mark);
    value[0] = 0;
    if (at != NULL) {
        at += strlen(mark);
        const char *end = strchr(at, '"');
        (void)snprintf(value, sizeof value, "%.*s", end == NULL ? 0 : (int)(end - at), at);
    }
    return value;
}

/* Takes over the session of the answer, as a browser does. */
static inline void keeper_take_session(struct keeper *k)
{
    (void)snprintf(k->session, sizeof k->session, "%.*s", (int)k->reply.r.set_session.n, (const char *)k->reply.r.set_session.p);
    (void)snprintf(k->csrf, sizeof k->csrf, "%s", keeper_member(k, "csrf"));
}

/* Makes the first administrator "ana", signed in. Returns the status. */
static inline int keeper_set_up(struct keeper *k)
{
    char code[SETUP_CODE_TEXT];
    char body[256];
    (void)api_setup_code(k->api, code);
    (void)snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"Ana\",\"display_name\":\"Ana R\",\"password\":\"" KEEPER_PASSWORD "\"}", code);
    int status = keeper_ask(k, "POST /api/v1/setup", body, NULL);
    keeper_take_session(k);
    return status;
}

#define T "{\"time\":\"2026-11-22T14:00:00.000000000Z\",\"event\":"
#define FLOW "\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.0.5.7\",\"sport\":4000,\"dst\":\"10.0.5.1\",\"dport\":2575,\"vlan\":null}"

/* A lab of two devices: a result, its acknowledgement, a finding. */
static inline void feed_lab(struct keeper *k)
{
    keeper_feed(k, T "\"run.started\"}");
    keeper_feed(k, T "\"capture.started\",\"capture\":\"lab.pcap\"}");
    keeper_feed(k, T "\"asset.evidence\",\"ip\":\"10.0.5.7\",\"maker\":\"Acme\",\"model\":\"C-800\",\"source\":\"hl7.msh\"}");
    keeper_feed(k, T "\"lab.message\"," FLOW
                     ",\"id\":\"1-0-1\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"control_id\":\"M1\",\"sender\":\"Chem 2\",\"receiver\":\"LIS\","
                     "\"version\":\"2.5.1\",\"charset\":null,\"results\":1,\"bytes\":400,\"malformed\":null,\"ack\":null}");
    keeper_feed(k, T "\"lab.result\"," FLOW
                     ",\"test\":{\"code\":\"2823-3\",\"system\":\"LN\",\"text\":\"Potassium\"},\"patient\":\"P-ABC\",\"specimen\":\"S-DEF\","
                     "\"units\":\"mmol/L\",\"flags\":[\"H\"],\"status\":\"F\",\"observed_at\":\"2026-11-22T14:00:00\",\"message\":\"1-0-1\"}");
    keeper_feed(k, T "\"lab.message\"," FLOW
                     ",\"id\":\"1-1-1\",\"protocol\":\"hl7\",\"type\":\"ACK\",\"control_id\":\"A1\",\"sender\":\"LIS\",\"receiver\":\"Chem 2\","
                     "\"results\":0,\"bytes\":80,\"malformed\":null,\"ack\":{\"code\":\"AA\",\"for\":\"M1\"}}");
    keeper_feed(k, T "\"flow.closed\"," FLOW ",\"packets\":9,\"bytes_up\":600,\"bytes_down\":300,\"app\":\"hl7\"}");
    keeper_feed(
        k,
        T "\"finding\"," FLOW
          ",\"id\":\"00112233445566778899aabbccddeeff\",\"kind\":\"phi.cleartext\",\"severity\":\"medium\",\"title\":\"Results pass in clear text.\","
          "\"evidence\":{\"flows\":[\"1\"],\"messages\":[\"1-0-1\"]},\"technique\":\"T1040\",\"advice\":\"Switch on TLS.\"}");
    keeper_feed(k, T "\"sensor.status\",\"capture\":\"lab.pcap\",\"packets\":12,\"bytes\":900,\"flows\":1,\"dropped\":0,\"damaged\":0,"
                     "\"first_time\":\"2026-11-22T13:00:00.000000000Z\",\"last_time\":\"2026-11-22T14:00:00.000000000Z\"}");
}

#define FINDING "/api/v1/findings/00112233445566778899aabbccddeeff"

#define ASK(k, expected, ...)                                                                                                                        \
    do {                                                                                                                                             \
        int got = keeper_ask(k, __VA_ARGS__);                                                                                                        \
        if (got != (expected))                                                                                                                       \
            fail_msg("line %d: %d instead of %d: %s", __LINE__, got, (int)(expected), keeper_text(k));                                               \
    } while (0)

#define SAYS(k, text)                                                                                                                                \
    do {                                                                                                                                             \
        if (strstr(keeper_text(k), text) == NULL)                                                                                                    \
            fail_msg("line %d: no %s in %s", __LINE__, text, keeper_text(k));                                                                        \
    } while (0)

/* Makes an account and signs in with it. */
static inline void keeper_sign_in(struct keeper *k, const char *name, const char *role)
{
    struct error e = {0};
    char hash[PASSWORD_TEXT];
    char body[160];
    if (password_hash(SPAN_LIT(KEEPER_PASSWORD), hash, &e) != 0)
        abort();
    keeper_account(k, name, role, hash);
    (void)snprintf(body, sizeof body, "{\"name\":\"%s\",\"password\":\"" KEEPER_PASSWORD "\"}", name);
    k->session[0] = 0;
    if (keeper_ask(k, "POST /api/v1/session", body, NULL) != 200)
        abort();
    keeper_take_session(k);
}

#endif
