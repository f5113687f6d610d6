#include "engine/sense/evidence.h"

#include "base/table.h"
#include "wire/arp.h"
#include "wire/dhcp.h"
#include "wire/tls.h"

#include <stdio.h>
#include <stdlib.h>

#define REMEMBERED 65536 /* pieces of evidence */
#define MOST_HELLOS 128  /* TLS hellos that wait for their rest */

struct hello {
    size_t n;
    int direction;
    uint8_t bytes[TLS_HELLO_MAX + 5];
};

struct evidence {
    struct hash_key key;
    struct record_sink sink;
    struct table *said;
    size_t hellos;
    struct record record;
};

struct evidence *evidence_new(const struct hash_key *key, const struct record_sink *sink)
{
    struct evidence *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->key = *key;
    v->sink = *sink;
    v->said = table_new(*key, REMEMBERED, 1);
    if (v->said == NULL) {
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
    free(v);
}

/* What one piece of evidence says. */
struct said {
    const char *source;
    const struct address *ip;
    const uint8_t *mac;
    struct span hostname;
    struct span software;
};

/* True the first time. Remembered by a 128-bit keyed digest. */
static bool is_new(struct evidence *v, const struct said *s)
{
    uint8_t bytes[768];
    size_t n = 0;
    memcpy(bytes, s->ip->bytes, 16);
    n += 16;
    bytes[n++] = (uint8_t)s->source[0];
    if (s->mac != NULL)
        memcpy(bytes + n, s->mac, 6);
    else
        memset(bytes + n, 0, 6);
    n += 6;
    const struct span texts[2] = {s->hostname, s->software};
    for (size_t i = 0; i < 2; i++) {
        size_t take = texts[i].n < 255 ? texts[i].n : 255;
        bytes[n++] = (uint8_t)take;
        if (take > 0)
            memcpy(bytes + n, texts[i].p, take);
        n += take;
    }
    struct hash_key other = {.k0 = ~v->key.k0, .k1 = v->key.k1 ^ UINT64_C(0x9e3779b97f4a7c15)};
    uint64_t digest[2] = {hash_bytes(&v->key, bytes, n), hash_bytes(&other, bytes, n)};
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

static void say(struct evidence *v, const struct flow_ref *flow, const struct said *s, tq_time time)
{
    if (!is_new(v, s))
        return;
    struct record *r = &v->record;
    char ip[46];
    char mac[18];
    record_start(r, EVENT_ASSET_EVIDENCE, time, flow);
    address_format(s->ip, ip);
    record_str(r, KEY_IP, ip);
    if (s->mac != NULL) {
        (void)snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", s->mac[0], s->mac[1], s->mac[2], s->mac[3], s->mac[4], s->mac[5]);
        record_str(r, KEY_MAC, mac);
    }
    record_text(r, KEY_SOFTWARE, s->software);
    record_text(r, KEY_HOSTNAME, s->hostname);
    record_str(r, KEY_SOURCE, s->source);
    record_put(&v->sink, r);
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
    say(v, NULL, &(struct said){.source = "arp", .ip = &ip, .mac = arp.sender_mac}, time);
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
    say(v, flow, &(struct said){.source = "dhcp", .ip = &ip, .mac = d.mac, .hostname = d.hostname, .software = d.vendor}, time);
    return true;
}

static bool is_local(const struct address *a)
{
    const uint8_t *p = a->bytes;
    if (a->family == 4)
        return p[0] == 10 || (p[0] == 172 && (p[1] & 0xf0) == 16) || (p[0] == 192 && p[1] == 168) || (p[0] == 100 && (p[1] & 0xc0) == 64) ||
               (p[0] == 169 && p[1] == 254);
    return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
}

void evidence_address(struct evidence *v, const struct flow_ref *flow, const struct address *a, const uint8_t mac[6], tq_time time)
{
    if ((mac[0] & 1) == 0 && !is_zero(mac, 6) && is_local(a))
        say(v, flow, &(struct said){.source = "ip", .ip = a, .mac = mac}, time);
}

static void hello_done(struct evidence *v, struct flow *f, int direction)
{
    f->side[direction].flags &= (uint8_t)~SIDE_HELLO;
    if (f->hello != NULL && f->hello->direction == direction)
        evidence_close(v, f);
}

void evidence_start(struct evidence *v, struct flow *f, int direction, struct span bytes, tq_time time)
{
    if (f->hello != NULL && f->hello->direction == direction) {
        size_t room = sizeof f->hello->bytes - f->hello->n;
        size_t take = bytes.n < room ? bytes.n : room;
        memcpy(f->hello->bytes + f->hello->n, bytes.p, take);
        f->hello->n += take;
        bytes = span_of(f->hello->bytes, f->hello->n);
    }
    struct tls_hello hello;
    enum tls_hello_status status = tls_hello_decode(bytes, &hello);
    if (status == TLS_HELLO_OK && hello.name.n > 0)
        say(v, &f->ref, &(struct said){.source = "tls", .ip = direction == 0 ? &f->ref.dst : &f->ref.src, .hostname = hello.name}, time);
    if (status != TLS_HELLO_MORE || bytes.n >= sizeof f->hello->bytes) {
        hello_done(v, f, direction);
        return;
    }
    if (f->hello != NULL)
        return;
    struct hello *keep = v->hellos < MOST_HELLOS ? malloc(sizeof *keep) : NULL;
    if (keep == NULL) {
        hello_done(v, f, direction);
        return;
    }
    v->hellos++;
    keep->direction = direction;
    keep->n = bytes.n;
    memcpy(keep->bytes, bytes.p, bytes.n);
    f->hello = keep;
}

void evidence_close(struct evidence *v, struct flow *f)
{
    if (f->hello == NULL)
        return;
    free(f->hello);
    f->hello = NULL;
    v->hellos--;
}
