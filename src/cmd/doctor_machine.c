/* doctor: the data folder's owner and modes, room on the disk, the clock, core files. */
#include "cmd/doctor.h"

#include "proc/ask.h"
#include "proc/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#define DEPTH_MAX 8
#define SKEW_MOST (5 * TIME_SECOND) /* that a file may be newer than now */

/* ── owner and modes ── */

struct modes {
    struct doctor *d;
    uid_t owner;
    unsigned wrong;
    unsigned mended;
    char first[256];
};

/* Public keys and certificates may be read by others, and the local socket used by its group; nothing else. */
static mode_t allowed(const char *name, const struct stat *st)
{
    const char *dot = strrchr(name, '.');
    if (S_ISDIR(st->st_mode))
        return 0700;
    if (S_ISSOCK(st->st_mode))
        return 0660;
    return dot != NULL && (strcmp(dot, ".pem") == 0 || strcmp(dot, ".pub") == 0) ? 0644 : 0600;
}

static void wrong(struct modes *m, const char *path, const char *what, bool mended)
{
    if (m->wrong++ == 0)
        (void)snprintf(m->first, sizeof m->first, "%.160s %s", path[0] == 0 ? "the folder itself" : path, what);
    m->mended += mended;
}

static void look_at_one(struct modes *m, int dir, const char *name, const char *path, const struct stat *st)
{
    mode_t may = allowed(name, st);
    if (S_ISLNK(st->st_mode) || (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode) && !S_ISSOCK(st->st_mode))) {
        wrong(m, path, "is no file of Tourniquet's (a link, or something else)", false);
        return;
    }
    if (st->st_uid != m->owner)
        wrong(m, path, "belongs to another user than the folder", m->d->mend && fchownat(dir, name, m->owner, m->owner, AT_SYMLINK_NOFOLLOW) == 0);
    if ((st->st_mode & 07777 & ~may) != 0)
        wrong(m, path, "may be used by others", m->d->mend && fchmodat(dir, name, st->st_mode & may, 0) == 0);
}

static void look_below(struct modes *m, int dir, const char *path, int depth)
{
    int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (list == NULL) {
        wrong(m, path, "cannot be read", false);
        if (copy >= 0)
            (void)close(copy);
        return;
    }
    for (struct dirent *f = readdir(list); f != NULL; f = readdir(list)) {
        char below[512];
        struct stat st;
        if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0 || fstatat(dir, f->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* what went meanwhile is nothing wrong */
        if ((size_t)snprintf(below, sizeof below, "%s%s%s", path, path[0] == 0 ? "" : "/", f->d_name) >= sizeof below)
            continue;
        look_at_one(m, dir, f->d_name, below, &st);
        int next = S_ISDIR(st.st_mode) && depth > 0 ? openat(dir, f->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        if (next >= 0) {
            look_below(m, next, below, depth - 1);
            (void)close(next);
        }
    }
    (void)closedir(list);
}

void doctor_folder(struct doctor *d)
{
    struct stat st;
    struct modes m = {.d = d};
    if (fstat(d->folder, &st) != 0) {
        doctor_say(d, "folder", DOCTOR_BAD, "The data folder %s cannot be looked at: %s.", d->data, strerror(errno));
        return;
    }
    m.owner = st.st_uid;
    look_at_one(&m, d->folder, ".", "", &st);
    look_below(&m, d->folder, "", DEPTH_MAX);
    if (m.wrong == 0)
        doctor_say(d, "folder", DOCTOR_GOOD, "Everything in %s belongs to uid %u and to nobody else.", d->data, (unsigned)m.owner);
    else if (m.mended == m.wrong)
        doctor_say(d, "folder", DOCTOR_MENDED, "Owner or mode was wrong at %u places, first: %s.", m.wrong, m.first);
    else
        doctor_say(d, "folder", DOCTOR_BAD,
                   "Owner or mode is wrong at %u places, first: %s. Run doctor --mend as root, or remove what does not belong there.",
                   m.wrong - m.mended, m.first);
}

/* ── disk, clock ── */

void doctor_space(struct doctor *d)
{
    struct statvfs v;
    if (fstatvfs(d->folder, &v) != 0 || v.f_blocks == 0) {
        doctor_say(d, "disk", DOCTOR_BAD, "How much room there is cannot be told: %s.", strerror(errno));
        return;
    }
    double mib = (double)v.f_bavail * (double)v.f_frsize / (1 << 20);
    double percent = 100.0 * (double)v.f_bavail / (double)v.f_blocks;
    bool files = v.f_files > 0 && v.f_favail < 1000;
    bool bad = (percent < 3 && mib < 1024) || files;
    bool low = percent < 10 && mib < 5120;
    doctor_say(d, "disk",
               bad   ? DOCTOR_BAD
               : low ? DOCTOR_ATTENTION
                     : DOCTOR_GOOD,
               "%.0f MiB are free (%.1f %%)%s.", mib, percent,
               files        ? ", but hardly any more files can be made"
               : bad || low ? ": make room"
                            : "");
}

void doctor_clock(struct doctor *d)
{
    struct stat st;
    struct timex t = {0};
    int state = adjtimex(&t);
    tq_time now = clock_now();
    if (fstatat(d->folder, "ledger/checkpoint", &st, 0) == 0) {
        tq_time written = (tq_time)st.st_mtim.tv_sec * TIME_SECOND + st.st_mtim.tv_nsec;
        if (written > now + SKEW_MOST) {
            doctor_say(d, "clock", DOCTOR_BAD,
                       "The clock stands before the last checkpoint of the ledger: it was set back, or the checkpoint comes from the "
                       "future. Set the clock.");
            return;
        }
    }
    if (state < 0 || (t.status & STA_UNSYNC) != 0)
        doctor_say(d, "clock", DOCTOR_ATTENTION,
                   "Nothing keeps this machine's clock right: switch time synchronisation on (chrony, systemd-timesyncd).");
    else
        doctor_say(d, "clock", DOCTOR_GOOD, "The clock is synchronised, and not before the last checkpoint.");
}

/* ── core files ── */

/* Whether a process can leave a core file. -1: it cannot be looked at. */
static int leaves_core(long pid)
{
    char path[64];
    char line[256];
    int answer = -1;
    (void)snprintf(path, sizeof path, "/proc/%ld/limits", pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, "Max core file size", 18) == 0)
            answer = strtoul(line + 18, NULL, 10) != 0 || strstr(line, "unlimited") != NULL;
    if (f != NULL)
        (void)fclose(f);
    return answer;
}

void doctor_cores(struct doctor *d)
{
    struct error e = {0};
    struct ucred who;
    socklen_t size = sizeof who;
    char path[64];
    int line = d->running ? ask_dial(d->folder, &e) : -1;
    if (line < 0 || getsockopt(line, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) {
        if (line >= 0)
            (void)close(line);
        doctor_say(d, "cores", DOCTOR_SKIPPED, "Nothing runs: whether the parts leave no core files is seen while they run.");
        return;
    }
    (void)close(line);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)who.pid, (int)who.pid);
    FILE *f = fopen(path, "re");
    char children[1024] = "";
    unsigned parts = 0;
    unsigned leave = 0;
    char *rest = f == NULL || fgets(children, sizeof children, f) == NULL ? children + sizeof children - 1 : children;
    for (;;) {
        char *end = rest;
        int answer = leaves_core(strtol(rest, &end, 10));
        if (end == rest)
            break;
        rest = end;
        parts += answer >= 0;
        leave += answer > 0;
    }
    if (f != NULL)
        (void)fclose(f);
    if (parts == 0)
        doctor_say(d, "cores", DOCTOR_SKIPPED, "The running parts cannot be looked at by this user.");
    else if (leave > 0)
        doctor_say(d, "cores", DOCTOR_BAD, "%u of %u running parts can leave a core file with keys in it: restart Tourniquet.", leave, parts);
    else
        doctor_say(d, "cores", DOCTOR_GOOD, "None of the %u running parts leaves a core file.", parts);
}

/* ── doors ── */

/* Does the firewall do what it is told, where lab.yaml wants doors for makers' engineers? */
void doctor_firewall(struct doctor *d)
{
    struct error e = {0};
    if (d->config.warden_devices[0] == 0)
        return; /* nobody asked for it */
    if (!d->running || d->locked) {
        doctor_say(d, "firewall", DOCTOR_SKIPPED, "Whether the firewall opens doors is known only while Tourniquet runs, unlocked.");
        return;
    }
    json_t *doors = doctor_ask(d, "/api/v1/doors?limit=1", &e);
    const json_t *firewall = json_object_get(doors, "firewall");
    const char *why = json_string_value(json_object_get(firewall, "why"));
    if (doors == NULL)
        doctor_say(d, "firewall", DOCTOR_SKIPPED, "How the firewall is cannot be told: %s.", e.text);
    else if (json_is_true(json_object_get(firewall, "on")))
        doctor_say(d, "firewall", DOCTOR_GOOD, "The firewall keeps vendors' networks from devices, and opens doors.");
    else
        doctor_say(d, "firewall", DOCTOR_BAD, "lab.yaml wants doors, but the firewall does nothing: %s.", why != NULL ? why : "no reason was given");
    json_decref(doors);
}
