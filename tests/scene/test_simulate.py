"""tourniquet simulate, driven as people drive it, and sense on what it made. Prints TAP. Usage: test_simulate.py TOURNIQUET"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
FOLDER = tempfile.mkdtemp(prefix="tq-simulate-")
TESTS = []
KINDS = ["sender.unknown", "sender.spoofed", "message.malformed", "message.hostile", "result.altered", "result.altered_in_transit", "result.missing",
         "result.replayed", "result.wrong_patient", "result.unit_changed", "result.flag_mismatch", "result.implausible", "phi.bulk_query",
         "result.altered_in_transit/unit", "result.altered_in_transit/specimen", "result.wrong_patient/transit", "result.missing/part", "result.extra",
         "order.mismatch/cancelled", "protocol.violation/answer", "result.replayed/specimen"]


def test(function):
    TESTS.append(function)
    return function


def path(name):
    return os.path.join(FOLDER, name)


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=120, check=False)


def simulate(*arguments):
    return run("simulate", "lab", *arguments)


@test
def same_seed_and_options_give_the_same_bytes():
    for name in ("a", "b"):
        made = simulate("--seed", "42", "--minutes", "5", "--attack", "message.hostile", "--out", path(name + ".pcap"), "--truth", path(name + ".json"))
        assert made.returncode == 0 and made.stdout == b"" and made.stderr == b"", made
    assert read("a.pcap") == read("b.pcap")
    assert read("a.json") == read("b.json")
    assert simulate("--seed", "43", "--minutes", "5", "--attack", "message.hostile", "--out", path("c.pcap")).returncode == 0
    assert read("a.pcap") != read("c.pcap")


@test
def the_day_begins_when_it_is_told_to():
    """Packets and the messages' own time stamps: a sender's clock that is wrong would be told."""
    assert simulate("--seed", "42", "--minutes", "5", "--start", "2031-05-06T20:00:00Z", "--out", path("start.pcap")).returncode == 0
    events = [json.loads(line) for line in run("sense", path("start.pcap")).stdout.splitlines()]
    messages = [e for e in events if e["event"] == "lab.message" and "sent_at" in e]
    assert len(messages) > 50
    assert all(e["time"].startswith("2031-05-06T20:0") and e["sent_at"].startswith("2031-05-06T20:0") for e in messages), messages[:3]
    for wrong in ("yesterday", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"):
        refused = simulate("--seed", "42", "--start", wrong, "--out", path("never.pcap"))
        assert refused.returncode == 2 and not os.path.exists(path("never.pcap")), refused


@test
def standard_output_is_the_same_capture():
    assert simulate("--seed", "42", "--minutes", "5", "--attack", "message.hostile", "--out", "-").stdout == read("a.pcap")


@test
def the_truth_has_the_promised_keys():
    truth = json.loads(read("a.json"))
    assert truth["seed"] == 42 and truth["packets"] > 1000 and truth["flows"] == truth["tcp_flows"] + truth["udp_flows"]
    hl7 = truth["hl7"]
    assert hl7["messages"] == sum(n for key, n in hl7.items() if "^" in key or key == "ACK")
    for key in ("messages", "good_frames", "damaged_frames", "records", "by_type"):
        assert key in truth["astm"], key
    assert truth["astm"]["records"] == sum(truth["astm"]["by_type"].values())
    assert [sorted(a)[:4] for a in truth["attacks"]] == [["field", "kind", "message", "specimen"]]
    simulate("--seed", "42", "--minutes", "2", "--out", path("d.pcap"), "--truth", path("d.json"))
    assert "attacks" not in json.loads(read("d.json"))


@test
def every_kind_is_staged_and_sense_agrees_with_the_truth():
    arguments = [word for kind in KINDS for word in ("--attack", kind)]
    made = simulate("--seed", "7", "--minutes", "60", "--analyzers", "6", *arguments, "--out", path("all.pcap"), "--truth", path("all.json"))
    assert made.returncode == 0, made.stderr
    truth = json.loads(read("all.json"))
    assert sorted("/".join(a[k] for k in ("kind", "way") if k in a) for a in truth["attacks"]) == sorted(KINDS)
    stats = json.loads(run("sense", path("all.pcap"), "--stats").stdout)
    for key in ("packets", "flows", "retransmitted", "results", "malformed"):
        assert stats[key] == truth[key], (key, stats[key], truth[key])
    assert stats["hl7_by_type"] == {key: n for key, n in truth["hl7"].items() if "^" in key or key == "ACK"}
    assert stats["astm_records_by_type"] == truth["astm"]["by_type"]
    assert stats["astm_messages"] == truth["astm"]["messages"]
    assert stats["astm_good_frames"] == truth["astm"]["good_frames"]
    assert stats["astm_damaged_frames"] == truth["astm"]["damaged_frames"]
    assert stats["poct1a_messages"] == truth["poct1a"]["messages"] == sum(truth["poct1a"]["by_type"].values()) > 20
    assert stats["dicom_associations"] == truth["dicom"]["associations"] > 2
    for kind in {kind.split("/")[0] for kind in KINDS}:
        assert stats["findings_by_kind"].get(kind, 0) >= 1, kind


@test
def a_lab_of_any_size():
    assert simulate("--seed", "3", "--minutes", "1", "--analyzers", "500", "--out", path("large.pcap"), "--truth", path("large.json")).returncode == 0
    truth = json.loads(read("large.json"))
    assert truth["analyzers"] == 500 and truth["serial_analyzers"] == 20
    shown = [json.loads(line) for line in run("sense", path("large.pcap"), "--events", "--stats").stdout.splitlines()]
    stats = shown[-1]
    for key in ("packets", "flows", "results", "malformed"):
        assert stats[key] == truth[key], (key, stats[key], truth[key])
    names = {(e["ip"], e["model"]) for e in shown if e["event"] == "asset.evidence" and e.get("source") in ("astm.h", "hl7.msh", "poct1a.hel") and "model" in e}
    serial = {model for ip, model in names if ip == "10.20.20.40"}
    assert serial == {"XP-300", "D-10"}, serial  # two analyzers on one address
    assert len({ip for ip, _ in names}) > 500 * 0.9, len(names)


@test
def an_ordinary_day_raises_no_alarm():
    assert simulate("--seed", "8", "--hours", "1", "--out", path("quiet.pcap")).returncode == 0
    stats = json.loads(run("sense", path("quiet.pcap"), "--stats").stdout)
    assert set(stats["findings_by_kind"]) <= {"phi.cleartext", "result.corrected"}, stats["findings_by_kind"]


@test
def sense_shows_nobody_of_the_lab():
    capture = read("all.pcap")
    people = set()
    for mrn, family, given, birth in re.findall(rb"PID\|1\|\|(MR\d{7})\^\^\^LAB\^MR\|\|([^|^]+)\^([^|^]+)\|\|(\d{8})\|", capture):
        people |= {mrn, family, given, birth}
    specimens = set(re.findall(rb"SPM\|1\|(\d{10})\|", capture))
    assert len(people) > 100 and len(specimens) > 20, (len(people), len(specimens))
    with open(path("key"), "w", encoding="ascii") as f:  # tokens and digests of another key could have a birthday's eight digits in them
        f.write("5a" * 32)
    os.chmod(path("key"), 0o600)
    shown = run("sense", "--token-key", path("key"), path("all.pcap")).stdout + run("sense", path("all.pcap"), "--stats").stdout
    assert len(shown) > 100000
    for clear in people | specimens:
        text = clear.decode("utf-8", "replace")
        assert clear not in shown and json.dumps(text)[1:-1].encode() not in shown, "shown in clear"


@test
def wrong_use_is_named():
    for arguments, word in (
        (["--seed", "1", "--out", path("x"), "--attack", "result.eaten"], b"result.altered_in_transit"),
        (["--seed", "1", "--out", path("x"), "--frob", "1"], b"--frob"),
        (["--out", path("x")], b"--seed"),
        (["--seed", "1"], b"--out"),
        (["--seed", "-1", "--out", path("x")], b"--seed"),
        (["--seed", "1", "--out", path("x"), "--minutes", "0"], b"--minutes"),
        (["--seed", "1", "--out", path("x"), "--hours", "169"], b"--hours"),
        (["--seed", "1", "--out", path("x"), "--analyzers", "3"], b"--analyzers"),
        (["--seed", "1", "--out", path("x"), "--analyzers", "501"], b"--analyzers"),
        (["--seed", "1", "--out", path("x"), "--truth"], b"--truth"),
    ):
        made = simulate(*arguments)
        assert made.returncode == 2 and word in made.stderr and made.stdout == b"", (arguments, made)
        assert not os.path.exists(path("x"))
    assert run("simulate").returncode == 2
    assert run("simulate", "city").returncode == 2


@test
def a_file_that_cannot_be_written_is_named():
    made = simulate("--seed", "1", "--minutes", "1", "--out", path("no/such/folder.pcap"))
    assert made.returncode == 3 and b"no/such/folder.pcap" in made.stderr, made
    if os.path.exists("/dev/full"):
        made = simulate("--seed", "1", "--minutes", "1", "--out", "/dev/full")
        assert made.returncode == 3 and b"/dev/full" in made.stderr, made


def main():
    print("1..%d" % len(TESTS))
    failed = 0
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print("ok %d - %s" % (number, name), flush=True)
        except Exception as e:  # noqa: BLE001: every failure is reported and the next test runs
            failed += 1
            print("not ok %d - %s" % (number, name))
            print("# %s: %s" % (type(e).__name__, str(e)[:600].replace("\n", " ")), flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
