/* The ledger's keys: every source of the root key, slots, erasing, rotating, the recovery key, the erasure list. Each outcome is looked at through a
 * ledger that was opened again, and the folder is searched for what must be gone. */
#include "ledger_place.h"
#include "record/ledger/inside.h"
#include "record/ledger/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND) /* 2026-11-18 */
#define MONTH (31 * INT64_C(86400) * TIME_SECOND)

static const struct passphrase_cost cheap = {.passes = 1, .kib = 64};
static const uint8_t ann[LEDGER_SCOPE] = {0xa1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const uint8_t bob[LEDGER_SCOPE] = {0xb0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static struct ledger *try_open(const struct root_source *root, struct error *e)
{
    struct ledger_options o = place_options();
    o.root = root;
    o.now = T0;
    *e = (struct error){0};
    return ledger_open(&o, NULL, e);
}

static struct ledger *must_open(const struct root_source *root)
{
    struct error e;
    struct ledger *l = try_open(root, &e);
    if (l == NULL)
        print_error("%s\n", e.text);
    assert_non_null(l);
    return l;
}

static void must_not_open(const struct root_source *root, enum err_class class, const char *says)
{
    struct error e;
    struct ledger *l = try_open(root, &e);
    assert_null(l);
    if (e.class != class || strstr(e.text, says) == NULL)
        print_error("%d %s\n", (int)e.class, e.text);
    assert_int_equal(e.class, class);
    assert_non_null(strstr(e.text, says));
}

static void put(struct ledger *l, const uint8_t *scope, tq_time time, const char *text)
{
    struct error e = {0};
    int rc = ledger_append(l, LEDGER_CUSTODY, scope, time, span_str(text), NULL, &e);
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
}

static void commit(struct ledger *l)
{
    struct error e = {0};
    assert_int_equal(ledger_commit(l, T0, &e), 0);
}

/* What a reader sees, one character a record: the text's first, - erased. */
static void seen(struct ledger *l, const char *expected)
{
    struct error e = {0};
    struct ledger_record r;
    char got[256] = "";
    size_t n = 0;
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    assert_non_null(reader);
    int rc;
    while ((rc = ledger_reader_next(reader, &r, &e)) == 1 && n < sizeof got - 1) {
        assert_true(!r.erased || (r.payload.n == 0 && r.erased_at != 0));
        got[n++] = r.erased ? '-' : r.payload.n > 0 ? (char)r.payload.p[0] : '0';
    }
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
    assert_string_equal(got, expected);
    ledger_reader_free(reader);
}

static void holds(void)
{
    struct error e = {0};
    struct ledger_report r;
    assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), 0);
    if (!r.holds)
        print_error("%s\n", r.why);
    assert_true(r.holds);
}

/* ── Sources ── */

static void passphrase(void **state)
{
    (void)state;
    const struct root_source right = {.kind = ROOT_PASSPHRASE, .secret = SPAN_LIT("correct horse"), .cost = cheap};
    const struct root_source wrong = {.kind = ROOT_PASSPHRASE, .secret = SPAN_LIT("correct house")};
    const struct root_source none = {.kind = ROOT_PASSPHRASE};
    const struct root_source file = {.kind = ROOT_FILE, .path = key_path};
    must_not_open(&none, ERR_LOCKED, "wait for their passphrase");
    struct ledger *l = must_open(&right);
    put(l, NULL, T0, "a");
    commit(l);
    struct ledger_keys k;
    ledger_keys(l, &k);
    assert_true(k.source == ROOT_PASSPHRASE && k.cost.kib == 64 && k.epoch == 1 && k.period_keys == 1 && k.made == T0);
    ledger_close(l);
    struct snapshot *before = snapshot_take(ledger_path);
    must_not_open(&none, ERR_LOCKED, "wait for their passphrase");
    must_not_open(&wrong, ERR_LOCKED, "not the passphrase");
    must_not_open(&file, ERR_MISUSE, "open by passphrase, and not by file");
    struct snapshot *after = snapshot_take(ledger_path); /* refusing changed nothing */
    assert_int_equal(before->n, after->n);
    for (size_t i = 0; i < after->n; i++)
        assert_true(span_equal(buf_span(&after->files[i].bytes), buf_span(snapshot_file(before, after->files[i].path))));
    snapshot_free(before);
    snapshot_free(after);
    enum root_kind kind;
    struct error e = {0};
    assert_int_equal(ledger_source(ledger_path, &kind, &e), 0);
    assert_int_equal(kind, ROOT_PASSPHRASE);
    l = must_open(&right);
    seen(l, "a");
    ledger_close(l);
    assert_int_equal(access(key_path, F_OK), -1);
}

static void credential(void **state)
{
    (void)state;
    const struct root_source right = {.kind = ROOT_CREDENTIAL, .secret = SPAN_LIT("0123456789abcdef0123456789abcdef")};
    const struct root_source wrong = {.kind = ROOT_CREDENTIAL, .secret = SPAN_LIT("0123456789abcdef0123456789abcdeF")};
    const struct root_source brief = {.kind = ROOT_CREDENTIAL, .secret = SPAN_LIT("0123456789abcdef")};
    must_not_open(&brief, ERR_MISUSE, "32 random bytes");
    struct ledger *l = must_open(&right);
    put(l, NULL, T0, "a");
    commit(l);
    ledger_close(l);
    must_not_open(&wrong, ERR_MISUSE, "not the one of this ledger");
    l = must_open(&right);
    seen(l, "a");
    ledger_close(l);
}

/* Different costs and salts give different keys, and what is outside the bounds is refused. */
static void passphrase_costs(void **state)
{
    (void)state;
    struct error e = {0};
    uint8_t one[32];
    uint8_t two[32];
    const uint8_t salt[PASSPHRASE_SALT] = {1};
    const uint8_t other[PASSPHRASE_SALT] = {2};
    assert_int_equal(passphrase_key(SPAN_LIT("x"), salt, cheap, one, &e), 0);
    assert_int_equal(passphrase_key(SPAN_LIT("x"), salt, cheap, two, &e), 0);
    assert_memory_equal(one, two, 32);
    assert_int_equal(passphrase_key(SPAN_LIT("x"), other, cheap, two, &e), 0);
    assert_memory_not_equal(one, two, 32);
    assert_int_equal(passphrase_key(SPAN_LIT("x"), salt, (struct passphrase_cost){.passes = 2, .kib = 64}, two, &e), 0);
    assert_memory_not_equal(one, two, 32);
    const struct passphrase_cost bad[] = {{0, 64}, {65, 64}, {1, 7}, {1, (1u << 20) + 1}, {UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(passphrase_key(SPAN_LIT("x"), salt, bad[i], one, &e), -1);
    assert_int_equal(passphrase_key((struct span){0}, salt, cheap, one, &e), -1);
}

/* ── Erasing ── */

static size_t erase_of(struct ledger *l, const uint8_t *scope, uint32_t from, uint32_t to, uint64_t record)
{
    struct error e = {0};
    struct buf ids = BUF_INIT(65536);
    size_t n = 0;
    assert_int_equal(ledger_keys_of(l, span_of(scope, 10), from, to, record, &ids, &e), 0);
    int rc = ledger_erase(l, buf_span(&ids), T0, record, &n, &e);
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
    buf_release(&ids);
    return n;
}

static void two_patients(struct ledger *l)
{
    put(l, ann, T0, "ann-in-november");
    put(l, bob, T0, "bob-in-november");
    put(l, NULL, T0, "nobody");
    put(l, ann, T0 + MONTH, "ann-in-december");
    put(l, ann, T0, "ann-again");
    commit(l);
}

struct indexes {
    size_t n;
    uint64_t at[16];
};

static void note_index(void *context, uint64_t index)
{
    struct indexes *x = context;
    x->at[x->n++] = index;
}

static void erase(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger *l = must_open(NULL);
    two_patients(l);
    seen(l, "abnaa");
    struct ledger_keys k;
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, 4); /* the second of a scope and month is the first */
    struct buf proof = BUF_INIT(65536);
    assert_int_equal(ledger_prove(ledger_path, 0, &proof, &e), 0);
    struct buf ids = BUF_INIT(1024);
    struct indexes x = {0};
    assert_int_equal(ledger_keys_of(l, span_of(ann, 10), 202611, 202611, LEDGER_NO_RECORD, &ids, &e), 0);
    assert_int_equal(ids.n, LEDGER_KEY_ID);
    assert_int_equal(ledger_records_of(l, buf_span(&ids), note_index, &x, &e), 0);
    assert_true(x.n == 2 && x.at[0] == 0 && x.at[1] == 4);
    uint8_t id[LEDGER_KEY_ID];
    bool scoped = false;
    assert_int_equal(ledger_key_of(l, 4, id, &scoped, &e), 0);
    assert_true(scoped && memcmp(id, ids.p, sizeof id) == 0);
    assert_int_equal(ledger_key_of(l, 2, id, &scoped, &e), 0);
    assert_false(scoped);
    assert_int_equal(erase_of(l, ann, 202611, 202611, 5), 1);
    seen(l, "-bna-");
    ledger_keys(l, &k);
    assert_true(k.period_keys == 3 && k.erased == 1 && k.last_erasure == T0 && k.carried_out == 6);
    put(l, ann, T0, "ann-comes-back"); /* under a new key */
    commit(l);
    seen(l, "-bna-a");
    holds();
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "-bna-a");
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 5), 1); /* made for a record before this one: not the new one */
    seen(l, "-bn--a");
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 6), 1);
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 6), 0);
    ledger_close(l);
    holds();
    l = must_open(NULL);
    seen(l, "-bn---");
    assert_int_equal(ledger_key_of(l, 0, id, &scoped, &e), -1);
    uint64_t index;
    uint64_t size;
    assert_int_equal(ledger_check(buf_span(&proof), ledger_verifier(l), &index, &size, &e), 0); /* proofs hold as before */
    buf_clear(&proof);
    assert_int_equal(ledger_prove(ledger_path, 0, &proof, &e), 0);
    assert_int_equal(ledger_check(buf_span(&proof), ledger_verifier(l), &index, &size, &e), 0);
    ledger_close(l);
    buf_release(&proof);
    buf_release(&ids);
}

/* A record about several has a key of its own: it goes with the first of them that goes, and nothing else with it. */
static void shared(void **state)
{
    (void)state;
    struct error e = {0};
    uint8_t both[2][LEDGER_SCOPE];
    uint8_t id[LEDGER_KEY_ID];
    bool scoped = false;
    size_t n = 0;
    memcpy(both[0], ann, LEDGER_SCOPE);
    memcpy(both[1], bob, LEDGER_SCOPE);
    struct ledger *l = must_open(NULL);
    two_patients(l);
    assert_int_equal(ledger_append_shared(l, LEDGER_CUSTODY, both, 2, T0, SPAN_LIT("two"), NULL, &e), 0);
    assert_int_equal(ledger_append_shared(l, LEDGER_CUSTODY, both, 2, T0, SPAN_LIT("two again"), NULL, &e), 0);
    assert_int_equal(ledger_append_shared(l, LEDGER_CUSTODY, NULL, 0, T0, SPAN_LIT("somebody"), NULL, &e), 0);
    put(l, bob, T0, "bob");
    commit(l);
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "abnaattsb");
    put(l, bob, T0, "bob"); /* a shared key is nobody's key of the month */
    commit(l);
    assert_int_equal(erase_of(l, bob, 0, LEDGER_PERIOD_LAST, 10), 3); /* his own, and the two messages' */
    seen(l, "a-naa--s--");
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 10), 2);
    seen(l, "--n----s--");
    assert_int_equal(ledger_key_of(l, 7, id, &scoped, &e), 0);
    assert_true(scoped);
    assert_int_equal(ledger_erase(l, span_of(id, sizeof id), T0, 10, &n, &e), 0);
    assert_int_equal(n, 1);
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "--n-------");
    ledger_close(l);
    holds();
}

/* A record about many has only the beginnings of their scopes in the keyring: each of them reaches it, others do not. */
static void shared_by_many(void **state)
{
    (void)state;
    struct error e = {0};
    enum { MANY = 103 };
    static uint8_t many[MANY][LEDGER_SCOPE];
    for (size_t i = 0; i < MANY; i++) {
        memset(many[i], (int)i + 1, LEDGER_SCOPE);
        many[i][4] = 0x55; /* behind what is kept of it */
    }
    struct ledger_keys k;
    struct ledger *l = must_open(NULL);
    two_patients(l);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ledger_append_shared(l, LEDGER_CUSTODY, many, i == 2 ? MANY - 1 : MANY, T0, SPAN_LIT("two"), NULL, &e), 0);
    commit(l);
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, 4 + 3 * 26);
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "abnaattt");
    uint8_t stranger[LEDGER_SCOPE];
    memset(stranger, 200, sizeof stranger);
    assert_int_equal(erase_of(l, stranger, 0, LEDGER_PERIOD_LAST, 10), 0);
    assert_int_equal(erase_of(l, many[MANY - 1], 0, LEDGER_PERIOD_LAST, 6), 1); /* the first, made before record 6 */
    seen(l, "abnaa-tt");
    assert_int_equal(erase_of(l, many[MANY - 1], 0, LEDGER_PERIOD_LAST, 10), 1);
    seen(l, "abnaa--t"); /* the third is not about that one */
    assert_int_equal(erase_of(l, many[33], 0, LEDGER_PERIOD_LAST, 10), 1);
    seen(l, "abnaa---");
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, 4);
    ledger_close(l);
    holds();
}

/* Records of a kind go by their age, the oldest first; and with whom they are about. */
static void kinds(void **state)
{
    (void)state;
    struct error e = {0};
    const tq_time day = INT64_C(86400) * TIME_SECOND;
    uint8_t of[2][LEDGER_SCOPE] = {LEDGER_KIND "evidence"};
    struct ledger_aged aged;
    struct buf ids = BUF_INIT(65536);
    size_t n = 0;
    memcpy(of[1], ann, LEDGER_SCOPE);
    struct ledger *l = must_open(NULL);
    const tq_time at[] = {T0 - 9 * day, T0 - 8 * day, T0 + 400 * day /* the clock was wrong */, T0 - 7 * day, T0 - 1 * day, T0 - 30 * day};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(ledger_append_shared(l, LEDGER_CUSTODY, of, i == 1 ? 2 : 1, at[i], SPAN_LIT("packets"), NULL, &e), 0);
    commit(l);
    put(l, bob, T0, "bob");
    commit(l);
    assert_int_equal(ledger_aged(l, of[0], T0 - 10 * day, T0, 100, &aged, &e), 0);
    assert_int_equal(aged.n, 0);
    assert_int_equal(ledger_aged(l, of[0], T0 - 5 * day, T0, 100, &aged, &e), 0);
    assert_true(aged.n == 4 && aged.last == 3 && aged.time == T0 - 7 * day); /* record 4 is young: what stands behind it waits */
    assert_int_equal(ledger_aged(l, of[0], T0 - 5 * day, T0, 1, &aged, &e), 0);
    assert_true(aged.n == 1 && aged.last == 0);
    /* no prefix names a kind: not by chance, and not on purpose */
    assert_int_equal(ledger_keys_of(l, span_of(of[0], 10), 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD, &ids, &e), 0);
    assert_int_equal(ids.n, 0);
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 7), 1);
    seen(l, "p-ppppb");
    assert_int_equal(ledger_keys_of(l, span_of(of[0], LEDGER_SCOPE), 0, LEDGER_PERIOD_LAST, 4, &ids, &e), 0);
    assert_int_equal(ids.n, 3 * LEDGER_KEY_ID);
    struct ledger_keys before;
    struct ledger_keys after;
    ledger_keys(l, &before);
    put(l, NULL, T0, "nobody"); /* stands for the record that says so */
    commit(l);
    assert_int_equal(ledger_expire(l, buf_span(&ids), T0, 7, &n, &e), 0);
    assert_int_equal(n, 3);
    ledger_keys(l, &after);
    assert_true(after.carried_out == before.carried_out); /* an erasure that waits still does */
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "----ppbn");
    assert_int_equal(ledger_aged(l, of[0], T0 - 5 * day, T0, 100, &aged, &e), 0);
    assert_int_equal(aged.n, 0);
    ledger_close(l);
    holds();
    buf_release(&ids);
}

/* Whoever makes up patients fills no keyring: the last ones share keys by the first byte of their scope, and the record goes on. */
static void keys_get_scarce(void **state)
{
    (void)state;
    struct error e = {0};
    uint8_t scope[LEDGER_SCOPE] = {0};
    struct ledger *l = must_open(NULL);
    ledger_ring(l)->most = 320;
    for (unsigned i = 0; i < 20000; i++) {
        scope[0] = (uint8_t)(i % 16 + 1);
        scope[1] = (uint8_t)(i >> 8);
        scope[2] = (uint8_t)i;
        assert_int_equal(ledger_keys_short(l), i >= 300);
        assert_int_equal(ledger_append(l, LEDGER_CUSTODY, scope, T0, SPAN_LIT("x"), NULL, &e), 0);
    }
    commit(l);
    struct ledger_keys k;
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, 300 + 16);
    uint8_t first[LEDGER_SCOPE] = {6, 0, 5}; /* has a key of its own still */
    put(l, first, T0, "x");
    commit(l);
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, 300 + 16);
    ledger_close(l);
    l = must_open(NULL);
    uint8_t last[LEDGER_SCOPE] = {19999 % 16 + 1, (19999 >> 8) & 255, 19999 & 255};
    assert_int_equal(erase_of(l, first, 0, LEDGER_PERIOD_LAST, 20001), 2); /* its own, and the one that it may share */
    assert_int_equal(erase_of(l, last, 0, LEDGER_PERIOD_LAST, 20001), 1);
    struct ledger_record r;
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    size_t erased[16] = {0};
    while (ledger_reader_next(reader, &r, &e) == 1)
        if (r.index < 20000)
            erased[r.index % 16] += r.erased;
    ledger_reader_free(reader);
    for (size_t i = 0; i < 16; i++)
        assert_true(i == 15 || i == 5 ? erased[i] > 1200 : erased[i] == 0);
    ledger_close(l);
    holds();
}

/* Only what is committed can be erased, nobody's keys never are. */
static void erase_is_refused(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf ids = BUF_INIT(1024);
    static const uint8_t nobody[LEDGER_SCOPE];
    size_t n;
    struct ledger *l = must_open(NULL);
    put(l, ann, T0, "ann");
    assert_int_equal(ledger_keys_of(l, span_of(ann, 10), 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD, &ids, &e), 0);
    assert_int_equal(ledger_erase(l, buf_span(&ids), T0, 1, &n, &e), -1);
    assert_int_equal(e.class, ERR_AGAIN);
    assert_int_equal(ledger_keys_of(l, span_of(nobody, 10), 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD, &ids, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    commit(l);
    seen(l, "a");
    ledger_close(l);
    buf_release(&ids);
}

/* The old W is nowhere: neither the wrapped one of before nor the key file of before can be found in any file. */
static void old_keys_are_overwritten(void **state)
{
    (void)state;
    struct ledger *l = must_open(NULL);
    two_patients(l);
    ledger_close(l);
    struct snapshot *before = snapshot_take(ledger_path);
    struct buf *slots = snapshot_file(before, "keyring");
    l = must_open(NULL);
    (void)erase_of(l, bob, 0, LEDGER_PERIOD_LAST, 5);
    struct snapshot *after = snapshot_take(ledger_path);
    size_t keys = 0;
    for (size_t i = 0; i < after->n; i++) {
        const struct buf *b = &after->files[i].bytes;
        keys += strncmp(after->files[i].path, "keys/", 5) == 0;
        assert_null(b->n == 0 ? NULL : memmem(b->p, b->n, slots->p + 4096 + 64 + 128, 48)); /* wrapped W */
        assert_null(b->n == 0 ? NULL : memmem(b->p, b->n, slots->p + 4096 + 24, 16));       /* generation: also in each frame of the key file */
    }
    assert_int_equal(keys, 1);
    ledger_close(l);
    snapshot_free(before);
    snapshot_free(after);
}

/* What is recorded of a patient between the decision and the erasure is not what was decided about: it stays, under a key of its own. */
static void recorded_meanwhile(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf ids = BUF_INIT(65536);
    struct ledger *l = must_open(NULL);
    two_patients(l);
    assert_int_equal(ledger_keys_of(l, span_of(ann, 10), 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD, &ids, &e), 0);
    assert_int_equal(ledger_retire(l, buf_span(&ids), &e), 0);
    put(l, ann, T0, "late, the same month");
    put(l, bob, T0, "bob again");
    put(l, ann, T0, "late once more");
    commit(l);
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 5), 2); /* those that the decision found: records before 5 */
    seen(l, "-bn--lbl");
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "-bn--lbl");
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 8), 1); /* and they can go, too */
    seen(l, "-bn---b-");
    ledger_close(l);
    holds();
    buf_release(&ids);
}

/* ── The erasure list ── */

/* A crash between the erasure and its list: the next start writes the list. */
static void list_is_mended(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf list = BUF_INIT(65536);
    char path[160];
    struct ledger *l = must_open(NULL);
    two_patients(l);
    assert_int_equal(erase_of(l, bob, 0, LEDGER_PERIOD_LAST, 5), 1);
    ledger_close(l);
    struct snapshot *before = snapshot_take(ledger_path);
    l = must_open(NULL);
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 5), 2);
    assert_int_equal(ledger_erasures(l, &list, &e), 0);
    ledger_close(l);
    (void)snprintf(path, sizeof path, "%s/" LEDGER_ERASURES, ledger_path);
    for (int i = 0; i < 2; i++) { /* the one before; none */
        assert_int_equal(unlink(path), 0);
        if (i == 0)
            put_file(LEDGER_ERASURES, buf_span(snapshot_file(before, LEDGER_ERASURES)));
        l = must_open(NULL);
        ledger_close(l);
        struct snapshot *after = snapshot_take(ledger_path);
        assert_true(span_equal(buf_span(snapshot_file(after, LEDGER_ERASURES)), buf_span(&list)));
        snapshot_free(after);
    }
    snapshot_free(before);
    buf_release(&list);
}

static void erasure_list(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf list = BUF_INIT(65536);
    struct buf other = BUF_INIT(65536);
    size_t n = 9;
    struct ledger *l = must_open(NULL);
    two_patients(l);
    assert_int_equal(ledger_erasures(l, &other, &e), 0);
    ledger_close(l);
    struct snapshot *backup = snapshot_take(ledger_path);
    l = must_open(NULL);
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, 5), 2);
    assert_int_equal(ledger_erasures(l, &list, &e), 0);
    ledger_close(l);
    struct snapshot *after = snapshot_take(ledger_path);
    assert_true(span_equal(buf_span(snapshot_file(after, LEDGER_ERASURES)), buf_span(&list)));
    snapshot_free(after);
    snapshot_restore(backup); /* the keys are back … */
    l = must_open(NULL);
    seen(l, "abnaa");
    for (size_t at = 0; at < list.n; at++) { /* a list that was touched erases nothing */
        list.p[at] ^= 4;
        assert_int_equal(ledger_replay_erasures(l, buf_span(&list), T0, &n, &e), -1);
        assert_true(e.class == ERR_CORRUPT || e.class == ERR_LIMIT);
        list.p[at] ^= 4;
        assert_int_equal(ledger_replay_erasures(l, span_of(list.p, at), T0, &n, &e), -1);
    }
    assert_int_equal(ledger_replay_erasures(l, buf_span(&other), T0, &n, &e), 0);
    assert_int_equal(n, 0);
    assert_int_equal(ledger_replay_erasures(l, buf_span(&list), T0, &n, &e), 0); /* … and go again */
    assert_int_equal(n, 2);
    seen(l, "-bn--");
    assert_int_equal(ledger_replay_erasures(l, buf_span(&list), T0, &n, &e), 0);
    assert_int_equal(n, 0);
    ledger_close(l);
    l = must_open(NULL);
    seen(l, "-bn--");
    ledger_close(l);
    folder_remove(ledger_path);
    l = must_open(NULL); /* another ledger: not its list */
    assert_int_equal(ledger_replay_erasures(l, buf_span(&list), T0, &n, &e), -1);
    ledger_close(l);
    snapshot_free(backup);
    buf_release(&list);
    buf_release(&other);
}

/* ── Rotating ── */

static void rotate(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_keys k;
    uint8_t old[ROOT_KEY];
    uint8_t new[ROOT_KEY];
    const struct root_source file = {.kind = ROOT_FILE, .path = key_path};
    const struct root_source words = {.kind = ROOT_PASSPHRASE, .secret = SPAN_LIT("one"), .cost = cheap};
    const struct root_source others = {.kind = ROOT_PASSPHRASE, .secret = SPAN_LIT("two"), .cost = cheap};
    struct ledger *l = must_open(&file);
    two_patients(l);
    assert_int_equal(root_key_load(key_path, old, &e), 0);
    assert_int_equal(ledger_rotate(l, NULL, T0 + 1, &e), 0);
    put(l, ann, T0, "ann-later");
    commit(l);
    ledger_keys(l, &k);
    assert_true(k.epoch == 2 && k.rotated == T0 + 1 && k.period_keys == 5 && k.source == ROOT_FILE);
    assert_int_equal(ledger_rotate(l, &file, T0 + 2, &e), 0);
    assert_int_equal(root_key_load(key_path, new, &e), 0);
    assert_memory_not_equal(old, new, ROOT_KEY);
    ledger_close(l);
    l = must_open(&file);
    seen(l, "abnaaa");
    assert_int_equal(ledger_rotate(l, &words, T0 + 3, &e), 0);
    ledger_close(l);
    must_not_open(&file, ERR_MISUSE, "open by passphrase");
    l = must_open(&words);
    seen(l, "abnaaa");
    assert_int_equal(ledger_rotate(l, &others, T0 + 4, &e), 0);
    ledger_close(l);
    must_not_open(&words, ERR_LOCKED, "not the passphrase");
    l = must_open(&others);
    assert_int_equal(erase_of(l, ann, 0, LEDGER_PERIOD_LAST, LEDGER_NO_RECORD - 1), 3); /* of every epoch */
    seen(l, "-bn---");
    assert_int_equal(ledger_rotate(l, &file, T0 + 5, &e), 0);
    ledger_close(l);
    l = must_open(&file);
    ledger_keys(l, &k);
    assert_true(k.epoch == 6 && k.source == ROOT_FILE);
    seen(l, "-bn---");
    ledger_close(l);
    holds();
}

/* ── The recovery key ── */

static void recovery_key(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_keys k;
    char text[RECOVERY_TEXT];
    char typed[2 * RECOVERY_TEXT];
    char older[RECOVERY_TEXT];
    const struct root_source words = {.kind = ROOT_PASSPHRASE, .secret = SPAN_LIT("new"), .cost = cheap};
    struct ledger *l = must_open(NULL);
    two_patients(l);
    assert_int_equal(ledger_recovery_test(l, SPAN_LIT("nonsense"), T0, &e), -1);
    assert_int_equal(ledger_recovery_new(l, T0, older, &e), 0);
    assert_int_equal(ledger_recovery_new(l, T0, text, &e), 0);
    assert_int_equal(ledger_recovery_test(l, span_str(older), T0, &e), -1);
    assert_non_null(strstr(e.text, "replaced by a newer one"));
    ledger_keys(l, &k);
    assert_true(k.recovery_made == T0 && k.recovery_tested == 0);
    size_t n = 0;
    for (const char *p = text; *p != 0; p++) { /* as somebody types it: small letters, o for 0, spaces */
        typed[n++] = *p == '0' ? 'o' : *p == '-' ? ' ' : *p == '1' ? 'l' : (char)(*p | (*p >= 'A' ? 0x20 : 0));
        if (*p == '-')
            typed[n++] = ' ';
    }
    assert_int_equal(ledger_recovery_test(l, span_of(typed, n), T0 + 5, &e), 0);
    ledger_keys(l, &k);
    assert_true(k.recovery_tested == T0 + 5);
    (void)erase_of(l, bob, 0, LEDGER_PERIOD_LAST, 5); /* the new W is for the same recovery key */
    assert_int_equal(ledger_rotate(l, NULL, T0, &e), 0);
    ledger_close(l);
    assert_int_equal(unlink(key_path), 0);
    must_not_open(NULL, ERR_MISUSE, "is missing");
    for (size_t at = 0; text[at] != 0; at++) { /* every character counts */
        char was = text[at];
        if (was == '-')
            continue;
        text[at] = was == '7' ? '8' : '7';
        assert_int_equal(ledger_recover_keys(ledger_path, span_str(text), &words, T0, &e), -1);
        assert_int_equal(e.class, ERR_MISUSE);
        text[at] = was;
    }
    int rc = ledger_recover_keys(ledger_path, span_str(text), &words, T0, &e);
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
    l = must_open(&words);
    seen(l, "a-naa");
    assert_int_equal(ledger_recover_keys(ledger_path, span_str(text), &words, T0, &e), -1);
    assert_int_equal(e.class, ERR_AGAIN); /* it is open */
    ledger_close(l);
}

/* Who can write the disk, but has no key, puts a recovery key of his own into the slots and waits for the next rotation: it is refused. */
static void foreign_recovery_key(void **state)
{
    (void)state;
    char text[RECOVERY_TEXT];
    struct error e = {0};
    struct ledger *l = must_open(NULL);
    assert_int_equal(ledger_recovery_new(l, T0, text, &e), 0);
    ledger_close(l);
    struct snapshot *s = snapshot_take(ledger_path);
    struct buf *b = snapshot_file(s, "keyring");
    for (size_t copy = 4096; copy <= 8192; copy += 4096) {
        b->p[copy + 64 + 256 + 80] ^= 1; /* the public key */
        crypto_sha256(span_of(b->p + copy, 4064), b->p + copy + 4064);
    }
    put_file("keyring", buf_span(b));
    must_not_open(NULL, ERR_CORRUPT, "changed by somebody without the keys");
    snapshot_free(s);
}

/* ── Damage ── */

/* One of the two copies damaged: the other one opens, and mends it. */
static void a_copy_is_damaged(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r;
    struct ledger *l = must_open(NULL);
    two_patients(l);
    ledger_close(l);
    struct snapshot *s = snapshot_take(ledger_path);
    struct buf *b = snapshot_file(s, "keyring");
    for (size_t at = 4096; at < 12288; at += 13) {
        b->p[at] ^= 1;
        put_file("keyring", buf_span(b));
        assert_true(ledger_verify(ledger_path, NULL, NULL, &r, &e) == 0 && !r.holds);
        assert_non_null(strstr(r.why, "two copies"));
        if (at % 26 == 0) {
            l = must_open(NULL);
            seen(l, "abnaa");
            ledger_close(l);
            holds();
        }
        b->p[at] ^= 1;
    }
    b->p[5000] ^= 1;
    b->p[9000] ^= 1;
    put_file("keyring", buf_span(b));
    must_not_open(NULL, ERR_CORRUPT, "neither copy");
    snapshot_free(s);
}

/* A lost key is an error that says what cannot be read, never an erased record. */
static void lost_keys(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger *l = must_open(NULL);
    two_patients(l);
    ledger_close(l);
    l = must_open(NULL);
    put(l, bob, T0 + 2 * MONTH, "bob-in-january");
    commit(l);
    struct snapshot *s = snapshot_take(ledger_path); /* as if power went: not settled */
    ledger_close(l);
    for (size_t i = 0; i < s->n; i++) {
        struct buf *b = &s->files[i].bytes;
        if (strncmp(s->files[i].path, "keys/", 5) != 0)
            continue;
        size_t last = b->n - 4096;
        while (b->p[last] == 0) /* room for frames to come */
            last -= 4096;
        for (size_t at = last; at < last + 4096; at += 37) {
            b->p[at] ^= 1;
            snapshot_restore(s);
            must_not_open(NULL, ERR_CORRUPT, "the key of record 5 is lost");
            b->p[at] ^= 1;
        }
        for (size_t at = 4096; at < last; at += 111) { /* what the slots count */
            b->p[at] ^= 1;
            snapshot_restore(s);
            must_not_open(NULL, ERR_CORRUPT, "of the key file");
            b->p[at] ^= 1;
        }
        snapshot_restore(s);
        l = must_open(NULL);
        seen(l, "abnaab");
        ledger_close(l);
    }
    snapshot_free(s);
    (void)e;
}

/* ── Many ── */

/* Thousands of patients: keys are found by hash, on both sides of a start, and appended frames are taken together in the end. */
static void many(void **state)
{
    (void)state;
    enum { PATIENTS = 20000, COMMITS = 1200 };
    struct error e = {0};
    struct ledger *l = must_open(NULL);
    struct ledger_keys k;
    uint8_t scope[LEDGER_SCOPE];
    for (unsigned i = 0; i < PATIENTS; i++) {
        uint8_t hash[32];
        crypto_sha256(span_of(&i, sizeof i), hash);
        memcpy(scope, hash, sizeof scope);
        put(l, scope, T0, "p");
        if (i % 10000 == 9999 || (i < COMMITS && i % 2 == 0))
            commit(l);
    }
    commit(l);
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, PATIENTS);
    ledger_close(l);
    l = must_open(NULL);
    ledger_keys(l, &k);
    assert_int_equal(k.period_keys, PATIENTS);
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    struct ledger_record r;
    size_t n = 0;
    while (ledger_reader_next(reader, &r, &e) == 1)
        n++;
    assert_int_equal(n, PATIENTS);
    ledger_reader_free(reader);
    ledger_close(l);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        CASE(passphrase),
        CASE(credential),
        CASE(passphrase_costs),
        CASE(erase),
        CASE(erase_is_refused),
        CASE(shared),
        CASE(shared_by_many),
        CASE(kinds),
        CASE(keys_get_scarce),
        CASE(recorded_meanwhile),
        CASE(list_is_mended),
        CASE(erasure_list),
        CASE(rotate),
        CASE(recovery_key),
        CASE(foreign_recovery_key),
        CASE(a_copy_is_damaged),
        CASE(lost_keys),
        CASE(many),
        CASE(old_keys_are_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
