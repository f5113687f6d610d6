#include "mllp_end.h"

#include "wire/hl7.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void many_descriptors(void)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
        most.rlim_cur = most.rlim_max < 2u * CONNECTIONS_MOST + 64u ? most.rlim_max : 2u * CONNECTIONS_MOST + 64u;
        (void)setrlimit(RLIMIT_NOFILE, &most);
    }
}

struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static ssize_t tls_says(const struct end *c, int r)
{
    int why = SSL_get_error(c->tls, r);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return -1;
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
}

ssize_t end_read(struct end *c, uint8_t *p, size_t n)
{
    if (c->tls != NULL) {
        int r = SSL_read(c->tls, p, (int)n);
        return r > 0 ? r : tls_says(c, r);
    }
    ssize_t r = recv(c->fd, p, n, 0);
    return r >= 0 ? r : errno == EAGAIN || errno == EINTR ? -1 : -2;
}

static ssize_t end_write(struct end *c, struct span s)
{
    if (c->tls != NULL) {
        int r = SSL_write(c->tls, s.p, (int)s.n);
        return r > 0 ? r : tls_says(c, r);
    }
    ssize_t r = send(c->fd, s.p, s.n, MSG_NOSIGNAL);
    return r >= 0 ? r : errno == EAGAIN || errno == EINTR ? -1 : -2;
}

int end_flush(struct end *c)
{
    while (c->out.n > 0) {
        ssize_t n = end_write(c, buf_span(&c->out));
        if (n == -1)
            return 0;
        if (n <= 0)
            return -1;
        buf_drop_front(&c->out, (size_t)n);
    }
    return 1;
}

void end_close(struct end *c)
{
    SSL_free(c->tls);
    if (c->fd >= 0)
        (void)close(c->fd);
    buf_release(&c->content);
    buf_release(&c->out);
    *c = (struct end){.fd = -1};
}

static bool take_bytes(struct end *c, struct span in, uint64_t *junk, bool (*take)(void *, struct span), void *context)
{
    struct span some = {0};
    for (;;) {
        switch (mllp_next(&c->reader, &in, &some)) {
        case MLLP_MORE: return buf_ok(&c->content);
        case MLLP_JUNK: *junk += some.n; break;
        case MLLP_START:
        case MLLP_RESTART: buf_clear(&c->content); break;
        case MLLP_CONTENT: buf_add_span(&c->content, some); break;
        case MLLP_END:
            if (!buf_ok(&c->content) || !take(context, buf_span(&c->content)))
                return false;
            break;
        }
    }
}

bool end_blocks(struct end *c, uint64_t *junk, bool (*take)(void *context, struct span block), void *context)
{
    uint8_t bytes[16384] UNCLEARED;
    for (;;) {
        ssize_t n = end_read(c, bytes, sizeof bytes);
        if (n == -1)
            return true;
        if (n <= 0 || !take_bytes(c, span_of(bytes, (size_t)n), junk, take, context))
            return false;
        if (c->tls == NULL && (size_t)n < sizeof bytes)
            return true;
    }
}

struct span field_of(struct span message, const char *name, unsigned field)
{
    struct hl7_delims d;
    struct span segment;
    struct span fields[16];
    if (!hl7_delims(message, &d))
        return (struct span){0};
    while (hl7_segment(&d, &message, &segment))
        if (segment.n >= 3 && memcmp(segment.p, name, 3) == 0) {
            (void)hl7_fields(&d, segment, fields, 16);
            return fields[field];
        }
    return (struct span){0};
}

uint64_t digest_of(struct span message)
{
    static const struct hash_key key = {0};
    return hash_bytes(&key, message.p, message.n);
}
