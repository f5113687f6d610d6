#include "proc/clamd.h"

#include "base/buf.h"
#include "base/time.h"
#include "proc/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK 65536u
#define SECONDS 10

static enum clamd_answer none(struct error *e, const char *what)
{
    (void)err_set(e, ERR_SYSTEM, "clamd %s", what);
    return CLAMD_NONE;
}

static int connect_tcp(const char *where, const char *colon)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    char host[16] = "";
    char *end = NULL;
    size_t n = (size_t)(colon - where);
    if (n == 0 || n >= sizeof host)
        return -1;
    (void)memcpy(host, where, n);
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (*end != 0 || port == 0 || port > 65535 || inet_pton(AF_INET, host, &to.sin_addr) != 1 || (ntohl(to.sin_addr.s_addr) >> 24) != 127)
        return -1; /* patients' mail goes nowhere else */
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static int connect_path(const char *where)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = strlen(where);
    if (n == 0 || n >= sizeof to.sun_path)
        return -1;
    (void)memcpy(to.sun_path, where, n);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

static bool send_all(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;
    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* zINSTREAM, then pieces with their lengths before them, then a length of 0. */
static bool stream(int fd, struct span bytes)
{
    if (!send_all(fd, "zINSTREAM", 10))
        return false;
    while (bytes.n > 0) {
        struct span piece = span_take(&bytes, bytes.n < CHUNK ? bytes.n : CHUNK);
        uint32_t length = htobe32(piece.n);
        if (!send_all(fd, &length, 4) || !send_all(fd, piece.p, piece.n))
            return false;
    }
    return send_all(fd, "\0\0\0", 4);
}

enum clamd_answer clamd_read(struct span line, char name[CLAMD_NAME], struct error *e)
{
    line.n = (uint32_t)span_find_either(&line, 0, '\n');
    size_t colon = span_find(&line, ':');
    struct span says = line;
    (void)span_skip(&says, colon < line.n ? colon + 1 : line.n);
    while (says.n > 0 && says.p[0] == ' ')
        (void)span_skip(&says, 1);
    name[0] = 0;
    if (span_is(says, "OK"))
        return CLAMD_CLEAN;
    if (says.n > 6 && memcmp(says.p + says.n - 6, " FOUND", 6) == 0) {
        size_t n = 0;
        for (size_t i = 0; i < says.n - 6 && n + 1 < CLAMD_NAME; i++)
            if (says.p[i] > ' ' && says.p[i] < 127)
                name[n++] = (char)says.p[i];
        name[n] = 0;
        return CLAMD_FOUND;
    }
    (void)err_set(e, ERR_PEER, "clamd did not say whether it found something%s",
                  line.n > 0 ? " (it may be told not to take so much: StreamMaxLength)" : "");
    return CLAMD_NONE;
}

int clamd_connect(const char *where)
{
    const char *colon = strrchr(where, ':');
    return where[0] == '/' || colon == NULL ? connect_path(where) : connect_tcp(where, colon);
}

bool clamd_ping(int fd)
{
    char answer[8] = "";
    struct timeval limit = {.tv_sec = SECONDS};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    bool there = send_all(fd, "zPING", 6) && recv(fd, answer, sizeof answer - 1, MSG_WAITALL) >= 4 && memcmp(answer, "PONG", 4) == 0;
    (void)close(fd);
    return there;
}

enum clamd_answer clamd_ask_on(int fd, struct span bytes, char name[CLAMD_NAME], struct error *e)
{
    const tq_time until = clock_monotonic() + SECONDS * TIME_SECOND;
    name[0] = 0;
    struct timeval limit = {.tv_sec = SECONDS};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    bool sent = stream(fd, bytes); /* where it is too much, clamd says so and closes */
    char line[1024];
    size_t n = 0;
    while (n < sizeof line && clock_monotonic() < until) {
        ssize_t got = recv(fd, line + n, sizeof line - n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
        if (memchr(line, 0, n) != NULL || memchr(line, '\n', n) != NULL)
            break;
    }
    (void)close(fd);
    if (n == 0)
        return none(e, sent ? "gave no answer in time" : "closed the connection");
    return clamd_read(span_of(line, n), name, e);
}

enum clamd_answer clamd_ask(const char *where, struct span bytes, char name[CLAMD_NAME], struct error *e)
{
    int fd = clamd_connect(where);
    name[0] = 0;
    if (fd < 0) {
        (void)err_set(e, ERR_SYSTEM, "clamd at %s does not answer (a path, or 127.0.0.1:3310)", where);
        return CLAMD_NONE;
    }
    return clamd_ask_on(fd, bytes, name, e);
}
