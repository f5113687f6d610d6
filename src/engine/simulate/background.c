/* Everything on the network that is not a lab message: address resolution, names, leases, clocks, web, files, encrypted traffic, labels. */
#include "engine/simulate/lab.h"

#include "wire/dhcp_write.h"
#include "wire/dns_write.h"
#include "wire/tls_write.h"

#define PORT_PRINTER 9100

static const char *const sites[] = {"mail.example.org", "updates.example.net", "ehr.example.com", "cdn.example.net"};
static const char *const inner_names[] = {"lis.lab.example", "files.lab.example", "labels.lab.example", "wpad.lab.example"};

static const uint8_t broadcast_mac[6] = {255, 255, 255, 255, 255, 255};
static const uint8_t broadcast_ip[4] = {255, 255, 255, 255};

/* ── names, clocks, addresses ── */

static void resolve(struct simulate *s, struct host *client, const char *name, const uint8_t *address, bool ipv6, tq_time at)
{
    uint16_t id = (uint16_t)rng_next(&s->rng);
    uint16_t port = host_port(&s->net, client);
    struct packet_path there = net_path(client, s->gateway, ipv6);
    struct packet_path back = net_path(s->gateway, client, ipv6);
    buf_clear(&s->frame);
    dns_write_query(&s->frame, id, name, DNS_A);
    net_datagram(&s->net, &there, port, 53, buf_span(&s->frame), at);
    buf_clear(&s->frame);
    dns_write_answer(&s->frame, id, name, DNS_A, address, 300);
    net_datagram(&s->net, &back, 53, port, buf_span(&s->frame), at + rng_between(&s->rng, 300000, 24 * TIME_MS));
    s->truth.dns_queries++;
}

static void ask_clock(struct simulate *s, struct host *client, tq_time at)
{
    uint8_t ask[48] = {0x23}; /* version 4, client */
    uint8_t tell[48] = {0x24, 2, 6, 0xe9};
    uint16_t port = host_port(&s->net, client);
    struct packet_path there = net_path(client, s->gateway, false);
    struct packet_path back = net_path(s->gateway, client, false);
    uint64_t seconds = (uint64_t)(at / TIME_SECOND) + UINT64_C(2208988800); /* since 1900 */
    for (unsigned i = 0; i < 4; i++)
        ask[40 + i] = tell[16 + i] = tell[24 + i] = tell[32 + i] = tell[40 + i] = (uint8_t)(seconds >> (24 - 8 * i));
    net_datagram(&s->net, &there, port, 123, span_of(ask, sizeof ask), at);
    net_datagram(&s->net, &back, 123, port, span_of(tell, sizeof tell), at + rng_between(&s->rng, 300000, 3 * TIME_MS));
    s->truth.ntp_queries++;
}

static void ask_address(struct simulate *s, const struct host *asks, const struct host *answers, tq_time at)
{
    struct packet_arp arp = {.vlan = asks->vlan};
    memcpy(arp.mac_src, asks->mac, 6);
    memcpy(arp.mac_dst, broadcast_mac, 6);
    memcpy(arp.sender_mac, asks->mac, 6);
    memcpy(arp.sender_ip, asks->ip, 4);
    memcpy(arp.target_ip, answers->ip, 4);
    net_arp(&s->net, &arp, at);
    arp.reply = true;
    memcpy(arp.mac_src, answers->mac, 6);
    memcpy(arp.mac_dst, asks->mac, 6);
    memcpy(arp.sender_mac, answers->mac, 6);
    memcpy(arp.sender_ip, answers->ip, 4);
    memcpy(arp.target_mac, asks->mac, 6);
    memcpy(arp.target_ip, asks->ip, 4);
    net_arp(&s->net, &arp, at + rng_between(&s->rng, 60000, 400000));
}

static void dhcp_say(struct simulate *s, const struct dhcp_write *m, struct host *from, const struct host *to, bool broadcast, tq_time at)
{
    bool reply = m->type == DHCP_OFFER || m->type == DHCP_ACK;
    struct packet_path path = net_path(from, to, false);
    if (broadcast) {
        memcpy(path.mac_dst, broadcast_mac, 6);
        memcpy(path.dst.bytes, broadcast_ip, 4);
        if (!reply)
            memset(path.src.bytes, 0, 4);
    }
    buf_clear(&s->frame);
    dhcp_write(&s->frame, m);
    net_datagram(&s->net, &path, reply ? 67 : 68, reply ? 68 : 67, buf_span(&s->frame), at);
}

/* A client that starts: DISCOVER, OFFER, REQUEST, ACK; or one that renews its lease: REQUEST, ACK. */
static void lease(struct simulate *s, struct host *client, bool renew, tq_time at)
{
    struct dhcp_write ask = {
        .type = DHCP_DISCOVER, .transaction = (uint32_t)rng_next(&s->rng), .host_name = client->name, .vendor_class = client->vendor_class};
    struct dhcp_write tell = {
        .type = DHCP_OFFER, .transaction = ask.transaction, .yours = client->ip, .server = s->gateway->ip, .router = s->gateway->ip, .lease = 28800};
    memcpy(ask.mac, client->mac, 6);
    memcpy(tell.mac, client->mac, 6);
    if (renew)
        ask.client = tell.client = client->ip;
    else {
        dhcp_say(s, &ask, client, s->gateway, true, at);
        dhcp_say(s, &tell, s->gateway, client, true, at += rng_between(&s->rng, 1 * TIME_MS, 9 * TIME_MS));
        ask.requested = client->ip;
        ask.server = s->gateway->ip;
        at += rng_between(&s->rng, 1 * TIME_MS, 5 * TIME_MS);
    }
    ask.type = DHCP_REQUEST;
    tell.type = DHCP_ACK;
    dhcp_say(s, &ask, client, s->gateway, !renew, at);
    dhcp_say(s, &tell, s->gateway, client, !renew, at + rng_between(&s->rng, 1 * TIME_MS, 9 * TIME_MS));
    s->truth.dhcp_exchanges++;
}

/* ── connections ── */

/* Fills `out` with n bytes that look like nothing. */
static void opaque(struct simulate *s, struct buf *out, size_t n)
{
    buf_clear(out);
    if (!buf_reserve(out, n))
        return;
    rng_fill(&s->rng, out->p, n);
    out->n = n;
}

static void encrypted_records(struct simulate *s, struct conn *c, int from, size_t bytes)
{
    for (size_t left = bytes; left > 0;) {
        size_t n = left < 8192 ? left : 8192;
        opaque(s, &s->answer, n);
        buf_clear(&s->frame);
        tls_write_record(&s->frame, TLS_APPLICATION, buf_span(&s->answer));
        conn_send(c, from, buf_span(&s->frame), false);
        left -= n;
    }
}

static void browse_encrypted(struct simulate *s, struct host *client, tq_time at)
{
    uint32_t site = rng_below(&s->rng, 4);
    struct conn c = {.trouble = 200};
    struct tls_hello_write hello = {.server_name = sites[site], .alpn = site == 0 ? NULL : "h2"};
    rng_fill(&s->rng, hello.random, 96);
    resolve(s, client, sites[site], s->outside[site]->ip, client->ip6[0] != 0, at);
    conn_open(&s->net, &c, client, s->outside[site], 443, at + 40 * TIME_MS, false);
    buf_clear(&s->frame);
    tls_write_client_hello(&s->frame, &hello);
    conn_send(&c, 0, buf_span(&s->frame), true);
    c.clock += rng_between(&s->rng, 9 * TIME_MS, 40 * TIME_MS);
    rng_fill(&s->rng, hello.random, 32);
    rng_fill(&s->rng, hello.key_share, 32);
    buf_clear(&s->frame);
    tls_write_server_hello(&s->frame, &hello);
    tls_write_record(&s->frame, TLS_CHANGE_CIPHER, span_of("\1", 1));
    conn_send(&c, 1, buf_span(&s->frame), true);
    encrypted_records(s, &c, 1, 2900);
    encrypted_records(s, &c, 0, 74);
    unsigned turns = 1 + rng_below(&s->rng, 4);
    for (unsigned i = 0; i < turns; i++) {
        c.clock += rng_between(&s->rng, 30 * TIME_MS, 900 * TIME_MS);
        encrypted_records(s, &c, 0, (size_t)rng_between(&s->rng, 90, 900));
        c.clock += rng_between(&s->rng, 20 * TIME_MS, 200 * TIME_MS);
        encrypted_records(s, &c, 1, (size_t)rng_between(&s->rng, 400, 30000));
    }
    if (rng_one_in(&s->rng, 4))
        conn_reset(&c, 0);
    else
        conn_close(&c, (int)rng_below(&s->rng, 2));
    s->truth.tls_connections++;
}

/* The LIS's page: lists without names, asked for by the work places. */
static void browse_lis(struct simulate *s, struct host *client, tq_time at)
{
    struct conn c = {.trouble = 150};
    bool ipv6 = client->ip6[0] != 0 && s->lis->ip6[0] != 0;
    conn_open(&s->net, &c, client, s->lis, 80, at, ipv6);
    unsigned requests = 1 + rng_below(&s->rng, 3);
    for (unsigned i = 0; i < requests; i++) {
        buf_clear(&s->frame);
        buf_addf(&s->frame, "GET /worklist/open?page=%u HTTP/1.1\r\nHost: lis.lab.example\r\nUser-Agent: LabView/4.2\r\nAccept: text/html\r\n\r\n",
                 i + 1);
        conn_send(&c, 0, buf_span(&s->frame), true);
        c.clock += rng_between(&s->rng, 4 * TIME_MS, 60 * TIME_MS);
        buf_clear(&s->answer);
        unsigned rows = 6 + rng_below(&s->rng, 80);
        for (unsigned row = 0; row < rows; row++)
            buf_addf(&s->answer, "<tr><td>%u</td><td>%s</td><td>open</td></tr>\n", row + 1, panels[rng_below(&s->rng, PANEL_COUNT)].code);
        buf_clear(&s->frame);
        buf_addf(&s->frame, "HTTP/1.1 200 OK\r\nServer: LabWeb/2.1\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n", s->answer.n);
        buf_add_span(&s->frame, buf_span(&s->answer));
        conn_send(&c, 1, buf_span(&s->frame), false);
        c.clock += rng_between(&s->rng, 200 * TIME_MS, 2500 * TIME_MS);
        s->truth.http_requests++;
    }
    conn_close(&c, 0);
}

/* One SMB2 message of 64 bytes of header and a body, behind its length (MS-SMB2 2.2.1, direct TCP transport 2.1). */
static void smb_message(struct buf *out, uint16_t command, uint32_t flags, uint64_t id, struct span body)
{
    buf_be32(out, (uint32_t)(64 + body.n));
    buf_be32(out, 0xfe534d42);
    buf_le16(out, 64);
    buf_le16(out, 0);
    buf_le32(out, 0); /* status */
    buf_le16(out, command);
    buf_le16(out, 1); /* credits */
    buf_le32(out, flags);
    buf_le32(out, 0);
    buf_le32(out, (uint32_t)id);
    buf_le32(out, 0);
    buf_le32(out, 0xfeff);
    for (unsigned i = 0; i < 7; i++)
        buf_le32(out, 0); /* tree, session, signature */
    buf_add_span(out, body);
}

/* An encrypted SMB3 message: the transform header and bytes nobody can read (MS-SMB2 2.2.41). */
static void smb_sealed(struct simulate *s, struct buf *out, size_t n)
{
    uint8_t nonce[32];
    rng_fill(&s->rng, nonce, sizeof nonce);
    opaque(s, &s->answer, n);
    buf_clear(out);
    buf_be32(out, (uint32_t)(52 + n));
    buf_be32(out, 0xfd534d42);
    buf_add(out, nonce, 16); /* signature */
    buf_add(out, nonce + 16, 11);
    buf_add(out, "\0\0\0\0\0", 5);
    buf_le32(out, (uint32_t)n);
    buf_le16(out, 0);
    buf_le16(out, 1); /* encrypted */
    buf_le32(out, 0x51);
    buf_le32(out, 0);
    buf_add_span(out, buf_span(&s->answer));
}

static void share_files(struct simulate *s, struct host *client, tq_time at)
{
    static const uint8_t echo[4] = {4, 0, 0, 0};
    struct conn c = {.trouble = 200};
    conn_open(&s->net, &c, client, s->files, 445, at, false);
    unsigned requests = 2 + rng_below(&s->rng, 6);
    for (unsigned i = 0; i < 2 * requests; i++) {
        int from = i % 2 == 0 ? 0 : 1;
        buf_clear(&s->frame);
        if (i < 2)
            smb_message(&s->frame, 0x0d, from == 0 ? 0 : 1, i / 2, span_of(echo, sizeof echo));
        else
            smb_sealed(s, &s->frame, (size_t)rng_between(&s->rng, 90, from == 0 ? 400 : 16000));
        conn_send(&c, from, buf_span(&s->frame), false);
        c.clock += rng_between(&s->rng, 2 * TIME_MS, 60 * TIME_MS);
        s->truth.smb_requests += from == 0;
    }
    conn_close(&c, 0);
}

void print_label(struct simulate *s, const struct sample *sample, tq_time at)
{
    struct conn c = {0};
    conn_open(&s->net, &c, s->lis, s->printer, PORT_PRINTER, at, false);
    buf_clear(&s->frame);
    buf_addf(&s->frame, "^XA^CI28^FO30,20^A0N,28,28^FD%s^FS^FO30,60^BY2^BCN,80,Y,N,N^FD%s^FS^PQ1^XZ\r\n", panels[sample->panel].code,
             sample->barcode);
    conn_send(&c, 0, buf_span(&s->frame), false);
    c.clock += rng_between(&s->rng, 20 * TIME_MS, 90 * TIME_MS);
    conn_close(&c, 0);
    s->truth.labels++;
}

/* ── who does what when ── */

static struct host *as_host(void *what)
{
    return what;
}

/* What a person at a work place, or the program there, does next. */
static void station_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct host *h = as_host(what);
    switch (rng_below(&s->rng, 10)) {
    case 0:
    case 1: browse_encrypted(s, h, at); break;
    case 2:
    case 3:
    case 4: browse_lis(s, h, at); break;
    case 5: share_files(s, h, at); break;
    case 6: ask_address(s, h, s->gateway, at); break;
    case 7: ask_clock(s, h, at); break;
    default: {
        uint32_t i = rng_below(&s->rng, 4);
        struct host *at_name[4] = {s->lis, s->files, s->printer, NULL};
        resolve(s, h, inner_names[i], at_name[i] == NULL ? NULL : at_name[i]->ip, h->ip6[0] != 0, at);
    }
    }
    tq_time next = at + rng_wait(&s->rng, 14 * TIME_SECOND * 1000 / lab_rate(at));
    if (next < s->end)
        lab_do(s, next, station_source, h);
}

/* What the fixed machines do by themselves: find each other's addresses again, ask for the time. */
static void machine_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct analyzer *a = what;
    ask_address(s, a->host, a->upstream, at);
    if (a->host->vlan == 0)
        ask_clock(s, a->host, at + 500 * TIME_MS);
    tq_time next = at + rng_between(&s->rng, 240 * TIME_SECOND, 400 * TIME_SECOND);
    if (next < s->end)
        lab_do(s, next, machine_source, a);
}

/* The lasting connections say that they are alive where nothing else was said. */
static void alive_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct conn *links[LINKS_MAX];
    unsigned n = lab_links(s, links);
    (void)what;
    for (unsigned i = 0; i < n; i++) {
        if (links[i]->open && links[i]->clock + 60 * TIME_SECOND < at) {
            conn_at(links[i], at);
            conn_alive(links[i], 0);
        }
    }
    if (at + 90 * TIME_SECOND < s->end)
        lab_do(s, at + 90 * TIME_SECOND, alive_source, NULL);
}

static void start_station(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct host *h = as_host(what);
    lease(s, h, false, at);
    ask_address(s, h, s->gateway, at + 30 * TIME_MS);
    lab_do(s, at + rng_between(&s->rng, 500 * TIME_MS, 6000 * TIME_MS), station_source, h);
}

static void renew_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    lease(s, as_host(what), true, at);
    if (at + 14400 * TIME_SECOND < s->end)
        lab_do(s, at + 14400 * TIME_SECOND, renew_source, what);
}

void background_start(struct simulate *s)
{
    for (unsigned i = 0; i < STATIONS; i++) {
        tq_time at = s->start + (200 + 2500 * (int64_t)i) * TIME_MS + rng_between(&s->rng, 0, 1500 * TIME_MS);
        lab_do(s, at, start_station, s->stations[i]);
        tq_time renewal = at + 14400 * TIME_SECOND / (i % 2 == 0 ? 1 : 40); /* some were here since the night */
        if (renewal < s->end)
            lab_do(s, renewal, renew_source, s->stations[i]);
    }
    for (unsigned i = 0; i < s->networked_n; i++)
        lab_do(s, s->start + rng_between(&s->rng, 100 * TIME_MS, 5000 * TIME_MS), machine_source, &s->analyzers[i]);
    lab_do(s, s->start + 95 * TIME_SECOND, alive_source, NULL);
}
