"""What the detector has learnt outlives it: after a restart a stranger does not pass as known because he speaks in the first minute."""
import json
import os
import struct
import subprocess
from datetime import datetime

import lab


STRANGER = "10.20.10.199"  # who sends when sender.unknown is staged


def simulate(folder, name, attacks):
    path, truth = os.path.join(folder, name + ".pcap"), os.path.join(folder, name + ".json")
    command = [lab.TOURNIQUET, "simulate", "lab", "--seed", "5", "--minutes", "20", "--out", path, "--truth", truth]
    for attack in attacks:
        command += ["--attack", attack]
    subprocess.run(command, check=True)
    with open(truth, encoding="utf-8") as f:
        return path, json.load(f)


def from_time(path, out, since):
    """The packets of a capture from a time (seconds) on."""
    with open(path, "rb") as f:
        content = f.read()
    order = "<" if content[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, kept = 24, [content[:24]]
    while at + 16 <= len(content):
        seconds, _, length, _ = struct.unpack_from(order + "IIII", content, at)
        if seconds >= since:
            kept.append(content[at : at + 16 + length])
        at += 16 + length
    with open(out, "wb") as f:
        f.write(b"".join(kept))
    return out


def strangers(data, capture):
    """How often a stranger was told of, after this capture was read in a run of its own."""
    with lab.Run(data, "--replay", capture) as run:
        if not run.wait_ended():
            return None, run.said()
        items = (run.api("/api/v1/findings?state=all&kind=sender.unknown") or {"items": []})["items"]
        return [f["title"] for f in items], run.said()


with lab.Folder() as scratch:
    calm, _ = simulate(scratch, "calm", [])
    attacked, truth = simulate(scratch, "attacked", ["sender.unknown"])
    when = next(a["time"] for a in truth["attacks"] if a["kind"] == "sender.unknown")
    start = int(datetime.fromisoformat(when[:19] + "+00:00").timestamp()) - 1
    late = from_time(attacked, os.path.join(scratch, "late.pcap"), start)
    fresh, said = strangers(os.path.join(scratch, "fresh"), late)
    fresh = [title for title in fresh if STRANGER in title]  # a meter that is docked late is new to this detector too
    lab.ok(fresh == [], "who speaks first to a new detector is learnt (this is what the test is about)", (fresh, said))
    data = os.path.join(scratch, "data")
    before, said = strangers(data, calm)
    lab.ok(before == [], "a calm lab is learnt", (before, said))
    kept = os.path.join(data, "detector.sealed")
    lab.ok(os.path.exists(kept) and os.stat(kept).st_mode & 0o077 == 0, "what was learnt is kept, for nobody else to read", os.listdir(data))
    after, said = strangers(data, late)
    lab.ok(after is not None and len(after) == 1, "the next detector knows who belongs here: the stranger is told of at once", (after, said))
    with open(kept, "r+b") as f:
        f.seek(40)
        byte = f.read(1)[0]
        f.seek(40)
        f.write(bytes([byte ^ 1]))
    again, said = strangers(data, calm)
    lab.ok(again is not None and "learns its senders anew" in said, "a damaged file is said, and costs no start", said)
    lab.ok(lab.verify(data)[0] == 0, "the ledger verifies", lab.verify(data))
lab.finish()
