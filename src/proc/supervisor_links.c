/* What the relay is given: its links, the sockets where peers connect, and the connections that it asks for. It opens none itself. Listening sockets
 * live as long as the supervisor: while the relay is away, whoever connects waits in their queues. */
#include "proc/supervisor_private.h"

#include "engine/relay/relay.h"
#include "proc/certify.h"
#include "proc/clock.h"
#include "proc/link_tls.h"
#include "proc/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

_Static_assert(DIALS >= RELAY_DIALS, "the relay asks for more connections than are made at one time");

#define RETRY (5 * TIME_SECOND)     /* between two attempts to listen */
#define TLS_RETRY (2 * TIME_SECOND) /* … and to read certificates that are about to be made */

static const struct config_endpoint *listens_at(const struct config_relay *r, int side)
{
    const struct config_endpoint *at = side == 0 ? &r->listen : &r->accept;
    return at->port == 0 ? NULL : at;
}

static const struct config_endpoint *dials_to(const struct config_relay *r, int side)
{
    const struct config_endpoint *at = side == 0 ? &r->connect : &r->forward;
    return at->port == 0 ? NULL : at;
}

/* ── listening ── */

static void hand_listener(struct supervisor *s, struct child *relay, size_t link, int side)
{
    uint8_t body[3] = {(uint8_t)(link >> 8), (uint8_t)link, (uint8_t)side};
    struct error e = {0};
    if (relay->pid == 0 || s->listeners[link][side].fd < 0)
        return;
    if (channel_send_fds(&relay->control, MESSAGE_LISTENER, span_of(body, sizeof body), &s->listeners[link][side].fd, 1, &e) != 0)
        log_line(LOG_LEVEL_WARNING, "the relay could not be given where %s listens: %s", s->o->config->relay[link].name, e.text);
}

/* An address that is not there may come, and a port may become free: it is tried again. */
static void open_listener(struct supervisor *s, size_t link, int side)
{
    struct listener *l = &s->listeners[link][side];
    const struct config_relay *r = &s->o->config->relay[link];
    struct error e = {0};
    char what[CONFIG_NAME + 16];
    (void)snprintf(what, sizeof what, "the link %s", r->name);
    if (premises_listen(listens_at(r, side), what, side == 0 ? "relay[].listen" : "relay[].accept", &l->fd, &e) == 0) {
        log_line(LOG_LEVEL_INFO, "the link %s listens for the %s", r->name, side == 0 ? "analyzer" : "LIS");
        l->trouble[0] = 0;
        hand_listener(s, &s->children[ROLE_RELAY], link, side);
        return;
    }
    l->fd = -1;
    l->retry_at = clock_monotonic() + RETRY;
    if (strncmp(l->trouble, e.text, sizeof l->trouble - 1) != 0)
        log_line(LOG_LEVEL_ERROR, "%s; it is tried again every %d s", e.text, (int)(RETRY / TIME_SECOND));
    (void)snprintf(l->trouble, sizeof l->trouble, "%.199s", e.text);
}

/* ── TLS ── */

static void fill_pins(const char *lines, struct link_tls_terms *t)
{
    struct span rest = span_str(lines);
    while (rest.n > 0 && t->pins_n < LINK_TLS_PINS)
        t->pins_n += link_tls_pin(span_until(&rest, '\n', NULL), t->pins[t->pins_n]);
}

static bool has_tls(const struct config_relay *r, int side)
{
    return !span_is(span_str(side == 0 ? r->tls_from : r->tls_to), "off");
}

static struct link_tls_terms terms_of(const struct config_relay *r, int side)
{
    const char *word = side == 0 ? r->tls_from : r->tls_to;
    const struct config_endpoint *to = dials_to(r, side);
    struct link_tls_terms t = {.side = side == 0 ? LINK_TLS_ANALYZER : LINK_TLS_LIS,
                               .dials = to != NULL,
                               .optional = strcmp(word, "optional") == 0,
                               .tls12 = strcmp(r->tls_min, "1.2") == 0};
    (void)snprintf(t.link, sizeof t.link, "%s", r->name);
    if (side == 1)
        fill_pins(r->tls_pin, &t);
    if (to != NULL)
        (void)snprintf(t.host, sizeof t.host, "%.253s", side == 1 && r->tls_name[0] != 0 ? r->tls_name : to->host);
    return t;
}

static int pack(struct supervisor *s, const struct config_relay *r, int side, struct buf *out, struct error *e)
{
    struct link_tls_terms terms = terms_of(r, side);
    struct buf authority = BUF_INIT(LINK_TLS_AUTHORITIES);
    int rc = side == 1 && r->tls_authority[0] != 0 ? premises_authority(r->tls_authority, &authority, e) : 0;
    terms.authority = buf_span(&authority);
    if (rc == 0)
        rc = link_tls_pack(s->data_fd, &terms, out, e);
    if (rc == 0 && !buf_ok(out))
        rc = err_set(e, ERR_LIMIT, "its certificates are too long");
    buf_release(&authority);
    return rc;
}

static int sealed_file(struct span bytes, int *ret_fd, struct error *e)
{
    int fd = memfd_create("tls", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, bytes.p, bytes.n) != (ssize_t)bytes.n ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
        int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return err_sys(e, why, "handing certificates over");
    }
    *ret_fd = fd;
    return 0;
}

static void give_tls(struct supervisor *s, size_t link, int side)
{
    struct listener *l = &s->listeners[link][side];
    struct child *relay = &s->children[ROLE_RELAY];
    const struct config_relay *r = &s->o->config->relay[link];
    uint8_t body[3] = {(uint8_t)(link >> 8), (uint8_t)link, (uint8_t)side};
    struct buf packed = BUF_SECRET(LINK_TLS_PACKED);
    struct error e = {0};
    int fd = -1;
    if (pack(s, r, side, &packed, &e) == 0 && sealed_file(buf_span(&packed), &fd, &e) == 0)
        l->tls_given = channel_send_fds(&relay->control, MESSAGE_TLS, span_of(body, sizeof body), &fd, 1, &e) == 0;
    if (!l->tls_given && strncmp(l->tls_trouble, e.text, sizeof l->tls_trouble - 1) != 0)
        log_line(e.class == ERR_AGAIN ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "the link %s has no TLS on the side of the %s yet: %s", r->name,
                 side == 0 ? "analyzer" : "LIS", e.text);
    (void)snprintf(l->tls_trouble, sizeof l->tls_trouble, "%.199s", l->tls_given ? "" : e.text);
    l->tls_at = clock_monotonic() + TLS_RETRY;
    if (fd >= 0)
        (void)close(fd);
    buf_release(&packed);
}

void links_certificates(struct supervisor *s)
{
    for (size_t i = 0; i < s->o->config->relay_count; i++)
        for (int side = 0; side < LINK_SIDES; side++)
            if (s->listeners[i][side].tls && s->children[ROLE_RELAY].pid != 0)
                give_tls(s, i, side);
}

/* ── dialling ── */

static void dialled(void *context, uint64_t ticket, int fd, const char *why)
{
    struct supervisor *s = context;
    struct child *relay = &s->children[ROLE_RELAY];
    struct buf body = BUF_INIT(512);
    struct error e = {0};
    buf_be64(&body, ticket);
    buf_add_str(&body, why);
    if (relay->pid != 0 && channel_send_fds(&relay->control, MESSAGE_DIALLED, buf_span(&body), &fd, fd >= 0 ? 1 : 0, &e) != 0)
        log_line(LOG_LEVEL_WARNING, "the relay could not be given a connection: %s", e.text);
    buf_release(&body);
    if (fd >= 0)
        (void)close(fd);
}

void links_dial(struct supervisor *s, struct span body)
{
    uint64_t ticket = span_be64(&body);
    uint16_t link = span_be16(&body);
    uint8_t side = span_u8(&body);
    const struct config_endpoint *to = body.bad || link >= s->o->config->relay_count || side >= LINK_SIDES || s->dialer == NULL
                                           ? NULL
                                           : dials_to(&s->o->config->relay[link], side);
    if (to != NULL)
        dial(s->dialer, ticket, to, clock_monotonic());
    else if (!body.bad)
        dialled(s, ticket, -1, "this side of the link is not connected to from here");
}

/* ── the supervisor's side ── */

int links_prepare(struct supervisor *s, struct error *e)
{
    const struct config *c = s->o->config;
    if (c->relay_count == 0)
        return 0;
    s->dialer = dialer_new(spawn_uid(ROLE_RELAY), dialled, s);
    if (s->dialer == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for links");
    for (size_t i = 0; i < c->relay_count; i++)
        for (int side = 0; side < LINK_SIDES; side++) {
            s->listeners[i][side] = (struct listener){.fd = -1, .wanted = listens_at(&c->relay[i], side) != NULL};
            s->listeners[i][side].tls = has_tls(&c->relay[i], side);
        }
    return 0;
}

/* The keeper keeps a certificate in force for every side that speaks TLS. */
int links_certify(struct supervisor *s, struct child *keeper, struct error *e)
{
    const struct config *c = s->o->config;
    int r = 0;
    for (size_t i = 0; i < c->relay_count && r == 0; i++)
        for (int side = 0; side < LINK_SIDES && r == 0; side++) {
            const struct config_endpoint *at = listens_at(&c->relay[i], side);
            struct certify x = {.side = side == 0 ? LINK_TLS_ANALYZER : LINK_TLS_LIS};
            struct buf body = BUF_INIT(CERTIFY_MAX);
            if (!s->listeners[i][side].tls)
                continue;
            (void)snprintf(x.link, sizeof x.link, "%s", c->relay[i].name);
            (void)snprintf(x.names, sizeof x.names, "%s%s%s", c->console_name, at == NULL ? "" : ",", at == NULL ? "" : at->host);
            certify_encode(&body, &x);
            r = channel_send_fds(&keeper->control, MESSAGE_CERTIFY, buf_span(&body), NULL, 0, e);
            buf_release(&body);
        }
    return r;
}

void links_give_up(struct supervisor *s)
{
    if (s->dialer != NULL)
        dial_give_up(s->dialer, "the program is being replaced");
}

void links_close(struct supervisor *s)
{
    dialer_free(s->dialer);
    s->dialer = NULL;
    for (size_t i = 0; i < CONFIG_RELAYS; i++)
        for (int side = 0; side < LINK_SIDES; side++)
            if (s->listeners[i][side].wanted && s->listeners[i][side].fd >= 0)
                (void)close(s->listeners[i][side].fd);
}

int links_fill_start(struct supervisor *s, struct start *start, int *ret_spool, struct error *e)
{
    struct buf key = BUF_INIT(64);
    uid_t owner = s->unprivileged ? geteuid() : spawn_uid(ROLE_KEEPER);
    start->links = (uint8_t)s->o->config->relay_count;
    start->ledger = s->progress.ledger;
    int r = premises_spool(s->data_fd, owner, ret_spool, &key, e);
    if (r == 0 && key.n == sizeof start->spool_key) {
        memcpy(start->spool_key, key.p, key.n);
        start->spool_key_n = (uint8_t)key.n;
    }
    buf_release(&key);
    return r;
}

int links_tell(struct supervisor *s, struct child *relay, struct error *e)
{
    const struct config *c = s->o->config;
    int r = 0;
    for (size_t i = 0; i < c->relay_count && r == 0; i++) {
        struct buf body = BUF_INIT(8192);
        link_told_encode(&body, &c->relay[i]);
        r = channel_send_fds(&relay->control, MESSAGE_LINK, buf_span(&body), NULL, 0, e);
        buf_release(&body);
    }
    for (size_t i = 0; i < c->relay_count && r == 0; i++)
        for (int side = 0; side < LINK_SIDES; side++) {
            hand_listener(s, relay, i, side);
            s->listeners[i][side].tls_given = false;
            s->listeners[i][side].tls_at = 0;
        }
    return r;
}

void links_step(struct supervisor *s, const struct pollfd *p, size_t n)
{
    tq_time now = clock_monotonic();
    if (s->dialer == NULL)
        return;
    dial_act(s->dialer, p, n, now);
    for (size_t i = 0; i < s->o->config->relay_count && !s->stopping; i++)
        for (int side = 0; side < LINK_SIDES; side++) {
            struct listener *l = &s->listeners[i][side];
            if (l->wanted && l->fd < 0 && now >= l->retry_at)
                open_listener(s, i, side);
            if (l->tls && !l->tls_given && s->children[ROLE_RELAY].pid != 0 && now >= l->tls_at)
                give_tls(s, i, side);
        }
}

tq_time links_deadline(const struct supervisor *s)
{
    if (s->dialer == NULL)
        return 0;
    tq_time first = dial_deadline(s->dialer);
    for (size_t i = 0; i < s->o->config->relay_count && !s->stopping; i++)
        for (int side = 0; side < LINK_SIDES; side++) {
            const struct listener *l = &s->listeners[i][side];
            if (l->wanted && l->fd < 0 && (first == 0 || l->retry_at < first))
                first = l->retry_at;
            if (l->tls && !l->tls_given && s->children[ROLE_RELAY].pid != 0 && (first == 0 || l->tls_at < first))
                first = l->tls_at > 0 ? l->tls_at : 1;
        }
    return first;
}
