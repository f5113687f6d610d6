#include "cmd/cmd.h"
#include "proc/config.h"
#include "proc/handover.h"
#include "proc/log.h"
#include "proc/programme.h"
#include "proc/supervisor.h"

#include "base/json.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

struct run_arguments {
    const char *config;
    const char *data;
    const char *replay;
    bool exit_when_read;
    bool unprivileged;
    bool keys;
    int handover; /* descriptor; -1 */
    bool look;
};

static int wrong_use(const char *what)
{
    (void)fprintf(stderr, "tourniquet run: %s\n%s", what, verb_run.usage);
    return 2;
}

/* -1: go on; else the exit status. */
static int read_arguments(int argc, char **argv, struct run_arguments *a)
{
    enum { DATA = 256, REPLAY, EXIT, UNPRIVILEGED, KEYS, HANDOVER, LOOK };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, DATA},
                                            {"replay", required_argument, NULL, REPLAY},
                                            {"exit", no_argument, NULL, EXIT},
                                            {"unprivileged", no_argument, NULL, UNPRIVILEGED},
                                            {"keys", no_argument, NULL, KEYS},
                                            {"handover", required_argument, NULL, HANDOVER},
                                            {"look", no_argument, NULL, LOOK},
                                            {NULL, 0, NULL, 0}};
    int c;
    uint64_t fd = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c': a->config = optarg; break;
        case DATA: a->data = optarg; break;
        case REPLAY: a->replay = optarg; break;
        case EXIT: a->exit_when_read = true; break;
        case UNPRIVILEGED: a->unprivileged = true; break;
        case KEYS: a->keys = true; break;
        case HANDOVER:
            if (!span_decimal(span_str(optarg), 1 << 20, &fd))
                return wrong_use("--handover is the program's own");
            a->handover = (int)fd;
            break;
        case LOOK: a->look = true; break;
        default: (void)fputs(verb_run.usage, stderr); return 2;
        }
    }
    if (optind < argc)
        return wrong_use("it takes options only");
    if (a->exit_when_read && a->replay == NULL)
        return wrong_use("--exit needs --replay FILE: without a capture there is no end to wait for");
    return -1;
}

static int print_keys(void)
{
    struct buf out = BUF_INIT(65536);
    config_document(&out);
    bool written = buf_ok(&out) && fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_release(&out);
    return written ? 0 : 3;
}

/* text: what lab.yaml said when the run began. */
static int read_config(const struct run_arguments *a, struct buf *text, struct config *config, struct error *e)
{
    if (a->config != NULL && a->handover < 0 && config_read(text, a->config, e) != 0)
        return -1;
    if (a->config != NULL && config_parse(config, buf_span(text), a->config, e) != 0)
        return -1;
    if (a->config == NULL)
        config_default(config);
    if (a->data != NULL && strlen(a->data) >= sizeof config->data)
        return err_set(e, ERR_MISUSE, "--data: the path is longer than %d bytes", CONFIG_PATH - 1);
    if (a->data != NULL && a->data[0] == '/')
        (void)snprintf(config->data, sizeof config->data, "%s", a->data);
    else if (a->data != NULL) {
        char here[CONFIG_PATH];
        if (a->data[0] == 0 || getcwd(here, sizeof here) == NULL ||
            (size_t)snprintf(config->data, sizeof config->data, "%s/%s", here, a->data) >= sizeof config->data)
            return err_set(e, ERR_MISUSE, "--data: not a usable path");
    }
    return 0;
}

/* What lab.yaml asks for and this version does not do: said, not passed over. */
static void name_what_is_missing(const struct config *c, bool replay)
{
    for (size_t i = 0; i < c->capture_count && replay; i++)
        log_line(LOG_LEVEL_WARNING, "capture: interface %s is not listened to while a capture is replayed", c->capture[i].interface);
    for (size_t i = 0; i < c->listener_count; i++)
        if (&c->listener[i] != programme_listener(c, "landing") && &c->listener[i] != programme_listener(c, "mail"))
            log_line(LOG_LEVEL_WARNING, "listeners: not in this version: %s under the name %s is not served", c->listener[i].purpose,
                     c->listener[i].name);
    if (c->capture_count == 0 && c->relay_count == 0 && !replay)
        log_line(LOG_LEVEL_INFO, "nothing is listened to: what is on the ledger is shown");
}

static int print_counts(const struct progress *p)
{
    struct buf out = BUF_INIT(4096);
    struct jsonw j = jsonw_to(&out);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "run");
    jsonw_put_bool(&j, "durable", p->ended);
    jsonw_put_uint(&j, "packets", p->packets);
    jsonw_put_uint(&j, "damaged", p->damaged);
    jsonw_put_uint(&j, "records", p->records);
    jsonw_put_uint(&j, "messages", p->messages);
    jsonw_put_uint(&j, "results", p->results);
    jsonw_put_uint(&j, "findings", p->findings);
    jsonw_put_uint(&j, "ledger", p->ledger);
    jsonw_object_end(&j);
    buf_u8(&out, '\n');
    bool written = buf_ok(&out) && fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    buf_release(&out);
    return written ? 0 : 3;
}

/* What the program before left in this process; closed here, since its state is read now. */
static int take_over(int fd, struct handover *ret, struct buf *text, struct error *e)
{
    int r = handover_open(fd, ret, e);
    (void)close(fd);
    if (r == 0)
        buf_add_span(text, ret->config);
    return r;
}

/* Says to the running program that this one could go on with what it has. */
static int look(const struct supervisor_options *options, struct error *e)
{
    if (options->handover == NULL)
        return err_set(e, ERR_MISUSE, "--look is the program's own");
    if (supervisor_look(options, e) != 0)
        return -1;
    return fputs(HANDOVER_LOOKED, stdout) >= 0 && fflush(stdout) == 0 ? 0 : err_set(e, ERR_SYSTEM, "standard output cannot be written");
}

static int complain(int r, const struct error *e)
{
    if (r != 0)
        log_line(LOG_LEVEL_ERROR, "%s", e->text);
    return r == 0 ? 0 : err_exit_status(e);
}

static int run(int argc, char **argv)
{
    static struct config config;
    struct run_arguments a = {.handover = -1};
    struct progress progress = {0};
    struct error e = {0};
    int status = read_arguments(argc, argv, &a);
    if (status >= 0)
        return status;
    if (a.keys)
        return print_keys();
    log_speaker("tourniquet");
    struct buf text = BUF_INIT(CONFIG_BYTES);
    struct handover handover = {0};
    int r = a.handover >= 0 ? take_over(a.handover, &handover, &text, &e) : 0;
    if (r == 0)
        r = read_config(&a, &text, &config, &e);
    if (r == 0) {
        struct supervisor_options options = {.config = &config,
                                             .replay = a.replay,
                                             .exit_when_read = a.exit_when_read,
                                             .unprivileged = a.unprivileged,
                                             .hands_over = true,
                                             .config_text = buf_span(&text),
                                             .handover = a.handover >= 0 ? &handover : NULL};
        if (a.handover < 0)
            name_what_is_missing(&config, a.replay != NULL);
        r = a.look ? look(&options, &e) : supervisor_run(&options, &progress, &e);
    }
    handover_release(&handover);
    buf_release(&text);
    if (a.look)
        return complain(r, &e);
    if (r == 0 && a.exit_when_read) {
        status = print_counts(&progress);
        if (status == 0 && progress.ended && progress.packets == 0)
            r = err_set(&e, ERR_MISUSE, "%s holds no packet that can be read", a.replay);
        else
            return status;
    }
    return complain(r, &e);
}

const struct verb verb_run = {
    .name = "run",
    .summary = "everything, until stopped: capture, ledger, page",
    .usage =
        "usage: tourniquet run [-c lab.yaml] [--data DIR] [--replay FILE [--exit]] [--unprivileged]\n"
        "\n"
        "Starts sensor, detector, keeper and console as separate processes, each narrowed to what it needs, and serves the page until it is stopped\n"
        "(SIGTERM or Ctrl-C). The first start prints a set-up code for the first administrator and the fingerprint of the site's authority.\n"
        "\n"
        "  -c lab.yaml      the configuration (docs/configuration.md); without it, every key has its default\n"
        "  --data DIR       the data folder, in place of the configuration's\n"
        "  --replay FILE    feed a capture (pcap, pcapng, .gz, .zst) through the same path\n"
        "  --exit           stop when the capture is read and durable; print one line of counts\n"
        "  --unprivileged   keep the user id; everything else is narrowed all the same (the default without root)\n"
        "  --keys           print docs/configuration.md, and nothing else\n",
    .run = run,
};
