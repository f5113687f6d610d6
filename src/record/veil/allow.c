#include "record/veil/allow.h"

#include "base/text.h"

#define WHOLE_WORD_BELOW 5 /* bytes; a shorter piece must stand as a word of its own */

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (fold(c) >= 'a' && fold(c) <= 'z') || c >= 0x80;
}

/* What one byte of ASCII is to a text that may be shown. */
enum { BYTE_FIGURE = 1, BYTE_OTHER = 2 }; /* a digit; a control character or no ASCII */
static const uint8_t byte_class[256] = {[0x00 ... 0x1f] = BYTE_OTHER, ['0' ... '9'] = BYTE_FIGURE, [0x7f ... 0xff] = BYTE_OTHER};

/* Are these printable ASCII without a long run of digits? Most texts are. What they hold is told along with it (letters_of). */
static bool plain_shape(struct span text, uint64_t *ret_letters)
{
    uint64_t set = 0;
    unsigned classes = 0;
    size_t run = 0;
    size_t longest = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        classes |= byte_class[c];
        run = byte_class[c] == BYTE_FIGURE ? run + 1 : 0;
        longest = run > longest ? run : longest;
        set |= UINT64_C(1) << (fold(c) & 63);
    }
    *ret_letters = set;
    return (classes & BYTE_OTHER) == 0 && longest <= ALLOW_DIGITS;
}

static uint64_t letters_of(struct span text)
{
    uint64_t set = 0;
    for (size_t i = 0; i < text.n; i++)
        set |= UINT64_C(1) << (fold(text.p[i]) & 63);
    return set;
}

static struct span trimmed(struct span s)
{
    while (s.n > 0 && (s.p[0] <= ' ' || s.p[0] == '"')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] <= ' ' || s.p[s.n - 1] == '"'))
        s.n--;
    return s;
}

static void add(struct allow *a, struct span text)
{
    text = trimmed(text);
    if (text.n < ALLOW_SHORTEST)
        return;
    if (a->n == ALLOW_PIECES) {
        a->shut = true;
        return;
    }
    a->pieces[a->n++] = (struct allow_piece){.text = text, .letters = letters_of(text)};
}

static bool separates(uint8_t c)
{
    return c == '|' || c == '^' || c == '&' || c == '~' || c == '\\' || c == '@';
}

void allow_private(struct allow *a, struct span text)
{
    size_t start = 0;
    for (size_t i = 0; i <= text.n && !a->shut; i++) {
        if (i < text.n && !separates(text.p[i]))
            continue;
        add(a, span_of(text.p + start, i - start));
        if (i == text.n && start > 0)
            add(a, text); /* short components can be telling together */
        start = i + 1;
    }
}

/* Letters and signs beyond ASCII that names of tests and units are made of. No controls, no marks that turn the direction of writing, nothing
 * invisible, no digits of other scripts (which would get round the rule on runs of digits). */
static bool code_point_shown(uint32_t c)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {
        {0x00a1, 0x00ac}, {0x00ae, 0x02af},                   /* Latin */
        {0x0370, 0x0377}, {0x037a, 0x0482}, {0x048a, 0x052f}, /* Greek, Cyrillic */
        {0x0531, 0x0556}, {0x0561, 0x0587},                   /* Armenian */
        {0x05d0, 0x05ea}, {0x0620, 0x064a},                   /* Hebrew, Arabic */
        {0x0904, 0x0939}, {0x0e01, 0x0e30},                   /* Devanagari, Thai: base letters */
        {0x10a0, 0x10ff}, {0x1e00, 0x1fff},                   /* Georgian; Latin and Greek with marks */
        {0x2010, 0x2015}, {0x2018, 0x201f}, {0x2020, 0x2022}, {0x2026, 0x2026}, {0x2030, 0x2033}, {0x2212, 0x2212}, /* dashes, quotes, per mille */
        {0x207a, 0x207b}, {0x20ac, 0x20ac}, {0x2100, 0x214f}, {0x2190, 0x2193}, {0x2260, 0x2265}, /* signs of units, arrows, comparisons */
        {0x2070, 0x2079},                                                                         /* powers: 10⁹/L */
        {0x3041, 0x30ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xac00, 0xd7a3},                   /* kana, Han, Hangul */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

static uint32_t code_point(struct span s)
{
    static const uint8_t head[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = s.p[0] & head[s.n];
    for (size_t i = 1; i < s.n; i++)
        c = c << 6 | (s.p[i] & 0x3fu);
    return c;
}

bool allow_shape(struct span text)
{
    if (text.n > ALLOW_BYTES)
        return false;
    size_t run = 0;
    while (text.n > 0) {
        uint8_t c = text.p[0];
        if (c < 0x80) {
            if (c < 0x20 || c == 0x7f)
                return false;
            run = is_digit(c) ? run + 1 : 0;
            if (run > ALLOW_DIGITS)
                return false;
            (void)span_skip(&text, 1);
            continue;
        }
        /* Bytes that are no UTF-8 sequence come out of base/json as ISO 8859-1, one by one: so they are judged here. */
        size_t n = text_utf8_len(text);
        if (!code_point_shown(n == 0 ? c : code_point(span_of(text.p, n))))
            return false;
        run = 0;
        (void)span_skip(&text, n == 0 ? 1 : n);
    }
    return true;
}

/* Between two bytes a word ends, unless both are letters or both are digits. */
static bool joined(uint8_t a, uint8_t b)
{
    return (is_letter(a) && is_letter(b)) || (is_digit(a) && is_digit(b));
}

/* Whether needle lies in hay, at ends of words where it is short. Every byte compared is one of *steps; when they are used up: yes. */
static bool lies_in(struct span hay, struct span needle, size_t *steps)
{
    for (size_t at = 0; at + needle.n <= hay.n; at++) {
        size_t i = 0;
        while (i < needle.n && fold(hay.p[at + i]) == fold(needle.p[i]))
            i++;
        if (i >= *steps)
            return true;
        *steps -= i + 1;
        if (i < needle.n)
            continue;
        if (needle.n >= WHOLE_WORD_BELOW)
            return true;
        size_t end = at + needle.n;
        if ((at == 0 || !joined(hay.p[at - 1], hay.p[at])) && (end == hay.n || !joined(hay.p[end - 1], hay.p[end])))
            return true;
    }
    return false;
}

static bool is_capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

bool allow_message_type(struct span t)
{
    if (span_is(t, "ACK") || span_is(t, "ASTM.RESULT") || span_is(t, "ASTM.QUERY") || span_is(t, "ASTM.ORDER"))
        return true;
    if (t.n != 7 || t.p[3] != '^' || !is_capital(t.p[4]) || !is_digit(t.p[5]) || !is_digit(t.p[6]))
        return false;
    return is_capital(t.p[0]) && is_capital(t.p[1]) && is_capital(t.p[2]);
}

bool allow_version(struct span t)
{
    if (span_is(t, "LIS2-A2") || span_is(t, "LIS2-A") || span_is(t, "1394-97") || span_is(t, "E1394-97"))
        return true;
    if (t.n != 3 && t.n != 5)
        return false;
    for (size_t i = 0; i < t.n; i++)
        if (i % 2 == 0 ? !is_digit(t.p[i]) : t.p[i] != '.')
            return false;
    return t.p[0] == '2';
}

bool allow_shown(const struct allow *a, struct span text)
{
    uint64_t letters;
    if (text.n > ALLOW_BYTES || (!plain_shape(text, &letters) && !allow_shape(text)))
        return false;
    struct span core = trimmed(text);
    if (core.n < ALLOW_SHORTEST)
        return true; /* flags, states, value types: nobody's name */
    if (a->shut)
        return false;
    if (core.n < text.n)
        letters = letters_of(core);
    size_t steps = ALLOW_STEPS;
    for (size_t i = 0; i < a->n; i++) {
        const struct allow_piece *piece = &a->pieces[i];
        if ((piece->letters & ~letters) == 0 && lies_in(core, piece->text, &steps))
            return false;
        if ((letters & ~piece->letters) == 0 && lies_in(piece->text, core, &steps))
            return false;
    }
    return true;
}
