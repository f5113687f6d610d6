/* The sensor: a capture, or a live interface → packets → records → the detector.
 *
 * Invariants
 *  1. Records go out in the order in which sense makes them; the n-th on a channel has seq n.
 *  A capture that is replayed:
 *  2. With the same capture and the same hash key the sequence is the same, whatever this process's timing: nothing that depends on a clock decides
 *     whether or where a record is made.
 *  3. It waits for a slow detector; nothing is dropped and nothing piles up.
 *  A live interface, which does not wait:
 *  4. It never waits for a detector. What the detector does not take piles up to LIVE_QUEUE; from half of that on, records of flows and devices are
 *     dropped and messages go without their bytes (cut), and only when nothing more fits, any other is dropped. A dropped record has no seq. Every
 * drop is counted and told.
 *     Where it cannot keep up with the packets themselves, and its ring fills, what is worth least is shed before the kernel has to drop anything:
 *     content in bulk, then all that is no lab's (sense_shed). That too is counted and told.
 *  5. Without a detector it does not read: the ring keeps what comes, and the kernel counts what the ring cannot keep.
 *  6. Packets that the detector asks for go behind the records that wait; where too many wait, the answer is that there are none.
 *  7. An interface that goes is told to the supervisor, which sends another socket when it can; flows and counters go on meanwhile. */
#include "engine/sense/labels.h"
#include "engine/sense/recent.h"
#include "engine/sense/ring.h"
#include "engine/sense/sense.h"
#include "engine/sense/source.h"
#include "proc/clock.h"
#include "proc/role.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATUS_EVERY 65536              /* packets between two sensor.status records */
#define LOOK_EVERY 256                  /* packets between two looks at the control channel */
#define LIVE_QUEUE (16u << 20)          /* most bytes that wait for the detector while an interface is listened to */
#define LIVE_STATUS (5 * TIME_SECOND)   /* between two sensor.status records, while packets come … */
#define QUIET_STATUS (60 * TIME_SECOND) /* … and while none come */
#define LAST_PACKETS (250 * TIME_MS)    /* how long a stopped sensor still reads what came before */

struct sensor {
    struct role_self self;
    struct channel detector;
    struct sense *sense;
    struct recent *recent; /* the newest packets; NULL: none are kept */
    bool done;             /* the detector wants nothing more */
    uint64_t seq;
    bool stopped; /* the supervisor said stop, or the detector is gone: nothing more is to be sent */
    struct buf body;
    struct record status;
    struct record bare; /* a record without its body */
    /* live */
    struct ring *ring; /* NULL: there is no interface to read now */
    int ring_fd;
    uint64_t kernel_dropped; /* by rings that are gone */
    enum shed shed;
    uint64_t dropped_low;    /* records of flows and devices */
    uint64_t dropped_high;   /* other records */
    tq_time status_at;       /* monotonic; of the last sensor.status */
    uint64_t status_packets; /* how many it told */
    uint64_t status_dropped;
    char trouble[200]; /* why there is nothing to read, as last told */
};

static void hear(struct sensor *s, int ms)
{
    struct message m;
    int r = role_control(&s->self, ms, &m);
    if (r < 0)
        s->stopped = true;
    int fd;
    if (r == 1 && role_peer(&m, &fd, NULL) == ROLE_DETECTOR) {
        if (s->detector.fd >= 0)
            (void)close(fd); /* a reading is tied to one detector: both are started anew together */
        else
            channel_open(&s->detector, fd, ROLE_SENSOR, ROLE_DETECTOR, PEER_QUEUE);
    }
}

static void send_message(struct sensor *s, enum message_type type)
{
    struct error e = {0};
    while (!s->stopped && channel_put(&s->detector, type, buf_span(&s->body), &e) != 0) {
        if (e.class != ERR_LIMIT) {
            s->stopped = true;
        } else if (channel_flush(&s->detector, s->self.control.fd, &e) != 0) {
            if (e.class == ERR_AGAIN)
                hear(s, 0);
            else
                s->stopped = true;
        }
    }
    if (!s->stopped && channel_waiting(&s->detector) >= PEER_QUEUE / 4 && channel_write(&s->detector, &e) != 0)
        s->stopped = true;
}

/* Gives the detector the packets that it wants. A live queue that is half full is left to the records. */
static void answer_want(struct sensor *s, struct span want)
{
    uint64_t flows[WANT_FLOWS];
    size_t n = 0;
    uint64_t number = span_be64(&want);
    while (want.n > 0 && !want.bad)
        flows[n++] = span_be64(&want);
    bool busy = !s->self.start.replay && channel_waiting(&s->detector) > LIVE_QUEUE / 2;
    struct buf file = BUF_SECRET(RECORD_PACKETS);
    uint32_t packets = s->recent == NULL || busy ? 0 : recent_pick(s->recent, flows, n, RECORD_PACKETS, &file);
    buf_clear(&s->body);
    buf_be64(&s->body, number);
    buf_be32(&s->body, packets);
    buf_add_span(&s->body, buf_span(&file));
    buf_release(&file);
    struct error e = {0};
    if (s->self.start.replay)
        send_message(s, MESSAGE_PACKETS);
    else if (s->detector.fd >= 0)
        (void)channel_put(&s->detector, MESSAGE_PACKETS, buf_span(&s->body), &e);
}

/* What the detector asks for. */
static void hear_detector(struct sensor *s)
{
    struct error e = {0};
    struct message m;
    int r = s->detector.fd < 0 ? 0 : channel_read(&s->detector, &e);
    if (s->detector.fd < 0 || (r != 0 && e.class == ERR_AGAIN))
        return;
    while (r == 0 && s->detector.fd >= 0 && (r = channel_next(&s->detector, &m, &e)) == 1) {
        r = 0;
        if (m.type == MESSAGE_DONE)
            s->done = true;
        else if (m.type == MESSAGE_WANT)
            answer_want(s, m.body);
    }
    if (r == 0)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&s->self, ROLE_DETECTOR, &e);
    if (s->self.start.replay)
        s->stopped = true;
    else
        channel_close(&s->detector); /* the supervisor sends another */
}

static void take_packet(struct sensor *s, const struct packet *p)
{
    bool looked_at = sense_packet(s->sense, p->time, p->linktype, p->bytes, p->wire_length);
    if (s->recent != NULL && looked_at)
        recent_add(s->recent, p->time, p->linktype, p->bytes, p->wire_length, sense_flow(s->sense));
}

/* A record that would be too large to hand on loses fields from its end, and says so. */
static void encode(struct sensor *s, const struct record *r)
{
    buf_clear(&s->body);
    buf_be64(&s->body, s->seq);
    buf_be32(&s->body, 0);
    record_encode(&s->body, r);
    for (size_t n = r->n; !buf_ok(&s->body) && n > 0; n /= 2) {
        struct record *shorter = malloc(sizeof *shorter);
        if (shorter == NULL)
            return;
        *shorter = *r;
        shorter->n = n / 2;
        shorter->cut = true;
        buf_clear(&s->body);
        buf_be64(&s->body, s->seq);
        buf_be32(&s->body, 0);
        record_encode(&s->body, shorter);
        free(shorter);
    }
}

/* The record without its body; whose it is stays. */
static const struct record *bare(struct sensor *s, const struct record *r)
{
    size_t n = r->n;
    while (n > 0 && (r->fields[n - 1].key == KEY_BODY || r->fields[n - 1].key == KEY_BODY_BYTES || r->fields[n - 1].key == KEY_BODY_DIGEST))
        n--;
    if (n == r->n)
        return r;
    memcpy(&s->bare, r, offsetof(struct record, fields) + n * sizeof r->fields[0]);
    s->bare.n = n;
    s->bare.cut = true;
    return &s->bare;
}

/* Puts a record in the queue, or drops it (invariant 4). */
static void put_live(struct sensor *s, const struct record *r)
{
    struct error e = {0};
    bool low = r->event == EVENT_FLOW_CLOSED || r->event == EVENT_ASSET_EVIDENCE;
    int put = -1;
    if (s->detector.fd >= 0 && !(low && channel_waiting(&s->detector) > LIVE_QUEUE / 2)) {
        s->seq++;
        encode(s, channel_waiting(&s->detector) > LIVE_QUEUE / 2 ? bare(s, r) : r);
        put = channel_put(&s->detector, MESSAGE_RECORD, buf_span(&s->body), &e);
        if (put != 0)
            s->seq--;
    }
    if (put != 0)
        (*(low ? &s->dropped_low : &s->dropped_high))++;
    if (s->detector.fd >= 0 && channel_waiting(&s->detector) >= PEER_QUEUE / 4 && channel_write(&s->detector, &e) != 0)
        channel_close(&s->detector);
}

static void put_record(void *context, const struct record *r)
{
    struct sensor *s = context;
    if (!s->self.start.replay && !s->stopped) {
        put_live(s, r);
        return;
    }
    s->seq++;
    if (s->stopped)
        return;
    encode(s, r);
    send_message(s, MESSAGE_RECORD);
}

/* Packets that the kernel dropped, and records that were dropped here. */
static uint64_t dropped(struct sensor *s)
{
    uint64_t kernel = s->kernel_dropped + (s->ring != NULL ? ring_counts(s->ring).dropped : 0);
    return kernel + s->dropped_low + s->dropped_high;
}

/* why: it could not be read to its end; NULL: it could. */
static void put_status(struct sensor *s, enum event event, tq_time time, uint64_t damage, const char *reason, const char *why)
{
    const struct sense_stats *stats = sense_stats(s->sense);
    if (!s->self.start.replay && s->detector.fd < 0)
        return; /* how things stand is told to the next detector */
    record_start(&s->status, event, time, NULL);
    record_str(&s->status, KEY_CAPTURE, s->self.start.name);
    if (event != EVENT_CAPTURE_STARTED) {
        record_int(&s->status, KEY_PACKETS, (int64_t)stats->packets);
        record_int(&s->status, KEY_BYTES, (int64_t)stats->bytes);
        record_int(&s->status, KEY_FLOWS, (int64_t)stats->flows);
        record_int(&s->status, KEY_DROPPED, (int64_t)dropped(s));
        record_int(&s->status, KEY_DROPPED_FLOWS, (int64_t)s->dropped_low);
        record_int(&s->status, KEY_DROPPED_LAB, (int64_t)s->dropped_high);
        record_int(&s->status, KEY_SHED_BULK, (int64_t)stats->shed_bulk);
        record_int(&s->status, KEY_SHED_OTHER, (int64_t)stats->shed_other);
        record_int(&s->status, KEY_DAMAGED, (int64_t)(stats->damaged_packets + damage));
        record_int(&s->status, KEY_FIRST_TIME, stats->first_time);
        record_int(&s->status, KEY_LAST_TIME, stats->last_time);
    }
    record_str(&s->status, KEY_REASON, reason);
    record_str(&s->status, KEY_WHY, why);
    put_record(s, &s->status);
}

/* Reads the capture to its end. -1: it cannot be read (to the end). */
static int read_capture(struct sensor *s, struct source *source, struct error *e)
{
    struct packet p;
    int r = 0;
    for (uint64_t n = 1; !s->stopped && (r = source_next(source, &p, e)) == 1; n++) {
        take_packet(s, &p);
        if (n % STATUS_EVERY == 0)
            put_status(s, EVENT_SENSOR_STATUS, p.time, source_damage(source, NULL), NULL, NULL);
        if (n % LOOK_EVERY == 0) {
            hear(s, 0);
            hear_detector(s);
        }
    }
    return r < 0 ? -1 : 0;
}

/* The capture is read: packets are given as long as the detector may want some. */
static void wait_for_wants(struct sensor *s)
{
    struct error e = {0};
    struct pollfd p[2] = {{.fd = s->self.control.fd, .events = POLLIN},
                          {.fd = s->detector.fd, .events = (short)(POLLIN | (channel_waiting(&s->detector) > 0 ? POLLOUT : 0))}};
    if (poll(p, 2, -1) < 0)
        return;
    if (p[0].revents != 0)
        hear(s, 0);
    if ((p[1].revents & POLLOUT) != 0 && channel_write(&s->detector, &e) != 0)
        s->stopped = true;
    if ((p[1].revents & ~POLLOUT) != 0)
        hear_detector(s);
}

static void work(struct sensor *s, struct source *source)
{
    struct error e = {0};
    const char *first_damage = "";
    put_status(s, EVENT_CAPTURE_STARTED, clock_now(), 0, NULL, NULL);
    int r = read_capture(s, source, &e);
    if (!s->stopped)
        sense_finish(s->sense);
    uint64_t damage = source_damage(source, &first_damage);
    put_status(s, EVENT_CAPTURE_ENDED, clock_now(), damage, r != 0 ? e.text : damage > 0 ? first_damage : "read to its end", r != 0 ? e.text : NULL);
    bool ended = r == 0 || e.class != ERR_SYSTEM;
    if (ended) {
        buf_clear(&s->body);
        send_message(s, MESSAGE_END);
    }
    struct error late;
    while (!s->stopped && channel_flush(&s->detector, s->self.control.fd, &late) != 0) {
        if (late.class == ERR_AGAIN)
            hear(s, 0);
        else
            s->stopped = true;
    }
    while (ended && !s->stopped && !s->done)
        wait_for_wants(s);
    if (!s->stopped && r != 0)
        role_fail(&s->self, &e);
}

/* ── live ── */

#define WORDS 320

/* What was dropped and shed, in words; NULL: nothing. */
static const char *drops_in_words(struct sensor *s, char words[WORDS])
{
    const struct sense_stats *stats = sense_stats(s->sense);
    uint64_t all = dropped(s);
    size_t n = 0;
    if (all > 0)
        n = (size_t)snprintf(
            words, WORDS, "dropped: %" PRIu64 " packets came too fast, %" PRIu64 " records of flows and devices and %" PRIu64 " others found no room",
            all - s->dropped_low - s->dropped_high, s->dropped_low, s->dropped_high);
    if (stats->shed_bulk + stats->shed_other > 0)
        n += (size_t)snprintf(words + n, WORDS - n,
                              "%spassed over to keep up: %" PRIu64 " packets of bulk traffic, %" PRIu64 " others, none of a lab connection",
                              n > 0 ? "; " : "", stats->shed_bulk, stats->shed_other);
    return n > 0 ? words : NULL;
}

static void tell_status(struct sensor *s, tq_time now)
{
    char words[WORDS];
    s->status_at = now;
    s->status_packets = sense_stats(s->sense)->packets;
    s->status_dropped = dropped(s);
    put_status(s, EVENT_SENSOR_STATUS, clock_now(), 0, drops_in_words(s, words), NULL);
}

static void tell_status_when_due(struct sensor *s)
{
    tq_time now = clock_monotonic();
    if (now - s->status_at < LIVE_STATUS)
        return;
    bool changed = sense_stats(s->sense)->packets != s->status_packets || dropped(s) != s->status_dropped;
    if (changed || now - s->status_at >= QUIET_STATUS)
        tell_status(s, now);
}

static void stop_reading(struct sensor *s)
{
    if (s->ring == NULL)
        return;
    s->kernel_dropped += ring_counts(s->ring).dropped;
    ring_free(s->ring);
    (void)close(s->ring_fd);
    s->ring = NULL;
}

/* Nothing can be read, and why: once for each reason. */
static void tell_trouble(struct sensor *s, const char *why)
{
    if (strcmp(why, s->trouble) == 0)
        return;
    (void)snprintf(s->trouble, sizeof s->trouble, "%s", why);
    put_status(s, EVENT_CAPTURE_ENDED, clock_now(), 0, s->trouble, s->trouble);
}

static void lose_interface(struct sensor *s, const struct error *why)
{
    struct error e;
    stop_reading(s);
    tell_trouble(s, why->text);
    (void)channel_send(&s->self.control, MESSAGE_LOST, span_str(why->text), &e);
}

static void take_capture(struct sensor *s, const struct message *m)
{
    struct span body = m->body;
    uint32_t linktype = span_be32(&body);
    char why[200];
    struct error e = {0};
    (void)snprintf(why, sizeof why, "%.*s", (int)(body.n < sizeof why ? body.n : sizeof why - 1), (const char *)body.p);
    stop_reading(s);
    if (m->fd_count == 0) {
        tell_trouble(s, why);
        return;
    }
    s->ring_fd = m->fds[0];
    s->ring = ring_new(s->ring_fd, linktype, &e);
    if (s->ring == NULL) {
        (void)close(s->ring_fd);
        lose_interface(s, &e);
        return;
    }
    s->trouble[0] = 0;
    put_status(s, EVENT_CAPTURE_STARTED, clock_now(), 0, NULL, NULL);
}

/* Takes what the supervisor says; waits for it for at most `ms`. A capture is taken only once its records can go somewhere (invariant 5). */
static void hear_live(struct sensor *s, int ms)
{
    struct message m;
    int r;
    int fd;
    while ((r = role_control(&s->self, ms, &m)) == 1) {
        ms = 0;
        if (m.type == MESSAGE_CAPTURE) {
            take_capture(s, &m);
        } else if (m.type == MESSAGE_PART) { /* the detector is replaced */
            struct error late;
            if (s->detector.fd >= 0)
                (void)channel_flush(&s->detector, -1, &late);
            channel_close(&s->detector);
        } else if (role_peer(&m, &fd, NULL) == ROLE_DETECTOR) {
            channel_close(&s->detector);
            channel_open(&s->detector, fd, ROLE_SENSOR, ROLE_DETECTOR, LIVE_QUEUE);
            s->seq = 0;
            if (s->ring != NULL) /* another detector: the keeper may have missed what was told before */
                put_status(s, EVENT_CAPTURE_STARTED, clock_now(), 0, NULL, NULL);
            else if (s->trouble[0] != 0)
                put_status(s, EVENT_CAPTURE_ENDED, clock_now(), 0, s->trouble, s->trouble);
        }
    }
    if (r < 0)
        s->stopped = true;
}

/* Nothing to read now: hands on what waits, then sleeps until there is something to do, a second at most. */
static void rest(struct sensor *s, int ms)
{
    struct error e = {0};
    if (s->detector.fd >= 0 && channel_write(&s->detector, &e) != 0)
        channel_close(&s->detector);
    bool waits = s->detector.fd >= 0 && channel_waiting(&s->detector) > 0;
    struct pollfd p[3] = {{.fd = s->self.control.fd, .events = POLLIN},
                          {.fd = s->ring != NULL && s->detector.fd >= 0 ? s->ring_fd : -1, .events = POLLIN},
                          {.fd = s->detector.fd, .events = (short)(POLLIN | (waits ? POLLOUT : 0))}};
    int n = poll(p, 3, ms);
    if (n == 0 && s->detector.fd >= 0)
        sense_advance(s->sense, clock_now() - TIME_SECOND); /* a packet may still wait in the ring */
    if (n <= 0)
        return;
    if ((p[2].revents & (POLLHUP | POLLERR)) != 0)
        channel_close(&s->detector); /* the supervisor sends another */
    else if ((p[2].revents & POLLIN) != 0)
        hear_detector(s);
    if ((p[1].revents & POLLERR) != 0 && ring_trouble(s->ring, &e) != 0)
        lose_interface(s, &e);
}

/* Packets until there are none, or it is time to look around. */
static bool read_ring(struct sensor *s, tq_time until)
{
    struct packet p;
    if (s->ring == NULL || s->detector.fd < 0)
        return false;
    s->shed = sense_shed_at(s->shed, ring_eighths(s->ring));
    sense_shed(s->sense, s->shed);
    for (int n = 0; n < LOOK_EVERY; n++) {
        if (!ring_next(s->ring, &p) || (until != 0 && p.time > until))
            return false;
        take_packet(s, &p);
    }
    return true;
}

/* The supervisor said stop: what came before is read, everything is handed on, however long the detector needs. */
static void finish_live(struct sensor *s)
{
    tq_time end = clock_now();
    tq_time deadline = clock_monotonic() + LAST_PACKETS;
    struct error e = {0};
    char words[WORDS];
    s->stopped = false;
    while (read_ring(s, end) || (s->ring != NULL && clock_monotonic() < deadline)) {
        struct pollfd p = {.fd = s->ring_fd, .events = POLLIN};
        if (s->ring != NULL && poll(&p, 1, 50) > 0 && (p.revents & POLLERR) != 0)
            break;
    }
    if (s->detector.fd >= 0 && channel_flush(&s->detector, -1, &e) != 0)
        channel_close(&s->detector);
    sense_finish(s->sense);
    const char *drops = drops_in_words(s, words);
    put_status(s, EVENT_CAPTURE_ENDED, clock_now(), 0, drops != NULL ? drops : "stopped", s->trouble[0] != 0 ? s->trouble : NULL);
    if (s->detector.fd >= 0)
        (void)channel_flush(&s->detector, -1, &e);
}

static void listen_live(struct sensor *s)
{
    s->status_at = clock_monotonic();
    while (!s->stopped) {
        hear_live(s, 0);
        if (s->stopped)
            break;
        if (!read_ring(s, 0))
            rest(s, 1000);
        else
            hear_detector(s);
        if (s->ring != NULL && s->detector.fd >= 0)
            tell_status_when_due(s);
    }
    finish_live(s);
}

int main(void)
{
    static struct sensor s = {.detector = {.fd = -1}, .ring_fd = -1};
    role_begin(&s.self, ROLE_SENSOR);
    char note[256];
    struct error e = {0};
    struct labels *labels = s.self.start.ndpi ? labels_new(&e) : NULL; /* opens its library: not possible later */
    if (s.self.start.ndpi && labels == NULL)
        role_fail(&s.self, &e);
    role_narrow(&s.self, -1, note);
    role_ready(&s.self, note);
    s.body = BUF_INIT(12 + RECORD_ENCODED);
    if (s.self.start.packets > 0 && (s.recent = recent_new((size_t)s.self.start.packets << 20)) == NULL)
        role_fail(&s.self, &(struct error){ERR_SYSTEM, "no memory for the newest packets; give evidence_packets less"});
    struct sense_options options = {.hash_key = s.self.start.hash_key,
                                    .first_flow = s.self.start.first,
                                    .sink = {.put = put_record, .context = &s},
                                    .labels = labels,
                                    .bodies = s.self.start.bodies,
                                    .flow_records = true};
    if (!s.self.start.replay) {
        s.sense = sense_new(&options, &e);
        if (s.sense == NULL)
            role_fail(&s.self, &e);
        listen_live(&s);
        _exit(0);
    }
    while (!s.stopped && s.detector.fd < 0)
        hear(&s, -1);
    struct source *source = source_from_fd(s.self.fds[0], &e);
    s.sense = source == NULL ? NULL : sense_new(&options, &e);
    if (s.sense == NULL)
        role_fail(&s.self, &e);
    work(&s, source);
    _exit(s.stopped ? 4 : 0); /* 0: everything was handed on */
}
