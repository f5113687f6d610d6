#include "engine/mail/known.h"

#include "engine/mail/fold.h"
#include "engine/mail/mail_file.h"
#include "wire/mail_head.h"

#include <stdlib.h>

#define HOSTS 4096

static struct known_host *host_put(struct mail_known *k, struct span domain)
{
    bool fresh = false;
    struct known_host *h = domain.n == 0 ? NULL : table_put(k->hosts, domain, &fresh);
    if (h != NULL && fresh)
        h->name = NO_NAME;
    return h;
}

static struct span word_next(struct span *s)
{
    while (s->n > 0 && s->p[0] == ' ')
        (void)span_skip(s, 1);
    return span_until(s, ' ', NULL);
}

/* ── hosts.txt ── */

static bool hosts_line(struct mail_known *k, struct span line)
{
    static const struct {
        const char *name;
        uint32_t kind;
    } kinds[] = {{"freemail", HOST_FREEMAIL}, {"shortener", HOST_SHORTENER}, {"hosting", HOST_HOSTING}, {"sender", HOST_SENDER},
                 {"wrapper", HOST_WRAPPER},   {"redirect", HOST_REDIRECT},   {"tld", HOST_TLD},         {"suffix", HOST_SUFFIX},
                 {"form", HOST_FORM},         {"picture", HOST_PICTURE}};
    struct span name = span_until(&line, ':', NULL);
    uint32_t kind = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (span_is(name, kinds[i].name))
            kind = kinds[i].kind;
    for (struct span word = word_next(&line); word.n > 0; word = word_next(&line)) {
        struct known_host *h = host_put(k, word);
        if (h == NULL)
            return false;
        h->kinds |= kind;
    }
    return kind != 0;
}

/* ── names.txt ── */

static void add_label(struct mail_known *k, struct span domain, uint16_t name)
{
    struct span rest = domain;
    struct span label = span_until(&rest, '.', NULL);
    if (label.n < 4 || label.n >= sizeof k->labels[0].text || k->labels_n == KNOWN_LABELS)
        return;
    for (size_t i = 0; i < k->labels_n; i++)
        if (span_is(label, k->labels[i].text))
            return;
    struct known_label *l = &k->labels[k->labels_n++];
    l->n = span_copy(label, l->text, sizeof l->text - 1);
    l->name = name;
}

static bool names_line(struct mail_known *k, struct span line)
{
    if (k->names_n == KNOWN_NAMES)
        return false;
    struct known_name *one = &k->names[k->names_n];
    uint16_t name = (uint16_t)k->names_n++;
    *one = (struct known_name){0};
    one->consumer = span_is(span_until(&line, ';', NULL), "consumer");
    struct span words = span_until(&line, ';', NULL);
    while (words.n > 0 && one->words_n < KNOWN_WORDS) {
        struct buf folded = BUF_INIT(sizeof one->words[0] - 1);
        struct span word = span_until(&words, ',', NULL);
        one->everyday[one->words_n] = span_find(&word, '~') < word.n;
        fold_words(&folded, word, NULL);
        struct span f = mail_trim(buf_span(&folded));
        if (f.n > 0) {
            char *to = one->words[one->words_n++];
            to[span_copy(f, to, sizeof one->words[0] - 1)] = 0;
        }
        buf_release(&folded);
    }
    for (struct span domain = word_next(&line); domain.n > 0; domain = word_next(&line)) {
        bool everyday = domain.p[domain.n - 1] == '~';
        domain.n -= everyday;
        struct known_host *h = host_put(k, domain);
        if (h == NULL)
            return false;
        h->kinds |= HOST_NAMED;
        h->name = h->name == NO_NAME ? name : h->name;
        if (one->first[0] == 0)
            (void)span_copy(domain, one->first, sizeof one->first - 1);
        if (!one->consumer && !everyday)
            add_label(k, domain, name);
    }
    return one->words_n > 0 && one->first[0] != 0;
}

/* ── all ── */

static int read_file(struct mail_known *k, const char *name, const char *text, bool (*line_of)(struct mail_known *, struct span), struct error *e)
{
    struct span rest = span_str(text);
    for (unsigned n = 1; rest.n > 0; n++) {
        struct span line = mail_trim(span_until(&rest, '\n', NULL));
        if (line.n > 0 && line.p[0] != '#' && !line_of(k, line))
            return err_set(e, ERR_CORRUPT, "catalog/%s:%u: not understood, or too many", name, n);
    }
    return 0;
}

static int read_all(struct mail_known *k, struct error *e)
{
    for (size_t i = 0; i < mail_files_count; i++) {
        const struct mail_text_file *f = &mail_files[i];
        if (strcmp(f->name, "mail/phrases.txt") == 0) {
            k->phrases = phrases_read(f->text, e);
            if (k->phrases == NULL)
                return -1;
        } else if (read_file(k, f->name, f->text, strcmp(f->name, "mail/names.txt") == 0 ? names_line : hosts_line, e) != 0) {
            return -1;
        }
    }
    return k->phrases != NULL ? 0 : err_set(e, ERR_CORRUPT, "catalog/mail/phrases.txt is missing");
}

struct mail_known *mail_known_new(struct error *e)
{
    struct mail_known *k = calloc(1, sizeof *k);
    if (k != NULL)
        k->hosts = table_new((struct hash_key){.k0 = 3, .k1 = 4}, HOSTS, sizeof(struct known_host)); /* the keys are our own */
    if (k == NULL || k->hosts == NULL)
        (void)err_set(e, ERR_SYSTEM, "no memory for what is known of mail");
    else if (read_all(k, e) == 0)
        return k;
    mail_known_free(k);
    return NULL;
}

void mail_known_free(struct mail_known *k)
{
    if (k == NULL)
        return;
    table_free(k->hosts);
    phrases_free(k->phrases);
    free(k);
}

/* ── hosts ── */

/* What stands behind the first dot. */
static struct span behind_dot(struct span host)
{
    (void)span_until(&host, '.', NULL);
    return host;
}

uint32_t known_host_kinds(const struct mail_known *k, struct span host, uint16_t *ret_name)
{
    uint32_t kinds = 0;
    uint16_t name = NO_NAME;
    for (; host.n > 0; host = behind_dot(host)) {
        const struct known_host *h = host.n > TABLE_KEY_MAX ? NULL : table_get(k->hosts, host);
        bool end = span_find(&host, '.') == host.n;
        if (h == NULL || ((h->kinds & HOST_TLD) != 0 && !end))
            continue;
        if ((h->kinds & HOST_NAMED) != 0 && (kinds & HOST_HOSTING) == 0 && name == NO_NAME)
            name = h->name;
        kinds |= h->kinds & ~(end ? ~HOST_TLD : HOST_TLD);
    }
    if ((kinds & HOST_HOSTING) != 0) { /* anybody's page there is not the owner's */
        kinds &= ~HOST_NAMED;
        name = NO_NAME;
    }
    if (ret_name != NULL)
        *ret_name = name;
    return kinds;
}

struct span known_site(const struct mail_known *k, struct span host)
{
    struct span last[3] = {host, host, host}; /* with one, two, three labels */
    for (struct span h = host; h.n > 0; h = behind_dot(h)) {
        last[2] = last[1];
        last[1] = last[0];
        last[0] = h;
    }
    const struct known_host *h = last[1].n > TABLE_KEY_MAX ? NULL : table_get(k->hosts, last[1]);
    return h != NULL && (h->kinds & HOST_SUFFIX) != 0 ? last[2] : last[1];
}

/* How many letters must be changed, left out, added or swapped (at most 3 counted). */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
    enum { MOST = 64 };
    unsigned rows[3][MOST + 1];
    if (n > MOST || m > MOST || (n > m ? n - m : m - n) > 2)
        return 3;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *before = rows[(i + 2) % 3];
        const unsigned *two = rows[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = before[j - 1] + (a[i - 1] != b[j - 1]);
            best = before[j] + 1 < best ? before[j] + 1 : best;
            best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
                best = two[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[n % 3][m];
}

/* Is `word` in the label, as a whole piece between dashes, or as a long word anywhere? */
static bool label_holds(const char *label, size_t n, const char *word, size_t m)
{
    for (size_t i = 0; i + m <= n; i++) {
        if (memcmp(label + i, word, m) != 0)
            continue;
        bool starts = i == 0 || label[i - 1] == '-';
        bool ends = i + m == n || label[i + m] == '-';
        if ((starts && ends && m < n) || (m >= 6 && (starts || ends)) || m >= 8)
            return true;
    }
    return false;
}

/* The skeleton of a known label, as fold_label makes it: "rn" in it is "m" too. */
static enum looks compare(const char *label, size_t n, const char *raw, size_t raw_n, const char *wanted, size_t m, bool foreign)
{
    char skeleton[64];
    bool other = false;
    size_t s = fold_label(span_of(wanted, m), skeleton, sizeof skeleton, &other);
    if (raw_n == m && memcmp(raw, wanted, m) == 0)
        return LOOKS_HOLDS; /* the same name, another end */
    if (n == s && memcmp(label, skeleton, n) == 0 && (m >= 4 || foreign))
        return LOOKS_LIKE;
    if (m >= 6 && label[0] == skeleton[0] && distance(label, n, skeleton, s) <= (m >= 11 ? 2U : 1U))
        return LOOKS_LIKE;
    return m >= 5 && label_holds(label, n, skeleton, s) ? LOOKS_HOLDS : LOOKS_NOT;
}

enum looks known_looks(const struct mail_known *k, struct span host, uint16_t *ret_name)
{
    enum looks best = LOOKS_NOT;
    *ret_name = NO_NAME;
    if ((known_host_kinds(k, host, NULL) & (HOST_NAMED | HOST_FREEMAIL | HOST_REDIRECT | HOST_SENDER | HOST_WRAPPER)) != 0)
        return LOOKS_NOT;
    struct span site = known_site(k, host);
    bool hosted = (known_host_kinds(k, host, NULL) & HOST_HOSTING) != 0; /* the registered part is the service's: "onmicrosoft.com" */
    for (struct span h = host; h.n > 0; h = behind_dot(h)) {
        struct span label = span_of(h.p, span_find(&h, '.'));
        char folded[64];
        bool foreign = false;
        bool registered = h.n == site.n;
        if (registered && hosted)
            break;
        size_t n = fold_label(label, folded, sizeof folded, &foreign);
        for (size_t i = 0; n >= 3 && i < k->labels_n; i++) {
            const struct known_label *l = &k->labels[i];
            enum looks one = compare(folded, n, (const char *)label.p, label.n, l->text, l->n, foreign);
            if (one == LOOKS_HOLDS && registered && label.n == l->n && l->n < 6)
                continue; /* a short name under another end is as good as anybody's */
            if (one == LOOKS_LIKE && !registered && label.n != l->n)
                continue;
            if (one == LOOKS_LIKE && best != LOOKS_LIKE) {
                best = LOOKS_LIKE;
                *ret_name = l->name;
            } else if (one == LOOKS_HOLDS && best == LOOKS_NOT) {
                best = LOOKS_HOLDS;
                *ret_name = l->name;
            }
        }
        if (registered)
            break;
    }
    return best;
}

enum looks known_looks_like(const struct mail_known *k, struct span host, struct span domain)
{
    struct span site = known_site(k, host);
    struct span own = known_site(k, domain);
    struct span own_label = span_of(own.p, span_find(&own, '.'));
    enum looks best = LOOKS_NOT;
    if (span_equal(site, own) || own_label.n < 4 || (known_host_kinds(k, own, NULL) & (HOST_FREEMAIL | HOST_NAMED)) != 0 ||
        (known_host_kinds(k, host, NULL) & (HOST_NAMED | HOST_FREEMAIL | HOST_SENDER | HOST_WRAPPER)) != 0)
        return LOOKS_NOT;
    for (struct span h = host; h.n > 0; h = behind_dot(h)) {
        struct span label = span_of(h.p, span_find(&h, '.'));
        char folded[64];
        bool foreign = false;
        size_t n = fold_label(label, folded, sizeof folded, &foreign);
        enum looks one = n < 3 ? LOOKS_NOT : compare(folded, n, (const char *)label.p, label.n, (const char *)own_label.p, own_label.n, foreign);
        if (one == LOOKS_LIKE)
            return LOOKS_LIKE;
        best = one == LOOKS_HOLDS ? one : best;
        if (h.n == site.n)
            break;
    }
    return best;
}

/* Where a word stands in a folded text by itself; text.n: nowhere. */
static size_t place_in(struct span text, const char *word)
{
    size_t m = strlen(word);
    for (size_t i = 0; i + m <= text.n; i++)
        if (memcmp(text.p + i, word, m) == 0 && (i == 0 || text.p[i - 1] == ' ') && (i + m == text.n || text.p[i + m] == ' '))
            return i;
    return text.n;
}

/* Does a name read like a department's and not like a person's? */
static bool of_service(struct span text)
{
    static const char words[] =
        "team support service services customer care notification notifications notice alert alerts security account accounts "
        "billing delivery express tracking shipping payroll invoice invoices helpdesk admin online center centre office refund "
        "refunds verify update noreply inc com mail store prime servicio soporte cliente clientes seguridad aviso avisos "
        "equipo atencion recall orders order notificaciones facturacion envios department desk id portal documents docs "
        "quality supply informacion message paket pakket colis pacco entrega zustellung versand kundenservice kundendienst "
        "benachrichtigung klantenservice livraison servizio clienti atendimento suporte seguranca bank banking konto "
        "abonnement rewards reward survey umfrage gutschein wallet gift bonus prize";
    struct span rest = span_str(words);
    for (struct span word = word_next(&rest); word.n > 0; word = word_next(&rest)) {
        char one[24];
        one[span_copy(word, one, sizeof one - 1)] = 0;
        if (place_in(text, one) < text.n)
            return true;
    }
    return false;
}

bool known_site_says(const struct mail_known *k, struct span host, uint16_t name)
{
    struct span site = known_site(k, host);
    site.n = (uint32_t)span_find(&site, '.');
    for (size_t w = 0; w < k->names[name].words_n; w++) {
        char word[sizeof k->names[0].words[0]];
        size_t n = 0;
        for (const char *c = k->names[name].words[w]; *c != 0; c++)
            if (*c != ' ')
                word[n++] = *c;
        word[n] = 0;
        if (mail_find(site, word) < site.n)
            return true;
    }
    return false;
}

uint16_t known_named(const struct mail_known *k, struct span folded, bool whole)
{
    bool service = whole && of_service(folded);
    folded = mail_trim(folded);
    for (size_t i = 0; i < k->names_n; i++)
        for (size_t w = 0; w < k->names[i].words_n; w++) {
            const char *word = k->names[i].words[w];
            size_t at = place_in(folded, word);
            if (at < folded.n && (!k->names[i].everyday[w] || (whole && (service || folded.n == strlen(word)))))
                return (uint16_t)i;
        }
    return NO_NAME;
}
