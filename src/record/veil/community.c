#include "record/veil/community.h"

/* SHA-1 (FIPS 180-4, 6.1) of a text that fits in one block: at most 55 bytes. A flow's text has 40. */
static void sha1_short(const uint8_t *text, size_t n, uint8_t out[20])
{
    uint8_t block[64] = {0};
    memcpy(block, text, n);
    block[n] = 0x80;
    block[62] = (uint8_t)(n * 8 >> 8);
    block[63] = (uint8_t)(n * 8);
    uint32_t w[80];
    for (size_t i = 0; i < 16; i++) {
        struct span word = span_of(block + 4 * i, 4);
        w[i] = span_be32(&word);
    }
    for (size_t i = 16; i < 80; i++) {
        uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
        w[i] = x << 1 | x >> 31;
    }
    static const uint32_t start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    uint32_t a = start[0], b = start[1], c = start[2], d = start[3], e = start[4];
    for (size_t i = 0; i < 80; i++) {
        uint32_t f = i < 20 ? (b & c) | (~b & d) : i < 40 || i >= 60 ? b ^ c ^ d : (b & c) | (b & d) | (c & d);
        uint32_t k = i < 20 ? 0x5a827999 : i < 40 ? 0x6ed9eba1 : i < 60 ? 0x8f1bbcdc : 0xca62c1d6;
        uint32_t next = (a << 5 | a >> 27) + f + e + k + w[i];
        e = d;
        d = c;
        c = b << 30 | b >> 2;
        b = a;
        a = next;
    }
    const uint32_t sum[5] = {start[0] + a, start[1] + b, start[2] + c, start[3] + d, start[4] + e};
    for (size_t i = 0; i < 20; i++)
        out[i] = (uint8_t)(sum[i / 4] >> (24 - 8 * (i % 4)));
}

static size_t put(uint8_t *out, size_t at, const void *p, size_t n)
{
    memcpy(out + at, p, n);
    return at + n;
}

bool community_id(const struct flow_ref *flow, char out[COMMUNITY_ID])
{
    out[0] = 0;
    bool ports = flow->proto == 6 || flow->proto == 17 || flow->proto == 132;
    if ((flow->src.family != 4 && flow->src.family != 6) || flow->src.family != flow->dst.family || flow->proto == 1 || flow->proto == 58)
        return false;
    size_t width = flow->src.family == 4 ? 4 : 16;
    int order = memcmp(flow->src.bytes, flow->dst.bytes, width);
    bool swap = order > 0 || (order == 0 && ports && flow->sport > flow->dport);
    const struct address *low = swap ? &flow->dst : &flow->src;
    const struct address *high = swap ? &flow->src : &flow->dst;
    uint16_t low_port = swap ? flow->dport : flow->sport;
    uint16_t high_port = swap ? flow->sport : flow->dport;

    uint8_t text[2 + 16 + 16 + 2 + 4] = {0}; /* seed 0, addresses, protocol, zero, ports */
    size_t n = 2;
    n = put(text, n, low->bytes, width);
    n = put(text, n, high->bytes, width);
    n = put(text, n, (uint8_t[]){flow->proto, 0}, 2);
    if (ports)
        n = put(text, n, (uint8_t[]){(uint8_t)(low_port >> 8), (uint8_t)low_port, (uint8_t)(high_port >> 8), (uint8_t)high_port}, 4);
    uint8_t digest[20];
    sha1_short(text, n, digest);

    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    out[at++] = '1';
    out[at++] = ':';
    for (size_t i = 0; i < 20; i += 3) {
        uint32_t three = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 | (i + 2 < 20 ? digest[i + 2] : 0u);
        out[at++] = digits[three >> 18];
        out[at++] = digits[three >> 12 & 63];
        out[at++] = digits[three >> 6 & 63];
        out[at++] = i + 2 < 20 ? digits[three & 63] : '=';
    }
    out[at] = 0;
    return true;
}
