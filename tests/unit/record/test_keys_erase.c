/* Erasing: who is asked to be forgotten is opened by no key any more, whatever their records share with others; and the list by which backups follow.
 */
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

/* ── Erasing ── */

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

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        CASE(erase),           CASE(erase_is_refused),   CASE(shared),         CASE(shared_by_many), CASE(kinds),
        CASE(keys_get_scarce), CASE(recorded_meanwhile), CASE(list_is_mended), CASE(erasure_list),   CASE(old_keys_are_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
