#include "proc/pki_private.h"

#include "base/text.h"
#include "proc/link_tls_private.h"
#include "proc/pki_files.h"
#include "record/crypto/crypto.h"
#include "record/ledger/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

/* A line of pki/enrolments: "ID HASH UNTIL LINK SIDE DAYS NAMES". The file is replaced whole. */
#define FILE_BYTES (PKI_ENROLMENTS_MAX * 2048)

static bool read_enrolment(struct span line, struct enrolment *ret)
{
    char hash[65];
    uint64_t days = 0;
    *ret = (struct enrolment){0};
    struct api_enrolment *x = &ret->x;
    bool ok = pki_word(&line, x->id, sizeof x->id) && pki_word(&line, hash, sizeof hash) && text_unhex(span_str(hash), ret->hash, sizeof ret->hash) &&
              pki_seconds(&line, &x->until) && pki_word(&line, x->link, sizeof x->link) && pki_word(&line, x->side, sizeof x->side) &&
              span_decimal(span_until(&line, ' ', NULL), AUTHORITY_LINK_DAYS_MAX, &days) && pki_word(&line, x->names, sizeof x->names) && line.n == 0;
    x->days = (int64_t)days;
    return ok;
}

int pki_enrolments_load(struct pki *p, struct error *e)
{
    struct buf text = BUF_INIT(FILE_BYTES);
    struct error why = {0};
    int rc = file_load(AT_FDCWD, PKI_ENROLMENTS, FILE_BYTES, &text, &why);
    if (rc != 0 && why.class == ERR_CLOSED)
        rc = 0;
    struct span rest = buf_span(&text);
    while (rc == 0 && rest.n > 0)
        if (p->enrolled_n == PKI_ENROLMENTS_MAX || !read_enrolment(span_until(&rest, '\n', NULL), &p->enrolled[p->enrolled_n++]))
            rc = err_set(&why, ERR_CORRUPT, PKI_ENROLMENTS " has a line that is none of its own: remove the file, and enrol anew");
    buf_release(&text);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}

static int save(const struct pki *p, struct error *e)
{
    struct buf text = BUF_INIT(FILE_BYTES);
    for (size_t i = 0; i < p->enrolled_n; i++) {
        const struct enrolment *n = &p->enrolled[i];
        char hash[65];
        text_hex_to(hash, n->hash, sizeof n->hash);
        buf_addf(&text, "%s %s %" PRId64 " %s %s %" PRId64 " %s\n", n->x.id, hash, n->x.until / TIME_SECOND, n->x.link, n->x.side, n->x.days,
                 n->x.names);
    }
    int rc = buf_ok(&text) ? file_replace(AT_FDCWD, PKI_ENROLMENTS, buf_span(&text), true, e) : err_set(e, ERR_LIMIT, "too many enrolments");
    buf_release(&text);
    return rc;
}

static void strike_out(struct pki *p, size_t i)
{
    memmove(&p->enrolled[i], &p->enrolled[i + 1], (p->enrolled_n - i - 1) * sizeof p->enrolled[0]);
    p->enrolled_n--;
    crypto_wipe(&p->enrolled[p->enrolled_n], sizeof p->enrolled[0]);
}

static void forget_old(struct pki *p, tq_time now)
{
    for (size_t i = p->enrolled_n; i-- > 0;)
        if (p->enrolled[i].x.until <= now)
            strike_out(p, i);
}

static void hash_code(struct span code, uint8_t out[32])
{
    char plain[ENROLMENT_CODE];
    code_plain(code, plain, sizeof plain);
    crypto_sha256(span_of(plain, sizeof plain), out);
    crypto_wipe(plain, sizeof plain);
}

int pki_enrol(struct pki *p, struct api_enrolment *x, tq_time now, tq_time until, char code[ENROLMENT_CODE], struct error *e)
{
    char copy[CERTIFICATE_NAMES_TEXT];
    const char *names[CERTIFICATE_NAMES];
    size_t n = 0;
    uint8_t id[8];
    if (pki_clock_fits(p, now, e) != 0 || pki_names(x->names, copy, names, &n, e) != 0)
        return -1;
    if (x->days < 1 || x->days > AUTHORITY_LINK_DAYS_MAX)
        return err_set(e, ERR_MISUSE, "a certificate lives 1 to %d days", AUTHORITY_LINK_DAYS_MAX);
    forget_old(p, now);
    if (p->enrolled_n == PKI_ENROLMENTS_MAX)
        return err_set(e, ERR_LIMIT, "%d enrolments are open: withdraw one first", PKI_ENROLMENTS_MAX);
    struct enrolment *kept = &p->enrolled[p->enrolled_n];
    crypto_random(id, sizeof id);
    text_hex_to(x->id, id, sizeof id);
    x->until = until;
    code_make(code, ENROLMENT_GROUPS);
    *kept = (struct enrolment){.x = *x};
    hash_code(span_str(code), kept->hash);
    p->enrolled_n++;
    int rc = save(p, e);
    if (rc != 0)
        p->enrolled_n--;
    return rc;
}

size_t pki_enrolment_count(const struct pki *p)
{
    return p->enrolled_n;
}

const struct api_enrolment *pki_enrolment(const struct pki *p, size_t i)
{
    return &p->enrolled[i].x;
}

int pki_withdraw(struct pki *p, struct span id, struct api_enrolment *ret, struct error *e)
{
    for (size_t i = 0; i < p->enrolled_n; i++) {
        if (!span_is(id, p->enrolled[i].x.id))
            continue;
        *ret = p->enrolled[i].x;
        strike_out(p, i);
        return save(p, e);
    }
    return err_set(e, ERR_MISUSE, "there is no such enrolment: it was used, or has ended");
}

/* All are compared, in the same time whatever the code is. */
static bool find_code(const struct pki *p, struct span code, size_t *ret)
{
    uint8_t hash[32];
    bool found = false;
    hash_code(code, hash);
    for (size_t i = 0; i < p->enrolled_n; i++) {
        bool same = crypto_equal(hash, p->enrolled[i].hash, sizeof hash);
        *ret = same ? i : *ret;
        found = found || same;
    }
    return found;
}

/* The code is struck out on the disk before a certificate is made for it. */
static int certify(struct pki *p, const struct enrolment *n, const struct request_signed *r, tq_time now, struct api_certificate *ret,
                   struct buf *chain, struct error *e)
{
    char copy[CERTIFICATE_NAMES_TEXT];
    char uri[CERTIFICATE_NAME];
    const char *names[CERTIFICATE_NAMES];
    struct api_certificate made;
    struct authority_terms t = {.names = names, .uri = uri, .client = true, .now = now, .days = (unsigned)n->x.days};
    if (strcmp(n->x.side, CERTIFICATE_DEVICE) == 0)
        (void)snprintf(uri, sizeof uri, PKI_DEVICE_URI, n->x.link);
    else
        (void)snprintf(uri, sizeof uri, LINK_TLS_URI, n->x.link, n->x.side);
    size_t at = chain->n;
    int rc = pki_names(n->x.names, copy, names, &t.n, e);
    if (rc == 0)
        rc = authority_sign(p->authority, r, &t, chain, e);
    if (rc == 0)
        rc = pki_describe(span_of(chain->p + at, chain->n - at), n->x.link, n->x.side, n->x.names, now, &made, e);
    if (rc == 0)
        rc = pki_add(p, &made, e);
    if (rc == 0)
        rc = pki_keep_chain(made.serial, span_of(chain->p + at, chain->n - at), e);
    if (rc == 0)
        *ret = made;
    return rc;
}

static int check_request(const struct enrolment *n, struct span request, struct request_signed **ret, struct error *e)
{
    char copy[CERTIFICATE_NAMES_TEXT];
    const char *names[CERTIFICATE_NAMES];
    size_t count = 0;
    if (pki_names(n->x.names, copy, names, &count, e) != 0)
        return -1;
    struct request_signed *r = request_signed_read(request, e);
    if (r == NULL)
        return -1;
    if (request_signed_names(r, names, count, e) != 0) {
        request_signed_free(r);
        return -1;
    }
    *ret = r;
    return 0;
}

int pki_redeem(struct pki *p, struct span code, struct span request, tq_time now, struct api_certificate *ret, struct buf *chain, struct error *e)
{
    size_t at = 0;
    struct request_signed *r = NULL;
    forget_old(p, now);
    if (!find_code(p, code, &at))
        return err_set(e, ERR_LOCKED, "no open enrolment has this code: it is wrong, was used, or has ended");
    if (pki_clock_fits(p, now, e) != 0)
        return -1;
    if (check_request(&p->enrolled[at], request, &r, e) != 0) {
        if (++p->enrolled[at].tries >= PKI_TRIES) {
            strike_out(p, at);
            (void)save(p, NULL);
        }
        return -1;
    }
    struct enrolment used = p->enrolled[at];
    strike_out(p, at);
    int rc = save(p, e);
    if (rc == 0)
        rc = certify(p, &used, r, now, ret, chain, e);
    request_signed_free(r);
    return rc;
}
