/* Backups from outside. An even first byte: the rest is the file as it lies there. An odd one: the rest is what lies in its chunks, sealed here under
 * a key that the reader has, so that what is inside is reached too. */
#include "record/backup/inside.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t opening[32] = {7};

static void put(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n <= 0)
            abort();
        (void)span_skip(&bytes, (size_t)n);
    }
}

static void put_head(int fd, uint8_t id[BACKUP_ID], uint8_t key[BACKUP_KEY])
{
    static const uint8_t nonce[AES_GCM_NONCE];
    struct buf head = BUF_INIT(4096);
    uint8_t wrap[32];
    uint8_t wrapped[BACKUP_KEY + AES_GCM_TAG];
    uint8_t hash[SHA256_SIZE];
    buf_add_span(&head, BACKUP_MAGIC);
    buf_be16(&head, BACKUP_FORMAT);
    while (head.n < HEAD_BOUND)
        buf_u8(&head, 0);
    memset(id, 0, BACKUP_ID);
    memset(key, 9, BACKUP_KEY);
    backup_wrapping_key(opening, head.p + 96, wrap);
    crypto_seal(wrap, nonce, buf_span(&head), span_of(key, BACKUP_KEY), wrapped);
    buf_add(&head, wrapped, sizeof wrapped);
    buf_be32(&head, 1);
    buf_u8(&head, 'k');
    crypto_sha256(buf_span(&head), hash);
    buf_add(&head, hash, sizeof hash);
    put(fd, buf_span(&head));
    buf_release(&head);
}

static void put_chunks(int fd, const uint8_t id[BACKUP_ID], const uint8_t key[BACKUP_KEY], struct span clear)
{
    static uint8_t sealed[BACKUP_CHUNK + AES_GCM_TAG];
    for (uint64_t number = 0;; number++) {
        size_t n = clear.n < BACKUP_CHUNK ? clear.n : BACKUP_CHUNK;
        bool last = clear.n == n;
        uint8_t nonce[AES_GCM_NONCE];
        uint8_t ad[BACKUP_ID + 12];
        uint8_t bytes[4];
        struct buf head = {.p = bytes, .size = 4, .max = 4};
        buf_be32(&head, (uint32_t)n | (last ? CHUNK_LAST : 0));
        backup_chunk_bind(id, number, (uint32_t)n | (last ? CHUNK_LAST : 0), nonce, ad);
        crypto_seal(key, nonce, span_of(ad, sizeof ad), span_take(&clear, n), sealed);
        put(fd, buf_span(&head));
        put(fd, span_of(sealed, n + AES_GCM_TAG));
        if (last)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error e = {0};
    struct backup_restored done = {0};
    struct backup_head head;
    uint8_t id[BACKUP_ID];
    uint8_t key[BACKUP_KEY];
    if (size == 0)
        return 0;
    bool inside = data[0] % 2 == 1;
    struct span in = span_of(data + 1, size - 1);
    if (backup_head_parse(in, &head, &e) == 0 && head.n > in.n)
        abort();
    int fd = memfd_create("backup", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    if (inside) {
        put_head(fd, id, key);
        put_chunks(fd, id, key, in);
    } else {
        put(fd, in);
    }
    struct backup_reader *r = backup_open(fd, &e);
    if (inside && r == NULL)
        abort();
    if (r != NULL && backup_unlock(r, opening, &e) == 0 && backup_read(r, -1, NULL, NULL, &done, &e) == 0 && done.bytes > size)
        abort(); /* more came out than went in */
    backup_close(r);
    (void)close(fd);
    return 0;
}
