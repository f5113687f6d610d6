#include "proc/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_WAIT_MS 60000

int ask_folder(const char *file, const char *data, struct config *config, struct error *e)
{
    config_default(config);
    if (file != NULL && config_load(config, file, e) != 0)
        return -1;
    const char *path = data != NULL ? data : config->data;
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "the data folder %s cannot be opened (%s): name it with --data DIR or -c lab.yaml", path, strerror(errno));
    return fd;
}

/* Through /proc, because the path of a socket may have 107 bytes and that of a data folder more. */
int ask_dial(int folder, struct error *e)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    (void)snprintf(where.sun_path, sizeof where.sun_path, "/proc/self/fd/%d/api.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_sys(e, errno, "making a socket");
    if (connect(fd, (const struct sockaddr *)&where, sizeof where) == 0)
        return fd;
    int errnum = errno;
    (void)close(fd);
    if (errnum == ENOENT || errnum == ECONNREFUSED)
        return err_set(e, ERR_CLOSED, "nobody answers at the local socket: is `tourniquet run` under way with this data folder?");
    if (errnum == EACCES || errnum == EPERM)
        return err_set(e, ERR_MISUSE, "you may not use the local socket: ask as the user (or in the group) of the data folder");
    return err_sys(e, errnum, "connecting to the local socket");
}

/* Waits for the message with our reply. The channel's buffer holds it. */
static int await(struct ask *a, struct error *e)
{
    for (;;) {
        struct message m;
        int r = channel_next(&a->channel, &m, e);
        if (r < 0)
            return -1;
        if (r == 1 && m.type == MESSAGE_REPLY)
            return reply_decode(m.body, &a->reply, e);
        if (r == 1)
            continue;
        struct pollfd p = {.fd = a->channel.fd, .events = POLLIN};
        int ready = poll(&p, 1, ANSWER_WAIT_MS);
        if (ready == 0)
            return err_set(e, ERR_SYSTEM, "the keeper does not answer");
        if (ready < 0 && errno != EINTR)
            return err_sys(e, errno, "waiting for the answer");
        struct error why = {0};
        if (channel_read(&a->channel, &why) != 0 && why.class != ERR_AGAIN)
            return err_set(e, ERR_SYSTEM, "the keeper closed the connection");
    }
}

int ask_send(struct ask *a, int line, const char *method, struct span path, const char *if_match, struct span body, int fd, struct error *e)
{
    struct request request = {.id = 1, .door = DOOR_LOCAL, .method = span_str(method)};
    request.path = span_until(&path, '?', NULL);
    request.query = path;
    request.if_match = span_str(if_match == NULL ? "" : if_match);
    request.body = body;
    struct buf encoded = BUF_SECRET(REQUEST_BODY_MAX + 16 * REQUEST_TEXT_MAX);
    request_encode(&encoded, &request);
    channel_open(&a->channel, line, ROLE_LOCAL, ROLE_KEEPER, REQUEST_BODY_MAX + 32 * REQUEST_TEXT_MAX);
    a->channel.in.secret = a->channel.out.secret = true;
    int r;
    if (!buf_ok(&encoded) || body.n > REQUEST_BODY_MAX)
        r = err_set(e, ERR_LIMIT, "the body has at most 1 MiB");
    else if (fd >= 0)
        r = channel_send_fds(&a->channel, MESSAGE_REQUEST, buf_span(&encoded), &fd, 1, e);
    else
        r = channel_send(&a->channel, MESSAGE_REQUEST, buf_span(&encoded), e);
    buf_release(&encoded);
    return r == 0 ? await(a, e) : -1;
}

void ask_release(struct ask *a)
{
    channel_close(&a->channel);
}
