#include "wire/mail_transfer.h"

#include "wire/mail_head.h"

enum mail_encoding mail_encoding_named(struct span value)
{
    char word[32];
    mail_token(value, word, sizeof word);
    if (strcmp(word, "base64") == 0)
        return MAIL_BASE64;
    return strcmp(word, "quoted-printable") == 0 ? MAIL_QUOTED : MAIL_PLAIN;
}

/* digits' values; 64: none, 65: padding */
static uint8_t digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 65 : 64;
}

/* Room for so many more bytes, at most. */
static size_t room_for(struct buf *out, size_t n)
{
    size_t left = out->max > out->n ? out->max - out->n : 0;
    n = n < left ? n : left;
    return n > 0 && buf_reserve(out, n) ? n : 0;
}

void mail_base64_decode(struct buf *out, struct span text)
{
    size_t room = room_for(out, (size_t)text.n / 4 * 3 + 3);
    uint8_t *to = room > 0 ? out->p + out->n : NULL;
    size_t n = 0;
    uint32_t held = 0;
    unsigned count = 0;
    for (size_t i = 0; i < text.n && n < room; i++) {
        uint8_t v = digit(text.p[i]);
        if (v == 65) { /* the end of a run: another may follow, where pieces were encoded one by one */
            held = 0;
            count = 0;
        }
        if (v > 63)
            continue;
        held = held << 6 | v;
        if (++count == 1)
            continue;
        to[n++] = (uint8_t)(held >> (count == 2 ? 4 : count == 3 ? 2 : 0));
        if (count == 4)
            count = 0;
    }
    out->n += n;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void quoted(struct buf *out, struct span text, bool word)
{
    size_t room = room_for(out, text.n);
    uint8_t *to = room > 0 ? out->p + out->n : NULL;
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < room; i++) {
        uint8_t c = text.p[i];
        if (c == '_' && word) {
            to[n++] = ' ';
        } else if (c != '=') {
            to[n++] = c;
        } else {
            int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.p[i + 2]) : -1;
            if (low >= 0) {
                to[n++] = (uint8_t)(high << 4 | low);
                i += 2;
                continue;
            }
            size_t end = i + 1; /* a soft line end, blanks before it allowed */
            while (end < text.n && (text.p[end] == ' ' || text.p[end] == '\t' || text.p[end] == '\r'))
                end++;
            if (end < text.n && text.p[end] == '\n')
                i = end;
            else if (end == text.n)
                i = end - 1;
            else
                to[n++] = c;
        }
    }
    out->n += n;
}

void mail_quoted_decode(struct buf *out, struct span text)
{
    quoted(out, text, false);
}

void mail_q_decode(struct buf *out, struct span text)
{
    quoted(out, text, true);
}

void mail_decode(struct buf *out, enum mail_encoding encoding, struct span text)
{
    if (encoding == MAIL_BASE64) {
        mail_base64_decode(out, text);
    } else if (encoding == MAIL_QUOTED) {
        mail_quoted_decode(out, text);
    } else {
        size_t n = room_for(out, text.n);
        buf_add(out, text.p, n);
    }
}
