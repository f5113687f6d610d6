"""The views' store between two starts and under one: nothing of it can be read, it goes on where it was, and whatever is done to its files the same answers
come."""
import os
import random
import shutil
import subprocess
import sys

import lab

FILES = ("store.head", "store.db", "store.wal")
QUESTIONS = ("/api/v1/devices?limit=200", "/api/v1/results?limit=200", "/api/v1/messages?limit=200", "/api/v1/findings?limit=200")


def path(data, name):
    return os.path.join(data, "store", name)


def answers(run):
    """What the page shows, without what a start itself changes."""
    got = [run.wait_api(q) for q in QUESTIONS]
    return None if None in got else [[{k: v for k, v in item.items() if k != "etag"} for item in a["items"]] for a in got]


def events(run):
    return [row["event"] for row in (run.api("/api/v1/ledger/records?limit=200") or {"items": []})["items"]]


def flip(file, at):
    with open(file, "r+b") as f:
        f.seek(at)
        byte = f.read(1)[0]
        f.seek(at)
        f.write(bytes([byte ^ 16]))


def start(data, said, name):
    """A start after something was done to the files: the same answers, and it is said."""
    with lab.Run(data) as run:
        got = answers(run)
        lab.ok(got == good and (lab.wait(lambda: said in run.said()) if said else "the views" not in run.said()), name, run.said())
        if said:
            lab.ok(lab.wait(lambda: "store.mended" in events(run)[:6]), f"{name}: it is on the ledger", events(run)[:10])


def search(data):
    """What the API shows in clear, in the files: nothing. (What is PHI is in no view at all: tests/unit/proc/test_stored_views.c.)"""
    words = [b"SQLite format", b"CREATE TABLE", b"ORU^R01", b"Glucose", b"mllp", b"local administrator"]
    whole = {name: open(path(data, name), "rb").read() for name in FILES}
    found = [(w, name) for w in words for name, text in whole.items() if w in text]
    lab.ok(not found and len(whole["store.db"]) > 100000, "nothing in the files can be read", (found, [len(t) for t in whole.values()]))
    lab.ok(sorted(os.listdir(os.path.join(data, "store"))) == sorted(FILES), "there are three files, and no journal, index or temporary one", os.listdir(os.path.join(data, "store")))


def garbage_under_way(data):
    """Pages written over while it runs and its caches are cold: it is started again, rebuilds, and answers as before."""
    with lab.Run(data) as run:
        run.wait_api("/api/v1/sensor")
        keeper = run.pid("keeper")
        size = os.path.getsize(path(data, "store.db"))
        with open(path(data, "store.db"), "r+b") as f:
            f.write(os.urandom(size))
        lab.ok(lab.wait(lambda: answers(run) == good), "pages written over while it runs: the same answers, after a restart of the keeper", run.said())
        lab.ok(run.pid("keeper") != keeper and "store.db: page" in run.said(), "which names the page", run.said())


with lab.Folder() as scratch:
    capture, message_count, result_count = lab.capture(scratch, 20)
    folder = os.path.join(scratch, "data")
    with lab.Run(folder, "--replay", capture) as first:
        lab.ok(first.wait_ended(), "a capture is read", first.said())
        good = answers(first)
        lab.ok(good is not None and len(good[1]) == min(200, result_count), "and shown", result_count)
    search(folder)
    older = os.path.join(scratch, "older")
    shutil.copytree(os.path.join(folder, "store"), older)
    start(folder, "", "a second start goes on")
    start(folder, "", "a third one too")
    for name in FILES:
        shutil.copy(os.path.join(older, name), path(folder, name))
    start(folder, "an older copy of the store", "the whole store of the first start put back")
    for at in random.Random(7).sample(range(os.path.getsize(path(folder, "store.db"))), 2):
        flip(path(folder, "store.db"), at)
        start(folder, f"store.db: page {at // 4096 + 1} does not hold", f"byte {at} flipped")
    flip(path(folder, "store.head"), 100)
    start(folder, "store.head", "the head flipped")
    os.remove(path(folder, "store.db"))
    start(folder, "rebuilt from the ledger", "the pages gone")
    os.truncate(path(folder, "store.db"), 8192)
    start(folder, "rebuilt from the ledger", "the pages cut")
    subprocess.run([os.path.abspath(sys.argv[2]), folder], check=True)
    start(folder, "another program made it: this one does not know the migration lab/schema/999-later", "a store that a later version migrated: dropped, rebuilt")
    start(folder, "", "which it is once")
    with open(path(folder, "store.head"), "r+b") as f:
        head = f.read()
        f.seek(0)
        f.write(head.replace(b"tqstore1", b"tqstore2"))
    start(folder, "store.head is of a newer format", "a store of a later format: dropped, rebuilt")
    shutil.rmtree(os.path.join(folder, "store"))
    start(folder, "", "the folder gone")
    garbage_under_way(folder)
    lab.ok(lab.kept(folder) == (message_count, result_count), "the ledger has each message and result once", lab.kept(folder))
lab.finish()
