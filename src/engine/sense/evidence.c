#include "engine/sense/evidence_private.h"

#include "wire/arp.h"
#include "wire/dhcp.h"

#include <stdio.h>
#include <stdlib.h>

#define REMEMBERED 65536               /* pieces of evidence; IP addresses whose MAC address is remembered */
#define MOVES_APART (60 * TIME_SECOND) /* two that fight for one address are told once a minute */
#define SHOWN 64                       /* bytes of a foreign text that may be shown (record/veil) */

struct holder {
    uint8_t mac[6];
    tq_time since;
};

struct evidence *evidence_new(const struct hash_key *key, const struct record_sink *sink)
{
    struct evidence *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->key = *key;
    v->sink = *sink;
    v->said = table_new(*key, REMEMBERED, 1);
    v->holders = table_new(*key, REMEMBERED, sizeof(struct holder));
    if (v->said == NULL || v->holders == NULL) {
        table_free(v->said);
        table_free(v->holders);
        free(v);
        return NULL;
    }
    return v;
}

void evidence_free(struct evidence *v)
{
    if (v == NULL)
        return;
    table_free(v->said);
    table_free(v->holders);
    free(v);
}

/* Did the address go to another MAC address, or back to one that it had before? By those sources only in which a device speaks for itself. */
static bool moved(struct evidence *v, const struct said *s, tq_time time)
{
    bool own = strcmp(s->source, "arp") == 0 || strcmp(s->source, "ndp") == 0 || strcmp(s->source, "dhcp") == 0;
    if (!own || s->ip == NULL || s->mac == NULL)
        return false;
    bool fresh = false;
    struct holder *h = table_put(v->holders, span_of(s->ip->bytes, sizeof s->ip->bytes), &fresh);
    if (h == NULL) {
        struct table *empty = table_new(v->key, REMEMBERED, sizeof(struct holder));
        if (empty == NULL)
            return false;
        table_free(v->holders);
        v->holders = empty;
        return false;
    }
    bool same = !fresh && memcmp(h->mac, s->mac, sizeof h->mac) == 0;
    if (same || (!fresh && time - h->since < MOVES_APART))
        return false;
    memcpy(h->mac, s->mac, sizeof h->mac);
    h->since = time;
    return !fresh;
}

/* True the first time. Remembered by a 128-bit keyed digest. */
static bool is_new(struct evidence *v, const struct said *s)
{
    static const uint8_t none[16];
    const struct span parts[EVIDENCE_PARTS] = {span_str(s->source),
                                               span_of(s->ip != NULL ? s->ip->bytes : none, 16),
                                               span_of(s->mac != NULL ? s->mac : none, 6),
                                               s->hostname,
                                               s->software,
                                               s->maker,
                                               s->model,
                                               s->serial,
                                               s->dhcp_options,
                                               s->ja4,
                                               span_str(s->os == NULL ? "" : s->os),
                                               span_str(s->role == NULL ? "" : s->role)};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t take = parts[i].n < 255 ? parts[i].n : 255;
        v->piece[n++] = (uint8_t)take;
        if (take > 0)
            memcpy(v->piece + n, parts[i].p, take);
        n += take;
    }
    struct hash_key other = {.k0 = ~v->key.k0, .k1 = v->key.k1 ^ UINT64_C(0x9e3779b97f4a7c15)};
    uint64_t digest[2] = {hash_bytes(&v->key, v->piece, n), hash_bytes(&other, v->piece, n)};
    if (table_count(v->said) == REMEMBERED) {
        struct table *fresh = table_new(v->key, REMEMBERED, 1);
        if (fresh == NULL)
            return false;
        table_free(v->said);
        v->said = fresh;
    }
    bool fresh = false;
    return table_put(v->said, span_of(digest, sizeof digest), &fresh) != NULL && fresh;
}

void evidence_say(struct evidence *v, const struct flow_ref *flow, const struct said *s, tq_time time)
{
    bool again = moved(v, s, time);
    if (!is_new(v, s) && !again)
        return;
    struct record *r = &v->record;
    char ip[46];
    char mac[18];
    record_start(r, EVENT_ASSET_EVIDENCE, time, flow);
    if (s->ip != NULL) {
        address_format(s->ip, ip);
        record_str(r, KEY_IP, ip);
    }
    if (s->mac != NULL) {
        (void)snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", s->mac[0], s->mac[1], s->mac[2], s->mac[3], s->mac[4], s->mac[5]);
        record_str(r, KEY_MAC, mac);
    }
    record_text(r, KEY_MAKER, s->maker);
    record_text(r, KEY_MODEL, s->model);
    record_text(r, KEY_SERIAL, s->serial);
    record_text(r, KEY_SOFTWARE, s->software);
    record_text(r, KEY_HOSTNAME, s->hostname);
    record_str(r, KEY_OS, s->os);
    record_str(r, KEY_ROLE, s->role);
    record_str(r, KEY_SOURCE, s->source);
    record_text(r, KEY_DHCP_OPTIONS, s->dhcp_options);
    record_text(r, KEY_JA4, s->ja4);
    record_put(&v->sink, r);
}

struct span evidence_line(struct span text)
{
    while (text.n > 0 && text.p[0] <= ' ')
        (void)span_skip(&text, 1);
    size_t n = 0;
    while (n < text.n && text.p[n] >= ' ')
        n++;
    if (n > SHOWN) {
        n = SHOWN;
        while (n > SHOWN / 2 && text.p[n] != ' ')
            n--;
    }
    while (n > 0 && text.p[n - 1] == ' ')
        n--;
    return span_of(text.p, n);
}

static bool is_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

static struct address from_four(const uint8_t p[4])
{
    struct address a = {.family = 4};
    memcpy(a.bytes, p, 4);
    return a;
}

bool evidence_arp(struct evidence *v, struct span packet, tq_time time)
{
    struct arp arp;
    if (!arp_decode(packet, &arp))
        return false;
    bool device = !is_zero(arp.sender_ip, 4) && !is_zero(arp.sender_mac, 6) && (arp.sender_mac[0] & 1) == 0;
    if (!device)
        return true;
    struct address ip = from_four(arp.sender_ip);
    evidence_say(v, NULL, &(struct said){.source = "arp", .ip = &ip, .mac = arp.sender_mac}, time);
    return true;
}

bool evidence_dhcp(struct evidence *v, const struct flow_ref *flow, struct span payload, tq_time time)
{
    struct dhcp d;
    if (!dhcp_decode(payload, &d))
        return false;
    const uint8_t *four = !is_zero(d.your_ip, 4) ? d.your_ip : !is_zero(d.client_ip, 4) ? d.client_ip : d.requested_ip;
    bool claims = d.type == DHCP_REQUEST || d.type == DHCP_ACK || d.type == DHCP_INFORM || d.type == 0;
    if (!claims || is_zero(four, 4) || is_zero(d.mac, 6))
        return true; /* an offer or a wish is not yet an address */
    struct address ip = from_four(four);
    char options[DHCP_OPTIONS_TEXT];
    struct said said = {.source = "dhcp", .ip = &ip, .mac = d.mac, .hostname = d.hostname, .software = d.vendor};
    said.dhcp_options = span_of(options, dhcp_options_text(d.options, options));
    if (!d.reply)
        evidence_means(&said, d.vendor);
    evidence_say(v, flow, &said, time);
    return true;
}

bool evidence_is_local(const struct address *a)
{
    const uint8_t *p = a->bytes;
    if (a->family == 4)
        return p[0] == 10 || (p[0] == 172 && (p[1] & 0xf0) == 16) || (p[0] == 192 && p[1] == 168) || (p[0] == 100 && (p[1] & 0xc0) == 64) ||
               (p[0] == 169 && p[1] == 254);
    return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
}

void evidence_address(struct evidence *v, const struct flow_ref *flow, const struct address *a, const uint8_t mac[6], tq_time time)
{
    if ((mac[0] & 1) == 0 && !is_zero(mac, 6) && evidence_is_local(a))
        evidence_say(v, flow, &(struct said){.source = "ip", .ip = a, .mac = mac}, time);
}
