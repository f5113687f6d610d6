#!/usr/bin/env python3
"""Are the executables hardened as docs/decisions/hardening.md says? usage: test_hardening.py EXECUTABLE… (prints TAP; needs readelf)"""
import subprocess
import sys


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def branch_target(path, symbols):
    """Does main begin with endbr64? The mark that a linker makes of this (IBT, SHSTK) needs start files that have it too: Debian's have not."""
    main = next((line.split() for line in symbols.splitlines() if line.split()[3:4] == ["FUNC"] and line.split()[-1] == "main"), None)
    if main is None:
        return False
    address = int(main[1], 16)
    for line in readelf("-l", path).splitlines():
        word = line.split()
        if word[:1] == ["LOAD"] and int(word[2], 16) <= address < int(word[2], 16) + int(word[4], 16):
            with open(path, "rb") as f:
                f.seek(int(word[1], 16) + address - int(word[2], 16))
                return f.read(4) == b"\xf3\x0f\x1e\xfa"
    return False


def checks(path):
    head, segments, dynamic = (readelf(o, path) for o in ("-h", "-l", "-d"))
    symbols = readelf("-s", path)
    stack = next((line for line in segments.splitlines() if "GNU_STACK" in line), "")
    yield "is position independent", "DYN (" in head
    yield "relocations are read-only after start", "GNU_RELRO" in segments and ("BIND_NOW" in dynamic or "NOW" in dynamic)
    yield "no executable stack", stack != "" and "RWE" not in stack
    yield "no segment is writable and executable", not any(" RWE " in line for line in segments.splitlines())
    yield "stack protector", "__stack_chk_fail" in symbols
    if "Advanced Micro Devices X86-64" in head:
        yield "functions are marked as branch targets (CET)", branch_target(path, symbols)
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
