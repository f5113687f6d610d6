/* Doors: a maker's engineer asks for one port of one device and a time; the lab approves, with a fresh proof; the firewall does the rest. What is to
 * be open follows from these records (lab/door.h, proc/doors.h). An engineer sees her own doors and her maker's devices, nothing else. */
#include "door/api/api_private.h"

#include "base/text.h"
#include "lab/door.h"
#include "record/crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define WHY_MAX 500
#define PASSWORD_MAX 1024
#define DEVICES_MOST 500

/* ── answers ── */

static void state_of(struct call *c, struct api_doors *ret)
{
    *ret = (struct api_doors){0};
    if (c->api->host.doors != NULL)
        c->api->host.doors(c->api->host.context, ret);
}

static void put_firewall(struct call *c, const struct api_doors *s)
{
    struct jsonw *j = &c->json;
    jsonw_key(j, "firewall");
    jsonw_object(j);
    jsonw_put_bool(j, "configured", s->configured);
    jsonw_put_bool(j, "on", s->on);
    put_optional(j, "why", said(c, span_str(s->on ? "" : s->why)));
    jsonw_object_end(j);
}

static const char *state_word(const struct door *d, tq_time now)
{
    if (d->state == DOOR_ASKED && now >= d->asked_at + DOOR_WAITS)
        return "lapsed";
    if (d->withdrawn_at != 0 && d->state != DOOR_CLOSED)
        return "closing";
    return door_state_name(d->state);
}

static void put_counts(struct jsonw *j, const struct door *d, const struct api_doors *s)
{
    const struct api_door_count *live = NULL;
    for (size_t i = 0; i < s->n && d->state == DOOR_OPEN; i++)
        if (strcmp(s->counts[i].id, d->id) == 0)
            live = &s->counts[i];
    static const char *const names[] = {"packets", "bytes_up", "bytes_down"};
    const int64_t kept[] = {d->packets, d->bytes_up, d->bytes_down};
    const uint64_t now[] = {live != NULL ? live->packets : 0, live != NULL ? live->bytes_up : 0, live != NULL ? live->bytes_down : 0};
    for (int i = 0; i < 3; i++) {
        jsonw_key(j, names[i]);
        if (live != NULL)
            jsonw_uint(j, now[i]);
        else if (d->counted)
            jsonw_int(j, kept[i]);
        else
            jsonw_null(j);
    }
}

static void put_door(struct call *c, const struct door *d, const struct api_doors *s)
{
    struct jsonw *j = &c->json;
    jsonw_put_str(j, "id", d->id);
    jsonw_put_str(j, "state", state_word(d, c->now.wall));
    jsonw_put_text(j, "asset", d->asset);
    jsonw_put_text(j, "device", d->device);
    jsonw_put_text(j, "address", d->address);
    jsonw_put_text(j, "from", d->source);
    jsonw_put_text(j, "service", d->service);
    jsonw_put_str(j, "protocol", d->proto == 17 ? "udp" : "tcp");
    jsonw_put_int(j, "port", d->port);
    jsonw_put_int(j, "minutes", d->minutes);
    put_optional(j, "maker", d->maker);
    jsonw_put_text(j, "asked_by", d->asked_by);
    put_time(j, "asked_at", d->asked_at);
    jsonw_put_text(j, "why", d->why);
    put_optional(j, "decided_by", d->decided_by);
    put_time(j, "decided_at", d->decided_at);
    put_optional(j, "decided_why", d->decided_why);
    put_time(j, "until", d->until);
    put_time(j, "opened_at", d->opened_at);
    put_time(j, "closed_at", d->closed_at);
    put_optional(j, "ended", d->ended);
    put_optional(j, "ended_why", d->ended_why);
    put_optional(j, "ended_by", d->withdrawn_by);
    put_optional(j, "ended_reason", d->withdrawn_why);
    put_counts(j, d, s);
    jsonw_put_int(j, "flows", d->flows);
    jsonw_put_int(j, "changes", d->changes);
    jsonw_put_uint(j, "record", d->changed);
}

/* Whose doors this person sees: everybody's (empty), or her own. */
static struct span whose(const struct call *c)
{
    return may(c, "visits.read") ? (struct span){0} : span_str(c->person.name);
}

struct listing {
    struct call *c;
    const struct api_doors *s;
    int64_t given, limit;
    struct page last;
};

static void put_row(void *context, const struct door *d)
{
    struct listing *l = context;
    if (l->given++ >= l->limit)
        return;
    l->last = (struct page){.number = d->n};
    jsonw_object(&l->c->json);
    put_door(l->c, d, l->s);
    jsonw_object_end(&l->c->json);
}

void handle_door_list(struct call *c)
{
    struct page page;
    struct api_doors s;
    struct error e = {0};
    if (!query_page(c, "doors", &page))
        return;
    state_of(c, &s);
    struct listing l = {.c = c, .s = &s, .limit = page.limit};
    struct door_query q = {.asked_by = whose(c), .now = c->now.wall, .limit = page.limit + 1, .before = page.after ? page.number : 0};
    struct door_query waiting = {.asked_by = whose(c), .now = c->now.wall, .waiting = true};
    jsonw_object(&c->json);
    put_firewall(c, &s);
    jsonw_put_int(&c->json, "waiting", door_count(c->db, &waiting, &e));
    jsonw_key(&c->json, "items");
    jsonw_array(&c->json);
    int rc = door_list(c->db, &q, put_row, &l, &e);
    jsonw_array_end(&c->json);
    put_next(&c->json, "doors", l.given > l.limit, &l.last);
    jsonw_object_end(&c->json);
    if (rc != 0)
        problem_store(c, &e);
}

/* One door, copied: its texts stand in `texts`. */
struct one {
    struct door d;
    bool found;
    struct buf texts;
};

static struct span kept(struct buf *texts, struct span text)
{
    size_t at = texts->n;
    buf_add_span(texts, text);
    return span_of(texts->p + at, text.n);
}

static void take_one(void *context, const struct door *d)
{
    struct one *x = context;
    struct span *const spans[] = {&x->d.asset, &x->d.device,    &x->d.address,      &x->d.source,       &x->d.service,
                                  &x->d.maker, &x->d.asked_by,  &x->d.why,          &x->d.decided_by,   &x->d.decided_why,
                                  &x->d.ended, &x->d.ended_why, &x->d.withdrawn_by, &x->d.withdrawn_why};
    x->d = *d;
    x->found = buf_reserve(&x->texts, 16384); /* it does not move */
    for (size_t i = 0; x->found && i < sizeof spans / sizeof spans[0]; i++)
        *spans[i] = kept(&x->texts, *spans[i]);
}

/* The door of the address, if this person may see it. False: the problem is set. Release it either way. */
static bool find(struct call *c, struct one *x)
{
    struct error e = {0};
    *x = (struct one){.texts = BUF_INIT(32768)};
    struct door_query q = {.id = c->params[0], .asked_by = whose(c), .limit = 1};
    if (door_list(c->db, &q, take_one, x, &e) != 0)
        problem_store(c, &e);
    else if (!x->found)
        problem(c, 404, "no-door", "There is no door with this id.");
    return x->found && !answered(c);
}

static void put_flow(void *context, const struct door_flow *f)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    jsonw_put_text(j, "from", f->src);
    jsonw_put_text(j, "to", f->dst);
    jsonw_put_str(j, "protocol", f->proto == 17 ? "udp" : f->proto == 6 ? "tcp" : "other");
    jsonw_put_int(j, "port", f->port);
    put_optional(j, "app", f->app);
    jsonw_put_int(j, "packets", f->packets);
    jsonw_put_int(j, "bytes_up", f->bytes_up);
    jsonw_put_int(j, "bytes_down", f->bytes_down);
    put_time(j, "began", f->began);
    put_time(j, "ended", f->ended);
    jsonw_put_uint(j, "record", f->record);
    jsonw_object_end(j);
}

static void put_change(void *context, const struct door_change *x)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    put_time(j, "time", x->time);
    jsonw_put_text(j, "field", x->field);
    put_optional(j, "before", x->before);
    put_optional(j, "after", x->after);
    jsonw_put_uint(j, "record", x->record);
    jsonw_object_end(j);
}

static void answer_door(struct call *c)
{
    struct one x;
    struct api_doors s;
    struct error e = {0};
    if (find(c, &x)) {
        state_of(c, &s);
        jsonw_object(&c->json);
        put_door(c, &x.d, &s);
        jsonw_key(&c->json, "seen");
        jsonw_array(&c->json);
        int rc = door_flows(c->db, x.d.n, put_flow, c, &e);
        jsonw_array_end(&c->json);
        jsonw_key(&c->json, "changed");
        jsonw_array(&c->json);
        if (rc == 0)
            rc = door_changes(c->db, x.d.n, put_change, c, &e);
        jsonw_array_end(&c->json);
        jsonw_object_end(&c->json);
        if (rc != 0)
            problem_store(c, &e);
    }
    buf_release(&x.texts);
}

void handle_door_get(struct call *c)
{
    answer_door(c);
}

/* ── what can be asked for ── */

static void put_device(void *context, const struct door_device *d)
{
    struct jsonw *j = &((struct call *)context)->json;
    jsonw_object(j);
    jsonw_put_text(j, "id", d->id);
    jsonw_put_text(j, "title", d->title);
    jsonw_put_text(j, "address", d->address);
    put_optional(j, "maker", d->maker);
    put_optional(j, "model", d->model);
    jsonw_object_end(j);
}

static bool bound_to_maker(const struct call *c)
{
    return (c->person.roles & JOB_BIT(JOB_ENGINEER)) != 0 && !may(c, "visits.read");
}

/* The address that the person speaks from, where the firewall knows it as a vendor's. */
static void own_address(struct call *c, char out[46])
{
    struct address a;
    out[0] = 0;
    if (c->request->door != DOOR_LOCAL && address_parse(span_str(c->origin), &a))
        address_format(&a, out);
}

void handle_door_choices(struct call *c)
{
    struct jsonw *j = &c->json;
    struct api_doors s;
    struct error e = {0};
    char maker[128] = "";
    char from[46];
    state_of(c, &s);
    own_address(c, from);
    if (bound_to_maker(c))
        door_maker_of(c->db, span_str(c->person.name), c->api->site, c->now.wall, maker);
    jsonw_object(j);
    put_firewall(c, &s);
    put_optional(j, "maker", span_str(maker));
    put_optional(j, "from", span_str(from));
    jsonw_put_int(j, "minutes_least", DOOR_LEAST);
    int64_t most = s.longest > 0 && s.longest < DOOR_MOST * 60 ? s.longest / 60 : DOOR_MOST;
    jsonw_put_int(j, "minutes_most", most < DOOR_LEAST ? DOOR_LEAST : most);
    jsonw_key(j, "services");
    jsonw_array(j);
    for (size_t i = 0; i < door_service_count; i++) {
        jsonw_object(j);
        jsonw_put_str(j, "name", door_services[i].name);
        jsonw_put_int(j, "port", door_services[i].port);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
    jsonw_key(j, "devices");
    jsonw_array(j);
    int rc = bound_to_maker(c) && maker[0] == 0 ? 0 : door_devices(c->db, span_str(maker), (struct span){0}, DEVICES_MOST, put_device, c, &e);
    jsonw_array_end(j);
    jsonw_object_end(j);
    if (rc != 0)
        problem_store(c, &e);
}

/* ── asking ── */

struct wish {
    char account[ACCOUNT_NAME_MAX + 32]; /* whose door it is to be */
    char maker[128];
    char asset[64];
    char address[46];
    char from[46];
    const struct door_service *service;
    uint16_t port;
    int64_t minutes;
    struct span why;
};

static void take_device(void *context, const struct door_device *d)
{
    struct wish *w = context;
    if (w->asset[0] != 0)
        return; /* its first address is the one */
    (void)snprintf(w->asset, sizeof w->asset, "%.*s", (int)d->id.n, (const char *)d->id.p);
    (void)snprintf(w->address, sizeof w->address, "%.*s", (int)d->address.n, (const char *)d->address.p);
}

static bool choose_device(struct call *c, struct span id, bool bound, struct wish *w)
{
    struct error e = {0};
    if (bound && w->maker[0] == 0)
        problem(c, 409, "no-maker", "This account does not say which maker it belongs to. The lab manager says so when giving the role.");
    else if (id.n == 0 || door_devices(c->db, span_str(w->maker), id, 1, take_device, w, &e) != 0)
        problem(c, 422, "device", "Say which device.");
    else if (w->asset[0] == 0)
        problem(c, 404, "no-device", "There is no such device, it is of another maker, or it has no address now.");
    return !answered(c);
}

static bool choose_way(struct call *c, struct span from, struct wish *w)
{
    static const char *const wrong[] = {
        [API_DOOR_FAMILIES] = "The two addresses are of different kinds (IPv4, IPv6).",
        [API_DOOR_NO_VENDOR] =
            "The address that you come from is in none of the vendors' networks that the lab has named. Sign in through the VPN or jump "
            "host, or say its address.",
        [API_DOOR_NO_DEVICE] = "This device is in none of the networks that the firewall governs."};
    struct address a;
    struct address b;
    if (from.n == 0)
        own_address(c, w->from);
    else if (address_parse(from, &a))
        address_format(&a, w->from);
    if (!address_parse(span_str(w->from), &a) || !address_parse(span_str(w->address), &b)) {
        problem(c, 422, "from", "Say the address that you come from: that of the VPN or jump host.");
        return false;
    }
    enum api_door_way way = c->api->host.door_way == NULL ? API_DOOR_NO_VENDOR : c->api->host.door_way(c->api->host.context, &a, &b);
    if (way != API_DOOR_GOOD)
        problem(c, 422, way == API_DOOR_NO_DEVICE ? "device" : "from", wrong[way]);
    return way == API_DOOR_GOOD;
}

static bool choose_rest(struct call *c, struct span service, struct span port, struct span minutes, struct wish *w)
{
    uint64_t number = 0;
    uint64_t time = 0;
    w->service = door_service(service);
    bool given = port.n > 0;
    if (w->service == NULL)
        problem(c, 422, "service", "Say what for: rdp, vnc, ssh, https, or port with its number.");
    else if ((given && (!span_decimal(port, 65535, &number) || number == 0)) || (!given && w->service->port == 0))
        problem(c, 422, "port", "A port is a number from 1 to 65535.");
    else if (!span_decimal(minutes, DOOR_MOST, &time) || time < DOOR_LEAST)
        problem(c, 422, "minutes", "A door is open for 5 to 480 minutes.");
    else if (!reason_valid(w->why))
        problem(c, 422, "why", "Say in a few words what the work is.");
    w->port = given ? (uint16_t)number : w->service != NULL ? w->service->port : 0;
    w->minutes = (int64_t)time;
    return !answered(c);
}

/* Who it is for. At the local socket an account may be named. */
static bool choose_person(struct call *c, struct span account, struct wish *w)
{
    bool found = false;
    struct account a = {0};
    struct error e = {0};
    char name[ACCOUNT_NAME_MAX + 1];
    (void)snprintf(w->account, sizeof w->account, "%s", c->person.name);
    if (account.n == 0)
        return true;
    if (c->request->door != DOOR_LOCAL)
        problem(c, 403, "account", "A door is asked for in one's own name.");
    else if (!account_name(account, name) || account_get(c->db, span_str(name), &a, &found, &e) != 0 || !found || a.closed)
        problem(c, 404, "no-account", "There is no account with this name, or it is closed.");
    else
        (void)snprintf(w->account, sizeof w->account, "%s", name);
    crypto_wipe(&a, sizeof a);
    return !answered(c);
}

static void put_wish(struct record *r, const struct wish *w, const char *id)
{
    record_str(r, KEY_DOOR, id);
    record_str(r, KEY_ASSET, w->asset);
    record_str(r, KEY_DOOR_ADDRESS, w->address);
    record_str(r, KEY_FROM, w->from);
    record_str(r, KEY_DOOR_SERVICE, w->service->name);
    record_int(r, KEY_DOOR_PROTO, w->service->proto);
    record_int(r, KEY_DOOR_PORT, w->port);
    record_int(r, KEY_DOOR_MINUTES, w->minutes);
    if (w->maker[0] != 0)
        record_str(r, KEY_FOR_MAKER, w->maker);
    record_text(r, KEY_WHY, w->why);
}

static bool room_for_one(struct call *c)
{
    struct error e = {0};
    struct door_query waiting = {.waiting = true, .now = c->now.wall};
    struct door_query own = {.waiting = true, .now = c->now.wall, .asked_by = span_str(c->person.name)};
    if (door_count(c->db, &waiting, &e) >= DOOR_WAITING_MOST || door_count(c->db, &own, &e) >= DOOR_WAITING_MOST / 10)
        problem(c, 429, "waiting", "Too many requests wait already. Withdraw one, or wait until they are decided.");
    return !answered(c);
}

void handle_door_ask(struct call *c)
{
    enum { DEVICE, SERVICE, PORT, MINUTES, WHY, FROM, ACCOUNT, FIELDS };
    struct body_field f[FIELDS] = {[DEVICE] = {.name = "device", .max = 63},
                                   [SERVICE] = {.name = "service", .max = 16},
                                   [PORT] = {.name = "port", .max = 8, .optional = true},
                                   [MINUTES] = {.name = "minutes", .max = 8},
                                   [WHY] = {.name = "why", .max = WHY_MAX},
                                   [FROM] = {.name = "from", .max = 45, .optional = true},
                                   [ACCOUNT] = {.name = "account", .max = ACCOUNT_NAME_MAX, .optional = true}};
    struct body body;
    struct wish w = {0};
    struct api_doors s;
    uint8_t random[(DOOR_ID - 1) / 2];
    char id[DOOR_ID];
    uint64_t index = 0;
    if (!body_open(c, &body, f, FIELDS))
        return;
    w.why = f[WHY].text;
    state_of(c, &s);
    if (!s.configured)
        problem(c, 409, "no-firewall", "This installation opens no doors: lab.yaml names no networks for them (warden).");
    else if (choose_person(c, f[ACCOUNT].text, &w)) {
        bool bound = bound_to_maker(c) || f[ACCOUNT].text.n > 0;
        if (bound)
            door_maker_of(c->db, span_str(w.account), c->api->site, c->now.wall, w.maker);
        if (choose_device(c, f[DEVICE].text, bound, &w) && choose_way(c, f[FROM].text, &w) &&
            choose_rest(c, f[SERVICE].text, f[PORT].text, f[MINUTES].text, &w) && room_for_one(c)) {
            struct record *r = decision(c, EVENT_DOOR_ASKED);
            crypto_random(random, sizeof random);
            text_hex_to(id, random, sizeof random);
            if (r != NULL) {
                put_wish(r, &w, id);
                if (f[ACCOUNT].text.n > 0)
                    record_str(r, KEY_ACCOUNT, w.account);
                if (decide(c, r, &index)) {
                    c->params[0] = span_str(id);
                    answer_door(c);
                }
                free(r);
            }
        }
    }
    body_close(&body);
}

/* ── deciding ── */

static struct record *about(struct call *c, enum event event, const struct door *d, struct span why)
{
    struct record *r = decision(c, event);
    if (r == NULL)
        return NULL;
    record_str(r, KEY_DOOR, d->id);
    record_text(r, KEY_DOOR_ADDRESS, d->address);
    record_text(r, KEY_ACCOUNT, d->asked_by);
    record_text(r, KEY_WHY, why);
    return r;
}

static void decide_door(struct call *c, struct record *r)
{
    uint64_t index = 0;
    if (r != NULL && decide(c, r, &index)) {
        if (c->api->host.doors_changed != NULL)
            c->api->host.doors_changed(c->api->host.context);
        answer_door(c);
    }
    free(r);
}

static bool waits(struct call *c, const struct door *d)
{
    if (d->state != DOOR_ASKED || c->now.wall >= d->asked_at + DOOR_WAITS)
        problem(c, 409, "decided", "This request is decided, withdrawn, or more than a day old.");
    return !answered(c);
}

/* Whoever asked may still ask. */
static bool still_asks(struct call *c, const struct door *d)
{
    struct account a = {0};
    struct error e = {0};
    bool found = false;
    if (account_get(c->db, d->asked_by, &a, &found, &e) != 0)
        problem_store(c, &e);
    else if (found && (a.closed || !jobs_may(account_roles(c->db, span_str(a.name), c->api->site, c->now.wall), "doors.ask")))
        problem(c, 409, "left", "The access of whoever asked has ended.");
    crypto_wipe(&a, sizeof a);
    return !answered(c);
}

static bool can_be_opened(struct call *c, const struct door *d)
{
    struct api_doors s;
    struct error e = {0};
    char source[46];
    char address[46];
    char words[400];
    state_of(c, &s);
    (void)snprintf(source, sizeof source, "%.*s", (int)d->source.n, (const char *)d->source.p);
    (void)snprintf(address, sizeof address, "%.*s", (int)d->address.n, (const char *)d->address.p);
    (void)snprintf(words, sizeof words, "The firewall cannot open it now: %s.", s.why);
    struct door_query live = {.live = true};
    if (!s.on)
        problem(c, 409, "no-firewall", words);
    else if (door_taken(c->db, source, address, d->proto, d->port))
        problem(c, 409, "open-already", "A door is open for this very way already.");
    else if (door_count(c->db, &live, &e) >= DOOR_OPEN_MOST)
        problem(c, 409, "too-many", "Too many doors are open.");
    return !answered(c);
}

/* As long as was asked for, and as the lab allows. */
static tq_time open_time(struct call *c, const struct door *d)
{
    struct api_doors s;
    state_of(c, &s);
    tq_time most = s.longest > 0 && s.longest < DOOR_MOST * 60 ? s.longest * TIME_SECOND : DOOR_MOST * 60 * TIME_SECOND;
    tq_time asked = d->minutes * 60 * TIME_SECOND;
    return asked < most ? asked : most;
}

void handle_door_approve(struct call *c)
{
    struct body_field f[] = {{.name = "why", .max = WHY_MAX, .optional = true}, {.name = "password", .max = PASSWORD_MAX, .optional = true}};
    struct body body;
    struct one x;
    if (!body_open(c, &body, f, 2))
        return;
    if (find(c, &x) && waits(c, &x.d)) {
        if (span_is(x.d.asked_by, c->person.name))
            refuse(c, 403, "second-person", "You asked for this yourself: another person has to approve it.", "doors.approve");
        else if (still_asks(c, &x.d) && can_be_opened(c, &x.d) && proof_again(c, f[1].text, "doors.approve")) {
            struct record *r = about(c, EVENT_DOOR_APPROVED, &x.d, f[0].text);
            if (r != NULL)
                record_int(r, KEY_UNTIL, c->now.wall + open_time(c, &x.d));
            decide_door(c, r);
        }
    }
    buf_release(&x.texts);
    body_close(&body);
}

void handle_door_refuse(struct call *c)
{
    struct body_field f[] = {{.name = "why", .max = WHY_MAX}};
    struct body body;
    struct one x;
    if (!body_open(c, &body, f, 1))
        return;
    if (find(c, &x) && waits(c, &x.d)) {
        if (!reason_valid(f[0].text))
            problem(c, 422, "why", "Say in a few words why: the engineer reads it.");
        else
            decide_door(c, about(c, EVENT_DOOR_REFUSED, &x.d, f[0].text));
    }
    buf_release(&x.texts);
    body_close(&body);
}

/* Closing needs no proof: it is the safe direction, and has to be fast. */
void handle_door_close(struct call *c)
{
    struct body_field f[] = {{.name = "why", .max = WHY_MAX, .optional = true}};
    struct body body;
    struct one x;
    if (!body_open(c, &body, f, 1))
        return;
    if (find(c, &x)) {
        bool ends = x.d.state == DOOR_ASKED || x.d.state == DOOR_APPROVED || x.d.state == DOOR_OPEN;
        if (!ends || x.d.withdrawn_at != 0)
            problem(c, 409, "closed", "This door is closed, or closing.");
        else
            decide_door(c, about(c, EVENT_DOOR_WITHDRAWN, &x.d, f[0].text));
    }
    buf_release(&x.texts);
    body_close(&body);
}
