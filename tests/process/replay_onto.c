/* replay_onto INTERFACE FILE PACKETS_PER_SECOND: sends the packets of a capture onto an interface, paced; the tests listen at its other end. Prints
 * how many were sent. */
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

static int fail(const char *what)
{
    perror(what);
    return 3;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    struct error e = {0};
    int file = open(argv[2], O_RDONLY | O_CLOEXEC);
    struct source *source = file < 0 ? NULL : source_from_fd(file, &e);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1])};
    long rate = strtol(argv[3], NULL, 10);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (source == NULL || to.sll_ifindex == 0 || rate < 1 || fd < 0)
        return fail("starting");
    struct timespec start;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    struct packet p;
    long sent = 0;
    while (source_next(source, &p, &e) == 1) {
        struct timespec at = start;
        long long ns = at.tv_nsec + (long long)sent * (1000000000LL / rate);
        at.tv_sec += (time_t)(ns / 1000000000LL);
        at.tv_nsec = (long)(ns % 1000000000LL);
        if (sent % 16 == 0)
            (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        ssize_t n;
        while ((n = sendto(fd, p.bytes.p, p.bytes.n, 0, (const struct sockaddr *)&to, sizeof to)) < 0 &&
               (errno == ENOBUFS || errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            return fail("sending");
        sent++;
    }
    (void)printf("%ld\n", sent);
    source_free(source);
    return 0;
}
