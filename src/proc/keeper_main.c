/* The keeper: the only process that holds keys, the ledger and the views.
 *
 *   main thread      listens: supervisor, detector, console, local socket; hands on
 *   appender         veils, seals, appends, commits                                   (appender.c)
 *   projector        follows the ledger, writes the views                             (projector.c)
 *   readers          answer requests                                                  (desk.c)
 *   verifier         recomputes the ledger now and then                               (verifier.c)
 *   opener           opens all this once the passphrase was given                     (waiting.c); the keys may wait for one
 *   reminder         tells people what they have to learn, by mail through the courier (reminder.c)
 *   witnesses        has the head cosigned elsewhere, through the courier             (witnesses.c)
 *   mail room        has mails that people report read by the reader; it has no thread  (mailroom.c)
 *   doors            has the warden open and close what people approved               (doors.c)
 *   steward          looks after room on the disk; removes what is old enough           (steward.c)
 *   registrar        keeps the certificates of links in force, also while the ledger is locked     (registrar.c)
 *   vault            makes backups, and tests them by restoring them                   (vault.c)
 *
 * They share the queues between them and the ledger (under ledger_lock), nothing else.
 *
 * Everything is below the data folder, which is its present folder: it needs no path, and can use none. */
#include "proc/keeper.h"

#include "base/text.h"
#include "lab/people/act.h"
#include "proc/clock.h"
#include "proc/intake.h"
#include "proc/keyroom.h"
#include "proc/log.h"
#include "record/crypto/crypto.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define TELL_EVERY TIME_SECOND
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

void keeper_wake(void *context)
{
    (void)context;
    uint64_t one = 1;
    ssize_t n = write(k.wake_fd, &one, sizeof one);
    (void)n;
}

/* ── start ── */

void keeper_notice(void *context, const char *topic, const char *id, const char *etag)
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

/* What lab.yaml says differs from what it said at the last start that the ledger tells of: which settings, not what they say. */
static void note_settings(void)
{
    static struct record r; /* main thread only */
    static char edits[START_SETTINGS][64];
    struct store_conn *c = store_reader_open(k.store, NULL);
    if (c == NULL || store_look(c, NULL) != 0) {
        store_reader_close(c);
        return;
    }
    bool first = !setting_any(c);
    size_t n = 0;
    record_start(&r, EVENT_CONFIG_CHANGED, clock_now(), NULL);
    for (size_t i = 0; i < k.self.start.settings_n; i++) {
        const struct start_setting *s = &k.self.start.settings[i];
        char digest[2 * sizeof s->digest + 1];
        text_hex_to(digest, s->digest, sizeof s->digest);
        if (setting_same(c, s->name, digest))
            continue;
        (void)snprintf(edits[n], sizeof edits[n], "%s=%s", s->name, digest);
        record_str(&r, KEY_SETTING, s->name);
        record_str(&r, KEY_EDIT, edits[n++]);
    }
    store_look_end(c);
    store_reader_close(c);
    record_str(&r, KEY_WHY, first ? "the first start" : "lab.yaml was changed before this start");
    if (n > 0)
        note_record(&r);
}

static void note_start(void)
{
    struct error why = {0};
    uint64_t first_bad = 0;
    if (!k.found.run_started)
        note_event(EVENT_RUN_STARTED, NULL, (struct span){0});
    note_settings();
    if (k.mended[0] != 0)
        note_event(EVENT_STORE_MENDED, NULL, span_str(k.mended));
    if (k.mark.generation > 0)
        keeper_note_checkpoint(NULL, &k.mark, k.mark_applied);
    uint64_t holes = projector_holes(k.projector, &first_bad, &why);
    if (holes > 0) {
        log_line(LOG_LEVEL_ERROR, "the ledger does not hold from record %llu on (%s); records that cannot be shown: %llu",
                 (unsigned long long)first_bad, why.text, (unsigned long long)holes);
        verifier_report(k.verifier, first_bad, why.text);
    }
    keyroom_open(k.appender, KEEPER_ROOT_KEY);
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
    keeper_wake(NULL);
    keeper_notice(NULL, "certificates", "", "");
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

static void settle(void *context, struct api_clock now)
{
    (void)context;
    if (atomic_load(&k.answers))
        api_settle(k.api, now);
}

static int start_waiting(enum gate_stage stage, struct error *e)
{
    struct waiting_options options = {.spool = {.replay = k.self.start.replay, .ledger = locked_ledger_size(LEDGER_DIR), .now = clock_now()},
                                      .site = k.self.start.site,
                                      .stage = stage,
                                      .open = keeper_open_ledger,
                                      .rest = keeper_open_rest,
                                      .wake = keeper_wake};
    memcpy(options.spool.run, k.self.start.run, RUN_ID);
    k.waiting = waiting_new(&options, e);
    return k.waiting == NULL ? -1 : 0;
}

/* The keys wait for a passphrase. The page answers with the certificate of an earlier start. */
static int start_locked(struct error *e)
{
    bool used = keeper_used_before();
    bool page = false;
    if (start_waiting(used ? GATE_LOCKED : GATE_FRESH, e) != 0 || identity_open_page(&k.identity, &page, e) != 0)
        return -1;
    if (page)
        keeper_put_identity(true);
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
    keeper_hear_witnesses();
    if (crypto_start(&e) != 0 || fchdir(k.self.fds[0]) != 0)
        role_fail(&k.self, e.class != ERR_NONE ? &e : &(struct error){ERR_SYSTEM, "the data folder cannot be entered"});
    (void)umask(0077);
    role_narrow(&k.self, k.self.fds[0], note);
    k.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct links_options links = {.wake = keeper_wake, .seen = registrar_seen};
    memcpy(links.run, k.self.start.run, RUN_ID);
    k.links = links_new(&links, &e);
    struct doors_options doors = {.devices = k.self.start.warden_devices,
                                  .vendors = k.self.start.warden_vendors,
                                  .site = k.self.start.site,
                                  .longest = k.self.start.warden_longest,
                                  .replay = k.self.start.replay,
                                  .wake = keeper_wake,
                                  .notice = keeper_notice};
    k.doors = k.links == NULL ? NULL : doors_new(&doors, &e);
    int r = k.doors == NULL ? -1 : k.wake_fd < 0 ? err_sys(&e, errno, "making an event descriptor") : 0;
    k.mailroom = r != 0 ? NULL : mailroom_new(keeper_wake, &e);
    r = k.mailroom == NULL ? -1 : r;
    k.registrar = r != 0 ? NULL : registrar_start(k.self.start.site, certificates_changed, &e);
    if (r == 0)
        r = k.registrar == NULL ? -1 : keeper_open_ledger((struct span){0}, &e);
    bool locked = r != 0 && e.class == ERR_LOCKED;
    if (locked)
        r = start_locked(&e);
    else if (r == 0 && spool_is_there()) /* the machine stopped while it was read in */
        r = start_waiting(GATE_OPEN, &e);
    if (r == 0 && !locked)
        r = keeper_open_rest(&e);
    if (r == 0 && !locked)
        opened();
    k.desk = r != 0 ? NULL : desk_new(answer, settle, keeper_wake, complain, NULL, &e);
    if (k.desk == NULL)
        role_fail(&k.self, &e);
    role_ready(&k.self, note);
    role_step_back(0);
}

/* ── main loop ── */

/* What is to be asked goes to the courier, one errand at a time as there is room. */
static void give_errands(void)
{
    struct buf body = BUF_SECRET(ERRAND_MAX);
    while (k.open && k.courier.fd >= 0 && channel_waiting(&k.courier) == 0 &&
           (witnesses_errand(k.witnesses, &body) || reminder_errand(k.reminder, &body))) {
        (void)channel_put(&k.courier, MESSAGE_ERRAND, buf_span(&body), NULL);
        (void)channel_write(&k.courier, NULL); /* where it is gone, reading tells */
        buf_clear(&body);
    }
    buf_release(&body);
}

static int take_outcome(struct span body, struct error *e)
{
    struct outcome o;
    if (outcome_decode(body, &o, e) != 0)
        return -1;
    return k.reminder != NULL && (o.id & REMINDER_ERRAND) != 0 ? reminder_outcome(k.reminder, &o, e) : witnesses_outcome(k.witnesses, body, e);
}

static void courier_gone(void)
{
    witnesses_courier_gone(k.witnesses);
    reminder_courier_gone(k.reminder);
}

static void read_courier(void)
{
    struct error e = {0};
    struct message m;
    int r = channel_read(&k.courier, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    while (r == 0 && (r = channel_next(&k.courier, &m, &e)) == 1)
        r = take_outcome(m.body, &e);
    if (r == 0)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&k.self, ROLE_COURIER, &e);
    channel_close(&k.courier);
    if (k.open)
        courier_gone();
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
        enum role peer = role_peer(&m, &fd, NULL);
        if (peer == ROLE_CONSOLE) {
            desk_console(k.desk, fd, buf_span(&k.identity_message));
        } else if (peer == ROLE_COURIER) {
            channel_close(&k.courier);
            channel_open(&k.courier, fd, ROLE_KEEPER, ROLE_COURIER, ERRAND_MAX);
            if (k.open)
                courier_gone();
            give_errands();
        } else if (peer == ROLE_RELAY) {
            links_relay(k.links, fd);
        } else if (peer == ROLE_WARDEN) {
            doors_warden(k.doors, fd);
        } else if (peer == ROLE_READER) {
            mailroom_reader(k.mailroom, fd);
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
    if (k.open)
        appender_gather(k.appender, true);
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
    if (k.open)
        appender_gather(k.appender, false);
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
    if (!k.self.start.replay && clock_monotonic() - k.told_at < TELL_EVERY)
        return; /* of a capture alone does somebody wait to hear it */
    k.told_at = clock_monotonic();
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
    mailroom_stop(k.mailroom);
    if (!k.open) {
        desk_stop(k.desk);
        desk_free(k.desk);
        _exit(0);
    }
    verifier_stop(k.verifier);
    witnesses_stop(k.witnesses);
    reminder_stop(k.reminder);
    links_stop(k.links);
    doors_stop(k.doors);
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
        courier_gone();
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
    k.step_ms = waiting_step(k.waiting, k.open ? k.appender : NULL, clock_monotonic(), &done, &e); /* before, the opener is at it */
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
    if (recording)
        links_late(k.links, &k.detector);
    links_step(k.links, !k.open && k.waiting != NULL && waiting_locked(k.waiting), recording, p.link, p.ledger);
}

static void read_warden(void)
{
    struct error e = {0};
    if (doors_read(k.doors, &e) != 0)
        role_complain(&k.self, ROLE_WARDEN, &e);
}

static void read_reader(void)
{
    struct error e = {0};
    if (mailroom_read(k.mailroom, &e) != 0)
        role_complain(&k.self, ROLE_READER, &e);
}

static void turn(void)
{
    enum { CONTROL, WAKE, DETECTOR, LOCAL, COURIER, RELAY, WARDEN, READER, FIXED };
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
    p[WARDEN] = (struct pollfd){.fd = doors_fd(k.doors), .events = doors_events(k.doors)};
    p[READER] = (struct pollfd){.fd = mailroom_fd(k.mailroom), .events = mailroom_events(k.mailroom)};
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
    if ((p[WARDEN].revents & ~POLLOUT) != 0)
        read_warden();
    if ((p[READER].revents & ~POLLOUT) != 0)
        read_reader();
    step_links();
    doors_step(k.doors);
    mailroom_step(k.mailroom);
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

/* Told to stop, it takes what the detector still has; but not where that cannot be taken before a person comes. */
static bool goes_on(void)
{
    if (!k.stopping)
        return true;
    bool nowhere = k.waiting != NULL && waiting_locked(k.waiting) && !waiting_takes(k.waiting);
    return k.detector.fd >= 0 && !nowhere;
}

int main(void)
{
    start();
    hear();
    while (goes_on())
        turn();
    finish(NULL);
}
