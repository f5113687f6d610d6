#include "engine/detect/detect_private.h"

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

static struct message message_of(const struct record *r)
{
    struct message m = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        switch (f->key) {
        case KEY_MESSAGE_ID: m.id = f->text; break;
        case KEY_MESSAGE_TYPE: m.type = f->text; break;
        case KEY_CONTROL_ID: m.control_id = f->text; break;
        case KEY_SENDER: m.sender = f->text; break;
        case KEY_MALFORMED: m.malformed = f->text; break;
        case KEY_HOSTILE: m.hostile = f->text; break;
        case KEY_ACK_CODE: m.ack_code = f->text; break;
        case KEY_ACK_FOR: m.ack_for = f->text; break;
        case KEY_SENT_AT: m.sent_at = f->text; break;
        case KEY_RESULTS: m.results = f->number; break;
        case KEY_PATIENTS: m.patients = f->number; break;
        default: break;
        }
    }
    return m;
}

static struct result result_of(const struct record *r)
{
    struct result t = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        switch (f->key) {
        case KEY_MESSAGE: t.message = f->text; break;
        case KEY_TEST_CODE: t.code = f->text; break;
        case KEY_TEST_SYSTEM: t.system = f->text; break;
        case KEY_SPECIMEN: t.specimen = f->text; break;
        case KEY_VALUE:
            if (t.pieces == 0)
                t.value = f;
            if (f == t.value + t.pieces)
                t.pieces++;
            break;
        case KEY_UNITS: t.units = f->text; break;
        case KEY_STATUS: t.status = f->text; break;
        case KEY_OBSERVED_AT: t.observed = f->text; break;
        default: break;
        }
    }
    return t;
}

/* The keys of message_of and result_of. */
bool detect_reads(enum record_key key)
{
    switch (key) {
    case KEY_MESSAGE_ID:
    case KEY_MESSAGE_TYPE:
    case KEY_CONTROL_ID:
    case KEY_SENDER:
    case KEY_MALFORMED:
    case KEY_HOSTILE:
    case KEY_ACK_CODE:
    case KEY_ACK_FOR:
    case KEY_SENT_AT:
    case KEY_RESULTS:
    case KEY_PATIENTS:
    case KEY_MESSAGE:
    case KEY_TEST_CODE:
    case KEY_TEST_SYSTEM:
    case KEY_SPECIMEN:
    case KEY_VALUE:
    case KEY_UNITS:
    case KEY_STATUS:
    case KEY_OBSERVED_AT: return true;
    default: return false;
    }
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

static const uint8_t magic[8] = {'T', 'Q', 'D', 'E', 'T', 'E', 'C', 2};

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
