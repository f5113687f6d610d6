/* link: the links through the relay, from this machine: how they are, bypass and hold. */
#include "cmd/cmd.h"

#include "proc/ask.h"

#include "base/json.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct link_arguments {
    const char *config;
    const char *data;
    const char *why;
    bool off;
};

static int wrong_use(const char *what)
{
    (void)fprintf(stderr, "tourniquet link: %s\n%s", what, verb_link.usage);
    return 2;
}

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet link: %s\n", e->text);
    return err_exit_status(e);
}

static int print(const struct reply *r)
{
    FILE *out = r->status < 400 ? stdout : stderr;
    bool written = fwrite(r->body.p, 1, r->body.n, out) == r->body.n && putc('\n', out) != EOF && fflush(out) == 0;
    return !written ? 3 : r->status < 400 ? 0 : r->status < 500 ? 2 : 3;
}

static int ask(const struct link_arguments *a, const char *method, const char *path, struct span body)
{
    static struct config config;
    struct error e = {0};
    struct ask asked = {0};
    int data = ask_folder(a->config, a->data, &config, &e);
    int line = data < 0 ? -1 : ask_dial(data, &e);
    if (data >= 0)
        (void)close(data);
    if (line < 0)
        return complain(&e);
    int status = ask_send(&asked, line, method, span_str(path), NULL, body, -1, &e) == 0 ? print(&asked.reply) : complain(&e);
    ask_release(&asked);
    return status;
}

static int decide(const struct link_arguments *a, const char *what, const char *name)
{
    char path[160];
    struct buf body = BUF_INIT(4096);
    struct jsonw j = jsonw_to(&body);
    if (a->why == NULL)
        return wrong_use("say why with --why: it goes on the record");
    for (const char *p = name; *p != 0; p++)
        if (*p == '/' || *p == '?' || *p == '%' || *p <= ' ')
            return wrong_use("that is no name of a link");
    if ((size_t)snprintf(path, sizeof path, "/api/v1/links/%s/%s", name, what) >= sizeof path)
        return wrong_use("that is no name of a link");
    jsonw_object(&j);
    jsonw_put_bool(&j, "on", !a->off);
    jsonw_put_str(&j, "reason", a->why);
    jsonw_object_end(&j);
    int status = ask(a, "POST", path, buf_span(&body));
    buf_release(&body);
    return status;
}

static int run(int argc, char **argv)
{
    enum { DATA = 256, WHY, OFF };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, DATA},
                                            {"why", required_argument, NULL, WHY},
                                            {"off", no_argument, NULL, OFF},
                                            {NULL, 0, NULL, 0}};
    struct link_arguments a = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c': a.config = optarg; break;
        case DATA: a.data = optarg; break;
        case WHY: a.why = optarg; break;
        case OFF: a.off = true; break;
        default: (void)fputs(verb_link.usage, stderr); return 2;
        }
    }
    const char *what = optind < argc ? argv[optind] : "";
    if (strcmp(what, "list") == 0 && argc - optind == 1)
        return ask(&a, "GET", "/api/v1/links", (struct span){0});
    if ((strcmp(what, "bypass") == 0 || strcmp(what, "hold") == 0) && argc - optind == 2)
        return decide(&a, what, argv[optind + 1]);
    return wrong_use("it takes list, bypass NAME or hold NAME");
}

const struct verb verb_link = {
    .name = "link",
    .summary = "the links between analyzers and LIS: how they are, bypass, hold",
    .usage = "usage: tourniquet link list [--data DIR | -c lab.yaml]\n"
             "       tourniquet link bypass NAME [--off] --why REASON [--data DIR | -c lab.yaml]\n"
             "       tourniquet link hold NAME [--off] --why REASON [--data DIR | -c lab.yaml]\n"
             "\n"
             "  list    every link: state, both ends, delay, queue, last messages\n"
             "  bypass  messages pass at once and unjudged, and no answer waits for its record, until --off\n"
             "  hold    nothing goes on to the LIS, until --off\n"
             "\n"
             "Who may use this is told by the local socket; no password is asked for here. Each decision stands on the ledger.\n",
    .run = run,
};
