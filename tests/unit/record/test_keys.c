/* The ledger's keys: every source of the root key, slots, rotating, the recovery key. Each outcome is looked at through a
 * ledger that was opened again, and the folder is searched for what must be gone. */
#include "keys_place.h"
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
        CASE(passphrase),           CASE(credential),        CASE(passphrase_costs), CASE(rotate), CASE(recovery_key),
        CASE(foreign_recovery_key), CASE(a_copy_is_damaged), CASE(lost_keys),        CASE(many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
