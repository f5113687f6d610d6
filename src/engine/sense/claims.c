#include "engine/sense/claims.h"

#include "base/table.h"
#include "wire/arp.h"

#include <stdio.h>
#include <stdlib.h>

#define REMEMBERED 16384
#define ANSWERS_WITHIN (5 * TIME_SECOND) /* a reply so long after the question is one to it */
#define PAUSE (120 * TIME_SECOND)        /* claims so far apart do not count together */
#define SILENT (600 * TIME_SECOND)       /* a holder that is not heard for so long has given the address up */
#define PUSHED_APART (15 * TIME_SECOND)
#define PUSHED_LEAST 5
#define SHARED_LEAST 3
#define SHARED_SPAN (3 * TIME_SECOND) /* announcements of one moment are one */

struct held {
    uint8_t mac[6];
    uint8_t rival[6];
    uint8_t target[6]; /* whom it pushes its replies to */
    uint8_t told;      /* bit 0: shared, bit 1: pushed */
    bool among;        /* the holder was heard since the rival's first claim */
    uint16_t claims;
    uint16_t pushed;
    tq_time heard; /* the holder */
    tq_time first; /* the rival */
    tq_time last;
    tq_time pushed_at;
};

struct claims {
    struct hash_key key;
    struct record_sink sink;
    struct table *held;  /* tags, address → struct held */
    struct table *asked; /* tags, who asks, for which address → when */
    struct record record;
};

struct claims *claims_new(const struct hash_key *key, const struct record_sink *sink)
{
    struct claims *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->key = *key;
    c->sink = *sink;
    c->held = table_new(*key, REMEMBERED, sizeof(struct held));
    c->asked = table_new(*key, REMEMBERED, sizeof(tq_time));
    if (c->held == NULL || c->asked == NULL) {
        claims_free(c);
        return NULL;
    }
    return c;
}

void claims_free(struct claims *c)
{
    if (c == NULL)
        return;
    table_free(c->held);
    table_free(c->asked);
    free(c);
}

/* As table_put; one that is full begins anew. NULL: no memory. */
static void *put(const struct claims *c, struct table **t, size_t size, struct span key, bool *ret_new)
{
    void *value = table_put(*t, key, ret_new);
    if (value != NULL)
        return value;
    struct table *empty = table_new(c->key, REMEMBERED, size);
    if (empty == NULL)
        return NULL;
    table_free(*t);
    *t = empty;
    return table_put(*t, key, ret_new);
}

#define HELD_KEY 8
#define ASKED_KEY 14

static struct span held_key(uint32_t vlan, const uint8_t ip[4], uint8_t room[HELD_KEY])
{
    memcpy(room, &vlan, 4);
    memcpy(room + 4, ip, 4);
    return span_of(room, HELD_KEY);
}

static struct span asked_key(uint32_t vlan, const uint8_t mac[6], const uint8_t ip[4], uint8_t room[ASKED_KEY])
{
    memcpy(room, &vlan, 4);
    memcpy(room + 4, mac, 6);
    memcpy(room + 10, ip, 4);
    return span_of(room, ASKED_KEY);
}

static bool same_mac(const uint8_t a[6], const uint8_t b[6])
{
    return memcmp(a, b, 6) == 0;
}

static void mac_text(const uint8_t mac[6], char out[18])
{
    (void)snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void tell(struct claims *c, const uint8_t ip[4], const struct held *h, bool pushed, tq_time time)
{
    struct address a = {.family = 4};
    char text[46];
    char mac[18];
    char holder[18];
    memcpy(a.bytes, ip, 4);
    address_format(&a, text);
    mac_text(h->rival, mac);
    mac_text(h->mac, holder);
    struct record *r = &c->record;
    record_start(r, EVENT_NETWORK_CLAIMS, time, NULL);
    record_str(r, KEY_IP, text);
    record_str(r, KEY_MAC, mac);
    record_str(r, KEY_HOLDER, holder);
    record_str(r, KEY_ROLE, pushed ? "pushed" : "shared");
    record_int(r, KEY_ATTEMPTS, pushed ? h->pushed : h->claims);
    record_put(&c->sink, r);
}

static void note_holder(struct held *h, tq_time time)
{
    h->heard = time;
    h->among = h->claims > 0;
}

static bool broadcast(const uint8_t mac[6])
{
    static const uint8_t zero[6];
    return (mac[0] & 1) != 0 || same_mac(mac, zero);
}

/* Replies to the first whom they went to. */
static void note_push(struct held *h, const struct arp *arp, tq_time time)
{
    bool push = arp->operation == 2 && memcmp(arp->sender_ip, arp->target_ip, 4) != 0 && !broadcast(arp->target_mac);
    if (!push)
        return;
    bool goes_on = h->pushed > 0 && time - h->pushed_at <= PUSHED_APART;
    if (goes_on && !same_mac(h->target, arp->target_mac))
        return;
    if (!goes_on) {
        h->pushed = 0;
        memcpy(h->target, arp->target_mac, 6);
    }
    h->pushed += h->pushed < UINT16_MAX;
    h->pushed_at = time;
}

static void note_rival(struct claims *c, struct held *h, const struct arp *arp, tq_time time)
{
    if (time - h->heard > SILENT && (h->claims == 0 || !h->among)) { /* it is another's now */
        *h = (struct held){.heard = time};
        memcpy(h->mac, arp->sender_mac, 6);
        return;
    }
    if (h->claims == 0 || !same_mac(h->rival, arp->sender_mac) || time - h->last > PAUSE) {
        h->claims = h->pushed = 0;
        h->told = 0;
        h->among = false;
        h->first = time;
        memcpy(h->rival, arp->sender_mac, 6);
    }
    h->claims += h->claims < UINT16_MAX;
    h->last = time;
    note_push(h, arp, time);
    if (h->pushed >= PUSHED_LEAST && !(h->told & 2)) {
        h->told |= 3;
        tell(c, arp->sender_ip, h, true, time);
    } else if (h->claims >= SHARED_LEAST && h->among && time - h->first >= SHARED_SPAN && !(h->told & 1)) {
        h->told |= 1;
        tell(c, arp->sender_ip, h, false, time);
    }
}

/* Was this reply asked for a moment ago? */
static bool was_asked(const struct claims *c, uint32_t vlan, const struct arp *arp, tq_time time)
{
    uint8_t room[ASKED_KEY];
    const tq_time *at = table_get(c->asked, asked_key(vlan, arp->target_mac, arp->sender_ip, room));
    return at != NULL && time - *at <= ANSWERS_WITHIN && *at - time <= ANSWERS_WITHIN;
}

void claims_arp(struct claims *c, uint32_t vlan, struct span packet, tq_time time)
{
    static const uint8_t zero[6];
    struct arp arp;
    uint8_t room[ASKED_KEY];
    if (!arp_decode(packet, &arp))
        return;
    if (arp.operation == 1) {
        tq_time *at = put(c, &c->asked, sizeof *at, asked_key(vlan, arp.sender_mac, arp.target_ip, room), NULL);
        if (at != NULL)
            *at = time;
    }
    if (memcmp(arp.sender_ip, zero, 4) == 0 || broadcast(arp.sender_mac))
        return;
    bool fresh;
    struct held *h = put(c, &c->held, sizeof *h, held_key(vlan, arp.sender_ip, room), &fresh);
    if (h == NULL)
        return;
    if (fresh) {
        memcpy(h->mac, arp.sender_mac, 6);
        h->heard = time;
    } else if (same_mac(h->mac, arp.sender_mac)) {
        note_holder(h, time);
    } else if (arp.operation == 1 || !was_asked(c, vlan, &arp, time)) {
        note_rival(c, h, &arp, time);
    }
}

void claims_heard(struct claims *c, uint32_t vlan, const struct address *a, const uint8_t mac[6], tq_time time)
{
    uint8_t room[HELD_KEY];
    struct held *h = a->family != 4 ? NULL : table_get(c->held, held_key(vlan, a->bytes, room));
    if (h != NULL && same_mac(h->mac, mac))
        note_holder(h, time);
}
