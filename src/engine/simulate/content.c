#include "engine/simulate/content.h"

#include "base/text.h"

/* code, loinc, name, unit, other unit, decimals, range, panic limits, middle, spread, sick, absurd */
static const struct analyte analytes[] = {
    /* basic metabolic panel */
    {"NA", "2951-2", "Sodium", "mmol/L", "mg/dL", 0, 135, 145, 120, 160, 140, 2, -9, 410},
    {"K", "2823-3", "Potassium", "mmol/L", "mg/dL", 1, 35, 51, 30, 61, 42, 3, 15, 450},
    {"CL", "2075-0", "Chloride", "mmol/L", "mg/dL", 0, 98, 107, 75, 121, 102, 2, -6, 310},
    {"CO2", "1963-8", "Carbon dioxide, total", "mmol/L", NULL, 0, 22, 29, 10, 40, 25, 2, -8, 150},
    {"GLU", "2345-7", "Glucose", "mg/dL", "mmol/L", 0, 70, 99, 40, 450, 88, 9, 190, 9400},
    {"BUN", "3094-0", "Urea nitrogen", "mg/dL", "mmol/L", 0, 7, 20, -1, 100, 14, 3, 40, 990},
    {"CREA", "2160-0", "Creatinine", "mg/dL", "umol/L", 2, 60, 130, -1, 750, 92, 14, 260, 19000},
    {"CA", "17861-6", "Calcium", "mg/dL", "mmol/L", 1, 85, 105, 60, 130, 95, 3, -11, 620},
    /* liver */
    {"TP", "2885-2", "Total protein", "g/dL", "g/L", 1, 60, 83, -1, -1, 71, 4, -10, 470},
    {"ALB", "1751-7", "Albumin", "g/dL", "g/L", 1, 35, 50, -1, -1, 43, 3, -14, 310},
    {"TBIL", "1975-2", "Bilirubin, total", "mg/dL", "umol/L", 1, 2, 12, -1, 150, 6, 2, 40, 1900},
    {"ALP", "6768-6", "Alkaline phosphatase", "U/L", NULL, 0, 40, 130, -1, -1, 78, 16, 140, 98000},
    {"AST", "1920-8", "Aspartate aminotransferase", "U/L", NULL, 0, 8, 40, -1, 1000, 24, 5, 160, 910000},
    {"ALT", "1742-6", "Alanine aminotransferase", "U/L", NULL, 0, 7, 45, -1, 1000, 26, 6, 190, 910000},
    /* cardiac */
    {"HSTNI", "89579-7", "Troponin I, high sensitivity", "ng/L", "ng/mL", 0, -1, 26, -1, 300, 7, 4, 900, 9900000},
    {"NTPROBNP", "33762-6", "NT-proBNP", "pg/mL", "pmol/L", 0, -1, 125, -1, -1, 64, 20, 2600, 9900000},
    /* thyroid */
    {"TSH", "3016-3", "Thyrotropin", "m[IU]/L", NULL, 3, 400, 4500, -1, -1, 1800, 600, 9000, 9000000},
    {"FT4", "3024-7", "Thyroxine, free", "ng/dL", "pmol/L", 2, 80, 180, -1, 510, 124, 16, -60, 9800},
    /* iron */
    {"FERR", "2276-4", "Ferritin", "ng/mL", NULL, 0, 15, 300, -1, -1, 110, 40, 620, 9900000},
    {"FE", "2498-4", "Iron", "ug/dL", "umol/L", 0, 60, 170, -1, -1, 105, 20, -70, 99000},
    /* HbA1c */
    {"A1C", "4548-4", "Hemoglobin A1c", "%", "mmol/mol", 1, 40, 56, -1, -1, 53, 3, 45, 610},
    /* lipids; LDL is computed */
    {"CHOL", "2093-3", "Cholesterol", "mg/dL", "mmol/L", 0, -1, 200, -1, -1, 182, 22, 70, 9100},
    {"TRIG", "2571-8", "Triglyceride", "mg/dL", "mmol/L", 0, -1, 150, -1, 1772, 110, 24, 170, 99000},
    {"HDL", "2085-9", "HDL cholesterol", "mg/dL", "mmol/L", 0, 40, -1, -1, -1, 55, 7, -17, 990},
    {"LDL", "13457-7", "LDL cholesterol, calculated", "mg/dL", "mmol/L", 0, -1, 130, -1, -1, 105, 0, 0, 8900},
    /* C-reactive protein */
    {"CRP", "1988-5", "C-reactive protein", "mg/L", "mg/dL", 1, -1, 50, -1, -1, 18, 8, 1100, 99000},
    /* complete blood count; HCT follows HGB; MCV, MCH, MCHC and LYMPH% are computed */
    {"WBC", "6690-2", "Leukocytes", "10*3/uL", "10*9/L", 2, 400, 1100, 200, 3000, 720, 130, 900, 290000},
    {"RBC", "789-8", "Erythrocytes", "10*6/uL", NULL, 2, 400, 580, -1, -1, 480, 28, -140, 2900},
    {"HGB", "718-7", "Hemoglobin", "g/dL", "g/L", 1, 120, 175, 70, 210, 144, 9, -55, 610},
    {"HCT", "4544-3", "Hematocrit", "%", NULL, 1, 360, 520, 200, 600, 432, 25, -160, 990},
    {"MCV", "787-2", "Mean cell volume", "fL", NULL, 1, 800, 1000, -1, -1, 900, 0, 0, 4100},
    {"MCH", "785-6", "Mean cell hemoglobin", "pg", NULL, 1, 270, 330, -1, -1, 300, 0, 0, 990},
    {"MCHC", "786-4", "Mean cell hemoglobin concentration", "g/dL", "g/L", 1, 320, 360, -1, -1, 335, 0, 0, 910},
    {"PLT", "777-3", "Platelets", "10*3/uL", "10*9/L", 0, 150, 450, 20, 1000, 260, 45, -190, 99000},
    {"NEUT%", "770-8", "Neutrophils", "%", NULL, 1, 400, 750, -1, -1, 580, 45, 260, 1400},
    {"LYMPH%", "736-9", "Lymphocytes", "%", NULL, 1, 150, 450, -1, -1, 310, 0, 0, 1400},
    {"MONO%", "5905-5", "Monocytes", "%", NULL, 1, 20, 100, -1, -1, 70, 10, 10, 1400},
    {"EO%", "713-8", "Eosinophils", "%", NULL, 1, 0, 60, -1, -1, 25, 8, 0, 1400},
    {"BASO%", "706-2", "Basophils", "%", NULL, 1, 0, 20, -1, -1, 6, 2, 0, 1400},
};

const struct panel_info panels[PANEL_COUNT] = {
    [PANEL_BMP] = {"BMP", "51990-0", "Basic metabolic panel", "SER", 0, 8},
    [PANEL_LIVER] = {"LFT", "24325-3", "Hepatic function panel", "SER", 8, 6},
    [PANEL_CARDIAC] = {"CARD", "89577-1", "Cardiac markers", "PLAS", 14, 2},
    [PANEL_THYROID] = {"THY", "24348-5", "Thyroid panel", "SER", 16, 2},
    [PANEL_IRON] = {"IRON", "50190-8", "Iron panel", "SER", 18, 2},
    [PANEL_A1C] = {"A1C", "4548-4", "Hemoglobin A1c", "BLD", 20, 1},
    [PANEL_LIPID] = {"LIPID", "57698-3", "Lipid panel", "SER", 21, 4},
    [PANEL_CRP] = {"CRP", "1988-5", "C-reactive protein", "SER", 25, 1},
    [PANEL_CBC] = {"CBC", "57021-8", "Complete blood count with differential", "BLD", 26, 13},
};

const struct analyte *analyte_at(unsigned index)
{
    return &analytes[index < sizeof analytes / sizeof analytes[0] ? index : 0];
}

/* ── people who do not exist ── */

static const char *const family_names[] = {"Quillfeather", "Marrowby",   "Tansley",     "Oakhollow",  "Brindlewood", "Vexworth",   "Pellgrave",
                                           "Dunmarrow",    "Fennimoor",  "Larkspurr",   "Haverstone", "Muddleton",   "Ashenfold",  "Corvane",
                                           "Wickerby",     "Thistledon", "Gravenhall",  "Zimbelmann", "Müllerich",   "Sørengaard", "Löwenzahn",
                                           "Peñascal",     "Brûlefer",   "Ängström-Ek", "O'Dellaway", "D'Arquin",    "Kettlebeck", "Snowbarrow",
                                           "Yarrowdine",   "Umbergate",  "Ravensloe",   "Nettlecombe"};
static const char *const given_names_f[] = {"Amarantha", "Bryony",  "Clementia", "Zoë",   "Eulalia",  "Françoise",
                                            "Gwendra",   "Hespera", "Iolanda",   "Junia", "Marigold", "Renée"};
static const char *const given_names_m[] = {"Aldous",  "Barnabus", "Corwin", "Jürgen", "Evander", "Fitzroy",
                                            "Gaspard", "Horatius", "Ismael", "José",   "Lucian",  "Tancred"};
static const char *const streets[] = {"Invented Lane", "Nowhere Street", "Example Avenue", "Rue Imaginée", "Fiction Road", "Sample Square"};
static const char *const wards[] = {"2W^201^A", "2W^214^B", "ICU^3^1", "ED^7^1", "OPD^^", "4N^402^A", "MAT^11^B"};
static const char *const doctors[] = {"7001^Fabel^Ina", "7002^Märchen^Otto", "7003^Storyman^Will", "7004^Nobody^Nell"};
static const char *const comments[] = {"Slightly haemolysed & lipaemic, checked by eye",
                                       "Diluted 1:5 | value = reading ^ factor",
                                       "Repeated, same result",
                                       "Sample short (QNS) for add-ons",
                                       "Called to ward \\ read back",
                                       "Kühlkette unterbrochen",
                                       "Delta check passed ~ previous run",
                                       "Clot removed, run again"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *pick(struct rng *r, const char *const *list, size_t n)
{
    return list[rng_below(r, (uint32_t)n)];
}

/* Writes prefix and exactly `digits` digits of number. */
static void write_number(char *out, size_t size, const char *prefix, uint64_t number, unsigned digits)
{
    size_t n = strlen(prefix);
    if (n + digits + 1 > size)
        return;
    memcpy(out, prefix, n);
    for (unsigned i = digits; i > 0; i--, number /= 10)
        out[n + i - 1] = (char)('0' + number % 10);
    out[n + digits] = 0;
}

void patient_make(struct rng *r, unsigned number, struct patient *p)
{
    *p = (struct patient){.sex = rng_one_in(r, 2) ? 'F' : 'M'};
    write_number(p->mrn, sizeof p->mrn, "MR", 400000 + number * 37 + rng_below(r, 30), 7);
    write_number(p->visit, sizeof p->visit, "V", 800000 + rng_below(r, 99999), 8);
    p->family = pick(r, family_names, COUNT(family_names));
    p->given = p->sex == 'F' ? pick(r, given_names_f, COUNT(given_names_f)) : pick(r, given_names_m, COUNT(given_names_m));
    uint32_t born = 19300000 + rng_below(r, 77) * 10000; /* one draw a statement: their order is the format */
    born += (1 + rng_below(r, 12)) * 100;
    born += 1 + rng_below(r, 28);
    write_number(p->birth, sizeof p->birth, "", born, 8);
    p->street = pick(r, streets, COUNT(streets));
    p->house = 1 + rng_below(r, 240);
    p->ward = pick(r, wards, COUNT(wards));
    p->doctor = pick(r, doctors, COUNT(doctors));
    p->illness = rng_one_in(r, 4) ? (int32_t)rng_between(r, 250, 1000) : (int32_t)rng_below(r, 120);
}

const char *comment_make(struct rng *r)
{
    return pick(r, comments, COUNT(comments));
}

/* ── values ── */

static int32_t draw(struct rng *r, const struct analyte *a, int32_t illness)
{
    int64_t part = a->sick == 0 || rng_one_in(r, 3) ? 0 : illness; /* not every illness shows in every test */
    int64_t v = a->middle + (int64_t)a->spread * rng_bell(r) / 1000 + (int64_t)a->sick * part / 1000;
    int64_t floor = a->middle / 5 > 0 ? a->middle / 5 : 1;
    return (int32_t)(v < floor ? floor : v);
}

/* Places of the values in their panels. */
enum { CBC_WBC, CBC_RBC, CBC_HGB, CBC_HCT, CBC_MCV, CBC_MCH, CBC_MCHC, CBC_PLT, CBC_NEUT, CBC_LYMPH, CBC_MONO, CBC_EO, CBC_BASO };
enum { LIPID_CHOL, LIPID_TRIG, LIPID_HDL, LIPID_LDL };

static int32_t rounded(int64_t a, int64_t b)
{
    return b == 0 ? 0 : (int32_t)((a + b / 2) / b);
}

/* Values that follow from others: a set whose arithmetic does not hold would look altered. */
static void derive(struct sample *s)
{
    struct value *v = s->values;
    if (s->panel == PANEL_CBC) {
        v[CBC_MCV].number = rounded((int64_t)v[CBC_HCT].number * 1000, v[CBC_RBC].number);  /* tenths of fL: 10 x Hct% / RBC */
        v[CBC_MCH].number = rounded((int64_t)v[CBC_HGB].number * 1000, v[CBC_RBC].number);  /* tenths of pg: 10 x Hb / RBC */
        v[CBC_MCHC].number = rounded((int64_t)v[CBC_HGB].number * 1000, v[CBC_HCT].number); /* tenths of g/dL: 100 x Hb / Hct */
        int32_t others = v[CBC_MONO].number + v[CBC_EO].number + v[CBC_BASO].number;
        if (v[CBC_NEUT].number > 990 - others) /* lymphocytes are never gone, and never less than that */
            v[CBC_NEUT].number = 990 - others;
        v[CBC_LYMPH].number = 1000 - v[CBC_NEUT].number - v[CBC_MONO].number - v[CBC_EO].number - v[CBC_BASO].number;
    }
    if (s->panel == PANEL_LIPID)
        v[LIPID_LDL].number = v[LIPID_CHOL].number - v[LIPID_HDL].number - rounded(v[LIPID_TRIG].number, 5);
}

/* Keeps a blood count's parts together: hematocrit about three times hemoglobin, red cells to match, white cells' parts within 100 %. */
static void bind_count(struct rng *r, struct sample *s)
{
    struct value *v = s->values;
    if (s->panel != PANEL_CBC)
        return;
    v[CBC_HCT].number = v[CBC_HGB].number * 3 + (int32_t)rng_between(r, -4, 4);
    v[CBC_RBC].number = rounded((int64_t)v[CBC_HCT].number * 1000, 895 + rng_bell(r) * 30 / 1000); /* by a mean volume in tenths of fL */
    if (v[CBC_NEUT].number > 850)
        v[CBC_NEUT].number = 850;
}

void value_flag(struct value *v)
{
    const struct analyte *a = v->of;
    v->flags = "N";
    if (a->low >= 0 && v->number < a->low)
        v->flags = a->panic_low >= 0 && v->number < a->panic_low ? "LL" : "L";
    if (a->high >= 0 && v->number > a->high)
        v->flags = a->panic_high >= 0 && v->number > a->panic_high ? "HH" : "H";
}

void sample_measure(struct rng *r, struct sample *s)
{
    const struct panel_info *info = &panels[s->panel];
    int32_t illness = s->patient == NULL ? (s->control_level == 2 ? 600 : 0) : s->patient->illness;
    s->values_n = info->count;
    for (unsigned i = 0; i < info->count; i++) {
        const struct analyte *a = &analytes[info->first + i];
        s->values[i] = (struct value){.of = a, .panel = s->panel, .unit = a->unit, .status = 'F', .number = draw(r, a, illness)};
    }
    bind_count(r, s);
    derive(s);
    for (size_t i = 0; i < s->values_n; i++)
        value_flag(&s->values[i]);
}

void sample_measure_again(struct rng *r, struct sample *s)
{
    for (size_t i = 0; i < s->values_n; i++) {
        struct value *v = &s->values[i];
        v->number += (int32_t)((int64_t)v->number * rng_bell(r) / 100000);
    }
    derive(s);
    for (size_t i = 0; i < s->values_n; i++)
        value_flag(&s->values[i]);
}

void sample_correct(struct rng *r, struct sample *s)
{
    struct value *v = &s->values[rng_below(r, (uint32_t)s->values_n)];
    int32_t step = v->number / 12 + 1;
    v->number += rng_one_in(r, 2) && v->number > 2 * step ? -step : step;
    v->status = 'C';
    value_flag(v);
}

void decimal_write(struct buf *out, int32_t number, uint8_t decimals)
{
    int32_t unit = 1;
    for (uint8_t i = 0; i < decimals; i++)
        unit *= 10;
    const char *sign = number < 0 ? "-" : "";
    int32_t n = number < 0 ? -number : number;
    if (decimals == 0)
        buf_addf(out, "%s%d", sign, n);
    else
        buf_addf(out, "%s%d.%0*d", sign, n / unit, decimals, n % unit);
}

void value_write(struct buf *out, const struct value *v)
{
    decimal_write(out, v->number, v->of->decimals);
}

void value_write_range(struct buf *out, const struct value *v)
{
    const struct analyte *a = v->of;
    if (a->low < 0 || a->high < 0) {
        buf_add_str(out, a->low < 0 ? "<=" : ">=");
        decimal_write(out, (a->low < 0 ? a->high : a->low) + v->range_by, a->decimals);
        return;
    }
    decimal_write(out, a->low + v->range_by, a->decimals);
    buf_add_str(out, "-");
    decimal_write(out, a->high + v->range_by, a->decimals);
}

void latin1_add(struct buf *out, struct span utf8)
{
    while (utf8.n > 0) {
        size_t n = text_utf8_len(utf8);
        if (n == 1)
            buf_u8(out, utf8.p[0]);
        else if (n == 2 && (utf8.p[0] == 0xc2 || utf8.p[0] == 0xc3))
            buf_u8(out, (uint8_t)((utf8.p[0] & 3) << 6 | (utf8.p[1] & 0x3f)));
        else
            buf_u8(out, '?');
        (void)span_skip(&utf8, n == 0 ? 1 : n);
    }
}
