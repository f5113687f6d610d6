/* The lab's day: who is there, and what happens next.
 *
 * Two queues by time: events (what somebody does) and packets (what is on its way). An event at time t writes only packets of t and later, so a
 * packet is due as soon as no event comes before it. */
#include "engine/simulate/lab.h"

#include <stdio.h>
#include <stdlib.h>

#define DAY (86400 * TIME_SECOND)

/* ── events ── */

void lab_do(struct simulate *s, tq_time at, lab_act *act, void *what)
{
    if (!queue_put(&s->events, (struct queue_item){.time = at, .act = act, .what = what}))
        s->failed = true;
}

void lab_later(struct simulate *s, tq_time at, lab_act *act, struct sample *sample)
{
    if (sample != NULL)
        sample->uses++;
    lab_do(s, at, act, sample);
}

int64_t lab_rate(tq_time at)
{
    static const uint16_t by_hour[24] = {90,  80,  80,  80,  110, 240, 620, 950, 1000, 1000, 940, 860,
                                         760, 820, 800, 700, 600, 480, 360, 280, 220,  180,  140, 110};
    return by_hour[at / (3600 * TIME_SECOND) % 24];
}

/* ── the lab ── */

static const struct {
    const char *name;
    const char *ip;
    uint8_t maker[3];
} station_makers[STATIONS] = {
    {"RECEPTION-1", "10.20.10.51", {0x00, 0x14, 0x22}}, {"RECEPTION-2", "10.20.10.52", {0x00, 0x14, 0x22}},
    {"BENCH-CHEM", "10.20.10.53", {0x00, 0x1a, 0xa0}},  {"BENCH-HEM", "10.20.10.54", {0x00, 0x1a, 0xa0}},
    {"BENCH-IMM", "10.20.10.55", {0x3c, 0xd9, 0x2b}},   {"OFFICE-QA", "10.20.10.56", {0x3c, 0xd9, 0x2b}},
    {"PATHOLOGIST", "10.20.10.57", {0xf0, 0x18, 0x98}}, {"COURIER-TAB", "10.20.10.58", {0xf0, 0x18, 0x98}},
};

static void parse_ip(const char *text, uint8_t ip[4])
{
    struct span left = span_str(text);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t v = 0;
        (void)span_decimal(span_until(&left, '.', NULL), 255, &v);
        ip[i] = (uint8_t)v;
    }
}

struct host *lab_host(struct simulate *s, const char *name, const uint8_t maker[3], const char *ip, uint16_t vlan)
{
    struct host *h = &s->hosts[s->hosts_n++];
    *h = (struct host){.vlan = vlan, .ttl = 64};
    snprintf(h->name, sizeof h->name, "%s", name);
    memcpy(h->mac, maker, 3);
    rng_fill(&s->rng, h->mac + 3, 3);
    parse_ip(ip, h->ip);
    h->next_port = (uint16_t)(49152 + rng_below(&s->rng, 12000));
    h->ip_id = (uint16_t)rng_next(&s->rng);
    return h;
}

unsigned lab_groups(const struct simulate *s)
{
    return (s->networked_n + GROUP - 1) / GROUP;
}

struct lab_ip lab_ip(const char *network, unsigned number)
{
    struct lab_ip ip;
    uint8_t parts[4];
    char whole[20];
    snprintf(whole, sizeof whole, "%s0", network);
    parse_ip(whole, parts);
    unsigned above = number > 250 ? (number - 101) / 150 : 0;
    snprintf(ip.text, sizeof ip.text, "%u.%u.%u.%u", parts[0], parts[1], (parts[2] + above) & 255u, (number - 150 * above) & 255u);
    return ip;
}

static void give_ip6(struct host *h, uint8_t last)
{
    static const uint8_t prefix[8] = {0xfd, 0x4c, 0x61, 0x62, 0x00, 0x00, 0x00, 0x10};
    memcpy(h->ip6, prefix, 8);
    h->ip6[15] = last;
}

static void build_servers(struct simulate *s)
{
    static const uint8_t server[3] = {0x00, 0x25, 0x90}, router[3] = {0x00, 0x0d, 0xb9}, printer[3] = {0x00, 0x07, 0x4d},
                         stranger[3] = {0xb8, 0x27, 0xeb};
    static const char *const outside[4] = {"203.0.113.10", "198.51.100.20", "203.0.113.44", "198.51.100.80"};
    s->gateway = lab_host(s, "ROUTER", router, "10.20.10.1", 0);
    s->lis = lab_host(s, "LIS", server, "10.20.10.10", 0);
    s->middleware = lab_host(s, "LABLINK", server, "10.20.10.11", 0);
    s->middleware_lab = lab_host(s, "LABLINK-2", server, "10.20.20.11", 20);
    s->files = lab_host(s, "FILES", server, "10.20.10.12", 0);
    s->printer = lab_host(s, "LABELS", printer, "10.20.10.30", 0);
    s->intruder = lab_host(s, "", stranger, "10.20.10.199", 0);
    give_ip6(s->gateway, 1);
    give_ip6(s->lis, 10);
    for (unsigned i = 0; i < 4; i++) { /* seen on the LAN, the router stands for them */
        s->outside[i] = lab_host(s, "", router, outside[i], 0);
        memcpy(s->outside[i]->mac, s->gateway->mac, 6);
        s->outside[i]->ttl = 52;
    }
}

static void build_stations(struct simulate *s)
{
    for (unsigned i = 0; i < STATIONS; i++) {
        struct host *h = lab_host(s, station_makers[i].name, station_makers[i].maker, station_makers[i].ip, 0);
        h->vendor_class = i < 6 ? "MSFT 5.0" : i == 6 ? NULL : "android-dhcp-13";
        h->ttl = i < 6 ? 128 : 64;
        if (i >= 6)
            give_ip6(h, (uint8_t)(51 + i));
        s->stations[i] = h;
    }
}

static void build(struct simulate *s)
{
    party_init(&s->lis_party, "LIS", "MAIN", "2.5.1", "UNICODE UTF-8", "L");
    party_init(&s->middleware_party, "LABLINK", "CORE", "2.5.1", "UNICODE UTF-8", "M");
    build_servers(s);
    build_stations(s);
    for (unsigned i = 0; i < PATIENTS; i++)
        patient_make(&s->rng, i, &s->patients[i]);
    s->results.trouble = 250;
    s->orders.trouble = 250;
    for (unsigned i = 0; i < s->networked_n; i++)
        analyzer_start(s, i);
    for (unsigned i = 0; i < lab_groups(s); i++)
        analyzer_start_serial(s, i);
    for (unsigned i = 0; i < s->analyzers_n; i++) {
        struct analyzer *a = &s->analyzers[i];
        lab_do(s, s->start + rng_between(&s->rng, 1 * TIME_SECOND, 12 * TIME_SECOND), control_source, a);
        lab_do(s, s->start + rng_between(&s->rng, 3 * TIME_SECOND, 25 * TIME_SECOND), order_source, a);
    }
    point_of_care_start(s);
    imaging_start(s);
    background_start(s);
    attack_start(s);
}

static int check(const struct simulate_options *o, struct error *e)
{
    if (o->seconds != 0 && (o->seconds < SIMULATE_SECONDS_MIN || o->seconds > SIMULATE_SECONDS_MAX))
        return err_set(e, ERR_MISUSE, "a simulated lab runs between 1 minute and 168 hours");
    if (o->analyzers != 0 && (o->analyzers < SIMULATE_ANALYZERS_MIN || o->analyzers > SIMULATE_ANALYZERS_MAX))
        return err_set(e, ERR_MISUSE, "a simulated lab has %d to %d analyzers", SIMULATE_ANALYZERS_MIN, SIMULATE_ANALYZERS_MAX);
    if (o->start != 0 &&
        (o->start < time_from_civil(2000, 1, 1, 0, 0, 0) * TIME_SECOND || o->start >= time_from_civil(2100, 1, 1, 0, 0, 0) * TIME_SECOND))
        return err_set(e, ERR_MISUSE, "a simulated lab's day begins in the years 2000 to 2099");
    for (unsigned i = 1; i < ATTACK_COUNT; i++)
        if (o->attacks[i] > SIMULATE_STAGED_MAX)
            return err_set(e, ERR_MISUSE, "at most %d attacks of one kind are staged", SIMULATE_STAGED_MAX);
    return 0;
}

struct simulate *simulate_new(const struct simulate_options *options, struct error *e)
{
    if (check(options, e) != 0)
        return NULL;
    struct simulate *s = calloc(1, sizeof *s);
    if (s == NULL || net_init(&s->net, options->seed ^ UINT64_C(0x6e6574), e) != 0) {
        free(s);
        err_set(e, ERR_SYSTEM, "no memory for the simulated lab");
        return NULL;
    }
    s->options = *options;
    if (s->options.seconds == 0)
        s->options.seconds = SIMULATE_SECONDS;
    s->analyzers_n = s->networked_n = options->analyzers == 0 ? SIMULATE_ANALYZERS_MIN : options->analyzers;
    rng_seed(&s->rng, options->seed);
    struct buf *scratch[] = {&s->message, &s->answer, &s->frame, &s->held, &s->held_answer};
    for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
        scratch[i]->max = MESSAGE_MAX;
    /* a Monday to Friday of 2026 or 2027, at half past seven and some minutes */
    int64_t day = (int64_t)(options->seed % 500);
    s->start = time_from_civil(2026, 1, 5, 7, 30, 0) * TIME_SECOND + (day / 5 * 7 + day % 5) * DAY + rng_between(&s->rng, 0, 1800) * TIME_SECOND;
    if (options->start != 0)
        s->start = options->start;
    s->end = s->start + s->options.seconds * TIME_SECOND;
    build(s);
    return s;
}

void simulate_free(struct simulate *s)
{
    if (s == NULL)
        return;
    struct buf *scratch[] = {&s->message, &s->answer, &s->frame, &s->held, &s->held_answer};
    for (size_t i = 0; i < sizeof scratch / sizeof scratch[0]; i++)
        buf_release(scratch[i]);
    while (s->samples != NULL) {
        s->samples->uses = 1;
        sample_release(s, s->samples);
    }
    attack_free(s);
    queue_release(&s->events);
    net_release(&s->net);
    free(s->given);
    free(s);
}

/* ── the day ── */

unsigned lab_links(struct simulate *s, struct conn *links[LINKS_MAX])
{
    unsigned n = 0;
    links[n++] = &s->results;
    links[n++] = &s->orders;
    for (unsigned i = 0; i < s->analyzers_n; i++)
        links[n++] = &s->analyzers[i].up;
    for (unsigned i = 0; i < s->meters_n; i++)
        links[n++] = &s->meters[i].up;
    return n;
}

static void close_all(struct simulate *s)
{
    struct conn *links[LINKS_MAX];
    unsigned n = lab_links(s, links);
    for (unsigned i = 0; i < n; i++) {
        conn_at(links[i], (s->last > s->end ? s->last : s->end) + (int64_t)i * 40 * TIME_MS);
        conn_close(links[i], 0);
    }
    s->closed = true;
}

int simulate_next(struct simulate *s, tq_time *ret_time, struct span *ret_bytes, struct error *e)
{
    free(s->given);
    s->given = NULL;
    for (;;) {
        if (s->failed || s->net.failed)
            return err_set(e, ERR_SYSTEM, "no memory for the simulated lab");
        const struct queue_item *event = queue_first(&s->events);
        const struct queue_item *packet = queue_first(&s->net.packets);
        struct queue_item item;
        if (packet != NULL && (event == NULL ? s->closed : packet->time <= event->time)) {
            (void)queue_take(&s->net.packets, &item);
            s->given = item.what;
            *ret_time = item.time;
            *ret_bytes = span_of(s->given->bytes, s->given->n);
            return 1;
        }
        if (event != NULL) {
            (void)queue_take(&s->events, &item);
            s->last = item.time;
            item.act(s, item.time, item.what);
        } else if (!s->closed)
            close_all(s);
        else
            return 0;
    }
}

int simulate_run(struct simulate *s, bool (*each)(void *context, tq_time time, struct span bytes), void *context, struct error *e)
{
    tq_time time = 0;
    struct span bytes = {0};
    int more;
    while ((more = simulate_next(s, &time, &bytes, e)) == 1)
        if (!each(context, time, bytes))
            return 0;
    return more;
}
