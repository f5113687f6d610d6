/* The sensor: a capture → packets → records → the detector.
 *
 * Invariants
 *  1. Records go out in the order in which sense makes them; the n-th has seq n. With the same capture and the same hash key the sequence is the same,
 *     whatever this process's timing: nothing that depends on a clock decides whether or where a record is made.
 *  2. It waits for a slow detector; nothing is dropped and nothing piles up. */
#include "engine/sense/sense.h"
#include "engine/sense/source.h"
#include "proc/clock.h"
#include "proc/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATUS_EVERY 65536 /* packets between two sensor.status records */
#define LOOK_EVERY 256     /* packets between two looks at the control channel */

struct sensor {
    struct role_self self;
    struct channel detector;
    struct sense *sense;
    uint64_t seq;
    bool stopped; /* the supervisor said stop, or the detector is gone: nothing more is to be sent */
    struct buf body;
    struct record status;
};

static void hear(struct sensor *s, int ms)
{
    struct message m;
    int r = role_control(&s->self, ms, &m);
    if (r < 0)
        s->stopped = true;
    int fd;
    if (r == 1 && role_peer(&m, &fd) == ROLE_DETECTOR) {
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

static void put_record(void *context, const struct record *r)
{
    struct sensor *s = context;
    s->seq++;
    if (s->stopped)
        return;
    encode(s, r);
    send_message(s, MESSAGE_RECORD);
}

/* why: it could not be read to its end; NULL: it could. */
static void put_status(struct sensor *s, enum event event, tq_time time, uint64_t damage, const char *reason, const char *why)
{
    const struct sense_stats *stats = sense_stats(s->sense);
    record_start(&s->status, event, time, NULL);
    record_str(&s->status, KEY_CAPTURE, s->self.start.name);
    if (event != EVENT_CAPTURE_STARTED) {
        record_int(&s->status, KEY_PACKETS, (int64_t)stats->packets);
        record_int(&s->status, KEY_BYTES, (int64_t)stats->bytes);
        record_int(&s->status, KEY_FLOWS, (int64_t)stats->flows);
        record_int(&s->status, KEY_DROPPED, 0);
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
        sense_packet(s->sense, p.time, p.linktype, p.bytes, p.wire_length);
        if (n % STATUS_EVERY == 0)
            put_status(s, EVENT_SENSOR_STATUS, p.time, source_damage(source, NULL), NULL, NULL);
        if (n % LOOK_EVERY == 0)
            hear(s, 0);
    }
    return r < 0 ? -1 : 0;
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
    put_status(s, EVENT_CAPTURE_ENDED, clock_now(), damage, r != 0 ? e.text : damage > 0 ? first_damage : "read to its end",
               r != 0 ? e.text : NULL);
    if (r == 0 || e.class != ERR_SYSTEM) {
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
    if (!s->stopped && r != 0)
        role_fail(&s->self, &e);
}

int main(void)
{
    static struct sensor s = {.detector = {.fd = -1}};
    role_begin(&s.self, ROLE_SENSOR);
    char note[256];
    role_narrow(&s.self, -1, note);
    role_ready(&s.self, note);
    while (!s.stopped && s.detector.fd < 0)
        hear(&s, -1);
    s.body = BUF_INIT(12 + RECORD_ENCODED);
    struct error e = {0};
    struct sense_options options = {.hash_key = s.self.start.hash_key, .sink = {.put = put_record, .context = &s}, .flow_records = true};
    struct source *source = source_from_fd(s.self.fds[0], &e);
    s.sense = source == NULL ? NULL : sense_new(&options, &e);
    if (s.sense == NULL)
        role_fail(&s.self, &e);
    work(&s, source);
    _exit(s.stopped ? 4 : 0); /* 0: everything was handed on */
}
