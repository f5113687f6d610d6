#include "wire/banner.h"

#include <strings.h>

#define HEAD 4096 /* of a head that is looked at */
#define LINES 64

/* Takes a line that is whole. */
static bool line(struct span *s, struct span *ret)
{
    bool found;
    *ret = span_until(s, '\n', &found);
    while (ret->n > 0 && (ret->p[ret->n - 1] == '\r' || ret->p[ret->n - 1] == ' '))
        ret->n--;
    return found;
}

static bool starts(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && strncasecmp((const char *)s.p, prefix, n) == 0;
}

/* The value of a field of a head of HTTP's form (RFC 9112, section 5). */
static bool field(struct span s, const char *name, struct span *ret)
{
    struct span one;
    if (s.n > HEAD)
        s.n = HEAD;
    for (int i = 0; i < LINES && line(&s, &one) && one.n > 0; i++) {
        if (i == 0 || !starts(one, name))
            continue;
        (void)span_skip(&one, strlen(name));
        while (one.n > 0 && (one.p[0] == ' ' || one.p[0] == '\t'))
            (void)span_skip(&one, 1);
        *ret = one;
        return one.n > 0;
    }
    return false;
}

static bool ssh(struct span s, struct banner *ret)
{
    struct span one;
    if (!line(&s, &one) || one.n > 255) /* RFC 4253, section 4.2 */
        return false;
    (void)span_skip(&one, 4);
    (void)span_until(&one, '-', NULL); /* the protocol's version */
    *ret = (struct banner){.source = "ssh", .text = one};
    return one.n > 0;
}

static bool ftp(struct span s, struct banner *ret)
{
    struct span one;
    if (!line(&s, &one) || one.n > 255)
        return false;
    (void)span_skip(&one, 4);
    bool is_ftp = one.n >= 3 && (memmem(one.p, one.n, "FTP", 3) != NULL || memmem(one.p, one.n, "ftp", 3) != NULL);
    *ret = (struct banner){.source = "ftp", .text = one};
    return is_ftp;
}

/* Behind the commands of TELNET (RFC 854): the first line with a word in it. A prompt has no end of line. */
static bool telnet(struct span s, struct banner *ret)
{
    struct span one;
    while (span_peek(&s, 0) == 0xff && span_peek(&s, 1) >= 0xfb && s.n >= 3)
        (void)span_skip(&s, 3);
    while (line(&s, &one)) {
        size_t letters = 0;
        for (size_t i = 0; i < one.n; i++) {
            if (one.p[i] >= 0x7f || (one.p[i] < ' ' && one.p[i] != '\r' && one.p[i] != '\t'))
                return false;
            letters += (one.p[i] | 0x20) >= 'a' && (one.p[i] | 0x20) <= 'z';
        }
        while (one.n > 0 && (one.p[0] == '\r' || one.p[0] == ' '))
            (void)span_skip(&one, 1);
        *ret = (struct banner){.source = "telnet", .text = one};
        if (letters >= 3)
            return one.n <= 255;
    }
    return false;
}

bool banner_stream(struct span s, struct banner *ret)
{
    if (s.n < 4)
        return false;
    if (memcmp(s.p, "SSH-", 4) == 0)
        return ssh(s, ret);
    if (memcmp(s.p, "220 ", 4) == 0 || memcmp(s.p, "220-", 4) == 0)
        return ftp(s, ret);
    if (s.p[0] == 0xff && s.p[1] >= 0xfb && s.p[1] <= 0xfe)
        return telnet(s, ret);
    ret->source = "http";
    if (starts(s, "HTTP/1."))
        return field(s, "server:", &ret->text);
    static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "DELETE ", "PROPFIND "};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (span_starts(s, span_str(methods[i])))
            return field(s, "user-agent:", &ret->text);
    return false;
}

bool banner_ssdp(struct span s, struct banner *ret)
{
    ret->source = "ssdp";
    return (starts(s, "NOTIFY * HTTP/1.1") || starts(s, "HTTP/1.1 200")) && field(s, "server:", &ret->text);
}
