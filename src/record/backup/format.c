#include "record/backup/inside.h"

#include <stdio.h>

int backup_head_parse(struct span in, struct backup_head *ret, struct error *e)
{
    struct span all = in;
    struct backup_head h = {.n = HEAD_BEFORE_KEYRING};
    static const uint8_t zeros[6];
    if (!span_starts(in, BACKUP_MAGIC)) {
        ret->n = h.n;
        return in.n < BACKUP_MAGIC.n ? err_set(e, ERR_AGAIN, "the backup's head is longer")
                                     : err_set(e, ERR_CORRUPT, "it does not begin like a backup");
    }
    (void)span_skip(&in, BACKUP_MAGIC.n);
    uint16_t format = span_be16(&in);
    if (!in.bad && format > BACKUP_FORMAT)
        return err_set(e, ERR_LIMIT, "the backup was written by a newer program (format %u, this one knows %d): use that one", format, BACKUP_FORMAT);
    struct span zero = span_take(&in, sizeof zeros);
    struct span log_id = span_take(&in, sizeof h.log_id);
    struct span id = span_take(&in, sizeof h.id);
    h.made = (tq_time)span_be64(&in);
    h.records = span_be64(&in);
    struct span root = span_take(&in, sizeof h.root);
    struct span salt = span_take(&in, sizeof h.salt);
    struct span wrapped = span_take(&in, sizeof h.wrapped);
    uint32_t keyring_n = span_be32(&in);
    if (!in.bad && keyring_n > BACKUP_KEYRING_MAX)
        return err_set(e, ERR_CORRUPT, "the backup's head does not hold");
    if (!in.bad)
        h.n = HEAD_BEFORE_KEYRING + (size_t)keyring_n + SHA256_SIZE;
    if (in.bad || all.n < h.n) {
        ret->n = h.n;
        return err_set(e, ERR_AGAIN, "the backup's head is longer");
    }
    h.keyring = span_take(&in, keyring_n);
    uint8_t hash[SHA256_SIZE];
    crypto_sha256(span_of(all.p, h.n - SHA256_SIZE), hash);
    if (memcmp(hash, in.p, sizeof hash) != 0 || format != BACKUP_FORMAT || memcmp(zero.p, zeros, sizeof zeros) != 0)
        return err_set(e, ERR_CORRUPT, "the backup's head does not hold: it was changed or damaged");
    memcpy(h.log_id, log_id.p, sizeof h.log_id);
    memcpy(h.id, id.p, sizeof h.id);
    memcpy(h.root, root.p, sizeof h.root);
    memcpy(h.salt, salt.p, sizeof h.salt);
    memcpy(h.wrapped, wrapped.p, sizeof h.wrapped);
    *ret = h;
    return 0;
}

void backup_id_text(const uint8_t id[BACKUP_ID], char out[BACKUP_ID_TEXT])
{
    for (size_t i = 0; i < BACKUP_ID; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", id[i]);
}

/* Small files beside the ledger that go along: sealed under its keys, or public. Never the root key, a socket, or what the ledger gives anyway. */
static bool beside_ledger(struct span name)
{
    static const struct span ends = SPAN_LIT(".sealed");
    if (span_is(name, "authority.pem") || span_is(name, "keeper.pub"))
        return true;
    return name.n > ends.n && memcmp(name.p + name.n - ends.n, ends.p, ends.n) == 0;
}

/* Keys and certificates of links: pki/…, pki/made/…, links/…; names of links have capitals, too. */
static bool of_links(struct span path, unsigned depth)
{
    if (span_starts(path, SPAN_LIT("pki/made/")))
        return depth == 3;
    return depth == 2 && !span_is(path, "pki/made") && (span_starts(path, SPAN_LIT("pki/")) || span_starts(path, SPAN_LIT("links/")));
}

bool backup_path_allowed(struct span path)
{
    struct span rest = path;
    bool capitals = span_starts(path, SPAN_LIT("links/"));
    bool more = true;
    unsigned depth = 0;
    if (path.bad || path.n == 0 || path.n >= BACKUP_PATH_MAX)
        return false;
    while (more) {
        struct span part = span_until(&rest, '/', &more);
        if (part.n == 0 || part.p[0] == '.' || ++depth > 7)
            return false;
        for (size_t i = 0; i < part.n; i++) {
            uint8_t c = part.p[i];
            if (!((c >= 'a' && c <= 'z') || (capitals && c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
                return false;
        }
    }
    return depth == 1 ? beside_ledger(path) : span_starts(path, SPAN_LIT("ledger/")) || of_links(path, depth);
}

void backup_wrapping_key(const uint8_t opening[32], const uint8_t salt[32], uint8_t out[32])
{
    crypto_hkdf(span_of(opening, 32), span_of(salt, 32), SPAN_LIT("tourniquet backup v1"), out, 32);
}

void backup_chunk_bind(const uint8_t id[BACKUP_ID], uint64_t number, uint32_t head, uint8_t nonce[AES_GCM_NONCE], uint8_t ad[BACKUP_ID + 8 + 4])
{
    struct buf n = {.p = nonce, .size = AES_GCM_NONCE, .max = AES_GCM_NONCE};
    struct buf a = {.p = ad, .size = BACKUP_ID + 12, .max = BACKUP_ID + 12};
    buf_be32(&n, 0);
    buf_be64(&n, number);
    buf_add(&a, id, BACKUP_ID);
    buf_be64(&a, number);
    buf_be32(&a, head);
}
