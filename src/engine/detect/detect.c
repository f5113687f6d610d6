#include "engine/detect/detect_private.h"

#include "base/room.h"
#include "base/text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct detect *detect_new(const struct detect_options *options, struct error *e)
{
    struct detect *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->options = *options;
        d->key = options->hash_key;
        d->causes = memo_new(CAUSES_MAX, sizeof(uint8_t));
        d->known = senders_new();
        d->results = results_new(RESULTS_MAX);
        d->messages = messages_new();
        d->conversations = conversations_new();
        d->clocks = clocks_new();
        d->habits = memo_new(HABITS_MAX, sizeof(struct habit));
        d->specimens = memo_new(SPECIMENS_MAX, sizeof(struct specimen));
        d->asked = asked_new();
        d->expected = expected_new();
        d->translations = translations_new();
        d->passages = passages_new();
        d->copies = copies_new();
        d->cards = cards_new();
        d->links = links_new();
        d->sent = room_new(SENT_MAX * sizeof *d->sent);
        d->orphans = calloc(ORPHANS_MAX, sizeof *d->orphans);
        d->doubts = calloc(DOUBTS_MAX, sizeof *d->doubts);
        d->words = words_new();
        d->whos = whos_new();
        d->near = calloc(NEAR_HABITS, sizeof *d->near);
        d->near_places = calloc(HABITS_MAX, sizeof *d->near_places);
        d->placed = calloc(PLACED_MAX, sizeof *d->placed);
        d->placed_first = d->placed_next = 1;
        d->references = calloc(HABITS_MAX, sizeof *d->references);
    }
    bool all = d != NULL && index_init(&d->ordered, ORDERED_MAX) && d->causes != NULL && d->known != NULL && d->results != NULL &&
               d->messages != NULL && d->conversations != NULL && d->clocks != NULL && d->habits != NULL && d->specimens != NULL &&
               d->asked != NULL && d->expected != NULL && d->translations != NULL && d->passages != NULL && d->copies != NULL && d->cards != NULL &&
               d->links != NULL && d->sent != NULL && d->orphans != NULL && d->doubts != NULL && d->words != NULL && d->whos != NULL &&
               d->near != NULL && d->near_places != NULL && d->references != NULL && d->placed != NULL;
    if (!all) {
        detect_free(d);
        (void)err_set(e, ERR_SYSTEM, "no memory for the detector");
        return NULL;
    }
    d->analytes = analytes_new(e);
    if (d->analytes == NULL) {
        detect_free(d);
        return NULL;
    }
    return d;
}

void detect_free(struct detect *d)
{
    if (d == NULL)
        return;
    memo_free(d->causes);
    memo_free(d->known);
    results_free(d->results);
    index_release(&d->ordered);
    memo_free(d->messages);
    memo_free(d->conversations);
    memo_free(d->clocks);
    memo_free(d->habits);
    memo_free(d->specimens);
    memo_free(d->asked);
    memo_free(d->expected);
    memo_free(d->translations);
    memo_free(d->passages);
    memo_free(d->copies);
    memo_free(d->cards);
    links_free(d->links);
    room_free(d->sent, SENT_MAX * sizeof *d->sent);
    free(d->orphans);
    free(d->doubts);
    words_free(d->words);
    whos_free(d->whos);
    free(d->near);
    free(d->near_places);
    free(d->references);
    free(d->placed);
    analytes_free(d->analytes);
    free(d);
}

int message_direction(struct span id)
{
    size_t dot = span_find(&id, '.');
    return span_peek(&id, dot + 1) == '1' && span_peek(&id, dot + 2) == '.' ? 1 : 0;
}

void message_id_read(struct span id, uint8_t *ret_direction, uint64_t *ret_ordinal)
{
    size_t dot = span_find(&id, '.');
    uint64_t v = 0;
    *ret_direction = (uint8_t)message_direction(id);
    *ret_ordinal = dot + 3 < id.n && span_decimal(span_of(id.p + dot + 3, id.n - dot - 3), UINT64_MAX, &v) ? v : 0;
}

struct span message_id_text(uint64_t flow, uint8_t direction, uint64_t ordinal, char out[MESSAGE_ID_TEXT])
{
    if (ordinal == 0)
        return (struct span){0};
    int n = snprintf(out, MESSAGE_ID_TEXT, "f%" PRIu64 ".%u.%" PRIu64, flow, (unsigned)direction, ordinal);
    return span_of(out, (size_t)n);
}

void parties_of(const struct record *r, struct span message_id, struct parties *ret)
{
    const struct flow_ref *f = &r->flow;
    bool back = message_direction(message_id) == 1;
    ret->sender = back ? &f->dst : &f->src;
    ret->receiver = back ? &f->src : &f->dst;
    ret->port = f->dport;
    ret->receiver_listens = !back;
    ret->who = NULL;
    ret->sender_text[0] = ret->receiver_text[0] = 0;
}

void parties_text(struct parties *p)
{
    address_format(p->sender, p->sender_text);
    address_format(p->receiver, p->receiver_text);
    if (!p->receiver_listens)
        return;
    char *end = stpcpy(p->receiver_text + strlen(p->receiver_text), " port ");
    *text_decimal(end, p->port) = 0;
}

/* Where the text of a key goes; 0: nowhere. What else is read is named in the functions behind. */
static const uint16_t message_texts[KEY_COUNT] = {
    [KEY_MESSAGE_ID] = offsetof(struct message, id),
    [KEY_MESSAGE_TYPE] = offsetof(struct message, type),
    [KEY_CONTROL_ID] = offsetof(struct message, control_id),
    [KEY_SENDER] = offsetof(struct message, sender),
    [KEY_MALFORMED] = offsetof(struct message, malformed),
    [KEY_HOSTILE] = offsetof(struct message, hostile),
    [KEY_ACK_CODE] = offsetof(struct message, ack_code),
    [KEY_ACK_FOR] = offsetof(struct message, ack_for),
    [KEY_SENT_AT] = offsetof(struct message, sent_at),
    [KEY_PROTOCOL] = offsetof(struct message, protocol),
    [KEY_PROCESSING] = offsetof(struct message, processing),
    [KEY_PATIENT] = offsetof(struct message, patient),
    [KEY_PRIOR_PATIENT] = offsetof(struct message, prior_patient),
    [KEY_MARKS] = offsetof(struct message, marks),
    [KEY_STATE] = offsetof(struct message, state),
    [KEY_MAC] = offsetof(struct message, mac),
};
static const uint16_t result_texts[KEY_COUNT] = {
    [KEY_MESSAGE] = offsetof(struct result, message),
    [KEY_TEST_CODE] = offsetof(struct result, code),
    [KEY_SPECIMEN] = offsetof(struct result, specimen),
    [KEY_UNITS] = offsetof(struct result, units),
    [KEY_STATUS] = offsetof(struct result, status),
    [KEY_OBSERVED_AT] = offsetof(struct result, observed),
    [KEY_TEST_ALTERNATE] = offsetof(struct result, alternate),
    [KEY_ORDER] = offsetof(struct result, order),
    [KEY_FILLER] = offsetof(struct result, filler),
    [KEY_CONTAINER] = offsetof(struct result, container),
    [KEY_PATIENT] = offsetof(struct result, patient),
    [KEY_RANGE] = offsetof(struct result, range),
    [KEY_SPECIMEN_ROLE] = offsetof(struct result, role),
    [KEY_ACTION] = offsetof(struct result, action),
    [KEY_MATERIAL] = offsetof(struct result, material),
    [KEY_PRIORITY] = offsetof(struct result, priority),
};
_Static_assert(offsetof(struct message, results) == 0 && offsetof(struct result, value) == 0, "no text lies at 0");

static void put_text(void *to, size_t at, const struct field *f)
{
    memcpy((uint8_t *)to + at, &f->text, sizeof f->text);
}

static void message_of(const struct record *r, struct message *m)
{
    *m = (struct message){0};
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        if (message_texts[f->key] != 0)
            put_text(m, message_texts[f->key], f);
        else if (f->key == KEY_RESULTS)
            m->results = f->number;
        else if (f->key == KEY_PATIENTS)
            m->patients = f->number;
        else if (f->key == KEY_GAPS)
            m->gaps = f->number;
        else if (f->key == KEY_LINK_QUEUED)
            m->queued = f->number != 0;
        else if (f->key == KEY_LINK_LEG)
            m->ours = span_is(f->text, "forwarded");
        else if (f->key == KEY_LINK_AGAIN)
            m->again = f->number != 0;
        else if (f->key == KEY_LINK_TLS)
            m->encrypted = f->number != 0;
    }
}

static void result_of(const struct record *r, struct result *t)
{
    *t = (struct result){0};
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        if (result_texts[f->key] != 0) {
            put_text(t, result_texts[f->key], f);
        } else if (f->key == KEY_VALUE) {
            if (t->pieces == 0)
                t->value = f;
            if (f == t->value + t->pieces)
                t->pieces++;
        } else if (f->key == KEY_FLAGS && t->flag.n == 0) {
            t->flag = f->text;
        }
    }
}

bool detect_reads(enum record_key key)
{
    return key == KEY_RESULTS || key == KEY_PATIENTS || key == KEY_GAPS || key == KEY_LINK_LEG || key == KEY_LINK_QUEUED || key == KEY_LINK_AGAIN ||
           key == KEY_LINK_TLS || key == KEY_VALUE || key == KEY_FLAGS || message_texts[key] != 0 || result_texts[key] != 0;
}

bool pieces_lost(struct span malformed)
{
    return span_starts(malformed, SPAN_LIT("bytes are missing")) || span_starts(malformed, SPAN_LIT("frames are missing"));
}

/* It is not known in which direction. */
static void lost_on_links(struct detect *d, const struct record *r)
{
    const struct flow_ref *f = &r->flow;
    const struct link up = {.sender = f->src, .receiver = f->dst, .port = f->dport, .receiver_listens = true};
    const struct link down = {.sender = f->dst, .receiver = f->src, .port = f->dport};
    struct link *l = links_get(d->links, links_key(&d->key, &up));
    if (l != NULL)
        l->lost = r->time;
    l = links_get(d->links, links_key(&d->key, &down));
    if (l != NULL)
        l->lost = r->time;
}

/* What the capture lost makes results look missing that are not. */
static void note_gap(struct detect *d, const struct record *r)
{
    if (r->event == EVENT_SENSOR_STATUS) {
        int64_t lost = record_number(r, KEY_DROPPED, 0);
        if (lost > d->lost)
            d->gap = d->now;
        d->lost = lost;
    } else if (r->event == EVENT_FLOW_CLOSED && record_number(r, KEY_GAPS, 0) > 0) {
        d->gap = r->time;
        lost_on_links(d, r);
    } else if (r->event == EVENT_LAB_MESSAGE) {
        for (size_t i = 0; i < r->n; i++) {
            const struct field *f = &r->fields[i];
            if (f->key == KEY_GAPS || (f->key == KEY_MALFORMED && pieces_lost(f->text)))
                d->gap = r->time;
        }
    }
}

bool lost_lately(const struct detect *d, tq_time since)
{
    return d->gap != 0 && d->gap >= since;
}

void detect_advance(struct detect *d, tq_time now)
{
    if (!d->started || now <= d->now)
        return;
    d->now = now;
    if (d->now - d->swept < TIME_SECOND)
        return;
    d->swept = d->now;
    answers_judge(d, false);
    orders_sweep(d);
    paths_sweep(d);
}

void detect_end(struct detect *d)
{
    gather_close(d, NULL);
    order_close(d);
    if (!d->started)
        return;
    answers_judge(d, true);
    orders_sweep(d);
    paths_end(d);
    resent_end(d);
}

/* What the message itself is looked up by. */
static void message_keys(const struct detect *d, struct message *m, const struct parties *p, bool answers)
{
    if (m->results > 0)
        m->identity = replay_identity(d, p->receiver, p->port, m->control_id);
    if (!answers) {
        m->own = answer_key(d, p->sender, p->receiver, m->control_id);
        return;
    }
    m->answered = answer_key(d, p->receiver, p->sender, m->ack_for);
    m->accepted = replay_identity(d, p->sender, p->port, m->ack_for);
    memo_expect(d->expected, m->answered);
    memo_expect(d->messages, m->accepted);
}

static void take_message(struct detect *d, const struct record *r)
{
    UNCLEARED struct parties p;
    UNCLEARED struct message m;
    message_of(r, &m);
    parties_of(r, m.id, &p);
    bool answers = m.ack_code.n > 0 || m.ack_for.n > 0;
    p.who = who_of(d, r, &p, sender_name(m.sender), answers, !answers || m.results > 0 || m.patients > 0);
    who_expect(d, p.who, answers);
    message_keys(d, &m, &p, answers);
    who_expect_entries(d, p.who, answers, r->time);
    judge_card(d, r, &m, &p);
    judge_message(d, r, &m, &p);
    judge_sender(d, r, &m, &p);
    judge_clock(d, r, &m, &p);
    judge_query(d, r, &m, &p);
    gather_message(d, r, &m, &p);
    judge_answer(d, r, &m, &p);
    replay_answer(d, r, &m);
    if (m.prior_patient.n > 0)
        custody_merge(d, m.patient, m.prior_patient, r->time);
}

void detect_record(struct detect *d, const struct record *r)
{
    if (r->event != EVENT_LAB_RESULT)
        note_gap(d, r);
    if (r->event == EVENT_RELAY_BEHIND)
        behind_take(d, r);
    if (r->event == EVENT_CAPTURE_ENDED) {
        detect_advance(d, record_number(r, KEY_LAST_TIME, 0));
        detect_end(d);
    }
    if (r->event == EVENT_NETWORK_CLAIMS)
        judge_claim(d, r);
    if (r->flow.id == 0) /* the sensor's own word (capture.started …), in its clock, which is not that of the packets */
        return;
    if (!d->started) {
        d->started = true;
        d->first = d->now = r->time;
    }
    detect_advance(d, r->time);
    if (r->event == EVENT_LAB_MESSAGE) {
        take_message(d, r);
    } else if (r->event == EVENT_LAB_RESULT) {
        UNCLEARED struct result t;
        result_of(r, &t);
        gather_result(d, r, &t);
    } else if (r->event == EVENT_LAB_ORDER) {
        UNCLEARED struct result t;
        result_of(r, &t);
        order_take(d, r, &t);
    } else if (r->event == EVENT_NETWORK_ATTEMPTS) {
        judge_attempts(d, r);
    }
}

void detect_kinds(const struct detect *d, void (*each)(void *context, const char *kind, uint64_t count), void *context)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (d->counts[i] > 0)
            each(context, kind_names[i], d->counts[i]);
}

/* ── State: docs/formats/detector-state.md ── */

static const uint8_t magic[8] = {'T', 'Q', 'D', 'E', 'T', 'E', 'C', 6};

void detect_save(const struct detect *d, struct buf *out)
{
    buf_add(out, magic, sizeof magic);
    buf_be64(out, d->key.k0);
    buf_be64(out, d->key.k1);
    senders_save(d, out);
    links_save(d->links, out);
}

int detect_restore(struct detect *d, struct span saved, struct error *e)
{
    if (d->started)
        return err_set(e, ERR_MISUSE, "the detector's state comes too late: it has judged records already");
    struct span in = saved;
    struct span head = span_take(&in, sizeof magic);
    if (head.bad || memcmp(head.p, magic, sizeof magic) != 0)
        return err_set(e, ERR_CORRUPT, "this is no detector state of version %d", magic[7]);
    struct hash_key key = {.k0 = span_be64(&in), .k1 = 0};
    key.k1 = span_be64(&in);
    int rc = senders_restore(d, &in, e);
    if (rc == 0 && !links_restore(d->links, &key, &in))
        rc = err_set(e, ERR_CORRUPT, "the links or paths in the detector's state are malformed");
    if (rc == 0 && (in.bad || in.n != 0))
        rc = err_set(e, ERR_CORRUPT, "the detector's state is followed by %u stray bytes", in.n);
    if (rc != 0) { /* nothing of it is taken */
        struct memo *fresh = senders_new();
        struct links *links = links_new();
        if (fresh == NULL || links == NULL) {
            memo_free(fresh);
            links_free(links);
            return err_set(e, ERR_SYSTEM, "no memory for the detector");
        }
        memo_free(d->known);
        links_free(d->links);
        d->known = fresh;
        d->links = links;
        d->senders_learnt = 0;
        d->learnt = false;
        return rc;
    }
    d->key = key;
    return 0;
}
