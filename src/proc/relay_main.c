/* The relay: the engine's loop, and the channels to supervisor, detector and keeper (relay_role.h has the picture and the invariants). */
#include "proc/relay_role.h"

#include "proc/clock.h"
#include "proc/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(CONFIG_CONNECTIONS <= RELAY_DELIVERIES, "lab.yaml takes more connections than a link has");

#define PIPELINE (1u << 20) /* most bytes that wait in the channel to the detector */
#define KEEPER_WAITS (256u << 10)
#define PORTION (64u << 10)        /* about as much is handed on in one turn: who waits for an answer waits for no more */
#define GATHER (20 * TIME_MS)      /* how long a record that nobody waits for waits for company on its way */
#define DOUBT_AGAIN (10 * TIME_MS) /* what may be the beginning of a burst is looked at again so soon */
#define STATUS_EVERY TIME_SECOND
#define STATUS_TURNED (100 * TIME_MS)      /* … and so soon, where a queue is empty now, or no longer */
#define FEED_WAIT (10 * TIME_SECOND)       /* for a keeper to feed what an earlier relay left */
#define FEED_LONGER (2 * 60 * TIME_SECOND) /* … longer, unless it waits for a person */
#define FED_MOST (1u << 20)                /* messages */
#define GREET_WAIT (3 * TIME_SECOND)       /* … and to say what people decided about links */
#define ASK_AGAIN (2 * TIME_SECOND)        /* between two feedings */
#define LAST_RECORDS (3 * TIME_SECOND)     /* how long a stopped relay waits for its last records */

/* Numbers of flows tell those of one relay from those of the next, also where the first one died with records that nobody has: the next one's records
 * are counted from what is durable, and a flow that gets the number of another makes the detector see one conversation in two. So they begin with the
 * time: milliseconds, and room for a thousand flows in each. They stay below 2^53, as numbers in JSON have to. */
#define FLOWS_FROM(wall) ((uint64_t)((wall) / TIME_MS) << 10)

struct relay_role rr = {.detector = {.fd = -1}, .keeper = {.fd = -1}, .wake_fd = -1};

bool relay_records_now(void)
{
    return rr.recording && !rr.stalled && rr.detector.fd >= 0;
}

static void wake(void *context)
{
    uint64_t one = 1;
    ssize_t n = write(rr.wake_fd, &one, sizeof one);
    (void)n, (void)context;
}

/* The engine goes by a time that does not step: where the wall clock is put right, nothing that waits for an answer has waited longer for it. */
static void look_at_clocks(void)
{
    rr.wall = clock_now();
    rr.now = clock_monotonic();
    if (rr.relay != NULL)
        relay_wall(rr.relay, rr.wall - rr.now);
}

struct line *relay_line(struct span name)
{
    for (size_t i = 0; i < rr.lines_n; i++)
        if (span_is(name, rr.lines[i].config.name))
            return &rr.lines[i];
    return NULL;
}

/* ── the detector ── */

static void watch(struct channel *c, void (*ready)(void *, int, uint32_t));
static void detector_ready(void *context, int fd, uint32_t events);
static void keeper_ready(void *context, int fd, uint32_t events);

static void drop_channel(struct channel *c)
{
    if (c->fd >= 0)
        (void)relay_watch(rr.relay, c->fd, 0, NULL, NULL, NULL);
    channel_close(c);
}

static bool put_record(uint8_t *bytes, size_t n)
{
    uint64_t seq = rr.detector_seq + 1;
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(seq >> (56 - 8 * i));
    memset(bytes + 8, 0, 4);
    if (channel_put(&rr.detector, MESSAGE_RECORD, span_of(bytes, n), NULL) != 0)
        return false;
    rr.detector_seq = seq;
    return true;
}

/* False: the detector does not know yet how far it has everything. */
static bool tell_behind(void)
{
    if (rr.detector.fd < 0 || !keep_notice())
        return true;
    struct outbox_record *r = outbox_copy(&rr.arena, buf_span(&rr.encoded), 0);
    bool told = r != NULL && put_record(r->bytes, r->n);
    outbox_drop(r);
    if (told)
        keep_told();
    return told;
}

/* Hands on what it takes; never waits. What nobody waits for goes with what somebody does, or a little later: each handing on costs three processes
 * and the disk a turn. A portion at a time, for the engine's sake. */
static void hand_on(void)
{
    struct error e = {0};
    bool goes = tell_behind() && keep_in_order();
    rr.hurry = rr.hurry || (rr.outbox.unsent != NULL && rr.now - rr.outbox.unsent->at >= GATHER);
    rr.doubts = false;
    while (goes && rr.hurry && rr.detector.fd >= 0 && rr.outbox.unsent != NULL && channel_waiting(&rr.detector) < PORTION) {
        const struct outbox_record *next = rr.outbox.unsent;
        rr.doubts = relay_spools() && !burst_lets(&rr.burst, next->n, next->at, rr.now);
        if (rr.doubts || !put_record(rr.outbox.unsent->bytes, rr.outbox.unsent->n))
            break;
        outbox_sent(&rr.outbox);
    }
    rr.hurry = rr.hurry && rr.outbox.unsent != NULL;
    if (rr.detector.fd >= 0 && channel_waiting(&rr.detector) > 0 && channel_write(&rr.detector, &e) != 0)
        drop_channel(&rr.detector);
    rr.more = goes && rr.hurry && !rr.doubts && rr.detector.fd >= 0 && channel_waiting(&rr.detector) == 0;
    watch(&rr.detector, detector_ready);
}

static void detector_ready(void *context, int fd, uint32_t events)
{
    struct error e = {0};
    struct message m;
    (void)context, (void)fd;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && channel_read(&rr.detector, &e) != 0 && e.class != ERR_AGAIN)
        drop_channel(&rr.detector);
    while (rr.detector.fd >= 0 && channel_next(&rr.detector, &m, &e) == 1)
        continue; /* it has nothing to say to us */
    hand_on();
}

static bool wants_tls(const struct line *l, int side)
{
    return strcmp(side == 0 ? l->config.tls_from : l->config.tls_to, "off") != 0;
}

static bool has_tls(const struct line *l)
{
    return (!wants_tls(l, 0) || l->tls[0] != NULL) && (!wants_tls(l, 1) || l->tls[1] != NULL);
}

/* ── the keeper ── */

static int take_recorded(struct span body, struct error *e)
{
    struct link_recorded x;
    if (link_recorded_decode(body, &x, e) != 0)
        return -1;
    rr.recording = x.recording;
    rr.locked = x.locked;
    if (x.seq > rr.seq)
        return err_set(e, ERR_PEER, "it says that records are durable that were never made");
    if (x.seq > rr.recorded) {
        rr.advanced = rr.now;
        rr.stalled = rr.stalled && rr.rolling;
    }
    rr.recorded = x.seq > rr.recorded ? x.seq : rr.recorded;
    outbox_recorded(&rr.outbox, rr.recorded);
    if (rr.outbox.first == NULL || rr.now - rr.outbox.first->at < SPOOL_AFTER / 2)
        rr.stalled = false;
    spooler_key(rr.spool, x.key, x.ledger);
    return 0;
}

/* Words, a line each, as the engine takes them. */
static size_t split(char *words, const char *ret[], size_t most)
{
    size_t n = 0;
    for (char *at = words; *at != 0 && n < most;) {
        char *end = strchr(at, '\n');
        if (end == NULL)
            break;
        *end = 0;
        ret[n++] = at;
        at = end + 1;
    }
    return n;
}

#define POLICY_WORDS 1152 /* as many as a link can learn */

static void fill_policy(struct relay_policy *p, char *types, char *senders, char *tests, const char *words[3][POLICY_WORDS], const char *unknown)
{
    p->types = words[0];
    p->senders = words[1];
    p->tests = words[2];
    p->types_n = split(types, words[0], POLICY_WORDS);
    p->senders_n = split(senders, words[1], POLICY_WORDS);
    p->tests_n = split(tests, words[2], POLICY_WORDS);
    p->unknown = strcmp(unknown, "refuse") == 0 ? RELAY_UNKNOWN_REFUSE : strcmp(unknown, "pass") == 0 ? RELAY_UNKNOWN_PASS : RELAY_UNKNOWN_FLAG;
}

static char *copy_words(struct span s)
{
    char *text = malloc(s.n + 1);
    if (text == NULL)
        return NULL;
    if (s.n > 0)
        memcpy(text, s.p, s.n);
    text[s.n] = 0;
    return text;
}

static void approve(struct line *l, const struct link_policy *x)
{
    static const char *words[3][POLICY_WORDS];
    struct relay_policy p = {.size_max = x->size, .rate_max = x->rate};
    char *texts[3] = {copy_words(x->types), copy_words(x->senders), copy_words(x->tests)};
    char unknown[16];
    struct error e = {0};
    (void)snprintf(unknown, sizeof unknown, "%.*s", (int)(x->unknown.n < 15 ? x->unknown.n : 15), x->unknown.n > 0 ? (const char *)x->unknown.p : "");
    if (texts[0] != NULL && texts[1] != NULL && texts[2] != NULL && l->link != NULL) {
        fill_policy(&p, texts[0], texts[1], texts[2], words, unknown);
        if (relay_set_policy(l->link, &p, &e) != 0)
            log_line(LOG_LEVEL_ERROR, "link %s: its policy stays as it was: %s", l->config.name, e.text);
        else
            (void)snprintf(l->config.unknown, sizeof l->config.unknown, "%s", unknown);
    }
    for (int i = 0; i < 3; i++)
        free(texts[i]);
}

/* As lab.yaml has it, and learning where it says so. */
static void lab_policy(struct line *l, struct config_relay *c, const char *words[3][POLICY_WORDS], struct relay_policy *ret)
{
    fill_policy(ret, c->policy_types, c->policy_senders, c->policy_tests, words, c->unknown);
    ret->size_max = (uint32_t)c->policy_size;
    ret->rate_max = (uint32_t)c->policy_rate;
    ret->learn_until = learn_begin(l);
}

static void take_policy(struct line *l, const struct link_order *x, struct span order)
{
    static const char *words[3][POLICY_WORDS];
    struct relay_policy p = {0};
    struct error e = {0};
    bool before = l->approved.n > 0;
    buf_release(&l->approved);
    if (x->on) {
        l->approved = BUF_INIT(LINK_ORDER_MAX);
        buf_add_span(&l->approved, order);
        approve(l, &x->policy);
        return;
    }
    if (!before)
        return;
    /* It was taken back: the link goes by lab.yaml again, and learns anew where that says so. */
    struct config_relay c = l->config;
    (void)snprintf(l->config.unknown, sizeof l->config.unknown, "%s", l->unknown);
    (void)snprintf(c.unknown, sizeof c.unknown, "%s", l->unknown);
    l->learn_from = 0;
    l->learn_told = l->proposed = false;
    lab_policy(l, &c, words, &p);
    if (l->link != NULL && relay_set_policy(l->link, &p, &e) != 0)
        log_line(LOG_LEVEL_ERROR, "link %s: its policy stays as it was: %s", l->config.name, e.text);
}

/* Held by order; or, until what earlier relays left was fed, so that nothing newer is delivered before it. */
static void hold_or_not(const struct line *l)
{
    if (l->link != NULL)
        relay_hold(l->link, l->held || (l->store && (!rr.fed || l->unfed)));
}

static void be_fed(void)
{
    rr.fed = true;
    for (size_t i = 0; i < rr.lines_n; i++)
        hold_or_not(&rr.lines[i]);
}

static int take_order(struct span body, struct error *e)
{
    struct link_order x;
    if (link_order_decode(body, &x, e) != 0)
        return -1;
    struct line *l = relay_line(x.link);
    rr.heard = rr.heard || x.kind == LINK_ORDER_ALL;
    rr.greeted = rr.greeted || rr.heard;
    if (l == NULL)
        return 0; /* of a link that is not in lab.yaml any more */
    switch (x.kind) {
    case LINK_ORDER_BYPASS:
        l->bypassed = x.on;
        if (l->link != NULL)
            relay_bypass(l->link, x.on);
        tell_standing(l, STANDING_BYPASSED, x.on, "");
        break;
    case LINK_ORDER_HOLD:
        l->held = x.on;
        hold_or_not(l);
        break;
    case LINK_ORDER_POLICY: take_policy(l, &x, body); break;
    case LINK_ORDER_LEARNT: learn_known(l, &x, body); break;
    case LINK_ORDER_ALL: break;
    }
    rr.status_at = 0;
    return 0;
}

static void begin(struct line *l);

/* The keeper feeds once in a relay's life, when all that an earlier one spooled is on the ledger. */
static void ask_feed(void)
{
    struct buf body = BUF_INIT(8);
    if (rr.fed_whole || rr.feed_asked || rr.old_spool || rr.now < rr.feed_at || !rr.recording || rr.keeper.fd < 0)
        return;
    buf_be64(&body, rr.self.start.first);
    rr.feed_asked = channel_put(&rr.keeper, MESSAGE_FEED, buf_span(&body), NULL) == 0;
    buf_release(&body);
}

/* A keeper that died while it fed begins anew. */
static bool fed_already(const struct line *l, uint64_t record)
{
    return l->fed != NULL && table_get(l->fed, span_of(&record, sizeof record)) != NULL;
}

static int take_queued(struct span body, struct error *e)
{
    struct link_queued x;
    struct error why = {0};
    if (link_queued_decode(body, &x, e) != 0)
        return -1;
    if (x.link.n == 0) {
        for (size_t i = 0; i < rr.lines_n; i++) {
            rr.lines[i].unfed = rr.lines[i].missed;
            rr.lines[i].missed = false;
        }
        be_fed();
        rr.fed_whole = !rr.feed_later;
        rr.feed_asked = rr.feed_later = false;
        rr.feed_at = rr.now + ASK_AGAIN;
        return 0;
    }
    struct line *l = relay_line(x.link);
    if (l == NULL || !l->store || fed_already(l, x.record))
        return 0;
    if (l->link == NULL && has_tls(l))
        begin(l);
    if (l->link == NULL) {
        rr.feed_later = l->missed = true; /* its certificates have not come */
        return 0;
    }
    if (l->fed == NULL)
        l->fed = table_new((struct hash_key){.k0 = 1, .k1 = 2}, FED_MOST, 1); /* the keys are our own */
    if (l->fed != NULL)
        (void)table_put(l->fed, span_of(&x.record, sizeof x.record), NULL);
    tq_time age = x.time > 0 && x.time < rr.wall ? rr.wall - x.time : 0;
    tq_time came = rr.now - age != 0 ? rr.now - age : 1; /* before this machine started, where that is so */
    if (l->link != NULL && relay_feed(l->link, x.record, x.raw, x.sent, came, &why) != 0)
        log_line(LOG_LEVEL_ERROR, "link %s: a message that waited could not be taken up, it is tried at the next start: %s", l->config.name,
                 why.text);
    return 0;
}

static void take_read_in(struct span body)
{
    uint64_t bytes = span_be64(&body);
    keep_read(body.bad ? 0 : bytes);
    hand_on();
}

static void keeper_ready(void *context, int fd, uint32_t events)
{
    struct error e = {0};
    struct message m;
    (void)context, (void)fd;
    int r = (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 ? channel_read(&rr.keeper, &e) : 0;
    if (r != 0 && e.class == ERR_AGAIN)
        r = 0;
    while (r == 0 && rr.keeper.fd >= 0 && (r = channel_next(&rr.keeper, &m, &e)) == 1) {
        r = 0;
        switch (m.type) {
        case MESSAGE_RECORDED: r = take_recorded(m.body, &e); break;
        case MESSAGE_ORDER: r = take_order(m.body, &e); break;
        case MESSAGE_QUEUED: r = take_queued(m.body, &e); break;
        case MESSAGE_READ_IN: take_read_in(m.body); break;
        default: break;
        }
    }
    if (r != 0) {
        if (e.class != ERR_CLOSED)
            role_complain(&rr.self, ROLE_KEEPER, &e);
        rr.recording = rr.feed_asked = false;
        rr.asked_bytes = 0;
        keep_doubt();
        drop_channel(&rr.keeper);
    }
}

/* ── TLS ── */

static enum relay_tls tls_of(const struct line *l, int side)
{
    const char *word = side == 0 ? l->config.tls_from : l->config.tls_to;
    return strcmp(word, "off") == 0 ? RELAY_TLS_OFF : strcmp(word, "optional") == 0 ? RELAY_TLS_OPTIONAL : RELAY_TLS_REQUIRED;
}

static bool is_gone(void *context, const SSL *ssl)
{
    return link_tls_revokes(context, ssl);
}

/* Keys and certificates for new connections; running ones of a peer that is revoked now end. */
static void take_tls(const struct message *m)
{
    struct span s = m->body;
    uint16_t link = span_be16(&s);
    uint8_t side = span_u8(&s);
    struct buf packed = BUF_SECRET(LINK_TLS_PACKED);
    struct error e = {0};
    if (m->fd_count != 1)
        return;
    ssize_t n = buf_reserve(&packed, LINK_TLS_PACKED) ? pread(m->fds[0], packed.p, LINK_TLS_PACKED, 0) : -1;
    (void)close(m->fds[0]);
    packed.n = n > 0 ? (size_t)n : 0;
    struct line *l = s.bad || link >= rr.lines_n || side >= LINK_SIDES ? NULL : &rr.lines[link];
    struct link_tls *t = l == NULL ? NULL : link_tls_open(buf_span(&packed), clock_now, &e);
    buf_release(&packed);
    if (t == NULL) {
        log_line(LOG_LEVEL_ERROR, "certificates of a link cannot be used: %s", e.text);
        return;
    }
    struct link_tls *before = l->tls[side];
    l->tls[side] = t;
    if (l->link != NULL) {
        relay_set_tls(l->link, (enum relay_side)side, link_tls_context(t));
        size_t cut = relay_cut_peer(l->link, (enum relay_side)side, is_gone, t);
        if (cut > 0)
            log_line(LOG_LEVEL_WARNING, "link %s: connections of a peer whose certificate is revoked were closed: %zu", l->config.name, cut);
    }
    link_tls_free(before);
}

static bool shook_hands(void *context, struct relay_link *link, const struct relay_connection *connection, const SSL *ssl, bool ok)
{
    struct line *l = relay_link_user(link);
    struct link_tls_peer peer;
    enum relay_side side = connection->side;
    (void)context;
    if (ok)
        link_tls_peer(ssl, &peer);
    else
        link_tls_broke(ssl, &peer);
    if (ok && l->tls[side] != NULL && link_tls_revokes(l->tls[side], ssl)) { /* while it shook hands, by what held before */
        ok = false;
        (void)snprintf(peer.why, sizeof peer.why, "its certificate is revoked");
        peer.reason = LINK_TLS_REVOKED_NOW;
    }
    (void)snprintf(l->refused[side], sizeof l->refused[side], "%s", ok ? "" : peer.why);
    if (ok)
        l->peer[side] = peer;
    else if (!peer.silent)
        tell_handshake(l, connection, &peer);
    return ok;
}

/* ── links ── */

static void dial_for(void *context, struct relay_link *link, enum relay_side side, uint64_t ticket)
{
    struct line *l = relay_link_user(link);
    struct buf body = BUF_INIT(16);
    struct error e = {0};
    (void)context;
    buf_be64(&body, ticket);
    buf_be16(&body, l->index);
    buf_u8(&body, (uint8_t)side);
    if (channel_send(&rr.self.control, MESSAGE_DIAL, buf_span(&body), &e) != 0)
        rr.stopping = true;
    buf_release(&body);
}

static tq_time measure(void *context)
{
    (void)context;
    return clock_monotonic();
}

static void begin_listening(struct line *l)
{
    struct error e = {0};
    for (int side = 0; side < LINK_SIDES && l->link != NULL; side++) {
        if (l->listening[side] || l->listener[side] < 0)
            continue;
        l->listening[side] = true;
        if (relay_listen(l->link, (enum relay_side)side, l->listener[side], &e) != 0)
            log_line(LOG_LEVEL_ERROR, "link %s: %s", l->config.name, e.text);
    }
}

static struct relay_side_options side_of(const struct line *l, int side, const struct config_endpoint *dialled)
{
    return (struct relay_side_options){
        .dial = dialled->port != 0, .listener = -1, .tls = tls_of(l, side), .context = l->tls[side] != NULL ? link_tls_context(l->tls[side]) : NULL};
}

static void begin(struct line *l)
{
    static const char *words[3][POLICY_WORDS];
    struct config_relay c = l->config; /* its words are cut up */
    struct error e = {0};
    struct relay_link_options o = {.name = l->config.name,
                                   .user = l,
                                   .protocol = strcmp(c.protocol, "mllp") == 0 ? RELAY_MLLP : RELAY_ASTM,
                                   .mode = l->store ? RELAY_STORE_AND_FORWARD : RELAY_END_TO_END,
                                   .side = {side_of(l, 0, &c.connect), side_of(l, 1, &c.forward)},
                                   .record_wait = c.record_wait * TIME_MS,
                                   .message_max = l->store ? RECORD_BODY : 0,
                                   .queue_messages = (uint32_t)c.queue_max,
                                   .deliveries = (uint32_t)c.connections,
                                   .when_full = strcmp(c.unrecorded, "stop") == 0 ? RELAY_FULL_STOP : RELAY_FULL_END_TO_END};
    lab_policy(l, &c, words, &o.policy);
    l->link = relay_add_link(rr.relay, &o, &e);
    if (l->link == NULL) {
        log_line(LOG_LEVEL_ERROR, "link %s is not served: %s", l->config.name, e.text);
        return;
    }
    learn_fed(l);
    relay_bypass(l->link, l->bypassed);
    l->unfed_by = rr.now + FEED_LONGER;
    hold_or_not(l);
    struct link_order approved;
    if (l->approved.n > 0 && link_order_decode(buf_span(&l->approved), &approved, &e) == 0)
        approve(l, &approved.policy);
}

static void begin_links(void)
{
    for (size_t i = 0; i < rr.lines_n; i++) {
        struct line *l = &rr.lines[i];
        if (l->link == NULL && has_tls(l) && rr.greeted)
            begin(l);
        begin_listening(l);
        if (l->unfed && l->link != NULL && rr.now >= l->unfed_by) {
            l->unfed = false;
            hold_or_not(l);
        }
    }
}

/* ── the supervisor ── */

static void take_listener(const struct message *m)
{
    struct span s = m->body;
    uint16_t link = span_be16(&s);
    uint8_t side = span_u8(&s);
    if (m->fd_count != 1)
        return;
    if (s.bad || link >= rr.lines_n || side >= LINK_SIDES || rr.lines[link].listener[side] >= 0) {
        (void)close(m->fds[0]);
        return;
    }
    struct line *l = &rr.lines[link];
    l->listener[side] = m->fds[0];
    begin_listening(l);
}

static void take_dialled(const struct message *m)
{
    struct span s = m->body;
    uint64_t ticket = span_be64(&s);
    char why[160];
    (void)snprintf(why, sizeof why, "%.*s", (int)(s.n < 159 ? s.n : 159), s.n > 0 ? (const char *)s.p : "");
    relay_dialed(rr.relay, ticket, m->fd_count == 1 ? m->fds[0] : -1, why);
}

static void take_peer(const struct message *m)
{
    int fd;
    enum role peer = role_peer(m, &fd, NULL);
    if (peer == ROLE_DETECTOR) {
        drop_channel(&rr.detector);
        channel_open(&rr.detector, fd, ROLE_RELAY, ROLE_DETECTOR, PIPELINE);
        rr.detector_seq = 0;
        talk_forget(); /* a new one has seen nothing */
        outbox_rewind(&rr.outbox);
        keep_untold();
        rr.hurry = true;
        hand_on();
    } else if (peer == ROLE_KEEPER) {
        drop_channel(&rr.keeper);
        rr.recording = rr.feed_asked = false;
        rr.asked_bytes = 0;
        keep_doubt();
        keep_untold();
        channel_open(&rr.keeper, fd, ROLE_RELAY, ROLE_KEEPER, KEEPER_WAITS);
        watch(&rr.keeper, keeper_ready);
        outbox_rewind(&rr.outbox); /* what was on its way to the one before may be gone */
        rr.status_at = 0;
    }
}

static void hear(void)
{
    struct message m;
    int r;
    while ((r = role_control(&rr.self, 0, &m)) == 1) {
        switch (m.type) {
        case MESSAGE_LISTENER: take_listener(&m); break;
        case MESSAGE_TLS: take_tls(&m); break;
        case MESSAGE_DIALLED: take_dialled(&m); break;
        case MESSAGE_PEER: take_peer(&m); break;
        case MESSAGE_PART: /* the detector is replaced */
            if (rr.detector.fd >= 0)
                (void)channel_write(&rr.detector, NULL);
            drop_channel(&rr.detector);
            break;
        default: break;
        }
    }
    if (r < 0)
        rr.stopping = true;
}

static void control_ready(void *context, int fd, uint32_t events)
{
    (void)context, (void)fd, (void)events;
    hear();
}

static void woken(void *context, int fd, uint32_t events)
{
    uint64_t n;
    ssize_t got = read(fd, &n, sizeof n);
    (void)got, (void)context, (void)events;
}

static void watch(struct channel *c, void (*ready)(void *, int, uint32_t))
{
    struct error e = {0};
    uint32_t events = EPOLLIN | (channel_waiting(c) > 0 ? EPOLLOUT : 0);
    if (c->fd >= 0 && relay_watch(rr.relay, c->fd, events, ready, NULL, &e) != 0)
        log_line(LOG_LEVEL_ERROR, "%s", e.text);
}

/* ── the loop ── */

static void tell_keeper_now(void)
{
    struct error e = {0};
    if (rr.keeper.fd >= 0 && channel_waiting(&rr.keeper) > 0 && channel_write(&rr.keeper, &e) != 0) {
        rr.recording = false;
        keep_doubt();
        drop_channel(&rr.keeper);
    }
    watch(&rr.keeper, keeper_ready);
}

static int wait_ms(void)
{
    tq_time until = rr.more ? rr.now : rr.status_at + STATUS_EVERY;
    if (rr.queues_at + STATUS_TURNED < until && tell_queues_due())
        until = rr.queues_at + STATUS_TURNED;
    const struct outbox_record *unsent = rr.outbox.unsent;
    if (unsent != NULL && rr.detector.fd >= 0 && !rr.hurry && keep_in_order() && unsent->at + GATHER < until)
        until = unsent->at + GATHER;
    if (rr.doubts && rr.now + DOUBT_AGAIN < until)
        until = rr.now + DOUBT_AGAIN;
    tq_time left = keep_due(until) - rr.now;
    return left <= 0 ? 0 : (int)(left / TIME_MS) + 1;
}

static void turn(void)
{
    struct error e = {0};
    bool made = hand_waits(true);
    if (relay_wait(rr.relay, rr.now, made ? 0 : wait_ms(), &e) != 0)
        role_fail(&rr.self, &e);
    (void)hand_waits(false);
    look_at_clocks();
    hand_turn(relay_ready(rr.relay));
    relay_work(rr.relay, rr.now);
    talk_settle();
    hand_collect();
    hand_on();
    keep_step();
    relay_can_keep(rr.relay, hand_has_room() && keep_can());
    if (!rr.fed && rr.now >= (rr.locked ? rr.feed_by : rr.feed_by + FEED_LONGER))
        be_fed();
    rr.greeted = rr.greeted || rr.now >= rr.greet_by;
    begin_links();
    if (rr.now - rr.status_at >= STATUS_EVERY) {
        rr.status_at = rr.now;
        tell_step();
        hand_on();
    } else if (rr.now - rr.queues_at >= STATUS_TURNED && tell_queues_due()) {
        rr.queues_at = rr.now;
        tell_queues();
    }
    keep_read_in();
    ask_feed();
    tell_keeper_now();
}

/* What is in hand is recorded: by the keeper if it does so in time, else in the spool. */
static _Noreturn void finish(void)
{
    tq_time until = rr.now + LAST_RECORDS;
    for (size_t i = 0; i < rr.lines_n; i++)
        if (rr.lines[i].link != NULL)
            relay_hold(rr.lines[i].link, true);
    talk_end();
    for (size_t i = 0; i < rr.lines_n; i++)
        learn_step(&rr.lines[i], true);
    rr.burst = (struct burst){.spent = true}; /* all of it goes */
    rr.hurry = true;
    hand_on();
    while (rr.outbox.first != NULL && keep_in_order() && relay_records_now() && rr.now < until) {
        struct pollfd p[2] = {{.fd = rr.detector.fd, .events = (short)(POLLIN | (channel_waiting(&rr.detector) > 0 ? POLLOUT : 0))},
                              {.fd = rr.keeper.fd, .events = POLLIN}};
        if (poll(p, 2, rr.more ? 0 : 50) < 0)
            break;
        look_at_clocks();
        if (p[0].revents != 0)
            detector_ready(NULL, p[0].fd, (p[0].revents & ~POLLOUT) != 0 ? EPOLLIN : 0);
        if (p[1].revents != 0)
            keeper_ready(NULL, p[1].fd, EPOLLIN);
        rr.hurry = true;
        hand_on();
    }
    keep_all();
    if (outbox_is_recorded(&rr.outbox) && keep_in_order())
        spooler_forget(rr.spool, rr.recorded);
    spooler_free(rr.spool);
    _exit(0);
}

static void hear_links(void)
{
    struct message m;
    struct error e = {0};
    for (size_t i = 0; i < rr.self.start.links && i < CONFIG_RELAYS; i++) {
        struct line *l = &rr.lines[i];
        if (role_control(&rr.self, -1, &m) != 1 || m.type != MESSAGE_LINK)
            _exit(3);
        if (link_told_decode(m.body, &l->config, &e) != 0)
            role_fail(&rr.self, &e);
        l->index = (uint16_t)i;
        l->store = strcmp(l->config.mode, "store-and-forward") == 0;
        l->talk = (struct talk_link){.name = l->config.name, .hl7 = strcmp(l->config.protocol, "mllp") == 0, .store = l->store};
        l->stops = l->store && strcmp(l->config.unrecorded, "stop") == 0;
        l->records = strcmp(l->config.record, "off") != 0;
        l->listener[0] = l->listener[1] = -1;
        (void)snprintf(l->unknown, sizeof l->unknown, "%s", l->config.unknown);
        rr.lines_n++;
    }
}

static void start(void)
{
    struct error e = {0};
    char note[256];
    role_begin(&rr.self, ROLE_RELAY);
    hear_links();
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* a link has two connections */
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    role_narrow(&rr.self, -1, note);
    look_at_clocks();
    rr.seq = rr.recorded = rr.self.start.first;
    rr.feed_by = rr.now + FEED_WAIT;
    rr.greet_by = rr.now + GREET_WAIT;
    rr.encoded = BUF_SECRET(RECORD_ENCODED);
    outbox_init(&rr.outbox);
    rr.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    static const struct relay_host host = {.dial = dial_for,
                                           .observe = talk_observe,
                                           .closed = talk_closed,
                                           .handshake = shook_hands,
                                           .clock = measure,
                                           .room = hand_room,
                                           .message = talk_message,
                                           .delivered = talk_delivered,
                                           .event = tell_event};
    rr.relay = rr.wake_fd < 0 ? NULL : relay_new(&host, rr.self.start.hash_key, &e);
    if (rr.relay == NULL || hand_start(FLOWS_FROM(rr.wall), &e) != 0)
        role_fail(&rr.self, &e);
    rr.spool = spooler_new(rr.self.fds[0], rr.self.start.run, wake, NULL, &e);
    if (rr.spool == NULL || relay_watch(rr.relay, ROLE_CONTROL_FD, EPOLLIN, control_ready, NULL, &e) != 0 ||
        relay_watch(rr.relay, rr.wake_fd, EPOLLIN, woken, NULL, &e) != 0)
        role_fail(&rr.self, &e);
    struct spooler_state s;
    spooler_state(rr.spool, &s);
    rr.old_spool = s.bytes > 0;
    rr.behind.lost_until = rr.wall;
    spooler_key(rr.spool, span_of(rr.self.start.spool_key, rr.self.start.spool_key_n), rr.self.start.ledger);
    role_ready(&rr.self, note);
}

int main(void)
{
    start();
    hear();
    begin_links();
    while (!rr.stopping)
        turn();
    finish();
}
