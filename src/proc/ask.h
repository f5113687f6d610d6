/* ask: one request of a command to the running keeper, over the local socket DATA/api.sock. Who asks is told by the socket (SO_PEERCRED). */
#ifndef TQ_PROC_ASK_H
#define TQ_PROC_ASK_H

#include "door/request.h"
#include "proc/config.h"
#include "proc/message.h"

/* Opens the data folder: `data` where it is not NULL, else that of the configuration `file` (NULL: the built-in one); *config is filled. Only names
 * it (O_PATH). -1: ERR_MISUSE. */
int ask_folder(const char *file, const char *data, struct config *config, struct error *e);

/* Connects. ERR_CLOSED: nobody answers there; ERR_MISUSE: this user may not. */
int ask_dial(int folder, struct error *e);

struct ask {
    struct channel channel;
    struct reply reply; /* in the channel's buffer */
};

/* Sends the request and waits for its answer. fd: a descriptor to go with it, or -1 (it stays the caller's). Takes `line` over; release in any case.
 * ERR_LIMIT: the body has over 1 MiB; ERR_SYSTEM: no answer. */
int ask_send(struct ask *a, int line, const char *method, struct span path, const char *if_match, struct span body, int fd, struct error *e);
void ask_release(struct ask *a);

#endif
