#include "door/api/api_private.h"

#include "lab/today.h"

#include <stdio.h>

/* GET /metrics: the Prometheus text format, version 0.0.4. Only counts: no names, no addresses. */

static void put(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    buf_addf(out, "# HELP tourniquet_%s %s\n# TYPE tourniquet_%s %s\ntourniquet_%s %llu\n", name, help, name, type, name, (unsigned long long)value);
}

void handle_metrics(struct call *c)
{
    struct error e = {0};
    struct today t;
    struct buf *out = &c->reply->body;
    if (today_get(c->db, &t, &e) != 0) {
        problem_store(c, &e);
        return;
    }
    put(out, "ledger_records", "counter", "Records that readers can see.", views_visible(c->api->views));
    put(out, "records_skipped_total", "counter", "Records that the views did not understand.", views_skipped(c->api->views));
    put(out, "results_total", "counter", "Lab results seen.", (uint64_t)t.results);
    put(out, "messages_total", "counter", "Lab messages seen.", (uint64_t)t.messages);
    put(out, "messages_malformed_total", "counter", "Lab messages that are damaged.", (uint64_t)t.malformed);
    put(out, "findings_open", "gauge", "Findings above info that nobody has taken or dismissed.", (uint64_t)t.findings_open);
    put(out, "findings_critical", "gauge", "Open findings of critical severity.", (uint64_t)t.findings_critical);
    put(out, "devices", "gauge", "Devices known.", (uint64_t)t.devices);
    put(out, "not_kept_total", "counter", "Times that a device, address, conversation or finding found no room.", (uint64_t)t.not_kept);
    put(out, "sessions", "gauge", "People signed in.", sessions_count(c->api->sessions));
    put(out, "requests_refused_total", "counter", "Requests and sign-ins refused.", atomic_load(&c->api->refused));
    buf_add_str(out, "# HELP tourniquet_answers_total Answers by class of status.\n# TYPE tourniquet_answers_total counter\n");
    for (int class = 2; class < 6; class ++)
        buf_addf(out, "tourniquet_answers_total{class=\"%dxx\"} %llu\n", class, (unsigned long long)atomic_load(&c->api->answers[class]));
    if (c->api->host.metrics != NULL)
        c->api->host.metrics(c->api->host.context, out);
    (void)snprintf(c->reply->type, sizeof c->reply->type, "text/plain; version=0.0.4; charset=utf-8");
}
