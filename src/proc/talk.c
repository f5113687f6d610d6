#include "proc/talk.h"

#include "base/text.h"
#include "engine/sense/app.h"
#include "proc/alike.h"
#include "proc/recent.h"
#include "wire/mllp.h"

#include <stdio.h>
#include <stdlib.h>

#define TALKS 4096 /* buckets */
#define SPARES 1024

/* A record that was made of received bytes, and waits for the engine's word about its message. */
struct pending {
    struct pending *next;
    enum event event;
    int64_t results;
    uint64_t content; /* hash of the message's bytes; 0: they are not whole in this record */
    struct outbox_record *record;
};

/* One connection. */
struct talk {
    struct talk *next;
    uint64_t session;
    enum relay_side side;
    const struct talk_link *link;
    bool dialed;
    bool tls;
    struct flow_ref flow;
    struct app_flow *app;
    bool open[2];           /* inward, outward: a message is half through … */
    bool read[2];           /* … and one was read whole */
    struct alike *alike[2]; /* the newest acknowledgement that was read */
    struct pending *first;
    struct pending **last;
    struct talk *next_waiting; /* of those with something pending */
    bool waiting;
};

struct talks {
    struct hash_key hash_key;
    bool bodies;
    struct app_context *app;
    struct sense_stats stats;
    uint64_t flows;        /* number of the last one */
    struct recent *recent; /* messages that the detector has, as they were received */
    struct talk *buckets[TALKS];
    struct talk *waiting;
    const struct talk_job *job; /* that is done now … */
    struct talk *talking;       /* … whose bytes are read … */
    struct span block;          /* … and the one message in them; empty: there may be others */
    struct record record;
    struct record before; /* the one that goes on unchanged */
    struct record own;
    struct pending *spare; /* of those that wait for nothing any more, at most SPARES */
    size_t spares;
    struct outbox_arena arena;
    struct outbox_record *made; /* and not taken */
    struct outbox_record **last;
    uint64_t lost;
};

/* ── records go ── */

static void add_field(struct buf *b, enum record_key key, struct span text)
{
    buf_be16(b, (uint16_t)key);
    buf_be32(b, (uint32_t)text.n);
    buf_add_span(b, text);
}

/* Where an encoded record has the number of its fields. */
static size_t count_at(const uint8_t *encoded)
{
    uint64_t flow = 0;
    for (int i = 0; i < 8; i++)
        flow = flow << 8 | encoded[18 + i];
    return flow == 0 ? 26 : 26 + 1 + 2 * 17 + 6;
}

static void count_fields(uint8_t *encoded, unsigned more)
{
    uint8_t *at = encoded + count_at(encoded);
    unsigned n = (unsigned)(at[0] << 8 | at[1]) + more;
    at[0] = (uint8_t)(n >> 8);
    at[1] = (uint8_t)n;
}

#define MESSAGE_ID_TEXT (4 + 2 * TEXT_DECIMAL)
#define MORE 96 /* bytes of what is known of a record only when it gets its number */
_Static_assert(6 + LINK_SEQ_TEXT + 10 + 10 + 6 + 16 <= MORE, "a number, that it is queued, and again, a verdict");

static bool counts(enum event event)
{
    return event != EVENT_ASSET_EVIDENCE;
}

/* What is encoded of it, and the room behind that; never grows. */
static struct buf room_of(struct outbox_record *x)
{
    size_t size = x->size - OUTBOX_HEAD;
    return (struct buf){.p = x->bytes + OUTBOX_HEAD, .n = x->n - OUTBOX_HEAD, .size = size, .max = size};
}

/* Behind all that was made. */
static struct outbox_record *add(struct talks *ts, struct outbox_record *x)
{
    *ts->last = x;
    ts->last = &x->next;
    return x;
}

/* What is known of it only now goes into it; then it is made. queued, verdict: of its message; may be false, NULL. */
static struct outbox_record *put(struct talks *ts, struct outbox_record *x, bool queued, const char *verdict)
{
    unsigned more = 0;
    struct buf b = room_of(x);
    if (queued) {
        buf_be16(&b, KEY_LINK_QUEUED);
        buf_be64(&b, 1);
        more++;
    }
    if (queued && ts->job->again) {
        buf_be16(&b, KEY_LINK_AGAIN);
        buf_be64(&b, 1);
        more++;
    }
    if (verdict != NULL) {
        add_field(&b, KEY_LINK_VERDICT, span_str(verdict));
        more++;
    }
    if (more > 0)
        count_fields(b.p, more);
    x->n = OUTBOX_HEAD + b.n;
    return add(ts, x);
}

void talk_number(struct outbox_record *x, const uint8_t run[RUN_ID], uint64_t seq)
{
    char text[LINK_SEQ_TEXT];
    struct buf b = room_of(x);
    link_seq_write(text, run, seq);
    add_field(&b, KEY_LINK_SEQ, span_str(text));
    count_fields(b.p, 1);
    x->n = OUTBOX_HEAD + b.n;
}

/* Encodes a record where it is to lie, with room for what is still to come. NULL: no memory, or it is too large. */
static struct outbox_record *encode(struct outbox_arena *a, const struct record *r, size_t more)
{
    size_t size = record_encoded_size(r);
    struct outbox_record *x = size + more > RECORD_ENCODED ? NULL : outbox_make(a, size + more);
    if (x == NULL)
        return NULL;
    struct buf b = room_of(x);
    record_encode(&b, r);
    x->n = OUTBOX_HEAD + b.n;
    x->unnumbered = !counts(r->event);
    return x;
}

struct outbox_record *talk_encode(struct outbox_arena *a, const struct record *r)
{
    return encode(a, r, MORE);
}

/* NULL: it found no room. */
static struct outbox_record *put_or_drop(struct talks *ts, struct outbox_record *x, enum event event, bool queued, const char *verdict)
{
    if (x != NULL && ts->job->room)
        return put(ts, x, queued, verdict);
    ts->lost += counts(event);
    outbox_drop(x);
    return NULL;
}

/* ── what sense's readers make of the bytes ── */

static const char *side_name(enum relay_side side)
{
    return side == RELAY_ANALYZER ? "analyzer" : "lis";
}

#define LINK_KEYS 4 /* that add_link adds at most, and their bytes */
#define LINK_MORE (6 + CONFIG_NAME + 6 + 16 + 6 + 16 + 10 + 10)

/* A record as it is kept: without its body where none is; with room for the link's keys. */
static const struct record *as_kept(struct talks *ts, const struct record *r)
{
    const struct talk *t = ts->talking;
    bool bodies = ts->bodies || (t->link->store && t->side == RELAY_ANALYZER && !ts->job->outward);
    if (bodies && r->n <= RECORD_FIELDS - 8)
        return r;
    struct record *out = &ts->record;
    record_start(out, r->event, r->time, &r->flow);
    for (size_t i = 0; i < r->n && out->n < RECORD_FIELDS - 8; i++)
        if (bodies || key_info(r->fields[i].key)->class != FIELD_BODY)
            out->fields[out->n++] = r->fields[i];
    out->cut = r->cut || r->n > RECORD_FIELDS - 8;
    return out;
}

/* The link's keys, behind what is encoded. */
static void add_link(const struct talks *ts, struct outbox_record *x, const struct record *r)
{
    const struct talk *t = ts->talking;
    struct buf b = room_of(x);
    unsigned more = 1;
    add_field(&b, KEY_LINK, span_str(t->link->name));
    if (r->event == EVENT_LAB_MESSAGE) {
        add_field(&b, KEY_LINK_LEG, span_str(ts->job->outward ? "forwarded" : "received"));
        add_field(&b, KEY_LINK_SIDE, span_str(side_name(t->side)));
        more += 2;
        if (t->tls) {
            buf_be16(&b, KEY_LINK_TLS);
            buf_be64(&b, 1);
            more++;
        }
        if (ts->job->outward && t->side == RELAY_LIS && record_get(r, KEY_ACK_FOR).n == 0 && ts->job->again) {
            buf_be16(&b, KEY_LINK_AGAIN);
            buf_be64(&b, 1);
            more++;
        }
    }
    count_fields(b.p, more);
    x->n = OUTBOX_HEAD + b.n;
}

static uint64_t hash_content(const struct talks *ts, struct span content)
{
    return hash_bytes(&ts->hash_key, content.p, content.n) | 1;
}

/* Of a message of HL7 that stands for itself, orders nothing, and whose bytes are in the record. 0: it is another one. ret: records of its results.
 */
static uint64_t content_of(const struct talks *ts, const struct record *r, int64_t *ret_results)
{
    struct span body = {0};
    int64_t bytes = 0;
    bool hl7 = false;
    bool alone = true;
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        switch (f->key) {
        case KEY_RESULTS: *ret_results = f->number; break;
        case KEY_BODY: body = body.n == 0 ? f->text : body; break;
        case KEY_BODY_BYTES: bytes = f->number; break;
        case KEY_PROTOCOL: hl7 = span_is(f->text, "hl7"); break;
        case KEY_BATCH:
        case KEY_CONTINUES:
        case KEY_ACK_MESSAGE: alone = alone && f->text.n == 0; break;
        case KEY_CONTINUED:
        case KEY_ORDERS: alone = alone && f->number == 0; break;
        default: break;
        }
    }
    return hl7 && alone && body.n > 0 && (int64_t)body.n == bytes ? hash_content(ts, body) : 0;
}

static struct pending *new_pending(struct talks *ts)
{
    struct pending *p = ts->spare;
    if (p == NULL)
        return malloc(sizeof *p);
    ts->spare = p->next;
    ts->spares--;
    return p;
}

static void free_pending(struct talks *ts, struct pending *p)
{
    if (ts->spares == SPARES) {
        free(p);
        return;
    }
    p->next = ts->spare;
    ts->spare = p;
    ts->spares++;
}

/* What was received waits for the engine's word; what was sent goes. */
static void take(struct talks *ts, struct talk *t, const struct record *told)
{
    const struct record *r = as_kept(ts, told);
    struct outbox_record *x = encode(&ts->arena, r, LINK_MORE + MORE);
    if (x != NULL)
        add_link(ts, x, r);
    struct pending *p = x == NULL || ts->job->outward ? NULL : new_pending(ts);
    if (p == NULL) {
        (void)put_or_drop(ts, x, r->event, false, NULL);
        return;
    }
    *p = (struct pending){.event = r->event, .record = x};
    if (r->event == EVENT_LAB_MESSAGE)
        p->content = content_of(ts, r, &p->results);
    *t->last = p;
    t->last = &p->next;
    if (!t->waiting) {
        t->next_waiting = ts->waiting;
        ts->waiting = t;
        t->waiting = true;
    }
}

static void take_record(void *context, const struct record *r)
{
    struct talks *ts = context;
    struct talk *t = ts->talking;
    if (t == NULL)
        return;
    if (ts->block.n > 0 && r->event == EVENT_LAB_MESSAGE)
        alike_note(&t->alike[ts->job->outward], ts->block, r);
    take(ts, t, r);
}

struct talks *talks_new(struct hash_key key, bool bodies, uint64_t flows, struct error *e)
{
    struct talks *ts = calloc(1, sizeof *ts);
    if (ts == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the links' connections");
        return NULL;
    }
    struct sense_options options = {.hash_key = key, .sink = {.put = take_record, .context = ts}, .bodies = true, .flow_records = true};
    ts->hash_key = key;
    ts->bodies = bodies;
    ts->flows = flows;
    ts->last = &ts->made;
    ts->app = app_context_new(&options, &ts->stats, e);
    ts->recent = ts->app == NULL ? NULL : recent_new(key, RECENT_RELAY);
    if (ts->app != NULL && ts->recent == NULL)
        (void)err_set(e, ERR_SYSTEM, "no memory for the newest messages");
    if (ts->recent == NULL) {
        talks_free(ts);
        return NULL;
    }
    return ts;
}

void talks_free(struct talks *ts)
{
    if (ts == NULL)
        return;
    uint64_t lost = 0;
    for (struct outbox_record *x = talks_take(ts, &lost), *next; x != NULL; x = next) {
        next = x->next;
        outbox_drop(x);
    }
    for (struct pending *p = ts->spare, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    outbox_arena_close(&ts->arena);
    recent_free(ts->recent);
    app_context_free(ts->app);
    free(ts);
}

void talks_forget(struct talks *ts)
{
    recent_clear(ts->recent);
}

struct outbox_record *talks_take(struct talks *ts, uint64_t *ret_lost)
{
    struct outbox_record *made = ts->made;
    *ret_lost += ts->lost;
    ts->lost = 0;
    ts->made = NULL;
    ts->last = &ts->made;
    return made;
}

/* ── connections ── */

static struct talk **find(struct talks *ts, uint64_t session, enum relay_side side)
{
    struct talk **at = &ts->buckets[(session * 2 + (uint64_t)side) % TALKS];
    while (*at != NULL && ((*at)->session != session || (*at)->side != side))
        at = &(*at)->next;
    return at;
}

static struct address address_of(const struct relay_address *a)
{
    struct address r = {.family = a->family};
    memcpy(r.bytes, a->ip, sizeof r.bytes);
    return r;
}

static struct talk *make(struct talks *ts, const struct talk_link *l, const struct relay_connection *c)
{
    struct talk **at = find(ts, c->session, c->side);
    if (*at != NULL)
        return *at;
    struct talk *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    const struct relay_address *src = c->dialed ? &c->local : &c->peer;
    const struct relay_address *dst = c->dialed ? &c->peer : &c->local;
    *t = (struct talk){
        .session = c->session,
        .side = c->side,
        .link = l,
        .dialed = c->dialed,
        .tls = c->tls,
        .flow = {.id = ++ts->flows, .proto = 6, .src = address_of(src), .dst = address_of(dst), .sport = src->port, .dport = dst->port}};
    t->last = &t->first;
    *at = t;
    return t;
}

/* The message in these bytes, where they are one whole block of MLLP. */
static struct span block_of(struct span bytes)
{
    static const uint8_t end[] = {MLLP_END_BYTE, '\r'};
    if (bytes.n < 4 || bytes.p[0] != MLLP_START_BYTE || memcmp(bytes.p + bytes.n - sizeof end, end, sizeof end) != 0)
        return (struct span){0};
    struct span content = span_of(bytes.p + 1, bytes.n - 1 - sizeof end);
    bool one = memchr(content.p, MLLP_END_BYTE, content.n) == NULL && memchr(content.p, MLLP_START_BYTE, content.n) == NULL;
    return one ? content : (struct span){0};
}

/* The number of a message that app does not read. */
static void next_id(struct talk *t, bool outward, char out[MESSAGE_ID_TEXT])
{
    int direction = outward == t->dialed ? 0 : 1;
    *out++ = 'f';
    out = text_decimal(out, t->flow.id);
    *out++ = '.';
    *out++ = (char)('0' + direction);
    *out++ = '.';
    *text_decimal(out, app_ordinal(t->app, direction)) = 0;
}

/* An acknowledgement as there was one before it, among them all of ours, is not read either. */
static bool put_alike(struct talks *ts, struct talk *t, struct span content)
{
    char id[MESSAGE_ID_TEXT];
    struct record *r = &ts->before;
    bool outward = ts->job->outward;
    if (content.n == 0 || !alike_next(t->alike[outward], content, r))
        return false;
    next_id(t, outward, id);
    r->time = ts->job->wall;
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_MESSAGE_ID)
            r->fields[i].text = span_str(id);
    ts->talking = t;
    take(ts, t, r);
    ts->talking = NULL;
    return true;
}

/* A message that goes on as it came is not read again: its record is that of the one before, with the other flow and the bytes as they went. Its
 * results are told by the record of the one that came. False: it is another one, or none. */
static bool put_unchanged(struct talks *ts, struct talk *t, struct span content)
{
    uint64_t hash = content.n == 0 ? 0 : hash_content(ts, content);
    struct span kept = content.n == 0 ? (struct span){0} : recent_find(ts->recent, span_of(&hash, sizeof hash));
    if (kept.n == 0 || record_decode(kept, &ts->before, NULL) != 0 || !span_equal(record_get(&ts->before, KEY_BODY), content))
        return false;
    char id[MESSAGE_ID_TEXT];
    next_id(t, true, id);
    record_start(&ts->record, EVENT_LAB_MESSAGE, ts->job->wall, &t->flow);
    for (size_t i = 0; i < ts->before.n; i++) {
        enum record_key k = ts->before.fields[i].key;
        if (k != KEY_MESSAGE_ID && k != KEY_LINK_LEG && k != KEY_LINK_SIDE && k != KEY_LINK_TLS)
            ts->record.fields[ts->record.n++] = ts->before.fields[i];
    }
    ts->record.cut = ts->before.cut;
    record_str(&ts->record, KEY_MESSAGE_ID, id);
    record_str(&ts->record, KEY_LINK_LEG, "forwarded");
    record_str(&ts->record, KEY_LINK_SIDE, side_name(t->side));
    if (t->tls)
        record_int(&ts->record, KEY_LINK_TLS, 1);
    record_text(&ts->record, KEY_LINK_UNCHANGED, record_get(&ts->before, KEY_MESSAGE_ID));
    if (t->side == RELAY_LIS && ts->job->again)
        record_int(&ts->record, KEY_LINK_AGAIN, 1);
    (void)put_or_drop(ts, encode(&ts->arena, &ts->record, MORE), EVENT_LAB_MESSAGE, false, NULL);
    return true;
}

static void do_bytes(struct talks *ts, const struct talk_job *job)
{
    struct talk *t = make(ts, job->link, &job->connection);
    struct span bytes = job->bytes;
    bool outward = job->outward;
    if (t == NULL || bytes.n == 0)
        return;
    struct span whole = block_of(bytes);
    struct span known = t->read[outward] && !t->open[outward] && t->app != NULL ? whole : (struct span){0};
    if (put_alike(ts, t, known) || (outward && put_unchanged(ts, t, known)))
        return;
    ts->talking = t;
    ts->block = known;
    app_data(ts->app, &t->app, &t->flow, outward == t->dialed ? 0 : 1, bytes, job->wall);
    ts->talking = NULL;
    ts->block = (struct span){0};
    t->read[outward] = whole.n > 0 || t->read[outward];
    t->open[outward] = bytes.p[bytes.n - 1] != '\r' || bytes.n < 2 || bytes.p[bytes.n - 2] != MLLP_END_BYTE;
}

static struct pending *first_of(struct talk *t)
{
    struct pending *p = t->first;
    if (p == NULL)
        return NULL;
    t->first = p->next;
    if (t->first == NULL)
        t->last = &t->first;
    return p;
}

static void note_recent(struct talks *ts, const struct pending *p, struct span encoded)
{
    if (p->event == EVENT_LAB_MESSAGE)
        recent_message(ts->recent, span_of(&p->content, p->content == 0 ? 0 : sizeof p->content), encoded, p->results);
    else if (p->event == EVENT_LAB_RESULT)
        recent_result(ts->recent, encoded, false);
}

static struct outbox_record *put_pending(struct talks *ts, struct pending *p, bool queued, const char *verdict)
{
    struct outbox_record *x = p->record;
    if (ts->job->room && ts->job->detector) /* else it may come to the detector late, by the spool */
        note_recent(ts, p, span_of(x->bytes + OUTBOX_HEAD, x->n - OUTBOX_HEAD));
    x = put_or_drop(ts, x, p->event, queued, verdict);
    free_pending(ts, p);
    return x;
}

static void settle(struct talks *ts, struct talk *t)
{
    for (struct pending *p = first_of(t); p != NULL; p = first_of(t))
        (void)put_pending(ts, p, false, NULL);
}

static void forget(struct talk *t)
{
    alike_free(t->alike[0]);
    alike_free(t->alike[1]);
    free(t);
}

static void end(struct talks *ts, struct talk *t)
{
    ts->talking = t;
    app_close(ts->app, &t->app, &t->flow, ts->job->wall);
    ts->talking = NULL;
    settle(ts, t);
    for (struct talk **w = &ts->waiting; t->waiting && *w != NULL; w = &(*w)->next_waiting)
        if (*w == t) {
            *w = t->next_waiting;
            break;
        }
}

static void do_closed(struct talks *ts, const struct talk_job *job)
{
    struct talk **at = find(ts, job->connection.session, job->connection.side);
    struct talk *t = *at;
    if (t == NULL)
        return;
    end(ts, t);
    *at = t->next;
    forget(t);
}

static void do_settle(struct talks *ts)
{
    while (ts->waiting != NULL) {
        struct talk *t = ts->waiting;
        ts->waiting = t->next_waiting;
        t->waiting = false;
        settle(ts, t);
    }
}

void talks_end(struct talks *ts, tq_time wall)
{
    const struct talk_job job = {.what = TALK_CLOSED, .wall = wall, .room = true};
    ts->job = &job;
    do_settle(ts);
    for (size_t i = 0; i < TALKS; i++)
        while (ts->buckets[i] != NULL) {
            struct talk *t = ts->buckets[i];
            end(ts, t);
            ts->buckets[i] = t->next;
            forget(t);
        }
    ts->job = NULL;
}

/* ── messages ── */

/* A message that sense's readers do not tell as one is told by what the engine knows of it. Nobody looked for what is private in it: PRIVATE_CUT
 * makes a token of every foreign text. */
static struct outbox_record *put_own(struct talks *ts, const struct talk *t, const char *verdict)
{
    const struct talk_job *m = ts->job;
    struct record *r = &ts->own;
    char id[48];
    (void)snprintf(id, sizeof id, "f%llu.%d.r%llu", (unsigned long long)t->flow.id, t->dialed ? 1 : 0, (unsigned long long)m->ticket);
    record_start(r, EVENT_LAB_MESSAGE, m->wall, &t->flow);
    record_str(r, KEY_MESSAGE_ID, id);
    record_str(r, KEY_PROTOCOL, t->link->hl7 ? "hl7" : "astm");
    record_text(r, KEY_MESSAGE_TYPE, m->type);
    record_text(r, KEY_CONTROL_ID, m->control_id);
    record_int(r, KEY_RESULTS, m->results);
    record_int(r, KEY_BYTES, m->content);
    record_int(r, KEY_PRIVATE_CUT, 1);
    record_str(r, KEY_LINK, t->link->name);
    record_str(r, KEY_LINK_LEG, "received");
    record_str(r, KEY_LINK_SIDE, side_name(t->side));
    if (t->tls)
        record_int(r, KEY_LINK_TLS, 1);
    record_int(r, KEY_BODY_BYTES, (int64_t)m->bytes.n);
    struct span raw = m->bytes;
    record_body(r, span_take(&raw, raw.n < RECORD_BODY ? raw.n : RECORD_BODY));
    struct outbox_record *x = put_or_drop(ts, encode(&ts->arena, r, MORE), r->event, true, verdict);
    if (x != NULL)
        recent_message(ts->recent, (struct span){0}, (struct span){0}, 0);
    return x;
}

/* The first message that waits, with everything up to the next one; returns its last record. Where there is no room for the message itself, none is
 * for the rest of it: that says nothing without it. */
static struct outbox_record *put_first(struct talks *ts, struct talk *t, bool queued, const char *verdict, bool *ret_message)
{
    struct outbox_record *last = NULL;
    bool message = false;
    while (t->first != NULL && !(message && t->first->event == EVENT_LAB_MESSAGE)) {
        struct pending *p = first_of(t);
        bool is_message = p->event == EVENT_LAB_MESSAGE;
        struct outbox_record *x = put_pending(ts, p, is_message && queued, is_message ? verdict : NULL);
        message = message || is_message;
        last = x != NULL ? x : last;
    }
    *ret_message = message;
    return last;
}

static struct outbox_record *add_empty(struct talks *ts)
{
    struct outbox_record *x = outbox_make(&ts->arena, 0);
    return x == NULL ? NULL : add(ts, x);
}

/* The last record of the message has its ticket; where there is none, one that says nothing else. */
static bool do_message(struct talks *ts, const struct talk_job *job)
{
    struct talk *t = make(ts, job->link, &job->connection);
    const char *verdict = job->verdict == RELAY_REFUSED ? "refused" : job->verdict == RELAY_FLAGGED ? "flagged" : NULL;
    bool told = false;
    if (t == NULL && job->queued)
        return false;
    struct outbox_record *last = t == NULL ? NULL : put_first(ts, t, job->queued, verdict, &told);
    if (job->queued && !told)
        last = put_own(ts, t, verdict);
    if (job->ticket == 0)
        return true;
    if (last == NULL && job->queued)
        return false;
    bool made = last != NULL;
    if (!made)
        last = add_empty(ts);
    if (last == NULL)
        return false;
    last->ticket = job->ticket;
    last->named = job->queued;
    last->awaited = made && !job->answer;
    return true;
}

bool talks_do(struct talks *ts, const struct talk_job *job)
{
    bool done = true;
    ts->job = job;
    switch (job->what) {
    case TALK_BYTES: do_bytes(ts, job); break;
    case TALK_MESSAGE: done = do_message(ts, job); break;
    case TALK_CLOSED: do_closed(ts, job); break;
    case TALK_SETTLE: do_settle(ts); break;
    case TALK_MARK: done = add_empty(ts) != NULL; break;
    }
    ts->job = NULL;
    return done;
}
