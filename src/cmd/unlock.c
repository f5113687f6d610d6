/* unlock: gives the running keeper the passphrase that its keys wait for. It comes from the terminal, without being shown, or from standard input;
 * never from an argument, which anybody on the machine could read. */
#include "cmd/cmd.h"

#include "base/json.h"
#include "base/text.h"
#include "cmd/secret.h"
#include "proc/ask.h"
#include "record/crypto/crypto.h"
#include "record/crypto/password.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

struct unlock_arguments {
    const char *config;
    const char *data;
    bool fresh;
};

/* Everything that ever holds a passphrase here: in locked memory. */
struct secrets {
    char first[PASSWORD_MAX + 2];
    char second[PASSWORD_MAX + 2];
};

static int complain(const char *text)
{
    (void)fprintf(stderr, "tourniquet unlock: %s\n", text);
    return 2;
}

static int read_arguments(int argc, char **argv, struct unlock_arguments *a)
{
    enum { DATA = 256, NEW };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, DATA}, {"new", no_argument, NULL, NEW}, {NULL, 0, NULL, 0}};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c': a->config = optarg; break;
        case DATA: a->data = optarg; break;
        case NEW: a->fresh = true; break;
        default: (void)fputs(verb_unlock.usage, stderr); return 2;
        }
    }
    if (optind == argc)
        return -1;
    for (int i = optind; i < argc; i++) /* it may be the passphrase: not left in the list of processes any longer than needed, nor repeated */
        explicit_bzero(argv[i], strlen(argv[i]));
    (void)complain("it takes options only. If that was the passphrase, others on this machine may have seen it: choose another one");
    return 2;
}

/* -1: it is in s->first. */
static int take_passphrase(const struct unlock_arguments *a, struct secrets *s)
{
    if (!secret_line(a->fresh ? "New passphrase" : "Passphrase", s->first, sizeof s->first))
        return complain("no passphrase came (a line of 1 to 1024 bytes, from the terminal or standard input)");
    if (!text_is_utf8(span_str(s->first)))
        return complain("the passphrase is not UTF-8 text");
    if (!a->fresh || isatty(STDIN_FILENO) == 0)
        return -1;
    if (!secret_line("Once more", s->second, sizeof s->second) || strcmp(s->first, s->second) != 0)
        return complain("the two are not the same; nothing was done");
    return -1;
}

static int ask_keeper(int folder, const char *method, struct span body, struct buf *answer, uint16_t *ret_status, struct error *e)
{
    struct ask asked = {0};
    int line = ask_dial(folder, e);
    if (line < 0)
        return -1;
    asked.channel.in.secret = asked.channel.out.secret = true;
    int r = ask_send(&asked, line, method, SPAN_LIT("/api/v1/unlock"), NULL, body, -1, e);
    if (r == 0) {
        *ret_status = asked.reply.status;
        buf_clear(answer);
        buf_add_span(answer, asked.reply.body);
    }
    ask_release(&asked);
    return r;
}

static bool says(const struct buf *answer, const char *what)
{
    return memmem(answer->p, answer->n, what, strlen(what)) != NULL;
}

/* Waits until the views are there. */
static int await_open(int folder, struct buf *answer, struct error *e)
{
    uint16_t status = 200;
    while (says(answer, "\"stage\":\"opening\"")) {
        (void)usleep(200000);
        if (ask_keeper(folder, "GET", (struct span){0}, answer, &status, e) != 0)
            return -1;
    }
    return 0;
}

static int print_answer(const struct buf *answer, uint16_t status)
{
    (void)fwrite(answer->p, 1, answer->n, stdout);
    (void)putchar('\n');
    if (fflush(stdout) != 0)
        return 3;
    return status < 400 ? 0 : status < 500 ? 2 : 3;
}

static int unlock(const struct unlock_arguments *a, int folder, const struct secrets *s)
{
    struct error e = {0};
    struct buf body = BUF_SECRET(8 * PASSWORD_MAX);
    struct buf answer = BUF_INIT(65536);
    uint16_t status = 0;
    (void)buf_reserve(&body, 8 * PASSWORD_MAX - 1); /* it must not grow: pieces of it would be left behind */
    struct jsonw j = jsonw_to(&body);
    jsonw_object(&j);
    jsonw_put_str(&j, "passphrase", s->first);
    jsonw_put_bool(&j, "new", a->fresh);
    jsonw_object_end(&j);
    int r = ask_keeper(folder, "POST", buf_span(&body), &answer, &status, &e);
    buf_release(&body);
    if (r == 0 && status == 200)
        r = await_open(folder, &answer, &e);
    int exit_status = r == 0 ? print_answer(&answer, status) : err_exit_status(&e);
    if (r != 0)
        (void)fprintf(stderr, "tourniquet unlock: %s\n", e.text);
    buf_release(&answer);
    return exit_status;
}

static int run(int argc, char **argv)
{
    static struct config config;
    struct unlock_arguments a = {0};
    struct error e = {0};
    const struct rlimit none = {0, 0};
    int status = read_arguments(argc, argv, &a);
    if (status >= 0)
        return status;
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    struct secrets *s = crypto_secret_new(sizeof *s, NULL);
    int folder = s == NULL ? err_set(&e, ERR_SYSTEM, "no memory for the passphrase") : ask_folder(a.config, a.data, &config, &e);
    if (folder < 0) {
        (void)fprintf(stderr, "tourniquet unlock: %s\n", e.text);
        crypto_secret_free(s, sizeof *s);
        return err_exit_status(&e);
    }
    status = take_passphrase(&a, s);
    if (status < 0)
        status = unlock(&a, folder, s);
    crypto_secret_free(s, sizeof *s);
    (void)close(folder);
    return status;
}

const struct verb verb_unlock = {
    .name = "unlock",
    .summary = "give the ledger the passphrase that it waits for",
    .usage =
        "usage: tourniquet unlock [--new] [--data DIR | -c lab.yaml]\n"
        "\n"
        "Where `keys` of lab.yaml says that the root key comes from a passphrase, the ledger is locked after each start: what is seen is kept "
        "sealed, nobody\n"
        "can sign in. This asks for the passphrase (on the terminal, unseen; or one line of standard input) and opens it. Prints one line of JSON.\n"
        "\n"
        "  --new        the very first start: choose the passphrase. Nothing can be read without it, ever: make a recovery key (tourniquet keys) and "
        "keep\n"
        "               it away from this machine\n"
        "  --data DIR   the data folder of the running Tourniquet (default: the one of lab.yaml, else the built-in one)\n"
        "  -c FILE      lab.yaml, for the data folder\n"
        "\n"
        "Exit status: 0 unlocked, 2 refused (a wrong passphrase, nothing to unlock), 3 the keeper could not do it.\n",
    .run = run,
};
