/* ledger verify | prove | check: the record, checked by anybody who can read the folder or holds a proof. */
#include "record/ledger/ledger.h"
#include "base/json.h"
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (1u << 20)

static int complain(const struct error *e)
{
    (void)fprintf(stderr, "tourniquet ledger: %s\n", e->text);
    return err_exit_status(e);
}

static int usage_error(void)
{
    struct error e = {.class = ERR_MISUSE};
    (void)err_set(&e, ERR_MISUSE, "wrong use; see `tourniquet help ledger`");
    return complain(&e);
}

static int read_file(const char *path, struct buf *out, struct error *e)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    if (f == NULL) {
        int errnum = errno;
        (void)err_sys(e, errnum, "opening %s", path);
        if (errnum == ENOENT && e != NULL)
            e->class = ERR_MISUSE;
        return -1;
    }
    uint8_t piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(out, piece, n);
    bool failed = ferror(f) != 0;
    if (f != stdin)
        (void)fclose(f);
    if (failed)
        return err_set(e, ERR_SYSTEM, "%s could not be read", path);
    return buf_ok(out) ? 0 : err_set(e, ERR_MISUSE, "%s is over %u bytes: not what is wanted here", path, FILE_MAX_BYTES);
}

/* The public key: a file with the line in it, or the line itself. Without one *ret is NULL. */
static int read_key(const char *given, struct buf *hold, const char **ret, struct error *e)
{
    *ret = NULL;
    if (given == NULL)
        return 0;
    struct error why = {0};
    if (read_file(given, hold, &why) != 0) {
        if (why.class != ERR_MISUSE || strchr(given, '+') == NULL) {
            *e = why;
            return -1;
        }
        buf_clear(hold);
        buf_add_str(hold, given);
    }
    *ret = buf_text(hold);
    return 0;
}

static void print_report(const struct ledger_report *r)
{
    struct buf line = BUF_INIT(4096);
    struct jsonw j = jsonw_to(&line);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "ledger");
    jsonw_put_bool(&j, "holds", r->holds);
    jsonw_put_uint(&j, "records", r->records);
    jsonw_key(&j, "checkpoint");
    if (r->checkpoint_root[0] == 0) {
        jsonw_null(&j);
    } else {
        jsonw_object(&j);
        jsonw_put_uint(&j, "size", r->checkpoint_size);
        jsonw_put_str(&j, "root", r->checkpoint_root);
        jsonw_object_end(&j);
    }
    jsonw_key(&j, "first_bad");
    if (r->holds || r->first_bad == LEDGER_NO_RECORD)
        jsonw_null(&j);
    else
        jsonw_uint(&j, r->first_bad);
    jsonw_put_str(&j, "why", r->holds ? NULL : r->why);
    jsonw_put_bool(&j, "compared", r->compared);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    buf_release(&line);
}

static void explain(const char *dir, const struct ledger_report *r)
{
    if (!r->holds && r->first_bad != LEDGER_NO_RECORD)
        (void)fprintf(stderr, "%s does NOT hold: record %llu: %s\n", dir, (unsigned long long)r->first_bad, r->why);
    else if (!r->holds)
        (void)fprintf(stderr, "%s does NOT hold: %s\n", dir, r->why);
    else if (!r->compared)
        (void)fprintf(stderr, "%s is consistent in itself, not compared with anything kept elsewhere (give --key or --since)\n", dir);
    if (r->unsigned_tail > 0)
        (void)fprintf(stderr, "%llu durable records are not under a checkpoint yet; the next start signs them\n",
                      (unsigned long long)r->unsigned_tail);
}

static int verify(const char *dir, const char *key, const char *since_path)
{
    struct error e = {0};
    struct buf key_text = BUF_INIT(FILE_MAX_BYTES);
    struct buf since_text = BUF_INIT(FILE_MAX_BYTES);
    struct ledger_report report;
    const char *verifier = NULL;
    int rc = read_key(key, &key_text, &verifier, &e);
    if (rc == 0 && since_path != NULL)
        rc = read_file(since_path, &since_text, &e);
    if (rc == 0)
        rc = ledger_verify(dir, verifier, since_path == NULL ? NULL : buf_text(&since_text), &report, &e);
    if (rc == 0) {
        print_report(&report);
        explain(dir, &report);
    }
    buf_release(&key_text);
    buf_release(&since_text);
    return rc != 0 ? complain(&e) : report.holds ? 0 : 1;
}

static int prove(const char *dir, const char *seq)
{
    struct error e = {0};
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    uint64_t index = 0;
    int status = 0;
    if (!span_decimal(span_str(seq), INT64_MAX, &index)) {
        (void)err_set(&e, ERR_MISUSE, "\"%.40s\" is not the number of a record", seq);
        return complain(&e);
    }
    if (ledger_prove(dir, index, &out, &e) != 0)
        status = complain(&e);
    else if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0)
        status = 3;
    buf_release(&out);
    return status;
}

static int check(const char *path, const char *key)
{
    struct error e = {0};
    struct buf key_text = BUF_INIT(FILE_MAX_BYTES);
    struct buf proof = BUF_INIT(FILE_MAX_BYTES);
    const char *verifier = NULL;
    uint64_t index = 0;
    uint64_t size = 0;
    int rc = read_key(key, &key_text, &verifier, &e);
    if (rc == 0)
        rc = read_file(path, &proof, &e);
    if (rc == 0)
        rc = ledger_check(buf_span(&proof), verifier, &index, &size, &e);
    if (rc == 0 || e.class == ERR_CORRUPT) {
        struct buf line = BUF_INIT(4096);
        struct jsonw j = jsonw_to(&line);
        jsonw_object(&j);
        jsonw_put_str(&j, "event", "proof");
        jsonw_put_bool(&j, "holds", rc == 0);
        if (rc == 0) {
            jsonw_put_uint(&j, "index", index);
            jsonw_put_uint(&j, "records", size);
        }
        jsonw_put_str(&j, "why", rc == 0 ? NULL : e.text);
        jsonw_object_end(&j);
        (void)printf("%s\n", buf_text(&line));
        buf_release(&line);
    }
    buf_release(&key_text);
    buf_release(&proof);
    return rc == 0 ? 0 : complain(&e);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"key", required_argument, NULL, 'k'}, {"since", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    const char *key = NULL;
    const char *since = NULL;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'k')
            key = optarg;
        else if (c == 's')
            since = optarg;
        else if (c == 'h')
            return fputs(verb_ledger.usage, stdout) < 0 ? 3 : 0;
        else
            return usage_error();
    }
    int n = argc - optind;
    char **arg = argv + optind;
    if (n == 2 && strcmp(arg[0], "verify") == 0)
        return verify(arg[1], key, since);
    if (n == 3 && strcmp(arg[0], "prove") == 0 && key == NULL && since == NULL)
        return prove(arg[1], arg[2]);
    if (n == 2 && strcmp(arg[0], "check") == 0 && key != NULL && since == NULL)
        return check(arg[1], key);
    return usage_error();
}

const struct verb verb_ledger = {
    .name = "ledger",
    .summary = "check the record that nobody can rewrite unseen, and prove what is in it",
    .usage =
        "tourniquet ledger verify DIR [--key PUBKEY] [--since CHECKPOINT]\n"
        "    Recomputes everything in the ledger DIR that can be recomputed without secrets, and prints one JSON line: holds, records, checkpoint,\n"
        "    first_bad. PUBKEY is a copy of verifier.pub kept elsewhere (the file, or the line in it); CHECKPOINT a copy of the file checkpoint kept "
        "from an\n"
        "    earlier day. Without both the ledger is compared with nothing but itself.\n"
        "tourniquet ledger prove DIR SEQ > PROOF\n"
        "    Writes a proof (c2sp.org/tlog-proof@v1) that record SEQ is in the ledger.\n"
        "tourniquet ledger check PROOF --key PUBKEY\n"
        "    Checks such a proof with nothing but the proof and the public key. PROOF may be - for standard input.\n"
        "\n"
        "Exit status: 0 it holds, 1 it does not, 2 wrong use or nothing to check, 3 the machine failed.\n",
    .run = run,
};
