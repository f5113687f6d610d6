/* What is read in from a spool, and what is not: the key that a spool is sealed to is public, so its records may be anybody's. */
#include "../cmocka_all.h"

#include "proc/locked.h"
#include "proc/readin.h"
#include "record/crypto/crypto.h"
#include "record/ledger/ledger.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64];
static pthread_mutex_t ledger_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ledger *ledger;
static struct veil *veil;
static int spool = -1;
static const uint8_t run_id[RUN_ID] = {42};
static const uint8_t secret[X25519_KEY] = {7};
static struct record record;

static void nothing(void *context)
{
    (void)context;
}

static int set_up(void **state)
{
    (void)state;
    struct error e = {0};
    static const uint8_t key[VEIL_KEY] = {7};
    char dir[96];
    char key_file[96];
    char path[96];
    (void)snprintf(folder, sizeof folder, "/tmp/tourniquet-readin-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    (void)snprintf(key_file, sizeof key_file, "%s/root.key", folder);
    (void)snprintf(path, sizeof path, "%s/spool", folder);
    struct ledger_options options = {.dir = dir, .key_file = key_file, .origin = "tourniquet.local/test", .create = true};
    ledger = ledger_open(&options, NULL, &e);
    veil = veil_new(key, false, &e);
    spool = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return ledger == NULL || veil == NULL || spool < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    ledger_close(ledger);
    veil_free(veil);
    (void)close(spool);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(struct spool_writer *w, enum spooled what, enum event event, uint64_t seq, uint32_t ordinal)
{
    struct error e = {0};
    struct buf b = BUF_INIT(RECORD_ENCODED);
    buf_u8(&b, (uint8_t)what);
    record_start(&record, event, 1000, NULL);
    record_str(&record, KEY_ACCOUNT, "mallory");
    record_str(&record, KEY_PASSWORD_HASH, "$argon2id$");
    record_str(&record, KEY_ACCOUNT_ROLE, "administrator");
    record_encode(&b, &record);
    assert_int_equal(spool_write(w, (struct spool_place){.seq = seq, .ordinal = ordinal}, buf_span(&b), &e), 0);
    buf_release(&b);
}

static struct spool_writer *begin(void)
{
    struct error e = {0};
    uint8_t to[X25519_KEY];
    struct spool_part part = {.begun = 1};
    memcpy(part.run, run_id, RUN_ID);
    crypto_x25519_public(secret, to);
    struct spool_writer *w = spool_writer_new(spool, &part, to, 1u << 20, &e);
    assert_non_null(w);
    return w;
}

static struct readin_counts read_all(void)
{
    struct error e = {0};
    struct readin_counts counts;
    struct appender_options o = {.ledger = ledger, .ledger_lock = &ledger_lock, .veil = veil, .committed = nothing};
    memcpy(o.run, run_id, RUN_ID);
    struct readin *r = readin_new(spool, secret, run_id, ledger, &e);
    assert_non_null(r);
    struct appender *a = appender_start(&o, &e);
    assert_non_null(a);
    int rc;
    while ((rc = readin_step(r, UINT64_MAX, a, &e)) == 1)
        ;
    assert_int_equal(rc, 0);
    assert_int_equal(readin_finish(r, a, &e), 0);
    readin_counts(r, &counts);
    readin_free(r);
    assert_int_equal(appender_stop(a, &e), 0);
    return counts;
}

/* The events on the ledger. */
static void events(struct buf *out)
{
    static struct payload p;
    struct error e = {0};
    struct ledger_reader *r = ledger_reader_new(ledger, 0, &e);
    struct ledger_record leaf;
    while (ledger_reader_next(r, &leaf, &e) == 1) {
        assert_int_equal(payload_decode(leaf.payload, &p, &e), 0);
        const char *at = memmem(p.records[0].veiled.p, p.records[0].veiled.n, "\"event\":\"", 9);
        assert_non_null(at);
        buf_addf(out, "%.*s ", (int)strcspn(at + 9, "\""), at + 9);
    }
    ledger_reader_free(r);
}

static void test_only_what_a_keeper_spools(void **state)
{
    (void)state;
    struct error e = {0};
    struct buf got = BUF_INIT(4096);
    struct spool_writer *w = begin();
    put(w, SPOOLED_OWN, EVENT_RUN_STARTED, 0, 1);
    put(w, SPOOLED_RECORD, EVENT_LAB_MESSAGE, 1, 0);
    put(w, SPOOLED_OWN, EVENT_ACCOUNT_CREATED, 0, 1);
    put(w, SPOOLED_RECORD, EVENT_ACCOUNT_CREATED, 2, 0);
    put(w, SPOOLED_EVIDENCE, EVENT_ACCOUNT_CREATED, 2, 1);
    put(w, SPOOLED_OWN, EVENT_KEYS_ERASED, 0, 1);
    put(w, SPOOLED_OWN, EVENT_FINDING_DISMISSED, 0, 1);
    put(w, SPOOLED_RECORD, EVENT_RETENTION_REMOVED, 3, 0);
    put(w, SPOOLED_RECORD, EVENT_LAB_MESSAGE, 0, 0);
    put(w, (enum spooled)77, EVENT_LAB_MESSAGE, 3, 0);
    put(w, SPOOLED_RECORD, EVENT_FINDING, 4, 1);
    put(w, SPOOLED_EVIDENCE, EVENT_EVIDENCE_PACKETS, 4, 1);
    assert_int_equal(spool_end(w, &e), 0);
    spool_writer_free(w);
    struct readin_counts c = read_all();
    assert_int_equal(c.records, 4);
    assert_int_equal(c.refused, 8);
    assert_int_equal(c.losses.damaged, 0);
    assert_non_null(strstr(c.why, "account.created"));
    events(&got);
    assert_string_equal(buf_text(&got), "run.started lab.message finding evidence.packets ");
    buf_release(&got);
}

/* Bytes that are no record, sealed like one: the keeper goes on. */
static void test_nonsense(void **state)
{
    (void)state;
    struct error e = {0};
    struct spool_writer *w = begin();
    const uint8_t junk[] = {SPOOLED_RECORD, 0xff, 0xff, 0xff};
    assert_int_equal(spool_write(w, (struct spool_place){.seq = 1}, span_of(junk, sizeof junk), &e), 0);
    assert_int_equal(spool_write(w, (struct spool_place){.seq = 2}, span_of(junk, 1), &e), 0);
    put(w, SPOOLED_RECORD, EVENT_LAB_MESSAGE, 3, 0);
    assert_int_equal(spool_end(w, &e), 0);
    spool_writer_free(w);
    struct readin_counts c = read_all();
    assert_int_equal(c.records, 1);
    assert_int_equal(c.refused, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_only_what_a_keeper_spools, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nonsense, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
