/* programs: the executables of the roles, held open. What is on the disk may be replaced at any time (an upgrade of the package): a role that dies is
 * started again from the executable that its siblings were started from, until an upgrade takes the others. */
#ifndef TQ_PROC_PROGRAMS_H
#define TQ_PROC_PROGRAMS_H

#include "base/error.h"
#include "proc/message.h"

#define PROGRAM_VERSION 32

struct programs {
    int fd[ROLE_COUNT]; /* -1: that role has none */
    uint64_t mark;      /* of the files: the same files have the same */
};

const char *programs_version(void); /* of this one */

void programs_none(struct programs *p);
void programs_close(struct programs *p);

/* Opens what is in the folder. ERR_SYSTEM: one is missing. */
int programs_open(const char *folder, struct programs *ret, struct error *e);

/* What the program `path` says of itself (`tourniquet upgrade --build`). ERR_SYSTEM: it does not run. */
int programs_ask(const char *path, char ret_version[PROGRAM_VERSION], uint32_t *ret_dialect, struct error *e);

/* The place of the running program's own file, also where another one lies there now. */
int programs_self(char *out, size_t size, struct error *e);

#endif
