/* The folder of captures and messages that TOURNIQUET_CORPUS names. cmocka writes a skipped case as one that failed, so a program that can do nothing
 * without the corpus says so before cmocka begins. */
#ifndef TQ_TEST_CORPUS_H
#define TQ_TEST_CORPUS_H

#include <stdio.h>
#include <stdlib.h>

static inline const char *corpus_folder(void)
{
    const char *folder = getenv("TOURNIQUET_CORPUS");
    return folder != NULL && folder[0] != 0 ? folder : NULL;
}

/* NULL: there is none, and the line that TAP has for it is written. */
static inline const char *corpus_or_skip(void)
{
    if (corpus_folder() == NULL)
        (void)puts("1..0 # SKIP TOURNIQUET_CORPUS is not set");
    return corpus_folder();
}

#endif
