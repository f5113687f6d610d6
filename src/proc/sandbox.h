/* A role makes itself small after its start: what it does not need, it cannot do any more, even when an attacker runs inside it.
 *
 *   no core files, not traceable → no capabilities (the warden: one), own uid → no new privileges → files (Landlock) → system calls (seccomp)
 *
 * System calls outside the role's list fail with EPERM; those that no honest role would ever make (execve, ptrace, mount …) kill it. Where the kernel
 * has no Landlock the note says so and the rest holds. */
#ifndef TQ_PROC_SANDBOX_H
#define TQ_PROC_SANDBOX_H

#include "base/error.h"
#include "proc/message.h"

#include <stdbool.h>
#include <stdint.h>

struct sandbox {
    enum role role;    /* sensor, detector, keeper, console, courier, relay, witness, warden, reader */
    bool unprivileged; /* keep the uid; everything else is done */
    uint32_t uid;      /* to become, with the same gid and no other groups; only where this process is root and unprivileged is not set */
    int data_fd;       /* keeper: the data folder, witness: its folder, below which files may be used; else -1 */
    int also_fd;       /* keeper: the folder of backups; else 0 or -1 */
};

#define SANDBOX_NOTE 256

/* Narrows this process for good; call it while there is one thread only. note: what the kernel could not do, or "". -1: not narrowed: do not go on.
 */
int sandbox_narrow(const struct sandbox *s, char note[SANDBOX_NOTE], struct error *e);

#endif
