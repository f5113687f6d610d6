#include "base/record.h"

#include "base/text.h"

#include <arpa/inet.h>

static const struct key_info keys[KEY_COUNT] = {
#define RECORD_KEY_ROW(c, json_name, class_name, type_name, is_list)                                                                                 \
    [KEY_##c] = {.json = (json_name), .class = FIELD_##class_name, .type = TYPE_##type_name, .list = (is_list)},
    RECORD_KEYS(RECORD_KEY_ROW)
#undef RECORD_KEY_ROW
};

static const struct {
    const char *name;
    enum event_maker maker;
} events[EVENT_COUNT] = {
    [EVENT_NONE] = {"", MAKER_NOBODY},
    [EVENT_ASSET_EVIDENCE] = {"asset.evidence", MAKER_SENSOR},
    [EVENT_FLOW_CLOSED] = {"flow.closed", MAKER_SENSOR},
    [EVENT_LAB_MESSAGE] = {"lab.message", MAKER_SENSOR},
    [EVENT_LAB_RESULT] = {"lab.result", MAKER_SENSOR},
    [EVENT_LAB_ORDER] = {"lab.order", MAKER_SENSOR},
    [EVENT_DICOM_ASSOCIATION] = {"dicom.association", MAKER_SENSOR},
    [EVENT_NETWORK_ATTEMPTS] = {"network.attempts", MAKER_SENSOR},
    [EVENT_NETWORK_CLAIMS] = {"network.claims", MAKER_SENSOR},
    [EVENT_SENSOR_STATUS] = {"sensor.status", MAKER_SENSOR},
    [EVENT_FINDING] = {"finding", MAKER_DETECTOR},
    [EVENT_RESULT_FOLLOWED] = {"result.followed", MAKER_DETECTOR},
    [EVENT_RUN_STARTED] = {"run.started", MAKER_KEEPER},
    [EVENT_RUN_STOPPED] = {"run.stopped", MAKER_KEEPER},
    [EVENT_ROLE_RESTARTED] = {"role.restarted", MAKER_KEEPER},
    [EVENT_CLOCK_STEPPED] = {"clock.stepped", MAKER_KEEPER},
    [EVENT_CAPTURE_STARTED] = {"capture.started", MAKER_SENSOR},
    [EVENT_CAPTURE_ENDED] = {"capture.ended", MAKER_SENSOR},
    [EVENT_ACCOUNT_CREATED] = {"account.created", MAKER_KEEPER},
    [EVENT_SESSION_OPENED] = {"session.opened", MAKER_KEEPER},
    [EVENT_SESSION_REFUSED] = {"session.refused", MAKER_KEEPER},
    [EVENT_SESSION_CLOSED] = {"session.closed", MAKER_KEEPER},
    [EVENT_REQUEST_REFUSED] = {"request.refused", MAKER_KEEPER},
    [EVENT_FINDING_TAKEN] = {"finding.taken", MAKER_KEEPER},
    [EVENT_FINDING_RELEASED] = {"finding.released", MAKER_KEEPER},
    [EVENT_FINDING_DISMISSED] = {"finding.dismissed", MAKER_KEEPER},
    [EVENT_FINDING_REOPENED] = {"finding.reopened", MAKER_KEEPER},
    [EVENT_FINDING_ENDED] = {"finding.ended", MAKER_KEEPER},
    [EVENT_ASSET_NAMED] = {"asset.named", MAKER_KEEPER},
    [EVENT_ASSET_EDITED] = {"asset.edited", MAKER_KEEPER},
    [EVENT_ASSET_JOINED] = {"asset.joined", MAKER_KEEPER},
    [EVENT_ASSET_SPLIT] = {"asset.split", MAKER_KEEPER},
    [EVENT_ASSET_DISTINCT] = {"asset.distinct", MAKER_KEEPER},
    [EVENT_ASSET_IMPORTED] = {"asset.imported", MAKER_KEEPER},
    [EVENT_ASSET_UNIMPORTED] = {"asset.unimported", MAKER_KEEPER},
    [EVENT_ASSET_ADMISSION] = {"asset.admission", MAKER_KEEPER},
    [EVENT_LEDGER_VERIFIED] = {"ledger.verified", MAKER_KEEPER},
    [EVENT_LEDGER_UNLOCKED] = {"ledger.unlocked", MAKER_KEEPER},
    [EVENT_PROGRAM_UPGRADED] = {"program.upgraded", MAKER_KEEPER},
    [EVENT_BACKUP_MADE] = {"backup.made", MAKER_KEEPER},
    [EVENT_BACKUP_TESTED] = {"backup.tested", MAKER_KEEPER},
    [EVENT_BACKUP_RESTORED] = {"backup.restored", MAKER_KEEPER},
    [EVENT_RETENTION_REMOVED] = {"retention.removed", MAKER_KEEPER},
    [EVENT_RETENTION_SKIPPED] = {"retention.skipped", MAKER_KEEPER},
    [EVENT_LEDGER_WITNESSED] = {"ledger.witnessed", MAKER_KEEPER},
    [EVENT_KEYS_ROTATED] = {"keys.rotated", MAKER_KEEPER},
    [EVENT_KEYS_ERASED] = {"keys.erased", MAKER_KEEPER},
    [EVENT_KEYS_RECOVERY] = {"keys.recovery", MAKER_KEEPER},
    [EVENT_CERTIFICATE_ENROLMENT] = {"certificate.enrolment", MAKER_KEEPER},
    [EVENT_CERTIFICATE_ISSUED] = {"certificate.issued", MAKER_KEEPER},
    [EVENT_CERTIFICATE_ROTATED] = {"certificate.rotated", MAKER_KEEPER},
    [EVENT_CERTIFICATE_REVOKED] = {"certificate.revoked", MAKER_KEEPER},
    [EVENT_EVIDENCE_PACKETS] = {"evidence.packets", MAKER_DETECTOR},
    [EVENT_PHI_LOOK] = {"phi.look", MAKER_KEEPER},
    [EVENT_STORE_CHECKPOINT] = {"store.checkpoint", MAKER_KEEPER},
    [EVENT_STORE_MENDED] = {"store.mended", MAKER_KEEPER},
    [EVENT_LINK_STATE] = {"link.state", MAKER_RELAY},
    [EVENT_LINK_BYPASSED] = {"link.bypassed", MAKER_KEEPER},
    [EVENT_LINK_HELD] = {"link.held", MAKER_KEEPER},
    [EVENT_LINK_LEARNT] = {"link.learnt", MAKER_RELAY},
    [EVENT_LINK_POLICY] = {"link.policy", MAKER_KEEPER},
    [EVENT_RELAY_DELIVERED] = {"relay.delivered", MAKER_RELAY},
    [EVENT_RELAY_BEHIND] = {"relay.behind", MAKER_RELAY},
    [EVENT_ACCOUNT_EDITED] = {"account.edited", MAKER_KEEPER},
    [EVENT_ACCOUNT_GRANTED] = {"account.granted", MAKER_KEEPER},
    [EVENT_ACCOUNT_WITHDRAWN] = {"account.withdrawn", MAKER_KEEPER},
    [EVENT_ACCOUNT_CLOSED] = {"account.closed", MAKER_KEEPER},
    [EVENT_ACCOUNT_REOPENED] = {"account.reopened", MAKER_KEEPER},
    [EVENT_ACCOUNT_RESET] = {"account.reset", MAKER_KEEPER},
    [EVENT_ACCOUNT_PASSWORD] = {"account.password", MAKER_KEEPER},
    [EVENT_ACCOUNT_REVIEWED] = {"account.reviewed", MAKER_KEEPER},
    [EVENT_ACCESS_POLICY] = {"access.policy", MAKER_KEEPER},
    [EVENT_TOKEN_CREATED] = {"token.created", MAKER_KEEPER},
    [EVENT_TOKEN_REVOKED] = {"token.revoked", MAKER_KEEPER},
    [EVENT_DATA_EXPORTED] = {"data.exported", MAKER_KEEPER},
    [EVENT_TASK_CANCELLED] = {"task.cancelled", MAKER_KEEPER},
    [EVENT_FINDING_MAILED] = {"finding.mailed", MAKER_KEEPER},
    [EVENT_CONFIG_CHANGED] = {"config.changed", MAKER_KEEPER},
    [EVENT_PASSKEY_ADDED] = {"passkey.added", MAKER_KEEPER},
    [EVENT_PASSKEY_USED] = {"passkey.used", MAKER_KEEPER},
    [EVENT_PASSKEY_RENAMED] = {"passkey.renamed", MAKER_KEEPER},
    [EVENT_PASSKEY_REMOVED] = {"passkey.removed", MAKER_KEEPER},
    [EVENT_PASSKEY_STOPPED] = {"passkey.stopped", MAKER_KEEPER},
    [EVENT_TOTP_SET] = {"totp.set", MAKER_KEEPER},
    [EVENT_TOTP_USED] = {"totp.used", MAKER_KEEPER},
    [EVENT_TOTP_REMOVED] = {"totp.removed", MAKER_KEEPER},
    [EVENT_RECOVERY_ASKED] = {"recovery.asked", MAKER_KEEPER},
    [EVENT_RECOVERY_APPROVED] = {"recovery.approved", MAKER_KEEPER},
    [EVENT_RECOVERY_WITHDRAWN] = {"recovery.withdrawn", MAKER_KEEPER},
    [EVENT_RECOVERY_USED] = {"recovery.used", MAKER_KEEPER},
    [EVENT_REPORT_FILED] = {"report.filed", MAKER_KEEPER},
    [EVENT_REPORT_TAKEN] = {"report.taken", MAKER_KEEPER},
    [EVENT_REPORT_RELEASED] = {"report.released", MAKER_KEEPER},
    [EVENT_REPORT_ANSWERED] = {"report.answered", MAKER_KEEPER},
    [EVENT_REPORT_CLOSED] = {"report.closed", MAKER_KEEPER},
    [EVENT_DOOR_ASKED] = {"door.asked", MAKER_KEEPER},
    [EVENT_DOOR_APPROVED] = {"door.approved", MAKER_KEEPER},
    [EVENT_DOOR_REFUSED] = {"door.refused", MAKER_KEEPER},
    [EVENT_DOOR_WITHDRAWN] = {"door.withdrawn", MAKER_KEEPER},
    [EVENT_DOOR_OPENED] = {"door.opened", MAKER_KEEPER},
    [EVENT_DOOR_CLOSED] = {"door.closed", MAKER_KEEPER},
    [EVENT_ACCOUNT_CONTACT] = {"account.contact", MAKER_KEEPER},
    [EVENT_TRAINING_ASSIGNED] = {"training.assigned", MAKER_KEEPER},
    [EVENT_TRAINING_UNASSIGNED] = {"training.unassigned", MAKER_KEEPER},
    [EVENT_TRAINING_REFRESHER] = {"training.refresher", MAKER_KEEPER},
    [EVENT_TRAINING_COURSE] = {"training.course", MAKER_KEEPER},
    [EVENT_TRAINING_BEGUN] = {"training.begun", MAKER_KEEPER},
    [EVENT_TRAINING_ANSWERED] = {"training.answered", MAKER_KEEPER},
    [EVENT_TRAINING_COMPLETED] = {"training.completed", MAKER_KEEPER},
    [EVENT_TRAINING_CLASSROOM] = {"training.classroom", MAKER_KEEPER},
    [EVENT_TRAINING_POLICY] = {"training.policy", MAKER_KEEPER},
    [EVENT_TRAINING_ACKNOWLEDGED] = {"training.acknowledged", MAKER_KEEPER},
    [EVENT_TRAINING_REMINDED] = {"training.reminded", MAKER_KEEPER},
    [EVENT_TRAINING_STANDING] = {"training.standing", MAKER_KEEPER},
    [EVENT_TRAINING_LEFT] = {"training.left", MAKER_KEEPER},
    [EVENT_MAIL_REPORTED] = {"mail.reported", MAKER_KEEPER},
    [EVENT_MAIL_DECIDED] = {"mail.decided", MAKER_KEEPER},
    [EVENT_INCIDENT_OPENED] = {"incident.opened", MAKER_KEEPER},
    [EVENT_PHISH_PLANNED] = {"phish.planned", MAKER_KEEPER},
    [EVENT_PHISH_ENDED] = {"phish.ended", MAKER_KEEPER},
    [EVENT_PHISH_SENT] = {"phish.sent", MAKER_KEEPER},
    [EVENT_PHISH_VISITED] = {"phish.visited", MAKER_KEEPER},
    [EVENT_PHISH_REPORTED] = {"phish.reported", MAKER_KEEPER},
};

const char *event_name(enum event e)
{
    return (unsigned)e < EVENT_COUNT ? events[e].name : "";
}

enum event_maker event_maker(enum event e)
{
    return (unsigned)e < EVENT_COUNT ? events[e].maker : MAKER_NOBODY;
}

const struct key_info *key_info(enum record_key k)
{
    return &keys[(unsigned)k < KEY_COUNT ? k : 0];
}

void record_start(struct record *r, enum event event, tq_time time, const struct flow_ref *flow)
{
    r->event = event;
    r->time = time;
    r->seq = 0;
    if (flow != NULL)
        r->flow = *flow;
    else
        memset(&r->flow, 0, sizeof r->flow);
    r->n = 0;
    r->cut = false;
}

void record_str(struct record *r, enum record_key key, const char *text)
{
    if (text != NULL)
        record_text(r, key, span_str(text));
}

void record_int(struct record *r, enum record_key key, int64_t v)
{
    struct field *f = record_field(r, key);
    if (f != NULL)
        f->number = v;
}

void record_body(struct record *r, struct span bytes)
{
    while (bytes.n > 0 && r->n < RECORD_FIELDS)
        record_text(r, KEY_BODY, span_take(&bytes, bytes.n < RECORD_TEXT ? bytes.n : RECORD_TEXT));
    r->cut = r->cut || bytes.n > 0;
}

static const struct field *find(const struct record *r, enum record_key key)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->fields[i].key == key)
            return &r->fields[i];
    return NULL;
}

struct span record_get(const struct record *r, enum record_key key)
{
    const struct field *f = find(r, key);
    return f == NULL || keys[key].type != TYPE_TEXT ? (struct span){0} : f->text;
}

int64_t record_number(const struct record *r, enum record_key key, int64_t missing)
{
    const struct field *f = find(r, key);
    return f == NULL || keys[key].type == TYPE_TEXT ? missing : f->number;
}

static uint8_t *put_be(uint8_t *p, unsigned width, uint64_t v)
{
    v = htobe64(v << (64 - 8 * width));
    memcpy(p, &v, width);
    return p + width;
}

static uint8_t *put_address(uint8_t *p, const struct address *a)
{
    *p++ = a->family;
    memcpy(p, a->bytes, sizeof a->bytes);
    return p + sizeof a->bytes;
}

#define HEAD_BYTES (1 + 1 + 3 * 8)
#define FLOW_BYTES (1 + 2 * (1 + sizeof((struct address){0}).bytes) + 3 * 2)

size_t record_encoded_size(const struct record *r)
{
    size_t size = HEAD_BYTES + (r->flow.id != 0 ? FLOW_BYTES : 0) + 2;
    for (size_t i = 0; i < r->n; i++)
        size += keys[r->fields[i].key].type == TYPE_TEXT ? 2 + 4 + (size_t)r->fields[i].text.n : 2 + 8;
    return size;
}

/* A record is encoded for every result, several times on its way: room is asked for once. */
void record_encode(struct buf *out, const struct record *r)
{
    size_t size = record_encoded_size(r);
    if (!buf_reserve(out, size))
        return;
    uint8_t *p = out->p + out->n;
    *p++ = (uint8_t)r->event;
    *p++ = r->cut;
    p = put_be(p, 8, (uint64_t)r->time);
    p = put_be(p, 8, r->seq);
    p = put_be(p, 8, r->flow.id);
    if (r->flow.id != 0) {
        *p++ = r->flow.proto;
        p = put_address(p, &r->flow.src);
        p = put_address(p, &r->flow.dst);
        p = put_be(p, 2, r->flow.sport);
        p = put_be(p, 2, r->flow.dport);
        p = put_be(p, 2, r->flow.vlan);
    }
    p = put_be(p, 2, r->n);
    for (size_t i = 0; i < r->n; i++) {
        const struct field *f = &r->fields[i];
        p = put_be(p, 2, (uint16_t)f->key);
        if (keys[f->key].type == TYPE_TEXT) {
            p = put_be(p, 4, f->text.n);
            p += span_copy(f->text, p, f->text.n);
        } else {
            p = put_be(p, 8, (uint64_t)f->number);
        }
    }
    out->n += size;
}

static void get_address(struct span *s, struct address *a)
{
    a->family = span_u8(s);
    struct span bytes = span_take(s, sizeof a->bytes);
    if (bytes.bad || (a->family != 0 && a->family != 4 && a->family != 6)) {
        (void)span_fail(s);
        return;
    }
    memcpy(a->bytes, bytes.p, sizeof a->bytes);
}

int record_decode(struct span in, struct record *r, struct error *e)
{
    struct span s = in;
    uint8_t event = span_u8(&s);
    uint8_t cut = span_u8(&s);
    uint64_t time = span_be64(&s);
    record_start(r, EVENT_NONE, (tq_time)time, NULL);
    r->seq = span_be64(&s);
    r->flow.id = span_be64(&s);
    if (r->flow.id != 0) {
        r->flow.proto = span_u8(&s);
        get_address(&s, &r->flow.src);
        get_address(&s, &r->flow.dst);
        r->flow.sport = span_be16(&s);
        r->flow.dport = span_be16(&s);
        r->flow.vlan = span_be16(&s);
    }
    size_t n = span_be16(&s);
    if (s.bad || event == EVENT_NONE || event >= EVENT_COUNT || cut > 1 || n > RECORD_FIELDS)
        return err_set(e, ERR_PEER, "a record's head is malformed");
    r->event = (enum event)event;
    for (size_t i = 0; i < n; i++) {
        uint16_t key = span_be16(&s);
        if (s.bad || key >= KEY_COUNT)
            return err_set(e, ERR_PEER, "field %zu of a record has no known key", i);
        struct field *f = &r->fields[r->n++];
        f->key = (enum record_key)key;
        if (keys[key].type == TYPE_TEXT) {
            uint32_t length = span_be32(&s);
            if (length > RECORD_TEXT)
                return err_set(e, ERR_PEER, "field %zu of a record is over %d bytes", i, RECORD_TEXT);
            f->text = span_take(&s, length);
        } else {
            f->number = (int64_t)span_be64(&s);
        }
    }
    if (s.bad || s.n != 0)
        return err_set(e, ERR_PEER, "a record is cut, or followed by %u stray bytes", s.n);
    r->cut = cut == 1;
    return 0;
}

void address_format(const struct address *a, char out[46])
{
    out[0] = 0;
    if (a->family == 6)
        (void)inet_ntop(AF_INET6, a->bytes, out, 46);
    if (a->family != 4)
        return;
    for (size_t i = 0; i < 4; i++) {
        out = text_decimal(out, a->bytes[i]);
        *out++ = i < 3 ? '.' : 0;
    }
}

bool address_parse(struct span text, struct address *ret)
{
    char copy[46];
    if (text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = 0;
    struct address a = {.family = memchr(copy, ':', text.n) != NULL ? 6 : 4};
    if (inet_pton(a.family == 4 ? AF_INET : AF_INET6, copy, a.bytes) != 1)
        return false;
    *ret = a;
    return true;
}
