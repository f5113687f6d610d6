/* job: the roles of people in a laboratory, and what each of them may do. (A "role" in the code is a part of the program: proc/.) One table (job.c)
 * says all of it; the request table names permissions of it, docs/permissions.md is made from it, and a test tries every request with every role. */
#ifndef TQ_LAB_JOB_H
#define TQ_LAB_JOB_H

#include "base/span.h"

enum job {
    JOB_LOCAL, /* whoever is at the local socket; no account has it */
    JOB_MANAGER,
    JOB_PRIVACY,
    JOB_IT,
    JOB_TECHNOLOGIST,
    JOB_PHLEBOTOMIST,
    JOB_DESK,
    JOB_AUDITOR,   /* inside: reads, never changes */
    JOB_ASSESSOR,  /* outside: reads, until a date */
    JOB_ENGINEER,  /* of a maker of devices, until a date */
    JOB_EMERGENCY, /* of the sealed account: its use alarms everybody */
    JOB_COUNT
};

#define JOB_BIT(r) (1u << (r))

const char *job_name(enum job r); /* "lab manager" …; "" for JOB_COUNT */
bool job_find(struct span name, enum job *ret);

/* Is it given until a date only? An outsider's access ends by itself. */
bool job_needs_end(enum job r);

/* Does one of these roles (a set of ROLE_BITs) give this permission, "noun.verb"? False also where there is no such permission. */
bool jobs_may(unsigned roles, const char *permission);
/* The first of these roles that gives it; JOB_COUNT: none. */
enum job job_giving(unsigned roles, const char *permission);

/* Does one of these roles give a permission to manage something ("….manage")? */
bool jobs_manage(unsigned roles);

/* Every permission, in the table's order. */
struct permission {
    const char *name; /* "device.read" */
    const char *what; /* in words */
    bool token;       /* an API token may have it */
    unsigned roles;
};
size_t permission_count(void);
struct permission permission_at(size_t i);

#endif
