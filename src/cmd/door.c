/* door: doors of makers' engineers, from this machine: list, ask, approve, refuse, close. */
#include "cmd/cmd.h"
#include "cmd/talk.h"

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct arguments {
    const char *config;
    const char *data;
    const char *why;
    const char *device;
    const char *service;
    const char *port;
    const char *minutes;
    const char *from;
    const char *account;
};

static int wrong_use(const char *what)
{
    return talk_wrong(&verb_door, what);
}

static void put(json_t *body, const char *key, const char *value)
{
    if (value != NULL)
        (void)json_object_set_new(body, key, json_string(value));
}

static int ask(const struct arguments *a)
{
    if (a->device == NULL || a->service == NULL || a->minutes == NULL || a->why == NULL)
        return wrong_use("it needs --device, --for, --minutes and --why");
    json_t *body = json_object();
    put(body, "device", a->device);
    put(body, "service", a->service);
    put(body, "port", a->port);
    put(body, "minutes", a->minutes);
    put(body, "from", a->from);
    put(body, "account", a->account);
    put(body, "why", a->why);
    return talk("door", a->config, a->data, "POST", "/api/v1/doors", body);
}

static bool is_id(const char *id)
{
    return strlen(id) == 16 && strspn(id, "0123456789abcdef") == 16;
}

static int one(const struct arguments *a, const char *what, const char *id)
{
    char path[64];
    if (!is_id(id))
        return wrong_use("a door's id is 16 digits, as `tourniquet door list` shows it");
    if (strcmp(what, "refuse") == 0 && a->why == NULL)
        return wrong_use("say why with --why: the engineer reads it");
    bool show = strcmp(what, "show") == 0;
    (void)snprintf(path, sizeof path, "/api/v1/doors/%s%s%s", id, show ? "" : "/", show ? "" : what);
    json_t *body = show ? NULL : json_object();
    if (body != NULL)
        put(body, "why", a->why);
    return talk("door", a->config, a->data, show ? "GET" : "POST", path, body);
}

static int run(int argc, char **argv)
{
    static const char *const doings[] = {"show", "approve", "refuse", "close"};
    struct arguments a = {0};
    const struct talk_option options[] = {
        {"config", &a.config, NULL}, {"data", &a.data, NULL},       {"why", &a.why, NULL},   {"device", &a.device, NULL},   {"for", &a.service, NULL},
        {"port", &a.port, NULL},     {"minutes", &a.minutes, NULL}, {"from", &a.from, NULL}, {"account", &a.account, NULL}, {0}};
    if (!talk_options(&verb_door, argc, argv, options))
        return 2;
    const char *what = optind < argc ? argv[optind] : "";
    int left = argc - optind;
    if (strcmp(what, "list") == 0 && left == 1)
        return talk("door", a.config, a.data, "GET", "/api/v1/doors?limit=200", NULL);
    if (strcmp(what, "choices") == 0 && left == 1)
        return talk("door", a.config, a.data, "GET", "/api/v1/doors/choices", NULL);
    if (strcmp(what, "ask") == 0 && left == 1)
        return ask(&a);
    for (size_t i = 0; i < sizeof doings / sizeof doings[0] && left == 2; i++)
        if (strcmp(what, doings[i]) == 0)
            return one(&a, what, argv[optind + 1]);
    return wrong_use("it takes list, choices, ask, show ID, approve ID, refuse ID or close ID");
}

const struct verb verb_door = {
    .name = "door",
    .summary = "doors for makers' engineers: ask, approve, refuse, close",
    .usage =
        "usage: tourniquet door list | choices [--data DIR | -c lab.yaml]\n"
        "       tourniquet door ask --device ID --for SERVICE [--port N] --minutes N --why REASON [--from ADDRESS] [--account NAME]\n"
        "       tourniquet door show ID\n"
        "       tourniquet door approve ID [--why WORDS]\n"
        "       tourniquet door refuse ID --why REASON\n"
        "       tourniquet door close ID [--why WORDS]\n"
        "\n"
        "  list     doors, newest first, and how the firewall is\n"
        "  choices  devices and services that can be asked for\n"
        "  ask      SERVICE: rdp, vnc, ssh, https, or port with --port; --from: the address of the VPN or jump host; --account: for whom\n"
        "  approve  the firewall opens it from now on for the time that was asked for; whoever asked cannot approve\n"
        "  close    at once, connections too; or withdraws a request\n"
        "\n"
        "Who may use this is told by the local socket; no password is asked for here. Each decision stands on the ledger (docs/vendor-access.md).\n",
    .run = run,
};
