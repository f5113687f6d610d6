/* ledger witness serve: opens the folder, the socket, certificate and key, and becomes libexec/tourniquet/witness, which can open nothing else. */
#include "cmd/witness.h"

#include "base/buf.h"
#include "proc/premises.h"
#include "proc/spawn.h"
#include "proc/witness_fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static int add_file(const char *path, struct buf *out, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_MISUSE, "%s cannot be opened: %s", path, strerror(errno));
    ssize_t n = 1;
    while (n > 0 && buf_reserve(out, 4096)) {
        n = read(fd, out->p + out->n, 4096);
        out->n += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    return n == 0 ? 0 : err_set(e, ERR_MISUSE, "%s cannot be read, or is too long to be a certificate or a key", path);
}

/* Certificate and key in an anonymous file. */
static int open_tls(const struct witness_service *s, int *ret_fd, struct error *e)
{
    *ret_fd = -1;
    if (s->certificate == NULL)
        return 0;
    struct buf all = BUF_SECRET(WITNESS_TLS_MAX + 4096);
    struct buf head = BUF_INIT(4);
    buf_be32(&all, 0);
    int rc = add_file(s->certificate, &all, e);
    buf_be32(&head, (uint32_t)(all.n - 4));
    if (rc == 0)
        rc = add_file(s->key, &all, e);
    if (rc == 0 && all.n > WITNESS_TLS_MAX)
        rc = err_set(e, ERR_MISUSE, "certificate and key have more than %d bytes", WITNESS_TLS_MAX);
    if (rc == 0) {
        memcpy(all.p, head.p, 4);
        *ret_fd = memfd_create("tls", MFD_CLOEXEC);
        if (*ret_fd < 0 || write(*ret_fd, all.p, all.n) != (ssize_t)all.n)
            rc = err_sys(e, errno, "handing over certificate and key");
    }
    buf_release(&all);
    buf_release(&head);
    return rc;
}

/* Puts the descriptors in their places, above all of which nothing stays open, and becomes the witness. */
static int become(const char *path, const int fds[3], struct error *e)
{
    int high[3];
    for (int i = 0; i < 3; i++) {
        high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, 16);
        if (fds[i] >= 0 && high[i] < 0)
            return err_sys(e, errno, "handing over a descriptor");
    }
    for (int i = 0; i < 3; i++) {
        if (high[i] < 0)
            (void)close(WITNESS_DIR_FD + i);
        else if (dup2(high[i], WITNESS_DIR_FD + i) < 0)
            return err_sys(e, errno, "handing over a descriptor");
    }
    (void)close_range(WITNESS_TLS_FD + 1, ~0u, 0);
    char *environment[] = {NULL, NULL};
#ifdef SANITIZED_ADDRESS
    static char options[] = "ASAN_OPTIONS=detect_leaks=0:abort_on_error=1";
    environment[0] = options;
#endif
    char *const arguments[] = {(char[]){"tourniquet-witness"}, NULL};
    (void)execve(path, arguments, environment);
    return err_sys(e, errno, "starting %s", path);
}

int witness_serve(const struct witness_service *s, struct error *e)
{
    char folder[SPAWN_PATH];
    char path[SPAWN_PATH + 16];
    struct config_endpoint at;
    int fds[3] = {-1, -1, -1};
    if (!config_endpoint_parse(span_str(s->listen), false, &at))
        return err_set(e, ERR_MISUSE, "--listen needs an address and a port, as in 192.0.2.5:8444 or [::1]:8444");
    if ((s->certificate == NULL) != (s->key == NULL))
        return err_set(e, ERR_MISUSE, "--cert and --key belong together");
    fds[0] = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fds[0] < 0)
        return err_set(e, ERR_MISUSE, "there is no witness in %s", s->folder);
    if (open_tls(s, &fds[2], e) != 0 || premises_listen(&at, "the witness", "--listen", &fds[1], e) != 0 || spawn_find(folder, e) != 0)
        return -1;
    (void)snprintf(path, sizeof path, "%s/witness", folder);
    return become(path, fds, e);
}
