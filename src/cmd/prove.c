/* prove result: what the ledger proves of one result, in words and as a file that anybody can check. Specimen and test come over standard input,
 * never as arguments: those stand in the list of processes. */
#include "cmd/cmd.h"

#include "proc/ask.h"
#include "proc/payload.h"
#include "record/ledger/shown.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 512

struct arguments {
    const char *config_file;
    const char *data;
    const char *out;
    const char *check;
    const char *key;
    bool json;
};

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet prove: %s\n", e->text);
    return err_exit_status(e);
}

static int wrong_use(const char *what)
{
    (void)fprintf(stderr, "tourniquet prove: %s\n%s", what, verb_prove.usage);
    return 2;
}

/* ── words ── */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* What a sender wrote, on one line of a terminal: nothing in it does anything. */
static void put_text(const char *text, const char *missing)
{
    if (text[0] == 0)
        text = missing;
    for (; *text != 0; text++)
        (void)putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/* "2026-01-12 08:01:04.670 UTC" */
static void put_when(const char *time)
{
    if (strlen(time) < 23)
        put_text(time, "-");
    else
        (void)printf("%.10s %.12s UTC", time, time + 11);
}

static void put_flags(const json_t *flags)
{
    for (size_t i = 0; i < json_array_size(flags); i++) {
        (void)putchar(' ');
        put_text(json_string_value(json_array_get(flags, i)), "");
    }
}

static void put_sighting(const json_t *s)
{
    const json_t *step = json_object_get(s, "step");
    (void)fputs("  ", stdout);
    put_when(text_of(s, "time"));
    (void)fputs("  ", stdout);
    put_text(text_of(s, "sender_title"), text_of(s, "sender"));
    (void)fputs(" -> ", stdout);
    put_text(text_of(s, "receiver_title"), text_of(s, "receiver"));
    (void)fputs("  ", stdout);
    put_text(text_of(s, "value"), "(value not kept)");
    (void)putchar(' ');
    put_text(text_of(s, "units"), "");
    put_flags(json_object_get(s, "flags"));
    (void)printf("  record %lld", (long long)json_integer_value(json_object_get(s, "record")));
    if (json_is_object(step)) {
        (void)printf("  %s", text_of(step, "verdict"));
        if (text_of(step, "changed")[0] != 0)
            (void)printf(": %s", text_of(step, "changed"));
    }
    (void)putchar('\n');
}

static void put_result(const json_t *r)
{
    size_t i;
    json_t *s;
    const json_t *verdict = json_object_get(r, "verdict");
    const json_t *test = json_object_get(r, "test");
    put_text(text_of(test, "text"), text_of(test, "code"));
    (void)printf(" (");
    put_text(text_of(test, "code"), "-");
    (void)printf("): %s\n", text_of(verdict, "text"));
    json_array_foreach(json_object_get(r, "way"), i, s) put_sighting(s);
    if (text_of(verdict, "finding")[0] != 0)
        (void)printf("  finding %s\n", text_of(verdict, "finding"));
}

/* ── asking ── */

static bool read_line(const char *prompt, char out[LINE_MAX_BYTES])
{
    if (isatty(STDIN_FILENO) != 0)
        (void)fprintf(stderr, "%s: ", prompt);
    size_t n = 0;
    char ch = 0;
    while (n + 1 < LINE_MAX_BYTES && read(STDIN_FILENO, &ch, 1) == 1 && ch != '\n') /* no buffer keeps a copy */
        out[n++] = ch;
    out[n] = 0;
    return n > 0;
}

/* The file is readable by its owner only: it opens what it proves. */
static int write_proof(const char *path, const char *proof, struct error *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? err_set(e, ERR_MISUSE, "%s is there already; name another file with --out", path)
                               : err_sys(e, errno, "making %s", path);
    size_t n = strlen(proof);
    size_t at = 0;
    ssize_t put = 0;
    while (at < n && (put = write(fd, proof + at, n - at)) > 0)
        at += (size_t)put;
    int errnum = at < n ? errno : 0;
    if (fsync(fd) != 0 && errnum == 0)
        errnum = errno;
    (void)close(fd);
    return errnum == 0 ? 0 : err_sys(e, errnum, "writing %s", path);
}

static int put_answer(const struct arguments *a, const struct reply *r)
{
    struct error e = {0};
    json_t *answer = json_loadb((const char *)r->body.p, r->body.n, 0, NULL);
    if (r->status >= 400) {
        const char *detail = text_of(answer, "detail");
        (void)fprintf(stderr, "tourniquet prove: %s\n", detail[0] == 0 ? "the keeper refused" : detail);
        json_decref(answer);
        return r->status < 500 ? 2 : 3;
    }
    char name[64];
    size_t i;
    json_t *one;
    const json_t *results = json_object_get(answer, "results");
    (void)snprintf(name, sizeof name, "result-%lld.proof", (long long)json_integer_value(json_object_get(json_array_get(results, 0), "record")));
    const char *path = a->out == NULL ? name : a->out;
    int rc = write_proof(path, text_of(answer, "proof"), &e);
    json_array_foreach(results, i, one)
    {
        char *line = a->json ? json_dumps(one, JSON_COMPACT) : NULL;
        if (line != NULL)
            (void)puts(line);
        else
            put_result(one);
        free(line);
    }
    if (rc == 0)
        (void)fprintf(stderr,
                      "%lld records are proved by %s, which also opens them: keep it as you keep the result. It is checked anywhere by\n"
                      "tourniquet prove result --check %s --key verifier.pub\n",
                      (long long)json_integer_value(json_object_get(answer, "records")), path, path);
    json_decref(answer);
    return rc != 0 ? complain(&e) : fflush(stdout) == 0 ? 0 : 3;
}

static int ask(const struct arguments *a, json_t *body)
{
    static struct config config;
    struct error e = {0};
    struct ask asked = {.channel = {.fd = -1}};
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    int folder = ask_folder(a->config_file, a->data, &config, &e);
    int line = folder < 0 ? -1 : ask_dial(folder, &e);
    int status = line < 0 || ask_send(&asked, line, "POST", SPAN_LIT("/api/v1/proofs"), NULL, span_str(text == NULL ? "" : text), -1, &e) != 0
                     ? complain(&e)
                     : put_answer(a, &asked.reply);
    ask_release(&asked);
    if (folder >= 0)
        (void)close(folder);
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
    return status;
}

static int prove(const struct arguments *a)
{
    char specimen[LINE_MAX_BYTES] = "";
    char test[LINE_MAX_BYTES] = "";
    char reason[LINE_MAX_BYTES] = "";
    if (!read_line("Specimen, as it stands on the tube or in the message", specimen) || !read_line("Test, its code or name", test) ||
        !read_line("Why do you need it (at least three words)", reason))
        return wrong_use("standard input gives three lines: the specimen, the test, and why the proof is needed");
    json_t *body = json_pack("{s:s, s:s, s:s}", "specimen", specimen, "test", test, "reason", reason);
    explicit_bzero(specimen, sizeof specimen);
    return body == NULL ? wrong_use("what was typed is no text in UTF-8") : ask(a, body);
}

/* ── checking ── */

static int load(const char *path, struct buf *out, struct error *e)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? err_set(e, ERR_MISUSE, "there is no file %s", path) : err_sys(e, errno, "opening %s", path);
    uint8_t piece[16384];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_add(out, piece, (size_t)n);
    int errnum = errno;
    (void)close(fd);
    if (n < 0)
        return err_sys(e, errnum, "reading %s", path);
    return buf_ok(out) ? 0 : err_set(e, ERR_MISUSE, "%s is too large for a proof", path);
}

struct checked {
    bool json;
    bool bad; /* a record of another form: what is proved of it can't be said */
};

/* One record that holds: what it says, and what only its key shows. */
static void put_record(struct checked *c, const struct shown_record *r, const json_t *seen, const json_t *hidden)
{
    char recorded[TIME_TEXT];
    (void)time_format(r->time, recorded);
    if (c->json) {
        json_t *line = json_pack("{s:I, s:s, s:b, s:O?, s:O?}", "record", (json_int_t)r->index, "recorded", recorded, "open", (int)r->open, "seen",
                                 seen, "clear", hidden);
        char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT);
        (void)puts(text == NULL ? "{}" : text);
        free(text);
        json_decref(line);
        return;
    }
    (void)printf("record %llu, recorded ", (unsigned long long)r->index);
    put_when(recorded);
    if (!r->open) {
        (void)puts(": it is there, and is not opened by this proof");
        return;
    }
    (void)printf(": %s", text_of(seen, "event"));
    const json_t *step = json_object_get(seen, "step");
    if (json_is_object(step))
        (void)printf(", %s %s", text_of(step, "verdict"), text_of(step, "changed"));
    if (text_of(hidden, "value")[0] != 0 || text_of(hidden, "specimen_id")[0] != 0) {
        (void)fputs("\n    seen ", stdout);
        put_when(text_of(seen, "time"));
        (void)fputs(", test ", stdout);
        put_text(text_of(json_object_get(seen, "test"), "code"), "-");
        (void)fputs(", specimen ", stdout);
        put_text(text_of(hidden, "specimen_id"), "-");
        (void)fputs(", value ", stdout);
        put_text(text_of(hidden, "value"), "-");
        (void)putchar(' ');
        put_text(text_of(seen, "units"), "");
    }
    (void)putchar('\n');
}

static void each(void *context, const struct shown_record *r)
{
    struct checked *c = context;
    struct error e = {0};
    struct payload *p = r->open ? malloc(sizeof *p) : NULL;
    json_t *seen = NULL;
    json_t *hidden = NULL;
    if (p != NULL && payload_decode(r->payload, p, &e) == 0 && p->n == 1) {
        seen = json_loadb((const char *)p->records[0].veiled.p, p->records[0].veiled.n, 0, NULL);
        hidden = json_loadb((const char *)p->records[0].private.p, p->records[0].private.n, 0, NULL);
    }
    c->bad = c->bad || (r->open && seen == NULL);
    put_record(c, r, seen, hidden);
    json_decref(seen);
    json_decref(hidden);
    free(p);
}

static int check(const struct arguments *a)
{
    struct error e = {0};
    struct buf proof = BUF_SECRET(SHOWN_BYTES);
    struct buf key = BUF_INIT(4096);
    struct checked c = {.json = a->json};
    uint64_t size = 0;
    struct error why = {0};
    int rc = load(a->check, &proof, &e);
    if (rc == 0 && load(a->key, &key, &why) != 0) { /* the line itself, perhaps */
        buf_clear(&key);
        buf_add_str(&key, a->key);
        if (strchr(a->key, '+') == NULL) {
            e = why;
            rc = -1;
        }
    }
    if (rc == 0)
        rc = ledger_check_shown(buf_span(&proof), buf_text(&key), each, &c, &size, &e);
    if (rc == 0 && c.bad)
        rc = err_set(&e, ERR_CORRUPT, "a record in it is of no form that this program knows");
    if (rc == 0 && !a->json)
        (void)printf("It holds: all of this is in the ledger of %llu records that this key has signed.\n", (unsigned long long)size);
    buf_release(&proof);
    buf_release(&key);
    return rc == 0 ? 0 : complain(&e);
}

/* ── arguments ── */

static int run(int argc, char **argv)
{
    enum { DATA = 256, OUT, CHECK, KEY, JSON };
    static const struct option options[] = {{"config", required_argument, NULL, 'c'}, {"data", required_argument, NULL, DATA},
                                            {"out", required_argument, NULL, OUT},    {"check", required_argument, NULL, CHECK},
                                            {"key", required_argument, NULL, KEY},    {"json", no_argument, NULL, JSON},
                                            {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct arguments a = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (c) {
        case 'c': a.config_file = optarg; break;
        case DATA: a.data = optarg; break;
        case OUT: a.out = optarg; break;
        case CHECK: a.check = optarg; break;
        case KEY: a.key = optarg; break;
        case JSON: a.json = true; break;
        case 'h': return fputs(verb_prove.usage, stdout) < 0 ? 3 : 0;
        default: (void)fputs(verb_prove.usage, stderr); return 2;
        }
    }
    if (argc - optind != 1 || strcmp(argv[optind], "result") != 0)
        return wrong_use("say what is to be proved: tourniquet prove result (specimen and test come over standard input)");
    if ((a.check == NULL) != (a.key == NULL) || (a.check != NULL && (a.out != NULL || a.data != NULL || a.config_file != NULL)))
        return wrong_use("--check FILE and --key PUBKEY go together, and with nothing else but --json");
    return a.check != NULL ? check(&a) : prove(&a);
}

const struct verb verb_prove = {
    .name = "prove",
    .summary = "the custody of one result, in words and as a proof that anybody can check",
    .usage =
        "usage: tourniquet prove result [--out FILE] [--json] [-c lab.yaml | --data DIR]\n"
        "       tourniquet prove result --check FILE --key PUBKEY [--json]\n"
        "\n"
        "Reads three lines from standard input, or asks for them: the specimen, the test, and why you need it. Prints where the result was seen on\n"
        "its way, when, with which value, and what became of it; and writes a proof: that these records are in the ledger, signed, and what they\n"
        "say. That is a look at what is hidden: it is recorded, with your reason, before anything is shown.\n"
        "\n"
        "  --out FILE       where the proof goes (default: result-RECORD.proof); it must not be there yet\n"
        "  --json           one JSON object a line instead of words\n"
        "  --check FILE     checks a proof with nothing but the public key; needs no running Tourniquet\n"
        "  --key PUBKEY     verifier.pub, the file or the line in it\n"
        "\n"
        "Exit status: 0 done, or it holds; 1 the proof does not hold; 2 wrong use, or there is no such result; 3 the machine failed.\n",
    .run = run,
};
