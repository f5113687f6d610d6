/* Devices at the bedside and their data manager, POCT1-A over TCP: blood gas analyzers hold a connection and report what they measure as it comes
 * (continuous mode); glucose meters report what has gathered when they are docked. */
#include "engine/simulate/lab.h"

#include <stdio.h>

#define GAS_MEAN (150 * TIME_SECOND)  /* between two blood gases of one device, at the busiest */
#define DOCK_MEAN (600 * TIME_SECOND) /* between two dockings of one meter */

static const struct analyte gases[] = {
    {"pH", "2744-1", "pH of arterial blood", "", NULL, 3, 7350, 7450, 7200, 7600, 7400, 15, -120, 9900},
    {"pCO2", "2019-8", "Carbon dioxide", "mmHg", "kPa", 0, 35, 45, 20, 70, 40, 2, 18, 400},
    {"pO2", "2703-7", "Oxygen", "mmHg", "kPa", 0, 75, 100, 40, -1, 90, 5, -30, 900},
    {"Na", "2947-0", "Sodium", "mmol/L", NULL, 0, 136, 146, 120, 160, 140, 2, -8, 400},
    {"K", "6298-4", "Potassium", "mmol/L", "mg/dL", 1, 35, 51, 28, 62, 42, 3, 12, 450},
    {"Glu", "2339-0", "Glucose", "mg/dL", "mmol/L", 0, 70, 110, 40, 400, 92, 8, 110, 4000},
    {"Lac", "2518-9", "Lactate", "mmol/L", "mg/dL", 1, 5, 16, -1, 40, 10, 2, 25, 900},
};
#define GASES (sizeof gases / sizeof gases[0])
#define GLUCOSE 5

/* ── messages ── */

/* Text of an attribute. */
static void add_text(struct buf *m, const char *utf8)
{
    for (const char *p = utf8; *p != 0; p++) {
        switch (*p) {
        case '&': buf_add_str(m, "&amp;"); break;
        case '<': buf_add_str(m, "&lt;"); break;
        case '"': buf_add_str(m, "&quot;"); break;
        case '\'': buf_add_str(m, "&#39;"); break;
        default: buf_u8(m, (uint8_t)*p);
        }
    }
}

static void add_value(struct buf *m, const char *element, const char *value)
{
    buf_addf(m, "<%s V=\"", element);
    add_text(m, value);
    buf_add_str(m, "\"/>");
}

static void add_time(struct buf *m, const char *element, tq_time at, bool zone)
{
    char text[TIME_TEXT];
    time_format(at, text);
    buf_addf(m, "<%s V=\"%.19s%s\"/>", element, text, zone ? "+00:00" : "");
}

/* Begins the message `root` in s->message. A meter writes no declaration. */
static void begin(struct simulate *s, const struct meter *d, const char *root, uint32_t control, tq_time at)
{
    struct buf *m = &s->message;
    char id[16];
    buf_clear(m);
    if (d->kind == METER_GAS)
        buf_add_str(m, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n");
    buf_addf(m, "<%s><HDR>", root);
    if (d->kind == METER_GAS)
        add_value(m, "HDR.message_type", root);
    snprintf(id, sizeof id, "%u", control);
    add_value(m, "HDR.control_id", id);
    add_value(m, "HDR.version_id", "POCT1");
    add_time(m, "HDR.creation_dttm", at, d->kind == METER_GAS);
    buf_add_str(m, "</HDR>");
}

/* Ends and sends it. */
static void say(struct simulate *s, struct meter *d, int from, const char *root)
{
    buf_addf(&s->message, "</%s>%s", root, d->kind == METER_GAS ? "\r\n" : "");
    if (!buf_ok(&s->message))
        s->failed = true;
    conn_send(&d->up, from, buf_span(&s->message), true);
    d->up.clock += rng_between(&s->rng, 4 * TIME_MS, 60 * TIME_MS);
    truth_poct1a(&s->truth, root);
}

/* The other side has understood. */
static void acknowledge(struct simulate *s, struct meter *d, int from, uint32_t control)
{
    char id[16];
    begin(s, d, "ACK.R01", ++d->control[from], d->up.clock);
    buf_add_str(&s->message, "<ACK>");
    add_value(&s->message, "ACK.type_cd", "AA");
    snprintf(id, sizeof id, "%u", control);
    add_value(&s->message, "ACK.ack_control_id", id);
    buf_add_str(&s->message, "</ACK>");
    say(s, d, from, "ACK.R01");
}

/* What is in s->message goes out and is acknowledged. */
static void exchange(struct simulate *s, struct meter *d, int from, const char *root)
{
    say(s, d, from, root);
    acknowledge(s, d, !from, d->control[from]);
}

static void start(struct simulate *s, struct meter *d, int from, const char *root)
{
    begin(s, d, root, ++d->control[from], d->up.clock);
}

static void hello(struct simulate *s, struct meter *d)
{
    bool gas = d->kind == METER_GAS;
    struct buf *m = &s->message;
    start(s, d, 0, "HEL.R01");
    buf_add_str(m, "<DEV>");
    add_value(m, "DEV.device_id", d->serial);
    add_value(m, "DEV.vendor_id", gas ? "SIEM" : "NOVA");
    add_value(m, "DEV.model_id", gas ? "RAPIDPoint 500" : "StatStrip");
    add_value(m, "DEV.serial_id", d->serial);
    add_value(m, "DEV.manufacturer_name", gas ? "Siemens Healthcare" : "Nova Biomedical");
    add_value(m, "DEV.sw_version", gas ? "V2.4" : "1.86");
    buf_add_str(m, "<DCP><DCP.application_timeout V=\"60\"/></DCP><DSC>");
    add_value(m, "DSC.connection_profile_cd", gas ? "CS" : "SA");
    add_value(m, "DSC.topics_supported_cd", "DTV");
    add_value(m, "DSC.directives_supported_cd", "START_CONTINUOUS");
    add_value(m, "DSC.max_message_sz", "16000");
    buf_add_str(m, "</DSC></DEV>");
    exchange(s, d, 0, "HEL.R01");
}

static void status(struct simulate *s, struct meter *d, unsigned waiting)
{
    char count[16];
    start(s, d, 0, "DST.R01");
    buf_add_str(&s->message, "<DST>");
    add_time(&s->message, "DST.status_dttm", d->up.clock, false);
    snprintf(count, sizeof count, "%u", waiting);
    add_value(&s->message, "DST.new_observations_qty", count);
    add_value(&s->message, "DST.condition_cd", "R");
    buf_add_str(&s->message, "</DST>");
    exchange(s, d, 0, "DST.R01");
}

static void add_observation(struct simulate *s, const struct value *v)
{
    struct buf *m = &s->message;
    buf_addf(m, "<OBS><OBS.observation_id V=\"%s\" SN=\"LN\" SV=\"1.0\"><TRANSLTN V=\"%s\"/></OBS.observation_id><OBS.value V=\"", v->of->code,
             v->of->name);
    value_write(m, v);
    buf_addf(m, "\" U=\"%s\"/><OBS.method_cd V=\"M\"/><OBS.interpretation_cd V=\"%s\"/></OBS>", v->unit, v->flags);
    s->truth.poct1a_observations++;
}

static void add_observations(struct simulate *s, const struct meter *d, int32_t illness)
{
    for (size_t i = d->kind == METER_GAS ? 0 : GLUCOSE; i < (d->kind == METER_GAS ? GASES : GLUCOSE + 1); i++) {
        const struct analyte *a = &gases[i];
        struct value v = {.of = a, .unit = a->unit, .status = 'F'};
        v.number = a->middle + a->spread * rng_bell(&s->rng) / 1000 + a->sick * illness / 1000;
        value_flag(&v);
        add_observation(s, &v);
    }
}

/* When something was measured that is reported now: never two of one patient within the second that a report tells. */
static tq_time measured(struct simulate *s, const struct meter *d, struct patient *p)
{
    tq_time at = d->up.clock - rng_between(&s->rng, 20 * TIME_SECOND, 90 * TIME_SECOND);
    while (at - p->measured < TIME_SECOND && p->measured - at < TIME_SECOND)
        at += TIME_SECOND;
    p->measured = at;
    return at;
}

/* One patient's measurement. */
static void observe(struct simulate *s, struct meter *d)
{
    struct patient *p = &s->patients[rng_below(&s->rng, PATIENTS)];
    struct buf *m = &s->message;
    char number[16];
    start(s, d, 0, "OBS.R01");
    buf_add_str(m, "<SVC>");
    add_value(m, "SVC.role_cd", "OBS");
    add_time(m, "SVC.observation_dttm", measured(s, d, p), false);
    add_value(m, "SVC.reason_cd", "NEW");
    snprintf(number, sizeof number, "%u", ++d->sequence);
    add_value(m, "SVC.sequence_nbr", number);
    buf_add_str(m, "<PT>");
    add_value(m, "PT.patient_id", p->mrn);
    if (d->kind == METER_GAS) {
        add_value(m, "PT.family_name", p->family);
        add_value(m, "PT.given_name", p->given);
    }
    add_observations(s, d, p->illness);
    buf_add_str(m, "</PT><OPR><OPR.operator_id V=\"4711\"/></OPR></SVC>");
    exchange(s, d, 0, "OBS.R01");
}

static void control(struct simulate *s, struct meter *d)
{
    struct buf *m = &s->message;
    start(s, d, 0, "OBS.R02");
    buf_add_str(m, "<SVC>");
    add_value(m, "SVC.role_cd", "LQC");
    add_time(m, "SVC.observation_dttm", d->up.clock, false);
    add_value(m, "SVC.reason_cd", "NEW");
    buf_add_str(m, "<CTC><CTC.name V=\"Level 2\"/><CTC.lot_number V=\"Q2201\"/><CTC.level_cd V=\"2\"/>");
    add_observations(s, d, 0);
    buf_add_str(m, "</CTC></SVC>");
    exchange(s, d, 0, "OBS.R02");
}

static void end_topic(struct simulate *s, struct meter *d, int from, const char *topic)
{
    start(s, d, from, "EOT.R01");
    buf_add_str(&s->message, "<EOT>");
    add_value(&s->message, "EOT.topic_cd", topic);
    buf_add_str(&s->message, "</EOT>");
    exchange(s, d, from, "EOT.R01");
}

static void request(struct simulate *s, struct meter *d)
{
    start(s, d, 1, "REQ.R01");
    buf_add_str(&s->message, "<REQ><REQ.request_cd V=\"ROBS\"/></REQ>");
    say(s, d, 1, "REQ.R01");
}

/* ── devices ── */

static void open_link(struct simulate *s, struct meter *d, tq_time at)
{
    conn_at(&d->up, at);
    if (d->up.open)
        return;
    conn_open(&s->net, &d->up, d->host, s->manager, PORT_POCT1A, d->up.clock, false);
    hello(s, d);
}

/* A blood gas analyzer says hello once, hands over nothing, and is told to report as it goes. */
static void gas_start(struct simulate *s, struct meter *d, tq_time at)
{
    open_link(s, d, at);
    status(s, d, 0);
    request(s, d);
    end_topic(s, d, 0, "OBS");
    start(s, d, 1, "DTV.R01");
    buf_add_str(&s->message, "<DTV><DTV.command_cd V=\"START_CONTINUOUS\"/></DTV>");
    exchange(s, d, 1, "DTV.R01");
}

/* A meter is docked: hello, how much there is, all of it, the list of operators, the end. */
static void dock(struct simulate *s, struct meter *d, tq_time at)
{
    unsigned waiting = 1 + rng_below(&s->rng, 5);
    open_link(s, d, at);
    status(s, d, waiting);
    request(s, d);
    if (rng_one_in(&s->rng, 4))
        control(s, d);
    while (waiting-- > 0)
        observe(s, d);
    end_topic(s, d, 0, "OBS");
    start(s, d, 1, "OPL.R01");
    buf_add_str(&s->message, "<OPR><OPR.operator_id V=\"4711\"/><OPR.name V=\"N. Example\"/><ACC><ACC.method_cd V=\"ALL\"/></ACC></OPR>");
    exchange(s, d, 1, "OPL.R01");
    end_topic(s, d, 1, "OPL");
    start(s, d, 0, "END.R01");
    buf_add_str(&s->message, "<TRM><TRM.reason_cd V=\"USR\"/></TRM>");
    say(s, d, 0, "END.R01");
    conn_close(&d->up, 0);
}

static void gas_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct meter *d = what;
    if (!d->up.open) {
        gas_start(s, d, at);
    } else {
        conn_at(&d->up, at);
        switch (rng_below(&s->rng, 10)) {
        case 0: control(s, d); break;
        case 1:
            start(s, d, 0, "KPA.R01");
            exchange(s, d, 0, "KPA.R01");
            break;
        case 2:
            start(s, d, 0, "EVS.R01");
            buf_add_str(&s->message, "<EVT><EVT.description V=\"Cartridge &lt; 10 %\"/><EVT.severity_cd V=\"N\"/></EVT>");
            exchange(s, d, 0, "EVS.R01");
            break;
        default: observe(s, d);
        }
    }
    tq_time next = at + rng_wait(&s->rng, GAS_MEAN * 1000 / lab_rate(at));
    if (next < s->end)
        lab_do(s, next, gas_source, d);
}

static void dock_source(void *world, tq_time at, void *what)
{
    struct simulate *s = world;
    struct meter *d = what;
    dock(s, d, at);
    tq_time next = at + rng_wait(&s->rng, DOCK_MEAN);
    if (next < s->end)
        lab_do(s, next, dock_source, d);
}

void point_of_care_start(struct simulate *s)
{
    static const uint8_t server[3] = {0x00, 0x25, 0x90}, makers[2][3] = {{0x00, 0x1f, 0x29}, {0x00, 0x07, 0x80}};
    s->manager = lab_host(s, "POCTLINK", server, "10.20.10.13", 0);
    s->meters_n = 2 * lab_groups(s);
    for (unsigned i = 0; i < s->meters_n; i++) {
        struct meter *d = &s->meters[i];
        unsigned number = i / 2;
        char name[24];
        *d = (struct meter){.kind = i % 2 == 0 ? METER_GAS : METER_GLUCOSE};
        d->control[0] = 10000;
        d->up.trouble = 200;
        snprintf(name, sizeof name, "%s-%02u", i % 2 == 0 ? "GAS" : "GLUC", number + 1);
        d->host = lab_host(s, name, makers[i % 2], lab_ip("10.20.10.", (i % 2 == 0 ? 70 : 80) + number).text, 0);
        snprintf(d->serial, sizeof d->serial, "%u", 10000 + rng_below(&s->rng, 80000));
        lab_do(s, s->start + rng_between(&s->rng, 3 * TIME_SECOND, 35 * TIME_SECOND), i % 2 == 0 ? gas_source : dock_source, d);
    }
}
