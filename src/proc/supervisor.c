/* The supervisor.
 *
 *   keeper ⇄ courier    keeper ⇄ warden    keeper ⇄ reader    keeper ⇄ console    relay → detector    relay ⇄ keeper          detector → keeper
 * sensor(s) → detector       (each a socket pair that the supervisor makes and hands out)
 *
 * A replay is exactly-once, whoever is killed whenever. Invariants:
 *  1. The run's id and hash key are chosen once and handed to every role that is started. With them sense and detect are functions of the capture:
 * the records of a run, in their order, are the same each time that the capture is read.
 *  2. Each record has a position (seq from the sensor, ordinal from the detector) that grows along that order.
 *  3. As long as the capture is not durable to its end, sensor and detector live and die together with the keeper: when one of the three dies, sensor
 * and detector are killed, and the capture is read again from its start by new ones. Nothing half-read survives in a socket or a memory.
 *  4. The keeper takes a record only if its position is above the highest that is durable, or on its way, on the record's stream (appender.c).
 *  5. Only the keeper says that the capture is durable to its end. From then on it is not read again, and a dead sibling is replaced alone: the
 * others get a new descriptor to it. So no record is lost (3: everything is sent again) and none comes twice (4).
 *
 * Live interfaces, one sensor each, cannot be read again; nothing comes twice, and what is lost is bounded and told:
 *  6. Nothing is "durable to its end" there, so 3 does not hold: whoever dies is replaced alone.
 *  7. Each start of a role gets a number `first` above all that an earlier start of this run can have used: (starts so far) << 40. A new sensor's
 * flows and the messages in them get ids behind it, so they are never taken for others. A new detector's positions begin behind it, so the keeper (4)
 * never takes a new record for an old one; a new keeper finds positions that go on growing.
 *  8. Lost are: with a sensor, the packets of its ring and its open flows; with a detector or keeper, the records on their way to it that are not
 * durable. The keeper writes each death on the ledger (role.restarted), and sensors count what they had to drop.
 *  9. A sensor lives on without its interface. It is opened anew with back-off, and the sensor is told why there is none meanwhile.
 *
 * States of a role: OFF → (started) → UP → (dies) → OFF until its back-off has passed. */
#include "proc/supervisor_private.h"

#include "proc/clamd.h"
#include "proc/clock.h"
#include "proc/config_keys.h"
#include "proc/errand.h"
#include "proc/interface.h"
#include "proc/log.h"
#include "proc/premises.h"
#include "proc/programme.h"
#include "proc/role.h"
#include "proc/spawn.h"
#include "record/ledger/root.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RELAY_MOST (2 * TIME_SECOND)  /* the relay's: results wait for it */
#define HEALTHY (60 * TIME_SECOND)    /* a role that lived so long starts its back-off anew */
#define REOPEN_MOST (5 * TIME_SECOND) /* between two attempts to open an interface */
#define FIRST_SHIFT 40                /* of a role's first number (invariant 7) */

/* ── starting ── */

static uint8_t root_of(const struct config *c)
{
    return strcmp(c->root_key, "passphrase") == 0 ? ROOT_PASSPHRASE : strcmp(c->root_key, "credential") == 0 ? ROOT_CREDENTIAL : ROOT_FILE;
}

static void fill_start(struct supervisor *s, const struct child *child, struct start *start)
{
    const struct config *c = s->o->config;
    enum role role = child->role;
    *start = (struct start){.unprivileged = s->unprivileged, .replay = s->o->replay != NULL, .uid = spawn_uid(role), .hash_key = s->hash_key};
    if (s->live || s->durable)
        start->first = ++s->starts << FIRST_SHIFT;
    memcpy(start->run, s->run, RUN_ID);
    start->witnesses = role == ROLE_KEEPER ? (uint8_t)c->witness_count : 0;
    start->ndpi = role == ROLE_SENSOR && strcmp(c->labels, "ndpi") == 0;
    start->bodies = (role == ROLE_SENSOR || role == ROLE_RELAY) && strcmp(c->bodies, "none") != 0;
    start->packets = role == ROLE_SENSOR || role == ROLE_DETECTOR ? (uint32_t)strtoul(c->packets, NULL, 10) : 0;
    start->root = role == ROLE_KEEPER ? root_of(c) : 0;
    if (role == ROLE_KEEPER || role == ROLE_WARDEN) {
        memcpy(start->warden_devices, c->warden_devices, sizeof start->warden_devices);
        memcpy(start->warden_vendors, c->warden_vendors, sizeof start->warden_vendors);
        start->warden_longest = c->warden_longest;
    }
    memcpy(start->site, c->site, sizeof start->site);
    if (role == ROLE_KEEPER) {
        memcpy(start->backup_to, c->backup_to, sizeof start->backup_to);
        start->backup_folder = s->backup_fd >= 0;
        start->backup_every = c->backup_every;
        start->backup_keep = c->backup_keep;
        start->backup_test = c->backup_test;
        start->keep_observations = c->keep_observations;
        start->keep_evidence = c->keep_evidence;
        start->settings_n = (uint8_t)config_settings(c, start->settings);
    }
    if (role == ROLE_SENSOR && s->o->replay != NULL) {
        const char *slash = strrchr(s->o->replay, '/');
        (void)snprintf(start->name, sizeof start->name, "%s", slash != NULL ? slash + 1 : s->o->replay);
    } else if (role == ROLE_SENSOR) {
        (void)snprintf(start->name, sizeof start->name, "%s", c->capture[child->capture].interface);
    } else if (role == ROLE_KEEPER || role == ROLE_CONSOLE) {
        (void)snprintf(start->name, sizeof start->name, "%s", c->console_name);
        (void)snprintf(start->address, sizeof start->address, "%s", c->console_listen.host);
        const struct config_listener *landing = programme_listener(c, "landing");
        const struct config_listener *postbox = programme_listener(c, "mail");
        if (landing != NULL)
            (void)snprintf(start->landing, sizeof start->landing, "%s", landing->name);
        if (postbox != NULL)
            (void)snprintf(start->postbox, sizeof start->postbox, "%s", postbox->name);
        (void)snprintf(start->postbox_from, sizeof start->postbox_from, "%s", c->mail_servers);
        start->postbox_clear = strcmp(c->mail_arrives, "off") == 0;
        start->port = c->console_port != 0 ? (uint16_t)c->console_port : c->console_listen.port;
        start->lock = (uint32_t)c->console_lock;
        programme_zone(c, start->time_zone);
    }
}

/* Which witnesses the keeper has to ask. */
static int tell_witnesses(struct supervisor *s, struct child *c, struct error *e)
{
    const struct config *config = s->o->config;
    int r = 0;
    for (size_t i = 0; i < config->witness_count && r == 0; i++) {
        const struct config_witness *w = &config->witness[i];
        struct buf body = BUF_INIT(2 * ERRAND_AUTHORITY);
        witness_told_encode(
            &body, &(struct witness_told){
                       .name = span_str(w->name), .url = span_str(w->url), .key = span_str(w->key), .authority = buf_span(&s->authority[i])});
        r = channel_send_fds(&c->control, MESSAGE_WITNESS, buf_span(&body), NULL, 0, e);
        buf_release(&body);
    }
    return r;
}

/* Tells a new role what to do, with the descriptors that it alone gets. */
static int send_start(struct supervisor *s, struct child *c, struct error *e)
{
    struct start start;
    struct buf body = BUF_INIT(8192);
    int fds[START_FDS];
    size_t n = 0;
    int capture = -1;
    fill_start(s, c, &start);
    if (c->role == ROLE_RELAY && links_fill_start(s, &start, &capture, e) != 0)
        return -1;
    start_encode(&body, &start);
    if (c->role == ROLE_SENSOR && !s->live) {
        if (premises_capture(s->o->replay, &capture, e) != 0) {
            buf_release(&body);
            return -1;
        }
        fds[n++] = capture;
    } else if (c->role == ROLE_KEEPER) {
        fds[n++] = s->data_fd;
        fds[n++] = s->local_fd;
        fds[n++] = s->own_fd;
        if (s->backup_fd >= 0)
            fds[n++] = s->backup_fd;
        if (start.root == ROOT_CREDENTIAL && premises_credential(s->o->config->credential, &capture, e) != 0) {
            buf_release(&body);
            return -1;
        }
        if (start.root == ROOT_CREDENTIAL)
            fds[n++] = capture;
    } else if (c->role == ROLE_CONSOLE) {
        fds[n++] = s->listen_fd;
        if (s->landing_fd >= 0)
            fds[n++] = s->landing_fd;
        if (s->postbox_fd >= 0)
            fds[n++] = s->postbox_fd;
    } else if (c->role == ROLE_RELAY) {
        fds[n++] = capture;
    }
    int r = channel_send_fds(&c->control, MESSAGE_START, buf_span(&body), fds, n, e);
    if (r == 0 && c->role == ROLE_KEEPER)
        r = tell_witnesses(s, c, e);
    if (r == 0 && c->role == ROLE_KEEPER)
        r = links_certify(s, c, e);
    if (r == 0 && c->role == ROLE_RELAY)
        r = links_tell(s, c, e);
    if (capture >= 0)
        (void)close(capture);
    buf_release(&body);
    return r;
}

/* Opens a sensor's interface and hands it over; or says why it cannot, and when to try again. */
static void hand_interface(struct supervisor *s, struct child *c)
{
    const char *name = s->o->config->capture[c->capture].interface;
    struct buf body = BUF_INIT(512);
    struct error e = {0};
    char why[sizeof c->trouble] = "";
    uint32_t linktype = 0;
    int fd = -1;
    c->listening = interface_open(name, &fd, &linktype, &e) == 0;
    if (c->listening)
        log_line(LOG_LEVEL_INFO, "listening to %s", name);
    else
        (void)snprintf(why, sizeof why, "%s", e.text);
    if (!c->listening && strcmp(c->trouble, why) != 0)
        log_line(LOG_LEVEL_WARNING, "nothing is heard: %s; it is tried again every %d s", why, (int)(REOPEN_MOST / TIME_SECOND));
    (void)snprintf(c->trouble, sizeof c->trouble, "%s", why);
    buf_be32(&body, linktype);
    buf_add_str(&body, why);
    struct error late = {0};
    if (channel_send_fds(&c->control, MESSAGE_CAPTURE, buf_span(&body), &fd, c->listening ? 1 : 0, &late) != 0)
        c->listening = false;
    if (fd >= 0)
        (void)close(fd);
    buf_release(&body);
    tq_time wait = c->reopens < 2 ? TIME_SECOND << c->reopens : REOPEN_MOST;
    c->reopens = c->listening ? 0 : c->reopens + 1;
    c->reopen_at = clock_monotonic() + wait;
}

/* A sensor's interface is gone. The first attempt comes after a second: one that flaps must not keep everybody busy. */
static void heard_lost(struct supervisor *s, struct child *c, struct span why)
{
    if (!s->live || c->role != ROLE_SENSOR)
        return;
    log_line(LOG_LEVEL_WARNING, "%s: %.*s", s->o->config->capture[c->capture].interface, (int)(why.n < 200 ? why.n : 200), (const char *)why.p);
    c->listening = false;
    c->trouble[0] = 0;
    c->reopens = 0;
    c->reopen_at = clock_monotonic() + TIME_SECOND;
}

static void send_peer(struct child *to, const struct child *peer, int fd)
{
    const uint8_t body[] = {(uint8_t)peer->role, (uint8_t)peer->capture};
    struct error e;
    if (channel_send_fds(&to->control, MESSAGE_PEER, span_of(body, sizeof body), &fd, 1, &e) != 0)
        log_line(LOG_LEVEL_WARNING, "the %s could not be given a channel to the %s: %s", role_name(to->role), role_name(peer->role), e.text);
}

/* A new channel between two roles, where both are up. */
static void join(struct child *one, struct child *other)
{
    int pair[2];
    if (one->pid == 0 || other->pid == 0)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        log_line(LOG_LEVEL_ERROR, "no channel between %s and %s: %s", role_name(one->role), role_name(other->role), strerror(errno));
        return;
    }
    send_peer(one, other, pair[0]);
    send_peer(other, one, pair[1]);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

static void join_all(struct supervisor *s, struct child *c)
{
    struct child *all = s->children;
    if (c->role == ROLE_KEEPER || c->role == ROLE_CONSOLE)
        join(&all[ROLE_KEEPER], &all[ROLE_CONSOLE]);
    if (c->role == ROLE_KEEPER || c->role == ROLE_COURIER)
        join(&all[ROLE_KEEPER], &all[ROLE_COURIER]);
    if (c->role == ROLE_DETECTOR || c->role == ROLE_KEEPER)
        join(&all[ROLE_DETECTOR], &all[ROLE_KEEPER]);
    if (c->role == ROLE_DETECTOR || c->role == ROLE_RELAY)
        join(&all[ROLE_DETECTOR], &all[ROLE_RELAY]);
    if (c->role == ROLE_KEEPER || c->role == ROLE_RELAY)
        join(&all[ROLE_KEEPER], &all[ROLE_RELAY]);
    if (c->role == ROLE_KEEPER || c->role == ROLE_WARDEN)
        join(&all[ROLE_KEEPER], &all[ROLE_WARDEN]);
    if (c->role == ROLE_KEEPER || c->role == ROLE_READER)
        join(&all[ROLE_KEEPER], &all[ROLE_READER]);
    if (c->role == ROLE_SENSOR)
        join(c, &all[ROLE_DETECTOR]);
    for (size_t i = 0; i < s->child_count && c->role == ROLE_DETECTOR; i++)
        if (all[i].role == ROLE_SENSOR)
            join(&all[i], &all[ROLE_DETECTOR]);
}

static tq_time longest_wait(const struct supervisor *s, const struct child *c)
{
    return c->role == ROLE_RELAY && s->backoff_most > RELAY_MOST ? RELAY_MOST : s->backoff_most;
}

static void back_off(const struct supervisor *s, struct child *c, tq_time now)
{
    if (now - c->started >= HEALTHY)
        c->failures = 0;
    tq_time wait = c->failures < 5 ? TIME_SECOND << c->failures : s->backoff_most;
    if (wait > longest_wait(s, c))
        wait = longest_wait(s, c);
    c->failures++;
    c->not_before = now + wait;
}

void supervisor_channel(struct child *c, int fd)
{
    channel_open(&c->control, fd, ROLE_SUPERVISOR, c->role, 65536);
}

static void start_child(struct supervisor *s, struct child *c)
{
    struct error e = {0};
    int control = -1;
    c->started = clock_monotonic();
    if (spawn_role(s->programs.fd[c->role], c->role, &c->pid, &control, &e) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", e.text);
        back_off(s, c, c->started);
        return;
    }
    supervisor_channel(c, control);
    c->ready = false;
    if (send_start(s, c, &e) != 0) {
        log_line(LOG_LEVEL_ERROR, "the %s cannot be started: %s", role_name(c->role), e.text);
        (void)kill(c->pid, SIGKILL);
        return;
    }
    c->restarted = c->why[0] != 0;
    join_all(s, c);
    c->listening = false;
    if (c->role == ROLE_SENSOR && s->live)
        hand_interface(s, c);
}

/* Which roles should be up now. While a capture is being read, the chain waits for what is below it. */
static bool wanted(const struct supervisor *s, const struct child *c)
{
    switch (c->role) {
    case ROLE_KEEPER:
    case ROLE_CONSOLE:
    case ROLE_READER: return true;
    case ROLE_COURIER: return s->o->config->witness_count > 0 || s->o->config->mail_server.port != 0;
    case ROLE_WARDEN: return s->o->replay == NULL && s->o->config->warden_devices[0] != 0; /* what is replayed was long ago: no firewall is touched */
    case ROLE_RELAY: return s->durable && s->o->config->relay_count > 0;
    case ROLE_DETECTOR: return s->durable || s->children[ROLE_KEEPER].pid != 0;
    case ROLE_SENSOR: return s->live || (!s->durable && !s->read_out && s->children[ROLE_DETECTOR].pid != 0);
    default: return false;
    }
}

/* Tells the keeper about restarts, so that they stand on the ledger. */
static void tell_restarts(struct supervisor *s)
{
    struct child *keeper = &s->children[ROLE_KEEPER];
    for (size_t i = ROLE_SENSOR; i < s->child_count; i++) {
        struct child *c = &s->children[i];
        if (!c->restarted || keeper->pid == 0)
            continue;
        struct buf body = BUF_INIT(256);
        buf_u8(&body, (uint8_t)c->role);
        buf_add_str(&body, c->why);
        if (channel_send_fds(&keeper->control, MESSAGE_RESTARTED, buf_span(&body), NULL, 0, NULL) == 0) {
            c->restarted = false;
            c->why[0] = 0;
        }
        buf_release(&body);
    }
}

static void start_due(struct supervisor *s)
{
    static const enum role order[] = {ROLE_KEEPER, ROLE_CONSOLE, ROLE_COURIER, ROLE_DETECTOR, ROLE_SENSOR, ROLE_RELAY, ROLE_WARDEN, ROLE_READER};
    tq_time now = clock_monotonic();
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        for (size_t n = ROLE_SENSOR; n < s->child_count; n++) {
            struct child *c = &s->children[n];
            if (c->role == order[i] && c->pid == 0 && now >= c->not_before && wanted(s, c))
                start_child(s, c);
        }
    }
    for (size_t n = ROLE_SENSOR; n < s->child_count && s->live; n++) {
        struct child *c = &s->children[n];
        if (c->role == ROLE_SENSOR && c->pid != 0 && !c->listening && now >= c->reopen_at)
            hand_interface(s, c);
    }
    tell_restarts(s);
}

/* ── dying ── */

static void put_off(struct child *c)
{
    channel_close(&c->control);
    c->pid = 0;
    c->ready = false;
}

/* Ends a role at once, without counting it as a death of its own. */
void supervisor_kill(struct child *c)
{
    if (c->pid == 0)
        return;
    (void)kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    put_off(c);
}

/* The reading starts anew (invariant 3). */
static void reset_chain(struct supervisor *s)
{
    supervisor_kill(&s->children[ROLE_SENSOR]);
    supervisor_kill(&s->children[ROLE_DETECTOR]);
    s->read_out = false;
}

static void end_run(struct supervisor *s, enum err_class class, const char *who, const char *what, const char *why)
{
    if (s->failure.class == ERR_NONE)
        (void)err_set(&s->failure, class, "the %s %s: %s", who, what, why);
    s->stopping = true;
}

static void count_death(const struct supervisor *s, struct child *c, tq_time now)
{
    c->deaths[c->death_count++ % DEATHS] = now;
    if (c->death_count >= DEATHS && now - c->deaths[c->death_count % DEATHS] < 60 * TIME_SECOND)
        log_line(LOG_LEVEL_ERROR, "the %s died %d times within a minute; the other parts go on, and it is tried again every %d seconds at least",
                 role_name(c->role), DEATHS, (int)(longest_wait(s, c) / TIME_SECOND));
}

static void describe(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
}

static void died(struct supervisor *s, struct child *c, int status)
{
    tq_time now = clock_monotonic();
    bool finished = c->role == ROLE_SENSOR && !s->live && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    put_off(c);
    if (c->role == ROLE_RELAY && s->dialer != NULL)
        dial_forget(s->dialer);
    if (s->stopping || upgrade_ended(s, c))
        return;
    if (finished) {
        s->read_out = true;
        return;
    }
    describe(status, c->why, sizeof c->why);
    if (upgrade_failed(s, c, c->why))
        return;
    if (!c->was_ready && (c->role == ROLE_KEEPER || c->role == ROLE_CONSOLE)) {
        end_run(s, ERR_SYSTEM, role_name(c->role), "could not start", c->why);
        return;
    }
    back_off(s, c, now);
    log_line(LOG_LEVEL_WARNING, "the %s was %s; it is started again in %d s", role_name(c->role), c->why, (int)((c->not_before - now) / TIME_SECOND));
    count_death(s, c, now);
    if (!s->durable && c->role != ROLE_CONSOLE && c->role != ROLE_COURIER && c->role != ROLE_RELAY && c->role != ROLE_WARDEN &&
        c->role != ROLE_READER)
        reset_chain(s);
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (size_t i = ROLE_SENSOR; i < s->child_count; i++)
            if (s->children[i].pid == pid)
                died(s, &s->children[i], status);
}

/* ── what roles say ── */

static void announce(struct supervisor *s)
{
    char where[CONFIG_HOST + 16];
    struct config_endpoint page = s->o->config->console_listen;
    if (s->announced || !s->children[ROLE_KEEPER].ready || !s->children[ROLE_CONSOLE].ready)
        return;
    s->announced = true;
    (void)snprintf(page.host, sizeof page.host, "%s", s->o->config->console_name);
    config_endpoint_text(&page, where, sizeof where);
    log_line(LOG_LEVEL_INFO, "the page is at https://%s/", where);
}

static void heard_terminal(struct supervisor *s, struct span body)
{
    struct span text = body;
    uint8_t kind = span_u8(&text);
    int n = text.n < 256 ? (int)text.n : 256;
    if (kind == TERMINAL_FINGERPRINT && !s->fingerprint_told) {
        s->fingerprint_told = true;
        log_line(LOG_LEVEL_INFO, "fingerprint of this site's certificate authority (SHA-256): %.*s", n, (const char *)text.p);
    } else if (kind == TERMINAL_LOCKED)
        log_line(LOG_LEVEL_WARNING, "%.*s", n, (const char *)text.p);
    else if (kind == TERMINAL_SETUP_CODE)
        log_line(LOG_LEVEL_INFO, "set-up code for the first administrator, good for one use until the next start: %.*s", n, (const char *)text.p);
}

static void heard_ready(struct supervisor *s, struct child *c, struct span body)
{
    uint32_t dialect = span_be32(&body);
    if (body.bad || dialect != message_dialect()) {
        if (upgrade_failed(s, c, "it is of another build"))
            supervisor_kill(c);
        else
            end_run(s, ERR_MISUSE, role_name(c->role), "cannot be used", "it is of another build: install all parts of Tourniquet together");
        return;
    }
    if (body.n > 0 && !c->was_ready)
        log_line(LOG_LEVEL_WARNING, "the %s: %.*s", role_name(c->role), (int)body.n, (const char *)body.p);
    c->ready = c->was_ready = true;
    upgrade_ready(s, c);
    announce(s);
}

static void heard_failed(struct supervisor *s, struct child *c, struct span body)
{
    char words[200];
    uint8_t class = span_u8(&body);
    (void)snprintf(words, sizeof words, "%.*s", (int)(body.n < sizeof words ? body.n : sizeof words - 1), (const char *)body.p);
    bool at_start = !c->was_ready && (c->role == ROLE_KEEPER || c->role == ROLE_CONSOLE);
    if (!c->was_ready && class == ERR_PEER) /* it does not understand what it is told to do */
        end_run(s, ERR_MISUSE, role_name(c->role), "could not start", words);
    else if (c->role == ROLE_SENSOR && class == ERR_MISUSE)
        end_run(s, ERR_MISUSE, "capture", "cannot be read", words);
    else if (at_start)
        end_run(s, class > ERR_NONE && class <= ERR_CORRUPT ? (enum err_class) class : ERR_SYSTEM, role_name(c->role), "could not start", words);
    else
        log_line(LOG_LEVEL_ERROR, "the %s cannot go on: %s", role_name(c->role), words);
}

/* Who is restarted where `by` complains of `of`: who sits nearer to what comes from outside. Else a role that was taken over could have the keeper
 * killed again and again, and with it what was on its way to the ledger. */
static enum role to_blame(enum role by, enum role of)
{
    bool senior = by == ROLE_KEEPER || (by == ROLE_DETECTOR && of == ROLE_SENSOR);
    return senior ? of : by;
}

static void heard_complaint(struct supervisor *s, struct child *c, struct span body)
{
    uint8_t role = span_u8(&body);
    uint8_t which = span_u8(&body);
    if (body.bad || role < ROLE_SENSOR || role >= ROLE_COUNT || role == c->role)
        return;
    enum role blamed = to_blame(c->role, (enum role)role);
    log_line(LOG_LEVEL_ERROR, "the %s says of the %s: %.*s; the %s is restarted", role_name(c->role), role_name((enum role)role),
             (int)(body.n < 200 ? body.n : 200), (const char *)body.p, role_name(blamed));
    for (size_t i = ROLE_SENSOR; i < s->child_count; i++) {
        struct child *other = &s->children[i];
        bool meant = blamed == c->role ? other == c : other->role == blamed && other->capture == which;
        if (meant && other->pid != 0)
            (void)kill(other->pid, SIGKILL);
    }
}

static void heard_durable(struct supervisor *s, struct span body)
{
    struct error e;
    if (progress_decode(body, &s->progress, &e) != 0 || !s->progress.ended || s->durable)
        return;
    s->durable = true;
    if (s->o->read_all != NULL)
        s->o->read_all(s->o->context, &s->progress);
    if (s->o->exit_when_read)
        s->stopping = true;
}

/* The reader asks for a connection to the virus scanner: it gets one, or nothing. */
static void hand_scanner(const struct supervisor *s, struct child *c)
{
    int fd = s->o->config->mail_scanner[0] == 0 ? -1 : clamd_connect(s->o->config->mail_scanner);
    (void)channel_send_fds(&c->control, MESSAGE_SCANNER, (struct span){0}, &fd, fd >= 0 ? 1 : 0, NULL);
    if (fd >= 0)
        (void)close(fd);
}

static void take_message(struct supervisor *s, struct child *c, const struct message *m)
{
    switch (m->type) {
    case MESSAGE_READY: heard_ready(s, c, m->body); break;
    case MESSAGE_FAILED: heard_failed(s, c, m->body); break;
    case MESSAGE_COMPLAINT: heard_complaint(s, c, m->body); break;
    case MESSAGE_RELEARN: upgrade_relearn(s); break;
    case MESSAGE_CERTIFIED: links_certificates(s); break;
    case MESSAGE_DIAL: links_dial(s, m->body); break;
    case MESSAGE_SCANNER: hand_scanner(s, c); break;
    case MESSAGE_LOST: heard_lost(s, c, m->body); break;
    case MESSAGE_DURABLE: heard_durable(s, m->body); break;
    case MESSAGE_TERMINAL: heard_terminal(s, m->body); break;
    default: break;
    }
}

static void hear(struct supervisor *s, struct child *c)
{
    struct error e = {0};
    struct message m;
    int r = channel_read(&c->control, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    while (r == 0 && c->pid != 0 && (r = channel_next(&c->control, &m, &e)) == 1) {
        take_message(s, c, &m);
        r = 0;
    }
    if (r == 0)
        return;
    if (e.class == ERR_PEER) {
        log_line(LOG_LEVEL_ERROR, "%s; it is restarted", e.text);
        (void)kill(c->pid, SIGKILL);
    }
    channel_close(&c->control); /* the end of the process follows */
}

/* ── stopping ── */

/* Ends one part in order. False: it is still ending. */
static bool stop_child(struct supervisor *s, struct child *c, bool begin)
{
    if (c->pid == 0)
        return true;
    bool late = !begin && clock_monotonic() >= s->stop_deadline;
    if (late || (begin && (c->control.fd < 0 || channel_send_fds(&c->control, MESSAGE_STOP, (struct span){0}, NULL, 0, NULL) != 0))) {
        log_line(LOG_LEVEL_WARNING, "the %s did not stop in time and is killed", role_name(c->role));
        supervisor_kill(c);
        return true;
    }
    return false;
}

/* One role after the other, in the direction of the data, so that what was read becomes durable. */
static void stop_next(struct supervisor *s)
{
    static const struct {
        enum role role;
        int seconds;
    } steps[] = {{ROLE_CONSOLE, 5}, {ROLE_COURIER, 5}, {ROLE_WARDEN, 5},    {ROLE_READER, 5},
                 {ROLE_RELAY, 10},  {ROLE_SENSOR, 5},  {ROLE_DETECTOR, 15}, {ROLE_KEEPER, 60}};
    while (s->stop_step < sizeof steps / sizeof steps[0]) {
        bool begin = s->stop_deadline == 0;
        bool off = true;
        if (begin)
            s->stop_deadline = clock_monotonic() + steps[s->stop_step].seconds * TIME_SECOND;
        for (size_t i = ROLE_SENSOR; i < s->child_count; i++)
            if (s->children[i].role == steps[s->stop_step].role && !stop_child(s, &s->children[i], begin))
                off = false;
        if (!off)
            return;
        s->stop_step++;
        s->stop_deadline = 0;
    }
}

static bool all_off(const struct supervisor *s)
{
    return s->stop_step > 7;
}

/* ── the loop ── */

static void heard_signal(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) {
            if (!s->stopping)
                log_line(LOG_LEVEL_INFO, "stopping");
            s->stopping = true;
        } else if (info.ssi_signo == SIGHUP) {
            upgrade_ask(s);
        }
    }
    reap(s);
}

static int next_deadline(const struct supervisor *s)
{
    tq_time now = clock_monotonic();
    tq_time next = now + 60 * TIME_SECOND;
    if (s->stopping && s->stop_deadline != 0 && s->stop_deadline < next)
        next = s->stop_deadline;
    if (links_deadline(s) != 0 && links_deadline(s) < next)
        next = links_deadline(s);
    if (!s->stopping && upgrade_deadline(s) != 0 && upgrade_deadline(s) < next)
        next = upgrade_deadline(s);
    for (size_t i = ROLE_SENSOR; i < s->child_count && !s->stopping; i++) {
        const struct child *c = &s->children[i];
        if (c->pid == 0 && wanted(s, c) && c->not_before < next)
            next = c->not_before;
        if (s->live && c->role == ROLE_SENSOR && c->pid != 0 && !c->listening && c->reopen_at < next)
            next = c->reopen_at;
    }
    return next <= now ? 0 : (int)((next - now) / TIME_MS) + 1;
}

static void turn(struct supervisor *s)
{
    struct pollfd p[CHILDREN + 1 + DIALS] = {{.fd = s->signal_fd, .events = POLLIN}};
    struct child *who[CHILDREN + 1] = {NULL};
    nfds_t n = 1;
    for (size_t i = ROLE_SENSOR; i < s->child_count; i++) {
        struct child *c = &s->children[i];
        if (c->pid == 0 || c->control.fd < 0)
            continue;
        who[n] = c;
        p[n++] = (struct pollfd){.fd = c->control.fd, .events = POLLIN};
    }
    size_t dials = s->dialer == NULL ? 0 : dial_poll(s->dialer, p + n);
    if (poll(p, n + dials, next_deadline(s)) < 0)
        return;
    links_step(s, p + n, dials);
    for (nfds_t i = 1; i < n; i++)
        if (p[i].revents != 0 && who[i]->pid != 0 && who[i]->control.fd == p[i].fd)
            hear(s, who[i]); /* before reaping: last words count */
    if (p[0].revents != 0)
        heard_signal(s);
}

static int catch_signals(struct supervisor *s, sigset_t *ret_before, struct error *e)
{
    sigset_t mine;
    (void)sigemptyset(&mine);
    (void)sigaddset(&mine, SIGTERM);
    (void)sigaddset(&mine, SIGINT);
    (void)sigaddset(&mine, SIGHUP);
    (void)sigaddset(&mine, SIGCHLD);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &mine, ret_before) != 0 || (s->signal_fd = signalfd(-1, &mine, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return err_sys(e, errno, "setting signals up");
    return 0;
}

/* What was there goes on: who ended meanwhile is reaped, and the keeper is told. */
static void go_on(struct supervisor *s)
{
    (void)prctl(PR_SET_NAME, "tourniquet"); /* execveat names a process after its descriptor */
    heard_signal(s);
    reap(s);
    log_line(LOG_LEVEL_INFO, "upgraded from %s to %s, role by role and the supervisor too; nothing was stopped", s->from, programs_version());
    upgrade_tell(s, s->from, programs_version(), "");
}

/* The supervisor's own turn, after its roles. */
static void give(struct supervisor *s)
{
    struct error e = {0};
    char why[300];
    s->give = false;
    log_line(LOG_LEVEL_INFO, "the supervisor becomes the installed program");
    links_give_up(s);
    (void)handover_give(s, &e);
    (void)snprintf(why, sizeof why, "the supervisor is the one before until the next start: %s", e.text);
    log_line(LOG_LEVEL_ERROR, "%s", why);
    upgrade_tell(s, programs_version(), s->to, why);
}

int supervisor_run(const struct supervisor_options *options, struct progress *ret_progress, struct error *e)
{
    struct supervisor *s = supervisor_lay_out(options, e);
    sigset_t before;
    if (s == NULL)
        return -1;
    (void)sigprocmask(SIG_SETMASK, NULL, &before);
    int r = options->handover != NULL ? handover_take(options->handover, s, e) : supervisor_open(s, e);
    if (r == 0)
        r = catch_signals(s, &before, e);
    if (r == 0 && options->handover != NULL)
        go_on(s);
    while (r == 0 && !all_off(s)) {
        if (!s->stopping)
            upgrade_step(s);
        if (s->give && !s->stopping)
            give(s);
        if (!s->stopping)
            start_due(s);
        else
            stop_next(s);
        if (!all_off(s))
            turn(s);
    }
    *ret_progress = s->progress;
    if (r == 0 && s->failure.class != ERR_NONE) {
        *e = s->failure;
        r = -1;
    }
    supervisor_close(s);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    free(s);
    return r;
}
