#include "door/api/api_private.h"
#include "door/api/people_private.h"

#include "lab/capture.h"
#include "lab/inventory/custody.h"
#include "lab/respond/finding.h"
#include "lab/respond/mail.h"
#include "lab/respond/report.h"
#include "lab/today.h"

/* Today, the sensors, and the addresses that programs ask. */

#define NEEDS_MAX 10

static void put_need(void *context, const struct finding_need *need)
{
    struct call *c = context;
    struct jsonw *j = &c->json;
    jsonw_object(j);
    put_finding(c, &need->row);
    jsonw_put_int(j, "same", need->same);
    put_time(j, "same_last", need->same_last);
    jsonw_object_end(j);
}

static void put_unless_hidden(struct jsonw *j, const char *name, int64_t n)
{
    jsonw_key(j, name);
    if (n < 0)
        jsonw_null(j);
    else
        jsonw_int(j, n);
}

/* reports: that nobody has taken; mails: that nobody has decided about; reviews: access that waits to be confirmed; ending: people of whom a role or
 * an API token soon ends; -1: that is not for whoever asks */
static void put_counts(struct jsonw *j, const struct today *t, int64_t reports, int64_t mails, int64_t reviews, int64_t ending)
{
    jsonw_key(j, "counts");
    jsonw_object(j);
    jsonw_put_int(j, "needs", t->needs);
    jsonw_put_int(j, "findings_open", t->findings_open);
    jsonw_put_int(j, "findings_critical", t->findings_critical);
    jsonw_put_int(j, "devices", t->devices);
    jsonw_put_int(j, "devices_unknown", t->devices_unknown);
    jsonw_put_int(j, "devices_waiting", t->devices_waiting);
    jsonw_put_int(j, "devices_refused", t->devices_refused);
    jsonw_put_int(j, "results", t->results);
    jsonw_put_int(j, "messages", t->messages);
    jsonw_put_int(j, "malformed", t->malformed);
    jsonw_put_int(j, "messages_clear", t->messages_clear);
    jsonw_put_int(j, "not_kept", t->not_kept);
    put_unless_hidden(j, "reports_waiting", reports);
    put_unless_hidden(j, "mail_waiting", mails);
    put_unless_hidden(j, "reviews_due", reviews);
    put_unless_hidden(j, "access_ending", ending);
    jsonw_object_end(j);
}

/* Results that are kept, each counted once; `wrong`: changed, missing, extra or replayed. */
static void put_custody(struct jsonw *j, const struct custody_summary *s)
{
    int64_t wrong = s->of[CUSTODY_CHANGED] + s->of[CUSTODY_MISSING] + s->of[CUSTODY_EXTRA] + s->of[CUSTODY_REPLAYED];
    jsonw_key(j, "custody");
    jsonw_object(j);
    jsonw_put_int(j, "total", s->total);
    jsonw_put_int(j, "compared", wrong + s->of[CUSTODY_AS_SENT] + s->of[CUSTODY_CORRECTED]);
    jsonw_put_int(j, "wrong", wrong);
    jsonw_object_end(j);
}

/* What a page on paper says of the ledger: that this is what it was when it was printed can be proved by it. */
static void put_checkpoint(struct call *c)
{
    struct api_ledger_state s = {0};
    if (c->api->host.ledger_state != NULL)
        c->api->host.ledger_state(c->api->host.context, &s);
    jsonw_put_uint(&c->json, "size", s.records);
    put_optional(&c->json, "root", span_str(s.root));
}

static void put_state(struct call *c, const struct today *t)
{
    struct jsonw *j = &c->json;
    jsonw_key(j, "capture");
    jsonw_object(j);
    jsonw_put_str(j, "state", t->capture ? t->capture_state : "none");
    put_time(j, "last_time", t->capture_last);
    jsonw_put_int(j, "packets", t->packets);
    jsonw_object_end(j);
    jsonw_key(j, "ledger");
    jsonw_object(j);
    jsonw_put_uint(j, "records", views_visible(c->api->views));
    put_checkpoint(c);
    jsonw_key(j, "holds");
    if (t->ledger_checked)
        jsonw_bool(j, t->ledger_holds);
    else
        jsonw_null(j);
    put_time(j, "verified_at", t->ledger_verified);
    jsonw_object_end(j);
}

void handle_today(struct call *c)
{
    struct error e = {0};
    struct today t;
    struct jsonw *j = &c->json;
    struct custody_summary custody;
    if (today_get(c->db, &t, &e) != 0 || custody_summary(c->db, &custody, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    int64_t reports = may(c, "report.handle") ? report_waiting(c->db, &e) : -1;
    int64_t mails = may(c, "mail.decide") ? mail_total(c->db, &(struct filed_query){.state = SPAN_LIT("waiting")}, &e) : -1;
    struct account_query due = {0};
    people_due(c, &due);
    int64_t reviews = may(c, PEOPLE_PERMISSION) ? account_count(c->db, &due, &e) : -1;
    int64_t ending = may(c, PEOPLE_PERMISSION) ? account_count(c->db, &(struct account_query){.ending = c->now.wall}, &e) : -1;
    struct buf sentence = BUF_INIT(1024);
    today_sentence(&t, &sentence);
    jsonw_object(j);
    jsonw_put_text(j, "sentence", buf_span(&sentence));
    buf_release(&sentence);
    put_time(j, "checked_at", c->now.wall);
    jsonw_key(j, "needs");
    jsonw_array(j);
    int rc = finding_needs(c->db, NEEDS_MAX, put_need, c, &e);
    jsonw_array_end(j);
    put_counts(j, &t, reports, mails, reviews, ending);
    put_custody(j, &custody);
    put_state(c, &t);
    jsonw_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

static void put_capture(void *context, const struct capture_row *row)
{
    struct jsonw *j = context;
    jsonw_object(j);
    jsonw_put_text(j, "capture", row->name);
    jsonw_put_text(j, "state", row->state);
    jsonw_put_int(j, "packets", row->packets);
    jsonw_put_int(j, "bytes", row->bytes);
    jsonw_put_int(j, "flows", row->flows);
    jsonw_put_int(j, "dropped", row->dropped);
    jsonw_put_int(j, "dropped_flows", row->dropped_flows);
    jsonw_put_int(j, "dropped_lab", row->dropped_lab);
    jsonw_put_int(j, "shed_bulk", row->shed_bulk);
    jsonw_put_int(j, "shed_other", row->shed_other);
    put_time(j, "dropped_first", row->dropped_first);
    put_time(j, "dropped_last", row->dropped_last);
    jsonw_put_int(j, "damaged", row->damaged);
    jsonw_put_int(j, "failures", row->failures);
    put_time(j, "failed_at", row->failed_at);
    put_time(j, "back_at", row->back_at);
    put_time(j, "first_time", row->first_time);
    put_time(j, "last_time", row->last_time);
    if (row->why.n > 0)
        jsonw_put_text(j, "why", row->why);
    else
        jsonw_put_str(j, "why", NULL);
    jsonw_object_end(j);
}

void handle_sensor(struct call *c)
{
    struct error e = {0};
    jsonw_object(&c->json);
    jsonw_key(&c->json, "captures");
    jsonw_array(&c->json);
    int rc = capture_list(c->db, put_capture, &c->json, &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* The stream itself is kept by the door; here is only asked who may listen. */
void handle_stream(struct call *c)
{
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "allowed", true);
    jsonw_object_end(&c->json);
}

void handle_ready(struct call *c)
{
    jsonw_object(&c->json);
    jsonw_put_bool(&c->json, "ready", true);
    jsonw_put_uint(&c->json, "records", views_visible(c->api->views));
    jsonw_object_end(&c->json);
}
