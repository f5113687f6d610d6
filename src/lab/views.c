#include "lab/views_private.h"

#include "lab/inventory/asset_private.h"
#include "lab/schema.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    enum event event;
    apply_fn *apply;
} projections[] = {
    {EVENT_ASSET_EVIDENCE, asset_apply_evidence},
    {EVENT_FLOW_CLOSED, asset_apply_flow},
    {EVENT_ASSET_NAMED, asset_apply_named},
    {EVENT_ASSET_EDITED, asset_apply_edited},
    {EVENT_ASSET_JOINED, asset_apply_joined},
    {EVENT_ASSET_SPLIT, asset_apply_split},
    {EVENT_ASSET_DISTINCT, asset_apply_distinct},
    {EVENT_ASSET_IMPORTED, asset_apply_imported},
    {EVENT_ASSET_UNIMPORTED, asset_apply_unimported},
    {EVENT_ASSET_ADMISSION, asset_apply_admission},
    {EVENT_LAB_MESSAGE, message_apply},
    {EVENT_LAB_RESULT, result_apply},
    {EVENT_RESULT_FOLLOWED, custody_apply},
    {EVENT_FINDING, finding_apply},
    {EVENT_FINDING_TAKEN, finding_apply_decision},
    {EVENT_FINDING_RELEASED, finding_apply_decision},
    {EVENT_FINDING_DISMISSED, finding_apply_decision},
    {EVENT_FINDING_REOPENED, finding_apply_decision},
    {EVENT_FINDING_ENDED, finding_apply_ended},
    {EVENT_FINDING_MAILED, told_apply},
    {EVENT_ACCOUNT_CREATED, account_apply_created},
    {EVENT_ACCOUNT_EDITED, account_apply_edited},
    {EVENT_ACCOUNT_GRANTED, account_apply_granted},
    {EVENT_ACCOUNT_WITHDRAWN, account_apply_withdrawn},
    {EVENT_ACCOUNT_CLOSED, account_apply_closed},
    {EVENT_ACCOUNT_REOPENED, account_apply_reopened},
    {EVENT_ACCOUNT_RESET, account_apply_reset},
    {EVENT_ACCOUNT_PASSWORD, account_apply_password},
    {EVENT_ACCOUNT_REVIEWED, account_apply_reviewed},
    {EVENT_SESSION_OPENED, account_apply_signed_in},
    {EVENT_ACCESS_POLICY, policy_apply},
    {EVENT_CONFIG_CHANGED, setting_apply},
    {EVENT_TOKEN_CREATED, token_apply_created},
    {EVENT_TOKEN_REVOKED, token_apply_revoked},
    {EVENT_PHI_LOOK, look_apply},
    {EVENT_EVIDENCE_PACKETS, finding_apply_packets},
    {EVENT_CAPTURE_STARTED, capture_apply_started},
    {EVENT_CAPTURE_ENDED, capture_apply_ended},
    {EVENT_SENSOR_STATUS, capture_apply_status},
    {EVENT_RUN_STARTED, capture_apply_run},
    {EVENT_RUN_STOPPED, capture_apply_run},
    {EVENT_LEDGER_VERIFIED, ledger_apply_verified},
    {EVENT_KEYS_ERASED, keys_apply_erased},
    {EVENT_STORE_CHECKPOINT, ledger_apply_checkpoint},
    {EVENT_CERTIFICATE_ISSUED, certificate_apply},
    {EVENT_CERTIFICATE_ROTATED, certificate_apply},
    {EVENT_CERTIFICATE_REVOKED, certificate_apply},
    {EVENT_BACKUP_MADE, backup_apply_made},
    {EVENT_BACKUP_TESTED, backup_apply_tested},
    {EVENT_RETENTION_REMOVED, retention_apply_removed},
    {EVENT_LINK_STATE, link_apply_state},
    {EVENT_LINK_BYPASSED, link_apply_decision},
    {EVENT_LINK_HELD, link_apply_decision},
    {EVENT_LINK_LEARNT, link_apply_learnt},
    {EVENT_LINK_POLICY, link_apply_policy},
    {EVENT_RELAY_DELIVERED, link_apply_delivered},
    {EVENT_PASSKEY_ADDED, passkey_apply_added},
    {EVENT_PASSKEY_USED, passkey_apply_used},
    {EVENT_PASSKEY_RENAMED, passkey_apply_renamed},
    {EVENT_PASSKEY_REMOVED, passkey_apply_removed},
    {EVENT_PASSKEY_STOPPED, passkey_apply_stopped},
    {EVENT_TOTP_SET, totp_apply_set},
    {EVENT_TOTP_USED, totp_apply_used},
    {EVENT_TOTP_REMOVED, totp_apply_removed},
    {EVENT_RECOVERY_ASKED, recovery_apply_asked},
    {EVENT_RECOVERY_APPROVED, recovery_apply_approved},
    {EVENT_RECOVERY_WITHDRAWN, recovery_apply_ended},
    {EVENT_RECOVERY_USED, recovery_apply_ended},
    {EVENT_REPORT_FILED, report_apply_filed},
    {EVENT_REPORT_TAKEN, report_apply_step},
    {EVENT_REPORT_RELEASED, report_apply_step},
    {EVENT_REPORT_ANSWERED, report_apply_step},
    {EVENT_REPORT_CLOSED, report_apply_step},
    {EVENT_DOOR_ASKED, door_apply_asked},
    {EVENT_DOOR_APPROVED, door_apply_step},
    {EVENT_DOOR_REFUSED, door_apply_step},
    {EVENT_DOOR_WITHDRAWN, door_apply_step},
    {EVENT_DOOR_OPENED, door_apply_step},
    {EVENT_DOOR_CLOSED, door_apply_step},
    {EVENT_ACCOUNT_CONTACT, training_apply_contact},
    {EVENT_TRAINING_ASSIGNED, training_apply_assigned},
    {EVENT_TRAINING_UNASSIGNED, training_apply_unassigned},
    {EVENT_TRAINING_REFRESHER, training_apply_refresher},
    {EVENT_TRAINING_COURSE, training_apply_course},
    {EVENT_TRAINING_BEGUN, training_apply_begun},
    {EVENT_TRAINING_ANSWERED, training_apply_answered},
    {EVENT_TRAINING_COMPLETED, training_apply_completed},
    {EVENT_TRAINING_CLASSROOM, training_apply_classroom},
    {EVENT_TRAINING_POLICY, training_apply_policy},
    {EVENT_TRAINING_ACKNOWLEDGED, training_apply_acknowledged},
    {EVENT_TRAINING_REMINDED, training_apply_reminded},
    {EVENT_TRAINING_STANDING, training_apply_standing},
    {EVENT_TRAINING_LEFT, training_apply_left},
    {EVENT_MAIL_REPORTED, mail_apply_reported},
    {EVENT_MAIL_DECIDED, mail_apply_decided},
    {EVENT_INCIDENT_OPENED, incident_apply_opened},
    {EVENT_PHISH_PLANNED, phishing_apply_planned},
    {EVENT_PHISH_ENDED, phishing_apply_ended},
    {EVENT_PHISH_SENT, phishing_apply_sent},
    {EVENT_PHISH_VISITED, phishing_apply_visited},
    {EVENT_PHISH_REPORTED, phishing_apply_reported},
};

static const char *const topic_names[TOPIC_COUNT] = {
    [TOPIC_DEVICES] = "devices", [TOPIC_RESULTS] = "results",   [TOPIC_FINDINGS] = "findings", [TOPIC_LEDGER] = "ledger",
    [TOPIC_SENSOR] = "sensor",   [TOPIC_TODAY] = "today",       [TOPIC_LOOKS] = "looks",       [TOPIC_CERTIFICATES] = "certificates",
    [TOPIC_LINKS] = "links",     [TOPIC_PEOPLE] = "people",     [TOPIC_ACTS] = "acts",         [TOPIC_REPORTS] = "reports",
    [TOPIC_DOORS] = "doors",     [TOPIC_TRAINING] = "training", [TOPIC_MAIL] = "mail",
};

struct keeper_views *views_open(struct store *store, const char *site, struct error *e)
{
    if (store_migrate(store, lab_schema, lab_schema_count, e) != 0)
        return NULL;
    struct keeper_views *v = calloc(1, sizeof *v);
    struct asset_match *match = calloc(1, sizeof *match);
    struct asset_memos *memos = asset_memos_new();
    struct catalog *catalog = catalog_new(e);
    struct crypto_hash *basis = crypto_hash_new();
    if (v == NULL || match == NULL || memos == NULL || catalog == NULL || basis == NULL) {
        crypto_hash_free(basis);
        catalog_free(catalog);
        asset_memos_free(memos);
        free(match);
        free(v);
        (void)err_set(e, ERR_SYSTEM, "views: no memory");
        return NULL;
    }
    v->catalog = catalog;
    v->match = match;
    v->memos = memos;
    v->store = store;
    v->w = store_writer(store);
    (void)snprintf(v->site, sizeof v->site, "%s", site);
    v->basis = basis;
    crypto_hash_add(basis, span_str(lab_projections));
    crypto_hash_add(basis, span_of(v->site, sizeof v->site));
    return v;
}

void views_close(struct keeper_views *v)
{
    if (v == NULL)
        return;
    if (v->open)
        store_rollback(v->w);
    crypto_hash_free(v->basis);
    catalog_free(v->catalog);
    free(v->match);
    asset_memos_free(v->memos);
    buf_release(&v->result.id);
    buf_release(&v->result.texts);
    free(v);
}

const struct catalog *views_catalog(const struct keeper_views *v)
{
    return v->catalog;
}

int views_catalog_add(struct keeper_views *v, struct span text, const char *name, struct error *e)
{
    if (v->any || v->basis_text[0] != 0)
        return err_set(e, ERR_MISUSE, "views: the catalog is fixed once a record was applied");
    crypto_hash_add(v->basis, span_str(name));
    crypto_hash_add(v->basis, text);
    return catalog_add(v->catalog, text, name, true, e);
}

int views_zone_set(struct keeper_views *v, struct span file, struct error *e)
{
    if (v->any || v->basis_text[0] != 0)
        return err_set(e, ERR_MISUSE, "views: the time zone is fixed once a record was applied");
    crypto_hash_add(v->basis, SPAN_LIT("time zone"));
    crypto_hash_add(v->basis, file);
    return zone_read(file, &v->zone, e);
}

const struct zone *views_zone(const struct keeper_views *v)
{
    return &v->zone;
}

/* ── counters and notices ── */

/* The counter, read from its table where it was not asked for before. NULL: it cannot be read. */
static struct view_counter *counter_of(struct keeper_views *v, const char *name, struct error *e)
{
    struct error own = {0};
    for (size_t i = 0; i < v->counters_n; i++)
        if (v->counters[i].name == name || strcmp(v->counters[i].name, name) == 0)
            return &v->counters[i];
    int64_t value = counter_get(v->w, name, &own);
    if (own.class == ERR_NONE && v->counters_n == VIEW_COUNTERS)
        (void)err_set(&own, ERR_MISUSE, "views: more counters than there is room for");
    if (own.class != ERR_NONE) {
        *e = own;
        return NULL;
    }
    struct view_counter *c = &v->counters[v->counters_n++];
    *c = (struct view_counter){.name = name, .value = value};
    return c;
}

int counter_add(struct apply *a, const char *name, int64_t n, struct error *e)
{
    struct view_counter *c = counter_of(a->v, name, e);
    if (c == NULL)
        return -1;
    c->value += n;
    c->changed = true;
    return 0;
}

int64_t counter_now(struct apply *a, const char *name, struct error *e)
{
    const struct view_counter *c = counter_of(a->v, name, e);
    return c == NULL ? 0 : c->value;
}

static int keep_counters(struct keeper_views *v, struct error *e)
{
    for (size_t i = 0; i < v->counters_n; i++) {
        struct view_counter *c = &v->counters[i];
        if (!c->changed)
            continue;
        struct store_stmt *q = store_stmt(v->w, "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value");
        store_bind_str(q, 1, c->name);
        store_bind_int(q, 2, c->value);
        if (store_run(q, e) != 0)
            return -1;
        c->changed = false;
    }
    return 0;
}

int64_t counter_get(struct store_conn *c, const char *name, struct error *e)
{
    struct store_stmt *q = store_stmt(c, "SELECT value FROM counter WHERE name = ?1");
    store_bind_str(q, 1, name);
    return store_run_int(q, 0, e);
}

void view_notice(struct keeper_views *v, enum view_topic topic, struct span id, uint64_t etag)
{
    struct view_notices *set = &v->notices[topic];
    for (size_t i = 0; i < set->n; i++)
        if (span_is(id, set->ids[i].id)) {
            set->ids[i].etag = etag;
            return;
        }
    if (id.n == 0 || id.n >= VIEW_ID || set->n == VIEW_NOTICES) {
        set->whole = true;
        set->etag = etag;
        return;
    }
    struct view_notice *slot = &set->ids[set->n++];
    memcpy(slot->id, id.p, id.n);
    slot->id[id.n] = 0;
    slot->etag = etag;
}

void views_take_notices(struct keeper_views *v, void (*each)(void *context, const char *topic, const char *id, const char *etag), void *context)
{
    for (int topic = 0; topic < TOPIC_COUNT; topic++) {
        struct view_notices *set = &v->notices[topic];
        char etag[24];
        for (size_t i = 0; i < set->n; i++) {
            (void)snprintf(etag, sizeof etag, "%llu", (unsigned long long)set->ids[i].etag);
            each(context, topic_names[topic], set->ids[i].id, etag);
        }
        if (set->whole) {
            (void)snprintf(etag, sizeof etag, "%llu", (unsigned long long)set->etag);
            each(context, topic_names[topic], "", etag);
        }
        set->n = 0;
        set->whole = false;
    }
}

/* ── applying ── */

int64_t view_room(const struct apply *a, int64_t cap)
{
    return a->foremost ? cap : cap - cap / 10;
}

static int apply_event(struct apply *a, struct error *e)
{
    a->foremost = a->ev.event != EVENT_ASSET_EVIDENCE && a->ev.event != EVENT_FLOW_CLOSED; /* those two look for themselves */
    for (size_t i = 0; i < sizeof projections / sizeof projections[0]; i++)
        if (projections[i].event == a->ev.event)
            return projections[i].apply(a, e);
    return 0;
}

static int open_batch(struct keeper_views *v, struct error *e)
{
    if (!v->open && store_begin(v->w, e) != 0)
        return -1;
    v->open = true;
    return 0;
}

/* The record comes next, and a batch is open. */
static int begin(struct keeper_views *v, const struct committed *c, struct error *e)
{
    if (v->any && (c->index < v->index || (c->index == v->index && c->position <= v->position)))
        return err_set(e, ERR_MISUSE, "views: record %llu comes after record %llu", (unsigned long long)c->index, (unsigned long long)v->index);
    if (open_batch(v, e) != 0)
        return -1;
    v->any = true;
    v->index = c->index;
    v->position = c->position;
    return 0;
}

int views_erased(struct keeper_views *v, const struct committed *c, struct error *e)
{
    struct apply a = {.v = v, .w = v->w, .c = c};
    return begin(v, c, e) == 0 ? ledger_apply_erased(&a, e) : -1;
}

int views_apply(struct keeper_views *v, const struct committed *c, struct error *e)
{
    if (begin(v, c, e) != 0)
        return -1;
    struct apply a = {.v = v, .w = v->w, .c = c};
    if (!event_open(&a.ev, c->json)) {
        atomic_fetch_add(&v->skipped, 1);
        return 0;
    }
    v->result.known = v->result.known && a.ev.event == EVENT_LAB_RESULT;
    int rc = apply_event(&a, e);
    if (rc == 0 && a.ev.event == EVENT_FLOW_CLOSED)
        rc = door_apply_flow(&a, e);
    else if (rc == 0 && a.ev.event == EVENT_ASSET_EVIDENCE)
        rc = door_apply_evidence(&a, e);
    if (rc == 0)
        rc = training_apply_account(&a, e);
    if (rc == 0)
        rc = link_apply_seen(&a, e);
    if (rc == 0)
        rc = act_apply(&a, e);
    if (rc == 0)
        rc = ledger_apply_row(&a, e);
    event_release(&a.ev);
    return rc;
}

int views_commit(struct keeper_views *v, struct error *e)
{
    if (v->open) {
        if (link_keep_seen(v, e) != 0 || keep_counters(v, e) != 0)
            return -1;
        v->open = false;
        if (store_commit(v->w, e) != 0)
            return -1;
    }
    v->was_any = v->any;
    v->was_index = v->index;
    v->was_position = v->position;
    if (v->any)
        atomic_store(&v->visible, v->index + 1);
    return 0;
}

void views_abandon(struct keeper_views *v)
{
    if (v->open)
        store_rollback(v->w);
    v->open = false;
    v->doors_known = false;
    v->link_seq = 0;
    v->counters_n = 0; /* they are read again */
    v->result.known = false;
    v->any = v->was_any;
    v->index = v->was_index;
    v->position = v->was_position;
}

/* ── a store that was there before ── */

static const char *basis_of(struct keeper_views *v)
{
    uint8_t hash[SHA256_SIZE];
    if (v->basis_text[0] == 0) {
        crypto_hash_end(v->basis, hash);
        for (size_t i = 0; i < sizeof hash; i++)
            (void)snprintf(v->basis_text + 2 * i, 3, "%02x", hash[i]);
    }
    return v->basis_text;
}

int views_resume(struct keeper_views *v, uint64_t *ret_next, struct buf *state, struct error *e)
{
    struct store_stmt *q = store_stmt(v->w, "SELECT next, basis, skipped, state FROM applied");
    bool same = true;
    *ret_next = 0;
    if (store_step(q)) {
        *ret_next = (uint64_t)store_int(q, 0);
        same = span_is(store_text(q, 1), basis_of(v));
        atomic_store(&v->skipped, (uint64_t)store_int(q, 2));
        buf_add_span(state, store_text(q, 3));
    }
    if (store_done(q, e) != 0)
        return -1;
    if (!same)
        return err_set(e, ERR_MISUSE, "the views were made by another program, with another catalog or for another site");
    if (*ret_next > 0) {
        v->any = v->was_any = true;
        v->index = v->was_index = *ret_next - 1;
        v->position = v->was_position = UINT32_MAX;
        atomic_store(&v->visible, *ret_next);
    }
    return 0;
}

int views_keep(struct keeper_views *v, uint64_t next, struct span state, struct error *e)
{
    if (open_batch(v, e) != 0)
        return -1;
    struct store_stmt *q = store_stmt(v->w, "INSERT OR REPLACE INTO applied VALUES (1, ?1, ?2, ?3, ?4)");
    store_bind_int(q, 1, (int64_t)next);
    store_bind_str(q, 2, basis_of(v));
    store_bind_int(q, 3, (int64_t)views_skipped(v));
    store_bind_text(q, 4, state);
    return store_run(q, e);
}

bool views_last_checkpoint(struct keeper_views *v, struct views_checkpoint *ret)
{
    struct store_stmt *q = store_stmt(v->w, "SELECT record, life, generation, hash FROM store_checkpoint");
    bool there = store_step(q);
    if (there) {
        struct span life = store_text(q, 1);
        struct span hash = store_text(q, 3);
        *ret = (struct views_checkpoint){.record = (uint64_t)store_int(q, 0), .generation = (uint64_t)store_int(q, 2)};
        (void)snprintf(ret->life, sizeof ret->life, "%.*s", (int)life.n, (const char *)life.p);
        (void)snprintf(ret->hash, sizeof ret->hash, "%.*s", (int)hash.n, (const char *)hash.p);
    }
    return store_done(q, NULL) == 0 && there;
}

uint64_t views_visible(const struct keeper_views *v)
{
    return atomic_load(&v->visible);
}

uint64_t views_decided(const struct keeper_views *v)
{
    return atomic_load(&v->decided);
}

uint64_t views_skipped(const struct keeper_views *v)
{
    return atomic_load(&v->skipped);
}
