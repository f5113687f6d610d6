/* tourniquet demo: a made-up laboratory, staged on the real path: its traffic is written as a capture, and `run --replay` does the rest. */
#include "cmd/cmd.h"
#include "cmd/demo_links.h"
#include "cmd/demo_mail.h"
#include "cmd/demo_people.h"
#include "engine/simulate/simulate.h"
#include "proc/clock.h"
#include "proc/log.h"
#include "proc/premises.h"
#include "proc/supervisor.h"
#include "wire/pcap_write.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED 20261122
#define WRITE_PIECE (1u << 20)
#define PORTS 10 /* tried from the default on, when --listen does not say which */

struct demo {
    char folder[CONFIG_PATH - 64];
    char config_path[CONFIG_PATH];
    char capture_path[CONFIG_PATH];
    char data_path[CONFIG_PATH];
    bool temporary;
    bool staged_before;
    bool exit_when_staged;
    const char *listen;
    struct config_endpoint page;
    struct demo_links links;
    struct config_endpoint lis[DEMO_LINKS];
    struct config_endpoint mail, landing, postbox;
    int mail_fd;
};

/* ── the capture ── */

struct writer {
    int fd;
    struct buf bytes;
    int error;
};

static bool flush(struct writer *w)
{
    size_t done = 0;
    while (w->error == 0 && done < w->bytes.n) {
        ssize_t n = write(w->fd, w->bytes.p + done, w->bytes.n - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            w->error = errno;
    }
    if (!buf_ok(&w->bytes))
        w->error = ENOMEM;
    buf_clear(&w->bytes);
    return w->error == 0;
}

static bool write_packet(void *context, tq_time time, struct span bytes)
{
    struct writer *w = context;
    pcap_write_packet(&w->bytes, time, bytes);
    return w->bytes.n < WRITE_PIECE || flush(w);
}

static int write_capture(const struct demo *d, struct error *e)
{
    struct simulate_options options = {.seed = SEED, .seconds = SIMULATE_SECONDS, .start = clock_now() - SIMULATE_SECONDS * TIME_SECOND};
    options.attacks[ATTACK_SENDER_UNKNOWN] = 1;
    options.attacks[ATTACK_MESSAGE_MALFORMED] = 2;
    options.attacks[ATTACK_MESSAGE_HOSTILE] = 1;
    options.attacks[ATTACK_RESULT_ALTERED] = 1;
    options.attacks[ATTACK_RESULT_ALTERED_IN_TRANSIT] = 1;
    struct simulate *s = simulate_new(&options, e);
    if (s == NULL)
        return -1;
    struct writer w = {.bytes = BUF_INIT(4 * WRITE_PIECE)};
    w.fd = open(d->capture_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int r = w.fd < 0 ? err_sys(e, errno, "making %s", d->capture_path) : 0;
    if (r == 0) {
        pcap_write_header(&w.bytes, 1);
        r = simulate_run(s, write_packet, &w, e);
        if (r == 0 && !flush(&w))
            r = err_sys(e, w.error, "writing %s", d->capture_path);
        (void)close(w.fd);
    }
    buf_release(&w.bytes);
    simulate_free(s);
    return r;
}

/* ── the folder ── */

static int choose_folder(struct demo *d, const char *asked, struct error *e)
{
    if (asked != NULL) {
        if (mkdir(asked, 0700) != 0 && errno != EEXIST)
            return err_sys(e, errno, "making %s", asked);
        char full[PATH_MAX];
        if (realpath(asked, full) == NULL || strlen(full) >= sizeof d->folder)
            return err_set(e, ERR_MISUSE, "--data: not a usable path");
        (void)snprintf(d->folder, sizeof d->folder, "%s", full);
    } else {
        const char *base = getenv("TMPDIR");
        (void)snprintf(d->folder, sizeof d->folder, "%s/tourniquet-demo-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
        if (mkdtemp(d->folder) == NULL)
            return err_sys(e, errno, "making a folder for the demo in %s", base != NULL && base[0] == '/' ? base : "/tmp");
        d->temporary = true;
    }
    (void)snprintf(d->config_path, sizeof d->config_path, "%s/lab.yaml", d->folder);
    (void)snprintf(d->capture_path, sizeof d->capture_path, "%s/lab.pcap", d->folder);
    (void)snprintf(d->data_path, sizeof d->data_path, "%s/data", d->folder);
    char ledger[CONFIG_PATH + 16];
    (void)snprintf(ledger, sizeof ledger, "%s/ledger", d->data_path);
    d->staged_before = access(ledger, F_OK) == 0;
    return 0;
}

static int choose_page(struct demo *d, struct error *e)
{
    if (d->listen != NULL) {
        if (!config_endpoint_parse(span_str(d->listen), false, &d->page))
            return err_set(e, ERR_MISUSE, "--listen: expected address:port, as in 127.0.0.1:8443");
        return 0;
    }
    struct config c;
    config_default(&c);
    d->page = c.console_listen;
    for (int i = 0; i < PORTS; i++) {
        int fd = -1;
        if (premises_listen(&d->page, "the page", "console.listen", &fd, e) == 0) {
            (void)close(fd);
            return 0;
        }
        d->page.port++;
    }
    return -1;
}

/* A free port on loopback. fd: it stays open there; else it is closed again, and the link will listen there. */
static int choose_port(struct config_endpoint *ret, int *ret_fd, struct error *e)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&at, &n) != 0) {
        int why = errno;
        if (fd >= 0)
            (void)close(fd);
        return err_sys(e, why, "finding a port for the demo's links");
    }
    (void)snprintf(ret->host, sizeof ret->host, "127.0.0.1");
    ret->port = ntohs(at.sin_port);
    if (ret_fd != NULL)
        *ret_fd = fd;
    else
        (void)close(fd);
    return 0;
}

static int choose_links(struct demo *d, struct error *e)
{
    int r = 0;
    for (int i = 0; i < DEMO_LINKS && r == 0; i++)
        r = choose_port(&d->lis[i], &d->links.lis_fd[i], e) != 0 ? -1 : choose_port(&d->links.analyzer[i], NULL, e);
    if (r != 0 || choose_port(&d->mail, &d->mail_fd, e) != 0 || choose_port(&d->landing, NULL, e) != 0)
        return -1;
    return choose_port(&d->postbox, NULL, e);
}

static int write_config(const struct demo *d, struct error *e)
{
    char where[CONFIG_HOST + 16];
    config_endpoint_text(&d->page, where, sizeof where);
    FILE *f = fopen(d->config_path, "we");
    if (f == NULL)
        return err_sys(e, errno, "making %s", d->config_path);
    (void)fprintf(f,
                  "# A made-up laboratory, staged by `tourniquet demo`.\nsite: demo-lab\ndata: \"%s\"\nconsole: { listen: \"%s\", name: localhost, "
                  "lock: 30m }\n"
                  "backup: { to: \"%s/backups\", keep: 3 }\nwarden: { devices: [10.20.0.0/16], vendors: [10.99.0.0/24] }\nmail: { domains: "
                  "[demo-lab.example], server: \"127.0.0.1:%u\", tls: \"off\", from: tourniquet@demo-lab.example, servers: [127.0.0.1], findings: "
                  "[oncall@demo-lab.example] }\n"
                  "phishing: { domains: [demo-lab.example], from: help@demo-1ab.example }\n"
                  "listeners: [ { for: landing, listen: \"127.0.0.1:%u\", name: inbox.localhost }, { for: mail, listen: "
                  "\"127.0.0.1:%u\", name: report.localhost } ]\nrelay:\n"
                  "  - { name: hematology, listen: \"127.0.0.1:%u\", forward: \"127.0.0.1:%u\", protocol: mllp, mode: end-to-end }\n"
                  "  - { name: chemistry, listen: \"127.0.0.1:%u\", forward: \"127.0.0.1:%u\", protocol: astm, mode: end-to-end }\n",
                  d->data_path, where, d->folder, d->mail.port, d->landing.port, d->postbox.port, d->links.analyzer[0].port, d->lis[0].port,
                  d->links.analyzer[1].port, d->lis[1].port);
    return fclose(f) == 0 ? 0 : err_sys(e, errno, "writing %s", d->config_path);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

/* ── the run ── */

static void tell_staged(void *context, const struct progress *p)
{
    const struct demo *d = context;
    log_line(LOG_LEVEL_INFO, "the lab's hour is on the ledger: %llu messages, %llu results, %llu findings, %llu ledger records",
             (unsigned long long)p->messages, (unsigned long long)p->results, (unsigned long long)p->findings, (unsigned long long)p->ledger);
    if (!d->exit_when_staged)
        log_line(LOG_LEVEL_INFO, "open the page, enter the set-up code above and choose a password. Ctrl-C ends the demo%s",
                 d->temporary ? " and removes its folder" : "");
}

static int stage(struct demo *d, struct error *e)
{
    static struct config config;
    struct progress progress = {0};
    if (choose_page(d, e) != 0 || choose_links(d, e) != 0 || write_config(d, e) != 0 || config_load(&config, d->config_path, e) != 0)
        return -1;
    if (!d->staged_before && write_capture(d, e) != 0)
        return -1;
    log_line(LOG_LEVEL_INFO, d->staged_before ? "this lab was staged before; its ledger in %s is shown" : "staging a made-up laboratory in %s",
             d->folder);
    if (d->staged_before && d->exit_when_staged)
        return 0;
    struct supervisor_options options = {.config = &config,
                                         .replay = d->staged_before ? NULL : d->capture_path,
                                         .exit_when_read = d->exit_when_staged,
                                         .unprivileged = true,
                                         .read_all = tell_staged,
                                         .context = d};
    pid_t players = d->exit_when_staged ? -1 : demo_links_start(&d->links);
    pid_t mails = d->exit_when_staged ? -1 : demo_mail_start(d->mail_fd);
    pid_t people = d->exit_when_staged ? -1 : demo_people_start(d->data_path);
    int r = supervisor_run(&options, &progress, e);
    if (people > 0 && kill(people, SIGKILL) == 0)
        (void)waitpid(people, NULL, 0);
    if (mails > 0 && kill(mails, SIGKILL) == 0)
        (void)waitpid(mails, NULL, 0);
    if (players > 0 && kill(players, SIGKILL) == 0)
        (void)waitpid(players, NULL, 0);
    return r;
}

static int run(int argc, char **argv)
{
    enum { DATA = 256, LISTEN, EXIT };
    static const struct option options[] = {{"data", required_argument, NULL, DATA},
                                            {"listen", required_argument, NULL, LISTEN},
                                            {"exit-when-staged", no_argument, NULL, EXIT},
                                            {NULL, 0, NULL, 0}};
    static struct demo d;
    const char *folder = NULL;
    struct error e = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == DATA)
            folder = optarg;
        else if (c == LISTEN)
            d.listen = optarg;
        else if (c == EXIT)
            d.exit_when_staged = true;
        if (c == '?') {
            (void)fputs(verb_demo.usage, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        (void)fputs(verb_demo.usage, stderr);
        return 2;
    }
    log_speaker("tourniquet demo");
    int r = choose_folder(&d, folder, &e);
    if (r == 0)
        r = stage(&d, &e);
    if (d.temporary)
        (void)nftw(d.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (r != 0)
        log_line(LOG_LEVEL_ERROR, "%s", e.text);
    return r == 0 ? 0 : err_exit_status(&e);
}

const struct verb verb_demo = {
    .name = "demo",
    .summary = "a staged laboratory: made-up analyzers, LIS and attacks, on the real path",
    .usage = "usage: tourniquet demo [--data DIR] [--listen ADDRESS:PORT] [--exit-when-staged]\n"
             "\n"
             "Makes an hour of a made-up laboratory's traffic, with an unknown sender, damaged messages and a hostile one in it, feeds it through "
             "the same\n"
             "sensor, detector, keeper and page as `tourniquet run --replay`, and serves the page until it is stopped. Two links carry what two more "
             "analyzers\n"
             "send to the LIS, over loopback. Once it is set up, made-up colleagues are invited; their codes are said here.\n"
             "\n"
             "  --data DIR            keep everything there; started again, it shows the same lab (default: a temporary folder, removed at the end)\n"
             "  --listen ADDRESS:PORT where the page is served (default: 127.0.0.1, the first free port from 8443 on)\n"
             "  --exit-when-staged    stop when the hour is durable\n",
    .run = run,
};
