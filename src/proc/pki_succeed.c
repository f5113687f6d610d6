/* The authority after the present one. Three steps, each by a person: the next one is made, and taken beside the present one; it takes its place, and
 * makes our own certificates anew; the former one is dropped, and what it made is taken no more. In between the other ends enrol anew, when it suits
 * them. */
#include "proc/pki_files.h"
#include "proc/pki_private.h"
#include "record/ledger/file.h"

#include <fcntl.h>

/* What lies there, where something does. */
static int load_beside(const char *path, struct buf *pem, struct api_certificate *ret, struct error *e)
{
    struct error why = {0};
    buf_clear(pem);
    int rc = file_load(AT_FDCWD, path, CERTIFICATE_PEM, pem, &why);
    if (rc == 0)
        rc = pki_describe(buf_span(pem), "", "", "", 0, ret, &why);
    if (rc != 0)
        buf_clear(pem);
    if (rc == 0) {
        ret->ours = true;
        ret->made = ret->not_before;
        return 0;
    }
    if (why.class == ERR_CLOSED)
        return 0;
    if (e != NULL)
        *e = why;
    return -1;
}

/* The certificate is in its place: so is the key, then. Done again where a machine stopped in the middle. */
static int finish_switch(struct error *e)
{
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    int rc = file_load(AT_FDCWD, PKI_NEXT_KEY, CERTIFICATE_PEM, &key, e);
    if (rc == 0)
        rc = file_replace(AT_FDCWD, PKI_KEY, buf_span(&key), true, e);
    if (rc == 0)
        rc = file_remove(AT_FDCWD, PKI_NEXT, e);
    if (rc == 0)
        rc = file_remove(AT_FDCWD, PKI_NEXT_KEY, e);
    buf_release(&key);
    return rc;
}

int pki_succession_mend(struct error *e)
{
    struct buf next = BUF_INIT(CERTIFICATE_PEM);
    struct buf present = BUF_INIT(CERTIFICATE_PEM);
    bool begun = file_load(AT_FDCWD, PKI_NEXT, CERTIFICATE_PEM, &next, NULL) == 0 &&
                 file_load(AT_FDCWD, PKI_AUTHORITY, CERTIFICATE_PEM, &present, NULL) == 0 && span_equal(buf_span(&next), buf_span(&present));
    buf_release(&next);
    buf_release(&present);
    return begun ? finish_switch(e) : 0;
}

int pki_succession_load(struct pki *p, struct error *e)
{
    return load_beside(PKI_NEXT, &p->next_pem, &p->next, e) != 0 ? -1 : load_beside(PKI_FORMER, &p->former_pem, &p->former, e);
}

bool pki_next(const struct pki *p, struct api_certificate *ret)
{
    *ret = p->next;
    return p->next_pem.n > 0;
}

bool pki_former(const struct pki *p, struct api_certificate *ret)
{
    *ret = p->former;
    return p->former_pem.n > 0;
}

int pki_make_next(struct pki *p, const char *site, const char *const *permit, size_t n, tq_time now, struct api_certificate *ret, struct error *e)
{
    if (p->authority == NULL)
        return err_set(e, ERR_MISUSE, "the links have no authority yet: tourniquet pki init");
    if (p->next_pem.n > 0 || p->former_pem.n > 0)
        return err_set(e, ERR_MISUSE, "a change of the authority is under way already: switch to the next one, or drop the former one, first");
    struct authority *a = authority_new_links(site, permit, n, now, e);
    if (a == NULL)
        return -1;
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    struct buf pem = BUF_INIT(CERTIFICATE_PEM);
    int rc = authority_key_pem(a, &key, e);
    if (rc == 0)
        rc = authority_certificate_pem(a, &pem, e);
    if (rc == 0) /* key first: without it the certificate is of no use */
        rc = file_replace(AT_FDCWD, PKI_NEXT_KEY, buf_span(&key), true, e);
    if (rc == 0)
        rc = file_replace(AT_FDCWD, PKI_NEXT, buf_span(&pem), true, e);
    buf_release(&key);
    buf_release(&pem);
    authority_free(a);
    if (rc == 0)
        rc = pki_succession_load(p, e);
    *ret = p->next;
    return rc;
}

int pki_switch(struct pki *p, struct api_certificate *ret, struct error *e)
{
    char before[sizeof p->own.serial];
    if (p->next_pem.n == 0)
        return err_set(e, ERR_MISUSE, "there is no next authority: tourniquet pki authority next");
    (void)snprintf(before, sizeof before, "%s", p->own.serial);
    int rc = file_replace(AT_FDCWD, PKI_FORMER, buf_span(&p->pem), true, e);
    if (rc == 0)
        rc = file_replace(AT_FDCWD, PKI_AUTHORITY, buf_span(&p->next_pem), true, e); /* from here on it is the authority */
    if (rc == 0)
        rc = finish_switch(e);
    if (rc == 0)
        rc = pki_authority_load(p, e);
    if (rc == 0)
        rc = pki_succession_load(p, e);
    *ret = p->own;
    (void)snprintf(ret->replaces, sizeof ret->replaces, "%s", before);
    return rc;
}

int pki_drop(struct pki *p, struct api_certificate *ret, struct error *e)
{
    if (p->former_pem.n == 0)
        return err_set(e, ERR_MISUSE, "there is no former authority");
    *ret = p->former;
    int rc = file_remove(AT_FDCWD, PKI_FORMER, e);
    return rc == 0 ? pki_succession_load(p, e) : rc;
}
