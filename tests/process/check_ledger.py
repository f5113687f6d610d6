#!/usr/bin/env python3
"""A checker of ledgers that shares nothing with ours: written from the C2SP descriptions (tlog-tiles, signed-note, tlog-checkpoint, tlog-proof) and RFC 8032,
with Python's own library only. It checks checkpoint, tiles, bundles and proofs, and compares its verdicts with those of `ledger verify|prove|check`.

check_ledger.py MAKE_LEDGER LEDGER_TOOL    prints TAP
"""
import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys
import tempfile

# ── Ed25519, RFC 8032 section 5.1 (verification only; slow and plain) ──
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(s, p):
    q = (0, 1, 1, 0)
    while s > 0:
        if s & 1:
            q = add(q, p)
        p = add(p, p)
        s >>= 1
    return q


def decompress(b):
    y = int.from_bytes(b, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_holds(public, message, signature):
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    p, q = multiply(s, BASE), add(r, multiply(h, a))
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


# ── signed-note and tlog-checkpoint ──
class Bad(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Bad(what)


def parse_key(line):
    name, key_id, key = line.strip().split("+", 2)
    key = base64.b64decode(key, validate=True)
    need(key[0] == 1 and len(key) == 33, "not an Ed25519 key")
    need(hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id, "the key's id is wrong")
    return name, bytes.fromhex(key_id), key[1:]


def open_checkpoint(note, key):
    name, key_id, public = key
    at = note.rfind(b"\n\n")
    need(at >= 0 and note.endswith(b"\n"), "no signed note")
    text, lines = note[: at + 1], note[at + 2 :].decode().splitlines()
    good = False
    for line in lines:
        dash, who, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        need(dash == "\u2014", "no signature line")
        if who == name and signature[:4] == key_id:
            need(ed25519_holds(public, text, signature[4:]), "the signature does not hold")
            good = True
    need(good, "not signed by the key")
    origin, size, root = text.decode().split("\n")[:3]
    need(origin == name and str(int(size)) == size, "no checkpoint")
    return int(size), base64.b64decode(root, validate=True)


# ── Merkle tree, as RFC 6962 defines it ──
def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root_of(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node_hash(root_of(hashes[:k]), root_of(hashes[k:]))


def root_from_path(index, size, leaf, path):
    """The recursive definition of PATH, read backwards."""
    if size == 1:
        need(not path, "the proof is too long")
        return leaf
    need(path, "the proof is too short")
    k = split(size)
    if index < k:
        return node_hash(root_from_path(index, k, leaf, path[:-1]), path[-1])
    return node_hash(path[-1], root_from_path(index - k, size - k, leaf, path[:-1]))


# ── tlog-tiles ──
def tile_name(level, n, width):
    groups = [f"{n % 1000:03d}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/" + "/".join(groups) + (f".p/{width}" if width < 256 else "")


def read(folder, name):
    try:
        with open(os.path.join(folder, name), "rb") as f:
            return f.read()
    except OSError as e:
        raise Bad(f"{name}: {e.strerror}") from e


def tiles_of(size, level):
    full, width = divmod(size >> (8 * level), 256)
    return [(n, 256) for n in range(full)] + ([(full, width)] if width else [])


def check_log(folder, key):
    """Everything that C2SP's forms let an outsider check. Returns size, entries."""
    size, root = open_checkpoint(read(folder, "checkpoint"), key)
    entries = []
    for n, width in tiles_of(size, 0):
        data, count = read(folder, tile_name("entries", n, width)), 0
        while data:
            length = int.from_bytes(data[:2], "big")
            need(len(data) >= 2 + length, "a bundle is cut")
            entries.append(data[2 : 2 + length])
            data, count = data[2 + length :], count + 1
        need(count == width, "a bundle has another number of entries")
    hashes = [leaf_hash(e) for e in entries]
    need(root_of(hashes) == root, "the root is not that of the entries")
    level = 0
    while hashes:
        for n, width in tiles_of(size, level):
            need(read(folder, tile_name(level, n, width)) == b"".join(hashes[256 * n : 256 * n + width]), f"tile {level}/{n} is not that of the entries")
        hashes = [root_of(hashes[i : i + 256]) for i in range(0, len(hashes) - 255, 256)]
        level += 1
    return size, entries


def check_proof(text, key, entry):
    lines, _, note = text.partition(b"\n\n")
    lines = lines.decode().split("\n")
    need(lines[0] == "c2sp.org/tlog-proof@v1", "no proof")
    need(lines[1] == "extra " + base64.b64encode(entry).decode(), "the proof's entry is not the bundle's")
    need(lines[2].startswith("index "), "no index")
    index, path = int(lines[2][6:]), [base64.b64decode(line, validate=True) for line in lines[3:]]
    size, root = open_checkpoint(note, key)
    need(index < size and root_from_path(index, size, leaf_hash(entry), path) == root, "the proof does not hold")
    return index


# ── docs/formats/proof.md: records that are shown ──
def strict64(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data) == text, "base64 that is not strict")
    return data


def take_records(lines):
    """One dictionary a record, from the lines between `log` and the empty one."""
    records = []
    for line in lines:
        word, _, rest = line.partition(b" ")
        if word == b"record":
            need(rest.isdigit() and (rest == b"0" or rest[:1] != b"0"), "no number")
            records.append({"index": int(rest), "path": []})
            continue
        need(records, "a line before the first record")
        r = records[-1]
        order = {b"entry": set(), b"path": {"entry"}, b"key": {"entry"}, b"sealed": {"entry", "key"}}
        need(word in order and order[word] <= set(r) and "sealed" not in r and not (word == b"path" and "key" in r), "a line out of its place")
        data = strict64(rest)
        if word == b"path":
            need(len(data) == 32, "no hash")
            r["path"].append(data)
        else:
            need(word.decode() not in r, "a line twice")
            r[word.decode()] = data
    return records


def check_shown(text, key, gcm_open):
    """Checks such a proof and opens what it shows: [(index, payload or None)]. gcm_open: key, ad, sealed → clear or None."""
    head, _, note = text.partition(b"\n\n")
    lines = head.split(b"\n")
    need(lines[0] == b"tourniquet/shown-records@v1" and lines[1][:4] == b"log ", "no proof")
    log_id = strict64(lines[1][4:])
    size, root = open_checkpoint(note, key)
    shown = []
    for r in take_records(lines[2:]):
        entry, index = r["entry"], r["index"]
        need(len(entry) == 116 and len(log_id) == 16 and entry[:4] == b"TQE1", "no entry")
        need(index < size and root_from_path(index, size, leaf_hash(entry), r["path"]) == root, "the proof does not hold")
        if "key" not in r:
            shown.append((index, None))
            continue
        need("sealed" in r and len(r["key"]) == 32 and hashlib.sha256(r["sealed"]).digest() == entry[84:116], "other sealed bytes")
        place = index.to_bytes(8, "big")
        info = b"tourniquet record v1" + entry[5:6] + b"\0" + entry[32:48] + log_id + place
        first = hmac.digest(r["key"], info + b"\1", "sha256")
        second = hmac.digest(r["key"], first + info + b"\2", "sha256")
        need(second == entry[48:80], "another commitment")
        clear = gcm_open(first, log_id + place + entry[:84], r["sealed"])
        need(clear is not None and len(clear) == int.from_bytes(entry[80:84], "big"), "it does not open")
        shown.append((index, clear))
    need(shown, "nothing is shown")
    return shown


# ── Tests ──
count = 0
failed = 0


def check(what, good):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {what}", flush=True)


def failures():
    print(f"1..{count}")
    return 1 if failed else 0


def theirs(tool, folder, key_file):
    run = subprocess.run([tool, "verify", folder, "--key", key_file], capture_output=True, check=False)
    need(run.returncode in (0, 1), run.stderr.decode())
    answer = json.loads(run.stdout)
    need(answer["holds"] == (run.returncode == 0), "status and answer differ")
    return answer


def verdicts(tool, folder, key, key_file):
    try:
        check_log(folder, key)
        ours = True
    except (Bad, ValueError):
        ours = False
    return ours, theirs(tool, folder, key_file)["holds"]


def one_ledger(make, tool, place, records, per_commit, leave):
    folder, key_file = os.path.join(place, "ledger"), os.path.join(place, "verifier.kept")
    subprocess.run([make, place, str(records), str(per_commit)] + (["leave"] if leave else []), check=True)
    shutil.copy(os.path.join(folder, "verifier.pub"), key_file)
    key = parse_key(read(place, "verifier.kept").decode())
    size, entries = check_log(folder, key)
    answer = theirs(tool, folder, key_file)
    check(f"{records} records, {per_commit} a commit{', not closed' if leave else ''}: both hold",
          size == records == len(entries) == answer["records"] == answer["checkpoint"]["size"] and answer["holds"])
    good = True
    for index in sorted({0, 1, records // 2, records - 2, records - 1} & set(range(records))):
        run = subprocess.run([tool, "prove", folder, str(index)], capture_output=True, check=True)
        good &= check_proof(run.stdout, key, entries[index]) == index
        again = subprocess.run([tool, "check", "-", "--key", key_file], input=run.stdout, capture_output=True, check=False)
        good &= again.returncode == 0
        wrong = subprocess.run([tool, "check", "-", "--key", key_file], input=run.stdout.replace(b"index ", b"index 1"), capture_output=True, check=False)
        good &= wrong.returncode == 1
    check(f"{records} records: both accept the proofs and refuse wrong ones", good)
    return folder, key, key_file


def damage(tool, folder, key, key_file):
    """Flips in files that both read: the verdicts are the same."""
    size, _ = open_checkpoint(read(folder, "checkpoint"), key)
    names = ["checkpoint"] + [tile_name(level, *t) for level in ("entries", 0, 1) for t in tiles_of(size, 0 if level == "entries" else level)[-2:]]
    good = True
    for name in names:
        path = os.path.join(folder, name)
        original = read(folder, name)
        for at in range(0, len(original), max(1, len(original) // 9)):
            changed = bytearray(original)
            changed[at] ^= 0x20
            with open(path, "wb") as f:
                f.write(changed)
            good &= verdicts(tool, folder, key, key_file) == (False, False)
        with open(path, "wb") as f:
            f.write(original)
    check(f"{size} records: damage to {len(names)} files is found by both", good)
    tried = tamper(tool, folder, key, key_file, names)
    check(f"{size} records: {len(tried)} exchanges, cuts and additions are found by both {[t for t in tried if tried[t] != (False, False)] or ''}", len(tried) > 10
          and all(v == (False, False) for v in tried.values()))
    check(f"{size} records: mended, both hold again", verdicts(tool, folder, key, key_file) == (True, True))


def tamper(tool, folder, key, key_file, names):
    """Whole entries and tiles exchanged, repeated, removed: what each did, and both verdicts."""
    original = {name: read(folder, name) for name in names}
    tried = {}

    def put(what, files):
        for name, data in files.items():
            path = os.path.join(folder, name)
            if data is None:
                os.remove(path)
            else:
                with open(path, "wb") as f:
                    f.write(data)
        tried[what] = verdicts(tool, folder, key, key_file)
        for name in files:
            with open(os.path.join(folder, name), "wb") as f:
                f.write(original[name])

    for name, data in original.items():
        step = 118 if "entries" in name else 32
        put(f"{name} removed", {name: None})
        put(f"{name} empty", {name: b""})
        put(f"{name} without its last byte", {name: data[:-1]})
        put(f"{name} with a byte more", {name: data + b"\0"})
        if name == "checkpoint":
            put("signed twice over", {name: data + data})
            put("another size", {name: data.replace(b"\n" + data.split(b"\n")[1] + b"\n", b"\n" + str(int(data.split(b"\n")[1]) - 1).encode() + b"\n")})
        elif len(data) >= 2 * step:
            put(f"{name}: two swapped", {name: data[step : 2 * step] + data[:step] + data[2 * step :]})
            put(f"{name}: one repeated", {name: data[:step] + data[:step] + data[2 * step :]})
            put(f"{name}: the last removed", {name: data[:-step]})
    for one, two in zip(names[1::2], names[2::2]):
        if original[one] != original[two]:
            put(f"{one} and {two} exchanged", {one: original[two], two: original[one]})
    return tried


def main():
    make, tool = sys.argv[1:3]
    # RFC 8032, 7.1, test 3, so that this file's own arithmetic is not taken on trust
    check("Ed25519 vector", ed25519_holds(bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"), bytes.fromhex("af82"), bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")))
    for records, per_commit, leave in ((0, 1, False), (1, 1, False), (255, 50, False), (256, 256, True), (257, 3, True), (1000, 7, False), (70000, 9000, False)):
        with tempfile.TemporaryDirectory(prefix="tq-check-") as place:
            folder, key, key_file = one_ledger(make, tool, place, records, per_commit, leave)
            if records in (257, 1000):
                damage(tool, folder, key, key_file)
    return failures()


if __name__ == "__main__":
    sys.exit(main())
