#!/usr/bin/env python3
"""usage: charset_tables.py OUT.c     writes the tables of src/wire/charset.c: what each code of a character set is in Unicode.

The sets are Python's own (its codecs follow the mappings that the Unicode Consortium and the makers publish). They are written at build time: the
program reads no table from disk, which a narrowed process could not do. Only sets whose characters lie in the basic plane are here."""
import sys

# Names as in enum charset, in its order from CHARSET_8859_2 on.
SINGLE = ['iso8859_%d' % n for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)] + ['cp125%d' % n for n in range(9)]


def code_point(raw, codec):
    try:
        text = raw.decode(codec)
    except UnicodeDecodeError:
        return 0
    return ord(text) if len(text) == 1 and ord(text) < 0x10000 else 0


def rows(leads, trails, prefix, codec):
    return [code_point(bytes(prefix) + bytes((a, b)), codec) for a in leads for b in trails]


def ranges():
    """GB 18030's four-byte codes of the basic plane, as (ordinal, code point) of where each run begins."""
    runs, before = [], None
    for n in range(39420):
        a, b, c, d = 0x81 + n // 12600, 0x30 + n // 1260 % 10, 0x81 + n // 10 % 126, 0x30 + n % 10
        point = code_point(bytes((a, b, c, d)), 'gb18030')
        offset = None if point == 0 else point - n
        if offset != before:
            runs.append((n, point))
        before = offset
    return runs


def write(out, name, values):
    out.write('const uint16_t %s[%d] = {\n' % (name, len(values)))
    for i in range(0, len(values), 16):
        out.write('    %s,\n' % ', '.join('0x%x' % v for v in values[i:i + 16]))
    out.write('};\n')


with open(sys.argv[1], 'w', encoding='ascii') as out:
    out.write('/* Made by src/wire/charset_tables.py. */\n#include "wire/charset_tables.h"\n\n')
    ninety_four = range(0xa1, 0xff)
    write(out, 'charset_single', [code_point(bytes((b,)), codec) for codec in SINGLE for b in range(0x80, 0x100)])
    write(out, 'charset_jis_x_0208', rows(ninety_four, ninety_four, (), 'euc_jp'))
    write(out, 'charset_jis_x_0212', rows(ninety_four, ninety_four, (0x8f,), 'euc_jp'))
    write(out, 'charset_ks_x_1001', rows(ninety_four, ninety_four, (), 'euc_kr'))
    write(out, 'charset_gb18030', rows(range(0x81, 0xff), [b for b in range(0x40, 0xff) if b != 0x7f], (), 'gb18030'))
    write(out, 'charset_big5', rows(range(0xa1, 0xfa), list(range(0x40, 0x7f)) + list(range(0xa1, 0xff)), (), 'big5'))
    runs = ranges()
    write(out, 'charset_gb18030_ordinal', [n for n, _ in runs])
    write(out, 'charset_gb18030_point', [p for _, p in runs])
    out.write('const size_t charset_gb18030_runs = %d;\n' % len(runs))
