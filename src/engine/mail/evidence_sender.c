#include "engine/mail/evidence.h"
#include "wire/mail_head.h"

bool evidence_same_site(const struct evidence *v, struct span a, struct span b)
{
    return a.n > 0 && b.n > 0 && mail_same(known_site(v->k, a), known_site(v->k, b));
}

bool evidence_own(const struct evidence *v, struct span host)
{
    for (size_t i = 0; i < v->lab->own_n; i++) {
        struct span own = v->lab->own[i];
        if (host.n >= own.n && mail_same(span_of(host.p + host.n - own.n, own.n), own) && (host.n == own.n || host.p[host.n - own.n - 1] == '.'))
            return true;
    }
    return v->lab->own_n == 0 && (known_host_kinds(v->k, v->f->to_host, NULL) & HOST_FREEMAIL) == 0 && evidence_same_site(v, host, v->f->to_host);
}

/* Does a host look like one of the lab's? Where those are not known, the recipient's domain stands for them, and only what is alike letter by letter
 * counts. */
static bool own_like(const struct evidence *v, struct span host)
{
    if (evidence_own(v, host))
        return false;
    for (size_t i = 0; i < v->lab->own_n; i++)
        if (known_looks_like(v->k, host, v->lab->own[i]) != LOOKS_NOT)
            return true;
    return v->lab->own_n == 0 && !v->f->list_post && v->f->to_host.n > 0 && known_looks_like(v->k, host, v->f->to_host) == LOOKS_LIKE;
}

/* Letters of another alphabet, all of which look like ours. */
static bool other_alphabet(struct span host)
{
    while (host.n > 0) {
        struct span label = span_until(&host, '.', NULL);
        struct buf unicode = BUF_INIT(512);
        size_t like = 0;
        size_t unlike = 0;
        if (url_punycode(label, &unicode))
            label = buf_span(&unicode);
        while (label.n > 0) {
            bool foreign = false;
            bool nothing = false;
            uint32_t c = fold_next(&label);
            char letter = fold_letter(c, &foreign, &nothing);
            like += (foreign && letter != 0) || (nothing && c >= 0x80);
            unlike += c >= 0x80 && letter == 0 && !nothing;
        }
        buf_release(&unicode);
        if (like > 0 && unlike == 0)
            return true;
    }
    return false;
}

static bool looks_random(struct span site)
{
    struct span label = span_of(site.p, span_find(&site, '.'));
    size_t digits = 0;
    size_t run = 0;
    size_t longest = 0;
    for (size_t i = 0; i < label.n; i++) {
        uint8_t c = label.p[i];
        bool vowel = memchr("aeiouy", c, 6) != NULL;
        digits += c >= '0' && c <= '9';
        run = vowel || c == '-' ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return label.n >= 8 && (digits >= 4 || longest >= 7);
}

static void from_domain(struct evidence *v)
{
    const struct facts *f = v->f;
    uint16_t name = NO_NAME;
    if (f->from_host.n == 0)
        return;
    if (own_like(v, f->from_host))
        evidence_add(v, MAIL_FROM_OWN_LIKE, 0, f->from_host);
    if (other_alphabet(f->from_host))
        evidence_add(v, MAIL_FROM_ALPHABET, 0, f->from_host);
    enum looks looks = v->from_own ? LOOKS_NOT : known_looks(v->k, f->from_host, &name);
    if (looks == LOOKS_LIKE)
        evidence_add(v, MAIL_FROM_KNOWN_LIKE, 0, f->from_host);
    else if (looks == LOOKS_HOLDS && !f->list_post)
        evidence_add(v, MAIL_FROM_HOLDS_NAME, 0, f->from_host);
    if (looks != LOOKS_NOT)
        v->spoken_for = name;
    if ((v->from_kinds & HOST_TLD) != 0)
        evidence_add(v, MAIL_FROM_TLD, 0, f->from_host);
    if ((v->from_kinds & HOST_HOSTING) != 0 && !f->report)
        evidence_add(v, MAIL_FROM_HOSTING, 0, f->from_host);
    if (looks_random(known_site(v->k, f->from_host)) && !f->list_post && v->from_name == NO_NAME)
        evidence_add(v, MAIL_FROM_RANDOM, 0, f->from_host);
}

static bool stands_in(struct span text, const char *word)
{
    size_t n = strlen(word);
    for (size_t at = 0; at < text.n;) {
        struct span rest = span_of(text.p + at, text.n - at);
        size_t i = mail_find(rest, word);
        if (i == rest.n)
            return false;
        size_t place = at + i;
        if ((place == 0 || text.p[place - 1] == ' ') && (place + n >= text.n || text.p[place + n] == ' '))
            return true;
        at = place + 1;
    }
    return false;
}

static bool department(struct span name)
{
    static const char *const words[] = {"helpdesk",
                                        "help desk",
                                        "it support",
                                        "it service",
                                        "it department",
                                        "it team",
                                        "it admin",
                                        "it desk",
                                        "hr",
                                        "human resources",
                                        "payroll",
                                        "recursos humanos",
                                        "nominas",
                                        "administrator",
                                        "admin",
                                        "mail admin",
                                        "webmail",
                                        "mailer",
                                        "system",
                                        "security",
                                        "support",
                                        "ceo",
                                        "cfo",
                                        "director",
                                        "president",
                                        "laboratory",
                                        "lab manager",
                                        "laboratorio",
                                        "direccion",
                                        "soporte",
                                        "administracion",
                                        "accounts payable",
                                        "billing",
                                        "finance",
                                        "accounting",
                                        "voicemail",
                                        "scanner",
                                        "efax",
                                        "fax",
                                        "it"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (stands_in(name, words[i]))
            return true;
    return false;
}

/* An address of another domain in the sender's name. */
static bool other_address(const struct evidence *v)
{
    struct span name = v->f->from_name;
    size_t at = span_find(&name, '@');
    if (at == name.n || at == 0)
        return false;
    struct span domain = span_of(name.p + at + 1, name.n - at - 1);
    size_t n = 0;
    while (n < domain.n && (domain.p[n] == '.' || domain.p[n] == '-' || (domain.p[n] >= '0' && domain.p[n] <= '9') ||
                            ((domain.p[n] | 0x20) >= 'a' && (domain.p[n] | 0x20) <= 'z')))
        n++;
    domain.n = (uint32_t)n;
    return n > 3 && span_find(&domain, '.') < domain.n && !evidence_same_site(v, domain, v->f->from_host);
}

/* "A carrier (via A Shop)" from the shop's domain: said openly, as shops and lists that write for others do. */
static bool says_via(const struct evidence *v, struct span name)
{
    struct span site = known_site(v->k, v->f->from_host);
    size_t at = mail_find(name, " via ");
    if (at == name.n || (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING | HOST_TLD)) != 0)
        return false;
    (void)span_skip(&name, at + 5);
    while (name.n > 0) {
        char word[64] = "";
        struct span one = span_until(&name, ' ', NULL);
        word[span_copy(one, word, sizeof word - 1)] = 0;
        if (one.n >= 4 && mail_find(site, word) < site.n)
            return true;
    }
    return false;
}

static void from_name(struct evidence *v)
{
    const struct facts *f = v->f;
    struct buf folded = BUF_INIT(1024);
    fold_words(&folded, f->from_name, NULL);
    struct span name = buf_span(&folded);
    uint16_t known = known_named(v->k, name, true);
    bool talk = f->list_post;
    if (known != NO_NAME && known != v->from_name && !v->from_own && !talk && !f->report) {
        bool consumer = v->k->names[known].consumer;
        if (!consumer || v->auth.nobody || !known_site_says(v->k, f->from_host, known)) {
            bool anybody = (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING)) != 0; /* no organisation writes from there */
            evidence_add(v, MAIL_NAME_KNOWN, anybody ? (consumer ? 28 : 40) : says_via(v, name) ? 10 : consumer ? 16 : 0, f->from_host);
            v->spoken_for = known;
        }
    }
    if (!v->from_own && !talk) {
        for (size_t i = 0; i < (v->lab->own_n > 0 ? v->lab->own_n : 1); i++) {
            struct span own = v->lab->own_n > 0 ? v->lab->own[i] : known_site(v->k, f->to_host);
            char label[64] = "";
            label[span_copy(span_of(own.p, span_find(&own, '.')), label, sizeof label - 1)] = 0;
            bool free_one = (known_host_kinds(v->k, own, NULL) & HOST_FREEMAIL) != 0;
            if (strlen(label) >= 5 && !free_one && stands_in(name, label) && known == NO_NAME)
                evidence_add(v, MAIL_NAME_OWN, 0, f->from_host);
        }
    }
    if (other_address(v) && !talk)
        evidence_add(v, MAIL_NAME_ADDRESS, 0, f->from_host);
    bool host_name = span_find(&f->from_name, ' ') == f->from_name.n && span_find(&f->from_name, '.') < f->from_name.n; /* "Shop.it" */
    if (!v->from_own && !talk && !host_name && department(name)) {
        bool free_one = (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING)) != 0;
        bool relevant = stands_in(name, "helpdesk") || stands_in(name, "it support") || stands_in(name, "it") || stands_in(name, "human resources") ||
                        stands_in(name, "hr") || stands_in(name, "payroll") || stands_in(name, "voicemail") || stands_in(name, "webmail");
        if (free_one)
            evidence_add(v, MAIL_NAME_ROLE, 0, f->from_host);
        else if (relevant && v->from_name == NO_NAME && !v->bulk)
            evidence_add(v, MAIL_NAME_OUTSIDE, 0, f->from_host);
    }
    buf_release(&folded);
}

static void answers(struct evidence *v)
{
    const struct facts *f = v->f;
    uint16_t name = NO_NAME;
    if (f->reply_host.n == 0 || f->list || mail_same(f->reply_to, f->from))
        return;
    uint32_t kinds = known_host_kinds(v->k, f->reply_host, NULL);
    bool same = evidence_same_site(v, f->reply_host, f->from_host);
    bool free_one = (kinds & HOST_FREEMAIL) != 0;
    if (!same && (own_like(v, f->reply_host) || known_looks(v->k, f->reply_host, &name) == LOOKS_LIKE))
        evidence_add(v, MAIL_REPLY_LIKE, 0, f->reply_host);
    else if (free_one && (!same || !mail_same(f->reply_to, f->from)))
        evidence_add(v, MAIL_REPLY_FREE, (v->from_kinds & HOST_FREEMAIL) != 0 ? 12 : 0, f->reply_to);
    else if (!same && !v->bulk && !evidence_own(v, f->reply_host))
        evidence_add(v, MAIL_REPLY_OTHER, 0, f->reply_host);
}

static void authentication(struct evidence *v)
{
    const struct auth *a = &v->auth;
    struct span host = v->f->from_host;
    bool passed = a->dmarc == AUTH_PASS || a->aligned;
    if (passed) {
        if (a->trusted && (v->from_own || v->from_name != NO_NAME))
            evidence_add(v, MAIL_FOR_CONFIRMED, 0, host);
        return;
    }
    bool failed = a->dmarc == AUTH_FAIL || (a->spf == AUTH_FAIL && a->dkim != AUTH_PASS);
    if (failed && v->from_own && (a->trusted || v->lab->own_n > 0)) {
        evidence_add(v, MAIL_AUTH_OWN, 0, host);
        return;
    }
    if (a->dmarc == AUTH_FAIL && !v->f->list_post)
        evidence_add(v, MAIL_AUTH_DMARC, a->trusted ? 0 : 24, host);
    if (a->spf == AUTH_FAIL)
        evidence_add(v, MAIL_AUTH_SPF, 0, host);
    else if (a->spf == AUTH_SOFT)
        evidence_add(v, MAIL_AUTH_SPF, 7, host);
    if (a->dkim == AUTH_FAIL && !v->f->list_post)
        evidence_add(v, MAIL_AUTH_DKIM, 0, (struct span){0});
    if (a->nobody && !v->from_own && !v->f->list_post)
        evidence_add(v, MAIL_AUTH_NONE, a->spf == AUTH_FAIL ? 8 : 0, host);
}

/* The first word of a text that could be a host. */
static struct span host_at(struct span s)
{
    size_t n = 0;
    while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || ((s.p[n] | 0x20) >= 'a' && (s.p[n] | 0x20) <= 'z') || s.p[n] == '.' || s.p[n] == '-'))
        n++;
    return span_of(s.p, n);
}

/* A machine that calls itself by the sender's domain, while the receiver's own look-up gave another name, or none: "from lycos.com (host.example
 * [192.0.2.1])" or "from lycos.com ([192.0.2.1])". */
static void arrival(struct evidence *v)
{
    const struct facts *f = v->f;
    struct span value;
    for (size_t i = 0; i < f->received && i < 12; i++) {
        if (!mail_field_find(f->tree.parts[0].head, "received", i, &value) || value.n < 8 || !mail_is(span_of(value.p, 5), "from "))
            continue;
        (void)span_skip(&value, 5);
        struct span said = host_at(value);
        (void)span_skip(&value, said.n);
        value = mail_trim(value);
        if (span_peek(&value, 0) != '(' || !evidence_same_site(v, said, f->from_host))
            continue;
        (void)span_skip(&value, 1);
        struct span found = host_at(value);
        struct span in = span_of(value.p, span_find(&value, ')'));
        bool number = span_find(&in, '[') < in.n && (found.n == 0 || mail_is(found, "unknown"));
        bool other = span_find(&found, '.') < found.n && !evidence_same_site(v, found, said);
        if ((number || other) && (v->from_kinds & HOST_FREEMAIL) != 0)
            evidence_add(v, MAIL_SENT_ELSEWHERE, 0, said);
        else if (mail_find(in, "may be forged") < in.n && number)
            evidence_add(v, MAIL_SENT_ELSEWHERE, 8, said);
    }
    /* "Lowest rates!               KVDQX" */
    struct span subject = f->subject;
    size_t gap = mail_find(subject, "     ");
    if (gap < subject.n && gap > 4) {
        struct span tail = mail_trim(span_of(subject.p + gap, subject.n - gap));
        bool word = tail.n >= 3 && tail.n <= 60;
        for (size_t i = 0; i < tail.n; i++)
            word &= tail.p[i] > ' ';
        if (word)
            evidence_add(v, MAIL_SUBJECT_ODD, 0, (struct span){0});
    }
    if (subject.n > 4 && memcmp(subject.p, "ADV", 3) == 0 && (subject.p[3] == ':' || subject.p[3] == ' '))
        evidence_add(v, MAIL_WORDS_ADVERT, 28, (struct span){0}); /* it says so itself */
    struct span date;
    if (mail_field_find(f->tree.parts[0].head, "date", 0, &date)) {
        size_t digits = 0;
        size_t year = 0;
        bool found = false;
        for (size_t i = 0; i <= date.n && !found; i++) {
            uint8_t c = i < date.n ? date.p[i] : 0;
            if (c >= '0' && c <= '9') {
                digits++;
                year = year * 10 + (size_t)(c - '0');
            } else {
                found = digits == 4 && !(i > 4 && (date.p[i - 5] == '+' || date.p[i - 5] == '-'));
                if (!found)
                    digits = year = 0;
            }
        }
        if (found && (year < 1990 || year > 2090))
            evidence_add(v, MAIL_DATE_ODD, 0, (struct span){0});
    }
}

void evidence_sender(struct evidence *v)
{
    const struct facts *f = v->f;
    v->spoken_for = NO_NAME;
    v->from_kinds = known_host_kinds(v->k, f->from_host, &v->from_name);
    v->from_own = f->from_host.n > 0 && evidence_own(v, f->from_host);
    v->bulk = (f->list || f->unsubscribe) && !v->auth.nobody; /* anybody can write those fields; who sends to many has signed for years */
    if (!v->bulk && (f->links_n >= 12 || v->from_own))        /* a newsletter of the days before List-Unsubscribe, or of a sender who leaves it out */
        v->bulk = mail_find(buf_span(&f->words), " unsubscribe") < f->words.n || mail_find(buf_span(&f->words), "to be removed from") < f->words.n;
    if ((v->from_kinds & HOST_FREEMAIL) != 0)
        v->from_name = NO_NAME; /* anybody's address there is not the owner's word */
    from_domain(v);
    from_name(v);
    answers(v);
    authentication(v);
    if (f->from_n != 1 || f->from_host.n == 0)
        evidence_add(v, MAIL_FROM_SEVERAL, f->from_n == 0 ? 12 : 0, (struct span){0});
    if (f->from.n > 0 && mail_same(f->from, f->to) && f->to_n == 1 && v->auth.dmarc != AUTH_PASS)
        evidence_add(v, MAIL_FROM_SELF, 0, (struct span){0});
    arrival(v);
    if (f->script_sent)
        evidence_add(v, MAIL_SCRIPT_SENT, 0, (struct span){0});
    if (!f->has_date || !f->has_message_id)
        evidence_add(v, MAIL_NO_ID, 0, (struct span){0});
}

/* ── links ── */

static bool holds(struct span s, const char *word)
{
    return mail_find(s, word) < s.n;
}

static bool lure(struct span host, struct span path)
{
    static const char *const in_path[] = {"login",      "signin",   "sign-in",      "verify",    "verification", "webmail",        "owa/",
                                          "office365",  "o365",     "outlook",      "onedrive",  "sharepoint",   "docusign",       "password",
                                          "credential", "validate", "authenticate", "microsoft", "paypal",       "update-account", "account-",
                                          "acceso",     "verifica", "confirm",      "secure/",   "auth/",        "adobe",          "wetransfer"};
    static const char *const in_host[] = {"login",   "signin",  "verify", "secure-", "-secure", "account-", "-account", "-support", "support-",
                                          "webmail", "-auth",   "auth-",  "-update", "update-", "-portal",  "verific",  "sso-",     "-sso",
                                          "mfa",     "-login",  "-hr",    "hr-",     "payroll", "-docs",    "docs-",    "-pay",     "-alert",
                                          "-help",   "-online", "0365",   "o365",    "office-", "-office",  "reset",    "-billing"};
    for (size_t i = 0; i < sizeof in_path / sizeof in_path[0]; i++)
        if (holds(path, in_path[i]))
            return true;
    for (size_t i = 0; i < sizeof in_host / sizeof in_host[0]; i++)
        if (holds(host, in_host[i]))
            return true;
    return false;
}

/* Is the recipient's address in the text, in clear or in base64? */
static bool has_address(struct span text, struct span address)
{
    char word[160];
    if (address.n < 6 || address.n > 100 || text.n < address.n)
        return false;
    word[span_copy(address, word, sizeof word - 1)] = 0;
    if (holds(text, word))
        return true;
    char *at = strchr(word, '@');
    struct buf coded = BUF_INIT(256);
    bool found = false;
    if (at != NULL) {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for (size_t i = 0; i + 3 <= address.n; i += 3) {
            uint32_t w = (uint32_t)address.p[i] << 16 | (uint32_t)address.p[i + 1] << 8 | address.p[i + 2];
            for (int shift = 18; shift >= 0; shift -= 6)
                buf_u8(&coded, (uint8_t)digits[w >> shift & 63]);
        }
        found = coded.n >= 8 && holds(text, buf_text(&coded));
    }
    buf_release(&coded);
    return found;
}

static void shown_text(struct evidence *v, const struct facts_link *l, uint32_t kinds)
{
    char shown[URL_HOST];
    if (!url_shown_host(l->shown, shown) || evidence_same_site(v, span_str(shown), l->host))
        return;
    uint16_t name = NO_NAME;
    uint16_t target = NO_NAME;
    (void)known_host_kinds(v->k, span_str(shown), &name);
    (void)known_host_kinds(v->k, l->host, &target);
    if ((kinds & (HOST_SENDER | HOST_WRAPPER)) != 0 || (name != NO_NAME && name == target))
        return;
    bool trackers = v->bulk && (evidence_same_site(v, l->host, v->f->from_host) || evidence_same_site(v, span_str(shown), v->f->from_host));
    bool claimed = name != NO_NAME || (v->lab->own_n > 0 && evidence_own(v, span_str(shown)));
    if (trackers)
        return;
    evidence_add(v, claimed && !v->bulk ? MAIL_LINK_SHOWN_KNOWN : MAIL_LINK_SHOWN, v->bulk || v->f->list_post ? 9 : 0, l->host);
    if (!v->bulk)
        v->bad = l->host;
}

static void program(struct evidence *v, const struct facts_link *l)
{
    static const char *const runs[] = {".exe", ".scr", ".msi", ".hta", ".vbs", ".js",  ".jse",  ".bat",  ".cmd",  ".lnk",
                                       ".iso", ".img", ".apk", ".one", ".jar", ".ps1", ".docm", ".xlsm", ".appx", ".msix"};
    static const char *const packed[] = {".zip", ".rar", ".7z"};
    if (v->f->list_post)
        return;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        size_t n = strlen(runs[i]);
        if (l->path.n > n && mail_is(span_of(l->path.p + l->path.n - n, n), runs[i]))
            evidence_add(v, MAIL_LINK_PROGRAM, 0, l->host);
    }
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        size_t n = strlen(packed[i]);
        if (l->path.n > n && mail_is(span_of(l->path.p + l->path.n - n, n), packed[i]))
            evidence_add(v, MAIL_LINK_PROGRAM, 14, l->host);
    }
}

/* Pages of those that lead on whose address does not say where to. */
static bool leads_blindly(const struct facts_link *l)
{
    static const struct {
        const char *host;
        const char *path;
    } pages[] = {
        {"linkedin.com", "/slink"}, {"linkedin.com", "/redir/"}, {"bing.com", "/ck/"}, {"google.com", "/share"}, {"translate.google", "/translate"}};
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (holds(l->host, pages[i].host) && span_starts(l->path, span_str(pages[i].path)))
            return true;
    return false;
}

/* "/amp/s/example.org/x": Google's copy of somebody else's page. */
static struct span amp_host(struct span path)
{
    struct span rest = path;
    if (!span_starts(rest, SPAN_LIT("/amp/")))
        return (struct span){0};
    (void)span_skip(&rest, 5);
    if (span_starts(rest, SPAN_LIT("s/")))
        (void)span_skip(&rest, 2);
    struct span host = host_at(rest);
    return span_find(&host, '.') < host.n && host.n < URL_HOST ? host : (struct span){0};
}

/* An address of elsewhere in one that leads on. */
static bool leads_on(const struct evidence *v, const struct facts_link *l, char inner[URL_HOST])
{
    struct buf plain = BUF_INIT(8192);
    struct buf scratch = BUF_INIT(8192);
    struct url u;
    struct span url;
    bool found = false;
    url_unescape(&plain, l->query);
    struct span rest = buf_span(&plain);
    if (url_next(&rest, &url) && url_read(url, &scratch, &u) && u.host_n > 3 && !evidence_same_site(v, span_of(u.host, u.host_n), l->host)) {
        (void)memcpy(inner, u.host, u.host_n + 1);
        found = true;
    }
    struct span amp = amp_host(l->path);
    if (!found && (amp.n > 0 || leads_blindly(l))) {
        inner[span_copy(amp.n > 0 ? amp : SPAN_LIT("?"), inner, URL_HOST - 1)] = 0;
        found = true;
    }
    buf_release(&plain);
    buf_release(&scratch);
    return found;
}

static void consent(struct evidence *v, const struct facts_link *l)
{
    bool microsoft = mail_is(l->host, "login.microsoftonline.com") || mail_is(l->host, "login.live.com") || mail_is(l->host, "login.windows.net");
    bool google = mail_is(l->host, "accounts.google.com");
    if ((microsoft || google) && holds(l->path, "oauth2") && holds(l->query, "client_id=")) {
        char inner[URL_HOST] = "";
        uint16_t name = NO_NAME;
        bool elsewhere = leads_on(v, l, inner);
        (void)known_host_kinds(v->k, span_str(inner), &name);
        bool wide = holds(l->query, "mail.read") || holds(l->query, "files.read") || holds(l->query, "offline_access") ||
                    holds(l->query, "contacts.read") || holds(l->query, "mail.send") || holds(l->query, "auth/gmail") ||
                    holds(l->query, "auth/drive");
        if ((elsewhere && name == NO_NAME && !evidence_own(v, span_str(inner))) || wide)
            evidence_add(v, MAIL_LINK_CONSENT, 0, elsewhere ? span_str(inner) : l->host);
    }
    if ((holds(l->host, "microsoft.com") || holds(l->host, "microsoftonline.com") || holds(l->host, "aka.ms")) && holds(l->path, "devicelogin"))
        v->device_code = true;
    if (microsoft && (holds(l->path, "deviceauth") || holds(l->path, "device/")))
        v->device_code = true;
}

static void named(struct evidence *v, const struct facts_link *l, uint32_t kinds, bool home)
{
    uint16_t name = NO_NAME;
    bool shown_ok = v->f->list_post;
    if (home)
        return;
    if (own_like(v, l->host)) {
        evidence_add(v, MAIL_LINK_OWN_LIKE, 0, l->host);
        v->bad = l->host;
    }
    enum looks looks = known_looks(v->k, l->host, &name);
    if (looks == LOOKS_LIKE) {
        evidence_add(v, MAIL_LINK_KNOWN_LIKE, shown_ok ? 15 : 0, l->host);
        v->bad = l->host;
    } else if (looks == LOOKS_HOLDS && !shown_ok) {
        evidence_add(v, MAIL_LINK_HOLDS_NAME, v->bulk ? 15 : 0, l->host);
        v->bad = l->host;
    }
    if (other_alphabet(l->host)) {
        evidence_add(v, MAIL_LINK_ALPHABET, 0, l->host);
        v->bad = l->host;
    }
    if ((kinds & HOST_TLD) != 0 && !evidence_same_site(v, l->host, v->f->from_host))
        evidence_add(v, MAIL_LINK_TLD, 0, l->host);
}

static void web_link(struct evidence *v, const struct facts_link *l)
{
    const struct facts *f = v->f;
    uint16_t name = NO_NAME;
    uint32_t kinds = known_host_kinds(v->k, l->host, &name);
    bool self = evidence_same_site(v, l->host, f->from_host) && (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING | HOST_TLD)) == 0;
    bool own = evidence_own(v, l->host);
    bool home = self || own || (name != NO_NAME && (kinds & (HOST_REDIRECT | HOST_FORM | HOST_SHORTENER)) == 0) || (kinds & HOST_WRAPPER) != 0;
    bool leads = (kinds & (HOST_SHORTENER | HOST_HOSTING | HOST_FORM)) != 0 && !own;
    char inner[URL_HOST] = "";
    v->clickable++;
    home |= name != NO_NAME && (kinds & HOST_REDIRECT) != 0 && !leads_on(v, l, inner);
    home |= (kinds & HOST_SENDER) != 0 && v->bulk;
    if (l->userinfo)
        evidence_add(v, MAIL_LINK_USERINFO, f->list_post ? 10 : 0, l->host);
    if (l->ip)
        evidence_add(v, l->dressed ? MAIL_LINK_DRESSED : MAIL_LINK_IP, f->list_post && !l->dressed ? 6 : 0, l->host);
    else if (l->dressed)
        evidence_add(v, MAIL_LINK_DRESSED, 20, l->host);
    if ((kinds & HOST_SHORTENER) != 0 && !own)
        evidence_add(v, MAIL_LINK_SHORT, f->list_post ? 4 : 0, l->host);
    if ((kinds & HOST_HOSTING) != 0 && !self)
        evidence_add(v, MAIL_LINK_HOSTING, f->list_post ? 4 : 0, l->host);
    if ((kinds & HOST_FORM) != 0 && (!mail_is(l->host, "docs.google.com") || holds(l->path, "/forms")))
        evidence_add(v, MAIL_LINK_FORM, f->list_post ? 4 : 0, l->host);
    if ((kinds & HOST_REDIRECT) != 0 && inner[0] != 0) {
        uint16_t other = NO_NAME;
        (void)known_host_kinds(v->k, span_str(inner), &other);
        if (other == NO_NAME && !evidence_own(v, span_str(inner))) {
            evidence_add(v, MAIL_LINK_REDIRECT, f->list_post ? 4 : 0, l->host);
            leads = true;
        }
    }
    named(v, l, kinds, home);
    shown_text(v, l, kinds);
    consent(v, l);
    if (!home) {
        bool to_lure = lure(l->host, l->path);
        if (l->port != 0 && l->port != 80 && l->port != 443 && l->port != 8080)
            evidence_add(v, MAIL_LINK_PORT, f->list_post ? 3 : 0, l->host);
        if (to_lure && !f->list_post)
            evidence_add(v, MAIL_LINK_LURE, v->bulk ? 4 : 0, l->host);
        if (!f->list_post &&
            (holds(l->path, "/wp-content/") || holds(l->path, "/wp-includes/") || holds(l->path, "/wp-admin/") || holds(l->path, "/.well-known/")))
            evidence_add(v, MAIL_LINK_BROKEN_INTO, 0, l->host);
        if (has_address(l->fragment, f->to))
            evidence_add(v, MAIL_LINK_ADDRESSED, 0, l->host);
        else if (!v->bulk && (has_address(l->query, f->to) || has_address(l->path, f->to)))
            evidence_add(v, MAIL_LINK_ADDRESSED, 10, l->host);
        size_t dots = 0;
        for (size_t i = 0; i < l->host.n; i++)
            dots += l->host.p[i] == '.';
        if (dots >= 5 || l->host.n > 60)
            evidence_add(v, MAIL_LINK_DEEP, 0, l->host);
        program(v, l);
        v->all_home = false;
        if (v->foreign.n == 0)
            v->foreign = l->host;
        leads |= (to_lure && !v->bulk) || (kinds & HOST_TLD) != 0 || l->ip || l->dressed || l->userinfo;
    }
    if (leads && v->bad.n == 0)
        v->bad = l->host;
    v->bad_in_file |= l->where == LINK_FILE && v->bad.n > 0 && mail_same(v->bad, l->host);
}

/* A button that writes a mail to an address that anybody can have, and that is not the sender's. */
static void writes(struct evidence *v, const struct facts_link *l)
{
    struct span address = l->url;
    (void)span_until(&address, ':', NULL);
    address.n = (uint32_t)span_find(&address, '?');
    bool free_one = (known_host_kinds(v->k, mail_domain(address), NULL) & HOST_FREEMAIL) != 0;
    if (free_one && !v->bulk && (v->from_kinds & HOST_FREEMAIL) == 0 && !v->from_own && !v->f->list_post && !v->f->answer)
        evidence_add(v, MAIL_LINK_PRIVATE, v->spoken_for != NO_NAME ? 24 : 0, address);
}

static void picture_of(struct evidence *v, const struct facts_link *l)
{
    if ((known_host_kinds(v->k, l->host, NULL) & HOST_PICTURE) != 0 && !v->f->list_post && !v->f->answer && !v->from_own)
        evidence_add(v, MAIL_FORM_PICTURE_FREE, 0, l->host);
}

void evidence_links(struct evidence *v)
{
    v->all_home = true;
    for (size_t i = 0; i < v->f->links_n; i++) {
        const struct facts_link *l = &v->f->links[i];
        if (l->where == LINK_PICTURE) {
            picture_of(v, l);
            continue;
        }
        if (strcmp(l->scheme, "data") == 0 || strcmp(l->scheme, "javascript") == 0 || strcmp(l->scheme, "vbscript") == 0 ||
            strcmp(l->scheme, "blob") == 0) {
            bool page = strcmp(l->scheme, "data") != 0 || holds(span_of(l->path.p, l->path.n < 64 ? l->path.n : 64), "html") ||
                        holds(span_of(l->path.p, l->path.n < 64 ? l->path.n : 64), "svg");
            if (page && l->where != LINK_FILE && l->path.n > 40)
                evidence_add(v, MAIL_LINK_DATA, 0, (struct span){0});
        } else if (strcmp(l->scheme, "http") == 0 || strcmp(l->scheme, "https") == 0 || strcmp(l->scheme, "ftp") == 0) {
            if (l->host.n > 0)
                web_link(v, l);
        } else if (strcmp(l->scheme, "mailto") == 0 && l->where == LINK_PAGE) {
            writes(v, l);
        } else if (strcmp(l->scheme, "file") == 0 || strcmp(l->scheme, "smb") == 0 || strncmp(l->scheme, "ms-", 3) == 0 ||
                   strcmp(l->scheme, "search-ms") == 0) {
            if (l->host.n > 0 && !evidence_own(v, l->host))
                evidence_add(v, MAIL_LINK_OPENS, v->f->list_post ? 5 : 0, l->host);
        }
        if (l->where == LINK_REFRESH && !v->f->list_post)
            evidence_add(v, MAIL_FORM_REFRESH, 0, (struct span){0});
    }
}
