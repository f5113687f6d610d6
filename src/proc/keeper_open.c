/* What the keeper opens at a start, or once the passphrase was right: keys, ledger, views, and the threads that work on them. */
#include "proc/keeper.h"

#include "lab/link_view.h"
#include "proc/clock.h"
#include "proc/keyroom.h"
#include "proc/locked.h"
#include "proc/log.h"
#include "proc/own.h"
#include "proc/sealed.h"
#include "record/crypto/crypto.h"
#include "record/ledger/slots.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SETTLE (64u << 20) /* bytes of journal: a start after a crash reads so much in less than a second */

/* A data folder that was in use has an identity. Its ledger must be there too: a fresh one in its place would hide that the old one is gone. */
bool keeper_used_before(void)
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
int keeper_open_ledger(struct span passphrase, struct error *e)
{
    bool used = keeper_used_before();
    struct root_source root = {.kind = root_kind(), .path = KEEPER_ROOT_KEY, .secret = passphrase};
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
    struct ledger_options options = {.dir = LEDGER_DIR,
                                     .root = &root,
                                     .now = clock_now(),
                                     .origin = origin,
                                     .create = !used,
                                     .checkpoint_interval = LEDGER_BY_HAND,
                                     .settle = SETTLE};
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
void keeper_put_identity(bool locked)
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
        const struct start *s = &k.self.start;
        const struct identity_names names = {.page = s->name, .address = s->address, .landing = s->landing, .postbox = s->postbox};
        r = identity_open(&k.identity, key, s->site, &names, clock_now(), e);
    }
    crypto_wipe(key, sizeof key);
    if (r != 0)
        return -1;
    keeper_put_identity(false);
    return lock_prepare(root_kind(), e);
}

/* The lab's own entries, as the supervisor read and checked them. */
static int open_catalog(void *context, struct keeper_views *views, struct error *e)
{
    (void)context;
    struct error why = {0};
    struct buf text = BUF_SECRET(OWN_MAX);
    int r = own_load(k.self.fds[2], &text, e);
    struct span rest = buf_span(&text);
    struct span file;
    struct span leaked = own_breached(&rest);
    if (r == 0)
        r = breached_use(leaked, e);
    while (r == 0 && own_next(&rest, &file))
        r = views_catalog_add(views, file, "catalog", e);
    k.own = BUF_SECRET(OWN_COURSES_MAX + 1);
    buf_add_span(&k.own, rest);
    buf_release(&text);
    if (r == 0)
        r = buf_ok(&k.own) ? programme_unpack(buf_span(&k.own), &k.programme, e) : err_set(e, ERR_SYSTEM, "no memory for the lab's own courses");
    if (r == 0 && k.programme.zone.n > 0 && views_zone_set(views, k.programme.zone, &why) != 0)
        r = err_set(e, why.class, "the time zone: %s", why.text);
    return r;
}

static int open_courses(struct error *e)
{
    k.courses = courses_new(e);
    return k.courses != NULL ? courses_unpack(k.courses, buf_span(&k.own), e) : -1;
}

/* The store's mark on the ledger. Before the appender runs the last one waits (note_start). */
void keeper_note_checkpoint(void *context, const struct store_mark *mark, uint64_t applied)
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
    keeper_wake(NULL);
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
        .projector = {.ledger = k.ledger, .notice = keeper_notice, .checkpointed = keeper_note_checkpoint, .trouble = store_trouble}};
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
    if (keyroom_start(k.ledger, KEEPER_ROOT_KEY, store_writer(k.store), e) != 0)
        return -1;
    char run[2 * 4 + 1];
    for (size_t i = 0; i < 4; i++)
        (void)snprintf(run + 2 * i, 3, "%02x", k.self.start.run[i]);
    k.found.progress.link = link_last_seq(store_writer(k.store), run);
    return backup_summary(store_writer(k.store), &k.backups, e); /* before the projector has the writer to itself */
}

static int open_api(struct error *e)
{
    char origin[START_NAME + 16];
    uint8_t key[32];
    (void)snprintf(origin, sizeof origin, "https://%s", k.self.start.name);
    if (k.self.start.port != 443) /* as browsers write it */
        (void)snprintf(origin, sizeof origin, "https://%s:%u", k.self.start.name, k.self.start.port);
    ledger_derive_key(k.ledger, "exercise", key);
    (void)memcpy(&k.exercise, key, sizeof k.exercise);
    ledger_derive_key(k.ledger, "sign-in", key);
    struct api_options options = {.site = k.self.start.site,
                                  .store = k.store,
                                  .views = k.views,
                                  .host = keeper_host,
                                  .name = k.self.start.name,
                                  .origin = origin,
                                  .postbox = k.self.start.postbox,
                                  .lock_s = k.self.start.lock,
                                  .time_zone = k.self.start.time_zone,
                                  .key = key};
    if (open_courses(e) != 0) {
        crypto_wipe(key, sizeof key);
        return -1;
    }
    options.courses = k.courses;
    options.training = (struct api_training){.questions = k.programme.questions,
                                             .tries = k.programme.tries,
                                             .cool_down = k.programme.cool_down,
                                             .remind = k.programme.remind,
                                             .escalate = k.programme.escalate,
                                             .mail = k.programme.url[0] != 0};
    options.told_to = k.programme.findings;
    options.told_from = k.programme.findings_from;
    options.phishing = (struct api_phishing){
        .landing = k.programme.landing, .domains = k.programme.targets, .language = k.programme.language, .every = k.programme.every};
    k.api = api_new(&options, e);
    crypto_wipe(key, sizeof key);
    return k.api == NULL ? -1 : 0;
}

static void witnesses_changed(void *context)
{
    keeper_notice(context, "ledger", "", "");
    keeper_wake(context);
}

/* The witnesses of lab.yaml: they come right behind START. */
void keeper_hear_witnesses(void)
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

static void reminder_changed(void *context)
{
    keeper_wake(context);
}

/* What the lab's files say of its policies goes on the ledger. Not on the main thread: it wakes the projector that is waited for. */
static int settle_policies(void *context, struct error *e)
{
    (void)context;
    return api_policies(k.api, clock_now(), e);
}

static int start_reminder(struct error *e)
{
    char origin[START_NAME + 16];
    (void)snprintf(origin, sizeof origin, "https://%s", k.self.start.name);
    struct reminder_options options = {.programme = &k.programme,
                                       .store = k.store,
                                       .views = k.views,
                                       .site = k.self.start.site,
                                       .exercise = &k.exercise,
                                       .origin = origin,
                                       .decide = keeper_host.decide,
                                       .settle = settle_policies,
                                       .changed = reminder_changed};
    k.reminder = reminder_start(&options, e);
    return k.reminder == NULL ? -1 : 0;
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
                                       .committed = keeper_wake};
    memcpy(options.run, k.self.start.run, RUN_ID);
    k.appender = appender_start(&options, e);
    if (k.appender == NULL || projector_start(k.projector, e) != 0)
        return -1;
    k.verifier = verifier_start(LEDGER_DIR, k.verifier_line, k.appender, e);
    return k.verifier == NULL || start_witnesses(e) != 0 || start_vault(e) != 0 || start_links(e) != 0 || start_reminder(e) != 0 ||
                   doors_opened(k.doors, k.appender, k.store, e) != 0
               ? -1
               : start_steward(e);
}

/* Everything behind the ledger: on the main thread at a start, on the opener's once a passphrase was right. */
int keeper_open_rest(struct error *e)
{
    if (open_keys(e) != 0 || open_views(e) != 0 || open_api(e) != 0)
        return -1;
    if (k.waiting != NULL && waiting_prepare(k.waiting, k.ledger, e) != 0)
        return -1;
    return start_threads(e) != 0 ? -1 : registrar_open(k.registrar, k.appender, k.store, e);
}
