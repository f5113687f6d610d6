/* restore: a data folder out of a backup, in one step: it is there whole and checked, or not at all. */
#include "base/json.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/opening.h"
#include "cmd/secret.h"
#include "proc/clock.h"
#include "record/backup/backup.h"
#include "record/crypto/crypto.h"
#include "record/ledger/file.h"
#include "record/ledger/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct arguments {
    const char *backup;
    const char *to;
    const char *erasures;
    bool recovery;
    struct opening opening;
    char typed[RECOVERY_TEXT + 128]; /* the recovery key */
    size_t erased;
    char list[PATH_MAX];      /* of erasures, that was found; "" */
    char verifier[512];       /* of what was restored */
    char under_way[PATH_MAX]; /* TO.restoring */
};

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet restore: %s\n", e->text);
    return err_exit_status(e);
}

/* ── where it goes ── */

static bool nothing_there(const char *path)
{
    DIR *d = opendir(path);
    bool empty = d != NULL || errno == ENOENT;
    for (struct dirent *f = d == NULL ? NULL : readdir(d); f != NULL && empty; f = readdir(d))
        empty = strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0;
    if (d != NULL)
        (void)closedir(d);
    return empty;
}

static int begin_folder(struct arguments *a, int *ret_dir, struct error *e)
{
    size_t n = strlen(a->to);
    while (n > 1 && a->to[n - 1] == '/')
        n--;
    if (!nothing_there(a->to))
        return err_set(e, ERR_MISUSE, "there is something in %s already: nothing is overwritten; name a folder that is empty or not there", a->to);
    if ((size_t)snprintf(a->under_way, sizeof a->under_way, "%.*s.restoring", (int)n, a->to) >= sizeof a->under_way)
        return err_set(e, ERR_MISUSE, "the path of the data folder is too long");
    if (mkdir(a->under_way, 0700) != 0) {
        int why = errno;
        a->under_way[0] = 0;
        return why == EEXIST ? err_set(e, ERR_MISUSE, "%s.restoring is there: a restore was cut off, or is under way; remove it first", a->to)
                             : err_sys(e, why, "making %s.restoring", a->to);
    }
    *ret_dir = open(a->under_way, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_dir < 0 ? err_sys(e, errno, "opening %s", a->under_way) : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int end_folder(const struct arguments *a, struct error *e)
{
    if (rename(a->under_way, a->to) != 0)
        return err_sys(e, errno, "putting %s in place (where it is a mount point, name a folder in it)", a->to);
    return file_sync_parent(AT_FDCWD, a->to, e);
}

/* ── the keys ── */

/* What opens the keyring whose file is `keyring`. */
static int find_source(struct arguments *a, struct span keyring, struct slots *slots, struct error *e)
{
    if (slots_parse(keyring, slots, NULL, e) != 0)
        return -1;
    if (!a->recovery)
        return opening_find(&a->opening, slots, NULL, "this backup", e);
    return secret_line("Recovery key", a->typed, sizeof a->typed)
               ? 0
               : err_set(e, ERR_MISUSE, "no recovery key came from the terminal or standard input");
}

static int unlock(struct arguments *a, struct backup_reader *r, struct error *e)
{
    uint8_t w[WRAPPING_KEY];
    uint8_t secret[BOX_SECRET];
    struct slots *slots = calloc(1, sizeof *slots);
    int rc = slots == NULL ? err_sys(e, ENOMEM, "reading a backup") : find_source(a, backup_reader_head(r)->keyring, slots, e);
    if (rc == 0 && a->recovery) {
        rc = recovery_read(span_str(a->typed), secret, e);
        if (rc == 0)
            rc = slots_open_recovery(slots, secret, w, e);
        crypto_wipe(secret, sizeof secret);
    } else if (rc == 0) {
        rc = slots_open(slots, &a->opening.source, w, NULL, e);
    }
    if (rc == 0)
        rc = backup_unlock(r, w, e);
    crypto_wipe(w, sizeof w);
    free(slots);
    return rc;
}

/* Leaves a key with which it starts: the file that was given, or, by the recovery key, a new one. */
static int put_key(struct arguments *a, struct error *e)
{
    char path[PATH_MAX];
    char dir[PATH_MAX];
    uint8_t root[ROOT_KEY];
    if ((size_t)snprintf(path, sizeof path, "%s/root.key", a->under_way) >= sizeof path ||
        (size_t)snprintf(dir, sizeof dir, "%s/ledger", a->under_way) >= sizeof dir)
        return err_set(e, ERR_MISUSE, "the path of the data folder is too long");
    if (a->recovery) {
        struct root_source fresh = {.kind = ROOT_FILE, .path = path};
        return ledger_recover_keys(dir, span_str(a->typed), &fresh, clock_now(), e);
    }
    if (a->opening.source.kind != ROOT_FILE)
        return 0;
    int rc = root_key_load(a->opening.key, root, e) == 0 ? root_key_put(path, root, e) : -1;
    crypto_wipe(root, sizeof root);
    return rc;
}

/* ── checking ── */

static int check_restored(const struct arguments *a, const struct backup_head *head, struct error *e)
{
    char dir[PATH_MAX];
    char root[48];
    struct ledger_report report;
    struct buf b64 = {.p = (uint8_t *)root, .size = sizeof root, .max = sizeof root};
    text_base64(&b64, span_of(head->root, sizeof head->root));
    if ((size_t)snprintf(dir, sizeof dir, "%s/ledger", a->under_way) >= sizeof dir)
        return err_set(e, ERR_MISUSE, "the path of the data folder is too long");
    if (ledger_verify(dir, NULL, NULL, &report, e) != 0)
        return -1;
    if (!report.holds)
        return err_set(e, ERR_CORRUPT, "what was restored does not hold: %s", report.why);
    if (report.records != head->records)
        return err_set(e, ERR_CORRUPT, "what was restored has %llu records where the backup's head says %llu", (unsigned long long)report.records,
                       (unsigned long long)head->records);
    if (report.checkpoint_size != head->records || !span_is(buf_span(&b64), report.checkpoint_root))
        return err_set(e, ERR_CORRUPT, "what was restored is another tree than the backup's head says");
    return 0;
}

/* The newest list of erasures: the one that is named, or the one that lies beside the backup. Nothing where there is none. */
static int load_erasures(struct arguments *a, const struct backup_head *head, struct buf *out, struct error *e)
{
    char path[PATH_MAX] = "";
    struct error why = {0};
    const char *slash = strrchr(a->backup, '/');
    int folder = slash == NULL ? 0 : (int)(slash - a->backup) + 1;
    if (a->erasures == NULL && (size_t)snprintf(path, sizeof path, "%.*stourniquet-%02x%02x%02x%02x-erasures", folder, a->backup, head->log_id[0],
                                                head->log_id[1], head->log_id[2], head->log_id[3]) >= sizeof path)
        return err_set(e, ERR_MISUSE, "the path of the backup is too long");
    if (file_load(AT_FDCWD, a->erasures != NULL ? a->erasures : path, LEDGER_ERASURES_MAX, out, &why) == 0) {
        (void)snprintf(a->list, sizeof a->list, "%s", a->erasures != NULL ? a->erasures : path);
        return 0;
    }
    if (why.class == ERR_CLOSED && a->erasures == NULL)
        return 0;
    return err_set(e, why.class == ERR_CLOSED ? ERR_MISUSE : why.class, "%s", why.text);
}

/* Opens it once as the keeper will, and erases what was erased since. */
static int open_once(struct arguments *a, const struct backup_head *head, struct error *e)
{
    struct buf list = BUF_INIT(LEDGER_ERASURES_MAX);
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/root.key", a->under_way);
    if (a->recovery)
        a->opening.source = (struct root_source){.kind = ROOT_FILE};
    struct root_source source = a->opening.source;
    if (source.kind == ROOT_FILE)
        source.path = path;
    int rc = load_erasures(a, head, &list, e);
    struct ledger *l = rc == 0 ? opened_ledger(a->under_way, &source, e) : NULL;
    if (rc == 0 && l == NULL)
        rc = err_context(e, "what was restored cannot be opened");
    uint8_t id[16] = {0};
    if (rc == 0) {
        ledger_log_id(l, id);
        (void)snprintf(a->verifier, sizeof a->verifier, "%s", ledger_verifier(l));
    }
    if (rc == 0 && memcmp(id, head->log_id, sizeof id) != 0)
        rc = err_set(e, ERR_CORRUPT, "what was restored is another ledger than the backup's head says");
    if (rc == 0 && list.n > 0)
        rc = ledger_replay_erasures(l, buf_span(&list), clock_now(), &a->erased, e);
    ledger_close(l);
    buf_release(&list);
    return rc;
}

static int note_restored(int dir, const struct backup_head *head, struct error *e)
{
    char id[BACKUP_ID_TEXT];
    backup_id_text(head->id, id);
    return file_replace(dir, "restored", span_str(id), true, e);
}

/* ── the verb ── */

static void print_restored(const struct arguments *a, const struct backup_head *head, const struct backup_restored *done)
{
    struct buf line = BUF_INIT(8192);
    struct jsonw j = jsonw_to(&line);
    char id[BACKUP_ID_TEXT];
    char time[TIME_TEXT];
    backup_id_text(head->id, id);
    (void)time_format(head->made, time);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "restore");
    jsonw_put_str(&j, "id", id);
    jsonw_put_str(&j, "made", time);
    jsonw_put_uint(&j, "records", head->records);
    jsonw_put_uint(&j, "files", done->files);
    jsonw_put_uint(&j, "bytes", done->bytes);
    jsonw_put_uint(&j, "erased", a->erased);
    jsonw_put_str(&j, "erasures", a->list[0] == 0 ? NULL : a->list);
    jsonw_put_str(&j, "verifier", a->verifier);
    jsonw_put_str(&j, "to", a->to);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    (void)fprintf(
        stderr,
        "%llu records as they were at %.19s UTC are in %s, and hold. What was recorded after that is not among them: who cosigned more of this\n"
        "ledger will say so. Start it with `tourniquet run --data %s`.\n",
        (unsigned long long)head->records, time, a->to, a->to);
    (void)fprintf(stderr, "The ledger's key is %s\nCompare it with the one that was kept elsewhere: a backup of another ledger would have another.\n",
                  a->verifier);
    if (a->list[0] == 0)
        (void)fputs(
            "No list of erasures lay beside the backup: who was erased after it was made can be read again. Bring the newest list (--erasures) and "
            "restore anew, or erase them again.\n",
            stderr);
    buf_release(&line);
}

static int restore_into(struct arguments *a, struct backup_reader *r, struct error *e)
{
    struct backup_restored done = {0};
    const struct backup_head *head = backup_reader_head(r);
    int dir = -1;
    int rc = unlock(a, r, e);
    if (rc == 0)
        rc = begin_folder(a, &dir, e);
    if (rc == 0 && (backup_read(r, dir, NULL, NULL, &done, e) != 0 || check_restored(a, head, e) != 0 || put_key(a, e) != 0 ||
                    open_once(a, head, e) != 0 || check_restored(a, head, e) != 0 || note_restored(dir, head, e) != 0 || end_folder(a, e) != 0))
        rc = -1;
    if (dir >= 0)
        (void)close(dir);
    if (rc == 0)
        print_restored(a, head, &done);
    else if (a->under_way[0] != 0)
        (void)nftw(a->under_way, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    return rc;
}

static int restore(struct arguments *a, struct error *e)
{
    (void)umask(0077);
    int fd = open(a->backup, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "%s cannot be opened: %s", a->backup, strerror(errno));
    struct backup_reader *r = crypto_start(e) != 0 ? NULL : backup_open(fd, e);
    int rc = r == NULL ? -1 : restore_into(a, r, e);
    backup_close(r);
    (void)close(fd);
    return rc;
}

static int run(int argc, char **argv)
{
    enum { TO = 256, KEY, PASSPHRASE_FILE, RECOVERY, ERASURES };
    static const struct option options[] = {{"to", required_argument, NULL, TO},
                                            {"key", required_argument, NULL, KEY},
                                            {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
                                            {"recovery", no_argument, NULL, RECOVERY},
                                            {"erasures", required_argument, NULL, ERASURES},
                                            {NULL, 0, NULL, 0}};
    static struct arguments a;
    struct error e = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == TO)
            a.to = optarg;
        else if (c == KEY)
            a.opening.key = optarg;
        else if (c == PASSPHRASE_FILE)
            a.opening.passphrase_file = optarg;
        else if (c == RECOVERY)
            a.recovery = true;
        else if (c == ERASURES)
            a.erasures = optarg;
        else
            optind = argc + 2;
    }
    if (optind != argc - 1 || a.to == NULL) {
        (void)fputs(verb_restore.usage, stderr);
        return 2;
    }
    a.backup = argv[optind];
    a.opening.secret = BUF_SECRET(ROOT_SECRET_MAX);
    int r = restore(&a, &e);
    opening_release(&a.opening);
    explicit_bzero(a.typed, sizeof a.typed);
    return r == 0 ? 0 : complain(&e);
}

const struct verb verb_restore = {
    .name = "restore",
    .summary = "a data folder out of a backup",
    .usage =
        "usage: tourniquet restore BACKUP --to DATA [--key FILE | --passphrase-file FILE | --recovery] [--erasures FILE]\n"
        "\n"
        "Makes the data folder DATA out of a backup, on this machine or a new one. It is checked whole before it gets its name; nothing is ever\n"
        "overwritten. What was erased since the backup was made is erased again first. The first start writes on the record that it was restored.\n"
        "\n"
        "  --to DATA        the data folder, which must be empty or not there\n"
        "  --key FILE       the root key (root.key) or credential that the laboratory had\n"
        "  --passphrase-file FILE\n"
        "                   the passphrase is its first line; else it is asked for, or read from standard input\n"
        "  --recovery       by the printed recovery key instead, asked for or read from standard input: the folder gets a new root.key\n"
        "  --erasures FILE  the newest list of erasures (default: the one that lies beside the backup)\n"
        "\n"
        "Exit status: 0 done, 1 the backup is cut, changed or damaged, 2 wrong use or key, 3 the machine failed.\n",
    .run = run,
};
