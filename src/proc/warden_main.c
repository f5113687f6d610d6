/* The warden: the only role that may change the firewall. It opens and closes doors (door_order.h) as the keeper orders, in a table of its own
 * (firewall.h), and tells what went through them. Blocking is to be one more kind of order.
 *
 * It keeps CAP_NET_ADMIN and a netlink socket of the firewall, and has neither files nor any IP socket. It decides nothing: who may open which door
 * is the keeper's to judge, and the kernel's timer, which no order can put later than a day from now, closes every door.
 *
 *   start    a table of these very networks stays as it is, with its doors and their clocks; any other gives way to a new one in one step, doors kept
 *   settle   the keeper has named every door that is to be open: others are closed
 *   end      the table stays: what is shut is shut while nobody of ours runs
 *
 * Where the firewall cannot be used (no permission, no nftables in the kernel), that is told, and every order answered with it. */
#include "proc/clock.h"
#include "proc/firewall.h"
#include "proc/log.h"
#include "proc/role.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOLD_QUEUE (256u << 10)       /* bytes that may wait for the keeper */
#define COUNT_EVERY (2 * TIME_SECOND) /* how often counters are read … */
#define COUNT_LAST (20 * TIME_MS)     /* … and so long before a door's end */
#define ANSWER_MS 10000               /* the kernel answers at once, or something is wrong */
#define AGAIN (30 * TIME_SECOND)      /* between two attempts where the firewall cannot be used */

struct open_door {
    struct firewall_door d;
    tq_time until;   /* monotonic */
    bool named;      /* by the present keeper */
    bool last_count; /* its last counters are read */
};

struct warden {
    struct role_self self;
    struct channel keeper;
    int netlink;
    uint32_t seq;
    struct buf bytes; /* for the kernel */
    bool works;
    char why[DOOR_TOLD_WHY]; /* it does not */
    tq_time again;
    tq_time count_at;
    struct open_door doors[FIREWALL_DOORS];
    size_t n;
    bool settled;
};

static struct warden w = {.keeper = {.fd = -1}, .netlink = -1, .bytes = {.max = FIREWALL_BYTES}};

/* ── the kernel ── */

/* Sends what stands in w.bytes, and reads the answer to its end. doors: of a set, added to. -1: what was wrong. */
static int ask(struct firewall_door *doors, size_t *n, struct error *e)
{
    static uint8_t piece[64 << 10];
    int wrong = 0;
    int r = buf_ok(&w.bytes) ? 0 : err_set(e, ERR_LIMIT, "too many networks or doors");
    while (r == 0 && recv(w.netlink, piece, sizeof piece, MSG_DONTWAIT) > 0)
        continue; /* what nobody read of earlier answers */
    if (r == 0 && send(w.netlink, w.bytes.p, w.bytes.n, 0) != (ssize_t)w.bytes.n)
        r = err_sys(e, errno, "speaking to the kernel's firewall");
    buf_clear(&w.bytes);
    for (int done = r; done == 0;) {
        struct pollfd p = {.fd = w.netlink, .events = POLLIN};
        int ready = poll(&p, 1, ANSWER_MS);
        ssize_t got = ready > 0 ? recv(w.netlink, piece, sizeof piece, MSG_DONTWAIT) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return err_sys(e, ready == 0 ? ETIMEDOUT : errno, "hearing the kernel's firewall");
        done = firewall_read(span_of(piece, (size_t)got), w.seq, doors, n, &wrong, e);
        r = done < 0 ? -1 : wrong != 0 ? err_sys(e, wrong, "the kernel's firewall") : 0;
    }
    return r;
}

static int ask_batch(struct error *e)
{
    firewall_end(&w.bytes, ++w.seq);
    return ask(NULL, NULL, e);
}

/* The doors of the table as it is. */
static int read_doors(struct firewall_door *doors, size_t *n, struct error *e)
{
    static const char *const sets[] = {"in4", "out4", "in6", "out6"};
    int r = 0;
    *n = 0;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0] && r == 0; i++) {
        firewall_ask_set(&w.bytes, sets[i], ++w.seq);
        r = ask(doors, n, e);
    }
    return r;
}

static bool table_is_ours(void)
{
    char mark[16];
    firewall_mark(w.self.start.warden_devices, w.self.start.warden_vendors, mark);
    firewall_ask_chain(&w.bytes, mark, ++w.seq);
    return ask(NULL, NULL, NULL) == 0;
}

/* ── the keeper ── */

static void tell(const struct door_told *x)
{
    struct buf body = BUF_INIT(DOOR_TOLD_MAX);
    door_told_encode(&body, x);
    if (w.keeper.fd >= 0 && buf_ok(&body))
        (void)channel_put(&w.keeper, MESSAGE_DOOR_TOLD, buf_span(&body), NULL); /* it asks anew where it fell behind: it is restarted then */
    buf_release(&body);
}

static void tell_state(void)
{
    tell(&(struct door_told){.kind = DOOR_TOLD_STATE, .on = w.works, .why = span_str(w.works ? "" : w.why)});
}

static void tell_door(enum door_told_kind kind, const struct open_door *x, bool timed, const char *why)
{
    struct door_told told = {
        .kind = kind, .timed = timed, .packets = x->d.packets, .bytes_up = x->d.bytes_up, .bytes_down = x->d.bytes_down, .why = span_str(why)};
    memcpy(told.id, x->d.id, sizeof told.id);
    tell(&told);
}

/* ── the table ── */

static void fail(const struct error *e)
{
    w.works = false;
    w.again = clock_monotonic() + AGAIN;
    if (strcmp(w.why, e->text) != 0)
        log_line(LOG_LEVEL_WARNING, "the firewall cannot be used: %s; doors stay shut or close by themselves, and it is tried again every %d s",
                 e->text, (int)(AGAIN / TIME_SECOND));
    (void)snprintf(w.why, sizeof w.why, "%s", e->text);
    tell_state();
}

static struct open_door *find(const char *id)
{
    for (size_t i = 0; i < w.n; i++)
        if (strcmp(w.doors[i].d.id, id) == 0)
            return &w.doors[i];
    return NULL;
}

static void forget(struct open_door *x)
{
    *x = w.doors[--w.n];
}

/* What is in the table becomes what is known here. */
static void adopt(const struct firewall_door *found, size_t n)
{
    tq_time now = clock_monotonic();
    for (size_t i = 0; i < n; i++)
        if (find(found[i].id) == NULL && w.n < FIREWALL_DOORS)
            w.doors[w.n++] = (struct open_door){.d = found[i], .until = now + found[i].ms * TIME_MS};
}

/* The table stands: as it was found, or anew. */
static void raise(void)
{
    static struct firewall_door found[FIREWALL_DOORS];
    struct error e = {0};
    size_t n = 0;
    if (w.netlink < 0) {
        fail(&(struct error){ERR_SYSTEM, "this kernel has no netlink socket of a firewall"});
        return;
    }
    bool there = read_doors(found, &n, &e) == 0;
    if (!there || !table_is_ours()) {
        firewall_begin(&w.bytes);
        firewall_table(&w.bytes, w.self.start.warden_devices, w.self.start.warden_vendors, found, there ? n : 0);
        struct error why = {0};
        if (ask_batch(&why) != 0) {
            fail(&why);
            return;
        }
        if (!there)
            n = 0;
    }
    adopt(found, n);
    if (!w.works)
        log_line(LOG_LEVEL_INFO, "the firewall's table inet tourniquet stands; doors that are open: %zu", w.n);
    w.works = true;
    w.why[0] = 0;
    w.count_at = clock_monotonic() + COUNT_EVERY;
    tell_state();
}

/* Counters of every door; those that the kernel has closed are told and forgotten. */
static void count(bool every)
{
    static struct firewall_door found[FIREWALL_DOORS];
    struct error e = {0};
    size_t n = 0;
    tq_time now = clock_monotonic();
    w.count_at = now + COUNT_EVERY;
    if (w.n == 0)
        return;
    if (read_doors(found, &n, &e) != 0) { /* somebody took the table away */
        fail(&e);
        w.again = now;
        return;
    }
    for (size_t i = 0; i < w.n;) {
        struct open_door *x = &w.doors[i];
        const struct firewall_door *f = NULL;
        for (size_t j = 0; j < n && f == NULL; j++)
            if (strcmp(found[j].id, x->d.id) == 0)
                f = &found[j];
        if (f != NULL) {
            bool more = f->packets != x->d.packets;
            x->d.packets = f->packets;
            x->d.bytes_up = f->bytes_up;
            x->d.bytes_down = f->bytes_down;
            if (more || every)
                tell_door(DOOR_TOLD_COUNT, x, false, "");
            i++;
            continue;
        }
        bool timed = now + TIME_SECOND >= x->until;
        tell_door(DOOR_TOLD_CLOSED, x, timed, timed ? "" : "it was taken out of the firewall's table by somebody else");
        forget(x);
    }
}

static void close_door(struct open_door *x, const char *why)
{
    struct error e = {0};
    count(false);
    x = find(x->d.id); /* it may have closed by itself */
    if (x == NULL)
        return;
    firewall_begin(&w.bytes);
    firewall_close(&w.bytes, &x->d.way);
    if (ask_batch(&e) != 0 && clock_monotonic() < x->until) {
        fail(&e);
        return; /* it is not closed, and nobody says so: the kernel closes it when its time is over */
    }
    tell_door(DOOR_TOLD_CLOSED, x, false, why);
    forget(x);
}

static void open_door(const struct door_order *o)
{
    struct error e = {0};
    struct open_door *x = find(o->id);
    struct open_door fresh = {.d = {.way = o->way, .ms = o->ms}, .until = clock_monotonic() + o->ms * TIME_MS, .named = true};
    memcpy(fresh.d.id, o->id, sizeof fresh.d.id);
    if (x != NULL && firewall_same_way(&x->d.way, &o->way)) { /* it is open already, by an earlier order: its clock runs */
        x->named = true;
        tell_door(DOOR_TOLD_OPENED, x, false, "");
        return;
    }
    bool governed = network_has(w.self.start.warden_vendors, &o->way.from) && network_has(w.self.start.warden_devices, &o->way.to);
    const char *wrong = !w.works                ? w.why
                        : !governed             ? "the way leads from no vendor's network to a device's, as lab.yaml has them"
                        : x != NULL             ? "a door of this name leads elsewhere"
                        : w.n == FIREWALL_DOORS ? "too many doors are open"
                                                : NULL;
    for (size_t i = 0; i < w.n && wrong == NULL; i++)
        if (firewall_same_way(&w.doors[i].d.way, &o->way))
            wrong = "another door is open for this very way";
    if (wrong == NULL) {
        firewall_begin(&w.bytes);
        firewall_open(&w.bytes, &fresh.d);
        if (ask_batch(&e) != 0)
            wrong = e.text;
    }
    if (wrong != NULL) {
        tell_door(DOOR_TOLD_CLOSED, &fresh, false, wrong);
        return;
    }
    w.doors[w.n++] = fresh;
    tell_door(DOOR_TOLD_OPENED, &fresh, false, "");
}

static void settle(void)
{
    w.settled = true;
    for (size_t i = w.n; i-- > 0;)
        if (i < w.n && !w.doors[i].named)
            close_door(&w.doors[i], "");
}

/* ── main ── */

static void take_order(const struct message *m)
{
    struct door_order o;
    struct error e = {0};
    if (door_order_decode(m->body, &o, &e) != 0) {
        role_complain(&w.self, ROLE_KEEPER, &e);
        channel_close(&w.keeper);
        return;
    }
    if (!w.works && clock_monotonic() >= w.again)
        raise();
    struct open_door *x = o.kind == DOOR_ORDER_CLOSE ? find(o.id) : NULL;
    if (o.kind == DOOR_ORDER_OPEN)
        open_door(&o);
    else if (o.kind == DOOR_ORDER_SETTLE)
        settle();
    else if (x != NULL)
        close_door(x, "");
}

static void read_keeper(void)
{
    struct error e = {0};
    struct message m;
    int r = channel_read(&w.keeper, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    while (r == 0 && w.keeper.fd >= 0 && (r = channel_next(&w.keeper, &m, &e)) == 1) {
        take_order(&m);
        r = 0;
    }
    if (r == 0)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&w.self, ROLE_KEEPER, &e);
    channel_close(&w.keeper);
}

/* Hears the supervisor. False: it is over. */
static bool hear(void)
{
    struct message m;
    int r;
    while ((r = role_control(&w.self, 0, &m)) == 1) {
        int fd;
        if (role_peer(&m, &fd, NULL) != ROLE_KEEPER)
            continue;
        channel_close(&w.keeper);
        channel_open(&w.keeper, fd, ROLE_WARDEN, ROLE_KEEPER, TOLD_QUEUE);
        w.settled = false;
        for (size_t i = 0; i < w.n; i++)
            w.doors[i].named = false;
        tell_state();
    }
    return r == 0;
}

static tq_time next_count(void)
{
    tq_time at = w.works ? w.count_at : w.again;
    for (size_t i = 0; i < w.n; i++) {
        tq_time last = w.doors[i].until - COUNT_LAST;
        tq_time due = w.doors[i].last_count ? w.doors[i].until + COUNT_LAST : last;
        if (due < at)
            at = due;
    }
    return at;
}

static void step(void)
{
    tq_time now = clock_monotonic();
    if (!w.works && now >= w.again)
        raise();
    if (!w.works || now < next_count())
        return;
    for (size_t i = 0; i < w.n; i++)
        if (now >= w.doors[i].until - COUNT_LAST)
            w.doors[i].last_count = true;
    count(true);
}

static void start(void)
{
    char note[256];
    role_begin(&w.self, ROLE_WARDEN);
    const int room = FIREWALL_BYTES;
    w.netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER); /* before the narrowing: no other is opened */
    if (w.netlink >= 0)
        (void)setsockopt(w.netlink, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    role_narrow(&w.self, -1, note);
    raise();
    role_ready(&w.self, note);
}

int main(void)
{
    start();
    if (!hear()) /* what came together with START */
        return 0;
    for (;;) {
        if (w.keeper.fd >= 0 && channel_waiting(&w.keeper) > 0)
            (void)channel_write(&w.keeper, NULL); /* where it is gone, reading tells */
        tq_time left = (next_count() - clock_monotonic()) / TIME_MS + 1;
        struct pollfd p[] = {{.fd = w.self.control.fd, .events = POLLIN},
                             {.fd = w.keeper.fd, .events = (short)(POLLIN | (channel_waiting(&w.keeper) > 0 ? POLLOUT : 0))}};
        if (poll(p, 2, left < 0 ? 0 : left > 60000 ? 60000 : (int)left) < 0 && errno != EINTR)
            return 3;
        if (p[0].revents != 0 && !hear())
            return 0;
        if (p[1].fd >= 0 && p[1].fd == w.keeper.fd && (p[1].revents & ~POLLOUT) != 0)
            read_keeper();
        step();
    }
}
