#include "record/spool/spool_private.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC SPAN_LIT("TQSPOL1\n")

void spool_header_encode(uint8_t out[HEADER], const struct spool_header *h)
{
    struct buf b = {.p = out, .size = HEADER, .max = HEADER};
    uint8_t sum[SHA256_SIZE];
    buf_add_span(&b, MAGIC);
    buf_be16(&b, SPOOL_FORMAT);
    buf_add(&b, (uint8_t[6]){0}, 6);
    buf_add(&b, h->part.run, SPOOL_RUN);
    buf_be64(&b, h->part.from);
    buf_be64(&b, (uint64_t)h->part.begun);
    buf_be64(&b, h->part.offset);
    buf_add(&b, h->ephemeral, X25519_KEY);
    buf_add(&b, h->to, X25519_KEY);
    crypto_sha256(span_of(out, HEADER_SUMMED), sum);
    buf_add(&b, sum, HEADER - HEADER_SUMMED);
}

bool spool_header_decode(struct span in, uint64_t offset, struct spool_header *ret, bool *ret_newer)
{
    struct span s = in;
    uint8_t sum[SHA256_SIZE];
    if (in.n < HEADER || !span_equal(span_take(&s, MAGIC.n), MAGIC))
        return false;
    crypto_sha256(span_of(in.p, HEADER_SUMMED), sum);
    if (memcmp(sum, in.p + HEADER_SUMMED, HEADER - HEADER_SUMMED) != 0)
        return false;
    uint16_t format = span_be16(&s);
    *ret_newer = format > SPOOL_FORMAT;
    uint64_t zero = (uint64_t)span_be32(&s) << 16 | span_be16(&s);
    memcpy(ret->part.run, span_take(&s, SPOOL_RUN).p, SPOOL_RUN);
    ret->part.from = span_be64(&s);
    ret->part.begun = (tq_time)span_be64(&s);
    ret->part.offset = span_be64(&s);
    memcpy(ret->ephemeral, span_take(&s, X25519_KEY).p, X25519_KEY);
    memcpy(ret->to, span_take(&s, X25519_KEY).p, X25519_KEY);
    return *ret_newer || (format == SPOOL_FORMAT && zero == 0 && ret->part.offset == offset);
}

void spool_chain_start(struct spool_chain *c, const uint8_t shared[X25519_KEY], const uint8_t header[HEADER])
{
    *c = (struct spool_chain){.frame = UINT64_MAX};
    crypto_hkdf(span_of(shared, X25519_KEY), span_of(header, HEADER), SPAN_LIT("tourniquet spool v1"), c->key, sizeof c->key);
    spool_chain_step(c);
}

void spool_chain_step(struct spool_chain *c)
{
    static const char label[] = "tourniquet spool frame v1";
    uint8_t info[sizeof label - 1 + 8];
    uint8_t keys[3][32];
    struct buf b = {.p = info, .size = sizeof info, .max = sizeof info};
    c->frame++;
    buf_add_str(&b, label);
    buf_be64(&b, c->frame);
    crypto_hkdf_expand(c->key, buf_span(&b), keys[0], sizeof keys);
    memcpy(c->key, keys[0], 32);
    memcpy(c->seal, keys[1], 32);
    memcpy(c->check, keys[2], 32);
    crypto_wipe(keys, sizeof keys);
}

void spool_chain_check(const struct spool_chain *c, const uint8_t head[HEAD_CLEAR], uint8_t out[HEAD - HEAD_CLEAR])
{
    uint8_t mac[SHA256_SIZE];
    crypto_hmac_sha256(span_of(c->check, sizeof c->check), span_of(head, HEAD_CLEAR), mac);
    memcpy(out, mac, HEAD - HEAD_CLEAR);
}

int spool_read_at(int fd, uint8_t *out, size_t n, uint64_t at, size_t *ret_n, struct error *e)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = pread(fd, out + got, n - got, (off_t)(at + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_sys(e, errno, "reading the spool");
        if (r == 0)
            break;
        got += (size_t)r;
    }
    *ret_n = got;
    return 0;
}

int spool_size(int fd, uint64_t *ret, struct error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_sys(e, errno, "looking at the spool");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_MISUSE, "the spool is no ordinary file");
    *ret = (uint64_t)st.st_size;
    return 0;
}

int spool_find_header(int fd, uint64_t at, uint64_t end, struct spool_header *ret, struct error *e)
{
    for (at = aligned(at); at < end && end - at >= HEADER; at += SPOOL_ALIGN) {
        uint8_t bytes[HEADER];
        size_t n = 0;
        bool newer = false;
        if (spool_read_at(fd, bytes, sizeof bytes, at, &n, e) != 0)
            return -1;
        if (n < sizeof bytes || !spool_header_decode(span_of(bytes, n), at, ret, &newer))
            continue;
        if (newer)
            return err_set(e, ERR_LIMIT, "the spool was written by a newer Tourniquet: start that one");
        return 1;
    }
    return 0;
}
