#include "proc/identity.h"

#include "record/crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* identity.sealed: version (1), nonce (12), then sealed: five texts, each with a length of four bytes: names that the server certificate is for, authority key,
 * authority certificate, server key, server chain. */
#define KEPT "identity.sealed"
#define KEPT_NEW "identity.sealed.new"
#define PUBLIC "authority.pem"
#define VERSION 1
#define FILE_MAX 131072
#define SERVER_DAYS 397
#define RENEW_BEFORE (30 * 86400 * TIME_SECOND)

struct kept {
    struct buf text[5];
};

enum { NAMES, AUTHORITY_KEY, AUTHORITY_CERTIFICATE, SERVER_KEY, SERVER_CHAIN };

static void kept_release(struct kept *k)
{
    for (size_t i = 0; i < 5; i++)
        buf_release(&k->text[i]);
}

/* ── the file ── */

static int read_file(const char *path, struct buf *out, bool *ret_there, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *ret_there = fd >= 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(e, errno, "opening %s", path);
    int r = 0;
    while (r == 0 && buf_reserve(out, 4096)) {
        ssize_t n = read(fd, out->p + out->n, 4096);
        if (n == 0)
            break;
        if (n < 0)
            r = err_sys(e, errno, "reading %s", path);
        else
            out->n += (size_t)n;
    }
    (void)close(fd);
    return r == 0 && !buf_ok(out) ? err_set(e, ERR_CORRUPT, "%s is larger than it can be", path) : r;
}

static int write_file(const char *path, const char *under_way, mode_t mode, struct span bytes, struct error *e)
{
    int fd = open(under_way, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return err_sys(e, errno, "making %s", under_way);
    int r = fchmod(fd, mode) == 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && fsync(fd) == 0 ? 0 : err_sys(e, errno, "writing %s", under_way);
    (void)close(fd);
    if (r == 0 && rename(under_way, path) != 0)
        r = err_sys(e, errno, "renaming %s to %s", under_way, path);
    return r;
}

static int load(struct kept *k, const uint8_t key[32], bool *ret_there, struct error *e)
{
    struct buf file = BUF_INIT(FILE_MAX);
    struct buf clear = BUF_SECRET(FILE_MAX);
    int r = read_file(KEPT, &file, ret_there, e);
    if (r == 0 && *ret_there) {
        struct span s = buf_span(&file);
        uint8_t version = span_u8(&s);
        struct span nonce = span_take(&s, AES_GCM_NONCE);
        bool opens = !s.bad && version == VERSION && s.n >= AES_GCM_TAG && buf_reserve(&clear, s.n) && crypto_open(key, nonce.p, SPAN_LIT(KEPT), s, clear.p);
        if (opens)
            clear.n = s.n - AES_GCM_TAG;
        struct span c = buf_span(&clear);
        for (size_t i = 0; i < 5; i++)
            buf_add_span(&k->text[i], span_take(&c, span_be32(&c)));
        if (!opens || c.bad || c.n != 0)
            r = err_set(e, ERR_CORRUPT, KEPT " does not open under this data folder's root key: it was damaged, or belongs to another one");
    }
    buf_release(&clear);
    buf_release(&file);
    return r;
}

static int save(const struct kept *k, const uint8_t key[32], struct error *e)
{
    struct buf clear = BUF_SECRET(FILE_MAX);
    struct buf file = BUF_INIT(FILE_MAX);
    uint8_t nonce[AES_GCM_NONCE];
    crypto_random(nonce, sizeof nonce);
    for (size_t i = 0; i < 5; i++) {
        buf_be32(&clear, (uint32_t)k->text[i].n);
        buf_add_span(&clear, buf_span(&k->text[i]));
    }
    buf_u8(&file, VERSION);
    buf_add(&file, nonce, sizeof nonce);
    int r = -1;
    if (buf_ok(&clear) && buf_reserve(&file, clear.n + AES_GCM_TAG)) {
        crypto_seal(key, nonce, SPAN_LIT(KEPT), buf_span(&clear), file.p + file.n);
        file.n += clear.n + AES_GCM_TAG;
        r = write_file(KEPT, KEPT_NEW, 0600, buf_span(&file), e);
    } else {
        (void)err_set(e, ERR_SYSTEM, "no memory for the site's identity");
    }
    buf_release(&clear);
    buf_release(&file);
    return r != 0 ? r : write_file(PUBLIC, PUBLIC ".new", 0644, buf_span(&k->text[AUTHORITY_CERTIFICATE]), e);
}

/* ── certificates ── */

static int make_authority(struct kept *k, const char *site, tq_time now, struct error *e)
{
    struct authority *a = authority_new(site, now, e);
    if (a == NULL)
        return -1;
    int r = authority_key_pem(a, &k->text[AUTHORITY_KEY], e);
    if (r == 0)
        r = authority_certificate_pem(a, &k->text[AUTHORITY_CERTIFICATE], e);
    authority_free(a);
    return r;
}

static bool serves(const struct kept *k, struct span names, tq_time now)
{
    tq_time until = 0;
    return k->text[SERVER_CHAIN].n > 0 && span_equal(buf_span(&k->text[NAMES]), names) &&
           authority_inspect(buf_span(&k->text[SERVER_CHAIN]), &until, NULL, NULL) == 0 && until - now > RENEW_BEFORE;
}

static int issue(struct kept *k, const struct authority *a, const char *name, const char *address, tq_time now, struct error *e)
{
    const char *names[2] = {name, address};
    for (size_t i = SERVER_KEY; i <= SERVER_CHAIN; i++)
        buf_clear(&k->text[i]);
    return authority_issue(a, names, address[0] != 0 ? 2 : 1, now, SERVER_DAYS, &k->text[SERVER_KEY], &k->text[SERVER_CHAIN], e);
}

static int prepare(struct kept *k, bool there, struct identity *ret, const uint8_t key[32], const char *site, const char *name, const char *address,
                   tq_time now, struct error *e)
{
    if (!there && make_authority(k, site, now, e) != 0)
        return -1;
    struct authority *a = authority_load(buf_span(&k->text[AUTHORITY_KEY]), buf_span(&k->text[AUTHORITY_CERTIFICATE]), e);
    if (a == NULL)
        return -1;
    struct buf names = BUF_INIT(1024);
    buf_addf(&names, "%s %s", name, address);
    int r = 0;
    if (!serves(k, buf_span(&names), now)) {
        buf_clear(&k->text[NAMES]);
        buf_add_span(&k->text[NAMES], buf_span(&names));
        r = issue(k, a, name, address, now, e);
        if (r == 0)
            r = save(k, key, e);
    }
    authority_fingerprint(a, ret->fingerprint);
    authority_free(a);
    buf_release(&names);
    return r;
}

int identity_open(struct identity *ret, const uint8_t key[32], const char *site, const char *name, const char *address, tq_time now, struct error *e)
{
    struct kept k;
    for (size_t i = 0; i < 5; i++)
        k.text[i] = i == AUTHORITY_KEY || i == SERVER_KEY ? BUF_SECRET(FILE_MAX / 8) : BUF_INIT(FILE_MAX / 4);
    struct identity i = {.chain = BUF_INIT(FILE_MAX / 2), .key = BUF_SECRET(FILE_MAX / 4)};
    bool there = false;
    int r = load(&k, key, &there, e);
    if (r == 0)
        r = prepare(&k, there, &i, key, site, name, address, now, e);
    if (r == 0) {
        i.created = !there;
        buf_add_span(&i.chain, buf_span(&k.text[SERVER_CHAIN]));
        buf_add_span(&i.key, buf_span(&k.text[SERVER_KEY]));
        *ret = i;
    } else {
        identity_release(&i);
    }
    kept_release(&k);
    return r;
}

void identity_release(struct identity *i)
{
    buf_release(&i->chain);
    buf_release(&i->key);
}
