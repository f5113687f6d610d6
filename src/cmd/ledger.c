/* ledger verify | prove | check | offer | attach | consistency | witness: the record, checked by anybody who can read the folder or holds a proof,
 * and watched by others. */
#include "record/ledger/ledger.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/witness.h"
#include "record/ledger/shown.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* What the options gave. */
struct given {
    const char *key;
    const char *since;
    const char *old;
    const char *listen;
    const char *cert;
    size_t n;
    const char *witness[WITNESSES_MAX]; /* as given; then the verifier lines */
    struct buf hold[WITNESSES_MAX];
};

static int read_witnesses(struct given *g, struct error *e)
{
    for (size_t i = 0; i < g->n; i++) {
        g->hold[i] = BUF_INIT(FILE_MAX_BYTES);
        if (read_key(g->witness[i], &g->hold[i], &g->witness[i], e) != 0)
            return -1;
    }
    return 0;
}

static void release_witnesses(struct given *g)
{
    for (size_t i = 0; i < g->n; i++)
        buf_release(&g->hold[i]);
}

static void put_cosignature(struct jsonw *j, const struct ledger_cosignature *c)
{
    char time[TIME_TEXT];
    jsonw_object(j);
    jsonw_put_str(j, "name", c->name);
    jsonw_put_uint(j, "records", c->size);
    (void)time_format(c->seconds > INT64_MAX / TIME_SECOND ? INT64_MAX : (tq_time)c->seconds * TIME_SECOND, time);
    jsonw_put_str(j, "time", time);
    jsonw_put_bool(j, "known", c->known);
    jsonw_object_end(j);
}

static void print_report(const struct ledger_report *r)
{
    struct buf line = BUF_INIT(16384);
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
    jsonw_put_uint(&j, "removed", r->removed);
    jsonw_key(&j, "witnesses");
    jsonw_array(&j);
    for (size_t i = 0; i < r->cosignatures_n; i++)
        put_cosignature(&j, &r->cosignatures[i]);
    jsonw_array_end(&j);
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
        (void)fprintf(stderr, "%s is consistent in itself, not compared with anything kept elsewhere (give --key, --since or --witness)\n", dir);
    if (r->removed > 0)
        (void)fprintf(stderr, "payload of %llu records removed, the last of them by record %llu; every hash and proof holds\n",
                      (unsigned long long)r->removed, (unsigned long long)r->removed_by);
    if (r->unsigned_tail > 0)
        (void)fprintf(stderr, "%llu durable records are not under a checkpoint yet; the next start signs them\n",
                      (unsigned long long)r->unsigned_tail);
}

static int verify(const char *dir, struct given *g)
{
    struct error e = {0};
    struct buf key_text = BUF_INIT(FILE_MAX_BYTES);
    struct buf since_text = BUF_INIT(FILE_MAX_BYTES);
    struct ledger_report report;
    const char *verifier = NULL;
    int rc = read_key(g->key, &key_text, &verifier, &e);
    if (rc == 0 && g->since != NULL)
        rc = read_file(g->since, &since_text, &e);
    if (rc == 0)
        rc = ledger_verify_witnessed(dir, verifier, g->since == NULL ? NULL : buf_text(&since_text), g->witness, g->n, &report, &e);
    if (rc == 0) {
        print_report(&report);
        explain(dir, &report);
    }
    buf_release(&key_text);
    buf_release(&since_text);
    return rc != 0 ? complain(&e) : report.holds ? 0 : 1;
}

static int put_out(struct buf *out)
{
    return fwrite(out->p, 1, out->n, stdout) == out->n && fflush(stdout) == 0 ? 0 : 3;
}

static bool number(const char *text, uint64_t *ret, struct error *e)
{
    if (span_decimal(span_str(text), INT64_MAX, ret))
        return true;
    (void)err_set(e, ERR_MISUSE, "\"%.40s\" is not a number", text);
    return false;
}

static int prove(const char *dir, const char *seq, const struct given *g)
{
    struct error e = {0};
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    uint64_t index = 0;
    if (!number(seq, &index, &e))
        return complain(&e);
    int rc = g->n == 1 ? ledger_prove_witnessed(dir, index, g->witness[0], &out, &e) : ledger_prove(dir, index, &out, &e);
    int status = rc == 0 ? put_out(&out) : complain(&e);
    buf_release(&out);
    return status;
}

/* One line for a proof or an offer that was checked. */
static void print_checked(const char *names[2], const uint64_t numbers[2], const struct ledger_cosignature *c, size_t n, const struct error *e)
{
    bool holds = e->class == ERR_NONE;
    struct buf line = BUF_INIT(16384);
    struct jsonw j = jsonw_to(&line);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "proof");
    jsonw_put_bool(&j, "holds", holds);
    for (int i = 0; holds && i < 2; i++)
        jsonw_put_uint(&j, names[i], numbers[i]);
    jsonw_put_str(&j, "why", holds ? NULL : e->text);
    jsonw_key(&j, "witnesses");
    jsonw_array(&j);
    for (size_t i = 0; holds && i < n; i++)
        put_cosignature(&j, &c[i]);
    jsonw_array_end(&j);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    buf_release(&line);
}

static void count_shown(void *context, const struct shown_record *r)
{
    uint64_t *n = context;
    (void)r;
    ++*n;
}

/* Records that are shown: each of them, and that their keys open them. */
static int check_shown(const struct buf *proof, const char *verifier, const char *names[2], uint64_t numbers[2], struct error *e)
{
    names[0] = "shown";
    return ledger_check_shown(buf_span(proof), verifier, count_shown, &numbers[0], &numbers[1], e);
}

/* A proof of a record, or with --since an offer: that its head goes on from a kept one. */
static int check(const char *path, const struct given *g)
{
    struct error e = {0};
    struct buf key_text = BUF_INIT(FILE_MAX_BYTES);
    struct buf proof = BUF_INIT(FILE_MAX_BYTES);
    struct buf since = BUF_INIT(FILE_MAX_BYTES);
    struct ledger_cosignature cosigned[WITNESSES_MAX];
    const char *verifier = NULL;
    const char *names[] = {g->since == NULL ? "index" : "old", "records"};
    uint64_t numbers[2] = {0};
    int rc = read_key(g->key, &key_text, &verifier, &e);
    if (rc == 0)
        rc = read_file(path, &proof, &e);
    if (rc == 0 && g->since != NULL)
        rc = read_file(g->since, &since, &e);
    if (rc == 0)
        rc = ledger_is_shown(buf_span(&proof)) ? check_shown(&proof, verifier, names, numbers, &e)
             : g->since == NULL                ? ledger_check(buf_span(&proof), verifier, &numbers[0], &numbers[1], &e)
                                               : ledger_check_offer(buf_span(&proof), verifier, buf_text(&since), &numbers[0], &numbers[1], &e);
    for (size_t i = 0; rc == 0 && i < g->n; i++)
        rc = ledger_check_witness(buf_span(&proof), g->witness[i], &cosigned[i], &e);
    if (rc == 0 || e.class == ERR_CORRUPT)
        print_checked(names, numbers, cosigned, g->n, &e);
    buf_release(&key_text);
    buf_release(&proof);
    buf_release(&since);
    return rc == 0 ? 0 : complain(&e);
}

/* ── Consistency and witnesses ── */

static int offer(const char *dir, const char *old_text)
{
    struct error e = {0};
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    uint64_t old = LEDGER_LAST_WITNESSED;
    if (old_text != NULL && !number(old_text, &old, &e))
        return complain(&e);
    int status = ledger_offer(dir, old, &out, &e) == 0 ? put_out(&out) : complain(&e);
    buf_release(&out);
    return status;
}

static void put_hash(struct jsonw *j, const char *name, const uint8_t hash[32])
{
    struct buf text = BUF_INIT(64);
    text_base64(&text, span_of(hash, 32));
    if (name != NULL)
        jsonw_key(j, name);
    jsonw_str(j, buf_text(&text));
    buf_release(&text);
}

static int consistency(const char *dir, const char *old_text, const char *size_text)
{
    struct error e = {0};
    struct ledger_consistency c;
    uint64_t old = 0;
    uint64_t size = 0;
    if (!number(old_text, &old, &e) || !number(size_text, &size, &e) || ledger_consistency(dir, old, size, &c, &e) != 0)
        return complain(&e);
    struct buf line = BUF_INIT(16384);
    struct jsonw j = jsonw_to(&line);
    jsonw_object(&j);
    jsonw_put_str(&j, "event", "consistency");
    jsonw_put_uint(&j, "old", old);
    jsonw_put_uint(&j, "records", size);
    put_hash(&j, "old_root", c.old_root);
    put_hash(&j, "root", c.root);
    jsonw_key(&j, "proof");
    jsonw_array(&j);
    for (size_t i = 0; i < c.n; i++)
        put_hash(&j, NULL, c.path[i]);
    jsonw_array_end(&j);
    jsonw_object_end(&j);
    (void)printf("%s\n", buf_text(&line));
    buf_release(&line);
    return 0;
}

static int attach(const char *dir, const char *path, const struct given *g)
{
    struct error e = {0};
    struct buf note = BUF_INIT(FILE_MAX_BYTES);
    int rc = read_file(path, &note, &e);
    if (rc == 0)
        rc = ledger_attach(dir, buf_span(&note), g->witness[0], &e);
    buf_release(&note);
    return rc == 0 ? 0 : complain(&e);
}

static int new_witness(const char *dir, const char *name)
{
    struct error e = {0};
    char verifier[256];
    if (witness_new(dir, name, verifier, &e) != 0)
        return complain(&e);
    (void)printf("%s\n", verifier);
    return 0;
}

static int trust(const char *dir, const char *key)
{
    struct error e = {0};
    struct buf text = BUF_INIT(FILE_MAX_BYTES);
    const char *verifier = NULL;
    int rc = read_key(key, &text, &verifier, &e);
    if (rc == 0)
        rc = witness_trust(dir, verifier, &e);
    buf_release(&text);
    return rc == 0 ? 0 : complain(&e);
}

static int sign(const char *dir, const char *path)
{
    struct error e = {0};
    struct buf text = BUF_INIT(FILE_MAX_BYTES);
    struct buf out = BUF_INIT(FILE_MAX_BYTES);
    struct timespec now;
    int rc = read_file(path, &text, &e);
    if (rc == 0 && clock_gettime(CLOCK_REALTIME, &now) != 0)
        rc = err_sys(&e, errno, "reading the clock");
    if (rc == 0)
        rc = witness_sign(dir, buf_span(&text), (tq_time)now.tv_sec * TIME_SECOND, &out, &e);
    int status = rc == 0 ? put_out(&out) : complain(&e);
    buf_release(&text);
    buf_release(&out);
    return status;
}

/* ── Arguments ── */

enum { OPTION_KEY = 1, OPTION_SINCE = 2, OPTION_OLD = 4, OPTION_WITNESS = 8, OPTION_LISTEN = 16, OPTION_CERT = 32 };

static int serve(const char *dir, const struct given *g)
{
    struct error e = {0};
    const struct witness_service s = {.folder = dir, .listen = g->listen, .certificate = g->cert, .key = g->key};
    (void)witness_serve(&s, &e);
    return complain(&e);
}

static int witness_verb(int n, char **arg)
{
    if (n == 3 && strcmp(arg[0], "new") == 0)
        return new_witness(arg[1], arg[2]);
    if (n == 3 && strcmp(arg[0], "trust") == 0)
        return trust(arg[1], arg[2]);
    if (n == 3 && strcmp(arg[0], "sign") == 0)
        return sign(arg[1], arg[2]);
    return usage_error();
}

static int dispatch(int n, char **arg, struct given *g)
{
    const struct {
        const char *verb;
        int n;
        unsigned may;
        unsigned must;
    } table[] = {{"verify", 2, OPTION_KEY | OPTION_SINCE | OPTION_WITNESS, 0},
                 {"prove", 3, OPTION_WITNESS, 0},
                 {"check", 2, OPTION_KEY | OPTION_SINCE | OPTION_WITNESS, OPTION_KEY},
                 {"offer", 2, OPTION_OLD, 0},
                 {"consistency", 4, 0, 0},
                 {"attach", 3, OPTION_WITNESS, OPTION_WITNESS},
                 {"witness", 4, 0, 0},
                 {"witness", 3, OPTION_LISTEN | OPTION_CERT | OPTION_KEY, OPTION_LISTEN}};
    unsigned has = (g->key != NULL ? OPTION_KEY : 0) | (g->since != NULL ? OPTION_SINCE : 0) | (g->old != NULL ? OPTION_OLD : 0) |
                   (g->n > 0 ? OPTION_WITNESS : 0) | (g->listen != NULL ? OPTION_LISTEN : 0) | (g->cert != NULL ? OPTION_CERT : 0);
    size_t v = 0;
    while (n > 0 && v < sizeof table / sizeof table[0] && (strcmp(arg[0], table[v].verb) != 0 || n != table[v].n))
        v++;
    if (n == 0 || v == sizeof table / sizeof table[0] || (has & ~table[v].may) != 0 || (table[v].must & ~has) != 0)
        return usage_error();
    if (g->n > 1 && (v == 1 || v == 5)) /* one witness at a time */
        return usage_error();
    switch (v) {
    case 0: return verify(arg[1], g);
    case 1: return prove(arg[1], arg[2], g);
    case 2: return check(arg[1], g);
    case 3: return offer(arg[1], g->old);
    case 4: return consistency(arg[1], arg[2], arg[3]);
    case 5: return attach(arg[1], arg[2], g);
    case 6: return witness_verb(n - 1, arg + 1);
    default: return strcmp(arg[1], "serve") == 0 ? serve(arg[2], g) : usage_error();
    }
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},    {"since", required_argument, NULL, 's'},
                                            {"old", required_argument, NULL, 'o'},    {"witness", required_argument, NULL, 'w'},
                                            {"listen", required_argument, NULL, 'l'}, {"cert", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    struct given g = {0};
    struct error e = {0};
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'k')
            g.key = optarg;
        else if (c == 's')
            g.since = optarg;
        else if (c == 'o')
            g.old = optarg;
        else if (c == 'w' && g.n < WITNESSES_MAX)
            g.witness[g.n++] = optarg;
        else if (c == 'l')
            g.listen = optarg;
        else if (c == 'c')
            g.cert = optarg;
        else if (c == 'h')
            return fputs(verb_ledger.usage, stdout) < 0 ? 3 : 0;
        else
            return usage_error();
    }
    int status = read_witnesses(&g, &e) == 0 ? dispatch(argc - optind, argv + optind, &g) : complain(&e);
    release_witnesses(&g);
    return status;
}

const struct verb verb_ledger = {
    .name = "ledger",
    .summary = "check the record that nobody can rewrite unseen, prove what is in it, and witness it",
    .usage =
        "tourniquet ledger verify DIR [--key PUBKEY] [--since CHECKPOINT] [--witness PUBKEY]…\n"
        "    Recomputes everything in the ledger DIR that can be recomputed without secrets, and prints one JSON line: holds, records, checkpoint,\n"
        "    first_bad, witnesses. PUBKEY is a copy of verifier.pub kept elsewhere (the file, or the line in it); CHECKPOINT a copy of the file "
        "checkpoint\n"
        "    kept from an earlier day; a witness must have cosigned. Without any the ledger is compared with nothing but itself.\n"
        "tourniquet ledger prove DIR SEQ [--witness PUBKEY] > PROOF\n"
        "    Writes a proof (c2sp.org/tlog-proof@v1) that record SEQ is in the ledger; under the last checkpoint that the witness cosigned.\n"
        "tourniquet ledger check PROOF --key PUBKEY [--witness PUBKEY]…\n"
        "    Checks such a proof with nothing but the proof and the public keys. PROOF may be - for standard input.\n"
        "tourniquet ledger check OFFER --key PUBKEY --since CHECKPOINT\n"
        "    Checks that the head in an offer goes on from the kept checkpoint.\n"
        "tourniquet ledger consistency DIR OLD SIZE\n"
        "    Proves that the first OLD of the first SIZE records are the same tree's, as JSON.\n"
        "tourniquet ledger offer DIR [--old SIZE] > OFFER\n"
        "    Writes the signed head with the proof that it goes on from SIZE records, for a witness (C2SP tlog-witness, the body of add-checkpoint). "
        "Without --old:\n"
        "    from the last that a witness cosigned.\n"
        "tourniquet ledger attach DIR COSIGNED --witness PUBKEY\n"
        "    Keeps what a witness cosigned beside the ledger.\n"
        "tourniquet ledger witness new FOLDER NAME | trust FOLDER PUBKEY | sign FOLDER OFFER > COSIGNED\n"
        "    Is a witness, on another machine: makes its key and prints the public half; watches a log; cosigns an offered checkpoint when it goes "
        "on from the\n"
        "    last one that it cosigned, and refuses a fork or a rollback.\n"
        "tourniquet ledger witness serve FOLDER --listen ADDRESS:PORT [--cert FILE --key FILE]\n"
        "    Is that witness over HTTP, or over HTTPS with certificate and key (PEM): POST /add-checkpoint as C2SP tlog-witness says. Runs until it "
        "is "
        "stopped.\n"
        "\n"
        "Exit status: 0 it holds, 1 it does not, 2 wrong use or nothing to check, 3 the machine failed.\n",
    .run = run,
};
