/* What a person types and nobody else shall read: never an argument, which stands in the list of processes. */
#ifndef TQ_CMD_SECRET_H
#define TQ_CMD_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* The next line: from a terminal, unseen, after `prompt`; else of standard input. Its end is not part of it; `out` ends with NUL. Read byte by byte:
 * no buffer keeps a copy. False: there is none, or it has `size` bytes and more; out is wiped then. The caller wipes out. */
bool secret_line(const char *prompt, char *out, size_t size);

/* The first line of a file, in the same way. */
bool secret_of_file(const char *path, char *out, size_t size);

#endif
