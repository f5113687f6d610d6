/* Certificates of links: GET /certificates, enrolments, rotation, revocation. What is done is in force, and in the authority's own list, before the
 * record of it is written; where the machine stops between the two, the next start writes the record (proc/registrar.c). */
#include "door/api/api_private.h"

#include "lab/certificate_view.h"
#include "lab/inventory/admission.h"
#include "lab/inventory/asset.h"
#include "record/crypto/x509.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX 2000
#define PASSWORD_LONGEST 1024
#define DAY (INT64_C(86400) * TIME_SECOND)
#define EXPIRING (30 * DAY)
#define ENROLMENT_DAYS 365
#define WRONG_CODES_A_MINUTE 10
#define PERMISSION "certificate.manage"
#define ENDING_MOST 16 /* certificates of one device that are in force */
#define PEM_TYPE "application/x-pem-file"

static const struct api_pki *pki_of(struct call *c)
{
    const struct api_pki *pki = c->api->host.pki;
    if (pki == NULL)
        problem(c, 503, "pki", "Certificates cannot be asked for here.");
    return pki;
}

static void refused(struct call *c, const struct error *e)
{
    if (e->class == ERR_MISUSE || e->class == ERR_LIMIT)
        problem(c, 422, "pki", e->text);
    else
        problem(c, 503, "pki", "The authority's files could not be read or written. Check the disk, and the log.");
}

static void pem(struct call *c, int rc, const struct error *e)
{
    if (rc != 0)
        refused(c, e);
    else
        (void)snprintf(c->reply->type, sizeof c->reply->type, PEM_TYPE);
}

/* ── showing ── */

static const char *state_of(const struct api_certificate *x, tq_time now)
{
    if (x->revoked != 0)
        return "revoked";
    if (now > x->not_after)
        return "expired";
    if (x->replaced)
        return "replaced";
    if (now < x->not_before)
        return "not-yet";
    if (x->ours && x->renew_at != 0 && now >= x->renew_at)
        return "rotating";
    return x->not_after - now <= EXPIRING ? "expiring" : "in-force";
}

void certificate_for(const char *link, const char *side, char out[CERTIFICATE_FOR])
{
    if (side[0] == 0)
        (void)snprintf(out, CERTIFICATE_FOR, "the authority of the links");
    else if (strcmp(side, CERTIFICATE_DEVICE) == 0)
        (void)snprintf(out, CERTIFICATE_FOR, "device %s", link);
    else
        (void)snprintf(out, CERTIFICATE_FOR, "link %s, %s side", link, strcmp(side, "lis") == 0 ? "LIS" : "analyzer");
}

static void put_title(void *context, const struct asset_row *row)
{
    buf_add_span(context, row->title);
}

static void put_for(struct call *c, const char *link, const char *side)
{
    char text[CERTIFICATE_FOR];
    struct jsonw *j = &c->json;
    struct buf title = BUF_INIT(1024);
    bool device = strcmp(side, CERTIFICATE_DEVICE) == 0;
    bool found = false;
    buf_add_str(&title, "device ");
    if (device)
        (void)asset_get(c->db, span_str(link), put_title, &title, &found, NULL);
    certificate_for(link, side, text);
    jsonw_put_text(j, "for", found ? buf_span(&title) : span_str(text));
    put_optional(j, "device", span_str(device ? link : ""));
    buf_release(&title);
    jsonw_put_str(j, "link", link);
    jsonw_put_str(j, "side", side);
}

static void put_act(struct call *c, const char *key, const char *serial, const char *act, tq_time known)
{
    struct jsonw *j = &c->json;
    struct certificate_act *a = calloc(1, sizeof *a);
    bool recorded = a != NULL && certificate_act(c->db, serial, act, a);
    jsonw_key(j, key);
    if (known == 0 && !recorded) {
        jsonw_null(j);
    } else {
        jsonw_object(j);
        put_time(j, "at", recorded ? a->time : known);
        put_optional(j, "by", span_str(recorded ? a->person : ""));
        put_optional(j, "why", span_str(recorded ? a->why : ""));
        jsonw_key(j, "record");
        if (recorded)
            jsonw_uint(j, a->record);
        else
            jsonw_null(j);
        jsonw_object_end(j);
    }
    free(a);
}

static void put_dates(struct call *c, const struct api_certificate *x)
{
    struct jsonw *j = &c->json;
    put_time(j, "not_before", x->not_before);
    put_time(j, "not_after", x->not_after);
    jsonw_put_int(j, "days_left", x->not_after > c->now.wall ? (x->not_after - c->now.wall) / DAY : 0);
    jsonw_put_str(j, "fingerprint", x->fingerprint);
}

static void put_certificate(void *to, const struct api_certificate *x)
{
    struct call *c = to;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_str(j, "serial", x->serial);
    jsonw_put_str(j, "name", x->ours ? "Tourniquet" : x->subject[0] != 0 ? x->subject : x->names);
    put_for(c, x->link, x->side);
    jsonw_put_str(j, "holder", x->ours ? "ours" : "peer");
    jsonw_put_str(j, "issuer", x->outside || x->given ? "outside" : "own");
    jsonw_put_str(j, "names", x->names);
    put_dates(c, x);
    put_time(j, "renew_at", x->renew_at);
    jsonw_put_str(j, "state", state_of(x, c->now.wall));
    put_optional(j, "replaces", span_str(x->replaces));
    put_act(c, "made", x->serial, CERTIFICATE_MADE, x->made);
    put_act(c, "revoked", x->serial, CERTIFICATE_REVOKED, x->revoked);
    jsonw_object_end(j);
}

static void put_enrolment(void *to, const struct api_enrolment *x)
{
    struct call *c = to;
    struct jsonw *j = &c->json;
    if (x->until <= c->now.wall)
        return;
    jsonw_object(j);
    jsonw_put_str(j, "id", x->id);
    put_for(c, x->link, x->side);
    jsonw_put_str(j, "names", x->names);
    jsonw_put_int(j, "days", x->days);
    put_time(j, "until", x->until);
    jsonw_object_end(j);
}

static void put_beside(struct call *c, const struct api_pki *pki, const char *which)
{
    struct api_certificate x;
    jsonw_key(&c->json, which);
    if (!pki->beside(c->api->host.context, which, &x)) {
        jsonw_null(&c->json);
        return;
    }
    jsonw_object(&c->json);
    jsonw_put_str(&c->json, "serial", x.serial);
    put_dates(c, &x);
    jsonw_object_end(&c->json);
}

static void put_authority(struct call *c, const struct api_pki *pki)
{
    struct api_certificate x;
    struct jsonw *j = &c->json;
    jsonw_key(j, "authority");
    if (!pki->authority(c->api->host.context, &x)) {
        jsonw_null(j);
        return;
    }
    jsonw_object(j);
    jsonw_put_str(j, "subject", x.subject);
    jsonw_put_str(j, "serial", x.serial);
    put_dates(c, &x);
    put_beside(c, pki, "next");
    put_beside(c, pki, "former");
    jsonw_object_end(j);
}

void handle_certificate_list(struct call *c)
{
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL)
        return;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    put_authority(c, pki);
    jsonw_key(j, "items");
    jsonw_array(j);
    pki->list(c->api->host.context, put_certificate, c);
    jsonw_array_end(j);
    jsonw_key(j, "enrolments");
    jsonw_array(j);
    pki->enrolments(c->api->host.context, put_enrolment, c);
    jsonw_array_end(j);
    jsonw_object_end(j);
}

void handle_certificate_chain(struct call *c)
{
    const struct api_pki *pki = pki_of(c);
    struct error e = {0};
    if (pki != NULL)
        pem(c, pki->fetch(c->api->host.context, "chain", c->params[0], &c->reply->body, &e), &e);
}

void handle_pki_authority(struct call *c)
{
    const struct api_pki *pki = pki_of(c);
    struct error e = {0};
    if (pki != NULL)
        pem(c, pki->fetch(c->api->host.context, "authority", (struct span){0}, &c->reply->body, &e), &e);
}

void handle_pki_crl(struct call *c)
{
    const struct api_pki *pki = pki_of(c);
    struct error e = {0};
    if (pki != NULL)
        pem(c, pki->fetch(c->api->host.context, "crl", (struct span){0}, &c->reply->body, &e), &e);
}

/* ── records ── */

static void record_for(struct record *r, const char *link, const char *side, const char *names, char words[CERTIFICATE_FOR])
{
    struct span left = span_str(names);
    certificate_for(link, side, words);
    record_str(r, KEY_CERTIFICATE_LINK, link);
    record_str(r, KEY_CERTIFICATE_SIDE, side);
    record_str(r, KEY_CERTIFICATE_FOR, words);
    while (left.n > 0)
        record_text(r, KEY_CERTIFICATE_NAMES, span_until(&left, ',', NULL));
}

void certificate_record(struct record *r, const struct api_certificate *x, char words[CERTIFICATE_FOR])
{
    record_for(r, x->link, x->side, x->names, words);
    record_str(r, KEY_CERTIFICATE_SERIAL, x->serial);
    record_str(r, KEY_CERTIFICATE_FINGERPRINT, x->fingerprint);
    record_int(r, KEY_CERTIFICATE_OURS, x->ours);
    record_str(r, KEY_CERTIFICATE_REPLACES, x->replaces);
    if (x->not_before != 0)
        record_int(r, KEY_CERTIFICATE_NOT_BEFORE, x->not_before);
    record_int(r, KEY_CERTIFICATE_NOT_AFTER, x->not_after);
}

static bool note(struct call *c, enum event event, const struct api_certificate *x, struct span why)
{
    uint64_t index = 0;
    char words[CERTIFICATE_FOR];
    struct record *r = decision(c, event);
    if (r == NULL)
        return false;
    certificate_record(r, x, words);
    record_text(r, KEY_WHY, why);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

static bool note_enrolment(struct call *c, const struct api_enrolment *x, const char *what, struct span why)
{
    uint64_t index = 0;
    char words[CERTIFICATE_FOR];
    struct record *r = decision(c, EVENT_CERTIFICATE_ENROLMENT);
    if (r == NULL)
        return false;
    record_str(r, KEY_WHAT, what);
    record_str(r, KEY_ENROLMENT, x->id);
    record_for(r, x->link, x->side, x->names, words);
    record_text(r, KEY_WHY, why);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

/* ── making the authority ── */

/* Names and networks at commas; names holds them. */
static size_t read_permit(struct span text, char names[CERTIFICATE_NAMES_TEXT], const char *permit[CERTIFICATE_NAMES + 1])
{
    size_t n = 0;
    (void)snprintf(names, CERTIFICATE_NAMES_TEXT, "%.*s", (int)text.n, text.n == 0 ? "" : (const char *)text.p);
    char *rest = names;
    for (char *name = strsep(&rest, ","); name != NULL && n <= CERTIFICATE_NAMES; name = strsep(&rest, ","))
        if (name[0] != 0)
            permit[n++] = name;
    return n;
}

static bool note_succession(struct call *c, const char *what, const struct api_certificate *x, struct span why)
{
    enum event event = strcmp(what, "next") == 0     ? EVENT_CERTIFICATE_ISSUED
                       : strcmp(what, "switch") == 0 ? EVENT_CERTIFICATE_ROTATED
                                                     : EVENT_CERTIFICATE_REVOKED;
    return note(c, event, x, why);
}

/* The authority that is to follow, in three steps. */
void handle_pki_succeed(struct call *c)
{
    static const char *const steps[] = {"next", "switch", "drop"};
    struct body_field f[] = {{.name = "step", .max = 16},
                             {.name = "why", .max = WHY_MAX},
                             {.name = "permit", .max = CERTIFICATE_NAMES_TEXT - 1, .optional = true},
                             {.name = "password", .max = PASSWORD_LONGEST, .optional = true}};
    struct body body;
    struct error e = {0};
    struct api_certificate x;
    char names[CERTIFICATE_NAMES_TEXT];
    const char *permit[CERTIFICATE_NAMES + 1];
    const char *what = NULL;
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    for (size_t i = 0; i < 3; i++)
        what = span_is(f[0].text, steps[i]) ? steps[i] : what;
    if (what == NULL) {
        problem(c, 422, "step", "The step is next, switch or drop.");
    } else if (!reason_valid(f[1].text)) {
        problem(c, 422, "why", "Say in a few words why.");
    } else if (proof_again(c, f[3].text, PERMISSION)) {
        size_t n = read_permit(f[2].text, names, permit);
        if (pki->succeed(c->api->host.context, what, permit, n, &x, &e) != 0) {
            refused(c, &e);
        } else if (note_succession(c, what, &x, f[1].text)) {
            jsonw_object(&c->json);
            put_authority(c, pki);
            jsonw_object_end(&c->json);
        }
    }
    body_close(&body);
}

void handle_pki_init(struct call *c)
{
    struct body_field f = {.name = "permit", .max = CERTIFICATE_NAMES_TEXT - 1, .optional = true};
    struct body body;
    struct error e = {0};
    struct api_certificate made;
    char names[CERTIFICATE_NAMES_TEXT] = "";
    const char *permit[CERTIFICATE_NAMES + 1];
    size_t n = 0;
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !body_open(c, &body, &f, 1))
        return;
    n = read_permit(f.text, names, permit);
    body_close(&body);
    if (pki->init(c->api->host.context, permit, n, &made, &e) != 0) {
        refused(c, &e);
    } else if (note(c, EVENT_CERTIFICATE_ISSUED, &made, (struct span){0})) {
        jsonw_object(&c->json);
        put_authority(c, pki);
        jsonw_object_end(&c->json);
    }
}

/* ── enrolments ── */

static bool take_text(struct span text, char *out, size_t size)
{
    bool fits = text.n < size && (text.n == 0 || memchr(text.p, 0, text.n) == NULL);
    size_t n = fits ? span_copy(text, out, size - 1) : 0;
    out[n] = 0;
    return fits;
}

/* f: link, side. */
static bool read_side(struct call *c, const struct body_field *f, char link[CERTIFICATE_LINK], char side[12])
{
    if (!take_text(f[0].text, link, CERTIFICATE_LINK) || link[0] == 0 ||
        strspn(link, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != strlen(link))
        problem(c, 422, "link", "Name the link as lab.yaml names it.");
    else if (!take_text(f[1].text, side, 12) || (strcmp(side, "lis") != 0 && strcmp(side, "analyzer") != 0))
        problem(c, 422, "side", "The side is lis or analyzer.");
    else
        return true;
    return false;
}

static void note_device(void *context, const struct asset_row *row)
{
    struct api_enrolment *x = context;
    struct span ips = row->ips;
    (void)span_until(&ips, '"', NULL);
    struct span ip = span_until(&ips, '"', NULL);
    (void)snprintf(x->link, sizeof x->link, "%.*s", (int)row->id.n, (const char *)row->id.p);
    (void)snprintf(x->names, sizeof x->names, "%.*s", (int)ip.n, ip.n == 0 ? "" : (const char *)ip.p);
    x->known = span_is(row->admission, "vouched");
}

/* A device that somebody vouched for; its first address is its name where none is given. */
static bool read_device(struct call *c, struct span id, struct api_enrolment *ret)
{
    struct error e = {0};
    bool found = false;
    if (asset_get(c->db, id, note_device, ret, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-device", "There is no device with this id.");
    else if (!ret->known)
        problem(c, 409, "not-vouched", "Nobody has vouched for this device: do that first, then it gets a certificate.");
    (void)snprintf(ret->side, sizeof ret->side, CERTIFICATE_DEVICE);
    return !answered(c);
}

/* f: link, side, names, days, device. */
static bool read_enrolment(struct call *c, const struct body_field *f, struct api_enrolment *ret)
{
    uint64_t days = ENROLMENT_DAYS;
    *ret = (struct api_enrolment){0};
    bool device = f[4].text.n > 0;
    if (device && f[0].text.n + f[1].text.n > 0) {
        problem(c, 422, "device", "A certificate is for a side of a link, or for a device.");
        return false;
    }
    if (!(device ? read_device(c, f[4].text, ret) : read_side(c, f, ret->link, ret->side)))
        return false;
    if (device && f[2].text.n == 0 && ret->names[0] != 0) {
        if (f[3].text.n > 0 && !span_decimal(f[3].text, 10000, &days))
            problem(c, 422, "days", "The life of a certificate is a number of days.");
        ret->days = (int64_t)days;
        return !answered(c);
    }
    if (!take_text(f[2].text, ret->names, sizeof ret->names) || ret->names[0] == 0)
        problem(c, 422, "names", "Name the hosts or addresses that the certificate is for, with commas between.");
    else if (f[3].text.n > 0 && !span_decimal(f[3].text, 10000, &days))
        problem(c, 422, "days", "The life of a certificate is a number of days.");
    else {
        ret->days = (int64_t)days;
        return true;
    }
    return false;
}

void handle_enrolment_new(struct call *c)
{
    struct body_field f[] = {{.name = "link", .max = CERTIFICATE_LINK, .optional = true},        {.name = "side", .max = 12, .optional = true},
                             {.name = "names", .max = CERTIFICATE_NAMES_TEXT, .optional = true}, {.name = "days", .max = 5, .optional = true},
                             {.name = "device", .max = CERTIFICATE_LINK, .optional = true},      {.name = "why", .max = WHY_MAX, .optional = true},
                             {.name = "password", .max = PASSWORD_LONGEST, .optional = true}};
    struct body body;
    struct error e = {0};
    struct api_enrolment x;
    char code[ENROLMENT_CODE];
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    if (f[5].text.n > 0 && !reason_valid(f[5].text))
        problem(c, 422, "why", "The reason is a line of text.");
    else if (read_enrolment(c, f, &x) && proof_again(c, f[6].text, PERMISSION)) {
        if (pki->enrol(c->api->host.context, &x, code, &e) != 0)
            refused(c, &e);
        else if (note_enrolment(c, &x, "begun", f[5].text)) {
            c->reply->hidden = true;
            jsonw_object(&c->json);
            jsonw_put_str(&c->json, "id", x.id);
            jsonw_put_str(&c->json, "code", code);
            put_time(&c->json, "until", x.until);
            jsonw_put_bool(&c->json, "known", x.known);
            jsonw_object_end(&c->json);
        }
        explicit_bzero(code, sizeof code);
    }
    body_close(&body);
}

void handle_enrolment_withdraw(struct call *c)
{
    struct error e = {0};
    struct api_enrolment x;
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL)
        return;
    if (pki->withdraw(c->api->host.context, c->params[0], &x, &e) == 0)
        (void)note_enrolment(c, &x, "withdrawn", (struct span){0});
    else if (e.class == ERR_MISUSE)
        problem(c, 404, "no-enrolment", "There is no such enrolment: it was used, or has ended.");
    else
        refused(c, &e);
}

/* A wrong code costs everybody who has none: few are heard a minute. */
static bool may_try(struct call *c)
{
    int64_t wait = 0;
    (void)pthread_mutex_lock(&c->api->lock);
    bool open = throttle_window_open(&c->api->enrolment_wrong, WRONG_CODES_A_MINUTE, c->now.monotonic, &wait);
    (void)pthread_mutex_unlock(&c->api->lock);
    if (!open)
        problem_later(c, 429, "throttled", "Too many wrong codes. Wait a little, then try again.", wait);
    return open;
}

static void count_wrong(struct call *c)
{
    (void)pthread_mutex_lock(&c->api->lock);
    throttle_window_count(&c->api->enrolment_wrong);
    (void)pthread_mutex_unlock(&c->api->lock);
}

static void redeem(struct call *c, const struct api_pki *pki, struct span request)
{
    struct error e = {0};
    struct api_certificate x;
    struct buf chain = BUF_INIT(CERTIFICATE_PEM);
    if (pki->redeem(c->api->host.context, c->params[0], request, &x, &chain, &e) == 0) {
        if (note(c, EVENT_CERTIFICATE_ISSUED, &x, (struct span){0})) {
            buf_add_span(&c->reply->body, buf_span(&chain));
            pem(c, 0, NULL);
        }
    } else if (e.class == ERR_LOCKED) {
        count_wrong(c);
        refuse(c, 403, "wrong-code", "No open enrolment has this code: it is wrong, was used, or has ended. Ask for a new one.", "enrolment");
    } else if (e.class == ERR_PEER) {
        problem(c, 422, "request", e.text);
    } else {
        refused(c, &e);
    }
    buf_release(&chain);
}

/* The request itself, as openssl writes it, or {"request": "…"}. */
void handle_enrolment_redeem(struct call *c)
{
    struct body_field f = {.name = "request", .max = CERTIFICATE_REQUEST};
    struct body body;
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !may_try(c))
        return;
    if (span_starts(c->request->body, SPAN_LIT("-----BEGIN"))) {
        redeem(c, pki, c->request->body);
    } else if (body_open(c, &body, &f, 1)) {
        redeem(c, pki, f.text);
        body_close(&body);
    }
}

/* ── our own, made by another authority ── */

void handle_certificate_request(struct call *c)
{
    struct body_field f[] = {
        {.name = "link", .max = CERTIFICATE_LINK}, {.name = "side", .max = 12}, {.name = "names", .max = CERTIFICATE_NAMES_TEXT, .optional = true}};
    struct body body;
    struct error e = {0};
    char link[CERTIFICATE_LINK];
    char side[12];
    char names[CERTIFICATE_NAMES_TEXT] = "";
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    if (f[2].text.n > 0 && !take_text(f[2].text, names, sizeof names))
        problem(c, 422, "names", "Name the hosts or addresses that the certificate is for, with commas between.");
    else if (read_side(c, f, link, side))
        pem(c, pki->request(c->api->host.context, link, side, names, &c->reply->body, &e), &e);
    body_close(&body);
}

void handle_certificate_install(struct call *c)
{
    struct body_field f[] = {{.name = "link", .max = CERTIFICATE_LINK},
                             {.name = "side", .max = 12},
                             {.name = "certificate", .max = CERTIFICATE_PEM},
                             {.name = "why", .max = WHY_MAX, .optional = true},
                             {.name = "password", .max = PASSWORD_LONGEST, .optional = true}};
    struct body body;
    struct error e = {0};
    char link[CERTIFICATE_LINK];
    char side[12];
    struct api_certificate x;
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    if (f[3].text.n > 0 && !reason_valid(f[3].text)) {
        problem(c, 422, "why", "The reason is a line of text.");
    } else if (read_side(c, f, link, side) && proof_again(c, f[4].text, PERMISSION)) {
        struct span why = f[3].text.n > 0 ? f[3].text : SPAN_LIT("made by another authority, from our request");
        if (pki->install(c->api->host.context, link, side, f[2].text, &x, &e) != 0)
            refused(c, &e);
        else if (note(c, x.replaces[0] != 0 ? EVENT_CERTIFICATE_ROTATED : EVENT_CERTIFICATE_ISSUED, &x, why))
            put_certificate(c, &x);
    }
    body_close(&body);
}

/* ── rotating, revoking ── */

static void change(struct call *c, bool revoke)
{
    struct body_field f[] = {{.name = "why", .max = WHY_MAX}, {.name = "password", .max = PASSWORD_LONGEST, .optional = true}};
    struct body body;
    struct error e = {0};
    struct api_certificate x;
    const struct api_pki *pki = pki_of(c);
    if (pki == NULL || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    if (!reason_valid(f[0].text)) {
        problem(c, 422, "why", "Say in a few words why.");
    } else if (!revoke || proof_again(c, f[1].text, PERMISSION)) {
        int rc = (revoke ? pki->revoke : pki->rotate)(c->api->host.context, c->params[0], &x, &e);
        if (rc != 0)
            refused(c, &e);
        else if (note(c, revoke ? EVENT_CERTIFICATE_REVOKED : EVENT_CERTIFICATE_ROTATED, &x, f[0].text))
            put_certificate(c, &x);
    }
    body_close(&body);
}

struct ending {
    struct call *c;
    int64_t device;
    size_t n;
    char serials[ENDING_MOST][sizeof((struct api_certificate *)0)->serial];
};

static void gather_ending(void *to, const struct api_certificate *x)
{
    struct ending *g = to;
    if (strcmp(x->side, CERTIFICATE_DEVICE) == 0 && x->revoked == 0 && x->not_after > g->c->now.wall && g->n < ENDING_MOST &&
        admission_same_device(g->c->db, span_str(x->link), g->device))
        (void)snprintf(g->serials[g->n++], sizeof g->serials[0], "%s", x->serial);
}

struct holding {
    struct buf *out;
    tq_time now;
};

static void gather_held(void *to, const struct api_certificate *x)
{
    struct holding *h = to;
    if (strcmp(x->side, CERTIFICATE_DEVICE) == 0 && x->revoked == 0 && x->not_after > h->now)
        buf_addf(h->out, "%s\n", x->link);
}

static void gather_enrolling(void *to, const struct api_enrolment *x)
{
    struct holding *h = to;
    if (strcmp(x->side, CERTIFICATE_DEVICE) == 0)
        buf_addf(h->out, "%s\n", x->link);
}

void certificates_held(struct call *c, struct buf *out)
{
    const struct api_pki *pki = c->api->host.pki;
    struct holding h = {.out = out, .now = c->now.wall};
    if (pki == NULL)
        return;
    pki->list(c->api->host.context, gather_held, &h);
    pki->enrolments(c->api->host.context, gather_enrolling, &h);
}

void certificates_end(struct call *c, int64_t n, const char *why)
{
    const struct api_pki *pki = c->api->host.pki;
    struct ending g = {.c = c, .device = n};
    if (pki == NULL)
        return;
    pki->list(c->api->host.context, gather_ending, &g);
    for (size_t i = 0; i < g.n && !answered(c); i++) {
        struct error e = {0};
        struct api_certificate x;
        if (pki->revoke(c->api->host.context, span_str(g.serials[i]), &x, &e) != 0)
            refused(c, &e);
        else
            (void)note(c, EVENT_CERTIFICATE_REVOKED, &x, span_str(why));
    }
}

void handle_certificate_rotate(struct call *c)
{
    change(c, false);
}

void handle_certificate_revoke(struct call *c)
{
    change(c, true);
}
