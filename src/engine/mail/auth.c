#include "engine/mail/auth.h"

#include "wire/mail_head.h"

static enum auth_result result_of(struct span s)
{
    size_t n = 0;
    while (n < s.n && ((s.p[n] | 0x20) >= 'a' && (s.p[n] | 0x20) <= 'z'))
        n++;
    s.n = (uint32_t)n;
    if (mail_is(s, "pass") || mail_is(s, "bestguesspass"))
        return AUTH_PASS;
    if (mail_is(s, "fail") || mail_is(s, "hardfail") || mail_is(s, "permerror"))
        return AUTH_FAIL;
    return mail_is(s, "softfail") ? AUTH_SOFT : AUTH_NONE;
}

/* The domain behind the first of these properties in a result's text. */
static struct span property(struct span s, const char *const *names)
{
    for (; *names != NULL; names++) {
        size_t at = mail_find(s, *names);
        if (at == s.n)
            continue;
        struct span v = span_of(s.p + at + strlen(*names), s.n - at - strlen(*names));
        size_t n = 0;
        while (n < v.n && v.p[n] > ' ' && v.p[n] != ';' && v.p[n] != ')')
            n++;
        v.n = (uint32_t)n;
        struct span domain = mail_domain(v);
        return domain.n > 0 ? domain : v;
    }
    return (struct span){0};
}

static bool of_sender(const struct mail_known *k, const struct facts *f, struct span domain)
{
    return domain.n > 0 && mail_same(known_site(k, domain), known_site(k, f->from_host));
}

/* One field's results. */
static void read_plain(const struct mail_known *k, const struct facts *f, struct span value, struct auth *a)
{
    static const char *const spf[] = {"smtp.mailfrom=", "smtp.helo=", NULL};
    static const char *const dkim[] = {"header.d=", "header.i=", NULL};
    bool spf_said = false;
    bool spf_theirs = false; /* it holds for the sender, not only for whoever takes back what cannot be delivered */
    bool dkim_said = false;
    while (value.n > 0) {
        struct span one = mail_trim(span_until(&value, ';', NULL));
        size_t equals = span_find(&one, '=');
        if (equals == one.n)
            continue;
        struct span method = mail_trim(span_of(one.p, equals));
        enum auth_result r = result_of(span_of(one.p + equals + 1, one.n - equals - 1));
        if (mail_is(method, "spf")) {
            a->spf = r;
            struct span whose = property(one, spf);
            spf_said = true;
            spf_theirs = r == AUTH_PASS && (whose.n == 0 || of_sender(k, f, whose));
            a->aligned |= spf_theirs && whose.n > 0;
        } else if (mail_is(method, "dkim")) { /* one of several that holds is enough */
            a->dkim = a->dkim == AUTH_PASS ? AUTH_PASS : r;
            dkim_said = true;
            a->aligned |= r == AUTH_PASS && of_sender(k, f, property(one, dkim));
        } else if (mail_is(method, "compauth")) { /* Exchange Online's own sum of the three */
            if (r == AUTH_FAIL && a->spf != AUTH_PASS)
                a->spf = AUTH_FAIL;
        } else if (mail_is(method, "dmarc")) {
            a->dmarc = r;
            a->aligned |= r == AUTH_PASS;
        }
    }
    a->nobody = spf_said && dkim_said && !spf_theirs && a->dkim != AUTH_PASS && !a->aligned;
}

/* The same of a field as it stands: Exchange Online writes it as encoded words where an address in it is not ASCII. */
static void read_results(const struct mail_known *k, const struct facts *f, struct span value, struct auth *a)
{
    if (mail_find(value, "=?") == value.n) {
        read_plain(k, f, value, a);
        return;
    }
    struct buf plain = BUF_INIT(8192);
    mail_words_decode(&plain, value);
    read_plain(k, f, buf_span(&plain), a);
    buf_release(&plain);
}

static bool by_us(const struct mail_lab *lab, struct span value)
{
    struct span id = mail_trim(span_until(&value, ';', NULL));
    if (id.n > 2 && mail_is(span_of(id.p, 2), "i=")) /* ARC: its number stands first */
        id = mail_trim(span_until(&value, ';', NULL));
    id.n = (uint32_t)span_find_either(&id, ' ', '\t');
    return lab->authserv.n > 0 && mail_same(id, lab->authserv);
}

void auth_read(const struct mail_known *k, const struct mail_lab *lab, const struct facts *f, struct auth *ret)
{
    struct span rest = f->tree.parts[0].head;
    struct mail_field field;
    bool first = true;
    *ret = (struct auth){0};
    while (!ret->trusted && mail_field_next(&rest, &field)) {
        bool results = mail_is(field.name, "authentication-results") || mail_is(field.name, "arc-authentication-results");
        if (!results)
            continue;
        if (by_us(lab, field.value)) {
            *ret = (struct auth){.trusted = true};
            read_results(k, f, field.value, ret);
        } else if (first && lab->authserv.n == 0) {
            read_results(k, f, field.value, ret);
        }
        first = false;
    }
    struct span value;
    if (!ret->trusted && lab->authserv.n == 0 && ret->spf == AUTH_NONE && mail_field_find(f->tree.parts[0].head, "received-spf", 0, &value))
        ret->spf = result_of(mail_trim(value));
}
