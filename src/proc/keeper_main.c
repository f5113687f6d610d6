/* The keeper: the only process that holds keys, the ledger and the views.
 *
 *   main thread      listens: supervisor, detector, console, local socket; hands on
 *   appender         veils, seals, appends, commits                                   (appender.c)
 *   projector        follows the ledger, writes the views                             (projector.c)
 *   readers          answer requests                                                  (desk.c)
 *   verifier         recomputes the ledger now and then                               (verifier.c)
 *   opener           opens all this once the passphrase was given                     (waiting.c); the keys may wait for one
 *   witnesses        has the head cosigned elsewhere, through the courier             (witnesses.c)
 *   steward          looks after room on the disk; removes what is old enough           (steward.c)
 *   registrar        keeps the certificates of links in force, also while the ledger is locked     (registrar.c)
 *   vault            makes backups, and tests them by restoring them                   (vault.c)
 *
 * They share the queues between them and the ledger (under ledger_lock), nothing else.
 *
 * Everything is below the data folder, which is its present folder: it needs no path, and can use none. */
#include "proc/keeper.h"

#include "lab/link_view.h"
#include "proc/clock.h"
#include "proc/intake.h"
#include "proc/keyroom.h"
#include "proc/locked.h"
#include "proc/log.h"
#include "proc/opened.h"
#include "proc/own_catalog.h"
#include "proc/sealed.h"
#include "record/crypto/crypto.h"
#include "record/ledger/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_KEY_FILE "root.key"
#define VERIFY_FIRST (5 * TIME_SECOND)
#define VERIFY_EVERY (24 * 3600 * TIME_SECOND)

struct keeper k = {.told = {.max = 256},
                   .learnt = LEARNT_INIT,
                   .detector = {.fd = -1},
                   .courier = {.fd = -1},
                   .told_witnesses = {.max = WITNESSES_ASKED * 2 * ERRAND_AUTHORITY},
                   .wake_fd = -1,
                   .step_ms = 60000,
                   .waiting_lock = PTHREAD_MUTEX_INITIALIZER,
                   .ledger_lock = PTHREAD_MUTEX_INITIALIZER};

static void wake(void *context)
{
    (void)context;
    uint64_t one = 1;
    ssize_t n = write(k.wake_fd, &one, sizeof one);
    (void)n;
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

/* Where the root key of the ledger that is there comes from; of a new one, what lab.yaml says. */
static enum root_kind root_kind(void)
{
    struct slots s;
    int dir = open(LEDGER_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const struct slot *slot = dir >= 0 && slots_load(dir, &s, NULL) == 0 ? slots_source(&s) : NULL;
    enum root_kind kind = slot != NULL ? (enum root_kind)slot->kind : (enum root_kind)k.self.start.root;
    if (dir >= 0)
        (void)close(dir);
    return kind;
}

/* passphrase: empty where none was given. ERR_LOCKED: one is needed, or it is not this one. */
static int open_ledger(struct span passphrase, struct error *e)
{
    bool used = used_before();
    struct root_source root = {.kind = root_kind(), .path = ROOT_KEY_FILE, .secret = passphrase};
    uint8_t credential[ROOT_SECRET_MAX];
    if (root.kind == ROOT_CREDENTIAL && role_credential(&k.self) < 0)
        return err_set(e, ERR_MISUSE, "the ledger's keys open by a credential: write root_key: credential into lab.yaml");
    if (root.kind == ROOT_CREDENTIAL) {
        ssize_t n = pread(role_credential(&k.self), credential, sizeof credential, 0);
        root.secret = span_of(credential, n > 0 ? (size_t)n : 0);
    }
    char origin[128];
    char note[256] = "";
    (void)snprintf(origin, sizeof origin, "tourniquet.local/%s", k.self.start.site);
    struct ledger_options options = {.dir = LEDGER_DIR, .root = &root, .now = clock_now(), .origin = origin, .create = !used};
    k.ledger = ledger_open(&options, note, e);
    crypto_wipe(credential, sizeof credential);
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

/* What the console needs: whether the ledger is locked, certificate, key. */
static void put_identity(bool locked)
{
    buf_release(&k.identity_message);
    k.identity_message = BUF_SECRET(65536);
    buf_u8(&k.identity_message, locked);
    buf_be32(&k.identity_message, (uint32_t)k.identity.chain.n);
    buf_add_span(&k.identity_message, buf_span(&k.identity.chain));
    buf_add_span(&k.identity_message, buf_span(&k.identity.key));
}

/* What a later start needs while its keys wait for a passphrase: the key to spool to and, where there will be such waiting, the page's own. */
int lock_prepare(enum root_kind kind, struct error *e)
{
    uint8_t secret[X25519_KEY];
    uint8_t public_key[X25519_KEY];
    ledger_derive_key(k.ledger, "spool", secret);
    crypto_x25519_public(secret, public_key);
    crypto_wipe(secret, sizeof secret);
    if (plain_save(SPOOL_KEY_FILE, 0600, span_of(public_key, sizeof public_key), e) != 0)
        return -1;
    return kind == ROOT_PASSPHRASE ? identity_keep_page(buf_span(&k.identity.chain), buf_span(&k.identity.key), e) : identity_drop_page(e);
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
    put_identity(false);
    return lock_prepare(root_kind(), e);
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
    k.keys_short = backup_finding_open(store_writer(k.store), "ledger.keys_short");
    k.witness_quiet = backup_finding_open(store_writer(k.store), "ledger.witness_silent");
    if (keyroom_start(k.ledger, ROOT_KEY_FILE, store_writer(k.store), e) != 0)
        return -1;
    char run[2 * 4 + 1];
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(run + 2 * i, 3, "%02x", k.self.start.run[i]);
    k.found.progress.link = link_last_seq(store_writer(k.store), run);
    return backup_summary(store_writer(k.store), &k.backups, e); /* before the projector has the writer to itself */
}

static int open_api(struct error *e)
{
    struct api_options options = {.site = k.self.start.site, .store = k.store, .views = k.views, .host = keeper_host};
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
    struct witnesses_options options = {.ledger = k.ledger,
                                        .dir = LEDGER_DIR,
                                        .verifier = k.verifier_line,
                                        .appender = k.appender,
                                        .quiet = k.witness_quiet,
                                        .changed = witnesses_changed};
    struct span told = buf_span(&k.told_witnesses);
    k.witnesses = witnesses_new(&options, e);
    int r = k.witnesses == NULL ? -1 : 0;
    while (r == 0 && told.n > 0)
        r = witnesses_add(k.witnesses, span_take(&told, span_be32(&told)), e);
    return r == 0 ? witnesses_start(k.witnesses, e) : -1;
}

static int start_links(struct error *e)
{
    struct links_open open = {.ledger = k.ledger, .ledger_lock = &k.ledger_lock, .appender = k.appender, .projector = k.projector, .store = k.store};
    ledger_derive_key(k.ledger, "spool", open.secret);
    crypto_x25519_public(open.secret, open.key);
    int r = links_opened(k.links, &open, e);
    crypto_wipe(open.secret, sizeof open.secret);
    return r;
}

static int start_steward(struct error *e)
{
    struct steward_options options = {.ledger = k.ledger,
                                      .ledger_lock = &k.ledger_lock,
                                      .appender = k.appender,
                                      .keep_observations = k.self.start.keep_observations,
                                      .keep_evidence = k.self.start.keep_evidence,
                                      .backups = role_backup_folder(&k.self),
                                      .short_open = k.disk_short,
                                      .keys_short = k.keys_short};
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
    return k.verifier == NULL || start_witnesses(e) != 0 || start_vault(e) != 0 || start_links(e) != 0 ? -1 : start_steward(e);
}

static void tell_terminal(enum terminal kind, const char *text)
{
    struct buf body = BUF_SECRET(256);
    buf_u8(&body, (uint8_t)kind);
    buf_add_str(&body, text);
    (void)channel_send(&k.self.control, MESSAGE_TERMINAL, buf_span(&body), NULL);
    buf_release(&body);
}

static void note_record(const struct record *r)
{
    if (k.open)
        (void)appender_note(k.appender, r, NULL);
    else
        waiting_note(k.waiting, r);
}

/* A record about the program itself: what happened, to which part of it, and why. */
static void note_event(enum event event, const char *role, struct span why)
{
    static struct record r; /* main thread only */
    record_start(&r, event, clock_now(), NULL);
    record_str(&r, KEY_PROGRAM_ROLE, role);
    record_text(&r, KEY_WHY, why);
    note_record(&r);
}

static void note_upgrade(struct span versions)
{
    static struct record r; /* main thread only */
    record_start(&r, EVENT_PROGRAM_UPGRADED, clock_now(), NULL);
    record_text(&r, KEY_FROM, span_take(&versions, span_u8(&versions)));
    record_text(&r, KEY_TO, span_take(&versions, span_u8(&versions)));
    record_text(&r, KEY_WHY, versions);
    note_record(&r);
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
    keyroom_open(k.appender, ROOT_KEY_FILE);
    char code[SETUP_CODE_TEXT];
    tell_terminal(TERMINAL_FINGERPRINT, k.identity.fingerprint);
    if (api_setup_code(k.api, code))
        tell_terminal(TERMINAL_SETUP_CODE, code);
    crypto_wipe(code, sizeof code);
    k.verify_at = clock_monotonic() + VERIFY_FIRST;
}

/* Any thread. */
static void certificates_changed(void)
{
    atomic_store(&k.certified, true);
    wake(NULL);
    notice(NULL, "certificates", "", "");
}

/* Everything behind the ledger: on the main thread at a start, on the opener's once a passphrase was right. */
static int open_rest(struct error *e)
{
    if (open_keys(e) != 0 || open_views(e) != 0 || open_api(e) != 0)
        return -1;
    if (k.waiting != NULL && waiting_prepare(k.waiting, k.ledger, e) != 0)
        return -1;
    return start_threads(e) != 0 ? -1 : registrar_open(k.registrar, k.appender, k.store, e);
}

static void answer(void *context, struct api_clock now, const struct request *request, struct api_reply *ret)
{
    (void)context;
    (void)atomic_fetch_add(&k.at_gate, 1);
    bool open = atomic_load(&k.answers);
    if (!open)
        waiting_answer(k.waiting, now, request, ret);
    (void)atomic_fetch_sub(&k.at_gate, 1);
    if (open)
        api_handle(k.api, now, request, ret);
}

static int start_waiting(enum gate_stage stage, struct error *e)
{
    struct waiting_options options = {.spool = {.replay = k.self.start.replay, .ledger = locked_ledger_size(LEDGER_DIR), .now = clock_now()},
                                      .site = k.self.start.site,
                                      .stage = stage,
                                      .open = open_ledger,
                                      .rest = open_rest,
                                      .wake = wake};
    memcpy(options.spool.run, k.self.start.run, RUN_ID);
    k.waiting = waiting_new(&options, e);
    return k.waiting == NULL ? -1 : 0;
}

/* The keys wait for a passphrase. The page answers with the certificate of an earlier start. */
static int start_locked(struct error *e)
{
    bool used = used_before();
    bool page = false;
    if (start_waiting(used ? GATE_LOCKED : GATE_FRESH, e) != 0 || identity_open_page(&k.identity, &page, e) != 0)
        return -1;
    if (page)
        put_identity(true);
    tell_terminal(TERMINAL_LOCKED,
                  !used  ? "the ledger waits for its first passphrase: choose one with `tourniquet unlock --new`; until then nothing is kept "
                           "and the page does not answer"
                  : page ? "the ledger is locked: unlock it on the page or with `tourniquet unlock`; until then what is seen is kept sealed"
                         : "the ledger is locked: unlock it with `tourniquet unlock`");
    return 0;
}

/* Main thread: the ledger is open, and everything that stands on it. */
static void opened(void)
{
    k.open = true;
    ledger_derive_key(k.ledger, "detector", k.learnt.key);
    learnt_open(&k.learnt);
    note_start();
    atomic_store(&k.answers, true);
}

static bool spool_is_there(void)
{
    struct stat st;
    return stat(SPOOL_FILE, &st) == 0 && st.st_size > 0;
}

static void start(void)
{
    struct error e = {0};
    char note[256];
    body_wipe_freed();
    role_begin(&k.self, ROLE_KEEPER);
    hear_witnesses();
    if (crypto_start(&e) != 0 || fchdir(k.self.fds[0]) != 0)
        role_fail(&k.self, e.class != ERR_NONE ? &e : &(struct error){ERR_SYSTEM, "the data folder cannot be entered"});
    (void)umask(0077);
    role_narrow(&k.self, k.self.fds[0], note);
    k.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct links_options links = {.wake = wake, .seen = registrar_seen};
    memcpy(links.run, k.self.start.run, RUN_ID);
    k.links = links_new(&links, &e);
    int r = k.links == NULL ? -1 : k.wake_fd < 0 ? err_sys(&e, errno, "making an event descriptor") : 0;
    k.registrar = r != 0 ? NULL : registrar_start(k.self.start.site, certificates_changed, &e);
    if (r == 0)
        r = k.registrar == NULL ? -1 : open_ledger((struct span){0}, &e);
    bool locked = r != 0 && e.class == ERR_LOCKED;
    if (locked)
        r = start_locked(&e);
    else if (r == 0 && spool_is_there()) /* the machine stopped while it was read in */
        r = start_waiting(GATE_OPEN, &e);
    if (r == 0 && !locked)
        r = open_rest(&e);
    if (r == 0 && !locked)
        opened();
    k.desk = r != 0 ? NULL : desk_new(answer, wake, complain, NULL, &e);
    if (k.desk == NULL)
        role_fail(&k.self, &e);
    role_ready(&k.self, note);
}

/* ── main loop ── */

/* What is to be asked goes to the courier, one errand at a time as there is room. */
static void give_errands(void)
{
    struct buf body = BUF_INIT(ERRAND_MAX);
    while (k.open && k.courier.fd >= 0 && channel_waiting(&k.courier) == 0 && witnesses_errand(k.witnesses, &body)) {
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
    if (k.open)
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
        if (m.type == MESSAGE_UPGRADED) {
            note_upgrade(m.body);
            continue;
        }
        if (m.type == MESSAGE_CERTIFY) {
            registrar_want(k.registrar, m.body);
            continue;
        }
        enum role peer = role_peer(&m, &fd);
        if (peer == ROLE_CONSOLE) {
            desk_console(k.desk, fd, buf_span(&k.identity_message));
        } else if (peer == ROLE_COURIER) {
            channel_close(&k.courier);
            channel_open(&k.courier, fd, ROLE_KEEPER, ROLE_COURIER, ERRAND_MAX);
            if (k.open)
                witnesses_courier_gone(k.witnesses);
            give_errands();
        } else if (peer == ROLE_RELAY) {
            links_relay(k.links, fd);
        } else if (peer == ROLE_DETECTOR) {
            channel_close(&k.detector);
            channel_open(&k.detector, fd, ROLE_KEEPER, ROLE_DETECTOR, PEER_QUEUE);
            k.last = (struct position){0};
            learnt_give(&k.learnt, &k.detector, k.open || waiting_takes(k.waiting));
        }
    }
    if (r < 0)
        k.stopping = true;
}

static int take_record(struct span body, struct error *e)
{
    struct position p;
    struct span encoded;
    if (intake_record(body, &k.last, &p, &encoded, e) != 0)
        return -1;
    if (k.waiting == NULL)
        return appender_put(k.appender, p, encoded, e);
    waiting_put(k.waiting, SPOOLED_RECORD, p, encoded);
    return 0;
}

/* Packets of a finding that came before. */
static int take_evidence(struct span body, struct error *e)
{
    struct position p;
    struct span encoded;
    if (intake_evidence(body, k.last, &p, &encoded, e) != 0)
        return -1;
    if (k.waiting == NULL)
        return appender_put_evidence(k.appender, p, encoded, e);
    waiting_put(k.waiting, SPOOLED_EVIDENCE, p, encoded);
    return 0;
}

/* What it learnt from a capture is kept once that is durable to its end. */
static void keep_learnt(void)
{
    if (!k.self.start.replay || k.ended)
        learnt_keep(&k.learnt);
}

static void learn(struct span body)
{
    learnt_take(&k.learnt, body);
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
        if (m.type == MESSAGE_END && k.waiting == NULL)
            appender_end(k.appender);
        else if (m.type == MESSAGE_END)
            waiting_put(k.waiting, SPOOLED_END, (struct position){.ordinal = 1}, (struct span){0});
        else if (m.type == MESSAGE_STATE)
            learn(m.body);
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
    if (k.waiting != NULL)
        waiting_end(k.waiting);
    if (!k.open) {
        desk_stop(k.desk);
        desk_free(k.desk);
        _exit(0);
    }
    verifier_stop(k.verifier);
    witnesses_stop(k.witnesses);
    links_stop(k.links);
    desk_stop(k.desk); /* what is in hand is answered, for which the two other threads are needed */
    registrar_stop(k.registrar);
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

/* The opener is done. */
static void become_open(void)
{
    struct error e = {0};
    int r = waiting_opened(k.waiting, &e);
    if (r < 0)
        role_fail(&k.self, &e);
    if (r == 0)
        return;
    opened();
    desk_identity(k.desk, buf_span(&k.identity_message));
    if (k.courier.fd >= 0)
        witnesses_courier_gone(k.witnesses);
    if (k.detector.fd >= 0 && !k.learnt.told)
        learnt_give(&k.learnt, &k.detector, true);
    else if (k.learnt.untaught)
        (void)channel_send(&k.self.control, MESSAGE_RELEARN, (struct span){0}, NULL);
}

static void woken(void)
{
    uint64_t n;
    ssize_t got = read(k.wake_fd, &n, sizeof n);
    (void)got;
    struct error e = {0};
    if (atomic_exchange(&k.certified, false))
        (void)channel_send(&k.self.control, MESSAGE_CERTIFIED, (struct span){0}, NULL);
    if (!k.open) {
        become_open();
        return;
    }
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
    tq_time left = k.open ? (k.verify_at - clock_monotonic()) / TIME_MS : 60000;
    int ms = left < 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
    return k.step_ms < ms ? k.step_ms : ms;
}

/* Spools and reads in; after the last record things are as always. */
static void step(void)
{
    struct error e = {0};
    bool done = false;
    k.step_ms = 60000;
    if (k.waiting == NULL)
        return;
    k.step_ms = waiting_step(k.waiting, k.appender, clock_monotonic(), &done, &e);
    if (k.step_ms < 0)
        role_fail(&k.self, &e);
    if (done && atomic_load(&k.at_gate) > 0)
        k.step_ms = 10;
    if (!done || atomic_load(&k.at_gate) > 0)
        return;
    k.step_ms = 60000;
    (void)pthread_mutex_lock(&k.waiting_lock);
    waiting_free(k.waiting);
    k.waiting = NULL;
    (void)pthread_mutex_unlock(&k.waiting_lock);
}

static void read_relay(void)
{
    struct error e = {0};
    if (links_read(k.links, &e) != 0)
        role_complain(&k.self, ROLE_RELAY, &e);
}

/* The relay hears how far its records are durable. While the ledger is locked, or a spool is read in, it keeps them itself. */
static void step_links(void)
{
    bool recording = k.open && k.waiting == NULL && k.detector.fd >= 0;
    struct progress p = recording ? appender_progress(k.appender) : (struct progress){0};
    links_step(k.links, recording, p.link, p.ledger);
}

static void turn(void)
{
    enum { CONTROL, WAKE, DETECTOR, LOCAL, COURIER, RELAY, FIXED };
    struct pollfd p[FIXED + DESK_LINES] = {
        [CONTROL] = {.fd = k.stopping ? -1 : k.self.control.fd, .events = POLLIN},
        [WAKE] = {.fd = k.wake_fd, .events = POLLIN},
        [LOCAL] = {.fd = k.stopping ? -1 : k.self.fds[1], .events = POLLIN},
    };
    bool full = k.waiting != NULL ? !waiting_takes(k.waiting) : appender_full(k.appender);
    short events = (short)((full ? 0 : POLLIN) | (channel_waiting(&k.detector) > 0 ? POLLOUT : 0));
    p[DETECTOR] = (struct pollfd){.fd = events == 0 ? -1 : k.detector.fd, .events = events};
    p[COURIER] = (struct pollfd){.fd = k.courier.fd, .events = (short)(POLLIN | (channel_waiting(&k.courier) > 0 ? POLLOUT : 0))};
    p[RELAY] = (struct pollfd){.fd = links_fd(k.links), .events = links_events(k.links)};
    size_t lines = desk_poll(k.desk, p + FIXED);
    if (poll(p, FIXED + lines, next_deadline()) < 0)
        return;
    step();
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
    if ((p[RELAY].revents & ~POLLOUT) != 0)
        read_relay();
    step_links();
    give_errands();
    if (p[LOCAL].revents != 0)
        accept_local();
    desk_act(k.desk, p + FIXED, lines);
    if (p[CONTROL].revents != 0)
        hear();
    if (k.open && clock_monotonic() >= k.verify_at) {
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
