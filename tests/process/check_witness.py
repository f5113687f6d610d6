#!/usr/bin/env python3
"""Consistency proofs, offers, cosignatures and the witness, against definitions written from RFC 6962 and the C2SP descriptions alone (tlog-witness,
tlog-cosignature), with check_ledger.py's arithmetic. TOURNIQUET_LONG=1 takes every pair of sizes; TEST_SEED repeats a sample.

check_witness.py MAKE_LEDGER LEDGER_TOOL    prints TAP
"""
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from check_ledger import Bad, check, check_log, ed25519_holds, failures, leaf_hash, need, node_hash, open_checkpoint, parse_key, read, root_of, split

MAKE, TOOL = sys.argv[1:3] if __name__ == "__main__" else (None, None)
LONG = os.environ.get("TOURNIQUET_LONG") == "1"
SEED = int(os.environ.get("TEST_SEED", "20261128"))


# ── Consistency as RFC 6962, 2.1.2 defines it ──
def make_consistency(old, hashes, whole=True):
    if old == len(hashes):
        return [] if whole else [root_of(hashes)]
    k = split(len(hashes))
    if old <= k:
        return make_consistency(old, hashes[:k], whole) + [root_of(hashes[k:])]
    return make_consistency(old - k, hashes[k:], False) + [root_of(hashes[:k])]


def roots_of_consistency(old, size, path, old_root, whole=True):
    """The old and the new root that a proof leads to: the definition read backwards. Takes from the end of path."""
    if old == size:
        if whole:
            return old_root, old_root
        need(path, "the proof is too short")
        h = path.pop()
        return h, h
    need(path, "the proof is too short")
    other = path.pop()
    k = split(size)
    if old <= k:
        was, now = roots_of_consistency(old, k, path, old_root, whole)
        return was, node_hash(now, other)
    was, now = roots_of_consistency(old - k, size - k, path, old_root, False)
    return node_hash(other, was), node_hash(other, now)


def consistent(old, old_root, size, root, path):
    path = list(path)
    if old == 0:
        return not path
    try:
        was, now = roots_of_consistency(old, size, path, old_root)
    except Bad:
        return False
    return not path and (was, now) == (old_root, root)


# ── Offers and cosignatures ──
def parse_offer(text):
    head, _, note = text.partition(b"\n\n")
    lines = head.decode().split("\n")
    need(lines[0].startswith("old "), "no offer")
    return int(lines[0][4:]), [base64.b64decode(line, validate=True) for line in lines[1:]], note


def build_offer(old, path, note):
    return f"old {old}\n".encode() + b"".join(base64.b64encode(h) + b"\n" for h in path) + b"\n" + note


def parse_witness_key(line):
    name, key_id, key = line.strip().split("+", 2)
    key = base64.b64decode(key, validate=True)
    need(key[0] == 4 and len(key) == 33, "not a cosigner's key")
    import hashlib
    need(hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id, "the key's id is wrong")
    return name, bytes.fromhex(key_id), key[1:]


def cosigned_at(note, key):
    """The time of the cosignature, which must be there and hold."""
    name, key_id, public = key
    at = note.rfind(b"\n\n")
    text = note[: at + 1]
    for line in note[at + 2 :].decode().splitlines():
        _, who, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if who == name and signature[:4] == key_id:
            seconds = int.from_bytes(signature[4:12], "big")
            need(ed25519_holds(public, f"cosignature/v1\ntime {seconds}\n".encode() + text, signature[12:]), "the cosignature does not hold")
            return seconds
    raise Bad("not cosigned")


def verdict(state, offer, log_key):
    """What tlog-witness says to an offer, by its own text: True, or why not."""
    try:
        old, path, note = parse_offer(offer)
        size, root = open_checkpoint(note, log_key)
    except (Bad, ValueError):
        return "bad"
    if old > size:
        return "bad"
    if old != state[0]:
        return "conflict"
    if size == state[0]:
        return True if root == state[1] and not path else "fork"
    return True if consistent(old, state[1], size, root, path) else "fork"


# ── Running ours ──
def tool(*arguments, given=None):
    return subprocess.run([TOOL, *map(str, arguments)], input=given, capture_output=True, check=False)


def must(*arguments, given=None):
    run = tool(*arguments, given=given)
    need(run.returncode == 0, f"{arguments}: {run.stderr.decode()}")
    return run.stdout


def grow(place, records, per_commit=7):
    subprocess.run([MAKE, place, str(records), str(per_commit)], check=True)


def any_two_sizes(place):
    grow(place, 300)
    ledger = os.path.join(place, "ledger")
    key = parse_key(read(ledger, "verifier.pub").decode())
    _, entries = check_log(ledger, key)
    hashes = [leaf_hash(e) for e in entries]
    pairs = [(m, n) for n in range(301) for m in range(n + 1)]
    if not LONG:
        pairs = random.sample(pairs, 150) + [(0, 0), (0, 300), (300, 300), (1, 300), (255, 256), (256, 257), (299, 300)]
    good = True
    for m, n in pairs:
        answer = json.loads(must("consistency", ledger, m, n))
        path = [base64.b64decode(h) for h in answer["proof"]]
        roots = base64.b64decode(answer["old_root"]), base64.b64decode(answer["root"])
        good &= roots == (root_of(hashes[:m]), root_of(hashes[:n])) and path == ([] if m == 0 else make_consistency(m, hashes[:n]))
        good &= consistent(m, roots[0], n, roots[1], path)
    check(f"consistency between {len(pairs)} pairs of sizes is what the definition says", good)
    wrong = [tool("consistency", ledger, *p).returncode for p in ((5, 4), (0, 301), (301, 301), ("-1", 4), ("x", 4))]
    check("sizes that cannot be are refused", wrong == [2] * 5)


def offered_and_kept(place):
    """The everyday exchange, and what is kept of it."""
    ledger, witness, pub = (os.path.join(place, n) for n in ("ledger", "witness", "witness.pub"))
    log_pub = os.path.join(ledger, "verifier.pub")
    grow(place, 20)
    with open(pub, "wb") as f:
        f.write(must("witness", "new", witness, "witness.example/w1"))
    key, log_key = parse_witness_key(open(pub, encoding="utf-8").read()), parse_key(read(ledger, "verifier.pub").decode())
    check("an unknown log is not cosigned", tool("witness", "sign", witness, "-", given=must("offer", ledger)).returncode == 2)
    must("witness", "trust", witness, log_pub)
    cosigned, sizes, early = b"", [], read(ledger, "checkpoint")
    for more in (0, 1, 30, 0, 236, 13):
        if more:
            grow(place, more)
        offer = must("offer", ledger)
        old, path, note = parse_offer(offer)
        cosigned = must("witness", "sign", witness, "-", given=offer)
        need(abs(cosigned_at(cosigned, key) - os.stat(witness).st_mtime) < 600, "the time is not now")
        size, _ = open_checkpoint(cosigned, log_key)
        need(old == (sizes[-1] if sizes else 0) and read(ledger, "checkpoint") == note, "the offer is another's")
        must("attach", ledger, "-", "--witness", pub, given=cosigned)
        sizes.append(size)
    check("six offers are cosigned, one after the other, and kept", sizes == [20, 21, 51, 51, 287, 300])
    report = json.loads(must("verify", ledger, "--witness", pub))
    check("verifying compares with the witness and shows it", report["compared"] and [(w["name"], w["records"], w["known"]) for w in report["witnesses"]] == [("witness.example/w1", 300, True)])
    grow(place, 5)
    proof = must("prove", ledger, 33, "--witness", pub)
    checked = json.loads(must("check", "-", "--key", log_pub, "--witness", pub, given=proof))
    check("a proof under the cosigned head shows who cosigned it", checked["holds"] and checked["records"] == 300 and checked["witnesses"][0]["name"] == "witness.example/w1"
          and cosigned_at(proof.partition(b"\n\n")[2], key) > 0)
    check("a record behind it has none yet", tool("prove", ledger, 302, "--witness", pub).returncode == 2)
    plain = must("prove", ledger, 33)
    check("a proof without the cosignature does not pass for one with it", tool("check", "-", "--key", log_pub, "--witness", pub, given=plain).returncode == 1)
    at = cosigned.rfind(b" ") + 30
    spoilt = cosigned[:at] + (b"A" if cosigned[at : at + 1] != b"A" else b"B") + cosigned[at + 1 :]
    check("a damaged cosignature is not kept", tool("attach", ledger, "-", "--witness", pub, given=spoilt).returncode == 1)
    kept = os.path.join(place, "early")
    with open(kept, "wb") as f:
        f.write(early)
    offer = must("offer", ledger, "--old", 20)
    check("an offer proves consistency with a kept checkpoint", json.loads(must("check", "-", "--key", log_pub, "--since", kept, given=offer))["old"] == 20)
    old, path, note = parse_offer(offer)
    for name, wrong in (("shorter", build_offer(old, path[:-1], note)), ("longer", build_offer(old, path + path[:1], note)), ("swapped", build_offer(old, path[::-1], note))):
        check(f"and not with a {name} proof", tool("check", "-", "--key", log_pub, "--since", kept, given=wrong).returncode == 1)


def forks(place):
    """Two lives of one log, and old copies: what the witness refuses, and what verifying finds beside a kept cosignature."""
    ledger, witness, pub = (os.path.join(place, n) for n in ("ledger", "witness", "witness.pub"))
    grow(place, 40)
    with open(pub, "wb") as f:
        f.write(must("witness", "new", witness, "witness.example/w1"))
    must("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    must("witness", "sign", witness, "-", given=must("offer", ledger))
    other = os.path.join(place, "other")
    os.mkdir(other)
    shutil.copytree(ledger, os.path.join(other, "ledger"))
    shutil.copy(os.path.join(place, "root.key"), other)
    grow(place, 10)
    grow(other, 10)
    cosigned = must("witness", "sign", witness, "-", given=must("offer", ledger, "--old", 40))
    must("attach", ledger, "-", "--witness", pub, given=cosigned)
    run = tool("witness", "sign", witness, "-", given=must("offer", os.path.join(other, "ledger"), "--old", 50))
    check("another tree of the same size is a fork", run.returncode == 1 and b"fork" in run.stderr and b"50" in run.stderr and not run.stdout)
    grow(other, 5)
    run = tool("witness", "sign", witness, "-", given=must("offer", os.path.join(other, "ledger"), "--old", 50))
    check("a longer one that does not go on from it is a fork", run.returncode == 1 and b"fork" in run.stderr and b"55" in run.stderr and b"50" in run.stderr)
    shutil.rmtree(ledger)
    shutil.copytree(os.path.join(other, "ledger"), os.path.join(place, "aside"))
    shutil.copytree(os.path.join(place, "aside"), ledger)
    check("the other life does not take the cosignature", tool("attach", ledger, "-", "--witness", pub, given=cosigned).returncode == 1)
    os.mkdir(os.path.join(ledger, "witness"))
    key_hash = __import__("hashlib").sha256(open(pub, "rb").read().strip()).hexdigest()[:16]
    with open(os.path.join(ledger, "witness", key_hash), "wb") as f:
        f.write(open(pub, "rb").read() + cosigned)
    run = tool("verify", ledger)
    check("verifying finds that it is not what was cosigned", run.returncode == 1 and b"rewritten" in run.stdout)


def rollback(place):
    ledger, witness, pub = (os.path.join(place, n) for n in ("ledger", "witness", "witness.pub"))
    grow(place, 12)
    with open(pub, "wb") as f:
        f.write(must("witness", "new", witness, "witness.example/w2"))
    must("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    must("attach", ledger, "-", "--witness", pub, given=must("witness", "sign", witness, "-", given=must("offer", ledger)))
    shutil.copytree(ledger, os.path.join(place, "old"))
    grow(place, 9)
    cosigned = must("witness", "sign", witness, "-", given=must("offer", ledger))
    must("attach", ledger, "-", "--witness", pub, given=cosigned)
    last = read(ledger, "witness/" + os.listdir(os.path.join(ledger, "witness"))[0])
    shutil.rmtree(ledger)
    shutil.copytree(os.path.join(place, "old"), ledger)
    check("an old copy put back whole holds in itself", tool("verify", ledger, "--witness", pub).returncode == 0)
    run = tool("witness", "sign", witness, "-", given=must("offer", ledger))
    check("the witness refuses it and says which sizes", run.returncode == 1 and b"rollback" in run.stderr and b"21" in run.stderr and b"12" in run.stderr)
    with open(os.path.join(ledger, "witness", os.listdir(os.path.join(ledger, "witness"))[0]), "wb") as f:
        f.write(last)
    run = tool("verify", ledger)
    check("and so does verifying where the cosignature survived", run.returncode == 1 and b"old copy" in run.stdout)
    state = os.path.join(witness, "logs", os.listdir(os.path.join(witness, "logs"))[0], "checkpoint")
    data, good = open(state, "rb").read(), 0
    for i in range(len(data)):
        with open(state, "wb") as f:
            f.write(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :])
        good += tool("witness", "sign", witness, "-", given=must("offer", ledger, "--old", 12)).returncode != 0
    check("a witness whose memory was damaged, at any byte, signs nothing of it", good == len(data))


def two_witnesses_agree(place):
    """Ours and the one above are given the same offers, good and bad."""
    ledger, witness = os.path.join(place, "ledger"), os.path.join(place, "witness")
    grow(place, 3)
    must("witness", "new", witness, "witness.example/w3")
    must("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    log_key = parse_key(read(ledger, "verifier.pub").decode())
    state, notes, answers = (0, root_of([])), [], {}
    for _ in range(400 if LONG else 120):
        if random.random() < 0.3:
            grow(place, random.choice((1, 2, 5, 64)), random.choice((1, 3)))
        size = open_checkpoint(read(ledger, "checkpoint"), log_key)[0]
        old, path, note = parse_offer(must("offer", ledger, "--old", random.choice((state[0], state[0], state[0], random.randrange(size + 1)))))
        notes.append(note)
        kind = random.choice(("good", "good", "short", "long", "other", "older", "unsigned", "flipped", "old"))
        if kind == "short":
            path = path[:-1]
        elif kind == "long":
            path = path + [os.urandom(32)]
        elif kind == "other" and path:
            path[random.randrange(len(path))] = os.urandom(32)
        elif kind == "older":
            note = random.choice(notes)
        elif kind == "unsigned":
            note = note[: note.rfind(b"\n\n") + 2]
        elif kind == "flipped":
            at = random.randrange(len(note))
            note = note[:at] + bytes([note[at] ^ 4]) + note[at + 1 :]
        elif kind == "old":
            old = random.choice((0, old + 1, size + 1))
        offer = build_offer(old, path, note)
        mine = verdict(state, offer, log_key)
        run = tool("witness", "sign", witness, "-", given=offer)
        answers[mine] = answers.get(mine, 0) + 1
        need((run.returncode == 0) == (mine is True), f"{kind}: ours {run.returncode} {run.stderr.decode()}, the definition {mine}")
        if mine is True:
            state = open_checkpoint(note, log_key)
    check(f"two witnesses agree on {sum(answers.values())} offers ({', '.join(f'{k}: {v}' for k, v in sorted(answers.items(), key=str))})",
          answers.get(True, 0) > 5 and answers.get("fork", 0) > 3 and answers.get("conflict", 0) > 3 and answers.get("bad", 0) > 3)


def main():
    random.seed(SEED)
    print(f"# seed {SEED} (TEST_SEED)")
    for scenario in (any_two_sizes, offered_and_kept, forks, rollback, two_witnesses_agree):
        with tempfile.TemporaryDirectory(prefix="tq-witness-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as place:
            try:
                scenario(place)
            except Bad as e:
                check(f"{scenario.__name__}: {e}", False)
    return failures()


if __name__ == "__main__":
    sys.exit(main())
