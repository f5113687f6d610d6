#include "record/ledger/root.h"

#include "record/crypto/crypto.h"
#include "record/ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    enum root_kind kind;
    const char *name;
    const char *protects;
    const char * not ;
} kinds[] = {
    {ROOT_FILE, "file", "a backup that somebody takes without this disk", "somebody who takes this box, or its disk: the key lies on it"},
    {ROOT_CREDENTIAL, "credential", "a stolen disk and a stolen backup: the key opens with this machine's TPM only",
     "somebody who takes the whole box and lets it start"},
    {ROOT_PASSPHRASE, "passphrase", "a stolen box, a stolen disk and a stolen backup, as far as nobody guesses the passphrase",
     "somebody who takes the box while it runs"},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

const char *root_kind_name(enum root_kind kind)
{
    return kind >= ROOT_FILE && kind <= ROOT_PASSPHRASE ? kinds[kind - 1].name : "";
}

enum root_kind root_kind_of(struct span name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (span_is(name, kinds[i].name))
            return kinds[i].kind;
    return (enum root_kind)0;
}

const char *root_protects(enum root_kind kind, const char **ret_not)
{
    bool known = kind >= ROOT_FILE && kind <= ROOT_PASSPHRASE;
    if (ret_not != NULL)
        *ret_not = known ? kinds[kind - 1].not : "";
    return known ? kinds[kind - 1].protects : "";
}

int root_open(const struct root_source *s, const uint8_t salt[PASSPHRASE_SALT], struct passphrase_cost cost, uint8_t out[ROOT_KEY], struct error *e)
{
    switch (s->kind) {
    case ROOT_FILE:
        if (s->secret.n == 0)
            return root_key_load(s->path, out, e);
        if (s->secret.n != ROOT_KEY)
            return err_set(e, ERR_MISUSE, "the key file has not exactly %d bytes: put the right file back", ROOT_KEY);
        memcpy(out, s->secret.p, ROOT_KEY);
        return 0;
    case ROOT_CREDENTIAL:
        if (s->secret.n < CREDENTIAL_MIN || s->secret.n > ROOT_SECRET_MAX)
            return err_set(e, ERR_MISUSE, "the credential has not %d to %d bytes: make it of 32 random bytes, as docs/guide.md says", CREDENTIAL_MIN,
                           ROOT_SECRET_MAX);
        crypto_hkdf(s->secret, (struct span){0}, SPAN_LIT("tourniquet credential v1"), out, ROOT_KEY);
        return 0;
    case ROOT_PASSPHRASE:
        if (s->secret.n == 0)
            return err_set(e, ERR_LOCKED, "the ledger's keys wait for their passphrase");
        return passphrase_key(s->secret, salt, cost, out, e);
    }
    return err_set(e, ERR_MISUSE, "there is no such source of keys");
}

/* ── Files ── */

int root_key_load(const char *path, uint8_t out[ROOT_KEY], struct error *e)
{
    struct error why = {0};
    int fd = file_open_read(AT_FDCWD, path, &why);
    if (fd < 0) {
        if (e != NULL)
            *e = why;
        return -1;
    }
    struct stat st;
    uint8_t bytes[ROOT_KEY + 1];
    size_t n = 0;
    int rc = 0;
    if (fstat(fd, &st) != 0)
        rc = err_sys(e, errno, "reading the key %s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(e, ERR_MISUSE, "the key %s is not a regular file", path);
    else if ((st.st_mode & 077) != 0)
        rc = err_set(e, ERR_MISUSE, "the key %s may be read by others (mode %o): chmod 600 it, and think about who may have read it", path,
                     (unsigned)st.st_mode & 07777);
    else
        rc = file_read(fd, path, bytes, sizeof bytes, 0, &n, e);
    (void)close(fd);
    if (rc == 0 && n != ROOT_KEY)
        rc = err_set(e, ERR_MISUSE, "the key %s has not exactly %d bytes: put the right file back", path, ROOT_KEY);
    if (rc == 0)
        memcpy(out, bytes, ROOT_KEY);
    crypto_wipe(bytes, sizeof bytes);
    return rc;
}

int root_key_make(const char *path, struct error *e)
{
    if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return err_set(e, ERR_MISUSE, "the key %s is there already", path);
    uint8_t key[ROOT_KEY];
    crypto_random(key, sizeof key);
    int rc = file_replace(AT_FDCWD, path, span_of(key, sizeof key), true, e);
    crypto_wipe(key, sizeof key);
    return rc;
}

static int write_over(const char *path, const uint8_t key[ROOT_KEY], struct error *e)
{
    int fd = file_open_write(AT_FDCWD, path, e);
    if (fd < 0)
        return -1;
    int rc = file_write(fd, path, span_of(key, ROOT_KEY), 0, e);
    if (rc == 0)
        rc = file_sync(fd, path, e);
    (void)close(fd);
    return rc;
}

int root_key_put(const char *path, const uint8_t key[ROOT_KEY], struct error *e)
{
    return write_over(path, key, e) == 0 ? file_sync_parent(AT_FDCWD, path, e) : -1;
}

int root_key_drop(const char *path, struct error *e)
{
    static const uint8_t zeros[ROOT_KEY];
    return write_over(path, zeros, e) == 0 && file_remove(AT_FDCWD, path, e) == 0 ? file_sync_parent(AT_FDCWD, path, e) : -1;
}
