#include "wire/ja4.h"

#include "wire/sha256.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST 512 /* of ciphers, extensions, algorithms that go into the print */

struct list {
    uint16_t v[MOST];
    size_t n;
};

struct offer {
    struct list ciphers;
    struct list extensions; /* without server name and protocols */
    struct list algorithms;
    size_t all_extensions;
    uint16_t version;
    bool name;
    struct span protocol; /* the first */
};

/* Values that only test whether servers ignore them (RFC 8701). */
static bool grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static void add(struct list *l, uint16_t v)
{
    if (!grease(v) && l->n < MOST)
        l->v[l->n++] = v;
}

static void add_all(struct list *l, struct span s)
{
    while (s.n >= 2)
        add(l, span_be16(&s));
}

static void extension(struct offer *o, uint16_t type, struct span v)
{
    if (grease(type))
        return;
    o->all_extensions++;
    if (type == 0x0000) {
        o->name = true;
    } else if (type == 0x0010) {
        (void)span_be16(&v);
        o->protocol = span_take(&v, span_u8(&v));
    } else {
        add(&o->extensions, type);
    }
    if (type == 0x000d) {
        add_all(&o->algorithms, span_take(&v, span_be16(&v)));
    } else if (type == 0x002b) {
        struct span versions = span_take(&v, span_u8(&v));
        uint16_t highest = 0;
        while (versions.n >= 2) {
            uint16_t one = span_be16(&versions);
            if (!grease(one) && one > highest)
                highest = one;
        }
        o->version = highest;
    }
}

static bool read_offer(struct span s, struct offer *o)
{
    bool hello = span_u8(&s) == 22;
    (void)span_skip(&s, 2);
    struct span record = span_take(&s, span_be16(&s));
    hello = hello && span_u8(&record) == 1;
    struct span body = span_take(&record, span_be24(&record));
    o->version = span_be16(&body);
    (void)span_skip(&body, 32);
    (void)span_skip(&body, span_u8(&body));
    add_all(&o->ciphers, span_take(&body, span_be16(&body)));
    (void)span_skip(&body, span_u8(&body));
    if (!hello || body.bad)
        return false;
    struct span extensions = span_take(&body, span_be16(&body));
    while (extensions.n >= 4) {
        uint16_t type = span_be16(&extensions);
        struct span v = span_take(&extensions, span_be16(&extensions));
        if (v.bad)
            break;
        extension(o, type, v);
    }
    return true;
}

static int by_value(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static void hash_list(struct sha256 *h, const struct list *l)
{
    char text[8];
    for (size_t i = 0; i < l->n; i++) {
        int n = snprintf(text, sizeof text, "%s%04x", i > 0 ? "," : "", l->v[i]);
        sha256_add(h, span_of(text, (size_t)n));
    }
}

/* The first twelve digits of the hash of a list, and of a second one that may follow it. */
static void print_of(const struct list *l, const struct list *then, char out[13])
{
    struct sha256 h;
    uint8_t digest[SHA256_BYTES];
    (void)snprintf(out, 13, "000000000000");
    if (l->n == 0 && (then == NULL || then->n == 0))
        return;
    sha256_start(&h);
    hash_list(&h, l);
    if (then != NULL && then->n > 0) {
        sha256_add(&h, SPAN_LIT("_"));
        hash_list(&h, then);
    }
    sha256_end(&h, digest);
    for (int i = 0; i < 6; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static const char *version_text(uint16_t v)
{
    switch (v) {
    case 0x0304: return "13";
    case 0x0303: return "12";
    case 0x0302: return "11";
    case 0x0301: return "10";
    case 0x0300: return "s3";
    default: return "00";
    }
}

static bool alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol; where one is no letter or digit, first and last digit of its bytes in hexadecimal. */
static void protocol_text(struct span p, char out[3])
{
    static const char digits[] = "0123456789abcdef";
    out[0] = out[1] = '0';
    out[2] = 0;
    if (p.bad || p.n == 0)
        return;
    uint8_t first = p.p[0];
    uint8_t last = p.p[p.n - 1];
    bool plain = alphanumeric(first) && alphanumeric(last);
    out[0] = plain ? (char)first : digits[first >> 4];
    out[1] = plain ? (char)last : digits[last & 15];
}

static unsigned two_digits(size_t n)
{
    return n > 99 ? 99 : (unsigned)n;
}

bool ja4(struct span start, char out[JA4_TEXT])
{
    struct offer o;
    char protocol[3], b[13], c[13];
    memset(&o, 0, sizeof o);
    out[0] = 0;
    if (!read_offer(start, &o))
        return false;
    protocol_text(o.protocol, protocol);
    qsort(o.ciphers.v, o.ciphers.n, sizeof o.ciphers.v[0], by_value);
    qsort(o.extensions.v, o.extensions.n, sizeof o.extensions.v[0], by_value);
    print_of(&o.ciphers, NULL, b);
    print_of(&o.extensions, &o.algorithms, c);
    (void)snprintf(out, JA4_TEXT, "t%s%c%02u%02u%s_%s_%s", version_text(o.version), o.name ? 'd' : 'i', two_digits(o.ciphers.n),
                   two_digits(o.all_extensions), protocol, b, c);
    return true;
}
