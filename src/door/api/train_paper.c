/* Certificates: what a record of the ledger says somebody did, as JSON, as paper, and for whoever holds the paper.
 *
 * The paper carries a code: a keyed hash of the record's number and the account. Whoever has it may ask whether the certificate is genuine, without
 * an account; nobody can make one up. */
#include "door/api/training.h"

#include "door/api/pdf.h"
#include "record/crypto/crypto.h"

#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>

#define CODE_BYTES 15
#define PAPER_CODE (2 * CODE_BYTES + 1)
#define URL_TEXT 512

static void make_code(const struct call *c, uint64_t record, const char *account, char out[PAPER_CODE])
{
    uint8_t mac[SHA256_SIZE];
    char text[ACCOUNT_NAME_MAX + 64];
    (void)snprintf(text, sizeof text, "certificate %llu %s", (unsigned long long)record, account);
    crypto_hmac_sha256(span_of(c->api->key, sizeof c->api->key), span_str(text), mac);
    for (size_t i = 0; i < CODE_BYTES; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

/* The page's address that shows whether it is genuine; behind "#" nothing goes to a server's log. */
static void make_url(const struct call *c, uint64_t record, const char *account, const struct api_ledger_state *s, char out[URL_TEXT])
{
    char code[PAPER_CODE];
    char root[64];
    make_code(c, record, account, code);
    size_t n = 0;
    for (const char *p = s->root; *p != 0 && *p != '=' && n + 1 < sizeof root; p++) /* base64url */
        root[n++] = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    root[n] = 0;
    (void)snprintf(out, URL_TEXT, "%s/verify#record=%llu&code=%s&records=%llu&root=%s", c->api->origin, (unsigned long long)record, code,
                   (unsigned long long)s->records, root);
}

/* The certificate of the address: one's own, or with the permission somebody's. False: the problem is set. */
static bool find(struct call *c, uint64_t *record, struct training_certificate *ret)
{
    char account[NAMED_MAX + 1];
    if (!query_named(c, "account", account))
        return false;
    bool all = may(c, TRAINING_READ);
    if (!all && account[0] != 0 && strcmp(account, c->person.name) != 0) {
        refuse(c, 403, "not-permitted", "Your role may see your own certificates only.", TRAINING_READ);
        return false;
    }
    struct span whose = account[0] != 0 ? span_str(account) : all ? SPAN_LIT("") : span_str(c->person.name);
    if (span_decimal(c->params[0], INT64_MAX, record)) {
        bool found = all && account[0] == 0 && c->person.known && training_certificate(c->db, *record, span_str(c->person.name), ret);
        if (found || training_certificate(c->db, *record, whose, ret))
            return true;
    }
    problem(c, 404, "not-found", "There is no certificate of this number, or it is somebody else's.");
    return false;
}

static const char *title_of(struct call *c, struct training_certificate *k)
{
    if (k->title[0] == 0)
        k->title[span_copy(course_title(c, span_str(k->course)), k->title, sizeof k->title - 1)] = 0;
    return k->title;
}

static void put_what(struct call *c, struct training_certificate *k)
{
    struct jsonw *j = &c->json;
    jsonw_put_str(j, "display_name", k->display_name);
    jsonw_put_str(j, "title", title_of(c, k));
    jsonw_put_str(j, "how", k->how);
    put_optional(j, "by", span_str(k->by));
    jsonw_put_int(j, "version", k->version);
    put_day(j, "day", k->day);
    put_day(j, "until", k->until > 0 ? k->until : ZONE_DAY_NEVER);
    jsonw_put_bool(j, "counts", k->until > 0 && k->until >= training_today(c));
}

/* A certificate, where its proof is, and the head that proves it. */
struct asked {
    uint64_t record;
    struct training_certificate k;
    struct api_ledger_state s;
    char url[URL_TEXT];
};

static bool find_with_proof(struct call *c, struct asked *ret)
{
    if (!find(c, &ret->record, &ret->k))
        return false;
    c->api->host.ledger_state(c->api->host.context, &ret->s);
    make_url(c, ret->record, ret->k.account, &ret->s, ret->url);
    return true;
}

void handle_training_certificate(struct call *c)
{
    struct asked a = {0};
    if (!find_with_proof(c, &a))
        return;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "record", a.record);
    jsonw_put_str(j, "account", a.k.account);
    jsonw_put_str(j, "course", a.k.course);
    put_what(c, &a.k);
    put_time(j, "recorded", a.k.time);
    jsonw_put_str(j, "url", a.url);
    jsonw_put_str(j, "root", a.s.root);
    jsonw_put_uint(j, "records", a.s.records);
    jsonw_object_end(j);
}

/* ── GET /training/verify/{record}/{code} ── */

struct looking {
    struct call *c;
    uint64_t record;
    struct span code;
    char account[ACCOUNT_NAME_MAX + 1];
};

static void try_account(void *context, const struct training_done *d)
{
    struct looking *l = context;
    char code[PAPER_CODE];
    char account[ACCOUNT_NAME_MAX + 1];
    if (d->record != l->record)
        return;
    account[span_copy(d->account, account, sizeof account - 1)] = 0;
    make_code(l->c, l->record, account, code);
    if (l->code.n == PAPER_CODE - 1 && crypto_equal(code, l->code.p, PAPER_CODE - 1))
        memcpy(l->account, account, sizeof account);
}

void handle_training_verify(struct call *c)
{
    struct error e = {0};
    struct training_certificate k;
    struct api_ledger_state s = {0};
    struct looking l = {.c = c, .code = c->params[1]};
    if (span_decimal(c->params[0], INT64_MAX, &l.record) && training_history(c->db, SPAN_LIT(""), 0, ZONE_DAY_NEVER, l.record > 0 ? l.record - 1 : 0,
                                                                             SPAN_LIT("\x7f"), TRAINING_PEOPLE + 1, try_account, &l, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    if (l.account[0] == 0 || !training_certificate(c->db, l.record, span_str(l.account), &k)) {
        problem(c, 404, "not-genuine", "No certificate of this number has this code: this paper was not made here, or its code was typed wrongly.");
        return;
    }
    c->api->host.ledger_state(c->api->host.context, &s);
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_bool(j, "genuine", true);
    put_what(c, &k);
    jsonw_put_str(j, "site", c->api->site);
    jsonw_put_uint(j, "record", l.record);
    jsonw_put_uint(j, "records", s.records);
    jsonw_put_str(j, "root", s.root);
    jsonw_object_end(j);
}

/* ── the paper ── */

#define PAPER_WIDTH 792 /* Letter, landscape */
#define PAPER_HEIGHT 612

static void draw_qr(struct pdf *p, const char *url)
{
    QRcode *q = QRcode_encodeString8bit(url, 0, QR_ECLEVEL_M);
    if (q == NULL) {
        p->page.failed = true; /* no memory */
        return;
    }
    double side = 132.0 / q->width;
    for (int y = 0; y < q->width; y++)
        for (int x = 0; x < q->width; x++)
            if ((q->data[y * q->width + x] & 1) != 0)
                pdf_square(p, PAPER_WIDTH - 60 - 132 + x * side, 60 + (q->width - 1 - y) * side, side + 0.05, side + 0.05);
    QRcode_free(q);
}

/* The largest size at which it fits. */
static void fitted(struct pdf *p, enum pdf_font font, int size, int y, const char *text)
{
    while (size > 9 && pdf_width(font, span_str(text)) * size / 1000 > PAPER_WIDTH - 120)
        size--;
    pdf_centre(p, font, size, y, span_str(text));
}

static void frame(struct pdf *p)
{
    pdf_grey(p, 40);
    pdf_square(p, 30, 30, PAPER_WIDTH - 60, 1.5);
    pdf_square(p, 30, PAPER_HEIGHT - 31.5, PAPER_WIDTH - 60, 1.5);
    pdf_square(p, 30, 30, 1.5, PAPER_HEIGHT - 60);
    pdf_square(p, PAPER_WIDTH - 31.5, 30, 1.5, PAPER_HEIGHT - 60);
    pdf_grey(p, 0);
}

static const char *did(const char *how)
{
    return strcmp(how, "classroom") == 0 ? "was taught in a class" : strcmp(how, "acknowledged") == 0 ? "has read and acknowledged" : "has completed";
}

int certificate_pdf(struct buf *out, const struct certificate_paper *x)
{
    struct pdf p;
    char line[512];
    char day[DAY_TEXT];
    const struct training_certificate *k = x->what;
    pdf_begin(&p, PAPER_WIDTH, PAPER_HEIGHT);
    frame(&p);
    fitted(&p, PDF_PLAIN, 14, 540, x->site);
    pdf_centre(&p, PDF_BOLD, 30, 490, SPAN_LIT("Certificate"));
    pdf_centre(&p, PDF_PLAIN, 13, 462, SPAN_LIT("security awareness and training"));
    fitted(&p, PDF_BOLD, 28, 400, k->display_name);
    pdf_centre(&p, PDF_PLAIN, 14, 366, span_str(did(k->how)));
    fitted(&p, PDF_BOLD, 20, 330, x->title);
    int n = 0;
    if (k->version > 0)
        n = snprintf(line, sizeof line, "version %lld, ", (long long)k->version);
    (void)snprintf(line + n, sizeof line - (size_t)n, "on %s", day_format(k->day, day));
    pdf_centre(&p, PDF_PLAIN, 14, 300, span_str(line));
    if (k->until > 0 && k->until < ZONE_DAY_NEVER) {
        (void)snprintf(line, sizeof line, "to be done again by %s", day_format(k->until, day));
        pdf_centre(&p, PDF_PLAIN, 12, 280, span_str(line));
    }
    if (k->by[0] != 0) {
        (void)snprintf(line, sizeof line, "taught by %s", k->by);
        fitted(&p, PDF_PLAIN, 12, 262, line);
    }
    struct {
        const char *label;
        char text[160];
    } rows[] = {{.label = "issued by"}, {.label = "account"}, {.label = "ledger record"}, {.label = "ledger root"}};
    (void)snprintf(rows[0].text, sizeof rows[0].text, "%s, from its own ledger", x->site);
    (void)snprintf(rows[1].text, sizeof rows[1].text, "%s", k->account);
    (void)snprintf(rows[2].text, sizeof rows[2].text, "%llu of %llu", (unsigned long long)x->record, (unsigned long long)x->records);
    (void)snprintf(rows[3].text, sizeof rows[3].text, "%s", x->root);
    for (int i = 0; i < 4; i++) {
        pdf_text(&p, PDF_PLAIN, 9, 60, 150 - 16 * i, span_str(rows[i].label));
        pdf_text(&p, PDF_MONO, 9, 140, 150 - 16 * i, span_str(rows[i].text));
    }
    pdf_text(&p, PDF_PLAIN, 9, 60, 76, SPAN_LIT("The code on the right leads to the proof. The record is proved by:"));
    pdf_text(&p, PDF_MONO, 9, 60, 62, SPAN_LIT("tourniquet ledger prove, ledger check"));
    draw_qr(&p, x->url);
    return pdf_end(&p, "Certificate of training", out);
}

void handle_training_paper(struct call *c)
{
    struct asked a = {0};
    if (!find_with_proof(c, &a))
        return;
    const struct certificate_paper paper = {
        .what = &a.k, .site = c->api->site, .title = title_of(c, &a.k), .url = a.url, .root = a.s.root, .record = a.record, .records = a.s.records};
    if (certificate_pdf(&c->reply->body, &paper) != 0)
        problem(c, 503, "memory", "The paper could not be made: the machine is out of memory.");
    else
        (void)snprintf(c->reply->type, sizeof c->reply->type, "application/pdf");
}
