"""Backups: made and tested beside a running Tourniquet, restored into an empty folder, cut, changed, killed in the middle, on a full disk."""
import glob
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import lab
from lab import wait as until


def verb(*arguments, seconds=120):
    done = subprocess.run([lab.TOURNIQUET, *arguments], capture_output=True, text=True, timeout=seconds)
    lines = done.stdout.splitlines()
    return done.returncode, json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None, done.stderr


def restore(backup, to, key):
    return verb("restore", backup, "--to", to, "--key", key)


def post(run, path):
    done = subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, "POST", path], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def findings(run, kind):
    return [f for f in (run.api(f"/api/v1/findings?state=all&kind={kind}") or {"items": []})["items"]]


def backups(run):
    return (run.api("/api/v1/backups") or {"items": []})["items"]


def tested(run, identity):
    return until(lambda: next((b for b in backups(run) if b["id"] == identity and b["tested_at"]), None))


def config(folder, every="1h", keep=2, test="100d"):
    return f'backup: {{ to: "{folder}", every: {every}, keep: {keep}, test: {test} }}\n'


def made_and_restored(scratch, capture, messages, results):
    data, folder, there = (os.path.join(scratch, name) for name in ("data", "backups", "elsewhere"))
    os.mkdir(there)
    with lab.Run(data, "--replay", capture, more=config(folder)) as run:
        lab.ok(run.wait_ended(), "a run with backups", run.said())
        first = until(lambda: backups(run))
        lab.ok(first and tested(run, first[0]["id"]) and backups(run)[0]["holds"] is True, "the first one is made by itself, and tested by restoring it", backups(run))
        lab.ok(not os.path.exists(os.path.join(data, "backup.test")), "nothing of the test is left")
        status, line, said = verb("backup", "--data", data, "--to", there)
        lab.ok(status == 0 and os.path.isfile(line["where"]) and os.path.dirname(line["where"]) == there, "one into another folder, by the running keeper", said)
        status, again, said = verb("backup", "--data", data)
        lab.ok(status == 0 and again["where"] == folder and again["records"] > first[0]["records"], "another one into the configured folder", said)
        for _ in range(2):
            verb("backup", "--data", data)
        kept = sorted(glob.glob(os.path.join(folder, "*.backup")))
        known = [b["id"] for b in backups(run)]
        lab.ok(len(kept) == 3 and first[0]["id"] in known and again["id"] not in known,
               "two are kept, and the last one that passed its test; the record knows which went", f"{kept} {known}")
        events = [r["event"] for r in run.api("/api/v1/ledger/records?limit=50")["items"]]
        lab.ok(events.count("backup.made") == 5 and events.count("backup.tested") == 1, "all of it is on the ledger", events)
        status, answer = post(run, "/api/v1/backups/0000/test")
        lab.ok(status == 2 and answer["type"].endswith("no-backup") if isinstance(answer, dict) else False, "no test of one that is not there", answer)
    key, fresh = os.path.join(data, "root.key"), os.path.join(scratch, "fresh")
    status, restored, said = restore(line["where"], fresh, key)
    lab.ok(status == 0 and restored["records"] == line["records"], "restored on an empty folder with the root key alone", said)
    lab.ok(lab.verify(fresh)[0] == 0, "what was restored holds", lab.verify(fresh))
    with lab.Run(fresh) as run:
        answer = (run.wait_api("/api/v1/messages?limit=1") or {}).get("total"), (run.wait_api("/api/v1/results?limit=1") or {}).get("total")
        lab.ok(answer == (messages, results), "it shows every message and result", f"{answer} {(messages, results)} {run.said()}")
        seen = until(lambda: [r for r in run.api("/api/v1/ledger/records?limit=20")["items"] if r["event"] == "backup.restored"])
        lab.ok(seen and line["id"] in seen[0]["summary"], "its first start writes down that it was restored, and from what", seen)
        lab.ok(not os.path.exists(os.path.join(fresh, "restored")), "once")
    status, _, said = restore(line["where"], fresh, key)
    lab.ok(status == 2 and "nothing is overwritten" in said, "nothing is overwritten", said)
    other = os.path.join(scratch, "other.key")
    with open(other, "wb") as f:
        f.write(os.urandom(32))
    os.chmod(other, 0o600)
    status, _, said = restore(line["where"], os.path.join(scratch, "no"), other)
    lab.ok(status == 2 and "key" in said and not os.path.exists(os.path.join(scratch, "no")), "another key does not open it", said)
    status, line, said = verb("backup", "--data", data, "--to", there)
    lab.ok(status == 0, "one where nothing runs", said)
    return data, line["where"]


def damaged(scratch, data, backup):
    key, to = os.path.join(data, "root.key"), os.path.join(scratch, "damaged")
    whole = os.path.getsize(backup)
    bad = os.path.join(scratch, "bad.backup")
    for at in (0, 50, 400, whole // 2, whole - 1):
        shutil.copyfile(backup, bad)
        with open(bad, "r+b") as f:
            f.seek(at)
            byte = f.read(1)[0]
            f.seek(at)
            f.write(bytes([byte ^ 4]))
        status, _, said = restore(bad, to, key)
        lab.ok(status in (1, 2) and said and not os.path.exists(to) and not os.path.exists(to + ".restoring"), f"byte {at} flipped: refused, nothing is left", said)
        if at >= whole // 2:
            lab.ok(status == 1 and "chunk" in said, "and the place is named", said)
    for size in (0, 7, 300, whole // 3, whole - 1):
        shutil.copyfile(backup, bad)
        os.truncate(bad, size)
        status, _, said = restore(bad, to, key)
        lab.ok(status == 1 and not os.path.exists(to), f"cut to {size} bytes: refused", said)


def broken_then_mended(scratch, data):
    folder = os.path.join(scratch, "backups")
    with lab.Run(data, more=config(folder, test="100d")) as run:
        run.wait_api()
        _, line, said = verb("backup", "--data", data)
        path = [p for p in glob.glob(os.path.join(folder, "*.backup")) if line["id"][:8] in p][0]
        with open(path, "r+b") as f:
            f.seek(os.path.getsize(path) // 2)
            f.write(b"damage")
        post(run, f"/api/v1/backups/{line['id']}/test")
        outcome = tested(run, line["id"])
        lab.ok(outcome and outcome["holds"] is False and "chunk" in outcome["why"], "a damaged one does not pass its test, and the place is named", outcome)
        found = until(lambda: findings(run, "ledger.backup_broken"))
        lab.ok(found and found[0]["state"] == "open", "which is a finding", found)
        lab.ok((run.api("/api/v1/backups") or {}).get("due"), "and shows as due", run.api("/api/v1/backups"))
    with lab.Run(data, more=config(folder, test="100d")) as run:
        run.wait_api()
        _, line, said = verb("backup", "--data", data)
        post(run, f"/api/v1/backups/{line['id']}/test")
        outcome = tested(run, line["id"])
        lab.ok(outcome and outcome["holds"] is True, "the next one passes", f"{outcome} {said}")
        lab.ok(until(lambda: findings(run, "ledger.backup_broken")[0]["state"] == "dismissed"), "and the finding ends by itself, also after a restart",
               findings(run, "ledger.backup_broken"))


def killed(scratch, data):
    folder = os.path.join(scratch, "killed")
    hits = 0
    for _ in range(6):
        with lab.Run(data, more=config(folder, every="1s", keep=50)) as run:
            pid = run.wait_pid("keeper")
            end = time.monotonic() + 30
            while time.monotonic() < end and pid:
                if glob.glob(os.path.join(folder, "*.tmp")):
                    os.kill(pid, signal.SIGKILL)
                    hits += 1
                    break
            run.wait_pid("keeper", other_than=pid)
            run.wait_api()
            lab.ok(until(lambda: not glob.glob(os.path.join(folder, "*.tmp"))), "the keeper killed in the middle of a backup: what was half-written goes")
        if hits >= 3:
            break
    lab.ok(hits >= 1, "it was killed in the middle", hits)
    with lab.Run(data, more=config(folder, every="1s", keep=50)) as run:
        lab.ok(until(lambda: glob.glob(os.path.join(folder, "*.backup"))), "left alone, it makes one", run.said())
    lab.ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))
    key = os.path.join(data, "root.key")
    good = sum(restore(path, os.path.join(scratch, f"killed-{i}"), key)[0] == 0 for i, path in enumerate(sorted(glob.glob(folder + "/*.backup"))))
    lab.ok(good == len(glob.glob(folder + "/*.backup")) and good > 0, "every backup that has its name is whole", good)


def no_room(scratch, data):
    folder = os.path.join(scratch, "small")
    os.mkdir(folder)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k,mode=0700", "none", folder], capture_output=True).returncode != 0:
        lab.skip("a full disk under the backups", "needs a mount")
        return
    try:
        with lab.Run(data, more=config(folder, every="2s")) as run:
            run.wait_api()
            found = until(lambda: findings(run, "ledger.backup_overdue"))
            lab.ok(found and found[0]["state"] == "open", "no room for a backup: a finding", run.said())
            status, _, said = verb("backup", "--data", data)
            lab.ok(status == 3 and "No space" in said, "asked for, it says why", said)
            lab.ok(until(lambda: os.listdir(folder) == []), "nothing half-written is left", os.listdir(folder))  # the keeper goes on trying: each try has a file for a moment
            status, _, said = verb("backup", "--data", data, "--to", folder)
            lab.ok(status == 3 and until(lambda: os.listdir(folder) == []), "nor by the command", said)
            subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True)
            lab.ok(verb("backup", "--data", data)[0] == 0, "with room it is made")
            lab.ok(until(lambda: findings(run, "ledger.backup_overdue")[0]["state"] == "dismissed"), "and the finding ends", findings(run, "ledger.backup_overdue"))
    finally:
        subprocess.run(["umount", folder], check=False)


def other_keys(scratch, data):
    """By the recovery key, and erased again what was erased since."""
    tool, folder = os.path.abspath(sys.argv[2]), os.path.join(scratch, "keys")
    recovery = subprocess.run([tool, data, "recovery"], capture_output=True, text=True, check=True).stdout
    subprocess.run([tool, data, "person"], check=True)
    os.mkdir(folder)
    status, line, said = verb("backup", "--data", data, "--to", folder)
    lab.ok(status == 0, "a backup before somebody is erased", said)
    to = os.path.join(scratch, "recovered")
    done = subprocess.run([lab.TOURNIQUET, "restore", line["where"], "--to", to, "--recovery"], input=recovery.replace("1", "l").lower(), capture_output=True, text=True)
    lab.ok(done.returncode == 0 and json.loads(done.stdout)["erased"] == 0, "restored by the printed recovery key alone", done.stderr)
    with open(os.path.join(data, "ledger", "verifier.pub"), encoding="utf-8") as f:
        key = f.read().strip()
    lab.ok(json.loads(done.stdout)["verifier"] == key and key in done.stderr, "the ledger's key is told, to be compared with the one that was kept", done.stdout)
    lab.ok(json.loads(done.stdout)["erasures"] is None and "No list of erasures" in done.stderr, "that there was no list of erasures is told", done.stderr)
    with open(os.path.join(data, "root.key"), "rb") as old, open(os.path.join(to, "root.key"), "rb") as new:
        lab.ok(old.read() != new.read(), "with a root key of its own")
    with lab.Run(to) as run:
        lab.ok(run.wait_api() is not None, "it starts with that", run.said())
    done = subprocess.run([lab.TOURNIQUET, "restore", line["where"], "--to", to + "2", "--recovery"], input="0" * 56 + "\n", capture_output=True, text=True)
    lab.ok(done.returncode == 2 and not os.path.exists(to + "2"), "not by another one", done.stderr)
    subprocess.run([tool, data, "erase"], check=True)
    with lab.Run(data, more=config(folder, every="1s", keep=900)) as run:
        lab.ok(until(lambda: glob.glob(os.path.join(folder, "*-erasures"))), "the list of erasures lies beside the backups", run.said())
    status, restored, said = restore(line["where"], to + "3", os.path.join(data, "root.key"))
    lab.ok(status == 0 and restored["erased"] == 1, "an older backup, restored later: who was erased since is erased again", f"{restored} {said}")
    lab.ok(restored["erasures"].endswith("-erasures") and "No list" not in said, "by the list that lay beside it", restored)
    lab.ok(lab.verify(to + "3")[0] == 0, "and it holds", lab.verify(to + "3"))
    listed = glob.glob(os.path.join(folder, "*-erasures"))[0]
    with open(listed, "r+b") as f:
        f.seek(20)
        f.write(b"damage")
    status, _, said = restore(line["where"], to + "4", os.path.join(data, "root.key"))
    lab.ok(status == 1 and not os.path.exists(to + "4"), "with a damaged list nothing is restored", said)


def exchanged(scratch, data):
    """Keys change: by an erasure older backups still pass their test; after a rotation a new one is made at once, which the new root key opens."""
    tool, folder = os.path.abspath(sys.argv[2]), os.path.join(scratch, "exchanged")
    recovery = subprocess.run([tool, data, "recovery"], capture_output=True, text=True, check=True).stdout
    os.mkdir(folder)
    root = os.path.join(data, "root.key")
    with open(root, "rb") as f:
        before = f.read()
    with lab.Run(data, more=config(folder)) as run:
        run.wait_api()
        _, first, said = verb("backup", "--data", data)
        token = next(r["patient"] for r in run.api("/api/v1/results?limit=50")["items"] if r["patient"])
        status, _, said = verb("keys", "erase", "--data", data, "--why", "asked for by the patient", "--token", token)
        lab.ok(status == 0, "a patient is erased", said)
        lab.ok(until(lambda: glob.glob(os.path.join(folder, "*-erasures"))), "the list lies beside the backups at once")
        post(run, f"/api/v1/backups/{first['id']}/test")
        outcome = tested(run, first["id"])
        lab.ok(outcome and outcome["holds"] is True, "a backup from before the erasure still passes its test", f"{outcome} {run.said()}")
        n = len(backups(run))
        status, _, said = verb("keys", "rotate", "--data", data, "--why", "somebody left")
        lab.ok(status == 0, "the keys are rotated", said)
        second = until(lambda: len(backups(run)) > n and backups(run)[0])
        lab.ok(second, "which makes a backup at once, though the last one is young", backups(run))
        time.sleep(3)
        lab.ok(len(backups(run)) == n + 1, "one", backups(run))
        post(run, f"/api/v1/backups/{first['id']}/test")
        failed = until(lambda: (run.api("/api/v1/backups") or {}).get("failed"))
        lab.ok(failed and failed["id"] == first["id"] and "root key" in failed["why"], "the old one cannot be tested any more, and why", failed)
    paths = {b["id"]: p for b in (first, second) for p in glob.glob(os.path.join(folder, "*.backup")) if b["id"][:8] in p}
    old = os.path.join(scratch, "old.key")
    with open(old, "wb") as f:
        f.write(before)
    os.chmod(old, 0o600)
    lab.ok(restore(paths[second["id"]], os.path.join(scratch, "x1"), root)[0] == 0, "today's root key opens the new one")
    lab.ok(restore(paths[first["id"]], os.path.join(scratch, "x2"), root)[0] == 2, "and not the old one")
    status, line, said = restore(paths[first["id"]], os.path.join(scratch, "x2"), old)
    lab.ok(status == 0 and line["erased"] > 0, "the root key of its time does, and the patient is erased again", f"{line} {said}")
    done = subprocess.run([lab.TOURNIQUET, "restore", paths[first["id"]], "--to", os.path.join(scratch, "x3"), "--recovery"], input=recovery, capture_output=True, text=True)
    lab.ok(done.returncode == 0, "and so does the recovery key", done.stderr)
    lab.ok(lab.verify(os.path.join(scratch, "x3"))[0] == 0, "it holds")
    return folder


def dated(path, year):
    """The same head with another date and an id of its own: what a clock that stood wrong writes."""
    with open(path, "r+b") as f:
        head = bytearray(f.read(180))
        keyring = f.read(int.from_bytes(head[176:180], "big"))
        head[32:48] = os.urandom(16)
        head[48:56] = ((year - 1970) * 31557600 * 10**9).to_bytes(8, "big")
        f.seek(0)
        f.write(bytes(head) + keyring + hashlib.sha256(bytes(head) + keyring).digest())


def wrong_clock(scratch, data, folder):
    """Backups that a wrong clock dated into the future push nothing out, and are not taken for the newest."""
    whole = sorted(glob.glob(os.path.join(folder, "*.backup")))[-1]
    copies = {year: whole[: -len("00000000.backup")] + f"{year}{year}.backup" for year in (2060, 2070, 2080)}
    for year, copy in copies.items():
        shutil.copyfile(whole, copy)
        dated(copy, year)
    with lab.Run(data, more=config(folder, every="1h", keep=2)) as run:
        run.wait_api()
        status, line, said = verb("backup", "--data", data)
        lab.ok(status == 0 and any(line["id"][:8] in p for p in glob.glob(os.path.join(folder, "*.backup"))), "the new one stays", said)
        status, again, said = verb("backup", "--data", data)
        kept = glob.glob(os.path.join(folder, "*.backup"))
        lab.ok(all(any(b["id"][:8] in p for p in kept) for b in (line, again)), "the two newest stay", kept)
        lab.ok(not set(copies.values()) & set(kept), "those of a wrong clock go first", kept)


def unreachable(data):
    with lab.Run(data, more=config("/proc/nowhere/backups")) as run:
        lab.ok(run.wait_api() is not None and until(lambda: "no backups are made" in run.said()), "a folder that cannot be made stops no start, and is said", run.said())
        status, _, said = verb("backup", "--data", data)
        lab.ok(status == 2 and "backup.to" in said, "asked for, it says so too", said)


def stopped_and_locked(scratch):
    """Nothing runs, and the keys open by a passphrase: it is asked for, or comes from a file."""
    data, there, phrase = os.path.join(scratch, "locked"), os.path.join(scratch, "of-locked"), "seven grey herons wade"
    os.mkdir(there)
    with lab.Run(data, more="root_key: passphrase\n") as run:
        until(lambda: "first passphrase" in run.said())
        done = subprocess.run([lab.TOURNIQUET, "unlock", "--new", "--data", data], input=phrase + "\n", capture_output=True, text=True)
        lab.ok(done.returncode == 0 and run.wait_api() is not None, "a ledger with a passphrase", done.stderr)

    def asked(*arguments, typed=""):
        done = subprocess.run([lab.TOURNIQUET, *arguments], input=typed, capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else {}, done.stderr

    for name, text in (("phrase", phrase + "\n"), ("wrong", "seven grey herons walk\n")):
        with open(os.path.join(scratch, name), "w", encoding="utf-8") as f:
            f.write(text)
    status, line, said = asked("backup", "--data", data, "--to", there, typed=phrase + "\n")
    lab.ok(status == 0 and os.path.isfile(line["where"]), "stopped, with a passphrase on standard input", said)
    status, second, said = asked("backup", "--data", data, "--to", there, "--passphrase-file", os.path.join(scratch, "phrase"))
    lab.ok(status == 0 and os.path.isfile(second["where"]), "and with one in a file", said)
    for name, arguments, typed in (("none", [], ""), ("a wrong one", [], "seven grey herons walk\n"), ("a wrong one in a file", ["--passphrase-file", os.path.join(scratch, "wrong")], ""),
                                   ("a file that is not there", ["--passphrase-file", os.path.join(scratch, "nowhere")], "")):
        status, _, said = asked("backup", "--data", data, "--to", there, *arguments, typed=typed)
        lab.ok(status == 2 and "passphrase" in said and phrase not in said, f"{name}: no backup, and why", f"{status} {said}")
    lab.ok(len(os.listdir(there)) == 2, "nothing half-made is left", os.listdir(there))
    again = os.path.join(scratch, "locked-again")
    status, _, said = asked("restore", second["where"], "--to", again, "--passphrase-file", os.path.join(scratch, "phrase"))
    lab.ok(status == 0 and lab.verify(again)[0] == 0, "what was made so is restored so", said)
    status, _, said = asked("restore", line["where"], "--to", again + "2", "--passphrase-file", os.path.join(scratch, "wrong"))
    lab.ok(status == 2 and not os.path.exists(again + "2"), "and by no other", said)


with lab.Folder() as place:
    file, of_messages, of_results = lab.capture(place, 20)
    lab_data, one = made_and_restored(place, file, of_messages, of_results)
    damaged(place, lab_data, one)
    broken_then_mended(place, lab_data)
    killed(place, lab_data)
    no_room(place, lab_data)
    unreachable(lab_data)
    other_keys(place, lab_data)
    stopped_and_locked(place)
    wrong_clock(place, lab_data, exchanged(place, lab_data))
lab.finish()
