"""A ledger that somebody damaged: a critical finding, at once and after a restart; what holds is still shown; and files without which nothing can be read are
named in one line."""
import os
import shutil
import subprocess

import lab


def api(run, method, path):
    return subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, method, path], capture_output=True, text=True)


def broken(run):
    return [f for f in (run.api("/api/v1/findings?kind=ledger.broken") or {"items": []})["items"] if f["severity"] == "critical"]


def segment(data):
    folder = os.path.join(data, "ledger", "segment", "custody")
    return os.path.join(folder, sorted(os.listdir(folder))[0])


def write_at(path, at, content):
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(content)


def flip(path, at):
    with open(path, "rb") as f:
        f.seek(at)
        byte = f.read(1)[0]
    write_at(path, at, bytes([byte ^ 1]))


def flipped_under_way(data, messages):
    with lab.Run(data) as run:
        run.wait_api()
        lab.ok(lab.wait(lambda: (run.api("/api/v1/ledger") or {}).get("verified")) is not None, "the ledger is checked after the start", run.said())
        lab.ok(not broken(run), "there is nothing to say")
        path = segment(data)
        flip(path, os.path.getsize(path) // 2)
        lab.wait(lambda: api(run, "POST", "/api/v1/ledger/verify").returncode == 0)
        found = lab.wait(lambda: broken(run))
        lab.ok(found and "Copy the data folder" in found[0]["advice"], "one bit changed under way: a critical finding with advice", run.api("/api/v1/ledger"))
        check = run.api("/api/v1/ledger")["verified"]
        first_bad = lab.json.loads(lab.verify(data)[1].splitlines()[0])["first_bad"]
        lab.ok(check["holds"] is False and check["first_bad"] == first_bad, "the page names the same record as `ledger verify`", (check, first_bad))
    with lab.Run(data) as run:
        run.wait_api()
        found = lab.wait(lambda: broken(run))
        lab.ok(found and f"record {first_bad} " in found[0]["title"], "after a restart it is there", run.said())
        shown = (run.wait_api("/api/v1/messages?limit=1") or {}).get("total", 0)
        lab.ok(messages - 1 <= shown <= messages, "and all that holds is shown, not only what came before", (shown, messages))
        done = subprocess.run([lab.TOURNIQUET, "api", "--data", data, "--if-match", found[0]["etag"], "POST", f"/api/v1/findings/{found[0]['id']}/take"], capture_output=True, text=True)
        lab.ok(done.returncode == 0, "decisions can be made", done.stdout + done.stderr)


def ruined(data):
    path = segment(data)
    write_at(path, os.path.getsize(path) // 3, os.urandom(65536))
    with lab.Run(data) as run:
        lab.ok(run.wait_api() is not None and lab.wait(lambda: broken(run)), "64 KiB of rubbish in the middle: it starts, and says so", run.said())


def unreadable(good):
    def key(folder):
        with open(os.path.join(folder, "root.key"), "wb") as f:
            f.write(os.urandom(32))

    cases = (
        ("another root key", key, "not the one of this ledger"),
        ("a root key that others may read", lambda d: os.chmod(os.path.join(d, "root.key"), 0o644), "chmod 600"),
        ("no ledger", lambda d: shutil.rmtree(os.path.join(d, "ledger")), "was used before"),
        ("no root key", lambda d: os.remove(os.path.join(d, "root.key")), "root.key is missing"),
        ("a damaged checkpoint", lambda d: flip(os.path.join(d, "ledger", "checkpoint"), 40), "checkpoint does not hold"),
        ("an empty keyring", lambda d: os.truncate(os.path.join(d, "ledger", "keyring"), 0), "keyring"),
        ("a segment that is gone", lambda d: os.remove(segment(d)), "is missing: put it back"),
        ("a segment without its end", lambda d: os.truncate(segment(d), os.path.getsize(segment(d)) // 2), "has lost its end"),
        ("a damaged identity", lambda d: flip(os.path.join(d, "identity.sealed"), 60), "identity.sealed does not open"),
    )
    for name, damage, words in cases:
        data = good + "-damaged"
        shutil.copytree(good, data, ignore=shutil.ignore_patterns("*.sock"))
        damage(data)
        with lab.Run(data) as run:
            status, _ = run.finish()
            lab.ok(status in (1, 2, 3) and words in run.said() and "Traceback" not in run.said(), f"{name}: status {status}, and a sentence", run.said())
        shutil.rmtree(data)


with lab.Folder() as scratch:
    capture, message_count, _ = lab.capture(scratch, 20)
    folder = os.path.join(scratch, "data")
    with lab.Run(folder, "--replay", capture, "--exit") as first:
        lab.ok(first.finish()[0] == 0, "a ledger is made", first.said())
    unreadable(folder)
    flipped_under_way(folder, message_count)
    ruined(folder)
lab.finish()
