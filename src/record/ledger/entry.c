#include "record/ledger/entry.h"

#define MAGIC "TQE1"
#define ALGORITHM 1
#define RECORD_ENTRY 10 /* where the entry stands in a sealed record */

int entry_parse(struct span in, struct entry *ret, struct error *e)
{
    if (in.n >= 4 && memcmp(in.p, "TQE", 3) == 0 && in.p[3] > '1' && in.p[3] <= '9')
        return err_set(e, ERR_LIMIT, "the entry is of format %c, this program knows 1: use a newer program", in.p[3]);
    if (in.n != ENTRY_BYTES || memcmp(in.p, MAGIC, 4) != 0)
        return err_set(e, ERR_CORRUPT, "the entry does not have the form of one");
    (void)span_skip(&in, 4);
    struct entry r = {.stream = (enum ledger_stream)span_u8(&in)};
    uint8_t algorithm = span_u8(&in);
    uint16_t zero = span_be16(&in);
    r.time = (tq_time)span_be64(&in);
    memcpy(r.key_id, span_take(&in, KEY_ID).p, KEY_ID);
    memcpy(r.salt, span_take(&in, ENTRY_SALT).p, ENTRY_SALT);
    memcpy(r.commitment, span_take(&in, 32).p, 32);
    r.clear_n = span_be32(&in);
    memcpy(r.hash, span_take(&in, SHA256_SIZE).p, SHA256_SIZE);
    if ((r.stream != LEDGER_CUSTODY && r.stream != LEDGER_OBSERVATION) || algorithm != ALGORITHM || zero != 0 || r.clear_n > LEDGER_PAYLOAD_MAX)
        return err_set(e, ERR_CORRUPT, "the entry has a field that cannot be");
    *ret = r;
    return 0;
}

static void put_be64(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

static void put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 3; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

/* The key of one record alone. */
static void record_key(const struct crypto_hmac *key, uint8_t stream, uint64_t index, uint8_t out[32])
{
#define RECORD_KEY_LABEL "tourniquet record key v1"
    uint8_t info[64] = RECORD_KEY_LABEL; /* the array's zeros give the 00 behind the label */
    size_t n = sizeof RECORD_KEY_LABEL;
    info[n] = stream;
    put_be64(info + n + 1, index);
    crypto_hkdf_expand_with(key, span_of(info, n + 9), out, 32);
}

/* seal key, then commitment: 64 bytes, both from the record key */
static void seal_keys(const uint8_t log_id[LOG_ID], const uint8_t record_key[32], uint64_t index, const uint8_t salt[ENTRY_SALT], uint8_t out[64])
{
#define RECORD_LABEL "tourniquet record v1"
    uint8_t context[80] = RECORD_LABEL;
    size_t n = sizeof RECORD_LABEL - 1;
    context[n] = ALGORITHM;
    context[n + 1] = 0;
    memcpy(context + n + 2, salt, ENTRY_SALT);
    memcpy(context + n + 2 + ENTRY_SALT, log_id, LOG_ID);
    put_be64(context + n + 2 + ENTRY_SALT + LOG_ID, index);
    crypto_hkdf_expand(record_key, span_of(context, n + 2 + ENTRY_SALT + LOG_ID + 8), out, 64);
}

static void record_keys(const struct keyring *ring, const struct crypto_hmac *key, uint8_t stream, uint64_t index, const uint8_t salt[ENTRY_SALT],
                        uint8_t out[64])
{
    uint8_t own[32];
    record_key(key, stream, index, own);
    seal_keys(ring->log_id, own, index, salt, out);
    crypto_wipe(own, sizeof own);
}

static void associated(const uint8_t log_id[LOG_ID], uint64_t index, const uint8_t header[ENTRY_HEADER], uint8_t out[LOG_ID + 8 + ENTRY_HEADER])
{
    memcpy(out, log_id, LOG_ID);
    put_be64(out + LOG_ID, index);
    memcpy(out + LOG_ID + 8, header, ENTRY_HEADER);
}

static const uint8_t zero_nonce[AES_GCM_NONCE];

size_t entry_put(uint8_t *p, const struct period_key *key, uint64_t index, enum ledger_stream stream, tq_time time, const uint8_t salt[ENTRY_SALT],
                 struct span payload)
{
    uint8_t *entry = p + RECORD_ENTRY;
    put_be64(p, index);
    p[8] = 0;
    p[9] = ENTRY_BYTES;
    memcpy(entry, MAGIC, 4);
    entry[4] = (uint8_t)stream;
    entry[5] = ALGORITHM;
    entry[6] = entry[7] = 0;
    put_be64(entry + 8, (uint64_t)time);
    memcpy(entry + 16, key->id, KEY_ID);
    memcpy(entry + 32, salt, ENTRY_SALT);
    put_be32(entry + 80, (uint32_t)payload.n);
    put_be32(entry + ENTRY_BYTES, (uint32_t)(payload.n + AES_GCM_TAG));
    if (payload.n > 0)
        memcpy(p + SEALED_RECORD_MIN, payload.p, payload.n);
    return SEALED_RECORD_MIN + payload.n + AES_GCM_TAG;
}

size_t entry_seal(uint8_t *p, struct crypto_sealer *sealer, const struct keyring *ring, const struct crypto_hmac *prepared,
                  struct tree_hash *ret_leaf)
{
    struct span index = span_of(p, 8);
    uint8_t *entry = p + RECORD_ENTRY;
    struct span clear_n = span_of(entry + 80, 4);
    struct span payload = span_of(p + SEALED_RECORD_MIN, span_be32(&clear_n));
    uint8_t keys[64];
    uint8_t ad[LOG_ID + 8 + ENTRY_HEADER];
    uint64_t at = span_be64(&index);
    record_keys(ring, prepared, entry[4], at, entry + 32, keys);
    memcpy(entry + 48, keys + 32, 32);
    associated(ring->log_id, at, entry, ad);
    crypto_sealer_seal(sealer, keys, span_of(ad, sizeof ad), payload, p + SEALED_RECORD_MIN);
    crypto_sha256(span_of(payload.p, payload.n + AES_GCM_TAG), entry + ENTRY_HEADER);
    tree_leaf_hash(span_of(entry, ENTRY_BYTES), ret_leaf);
    crypto_wipe(keys, sizeof keys);
    return SEALED_RECORD_MIN + payload.n + AES_GCM_TAG;
}

/* Why a record's key is not there. */
static int no_key(const struct erased_key *x, unsigned long long index, struct error *e)
{
    char at[TIME_TEXT];
    if (x->at == 0)
        return err_set(e, ERR_CORRUPT, "record %llu cannot be read: its key is not in the keyring, and nobody erased it", index);
    (void)time_format(x->at, at);
    return err_set(e, ERR_CLOSED, "record %llu was erased on %.10s", index, at);
}

/* Hash, commitment and tag, in this order. */
static int open_with(const uint8_t log_id[LOG_ID], const uint8_t key[32], const struct sealed_record *r, const struct entry *entry, uint8_t *out,
                     struct error *e)
{
    unsigned long long index = r->index;
    uint8_t keys[64];
    uint8_t ad[LOG_ID + 8 + ENTRY_HEADER];
    int rc = 0;
    seal_keys(log_id, key, r->index, entry->salt, keys);
    associated(log_id, r->index, r->entry.p, ad);
    if (!crypto_equal(keys + 32, entry->commitment, 32))
        rc = err_set(e, ERR_CORRUPT, "record %llu does not hold: its key is not the one it was sealed with", index);
    else if (!crypto_open(keys, zero_nonce, span_of(ad, sizeof ad), r->sealed, out))
        rc = err_set(e, ERR_CORRUPT, "record %llu does not hold: it does not open under its key", index);
    crypto_wipe(keys, sizeof keys);
    return rc;
}

static int check_hash(const struct sealed_record *r, const struct entry *entry, struct error *e)
{
    unsigned long long index = r->index;
    uint8_t hash[SHA256_SIZE];
    if (r->sealed.n != (size_t)entry->clear_n + AES_GCM_TAG)
        return err_set(e, ERR_CORRUPT, "record %llu does not hold: its sealed bytes have another length than its entry says", index);
    crypto_sha256(r->sealed, hash);
    if (memcmp(hash, entry->hash, sizeof hash) != 0)
        return err_set(e, ERR_CORRUPT, "record %llu does not hold: its sealed bytes are not those of its entry", index);
    return 0;
}

/* The key of one record alone, by its period key. */
static int find_key(struct keyring *ring, const struct sealed_record *r, const struct entry *entry, uint8_t out[32], struct erased_key *ret_erased,
                    struct error *e)
{
    uint8_t key[32];
    struct crypto_hmac prepared;
    if (!keyring_find(ring, entry->key_id, key, ret_erased))
        return no_key(ret_erased, r->index, e);
    crypto_hmac_set(&prepared, span_of(key, sizeof key));
    record_key(&prepared, (uint8_t)entry->stream, r->index, out);
    crypto_wipe(key, sizeof key);
    crypto_wipe(&prepared, sizeof prepared);
    return 0;
}

int entry_open(struct keyring *ring, const struct sealed_record *r, const struct entry *entry, uint8_t *out, struct erased_key *ret_erased,
               struct error *e)
{
    uint8_t key[32];
    if (check_hash(r, entry, e) != 0 || find_key(ring, r, entry, key, ret_erased, e) != 0)
        return -1;
    int rc = open_with(ring->log_id, key, r, entry, out, e);
    crypto_wipe(key, sizeof key);
    return rc;
}

int entry_show(struct keyring *ring, const struct sealed_record *r, uint8_t out[32], struct error *e)
{
    struct entry entry;
    struct erased_key erased = {0};
    return entry_parse(r->entry, &entry, e) == 0 ? find_key(ring, r, &entry, out, &erased, e) : -1;
}

int entry_open_shown(const uint8_t log_id[LOG_ID], const uint8_t key[32], const struct sealed_record *r, const struct entry *entry, uint8_t *out,
                     struct error *e)
{
    return check_hash(r, entry, e) == 0 ? open_with(log_id, key, r, entry, out, e) : -1;
}

int sealed_record_take(struct span *in, struct sealed_record *ret)
{
    struct span at = *in;
    struct sealed_record r = {.index = span_be64(&at)};
    uint16_t entry_n = span_be16(&at);
    if (!at.bad && entry_n != ENTRY_BYTES)
        return -1;
    r.entry = span_take(&at, ENTRY_BYTES);
    uint32_t sealed_n = span_be32(&at);
    if (!at.bad && (sealed_n < AES_GCM_TAG || sealed_n > SEALED_MAX))
        return -1;
    r.sealed = span_take(&at, sealed_n);
    if (at.bad)
        return 0;
    r.bytes = span_of(in->p, (size_t)(at.p - in->p));
    *in = at;
    *ret = r;
    return 1;
}
