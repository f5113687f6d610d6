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

static void count_name(struct type_count *types, size_t *n, size_t max, const char *name)
{
    size_t i = 0;
    while (i < *n && strcmp(types[i].type, name) != 0)
        i++;
    if (i == max)
        return;
    if (i == *n)
        snprintf(types[(*n)++].type, sizeof types[i].type, "%s", name);
    types[i].count++;
}

void truth_poct1a(struct truth *t, const char *root)
{
    t->poct1a_messages++;
    count_name(t->poct1a_types, &t->poct1a_types_n, POCT1A_TYPES, root);
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
    count_name(t->hl7_types, &t->hl7_types_n, HL7_TYPES, name);
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

static void write_hl7(const struct truth *t, struct jsonw *j)
{
    jsonw_key(j, "hl7");
    jsonw_object(j);
    jsonw_put_uint(j, "messages", t->hl7_messages);
    for (size_t i = 0; i < t->hl7_types_n; i++)
        jsonw_put_uint(j, t->hl7_types[i].type, t->hl7_types[i].count);
    jsonw_put_uint(j, "obx", t->obx);
    jsonw_put_uint(j, "embedded_documents", t->documents);
    jsonw_put_uint(j, "framed_bytes", t->hl7_bytes);
    jsonw_object_end(j);
}

static void write_astm(const struct truth *t, struct jsonw *j)
{
    jsonw_key(j, "astm");
    jsonw_object(j);
    jsonw_put_uint(j, "messages", t->astm_messages);
    jsonw_put_uint(j, "sessions", t->astm_sessions);
    jsonw_put_uint(j, "contentions", t->astm_contentions);
    jsonw_put_uint(j, "good_frames", t->astm_good_frames);
    jsonw_put_uint(j, "damaged_frames", t->astm_damaged_frames);
    jsonw_put_uint(j, "records", t->astm_records);
    jsonw_key(j, "by_type");
    jsonw_object(j);
    for (unsigned i = 0; i < 26; i++) {
        char name[2] = {(char)('A' + i), 0};
        if (t->astm_by_type[i] > 0)
            jsonw_put_uint(j, name, t->astm_by_type[i]);
    }
    jsonw_object_end(j);
    jsonw_object_end(j);
}

static void write_point_of_care(const struct truth *t, struct jsonw *j)
{
    jsonw_key(j, "poct1a");
    jsonw_object(j);
    jsonw_put_uint(j, "messages", t->poct1a_messages);
    jsonw_put_uint(j, "observations", t->poct1a_observations);
    jsonw_key(j, "by_type");
    jsonw_object(j);
    for (size_t i = 0; i < t->poct1a_types_n; i++)
        jsonw_put_uint(j, t->poct1a_types[i].type, t->poct1a_types[i].count);
    jsonw_object_end(j);
    jsonw_object_end(j);
    jsonw_key(j, "dicom");
    jsonw_object(j);
    jsonw_put_uint(j, "associations", t->dicom_associations);
    jsonw_put_uint(j, "rejected", t->dicom_rejected);
    jsonw_object_end(j);
}

static void write_network(const struct simulate *s, struct jsonw *j)
{
    const struct net_truth *n = &s->net.truth;
    jsonw_key(j, "tcp");
    jsonw_object(j);
    jsonw_put_uint(j, "data_segments", n->data_segments);
    jsonw_put_uint(j, "retransmitted", n->retransmitted);
    jsonw_put_uint(j, "of_those_overlapping", n->overlapping);
    jsonw_put_uint(j, "swapped_pairs", n->swapped);
    jsonw_put_uint(j, "resets", n->resets);
    jsonw_object_end(j);
    jsonw_key(j, "background");
    jsonw_object(j);
    jsonw_put_uint(j, "dns_queries", s->truth.dns_queries);
    jsonw_put_uint(j, "tls_connections", s->truth.tls_connections);
    jsonw_put_uint(j, "http_requests", s->truth.http_requests);
    jsonw_put_uint(j, "smb_requests", s->truth.smb_requests);
    jsonw_put_uint(j, "dhcp_exchanges", s->truth.dhcp_exchanges);
    jsonw_put_uint(j, "ntp_queries", s->truth.ntp_queries);
    jsonw_put_uint(j, "labels", s->truth.labels);
    jsonw_put_uint(j, "arp_packets", n->arp);
    jsonw_object_end(j);
}

static void put_time(struct jsonw *j, const char *key, tq_time at)
{
    char text[TIME_TEXT];
    time_format(at, text);
    jsonw_put_str(j, key, text);
}

static void write_attacks(const struct truth *t, struct jsonw *j)
{
    jsonw_key(j, "attacks");
    jsonw_array(j);
    for (size_t i = 0; i < t->attacks_n; i++) {
        const struct truth_attack *a = &t->attacks[i];
        char from[16];
        snprintf(from, sizeof from, "%u.%u.%u.%u", a->from.bytes[0], a->from.bytes[1], a->from.bytes[2], a->from.bytes[3]);
        jsonw_object(j);
        struct span way = span_str(simulate_attack_name(a->kind));
        jsonw_key(j, "kind");
        jsonw_text(j, span_until(&way, '/', NULL));
        if (way.n > 0) {
            jsonw_key(j, "way");
            jsonw_text(j, way);
        }
        put_time(j, "time", a->time);
        jsonw_put_str(j, "message", a->message);
        jsonw_put_str(j, "field", a->field);
        jsonw_put_str(j, "src", from);
        if (a->specimen[0] != 0)
            jsonw_put_str(j, "specimen", a->specimen);
        if (a->test != NULL)
            jsonw_put_str(j, "test", a->test);
        jsonw_object_end(j);
    }
    jsonw_array_end(j);
}

void simulate_truth(const struct simulate *s, struct buf *out)
{
    struct jsonw writer = jsonw_to(out);
    struct jsonw *j = &writer;
    const struct truth *t = &s->truth;
    const struct net_truth *n = &s->net.truth;
    jsonw_object(j);
    jsonw_put_uint(j, "seed", s->options.seed);
    jsonw_put_uint(j, "analyzers", s->networked_n);
    jsonw_put_uint(j, "serial_analyzers", s->analyzers_n - s->networked_n);
    put_time(j, "start", s->start);
    jsonw_put_int(j, "seconds", s->options.seconds);
    jsonw_put_uint(j, "packets", n->packets);
    jsonw_put_uint(j, "frame_bytes", n->frame_bytes);
    jsonw_put_uint(j, "flows", n->tcp_flows + n->udp_flows);
    jsonw_put_uint(j, "tcp_flows", n->tcp_flows);
    jsonw_put_uint(j, "udp_flows", n->udp_flows);
    jsonw_put_uint(j, "retransmitted", n->retransmitted);
    jsonw_put_uint(j, "results", t->obx + t->astm_by_type['R' - 'A'] + t->poct1a_observations);
    jsonw_put_uint(j, "obx", t->obx);
    jsonw_put_uint(j, "malformed", t->malformed);
    write_hl7(t, j);
    write_astm(t, j);
    write_point_of_care(t, j);
    write_network(s, j);
    if (t->attacks_n > 0)
        write_attacks(t, j);
    jsonw_object_end(j);
}
