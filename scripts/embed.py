#!/usr/bin/env python3
"""Writes a C file that holds text files as string literals: embed.py OUT.c TYPE ARRAY HEADER ROOT FILE...

The C file defines `const struct TYPE ARRAY[]` (name relative to ROOT, of SQL without ".sql"; text) and `const size_t ARRAY_count`, which HEADER
declares. Comment lines and blank lines of SQL are left out: nobody reads them there. Other texts keep every line, for the numbers in errors."""
import os
import sys


def literal(line):
    return '    "' + line.replace('\\', '\\\\').replace('"', '\\"') + '\\n"\n'


def main():
    out, kind, array, header, root, files = *sys.argv[1:6], sys.argv[6:]
    text = f'/* made by scripts/embed.py: do not edit */\n#include "{header}"\n\n'
    text += f'const struct {kind} {array}[] = {{\n'
    for path in files:
        name = os.path.relpath(path, root).removesuffix('.sql')
        text += f'    {{"{name}",\n'
        with open(path, encoding='utf-8') as source:
            for line in source.read().splitlines():
                if not path.endswith('.sql') or (line.strip() and not line.strip().startswith('--')):
                    text += literal(line.rstrip())
        text += '    },\n'
    text += f'}};\n\nconst size_t {array}_count = {len(files)};\n'
    with open(out, 'w', encoding='utf-8') as target:
        target.write(text)


main()
