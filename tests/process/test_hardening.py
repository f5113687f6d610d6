#!/usr/bin/env python3
"""Are the executables hardened as docs/decisions/hardening.md says? usage: test_hardening.py EXECUTABLE… (prints TAP; needs readelf)"""
import subprocess
import sys


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def checks(path):
    head, segments, dynamic, notes = (readelf(o, path) for o in ("-h", "-l", "-d", "-n"))
    symbols = readelf("-s", path)
    stack = next((line for line in segments.splitlines() if "GNU_STACK" in line), "")
    yield "is position independent", "DYN (" in head
    yield "relocations are read-only after start", "GNU_RELRO" in segments and ("BIND_NOW" in dynamic or "NOW" in dynamic)
    yield "no executable stack", stack != "" and "RWE" not in stack
    yield "no segment is writable and executable", not any(" RWE " in line for line in segments.splitlines())
    yield "stack protector", "__stack_chk_fail" in symbols
    if "Advanced Micro Devices X86-64" in head:
        yield "indirect branch tracking and shadow stack (CET)", "IBT" in notes and "SHSTK" in notes
    yield "FORTIFY", "_chk@" in symbols or "_chk " in symbols


def main():
    number = 0
    failed = 0
    for path in sys.argv[1:]:
        for what, holds in checks(path):
            number += 1
            failed += not holds
            print(f"{'ok' if holds else 'not ok'} {number} - {path.rsplit('/', 1)[-1]}: {what}")
    print(f"1..{number}")
    return 1 if failed or number == 0 else 0


sys.exit(main())
