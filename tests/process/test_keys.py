"""The ledger's keys in a running Tourniquet: a patient is erased and found nowhere, keys are rotated under load, the recovery key replaces a lost one."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import lab

DUMP, KEY_TOOL = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])


def keys(data, *arguments, said=""):
    run = subprocess.run([lab.TOURNIQUET, "keys", *arguments, "--data", data], input=said, capture_output=True, text=True, check=False)
    return run.returncode, run.stdout, run.stderr


def dump(data):
    """Everything that the keys open, and how many records are erased."""
    run = subprocess.run([DUMP, data], capture_output=True, check=False)
    return run.returncode, run.stdout, run.stderr.decode().split("\n")[0]


def patients(capture):
    with open(capture, "rb") as f:
        found = re.findall(rb"\rPID\|[^|]*\|[^|]*\|([A-Za-z0-9-]{5,})", f.read())
    return sorted(set(found), key=found.count)


def results(run, path="/api/v1/results"):
    """All of them."""
    items, cursor = [], ""
    while cursor is not None:
        page = run.api(path + "?limit=200" + cursor) or {"items": [], "next": None}
        items += page["items"]
        cursor = "&cursor=" + page["next"] if page["next"] else None
    return items


with lab.Folder() as scratch:
    data = os.path.join(scratch, "data")
    capture, _, _ = lab.capture(scratch, 15)
    gone, stays = patients(capture)[-1].decode(), patients(capture)[-2].decode()
    with lab.Run(data, "--replay", capture) as run:
        lab.wait(lambda: keys(data)[0] == 0)
        code, out, err = keys(data, "rotate", "--why", "rotated under load")
        taken = code == 0 or "Taken down" in err  # under load the views may be behind what is durable
        lab.ok(taken and lab.wait(lambda: json.loads(keys(data)[1] or "{}").get("epoch") == 2), "keys are rotated while a capture is read", err)
        lab.ok(run.wait_ended(), "the capture is read to its end", run.said())
        told = json.loads(keys(data)[1])
        lab.ok(told["source"] == "file" and told["period_keys"] > 20 and told["recovery"]["made"] is None, "GET /keys tells", told)
        lab.ok(lab.wait(lambda: [f for f in run.api("/api/v1/findings?severity=all&kind=ledger.key_on_disk")["items"] if f["state"] == "open"]),
               "the key on the same disk is a finding")
        before = results(run)
        keeper = run.pid("keeper")
        with open(f"/proc/{keeper}/limits", encoding="ascii") as f:
            core = [line.split()[4:6] for line in f if line.startswith("Max core file size")][0]
        lab.ok(core == ["0", "0"], "the keeper leaves no core file", core)
        if os.geteuid() == 0 and not lab.SANITIZED:
            with open(f"/proc/{keeper}/smaps", encoding="ascii") as f:
                flags = [set(line.split()[1:]) for line in f if line.startswith("VmFlags:")]
            lab.ok(any({"lo", "dd"} <= each for each in flags), "keys lie in memory that is locked and in no dump")
        else:
            lab.skip("keys lie in memory that is locked and in no dump", "a sanitizer locks no memory" if lab.SANITIZED else "only root may look")
    code, clear, erased = dump(data)
    lab.ok(code == 0 and clear.count(gone.encode()) > 1 and erased == "0", "the patient is in the ledger's clear text (this is what the test is about)", (code, erased))
    with lab.Run(data) as run:
        lab.wait(lambda: keys(data)[0] == 0)
        code, out, err = keys(data, "erase", "--why", "asked to be forgotten", said=gone + "\n")
        lab.ok(code == 0, "a patient is erased, named on standard input", err)
        answer = json.loads(out or "{}")
        token = answer.get("patient", "?")
        lab.ok(token.startswith("P-") and answer["keys"] >= 2 and gone not in out + err, "the answer names the token, not the patient", out)
        after = results(run)
        lab.ok(any(r["patient"] == token for r in before) and not any(r["patient"] == token for r in after) and len(after) > 0, "the results are gone from the page",
               (token, len(before), len(after)))
        record = [r["record"] for r in before if r["patient"] == token][0]
        rows = run.api("/api/v1/ledger/records?limit=200") or {"items": []}
        lab.ok(any(r["event"] == "keys.erased" for r in rows["items"]), "the erasure is on the ledger", rows["items"][:3])
        lab.ok(keys(data, "erase", "--why", "again", "--token", token)[0] == 2, "there is nothing left to erase")
        lab.ok(keys(data, "erase", "--why", "wrong", "--token", "P-zzz")[0] == 2, "what is no token is refused")
    lab.ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))
    proof = subprocess.run([lab.TOURNIQUET, "ledger", "prove", os.path.join(data, "ledger"), str(record)], capture_output=True, check=False)
    checked = subprocess.run([lab.TOURNIQUET, "ledger", "check", "-", "--key", os.path.join(data, "ledger", "verifier.pub")], input=proof.stdout, capture_output=True, check=False)
    lab.ok(checked.returncode == 0, "an erased record is proven as before", checked.stderr)
    code, clear, erased = dump(data)
    lab.ok(code == 0 and int(erased) >= 2, "its records are erased", erased)
    lab.ok(clear.count(gone.encode()) == 0, "with all keys that are left the patient is found nowhere", clear.count(gone.encode()))
    lab.ok(clear.count(stays.encode()) > 1, "others are")
    found = lab.holding(data, gone.encode())
    lab.ok(not found, "and in no file", found)
    # views are made again from the ledger: the patient is not among them
    subprocess.run(["rm", "-rf", os.path.join(data, "store")], check=True)
    with lab.Run(data) as run:
        lab.wait(lambda: keys(data)[0] == 0)
        again = results(run)
        lab.ok(len(again) == len(after) and not any(r["patient"] == token for r in again), "views that are made again show the same", (len(again), len(after)))
        rows = [r for r in results(run, "/api/v1/ledger/records") if r["event"] == "erased"]
        lab.ok(len(rows) == int(erased), "erased records are listed as erased", (len(rows), erased))
        lab.ok("cannot be shown" not in run.said(), "an erased record is no damage", run.said())
        code, out, err = keys(data, "recovery", "new")
        printed = json.loads(out or "{}").get("recovery_key", "")
        lab.ok(code == 0 and len(printed) == 69, "a recovery key is made and shown", err)
        lab.ok(keys(data, "recovery", "test", said=printed.lower() + "\n")[0] == 0, "it is tested")
        lab.ok(keys(data, "recovery", "test", said=printed[:-1] + ("A" if printed[-1] != "A" else "B") + "\n")[0] == 2, "a wrong character is found")
        lab.ok(keys(data, "recovery", "use", said=printed + "\n")[0] == 2, "it does not replace keys that are in use")
    os.remove(os.path.join(data, "root.key"))
    code, out, err = keys(data, "recovery", "use", said=printed + "\n")
    lab.ok(code == 0 and os.stat(os.path.join(data, "root.key")).st_mode & 0o777 == 0o600, "the recovery key replaces a root key that is lost", err)
    with lab.Run(data) as run:
        lab.ok(lab.wait(lambda: keys(data)[0] == 0), "Tourniquet starts with it", run.said())
        lab.ok(len(results(run)) == len(after), "and reads what was recorded")
    with open(os.path.join(data, "ledger", "keyring"), "rb") as f:
        lab.ok(f.read(10)[8:] == b"\0\2", "the keyring says its format")
# a stop between the record of an erasure and the keys: the next start carries it out, however often it is killed itself
with lab.Folder() as scratch:
    made, probe, data = (os.path.join(scratch, name) for name in ("made", "probe", "data"))
    capture, _, _ = lab.capture(scratch, 10)
    gone, stays = patients(capture)[-1].decode(), patients(capture)[-2].decode()
    with lab.Run(made, "--replay", capture) as run:
        run.wait_ended()
        lab.ok(json.loads(keys(made)[1])["made"] is not None, "a new ledger says when its keys were made", keys(made))
    shutil.copytree(made, probe)
    with lab.Run(probe) as run:
        lab.wait(lambda: keys(probe)[0] == 0)
        token = json.loads(keys(probe, "erase", "--why", "to know the token", said=gone + "\n")[1])["patient"]
    expected = dump(probe)[2]
    lab.ok(dump(made)[1].count(gone.encode()) > 1, "there is somebody to erase")
    subprocess.run([KEY_TOOL, made, "promise", token], check=True)
    DONE = "was not finished: it is now"
    finished = 0
    for turn in range(24):
        if turn % 8 == 0 or not os.path.exists(data):
            shutil.rmtree(data, ignore_errors=True)
            shutil.copytree(made, data)
        with lab.Run(data) as run:
            run.wait_pid("keeper")
            time.sleep(0.003 * (turn % 8 + 1) ** 2)
            if turn % 8 == 7:  # however slow this machine is: the last of them gets as far as it can, and what it says comes by way of another process
                lab.wait(lambda: keys(data)[0] == 0)
                lab.wait(lambda: finished > 0 or DONE in run.said(), 5)
            children = run.children()
            run.signal("keeper", signal.SIGKILL)
            run.process.kill()
            run.process.wait()
            for pid in children:  # they would end by themselves, a little later
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            lab.wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))
            finished += DONE in run.said()
    with lab.Run(data) as run:
        lab.ok(lab.wait(lambda: keys(data)[0] == 0), "after 24 starts that were killed it starts", run.said())
        said = finished > 0 or DONE in run.said()
        lab.ok(not any(r["patient"] == token for r in results(run)), "nothing of the patient is shown")
    if not said:  # each was killed between the deed and the word: one that is not killed says it
        untouched = os.path.join(scratch, "untouched")
        shutil.copytree(made, untouched)
        with lab.Run(untouched) as run:
            said = lab.wait(lambda: DONE in run.said())
    lab.ok(said, "the erasure that a stop left undone is carried out, and said")
    code, clear, erased = dump(data)
    lab.ok(code == 0 and clear.count(gone.encode()) == 0 and erased == expected and clear.count(stays.encode()) > 1, "what is erased is what the same order erases undisturbed", (erased, expected))
    lab.ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))
    with lab.Run(data) as run:
        lab.wait(lambda: keys(data)[0] == 0)
        lab.ok("was not finished" not in run.said(), "once", run.said())

# from a file to a passphrase and back: the file is destroyed, the finding ends and comes back, and one that somebody dismissed stays dismissed
with lab.Folder() as scratch:
    data = os.path.join(scratch, "data")
    root, phrase = os.path.join(data, "root.key"), "nine yellow pipettes dry"

    def on_disk(run):
        found = (run.api("/api/v1/findings?state=all&severity=all&kind=ledger.key_on_disk") or {"items": []})["items"]
        return (found[0]["state"], found[0]["count"]) if found else None

    def unlock(data):
        lab.wait(lambda: json.loads(subprocess.run([lab.TOURNIQUET, "api", "--data", data, "GET", "/api/v1/unlock"], capture_output=True, text=True).stdout or "{}").get("stage") == "locked")
        subprocess.run([lab.TOURNIQUET, "unlock", "--data", data], input=phrase + "\n", capture_output=True, text=True)
        return lab.wait(lambda: keys(data)[0] == 0)

    with lab.Run(data) as run:
        lab.wait(lambda: keys(data)[0] == 0)
        lab.ok(lab.wait(lambda: on_disk(run) == ("open", 1)), "the key on the same disk is told", on_disk(run))
        with open(root, "rb") as f:
            old = f.read()
        code, _, said = keys(data, "rotate", "--from", "passphrase", "--why", "nobody shall carry it away", said=phrase + "\n")
        lab.ok(code == 0 and "root.key is destroyed" in said and "A start goes by the ledger" in said, "a passphrase takes its place", said)
        lab.ok(not os.path.exists(root) and lab.holding(data, old) == [], "the key file is destroyed, and its bytes are in no other")
        lab.ok(lab.wait(lambda: on_disk(run) == ("dismissed", 1)), "the finding ends by itself", on_disk(run))
    with open(root, "wb") as f:  # as a stop between the two leaves it
        f.write(old)
    os.chmod(root, 0o600)
    with lab.Run(data) as run:
        lab.ok(unlock(data), "a start waits for the passphrase, whatever lab.yaml says", run.said())
        lab.ok(lab.wait(lambda: "root.key is destroyed" in run.said()) and not os.path.exists(root), "what a stop left of the key file goes at the next start", run.said())
        made = subprocess.run([lab.TOURNIQUET, "backup", "--data", data, "--to", scratch], capture_output=True, text=True)
        restored = os.path.join(scratch, "restored")
        done = subprocess.run([lab.TOURNIQUET, "restore", json.loads(made.stdout.splitlines()[-1])["where"], "--to", restored], input="not this one at all\n", capture_output=True, text=True)
        lab.ok(done.returncode == 2 and not os.path.exists(restored), "a backup is not restored by another passphrase", done.stderr)
        done = subprocess.run([lab.TOURNIQUET, "restore", json.loads(made.stdout.splitlines()[-1])["where"], "--to", restored], input=phrase + "\n", capture_output=True, text=True)
        lab.ok(done.returncode == 0 and lab.verify(restored)[0] == 0, "it is by the right one", done.stderr)
        code, _, said = keys(data, "rotate", "--from", "file", "--why", "it has to start by itself")
        lab.ok(code == 0 and os.stat(root).st_size == 32 and open(root, "rb").read() != old and lab.wait(lambda: on_disk(run) == ("open", 2)), "back to a file: a new one, and the finding is there again",
               (said, on_disk(run)))
        found = run.api("/api/v1/findings?state=all&severity=all&kind=ledger.key_on_disk")["items"][0]
        done = subprocess.run([lab.TOURNIQUET, "api", "--data", data, "--if-match", found["etag"], "POST", f"/api/v1/findings/{found['id']}/dismiss", "-d", '{"why":"it stands in a locked room"}'],
                              capture_output=True, text=True)
        lab.ok(on_disk(run) == ("dismissed", 2), "somebody dismisses it", done.stderr)
    with lab.Run(restored) as run:
        lab.ok(unlock(restored), "what was restored waits for the same passphrase, and opens", run.said())
    for _ in range(2):
        with lab.Run(data) as run:
            lab.wait(lambda: keys(data)[0] == 0)
            time.sleep(1)
            lab.ok(on_disk(run) == ("dismissed", 2), "a later start does not tell it again", on_disk(run))

# a credential, as systemd hands it over
with lab.Folder() as scratch:
    os.environ["CREDENTIALS_DIRECTORY"] = scratch
    data, credential = os.path.join(scratch, "data"), os.path.join(scratch, "tourniquet-root")
    with lab.Run(data, more="root_key: credential\n") as run:
        lab.ok(lab.wait(lambda: "cannot be read" in run.said()) and run.api("/api/v1/sensor") is None, "without the credential nothing starts", run.said())
    with open(credential, "wb") as f:
        f.write(os.urandom(32))
    for turn in ("a new data folder", "the next start"):
        with lab.Run(data, more="root_key: credential\n") as run:
            lab.wait(lambda: keys(data)[0] == 0)
            told = json.loads(keys(data)[1] or "{}")
            lab.ok(told.get("source") == "credential" and not os.path.exists(os.path.join(data, "root.key")), f"a credential opens {turn}", (told, run.said()))
    with open(credential, "wb") as f:
        f.write(os.urandom(32))
    with lab.Run(data, more="root_key: credential\n") as run:
        lab.ok(lab.wait(lambda: "not the one of this ledger" in run.said()) and run.api("/api/v1/sensor") is None, "another credential does not", run.said())
lab.finish()
