/* Sends a capture onto an interface as fast as asked, many packets a call.
 *
 * usage: send_packets INTERFACE FILE.pcap PACKETS PACKETS_PER_SECOND. The capture is read into memory first and sent again and again until PACKETS
 * are out. PACKETS_PER_SECOND 0: as fast as they go. Prints "packets seconds". */
#include "engine/sense/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64u
#define MOST 65536u    /* packets of the capture that are kept */
#define FRAME_MAX 1514 /* larger ones, which no Ethernet carries, are left out */

static struct iovec packets[MOST];

static size_t load(const char *path, struct error *e)
{
    size_t n = 0;
    struct packet p;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct source *s = fd < 0 ? NULL : source_from_fd(fd, e);
    while (s != NULL && n < MOST && source_next(s, &p, e) == 1) {
        void *copy = p.bytes.n > FRAME_MAX ? NULL : malloc(p.bytes.n + 1u);
        if (copy == NULL)
            continue;
        memcpy(copy, p.bytes.p, p.bytes.n);
        packets[n++] = (struct iovec){.iov_base = copy, .iov_len = p.bytes.n};
    }
    source_free(s);
    return n;
}

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The next packets, as many as one call takes: how many went out, or -1. */
static int send_some(int fd, size_t n, uint64_t from, unsigned most)
{
    struct mmsghdr batch[BATCH] = {0};
    for (unsigned i = 0; i < most; i++) {
        batch[i].msg_hdr.msg_iov = &packets[(from + i) % n];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    int sent = sendmmsg(fd, batch, most, 0);
    return sent < 0 && (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

int main(int argc, char **argv)
{
    struct error e = {0};
    uint64_t most = 0;
    uint64_t rate = 0;
    if (argc != 5 || !span_decimal(span_str(argv[3]), UINT64_C(1) << 40, &most) || !span_decimal(span_str(argv[4]), 100000000, &rate)) {
        (void)fprintf(stderr, "usage: send_packets INTERFACE FILE.pcap PACKETS PACKETS_PER_SECOND\n");
        return 2;
    }
    size_t n = load(argv[2], &e);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1])};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (n == 0 || fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("send_packets");
        return 3;
    }
    double start = seconds();
    uint64_t sent = 0;
    while (sent < most) {
        uint64_t due = rate == 0 ? most : (uint64_t)((seconds() - start) * (double)rate) + 1;
        if (due <= sent) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
            continue;
        }
        uint64_t now = (due < most ? due : most) - sent;
        int out = send_some(fd, n, sent, now < BATCH ? (unsigned)now : BATCH);
        if (out < 0) {
            perror("send_packets: sending");
            return 3;
        }
        sent += (uint64_t)out;
    }
    (void)printf("%llu %.3f\n", (unsigned long long)sent, seconds() - start);
    return 0;
}
