#include "proc/programme.h"

#include "base/text.h"
#include "lab/courses/course.h"
#include "proc/own.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo/"

static int pack_zone(const struct config *c, struct buf *packed, struct error *e)
{
    char path[sizeof ZONES + CONFIG_NAME] = "/etc/localtime";
    struct buf file = BUF_INIT(ZONE_FILE + 4096);
    static struct zone zone;
    struct error why = {0};
    if (c->time_zone[0] != 0)
        (void)snprintf(path, sizeof path, ZONES "%s", c->time_zone);
    int r = own_file(path, &file, &why);
    if (r == 0)
        r = zone_read(buf_span(&file), &zone, &why);
    if (r == 0)
        courses_pack(packed, 'z', SPAN_LIT("zone"), buf_span(&file));
    buf_release(&file);
    if (r == 0 || c->time_zone[0] == 0) /* a machine that says nothing is on UTC */
        return 0;
    return err_set(e, ERR_MISUSE, "time_zone: %s: %s", c->time_zone, why.text);
}

void programme_zone(const struct config *c, char out[CONFIG_NAME])
{
    char link[256] = "";
    out[0] = 0;
    if (c->time_zone[0] != 0) {
        (void)snprintf(out, CONFIG_NAME, "%s", c->time_zone);
    } else if (readlink("/etc/localtime", link, sizeof link - 1) > 0) {
        const char *name = strstr(link, "/zoneinfo/");
        if (name != NULL && strlen(name + strlen("/zoneinfo/")) < CONFIG_NAME)
            (void)snprintf(out, CONFIG_NAME, "%s", name + strlen("/zoneinfo/"));
    }
}

/* The first line of a file. */
static int read_secret(const char *path, char *out, size_t size, struct error *e)
{
    struct buf file = BUF_SECRET(16384); /* reading asks for room ahead */
    int r = own_file(path, &file, e);
    struct span rest = buf_span(&file);
    struct span line = span_until(&rest, '\n', NULL);
    while (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (r == 0 && (line.n == 0 || line.n >= size || memchr(line.p, '\t', line.n) != NULL || memchr(line.p, 0, line.n) != NULL))
        r = err_set(e, ERR_MISUSE, "%s: expected a password of at most %zu bytes in the first line", path, size - 1);
    if (r == 0)
        out[span_copy(line, out, size - 1)] = 0;
    buf_release(&file);
    return r;
}

/* Words that stand a line each, with spaces between. */
static void pack_words(struct buf *settings, const char *name, const char *words)
{
    struct span left = span_str(words);
    if (left.n > 0)
        buf_addf(settings, "%s\t", name);
    while (left.n > 0) {
        buf_add_span(settings, span_until(&left, '\n', NULL));
        buf_u8(settings, left.n > 0 ? ' ' : '\n');
    }
}

static int pack_findings(const struct config *c, struct buf *settings, struct error *e)
{
    struct span left = span_str(c->mail_findings);
    for (int n = 1; left.n > 0; n++) {
        struct span one = span_until(&left, '\n', NULL);
        if (!text_is_mail(one) || n > PROGRAMME_TOLD)
            return err_set(e, ERR_MISUSE, "mail.findings: \"%.*s\": expected at most %d mail addresses, as in it@lab.example", (int)one.n,
                           (const char *)one.p, PROGRAMME_TOLD);
    }
    if (c->mail_findings[0] != 0 && c->mail_server.port == 0)
        return err_set(e, ERR_MISUSE, "mail.findings: there is no mail server to send by: name it with mail.server");
    pack_words(settings, "findings", c->mail_findings);
    buf_addf(settings, "findings_from\t%s\n", c->mail_findings_from);
    return 0;
}

static int pack_mail(const struct config *c, struct buf *settings, struct buf *packed, struct error *e)
{
    char password[256] = "";
    char where[CONFIG_HOST + 16];
    if (c->mail_server.port == 0)
        return 0;
    if (c->mail_from[0] == 0)
        return err_set(e, ERR_MISUSE, "mail: with mail.server, mail.from is needed: the sender of mails");
    if (c->mail_user[0] != 0 && (strcmp(c->mail_tls, "off") == 0 || c->mail_password[0] == 0))
        return err_set(e, ERR_MISUSE, "mail: mail.user needs mail.password_file, and an encrypted connection (mail.tls)");
    if (c->mail_user[0] != 0 && read_secret(c->mail_password, password, sizeof password, e) != 0)
        return -1;
    if (c->mail_authority[0] != 0) {
        struct buf pem = BUF_INIT(PROGRAMME_AUTHORITY + 4096); /* reading asks for room ahead */
        int r = own_file(c->mail_authority, &pem, e);
        if (r == 0 && pem.n > PROGRAMME_AUTHORITY)
            r = err_set(e, ERR_MISUSE, "mail.authority: %s has over %d bytes: give the one certificate that signed the server's", c->mail_authority,
                        PROGRAMME_AUTHORITY);
        if (r == 0)
            courses_pack(packed, 'a', SPAN_LIT("authority"), buf_span(&pem));
        buf_release(&pem);
        if (r != 0)
            return -1;
    }
    config_endpoint_text(&c->mail_server, where, sizeof where);
    buf_addf(settings, "url\t%s://%s\ntls\t%s\nfrom\t%s\nlanguage\t%s\n", strcmp(c->mail_tls, "tls") == 0 ? "smtps" : "smtp", where, c->mail_tls,
             c->mail_from, c->mail_language);
    if (c->mail_user[0] != 0)
        buf_addf(settings, "user\t%s\npassword\t%s\n", c->mail_user, password);
    explicit_bzero(password, sizeof password);
    return 0;
}

/* How mails that people report are judged. */
static void pack_judging(const struct config *c, struct buf *settings)
{
    pack_words(settings, "domains", c->mail_domains);
    if (c->mail_receiver[0] != 0)
        buf_addf(settings, "receiver\t%s\n", c->mail_receiver);
    if (c->mail_scanner[0] != 0)
        buf_add_str(settings, "scanner\tyes\n");
}

const struct config_listener *programme_listener(const struct config *c, const char *purpose)
{
    for (size_t i = 0; i < c->listener_count; i++)
        if (strcmp(c->listener[i].purpose, purpose) == 0)
            return &c->listener[i];
    return NULL;
}

static void pack_phishing(const struct config *c, struct buf *settings)
{
    const struct config_listener *l = programme_listener(c, "landing");
    struct span domains = span_str(c->phishing_domains);
    if (l != NULL && l->listen.port == 443)
        buf_addf(settings, "landing\thttps://%s\n", l->name);
    else if (l != NULL)
        buf_addf(settings, "landing\thttps://%s:%u\n", l->name, l->listen.port);
    while (domains.n > 0) {
        struct span one = span_until(&domains, '\n', NULL);
        buf_addf(settings, "target\t%.*s\n", (int)one.n, (const char *)one.p);
    }
    if (c->phishing_from[0] != 0)
        buf_addf(settings, "lure\t%s\n", c->phishing_from);
    buf_addf(settings, "every\t%lld\n", (long long)c->phishing_every);
}

int programme_pack(const struct config *c, struct buf *packed, struct error *e)
{
    struct buf settings = BUF_SECRET(8192);
    int r = pack_zone(c, packed, e);
    buf_addf(&settings, "questions\t%lld\ntries\t%lld\ncool_down\t%lld\nremind\t%lld\nescalate\t%lld\n", (long long)c->training_questions,
             (long long)c->training_tries, (long long)c->training_cool_down, (long long)c->training_remind, (long long)c->training_escalate);
    pack_judging(c, &settings);
    if (r == 0)
        r = pack_findings(c, &settings, e);
    if (r == 0)
        r = pack_mail(c, &settings, packed, e);
    pack_phishing(c, &settings);
    if (r == 0)
        courses_pack(packed, 's', SPAN_LIT("settings"), buf_span(&settings));
    if (r == 0 && (!buf_ok(&settings) || !buf_ok(packed)))
        r = err_set(e, ERR_MISUSE, "courses, policies and settings together are too large");
    buf_release(&settings);
    return r;
}

/* ── and back ── */

static void take_setting(struct programme *p, struct span key, struct span value)
{
    const struct {
        const char *name;
        int64_t *number;
        char *text;
        size_t size;
    } known[] = {{.name = "questions", .number = &p->questions},
                 {.name = "tries", .number = &p->tries},
                 {.name = "cool_down", .number = &p->cool_down},
                 {.name = "remind", .number = &p->remind},
                 {.name = "escalate", .number = &p->escalate},
                 {.name = "url", .text = p->url, .size = sizeof p->url},
                 {.name = "tls", .text = p->tls, .size = sizeof p->tls},
                 {.name = "from", .text = p->from, .size = sizeof p->from},
                 {.name = "language", .text = p->language, .size = sizeof p->language},
                 {.name = "domains", .text = p->domains, .size = sizeof p->domains},
                 {.name = "findings", .text = p->findings, .size = sizeof p->findings},
                 {.name = "findings_from", .text = p->findings_from, .size = sizeof p->findings_from},
                 {.name = "receiver", .text = p->receiver, .size = sizeof p->receiver},
                 {.name = "scanner", .text = p->scanner, .size = sizeof p->scanner},
                 {.name = "user", .text = p->user, .size = sizeof p->user},
                 {.name = "password", .text = p->password, .size = sizeof p->password},
                 {.name = "landing", .text = p->landing, .size = sizeof p->landing},
                 {.name = "lure", .text = p->lure, .size = sizeof p->lure},
                 {.name = "every", .number = &p->every}};
    size_t n = strlen(p->targets);
    if (span_is(key, "target") && n + value.n + 2 <= sizeof p->targets) {
        n += span_copy(value, p->targets + n, sizeof p->targets - n - 2);
        p->targets[n] = '\n';
        p->targets[n + 1] = 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint64_t v = 0;
        if (!span_is(key, known[i].name))
            continue;
        if (known[i].text != NULL)
            known[i].text[span_copy(value, known[i].text, known[i].size - 1)] = 0;
        else if (span_decimal(value, INT32_MAX, &v) && v > 0)
            *known[i].number = (int64_t)v;
    }
}

int programme_unpack(struct span packed, struct programme *ret, struct error *e)
{
    *ret = (struct programme){
        .questions = 10, .tries = 3, .cool_down = 3600, .remind = 7, .escalate = 14, .language = "en", .findings_from = "high", .every = 30};
    while (packed.n > 0) {
        uint8_t kind = span_u8(&packed);
        (void)span_take(&packed, span_be16(&packed));
        struct span text = span_take(&packed, span_be32(&packed));
        if (packed.bad)
            return err_set(e, ERR_CORRUPT, "the lab's own courses and settings were not handed over whole");
        if (kind == 'z')
            ret->zone = text;
        else if (kind == 'a')
            ret->authority = text;
        while (kind == 's' && text.n > 0) {
            struct span line = span_until(&text, '\n', NULL);
            struct span key = span_until(&line, '\t', NULL);
            take_setting(ret, key, line);
        }
    }
    return 0;
}
