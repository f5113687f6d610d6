#include "proc/peer.h"

#include "proc/door_order.h"

#include <netinet/in.h>
#include <string.h>

bool peer_admitted(const char *networks, const struct sockaddr *from)
{
    struct address a = {0};
    if (from->sa_family == AF_INET6) {
        a.family = 6;
        memcpy(a.bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    } else if (from->sa_family == AF_INET) {
        a.family = 4;
        memcpy(a.bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    }
    return a.family != 0 && network_has(networks, &a);
}
