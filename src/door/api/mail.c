/* Mail that somebody is not sure about: anybody who is signed in brings one and hears at once what the program says of it; who decides about mail
 * looks at it and decides; who reported hears that too.
 *
 * Invariants
 *  1. Nothing of a mail is taken apart in this process: host.mail_read has it done by one that can do nothing else, and what comes back is believed
 * no further than its form (door/mailed.h).
 *  2. A mail itself is kept nowhere. Pieces of one that is on its way lie in memory, so many at once, so long. What may be shown of it (text) lies
 * sealed as the record's body, in no view, and is shown behind the record of a look only. Attachments are names, types and hashes: nobody can fetch
 * one.
 *  3. The same bytes from the same person within a day are the same report: who was cut off sends again without harm.
 *  4. An exercise of the program's own is told from an attack by its mark alone (host.mail_ours): nobody else can make one. */
#include "door/api/look_private.h"

#include "base/text.h"
#include "door/mailed.h"
#include "engine/mail/mail.h"
#include "lab/people/password_rules.h"
#include "lab/respond/mail.h"
#include "lab/respond/report.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define PERMISSION "mail.decide"
#define ANSWER_MAX 2000 /* characters */
#define AN_HOUR 60      /* mails of one person */
#define HOUR (3600 * TIME_SECOND)
#define DAY (24 * HOUR)
#define UPLOAD_AGE (120 * TIME_SECOND) /* so long a piece waits for the next */
#define COMPARED 2000                  /* newest mails that one is compared with */
#define ALIKE_SHOWN 20

static const char *const verdicts[] = {"fine", "suspicious", "dangerous"};
static const char *const scans[] = {"not asked", "clean", "found", "no answer"};

static bool spanish_of(struct call *c, bool *ret)
{
    char language[PARAM_MAX + 1];
    if (!query_text(c, "language", language))
        return false;
    *ret = strcmp(language, "es") == 0;
    return true;
}

/* ── answers ── */

static void put_reasons(struct jsonw *j, struct span lines, bool spanish)
{
    jsonw_key(j, "reasons");
    jsonw_array(j);
    while (lines.n > 0) {
        struct span about = span_until(&lines, '\n', NULL);
        struct span code = span_until(&about, '\t', NULL);
        enum mail_code known;
        struct buf text = BUF_INIT(2048);
        if (mail_reason_find(code, &known)) {
            mail_reason_text(&text, known, about, spanish);
            jsonw_object(j);
            jsonw_put_text(j, "code", code);
            jsonw_put_text(j, "text", buf_span(&text));
            jsonw_put_bool(j, "against", mail_reason_rows[known].points > 0);
            jsonw_object_end(j);
        }
        buf_release(&text);
    }
    jsonw_array_end(j);
}

struct show {
    struct call *c;
    bool spanish;
    bool whole; /* for who decides */
};

static void put_mail(const struct show *s, const struct mail_row *r)
{
    struct jsonw *j = &s->c->json;
    char etag[24];
    (void)snprintf(etag, sizeof etag, "%llu", (unsigned long long)r->changed);
    jsonw_put_text(j, "id", r->id);
    jsonw_put_str(j, "etag", etag);
    put_time(j, "time", r->time);
    put_optional(j, "person", r->person);
    put_optional(j, "display_name", r->display_name);
    jsonw_put_text(j, "verdict", r->verdict);
    jsonw_put_int(j, "score", r->score);
    put_reasons(j, r->reasons, s->spanish);
    put_optional(j, "sender", r->sender);
    jsonw_put_int(j, "files", r->files);
    jsonw_put_int(j, "links", r->links);
    jsonw_put_text(j, "scanned", r->scanned);
    jsonw_put_bool(j, "exercise", r->exercise.n > 0);
    jsonw_put_text(j, "state", r->state);
    put_optional(j, "decided_by", s->whole ? r->decided_by : (struct span){0});
    put_time(j, "decided", r->decided);
    put_optional(j, "answer", r->answer);
    put_optional(j, "incident", r->incident);
    jsonw_put_uint(j, "record", r->record);
}

static void put_row(void *context, const struct mail_row *r)
{
    const struct show *s = context;
    jsonw_object(&s->c->json);
    put_mail(s, r);
    jsonw_object_end(&s->c->json);
}

/* ── what is on its way ── */

/* Under the lock. The place of this person's mail; a new one: the one that waited longest, where none is free. */
static struct api_upload *place_of(struct call *c)
{
    struct api_upload *oldest = NULL;
    for (size_t i = 0; i < API_UPLOADS; i++) {
        struct api_upload *u = &c->api->uploads[i];
        if (u->bytes.n > 0 && c->now.monotonic - u->at > UPLOAD_AGE) {
            buf_release(&u->bytes);
            u->person[0] = 0;
        }
        if (strcmp(u->person, c->person.name) == 0)
            return u;
        if (oldest == NULL || u->person[0] == 0 || (oldest->person[0] != 0 && u->at < oldest->at))
            oldest = u;
    }
    buf_release(&oldest->bytes);
    oldest->bytes = BUF_SECRET(REQUEST_MAIL_MAX);
    (void)snprintf(oldest->person, sizeof oldest->person, "%s", c->person.name);
    return oldest;
}

/* Takes a piece; whole: that was the last, and the mail is moved there; NULL: there is more to come, and the answer is made. False: the problem is
 * set. */
static bool take_piece(struct call *c, uint64_t at, struct buf *whole)
{
    (void)pthread_mutex_lock(&c->api->lock);
    struct api_upload *u = place_of(c);
    if (at == 0) {
        buf_release(&u->bytes);
        u->bytes = BUF_SECRET(REQUEST_MAIL_MAX);
    }
    u->at = c->now.monotonic;
    if (at != u->bytes.n) {
        problem(c, 409, "piece", "This piece does not follow the one before: begin the mail again.");
    } else {
        buf_add_span(&u->bytes, c->request->body);
        if (!buf_ok(&u->bytes)) {
            buf_release(&u->bytes);
            u->person[0] = 0;
            problem(c, 413, "too-large", "Of one mail 24 MiB are taken: send so much, and say cut=yes.");
        } else if (whole == NULL) {
            jsonw_object(&c->json);
            jsonw_put_uint(&c->json, "kept", u->bytes.n);
            jsonw_object_end(&c->json);
        } else {
            *whole = u->bytes;
            u->bytes = BUF_SECRET(REQUEST_MAIL_MAX);
            u->person[0] = 0;
        }
    }
    (void)pthread_mutex_unlock(&c->api->lock);
    return !answered(c);
}

/* ── is it like something that was seen before? ── */

struct compare {
    const uint32_t *sketch;
    struct span own;   /* id of the mail itself; empty: it has none yet */
    struct span state; /* only those; empty: all */
    size_t n;
    size_t most;
    struct {
        char id[REPORT_ID];
        char verdict[16], state[16], person[ACCOUNT_NAME_MAX + 32];
        char indicators[2048];
        tq_time time;
        int alike;
    } found[MAIL_TOGETHER];
};

static void copy(char *out, size_t size, struct span text)
{
    out[span_copy(text, out, size - 1)] = 0;
}

static bool sketch_of(struct span digits, uint32_t out[MAILED_SKETCH])
{
    uint8_t bytes[4 * MAILED_SKETCH];
    if (digits.n != 2 * sizeof bytes || !text_unhex(digits, bytes, sizeof bytes))
        return false;
    struct span s = span_of(bytes, sizeof bytes);
    for (size_t i = 0; i < MAILED_SKETCH; i++)
        out[i] = span_be32(&s);
    return true;
}

static void compare_one(void *context, const struct mail_row *r)
{
    struct compare *x = context;
    uint32_t sketch[MAILED_SKETCH];
    if (x->n == x->most || span_equal(r->id, x->own) || (x->state.n > 0 && !span_equal(r->state, x->state)) || !sketch_of(r->sketch, sketch))
        return;
    int alike = mail_alike(x->sketch, sketch);
    if (alike < MAIL_ALIKE)
        return;
    copy(x->found[x->n].id, sizeof x->found[0].id, r->id);
    copy(x->found[x->n].verdict, sizeof x->found[0].verdict, r->verdict);
    copy(x->found[x->n].state, sizeof x->found[0].state, r->state);
    copy(x->found[x->n].person, sizeof x->found[0].person, r->person);
    copy(x->found[x->n].indicators, sizeof x->found[0].indicators, r->indicators);
    x->found[x->n].time = r->time;
    x->found[x->n++].alike = alike;
}

static int compare_all(struct call *c, struct compare *x, struct error *e)
{
    return mail_list(c->db, &(struct filed_query){.limit = COMPARED}, compare_one, x, e);
}

static void note_day(void *context, const struct indicator_row *r)
{
    char text[TIME_TEXT];
    time_format(r->time, text);
    (void)snprintf(context, 11, "%.10s", text);
}

/* day: when the attack was confirmed that this one is like, "": it is like none. False: the problem is set. */
static bool seen_before(struct call *c, const struct mailed *m, struct span indicators, char day[11])
{
    struct error e = {0};
    bool found = false;
    struct compare *x = calloc(1, sizeof *x);
    int r = x == NULL ? err_set(&e, ERR_SYSTEM, "no memory for a mail") : indicator_find(c->db, indicators, note_day, day, &found, &e);
    if (r == 0 && !found) {
        *x = (struct compare){.sketch = m->sketch, .state = SPAN_LIT("dangerous"), .most = 1};
        r = compare_all(c, x, &e);
        if (r == 0 && x->n > 0)
            note_day(day, &(struct indicator_row){.time = x->found[0].time});
    }
    free(x);
    if (r != 0)
        problem_store(c, &e);
    return r == 0;
}

/* ── POST /mail ── */

/* The words of a record: they have to hold until it is written. */
struct words {
    struct buf indicators; /* lines */
    char digest[2 * SHA256_SIZE + 1];
    char sketch[8 * MAILED_SKETCH + 1];
    char id[REPORT_ID];
    char day[11];
};

static void make_words(struct words *w, const struct mailed *m, struct span message)
{
    uint8_t hash[SHA256_SIZE];
    uint8_t sketch[4 * MAILED_SKETCH];
    crypto_sha256(message, hash);
    text_hex_to(w->digest, hash, sizeof hash);
    for (size_t i = 0; i < MAILED_SKETCH; i++) {
        uint32_t big = htobe32(m->sketch[i]);
        memcpy(sketch + 4 * i, &big, 4);
    }
    text_hex_to(w->sketch, sketch, sizeof sketch);
    for (size_t i = 0; i < m->indicators_n; i++) {
        buf_add_span(&w->indicators, m->indicators[i].kind);
        buf_u8(&w->indicators, ' ');
        buf_add_span(&w->indicators, m->indicators[i].value);
        buf_u8(&w->indicators, '\n');
    }
}

static bool write_down(struct call *c, const struct mailed *m, struct words *w, size_t bytes, bool ours)
{
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_MAIL_REPORTED);
    if (r == NULL)
        return false;
    bool seen = w->day[0] != 0 && !ours;
    int score = seen ? m->score + mail_reason_rows[MAIL_SEEN_BEFORE].points : m->score;
    report_id(c->now.wall, w->id);
    record_str(r, KEY_MAIL_ID, w->id);
    record_str(r, KEY_VERDICT, verdicts[seen ? 2 : m->verdict]);
    record_int(r, KEY_SCORE, score > 100 ? 100 : score);
    if (seen)
        record_str(r, KEY_MAIL_REASON, mail_reason_rows[MAIL_SEEN_BEFORE].code);
    for (size_t i = 0; i < m->reasons_n; i++)
        record_item(r, KEY_MAIL_REASON, m->reasons[i].code);
    if (seen)
        record_str(r, KEY_MAIL_ABOUT, w->day);
    for (size_t i = 0; i < m->reasons_n; i++)
        record_item(r, KEY_MAIL_ABOUT, m->reasons[i].about);
    record_text(r, KEY_MAIL_FROM, m->from);
    record_str(r, KEY_MAIL_SKETCH, w->sketch);
    record_int(r, KEY_MAIL_FILES, m->files);
    record_int(r, KEY_MAIL_LINKS, m->links);
    record_str(r, KEY_SCANNED, scans[m->scan]);
    if (ours)
        record_text(r, KEY_EXERCISE, m->claim_id);
    for (struct span lines = buf_span(&w->indicators); lines.n > 0;)
        record_text(r, KEY_INDICATOR, span_until(&lines, '\n', NULL));
    record_int(r, KEY_BYTES, (int64_t)bytes);
    record_str(r, KEY_SHA256, w->digest);
    record_int(r, KEY_BODY_BYTES, m->shown.n);
    record_body(r, m->shown);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

static void problem_reading(struct call *c, const struct error *e)
{
    if (e->class == ERR_MISUSE)
        problem(c, 422, "no-mail", "That is no mail. Save the mail as a file (.eml), or forward it as an attachment and save that.");
    else if (e->class == ERR_CORRUPT || e->class == ERR_PEER)
        problem(c, 422, "unreadable",
                "This mail cannot be read: it is built to do harm to what reads it. Do not open it, and tell whoever looks after computers.");
    else
        problem_later(c, 503, "reader", "Mails cannot be read just now. Nothing was kept. Try again in a few seconds.", 5);
}

/* Has it read, without keeping the store waiting. */
static bool have_read(struct call *c, struct span message, bool cut, struct buf *told, struct mailed *m)
{
    struct error e = {0};
    if (c->api->host.mail_read == NULL) {
        problem_reading(c, &e);
        return false;
    }
    look_away(c);
    int r = c->api->host.mail_read(c->api->host.context, message, cut, told, &e);
    if (!look(c))
        return false;
    if (r == 0)
        r = mailed_decode(buf_span(told), m, &e);
    if (r != 0)
        problem_reading(c, &e);
    return r == 0;
}

/* By a mail, to whoever forwarded it or is to hear what was decided. */
static void tell(struct call *c, struct span account, const char *id, bool attached)
{
    if (c->api->host.mail_tell != NULL && account.n > 0)
        c->api->host.mail_tell(c->api->host.context, account, span_str(id), attached);
}

struct earlier {
    struct show show;
    bool recent;
};

static void put_earlier(void *context, const struct mail_row *r)
{
    struct earlier *x = context;
    if (x->show.c->now.wall - r->time < DAY) {
        x->recent = true;
        put_row(&x->show, r);
    }
}

static void report(struct call *c, struct span message, bool cut, bool spanish)
{
    struct error e = {0};
    struct buf told = BUF_SECRET(MAILED_MAX);
    struct words w = {.indicators = BUF_INIT(32768)};
    struct mailed *m = calloc(1, sizeof *m);
    struct earlier x = {.show = {.c = c, .spanish = spanish}};
    uint8_t hash[SHA256_SIZE];
    bool found = false;
    struct span person = span_str(c->person.name);
    crypto_sha256(message, hash);
    text_hex_to(w.digest, hash, sizeof hash);
    int64_t before = mail_count_since(c->db, person, c->now.wall - HOUR, &e);
    if (m == NULL)
        problem(c, 503, "memory", "Not read: the machine is out of memory.");
    else if (before < 0 || mail_by_digest(c->db, person, span_str(w.digest), put_earlier, &x, &found, &e) != 0)
        problem_store(c, &e);
    else if (x.recent)
        ; /* answered */
    else if (before >= AN_HOUR)
        problem_later(c, 429, "throttled", "You have asked about 60 mails within an hour. Wait a little, or tell whoever looks after computers.",
                      600);
    else if (have_read(c, message, cut, &told, m)) {
        bool ours = m->claim_id.n > 0 && c->api->host.mail_ours != NULL && c->api->host.mail_ours(c->api->host.context, m->claim_id, m->claim_mark);
        if (ours)
            phishing_reported_mail(c, m->claim_id);
        else
            (void)phishing_reported_text(c, m->shown, "mail"); /* forwarded without its head */
        make_words(&w, m, message);
        if (seen_before(c, m, buf_span(&w.indicators), w.day) && write_down(c, m, &w, message.n, ours)) {
            if (c->request->door == DOOR_MAIL)
                tell(c, person, w.id, m->attached);
            if (mail_get(c->db, span_str(w.id), put_row, &x.show, &found, &e) != 0)
                problem_store(c, &e);
        }
    }
    free(m);
    buf_release(&w.indicators);
    buf_release(&told);
}

static bool piece_at(struct call *c, bool *ret_given, uint64_t *ret)
{
    char at[PARAM_MAX + 1];
    if (!query_text(c, "at", at))
        return false;
    *ret_given = at[0] != 0;
    if (c->request->body.n == 0)
        problem(c, 422, "empty", "Send the mail as it is (.eml) as the body.");
    else if (at[0] != 0 && !span_decimal(span_str(at), REQUEST_MAIL_MAX, ret))
        problem(c, 400, "at", "\"at\" says at which byte this piece begins.");
    return !answered(c);
}

void handle_mail_report(struct call *c)
{
    char cut[PARAM_MAX + 1];
    bool spanish = false;
    bool given = false;
    uint64_t at = 0;
    struct buf whole = BUF_SECRET(REQUEST_MAIL_MAX);
    if (!piece_at(c, &given, &at) || !query_text(c, "cut", cut) || !spanish_of(c, &spanish))
        return;
    if (!given)
        report(c, c->request->body, strcmp(cut, "yes") == 0, spanish);
    else if (take_piece(c, at, &whole))
        report(c, buf_span(&whole), strcmp(cut, "yes") == 0, spanish);
    buf_release(&whole);
}

void handle_mail_piece(struct call *c)
{
    bool given = false;
    uint64_t at = 0;
    if (piece_at(c, &given, &at))
        (void)take_piece(c, at, NULL);
}

/* ── GET /mail ── */

struct listing {
    struct show show;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_listed(void *context, const struct mail_row *r)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last.number = r->n;
    put_row(&l->show, r);
}

void handle_mail_list(struct call *c)
{
    char state[PARAM_MAX + 1];
    char mine[PARAM_MAX + 1];
    struct page page;
    struct error e = {0};
    struct listing l = {.show = {.c = c, .whole = may(c, PERMISSION)}};
    if (!query_text(c, "state", state) || !query_text(c, "mine", mine) || !spanish_of(c, &l.show.spanish) || !query_page(c, "mail", &page))
        return;
    if (state[0] != 0 && !mail_state_valid(span_str(state))) {
        problem(c, 400, "state", "\"state\" is waiting, answered, dangerous or harmless.");
        return;
    }
    bool all = may(c, PERMISSION) && strcmp(mine, "yes") != 0;
    struct filed_query q = {.state = span_str(state),
                            .person = all ? SPAN_LIT("") : span_str(c->person.name),
                            .before = page.after ? page.number : 0,
                            .limit = page.limit + 1};
    l.limit = page.limit;
    list_begin(c);
    int rc = mail_list(c->db, &q, put_listed, &l, &e);
    list_end(c, "mail", l.given > l.limit, &l.last, rc == 0 ? mail_total(c->db, &q, &e) : -1, &e);
}

/* ── one mail ── */

struct one {
    struct call *c;
    uint64_t record, changed;
    char id[REPORT_ID];
    char person[ACCOUNT_NAME_MAX + 1];
    char state[16];
    char incident[REPORT_ID];
    char indicators[16384];
    bool sketched;
    uint32_t sketch[MAILED_SKETCH];
    bool theirs; /* who asks reported it, or decides about mail */
};

static void note(void *context, const struct mail_row *r)
{
    struct one *o = context;
    o->record = r->record;
    o->changed = r->changed;
    copy(o->id, sizeof o->id, r->id);
    copy(o->person, sizeof o->person, r->person);
    copy(o->state, sizeof o->state, r->state);
    copy(o->incident, sizeof o->incident, r->incident);
    copy(o->indicators, sizeof o->indicators, r->indicators);
    o->sketched = sketch_of(r->sketch, o->sketch);
    o->theirs = may(o->c, PERMISSION) || span_is(r->person, o->c->person.name);
}

/* NULL: the problem is set. A mail that somebody else reported is none for who does not decide. */
static struct one *find(struct call *c)
{
    struct error e = {0};
    bool found = false;
    struct one *o = calloc(1, sizeof *o);
    if (o == NULL) {
        problem(c, 503, "memory", "The machine is out of memory.");
        return NULL;
    }
    o->c = c;
    if (mail_get(c->db, c->params[0], note, o, &found, &e) != 0)
        problem_store(c, &e);
    else if (!found || !o->theirs)
        problem(c, 404, "no-mail", "There is no mail with this id.");
    if (!answered(c))
        return o;
    free(o);
    return NULL;
}

static void put_kept(void *context, const struct indicator_row *r)
{
    copy(context, REPORT_ID, r->incident);
}

static void put_indicators(struct call *c, const struct one *o, struct error *e)
{
    struct jsonw *j = &c->json;
    jsonw_key(j, "indicators");
    jsonw_array(j);
    for (struct span lines = span_str(may(c, PERMISSION) ? o->indicators : ""); lines.n > 0 && e->class == ERR_NONE;) {
        struct span value = span_until(&lines, '\n', NULL);
        struct span whole = value;
        struct span kind = span_until(&value, ' ', NULL);
        char incident[REPORT_ID] = "";
        bool kept = false;
        (void)indicator_find(c->db, whole, put_kept, incident, &kept, e);
        jsonw_object(j);
        jsonw_put_text(j, "kind", kind);
        jsonw_put_text(j, "value", value);
        put_optional(j, "incident", span_str(incident));
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

static void put_alike(struct call *c, const struct one *o, struct error *e)
{
    struct jsonw *j = &c->json;
    struct compare *x = calloc(1, sizeof *x);
    if (x != NULL && o->sketched && may(c, PERMISSION)) {
        *x = (struct compare){.sketch = o->sketch, .own = span_str(o->id), .most = ALIKE_SHOWN};
        (void)compare_all(c, x, e);
    }
    jsonw_key(j, "alike");
    jsonw_array(j);
    for (size_t i = 0; x != NULL && i < x->n; i++) {
        jsonw_object(j);
        jsonw_put_str(j, "id", x->found[i].id);
        put_time(j, "time", x->found[i].time);
        jsonw_put_str(j, "verdict", x->found[i].verdict);
        jsonw_put_str(j, "state", x->found[i].state);
        put_optional(j, "person", span_str(x->found[i].person));
        jsonw_put_int(j, "alike", x->found[i].alike);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    free(x);
}

static void put_detail(void *context, const struct mail_row *r)
{
    const struct show *s = context;
    set_etag(s->c, r->changed);
    put_mail(s, r);
}

static void answer_one(struct call *c, const struct one *o)
{
    struct error e = {0};
    bool found = false;
    struct show s = {.c = c, .whole = may(c, PERMISSION)};
    if (!spanish_of(c, &s.spanish))
        return;
    jsonw_object(&c->json);
    if (mail_get(c->db, c->params[0], put_detail, &s, &found, &e) == 0) {
        put_indicators(c, o, &e);
        put_alike(c, o, &e);
    }
    jsonw_object_end(&c->json);
    if (e.class != ERR_NONE)
        problem_store(c, &e);
}

void handle_mail_get(struct call *c)
{
    struct one *o = find(c);
    if (o != NULL)
        answer_one(c, o);
    free(o);
}

/* ── a look ── */

static void put_shown(struct call *c, const struct mailed_shown *s, uint64_t look)
{
    struct jsonw *j = &c->json;
    jsonw_object(j);
    jsonw_put_uint(j, "look", look);
    jsonw_put_int(j, "seconds", LOOK_SECONDS);
    put_optional(j, "name", s->name);
    put_optional(j, "from", s->from);
    put_optional(j, "reply_to", s->reply_to);
    put_optional(j, "subject", s->subject);
    jsonw_key(j, "files");
    jsonw_array(j);
    for (size_t i = 0; i < s->files_n; i++) {
        jsonw_object(j);
        put_optional(j, "name", s->files[i].name);
        jsonw_put_text(j, "type", s->files[i].type);
        put_optional(j, "sha256", s->files[i].sha256);
        jsonw_put_uint(j, "bytes", s->files[i].bytes);
        jsonw_put_bool(j, "inside", s->files[i].inside);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_key(j, "links");
    jsonw_array(j);
    for (size_t i = 0; i < s->links_n; i++) {
        jsonw_object(j);
        jsonw_put_text(j, "scheme", s->links[i].scheme);
        jsonw_put_text(j, "before", s->links[i].before);
        jsonw_put_text(j, "site", s->links[i].site);
        jsonw_put_text(j, "rest", s->links[i].rest);
        put_optional(j, "shown", s->links[i].shown);
        jsonw_put_bool(j, "dressed", s->links[i].dressed);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_put_text(j, "text", s->text);
    jsonw_object_end(j);
}

static void show_text(struct call *c, const struct one *o, struct span reason, int64_t before)
{
    struct buf opened = BUF_SECRET(REPLY_BODY_MAX);
    struct api_record record = {0};
    struct error e = {0};
    uint64_t look = 0;
    struct mailed_shown *shown = calloc(1, sizeof *shown);
    if (shown == NULL)
        problem(c, 503, "memory", "The machine is out of memory.");
    else if (c->api->host.ledger_open_record(c->api->host.context, o->record, &opened, &record, &e) != 0 ||
             mailed_shown_decode(record.body, shown, &e) != 0)
        problem(c, e.class == ERR_CLOSED ? 410 : 503, e.class == ERR_CLOSED ? "erased" : "ledger",
                e.class == ERR_CLOSED ? e.text : "The mail cannot be shown. Check the ledger.");
    else if (look_record(c, o->record, EVENT_MAIL_REPORTED, "text of a mail", reason, &look)) {
        c->reply->hidden = true;
        put_shown(c, shown, look);
        look_judge_burst(c, before, look);
    }
    free(shown);
    buf_release(&opened);
}

void handle_mail_look(struct call *c)
{
    enum { REASON, PASSWORD, ALL };
    struct body body;
    struct body_field f[ALL] = {[REASON] = {.name = "reason", .max = 4 * REASON_MAX, .optional = true},
                                [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true}};
    int64_t before = 0;
    if (!body_open(c, &body, f, ALL))
        return;
    struct one *o = find(c);
    if (o != NULL && look_permitted(c, f[REASON].text, f[PASSWORD].text, &before))
        show_text(c, o, f[REASON].text, before);
    free(o);
    body_close(&body);
}

/* ── deciding ── */

/* All indicators of the mails, each once, without what many share. */
static void add_indicators(struct record *r, struct buf *once, struct span lines)
{
    while (lines.n > 0 && r->n + 8 < RECORD_FIELDS) {
        struct span line = span_until(&lines, '\n', NULL);
        bool known = false;
        for (struct span rest = buf_span(once); rest.n > 0 && !known;)
            known = span_equal(span_until(&rest, '\n', NULL), line);
        if (known || line.n == 0)
            continue;
        record_text(r, KEY_INDICATOR, line);
        buf_add_span(once, line);
        buf_u8(once, '\n');
    }
}

static bool open_incident(struct call *c, const struct one *o, const struct compare *x, const char *id)
{
    uint64_t index = 0;
    struct buf once = BUF_INIT(65536);
    struct record *r = decision(c, EVENT_INCIDENT_OPENED);
    if (r == NULL)
        return false;
    record_str(r, KEY_INCIDENT, id);
    record_str(r, KEY_KIND, "mail");
    record_str(r, KEY_TITLE, "An attack by mail");
    record_str(r, KEY_MAIL_ID, o->id);
    add_indicators(r, &once, span_str(o->indicators));
    for (size_t i = 0; i < x->n; i++)
        add_indicators(r, &once, span_str(x->found[i].indicators));
    bool ok = decide(c, r, &index);
    free(r);
    buf_release(&once);
    return ok;
}

static bool write_decision(struct call *c, const struct one *o, const struct compare *x, struct span verdict, struct span answer,
                           const char *incident)
{
    uint64_t index = 0;
    struct record *r = decision(c, EVENT_MAIL_DECIDED);
    if (r == NULL)
        return false;
    record_str(r, KEY_MAIL_ID, o->id);
    for (size_t i = 0; i < x->n; i++)
        record_str(r, KEY_MAIL_ID, x->found[i].id);
    record_text(r, KEY_VERDICT, verdict);
    record_text(r, KEY_REPORT_ANSWER, answer);
    record_str(r, KEY_INCIDENT, incident[0] != 0 ? incident : NULL);
    if (span_is(verdict, "open"))
        record_str(r, KEY_OTHER, o->incident[0] != 0 ? o->incident : NULL);
    bool ok = decide(c, r, &index);
    free(r);
    return ok;
}

/* Whoever reported hears it, but who decided. */
static void tell_decided(struct call *c, const struct one *o, const struct compare *x, struct span verdict)
{
    if (span_is(verdict, "open"))
        return;
    if (strcmp(o->person, c->person.name) != 0)
        tell(c, span_str(o->person), o->id, true);
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->found[i].person, c->person.name) != 0)
            tell(c, span_str(x->found[i].person), x->found[i].id, true);
}

static size_t characters(struct span text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += (text.p[i] & 0xc0) != 0x80;
    return n;
}

enum { VERDICT, ANSWER, ALIKE, FIELDS };

static void decide_about(struct call *c, struct one *o, const struct body_field f[FIELDS])
{
    struct error e = {0};
    char incident[REPORT_ID] = "";
    struct compare *x = calloc(1, sizeof *x);
    if (x == NULL) {
        problem(c, 503, "memory", "Not decided: the machine is out of memory.");
        return;
    }
    *x = (struct compare){.sketch = o->sketch, .own = span_str(o->id), .state = SPAN_LIT("waiting"), .most = MAIL_TOGETHER - 1};
    if (span_is(f[ALIKE].text, "true") && o->sketched && compare_all(c, x, &e) != 0) {
        problem_store(c, &e);
    } else {
        bool attack = span_is(f[VERDICT].text, "dangerous");
        if (attack)
            report_id(c->now.wall, incident);
        if ((!attack || open_incident(c, o, x, incident)) && write_decision(c, o, x, f[VERDICT].text, f[ANSWER].text, incident)) {
            tell_decided(c, o, x, f[VERDICT].text);
            answer_one(c, o);
        }
    }
    free(x);
}

void handle_mail_decide(struct call *c)
{
    struct body body;
    struct body_field f[FIELDS] = {[VERDICT] = {.name = "verdict", .max = 16},
                                   [ANSWER] = {.name = "answer", .max = 4 * ANSWER_MAX, .optional = true},
                                   [ALIKE] = {.name = "alike", .max = 8, .optional = true, .boolean = true}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    struct one *o = find(c);
    if (o != NULL && if_match(c, o->changed)) {
        struct span verdict = f[VERDICT].text;
        if (!span_is(verdict, "dangerous") && !span_is(verdict, "harmless") && !span_is(verdict, "open"))
            problem(c, 422, "verdict", "\"verdict\" is dangerous, harmless, or open: nobody has decided yet.");
        else if (f[ANSWER].text.n > 0 && (!reason_valid(f[ANSWER].text) || characters(f[ANSWER].text) > ANSWER_MAX))
            problem(c, 422, "answer", "Write an answer of at most 2,000 characters.");
        else if (!mail_may(verdict, span_str(o->state)))
            problem(c, 409, "state", "This mail is not in a state for that: somebody else was faster. Look again.");
        else
            decide_about(c, o, f);
    }
    free(o);
    body_close(&body);
}

/* ── GET /indicators ── */

struct indicators {
    struct call *c;
    int64_t limit, given;
    struct page last;
};

static void put_indicator(void *context, const struct indicator_row *r)
{
    struct indicators *l = context;
    struct jsonw *j = &l->c->json;
    if (l->given++ >= l->limit)
        return;
    l->last.number = r->n;
    jsonw_object(j);
    jsonw_put_text(j, "kind", r->kind);
    jsonw_put_text(j, "value", r->value);
    jsonw_put_text(j, "incident", r->incident);
    put_optional(j, "title", r->title);
    put_time(j, "time", r->time);
    jsonw_put_uint(j, "record", r->record);
    jsonw_object_end(j);
}

void handle_indicator_list(struct call *c)
{
    struct page page;
    struct error e = {0};
    if (!query_page(c, "indicators", &page))
        return;
    struct indicators l = {.c = c, .limit = page.limit};
    list_begin(c);
    int rc = indicator_list(c->db, page.after ? page.number : 0, page.limit + 1, put_indicator, &l, &e);
    list_end(c, "indicators", l.given > l.limit, &l.last, rc == 0 ? indicator_total(c->db, &e) : -1, &e);
}
