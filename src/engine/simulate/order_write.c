/* Orders and queries as HL7 messages: LIS → middleware (ORM^O01, OML^O21 / ORL^O22), IHE LAW (QBP^Q11, RSP^K11, OML^O33, ORL^O34), patients
 * (QBP^Q22). */
#include "engine/simulate/lab.h"

void hl7_order_orm(struct simulate *s, struct buf *m, const struct sample *sample, tq_time at, char control[CONTROL_TEXT])
{
    const struct panel_info *panel = &panels[sample->panel];
    hl7_msh(m, &s->lis_party, &s->middleware_party, "ORM^O01^ORM_O01", NULL, at, control);
    hl7_pid(m, &s->lis_party, sample->patient);
    buf_addf(m, "PV1|1|I|%s\r", sample->patient->ward);
    buf_addf(m, "ORC|%s|%s|%s||SC\r", sample->cancelled ? "CA" : "NW", sample->order, sample->barcode);
    buf_addf(m, "OBR|1|%s|%s|%s^%s^L^%s^%s^LN|%s||", sample->order, sample->barcode, panel->code, panel->name, panel->loinc, panel->name,
             sample->urgent ? "S" : "R");
    hl7_stamp(m, sample->collected);
    buf_addf(m, "||||A||||%s\r", panel->specimen);
}

void hl7_order_oml(struct simulate *s, struct buf *m, const struct sample *sample, tq_time at, char control[CONTROL_TEXT])
{
    const struct panel_info *panel = &panels[sample->panel];
    hl7_msh(m, &s->lis_party, &s->middleware_party, "OML^O21^OML_O21", NULL, at, control);
    hl7_pid(m, &s->lis_party, sample->patient);
    buf_addf(m, "PV1|1|I|%s\r", sample->patient->ward);
    buf_addf(m, "ORC|NW|%s|%s||SC\r", sample->order, sample->barcode);
    buf_addf(m, "TQ1|1||||||||%s\r", sample->urgent ? "S^^HL70485" : "R^^HL70485");
    buf_addf(m, "OBR|1|%s|%s|%s^%s^L^%s^%s^LN\r", sample->order, sample->barcode, panel->code, panel->name, panel->loinc, panel->name);
    buf_addf(m, "SPM|1|%s||%s^^HL70487|||||||P^^HL70369||||||", sample->barcode, panel->specimen);
    hl7_stamp(m, sample->collected);
    buf_addf(m, "\r");
}

void hl7_order_answer(struct simulate *s, struct buf *m, const struct sample *sample, tq_time at, const char *control)
{
    char own[CONTROL_TEXT];
    hl7_msh(m, &s->middleware_party, &s->lis_party, "ORL^O22^ORL_O22", NULL, at, own);
    buf_addf(m, "MSA|AA|%s\r", control);
    buf_addf(m, "ORC|OK|%s|%s\r", sample->order, sample->barcode);
}

void hl7_law_query(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, char control[CONTROL_TEXT])
{
    hl7_msh(m, &a->party, &s->middleware_party, "QBP^Q11^QBP_Q11", "LAB-27^IHE", at, control);
    buf_addf(m, "QPD|WOS^Work Order Step^IHELAW|Q%s|%s\r", control, sample->barcode);
    buf_add_str(m, "RCP|I||R^Real Time^HL70394\r");
}

void hl7_law_answer(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, const char *control)
{
    char own[CONTROL_TEXT];
    hl7_msh(m, &s->middleware_party, &a->party, "RSP^K11^RSP_K11", "LAB-27^IHE", at, own);
    buf_addf(m, "MSA|AA|%s\rQAK|Q%s|OK|WOS^Work Order Step^IHELAW\r", control, control);
    buf_addf(m, "QPD|WOS^Work Order Step^IHELAW|Q%s|%s\r", control, sample->barcode);
}

void hl7_law_order(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, char control[CONTROL_TEXT])
{
    const struct panel_info *panel = &panels[sample->panel];
    hl7_msh(m, &s->middleware_party, &a->party, "OML^O33^OML_O33", "LAB-28^IHE", at, control);
    hl7_pid(m, &s->middleware_party, sample->patient);
    buf_addf(m, "PV1|1|I|%s\r", sample->patient->ward);
    buf_addf(m, "SPM|1|%s||%s^^HL70487|||||||P^^HL70369\r", sample->barcode, panel->specimen);
    buf_addf(m, "SAC|||%s\r", sample->barcode);
    unsigned tests = panel->count - (sample->attack == ATTACK_ORDER_CHANGED ? 1 : 0); /* who changes the order leaves out the last */
    for (unsigned i = 0; i < tests; i++) {
        const struct analyte *test = analyte_at(panel->first + i);
        buf_add_str(m, "ORC|NW||||||||");
        hl7_stamp(m, at);
        buf_addf(m, "\rTQ1|||||||||%s^^HL70485\r", sample->urgent ? "S" : "R");
        buf_addf(m, "OBR|%u|%s-%u||%s^%s^L\r", i + 1, sample->step, i + 1, test->code, test->name);
        buf_addf(m, "TCD|%s^%s^L\r", test->code, test->name);
    }
}

void hl7_law_accept(struct simulate *s, struct buf *m, struct analyzer *a, const struct sample *sample, tq_time at, const char *control)
{
    char own[CONTROL_TEXT];
    hl7_msh(m, &a->party, &s->middleware_party, "ORL^O34^ORL_O34", "LAB-28^IHE", at, own);
    buf_addf(m, "MSA|AA|%s\r", control);
    hl7_pid(m, &a->party, sample->patient);
    buf_addf(m, "SPM|1|%s||%s^^HL70487|||||||P^^HL70369\rSAC|||%s\r", sample->barcode, panels[sample->panel].specimen, sample->barcode);
    for (unsigned i = 0; i < panels[sample->panel].count; i++)
        buf_addf(m, "ORC|OK|%s-%u|||SC\r", sample->step, i + 1);
}

void hl7_people_query(struct simulate *s, struct buf *m, struct party *from, const struct patient *p, tq_time at, char control[CONTROL_TEXT])
{
    hl7_msh(m, from, &s->lis_party, "QBP^Q22^QBP_Q21", NULL, at, control);
    buf_addf(m, "QPD|Q22^Find Candidates^HL7|Q%s|@PID.3.1^%s\r", control, p->mrn);
    buf_add_str(m, "RCP|I|50^RD\r");
}

void hl7_people_answer(struct simulate *s, struct buf *m, const struct party *to, const struct patient *p, tq_time at, const char *control)
{
    char own[CONTROL_TEXT];
    hl7_msh(m, &s->lis_party, to, "RSP^K22^RSP_K21", NULL, at, own);
    buf_addf(m, "MSA|AA|%s\rQAK|Q%s|OK|Q22^Find Candidates^HL7\r", control, control);
    buf_addf(m, "QPD|Q22^Find Candidates^HL7|Q%s|@PID.3.1^%s\r", control, p->mrn);
    hl7_pid(m, &s->lis_party, p);
}
