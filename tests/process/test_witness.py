#!/usr/bin/env python3
"""The witness over HTTP (C2SP tlog-witness): ours as server, asked by a client written from the public description, and `run` as client, asking a witness
written from the same. test_witness.py TOURNIQUET MAKE_LEDGER    prints TAP"""
import base64
import hashlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from check_ledger import open_checkpoint, parse_key, read
from check_witness import build_offer, cosigned_at, parse_offer, parse_witness_key
from lab import TOURNIQUET, Folder, finish, free_port, ok

MAKE = os.path.abspath(sys.argv[2])


def tool(*arguments, given=None):
    return subprocess.run([TOURNIQUET, "ledger", *map(str, arguments)], input=given, capture_output=True, check=False)


def grow(place, records):
    subprocess.run([MAKE, place, str(records), "7"], check=True)


def authority(folder):
    """A certificate authority, and a certificate of it for localhost: their files."""
    def run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority",
        "-addext", "basicConstraints=critical,CA:TRUE")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(folder, "ext"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=DNS:localhost\n")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "server.pem")
    return [os.path.join(folder, n) for n in ("ca.pem", "server.pem", "server.key")]


class Served:
    """`ledger witness serve` on a free port."""

    def __init__(self, folder, *more):
        self.port = free_port()
        self.errors = open(folder + ".err", "a+", encoding="utf-8")
        self.process = subprocess.Popen([TOURNIQUET, "ledger", "witness", "serve", folder, "--listen", f"127.0.0.1:{self.port}", *more], stderr=self.errors)
        for _ in range(200):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
        self.errors.close()

    def said(self):
        with open(self.errors.name, encoding="utf-8") as f:
            return f.read()

    def ask(self, method, path, body=None, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        c.request(method, path, body)
        answer = c.getresponse()
        return answer.status, answer.read(), answer.headers.get("Content-Type")

    def add(self, offer, connection=None):
        return self.ask("POST", "/add-checkpoint", offer, connection)


def witness_in(place, name="witness.example/w1"):
    folder = os.path.join(place, "witness")
    key = tool("witness", "new", folder, name).stdout
    return folder, parse_witness_key(key.decode())


def everyday(place):
    """The exchange as the description has it, and every status that it names."""
    ledger = os.path.join(place, "ledger")
    grow(place, 20)
    witness, key = witness_in(place)
    log_key = parse_key(read(ledger, "verifier.pub").decode())
    offer = tool("offer", ledger).stdout
    with Served(witness) as served:
        ok(served.add(offer)[0] == 404, "a log that it does not watch: 404", served.said())
        tool("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
        status, body, _ = served.add(offer)
        old, path, note = parse_offer(offer)
        seconds = cosigned_at(note + body, key) if status == 200 else 0
        ok(status == 200 and abs(seconds - time.time()) < 60 and body.count(b"\n") == 1 and body.startswith("— witness.example/w1 ".encode()),
           "the head is cosigned now: 200, one line of this witness, which holds", (status, body))
        done = tool("attach", ledger, "-", "--witness", os.path.join(witness, "witness.pub"), given=note + body)
        ok(done.returncode == 0, "checkpoint and line together are the note that is kept", done.stderr)
        again = served.add(build_offer(20, [], note))
        ok(again[0] == 200 and cosigned_at(note + again[1], key) >= seconds, "the same head again, from its own size: 200", again)
        ok(served.add(offer)[::2] == (409, "text/x.tlog.size") and served.add(offer)[1] == b"20\n", "from another size than the last: 409, and the size", served.add(offer))
        ok(served.add(build_offer(21, path, note))[0] == 400, "an old size above the new one: 400")
        grow(place, 30)
        offer = tool("offer", ledger, "--old", 20).stdout
        old, path, note = parse_offer(offer)
        text, _, lines = note.rpartition(b"\n\n")
        for name, wrong, status in (
            ("shorter proof", build_offer(20, path[:-1], note), 422),
            ("longer proof", build_offer(20, path + path[:1], note), 422),
            ("other proof", build_offer(20, [bytes(32)] * len(path), note), 422),
            ("no signature of the log", build_offer(20, path, text + b"\n\n" + lines.replace(b"checked ", b"chocked ")), 403),
            ("a signature that does not hold", build_offer(20, path, text.replace(b"\n50\n", b"\n51\n") + b"\n\n" + lines), 403),
            ("no offer", b"hello\n", 400),
            ("nothing", b"", 400),
            ("a size with a leading zero", b"old 020" + offer[6:], 400),
            ("64 hashes", build_offer(20, [bytes(32)] * 64, note), 400),
        ):
            got = served.add(wrong)
            ok(got[0] == status, f"{name}: {status}", got)
        ok(served.add(offer)[0] == 200, "after all of that the right one is cosigned", served.said())
        kept = os.path.join(place, "kept")
        shutil.copytree(ledger, kept)
        ok(served.ask("GET", "/" + hashlib.sha256(log_key[0].encode()).hexdigest() + "/checkpoint")[1].startswith(text), "what it cosigned last can be read by the hash of the origin")
        ok(served.ask("GET", "/" + "0" * 64 + "/checkpoint")[0] == 404 and served.ask("GET", "/add-checkpoint")[0] == 405 and served.ask("POST", "/")[0] == 404,
           "other requests are told that they are none")
        line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        ok([served.add(build_offer(50, [], note), line)[0] for _ in range(5)] == [200] * 5, "five requests on one connection")
    ok(served.process.returncode == 0, "it ends in order when it is told", served.said())


def forks(place):
    ledger, other = os.path.join(place, "ledger"), os.path.join(place, "other")
    grow(place, 40)
    witness, _ = witness_in(place)
    tool("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    os.mkdir(other)
    shutil.copytree(ledger, os.path.join(other, "ledger"))
    shutil.copy(os.path.join(place, "root.key"), other)
    with Served(witness) as served:
        served.add(tool("offer", ledger).stdout)
        grow(place, 10)
        ok(served.add(tool("offer", ledger, "--old", 40).stdout)[0] == 200, "a log grows under a witness")
        ok(served.add(tool("offer", os.path.join(other, "ledger"), "--old", 40).stdout)[::2] == (409, "text/x.tlog.size"), "an old copy of it: 409 with the size that it had")
        grow(other, 10)
        same = served.add(build_offer(50, [], read(other, "ledger/checkpoint")))
        ok(same[0] == 422 and b"fork" in same[1], "another tree of the same size: 422", same)
        grow(other, 5)
        longer = served.add(tool("offer", os.path.join(other, "ledger"), "--old", 50).stdout)
        ok(longer[0] == 422 and b"fork" in longer[1], "a longer one that does not go on from it: 422", longer)
        ok("fork refused" in served.said() and "rollback refused" in served.said(), "the witness's own log says both", served.said())


def at_once(place):
    """Many clients offer different heads of one log at once: whoever is cosigned goes on from the one before."""
    ledger = os.path.join(place, "ledger")
    grow(place, 5)
    witness, key = witness_in(place)
    tool("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    log_key = parse_key(read(ledger, "verifier.pub").decode())
    notes = []
    for _ in range(12):
        grow(place, 3)
        notes.append(read(ledger, "checkpoint"))
    sizes = {open_checkpoint(n, log_key)[0]: n for n in notes}
    signed, lock = [], threading.Lock()
    import json

    def client(served, size):
        old = 0
        for _ in range(40):
            if old > size:
                return
            proof = json.loads(tool("consistency", ledger, old, size).stdout)["proof"]
            status, body, _ = served.add(build_offer(old, [base64.b64decode(h) for h in proof], sizes[size]))
            if status == 200:
                with lock:
                    signed.append((size, cosigned_at(sizes[size] + body, key)))
                return
            if status != 409:
                with lock:
                    signed.append((size, -status))
                return
            old = int(body)

    with Served(witness) as served:
        threads = [threading.Thread(target=client, args=(served, size)) for size in sizes]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        last = served.ask("GET", "/" + hashlib.sha256(log_key[0].encode()).hexdigest() + "/checkpoint")[1]
    ok(len(signed) >= 1 and all(s > 0 for _, s in signed) and max(sizes) in [size for size, _ in signed], "12 heads offered at once: none contradicts, the greatest is cosigned", signed)
    ok(open_checkpoint(last, log_key)[0] == max(sizes), "and it is the one that is kept")


def killed(place):
    """Killed at any moment, it never forgets what it has answered."""
    ledger = os.path.join(place, "ledger")
    grow(place, 3)
    witness, key = witness_in(place)
    tool("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    log_key = parse_key(read(ledger, "verifier.pub").decode())
    answered, good, kills = 0, True, 0
    for turn in range(12):
        with Served(witness) as served:
            killer = threading.Timer(0.01 + turn * 0.004, lambda p=served.process: p.send_signal(signal.SIGKILL))
            killer.start()
            try:
                for _ in range(30):
                    grow(place, 2)
                    offer = tool("offer", ledger, "--old", answered).stdout
                    status, body, _ = served.add(offer)
                    if status == 409:  # an answer that was lost: the memory is ahead, never behind
                        good &= int(body) > answered
                        answered = int(body)
                    elif status == 200:
                        answered = open_checkpoint(parse_offer(offer)[2], log_key)[0]
                    else:
                        good = False
            except (OSError, http.client.HTTPException):
                kills += 1
            killer.cancel()
    folder = os.path.join(witness, "logs", os.listdir(os.path.join(witness, "logs"))[0])
    size = open_checkpoint(read(folder, "checkpoint"), log_key)[0]
    ok(good and kills > 5 and size >= answered, f"killed {kills} times: what was answered is remembered ({answered}, kept {size})")


def bad_peers(place):
    ledger = os.path.join(place, "ledger")
    grow(place, 9)
    witness, _ = witness_in(place)
    tool("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    offer = tool("offer", ledger).stdout
    with Served(witness) as served:
        slow = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(80)]
        for s in slow:
            s.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nold")
        big = socket.create_connection(("127.0.0.1", served.port))
        began, status, tries = time.monotonic(), 0, 0
        while status != 200 and time.monotonic() - began < 90:
            tries += 1
            try:
                status = served.add(offer)[0]
            except (OSError, http.client.HTTPException):
                time.sleep(1)
        ok(status == 200, f"80 peers that never finish keep nobody out for long ({time.monotonic() - began:.0f} s)", served.said())
        big.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 300000)
        big.settimeout(40)
        answer = big.recv(100)
        ok(answer == b"" or b" 413 " in answer, "an offer of 100 MB is not read", answer)
        for s in slow + [big]:
            s.close()
        with open(f"/proc/{served.process.pid}/status", encoding="utf-8") as f:
            state = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        ok(state["Seccomp"] == "2" and int(state["CapEff"], 16) == 0 and state["NoNewPrivs"] == "1" and int(state["VmHWM"].split()[0]) < 100_000,
           "it is narrowed: system call list, no capabilities, no new privileges", state)
        ok(sorted(os.listdir(f"/proc/{served.process.pid}/task")) == [str(served.process.pid)], "one process, one thread")


def over_tls(place):
    ledger = os.path.join(place, "ledger")
    grow(place, 9)
    witness, key = witness_in(place)
    tool("witness", "trust", witness, os.path.join(ledger, "verifier.pub"))
    ca, certificate, private = authority(place)
    offer = tool("offer", ledger).stdout
    with Served(witness, "--cert", certificate, "--key", private) as served:
        trust = ssl.create_default_context(cafile=ca)
        line = http.client.HTTPSConnection("localhost", served.port, timeout=20, context=trust)
        status, body, _ = served.add(offer, line)
        ok(status == 200 and cosigned_at(parse_offer(offer)[2] + body, key) > 0 and line.sock.version() in ("TLSv1.2", "TLSv1.3"), "over TLS, checked by name", served.said())
        line.close()
    wrong = tool("witness", "serve", witness, "--listen", "127.0.0.1:1", "--cert", certificate)
    ok(wrong.returncode == 2 and b"belong together" in wrong.stderr, "a certificate without its key is refused", wrong.stderr)
    wrong = tool("witness", "serve", place, "--listen", f"127.0.0.1:{free_port()}")
    ok(wrong.returncode == 2 and b"not a witness's folder" in wrong.stderr, "a folder that is no witness is refused", wrong.stderr)


for scenario in (everyday, forks, at_once, killed, bad_peers, over_tls):
    with Folder() as place_:
        scenario(place_)
finish()
