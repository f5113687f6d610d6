#include "engine/result/analyte.h"

#include "base/table.h"
#include "engine/result/analyte_file.h"
#include "engine/result/number.h"

#include <stdlib.h>

#define ROWS_MAX 1024
#define CODES_MAX 4096
#define CODE_MAX 32

struct analytes {
    struct analyte_limit rows[ROWS_MAX];
    size_t n;
    struct table *codes; /* code in capitals → analyte; ANALYTE_NONE where several use it */
};

static struct span word_of(struct span *s)
{
    while (span_peek(s, 0) == ' ')
        (void)span_skip(s, 1);
    return span_until(s, ' ', NULL);
}

static struct span field_of(struct span *line)
{
    struct span f = span_until(line, ';', NULL);
    while (span_peek(&f, 0) == ' ')
        (void)span_skip(&f, 1);
    return f;
}

static size_t code_key(struct span code, uint8_t out[CODE_MAX])
{
    if (code.n > CODE_MAX)
        return 0;
    for (size_t i = 0; i < code.n; i++)
        out[i] = code.p[i] >= 'a' && code.p[i] <= 'z' ? (uint8_t)(code.p[i] - 32) : code.p[i];
    return code.n;
}

static bool add_codes(struct analytes *a, struct span codes, uint16_t analyte)
{
    for (struct span code = word_of(&codes); code.n > 0; code = word_of(&codes)) {
        uint8_t key[CODE_MAX];
        bool fresh = false;
        size_t n = code_key(code, key);
        uint16_t *of = n == 0 ? NULL : table_put(a->codes, span_of(key, n), &fresh);
        if (of == NULL)
            return false;
        if (fresh)
            *of = analyte;
        else if (*of != analyte)
            *of = ANALYTE_NONE;
    }
    return true;
}

/* Many devices write the name where others write a code. What is somebody's code already stays that. */
static bool add_name(struct analytes *a, struct span name, uint16_t analyte)
{
    uint8_t key[CODE_MAX];
    bool fresh = false;
    size_t n = code_key(name, key);
    uint16_t *of = n == 0 ? NULL : table_put(a->codes, span_of(key, n), &fresh);
    if (fresh && of != NULL)
        *of = analyte;
    return n == 0 || of != NULL;
}

static bool read_line(struct analytes *a, struct span line, struct span *last, uint16_t *number)
{
    struct span name = field_of(&line);
    struct span codes = field_of(&line);
    struct span loinc = field_of(&line);
    struct span material = field_of(&line);
    struct span unit = field_of(&line);
    struct number low;
    struct number high;
    if (a->n == ROWS_MAX || name.n == 0 || !number_read(field_of(&line), &low) || !number_read(field_of(&line), &high) || field_of(&line).n == 0)
        return false;
    if (!span_equal(name, *last))
        *number = (uint16_t)(a->n == 0 ? 0 : *number + 1);
    *last = name;
    a->rows[a->n++] = (struct analyte_limit){.analyte = *number,
                                             .unit = unit_read(unit),
                                             .low = number_value(&low),
                                             .high = number_value(&high),
                                             .other_material = span_is(material, "urine")};
    return add_codes(a, codes, *number) && add_codes(a, loinc, *number) && add_name(a, name, *number);
}

struct analytes *analytes_read(const char *text, struct error *e)
{
    struct analytes *a = calloc(1, sizeof *a);
    if (a != NULL)
        a->codes = table_new((struct hash_key){.k0 = 1, .k1 = 2}, CODES_MAX, sizeof(uint16_t)); /* the keys are our own */
    if (a == NULL || a->codes == NULL) {
        analytes_free(a);
        (void)err_set(e, ERR_SYSTEM, "no memory for the analytes");
        return NULL;
    }
    struct span rest = span_str(text);
    struct span last = {0};
    uint16_t number = 0;
    bool more = rest.n > 0;
    for (unsigned at = 1; more; at++) {
        struct span line = span_until(&rest, '\n', &more);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!read_line(a, line, &last, &number)) {
            (void)err_set(e, ERR_CORRUPT, "line %u of the analytes is not: name; codes; LOINC; material; unit; lowest; highest; source", at);
            analytes_free(a);
            return NULL;
        }
    }
    return a;
}

struct analytes *analytes_new(struct error *e)
{
    return analytes_read(analyte_files[0].text, e);
}

void analytes_free(struct analytes *a)
{
    if (a == NULL)
        return;
    table_free(a->codes);
    free(a);
}

uint16_t analytes_find(const struct analytes *a, struct span code)
{
    uint8_t key[CODE_MAX];
    size_t n = code_key(code, key);
    const uint16_t *of = n == 0 ? NULL : table_get(a->codes, span_of(key, n));
    return of == NULL ? ANALYTE_NONE : *of;
}

bool analytes_row(const struct analytes *a, uint16_t analyte, size_t n, struct analyte_limit *ret)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->rows[i].analyte == analyte && n-- == 0) {
            *ret = a->rows[i];
            return true;
        }
    return false;
}

bool analytes_limit(const struct analytes *a, uint16_t analyte, struct unit unit, struct analyte_limit *ret)
{
    for (size_t i = 0; i < a->n; i++) {
        double f = a->rows[i].analyte == analyte ? unit_factor(a->rows[i].unit, unit) : 0;
        if (f == 0)
            continue;
        *ret = a->rows[i];
        ret->unit = unit;
        ret->low *= f;
        ret->high *= f;
        return true;
    }
    return false;
}
