"""doctor: what it finds beside a running Tourniquet and without one, what it mends, and its exit status."""
import json
import os
import subprocess

import lab


def doctor(*arguments):
    """Exit status, and the state and text of each check."""
    done = subprocess.run([lab.TOURNIQUET, "doctor", *arguments], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {line["check"]: (line["state"], line["text"]) for line in lines}, done.stderr


def flip(path, at):
    with open(path, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 1]))


def healthy(data):
    status, checks, said = doctor(data)
    lab.ok(status == 0 and checks["ledger"][0] == "good" and checks["indexes"][0] == "good" and checks["folder"][0] == "good", "a healthy folder", said)
    lab.ok(checks["keeper"][0] == "skipped", "nothing runs there, and it says so", checks)
    lab.ok(checks["keys"][0] == "good" and checks["recovery"][0] == "attention" and checks["backups"][0] == "attention" and checks["spool"][0] == "good",
           "keys, recovery key, backups and spool", checks)
    with lab.Run(data) as run:
        lab.ok(run.wait_api() is not None, "a run on the same folder starts", run.said())
        status, checks, said = doctor("-c", run.config)
        lab.ok(status == 0 and checks["keeper"][0] == "good" and checks["cores"][0] == "good" and checks["configuration"][0] == "good",
               "beside a running Tourniquet: the keeper answers, no part leaves a core file", said)


def other_key(data):
    path = os.path.join(data, "root.key")
    with open(path, "rb") as f:
        key = f.read()
    with open(path, "wb") as f:
        f.write(bytes(32))
    status, checks, _ = doctor(data)
    lab.ok(status == 1 and checks["keys"][0] == "bad", "another root key does not open the keyring", checks)
    with open(path, "wb") as f:
        f.write(key)


def waiting(scratch):
    data = os.path.join(scratch, "waiting")
    with lab.Run(data, more="root_key: passphrase\n") as run:
        lab.ok(run.wait_api("/api/v1/unlock") is not None, "a keeper that waits for its passphrase", run.said())
        status, checks, said = doctor(data)
        lab.ok(checks["keeper"][0] == "attention" and "passphrase" in checks["keeper"][1] and checks["backups"][0] == "skipped", "is told as such", f"{status} {said}")


def mended(data):
    custody = os.path.join(data, "ledger", "segment", "custody")
    index = [name for name in os.listdir(custody) if name.endswith(".index")]
    lab.ok(index, "there is an index to damage", os.listdir(custody))
    flip(os.path.join(custody, index[0]), 3)
    os.chmod(os.path.join(data, "root.key"), 0o644)
    status, checks, _ = doctor(data)
    lab.ok(status == 1 and checks["folder"][0] == "bad" and "root.key" in checks["folder"][1], "a root key that others may read", checks)
    lab.ok(checks["indexes"][0] == "attention" and index[0] in checks["indexes"][1], "a damaged index is named", checks)
    status, checks, _ = doctor(data, "--mend")
    lab.ok(status == 0 and checks["folder"][0] == "mended" and checks["indexes"][0] == "mended", "both are mended", checks)
    status, checks, _ = doctor(data)
    lab.ok(status == 0 and checks["folder"][0] == "good" and checks["indexes"][0] == "good", "and are well afterwards", checks)


def store(data):
    pages = os.path.join(data, "store", "store.db")
    status, checks, _ = doctor(data)
    lab.ok(status == 0 and checks["store"][0] == "good" and "pages hold" in checks["store"][1], "the views hold", checks["store"])
    flip(pages, 4096 + 77)
    status, checks, _ = doctor(data)
    lab.ok(status == 0 and checks["store"][0] == "attention" and "page 2 " in checks["store"][1], "a changed page is named", checks["store"])
    status, checks, _ = doctor(data, "--mend")
    lab.ok(status == 0 and checks["store"][0] == "mended" and not os.path.exists(pages), "and they are dropped", checks["store"])


def broken(data):
    segment = os.path.join(data, "ledger", "segment", "custody", "0" * 20)
    flip(segment, 5000)
    status, checks, _ = doctor(data, "--mend")
    lab.ok(status == 1 and checks["ledger"][0] == "bad" and "Record " in checks["ledger"][1], "a changed record is named, and not mended", checks)
    flip(segment, 5000)
    keyring = os.path.join(data, "ledger", "keyring")
    with open(keyring, "r+b") as f:
        f.seek(9)
        f.write(b"\x7f")
    status, checks, _ = doctor(data)
    lab.ok(status == 1 and checks["formats"][0] == "bad" and "keyring" in checks["formats"][1], "a file of a newer program is named", checks)


with lab.Folder() as scratch:
    folder = os.path.join(scratch, "data")
    with lab.Run(folder, "--replay", lab.capture(scratch, 5)[0], "--exit") as first:
        lab.ok(first.finish()[0] == 0, "a ledger to look at", first.said())
    healthy(folder)
    other_key(folder)
    waiting(scratch)
    mended(folder)
    store(folder)
    broken(folder)
    status, _, said = doctor(os.path.join(scratch, "nowhere"))
    lab.ok(status == 2 and "nowhere" in said, "a folder that is not there: status 2", said)
    wrong = os.path.join(scratch, "wrong.yaml")
    with open(wrong, "w", encoding="utf-8") as f:
        f.write("site: a\ncapure: []\n")
    status, checks, said = doctor("-c", wrong)
    lab.ok(status == 1 and checks["configuration"][0] == "bad" and ":2:1:" in checks["configuration"][1], "a wrong configuration is bad, with its place", said)
lab.finish()
