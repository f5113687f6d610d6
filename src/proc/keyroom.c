#include "proc/keyroom.h"

#include "lab/backup_view.h"
#include "lab/erasure.h"
#include "proc/clock.h"
#include "proc/log.h"
#include "record/ledger/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Static_assert(API_RECOVERY_TEXT == RECOVERY_TEXT, "room for a recovery key");

#define IDS_MAX (16u << 20)
#define ON_DISK "ledger.key_on_disk"

static struct {
    struct appender *appender;
    const char *key_file;
    _Atomic bool told; /* the finding stands: it is not told again, also where somebody dismissed it */
    _Atomic bool open; /* and is open: its end is worth telling */
} room;

/* What one call on the appender's thread is given, and gives back. */
struct errand {
    struct api_keys *keys;
    struct span patient;
    struct api_erasure *erasure;
    const struct api_erasure *chosen;
    uint64_t record;
    uint64_t n;
    const struct root_source *source;
    bool same;
    struct span typed;
    char *text;
    const char *key_file;
};

/* ── telling ── */

static int tell(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct errand *x = context;
    struct ledger_keys k;
    const char *not = "";
    (void)v;
    (void)e;
    ledger_keys(l, &k);
    *x->keys = (struct api_keys){.made = k.made,
                                 .rotated = k.rotated,
                                 .epoch = k.epoch,
                                 .period_keys = k.period_keys,
                                 .erased = k.erased,
                                 .last_erasure = k.last_erasure,
                                 .recovery_made = k.recovery_made,
                                 .recovery_tested = k.recovery_tested,
                                 .on_disk = k.source == ROOT_FILE};
    (void)snprintf(x->keys->source, sizeof x->keys->source, "%s", root_kind_name(k.source));
    (void)snprintf(x->keys->protects, sizeof x->keys->protects, "%s", root_protects(k.source, &not ));
    (void)snprintf(x->keys->not, sizeof x->keys->not, "%s", not );
    return 0;
}

int keyroom_tell(void *context, struct api_keys *ret, struct error *e)
{
    (void)context;
    struct errand x = {.keys = ret};
    return appender_do(room.appender, tell, &x, e);
}

/* ── erasing ── */

static void widen(void *context, uint64_t index)
{
    struct api_erasure *x = context;
    if (index < x->first)
        x->first = index;
    if (index > x->last)
        x->last = index;
}

static int ids_of(struct ledger *l, const struct api_erasure *x, uint64_t before, struct buf *ids, struct error *e)
{
    uint8_t bytes[VEIL_TOKEN_BYTES];
    if (!veil_token_bytes(span_str(x->patient), bytes))
        return err_set(e, ERR_MISUSE, "that is no patient's token: it is P- and 16 letters and digits");
    return ledger_keys_of(l, span_of(bytes, sizeof bytes), x->from, x->to, before, ids, e);
}

static int choose(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct errand *x = context;
    struct buf ids = BUF_INIT(IDS_MAX);
    if (x->patient.n > 0)
        veil_patient(v, x->patient, x->erasure->patient);
    x->erasure->first = LEDGER_NO_RECORD;
    x->erasure->last = 0;
    int rc = ids_of(l, x->erasure, LEDGER_NO_RECORD, &ids, e);
    if (rc == 0)
        rc = ledger_records_of(l, buf_span(&ids), widen, x->erasure, e);
    if (rc == 0)
        rc = ledger_retire(l, buf_span(&ids), e);
    x->erasure->keys = ids.n / LEDGER_KEY_ID;
    buf_release(&ids);
    return rc;
}

int keyroom_choose(void *context, struct span patient, struct api_erasure *erasure, struct error *e)
{
    (void)context;
    struct errand x = {.patient = patient, .erasure = erasure};
    return appender_do(room.appender, choose, &x, e);
}

static int erase(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct errand *x = context;
    struct buf ids = BUF_INIT(IDS_MAX);
    size_t n = 0;
    (void)v;
    uint64_t before = x->chosen->first == LEDGER_NO_RECORD ? x->record : x->chosen->last + 1; /* what came since has keys of its own */
    int rc = ids_of(l, x->chosen, before, &ids, e);
    if (rc == 0)
        rc = ledger_erase(l, buf_span(&ids), clock_now(), x->record, &n, e);
    x->n = n;
    buf_release(&ids);
    return rc;
}

int keyroom_erase(void *context, const struct api_erasure *erasure, uint64_t record, uint64_t *ret_keys, struct error *e)
{
    (void)context;
    struct errand x = {.chosen = erasure, .record = record};
    int rc = appender_do(room.appender, erase, &x, e);
    *ret_keys = x.n;
    return rc;
}

struct undone {
    struct ledger *ledger;
    int rc;
    struct error *e;
};

static void carry_out(void *context, const struct erasure_row *row)
{
    struct undone *u = context;
    struct api_erasure erasure = {.from = row->from, .to = row->to, .first = row->none ? LEDGER_NO_RECORD : 0, .last = row->last};
    struct errand x = {.chosen = &erasure, .record = row->record};
    (void)snprintf(erasure.patient, sizeof erasure.patient, "%.*s", (int)row->patient.n, (const char *)row->patient.p);
    if (u->rc != 0)
        return;
    u->rc = erase(&x, u->ledger, NULL, u->e);
    if (u->rc == 0)
        log_line(LOG_LEVEL_WARNING, "the erasure of record %llu was not finished: it is now (%llu keys)", (unsigned long long)row->record,
                 (unsigned long long)x.n);
}

/* A key file that opens nothing any more is destroyed: it lay beside what it opened, and still opens older backups. */
static void drop_file(struct ledger *l, const char *key_file)
{
    struct ledger_keys k;
    struct error e = {0};
    ledger_keys(l, &k);
    if (k.source == ROOT_FILE || access(key_file, F_OK) != 0)
        return;
    if (root_key_drop(key_file, &e) == 0)
        log_line(LOG_LEVEL_WARNING, "%s is destroyed: the keys open by a %s now", key_file, root_kind_name(k.source));
    else
        log_line(LOG_LEVEL_ERROR, "%s opens nothing here any more and could not be destroyed; remove it yourself: %s", key_file, e.text);
}

int keyroom_start(struct ledger *l, const char *key_file, struct store_conn *views, struct error *e)
{
    struct ledger_keys k;
    struct undone u = {.ledger = l, .e = e};
    ledger_keys(l, &k);
    drop_file(l, key_file); /* a change of the source that was cut short */
    room.told = backup_finding_told(views, ON_DISK);
    room.open = backup_finding_open(views, ON_DISK);
    return erasure_list(views, k.carried_out, carry_out, &u, e) != 0 ? -1 : u.rc;
}

/* ── rotating, recovering ── */

static void judge(void);

static int rotate(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct errand *x = context;
    struct ledger_keys k;
    const struct root_source file = {.kind = ROOT_FILE, .path = x->key_file};
    (void)v;
    ledger_keys(l, &k);
    /* a key file gets new bytes; a passphrase and a credential are changed by who has them */
    const struct root_source *source = x->source == NULL && k.source == ROOT_FILE ? &file : x->source;
    if (ledger_rotate(l, source, clock_now(), e) != 0)
        return -1;
    drop_file(l, x->key_file);
    return 0;
}

int keyroom_rotate(void *context, struct span source, struct span secret, struct error *e)
{
    (void)context;
    struct root_source s = {.kind = root_kind_of(source), .path = room.key_file, .secret = secret};
    struct errand x = {.source = source.n == 0 ? NULL : &s, .key_file = room.key_file};
    if (source.n > 0 && s.kind == ROOT_CREDENTIAL)
        return err_set(e, ERR_MISUSE, "a credential is put in place while Tourniquet is stopped: tourniquet keys recovery use --from credential");
    if (source.n > 0 && (s.kind == 0 || (s.kind == ROOT_PASSPHRASE) != (secret.n > 0)))
        return err_set(e, ERR_MISUSE, "the source is file, or passphrase with a passphrase");
    if (appender_do(room.appender, rotate, &x, e) != 0)
        return -1;
    judge();
    return 0;
}

static int recovery(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct errand *x = context;
    (void)v;
    return x->typed.n > 0 ? ledger_recovery_test(l, x->typed, clock_now(), e) : ledger_recovery_new(l, clock_now(), x->text, e);
}

int keyroom_recovery(void *context, struct span typed, char text[API_RECOVERY_TEXT], struct error *e)
{
    (void)context;
    struct errand x = {.typed = typed, .text = text};
    return appender_do(room.appender, recovery, &x, e);
}

/* ── the standing finding ── */

static void judge(void)
{
    struct api_keys keys = {0};
    struct error e = {0};
    if (keyroom_tell(NULL, &keys, &e) != 0 || (keys.on_disk ? room.told : !room.open))
        return;
    struct record *r = malloc(sizeof *r);
    if (r == NULL)
        return;
    room.told = room.open = keys.on_disk;
    record_start(r, keys.on_disk ? EVENT_FINDING : EVENT_FINDING_ENDED, clock_now(), NULL);
    record_str(r, KEY_KIND, ON_DISK);
    record_str(r, KEY_CAUSE, "root key");
    if (keys.on_disk) {
        record_str(r, KEY_SEVERITY, "low");
        record_str(r, KEY_TITLE, "Whoever takes this box can read what it recorded: the key lies on the same disk.");
        record_str(r, KEY_ADVICE,
                   "Set a passphrase (tourniquet keys rotate --from passphrase), or seal the key to this machine's TPM; docs/guide.md says how.");
    } else {
        record_str(r, KEY_WHY, "the key lies on this disk no more");
    }
    (void)appender_note(room.appender, r, &e);
    free(r);
}

void keyroom_open(struct appender *a, const char *key_file)
{
    room.appender = a;
    room.key_file = key_file;
    judge();
}
