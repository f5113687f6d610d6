#include "proc/interface.h"

#include "engine/sense/ring.h"
#include "wire/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int gone(const char *name, int why, struct error *e)
{
    if (why == ENODEV || why == ENXIO)
        return err_set(e, ERR_CLOSED, "there is no interface %s; `ip link` lists those of this machine", name);
    return err_sys(e, why, "interface %s", name);
}

/* Is it up, and what are its frames? */
static int look(int fd, const char *name, struct ifreq *r, uint32_t *ret_linktype, bool *ret_loop, struct error *e)
{
    if (ioctl(fd, SIOCGIFFLAGS, r) != 0)
        return gone(name, errno, e);
    if ((r->ifr_flags & IFF_UP) == 0)
        return err_set(e, ERR_CLOSED, "interface %s is down; `ip link set %s up` brings it up", name, name);
    *ret_loop = (r->ifr_flags & IFF_LOOPBACK) != 0;
    if (ioctl(fd, SIOCGIFHWADDR, r) != 0)
        return gone(name, errno, e);
    switch (r->ifr_hwaddr.sa_family) {
    case ARPHRD_ETHER:
    case ARPHRD_LOOPBACK: *ret_linktype = LINKTYPE_ETHERNET; return 0;
    case ARPHRD_NONE:
    case ARPHRD_PPP:
    case ARPHRD_TUNNEL:
    case ARPHRD_TUNNEL6: *ret_linktype = LINKTYPE_RAW; return 0;
    default:
        return err_set(e, ERR_MISUSE, "interface %s carries no Ethernet or IP frames (its kind is %u): it cannot be read", name,
                       r->ifr_hwaddr.sa_family);
    }
}

static int set_up(int fd, const char *name, uint32_t *ret_linktype, struct error *e)
{
    struct ifreq r = {0};
    bool loop = false;
    memcpy(r.ifr_name, name, strlen(name));
    if (look(fd, name, &r, ret_linktype, &loop, e) != 0 || ring_prepare(fd, e) != 0)
        return -1;
    const int yes = 1;
    if (loop && setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) != 0) /* it would show every packet twice */
        return err_sys(e, errno, "interface %s", name);
    if (ioctl(fd, SIOCGIFINDEX, &r) != 0)
        return gone(name, errno, e);
    struct packet_mreq all = {.mr_ifindex = r.ifr_ifindex, .mr_type = PACKET_MR_PROMISC};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = r.ifr_ifindex};
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0)
        return gone(name, errno, e);
    return 0;
}

int interface_open(const char *name, int *ret_fd, uint32_t *ret_linktype, struct error *e)
{
    if (strlen(name) == 0 || strlen(name) >= IFNAMSIZ)
        return err_set(e, ERR_MISUSE, "%.32s: no name of an interface, which has 1 to %d characters", name, IFNAMSIZ - 1);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); /* protocol 0: nothing comes before bind */
    if (fd < 0 && (errno == EPERM || errno == EACCES))
        return err_set(e, ERR_SYSTEM, "interface %s: listening needs root or the capability CAP_NET_RAW", name);
    if (fd < 0)
        return err_sys(e, errno, "interface %s: opening a packet socket", name);
    if (set_up(fd, name, ret_linktype, e) != 0) {
        (void)close(fd);
        return -1;
    }
    *ret_fd = fd;
    return 0;
}
