/* backup: a copy of everything, sealed, in one file. The running keeper makes it; where nothing runs, this program does. */
#include "record/backup/backup.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/opening.h"
#include "proc/ask.h"
#include "proc/clock.h"
#include "record/crypto/crypto.h"
#include "record/ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 200
#define LOST_AFTER 50 /* looks in a row that find no word of it */

struct arguments {
    const char *config_file;
    const char *data;
    const char *to;
    struct config config;
    struct opening opening; /* where nothing runs */
    int folder;             /* that --to names; -1: none */
    char where[PATH_MAX];
    char under_way[64]; /* the file's name in it, while it is written */
};

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet backup: %s\n", e->text);
    return err_exit_status(e);
}

static void print_made(const char *id, int64_t bytes, int64_t records, const char *where)
{
    struct buf line = BUF_INIT(8192);
    struct jsonw j = jsonw_to(&line);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "backup");
    jsonw_put_str(&j, "id", id);
    jsonw_put_int(&j, "bytes", bytes);
    jsonw_put_int(&j, "records", records);
    jsonw_put_str(&j, "where", where);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    (void)fprintf(stderr, "%lld records are in a backup of %.1f MiB: %s\n", (long long)records, (double)bytes / (1 << 20), where);
    buf_release(&line);
}

/* ── a file in the folder of --to ── */

static int begin_file(struct arguments *a, struct error *e)
{
    a->folder = open(a->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->folder < 0 || realpath(a->to, a->where) == NULL)
        return err_set(e, ERR_MISUSE, "the folder %s cannot be opened: %s", a->to, strerror(errno));
    (void)snprintf(a->under_way, sizeof a->under_way, "tourniquet.%ld.backup.tmp", (long)getpid());
    int fd = openat(a->folder, a->under_way, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return fd < 0 ? err_sys(e, errno, "making a file in %s", a->to) : fd;
}

/* Gives the file its name, or removes it. */
static int end_file(struct arguments *a, bool good, const char *id, struct error *e)
{
    char name[64];
    char time[TIME_TEXT];
    if (a->folder < 0)
        return 0;
    if (!good) {
        (void)unlinkat(a->folder, a->under_way, 0);
        return 0;
    }
    (void)time_format(clock_now(), time);
    (void)snprintf(name, sizeof name, "tourniquet-%.4s%.2s%.2sT%.2s%.2s%.2sZ-%.8s.backup", time, time + 5, time + 8, time + 11, time + 14, time + 17,
                   id);
    size_t n = strlen(a->where);
    if (renameat(a->folder, a->under_way, a->folder, name) != 0)
        return err_sys(e, errno, "putting %s in place", name);
    (void)snprintf(a->where + n, sizeof a->where - n, "/%s", name);
    return file_sync_path(a->folder, ".", e);
}

/* ── by the running keeper ── */

static json_t *ask_json(int data, const char *method, struct span body, int fd, unsigned *ret_status, struct error *e)
{
    struct ask asked = {.channel = {.fd = -1}};
    json_t *answer = NULL;
    int line = ask_dial(data, e);
    if (line >= 0 && ask_send(&asked, line, method, SPAN_LIT("/api/v1/backups"), NULL, body, fd, e) == 0) {
        *ret_status = asked.reply.status;
        answer = json_loadb((const char *)asked.reply.body.p, asked.reply.body.n, 0, NULL);
        if (answer == NULL)
            (void)err_set(e, ERR_SYSTEM, "the keeper's answer cannot be read");
    }
    ask_release(&asked);
    return answer;
}

/* 1: the backup with this id is there, *ret_* filled; 0: not yet (*ret_idle: nothing is being made); -1: it failed. */
static int look(int data, const char *id, int64_t *ret_bytes, int64_t *ret_records, char *where, size_t size, bool *ret_idle, struct error *e)
{
    unsigned status = 0;
    size_t i;
    json_t *item;
    json_t *list = ask_json(data, "GET", (struct span){0}, -1, &status, e);
    if (list == NULL)
        return -1;
    json_t *failed = json_object_get(list, "failed");
    const char *failed_id = json_string_value(json_object_get(failed, "id"));
    const char *why = json_string_value(json_object_get(failed, "why"));
    int r = failed_id != NULL && strcmp(failed_id, id) == 0 ? err_set(e, ERR_SYSTEM, "%s", why == NULL ? "it failed" : why) : 0;
    json_array_foreach(json_object_get(list, "items"), i, item)
    {
        const char *item_id = json_string_value(json_object_get(item, "id"));
        const char *place = json_string_value(json_object_get(item, "where"));
        if (item_id == NULL || strcmp(item_id, id) != 0)
            continue;
        *ret_bytes = json_integer_value(json_object_get(item, "bytes"));
        *ret_records = json_integer_value(json_object_get(item, "records"));
        (void)snprintf(where, size, "%s", place == NULL ? "" : place);
        r = 1;
    }
    *ret_idle = !json_is_string(json_object_get(list, "doing"));
    json_decref(list);
    return r;
}

static int start_running(int data, const struct arguments *a, int fd, char id[BACKUP_ID_TEXT], struct error *e)
{
    unsigned status = 0;
    json_t *wanted = fd >= 0 ? json_pack("{s:s}", "where", a->where) : json_object();
    char *body = wanted == NULL ? NULL : json_dumps(wanted, JSON_COMPACT);
    json_decref(wanted);
    if (body == NULL)
        return err_set(e, ERR_MISUSE, "the folder's name is no UTF-8 text");
    json_t *answer = ask_json(data, "POST", span_str(body), fd, &status, e);
    free(body);
    if (answer == NULL)
        return -1;
    const char *given = json_string_value(json_object_get(answer, "id"));
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    int r = 0;
    if (status != 202 || given == NULL || strlen(given) >= BACKUP_ID_TEXT)
        r = err_set(e, ERR_MISUSE, "%s", detail == NULL ? "the keeper did not begin one" : detail);
    else
        (void)snprintf(id, BACKUP_ID_TEXT, "%s", given);
    json_decref(answer);
    return r;
}

static int by_keeper(int data, struct arguments *a, int fd, struct error *e)
{
    char id[BACKUP_ID_TEXT];
    char where[PATH_MAX];
    int64_t bytes = 0;
    int64_t records = 0;
    bool idle = false;
    int lost = 0; /* another keeper knows nothing of it */
    int r = start_running(data, a, fd, id, e);
    while (r == 0 && (r = look(data, id, &bytes, &records, where, sizeof where, &idle, e)) == 0) {
        lost = idle ? lost + 1 : 0;
        if (lost == LOST_AFTER)
            r = err_set(e, ERR_SYSTEM, "the keeper was started anew meanwhile and knows nothing of the backup: try again");
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * TIME_MS}, NULL);
    }
    bool good = r == 1;
    if (end_file(a, good, id, e) != 0)
        good = false;
    if (good)
        print_made(id, bytes, records, a->folder >= 0 ? a->where : where);
    return good ? 0 : -1;
}

/* ── where nothing runs ── */

static int write_it(struct ledger *l, int data, int fd, struct backup_made *made, uint64_t *ret_records, char id[BACKUP_ID_TEXT], struct error *e)
{
    uint8_t key[32];
    struct ledger_cut cut;
    int r = ledger_cut_take(l, clock_now(), &cut, e);
    ledger_opening_key(l, key);
    struct backup_job job = {.cut = &cut, .data = data, .opening = key, .now = clock_now(), .fd = fd};
    crypto_random(job.id, sizeof job.id);
    backup_id_text(job.id, id);
    if (r == 0)
        r = backup_write(&job, made, e);
    *ret_records = cut.size;
    ledger_cut_release(&cut);
    crypto_wipe(key, sizeof key);
    return r;
}

/* The ledger, opened by what its keyring asks for. One of an earlier format knows root keys in files only. */
static struct ledger *open_ledger(const char *path, int data, struct opening *o, struct error *e)
{
    char own[PATH_MAX];
    struct error why = {0};
    int dir = openat(data, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct slots *slots = calloc(1, sizeof *slots);
    bool known = dir >= 0 && slots != NULL && slots_load(dir, slots, &why) == 0;
    if (dir >= 0)
        (void)close(dir);
    (void)snprintf(own, sizeof own, "%s/root.key", path);
    o->secret = BUF_SECRET(ROOT_SECRET_MAX);
    int r = known ? opening_find(o, slots, own, "this ledger", e) : 0;
    struct ledger *l = r == 0 ? opened_ledger(path, known ? &o->source : NULL, e) : NULL;
    opening_release(o);
    free(slots);
    return l;
}

static int by_itself(const char *path, struct arguments *a, int fd, struct error *e)
{
    char id[BACKUP_ID_TEXT] = "";
    struct backup_made made = {0};
    uint64_t records = 0;
    int data = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data < 0)
        return err_sys(e, errno, "opening the data folder %s", path);
    int r = flock(data, LOCK_EX | LOCK_NB) == 0
                ? 0
                : err_set(e, ERR_AGAIN, "Tourniquet runs on %s, but its keeper does not answer: look at it first", path);
    struct ledger *l = r == 0 ? open_ledger(path, data, &a->opening, e) : NULL;
    r = l == NULL ? -1 : write_it(l, data, fd, &made, &records, id, e);
    ledger_close(l);
    (void)close(data);
    bool good = r == 0;
    if (end_file(a, good, id, e) != 0)
        good = false;
    if (good)
        print_made(id, (int64_t)made.bytes, (int64_t)records, a->where);
    return good ? 0 : -1;
}

/* ── the verb ── */

static int make(struct arguments *a, struct error *e)
{
    int data = ask_folder(a->config_file, a->data, &a->config, e);
    if (data < 0)
        return -1;
    const char *path = a->data != NULL ? a->data : a->config.data;
    struct error why = {0};
    int line = ask_dial(data, &why);
    bool running = line >= 0;
    if (running)
        (void)close(line);
    int r = running || why.class == ERR_CLOSED ? 0 : err_set(e, why.class, "%s", why.text);
    if (r == 0 && !running && a->to == NULL && (a->to = a->config.backup_to)[0] == 0)
        r = err_set(e, ERR_MISUSE, "nothing runs on %s, and no folder is named: give --to DIR, or backup.to in lab.yaml", path);
    int fd = r == 0 && a->to != NULL ? begin_file(a, e) : -1;
    if (r == 0 && (a->to == NULL || fd >= 0))
        r = running ? by_keeper(data, a, fd, e) : by_itself(path, a, fd, e);
    else
        r = -1;
    if (fd >= 0)
        (void)close(fd);
    if (a->folder >= 0)
        (void)close(a->folder);
    (void)close(data);
    return r;
}

static int run(int argc, char **argv)
{
    enum { DATA = 256, TO, KEY, PASSPHRASE_FILE };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, DATA},
                                            {"to", required_argument, NULL, TO},
                                            {"key", required_argument, NULL, KEY},
                                            {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
                                            {NULL, 0, NULL, 0}};
    static struct arguments a;
    struct error e = {0};
    int c;
    optind = 1;
    a.folder = -1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (c == 'c')
            a.config_file = optarg;
        else if (c == DATA)
            a.data = optarg;
        else if (c == TO)
            a.to = optarg;
        else if (c == KEY)
            a.opening.key = optarg;
        else if (c == PASSPHRASE_FILE)
            a.opening.passphrase_file = optarg;
        else
            optind = argc + 1;
    }
    if (optind != argc) {
        (void)fputs(verb_backup.usage, stderr);
        return 2;
    }
    return make(&a, &e) == 0 ? 0 : complain(&e);
}

const struct verb verb_backup = {
    .name = "backup",
    .summary = "a copy of everything, sealed, while Tourniquet runs or not",
    .usage = "usage: tourniquet backup [-c lab.yaml | --data DIR] [--to DIR] [--key FILE | --passphrase-file FILE]\n"
             "\n"
             "Makes a backup now, in one file: the ledger up to this moment, its keys and the site's identity, sealed so that only what opens the "
             "keyring\n"
             "opens it. A running Tourniquet makes it without stopping. `tourniquet restore` is the way back.\n"
             "\n"
             "  -c lab.yaml   the configuration, for the data folder and backup.to\n"
             "  --data DIR    the data folder, in place of the configuration's\n"
             "  --to DIR      put it there (default: backup.to of the running Tourniquet)\n"
             "\n"
             "Where nothing runs, the keyring has to be opened here: by the data folder's root.key, by a passphrase that is asked for or read from "
             "standard\n"
             "input, or by\n"
             "\n"
             "  --key FILE    the root key, where it lies elsewhere, or the credential\n"
             "  --passphrase-file FILE\n"
             "                the passphrase is its first line\n",
    .run = run,
};
