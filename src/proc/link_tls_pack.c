#include "proc/link_tls_private.h"

#include "base/text.h"
#include "proc/pki_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

const char *link_tls_side_name(enum link_tls_side side)
{
    return side == LINK_TLS_ANALYZER ? "analyzer" : "lis";
}

bool link_tls_pin(struct span text, uint8_t ret_pin[32])
{
    char digits[65];
    size_t n = 0;
    if (span_starts(text, SPAN_LIT("sha256/")))
        (void)span_skip(&text, 7);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ':' && n < sizeof digits)
            digits[n++] = (char)text.p[i];
    if (n == 64)
        return text_unhex(span_of(digits, n), ret_pin, 32);
    if (n == 43)
        digits[n++] = '=';
    struct buf out = BUF_INIT(48);
    bool ok = n == 44 && text_unbase64(span_of(digits, n), &out) && out.n == 32;
    if (ok)
        memcpy(ret_pin, out.p, 32);
    buf_release(&out);
    return ok;
}

/* Appends a file behind its length, which is put in afterwards. ERR_CLOSED: it is not there. */
static int put_file(int data, const char *path, size_t most, struct buf *out, struct error *e)
{
    size_t at = out->n;
    buf_be32(out, 0);
    int fd = openat(data, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? err_set(e, ERR_CLOSED, "%s is not there", path) : err_sys(e, errno, "opening %s", path);
    ssize_t n = 1;
    while (n > 0 && out->n - at <= most && buf_reserve(out, 4096)) {
        n = read(fd, out->p + out->n, 4096);
        out->n += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    (void)close(fd);
    if (n < 0)
        return err_sys(e, why, "reading %s", path);
    if (!buf_ok(out) || out->n - at - 4 > most)
        return err_set(e, ERR_CORRUPT, "%s is longer than %zu bytes", path, most);
    uint32_t length = htobe32((uint32_t)(out->n - at - 4));
    memcpy(out->p + at, &length, 4);
    return 0;
}

/* The list of revoked certificates, a line of 64 digits each, as 32 bytes each. */
static int put_revoked(int data, struct buf *out, struct error *e)
{
    struct buf lines = BUF_INIT(LINK_TLS_REVOKED * 65 + 4);
    struct error why = {0};
    int rc = put_file(data, PKI_REVOKED, LINK_TLS_REVOKED * 65, &lines, &why);
    struct span rest = buf_span(&lines);
    (void)span_skip(&rest, 4);
    uint32_t n = rc == 0 ? rest.n / 65 : 0;
    bool whole = rc == 0 && rest.n % 65 == 0;
    if (rc != 0 && why.class == ERR_CLOSED)
        rc = 0;
    else if (rc == 0 && !whole)
        rc = err_set(&why, ERR_CORRUPT, PKI_REVOKED " has a line that is not 64 digits");
    buf_be32(out, n * 32);
    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        uint8_t print[32];
        if (!text_unhex(span_take(&rest, 64), print, sizeof print) || span_u8(&rest) != '\n')
            rc = err_set(&why, ERR_CORRUPT, PKI_REVOKED " has a line that is not 64 digits");
        buf_add(out, print, sizeof print);
    }
    buf_release(&lines);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}

/* The authority of the links, and beside it those that follow and were before, where there are any, as one text. */
static int put_authorities(int data, struct buf *out, struct error *e)
{
    static const char *const others[] = {PKI_NEXT, PKI_FORMER};
    size_t at = out->n;
    int rc = put_file(data, PKI_AUTHORITY, LINK_TLS_AUTHORITIES, out, e);
    for (size_t i = 0; i < sizeof others / sizeof others[0] && rc == 0; i++) {
        struct buf one = BUF_INIT(CERTIFICATE_PEM + 4);
        struct error why = {0};
        if (put_file(data, others[i], CERTIFICATE_PEM, &one, &why) == 0)
            buf_add(out, one.p + 4, one.n - 4);
        else if (why.class != ERR_CLOSED)
            rc = err_set(e, why.class, "%s", why.text);
        buf_release(&one);
    }
    if (rc == 0 && buf_ok(out)) {
        uint32_t length = htobe32((uint32_t)(out->n - at - 4));
        memcpy(out->p + at, &length, 4);
    }
    return rc;
}

static void put_text(struct buf *out, const char *text)
{
    buf_be16(out, (uint16_t)strlen(text));
    buf_add_str(out, text);
}

int link_tls_pack(int data, const struct link_tls_terms *t, struct buf *out, struct error *e)
{
    char path[PKI_PATH];
    struct error why = {0};
    buf_u8(out, LINK_TLS_VERSION);
    buf_u8(out, (uint8_t)t->side);
    buf_u8(out, (uint8_t)((t->dials ? PACKED_DIALS : 0) | (t->optional ? PACKED_OPTIONAL : 0) | (t->tls12 ? PACKED_TLS12 : 0) |
                          (t->authority.n > 0 ? PACKED_OUTSIDE : 0)));
    put_text(out, t->link);
    put_text(out, t->host);
    buf_u8(out, (uint8_t)t->pins_n);
    for (size_t i = 0; i < t->pins_n; i++)
        buf_add(out, t->pins[i], 32);
    pki_link_path(t->link, link_tls_side_name(t->side), path);
    int rc = put_file(data, path, CERTIFICATE_PEM, out, &why);
    if (rc == 0 && t->authority.n > 0) {
        buf_be32(out, t->authority.n);
        buf_add_span(out, t->authority);
    } else if (rc == 0) {
        rc = put_authorities(data, out, &why);
    }
    if (rc == 0)
        rc = put_revoked(data, out, &why);
    if (rc != 0 && why.class == ERR_CLOSED)
        rc = err_set(&why, ERR_AGAIN, "link %s has no certificate yet", t->link);
    else if (rc == 0 && !buf_ok(out))
        rc = err_set(&why, ERR_SYSTEM, "no memory for the keys of link %s", t->link);
    if (rc != 0 && e != NULL)
        *e = why;
    return rc;
}
