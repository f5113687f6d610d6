/* upgrade: asks the running Tourniquet to take the program that is installed now: the same as SIGHUP (`systemctl reload`). */
#include "cmd/cmd.h"

#include "proc/ask.h"
#include "proc/programs.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct upgrade_arguments {
    const char *config;
    const char *data;
    bool build;
};

static int read_arguments(int argc, char **argv, struct upgrade_arguments *a)
{
    enum { DATA = 256, BUILD };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, DATA}, {"build", no_argument, NULL, BUILD}, {NULL, 0, NULL, 0}};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c': a->config = optarg; break;
        case DATA: a->data = optarg; break;
        case BUILD: a->build = true; break;
        default: (void)fputs(verb_upgrade.usage, stderr); return 2;
        }
    }
    if (optind == argc)
        return -1;
    (void)fprintf(stderr, "tourniquet upgrade: it takes options only\n%s", verb_upgrade.usage);
    return 2;
}

/* The local socket was made by the supervisor: who listens there is it. */
static int find_supervisor(const struct upgrade_arguments *a, pid_t *ret, struct error *e)
{
    static struct config config;
    struct ucred who;
    socklen_t size = sizeof who;
    int folder = ask_folder(a->config, a->data, &config, e);
    int line = folder < 0 ? -1 : ask_dial(folder, e);
    if (folder >= 0)
        (void)close(folder);
    if (line < 0)
        return -1;
    int r = getsockopt(line, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? 0 : err_sys(e, errno, "asking who listens");
    (void)close(line);
    *ret = who.pid;
    return r;
}

static int run(int argc, char **argv)
{
    struct upgrade_arguments a = {0};
    struct error e = {0};
    pid_t supervisor = 0;
    int status = read_arguments(argc, argv, &a);
    if (status >= 0)
        return status;
    if (a.build) {
        (void)printf("tourniquet %s %u\n", programs_version(), message_dialect());
        return fflush(stdout) == 0 ? 0 : 3;
    }
    int r = find_supervisor(&a, &supervisor, &e);
    if (r == 0 && (supervisor <= 1 || kill(supervisor, SIGHUP) != 0))
        r = err_sys(&e, supervisor <= 1 ? ESRCH : errno, "asking the supervisor (process %d)", (int)supervisor);
    if (r != 0) {
        (void)fprintf(stderr, "tourniquet upgrade: %s\n", e.text);
        return err_exit_status(&e);
    }
    (void)printf("{\"event\":\"upgrade\",\"asked\":%d}\n", (int)supervisor);
    (void)fputs("asked; what came of it stands in the log, and on the ledger as program.upgraded\n", stderr);
    return fflush(stdout) == 0 ? 0 : 3;
}

const struct verb verb_upgrade = {
    .name = "upgrade",
    .summary = "have the running Tourniquet take the program that is installed now",
    .usage = "usage: tourniquet upgrade [--data DIR | -c lab.yaml]\n"
             "\n"
             "Roles are replaced one after the other (detector, sensors, console, courier, keeper), each seen to be up before the next; records on "
             "their way are handed over.\n"
             "A capture that is replayed is read to its end first. A part that does not start is replaced by the one before, and the upgrade ends "
             "there. Where the two versions\n"
             "do not understand each other nothing is touched: restart Tourniquet. The same happens on SIGHUP (systemctl reload).\n"
             "\n"
             "  --data DIR   the data folder of the running Tourniquet (default: the one of lab.yaml, else the built-in one)\n"
             "  -c FILE      lab.yaml, for the data folder\n",
    .run = run,
};
