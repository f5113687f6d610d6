/* doctor: does the virus scanner of lab.yaml answer, and does it keep what it has in hand in memory only? Patients' mail is in it. */
#include "cmd/doctor.h"

#include "base/buf.h"
#include "proc/clamd.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define CONFIGURATION "/etc/clamav/clamd.conf"
#define TEMPORARY "/tmp" /* where clamd writes when nothing else is said */
#define FILE_MAX (256u << 10)

/* What can be read of a file of /proc or of a configuration. */
static bool read_all(const char *path, struct buf *out)
{
    char piece[4096];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(out, piece, n);
    bool whole = ferror(f) == 0 && buf_ok(out);
    (void)fclose(f);
    return whole;
}

/* The configuration file that a running clamd was started with. */
static void configuration_of(pid_t pid, char *out, size_t size)
{
    char path[64];
    struct buf line = BUF_INIT(65536);
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    (void)snprintf(out, size, CONFIGURATION);
    struct span rest = read_all(path, &line) ? buf_span(&line) : (struct span){0};
    for (bool next = false; rest.n > 0;) {
        struct span word = span_until(&rest, 0, NULL);
        struct span equals = SPAN_LIT("--config-file=");
        if (span_starts(word, equals)) {
            (void)span_skip(&word, equals.n);
            next = true;
        }
        if (next && word.n > 0)
            out[span_copy(word, out, size - 1)] = 0;
        next = span_is(word, "-c") || span_is(word, "--config-file");
    }
    buf_release(&line);
}

/* Its folder for what it has in hand. False: the configuration cannot be read. */
static bool temporary_of(const char *configuration, char *out, size_t size)
{
    struct buf text = BUF_INIT(FILE_MAX);
    (void)snprintf(out, size, TEMPORARY);
    bool read = read_all(configuration, &text);
    for (struct span rest = buf_span(&text); read && rest.n > 0;) {
        struct span line = span_until(&rest, '\n', NULL);
        struct span key = span_until(&line, ' ', NULL);
        while (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '"'))
            (void)span_skip(&line, 1);
        while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '"' || line.p[line.n - 1] == '\r'))
            line.n--;
        if (span_is(key, "TemporaryDirectory") && line.n > 0)
            out[span_copy(line, out, size - 1)] = 0;
    }
    buf_release(&text);
    return read;
}

static void say_folder(struct doctor *d, pid_t pid, const char *folder)
{
    char seen[CONFIG_PATH + 64]; /* as clamd sees it: systemd may have given it a /tmp of its own */
    struct statfs fs;
    struct stat st;
    (void)snprintf(seen, sizeof seen, "/proc/%d/root%s", (int)pid, folder);
    if (statfs(seen, &fs) != 0 || stat(seen, &st) != 0) {
        (void)snprintf(seen, sizeof seen, "%s", folder);
        if (statfs(seen, &fs) != 0 || stat(seen, &st) != 0) {
            doctor_say(d, "scanner", DOCTOR_ATTENTION, "The virus scanner answers; its folder %.200s cannot be looked at.", folder);
            return;
        }
    }
    if (fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC)
        doctor_say(d, "scanner", DOCTOR_BAD,
                   "The virus scanner writes the mails that it looks at into %.200s, which is on a disk: give it a TemporaryDirectory in memory "
                   "(docs/mail.md, ClamAV).",
                   folder);
    else if ((st.st_mode & 077) != 0)
        doctor_say(d, "scanner", DOCTOR_ATTENTION,
                   "The virus scanner keeps the mails that it looks at in memory, but others may enter its folder %.200s: make it mode 0700.",
                   folder);
    else
        doctor_say(d, "scanner", DOCTOR_GOOD, "The virus scanner answers, and keeps the mails that it looks at in memory.");
}

void doctor_scanner(struct doctor *d)
{
    char configuration[CONFIG_PATH];
    char folder[CONFIG_PATH];
    struct ucred who = {0};
    socklen_t size = sizeof who;
    if (d->config.mail_scanner[0] == 0)
        return; /* nobody asked for it */
    int fd = clamd_connect(d->config.mail_scanner);
    bool known = fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0;
    if (fd < 0 || !clamd_ping(fd)) {
        doctor_say(d, "scanner", DOCTOR_BAD, "lab.yaml names a virus scanner, but nobody answers at %.200s: mails are judged without it.",
                   d->config.mail_scanner);
        return;
    }
    configuration_of(who.pid, configuration, sizeof configuration);
    if (!known || !temporary_of(configuration, folder, sizeof folder))
        doctor_say(d, "scanner", DOCTOR_ATTENTION,
                   "The virus scanner answers; where it writes the mails that it looks at cannot be told, as %.200s cannot be read.", configuration);
    else
        say_folder(d, who.pid, folder);
}
