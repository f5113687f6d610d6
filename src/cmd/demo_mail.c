#include "cmd/demo_mail.h"

#include "base/text.h"
#include "proc/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LINE 2048 /* a longer one ends the conversation */
#define MAIL (256u << 10)

static bool say(int fd, const char *line)
{
    size_t n = strlen(line);
    return send(fd, line, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* The body is base64, as the keeper writes it: the first address in it. */
static void tell(const char *to, struct span mail)
{
    struct buf packed = BUF_INIT(MAIL);
    struct buf text = BUF_INIT(MAIL);
    const uint8_t *body = mail.n == 0 ? NULL : memmem(mail.p, mail.n, "\r\n\r\n", 4);
    for (const uint8_t *p = body; p != NULL && p < mail.p + mail.n; p++)
        if (*p > ' ')
            buf_u8(&packed, *p);
    const uint8_t *link = text_unbase64(buf_span(&packed), &text) && text.n > 0 ? memmem(text.p, text.n, "https://", 8) : NULL;
    size_t n = 0;
    while (link != NULL && link + n < text.p + text.n && link[n] > ' ')
        n++;
    if (n > 0)
        log_line(LOG_LEVEL_INFO, "a simulated phishing mail went to %s; its link, to be followed: %.*s", to, (int)n, (const char *)link);
    buf_release(&packed);
    buf_release(&text);
}

struct talk {
    char to[128];
    bool data;
    struct buf mail;
};

/* One line of RFC 5321, with its CR LF. False: the conversation is over. */
static bool hear(int fd, struct talk *t, struct span line)
{
    if (t->data && line.n == 3 && line.p[0] == '.') {
        tell(t->to, buf_span(&t->mail));
        buf_clear(&t->mail);
        t->data = false;
        return say(fd, "250 taken\r\n");
    }
    if (t->data) {
        buf_add_span(&t->mail, line);
        return buf_ok(&t->mail);
    }
    if (span_starts(line, SPAN_LIT("RCPT TO:<"))) {
        (void)span_skip(&line, 9);
        t->to[span_copy(span_until(&line, '>', NULL), t->to, sizeof t->to - 1)] = 0;
    }
    t->data = span_starts(line, SPAN_LIT("DATA"));
    if (span_starts(line, SPAN_LIT("QUIT"))) {
        (void)say(fd, "221 bye\r\n");
        return false;
    }
    return say(fd, t->data ? "354 go on\r\n" : "250 yes\r\n");
}

static void converse(int fd)
{
    struct talk t = {.mail = BUF_INIT(MAIL)};
    char line[LINE];
    size_t n = 0;
    bool on = say(fd, "220 demo\r\n");
    while (on && n < sizeof line && recv(fd, line + n, 1, 0) == 1) {
        if (line[n++] != '\n')
            continue;
        on = hear(fd, &t, span_of(line, n));
        n = 0;
    }
    buf_release(&t.mail);
}

pid_t demo_mail_start(int fd)
{
    const struct timeval patience = {.tv_sec = 30};
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(0);
    for (;;) {
        int one = accept(fd, NULL, NULL);
        if (one < 0)
            _exit(0);
        (void)setsockopt(one, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        converse(one);
        (void)close(one);
    }
}
