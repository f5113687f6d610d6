#include "record/ledger/slots.h"

#include "record/crypto/crypto.h"
#include "record/ledger/file.h"

#include <errno.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQKEYR1\n")
#define PATH "keyring"
#define HEADER 32 /* and its hash */
#define COPY 4096
#define COPY_USED (COPY - SHA256_SIZE)
#define MAC_AT (COPY_USED - SHA256_SIZE)
#define SLOT 256 /* bytes of a slot */
#define SLOTS_AT 64

static const uint8_t zero_nonce[AES_GCM_NONCE];

/* ── Writing ── */

static void put_slot(struct buf *out, const struct slot *s)
{
    size_t begin = out->n;
    buf_u8(out, s->kind);
    buf_add(out, (uint8_t[3]){0}, 3);
    buf_be32(out, s->cost.passes);
    buf_be32(out, s->cost.kib);
    buf_be32(out, 0);
    buf_be64(out, (uint64_t)s->made);
    buf_be64(out, (uint64_t)s->tested);
    buf_add(out, s->passphrase_salt, sizeof s->passphrase_salt);
    buf_add(out, s->salt, sizeof s->salt);
    buf_add(out, s->public_key, sizeof s->public_key);
    buf_add(out, s->check, sizeof s->check);
    buf_add(out, s->wrapped, sizeof s->wrapped);
    static const uint8_t zeros[SLOT];
    buf_add(out, zeros, SLOT - (out->n - begin));
}

static void put_copy(struct buf *out, const struct slots *s)
{
    static const uint8_t zeros[COPY];
    uint8_t hash[SHA256_SIZE];
    size_t begin = out->n;
    buf_be64(out, s->number);
    buf_add(out, s->log_id, sizeof s->log_id);
    buf_add(out, s->generation, sizeof s->generation);
    buf_be32(out, s->base);
    buf_be32(out, s->n);
    buf_add(out, zeros, SLOTS_AT - (out->n - begin));
    for (uint32_t i = 0; i < s->n && i < SLOTS_MAX; i++)
        put_slot(out, &s->slot[i]);
    buf_add(out, zeros, MAC_AT - (out->n - begin));
    buf_add(out, s->mac, sizeof s->mac);
    if (!buf_ok(out))
        return;
    crypto_sha256(span_of(out->p + begin, COPY_USED), hash);
    buf_add(out, hash, sizeof hash);
}

void slots_format(const struct slots *s, struct buf *out)
{
    static const uint8_t zeros[COPY];
    uint8_t hash[SHA256_SIZE];
    size_t begin = out->n;
    buf_add_span(out, MAGIC);
    buf_be16(out, SLOTS_FORMAT);
    buf_be16(out, 0);
    buf_be32(out, 0);
    buf_add(out, s->log_id, sizeof s->log_id);
    if (!buf_ok(out))
        return;
    crypto_sha256(span_of(out->p + begin, HEADER), hash);
    buf_add(out, hash, sizeof hash);
    buf_add(out, zeros, COPY - HEADER - SHA256_SIZE);
    put_copy(out, s);
    put_copy(out, s);
}

/* ── Reading ── */

static bool take_slot(struct span in, struct slot *ret)
{
    struct slot s = {.kind = span_u8(&in)};
    uint8_t none = span_u8(&in) | span_u8(&in) | span_u8(&in);
    s.cost.passes = span_be32(&in);
    s.cost.kib = span_be32(&in);
    uint32_t zero = span_be32(&in);
    s.made = (tq_time)span_be64(&in);
    s.tested = (tq_time)span_be64(&in);
    memcpy(s.passphrase_salt, span_take(&in, sizeof s.passphrase_salt).p, sizeof s.passphrase_salt);
    memcpy(s.salt, span_take(&in, sizeof s.salt).p, sizeof s.salt);
    memcpy(s.public_key, span_take(&in, sizeof s.public_key).p, sizeof s.public_key);
    memcpy(s.check, span_take(&in, sizeof s.check).p, sizeof s.check);
    memcpy(s.wrapped, span_take(&in, sizeof s.wrapped).p, sizeof s.wrapped);
    for (; in.n > 0; zero |= span_u8(&in))
        ;
    *ret = s;
    return none == 0 && zero == 0 && s.kind >= ROOT_FILE && s.kind <= SLOT_RECOVERY;
}

static bool take_copy(struct span copy, const uint8_t log_id[16], struct slots *ret)
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(span_of(copy.p, COPY_USED), hash);
    if (memcmp(hash, copy.p + COPY_USED, sizeof hash) != 0)
        return false;
    struct span in = span_of(copy.p, COPY_USED);
    *ret = (struct slots){.number = span_be64(&in)};
    memcpy(ret->log_id, span_take(&in, 16).p, 16);
    memcpy(ret->generation, span_take(&in, GENERATION).p, GENERATION);
    ret->base = span_be32(&in);
    ret->n = span_be32(&in);
    (void)span_skip(&in, SLOTS_AT - 48);
    if (ret->n > SLOTS_MAX || memcmp(ret->log_id, log_id, 16) != 0)
        return false;
    for (uint32_t i = 0; i < ret->n; i++)
        if (!take_slot(span_take(&in, SLOT), &ret->slot[i]))
            return false;
    memcpy(ret->mac, copy.p + MAC_AT, sizeof ret->mac);
    return true;
}

int slots_parse(struct span file, struct slots *ret, enum slots_other *ret_other, struct error *e)
{
    struct span in = file;
    uint8_t hash[SHA256_SIZE];
    unsigned format = in.n >= 10 && span_starts(in, MAGIC) ? (unsigned)in.p[8] << 8 | in.p[9] : 0;
    if (format > SLOTS_FORMAT)
        return err_set(e, ERR_LIMIT, "the keyring was written by a newer program (format %u, this one knows %d)", format, SLOTS_FORMAT);
    if (in.n != SLOTS_FILE || format != SLOTS_FORMAT)
        return err_set(e, ERR_CORRUPT, "the keyring is cut, or no keyring: put it back from a backup");
    crypto_sha256(span_of(in.p, HEADER), hash);
    if (memcmp(hash, in.p + HEADER, sizeof hash) != 0 || !span_zero(span_of(in.p + HEADER + SHA256_SIZE, COPY - HEADER - SHA256_SIZE)))
        return err_set(e, ERR_CORRUPT, "the keyring's header does not hold: it was damaged or changed; put it back from a backup");
    struct slots copy[2];
    bool good[2];
    for (unsigned i = 0; i < 2; i++)
        good[i] = take_copy(span_of(in.p + COPY * (i + 1), COPY), in.p + 16, &copy[i]);
    if (!good[0] && !good[1])
        return err_set(e, ERR_CORRUPT, "neither copy of the keyring's slots holds: it was damaged or changed; put it back from a backup");
    *ret = copy[!good[0] || (good[1] && copy[1].number > copy[0].number)];
    if (ret_other != NULL)
        *ret_other = !good[0] || !good[1] ? SLOTS_DAMAGED : memcmp(in.p + COPY, in.p + 2 * COPY, COPY) == 0 ? SLOTS_ALIKE : SLOTS_OLDER;
    return 0;
}

/* ── Wrapping ── */

static void bound(const struct slots *s, const struct slot *slot, struct buf *out)
{
    buf_add(out, s->log_id, sizeof s->log_id);
    buf_u8(out, slot->kind);
    buf_be32(out, slot->cost.passes);
    buf_be32(out, slot->cost.kib);
    buf_add(out, slot->passphrase_salt, sizeof slot->passphrase_salt);
    buf_add(out, slot->salt, sizeof slot->salt);
    buf_add(out, slot->public_key, sizeof slot->public_key);
    buf_add(out, s->generation, sizeof s->generation);
}

#define BOUND_MAX 160

static void slot_keys(const struct slot *slot, const uint8_t root[ROOT_KEY], uint8_t wrap[32], uint8_t check[32])
{
    struct span secret = span_of(root, ROOT_KEY);
    crypto_hkdf(secret, span_of(slot->salt, sizeof slot->salt), SPAN_LIT("tourniquet slot v1"), wrap, 32);
    crypto_hkdf(secret, span_of(slot->salt, sizeof slot->salt), SPAN_LIT("tourniquet slot check v1"), check, 32);
}

static void wrap_root(const struct slots *s, struct slot *slot, const uint8_t root[ROOT_KEY], const uint8_t w[WRAPPING_KEY])
{
    struct buf ad = BUF_INIT(BOUND_MAX);
    uint8_t key[32];
    uint8_t check[32];
    crypto_random(slot->salt, sizeof slot->salt);
    slot_keys(slot, root, key, check);
    bound(s, slot, &ad);
    memcpy(slot->check, check, sizeof slot->check);
    memset(slot->wrapped, 0, sizeof slot->wrapped);
    crypto_seal(key, zero_nonce, buf_span(&ad), span_of(w, WRAPPING_KEY), slot->wrapped);
    crypto_wipe(key, sizeof key);
    buf_release(&ad);
}

static bool wrap_recovery(const struct slots *s, struct slot *slot, const uint8_t w[WRAPPING_KEY])
{
    struct buf ad = BUF_INIT(BOUND_MAX);
    crypto_random(slot->salt, sizeof slot->salt);
    bound(s, slot, &ad);
    bool usable = box_seal(slot->public_key, SPAN_LIT("tourniquet recovery v1"), buf_span(&ad), span_of(w, WRAPPING_KEY), slot->wrapped);
    buf_release(&ad);
    return usable;
}

const struct slot *slots_find(const struct slots *s, uint8_t kind)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->slot[i].kind == kind)
            return &s->slot[i];
    return NULL;
}

const struct slot *slots_source(const struct slots *s)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->slot[i].kind != SLOT_RECOVERY)
            return &s->slot[i];
    return NULL;
}

/* The place of an earlier slot of this sort, or a new one. */
static struct slot *place_for(struct slots *s, bool recovery)
{
    for (uint32_t i = 0; i < s->n; i++)
        if ((s->slot[i].kind == SLOT_RECOVERY) == recovery)
            return &s->slot[i];
    return &s->slot[s->n++]; /* at most one of each sort */
}

void slots_wrap_root(struct slots *s, enum root_kind kind, const uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost cost,
                     const uint8_t root[ROOT_KEY], const uint8_t w[WRAPPING_KEY], tq_time now)
{
    struct slot *slot = place_for(s, false);
    *slot = (struct slot){.kind = (uint8_t)kind, .made = now};
    if (kind == ROOT_PASSPHRASE) {
        slot->cost = cost;
        memcpy(slot->passphrase_salt, salt, sizeof slot->passphrase_salt);
    }
    wrap_root(s, slot, root, w);
}

bool slots_wrap_recovery(struct slots *s, const uint8_t public_key[BOX_PUBLIC], const uint8_t w[WRAPPING_KEY], tq_time now)
{
    struct slot slot = {.kind = SLOT_RECOVERY, .made = now};
    memcpy(slot.public_key, public_key, sizeof slot.public_key);
    if (!wrap_recovery(s, &slot, w))
        return false;
    *place_for(s, true) = slot;
    return true;
}

bool slots_wrap_again(struct slots *s, const uint8_t root[ROOT_KEY], const uint8_t w[WRAPPING_KEY])
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->slot[i].kind != SLOT_RECOVERY)
            wrap_root(s, &s->slot[i], root, w);
        else if (!wrap_recovery(s, &s->slot[i], w))
            return false;
    }
    return true;
}

static void mac_of(const struct slots *s, const uint8_t w[WRAPPING_KEY], uint8_t mac[SHA256_SIZE])
{
    struct buf copy = BUF_INIT(COPY);
    uint8_t key[32];
    put_copy(&copy, s);
    crypto_hkdf(span_of(w, WRAPPING_KEY), span_of(s->log_id, sizeof s->log_id), SPAN_LIT("tourniquet slots v1"), key, sizeof key);
    crypto_hmac_sha256(span_of(key, sizeof key), span_of(copy.p, buf_ok(&copy) ? MAC_AT : 0), mac);
    crypto_wipe(key, sizeof key);
    buf_release(&copy);
}

void slots_confirm(struct slots *s, const uint8_t w[WRAPPING_KEY])
{
    mac_of(s, w, s->mac);
}

/* Whether whoever wrote these slots had W. */
static int confirmed(const struct slots *s, const uint8_t w[WRAPPING_KEY], struct error *e)
{
    uint8_t mac[SHA256_SIZE];
    mac_of(s, w, mac);
    return crypto_equal(mac, s->mac, sizeof mac) ? 0
                                                 : err_set(e, ERR_CORRUPT,
                                                           "the keyring's slots were changed by somebody without the keys: put the "
                                                           "keyring back from a backup, then rotate the keys");
}

/* ── Opening ── */

static int open_slot(const struct slots *s, const struct slot *slot, const uint8_t root[ROOT_KEY], uint8_t w[WRAPPING_KEY], struct error *e)
{
    struct buf ad = BUF_INIT(BOUND_MAX);
    uint8_t key[32];
    uint8_t check[32];
    int rc = 0;
    slot_keys(slot, root, key, check);
    bound(s, slot, &ad);
    if (!crypto_equal(check, slot->check, sizeof slot->check))
        rc = slot->kind == ROOT_PASSPHRASE
                 ? err_set(e, ERR_LOCKED, "this is not the passphrase of the ledger's keys")
                 : err_set(e, ERR_MISUSE,
                           "the root key is not the one of this ledger: nothing in it can be read with this key; put the right key %s back",
                           slot->kind == ROOT_FILE ? "file" : "credential");
    else if (!crypto_open(key, zero_nonce, buf_span(&ad), span_of(slot->wrapped, WRAPPING_KEY + AES_GCM_TAG), w))
        rc = err_set(e, ERR_CORRUPT, "the keyring's slot does not open: it was changed; put it back from a backup");
    crypto_wipe(key, sizeof key);
    crypto_wipe(check, sizeof check);
    buf_release(&ad);
    return rc;
}

int slots_open_root(const struct slots *s, const uint8_t root[ROOT_KEY], uint8_t w[WRAPPING_KEY], struct error *e)
{
    const struct slot *slot = slots_source(s);
    if (slot == NULL)
        return err_set(e, ERR_CORRUPT, "the keyring has no slot for a root key: put it back from a backup, or use the recovery key");
    return open_slot(s, slot, root, w, e) == 0 ? confirmed(s, w, e) : -1;
}

int slots_open(const struct slots *s, const struct root_source *source, uint8_t w[WRAPPING_KEY], uint8_t ret_root[ROOT_KEY], struct error *e)
{
    const struct slot *slot = slots_find(s, (uint8_t)source->kind);
    const struct slot *there = slots_source(s);
    uint8_t root[ROOT_KEY];
    if (there == NULL)
        return err_set(e, ERR_CORRUPT, "the keyring has no slot for a root key: put it back from a backup, or use the recovery key");
    if (slot == NULL)
        return err_set(e, ERR_MISUSE, "the ledger's keys open by %s, and not by %s: write root_key: %s into lab.yaml",
                       root_kind_name((enum root_kind)there->kind), root_kind_name(source->kind), root_kind_name((enum root_kind)there->kind));
    if (root_open(source, slot->passphrase_salt, slot->cost, root, e) != 0)
        return -1;
    int rc = slots_open_root(s, root, w, e);
    if (rc == 0 && ret_root != NULL)
        memcpy(ret_root, root, sizeof root);
    crypto_wipe(root, sizeof root);
    return rc;
}

int slots_open_recovery(const struct slots *s, const uint8_t secret[BOX_SECRET], uint8_t w[WRAPPING_KEY], struct error *e)
{
    const struct slot *slot = slots_find(s, SLOT_RECOVERY);
    uint8_t public_key[BOX_PUBLIC];
    if (slot == NULL)
        return err_set(e, ERR_MISUSE, "no recovery key was made for this keyring");
    box_public(secret, public_key);
    if (memcmp(public_key, slot->public_key, sizeof public_key) != 0)
        return err_set(e, ERR_MISUSE, "this recovery key is another ledger's, or one that was replaced by a newer one");
    struct buf ad = BUF_INIT(BOUND_MAX);
    bound(s, slot, &ad);
    bool good = box_open(secret, SPAN_LIT("tourniquet recovery v1"), buf_span(&ad), span_of(slot->wrapped, sizeof slot->wrapped), w);
    buf_release(&ad);
    if (good)
        return confirmed(s, w, e);
    return err_set(e, ERR_CORRUPT, "the keyring's recovery slot does not open: it was changed; put it back from a backup");
}

/* ── The file ── */

int slots_load(int dir, struct slots *ret, struct error *e)
{
    struct buf file = BUF_INIT(SLOTS_FILE);
    int rc = file_load(dir, PATH, SLOTS_FILE, &file, e);
    if (rc == 0)
        rc = slots_parse(buf_span(&file), ret, NULL, e);
    buf_release(&file);
    return rc;
}

int slots_create(int dir, const struct slots *s, struct error *e)
{
    struct buf file = BUF_INIT(SLOTS_FILE);
    slots_format(s, &file);
    int rc = buf_ok(&file) ? file_replace(dir, PATH, buf_span(&file), true, e) : err_sys(e, ENOMEM, "writing the keyring");
    buf_release(&file);
    return rc;
}

/* Writes one copy after the other, each durable before the next is touched; first: the one that need not hold. */
static int write_copies(int dir, const struct slots *s, unsigned first, struct error *e)
{
    struct buf copy = BUF_INIT(COPY);
    put_copy(&copy, s);
    int fd = buf_ok(&copy) ? file_open_write(dir, PATH, e) : err_sys(e, ENOMEM, "writing the keyring");
    int rc = fd < 0 ? -1 : 0;
    for (unsigned i = 0; i < 2 && rc == 0; i++) {
        rc = file_write(fd, PATH, buf_span(&copy), COPY * (1 + (first + i) % 2), e);
        if (rc == 0)
            rc = file_sync(fd, PATH, e);
    }
    if (fd >= 0)
        (void)close(fd);
    buf_release(&copy);
    return rc;
}

int slots_update(int dir, struct slots *s, const uint8_t w[WRAPPING_KEY], struct error *e)
{
    s->number++;
    slots_confirm(s, w);
    return write_copies(dir, s, 0, e);
}

int slots_mend(int dir, const struct slots *s, struct error *e)
{
    struct buf file = BUF_INIT(SLOTS_FILE);
    struct slots first;
    int rc = file_load(dir, PATH, SLOTS_FILE, &file, e);
    if (rc == 0 && file.n != SLOTS_FILE)
        rc = err_set(e, ERR_CORRUPT, "the keyring is cut");
    if (rc == 0) {
        bool holds = take_copy(span_of(file.p + COPY, COPY), s->log_id, &first) && first.number == s->number;
        rc = write_copies(dir, s, holds ? 1 : 0, e);
    }
    buf_release(&file);
    return rc;
}

/* ── The recovery key as text ── */

#define RECOVERY_BYTES (BOX_SECRET + 3)
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void recovery_bytes(const uint8_t secret[BOX_SECRET], uint8_t out[RECOVERY_BYTES])
{
    uint8_t hash[SHA256_SIZE];
    crypto_sha256_parts((struct span[]){SPAN_LIT("tourniquet recovery key v1"), span_of(secret, BOX_SECRET)}, 2, hash);
    memcpy(out, secret, BOX_SECRET);
    memcpy(out + BOX_SECRET, hash, 3);
    crypto_wipe(hash, sizeof hash);
}

void recovery_text(const uint8_t secret[BOX_SECRET], char out[RECOVERY_TEXT])
{
    uint8_t bytes[RECOVERY_BYTES];
    recovery_bytes(secret, bytes);
    size_t at = 0;
    for (size_t i = 0; i < sizeof bytes * 8 / 5; i++) {
        unsigned v = 0;
        for (size_t b = 5 * i; b < 5 * i + 5; b++)
            v = v << 1 | (bytes[b / 8] >> (7 - b % 8) & 1u);
        if (i > 0 && i % 4 == 0)
            out[at++] = '-';
        out[at++] = digits[v];
    }
    out[at] = 0;
    crypto_wipe(bytes, sizeof bytes);
}

static int digit_of(uint8_t c)
{
    if (c >= 'a' && c <= 'z')
        c = (uint8_t)(c - 'a' + 'A');
    c = c == 'I' || c == 'L' ? '1' : c == 'O' ? '0' : c;
    const char *at = c == 0 ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

int recovery_read(struct span text, uint8_t secret[BOX_SECRET], struct error *e)
{
    uint8_t bytes[RECOVERY_BYTES] = {0};
    uint8_t again[RECOVERY_BYTES];
    size_t n = 0;
    bool good = true;
    while (text.n > 0 && good) {
        uint8_t c = span_u8(&text);
        if (c == ' ' || c == '-' || c == '\n' || c == '\r' || c == '\t')
            continue;
        int v = digit_of(c);
        good = v >= 0 && n < sizeof bytes * 8 / 5;
        for (size_t b = 5 * n; b < 5 * n + 5 && good; b++)
            bytes[b / 8] |= (uint8_t)((v >> (5 * n + 4 - b) & 1) << (7 - b % 8));
        n++;
    }
    recovery_bytes(bytes, again);
    int rc = 0;
    if (!good || n != sizeof bytes * 8 / 5)
        rc = err_set(e, ERR_MISUSE, "that is no recovery key: it has 14 groups of 4 digits and letters");
    else if (!crypto_equal(bytes, again, sizeof bytes))
        rc = err_set(e, ERR_MISUSE, "a character of the recovery key is wrong: compare it with the printed one");
    else
        memcpy(secret, bytes, BOX_SECRET);
    crypto_wipe(bytes, sizeof bytes);
    crypto_wipe(again, sizeof again);
    return rc;
}
