#include "proc/message.h"

#include "base/record.h"
#include "door/mailed.h"
#include "door/request.h"
#include "proc/certify.h"
#include "proc/door_order.h"
#include "proc/errand.h"
#include "proc/link.h"
#include "proc/mail_job.h"
#include "proc/payload.h"
#include "record/ledger/journal.h"
#include "record/ledger/keyring.h"
#include "record/ledger/segment.h"
#include "record/ledger/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIT(r) (1u << ROLE_##r)
#define EVERY_ROLE (BIT(SENSOR) | BIT(DETECTOR) | BIT(KEEPER) | BIT(CONSOLE) | BIT(COURIER) | BIT(RELAY) | BIT(WARDEN) | BIT(READER))
#define CONTROL_MAX 8192
#define READ_PIECE 65536

struct permission {
    unsigned from;
    unsigned to;
    uint32_t body_max;
    unsigned fds;
};

/* Who may send what to whom: the whole conversation of the house. */
static const struct permission permissions[MESSAGE_COUNT] = {
    [MESSAGE_START] = {BIT(SUPERVISOR), EVERY_ROLE, CONTROL_MAX, START_FDS},
    [MESSAGE_PEER] = {BIT(SUPERVISOR), EVERY_ROLE, 2, 1},
    [MESSAGE_RESTARTED] = {BIT(SUPERVISOR), BIT(KEEPER), 512, 0},
    [MESSAGE_WITNESS] = {BIT(SUPERVISOR), BIT(KEEPER), CONTROL_MAX, 0},
    [MESSAGE_CAPTURE] = {BIT(SUPERVISOR), BIT(SENSOR), 512, 1},
    [MESSAGE_PART] = {BIT(SUPERVISOR), BIT(SENSOR) | BIT(DETECTOR) | BIT(RELAY), 1, 0},
    [MESSAGE_LINK] = {BIT(SUPERVISOR), BIT(RELAY), CONTROL_MAX, 0},
    [MESSAGE_LISTENER] = {BIT(SUPERVISOR), BIT(RELAY), 3, 1},
    [MESSAGE_TLS] = {BIT(SUPERVISOR), BIT(RELAY), 3, 1},
    [MESSAGE_DIALLED] = {BIT(SUPERVISOR), BIT(RELAY), 512, 1},
    [MESSAGE_DIAL] = {BIT(RELAY), BIT(SUPERVISOR), 11, 0},
    [MESSAGE_UPGRADED] = {BIT(SUPERVISOR), BIT(KEEPER), 512, 0},
    [MESSAGE_CERTIFY] = {BIT(SUPERVISOR), BIT(KEEPER), CERTIFY_MAX, 0},
    [MESSAGE_CERTIFIED] = {BIT(KEEPER), BIT(SUPERVISOR), 0, 0},
    [MESSAGE_RELEARN] = {BIT(KEEPER), BIT(SUPERVISOR), 0, 0},
    [MESSAGE_STOP] = {BIT(SUPERVISOR), EVERY_ROLE, 0, 0},
    [MESSAGE_READY] = {EVERY_ROLE, BIT(SUPERVISOR), 512, 0},
    [MESSAGE_FAILED] = {EVERY_ROLE, BIT(SUPERVISOR), 512, 0},
    [MESSAGE_COMPLAINT] = {EVERY_ROLE, BIT(SUPERVISOR), 512, 0},
    [MESSAGE_LOST] = {BIT(SENSOR), BIT(SUPERVISOR), 512, 0},
    [MESSAGE_DURABLE] = {BIT(KEEPER), BIT(SUPERVISOR), 512, 0},
    [MESSAGE_TERMINAL] = {BIT(KEEPER), BIT(SUPERVISOR), 1024, 0},
    [MESSAGE_RECORD] = {BIT(SENSOR) | BIT(DETECTOR) | BIT(RELAY), BIT(DETECTOR) | BIT(KEEPER), 12 + RECORD_ENCODED, 0},
    [MESSAGE_LATE] = {BIT(KEEPER), BIT(DETECTOR), RECORD_ENCODED, 0},
    [MESSAGE_STATE] = {BIT(DETECTOR) | BIT(KEEPER), BIT(DETECTOR) | BIT(KEEPER), STATE_MAX, 0},
    [MESSAGE_END] = {BIT(SENSOR) | BIT(DETECTOR), BIT(DETECTOR) | BIT(KEEPER), 0, 0},
    [MESSAGE_WANT] = {BIT(DETECTOR), BIT(SENSOR), 8 + 8 * WANT_FLOWS, 0},
    [MESSAGE_PACKETS] = {BIT(SENSOR), BIT(DETECTOR), 12 + RECORD_PACKETS, 0},
    [MESSAGE_EVIDENCE] = {BIT(DETECTOR), BIT(KEEPER), 12 + RECORD_ENCODED, 0},
    [MESSAGE_DONE] = {BIT(DETECTOR), BIT(SENSOR), 0, 0},
    [MESSAGE_RECORDED] = {BIT(KEEPER), BIT(RELAY), 128, 0},
    [MESSAGE_ORDER] = {BIT(KEEPER), BIT(RELAY), LINK_ORDER_MAX, 0},
    [MESSAGE_QUEUED] = {BIT(KEEPER), BIT(RELAY), LINK_QUEUED_MAX, 0},
    [MESSAGE_READ_IN] = {BIT(KEEPER), BIT(RELAY), 8, 0},
    [MESSAGE_FEED] = {BIT(RELAY), BIT(KEEPER), 8, 0},
    [MESSAGE_SPOOLED] = {BIT(RELAY), BIT(KEEPER), 16, 0},
    [MESSAGE_STATUS] = {BIT(RELAY), BIT(KEEPER), LINK_STATUS_MAX, 0},
    [MESSAGE_DOOR] = {BIT(KEEPER), BIT(WARDEN), DOOR_ORDER_MAX, 0},
    [MESSAGE_DOOR_TOLD] = {BIT(WARDEN), BIT(KEEPER), DOOR_TOLD_MAX, 0},
    [MESSAGE_MAIL] = {BIT(KEEPER), BIT(READER), MAIL_JOB_MAX, 0},
    [MESSAGE_MAIL_READ] = {BIT(READER), BIT(KEEPER), 8 + MAILED_MAX, 0},
    [MESSAGE_SCANNER] = {BIT(READER) | BIT(SUPERVISOR), BIT(SUPERVISOR) | BIT(READER), 0, 1},
    [MESSAGE_ERRAND] = {BIT(KEEPER), BIT(COURIER), ERRAND_MAX, 0},
    [MESSAGE_OUTCOME] = {BIT(COURIER), BIT(KEEPER), ERRAND_MAX, 0},
    [MESSAGE_IDENTITY] = {BIT(KEEPER), BIT(CONSOLE), 65536, 0},
    [MESSAGE_REQUEST] = {BIT(CONSOLE) | BIT(LOCAL), BIT(KEEPER), REQUEST_BODY_MAX + 10 * REQUEST_TEXT_MAX, 1},
    [MESSAGE_REPLY] = {BIT(KEEPER), BIT(CONSOLE) | BIT(LOCAL), REPLY_BODY_MAX + 10 * REQUEST_TEXT_MAX, 0},
    [MESSAGE_NOTICE] = {BIT(KEEPER), BIT(CONSOLE), 4 * REQUEST_TEXT_MAX, 0},
};

static const char *const names[ROLE_COUNT] = {
    [ROLE_NONE] = "",           [ROLE_SUPERVISOR] = "supervisor", [ROLE_SENSOR] = "sensor",       [ROLE_DETECTOR] = "detector",
    [ROLE_KEEPER] = "keeper",   [ROLE_CONSOLE] = "console",       [ROLE_LOCAL] = "local command", [ROLE_COURIER] = "courier",
    [ROLE_WITNESS] = "witness", [ROLE_RELAY] = "relay",           [ROLE_WARDEN] = "warden",       [ROLE_READER] = "reader",
};

const char *role_name(enum role r)
{
    return (unsigned)r < ROLE_COUNT ? names[r] : "";
}

#define DIALECT 5 /* counted up where a message's body changes its form */

static void mix(uint32_t *hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        *hash = (*hash ^ p[i]) * 16777619u; /* FNV-1a */
}

uint32_t message_dialect(void)
{
    uint32_t hash = 2166136261u;
    const uint32_t head[] = {DIALECT, MESSAGE_COUNT, ROLE_COUNT, RUN_ID, SEGMENT_FORMAT, JOURNAL_FORMAT, KEYFILE_FORMAT, SLOTS_FORMAT};
    mix(&hash, head, sizeof head);
    for (unsigned t = 0; t < MESSAGE_COUNT; t++)
        mix(&hash, &permissions[t].body_max, sizeof permissions[t].body_max);
    for (unsigned e = 0; e < EVENT_COUNT; e++)
        mix(&hash, event_name((enum event)e), strlen(event_name((enum event)e)) + 1);
    for (unsigned k = 0; k < KEY_COUNT; k++) {
        const struct key_info *info = key_info((enum record_key)k);
        const uint32_t form[] = {(uint32_t)info->class, (uint32_t)info->type, info->list};
        mix(&hash, info->json, strlen(info->json) + 1);
        mix(&hash, form, sizeof form);
    }
    return hash;
}

bool message_allowed(enum message_type type, enum role from, enum role to)
{
    if ((unsigned)type >= MESSAGE_COUNT || from == to)
        return false;
    const struct permission *p = &permissions[type];
    return (p->from >> from & 1) != 0 && (p->to >> to & 1) != 0;
}

/* The largest body that `from` may send to `to`. */
static uint32_t largest_body(enum role from, enum role to)
{
    uint32_t most = 0;
    for (unsigned t = 0; t < MESSAGE_COUNT; t++)
        if (message_allowed((enum message_type)t, from, to) && permissions[t].body_max > most)
            most = permissions[t].body_max;
    return most;
}

void channel_open(struct channel *c, int fd, enum role self, enum role peer, size_t out_max)
{
    *c = (struct channel){.fd = fd, .self = self, .peer = peer};
    c->in = BUF_INIT((size_t)largest_body(peer, self) + MESSAGE_HEAD + READ_PIECE);
    c->out = BUF_INIT(out_max + largest_body(self, peer) + MESSAGE_HEAD);
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void channel_close(struct channel *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    for (size_t i = 0; i < c->fd_count; i++)
        (void)close(c->fds[i]);
    buf_release(&c->in);
    buf_release(&c->out);
    c->fd = -1;
    c->fd_count = 0;
    c->taken = c->sent = 0;
}

/* Keeps descriptors that came with a read; those past the room are closed, and the channel is bad. */
static bool keep_fds(struct channel *c, struct msghdr *h)
{
    bool fits = (h->msg_flags & MSG_CTRUNC) == 0;
    for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m != NULL; m = CMSG_NXTHDR(h, m)) {
        if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(m) + i * sizeof fd, sizeof fd);
            if (c->fd_count < sizeof c->fds / sizeof c->fds[0]) {
                c->fds[c->fd_count++] = fd;
            } else {
                (void)close(fd);
                fits = false;
            }
        }
    }
    return fits;
}

void channel_forget(struct channel *c)
{
    if (c->taken > 0)
        buf_drop_front(&c->in, c->taken);
    c->taken = 0;
}

int channel_read(struct channel *c, struct error *e)
{
    if (c->fd < 0)
        return err_set(e, ERR_CLOSED, "the channel to the %s is closed", role_name(c->peer));
    channel_forget(c);
    size_t room = c->in.max - c->in.n;
    if (room > READ_PIECE)
        room = READ_PIECE;
    if (room == 0)
        return err_set(e, ERR_AGAIN, "the channel from the %s is full: take its messages first", role_name(c->peer));
    if (!buf_reserve(&c->in, room)) {
        buf_clear(&c->in);
        return err_set(e, ERR_SYSTEM, "no memory for messages of the %s", role_name(c->peer));
    }
    union {
        char bytes[CMSG_SPACE(sizeof(int) * 2 * MESSAGE_FDS)];
        struct cmsghdr align;
    } control;
    struct iovec piece = {.iov_base = c->in.p + c->in.n, .iov_len = room};
    struct msghdr h = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do {
        n = recvmsg(c->fd, &h, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return err_set(e, ERR_AGAIN, "nothing from the %s yet", role_name(c->peer));
    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return err_set(e, ERR_CLOSED, "the %s closed its end", role_name(c->peer));
    if (n < 0)
        return err_sys(e, errno, "reading from the %s", role_name(c->peer));
    c->in.n += (size_t)n;
    if (!keep_fds(c, &h))
        return err_set(e, ERR_PEER, "the %s sent more descriptors than are allowed", role_name(c->peer));
    return 0;
}

int channel_next(struct channel *c, struct message *ret, struct error *e)
{
    if (c->in.n - c->taken < MESSAGE_HEAD)
        return 0;
    struct span s = span_of(c->in.p + c->taken, c->in.n - c->taken);
    uint32_t length = span_be32(&s);
    uint8_t type = span_u8(&s);
    uint8_t fds = span_u8(&s);
    uint16_t zero = span_be16(&s);
    if (!message_allowed((enum message_type)type, c->peer, c->self))
        return err_set(e, ERR_PEER, "the %s may not send a message of type %u to the %s", role_name(c->peer), type, role_name(c->self));
    if (length > permissions[type].body_max || fds > permissions[type].fds || zero != 0)
        return err_set(e, ERR_PEER, "a message of type %u from the %s is malformed or over %u bytes", type, role_name(c->peer),
                       permissions[type].body_max);
    if (s.n < length)
        return 0;
    if (fds > c->fd_count)
        return err_set(e, ERR_PEER, "a message of type %u from the %s lacks its descriptors", type, role_name(c->peer));
    *ret = (struct message){.type = (enum message_type)type, .body = span_take(&s, length), .fd_count = fds};
    for (size_t i = 0; i < fds; i++)
        ret->fds[i] = c->fds[i];
    c->fd_count -= fds;
    memmove(c->fds, c->fds + fds, c->fd_count * sizeof c->fds[0]);
    c->taken += MESSAGE_HEAD + length;
    return 1;
}

static int check_put(const struct channel *c, enum message_type type, size_t n, size_t fds, struct error *e)
{
    if (c->fd < 0)
        return err_set(e, ERR_CLOSED, "the channel to the %s is closed", role_name(c->peer));
    if (!message_allowed(type, c->self, c->peer) || fds > permissions[type].fds)
        return err_set(e, ERR_MISUSE, "the %s may not send a message of type %d to the %s", role_name(c->self), (int)type, role_name(c->peer));
    if (n > permissions[type].body_max)
        return err_set(e, ERR_LIMIT, "a message of type %d may have %u bytes, not %zu", (int)type, permissions[type].body_max, n);
    return 0;
}

static void put_head(struct buf *out, enum message_type type, size_t n, size_t fds)
{
    buf_be32(out, (uint32_t)n);
    buf_u8(out, (uint8_t)type);
    buf_u8(out, (uint8_t)fds);
    buf_be16(out, 0);
}

int channel_put(struct channel *c, enum message_type type, struct span body, struct error *e)
{
    if (check_put(c, type, body.n, 0, e) != 0)
        return -1;
    if (c->sent == c->out.n) {
        buf_clear(&c->out);
        c->sent = 0;
    }
    if (c->out.max - c->out.n < MESSAGE_HEAD + body.n && c->sent > 0) {
        buf_drop_front(&c->out, c->sent);
        c->sent = 0;
    }
    if (c->out.max - c->out.n < MESSAGE_HEAD + body.n)
        return err_set(e, ERR_LIMIT, "the queue to the %s is full", role_name(c->peer));
    if (!buf_reserve(&c->out, MESSAGE_HEAD + body.n)) {
        c->out.failed = false;
        return err_set(e, ERR_SYSTEM, "no memory for a message to the %s", role_name(c->peer));
    }
    put_head(&c->out, type, body.n, 0);
    buf_add_span(&c->out, body);
    return 0;
}

int channel_write(struct channel *c, struct error *e)
{
    while (channel_waiting(c) > 0) {
        ssize_t n = send(c->fd, c->out.p + c->sent, channel_waiting(c), MSG_NOSIGNAL);
        if (n >= 0) {
            c->sent += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        } else if (errno != EINTR) {
            return errno == EPIPE || errno == ECONNRESET ? err_set(e, ERR_CLOSED, "the %s closed its end", role_name(c->peer))
                                                         : err_sys(e, errno, "writing to the %s", role_name(c->peer));
        }
    }
    buf_clear(&c->out);
    c->sent = 0;
    return 0;
}

int channel_flush(struct channel *c, int watch, struct error *e)
{
    for (;;) {
        if (channel_write(c, e) != 0)
            return -1;
        if (channel_waiting(c) == 0)
            return 0;
        struct pollfd p[2] = {{.fd = c->fd, .events = POLLOUT}, {.fd = watch, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return err_sys(e, errno, "waiting for the %s", role_name(c->peer));
        if (watch >= 0 && p[1].revents != 0)
            return err_set(e, ERR_AGAIN, "interrupted");
    }
}

int channel_send(struct channel *c, enum message_type type, struct span body, struct error *e)
{
    if (check_put(c, type, body.n, 0, e) != 0 || channel_flush(c, -1, e) != 0 || channel_put(c, type, body, e) != 0)
        return -1;
    return channel_flush(c, -1, e);
}

int channel_send_fds(struct channel *c, enum message_type type, struct span body, const int *fds, size_t n, struct error *e)
{
    uint8_t bytes[MESSAGE_HEAD + CONTROL_MAX];
    if (n > MESSAGE_FDS || body.n > CONTROL_MAX || check_put(c, type, body.n, n, e) != 0 || channel_write(c, e) != 0)
        return n > MESSAGE_FDS || body.n > CONTROL_MAX ? err_set(e, ERR_MISUSE, "too much for a control message") : -1;
    if (channel_waiting(c) > 0)
        return err_set(e, ERR_LIMIT, "the %s does not read its control messages", role_name(c->peer));
    struct buf head = {.p = bytes, .size = sizeof bytes, .max = sizeof bytes};
    put_head(&head, type, body.n, n);
    buf_add_span(&head, body);
    union {
        char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS)];
        struct cmsghdr align;
    } control = {0};
    struct iovec piece = {.iov_base = bytes, .iov_len = head.n};
    struct msghdr h = {.msg_iov = &piece, .msg_iovlen = 1};
    if (n > 0) {
        h.msg_control = control.bytes;
        h.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *m = CMSG_FIRSTHDR(&h);
        m->cmsg_level = SOL_SOCKET;
        m->cmsg_type = SCM_RIGHTS;
        m->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(m), fds, n * sizeof(int));
    }
    ssize_t sent;
    do {
        sent = sendmsg(c->fd, &h, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)head.n)
        return 0;
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        return err_set(e, ERR_CLOSED, "the %s closed its end", role_name(c->peer));
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return err_sys(e, errno, "writing to the %s", role_name(c->peer));
    return err_set(e, ERR_LIMIT, "the %s does not read its control messages", role_name(c->peer));
}
