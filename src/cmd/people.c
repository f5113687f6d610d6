/* people: who has an account and which roles, from this machine: for the first day, for a day when no manager can sign in, and for scripts.
 * token: what lets a program use the API in somebody's name. */
#include "cmd/cmd.h"
#include "cmd/talk.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_BYTES 262144

struct arguments {
    const char *config;
    const char *data;
    const char *why;
    const char *role;
    const char *until;
    const char *site;
    const char *maker;
    const char *shown;
    const char *permission;
    const char *record;
    const char *apply;
    const char *scopes;
    const char *label;
    const char *days;
    const char *password_days;
    const char *second_factor;
    bool compromised;
    bool all;
};

/* False: an option that is none; the usage was printed. */
static bool read_options(const struct verb *v, int argc, char **argv, struct arguments *a)
{
    const struct talk_option options[] = {{"config", &a->config, NULL},
                                          {"data", &a->data, NULL},
                                          {"why", &a->why, NULL},
                                          {"role", &a->role, NULL},
                                          {"until", &a->until, NULL},
                                          {"maker", &a->maker, NULL},
                                          {"site", &a->site, NULL},
                                          {"display-name", &a->shown, NULL},
                                          {"permission", &a->permission, NULL},
                                          {"record", &a->record, NULL},
                                          {"apply", &a->apply, NULL},
                                          {"scopes", &a->scopes, NULL},
                                          {"label", &a->label, NULL},
                                          {"days", &a->days, NULL},
                                          {"password-days", &a->password_days, NULL},
                                          {"second-factor", &a->second_factor, NULL},
                                          {"compromised", NULL, &a->compromised},
                                          {"all", NULL, &a->all},
                                          {0}};
    return talk_options(v, argc, argv, options);
}

/* What stands in an address: letters, digits and . _ - @ */
static bool plain(const char *name)
{
    return name[0] != 0 && strlen(name) <= 128 && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@")] == 0;
}

static void put(json_t *body, const char *key, const char *value)
{
    if (value != NULL)
        (void)json_object_set_new(body, key, json_string(value));
}

/* ── people ── */

static int import(const struct arguments *a, const char *file)
{
    static char list[LIST_BYTES + 1];
    FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rbe");
    if (f == NULL) {
        (void)fprintf(stderr, "tourniquet people: %s cannot be read\n", file);
        return 2;
    }
    size_t n = fread(list, 1, sizeof list - 1, f);
    bool whole = feof(f) != 0 || fgetc(f) == EOF;
    if (f != stdin)
        (void)fclose(f);
    list[n] = 0;
    json_t *text = json_stringn(list, n);
    if (!whole || text == NULL) {
        json_decref(text);
        (void)fprintf(stderr, "tourniquet people: %s is no list in UTF-8 of at most 256 KiB\n", file);
        return 2;
    }
    json_t *body = json_object();
    (void)json_object_set_new(body, "list", text);
    put(body, "token", a->apply);
    put(body, "why", a->why);
    return talk("people", a->config, a->data, "POST", "/api/v1/people/import", body);
}

static int list(const struct arguments *a)
{
    return talk("people", a->config, a->data, "GET", a->all ? "/api/v1/people?state=all&limit=200" : "/api/v1/people?limit=200", NULL);
}

static int one(const struct arguments *a, const char *method, const char *name, const char *act, json_t *body)
{
    char path[512];
    (void)snprintf(path, sizeof path, "/api/v1/people/%s%s", name, act);
    return talk("people", a->config, a->data, method, path, body);
}

static int why_may(const struct arguments *a, const char *name)
{
    char act[256];
    if ((a->permission != NULL && !plain(a->permission)) || (a->record != NULL && !plain(a->record)))
        return talk_wrong(&verb_people, "--permission is one like phi.look, --record a number");
    (void)snprintf(act, sizeof act, "/why?%s%s%s%s", a->permission != NULL ? "permission=" : "", a->permission != NULL ? a->permission : "",
                   a->record != NULL ? "&record=" : "", a->record != NULL ? a->record : "");
    return one(a, "GET", name, act, NULL);
}

static json_t *fields(const struct arguments *a)
{
    json_t *body = json_object();
    put(body, "why", a->why);
    return body;
}

static int invite(const struct arguments *a, const char *name)
{
    json_t *body = fields(a);
    put(body, "name", name);
    put(body, "display_name", a->shown);
    put(body, "role", a->role);
    put(body, "until", a->until);
    put(body, "site", a->site);
    put(body, "maker", a->maker);
    return talk("people", a->config, a->data, "POST", "/api/v1/people", body);
}

static int change(const struct arguments *a, const char *what, const char *name)
{
    char act[32];
    json_t *body = fields(a);
    bool role = strcmp(what, "grant") == 0 || strcmp(what, "withdraw") == 0;
    if (role)
        put(body, "role", a->role);
    if (strcmp(what, "grant") == 0) {
        put(body, "until", a->until);
        put(body, "site", a->site);
        put(body, "maker", a->maker);
    }
    if (strcmp(what, "reset") == 0)
        (void)json_object_set_new(body, "compromised", json_boolean(a->compromised));
    (void)snprintf(act, sizeof act, "/%s", what);
    if (role && a->role == NULL) {
        json_decref(body);
        return talk_wrong(&verb_people, "say which role with --role");
    }
    return one(a, "POST", name, act, body);
}

/* The site's rules for signing in: shown, or changed. */
static int rules(const struct arguments *a)
{
    if (a->password_days == NULL && a->second_factor == NULL)
        return talk("people", a->config, a->data, "GET", "/api/v1/access-policy", NULL);
    if (a->why == NULL)
        return talk_wrong(&verb_people, "say why with --why: it goes on the record");
    json_t *body = json_object();
    put(body, "password_days", a->password_days);
    put(body, "second_factor", a->second_factor);
    put(body, "why", a->why);
    return talk("people", a->config, a->data, "PUT", "/api/v1/access-policy", body);
}

static int decide(const struct arguments *a, const char *what, const char *name)
{
    static const char *const changes[] = {"grant", "withdraw", "close", "reopen", "reset"};
    if (a->why == NULL)
        return talk_wrong(&verb_people, "say why with --why: it goes on the record");
    if (strcmp(what, "invite") == 0)
        return invite(a, name);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (strcmp(what, changes[i]) == 0)
            return change(a, what, name);
    return talk_wrong(&verb_people, "there is no such thing to do with people");
}

static int run_people(int argc, char **argv)
{
    struct arguments a = {0};
    if (!read_options(&verb_people, argc, argv, &a))
        return 2;
    const char *what = optind < argc ? argv[optind] : "list";
    const char *name = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (argc - optind > 2)
        return talk_wrong(&verb_people, "one person at a time");
    if (strcmp(what, "list") == 0 && name == NULL)
        return list(&a);
    if (strcmp(what, "roles") == 0 && name == NULL)
        return talk("people", a.config, a.data, "GET", "/api/v1/roles", NULL);
    if (strcmp(what, "rules") == 0 && name == NULL)
        return rules(&a);
    if (strcmp(what, "emergency") == 0 && name == NULL)
        return a.why == NULL ? talk_wrong(&verb_people, "say why with --why: it goes on the record")
                             : talk("people", a.config, a.data, "POST", "/api/v1/emergency", fields(&a));
    if (name == NULL)
        return talk_wrong(&verb_people, "say whom");
    if (strcmp(what, "import") == 0)
        return import(&a, name);
    if (!plain(name))
        return talk_wrong(&verb_people, "a name has letters, digits and . _ - @");
    if (strcmp(what, "show") == 0)
        return one(&a, "GET", name, "", NULL);
    if (strcmp(what, "why") == 0)
        return why_may(&a, name);
    return decide(&a, what, name);
}

const struct verb verb_people = {
    .name = "people",
    .summary = "who has an account, and which roles: invite, grant, withdraw, close",
    .usage = "usage: tourniquet people [list [--all] | roles | show NAME | why NAME [--permission NOUN.VERB] [--record N]]\n"
             "       tourniquet people invite NAME [--display-name TEXT] [--role ROLE] [--until DAY] [--site SITE] [--maker MAKER] --why REASON\n"
             "       tourniquet people grant NAME --role ROLE [--until DAY] [--site SITE] [--maker MAKER] --why REASON\n"
             "       tourniquet people withdraw NAME --role ROLE --why REASON\n"
             "       tourniquet people close|reopen NAME --why REASON\n"
             "       tourniquet people reset NAME [--compromised] --why REASON\n"
             "       tourniquet people import FILE|- [--apply TOKEN --why REASON]\n"
             "       tourniquet people emergency --why REASON\n"
             "       tourniquet people rules [--second-factor none|managers|everybody] [--password-days DAYS] [--why REASON]\n"
             "       each with [--data DIR | -c lab.yaml]\n"
             "\n"
             "  invite     makes an account; prints a one-time code, with which its owner chooses a password\n"
             "  grant      gives a role; DAY (2027-01-31) is its last day, which assessors and makers' engineers must have\n"
             "             MAKER: of a maker's engineer, whose devices, as the page Devices names it\n"
             "  why        which role gives somebody a permission, now or when record N was made: from whom, when, why\n"
             "  close      somebody leaves: all roles, sessions, tokens and passkeys end\n"
             "  reset      the password counts no more; prints a one-time code\n"
             "  import     reads a list (CSV: name, display name, role, until, site); shows first what it would do, with a TOKEN\n"
             "  rules      shows the rules for signing in, or changes them: whose roles count only with a passkey or a code of an app\n"
             "  emergency  makes or seals anew the emergency account; prints the code for the envelope\n"
             "\n"
             "Who may use this is told by the local socket; no password is asked for here. Each decision stands on the ledger.\n",
    .run = run_people,
};

/* ── token ── */

static int run_token(int argc, char **argv)
{
    struct arguments a = {0};
    char path[256];
    if (!read_options(&verb_token, argc, argv, &a))
        return 2;
    const char *what = optind < argc ? argv[optind] : "list";
    const char *name = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (argc - optind > 2 || (name != NULL && !plain(name)))
        return talk_wrong(&verb_token, "that is no account, and no token");
    if (strcmp(what, "list") == 0) {
        (void)snprintf(path, sizeof path, "/api/v1/tokens%s%s", name != NULL ? "?account=" : "", name != NULL ? name : "");
        return talk("token", a.config, a.data, "GET", path, NULL);
    }
    if (strcmp(what, "make") == 0 && name != NULL) {
        if (a.scopes == NULL || a.label == NULL)
            return talk_wrong(&verb_token, "say what it may do with --scopes, and which program it is for with --label");
        json_t *body = json_object();
        put(body, "account", name);
        put(body, "label", a.label);
        put(body, "scopes", a.scopes);
        put(body, "days", a.days);
        return talk("token", a.config, a.data, "POST", "/api/v1/tokens", body);
    }
    if (strcmp(what, "revoke") == 0 && name != NULL) {
        (void)snprintf(path, sizeof path, "/api/v1/tokens/%s", name);
        return talk("token", a.config, a.data, "DELETE", path, NULL);
    }
    return talk_wrong(&verb_token, "it takes list, make ACCOUNT or revoke ID");
}

const struct verb verb_token = {
    .name = "token",
    .summary = "tokens, with which programs use the API in somebody's name",
    .usage = "usage: tourniquet token [list [ACCOUNT]]\n"
             "       tourniquet token make ACCOUNT --label TEXT --scopes \"device.read finding.read\" [--days N]\n"
             "       tourniquet token revoke ID\n"
             "       each with [--data DIR | -c lab.yaml]\n"
             "\n"
             "  make    prints the token, this once; it may what its scopes name and its owner may, for N days (90)\n"
             "\n"
             "A program sends it as `Authorization: Bearer TOKEN`. docs/permissions.md says which permissions a token may have.\n",
    .run = run_token,
};
