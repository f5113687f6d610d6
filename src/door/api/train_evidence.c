/* GET /training/evidence.pdf: what an auditor asks for under 45 CFR 164.308(a)(5), on paper: who was trained on what and when, each with the number
 * of its record, under the head of the ledger that proves it. Never how well somebody answered. */
#include "door/api/training.h"

#include "door/api/pdf.h"
#include "lab/phishing/phishing.h"

#include <stdio.h>
#include <stdlib.h>

#define WIDTH 792 /* Letter, landscape */
#define HEIGHT 612
#define LEFT 40
#define TOP 560
#define BOTTOM 60
#define LINE 14
#define ROWS 16000 /* in one paper: below PDF_PAGES pages */

static const int columns[] = {LEFT, 102, 300, 560, 630, 690}; /* day, who, what, how, in time, record */

struct evidence {
    struct call *c;
    struct pdf pdf;
    struct api_ledger_state state;
    size_t page;
    int y;
    int64_t n, rows, late;
    uint64_t record; /* to go on behind */
    char account[ACCOUNT_NAME_MAX + 1];
    bool full;
};

static void words(struct evidence *x, enum pdf_font font, int size, int at, const char *text)
{
    pdf_text(&x->pdf, font, size, at, x->y, span_str(text));
}

/* As much of a text as fits, whole letters only. */
static void cell(struct evidence *x, int at, int width, struct span text)
{
    while (text.n > 0 && pdf_width(PDF_PLAIN, text) * 9 / 1000 > width) {
        text.n--;
        while (text.n > 0 && (text.p[text.n] & 0xc0) == 0x80)
            text.n--;
    }
    pdf_text(&x->pdf, PDF_PLAIN, 9, at, x->y, text);
}

static void heads(struct evidence *x)
{
    static const char *const names[] = {"Day", "Person (account)", "Course or topic, version", "How", "In time", "Ledger record"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        words(x, PDF_BOLD, 9, columns[i], names[i]);
    pdf_square(&x->pdf, LEFT, x->y - 4, WIDTH - 2 * LEFT, 0.5);
    x->y -= LINE + 2;
}

static void foot(struct evidence *x)
{
    char line[256];
    (void)snprintf(line, sizeof line, "%.80s - ledger of %llu records, root %s - page %zu", x->c->api->site, (unsigned long long)x->state.records,
                   x->state.root, ++x->page);
    pdf_text(&x->pdf, PDF_MONO, 7, LEFT, 36, span_str(line));
}

static bool room(struct evidence *x)
{
    if (x->y >= BOTTOM)
        return true;
    foot(x);
    if (!pdf_next(&x->pdf))
        return false;
    x->y = TOP;
    heads(x);
    return true;
}

static void row(void *context, const struct training_done *d)
{
    struct evidence *x = context;
    char line[8 * ACCOUNT_DISPLAY_MAX];
    char day[DAY_TEXT];
    x->n++;
    x->record = d->record;
    x->account[span_copy(d->account, x->account, sizeof x->account - 1)] = 0;
    if (x->full || x->rows >= ROWS || !room(x)) {
        x->full = true;
        return;
    }
    struct span title = d->title.n > 0 ? d->title : course_title(x->c, d->course);
    x->rows++;
    x->late += d->late;
    words(x, PDF_MONO, 8, columns[0], day_format(d->day, day));
    (void)snprintf(line, sizeof line, "%.*s (%.*s)", (int)d->display_name.n, (const char *)d->display_name.p, (int)d->account.n,
                   (const char *)d->account.p);
    cell(x, columns[1], columns[2] - columns[1] - 8, span_str(line));
    if (d->version > 0)
        (void)snprintf(line, sizeof line, "%.*s, v%lld", (int)title.n, (const char *)title.p, (long long)d->version);
    else
        (void)snprintf(line, sizeof line, "%.*s", (int)title.n, (const char *)title.p);
    cell(x, columns[2], columns[3] - columns[2] - 8, span_str(line));
    cell(x, columns[3], columns[4] - columns[3] - 8, d->how);
    words(x, PDF_PLAIN, 9, columns[4], d->late ? "late" : "yes");
    (void)snprintf(line, sizeof line, "%llu", (unsigned long long)d->record);
    words(x, PDF_MONO, 8, columns[5], line);
    x->y -= LINE;
}

static void take_counts(void *context, struct span name, const struct phishing_counts *n)
{
    (void)name;
    *(struct phishing_counts *)context = *n;
}

/* The first page's head: what the paper is, and of what. */
static int opening(struct evidence *x, int64_t first, int64_t last, struct error *e)
{
    char line[512];
    char from[DAY_TEXT];
    char to[DAY_TEXT];
    struct phishing_counts p = {0};
    int64_t people = 0;
    int64_t late = 0;
    const struct call *c = x->c;
    int64_t today = training_today(c);
    int rc = training_totals(c->db, today, &people, &late, e);
    if (rc == 0)
        rc = phishing_counts(c->db, PHISHING_BY_ALL, SPAN_LIT(""), first * 86400 * TIME_SECOND,
                             last >= today ? INT64_MAX : (last + 1) * 86400 * TIME_SECOND, take_counts, &p, e);
    words(x, PDF_BOLD, 18, LEFT, "Security awareness and training: evidence");
    x->y -= 20;
    words(x, PDF_PLAIN, 11, LEFT, "45 CFR 164.308(a)(5), security awareness and training");
    x->y -= 22;
    (void)snprintf(line, sizeof line, "Site %.80s. What was done from %s to %s; made on %s.", c->api->site,
                   first > 0 ? day_format(first, from) : "the beginning", last < today ? day_format(last, to) : "today", day_format(today, to));
    words(x, PDF_PLAIN, 10, LEFT, line);
    x->y -= LINE;
    (void)snprintf(line, sizeof line, "Today %lld people have something to learn, %lld of them are late with something.", (long long)people,
                   (long long)late);
    words(x, PDF_PLAIN, 10, LEFT, line);
    x->y -= LINE;
    if (p.sent >= PHISHING_FAIR) {
        (void)snprintf(line, sizeof line, "Phishing simulations in that time: %lld mails, %lld reported, %lld links followed.", (long long)p.sent,
                       (long long)p.reported, (long long)p.visited);
        words(x, PDF_PLAIN, 10, LEFT, line);
        x->y -= LINE;
    }
    (void)snprintf(line, sizeof line, "Ledger %.100s, %llu records, root %s", x->state.origin, (unsigned long long)x->state.records, x->state.root);
    words(x, PDF_MONO, 8, LEFT, line);
    x->y -= LINE;
    words(x, PDF_PLAIN, 9, LEFT,
          "Each row is a record of that ledger. It is proved by: tourniquet ledger prove DATA/ledger RECORD, then tourniquet ledger check.");
    x->y -= 24;
    heads(x);
    return rc;
}

static int list(struct evidence *x, int64_t first, int64_t last, struct error *e)
{
    do {
        char account[sizeof x->account];
        memcpy(account, x->account, sizeof account);
        x->n = 0;
        if (training_history(x->c->db, SPAN_LIT(""), first, last, x->record, span_str(account), 5000, row, x, e) != 0)
            return -1;
    } while (x->n == 5000 && !x->full);
    return 0;
}

static void closing(struct evidence *x)
{
    char line[128];
    (void)room(x);
    x->y -= 6;
    (void)snprintf(line, sizeof line, "%lld entries, %lld of them late. End.", (long long)x->rows, (long long)x->late);
    words(x, PDF_BOLD, 9, LEFT, line);
    foot(x);
}

void handle_training_evidence(struct call *c)
{
    struct error e = {0};
    char from[PARAM_MAX + 1];
    char to[PARAM_MAX + 1];
    int64_t first = 0;
    int64_t last = ZONE_DAY_NEVER;
    if (!query_text(c, "from", from) || !query_text(c, "to", to))
        return;
    if ((from[0] != 0 && !day_parse(span_str(from), &first)) || (to[0] != 0 && !day_parse(span_str(to), &last))) {
        problem(c, 400, "day", "\"from\" and \"to\" are days: 2026-12-31");
        return;
    }
    struct evidence *x = calloc(1, sizeof *x);
    if (x == NULL) {
        problem(c, 503, "memory", "The paper could not be made: the machine is out of memory.");
        return;
    }
    x->c = c;
    x->y = TOP;
    c->api->host.ledger_state(c->api->host.context, &x->state);
    pdf_begin(&x->pdf, WIDTH, HEIGHT);
    int rc = opening(x, first, last, &e);
    if (rc == 0)
        rc = list(x, first, last, &e);
    closing(x);
    int made = pdf_end(&x->pdf, "Evidence of security awareness and training", &c->reply->body);
    if (rc != 0)
        problem_store(c, &e);
    else if (x->full)
        problem(c, 422, "too-long", "That is more than one paper holds. Ask for a shorter time: from, to.");
    else if (made != 0)
        problem(c, 503, "memory", "The paper could not be made: the machine is out of memory.");
    else
        (void)snprintf(c->reply->type, sizeof c->reply->type, "application/pdf");
    free(x);
}
