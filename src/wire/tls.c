#include "wire/tls.h"

/* Letters, digits, '-', '_', '.': what a host name may be made of. Anything else is no name. */
static bool host_name(struct span s)
{
    if (s.n == 0 || s.n > 255)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!ok)
            return false;
    }
    return true;
}

static struct span server_name(struct span extension)
{
    struct span list = span_take(&extension, span_be16(&extension));
    while (list.n > 0) {
        uint8_t type = span_u8(&list);
        struct span name = span_take(&list, span_be16(&list));
        if (!name.bad && type == 0 && host_name(name))
            return name;
    }
    return (struct span){0};
}

static bool hello(struct span body, struct tls_hello *ret)
{
    ret->version = span_be16(&body);
    (void)span_skip(&body, 32);               /* random */
    (void)span_skip(&body, span_u8(&body));   /* session */
    (void)span_skip(&body, span_be16(&body)); /* cipher suites */
    (void)span_skip(&body, span_u8(&body));   /* compression */
    if (body.bad)
        return false;
    ret->name = (struct span){0};
    struct span extensions = span_take(&body, span_be16(&body));
    while (extensions.n > 0) {
        uint16_t type = span_be16(&extensions);
        struct span value = span_take(&extensions, span_be16(&extensions));
        if (value.bad)
            break;
        if (type == 0)
            ret->name = server_name(value);
    }
    return true;
}

enum tls_hello_status tls_hello_decode(struct span s, struct tls_hello *ret)
{
    if (span_peek(&s, 0) != 22 || (s.n > 1 && span_peek(&s, 1) != 3) || (s.n > 2 && span_peek(&s, 2) > 4) || (s.n > 5 && span_peek(&s, 5) != 1))
        return TLS_HELLO_NONE;
    if (s.n < 9)
        return TLS_HELLO_MORE;
    (void)span_skip(&s, 3);
    size_t record = span_be16(&s);
    (void)span_u8(&s);
    size_t length = span_be24(&s);
    if (record < 42 || record > TLS_HELLO_MAX || length < 38)
        return TLS_HELLO_NONE;
    size_t there = record - 4; /* bytes of the message that this record carries */
    if (s.n < (length < there ? length : there))
        return TLS_HELLO_MORE;
    if (length > there) {
        *ret = (struct tls_hello){0};
        return TLS_HELLO_OK;
    }
    struct tls_hello h = {0};
    if (!hello(span_take(&s, length), &h))
        return TLS_HELLO_NONE;
    *ret = h;
    return TLS_HELLO_OK;
}
