#include "record/ledger/keys.h"

#include "record/ledger/file.h"
#include "record/ledger/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ── Opening ── */

int ledger_lock(int dir, struct error *e)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = file_open_write(dir, "lock", e);
    if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return fd;
    int errnum = errno;
    (void)close(fd);
    if (errnum == EAGAIN || errnum == EACCES)
        return err_set(e, ERR_AGAIN, "another process is writing this ledger: stop it first (only one may)");
    return err_sys(e, errnum, "locking the ledger");
}

static bool is_there(int dir, const char *path)
{
    return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct root_source source_of(const struct ledger_options *o)
{
    return o->root != NULL ? *o->root : (struct root_source){.kind = ROOT_FILE, .path = o->key_file};
}

/* Root key and keyring; both are made where there is nothing yet and `create` says so. */
static int open_ring(struct keyring *k, int dir, const struct ledger_options *o, struct error *e)
{
    struct error why = {0};
    struct note_key key;
    struct root_source source = source_of(o);
    bool fresh = !is_there(dir, "keyring");
    if (fresh && (is_there(dir, "checkpoint") || is_there(dir, "segment")))
        return err_set(e, ERR_CORRUPT, "the ledger's keyring is missing: nothing in it can be read; put it back from a backup");
    if (!fresh)
        return keyring_load(k, dir, &source, e);
    if (!o->create)
        return err_set(e, ERR_MISUSE, "there is no ledger in %s", o->dir);
    if (o->origin == NULL || note_key_make(&key, span_str(o->origin), (const uint8_t[ED25519_PUBLIC]){0}, &why) != 0)
        return err_set(e, ERR_MISUSE, "the ledger's name (origin) cannot be used: %s", o->origin == NULL ? "there is none" : why.text);
    return keyring_make(k, dir, &source, o->origin, o->now, e);
}

struct keyring *ledger_keys_open(int dir, const struct ledger_options *o, struct error *e)
{
    struct keyring *k = keyring_new(e);
    if (k == NULL || open_ring(k, dir, o, e) == 0)
        return k;
    keyring_free(k);
    return NULL;
}

static int keep_list(struct keyring *k, int dir, struct error *e)
{
    struct buf list = BUF_INIT(LEDGER_ERASURES_MAX);
    int rc = keyring_erasures(k, &list, e);
    if (rc == 0)
        rc = file_replace(dir, LEDGER_ERASURES, buf_span(&list), true, e);
    buf_release(&list);
    return rc;
}

/* A crash between an erasure and its list: the list is written again. It is only ever of as many keys as were erased, or of fewer. */
static int mend_list(struct keyring *k, int dir, struct error *e)
{
    struct buf list = BUF_INIT(LEDGER_ERASURES_MAX);
    struct error why = {0};
    if (k->erased_n == 0)
        return 0;
    bool there = file_load(dir, LEDGER_ERASURES, list.max, &list, &why) == 0;
    struct span in = buf_span(&list);
    (void)span_skip(&in, 32);
    bool whole = there && span_be64(&in) == k->erased_n && !in.bad;
    buf_release(&list);
    return whole ? 0 : keep_list(k, dir, e);
}

int ledger_keys_settle(struct keyring *k, int dir, const struct ledger_options *o, struct error *e)
{
    struct root_source source = source_of(o);
    return keyring_settle(k, dir, &source, o->now, e) == 0 ? mend_list(k, dir, e) : -1;
}

/* ── Telling ── */

void ledger_keys(struct ledger *l, struct ledger_keys *ret)
{
    struct keyring *k = ledger_ring(l);
    const struct slot *source = slots_source(&k->slots);
    const struct slot *recovery = slots_find(&k->slots, SLOT_RECOVERY);
    *ret = (struct ledger_keys){.made = k->made,
                                .rotated = k->rotated,
                                .epoch = k->epoch,
                                .period_keys = k->n,
                                .erased = k->erased_n,
                                .last_erasure = k->erased_n == 0 ? 0 : k->erased[k->erased_n - 1].at,
                                .carried_out = k->carried_out,
                                .locked = k->locked};
    if (source != NULL) {
        ret->source = (enum root_kind)source->kind;
        ret->cost = source->cost;
    }
    if (recovery != NULL) {
        ret->recovery_made = recovery->made;
        ret->recovery_tested = recovery->tested;
    }
}

bool ledger_keys_short(struct ledger *l)
{
    return keyring_short(ledger_ring(l));
}

int ledger_source(const char *dir, enum root_kind *ret, struct error *e)
{
    struct slots s;
    struct buf file = BUF_INIT(KEYRING_1_MAX);
    int fd = ledger_folder_open(dir, e);
    if (fd < 0)
        return -1;
    int rc = file_load(fd, "keyring", KEYRING_1_MAX, &file, e);
    (void)close(fd);
    *ret = ROOT_FILE;
    if (rc == 0 && !keyring_1_is(buf_span(&file)) && (rc = slots_parse(buf_span(&file), &s, NULL, e)) == 0 && slots_source(&s) != NULL)
        *ret = (enum root_kind)slots_source(&s)->kind;
    buf_release(&file);
    return rc;
}

int ledger_opening_key_of(struct ledger *l, struct span keyring, uint8_t out[32], struct error *e)
{
    const struct keyring *k = ledger_ring(l);
    struct error why = {0};
    struct slots s;
    if (slots_parse(keyring, &s, NULL, e) != 0)
        return -1;
    if (memcmp(s.log_id, k->log_id, LOG_ID) != 0)
        return err_set(e, ERR_CORRUPT, "this keyring is another ledger's");
    if (slots_open_root(&s, k->root, out, &why) == 0)
        return 0;
    if (why.class == ERR_MISUSE || why.class == ERR_LOCKED)
        return err_set(e, ERR_MISUSE, "it was made before the root key was changed: only the root key of that time opens it, or the recovery key");
    if (e != NULL)
        *e = why;
    return -1;
}

/* ── Which keys, which records ── */

static bool is_kind(const struct period_key *p)
{
    return memcmp(p->scope, LEDGER_KIND, sizeof LEDGER_KIND - 1) == 0;
}

int ledger_keys_of(struct ledger *l, struct span scope_prefix, uint32_t from, uint32_t to, uint64_t before, struct buf *ret_ids, struct error *e)
{
    const struct keyring *k = ledger_ring(l);
    static const uint8_t nobody[KEY_SCOPE];
    if (scope_prefix.n == 0 || scope_prefix.n > KEY_SCOPE || memcmp(scope_prefix.p, nobody, scope_prefix.n) == 0)
        return err_set(e, ERR_MISUSE, "these are nobody's keys");
    for (size_t i = 0; i < k->n; i++) {
        const struct period_key *p = keyring_at(k, i);
        bool asked = scope_prefix.n == KEY_SCOPE || !is_kind(p);
        if (asked && keyring_is_of(p, scope_prefix) && p->period >= from && p->period <= to && p->first < before)
            buf_add(ret_ids, p->id, KEY_ID);
    }
    return buf_ok(ret_ids) ? 0 : err_set(e, ERR_LIMIT, "more keys than can be erased at once: name a shorter time");
}

/* Steps through one stream from a record on; false from `each` ends it. */
typedef bool each_sealed(void *context, const struct sealed_record *r, const struct entry *entry);

static int walk(struct ledger *l, enum ledger_stream stream, uint64_t from, each_sealed *each, void *context, struct error *e)
{
    struct segment_reader s;
    struct sealed_record r;
    struct entry entry;
    uint64_t limit = ledger_size(l);
    segment_reader_init(&s, ledger_dir(l), stream, ledger_ring(l)->log_id);
    int rc = segment_reader_seek(&s, from, e);
    while (rc == 0 && (rc = segment_reader_peek(&s, limit, &r, e)) == 1) {
        rc = entry_parse(r.entry, &entry, e);
        if (rc == 0 && r.index >= from && !each(context, &r, &entry))
            break;
        segment_reader_step(&s, &r);
    }
    segment_reader_release(&s);
    return rc;
}

struct wanted {
    uint64_t index;
    bool found;
    uint8_t id[KEY_ID];
    tq_time time;
};

static bool take_id(void *context, const struct sealed_record *r, const struct entry *entry)
{
    struct wanted *w = context;
    if (r->index == w->index) {
        memcpy(w->id, entry->key_id, KEY_ID);
        w->time = entry->time;
        w->found = true;
    }
    return r->index < w->index;
}

int ledger_aged(struct ledger *l, const uint8_t scope[LEDGER_SCOPE], tq_time before, tq_time now, size_t most, struct ledger_aged *ret,
                struct error *e)
{
    const struct keyring *k = ledger_ring(l);
    struct ledger_aged a = {0};
    size_t passed = 0; /* from the future, and not taken yet */
    for (size_t i = 0; i < k->n && a.n < most; i++) {
        const struct period_key *p = keyring_at(k, i);
        struct wanted w = {.index = p->first};
        if (memcmp(p->scope, scope, KEY_SCOPE) != 0)
            continue;
        if (walk(l, (enum ledger_stream)(p->stream & ~KEY_FLAGS), p->first, take_id, &w, e) < 0)
            return -1;
        if (!w.found || memcmp(w.id, p->id, KEY_ID) != 0) /* a key whose record was never committed */
            continue;
        if (w.time >= before && w.time <= now)
            break;
        passed++;
        if (w.time >= before)
            continue;
        a.n += passed;
        a.last = p->first;
        a.time = w.time;
        passed = 0;
    }
    *ret = a;
    return 0;
}

int ledger_key_of(struct ledger *l, uint64_t index, uint8_t ret_id[LEDGER_KEY_ID], bool *ret_scoped, struct error *e)
{
    static const uint8_t nobody[KEY_SCOPE];
    struct wanted w = {.index = index};
    for (unsigned i = 1; i <= STREAMS && !w.found; i++)
        if (walk(l, (enum ledger_stream)i, index, take_id, &w, e) != 0)
            return -1;
    const struct period_key *p = w.found ? keyring_by_id(ledger_ring(l), w.id) : NULL;
    if (p == NULL)
        return err_set(e, ERR_MISUSE, "record %llu is not there, or its key is gone", (unsigned long long)index);
    memcpy(ret_id, w.id, KEY_ID);
    *ret_scoped = memcmp(p->scope, nobody, KEY_SCOPE) != 0 || (p->stream & KEY_FLAGS) != 0;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, KEY_ID);
}

struct sought {
    const uint8_t *ids; /* sorted */
    size_t n;
    ledger_each_index *each;
    void *context;
};

static bool tell_index(void *context, const struct sealed_record *r, const struct entry *entry)
{
    const struct sought *s = context;
    if (bsearch(entry->key_id, s->ids, s->n, KEY_ID, compare_ids) != NULL)
        s->each(s->context, r->index);
    return true;
}

int ledger_records_of(struct ledger *l, struct span ids, ledger_each_index *each, void *context, struct error *e)
{
    uint64_t from = ids.n == 0 ? LEDGER_NO_RECORD : 0;
    uint8_t *sorted = malloc(ids.n == 0 ? 1 : ids.n);
    if (sorted == NULL)
        return err_sys(e, ENOMEM, "looking for records");
    bool known = ids.n > 0;
    uint64_t least = LEDGER_NO_RECORD;
    for (size_t i = 0; i < ids.n; i += KEY_ID) {
        const struct period_key *p = keyring_by_id(ledger_ring(l), ids.p + i);
        known &= p != NULL;
        if (p != NULL && p->first < least)
            least = p->first;
    }
    if (known)
        from = least;
    if (ids.n > 0)
        memcpy(sorted, ids.p, ids.n);
    qsort(sorted, ids.n / KEY_ID, KEY_ID, compare_ids);
    struct sought s = {.ids = sorted, .n = ids.n / KEY_ID, .each = each, .context = context};
    int rc = 0;
    for (unsigned i = 1; i <= STREAMS && rc == 0 && ids.n > 0; i++)
        rc = walk(l, (enum ledger_stream)i, from, tell_index, &s, e);
    free(sorted);
    return rc;
}

/* ── Changing ── */

/* What a change of the keyring came to. unsure: the disk failed in the middle, and only a start can tell which keyring is there. */
static int outcome(struct ledger *l, int rc, bool unsure, const struct error *why, struct error *e)
{
    ledger_forget_keys(l);
    if (rc != 0 && unsure)
        return ledger_fail(l, why, e);
    if (rc != 0 && e != NULL)
        *e = *why;
    return rc;
}

/* Keys that wait for a commit must not go into a keyring whose records may fail; and what is not committed must not lose its key. */
static int idle(const struct ledger *l, struct error *e)
{
    if (ledger_refuse(l, e) != 0)
        return -1;
    return ledger_queued(l) == 0 ? 0 : err_set(e, ERR_AGAIN, "records wait for a commit: commit them first");
}

int ledger_retire(struct ledger *l, struct span ids, struct error *e)
{
    if (idle(l, e) != 0)
        return -1;
    keyring_retire(ledger_ring(l), ids);
    ledger_forget_keys(l);
    return 0;
}

static int destroy(struct ledger *l, struct span ids, tq_time now, const struct erasing *why_gone, size_t *ret_n, struct error *e)
{
    struct error why = {0};
    bool unsure = false;
    if (idle(l, e) != 0)
        return -1;
    int rc = keyring_erase(ledger_ring(l), ledger_dir(l), ids, now, why_gone, ret_n, &unsure, &why);
    if (rc == 0 && *ret_n > 0)
        rc = keep_list(ledger_ring(l), ledger_dir(l), &why);
    return outcome(l, rc, unsure, &why, e);
}

int ledger_erase(struct ledger *l, struct span ids, tq_time now, uint64_t record, size_t *ret_n, struct error *e)
{
    return destroy(l, ids, now, &(struct erasing){.record = record, .carried_out = record == ERASED_BY_LIST ? 0 : record + 1}, ret_n, e);
}

int ledger_expire(struct ledger *l, struct span ids, tq_time now, uint64_t record, size_t *ret_n, struct error *e)
{
    return destroy(l, ids, now, &(struct erasing){.record = record}, ret_n, e);
}

int ledger_erasures(struct ledger *l, struct buf *out, struct error *e)
{
    return keyring_erasures(ledger_ring(l), out, e);
}

int ledger_replay_erasures(struct ledger *l, struct span list, tq_time now, size_t *ret_n, struct error *e)
{
    struct buf ids = BUF_INIT((size_t)KEYRING_ERASED_MAX * KEY_ID);
    *ret_n = 0;
    int rc = keyring_erasures_match(ledger_ring(l), list, &ids, e);
    if (rc == 0 && ids.n > 0)
        rc = ledger_erase(l, buf_span(&ids), now, ERASED_BY_LIST, ret_n, e);
    buf_release(&ids);
    return rc;
}

int ledger_rotate(struct ledger *l, const struct root_source *source, tq_time now, struct error *e)
{
    struct error why = {0};
    bool unsure = false;
    if (idle(l, e) != 0)
        return -1;
    int rc = keyring_rotate(ledger_ring(l), ledger_dir(l), source, now, &unsure, &why);
    return outcome(l, rc, unsure, &why, e);
}

int ledger_recovery_new(struct ledger *l, tq_time now, char text[RECOVERY_TEXT], struct error *e)
{
    struct error why = {0};
    uint8_t secret[BOX_SECRET];
    bool unsure = false;
    if (ledger_refuse(l, e) != 0)
        return -1;
    int rc = keyring_recovery_new(ledger_ring(l), ledger_dir(l), now, secret, &unsure, &why);
    if (rc == 0)
        recovery_text(secret, text);
    crypto_wipe(secret, sizeof secret);
    return outcome(l, rc, unsure, &why, e);
}

int ledger_recovery_test(struct ledger *l, struct span text, tq_time now, struct error *e)
{
    struct error why = {0};
    uint8_t secret[BOX_SECRET];
    bool unsure = false;
    if (ledger_refuse(l, e) != 0 || recovery_read(text, secret, e) != 0)
        return -1;
    int rc = keyring_recovery_test(ledger_ring(l), ledger_dir(l), secret, now, &unsure, &why);
    crypto_wipe(secret, sizeof secret);
    return outcome(l, rc, unsure, &why, e);
}

int ledger_recover_keys(const char *dir, struct span recovery_text, const struct root_source *source, tq_time now, struct error *e)
{
    uint8_t secret[BOX_SECRET];
    if (crypto_start(e) != 0 || recovery_read(recovery_text, secret, e) != 0)
        return -1;
    int fd = ledger_folder_open(dir, e);
    int lock = fd < 0 ? -1 : ledger_lock(fd, e);
    int rc = lock < 0 ? -1 : keyring_recover(fd, secret, source, now, e);
    crypto_wipe(secret, sizeof secret);
    if (lock >= 0)
        (void)close(lock);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}
