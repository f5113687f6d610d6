/* Reference ranges, flags, statuses, and identifiers, by what they mean. */
#ifndef TQ_RESULT_TEXT_H
#define TQ_RESULT_TEXT_H

#include "base/hash.h"

/* OBX-7, E1394 R-6. */
struct range {
    double low;
    double high;
    bool has_low;
    bool has_high;
};

/* Reads "3.5-5.1", "3.5 - 5.1 mmol/L", "-2-3", "3.5 to 5.1", "<26", "<= 26", ">40", "0.4^4.0". False: it is none of them, or upside down. */
bool range_read(struct span text, struct range *ret);

/* HL7 table 0078; E1394 R-7 and POCT1-A use the same letters. */
enum flag {
    FLAG_NONE,
    FLAG_NORMAL,
    FLAG_LOW,
    FLAG_HIGH,
    FLAG_VERY_LOW,
    FLAG_VERY_HIGH,
    FLAG_ABNORMAL,
    FLAG_BELOW_SCALE,
    FLAG_ABOVE_SCALE,
    FLAG_OTHER
};

enum flag flag_read(struct span text);

/* Does the flag fit a value in this range? 1: yes, -1: it contradicts (low while it is high, normal while it is outside, high while it is inside),
 * 0: it says nothing about it. slack: how far the value may have been rounded, half a unit of its last digit. */
int flag_fits(enum flag flag, double value, const struct range *range, double slack);

/* OBX-11 (table 0085), E1394 R-9; nothing said is final. */
enum status { STATUS_FINAL, STATUS_PRELIMINARY, STATUS_CORRECTED, STATUS_WITHDRAWN, STATUS_OTHER };

enum status status_read(struct span text);

/* A keyed digest of an identifier of a specimen, an order or a patient: capital and small letters, leading zeros, spaces and dashes do not count,
 * nor what stands behind a component sign. 0: nothing is left of it. */
uint64_t identity_digest(const struct hash_key *key, struct span text);

/* Does an identifier look like that of a control, a calibrator or a proficiency sample ("QC1-LOT22", "LEVEL 2", "BIORAD-L1", "CTRL_H", "CAL 3")? */
bool identity_is_control(struct span text);

#endif
