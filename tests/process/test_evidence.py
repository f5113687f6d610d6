"""Packets kept of a finding go when their time is over and with every patient who is in them; so does a message that names more patients than anybody counts."""
import glob
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scene"))
import capture  # noqa: E402

import lab  # noqa: E402

DUMP = os.path.abspath(sys.argv[2])
MANY = 300
PCAPNG = b"\x0a\x0d\x0d\x0a"


def patient(n):
    return f"QZX{n:04d}-7"


def batch(control_id, first, n):
    """One message with the results of so many patients."""
    segments = [f"MSH|^~\\&|CHEM^8000|LAB1|LIS|HOSP|20260302080000||ORU^R01^ORU_R01|{control_id}|P|2.5.1"]
    for i in range(first, first + n):
        segments += [f"PID|1||{patient(i)}^^^HOSP^MR||EXAMPLE^GRACE{i}||19340117|F", f"OBR|1|S{i}||GLU|||20260302080000", "OBX|1|NM|GLU^Glucose^L||5.1|mmol/L|3.9-5.5|N|||F|||20260302080000"]
    return capture.mllp(*segments)


def single(control_id, n):
    return batch(control_id, n, 1)


def write_capture(path):
    c = capture.Capture()
    turns = []
    for i in range(1000, 1150):  # a long conversation: the packets of what is found at its end have messages of many patients
        turns += [(0, single(f"L{i}", i)), (1, capture.ack(f"L{i}"))]
    turns.append((0, capture.mllp("PID|1||" + patient(1999), "ZZZ|1")))  # no header: malformed
    c.conversation("10.0.5.7", 40001, "10.0.5.1", 2575, turns)
    c.conversation("10.0.5.8", 40002, "10.0.5.1", 2575, [(0, batch("MANY", 1, MANY)), (1, capture.ack("MANY"))])
    c.conversation("10.0.5.9", 40003, "10.0.5.1", 2575, [(0, single("ONE", 2000)), (1, capture.ack("ONE"))])
    with open(path, "wb") as f:
        f.write(c.bytes())


def dump(data):
    """Everything that the keys open."""
    run = subprocess.run([DUMP, data], capture_output=True, check=True)
    return run.stdout


def count(text, n):
    return text.count(patient(n).encode())


def api(run, method, path, body=None):
    command = [lab.TOURNIQUET, "api", "--data", run.data, method, path]
    done = subprocess.run(command + (["-d", "-"] if body is not None else []), input=json.dumps(body).encode() if body is not None else None, capture_output=True)
    return done.returncode, done.stdout


def look(run, record):
    return api(run, "POST", "/api/v1/looks", {"record": str(record), "reason": "what was on the wire", "as": "file"})


def malformed(run):
    found = (run.api("/api/v1/findings?severity=all&state=all&kind=message.malformed") or {"items": []})["items"]
    detail = [run.api("/api/v1/findings/" + f["id"]) for f in found]
    return [d for d in detail if d and (d["evidence"]["packets"] or d["evidence"]["packets_removed_at"])]


def events(run, name):
    return [r for r in (run.api("/api/v1/ledger/records?limit=200") or {"items": []})["items"] if r["event"] == name]


def retention(run):
    return {r["kind"]: r for r in (run.api("/api/v1/disk") or {"retention": []})["retention"]}


def erase(data, n):
    done = subprocess.run([lab.TOURNIQUET, "keys", "erase", "--why", "asked to be forgotten", "--data", data], input=patient(n) + "\n", capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def backed_up(data, *arguments):
    done = subprocess.run([lab.TOURNIQUET, "backup", "--data", data, *arguments], capture_output=True, text=True)
    return done if done.returncode == 0 else None


def with_a_patient(scratch, path):
    """Erasing one patient reaches the message with 300 and the packets with 150; everybody else's results stay."""
    data = os.path.join(scratch, "patients")
    with lab.Run(data, "--replay", path) as run:
        lab.ok(run.wait_ended(), "a conversation of 150 patients and a message of 300 are read", run.said())
        lab.ok(lab.wait(lambda: malformed(run)), "packets are kept of what was found", run.said())
        lab.ok(retention(run)["evidence"] == {"kind": "evidence", "days": 365, "removed_until": None}, "GET /disk: packets are kept for a year", retention(run))
    text = dump(data)
    lab.ok(count(text, 287) >= 2 and count(text, 1140) >= 3 and count(text, 1003) >= 3 and PCAPNG in text, "they are in the ledger's clear text (this is what the test is about)",
           [count(text, n) for n in (287, 1140, 1003)])
    with lab.Run(data) as run:
        run.wait_api()
        before = run.api("/api/v1/results?limit=1")["total"]
        kept = malformed(run)[0]["evidence"]["packets"]
        code, file = look(run, kept[0]["record"])
        lab.ok(code == 0 and file.startswith(PCAPNG) and count(file, 1003) and count(file, 1140), "the packets have the first patient and the last of their conversation", (code, len(file)))
        for n in (287, 1003):
            code, said = erase(data, n)
            lab.ok(code == 0, f"patient {n} is erased", said)
        lab.ok(run.api("/api/v1/results?limit=1")["total"] == before - 2, "their two results are gone, and no other", before)
        code, answer = look(run, kept[0]["record"])
        lab.ok(code != 0 and b"erased" in answer, "the packets went with one of 150 who were in them", answer)
    text = dump(data)
    lab.ok(count(text, 287) == 0 and count(text, 1003) == 0, "nothing that is left opens to them", [count(text, n) for n in (287, 1003)])
    lab.ok(count(text, 1140) >= 1 and count(text, 286) >= 1 and count(text, 2000) >= 2, "others stay", [count(text, n) for n in (1140, 286, 2000)])
    lab.ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))


def with_time(scratch, path):
    data, folder = os.path.join(scratch, "time"), os.path.join(scratch, "backups")
    more = f'backup: {{ to: "{folder}", every: 1h, keep: 2, test: 100d }}\n'
    with lab.Run(data, "--replay", path, more=more) as run:
        lab.ok(run.wait_ended() and lab.wait(lambda: malformed(run)), "packets are kept", run.said())
        done = lab.wait(lambda: backed_up(data, "--to", scratch))  # the first one is made by itself, at this moment
        lab.ok(done, "a backup has them")
    backup = json.loads(done.stdout.splitlines()[-1])["where"]
    with lab.Run(data, more=more + "retention: { evidence: 1s }\n") as run:
        run.wait_api()
        gone = lab.wait(lambda: [d for d in malformed(run) if d["evidence"]["packets"][0]["removed_at"]])
        lab.ok(gone, "packets that were kept long enough are removed", f"{malformed(run)} {run.said()}")
        kept = gone[0]["evidence"]["packets"][0]
        lab.ok(gone[0]["evidence"]["packets_removed_at"] == kept["removed_at"] and len(events(run, "retention.removed")) == 1, "it is on record, and the finding says when", gone)
        lab.ok(lab.wait(lambda: retention(run)["evidence"]["removed_until"]) and retention(run)["evidence"]["days"] == 1 and not retention(run)["observations"]["removed_until"],
               "GET /disk says up to when", retention(run))
        code, answer = look(run, kept["record"])
        lab.ok(code != 0 and b"erased" in answer, "nobody can look at them any more", answer)
        lab.ok((run.api("/api/v1/messages?limit=1") or {}).get("total", 0) > 150 and run.api("/api/v1/keys")["erased"] >= 1, "messages stay", run.api("/api/v1/keys"))
        lab.ok(lab.wait(lambda: backed_up(data)) and glob.glob(os.path.join(folder, "*-erasures")), "the next backup brings the newest list of erasures along", os.listdir(folder))
    text = dump(data)
    lab.ok(PCAPNG not in text and count(text, 1003) >= 2, "no key opens packets; messages and results are read as before", count(text, 1003))
    lab.ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))
    proof = subprocess.run([lab.TOURNIQUET, "ledger", "prove", os.path.join(data, "ledger"), str(kept["record"])], capture_output=True, check=False)
    checked = subprocess.run([lab.TOURNIQUET, "ledger", "check", "-", "--key", os.path.join(data, "ledger", "verifier.pub")], input=proof.stdout, capture_output=True, check=False)
    lab.ok(proof.returncode == 0 and checked.returncode == 0, "that they were there is proven as before", checked.stderr)
    shutil.rmtree(os.path.join(data, "store"))
    with lab.Run(data) as run:
        run.wait_api()
        again = lab.wait(lambda: malformed(run))
        lab.ok(again and again[0]["evidence"]["packets"] == [] and again[0]["evidence"]["packets_removed_at"], "a view that is made again says so too", again)
    for erasures in (False, True):
        fresh = os.path.join(scratch, f"fresh-{erasures}")
        arguments = ["--erasures", glob.glob(os.path.join(folder, "*-erasures"))[0]] if erasures else []
        done = subprocess.run([lab.TOURNIQUET, "restore", backup, "--to", fresh, "--key", os.path.join(data, "root.key"), *arguments], capture_output=True, text=True)
        lab.ok(done.returncode == 0, "the backup is restored", done.stderr)
        if erasures:
            lab.ok(PCAPNG not in dump(fresh), "the newest list of erasures reaches the packets in it", done.stderr)
        with lab.Run(fresh, more="retention: { evidence: 1s }\n") as run:
            run.wait_api()
            lab.ok(erasures or lab.wait(lambda: events(run, "retention.removed")), "without it the first start removes them by their age", run.said())
        lab.ok(PCAPNG not in dump(fresh), "none are left")


with lab.Folder() as place:
    wire = os.path.join(place, "wire.pcap")
    write_capture(wire)
    with_a_patient(place, wire)
    with_time(place, wire)
lab.finish()
