/* Units by what they measure, so that mg/L and ug/mL, 10*9/L and K/uL, mIU/L and uIU/mL are one. */
#ifndef TQ_RESULT_UNIT_H
#define TQ_RESULT_UNIT_H

#include "base/span.h"

/* Two units with the same dimension convert by 10^(power - power). */
struct unit {
    uint32_t dimension; /* 0: no unit; UNIT_STRANGE: only equal to itself */
    int16_t power;
};

#define UNIT_STRANGE UINT32_C(0x80000000) /* not taken apart: the rest is a digest of its letters */

/* Reads a unit in UCUM (c/s, c/i), or as analyzers write it: "10^3/uL", "x10E3/ul", "K/uL", "MG/DL", "µmol/l", "[iU]/L", "mmHg". Never fails: what is
 * not understood is a unit of its own. Case counts only where nothing else can tell M from m or G/L from g/L. */
struct unit unit_read(struct span text);

static inline bool unit_same(struct unit a, struct unit b)
{
    return a.dimension == b.dimension && a.power == b.power;
}

/* What a number in `from` must be multiplied by to be one in `to`; 0: they do not measure the same. */
double unit_factor(struct unit from, struct unit to);

#endif
