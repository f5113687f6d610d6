#include "wire/document.h"

#include <strings.h>

#define TYPE_MOST 32  /* bytes of a type that is told */
#define HEAD 192      /* bytes of a document that are looked at */
#define TEXT_LEAST 64 /* bytes of a text that may be a document in base64 */

const char *document_type(struct span s)
{
    static const struct {
        const char *type;
        const char *bytes;
        uint8_t n;
        uint8_t at;
    } marks[] = {
        {"pdf", "%PDF-", 5, 0},
        {"rtf", "{\\rtf", 5, 0},
        {"jpeg", "\xff\xd8\xff", 3, 0},
        {"png", "\x89PNG\r\n", 6, 0},
        {"gif", "GIF87a", 6, 0},
        {"gif", "GIF89a", 6, 0},
        {"tiff", "II*\0", 4, 0},
        {"tiff", "MM\0*", 4, 0},
        {"dicom", "DICM", 4, 128},
        {"zip", "PK\x03\x04", 4, 0},
        {"rar", "Rar!\x1a\x07", 6, 0},
        {"7z", "7z\xbc\xaf\x27\x1c", 6, 0},
        {"gzip", "\x1f\x8b\x08", 3, 0},
        {"ole", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, 0},
        {"elf",
         "\x7f"
         "ELF",
         4, 0},
        {"macho", "\xcf\xfa\xed\xfe", 4, 0},
        {"macho", "\xca\xfe\xba\xbe", 4, 0},
        {"script", "#!/", 3, 0},
        {"xml", "<?xml", 5, 0},
        {"html", "<!DOCTYPE html", 14, 0},
        {"html", "<!doctype html", 14, 0},
        {"html", "<html", 5, 0},
        {"html", "<HTML", 5, 0},
        {"hl7", "MSH|", 4, 0},
    };
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (s.n >= (size_t)marks[i].at + marks[i].n && memcmp(s.p + marks[i].at, marks[i].bytes, marks[i].n) == 0)
            return marks[i].type;
    if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
        (void)span_skip(&s, 3);
    if (s.n >= 64 && s.p[0] == 'M' && s.p[1] == 'Z') /* DOS header, to the offset of the next one */
        return "exe";
    if (s.n >= 26 && s.p[0] == 'B' && s.p[1] == 'M' && s.p[6] == 0 && s.p[7] == 0 && s.p[8] == 0 && s.p[9] == 0)
        return "bmp";
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\f')
            return NULL;
    return s.n >= 16 ? "text" : NULL;
}

/* The value of a digit, 64: it is none. */
static unsigned base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26u;
    if (c >= '0' && c <= '9')
        return c - '0' + 52u;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : 64;
}

static unsigned hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10u;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 64;
}

/* How many bytes at the start of s are digits in base64, as far as they come in sixteens. */
static size_t base64_run(struct span s)
{
    size_t n = 0;
#ifdef __SSE2__
    for (; s.n - n >= 16; n += 16) {
        __m128i c = _mm_loadu_si128((const __m128i_u *)(const void *)(s.p + n));
        __m128i letter = _mm_sub_epi8(_mm_or_si128(c, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i figure = _mm_sub_epi8(c, _mm_set1_epi8('0'));
        __m128i is = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter),
                                  _mm_cmpeq_epi8(_mm_min_epu8(figure, _mm_set1_epi8(9)), figure));
        for (const char *sign = "+-/_"; *sign != 0; sign++)
            is = _mm_or_si128(is, _mm_cmpeq_epi8(c, _mm_set1_epi8(*sign)));
        if (_mm_movemask_epi8(is) != 0xffff)
            break;
    }
#endif
    return n;
}

/* Digits of `bits` bits each: how many there are, and what the first of them make. Line ends, spaces and escape sequences between them do not count;
 * a letter that is no digit ends them (false: there was one). */
static bool digits(const struct hl7_delims *d, struct span data, unsigned bits, uint64_t *ret_digits, uint8_t head[HEAD], size_t *ret_head)
{
    uint32_t held = 0;
    unsigned held_bits = 0;
    *ret_digits = 0;
    *ret_head = 0;
    for (size_t i = 0; i < data.n; i++) {
        if (bits == 6 && *ret_head == HEAD) { /* from here on they are counted only */
            size_t run = base64_run(span_of(data.p + i, data.n - i));
            *ret_digits += run;
            i += run;
            if (i == data.n)
                break;
        }
        uint8_t c = data.p[i];
        unsigned v = bits == 6 ? base64_digit(c) : hex_digit(c);
        if (v < 64) {
            (*ret_digits)++;
            held = held << bits | v;
            held_bits += bits;
            if (held_bits >= 8) {
                held_bits -= 8;
                if (*ret_head < HEAD)
                    head[(*ret_head)++] = (uint8_t)(held >> held_bits);
            }
        } else if (c == d->escape) {
            struct span behind = span_of(data.p + i + 1, data.n - i - 1 < 16 ? data.n - i - 1 : 16);
            size_t length = span_find(&behind, d->escape);
            if (length == behind.n)
                return false;
            i += length + 1;
        } else if (c == '=') {
            return true;
        } else if (c != ' ' && c != '\r' && c != '\n' && c != '\t') {
            return false;
        }
    }
    return true;
}

static bool is_word(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* A name of a type as senders write it ("pdf", "application/pdf"); anything else is not told. */
static bool names_type(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '/' && c != '-' && c != '+' && c != '.')
            return false;
    }
    return s.n > 0 && s.n <= TYPE_MOST;
}

/* Data in base64 or hexadecimal. */
static bool encoded(const struct hl7_delims *d, struct span data, unsigned bits, struct document *ret)
{
    uint8_t head[HEAD];
    size_t head_n;
    uint64_t n;
    if (!digits(d, data, bits, &n, head, &head_n))
        return false;
    ret->type = document_type(span_of(head, head_n));
    ret->bytes = n * bits / 8;
    ret->sized = true;
    return true;
}

/* ED: source ^ type of data ^ subtype ^ encoding ^ data. Senders leave components out at the front: the data are the longest one, and the encoding is
 * the word for it, wherever it stands. */
static void read_ed(const struct hl7_delims *d, struct span value, struct document *ret)
{
    struct span parts[6];
    size_t n = span_split(value, d->component, parts, 6);
    size_t data = 0;
    unsigned bits = 0;
    bool plain = false;
    for (size_t i = 0; i < n; i++) {
        data = parts[i].n > parts[data].n ? i : data;
        bits = is_word(parts[i], "Base64") ? 6 : is_word(parts[i], "Hex") ? 4 : bits;
        plain = plain || is_word(parts[i], "A");
    }
    for (size_t i = n < 3 ? n : 3; i-- > 1 && ret->declared.n == 0;)
        if (i != data && !is_word(parts[i], "Base64") && !is_word(parts[i], "Hex") && names_type(parts[i]))
            ret->declared = parts[i];
    if (parts[data].n == 0)
        return;
    if (bits != 0 && encoded(d, parts[data], bits, ret))
        return;
    if (bits == 0 && !plain && encoded(d, parts[data], 6, ret) && ret->type != NULL) /* not said, but it is */
        return;
    ret->type = document_type(span_of(parts[data].p, parts[data].n < HEAD ? parts[data].n : HEAD));
    ret->bytes = parts[data].n;
    ret->sized = true;
}

/* A text that is a document in base64: only what its first bytes make certain. */
static bool read_text(const struct hl7_delims *d, struct span value, struct document *ret)
{
    static const char *const starts[] = {"JVBERi", "e1xydG", "/9j/", "iVBORw", "R0lGOD", "SUkqA",  "TU0AK",  "UEsDB",
                                         "UmFyIR", "N3q8rx", "H4sI", "0M8R4K", "TVqQAA", "TVpQAA", "f0VMRg", "PD94bW"};
    if (value.n < TEXT_LEAST)
        return false;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (span_starts(value, span_str(starts[i])))
            return encoded(d, value, 6, ret) && ret->type != NULL;
    return false;
}

bool document_read(const struct hl7_delims *d, struct span value_type, struct span value, struct document *ret)
{
    *ret = (struct document){0};
    if (span_is(value_type, "ED")) {
        read_ed(d, value, ret);
        return true;
    }
    if (span_is(value_type, "RP")) {
        struct span subtype = hl7_part(value, d->component, 4);
        ret->type = "reference";
        ret->declared = subtype.n > 0 ? subtype : hl7_part(value, d->component, 3);
        if (!names_type(ret->declared))
            ret->declared = (struct span){0};
        return true;
    }
    bool text = span_is(value_type, "TX") || span_is(value_type, "FT") || span_is(value_type, "ST") || value_type.n == 0;
    if (!text || !read_text(d, value, ret)) {
        *ret = (struct document){0};
        return false;
    }
    return true;
}
