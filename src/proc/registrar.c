#include "proc/registrar.h"

#include "base/text.h"
#include "door/api/api.h"
#include "lab/backup_view.h"
#include "lab/certificate_view.h"
#include "lab/inventory/admission.h"
#include "proc/clock.h"
#include "proc/log.h"
#include "proc/pki.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_EVERY (30 * TIME_SECOND)
#define AGAIN (3600 * TIME_SECOND) /* between two certificates for one side that nobody asked for: a clock that jumps must not fill the list */
#define DAY (INT64_C(86400) * TIME_SECOND)
#define ENROLMENT_LIFE (7 * DAY)
#define WANTED 128
#define SEEN 256
#define KIND "certificate.expiring"

/* A side of a link that lab.yaml has. */
struct wanted {
    struct certify x;
    tq_time made; /* monotonic, when the last one was made; 0: not in this run */
    bool failed;  /* told in the log */
};

/* What a finding was told of: one cause. */
struct told {
    char cause[256];
    int stage; /* 0: none is open */
};

struct registrar {
    char site[64];
    void (*changed)(void);
    pthread_t thread;
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t work;
    bool stopping;
    bool poked;
    struct pki *pki;
    struct appender *appender; /* NULL: the ledger is not open */
    bool findings_open;        /* some were, at the start */
    size_t wanted_n;
    struct wanted wanted[WANTED];
    size_t seen_n;
    struct api_certificate seen[SEEN];
    size_t told_n;
    struct told told[PKI_CERTIFICATES / 8];
};

static struct registrar *one; /* of this process, for registrar_api */

static void poke(struct registrar *r)
{
    r->poked = true;
    (void)pthread_cond_signal(&r->work);
}

/* ── records ── */

static void note(struct registrar *r, enum event event, const struct api_certificate *x, tq_time when, const char *why)
{
    struct record *record = r->appender == NULL ? NULL : malloc(sizeof *record);
    if (record == NULL)
        return;
    record_start(record, event, when, NULL);
    char words[CERTIFICATE_FOR];
    certificate_record(record, x, words);
    record_str(record, KEY_WHY, why);
    (void)appender_note(r->appender, record, NULL);
    free(record);
}

/* What stands in the list and not on the ledger: made while that was locked, or the machine stopped between the two. */
static void catch_up(struct registrar *r, struct store_conn *views)
{
    static const char why[] = "recorded at a later start: the ledger was not open when it was done";
    struct certificate_act *act = malloc(sizeof *act);
    struct api_certificate authority;
    if (act == NULL)
        return;
    if (pki_authority(r->pki, &authority) && !certificate_act(views, authority.serial, CERTIFICATE_MADE, act))
        note(r, EVENT_CERTIFICATE_ISSUED, &authority, authority.made, why);
    for (size_t i = 0; i < pki_count(r->pki); i++) {
        const struct api_certificate *x = pki_at(r->pki, i);
        if (!x->outside && !certificate_act(views, x->serial, CERTIFICATE_MADE, act))
            note(r, x->replaces[0] != 0 ? EVENT_CERTIFICATE_ROTATED : EVENT_CERTIFICATE_ISSUED, x, x->made, why);
        bool good = true;
        if (strcmp(x->side, CERTIFICATE_DEVICE) == 0 && x->revoked == 0 && admission_keeps_certificate(views, span_str(x->link), &good, NULL) == 0 &&
            !good) {
            struct api_certificate ended = *x;
            if (pki_revoke(r->pki, span_str(ended.serial), clock_now(), &ended, NULL) == 0) /* the machine stopped before it was done */
                note(r, EVENT_CERTIFICATE_REVOKED, &ended, clock_now(), "the device was refused or retired");
            continue;
        }
        if (x->revoked != 0 && !certificate_act(views, x->serial, CERTIFICATE_REVOKED, act))
            note(r, EVENT_CERTIFICATE_REVOKED, x, x->revoked, why);
    }
    free(act);
}

/* ── findings ── */

#define ENDED 4

static int stage_of(tq_time not_after, tq_time now)
{
    tq_time left = not_after - now;
    return left > 30 * DAY ? 0 : left > 7 * DAY ? 1 : left > DAY ? 2 : left > 0 ? 3 : ENDED;
}

static struct told *told_of(struct registrar *r, const char *cause)
{
    for (size_t i = 0; i < r->told_n; i++)
        if (strcmp(r->told[i].cause, cause) == 0)
            return &r->told[i];
    if (r->told_n == sizeof r->told / sizeof r->told[0])
        return NULL;
    struct told *t = &r->told[r->told_n++];
    (void)snprintf(t->cause, sizeof t->cause, "%s", cause);
    t->stage = r->findings_open ? -1 : 0; /* -1: one may be open from an earlier start */
    return t;
}

static void tell_ended(struct registrar *r, const char *cause, const char *why)
{
    struct record *record = malloc(sizeof *record);
    if (record == NULL)
        return;
    record_start(record, EVENT_FINDING_ENDED, clock_now(), NULL);
    record_str(record, KEY_KIND, KIND);
    record_str(record, KEY_CAUSE, cause);
    record_str(record, KEY_WHY, why);
    (void)appender_note(r->appender, record, NULL);
    free(record);
}

static void tell_expiring(struct registrar *r, const struct api_certificate *x, const char *cause, int stage)
{
    static const char *const severity[] = {"", "low", "medium", "high", "high"};
    static const char *const when[] = {"", "ends within 30 days", "ends within 7 days", "ends within a day", "has ended"};
    char title[400];
    char day[TIME_TEXT];
    struct record *record = malloc(sizeof *record);
    if (record == NULL)
        return;
    (void)time_format(x->not_after, day);
    day[10] = 0;
    (void)snprintf(title, sizeof title, "The certificate of %s on link %s, %s side, %s (%s).", x->ours ? "this program" : "{0}", x->link,
                   strcmp(x->side, "lis") == 0 ? "LIS" : "analyzer", when[stage], day);
    if (strcmp(x->side, CERTIFICATE_DEVICE) == 0)
        (void)snprintf(title, sizeof title, "The certificate of the device {0} %s (%s).", when[stage], day);
    if (x->side[0] == 0)
        (void)snprintf(title, sizeof title, "The authority of the links %s (%s).", when[stage], day);
    record_start(record, EVENT_FINDING, clock_now(), NULL);
    record_str(record, KEY_KIND, KIND);
    record_str(record, KEY_CAUSE, cause);
    record_str(record, KEY_SEVERITY, severity[stage]);
    record_str(record, KEY_TITLE, title);
    if (!x->ours)
        record_str(record, KEY_SUBJECT, x->outside ? x->subject : x->names);
    record_str(record, KEY_ADVICE,
               x->side[0] == 0
                   ? "Make the next one (tourniquet pki authority next), and have the other ends take it and enrol anew before this one ends."
               : x->given ? "Make a new request (tourniquet pki csr), have the authority of the other end make its certificate, and install that."
               : x->ours  ? "It should have been renewed by itself: look at the log, the clock and the authority (tourniquet pki list)."
               : strcmp(x->side, CERTIFICATE_DEVICE) == 0 ? "Begin a new enrolment on the device's page, and bring the device its next certificate."
               : x->outside ? "Ask whoever runs that system for a new certificate, from the same authority and for the same name."
                            : "Begin a new enrolment (tourniquet pki enrol), and give its code to whoever runs that system.");
    (void)appender_note(r->appender, record, NULL);
    free(record);
}

static void judge(struct registrar *r, const struct api_certificate *x, const char *cause, bool in_force)
{
    struct told *t = told_of(r, cause);
    int stage = in_force ? stage_of(x->not_after, clock_now()) : 0;
    if (t == NULL || t->stage == stage)
        return;
    bool over = stage == ENDED && t->stage > 0; /* as bad as before, and to be read anew */
    if (stage < t->stage || stage == 0)         /* another one is in its place, which may end soon, too: then it begins anew */
        tell_ended(r, cause, "Another certificate is in its place.");
    else if (over)
        tell_ended(r, cause, "The certificate has ended.");
    if (stage > 0)
        tell_expiring(r, x, cause, stage);
    t->stage = stage;
}

static bool is_wanted(const struct registrar *r, const struct api_certificate *x)
{
    for (size_t i = 0; i < r->wanted_n; i++)
        if (strcmp(r->wanted[i].x.link, x->link) == 0 && strcmp(link_tls_side_name(r->wanted[i].x.side), x->side) == 0)
            return true;
    return false;
}

/* The same holder's: of several the one that ends last counts. */
static bool has_better(const struct registrar *r, size_t i)
{
    const struct api_certificate *x = pki_at(r->pki, i);
    for (size_t k = 0; k < pki_count(r->pki); k++) {
        const struct api_certificate *y = pki_at(r->pki, k);
        bool same = k != i && y->ours == x->ours && strcmp(y->link, x->link) == 0 && strcmp(y->side, x->side) == 0 && strcmp(y->names, x->names) == 0;
        if (same && y->revoked == 0 && !y->replaced && (y->not_after > x->not_after || (y->not_after == x->not_after && k > i)))
            return true;
    }
    return false;
}

static bool is_blocked(const struct pki *p, const struct api_certificate *seen)
{
    for (size_t i = pki_count(p); i-- > 0;)
        if (pki_at(p, i)->outside && strcmp(pki_at(p, i)->fingerprint, seen->fingerprint) == 0)
            return true;
    return false;
}

static void judge_all(struct registrar *r)
{
    char cause[256];
    for (size_t i = 0; i < pki_count(r->pki); i++) {
        const struct api_certificate *x = pki_at(r->pki, i);
        if (x->outside)
            continue;
        bool counts = x->revoked == 0 && !x->replaced && (strcmp(x->side, CERTIFICATE_DEVICE) == 0 || is_wanted(r, x));
        if (has_better(r, i))
            continue;
        (void)snprintf(cause, sizeof cause, "%s|%s|%s|%.140s", x->ours ? "ours" : "peer", x->link, x->side, x->ours ? "" : x->names);
        judge(r, x, cause, counts);
    }
    struct api_certificate authority;
    if (pki_authority(r->pki, &authority))
        judge(r, &authority, "authority", r->wanted_n > 0);
    for (size_t i = 0; i < r->seen_n; i++) {
        const struct api_certificate *x = &r->seen[i];
        (void)snprintf(cause, sizeof cause, "seen|%s|%s", x->link, x->side);
        judge(r, x, cause, is_wanted(r, x) && !is_blocked(r->pki, x));
    }
}

/* ── making and renewing ── */

/* True: the link has another certificate now. */
static bool renew(struct registrar *r, struct wanted *w)
{
    struct error e = {0};
    struct api_certificate made;
    struct api_certificate authority;
    const char *side = link_tls_side_name(w->x.side);
    const struct api_certificate *own = pki_own(r->pki, w->x.link, side);
    tq_time now = clock_now();
    tq_time monotonic = clock_monotonic();
    bool lost = own != NULL && !own->given && !pki_has_key(w->x.link, side); /* somebody removed it, or put a folder back without it */
    bool due = lost || pki_due(own, w->x.names, now);
    if (!due || (own != NULL && w->made != 0 && monotonic - w->made < AGAIN))
        return false;
    int rc = 0;
    if (!pki_authority(r->pki, &authority)) {
        rc = pki_init(r->pki, r->site, NULL, 0, now, &e);
        if (rc == 0 && pki_authority(r->pki, &authority))
            note(r, EVENT_CERTIFICATE_ISSUED, &authority, now, "a link speaks TLS for the first time");
    }
    if (rc == 0)
        rc = pki_make_own(r->pki, w->x.link, side, w->x.names, now, &made, &e);
    if (rc != 0) {
        if (!w->failed)
            log_line(LOG_LEVEL_ERROR, "no certificate could be made for link %s, %s side: %s", w->x.link, side, e.text);
        w->failed = true;
        return false;
    }
    w->failed = false;
    w->made = monotonic;
    log_line(LOG_LEVEL_INFO, "link %s, %s side: a certificate was made", w->x.link, side);
    note(r, made.replaces[0] != 0 ? EVENT_CERTIFICATE_ROTATED : EVENT_CERTIFICATE_ISSUED, &made, now,
         lost                    ? "its key was gone"
         : made.replaces[0] != 0 ? "it was due"
                                 : "the link had none");
    return true;
}

static bool look(struct registrar *r)
{
    bool changed = false;
    for (size_t i = 0; i < r->wanted_n; i++)
        changed = renew(r, &r->wanted[i]) || changed;
    if (r->appender != NULL)
        judge_all(r);
    return changed;
}

static void *run(void *context)
{
    struct registrar *r = context;
    (void)pthread_mutex_lock(&r->lock);
    while (!r->stopping) {
        r->poked = false;
        if (look(r))
            r->changed();
        tq_time until = clock_monotonic() + LOOK_EVERY;
        struct timespec t = {.tv_sec = until / TIME_SECOND, .tv_nsec = until % TIME_SECOND};
        int rc = 0;
        while (!r->stopping && !r->poked && rc != ETIMEDOUT)
            rc = pthread_cond_clockwait(&r->work, &r->lock, CLOCK_MONOTONIC, &t);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

struct registrar *registrar_start(const char *site, void (*changed)(void), struct error *e)
{
    struct registrar *r = calloc(1, sizeof *r);
    if (r == NULL) {
        (void)err_set(e, ERR_SYSTEM, "no memory for the certificates of links");
        return NULL;
    }
    (void)snprintf(r->site, sizeof r->site, "%.40s", site);
    r->changed = changed;
    r->pki = pki_open(clock_now(), e);
    if (r->pki == NULL) {
        free(r);
        return NULL;
    }
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->work, NULL);
    int rc = pthread_create(&r->thread, NULL, run, r);
    if (rc == 0)
        return one = r;
    (void)err_sys(e, rc, "starting the registrar");
    pki_free(r->pki);
    free(r);
    return NULL;
}

int registrar_open(struct registrar *r, struct appender *a, struct store *views, struct error *e)
{
    struct store_conn *c = store_reader_open(views, e);
    if (c == NULL || store_look(c, e) != 0) {
        store_reader_close(c);
        return -1;
    }
    (void)pthread_mutex_lock(&r->lock);
    r->appender = a;
    r->findings_open = backup_finding_open(c, KIND);
    catch_up(r, c);
    poke(r);
    (void)pthread_mutex_unlock(&r->lock);
    store_look_end(c);
    store_reader_close(c);
    return 0;
}

void registrar_stop(struct registrar *r)
{
    if (r == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    r->stopping = true;
    (void)pthread_cond_signal(&r->work);
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    one = NULL;
    (void)pthread_cond_destroy(&r->work);
    (void)pthread_mutex_destroy(&r->lock);
    pki_free(r->pki);
    free(r);
}

void registrar_want(struct registrar *r, struct span told)
{
    struct certify x;
    struct error e = {0};
    if (certify_decode(told, &x, &e) != 0) {
        log_line(LOG_LEVEL_ERROR, "%s", e.text);
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    size_t i = 0;
    while (i < r->wanted_n && (r->wanted[i].x.side != x.side || strcmp(r->wanted[i].x.link, x.link) != 0))
        i++;
    if (i < WANTED) {
        r->wanted[i].x = x;
        r->wanted_n = i == r->wanted_n ? i + 1 : r->wanted_n;
        poke(r);
    } else {
        log_line(LOG_LEVEL_ERROR, "over %d sides of links speak TLS: link %s gets no certificate", WANTED, x.link);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

/* Takes the certificate in the place of an earlier one of that side; true: it is another one. */
static bool take_seen(struct api_certificate *x, const char *link, const char *side, const struct link_side_status *s)
{
    char print[sizeof x->fingerprint];
    text_hex_to(print, s->print, sizeof s->print);
    if (strcmp(print, x->fingerprint) == 0)
        return false;
    *x = (struct api_certificate){.outside = true, .made = clock_now(), .not_after = s->expires};
    (void)snprintf(x->link, sizeof x->link, "%s", link);
    (void)snprintf(x->side, sizeof x->side, "%s", side);
    (void)snprintf(x->subject, sizeof x->subject, "%s", s->name);
    (void)snprintf(x->serial, sizeof x->serial, "%s", s->serial);
    memcpy(x->fingerprint, print, sizeof print);
    return true;
}

void registrar_seen(void *context, const char *link, int side, const struct link_side_status *s)
{
    struct registrar *r = one;
    const char *name = link_tls_side_name(side == 0 ? LINK_TLS_ANALYZER : LINK_TLS_LIS);
    (void)context;
    if (r == NULL)
        return;
    (void)pthread_mutex_lock(&r->lock);
    size_t i = 0;
    while (i < r->seen_n && (strcmp(r->seen[i].link, link) != 0 || strcmp(r->seen[i].side, name) != 0))
        i++;
    if (i < SEEN) {
        r->seen_n = i == r->seen_n ? i + 1 : r->seen_n;
        if (take_seen(&r->seen[i], link, name, s))
            poke(r);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

/* ── for the request handlers ── */

static struct pki *locked(void)
{
    (void)pthread_mutex_lock(&one->lock);
    return one->pki;
}

/* links: they have to get their certificates anew. */
static int unlocked(int rc, bool links)
{
    if (rc == 0)
        poke(one);
    (void)pthread_mutex_unlock(&one->lock);
    if (rc == 0 && links)
        one->changed();
    return rc;
}

static bool api_authority(void *context, struct api_certificate *ret)
{
    (void)context;
    bool there = pki_authority(locked(), ret);
    (void)unlocked(-1, false);
    return there;
}

static int api_init(void *context, const char *const *permit, size_t n, struct api_certificate *ret, struct error *e)
{
    (void)context;
    struct pki *p = locked();
    int rc = pki_init(p, one->site, permit, n, clock_now(), e);
    (void)pki_authority(p, ret);
    return unlocked(rc, false);
}

static bool api_beside(void *context, const char *which, struct api_certificate *ret)
{
    (void)context;
    struct pki *p = locked();
    bool there = strcmp(which, "next") == 0 ? pki_next(p, ret) : pki_former(p, ret);
    (void)unlocked(-1, false);
    return there;
}

/* The new authority makes our own certificates anew. One that cannot be made stays as it was: it is taken until it ends. */
static void make_all_anew(struct registrar *r)
{
    for (size_t i = 0; i < r->wanted_n; i++) {
        struct wanted *w = &r->wanted[i];
        struct api_certificate made;
        struct error e = {0};
        const char *side = link_tls_side_name(w->x.side);
        const struct api_certificate *own = pki_own(r->pki, w->x.link, side);
        if (own == NULL || own->given)
            continue;
        if (pki_make_own(r->pki, w->x.link, side, w->x.names, clock_now(), &made, &e) == 0)
            note(r, EVENT_CERTIFICATE_ROTATED, &made, clock_now(), "the links have another authority");
        else
            log_line(LOG_LEVEL_ERROR, "no certificate of the new authority could be made for link %s, %s side: %s", w->x.link, side, e.text);
    }
}

static int api_succeed(void *context, const char *what, const char *const *permit, size_t n, struct api_certificate *ret, struct error *e)
{
    (void)context;
    struct pki *p = locked();
    int rc = strcmp(what, "next") == 0     ? pki_make_next(p, one->site, permit, n, clock_now(), ret, e)
             : strcmp(what, "switch") == 0 ? pki_switch(p, ret, e)
                                           : pki_drop(p, ret, e);
    if (rc == 0 && strcmp(what, "switch") == 0)
        make_all_anew(one);
    return unlocked(rc, true);
}

static void api_list(void *context, void (*each)(void *to, const struct api_certificate *x), void *to)
{
    (void)context;
    struct pki *p = locked();
    for (size_t i = 0; i < one->seen_n; i++)
        if (!is_blocked(p, &one->seen[i]))
            each(to, &one->seen[i]);
    for (size_t i = pki_count(p); i-- > 0;)
        each(to, pki_at(p, i));
    (void)unlocked(-1, false);
}

static void api_enrolments(void *context, void (*each)(void *to, const struct api_enrolment *x), void *to)
{
    (void)context;
    struct pki *p = locked();
    for (size_t i = pki_enrolment_count(p); i-- > 0;)
        each(to, pki_enrolment(p, i));
    (void)unlocked(-1, false);
}

static int api_fetch(void *context, const char *what, struct span serial, struct buf *out, struct error *e)
{
    (void)context;
    struct pki *p = locked();
    struct api_certificate authority;
    int rc = 0;
    if (!pki_authority(p, &authority))
        rc = err_set(e, ERR_MISUSE, "the links have no authority yet: tourniquet pki init");
    else if (strcmp(what, "crl") == 0)
        rc = pki_crl(p, clock_now(), out, e);
    else
        rc = pki_chain(p, serial, out, e);
    (void)unlocked(-1, false);
    return rc;
}

/* Under the lock: the names that lab.yaml gives this side of a link; NULL: there is no such side that speaks TLS. */
static const char *wanted_names(const char *link, const char *side)
{
    for (size_t i = 0; i < one->wanted_n; i++)
        if (strcmp(one->wanted[i].x.link, link) == 0 && strcmp(link_tls_side_name(one->wanted[i].x.side), side) == 0)
            return one->wanted[i].x.names;
    return NULL;
}

static int no_such_side(struct error *e)
{
    return err_set(e, ERR_MISUSE, "lab.yaml has no link of this name that speaks TLS on this side");
}

static int api_enrol(void *context, struct api_enrolment *x, char code[ENROLMENT_CODE], struct error *e)
{
    (void)context;
    tq_time now = clock_now();
    struct pki *p = locked();
    struct api_certificate authority;
    bool device = strcmp(x->side, CERTIFICATE_DEVICE) == 0;
    if (device && !pki_authority(p, &authority) && pki_init(p, one->site, NULL, 0, now, NULL) == 0 && pki_authority(p, &authority))
        note(one, EVENT_CERTIFICATE_ISSUED, &authority, now, "a device gets a certificate for the first time");
    x->known = device || wanted_names(x->link, x->side) != NULL;
    return unlocked(pki_enrol(p, x, now, now + ENROLMENT_LIFE, code, e), false);
}

static int api_withdraw(void *context, struct span id, struct api_enrolment *ret, struct error *e)
{
    (void)context;
    return unlocked(pki_withdraw(locked(), id, ret, e), false);
}

static int api_redeem(void *context, struct span code, struct span request, struct api_certificate *ret, struct buf *chain, struct error *e)
{
    (void)context;
    return unlocked(pki_redeem(locked(), code, request, clock_now(), ret, chain, e), false);
}

static int api_request(void *context, const char *link, const char *side, const char *names, struct buf *out, struct error *e)
{
    (void)context;
    (void)locked();
    const char *known = wanted_names(link, side);
    return unlocked(known == NULL ? no_such_side(e) : pki_request(link, side, names[0] != 0 ? names : known, out, e), false);
}

static int api_install(void *context, const char *link, const char *side, struct span pem, struct api_certificate *ret, struct error *e)
{
    (void)context;
    struct pki *p = locked();
    return unlocked(wanted_names(link, side) == NULL ? no_such_side(e) : pki_install(p, link, side, pem, clock_now(), ret, e), true);
}

static int api_rotate(void *context, struct span serial, struct api_certificate *ret, struct error *e)
{
    (void)context;
    struct pki *p = locked();
    const struct api_certificate *x = pki_find(p, serial);
    int rc;
    if (x == NULL || !x->ours || x->replaced || x->revoked != 0) {
        rc = err_set(e, ERR_MISUSE, "only a certificate of the program's own that is in force can be replaced; for a peer's, begin a new enrolment");
    } else {
        struct api_certificate before = *x;
        rc = pki_make_own(p, before.link, before.side, before.names, clock_now(), ret, e);
    }
    return unlocked(rc, true);
}

static int api_revoke(void *context, struct span serial, struct api_certificate *ret, struct error *e)
{
    (void)context;
    struct pki *p = locked();
    for (size_t i = 0; i < one->seen_n; i++)
        if (span_is(serial, one->seen[i].serial) && !is_blocked(p, &one->seen[i]))
            return unlocked(pki_block(p, &one->seen[i], clock_now(), ret, e), true);
    return unlocked(pki_revoke(p, serial, clock_now(), ret, e), true);
}

const struct api_pki registrar_api = {.authority = api_authority,
                                      .init = api_init,
                                      .beside = api_beside,
                                      .succeed = api_succeed,
                                      .list = api_list,
                                      .enrolments = api_enrolments,
                                      .fetch = api_fetch,
                                      .enrol = api_enrol,
                                      .withdraw = api_withdraw,
                                      .redeem = api_redeem,
                                      .request = api_request,
                                      .install = api_install,
                                      .rotate = api_rotate,
                                      .revoke = api_revoke};
