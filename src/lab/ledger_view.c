#include "lab/ledger_view.h"

#include "lab/views_private.h"

#include <stdio.h>

static void add(struct buf *out, const char *before, struct span text, const char *after)
{
    if (text.n == 0)
        return;
    buf_add_str(out, before);
    buf_add_span(out, text);
    buf_add_str(out, after);
}

static void say_lab(const struct event_view *ev, struct buf *out)
{
    if (ev->event == EVENT_LAB_RESULT) {
        struct span test = event_text(ev, "test.text");
        add(out, "Result: ", test.n > 0 ? test : event_text(ev, "test.code"), "");
        add(out, ", specimen ", event_text(ev, "specimen"), "");
        return;
    }
    if (ev->event == EVENT_LAB_ORDER) {
        struct span test = event_text(ev, "test.text");
        add(out, span_is(event_text(ev, "action"), "cancel") ? "Order taken back: " : "Order: ", test.n > 0 ? test : event_text(ev, "test.code"), "");
        add(out, ", specimen ", event_text(ev, "specimen"), "");
        return;
    }
    add(out, "", event_text(ev, "type"), "");
    add(out, " from ", event_text(ev, "sender"), "");
    add(out, " to ", event_text(ev, "receiver"), "");
    int64_t results = event_int(ev, "results", 0);
    if (results > 0)
        buf_addf(out, ", %lld result%s", (long long)results, results == 1 ? "" : "s");
    add(out, ", damaged: ", event_text(ev, "malformed"), "");
}

/* Something that a person or the program did: who, what, to what, why. */
static const struct {
    enum event event;
    const char *did;
    const char *object; /* field that names what it was done to; NULL: nothing */
} doings[] = {
    {EVENT_RUN_STARTED, "Tourniquet started", NULL},
    {EVENT_RUN_STOPPED, "Tourniquet stopped", NULL},
    {EVENT_ROLE_RESTARTED, "A part of the program was restarted:", "program_role"},
    {EVENT_CLOCK_STEPPED, "The clock was moved", NULL},
    {EVENT_STORE_CHECKPOINT, "The views were made durable", NULL},
    {EVENT_STORE_MENDED, "The views were mended", NULL},
    {EVENT_CAPTURE_STARTED, "Started to read", "capture"},
    {EVENT_CAPTURE_ENDED, "Stopped reading", "capture"},
    {EVENT_SENSOR_STATUS, "Counters of", "capture"},
    {EVENT_ACCOUNT_CREATED, "Account made:", "account"},
    {EVENT_ACCOUNT_EDITED, "Account shown under another name:", "account"},
    {EVENT_ACCOUNT_CLOSED, "Account closed:", "account"},
    {EVENT_ACCOUNT_REOPENED, "Account opened again:", "account"},
    {EVENT_ACCOUNT_RESET, "A one-time code was made in place of the password of", "account"},
    {EVENT_ACCOUNT_PASSWORD, "Password chosen:", "account"},
    {EVENT_ACCOUNT_REVIEWED, "Roles confirmed of", "reviewed"},
    {EVENT_ACCESS_POLICY, "Rules for passwords were changed", NULL},
    {EVENT_TOKEN_CREATED, "API token made:", "label"},
    {EVENT_TOKEN_REVOKED, "API token revoked:", "label"},
    {EVENT_DATA_EXPORTED, "Taken out:", "what"},
    {EVENT_FINDING_MAILED, "New findings went by mail; addresses:", "addresses"},
    {EVENT_TASK_CANCELLED, "Ended before its end:", "what"},
    {EVENT_CONFIG_CHANGED, "Settings changed in lab.yaml:", "settings"},
    {EVENT_SESSION_OPENED, "Signed in:", "account"},
    {EVENT_SESSION_REFUSED, "Sign-in refused:", "account"},
    {EVENT_SESSION_CLOSED, "Signed out:", "account"},
    {EVENT_REQUEST_REFUSED, "Request refused:", "permission"},
    {EVENT_FINDING_TAKEN, "Finding taken:", "id"},
    {EVENT_FINDING_RELEASED, "Finding given back:", "id"},
    {EVENT_FINDING_DISMISSED, "Finding dismissed:", "id"},
    {EVENT_FINDING_REOPENED, "Finding opened again:", "id"},
    {EVENT_FINDING_ENDED, "Finding over:", "kind"},
    {EVENT_LEDGER_UNLOCKED, "Unlocked", NULL},
    {EVENT_PROGRAM_UPGRADED, "The program was replaced by version", "to"},
    {EVENT_BACKUP_MADE, "Backup made:", "backup"},
    {EVENT_BACKUP_TESTED, "Backup tested:", "backup"},
    {EVENT_BACKUP_RESTORED, "Everything was restored from the backup", "backup"},
    {EVENT_RETENTION_REMOVED, "Removed, every hash and proof stays:", "day"},
    {EVENT_RETENTION_SKIPPED, "Observations were not kept", NULL},
    {EVENT_LINK_STATE, "State of a link:", "state"},
    {EVENT_LINK_BYPASSED, "Bypass decided of link", "link"},
    {EVENT_LINK_HELD, "Hold decided of link", "link"},
    {EVENT_LINK_LEARNT, "What is usual was learnt of link", "link"},
    {EVENT_LINK_POLICY, "Policy approved of link", "link"},
    {EVENT_RELAY_DELIVERED, "A message was delivered by link", "link"},
    {EVENT_RELAY_BEHIND, "How far the relay's records are on the ledger:", "state"},
    {EVENT_PASSKEY_ADDED, "Passkey added:", "account"},
    {EVENT_PASSKEY_USED, "Passkey used:", "account"},
    {EVENT_PASSKEY_RENAMED, "Passkey named anew:", "account"},
    {EVENT_PASSKEY_REMOVED, "Passkey removed:", "account"},
    {EVENT_PASSKEY_STOPPED, "Passkey stopped, there are two of it:", "account"},
    {EVENT_TOTP_SET, "App with codes added:", "account"},
    {EVENT_TOTP_USED, "Code of an app used:", "account"},
    {EVENT_TOTP_REMOVED, "App with codes removed:", "account"},
    {EVENT_RECOVERY_ASKED, "To be let in again:", "account"},
    {EVENT_RECOVERY_APPROVED, "Approved, to be let in again:", "account"},
    {EVENT_RECOVERY_WITHDRAWN, "Not let in again:", "account"},
    {EVENT_RECOVERY_USED, "Let in again:", "account"},
    {EVENT_REPORT_FILED, "Something was reported:", "kind"},
    {EVENT_REPORT_TAKEN, "Report taken:", "report"},
    {EVENT_REPORT_RELEASED, "Report given back:", "report"},
    {EVENT_REPORT_ANSWERED, "Report answered:", "report"},
    {EVENT_REPORT_CLOSED, "Report closed:", "report"},
    {EVENT_DOOR_ASKED, "A door asked for, to", "address"},
    {EVENT_DOOR_APPROVED, "A door approved, to", "address"},
    {EVENT_DOOR_REFUSED, "A door refused, to", "address"},
    {EVENT_DOOR_WITHDRAWN, "A door ended, to", "address"},
    {EVENT_DOOR_OPENED, "The firewall opened a door, to", "address"},
    {EVENT_DOOR_CLOSED, "A door is closed, to", "address"},
    {EVENT_ACCOUNT_CONTACT, "Mail and manager told of", "account"},
    {EVENT_TRAINING_ASSIGNED, "Training assigned:", "course"},
    {EVENT_TRAINING_UNASSIGNED, "Training is asked for no more:", "course"},
    {EVENT_TRAINING_REFRESHER, "Refresher for", "account"},
    {EVENT_TRAINING_COURSE, "Text of a course:", "course"},
    {EVENT_TRAINING_BEGUN, "Training begun:", "course"},
    {EVENT_TRAINING_ANSWERED, "A question of a training was answered", NULL},
    {EVENT_TRAINING_COMPLETED, "Training completed:", "course"},
    {EVENT_TRAINING_CLASSROOM, "Taught in a classroom:", "course_title"},
    {EVENT_TRAINING_POLICY, "Policy:", "course_title"},
    {EVENT_TRAINING_ACKNOWLEDGED, "Policy acknowledged:", "course"},
    {EVENT_TRAINING_REMINDED, "Reminded of training:", "account"},
    {EVENT_TRAINING_STANDING, "Training was counted as of", "from_day"},
    {EVENT_TRAINING_LEFT, "A role ended, and its training with it:", "account"},
    {EVENT_MAIL_REPORTED, "A mail was reported; the program called it", "verdict"},
    {EVENT_MAIL_DECIDED, "Decided about a mail:", "verdict"},
    {EVENT_INCIDENT_OPENED, "Incident opened:", "title"},
    {EVENT_PHISH_PLANNED, "Phishing simulation planned:", "template"},
    {EVENT_PHISH_ENDED, "Phishing simulation ended:", "campaign"},
    {EVENT_PHISH_SENT, "A mail of a phishing simulation was sent:", "campaign"},
    {EVENT_PHISH_VISITED, "The link of a simulated mail was followed:", "campaign"},
    {EVENT_PHISH_REPORTED, "A simulated mail was reported:", "campaign"},
    {EVENT_ASSET_NAMED, "Device named", "name"},
    {EVENT_ASSET_EDITED, "Device changed:", "asset"},
    {EVENT_ASSET_JOINED, "Devices found to be one:", "asset"},
    {EVENT_ASSET_SPLIT, "Devices found to be two:", "part"},
    {EVENT_ASSET_DISTINCT, "Devices found to be different:", "asset"},
    {EVENT_ASSET_IMPORTED, "Devices read from a list", NULL},
    {EVENT_ASSET_UNIMPORTED, "What a list of devices told was taken back", NULL},
    {EVENT_ASSET_ADMISSION, "Admission of devices:", "decision"},
    {EVENT_KEYS_ROTATED, "The ledger's keys were rotated; they open by", "keys.source"},
    {EVENT_KEYS_ERASED, "Erased, every hash and proof stays:", "erased.patient"},
    {EVENT_KEYS_RECOVERY, "The recovery key was", "what"},
    {EVENT_CERTIFICATE_ENROLMENT, "Enrolment of a certificate for", "certificate.for"},
    {EVENT_CERTIFICATE_ISSUED, "Certificate made for", "certificate.for"},
    {EVENT_CERTIFICATE_ROTATED, "Certificate replaced for", "certificate.for"},
    {EVENT_CERTIFICATE_REVOKED, "Certificate revoked for", "certificate.for"},
    {EVENT_RESULT_FOLLOWED, "Results followed from place to place:", "step.verdict"},
    {EVENT_PHI_LOOK, "Somebody looked at what is hidden:", "what"},
    {EVENT_EVIDENCE_PACKETS, "Packets kept of a finding:", "kind"},
    {EVENT_ASSET_EVIDENCE, "Learnt about", "ip"},
    {EVENT_FLOW_CLOSED, "Conversation ended:", "app"},
    {EVENT_DICOM_ASSOCIATION, "DICOM association with", "called"},
    {EVENT_NETWORK_ATTEMPTS, "Connections in vain, counted at", "ip"},
    {EVENT_NETWORK_CLAIMS, "Claimed by ARP, though another holds it:", "ip"},
};

struct span ledger_object(const struct event_view *ev)
{
    if (ev->event == EVENT_ACCOUNT_GRANTED || ev->event == EVENT_ACCOUNT_WITHDRAWN)
        return event_text(ev, "account_role");
    for (size_t i = 0; i < sizeof doings / sizeof doings[0]; i++)
        if (doings[i].event == ev->event && doings[i].object != NULL)
            return event_item(ev, doings[i].object, 0);
    return (struct span){0};
}

void ledger_say_what(const struct event_view *ev, struct buf *out)
{
    if (ev->event == EVENT_ACCOUNT_GRANTED || ev->event == EVENT_ACCOUNT_WITHDRAWN) {
        bool given = ev->event == EVENT_ACCOUNT_GRANTED;
        add(out, given ? "Role given: " : "Role taken back: ", event_text(ev, "account_role"), given ? " to " : " from ");
        add(out, "", event_text(ev, "account"), "");
        return;
    }
    for (size_t i = 0; i < sizeof doings / sizeof doings[0]; i++) {
        if (doings[i].event != ev->event)
            continue;
        buf_add_str(out, doings[i].did);
        if (doings[i].object != NULL)
            add(out, " ", event_item(ev, doings[i].object, 0), "");
    }
}

static void say_doing(const struct event_view *ev, struct buf *out)
{
    ledger_say_what(ev, out);
    if (ev->event == EVENT_TRAINING_BEGUN || ev->event == EVENT_TRAINING_ANSWERED)
        return; /* how often somebody tries is nobody's business */
    add(out, ", by ", event_text(ev, "person"), "");
    add(out, ", from ", event_text(ev, "origin"), "");
    add(out, ". ", event_text(ev, "why"), "");
}

static void say_witnessed(const struct event_view *ev, struct buf *out)
{
    struct span state = event_text(ev, "state");
    add(out, "The witness ", event_text(ev, "name"), span_is(state, "agrees") ? " cosigned" : span_is(state, "silent") ? " is silent" : " refused");
    if (span_is(state, "agrees"))
        buf_addf(out, " %lld records", (long long)event_int(ev, "tree_size", 0));
    add(out, ", brought by ", event_text(ev, "person"), "");
    add(out, ": ", event_text(ev, "why"), "");
    buf_add_str(out, ".");
}

static void say(const struct event_view *ev, struct buf *out)
{
    if (ev->event == EVENT_LAB_MESSAGE || ev->event == EVENT_LAB_RESULT || ev->event == EVENT_LAB_ORDER)
        say_lab(ev, out);
    else if (ev->event == EVENT_FINDING)
        add(out, "", event_text(ev, "title"), "");
    else if (ev->event == EVENT_LEDGER_VERIFIED)
        buf_add_str(out, event_int(ev, "holds", 0) == 1 ? "The ledger was checked: it holds." : "The ledger was checked: it does not hold.");
    else if (ev->event == EVENT_LEDGER_WITNESSED)
        say_witnessed(ev, out);
    else
        say_doing(ev, out);
}

int ledger_apply_row(struct apply *a, struct error *e)
{
    struct buf summary = BUF_INIT(2048);
    say(&a->ev, &summary);
    struct store_stmt *q = store_stmt(a->w, "INSERT INTO ledger_row VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7) ON CONFLICT(record) DO UPDATE SET "
                                            "events = events + 1, flows = flows + excluded.flows, evidence = evidence + excluded.evidence");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->c->custody);
    store_bind_int(q, 3, a->c->recorded);
    store_bind_str(q, 4, event_name(a->ev.event));
    store_bind_held(q, 5, buf_ok(&summary) ? buf_span(&summary) : SPAN_LIT(""));
    store_bind_int(q, 6, a->ev.event == EVENT_FLOW_CLOSED);
    store_bind_int(q, 7, a->ev.event == EVENT_ASSET_EVIDENCE);
    int rc = store_run(q, e);
    buf_release(&summary);
    view_notice(a->v, TOPIC_LEDGER, SPAN_LIT(""), a->c->index);
    if (rc != 0 || a->c->index % KEEP_SLACK != 0)
        return rc;
    q = store_stmt(a->w, "DELETE FROM ledger_row WHERE record <= ?1 AND record > 0"); /* the first stays: it says since when */
    store_bind_int(q, 1, (int64_t)a->c->index - KEEP_LEDGER_ROWS);
    return store_run(q, e);
}

int ledger_apply_erased(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR IGNORE INTO ledger_row VALUES (?1, ?2, ?3, 'erased', 'Erased', 1, 0, 0)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_int(q, 2, a->c->custody);
    store_bind_int(q, 3, a->c->recorded);
    return store_run(q, e);
}

int ledger_apply_verified(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO ledger_check VALUES (1, ?1, ?2, ?3, ?4, nullif(?5, ''))");
    store_bind_int(q, 1, a->ev.time);
    store_bind_int(q, 2, event_int(&a->ev, "holds", 0));
    store_bind_int(q, 3, event_int(&a->ev, "tree_size", 0));
    store_bind_int(q, 4, event_int(&a->ev, "first_bad", -1));
    store_bind_text(q, 5, event_text(&a->ev, "why"));
    view_notice(a->v, TOPIC_TODAY, SPAN_LIT(""), a->c->index);
    return store_run(q, e);
}

int ledger_apply_checkpoint(struct apply *a, struct error *e)
{
    struct store_stmt *q = store_stmt(a->w, "INSERT OR REPLACE INTO store_checkpoint VALUES (1, ?1, ?2, ?3, ?4)");
    store_bind_int(q, 1, (int64_t)a->c->index);
    store_bind_text(q, 2, event_text(&a->ev, "life"));
    store_bind_int(q, 3, event_int(&a->ev, "generation", 0));
    store_bind_text(q, 4, event_text(&a->ev, "hash"));
    return store_run(q, e);
}

int ledger_list(struct store_conn *c, int64_t before, int64_t limit, ledger_each *each, void *context, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT record, custody, time, event, summary, events, flows, evidence FROM ledger_row WHERE record < ?1 "
                                         "ORDER BY record DESC LIMIT ?2");
    store_bind_int(q, 1, before >= 0 ? before : INT64_MAX);
    store_bind_int(q, 2, limit);
    while (store_step(q)) {
        struct ledger_row row = {
            .record = (uint64_t)store_int(q, 0),
            .custody = store_int(q, 1) != 0,
            .time = store_int(q, 2),
            .event = store_text(q, 3),
            .summary = store_text(q, 4),
            .events = store_int(q, 5),
            .flows = store_int(q, 6),
            .evidence = store_int(q, 7),
        };
        each(context, &row);
    }
    return store_done(q, e);
}

int64_t ledger_rows(struct store_conn *c, struct error *e)
{
    return store_run_int(store_stmt(c, "SELECT count(*) FROM ledger_row"), -1, e);
}

tq_time ledger_since(struct store_conn *c)
{
    return store_run_int(store_stmt(c, "SELECT time FROM ledger_row WHERE record = 0"), 0, NULL);
}

int ledger_check_get(struct store_conn *c, struct ledger_check_row *ret, struct error *e)
{
    *ret = (struct ledger_check_row){.first_bad = -1};
    struct store_stmt *q = store_stmt(c, "SELECT at, holds, records, first_bad, why FROM ledger_check");
    if (store_step(q)) {
        ret->any = true;
        ret->at = store_int(q, 0);
        ret->holds = store_int(q, 1) != 0;
        ret->records = store_int(q, 2);
        ret->first_bad = store_int(q, 3);
        (void)snprintf(ret->why, sizeof ret->why, "%.*s", (int)store_text(q, 4).n, (const char *)store_text(q, 4).p);
    }
    return store_done(q, e);
}
