#include "engine/mail/fold.h"

#include "base/text.h"
#include "wire/url.h"

uint32_t fold_next(struct span *s)
{
    size_t n = text_utf8_len(*s);
    if (n <= 1)
        return span_u8(s);
    uint32_t c = s->p[0] & (0x7fU >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s->p[i] & 0x3f);
    (void)span_skip(s, n);
    return c;
}

static const struct {
    uint16_t c;
    char as;
} others[] = {
    /* Cyrillic */
    {0x405, 's'},
    {0x406, 'i'},
    {0x408, 'j'},
    {0x410, 'a'},
    {0x412, 'b'},
    {0x415, 'e'},
    {0x417, '3'},
    {0x41a, 'k'},
    {0x41c, 'm'},
    {0x41d, 'h'},
    {0x41e, 'o'},
    {0x420, 'p'},
    {0x421, 'c'},
    {0x422, 't'},
    {0x423, 'y'},
    {0x425, 'x'},
    {0x430, 'a'},
    {0x432, 'b'},
    {0x435, 'e'},
    {0x43a, 'k'},
    {0x43c, 'm'},
    {0x43d, 'h'},
    {0x43e, 'o'},
    {0x440, 'p'},
    {0x441, 'c'},
    {0x442, 't'},
    {0x443, 'y'},
    {0x445, 'x'},
    {0x455, 's'},
    {0x456, 'i'},
    {0x457, 'i'},
    {0x458, 'j'},
    {0x451, 'e'},
    {0x4ae, 'y'},
    {0x4af, 'y'},
    {0x4bb, 'h'},
    {0x4cf, 'l'},
    {0x501, 'd'},
    {0x51b, 'q'},
    {0x51d, 'w'},
    /* Greek */
    {0x391, 'a'},
    {0x392, 'b'},
    {0x395, 'e'},
    {0x396, 'z'},
    {0x397, 'h'},
    {0x399, 'i'},
    {0x39a, 'k'},
    {0x39c, 'm'},
    {0x39d, 'n'},
    {0x39f, 'o'},
    {0x3a1, 'p'},
    {0x3a4, 't'},
    {0x3a5, 'y'},
    {0x3a7, 'x'},
    {0x3b1, 'a'},
    {0x3b9, 'i'},
    {0x3ba, 'k'},
    {0x3bd, 'v'},
    {0x3bf, 'o'},
    {0x3c1, 'p'},
    {0x3c4, 't'},
    {0x3c5, 'u'},
    {0x3ac, 'a'},
    {0x3cc, 'o'},
    /* phonetic, Armenian */
    {0x251, 'a'},
    {0x261, 'g'},
    {0x269, 'i'},
    {0x28f, 'y'},
    {0x1d04, 'c'},
    {0x1d0f, 'o'},
    {0x1d1c, 'u'},
    {0x1d20, 'v'},
    {0x1d21, 'w'},
    {0x1d22, 'z'},
    {0x578, 'n'},
    {0x57d, 'u'},
    {0x585, 'o'},
    {0x566, 'q'},
};

char fold_letter(uint32_t c, bool *foreign, bool *nothing)
{
    static const char latin1[] = "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
    static const char latin2[] =
        "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    *foreign = false;
    *nothing = false;
    if (c < 0x80)
        return (char)((c >= 'A' && c <= 'Z') ? c | 0x20 : ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) ? c : 0);
    if (c >= 0xc0 && c <= 0xff)
        return c == 0xd7 || c == 0xf7 ? 0 : latin1[c - 0xc0];
    if (c >= 0x100 && c <= 0x17f)
        return latin2[c - 0x100];
    *nothing = c == 0xad || c == 0x34f || c == 0x180e || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
               (c >= 0x2060 && c <= 0x2069) || c == 0xfeff || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x300 && c <= 0x36f) ||
               (c >= 0xe0000 && c <= 0xe007f);
    if (*nothing)
        return 0;
    *foreign = true;
    if (c >= 0xff21 && c <= 0xff3a)
        return (char)('a' + c - 0xff21);
    if (c >= 0xff41 && c <= 0xff5a)
        return (char)('a' + c - 0xff41);
    if (c >= 0xff10 && c <= 0xff19)
        return (char)('0' + c - 0xff10);
    if (c >= 0x1d400 && c <= 0x1d6a3)
        return (char)('a' + (c - 0x1d400) % 26);
    if (c >= 0x1d7ce && c <= 0x1d7ff)
        return (char)('0' + (c - 0x1d7ce) % 10);
    if (c >= 0x24b6 && c <= 0x24e9)
        return (char)('a' + (c - 0x24b6) % 26);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i].c == c)
            return others[i].as;
    *foreign = false;
    return 0;
}

void fold_words(struct buf *out, struct span utf8, struct fold *f)
{
    struct fold own = {0};
    bool space = out->n == 0 || out->p[out->n - 1] == ' ';
    size_t latin = 0;
    size_t foreign_n = 0;
    size_t plain_foreign = 0; /* letters that look like none of ours: the word really is of that alphabet */
    f = f == NULL ? &own : f;
    while (utf8.n > 0 && buf_ok(out) && out->n + 8 < out->max) {
        bool foreign = false;
        bool nothing = false;
        uint32_t c = fold_next(&utf8);
        char letter = fold_letter(c, &foreign, &nothing);
        if (nothing) {
            f->invisible += !space;
            continue;
        }
        if (letter != 0 && letter != '*' && letter != '/') {
            buf_u8(out, (uint8_t)letter);
            f->letters++;
            foreign_n += foreign;
            latin += !foreign && letter > '9';
            space = false;
            continue;
        }
        bool joins = c == '\'' || c == '-' || c == 0x2019 || c == 0x2010 || c == 0x2011;
        if (joins && !space && utf8.n > 0 && ((utf8.p[0] | 0x20) >= 'a' && (utf8.p[0] | 0x20) <= 'z'))
            continue;
        if (c >= 0x370 && c < 0x3000) {
            plain_foreign += c < 0x2000;
            continue;
        }
        if (!space)
            buf_u8(out, ' ');
        f->disguised += latin > 0 && foreign_n > 0 && plain_foreign == 0;
        latin = foreign_n = plain_foreign = 0;
        space = true;
    }
    f->disguised += latin > 0 && foreign_n > 0 && plain_foreign == 0;
    if (!space)
        buf_u8(out, ' ');
}

size_t fold_label(struct span label, char *out, size_t room, bool *foreign)
{
    struct buf unicode = BUF_INIT(512);
    size_t n = 0;
    *foreign = false;
    if (url_punycode(label, &unicode))
        label = buf_span(&unicode);
    while (label.n > 0 && n + 1 < room) {
        bool other = false;
        bool nothing = false;
        uint32_t c = fold_next(&label);
        char letter = fold_letter(c, &other, &nothing);
        *foreign |= c >= 0x80;
        if (c == '-')
            letter = '-';
        if (letter == 0)
            continue;
        letter = letter == '0' ? 'o' : letter == '1' ? 'l' : letter == '3' ? 'e' : letter == '5' ? 's' : letter == '4' ? 'a' : letter;
        if (letter == 'n' && n > 0 && out[n - 1] == 'r')
            out[n - 1] = 'm';
        else if (letter == 'v' && n > 0 && out[n - 1] == 'v')
            out[n - 1] = 'w';
        else
            out[n++] = letter;
    }
    out[n] = 0;
    buf_release(&unicode);
    return n;
}
