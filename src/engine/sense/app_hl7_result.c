/* The results of an HL7 message: OBX with what stands around them → lab.result. */
#include "engine/sense/app_hl7_private.h"

#define FIELDS 15 /* of an OBX segment, as far as they are used */
#define FLAGS_MAX 24

struct results_walk {
    struct span patient;
    struct span specimen;
    struct span container;
    struct span role;
    struct span filler;
    const char *material;
    bool quality; /* OBR-11: a control's */
    const char *action;
    struct span priority; /* of the order: ORC-7, TQ1-9 */
    struct span order_obr;
    struct span order_orc;
    struct span observed;
    bool specimen_first; /* SPM or SAC come before the OBR that they belong to (OUL, OML), not behind it (ORU) */
    bool obr_seen;
    bool orc_used;
    bool escapes;           /* there is an escape character behind the header's own */
    bool around_known;      /* what stands around a result is as it was for the one before: these fields */
    struct field around[6]; /* patient, specimen, order, container, role */
    size_t around_n;
};

/* Chapter 7 and 13 of the standard: unsolicited results (ORU, OUL, OPU) and those asked for (ORF). In other messages OBX tells of the patient, of an
 * order or of a document: height and weight in ADT, what the lab should know in OML, a letter in MDM. Where no type is said, they are taken for
 * results. */
bool hl7_tells_results(struct span type)
{
    static const char *const types[] = {"ORU", "OUL", "OPU", "ORF"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (span_starts(type, span_str(types[i])))
            return true;
    return type.n == 0;
}

static void read_spm(const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    UNCLEARED struct span f[12];
    (void)hl7_fields(d, segment, f, 12);
    r->specimen = hl7_either(hl7_first(d, f[2], 1), hl7_first(d, f[2], 2));
    r->role = hl7_first(d, f[11], 1);
    if (r->role.n > 2) /* table 0369 has single letters */
        r->role = (struct span){0};
    r->material = lab_material(hl7_first(d, f[4], 1));
    r->container = (struct span){0};
    if (r->specimen_first) /* observations on the specimen itself come before its orders */
        r->order_obr = r->observed = (struct span){0};
}

static void read_sac(const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    UNCLEARED struct span f[4];
    (void)hl7_fields(d, segment, f, 4);
    r->container = hl7_first(d, f[3], 1);
}

/* In ORU the specimen follows the observations that it belongs to: looks for it in the rest of this order's group. */
static void look_ahead(struct hl7_rest rest, struct results_walk *r)
{
    struct span segment;
    uint32_t name;
    r->specimen = r->container = r->role = (struct span){0};
    while (hl7_rest_next(&rest, &segment, &name)) {
        if (name == NAME('O', 'B', 'R') || name == NAME('O', 'R', 'C') || name == NAME('P', 'I', 'D'))
            return;
        if (name == NAME('S', 'P', 'M')) {
            read_spm(rest.d, segment, r);
            return;
        }
    }
}

struct span hl7_patient(const struct hl7_delims *d, struct span pid)
{
    UNCLEARED struct span f[5];
    (void)hl7_fields(d, pid, f, 5);
    return hl7_either(hl7_first(d, f[3], 1), hl7_either(hl7_first(d, f[2], 1), hl7_first(d, f[4], 1)));
}

static void read_pid(const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    *r = (struct results_walk){.patient = hl7_patient(d, segment), .escapes = r->escapes};
}

static void read_obr(const struct hl7_rest *rest, struct span segment, bool specimens, struct results_walk *r)

{
    const struct hl7_delims *d = rest->d;
    UNCLEARED struct span f[16];
    (void)hl7_fields(d, segment, f, 16);
    r->order_obr = hl7_either(hl7_first(d, f[2], 1), hl7_first(d, f[3], 1));
    r->filler = hl7_first(d, f[3], 1);
    if (span_equal(r->filler, r->order_obr))
        r->filler = (struct span){0};
    if (!r->specimen_first)
        r->material = lab_material(hl7_first(d, f[15], 1));
    r->quality = span_is(f[11], "Q") || span_is(f[11], "q");
    if (r->orc_used)
        r->order_orc = (struct span){0};
    r->observed = f[7];
    r->obr_seen = true;
    if (specimens && !r->specimen_first)
        look_ahead(*rest, r);
}

/* ORC-1, table 0119. */
static const char *action_of(struct span control)
{
#define CODE(a, b) ((a) << 8 | (b))
    if (control.n != 2)
        return control.n == 0 ? "new" : "other";
    switch (CODE(control.p[0], control.p[1])) {
    case CODE('C', 'A'):
    case CODE('O', 'C'):
    case CODE('C', 'R'):
    case CODE('D', 'C'):
    case CODE('O', 'D'):
    case CODE('D', 'R'): return "cancel";
    case CODE('N', 'W'):
    case CODE('R', 'P'):
    case CODE('R', 'O'):
    case CODE('X', 'O'):
    case CODE('P', 'A'):
    case CODE('C', 'H'):
    case CODE('R', 'F'): return "new";
    default: return "other";
    }
#undef CODE
}

static void read_orc(const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    UNCLEARED struct span f[8];
    (void)hl7_fields(d, segment, f, 8);
    r->action = action_of(f[1]);
    r->priority = hl7_first(d, f[7], 6);
    r->order_orc = hl7_either(hl7_first(d, f[2], 1), hl7_first(d, f[3], 1));
    r->orc_used = false;
}

/* What stands before the first c. Fields of results are short: cheaper than a search. */
static inline struct span before(struct span s, uint8_t c)
{
    uint32_t n = 0;
    if (s.n > 64)
        return span_until(&s, c, NULL);
    if (s.n >= SPAN_BLOCK) {
        uint64_t hits = span_hits(s.p, s.n, c, c);
        s.n = hits == 0 ? s.n : (uint32_t)__builtin_ctzll(hits);
        return s;
    }
    while (n < s.n && s.p[n] != c)
        n++;
    s.n = n;
    return s;
}

static void put_flags(struct app_context *c, const struct hl7_delims *d, const struct hl7_delims *escaped, struct span field)
{
    bool more = field.n > 0 && c->wanted[KEY_FLAGS];
    for (size_t i = 0; more && i < FLAGS_MAX; i++) {
        struct span flag = before(field, d->repetition);
        more = flag.n < field.n;
        (void)span_skip(&field, flag.n + more);
        lab_text(c, escaped, KEY_FLAGS, before(flag, d->component), APP_FOREIGN_MAX);
    }
}

/* The identifier in OBX-6; a power that the sender did not escape ("10^3/uL") stays whole. */
static struct span units_of(const struct hl7_delims *d, struct span field)
{
    struct span code = before(field, d->component);
    if (code.n < 2 || code.n > 3 || memcmp(code.p + code.n - 2, "10", 2) != 0)
        return code;
    struct span next = hl7_part(field, d->component, 2);
    if (next.n > 0 && next.p[0] >= '0' && next.p[0] <= '9')
        code.n += 1 + next.n;
    return code;
}

static void put_specimen(struct app_context *c, const struct hl7_delims *d, const struct results_walk *r, struct span order)
{
    lab_text(c, d, KEY_PATIENT, r->patient, APP_IDENTITY_MAX);
    lab_text(c, d, KEY_SPECIMEN, hl7_either(r->specimen, hl7_either(r->container, order)), APP_IDENTITY_MAX);
    /* who reads a part only has read these as the specimen's already */
    if (c->options.wants == NULL || r->specimen.n + r->container.n > 0)
        lab_text(c, d, KEY_ORDER, order, APP_IDENTITY_MAX);
    if (c->options.wants == NULL || !span_equal(r->container, r->specimen))
        lab_text(c, d, KEY_CONTAINER, r->container, APP_IDENTITY_MAX);
    if (r->role.n == 0 && r->quality)
        record_str(&c->record, KEY_SPECIMEN_ROLE, "Q"); /* OBR-11, in the words of SPM-11 */
    else
        lab_text(c, d, KEY_SPECIMEN_ROLE, r->role, APP_FOREIGN_MAX);
}

/* The same, but for the results of one specimen only once: they lie side by side. */
static void put_around(struct app_context *c, const struct hl7_delims *d, struct results_walk *r)
{
    struct record *to = &c->record;
    size_t from = to->n;
    if (r->around_known && RECORD_FIELDS - from >= r->around_n) {
        memcpy(to->fields + from, r->around, r->around_n * sizeof r->around[0]);
        to->n += r->around_n;
        return;
    }
    put_specimen(c, d, r, hl7_either(r->order_obr, r->order_orc));
    r->orc_used = true;
    r->around_n = to->n - from;
    r->around_known = r->around_n <= sizeof r->around / sizeof r->around[0];
    if (!r->around_known)
        return;
    memcpy(r->around, to->fields + from, r->around_n * sizeof r->around[0]);
    c->scratch_kept = c->scratch_n;
}

/* What helps to know the same result, or its order, in another message. */
static void put_more(struct app_context *c, const struct hl7_delims *d, const struct hl7_delims *escaped, const struct results_walk *r,
                     struct span alternate)
{
    lab_text(c, escaped, KEY_TEST_ALTERNATE, alternate, APP_FOREIGN_MAX);
    lab_text(c, d, KEY_FILLER, r->filler, APP_IDENTITY_MAX);
    if (r->material != NULL)
        record_str(&c->record, KEY_MATERIAL, r->material);
}

static void put_document(struct app_context *c, const struct hl7_delims *d, struct span type, struct span value)
{
    struct document doc;
    if (value.n > 0 && c->wanted[KEY_DOCUMENT_TYPE] && (type.n != 2 || type.p[0] != 'N') && document_read(d, type, value, &doc))
        lab_document(c, d, &doc);
}

static void put_result(const struct app_where *w, const struct hl7_delims *d, struct span segment, struct results_walk *r)
{
    struct app_context *c = w->c;
    UNCLEARED struct span f[FIELDS];
    (void)hl7_fields(d, segment, f, FIELDS);
    const struct hl7_delims *escaped = r->escapes && span_find(&segment, d->escape) < segment.n ? d : NULL;
    UNCLEARED struct span id[6];
    size_t parts = span_split(before(f[3], d->repetition), d->component, id, 6);
    while (parts < 6)
        id[parts++] = (struct span){0};
    const struct span *test = id[0].n > 0 ? id : id + 3; /* the alternate identifier where the first is empty */
    lab_text(c, escaped, KEY_TEST_CODE, test[0], APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_TEST_SYSTEM, test[2], APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_TEST_TEXT, test[1], APP_FOREIGN_MAX);
    put_around(c, d, r);
    lab_value(c, escaped, f[5]);
    lab_text(c, escaped, KEY_VALUE_TYPE, f[2], APP_FOREIGN_MAX);
    lab_text(c, escaped, KEY_UNITS, units_of(d, f[6]), APP_FOREIGN_MAX);
    put_flags(c, d, escaped, f[8]);
    lab_text(c, escaped, KEY_STATUS, f[11], APP_FOREIGN_MAX);
    struct span when = hl7_either(f[14], r->observed);
    lab_time(c, when.n > 0 ? when : hl7_part(segment, d->field, 20)); /* OBX-19: when it was analyzed, where nothing else is said (IHE LAW) */
    put_document(c, d, f[2], f[5]);
    lab_range(c, escaped, f[7]);
    put_more(c, d, escaped, r, test == id ? hl7_either(id[3], id[1].n == 0 ? lab_test_name(id[0], f[4]) : (struct span){0}) : (struct span){0});
    record_put(&c->options.sink, &c->record);
}

/* Chapter 4: orders to a lab, and IHE LAW's work orders. */
bool hl7_tells_orders(struct span type)
{
    return span_starts(type, SPAN_LIT("ORM^")) || span_starts(type, SPAN_LIT("OML^"));
}

static struct span next_priority(struct hl7_rest rest);

static const char *priority_of(const struct hl7_rest *rest, const struct results_walk *r, struct span obr5, struct span obr27)
{
    struct span said = hl7_either(r->priority, hl7_either(hl7_first(rest->d, obr5, 1), hl7_first(rest->d, obr27, 6)));
    return lab_priority(said.n > 0 ? said : next_priority(*rest));
}

static void put_order(const struct app_where *w, const struct hl7_rest *rest, struct span segment, const struct results_walk *r)
{
    struct app_context *c = w->c;
    const struct hl7_delims *d = rest->d;
    UNCLEARED struct span f[28];
    struct span id[6] = {0};
    (void)hl7_fields(d, segment, f, 28);
    (void)span_split(hl7_part(f[4], d->repetition, 1), d->component, id, 6);
    const struct span *test = id[0].n > 0 ? id : id + 3;
    lab_text(c, d, KEY_TEST_CODE, test[0], APP_FOREIGN_MAX);
    lab_text(c, d, KEY_TEST_SYSTEM, test[2], APP_FOREIGN_MAX);
    lab_text(c, d, KEY_TEST_TEXT, test[1], APP_FOREIGN_MAX);
    put_specimen(c, d, r, hl7_either(r->order_obr, r->order_orc));
    put_more(c, d, d, r, test == id ? id[3] : (struct span){0});
    record_str(&c->record, KEY_ACTION, r->action != NULL ? r->action : "new");
    record_str(&c->record, KEY_PRIORITY, priority_of(rest, r, f[5], f[27]));
    record_put(&c->options.sink, &c->record);
}

/* TQ1 stands in front of the OBR of its order, in some messages behind it. */
static struct span next_priority(struct hl7_rest rest)
{
    struct span segment;
    uint32_t name;
    while (hl7_rest_next(&rest, &segment, &name)) {
        if (name == NAME('T', 'Q', '1'))
            return hl7_first(rest.d, hl7_part(segment, rest.d->field, 10), 1);
        if (name == NAME('O', 'B', 'R') || name == NAME('O', 'R', 'C') || name == NAME('P', 'I', 'D'))
            break;
    }
    return (struct span){0};
}

/* What the results and orders behind it share. False: another segment, notes and the like. */
static bool read_around(const struct hl7_rest *rest, struct span segment, uint32_t name, bool specimens, struct results_walk *r)
{
    switch (name) {
    case NAME('P', 'I', 'D'): read_pid(rest->d, segment, r); return true;
    case NAME('S', 'P', 'M'):
    case NAME('S', 'A', 'C'):
        r->specimen_first = r->specimen_first || !r->obr_seen;
        if (r->specimen_first && name == NAME('S', 'P', 'M'))
            read_spm(rest->d, segment, r);
        else if (r->specimen_first)
            read_sac(rest->d, segment, r);
        return true;
    case NAME('O', 'R', 'C'): read_orc(rest->d, segment, r); return true;
    case NAME('O', 'B', 'R'): read_obr(rest, segment, specimens, r); return true;
    default: return false;
    }
}

void hl7_orders(const struct app_where *w, const struct lab_message *m, struct span message, bool specimens)
{
    const struct hl7_delims *d = m->delims;
    size_t shared = lab_results_start(w, m);
    struct results_walk r = {0};
    struct hl7_rest rest = hl7_rest_of(w->c, d, message);
    struct span segment;
    uint32_t name;
    size_t left = APP_ORDERS_MAX;
    while (left > 0 && hl7_rest_next(&rest, &segment, &name)) {
        (void)read_around(&rest, segment, name, specimens, &r);
        if (name == NAME('T', 'Q', '1') && r.priority.n == 0)
            r.priority = hl7_first(d, hl7_part(segment, d->field, 10), 1);
        if (name == NAME('O', 'B', 'R')) {
            lab_result_next(w->c, shared);
            put_order(w, &rest, segment, &r);
            left--;
        }
    }
}

static bool has_escapes(const struct hl7_delims *d, struct span message)
{
    if (hl7_name(message) == NAME('M', 'S', 'H'))
        (void)span_skip(&message, message.n < 9 ? message.n : 9); /* the delimiters themselves */
    return span_find(&message, d->escape) < message.n;
}

void hl7_results(const struct app_where *w, const struct lab_message *m, struct span message, bool specimens)
{
    const struct hl7_delims *d = m->delims;
    size_t shared = lab_results_start(w, m);
    struct results_walk r = {.escapes = has_escapes(d, message)};
    struct hl7_rest rest = hl7_rest_of(w->c, d, message);
    struct span segment;
    uint32_t name;
    size_t left = APP_RESULTS_MAX;
    while (left > 0 && hl7_rest_next(&rest, &segment, &name)) {
        if (name == NAME('O', 'B', 'X')) {
            lab_result_next(w->c, shared);
            put_result(w, d, segment, &r);
            left--;
        } else if (read_around(&rest, segment, name, specimens, &r)) {
            r.around_known = false;
        }
    }
}
