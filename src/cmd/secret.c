#include "cmd/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static bool read_line(int fd, char *out, size_t size)
{
    size_t n = 0;
    char c = 0;
    ssize_t got;
    while ((got = read(fd, &c, 1)) != 0 && c != '\n') {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || n + 1 >= size)
            break;
        out[n++] = c;
    }
    bool whole = got == 0 || (got == 1 && c == '\n');
    if (n > 0 && out[n - 1] == '\r')
        n--;
    out[n] = 0;
    if (!whole || n == 0)
        explicit_bzero(out, size);
    return whole && n > 0;
}

bool secret_line(const char *prompt, char *out, size_t size)
{
    struct termios shown;
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &shown) != 0)
        return read_line(STDIN_FILENO, out, size);
    struct termios hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    (void)fprintf(stderr, "%s: ", prompt);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    bool got = read_line(STDIN_FILENO, out, size);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    (void)fputc('\n', stderr);
    return got;
}

bool secret_of_file(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool got = fd >= 0 && read_line(fd, out, size);
    if (fd >= 0)
        (void)close(fd);
    return got;
}
