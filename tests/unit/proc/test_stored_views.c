/* The views in their store, over a real ledger: caught up from where they were, equal to rebuilt ones whatever happened, and rebuilt where they do
 * not hold. */
#include "../cmocka_all.h"

#include "proc/stored_views.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define PHI "KOWALSKI^ANNA"

static char folder[64];
static char store_dir[96];
static char other_dir[96];
static pthread_mutex_t ledger_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ledger *ledger;
static const uint8_t run_id[RUN_ID] = {42};
static uint8_t key[32] = {3};
static const char *site = "main-street";
static const char *catalog_text;
static uint64_t seq;
static unsigned seed;
static struct store_mark marked;
static uint64_t marked_applied;

/* ── the ledger ── */

static struct ledger *open_ledger(bool create)
{
    struct error e = {0};
    char dir[96];
    char key_file[96];
    (void)snprintf(dir, sizeof dir, "%s/ledger", folder);
    (void)snprintf(key_file, sizeof key_file, "%s/root.key", folder);
    struct ledger_options options = {.dir = dir, .key_file = key_file, .origin = "tourniquet.local/test", .create = create};
    struct ledger *l = ledger_open(&options, NULL, &e);
    if (l == NULL)
        fail_msg("%s", e.text);
    return l;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_all(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int set_up(void **state)
{
    (void)state;
    const char *given = getenv("TEST_SEED");
    seed = given == NULL ? 20261128 : (unsigned)strtoul(given, NULL, 10);
    (void)printf("# TEST_SEED=%u\n", seed);
    (void)snprintf(folder, sizeof folder, "%s/tq-views-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(store_dir, sizeof store_dir, "%s/store", folder);
    (void)snprintf(other_dir, sizeof other_dir, "%s/other", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_all(folder);
    return 0;
}

/* A new ledger and no store. */
static int anew(void **state)
{
    (void)state;
    char path[96];
    (void)snprintf(path, sizeof path, "%s/ledger", folder);
    remove_all(path);
    (void)snprintf(path, sizeof path, "%s/root.key", folder);
    (void)remove(path);
    remove_all(store_dir);
    remove_all(other_dir);
    seq = 0;
    site = "main-street";
    catalog_text = NULL;
    marked = (struct store_mark){0};
    ledger = open_ledger(true);
    return 0;
}

static int done(void **state)
{
    (void)state;
    ledger_close(ledger);
    ledger = NULL;
    return 0;
}

static void append(enum ledger_stream stream, const struct payload_record *records, size_t n)
{
    struct error e = {0};
    struct buf payload = BUF_INIT(1u << 20);
    uint64_t index;
    payload_start(&payload, run_id);
    for (size_t i = 0; i < n; i++)
        payload_add(&payload, &records[i]);
    (void)pthread_mutex_lock(&ledger_lock);
    int r = ledger_append(ledger, stream, NULL, T0 + (tq_time)seq * TIME_SECOND, buf_span(&payload), &index, &e);
    (void)pthread_mutex_unlock(&ledger_lock);
    if (r != 0)
        fail_msg("%s", e.text);
    buf_release(&payload);
}

static void commit(void)
{
    struct error e = {0};
    (void)pthread_mutex_lock(&ledger_lock);
    if (ledger_commit(ledger, T0 + (tq_time)seq * TIME_SECOND, &e) != 0)
        fail_msg("%s", e.text);
    (void)pthread_mutex_unlock(&ledger_lock);
}

/* One leaf: a message, a result, or a few flows and what was learnt about devices. The private part holds what must be in no view. */
static void leaf(void)
{
    static char texts[8][700];
    struct payload_record records[8] = {0};
    size_t n = 1;
    unsigned kind = (unsigned)rand_r(&seed) % 3;
    seq++;
    unsigned host = (unsigned)rand_r(&seed) % 40;
    char time[40];
    (void)snprintf(time, sizeof time, "2026-11-22T%02u:%02u:%02u.000000000Z", (unsigned)(seq / 3600 % 24), (unsigned)(seq / 60 % 60),
                   (unsigned)(seq % 60));
    if (kind == 0)
        (void)snprintf(texts[0], sizeof texts[0],
                       "{\"time\":\"%s\",\"event\":\"lab.message\",\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.0.5.%u\",\"sport\":4000,\"dst\":"
                       "\"10.0.5.250\","
                       "\"dport\":2575,\"vlan\":null},\"id\":\"m%llu\",\"protocol\":\"hl7\",\"type\":\"ORU^R01\",\"control_id\":\"%llu\",\"sender\":"
                       "\"ANALYZER%u\","
                       "\"receiver\":\"LIS\",\"results\":1,\"bytes\":800}",
                       time, host + 1, (unsigned long long)seq, (unsigned long long)seq, host);
    else if (kind == 1)
        (void)snprintf(texts[0], sizeof texts[0],
                       "{\"time\":\"%s\",\"event\":\"lab.result\",\"flow\":{\"id\":1,\"proto\":\"tcp\",\"src\":\"10.0.5.%u\",\"sport\":4000,\"dst\":"
                       "\"10.0.5.250\","
                       "\"dport\":2575,\"vlan\":null},\"message\":\"m%llu\",\"test\":{\"code\":\"T%u\",\"text\":\"Test "
                       "%u\"},\"patient\":\"P-%08x\",\"specimen\":\"S-%08x\","
                       "\"units\":\"mmol/L\",\"status\":\"F\",\"sender\":\"ANALYZER%u\",\"receiver\":\"LIS\",\"protocol\":\"hl7\"}",
                       time, host + 1, (unsigned long long)seq, host, host, (unsigned)rand_r(&seed), (unsigned)rand_r(&seed), host);
    else
        for (n = 0; n < 8; n++)
            (void)snprintf(
                texts[n], sizeof texts[n],
                n % 2 == 0
                    ? "{\"time\":\"%s\",\"event\":\"asset.evidence\",\"ip\":\"10.0.5.%u\",\"mac\":\"00:11:22:33:44:%02x\",\"source\":\"arp\"}"
                    : "{\"time\":\"%s\",\"event\":\"flow.closed\",\"flow\":{\"id\":9,\"proto\":\"tcp\",\"src\":\"10.0.5.%u\",\"sport\":%u,\"dst\":"
                      "\"10.0.6.1\",\"dport\":443,\"vlan\":null},\"packets\":10,\"bytes_up\":900,\"bytes_down\":100,\"app\":\"tls\"}",
                time, host + (unsigned)n / 2 + 1, host + (unsigned)n / 2 + 1);
    for (size_t i = 0; i < n; i++)
        records[i] = (struct payload_record){
            .position = {seq, (uint32_t)i}, .veiled = span_str(texts[i]), .private = SPAN_LIT("{\"name\":\"" PHI "\"}")};
    append(kind == 2 ? LEDGER_OBSERVATION : LEDGER_CUSTODY, records, n);
}

static void leaves(size_t n)
{
    for (size_t i = 0; i < n; i++)
        leaf();
    commit();
}

/* ── the views ── */

static int prepare(void *context, struct keeper_views *views, struct error *e)
{
    (void)context;
    return catalog_text == NULL ? 0 : views_catalog_add(views, span_str(catalog_text), "own", e);
}

static void notice(void *context, const char *topic, const char *id, const char *etag)
{
    (void)context;
    (void)topic;
    (void)id;
    (void)etag;
}

/* As the keeper does it: the mark goes on the ledger. */
static void checkpointed(void *context, const struct store_mark *mark, uint64_t applied)
{
    (void)context;
    marked = *mark;
    marked_applied = applied;
}

static void append_mark(void)
{
    char text[500];
    char life[33];
    char hash[65];
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(life + 2 * i, 3, "%02x", marked.life[i]);
    for (size_t i = 0; i < 32; i++)
        (void)snprintf(hash + 2 * i, 3, "%02x", marked.hash[i]);
    (void)snprintf(text, sizeof text,
                   "{\"time\":\"2026-11-22T14:00:00.000000000Z\",\"event\":\"store.checkpoint\",\"life\":\"%s\",\"generation\":%llu,\"applied\":%llu,"
                   "\"pages\":%u,"
                   "\"hash\":\"%s\"}",
                   life, (unsigned long long)marked.generation, (unsigned long long)marked_applied, (unsigned)marked.pages, hash);
    struct payload_record r = {.veiled = span_str(text)};
    append(LEDGER_CUSTODY, &r, 1);
    commit();
}

static tq_time patience;

static void open_in(const char *dir, struct stored_views *s, struct found *found)
{
    struct error e = {0};
    struct stored_views_options o = {.dir = dir,
                                     .key = key,
                                     .site = site,
                                     .prepare = prepare,
                                     .projector = {.ledger = ledger, .notice = notice, .checkpointed = checkpointed, .patience = patience}};
    memcpy(o.projector.run, run_id, RUN_ID);
    if (stored_views_open(&o, s, found, &e) != 0)
        fail_msg("%s", e.text);
}

static void close_views(struct stored_views *s)
{
    projector_stop(s->projector);
    views_close(s->views);
    store_close(s->store);
}

static void dump(struct stored_views *s, struct buf *out)
{
    struct error e = {0};
    *out = (struct buf)BUF_INIT(64u << 20);
    if (store_dump(store_writer(s->store), out, &e) != 0)
        fail_msg("%s", e.text);
}

/* Opens, and compares with views that are rebuilt from the ledger in another folder. Returns the first record that was read. */
static uint64_t same_as_rebuilt(char mended[512])
{
    struct stored_views s;
    struct stored_views r;
    struct found found;
    struct found rebuilt_found;
    struct buf ours;
    struct buf theirs;
    open_in(store_dir, &s, &found);
    assert_false(s.in_memory);
    dump(&s, &ours);
    remove_all(other_dir);
    open_in(other_dir, &r, &rebuilt_found);
    assert_int_equal(r.from, 0);
    dump(&r, &theirs);
    assert_true(ours.n > 1000);
    if (!span_equal(buf_span(&ours), buf_span(&theirs)))
        fail_msg("the tables differ from rebuilt ones");
    assert_int_equal(found.custody.seq, rebuilt_found.custody.seq);
    assert_int_equal(found.custody.ordinal, rebuilt_found.custody.ordinal);
    assert_int_equal(found.observation.seq, rebuilt_found.observation.seq);
    assert_int_equal(found.observation.ordinal, rebuilt_found.observation.ordinal);
    assert_int_equal(found.progress.records, rebuilt_found.progress.records);
    assert_int_equal(found.progress.results, rebuilt_found.progress.results);
    assert_int_equal(found.progress.ledger, rebuilt_found.progress.ledger);
    assert_int_equal(found.first_time, rebuilt_found.first_time);
    uint64_t from = s.from;
    if (mended != NULL)
        (void)snprintf(mended, 512, "%s", s.mended);
    else if (s.mended[0] != 0)
        fail_msg("%s", s.mended);
    buf_release(&ours);
    buf_release(&theirs);
    close_views(&s);
    close_views(&r);
    return from;
}

static void it_goes_on_where_it_was(void **state)
{
    (void)state;
    for (size_t n = 0; n < 5; n++) {
        leaves(60);
        assert_int_equal(same_as_rebuilt(NULL), n * 60);
    }
    assert_int_equal(same_as_rebuilt(NULL), 300); /* nothing to read */
}

/* Stopped with 600 records that it was never told of: it applies them, or as many as there is time for. Returns what the next start begins with. */
static uint64_t stopped_behind(tq_time how_patient)
{
    struct error e = {0};
    struct stored_views s;
    struct found found;
    patience = how_patient;
    open_in(store_dir, &s, &found);
    assert_int_equal(projector_start(s.projector, &e), 0);
    leaves(600);
    close_views(&s);
    patience = 0;
    return same_as_rebuilt(NULL);
}

static void a_stop_does_not_wait_for_all(void **state)
{
    (void)state;
    assert_int_equal(stopped_behind(600 * TIME_SECOND), 600);
    uint64_t from = stopped_behind(1); /* gone before the first record is applied */
    assert_true(from > 600 && from < 1200);
}

static void what_it_depends_on_rebuilds_it(void **state)
{
    (void)state;
    char mended[512];
    leaves(50);
    (void)same_as_rebuilt(NULL);
    site = "other-street";
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "rebuilt from the ledger: the views were made by another program"));
    catalog_text = "";
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "with another catalog"));
    assert_int_equal(same_as_rebuilt(NULL), 50);
    key[0] ^= 1; /* another root key */
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "store.head"));
    key[0] ^= 1;
    assert_int_equal(same_as_rebuilt(mended), 0);
    ledger_close(ledger); /* another ledger, which went other ways from the first record on */
    char path[96];
    (void)snprintf(path, sizeof path, "%s/ledger", folder);
    remove_all(path);
    ledger = open_ledger(true);
    leaves(80);
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "of another ledger"));
    ledger_close(ledger); /* and a shorter one */
    remove_all(path);
    ledger = open_ledger(true);
    leaves(10);
    assert_int_equal(same_as_rebuilt(mended), 0);
}

static void newer_programs_stores_are_rebuilt(void **state)
{
    (void)state;
    struct error e = {0};
    char mended[512];
    leaves(50);
    (void)same_as_rebuilt(NULL);
    int dir = open(store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct store *s = store_open(dir, key, NULL, NULL, &e);
    assert_non_null(s);
    assert_int_equal(store_run(store_stmt(store_writer(s), "INSERT INTO migration VALUES ('lab/schema/999-later', '')"), &e), 0);
    store_close(s);
    (void)close(dir);
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "999-later"));
}

static void change(const char *name, size_t at)
{
    char path[160];
    uint8_t byte;
    (void)snprintf(path, sizeof path, "%s/%s", store_dir, name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    (void)close(fd);
}

static void copy_store(const char *from, const char *to)
{
    static const char *const files[] = {"store.head", "store.db", "store.wal"};
    static uint8_t bytes[32u << 20];
    (void)mkdir(to, 0700);
    for (size_t i = 0; i < 3; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", from, files[i]);
        FILE *in = fopen(path, "rb");
        assert_non_null(in);
        size_t n = fread(bytes, 1, sizeof bytes, in);
        (void)fclose(in);
        (void)snprintf(path, sizeof path, "%s/%s", to, files[i]);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes, 1, n, out), n);
        assert_int_equal(fclose(out), 0);
    }
}

/* Runs the projector over what is there, to its end, which makes a checkpoint. */
static void run_once(void)
{
    struct stored_views s;
    struct found found;
    struct error e = {0};
    open_in(store_dir, &s, &found);
    assert_int_equal(projector_start(s.projector, &e), 0);
    close_views(&s);
}

static void damage_is_mended_and_told(void **state)
{
    (void)state;
    char mended[512];
    leaves(100);
    run_once();
    append_mark();
    change("store.db", 3 * 4096 + 99);
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "store.db: page 4 does not hold"));
    leaves(40); /* the log has them */
    (void)same_as_rebuilt(NULL);
    run_once();
    leaves(40);
    (void)same_as_rebuilt(NULL);
    change("store.wal", 76 + 4120 + 5);
    assert_int_equal(same_as_rebuilt(mended), 141);
    assert_non_null(strstr(mended, "store.wal: frame 2 does not hold"));
    assert_non_null(strstr(mended, "caught up from record 141"));
    char path[160];
    (void)snprintf(path, sizeof path, "%s/store.head", store_dir);
    assert_int_equal(remove(path), 0);
    assert_int_equal(same_as_rebuilt(mended), 0);
}

static void an_older_copy_is_caught_up_and_told(void **state)
{
    (void)state;
    char mended[512];
    char kept[96];
    (void)snprintf(kept, sizeof kept, "%s/kept", folder);
    leaves(100);
    run_once();
    append_mark();
    copy_store(store_dir, kept);
    leaves(50);
    run_once();
    append_mark();
    assert_int_equal(same_as_rebuilt(NULL), 151); /* the mark is read */
    copy_store(kept, store_dir);
    assert_int_equal(same_as_rebuilt(mended), 100);
    assert_non_null(strstr(mended, "an older copy of the store"));
    assert_int_equal(marked.generation, 3); /* further than it ever was */
    append_mark();
    assert_int_equal(same_as_rebuilt(NULL), 152);
    assert_int_equal(same_as_rebuilt(NULL), 153);
}

static void another_mark_on_the_ledger_is_believed(void **state)
{
    (void)state;
    char mended[512];
    leaves(100);
    run_once();
    marked.hash[7] ^= 1;
    append_mark();
    assert_int_equal(same_as_rebuilt(mended), 0);
    assert_non_null(strstr(mended, "not those that record 100 of the ledger speaks of"));
    (void)same_as_rebuilt(NULL);
}

/* A child that projects and appends as fast as it can, killed at some moment. */
static void killed_under_load_it_is_as_if_rebuilt(void **state)
{
    (void)state;
    const char *want = getenv("TOURNIQUET_LONG");
    size_t rounds = want != NULL && strcmp(want, "1") == 0 ? 60 : 6;
    leaves(500);
    ledger_close(ledger);
    size_t kept = 0;
    for (size_t round = 0; round < rounds; round++) {
        unsigned wait = (unsigned)rand_r(&seed) % 200000;
        unsigned child_seed = (unsigned)rand_r(&seed);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct stored_views s;
            struct found found;
            struct error e = {0};
            ledger = open_ledger(false);
            open_in(store_dir, &s, &found);
            seed = child_seed;
            seq = found.observation.seq > found.custody.seq ? found.observation.seq : found.custody.seq;
            if (projector_start(s.projector, &e) != 0)
                _exit(1);
            for (size_t i = 0;; i++) {
                leaves(1 + (size_t)rand_r(&seed) % 20);
                projector_wake(s.projector);
                if (i % 8 == 0)
                    (void)usleep(10000);
            }
        }
        (void)usleep(20000 + wait);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        ledger = open_ledger(false);
        char mended[512];
        uint64_t from = same_as_rebuilt(mended);
        if (strstr(mended, "rebuilt") != NULL)
            fail_msg("killed after %u us: %s", wait, mended);
        kept += from > 0;
        ledger_close(ledger);
    }
    (void)printf("# %zu of %zu times it went on where it was\n", kept, rounds);
    assert_true(kept > 0);
    ledger = open_ledger(false);
}

static void no_name_is_in_the_files(void **state)
{
    (void)state;
    static const char *const files[] = {"store.head", "store.db", "store.wal"};
    static uint8_t bytes[32u << 20];
    leaves(300);
    run_once();
    leaves(100);
    (void)same_as_rebuilt(NULL);
    size_t searched = 0;
    for (size_t i = 0; i < 3; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s/%s", store_dir, files[i]);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        size_t n = fread(bytes, 1, sizeof bytes, f);
        (void)fclose(f);
        searched += n;
        assert_null(memmem(bytes, n, PHI, strlen(PHI)));
        assert_null(memmem(bytes, n, "KOWALSKI", 8));
        assert_null(memmem(bytes, n, "mmol/L", 6));
        assert_null(memmem(bytes, n, "ANALYZER", 8));
    }
    assert_true(searched > 100000);
    struct stored_views s; /* and not in the tables either: the store holds tokens */
    struct found found;
    struct buf all;
    open_in(store_dir, &s, &found);
    dump(&s, &all);
    assert_non_null(memmem(all.p, all.n, "ANALYZER", 8));
    assert_null(memmem(all.p, all.n, "KOWALSKI", 8));
    buf_release(&all);
    close_views(&s);
}

static void without_a_place_it_is_in_memory(void **state)
{
    (void)state;
    struct stored_views s;
    struct found found;
    leaves(30);
    FILE *f = fopen(store_dir, "wb"); /* a file stands where the folder belongs */
    assert_non_null(f);
    (void)fclose(f);
    open_in(store_dir, &s, &found);
    assert_true(s.in_memory);
    assert_non_null(strstr(s.mended, "in memory until the next start"));
    assert_int_equal(found.progress.ledger, 30);
    close_views(&s);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, anew, done)
    const struct CMUnitTest tests[] = {
        EACH(it_goes_on_where_it_was),
        EACH(a_stop_does_not_wait_for_all),
        EACH(what_it_depends_on_rebuilds_it),
        EACH(newer_programs_stores_are_rebuilt),
        EACH(damage_is_mended_and_told),
        EACH(an_older_copy_is_caught_up_and_told),
        EACH(another_mark_on_the_ledger_is_believed),
        EACH(killed_under_load_it_is_as_if_rebuilt),
        EACH(no_name_is_in_the_files),
        EACH(without_a_place_it_is_in_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
