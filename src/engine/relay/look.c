#include "engine/relay/look.h"

#include "wire/astm.h"
#include "wire/charset.h"

/* Components 1 and 2 of MSH-9 with a caret between, whatever the message's own separator. */
static void set_type(struct look *l, struct span field)
{
    struct span code = hl7_part(field, l->delims.component, 1);
    struct span trigger = hl7_part(field, l->delims.component, 2);
    if (trigger.n == 0) {
        l->type = code;
        return;
    }
    if (l->delims.component == '^') {
        l->type = span_of(field.p, code.n + 1 + trigger.n);
        return;
    }
    size_t n = span_copy(code, l->type_text, sizeof l->type_text - 1);
    l->type_text[n++] = '^';
    n += span_copy(trigger, l->type_text + n, sizeof l->type_text - n);
    l->type = span_of(l->type_text, n);
}

static void charset(struct look *l, struct span content, struct span field)
{
    enum charset said;
    struct span name = hl7_part(field, l->delims.repetition, 1);
    if (name.n == 0 || !charset_named(name, &said) || (said != CHARSET_UTF8 && said != CHARSET_ASCII))
        return;
    enum charset_look looks = charset_look(content);
    l->charset_wrong = said == CHARSET_UTF8 ? looks == CHARSET_LOOKS_OTHER : looks != CHARSET_LOOKS_ASCII;
}

bool look_hl7(struct span content, struct look *ret, look_test *test, void *context)
{
    *ret = (struct look){0};
    static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
    if (span_starts(content, span_of(mark, sizeof mark)))
        (void)span_skip(&content, sizeof mark);
    if (!hl7_delims(content, &ret->delims))
        return false;
    struct span rest = content;
    struct span segment;
    while (hl7_segment(&ret->delims, &rest, &segment)) {
        uint32_t name = hl7_name(segment);
        if (name == HL7_NAME('O', 'B', 'X')) {
            ret->results++;
            if (test != NULL) {
                UNCLEARED struct span f[4];
                (void)hl7_fields(&ret->delims, segment, f, 4);
                test(context, hl7_part(f[3], ret->delims.component, 1));
            }
        } else if (name == HL7_NAME('M', 'S', 'H') && ret->headers++ == 0) {
            UNCLEARED struct span f[19];
            (void)hl7_fields(&ret->delims, segment, f, 19);
            ret->header = segment;
            ret->sender_app = hl7_part(f[3], ret->delims.component, 1);
            ret->sender_place = hl7_part(f[4], ret->delims.component, 1);
            set_type(ret, f[9]);
            ret->control_id = f[10];
            ret->accept_ack = f[15];
            ret->application_ack = f[16];
            ret->enhanced = f[15].n > 0 || f[16].n > 0;
            charset(ret, content, f[18]);
        } else if (name == HL7_NAME('M', 'S', 'A') && !ret->answer) {
            UNCLEARED struct span f[3];
            (void)hl7_fields(&ret->delims, segment, f, 3);
            ret->answer = true;
            ret->answer_code = f[1];
            ret->answered_id = f[2];
        }
    }
    return true;
}

bool look_astm(struct span records, struct look *ret, look_test *test, void *context)
{
    *ret = (struct look){0};
    struct span record;
    bool query = false;
    bool order = false;
    bool result = false;
    while (astm_record(&records, &record)) {
        if (ret->header.n == 0) {
            if (!astm_delims(record, &ret->delims))
                return false;
            UNCLEARED struct span f[6];
            (void)astm_fields(&ret->delims, record, f, 6);
            ret->header = record;
            ret->headers = 1;
            ret->control_id = f[3];
            ret->sender_app = f[5];
            continue;
        }
        uint8_t type = astm_type(&ret->delims, record);
        ret->headers += type == 'H';
        query |= type == 'Q';
        order |= type == 'O';
        if (type != 'R')
            continue;
        result = true;
        ret->results++;
        if (test != NULL) {
            UNCLEARED struct span f[4];
            struct span code = {0};
            struct span text = {0};
            (void)astm_fields(&ret->delims, record, f, 4);
            astm_test(&ret->delims, f[3], &code, &text);
            test(context, code);
        }
    }
    const char *name = result ? "ASTM.RESULT" : query ? "ASTM.QUERY" : order ? "ASTM.ORDER" : "ASTM.MESSAGE";
    ret->type = span_str(name);
    return ret->header.n > 0;
}

bool look_astm_ended(struct span records, bool etx)
{
    if (!etx && (records.n == 0 || (records.p[records.n - 1] != '\r' && records.p[records.n - 1] != '\n')))
        return false;
    while (records.n > 0 && (records.p[records.n - 1] == '\r' || records.p[records.n - 1] == '\n' || records.p[records.n - 1] == ' '))
        records.n--;
    const uint8_t *last = records.n == 0 ? NULL : memrchr(records.p, '\r', records.n);
    struct span record = last == NULL ? records : span_of(last + 1, (size_t)(records.p + records.n - last - 1));
    while (record.n > 0 && (record.p[0] == '\n' || record.p[0] == 0 || record.p[0] == ' '))
        (void)span_skip(&record, 1);
    return record.n >= 1 && (record.p[0] == 'L' || record.p[0] == 'l') && (record.n == 1 || record.p[1] < '0' || (record.p[1] > 'z'));
}
