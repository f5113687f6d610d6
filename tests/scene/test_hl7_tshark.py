"""HL7 messages beside tshark's dissector: every message of the corpus, over TCP in pieces of random size, read by both. Prints TAP.
Usage: test_hl7_tshark.py TOURNIQUET. Needs TOURNIQUET_CORPUS and tshark; says 'skipped' without them.

Where the two differ is counted by reason. A reason that is not one of REASONS fails the test; docs/hl7-tshark.md explains them."""

import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import capture  # noqa: E402

PROGRAM = sys.argv[1]
PORT = 2575
SEED = int(os.environ.get("TOURNIQUET_SEED", "1"))
RESULTS = ("ORU", "OUL", "OPU", "ORF")

# What explains a difference. Each is checked, not assumed.
REASONS = {
    "sender from MSH-4": "MSH-3 is empty: we take MSH-4",
    "receiver from MSH-6": "MSH-5 is empty: we take MSH-6",
    "not results": "OBX of a message that tells no results are none to us",
    "alternate identifier": "the first component of OBX-3 is empty: we take the alternate one",
    "components of units": "OBX-6 has components: the first is the unit",
    "escapes": "we undo escape sequences",
}


def corpus():
    folder = os.environ.get("TOURNIQUET_CORPUS", "")
    top = os.path.join(folder, "hl7", "_messages")
    out = []
    for where, _, names in sorted(os.walk(top)) if folder else []:
        for name in sorted(names):
            if name.endswith(".hl7"):
                with open(os.path.join(where, name), "rb") as f:
                    out.append((name, f.read()))
    return out


def pieces(data, chance):
    while data:
        n = chance.randint(1, 400)
        yield data[:n]
        data = data[n:]


def write(messages, file):
    chance = random.Random(SEED)
    out = capture.Capture()
    for i, (_, data) in enumerate(messages):
        turns = [(0, piece) for piece in pieces(b"\x0b" + data + b"\x1c\r", chance)]
        out.conversation("10.1.%d.%d" % (i // 250, 1 + i % 250), 30000 + i, "10.9.9.9", PORT, turns)
    with open(file, "wb") as f:
        f.write(out.bytes())


def by_tshark(file):
    """Stream → what tshark shows: fields of MSH by its own numbers, names of segments."""
    run = subprocess.run(
        ["tshark", "-r", file, "-d", "tcp.port==%d,hl7" % PORT, "-Y", "hl7", "-T", "pdml"], capture_output=True, timeout=240, check=True
    )
    out = {}
    for packet in ElementTree.fromstring(run.stdout).iter("packet"):
        stream = int(packet.find(".//field[@name='tcp.stream']").get("show"))
        hl7 = packet.find("./proto[@name='hl7']")
        seen = {"segments": [], "msh": {}, "obx": []}
        for field in hl7.iter("field"):
            name = field.get("name")
            if name == "hl7.segment":
                seen["segments"].append(field.get("show")[:3])
                if seen["segments"][-1] == "OBX":
                    seen["obx"].append({})
            elif name == "hl7.field" and seen["segments"][-1:] == ["OBX"]:
                number, _, _ = field.get("showname")[len("field ") :].partition(": ")
                seen["obx"][-1][int(number) - 1] = field.get("show")  # tshark counts the segment's name as field 1
            elif name == "hl7.field" and seen["segments"][-1:] == ["MSH"] and len(seen["segments"]) == 1:
                number, _, _ = field.get("showname")[len("field ") :].partition(": ")
                seen["msh"][int(number)] = field.get("show")  # but in MSH the number is right
        out.setdefault(stream, []).append(seen)
    return out


def by_us(file):
    run = subprocess.run([PROGRAM, "sense", "--reveal", file], capture_output=True, timeout=240, check=True)
    out = {}
    for line in run.stdout.splitlines():
        event = json.loads(line)
        if event["event"] == "lab.message":
            event["obx"] = []
            out.setdefault(event["flow"]["sport"] - 30000, []).append(event)
        elif event["event"] == "lab.result":
            out[event["flow"]["sport"] - 30000][-1]["obx"].append(event)
    return out


def in_header(theirs, ours):
    msh = theirs["msh"]
    code, event = (msh.get(9, "").split("^") + ["", ""])[:2]
    yield "type", None, code + ("^" + event if event and code != "ACK" else ""), ours.get("type", "")
    yield "control_id", None, msh.get(10, ""), ours.get("control_id", "")
    yield "version", None, msh.get(12, "").split("^")[0], ours.get("version", "")
    yield "charset", None, msh.get(18, "").split("~")[0], ours.get("charset", "")
    for what, number in (("sender", 3), ("receiver", 5)):
        there, here = msh.get(number, ""), ours.get(what, "")
        instead = not there and here == msh.get(number + 1, "")
        yield what, "%s from MSH-%d" % (what, number + 1) if instead else None, there, here


def plain(text):
    """The escape sequences that the corpus has, undone in another way than the program does it."""
    for letter, sign in (("F", "|"), ("S", "^"), ("T", "&"), ("R", "~")):
        text = text.replace("\\%s\\" % letter, sign)
    return re.sub(r"\\\.(br|sp|ce|sk)[^\\]*\\", " ", text).replace("\\E\\", "\\")


def in_results(theirs, ours):
    for there, here in zip(theirs["obx"], ours["obx"]):
        test = (there.get(3, "").split("^") + [""] * 4)[:5]
        code, said = here.get("test", {}).get("code", ""), test[0] or test[3]
        reason = "escapes" if plain(said) == code else None
        if not test[0] and plain(said) == code:
            reason = "alternate identifier"
        yield "test", reason, test[0], code
        value = there.get(5, "")
        yield "value", "escapes" if plain(value) == here.get("value", "") else None, value, here.get("value", "")
        units = there.get(6, "")
        yield "units", "components of units" if units.startswith(here.get("units", "") + "^") else None, units, here.get("units", "")
        yield "status", None, there.get(11, ""), here.get("status", "")


def differences(theirs, ours):
    """Every field that both show: (what, reason or None, theirs, ours) where they differ."""
    tells = ours["type"].startswith(RESULTS)
    pairs = list(in_header(theirs, ours)) + list(in_results(theirs, ours))
    pairs.append(("results", None if tells else "not results", theirs["segments"].count("OBX"), ours["results"]))
    pairs.append(("patients", None, theirs["segments"].count("PID"), ours["patients"]))
    if not tells:
        pairs.append(("orders", None, theirs["segments"].count("OBR"), ours.get("orders", 0)))
    return len(pairs), [p for p in pairs if p[2] != p[3]]


def main():
    messages = corpus()
    if not messages or shutil.which("tshark") is None:
        print("1..1\nok 1 - hl7 beside tshark # SKIP skipped: needs %s" % ("tshark" if messages else "TOURNIQUET_CORPUS"))
        return 0
    with tempfile.TemporaryDirectory(prefix="tq-tshark-") as folder:
        file = os.path.join(folder, "hl7.pcap")
        write(messages, file)
        theirs, ours = by_tshark(file), by_us(file)
    counts, wrong = collections.Counter(), []
    equal = compared = fields = 0
    for i, (name, _) in enumerate(messages):
        a, b = theirs.get(i, []), ours.get(i, [])
        if len(a) != 1 or len(b) != 1:
            wrong.append("%s: %d messages to tshark, %d to us" % (name, len(a), len(b)))
            continue
        compared += 1
        n, found = differences(a[0], b[0])
        fields += n
        equal += not found
        for what, reason, there, here in found:
            if reason is None:
                wrong.append("%s: %s is %r to tshark, %r to us" % (name, what, there, here))
            else:
                counts[reason] += 1
    print("1..2")
    print("# seed %d; %d messages, %d read by both, %d equal in all; %d fields" % (SEED, len(messages), compared, equal, fields))
    for reason, n in sorted(counts.items()):
        print("# %4d %s: %s" % (n, reason, REASONS[reason]))
    for line in wrong[:20]:
        print("# " + line)
    print("%sok 1 - every message of the corpus is read by both" % ("" if compared == len(messages) else "not "))
    print("%sok 2 - every difference has a reason (%d without)" % ("not " if wrong else "", len(wrong)))
    return 1 if wrong else 0


sys.exit(main())
