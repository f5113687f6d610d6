/* link: the links through the relay, from this machine: how they are, bypass and hold. */
#include "cmd/cmd.h"
#include "cmd/talk.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

struct link_arguments {
    const char *config;
    const char *data;
    const char *why;
    bool off, doubt;
};

static int wrong_use(const char *what)
{
    return talk_wrong(&verb_link, what);
}

static int decide(const struct link_arguments *a, const char *what, const char *name)
{
    char path[160];
    if (a->why == NULL)
        return wrong_use("say why with --why: it goes on the record");
    for (const char *p = name; *p != 0; p++)
        if (*p == '/' || *p == '?' || *p == '%' || *p <= ' ')
            return wrong_use("that is no name of a link");
    if ((size_t)snprintf(path, sizeof path, "/api/v1/links/%s/%s", name, what) >= sizeof path)
        return wrong_use("that is no name of a link");
    json_t *body = json_object();
    (void)json_object_set_new(body, "on", json_boolean(!a->off));
    (void)json_object_set_new(body, "reason", json_string(a->why));
    if (a->doubt)
        (void)json_object_set_new(body, "doubt", json_true());
    return talk("link", a->config, a->data, "POST", path, body);
}

static int run(int argc, char **argv)
{
    struct link_arguments a = {0};
    const struct talk_option options[] = {{"config", &a.config, NULL}, {"data", &a.data, NULL},   {"why", &a.why, NULL},
                                          {"off", NULL, &a.off},       {"doubt", NULL, &a.doubt}, {0}};
    if (!talk_options(&verb_link, argc, argv, options))
        return 2;
    const char *what = optind < argc ? argv[optind] : "";
    if (strcmp(what, "list") == 0 && argc - optind == 1)
        return talk("link", a.config, a.data, "GET", "/api/v1/links", NULL);
    if ((strcmp(what, "bypass") == 0 || strcmp(what, "hold") == 0) && argc - optind == 2)
        return decide(&a, what, argv[optind + 1]);
    return wrong_use("it takes list, bypass NAME or hold NAME");
}

const struct verb verb_link = {
    .name = "link",
    .summary = "the links between analyzers and LIS: how they are, bypass, hold",
    .usage = "usage: tourniquet link list [--data DIR | -c lab.yaml]\n"
             "       tourniquet link bypass NAME [--off] --why REASON [--data DIR | -c lab.yaml]\n"
             "       tourniquet link hold NAME [--off | --doubt] --why REASON [--data DIR | -c lab.yaml]\n"
             "\n"
             "  list    every link: state, both ends, delay, queue, last messages\n"
             "  bypass  messages pass at once and unjudged, and no answer waits for its record, until --off\n"
             "  hold    nothing goes on to the LIS, until --off; --doubt: because results may be wrong, then two people at the page end it, or\n"
             "          --off here\n"
             "\n"
             "Who may use this is told by the local socket; no password is asked for here. Each decision stands on the ledger.\n",
    .run = run,
};
