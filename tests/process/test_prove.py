#!/usr/bin/env python3
"""`tourniquet prove result`: a person asks for one result by what stands on the tube; the look is recorded, what comes is the way that the result took, with its values, and a proof that a
checker which shares nothing with ours accepts and opens, and that holds for no other byte.

test_prove.py TOURNIQUET    prints TAP. TOURNIQUET_LONG=1: every byte of the proof is changed, else a sample."""
import json
import os
import random
import subprocess

from lab import TOURNIQUET, Folder, Run, capture, finish, ok

import check_ledger
from check_keys import gcm_open

REASON = "The physician doubts this result"


def tourniquet(*arguments, typed=None, folder=None):
    return subprocess.run([TOURNIQUET, *arguments], input=typed, capture_output=True, text=True, cwd=folder, check=False)


def wanted(pcap):
    """A result whose value changed between two places, and one that arrived as it was sent: (specimen, test, values)."""
    told, found = {}, {}
    out = tourniquet("sense", pcap, "--custody", "--reveal").stdout
    for line in out.splitlines():
        o = json.loads(line)
        if o["event"] == "lab.result":
            told.setdefault(o["message"], []).append(o)
        if o["event"] != "result.followed" or o["step"]["verdict"] not in ("same", "changed") or "from" not in o["step"]:
            continue
        here, there = told[o["message"]][o["step"]["here"][0]], told[o["step"]["from"]][o["step"]["there"][0]]
        if o["step"]["verdict"] == "same" or o["step"].get("changed") == "value":
            found.setdefault(o["step"]["verdict"], (there["specimen_id"], there["test"]["code"], [there["value"], here["value"]]))
    return found


def sweep(proof, key, key_file, folder):
    """Bytes that are changed: refused by the program and by the other checker alike."""
    text = open(proof, "rb").read()
    rng = random.Random(7)
    places = range(len(text)) if os.environ.get("TOURNIQUET_LONG") == "1" else sorted(rng.sample(range(len(text)), 150))
    taken = []
    for at in places:
        changed = bytearray(text)
        changed[at] ^= 1 << rng.randrange(8)
        path = os.path.join(folder, "changed.proof")
        with open(path, "wb") as f:
            f.write(changed)
        if tourniquet("prove", "result", "--check", path, "--key", key_file).returncode == 0:
            taken.append(f"{at}: by us")
        try:
            check_ledger.check_shown(bytes(changed), key, gcm_open)
            taken.append(f"{at}: by the other checker")
        except Exception:  # noqa: BLE001 (whatever it does not like)
            pass
    ok(not taken, f"{len(list(places))} changed bytes are refused by both checkers", taken)


def prove(run, folder, what, specimen, test, values):
    proof = os.path.join(folder, f"{what}.proof")
    done = tourniquet("prove", "result", "--data", run.data, "--out", proof, typed=f"{specimen}\n{test}\n{REASON}\n")
    ok(done.returncode == 0, f"{what}: a proof is made", done.stderr)
    ok(all(v in done.stdout for v in values), f"{what}: its words tell the values at both places", done.stdout)
    ok(specimen not in done.stdout + done.stderr, f"{what}: and not whose they are")
    ok(os.stat(proof).st_mode & 0o777 == 0o600, f"{what}: the file is its owner's")
    ok(tourniquet("prove", "result", "--data", run.data, "--out", proof, typed=f"{specimen}\n{test}\n{REASON}\n").returncode == 2, f"{what}: a file that is there is not written over")
    key_file = os.path.join(run.data, "ledger/verifier.pub")
    checked = tourniquet("prove", "result", "--check", proof, "--key", key_file)
    ok(checked.returncode == 0 and all(v in checked.stdout for v in values) and specimen in checked.stdout, f"{what}: it holds, and opens", checked.stdout + checked.stderr)
    ok(tourniquet("ledger", "check", proof, "--key", key_file).returncode == 0, f"{what}: ledger check takes it too")
    key = check_ledger.parse_key(open(key_file, encoding="utf-8").read())
    shown = check_ledger.check_shown(open(proof, "rb").read(), key, gcm_open)
    opened = [clear for _, clear in shown if clear is not None]
    ok(len(opened) >= 3 and len(shown) > len(opened), f"{what}: another checker takes it, and opens {len(opened)} of {len(shown)} records")
    ok(all(any(f'"value":"{v}"'.encode() in clear for clear in opened) for v in values), f"{what}: and reads the same values")
    ok(any(b'"event":"result.followed"' in clear for clear in opened), f"{what}: and how they compare")
    return proof, key, key_file


def main():
    with Folder() as folder:
        pcap, _, _ = capture(folder, 60, seed=5, attacks=("result.altered_in_transit",))
        results = wanted(pcap)
        ok(set(results) == {"same", "changed"}, "the lab has both kinds", results)
        data = os.path.join(folder, "data")
        os.mkdir(data)
        with Run(data, "--replay", pcap) as run:
            ok(run.wait_ended(), "the capture is read", run.said())
            summary = run.api("/api/v1/results/summary")
            ok(summary["changed"] >= 1 and summary["as_sent"] > 1000, "what became of results is known", summary)
            for what in ("same", "changed"):
                proof, key, key_file = prove(run, folder, what, *results[what])
            looks = run.api("/api/v1/looks")
            ok(looks["total"] == 4 and all(l["reason"] == REASON and "proof" in l["what"] for l in looks["items"]), "each proof, also the one that found its file there, is a look", looks)
            none = tourniquet("prove", "result", "--data", data, "--out", proof + "2", typed=f"NOSUCH77\nK\n{REASON}\n")
            ok(none.returncode == 2 and not os.path.exists(proof + "2"), "of no result there is no proof", none.stderr)
            short = tourniquet("prove", "result", "--data", data, typed=f"{results['same'][0]}\n{results['same'][1]}\nbecause\n")
            ok(short.returncode == 2 and "three words" in short.stderr, "without a reason there is none", short.stderr)
            ok(run.api("/api/v1/looks")["total"] == 4, "and nothing was shown")
        sweep(proof, key, key_file, folder)
    finish()


main()
