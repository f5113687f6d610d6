#include "wire/banner.h"

#include <stdio.h>
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

/* The answer of a printer to @PJL INFO ID (HP's PJL reference, chapter 7): the question again, then its name between quotation marks. */
static bool pjl(struct span s, struct banner *ret)
{
    struct span one;
    if (!line(&s, &one) || !line(&s, &one) || one.n < 3 || one.p[0] != '"' || one.p[one.n - 1] != '"')
        return false;
    *ret = (struct banner){.source = "pjl", .text = span_of(one.p + 1, one.n - 2)};
    return true;
}

/* The answer of a label printer to ~HI (ZPL II): STX, model, firmware, dots a millimetre, memory, ETX: "ZD420-203dpi,V84.20.18Z,8,4096KB". */
static bool zpl(struct span s, struct banner *ret)
{
    bool whole;
    (void)span_u8(&s);
    struct span text = span_until(&s, 3, &whole);
    struct span rest = text;
    struct span model = span_until(&rest, ',', NULL);
    struct span firmware = span_until(&rest, ',', NULL);
    struct span dots = span_until(&rest, ',', NULL);
    uint64_t n;
    if (!whole || text.n > 100 || model.n < 3 || firmware.n < 4 || firmware.p[0] != 'V' || !span_decimal(dots, 99, &n) ||
        memmem(rest.p, rest.n, "KB", 2) == NULL)
        return false;
    *ret = (struct banner){.source = "zpl", .text = text};
    return true;
}

bool banner_sip(struct span s, struct banner *ret)
{
    struct span rest = s.n > HEAD ? span_of(s.p, HEAD) : s;
    struct span one;
    size_t hops = 0;
    if (!line(&rest, &one) || one.n < 12 || memcmp(one.p + one.n - 8, " SIP/2.0", 8) != 0)
        return false;
    while (line(&rest, &one) && one.n > 0)
        hops += starts(one, "Via:") || starts(one, "v:");
    ret->source = "sip";
    return hops == 1 && field(s, "user-agent:", &ret->text);
}

static const char *const methods[] = {"GET ", "POST ", "HEAD ", "PUT ", "OPTIONS ", "DELETE ", "PROPFIND "};
#define METHODS (sizeof methods / sizeof methods[0])

static bool may_start(struct span s, const char *text)
{
    size_t n = strlen(text);
    return memcmp(s.p, text, s.n < n ? s.n : n) == 0;
}

bool banner_unfinished(struct span s)
{
    bool head = s.n > 0 && (may_start(s, "HTTP/1.") || may_start(s, "RTSP/1."));
    for (size_t i = 0; i < METHODS && s.n > 0 && !head; i++)
        head = may_start(s, methods[i]);
    return head && s.n < HEAD && memmem(s.p, s.n, "\r\n\r\n", 4) == NULL;
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
    if (starts(s, "@PJL INFO ID"))
        return pjl(s, ret);
    if (s.p[0] == 2)
        return zpl(s, ret);
    if (starts(s, "REGISTER sip:") || starts(s, "INVITE sip:"))
        return banner_sip(s, ret);
    ret->source = "rtsp";
    if (starts(s, "RTSP/1."))
        return field(s, "server:", &ret->text);
    ret->source = "http";
    if (starts(s, "HTTP/1."))
        return field(s, "server:", &ret->text);
    for (size_t i = 0; i < METHODS; i++)
        if (span_starts(s, span_str(methods[i])))
            return field(s, "user-agent:", &ret->text);
    return false;
}

bool banner_ssdp(struct span s, struct banner *ret)
{
    ret->source = "ssdp";
    return (starts(s, "NOTIFY * HTTP/1.1") || starts(s, "HTTP/1.1 200")) && field(s, "server:", &ret->text);
}

struct span banner_ssdp_type(struct span s)
{
    struct span type = {0};
    if (!starts(s, "NOTIFY * HTTP/1.1") && !starts(s, "HTTP/1.1 200"))
        return type;
    if (!field(s, "nt:", &type) && !field(s, "st:", &type))
        return (struct span){0};
    return starts(type, "urn:") ? type : (struct span){0};
}

struct span banner_upnp(struct span s, const char *element)
{
    char open[40];
    int n = snprintf(open, sizeof open, "<%s>", element);
    if (s.n == 0 || memmem(s.p, s.n, "urn:schemas-upnp-org:device-1-0", 31) == NULL)
        return (struct span){0};
    const uint8_t *hit = memmem(s.p, s.n, open, (size_t)n);
    if (hit == NULL)
        return (struct span){0};
    (void)span_skip(&s, (size_t)(hit - s.p) + (size_t)n);
    bool whole;
    struct span text = span_until(&s, '<', &whole);
    return whole && text.n <= 128 ? text : (struct span){0};
}

struct span banner_ipp(struct span s)
{
    static const char name[] = "\x41\x00\x16printer-make-and-model"; /* a text without language, the length of its name, its name */
    struct span server;
    const uint8_t *hit = NULL;
    if (starts(s, "HTTP/1.") && memmem(s.p, s.n < HEAD ? s.n : HEAD, "application/ipp", 15) != NULL)
        hit = memmem(s.p, s.n, name, sizeof name - 1);
    if (hit == NULL || (field(s, "server:", &server) && starts(server, "CUPS/")))
        return (struct span){0};
    (void)span_skip(&s, (size_t)(hit - s.p) + sizeof name - 1);
    struct span text = span_take(&s, span_be16(&s));
    return text.bad || text.n > 127 ? (struct span){0} : text;
}
