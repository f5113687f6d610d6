"""tourniquet sense, driven as people drive it. Prints TAP. Usage: test_sense.py TOURNIQUET"""

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import capture  # noqa: E402

PROGRAM = sys.argv[1]
FOLDER = tempfile.mkdtemp(prefix="tq-sense-")
TESTS = []


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def path(name, data=None):
    full = os.path.join(FOLDER, name)
    if data is not None:
        with open(full, "wb") as f:
            f.write(data)
        os.chmod(full, 0o600)
    return full


def sense(*arguments, stdin=None):
    return subprocess.run([PROGRAM, "sense", *arguments], input=stdin, capture_output=True, timeout=120, check=False)


def lines(run):
    """Every line of the output, parsed: each must be one JSON object without a key twice."""

    def no_twice(pairs):
        keys = [k for k, _ in pairs]
        assert len(keys) == len(set(keys)), "a key twice: %s" % keys
        return dict(pairs)

    out = []
    for line in run.stdout.splitlines():
        event = json.loads(line, object_pairs_hook=no_twice)
        assert isinstance(event, dict) and "event" in event and "time" in event, line
        out.append(event)
    return out


def events(run, name):
    return [e for e in lines(run) if e["event"] == name]


def findings(run):
    return {e["kind"]: e for e in events(run, "finding")}


def stats(run):
    (one,) = events(run, "stats")
    return one


def small():
    c = capture.Capture()
    c.conversation("10.0.5.11", 40000, "10.0.5.2", 2575, [(0, capture.result("A1")), (1, capture.ack("A1")), (0, capture.result("A2", specimen="S101")), (1, capture.ack("A2"))])
    c.conversation(
        "10.0.5.12",
        40001,
        "10.0.5.2",
        4000,
        capture.astm_session(
            ["H|\\^&|M1||HEMA^XN^12|||||LIS||P|LIS2-A2|20260302080000", "P|1||4711234||DOE^JOHN", "O|1|S200||^^^WBC", "R|1|^^^WBC|6.1|10*3/uL||N||F||||20260302080000", "L|1|N"]
        ),
    )
    return c


SMALL = small().bytes()


@test
def events_and_their_shape():
    run = sense(path("small.pcap", SMALL))
    assert run.returncode == 0, run.stderr
    assert run.stderr == b"", run.stderr
    messages = events(run, "lab.message")
    assert [m["type"] for m in messages] == ["ORU^R01", "ACK", "ORU^R01", "ACK", "ASTM.RESULT"], messages
    assert messages[0]["flow"]["src"] == "10.0.5.11" and messages[0]["flow"]["dport"] == 2575 and messages[0]["flow"]["proto"] == "tcp"
    assert messages[0]["malformed"] is None and messages[0]["ack"] is None
    assert messages[1]["ack"] == {"code": "AA", "for": "A1"}
    results = events(run, "lab.result")
    assert len(results) == 3
    for r in results:
        assert r["patient"].startswith("P-") and r["specimen"].startswith("S-") and r["value_digest"].startswith("V-")
        assert not {"value", "patient_id", "specimen_id", "private"} & set(r)
    assert results[0]["test"] == {"code": "GLU", "system": "L", "text": "Glucose"}
    assert results[0]["message"] == messages[0]["id"]
    assert results[0]["patient"] == results[1]["patient"] and results[0]["specimen"] != results[1]["specimen"]
    assert results[0]["value_digest"] != results[1]["value_digest"], "equal values of different specimens differ"
    closed = events(run, "flow.closed")
    assert sorted(f["app"] for f in closed) == ["astm", "hl7"] and all(f["community_id"].startswith("1:") for f in closed)
    assert b"EXAMPLE" not in run.stdout and b"595774" not in run.stdout and b"DOE" not in run.stdout


@test
def stats_line():
    run = sense(path("small.pcap"), "--stats")
    (one,) = lines(run)
    keys = (
        "packets bytes flows tcp_gaps retransmitted hl7_messages hl7_by_type astm_messages astm_records_by_type astm_good_frames astm_damaged_frames "
        "poct1a_messages dicom_associations results malformed findings_by_kind elapsed_s"
    ).split()
    assert not set(keys) - set(one), set(keys) - set(one)
    assert one["event"] == "stats" and one["packets"] == len(small().packets)
    assert one["flows"] == 2 and one["hl7_messages"] == 4 and one["hl7_by_type"] == {"ACK": 2, "ORU^R01": 2}
    assert one["astm_messages"] == 1 and one["astm_good_frames"] == 5 and one["results"] == 3
    assert one["astm_records_by_type"] == {"H": 1, "L": 1, "O": 1, "P": 1, "R": 1}
    assert one["findings_by_kind"] == {"phi.cleartext": 2}
    assert one["flows_by_label"] == {"astm": 1, "hl7": 1}
    wide = stats(sense(path("small.pcap"), "--stats", "--labels", "ndpi"))
    assert {k: v for k, v in wide.items() if k != "elapsed_s"} == {k: v for k, v in one.items() if k != "elapsed_s"}, "a lab protocol that is recognised wins"
    both = sense(path("small.pcap"), "--stats", "--events")
    assert lines(both)[-1]["event"] == "stats" and len(events(both, "lab.result")) == 3


@test
def packed_and_piped():
    plain = stats(sense(path("small.pcap"), "--stats"))
    inputs = [(path("small.pcap.gz", gzip.compress(SMALL)), None), ("-", SMALL), ("-", gzip.compress(SMALL))]
    if shutil.which("zstd"):
        packed = subprocess.run(["zstd", "-q", "-c"], input=SMALL, capture_output=True, check=True).stdout
        inputs += [(path("small.pcap.zst", packed), None), ("-", packed)]
    for name, data in inputs:
        run = sense(name, "--stats", stdin=data)
        assert run.returncode == 0, run.stderr
        one = stats(run)
        for key in ("packets", "bytes", "results", "hl7_by_type", "first_time", "last_time"):
            assert one[key] == plain[key], (name, key)


@test
def token_keys():
    raw = path("raw.key", bytes(range(32)))
    digits = path("hex.key", bytes(range(32)).hex().encode() + b"\n")
    other = path("other.key", b"\x07" * 32)

    def patients(*more):
        return {r["patient"] for r in events(sense(path("small.pcap"), *more), "lab.result")}

    assert patients("--token-key", raw) == patients("--token-key", digits)
    assert patients("--token-key", raw) != patients("--token-key", other)
    assert patients() != patients()
    ids = [findings(sense(path("small.pcap"), "--token-key", raw))["phi.cleartext"]["id"] for _ in range(2)]
    assert ids[0] == ids[1] and len(ids[0]) == 32
    os.chmod(other, 0o644)
    run = sense(path("small.pcap"), "--token-key", other)
    assert run.returncode == 2 and b"other.key" in run.stderr and b"chmod" in run.stderr and run.stdout == b""
    for bad in (b"", b"short", b"\x01" * 31, b"z" * 64, b"0" * 70):
        run = sense(path("small.pcap"), "--token-key", path("bad.key", bad))
        assert run.returncode == 2 and b"64 hexadecimal" in run.stderr, (bad, run.stderr)
    assert sense(path("small.pcap"), "--token-key", path("none.key")).returncode == 2


@test
def the_same_key_says_the_same_in_the_same_order():
    """What counts by keyed hashes (the ends that a scan tries) counts the same with the same key; with others it may not."""
    scan = capture.Capture()
    for port in range(1, 41):
        scan.segment("10.0.5.66", 40000, "10.0.5.15", port * 97, 1, 0, 0x02)
        scan.segment("10.0.5.15", port * 97, "10.0.5.66", 40000, 0, 2, 0x14)
    name = path("scan.pcap", scan.bytes())
    keys = [path("%d.key" % i, bytes([i]) * 32) for i in range(12)]
    said = {sense(name, "--token-key", keys[0], "--custody").stdout for _ in range(4)}
    assert len(said) == 1, said
    places = {[e["event"] for e in lines(sense(name, "--token-key", k))].index("finding") for k in keys}
    assert len(places) > 1, "no key makes a difference: this test says nothing"


@test
def reveal():
    run = sense(path("small.pcap"), "--reveal")
    one = events(run, "lab.result")[0]
    assert one["patient_id"] == "595774" and one["specimen_id"] == "S100" and one["value"] == "5.1" and one["patient"].startswith("P-")
    assert b"EXAMPLE" not in run.stdout, "names are not shown even so"


@test
def fail_on():
    for severity in ("medium", "high"):
        assert sense(path("small.pcap"), "--fail-on", severity).returncode == 0
    for severity in ("info", "low"):
        assert sense(path("small.pcap"), "--fail-on", severity).returncode == 1
    assert sense(path("small.pcap"), "--stats", "--fail-on", "low").returncode == 1
    assert sense(path("small.pcap"), "--fail-on", "awful").returncode == 2


@test
def wrong_use():
    for arguments, word in [
        ((), b"name a file"),
        (("a", "b"), b"one capture"),
        ((path("none.pcap"),), b"no such file"),
        ((FOLDER,), b"folder"),
        ((path("text", b"this is no capture, but long enough to look at\n" * 3),), b"text"),
        ((path("empty", b""),), b"empty"),
        ((path("head.pcap", SMALL[:24]),), b"not one packet"),
        ((path("small.pcap"), "--nonsense"), b"--nonsense"),
        ((path("small.pcap"), "--rules", "x"), b"--rules"),
        ((path("small.pcap"), "--intel", "x"), b"--intel"),
        ((path("small.pcap"), "--labels", "other"), b"--labels"),
        (("-i", "nosuch0"), b"nosuch0"),
        ((path("small.pcap"), "--token-key"), b"--token-key"),
    ]:
        run = sense(*arguments)
        assert run.returncode == 2, (arguments, run.returncode, run.stderr)
        assert run.stdout == b"" and word in run.stderr and run.stderr.count(b"\n") == 1, (arguments, run.stderr)


@test
def ndpi_is_loaded_only_where_it_is_asked_for():
    os.mkdir(os.path.join(FOLDER, "broken"))
    path(os.path.join("broken", "libndpi.so.4.2"), b"no library")
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.join(FOLDER, "broken"))
    command = [PROGRAM, "sense", path("small.pcap"), "--stats"]
    own = subprocess.run(command, capture_output=True, timeout=60, check=False, env=environment)
    assert own.returncode == 0, own.stderr
    wide = subprocess.run([*command, "--labels", "ndpi"], capture_output=True, timeout=60, check=False, env=environment)
    assert wide.returncode == 2 and b"libndpi4.2" in wide.stderr and wide.stdout == b"", wide.stderr


@test
def verbs_and_help():
    def program(*arguments):
        return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=60, check=False)

    assert program("--version").stdout.startswith(b"tourniquet ")
    assert b"sense" in program("--help").stdout and program("--help").returncode == 0
    assert b"--token-key" in program("help", "sense").stdout
    assert program("sense", "--help").stdout == program("help", "sense").stdout
    for arguments in (("nonsense",), ("help", "nonsense"), ()):
        run = program(*arguments)
        assert run.returncode == 2 and run.stdout == b"" and run.stderr != b""


@test
def cut_captures_are_read_as_far_as_they_go():
    for at in range(25, len(SMALL), 97):
        run = sense("-", "--stats", stdin=SMALL[:at])
        assert run.returncode in (0, 2), (at, run.stderr)
        assert run.stderr.count(b"\n") <= 1, run.stderr
        if run.returncode == 0:
            assert stats(run)["packets"] > 0
    cut = SMALL[: len(SMALL) - 30]
    run = sense(path("cut.pcap", cut), "--stats")
    assert run.returncode == 0 and stats(run)["packets"] == len(small().packets) - 1, run.stderr
    assert b"cut.pcap" in run.stderr and run.stderr.count(b"\n") == 1, run.stderr


@test
def reader_that_goes_away():
    big = capture.Capture()
    for i in range(400):
        big.conversation("10.0.5.11", 40000 + i, "10.0.5.2", 2575, [(0, capture.result("A%d" % i)) for _ in range(5)])
    name = path("big.pcap", big.bytes())
    run = subprocess.run(["sh", "-c", '"$1" sense "$2" | head -n 1; ', "sh", PROGRAM, name], capture_output=True, timeout=60, check=False)
    assert run.returncode == 0 and run.stdout.count(b"\n") == 1 and run.stderr == b"", run.stderr
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([PROGRAM, "sense", name], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
        assert run.returncode == 3 and b"standard output" in run.stderr, run.stderr


@test
def a_live_pipe_is_answered_while_it_flows():
    data = small().bytes()
    run = subprocess.Popen([PROGRAM, "sense", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    run.stdin.write(data)
    run.stdin.flush()
    seen = json.loads(run.stdout.readline())  # would wait for ever if output waited for a full block
    assert seen["event"]
    run.send_signal(signal.SIGINT)
    out, problems = run.communicate(timeout=30)
    assert run.returncode == 0 and problems == b"", (run.returncode, problems)
    assert b"flow.closed" in out, "what was open is closed before the end"


def lab(seconds=90):
    """A quiet lab that has been heard for long enough to know its senders."""
    c = capture.Capture()
    for i in range(seconds // 10):
        c.conversation("10.0.5.11", 41000 + i, "10.0.5.2", 2575, [(0, capture.result("A%d" % i, specimen="Q%d" % i)), (1, capture.ack("A%d" % i))])
        c.wait(10)
    return c


@test
def quiet_lab_raises_nothing_above_medium():
    run = sense("-", stdin=lab().bytes())
    assert set(findings(run)) == {"phi.cleartext"}, findings(run)
    assert sense("-", "--fail-on", "high", stdin=lab().bytes()).returncode == 0


@test
def unknown_and_spoofed_senders():
    c = lab()
    c.conversation("10.0.5.66", 42000, "10.0.5.2", 2575, [(0, capture.result("X1", sender="ROGUE")), (1, capture.ack("X1"))])
    f = findings(sense("-", stdin=c.bytes()))
    assert f["sender.unknown"]["severity"] == "high" and "10.0.5.66" in f["sender.unknown"]["title"] and "ROGUE" in f["sender.unknown"]["title"]
    c = lab()
    c.conversation("10.0.5.66", 42000, "10.0.5.2", 2575, [(0, capture.result("X1")), (1, capture.ack("X1"))])
    f = findings(sense("-", stdin=c.bytes()))
    assert f["sender.spoofed"]["severity"] == "critical" and "sender.unknown" not in f


@test
def altered_and_corrected_results():
    c = lab()
    c.conversation("10.0.5.11", 42000, "10.0.5.2", 2575, [(0, capture.result("A90", "5.1", specimen="S9")), (0, capture.result("A91", "9.9", specimen="S9"))])
    f = findings(sense("-", stdin=c.bytes()))
    assert f["result.altered"]["severity"] == "critical" and f["result.altered"]["technique"] == "T1565.002"
    assert len(f["result.altered"]["evidence"]["messages"]) == 2  # what was sent first, and what came then
    c = lab()
    c.conversation(
        "10.0.5.11", 42000, "10.0.5.2", 2575, [(0, capture.result("A90", "5.1", specimen="S9")), (0, capture.result("A91", "9.9", specimen="S9", status="C"))]
    )
    f = findings(sense("-", stdin=c.bytes()))
    assert "result.altered" not in f and f["result.corrected"]["severity"] == "info"


@test
def damaged_message():
    c = lab()
    c.conversation("10.0.5.11", 42000, "10.0.5.2", 2575, [(0, capture.result("A90").replace(b"OBR|1", b"?|1"))])
    run = sense("-", stdin=c.bytes())
    f = findings(run)
    assert f["message.malformed"]["severity"] == "medium" and stats(sense("-", "--stats", stdin=c.bytes()))["malformed"] == 1


def simulated(*arguments):
    name, truth = path("lab.pcap"), path("lab.json")
    run = subprocess.run([PROGRAM, "simulate", "lab", "--out", name, "--truth", truth, *arguments], capture_output=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    with open(truth, encoding="utf-8") as f:
        return name, json.load(f)


@test
def a_clean_simulated_lab_is_quiet():
    for seed in ("1", "2", "3", "4"):
        name, _ = simulated("--seed", seed)
        above = [f for f in events(sense(name), "finding") if f["severity"] in ("high", "critical")]
        assert not above, above


@test
def staged_attacks_are_found():
    kinds = ("sender.unknown", "sender.spoofed", "message.malformed", "message.hostile", "result.altered", "result.replayed")
    for seed in ("5", "6"):
        for kind in kinds:
            name, truth = simulated("--seed", seed, "--attack", kind)
            (attack,) = truth["attacks"]
            found = [f for f in events(sense(name, "--reveal"), "finding") if f["kind"] == kind]
            assert found, (seed, kind)
            assert any(f["time"][:16] == attack["time"][:16] or attack.get("src", "-") in f["title"] for f in found), (attack, found)


@test
def counting_alone_finds_the_same():
    """Without events the sensor makes only what the detector reads: everything counted must stay as it is."""
    for seed in ("7", "8", "9"):
        name, _ = simulated("--seed", seed, "--attack", "all")
        alone, beside = (stats(sense(name, *options)) for options in (["--stats"], ["--stats", "--events"]))
        for one in (alone, beside):
            del one["elapsed_s"]
        assert alone == beside, (alone, beside)
        assert len(alone["findings_by_kind"]) >= 7, alone["findings_by_kind"]


# ── Patients' data ──

HL7_SHOWN = {  # fields that outsiders fill and that may be shown: the rest must not be
    "MSH": {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 18, 21},
    "OBX": {2, 3, 6, 8, 11, 18},
    "MSA": {1, 2},
}
ASTM_SHOWN = {"H": {1, 2, 3, 5, 10, 13}, "R": {1, 3, 5, 7, 9}, "P": {1}, "O": {1, 5}, "C": {1}, "M": {1}, "Q": {1}, "S": {1}, "L": {1}}


class Markers:
    """Texts that nothing else holds, one for each field, each with a word and a number of its own."""

    def __init__(self):
        self.n = 0

    def next(self):
        self.n += 1
        return "Zqx%c%cmark%d" % (97 + self.n // 26 % 26, 97 + self.n % 26, 1000 + self.n)


def hl7_segment(m, name, fields, keep):
    out = []
    for i in range(1, fields + 1):
        if i in HL7_SHOWN.get(name, ()):
            out.append(keep.get(i, ""))
        else:
            out.append("%s^%s&%s~%s" % (m.next(), m.next(), m.next(), m.next()))
    if name == "MSH":
        return "MSH|^~\\&|" + "|".join(out[2:])
    return name + "|" + "|".join(out)


def hl7_message(m, kind="ORU^R01", echo=None):
    msh = {3: "CHEM", 4: "LAB", 5: "LIS", 6: "HOSP", 9: kind, 10: "A1", 11: "P", 12: "2.5.1", 21: "LAB-29^IHE"}
    obx = {2: "NM", 3: "GLU^Glucose^L", 6: "mmol/L", 8: "N", 11: "F", 18: "AB123"}
    if echo is not None:  # what may be shown repeats what may not
        msh.update({3: echo, 5: echo, 10: echo, 12: echo, 18: echo, 21: echo})
        obx.update({2: echo, 3: "%s^%s^%s" % (echo, echo, echo), 6: echo, 8: echo, 11: echo, 18: echo})
    segments = [hl7_segment(m, "MSH", 21, msh)]
    for name, n in [("SFT", 6), ("PID", 39), ("PD1", 21), ("NK1", 39), ("NTE", 4), ("PV1", 52), ("PV2", 49), ("IN1", 53), ("IN2", 72), ("GT1", 57), ("AL1", 6), ("DG1", 21), ("MRG", 7)]:
        segments.append(hl7_segment(m, name, n, {}))
    for name, n in [("ORC", 31), ("OBR", 50), ("NTE", 4), ("TQ1", 14), ("OBX", 25), ("NTE", 4), ("SPM", 29), ("SAC", 44), ("TCD", 8), ("INV", 20), ("ZZZ", 12), ("QPD", 9), ("ERR", 12)]:
        segments.append(hl7_segment(m, name, n, obx))
    return segments


def astm_record(m, kind, fields, keep):
    out = [kind]
    for i in range(2, fields + 1):
        if i in ASTM_SHOWN.get(kind, ()):
            out.append(keep.get(i, ""))
        else:
            out.append("%s^%s\\%s" % (m.next(), m.next(), m.next()))
    return "|".join(out)


def astm_message(m, echo=None):
    header = {2: "\\^&", 3: "M1", 5: "HEMA^XN", 10: "LIS", 13: "LIS2-A2"}
    other = {3: "^^^WBC", 5: "10*3/uL", 7: "N", 9: "F"}
    if echo is not None:
        header.update({3: echo, 5: echo, 10: echo, 13: echo})
        other = {3: "^^^" + echo, 5: echo, 7: echo, 9: echo}
    records = [astm_record(m, "H", 14, header)]
    for kind, n in [("P", 35), ("C", 5), ("O", 31), ("C", 5), ("R", 14), ("C", 5), ("M", 8), ("S", 8), ("Q", 13)]:
        records.append(astm_record(m, kind, n, other))
    return records + ["L|1|N"]


def assert_no_marker(data):
    for arguments in (("--stats", "--events"), ("--stats",)):
        run = sense("-", *arguments, stdin=data)
        assert run.returncode == 0, run.stderr
        for text in (run.stdout, run.stderr):
            leak = re.search(rb"zqx[a-z]{2}mark1|mark1[0-9]{3}", text, re.IGNORECASE)  # no token can hold these: base32 has no 1
            assert leak is None, text[max(0, leak.start() - 200) : leak.end() + 80]
    return lines(sense("-", stdin=data))


@test
def no_field_of_hl7_gets_out():
    for kind in ("ORU^R01", "OUL^R22", "OML^O33", "QBP^Q11", "ADT^A08", "ACK"):
        c = capture.Capture()
        c.conversation("10.0.5.11", 40000, "10.0.5.2", 2575, [(0, capture.mllp(*hl7_message(Markers(), kind)))])
        seen = assert_no_marker(c.bytes())
        assert [e for e in seen if e["event"] == "lab.message"], seen
        if kind == "ORU^R01":
            assert [e for e in seen if e["event"] == "lab.result"]


@test
def no_echo_of_the_patient_gets_out():
    m = Markers()
    segments = hl7_message(m, "ORU^R01")
    pid = [s for s in segments if s.startswith("PID|")][0]
    for word in (pid.split("|")[5].split("^")[0], pid.split("|")[3].split("^")[0].upper(), "Dr " + pid.split("|")[11].split("~")[1], pid.split("|")[39].split("&")[1].split("~")[0] + "-7"):
        c = capture.Capture()
        c.conversation("10.0.5.11", 40000, "10.0.5.2", 2575, [(0, capture.mllp(*hl7_message(Markers(), "ORU^R01", echo=word)))])
        assert_no_marker(c.bytes())
        assert word.encode() in sense("-", "--reveal", stdin=c.bytes()).stdout, "the marker is there to be hidden"


@test
def no_field_of_astm_gets_out():
    c = capture.Capture()
    c.conversation("10.0.5.12", 40000, "10.0.5.2", 4000, capture.astm_session(astm_message(Markers())))
    seen = assert_no_marker(c.bytes())
    assert [e for e in seen if e["event"] == "lab.result"], seen
    patient = [r for r in astm_message(Markers()) if r.startswith("P|")][0]
    for word in (patient.split("|")[5].split("^")[0], patient.split("|")[2].split("\\")[1].lower()):
        c = capture.Capture()
        c.conversation("10.0.5.12", 40000, "10.0.5.2", 4000, capture.astm_session(astm_message(Markers(), echo=word)))
        assert_no_marker(c.bytes())


def poct1a_message(m):
    patient = "".join('<PT.%s V="%s"/>' % (name, m.next()) for name in ("patient_id", "location", "name", "birth_date", "gender_cd", "weight", "height"))
    observation = '<OBS.observation_id V="GLU" SN="LN" DN="%s"/><OBS.value V="%s" U="mg/dL"/><OBS.method_cd V="M"/><OBS.status_cd V="A"/>' % (m.next(), m.next())
    notes = '<NTE><NTE.text V="%s"/></NTE>%s<!-- %s --><![CDATA[%s]]>' % (m.next(), m.next(), m.next(), m.next())
    names = "OPR.operator_id OPR.name ORD.universal_service_id ORD.ordering_provider_id ORD.order_id SPC.specimen_dttm SPC.source_cd RGT.name RGT.lot_number"
    others = "".join('<%s><%s V="%s"/></%s>' % (name[:3], name, m.next(), name[:3]) for name in names.split())
    return (
        '<OBS.R01><HDR><HDR.message_type V="OBS.R01"/><HDR.control_id V="7"/><HDR.version_id V="POCT1"/></HDR><SVC><SVC.role_cd V="OBS"/>'
        "<PT>%s<OBS>%s</OBS>%s</PT>%s</SVC></OBS.R01>" % (patient, observation, notes, others)
    ).encode()


@test
def no_field_of_poct1a_gets_out():
    message = poct1a_message(Markers())
    for data in (message, message[: len(message) // 2]):
        c = capture.Capture()
        c.conversation("10.0.5.13", 40000, "10.0.5.2", 3001, [(0, data)])
        seen = assert_no_marker(c.bytes())
        assert [e for e in seen if e["event"] == "lab.message"], seen
    word = re.search(rb'PT.name V="(\w+)"', message).group(1)  # what may be shown repeats what may not
    for shown in (b'V="GLU"', b'V="M"', b'V="7"'):
        message = message.replace(shown, b'V="' + word + b'"')
    c = capture.Capture()
    c.conversation("10.0.5.13", 40000, "10.0.5.2", 3001, [(0, message.replace(b"mg/dL", word.lower()))])
    assert [e for e in assert_no_marker(c.bytes()) if e["event"] == "lab.result"]


@test
def nothing_around_hl7_gets_out():
    """HTTP around it, batches, messages that go on in the next one, documents, and errors that quote what they answer."""
    m = Markers()
    head = "MSH|^~\\&|CHEM|LAB|LIS|HOSP|20260302||ORU^R01|%s|P|2.5.1"
    one = [head % "A1", "PID|1||%s||%s^%s" % (m.next(), m.next(), m.next()), "OBR|1|%s||GLU" % m.next()]
    one += ["OBX|1|ED|GLU^G^L||%s^application^pdf^Base64^%s" % (m.next(), m.next()), "NTE|1||" + m.next(), "ADD|%s^%s" % (m.next(), m.next())]
    body = "\r".join(one).encode() + b"\r"
    kinds = (b"x-application/hl7-v2+er7; charset=%s; boundary=%s" % (m.next().encode(), m.next().encode()), b"application/x-www-form-urlencoded")
    web = [
        b"POST /%s?patient=%s HTTP/1.1\r\nHost: a\r\nCookie: %s\r\nAuthorization: Basic %s\r\nX-Patient: %s\r\nReferer: http://x/%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
        % (*(m.next().encode() for _ in range(6)), kind, len(body))
        + body
        for kind in kinds
    ]
    batch = "".join("%s|^~\\&|%s|%s|||||%s|%s|%s\r" % (name, *(m.next() for _ in range(5))) for name in ("FHS", "BHS")).encode() + body + b"BTS|5|%s\r" % m.next().encode()
    pointer = m.next()
    parts = capture.mllp(head % "A1", "PID|1||" + m.next(), "OBX|1|TX|GLU^G^L||" + m.next(), "ADD", "DSC|%s|F" % pointer)
    parts += capture.mllp(head % "A2" + "||" + pointer, "ADD|%s|u||N" % m.next(), "OBX|2|TX|K^K^L||" + m.next())
    error = capture.mllp(
        "MSH|^~\\&|LIS|HOSP|A|B|2026||ACK^R01|1|P|2.5.1",
        "MSA|AE|A1|%s||^%s|207^%s" % (m.next(), m.next(), m.next()),
        "ERR|%s^1^2^100&%s|%s|207^%s|E|%s|%s|%s" % tuple(m.next() for _ in range(7)),
    )
    for port, data in ((80, web[0]), (80, web[1]), (80, web[0].replace(b"Content-Length: ", b"Content-Length: 1,")), (2575, b"\x0b" + batch + b"\x1c\r"), (2575, parts), (2575, error)):
        c = capture.Capture()
        c.conversation("10.0.5.11", 40000, "10.0.5.2", port, [(0, data), (1, b"HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 0\r\n\r\n" % m.next().encode())])
        seen = assert_no_marker(c.bytes())
        assert data.startswith(b"POST") and data != web[0] or [e for e in seen if e["event"] == "lab.message"], seen


@test
def an_error_without_an_answer():
    """MSA that says nothing ("" deletes), with an error behind it: one "ack", not two."""
    c = capture.Capture()
    c.conversation("10.0.5.2", 40000, "10.0.5.11", 2575, [(0, capture.mllp("MSH|^~\\&|LIS|HOSP|A|B|2026||ACK|1|P|2.5.1", 'MSA|""|""', "ERR|||207"))])
    (message,) = events(sense("-", stdin=c.bytes()), "lab.message")
    assert message["ack"] == {"error": "207"}, message


@test
def no_broken_message_gives_content_away():
    whole = capture.mllp(*hl7_message(Markers()))
    segments = hl7_message(Markers())
    broken = [
        whole[:-2],  # no end
        whole[: len(whole) // 2],
        whole[: len(whole) // 3] + whole,  # another begins inside
        whole.replace(b"MSH|^~\\&|", b"MSH|^~\\&Zqxaamark1001|"),
        whole.replace(b"MSH|^~\\&|", b"MSHZqxaamark1001"),
        whole.replace(b"\rOBX|", b"\rZqxaamark1001 OBX|"),
        whole.replace(b"ORU^R01", b"Zqxaamark1001 is no type at all"),
        whole.replace(b"\r", b"\n"),
        b"\x0bMSH|^~\\&|CHEM|LAB\x1c\r" + whole,
        capture.mllp(*segments[1:]),
        capture.result("A1") + b"Zqxaamark1001 Zqxaamark1001" + whole,
        whole.replace(b"PID|", b"PID|<script>Zqxaamark1001</script>|' OR 1=1 --Zqxaamark1001|../../Zqxaamark1001|%n%n%n|"),
        whole + whole.replace(b"\x1c\r", b"\x1c"),
    ]
    for i, data in enumerate(broken):
        c = capture.Capture()
        c.conversation("10.0.5.11", 40000, "10.0.5.2", 2575, [(0, data)], close=i % 2 == 0)
        assert_no_marker(c.bytes())
    frames = b"".join(capture.astm_frames(astm_message(Markers())))
    for i, data in enumerate([b"\x05" + frames, b"\x05" + frames[:-3] + b"\x04", b"\x05" + frames.replace(b"P|", b"p|") + b"\x04", b"\x05" + frames[: len(frames) // 2], b"\x05" + frames.replace(b"H|", b"H") + b"\x04"]):
        c = capture.Capture()
        c.conversation("10.0.5.12", 40000, "10.0.5.2", 4000, [(0, data)], close=i % 2 == 0)
        assert_no_marker(c.bytes())


@test
def corpus_lab_counts():
    corpus = os.environ.get("TOURNIQUET_CORPUS")
    name = os.path.join(corpus or "", "pcap", "lab", "lab50.pcap.zst")
    if corpus is None or not os.path.exists(name):
        raise Skip("TOURNIQUET_CORPUS names no corpus with pcap/lab")
    with open(name.replace(".pcap.zst", ".truth.json"), encoding="utf-8") as f:
        truth = json.load(f)
    one = stats(sense(name, "--stats"))
    for key in ("packets", "flows"):
        assert one[key] == truth[key], key
    assert one["bytes"] == truth["frame_bytes"] and one["retransmitted"] == truth["tcp"]["retransmitted"]
    assert one["hl7_messages"] == truth["hl7"]["messages"] and one["hl7_by_type"] == {k: truth["hl7"][k] for k in ("ACK", "ORU^R01", "OUL^R22")}
    for key in ("messages", "good_frames", "damaged_frames"):
        assert one["astm_" + key] == truth["astm"][key], key
    assert one["astm_records_by_type"] == truth["astm"]["by_type"]
    assert one["results"] == truth["hl7"]["obx"] + truth["astm"]["by_type"]["R"]
    assert set(one["findings_by_kind"]) == {"phi.cleartext"}, one["findings_by_kind"]


@test
def corpus_scan():
    name = os.path.join(os.environ.get("TOURNIQUET_CORPUS", ""), "pcap", "generated", "nmap-scan.pcap")
    if "TOURNIQUET_CORPUS" not in os.environ or not os.path.exists(name):
        raise Skip("TOURNIQUET_CORPUS names no corpus with pcap/generated")
    found = [e for e in events(sense(name), "finding") if e["kind"].startswith("network.")]
    assert [(f["kind"], f["technique"], f["subject"]) for f in found] == [("network.scan", "T1046", ["127.0.0.1"])], found


def corpus_messages():
    """HL7 messages of the corpus, as lists of segments."""
    folder = os.path.join(os.environ.get("TOURNIQUET_CORPUS", ""), "hl7")
    if "TOURNIQUET_CORPUS" not in os.environ or not os.path.isdir(folder):
        raise Skip("TOURNIQUET_CORPUS names no corpus with hl7")
    for place, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            with open(os.path.join(place, name), "rb") as f:
                data = f.read().strip(b"\x0b\x1c\r\n ")
            if data.startswith(b"MSH"):
                yield name, data.replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")


def private_words(segments):
    """What identifies the patient: parts of identifiers, names, birth dates, addresses and telephone numbers of PID, of four bytes or more."""
    words = set()
    separators = segments[0][3:8]
    for segment in segments:
        fields = segment.split(separators[:1])
        if fields[0] != b"PID":
            continue
        for n in (2, 3, 4, 5, 6, 7, 9, 11, 13, 14, 18, 19, 20):
            field = fields[n] if n < len(fields) else b""
            for c in separators[1:]:
                field = field.replace(bytes([c]), b"\n")
            words.update(w.strip() for w in field.split(b"\n") if len(w.strip()) >= 4)
    return words


@test
def no_patient_of_the_corpus_gets_out():
    c = capture.Capture()
    private = {}
    for i, (name, segments) in enumerate(corpus_messages()):
        c.conversation("10.9.%d.%d" % (i // 200, 1 + i % 200), 40000, "10.0.5.2", 2575, [(0, b"\x0b" + b"\r".join(segments) + b"\r\x1c\r")])
        private["10.9.%d.%d" % (i // 200, 1 + i % 200)] = (name, private_words(segments))
    run = sense("-", stdin=c.bytes())
    assert len(events(run, "lab.message")) >= len(private) > 100
    words = 0
    for line in run.stdout.splitlines():
        event = json.loads(line)
        if event["event"] not in ("lab.message", "lab.result", "asset.evidence"):
            continue
        name, hidden = private[event["flow"]["src"]]
        shown = json.dumps([v for k, v in event.items() if k not in ("event", "flow", "protocol", "type", "time", "source", "role", "malformed", "hostile")]).lower()
        for word in hidden:
            words += 1
            text = word.decode("utf-8", "replace").lower()
            at = shown.find(text)
            while at >= 0:  # as a word of its own
                before, after = shown[at - 1], shown[at + len(text)]
                assert before.isalnum() or after.isalnum(), (name, text, line[:600])
                at = shown.find(text, at + 1)
    assert words > 1000


def main():
    print("1..%d" % len(TESTS))
    failed = 0
    for i, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (i, name))
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (i, name, why))
        except Exception as why:  # every failure is reported, and the rest is run
            failed += 1
            print("not ok %d - %s" % (i, name))
            for line in ("%s: %s" % (type(why).__name__, why)).splitlines()[:20]:
                print("# " + line)
            line = why.__traceback__
            while line is not None:
                print("#   line %d" % line.tb_lineno)
                line = line.tb_next
        sys.stdout.flush()
    shutil.rmtree(FOLDER)
    sys.exit(1 if failed else 0)


main()
