/* The ledger on a real file system: what was acknowledged is there after any stop; what was changed is found; what cannot be written does not count.
 */
#include "base/text.h"
#include "ledger_place.h"
#include "record/ledger/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define T0 (INT64_C(1795000000) * TIME_SECOND)
#define DAY (INT64_C(86400) * TIME_SECOND)

/* The payload of record i: its length and bytes depend on i alone. */
static struct span payload(uint64_t i, uint8_t out[600])
{
    size_t n = (size_t)(i * 37 % 500);
    for (size_t k = 0; k < n; k++)
        out[k] = (uint8_t)(i * 131 + k);
    return span_of(out, n);
}

static enum ledger_stream stream_of(uint64_t i)
{
    return i % 3 == 1 ? LEDGER_OBSERVATION : LEDGER_CUSTODY;
}

static void append(struct ledger *l, uint64_t i)
{
    struct error e = {0};
    uint8_t bytes[600];
    uint64_t index = 0;
    assert_int_equal(ledger_append(l, stream_of(i), NULL, T0 + (tq_time)i * TIME_SECOND, payload(i, bytes), &index, &e), 0);
    assert_int_equal(index, i);
}

static void commit(struct ledger *l)
{
    struct error e = {0};
    if (ledger_commit(l, T0, &e) != 0) {
        print_error("%s\n", e.text);
        fail();
    }
}

static void write_records(struct ledger *l, uint64_t to, uint64_t per_commit)
{
    for (uint64_t i = ledger_size(l); i < to; i++) {
        append(l, i);
        if ((i + 1) % per_commit == 0 || i + 1 == to)
            commit(l);
    }
}

/* Reads all records and compares each with what it should be; their number. */
static uint64_t read_records(struct ledger *l, uint64_t from)
{
    struct error e = {0};
    struct ledger_record record;
    uint8_t bytes[600];
    uint64_t next = from;
    struct ledger_reader *r = ledger_reader_new(l, from, &e);
    assert_non_null(r);
    int rc;
    while ((rc = ledger_reader_next(r, &record, &e)) == 1) {
        assert_int_equal(record.index, next);
        assert_int_equal(record.stream, stream_of(next));
        assert_true(record.time == T0 + (tq_time)next * TIME_SECOND);
        assert_true(span_equal(record.payload, payload(next, bytes)));
        next++;
    }
    if (rc != 0)
        print_error("%s\n", e.text);
    assert_int_equal(rc, 0);
    ledger_reader_free(r);
    return next - from;
}

static struct ledger_report verified(void)
{
    struct ledger_report report;
    struct error e = {0};
    assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &report, &e), 0);
    if (!report.holds)
        print_error("record %llu: %s\n", (unsigned long long)report.first_bad, report.why);
    return report;
}

/* ── Tests ── */

static void round_trip(void **state)
{
    (void)state;
    char note[256];
    struct ledger *l = open_ledger(note);
    assert_string_equal(note, "");
    assert_int_equal(ledger_size(l), 0);
    assert_true(verified().holds); /* an empty one, too */
    write_records(l, 700, 7);
    assert_int_equal(read_records(l, 0), 700);
    assert_int_equal(read_records(l, 333), 367);
    assert_int_equal(read_records(l, 700), 0);
    struct ledger_report r = verified(); /* beside a living writer */
    assert_true(r.holds);
    assert_int_equal(r.records, 700);
    uint8_t token[32];
    uint8_t store[32];
    uint8_t again[32];
    ledger_derive_key(l, "token", token);
    ledger_derive_key(l, "store", store);
    assert_memory_not_equal(token, store, 32);
    char kept[512];
    (void)snprintf(kept, sizeof kept, "%s", ledger_checkpoint(l));
    char verifier[VERIFIER_TEXT];
    (void)snprintf(verifier, sizeof verifier, "%s", ledger_verifier(l));
    ledger_close(l);

    l = open_ledger(note);
    assert_string_equal(note, "");
    assert_int_equal(ledger_size(l), 700);
    assert_string_equal(ledger_checkpoint(l), kept);
    ledger_derive_key(l, "token", again);
    assert_memory_equal(token, again, 32);
    write_records(l, 1500, 100);
    assert_int_equal(read_records(l, 0), 1500);
    struct ledger_head head;
    ledger_head(l, &head);
    assert_int_equal(head.size, 1500);
    assert_int_equal(head.published, 1500);
    assert_false(head.failed);
    ledger_close(l);
    struct error e = {0};
    assert_int_equal(ledger_verify(ledger_path, verifier, kept, &r, &e), 0);
    assert_true(r.holds);
    assert_true(r.compared);
}

struct seen {
    uint64_t last, steps, end_at;
};

static bool see(void *context, uint64_t done, uint64_t total)
{
    struct seen *s = context;
    assert_true(done >= s->last && done <= total && total == 9000);
    s->last = done;
    s->steps++;
    return done < s->end_at;
}

/* Whoever watches a check hears how far it is, and may end it: then nothing is said of the ledger. */
static void a_check_is_watched(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r = {.records = 77};
    struct ledger *l = open_ledger(NULL);
    write_records(l, 9000, 1000);
    ledger_close(l);
    struct seen all = {.end_at = UINT64_MAX};
    assert_int_equal(ledger_verify_watched(ledger_path, NULL, see, &all, &r, &e), 0);
    assert_true(r.holds && r.records == 9000 && all.steps > 5);
    struct seen some = {.end_at = 4000};
    r.records = 77;
    assert_int_equal(ledger_verify_watched(ledger_path, NULL, see, &some, &r, &e), -1);
    assert_int_equal(e.class, ERR_CLOSED);
    assert_true(some.last >= 4000 && some.last < 9000 && r.records == 77);
}

static void days_and_big_records(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger *l = open_ledger(NULL);
    uint8_t *big = malloc(LEDGER_PAYLOAD_MAX + 1);
    assert_non_null(big);
    memset(big, 7, LEDGER_PAYLOAD_MAX + 1);
    for (int i = 0; i < 5; i++) /* each day its own segment; a month later another key */
        assert_int_equal(ledger_append(l, LEDGER_OBSERVATION, NULL, T0 + i * 20 * DAY, span_str("day"), NULL, &e), 0);
    assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_of(big, LEDGER_PAYLOAD_MAX + 1), NULL, &e), -1);
    assert_int_equal(e.class, ERR_LIMIT);
    commit(l);
    for (int i = 0; i < 20; i++) { /* over 64 MiB: a second custody segment */
        assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_of(big, LEDGER_PAYLOAD_MAX), NULL, &e), 0);
        if (i % 8 == 7)
            commit(l);
    }
    commit(l);
    assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_of(big, 0), NULL, &e), 0);
    int waiting = 0; /* what waits for a commit has a limit as well */
    while (ledger_append(l, LEDGER_CUSTODY, NULL, T0, span_of(big, LEDGER_PAYLOAD_MAX), NULL, &e) == 0)
        waiting++;
    assert_int_equal(e.class, ERR_LIMIT);
    assert_true(waiting >= 8);
    commit(l);
    uint64_t size = ledger_size(l);
    ledger_close(l);
    struct ledger_report r = verified();
    assert_true(r.holds);
    assert_int_equal(r.records, size);
    char path[256];
    (void)snprintf(path, sizeof path, "%s/segment/observation", ledger_path);
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    assert_int_equal(n, 2 + 5);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    l = open_ledger(NULL);
    struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
    struct ledger_record record;
    uint64_t count = 0;
    while (ledger_reader_next(reader, &record, &e) == 1)
        count++;
    assert_int_equal(count, size);
    ledger_reader_free(reader);
    ledger_close(l);
    free(big);
}

static void keys_and_lock(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_options o = place_options();
    struct ledger_report r;
    o.create = false;
    assert_null(ledger_open(&o, NULL, &e));
    assert_int_equal(e.class, ERR_MISUSE);
    assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    struct ledger *l = open_ledger(NULL);
    write_records(l, 5, 5);
    o.create = true;
    assert_null(ledger_open(&o, NULL, &e)); /* two writers */
    assert_int_equal(e.class, ERR_AGAIN);
    ledger_close(l);

    uint8_t key[33] = {0};
    struct stat st;
    assert_int_equal(stat(key_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(chmod(key_path, 0640), 0);
    assert_null(ledger_open(&o, NULL, &e));
    assert_int_equal(e.class, ERR_MISUSE);
    assert_non_null(strstr(e.text, "chmod 600"));
    char aside[128];
    (void)snprintf(aside, sizeof aside, "%s.aside", key_path);
    assert_int_equal(chmod(key_path, 0600), 0);
    assert_int_equal(rename(key_path, aside), 0);
    assert_null(ledger_open(&o, NULL, &e)); /* no new key is made for an old ledger */
    assert_int_equal(e.class, ERR_MISUSE);
    assert_int_not_equal(access(key_path, F_OK), 0);
    for (size_t n = 31; n <= 33; n++) { /* too short, another's, too long */
        int fd = open(key_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, key, n), n);
        (void)close(fd);
        assert_null(ledger_open(&o, NULL, &e));
        assert_int_equal(e.class, ERR_MISUSE);
        assert_non_null(strstr(e.text, n == 32 ? "not the one of this ledger" : "exactly 32 bytes"));
    }
    assert_int_equal(rename(aside, key_path), 0);
    l = open_ledger(NULL);
    assert_int_equal(read_records(l, 0), 5);
    ledger_close(l);
    assert_true(verified().holds);
}

/* Child: appends and commits until it is killed, telling each acknowledged size through the pipe. */
static _Noreturn void write_until_killed(int pipe_fd, unsigned seed, tq_time interval)
{
    struct ledger_options o = place_options();
    struct error e = {0};
    o.checkpoint_interval = interval;
    struct ledger *l = ledger_open(&o, NULL, &e);
    if (l == NULL)
        _exit(9);
    tq_time now = T0;
    for (;;) {
        unsigned batch = 1 + (unsigned)rand_r(&seed) % 60;
        for (unsigned k = 0; k < batch; k++) {
            uint8_t bytes[600];
            uint64_t index;
            uint64_t i = ledger_size(l) + k;
            if (ledger_append(l, stream_of(i), NULL, T0 + (tq_time)i * TIME_SECOND, payload(i, bytes), &index, &e) != 0)
                _exit(8);
        }
        now += TIME_SECOND;
        if (ledger_commit(l, now, &e) != 0)
            _exit(7);
        uint64_t size = ledger_size(l);
        if (write(pipe_fd, &size, sizeof size) != sizeof size)
            _exit(6);
    }
}

static void killed(void **state)
{
    (void)state;
    const char *seed_text = getenv("LEDGER_SEED");
    unsigned seed = seed_text == NULL ? 20261122 : (unsigned)strtoul(seed_text, NULL, 10);
    print_message("# seed %u (LEDGER_SEED)\n", seed);
    uint64_t acknowledged = 0;
    unsigned recovered = 0;
    for (int round = 0; round < 30; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        unsigned child_seed = (unsigned)rand_r(&seed);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)close(fds[0]);
            write_until_killed(fds[1], child_seed, round % 3 == 2 ? 5 * TIME_SECOND : 0);
        }
        (void)close(fds[1]);
        struct pollfd word = {.fd = fds[0], .events = POLLIN};
        if (round % 2 == 1) /* not before something is written, however long that takes on this machine */
            (void)poll(&word, 1, 60000);
        struct timespec delay = {.tv_nsec = 1000000L * (2 + rand_r(&seed) % 60)};
        (void)nanosleep(&delay, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        uint64_t size;
        while (read(fds[0], &size, sizeof size) == (ssize_t)sizeof size)
            acknowledged = size;
        (void)close(fds[0]);
        if (access(ledger_path, F_OK) != 0)
            continue;
        char path[256];
        (void)snprintf(path, sizeof path, "%s/checkpoint", ledger_path);
        if (access(path, F_OK) == 0) { /* as the killed one left it, before anybody mends it */
            struct ledger_report r = verified();
            assert_true(r.holds);
            assert_true(r.records >= acknowledged);
        }
        char note[256];
        struct ledger *l = open_ledger(note);
        recovered += note[0] != 0;
        assert_true(ledger_size(l) >= acknowledged);
        acknowledged = ledger_size(l);
        assert_int_equal(read_records(l, 0), acknowledged);
        if (round % 2 == 0)
            write_records(l, acknowledged + 3, 2);
        acknowledged = ledger_size(l);
        ledger_close(l);
        assert_true(verified().holds);
    }
    print_message("# %llu records, %u of 30 starts read a journal back\n", (unsigned long long)acknowledged, recovered);
    assert_true(acknowledged > 100);
    assert_true(recovered > 0); /* how many is the machine's affair: on a busy one a kill comes before much is written */
}

/* The last commit, cut or overwritten at every byte of its frame, before anything behind it was written. */
static void torn_tail(void **state)
{
    (void)state;
    struct ledger *l = open_ledger(NULL);
    write_records(l, 6, 3);
    struct snapshot *before = snapshot_take(ledger_path);
    append(l, 6);
    append(l, 7);
    commit(l);
    struct snapshot *after = snapshot_take(ledger_path);
    ledger_close(l);

    struct buf *old = snapshot_file(before, "journal.1");
    struct buf *new = snapshot_file(after, "journal.1");
    size_t start = 3 * JOURNAL_PAGE; /* page 0 and two frames come first */
    struct span body = span_of(new->p + start + 20, 4);
    size_t end = start + JOURNAL_FRAME_HEADER + span_be32(&body) + SHA256_SIZE;
    assert_true(end < start + JOURNAL_PAGE);
    assert_memory_equal(old->p, new->p, start);
    uint8_t *bytes = malloc(new->n);
    assert_non_null(bytes);
    for (size_t at = start; at <= end; at++) {
        for (int kind = 0; kind < 3; kind++) { /* cut there; zeros behind; garbage behind */
            memcpy(bytes, new->p, new->n);
            memset(bytes + at, kind == 2 ? 0xa5 : 0, new->n - at);
            snapshot_restore(before);
            put_file("journal.1", span_of(bytes, kind == 0 ? at : new->n));
            char note[256];
            l = open_ledger(note);
            /* keys, and so the frame's hash, are random: one time in 256 what is put behind the cut is what stood there */
            bool whole = at == end || (kind != 0 && memcmp(bytes + at, new->p + at, end - at) == 0);
            assert_int_equal(ledger_size(l), whole ? 8 : 6);
            if (!whole && at >= start + 40)
                assert_non_null(strstr(note, "cut short and dropped"));
            if (at % 37 == 0 || whole) {
                assert_int_equal(read_records(l, 0), ledger_size(l));
                write_records(l, 10, 1);
                assert_int_equal(read_records(l, 0), 10);
                ledger_close(l);
                assert_true(verified().holds);
            } else {
                ledger_close(l);
            }
        }
    }
    free(bytes);
    snapshot_free(before);
    snapshot_free(after);
}

/* An acknowledged frame that was damaged in the middle of the journal is damage, not a torn write; and nothing is lost by finding it. */
static void damaged_journal(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_options o = place_options();
    struct ledger *l = open_ledger(NULL);
    write_records(l, 12, 3);
    struct snapshot *s = snapshot_take(ledger_path);
    ledger_close(l);
    struct buf *journal = snapshot_file(s, "journal.1");
    for (int frame = 1; frame <= 4; frame++) {
        struct span body = span_of(journal->p + frame * JOURNAL_PAGE + 20, 4);
        size_t n = JOURNAL_FRAME_HEADER + span_be32(&body) + SHA256_SIZE;
        for (size_t at = 0; at < n; at += 7) {
            size_t byte = (size_t)frame * JOURNAL_PAGE + at;
            journal->p[byte] ^= 0x40;
            snapshot_restore(s);
            struct ledger_report r;
            assert_int_equal(ledger_verify(ledger_path, NULL, NULL, &r, &e), 0);
            assert_false(r.holds);
            assert_int_equal(r.first_bad, (frame - 1) * 3);
            assert_null(ledger_open(&o, NULL, &e));
            assert_int_equal(e.class, ERR_CORRUPT);
            journal->p[byte] ^= 0x40;
            put_file("journal.1", buf_span(journal));
            l = open_ledger(NULL); /* refusing changed nothing */
            assert_int_equal(ledger_size(l), 12);
            if (at % 70 == 0)
                assert_int_equal(read_records(l, 0), 12);
            ledger_close(l);
        }
    }
    snapshot_free(s);
}

/* Files that no answer rests on, with the reason. */
static const char *no_effect(const char *path)
{
    static const struct {
        const char *path;
        const char *why;
    } table[] = {
        {"lock", "empty; only locked, never read"},
        {"tile/0/000.p/5", "the partial tile of an earlier checkpoint"},
        {"tile/0/000.p/10", "the same"},
        {"tile/entries/000.p/5", "the partial bundle of an earlier checkpoint"},
        {"tile/entries/000.p/10", "the same"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(path, table[i].path) == 0)
            return table[i].why;
    }
    return NULL;
}

static void every_byte_flipped(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger *l = open_ledger(NULL);
    write_records(l, 11, 5); /* checkpoints at 5, 10 and 11 */
    char verifier[VERIFIER_TEXT];
    (void)snprintf(verifier, sizeof verifier, "%s", ledger_verifier(l));
    ledger_close(l);
    struct snapshot *s = snapshot_take(ledger_path);
    size_t flipped = 0;
    size_t without = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->files[i].folder)
            continue;
        const char *path = s->files[i].path;
        struct buf *b = &s->files[i].bytes;
        bool may_pass = no_effect(path) != NULL;
        for (size_t at = 0; at < b->n; at++) {
            b->p[at] ^= (uint8_t)(1u << at % 8);
            put_file(path, buf_span(b));
            struct ledger_report r;
            int rc = ledger_verify(ledger_path, verifier, NULL, &r, &e);
            bool found = rc == 0 ? !r.holds : e.class == ERR_LIMIT; /* a format number made greater: refused by name */
            if (found == may_pass)
                print_error("%s byte %zu: found %d (%s)\n", path, at, found, rc == 0 ? r.why : e.text);
            assert_int_equal(found, !may_pass);
            b->p[at] ^= (uint8_t)(1u << at % 8);
            flipped++;
            without += !found;
        }
        if (b->n > 0 && !may_pass) { /* cut by a byte, longer by a byte, gone */
            struct ledger_report r;
            put_file(path, span_of(b->p, b->n - 1));
            assert_true(ledger_verify(ledger_path, verifier, NULL, &r, &e) == 0 && !r.holds);
            char full[256];
            (void)snprintf(full, sizeof full, "%s/%s", ledger_path, path);
            assert_int_equal(unlink(full), 0);
            assert_true(ledger_verify(ledger_path, verifier, NULL, &r, &e) == 0 && !r.holds);
        }
        put_file(path, buf_span(b));
    }
    assert_true(verified().holds);
    print_message("# %zu bytes flipped, %zu of them without effect on any answer\n", flipped, without);
    snapshot_free(s);
}

/* Records swapped, repeated, removed; an older copy put back; the key exchanged. */
static void rewritten(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_report r;
    struct ledger *l = open_ledger(NULL);
    write_records(l, 5, 5);
    char early[512];
    (void)snprintf(early, sizeof early, "%s", ledger_checkpoint(l));
    struct snapshot *old = snapshot_take(ledger_path);
    write_records(l, 9, 1);
    char kept[512];
    char verifier[VERIFIER_TEXT];
    (void)snprintf(kept, sizeof kept, "%s", ledger_checkpoint(l));
    (void)snprintf(verifier, sizeof verifier, "%s", ledger_verifier(l));
    ledger_close(l);
    assert_int_equal(ledger_verify(ledger_path, verifier, early, &r, &e), 0);
    assert_true(r.holds);

    struct snapshot *s = snapshot_take(ledger_path);
    struct buf *segment = snapshot_file(s, "segment/custody/00000000000000000000");
    struct span in = span_of(segment->p + SEGMENT_HEADER, segment->n - SEGMENT_HEADER);
    struct sealed_record one;
    struct sealed_record two;
    assert_int_equal(sealed_record_take(&in, &one), 1);
    assert_int_equal(sealed_record_take(&in, &two), 1);
    for (int kind = 0; kind < 3; kind++) {
        struct buf b = BUF_INIT(1u << 20);
        buf_add(&b, segment->p, SEGMENT_HEADER);
        buf_add_span(&b, kind == 0 ? two.bytes : one.bytes);
        buf_add_span(&b, kind == 2 ? span_of(NULL, 0) : one.bytes); /* swapped, repeated, removed */
        buf_add_span(&b, in);
        put_file("segment/custody/00000000000000000000", buf_span(&b));
        assert_int_equal(ledger_verify(ledger_path, verifier, NULL, &r, &e), 0);
        assert_false(r.holds);
        assert_int_equal(r.first_bad, kind == 0 ? 0 : 2);
        struct ledger_options o = place_options(); /* neither the start nor the reader believes it */
        l = ledger_open(&o, NULL, &e);
        if (l != NULL) {
            struct ledger_reader *reader = ledger_reader_new(l, 0, &e);
            struct ledger_record record;
            int rc;
            while ((rc = ledger_reader_next(reader, &record, &e)) == 1)
                ;
            assert_int_equal(rc, -1);
            ledger_reader_free(reader);
            ledger_close(l);
        }
        assert_int_equal(e.class, ERR_CORRUPT);
        buf_release(&b);
        snapshot_restore(s);
    }
    /* the whole older folder: holds in itself, not against what was kept */
    snapshot_restore(old);
    assert_int_equal(ledger_verify(ledger_path, verifier, NULL, &r, &e), 0);
    assert_true(r.holds);
    assert_int_equal(ledger_verify(ledger_path, verifier, kept, &r, &e), 0);
    assert_false(r.holds);
    assert_non_null(strstr(r.why, "old copy"));
    /* an older checkpoint in a newer folder, and the other way round */
    struct ledger_options o = place_options();
    snapshot_restore(s);
    put_file("checkpoint", span_str(early));
    assert_int_equal(ledger_verify(ledger_path, verifier, NULL, &r, &e), 0);
    assert_false(r.holds);
    snapshot_restore(old);
    put_file("checkpoint", span_str(kept));
    assert_null(ledger_open(&o, NULL, &e));
    assert_int_equal(e.class, ERR_CORRUPT);
    assert_int_equal(ledger_verify(ledger_path, verifier, NULL, &r, &e), 0);
    assert_false(r.holds);
    /* another key and everything signed anew: holds in itself only */
    folder_remove(ledger_path);
    l = open_ledger(NULL);
    write_records(l, 9, 1);
    ledger_close(l);
    assert_true(verified().holds);
    assert_int_equal(ledger_verify(ledger_path, verifier, NULL, &r, &e), 0);
    assert_false(r.holds);
    assert_int_equal(ledger_verify(ledger_path, "nonsense", NULL, &r, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    snapshot_free(old);
    snapshot_free(s);
}

static void checkpoint_lost(void **state)
{
    (void)state;
    char note[256];
    struct ledger *l = open_ledger(NULL);
    write_records(l, 300, 100);
    char kept[512];
    (void)snprintf(kept, sizeof kept, "%s", ledger_checkpoint(l));
    ledger_close(l);
    put_file("checkpoint", span_of(NULL, 0)); /* what some file systems leave of a rename when the power goes */
    l = open_ledger(note);
    assert_non_null(strstr(note, "signed again"));
    assert_string_equal(ledger_checkpoint(l), kept); /* Ed25519 gives the same signature */
    ledger_close(l);
    put_file("checkpoint", span_str("something else\n"));
    struct ledger_options o = place_options();
    struct error e = {0};
    assert_null(ledger_open(&o, NULL, &e));
    assert_int_equal(e.class, ERR_CORRUPT);
}

static void interval(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger_options o = place_options();
    struct ledger_head head;
    o.checkpoint_interval = 10 * TIME_SECOND;
    struct ledger *l = ledger_open(&o, NULL, &e);
    assert_non_null(l);
    append(l, 0);
    assert_int_equal(ledger_commit(l, T0 + DAY, &e), 0); /* the empty one's checkpoint is old */
    append(l, 1);
    assert_int_equal(ledger_commit(l, T0 + DAY + TIME_SECOND, &e), 0);
    ledger_head(l, &head);
    assert_int_equal(head.size, 2);
    assert_int_equal(head.published, 1);
    assert_int_equal(read_records(l, 0), 2);
    struct ledger_report r = verified();
    assert_true(r.holds);
    assert_int_equal(r.records, 2);
    assert_int_equal(r.unsigned_tail, 1);
    assert_int_equal(ledger_commit(l, T0 + DAY + 12 * TIME_SECOND, &e), 0); /* nothing new, but a checkpoint is due */
    ledger_head(l, &head);
    assert_int_equal(head.published, 2);
    ledger_close(l);
    assert_true(verified().holds);
}

/* No file may grow beyond a limit (as on a full disk): the commit fails, counts for nothing, and the ledger takes nothing more. */
static void disk_full(void **state)
{
    (void)state;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    struct rlimit limit;
    struct rlimit small;
    assert_int_equal(sigaction(SIGXFSZ, &ignore, &before), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    for (rlim_t most = 64; most < 20000; most += 487) {
        struct error e = {0};
        uint8_t bytes[600];
        struct ledger *l = open_ledger(NULL);
        uint64_t size = ledger_size(l);
        char kept[512];
        (void)snprintf(kept, sizeof kept, "%s", ledger_checkpoint(l));
        for (uint64_t i = size; i < size + 20; i++)
            append(l, i);
        small = limit;
        small.rlim_cur = most;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        int rc = ledger_commit(l, T0, &e);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        if (rc != 0) {
            assert_int_equal(e.class, ERR_SYSTEM);
            assert_int_equal(ledger_size(l), size);
            assert_string_equal(ledger_checkpoint(l), kept);
            assert_int_equal(ledger_append(l, LEDGER_CUSTODY, NULL, T0, payload(1, bytes), NULL, &e), -1);
            assert_int_equal(e.class, ERR_SYSTEM);
            assert_int_equal(ledger_commit(l, T0, &e), -1);
            struct ledger_head head;
            ledger_head(l, &head);
            assert_true(head.failed);
            assert_true(verified().holds);
            ledger_close(l);
            l = open_ledger(NULL);
            assert_int_equal(ledger_size(l), size);
        }
        assert_int_equal(read_records(l, 0), ledger_size(l));
        ledger_close(l);
        assert_true(verified().holds);
    }
    assert_int_equal(sigaction(SIGXFSZ, &before, NULL), 0);
}

/* A pipe in the place of any file, put there while nothing ran: opening and verifying say so, and wait for nobody. */
static void pipes(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger *l = open_ledger(NULL);
    for (uint64_t i = 0; i < 300; i++)
        assert_int_equal(ledger_append(l, i % 3 == 0 ? LEDGER_OBSERVATION : LEDGER_CUSTODY, NULL, T0, SPAN_LIT("a record"), NULL, &e), 0);
    assert_int_equal(ledger_commit(l, T0, &e), 0);
    ledger_close(l);
    struct snapshot *whole = snapshot_take(ledger_path);
    struct ledger_options o = place_options();
    o.create = false;
    (void)alarm(600); /* a start that waits for somebody to write into the pipe */
    for (size_t i = 0; i < whole->n; i++) {
        char path[256];
        struct ledger_report report;
        if (whole->files[i].folder)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", ledger_path, whole->files[i].path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        (void)ledger_verify(ledger_path, NULL, NULL, &report, &e);
        l = ledger_open(&o, NULL, &e);
        ledger_close(l);
        snapshot_restore(whole);
    }
    (void)alarm(0);
    l = open_ledger(NULL);
    assert_int_equal(ledger_size(l), 300);
    ledger_close(l);
    snapshot_free(whole);
}

static void proofs(void **state)
{
    (void)state;
    struct error e = {0};
    struct ledger *l = open_ledger(NULL);
    write_records(l, 70000, 10000);
    char verifier[VERIFIER_TEXT];
    (void)snprintf(verifier, sizeof verifier, "%s", ledger_verifier(l));
    ledger_close(l);
    static const uint64_t some[] = {0, 1, 255, 256, 65535, 65536, 69887, 69888, 69999};
    uint64_t index;
    uint64_t size;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        struct buf proof = BUF_INIT(65536);
        assert_int_equal(ledger_prove(ledger_path, some[i], &proof, &e), 0);
        assert_true(proof.n < 4096);
        assert_int_equal(ledger_check(buf_span(&proof), verifier, &index, &size, &e), 0);
        assert_int_equal(index, some[i]);
        assert_int_equal(size, 70000);
        for (size_t at = 0; i == 5 && at < proof.n; at++) {
            proof.p[at] ^= 1;
            assert_int_equal(ledger_check(buf_span(&proof), verifier, &index, &size, &e), -1);
            proof.p[at] ^= 1;
        }
        buf_release(&proof);
    }
    struct buf none = BUF_INIT(65536);
    assert_int_equal(ledger_prove(ledger_path, 70000, &none, &e), -1);
    assert_int_equal(e.class, ERR_MISUSE);
    buf_release(&none);
}

static int64_t journal_bytes(int i)
{
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/journal.%d", ledger_path, i);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

/* A page for each commit. After few of them an orderly end leaves one page; after many, blocks for the next start, which reads no old frame as one.
 */
static void journals_keep_their_blocks(void **state)
{
    (void)state;
    char note[256];
    struct ledger *l = open_ledger(note);
    write_records(l, 20, 1);
    ledger_close(l); /* generation 1 was in journal.1 */
    assert_int_equal(journal_bytes(0), 4096);
    assert_int_equal(journal_bytes(1), -1);
    uint64_t size = 20;
    for (int start = 0; start < 4; start++) {
        l = open_ledger(note);
        assert_string_equal(note, "");
        assert_int_equal(ledger_size(l), size);
        size += start < 2 ? 1200 : 100;
        write_records(l, size, 1);
        if (start > 1)
            assert_true(verified().holds); /* with frames of earlier generations behind those of this one */
        ledger_close(l);
        assert_true(journal_bytes(start % 2) > 1200 * 4096);
        assert_true(start == 0 || journal_bytes(1 - start % 2) > 1200 * 4096);
    }
    l = open_ledger(note);
    assert_string_equal(note, "");
    assert_int_equal(read_records(l, 0), size);
    ledger_close(l);
    assert_true(verified().holds);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, place_make, place_remove)
    const struct CMUnitTest tests[] = {
        CASE(round_trip),
        CASE(a_check_is_watched),
        CASE(days_and_big_records),
        CASE(keys_and_lock),
        CASE(killed),
        CASE(torn_tail),
        CASE(damaged_journal),
        CASE(every_byte_flipped),
        CASE(rewritten),
        CASE(checkpoint_lost),
        CASE(interval),
        CASE(pipes),
        CASE(disk_full),
        CASE(proofs),
        CASE(journals_keep_their_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
