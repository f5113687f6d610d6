/* Report something: anybody tells what they saw, under their name or without; who handles reports answers; who reported sees how far it is.
 *
 * Invariants
 *  1. A report without a name: its record has no person, session, token or address, also where the browser sent a session along. How often one
 * address may report is counted in memory only.
 *  2. A picture is stripped before it is kept (wire/photo.h): nothing of where, when and with what it was taken goes on the ledger. It lies sealed as
 * the record's body, in no view, and is shown behind the record of a look only.
 *  3. The claim code is made by the reporter's device and never kept, only its hash; it comes in bodies, never in an address. The same code twice is
 * the same report: a phone that was cut off sends again without harm. */
#include "door/api/look_private.h"

#include "base/text.h"
#include "lab/people/code.h"
#include "lab/people/password_rules.h"
#include "lab/respond/report.h"
#include "record/crypto/crypto.h"
#include "wire/photo.h"

#include <stdio.h>
#include <stdlib.h>

#define PERMISSION "report.handle"
#define PHOTO_MAX (640u << 10)
#define PHOTO_TEXT_MAX (4 * (PHOTO_MAX / 3 + 1))
#define WHY_MAX 500
#define ANSWER_MAX 2000
#define NAMED_AN_HOUR 30   /* of one person */
#define NAMELESS_AN_HOUR 6 /* from one address … */
#define NAMELESS_OF_ALL 30 /* … and from all together */
#define CODES_A_MINUTE 10  /* that one address may try */
#define HOUR (3600 * TIME_SECOND)

/* ── what is sent along ── */

static const char *photo_type(enum photo_kind kind)
{
    return kind == PHOTO_JPEG ? "image/jpeg" : "image/png";
}

/* The picture without what is not drawn. Empty out: none was sent. False: the problem is set. */
static bool take_photo(struct call *c, struct span text, struct buf *out, const char **ret_type)
{
    struct buf file = BUF_SECRET(PHOTO_MAX);
    struct photo photo;
    struct error e = {0};
    *ret_type = NULL;
    if (text.n == 0)
        return true;
    if (!text_unbase64(text, &file)) {
        problem(c, 422, "photo", "The picture cannot be read: it is over 640 KiB, or no base64.");
    } else if (photo_strip(buf_span(&file), out, &photo, &e) != 0) {
        char detail[200];
        (void)snprintf(detail, sizeof detail, "%.190s.", e.text);
        detail[0] = (char)(detail[0] >= 'a' && detail[0] <= 'z' ? detail[0] & ~0x20 : detail[0]);
        problem(c, 422, "photo", detail);
    } else {
        *ret_type = photo_type(photo.kind);
    }
    buf_release(&file);
    return !answered(c);
}

static size_t characters(struct span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

enum { KIND, TEXT, NOW, PHOTO, CLAIM, FIELDS };

static bool sensible(struct call *c, const struct body_field f[FIELDS])
{
    struct span text = f[TEXT].text;
    if (!report_kind_valid(f[KIND].text))
        problem(c, 422, "kind", "\"kind\" is device, person, message, result, lost or other.");
    else if (text.n == 0 && f[PHOTO].text.n == 0)
        problem(c, 422, "empty", "Say in a few words what you saw, or send a picture.");
    else if (text.n > 0 && (!reason_valid(text) || characters(text) > REPORT_TEXT_MAX))
        problem(c, 422, "text", "The text has at most 2,000 characters, on lines without other control characters.");
    return !answered(c);
}

/* ── how often ── */

static bool hour_open(struct api_hour *h, int64_t most, tq_time now)
{
    if (h->count == 0 || now - h->start >= HOUR || now < h->start) {
        h->start = now;
        h->count = 0;
    }
    return h->count < most;
}

/* One more without a name, from this address. */
static bool nameless_may(struct api *api, struct span peer, tq_time now)
{
    uint8_t hash[SHA256_SIZE];
    crypto_hmac_sha256(span_of(api->key, sizeof api->key), peer, hash);
    (void)pthread_mutex_lock(&api->lock);
    struct api_hour *mine = &api->reporters[0];
    for (size_t i = 0; i < API_REPORTERS; i++) {
        struct api_hour *h = &api->reporters[i];
        if (h->count > 0 && memcmp(h->who, hash, sizeof h->who) == 0) {
            mine = h;
            break;
        }
        if (h->start < mine->start || h->count == 0)
            mine = h;
    }
    if (memcmp(mine->who, hash, sizeof mine->who) != 0)
        *mine = (struct api_hour){0};
    memcpy(mine->who, hash, sizeof mine->who);
    bool open = hour_open(mine, NAMELESS_AN_HOUR, now) && hour_open(&api->reports, NAMELESS_OF_ALL, now);
    if (open) {
        mine->count++;
        api->reports.count++;
    }
    (void)pthread_mutex_unlock(&api->lock);
    return open;
}

static bool named_may(struct call *c)
{
    struct error e = {0};
    int64_t n = report_count_since(c->db, span_str(c->person.name), c->now.wall - HOUR, &e);
    if (n < 0)
        problem_store(c, &e);
    else if (n >= NAMED_AN_HOUR)
        problem_later(c, 429, "throttled", "You have reported 30 times within an hour. Tell the lab manager, or wait a little.", 600);
    return !answered(c);
}

/* ── answers ── */

static void put_report(struct jsonw *j, const struct report_row *r, bool whole)
{
    char etag[24];
    (void)snprintf(etag, sizeof etag, "%llu", (unsigned long long)r->changed);
    jsonw_put_text(j, "id", r->id);
    jsonw_put_str(j, "etag", etag);
    jsonw_put_text(j, "kind", r->kind);
    jsonw_put_text(j, "text", r->text);
    jsonw_put_bool(j, "now", r->urgent);
    put_time(j, "time", r->time);
    put_optional(j, "person", r->person);
    put_optional(j, "display_name", r->display_name);
    put_optional(j, "photo", r->photo);
    jsonw_put_text(j, "state", r->state);
    put_optional(j, "taken_by", whole ? r->taken_by : (struct span){0});
    put_optional(j, "answer", r->answer);
    put_time(j, "answered", r->answered);
    jsonw_put_uint(j, "record", r->record);
}

static void put_status(void *context, const struct report_row *r)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    jsonw_put_text(j, "state", r->state);
    put_time(j, "time", r->time);
    put_optional(j, "answer", r->answer);
    put_time(j, "answered", r->answered);
    jsonw_object_end(j);
}

/* ── POST /reports, /reports/nameless ── */

static bool write_down(struct call *c, const struct body_field f[FIELDS], bool named, const char *claim, struct span photo, const char *type)
{
    char id[REPORT_ID];
    uint64_t index = 0;
    struct record *r = named ? decision(c, EVENT_REPORT_FILED) : malloc(sizeof *r);
    if (r == NULL) {
        if (!answered(c))
            problem(c, 503, "memory", "Not saved: the machine is out of memory.");
        return false;
    }
    if (!named)
        record_start(r, EVENT_REPORT_FILED, c->now.wall, NULL);
    report_id(c->now.wall, id);
    record_str(r, KEY_REPORT, id);
    record_text(r, KEY_KIND, f[KIND].text);
    record_text(r, KEY_REPORT_TEXT, f[TEXT].text);
    if (span_is(f[NOW].text, "true"))
        record_int(r, KEY_REPORT_NOW, 1);
    record_str(r, KEY_REPORT_PHOTO, type);
    record_str(r, KEY_REPORT_CLAIM, claim[0] != 0 ? claim : NULL);
    if (type != NULL) {
        record_int(r, KEY_BODY_BYTES, photo.n);
        record_body(r, photo);
    }
    bool ok = decide(c, r, &index);
    free(r);
    /* a mail of a simulation, perhaps: telling of it is what it is for */
    if (ok && named && span_is(f[KIND].text, "message") && !phishing_reported_text(c, f[TEXT].text, "report"))
        phishing_reported_some(c);
    return ok;
}

static void file(struct call *c, bool named)
{
    struct body body;
    struct body_field f[FIELDS] = {[KIND] = {.name = "kind", .max = 16},
                                   [TEXT] = {.name = "text", .max = 4 * REPORT_TEXT_MAX, .optional = true},
                                   [NOW] = {.name = "now", .max = 8, .optional = true, .boolean = true},
                                   [PHOTO] = {.name = "photo", .max = PHOTO_TEXT_MAX, .optional = true},
                                   [CLAIM] = {.name = "claim", .max = 64}};
    char claim[REPORT_CLAIM];
    bool found = false;
    struct error e = {0};
    const char *type = NULL;
    struct buf photo = BUF_SECRET(PHOTO_MAX);
    if (!body_open(c, &body, f, FIELDS))
        return;
    if (!report_claim(f[CLAIM].text, claim)) {
        problem(c, 422, "claim", "\"claim\" is a code of four groups of five letters or digits, made at random by whoever reports.");
    } else if (report_by_claim(c->db, claim, put_status, c, &found, &e) != 0) {
        problem_store(c, &e);
    } else if (!found && sensible(c, f)) {
        if (!named && !nameless_may(c->api, span_str(c->origin), c->now.monotonic))
            problem_later(c, 429, "throttled", "Too many reports without a name came in within an hour. Tell somebody, or wait a little.", 600);
        else if ((!named || named_may(c)) && take_photo(c, f[PHOTO].text, &photo, &type) && write_down(c, f, named, claim, buf_span(&photo), type) &&
                 report_by_claim(c->db, claim, put_status, c, &found, &e) != 0)
            problem_store(c, &e);
    }
    buf_release(&photo);
    body_close(&body);
}

void handle_report_file(struct call *c)
{
    file(c, true);
}

void handle_report_nameless(struct call *c)
{
    file(c, false);
}

/* ── POST /reports/status ── */

void handle_report_status(struct call *c)
{
    struct body body;
    struct body_field f = {.name = "claim", .max = 64};
    char claim[REPORT_CLAIM];
    char asker[sizeof c->origin + 16];
    int64_t wait = 0;
    bool found = false;
    struct error e = {0};
    if (!body_open(c, &body, &f, 1))
        return;
    (void)snprintf(asker, sizeof asker, "report code %s", c->origin);
    if (!rate_take(c->api->rates, span_str(asker), CODES_A_MINUTE, c->now.monotonic, c->now.wall, &wait))
        problem_later(c, 429, "throttled", "Too many codes were tried. Wait a little, then try again.", wait);
    else if (report_claim(f.text, claim) && report_by_claim(c->db, claim, put_status, c, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found)
        problem(c, 404, "no-report", "No report has this code. Compare it letter by letter; it may also not have been sent yet.");
    body_close(&body);
}

/* ── GET /reports ── */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
    bool whole;
};

static void put_row(void *context, const struct report_row *row)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = row->n;
    jsonw_object(&l->c->json);
    put_report(&l->c->json, row, l->whole);
    jsonw_object_end(&l->c->json);
}

void handle_report_list(struct call *c)
{
    char state[PARAM_MAX + 1];
    char mine[PARAM_MAX + 1];
    struct page page;
    if (!query_text(c, "state", state) || !query_text(c, "mine", mine) || !query_page(c, "reports", &page))
        return;
    if (state[0] != 0 && strcmp(state, "all") != 0 && !report_state_valid(span_str(state))) {
        problem(c, 400, "state", "\"state\" is open, received, looking, answered, closed or all.");
        return;
    }
    bool all = may(c, PERMISSION) && strcmp(mine, "yes") != 0;
    struct filed_query q = {.state = state[0] == 0               ? (all ? SPAN_LIT("open") : SPAN_LIT(""))
                                     : strcmp(state, "all") == 0 ? SPAN_LIT("")
                                                                 : span_str(state),
                            .person = all ? SPAN_LIT("") : span_str(c->person.name),
                            .before = page.after ? page.number : 0,
                            .limit = page.limit + 1};
    struct listing l = {.c = c, .limit = page.limit, .whole = may(c, PERMISSION)};
    struct error e = {0};
    list_begin(c);
    int rc = report_list(c->db, &q, put_row, &l, &e);
    list_end(c, "reports", l.given > l.limit, &l.last, rc == 0 ? report_total(c->db, &q, &e) : -1, &e);
}

/* ── one report ── */

struct one {
    struct call *c;
    struct error error;
    int64_t n;
    uint64_t record;
    uint64_t changed;
    char state[16];
    char photo[16];
    bool theirs; /* whoever asks reported it, or handles reports */
};

static void note(void *context, const struct report_row *r)
{
    struct one *o = context;
    o->n = r->n;
    o->record = r->record;
    o->changed = r->changed;
    (void)snprintf(o->state, sizeof o->state, "%.*s", (int)r->state.n, (const char *)r->state.p);
    (void)snprintf(o->photo, sizeof o->photo, "%.*s", (int)r->photo.n, (const char *)r->photo.p);
    o->theirs = may(o->c, PERMISSION) || (r->person.n > 0 && span_is(r->person, o->c->person.name));
}

static void put_step(void *context, tq_time time, struct span event, struct span person, struct span why, uint64_t record)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    put_time(j, "time", time);
    jsonw_put_text(j, "event", event);
    put_optional(j, "person", person);
    put_optional(j, "why", why);
    jsonw_put_uint(j, "record", record);
    jsonw_object_end(j);
}

static void put_detail(void *context, const struct report_row *r)
{
    struct one *o = context;
    struct jsonw *j = &o->c->json;
    bool handles = may(o->c, PERMISSION);
    set_etag(o->c, r->changed);
    jsonw_object(j);
    put_report(j, r, handles);
    jsonw_key(j, "history");
    jsonw_array(j);
    if (handles)
        (void)report_history(o->c->db, r->n, put_step, o->c, &o->error);
    jsonw_array_end(j);
    jsonw_object_end(j);
}

/* False: the problem is set. A report of somebody else is none for who does not handle them. */
static bool find(struct call *c, struct one *o)
{
    bool found = false;
    *o = (struct one){.c = c};
    if (report_get(c->db, c->params[0], note, o, &found, &o->error) != 0)
        problem_store(c, &o->error);
    else if (!found || !o->theirs)
        problem(c, 404, "no-report", "There is no report with this id.");
    return !answered(c);
}

void handle_report_get(struct call *c)
{
    struct one o;
    bool found = false;
    if (find(c, &o) && (report_get(c->db, c->params[0], put_detail, &o, &found, &o.error) != 0 || o.error.class != ERR_NONE))
        problem_store(c, &o.error);
}

static bool step(struct call *c, enum event event, struct span why, struct span answer)
{
    struct record *r = decision(c, event);
    uint64_t index = 0;
    if (r == NULL)
        return false;
    record_text(r, KEY_REPORT, c->params[0]);
    record_text(r, KEY_WHY, why);
    record_text(r, KEY_REPORT_ANSWER, answer);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

static void make_step(struct call *c, enum event event, const char *needs)
{
    struct body body;
    struct body_field text = {.name = needs != NULL ? needs : "why", .max = 4 * ANSWER_MAX, .optional = needs == NULL};
    bool answer = event == EVENT_REPORT_ANSWERED;
    struct one o;
    if (!body_open(c, &body, &text, 1))
        return;
    if (find(c, &o) && if_match(c, o.changed)) {
        if ((needs != NULL || text.text.n > 0) && (!reason_valid(text.text) || characters(text.text) > (answer ? ANSWER_MAX : WHY_MAX)))
            problem(c, 422, needs != NULL ? needs : "why", answer ? "Write an answer of at most 2,000 characters." : "Say in a few words why.");
        else if (!report_may(event_name(event), span_str(o.state)))
            problem(c, 409, "state", "This report is not in a state for that: somebody else was faster. Look again.");
        else if (step(c, event, answer ? (struct span){0} : text.text, answer ? text.text : (struct span){0}))
            handle_report_get(c);
    }
    body_close(&body);
}

void handle_report_take(struct call *c)
{
    make_step(c, EVENT_REPORT_TAKEN, NULL);
}

void handle_report_release(struct call *c)
{
    make_step(c, EVENT_REPORT_RELEASED, NULL);
}

void handle_report_answer(struct call *c)
{
    make_step(c, EVENT_REPORT_ANSWERED, "answer");
}

void handle_report_close(struct call *c)
{
    make_step(c, EVENT_REPORT_CLOSED, "why");
}

/* ── the picture ── */

static void show_photo(struct call *c, const struct one *o, struct span reason, int64_t before)
{
    struct buf opened = BUF_SECRET(REPLY_BODY_MAX);
    struct api_record record = {0};
    struct error e = {0};
    uint64_t look = 0;
    if (c->api->host.ledger_open_record(c->api->host.context, o->record, &opened, &record, &e) != 0 || record.body.n == 0) {
        problem(c, e.class == ERR_CLOSED ? 410 : 503, e.class == ERR_CLOSED ? "erased" : "ledger",
                e.class == ERR_CLOSED ? e.text : "The picture cannot be read. Check the ledger.");
    } else if (look_record(c, o->record, EVENT_REPORT_FILED, "picture of a report", reason, &look)) {
        c->reply->hidden = true;
        buf_add_span(&c->reply->body, record.body);
        (void)snprintf(c->reply->type, sizeof c->reply->type, "%s", o->photo);
        look_judge_burst(c, before, look);
    }
    buf_release(&opened);
}

void handle_report_photo(struct call *c)
{
    enum { REASON, PASSWORD, ALL };
    struct body body;
    struct body_field f[ALL] = {[REASON] = {.name = "reason", .max = 4 * REASON_MAX, .optional = true},
                                [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    struct one o;
    int64_t before = 0;
    if (!body_open(c, &body, f, ALL))
        return;
    if (find(c, &o)) {
        if (o.photo[0] == 0)
            problem(c, 422, "nothing-hidden", "This report has no picture.");
        else if (look_permitted(c, f[REASON].text, f[PASSWORD].text, &before))
            show_photo(c, &o, f[REASON].text, before);
    }
    body_close(&body);
}
