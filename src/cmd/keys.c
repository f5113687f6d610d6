/* keys: what the ledger's keys are, and what is done with them: erasing a patient, rotating, the recovery key. Names of patients, passphrases and
 * recovery keys come over standard input, never as arguments: those stand in the list of processes. */
#include "cmd/cmd.h"

#include "cmd/secret.h"
#include "cmd/talk.h"
#include "proc/ask.h"
#include "proc/clock.h"
#include "record/crypto/crypto.h"
#include "record/ledger/keys.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

struct arguments {
    const char *config_file;
    const char *data;
    const char *why;
    const char *token;
    const char *from;
    const char *to;
    struct config config;
};

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet keys: %s\n", e->text);
    return err_exit_status(e);
}

static int wrong_use(const char *what)
{
    return talk_wrong(&verb_keys, what);
}

/* ── asking the keeper ── */

static int ask(struct arguments *a, const char *method, const char *path, json_t *body)
{
    return talk("keys", a->config_file, a->data, method, path, body);
}

/* ── verbs ── */

static int erase(struct arguments *a)
{
    char patient[LINE_MAX_BYTES] = "";
    if (a->why == NULL)
        return wrong_use("say why: --why \"…\"");
    if (a->token == NULL && !secret_line("The patient's identifier, as it stands in messages", patient, sizeof patient))
        return wrong_use("the patient's identifier is one line on standard input, or --token P-…");
    json_t *body = json_pack("{s:s, s:s}", a->token == NULL ? "patient" : "token", a->token == NULL ? patient : a->token, "why", a->why);
    explicit_bzero(patient, sizeof patient);
    if (body == NULL)
        return wrong_use("identifier and reason are UTF-8 texts");
    if (a->from != NULL)
        (void)json_object_set_new(body, "from", json_string(a->from));
    if (a->to != NULL)
        (void)json_object_set_new(body, "to", json_string(a->to));
    return ask(a, "POST", "/api/v1/keys/erase", body);
}

/* --from: the source from now on. */
static int rotate(struct arguments *a)
{
    char secret[LINE_MAX_BYTES] = "";
    char again[LINE_MAX_BYTES] = "";
    bool passphrase = a->from != NULL && strcmp(a->from, "passphrase") == 0;
    if (a->why == NULL)
        return wrong_use("say why: --why \"…\"");
    if (passphrase && (!secret_line("The new passphrase", secret, sizeof secret) ||
                       (isatty(STDIN_FILENO) != 0 && (!secret_line("Once more", again, sizeof again) || strcmp(secret, again) != 0))))
        return wrong_use("the passphrase is one line on standard input, the same twice");
    json_t *body = json_pack("{s:s}", "why", a->why);
    if (body != NULL && a->from != NULL)
        (void)json_object_set_new(body, "source", json_string(a->from));
    if (body != NULL && passphrase)
        (void)json_object_set_new(body, "passphrase", json_string(secret));
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(again, sizeof again);
    int status = body == NULL ? wrong_use("the reason is a UTF-8 text") : ask(a, "POST", "/api/v1/keys/rotate", body);
    if (status == 0 && a->from != NULL)
        (void)fprintf(
            stderr,
            "From now on the keys open by a %s%s. A start goes by the ledger; write root_key: %s into lab.yaml all the same, so that it says "
            "what is. Make a backup: those made before open by the key of their day or by the recovery key.\n",
            a->from, passphrase ? ", and root.key is destroyed" : "", a->from);
    return status;
}

static int recovery_test(struct arguments *a)
{
    char typed[LINE_MAX_BYTES];
    if (!secret_line("The recovery key", typed, sizeof typed))
        return wrong_use("the recovery key is one line on standard input");
    json_t *body = json_pack("{s:s}", "recovery_key", typed);
    explicit_bzero(typed, sizeof typed);
    return body == NULL ? wrong_use("that is no recovery key") : ask(a, "POST", "/api/v1/keys/recovery/test", body);
}

/* Puts a new root key in the place of a lost one; Tourniquet is stopped. */
static int recovery_use(struct arguments *a)
{
    struct error e = {0};
    char typed[LINE_MAX_BYTES] = "";
    char secret[LINE_MAX_BYTES] = "";
    struct root_source source = {.kind = root_kind_of(span_str(a->from == NULL ? "file" : a->from)), .path = "root.key"};
    if (source.kind == 0)
        return wrong_use("--from is file, credential or passphrase");
    int data = ask_folder(a->config_file, a->data, &a->config, &e);
    int status = data < 0 || fchdir(data) == 0 ? 0 : err_sys(&e, errno, "entering the data folder");
    if (data >= 0)
        (void)close(data);
    if (data < 0 || status != 0)
        return complain(&e);
    if (!secret_line("The recovery key", typed, sizeof typed))
        status = wrong_use("the recovery key is the first line on standard input");
    else if (source.kind != ROOT_FILE &&
             !secret_line(source.kind == ROOT_PASSPHRASE ? "The new passphrase" : "The credential's text", secret, sizeof secret))
        status = wrong_use("the new passphrase, or the credential's text, is the second line on standard input");
    else {
        source.secret = span_str(secret);
        status = ledger_recover_keys("ledger", span_str(typed), &source, clock_now(), &e) == 0 ? 0 : complain(&e);
    }
    if (status == 0)
        (void)fprintf(stderr, "The keys open by %s now. Start Tourniquet, then rotate the keys and make a new recovery key.\n",
                      root_kind_name(source.kind));
    explicit_bzero(typed, sizeof typed);
    explicit_bzero(secret, sizeof secret);
    return status;
}

static int dispatch(int n, char **arg, struct arguments *a)
{
    if (n == 0 || (n == 1 && strcmp(arg[0], "show") == 0))
        return ask(a, "GET", "/api/v1/keys", NULL);
    if (n == 1 && strcmp(arg[0], "erase") == 0)
        return erase(a);
    if (n == 1 && strcmp(arg[0], "rotate") == 0)
        return rotate(a);
    if (n == 2 && strcmp(arg[0], "recovery") == 0 && strcmp(arg[1], "new") == 0)
        return ask(a, "POST", "/api/v1/keys/recovery", NULL);
    if (n == 2 && strcmp(arg[0], "recovery") == 0 && strcmp(arg[1], "test") == 0)
        return recovery_test(a);
    if (n == 2 && strcmp(arg[0], "recovery") == 0 && strcmp(arg[1], "use") == 0)
        return recovery_use(a);
    return wrong_use("there is no such thing to do");
}

static int run(int argc, char **argv)
{
    static struct arguments a;
    const struct talk_option options[] = {{"config", &a.config_file, NULL},
                                          {"data", &a.data, NULL},
                                          {"why", &a.why, NULL},
                                          {"token", &a.token, NULL},
                                          {"from", &a.from, NULL},
                                          {"to", &a.to, NULL},
                                          {0}};
    if (!talk_options(&verb_keys, argc, argv, options))
        return 2;
    return dispatch(argc - optind, argv + optind, &a);
}

const struct verb verb_keys = {
    .name = "keys",
    .summary = "the ledger's keys: erase a patient, rotate, recovery key",
    .usage =
        "usage: tourniquet keys [show]\n"
        "       tourniquet keys erase --why TEXT [--token P-…] [--from 2026-01] [--to 2026-06]   the patient's identifier: standard input\n"
        "       tourniquet keys rotate --why TEXT [--from file|passphrase]                       a new passphrase: standard input\n"
        "       tourniquet keys recovery new                                                     shows the recovery key once: print it\n"
        "       tourniquet keys recovery test                                                    the recovery key: standard input\n"
        "       tourniquet keys recovery use [--from file|credential|passphrase]                 Tourniquet is stopped; the recovery key, and the\n"
        "                                                                                        new secret, one line each: standard input\n"
        "\n"
        "All but the last ask the running Tourniquet. Erasing destroys the keys of a patient's messages and results, of all months or of those "
        "named:\n"
        "nothing that is kept here opens them any more, and every proof holds as before. What is in backups is erased when they are restored.\n"
        "\n"
        "  --data DIR   the data folder (default: the one of lab.yaml, else the built-in one)\n"
        "  -c FILE      lab.yaml, for the data folder\n"
        "\n"
        "Exit status: 0 done, 2 refused, 3 it could not be done.\n",
    .run = run,
};
