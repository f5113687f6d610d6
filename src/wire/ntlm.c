#include "wire/ntlm.h"

#define NEGOTIATE_UNICODE 0x00000001u
#define NEGOTIATE_VERSION 0x02000000u

/* Length, space, offset: a piece of the message. */
static struct span piece(struct span message, struct span *s)
{
    size_t n = span_le16(s);
    (void)span_skip(s, 2);
    size_t at = span_le32(s);
    (void)span_skip(&message, at);
    return span_take(&message, n);
}

static void text(struct span s, bool unicode, char out[NTLM_NAME])
{
    size_t step = unicode ? 2 : 1;
    size_t n = s.n / step;
    out[0] = 0;
    if (s.bad || n == 0 || n >= NTLM_NAME)
        return;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = s.p[i * step];
        if (c <= ' ' || c > '~' || (unicode && s.p[2 * i + 1] != 0)) {
            out[0] = 0;
            return;
        }
        out[i] = (char)c;
    }
    out[n] = 0;
}

/* Attributes of the target (2.2.2.1): pairs of number, length, value; 1 and 3 are the server's NetBIOS and DNS names. */
static void target(struct span info, struct ntlm *ret)
{
    while (info.n >= 4) {
        uint16_t id = span_le16(&info);
        struct span value = span_take(&info, span_le16(&info));
        if (id == 0 || value.bad)
            break;
        if (id == 3 || (id == 1 && ret->host[0] == 0))
            text(value, true, ret->host);
    }
}

static void version(struct span s, uint32_t flags, struct ntlm *ret)
{
    uint8_t major = span_u8(&s);
    uint8_t minor = span_u8(&s);
    uint16_t build = span_le16(&s);
    if (s.bad || (flags & NEGOTIATE_VERSION) == 0)
        return;
    ret->major = major;
    ret->minor = minor;
    ret->build = build;
}

bool ntlm_find(struct span s, struct ntlm *ret)
{
    const uint8_t *hit = s.n < 12 ? NULL : memmem(s.p, s.n, "NTLMSSP", 8);
    if (hit == NULL)
        return false;
    (void)span_skip(&s, (size_t)(hit - s.p));
    struct span message = s;
    *ret = (struct ntlm){0};
    (void)span_skip(&s, 8);
    uint32_t type = span_le32(&s);
    if (type == 2) {
        ret->challenge = true;
        (void)span_skip(&s, 8); /* target name */
        uint32_t flags = span_le32(&s);
        (void)span_skip(&s, 16); /* challenge, reserved */
        struct span info = piece(message, &s);
        if (!info.bad)
            target(info, ret);
        version(s, flags, ret);
    } else if (type == 3) {
        (void)span_skip(&s, 32); /* answers, domain, user */
        struct span host = piece(message, &s);
        (void)span_skip(&s, 8); /* session key */
        uint32_t flags = span_le32(&s);
        if (!s.bad)
            text(host, (flags & NEGOTIATE_UNICODE) != 0, ret->host);
        version(s, flags, ret);
    }
    return ret->host[0] != 0 || ret->major != 0;
}
