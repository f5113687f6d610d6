#include "proc/relay_role.h"

#include "base/text.h"
#include "proc/clock.h"
#include "wire/mllp.h"

#include <stdio.h>
#include <stdlib.h>

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
_Static_assert(6 + LINK_SEQ_TEXT + 10 + 6 + 16 <= MORE, "a number, that it is queued, a verdict");

static bool counts(enum event event)
{
    return event != EVENT_ASSET_EVIDENCE;
}

static bool has_room(const struct outbox_record *x, enum event event)
{
    bool room = x != NULL && outbox_room(&rr.outbox, x);
    rr.lost += !room && counts(event);
    return room;
}

/* What is encoded of it, and the room behind that; never grows. */
static struct buf room_of(struct outbox_record *x)
{
    size_t size = x->size - OUTBOX_HEAD;
    return (struct buf){.p = x->bytes + OUTBOX_HEAD, .n = x->n - OUTBOX_HEAD, .size = size, .max = size};
}

/* Gives a record its number, and whatever else is known only now; into the outbox, which has room. queued, verdict: of its message; may be false,
 * NULL. */
static uint64_t put(struct outbox_record *x, enum event event, bool queued, const char *verdict)
{
    char text[LINK_SEQ_TEXT];
    unsigned more = 0;
    struct buf b = room_of(x);
    if (counts(event)) {
        link_seq_write(text, rr.self.start.run, rr.seq + 1);
        add_field(&b, KEY_LINK_SEQ, span_str(text));
        more++;
    }
    if (queued) {
        buf_be16(&b, KEY_LINK_QUEUED);
        buf_be64(&b, 1);
        more++;
    }
    if (verdict != NULL) {
        add_field(&b, KEY_LINK_VERDICT, span_str(verdict));
        more++;
    }
    count_fields(b.p, more);
    x->n = OUTBOX_HEAD + b.n;
    rr.burst.bytes += x->n;
    outbox_add(&rr.outbox, x, counts(event) ? rr.seq + 1 : 0, rr.now);
    return counts(event) ? ++rr.seq : rr.seq;
}

/* Encodes a record where it is to lie, with room for what is still to come. NULL: no memory, or it is too large. */
static struct outbox_record *encode(const struct record *r, size_t more)
{
    size_t size = record_encoded_size(r);
    struct outbox_record *x = size + more > RECORD_ENCODED ? NULL : outbox_make(&rr.outbox, size + more);
    if (x == NULL)
        return NULL;
    struct buf b = room_of(x);
    record_encode(&b, r);
    x->n = OUTBOX_HEAD + b.n;
    return x;
}

/* 0: it found no room. */
static uint64_t put_or_drop(struct outbox_record *x, enum event event, bool queued, const char *verdict)
{
    if (has_room(x, event))
        return put(x, event, queued, verdict);
    outbox_drop(x);
    return 0;
}

uint64_t talk_put(const struct record *r)
{
    return put_or_drop(encode(r, MORE), r->event, false, NULL);
}

/* ── what sense's readers make of the bytes ── */

static const char *side_name(enum relay_side side)
{
    return side == RELAY_ANALYZER ? "analyzer" : "lis";
}

#define LINK_KEYS 4 /* that add_link adds at most, and their bytes */
#define LINK_MORE (6 + CONFIG_NAME + 6 + 16 + 6 + 16 + 10)

/* A record as it is kept: without its body where none is; with room for the link's keys. */
static const struct record *as_kept(const struct record *r)
{
    const struct talk *t = rr.talking;
    bool bodies = rr.self.start.bodies || (t->line->store && t->side == RELAY_ANALYZER && !rr.outward);
    if (bodies && r->n <= RECORD_FIELDS - 8)
        return r;
    struct record *out = &rr.record;
    record_start(out, r->event, r->time, &r->flow);
    for (size_t i = 0; i < r->n && out->n < RECORD_FIELDS - 8; i++)
        if (bodies || key_info(r->fields[i].key)->class != FIELD_BODY)
            out->fields[out->n++] = r->fields[i];
    out->cut = r->cut || r->n > RECORD_FIELDS - 8;
    return out;
}

/* The link's keys, behind what is encoded. */
static void add_link(struct outbox_record *x, const struct record *r)
{
    const struct talk *t = rr.talking;
    struct buf b = room_of(x);
    unsigned more = 1;
    add_field(&b, KEY_LINK, span_str(t->line->config.name));
    if (r->event == EVENT_LAB_MESSAGE) {
        add_field(&b, KEY_LINK_LEG, span_str(rr.outward ? "forwarded" : "received"));
        add_field(&b, KEY_LINK_SIDE, span_str(side_name(t->side)));
        more += 2;
        if (rr.outward && t->side == RELAY_LIS && record_get(r, KEY_ACK_FOR).n == 0 && relay_sends_again(t->line->link)) {
            buf_be16(&b, KEY_LINK_AGAIN);
            buf_be64(&b, 1);
            more++;
        }
    }
    count_fields(b.p, more);
    x->n = OUTBOX_HEAD + b.n;
}

static uint64_t hash_content(struct span content)
{
    return hash_bytes(&rr.self.start.hash_key, content.p, content.n) | 1;
}

/* Of a message of HL7 that stands for itself, orders nothing, and whose bytes are in the record. 0: it is another one. ret: records of its results.
 */
static uint64_t content_of(const struct record *r, int64_t *ret_results)
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
    return hl7 && alone && body.n > 0 && (int64_t)body.n == bytes ? hash_content(body) : 0;
}

static struct pending *new_pending(void)
{
    struct pending *p = rr.spare;
    if (p == NULL)
        return malloc(sizeof *p);
    rr.spare = p->next;
    rr.spares--;
    return p;
}

static void free_pending(struct pending *p)
{
    if (rr.spares == SPARES) {
        free(p);
        return;
    }
    p->next = rr.spare;
    rr.spare = p;
    rr.spares++;
}

/* What was received waits for the engine's word; what was sent goes. */
static void take(struct talk *t, const struct record *told)
{
    const struct record *r = as_kept(told);
    struct outbox_record *x = encode(r, LINK_MORE + MORE);
    if (x != NULL)
        add_link(x, r);
    struct pending *p = x == NULL || rr.outward ? NULL : new_pending();
    if (p == NULL) {
        (void)put_or_drop(x, r->event, false, NULL);
        return;
    }
    *p = (struct pending){.event = r->event, .record = x};
    if (r->event == EVENT_LAB_MESSAGE)
        p->content = content_of(r, &p->results);
    *t->last = p;
    t->last = &p->next;
    if (!t->waiting) {
        t->next_waiting = rr.waiting;
        rr.waiting = t;
        t->waiting = true;
    }
}

static void take_record(void *context, const struct record *r)
{
    struct talk *t = rr.talking;
    (void)context;
    if (t == NULL)
        return;
    if (rr.block.n > 0 && r->event == EVENT_LAB_MESSAGE)
        alike_note(&t->alike[rr.outward], rr.block, r);
    take(t, r);
}

int talk_start(struct error *e)
{
    struct sense_options options = {.hash_key = rr.self.start.hash_key, .sink = {.put = take_record}, .bodies = true, .flow_records = true};
    rr.app = app_context_new(&options, &rr.stats, e);
    rr.recent = rr.app == NULL ? NULL : recent_new(rr.self.start.hash_key, RECENT_RELAY);
    if (rr.app != NULL && rr.recent == NULL)
        (void)err_set(e, ERR_SYSTEM, "no memory for the newest messages");
    return rr.recent == NULL ? -1 : 0;
}

/* ── connections ── */

static struct talk **find(uint64_t session, enum relay_side side)
{
    struct talk **at = &rr.talks[(session * 2 + (uint64_t)side) % TALKS];
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

static struct talk *make(struct line *l, const struct relay_connection *c)
{
    struct talk **at = find(c->session, c->side);
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
        .line = l,
        .dialed = c->dialed,
        .flow = {.id = ++rr.flows, .proto = 6, .src = address_of(src), .dst = address_of(dst), .sport = src->port, .dport = dst->port}};
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
static bool put_alike(struct talk *t, bool outward, struct span content)
{
    char id[MESSAGE_ID_TEXT];
    struct record *r = &rr.before;
    if (content.n == 0 || !alike_next(t->alike[outward], content, r))
        return false;
    next_id(t, outward, id);
    r->time = rr.wall;
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == KEY_MESSAGE_ID)
            r->fields[i].text = span_str(id);
    rr.talking = t;
    rr.outward = outward;
    take(t, r);
    rr.talking = NULL;
    return true;
}

/* A message that goes on as it came is not read again: its record is that of the one before, with the other flow and the bytes as they went. Its
 * results are told by the record of the one that came. False: it is another one, or none. */
static bool put_unchanged(struct talk *t, struct span content)
{
    uint64_t hash = content.n == 0 ? 0 : hash_content(content);
    struct span kept = content.n == 0 ? (struct span){0} : recent_find(rr.recent, span_of(&hash, sizeof hash));
    if (kept.n == 0 || record_decode(kept, &rr.before, NULL) != 0 || !span_equal(record_get(&rr.before, KEY_BODY), content))
        return false;
    char id[MESSAGE_ID_TEXT];
    next_id(t, true, id);
    record_start(&rr.record, EVENT_LAB_MESSAGE, rr.wall, &t->flow);
    for (size_t i = 0; i < rr.before.n; i++) {
        enum record_key k = rr.before.fields[i].key;
        if (k != KEY_MESSAGE_ID && k != KEY_LINK_LEG && k != KEY_LINK_SIDE)
            rr.record.fields[rr.record.n++] = rr.before.fields[i];
    }
    rr.record.cut = rr.before.cut;
    record_str(&rr.record, KEY_MESSAGE_ID, id);
    record_str(&rr.record, KEY_LINK_LEG, "forwarded");
    record_str(&rr.record, KEY_LINK_SIDE, side_name(t->side));
    record_text(&rr.record, KEY_LINK_UNCHANGED, record_get(&rr.before, KEY_MESSAGE_ID));
    if (t->side == RELAY_LIS && relay_sends_again(t->line->link))
        record_int(&rr.record, KEY_LINK_AGAIN, 1);
    (void)talk_put(&rr.record);
    return true;
}

void talk_observe(void *context, struct relay_link *link, const struct relay_connection *connection, bool outward, struct span bytes, tq_time time)
{
    struct line *l = relay_link_user(link);
    (void)context, (void)time;
    struct talk *t = l->records && bytes.n > 0 ? make(l, connection) : NULL;
    if (t == NULL)
        return;
    struct span whole = block_of(bytes);
    struct span known = t->read[outward] && !t->open[outward] && t->app != NULL ? whole : (struct span){0};
    if (put_alike(t, outward, known) || (outward && put_unchanged(t, known)))
        return;
    rr.talking = t;
    rr.outward = outward;
    rr.block = known;
    app_data(rr.app, &t->app, &t->flow, outward == t->dialed ? 0 : 1, bytes, rr.wall);
    rr.talking = NULL;
    rr.block = (struct span){0};
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

static void note_recent(const struct pending *p, struct span encoded)
{
    if (p->event == EVENT_LAB_MESSAGE)
        recent_message(rr.recent, span_of(&p->content, p->content == 0 ? 0 : sizeof p->content), encoded, p->results);
    else if (p->event == EVENT_LAB_RESULT)
        recent_result(rr.recent, encoded, false);
}

static uint64_t put_pending(struct pending *p, bool queued, const char *verdict)
{
    struct outbox_record *x = p->record;
    uint64_t seq = 0;
    if (has_room(x, p->event)) {
        if (rr.detector.fd >= 0) /* else it may come to the detector late, by the spool */
            note_recent(p, span_of(x->bytes + OUTBOX_HEAD, x->n - OUTBOX_HEAD));
        seq = put(x, p->event, queued, verdict);
    } else {
        outbox_drop(x);
    }
    free_pending(p);
    return seq;
}

static void settle(struct talk *t)
{
    for (struct pending *p = first_of(t); p != NULL; p = first_of(t))
        (void)put_pending(p, false, NULL);
}

static void forget(struct talk *t)
{
    alike_free(t->alike[0]);
    alike_free(t->alike[1]);
    free(t);
}

void talk_closed(void *context, struct relay_link *link, const struct relay_connection *connection, tq_time time)
{
    struct talk **at = find(connection->session, connection->side);
    struct talk *t = *at;
    (void)context, (void)link, (void)time;
    if (t == NULL)
        return;
    rr.talking = t;
    rr.outward = false;
    app_close(rr.app, &t->app, &t->flow, rr.wall);
    rr.talking = NULL;
    settle(t);
    for (struct talk **w = &rr.waiting; t->waiting && *w != NULL; w = &(*w)->next_waiting)
        if (*w == t) {
            *w = t->next_waiting;
            break;
        }
    *at = t->next;
    forget(t);
}

void talk_settle(void)
{
    while (rr.waiting != NULL) {
        struct talk *t = rr.waiting;
        rr.waiting = t->next_waiting;
        t->waiting = false;
        settle(t);
    }
}

/* ── messages ── */

/* A message that sense's readers do not tell as one is told by what the engine knows of it. Nobody looked for what is private in it: PRIVATE_CUT
 * makes a token of every foreign text. */
static uint64_t put_own(const struct talk *t, const struct relay_message *m, bool queued, const char *verdict)
{
    static struct record r;
    char id[48];
    (void)snprintf(id, sizeof id, "f%llu.%d.r%llu", (unsigned long long)t->flow.id, t->dialed ? 1 : 0, (unsigned long long)rr.seq + 1);
    record_start(&r, EVENT_LAB_MESSAGE, rr.wall, &t->flow);
    record_str(&r, KEY_MESSAGE_ID, id);
    record_str(&r, KEY_PROTOCOL, t->line->config.protocol[0] == 'm' ? "hl7" : "astm");
    record_text(&r, KEY_MESSAGE_TYPE, m->type);
    record_text(&r, KEY_CONTROL_ID, m->control_id);
    record_int(&r, KEY_RESULTS, m->results);
    record_int(&r, KEY_BYTES, (int64_t)m->content.n);
    record_int(&r, KEY_PRIVATE_CUT, 1);
    record_str(&r, KEY_LINK, t->line->config.name);
    record_str(&r, KEY_LINK_LEG, "received");
    record_str(&r, KEY_LINK_SIDE, side_name(t->side));
    record_int(&r, KEY_BODY_BYTES, (int64_t)m->raw.n);
    struct span raw = m->raw;
    record_body(&r, span_take(&raw, raw.n < RECORD_BODY ? raw.n : RECORD_BODY));
    uint64_t seq = put_or_drop(encode(&r, MORE), r.event, queued, verdict);
    if (seq != 0)
        recent_message(rr.recent, (struct span){0}, (struct span){0}, 0);
    return seq;
}

/* The first message that waits, with everything up to the next one. */
static uint64_t put_first(struct talk *t, bool queued, const char *verdict, bool *ret_message)
{
    uint64_t last = 0;
    bool message = false;
    while (t->first != NULL && !(message && t->first->event == EVENT_LAB_MESSAGE)) {
        struct pending *p = first_of(t);
        bool is_message = p->event == EVENT_LAB_MESSAGE;
        uint64_t seq = put_pending(p, is_message && queued, is_message ? verdict : NULL);
        if (seq == 0 && is_message) { /* no room: the rest of it says nothing without it */
            *ret_message = true;
            return 0;
        }
        message = message || is_message;
        last = seq > last ? seq : last;
    }
    *ret_message = message;
    return last;
}

uint64_t talk_message(void *context, struct relay_link *link, const struct relay_message *m, tq_time time, bool *keep)
{
    struct line *l = relay_link_user(link);
    (void)context, (void)time;
    struct talk *t = l->records ? *find(m->connection->session, m->connection->side) : NULL;
    const char *verdict = m->verdict == RELAY_REFUSED ? "refused" : m->verdict == RELAY_FLAGGED ? "flagged" : NULL;
    bool queued = l->store && m->connection->side == RELAY_ANALYZER && !m->answer && m->verdict != RELAY_REFUSED;
    bool told = false;
    if (t == NULL) {
        *keep = !l->store;
        return 0;
    }
    uint64_t seq = put_first(t, queued, verdict, &told);
    if (!told && queued)
        seq = put_own(t, m, queued, verdict);
    if (seq == 0)
        *keep = false;
    bool awaited = seq != 0 && !m->answer;
    rr.awaited = rr.awaited || awaited;
    rr.hurry = rr.hurry || (awaited && !relay_spools());
    return seq;
}

void talk_delivered(void *context, struct relay_link *link, uint64_t token, enum relay_delivery how, struct span answer, tq_time time)
{
    static struct record r;
    struct line *l = relay_link_user(link);
    char of[LINK_SEQ_TEXT];
    (void)context, (void)time, (void)answer;
    record_start(&r, EVENT_RELAY_DELIVERED, rr.wall, NULL);
    record_str(&r, KEY_LINK, l->config.name);
    record_str(&r, KEY_STATE, how == RELAY_DELIVERED ? "delivered" : how == RELAY_MERGED ? "came again" : "given up");
    if (token > rr.self.start.first) {
        link_seq_write(of, rr.self.start.run, token);
        record_str(&r, KEY_LINK_OF, of);
    } else {
        record_int(&r, KEY_LINK_RECORD, (int64_t)token);
    }
    (void)talk_put(&r);
}

void talk_end(void)
{
    talk_settle();
    for (size_t i = 0; i < TALKS; i++)
        while (rr.talks[i] != NULL) {
            struct talk *t = rr.talks[i];
            rr.talking = t;
            rr.outward = false;
            app_close(rr.app, &t->app, &t->flow, rr.wall);
            rr.talking = NULL;
            settle(t);
            rr.talks[i] = t->next;
            forget(t);
        }
}
