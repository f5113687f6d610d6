#include "engine/detect/detect_private.h"

#include <stddef.h>
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
        d->clocks = clocks_new();
    }
    if (d == NULL || d->causes == NULL || d->known == NULL || d->results == NULL || d->messages == NULL || d->clocks == NULL) {
        detect_free(d);
        (void)err_set(e, ERR_SYSTEM, "no memory for the detector");
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
    memo_free(d->messages);
    memo_free(d->clocks);
    free(d);
}

int message_direction(struct span id)
{
    size_t dot = span_find(&id, '.');
    return span_peek(&id, dot + 1) == '1' && span_peek(&id, dot + 2) == '.' ? 1 : 0;
}

void parties_of(const struct record *r, struct span message_id, struct parties *ret)
{
    const struct flow_ref *f = &r->flow;
    bool back = message_direction(message_id) == 1;
    ret->sender = back ? &f->dst : &f->src;
    ret->receiver = back ? &f->src : &f->dst;
    ret->port = f->dport;
    ret->receiver_listens = !back;
    ret->sender_text[0] = ret->receiver_text[0] = 0;
}

void parties_text(struct parties *p)
{
    address_format(p->sender, p->sender_text);
    address_format(p->receiver, p->receiver_text);
    if (!p->receiver_listens)
        return;
    struct buf b = BUF_INIT(ENDPOINT_TEXT);
    buf_addf(&b, "%s port %u", p->receiver_text, (unsigned)p->port);
    const char *text = buf_text(&b);
    memcpy(p->receiver_text, text, strlen(text) + 1);
    buf_release(&b);
}

/* Where the text of a key goes; 0: nowhere. What else is read is named in the functions behind. */
static const uint8_t message_texts[KEY_COUNT] = {
    [KEY_MESSAGE_ID] = offsetof(struct message, id),         [KEY_MESSAGE_TYPE] = offsetof(struct message, type),
    [KEY_CONTROL_ID] = offsetof(struct message, control_id), [KEY_SENDER] = offsetof(struct message, sender),
    [KEY_MALFORMED] = offsetof(struct message, malformed),   [KEY_HOSTILE] = offsetof(struct message, hostile),
    [KEY_ACK_CODE] = offsetof(struct message, ack_code),     [KEY_ACK_FOR] = offsetof(struct message, ack_for),
    [KEY_SENT_AT] = offsetof(struct message, sent_at),
};
static const uint8_t result_texts[KEY_COUNT] = {
    [KEY_MESSAGE] = offsetof(struct result, message),      [KEY_TEST_CODE] = offsetof(struct result, code),
    [KEY_TEST_SYSTEM] = offsetof(struct result, system),   [KEY_SPECIMEN] = offsetof(struct result, specimen),
    [KEY_UNITS] = offsetof(struct result, units),          [KEY_STATUS] = offsetof(struct result, status),
    [KEY_OBSERVED_AT] = offsetof(struct result, observed),
};
_Static_assert(offsetof(struct message, results) == 0 && offsetof(struct result, value) == 0, "no text lies at 0");

static void put_text(void *to, size_t at, const struct field *f)
{
    memcpy((uint8_t *)to + at, &f->text, sizeof f->text);
}

static struct message message_of(const struct record *r)
{
    struct message m = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        if (message_texts[f->key] != 0)
            put_text(&m, message_texts[f->key], f);
        else if (f->key == KEY_RESULTS)
            m.results = f->number;
        else if (f->key == KEY_PATIENTS)
            m.patients = f->number;
    }
    return m;
}

static struct result result_of(const struct record *r)
{
    struct result t = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        if (result_texts[f->key] != 0) {
            put_text(&t, result_texts[f->key], f);
        } else if (f->key == KEY_VALUE) {
            if (t.pieces == 0)
                t.value = f;
            if (f == t.value + t.pieces)
                t.pieces++;
        }
    }
    return t;
}

bool detect_reads(enum record_key key)
{
    return key == KEY_RESULTS || key == KEY_PATIENTS || key == KEY_VALUE || message_texts[key] != 0 || result_texts[key] != 0;
}

void detect_record(struct detect *d, const struct record *r)
{
    if (r->flow.id == 0) /* the sensor's own word (capture.started …), in its clock, which is not that of the packets */
        return;
    if (!d->started) {
        d->started = true;
        d->first = r->time;
    }
    if (r->event == EVENT_LAB_MESSAGE) {
        UNCLEARED struct parties p;
        struct message m = message_of(r);
        parties_of(r, m.id, &p);
        judge_message(d, r, &m, &p);
        judge_sender(d, r, &m, &p);
        judge_clock(d, r, &m, &p);
        judge_replay_message(d, r, &m, &p);
    } else if (r->event == EVENT_LAB_RESULT) {
        struct result t = result_of(r);
        judge_result(d, r, &t);
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

static const uint8_t magic[8] = {'T', 'Q', 'D', 'E', 'T', 'E', 'C', 3};

void detect_save(const struct detect *d, struct buf *out)
{
    buf_add(out, magic, sizeof magic);
    buf_be64(out, d->key.k0);
    buf_be64(out, d->key.k1);
    senders_save(d, out);
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
    if (rc == 0 && (in.bad || in.n != 0))
        rc = err_set(e, ERR_CORRUPT, "the detector's state is followed by %u stray bytes", in.n);
    if (rc != 0) { /* nothing of it is taken */
        struct memo *fresh = senders_new();
        if (fresh == NULL)
            return err_set(e, ERR_SYSTEM, "no memory for the detector");
        memo_free(d->known);
        d->known = fresh;
        d->senders_learnt = 0;
        d->learnt = false;
        return rc;
    }
    d->key = key;
    return 0;
}
