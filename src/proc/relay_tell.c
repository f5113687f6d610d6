#include "proc/relay_role.h"

#include "proc/log.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#define SAID_AGAIN (60 * TIME_SECOND)       /* the same of one link */
#define DOWN_AFTER (10 * TIME_SECOND)       /* a LIS that is away so long is told */
#define STOPPED_AFTER (2 * TIME_SECOND)     /* … that nothing is taken: who waits for room for less time than that only waits */
#define BARE_AFTER (15 * TIME_SECOND)       /* … and a certificate: one is made within seconds */
#define BEHIND_AFTER (5 * 60 * TIME_SECOND) /* … and what waits in the spool while the ledger is written */
#define AWAY_AFTER (10 * TIME_SECOND)       /* … and a keeper: one that is replaced takes a second */

struct words {
    const char *kind;
    const char *severity;
    const char *title; /* behind "Link NAME: " */
    const char *advice;
    const char *technique;
};

/* ── findings ── */

static void put_finding(struct line *l, enum event event, const struct words *w, const char *what, const char *detail)
{
    static struct record r;
    char cause[320];
    char title[640];
    (void)snprintf(cause, sizeof cause, "link %s, %s", l->config.name, what);
    (void)snprintf(title, sizeof title, "Link %s: %s%s%s%s", l->config.name, w->title, w->title[0] != 0 && detail[0] != 0 ? " " : "", detail,
                   detail[0] != 0 && detail[strlen(detail) - 1] != '.' ? "." : "");
    record_start(&r, event, rr.wall, NULL);
    record_str(&r, KEY_KIND, w->kind);
    record_str(&r, KEY_CAUSE, cause);
    record_str(&r, KEY_LINK, l->config.name);
    if (event == EVENT_FINDING) {
        record_str(&r, KEY_SEVERITY, w->severity);
        record_str(&r, KEY_TITLE, title);
        record_str(&r, KEY_TECHNIQUE, w->technique);
        record_str(&r, KEY_ADVICE, w->advice);
    }
    (void)talk_put(&r);
}

static const struct words standings[STANDINGS] = {
    [STANDING_DOWN] =
        {"link.down", "high", "the LIS cannot be reached.",
         "Look whether the LIS runs and whether its port is open to this machine. Results wait at the analyzer, or in the link's queue.", NULL},
    [STANDING_QUEUE] = {"link.queue", "high", "its queue is nearly full.",
                        "Bring the LIS back. When the queue is full the analyzer has to keep its results.", NULL},
    [STANDING_STOPPED] = {"link.stopped", "critical", "nothing that the analyzer sends can be kept safe, so it is not taken.",
                          "Look at the disk of this machine and whether Tourniquet runs whole. Results wait at the analyzer. With `unrecorded: "
                          "end-to-end` the link would pass them on without a record.",
                          NULL},
    [STANDING_FULL] =
        {"link.stopped", "critical", "its queue is full: what the analyzer sends is not taken.",
         "Bring the LIS back: then the queue empties by itself, and the analyzer is answered again. Until then results wait at the analyzer; "
         "the urgent ones have to be told by telephone.",
         NULL},
    [STANDING_UNRECORDED] =
        {"link.unrecorded", "high", "messages pass without a record on the ledger.",
         "Look whether Tourniquet runs whole and its disk has room. Results arrive; that they arrived unchanged cannot be shown for "
         "this time.",
         "T1562.001"},
    [STANDING_DELAYED] = {"link.delayed", "medium", "it delays messages more than it may.",
                          "Look at the load and the disk of this machine. In the meantime the link can be bypassed.", NULL},
    [STANDING_BYPASSED] = {"link.bypassed", "medium", "it is bypassed: messages pass unjudged, and no answer waits for its record.",
                           "End the bypass as soon as what it was for is mended.", "T1562.001"},
    [STANDING_SPOOLED] =
        {"link.spooled", "medium", "messages pass without waiting for the ledger; their records are kept sealed beside it.",
         "Look whether Tourniquet runs whole, is unlocked and has room on its disk. When it records again, what was kept is read in and "
         "judged.",
         NULL},
    [STANDING_BARE] =
        {"link.no_certificate", "high", "it serves nobody: TLS is asked for, and it has no certificate to show.",
         "Look at the log, and at the certificates (tourniquet pki list). Where another authority made it, make a new request (tourniquet pki csr).",
         NULL},
};

void tell_standing(struct line *l, enum standing what, bool on, const char *why)
{
    static const char *const names[STANDINGS] = {"down",    "queue",    "stopped", "full",          "unrecorded",
                                                 "delayed", "bypassed", "spooled", "no certificate"};
    if (l->standing[what] == on)
        return;
    l->standing[what] = on;
    put_finding(l, on ? EVENT_FINDING : EVENT_FINDING_ENDED, &standings[what], names[what], on ? why : "");
}

/* The queue is full, which the LIS ends; or nothing can be made durable, which somebody has to mend here, where it is for longer (step). */
static void tell_stopped(struct line *l, struct relay_link *link, bool on)
{
    struct relay_status s;
    relay_status(link, rr.now, &s);
    l->stopped_since = on ? rr.now : 0;
    if (on && s.full)
        tell_standing(l, STANDING_FULL, true, "");
    else if (!on) {
        tell_standing(l, STANDING_FULL, false, "");
        tell_standing(l, STANDING_STOPPED, false, "");
    }
}

static bool stops(const struct line *l, const struct relay_status *s)
{
    return s->stopped && (s->full || rr.now - l->stopped_since >= STOPPED_AFTER);
}

/* What a peer does wrong, or what became of a message. */
static const struct words words[RELAY_EVENT_KINDS] = {
    [RELAY_EVENT_TLS_FAILED] = {"link.tls", "high", "", "", "T1557"},
    [RELAY_EVENT_TLS_CLEAR] = {"link.clear", "low", "", "Set TLS up on the peer, then make it required in lab.yaml.", "T1040"},
    [RELAY_EVENT_REFUSED] = {"link.refused", "medium", "",
                             "Look whether this message belongs on the link. If it does, add it to the link's policy; if not, look who sends it.",
                             NULL},
    [RELAY_EVENT_FLAGGED] = {"link.flagged", "low", "", "Look whether this message belongs on the link, and add it to the policy if it does.", NULL},
    [RELAY_EVENT_FRAMING] = {"protocol.violation", "low", "",
                             "Have the interface settings of the device checked. Receivers may lose results over this.", NULL},
    [RELAY_EVENT_ANSWER_WRONG] = {"protocol.violation", "medium", "",
                                  "Have the interface of the answering system checked: who answers the wrong message loses the right one.", NULL},
    [RELAY_EVENT_ANSWER_BAD] = {"link.rejected", "low", "", "Look in the LIS why it did not take the message.", NULL},
    [RELAY_EVENT_NO_ANSWER] = {"link.unanswered", "medium", "", "Look whether the LIS is overloaded or stands still.", NULL},
    [RELAY_EVENT_SLOW] = {"protocol.violation", "low", "", "Look at the network and at the load of this device.", "T1499"},
    [RELAY_EVENT_TOO_LONG] = {"protocol.violation", "medium", "", "Ask the vendor whether messages of this size are expected.", "T1499"},
    [RELAY_EVENT_REPEATED] = {"protocol.violation", "low", "", "Have the sender's numbering of messages checked.", NULL},
    [RELAY_EVENT_FLOOD] = {"protocol.violation", "medium", "", "Look what makes this device send so much.", "T1499"},
    [RELAY_EVENT_CHARSET] = {"protocol.violation", "low", "", "Have the character set in the device's settings corrected: names may arrive damaged.",
                             NULL},
    [RELAY_EVENT_RESENT] = {"link.resent", "info", "",
                            "Nothing is to be done: the LIS may have it twice, under the same control id, as the standard allows.", NULL},
    [RELAY_EVENT_GIVEN_UP] = {"link.undelivered", "high", "",
                              "The page Links lists the message. Look in the LIS why it was refused; then send it again from the analyzer, or enter "
                              "its results in the LIS.",
                              NULL},
};

/* Was the same told within a minute? So many other things may have been that nobody would read more. */
static bool said_lately(struct line *l, enum relay_event_kind kind, const char *text)
{
    uint64_t what = hash_bytes(&rr.self.start.hash_key, text, strlen(text)) ^ (uint64_t)kind;
    struct said *place = &l->said[0];
    for (struct said *s = l->said; s < l->said + SAID_MOST; s++) {
        if (s->at != 0 && s->what == what) {
            place = s;
            break;
        }
        if (s->at < place->at)
            place = s;
    }
    if (place->at != 0 && rr.now - place->at < SAID_AGAIN)
        return true;
    *place = (struct said){.what = what, .at = rr.now};
    return false;
}

void tell_event(void *context, struct relay_link *link, const struct relay_event *event, tq_time time)
{
    struct line *l = relay_link_user(link);
    const struct words *w = &words[event->kind];
    (void)context, (void)time;
    switch (event->kind) {
    case RELAY_EVENT_UP:
        if (event->side == RELAY_LIS)
            l->down_since = 0;
        break;
    case RELAY_EVENT_DOWN:
        if (event->side == RELAY_LIS && l->down_since == 0)
            l->down_since = rr.now;
        break;
    case RELAY_EVENT_QUEUE: tell_standing(l, STANDING_QUEUE, !event->clear, ""); break;
    case RELAY_EVENT_STOPPED: tell_stopped(l, link, !event->clear); break;
    case RELAY_EVENT_UNRECORDED: l->late++; break;
    case RELAY_EVENT_TLS_FAILED: return; /* tell_handshake knows why, and whether there was a handshake at all */
    default: break;
    }
    const char *text = event->text != NULL ? event->text : "";
    if (w->kind == NULL || event->clear || said_lately(l, event->kind, text))
        return;
    char what[160];
    (void)snprintf(what, sizeof what, "%s, event %d: %s", event->side == RELAY_LIS ? "LIS" : "analyzer", event->kind, text);
    put_finding(l, EVENT_FINDING, w, what, text);
}

/* What somebody has to do about a peer that was refused differs; its cause is one finding each, so that none hides behind another. */
static const struct {
    const char *cause;
    const char *advice;
} refusals[LINK_TLS_REASONS] = {
    [LINK_TLS_FAILED] = {"",
                         "Look at the certificates of both sides on the page, and at their clocks. What was changed on the way was changed by the "
                         "network, or by somebody in it."},
    [LINK_TLS_PINNED] = {"pin",
                         "Somebody may stand between the two: nothing goes there meanwhile. Ask whoever runs that system whether its key is a new "
                         "one, and compare the digest with theirs. If it is theirs, put it in lab.yaml (tls.pin) and start Tourniquet anew."},
    [LINK_TLS_OLD] = {"version",
                      "Ask the maker of that system for TLS 1.3. Until it has that, TLS 1.2 can be allowed on this link (lab.yaml, tls.min); what "
                      "is older is never spoken."},
    [LINK_TLS_DATES] = {"dates", "Have its certificate renewed by whoever runs that system, and look at the clocks of both sides."},
    [LINK_TLS_NAMED] = {"name", "Look whether the right system answers there. If it does, have its certificate made for the name and the link that "
                                "lab.yaml has, or put its name in lab.yaml (tls.name)."},
    [LINK_TLS_FOREIGN] = {"authority",
                          "Somebody may stand between the two: nothing goes there meanwhile. If it is the right system, enrol it (tourniquet "
                          "pki enrol), or name its authority in lab.yaml (tls.authority)."},
    [LINK_TLS_REVOKED_NOW] = {"revoked",
                              "Find out who uses this certificate still. If it is the right system, begin a new enrolment (tourniquet pki enrol)."},
};

static void peer_text(const struct line *l, const struct relay_connection *c, char *out, size_t size)
{
    const struct config_endpoint *dialed = c->side == RELAY_LIS ? &l->config.forward : &l->config.connect;
    char ip[INET6_ADDRSTRLEN] = "";
    if (c->dialed)
        config_endpoint_text(dialed, out, size);
    else if (inet_ntop(c->peer.family == 4 ? AF_INET : AF_INET6, c->peer.ip, ip, sizeof ip) != NULL)
        (void)snprintf(out, size, "%s", ip);
}

void tell_handshake(struct line *l, const struct relay_connection *connection, const struct link_tls_peer *peer)
{
    enum relay_side side = connection->side;
    const char *who = side == RELAY_LIS ? "LIS" : "analyzer";
    const char *cause = refusals[peer->reason].cause;
    struct words w = words[RELAY_EVENT_TLS_FAILED];
    char where[280] = "";
    char what[280];
    char detail[560];
    (void)snprintf(what, sizeof what, "%s, TLS: %s", who, cause[0] != 0 ? cause : peer->why);
    if (peer->why[0] == 0 || said_lately(l, RELAY_EVENT_TLS_FAILED, what)) /* by its cause: a peer may show another key each time */
        return;
    peer_text(l, connection, where, sizeof where);
    (void)snprintf(detail, sizeof detail, "TLS with the %s at %s failed: %s", who, where, peer->why);
    w.advice = refusals[peer->reason].advice;
    put_finding(l, EVENT_FINDING, &w, what, detail);
}

/* ── states ── */

static enum link_state state_of(const struct line *l, const struct relay_status *s)
{
    if (s->state == RELAY_STATE_HELD && !l->held) /* until it was fed */
        return LINK_DEGRADED;
    if (s->state == RELAY_STATE_UP && stops(l, s))
        return LINK_DEGRADED;
    if (s->state == RELAY_STATE_UP && l->records && rr.away_since != 0 && rr.now - rr.away_since >= AWAY_AFTER)
        return LINK_DEGRADED;
    switch (s->state) {
    case RELAY_STATE_UP: return LINK_UP;
    case RELAY_STATE_DEGRADED: return LINK_DEGRADED;
    case RELAY_STATE_HELD: return LINK_HELD;
    case RELAY_STATE_BYPASSED: return LINK_BYPASSED;
    default: return LINK_DOWN;
    }
}

static void tell_state(struct line *l, enum link_state state, const char *why)
{
    static struct record r;
    if (l->told_any && l->told == state)
        return;
    l->told_any = true;
    l->told = state;
    record_start(&r, EVENT_LINK_STATE, rr.wall, NULL);
    record_str(&r, KEY_LINK, l->config.name);
    record_str(&r, KEY_STATE, link_state_name(state));
    record_str(&r, KEY_WHY, why[0] != 0 ? why : NULL);
    (void)talk_put(&r);
}

/* ── status ── */

static void where(const struct config_endpoint *one, const struct config_endpoint *other, char *out, size_t size)
{
    config_endpoint_text(one->port != 0 ? one : other, out, size);
}

static tq_time to_wall(tq_time monotonic)
{
    return monotonic == 0 ? 0 : rr.wall - (rr.now - monotonic);
}

static void fill_side(const struct relay_side_status *s, struct link_side_status *out)
{
    out->peer.family = s->peer.family;
    memcpy(out->peer.bytes, s->peer.ip, sizeof out->peer.bytes);
    out->port = s->peer.port;
    out->connections = s->connections;
    (void)snprintf(out->tls, sizeof out->tls, "%s", s->tls_version);
    (void)snprintf(out->why, sizeof out->why, "%s", s->why);
}

static bool is_bare(const struct line *l)
{
    return (strcmp(l->config.tls_from, "off") != 0 && l->tls[0] == NULL) || (strcmp(l->config.tls_to, "off") != 0 && l->tls[1] == NULL);
}

static void say_why(const struct line *l, const struct relay_status *s, char *out, size_t size)
{
    if (l->link == NULL && is_bare(l))
        (void)snprintf(out, size, "waits for its certificates");
    else if (stops(l, s))
        (void)snprintf(out, size, "%s", s->full ? "the queue is full: not acknowledging" : "nothing can be kept safe: not acknowledging");
    else if (l->store && !rr.fed)
        (void)snprintf(out, size, "waits for what an earlier run left");
    else if (s->side[RELAY_LIS].connections == 0 && l->refused[RELAY_LIS][0] != 0)
        (void)snprintf(out, size, "LIS, TLS: %s", l->refused[RELAY_LIS]);
    else if (s->side[RELAY_LIS].connections == 0 && s->side[RELAY_LIS].why[0] != 0)
        (void)snprintf(out, size, "LIS: %s", s->side[RELAY_LIS].why);
    else if (!relay_records_now() && l->records)
        (void)snprintf(out, size, "the ledger is not written now: records wait in the spool");
    else if (rr.behind.is && l->records)
        (void)snprintf(out, size, "the ledger comes behind: records wait in the spool");
    else
        out[0] = 0;
}

static void fill(struct line *l, const struct relay_status *s, struct link_status *out)
{
    memset(out, 0, sizeof *out);
    out->link = l->index;
    out->links = (uint16_t)rr.lines_n;
    (void)snprintf(out->name, sizeof out->name, "%s", l->config.name);
    (void)snprintf(out->protocol, sizeof out->protocol, "%.7s", l->config.protocol);
    (void)snprintf(out->mode, sizeof out->mode, "%.19s", l->config.mode);
    where(&l->config.listen, &l->config.connect, out->where[0], sizeof out->where[0]);
    where(&l->config.forward, &l->config.accept, out->where[1], sizeof out->where[1]);
    out->state = l->link == NULL ? LINK_DOWN : state_of(l, s);
    for (int i = 0; i < LINK_SIDES; i++) {
        fill_side(&s->side[i], &out->side[i]);
        const struct link_tls_peer *peer = &l->peer[i];
        if (l->refused[i][0] != 0)
            (void)snprintf(out->side[i].why, sizeof out->side[i].why, "TLS: %s", l->refused[i]);
        if (out->side[i].tls[0] == 0 || !peer->shown)
            continue;
        (void)snprintf(out->side[i].name, sizeof out->side[i].name, "%.63s", peer->subject);
        out->side[i].expires = peer->not_after;
        out->side[i].outside = !peer->own;
        (void)snprintf(out->side[i].serial, sizeof out->side[i].serial, "%s", peer->serial);
        memcpy(out->side[i].print, peer->fingerprint, sizeof out->side[i].print);
    }
    out->rate = s->rate;
    out->delay_p50 = s->delay_p50;
    out->delay_p99 = s->delay_p99;
    out->delay_limit = l->config.delay_limit * TIME_MS;
    out->queue_messages = s->queue_messages;
    l->told_waiting = s->queue_messages > 0;
    out->queue_bytes = s->queue_bytes;
    out->queue_max = (uint64_t)l->config.queue_max;
    out->queue_oldest = to_wall(s->queue_oldest);
    const uint64_t counters[LINK_COUNTERS] = {s->counters.received, s->counters.forwarded,  s->counters.refused,
                                              s->counters.flagged,  s->counters.unrecorded, l->spooled,
                                              s->counters.resent};
    memcpy(out->counters, counters, sizeof counters);
    (void)snprintf(out->unknown, sizeof out->unknown, "%s", l->config.unknown);
    out->learning_until = s->learning ? l->learning_until : 0;
    out->recording = l->records && relay_records_now();
    out->stopped = stops(l, s);
    say_why(l, s, out->why, sizeof out->why);
}

static void send_status(const struct link_status *status)
{
    struct buf body = BUF_INIT(LINK_STATUS_MAX);
    link_status_encode(&body, status);
    if (rr.keeper.fd >= 0 && channel_waiting(&rr.keeper) < LINK_STATUS_MAX)
        (void)channel_put(&rr.keeper, MESSAGE_STATUS, buf_span(&body), NULL); /* where there is no room, the next one tells */
    buf_release(&body);
}

/* What we add, not how long the LIS takes. */
static void tell_delay(struct line *l, tq_time delay)
{
    char why[120];
    (void)snprintf(why, sizeof why, "One message in 100 waited %" PRId64 " ms or longer here; its limit is %" PRId64 " ms",
                   (int64_t)(delay / TIME_MS), (int64_t)l->config.delay_limit);
    tell_standing(l, STANDING_DELAYED, delay > l->config.delay_limit * TIME_MS, why);
}

static void step(struct line *l)
{
    struct relay_status s = {0};
    struct link_status out;
    if (l->link != NULL)
        relay_status(l->link, rr.now, &s);
    fill(l, &s, &out);
    if (!is_bare(l))
        l->bare_since = 0;
    else if (l->bare_since == 0)
        l->bare_since = rr.now;
    tell_standing(l, STANDING_BARE, l->bare_since != 0 && rr.now - l->bare_since >= BARE_AFTER, "");
    if (l->link != NULL) {
        tell_state(l, out.state, out.why);
        tell_standing(l, STANDING_DOWN, l->down_since != 0 && rr.now - l->down_since >= DOWN_AFTER, s.side[RELAY_LIS].why);
        tell_delay(l, s.delay_p99);
        bool lost = l->records && rr.lost > l->lost && s.counters.received > l->received;
        lost = lost || (l->standing[STANDING_UNRECORDED] && rr.lost > 0 && !relay_records_now());
        tell_standing(l, STANDING_UNRECORDED, lost || s.counters.unrecorded > l->unrecorded, "");
        l->unrecorded = s.counters.unrecorded;
        l->received = s.counters.received;
        l->lost = rr.lost;
        bool late = rr.behind.began != 0 && rr.now - rr.behind.began >= BEHIND_AFTER;
        bool spooled = l->records && (late || (rr.away_since != 0 && rr.now - rr.away_since >= AWAY_AFTER));
        tell_standing(l, STANDING_SPOOLED, spooled, rr.locked ? "The ledger is locked" : "");
        if (stops(l, &s) && !s.full)
            tell_standing(l, STANDING_STOPPED, true, rr.full ? "The relay's spool is full" : "");
        learn_step(l, false);
    }
    send_status(&out);
}

static bool has_turned(const struct line *l)
{
    return l->link != NULL && relay_waits(l->link) != l->told_waiting;
}

bool tell_queues_due(void)
{
    for (size_t i = 0; i < rr.lines_n; i++)
        if (has_turned(&rr.lines[i]))
            return true;
    return false;
}

void tell_queues(void)
{
    for (size_t i = 0; i < rr.lines_n; i++) {
        struct line *l = &rr.lines[i];
        struct relay_status s;
        struct link_status out;
        if (!has_turned(l))
            continue;
        relay_status(l->link, rr.now, &s);
        fill(l, &s, &out);
        send_status(&out);
    }
}

void tell_step(void)
{
    if (relay_records_now())
        rr.away_since = 0;
    else if (rr.away_since == 0)
        rr.away_since = rr.now;
    for (size_t i = 0; i < rr.lines_n; i++)
        step(&rr.lines[i]);
}
