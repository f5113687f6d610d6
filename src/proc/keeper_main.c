/* The keeper: the only process that holds keys, the ledger and the views.
 *
 *   main thread      listens: supervisor, detector, console, local socket; hands on
 *   appender         veils, seals, appends, commits                                   (appender.c)
 *   projector        follows the ledger, writes the views                             (projector.c)
 *   readers          answer requests                                                  (desk.c)
 *   verifier         recomputes the ledger now and then                               (verifier.c)
 *   witnesses        has the head cosigned elsewhere, through the courier             (witnesses.c)
 *   steward          looks after room on the disk; removes what is old enough           (steward.c)
 *   vault            makes backups, and tests them by restoring them                   (vault.c)
 *
 * They share the queues between them and the ledger (under ledger_lock), nothing else.
 *
 * Everything is below the data folder, which is its present folder: it needs no path, and can use none. */
#include "door/api/api.h"
#include "lab/backup_view.h"
#include "proc/appender.h"
#include "proc/clock.h"
#include "proc/desk.h"
#include "proc/identity.h"
#include "proc/keyroom.h"
#include "proc/log.h"
#include "proc/opened.h"
#include "proc/own_catalog.h"
#include "proc/role.h"
#include "proc/sealed.h"
#include "proc/stored_views.h"
#include "proc/steward.h"
#include "proc/vault.h"
#include "proc/verifier.h"
#include "proc/witnesses.h"
#include "record/crypto/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEDGER_DIR "ledger"
#define ROOT_KEY "root.key"
#define LEARNT "detector.sealed"
#define VERIFY_FIRST (5 * TIME_SECOND)
#define VERIFY_EVERY (24 * 3600 * TIME_SECOND)
#define DECISION_TIME (10 * TIME_SECOND) /* longest that a handler waits until its decision is visible */

struct keeper {
    struct role_self self;
    struct channel detector;
    struct channel courier;
    struct position last; /* of the present channel from the detector */
    uint8_t learnt_key[32];
    struct buf learnt;   /* what an earlier detector had learnt, as it is kept and handed to the next one */
    struct buf learning; /* what the present one sent; kept once what it read is durable, so that a capture read again meets the same detector */
    int wake_fd;
    pthread_mutex_t ledger_lock;
    struct ledger *ledger;
    struct veil *veil;
    struct store *store;
    struct keeper_views *views;
    struct api *api;
    struct appender *appender;
    struct projector *projector;
    struct desk *desk;
    struct verifier *verifier;
    struct witnesses *witnesses;
    struct buf told_witnesses; /* of lab.yaml: u32 length, what MESSAGE_WITNESS said */
    struct vault *vault;
    struct steward *steward;
    bool disk_short; /* the finding is open, as the views told it at the start */
    struct backup_summary backups; /* as the views told it at the start */
    struct identity identity;
    struct buf identity_message;
    struct found found;
    struct store_mark mark; /* of a checkpoint whose record waits for the appender; generation 0: none */
    uint64_t mark_applied;
    char mended[512];    /* what was wrong with the views' store at the start */
    atomic_bool damaged; /* and what is wrong with it now */
    char verifier_line[512];
    struct buf told; /* the last progress message */
    bool ended;
    tq_time verify_at; /* monotonic */
    bool stopping;
};

static struct keeper k = {.told = {.max = 256},
                          .learnt = {.max = STATE_MAX},
                          .learning = {.max = STATE_MAX},
                          .detector = {.fd = -1},
                          .courier = {.fd = -1},
                          .told_witnesses = {.max = WITNESSES_ASKED * 2 * ERRAND_AUTHORITY},
                          .wake_fd = -1,
                          .ledger_lock = PTHREAD_MUTEX_INITIALIZER};

static void wake(void *context)
{
    (void)context;
    uint64_t one = 1;
    ssize_t n = write(k.wake_fd, &one, sizeof one);
    (void)n;
}

/* ── what the keeper does for the request handlers: any thread ── */

static int decide(void *context, const struct record *r, uint64_t *ret_index, struct error *e)
{
    (void)context;
    if (appender_decide(k.appender, r, ret_index, e) != 0)
        return -1;
    return projector_wait(k.projector, *ret_index, DECISION_TIME, e);
}

static void root_base64(const uint8_t root[32], char out[45])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < 33; i += 3) {
        uint32_t v = (uint32_t)root[i] << 16 | (uint32_t)(i + 1 < 32 ? root[i + 1] : 0) << 8 | (i + 2 < 32 ? root[i + 2] : 0);
        for (int shift = 18; shift >= 0; shift -= 6)
            out[at++] = digits[v >> shift & 63];
    }
    out[43] = '=';
    out[44] = 0;
}

/* Bytes of the files below the ledger's folder; at most three levels deep. */
static uint64_t folder_bytes(const char *path, int depth)
{
    uint64_t sum = 0;
    DIR *d = opendir(path);
    if (d == NULL)
        return 0;
    for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
        char below[512];
        struct stat st;
        if (f->d_name[0] == '.' || (size_t)snprintf(below, sizeof below, "%s/%s", path, f->d_name) >= sizeof below || lstat(below, &st) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && depth > 0)
            sum += folder_bytes(below, depth - 1);
    }
    (void)closedir(d);
    return sum;
}

static void ledger_state(void *context, struct api_ledger_state *ret)
{
    (void)context;
    *ret = (struct api_ledger_state){0};
    uint8_t root[32];
    (void)pthread_mutex_lock(&k.ledger_lock);
    ret->records = ledger_size(k.ledger);
    ret->checkpoint_time = ledger_checkpoint_time(k.ledger);
    ledger_root(k.ledger, root);
    (void)snprintf(ret->checkpoint, sizeof ret->checkpoint, "%s", ledger_checkpoint(k.ledger));
    (void)pthread_mutex_unlock(&k.ledger_lock);
    root_base64(root, ret->root);
    (void)snprintf(ret->origin, sizeof ret->origin, "%.*s", (int)strcspn(ret->checkpoint, "\n"), ret->checkpoint);
    (void)snprintf(ret->verifier, sizeof ret->verifier, "%s", k.verifier_line);
    ret->first_time = k.found.first_time;
    ret->bytes = folder_bytes(LEDGER_DIR, 3);
    ret->verifying = verifier_busy(k.verifier);
}

static int prove(void *context, uint64_t index, struct buf *out, struct error *e)
{
    (void)context;
    (void)pthread_mutex_lock(&k.ledger_lock);
    uint64_t size = ledger_size(k.ledger);
    (void)pthread_mutex_unlock(&k.ledger_lock);
    if (index >= size)
        return err_set(e, ERR_MISUSE, "there is no record %llu", (unsigned long long)index);
    return ledger_prove(LEDGER_DIR, index, out, e);
}

static int open_record(void *context, uint64_t index, struct buf *opened, struct api_record *ret, struct error *e)
{
    (void)context;
    return opened_record(k.ledger, &k.ledger_lock, index, opened, ret, e);
}

static int verify(void *context, struct span person, struct error *e)
{
    (void)context;
    return verifier_ask(k.verifier, person, e);
}

static int offer(void *context, uint64_t old, struct buf *out, struct error *e)
{
    (void)context;
    return ledger_offer(LEDGER_DIR, old, out, e);
}

static int check_proof(void *context, struct span proof, struct api_proof *ret, struct error *e)
{
    (void)context;
    return ledger_check(proof, k.verifier_line, &ret->index, &ret->records, e);
}

static size_t list_witnesses(void *context, struct api_witness ret[API_WITNESSES])
{
    (void)context;
    return witnesses_list(k.witnesses, ret);
}

static int ask_witness(void *context, struct span name, struct error *e)
{
    (void)context;
    return witnesses_ask(k.witnesses, name, e);
}

static int bring_cosignature(void *context, struct span text, const char *key, char ret_name[129], uint64_t *ret_size, struct error *e)
{
    (void)context;
    return witnesses_bring(k.witnesses, text, key, ret_name, ret_size, e);
}

static int backup_make(void *context, struct span person, int fd, struct span where, char ret_id[API_BACKUP_ID], struct error *e)
{
    (void)context;
    return vault_make(k.vault, person, fd, where, ret_id, e);
}

static int backup_test(void *context, struct span person, struct span id, struct error *e)
{
    (void)context;
    return vault_test(k.vault, person, id, e);
}

static bool disk_state(void *context, struct api_disk_state *ret)
{
    (void)context;
    return steward_disk(k.steward, ret);
}

static void backup_state(void *context, struct api_backup_state *ret)
{
    (void)context;
    struct vault_state s;
    vault_state(k.vault, &s);
    *ret = (struct api_backup_state){0};
    memcpy(ret->doing, s.doing, sizeof ret->doing);
    memcpy(ret->due, s.due, sizeof ret->due);
    memcpy(ret->failed, s.failed, sizeof s.failed);
    memcpy(ret->why, s.why, sizeof ret->why);
}

static void metrics(void *context, struct buf *out)
{
    (void)context;
    struct progress p = appender_progress(k.appender);
    buf_addf(out,
             "# HELP tourniquet_run_records Records of this run's capture that are durable.\n# TYPE tourniquet_run_records "
             "counter\ntourniquet_run_records %llu\n",
             (unsigned long long)p.records);
    struct api_disk_state d;
    if (!steward_disk(k.steward, &d))
        return;
    buf_addf(out,
             "# HELP tourniquet_disk_free_bytes Room on the disk of the data folder.\n# TYPE tourniquet_disk_free_bytes gauge\n"
             "tourniquet_disk_free_bytes %llu\n# HELP tourniquet_disk_total_bytes Its size.\n# TYPE tourniquet_disk_total_bytes gauge\n"
             "tourniquet_disk_total_bytes %llu\n# HELP tourniquet_observations_not_kept_total Not kept because the disk was nearly full.\n"
             "# TYPE tourniquet_observations_not_kept_total counter\ntourniquet_observations_not_kept_total %llu\n"
             "# HELP tourniquet_disk_used_bytes What takes room in the data folder.\n# TYPE tourniquet_disk_used_bytes gauge\n",
             (unsigned long long)d.free, (unsigned long long)d.total, (unsigned long long)d.not_kept);
    for (size_t i = 0; i < d.used_n; i++)
        buf_addf(out, "tourniquet_disk_used_bytes{what=\"%s\"} %llu\n", d.used[i].what, (unsigned long long)d.used[i].bytes);
}

/* ── start ── */

static void notice(void *context, const char *topic, const char *id, const char *etag)
{
    (void)context;
    if (k.desk != NULL)
        desk_notice(k.desk, topic, id, etag);
}

static void complain(void *context, const struct error *why)
{
    (void)context;
    role_complain(&k.self, ROLE_CONSOLE, why);
}

/* A data folder that was in use has an identity. Its ledger must be there too: a fresh one in its place would hide that the old one is gone. */
static bool used_before(void)
{
    int fd = open(IDENTITY_FILE, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0;
}

static int open_ledger(struct error *e)
{
    bool used = used_before();
    char origin[128];
    char note[256] = "";
    (void)snprintf(origin, sizeof origin, "tourniquet.local/%s", k.self.start.site);
    struct ledger_options options = {.dir = LEDGER_DIR, .key_file = ROOT_KEY, .origin = origin, .create = !used};
    k.ledger = ledger_open(&options, note, e);
    if (k.ledger == NULL)
        return used && e->class == ERR_MISUSE
                   ? err_context(
                         e,
                         "this data folder was used before, but its ledger cannot be found; put it back from a copy, or start with an empty folder")
                   : -1;
    if (note[0] != 0)
        log_line(LOG_LEVEL_WARNING, "the ledger: %s", note);
    (void)snprintf(k.verifier_line, sizeof k.verifier_line, "%s", ledger_verifier(k.ledger));
    return 0;
}

static int open_keys(struct error *e)
{
    uint8_t key[32];
    ledger_derive_key(k.ledger, "token", key);
    k.veil = veil_new(key, false, e);
    int r = k.veil == NULL ? -1 : 0;
    if (r == 0) {
        ledger_derive_key(k.ledger, "identity", key);
        r = identity_open(&k.identity, key, k.self.start.site, k.self.start.name, k.self.start.address, clock_now(), e);
    }
    crypto_wipe(key, sizeof key);
    if (r != 0)
        return -1;
    k.identity_message = BUF_SECRET(65536);
    buf_be32(&k.identity_message, (uint32_t)k.identity.chain.n);
    buf_add_span(&k.identity_message, buf_span(&k.identity.chain));
    buf_add_span(&k.identity_message, buf_span(&k.identity.key));
    buf_release(&k.identity.key);
    return 0;
}

/* What the detector had learnt before this run. A file that does not open costs a new learning time, not the start. */
static void open_learnt(void)
{
    bool there;
    struct error e = {0};
    ledger_derive_key(k.ledger, "detector", k.learnt_key);
    if (sealed_load(LEARNT, k.learnt_key, &k.learnt, &there, &e) != 0)
        log_line(LOG_LEVEL_WARNING, "the detector learns its senders anew: %s", e.text);
}

/* The lab's own entries, as the supervisor read and checked them. */
static int open_catalog(void *context, struct keeper_views *views, struct error *e)
{
    (void)context;
    struct buf text = BUF_INIT(OWN_CATALOG_MAX);
    int r = own_catalog_load(k.self.fds[2], &text, e);
    struct span rest = buf_span(&text);
    while (r == 0 && rest.n > 0)
        r = views_catalog_add(views, own_catalog_next(&rest), "catalog", e);
    buf_release(&text);
    return r;
}

/* The store's mark on the ledger. Before the appender runs the last one waits (note_start). */
static void note_checkpoint(void *context, const struct store_mark *mark, uint64_t applied)
{
    struct record *r = calloc(1, sizeof *r);
    char life[2 * STORE_LIFE + 1];
    char hash[2 * sizeof mark->hash + 1];
    (void)context;
    if (k.appender == NULL || r == NULL) {
        k.mark = *mark;
        k.mark_applied = applied;
        free(r);
        return;
    }
    for (size_t i = 0; i < STORE_LIFE; i++)
        (void)snprintf(life + 2 * i, 3, "%02x", mark->life[i]);
    for (size_t i = 0; i < sizeof mark->hash; i++)
        (void)snprintf(hash + 2 * i, 3, "%02x", mark->hash[i]);
    record_start(r, EVENT_STORE_CHECKPOINT, clock_now(), NULL);
    record_str(r, KEY_LIFE, life);
    record_int(r, KEY_GENERATION, (int64_t)mark->generation);
    record_int(r, KEY_APPLIED, (int64_t)applied);
    record_int(r, KEY_PAGES, mark->pages);
    record_str(r, KEY_SET_HASH, hash);
    (void)appender_note(k.appender, r, NULL);
    free(r);
}

static void store_trouble(void *context, const struct error *why)
{
    (void)context;
    if (why != NULL)
        log_line(LOG_LEVEL_ERROR, "the views cannot be written, the page shows them as they were: %s", why->text);
    else
        log_line(LOG_LEVEL_WARNING, "the views are written again");
}

/* What was read does not hold: the keeper ends, and the next one rebuilds the store. Any thread. */
static void store_is_damaged(void *context, const struct error *why)
{
    (void)context;
    (void)why; /* store_damaged tells */
    atomic_store(&k.damaged, true);
    wake(NULL);
}

/* Views are in their store, and caught up from the ledger; where the ledger does not hold, what holds is shown, and the rest reported. */
static int open_views(struct error *e)
{
    uint8_t key[32];
    struct stored_views opened;
    struct stored_views_options options = {
        .dir = STORE_DIR,
        .key = key,
        .site = k.self.start.site,
        .prepare = open_catalog,
        .damaged = store_is_damaged,
        .projector = {
            .ledger = k.ledger, .ledger_lock = &k.ledger_lock, .notice = notice, .checkpointed = note_checkpoint, .trouble = store_trouble}};
    memcpy(options.projector.run, k.self.start.run, RUN_ID);
    ledger_derive_key(k.ledger, "store", key);
    int r = stored_views_open(&options, &opened, &k.found, e);
    crypto_wipe(key, sizeof key);
    if (r != 0)
        return -1;
    k.store = opened.store;
    k.views = opened.views;
    k.projector = opened.projector;
    (void)snprintf(k.mended, sizeof k.mended, "%s", opened.mended);
    if (k.mended[0] != 0)
        log_line(LOG_LEVEL_WARNING, "the views: %s", k.mended);
    k.disk_short = backup_finding_open(store_writer(k.store), "ledger.disk_short");
    if (keyroom_start(k.ledger, store_writer(k.store), e) != 0)
        return -1;
    return backup_summary(store_writer(k.store), &k.backups, e); /* before the projector has the writer to itself */
}

static int open_api(struct error *e)
{
    struct api_options options = {.site = k.self.start.site,
                                  .store = k.store,
                                  .views = k.views,
                                  .host = {.decide = decide,
                                           .ledger_state = ledger_state,
                                           .keys = keyroom_tell,
                                           .keys_choose = keyroom_choose,
                                           .keys_erase = keyroom_erase,
                                           .keys_rotate = keyroom_rotate,
                                           .keys_recovery = keyroom_recovery,
                                           .ledger_prove = prove,
                                           .ledger_open_record = open_record,
                                           .ledger_verify = verify,
                                           .ledger_offer = offer,
                                           .ledger_check = check_proof,
                                           .witnesses = list_witnesses,
                                           .witness_ask = ask_witness,
                                           .witness_bring = bring_cosignature,
                                           .metrics = metrics,
                                           .disk_state = disk_state,
                                           .backup_state = backup_state,
                                           .backup_make = backup_make,
                                           .backup_test = backup_test}};
    k.api = api_new(&options, e);
    return k.api == NULL ? -1 : 0;
}

static void witnesses_changed(void *context)
{
    notice(context, "ledger", "", "");
    wake(context);
}

/* The witnesses of lab.yaml: they come right behind START. */
static void hear_witnesses(void)
{
    struct message m;
    for (size_t i = 0; i < k.self.start.witnesses; i++) {
        if (role_control(&k.self, -1, &m) != 1 || m.type != MESSAGE_WITNESS)
            _exit(3);
        buf_be32(&k.told_witnesses, m.body.n);
        buf_add_span(&k.told_witnesses, m.body);
    }
}

static int start_witnesses(struct error *e)
{
    struct witnesses_options options = {
        .ledger = k.ledger, .dir = LEDGER_DIR, .verifier = k.verifier_line, .appender = k.appender, .changed = witnesses_changed};
    struct span told = buf_span(&k.told_witnesses);
    k.witnesses = witnesses_new(&options, e);
    int r = k.witnesses == NULL ? -1 : 0;
    while (r == 0 && told.n > 0)
        r = witnesses_add(k.witnesses, span_take(&told, span_be32(&told)), e);
    return r == 0 ? witnesses_start(k.witnesses, e) : -1;
}

static int start_steward(struct error *e)
{
    struct steward_options options = {.ledger = k.ledger,
                                      .ledger_lock = &k.ledger_lock,
                                      .appender = k.appender,
                                      .keep_observations = k.self.start.keep_observations,
                                      .backups = role_backup_folder(&k.self),
                                      .short_open = k.disk_short};
    k.steward = steward_start(&options, e);
    return k.steward == NULL ? -1 : 0;
}

static int start_vault(struct error *e)
{
    struct vault_options options = {.start = &k.self.start,
                                    .folder = role_backup_folder(&k.self),
                                    .ledger = k.ledger,
                                    .ledger_lock = &k.ledger_lock,
                                    .appender = k.appender,
                                    .verifier = k.verifier_line,
                                    .last_tested = k.backups.tested,
                                    .last_good = k.backups.good,
                                    .overdue = k.backups.overdue,
                                    .broken = k.backups.broken};
    k.vault = vault_start(&options, e);
    return k.vault == NULL ? -1 : 0;
}

static int start_threads(struct error *e)
{
    struct appender_options options = {.ledger = k.ledger,
                                       .ledger_lock = &k.ledger_lock,
                                       .veil = k.veil,
                                       .custody = k.found.custody,
                                       .observation = k.found.observation,
                                       .evidence = k.found.evidence,
                                       .replay = k.self.start.replay,
                                       .progress = k.found.progress,
                                       .committed = wake};
    memcpy(options.run, k.self.start.run, RUN_ID);
    k.appender = appender_start(&options, e);
    if (k.appender == NULL || projector_start(k.projector, e) != 0)
        return -1;
    k.verifier = verifier_start(LEDGER_DIR, k.verifier_line, k.appender, e);
    if (k.verifier == NULL || start_witnesses(e) != 0 || start_vault(e) != 0 || start_steward(e) != 0)
        return -1;
    k.desk = k.verifier == NULL ? NULL : desk_new(k.api, wake, complain, NULL, e);
    return k.desk == NULL ? -1 : 0;
}

static void tell_terminal(enum terminal kind, const char *text)
{
    struct buf body = BUF_SECRET(256);
    buf_u8(&body, (uint8_t)kind);
    buf_add_str(&body, text);
    (void)channel_send(&k.self.control, MESSAGE_TERMINAL, buf_span(&body), NULL);
    buf_release(&body);
}

/* A record about the program itself: what happened, to which part of it, and why. */
static void note_event(enum event event, const char *role, struct span why)
{
    static struct record r; /* main thread only */
    record_start(&r, event, clock_now(), NULL);
    record_str(&r, KEY_PROGRAM_ROLE, role);
    record_text(&r, KEY_WHY, why);
    (void)appender_note(k.appender, &r, NULL);
}

static void note_start(void)
{
    struct error why = {0};
    uint64_t first_bad = 0;
    if (!k.found.run_started)
        note_event(EVENT_RUN_STARTED, NULL, (struct span){0});
    if (k.mended[0] != 0)
        note_event(EVENT_STORE_MENDED, NULL, span_str(k.mended));
    if (k.mark.generation > 0)
        note_checkpoint(NULL, &k.mark, k.mark_applied);
    uint64_t holes = projector_holes(k.projector, &first_bad, &why);
    if (holes > 0) {
        log_line(LOG_LEVEL_ERROR, "the ledger does not hold from record %llu on (%s); records that cannot be shown: %llu",
                 (unsigned long long)first_bad, why.text, (unsigned long long)holes);
        verifier_report(k.verifier, first_bad, why.text);
    }
    keyroom_open(k.appender, ROOT_KEY);
    char code[SETUP_CODE_TEXT];
    tell_terminal(TERMINAL_FINGERPRINT, k.identity.fingerprint);
    if (api_setup_code(k.api, code))
        tell_terminal(TERMINAL_SETUP_CODE, code);
    crypto_wipe(code, sizeof code);
    k.verify_at = clock_monotonic() + VERIFY_FIRST;
}

static void start(void)
{
    struct error e = {0};
    char note[256];
    role_begin(&k.self, ROLE_KEEPER);
    hear_witnesses();
    if (crypto_start(&e) != 0 || fchdir(k.self.fds[0]) != 0)
        role_fail(&k.self, e.class != ERR_NONE ? &e : &(struct error){ERR_SYSTEM, "the data folder cannot be entered"});
    (void)umask(0077);
    role_narrow(&k.self, k.self.fds[0], note);
    k.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (k.wake_fd < 0)
        (void)err_sys(&e, errno, "making an event descriptor");
    if (k.wake_fd < 0 || open_ledger(&e) != 0 || open_keys(&e) != 0 || open_views(&e) != 0 || open_api(&e) != 0 || start_threads(&e) != 0)
        role_fail(&k.self, &e);
    open_learnt();
    note_start();
    role_ready(&k.self, note);
}

/* ── main loop ── */

/* What is to be asked goes to the courier, one errand at a time as there is room. */
static void give_errands(void)
{
    struct buf body = BUF_INIT(ERRAND_MAX);
    while (k.courier.fd >= 0 && channel_waiting(&k.courier) == 0 && witnesses_errand(k.witnesses, &body)) {
        (void)channel_put(&k.courier, MESSAGE_ERRAND, buf_span(&body), NULL);
        (void)channel_write(&k.courier, NULL); /* where it is gone, reading tells */
        buf_clear(&body);
    }
    buf_release(&body);
}

static void read_courier(void)
{
    struct error e = {0};
    struct message m;
    int r = channel_read(&k.courier, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    while (r == 0 && (r = channel_next(&k.courier, &m, &e)) == 1)
        r = witnesses_outcome(k.witnesses, m.body, &e);
    if (r == 0)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&k.self, ROLE_COURIER, &e);
    channel_close(&k.courier);
    witnesses_courier_gone(k.witnesses);
}

static void hear(void)
{
    struct message m;
    int r;
    while ((r = role_control(&k.self, 0, &m)) == 1) {
        int fd;
        if (m.type == MESSAGE_RESTARTED && m.body.n > 1) {
            struct span why = m.body;
            note_event(EVENT_ROLE_RESTARTED, role_name((enum role)span_u8(&why)), why);
            continue;
        }
        enum role peer = role_peer(&m, &fd);
        if (peer == ROLE_CONSOLE) {
            desk_console(k.desk, fd, buf_span(&k.identity_message));
        } else if (peer == ROLE_COURIER) {
            channel_close(&k.courier);
            channel_open(&k.courier, fd, ROLE_KEEPER, ROLE_COURIER, ERRAND_MAX);
            witnesses_courier_gone(k.witnesses);
            give_errands();
        } else if (peer == ROLE_DETECTOR) {
            channel_close(&k.detector);
            channel_open(&k.detector, fd, ROLE_KEEPER, ROLE_DETECTOR, PEER_QUEUE);
            k.last = (struct position){0};
            (void)channel_put(&k.detector, MESSAGE_STATE, buf_span(&k.learnt), NULL);
        }
    }
    if (r < 0)
        k.stopping = true;
}

/* What the detector sends is checked here, before it is taken: a bad record is the sender's fault and must not stop the appender. */
static int take_record(struct span body, struct error *e)
{
    static struct record checked; /* main thread only */
    struct span s = body;
    struct position p = {.seq = span_be64(&s)};
    p.ordinal = span_be32(&s);
    if (s.bad || p.seq == 0 || !position_after(p, k.last))
        return err_set(e, ERR_PEER, "a record came out of order");
    if (record_decode(s, &checked, e) != 0)
        return -1;
    k.last = p;
    return appender_put(k.appender, p, s, e);
}

/* Packets of a finding that came before. */
static int take_evidence(struct span body, struct error *e)
{
    static struct record checked; /* main thread only */
    struct span s = body;
    struct position p = {.seq = span_be64(&s)};
    p.ordinal = span_be32(&s);
    if (s.bad || p.seq == 0 || p.ordinal == 0 || position_after(p, k.last))
        return err_set(e, ERR_PEER, "packets came of no finding");
    if (record_decode(s, &checked, e) != 0)
        return -1;
    if (checked.event != EVENT_EVIDENCE_PACKETS)
        return err_set(e, ERR_PEER, "packets came as another event");
    return appender_put_evidence(k.appender, p, s, e);
}

static void keep_learnt(void)
{
    struct error e = {0};
    if (k.learning.n == 0 || (k.self.start.replay && !k.ended))
        return;
    if (sealed_save(LEARNT, k.learnt_key, buf_span(&k.learning), &e) != 0)
        log_line(LOG_LEVEL_WARNING, "what the detector learnt is not kept: %s", e.text);
    buf_clear(&k.learnt);
    buf_add_span(&k.learnt, buf_span(&k.learning));
    buf_clear(&k.learning);
}

static void take_learnt(struct span body)
{
    buf_clear(&k.learning);
    buf_add_span(&k.learning, body);
    keep_learnt();
}

static void read_detector(void)
{
    struct error e = {0};
    int r = channel_read(&k.detector, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    struct message m;
    while (r == 0 && (r = channel_next(&k.detector, &m, &e)) == 1) {
        r = 0;
        if (m.type == MESSAGE_END)
            appender_end(k.appender);
        else if (m.type == MESSAGE_STATE)
            take_learnt(m.body);
        else if (m.type == MESSAGE_EVIDENCE)
            r = take_evidence(m.body, &e);
        else
            r = take_record(m.body, &e);
        if (r != 0)
            break;
    }
    if (r == 0)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&k.self, ROLE_DETECTOR, &e);
    channel_close(&k.detector);
}

static void tell_progress(void)
{
    struct progress p = appender_progress(k.appender);
    if (p.ended && !k.ended) {
        k.verify_at = clock_monotonic();
        vault_poke(k.vault);
    }
    k.ended = p.ended;
    keep_learnt();
    struct buf body = BUF_INIT(256);
    progress_encode(&body, &p);
    if (!span_equal(buf_span(&body), buf_span(&k.told))) {
        (void)channel_send(&k.self.control, MESSAGE_DURABLE, buf_span(&body), NULL);
        buf_clear(&k.told);
        buf_add_span(&k.told, buf_span(&body));
    }
    buf_release(&body);
}

/* Everything that was handed over becomes durable; then the end. why: it ends because of that; NULL: it was told to. */
static _Noreturn void finish(const struct error *why)
{
    struct error e = {0};
    verifier_stop(k.verifier);
    witnesses_stop(k.witnesses);
    desk_stop(k.desk); /* what is in hand is answered, for which the two other threads are needed */
    steward_stop(k.steward);
    vault_stop(k.vault);
    projector_stop(k.projector);
    desk_free(k.desk);
    if (why == NULL)
        note_event(EVENT_RUN_STOPPED, NULL, (struct span){0});
    int r = appender_stop(k.appender, &e);
    if (r == 0)
        ledger_close(k.ledger);
    veil_free(k.veil);
    if (r != 0 || why != NULL)
        role_fail(&k.self, r != 0 ? &e : why);
    _exit(0);
}

static void woken(void)
{
    uint64_t n;
    ssize_t got = read(k.wake_fd, &n, sizeof n);
    (void)got;
    struct error e = {0};
    if (appender_failed(k.appender, &e)) {
        (void)err_context(&e, "the ledger cannot be written");
        role_fail(&k.self, &e);
    }
    if (atomic_load(&k.damaged) && store_damaged(k.store, &e)) {
        (void)err_context(&e, "the views are to be rebuilt");
        finish(&e);
    }
    projector_wake(k.projector);
    tell_progress();
}

static void accept_local(void)
{
    int fd = accept4(k.self.fds[1], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        desk_local(k.desk, fd);
}

static int next_deadline(void)
{
    tq_time left = (k.verify_at - clock_monotonic()) / TIME_MS;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static void turn(void)
{
    enum { CONTROL, WAKE, DETECTOR, LOCAL, COURIER, FIXED };
    struct pollfd p[FIXED + DESK_LINES] = {
        [CONTROL] = {.fd = k.stopping ? -1 : k.self.control.fd, .events = POLLIN},
        [WAKE] = {.fd = k.wake_fd, .events = POLLIN},
        [LOCAL] = {.fd = k.stopping ? -1 : k.self.fds[1], .events = POLLIN},
    };
    short events = (short)((appender_full(k.appender) ? 0 : POLLIN) | (channel_waiting(&k.detector) > 0 ? POLLOUT : 0));
    p[DETECTOR] = (struct pollfd){.fd = events == 0 ? -1 : k.detector.fd, .events = events};
    p[COURIER] = (struct pollfd){.fd = k.courier.fd, .events = (short)(POLLIN | (channel_waiting(&k.courier) > 0 ? POLLOUT : 0))};
    size_t lines = desk_poll(k.desk, p + FIXED);
    if (poll(p, FIXED + lines, next_deadline()) < 0)
        return;
    if (p[WAKE].revents != 0)
        woken();
    if ((p[DETECTOR].revents & POLLOUT) != 0)
        (void)channel_write(&k.detector, NULL); /* where it is gone, reading tells */
    if ((p[DETECTOR].revents & ~POLLOUT) != 0)
        read_detector();
    if ((p[COURIER].revents & POLLOUT) != 0)
        (void)channel_write(&k.courier, NULL);
    if ((p[COURIER].revents & ~POLLOUT) != 0)
        read_courier();
    give_errands();
    if (p[LOCAL].revents != 0)
        accept_local();
    desk_act(k.desk, p + FIXED, lines);
    if (p[CONTROL].revents != 0)
        hear();
    if (clock_monotonic() >= k.verify_at) {
        (void)verifier_ask(k.verifier, (struct span){0}, NULL);
        k.verify_at = clock_monotonic() + VERIFY_EVERY;
    }
}

int main(void)
{
    start();
    hear();
    while (!k.stopping || k.detector.fd >= 0)
        turn();
    finish(NULL);
}
