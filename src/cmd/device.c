/* device: which devices may be on the lab's network, from this machine and for scripts: who waits, a person's word, the list for a RADIUS server. */
#include "cmd/cmd.h"
#include "cmd/talk.h"

#include "proc/ask.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct arguments {
    const char *config;
    const char *data;
    const char *why;
    const char *form;
    const char *apply;
    const char *state;
    bool upper;
};

static int wrong_use(const char *what)
{
    return talk_wrong(&verb_device, what);
}

/* What stands in an address: an id, an IP or MAC address, a state, a token. */
static bool plain(const char *text)
{
    return text[0] != 0 && strlen(text) <= 64 && text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-")] == 0;
}

/* The answer, to be released by the caller; NULL: there is none, and that was said. */
static json_t *get(const struct arguments *a, const char *path)
{
    static struct config config;
    struct error e = {0};
    struct ask asked = {.channel = {.fd = -1}};
    json_t *answer = NULL;
    int folder = ask_folder(a->config, a->data, &config, &e);
    int line = folder < 0 ? -1 : ask_dial(folder, &e);
    if (line >= 0 && ask_send(&asked, line, "GET", span_str(path), NULL, (struct span){0}, -1, &e) == 0)
        answer = json_loadb((const char *)asked.reply.body.p, asked.reply.body.n, 0, NULL);
    if (answer == NULL)
        (void)fprintf(stderr, "tourniquet device: %s\n", e.text[0] != 0 ? e.text : "no answer");
    ask_release(&asked);
    if (folder >= 0)
        (void)close(folder);
    return answer;
}

/* Sends a decision about the state that was just read: If-Match is what the command line has in place of a page that somebody looks at. */
static int send(const struct arguments *a, const char *id, const char *etag, json_t *body)
{
    static struct config config;
    struct error e = {0};
    struct ask asked = {.channel = {.fd = -1}};
    char path[160];
    char *text = json_dumps(body, JSON_COMPACT);
    (void)snprintf(path, sizeof path, "/api/v1/devices/%s/admission", id);
    int folder = ask_folder(a->config, a->data, &config, &e);
    int line = folder < 0 ? -1 : ask_dial(folder, &e);
    int status = 3;
    if (text != NULL && line >= 0 && ask_send(&asked, line, "POST", span_str(path), etag, span_str(text), -1, &e) == 0) {
        FILE *out = asked.reply.status < 400 ? stdout : stderr;
        (void)fwrite(asked.reply.body.p, 1, asked.reply.body.n, out);
        (void)putc('\n', out);
        status = asked.reply.status < 400 ? 0 : asked.reply.status < 500 ? 2 : 3;
    } else {
        (void)fprintf(stderr, "tourniquet device: %s\n", e.text);
        status = err_exit_status(&e);
    }
    free(text);
    ask_release(&asked);
    if (folder >= 0)
        (void)close(folder);
    return status;
}

/* By its id, or by an address that one device alone has. */
static int decide(const struct arguments *a, const char *what, const char *device)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/api/v1/devices/%s", device);
    json_t *one = get(a, path);
    if (one == NULL)
        return 3;
    if (json_object_get(one, "id") == NULL) {
        json_decref(one);
        (void)snprintf(path, sizeof path, "/api/v1/devices?q=%s&limit=2", device);
        json_t *found = get(a, path);
        one = json_integer_value(json_object_get(found, "total")) == 1 ? json_incref(json_array_get(json_object_get(found, "items"), 0)) : NULL;
        json_decref(found);
    }
    const char *id = json_string_value(json_object_get(one, "id"));
    const char *etag = json_string_value(json_object_get(one, "etag"));
    int status = 2;
    if (id == NULL || etag == NULL) {
        (void)fprintf(stderr, "tourniquet device: no device, or more than one, has '%s' as its id or address\n", device);
    } else {
        json_t *body = json_pack("{s:s, s:s}", "decision", what, "why", a->why);
        status = send(a, id, etag, body);
        json_decref(body);
    }
    json_decref(one);
    return status;
}

static int list(const struct arguments *a)
{
    char path[160];
    if (a->state != NULL && !plain(a->state))
        return wrong_use("a state is vouched, refused, waiting, unknown or not-vouched");
    (void)snprintf(path, sizeof path, "/api/v1/devices?limit=200%s%s", a->state != NULL ? "&admission=" : "", a->state != NULL ? a->state : "");
    return talk("device", a->config, a->data, "GET", path, NULL);
}

static int learnt(const struct arguments *a)
{
    json_t *body = json_object();
    if (a->apply != NULL)
        (void)json_object_set_new(body, "token", json_string(a->apply));
    if (a->why != NULL)
        (void)json_object_set_new(body, "why", json_string(a->why));
    return talk("device", a->config, a->data, "POST", "/api/v1/devices/admission", body);
}

static int radius(const struct arguments *a)
{
    char path[160];
    if (a->form != NULL && !plain(a->form))
        return wrong_use("a form is bare, hyphen, colon or dot");
    (void)snprintf(path, sizeof path, "/api/v1/devices/export.radius?form=%s%s", a->form != NULL ? a->form : "bare", a->upper ? "&upper=yes" : "");
    return talk("device", a->config, a->data, "GET", path, NULL);
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    const struct talk_option options[] = {
        {"config", &a.config, NULL}, {"data", &a.data, NULL},       {"why", &a.why, NULL},     {"form", &a.form, NULL},
        {"apply", &a.apply, NULL},   {"admission", &a.state, NULL}, {"upper", NULL, &a.upper}, {0}};
    if (!talk_options(&verb_device, argc, argv, options))
        return 2;
    const char *what = optind < argc ? argv[optind] : "list";
    const char *device = optind + 1 < argc ? argv[optind + 1] : NULL;
    bool decision = strcmp(what, "vouch") == 0 || strcmp(what, "refuse") == 0 || strcmp(what, "withdraw") == 0;
    if (argc - optind > 2 || (device != NULL) != decision)
        return wrong_use("it takes list, learnt, radius, or vouch, refuse or withdraw with a device");
    if (strcmp(what, "list") == 0)
        return list(&a);
    if (strcmp(what, "learnt") == 0)
        return learnt(&a);
    if (strcmp(what, "radius") == 0)
        return radius(&a);
    if (!decision)
        return wrong_use("there is no such thing to do with devices");
    if (!plain(device))
        return wrong_use("that is no id, and no address");
    if (a.why == NULL)
        return wrong_use("say why with --why: it goes on the record");
    return decide(&a, what, device);
}

const struct verb verb_device = {
    .name = "device",
    .summary = "which devices may be on the lab's network: vouch for them, refuse them, export",
    .usage = "usage: tourniquet device [list [--admission STATE]]\n"
             "       tourniquet device vouch|refuse|withdraw DEVICE --why REASON\n"
             "       tourniquet device learnt [--apply TOKEN --why REASON]\n"
             "       tourniquet device radius [--form bare|hyphen|colon|dot] [--upper]\n"
             "       each with [--data DIR | -c lab.yaml]\n"
             "\n"
             "  list      devices; STATE: vouched, refused, waiting (for a person), unknown, not-vouched\n"
             "  vouch     a person knows this device (its id, or an address that it alone has): it may be there\n"
             "  refuse    it may not; its certificates are revoked\n"
             "  withdraw  takes either back\n"
             "  learnt    those that wait and were there in the first seven days, with a TOKEN; with that, all are vouched for\n"
             "  radius    MAC addresses that were vouched for, as FreeRADIUS reads users\n"
             "\n"
             "Who may use this is told by the local socket; no password is asked for here. Each decision stands on the ledger.\n",
    .run = run,
};
