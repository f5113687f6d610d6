/* Labels by nDPI: what we recognise is ours, what we do not is its, and what it holds is bounded. */
#include "engine/sense/labels.h"
#include "engine/sense/sense.h"

#include "wire/packet_write.h"
#include "wire/tls_write.h"

#include "../cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

struct run {
    struct labels *labels;
    struct sense *sense;
    char last[64]; /* label of the flow that ended last */
    size_t flows;
};

static void put(void *context, const struct record *r)
{
    struct run *run = context;
    if (r->event != EVENT_FLOW_CLOSED)
        return;
    struct span app = record_get(r, KEY_APP);
    (void)snprintf(run->last, sizeof run->last, "%.*s", (int)app.n, (const char *)app.p);
    run->flows++;
}

/* flows: most at a time; 0: as always. */
static void begin(struct run *run, bool ndpi, size_t flows)
{
    struct error e = {0};
    *run = (struct run){.labels = ndpi ? labels_new(&e) : NULL};
    if (ndpi && run->labels == NULL)
        fail_msg("%s", e.text);
    struct sense_options o = {
        .limits.flows = flows, .hash_key = {1, 2}, .labels = run->labels, .flow_records = true, .sink = {.put = put, .context = run}};
    run->sense = sense_new(&o, &e);
    assert_non_null(run->sense);
}

static void end(struct run *run)
{
    sense_free(run->sense);
    labels_free(run->labels);
}

/* One packet with this payload in a conversation of its own, TCP or UDP, number n. */
static void give(struct run *run, size_t n, bool tcp, uint16_t dport, struct span payload)
{
    struct buf frame = BUF_INIT(65536);
    struct packet_path path = {.mac_src = {2, 0, 0, 0, 0, 1}, .mac_dst = {2, 0, 0, 0, 0, 2}, .ttl = 64};
    path.src = (struct address){.family = 4, .bytes = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
    path.dst = (struct address){.family = 4, .bytes = {10, 200, 0, 1}};
    struct packet_tcp head = {.sport = 40000, .dport = dport, .seq = 1001, .ack = 1, .flags = PACKET_TCP_ACK | PACKET_TCP_PSH, .window = 65535};
    if (tcp)
        packet_write_tcp(&frame, &path, &head, payload);
    else
        packet_write_udp(&frame, &path, 40000, dport, payload);
    sense_packet(run->sense, TIME_SECOND, 1, buf_span(&frame), (uint32_t)frame.n);
    buf_release(&frame);
}

/* The label of a conversation that consists of this payload. */
static void labelled(bool ndpi, bool tcp, uint16_t dport, struct span payload, const char *want)
{
    struct run run;
    begin(&run, ndpi, 0);
    give(&run, 1, tcp, dport, payload);
    sense_finish(run.sense);
    assert_int_equal(run.flows, 1);
    assert_string_equal(run.last, want);
    end(&run);
}

static void our_labels_stand(void **state)
{
    (void)state;
    static const char hl7[] = "\x0bMSH|^~\\&|CHEM|LAB|LIS|HOSP|20260302080000||ORU^R01|M1|P|2.5.1\r\x1c\r";
    for (int ndpi = 0; ndpi < 2; ndpi++) {
        labelled(ndpi, true, 80, span_str(hl7), "hl7"); /* on a port that is another's */
        labelled(ndpi, true, 443, span_str("SSH-2.0-OpenSSH_9.2\r\n"), "ssh");
        labelled(ndpi, true, 9, SPAN_LIT("\x05"), ""); /* what ASTM begins with; it goes on or not */
    }
}

static void applications_inside_tls(void **state)
{
    (void)state;
    struct buf hello = BUF_INIT(4096);
    tls_write_client_hello(&hello, &(struct tls_hello_write){.server_name = "router7.teamviewer.com"});
    labelled(false, true, 443, buf_span(&hello), "tls");
    labelled(true, true, 443, buf_span(&hello), "tls.teamviewer");
    buf_release(&hello);
    buf_clear(&hello);
    tls_write_client_hello(&hello, &(struct tls_hello_write){.server_name = "lis.lab.example"});
    labelled(true, true, 8443, buf_span(&hello), "tls");
    buf_release(&hello);
}

static void what_we_do_not_know(void **state)
{
    (void)state;
    static const uint8_t dnp3[] = {0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x0c, 0x00, 0xb8, 0xd1}; /* reset of a link */
    labelled(false, true, 20000, span_of(dnp3, sizeof dnp3), "");
    labelled(true, true, 20000, span_of(dnp3, sizeof dnp3), "dnp3");
}

static void a_flood_is_bounded(void **state)
{
    (void)state;
    struct run run;
    begin(&run, true, 20000);
    uint8_t noise[64];
    for (size_t n = 1; n <= 30000; n++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)(0x90 + (n * 31 + i * 17) % 97);
        give(&run, n, n % 2 == 0, (uint16_t)(20000 + n % 7), span_of(noise, sizeof noise));
    }
    sense_finish(run.sense);
    assert_int_equal(run.flows, 30000);
    assert_true(labels_held(run.labels) < 65536);
    /* and afterwards there is room again */
    struct buf hello = BUF_INIT(4096);
    tls_write_client_hello(&hello, &(struct tls_hello_write){.server_name = "router7.teamviewer.com"});
    give(&run, 40000, true, 443, buf_span(&hello));
    sense_finish(run.sense);
    assert_string_equal(run.last, "tls.teamviewer");
    buf_release(&hello);
    end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_labels_stand),
        cmocka_unit_test(applications_inside_tls),
        cmocka_unit_test(what_we_do_not_know),
        cmocka_unit_test(a_flood_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
