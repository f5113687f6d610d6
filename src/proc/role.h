/* What every role's main does alike: find its control channel, hear what to do, narrow itself, say that it is at work.
 *
 *   started by the supervisor → role_begin (START) → role_narrow → READY → its loop → STOP, or the control channel closes: the supervisor is gone */
#ifndef TQ_PROC_ROLE_H
#define TQ_PROC_ROLE_H

#include "proc/message.h"
#include "proc/start.h"

#define ROLE_CONTROL_FD 3       /* where a role finds its control channel */
#define PEER_QUEUE (256 * 1024) /* most bytes that wait for a sibling in the pipeline */

struct role_self {
    enum role role;
    struct channel control;
    struct start start;
    int fds[START_FDS]; /* the descriptors that came with START, or -1 */
};

/* Waits for START. Does not return when this process was not started by a supervisor. */
void role_begin(struct role_self *self, enum role role);

/* The keeper's descriptor of the folder of backups, or -1. */
int role_backup_folder(const struct role_self *self);
int role_credential(const struct role_self *self); /* keeper: the root key's, opened for reading; -1: none */

/* Narrows this process (data_fd: see sandbox.h) and keeps the note for role_ready. Does not return when that fails. */
void role_narrow(struct role_self *self, int data_fd, char note[256]);
void role_ready(struct role_self *self, const char *note);

/* Tells the supervisor why this role cannot go on, and ends the process. */
_Noreturn void role_fail(struct role_self *self, const struct error *e);

/* Asks for the restart of a sibling whose channel was bad. Of sensors there may be several: `which` is what came with their PEER message. */
void role_complain(struct role_self *self, enum role sibling, const struct error *why);
void role_complain_of(struct role_self *self, enum role sibling, uint8_t which, const struct error *why);

/* Takes what the supervisor says. 1: a message in *ret; 0: none now; -1: stop: it said so, or it is gone. Waits for at most `ms` (-1: for ever). */
int role_control(struct role_self *self, int ms, struct message *ret);

/* The role in a PEER message, with its descriptor, and which of that role it is (ret_which may be NULL). ROLE_NONE: it is malformed, and the
 * descriptor is closed. */
enum role role_peer(const struct message *m, int *ret_fd, uint8_t *ret_which);

/* The calling thread is nicer than the others by so much, and lets them interrupt it: what it does can wait for what they do. */
void role_step_back(int niceness);

#endif
