/* The spool: what is written is read, in order, by the one who may; and every byte that is changed, cut or moved is noticed. */
#include "base/text.h"
#include "record/spool/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BEGUN (INT64_C(1795000000) * TIME_SECOND)
#define NO_CAP (UINT64_C(1) << 40)

static uint8_t secret[32];
static uint8_t public_key[32];

static int setup(void **state)
{
    (void)state;
    memset(secret, 7, sizeof secret);
    crypto_x25519_public(secret, public_key);
    return 0;
}

static int new_file(void)
{
    int fd = memfd_create("spool", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static struct spool_part part_of(uint8_t run)
{
    struct spool_part p = {.from = 40 + run, .begun = BEGUN + run};
    memset(p.run, run, sizeof p.run);
    return p;
}

static struct spool_writer *begin(int fd, uint8_t run)
{
    struct error e = {0};
    struct spool_part p = part_of(run);
    struct spool_writer *w = spool_writer_new(fd, &p, public_key, NO_CAP, &e);
    assert_non_null(w);
    return w;
}

static void put(struct spool_writer *w, uint64_t seq)
{
    struct error e = {0};
    char text[64];
    (void)snprintf(text, sizeof text, "record %llu", (unsigned long long)seq);
    assert_int_equal(spool_write(w, (struct spool_place){seq, (uint32_t)seq + 1}, span_str(text), &e), 0);
}

static void end(struct spool_writer *w)
{
    struct error e = {0};
    assert_int_equal(spool_end(w, &e), 0);
    spool_writer_free(w);
}

/* A part of run `run` with records first … last. */
static void write_part(int fd, uint8_t run, uint64_t first, uint64_t last)
{
    struct spool_writer *w = begin(fd, run);
    for (uint64_t i = first; i <= last; i++)
        put(w, i);
    end(w);
}

struct outcome {
    size_t records;
    size_t corrupt;
    uint64_t seqs[64];
    struct spool_losses losses;
    char why[320];
};

/* Reads all of it; every record that comes must be one that was written. */
static struct outcome read_all(int fd)
{
    struct outcome o = {0};
    struct error e = {0};
    struct spool_record r;
    struct spool_reader *reader = spool_reader_new(fd, secret, &e);
    assert_non_null(reader);
    int got;
    for (int turns = 0; (got = spool_reader_next(reader, &r, &e)) != 0; turns++) {
        assert_true(turns < 1000);
        if (got < 0) {
            assert_int_equal(e.class, ERR_CORRUPT);
            o.corrupt++;
            memcpy(o.why, e.text, sizeof o.why);
            continue;
        }
        char text[64];
        (void)snprintf(text, sizeof text, "record %llu", (unsigned long long)r.place.seq);
        assert_true(span_is(r.record, text));
        assert_int_equal(r.place.ordinal, r.place.seq + 1);
        assert_true(o.records < 64);
        o.seqs[o.records++] = r.place.seq;
    }
    o.losses = spool_reader_losses(reader);
    spool_reader_free(reader);
    return o;
}

static void written_is_read(void **state)
{
    (void)state;
    int fd = new_file();
    struct error e = {0};
    struct spool_look look;
    write_part(fd, 1, 1, 5);
    write_part(fd, 2, 6, 9);
    struct outcome o = read_all(fd);
    assert_int_equal(o.records, 9);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(o.seqs[i], i + 1);
    assert_int_equal(o.corrupt + o.losses.torn + o.losses.damaged + o.losses.unended, 0);

    assert_int_equal(spool_look(fd, &look, &e), 0);
    assert_int_equal(look.records, 9);
    assert_int_equal(look.parts, 2);
    assert_int_equal(look.since, BEGUN + 1);
    (void)close(fd);
}

static void only_the_key_opens(void **state)
{
    (void)state;
    int fd = new_file();
    struct error e = {0};
    struct spool_record r;
    uint8_t other[32] = {9};
    write_part(fd, 1, 1, 2);
    write_part(fd, 2, 3, 4);
    struct spool_reader *reader = spool_reader_new(fd, other, &e);
    for (int part = 0; part < 2; part++) {
        assert_int_equal(spool_reader_next(reader, &r, &e), -1);
        assert_non_null(strstr(e.text, "another key"));
    }
    assert_int_equal(spool_reader_next(reader, &r, &e), 0);
    spool_reader_free(reader);

    uint8_t bytes[16384];
    ssize_t n = pread(fd, bytes, sizeof bytes, 0);
    assert_true(n > 0);
    assert_null(memmem(bytes, (size_t)n, "record", 6));
    uint8_t none[32] = {0};
    struct spool_part p = part_of(1);
    assert_null(spool_writer_new(fd, &p, none, NO_CAP, &e));
    assert_int_equal(e.class, ERR_MISUSE);
    (void)close(fd);
}

static void flip(int fd, off_t at)
{
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1u << (at & 7));
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Each byte of a file of two parts, flipped: noticed, or it is in the zeros between parts and noticed there; never a wrong record. */
static void every_flip_is_noticed(void **state)
{
    (void)state;
    int fd = new_file();
    write_part(fd, 1, 1, 3);
    write_part(fd, 2, 4, 5);
    off_t size = lseek(fd, 0, SEEK_END);
    for (off_t at = 0; at < size; at++) {
        flip(fd, at);
        struct outcome o = read_all(fd);
        bool told = o.corrupt > 0 && strstr(o.why, "at byte") != NULL; /* a last tag that now ends in 0 may be taken for torn */
        if (!told && o.losses.torn == 0)
            fail_msg("byte %lld was flipped and nobody noticed (%zu records)", (long long)at, o.records);
        assert_true(o.losses.damaged == o.corrupt);
        flip(fd, at);
    }
    assert_int_equal(read_all(fd).records, 5);
    (void)close(fd);
}

/* A record whose body is bad costs itself alone; one whose head is bad, the rest of its part. */
static void damage_is_bounded(void **state)
{
    (void)state;
    int fd = new_file();
    write_part(fd, 1, 1, 3);
    write_part(fd, 2, 4, 5);
    off_t second = 136 + 24 + 8 + 16;
    flip(fd, second + 24);
    struct outcome o = read_all(fd);
    assert_int_equal(o.records, 4);
    assert_int_equal(o.seqs[1], 3);
    flip(fd, second + 3);
    o = read_all(fd);
    assert_int_equal(o.records, 3);
    assert_int_equal(o.seqs[1], 4);
    assert_int_equal(o.losses.unended, 1);
    (void)close(fd);
}

/* The file ends anywhere: whole records before it are read, nothing else, and it is said. */
static void torn_tails(void **state)
{
    (void)state;
    for (off_t cut = 0; cut < 136 + 3 * 48 + 40; cut++) {
        int fd = new_file();
        write_part(fd, 1, 1, 3);
        off_t size = lseek(fd, 0, SEEK_END);
        assert_int_equal(size, 136 + 3 * 48 + 40);
        assert_int_equal(ftruncate(fd, cut), 0);
        struct outcome o = read_all(fd);
        size_t whole = cut < 136 ? 0 : (size_t)(cut - 136) / 48;
        assert_int_equal(o.records, whole > 3 ? 3 : whole);
        assert_int_equal(o.corrupt, 0);
        if (cut >= 136)
            assert_int_equal(o.losses.unended, 1);
        off_t behind = cut < 136 ? cut : cut < 136 + 3 * 48 ? (cut - 136) % 48 : cut - 136 - 3 * 48;
        off_t zeros = cut < 136 ? 0 : cut < 136 + 3 * 48 ? 3 : 16; /* that a frame begins with: nothing is torn where only they are there */
        assert_true(behind > zeros || o.losses.torn == 0);
        assert_true(behind <= zeros + 4 || o.losses.torn > 0); /* a check may begin with zeros too */
        /* a new part behind it: all of it is read */
        write_part(fd, 2, 10, 12);
        o = read_all(fd);
        if (o.records != (whole > 3 ? 3 : whole) + 4 ||
            (cut - 136) % 48 != 47) /* the byte that was cut may have been the zero that stands there now */
            assert_int_equal(o.records, (whole > 3 ? 3 : whole) + 3);
        assert_int_equal(o.corrupt, 0);
        (void)close(fd);
    }
}

static void swapped_and_repeated(void **state)
{
    (void)state;
    int fd = new_file();
    uint8_t frames[2][48];
    write_part(fd, 1, 1, 3);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pread(fd, frames[i], 48, 136 + i * 48), 48);
    assert_int_equal(pwrite(fd, frames[0], 48, 136 + 48), 48); /* the first one twice */
    assert_int_equal(read_all(fd).records, 1);
    assert_int_equal(pwrite(fd, frames[1], 48, 136), 48); /* swapped */
    struct outcome o = read_all(fd);
    assert_int_equal(o.records, 0);
    assert_int_equal(o.corrupt, 1);
    (void)close(fd);

    fd = new_file(); /* a part at another place */
    write_part(fd, 1, 1, 3);
    uint8_t part[4096] = {0};
    assert_true(pread(fd, part, sizeof part, 0) > 0);
    assert_int_equal(pwrite(fd, part, sizeof part, 4096), (int)sizeof part);
    o = read_all(fd);
    assert_int_equal(o.records, 3);
    assert_true(o.corrupt > 0);
    (void)close(fd);
}

static void follows_a_writer(void **state)
{
    (void)state;
    int fd = new_file();
    struct error e = {0};
    struct spool_record r;
    struct spool_writer *w = begin(fd, 1);
    struct spool_reader *reader = spool_reader_new(fd, secret, &e);
    spool_reader_limit(reader, 0);
    assert_int_equal(spool_reader_next(reader, &r, &e), 0);
    for (uint64_t i = 1; i <= 5; i++) {
        put(w, i);
        assert_int_equal(spool_sync(w, &e), 0);
        spool_reader_limit(reader, spool_counts(w).bytes);
        assert_int_equal(spool_reader_next(reader, &r, &e), 1);
        assert_int_equal(r.place.seq, i);
        assert_int_equal(spool_reader_next(reader, &r, &e), 0);
        assert_true(spool_reader_at(reader) == spool_counts(w).bytes);
    }
    end(w);
    spool_reader_limit(reader, NO_CAP);
    assert_int_equal(spool_reader_next(reader, &r, &e), 0);
    struct spool_losses l = spool_reader_losses(reader);
    assert_int_equal(l.torn + l.damaged + l.unended, 0);
    spool_reader_free(reader);
    (void)close(fd);
}

static void full(void **state)
{
    (void)state;
    int fd = new_file();
    struct error e = {0};
    struct spool_part p = part_of(1);
    struct spool_writer *w = spool_writer_new(fd, &p, public_key, 136 + 5 * 48 + 40, &e);
    for (uint64_t i = 1; i <= 5; i++) {
        assert_int_equal(spool_counts(w).nearly_full, 136 + (i - 1) * 48 > (136 + 5 * 48 + 40) * 4 / 5);
        put(w, i);
    }
    assert_true(spool_counts(w).nearly_full);
    assert_int_equal(spool_write(w, (struct spool_place){6, 0}, span_str("record 6"), &e), -1);
    assert_int_equal(e.class, ERR_LIMIT);
    assert_int_equal(spool_counts(w).records, 5);
    end(w); /* a refused record left no trace */
    assert_int_equal(read_all(fd).records, 5);
    assert_null(spool_writer_new(fd, &p, public_key, 400, &e));
    assert_int_equal(e.class, ERR_LIMIT);
    (void)close(fd);
}

/* A disk that takes no more (here: a limit on the size of files), and then takes more again. */
static void disk_full_for_a_while(void **state)
{
    (void)state;
    struct rlimit before;
    struct error e = {0};
    char path[] = "/tmp/tq-spool-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit little = {.rlim_cur = 136 + 48 + 20, .rlim_max = before.rlim_max};
    struct spool_writer *w = begin(fd, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    for (uint64_t i = 1; i <= 4; i++)
        put(w, i);
    int r = spool_sync(w, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -1);
    assert_int_equal(e.class, ERR_SYSTEM);
    assert_true(spool_counts(w).unsynced > 0);
    put(w, 5);
    end(w);
    struct outcome o = read_all(fd);
    assert_int_equal(o.records, 5);
    assert_int_equal(o.losses.torn + o.losses.damaged + o.losses.unended, 0);
    (void)close(fd);
}

static void newer_format(void **state)
{
    (void)state;
    int fd = new_file();
    struct error e = {0};
    struct spool_record r;
    struct spool_look look;
    write_part(fd, 1, 1, 1);
    uint8_t header[136];
    uint8_t sum[32];
    assert_int_equal(pread(fd, header, sizeof header, 0), (int)sizeof header);
    header[9] = 2;
    crypto_sha256(span_of(header, 120), sum);
    memcpy(header + 120, sum, 16);
    assert_int_equal(pwrite(fd, header, sizeof header, 0), (int)sizeof header);
    struct spool_reader *reader = spool_reader_new(fd, secret, &e);
    assert_int_equal(spool_reader_next(reader, &r, &e), -1);
    assert_int_equal(e.class, ERR_LIMIT);
    assert_int_equal(spool_look(fd, &look, &e), -1);
    assert_int_equal(e.class, ERR_LIMIT);
    spool_reader_free(reader);
    (void)close(fd);
}

/* ── a second reader, from docs/formats/spool.md alone, with OpenSSL's own X25519, HKDF and GCM ── */

static void kdf(int mode, const uint8_t *key, size_t key_n, const uint8_t *salt, size_t salt_n, const uint8_t *info, size_t info_n, uint8_t *out,
                size_t n)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[6];
    size_t at = 0;
    params[at++] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    params[at++] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0);
    params[at++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, key_n);
    if (salt_n > 0)
        params[at++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt, salt_n);
    params[at++] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, info_n);
    params[at] = OSSL_PARAM_construct_end();
    assert_int_equal(EVP_KDF_derive(ctx, out, n, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

static void agree(const uint8_t mine[32], const uint8_t *theirs, uint8_t out[32])
{
    EVP_PKEY *a = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, mine, 32);
    EVP_PKEY *b = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, 32);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(a, NULL);
    size_t n = 32;
    assert_true(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, b) == 1 && EVP_PKEY_derive(ctx, out, &n) == 1 && n == 32);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
}

/* Opens the frame at p with this step of the chain; returns its length, and the text in out. */
static size_t open_frame(uint8_t chain[32], uint64_t frame, const uint8_t *p, uint8_t *out, size_t *ret_n)
{
    uint8_t info[33] = "tourniquet spool frame v1";
    uint8_t keys[96];
    for (int i = 0; i < 8; i++)
        info[25 + i] = (uint8_t)(frame >> (56 - 8 * i));
    kdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, chain, 32, NULL, 0, info, sizeof info, keys, sizeof keys);
    memcpy(chain, keys, 32);
    uint8_t mac[32];
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, keys + 64, 32, p, 16, mac, sizeof mac, NULL));
    assert_memory_equal(mac, p + 16, 8);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const uint8_t nonce[12] = {0};
    int got = 0;
    assert_true(EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, keys + 32, nonce) == 1 && EVP_DecryptUpdate(c, NULL, &got, p, 24) == 1);
    assert_true(n == 0 || EVP_DecryptUpdate(c, out, &got, p + 24, (int)n) == 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(uintptr_t)(p + 24 + n)), 1);
    assert_int_equal(EVP_DecryptFinal_ex(c, out + n, &got), 1);
    EVP_CIPHER_CTX_free(c);
    *ret_n = n;
    return 24 + n + 16;
}

static void second_reader(const uint8_t *file, const uint8_t key[32], const char *const *texts, size_t n)
{
    uint8_t shared[32];
    uint8_t sum[32];
    uint8_t chain[32];
    assert_memory_equal(file, "TQSPOL1\n\0\1\0\0\0\0\0\0", 16);
    SHA256(file, 120, sum);
    assert_memory_equal(sum, file + 120, 16);
    agree(key, file + 56, shared);
    kdf(EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, shared, 32, file, 136, (const uint8_t *)"tourniquet spool v1", 19, chain, 32);
    size_t at = 136;
    uint8_t text[128];
    size_t text_n = 0;
    for (size_t i = 0; i <= n; i++) {
        at += open_frame(chain, i, file + at, text, &text_n);
        assert_int_equal(text_n, i == n ? 0 : strlen(texts[i]));
        if (i < n)
            assert_memory_equal(text, texts[i], text_n);
    }
}

static const char *const three[] = {"record 1", "record 2", "record 3"};

static void second_reader_agrees(void **state)
{
    (void)state;
    int fd = new_file();
    uint8_t file[4096];
    write_part(fd, 1, 1, 3);
    assert_true(pread(fd, file, sizeof file, 0) > 0);
    second_reader(file, secret, three, 3);
    (void)close(fd);
}

/* The vector of docs/formats/spool.md. */
static void vector(void **state)
{
    (void)state;
    static const char hex[] =
        "545153504f4c310a000100000000000001010101010101010101010101010101000000000000002918e91efd5bd38001000000000000000050a61409b1ddd032"
        "5e9b16b700e719e9772c07000b1bd7786e907c653d20495d13be4feaeaf204c7fd3358fc9c00721881d174278128227ec674f37f7fe97b6d6078a6f9e513d268"
        "942c0b426d56766000000008000000000000000100000002180c55cb68b68ced9957a28265b50ecc13b4b2a6af0b8bcfe5d7eaf4d8de78200000000800000000"
        "00000002000000039e17396eb33ab17e98bd192fb69dc9681e3f26cb5f9f713f435998cd8993e7c30000000000000000000000000000000098190ef6ac663c01"
        "3d7b546bc1573d4cb51536c7c967e7ba";
    uint8_t file[sizeof hex / 2];
    assert_true(text_unhex(span_of(hex, sizeof hex - 1), file, sizeof file));
    second_reader(file, secret, three, 2);
    int fd = new_file();
    assert_int_equal(pwrite(fd, file, sizeof file, 0), (int)sizeof file);
    struct outcome o = read_all(fd);
    assert_int_equal(o.records, 2);
    assert_int_equal(o.corrupt + o.losses.torn + o.losses.unended, 0);
    (void)close(fd);
}

/* ── room made ready ── */

#define ROOM (256u << 10)

/* Where writing past the cache is real, if it is anywhere. */
static int new_disk_file(void)
{
    char path[] = "/var/tmp/tourniquet-spool-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && unlink(path) == 0);
    return fd;
}

static uint64_t size_of(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    assert_true(size >= 0);
    return (uint64_t)size;
}

/* Bytes of the file from `from` on that are not zero. */
static uint64_t marks(int fd, uint64_t from)
{
    uint8_t bytes[4096];
    uint64_t n = 0;
    for (ssize_t got; (got = pread(fd, bytes, sizeof bytes, (off_t)from)) > 0; from += (uint64_t)got)
        for (ssize_t i = 0; i < got; i++)
            n += bytes[i] != 0;
    return n;
}

static void ready(int fd, uint64_t to)
{
    struct error e = {0};
    assert_int_equal(spool_ready(fd, 0, to, &e), 0);
    assert_int_equal(size_of(fd), to);
}

/* Numbers first … last, of these lengths, are read, and nothing does not hold. */
static void read_lengths(int fd, const uint32_t *lengths, uint64_t count, uint64_t limit)
{
    struct error e = {0};
    struct spool_record got;
    struct spool_reader *r = spool_reader_new(fd, secret, &e);
    assert_non_null(r);
    if (limit != 0)
        spool_reader_limit(r, limit);
    for (uint64_t i = 0; i < count; i++) {
        assert_int_equal(spool_reader_next(r, &got, &e), 1);
        assert_int_equal(got.place.seq, i + 1);
        assert_int_equal(got.record.n, lengths[i]);
        for (uint32_t k = 0; k < got.record.n; k++)
            assert_int_equal(got.record.p[k], (uint8_t)(i + 1));
    }
    assert_int_equal(spool_reader_next(r, &got, &e), 0);
    assert_int_equal(spool_reader_losses(r).damaged + spool_reader_losses(r).torn, 0);
    spool_reader_free(r);
}

/* Records of any length, synced at any time, in room that is ready, over its end, and behind it; and where the room becomes ready in between. */
static void in_place(int fd, unsigned seed, bool later)
{
    static uint8_t text[200000];
    uint32_t lengths[60];
    struct error e = {0};
    struct spool_part p = part_of(1);
    srand(seed);
    if (!later)
        ready(fd, ROOM);
    struct spool_writer *w = spool_writer_at(fd, 0, &p, public_key, NO_CAP, &e);
    assert_non_null(w);
    if (!later)
        spool_use_ready(w, ROOM);
    for (uint64_t i = 0; i < 60; i++) {
        int kind = rand() % 12;
        lengths[i] = kind == 0 ? 1 + (uint32_t)rand() % sizeof text : 1 + (uint32_t)rand() % (kind < 4 ? 9000 : 300);
        memset(text, (int)(i + 1), lengths[i]);
        assert_int_equal(spool_write(w, (struct spool_place){.seq = i + 1}, span_of(text, lengths[i]), &e), 0);
        if (rand() % 3 > 0)
            continue;
        assert_int_equal(spool_sync(w, &e), 0);
        assert_int_equal(spool_counts(w).unsynced, 0);
        read_lengths(fd, lengths, i + 1, spool_counts(w).bytes);
        if (later && size_of(fd) < ROOM) {
            assert_int_equal(spool_ready(fd, size_of(fd), ROOM, &e), 0);
            spool_use_ready(w, ROOM);
        }
    }
    assert_int_equal(spool_end(w, &e), 0);
    assert_int_equal(marks(fd, spool_counts(w).bytes), 0);
    spool_writer_free(w);
    read_lengths(fd, lengths, 60, 0);
    assert_int_equal(close(fd), 0);
}

static void written_in_place(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        in_place(new_disk_file(), seed, seed % 2 == 0);
        in_place(new_file(), seed, seed % 2 == 0);
    }
}

/* Whoever comes next finds where the records of before end, whatever their last bytes are: 300 of them, as one in 256 ends with a zero. */
static void room_is_found(void **state)
{
    struct error e = {0};
    uint64_t used = 1;
    uint64_t more = 0;
    int fd = new_disk_file();
    struct spool_part p = part_of(1);
    uint32_t lengths[300];
    (void)state;
    assert_int_equal(spool_room(fd, &used, &more, &e), 0);
    assert_true(used == 0 && more == 0);
    ready(fd, ROOM);
    assert_int_equal(spool_room(fd, &used, &more, &e), 0);
    assert_true(used == 0 && more == ROOM);
    struct spool_writer *w = spool_writer_at(fd, 0, &p, public_key, NO_CAP, &e);
    assert_non_null(w);
    spool_use_ready(w, ROOM);
    for (uint64_t i = 0; i < 300; i++) {
        uint8_t text[40];
        lengths[i] = 40;
        memset(text, (int)(i + 1), sizeof text);
        assert_int_equal(spool_write(w, (struct spool_place){.seq = i + 1}, span_of(text, sizeof text), &e), 0);
        assert_int_equal(spool_sync(w, &e), 0);
        assert_int_equal(spool_room(fd, &used, &more, &e), 0);
        assert_true(used >= spool_counts(w).bytes && used <= spool_counts(w).bytes + 64);
        assert_int_equal(more, ROOM);
    }
    spool_writer_free(w);
    read_lengths(fd, lengths, 300, 0);
    assert_int_equal(close(fd), 0);
}

/* A file of one part in ready room; how many bytes are used. */
static uint64_t one_part(int fd)
{
    struct error e = {0};
    struct spool_part p = part_of(1);
    ready(fd, ROOM);
    struct spool_writer *w = spool_writer_at(fd, 0, &p, public_key, NO_CAP, &e);
    assert_non_null(w);
    spool_use_ready(w, ROOM);
    for (uint64_t i = 1; i <= 200; i++)
        put(w, i);
    assert_int_equal(spool_end(w, &e), 0);
    uint64_t used = spool_counts(w).bytes;
    assert_true(used > 8192 && used < ROOM);
    spool_writer_free(w);
    return used;
}

static void emptied(void **state)
{
    struct error e = {0};
    uint64_t left = 0;
    uint64_t used = 0;
    (void)state;
    int fd = new_disk_file();
    assert_int_equal(spool_empty(fd, one_part(fd), ROOM, &left, &e), 0);
    assert_int_equal(left, ROOM);
    assert_int_equal(size_of(fd), ROOM);
    assert_int_equal(marks(fd, 0), 0);
    used = one_part(fd); /* less is kept than there is */
    assert_int_equal(spool_empty(fd, used, ROOM / 2, &left, &e), 0);
    assert_int_equal(left, ROOM / 2);
    assert_int_equal(size_of(fd), ROOM / 2);
    assert_int_equal(marks(fd, 0), 0);
    used = one_part(fd); /* more is used than is kept: there is no order in which that could go in place */
    assert_int_equal(spool_empty(fd, used, 4096, &left, &e), 0);
    assert_true(left == 0 && size_of(fd) == 0);
    used = one_part(fd); /* two parts */
    struct spool_part p = part_of(2);
    struct spool_writer *w = spool_writer_at(fd, used, &p, public_key, NO_CAP, &e);
    assert_non_null(w);
    put(w, 1);
    assert_int_equal(spool_end(w, &e), 0);
    used = spool_counts(w).bytes;
    spool_writer_free(w);
    assert_int_equal(spool_empty(fd, used, ROOM, &left, &e), 0);
    assert_true(left == 0 && size_of(fd) == 0);
    assert_int_equal(close(fd), 0);
}

/* The machine stops while the file is emptied: the header goes first, then the rest in any order. Nothing of it is read, or told as damage. */
static void emptying_cut_off(void **state)
{
    static const uint8_t zeros[4096];
    struct error e = {0};
    (void)state;
    for (unsigned seed = 0; seed < 20; seed++) {
        int fd = new_disk_file();
        uint64_t used = one_part(fd);
        uint64_t found = 1;
        uint64_t left = 0;
        srand(seed);
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, 0), sizeof zeros);
        for (uint64_t block = 4096; block < used; block += 4096)
            if (rand() % 2 == 0)
                assert_int_equal(pwrite(fd, zeros, sizeof zeros, (off_t)block), sizeof zeros);
        assert_int_equal(spool_room(fd, &found, &left, &e), 0);
        assert_int_equal(found, 0);
        assert_int_equal(left, ROOM);
        assert_int_equal(marks(fd, 0), 0);
        assert_int_equal(close(fd), 0);
    }
    int fd = new_disk_file(); /* but a header that was damaged stays, for whoever reads it to tell */
    uint64_t used = one_part(fd);
    uint64_t found = 0;
    uint64_t left = 0;
    assert_int_equal(pwrite(fd, "x", 1, 3), 1);
    assert_int_equal(spool_room(fd, &found, &left, &e), 0);
    assert_true(found >= used);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read),
        cmocka_unit_test(only_the_key_opens),
        cmocka_unit_test(every_flip_is_noticed),
        cmocka_unit_test(damage_is_bounded),
        cmocka_unit_test(torn_tails),
        cmocka_unit_test(swapped_and_repeated),
        cmocka_unit_test(follows_a_writer),
        cmocka_unit_test(full),
        cmocka_unit_test(disk_full_for_a_while),
        cmocka_unit_test(newer_format),
        cmocka_unit_test(second_reader_agrees),
        cmocka_unit_test(written_in_place),
        cmocka_unit_test(room_is_found),
        cmocka_unit_test(emptied),
        cmocka_unit_test(emptying_cut_off),
        cmocka_unit_test(vector),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
