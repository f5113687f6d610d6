"""What the catalog says about devices, beside what is true. Prints TAP. Usage: test_identify.py TOURNIQUET DOCS

The table of docs/identification.md is made here (--table prints it) and must be current: every header of the corpus's devices, what we say, what is
true. A model told with a confidence of 60 or more that is not the true one fails."""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import capture  # noqa: E402

PROGRAM, DOCS = sys.argv[1], sys.argv[2]
CORPUS = os.environ.get("TOURNIQUET_CORPUS")
FOLDER = tempfile.mkdtemp(prefix="tq-identify-")
SURE = 60
LIS = "10.9.255.1"

# file below astm/ → what is true: ids of the catalog, "maker:NAME" where the header tells no model, nothing where it is no device or names none.
# taken: from a real device, or written by developers who made the header up (the models are real).
ASTM = "astm/openelis/src/test/resources/astm-samples/"
DATA = "astm/openelis/src/test/resources/testdata/"
TRUTH = [
    ("astm/instruments/cobas_c111.txt", "real", ["roche-cobas-c-111"]),
    ("astm/instruments/genexpert.txt", "real", ["cepheid-genexpert"]),
    ("astm/instruments/spotchem_el.txt", "real", ["arkray-spotchem-el"]),
    ("astm/instruments/sysmex_xp100.txt", "real", ["sysmex-xp"]),
    (ASTM + "chemistry-panel.astm", "made up", ["beckman-coulter-au5800"]),
    (ASTM + "hematology-cbc.astm", "made up", ["sysmex-xn"]),
    (ASTM + "immunology-screening.astm", "made up", ["abbott-architect"]),
    (ASTM + "malformed.astm", "made up", []),
    (ASTM + "qc-control-results.astm", "made up", ["abbott-architect", "beckman-coulter-au5800", "sysmex-xn"]),
    (ASTM + "unit-mismatch.astm", "made up", ["maker:Sysmex"]),
    (ASTM + "unmapped-fields.astm", "made up", ["sysmex-xn", "maker:Roche"]),
    (DATA + "astm/horiba-micros60-cbc.astm", "made up", ["horiba-micros-60"]),
    (DATA + "astm/horiba-pentra60-cbc.astm", "made up", ["horiba-pentra-60"]),
    (DATA + "astm/mindray-ba88a-result.txt", "made up", ["mindray-ba-88a"]),
    (DATA + "stago/stago-start4-coagulation.astm", "made up", ["stago-start-4"]),
    (DATA + "stago/stago-start4-coagulation.hl7", "made up", ["maker:Stago"]),
    (DATA + "hl7/abbott-architect-result.hl7", "made up", ["abbott-architect"]),
    (DATA + "hl7/expected-order.hl7", "made up", ["openelis-global"]),
    (DATA + "hl7/genexpert-result.hl7", "made up", ["cepheid-genexpert"]),
    (DATA + "hl7/mindray-cbc-result.hl7", "made up", ["maker:Mindray"]),
    (DATA + "hl7/sysmex-result.hl7", "made up", ["maker:Sysmex"]),
    (DATA + "hl7/sysmex-xn-result.hl7", "made up", ["sysmex-xn-l"]),
    (DATA + "hl7/mindray/bc2000-cbc-result.hl7", "made up", ["mindray-bc-2000"]),
    (DATA + "hl7/mindray/bc5380-cbc-result.hl7", "made up", ["mindray-bc-5380"]),
    (DATA + "hl7/mindray/bs200-chemistry-result.hl7", "made up", ["mindray-bs-200"]),
    (DATA + "hl7/mindray/bs300-chemistry-result.hl7", "made up", ["mindray-bs-300"]),
    (DATA + "hl7/mindray/bs360e-chemistry-result.hl7", "made up", ["mindray-bs-360e"]),
]


def turns_of(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:1] in b"\x05\x02":
        return [(0, data)]
    lines = [line for line in data.replace(b"\r", b"\n").split(b"\n") if line.strip() and not line.startswith(b"#")]
    if lines[0].startswith((b"MSH", b"FHS", b"BHS")):
        return [(0, capture.mllp(*lines))]
    return [(0, b"\x05")] + [(0, f) for f in capture.astm_frames([line.decode("latin-1") for line in lines])] + [(0, b"\x04")]


def identify(name, data):
    """Events of a capture → {address: candidates}, and how the devices named themselves."""
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as f:
        f.write(data)
    sensed = subprocess.run([PROGRAM, "sense", path], capture_output=True, timeout=300, check=True)
    run = subprocess.run([PROGRAM, "catalog", "match"], input=sensed.stdout, capture_output=True, timeout=300, check=True)
    said = {}
    for line in sensed.stdout.splitlines():
        event = json.loads(line)
        if event["event"] == "asset.evidence" and "said" in event:
            text = "^".join(event["said"]) + ("|" + event["facility"] if "facility" in event else "")
            said.setdefault(event["ip"], []).append(text)
    told = {}
    for line in run.stdout.splitlines():
        device = json.loads(line)
        told[device.get("ip", device.get("mac"))] = device["candidates"]
    return told, said


def name_of(candidate):
    return candidate.get("id") or "maker:" + candidate["maker"]


def judge(candidates, truth):
    """The sure candidates, and what is right, wrong, and not told of the truth."""
    sure = [name_of(c) for c in candidates if c["confidence"] >= SURE]
    makers = {t for t in truth if t.startswith("maker:")}
    wrong = [s for s in sure if s not in truth]
    right = [t for t in truth if t in sure]
    missed = [t for t in truth if t not in sure and t not in makers] + [m for m in makers if m not in sure]
    return right, wrong, missed


def corpus_table():
    if CORPUS is None:
        return None
    traffic = capture.Capture()
    for i, (file, _, _) in enumerate(TRUTH):
        traffic.conversation("10.9.1.%d" % (i + 1), 40000 + i, LIS, 2575, turns_of(os.path.join(CORPUS, file)))
    told, said = identify("devices.pcap", traffic.bytes())
    rows, counts = [], {"real": [0, 0, 0], "made up": [0, 0, 0]}
    for i, (file, taken, truth) in enumerate(TRUTH):
        candidates = told.get("10.9.1.%d" % (i + 1), [])
        right, wrong, missed = judge(candidates, truth)
        for at, n in enumerate((right, wrong, missed)):
            counts[taken][at] += len(n)
        words = ", ".join("%s %d" % (name_of(c), c["confidence"]) for c in candidates) or "nothing"
        texts = [re.sub("T-[a-z2-7]{16}", "T-…", s) for s in said.get("10.9.1.%d" % (i + 1), [])]  # tokens differ from run to run
        headers = ", ".join("`%s`" % s.replace("|", "\\|") for s in dict.fromkeys(texts)) or "none"
        verdict = "wrong" if wrong else "right" if right and not missed else "not told" if missed else "right: nothing to tell"
        rows.append("| %s | %s | %s | %s | %s | %s |" % (os.path.basename(file), taken, headers, ", ".join(truth) or "no device", words, verdict))
    return rows, counts


def table():
    rows, counts = corpus_table()
    lines = ["| file | taken | how it names itself | what is true | what we say | |", "|---|---|---|---|---|---|"] + rows + [""]
    for taken in ("real", "made up"):
        lines.append("%s: %d right, %d wrong, %d not told." % (taken.capitalize(), *counts[taken]))
        lines.append("")
    return "\n".join(lines)


TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Skip(Exception):
    pass


def need_corpus():
    if CORPUS is None:
        raise Skip("TOURNIQUET_CORPUS is not set")


@test
def devices_of_the_corpus_are_never_wrong():
    need_corpus()
    rows, counts = corpus_table()
    wrong = [r for r in rows if r.endswith("| wrong |")]
    assert not wrong, "\n".join(wrong)
    assert counts["real"][0] == 3 and counts["made up"][0] >= 22, counts


@test
def the_page_is_current():
    need_corpus()
    with open(os.path.join(DOCS, "identification.md"), encoding="utf-8") as f:
        page = f.read()
    assert table() in page, "docs/identification.md: print the table with TOURNIQUET_CORPUS=… python3 tests/scene/test_identify.py PROGRAM docs --table"


@test
def messages_of_no_device_name_none():
    need_corpus()
    files = sorted(f for f in glob.glob(os.path.join(CORPUS, "hl7", "**", "*"), recursive=True) if os.path.isfile(f))
    assert len(files) > 300
    traffic = capture.Capture()
    for i, file in enumerate(files):
        with open(file, "rb") as f:
            message = f.read().replace(b"\r\n", b"\r").replace(b"\n", b"\r").rstrip(b"\r")
        source = "10.9.%d.%d" % (2 + i // 250, 1 + i % 250)
        traffic.conversation(source, 40000, LIS, 2575, [(0, capture.mllp(message)), (1, capture.ack("1"))])
    told, _ = identify("messages.pcap", traffic.bytes())
    named = {a: [name_of(c) for c in cs] for a, cs in told.items() if cs}
    assert not named, named


@test
def a_made_up_lab_has_no_known_device():
    """lab50: fifty analyzers of makers that do not exist, some with a real model's name (i2000), and cards with addresses given out on the site."""
    need_corpus()
    with open(os.path.join(CORPUS, "pcap", "lab", "lab50.pcap.zst"), "rb") as f:
        told, said = identify("lab50.pcap.zst", f.read())
    assert len(said) >= 50 and any("i2000" in s for texts in said.values() for s in texts)
    named = {a: cs for a, cs in told.items() if cs}
    assert not named, named


@test
def the_staged_lab_is_known_by_its_truth():
    """simulate lab: what each analyzer says it is, in its maker's form, against what it is."""
    path, wrong, right = os.path.join(FOLDER, "staged.pcap"), [], 0
    for seed in range(1, 4):
        subprocess.run([PROGRAM, "simulate", "lab", "--seed", str(seed), "--out", path], capture_output=True, timeout=120, check=True)
        with open(path, "rb") as f:
            told, said = identify("again.pcap", f.read())
        for address, candidates in told.items():
            words = " ".join(said.get(address, [])).lower()
            for c in candidates:
                if c["confidence"] < SURE or address not in said:
                    continue
                model = c.get("model", "").lower()
                if model and model.split()[-1] in words:
                    right += 1
                else:
                    wrong.append((seed, address, words, c))
    assert not wrong, wrong
    assert right >= 9, right


@test
def a_serial_number_takes_nothing_with_it():
    traffic = capture.Capture()
    traffic.conversation("10.9.1.1", 40000, LIS, 2575, capture.astm_session(["H|\\^&|||XP-100^00-13^^^^A7869^BS649542", "P|1", "O|1|S1||^^^WBC", "R|1|^^^WBC|5.5", "L|1|N"]))
    traffic.conversation("10.9.1.2", 40000, LIS, 2575, capture.astm_session(["H|\\^&|||ARCHITECT^8.10^12345678^H1P1O1R1C1Q1L1", "P|1", "O|1|S1||^^^TSH", "R|1|^^^TSH|5.5", "L|1|N"]))
    told, said = identify("serial.pcap", traffic.bytes())
    first, second = told["10.9.1.1"][0], told["10.9.1.2"][0]
    assert (first["id"], first["model"], first["serial"], first["software"]) == ("sysmex-xp", "XP-100", "A7869", "00-13"), first
    assert (second["id"], second["software"]) == ("abbott-architect", "8.10") and second["serial"].startswith("T-"), second
    assert "649542" not in str(said) and "12345678" not in str(said), said


@test
def a_lab_adds_its_own():
    own = os.path.join(FOLDER, "own")
    os.mkdir(own)
    with open(os.path.join(own, "ours.txt"), "w", encoding="utf-8") as f:
        f.write("maker: Roche\nmodel: cobas in room 2\nid: our-cobas\nclass: chemistry\nsaid: astm CHEM1\nsource: set by us\nsure: seen\n")
    event = b'{"event":"asset.evidence","time":"2026-01-01T00:00:00Z","ip":"10.9.1.1","source":"astm.h","said":["CHEM1"]}\n'

    def match(*arguments):
        run = subprocess.run([PROGRAM, "catalog", "match", *arguments], input=event, capture_output=True, timeout=60, check=True)
        return json.loads(run.stdout)["candidates"]

    assert match() == []
    told = match("--catalog", own)
    assert told[0]["id"] == "our-cobas" and told[0]["own"] is True, told
    checked = subprocess.run([PROGRAM, "catalog", "check", os.path.join(own, "ours.txt")], capture_output=True, timeout=60, check=False)
    assert checked.returncode == 0 and json.loads(checked.stdout)["valid"] is True
    with open(os.path.join(own, "bad.txt"), "w", encoding="utf-8") as f:
        f.write("maker: Roche\nmodel: x\nclass: chemystry\n")
    checked = subprocess.run([PROGRAM, "catalog", "check", os.path.join(own, "bad.txt")], capture_output=True, timeout=60, check=False)
    assert checked.returncode == 1 and b"bad.txt:3:8: class: expected a class" in checked.stderr, checked.stderr
    for wrong in (["match", "--catalog", own], ["match", "--catalog", own + "/none"], ["nothing"], []):
        run = subprocess.run([PROGRAM, "catalog", *wrong], input=event, capture_output=True, timeout=60, check=False)
        assert run.returncode == 2 and run.stderr, wrong
    run = subprocess.run([PROGRAM, "catalog", "match"], input=b"nothing\n", capture_output=True, timeout=60, check=False)
    assert run.returncode == 2


@test
def every_model_is_listed():
    run = subprocess.run([PROGRAM, "catalog", "list"], capture_output=True, timeout=60, check=True)
    models = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(models) >= 240 and len({m["id"] for m in models}) == len(models)
    assert all(m["sure"] == "unverified" or m["source"] for m in models)


def main():
    if "--table" in sys.argv:
        print(table())
        return 0
    failed = 0
    print("1..%d" % len(TESTS))
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (number, name))
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, name, why))
        except Exception as why:  # noqa: BLE001
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("\n".join("# " + line for line in (type(why).__name__ + ": " + str(why)).splitlines()[:20]))
        sys.stdout.flush()
    return 1 if failed else 0


sys.exit(main())
