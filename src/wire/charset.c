#include "wire/charset.h"

#include "base/text.h"
#include "wire/charset_tables.h"

_Static_assert(CHARSET_WINDOWS_1258 - CHARSET_8859_2 + 1 == CHARSET_SINGLES, "charset_tables.py writes a row for each");

/* What a half of the code is switched to. */
enum half {
    HALF_BASE,
    HALF_ASCII,
    HALF_KATAKANA,
    HALF_JIS_X_0208,
    HALF_JIS_X_0212,
    HALF_KS_X_1001,
    HALF_GB2312,
    HALF_SINGLE, /* + a set from CHARSET_8859_1 on: its upper half */
};

#define DESIGNATION_MOST 3 /* bytes behind ESC */

/* ── names ── */

#define NAME_MOST 24

static const struct {
    char name[NAME_MOST]; /* zeros behind it */
    enum charset set;
} names[] = {
    {"ASCII", CHARSET_ASCII},        {"USASCII", CHARSET_ASCII},      {"ISOIR6", CHARSET_ASCII},        {"ISOIR87", CHARSET_ISO_2022},
    {"ISOIR159", CHARSET_ISO_2022},  {"JISX0202", CHARSET_ISO_2022},  {"JAS2020", CHARSET_ISO_2022},    {"ISO2022JP", CHARSET_ISO_2022},
    {"UNICODE", CHARSET_UTF8},       {"UNICODEUTF8", CHARSET_UTF8},   {"UTF8", CHARSET_UTF8},           {"UNICODEUTF16", CHARSET_UTF16BE},
    {"UTF16", CHARSET_UTF16BE},      {"UTF16BE", CHARSET_UTF16BE},    {"UTF16LE", CHARSET_UTF16LE},     {"UNICODEUTF32", CHARSET_UTF32BE},
    {"UTF32", CHARSET_UTF32BE},      {"UTF32BE", CHARSET_UTF32BE},    {"UTF32LE", CHARSET_UTF32LE},     {"ISOIR13", CHARSET_JIS_X_0201},
    {"ISOIR14", CHARSET_JIS_X_0201}, {"SHIFTJIS", CHARSET_SHIFT_JIS}, {"SJIS", CHARSET_SHIFT_JIS},      {"WINDOWS31J", CHARSET_SHIFT_JIS},
    {"KSX1001", CHARSET_KS_X_1001},  {"EUCKR", CHARSET_KS_X_1001},    {"GB180302000", CHARSET_GB18030}, {"GB18030", CHARSET_GB18030},
    {"GBK", CHARSET_GB18030},        {"GB2312", CHARSET_GB18030},     {"BIG5", CHARSET_BIG5},           {"LATIN1", CHARSET_8859_1},
};

/* The number behind a prefix: 1 to 4 digits, then nothing or, for "ISO8859-1:1998", anything. */
static bool number_behind(struct span s, const char *prefix, unsigned *ret)
{
    if (!span_starts(s, span_str(prefix)))
        return false;
    (void)span_skip(&s, strlen(prefix));
    uint64_t v;
    if (!span_decimal(s, 9999, &v))
        return false;
    *ret = (unsigned)v;
    return true;
}

static enum charset single_by_number(struct span s)
{
    static const uint8_t by_part[17] = {
        [1] = CHARSET_8859_1,   [2] = CHARSET_8859_2,   [3] = CHARSET_8859_3,   [4] = CHARSET_8859_4,   [5] = CHARSET_8859_5,
        [6] = CHARSET_8859_6,   [7] = CHARSET_8859_7,   [8] = CHARSET_8859_8,   [9] = CHARSET_8859_9,   [10] = CHARSET_8859_10,
        [11] = CHARSET_8859_11, [13] = CHARSET_8859_13, [14] = CHARSET_8859_14, [15] = CHARSET_8859_15, [16] = CHARSET_8859_16};
    unsigned n = 0;
    if (number_behind(s, "8859", &n) || number_behind(s, "ISO8859", &n))
        return n < 17 ? (enum charset)by_part[n] : CHARSET_NONE;
    if ((number_behind(s, "WINDOWS", &n) || number_behind(s, "CP", &n)) && n >= 1250 && n <= 1258)
        return (enum charset)(CHARSET_WINDOWS_1250 + (n - 1250));
    return CHARSET_NONE;
}

bool charset_named(struct span name, enum charset *ret)
{
    char plain[NAME_MOST] = {0};
    size_t n = 0;
    *ret = CHARSET_NONE;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 'a' + 'A');
        if ((c < 'A' || c > 'Z') && (c < '0' || c > '9'))
            continue;
        if (n == NAME_MOST)
            return false;
        plain[n++] = (char)c;
    }
    if (n == 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && *ret == CHARSET_NONE; i++)
        if (memcmp(plain, names[i].name, NAME_MOST) == 0)
            *ret = names[i].set;
    if (*ret == CHARSET_NONE)
        *ret = single_by_number(span_of(plain, n));
    return *ret != CHARSET_NONE;
}

/* ── looks ── */

enum charset charset_by_start(struct span s)
{
    static const struct {
        const char *bytes;
        uint8_t n;
        uint8_t set;
    } marks[] = {{"\xff\xfe\0\0", 4, CHARSET_UTF32LE}, {"\0\0\xfe\xff", 4, CHARSET_UTF32BE}, {"\xff\xfe", 2, CHARSET_UTF16LE},
                 {"\xfe\xff", 2, CHARSET_UTF16BE},     {"\xef\xbb\xbf", 3, CHARSET_UTF8},    {"M\0\0\0S\0\0\0", 8, CHARSET_UTF32LE},
                 {"M\0S\0H\0", 6, CHARSET_UTF16LE},    {"\0M\0S\0H", 6, CHARSET_UTF16BE},    {"\0\0\0M\0\0\0S", 8, CHARSET_UTF32BE},
                 {"F\0H\0S\0", 6, CHARSET_UTF16LE},    {"\0F\0H\0S", 6, CHARSET_UTF16BE},    {"B\0H\0S\0", 6, CHARSET_UTF16LE},
                 {"\0B\0H\0S", 6, CHARSET_UTF16BE}};
    if (s.n >= 2 && s.p[0] > 0 && s.p[0] < 0x80 && s.p[1] > 0)
        return CHARSET_NONE; /* most: no mark begins with two characters */
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (s.n >= marks[i].n && memcmp(s.p, marks[i].bytes, marks[i].n) == 0)
            return (enum charset)marks[i].set;
    return CHARSET_NONE;
}

#define ASCII_BLOCK 64

typedef uint64_t pair_of_words __attribute__((vector_size(16)));

static bool is_ascii(const uint8_t *p)
{
    pair_of_words four[ASCII_BLOCK / sizeof(pair_of_words)];
    memcpy(four, p, sizeof four);
    pair_of_words any = (four[0] | four[1]) | (four[2] | four[3]);
    return ((any[0] | any[1]) & UINT64_C(0x8080808080808080)) == 0;
}

/* Bytes below 0x80 at the start of s: whole blocks, the last one over bytes that were looked at already. */
static size_t ascii_run(struct span s)
{
    size_t i = 0;
    while (s.n - i >= ASCII_BLOCK && is_ascii(s.p + i))
        i += ASCII_BLOCK;
    if (i > 0 && s.n - i < ASCII_BLOCK && is_ascii(s.p + s.n - ASCII_BLOCK))
        return s.n;
    while (i < s.n && s.p[i] < 0x80)
        i++;
    return i;
}

enum charset_look charset_look(struct span s)
{
    enum charset_look look = CHARSET_LOOKS_ASCII;
    for (;;) {
        (void)span_skip(&s, ascii_run(s));
        if (s.n == 0)
            return look;
        size_t n = text_utf8_len(s);
        if (n == 0)
            return CHARSET_LOOKS_OTHER;
        look = CHARSET_LOOKS_UTF8;
        (void)span_skip(&s, n);
    }
}

/* ── reading ── */

/* One character: how many bytes it takes (0: these bytes are none) and what it is. */
struct code {
    size_t n;
    uint32_t point;
};

static struct code single(enum charset set, uint8_t c)
{
    if (set == CHARSET_8859_1)
        return (struct code){1, c};
    uint16_t point = charset_single[(size_t)(set - CHARSET_8859_2) * 128 + (c & 0x7f)];
    return (struct code){point != 0, point};
}

/* A pair of a set with 94 rows of 94 cells; `first` is what the lowest row and cell are coded as. */
static struct code pair(struct span s, uint8_t first, const uint16_t *table)
{
    unsigned row = (unsigned)span_peek(&s, 0) - first;
    unsigned cell = (unsigned)span_peek(&s, 1) - first;
    if (row >= 94 || cell >= 94)
        return (struct code){0};
    uint16_t point = table[(size_t)row * 94 + cell];
    return (struct code){point != 0 ? 2 : 0, point};
}

static struct code gb18030_four(struct span s)
{
    unsigned a = span_peek(&s, 0) - 0x81u;
    unsigned b = span_peek(&s, 1) - 0x30u;
    unsigned c = span_peek(&s, 2) - 0x81u;
    unsigned d = span_peek(&s, 3) - 0x30u;
    if (a >= 126 || b >= 10 || c >= 126 || d >= 10)
        return (struct code){0};
    uint32_t ordinal = ((a * 10 + b) * 126 + c) * 10 + d;
    if (ordinal >= 189000)
        return ordinal - 189000 < 0x100000 ? (struct code){4, 0x10000 + ordinal - 189000} : (struct code){0};
    size_t low = 0;
    size_t high = charset_gb18030_runs;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (charset_gb18030_ordinal[middle] <= ordinal)
            low = middle;
        else
            high = middle;
    }
    uint32_t start = charset_gb18030_point[low];
    if (start == 0 || ordinal > 39419)
        return (struct code){0};
    return (struct code){4, start + (ordinal - charset_gb18030_ordinal[low])};
}

static struct code gb18030(struct span s)
{
    unsigned lead = span_peek(&s, 0) - 0x81u;
    uint8_t trail = span_peek(&s, 1);
    if (lead >= 126)
        return (struct code){0};
    if (trail >= 0x30 && trail <= 0x39)
        return gb18030_four(s);
    if (trail < 0x40 || trail == 0x7f || trail == 0xff)
        return (struct code){0};
    uint16_t point = charset_gb18030[(size_t)lead * 190 + (trail - 0x40u) - (trail > 0x7f)];
    return (struct code){point != 0 ? 2 : 0, point};
}

static struct code big5(struct span s)
{
    unsigned lead = span_peek(&s, 0) - 0xa1u;
    uint8_t trail = span_peek(&s, 1);
    bool low = trail >= 0x40 && trail <= 0x7e;
    if (lead >= 89 || (!low && (trail < 0xa1 || trail == 0xff)))
        return (struct code){0};
    uint16_t point = charset_big5[(size_t)lead * 157 + (low ? trail - 0x40u : 63u + (trail - 0xa1u))];
    return (struct code){point != 0 ? 2 : 0, point};
}

static struct code katakana(uint8_t c)
{
    return c >= 0xa1 && c <= 0xdf ? (struct code){1, 0xff61u + (c - 0xa1u)} : (struct code){0};
}

static struct code shift_jis(struct span s)
{
    uint8_t lead = s.p[0];
    uint8_t trail = span_peek(&s, 1);
    if (lead >= 0xa1 && lead <= 0xdf)
        return katakana(lead);
    if (lead < 0x81 || lead > 0xef || lead == 0xa0 || trail < 0x40 || trail == 0x7f || trail > 0xfc)
        return (struct code){0};
    unsigned row = 2 * (lead - (lead < 0xa0 ? 0x81u : 0xc1u)) + (trail >= 0x9f);
    unsigned cell = trail >= 0x9f ? trail - 0x9fu : trail - 0x40u - (trail > 0x7f);
    uint16_t point = row < 94 ? charset_jis_x_0208[(size_t)row * 94 + cell] : 0;
    return (struct code){point != 0 ? 2 : 0, point};
}

/* Four bytes, or two, in either order; halves of a pair (surrogates) joined. */
static struct code wide(enum charset set, struct span s)
{
    bool little = set == CHARSET_UTF16LE || set == CHARSET_UTF32LE;
    if (set == CHARSET_UTF32BE || set == CHARSET_UTF32LE) {
        struct span four = span_take(&s, 4);
        uint32_t c = little ? span_le32(&four) : span_be32(&four);
        return four.bad || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? (struct code){0} : (struct code){4, c};
    }
    struct span unit = span_take(&s, 2);
    uint32_t c = little ? span_le16(&unit) : span_be16(&unit);
    if (unit.bad || (c >= 0xdc00 && c <= 0xdfff))
        return (struct code){0};
    if (c < 0xd800 || c > 0xdbff)
        return (struct code){2, c};
    unit = span_take(&s, 2);
    uint32_t low = little ? span_le16(&unit) : span_be16(&unit);
    if (unit.bad || low < 0xdc00 || low > 0xdfff)
        return (struct code){0};
    return (struct code){4, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00)};
}

static struct code base_code(enum charset set, struct span s)
{
    switch (set) {
    case CHARSET_NONE:
    case CHARSET_ASCII:
    case CHARSET_ISO_2022:
    case CHARSET_UTF8: return (struct code){0};
    case CHARSET_UTF16BE:
    case CHARSET_UTF16LE:
    case CHARSET_UTF32BE:
    case CHARSET_UTF32LE: return wide(set, s);
    case CHARSET_JIS_X_0201: return katakana(s.p[0]);
    case CHARSET_SHIFT_JIS: return shift_jis(s);
    case CHARSET_KS_X_1001: return pair(s, 0xa1, charset_ks_x_1001);
    case CHARSET_GB18030: return gb18030(s);
    case CHARSET_BIG5: return big5(s);
    default: return single(set, s.p[0]);
    }
}

/* The character at s in the half that it belongs to; s.n ≥ 1. */
static struct code half_code(enum charset base, uint8_t half, struct span s)
{
    uint8_t bit = s.p[0] & 0x80;
    uint8_t first = bit | 0x21;
    switch (half) {
    case HALF_BASE: return base_code(base, s);
    case HALF_ASCII: return (struct code){0};
    case HALF_KATAKANA: return katakana(s.p[0] | 0x80);
    case HALF_JIS_X_0208: return pair(s, first, charset_jis_x_0208);
    case HALF_JIS_X_0212: return pair(s, first, charset_jis_x_0212);
    case HALF_KS_X_1001: return pair(s, first, charset_ks_x_1001);
    case HALF_GB2312: {
        if (s.n < 2 || s.p[0] < first || (s.p[1] & 0x80) != bit)
            return (struct code){0};
        uint8_t high[2] = {s.p[0] | 0x80, s.p[1] | 0x80};
        return high[1] < 0xa1 ? (struct code){0} : gb18030(span_of(high, 2));
    }
    default: return single((enum charset)(CHARSET_8859_1 + (half - HALF_SINGLE)), s.p[0]);
    }
}

/* ── switches ── */

/* What a designation (the bytes behind ESC) switches. */
static const struct {
    const char *bytes;
    uint8_t half;
    bool high;
} designations[] = {
    {"(B", HALF_ASCII, false},
    {"(J", HALF_ASCII, false},
    {"(I", HALF_KATAKANA, false},
    {")I", HALF_KATAKANA, true},
    {"$@", HALF_JIS_X_0208, false},
    {"$B", HALF_JIS_X_0208, false},
    {"$(B", HALF_JIS_X_0208, false},
    {"$)B", HALF_JIS_X_0208, true},
    {"$(D", HALF_JIS_X_0212, false},
    {"$)D", HALF_JIS_X_0212, true},
    {"$(C", HALF_KS_X_1001, false},
    {"$)C", HALF_KS_X_1001, true},
    {"$A", HALF_GB2312, false},
    {"$(A", HALF_GB2312, false},
    {"$)A", HALF_GB2312, true},
    {"-A", HALF_SINGLE + CHARSET_8859_1 - CHARSET_8859_1, true},
    {"-B", HALF_SINGLE + CHARSET_8859_2 - CHARSET_8859_1, true},
    {"-C", HALF_SINGLE + CHARSET_8859_3 - CHARSET_8859_1, true},
    {"-D", HALF_SINGLE + CHARSET_8859_4 - CHARSET_8859_1, true},
    {"-L", HALF_SINGLE + CHARSET_8859_5 - CHARSET_8859_1, true},
    {"-G", HALF_SINGLE + CHARSET_8859_6 - CHARSET_8859_1, true},
    {"-F", HALF_SINGLE + CHARSET_8859_7 - CHARSET_8859_1, true},
    {"-H", HALF_SINGLE + CHARSET_8859_8 - CHARSET_8859_1, true},
    {"-M", HALF_SINGLE + CHARSET_8859_9 - CHARSET_8859_1, true},
    {"-V", HALF_SINGLE + CHARSET_8859_10 - CHARSET_8859_1, true},
    {"-T", HALF_SINGLE + CHARSET_8859_11 - CHARSET_8859_1, true},
    {"-Y", HALF_SINGLE + CHARSET_8859_13 - CHARSET_8859_1, true},
    {"-_", HALF_SINGLE + CHARSET_8859_14 - CHARSET_8859_1, true},
    {"-b", HALF_SINGLE + CHARSET_8859_15 - CHARSET_8859_1, true},
    {"-f", HALF_SINGLE + CHARSET_8859_16 - CHARSET_8859_1, true},
};

/* Switches to what s begins with. Returns how many bytes it is, 0: none that is known. */
static size_t designate(struct charset_reader *r, struct span s)
{
    for (size_t i = 0; i < sizeof designations / sizeof designations[0]; i++) {
        struct span bytes = span_str(designations[i].bytes);
        if (!span_starts(s, bytes))
            continue;
        *(designations[i].high ? &r->high : &r->low) = designations[i].half;
        if (designations[i].half == HALF_ASCII)
            r->high = HALF_BASE;
        return bytes.n;
    }
    return 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \C2842\ or \M2442\, \M242844\ at the start of s: the designation in hexadecimal. */
static size_t designate_hl7(struct charset_reader *r, struct span s)
{
    uint8_t bytes[DESIGNATION_MOST];
    uint8_t kind = span_peek(&s, 1);
    size_t n = 0;
    if (kind != 'C' && kind != 'M')
        return 0;
    for (; n < DESIGNATION_MOST; n++) {
        int a = hex_digit(span_peek(&s, 2 + 2 * n));
        int b = hex_digit(span_peek(&s, 3 + 2 * n));
        if (a < 0 || b < 0)
            break;
        bytes[n] = (uint8_t)(a << 4 | b);
    }
    bool closed = n >= 2 && 2 + 2 * n < s.n && s.p[2 + 2 * n] == r->escape;
    return closed && designate(r, span_of(bytes, n)) == n ? 3 + 2 * n : 0;
}

static size_t switched(struct charset_reader *r, struct span s)
{
    if (s.p[0] == 0x1b) {
        size_t n = designate(r, span_of(s.p + 1, s.n - 1));
        return n == 0 ? 0 : 1 + n;
    }
    return r->escape != 0 && s.p[0] == r->escape ? designate_hl7(r, s) : 0;
}

/* ── a text ── */

static bool is_wide(enum charset set)
{
    return set >= CHARSET_UTF16BE && set <= CHARSET_UTF32LE;
}

/* One character of 16 or 32 bits. A byte order mark says nothing; a unit that is no character becomes U+FFFD: its bytes cannot be read in another way
 * without losing step. */
static size_t next_wide(struct charset_reader *r, struct span *in, uint8_t *out)
{
    struct code code = wide(r->base, *in);
    if (code.n == 0) {
        size_t unit = r->base == CHARSET_UTF32BE || r->base == CHARSET_UTF32LE ? 4 : 2;
        code = (struct code){unit < in->n ? unit : in->n, 0xfffd};
        r->lost = true;
    }
    (void)span_skip(in, code.n);
    return code.point == 0xfeff ? 0 : text_utf8_put(out, code.point);
}

/* One character, or switch, of the text at *in. */
static size_t next(struct charset_reader *r, struct span *in, uint8_t *out)
{
    uint8_t c = in->p[0];
    size_t step = r->switches ? switched(r, *in) : 0;
    if (step > 0) {
        (void)span_skip(in, step);
        return 0;
    }
    if (c == '\r' || c == '\n')
        r->low = r->high = HALF_BASE;
    uint8_t half = c < 0x80 ? r->low : r->high;
    bool coded = c > 0x20 && (c >= 0x80 || (half != HALF_BASE && half != HALF_ASCII));
    struct code code = coded ? half_code(r->base, half, *in) : (struct code){0};
    if (code.n > 0) {
        (void)span_skip(in, code.n);
        return text_utf8_put(out, code.point);
    }
    if (coded && c < 0x80)
        r->low = HALF_BASE; /* a sender that forgot to switch back: the rest of the segment is not lost for it */
    size_t n = text_utf8_len(*in);
    if (n > 1) {
        r->utf8 = true;
        memcpy(out, in->p, n);
        (void)span_skip(in, n);
        return n;
    }
    r->latin1 = r->latin1 || c >= 0x80;
    (void)span_skip(in, 1);
    return text_utf8_put(out, c);
}

size_t charset_read(struct charset_reader *r, struct span *in, uint8_t *out, size_t room)
{
    size_t n = 0;
    bool units = is_wide(r->base);
    while (in->n > 0 && room - n >= 4) {
        if (units) {
            n += next_wide(r, in, out + n);
            continue;
        }
        if (!r->switches && in->p[0] < 0x80) {
            size_t run = ascii_run(*in);
            run = run < room - n ? run : room - n;
            memcpy(out + n, in->p, run);
            n += run;
            (void)span_skip(in, run);
            continue;
        }
        n += next(r, in, out + n);
    }
    return n;
}
