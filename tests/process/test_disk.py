"""Room on the disk: what is kept long enough goes, on record; a disk that gets full loses observations first, says so, and keeps every message and result."""
import json
import os
import subprocess
import sys
import time

import lab
from lab import wait as until

MAKE_DAYS = os.path.abspath(sys.argv[2])


def disk(run):
    return run.api("/api/v1/disk") or {}


def events(run, name):
    return [r for r in (run.api("/api/v1/ledger/records?limit=200") or {"items": []})["items"] if r["event"] == name]


def finding(run):
    found = (run.api("/api/v1/findings?state=all&severity=all&kind=ledger.disk_short") or {"items": []})["items"]
    return found[0]["state"] if found else None


def ledger(data):
    done = subprocess.run([lab.TOURNIQUET, "ledger", "verify", os.path.join(data, "ledger")], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout), done.stderr


def kept_long_enough(scratch):
    data = os.path.join(scratch, "days")
    today = lambda: int(time.time() // 86400)
    made = today()  # where midnight comes while this runs, one day more is old enough
    subprocess.run([MAKE_DAYS, data, "9"], check=True)
    before = ledger(data)[1]["records"]
    with lab.Run(data, more="retention: { observations: 5d }\n") as run:
        run.wait_api()
        removed = until(lambda: len(events(run, "retention.removed")) == 4 + today() - made and events(run, "retention.removed"))
        lab.ok(removed, "four days of nine are older than five: each goes, on record", f"{events(run, 'retention.removed')} {run.said()}")
        answer = until(lambda: disk(run).get("retention", [{}])[0].get("removed_until") and disk(run))
        lab.ok(answer and answer["retention"][0]["days"] == 5 and answer["retention"][2]["removed_until"] is None, "GET /disk says so; custody stays", answer)
        segments = sorted(os.listdir(os.path.join(data, "ledger", "segment", "observation")))
        days = len(removed or [])
        lab.ok(len([s for s in segments if s.endswith(".removed")]) == days, "a mark is left for each", segments)
    status, line, said = ledger(data)
    lab.ok(status == 0 and line["removed"] == days * 24 and "removed" in said and line["records"] > before, "the ledger holds without them, and verify says what is gone", said)
    with lab.Run(data) as run:
        lab.ok(run.wait_api() is not None and "does not hold" not in run.said(), "a later start misses nothing", run.said())
        proof = subprocess.run([lab.TOURNIQUET, "ledger", "prove", os.path.join(data, "ledger"), "3"], capture_output=True, text=True)
        lab.ok(proof.returncode == 0, "what was removed can still be proved to have been there", proof.stderr)
    segment = [s for s in segments if "." not in s][0]
    os.rename(os.path.join(data, "ledger", "segment", "observation", segment), os.path.join(scratch, "taken"))
    status, line, said = ledger(data)
    lab.ok(status == 1 and line["first_bad"] == int(segment), "a day that is missing without a record is damage", said)


def filled_to(folder, free_kib):
    """Fills a file system up to so much room."""
    v = os.statvfs(folder)
    with open(os.path.join(folder, "filler"), "ab") as f:
        f.write(b"x" * max(0, v.f_bavail * v.f_frsize - free_kib * 1024))


def nearly_full(scratch, capture, messages, results):
    folder = os.path.join(scratch, "small")
    os.mkdir(folder)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500m,mode=0700", "none", folder], capture_output=True).returncode != 0:
        lab.skip("a disk that is nearly full", "needs a mount")
        return
    try:
        data = os.path.join(folder, "data")
        subprocess.run([MAKE_DAYS, data, "6"], check=True)
        with lab.Run(data) as run:
            run.wait_api()
            lab.ok(until(lambda: disk(run).get("state") == "ok") and finding(run) is None, "with room all is well", disk(run))
            used = {u["what"] for u in disk(run)["used"]}
            lab.ok({"custody", "observations", "ledger", "store", "journal", "other"} <= used and disk(run)["goes_first"], "what takes room, and what goes first", disk(run))
            filled_to(folder, 100 * 1024)
            lab.ok(until(lambda: disk(run).get("state") == "short") and until(lambda: finding(run) == "open"), "room gets short: a finding", disk(run))
            lab.ok(until(lambda: len(events(run, "retention.removed")) == 6), "the oldest days go first, all but the one that grows", events(run, "retention.removed"))
            os.unlink(os.path.join(folder, "filler"))
            lab.ok(until(lambda: disk(run).get("state") == "ok") and until(lambda: finding(run) == "dismissed"), "with room again it ends by itself", finding(run))
            metrics = subprocess.run([lab.TOURNIQUET, "api", "--data", data, "GET", "/metrics"], capture_output=True, text=True).stdout
            lab.ok('tourniquet_disk_used_bytes{what="custody"}' in metrics and "tourniquet_disk_free_bytes" in metrics, "/metrics has it", metrics[-600:])
        filled_to(folder, 40 * 1024)
        with lab.Run(data, "--replay", capture) as run:
            lab.ok(run.wait_ended(), "a capture on a disk that is very nearly full", run.said())
            state = until(lambda: disk(run).get("not_kept", 0) > 0 and disk(run))
            lab.ok(state and state["state"] == "very-short", "observations are not kept, and counted", disk(run))
            seen = (run.api("/api/v1/messages?limit=1") or {}).get("total"), (run.api("/api/v1/results?limit=1") or {}).get("total")
            lab.ok(seen == (messages, results), "every message and result is kept", f"{seen} {(messages, results)}")
            lab.ok(until(lambda: finding(run) == "open"), "the finding is open", finding(run))
            os.unlink(os.path.join(folder, "filler"))
            told = until(lambda: events(run, "retention.skipped"))
            lab.ok(told, "how many were not kept is on record", told)
        lab.ok(ledger(data)[0] == 0, "the ledger holds", ledger(data))
    finally:
        subprocess.run(["umount", folder], check=False)


with lab.Folder() as place:
    kept_long_enough(place)
    nearly_full(place, *lab.capture(place, 10))
lab.finish()
