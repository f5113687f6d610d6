/* charset: bytes of the character sets that HL7 messages may use, as UTF-8.
 *
 * Which sets: table 0211 of HL7 v2 without CNS 11643, and those that senders name beside it (Windows 125x, Shift JIS). Switches between sets are
 * those of ISO 2022 (ESC and designation) and HL7's own \Cxxyy\ and \Mxxyyzz\ (v2.5.1, 2.7.2). Nothing is lost: a byte that its set does not have is
 * taken as UTF-8 where it begins a well-formed sequence, else as ISO 8859-1, and that is told. Nothing here allocates. */
#ifndef TQ_WIRE_CHARSET_H
#define TQ_WIRE_CHARSET_H

#include "base/span.h"

enum charset {
    CHARSET_NONE, /* nothing is said, or nothing that is known */
    CHARSET_ASCII,
    CHARSET_ISO_2022, /* ASCII, with switches to others (ISO IR87, ISO IR159) */
    CHARSET_UTF8,
    CHARSET_UTF16BE,
    CHARSET_UTF16LE,
    CHARSET_UTF32BE,
    CHARSET_UTF32LE,
    CHARSET_JIS_X_0201, /* katakana in the upper half */
    CHARSET_SHIFT_JIS,
    CHARSET_KS_X_1001, /* in the upper half: EUC-KR */
    CHARSET_GB18030,
    CHARSET_BIG5,
    CHARSET_8859_1,
    CHARSET_8859_2, /* from here on as in charset_tables.py */
    CHARSET_8859_3,
    CHARSET_8859_4,
    CHARSET_8859_5,
    CHARSET_8859_6,
    CHARSET_8859_7,
    CHARSET_8859_8,
    CHARSET_8859_9,
    CHARSET_8859_10,
    CHARSET_8859_11,
    CHARSET_8859_13,
    CHARSET_8859_14,
    CHARSET_8859_15,
    CHARSET_8859_16,
    CHARSET_WINDOWS_1250,
    CHARSET_WINDOWS_1251,
    CHARSET_WINDOWS_1252,
    CHARSET_WINDOWS_1253,
    CHARSET_WINDOWS_1254,
    CHARSET_WINDOWS_1255,
    CHARSET_WINDOWS_1256,
    CHARSET_WINDOWS_1257,
    CHARSET_WINDOWS_1258,
    CHARSET_COUNT
};

/* The set that a name stands for, by its letters and digits alone ("8859/1", "ISO-8859-1" and "iso 8859-1" are one). False, and CHARSET_NONE: not
 * known. "UNICODE UTF-16" gives CHARSET_UTF16BE: which order it is, the bytes say. */
bool charset_named(struct span name, enum charset *ret);

/* What the first bytes say by themselves: a byte order mark, or "MSH", "FHS", "BHS" in 16 or 32 bits each. CHARSET_NONE: nothing. */
enum charset charset_by_start(struct span s);

enum charset_look { CHARSET_LOOKS_ASCII, CHARSET_LOOKS_UTF8, CHARSET_LOOKS_OTHER };

/* Only bytes below 0x80; well-formed UTF-8; anything else. */
enum charset_look charset_look(struct span s);

struct charset_reader {
    enum charset base;
    bool switches;  /* ISO 2022 escapes are obeyed, and HL7's where there is an escape character */
    uint8_t escape; /* of the message (MSH-2), 0: none */
    uint8_t low;    /* what bytes below 0x80 are just now; a reader starts zeroed */
    uint8_t high;   /* and those above */
    /* out */
    bool utf8;   /* sequences of UTF-8 were found where none should be */
    bool latin1; /* bytes were taken as ISO 8859-1 because nothing else fitted */
    bool lost;   /* 16 or 32 bits that are no character: U+FFFD stands for them */
};

/* Reads on in *in while `out` has room for a longest character (4 bytes); room ≥ 8. Returns the bytes written. *in must hold all that is left: its
 * end is the text's. Line ends set the switches back. */
size_t charset_read(struct charset_reader *r, struct span *in, uint8_t *out, size_t room);

#define CHARSET_GROWTH 3 /* a byte becomes at most so many */

#endif
