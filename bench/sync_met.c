/* sync_met FILE RATE SECONDS: what making something durable costs on the disk under FILE, one JSON line in microseconds: `alone`, how long 99 of 100
 * writes of a block take at most with their sync, one after the other; `met`, how long those syncs take that 99 of 100 meet which come at RATE a
 * second by the clock, where one loop, which has nothing else to do, makes durable what has come. Whoever comes meets the sync that is under way, or
 * makes its own: a slow one is met by as many as come while it lasts, which `alone` counts once.
 *
 * The blocks exist and are written over past the cache, if this file system can do that (the relay's spool does the same). */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096u
#define BLOCKS 4096u /* of the file */
#define TOGETHER 64u /* most blocks of one write */
#define SYNCS 1000u

static _Noreturn void stop(const char *what)
{
    perror(what);
    exit(3);
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

static double p99_us(double *took, size_t n)
{
    qsort(took, n, sizeof *took, by_size);
    return 1e6 * took[n * 99 / 100];
}

/* So many blocks, from this one on, durable. */
static void make_durable(int fd, uint8_t *bytes, size_t from, size_t blocks)
{
    struct iovec v = {.iov_base = bytes, .iov_len = blocks * BLOCK};
    if (pwritev2(fd, &v, 1, (off_t)(from % (BLOCKS - TOGETHER) * BLOCK), RWF_DSYNC) != (ssize_t)v.iov_len)
        stop("sync_met");
}

static int make_file(const char *path, uint8_t *bytes)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EINVAL)
        fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        stop(path);
    for (size_t i = 0; i < BLOCKS; i += TOGETHER) {
        if (pwrite(fd, bytes, (size_t)TOGETHER * BLOCK, (off_t)(i * BLOCK)) != (ssize_t)TOGETHER * BLOCK)
            stop(path);
    }
    if (fsync(fd) != 0)
        stop(path);
    return fd;
}

int main(int argc, char **argv)
{
    double rate = argc == 4 ? strtod(argv[2], NULL) : 0;
    double seconds = argc == 4 ? strtod(argv[3], NULL) : 0;
    if (!(rate >= 1 && rate <= 1e5 && seconds >= 1 && seconds <= 100)) {
        (void)fprintf(stderr, "usage: sync_met FILE RATE SECONDS\n");
        return 2;
    }
    size_t comes = (size_t)(rate * seconds);
    double *took = calloc(comes > SYNCS ? comes : SYNCS, sizeof *took);
    uint8_t *bytes = aligned_alloc(BLOCK, (size_t)TOGETHER * BLOCK);
    if (took == NULL || bytes == NULL)
        stop("sync_met");
    memset(bytes, 0x5a, (size_t)TOGETHER * BLOCK);
    int fd = make_file(argv[1], bytes);
    for (size_t i = 0; i < SYNCS; i++) {
        double since = now_s();
        make_durable(fd, bytes, i, 1);
        took[i] = now_s() - since;
    }
    double alone = p99_us(took, SYNCS);
    double start = now_s();
    for (size_t done = 0, next = 0, met = 0; done < comes; done = next) {
        double since = now_s() - start;
        while (next < comes && next - done < TOGETHER && (double)next / rate <= since)
            next++;
        if (next == done) {
            double until = (double)next / rate - since;
            (void)nanosleep(&(struct timespec){.tv_sec = (time_t)until, .tv_nsec = (long)(1e9 * (until - (double)(time_t)until))}, NULL);
            continue;
        }
        make_durable(fd, bytes, done, next - done);
        for (double at = now_s() - start; met < comes && (double)met / rate <= at; met++)
            took[met] = at - since;
    }
    (void)printf("{\"alone\": %.1f, \"met\": %.1f}\n", alone, p99_us(took, comes));
    (void)close(fd);
    (void)unlink(argv[1]);
    free(bytes);
    free(took);
    return 0;
}
