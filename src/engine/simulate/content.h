/* What the lab measures and of whom: tests with ranges, panels, patients that do not exist, and samples with values that hang together.
 *
 * Values are integers in units of the test's last digit, so that every machine makes the same: 41 of a test with one decimal is 4.1. Ranges and
 * limits are common adult text-book figures; nothing here is for treating anybody. */
#ifndef TQ_SIMULATE_CONTENT_H
#define TQ_SIMULATE_CONTENT_H

#include "base/buf.h"
#include "base/time.h"
#include "engine/simulate/random.h"
#include "engine/simulate/simulate.h"

struct analyte {
    const char *code; /* as the analyzers send it */
    const char *loinc;
    const char *name;
    const char *unit;
    const char *other_unit; /* the unit that sites mix it up with; NULL: none */
    uint8_t decimals;
    int32_t low; /* range; -1: none on this side */
    int32_t high;
    int32_t panic_low; /* -1: none */
    int32_t panic_high;
    int32_t middle; /* of the healthy */
    int32_t spread; /* one standard deviation of the healthy */
    int32_t sick;   /* how far the very ill are from the middle (either sign) */
    int32_t absurd; /* a value that no living person has */
};

enum panel { PANEL_BMP, PANEL_LIVER, PANEL_CARDIAC, PANEL_THYROID, PANEL_IRON, PANEL_A1C, PANEL_LIPID, PANEL_CRP, PANEL_CBC, PANEL_COUNT };

struct panel_info {
    const char *code;
    const char *loinc;
    const char *name;
    const char *specimen; /* HL7 table 0487: SER, PLAS, BLD */
    uint8_t first;        /* of its analytes in the table */
    uint8_t count;
};

extern const struct panel_info panels[PANEL_COUNT];
const struct analyte *analyte_at(unsigned index);

struct patient {
    char mrn[12];
    const char *family; /* UTF-8 */
    const char *given;
    char birth[9]; /* YYYYMMDD */
    char sex;      /* F, M */
    char visit[12];
    const char *street;
    unsigned house;
    const char *ward;
    const char *doctor; /* identifier^family^given, HL7 components */
    int32_t illness;    /* 0 … 1000 */
    tq_time measured;   /* at the bedside, last */
};

void patient_make(struct rng *r, unsigned number, struct patient *p);

#define SAMPLE_VALUES 24

struct value {
    const struct analyte *of;
    enum panel panel;
    int32_t number;
    const char *unit;  /* of->unit unless changed */
    const char *flags; /* L H LL HH N */
    int32_t range_by;  /* the range that is sent lies so much higher */
    char status;       /* P F C */
};

struct analyzer;

/* What the next report of a sample is. */
enum stage {
    STAGE_FIRST,
    STAGE_SECOND_RUN, /* of a preliminary one */
    STAGE_CORRECTION, /* of a final one, and marked so */
    STAGE_RESENT,     /* the same once more, as an attacker changed it */
};

struct sample {
    struct sample *next; /* all that live, so that they can be freed */
    struct sample **link;
    unsigned uses; /* events that wait for it */
    char barcode[16];
    char order[16];
    char step[20];                 /* the work order step (LAW) */
    const struct patient *patient; /* NULL: quality control */
    unsigned control_level;        /* 1, 2 for quality control */
    struct analyzer *analyzer;
    enum panel panel;
    enum stage stage;
    bool urgent;
    bool document;       /* the forwarded message carries a report */
    bool cancelled;      /* its order is taken back */
    unsigned forwards;   /* how often it went on */
    const char *comment; /* NULL: none */
    struct value values[SAMPLE_VALUES];
    size_t values_n;
    tq_time collected;
    tq_time measured;
    enum simulate_attack attack; /* what the run stages with it; ATTACK_NONE for nearly all */
};

/* Measures: fills values for the sample's panel, with flags, all final. */
void sample_measure(struct rng *r, struct sample *s);

/* A proper correction: one value becomes another and carries status C. */
void sample_correct(struct rng *r, struct sample *s);

/* Another run of the same sample: each value moves by little. */
void sample_measure_again(struct rng *r, struct sample *s);

void value_flag(struct value *v);
void value_write(struct buf *out, const struct value *v);       /* "4.1" */
void value_write_range(struct buf *out, const struct value *v); /* "3.5-5.1", "<=26", ">=40" */
void decimal_write(struct buf *out, int32_t number, uint8_t decimals);

const char *comment_make(struct rng *r);

/* Appends UTF-8 as ISO 8859-1 (what it does not have becomes '?'). */
void latin1_add(struct buf *out, struct span utf8);

#endif
