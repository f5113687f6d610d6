/* Numbers as laboratories write them. */
#ifndef TQ_RESULT_NUMBER_H
#define TQ_RESULT_NUMBER_H

#include "base/span.h"

enum comparator { COMPARES_EQUAL, COMPARES_LESS, COMPARES_LESS_EQUAL, COMPARES_MORE, COMPARES_MORE_EQUAL };

/* digits / 10^decimals. "4.0" and "4.00" are one value; decimals tells them apart (zeros are precision). */
struct number {
    int64_t digits;
    uint8_t decimals;
    uint8_t comparator; /* enum comparator */
};

/* Reads "4.0", "+4", ".5", "-0.3", "<0.01", ">= 100", "1.2E+3", "4,5" (a decimal comma), "1,234,567" and "1,234.5" (thousands), and the structured
 * numeric of HL7 "<^0.01" (2.A.71). At most 15 digits before rounding; false where it is anything else. */
bool number_read(struct span text, struct number *ret);

double number_value(const struct number *n);
/* Half a unit of its last decimal: what rounding can have left out. */
double number_half_step(const struct number *n);

/* Do they say the same, rounding by the one with fewer decimals left out of account? b is multiplied by factor first. */
bool number_close(const struct number *a, const struct number *b, double factor);

#endif
