#include "proc/vault.h"

#include "proc/clock.h"
#include "proc/log.h"
#include "proc/role.h"
#include "proc/tasks.h"
#include "record/crypto/crypto.h"
#include "record/ledger/file.h"
#include "record/ledger/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY (60 * TIME_SECOND)
#define RETRY (600 * TIME_SECOND)
#define HOUR (3600 * TIME_SECOND)
#define TEST_DIR "backup.test"
#define NAME_MAX_TEXT 96
#define BACKUPS_MAX 2048 /* that are looked at in the folder */
#define PERSON_MAX 128
#define WHERE_MAX 512

enum asked { ASKED_NOTHING, ASKED_BACKUP, ASKED_TEST };

/* One that lies in the folder. */
struct found_backup {
    char name[NAME_MAX_TEXT];
    uint8_t id[BACKUP_ID];
    tq_time made; /* 0 where the clock stood wrong then: it is no newer than any other one */
};

struct vault {
    struct vault_options o;
    struct start start;
    char verifier[512];
    uint8_t log_id[16];
    char prefix[24]; /* of the names of this ledger's backups */
    pthread_t thread;
    pthread_mutex_t lock; /* guards what stands between here and the next line */
    pthread_cond_t work;
    bool stopping;
    bool poked;
    enum asked asked;
    char person[PERSON_MAX];
    char where[WHERE_MAX];
    int fd; /* asked for: the file; -1: in the folder */
    uint8_t id[BACKUP_ID];
    struct vault_state state;
    /* the thread's own */
    tq_time last_made; /* wall clock; 0: none */
    uint8_t last_id[BACKUP_ID];
    tq_time last_tested;
    bool last_test_failed;
    uint8_t last_good[BACKUP_ID];
    tq_time retry_at; /* monotonic: not before, after a failure */
    bool overdue;     /* the finding is open */
    bool broken;
    struct timespec erasures; /* mtime of the list that was copied last */
    enum api_task_kind task;  /* what is under way, as people see it */
    uint64_t task_total;      /* bytes; 0: nobody knows */
};

/* ── records ── */

static struct record *begin_record(enum event event)
{
    struct record *r = calloc(1, sizeof *r);
    if (r != NULL)
        record_start(r, event, clock_now(), NULL);
    return r;
}

static void end_record(struct vault *v, struct record *r)
{
    (void)appender_note(v->o.appender, r, NULL);
    free(r);
}

static void tell_finding(struct vault *v, const char *kind, const char *title, const char *advice, const char *why)
{
    struct record *r = begin_record(EVENT_FINDING);
    if (r == NULL)
        return;
    record_str(r, KEY_KIND, kind);
    record_str(r, KEY_CAUSE, "backup");
    record_str(r, KEY_SEVERITY, "high");
    record_str(r, KEY_TITLE, title);
    record_str(r, KEY_ADVICE, advice);
    record_str(r, KEY_WHY, why);
    end_record(v, r);
}

static void tell_ended(struct vault *v, const char *kind, const char *why)
{
    struct record *r = begin_record(EVENT_FINDING_ENDED);
    if (r == NULL)
        return;
    record_str(r, KEY_KIND, kind);
    record_str(r, KEY_CAUSE, "backup");
    record_str(r, KEY_WHY, why);
    end_record(v, r);
}

/* ── the folder ── */

static bool id_of(struct span text, uint8_t out[BACKUP_ID])
{
    if (text.n != 2 * BACKUP_ID)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return true;
}

static bool going(struct vault *v)
{
    (void)pthread_mutex_lock(&v->lock);
    bool on = !v->stopping;
    (void)pthread_mutex_unlock(&v->lock);
    return on;
}

/* Between two chunks. */
static bool go_on(void *context, uint64_t at)
{
    struct vault *v = context;
    return task_step(v->task, at, v->task_total) && going(v);
}

/* The program stops, or somebody ended what is under way. */
static bool given_up(struct vault *v, const struct error *e)
{
    return e->class == ERR_CLOSED && (!going(v) || !task_step(v->task, 0, v->task_total));
}

static bool is_ours(const struct vault *v, const char *name, const char *end)
{
    size_t n = strlen(name);
    size_t e = strlen(end);
    return strncmp(name, v->prefix, strlen(v->prefix)) == 0 && n > e && n < NAME_MAX_TEXT && strcmp(name + n - e, end) == 0;
}

static bool read_found(const struct vault *v, const char *name, struct found_backup *ret)
{
    struct error e = {0};
    int fd = file_open_read(v->o.folder, name, &e);
    struct backup_reader *r = fd < 0 ? NULL : backup_open(fd, &e);
    bool ours = r != NULL && memcmp(backup_reader_head(r)->log_id, v->log_id, sizeof v->log_id) == 0;
    if (ours) {
        *ret = (struct found_backup){.made = backup_reader_head(r)->made};
        if (ret->made > clock_now() + HOUR)
            ret->made = 0;
        (void)snprintf(ret->name, sizeof ret->name, "%s", name);
        memcpy(ret->id, backup_reader_head(r)->id, BACKUP_ID);
    }
    backup_close(r);
    if (fd >= 0)
        (void)close(fd);
    return ours;
}

static int newest_first(const void *a, const void *b)
{
    const struct found_backup *x = a;
    const struct found_backup *y = b;
    return x->made != y->made ? (x->made < y->made) - (x->made > y->made) : strcmp(y->name, x->name);
}

/* This ledger's backups in the folder, newest first. The caller frees them. */
static size_t list_backups(const struct vault *v, struct found_backup **ret)
{
    size_t n = 0;
    *ret = NULL;
    int copy = v->o.folder < 0 ? -1 : openat(v->o.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    struct found_backup *list = d == NULL ? NULL : calloc(BACKUPS_MAX, sizeof *list);
    if (d == NULL && copy >= 0)
        (void)close(copy);
    for (struct dirent *f = list == NULL ? NULL : readdir(d); f != NULL; f = readdir(d)) {
        if (n < BACKUPS_MAX && is_ours(v, f->d_name, ".backup") && read_found(v, f->d_name, &list[n]))
            n++;
    }
    if (d != NULL)
        (void)closedir(d);
    if (n > 1)
        qsort(list, n, sizeof *list, newest_first);
    *ret = list;
    return n;
}

/* The one made last comes first, whatever its date says: a clock may stand wrong. The vault's thread. */
static size_t list_by_age(const struct vault *v, struct found_backup **ret)
{
    size_t n = list_backups(v, ret);
    for (size_t i = 1; i < n; i++) {
        struct found_backup last = (*ret)[i];
        if (memcmp(last.id, v->last_id, BACKUP_ID) != 0)
            continue;
        memmove(*ret + 1, *ret, i * sizeof **ret);
        **ret = last;
    }
    return n;
}

/* What a stopped program left half-written goes. */
static void tidy_folder(const struct vault *v)
{
    int copy = v->o.folder < 0 ? -1 : openat(v->o.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (d == NULL && copy >= 0)
        (void)close(copy);
    for (struct dirent *f = d == NULL ? NULL : readdir(d); f != NULL; f = readdir(d))
        if (is_ours(v, f->d_name, ".backup.tmp"))
            (void)unlinkat(v->o.folder, f->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
}

/* The list of erasures lies beside the backups too, so that an old one that is restored later is still erased. */
static void copy_erasures(struct vault *v)
{
    struct stat st;
    struct buf bytes = BUF_INIT(64u << 20);
    struct error e = {0};
    char name[NAME_MAX_TEXT];
    if (v->o.folder < 0 || stat("ledger/erasures", &st) != 0 ||
        (st.st_mtim.tv_sec == v->erasures.tv_sec && st.st_mtim.tv_nsec == v->erasures.tv_nsec))
        return;
    (void)snprintf(name, sizeof name, "%serasures", v->prefix);
    if (file_load(AT_FDCWD, "ledger/erasures", bytes.max, &bytes, &e) == 0 && file_replace(v->o.folder, name, buf_span(&bytes), true, &e) == 0)
        v->erasures = st.st_mtim;
    else
        log_line(LOG_LEVEL_ERROR, "the list of erasures could not be put beside the backups: %s", e.text);
    buf_release(&bytes);
}

/* ── making ── */

static void name_of(const struct vault *v, tq_time now, const uint8_t id[BACKUP_ID], char out[NAME_MAX_TEXT])
{
    char time[TIME_TEXT];
    (void)time_format(now, time);
    (void)snprintf(out, NAME_MAX_TEXT, "%s%.4s%.2s%.2sT%.2s%.2s%.2sZ-%02x%02x%02x%02x.backup", v->prefix, time, time + 5, time + 8, time + 11,
                   time + 14, time + 17, id[0], id[1], id[2], id[3]);
}

static int write_backup(struct vault *v, const uint8_t id[BACKUP_ID], tq_time now, int fd, struct ledger_cut *cut, struct backup_made *ret,
                        struct error *e)
{
    uint8_t key[32];
    (void)pthread_mutex_lock(v->o.ledger_lock);
    int r = ledger_cut_take(v->o.ledger, now, cut, e);
    ledger_opening_key(v->o.ledger, key);
    (void)pthread_mutex_unlock(v->o.ledger_lock);
    int data = r == 0 ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (r == 0 && data < 0)
        r = err_sys(e, errno, "opening the data folder");
    struct backup_job job = {.cut = cut, .data = data, .opening = key, .now = now, .fd = fd, .go_on = go_on, .context = v};
    memcpy(job.id, id, BACKUP_ID);
    if (r == 0)
        r = backup_write(&job, ret, e);
    crypto_wipe(key, sizeof key);
    if (data >= 0)
        (void)close(data);
    return r;
}

/* In the folder: written beside its name, durable, then renamed. */
static int write_in_folder(struct vault *v, const uint8_t id[BACKUP_ID], tq_time now, struct ledger_cut *cut, struct backup_made *ret,
                           struct error *e)
{
    char name[NAME_MAX_TEXT];
    char under_way[NAME_MAX_TEXT + 8];
    name_of(v, now, id, name);
    (void)snprintf(under_way, sizeof under_way, "%s.tmp", name);
    int fd = openat(v->o.folder, under_way, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, errno, "making %s in the folder of backups", name);
    int r = write_backup(v, id, now, fd, cut, ret, e);
    (void)close(fd);
    if (r == 0 && renameat(v->o.folder, under_way, v->o.folder, name) != 0)
        r = err_sys(e, errno, "putting %s in place", name);
    if (r == 0)
        r = file_sync_path(v->o.folder, ".", e);
    if (r != 0)
        (void)unlinkat(v->o.folder, under_way, 0);
    return r;
}

/* Removes those beyond `keep`, but not the last one that is known to be good; their ids go into the record. */
static void prune(struct vault *v, struct record *r, char (*texts)[BACKUP_ID_TEXT], size_t most)
{
    struct found_backup *list;
    size_t n = list_by_age(v, &list);
    size_t removed = 0;
    for (size_t i = (size_t)v->start.backup_keep; i < n && removed < most; i++) {
        if (memcmp(list[i].id, v->last_good, BACKUP_ID) == 0 || unlinkat(v->o.folder, list[i].name, 0) != 0)
            continue;
        backup_id_text(list[i].id, texts[removed]);
        record_str(r, KEY_REMOVED, texts[removed++]);
    }
    free(list);
}

static int make(struct vault *v, const uint8_t id[BACKUP_ID], int fd, const char *person, const char *where, struct error *e)
{
    struct ledger_cut cut = {.dir = -1};
    struct backup_made made = {0};
    static char removed[64][BACKUP_ID_TEXT]; /* the vault's thread only */
    char text[BACKUP_ID_TEXT];
    tq_time now = clock_now();
    int r = fd >= 0 ? write_backup(v, id, now, fd, &cut, &made, e) : write_in_folder(v, id, now, &cut, &made, e);
    uint64_t size = cut.size;
    ledger_cut_release(&cut);
    if (r != 0)
        return -1;
    if (fd < 0) {
        v->last_made = now;
        memcpy(v->last_id, id, BACKUP_ID);
    }
    struct record *record = begin_record(EVENT_BACKUP_MADE);
    if (record != NULL) {
        backup_id_text(id, text);
        record_str(record, KEY_PERSON, person[0] == 0 ? NULL : person);
        record_str(record, KEY_BACKUP, text);
        record_str(record, KEY_WHERE, where);
        record_int(record, KEY_BYTES, (int64_t)made.bytes);
        record_int(record, KEY_TREE_SIZE, (int64_t)size);
        if (fd < 0)
            prune(v, record, removed, sizeof removed / sizeof removed[0]);
        end_record(v, record);
    }
    return 0;
}

/* ── testing ── */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_test(void)
{
    (void)nftw(TEST_DIR, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What was read is checked: the last part, and by far the shorter one. */
static bool check_on(void *context, uint64_t done, uint64_t total)
{
    struct vault *v = context;
    (void)done, (void)total;
    return task_step(v->task, v->task_total, v->task_total) && going(v);
}

static int verify_restored(struct vault *v, const struct backup_head *head, struct error *e)
{
    struct ledger_report report;
    if (ledger_verify_watched(TEST_DIR "/ledger", v->verifier, check_on, v, &report, e) != 0)
        return -1;
    if (!report.holds)
        return err_set(e, ERR_CORRUPT, "restored, it does not hold: %s", report.why);
    if (report.records != head->records)
        return err_set(e, ERR_CORRUPT, "restored, it has %llu records where its head says %llu", (unsigned long long)report.records,
                       (unsigned long long)head->records);
    return 0;
}

/* There must be room for it, and as much again left as a busy day needs. ERR_LIMIT: there is none. */
static int room_for(int fd, struct error *e)
{
    struct stat st;
    struct statvfs disk;
    if (fstat(fd, &st) != 0 || statvfs(".", &disk) != 0)
        return err_sys(e, errno, "looking for room to test a backup");
    uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    uint64_t total = (uint64_t)disk.f_blocks * disk.f_frsize;
    if (room > (uint64_t)st.st_size + total / 20)
        return 0;
    return err_set(e, ERR_LIMIT, "there is no room to restore it beside the ledger (%llu MiB): test it on another machine with `tourniquet restore`",
                   (unsigned long long)st.st_size >> 20);
}

static int restore_for_test(struct vault *v, struct backup_reader *r, struct error *e)
{
    uint8_t key[32];
    struct backup_restored restored;
    remove_test();
    if (mkdir(TEST_DIR, 0700) != 0)
        return err_sys(e, errno, "making a folder to restore into");
    int dir = open(TEST_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_sys(e, errno, "opening a folder to restore into");
    (void)pthread_mutex_lock(v->o.ledger_lock);
    int rc = ledger_opening_key_of(v->o.ledger, backup_reader_head(r)->keyring, key, e);
    (void)pthread_mutex_unlock(v->o.ledger_lock);
    if (rc == 0)
        rc = backup_unlock(r, key, e);
    crypto_wipe(key, sizeof key);
    if (rc == 0)
        rc = backup_read(r, dir, go_on, v, &restored, e);
    (void)close(dir);
    return rc == 0 ? verify_restored(v, backup_reader_head(r), e) : -1;
}

/* 0: it holds; -1: it does not (ERR_CORRUPT), or could not be tested. */
static int try_restore(struct vault *v, const struct found_backup *b, struct error *e)
{
    int fd = file_open_read(v->o.folder, b->name, e);
    struct backup_reader *r = fd < 0 ? NULL : backup_open(fd, e);
    struct stat st = {0};
    v->task_total = fd >= 0 && fstat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
    int rc = r == NULL || room_for(fd, e) != 0 ? -1 : restore_for_test(v, r, e);
    remove_test();
    backup_close(r);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* The outcome is a record, whatever it is; only when it was given up there is none. */
static void test(struct vault *v, const struct found_backup *b, const char *person)
{
    struct error e = {0};
    char text[BACKUP_ID_TEXT];
    int rc = try_restore(v, b, &e);
    if (rc != 0 && (given_up(v, &e) || e.class == ERR_MISUSE)) { /* given up; or sealed under another root key */
        (void)pthread_mutex_lock(&v->lock);
        backup_id_text(b->id, v->state.failed);
        (void)snprintf(v->state.why, sizeof v->state.why, "not tested: %.200s", e.text);
        (void)pthread_mutex_unlock(&v->lock);
        return;
    }
    struct record *r = begin_record(EVENT_BACKUP_TESTED);
    if (r != NULL) {
        backup_id_text(b->id, text);
        record_str(r, KEY_PERSON, person[0] == 0 ? NULL : person);
        record_str(r, KEY_BACKUP, text);
        record_int(r, KEY_HOLDS, rc == 0);
        record_str(r, KEY_WHY, rc == 0 ? NULL : e.text);
        end_record(v, r);
    }
    v->last_tested = clock_now();
    v->last_test_failed = rc != 0;
    if (rc == 0)
        memcpy(v->last_good, b->id, BACKUP_ID);
    else
        log_line(LOG_LEVEL_ERROR, "the backup %s did not pass its test: %s", b->name, e.text);
    if (rc != 0) {
        tell_finding(v, "ledger.backup_broken", "A backup could not be restored in its test.",
                     "Do not rely on this backup. Make another one now, test it, and look at the disk that they are kept on.", e.text);
        v->broken = true;
    } else if (v->broken) {
        tell_ended(v, "ledger.backup_broken", "A later backup was restored and holds.");
        v->broken = false;
    }
}

/* ── what is due ── */

static bool wants_backups(const struct vault *v)
{
    return v->start.backup_to[0] != 0;
}

/* The keys were exchanged since the last backup was made: it may open only with a root key that is gone, or with the recovery key. */
static bool keys_are_newer(const struct vault *v, tq_time now)
{
    struct ledger_keys keys;
    (void)pthread_mutex_lock(v->o.ledger_lock);
    ledger_keys(v->o.ledger, &keys);
    (void)pthread_mutex_unlock(v->o.ledger_lock);
    return v->last_made != 0 && keys.rotated > v->last_made && keys.rotated <= now;
}

/* Late: half as long again as it should be. */
static void judge(struct vault *v)
{
    tq_time now = clock_now();
    tq_time every = v->start.backup_every * TIME_SECOND;
    char due[sizeof v->state.due] = "";
    if (!wants_backups(v))
        (void)snprintf(due, sizeof due, "No backups are made: name a folder on another disk with backup.to in lab.yaml.");
    else if (v->o.folder < 0)
        (void)snprintf(due, sizeof due, "No backups are made: their folder could not be opened at the start.");
    else if (v->last_made == 0 && v->retry_at != 0)
        (void)snprintf(due, sizeof due, "There is no backup yet, and the last attempt failed.");
    else if (keys_are_newer(v, now))
        (void)snprintf(due, sizeof due, "The keys were exchanged and no backup was made since: the root key of before opens the older ones.");
    else if (v->last_made != 0 && now - v->last_made > every + every / 2)
        (void)snprintf(due, sizeof due, "The last backup is older than it should be.");
    else if (v->last_test_failed)
        (void)snprintf(due, sizeof due, "The last test of a backup failed.");
    bool late = wants_backups(v) && due[0] != 0 && !v->last_test_failed;
    if (late && !v->overdue)
        tell_finding(v, "ledger.backup_overdue", due,
                     "Look whether the folder of the backups is there and has room, then make a backup under Ledger.", v->state.why);
    else if (!late && v->overdue)
        tell_ended(v, "ledger.backup_overdue", "A backup was made.");
    v->overdue = late;
    (void)pthread_mutex_lock(&v->lock);
    (void)snprintf(v->state.due, sizeof v->state.due, "%s", due);
    (void)pthread_mutex_unlock(&v->lock);
}

static void set_doing(struct vault *v, const char *what)
{
    (void)pthread_mutex_lock(&v->lock);
    (void)snprintf(v->state.doing, sizeof v->state.doing, "%s", what);
    (void)pthread_mutex_unlock(&v->lock);
}

static void note_failure(struct vault *v, const uint8_t id[BACKUP_ID], const struct error *e)
{
    log_line(LOG_LEVEL_ERROR, "a backup failed: %s", e->text);
    (void)pthread_mutex_lock(&v->lock);
    backup_id_text(id, v->state.failed);
    (void)snprintf(v->state.why, sizeof v->state.why, "%.255s", e->text);
    (void)pthread_mutex_unlock(&v->lock);
}

/* About how large a new one becomes. */
static uint64_t last_size(struct vault *v)
{
    struct found_backup *list;
    struct stat st;
    size_t n = list_by_age(v, &list);
    uint64_t size = n > 0 && fstatat(v->o.folder, list[0].name, &st, 0) == 0 ? (uint64_t)st.st_size : 0;
    free(list);
    return size;
}

static void do_backup(struct vault *v, const uint8_t id[BACKUP_ID], int fd, const char *person, const char *where)
{
    struct error e = {0};
    char by[API_TASK_PERSON];
    set_doing(v, "making");
    v->task = API_TASK_BACKUP;
    v->task_total = last_size(v);
    task_begin(v->task, person);
    copy_erasures(v);
    int r = make(v, id, fd, person, where, &e);
    if (r != 0 && !given_up(v, &e))
        note_failure(v, id, &e);
    if (fd < 0)
        v->retry_at = r != 0 ? clock_monotonic() + RETRY : 0;
    (void)task_end(v->task, by);
    set_doing(v, "");
}

static void do_test(struct vault *v, const uint8_t *id, const char *person)
{
    struct found_backup *list;
    size_t n = list_by_age(v, &list);
    char by[API_TASK_PERSON];
    set_doing(v, "testing");
    v->task = API_TASK_TEST;
    v->task_total = 0;
    task_begin(v->task, person);
    for (size_t i = 0; i < n; i++)
        if (id == NULL || memcmp(list[i].id, id, BACKUP_ID) == 0) {
            test(v, &list[i], person);
            break;
        }
    free(list);
    (void)task_end(v->task, by);
    set_doing(v, "");
}

static void do_due(struct vault *v)
{
    tq_time now = clock_now();
    copy_erasures(v);
    if (v->o.folder < 0 || !going(v))
        return;
    bool due = v->last_made == 0 || now - v->last_made >= v->start.backup_every * TIME_SECOND || now < v->last_made - HOUR || keys_are_newer(v, now);
    if (due && clock_monotonic() >= v->retry_at) {
        uint8_t id[BACKUP_ID];
        crypto_random(id, sizeof id);
        do_backup(v, id, -1, "", v->start.backup_to);
    }
    bool test_due = v->last_tested == 0 || now - v->last_tested >= v->start.backup_test * TIME_SECOND;
    if (v->last_made != 0 && test_due && going(v))
        do_test(v, NULL, "");
}

/* ── the thread ── */

static tq_time next_look(const struct vault *v)
{
    tq_time every = v->start.backup_every * TIME_SECOND;
    return every < LOOK_EVERY ? every : LOOK_EVERY;
}

/* Waits for something to do. False: the end. */
static bool wait_for_work(struct vault *v, enum asked *ret, char *person, char *where, int *ret_fd, uint8_t id[BACKUP_ID])
{
    tq_time until = 0;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    until = (tq_time)t.tv_sec * TIME_SECOND + t.tv_nsec + next_look(v);
    t = (struct timespec){.tv_sec = until / TIME_SECOND, .tv_nsec = until % TIME_SECOND};
    (void)pthread_mutex_lock(&v->lock);
    int r = 0;
    while (!v->stopping && !v->poked && v->asked == ASKED_NOTHING && r != ETIMEDOUT)
        r = pthread_cond_clockwait(&v->work, &v->lock, CLOCK_MONOTONIC, &t);
    bool stopping = v->stopping;
    v->poked = false;
    *ret = v->asked;
    memcpy(person, v->person, PERSON_MAX);
    memcpy(where, v->where, WHERE_MAX);
    memcpy(id, v->id, BACKUP_ID);
    *ret_fd = v->fd;
    v->fd = -1;
    (void)pthread_mutex_unlock(&v->lock);
    return !stopping;
}

static void note_restored(struct vault *v)
{
    struct buf text = BUF_INIT(4096);
    struct record *r = file_load(AT_FDCWD, RESTORED, text.max, &text, NULL) == 0 ? begin_record(EVENT_BACKUP_RESTORED) : NULL;
    uint64_t index;
    if (r != NULL) {
        record_text(r, KEY_BACKUP, buf_span(&text));
        if (appender_decide(v->o.appender, r, &index, NULL) == 0)
            (void)unlink(RESTORED);
    }
    free(r);
    buf_release(&text);
}

static void *run(void *context)
{
    struct vault *v = context;
    role_step_back(10);
    char person[PERSON_MAX];
    char where[WHERE_MAX];
    uint8_t id[BACKUP_ID];
    enum asked asked;
    int fd;
    struct found_backup *list;
    note_restored(v);
    remove_test();
    tidy_folder(v);
    if (list_backups(v, &list) > 0)
        v->last_made = list[0].made;
    free(list);
    while (wait_for_work(v, &asked, person, where, &fd, id)) {
        if (asked == ASKED_BACKUP)
            do_backup(v, id, fd, person, where);
        else if (asked == ASKED_TEST)
            do_test(v, id, person);
        else
            do_due(v);
        if (fd >= 0)
            (void)close(fd);
        if (going(v))
            judge(v);
        if (asked != ASKED_NOTHING) {
            (void)pthread_mutex_lock(&v->lock);
            v->asked = ASKED_NOTHING;
            (void)pthread_mutex_unlock(&v->lock);
        }
    }
    return NULL;
}

struct vault *vault_start(const struct vault_options *options, struct error *e)
{
    struct vault *v = calloc(1, sizeof *v);
    if (v == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the vault");
        return NULL;
    }
    v->o = *options;
    v->start = *options->start;
    v->fd = -1;
    v->last_tested = options->last_tested;
    v->overdue = options->overdue;
    v->broken = v->last_test_failed = options->broken;
    (void)id_of(span_str(options->last_good), v->last_good);
    (void)snprintf(v->verifier, sizeof v->verifier, "%s", options->verifier);
    ledger_log_id(v->o.ledger, v->log_id);
    (void)snprintf(v->prefix, sizeof v->prefix, "tourniquet-%02x%02x%02x%02x-", v->log_id[0], v->log_id[1], v->log_id[2], v->log_id[3]);
    (void)pthread_mutex_init(&v->lock, NULL);
    (void)pthread_cond_init(&v->work, NULL);
    int r = pthread_create(&v->thread, NULL, run, v);
    if (r == 0)
        return v;
    (void)err_sys(e, r, "starting the vault");
    free(v);
    return NULL;
}

void vault_stop(struct vault *v)
{
    if (v == NULL)
        return;
    (void)pthread_mutex_lock(&v->lock);
    v->stopping = true;
    (void)pthread_cond_signal(&v->work);
    (void)pthread_mutex_unlock(&v->lock);
    (void)pthread_join(v->thread, NULL);
    if (v->fd >= 0)
        (void)close(v->fd);
    (void)pthread_cond_destroy(&v->work);
    (void)pthread_mutex_destroy(&v->lock);
    free(v);
}

void vault_poke(struct vault *v)
{
    (void)pthread_mutex_lock(&v->lock);
    v->poked = true;
    (void)pthread_cond_signal(&v->work);
    (void)pthread_mutex_unlock(&v->lock);
}

/* Under the lock. */
static int ask(struct vault *v, enum asked what, struct span person, struct error *e)
{
    if (v->asked != ASKED_NOTHING || v->state.doing[0] != 0)
        return err_set(e, ERR_AGAIN, "a backup is being made or tested already");
    v->asked = what;
    (void)snprintf(v->person, sizeof v->person, "%.*s", (int)(person.n < PERSON_MAX ? person.n : PERSON_MAX - 1),
                   person.n == 0 ? "" : (const char *)person.p);
    (void)pthread_cond_signal(&v->work);
    return 0;
}

int vault_make(struct vault *v, struct span person, int fd, struct span where, char ret_id[BACKUP_ID_TEXT], struct error *e)
{
    struct stat st;
    if (fd < 0 && v->o.folder < 0)
        return err_set(e, ERR_MISUSE, "there is no folder for backups: name one with backup.to in lab.yaml");
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != 0))
        return err_set(e, ERR_MISUSE, "a backup is written into an empty file");
    int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0 && copy < 0)
        return err_sys(e, errno, "taking the backup's file");
    (void)pthread_mutex_lock(&v->lock);
    int r = ask(v, ASKED_BACKUP, person, e);
    if (r == 0) {
        if (fd < 0)
            where = span_str(v->start.backup_to);
        (void)snprintf(v->where, sizeof v->where, "%.*s", (int)(where.n < WHERE_MAX ? where.n : WHERE_MAX - 1),
                       where.n == 0 ? "" : (const char *)where.p);
        crypto_random(v->id, sizeof v->id);
        backup_id_text(v->id, ret_id);
        v->fd = copy;
        v->state.failed[0] = v->state.why[0] = 0;
    }
    (void)pthread_mutex_unlock(&v->lock);
    if (r != 0 && copy >= 0)
        (void)close(copy);
    return r;
}

int vault_test(struct vault *v, struct span person, struct span id, struct error *e)
{
    uint8_t wanted[BACKUP_ID];
    struct found_backup *list;
    size_t n = list_backups(v, &list);
    bool there = false;
    for (size_t i = 0; i < n && id_of(id, wanted); i++)
        there |= memcmp(list[i].id, wanted, BACKUP_ID) == 0;
    free(list);
    if (!there)
        return err_set(e, ERR_MISUSE, "there is no such backup in the folder of backups");
    (void)pthread_mutex_lock(&v->lock);
    int r = ask(v, ASKED_TEST, person, e);
    if (r == 0)
        memcpy(v->id, wanted, BACKUP_ID);
    (void)pthread_mutex_unlock(&v->lock);
    return r;
}

void vault_state(struct vault *v, struct vault_state *ret)
{
    (void)pthread_mutex_lock(&v->lock);
    *ret = v->state;
    if (ret->doing[0] == 0 && v->asked != ASKED_NOTHING)
        (void)snprintf(ret->doing, sizeof ret->doing, v->asked == ASKED_TEST ? "testing" : "making");
    (void)pthread_mutex_unlock(&v->lock);
}
