"""The locked keeper: after a start nobody has typed the passphrase yet. What is seen is spooled, sealed; it is read in once it is unlocked, in order and
exactly once, whoever is killed meanwhile; nothing answers but /unlock, /healthz, /readyz and /metrics."""
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import lab
from lab import TOURNIQUET, Folder, Run, ok, wait

PASSPHRASE = "eleven purple centrifuges hum"
LOCKED = "root_key: passphrase\n"


def unlock(data, text=PASSPHRASE, *options):
    done = subprocess.run([TOURNIQUET, "unlock", "--data", data, *options], input=text + "\n", capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


def ask(data, method, path, body=None):
    """Over the local socket: status and text."""
    command = [TOURNIQUET, "api", "-i", "--data", data, method, path] + (["-d", "-"] if body else [])
    done = subprocess.run(command, capture_output=True, text=True, input=body)
    status = re.match(r"\d+", done.stderr)
    return int(status.group()) if status else 0, done.stdout.strip()


def state(data):
    return json.loads(ask(data, "GET", "/api/v1/unlock")[1] or "{}")


def page(run, path, method="GET", body=None, headers=None):
    context = ssl.create_default_context(cafile=os.path.join(run.data, "authority.pem"))
    request = urllib.request.Request(f"https://localhost:{run.port}{path}", method=method, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, context=context, timeout=120) as r:
            return r.status, r.read().decode(), dict(r.headers)
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode(), dict(e.headers)


def spooled(data):
    return os.path.getsize(os.path.join(data, "spool")) if os.path.exists(os.path.join(data, "spool")) else None


def touched(data):
    """Changes when the ledger's journal does."""
    return [os.stat(os.path.join(data, "ledger", name)).st_mtime_ns for name in ("journal.0", "journal.1") if os.path.exists(os.path.join(data, "ledger", name))]


def shown(data):
    """All that is on the ledger is in the views."""
    held = json.loads(ask(data, "GET", "/api/v1/ledger")[1] or "{}").get("records")
    seen = json.loads(ask(data, "GET", "/api/v1/ledger/records?limit=1")[1] or "{}").get("total")
    return held is not None and held == seen


def read_in(data):
    return wait(lambda: spooled(data) is None and state(data).get("stage") == "open", 120) and wait(lambda: shown(data))


def unlocked_records(data):
    items = json.loads(ask(data, "GET", "/api/v1/ledger/records?limit=200")[1])["items"]
    return [i for i in items if i["event"] == "ledger.unlocked"]


def everything_sensed(run):
    """Waits until the replayed capture is read (its sensor has ended) and all of it is spooled: the count stands still."""
    last = [-1, 0]

    def still():
        n = state(run.data).get("records", 0)
        last[1] = last[1] + 1 if n == last[0] and n > 0 and run.pid("sensor") is None else 0
        last[0] = n
        return last[1] >= 20

    ok(wait(still, 180), "the capture is read while it is locked", run.said())
    return last[0]


def kill_all(run):
    """The machine stops: nobody ends in order."""
    run.process.send_signal(signal.SIGSTOP)  # so that nothing is started again meanwhile
    for role in lab.ROLES:
        run.signal(role, signal.SIGKILL)
    run.process.kill()
    run.process.wait()


def on_ledger(data, event):
    """How many records of this event the ledger holds."""
    n, cursor = 0, ""
    while True:
        answer = json.loads(ask(data, "GET", f"/api/v1/ledger/records?limit=200{cursor}")[1])
        n += sum(i["event"] == event for i in answer["items"])
        if answer["next"] is None:
            return n
        cursor = f"&cursor={answer['next']}"


def stopped_before_the_first(folder):
    """Nobody has chosen a passphrase: nothing can be kept, so nothing is waited for."""
    with Run(os.path.join(folder, "data"), more=LOCKED) as run:
        ok(wait(lambda: state(run.data).get("stage") == "new"), "it waits for its first passphrase", run.said())
        run.process.send_signal(signal.SIGTERM)
        ok(run.finish()[0] == 0 and "is killed" not in run.said(), "and stops in order", run.said())


def first_start(data):
    with Run(data, more=LOCKED) as run:
        ok(wait(lambda: state(data).get("stage") == "new"), "a first start waits for its first passphrase", run.said())
        ok(wait(lambda: "unlock --new" in run.said()), "… and says how to give it", run.said())
        ok(not os.path.exists(os.path.join(data, "root.key")) and not os.path.exists(os.path.join(data, "ledger", "keyring")),
           "no key is made before there is a passphrase")
        status, out = unlock(data)
        ok(status == 2 and "fresh" in out, "without --new it is refused", out)
        status, out = unlock(data, "tourniquet1", "--new")
        ok(status == 2 and "weak-passphrase" in out, "a weak one is refused", out)
        status, out = unlock(data, PASSPHRASE, "--new")
        ok(status == 0 and json.loads(out)["locked"] is False, "a good one opens it", out)
        ok(wait(lambda: "set-up code" in run.said()) and "fingerprint" in run.said(), "the set-up code is shown then", run.said())
        ok(not os.path.exists(os.path.join(data, "root.key")), "there is no root key on the disk")
        ok(os.stat(os.path.join(data, "page.pem")).st_mode & 0o777 == 0o600, "the page's own key lies beside it, for its owner only")
        status, out = unlock(data, PASSPHRASE)
        ok(status == 2 and '"open"' in out, "once open there is nothing to unlock", out)


def argument_is_refused(data):
    done = subprocess.run([TOURNIQUET, "unlock", "--data", data, PASSPHRASE], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    ok(done.returncode == 2 and PASSPHRASE not in done.stderr, "a passphrase as an argument is refused, and not repeated", done.stderr)


def doors_while_locked(run, data):
    ok(page(run, "/healthz")[:2] == (200, "locked\n"), "/healthz says locked")
    status, body, _ = page(run, "/readyz")
    ok(status == 503 and '"locked"' in body, "/readyz says locked", body)
    status, body = ask(data, "GET", "/metrics")
    ok(status == 200 and "tourniquet_locked 1" in body and "tourniquet_spool_records" in body, "/metrics at the local socket says locked", body)
    ok(page(run, "/metrics")[0] == 503, "/metrics on the page needs somebody signed in, and nobody is")
    for path in ("/api/v1/session", "/api/v1/today", "/api/v1/results", "/api/v1/setup"):
        status, body, headers = page(run, path)
        ok(status == 503 and '"code":"locked"' in body and "Set-Cookie" not in headers, f"{path} says locked and opens no session", body)
    status, body, _ = page(run, "/api/v1/session", "POST", json.dumps({"name": "x", "password": "y"}).encode(), {"Content-Type": "application/json"})
    ok(status == 503, "nobody can sign in", body)

    good = json.dumps({"passphrase": PASSPHRASE}).encode()
    json_type = {"Content-Type": "application/json"}
    token = json.loads(page(run, "/api/v1/unlock")[1])["csrf"]
    status, body, _ = page(run, "/api/v1/unlock", "POST", good, json_type)
    ok(status == 403 and '"csrf"' in body, "without the token of this page nothing is tried", body)
    status, body, _ = page(run, "/api/v1/unlock", "POST", good, {**json_type, "X-CSRF": token, "Origin": "https://elsewhere.example"})
    ok(status == 403 and '"origin"' in body, "another site's page is refused", body)
    wrong = json.dumps({"passphrase": "not this one at all"}).encode()
    tries = [page(run, "/api/v1/unlock", "POST", wrong, {**json_type, "X-CSRF": token})[0] for _ in range(6)]
    ok(tries == [403] * 5 + [429], "five wrong ones in a minute, then the page's door waits", tries)
    status, body, _ = page(run, "/api/v1/unlock", "POST", good, {**json_type, "X-CSRF": token})
    ok(status == 429, "… for the right one too", body)
    ok(state(data)["locked"] is True, "and it is still locked")


def clear_texts(truth_folder):
    """Names of patients as the simulated capture holds them."""
    with open(os.path.join(truth_folder, "lab.pcap"), "rb") as f:
        found = re.findall(rb"PID\|[^\r]*?\|([A-Z][A-Za-z]+\^[A-Z][A-Za-z]+)", f.read())
    return set(found)


def dumpable(pid):
    """What may not be dumped belongs to root in /proc, whoever the process runs as (proc(5))."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        uid = int(re.search(r"^Uid:\t\d+\t(\d+)", f.read(), re.M).group(1))
    assert uid != 0
    return os.stat(f"/proc/{pid}/environ").st_uid == uid


def forgotten(run, what, when):
    """No process that it passed holds it any more."""
    for role in ("keeper", "console"):
        ok(wait(lambda: not lab.memory_holds(run.pid(role), what.encode())), f"{when}: the {role}'s memory does not hold it")


def wiped(folder):
    """What opens everything passes the console and the keeper, and leaves nothing behind: by the page, by the local socket, right or wrong, in a request or in an answer."""
    if os.geteuid() != 0 or lab.SANITIZED:
        lab.skip("what secrets leave in memory", "a sanitizer keeps what is freed" if lab.SANITIZED else "only root may look")
        return
    data = os.path.join(folder, "data")
    json_type = {"Content-Type": "application/json"}
    with Run(data, more=LOCKED, unprivileged=False) as run:
        wait(lambda: state(data).get("stage") == "new")
        unlock(data, PASSPHRASE, "--new")
        ok(state(data)["locked"] is False, "a new ledger is opened", run.said())
        ok(lab.memory_holds(run.pid("console"), b"tourniquet"), "the search finds what is there")
        forgotten(run, PASSPHRASE, "a first passphrase at the local socket")
        done = subprocess.run([TOURNIQUET, "keys", "recovery", "new", "--data", data], capture_output=True, text=True)
        recovery = json.loads(done.stdout)["recovery_key"]
        forgotten(run, recovery, "a recovery key that was shown")
        subprocess.run([TOURNIQUET, "keys", "recovery", "test", "--data", data], input=recovery + "\n", capture_output=True, text=True, check=True)
        forgotten(run, recovery, "a recovery key that was tested")
    with Run(data, more=LOCKED, unprivileged=False) as run:
        wait(lambda: state(data).get("stage") == "locked" and page(run, "/healthz")[1] == "locked\n")
        for typed, status, when in (("a wrong herring swims by night", 403, "a wrong passphrase on the page"), (PASSPHRASE, 200, "the right one, on a connection that stays open")):
            connection = http.client.HTTPSConnection("localhost", run.port, context=ssl.create_default_context(cafile=os.path.join(data, "authority.pem")), timeout=120)
            connection.request("GET", "/api/v1/unlock")
            headers = {**json_type, "X-CSRF": json.loads(connection.getresponse().read())["csrf"]}
            for body in (json.dumps({"passphrase": typed, "unknown": 1}), json.dumps({"passphrase": typed})[:-1], json.dumps({"passphrase": typed})):
                connection.request("POST", "/api/v1/unlock", body.encode(), headers)
                answer = connection.getresponse()
                answer.read()
            ok(answer.status == status, f"{when} is answered", answer.status)
            forgotten(run, typed, when)
            connection.close()
        for role in ("keeper", "console", "detector"):
            pid = run.pid(role)
            with open(f"/proc/{pid}/limits", encoding="ascii") as f:
                core = [line.split()[4:6] for line in f if line.startswith("Max core file size")][0]
            ok(core == ["0", "0"] and not dumpable(pid), f"the {role} leaves no core file, and nobody but root may look into it", core)


def spool_and_read_in(folder):
    data = os.path.join(folder, "data")
    first_start(data)
    argument_is_refused(data)
    capture, messages, results = lab.capture(folder, 3)
    names = clear_texts(folder)
    with Run(data, "--replay", capture, more=LOCKED) as run:
        n = everything_sensed(run)
        ok(n > results, f"sensing and detection go on while it is locked: {n} records wait")
        with open(os.path.join(data, "spool"), "rb") as f:
            sealed = f.read()
        ok(len(names) > 3 and not any(name in sealed for name in names), "no patient's name is to be seen in the spool", names)
        ok(os.stat(os.path.join(data, "spool")).st_mode & 0o777 == 0o600, "it is for its owner only")
        doors_while_locked(run, data)
        status, out = unlock(data, "wrong one from the socket")
        ok(status == 2 and "wrong-passphrase" in out, "the local socket has its own count", out)
        status, out = unlock(data)
        ok(status == 0 and read_in(data), "the right one opens it, the spool is read in and gone", out + run.said())
        ok(run.wait_ended(), "the capture counts as read", run.said())
        there = run.wait_api("/api/v1/messages?limit=1")["total"], run.wait_api("/api/v1/results?limit=1")["total"]
        ok(there == (messages, results), "every message and result is there, once", f"{there}, sent {(messages, results)}")
        kinds = {f["kind"] for f in run.wait_api("/api/v1/findings?limit=100")["items"]}
        ok({"sender.unknown", "message.malformed"} <= kinds, "findings of the detector too", kinds)
        ok(page(run, "/healthz")[1] == "ok\n", "/healthz says ok again")
        ok("tourniquet_locked 0" in ask(data, "GET", "/metrics")[1], "/metrics says open")
        told = unlocked_records(data)
        ok(len(told) == 1 and "local socket" in told[0]["summary"], "ledger.unlocked stands on the ledger, with from where", told)
        said = run.said()
    ok(PASSPHRASE not in said and "wrong one" not in said, "no passphrase in the log")
    for root, _, files in os.walk(data):
        for name in files:
            with open(os.path.join(root, name), "rb") as f:
                if PASSPHRASE.encode() in f.read():
                    ok(False, f"the passphrase stands in {name}")
    status, line = lab.verify(data)
    ok(status == 0, "the ledger holds", line)


def restarted_while_locked(folder):
    """Two runs spool, one after the other, each cut off with kill -9; the third is unlocked."""
    data = os.path.join(folder, "data")
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "new")
        unlock(data, PASSPHRASE, "--new")
    capture, messages, results = lab.capture(folder, 2)
    for _ in range(2):
        with Run(data, "--replay", capture, more=LOCKED) as run:
            everything_sensed(run)
            kill_all(run)
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "locked")
        status, out = unlock(data)
        ok(status == 0 and read_in(data), "what earlier runs spooled is read in by a later one", out + run.said())
        there = on_ledger(data, "lab.message"), on_ledger(data, "lab.result")
        ok(there == (2 * messages, 2 * results), "all of both runs", f"{there}, twice {(messages, results)}")
    status, line = lab.verify(data)
    ok(status == 0, "the ledger holds", line)


def killed_while_read_in(folder):
    data = os.path.join(folder, "data")
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "new")
        unlock(data, PASSPHRASE, "--new")
    capture, messages, results = lab.capture(folder, 12)
    with Run(data, "--replay", capture, more=LOCKED) as run:
        everything_sensed(run)
        kill_all(run)
    before = spooled(data)
    kills = 0
    aside = data + ".aside"
    shutil.copytree(data, aside, ignore=shutil.ignore_patterns("*.sock"))
    for delay in (0.0, 0.0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16):
        if spooled(data) is None:  # all of it was read in before the first blow came: the same once more
            shutil.rmtree(data)
            shutil.copytree(aside, data)
        with Run(data, more=LOCKED) as run:
            wait(lambda: state(data).get("stage") == "locked")
            keeper = run.pid("keeper")
            untouched = touched(data)
            typed = subprocess.Popen([TOURNIQUET, "unlock", "--data", data], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            typed.stdin.write(PASSPHRASE.encode() + b"\n")
            typed.stdin.close()
            until = time.monotonic() + 120
            while touched(data) == untouched and time.monotonic() < until:  # the passphrase is stretched; then the ledger is opened, and reading in begins
                time.sleep(0.001)
            time.sleep(delay)
            os.kill(keeper, signal.SIGKILL)
            kill_all(run)
            typed.wait()
        kills += spooled(data) is not None
        if kills and spooled(data) is None:
            break
    ok(kills >= 1, f"killed {kills} times while {before} bytes were read in")
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "locked")
        unlock(data)
        ok(read_in(data), "the rest is read in", run.said())
        there = on_ledger(data, "lab.message"), on_ledger(data, "lab.result")
        ok(there == (messages, results), "nothing is lost and nothing comes twice", f"{there}, sent {(messages, results)}")
    status, line = lab.verify(data)
    ok(status == 0, "the ledger holds", line)


def keeper_killed_in_a_replay(folder):
    """The keeper dies after it was unlocked, in the middle of a capture: locked again, the capture is read again into the spool, and once."""
    data = os.path.join(folder, "data")
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "new")
        unlock(data, PASSPHRASE, "--new")
    capture, messages, results = lab.capture(folder, 12)
    with Run(data, "--replay", capture, more=LOCKED) as run:
        wait(lambda: state(data).get("records", 0) > 100)
        unlock(data)
        time.sleep(0.3)
        first = run.pid("keeper")
        run.signal("keeper", signal.SIGKILL)
        ok(run.wait_pid("keeper", other_than=first) is not None, "a killed keeper comes back", run.said())
        ok(wait(lambda: state(data).get("stage") == "locked"), "locked again")
        everything_sensed(run)
        status, out = unlock(data)
        ok(status == 0 and read_in(data) and run.wait_ended(), "unlocked again, all is read in", out + run.said())
        there = on_ledger(data, "lab.message"), on_ledger(data, "lab.result")
        ok(there == (messages, results), "every message and result is there, once", f"{there}, sent {(messages, results)}")
    status, line = lab.verify(data)
    ok(status == 0, "the ledger holds", line)


def damaged_spool(folder):
    data = os.path.join(folder, "data")
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "new")
        unlock(data, PASSPHRASE, "--new")
    capture, messages, _ = lab.capture(folder, 2)
    with Run(data, "--replay", capture, more=LOCKED) as run:
        everything_sensed(run)
    with open(os.path.join(data, "spool"), "r+b") as f:
        f.seek(spooled(data) // 2)
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 1]))
    with Run(data, more=LOCKED) as run:
        wait(lambda: state(data).get("stage") == "locked")
        unlock(data)
        ok(read_in(data), "a spool with a flipped byte is read in all the same", run.said())
        findings = [f for f in run.wait_api("/api/v1/findings?limit=100")["items"] if f["kind"] == "ledger.spool_damaged"]
        ok(len(findings) == 1, "… and that part of it cannot be read is a finding", findings)
        there = run.wait_api("/api/v1/messages?limit=1")["total"]
        ok(0 < there <= messages, f"{there} of {messages} messages are there")


for scene in (stopped_before_the_first, wiped, spool_and_read_in, restarted_while_locked, killed_while_read_in, keeper_killed_in_a_replay, damaged_spool):
    if len(sys.argv) < 3 or sys.argv[2] == scene.__name__:
        with Folder() as place:
            scene(place)
lab.finish()
