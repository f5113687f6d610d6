/* The text of catalog/analytes, as the build embeds it. */
#ifndef TQ_RESULT_ANALYTE_FILE_H
#define TQ_RESULT_ANALYTE_FILE_H

#include <stddef.h>

struct analyte_file {
    const char *name;
    const char *text;
};

extern const struct analyte_file analyte_files[];
extern const size_t analyte_files_count;

#endif
