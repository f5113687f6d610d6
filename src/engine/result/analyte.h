/* What an analyte can be: limits outside of which no living person's value lies, by analyte and unit. The data and their sources:
 * catalog/analytes/limits.txt; its format: docs/formats/analytes.md. */
#ifndef TQ_RESULT_ANALYTE_H
#define TQ_RESULT_ANALYTE_H

#include "base/error.h"
#include "engine/result/unit.h"

struct analyte_limit {
    uint16_t analyte; /* rows of one analyte share it */
    struct unit unit;
    double low;
    double high;
    bool other_material; /* urine: not what a test of this code mostly is */
};

struct analytes;

/* Reads the embedded table. NULL: no memory, or (a mistake of the build) a line that cannot be read, which the error names. */
struct analytes *analytes_new(struct error *e);
/* The same of a text; for tests. */
struct analytes *analytes_read(const char *text, struct error *e);
void analytes_free(struct analytes *a);

#define ANALYTE_NONE UINT16_MAX

/* Which analyte a test code stands for: a LOINC code surely, a device's own code only where one analyte uses it. ANALYTE_NONE: not known. */
uint16_t analytes_find(const struct analytes *a, struct span code);

/* The limits of an analyte in this unit, converted where the table has another prefix of it. False: not known in this unit. */
bool analytes_limit(const struct analytes *a, uint16_t analyte, struct unit unit, struct analyte_limit *ret);

/* The n-th row of an analyte (another unit that it is measured in). False: there are no more. */
bool analytes_row(const struct analytes *a, uint16_t analyte, size_t n, struct analyte_limit *ret);

#endif
