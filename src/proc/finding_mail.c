#include "proc/finding_mail.h"

#include "door/spoken.h"
#include "lab/respond/told.h"
#include "proc/clock.h"
#include "proc/errand.h"
#include "proc/letter.h"
#include "proc/log.h"
#include "proc/reminder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_EVERY (10 * TIME_SECOND)
#define AGAIN (60 * TIME_SECOND)         /* where the server did not take it */
#define FIRST_BACK (86400 * TIME_SECOND) /* how far back the very first mail looks */

struct finding_mail {
    struct reminder *m;
    const struct programme *programme;
    const char *site;
    int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e);
    void *context;
    tq_time next; /* monotonic */
    uint64_t mails;
    struct buf rows;
    int64_t rows_n;
    /* a mail that did not go to all addresses yet */
    int64_t until;
    unsigned gone; /* a bit for each address */
};

struct finding_mail *finding_mail_new(struct reminder *m, const struct programme *programme, const char *site,
                                      int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e), void *context)
{
    struct finding_mail *x = calloc(1, sizeof *x);
    if (x != NULL)
        *x = (struct finding_mail){
            .m = m, .programme = programme, .site = site, .decide = decide, .context = context, .rows = BUF_INIT(65536), .until = -1};
    return x;
}

void finding_mail_free(struct finding_mail *x)
{
    if (x != NULL)
        buf_release(&x->rows);
    free(x);
}

/* ── the mail ── */

static bool spanish(const char *language)
{
    return strcmp(language, "es") == 0;
}

static const char *severity_word(struct span severity, bool es)
{
    static const char *const words[][3] = {
        {"critical", "CRITICAL", "CRÍTICO"}, {"high", "HIGH", "ALTO"}, {"medium", "MEDIUM", "MEDIO"}, {"low", "LOW", "BAJO"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (span_is(severity, words[i][0]))
            return words[i][es ? 2 : 1];
    return es ? "INFORMACIÓN" : "INFO";
}

void finding_mail_row(struct buf *out, const char *language, const struct finding_row *row)
{
    enum tongue tongue = spanish(language) ? TONGUE_SPANISH : TONGUE_ENGLISH;
    buf_addf(out, "%s: ", severity_word(row->severity, tongue == TONGUE_SPANISH));
    speak(out, tongue, row->title);
    buf_u8(out, '\n');
    speak(out, tongue, row->advice);
    if (row->device_title.n > 0)
        buf_addf(out, tongue == TONGUE_SPANISH ? "\nEquipo: %.*s" : "\nDevice: %.*s", (int)row->device_title.n, (const char *)row->device_title.p);
    buf_add_str(out, "\n\n");
}

static void subject_of(const struct finding_mail_text *t, char out[200])
{
    bool es = spanish(t->language);
    if (t->total == 0)
        (void)snprintf(out, 200, es ? "Tourniquet: prueba de correo" : "Tourniquet: a test of mail");
    else if (t->total == 1)
        (void)snprintf(out, 200, es ? "Tourniquet: un hallazgo nuevo (%s)" : "Tourniquet: a new finding (%s)", severity_word(span_str(t->worst), es));
    else
        (void)snprintf(out, 200, es ? "Tourniquet: %lld hallazgos nuevos (el peor: %s)" : "Tourniquet: %lld new findings (the worst: %s)",
                       (long long)t->total, severity_word(span_str(t->worst), es));
}

static void body_of(struct buf *out, const struct finding_mail_text *t)
{
    bool es = spanish(t->language);
    if (t->total == 0) {
        buf_addf(out, es ? "%s: los hallazgos nuevos llegan a esta dirección.\n\n" : "%s: new findings reach this address.\n\n", t->site);
    } else {
        buf_addf(out, es ? "%s: esto necesita a alguien.\n\n" : "%s: this needs somebody.\n\n", t->site);
        buf_add_span(out, t->rows);
        if (t->total > t->rows_n)
            buf_addf(out, es ? "Y %lld más, en la página Hallazgos.\n\n" : "And %lld more, on the page Findings.\n\n",
                     (long long)(t->total - t->rows_n));
    }
    buf_add_str(out, es ? "Este correo no lleva enlaces ni pide nada: escriba usted la dirección de la página, o use su marcador.\n"
                        : "This mail has no link and asks for nothing: type the page's address yourself, or use your bookmark.\n");
    buf_addf(out, "\n%s, Tourniquet\n", t->site);
}

void finding_mail_write(struct buf *out, const struct finding_mail_text *t)
{
    char subject[200];
    char id[64];
    struct buf text = BUF_INIT(ERRAND_BODY);
    subject_of(t, subject);
    body_of(&text, t);
    (void)snprintf(id, sizeof id, "finding.%lld.%llu", (long long)t->now, (unsigned long long)t->number);
    letter_write(
        out, &(struct letter){.from = t->from, .to = t->to, .subject = subject, .id = id, .automatic = true, .now = t->now, .text = buf_span(&text)});
    buf_release(&text);
}

/* ── to all addresses ── */

static void note(struct finding_mail *x, const struct told_news *news, int64_t addresses, const char *why)
{
    struct error e = {0};
    uint64_t index = 0;
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    record_start(r, EVENT_FINDING_MAILED, clock_now(), NULL);
    if (news == NULL)
        record_str(r, KEY_WHAT, "test");
    else
        record_int(r, KEY_TOLD_UNTIL, news->until), record_int(r, KEY_FINDINGS, news->total);
    record_int(r, KEY_ADDRESSES, addresses);
    record_str(r, KEY_WHY, why[0] != 0 ? why : NULL);
    if (x->decide(x->context, r, &index, &e) != 0)
        log_line(LOG_LEVEL_WARNING, "that findings were told by mail is not on the ledger: %s", e.text);
    free(r);
}

/* news NULL: a test, which is tried once. False: the server did not take one of them; those that went are remembered. */
static bool send_all(struct finding_mail *x, const struct told_news *news)
{
    const struct programme *p = x->programme;
    struct span left = span_str(p->findings);
    int64_t went = 0;
    char why[200] = "";
    unsigned gone = news != NULL && news->until == x->until ? x->gone : 0;
    bool all = true;
    for (unsigned i = 0; left.n > 0 && i < PROGRAMME_TOLD; i++) {
        char to[CONFIG_HOST];
        char said[200];
        to[span_copy(span_until(&left, ' ', NULL), to, sizeof to - 1)] = 0;
        if ((gone & 1u << i) != 0) {
            went++;
            continue;
        }
        struct buf letter = BUF_INIT(ERRAND_BODY);
        finding_mail_write(&letter, &(struct finding_mail_text){.language = p->language,
                                                                .from = p->from,
                                                                .to = to,
                                                                .site = x->site,
                                                                .total = news != NULL ? news->total : 0,
                                                                .worst = news != NULL ? finding_rank_name(news->rank) : "",
                                                                .rows = buf_span(&x->rows),
                                                                .rows_n = x->rows_n,
                                                                .now = clock_now(),
                                                                .number = ++x->mails});
        int rc = buf_ok(&letter) ? reminder_send(x->m, buf_span(&letter), p->from, to, said) : 0;
        buf_release(&letter);
        if (rc == 1)
            went++;
        else
            (void)snprintf(why, sizeof why, "%s", said);
        if (rc >= 0)
            gone |= 1u << i; /* refused for good: not asked again */
        all = all && rc >= 0;
    }
    if (news != NULL)
        x->until = news->until, x->gone = gone;
    if (all || news == NULL)
        note(x, news, went, why);
    if (why[0] != 0)
        log_line(LOG_LEVEL_WARNING, "findings were not told to every address: %s", why);
    return all;
}

static void take_row(void *context, const struct finding_row *row)
{
    struct finding_mail *x = context;
    finding_mail_row(&x->rows, x->programme->language, row);
    x->rows_n++;
}

static bool due(struct finding_mail *x, struct store_conn *db, struct told_news *ret)
{
    struct error e = {0};
    struct told last;
    bool any = false;
    tq_time now = clock_now();
    buf_clear(&x->rows);
    x->rows_n = 0;
    if (store_look(db, &e) != 0)
        return false;
    int rc = told_last(db, false, &last, &any, &e);
    struct told_query query = {.rank_min = finding_rank(span_str(x->programme->findings_from)),
                               .after = last.until,
                               .since = any ? 0 : now - FIRST_BACK,
                               .limit = FINDING_MAIL_ROWS};
    if (rc == 0)
        rc = told_due(db, &query, ret, take_row, x, &e);
    store_look_end(db);
    if (rc != 0 || ret->total == 0)
        return false;
    return told_now(any ? &last : NULL, ret->rank, now);
}

void finding_mail_pass(struct finding_mail *x, struct store_conn *db, bool test)
{
    struct told_news news;
    const struct programme *p = x->programme;
    if (p->url[0] == 0 || p->findings[0] == 0)
        return;
    if (test)
        (void)send_all(x, NULL);
    tq_time now = clock_monotonic();
    if (now < x->next)
        return;
    x->next = now + LOOK_EVERY;
    if (due(x, db, &news) && !send_all(x, &news))
        x->next = clock_monotonic() + AGAIN;
}
