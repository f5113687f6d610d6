#!/usr/bin/env python3
"""Writes a C file that holds text files as string literals: embed.py OUT.c ARRAY HEADER ROOT FILE...

The C file defines `const struct store_migration ARRAY[]` (name without ".sql", relative to ROOT; text) and `const size_t ARRAY_count`, which HEADER
declares. Comment lines and
blank lines of SQL are left out: nobody reads them there."""
import os
import sys


def literal(line):
    return '    "' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"\n'


def main():
    out, array, header, root, files = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:]
    text = f'/* made by scripts/embed.py: do not edit */\n#include "{header}"\n\n'
    text += f'const struct store_migration {array}[] = {{\n'
    for path in files:
        name = os.path.relpath(path, root).removesuffix('.sql')
        text += f'    {{"{name}",\n'
        with open(path, encoding='utf-8') as source:
            for line in source.read().splitlines():
                if line.strip() and not line.strip().startswith('--'):
                    text += literal(line.rstrip())
        text += '    },\n'
    text += f'}};\n\nconst size_t {array}_count = {len(files)};\n'
    with open(out, 'w', encoding='utf-8') as target:
        target.write(text)


main()
