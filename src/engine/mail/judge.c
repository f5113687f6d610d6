#include "engine/mail/evidence.h"
#include "engine/mail/sketch.h"
#include "wire/mail_head.h"

#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

#define ATTACHED_DEPTH 3

const char *mail_verdict_name(enum mail_verdict v)
{
    return v == MAIL_DANGEROUS ? "dangerous" : v == MAIL_SUSPICIOUS ? "suspicious" : "fine";
}

const char *mail_indicator_name(enum mail_indicator_kind kind)
{
    static const char *const names[] = {"host", "address", "sha256", "subject"};
    return names[kind];
}

/* Copies text so that it is harmless to print: UTF-8 without controls and directions, cut at a character. */
static void harmless(char *out, size_t room, struct span text)
{
    size_t n = 0;
    while (text.n > 0) {
        size_t length = text_utf8_len(text);
        struct span c = span_take(&text, length > 0 ? length : 1);
        bool foreign = false;
        bool nothing = false;
        struct span look = c;
        if (length > 1)
            (void)fold_letter(fold_next(&look), &foreign, &nothing);
        if (length == 0 || nothing || c.p[0] < 0x20 || c.p[0] == 0x7f)
            continue;
        if (n + length >= room)
            break;
        (void)memcpy(out + n, c.p, length);
        n += length;
    }
    out[n] = 0;
}

void evidence_add(struct evidence *v, enum mail_code code, int points, struct span about)
{
    int weight = points != 0 ? points : mail_reason_rows[code].points;
    if (v->points[code] != 0) { /* the strongest sighting counts */
        if (weight > v->points[code])
            v->points[code] = weight;
        return;
    }
    v->points[code] = weight;
    harmless(v->about[code], sizeof v->about[code], about);
}

/* ── the sum ── */

static void put_reasons(const struct evidence *v, struct mail_report *r)
{
    bool taken[MAIL_CODES] = {false};
    r->n = 0;
    while (r->n < MAIL_REASONS) {
        size_t best = MAIL_CODES;
        for (size_t i = 0; i < MAIL_CODES; i++)
            if (v->points[i] != 0 && !taken[i] && (best == MAIL_CODES || v->points[i] > v->points[best]))
                best = i;
        if (best == MAIL_CODES)
            return;
        taken[best] = true;
        struct mail_reason *reason = &r->reasons[r->n++];
        *reason = (struct mail_reason){.code = (enum mail_code)best, .points = v->points[best]};
        (void)memcpy(reason->about, v->about[best], sizeof reason->about);
    }
}

/* Is one thing strong by itself, or two that are not words, or three of some weight? */
static bool proved(const struct evidence *v)
{
    unsigned good = 0;
    unsigned fair = 0;
    for (size_t i = 0; i < MAIL_CODES; i++) {
        if (v->points[i] >= 25)
            return true;
        if (mail_reason_rows[i].group == MAIL_GROUP_WORDS)
            continue;
        good += v->points[i] >= 16;
        fair += v->points[i] >= 12;
    }
    return good >= 2 || fair >= 3;
}

static void weigh(const struct evidence *v, struct mail_report *r)
{
    int groups[MAIL_GROUPS] = {0};
    int sum = 0;
    for (size_t i = 0; i < MAIL_CODES; i++)
        groups[mail_reason_rows[i].group] += v->points[i];
    for (size_t g = 0; g < MAIL_GROUPS; g++) {
        int most = mail_group_most[g];
        sum += most < 0 ? (groups[g] < most ? most : groups[g]) : (groups[g] > most ? most : groups[g]);
    }
    r->score = sum < 0 ? 0 : sum > 100 ? 100 : sum;
    if (r->score >= MAIL_DANGEROUS_FROM && !proved(v)) /* much that is weak is no proof */
        r->score = MAIL_DANGEROUS_FROM - 1;
    r->verdict = r->score >= MAIL_DANGEROUS_FROM ? MAIL_DANGEROUS : r->score >= MAIL_SUSPICIOUS_FROM ? MAIL_SUSPICIOUS : MAIL_FINE;
    put_reasons(v, r);
}

/* ── indicators ── */

static void indicate(struct mail_report *r, enum mail_indicator_kind kind, struct span value)
{
    if (value.n == 0 || value.n >= MAIL_INDICATOR || r->indicators_n == MAIL_INDICATORS)
        return;
    char text[MAIL_INDICATOR];
    harmless(text, sizeof text, value);
    for (size_t i = 0; i < r->indicators_n; i++)
        if (r->indicators[i].kind == kind && strcmp(r->indicators[i].value, text) == 0)
            return;
    struct mail_indicator *one = &r->indicators[r->indicators_n++];
    one->kind = kind;
    (void)memcpy(one->value, text, sizeof text);
}

static void indicators(const struct evidence *v, struct mail_report *r)
{
    const struct facts *f = v->f;
    if (f->from.n > 0 && !v->from_own)
        indicate(r, MAIL_INDICATOR_ADDRESS, f->from);
    if (f->reply_to.n > 0 && !evidence_own(v, f->reply_host))
        indicate(r, MAIL_INDICATOR_ADDRESS, f->reply_to);
    for (size_t i = 0; i < f->links_n; i++) {
        const struct facts_link *l = &f->links[i];
        uint32_t kinds = known_host_kinds(v->k, l->host, NULL);
        bool shared = (kinds & (HOST_NAMED | HOST_SENDER | HOST_WRAPPER | HOST_SHORTENER | HOST_FORM | HOST_REDIRECT)) != 0; /* by many */
        if (l->where != LINK_PICTURE && !shared && !evidence_own(v, l->host))
            indicate(r, MAIL_INDICATOR_HOST, l->host);
    }
    for (size_t i = 0; i < f->files_n; i++)
        if (!f->files[i].embedded && !f->files[i].inside)
            indicate(r, MAIL_INDICATOR_FILE, span_str(f->files[i].sha256));
    indicate(r, MAIL_INDICATOR_SUBJECT, mail_trim(span_of(f->words.p, f->subject_words)));
}

/* ── a message ── */

static int judge_at(const struct mail_known *k, const struct mail_lab *lab, struct span message, unsigned depth, struct mail_report *ret,
                    struct error *e);

static int judge_facts(const struct mail_known *k, const struct mail_lab *lab, struct facts *f, unsigned depth, struct mail_report *ret,
                       struct error *e)
{
    struct evidence *v = calloc(1, sizeof *v);
    if (v == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for a mail");
    *v = (struct evidence){.k = k, .lab = lab, .f = f};
    auth_read(k, lab, f, &v->auth);
    evidence_sender(v);
    evidence_links(v);
    evidence_files(v);
    evidence_words(v);
    weigh(v, ret);
    indicators(v, ret);
    sketch_make(k, f, ret->sketch);
    harmless(ret->from, sizeof ret->from, f->from);
    harmless(ret->from_name, sizeof ret->from_name, f->from_name);
    harmless(ret->subject, sizeof ret->subject, f->subject);
    harmless(ret->message_id, sizeof ret->message_id, f->message_id);
    ret->links = f->links_n;
    ret->files = f->files_n;
    free(v);
    if (f->attached.n == 0 || depth >= ATTACHED_DEPTH)
        return 0;
    struct mail_report *inner = calloc(1, sizeof *inner);
    if (inner == NULL)
        return err_set(e, ERR_SYSTEM, "no memory for a mail");
    struct error why = {0};
    int r = judge_at(k, lab, f->attached, depth + 1, inner, &why);
    /* What is attached is what is asked about, unless what carries it is worse for links and files of its own. */
    bool worse = ret->verdict > inner->verdict && ret->links > 0;
    if (r == 0 && !worse) {
        *ret = *inner;
        ret->attached = true;
    }
    free(inner);
    if (r != 0 && why.class == ERR_SYSTEM) {
        *e = why;
        return -1;
    }
    return 0;
}

/* Has it one of the fields that every mail has? */
static bool is_mail(struct span message)
{
    struct mail_field field;
    for (size_t n = 0; n < 200 && mail_field_next(&message, &field); n++)
        if (mail_is(field.name, "from") || mail_is(field.name, "to") || mail_is(field.name, "subject") || mail_is(field.name, "received") ||
            mail_is(field.name, "date") || mail_is(field.name, "message-id") || mail_is(field.name, "return-path") ||
            mail_is(field.name, "content-type"))
            return true;
    return false;
}

static int judge_at(const struct mail_known *k, const struct mail_lab *lab, struct span message, unsigned depth, struct mail_report *ret,
                    struct error *e)
{
    *ret = (struct mail_report){0};
    while (message.n > 0 && (message.p[0] == '\n' || message.p[0] == '\r' || message.p[0] == ' '))
        (void)span_skip(&message, 1);
    if (message.n == 0)
        return err_set(e, ERR_MISUSE, "there is no mail: it is empty");
    if (message.n > MAIL_BYTES)
        return err_set(e, ERR_LIMIT, "the mail is larger than %u MiB", MAIL_BYTES >> 20);
    if (!is_mail(message))
        return err_set(e, ERR_MISUSE, "this is no mail: it has no header (save the message as .eml, or forward it as an attachment)");
    struct facts *f = calloc(1, sizeof *f);
    if (f == NULL || !facts_read(k, f, message)) {
        free(f);
        return err_set(e, ERR_SYSTEM, "no memory for a mail");
    }
    int r = judge_facts(k, lab, f, depth, ret, e);
    facts_release(f);
    free(f);
    return r;
}

int mail_judge(const struct mail_known *k, const struct mail_lab *lab, struct span message, struct mail_report *ret, struct error *e)
{
    return judge_at(k, lab, message, 0, ret, e);
}

void mail_report_virus(struct mail_report *r, const char *name)
{
    r->n = r->n < MAIL_REASONS ? r->n : MAIL_REASONS - 1;
    (void)memmove(r->reasons + 1, r->reasons, r->n * sizeof r->reasons[0]);
    r->reasons[0] = (struct mail_reason){.code = MAIL_FILE_VIRUS, .points = mail_reason_rows[MAIL_FILE_VIRUS].points};
    (void)snprintf(r->reasons[0].about, sizeof r->reasons[0].about, "%s", name);
    r->n++;
    r->score = 100;
    r->verdict = MAIL_DANGEROUS;
}
