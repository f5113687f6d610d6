#include "engine/mail/evidence.h"
#include "wire/attachment.h"
#include "wire/mail_head.h"

#include <stdlib.h>

/* ── files ── */

static struct span file_name(const struct facts_file *file)
{
    return file->name.n > 0 ? file->name : span_str(file->type);
}

static void page(struct evidence *v, const struct facts_file *file)
{
    struct span name = file_name(file);
    bool picture = strcmp(file->type, "svg") == 0;
    if (!picture && !file->embedded && (file->name.n > 0 || file->inside))
        evidence_add(v, MAIL_FILE_PAGE, v->f->list_post ? 4 : 0, name);
    if ((file->flags & ATTACHMENT_ASKS) != 0)
        evidence_add(v, MAIL_FILE_PAGE_ASKS, 0, name);
    if ((file->flags & ATTACHMENT_SMUGGLES) != 0)
        evidence_add(v, MAIL_FILE_SMUGGLES, 0, name);
    if ((file->flags & ATTACHMENT_HIDDEN) != 0)
        evidence_add(v, MAIL_FILE_SCRAMBLED, 0, name);
    if ((file->flags & ATTACHMENT_LEADS) != 0 && (picture || (file->flags & ATTACHMENT_RUNS) != 0 || v->f->links_n > 0))
        evidence_add(v, MAIL_FILE_LEADS, v->f->list_post ? 5 : 0, name);
    else if (picture && (file->flags & ATTACHMENT_RUNS) != 0)
        evidence_add(v, MAIL_FILE_SCRAMBLED, 0, name);
}

void evidence_files(struct evidence *v)
{
    static const struct {
        uint32_t flag;
        enum mail_code code;
    } rows[] = {{ATTACHMENT_PROGRAM, MAIL_FILE_PROGRAM}, {ATTACHMENT_SHORTCUT, MAIL_FILE_SHORTCUT}, {ATTACHMENT_DISK, MAIL_FILE_DISK},
                {ATTACHMENT_MACRO, MAIL_FILE_MACRO},     {ATTACHMENT_OBJECT, MAIL_FILE_OBJECT},     {ATTACHMENT_REMOTE, MAIL_FILE_REMOTE},
                {ATTACHMENT_ACTION, MAIL_FILE_ACTION},   {ATTACHMENT_NOTEBOOK, MAIL_FILE_NOTEBOOK}, {ATTACHMENT_ENCRYPTED, MAIL_FILE_ENCRYPTED},
                {ATTACHMENT_NESTED, MAIL_FILE_NESTED},   {ATTACHMENT_BOMB, MAIL_FILE_BOMB}};
    for (size_t i = 0; i < v->f->files_n; i++) {
        const struct facts_file *file = &v->f->files[i];
        struct span name = file_name(file);
        uint32_t flags = file->flags | (file->named & ~(ATTACHMENT_PAGE | ATTACHMENT_PICTURE));
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            if ((flags & rows[r].flag) != 0)
                evidence_add(v, rows[r].code, 0, name);
        if ((file->named & ATTACHMENT_SCRIPT) != 0) /* "#!" alone runs nowhere by a click */
            evidence_add(v, MAIL_FILE_SCRIPT, 0, name);
        if (file->lies)
            evidence_add(v, MAIL_FILE_LIES, 0, name);
        if (file->differs)
            evidence_add(v, MAIL_FILE_DIFFERS, 0, name);
        if ((file->flags & ATTACHMENT_PAGE) != 0 || ((file->named & ATTACHMENT_PAGE) != 0 && !file->embedded))
            page(v, file);
    }
    v->bad_file = evidence_has(v, MAIL_FILE_MACRO) || evidence_has(v, MAIL_FILE_OBJECT) || evidence_has(v, MAIL_FILE_NOTEBOOK) ||
                  evidence_has(v, MAIL_FILE_PAGE) || evidence_has(v, MAIL_FILE_ENCRYPTED) || evidence_has(v, MAIL_FILE_ACTION) ||
                  evidence_has(v, MAIL_FILE_NESTED) || evidence_has(v, MAIL_FILE_LEADS);
}

/* ── words ── */

static unsigned count(const struct evidence *v, enum phrase_class c)
{
    return v->words.counts[c];
}

static void each_class(struct evidence *v)
{
    static const struct {
        enum phrase_class class;
        enum mail_code code;
    } rows[] = {{PHRASE_URGENCY, MAIL_WORDS_URGENCY},
                {PHRASE_THREAT, MAIL_WORDS_THREAT},
                {PHRASE_CREDENTIAL, MAIL_WORDS_CREDENTIAL},
                {PHRASE_MAILBOX, MAIL_WORDS_MAILBOX},
                {PHRASE_SIGNIN, MAIL_WORDS_SIGNIN},
                {PHRASE_MFA, MAIL_WORDS_MFA},
                {PHRASE_QR, MAIL_WORDS_QR},
                {PHRASE_DOCUMENT, MAIL_WORDS_DOCUMENT},
                {PHRASE_PAYROLL, MAIL_WORDS_PAYROLL},
                {PHRASE_BANK, MAIL_WORDS_BANK},
                {PHRASE_GIFT, MAIL_WORDS_GIFT},
                {PHRASE_SECRECY, MAIL_WORDS_SECRECY},
                {PHRASE_INVOICE, MAIL_WORDS_INVOICE},
                {PHRASE_CALLBACK, MAIL_WORDS_CALLBACK},
                {PHRASE_CRITICAL, MAIL_WORDS_CRITICAL},
                {PHRASE_RECALL, MAIL_WORDS_RECALL},
                {PHRASE_DELIVERY, MAIL_WORDS_DELIVERY},
                {PHRASE_REFUND, MAIL_WORDS_REFUND},
                {PHRASE_PRIZE, MAIL_WORDS_PRIZE},
                {PHRASE_ADVANCE, MAIL_WORDS_ADVANCE},
                {PHRASE_EXTORTION, MAIL_WORDS_EXTORTION},
                {PHRASE_REMOTE, MAIL_WORDS_REMOTE},
                {PHRASE_ENABLE, MAIL_WORDS_ENABLE},
                {PHRASE_OAUTH, MAIL_WORDS_OAUTH},
                {PHRASE_GREETING, MAIL_WORDS_GREETING},
                {PHRASE_JOB, MAIL_WORDS_JOB},
                {PHRASE_VICE, MAIL_WORDS_VICE},
                {PHRASE_ADVERT, MAIL_WORDS_ADVERT}};
    bool talk = v->f->list_post || v->f->answer;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned n = count(v, rows[i].class);
        int base = mail_reason_rows[rows[i].code].points;
        bool common = rows[i].class == PHRASE_EXTORTION || rows[i].class == PHRASE_ADVANCE || rows[i].class == PHRASE_SECRECY;
        if (n == 0 || (common && n == 1 && count(v, PHRASE_GIFT) == 0)) /* one such phrase stands in many a harmless mail */
            continue;
        int points = base + (int)(n - 1) * ((base + 2) / 3);
        points = points > (rows[i].class == PHRASE_ADVERT ? 3 : 2) * base ? (rows[i].class == PHRASE_ADVERT ? 3 : 2) * base : points;
        if (talk || v->words.words > 1500) /* among people who talk, and in long texts, words say little */
            points = (points + 1) / 2;
        if (v->from_own)
            points = (points + 1) / 2;
        evidence_add(v, rows[i].code, points, (struct span){0});
    }
}

/* "Dear ana@lab.example," or "ana@lab.example, your …": where a name belongs. */
static bool called_by_address(const struct facts *f)
{
    static const char greetings[] = " dear hello hi hey hallo beste guten liebe lieber sehr bonjour cher chere ola hola "
                                    "ciao gentile caro prezado estimado querido geachte dag welcome good attention salut hoi estimada ";
    char address[160];
    if (f->to.n < 6 || f->to.n >= sizeof address)
        return false;
    address[span_copy(f->to, address, sizeof address - 1)] = 0;
    struct span subject = mail_trim(f->subject);
    if (mail_find(subject, address) == 0)
        return true;
    struct span rest = buf_span(&f->text);
    for (size_t n = 0; n < 40 && rest.n > 0;) {
        struct span line = mail_trim(span_until(&rest, '\n', NULL));
        n += line.n > 0;
        size_t at = mail_find(line, address);
        if (line.n == 0 || at == line.n)
            continue;
        if (at == 0 && at + f->to.n < line.n && (line.p[f->to.n] == ',' || line.p[f->to.n] == '!'))
            return true;
        line.n = (uint32_t)span_find_either(&line, ' ', ',');
        char first[16] = " ";
        size_t m = span_copy(line, first + 1, sizeof first - 3);
        first[m + 1] = ' ';
        first[m + 2] = 0;
        if (at <= 24 && line.n > 1 && line.n < sizeof first - 2 && mail_find(span_str(greetings), first) < sizeof greetings - 1)
            return true;
    }
    return false;
}

static void form(struct evidence *v)
{
    const struct facts *f = v->f;
    if (f->asks_password)
        evidence_add(v, MAIL_FORM_PASSWORD, 0, (struct span){0});
    else if (f->form)
        evidence_add(v, MAIL_FORM_FORM, v->bulk ? 3 : 0, (struct span){0});
    if (f->script && !v->bulk)
        evidence_add(v, MAIL_FORM_SCRIPT, 0, (struct span){0});
    if (f->fold.disguised >= 2)
        evidence_add(v, MAIL_FORM_LETTERS, 0, (struct span){0});
    if (f->fold.invisible >= 10 && f->fold.invisible * 20 > v->words.words)
        evidence_add(v, MAIL_FORM_INVISIBLE, 0, (struct span){0});
    if (f->tree.too_deep || f->tree.too_many || f->links_cut || f->files_cut)
        evidence_add(v, MAIL_FORM_BROKEN, 0, (struct span){0});
    if (v->lab->cut)
        evidence_add(v, MAIL_FORM_CUT, 0, (struct span){0});
    if (!f->calendar && called_by_address(f))
        evidence_add(v, MAIL_WORDS_ADDRESS, 0, (struct span){0});
    bool picture = f->pictures > 0 || f->picture_bytes > 4096;
    if (picture && v->words.words < 30 && !v->bulk && f->html_parts > 0)
        evidence_add(v, MAIL_FORM_PICTURE, 0, (struct span){0});
}

/* A telephone number, as a call-back swindle writes it: ten digits or more with signs between. */
static bool has_telephone(struct span text)
{
    for (size_t i = 0; i < text.n; i++) {
        size_t digits = 0;
        size_t signs = 0;
        size_t n = i;
        bool begins = (text.p[i] >= '0' && text.p[i] <= '9') || text.p[i] == '+' || text.p[i] == '(';
        if (!begins || (i > 0 && ((text.p[i - 1] >= '0' && text.p[i - 1] <= '9') || text.p[i - 1] == '/' || text.p[i - 1] == '=')))
            continue;
        for (; n < text.n && n < i + 28; n++) {
            uint8_t c = text.p[n];
            if (c >= '0' && c <= '9')
                digits++;
            else if (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '+' || c == 0xc2 || c == 0xa0)
                signs++;
            else
                break;
        }
        if (digits >= 9 && digits <= 13 && signs >= 2)
            return true;
        i = n > i ? n : i;
    }
    return false;
}

static bool picture_or_pdf(const struct facts *f)
{
    bool found = f->pictures > 0 || f->picture_bytes > 0;
    for (size_t i = 0; i < f->files_n; i++)
        found |= strcmp(f->files[i].type, "pdf") == 0 || (f->files[i].flags & ATTACHMENT_PICTURE) != 0 || strcmp(f->files[i].type, "docx") == 0;
    return found;
}

static struct span first_file(const struct facts *f)
{
    return f->files_n > 0 ? file_name(&f->files[0]) : (struct span){0};
}

/* A locked document, opened by what only its reader knows: payslips, statements. */
static bool own_secret(const struct evidence *v)
{
    bool other = count(v, PHRASE_SECRET) == 0 || (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING)) != 0 || evidence_has(v, MAIL_NAME_KNOWN) ||
                 evidence_has(v, MAIL_AUTH_NONE) || evidence_has(v, MAIL_AUTH_DMARC) || evidence_has(v, MAIL_AUTH_OWN) ||
                 evidence_has(v, MAIL_FROM_KNOWN_LIKE) || evidence_has(v, MAIL_FROM_OWN_LIKE) || evidence_has(v, MAIL_REPLY_FREE);
    for (size_t i = 0; i < v->f->files_n; i++)
        other |= strcmp(v->f->files[i].type, "pdf") != 0 && (v->f->files[i].flags & ATTACHMENT_PICTURE) == 0;
    return !other;
}

/* A parcel that waits, with a code for its locker's scanner: of a sender that is known, or whose links all lead home. */
static bool pickup(const struct evidence *v)
{
    bool asks = count(v, PHRASE_CREDENTIAL) + count(v, PHRASE_MFA) + count(v, PHRASE_OAUTH) + count(v, PHRASE_PAYROLL) + count(v, PHRASE_DOCUMENT) >
                0;
    bool imitates = evidence_has(v, MAIL_FROM_OWN_LIKE) || evidence_has(v, MAIL_FROM_KNOWN_LIKE) || evidence_has(v, MAIL_FROM_HOLDS_NAME) ||
                    evidence_has(v, MAIL_NAME_KNOWN) || evidence_has(v, MAIL_AUTH_DMARC) || evidence_has(v, MAIL_AUTH_NONE) ||
                    (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING | HOST_TLD)) != 0;
    return count(v, PHRASE_PICKUP) > 0 && v->clickable > 0 && v->bad.n == 0 && (v->from_name != NO_NAME || v->all_home) && !asks && !imitates;
}

static void requests(struct evidence *v)
{
    unsigned strong = (count(v, PHRASE_CREDENTIAL) > 0) + (count(v, PHRASE_MAILBOX) > 0) + (count(v, PHRASE_SIGNIN) > 0) +
                      (count(v, PHRASE_MFA) > 0) + (count(v, PHRASE_OAUTH) > 0) + (count(v, PHRASE_THREAT) > 0);
    unsigned weak = (count(v, PHRASE_DOCUMENT) > 0) + (count(v, PHRASE_DELIVERY) > 0) + (count(v, PHRASE_REFUND) > 0) +
                    (count(v, PHRASE_PAYROLL) > 0) + (count(v, PHRASE_CRITICAL) > 0) + (count(v, PHRASE_RECALL) > 0) +
                    (count(v, PHRASE_INVOICE) > 0) + (count(v, PHRASE_PRIZE) > 0) + (count(v, PHRASE_REMOTE) > 0) + (count(v, PHRASE_BANK) > 0);
    bool talk = v->f->list_post;
    bool several = strong >= 2 || count(v, PHRASE_CREDENTIAL) + count(v, PHRASE_MAILBOX) + count(v, PHRASE_SIGNIN) >= 3;
    bool own = v->from_own && strong == 0 && !evidence_has(v, MAIL_AUTH_OWN); /* the lab's own survey */
    if ((strong + weak > 0 || v->bad_in_file) && v->bad.n > 0 && !talk && !own)
        evidence_add(v, MAIL_SIGN_IN_BAD,
                     v->bad_in_file || (strong > 0 && !v->bulk)                                              ? 28
                     : (v->bulk && strong < 2) || (strong == 0 && weak < 2 && count(v, PHRASE_URGENCY) == 0) ? 10
                                                                                                             : 0,
                     v->bad);
    else if (v->foreign.n > 0 && !talk && !v->bulk && (several || (strong + weak >= 2 && count(v, PHRASE_URGENCY) + count(v, PHRASE_CLICK) > 0)))
        evidence_add(v, MAIL_SIGN_IN_ELSEWHERE, several ? 0 : 10, v->foreign);
    else if (v->foreign.n > 0 && !talk && v->bulk && several && strong >= 3)
        evidence_add(v, MAIL_SIGN_IN_ELSEWHERE, 10, v->foreign);
    uint16_t spoken = v->spoken_for;
    if (spoken == NO_NAME && !talk) {
        uint16_t named = known_named(v->k, span_of(v->f->words.p, v->f->subject_words), false);
        if (named != NO_NAME && named != v->from_name && (several || v->bad.n > 0) && !v->from_own && !v->f->answer)
            spoken = named;
    }
    if (spoken != NO_NAME && !v->from_own && spoken != v->from_name &&
        (v->foreign.n > 0 || v->bad.n > 0 || v->clickable == 0 || evidence_has(v, MAIL_NAME_KNOWN)) && strong + weak > 0 &&
        (!v->bulk || v->bad.n > 0 || (strong > 0 && evidence_has(v, MAIL_NAME_KNOWN)))) {
        bool less = v->k->names[spoken].consumer || (v->bulk && v->bad.n == 0);
        evidence_add(v, MAIL_BRAND_ELSEWHERE, less ? 12 : 0, v->f->from_host);
    }
    if (count(v, PHRASE_PRIZE) > 0 && (v->bad.n > 0 || v->foreign.n > 0) && !talk && !v->from_own)
        evidence_add(v, MAIL_GIFT_ELSEWHERE, v->bulk && v->bad.n == 0 ? 8 : 0, v->bad.n > 0 ? v->bad : v->foreign);
    if (picture_or_pdf(v->f) && count(v, PHRASE_QR) > 0 && (strong + weak > 0 || count(v, PHRASE_QR) > 1) && !talk && !pickup(v))
        evidence_add(v, MAIL_QR_ASKS, v->bulk && strong == 0 ? 10 : v->from_own ? 16 : 0, (struct span){0});
    if ((v->device_code && (count(v, PHRASE_MFA) + count(v, PHRASE_OAUTH) + count(v, PHRASE_DOCUMENT) + count(v, PHRASE_CREDENTIAL) > 0)))
        evidence_add(v, MAIL_CODE_ENTRY, 0, (struct span){0});
}

static void swindles(struct evidence *v)
{
    const struct facts *f = v->f;
    bool freemail = (v->from_kinds & HOST_FREEMAIL) != 0;
    bool answers_elsewhere = evidence_has(v, MAIL_REPLY_FREE) || evidence_has(v, MAIL_REPLY_LIKE) || evidence_has(v, MAIL_REPLY_OTHER);
    bool dressed = evidence_has(v, MAIL_FROM_OWN_LIKE) || evidence_has(v, MAIL_FROM_KNOWN_LIKE) || evidence_has(v, MAIL_NAME_OWN) ||
                   evidence_has(v, MAIL_NAME_ADDRESS) || evidence_has(v, MAIL_AUTH_OWN) || evidence_has(v, MAIL_AUTH_DMARC) ||
                   evidence_has(v, MAIL_FROM_HOLDS_NAME);
    bool stranger = (freemail || answers_elsewhere || dressed) && !f->list_post &&
                    !(v->from_own && !answers_elsewhere && !evidence_has(v, MAIL_AUTH_OWN));
    struct span who = answers_elsewhere && f->reply_to.n > 0 ? f->reply_to : f->from;
    bool pay_change = count(v, PHRASE_PAYROLL) >= 2 && (count(v, PHRASE_BANK) > 0 || count(v, PHRASE_PAYROLL) >= 3 || v->clickable == 0);
    bool hidden = evidence_has(v, MAIL_REPLY_FREE) || evidence_has(v, MAIL_REPLY_LIKE) || evidence_has(v, MAIL_FROM_OWN_LIKE) ||
                  evidence_has(v, MAIL_FROM_KNOWN_LIKE);
    bool money = pay_change || (count(v, PHRASE_BANK) >= 1 && hidden) || count(v, PHRASE_BANK) >= 2 ||
                 (count(v, PHRASE_BANK) >= 1 && count(v, PHRASE_URGENCY) + count(v, PHRASE_SECRECY) >= 2);
    if (money && stranger && v->words.words < 600 && !v->bulk)
        evidence_add(v, MAIL_MONEY_STRANGER, pay_change && freemail ? 45 : 0, who);
    bool favour = count(v, PHRASE_GIFT) >= 1 ? count(v, PHRASE_GIFT) >= 2 || count(v, PHRASE_SECRECY) >= 1 : count(v, PHRASE_SECRECY) >= 2;
    if (favour && stranger && v->words.words < 300 && !v->bulk && (!f->answer || count(v, PHRASE_GIFT) > 0))
        evidence_add(v, MAIL_FAVOUR_STRANGER,
                     count(v, PHRASE_GIFT) > 0 || count(v, PHRASE_SECRECY) >= 4                                         ? 40
                     : count(v, PHRASE_SECRECY) >= 3 || dressed || evidence_has(v, MAIL_NAME_ROLE) || answers_elsewhere ? 0
                                                                                                                        : 12,
                     who);
    bool bill = count(v, PHRASE_SIGNIN) + count(v, PHRASE_INVOICE) + count(v, PHRASE_BANK) > 0 || v->spoken_for != NO_NAME ||
                count(v, PHRASE_CALLBACK) >= 3;
    bool at_home = v->from_name != NO_NAME || v->from_own;
    if (count(v, PHRASE_CALLBACK) >= 2 && bill && has_telephone(buf_span(&f->text)) && !f->list_post && !(v->bulk && !freemail) &&
        (!at_home || count(v, PHRASE_CALLBACK) >= 3))
        evidence_add(v, MAIL_CALL_STRANGER,
                     at_home                                                                  ? 18
                     : freemail || v->spoken_for != NO_NAME || count(v, PHRASE_CALLBACK) >= 3 ? 0
                                                                                              : 15,
                     f->from_host);
    if (count(v, PHRASE_EXTORTION) >= 3 ||
        (count(v, PHRASE_EXTORTION) >= 2 && (evidence_has(v, MAIL_FROM_SELF) || freemail || count(v, PHRASE_URGENCY) > 0)))
        evidence_add(v, MAIL_EXTORTION_MONEY, f->list_post ? 10 : 0, (struct span){0});
    bool secret = own_secret(v);
    if (secret && evidence_has(v, MAIL_FILE_ENCRYPTED))
        v->points[MAIL_FILE_ENCRYPTED] = 6;
    if (evidence_has(v, MAIL_FILE_ENCRYPTED) && count(v, PHRASE_ARCHIVE) > 0 && !secret)
        evidence_add(v, MAIL_ARCHIVE_PASSWORD, 0, first_file(f));
    if (evidence_has(v, MAIL_FILE_MACRO) && count(v, PHRASE_ENABLE) > 0)
        evidence_add(v, MAIL_MACRO_ENABLE, 0, first_file(f));
    if ((count(v, PHRASE_ADVANCE) >= 3 || (count(v, PHRASE_ADVANCE) >= 2 && (freemail || answers_elsewhere)) || count(v, PHRASE_PRIZE) >= 2 ||
         (count(v, PHRASE_PRIZE) >= 1 && (freemail || answers_elsewhere))) &&
        !f->list_post)
        evidence_add(v, MAIL_FORTUNE, v->bulk && count(v, PHRASE_ADVANCE) < 3 ? 8 : 0, (struct span){0});
    else if (count(v, PHRASE_ADVANCE) > 0 && evidence_has(v, MAIL_REPLY_FREE) && !f->list_post)
        evidence_add(v, MAIL_FORTUNE, 15, (struct span){0});
    if (v->bad_file && !secret &&
        count(v, PHRASE_INVOICE) + count(v, PHRASE_DOCUMENT) + count(v, PHRASE_DELIVERY) + count(v, PHRASE_URGENCY) + count(v, PHRASE_PAYROLL) +
                count(v, PHRASE_CRITICAL) + count(v, PHRASE_RECALL) + count(v, PHRASE_BANK) + count(v, PHRASE_MAILBOX) >
            0)
        evidence_add(v, MAIL_FILE_PRETEXT, f->list_post ? 4 : 0, first_file(f));
}

/* What speaks for it. */
static void for_it(struct evidence *v)
{
    const struct facts *f = v->f;
    bool imitates = evidence_has(v, MAIL_FROM_OWN_LIKE) || evidence_has(v, MAIL_FROM_KNOWN_LIKE) || evidence_has(v, MAIL_NAME_KNOWN) ||
                    evidence_has(v, MAIL_AUTH_DMARC) || evidence_has(v, MAIL_AUTH_OWN) || evidence_has(v, MAIL_NAME_ADDRESS) ||
                    evidence_has(v, MAIL_REPLY_FREE) || evidence_has(v, MAIL_AUTH_NONE);
    bool files = v->bad_file || evidence_has(v, MAIL_FILE_PROGRAM) || evidence_has(v, MAIL_FILE_SCRIPT);
    bool home = v->clickable > 0 && v->all_home && v->bad.n == 0 && !imitates && !files && !evidence_has(v, MAIL_LINK_CONSENT) && !v->device_code &&
                (count(v, PHRASE_ADVERT) < 2 || v->from_name != NO_NAME) && count(v, PHRASE_VICE) == 0 &&
                (v->from_kinds & (HOST_FREEMAIL | HOST_HOSTING | HOST_TLD)) == 0 && !evidence_has(v, MAIL_FROM_HOLDS_NAME);
    if (home)
        evidence_add(v, MAIL_FOR_HOME, 0, (struct span){0});
    if (home && v->from_name != NO_NAME)
        evidence_add(v, MAIL_FOR_KNOWN, 0, f->from_host);
    if (f->list_post && !files)
        evidence_add(v, MAIL_FOR_LIST, 0, (struct span){0});
    if (f->answer && !imitates && !files && v->bad.n == 0)
        evidence_add(v, MAIL_FOR_ANSWER, 0, (struct span){0});
    if (f->unsubscribe && !f->list_post && !imitates && v->bad.n == 0 && count(v, PHRASE_VICE) == 0)
        evidence_add(v, MAIL_FOR_BULK, 0, (struct span){0});
}

void evidence_words(struct evidence *v)
{
    uint8_t *seen = calloc(1, phrases_bits(v->k->phrases) / 8 + 1);
    if (seen != NULL)
        phrases_find(v->k->phrases, buf_span(&v->f->words), seen, &v->words);
    free(seen);
    each_class(v);
    form(v);
    requests(v);
    swindles(v);
    for_it(v);
}
