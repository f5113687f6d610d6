#include "proc/steward.h"

#include "proc/clock.h"
#include "proc/log.h"
#include "proc/scopes.h"
#include "proc/sealed.h"
#include "record/ledger/file.h"
#include "record/ledger/keys.h"
#include "record/ledger/removal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define GIB (UINT64_C(1) << 30)
#define LOOK_EVERY (2 * TIME_SECOND)
#define SIZES_EVERY (10 * TIME_SECOND) /* … or a hundred times as long as it took */
#define SAMPLE_EVERY (3600 * TIME_SECOND)
#define KEEP_EVERY (600 * TIME_SECOND)  /* between two looks for what is old enough, at most */
#define TELL_EVERY (3600 * TIME_SECOND) /* what is not kept */
#define SAMPLES 168                     /* a week of hours */
#define SAMPLES_FILE "disk.samples"
#define DAY (INT64_C(86400) * TIME_SECOND)
#define AT_ONCE 64           /* most segments that go in one look */
#define EVIDENCE_AT_ONCE 256 /* and files of packets */
#define KEPT "kept as long as lab.yaml says"

struct sample {
    tq_time at;
    uint64_t bytes; /* of the data folder */
};

struct steward {
    struct steward_options o;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what stands between here and the next line */
    pthread_cond_t work;
    bool stopping;
    bool looked;
    struct api_disk_state disk;
    /* the thread's own */
    tq_time sizes_at; /* monotonic; 0: at once */
    tq_time keep_at;
    tq_time tell_at;
    uint64_t told; /* observations not kept that a record told of */
    bool short_open;
    bool keys_short;
    bool very;
    struct sample samples[SAMPLES];
    size_t samples_n;
};

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

const char *steward_state(uint64_t total, uint64_t free)
{
    if (free < least(total / 100 * 3, GIB))
        return "very-short";
    return free < least(total / 10, 5 * GIB) ? "short" : "ok";
}

/* ── records ── */

static struct record *begin_record(enum event event)
{
    struct record *r = calloc(1, sizeof *r);
    if (r != NULL)
        record_start(r, event, clock_now(), NULL);
    return r;
}

static void end_record(struct steward *s, struct record *r)
{
    (void)appender_note(s->o.appender, r, NULL);
    free(r);
}

static void tell_short(struct steward *s, bool very)
{
    struct record *r = begin_record(EVENT_FINDING);
    if (r == NULL)
        return;
    record_str(r, KEY_KIND, "ledger.disk_short");
    record_str(r, KEY_CAUSE, "disk");
    record_str(r, KEY_SEVERITY, very ? "high" : "medium");
    record_str(r, KEY_TITLE,
               very ? "The disk is nearly full: conversations and evidence about devices are not kept now; messages and results are."
                    : "Room on the disk is short: the oldest conversations and evidence about devices are removed.");
    record_str(r, KEY_ADVICE,
               "Make room on the disk of the data folder, or move the folder to a larger one. Under Ledger stands what takes the room.");
    end_record(s, r);
}

static void tell_ended(struct steward *s)
{
    struct record *r = begin_record(EVENT_FINDING_ENDED);
    if (r == NULL)
        return;
    record_str(r, KEY_KIND, "ledger.disk_short");
    record_str(r, KEY_CAUSE, "disk");
    record_str(r, KEY_WHY, "There is room again.");
    end_record(s, r);
}

static void tell_skipped(struct steward *s)
{
    uint64_t skipped = appender_skipped(s->o.appender);
    struct record *r = skipped > s->told ? begin_record(EVENT_RETENTION_SKIPPED) : NULL;
    if (r == NULL)
        return;
    record_str(r, KEY_KIND, "observations");
    record_int(r, KEY_RECORDS, (int64_t)(skipped - s->told));
    record_str(r, KEY_WHY, "The disk was nearly full.");
    end_record(s, r);
    s->told = skipped;
}

/* Whose patients are so many that keys get scarce, or who makes them up. */
static void look_at_keys(struct steward *s)
{
    (void)pthread_mutex_lock(s->o.ledger_lock);
    bool scarce = ledger_keys_short(s->o.ledger);
    (void)pthread_mutex_unlock(s->o.ledger_lock);
    struct record *r = scarce != s->keys_short ? begin_record(scarce ? EVENT_FINDING : EVENT_FINDING_ENDED) : NULL;
    if (r == NULL)
        return;
    s->keys_short = scarce;
    record_str(r, KEY_KIND, "ledger.keys_short");
    record_str(r, KEY_CAUSE, "keys");
    if (scarce) {
        record_str(r, KEY_SEVERITY, "high");
        record_str(r, KEY_TITLE,
                   "Room for patients' keys is nearly used up: new patients share keys, and messages about several keep only what events say.");
        record_str(r, KEY_ADVICE,
                   "Find out whether the patients of the last days are real: a device that makes up numbers fills it. If they are, shorten "
                   "retention.evidence, and erase who is to be erased.");
    } else {
        record_str(r, KEY_WHY, "There is room again.");
    }
    end_record(s, r);
}

/* ── removing ── */

static bool going(struct steward *s)
{
    (void)pthread_mutex_lock(&s->lock);
    bool going = !s->stopping;
    (void)pthread_mutex_unlock(&s->lock);
    return going;
}

/* On record first, then gone. 1: one went; 0: none may; -1. */
static int remove_oldest(struct steward *s, uint32_t before, const char *why, struct error *e)
{
    struct ledger_removal removal;
    char text[REMOVAL_TEXT];
    char day[TIME_TEXT];
    uint64_t index = 0;
    (void)pthread_mutex_lock(s->o.ledger_lock);
    int rc = ledger_removable(s->o.ledger, before, clock_now(), &removal, e);
    (void)pthread_mutex_unlock(s->o.ledger_lock);
    struct record *r = rc == 1 ? begin_record(EVENT_RETENTION_REMOVED) : NULL;
    if (r == NULL)
        return rc == 1 ? err_set(e, ERR_SYSTEM, "no memory for a record") : rc;
    ledger_removal_text(&removal, text);
    (void)time_format((tq_time)removal.day * DAY, day);
    day[10] = 0;
    record_str(r, KEY_KIND, "observations");
    record_str(r, KEY_DAY, day);
    record_int(r, KEY_RECORDS, (int64_t)removal.count);
    record_int(r, KEY_BYTES, (int64_t)removal.bytes);
    record_str(r, KEY_REMOVED, text);
    record_str(r, KEY_WHY, why);
    rc = appender_decide(s->o.appender, r, &index, e);
    free(r);
    if (rc != 0)
        return -1;
    (void)pthread_mutex_lock(s->o.ledger_lock);
    rc = ledger_remove(s->o.ledger, &removal, index, e);
    (void)pthread_mutex_unlock(s->o.ledger_lock);
    if (rc == 0)
        log_line(LOG_LEVEL_INFO, "observations of %s are removed: %s", day, why);
    return rc == 0 ? 1 : -1;
}

/* The oldest packets that were kept of findings, on the appender's thread. */
struct ageing {
    tq_time before;
    struct ledger_aged aged;
    uint64_t record; /* that says that they go */
    size_t keys;
};

static const uint8_t evidence[LEDGER_SCOPE] = SCOPE_EVIDENCE;

static int look_for_aged(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct ageing *a = context;
    (void)v;
    return ledger_aged(l, evidence, a->before, clock_now(), EVIDENCE_AT_ONCE, &a->aged, e);
}

static int destroy_aged(void *context, struct ledger *l, struct veil *v, struct error *e)
{
    struct ageing *a = context;
    struct buf ids = BUF_INIT(1u << 20);
    (void)v;
    int rc = ledger_keys_of(l, span_of(evidence, sizeof evidence), 0, LEDGER_PERIOD_LAST, a->aged.last + 1, &ids, e);
    if (rc == 0)
        rc = ledger_expire(l, buf_span(&ids), clock_now(), a->record, &a->keys, e);
    buf_release(&ids);
    return rc;
}

/* On record first, then their keys go: the record alone is without effect, and the next look makes another. 1: some went; 0: none may; -1. */
static int remove_evidence(struct steward *s, tq_time before, struct error *e)
{
    struct ageing a = {.before = before};
    char day[TIME_TEXT];
    if (appender_do(s->o.appender, look_for_aged, &a, e) != 0)
        return -1;
    if (a.aged.n == 0)
        return 0;
    struct record *r = begin_record(EVENT_RETENTION_REMOVED);
    if (r == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for a record");
    (void)time_format(a.aged.time, day);
    day[10] = 0;
    record_str(r, KEY_KIND, "evidence");
    record_str(r, KEY_DAY, day);
    record_int(r, KEY_RECORDS, (int64_t)a.aged.n);
    record_int(r, KEY_ERASED_LAST, (int64_t)a.aged.last);
    record_str(r, KEY_WHY, KEPT);
    int rc = appender_decide(s->o.appender, r, &a.record, e);
    free(r);
    if (rc != 0 || appender_do(s->o.appender, destroy_aged, &a, e) != 0)
        return -1;
    log_line(LOG_LEVEL_INFO, "packets kept of findings are removed up to %s (%zu): %s", day, a.keys, KEPT);
    return 1;
}

static bool measure(uint64_t *ret_total, uint64_t *ret_free)
{
    struct statvfs v;
    if (statvfs(".", &v) != 0)
        return false;
    *ret_total = (uint64_t)v.f_blocks * v.f_frsize;
    *ret_free = (uint64_t)v.f_bavail * v.f_frsize;
    return true;
}

/* Until an eighth is free again, so that it does not go to and fro at the mark. */
static void make_room(struct steward *s, uint64_t total, uint64_t free)
{
    struct error e = {0};
    uint64_t enough = least(total / 8, 6 * GIB);
    int rc = 1;
    for (int i = 0; i < AT_ONCE && rc == 1 && free < enough && going(s); i++) {
        rc = remove_oldest(s, UINT32_MAX, "the disk is nearly full", &e);
        if (rc == 1 && !measure(&total, &free))
            break;
    }
    if (rc < 0)
        log_line(LOG_LEVEL_WARNING, "room could not be made: %s", e.text);
}

/* What was recorded before this is old enough; 0: nothing is. */
static tq_time aged_before(int64_t seconds)
{
    tq_time now = clock_now();
    return seconds > 0 && now > seconds * TIME_SECOND ? now - seconds * TIME_SECOND : 0;
}

/* How long until the next look: never longer than something is kept. */
static tq_time keep_every(const struct steward *s)
{
    tq_time every = KEEP_EVERY;
    const int64_t kept[] = {s->o.keep_observations, s->o.keep_evidence};
    for (size_t i = 0; i < 2; i++)
        if (kept[i] > 0 && kept[i] < every / TIME_SECOND)
            every = kept[i] * TIME_SECOND;
    return every;
}

static void keep_time(struct steward *s)
{
    struct error e = {0};
    tq_time observations = aged_before(s->o.keep_observations);
    tq_time packets = aged_before(s->o.keep_evidence);
    if (clock_monotonic() < s->keep_at)
        return;
    s->keep_at = clock_monotonic() + keep_every(s);
    int rc = 0;
    int more = observations == 0 ? 0 : 1;
    for (int i = 0; i < AT_ONCE && more == 1 && going(s); i++)
        more = remove_oldest(s, (uint32_t)(observations / DAY), KEPT, &e);
    if (packets != 0 && more >= 0 && going(s))
        rc = remove_evidence(s, packets, &e);
    if (rc < 0 || more < 0)
        log_line(LOG_LEVEL_WARNING, "what was kept long enough could not be removed: %s", e.text);
    else if (rc == 1 || more == 1)
        s->keep_at = 0;
}

/* ── sizes ── */

static uint64_t bytes_below(int dir, const char *path, int depth, const char *without)
{
    uint64_t sum = 0;
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (d == NULL && fd >= 0)
        (void)close(fd);
    for (struct dirent *f = d == NULL ? NULL : readdir(d); f != NULL; f = readdir(d)) {
        struct stat st;
        if (f->d_name[0] == '.' || (without != NULL && strcmp(f->d_name, without) == 0) || fstatat(fd, f->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_blocks * 512;
        else if (S_ISDIR(st.st_mode) && depth > 0)
            sum += bytes_below(fd, f->d_name, depth - 1, NULL);
    }
    if (d != NULL)
        (void)closedir(d);
    return sum;
}

static void add_use(struct api_disk_state *d, const char *what, uint64_t bytes)
{
    d->used[d->used_n].what = what;
    d->used[d->used_n++].bytes = bytes;
}

/* The backups count where they lie on the same disk. */
static bool same_disk(int folder)
{
    struct stat here;
    struct stat there;
    return folder >= 0 && stat(".", &here) == 0 && fstat(folder, &there) == 0 && here.st_dev == there.st_dev;
}

static uint64_t size_up(struct steward *s, struct api_disk_state *d)
{
    uint64_t custody = bytes_below(AT_FDCWD, "ledger/segment/custody", 0, NULL);
    uint64_t observations = bytes_below(AT_FDCWD, "ledger/segment/observation", 0, NULL);
    struct stat st;
    uint64_t journal = (stat("ledger/journal.0", &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0) +
                       (stat("ledger/journal.1", &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0);
    uint64_t ledger = bytes_below(AT_FDCWD, "ledger", 4, "segment") - journal;
    uint64_t store = bytes_below(AT_FDCWD, "store", 2, NULL);
    uint64_t spool = stat("spool", &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
    uint64_t all = bytes_below(AT_FDCWD, ".", 6, NULL);
    uint64_t known = custody + observations + journal + ledger + store + spool;
    d->used_n = 0;
    add_use(d, "custody", custody);
    add_use(d, "observations", observations);
    add_use(d, "ledger", ledger);
    add_use(d, "journal", journal);
    add_use(d, "store", store);
    add_use(d, "spool", spool);
    add_use(d, "backups", same_disk(s->o.backups) ? bytes_below(s->o.backups, ".", 1, NULL) : 0);
    add_use(d, "other", all > known ? all - known : 0);
    return all;
}

/* ── growth ── */

static void load_samples(struct steward *s)
{
    struct buf text = BUF_INIT(65536);
    if (file_load(AT_FDCWD, SAMPLES_FILE, text.max, &text, NULL) == 0) {
        struct span rest = buf_span(&text);
        while (rest.n > 0 && s->samples_n < SAMPLES) {
            struct span line = span_until(&rest, '\n', NULL);
            struct span at = span_until(&line, ' ', NULL);
            uint64_t seconds;
            uint64_t bytes;
            if (span_decimal(at, INT64_MAX / TIME_SECOND, &seconds) && span_decimal(line, INT64_MAX, &bytes))
                s->samples[s->samples_n++] = (struct sample){.at = (tq_time)seconds * TIME_SECOND, .bytes = bytes};
        }
    }
    buf_release(&text);
}

static void take_sample(struct steward *s, uint64_t bytes)
{
    tq_time now = clock_now();
    if (s->samples_n > 0 && now - s->samples[s->samples_n - 1].at < SAMPLE_EVERY && now >= s->samples[s->samples_n - 1].at)
        return;
    if (s->samples_n == SAMPLES) {
        memmove(s->samples, s->samples + 1, (SAMPLES - 1) * sizeof s->samples[0]);
        s->samples_n--;
    }
    s->samples[s->samples_n++] = (struct sample){.at = now, .bytes = bytes};
    struct buf text = BUF_INIT(65536);
    for (size_t i = 0; i < s->samples_n; i++)
        buf_addf(&text, "%" PRId64 " %" PRIu64 "\n", s->samples[i].at / TIME_SECOND, s->samples[i].bytes);
    (void)plain_save(SAMPLES_FILE, 0600, buf_span(&text), NULL);
    buf_release(&text);
}

/* Bytes a day over the last week, or as much of it as there is; INT64_MIN: less than an hour. */
static int64_t growth(const struct steward *s, uint64_t bytes)
{
    tq_time now = clock_now();
    const struct sample *first = &s->samples[0];
    if (s->samples_n == 0 || now - first->at < SAMPLE_EVERY)
        return INT64_MIN;
    double days = (double)(now - first->at) / (double)DAY;
    return (int64_t)(((double)bytes - (double)first->bytes) / days);
}

static void look_at_sizes(struct steward *s, struct api_disk_state *d)
{
    if (clock_monotonic() < s->sizes_at)
        return;
    tq_time begin = clock_monotonic();
    uint64_t bytes = size_up(s, d);
    tq_time wait = 100 * (clock_monotonic() - begin);
    s->sizes_at = begin + (wait > SIZES_EVERY ? wait : SIZES_EVERY);
    take_sample(s, bytes);
    d->per_day = growth(s, bytes);
}

/* ── the thread ── */

static void judge(struct steward *s, uint64_t total, uint64_t free, const char *state)
{
    bool very = strcmp(state, "very-short") == 0;
    bool low = very || strcmp(state, "short") == 0;
    appender_spare(s->o.appender, very);
    if (low && (!s->short_open || (very && !s->very)))
        tell_short(s, very);
    else if (!low && s->short_open)
        tell_ended(s);
    if (s->very != very || clock_monotonic() >= s->tell_at) {
        tell_skipped(s);
        s->tell_at = clock_monotonic() + TELL_EVERY;
    }
    s->short_open = low;
    s->very = very;
    if (low)
        make_room(s, total, free);
}

static void look(struct steward *s)
{
    uint64_t total = 0;
    uint64_t free = 0;
    if (!measure(&total, &free))
        return;
    const char *state = steward_state(total, free);
    judge(s, total, free, state);
    look_at_keys(s);
    keep_time(s);
    struct api_disk_state d = s->disk; /* only this thread writes it */
    look_at_sizes(s, &d);
    d.total = total;
    d.free = free;
    d.state = state;
    d.not_kept = appender_skipped(s->o.appender);
    d.full_at = d.per_day > 0 ? clock_now() + (tq_time)((double)free / (double)d.per_day * (double)DAY) : 0;
    (void)pthread_mutex_lock(&s->lock);
    s->disk = d;
    s->looked = true;
    (void)pthread_mutex_unlock(&s->lock);
}

static void *run(void *context)
{
    struct steward *s = context;
    load_samples(s);
    for (;;) {
        look(s);
        struct timespec t;
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        tq_time until = (tq_time)t.tv_sec * TIME_SECOND + t.tv_nsec + LOOK_EVERY;
        t = (struct timespec){.tv_sec = until / TIME_SECOND, .tv_nsec = until % TIME_SECOND};
        int r = 0;
        (void)pthread_mutex_lock(&s->lock);
        while (!s->stopping && r != ETIMEDOUT)
            r = pthread_cond_clockwait(&s->work, &s->lock, CLOCK_MONOTONIC, &t);
        bool stopping = s->stopping;
        (void)pthread_mutex_unlock(&s->lock);
        if (stopping)
            break;
    }
    tell_skipped(s);
    return NULL;
}

struct steward *steward_start(const struct steward_options *options, struct error *e)
{
    static const char *const first[] = {
        "The oldest days of conversations and evidence about devices are removed, on record; every hash and proof stays.",
        "Then no new ones are kept; they are counted.",
        "Messages, results, findings, packets kept as evidence and decisions are never removed for room."};
    struct steward *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the steward");
        return NULL;
    }
    s->o = *options;
    s->short_open = options->short_open;
    s->keys_short = options->keys_short;
    s->disk.per_day = INT64_MIN;
    s->disk.observation_days = options->keep_observations > 0 ? (options->keep_observations + 86399) / 86400 : 0;
    s->disk.evidence_days = options->keep_evidence > 0 ? (options->keep_evidence + 86399) / 86400 : 0;
    s->disk.first_n = sizeof first / sizeof first[0];
    for (size_t i = 0; i < s->disk.first_n; i++)
        s->disk.first[i] = first[i];
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->work, NULL);
    int r = pthread_create(&s->thread, NULL, run, s);
    if (r == 0)
        return s;
    (void)err_sys(e, r, "starting the steward");
    free(s);
    return NULL;
}

void steward_stop(struct steward *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_join(s->thread, NULL);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

bool steward_disk(struct steward *s, struct api_disk_state *ret)
{
    (void)pthread_mutex_lock(&s->lock);
    bool looked = s->looked;
    *ret = s->disk;
    (void)pthread_mutex_unlock(&s->lock);
    return looked;
}
