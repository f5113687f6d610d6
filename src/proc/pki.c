#include "proc/pki_private.h"

#include "base/text.h"
#include "proc/link_tls.h"
#include "proc/pki_files.h"
#include "record/crypto/crypto.h"
#include "record/ledger/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

/* A line of pki/issued: "made AT SERIAL FINGERPRINT LINK SIDE own|given|peer NOT-BEFORE NOT-AFTER NAMES" "revoked AT SERIAL FINGERPRINT" or, of
 * another authority's, "blocked AT SERIAL FINGERPRINT LINK SIDE NOT-AFTER". Times are seconds since 1970, names have commas between. */
#define ISSUED_MAX (8u << 20)
#define LINE_MAX_BYTES 2048
#define DAY (INT64_C(86400) * TIME_SECOND)
#define CRL_DAYS 30
#define BLOCK_DAYS (50 * 365) /* more than any certificate lives, less than a time holds */

bool pki_word(struct span *line, char *out, size_t size)
{
    struct span word = span_until(line, ' ', NULL);
    if (word.n == 0 || word.n >= size || memchr(word.p, 0, word.n) != NULL)
        return false;
    memcpy(out, word.p, word.n);
    out[word.n] = 0;
    return true;
}

bool pki_seconds(struct span *line, tq_time *ret)
{
    uint64_t s = 0;
    if (!span_decimal(span_until(line, ' ', NULL), INT64_MAX / TIME_SECOND, &s))
        return false;
    *ret = (tq_time)s * TIME_SECOND;
    return true;
}

int pki_names(const char *text, char copy[CERTIFICATE_NAMES_TEXT], const char *ret[], size_t *ret_n, struct error *e)
{
    (void)snprintf(copy, CERTIFICATE_NAMES_TEXT, "%s", text);
    char *rest = copy;
    *ret_n = 0;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        if (!certificate_name_valid(name))
            return err_set(e, ERR_MISUSE, "\"%.80s\" is neither a host name nor an IP address", name);
        if (*ret_n == CERTIFICATE_NAMES)
            return err_set(e, ERR_MISUSE, "a certificate has at most %d names", CERTIFICATE_NAMES);
        ret[(*ret_n)++] = name;
    }
    return 0;
}

/* ── the list ── */

static struct api_certificate *find(const struct pki *p, struct span serial)
{
    for (size_t i = p->n; i-- > 0;)
        if (span_is(serial, p->made[i].serial))
            return &p->made[i];
    return NULL;
}

const struct api_certificate *pki_find(const struct pki *p, struct span serial)
{
    return find(p, serial);
}

static struct api_certificate *own_in_force(const struct pki *p, const char *link, const char *side)
{
    for (size_t i = p->n; i-- > 0;) {
        struct api_certificate *x = &p->made[i];
        if (x->ours && !x->replaced && strcmp(x->link, link) == 0 && strcmp(x->side, side) == 0)
            return x->revoked == 0 ? x : NULL;
    }
    return NULL;
}

const struct api_certificate *pki_own(const struct pki *p, const char *link, const char *side)
{
    return own_in_force(p, link, side);
}

size_t pki_count(const struct pki *p)
{
    return p->n;
}

const struct api_certificate *pki_at(const struct pki *p, size_t i)
{
    return &p->made[i];
}

static tq_time renew_at(const struct api_certificate *x)
{
    tq_time two_thirds = x->not_before + (x->not_after - x->not_before) / 3 * 2;
    tq_time days = x->not_after - PKI_RENEW_DAYS * DAY;
    return two_thirds < days ? two_thirds : days;
}

bool pki_has_key(const char *link, const char *side)
{
    char path[PKI_PATH];
    pki_link_path(link, side, path);
    return access(path, F_OK) == 0;
}

bool pki_due(const struct api_certificate *own, const char *names, tq_time now)
{
    if (own != NULL && own->given)
        return false;
    return own == NULL || now < own->not_before || now >= own->renew_at || strcmp(own->names, names) != 0;
}

/* Takes a certificate into memory, newest last. What it replaces is marked. */
static int take(struct pki *p, const struct api_certificate *x, struct error *e)
{
    if (p->n == PKI_CERTIFICATES)
        return err_set(e, ERR_LIMIT, "over %d certificates were made within %d days", PKI_CERTIFICATES, PKI_FORGET);
    if (p->n % 64 == 0) {
        struct api_certificate *more = reallocarray(p->made, p->n + 64, sizeof *more);
        if (more == NULL)
            return err_set(e, ERR_SYSTEM, "no memory for the list of certificates");
        p->made = more;
    }
    struct api_certificate *before = x->ours ? own_in_force(p, x->link, x->side) : NULL;
    struct api_certificate *kept = &p->made[p->n++];
    *kept = *x;
    kept->renew_at = x->ours && !x->given ? renew_at(x) : 0;
    if (before != NULL) {
        before->replaced = true;
        (void)snprintf(kept->replaces, sizeof kept->replaces, "%s", before->serial);
    }
    return 0;
}

static bool read_made(struct span line, struct api_certificate *x)
{
    char holder[8];
    uint8_t print[32];
    *x = (struct api_certificate){0};
    bool ok = pki_seconds(&line, &x->made) && pki_word(&line, x->serial, sizeof x->serial) &&
              pki_word(&line, x->fingerprint, sizeof x->fingerprint) && text_unhex(span_str(x->fingerprint), print, sizeof print) &&
              pki_word(&line, x->link, sizeof x->link) && pki_word(&line, x->side, sizeof x->side) && pki_word(&line, holder, sizeof holder) &&
              pki_seconds(&line, &x->not_before) && pki_seconds(&line, &x->not_after) && pki_word(&line, x->names, sizeof x->names) && line.n == 0;
    x->given = ok && strcmp(holder, "given") == 0;
    x->ours = x->given || (ok && strcmp(holder, "own") == 0);
    return ok;
}

static bool read_blocked(struct span line, struct api_certificate *x)
{
    *x = (struct api_certificate){.outside = true};
    bool ok = pki_seconds(&line, &x->revoked) && pki_word(&line, x->serial, sizeof x->serial) &&
              pki_word(&line, x->fingerprint, sizeof x->fingerprint) && strlen(x->fingerprint) == 64 && pki_word(&line, x->link, sizeof x->link) &&
              pki_word(&line, x->side, sizeof x->side) && pki_seconds(&line, &x->not_after) && line.n == 0;
    x->made = x->revoked;
    return ok;
}

static int read_line(struct pki *p, struct span line, tq_time now, struct error *e)
{
    struct api_certificate x;
    struct span what = span_until(&line, ' ', NULL);
    if (span_is(what, "made") && read_made(line, &x)) {
        return x.not_after < now - PKI_FORGET * DAY ? 0 : take(p, &x, e);
    }
    if (span_is(what, "blocked") && read_blocked(line, &x))
        return x.not_after < now - PKI_FORGET * DAY ? 0 : take(p, &x, e);
    tq_time at = 0;
    char serial[42];
    if (!span_is(what, "revoked") || !pki_seconds(&line, &at) || !pki_word(&line, serial, sizeof serial))
        return err_set(e, ERR_CORRUPT, PKI_ISSUED " has a line that is none of its own: put the file back from a copy");
    struct api_certificate *known = find(p, span_str(serial));
    if (known != NULL)
        known->revoked = at;
    return 0;
}

static int load_issued(struct pki *p, tq_time now, struct error *e)
{
    struct buf text = BUF_INIT(ISSUED_MAX);
    struct error why = {0};
    int rc = file_load(AT_FDCWD, PKI_ISSUED, ISSUED_MAX, &text, &why);
    if (rc != 0 && why.class == ERR_CLOSED) {
        buf_release(&text);
        return 0;
    }
    struct span rest = buf_span(&text);
    while (rc == 0 && rest.n > 0) {
        bool whole = false;
        struct span line = span_until(&rest, '\n', &whole);
        if (!whole)
            break;
        rc = read_line(p, line, now, &why);
        p->issued_bytes += line.n + 1;
    }
    buf_release(&text);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}

/* One line more, durable. What a stopped machine left behind the last whole line goes. */
static int append(struct pki *p, struct span line, struct error *e)
{
    int fd = file_open_write(AT_FDCWD, PKI_ISSUED, e);
    if (fd < 0)
        return -1;
    int rc = p->issued_bytes + line.n > ISSUED_MAX ? err_set(e, ERR_LIMIT, PKI_ISSUED " is full") : 0;
    if (rc == 0)
        rc = file_cut(fd, PKI_ISSUED, p->issued_bytes, e);
    if (rc == 0)
        rc = file_write(fd, PKI_ISSUED, line, p->issued_bytes, e);
    if (rc == 0)
        rc = file_sync(fd, PKI_ISSUED, e);
    (void)close(fd);
    if (rc == 0 && p->issued_bytes == 0)
        rc = file_sync_parent(AT_FDCWD, PKI_ISSUED, e);
    if (rc == 0)
        p->issued_bytes += line.n;
    return rc;
}

int pki_add(struct pki *p, const struct api_certificate *x, struct error *e)
{
    char line[LINE_MAX_BYTES];
    int n = snprintf(line, sizeof line, "made %" PRId64 " %s %s %s %s %s %" PRId64 " %" PRId64 " %s\n", x->made / TIME_SECOND, x->serial,
                     x->fingerprint, x->link, x->side,
                     x->given  ? "given"
                     : x->ours ? "own"
                               : "peer",
                     x->not_before / TIME_SECOND, x->not_after / TIME_SECOND, x->names);
    if (n <= 0 || (size_t)n >= sizeof line)
        return err_set(e, ERR_MISUSE, "the names of a certificate are too long");
    if (p->n == PKI_CERTIFICATES)
        return take(p, x, e); /* says so */
    int rc = append(p, span_of(line, (size_t)n), e);
    return rc == 0 ? take(p, x, e) : rc;
}

/* ── opening ── */

int pki_authority_load(struct pki *p, struct error *e)
{
    authority_free(p->authority);
    p->authority = NULL;
    buf_clear(&p->pem);
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    struct error why = {0};
    struct certificate c;
    int rc = file_load(AT_FDCWD, PKI_KEY, CERTIFICATE_PEM, &key, &why);
    if (rc == 0)
        rc = file_load(AT_FDCWD, PKI_AUTHORITY, CERTIFICATE_PEM, &p->pem, &why);
    if (rc == 0) {
        p->authority = authority_load(buf_span(&key), buf_span(&p->pem), &why);
        rc = p->authority == NULL ? -1 : certificate_read(buf_span(&p->pem), &c, &why);
    }
    buf_release(&key);
    if (rc != 0 && why.class == ERR_CLOSED)
        return 0; /* none yet, or made by half: it is made anew */
    if (rc != 0) {
        if (e != NULL)
            *e = why;
        return rc;
    }
    (void)snprintf(p->own.serial, sizeof p->own.serial, "%s", c.serial);
    text_hex_to(p->own.fingerprint, c.fingerprint, sizeof c.fingerprint);
    (void)snprintf(p->own.subject, sizeof p->own.subject, "%s", c.subject);
    p->own.made = p->own.not_before = c.not_before;
    p->own.not_after = c.not_after;
    p->own.ours = true;
    return 0;
}

struct pki *pki_open(tq_time now, struct error *e)
{
    struct pki *p = calloc(1, sizeof *p);
    if (p == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the authority of the links");
        return NULL;
    }
    p->pem = BUF_INIT(CERTIFICATE_PEM);
    p->next_pem = p->former_pem = BUF_INIT(CERTIFICATE_PEM);
    if (pki_succession_mend(e) == 0 && pki_authority_load(p, e) == 0 && pki_succession_load(p, e) == 0 && load_issued(p, now, e) == 0 &&
        pki_enrolments_load(p, e) == 0)
        return p;
    pki_free(p);
    return NULL;
}

void pki_free(struct pki *p)
{
    if (p == NULL)
        return;
    authority_free(p->authority);
    buf_release(&p->pem);
    buf_release(&p->next_pem);
    buf_release(&p->former_pem);
    free(p->made);
    free(p);
}

bool pki_authority(const struct pki *p, struct api_certificate *ret)
{
    *ret = p->own;
    return p->authority != NULL;
}

int pki_init(struct pki *p, const char *site, const char *const *permit, size_t n, tq_time now, struct error *e)
{
    if (p->authority != NULL)
        return err_set(e, ERR_MISUSE, "the links have an authority already");
    struct authority *a = authority_new_links(site, permit, n, now, e);
    if (a == NULL)
        return -1;
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    int rc = authority_key_pem(a, &key, e);
    buf_clear(&p->pem);
    if (rc == 0)
        rc = authority_certificate_pem(a, &p->pem, e);
    if (rc == 0)
        rc = file_make_folder(PKI_FOLDER, e);
    if (rc == 0) /* certificate first: where only the key is there, both are made anew */
        rc = file_replace(AT_FDCWD, PKI_AUTHORITY, buf_span(&p->pem), true, e);
    if (rc == 0)
        rc = file_replace(AT_FDCWD, PKI_KEY, buf_span(&key), true, e);
    buf_release(&key);
    authority_free(a);
    buf_clear(&p->pem);
    return rc == 0 ? pki_authority_load(p, e) : rc;
}

/* ── making ── */

int pki_clock_fits(const struct pki *p, tq_time now, struct error *e)
{
    if (p->authority == NULL)
        return err_set(e, ERR_MISUSE, "the links have no authority yet: tourniquet pki init");
    if (now < p->own.not_before)
        return err_set(e, ERR_MISUSE, "the clock is behind the beginning of the links' authority, so no certificate is made: set the clock");
    return now > p->own.not_after ? err_set(e, ERR_MISUSE, "the authority of the links has ended, or the clock is wrong") : 0;
}

int pki_describe(struct span pem, const char *link, const char *side, const char *names, tq_time now, struct api_certificate *ret, struct error *e)
{
    struct certificate c;
    if (certificate_read(pem, &c, e) != 0)
        return -1;
    *ret = (struct api_certificate){.made = now, .not_before = c.not_before, .not_after = c.not_after};
    (void)snprintf(ret->serial, sizeof ret->serial, "%s", c.serial);
    text_hex_to(ret->fingerprint, c.fingerprint, sizeof c.fingerprint);
    (void)snprintf(ret->link, sizeof ret->link, "%s", link);
    (void)snprintf(ret->side, sizeof ret->side, "%s", side);
    (void)snprintf(ret->names, sizeof ret->names, "%s", names);
    return 0;
}

int pki_keep_chain(const char *serial, struct span chain, struct error *e)
{
    char path[PKI_PATH];
    pki_made_path(serial, path);
    return file_replace(AT_FDCWD, path, chain, true, e);
}

int pki_make_own(struct pki *p, const char *link, const char *side, const char *names, tq_time now, struct api_certificate *ret, struct error *e)
{
    char copy[CERTIFICATE_NAMES_TEXT];
    char path[PKI_PATH];
    char common[96];
    const char *list[CERTIFICATE_NAMES];
    struct authority_terms t = {.names = list, .common = common, .client = true, .now = now, .days = PKI_OWN_DAYS};
    if (pki_clock_fits(p, now, e) != 0 || pki_names(names, copy, list, &t.n, e) != 0)
        return -1;
    (void)snprintf(common, sizeof common, "relay of link %.40s", link);
    pki_link_path(link, side, path);
    struct buf key = BUF_SECRET(CERTIFICATE_PEM);
    struct buf chain = BUF_INIT(CERTIFICATE_PEM);
    struct api_certificate x;
    int rc = authority_make(p->authority, &t, &key, &chain, e);
    if (rc == 0)
        rc = pki_describe(buf_span(&chain), link, side, names, now, &x, e);
    if (rc == 0) {
        x.ours = true;
        rc = pki_add(p, &x, e);
    }
    if (rc == 0)
        rc = pki_keep_chain(x.serial, buf_span(&chain), e);
    buf_add_span(&key, buf_span(&chain));
    if (rc == 0)
        rc = buf_ok(&key) ? file_replace(AT_FDCWD, path, buf_span(&key), true, e) : err_set(e, ERR_SYSTEM, "no memory for a key");
    buf_release(&key);
    buf_release(&chain);
    if (rc == 0)
        *ret = *pki_find(p, span_str(x.serial));
    return rc;
}

/* ── revoking ── */

/* Fingerprints of what is revoked and would still be taken. */
static int write_revoked(const struct pki *p, tq_time now, struct error *e)
{
    struct buf lines = BUF_INIT(LINK_TLS_REVOKED * 65);
    for (size_t i = p->n; i-- > 0;)
        if (p->made[i].revoked != 0 && p->made[i].not_after > now - DAY)
            buf_addf(&lines, "%s\n", p->made[i].fingerprint);
    int rc = buf_ok(&lines) ? file_replace(AT_FDCWD, PKI_REVOKED, buf_span(&lines), true, e)
                            : err_set(e, ERR_LIMIT, "over %d certificates are revoked", LINK_TLS_REVOKED);
    buf_release(&lines);
    return rc;
}

int pki_revoke(struct pki *p, struct span serial, tq_time now, struct api_certificate *ret, struct error *e)
{
    char line[160];
    struct api_certificate *x = find(p, serial);
    if (x == NULL)
        return err_set(e, ERR_MISUSE, "the lab's own authority made no certificate with this serial number, or it ended long ago");
    if (x->revoked != 0)
        return err_set(e, ERR_MISUSE, "this certificate is revoked already");
    int n = snprintf(line, sizeof line, "revoked %" PRId64 " %s %s\n", now / TIME_SECOND, x->serial, x->fingerprint);
    if (append(p, span_of(line, (size_t)n), e) != 0)
        return -1;
    x->revoked = now / TIME_SECOND * TIME_SECOND;
    *ret = *x;
    return write_revoked(p, now, e);
}

int pki_block(struct pki *p, const struct api_certificate *seen, tq_time now, struct api_certificate *ret, struct error *e)
{
    char line[320];
    struct api_certificate x = *seen;
    x.revoked = x.made = now / TIME_SECOND * TIME_SECOND;
    if (x.not_after > now + BLOCK_DAYS * DAY)
        x.not_after = now + BLOCK_DAYS * DAY;
    int n = snprintf(line, sizeof line, "blocked %" PRId64 " %s %s %s %s %" PRId64 "\n", x.revoked / TIME_SECOND, x.serial, x.fingerprint, x.link,
                     x.side, x.not_after / TIME_SECOND);
    if (append(p, span_of(line, (size_t)n), e) != 0 || take(p, &x, e) != 0)
        return -1;
    *ret = x;
    return write_revoked(p, now, e);
}

int pki_chain(const struct pki *p, struct span serial, struct buf *out, struct error *e)
{
    char path[PKI_PATH];
    const struct api_certificate *x = pki_find(p, serial);
    if (p->authority != NULL && (serial.n == 0 || span_is(serial, p->own.serial))) {
        buf_add_span(out, buf_span(&p->pem));
        buf_add_span(out, buf_span(&p->next_pem));
        buf_add_span(out, buf_span(&p->former_pem));
        return 0;
    }
    if (x == NULL || x->outside)
        return err_set(e, ERR_MISUSE, "the lab's own authority made no certificate with this serial number");
    pki_made_path(x->serial, path);
    struct error why = {0};
    if (file_load(AT_FDCWD, path, CERTIFICATE_PEM, out, &why) == 0)
        return 0;
    return err_set(e, why.class == ERR_CLOSED ? ERR_MISUSE : ERR_SYSTEM, "the certificate's text is not kept: %s", why.text);
}

int pki_crl(const struct pki *p, tq_time now, struct buf *out, struct error *e)
{
    size_t n = 0;
    if (p->authority == NULL)
        return err_set(e, ERR_MISUSE, "the links have no authority yet: tourniquet pki init");
    struct authority_revoked *all = calloc(p->n + 1, sizeof *all);
    if (all == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for the list of revoked certificates");
    for (size_t i = 0; i < p->n; i++) {
        if (p->made[i].revoked == 0 || p->made[i].outside || p->made[i].given)
            continue;
        (void)snprintf(all[n].serial, sizeof all[n].serial, "%s", p->made[i].serial);
        all[n++].at = p->made[i].revoked;
    }
    int rc = authority_crl(p->authority, all, n, (uint64_t)(now / TIME_SECOND), now, CRL_DAYS, out, e);
    free(all);
    return rc;
}
