/* Witnesses: what they cosigned, as a ledger keeps it, and the witness itself.
 *
 * Invariants of the witness
 *  1. Of each log it keeps the last checkpoint that it cosigned, and cosigns only what goes on from that: so it never signs two heads of one log that
 * contradict each other, and never a smaller one after a greater.
 *  2. The checkpoint is durable before the signature leaves (file_replace, then the answer): a crash may lose an answer, which is asked for again,
 * but not the memory of one that was given.
 *  3. One at a time (a lock on the folder): comparing and storing are one step.
 *  4. What is kept carries its own cosignature and the log's signature, and is checked when it is read: damage stops the signing. An older copy of
 * the folder cannot be told from a current one; keep it where nobody restores it. */
#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES (VERIFIER_TEXT + NOTE_MAX)

/* ── What a ledger keeps ── */

void kept_path(char out[KEPT_PATH], const struct note_key *witness)
{
    char line[VERIFIER_TEXT];
    uint8_t hash[SHA256_SIZE];
    char hex[17];
    note_key_format(witness, line);
    crypto_sha256(span_str(line), hash);
    text_hex_to(hex, hash, 8);
    (void)snprintf(out, KEPT_PATH, "witness/%s", hex);
}

int kept_load(int dir, const char *path, const struct note_key *log, struct kept *ret, struct error *e)
{
    struct error why = {0};
    struct kept k = {.file = BUF_INIT(FILE_BYTES)};
    struct span text;
    char right[KEPT_PATH];
    bool lf = false;
    if (file_load(dir, path, FILE_BYTES, &k.file, e) != 0) {
        buf_release(&k.file);
        return -1;
    }
    k.note = buf_span(&k.file);
    struct span line = span_until(&k.note, '\n', &lf);
    bool good = lf && note_witness_parse(&k.key, line, &why) == 0 && checkpoint_open(k.note, log, &k.head, &why) == 0 &&
                note_cosigned(k.note, &k.key, &text, &k.seconds, &why) == 0;
    if (good) {
        kept_path(right, &k.key);
        good = strcmp(right, path) == 0;
    }
    if (good) {
        *ret = k;
        return 0;
    }
    buf_release(&k.file);
    return err_set(e, ERR_CORRUPT, "%s, a checkpoint that a witness cosigned, does not hold: %.150s", path,
                   why.class == ERR_NONE ? "it is another one's, or no such file" : why.text);
}

void kept_release(struct kept *k, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_release(&k[i].file);
}

static int is_kept(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && (n < 4 || strcmp(entry->d_name + n - 4, ".tmp") != 0);
}

int kept_load_all(int dir, const struct note_key *log, struct kept ret[WITNESSES_MAX], size_t *ret_n, struct error *e)
{
    struct dirent **names = NULL;
    char path[sizeof "witness/" + 256];
    *ret_n = 0;
    int n = scandirat(dir, "witness", &names, is_kept, alphasort);
    if (n < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening the folder witness");
    int rc = n > WITNESSES_MAX ? err_set(e, ERR_CORRUPT, "the folder witness has more than %d files", WITNESSES_MAX) : 0;
    for (int i = 0; i < n; i++) {
        (void)snprintf(path, sizeof path, "witness/%s", names[i]->d_name);
        if (rc == 0 && kept_load(dir, path, log, &ret[*ret_n], e) == 0)
            (*ret_n)++;
        else
            rc = -1;
        free(names[i]);
    }
    free(names);
    if (rc != 0) {
        kept_release(ret, *ret_n);
        *ret_n = 0;
    }
    return rc;
}

/* ── The witness ── */

struct witness {
    int dir;
    int lock;
    struct crypto_signer *signer;
    struct note_key key;
};

static int key_path(char out[4096], const char *dir, struct error *e)
{
    int n = snprintf(out, 4096, "%s/witness.key", dir);
    return n > 0 && n < 4096 ? 0 : err_set(e, ERR_MISUSE, "the path %.100s… is too long", dir);
}

static int load_key(struct witness *w, const char *dir, struct error *e)
{
    char path[4096];
    struct buf line = BUF_INIT(VERIFIER_TEXT);
    uint8_t seed[ROOT_KEY];
    uint8_t public_key[ED25519_PUBLIC];
    struct error why = {0};
    if (key_path(path, dir, e) != 0 || file_load(w->dir, "witness.pub", VERIFIER_TEXT, &line, &why) != 0 ||
        note_witness_parse(&w->key, buf_span(&line), &why) != 0 || root_key_load(path, seed, &why) != 0) {
        buf_release(&line);
        return why.class == ERR_NONE
                   ? -1
                   : err_set(e, why.class == ERR_CLOSED ? ERR_MISUSE : why.class, "%s is not a witness's folder: %.200s", dir, why.text);
    }
    buf_release(&line);
    w->signer = crypto_signer_new(seed);
    crypto_wipe(seed, sizeof seed);
    if (w->signer == NULL)
        return err_sys(e, ENOMEM, "opening the witness's key");
    crypto_signer_public(w->signer, public_key);
    if (memcmp(public_key, w->key.public_key, sizeof public_key) != 0)
        return err_set(e, ERR_CORRUPT, "witness.pub is not the public half of witness.key: one of them was exchanged");
    return 0;
}

static void witness_close(struct witness *w)
{
    crypto_signer_free(w->signer);
    if (w->lock >= 0)
        (void)close(w->lock);
    if (w->dir >= 0)
        (void)close(w->dir);
}

static int witness_open(struct witness *w, const char *dir, struct error *e)
{
    *w = (struct witness){.dir = -1, .lock = -1};
    w->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (w->dir < 0)
        return errno == ENOENT ? err_set(e, ERR_MISUSE, "there is no witness in %s", dir) : err_sys(e, errno, "opening the folder %s", dir);
    if (load_key(w, dir, e) == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        w->lock = file_open_write(w->dir, "lock", e);
        if (w->lock >= 0 && fcntl(w->lock, F_OFD_SETLKW, &lock) == 0)
            return 0;
        if (w->lock >= 0)
            (void)err_sys(e, errno, "locking the witness");
    }
    witness_close(w);
    return -1;
}

int witness_new(const char *dir, const char *name, char ret_verifier[256], struct error *e)
{
    char path[4096];
    char line[VERIFIER_TEXT + 1];
    uint8_t seed[ROOT_KEY];
    uint8_t public_key[ED25519_PUBLIC] = {0};
    struct note_key key;
    if (key_path(path, dir, e) != 0 || note_witness_make(&key, span_str(name), public_key, e) != 0 || crypto_start(e) != 0 ||
        file_make_folder(dir, e) != 0 || root_key_make(path, e) != 0 || root_key_load(path, seed, e) != 0)
        return -1;
    struct crypto_signer *signer = crypto_signer_new(seed);
    crypto_wipe(seed, sizeof seed);
    if (signer == NULL)
        return err_sys(e, ENOMEM, "making a witness");
    crypto_signer_public(signer, public_key);
    crypto_signer_free(signer);
    if (note_witness_make(&key, span_str(name), public_key, e) != 0)
        return -1;
    note_key_format(&key, ret_verifier);
    (void)snprintf(line, sizeof line, "%s\n", ret_verifier);
    (void)snprintf(path, sizeof path, "%s/witness.pub", dir);
    return file_replace(AT_FDCWD, path, span_str(line), true, e);
}

#define LOG_PATH 128

/* A log's folder is named by the hash of its origin, as tlog-witness names it. */
static void log_path(char out[LOG_PATH], struct span origin, const char *file)
{
    uint8_t hash[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1];
    crypto_sha256(origin, hash);
    text_hex_to(hex, hash, sizeof hash);
    (void)snprintf(out, LOG_PATH, "logs/%s/%s", hex, file);
}

static int load_log(struct witness *w, struct span origin, struct note_key *ret, struct error *e)
{
    char path[LOG_PATH];
    struct buf line = BUF_INIT(VERIFIER_TEXT);
    log_path(path, origin, "verifier.pub");
    int rc = file_load(w->dir, path, VERIFIER_TEXT, &line, e);
    if (rc == 0)
        rc = note_key_parse(ret, buf_span(&line), e);
    buf_release(&line);
    return rc;
}

int witness_trust(const char *dir, const char *log, struct error *e)
{
    struct witness w;
    struct note_key key;
    struct note_key before;
    struct error why = {0};
    char path[LOG_PATH];
    char line[VERIFIER_TEXT + 1];
    if (note_key_parse(&key, span_str(log), e) != 0 || witness_open(&w, dir, e) != 0)
        return -1;
    int rc = 0;
    log_path(path, span_str(key.name), "verifier.pub");
    if (load_log(&w, span_str(key.name), &before, &why) == 0) {
        if (memcmp(before.public_key, key.public_key, sizeof key.public_key) != 0)
            rc = err_set(e, ERR_MISUSE, "this witness knows %s by another key: a log that changes its key is another log", key.name);
    } else if (why.class != ERR_CLOSED) {
        rc = -1;
        *e = why;
    } else {
        note_key_format(&key, line);
        (void)snprintf(line + strlen(line), sizeof line - strlen(line), "\n");
        rc = file_replace(w.dir, path, span_str(line), true, e);
        if (rc == 0) /* its folders may be new */
            rc = file_sync_path(w.dir, "logs", e) == 0 ? file_sync_path(w.dir, ".", e) : -1;
    }
    witness_close(&w);
    return rc;
}

/* The last checkpoint of this log that was cosigned; size 0 where there is none. */
static int load_last(struct witness *w, const struct note_key *log, struct buf *note, struct checkpoint *ret, struct error *e)
{
    char path[LOG_PATH];
    struct error why = {0};
    struct span text;
    struct tree empty = {0};
    uint64_t seconds;
    log_path(path, span_str(log->name), "checkpoint");
    *ret = (struct checkpoint){0};
    tree_root(&empty, &ret->root);
    if (file_load(w->dir, path, NOTE_MAX, note, &why) != 0) {
        if (why.class == ERR_CLOSED)
            return 0;
        *e = why;
        return -1;
    }
    if (checkpoint_open(buf_span(note), log, ret, &why) != 0 || note_cosigned(buf_span(note), &w->key, &text, &seconds, &why) != 0)
        return err_set(e, ERR_CORRUPT, "%s, what this witness cosigned last, does not hold: %.150s", path, why.text);
    return 0;
}

/* Whether the new head may be cosigned. */
static int judge(const struct note_key *log, const struct offer *o, const struct checkpoint *last, const struct checkpoint *new, struct error *e)
{
    unsigned long long was = last->size;
    unsigned long long is = new->size;
    struct tree empty = {0};
    struct tree_hash none;
    tree_root(&empty, &none);
    if (o->old > new->size)
        return err_set(e, ERR_MISUSE, "the proof begins at %llu records and the checkpoint has %llu", (unsigned long long)o->old, is);
    if (new->size < last->size)
        return err_set(e, ERR_CORRUPT, "rollback refused: %s had %llu records when this witness last cosigned it, and shows %llu now", log->name, was,
                       is);
    if (new->size == last->size && !tree_hash_equal(&new->root, &last->root))
        return err_set(e, ERR_CORRUPT, "fork refused: %s signed two different trees of %llu records", log->name, is);
    if (new->size == 0 && !tree_hash_equal(&new->root, &none))
        return err_set(e, ERR_CORRUPT, "fork refused: the root of an empty %s is not that of an empty tree", log->name);
    if (o->old != last->size)
        return err_set(e, ERR_MISUSE, "the proof begins at %llu records, this witness last cosigned %llu: make the offer with --old %llu",
                       (unsigned long long)o->old, was, was);
    if (!tree_check_consistency(last->size, new->size, &last->root, &new->root, o->path, o->n))
        return err_set(e, ERR_CORRUPT,
                       "fork refused: the %llu records of %s do not go on from the %llu that this witness cosigned, or the proof is wrong", is,
                       log->name, was);
    return 0;
}

/* Which of tlog-witness's answers a refused checkpoint gets: it asks for 400, then 409, then 422. */
static enum witness_verdict refusal(const struct offer *o, const struct checkpoint *last, const struct checkpoint *new)
{
    if (o->old > new->size)
        return WITNESS_MALFORMED;
    return o->old != last->size ? WITNESS_OTHER_SIZE : WITNESS_CONTRADICTS;
}

/* Is it signed by the log that it names, and is it a checkpoint? */
static int open_offered(struct witness *w, struct span note, struct note_key *ret_log, struct checkpoint *ret, struct witness_answer *a,
                        struct error *e)
{
    struct error why = {0};
    struct span text;
    struct span at = note;
    bool lf = false;
    struct span origin = span_until(&at, '\n', &lf);
    if (!lf || load_log(w, origin, ret_log, &why) != 0) {
        bool unknown = !lf || why.class == ERR_CLOSED;
        a->verdict = !lf ? WITNESS_MALFORMED : unknown ? WITNESS_UNKNOWN_LOG : WITNESS_FAILED;
        return err_set(e, unknown ? ERR_MISUSE : why.class,
                       "this witness does not watch the log of the checkpoint: `ledger witness trust` tells it the log's key");
    }
    a->verdict = WITNESS_NOT_SIGNED;
    if (note_open(note, ret_log, &text, e) != 0)
        return -1;
    a->verdict = WITNESS_MALFORMED;
    return checkpoint_open(note, ret_log, ret, e);
}

static int sign(struct witness *w, const struct offer *o, tq_time now, struct buf *out, struct witness_answer *a, struct error *e)
{
    struct buf last_note = BUF_INIT(NOTE_MAX);
    struct note_key log;
    struct span text;
    struct checkpoint last;
    struct checkpoint new;
    char path[LOG_PATH];
    if (open_offered(w, o->checkpoint, &log, &new, a, e) != 0)
        return -1;
    a->verdict = WITNESS_FAILED;
    int rc = load_last(w, &log, &last_note, &last, e);
    buf_release(&last_note);
    if (rc != 0)
        return -1;
    a->size = last.size;
    if (judge(&log, o, &last, &new, e) != 0) {
        a->verdict = refusal(o, &last, &new);
        return -1;
    }
    if (now < TIME_SECOND)
        return err_set(e, ERR_SYSTEM, "the clock stands before 1970: a cosignature needs the time");
    size_t begin = out->n;
    if (note_open(o->checkpoint, &log, &text, e) != 0)
        return -1;
    buf_add_span(out, text);
    buf_u8(out, '\n');
    buf_add_span(out, note_line(o->checkpoint, &log));
    note_cosign(out, text, &w->key, w->signer, (uint64_t)(now / TIME_SECOND));
    log_path(path, span_str(log.name), "checkpoint");
    if (!buf_ok(out))
        return err_sys(e, ENOMEM, "cosigning");
    if (file_replace(w->dir, path, span_of(out->p + begin, out->n - begin), true, e) != 0)
        return -1;
    *a = (struct witness_answer){.verdict = WITNESS_COSIGNED, .size = new.size};
    return 0;
}

/* Cosigns: out gets the note, lines the witness's own line; both may be NULL. */
static int add_checkpoint(const char *dir, struct span text, tq_time now, struct buf *out, struct buf *lines, struct witness_answer *a,
                          struct error *e)
{
    struct witness w;
    struct offer o;
    struct buf note = BUF_INIT(2 * NOTE_MAX);
    *a = (struct witness_answer){.verdict = WITNESS_MALFORMED};
    if (offer_parse(text, &o, e) != 0)
        return -1;
    a->verdict = WITNESS_FAILED;
    if (witness_open(&w, dir, e) != 0)
        return -1;
    int rc = sign(&w, &o, now, &note, a, e);
    if (rc == 0 && out != NULL) /* nothing leaves that is not kept */
        buf_add_span(out, buf_span(&note));
    if (rc == 0 && lines != NULL)
        buf_add_span(lines, note_line(buf_span(&note), &w.key));
    buf_release(&note);
    witness_close(&w);
    return rc;
}

int witness_sign(const char *dir, struct span text, tq_time now, struct buf *out, struct error *e)
{
    struct witness_answer answer;
    return add_checkpoint(dir, text, now, out, NULL, &answer, e);
}

int witness_add(const char *dir, struct span text, tq_time now, struct buf *lines, struct witness_answer *ret, struct error *e)
{
    return add_checkpoint(dir, text, now, NULL, lines, ret, e);
}

int witness_look(const char *dir, char ret_verifier[256], struct error *e)
{
    struct witness w;
    if (witness_open(&w, dir, e) != 0)
        return -1;
    note_key_format(&w.key, ret_verifier);
    witness_close(&w);
    return 0;
}

int witness_show(const char *dir, const uint8_t log[32], struct buf *out, struct error *e)
{
    char hex[65];
    char path[LOG_PATH];
    text_hex_to(hex, log, 32);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(e, errno, "opening the folder %s", dir);
    (void)snprintf(path, sizeof path, "logs/%s/checkpoint", hex);
    int rc = file_load(fd, path, NOTE_MAX, out, e);
    (void)close(fd);
    return rc;
}
