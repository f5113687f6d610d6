#include "proc/role.h"

#include "base/time.h"
#include "proc/log.h"
#include "proc/sandbox.h"
#include "record/ledger/root.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const speakers[ROLE_COUNT] = {
    [ROLE_SENSOR] = "tourniquet sensor",   [ROLE_DETECTOR] = "tourniquet detector", [ROLE_KEEPER] = "tourniquet keeper",
    [ROLE_CONSOLE] = "tourniquet console", [ROLE_COURIER] = "tourniquet courier",   [ROLE_RELAY] = "tourniquet relay",
    [ROLE_WARDEN] = "tourniquet warden",   [ROLE_READER] = "tourniquet reader",
};

static void ignore_signals(void)
{
    /* The terminal's and systemd's signals go to all processes: only the supervisor acts on them and stops the roles in order. SIGXFSZ and SIGPIPE
     * would kill where an error code tells enough. */
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        (void)signal(ignored[i], SIG_IGN);
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

#define GIVES_WAY 5 /* steps of niceness: a third of the weight */

/* Messages of the lab go first: where the processor is short, what records and judges them waits, not what forwards them. */
static void give_way(enum role role)
{
    if (role == ROLE_KEEPER || role == ROLE_DETECTOR)
        (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + GIVES_WAY);
}

void role_begin(struct role_self *self, enum role role)
{
    *self = (struct role_self){.role = role};
    give_way(role);
    for (size_t i = 0; i < START_FDS; i++)
        self->fds[i] = -1;
    log_speaker(speakers[role]);
    char name[16]; /* as `top` shows it */
    (void)snprintf(name, sizeof name, "tq-%s", role_name(role));
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    int kind = 0;
    socklen_t size = sizeof kind;
    if (getsockopt(ROLE_CONTROL_FD, SOL_SOCKET, SO_TYPE, &kind, &size) != 0 || kind != SOCK_STREAM) {
        log_line(LOG_LEVEL_ERROR, "this is a part of Tourniquet that is started by 'tourniquet run', not by hand");
        exit(2);
    }
    ignore_signals();
    channel_open(&self->control, ROLE_CONTROL_FD, role, ROLE_SUPERVISOR, 65536);
    struct message m;
    struct error e = {0};
    if (role_control(self, -1, &m) != 1 || m.type != MESSAGE_START)
        exit(3);
    if (start_decode(m.body, &self->start, &e) != 0)
        role_fail(self, &e);
    for (size_t i = 0; i < m.fd_count && i < START_FDS; i++)
        self->fds[i] = m.fds[i];
}

int role_backup_folder(const struct role_self *self)
{
    return self->role == ROLE_KEEPER && self->start.backup_folder ? self->fds[3] : -1;
}

int role_credential(const struct role_self *self)
{
    return self->role == ROLE_KEEPER && self->start.root == ROOT_CREDENTIAL ? self->fds[self->start.backup_folder ? 4 : 3] : -1;
}

void role_narrow(struct role_self *self, int data_fd, char note[256])
{
    struct sandbox s = {.role = self->role,
                        .unprivileged = self->start.unprivileged,
                        .uid = self->start.uid,
                        .data_fd = data_fd,
                        .also_fd = role_backup_folder(self)};
    struct error e = {0};
    if (sandbox_narrow(&s, note, &e) != 0)
        role_fail(self, &e);
}

void role_ready(struct role_self *self, const char *note)
{
    struct buf body = BUF_INIT(512);
    buf_be32(&body, message_dialect());
    buf_add_str(&body, note);
    struct error e;
    if (channel_send(&self->control, MESSAGE_READY, buf_span(&body), &e) != 0)
        _exit(3);
    buf_release(&body);
}

void role_fail(struct role_self *self, const struct error *e)
{
    struct buf body = BUF_INIT(512);
    buf_u8(&body, (uint8_t)e->class);
    buf_add_str(&body, e->text);
    struct error late;
    (void)channel_send(&self->control, MESSAGE_FAILED, buf_span(&body), &late);
    _exit(err_exit_status(e));
}

void role_complain(struct role_self *self, enum role sibling, const struct error *why)
{
    role_complain_of(self, sibling, 0, why);
}

void role_complain_of(struct role_self *self, enum role sibling, uint8_t which, const struct error *why)
{
    struct buf body = BUF_INIT(512);
    buf_u8(&body, (uint8_t)sibling);
    buf_u8(&body, which);
    buf_add_str(&body, why->text);
    struct error late;
    (void)channel_send(&self->control, MESSAGE_COMPLAINT, buf_span(&body), &late);
    buf_release(&body);
}

int role_control(struct role_self *self, int ms, struct message *ret)
{
    struct error e;
    for (;;) {
        int r = channel_next(&self->control, ret, &e);
        if (r == 1)
            return ret->type == MESSAGE_STOP ? -1 : 1;
        if (r < 0)
            return -1;
        struct pollfd p = {.fd = self->control.fd, .events = POLLIN};
        r = poll(&p, 1, ms);
        if (r < 0 && errno != EINTR)
            return -1;
        if (r <= 0 && ms >= 0)
            return 0;
        if (r > 0 && channel_read(&self->control, &e) != 0 && e.class != ERR_AGAIN)
            return -1;
    }
}

enum role role_peer(const struct message *m, int *ret_fd, uint8_t *ret_which)
{
    struct span s = m->body;
    uint8_t role = span_u8(&s);
    uint8_t which = span_u8(&s);
    if (m->type != MESSAGE_PEER || m->fd_count != 1 || s.bad || role >= ROLE_COUNT) {
        for (size_t i = 0; i < m->fd_count; i++)
            (void)close(m->fds[i]);
        return ROLE_NONE;
    }
    *ret_fd = m->fds[0];
    if (ret_which != NULL)
        *ret_which = which;
    return (enum role)role;
}

/* As in linux/sched/types.h, which glibc has no name for yet. */
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime; /* ns: since Linux 6.12 the slice that is asked for */
    uint64_t deadline;
    uint64_t period;
};

#define LONG_SLICE (20 * TIME_MS)

/* SCHED_BATCH: when it wakes up it interrupts nobody. A long slice: whoever wakes up with a usual one interrupts it, and does not wait until it had
 * its turn, as with niceness alone. It keeps its share of a busy machine, so that it gets on. */
void role_step_back(int niceness)
{
    struct scheduling s = {.size = sizeof s, .policy = SCHED_BATCH, .nice = niceness, .runtime = LONG_SLICE};
    if (syscall(SYS_sched_setattr, 0, &s, 0) == 0)
        return;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), niceness); /* where it may not be, nothing is lost but time */
}
