/* Links through the relay: GET /links, and what people decide about them. */
#include "door/api/link_private.h"

#include <stdio.h>
#include <stdlib.h>

#define LAST_MESSAGES 20
#define ASIDE_DAYS 30 /* what the LIS refused for good is shown so long */

static const char *const counter_names[] = {"received", "forwarded", "refused", "flagged", "late", "spooled", "resent"};

/* ── GET /links ── */

static void put_side(struct call *c, const char *key, const struct api_link_side *s)
{
    struct jsonw *j = &c->json;
    char device[40];
    link_device(c->db, s->ip, device);
    jsonw_key(j, key);
    jsonw_object(j);
    jsonw_put_str(j, "address", s->where);
    put_optional(j, "peer", span_str(s->peer));
    put_optional(j, "device", span_str(device));
    jsonw_put_bool(j, "connected", s->connections > 0);
    jsonw_put_uint(j, "connections", s->connections);
    put_optional(j, "why", said(c, span_str(s->why)));
    jsonw_key(j, "tls");
    jsonw_object(j);
    jsonw_put_bool(j, "on", s->tls[0] != 0);
    put_optional(j, "version", span_str(s->tls));
    put_optional(j, "peer", span_str(s->name));
    put_time(j, "expires_at", s->expires);
    jsonw_object_end(j);
    jsonw_object_end(j);
}

static void put_message(void *context, const struct link_message *m)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    put_time(j, "at", m->time);
    put_optional(j, "type", m->type);
    put_optional(j, "control_id", m->control_id);
    jsonw_put_int(j, "results", m->results);
    put_optional(j, "answer", m->answer);
    put_optional(j, "policy", m->verdict);
    jsonw_put_uint(j, "record", m->record);
    jsonw_object_end(j);
}

static void put_aside(void *context, const struct link_aside *m)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    put_time(j, "at", m->time);
    put_time(j, "refused_at", m->refused);
    put_optional(j, "type", m->type);
    put_optional(j, "control_id", m->control_id);
    jsonw_put_int(j, "results", m->results);
    jsonw_put_uint(j, "record", m->record);
    jsonw_object_end(j);
}

/* What the ledger says of one link; copied, since the row holds during its call only. */
struct decided {
    bool known;
    bool bypassed, held, doubt;
    char by[128], why[512];
    tq_time at;
    struct link_decided policy;
};

static void copy(char *out, size_t size, struct span text)
{
    size_t n = text.n < size ? text.n : size - 1;
    if (n > 0)
        memcpy(out, text.p, n);
    out[n] = 0;
}

static void take_row(void *context, const struct link_row *row)
{
    struct decided *d = context;
    d->known = true;
    d->bypassed = row->bypassed;
    d->held = row->held;
    d->doubt = row->doubt;
    copy(d->by, sizeof d->by, row->decided_by);
    copy(d->why, sizeof d->why, row->decided_why);
    d->at = row->decided_at;
    d->policy = (struct link_decided){.learn_from = row->learn_from,
                                      .learn_size = row->learn_size,
                                      .learn_rate = row->learn_rate,
                                      .proposed_at = row->proposed_at,
                                      .allow_size = row->allow_size,
                                      .allow_rate = row->allow_rate,
                                      .at = row->policy_at};
    copy(d->policy.unknown, sizeof d->policy.unknown, row->unknown);
    copy(d->policy.by, sizeof d->policy.by, row->policy_by);
}

int link_decided_get(struct call *c, struct span name, struct link_decided *ret, struct error *e)
{
    struct decided d = {0};
    int rc = link_list(c->db, name, take_row, &d, e);
    *ret = d.policy;
    return rc;
}

/* What two people have to ask for. */
static void going_on(char out[128], struct span link)
{
    (void)snprintf(out, 128, "go on %.*s", (int)link.n, (const char *)link.p);
}

static void put_decision(struct call *c, const struct decided *d, struct span link)
{
    struct jsonw *j = &c->json;
    char what[128];
    struct wish_of_two w = {0};
    going_on(what, link);
    bool awaited = d->doubt && second_person_awaited(c, what, &w);
    jsonw_put_bool(j, "bypass", d->bypassed);
    jsonw_put_bool(j, "hold", d->held);
    jsonw_put_bool(j, "doubt", d->doubt);
    jsonw_put_str(j, "go_on_asked_by", awaited ? w.person : NULL);
    put_time(j, "go_on_until", awaited ? c->now.wall + (w.until - c->now.monotonic) : 0);
    put_optional(j, "decided_by", span_str(d->by));
    put_optional(j, "decided_why", span_str(d->why));
    put_time(j, "decided_at", d->at);
}

static int put_link(struct call *c, const struct api_link *l, struct error *e)
{
    struct jsonw *j = &c->json;
    struct decided d = {0};
    if (link_list(c->db, span_str(l->name), take_row, &d, e) != 0)
        return -1;
    jsonw_object(j);
    jsonw_put_str(j, "name", l->name);
    jsonw_put_str(j, "protocol", l->protocol);
    jsonw_put_str(j, "mode", l->mode);
    jsonw_put_str(j, "state", l->state);
    put_optional(j, "why", said(c, span_str(l->why)));
    put_decision(c, &d, span_str(l->name));
    put_side(c, "analyzer", &l->side[0]);
    put_side(c, "lis", &l->side[1]);
    jsonw_put_uint(j, "rate_per_min", l->rate);
    jsonw_key(j, "delay_ms");
    jsonw_object(j);
    const int64_t delays[] = {l->delay_p50, l->delay_p99, l->delay_limit};
    static const char *const delay_names[] = {"p50", "p99", "limit"};
    for (int i = 0; i < 3; i++) {
        jsonw_key(j, delay_names[i]);
        jsonw_real(j, (double)delays[i] / TIME_MS, 3);
    }
    jsonw_object_end(j);
    jsonw_key(j, "queue");
    jsonw_object(j);
    jsonw_put_uint(j, "messages", l->queue_messages);
    jsonw_put_uint(j, "bytes", l->queue_bytes);
    jsonw_put_uint(j, "max", l->queue_max);
    put_time(j, "oldest_at", l->queue_oldest);
    jsonw_object_end(j);
    jsonw_key(j, "last");
    jsonw_array(j);
    int rc = link_messages(c->db, span_str(l->name), LAST_MESSAGES, put_message, c, e);
    jsonw_array_end(j);
    jsonw_key(j, "undelivered");
    jsonw_array(j);
    if (rc == 0)
        rc = link_put_aside(c->db, span_str(l->name), c->now.wall - ASIDE_DAYS * 24 * 60 * 60 * TIME_SECOND, LAST_MESSAGES, put_aside, c, e);
    jsonw_array_end(j);
    if (rc == 0)
        rc = link_policy_put(c, l, &d.policy, e);
    jsonw_key(j, "counters");
    jsonw_object(j);
    for (size_t i = 0; i < sizeof counter_names / sizeof counter_names[0]; i++)
        jsonw_put_uint(j, counter_names[i], l->counters[i]);
    jsonw_object_end(j);
    jsonw_object_end(j);
    return rc;
}

static size_t all_links(struct call *c, struct api_link **ret)
{
    *ret = calloc(API_LINKS, sizeof **ret);
    return *ret == NULL || c->api->host.links == NULL ? 0 : c->api->host.links(c->api->host.context, *ret, API_LINKS);
}

void handle_link_list(struct call *c)
{
    struct api_link *all;
    struct error e = {0};
    size_t n = all_links(c, &all);
    int rc = 0;
    jsonw_object(&c->json);
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = put_link(c, &all[i], &e);
    jsonw_array_end(&c->json);
    jsonw_object_end(&c->json);
    free(all);
    if (rc != 0)
        problem_store(c, &e);
}

static void answer_link(struct call *c)
{
    struct api_link *all;
    struct error e = {0};
    size_t n = all_links(c, &all);
    for (size_t i = 0; i < n; i++)
        if (span_is(c->params[0], all[i].name) && put_link(c, &all[i], &e) != 0)
            problem_store(c, &e);
    free(all);
}

/* ── decisions ── */

bool link_named(struct call *c)
{
    struct api_link *all;
    size_t n = all_links(c, &all);
    bool there = false;
    for (size_t i = 0; i < n && !there; i++)
        there = span_is(c->params[0], all[i].name);
    free(all);
    if (!there)
        problem(c, 404, "no-link", "No link of lab.yaml has this name, or the relay does not say how it is.");
    return there;
}

void link_hand_on(struct call *c, const struct api_link_order *o)
{
    struct error e = {0};
    if (c->api->host.link_order == NULL || c->api->host.link_order(c->api->host.context, o, &e) != 0)
        problem(c, 503, "relay", "It is decided, but the relay does not take it now. It gets it when it is started again.");
    else
        answer_link(c);
}

/* One decision about a link, by a person who showed again that it is they. */
struct decided_now {
    enum event event;
    const char *permission;
    bool on, doubt;
    struct span why;
};

static void decide_now(struct call *c, const struct decided_now *x)
{
    uint64_t record = 0;
    struct api_link_order o = {.what = x->event == EVENT_LINK_BYPASSED ? API_LINK_BYPASS : API_LINK_HOLD, .link = c->params[0], .on = x->on};
    struct record *r = decision(c, x->event);
    if (r == NULL)
        return;
    record_text(r, KEY_LINK, c->params[0]);
    record_int(r, KEY_LINK_ON, x->on);
    if (x->doubt)
        record_str(r, KEY_KIND, "doubt");
    record_text(r, KEY_WHY, x->why);
    bool ok = decide(c, r, &record);
    free(r);
    if (ok)
        link_hand_on(c, &o);
}

/* Results were held because they may be wrong: two people let them go on. */
static void go_on_by_two(struct call *c, struct decided_now x)
{
    char what[128];
    struct buf both = BUF_INIT(2048);
    going_on(what, c->params[0]);
    if (second_person(
            c, what, x.why, &both,
            "Asked for, and written down. Results are held here because they may be wrong: they go on once another person who may do it asks "
            "for the same, within 15 minutes.",
            x.permission)) {
        if (buf_ok(&both))
            x.why = buf_span(&both);
        decide_now(c, &x);
        second_person_done(c, what);
    }
    buf_release(&both);
}

static void decide_by(struct call *c, const struct decided_now *x)
{
    struct decided now = {0};
    struct error e = {0};
    if (link_list(c->db, c->params[0], take_row, &now, &e) != 0)
        problem_store(c, &e);
    else if (now.doubt && x->event == EVENT_LINK_BYPASSED && x->on)
        problem(c, 409, "doubt", "Results are held here because they may be wrong: a bypass would let them pass. Two people let them go on first.");
    else if (now.doubt && x->event == EVENT_LINK_HELD && !x->on)
        go_on_by_two(c, *x);
    else
        decide_now(c, x);
}

/* Bypass and hold. */
static void decide_state(struct call *c, enum event event, const char *permission)
{
    struct body_field f[] = {{.name = "on", .boolean = true, .max = 5},
                             {.name = "reason", .max = 500},
                             {.name = "password", .max = 1024, .optional = true},
                             {.name = "doubt", .boolean = true, .optional = true, .max = 5}};
    struct body body;
    size_t fields = event == EVENT_LINK_HELD ? 4 : 3;
    if (!link_named(c) || !body_open(c, &body, f, fields))
        return;
    struct decided_now x = {.event = event, .permission = permission, .on = span_is(f[0].text, "true"), .why = f[1].text};
    x.doubt = x.on && span_is(f[3].text, "true");
    if (!x.on && !span_is(f[0].text, "false"))
        problem(c, 422, "on", "Say true or false.");
    else if (!reason_valid(f[1].text))
        problem(c, 422, "reason", "Say in a few words why.");
    else if (proof_again(c, f[2].text, permission))
        decide_by(c, &x);
    body_close(&body);
}

void handle_link_bypass(struct call *c)
{
    decide_state(c, EVENT_LINK_BYPASSED, "links.bypass");
}

void handle_link_hold(struct call *c)
{
    decide_state(c, EVENT_LINK_HELD, "links.manage");
}
