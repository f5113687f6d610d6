/* What changes a keyring as a whole: a new W for erasing and rotating, the recovery key, the erasure list. */
#include "record/ledger/file.h"
#include "record/ledger/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ── A new W ── */

/* Takes the keys that went out of memory, and the indexes anew. */
static int forget_gone(struct keyring *k, struct error *e)
{
    size_t n = 0;
    (void)pthread_mutex_lock(&k->mutex);
    for (size_t i = 0; i < k->n; i++) {
        struct period_key *p = &k->chunk[i / CHUNK_KEYS][i % CHUNK_KEYS];
        if (p->going)
            continue;
        if (n != i) /* keys that stay where they are may be read meanwhile */
            k->chunk[n / CHUNK_KEYS][n % CHUNK_KEYS] = *p;
        n++;
    }
    for (size_t i = n; i < k->n; i++)
        crypto_wipe(&k->chunk[i / CHUNK_KEYS][i % CHUNK_KEYS], sizeof(struct period_key));
    k->n = n;
    bool good = keyring_index_all(k);
    (void)pthread_mutex_unlock(&k->mutex);
    k->durable = k->n;
    return good ? 0 : err_sys(e, ENOMEM, "making room for keys");
}

int keyring_renew(struct keyring *k, int dir, bool *ret_unsure, struct error *e)
{
    struct slots before = k->slots;
    uint8_t w_before[WRAPPING_KEY];
    *ret_unsure = false;
    memcpy(w_before, k->w, sizeof w_before);
    crypto_random(k->w, sizeof k->w);
    crypto_random(k->slots.generation, GENERATION);
    uint64_t frames = k->frames;
    uint64_t base_end = k->base_end;
    uint64_t end = k->end;
    int rc = keyfile_write(k, dir, e);
    if (rc == 0 && !slots_wrap_again(&k->slots, k->root, k->w))
        rc = err_set(e, ERR_CORRUPT, "the recovery key's public half cannot be used: make a new recovery key");
    if (rc != 0) { /* nothing names the new file: all is as it was */
        k->slots = before;
        memcpy(k->w, w_before, sizeof w_before);
        k->frames = frames;
        k->base_end = base_end;
        k->end = end;
        (void)keyfile_drop_others(dir, before.generation, NULL);
    } else {
        rc = slots_update(dir, &k->slots, k->w, e);
        if (rc == 0)
            rc = forget_gone(k, e);
        if (rc == 0)
            rc = keyfile_drop(dir, before.generation, e);
        *ret_unsure = rc != 0;
    }
    crypto_wipe(w_before, sizeof w_before);
    return rc;
}

/* ── Erasing ── */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, KEY_ID);
}

int keyring_erase(struct keyring *k, int dir, struct span ids, tq_time now, const struct erasing *why, size_t *ret_n, bool *ret_unsure,
                  struct error *e)
{
    size_t n = 0;
    size_t erased_before = k->erased_n;
    uint64_t carried_out = k->carried_out;
    *ret_unsure = false;
    *ret_n = 0;
    uint8_t *sorted = malloc(ids.n == 0 ? 1 : ids.n);
    if (sorted == NULL)
        return err_sys(e, ENOMEM, "erasing keys");
    if (ids.n > 0)
        memcpy(sorted, ids.p, ids.n);
    qsort(sorted, ids.n / KEY_ID, KEY_ID, compare_ids);
    for (size_t i = 0; i < k->n; i++) {
        struct period_key *p = &k->chunk[i / CHUNK_KEYS][i % CHUNK_KEYS];
        p->going = bsearch(p->id, sorted, ids.n / KEY_ID, KEY_ID, compare_ids) != NULL;
        n += p->going && keyring_by_id(k, p->id) == p; /* a shared key is there several times */
    }
    free(sorted);
    (void)pthread_mutex_lock(&k->mutex);
    bool room = keyring_erased_room(k, n);
    for (size_t i = 0; room && i < k->n; i++) {
        const struct period_key *p = keyring_at(k, i);
        struct erased_key x = {.at = now != 0 ? now : 1, .record = why->record};
        memcpy(x.id, p->id, KEY_ID);
        if (p->going && keyring_by_id(k, p->id) == p)
            keyring_erased_add(k, &x);
    }
    (void)pthread_mutex_unlock(&k->mutex);
    if (why->carried_out > k->carried_out)
        k->carried_out = why->carried_out;
    int rc = room ? 0 : err_set(e, ERR_LIMIT, "more keys are erased than are remembered (%u)", KEYRING_ERASED_MAX);
    if (rc == 0 && n + (carried_out != k->carried_out) > 0)
        rc = keyring_renew(k, dir, ret_unsure, e);
    if (rc == 0) {
        *ret_n = n;
        return 0;
    }
    for (size_t i = 0; i < k->n && !*ret_unsure; i++)
        k->chunk[i / CHUNK_KEYS][i % CHUNK_KEYS].going = false;
    if (!*ret_unsure) {
        (void)pthread_mutex_lock(&k->mutex);
        keyring_erased_cut(k, erased_before);
        (void)pthread_mutex_unlock(&k->mutex);
        k->carried_out = carried_out;
    }
    return rc;
}

/* ── Rotating ── */

/* A root key for the source from now on, with a slot for it. A file gets new bytes, first beside the old ones: until the slots know the new key, a
 * crash finds the old one in its place; afterwards the new one beside it (settle_root). */
static int change_root(struct keyring *k, const struct root_source *source, tq_time now, char next[PATH_MAX], struct error *e)
{
    uint8_t salt[PASSPHRASE_SALT];
    uint8_t root[ROOT_KEY];
    struct root_source s = *source;
    struct passphrase_cost cost = s.cost.passes != 0 ? s.cost : passphrase_cost();
    crypto_random(salt, sizeof salt);
    next[0] = 0;
    if (s.kind == ROOT_FILE && s.secret.n == 0) {
        if ((size_t)snprintf(next, PATH_MAX, "%s.next", s.path) >= PATH_MAX)
            return err_set(e, ERR_MISUSE, "the path of the root key is too long");
        if (file_remove(AT_FDCWD, next, e) != 0 || root_key_make(next, e) != 0)
            return -1;
        s.path = next;
    }
    int rc = root_open(&s, salt, cost, root, e);
    if (rc == 0) {
        memcpy(k->root, root, sizeof root);
        slots_wrap_root(&k->slots, s.kind, salt, cost, root, k->w, now);
    }
    crypto_wipe(root, sizeof root);
    return rc;
}

int keyring_rotate(struct keyring *k, int dir, const struct root_source *source, tq_time now, bool *ret_unsure, struct error *e)
{
    struct slots before = k->slots;
    uint8_t root_before[ROOT_KEY];
    uint32_t epoch = k->epoch;
    tq_time rotated = k->rotated;
    char next[PATH_MAX] = "";
    *ret_unsure = false;
    memcpy(root_before, k->root, sizeof root_before);
    int rc = source == NULL ? 0 : change_root(k, source, now, next, e);
    if (rc == 0) {
        k->epoch++;
        k->rotated = now;
        rc = keyring_renew(k, dir, ret_unsure, e);
    }
    if (rc == 0 && next[0] != 0) {
        rc = root_key_put(source->path, k->root, e) == 0 ? root_key_drop(next, e) : -1;
        *ret_unsure = rc != 0;
    }
    if (rc != 0 && !*ret_unsure) {
        k->slots = before;
        memcpy(k->root, root_before, sizeof root_before);
        k->epoch = epoch;
        k->rotated = rotated;
        if (next[0] != 0)
            (void)root_key_drop(next, NULL);
    }
    crypto_wipe(root_before, sizeof root_before);
    return rc;
}

/* ── The recovery key ── */

int keyring_recovery_new(struct keyring *k, int dir, tq_time now, uint8_t ret_secret[BOX_SECRET], bool *ret_unsure, struct error *e)
{
    struct slots s = k->slots;
    uint8_t public_key[BOX_PUBLIC];
    *ret_unsure = false;
    crypto_random(ret_secret, BOX_SECRET);
    box_public(ret_secret, public_key);
    if (!slots_wrap_recovery(&s, public_key, k->w, now))
        return err_set(e, ERR_SYSTEM, "making the recovery key failed: try again");
    *ret_unsure = slots_update(dir, &s, k->w, e) != 0;
    k->slots = s;
    return *ret_unsure ? -1 : 0;
}

int keyring_recovery_test(struct keyring *k, int dir, const uint8_t secret[BOX_SECRET], tq_time now, bool *ret_unsure, struct error *e)
{
    uint8_t w[WRAPPING_KEY];
    *ret_unsure = false;
    int rc = slots_open_recovery(&k->slots, secret, w, e);
    if (rc == 0 && !crypto_equal(w, k->w, sizeof w))
        rc = err_set(e, ERR_CORRUPT, "the recovery key opens another keyring than this one: make a new recovery key");
    crypto_wipe(w, sizeof w);
    if (rc != 0)
        return -1;
    for (uint32_t i = 0; i < k->slots.n; i++)
        if (k->slots.slot[i].kind == SLOT_RECOVERY)
            k->slots.slot[i].tested = now;
    *ret_unsure = slots_update(dir, &k->slots, k->w, e) != 0;
    return *ret_unsure ? -1 : 0;
}

int keyring_recover(int dir, const uint8_t secret[BOX_SECRET], const struct root_source *source, tq_time now, struct error *e)
{
    struct slots s;
    uint8_t w[WRAPPING_KEY];
    uint8_t salt[PASSPHRASE_SALT];
    uint8_t root[ROOT_KEY];
    struct passphrase_cost cost = source->cost.passes != 0 ? source->cost : passphrase_cost();
    struct error why = {0};
    crypto_random(salt, sizeof salt);
    if (slots_load(dir, &s, e) != 0 || slots_open_recovery(&s, secret, w, e) != 0) {
        crypto_wipe(w, sizeof w);
        return -1;
    }
    int rc = root_open(source, salt, cost, root, &why);
    if (rc != 0 && why.class == ERR_CLOSED && source->kind == ROOT_FILE)
        rc = root_key_make(source->path, &why) == 0 ? root_open(source, salt, cost, root, &why) : -1;
    if (rc == 0) {
        slots_wrap_root(&s, source->kind, salt, cost, root, w, now);
        rc = slots_update(dir, &s, w, &why);
    }
    crypto_wipe(w, sizeof w);
    crypto_wipe(root, sizeof root);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}

/* ── The erasure list ── */

#define LIST_MAGIC SPAN_LIT("TQERASE\n")
#define LIST_FORMAT 1
#define LIST_HEADER 40
#define MARK 16

static void list_key(const struct keyring *k, struct crypto_hmac *ret)
{
    uint8_t key[32];
    crypto_hkdf(span_of(k->purpose, sizeof k->purpose), span_of(k->log_id, LOG_ID), SPAN_LIT("tourniquet erasures v1"), key, sizeof key);
    crypto_hmac_set(ret, span_of(key, sizeof key));
    crypto_wipe(key, sizeof key);
}

/* A key's mark on the list: nobody without the keyring learns from it which records it is about. */
static void mark_of(const struct crypto_hmac *h, const uint8_t id[KEY_ID], uint8_t out[MARK])
{
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_do(h, (struct span[]){SPAN_LIT("erased\n"), span_of(id, KEY_ID)}, 2, mac);
    memcpy(out, mac, MARK);
}

static void list_mac(const struct crypto_hmac *h, struct span list, uint8_t mac[SHA256_SIZE])
{
    crypto_hmac_do(h, (struct span[]){SPAN_LIT("list\n"), list}, 2, mac);
}

int keyring_erasures(struct keyring *k, struct buf *out, struct error *e)
{
    struct crypto_hmac h;
    uint8_t mac[SHA256_SIZE];
    size_t begin = out->n;
    list_key(k, &h);
    (void)pthread_mutex_lock(&k->mutex);
    size_t n = k->erased_n;
    buf_add_span(out, LIST_MAGIC);
    buf_be16(out, LIST_FORMAT);
    buf_add(out, (uint8_t[6]){0}, 6);
    buf_add(out, k->log_id, LOG_ID);
    buf_be64(out, n);
    if (buf_reserve(out, n * MARK + SHA256_SIZE)) {
        for (size_t i = 0; i < n; i++)
            mark_of(&h, k->erased[i].id, out->p + out->n + i * MARK);
        qsort(out->p + out->n, n, MARK, compare_ids); /* their order tells nothing either */
        out->n += n * MARK;
        list_mac(&h, span_of(out->p + begin, out->n - begin), mac);
        buf_add(out, mac, sizeof mac);
    }
    (void)pthread_mutex_unlock(&k->mutex);
    crypto_wipe(&h, sizeof h);
    return buf_ok(out) ? 0 : err_sys(e, ENOMEM, "writing the erasure list");
}

int keyring_erasures_match(struct keyring *k, struct span list, struct buf *ret_ids, struct error *e)
{
    struct crypto_hmac h;
    uint8_t mac[SHA256_SIZE];
    uint8_t mark[MARK];
    struct span in = list;
    unsigned format = in.n >= 10 && span_starts(in, LIST_MAGIC) ? (unsigned)in.p[8] << 8 | in.p[9] : 0;
    if (format > LIST_FORMAT)
        return err_set(e, ERR_LIMIT, "the erasure list was written by a newer program (format %u, this one knows %d)", format, LIST_FORMAT);
    (void)span_skip(&in, LIST_HEADER - 8);
    uint64_t n = span_be64(&in);
    if (in.bad || format == 0 || in.n < SHA256_SIZE || n != (in.n - SHA256_SIZE) / MARK || (in.n - SHA256_SIZE) % MARK != 0)
        return err_set(e, ERR_CORRUPT, "the erasure list is cut, or none: take the right one");
    list_key(k, &h);
    list_mac(&h, span_of(list.p, list.n - SHA256_SIZE), mac);
    bool good = crypto_equal(mac, list.p + list.n - SHA256_SIZE, sizeof mac);
    for (size_t i = 0; good && n > 0 && i < k->n; i++) {
        mark_of(&h, keyring_at(k, i)->id, mark);
        if (bsearch(mark, in.p, n, MARK, compare_ids) != NULL)
            buf_add(ret_ids, keyring_at(k, i)->id, KEY_ID);
    }
    crypto_wipe(&h, sizeof h);
    if (!good)
        return err_set(e, ERR_CORRUPT, "the erasure list is not this ledger's, or was changed");
    return buf_ok(ret_ids) ? 0 : err_sys(e, ENOMEM, "reading the erasure list");
}
