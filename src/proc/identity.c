#include "proc/identity.h"

#include "proc/sealed.h"
#include "record/crypto/crypto.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* identity.sealed (sealed.h): five texts, each with a length of four bytes: names that the server certificate is for, authority key,
 * authority certificate, server key, server chain. */
#define PUBLIC "authority.pem"
#define PAGE "page.pem"
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

static int load(struct kept *k, const uint8_t key[32], bool *ret_there, struct error *e)
{
    struct buf clear = BUF_SECRET(FILE_MAX);
    int r = sealed_load(IDENTITY_FILE, key, &clear, ret_there, e);
    if (r == 0 && *ret_there) {
        struct span c = buf_span(&clear);
        for (size_t i = 0; i < 5; i++)
            buf_add_span(&k->text[i], span_take(&c, span_be32(&c)));
        if (c.bad || c.n != 0)
            r = err_set(e, ERR_CORRUPT, IDENTITY_FILE " is cut, or followed by stray bytes");
    }
    buf_release(&clear);
    return r;
}

static int save(const struct kept *k, const uint8_t key[32], struct error *e)
{
    struct buf clear = BUF_SECRET(FILE_MAX);
    for (size_t i = 0; i < 5; i++) {
        buf_be32(&clear, (uint32_t)k->text[i].n);
        buf_add_span(&clear, buf_span(&k->text[i]));
    }
    int r = buf_ok(&clear) ? sealed_save(IDENTITY_FILE, key, buf_span(&clear), e) : err_set(e, ERR_SYSTEM, "no memory for the site's identity");
    buf_release(&clear);
    return r != 0 ? r : plain_save(PUBLIC, 0644, buf_span(&k->text[AUTHORITY_CERTIFICATE]), e);
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

static size_t list_names(const struct identity_names *n, const char *ret[4])
{
    const char *const all[] = {n->page, n->address, n->landing, n->postbox};
    size_t count = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i][0] != 0)
            ret[count++] = all[i];
    return count;
}

static int issue(struct kept *k, const struct authority *a, const struct identity_names *n, tq_time now, struct error *e)
{
    const char *names[4];
    size_t count = list_names(n, names);
    for (size_t i = SERVER_KEY; i <= SERVER_CHAIN; i++)
        buf_clear(&k->text[i]);
    return authority_issue(a, names, count, now, SERVER_DAYS, &k->text[SERVER_KEY], &k->text[SERVER_CHAIN], e);
}

static int prepare(struct kept *k, bool there, struct identity *ret, const uint8_t key[32], const char *site, const struct identity_names *n,
                   tq_time now, struct error *e)
{
    if (!there && make_authority(k, site, now, e) != 0)
        return -1;
    struct authority *a = authority_load(buf_span(&k->text[AUTHORITY_KEY]), buf_span(&k->text[AUTHORITY_CERTIFICATE]), e);
    if (a == NULL)
        return -1;
    struct buf names = BUF_INIT(2048);
    const char *each[4];
    for (size_t i = 0, count = list_names(n, each); i < count; i++)
        buf_addf(&names, "%s%s", i > 0 ? " " : "", each[i]);
    int r = 0;
    if (!serves(k, buf_span(&names), now)) {
        buf_clear(&k->text[NAMES]);
        buf_add_span(&k->text[NAMES], buf_span(&names));
        r = issue(k, a, n, now, e);
        if (r == 0)
            r = save(k, key, e);
    }
    authority_fingerprint(a, ret->fingerprint);
    authority_free(a);
    buf_release(&names);
    return r;
}

int identity_open(struct identity *ret, const uint8_t key[32], const char *site, const struct identity_names *names, tq_time now, struct error *e)
{
    struct kept k;
    for (size_t i = 0; i < 5; i++)
        k.text[i] = i == AUTHORITY_KEY || i == SERVER_KEY ? BUF_SECRET(FILE_MAX / 8) : BUF_INIT(FILE_MAX / 4);
    struct identity i = {.chain = BUF_INIT(FILE_MAX / 2), .key = BUF_SECRET(FILE_MAX / 4)};
    bool there = false;
    int r = load(&k, key, &there, e);
    if (r == 0)
        r = prepare(&k, there, &i, key, site, names, now, e);
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

/* ── the page's key, outside the root key ── */

int identity_keep_page(struct span chain, struct span key, struct error *e)
{
    struct buf page = BUF_SECRET(FILE_MAX);
    buf_add_span(&page, key);
    buf_add_span(&page, chain);
    int r = buf_ok(&page) ? plain_save(PAGE, 0600, buf_span(&page), e) : err_set(e, ERR_SYSTEM, "no memory for the page's certificate");
    buf_release(&page);
    return r;
}

int identity_drop_page(struct error *e)
{
    return unlink(PAGE) == 0 || errno == ENOENT ? 0 : err_sys(e, errno, "removing " PAGE);
}

int identity_open_page(struct identity *ret, bool *ret_there, struct error *e)
{
    static const char mark[] = "-----BEGIN CERTIFICATE-----";
    struct buf page = BUF_SECRET(FILE_MAX);
    struct identity i = {.chain = BUF_INIT(FILE_MAX), .key = BUF_SECRET(FILE_MAX)};
    int r = plain_load(PAGE, &page, ret_there, e);
    const uint8_t *chain = page.n == 0 ? NULL : memmem(page.p, page.n, mark, sizeof mark - 1);
    if (r == 0 && *ret_there && chain == NULL)
        r = err_set(e, ERR_CORRUPT, PAGE " holds no certificate");
    if (r == 0 && *ret_there) {
        buf_add(&i.key, page.p, (size_t)(chain - page.p));
        buf_add(&i.chain, chain, page.n - (size_t)(chain - page.p));
        *ret = i;
    }
    buf_release(&page);
    return r;
}
