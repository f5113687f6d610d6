#include "engine/simulate/lab.h"

#include "base/json.h"

#include <stdio.h>

/* Field n of MSH (MSH-1 is the separator itself). */
static struct span msh_field(struct span message, unsigned n)
{
    struct span at = message;
    struct span line = span_until(&at, '\r', NULL);
    struct span field = {0};
    for (unsigned i = 1; i <= n; i++)
        field = span_until(&line, '|', NULL);
    return field;
}

static void count_type(struct truth *t, struct span type)
{
    struct span event = type;
    struct span code = span_until(&event, '^', NULL);
    event = span_until(&event, '^', NULL);
    char name[12];
    if (span_is(code, "ACK"))
        snprintf(name, sizeof name, "ACK");
    else
        snprintf(name, sizeof name, "%.*s^%.*s", (int)code.n, (const char *)code.p, (int)event.n, (const char *)event.p);
    size_t i = 0;
    while (i < t->hl7_types_n && strcmp(t->hl7_types[i].type, name) != 0)
        i++;
    if (i == HL7_TYPES)
        return;
    if (i == t->hl7_types_n) {
        memcpy(t->hl7_types[i].type, name, sizeof name);
        t->hl7_types_n++;
    }
    t->hl7_types[i].count++;
}

void truth_hl7(struct truth *t, struct span message, size_t framed)
{
    t->hl7_messages++;
    t->hl7_bytes += framed;
    count_type(t, msh_field(message, 9));
    while (message.n > 0) {
        struct span segment = span_until(&message, '\r', NULL);
        if (span_starts(segment, SPAN_LIT("OBX|"))) {
            t->obx++;
            (void)span_until(&segment, '|', NULL);
            (void)span_until(&segment, '|', NULL);
            if (span_is(span_until(&segment, '|', NULL), "ED"))
                t->documents++;
        }
    }
}

void truth_attack(struct simulate *s, enum simulate_attack kind, tq_time at, const char *message, const char *field, const char *test,
                  const struct sample *sample, const struct host *from)
{
    struct truth *t = &s->truth;
    if (t->attacks_n == TRUTH_ATTACKS)
        return;
    size_t place = t->attacks_n++; /* in the order of their times */
    for (; place > 0 && t->attacks[place - 1].time > at; place--)
        t->attacks[place] = t->attacks[place - 1];
    struct truth_attack *a = &t->attacks[place];
    *a = (struct truth_attack){.kind = kind, .time = at, .field = field, .test = test, .from = host_address(from, false)};
    snprintf(a->message, sizeof a->message, "%s", message);
    if (sample != NULL)
        memcpy(a->specimen, sample->barcode, sizeof a->specimen);
}

static void write_hl7(const struct truth *t, struct json *j)
{
    json_key(j, "hl7");
    json_object(j);
    json_put_uint(j, "messages", t->hl7_messages);
    for (size_t i = 0; i < t->hl7_types_n; i++)
        json_put_uint(j, t->hl7_types[i].type, t->hl7_types[i].count);
    json_put_uint(j, "obx", t->obx);
    json_put_uint(j, "embedded_documents", t->documents);
    json_put_uint(j, "framed_bytes", t->hl7_bytes);
    json_object_end(j);
}

static void write_astm(const struct truth *t, struct json *j)
{
    json_key(j, "astm");
    json_object(j);
    json_put_uint(j, "messages", t->astm_messages);
    json_put_uint(j, "sessions", t->astm_sessions);
    json_put_uint(j, "contentions", t->astm_contentions);
    json_put_uint(j, "good_frames", t->astm_good_frames);
    json_put_uint(j, "damaged_frames", t->astm_damaged_frames);
    json_put_uint(j, "records", t->astm_records);
    json_key(j, "by_type");
    json_object(j);
    for (unsigned i = 0; i < 26; i++) {
        char name[2] = {(char)('A' + i), 0};
        if (t->astm_by_type[i] > 0)
            json_put_uint(j, name, t->astm_by_type[i]);
    }
    json_object_end(j);
    json_object_end(j);
}

static void write_network(const struct simulate *s, struct json *j)
{
    const struct net_truth *n = &s->net.truth;
    json_key(j, "tcp");
    json_object(j);
    json_put_uint(j, "data_segments", n->data_segments);
    json_put_uint(j, "retransmitted", n->retransmitted);
    json_put_uint(j, "of_those_overlapping", n->overlapping);
    json_put_uint(j, "swapped_pairs", n->swapped);
    json_put_uint(j, "resets", n->resets);
    json_object_end(j);
    json_key(j, "background");
    json_object(j);
    json_put_uint(j, "dns_queries", s->truth.dns_queries);
    json_put_uint(j, "tls_connections", s->truth.tls_connections);
    json_put_uint(j, "http_requests", s->truth.http_requests);
    json_put_uint(j, "smb_requests", s->truth.smb_requests);
    json_put_uint(j, "dhcp_exchanges", s->truth.dhcp_exchanges);
    json_put_uint(j, "ntp_queries", s->truth.ntp_queries);
    json_put_uint(j, "labels", s->truth.labels);
    json_put_uint(j, "arp_packets", n->arp);
    json_object_end(j);
}

static void put_time(struct json *j, const char *key, tq_time at)
{
    char text[TIME_TEXT];
    time_format(at, text);
    json_put_str(j, key, text);
}

static void write_attacks(const struct truth *t, struct json *j)
{
    json_key(j, "attacks");
    json_array(j);
    for (size_t i = 0; i < t->attacks_n; i++) {
        const struct truth_attack *a = &t->attacks[i];
        char from[16];
        snprintf(from, sizeof from, "%u.%u.%u.%u", a->from.bytes[0], a->from.bytes[1], a->from.bytes[2], a->from.bytes[3]);
        json_object(j);
        json_put_str(j, "kind", simulate_attack_name(a->kind));
        put_time(j, "time", a->time);
        json_put_str(j, "message", a->message);
        json_put_str(j, "field", a->field);
        json_put_str(j, "src", from);
        if (a->specimen[0] != 0)
            json_put_str(j, "specimen", a->specimen);
        if (a->test != NULL)
            json_put_str(j, "test", a->test);
        json_object_end(j);
    }
    json_array_end(j);
}

void simulate_truth(const struct simulate *s, struct buf *out)
{
    struct json writer = json_to(out);
    struct json *j = &writer;
    const struct truth *t = &s->truth;
    const struct net_truth *n = &s->net.truth;
    json_object(j);
    json_put_uint(j, "seed", s->options.seed);
    json_put_uint(j, "analyzers", s->analyzers_n);
    put_time(j, "start", s->start);
    json_put_int(j, "seconds", s->options.seconds);
    json_put_uint(j, "packets", n->packets);
    json_put_uint(j, "frame_bytes", n->frame_bytes);
    json_put_uint(j, "flows", n->tcp_flows + n->udp_flows);
    json_put_uint(j, "tcp_flows", n->tcp_flows);
    json_put_uint(j, "udp_flows", n->udp_flows);
    json_put_uint(j, "retransmitted", n->retransmitted);
    json_put_uint(j, "results", t->obx + t->astm_by_type['R' - 'A']);
    json_put_uint(j, "obx", t->obx);
    json_put_uint(j, "malformed", t->malformed);
    write_hl7(t, j);
    write_astm(t, j);
    write_network(s, j);
    if (t->attacks_n > 0)
        write_attacks(t, j);
    json_object_end(j);
}
