/* The detector: records in from the sensors, records and findings out to the keeper.
 *
 * Invariants
 *  1. Every record goes on unchanged but for its seq, with ordinal 0, before the findings that it causes and what it shows to have become of results;
 * these have its seq and ordinals 1, 2, … in the order in which detect makes them. Detect is pure, and its hash key is the run's: the same input
 * gives the same output.
 *  2. It reads only when what it has to say is written: a slow keeper slows the sensor.
 *  3. When something is found it asks the sensor for the packets of its conversations. Answers come in the order of the questions; of a replay the
 * end goes on only behind the last of them, so that what is found has its packets however often the capture is read.
 *  4. A record of a relay is judged once, whichever way it comes and however often (judged.h). One that came to the ledger by a spool is not handed
 * on again: what is said of it stands under a seq of its own.
 *  5. The seq of what it hands on grows by one a record, over all sensors, from the number at its start, whichever sensor is restarted. For the one
 * sensor of a replay it is the sensor's own. */
#include "engine/detect/detect.h"
#include "proc/config.h"
#include "proc/intake.h"
#include "proc/judged.h"
#include "proc/log.h"
#include "proc/recent.h"
#include "proc/role.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define WANTS 64                               /* most questions that wait for an answer */
#define WANTS_A_DAY 512                        /* of packet time: 384 MiB at most */
#define DAY (INT64_C(24) * 3600 * TIME_SECOND) /* how long they count */
#define LINES (2 * CONFIG_CAPTURES + 2)        /* sensors, and dead ones whose last records are not read yet */

struct line {
    struct channel sensor;
    uint8_t which; /* of several sensors */
    uint64_t seq;  /* of its last record */
    bool ended;    /* it has read its capture */
};

/* A question for packets that is not answered yet. */
struct want {
    struct line *line; /* NULL: free */
    uint64_t number;
    uint64_t seq; /* of the finding */
    uint32_t ordinal;
    struct buf record; /* evidence.packets, without what only the answer says */
};

struct detector {
    struct role_self self;
    struct line lines[LINES];
    struct channel keeper;
    struct detect *detect;
    struct judged *judged; /* of the relay's records */
    bool told;             /* the keeper has said what an earlier detector had learnt: records may come */
    bool ended;            /* the capture was read to its end */
    bool stopping;         /* the supervisor said stop: read what the sensor still has, then end */
    uint64_t seq;
    uint32_t ordinal;
    struct line *line; /* whose record is judged */
    struct want wants[WANTS];
    uint64_t want_number;
    tq_time want_day; /* when the present count began */
    unsigned want_count;
    struct buf body;
    struct record record;
    struct record evidence;
    struct recent *recent; /* results of the messages that the relay took */
    bool received;         /* the relay's last message was one */
    struct record again;
};

static void send_message(struct detector *d, enum message_type type, struct span body);
static void forget_want(struct want *w);

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

static void take_sensor(struct detector *d, enum role peer, uint8_t which, int fd)
{
    struct line *l = free_line(d);
    if (l == NULL) {
        (void)close(fd);
        role_complain_of(&d->self, peer, which, &(struct error){ERR_LIMIT, "there are more than can be read"});
        return;
    }
    channel_open(&l->sensor, fd, ROLE_DETECTOR, peer, PEER_QUEUE);
    l->which = which;
    l->seq = 0;
    l->ended = false;
}

static void hear(struct detector *d)
{
    struct message m;
    int r;
    while ((r = role_control(&d->self, 0, &m)) == 1) {
        int fd;
        uint8_t which = 0;
        if (m.type == MESSAGE_PART) { /* the keeper is replaced */
            struct error late;
            if (d->keeper.fd >= 0)
                (void)channel_flush(&d->keeper, -1, &late);
            channel_close(&d->keeper);
            continue;
        }
        enum role peer = role_peer(&m, &fd, &which);
        if (peer == ROLE_SENSOR || peer == ROLE_RELAY)
            take_sensor(d, peer, which, fd);
        if (peer != ROLE_KEEPER)
            continue;
        channel_close(&d->keeper);
        channel_open(&d->keeper, fd, ROLE_DETECTOR, ROLE_KEEPER, PEER_QUEUE);
        for (size_t i = 0; i < WANTS; i++)
            forget_want(&d->wants[i]); /* this keeper knows nothing of their findings */
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

/* ── packets as evidence ── */

static struct want *free_want(struct detector *d, tq_time now)
{
    if (now - d->want_day >= DAY || now < d->want_day) {
        d->want_day = now;
        d->want_count = 0;
    }
    if (d->want_count >= WANTS_A_DAY)
        return NULL;
    for (size_t i = 0; i < WANTS; i++)
        if (d->wants[i].line == NULL)
            return &d->wants[i];
    return NULL;
}

static void forget_want(struct want *w)
{
    buf_release(&w->record);
    w->line = NULL;
}

static bool is_waiting(const struct detector *d, const struct line *l)
{
    for (size_t i = 0; i < WANTS; i++)
        if (d->wants[i].line == l)
            return true;
    return false;
}

/* What the evidence says beside its packets: of which finding it is, and whose, where the finding is about a result of one patient. */
static void start_evidence(struct detector *d, const struct record *finding, struct buf *out)
{
    struct record *r = &d->evidence;
    record_start(r, EVENT_EVIDENCE_PACKETS, finding->time, &finding->flow);
    record_text(r, KEY_KIND, record_get(finding, KEY_KIND));
    record_text(r, KEY_CAUSE, record_get(finding, KEY_CAUSE));
    for (size_t i = 0; i < finding->n; i++)
        if (finding->fields[i].key == KEY_EVIDENCE_FLOW)
            record_int(r, KEY_EVIDENCE_FLOW, finding->fields[i].number);
    if (d->record.event == EVENT_LAB_RESULT)
        record_text(r, KEY_PATIENT, record_get(&d->record, KEY_PATIENT));
    record_encode(out, r);
}

/* Asks the sensor whose record showed it for the packets of a finding; of one that only informs, for none. */
static void want_packets(struct detector *d, const struct record *finding)
{
    struct line *l = d->line;
    if (d->self.start.packets == 0 || l == NULL || l->sensor.fd < 0 || span_is(record_get(finding, KEY_SEVERITY), "info"))
        return;
    struct buf ask = BUF_INIT(8 + 8 * WANT_FLOWS);
    buf_be64(&ask, d->want_number + 1);
    for (size_t i = 0; i < finding->n && ask.n < ask.max; i++)
        if (finding->fields[i].key == KEY_EVIDENCE_FLOW)
            buf_be64(&ask, (uint64_t)finding->fields[i].number);
    struct want *w = ask.n > 8 ? free_want(d, finding->time) : NULL;
    struct error e;
    if (w != NULL && channel_put(&l->sensor, MESSAGE_WANT, buf_span(&ask), &e) == 0) {
        *w = (struct want){.line = l, .number = ++d->want_number, .seq = d->seq, .ordinal = d->ordinal, .record = BUF_SECRET(RECORD_ENCODED)};
        d->want_count++;
        start_evidence(d, finding, &w->record);
        (void)channel_write(&l->sensor, &e); /* where it is gone, reading tells */
    }
    buf_release(&ask);
}

/* The packets go on to the keeper, as the evidence of their finding. */
static void put_evidence(struct detector *d, const struct want *w, uint32_t packets, struct span file)
{
    struct error e = {0};
    struct record *r = &d->evidence;
    if (packets == 0 || !buf_ok(&w->record) || record_decode(buf_span(&w->record), r, &e) != 0)
        return;
    record_int(r, KEY_PACKETS, packets);
    record_int(r, KEY_BYTES, (int64_t)file.n);
    record_int(r, KEY_BODY_BYTES, (int64_t)file.n);
    record_body(r, file);
    buf_clear(&d->body);
    buf_be64(&d->body, w->seq);
    buf_be32(&d->body, w->ordinal);
    record_encode(&d->body, r);
    if (buf_ok(&d->body))
        send_message(d, MESSAGE_EVIDENCE, buf_span(&d->body));
}

/* All is read and answered: the end goes on. */
static void end_when_answered(struct detector *d, struct line *l)
{
    struct error e;
    if (!l->ended || is_waiting(d, l))
        return;
    l->ended = false;
    d->ended = true;
    send_message(d, MESSAGE_END, (struct span){0});
    send_state(d);
    if (channel_put(&l->sensor, MESSAGE_DONE, (struct span){0}, &e) == 0)
        (void)channel_write(&l->sensor, &e);
}

static int take_packets(struct detector *d, struct line *l, struct span body, struct error *e)
{
    uint64_t number = span_be64(&body);
    uint32_t packets = span_be32(&body);
    for (size_t i = 0; i < WANTS; i++) {
        struct want *w = &d->wants[i];
        if (w->line != l || w->number != number)
            continue;
        put_evidence(d, w, packets, body);
        forget_want(w);
        end_when_answered(d, l);
        return 0;
    }
    return number <= d->want_number ? 0 : err_set(e, ERR_PEER, "it answers a question that was not asked");
}

static void forget_line(struct detector *d, struct line *l)
{
    for (size_t i = 0; i < WANTS; i++)
        if (d->wants[i].line == l)
            forget_want(&d->wants[i]);
    channel_close(&l->sensor);
}

/* ── records and findings ── */

/* A finding, or what became of results. */
static void put_judged(void *context, const struct record *r)
{
    struct detector *d = context;
    buf_clear(&d->body);
    buf_be64(&d->body, d->seq);
    buf_be32(&d->body, ++d->ordinal);
    record_encode(&d->body, r);
    if (buf_ok(&d->body)) {
        judged_said(d->judged, span_of(d->body.p + 12, d->body.n - 12));
        send_message(d, MESSAGE_RECORD, buf_span(&d->body));
    }
    if (r->event == EVENT_FINDING)
        want_packets(d, r);
}

static void put_again(void *context, struct span encoded)
{
    struct detector *d = context;
    buf_clear(&d->body);
    buf_be64(&d->body, d->seq);
    buf_be32(&d->body, ++d->ordinal);
    buf_add_span(&d->body, encoded);
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

/* Results of what a relay took are kept: one that goes on unchanged has the same, and they are not told again. */
static void keep_recent(struct detector *d, struct span encoded)
{
    const struct record *r = &d->record;
    if (r->event == EVENT_LAB_MESSAGE) {
        d->received = span_is(record_get(r, KEY_LINK_LEG), "received");
        if (d->received)
            recent_message(d->recent, record_get(r, KEY_MESSAGE_ID), (struct span){0}, record_number(r, KEY_RESULTS, 0));
    } else if (r->event == EVENT_LAB_RESULT && d->received) {
        recent_result(d->recent, encoded, true);
    }
}

/* A message that went on unchanged is judged as if its results had been told. Where they are not known (its relay told another detector), it has
 * none. */
static void judge_unchanged(struct detector *d, struct span from)
{
    struct span kept = recent_find(d->recent, from);
    struct span id = record_get(&d->record, KEY_MESSAGE_ID);
    for (size_t i = 0; i < d->record.n && kept.n == 0; i++)
        if (d->record.fields[i].key == KEY_RESULTS)
            d->record.fields[i].number = 0;
    detect_record(d->detect, &d->record);
    while (kept.n > 0) {
        struct span one = span_take(&kept, span_be32(&kept));
        if (record_decode(one, &d->again, NULL) != 0)
            return;
        d->again.seq = d->seq;
        d->again.time = d->record.time;
        d->again.flow = d->record.flow;
        for (size_t i = 0; i < d->again.n; i++)
            if (d->again.fields[i].key == KEY_MESSAGE)
                d->again.fields[i].text = id;
        detect_record(d->detect, &d->again);
    }
}

/* Judges the record in hand, under the present seq. l: NULL: it comes late, by a spool. */
static void judge(struct detector *d, struct line *l, struct span encoded)
{
    struct span unchanged = record_get(&d->record, KEY_LINK_UNCHANGED);
    d->line = l;
    bool anew = judged_begin(d->judged, &d->record);
    if (anew && (l == NULL || l->sensor.peer == ROLE_RELAY))
        keep_recent(d, encoded);
    if (!anew)
        judged_again(d->judged, &d->record, put_again, d);
    else if (unchanged.n > 0)
        judge_unchanged(d, unchanged);
    else
        detect_record(d->detect, &d->record);
}

/* The keeper put it on the ledger out of a spool. */
static int take_late(struct detector *d, struct span body, struct error *e)
{
    if (record_decode(body, &d->record, e) != 0)
        return -1;
    d->seq++;
    d->ordinal = 0;
    d->record.seq = d->seq;
    judge(d, NULL, body);
    return 0;
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
    bool may = l->sensor.peer == ROLE_RELAY ? intake_relay_may(&d->record) : event_maker(d->record.event) == MAKER_SENSOR;
    if (!may)
        return err_set(e, ERR_PEER, "a %s said %s", role_name(l->sensor.peer), event_name(d->record.event));
    l->seq = seq;
    d->seq++;
    d->ordinal = 0;
    d->record.seq = d->seq;
    hand_on(d, seq, body);
    judge(d, l, s);
    return 0;
}

static int take_messages(struct detector *d, struct line *l, struct error *e)
{
    struct message m;
    int r;
    while ((r = channel_next(&l->sensor, &m, e)) == 1) {
        if (m.type == MESSAGE_END) {
            l->ended = true;
            end_when_answered(d, l);
        } else if (m.type == MESSAGE_PACKETS) {
            if (take_packets(d, l, m.body, e) != 0)
                return -1;
        } else if (take_record(d, l, m.body, e) != 0) {
            return -1;
        }
    }
    return r;
}

/* What came by a spool is judged; false: there is nothing more. The state: only a detector that has seen nothing takes it; one that is refused begins
 * as new, and says so. */
static bool read_keeper(struct detector *d)
{
    struct error e = {0};
    struct message m;
    int r = channel_read(&d->keeper, &e);
    if (r != 0 && e.class == ERR_AGAIN)
        return false;
    while (r == 0 && (r = channel_next(&d->keeper, &m, &e)) == 1) {
        struct error why = {0};
        if (m.type == MESSAGE_LATE) {
            r = take_late(d, m.body, &e);
            continue;
        }
        r = m.type == MESSAGE_STATE ? 0 : err_set(&e, ERR_PEER, "an unexpected message");
        if (r == 0 && !d->told && m.body.n > 0 && detect_restore(d->detect, m.body, &why) != 0)
            log_line(LOG_LEVEL_WARNING, "what an earlier detector had learnt cannot be used, senders are learnt anew: %s", why.text);
        d->told = d->told || r == 0;
    }
    if (r == 0)
        return true;
    if (e.class != ERR_CLOSED)
        role_complain(&d->self, ROLE_KEEPER, &e);
    channel_close(&d->keeper);
    return false;
}

static void read_sensor(struct detector *d, struct line *l)
{
    struct error e = {0};
    int r = channel_read(&l->sensor, &e);
    if (r == 0 && l->sensor.peer == ROLE_RELAY) /* what was read in of its spool before it said this, comes before it */
        while (d->keeper.fd >= 0 && read_keeper(d))
            continue;
    if (r == 0)
        r = take_messages(d, l, &e);
    struct error late;
    if (d->keeper.fd >= 0 && channel_flush(&d->keeper, -1, &late) != 0)
        channel_close(&d->keeper);
    if (r == 0 || e.class == ERR_AGAIN)
        return;
    if (e.class != ERR_CLOSED)
        role_complain_of(&d->self, l->sensor.peer, l->which, &e);
    forget_line(d, l);
}

/* A sensor that has ended is read to its end before another one is heard: whoever took its place speaks after it. */
static void read_ended(struct detector *d, struct pollfd *p)
{
    for (size_t i = 0; i < LINES; i++) {
        struct line *l = &d->lines[i];
        bool ended = (p[i].revents & (POLLHUP | POLLERR)) != 0;
        while (ended && l->sensor.fd >= 0 && d->keeper.fd >= 0)
            read_sensor(d, l);
        if (ended)
            p[i].revents = 0;
    }
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
        bool waits = fd >= 0 && channel_waiting(&d->lines[i].sensor) > 0;
        p[FIRST + i] = (struct pollfd){.fd = d->told && d->keeper.fd >= 0 ? fd : -1, .events = (short)(POLLIN | (waits ? POLLOUT : 0))};
    }
    if (d->stopping && (!sensors || d->keeper.fd < 0))
        return false;
    if (poll(p, FIRST + LINES, -1) < 0)
        return errno == EINTR;
    read_ended(d, p + FIRST);
    for (size_t i = 0; i < LINES; i++)
        if (p[FIRST + i].revents != 0) {
            (void)channel_write(&d->lines[i].sensor, NULL); /* where it is gone, reading tells */
            read_sensor(d, &d->lines[i]);
        }
    if (p[KEEPER].revents != 0 && d->keeper.fd >= 0)
        (void)read_keeper(d);
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
    struct detect_options options = {.hash_key = d.self.start.hash_key, .sink = {.put = put_judged, .context = &d}, .follow = true};
    d.detect = detect_new(&options, &e);
    d.recent = d.detect == NULL ? NULL : recent_new(d.self.start.hash_key, RECENT_DETECTOR);
    d.judged = d.recent == NULL ? NULL : judged_new();
    if (d.judged == NULL)
        role_fail(&d.self, d.detect == NULL ? &e : &(struct error){ERR_SYSTEM, "no memory for the newest messages"});
    d.seq = d.self.start.first;
    role_ready(&d.self, note);
    role_step_back(0); /* what it judges is on its way already */
    hear(&d);
    while (turn(&d))
        continue;
    if (d.told && (d.ended || !d.self.start.replay))
        send_state(&d);
    _exit(0);
}
