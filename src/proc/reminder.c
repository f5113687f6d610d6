#include "proc/reminder.h"

#include "base/text.h"
#include "lab/people/account.h"
#include "lab/respond/report.h"
#include "lab/training/training.h"
#include "proc/alert.h"
#include "proc/clock.h"
#include "proc/drill.h"
#include "proc/finding_mail.h"
#include "proc/letter.h"
#include "proc/log.h"
#include "proc/mail_answer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_EVERY (3600 * TIME_SECOND)
#define FIRST_LOOK (5 * TIME_SECOND) /* behind the start */
#define FIRST_HOUR 7                 /* nobody is told before */
#define AT_ONCE 500                  /* notices of one look */
#define ASKED_MOST 2000
#define ANSWERS_MOST 200
#define ALERTS_MOST 100
#define ALERT_AGAIN (60 * TIME_SECOND)
#define OUTCOME_WAIT (90 * TIME_SECOND)

struct due_notice {
    char account[ACCOUNT_NAME_MAX + 1];
    char name[4 * ACCOUNT_DISPLAY_MAX + 1];
    char kind[12];
    int64_t due, n;
};

struct alert_due {
    char account[ACCOUNT_NAME_MAX + 1];
    enum event event;
    tq_time time;
};

struct due_answer {
    char account[ACCOUNT_NAME_MAX + 1];
    char mail[REPORT_ID];
    bool attached;
};

struct reminder {
    struct reminder_options o;
    struct programme programme;
    char site[128];
    char origin[300];
    struct buf zone, authority; /* copies */
    struct zone clock;
    pthread_t thread;
    struct store_conn *db;
    struct drill *drill;
    struct finding_mail *findings;
    /* the thread's own */
    tq_time look_at; /* monotonic */
    tq_time alert_at;
    int64_t day_done;
    bool settled;
    uint64_t mails;
    size_t n;
    struct due_notice notices[AT_ONCE];
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t work;
    bool stopping;
    bool test_findings;
    size_t asked_n;
    char (*asked)[ACCOUNT_NAME_MAX + 1];
    size_t alerts_n;
    struct alert_due alerts[ALERTS_MOST];
    size_t answers_n;
    struct due_answer answers[ANSWERS_MOST];
    struct buf errand; /* to be taken */
    bool ready, waits, came;
    uint32_t id;
    uint16_t status;
    char why[200];
};

/* ── the mail ── */

static void body_of(struct buf *out, const struct reminder_text *t)
{
    char due[DAY_TEXT];
    bool es = strcmp(t->language, "es") == 0;
    (void)day_format(t->due, due);
    buf_addf(out, es ? "Hola, %s:\n\n" : "Hello %s,\n\n", t->name);
    if (strcmp(t->kind, "manager") == 0)
        buf_addf(out,
                 es ? "A %s se le pasó el plazo de su formación (%s) hace tiempo. Quizá falte tiempo en el turno, o haga falta ayuda.\n\n"
                    : "%s is long past the day for their training (%s). They may need time in the shift, or a hand.\n\n",
                 t->about, due);
    else if (strcmp(t->kind, "late") == 0)
        buf_addf(out,
                 es ? "Su formación en %s era para el %s. Faltan %lld; cada lección dura unos minutos.\n\n"
                    : "your training at %s was due by %s. %lld left to do; a lesson takes a few minutes.\n\n",
                 t->site, due, (long long)t->n);
    else if (strcmp(t->kind, "asked") == 0)
        buf_addf(out, es ? "Le recuerdan su formación en %s.\n\n" : "somebody reminds you of your training at %s.\n\n", t->site);
    else
        buf_addf(out,
                 es ? "Su formación en %s es para el %s. Faltan %lld; cada lección dura unos minutos.\n\n"
                    : "your training at %s is due by %s. %lld left to do; a lesson takes a few minutes.\n\n",
                 t->site, due, (long long)t->n);
    buf_addf(out, es ? "Entre como siempre y abra Aprender. Este correo no lleva enlaces: escriba usted la dirección, o use su marcador.\n"
                     : "Sign in as always and open Learn. There is no link in this mail: type the address yourself, or use your bookmark.\n");
    buf_addf(out, "\n%s, Tourniquet\n", t->site);
}

void reminder_write(struct buf *out, const struct reminder_text *t)
{
    bool es = strcmp(t->language, "es") == 0;
    struct buf text = BUF_INIT(8192);
    char id[64];
    body_of(&text, t);
    (void)snprintf(id, sizeof id, "training.%lld.%llu", (long long)t->now, (unsigned long long)t->number);
    letter_write(out, &(struct letter){.from = t->from,
                                       .to = t->to,
                                       .subject = strcmp(t->kind, "manager") == 0
                                                      ? (es ? "Formación atrasada en su equipo" : "Training overdue in your team")
                                                  : strcmp(t->kind, "late") == 0 ? (es ? "Su formación está atrasada" : "Your training is overdue")
                                                                                 : (es ? "Su formación" : "Your training"),
                                       .id = id,
                                       .automatic = true,
                                       .now = t->now,
                                       .text = buf_span(&text)});
    buf_release(&text);
}

/* ── sending one ── */

static bool going(struct reminder *m)
{
    (void)pthread_mutex_lock(&m->lock);
    bool going = !m->stopping;
    (void)pthread_mutex_unlock(&m->lock);
    return going;
}

int reminder_send(struct reminder *m, struct span letter, const char *from, const char *to, char why[200])
{
    struct errand x = {.url = span_str(m->programme.url),
                       .type = SPAN_LIT("message/rfc822"),
                       .authority = m->programme.authority,
                       .body = letter,
                       .from = span_str(from),
                       .to = span_str(to),
                       .user = span_str(m->programme.user),
                       .password = span_str(m->programme.password),
                       .clear = strcmp(m->programme.tls, "off") == 0};
    (void)pthread_mutex_lock(&m->lock);
    m->id = (m->id + 1) | REMINDER_ERRAND;
    x.id = m->id;
    buf_clear(&m->errand);
    errand_encode(&m->errand, &x);
    m->ready = m->waits = true;
    m->came = false;
    (void)pthread_mutex_unlock(&m->lock);
    m->o.changed(m->o.context);
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += OUTCOME_WAIT / TIME_SECOND;
    (void)pthread_mutex_lock(&m->lock);
    while (!m->stopping && !m->came && pthread_cond_timedwait(&m->work, &m->lock, &until) == 0)
        ;
    bool came = m->came && !m->stopping;
    int status = m->status;
    (void)snprintf(why, 200, "%s", came ? m->why : "there was no answer");
    m->ready = m->waits = m->came = false;
    buf_clear(&m->errand);
    (void)pthread_mutex_unlock(&m->lock);
    if (!came)
        return -1;
    if (status >= 200 && status < 300)
        return 1;
    if (status >= 500) {
        (void)snprintf(why, 200, "the mail server refused it (%d)", status);
        return 0;
    }
    return -1;
}

static int send_mail(struct reminder *m, const struct reminder_text *t, char why[200])
{
    struct buf text = BUF_INIT(ERRAND_BODY);
    reminder_write(&text, t);
    int rc = reminder_send(m, buf_span(&text), m->programme.from, t->to, why);
    buf_release(&text);
    return rc;
}

/* ── records ── */

static int write_record(struct reminder *m, struct record *r)
{
    struct error e = {0};
    uint64_t index = 0;
    int rc = r == NULL ? -1 : m->o.decide(m->o.context, r, &index, &e);
    free(r);
    return rc;
}

static struct record *begin_record(enum event event, const char *account)
{
    struct record *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    record_start(r, event, clock_now(), NULL);
    record_str(r, KEY_ACCOUNT, account);
    return r;
}

static int note_told(struct reminder *m, const struct due_notice *x, const char *how, const char *why)
{
    char due[DAY_TEXT];
    struct record *r = begin_record(EVENT_TRAINING_REMINDED, x->account);
    if (r != NULL) {
        record_str(r, KEY_WHAT, x->kind);
        record_str(r, KEY_DUE_DAY, day_format(x->due, due));
        record_str(r, KEY_HOW, how);
        record_str(r, KEY_WHY, why);
    }
    return write_record(m, r);
}

/* ── who is told ── */

static int64_t today(struct reminder *m)
{
    return zone_day(&m->clock, clock_now());
}

struct addressee {
    char mail[256];
    char name[4 * ACCOUNT_DISPLAY_MAX + 1];
};

static bool address_of(struct reminder *m, struct span account, struct addressee *ret)
{
    struct error e = {0};
    struct training_contact contact;
    struct account a;
    bool found = false;
    if (store_look(m->db, &e) != 0)
        return false;
    bool ok = training_contact_get(m->db, account, &contact, &e) == 0 && account_get(m->db, account, &a, &found, &e) == 0 && found && !a.closed;
    store_look_end(m->db);
    if (!ok || contact.mail[0] == 0)
        return false;
    (void)snprintf(ret->mail, sizeof ret->mail, "%s", contact.mail);
    (void)snprintf(ret->name, sizeof ret->name, "%s", a.display_name);
    explicit_bzero(&a, sizeof a);
    return true;
}

struct managers {
    struct reminder *m;
    size_t n;
    char names[8][ACCOUNT_NAME_MAX + 1];
};

static void take_manager(void *context, const struct account *a)
{
    struct managers *x = context;
    if (x->n < 8 && (account_roles(x->m->db, span_str(a->name), x->m->site, clock_now()) & JOB_BIT(JOB_MANAGER)) != 0)
        (void)snprintf(x->names[x->n++], sizeof x->names[0], "%s", a->name);
}

/* Whoever looks after this person: the manager that was told, or the first of the lab's managers with an address. */
static bool manager_of(struct reminder *m, struct span account, struct addressee *ret)
{
    struct error e = {0};
    struct training_contact contact = {0};
    struct managers x = {.m = m};
    if (store_look(m->db, &e) != 0)
        return false;
    int rc = training_contact_get(m->db, account, &contact, &e);
    if (rc == 0 && contact.manager[0] == 0)
        rc = account_list(m->db, &(struct account_query){.limit = 5000}, take_manager, &x, &e);
    store_look_end(m->db);
    if (rc != 0)
        return false;
    if (contact.manager[0] != 0)
        return address_of(m, span_str(contact.manager), ret);
    for (size_t i = 0; i < x.n; i++)
        if (!span_is(account, x.names[i]) && address_of(m, span_str(x.names[i]), ret))
            return true;
    return false;
}

/* False: the server does not answer; the rest waits for the next look. */
static bool tell(struct reminder *m, const struct due_notice *x)
{
    struct addressee to;
    char why[200];
    bool manager = strcmp(x->kind, "manager") == 0;
    bool known = m->programme.url[0] != 0 && (manager ? manager_of(m, span_str(x->account), &to) : address_of(m, span_str(x->account), &to));
    if (!known) /* the page says it */
        return note_told(m, x, "page", m->programme.url[0] != 0 ? "no mail address is known" : NULL) == 0;
    struct reminder_text t = {.kind = x->kind,
                              .language = m->programme.language,
                              .from = m->programme.from,
                              .to = to.mail,
                              .name = to.name,
                              .about = x->name,
                              .site = m->site,
                              .origin = m->origin,
                              .due = x->due,
                              .n = x->n,
                              .now = clock_now(),
                              .number = ++m->mails};
    int rc = send_mail(m, &t, why);
    if (rc < 0) {
        log_line(LOG_LEVEL_WARNING, "reminders wait: the mail server did not take a mail: %s", why);
        return false;
    }
    return note_told(m, x, rc == 1 ? "mail" : "page", rc == 1 ? NULL : why) == 0;
}

static void take_notice(void *context, const struct training_notice *x)
{
    struct reminder *m = context;
    if (m->n == AT_ONCE)
        return;
    struct due_notice *to = &m->notices[m->n++];
    to->account[span_copy(x->account, to->account, sizeof to->account - 1)] = 0;
    to->name[span_copy(x->display_name, to->name, sizeof to->name - 1)] = 0;
    (void)snprintf(to->kind, sizeof to->kind, "%s", x->kind);
    to->due = x->due;
    to->n = x->n;
}

static void tell_all(struct reminder *m)
{
    struct error e = {0};
    m->n = 0;
    if (store_look(m->db, &e) != 0)
        return;
    int rc = training_notices(m->db, today(m), m->programme.remind, m->programme.escalate, AT_ONCE / 4, take_notice, m, &e);
    store_look_end(m->db);
    bool on = rc == 0;
    for (size_t i = 0; on && i < m->n; i++)
        on = going(m) && tell(m, &m->notices[i]);
    if (on && m->n > AT_ONCE / 8)
        m->look_at = clock_monotonic(); /* there may be more */
}

/* ── once a day ── */

static void take_left(void *context, struct span account)
{
    struct reminder *m = context;
    if (m->n < AT_ONCE)
        m->notices[m->n].account[span_copy(account, m->notices[m->n].account, ACCOUNT_NAME_MAX)] = 0, m->n++;
}

static void take_whole(void *context, struct span name, const struct training_counts *n)
{
    (void)name;
    *(struct training_counts *)context = *n;
}

struct last_standing {
    int64_t day;
};

static void take_standing(void *context, const struct training_standing *s)
{
    ((struct last_standing *)context)->day = s->day;
}

/* How it stood when the month began: evidence that somebody looked. */
static void count_month(struct reminder *m, int64_t day)
{
    struct error e = {0};
    struct training_counts n = {{0}};
    struct last_standing last = {.day = -1};
    int64_t year;
    unsigned month;
    unsigned of_month;
    char text[DAY_TEXT];
    day_to_civil(day, &year, &month, &of_month);
    int64_t first = day_from_civil(year, month, 1);
    if (store_look(m->db, &e) != 0)
        return;
    int rc = training_standings(m->db, 1, take_standing, &last, &e);
    if (rc == 0)
        rc = training_counts(m->db, TRAINING_BY_ALL, SPAN_LIT(""), SPAN_LIT(""), SPAN_LIT(""), day, take_whole, &n, &e);
    store_look_end(m->db);
    int64_t all = n.n[TRAINING_DONE] + n.n[TRAINING_RENEW] + n.n[TRAINING_OPEN] + n.n[TRAINING_LATE];
    if (rc != 0 || last.day >= first || all == 0)
        return;
    struct record *r = begin_record(EVENT_TRAINING_STANDING, NULL);
    if (r != NULL) {
        record_str(r, KEY_FROM_DAY, day_format(day, text));
        record_int(r, KEY_COUNT_ASSIGNED, all);
        record_int(r, KEY_COUNT_DONE, n.n[TRAINING_DONE] + n.n[TRAINING_RENEW]);
        record_int(r, KEY_COUNT_LATE, n.n[TRAINING_LATE]);
    }
    (void)write_record(m, r);
}

static void each_day(struct reminder *m)
{
    struct error e = {0};
    int64_t day = today(m);
    if (day == m->day_done)
        return;
    m->n = 0;
    if (store_look(m->db, &e) != 0)
        return;
    int rc = training_ended(m->db, clock_now(), AT_ONCE, take_left, m, &e);
    store_look_end(m->db);
    for (size_t i = 0; rc == 0 && i < m->n && going(m); i++)
        (void)write_record(m, begin_record(EVENT_TRAINING_LEFT, m->notices[i].account));
    count_month(m, day);
    m->day_done = day;
}

/* ── the thread ── */

static bool take_asked(struct reminder *m, struct due_notice *ret)
{
    (void)pthread_mutex_lock(&m->lock);
    bool any = m->asked_n > 0 && !m->stopping;
    if (any) {
        *ret = (struct due_notice){.kind = "asked", .due = today(m)};
        memcpy(ret->account, m->asked[0], sizeof ret->account);
        m->asked_n--;
        memmove(m->asked[0], m->asked[1], m->asked_n * sizeof m->asked[0]);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return any;
}

/* ── what somebody signs in with was changed ── */

static bool first_alert(struct reminder *m, struct alert_due *ret)
{
    (void)pthread_mutex_lock(&m->lock);
    bool any = m->alerts_n > 0 && !m->stopping;
    if (any)
        *ret = m->alerts[0];
    (void)pthread_mutex_unlock(&m->lock);
    return any;
}

static void drop_alert(struct reminder *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->alerts_n--;
    memmove(&m->alerts[0], &m->alerts[1], m->alerts_n * sizeof m->alerts[0]);
    (void)pthread_mutex_unlock(&m->lock);
}

/* 1: it went, or there is nobody to tell; 0: refused for good; -1: not now. */
static int send_alert(struct reminder *m, const struct alert_due *x, char why[200])
{
    struct addressee to;
    if (m->programme.url[0] == 0 || !address_of(m, span_str(x->account), &to))
        return 1;
    struct buf letter = BUF_INIT(ERRAND_BODY);
    alert_write(&letter, &(struct alert){.event = x->event,
                                         .language = m->programme.language,
                                         .from = m->programme.from,
                                         .to = to.mail,
                                         .name = to.name,
                                         .site = m->site,
                                         .changed = x->time,
                                         .offset = zone_offset(&m->clock, x->time),
                                         .now = clock_now(),
                                         .number = ++m->mails});
    int rc = reminder_send(m, buf_span(&letter), m->programme.from, to.mail, why);
    buf_release(&letter);
    return rc;
}

static void tell_alerts(struct reminder *m)
{
    struct alert_due x;
    char why[200];
    while (clock_monotonic() >= m->alert_at && first_alert(m, &x)) {
        int rc = send_alert(m, &x, why);
        if (rc < 0)
            m->alert_at = clock_monotonic() + ALERT_AGAIN;
        else
            drop_alert(m);
        if (rc != 1)
            log_line(LOG_LEVEL_WARNING, "a mail about an account's sign-in %s: %s", rc < 0 ? "waits" : "was refused", why);
    }
}

/* ── answers to who reported a mail ── */

static bool take_answer(struct reminder *m, struct due_answer *ret)
{
    (void)pthread_mutex_lock(&m->lock);
    bool any = m->answers_n > 0 && !m->stopping;
    if (any) {
        *ret = m->answers[0];
        m->answers_n--;
        memmove(&m->answers[0], &m->answers[1], m->answers_n * sizeof m->answers[0]);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return any;
}

struct answer_writing {
    struct mail_answer a;
    struct buf letter;
};

static void write_answer(void *context, const struct mail_row *row)
{
    struct answer_writing *x = context;
    mail_answer_write(&x->letter, row, &x->a);
}

/* Once: whoever does not get it finds it on the page. */
static void send_answer(struct reminder *m, const struct due_answer *d)
{
    struct addressee to;
    struct error e = {0};
    char why[200];
    bool found = false;
    if (m->programme.url[0] == 0 || !address_of(m, span_str(d->account), &to) || store_look(m->db, &e) != 0)
        return;
    struct answer_writing x = {.a = {.language = m->programme.language,
                                     .from = m->programme.from,
                                     .to = to.mail,
                                     .name = to.name,
                                     .site = m->site,
                                     .attached = d->attached,
                                     .now = clock_now(),
                                     .number = ++m->mails},
                               .letter = BUF_INIT(ERRAND_BODY)};
    (void)mail_get(m->db, span_str(d->mail), write_answer, &x, &found, &e);
    store_look_end(m->db);
    if (found && buf_ok(&x.letter) && reminder_send(m, buf_span(&x.letter), m->programme.from, to.mail, why) != 1)
        log_line(LOG_LEVEL_WARNING, "somebody who reported a mail did not get our answer by mail: %s; it is on the page", why);
    buf_release(&x.letter);
}

static bool in_the_day(struct reminder *m)
{
    tq_time now = clock_now();
    int64_t second = now / TIME_SECOND + zone_offset(&m->clock, now);
    return (second % 86400 + 86400) % 86400 >= FIRST_HOUR * 3600;
}

static void settle(struct reminder *m)
{
    struct error e = {0};
    if (m->settled)
        return;
    m->settled = m->o.settle(m->o.context, &e) == 0;
    if (!m->settled)
        log_line(LOG_LEVEL_WARNING, "the lab's policies are not on the ledger yet: %s", e.text);
}

static bool take_test(struct reminder *m)
{
    (void)pthread_mutex_lock(&m->lock);
    bool test = m->test_findings && !m->stopping;
    m->test_findings = false;
    (void)pthread_mutex_unlock(&m->lock);
    return test;
}

static void *run(void *context)
{
    struct reminder *m = context;
    settle(m);
    while (going(m)) {
        struct due_notice asked;
        while (take_asked(m, &asked))
            (void)tell(m, &asked); /* the record that somebody asked is there already: a second one says how it went */
        struct due_answer answer;
        while (take_answer(m, &answer))
            send_answer(m, &answer);
        if (clock_monotonic() >= m->look_at) {
            m->look_at = clock_monotonic() + LOOK_EVERY;
            settle(m);
            each_day(m);
            if (in_the_day(m))
                tell_all(m);
        }
        tell_alerts(m);
        drill_pass(m->drill, m->db, clock_now());
        finding_mail_pass(m->findings, m->db, take_test(m));
        (void)pthread_mutex_lock(&m->lock);
        if (!m->stopping && m->asked_n == 0 && m->answers_n == 0 && !m->test_findings) {
            struct timespec until;
            (void)clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec += 5;
            (void)pthread_cond_timedwait(&m->work, &m->lock, &until);
        }
        (void)pthread_mutex_unlock(&m->lock);
    }
    return NULL;
}

struct reminder *reminder_start(const struct reminder_options *options, struct error *e)
{
    pthread_condattr_t attributes;
    struct reminder *m = calloc(1, sizeof *m);
    if (m != NULL)
        m->asked = calloc(ASKED_MOST + 1, sizeof *m->asked);
    if (m == NULL || m->asked == NULL) {
        free(m);
        (void)err_set(e, ERR_SYSTEM, "no memory for reminders");
        return NULL;
    }
    m->o = *options;
    m->programme = *options->programme;
    m->authority = BUF_INIT(PROGRAMME_AUTHORITY);
    buf_add_span(&m->authority, options->programme->authority);
    m->programme.authority = buf_span(&m->authority);
    m->programme.zone = span_of(NULL, 0);
    m->clock = *views_zone(options->views);
    (void)snprintf(m->site, sizeof m->site, "%s", options->site);
    (void)snprintf(m->origin, sizeof m->origin, "%s", options->origin);
    m->errand = BUF_SECRET(ERRAND_MAX);
    m->day_done = -1;
    m->look_at = clock_monotonic() + FIRST_LOOK;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&m->work, &attributes);
    m->db = store_reader_open(options->store, e);
    m->drill = drill_new(m, &m->programme, options->exercise, options->decide, options->context);
    m->findings = finding_mail_new(m, &m->programme, m->site, options->decide, options->context);
    if (m->db != NULL && m->drill != NULL && m->findings != NULL && pthread_create(&m->thread, NULL, run, m) == 0)
        return m;
    (void)err_set(e, ERR_SYSTEM, "no thread for reminders");
    return NULL;
}

void reminder_stop(struct reminder *m)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    m->stopping = true;
    (void)pthread_cond_broadcast(&m->work);
    (void)pthread_mutex_unlock(&m->lock);
    (void)pthread_join(m->thread, NULL);
    drill_free(m->drill);
    finding_mail_free(m->findings);
    store_reader_close(m->db);
}

void reminder_ask(struct reminder *m, struct span account)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    if (m->asked_n < ASKED_MOST) {
        m->asked[m->asked_n][span_copy(account, m->asked[m->asked_n], ACCOUNT_NAME_MAX)] = 0;
        m->asked_n++;
    }
    (void)pthread_cond_broadcast(&m->work);
    (void)pthread_mutex_unlock(&m->lock);
}

void reminder_test_findings(struct reminder *m)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    m->test_findings = true;
    (void)pthread_cond_broadcast(&m->work);
    (void)pthread_mutex_unlock(&m->lock);
}

void reminder_answer(struct reminder *m, struct span account, struct span mail, bool attached)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    if (m->answers_n < ANSWERS_MOST) {
        struct due_answer *d = &m->answers[m->answers_n++];
        d->account[span_copy(account, d->account, ACCOUNT_NAME_MAX)] = 0;
        d->mail[span_copy(mail, d->mail, REPORT_ID - 1)] = 0;
        d->attached = attached;
    }
    (void)pthread_cond_broadcast(&m->work);
    (void)pthread_mutex_unlock(&m->lock);
}

void reminder_alert(struct reminder *m, struct span account, enum event event)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    if (m->alerts_n < ALERTS_MOST) {
        struct alert_due *x = &m->alerts[m->alerts_n++];
        x->account[span_copy(account, x->account, ACCOUNT_NAME_MAX)] = 0;
        x->event = event;
        x->time = clock_now();
    }
    (void)pthread_cond_broadcast(&m->work);
    (void)pthread_mutex_unlock(&m->lock);
}

/* ── the main thread ── */

bool reminder_errand(struct reminder *m, struct buf *out)
{
    if (m == NULL)
        return false;
    (void)pthread_mutex_lock(&m->lock);
    bool any = m->ready && !m->stopping;
    if (any)
        buf_add_span(out, buf_span(&m->errand));
    m->ready = m->ready && !any;
    (void)pthread_mutex_unlock(&m->lock);
    return any;
}

int reminder_outcome(struct reminder *m, const struct outcome *o, struct error *e)
{
    (void)pthread_mutex_lock(&m->lock);
    if (m->waits && !m->came && o->id == m->id) { /* else: it comes too late, and the mail is counted as not sent */
        m->came = true;
        m->status = o->status;
        m->why[span_copy(o->why, m->why, sizeof m->why - 1)] = 0;
        (void)pthread_cond_broadcast(&m->work);
    }
    (void)pthread_mutex_unlock(&m->lock);
    (void)e;
    return 0;
}

void reminder_courier_gone(struct reminder *m)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    if (m->waits && !m->ready && !m->came) { /* whether it went is not known: better twice than not at all */
        m->came = true;
        m->status = 0;
        (void)snprintf(m->why, sizeof m->why, "the connection was cut");
        (void)pthread_cond_broadcast(&m->work);
    }
    (void)pthread_mutex_unlock(&m->lock);
}
