#include "engine/detect/detect_private.h"

const char *const kind_names[KIND_COUNT] = {
    [KIND_DEVICE_CLOCK] = "device.clock",
    [KIND_MESSAGE_HOSTILE] = "message.hostile",
    [KIND_MESSAGE_MALFORMED] = "message.malformed",
    [KIND_NETWORK_FLOOD] = "network.flood",
    [KIND_NETWORK_SCAN] = "network.scan",
    [KIND_PHI_CLEARTEXT] = "phi.cleartext",
    [KIND_PROTOCOL_VIOLATION] = "protocol.violation",
    [KIND_RESULT_ALTERED] = "result.altered",
    [KIND_RESULT_CORRECTED] = "result.corrected",
    [KIND_RESULT_REPLAYED] = "result.replayed",
    [KIND_SENDER_SPOOFED] = "sender.spoofed",
    [KIND_SENDER_UNKNOWN] = "sender.unknown",
};

static const char *const severity_names[] = {"info", "low", "medium", "high", "critical"};

/* True where this cause was told before with this severity or a higher one. */
static bool told(struct detect *d, const struct finding *f, tq_time now)
{
    struct hash_state g = digest_start(&d->key, 'c');
    hash_piece(&g, span_str(kind_names[f->kind]));
    hash_piece(&g, f->cause);
    uint8_t *worst = memo_put(d->causes, digest_end(g), now, NULL);
    if (*worst > (uint8_t)f->severity)
        return true;
    *worst = (uint8_t)(f->severity + 1);
    return false;
}

/* What is private in the record stays with the finding, unseen, so that the veil can tell whether a subject repeats it. */
static void copy_private(struct record *to, const struct record *from)
{
    size_t n = 0;
    for (size_t i = 0; i < from->n; i++) {
        const struct field *f = &from->fields[i];
        const struct key_info *info = key_info(f->key);
        if (info->class != FIELD_PRIVATE && info->class != FIELD_PATIENT && info->class != FIELD_SPECIMEN)
            continue;
        if (info->type != TYPE_TEXT || ++n > RECORD_PRIVATE) {
            record_int(to, KEY_PRIVATE_CUT, 1);
            return;
        }
        record_text(to, KEY_PRIVATE, f->text);
    }
}

void finding_put(struct detect *d, const struct record *from, const struct finding *f)
{
    if (told(d, f, from->time))
        return;
    d->counts[f->kind]++;
    if (d->options.sink.put == NULL)
        return;
    struct record *r = &d->finding;
    record_start(r, EVENT_FINDING, from->time, &from->flow);
    r->seq = from->seq;
    record_str(r, KEY_KIND, kind_names[f->kind]);
    record_text(r, KEY_CAUSE, f->cause);
    record_str(r, KEY_SEVERITY, severity_names[f->severity]);
    record_str(r, KEY_TITLE, f->title);
    for (size_t i = 0; i < f->n_subjects; i++)
        record_text(r, KEY_SUBJECT, f->subjects[i].n > 0 ? f->subjects[i] : SPAN_LIT("(no name)"));
    if (from->flow.id != 0)
        record_int(r, KEY_EVIDENCE_FLOW, (int64_t)from->flow.id);
    record_text(r, KEY_EVIDENCE_MESSAGE, record_get(from, from->event == EVENT_LAB_MESSAGE ? KEY_MESSAGE_ID : KEY_MESSAGE));
    record_str(r, KEY_TECHNIQUE, f->technique);
    record_str(r, KEY_ADVICE, f->advice);
    copy_private(r, from);
    record_put(&d->options.sink, r);
}
