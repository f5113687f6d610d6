/* Looks: what is hidden (clear fields, messages as they were received, packets of a finding) is shown to who may see it and says why.
 *
 * Invariants
 *  1. The record of a look (phi.look) is durable and visible before a byte of the answer is made. Who dies between has a look without an answer,
 * never the other way round.
 *  2. Every refusal is a record: without permission, without a reason, with a wrong password, too often.
 *  3. A look is of one record. Of a finding that is its messages too, and the message before it that told the same result; of a result, every place
 * where it was seen on its way, each with its message: so that they can be compared.
 *  4. What was opened is wiped at the end of the call; the reply says that it is to be wiped (api_reply.hidden). */
#include "door/api/look_private.h"

#include "lab/inventory/custody.h"
#include "lab/inventory/message.h"
#include "lab/link_view.h"
#include "lab/people/look.h"
#include "lab/people/password_rules.h"
#include "record/ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#define REASON_WORDS 3
#define REASON_LETTERS 10
#define LOOKS_A_MINUTE 10
#define LOOKS_AN_HOUR 120
#define BURST 20 /* looks within an hour that are a finding, and worse at three times as many */
#define MINUTE (60 * TIME_SECOND)
#define HOUR (60 * MINUTE)

/* ── may it be? ── */

/* A few words: what a later reader can understand. */
static bool says_why(struct span why)
{
    size_t words = 0;
    size_t letters = 0;
    bool inside = false;
    for (size_t i = 0; i < why.n; i++) {
        bool ink = why.p[i] > 0x20;
        words += ink && !inside;
        letters += ink && (why.p[i] & 0xc0) != 0x80;
        inside = ink;
    }
    return reason_valid(why) && words >= REASON_WORDS && letters >= REASON_LETTERS;
}

/* How often this person looked within the last minute and hour. False: the problem is set. */
static bool not_too_often(struct call *c, int64_t *ret_hour)
{
    struct error e = {0};
    struct span person = span_str(c->person.name);
    int64_t minute = look_count(c->db, person, c->now.wall - MINUTE, &e);
    *ret_hour = look_count(c->db, person, c->now.wall - HOUR, &e);
    if (minute < 0 || *ret_hour < 0)
        problem_store(c, &e);
    else if (minute >= LOOKS_A_MINUTE || *ret_hour >= LOOKS_AN_HOUR)
        refuse(c, 429, "throttled", "You have looked at many values in a short time. Wait a little, then try again.", LOOK_PERMISSION);
    return !answered(c);
}

bool look_permitted(struct call *c, struct span reason, struct span password, int64_t *ret_before)
{
    if (!says_why(reason)) {
        refuse(c, 422, "reason", "Say in a few words why you need to see this: at least three words.", LOOK_PERMISSION);
        return false;
    }
    return proof_again(c, password, LOOK_PERMISSION) && not_too_often(c, ret_before);
}

/* ── what is looked at ── */

/* Opens a record. False: it is not there, or cannot be shown; e says why. One whose key was erased is there, and says so. */
static bool open_item(struct call *c, uint64_t index, struct looked *l, struct error *e)
{
    *l = (struct looked){.index = index, .opened = BUF_SECRET(LEDGER_PAYLOAD_MAX)};
    int r = c->api->host.ledger_open_record(c->api->host.context, index, &l->opened, &l->record, e);
    if (r == 0 && event_open(&l->event, l->record.veiled)) {
        l->readable = true;
        return true;
    }
    l->record = (struct api_record){0};
    if (r != 0 && e->class == ERR_CLOSED) {
        (void)snprintf(l->erased, sizeof l->erased, "%s", e->text);
        return true;
    }
    return r == 0 ? err_set(e, ERR_MISUSE, "the record is not understood") == 0 : false;
}

static void close_items(struct looked *items, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].readable)
            event_release(&items[i].event);
        buf_release(&items[i].opened);
    }
}

/* One more record, where it is none of those already there. What cannot be opened is left out: the first one tells. */
static void add_item(struct call *c, int64_t index, struct looked *items, size_t *n)
{
    struct error e = {0};
    if (index < 0 || *n == LOOK_ITEMS)
        return;
    for (size_t i = 0; i < *n; i++)
        if (items[i].index == (uint64_t)index)
            return;
    if (open_item(c, (uint64_t)index, &items[*n], &e))
        ++*n;
    else
        close_items(&items[*n], 1);
}

/* The messages of a finding, each behind the one before it that told the same result. */
static void add_messages(struct call *c, struct looked *items, size_t *n)
{
    struct error e = {0};
    for (size_t i = 0; i < LOOK_ITEMS; i++) {
        struct span id = event_item(&items[0].event, "evidence.messages", i);
        int64_t message = id.n > 0 ? message_by_id(c->db, id, items[0].index, &e) : -1;
        if (message < 0)
            continue;
        if (span_starts(event_text(&items[0].event, "kind"), SPAN_LIT("result.")))
            add_item(c, message_of_same_result(c->db, (uint64_t)message, &e), items, n);
        add_item(c, message, items, n);
    }
}

/* The records of a result's way, and then those of its messages. */
struct way {
    size_t n;
    int64_t records[LOOK_ITEMS];
    int64_t messages[LOOK_ITEMS];
};

static void note_sighting(void *context, const struct result_row *row)
{
    struct way *w = context;
    if (w->n == LOOK_ITEMS)
        return;
    w->records[w->n] = (int64_t)row->record;
    w->messages[w->n++] = row->message_record;
}

static void add_way(struct call *c, struct looked *items, size_t *n)
{
    struct error e = {0};
    struct way w = {0};
    if (custody_chain(c->db, items[0].index, note_sighting, &w, &e) != 0)
        w.n = 0;
    for (size_t i = 0; i < w.n; i++) {
        if (*n + 2 > LOOK_ITEMS && w.records[i] != (int64_t)items[0].index)
            break;
        add_item(c, w.records[i], items, n);
        add_item(c, w.messages[i], items, n);
    }
    if (w.n == 0) /* it is not among those kept; its message may be */
        add_item(c, message_of_result(c->db, items[0].index, &e), items, n);
}

/* The other records of what a link learnt that have hidden names. */
struct learnt {
    uint64_t records[LOOK_ITEMS];
    size_t n;
};

static void note_learnt(void *context, const struct link_word *w)
{
    struct learnt *l = context;
    for (size_t i = 0; i < l->n; i++)
        if (l->records[i] == w->record)
            return;
    if (w->hidden && l->n < LOOK_ITEMS)
        l->records[l->n++] = w->record;
}

static void add_learnt(struct call *c, struct looked *items, size_t *n)
{
    struct error e = {0};
    struct learnt l = {0};
    (void)link_words(c->db, event_text(&items[0].event, "link"), LINK_WORDS_LEARNT, note_learnt, &l, &e);
    for (size_t i = 0; i < l.n; i++)
        add_item(c, (int64_t)l.records[i], items, n);
}

/* Opens what the look is of. False: the problem is set. */
static bool open_items(struct call *c, uint64_t index, struct looked *items, size_t *n)
{
    struct error e = {0};
    *n = 1;
    if (!open_item(c, index, &items[0], &e)) {
        bool missing = e.class == ERR_MISUSE;
        problem(c, missing ? 404 : 503, missing ? "no-record" : "ledger",
                missing ? "There is no such record, or it is no message, result, finding or evidence."
                        : "The record cannot be read. Check the ledger.");
        return false;
    }
    if (!items[0].readable) {
        problem(c, 410, "erased", items[0].erased);
        return false;
    }
    switch (items[0].event.event) {
    case EVENT_LAB_MESSAGE:
    case EVENT_EVIDENCE_PACKETS: return true;
    case EVENT_LAB_RESULT: add_way(c, items, n); return true;
    case EVENT_FINDING: add_messages(c, items, n); return true;
    case EVENT_LINK_LEARNT: add_learnt(c, items, n); return true;
    default:
        problem(c, 422, "nothing-hidden",
                "Nothing is hidden in this record. Look at a message, a result, a finding or its packets, or at what a link learnt.");
        return false;
    }
}

/* The one patient of all that is shown, as a token; "" where there is none, or more than one. */
static void one_patient(struct call *c, const struct looked *items, size_t n, char out[MESSAGE_PATIENT])
{
    out[0] = 0;
    for (size_t i = 0; i < n; i++) {
        char token[MESSAGE_PATIENT] = "";
        if (items[i].readable && items[i].event.event == EVENT_LAB_MESSAGE)
            message_patient(c->db, items[i].index, token);
        else if (items[i].readable)
            (void)snprintf(token, sizeof token, "%.*s", (int)event_text(&items[i].event, "patient").n,
                           (const char *)event_text(&items[i].event, "patient").p);
        if (token[0] == 0)
            continue;
        if (out[0] != 0 && strcmp(out, token) != 0) {
            out[0] = 0;
            return;
        }
        memcpy(out, token, sizeof token);
    }
}

/* ── the record ── */

static const char *in_words(const struct looked *items, size_t n, bool file)
{
    bool body = false;
    for (size_t i = 0; i < n; i++)
        body = body || items[i].record.body.n > 0;
    if (items[0].event.event == EVENT_EVIDENCE_PACKETS)
        return "packets, as a file";
    if (file)
        return "message, as a file";
    return body ? "clear fields and messages" : "clear fields";
}

/* Nothing was shown before this returns true. */
static bool record_look(struct call *c, const struct looked *items, size_t n, struct span reason, bool file, uint64_t *ret_index)
{
    char patient[MESSAGE_PATIENT];
    one_patient(c, items, n, patient);
    struct record *r = decision(c, EVENT_PHI_LOOK);
    if (r == NULL)
        return false;
    record_text(r, KEY_WHY, reason);
    record_str(r, KEY_WHAT, in_words(items, n, file));
    record_int(r, KEY_LOOKED_RECORD, (int64_t)items[0].index);
    record_str(r, KEY_LOOKED_EVENT, event_name(items[0].event.event));
    record_str(r, KEY_LOOKED_PATIENT, patient);
    for (size_t i = 0; i < n; i++)
        record_int(r, KEY_SHOWN, (int64_t)items[i].index);
    bool ok = decide(c, r, ret_index);
    free(r);
    return ok;
}

bool look_record(struct call *c, uint64_t record, enum event of, const char *what, struct span reason, uint64_t *ret_index)
{
    struct record *r = decision(c, EVENT_PHI_LOOK);
    if (r == NULL)
        return false;
    record_text(r, KEY_WHY, reason);
    record_str(r, KEY_WHAT, what);
    record_int(r, KEY_LOOKED_RECORD, (int64_t)record);
    record_str(r, KEY_LOOKED_EVENT, event_name(of));
    record_int(r, KEY_SHOWN, (int64_t)record);
    bool ok = decide(c, r, ret_index);
    free(r);
    return ok;
}

/* Many looks of one person are a finding of its own, one a day. It never stands in the way of the look that brought it. */
void look_judge_burst(struct call *c, int64_t before, uint64_t record)
{
    int64_t now = before + 1;
    if (now != BURST && now != 3 * BURST)
        return;
    struct record *r = malloc(sizeof *r);
    if (r == NULL)
        return;
    char cause[ACCOUNT_NAME_MAX + 64];
    char title[96];
    (void)snprintf(cause, sizeof cause, "%s\n%lld", c->person.name, (long long)(c->now.wall / (24 * HOUR)));
    (void)snprintf(title, sizeof title, "{0} looked at hidden values %lld times within an hour.", (long long)now);
    record_start(r, EVENT_FINDING, c->now.wall, NULL);
    record_str(r, KEY_KIND, "access.phi_burst");
    record_str(r, KEY_CAUSE, cause);
    record_str(r, KEY_SEVERITY, now == BURST ? "medium" : "high");
    record_str(r, KEY_TITLE, title);
    record_str(r, KEY_SUBJECT, c->person.name);
    record_int(r, KEY_EVIDENCE_RECORD, (int64_t)record);
    record_str(r, KEY_ADVICE, "Ask this person what the values were needed for, and compare with the reasons under PHI looks.");
    uint64_t index;
    struct error e = {0};
    bool looking = c->looking;
    look_away(c);
    (void)c->api->host.decide(c->api->host.context, r, &index, &e);
    if (looking)
        (void)look(c);
    free(r);
}

/* ── POST /looks ── */

static void answer_file(struct call *c, const struct looked *l)
{
    buf_add_span(&c->reply->body, l->record.body);
    (void)snprintf(c->reply->type, sizeof c->reply->type, "application/octet-stream");
}

static void look_at(struct call *c, uint64_t index, struct span reason, bool file, int64_t before)
{
    struct looked items[LOOK_ITEMS];
    size_t n = 0;
    uint64_t look = 0;
    if (!open_items(c, index, items, &n)) {
        close_items(items, n);
        return;
    }
    bool packets = items[0].event.event == EVENT_EVIDENCE_PACKETS;
    if (file && items[0].record.body.n == 0) {
        problem(c, 422, "no-bytes", "Of this record no bytes are kept. Look at a message or at packets.");
    } else if (record_look(c, items, n, reason, file, &look)) {
        c->reply->hidden = true;
        if (file || packets)
            answer_file(c, &items[0]);
        else
            look_put(c, look, index, items, n);
        look_judge_burst(c, before, look);
    }
    close_items(items, n);
}

void handle_look_post(struct call *c)
{
    enum { RECORD, REASON, PASSWORD, AS, FIELDS };
    struct body body;
    struct body_field f[FIELDS] = {[RECORD] = {.name = "record", .max = 20},
                                   [REASON] = {.name = "reason", .max = 4 * REASON_MAX, .optional = true},
                                   [PASSWORD] = {.name = "password", .max = 4 * PASSWORD_LONGEST, .optional = true},
                                   [AS] = {.name = "as", .max = 16, .optional = true}};
    if (!body_open(c, &body, f, FIELDS))
        return;
    uint64_t index = 0;
    int64_t before = 0;
    bool file = span_is(f[AS].text, "file");
    if (!span_decimal(f[RECORD].text, INT64_MAX, &index) || (f[AS].text.n > 0 && !file && !span_is(f[AS].text, "fields")))
        problem(c, 400, "body", "\"record\" is the number of a record, \"as\" is fields or file.");
    else if (look_permitted(c, f[REASON].text, f[PASSWORD].text, &before))
        look_at(c, index, f[REASON].text, file, before);
    body_close(&body);
}

/* ── GET /looks ── */

struct listing {
    struct call *c;
    int64_t limit;
    int64_t given;
    struct page last;
};

static void put_row(void *context, const struct look_row *row)
{
    struct listing *l = context;
    struct jsonw *j = &l->c->json;
    if (l->given++ >= l->limit)
        return;
    l->last.number = row->n;
    jsonw_object(j);
    jsonw_put_uint(j, "record", row->record);
    put_time(j, "time", row->time);
    jsonw_put_text(j, "person", row->person);
    jsonw_put_text(j, "display_name", row->display_name);
    jsonw_put_text(j, "what", row->what);
    jsonw_put_text(j, "reason", row->why);
    jsonw_key(j, "subject");
    jsonw_object(j);
    jsonw_put_uint(j, "index", row->subject);
    jsonw_put_text(j, "event", row->event);
    put_optional(j, "patient", row->patient);
    jsonw_object_end(j);
    jsonw_object_end(j);
}

/* Everybody sees their own looks; those of others, who may. */
static bool whose(struct call *c, char person[NAMED_MAX + 1])
{
    if (may(c, "looks.read"))
        return true;
    if (person[0] != 0 && strcmp(person, c->person.name) != 0) {
        refuse(c, 403, "not-permitted", "Your role may see your own looks only. Ask the privacy officer.", "looks.read");
        return false;
    }
    (void)snprintf(person, NAMED_MAX + 1, "%s", c->person.name);
    return true;
}

void handle_look_list(struct call *c)
{
    char person[NAMED_MAX + 1];
    char record[PARAM_MAX + 1];
    struct page page;
    uint64_t subject = 0;
    if (!query_named(c, "person", person) || !query_text(c, "record", record) || !query_page(c, "looks", &page) || !whose(c, person))
        return;
    if (record[0] != 0 && !span_decimal(span_str(record), INT64_MAX, &subject)) {
        problem(c, 400, "query", "\"record\" is the number of a record.");
        return;
    }
    struct listing l = {.c = c, .limit = page.limit};
    struct look_query query = {.person = span_str(person),
                               .subject = record[0] != 0 ? (int64_t)subject : -1,
                               .before = page.after ? page.number : 0,
                               .limit = page.limit + 1};
    struct error e = {0};
    list_begin(c);
    int rc = look_list(c->db, &query, put_row, &l, &e);
    list_end(c, "looks", l.given > l.limit, &l.last, rc == 0 ? look_total(c->db, &query, &e) : -1, &e);
}
