/* Starting a role: its own executable, a control channel on descriptor 3, and nothing else of the supervisor's. */
#ifndef TQ_PROC_SPAWN_H
#define TQ_PROC_SPAWN_H

#include "base/error.h"
#include "proc/message.h"

#include <sys/types.h>

#define SPAWN_PATH 4096

/* Finds the folder of the role executables: beside this program (./libexec/tourniquet, ../libexec/tourniquet), or where the package puts them. */
int spawn_find(char folder[SPAWN_PATH], struct error *e);

/* Starts this executable (programs.h) as that role; *ret_control is the supervisor's end of its control channel. */
int spawn_role(int program, enum role role, pid_t *ret_pid, int *ret_control, struct error *e);

/* The uid that a role runs under: that of the system user tourniquet-<role> where there is one, else one of a range that no user has. */
uid_t spawn_uid(enum role role);

#endif
