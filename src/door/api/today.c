#include "door/api/api_private.h"

#include "lab/capture.h"
#include "lab/respond/finding.h"
#include "lab/today.h"

/* Today, the sensors, and the addresses that programs ask. */

#define NEEDS_MAX 10

static void put_need(void *context, const struct finding_need *need)
{
    struct json *j = context;
    json_object(j);
    put_finding(j, &need->row);
    json_put_int(j, "same", need->same);
    put_time(j, "same_last", need->same_last);
    json_object_end(j);
}

static void put_counts(struct json *j, const struct today *t)
{
    json_key(j, "counts");
    json_object(j);
    json_put_int(j, "needs", t->needs);
    json_put_int(j, "findings_open", t->findings_open);
    json_put_int(j, "findings_critical", t->findings_critical);
    json_put_int(j, "devices", t->devices);
    json_put_int(j, "devices_unknown", t->devices_unknown);
    json_put_int(j, "results", t->results);
    json_put_int(j, "messages", t->messages);
    json_put_int(j, "malformed", t->malformed);
    json_put_int(j, "messages_clear", t->messages_clear);
    json_object_end(j);
}

static void put_state(struct call *c, const struct today *t)
{
    struct json *j = &c->json;
    json_key(j, "capture");
    json_object(j);
    json_put_str(j, "state", t->capture ? t->capture_state : "none");
    put_time(j, "last_time", t->capture_last);
    json_put_int(j, "packets", t->packets);
    json_object_end(j);
    json_key(j, "ledger");
    json_object(j);
    json_put_uint(j, "records", views_visible(c->api->views));
    json_key(j, "holds");
    if (t->ledger_checked)
        json_bool(j, t->ledger_holds);
    else
        json_null(j);
    put_time(j, "verified_at", t->ledger_verified);
    json_object_end(j);
}

void handle_today(struct call *c)
{
    struct error e = {0};
    struct today t;
    struct json *j = &c->json;
    if (today_get(c->db, &t, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    struct buf sentence = BUF_INIT(1024);
    today_sentence(&t, &sentence);
    json_object(j);
    json_put_text(j, "sentence", buf_span(&sentence));
    buf_release(&sentence);
    put_time(j, "checked_at", c->now.wall);
    json_key(j, "needs");
    json_array(j);
    int rc = finding_needs(c->db, NEEDS_MAX, put_need, j, &e);
    json_array_end(j);
    put_counts(j, &t);
    put_state(c, &t);
    json_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

static void put_capture(void *context, const struct capture_row *row)
{
    struct json *j = context;
    json_object(j);
    json_put_text(j, "capture", row->name);
    json_put_text(j, "state", row->state);
    json_put_int(j, "packets", row->packets);
    json_put_int(j, "bytes", row->bytes);
    json_put_int(j, "flows", row->flows);
    json_put_int(j, "dropped", row->dropped);
    json_put_int(j, "damaged", row->damaged);
    put_time(j, "first_time", row->first_time);
    put_time(j, "last_time", row->last_time);
    json_object_end(j);
}

void handle_sensor(struct call *c)
{
    struct error e = {0};
    json_object(&c->json);
    json_key(&c->json, "captures");
    json_array(&c->json);
    int rc = capture_list(c->db, put_capture, &c->json, &e);
    json_array_end(&c->json);
    json_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* The stream itself is kept by the door; here is only asked who may listen. */
void handle_stream(struct call *c)
{
    json_object(&c->json);
    json_put_bool(&c->json, "allowed", true);
    json_object_end(&c->json);
}

void handle_ready(struct call *c)
{
    json_object(&c->json);
    json_put_bool(&c->json, "ready", true);
    json_put_uint(&c->json, "records", views_visible(c->api->views));
    json_object_end(&c->json);
}
