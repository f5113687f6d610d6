/* Links through the relay: GET /links, and what people decide about them. */
#include "door/api/api_private.h"

#include "lab/link_view.h"

#include <jansson.h>
#include <stdlib.h>

#define LAST_MESSAGES 20
#define WORDS_MAX 32768

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
    put_optional(j, "why", span_str(s->why));
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

/* What the ledger says of one link; copied, since the row holds during its call only. */
struct decided {
    bool known;
    bool bypassed, held;
    char by[128], why[512];
    tq_time at;
    struct buf proposed, policy;
    char policy_by[128];
    tq_time proposed_at, policy_at;
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
    copy(d->by, sizeof d->by, row->decided_by);
    copy(d->why, sizeof d->why, row->decided_why);
    d->at = row->decided_at;
    buf_add_span(&d->proposed, row->proposed);
    d->proposed_at = row->proposed_at;
    buf_add_span(&d->policy, row->policy);
    copy(d->policy_by, sizeof d->policy_by, row->policy_by);
    d->policy_at = row->policy_at;
}

static int decided_get(struct call *c, struct span name, struct decided *d, struct error *e)
{
    *d = (struct decided){.proposed = BUF_INIT(65536), .policy = BUF_INIT(65536)};
    return link_list(c->db, name, take_row, d, e);
}

static void decided_release(struct decided *d)
{
    buf_release(&d->proposed);
    buf_release(&d->policy);
}

static void put_policy(struct call *c, const struct api_link *l, const struct decided *d)
{
    struct jsonw *j = &c->json;
    jsonw_key(j, "policy");
    jsonw_object(j);
    jsonw_put_str(j, "unknown", l->unknown);
    put_time(j, "learning_until", l->learning_until);
    put_ready(j, "proposed", buf_span(&d->proposed), "null");
    put_time(j, "proposed_at", d->proposed_at);
    put_ready(j, "approved", buf_span(&d->policy), "null");
    put_optional(j, "approved_by", span_str(d->policy_by));
    put_time(j, "approved_at", d->policy_at);
    jsonw_object_end(j);
}

static void put_decision(struct call *c, const struct decided *d)
{
    struct jsonw *j = &c->json;
    jsonw_put_bool(j, "bypass", d->bypassed);
    jsonw_put_bool(j, "hold", d->held);
    put_optional(j, "decided_by", span_str(d->by));
    put_optional(j, "decided_why", span_str(d->why));
    put_time(j, "decided_at", d->at);
}

static int put_link(struct call *c, const struct api_link *l, struct error *e)
{
    struct jsonw *j = &c->json;
    struct decided d;
    if (decided_get(c, span_str(l->name), &d, e) != 0) {
        decided_release(&d);
        return -1;
    }
    jsonw_object(j);
    jsonw_put_str(j, "name", l->name);
    jsonw_put_str(j, "protocol", l->protocol);
    jsonw_put_str(j, "mode", l->mode);
    jsonw_put_str(j, "state", l->state);
    put_optional(j, "why", span_str(l->why));
    put_decision(c, &d);
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
    put_policy(c, l, &d);
    jsonw_key(j, "counters");
    jsonw_object(j);
    for (size_t i = 0; i < sizeof counter_names / sizeof counter_names[0]; i++)
        jsonw_put_uint(j, counter_names[i], l->counters[i]);
    jsonw_object_end(j);
    jsonw_object_end(j);
    decided_release(&d);
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

static bool is_link(struct call *c)
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

static void hand_on(struct call *c, const struct api_link_order *o)
{
    struct error e = {0};
    if (c->api->host.link_order == NULL || c->api->host.link_order(c->api->host.context, o, &e) != 0)
        problem(c, 503, "relay", "It is decided, but the relay does not take it now. It gets it when it is started again.");
    else
        answer_link(c);
}

/* Bypass and hold. */
static void decide_state(struct call *c, enum event event, const char *permission)
{
    struct body_field f[] = {
        {.name = "on", .boolean = true, .max = 5}, {.name = "reason", .max = 500}, {.name = "password", .max = 1024, .optional = true}};
    struct body body;
    uint64_t record = 0;
    if (!is_link(c) || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    bool on = span_is(f[0].text, "true");
    struct api_link_order o = {.what = event == EVENT_LINK_BYPASSED ? API_LINK_BYPASS : API_LINK_HOLD, .link = c->params[0], .on = on};
    if (!on && !span_is(f[0].text, "false")) {
        problem(c, 422, "on", "Say true or false.");
    } else if (!reason_valid(f[1].text)) {
        problem(c, 422, "reason", "Say in a few words why.");
    } else if (proof_again(c, f[2].text, permission)) {
        struct record *r = decision(c, event);
        if (r != NULL) {
            record_text(r, KEY_LINK, c->params[0]);
            record_int(r, KEY_LINK_ON, on);
            record_text(r, KEY_WHY, f[1].text);
            if (decide(c, r, &record))
                hand_on(c, &o);
            free(r);
        }
    }
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

/* A list of what was learnt, as words and into the record. One with a text that had to be hidden cannot be a list of what may pass: it is left out.
 */
static struct span take_list(const json_t *o, const char *name, enum record_key key, struct record *r, struct buf *words)
{
    const json_t *list = json_object_get(o, name);
    size_t at = words->n;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (word == NULL || (strncmp(word, "T-", 2) == 0 && strlen(word) == 18))
            return (struct span){0};
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        buf_add_str(words, word);
        record_text(r, key, span_of(words->p + words->n - strlen(word), strlen(word)));
        buf_u8(words, '\n');
    }
    return span_of(words->p + at, words->n - at);
}

static void approve(struct call *c, const json_t *proposed, struct span unknown, struct span reason)
{
    struct buf words = BUF_INIT(WORDS_MAX);
    struct record *r = buf_reserve(&words, WORDS_MAX) ? decision(c, EVENT_LINK_POLICY) : NULL; /* words do not move */
    uint64_t record = 0;
    if (r == NULL) {
        buf_release(&words);
        return;
    }
    struct api_link_order o = {.what = API_LINK_POLICY, .link = c->params[0], .on = true, .unknown = unknown};
    record_text(r, KEY_LINK, c->params[0]);
    record_text(r, KEY_WHY, reason);
    o.types = take_list(proposed, "types", KEY_LINK_TYPE, r, &words);
    o.senders = take_list(proposed, "senders", KEY_LINK_SENDER, r, &words);
    o.tests = take_list(proposed, "tests", KEY_LINK_TEST, r, &words);
    o.size = (uint32_t)json_integer_value(json_object_get(proposed, "size"));
    o.rate = (uint32_t)json_integer_value(json_object_get(proposed, "rate"));
    record_int(r, KEY_LINK_SIZE, o.size);
    record_int(r, KEY_LINK_RATE, o.rate);
    record_text(r, KEY_LINK_UNKNOWN, unknown);
    if (!buf_ok(&words) || r->cut)
        problem(c, 422, "too-many", "So much was learnt that it makes no list. Write the policy into lab.yaml.");
    else if (decide(c, r, &record))
        hand_on(c, &o);
    free(r);
    buf_release(&words);
}

/* Approves the proposed policy; unknown: what happens to messages that it does not allow. */
void handle_link_policy(struct call *c)
{
    struct body_field f[] = {{.name = "approve", .boolean = true, .max = 5},
                             {.name = "unknown", .max = 8},
                             {.name = "reason", .max = 500},
                             {.name = "password", .max = 1024, .optional = true}};
    struct body body;
    struct decided d;
    struct error e = {0};
    if (!is_link(c) || !body_open(c, &body, f, sizeof f / sizeof f[0]))
        return;
    int rc = decided_get(c, c->params[0], &d, &e);
    json_t *proposed = rc != 0 || d.proposed.n == 0 ? NULL : json_loadb((const char *)d.proposed.p, d.proposed.n, 0, NULL);
    bool word = span_is(f[1].text, "pass") || span_is(f[1].text, "flag") || span_is(f[1].text, "refuse");
    if (rc != 0)
        problem_store(c, &e);
    else if (!span_is(f[0].text, "true"))
        problem(c, 422, "approve", "Only approving is done here.");
    else if (proposed == NULL)
        problem(c, 409, "nothing-proposed", "No policy is proposed for this link: give it time to learn (learn: in lab.yaml).");
    else if (!word)
        problem(c, 422, "unknown", "What happens to what is not allowed: pass, flag or refuse.");
    else if (!reason_valid(f[2].text))
        problem(c, 422, "reason", "Say in a few words why.");
    else if (proof_again(c, f[3].text, "links.manage"))
        approve(c, proposed, f[1].text, f[2].text);
    json_decref(proposed);
    decided_release(&d);
    body_close(&body);
}
