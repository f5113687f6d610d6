/* peer: is whoever connects one of those that may? Apart from networks themselves (door_order.h), because libevent and records both have an event. */
#ifndef TQ_PROC_PEER_H
#define TQ_PROC_PEER_H

#include <stdbool.h>

struct sockaddr;

/* networks: a line each (network_has). Of another family than IP: false. */
bool peer_admitted(const char *networks, const struct sockaddr *from);

#endif
