/* Roles give way to others, one after the other, without losing a record that is on its way.
 *
 *   asked ──(capture durable)──► checked ──► for each of detector, sensors, console, courier, keeper, relay: ending ──► starting ──► ready ──► … ──►
 * told
 *
 * Invariants
 *  1. Nothing is touched before the new program was seen to run and to speak the dialect of this one.
 *  2. Who sends to a role that is replaced hands over what it has, lets go (MESSAGE_PART) and waits for its next channel; then the role reads to the
 * end, makes that durable and ends. On a live interface the ring keeps what comes meanwhile; what the ring cannot keep is counted.
 *  3. One at a time, and each is up before the next. One that does not come up is replaced by the one before, and the upgrade ends there.
 *  4. A capture that is replayed is read to its end first: another program may make other records of it, and they could not be told from those that
 *     are durable already.
 *  5. The supervisor itself comes last, when every role is new (handover.h). */
#include "proc/supervisor_private.h"

#include "proc/clock.h"
#include "proc/log.h"

#include <signal.h>
#include <stdio.h>

#define START_TIME (120 * TIME_SECOND)

static const struct {
    enum role role;
    int seconds; /* that it has to end in order */
} order[] = {{ROLE_DETECTOR, 15}, {ROLE_SENSOR, 10}, {ROLE_CONSOLE, 10}, {ROLE_COURIER, 5},
             {ROLE_KEEPER, 60},   {ROLE_RELAY, 10},  {ROLE_WARDEN, 5},   {ROLE_READER, 5}};

void upgrade_ask(struct supervisor *s)
{
    s->upgrade.asked = true;
    if (!s->durable)
        log_line(LOG_LEVEL_INFO, "an upgrade was asked for: it begins when the capture is read");
}

void upgrade_relearn(struct supervisor *s)
{
    s->upgrade.relearn = s->live;
}

/* 1. False: there is nothing to do, or it cannot be done; it was said. */
static bool check(struct supervisor *s)
{
    struct error e = {0};
    struct upgrade *u = &s->upgrade;
    char self[SPAWN_PATH];
    uint32_t dialect = 0;
    if (programs_self(self, sizeof self, &e) != 0 || programs_ask(self, s->to, &dialect, &e) != 0 || programs_open(s->folder, &u->next, &e) != 0) {
        log_line(LOG_LEVEL_ERROR, "no upgrade: %s; the running program goes on", e.text);
        return false;
    }
    if (dialect != message_dialect()) {
        log_line(LOG_LEVEL_ERROR,
                 "no upgrade while running: parts of version %s and of this one (" TQ_VERSION ") do not understand each other; restart Tourniquet",
                 s->to);
    } else if (u->next.mark == s->programs.mark && handover_wanted(s)) {
        s->give = true;
    } else if (u->next.mark == s->programs.mark) {
        log_line(LOG_LEVEL_INFO, "no upgrade: the installed program is the one that runs (" TQ_VERSION ")");
    } else {
        return true;
    }
    programs_close(&u->next);
    return false;
}

static void line_up(struct supervisor *s, bool all)
{
    struct upgrade *u = &s->upgrade;
    u->count = u->at = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0] && (all || i == 0); i++)
        for (size_t n = ROLE_SENSOR; n < s->child_count; n++)
            if (s->children[n].role == order[i].role)
                u->who[u->count++] = n;
}

static void tell(struct child *c, enum message_type type, enum role role)
{
    uint8_t body = (uint8_t)role;
    if (c->pid != 0 && c->control.fd >= 0)
        (void)channel_send_fds(&c->control, type, span_of(&body, type == MESSAGE_PART ? 1 : 0), NULL, 0, NULL);
}

static struct child *present(struct supervisor *s)
{
    return &s->children[s->upgrade.who[s->upgrade.at]];
}

/* The role's siblings let go of it; it ends. */
static void let_end(struct supervisor *s, struct child *c)
{
    int seconds = 5;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (order[i].role == c->role)
            seconds = order[i].seconds;
    for (size_t n = ROLE_SENSOR; n < s->child_count && c->role == ROLE_DETECTOR; n++)
        if (s->children[n].role == ROLE_SENSOR || s->children[n].role == ROLE_RELAY)
            tell(&s->children[n], MESSAGE_PART, ROLE_DETECTOR);
    if (c->role == ROLE_KEEPER)
        tell(&s->children[ROLE_DETECTOR], MESSAGE_PART, ROLE_KEEPER); /* the relay goes on without: what it has waits, or is spooled */
    c->replacing = true;
    s->upgrade.starting = false;
    s->upgrade.deadline = clock_monotonic() + seconds * TIME_SECOND;
    tell(c, MESSAGE_STOP, ROLE_NONE);
}

/* Another executable for this role, from now on; the one before is in its place. */
static void exchange(struct supervisor *s, enum role role)
{
    int fd = s->programs.fd[role];
    s->programs.fd[role] = s->upgrade.next.fd[role];
    s->upgrade.next.fd[role] = fd;
}

static void put_version(struct buf *out, const char *version)
{
    size_t n = strnlen(version, PROGRAM_VERSION);
    buf_u8(out, (uint8_t)n);
    buf_add(out, version, n);
}

void upgrade_tell(struct supervisor *s, const char *from, const char *to, const char *why)
{
    struct buf body = BUF_INIT(512);
    put_version(&body, from);
    put_version(&body, to);
    buf_add(&body, why, strnlen(why, 400));
    struct child *keeper = &s->children[ROLE_KEEPER];
    (void)channel_send_fds(&keeper->control, MESSAGE_UPGRADED, buf_span(&body), NULL, 0, NULL);
    buf_release(&body);
}

static void finish(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    u->under_way = false;
    if (u->relearning)
        return;
    s->programs.mark = u->next.mark;
    programs_close(&u->next);
    s->give = handover_wanted(s);
    if (s->give)
        return;
    log_line(LOG_LEVEL_INFO, "upgraded from %s to %s, role by role", programs_version(), s->to);
    upgrade_tell(s, programs_version(), s->to, "");
}

/* On to the next one that runs; those that do not run are started from the new program when they are needed. */
static void next(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    for (; u->at < u->count; u->at++) {
        struct child *c = present(s);
        if (c->pid != 0) {
            let_end(s, c);
            return;
        }
        bool last = u->at + 1 == u->count || s->children[u->who[u->at + 1]].role != c->role;
        if (!u->relearning && last)
            exchange(s, c->role);
    }
    finish(s);
}

static void begin(struct supervisor *s, bool relearn)
{
    struct upgrade *u = &s->upgrade;
    if (!relearn && !check(s))
        return;
    u->under_way = true;
    u->relearning = relearn;
    line_up(s, !relearn);
    next(s);
}

void upgrade_step(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->under_way) {
        if (clock_monotonic() < u->deadline)
            return;
        struct child *c = present(s);
        log_line(LOG_LEVEL_WARNING, "the %s did not %s in time and is killed", role_name(c->role), u->starting ? "start" : "end");
        u->deadline = clock_monotonic() + 10 * TIME_SECOND;
        if (c->pid != 0)
            (void)kill(c->pid, SIGKILL);
        else
            (void)upgrade_failed(s, c, "it could not be started");
        return;
    }
    if (u->relearn) {
        u->relearn = false;
        begin(s, true);
    } else if (u->asked && s->durable) {
        u->asked = false;
        begin(s, false);
    }
}

tq_time upgrade_deadline(const struct supervisor *s)
{
    return s->upgrade.under_way ? s->upgrade.deadline : s->upgrade.relearn || (s->upgrade.asked && s->durable) ? 1 : 0;
}

bool upgrade_ended(struct supervisor *s, struct child *c)
{
    struct upgrade *u = &s->upgrade;
    if (!c->replacing)
        return false;
    c->replacing = false;
    c->not_before = 0;
    u->starting = true;
    u->deadline = clock_monotonic() + START_TIME;
    bool first = u->at == 0 || s->children[u->who[u->at - 1]].role != c->role;
    if (!u->relearning && first)
        exchange(s, c->role);
    return true;
}

void upgrade_ready(struct supervisor *s, struct child *c)
{
    struct upgrade *u = &s->upgrade;
    if (!u->under_way || !u->starting || c != present(s))
        return;
    u->at++;
    next(s);
}

bool upgrade_failed(struct supervisor *s, struct child *c, const char *why)
{
    struct upgrade *u = &s->upgrade;
    if (!u->under_way || !u->starting || c != present(s))
        return false;
    if (!u->relearning)
        exchange(s, c->role);
    u->under_way = false;
    programs_close(&u->next);
    c->not_before = 0;
    log_line(LOG_LEVEL_ERROR, "the upgrade ends at the %s: %s; the one before goes on", role_name(c->role), why);
    return true;
}
