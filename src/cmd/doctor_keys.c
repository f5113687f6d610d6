/* doctor: the keys, what waits in spools, and the backups. */
#include "cmd/doctor.h"

#include "proc/clock.h"
#include "record/backup/backup.h"
#include "record/crypto/crypto.h"
#include "record/ledger/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define YEAR (INT64_C(365) * 86400 * TIME_SECOND)

/* ── keys ── */

static void say_recovery(struct doctor *d, const struct slots *slots)
{
    const struct slot *recovery = slots_find(slots, SLOT_RECOVERY);
    if (recovery == NULL)
        doctor_say(d, "recovery", DOCTOR_ATTENTION,
                   "There is no recovery key: who loses the root key can read nothing any more, in no backup either.");
    else if (recovery->tested == 0 || clock_now() - recovery->tested > YEAR)
        doctor_say(d, "recovery", DOCTOR_ATTENTION, "Nobody has shown within a year that the printed recovery key is there and opens the keyring.");
    else
        doctor_say(d, "recovery", DOCTOR_GOOD, "There is a recovery key, and it was tried within a year.");
}

/* A root key in a file can be tried here; a passphrase or a credential is not at hand. */
static void say_source(struct doctor *d, const struct slots *slots)
{
    char path[CONFIG_PATH + 16];
    uint8_t w[WRAPPING_KEY];
    struct error e = {0};
    const struct slot *slot = slots_source(slots);
    (void)snprintf(path, sizeof path, "%s/root.key", d->data);
    struct root_source source = {.kind = ROOT_FILE, .path = path};
    if (slot == NULL)
        doctor_say(d, "keys", DOCTOR_BAD, "No root key opens the keyring any more: only the recovery key does.");
    else if (slot->kind != ROOT_FILE)
        doctor_say(d, "keys", DOCTOR_GOOD, "The keyring is whole; a %s opens it, which is not tried here.",
                   root_kind_name((enum root_kind)slot->kind));
    else if (slots_open(slots, &source, w, NULL, &e) != 0)
        doctor_say(d, "keys", DOCTOR_BAD, "The root key does not open the keyring: %s", e.text);
    else
        doctor_say(d, "keys", DOCTOR_GOOD,
                   "The root key opens the keyring. It is a file on the same disk: whoever takes this box can read everything.");
    crypto_wipe(w, sizeof w);
}

void doctor_keys(struct doctor *d)
{
    struct error e = {0};
    struct slots *slots = calloc(1, sizeof *slots);
    int dir = openat(d->folder, "ledger", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (slots == NULL || dir < 0)
        doctor_say(d, "keys", DOCTOR_SKIPPED, "There is no ledger whose keys could be looked at.");
    else if (slots_load(dir, slots, &e) != 0)
        doctor_say(d, "keys", e.class == ERR_CLOSED ? DOCTOR_SKIPPED : DOCTOR_BAD, "%s", e.text);
    else {
        say_source(d, slots);
        say_recovery(d, slots);
    }
    if (dir >= 0)
        (void)close(dir);
    free(slots);
}

/* ── spools ── */

void doctor_spool(struct doctor *d)
{
    struct stat st;
    if (fstatat(d->folder, "spool", &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_size == 0)
        doctor_say(d, "spool", DOCTOR_GOOD, "Nothing waits to be read into the ledger.");
    else
        doctor_say(d, "spool", DOCTOR_ATTENTION, "A spool of %.1f MiB waits, sealed, to be read into the ledger: unlock it.",
                   (double)st.st_size / (1 << 20));
}

/* ── backups ── */

static void ask_backups(struct doctor *d)
{
    struct error e = {0};
    json_t *answer = doctor_ask(d, "/api/v1/backups", &e);
    if (answer == NULL) {
        doctor_say(d, "backups", DOCTOR_BAD, "The keeper does not tell about them: %s.", e.text);
        return;
    }
    const char *due = json_string_value(json_object_get(answer, "due"));
    const char *last = json_string_value(json_object_get(answer, "last"));
    const char *tested = json_string_value(json_object_get(answer, "tested"));
    if (due != NULL)
        doctor_say(d, "backups", last == NULL && tested == NULL ? DOCTOR_ATTENTION : DOCTOR_BAD, "%s", due);
    else if (last == NULL || tested == NULL)
        doctor_say(d, "backups", DOCTOR_ATTENTION, "%s", last == NULL ? "There is none yet." : "None was tested yet.");
    else
        doctor_say(d, "backups", DOCTOR_GOOD, "The last one was made %.19s, the last test was %.19s (UTC).", last, tested);
    json_decref(answer);
}

/* The newest one in the folder, by the heads of the files. */
static tq_time newest_backup(const char *folder, unsigned *ret_n)
{
    tq_time newest = 0;
    DIR *list = opendir(folder);
    *ret_n = 0;
    for (struct dirent *f = list == NULL ? NULL : readdir(list); f != NULL; f = readdir(list)) {
        struct error e = {0};
        const char *dot = strrchr(f->d_name, '.');
        int fd = dot != NULL && strcmp(dot, ".backup") == 0 ? openat(dirfd(list), f->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
        struct backup_reader *r = fd < 0 ? NULL : backup_open(fd, &e);
        if (r != NULL) {
            (*ret_n)++;
            newest = backup_reader_head(r)->made > newest ? backup_reader_head(r)->made : newest;
        }
        backup_close(r);
        if (fd >= 0)
            (void)close(fd);
    }
    if (list != NULL)
        (void)closedir(list);
    return newest;
}

void doctor_backups(struct doctor *d)
{
    unsigned n;
    char time[TIME_TEXT];
    if (d->locked) {
        doctor_say(d, "backups", DOCTOR_SKIPPED, "The keeper tells about them once it is unlocked.");
        return;
    }
    if (d->running) {
        ask_backups(d);
        return;
    }
    if (d->config.backup_to[0] == 0) {
        doctor_say(d, "backups", DOCTOR_ATTENTION, "None are set up: name a folder on another disk with backup.to in lab.yaml.");
        return;
    }
    tq_time newest = newest_backup(d->config.backup_to, &n);
    (void)time_format(newest, time);
    if (n == 0)
        doctor_say(d, "backups", DOCTOR_BAD, "There is none in %s.", d->config.backup_to);
    else if (clock_now() - newest > d->config.backup_every * TIME_SECOND * 3 / 2)
        doctor_say(d, "backups", DOCTOR_BAD, "The newest of %u is of %.19s UTC: older than it should be.", n, time);
    else
        doctor_say(d, "backups", DOCTOR_GOOD, "The newest of %u is of %.19s UTC. Whether they restore is tested while Tourniquet runs.", n, time);
}
