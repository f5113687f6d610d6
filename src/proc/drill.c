#include "proc/drill.h"

#include "base/text.h"
#include "lab/phishing/phishing.h"
#include "lab/phishing/template.h"
#include "lab/training/training.h"
#include "proc/letter.h"
#include "proc/log.h"
#include "proc/reminder.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 16      /* simulations that are on at one time; more wait */
#define CANDIDATES 2000 /* people of whom the next is drawn */
#define TRIES 5         /* of one mail, before it is given up */
#define AGAIN (60 * TIME_SECOND)

struct person {
    char account[ACCOUNT_NAME_MAX + 1];
    char name[4 * ACCOUNT_DISPLAY_MAX + 1];
};

/* A mail that stands on the ledger and did not go yet. */
struct pending {
    char campaign[PHISHING_CAMPAIGN]; /* "": none */
    char token[PHISHING_TOKEN + 1];
    struct person to;
    int tries;
    tq_time next;
};

struct drill {
    struct reminder *m;
    const struct programme *programme;
    const struct mail_secret *exercise;
    int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e);
    void *context;
    size_t n;
    struct phishing_campaign on[AT_ONCE];
    struct pending pending[AT_ONCE];
    size_t people_n;
    struct person people[CANDIDATES];
    tq_time now;
};

struct drill *drill_new(struct reminder *m, const struct programme *programme, const struct mail_secret *exercise,
                        int (*decide)(void *context, const struct record *r, uint64_t *ret_index, struct error *e), void *context)
{
    struct drill *d = calloc(1, sizeof *d);
    if (d != NULL) {
        d->m = m;
        d->programme = programme;
        d->exercise = exercise;
        d->decide = decide;
        d->context = context;
    }
    return d;
}

void drill_free(struct drill *d)
{
    if (d != NULL)
        crypto_wipe(d->pending, sizeof d->pending);
    free(d);
}

/* ── what is on, and who is next ── */

static void take_campaign(void *context, const struct phishing_campaign *p)
{
    struct drill *d = context;
    if (d->n < AT_ONCE && strcmp(phishing_state(p, d->now), "running") == 0)
        d->on[d->n++] = *p;
}

static void take_person(void *context, struct span account, struct span display_name)
{
    struct drill *d = context;
    struct person *x = &d->people[d->people_n++];
    x->account[span_copy(account, x->account, sizeof x->account - 1)] = 0;
    x->name[span_copy(display_name, x->name, sizeof x->name - 1)] = 0;
}

static struct pending *pending_of(struct drill *d, const char *campaign)
{
    struct pending *free_one = NULL;
    for (size_t i = 0; i < AT_ONCE; i++) {
        if (strcmp(d->pending[i].campaign, campaign) == 0)
            return &d->pending[i];
        if (d->pending[i].campaign[0] == 0)
            free_one = &d->pending[i];
    }
    return free_one;
}

static bool address_of(struct drill *d, struct store_conn *db, const char *account, char mail[256])
{
    struct error e = {0};
    struct training_contact contact;
    if (training_contact_get(db, span_str(account), &contact, &e) != 0 || !phishing_allowed(d->programme->targets, span_str(contact.mail)))
        return false;
    memcpy(mail, contact.mail, sizeof contact.mail);
    return true;
}

/* Draws one of those who may get the next mail and can be reached. */
static bool draw(struct drill *d, struct store_conn *db, const struct phishing_campaign *p, struct person *ret)
{
    struct error e = {0};
    uint32_t start = 0;
    char mail[256];
    d->people_n = 0;
    if (phishing_targets(db, p, d->now - d->programme->every * 86400 * TIME_SECOND, CANDIDATES, take_person, d, &e) != 0 || d->people_n == 0)
        return false;
    crypto_random(&start, sizeof start);
    for (size_t i = 0; i < d->people_n; i++) {
        const struct person *x = &d->people[(start + i) % d->people_n];
        if (address_of(d, db, x->account, mail)) {
            *ret = *x;
            return true;
        }
    }
    return false;
}

/* ── records ── */

static int note(struct drill *d, const struct pending *x, const char *hash, const char *why)
{
    struct error e = {0};
    uint64_t index = 0;
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -1;
    record_start(r, EVENT_PHISH_SENT, d->now, NULL);
    record_str(r, KEY_CAMPAIGN, x->campaign);
    record_str(r, KEY_RECIPIENT, x->to.account);
    record_str(r, KEY_TOKEN_HASH, hash);
    record_str(r, KEY_WHY, why);
    int rc = d->decide(d->context, r, &index, &e);
    free(r);
    return rc;
}

/* Puts the next mail on the ledger. False: nobody is left, or it is not written. */
static bool begin(struct drill *d, struct store_conn *db, const struct phishing_campaign *p, struct pending *x)
{
    uint8_t random[PHISHING_TOKEN / 2];
    char hash[PHISHING_HASH];
    struct error e = {0};
    struct pending next = {.tries = 0};
    if (store_look(db, &e) != 0)
        return false;
    bool any = draw(d, db, p, &next.to);
    store_look_end(db);
    if (!any)
        return false;
    crypto_random(random, sizeof random);
    text_hex_to(next.token, random, sizeof random);
    memcpy(next.campaign, p->id, sizeof next.campaign);
    phishing_hash(span_str(next.token), hash);
    if (note(d, &next, hash, NULL) != 0)
        return false;
    *x = next;
    return true;
}

/* ── the mail ── */

static void write_mail(struct drill *d, const struct phishing_campaign *p, const struct phishing_template *t, const struct pending *x, const char *to,
                       struct buf *out)
{
    const struct phishing_words *w = &t->words[strcmp(p->language, "es") == 0 ? PHISHING_ES : PHISHING_EN];
    struct buf text = BUF_INIT(16384);
    char link[512];
    char sender[PHISHING_LINE + 1];
    char subject[PHISHING_LINE + 1];
    uint8_t random[12];
    char id[2 * sizeof random + 1];
    char mark[MAIL_OURS_MARK];
    char exercise[PHISHING_CAMPAIGN + MAIL_OURS_MARK];
    crypto_random(random, sizeof random);
    text_hex_to(id, random, sizeof random);
    mail_ours_mark(d->exercise, span_str(p->id), mark);
    (void)snprintf(exercise, sizeof exercise, "%s.%s", p->id, mark);
    (void)snprintf(link, sizeof link, "%s/%s", d->programme->landing, x->token);
    sender[span_copy(w->sender, sender, sizeof sender - 1)] = 0;
    subject[span_copy(w->subject, subject, sizeof subject - 1)] = 0;
    phishing_text(&text, w, span_str(x->to.name), span_str(link));
    letter_write(out, &(struct letter){.sender = sender,
                                       .from = d->programme->lure[0] != 0 ? d->programme->lure : d->programme->from,
                                       .to = to,
                                       .subject = subject,
                                       .id = id,
                                       .exercise = exercise,
                                       .now = d->now,
                                       .text = buf_span(&text)});
    buf_release(&text);
}

static void give_up(struct drill *d, struct pending *x, const char *why)
{
    (void)note(d, x, NULL, why);
    crypto_wipe(x, sizeof *x);
}

static void send(struct drill *d, struct store_conn *db, const struct phishing_campaign *p, struct pending *x)
{
    struct phishing_template t;
    struct error e = {0};
    struct buf letter = BUF_INIT(ERRAND_BODY);
    char mail[256];
    char why[200];
    if (store_look(db, &e) != 0)
        return;
    bool reached = address_of(d, db, x->to.account, mail); /* it may have been changed meanwhile */
    store_look_end(db);
    if (!reached || !phishing_template_find(span_str(p->template), &t)) {
        give_up(d, x, reached ? "there is no such template any more" : "no address that is allowed is known");
        return;
    }
    write_mail(d, p, &t, x, mail, &letter);
    int rc = reminder_send(d->m, buf_span(&letter), d->programme->lure[0] != 0 ? d->programme->lure : d->programme->from, mail, why);
    buf_release(&letter);
    if (rc == 1)
        crypto_wipe(x, sizeof *x);
    else if (rc == 0)
        give_up(d, x, why);
    else if (++x->tries >= TRIES)
        give_up(d, x, "the mail server did not take it");
    else
        x->next = d->now + AGAIN;
}

/* ── a pass ── */

static void of_one(struct drill *d, struct store_conn *db, const struct phishing_campaign *p)
{
    struct error e = {0};
    struct pending *x = pending_of(d, p->id);
    if (x == NULL)
        return;
    if (x->campaign[0] == 0) {
        if (store_look(db, &e) != 0)
            return;
        tq_time last = phishing_last(db, p->id);
        store_look_end(db);
        if (d->now - last < 3600 * TIME_SECOND / (p->rate > 0 ? p->rate : 1) || !begin(d, db, p, x))
            return;
    }
    if (d->now >= x->next)
        send(d, db, p, x);
}

/* What waits of a simulation that is on no more goes nowhere. */
static void drop_ended(struct drill *d)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        bool on = false;
        for (size_t k = 0; k < d->n; k++)
            on = on || strcmp(d->on[k].id, d->pending[i].campaign) == 0;
        if (d->pending[i].campaign[0] != 0 && !on)
            give_up(d, &d->pending[i], "the simulation ended before");
    }
}

void drill_pass(struct drill *d, struct store_conn *db, tq_time now)
{
    struct error e = {0};
    const struct programme *p = d->programme;
    if (p->url[0] == 0 || p->landing[0] == 0 || p->targets[0] == 0)
        return;
    d->n = 0;
    d->now = now;
    if (store_look(db, &e) != 0)
        return;
    int rc = phishing_campaigns(db, take_campaign, d, &e);
    store_look_end(db);
    if (rc != 0)
        return;
    drop_ended(d);
    for (size_t i = 0; i < d->n; i++)
        of_one(d, db, &d->on[i]);
}
