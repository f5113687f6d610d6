/* interface: a network interface, opened for listening. Needs CAP_NET_RAW; the descriptor is then handed to a reader that needs nothing. */
#ifndef TQ_PROC_INTERFACE_H
#define TQ_PROC_INTERFACE_H

#include "base/error.h"

#include <stdint.h>

#include <stdint.h>

/* A packet socket with its ring (engine/sense/ring.h), bound to the interface, which is set to hand over all frames that reach it. *ret_linktype: of
 * its packets. It sends nothing. -1: ERR_CLOSED there is no such interface or it is down (it may come), ERR_MISUSE it is of a kind that is not read,
 * ERR_SYSTEM no permission or no memory; the text names the interface and what to do. */
int interface_open(const char *name, int *ret_fd, uint32_t *ret_linktype, struct error *e);

#endif
