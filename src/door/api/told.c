#include "door/api/api_private.h"

#include "lab/respond/told.h"

/* New findings by mail: to whom, what went last, and a test. */

static void put_last(struct call *c, const char *key, bool test, struct error *e)
{
    struct jsonw *j = &c->json;
    struct told last;
    bool found = false;
    jsonw_key(j, key);
    if (told_last(c->db, test, &last, &found, e) != 0 || !found) {
        jsonw_null(j);
        return;
    }
    jsonw_object(j);
    put_time(j, "time", last.time);
    jsonw_put_uint(j, "record", last.record);
    jsonw_put_int(j, "findings", last.findings);
    jsonw_put_int(j, "addresses", last.addresses);
    put_optional(j, "why", said(c, span_str(last.why)));
    jsonw_object_end(j);
}

static void put_told(struct call *c)
{
    struct jsonw *j = &c->json;
    struct error e = {0};
    struct span left = span_str(c->api->told_to);
    jsonw_object(j);
    jsonw_key(j, "addresses");
    jsonw_array(j);
    while (left.n > 0)
        jsonw_text(j, span_until(&left, ' ', NULL));
    jsonw_array_end(j);
    jsonw_put_str(j, "from", c->api->told_from);
    put_last(c, "last", false, &e);
    put_last(c, "tested", true, &e);
    jsonw_object_end(j);
    if (e.class != ERR_NONE)
        problem_store(c, &e);
}

void handle_told_get(struct call *c)
{
    put_told(c);
}

void handle_told_test(struct call *c)
{
    if (c->api->told_to[0] == 0 || c->api->host.test_findings == NULL) {
        problem(c, 409, "nobody", "Nobody is told of findings by mail: name addresses with mail.findings in lab.yaml.");
        return;
    }
    c->api->host.test_findings(c->api->host.context);
    put_told(c);
    if (!answered(c))
        c->reply->r.status = 202;
}
