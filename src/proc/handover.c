#include "proc/handover.h"

#include "proc/clock.h"
#include "proc/log.h"
#include "proc/supervisor_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQSUPER\n")
#define FORMAT 4 /* what follows; counted up with every change */
#define STATE_BYTES (4u << 20)
#define ARGUMENTS_BYTES (128u << 10)
#define ARGUMENTS_MAX 64
#define FDS_MAX (16 + ROLE_COUNT + CHILDREN * (1 + 2 * MESSAGE_FDS) + CONFIG_RELAYS * LINK_SIDES)
#define LOOK_MS 10000
#define OPTION "--handover"

/* ── the form ── */

static void put_text(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    buf_be16(out, (uint16_t)n);
    buf_add(out, text, n);
}

static void put_bytes(struct buf *out, struct span bytes)
{
    buf_be32(out, bytes.n);
    buf_add_span(out, bytes);
}

static void put_fd(struct buf *out, int fd)
{
    buf_be32(out, (uint32_t)fd);
}

static void get_text(struct span *in, char *out, size_t size)
{
    struct span text = span_take(in, span_be16(in));
    if (text.n >= size)
        in->bad = true;
    (void)snprintf(out, size, "%.*s", in->bad ? 0 : (int)text.n, in->bad || text.n == 0 ? "" : (const char *)text.p);
}

static struct span get_bytes(struct span *in)
{
    return span_take(in, span_be32(in));
}

/* A descriptor that is there, or -1. */
static int get_fd(struct span *in)
{
    int fd = (int)span_be32(in);
    if (fd < -1 || (fd >= 0 && fcntl(fd, F_GETFD) < 0))
        in->bad = true;
    return in->bad ? -1 : fd;
}

static void put_child(struct buf *out, const struct child *c)
{
    const struct channel *l = &c->control;
    put_text(out, role_name(c->role));
    buf_be32(out, (uint32_t)c->capture);
    buf_be32(out, (uint32_t)c->pid);
    put_fd(out, l->fd);
    buf_u8(out, c->ready);
    buf_u8(out, c->was_ready);
    buf_u8(out, c->restarted);
    buf_u8(out, c->listening);
    buf_be64(out, (uint64_t)c->started);
    buf_be64(out, (uint64_t)c->not_before);
    buf_be32(out, c->failures);
    buf_be64(out, c->death_count);
    for (size_t i = 0; i < DEATHS; i++)
        buf_be64(out, (uint64_t)c->deaths[i]);
    put_text(out, c->why);
    buf_be64(out, (uint64_t)c->reopen_at);
    buf_be32(out, c->reopens);
    put_text(out, c->trouble);
    put_bytes(out, l->in.n > l->taken ? span_of(l->in.p + l->taken, l->in.n - l->taken) : (struct span){0});
    put_bytes(out, l->out.n > l->sent ? span_of(l->out.p + l->sent, l->out.n - l->sent) : (struct span){0});
    buf_u8(out, (uint8_t)l->fd_count);
    for (size_t i = 0; i < l->fd_count; i++)
        put_fd(out, l->fds[i]);
}

static void get_child(struct span *in, struct child *c)
{
    char role[32];
    get_text(in, role, sizeof role);
    uint32_t capture = span_be32(in);
    c->pid = (pid_t)span_be32(in);
    int control = get_fd(in);
    c->ready = span_u8(in) != 0;
    c->was_ready = span_u8(in) != 0;
    c->restarted = span_u8(in) != 0;
    c->listening = span_u8(in) != 0;
    c->started = (tq_time)span_be64(in);
    c->not_before = (tq_time)span_be64(in);
    c->failures = span_be32(in);
    c->death_count = span_be64(in);
    for (size_t i = 0; i < DEATHS; i++)
        c->deaths[i] = (tq_time)span_be64(in);
    get_text(in, c->why, sizeof c->why);
    c->reopen_at = (tq_time)span_be64(in);
    c->reopens = span_be32(in);
    get_text(in, c->trouble, sizeof c->trouble);
    struct span waiting = get_bytes(in);
    struct span queued = get_bytes(in);
    size_t fds = span_u8(in);
    if (strcmp(role, role_name(c->role)) != 0 || capture != c->capture || c->pid < 0 || fds > sizeof c->control.fds / sizeof c->control.fds[0])
        in->bad = true;
    if (!in->bad && control >= 0) {
        supervisor_channel(c, control);
        buf_add_span(&c->control.in, waiting);
        buf_add_span(&c->control.out, queued);
        in->bad = !buf_ok(&c->control.in) || !buf_ok(&c->control.out);
    }
    for (size_t i = 0; i < fds && !in->bad; i++)
        c->control.fds[c->control.fd_count++] = get_fd(in);
}

/* All that the supervisor holds open for longer than a call. */
static size_t list_fds(const struct supervisor *s, int out[FDS_MAX])
{
    const int own[] = {s->data_fd, s->listen_fd, s->landing_fd, s->postbox_fd, s->local_fd, s->own_fd, s->backup_fd};
    size_t n = 0;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i] >= 0)
            out[n++] = own[i];
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (s->programs.fd[i] >= 0)
            out[n++] = s->programs.fd[i];
    for (size_t i = 0; i < s->o->config->relay_count; i++)
        for (int side = 0; side < LINK_SIDES; side++)
            if (s->listeners[i][side].fd >= 0)
                out[n++] = s->listeners[i][side].fd;
    for (size_t i = ROLE_SENSOR; i < s->child_count; i++) {
        const struct channel *l = &s->children[i].control;
        if (l->fd >= 0)
            out[n++] = l->fd;
        for (size_t k = 0; k < l->fd_count; k++)
            out[n++] = l->fds[k];
    }
    return n;
}

static void put_state(struct buf *out, const struct supervisor *s)
{
    struct buf progress = BUF_INIT(256);
    buf_add_span(out, MAGIC);
    buf_be16(out, FORMAT);
    buf_be32(out, message_dialect());
    put_text(out, programs_version());
    put_bytes(out, s->o->config_text);
    put_text(out, s->folder);
    buf_be64(out, s->programs.mark);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        put_fd(out, s->programs.fd[i]);
    const int own[] = {s->data_fd, s->listen_fd, s->landing_fd, s->postbox_fd, s->local_fd, s->own_fd, s->backup_fd};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        put_fd(out, own[i]);
    const bool is[] = {s->unprivileged, s->live, s->read_out, s->durable, s->announced, s->fingerprint_told};
    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++)
        buf_u8(out, is[i]);
    buf_add(out, s->run, RUN_ID);
    buf_be64(out, s->hash_key.k0);
    buf_be64(out, s->hash_key.k1);
    buf_be64(out, s->starts);
    progress_encode(&progress, &s->progress);
    put_bytes(out, buf_span(&progress));
    buf_release(&progress);
    for (size_t i = 0; i < CONFIG_WITNESSES; i++)
        put_bytes(out, buf_span(&s->authority[i]));
    for (size_t i = 0; i < s->o->config->relay_count; i++)
        for (int side = 0; side < LINK_SIDES; side++)
            put_fd(out, s->listeners[i][side].fd);
    buf_u8(out, (uint8_t)s->child_count);
    for (size_t i = 0; i < s->child_count; i++)
        put_child(out, &s->children[i]);
}

static void get_state(struct span *in, struct supervisor *s)
{
    struct error e;
    get_text(in, s->folder, sizeof s->folder);
    s->programs.mark = span_be64(in);
    for (size_t i = 0; i < ROLE_COUNT; i++)
        s->programs.fd[i] = get_fd(in);
    int *const own[] = {&s->data_fd, &s->listen_fd, &s->landing_fd, &s->postbox_fd, &s->local_fd, &s->own_fd, &s->backup_fd};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        *own[i] = get_fd(in);
    bool *const is[] = {&s->unprivileged, &s->live, &s->read_out, &s->durable, &s->announced, &s->fingerprint_told};
    for (size_t i = 0; i < sizeof is / sizeof is[0]; i++)
        *is[i] = span_u8(in) != 0;
    struct span run = span_take(in, RUN_ID);
    if (!run.bad)
        memcpy(s->run, run.p, RUN_ID);
    s->hash_key.k0 = span_be64(in);
    s->hash_key.k1 = span_be64(in);
    s->starts = span_be64(in);
    if (progress_decode(get_bytes(in), &s->progress, &e) != 0)
        in->bad = true;
    for (size_t i = 0; i < CONFIG_WITNESSES; i++) {
        s->authority[i] = BUF_INIT(AUTHORITY_MAX);
        buf_add_span(&s->authority[i], get_bytes(in));
    }
    for (size_t i = 0; i < s->o->config->relay_count; i++)
        for (int side = 0; side < LINK_SIDES; side++)
            s->listeners[i][side].fd = get_fd(in); /* the relay has it */
    if (span_u8(in) != s->child_count)
        in->bad = true;
    for (size_t i = 0; i < s->child_count && !in->bad; i++)
        get_child(in, &s->children[i]);
}

/* ── taking ── */

int handover_open(int fd, struct handover *ret, struct error *e)
{
    struct handover h = {.bytes = BUF_INIT(STATE_BYTES)};
    struct stat st;
    bool whole = fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= STATE_BYTES && buf_reserve(&h.bytes, (size_t)st.st_size);
    for (ssize_t n = 1; whole && h.bytes.n < (size_t)st.st_size; h.bytes.n += (size_t)n)
        whole = (n = pread(fd, h.bytes.p + h.bytes.n, (size_t)st.st_size - h.bytes.n, (off_t)h.bytes.n)) > 0;
    struct span in = whole ? buf_span(&h.bytes) : (struct span){0};
    bool ours = span_starts(in, MAGIC);
    (void)span_skip(&in, MAGIC.n);
    uint16_t format = span_be16(&in);
    uint32_t dialect = span_be32(&in);
    int rc = 0;
    if (!ours || in.bad)
        rc = err_set(e, ERR_MISUSE, "what was handed over is no supervisor's");
    else if (format != FORMAT)
        rc = err_set(e, ERR_LIMIT, "it was handed over in a form that is not known here (%u, this program knows %d)", format, FORMAT);
    else if (dialect != message_dialect())
        rc = err_set(e, ERR_LIMIT, "it was handed over by a program whose parts speak otherwise");
    get_text(&in, h.from, sizeof h.from);
    h.config = get_bytes(&in);
    if (rc == 0 && in.bad)
        rc = err_set(e, ERR_MISUSE, "what was handed over is cut");
    if (rc != 0) {
        buf_release(&h.bytes);
        return -1;
    }
    h.rest = in;
    *ret = h;
    return 0;
}

void handover_release(struct handover *h)
{
    buf_release(&h->bytes);
}

int handover_take(struct handover *h, struct supervisor *s, struct error *e)
{
    int fds[FDS_MAX];
    get_state(&h->rest, s);
    if (h->rest.bad || h->rest.n != 0)
        return err_set(e, ERR_MISUSE, "what was handed over does not fit this configuration, or a descriptor of it is missing");
    size_t n = list_fds(s, fds);
    for (size_t i = 0; i < n; i++)
        (void)fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    (void)snprintf(s->from, sizeof s->from, "%s", h->from);
    return 0;
}

/* ── giving ── */

static uint64_t mark_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return 0;
    return (uint64_t)st.st_dev * 1099511628211u + (uint64_t)st.st_ino * 31 + (uint64_t)st.st_mtim.tv_sec * 1000003 + (uint64_t)st.st_mtim.tv_nsec;
}

uint64_t handover_self(void)
{
    return mark_of("/proc/self/exe");
}

bool handover_wanted(const struct supervisor *s)
{
    char path[SPAWN_PATH];
    return programs_self(path, sizeof path, NULL) == 0 && mark_of(path) != s->self;
}

int handover_write(const struct supervisor *s, int *ret_fd, struct error *e)
{
    struct buf out = BUF_INIT(STATE_BYTES);
    put_state(&out, s);
    int fd = memfd_create("supervisor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool good = buf_ok(&out) && fd >= 0;
    for (size_t at = 0; good && at < out.n;) {
        ssize_t n = write(fd, out.p + at, out.n - at);
        good = n > 0;
        at += good ? (size_t)n : 0;
    }
    good = good && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
    int why = buf_ok(&out) ? errno : ENOMEM;
    buf_release(&out);
    if (good) {
        *ret_fd = fd;
        return 0;
    }
    if (fd >= 0)
        (void)close(fd);
    return err_sys(e, why, "writing down what the supervisor knows");
}

struct command {
    struct buf bytes; /* of /proc/self/cmdline */
    char number[16];
    char *arguments[ARGUMENTS_MAX + 4];
    size_t n;
};

/* As this process was started, but for an earlier hand-over. */
static int read_command(struct command *c, int state, struct error *e)
{
    static char option[] = OPTION;
    c->bytes = BUF_INIT(ARGUMENTS_BYTES);
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && buf_reserve(&c->bytes, 4096) && (n = read(fd, c->bytes.p + c->bytes.n, 4096)) > 0)
        c->bytes.n += (size_t)n;
    if (fd >= 0)
        (void)close(fd);
    buf_u8(&c->bytes, 0);
    if (n < 0 || !buf_ok(&c->bytes))
        return err_set(e, ERR_SYSTEM, "the arguments of this program cannot be read");
    for (size_t at = 0; at + 1 < c->bytes.n; at += strlen((char *)c->bytes.p + at) + 1) {
        char *argument = (char *)c->bytes.p + at;
        if (c->n == ARGUMENTS_MAX)
            return err_set(e, ERR_LIMIT, "this program was started with more than %d arguments", ARGUMENTS_MAX);
        if (c->n > 0 && strcmp(c->arguments[c->n - 1], option) == 0) /* and its number */
            c->n--;
        else
            c->arguments[c->n++] = argument;
    }
    (void)snprintf(c->number, sizeof c->number, "%d", state);
    c->arguments[c->n++] = option;
    c->arguments[c->n++] = c->number;
    return 0;
}

static void keep_over_exec(const int *fds, size_t n, bool keep)
{
    for (size_t i = 0; i < n; i++)
        (void)fcntl(fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC);
}

/* In a process of its own: reads, and says so. */
_Noreturn static void look(int program, struct command *c, const int *fds, size_t n, int answer)
{
    static char only[] = "--look";
    c->arguments[c->n] = only;
    if (dup2(answer, STDOUT_FILENO) < 0 || dup2(answer, STDERR_FILENO) < 0)
        _exit(126);
    keep_over_exec(fds, n, true);
    (void)execveat(program, "", c->arguments, environ, AT_EMPTY_PATH);
    _exit(127);
}

/* What the new program said, up to its end. */
static size_t listen_to(int fd, char *out, size_t size)
{
    size_t n = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (n < size - 1 && poll(&p, 1, LOOK_MS) > 0) {
        ssize_t got = read(fd, out + n, size - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    out[n] = 0;
    return n;
}

static int have_it_look(int program, struct command *c, const int *fds, size_t n, struct error *e)
{
    int ends[2];
    char said[256];
    int status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(e, errno, "asking the new program");
    pid_t pid = fork();
    if (pid == 0)
        look(program, c, fds, n, ends[1]);
    int why = errno;
    (void)close(ends[1]);
    size_t length = pid < 0 ? 0 : listen_to(ends[0], said, sizeof said);
    (void)close(ends[0]);
    if (pid < 0)
        return err_sys(e, why, "asking the new program");
    (void)kill(pid, SIGKILL); /* it has ended, or hangs */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (length > 0 && strcmp(said, HANDOVER_LOOKED) == 0)
        return 0;
    said[strcspn(said, "\n")] = 0;
    return err_set(e, ERR_SYSTEM, "the new program cannot take over%s%s", said[0] != 0 ? ": " : "", said);
}

int handover_give(struct supervisor *s, struct error *e)
{
    int fds[FDS_MAX + 1];
    char path[SPAWN_PATH];
    struct command c = {.n = 0};
    int state = -1;
    if (!s->o->hands_over)
        return err_set(e, ERR_MISUSE, "it was started in a way that cannot be handed over");
    if (programs_self(path, sizeof path, e) != 0)
        return -1;
    int program = open(path, O_PATH | O_CLOEXEC);
    int rc = program < 0 ? err_sys(e, errno, "opening the new program") : handover_write(s, &state, e);
    if (rc == 0)
        rc = read_command(&c, state, e);
    size_t n = list_fds(s, fds);
    fds[n++] = state;
    if (rc == 0)
        rc = have_it_look(program, &c, fds, n, e);
    if (rc == 0) {
        c.arguments[c.n] = NULL;
        keep_over_exec(fds, n, true);
        (void)execveat(program, "", c.arguments, environ, AT_EMPTY_PATH);
        rc = err_sys(e, errno, "starting the new program");
        keep_over_exec(fds, n, false);
    }
    buf_release(&c.bytes);
    if (state >= 0)
        (void)close(state);
    if (program >= 0)
        (void)close(program);
    return rc;
}
