#include "record/ledger/keyring.h"

#include "record/ledger/file.h"
#include "record/ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKED 4           /* bytes of a scope among several */
#define APPENDED_MOST 1024 /* frames behind the base before the key file is written anew */

/* ── In memory ── */

struct keyring *keyring_new(struct error *e)
{
    bool locked = false;
    struct keyring *k = crypto_secret_new(sizeof *k, &locked);
    if (k == NULL) {
        (void)err_sys(e, ENOMEM, "making room for keys");
        return NULL;
    }
    k->locked = locked;
    k->format = SLOTS_FORMAT;
    k->epoch = 1;
    k->most = KEYRING_KEYS_MAX;
    (void)pthread_mutex_init(&k->mutex, NULL);
    return k;
}

void keyring_free(struct keyring *k)
{
    if (k == NULL)
        return;
    for (size_t i = 0; i < CHUNKS && k->chunk[i] != NULL; i++)
        crypto_secret_free(k->chunk[i], CHUNK_KEYS * sizeof **k->chunk);
    free(k->by_id.at);
    free(k->by_scope.at);
    free(k->by_erased.at);
    free(k->erased);
    (void)pthread_mutex_destroy(&k->mutex);
    crypto_secret_free(k, sizeof *k);
}

static struct period_key *at(const struct keyring *k, size_t i)
{
    return &k->chunk[i / CHUNK_KEYS][i % CHUNK_KEYS];
}

const struct period_key *keyring_at(const struct keyring *k, size_t i)
{
    return at(k, i);
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Ids and scopes are random, or keyed hashes: their own bits are as good as any hash of them. */
static uint64_t scope_hash(const struct period_key *p)
{
    return (word(p->scope) + p->period * UINT64_C(0x9e3779b97f4a7c15)) ^ p->stream;
}

static bool same_scope(const struct period_key *a, const struct period_key *b)
{
    return a->stream == b->stream && a->period == b->period && a->epoch == b->epoch && memcmp(a->scope, b->scope, KEY_SCOPE) == 0;
}

/* The slot of what equals `wanted`, or the free one where it belongs. */
static uint32_t *slot_by_id(const struct keyring *k, const uint8_t id[KEY_ID])
{
    size_t mask = k->by_id.size - 1;
    for (size_t i = word(id) & mask;; i = (i + 1) & mask)
        if (k->by_id.at[i] == 0 || memcmp(at(k, k->by_id.at[i] - 1)->id, id, KEY_ID) == 0)
            return &k->by_id.at[i];
}

static uint32_t *slot_by_scope(const struct keyring *k, const struct period_key *wanted)
{
    size_t mask = k->by_scope.size - 1;
    for (size_t i = scope_hash(wanted) & mask;; i = (i + 1) & mask)
        if (k->by_scope.at[i] == 0 || same_scope(at(k, k->by_scope.at[i] - 1), wanted))
            return &k->by_scope.at[i];
}

static uint32_t *slot_by_erased(const struct keyring *k, const uint8_t id[KEY_ID])
{
    size_t mask = k->by_erased.size - 1;
    for (size_t i = word(id) & mask;; i = (i + 1) & mask)
        if (k->by_erased.at[i] == 0 || memcmp(k->erased[k->by_erased.at[i] - 1].id, id, KEY_ID) == 0)
            return &k->by_erased.at[i];
}

/* Room for n more at a load of at most two thirds. Growing empties it: the caller puts everything in again. False: no memory. */
static bool index_grow(struct key_index *x, size_t n)
{
    size_t size = 64;
    while (size * 2 < 3 * n)
        size *= 2;
    uint32_t *fresh = calloc(size, sizeof *fresh);
    if (fresh == NULL)
        return false;
    free(x->at);
    *x = (struct key_index){.at = fresh, .size = size};
    return true;
}

static bool index_full(const struct key_index *x)
{
    return (x->n + 1) * 3 > x->size * 2;
}

static void index_one(struct keyring *k, size_t i)
{
    uint32_t *slot = slot_by_id(k, at(k, i)->id);
    k->by_id.n += *slot == 0;
    *slot = (uint32_t)i + 1;
    if (at(k, i)->epoch != k->epoch || (at(k, i)->stream & KEY_SHARED) != 0)
        return;
    slot = slot_by_scope(k, at(k, i));
    k->by_scope.n += *slot == 0;
    *slot = (uint32_t)i + 1;
}

bool keyring_index_all(struct keyring *k)
{
    size_t room = k->n < 32 ? 64 : 2 * k->n;
    if (!index_grow(&k->by_id, room) || !index_grow(&k->by_scope, room))
        return false;
    for (size_t i = 0; i < k->n; i++)
        index_one(k, i);
    return true;
}

static int put_locked(struct keyring *k, const struct period_key *key, struct error *e)
{
    size_t chunk = k->n / CHUNK_KEYS;
    bool locked = true;
    if (k->n >= k->most)
        return err_set(e, ERR_LIMIT, "the keyring is full (%zu period keys): shorten how long records are kept", k->most);
    if (k->chunk[chunk] == NULL)
        k->chunk[chunk] = crypto_secret_new(CHUNK_KEYS * sizeof **k->chunk, &locked);
    if (k->chunk[chunk] == NULL || ((index_full(&k->by_id) || index_full(&k->by_scope)) && !keyring_index_all(k)))
        return err_sys(e, ENOMEM, "making room for keys");
    k->locked &= locked;
    *at(k, k->n) = *key;
    index_one(k, k->n++);
    return 0;
}

int keyring_put(struct keyring *k, const struct period_key *key, struct error *e)
{
    (void)pthread_mutex_lock(&k->mutex);
    int rc = put_locked(k, key, e);
    (void)pthread_mutex_unlock(&k->mutex);
    return rc;
}

uint32_t keyring_period(tq_time time)
{
    char text[TIME_TEXT];
    (void)time_format(time, text);
    uint32_t period = 0;
    for (const char *p = text; p < text + 7; p++) {
        if (*p != '-')
            period = period * 10 + (uint32_t)(*p - '0');
    }
    return period;
}

bool keyring_short(const struct keyring *k)
{
    return k->n >= k->most - k->most / 16;
}

/* The writer alone changes which it is. */
static const struct period_key *in_use(const struct keyring *k, const struct period_key *wanted)
{
    uint32_t there = k->by_scope.size == 0 ? 0 : *slot_by_scope(k, wanted);
    return there == 0 || at(k, there - 1)->retired ? NULL : at(k, there - 1);
}

const struct period_key *keyring_take(struct keyring *k, uint8_t stream, tq_time time, const uint8_t *scope, uint64_t first, struct error *e)
{
    struct period_key wanted = {.stream = stream, .period = keyring_period(time), .epoch = k->epoch, .first = first};
    if (scope != NULL)
        memcpy(wanted.scope, scope, KEY_SCOPE);
    const struct period_key *there = in_use(k, &wanted);
    if (there == NULL && scope != NULL && keyring_short(k)) {
        wanted.stream |= KEY_BUCKET;
        memset(wanted.scope + 1, 0, KEY_SCOPE - 1);
        there = in_use(k, &wanted);
    }
    if (there != NULL)
        return there;
    crypto_random(wanted.id, sizeof wanted.id);
    crypto_random(wanted.key, sizeof wanted.key);
    int rc = keyring_put(k, &wanted, e);
    crypto_wipe(&wanted, sizeof wanted);
    return rc == 0 ? at(k, k->n - 1) : NULL;
}

void keyring_retire(struct keyring *k, struct span ids)
{
    while (ids.n >= KEY_ID) {
        uint32_t there = k->by_id.size == 0 ? 0 : *slot_by_id(k, span_take(&ids, KEY_ID).p);
        if (there != 0)
            at(k, there - 1)->retired = true;
    }
}

const struct period_key *keyring_share(struct keyring *k, uint8_t stream, tq_time time, const uint8_t (*scopes)[KEY_SCOPE], size_t n, uint64_t first,
                                       struct error *e)
{
    struct period_key p = {.stream = stream | KEY_SHARED, .period = keyring_period(time), .epoch = k->epoch, .first = first};
    size_t whole = n <= KEY_WHOLE_MAX ? n : memcmp(scopes[0], LEDGER_KIND, sizeof LEDGER_KIND - 1) == 0 ? 1 : 0;
    int rc = 0;
    crypto_random(p.id, sizeof p.id);
    crypto_random(p.key, sizeof p.key);
    if (n == 0)
        rc = keyring_put(k, &p, e);
    for (size_t i = 0; i < whole && rc == 0; i++) {
        memcpy(p.scope, scopes[i], KEY_SCOPE);
        rc = keyring_put(k, &p, e);
    }
    p.stream |= KEY_PACKED;
    for (size_t i = whole; i < n && rc == 0; i += KEY_SCOPE / PACKED) {
        for (size_t at = 0; at < KEY_SCOPE / PACKED; at++)
            memcpy(p.scope + at * PACKED, scopes[i + at < n ? i + at : n - 1], PACKED);
        rc = keyring_put(k, &p, e);
    }
    crypto_wipe(&p, sizeof p);
    return rc == 0 ? at(k, k->n - 1) : NULL;
}

bool keyring_is_of(const struct period_key *p, struct span scope_prefix)
{
    if ((p->stream & KEY_BUCKET) != 0)
        return p->scope[0] == scope_prefix.p[0];
    if ((p->stream & KEY_PACKED) == 0)
        return memcmp(p->scope, scope_prefix.p, scope_prefix.n) == 0;
    for (size_t at = 0; at < KEY_SCOPE && scope_prefix.n >= PACKED; at += PACKED)
        if (memcmp(p->scope + at, scope_prefix.p, PACKED) == 0)
            return true;
    return false;
}

const struct period_key *keyring_by_id(const struct keyring *k, const uint8_t id[KEY_ID])
{
    uint32_t there = k->by_id.size == 0 ? 0 : *slot_by_id(k, id);
    return there == 0 ? NULL : at(k, there - 1);
}

bool keyring_find(struct keyring *k, const uint8_t id[KEY_ID], uint8_t ret_key[32], struct erased_key *ret_erased)
{
    *ret_erased = (struct erased_key){0};
    (void)pthread_mutex_lock(&k->mutex);
    uint32_t there = k->by_id.size == 0 ? 0 : *slot_by_id(k, id);
    if (there != 0)
        memcpy(ret_key, at(k, there - 1)->key, 32);
    else if (k->by_erased.size > 0 && (there = *slot_by_erased(k, id)) != 0) {
        *ret_erased = k->erased[there - 1];
        there = 0;
    }
    (void)pthread_mutex_unlock(&k->mutex);
    return there != 0;
}

/* ── What is erased ── */

bool keyring_erased_room(struct keyring *k, size_t more)
{
    size_t want = k->erased_n + more;
    if (want > KEYRING_ERASED_MAX)
        return false;
    if (want > k->erased_size) {
        size_t size = want < 64 ? 64 : want + want / 2;
        struct erased_key *grown = realloc(k->erased, size * sizeof *grown);
        if (grown == NULL)
            return false;
        k->erased = grown;
        k->erased_size = size;
    }
    if ((k->by_erased.n + more + 1) * 3 <= k->by_erased.size * 2)
        return true;
    if (!index_grow(&k->by_erased, 2 * want + 64))
        return false;
    for (size_t i = 0; i < k->erased_n; i++, k->by_erased.n++)
        *slot_by_erased(k, k->erased[i].id) = (uint32_t)i + 1;
    return true;
}

void keyring_erased_add(struct keyring *k, const struct erased_key *x)
{
    k->erased[k->erased_n] = *x;
    uint32_t *slot = slot_by_erased(k, x->id);
    k->by_erased.n += *slot == 0;
    *slot = (uint32_t)++k->erased_n;
}

void keyring_erased_cut(struct keyring *k, size_t n)
{
    k->erased_n = n;
    k->by_erased.n = 0;
    if (k->by_erased.size > 0)
        memset(k->by_erased.at, 0, k->by_erased.size * sizeof *k->by_erased.at);
    for (size_t i = 0; i < n; i++, k->by_erased.n++)
        *slot_by_erased(k, k->erased[i].id) = (uint32_t)i + 1;
}

/* ── Making ── */

/* A root key for new slots: made where the source is a file that is not there. salt, cost: for a passphrase. */
static int fresh_root(const struct root_source *source, uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost *cost, uint8_t root[ROOT_KEY],
                      struct error *e)
{
    struct error why = {0};
    *cost = source->cost.passes != 0 ? source->cost : passphrase_cost();
    crypto_random(salt, PASSPHRASE_SALT);
    if (root_open(source, salt, *cost, root, &why) == 0)
        return 0;
    if (why.class == ERR_CLOSED && source->kind == ROOT_FILE && root_key_make(source->path, e) == 0)
        return root_open(source, salt, *cost, root, e);
    if (why.class != ERR_CLOSED && e != NULL)
        *e = why;
    return -1;
}

int keyring_make(struct keyring *k, int dir, const struct root_source *source, const char *origin, tq_time now, struct error *e)
{
    uint8_t salt[PASSPHRASE_SALT];
    struct passphrase_cost cost;
    size_t n = strnlen(origin, NOTE_NAME_MAX);
    if (fresh_root(source, salt, &cost, k->root, e) != 0)
        return -1;
    if (source->kind == ROOT_FILE && source->secret.n == 0 && /* an operator may have put it there just now */
        (file_sync_path(AT_FDCWD, source->path, e) != 0 || file_sync_parent(AT_FDCWD, source->path, e) != 0))
        return -1;
    crypto_random(k->log_id, sizeof k->log_id);
    crypto_random(k->seed, sizeof k->seed);
    crypto_random(k->purpose, sizeof k->purpose);
    crypto_random(k->w, sizeof k->w);
    memcpy(k->origin, origin, n);
    k->origin[n] = 0;
    k->made = now;
    memcpy(k->slots.log_id, k->log_id, LOG_ID);
    crypto_random(k->slots.generation, GENERATION);
    slots_wrap_root(&k->slots, source->kind, salt, cost, k->root, k->w, now);
    if (keyfile_write(k, dir, e) != 0)
        return -1;
    slots_confirm(&k->slots, k->w);
    return slots_create(dir, &k->slots, e);
}

/* ── Loading ── */

/* The file that holds the next root key while the slots are being changed over to it. */
static bool next_path(const struct root_source *source, char out[PATH_MAX])
{
    return source->kind == ROOT_FILE && source->secret.n == 0 && (size_t)snprintf(out, PATH_MAX, "%s.next", source->path) < PATH_MAX;
}

static int open_slots(struct keyring *k, const struct root_source *source, struct error *e)
{
    char path[PATH_MAX];
    struct error why = {0};
    if (slots_open(&k->slots, source, k->w, k->root, &why) == 0)
        return 0;
    struct root_source next = {.kind = ROOT_FILE, .path = path};
    if (next_path(source, path) && slots_open(&k->slots, &next, k->w, k->root, NULL) == 0)
        return 0;
    if (why.class == ERR_CLOSED)
        return err_set(e, ERR_MISUSE, "the root key %s is missing: without it nothing in the ledger can be read; put the file back", source->path);
    *e = why;
    return -1;
}

int keyring_load(struct keyring *k, int dir, const struct root_source *source, struct error *e)
{
    struct error why = {0};
    struct buf file = BUF_INIT(KEYRING_1_MAX);
    int rc = file_load(dir, "keyring", KEYRING_1_MAX, &file, &why);
    if (rc == 0) {
        k->format = keyring_1_is(buf_span(&file)) ? 1 : SLOTS_FORMAT;
        if (k->format == 1)
            rc = keyring_1_read(k, buf_span(&file), source, &why);
        else if ((rc = slots_parse(buf_span(&file), &k->slots, NULL, &why)) == 0 && (rc = open_slots(k, source, &why)) == 0)
            rc = keyfile_read(k, dir, &why);
    }
    buf_release(&file);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}

/* Format 1 becomes format 2: the key file first, durable; then one rename puts slots that name it in the old keyring's place. Before it the old one
 * is whole, after it the new one. */
static int move_up(struct keyring *k, int dir, const struct root_source *source, tq_time now, struct error *e)
{
    uint8_t salt[PASSPHRASE_SALT] = {0};
    crypto_random(k->w, sizeof k->w);
    k->made = now;
    memcpy(k->slots.log_id, k->log_id, LOG_ID);
    crypto_random(k->slots.generation, GENERATION);
    slots_wrap_root(&k->slots, source->kind, salt, (struct passphrase_cost){0}, k->root, k->w, now);
    if (keyfile_write(k, dir, e) != 0)
        return -1;
    slots_confirm(&k->slots, k->w);
    k->durable = k->n;
    k->format = SLOTS_FORMAT;
    return slots_create(dir, &k->slots, e);
}

/* A change of the root key's file that was cut short: it is finished where the slots know the new one, else forgotten. */
static int settle_root(const struct keyring *k, const struct root_source *source, struct error *e)
{
    char path[PATH_MAX];
    uint8_t key[ROOT_KEY];
    if (!next_path(source, path) || root_key_load(path, key, NULL) != 0)
        return 0;
    bool is_it = crypto_equal(key, k->root, sizeof key);
    int rc = is_it ? root_key_put(source->path, key, e) : 0;
    crypto_wipe(key, sizeof key);
    return rc == 0 ? root_key_drop(path, e) : -1;
}

/* How many frames a fresh key file would have, about. */
static uint64_t key_frames(const struct keyring *k)
{
    return 3 + (k->n + k->erased_n) / 4096;
}

int keyring_settle(struct keyring *k, int dir, const struct root_source *source, tq_time now, struct error *e)
{
    bool unsure;
    if (k->format == 1)
        return move_up(k, dir, source, now, e) == 0 ? keyfile_drop_others(dir, k->slots.generation, e) : -1;
    if (k->frames > k->slots.base && keyfile_rewrite_tail(k, dir, e) != 0)
        return -1;
    if (slots_mend(dir, &k->slots, e) != 0 || settle_root(k, source, e) != 0 || keyfile_drop_others(dir, k->slots.generation, e) != 0)
        return -1;
    bool anew = k->frames > key_frames(k) + APPENDED_MOST || k->file_format != KEYFILE_FORMAT; /* an earlier program must not misread what comes */
    return anew ? keyring_renew(k, dir, &unsure, e) : 0;
}

int keyring_flush(struct keyring *k, int dir, struct error *e)
{
    bool unsure;
    if (k->durable == k->n)
        return 0;
    if (k->frames > key_frames(k) + 16 * APPENDED_MOST)
        return keyring_renew(k, dir, &unsure, e);
    return keyfile_append(k, dir, e);
}

int keyring_base(struct keyring *k, int dir, struct error *e)
{
    if (k->slots.base == k->frames)
        return 0;
    k->slots.base = (uint32_t)k->frames;
    k->base_end = k->end;
    return slots_update(dir, &k->slots, k->w, e);
}

int keyring_check(int dir, struct error *e)
{
    struct buf file = BUF_INIT(KEYRING_1_MAX);
    struct slots s;
    enum slots_other other = SLOTS_ALIKE;
    int rc = file_load(dir, "keyring", KEYRING_1_MAX, &file, e);
    if (rc == 0 && keyring_1_is(buf_span(&file)))
        rc = keyring_1_check(buf_span(&file), e);
    else if (rc == 0 && (rc = slots_parse(buf_span(&file), &s, &other, e)) == 0)
        rc = keyfile_check(dir, &s, e);
    if (rc == 0 && other == SLOTS_DAMAGED)
        rc = err_set(e, ERR_CORRUPT, "one of the keyring's two copies does not hold: the next start writes it anew from the other");
    buf_release(&file);
    return rc;
}
