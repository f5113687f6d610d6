/* handover: the supervisor becomes the installed program, by execve: the same process, so that its roles keep their parent, with every descriptor
 * that it holds. What it knows goes along in a sealed anonymous file.
 *
 *   written ──► looked at (the new program, in a process of its own, reads it and finds every descriptor) ──► execve ──► taken over
 *
 * Invariants
 *  1. Until execve nothing is changed: whatever goes wrong before, the present program goes on, and says why.
 *  2. The look runs the very file that execve runs (one descriptor), with the same arguments and descriptors.
 *  3. The form has a number. A program takes over from one whose number it knows and whose parts speak its dialect, and from no other.
 *  4. The configuration goes along as the text that was read at the start: lab.yaml may say something else by now. */
#ifndef TQ_PROC_HANDOVER_H
#define TQ_PROC_HANDOVER_H

#include "base/buf.h"
#include "base/error.h"
#include "proc/programs.h"

struct supervisor;

#define HANDOVER_LOOKED "looked\n" /* what a program says (run --look) that could take over */

/* ── the side that gives ── */

/* What the supervisor knows, in a sealed anonymous file; the caller closes it. */
int handover_write(const struct supervisor *s, int *ret_fd, struct error *e);

/* Does not return where it succeeds. -1: the present program goes on; e says why. */
int handover_give(struct supervisor *s, struct error *e);

/* Whether another file than the one that runs lies in its place. */
bool handover_wanted(const struct supervisor *s);
uint64_t handover_self(void); /* a mark of the file that runs */

/* ── the side that takes ── */

struct handover {
    struct buf bytes;
    char from[PROGRAM_VERSION]; /* who hands over */
    struct span config;         /* the text of lab.yaml as it was read; n 0: there was none */
    struct span rest;
};

/* Reads what stands in descriptor fd. ERR_LIMIT: of a newer program; ERR_MISUSE: none of ours. Released by handover_release. */
int handover_open(int fd, struct handover *ret, struct error *e);
void handover_release(struct handover *h);

/* Fills a supervisor that is laid out for the same configuration. ERR_MISUSE: it does not fit it, or a descriptor is missing. On failure nothing of
 * it was changed but s. */
int handover_take(struct handover *h, struct supervisor *s, struct error *e);

#endif
