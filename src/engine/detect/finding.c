#include "engine/detect/detect_private.h"

const char *const kind_names[KIND_COUNT] = {
    [KIND_DEVICE_CLOCK] = "device.clock",
    [KIND_MESSAGE_HOSTILE] = "message.hostile",
    [KIND_MESSAGE_MALFORMED] = "message.malformed",
    [KIND_NETWORK_ARP_SPOOF] = "network.arp_spoof",
    [KIND_NETWORK_FLOOD] = "network.flood",
    [KIND_NETWORK_SCAN] = "network.scan",
    [KIND_ORDER_MISMATCH] = "order.mismatch",
    [KIND_PHI_BULK_QUERY] = "phi.bulk_query",
    [KIND_PHI_CLEARTEXT] = "phi.cleartext",
    [KIND_PROTOCOL_VIOLATION] = "protocol.violation",
    [KIND_RESULT_ALTERED] = "result.altered",
    [KIND_RESULT_ALTERED_IN_TRANSIT] = "result.altered_in_transit",
    [KIND_RESULT_CORRECTED] = "result.corrected",
    [KIND_RESULT_DELAYED] = "result.delayed",
    [KIND_RESULT_EXTRA] = "result.extra",
    [KIND_RESULT_FLAG_MISMATCH] = "result.flag_mismatch",
    [KIND_RESULT_IMPLAUSIBLE] = "result.implausible",
    [KIND_RESULT_MISSING] = "result.missing",
    [KIND_RESULT_REPLAYED] = "result.replayed",
    [KIND_RESULT_SHIFT] = "result.shift",
    [KIND_RESULT_UNIT_CHANGED] = "result.unit_changed",
    [KIND_RESULT_WRONG_PATIENT] = "result.wrong_patient",
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
    d->integrity += f->kind == KIND_RESULT_ALTERED_IN_TRANSIT || f->kind == KIND_RESULT_WRONG_PATIENT;
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
    if (f->also_flow != 0 && f->also_flow != from->flow.id)
        record_int(r, KEY_EVIDENCE_FLOW, (int64_t)f->also_flow);
    if (from->flow.id != 0)
        record_int(r, KEY_EVIDENCE_FLOW, (int64_t)from->flow.id);
    record_text(r, KEY_EVIDENCE_MESSAGE, f->also); /* what was sent first stands first */
    record_text(r, KEY_EVIDENCE_MESSAGE, record_get(from, from->event == EVENT_LAB_MESSAGE ? KEY_MESSAGE_ID : KEY_MESSAGE));
    record_str(r, KEY_TECHNIQUE, f->technique);
    record_str(r, KEY_ADVICE, f->advice);
    copy_private(r, from);
    record_put(&d->options.sink, r);
}

void finding_put_at(struct detect *d, const struct flow_ref *flow, uint64_t seq, struct span message, const struct finding *f)
{
    struct record *from = &d->elsewhere;
    record_start(from, EVENT_LAB_RESULT, d->now, flow);
    from->seq = seq;
    record_text(from, KEY_MESSAGE, message);
    finding_put(d, from, f);
}

struct flow_ref sent_flow(const struct detect *d, const struct sent *sent)
{
    const struct link *l = links_at(d->links, sent->link);
    return (struct flow_ref){.id = sent->flow,
                             .proto = sent->proto,
                             .src = l->receiver_listens ? l->sender : l->receiver,
                             .dst = l->receiver_listens ? l->receiver : l->sender,
                             .sport = sent->sport,
                             .dport = l->port,
                             .vlan = sent->vlan};
}

void finding_put_sent(struct detect *d, const struct sent *sent, const struct finding *f)
{
    char id[MESSAGE_ID_TEXT];
    struct flow_ref flow = sent_flow(d, sent);
    finding_put_at(d, &flow, sent->seq, message_id_text(sent->flow, sent->direction, sent->ordinal, id), f);
}
