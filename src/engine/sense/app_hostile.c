/* Payloads that try to exploit whoever reads the message: precise patterns, few false alarms.
 *
 * Searched in every field, since every field ends up in somebody's database, log, web page or shell. Markup as such (XML, CDA, HTML) and base64 are
 * normal in HL7 and no pattern. Two sieves: bytes that may begin one (a look at two bytes
 * side by side, many at a time, passes over nearly all), and the patterns themselves. */
#include "engine/sense/app_private.h"

#include <stdio.h>
#include <strings.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

#define FIELDS_MAX 1024 /* no standard segment has over 100 fields */
#define HEADER_MAX 1024 /* bytes of a field of MSH or H */
#define BLOCK 32        /* bytes looked at together */
#define ABSURD_MIN 1024 /* a segment with more fields, or a longer field, than this has more bytes */

/* Most texts differ in the first two bytes: these are compared before the function is called. */
static inline bool starts(struct span s, const char *text)
{
    if (s.n < 2 || ((s.p[0] ^ (uint8_t)text[0]) & ~0x20) != 0 || ((s.p[1] ^ (uint8_t)text[1]) & ~0x20) != 0)
        return false;
    size_t n = strlen(text); /* at least 2 */
    return s.n >= n && strncasecmp((const char *)s.p, text, n) == 0;
}

static void blanks(struct span *s)
{
    for (size_t i = 0; i < 64 && s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t' || s->p[0] == '+'); i++)
        (void)span_skip(s, 1);
}

/* A whole word, and what follows it. */
static bool word(struct span *s, const char *text)
{
    if (!starts(*s, text))
        return false;
    size_t n = strlen(text);
    uint8_t c = span_peek(s, n);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')
        return false;
    return span_skip(s, n);
}

/* After a quote: OR/AND with a comparison ("' OR '1'='1"), or a second statement ("'; DROP TABLE"), or UNION SELECT. */
static bool is_sql(struct span s)
{
    static const char *const statements[] = {"drop",     "delete", "insert", "update",   "exec",   "execute",
                                             "shutdown", "select", "alter",  "truncate", "create", "declare"};
    (void)span_skip(&s, 1);
    blanks(&s);
    if (span_peek(&s, 0) == ')')
        (void)span_skip(&s, 1), blanks(&s);
    if (span_peek(&s, 0) == ';') {
        (void)span_skip(&s, 1);
        blanks(&s);
        for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
            if (word(&s, statements[i]))
                return span_peek(&s, 0) == ' ' || span_peek(&s, 0) == '+';
        return starts(s, "--");
    }
    if (word(&s, "union")) {
        blanks(&s);
        if (word(&s, "all"))
            blanks(&s);
        return word(&s, "select");
    }
    if (!word(&s, "or") && !word(&s, "and"))
        return false;
    blanks(&s);
    struct span test = span_of(s.p, s.n < 24 ? s.n : 24);
    uint8_t first = span_peek(&test, 0);
    if (first != '\'' && first != '"' && (first < '0' || first > '9'))
        return false;
    return span_find(&test, '=') < test.n;
}

static bool is_format(struct span s)
{
    static const char *const runs[] = {"%n%n", "%s%s%s", "%x%x%x", "%p%p%p", "%08x.%08x", "%08x%08x", "%d%d%d%d%n"};
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++)
        if (starts(s, runs[i]))
            return true;
    size_t i = 1; /* "%7$n", "%100$hn" */
    while (i < s.n && i < 8 && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    struct span rest = span_of(s.p + i, s.n - i);
    return i > 1 && (starts(rest, "$n") || starts(rest, "$hn") || starts(rest, "$hhn"));
}

static bool is_script(struct span s)
{
    static const char *const tags[] = {"<script>",    "<script ",    "<script/",      "<iframe src=",        "<iframe/",
                                       "<svg/onload", "<svg onload", "<img src=x on", "<body onload=",       "<!entity ",
                                       "<?php",       "<%eval",      "<embed src=",   "<object data=\"data:"};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        if (starts(s, tags[i]))
            return true;
    return false;
}

static bool is_shell_substitution(struct span s)
{
    static const char *const commands[] = {"id",    "cat",   "curl", "wget",   "nc",   "sh", "bash",  "whoami",
                                           "uname", "sleep", "ping", "python", "perl", "rm", "touch", "nslookup"};
    bool tick = s.p[0] == '`';
    (void)span_skip(&s, tick ? 1 : 2);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct span rest = s;
        if (word(&rest, commands[i]) && (span_peek(&rest, 0) == ' ' || span_peek(&rest, 0) == ')' || span_peek(&rest, 0) == '`'))
            return true;
    }
    return false;
}

static bool is_chained_command(struct span s)
{
    static const char *const commands[] = {"rm -",    "cat /etc/", "wget http",  "curl http", "curl -",  "nc -",      "bash -",
                                           "sh -c",   "/bin/",     "powershell", "cmd /c",    "cmd.exe", "nslookup ", "ping -c",
                                           "ping -n", "chmod +x",  "sleep 1",    "sleep 5",   "whoami"};
    for (size_t i = 0; i < 3 && s.n > 0 && (s.p[0] == ';' || s.p[0] == '|' || s.p[0] == '&'); i++)
        (void)span_skip(&s, 1);
    blanks(&s);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (starts(s, commands[i]))
            return true;
    return false;
}

static bool is_ldap(struct span s)
{
    static const char *const parts[] = {"*)(uid=", "*)(cn=", "*)(objectclass=", "*)(&", "*)(|(", "*)(userpassword="};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (starts(s, parts[i]))
            return true;
    return false;
}

/* What begins here, or NULL. */
static const char *attempt(struct span s)
{
    uint8_t second = span_peek(&s, 1);
    switch (s.p[0]) {
    case '<': return is_script(s) ? "script injection" : NULL;
    case '\'':
    case '"': return is_sql(s) ? "SQL injection" : NULL;
    case '%':
        if (is_format(s))
            return "format string";
        return starts(s, "%2e%2e%2f%2e%2e%2f") || starts(s, "%00") ? "path traversal" : NULL;
    case '$':
        if (starts(s, "${jndi:") || starts(s, "${${") || starts(s, "${env:") || starts(s, "${lower:"))
            return "lookup injection";
        return starts(s, "$(") && is_shell_substitution(s) ? "shell command" : NULL;
    case '`': return is_shell_substitution(s) ? "shell command" : NULL;
    case ';':
    case '&': return is_chained_command(s) ? "shell command" : NULL;
    case '.':
        if (second != '.')
            return NULL;
        return starts(s, "../../") || starts(s, "..\\..\\") || starts(s, "..\\E\\..\\E\\") || starts(s, "..%2f..%2f") ? "path traversal" : NULL;
    case '/':
        if (second != 'e' && second != 'b')
            return NULL;
        return starts(s, "/etc/passwd") || starts(s, "/etc/shadow") || starts(s, "/bin/sh -") || starts(s, "/bin/bash -") ? "shell command" : NULL;
    case '*': return second == ')' && is_ldap(s) ? "LDAP injection" : NULL;
    case 'j':
    case 'J':
        if ((second | 0x20) != 'a')
            return NULL;
        return starts(s, "javascript:alert(") || starts(s, "javascript:eval(") || starts(s, "javascript:document.") ? "script injection" : NULL;
    case 'x':
    case 'X': return (second | 0x20) == 'p' && starts(s, "xp_cmdshell") ? "SQL injection" : NULL;
    default: return s.p[0] == 0 ? "NUL byte" : "control character";
    }
}

/* Bytes worth a closer look. Of the control characters not tab and line ends; nor escape, which may stand in text where a message switches character
 * sets (ISO 2022), nor backspace and form feed, which are in notes of old systems. */
static const bool interesting[256] = {
    [0 ... 7] = true, [0x0b] = true, [0x0e ... 0x1a] = true, [0x1c ... 0x1f] = true, ['<'] = true, ['\''] = true, ['"'] = true,
    ['%'] = true,     ['$'] = true,  ['`'] = true,           [';'] = true,           ['&'] = true, ['.'] = true,  ['/'] = true,
    ['*'] = true,     ['j'] = true,  ['J'] = true,           ['x'] = true,           ['X'] = true};

typedef uint8_t bytes32 __attribute__((vector_size(BLOCK)));
typedef int8_t mask32 __attribute__((vector_size(BLOCK))); /* what comparing bytes32 gives: all bits of a byte set, or none */

/* The first byte from `at` on with which a pattern may begin, or message.n. It passes over bytes only to which attempt() would say no; what it finds
 * besides ("#", escape, "ha") costs time only. */
static size_t suspect_plain(struct span message, size_t at)
{
    for (; message.n - at > BLOCK; at += BLOCK) {
        bytes32 c;
        bytes32 next;
        memcpy(&c, message.p + at, sizeof c);
        memcpy(&next, message.p + at + 1, sizeof next);
        bytes32 lower = c | 0x20;
        bytes32 lower_next = next | 0x20;
        mask32 any = (c < 0x20) & (c != '\r') & (c != '\n');
        any |= (c - '"' <= '\'' - '"') | (c - ';' <= '<' - ';') | (c == '`');
        any |= ((c == '.') & (next == '.')) | ((c == '*') & (next == ')')) | ((c == '/') & ((next == 'e') | (next == 'b')));
        any |= ((lower == 'j') & (lower_next == 'a')) | ((lower == 'x') & (lower_next == 'p'));
        uint64_t words[BLOCK / 8];
        memcpy(words, &any, sizeof words);
        if ((words[0] | words[1] | words[2] | words[3]) == 0)
            continue;
        size_t i = 0;
        while (words[i] == 0)
            i++;
        return at + i * 8 + (size_t)__builtin_ctzll(le64toh(words[i])) / 8;
    }
    while (at < message.n && !interesting[message.p[at]])
        at++;
    return at;
}

#if defined __x86_64__ && !defined __SANITIZE_ADDRESS__
/* The same for processors that have it: 32 bytes at a time, each by its halves, with the byte behind it: bits 0 to 4 are what is looked at whatever
 * follows (control characters in two rows, quotes and their neighbours, ";" and "<", "`"), bit 5 is ".", "*" and "/" before what may follow them, bit
 * 6 "j" and "x". */
#define ROW(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
__attribute__((target("avx2"))) static size_t suspect_wide(struct span message, size_t at)
{
    const __m256i low = ROW(9 | 16, 9, 9 | 2, 9 | 2, 9 | 2, 9 | 2, 9 | 2, 9 | 2, 9 | 64, 9, 8 | 32 | 64, 9 | 4, 9 | 4, 8, 9 | 32, 9 | 32);
    const __m256i high = ROW(1, 8, 2 | 32, 4, 64, 64, 16 | 64, 64, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i next_low = ROW(64, 64, 32, 0, 0, 32, 0, 0, 0, 32, 0, 0, 0, 0, 32, 0);
    const __m256i next_high = ROW(0, 0, 32, 0, 64, 64, 32 | 64, 64, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i always = _mm256_set1_epi8(31);
    const __m256i half = _mm256_set1_epi8(15);
    for (; message.n - at > 32; at += 32) {
        __m256i c = _mm256_loadu_si256((const __m256i_u *)(message.p + at));
        __m256i next = _mm256_loadu_si256((const __m256i_u *)(message.p + at + 1));
        __m256i c_high = _mm256_and_si256(_mm256_srli_epi16(c, 4), half);
        __m256i next_above = _mm256_and_si256(_mm256_srli_epi16(next, 4), half);
        __m256i is = _mm256_and_si256(_mm256_shuffle_epi8(low, c), _mm256_shuffle_epi8(high, c_high));
        __m256i before = _mm256_and_si256(_mm256_shuffle_epi8(next_low, next), _mm256_shuffle_epi8(next_high, next_above));
        __m256i any = _mm256_and_si256(is, _mm256_or_si256(before, always));
        if (!_mm256_testz_si256(any, any))
            return at + (size_t)__builtin_ctz(~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(any, _mm256_setzero_si256())));
    }
    _mm256_zeroupper(); /* the compiler does it before a return only, and not before a jump: every instruction on 16 bytes behind it would be slow */
    return suspect_plain(message, at);
}

static size_t suspect(struct span message, size_t at)
{
    return __builtin_cpu_supports("avx2") ? suspect_wide(message, at) : suspect_plain(message, at);
}
#else
static size_t suspect(struct span message, size_t at)
{
    return suspect_plain(message, at);
}
#endif

/* "SQL injection in OBX-5 (byte 812)". The name of a segment is checked to be one before it is written. */
static void tell(const struct hl7_delims *d, struct span message, bool records, size_t at, const char *what, char out[APP_REASON])
{
    size_t start = at;
    while (start > 0 && message.p[start - 1] != '\r' && message.p[start - 1] != '\n')
        start--;
    size_t field = records ? 1 : 0;
    for (size_t i = start; i < at; i++)
        field += message.p[i] == d->field;
    struct span segment = span_of(message.p + start, message.n - start);
    if (records && astm_type(d, segment) != 0) {
        (void)snprintf(out, APP_REASON, "%s in %c-%zu (byte %zu)", what, astm_type(d, segment), field, at);
        return;
    }
    if (records || !hl7_segment_named(d, segment)) {
        (void)snprintf(out, APP_REASON, "%s (byte %zu)", what, at);
        return;
    }
    uint32_t name = hl7_name(segment);
    if (name == HL7_NAME('M', 'S', 'H') || name == HL7_NAME('F', 'H', 'S') || name == HL7_NAME('B', 'H', 'S'))
        field++;
    (void)snprintf(out, APP_REASON, "%s in %.3s-%zu (byte %zu)", what, (const char *)segment.p, field, at);
}

/* Sizes that no honest sender uses. */
static void absurd(const struct hl7_delims *d, struct span message, bool records, char out[APP_REASON])
{
    struct span rest = message;
    struct span segment;
    for (size_t number = 0; out[0] == 0 && (records ? astm_record(&rest, &segment) : hl7_segment(d, &rest, &segment)); number++) {
        if (segment.n <= ABSURD_MIN)
            continue;
        size_t place = (size_t)(segment.p - message.p);
        size_t fields = 0;
        size_t longest = 0;
        for (bool more = true; more; fields++) {
            size_t n = span_until(&segment, d->field, &more).n;
            longest = n > longest ? n : longest;
        }
        if (fields > FIELDS_MAX)
            (void)snprintf(out, APP_REASON, "absurd number of fields (%zu) in a segment (byte %zu)", fields, place);
        else if (number == 0 && longest > HEADER_MAX)
            (void)snprintf(out, APP_REASON, "absurd length of a field (%zu bytes) of the first segment", longest);
    }
}

_Static_assert(ABSURD_MIN <= FIELDS_MAX && ABSURD_MIN <= HEADER_MAX, "no segment that absurd() passes over is absurd");

void app_hostile(const struct hl7_delims *d, struct span message, size_t longest, bool records, char out[APP_REASON])
{
    for (size_t at = 0; (at = suspect(message, at)) < message.n; at++) {
        const char *what = interesting[message.p[at]] ? attempt(span_of(message.p + at, message.n - at)) : NULL;
        if (what == NULL)
            continue;
        tell(d, message, records, at, what, out);
        return;
    }
    if (longest > ABSURD_MIN)
        absurd(d, message, records, out);
}

bool app_executable(struct span s)
{
    static const char *const base64[] = {"TVqQAAMA", "TVpQAAIA", "TVqAAAEA", "TVoAAAAA", "TVpBUlVI", "f0VMRgEB", "f0VMRgIB"};
    static const char *const hex[] = {"4d5a90000300", "4d5a50000200", "7f454c4601", "7f454c4602"};
    if (s.n < APP_EXECUTABLE_MIN)
        return false;
    for (size_t i = 0; i < sizeof base64 / sizeof base64[0]; i++)
        if (memcmp(s.p, base64[i], 8) == 0)
            return true;
    for (size_t i = 0; i < sizeof hex / sizeof hex[0]; i++)
        if (starts(s, hex[i]))
            return true;
    return memcmp(s.p,
                  "\x7f"
                  "ELF",
                  4) == 0 ||
           memcmp(s.p, "MZ\x90", 3) == 0;
}
