"""Upgrades: roles replaced one by one while it runs, a new program that is no good, ledgers of every released format, and of a format that is not known yet."""
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import lab
from lab import Folder, Run, ok, wait

BUILT = lab.TOURNIQUET  # the scenes run copies of it
BUILD = os.path.dirname(BUILT)
FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "record", "fixture")
PARTS = ("sensor", "detector", "keeper", "console", "courier", "relay", "warden", "reader")


def install(folder):
    """The program as a package puts it there; the tests run this copy."""
    os.makedirs(os.path.join(folder, "libexec", "tourniquet"))
    shutil.copy2(BUILT, os.path.join(folder, "tourniquet"))
    for part in PARTS:
        shutil.copy2(os.path.join(BUILD, "libexec", "tourniquet", part), os.path.join(folder, "libexec", "tourniquet", part))
    return os.path.join(folder, "tourniquet")


def put(path, content, mode=0o755):
    """In one step, as dpkg does: the file that runs stays what it is."""
    with open(path + ".new", "wb") as f:
        f.write(content)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


def install_newer(folder, version=b"9.9.9"):
    with open(os.path.join(folder, "tourniquet"), "rb") as f:
        program = f.read()
    old = subprocess.run([os.path.join(folder, "tourniquet"), "--version"], capture_output=True, check=True).stdout.split()[1]
    assert len(old) == len(version)
    put(os.path.join(folder, "tourniquet"), program.replace(old + b"\0", version + b"\0").replace(b" " + old + b"\n", b" " + version + b"\n"))
    for part in PARTS:
        path = os.path.join(folder, "libexec", "tourniquet", part)
        with open(path, "rb") as f:
            put(path, f.read())


def upgrade(data):
    return subprocess.run([lab.TOURNIQUET, "upgrade", "--data", data], capture_output=True, text=True)


def events(run, event):
    items = (run.api("/api/v1/ledger/records?limit=200") or {"items": []})["items"]
    return [i for i in items if i["event"] == event]


def pids(run):
    return {role: run.pid(role) for role in ("detector", "keeper", "console", "reader")}


def children(run):
    return [int(pid) for pid in run.children()]


def runs(pid):
    return os.readlink(f"/proc/{pid}/exe")


def image(pid):
    with open(f"/proc/{pid}/exe", "rb") as f:
        return f.read()


def one_by_one(folder):
    program = install(os.path.join(folder, "program"))
    lab.TOURNIQUET = program
    data = os.path.join(folder, "data")
    capture, messages, results = lab.capture(folder, 3)
    with Run(data, "--replay", capture) as run:
        ok(run.wait_ended(), "the capture is read", run.said())
        before = pids(run)
        done = upgrade(data)
        ok(done.returncode == 0 and wait(lambda: "no upgrade: the installed program is the one" in run.said()), "where nothing new is installed, nothing is touched",
           done.stderr + run.said())
        ok(pids(run) == before, "no role was restarted")
        install_newer(os.path.dirname(program))
        done = upgrade(data)
        ok(done.returncode == 0 and json.loads(done.stdout)["asked"] == run.process.pid, "the supervisor is asked", done.stderr)
        ok(wait(lambda: "upgraded from" in run.said()), "it is upgraded", run.said())
        after = pids(run)
        ok(all(after[r] not in (None, before[r]) for r in after), "each role is another process", f"{before} {after}")
        ok("9.9.9, role by role and the supervisor too" in run.said(), "it says from what to what", run.said())
        ok(run.process.poll() is None and sorted(children(run)) == sorted(after.values()), "the supervisor is the same process, and the roles are its children", children(run))
        ok(runs(run.process.pid) == os.path.join(os.path.dirname(program), "tourniquet") and b"9.9.9" in image(run.process.pid), "… of the new program", runs(run.process.pid))
        told = wait(lambda: events(run, "program.upgraded"))
        ok(told and len(told) == 1 and "before" not in told[0]["summary"], "program.upgraded stands on the ledger, and nothing of the one before is left", told)
        ok("restarted" not in {e["event"] for e in (run.api("/api/v1/ledger/records?limit=200") or {"items": []})["items"]}, "no role counts as dead")
        shown = run.wait_api("/api/v1/messages?limit=1")["total"], run.wait_api("/api/v1/results?limit=1")["total"]
        ok(shown == (messages, results), "everything is still there, once", f"{shown} {(messages, results)}")
        first = run.pid("detector")
        run.signal("detector", signal.SIGKILL)
        second = run.wait_pid("detector", other_than=first)
        ok(second is not None, "a role that dies later is started again", run.said())
    status, line = lab.verify(data)
    ok(status == 0, "the ledger holds", line)


def in_a_replay(folder):
    program = install(os.path.join(folder, "program"))
    lab.TOURNIQUET = program
    data = os.path.join(folder, "data")
    capture, messages, results = lab.capture(folder, 12)
    with Run(data, "--replay", capture) as run:
        run.wait_pid("sensor")
        run.signal("sensor", signal.SIGSTOP)  # in the middle, however fast it reads
        install_newer(os.path.dirname(program))
        upgrade(data)
        wait(lambda: "it begins when the capture is read" in run.said())
        run.signal("sensor", signal.SIGCONT)
        ok(wait(lambda: "upgraded from" in run.said()), "asked for in the middle of a capture, it is made when that is read", run.said())
        ok("it begins when the capture is read" in run.said(), "… which is said", run.said())
        ok(wait(lambda: (run.api("/api/v1/messages?limit=1") or {}).get("total") == messages), "no message is lost and none comes twice")
        shown = run.wait_api("/api/v1/results?limit=1")["total"]
        ok(shown == results, "no result either", f"{shown} of {results}")
    status, line = lab.verify(data)
    ok(status == 0, "the ledger holds", line)


def bad_programs(folder):
    program = install(os.path.join(folder, "program"))
    parts = os.path.join(folder, "program", "libexec", "tourniquet")
    lab.TOURNIQUET = program
    data = os.path.join(folder, "data")
    with Run(data) as run:
        ok(run.wait_api() is not None, "it runs", run.said())
        before = pids(run)
        with open(program, "rb") as f:
            good = f.read()
        put(program, b"#!/bin/false\n")
        run.process.send_signal(signal.SIGHUP)
        ok(wait(lambda: "no upgrade: the program" in run.said()), "a program that does not run is refused before anything is touched", run.said())
        ok(pids(run) == before, "no role was restarted")
        put(program, b"#!/bin/sh\necho tourniquet 9.9.9 1\n")
        run.process.send_signal(signal.SIGHUP)
        ok(wait(lambda: "do not understand each other; restart Tourniquet" in run.said()), "one whose parts speak otherwise, or that writes other formats, is refused, too", run.said())
        ok(pids(run) == before, "no role was restarted for that")
        put(program, good)
        with open(os.path.join(parts, "console"), "rb") as f:
            console = f.read()
        install_newer(os.path.dirname(program))
        put(os.path.join(parts, "console"), b"no program at all")
        run.process.send_signal(signal.SIGHUP)
        ok(wait(lambda: "the upgrade ends at the console" in run.said()), "a part that does not start ends the upgrade", run.said())
        ok(wait(lambda: run.pid("console") is not None and run.wait_api() is not None), "the one before goes on in its place", run.said())
        ok(run.pid("detector") != before["detector"] and run.pid("keeper") == before["keeper"], "what came before it is new, what comes after it is as it was")
        ok(not events(run, "program.upgraded"), "it does not count as an upgrade")
        put(os.path.join(parts, "console"), console)
        run.process.send_signal(signal.SIGHUP)
        ok(wait(lambda: "upgraded from" in run.said()), "with a whole program it is made", run.said())


def passes(port, lis):
    """A message goes from an analyzer's socket to the LIS's."""
    lis.settimeout(90)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as here:
        there, _ = lis.accept()
        here.sendall(b"\x0bMSH|^~\\&|CHEM|LAB1|LIS|HOSP|20260302080000||ORU^R01|1|P|2.5.1\rPID|1||595774\r\x1c\r")
        with there:
            there.settimeout(90)
            return there.recv(65536).startswith(b"\x0bMSH|")


def supervisors(folder):
    """The supervisor's own turn: again and again, a program that cannot take over, one that is none, and what it holds goes on working."""
    program = install(os.path.join(folder, "program"))
    lab.TOURNIQUET = program
    data = os.path.join(folder, "data")
    with open(program, "rb") as f:
        good = f.read()
    analyzer, lis = lab.free_port(), socket.create_server(("127.0.0.1", 0))
    more = f'relay: [ {{ name: chemistry, listen: "127.0.0.1:{analyzer}", forward: "127.0.0.1:{lis.getsockname()[1]}", protocol: mllp }} ]\n'
    with Run(data, more="evidence_packets: 16\n" + more) as run:
        ok(run.wait_api() is not None, "it runs", run.said())
        with open(run.config, "a", encoding="utf-8") as f:
            f.write("nonsense: true\n")  # read once, at the start: what it says now is nothing to a run that goes on
        before = pids(run)
        put(program, good.replace(b"TQSUPER\n", b"TQSUPEX\n"))
        run.process.send_signal(signal.SIGHUP)
        ok(wait(lambda: "the supervisor is the one before until the next start: the new program cannot take over" in run.said()),
           "a program that does not understand what it is handed is seen to, and does not get it", run.said())
        ok("is no supervisor's" in run.said() and pids(run) == before and run.wait_api() is not None, "the one before goes on, with the same roles", run.said())
        told = wait(lambda: events(run, "program.upgraded"))
        ok(told and "the supervisor is the one before" in told[0]["summary"], "which stands on the ledger", told)
        put(program, b"#!/bin/sh\nexec " + BUILT.encode() + b' "$@"\n')
        run.process.send_signal(signal.SIGHUP)
        ok(wait(lambda: run.said().count("cannot take over") == 2), "neither does a script that only looks like one", run.said())
        put(program, good)
        held = lambda: len(os.listdir(f"/proc/{run.process.pid}/fd"))
        fds = held()
        for turn in (1, 2, 3):
            install_newer(os.path.dirname(program), b"9.9.%d" % turn) if turn < 3 else put(program, good)
            run.process.send_signal(signal.SIGHUP)
            ok(wait(lambda: run.said().count("and the supervisor too") == turn), f"turn {turn}: it becomes the installed program", run.said())
        ok(run.process.poll() is None and runs(run.process.pid).startswith(os.path.dirname(program)), "in one process all the time")
        with open(f"/proc/{run.process.pid}/cmdline", "rb") as f:
            line = f.read().split(b"\0")
        ok(line.count(b"--handover") == 1, "its arguments do not grow", line)
        with open(f"/proc/{run.process.pid}/comm", encoding="utf-8") as f:
            ok(f.read().strip() == "tourniquet", "it keeps its name")
        ok(wait(lambda: held() == fds), "no descriptor is left over",
           sorted(os.readlink(f"/proc/{run.process.pid}/fd/{n}") for n in os.listdir(f"/proc/{run.process.pid}/fd")))
        first = run.pid("relay")
        run.signal("relay", signal.SIGKILL)
        ok(run.wait_pid("relay", other_than=first) is not None and passes(analyzer, lis), "a relay that is started then gets the listening socket of before, and what it dials", run.said())
        first = run.pid("keeper")
        run.signal("keeper", signal.SIGKILL)
        ok(run.wait_pid("keeper", other_than=first) is not None and run.wait_api() is not None, "what it was handed works: the keeper is started again, on the same folder and socket", run.said())
        ok(wait(lambda: events(run, "role.restarted")), "and told why", run.said())
        with Run(data) as another:
            ok(another.finish()[0] == 2 and "another Tourniquet" in another.said(), "the data folder is locked as before", another.said())
        run.process.send_signal(signal.SIGTERM)
        ok(run.process.wait(90) == 0, "it stops in order", run.said())
    ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))


def released_formats(folder):
    """A copy of a ledger of each released format: `run` opens it, goes on with it, and it holds."""
    for name in sorted(os.listdir(FIXTURES)):
        source = os.path.join(FIXTURES, name)
        if not os.path.isdir(source):
            continue
        data = os.path.join(folder, name)
        os.mkdir(data, 0o700)
        shutil.copytree(os.path.join(source, "ledger"), os.path.join(data, "ledger"))
        shutil.copy(os.path.join(source, "root.key"), os.path.join(data, "root.key"))
        os.chmod(os.path.join(data, "root.key"), 0o600)
        with Run(data) as run:
            ok(wait(lambda: (run.api("/api/v1/ledger") or {"records": 0})["records"] > 14), f"run goes on with a ledger of {name}", run.said())
        status, line = lab.verify(data)
        ok(status == 0, f"{name}: it holds afterwards", line)


def raised(path, hashed, kept):
    """The file with format 99: its number stands at byte 8, and the first `kept` bytes of SHA-256 over `hashed` bytes behind those."""
    with open(path, "r+b") as f:
        head = bytearray(f.read(hashed))
        head[8:10] = (99).to_bytes(2, "big")
        f.seek(0)
        f.write(bytes(head) + hashlib.sha256(bytes(head)).digest()[:kept])


def first_of(folder):
    return os.path.join(folder, sorted(n for n in os.listdir(folder) if "." not in n)[0])


def files(folder):
    """Every file below it but the lock, as bytes."""
    found = {}
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as f:
                found[os.path.join(path, name)] = f.read()
    return found


def newer_formats(folder):
    """Format numbers that this program does not know: refused by name, with one sentence, and nothing is changed."""
    made = os.path.join(folder, "made")
    capture, _, _ = lab.capture(folder, 1)
    with Run(made, "--replay", capture, "--exit") as run:
        run.finish()
    for what, place, hashed, kept in (("segment", "segment/custody/*", 48, 16), ("journal", "journal.0", 128, 32), ("journal", "journal.1", 128, 32), ("keyring", "keyring", 32, 32),
                                      ("key file", "keys/*", 48, 32)):
        data = os.path.join(folder, place.replace("/", "-").replace("*", "x"))
        shutil.copytree(made, data)
        path = os.path.join(data, "ledger", place)
        path = first_of(os.path.dirname(path)) if path.endswith("*") else path
        if not os.path.exists(path):
            continue
        raised(path, hashed, kept)
        ledger = os.path.join(data, "ledger")
        before = files(ledger)
        with Run(data) as run:
            status, _ = run.finish(180)
            said = [line for line in run.said().splitlines() if "error" in line]
            ok(status in (2, 3) and len(said) == 1 and "newer" in said[0] and "99" in said[0], f"an older program does not start on a ledger with a newer {what}, and names the format in one sentence",
               f"{status} {run.said()}")
        ok(files(ledger) == before, "nothing is changed")


for scene in (one_by_one, in_a_replay, bad_programs, supervisors, released_formats, newer_formats):
    if len(sys.argv) < 3 or sys.argv[2] == scene.__name__:
        lab.TOURNIQUET = BUILT
        with Folder() as place:
            scene(place)
lab.finish()
