/* pki: the authority of the lab's links: certificates for both ends of the connections between analyzers, relay and LIS. All is asked of the running
 * Tourniquet; on the local socket nobody types a password. */
#include "cmd/cmd.h"

#include "cmd/talk.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX 65536
#define PATH_MAX_BYTES 200

struct arguments {
    const char *config_file;
    const char *data;
    const char *why;
    const char *link;
    const char *side;
    const char *names;
    const char *days;
    const char *code;
    char permit[1024]; /* commas between */
    bool crl;
};

static int wrong_use(const char *what)
{
    (void)fprintf(stderr, "tourniquet pki: %s\n%s", what, verb_pki.usage);
    return 2;
}

static int ask(const struct arguments *a, const char *method, const char *path, json_t *body)
{
    return talk("pki", a->config_file, a->data, method, path, body);
}

/* A member of a path: digits and letters only, so that it stays one. */
static bool plain(const char *text)
{
    return text[0] != 0 && strlen(text) < 64 && strspn(text, "0123456789abcdefABCDEFGHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz-") == strlen(text);
}

/* A PEM text as a member of a body: from a file, or "-" standard input. */
static json_t *read_pem(const char *file, const char *member)
{
    static char text[PEM_MAX + 2];
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
    if (in == NULL) {
        (void)fprintf(stderr, "tourniquet pki: %s cannot be opened: %s\n", file, strerror(errno));
        return NULL;
    }
    size_t n = fread(text, 1, sizeof text - 1, in);
    if (in != stdin)
        (void)fclose(in);
    json_t *body = n <= PEM_MAX ? json_pack("{s:s#}", member, text, n) : NULL;
    if (body == NULL)
        (void)fprintf(stderr, "tourniquet pki: %s is no certificate or request (PEM)\n", file);
    return body;
}

static int enrol(const struct arguments *a, const char *file)
{
    char path[PATH_MAX_BYTES];
    if (a->code != NULL) {
        json_t *request = !plain(a->code) || file == NULL ? NULL : read_pem(file, "request");
        if (!plain(a->code) || file == NULL)
            return wrong_use("with --code: the code, and the file with the request");
        (void)snprintf(path, sizeof path, "/api/v1/enrolments/%s", a->code);
        return request == NULL ? 2 : ask(a, "POST", path, request);
    }
    if (a->link == NULL || a->names == NULL || file != NULL)
        return wrong_use("say for which link and for which names: --link NAME --names HOST,ADDRESS");
    json_t *body = json_pack("{s:s, s:s, s:s}", "link", a->link, "side", a->side == NULL ? "lis" : a->side, "names", a->names);
    if (body == NULL)
        return wrong_use("link and names are UTF-8 texts");
    if (a->days != NULL)
        (void)json_object_set_new(body, "days", json_string(a->days));
    if (a->why != NULL)
        (void)json_object_set_new(body, "why", json_string(a->why));
    return ask(a, "POST", "/api/v1/enrolments", body);
}

/* A certificate of our own, made by another authority: file NULL: its request; else what that made of it. */
static int outside(const struct arguments *a, const char *link, const char *file)
{
    const char *side = a->side == NULL ? "lis" : a->side;
    json_t *body = file == NULL ? json_object() : read_pem(file, "certificate");
    if (body == NULL)
        return 2;
    bool ok = json_object_set_new(body, "link", json_string(link)) == 0 && json_object_set_new(body, "side", json_string(side)) == 0 &&
              (a->names == NULL || file != NULL || json_object_set_new(body, "names", json_string(a->names)) == 0) &&
              (a->why == NULL || file == NULL || json_object_set_new(body, "why", json_string(a->why)) == 0);
    if (!ok) {
        json_decref(body);
        return wrong_use("link, names and reason are UTF-8 texts");
    }
    return ask(a, "POST", file == NULL ? "/api/v1/certificate-requests" : "/api/v1/certificates", body);
}

static int change(const struct arguments *a, const char *what, const char *serial)
{
    char path[PATH_MAX_BYTES];
    if (a->why == NULL)
        return wrong_use("say why: --why \"…\"");
    if (!plain(serial))
        return wrong_use("the serial number is that of `tourniquet pki list`");
    json_t *body = json_pack("{s:s}", "why", a->why);
    (void)snprintf(path, sizeof path, "/api/v1/certificates/%s/%s", serial, what);
    return body == NULL ? wrong_use("the reason is a UTF-8 text") : ask(a, "POST", path, body);
}

static int withdraw(const struct arguments *a, const char *id)
{
    char path[PATH_MAX_BYTES];
    if (!plain(id))
        return wrong_use("the enrolment's id is that of `tourniquet pki list`");
    (void)snprintf(path, sizeof path, "/api/v1/enrolments/%s", id);
    return ask(a, "DELETE", path, NULL);
}

static int export_pem(const struct arguments *a, const char *serial)
{
    char path[PATH_MAX_BYTES];
    if (a->crl && serial == NULL)
        return ask(a, "GET", "/api/v1/pki/crl", NULL);
    if (serial == NULL)
        return ask(a, "GET", "/api/v1/pki/authority", NULL);
    if (a->crl || !plain(serial))
        return wrong_use("export the authority, a serial number, or --crl");
    (void)snprintf(path, sizeof path, "/api/v1/certificates/%s/chain", serial);
    return ask(a, "GET", path, NULL);
}

static int succeed(const struct arguments *a, const char *step)
{
    if (a->why == NULL)
        return wrong_use("say why: --why \"…\"");
    json_t *body = json_pack("{s:s, s:s, s:s}", "step", step, "why", a->why, "permit", a->permit);
    return body == NULL ? wrong_use("the reason is a UTF-8 text") : ask(a, "POST", "/api/v1/pki/authority", body);
}

static int dispatch(int n, char **arg, struct arguments *a)
{
    const char *what = n == 0 ? "list" : arg[0];
    if (n <= 1 && strcmp(what, "list") == 0)
        return ask(a, "GET", "/api/v1/certificates", NULL);
    if (n == 1 && strcmp(what, "init") == 0)
        return ask(a, "POST", "/api/v1/pki", json_pack("{s:s}", "permit", a->permit));
    if (n <= 2 && strcmp(what, "enrol") == 0)
        return enrol(a, n == 2 ? arg[1] : NULL);
    if (n == 2 && strcmp(what, "authority") == 0)
        return succeed(a, arg[1]);
    if (n == 2 && strcmp(what, "csr") == 0)
        return outside(a, arg[1], NULL);
    if (n == 3 && strcmp(what, "install") == 0)
        return outside(a, arg[1], arg[2]);
    if (n == 2 && (strcmp(what, "rotate") == 0 || strcmp(what, "revoke") == 0))
        return change(a, what, arg[1]);
    if (n == 2 && strcmp(what, "withdraw") == 0)
        return withdraw(a, arg[1]);
    if (n <= 2 && strcmp(what, "export") == 0)
        return export_pem(a, n == 2 ? arg[1] : NULL);
    return wrong_use("there is no such thing to do");
}

static bool add_permit(struct arguments *a, const char *name)
{
    size_t n = strlen(a->permit);
    return (size_t)snprintf(a->permit + n, sizeof a->permit - n, "%s%s", n > 0 ? "," : "", name) < sizeof a->permit - n;
}

static int run(int argc, char **argv)
{
    enum { DATA = 256, WHY, LINK, SIDE, NAMES, DAYS, CODE, PERMIT, CRL };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"data", required_argument, NULL, DATA},
                                            {"why", required_argument, NULL, WHY},
                                            {"link", required_argument, NULL, LINK},
                                            {"side", required_argument, NULL, SIDE},
                                            {"names", required_argument, NULL, NAMES},
                                            {"days", required_argument, NULL, DAYS},
                                            {"code", required_argument, NULL, CODE},
                                            {"permit", required_argument, NULL, PERMIT},
                                            {"crl", no_argument, NULL, CRL},
                                            {NULL, 0, NULL, 0}};
    static struct arguments a;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c': a.config_file = optarg; break;
        case DATA: a.data = optarg; break;
        case WHY: a.why = optarg; break;
        case LINK: a.link = optarg; break;
        case SIDE: a.side = optarg; break;
        case NAMES: a.names = optarg; break;
        case DAYS: a.days = optarg; break;
        case CODE: a.code = optarg; break;
        case CRL: a.crl = true; break;
        case PERMIT:
            if (!add_permit(&a, optarg))
                return wrong_use("there are too many names to permit");
            break;
        default: (void)fputs(verb_pki.usage, stderr); return 2;
        }
    }
    return dispatch(argc - optind, argv + optind, &a);
}

const struct verb verb_pki = {
    .name = "pki",
    .summary = "certificates of links: enrol, csr, install, rotate, revoke, list, export",
    .usage = "usage: tourniquet pki [list]                                     certificates, newest first, and open enrolments\n"
             "       tourniquet pki init [--permit HOST|NETWORK]...            make the authority now, perhaps for these names only\n"
             "       tourniquet pki enrol --link NAME --names HOST,ADDRESS [--side lis|analyzer] [--days N] [--why TEXT]\n"
             "                                                                 a one-time code, shown once, for a peer of a link\n"
             "       tourniquet pki enrol --code CODE FILE                     hand in a certificate request; the certificate comes out\n"
             "       tourniquet pki withdraw ID                                end an enrolment that was not used\n"
             "       tourniquet pki csr LINK [--side lis|analyzer] [--names HOST,ADDRESS]\n"
             "                                                                 a new key for our end of a link, and the request for its\n"
             "                                                                 certificate, for another authority to make (PEM)\n"
             "       tourniquet pki install LINK FILE [--side lis|analyzer] [--why TEXT]\n"
             "                                                                 … which has come: its certificate, then what made it\n"
             "       tourniquet pki rotate SERIAL --why TEXT                   a new key of the program's own, now\n"
             "       tourniquet pki revoke SERIAL --why TEXT                   nobody takes it any more; its connections are cut\n"
             "       tourniquet pki authority next|switch|drop --why TEXT [--permit HOST|NETWORK]...\n"
             "                                                                 another authority: make it, taken beside the present one; put it\n"
             "                                                                 in its place; take the former one no more\n"
             "       tourniquet pki export [SERIAL | --crl]                    the authority's certificate, one with its chain, or what is\n"
             "                                                                 revoked (PEM)\n"
             "\n"
             "All of it asks the running Tourniquet. The authority makes itself when a link speaks TLS for the first time, and the program's own\n"
             "certificates are renewed by themselves. FILE is what openssl makes:\n"
             "  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout lis.key -subj /CN=HOST -out lis.csr\n"
             "\n"
             "  --data DIR   the data folder (default: the one of lab.yaml, else the built-in one)\n"
             "  -c FILE      lab.yaml, for the data folder\n"
             "\n"
             "Exit status: 0 done, 2 refused, 3 it could not be done.\n",
    .run = run,
};
