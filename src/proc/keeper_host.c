/* What the keeper does for the request handlers: on any thread, once it is open. */
#include "proc/answers.h"
#include "proc/keeper.h"
#include "proc/keyroom.h"
#include "proc/opened.h"
#include "proc/tasks.h"
#include "record/ledger/shown.h"

#include <stdio.h>

#define DECISION_TIME (10 * TIME_SECOND) /* longest that a handler waits until its decision is visible */

static int decide(void *context, const struct record *r, uint64_t *ret_index, struct error *e)
{
    (void)context;
    if (appender_decide(k.appender, r, ret_index, e) != 0)
        return -1;
    return projector_wait(k.projector, *ret_index, DECISION_TIME, e);
}

static void ledger_state(void *context, struct api_ledger_state *ret)
{
    (void)context;
    answers_state(k.ledger, &k.ledger_lock, LEDGER_DIR, ret);
    (void)snprintf(ret->verifier, sizeof ret->verifier, "%s", k.verifier_line);
    ret->first_time = k.found.first_time;
    ret->verifying = verifier_busy(k.verifier);
}

static int prove(void *context, uint64_t index, struct buf *out, struct error *e)
{
    (void)context;
    return answers_prove(k.ledger, &k.ledger_lock, LEDGER_DIR, index, out, e);
}

static int open_record(void *context, uint64_t index, struct buf *opened, struct api_record *ret, struct error *e)
{
    (void)context;
    return opened_record(k.ledger, &k.ledger_lock, index, opened, ret, e);
}

static int show(void *context, const struct shown_wish *wishes, size_t n, struct buf *out, struct error *e)
{
    (void)context;
    (void)pthread_mutex_lock(&k.ledger_lock);
    int r = ledger_show(k.ledger, LEDGER_DIR, wishes, n, out, e);
    (void)pthread_mutex_unlock(&k.ledger_lock);
    return r;
}

struct named {
    struct span identifier;
    char *token;
};

static int name_specimen(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    const struct named *x = context;
    (void)l;
    (void)e;
    veil_specimen(v, x->identifier, x->token);
    return 0;
}

static int specimen(void *context, struct span identifier, char out[32], struct error *e)
{
    (void)context;
    struct named x = {.identifier = identifier, .token = out};
    return appender_do(k.appender, name_specimen, &x, e);
}

static int verify(void *context, struct span person, struct error *e)
{
    (void)context;
    return verifier_ask(k.verifier, person, e);
}

static int offer(void *context, uint64_t old, struct buf *out, struct error *e)
{
    (void)context;
    return ledger_offer(LEDGER_DIR, old, out, e);
}

static int check_proof(void *context, struct span proof, struct api_proof *ret, struct error *e)
{
    (void)context;
    return ledger_check(proof, k.verifier_line, &ret->index, &ret->records, e);
}

static size_t list_witnesses(void *context, struct api_witness ret[API_WITNESSES])
{
    (void)context;
    return witnesses_list(k.witnesses, ret);
}

static int ask_witness(void *context, struct span name, struct error *e)
{
    (void)context;
    return witnesses_ask(k.witnesses, name, e);
}

static int bring_cosignature(void *context, struct span text, const char *key, char ret_name[129], uint64_t *ret_size, struct error *e)
{
    (void)context;
    return witnesses_bring(k.witnesses, text, key, ret_name, ret_size, e);
}

static int backup_make(void *context, struct span person, int fd, struct span where, char ret_id[API_BACKUP_ID], struct error *e)
{
    (void)context;
    return vault_make(k.vault, person, fd, where, ret_id, e);
}

static int backup_test(void *context, struct span person, struct span id, struct error *e)
{
    (void)context;
    return vault_test(k.vault, person, id, e);
}

static void backup_state(void *context, struct api_backup_state *ret)
{
    (void)context;
    struct vault_state s;
    vault_state(k.vault, &s);
    *ret = (struct api_backup_state){0};
    memcpy(ret->doing, s.doing, sizeof ret->doing);
    memcpy(ret->due, s.due, sizeof ret->due);
    memcpy(ret->failed, s.failed, sizeof s.failed);
    memcpy(ret->why, s.why, sizeof ret->why);
}

static size_t list_tasks(void *context, struct api_task ret[API_TASKS])
{
    (void)context;
    return task_list(ret);
}

static bool cancel_task(void *context, enum api_task_kind kind, struct span person)
{
    (void)context;
    return task_cancel(kind, person);
}

static bool disk_state(void *context, struct api_disk_state *ret)
{
    (void)context;
    return steward_disk(k.steward, ret);
}

/* The list of what is erased goes to lie beside the backups. */
static int erase(void *context, const struct api_erasure *erasure, uint64_t record, uint64_t *ret_keys, struct error *e)
{
    int r = keyroom_erase(context, erasure, record, ret_keys, e);
    vault_poke(k.vault);
    return r;
}

/* The next start may find its keys locked; and a backup is due that the new keys open. */
static int rotate(void *context, struct span source, struct span secret, struct error *e)
{
    enum root_kind kind = root_kind_of(source);
    int r = keyroom_rotate(context, source, secret, e);
    vault_poke(k.vault);
    return r != 0 || kind == 0 ? r : lock_prepare(kind, e);
}

static size_t list_links(void *context, struct api_link *ret, size_t most)
{
    (void)context;
    return links_list(k.links, ret, most);
}

static int order_link(void *context, const struct api_link_order *x, struct error *e)
{
    (void)context;
    struct link_order o = {.kind = (enum link_order_kind)x->what, .link = x->link, .on = x->on};
    if (x->what == API_LINK_POLICY) {
        links_decided(k.links);
        return 0;
    }
    return links_order(k.links, &o, e);
}

static void doors(void *context, struct api_doors *ret)
{
    (void)context;
    doors_state(k.doors, ret);
}

static enum api_door_way door_way(void *context, const struct address *from, const struct address *to)
{
    (void)context;
    return doors_way(k.doors, from, to);
}

static void doors_changed(void *context)
{
    (void)context;
    doors_poke(k.doors);
}

static void metrics(void *context, struct buf *out)
{
    (void)context;
    struct progress p = appender_progress(k.appender);
    buf_addf(out,
             "# HELP tourniquet_run_records Records of this run's capture that are durable.\n# TYPE tourniquet_run_records "
             "counter\ntourniquet_run_records %llu\n",
             (unsigned long long)p.records);
    (void)pthread_mutex_lock(&k.waiting_lock);
    if (k.waiting != NULL)
        waiting_metrics(k.waiting, out);
    else
        gate_metrics(&(struct gate_state){.stage = GATE_OPEN}, out);
    (void)pthread_mutex_unlock(&k.waiting_lock);
    struct api_disk_state d;
    if (!steward_disk(k.steward, &d))
        return;
    buf_addf(out,
             "# HELP tourniquet_disk_free_bytes Room on the disk of the data folder.\n# TYPE tourniquet_disk_free_bytes gauge\n"
             "tourniquet_disk_free_bytes %llu\n# HELP tourniquet_disk_total_bytes Its size.\n# TYPE tourniquet_disk_total_bytes gauge\n"
             "tourniquet_disk_total_bytes %llu\n# HELP tourniquet_observations_not_kept_total Not kept because the disk was nearly full.\n"
             "# TYPE tourniquet_observations_not_kept_total counter\ntourniquet_observations_not_kept_total %llu\n"
             "# HELP tourniquet_disk_used_bytes What takes room in the data folder.\n# TYPE tourniquet_disk_used_bytes gauge\n",
             (unsigned long long)d.free, (unsigned long long)d.total, (unsigned long long)d.not_kept);
    for (size_t i = 0; i < d.used_n; i++)
        buf_addf(out, "tourniquet_disk_used_bytes{what=\"%s\"} %llu\n", d.used[i].what, (unsigned long long)d.used[i].bytes);
}

static void remind(void *context, struct span account)
{
    (void)context;
    reminder_ask(k.reminder, account);
}

static void account_changed(void *context, struct span account, enum event event)
{
    (void)context;
    reminder_alert(k.reminder, account, event);
}

static void test_findings(void *context)
{
    (void)context;
    reminder_test_findings(k.reminder);
}

static void mail_tell(void *context, struct span account, struct span id, bool attached)
{
    (void)context;
    reminder_answer(k.reminder, account, id, attached);
}

static int mail_read(void *context, struct span message, bool cut, struct buf *told, struct error *e)
{
    (void)context;
    struct mail_job job = {.scan = k.programme.scanner[0] != 0, .lab = {.authserv = span_str(k.programme.receiver), .cut = cut}, .message = message};
    struct span domains = span_str(k.programme.domains);
    while (domains.n > 0 && job.lab.own_n < MAIL_OWN)
        job.lab.own[job.lab.own_n++] = span_until(&domains, ' ', NULL);
    return mailroom_ask(k.mailroom, &job, told, e);
}

/* The one place that says whether a mail is one of our own exercises. */
static bool mail_is_ours(void *context, struct span id, struct span mark)
{
    (void)context;
    return mail_ours_holds(&k.exercise, id, mark);
}

const struct api_host keeper_host = {.decide = decide,
                                     .remind = remind,
                                     .account_changed = account_changed,
                                     .ledger_state = ledger_state,
                                     .ledger_prove = prove,
                                     .ledger_open_record = open_record,
                                     .ledger_show = show,
                                     .specimen = specimen,
                                     .ledger_verify = verify,
                                     .ledger_offer = offer,
                                     .ledger_check = check_proof,
                                     .witnesses = list_witnesses,
                                     .witness_ask = ask_witness,
                                     .witness_bring = bring_cosignature,
                                     .keys = keyroom_tell,
                                     .keys_choose = keyroom_choose,
                                     .keys_erase = erase,
                                     .keys_rotate = rotate,
                                     .keys_recovery = keyroom_recovery,
                                     .pki = &registrar_api,
                                     .mail_read = mail_read,
                                     .mail_ours = mail_is_ours,
                                     .mail_tell = mail_tell,
                                     .test_findings = test_findings,
                                     .tasks = list_tasks,
                                     .task_cancel = cancel_task,
                                     .links = list_links,
                                     .link_order = order_link,
                                     .doors = doors,
                                     .door_way = door_way,
                                     .doors_changed = doors_changed,
                                     .disk_state = disk_state,
                                     .metrics = metrics,
                                     .backup_state = backup_state,
                                     .backup_make = backup_make,
                                     .backup_test = backup_test};
