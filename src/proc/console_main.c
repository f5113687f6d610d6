/* The console: the HTTPS door. It holds the listening socket and its TLS key, and asks the keeper for everything else.
 *
 * When the keeper is restarted, a new channel comes from the supervisor and browsers go on; until then they get 503. */
#include "door/front/front.h"
#include "door/front/postbox.h"
#include "door/request.h"
#include "proc/log.h"
#include "proc/peer.h"
#include "proc/role.h"
#include "record/crypto/crypto.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define REQUESTS_MAX (4u << 20) /* bytes of requests that may wait for the keeper */

struct console {
    struct role_self self;
    struct channel keeper;
    struct event_base *base;
    struct event *control_event;
    struct event *read_event;
    struct event *write_event;
    struct front *front;
    struct front *landing;   /* where lab.yaml has one; ids of its requests have LANDING set */
    struct postbox *postbox; /* the same; POSTBOX */
};

#define LANDING (UINT64_C(1) << 63)
#define POSTBOX (UINT64_C(1) << 62)

static void drop_keeper(struct console *c)
{
    if (c->read_event != NULL)
        event_free(c->read_event);
    if (c->write_event != NULL)
        event_free(c->write_event);
    c->read_event = c->write_event = NULL;
    channel_close(&c->keeper);
    if (c->front != NULL)
        front_keeper_gone(c->front);
    if (c->landing != NULL)
        front_keeper_gone(c->landing);
    if (c->postbox != NULL)
        postbox_keeper_gone(c->postbox);
}

static int send_request(void *context, const struct request *r)
{
    struct console *c = context;
    if (c->keeper.fd < 0)
        return -1;
    struct buf body = BUF_SECRET(REQUEST_BODY_MAX + 10 * REQUEST_TEXT_MAX);
    request_encode(&body, r);
    struct error e;
    int result = buf_ok(&body) && channel_put(&c->keeper, MESSAGE_REQUEST, buf_span(&body), &e) == 0 && channel_write(&c->keeper, &e) == 0 ? 0 : -1;
    buf_release(&body);
    if (result == 0 && channel_waiting(&c->keeper) > 0)
        (void)event_add(c->write_event, NULL);
    return result;
}

static int send_landing(void *context, const struct request *r)
{
    struct request marked = *r;
    marked.id |= LANDING;
    return send_request(context, &marked);
}

static int send_post(void *context, const struct request *r)
{
    struct request marked = *r;
    marked.id |= POSTBOX;
    return send_request(context, &marked);
}

/* Is it one of the lab's mail servers? */
static bool admits(void *context, const struct sockaddr *from)
{
    const struct console *c = context;
    return peer_admitted(c->self.start.postbox_from, from);
}

static void may_write(int fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct console *c = context;
    struct error e;
    if (channel_write(&c->keeper, &e) != 0)
        drop_keeper(c);
    else if (channel_waiting(&c->keeper) > 0)
        (void)event_add(c->write_event, NULL);
}

/* The certificate of this site: the door opens with it. A keeper that came back brings the same one. */
static int take_identity(struct console *c, struct span body, struct error *e)
{
    struct span s = body;
    bool locked = span_u8(&s) != 0;
    struct span certificate = span_take(&s, span_be32(&s));
    if (s.bad || s.n == 0)
        return err_set(e, ERR_PEER, "an identity message is malformed");
    if (c->front != NULL) {
        front_locked(c->front, locked);
        front_keeper_back(c->front);
        if (c->landing != NULL)
            front_keeper_back(c->landing);
        return 0;
    }
    struct front_options options = {.base = c->base,
                                    .listen_fd = c->self.fds[0],
                                    .name = c->self.start.name,
                                    .certificate = certificate,
                                    .key = s,
                                    .send = send_request,
                                    .context = c};
    c->front = front_new(&options, e);
    if (c->front == NULL)
        role_fail(&c->self, e);
    front_locked(c->front, locked);
    const int *next_fd = &c->self.fds[1];
    if (c->self.start.landing[0] != 0) {
        options.listen_fd = *next_fd++;
        options.name = c->self.start.landing;
        options.landing = true;
        options.send = send_landing;
        c->landing = front_new(&options, e);
        if (c->landing == NULL)
            role_fail(&c->self, e);
    }
    if (c->self.start.postbox[0] != 0) {
        c->postbox = postbox_new(&(struct postbox_options){.base = c->base,
                                                           .listen_fd = *next_fd,
                                                           .name = c->self.start.postbox,
                                                           .clear = c->self.start.postbox_clear,
                                                           .certificate = certificate,
                                                           .key = s,
                                                           .admits = admits,
                                                           .send = send_post,
                                                           .context = c},
                                 e);
        if (c->postbox == NULL)
            role_fail(&c->self, e);
    }
    return 0;
}

static int take_message(struct console *c, const struct message *m, struct error *e)
{
    if (m->type == MESSAGE_IDENTITY)
        return take_identity(c, m->body, e);
    if (c->front == NULL)
        return err_set(e, ERR_PEER, "a message came before the identity");
    struct reply reply;
    struct notice notice;
    if (m->type == MESSAGE_REPLY && reply_decode(m->body, &reply, e) == 0) {
        uint64_t door = reply.id & (LANDING | POSTBOX);
        reply.id &= ~(LANDING | POSTBOX);
        if (door == 0)
            front_reply(c->front, &reply);
        else if (door == LANDING && c->landing != NULL)
            front_reply(c->landing, &reply);
        else if (door == POSTBOX && c->postbox != NULL)
            postbox_reply(c->postbox, &reply);
    } else if (m->type == MESSAGE_NOTICE && notice_decode(m->body, &notice, e) == 0)
        front_notice(c->front, &notice);
    else
        return -1;
    return 0;
}

static void may_read(int fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct console *c = context;
    struct error e = {0};
    int r = channel_read(&c->keeper, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    struct message m;
    while (r == 0 && (r = channel_next(&c->keeper, &m, &e)) == 1)
        r = take_message(c, &m, &e);
    channel_forget(&c->keeper); /* it may have shown what is hidden */
    if (r == 0)
        return;
    if (e.class == ERR_PEER)
        role_complain(&c->self, ROLE_KEEPER, &e);
    drop_keeper(c);
}

static void take_keeper(struct console *c, int fd)
{
    drop_keeper(c);
    channel_open(&c->keeper, fd, ROLE_CONSOLE, ROLE_KEEPER, REQUESTS_MAX);
    c->keeper.in.secret = true; /* the key comes this way, passwords go */
    c->keeper.out.secret = true;
    c->read_event = event_new(c->base, fd, EV_READ | EV_PERSIST, may_read, c);
    c->write_event = event_new(c->base, fd, EV_WRITE, may_write, c);
    if (c->read_event == NULL || c->write_event == NULL || event_add(c->read_event, NULL) != 0)
        drop_keeper(c);
}

static void control(int fd, short events, void *context)
{
    (void)fd;
    (void)events;
    struct console *c = context;
    struct message m;
    int r;
    while ((r = role_control(&c->self, 0, &m)) == 1) {
        int peer;
        if (role_peer(&m, &peer, NULL) == ROLE_KEEPER)
            take_keeper(c, peer);
    }
    if (r < 0)
        (void)event_base_loopexit(c->base, NULL);
}

int main(void)
{
    static struct console c = {.keeper = {.fd = -1}};
    role_begin(&c.self, ROLE_CONSOLE);
    struct error e = {0};
    if (!front_wipe_freed())
        (void)err_set(&e, ERR_SYSTEM, "what passes through cannot be wiped");
    if (e.class != ERR_NONE || crypto_start(&e) != 0)
        role_fail(&c.self, &e);
    char note[256];
    role_narrow(&c.self, -1, note);
    c.base = event_base_new();
    c.control_event = c.base == NULL ? NULL : event_new(c.base, c.self.control.fd, EV_READ | EV_PERSIST, control, &c);
    if (c.control_event == NULL || event_add(c.control_event, NULL) != 0) {
        (void)err_set(&e, ERR_SYSTEM, "no memory for the event loop");
        role_fail(&c.self, &e);
    }
    role_ready(&c.self, note);
    control(-1, 0, &c);
    (void)event_base_dispatch(c.base);
    postbox_free(c.postbox);
    if (c.landing != NULL)
        front_free(c.landing);
    if (c.front != NULL)
        front_free(c.front);
    _exit(0);
}
