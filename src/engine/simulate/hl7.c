#include "engine/simulate/lab.h"

#include "base/text.h"
#include "wire/mllp_write.h"

#include <stdio.h>

void party_init(struct party *p, const char *application, const char *facility, const char *version, const char *charset, const char *prefix)
{
    *p = (struct party){.application = application, .facility = facility, .version = version, .charset = charset};
    p->latin1 = strcmp(charset, "8859/1") == 0;
    snprintf(p->prefix, sizeof p->prefix, "%s", prefix);
}

/* Text as a leaf of a field: delimiters escaped, in the sender's character set. */
void hl7_text(struct buf *m, const struct party *from, const char *utf8)
{
    static const char delimiters[] = "|^&~\\";
    static const char names[] = "FSTRE";
    for (const char *p = utf8; *p != 0;) {
        const char *hit = strchr(delimiters, *p);
        size_t n = strcspn(p, delimiters);
        if (hit != NULL) {
            buf_addf(m, "\\%c\\", names[hit - delimiters]);
            n = 1;
        } else if (from->latin1)
            latin1_add(m, span_of(p, n));
        else
            buf_add(m, p, n);
        p += n;
    }
}

void hl7_stamp(struct buf *m, tq_time at)
{
    char text[TIME_TEXT];
    time_format(at, text);
    buf_add(m, text, 4);
    buf_add(m, text + 5, 2);
    buf_add(m, text + 8, 2);
    buf_add(m, text + 11, 2);
    buf_add(m, text + 14, 2);
    buf_add(m, text + 17, 2);
}

void hl7_msh(struct buf *m, struct party *from, const struct party *to, const char *type, const char *profile, tq_time at, char control[CONTROL_TEXT])
{
    snprintf(control, CONTROL_TEXT, "%s-%05u", from->prefix, ++from->control);
    buf_addf(m, "MSH|^~\\&|%s|%s|%s|%s|", from->application, from->facility, to->application, to->facility);
    hl7_stamp(m, at);
    bool law = profile != NULL;
    buf_addf(m, "||%s|%s|P|%s|||%s||%s", type, control, from->version, law ? "NE|AL" : "|", from->charset);
    if (law)
        buf_addf(m, "|||%s", profile);
    buf_u8(m, '\r');
}

void hl7_pid(struct buf *m, const struct party *from, const struct patient *p)
{
    buf_addf(m, "PID|1||%s^^^LAB^MR||", p->mrn);
    hl7_text(m, from, p->family);
    buf_u8(m, '^');
    hl7_text(m, from, p->given);
    buf_addf(m, "||%s|%c|||%u ", p->birth, p->sex, p->house);
    hl7_text(m, from, p->street);
    buf_add_str(m, "^^Fabelstadt^^00000\r");
}

/* A code in two systems: the lab's own first, LOINC second. */
static void add_code(struct buf *m, const char *code, const char *name, const char *loinc)
{
    buf_addf(m, "%s^%s^L^%s^%s^LN", code, name, loinc, name);
}

void hl7_obx(struct buf *m, const struct party *from, const struct sample *sample, size_t i, size_t set)
{
    const struct value *v = &sample->values[i];
    bool old = strcmp(from->version, "2.3.1") == 0;
    buf_addf(m, "OBX|%zu|NM|", set);
    if (old)
        buf_addf(m, "%s^%s^L", v->of->code, v->of->name);
    else
        add_code(m, v->of->code, v->of->name, v->of->loinc);
    buf_addf(m, "|%s|", old ? "" : "1");
    value_write(m, v);
    if (old)
        buf_addf(m, "|%s|", v->unit);
    else
        buf_addf(m, "|%s^%s^UCUM|", v->unit, v->unit);
    value_write_range(m, v);
    buf_addf(m, "|%s|||%c|||", v->flags, v->status);
    hl7_stamp(m, sample->measured);
    buf_u8(m, '\r');
}

void hl7_ack(struct buf *m, struct party *from, const struct party *to, const char *event, tq_time at, const char *control, const char *code,
             const char *why)
{
    char type[24];
    char own[CONTROL_TEXT];
    bool old = strcmp(from->version, "2.3.1") == 0;
    snprintf(type, sizeof type, old ? "ACK^%s" : "ACK^%s^ACK", event);
    hl7_msh(m, from, to, type, NULL, at, own);
    buf_addf(m, "MSA|%s|%s", code, control);
    if (why != NULL)
        buf_addf(m, "|%s\rERR||PID^1|101^Required field missing^HL70357|E", why);
    buf_u8(m, '\r');
}

static void add_comment(struct buf *m, const struct party *from, const struct sample *sample)
{
    if (sample->comment == NULL)
        return;
    buf_add_str(m, "NTE|1|L|");
    hl7_text(m, from, sample->comment);
    buf_u8(m, '\r');
}

static char report_status(const struct sample *sample)
{
    char status = 'F';
    for (size_t i = 0; i < sample->values_n; i++)
        if (sample->values[i].status != 'F')
            status = sample->values[i].status;
    return status;
}

void hl7_oru_analyzer(struct buf *m, struct analyzer *a, const struct sample *sample, const struct party *to, tq_time at, char control[CONTROL_TEXT])
{
    const struct panel_info *panel = &panels[sample->panel];
    hl7_msh(m, &a->party, to, "ORU^R01", NULL, at, control);
    if (sample->patient != NULL)
        hl7_pid(m, &a->party, sample->patient);
    buf_addf(m, "OBR|1|%s|%s|%s^%s^L|%s||", sample->order, sample->barcode, panel->code, panel->name, sample->urgent ? "S" : "R");
    hl7_stamp(m, sample->collected);
    buf_addf(m, "||||%s|||", sample->patient == NULL ? "Q" : "");
    hl7_stamp(m, sample->measured);
    buf_addf(m, "|%s||||||||||%c\r", sample->patient == NULL ? "QC" : panel->specimen, report_status(sample));
    add_comment(m, &a->party, sample);
    for (size_t i = 0; i < sample->values_n; i++)
        hl7_obx(m, &a->party, sample, i, i + 1);
}

void hl7_oul(struct buf *m, struct analyzer *a, const struct sample *sample, const struct party *to, tq_time at, char control[CONTROL_TEXT])
{
    const struct panel_info *panel = &panels[sample->panel];
    hl7_msh(m, &a->party, to, "OUL^R22^OUL_R22", "LAB-29^IHE", at, control);
    if (sample->patient != NULL)
        hl7_pid(m, &a->party, sample->patient);
    buf_addf(m, "SPM|1|%s||%s^^HL70487|||||||%s^^HL70369\r", sample->barcode, panel->specimen, sample->patient == NULL ? "Q" : "P");
    buf_addf(m, "SAC|||%s\r", sample->barcode);
    for (size_t i = 0; i < sample->values_n; i++) {
        const struct value *v = &sample->values[i];
        buf_addf(m, "OBR|%zu|%s-%zu||%s^%s^L\r", i + 1, sample->step, i + 1, v->of->code, v->of->name);
        buf_addf(m, "ORC|OK||||CM\r");
        hl7_obx(m, &a->party, sample, i, 1);
        if (i == 0)
            add_comment(m, &a->party, sample);
        buf_addf(m, "TCD|%s^%s^L|1^:^1\r", v->of->code, v->of->name);
        buf_addf(m, "INV|%s-R1^^99LAB|OK^^HL70383|R1^^HL70384|||||||||||||LOT%u\r", v->of->code, 4100 + (unsigned)i);
    }
}

/* A report as the LIS files it: a small document, base64 in one OBX. */
static void add_document(struct simulate *s, struct buf *m, const struct sample *sample, size_t set)
{
    struct buf document = BUF_INIT(65536);
    buf_addf(&document, "%%PDF-1.4\n%% laboratory report %s\n1 0 obj\n<< /Length 0 >>\nstream\n", sample->barcode);
    size_t n = (size_t)rng_between(&s->rng, 3000, 24000);
    for (size_t i = 0; i < n; i += 8) {
        uint64_t bytes = rng_next(&s->rng);
        uint8_t out[8];
        for (size_t k = 0; k < 8; k++)
            out[k] = (uint8_t)(bytes >> (8 * k));
        buf_add(&document, out, sizeof out);
    }
    buf_add_str(&document, "\nendstream\nendobj\n%%EOF\n");
    buf_addf(m, "OBX|%zu|ED|PDF^Report^L|1|LABLINK^application^pdf^Base64^", set);
    text_base64(m, buf_span(&document));
    buf_addf(m, "||||||%c\r", report_status(sample)); /* a report's later versions carry the status of what changed */
    buf_release(&document);
}

void hl7_oru_forward(struct simulate *s, struct buf *m, struct party *from, const struct sample *sample, tq_time at, char control[CONTROL_TEXT])
{
    const struct panel_info *panel = &panels[sample->panel];
    hl7_msh(m, from, &s->lis_party, "ORU^R01^ORU_R01", NULL, at, control);
    hl7_pid(m, from, sample->patient);
    buf_addf(m, "PV1|1|I|%s||||", sample->patient->ward);
    const char *doctor = sample->patient->doctor;
    size_t id = strcspn(doctor, "^");
    buf_add(m, doctor, id);
    for (const char *p = doctor + id; *p != 0;) { /* the components, each in the sender's character set */
        size_t n = strcspn(p + 1, "^");
        buf_u8(m, '^');
        if (from->latin1)
            latin1_add(m, span_of(p + 1, n));
        else
            buf_add(m, p + 1, n);
        p += n + 1;
    }
    buf_addf(m, "||||||||||||%s\r", sample->patient->visit);
    buf_addf(m, "ORC|RE|%s|%s||CM\r", sample->order, sample->barcode);
    buf_addf(m, "OBR|1|%s|%s|", sample->order, sample->barcode);
    add_code(m, panel->code, panel->name, panel->loinc);
    buf_add_str(m, "|||");
    hl7_stamp(m, sample->collected);
    buf_add_str(m, "|||||||||||||||");
    hl7_stamp(m, at);
    buf_addf(m, "|||%c\r", report_status(sample));
    add_comment(m, from, sample);
    for (size_t i = 0; i < sample->values_n; i++)
        hl7_obx(m, from, sample, i, i + 1);
    if (sample->document)
        add_document(s, m, sample, sample->values_n + 1);
    buf_addf(m, "SPM|1|%s||%s^^HL70487|||||||P^^HL70369\r", sample->barcode, panel->specimen);
}

void mllp_say(struct simulate *s, struct conn *c, int from, struct span message, bool quiet)
{
    buf_clear(&s->frame);
    mllp_write(&s->frame, message);
    if (!buf_ok(&s->frame)) {
        s->failed = true;
        return;
    }
    truth_hl7(&s->truth, message, s->frame.n);
    conn_send(c, from, buf_span(&s->frame), quiet);
}

void mllp_exchange(struct simulate *s, struct conn *c, int from, struct span message, struct span answer)
{
    mllp_say(s, c, from, message, true);
    c->clock += rng_between(&s->rng, 4 * TIME_MS, 35 * TIME_MS);
    mllp_say(s, c, !from, answer, false);
}
