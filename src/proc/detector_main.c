/* The detector: records in from the sensors, records and findings out to the keeper.
 *
 * Invariants
 *  1. Every record goes on unchanged but for its seq, with ordinal 0, before the findings that it causes; these have its seq and ordinals 1, 2, … in
 * the order in which detect makes them. Detect is pure, and its hash key is the run's: the same input gives the same output.
 *  2. It reads only when what it has to say is written: a slow keeper slows the sensor.
 *  3. The seq of what it hands on grows by one a record, over all sensors, from the number at its start, whichever sensor is restarted. For the one
 * sensor of a replay it is the sensor's own. */
#include "engine/detect/detect.h"
#include "proc/config.h"
#include "proc/log.h"
#include "proc/role.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define LINES (2 * CONFIG_CAPTURES) /* sensors, and dead ones whose last records are not read yet */

struct line {
    struct channel sensor;
    uint64_t seq; /* of its last record */
};

struct detector {
    struct role_self self;
    struct line lines[LINES];
    struct channel keeper;
    struct detect *detect;
    bool told;     /* the keeper has said what an earlier detector had learnt: records may come */
    bool ended;    /* the capture was read to its end */
    bool stopping; /* the supervisor said stop: read what the sensor still has, then end */
    uint64_t seq;
    uint32_t ordinal;
    struct buf body;
    struct record record;
};

static void send_message(struct detector *d, enum message_type type, struct span body);

/* What was learnt goes to the keeper, who keeps it for the next detector. */
static void send_state(struct detector *d)
{
    struct buf state = BUF_INIT(STATE_MAX);
    detect_save(d->detect, &state);
    if (buf_ok(&state))
        send_message(d, MESSAGE_STATE, buf_span(&state));
    struct error e;
    if (d->keeper.fd >= 0 && channel_flush(&d->keeper, -1, &e) != 0)
        channel_close(&d->keeper);
    buf_release(&state);
}

/* A free line, or NULL. */
static struct line *free_line(struct detector *d)
{
    for (size_t i = 0; i < LINES; i++)
        if (d->lines[i].sensor.fd < 0)
            return &d->lines[i];
    return NULL;
}

static void take_sensor(struct detector *d, int fd)
{
    struct line *l = free_line(d);
    if (l == NULL) {
        (void)close(fd);
        role_complain(&d->self, ROLE_SENSOR, &(struct error){ERR_LIMIT, "there are more than can be read"});
        return;
    }
    channel_open(&l->sensor, fd, ROLE_DETECTOR, ROLE_SENSOR, PEER_QUEUE);
    l->seq = 0;
}

static void hear(struct detector *d)
{
    struct message m;
    int r;
    while ((r = role_control(&d->self, 0, &m)) == 1) {
        int fd;
        enum role peer = role_peer(&m, &fd);
        if (peer == ROLE_SENSOR)
            take_sensor(d, fd);
        if (peer != ROLE_KEEPER)
            continue;
        channel_close(&d->keeper);
        channel_open(&d->keeper, fd, ROLE_DETECTOR, ROLE_KEEPER, PEER_QUEUE);
        if (d->ended)
            send_state(d); /* the keeper before may not have kept it */
    }
    if (r < 0)
        d->stopping = true;
}

/* Hands a message on, waiting as long as the keeper needs. Without a keeper it is lost: the supervisor starts the reading anew. */
static void send_message(struct detector *d, enum message_type type, struct span body)
{
    struct error e = {0};
    while (d->keeper.fd >= 0 && channel_put(&d->keeper, type, body, &e) != 0) {
        if (e.class != ERR_LIMIT || channel_flush(&d->keeper, -1, &e) != 0)
            channel_close(&d->keeper);
    }
    if (d->keeper.fd >= 0 && channel_waiting(&d->keeper) >= PEER_QUEUE / 4 && channel_write(&d->keeper, &e) != 0)
        channel_close(&d->keeper);
}

static void put_finding(void *context, const struct record *r)
{
    struct detector *d = context;
    buf_clear(&d->body);
    buf_be64(&d->body, d->seq);
    buf_be32(&d->body, ++d->ordinal);
    record_encode(&d->body, r);
    if (buf_ok(&d->body))
        send_message(d, MESSAGE_RECORD, buf_span(&d->body));
}

/* Hands a sensor's record on under the detector's own number. */
static void hand_on(struct detector *d, uint64_t seq, struct span body)
{
    if (seq != d->seq) {
        buf_clear(&d->body);
        buf_be64(&d->body, d->seq);
        (void)span_skip(&body, 8);
        buf_add_span(&d->body, body);
        body = buf_span(&d->body);
    }
    send_message(d, MESSAGE_RECORD, body);
}

static int take_record(struct detector *d, struct line *l, struct span body, struct error *e)
{
    struct span s = body;
    uint64_t seq = span_be64(&s);
    uint32_t ordinal = span_be32(&s);
    if (s.bad || ordinal != 0 || seq != l->seq + 1)
        return err_set(e, ERR_PEER, "record %llu came after record %llu", (unsigned long long)seq, (unsigned long long)l->seq);
    if (record_decode(s, &d->record, e) != 0)
        return -1;
    l->seq = seq;
    d->seq++;
    d->ordinal = 0;
    d->record.seq = d->seq;
    hand_on(d, seq, body);
    detect_record(d->detect, &d->record);
    return 0;
}

static int take_messages(struct detector *d, struct line *l, struct error *e)
{
    struct message m;
    int r;
    while ((r = channel_next(&l->sensor, &m, e)) == 1) {
        if (m.type == MESSAGE_END) {
            d->ended = true;
            send_message(d, MESSAGE_END, (struct span){0});
            send_state(d);
        } else if (take_record(d, l, m.body, e) != 0) {
            return -1;
        }
    }
    return r;
}

/* The keeper says one thing: the state. Only a detector that has seen nothing takes it; one that is refused begins as new, and says so. */
static void read_keeper(struct detector *d)
{
    struct error e = {0};
    struct message m;
    int r = channel_read(&d->keeper, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return;
    while (r == 0 && (r = channel_next(&d->keeper, &m, &e)) == 1) {
        r = m.type == MESSAGE_STATE ? 0 : err_set(&e, ERR_PEER, "an unexpected message");
        struct error why = {0};
        if (r == 0 && !d->told && m.body.n > 0 && detect_restore(d->detect, m.body, &why) != 0)
            log_line(LOG_LEVEL_WARNING, "what an earlier detector had learnt cannot be used, senders are learnt anew: %s", why.text);
        d->told = d->told || r == 0;
    }
    if (r == 0)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&d->self, ROLE_KEEPER, &e);
    channel_close(&d->keeper);
}

static void read_sensor(struct detector *d, struct line *l)
{
    struct error e = {0};
    int r = channel_read(&l->sensor, &e);
    if (r == 0)
        r = take_messages(d, l, &e);
    struct error late;
    if (d->keeper.fd >= 0 && channel_flush(&d->keeper, -1, &late) != 0)
        channel_close(&d->keeper);
    if (r == 0 || e.class == ERR_AGAIN)
        return;
    if (e.class != ERR_CLOSED)
        role_complain(&d->self, ROLE_SENSOR, &e);
    channel_close(&l->sensor);
}

/* One turn: waits for what there is to do, and does it. False: the end. */
static bool turn(struct detector *d)
{
    enum { CONTROL, KEEPER, FIRST };
    struct pollfd p[FIRST + LINES] = {
        [CONTROL] = {.fd = d->stopping ? -1 : d->self.control.fd, .events = POLLIN}, [KEEPER] = {.fd = d->keeper.fd, .events = POLLIN}};
    bool sensors = false;
    for (size_t i = 0; i < LINES; i++) {
        int fd = d->lines[i].sensor.fd;
        sensors = sensors || fd >= 0;
        p[FIRST + i] = (struct pollfd){.fd = d->told && d->keeper.fd >= 0 ? fd : -1, .events = POLLIN};
    }
    if (d->stopping && (!sensors || d->keeper.fd < 0))
        return false;
    if (poll(p, FIRST + LINES, -1) < 0)
        return errno == EINTR;
    for (size_t i = 0; i < LINES; i++)
        if (p[FIRST + i].revents != 0)
            read_sensor(d, &d->lines[i]);
    if (p[KEEPER].revents != 0 && d->keeper.fd >= 0)
        read_keeper(d);
    if (p[CONTROL].revents != 0)
        hear(d); /* last: it may replace the channels */
    return true;
}

int main(void)
{
    static struct detector d = {.keeper = {.fd = -1}};
    for (size_t i = 0; i < LINES; i++)
        d.lines[i].sensor.fd = -1;
    role_begin(&d.self, ROLE_DETECTOR);
    char note[256];
    role_narrow(&d.self, -1, note);
    d.body = BUF_INIT(12 + RECORD_ENCODED);
    struct error e = {0};
    struct detect_options options = {.hash_key = d.self.start.hash_key, .sink = {.put = put_finding, .context = &d}};
    d.detect = detect_new(&options, &e);
    if (d.detect == NULL)
        role_fail(&d.self, &e);
    d.seq = d.self.start.first;
    role_ready(&d.self, note);
    hear(&d);
    while (turn(&d))
        continue;
    if (d.told && (d.ended || !d.self.start.replay))
        send_state(&d);
    _exit(0);
}
