#!/usr/bin/env python3
"""The witness over HTTP (C2SP tlog-witness): ours as server, asked by a client written from the public description, and `run` as client, asking a witness
written from the same. test_witness.py TOURNIQUET MAKE_LEDGER    prints TAP"""
import base64
import hashlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

from check_ledger import BASE, L, P, multiply, open_checkpoint, parse_key, read, root_of
from check_witness import build_offer, cosigned_at, parse_offer, parse_witness_key, verdict
from lab import TOURNIQUET, Folder, Run, finish, free_port, ok, wait

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
        self.process = subprocess.Popen([TOURNIQUET, "ledger", "witness", "serve", folder, "--listen", f"127.0.0.1:{self.port}", *more], stdout=subprocess.DEVNULL, stderr=self.errors)
        for _ in range(2000):
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
        self.process.wait(90)
        self.errors.close()

    def said(self):
        with open(self.errors.name, encoding="utf-8") as f:
            return f.read()

    def ask(self, method, path, body=None, connection=None):
        c = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
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
        line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
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
    answered, good, lost = 0, True, 0
    for turn in range(24):
        with Served(witness) as served:
            for last in (False, True):
                grow(place, 2)
                offer = tool("offer", ledger, "--old", answered).stdout
                killer = threading.Timer(turn * 0.0004, lambda p=served.process: p.send_signal(signal.SIGKILL)) if last else None
                if killer:
                    killer.start()
                try:
                    status, body, _ = served.add(offer)
                    if status == 409:  # an answer that was lost: the memory is ahead, never behind
                        good &= int(body) > answered
                        answered = int(body)
                    else:
                        good &= status == 200
                        answered = open_checkpoint(parse_offer(offer)[2], log_key)[0]
                except (OSError, http.client.HTTPException):
                    lost += last
                    good &= last
                if killer:
                    killer.join()
    folder = os.path.join(witness, "logs", os.listdir(os.path.join(witness, "logs"))[0])
    size = open_checkpoint(read(folder, "checkpoint"), log_key)[0]
    ok(good and lost > 0 and size >= answered, f"killed 24 times, {lost} answers lost: what was answered is remembered ({answered}, kept {size})")


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
        try:
            big.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 300000)
            big.settimeout(90)
            answer = big.recv(100)
        except ConnectionError:  # cut off before all of it was sent
            answer = b""
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
        line = http.client.HTTPSConnection("localhost", served.port, timeout=60, context=trust)
        status, body, _ = served.add(offer, line)
        ok(status == 200 and cosigned_at(parse_offer(offer)[2] + body, key) > 0 and line.sock.version() in ("TLSv1.2", "TLSv1.3"), "over TLS, checked by name", served.said())
        line.close()
    wrong = tool("witness", "serve", witness, "--listen", "127.0.0.1:1", "--cert", certificate)
    ok(wrong.returncode == 2 and b"belong together" in wrong.stderr, "a certificate without its key is refused", wrong.stderr)
    wrong = tool("witness", "serve", place, "--listen", f"127.0.0.1:{free_port()}")
    ok(wrong.returncode == 2 and b"not a witness's folder" in wrong.stderr, "a folder that is no witness is refused", wrong.stderr)


# ── `run` as client ──
class Neighbour:
    """A witness of our own making, over HTTP or HTTPS: by the public description, or badly in a way that a test chooses."""

    def __init__(self, log_key, certificate=None):
        seed = os.urandom(32)
        digest = hashlib.sha512(seed).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix, self.log_key = digest[32:], log_key
        self.public = compress(multiply(self.scalar, BASE))
        self.name = "neighbour.example/w"
        self.id = hashlib.sha256(self.name.encode() + b"\n\x04" + self.public).digest()[:4]
        self.line = f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([4]) + self.public).decode()}"
        self.state, self.how, self.asked, self.answers = (0, root_of([])), "well", [], []
        self.last, self.showing, self.origin = b"", None, b""  # the last note that it cosigned, what it shows in its place, and whose it is
        neighbour = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                neighbour.asked.append((self.path, self.headers.get("Content-Type"), body))
                try:
                    neighbour.answer(self, body)
                except OSError:
                    self.close_connection = True

            def do_GET(self):
                neighbour.asked.append((self.path, None, b""))
                known = neighbour.last and self.path == f"/{hashlib.sha256(neighbour.origin).hexdigest()}/checkpoint"
                text = (neighbour.showing or neighbour.last) if known else b""
                self.send_response(200 if text else 404)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def sign(self, message):
        r = int.from_bytes(hashlib.sha512(self.prefix + message).digest(), "little") % L
        point = compress(multiply(r, BASE))
        h = int.from_bytes(hashlib.sha512(point + self.public + message).digest(), "little") % L
        return point + ((r + h * self.scalar) % L).to_bytes(32, "little")

    def cosign(self, note):
        text, seconds = note[: note.rfind(b"\n\n") + 1], int(time.time())
        signature = self.sign(f"cosignature/v1\ntime {seconds}\n".encode() + text)
        return f"— {self.name} ".encode() + base64.b64encode(self.id + seconds.to_bytes(8, "big") + signature) + b"\n"

    def decide(self, body):
        """Status, media type and body, as the description has them."""
        judged = verdict(self.state, body, self.log_key)
        if judged == "conflict":
            return 409, "text/x.tlog.size", b"%d\n" % self.state[0]
        if judged is not True:
            return {"bad": 400, "fork": 422}[judged], "text/plain", b""
        note = parse_offer(body)[2]
        self.state = open_checkpoint(note, self.log_key)
        line = self.cosign(note)
        self.last, self.origin = note + line, note.split(b"\n")[0]
        return 200, "text/plain", line

    def answer(self, handler, body):
        status, kind, text = self.decide(body) if self.how in ("well", "wrong signature", "others too") else (200, "text/plain", b"")
        if self.how == "silent":
            handler.close_connection = True
            return
        if self.how == "slow":
            time.sleep(60)
        if self.how == "wrong signature" and status == 200:
            at = text.rfind(b" ") + 40
            text = text[:at] + (b"A" if text[at : at + 1] != b"A" else b"B") + text[at + 1 :]
        if self.how == "others too" and status == 200:
            text = f"— someone.else/w {base64.b64encode(os.urandom(76)).decode()}\n".encode() + text
        if self.how == "huge":
            text = b"x" * 5_000_000
        if self.how == "redirect":
            status = 307
        if isinstance(self.how, int):
            status = self.how
        if isinstance(self.how, tuple):
            status, kind, text = self.how
        self.answers.append(status)
        handler.send_response(status)
        if self.how == "redirect":
            handler.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


def compress(p):
    z = pow(p[2], P - 2, P)
    return ((p[1] * z % P) | (p[0] * z % P & 1) << 255).to_bytes(32, "little")


def shown(run, name="neighbour"):
    items = (run.api("/api/v1/witnesses") or {}).get("items", [])
    return next((w for w in items if w["name"] == name), {})


def ask(run, want, name="neighbour", seconds=90):
    """Asks by hand, and waits until the witness shows what is wanted."""
    post(run, f"/api/v1/witnesses/{name}/ask")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        w = shown(run, name)
        if w and not w["asking"] and want(w):
            return w
        time.sleep(0.1)
    return shown(run, name)


def post(run, path, body=None):
    done = subprocess.run([TOURNIQUET, "api", "--data", run.data, "POST", path] + (["-d", json.dumps(body)] if body else []), capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def eventually(get, good, seconds=90):
    """What is got, once it is good; else what it was last."""
    until = time.monotonic() + seconds
    while not good(got := get()) and time.monotonic() < until:
        time.sleep(0.1)
    return got


def record(run):
    """One record more, durable."""
    def records():
        return (run.api("/api/v1/ledger") or {"records": 0})["records"]
    before, until = records(), time.monotonic() + 90
    while time.monotonic() < until and records() <= before:
        post(run, "/api/v1/ledger/verify")
        time.sleep(0.1)


def events(run, name):
    return [r["summary"] for r in run.api("/api/v1/ledger/records?limit=200")["items"] if r["event"] == name]


def begun(place):
    """A data folder whose ledger exists, and its key."""
    data = os.path.join(place, "data")
    with Run(data) as run:
        run.wait_api()
    return data, parse_key(read(os.path.join(data, "ledger"), "verifier.pub").decode())


def told(neighbour, url=None, more=""):
    return f'witness: [ {{ name: neighbour, url: "{url or f"http://127.0.0.1:{neighbour.port}"}", key: "{neighbour.line}"{more} }} ]\n'


def asks(place):
    """The everyday exchange, without anybody's hand; what is shown, what is recorded, and what verifying finds."""
    data, log_key = begun(place)
    neighbour = Neighbour(log_key)
    ledger = os.path.join(data, "ledger")
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        wait(lambda: shown(run).get("state") == "agrees")
        w = shown(run)
        ok(w.get("state") == "agrees" and w["last_size"] == neighbour.state[0] > 0 and w["last_at"] and w["why"] is None, "the head is offered and cosigned by itself", w or run.said())
        ok(neighbour.asked[0][0] == "/add-checkpoint" and neighbour.asked[0][2].startswith(b"old 0\n\n"), "the first offer begins at 0, at /add-checkpoint", neighbour.asked[0])
        first = w["last_size"]
        record(run)
        w = ask(run, lambda w: w["last_size"] > first)
        ok(w["last_size"] > first and neighbour.asked[-1][2].startswith(b"old %d\n" % first), "asked by hand, it goes on from the last", w)
        ok(len(events(run, "ledger.witnessed")) == 1 and "neighbour cosigned" in events(run, "ledger.witnessed")[0], "the first agreement is recorded, not each", events(run, "ledger.witnessed"))
        done = tool("verify", ledger, "--witness", neighbour.line)
        report = json.loads(done.stdout)
        ok(done.returncode == 0 and report["witnesses"][0]["known"] and report["witnesses"][0]["records"] >= first, "`ledger verify --witness` finds the cosignature", done.stdout)
        neighbour.how = "others too"
        w = ask(run, lambda w: w["last_size"] == neighbour.state[0])
        kept = read(ledger, "witness/" + os.listdir(os.path.join(ledger, "witness"))[0])
        ok(w["state"] == "agrees" and b"someone.else" not in kept and kept.count("—".encode()) == 2, "lines of strangers are not kept", kept)
        neighbour.how = "well"
        size = shown(run)["last_size"]
        gone = run.pid("courier")
        run.signal("courier", signal.SIGKILL)
        run.wait_pid("courier", other_than=gone)
        record(run)
        w = ask(run, lambda w: w["last_size"] > size)
        ok(w["state"] == "agrees" and w["last_size"] > size, "a killed courier is replaced, and asks again", w)
        with open(f"/proc/{run.pid('courier')}/status", encoding="utf-8") as f:
            state = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
        ok(state["Seccomp"] == "2" and int(state["CapEff"], 16) == 0, "the courier is narrowed", state)
        ok(post(run, "/api/v1/witnesses/nobody/ask")[0] != 0, "a witness that is not there cannot be asked")
        proof = subprocess.run([TOURNIQUET, "api", "--data", data, "GET", "/api/v1/ledger/proof/0"], capture_output=True, text=True).stdout
        said = json.loads(post(run, "/api/v1/ledger/check", {"proof": proof})[1])
        ok(said["holds"] is True and said["index"] == 0, "a proof is checked on request", said)
        said = json.loads(post(run, "/api/v1/ledger/check", {"proof": proof.replace("index 0", "index 1")})[1])
        ok(said["holds"] is False and said["why"], "and one that does not hold is told as such", said)
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        w = ask(run, lambda w: w["last_size"] == neighbour.state[0])
        ok(w["state"] == "agrees" and len(events(run, "ledger.witnessed")) == 1, "after a start it goes on where it was", (w, events(run, "ledger.witnessed")))
    neighbour.stop()


def answers_badly(place):
    data, log_key = begun(place)
    neighbour = Neighbour(log_key)
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        ask(run, lambda w: w["state"] == "agrees")
        size = shown(run)["last_size"]
        for how, words in (
            ("wrong signature", "not its signature"), ("huge", "longer"), ("redirect", "not followed"), ("silent", ""), ("slow", "in time"), (500, "500"), (404, "does not watch"), (403, "another key"),
            ((409, "text/plain", b"7\n"), "without the size"), ((409, "text/x.tlog.size", b"seven\n"), "without the size"),
        ):
            neighbour.how, before = how, len(neighbour.asked)
            w = ask(run, lambda w, words=words: w["why"] and words in w["why"])
            ok(w["why"] and words in w["why"] and w["last_size"] == size and len(neighbour.asked) > before, f"{how}: nothing is kept, and it is said: {w['why']}", w)
        ok(all(path == "/add-checkpoint" for path, _, _ in neighbour.asked), "a redirect is not followed")
        record(run)
        ok(not [f for f in run.api("/api/v1/findings?state=all")["items"] if f["kind"] == "ledger.fork"], "none of that is told as a fork")
        neighbour.how = "well"
        w = ask(run, lambda w: w["state"] == "agrees" and w["why"] is None)
        ok(w["state"] == "agrees" and w["last_size"] > size, "a witness that comes to itself agrees again", w)
        said = eventually(lambda: events(run, "ledger.witnessed"), lambda e: len(e) >= 3)
        ok([("refused" in line) for line in said] == [False, True, False], "agrees, refused, agrees: three records", said)
    neighbour.stop()


def contradicts(place):
    """The ledger is put back to an old copy, and goes another way: the witness refuses, and that is a critical finding."""
    data, log_key = begun(place)
    neighbour = Neighbour(log_key)
    old = os.path.join(place, "old")
    shutil.copytree(data, old)
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        ask(run, lambda w: w["state"] == "agrees")
        for _ in range(4):
            record(run)
        ask(run, lambda w: w["last_size"] == neighbour.state[0])
    shutil.rmtree(data)
    shutil.copytree(old, data)
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        w = ask(run, lambda w: w["state"] == "refused")
        found = eventually(lambda: [f for f in run.api("/api/v1/findings?state=all")["items"] if f["kind"] == "ledger.fork"], len)
        ok(w["state"] == "refused" and "old copy" in w["why"] and str(neighbour.state[0]) in w["why"], "an old copy put back: refused, with the sizes", w)
        ok(len(found) == 1 and found[0]["severity"] == "critical" and "neighbour" in found[0]["title"], "and it is a critical finding", found)
        while (run.api("/api/v1/ledger") or {"records": 0})["records"] <= neighbour.state[0] + 2:
            record(run)
        w = ask(run, lambda w: "not the first" in (w["why"] or ""))
        ok(w["state"] == "refused" and "was rewritten" in w["why"] and neighbour.answers[-1] == 422, "grown past it on another way: refused too", w)
        ok(len(events(run, "ledger.witnessed")) == 1, "one record of the refusal", events(run, "ledger.witnessed"))
    neighbour.stop()


def on_the_way(place):
    """Somebody between the two makes answers: none of them is a fork, for he has no signature of this ledger's key; nor can he hide that it is not cosigned."""
    data, log_key = begun(place)
    neighbour = Neighbour(log_key)
    def forks(run):
        return [f for f in run.api("/api/v1/findings?state=all")["items"] if f["kind"] == "ledger.fork"]
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        w = ask(run, lambda w: w["state"] == "agrees")
        good, size = neighbour.last, w["last_size"]
        stranger = Neighbour(log_key)
        other = good[: good.rfind("— neighbour".encode())]
        forged = other.replace(b"\n%d\n" % size, b"\n%d\n" % (size + 1000), 1)
        for how, showing, name in (
            ((409, "text/x.tlog.size", b"%d\n" % (size + 1000)), b"nothing", "more records, and nothing shown"),
            ((409, "text/x.tlog.size", b"%d\n" % size), forged + neighbour.cosign(forged), "another tree, shown without the ledger's signature"),
            ((422, "text/plain", b""), other + stranger.cosign(other), "no going on, shown by a stranger"),
            ((422, "text/plain", b""), good, "no going on, and the last true checkpoint shown"),
        ):
            record(run)
            neighbour.how, neighbour.showing, before = how, showing, len(neighbour.asked)
            w = ask(run, lambda w: w["why"] and w["state"] == "silent")
            ok(w["state"] == "silent" and "it says" in w["why"] and neighbour.asked[-1][0].endswith("/checkpoint") and len(neighbour.asked) > before, f"{name}: {w['why']}", w)
        ok(not forks(run), "no fork is found", forks(run))
        quiet = eventually(lambda: [f for f in run.api("/api/v1/findings?state=all")["items"] if f["kind"] == "ledger.witness_silent"], len)
        ok(len(quiet) == 1 and quiet[0]["state"] == "open" and "does not cosign" in quiet[0]["title"], "that it does not cosign is found at once", quiet)
    neighbour.how, neighbour.showing = "well", None  # before it is asked by itself: an attempt under way is not asked for again
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        w = ask(run, lambda w: w["state"] == "agrees" and not w["why"])
        over = eventually(lambda: [f for f in run.api("/api/v1/findings?state=all")["items"] if f["kind"] == "ledger.witness_silent"], lambda f: f[0]["state"] == "dismissed")
        ok(w["state"] == "agrees" and over[0]["state"] == "dismissed", "and is over when it does, also after a restart", (w, over))
    neighbour.stop()
    stranger.stop()


def lost_answers(place):
    """The witness is ahead of what is kept here: an answer was lost. It names its size, and the next offer goes on from there."""
    data, log_key = begun(place)
    neighbour = Neighbour(log_key)
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        ask(run, lambda w: w["state"] == "agrees")
        kept = os.path.join(data, "ledger", "witness")
    shutil.rmtree(kept)
    with Run(data, more=told(neighbour)) as run:
        run.wait_api()
        w = ask(run, lambda w: w["state"] == "agrees")
        ok(w["state"] == "agrees" and 409 in neighbour.answers and w["last_size"] == neighbour.state[0], "409, then again from the size that it named", (w, neighbour.answers))
    neighbour.stop()


def over_https(place):
    data, log_key = begun(place)
    ca, certificate, private = authority(place)
    neighbour = Neighbour(log_key, (certificate, private))
    for url, more, words, name in (
        (f"https://localhost:{neighbour.port}", "", "certificate", "an authority that nobody told of"),
        (f"https://127.0.0.1:{neighbour.port}", f', authority: "{ca}"', "certificate", "another name than the certificate's"),
        (f"https://no-such-host.invalid:{neighbour.port}", f', authority: "{ca}"', "name", "a name that nobody has"),
        (f"http://127.0.0.1:{free_port()}", "", "nobody answers", "nobody there"),
    ):
        with Run(data, more=told(neighbour, url, more)) as run:
            run.wait_api()
            w = ask(run, lambda w, words=words: words in (w["why"] or ""))
            ok(w["state"] == "never" and words in (w["why"] or "") and not neighbour.asked, f"{name}: nothing is sent: {w['why']}", w)
    with Run(data, more=told(neighbour, f"https://localhost:{neighbour.port}", f', authority: "{ca}"')) as run:
        run.wait_api()
        w = ask(run, lambda w: w["state"] == "agrees")
        ok(w["state"] == "agrees", "over TLS, by name, under the authority of lab.yaml", w)
    neighbour.stop()
    for wrong, words in ((told(neighbour, "ftp://x"), "an address"), (told(neighbour, f"http://u:p@127.0.0.1:{neighbour.port}"), "an address"),
                         (told(neighbour, more=f', authority: "{private}"'), "holds no certificate"), (told(neighbour).replace(neighbour.line[-9:-1], "AAAAAAAA"), "number")):
        with Run(data, more=wrong) as run:
            status, _ = run.finish(180)
            ok(status == 2 and words in run.said(), f"lab.yaml is refused: {words}", run.said())


def by_hand(place):
    """A lab without network: the offer and the cosignature as files; and our own service as the neighbour of our own `run`."""
    data, _ = begun(place)
    witness, _ = witness_in(place)
    key = read(witness, "witness.pub").decode().strip()
    tool("witness", "trust", witness, os.path.join(data, "ledger", "verifier.pub"))
    with Run(data) as run:
        run.wait_api()
        ok(run.pid("courier") is None and run.api("/api/v1/witnesses") == {"items": []}, "without witnesses there is no courier")
        offer = subprocess.run([TOURNIQUET, "api", "--data", data, "GET", "/api/v1/ledger/offer"], capture_output=True).stdout
        note = tool("witness", "sign", witness, "-", given=offer).stdout.decode()
        ok(post(run, "/api/v1/ledger/cosignature", {"note": note})[0] != 0, "a witness that is not known needs its key")
        ok(post(run, "/api/v1/ledger/cosignature", {"note": note.replace("tourniquet.local", "tourniquet.locul"), "key": key})[0] != 0, "a note that does not hold is not kept")
        status, said = post(run, "/api/v1/ledger/cosignature", {"note": note, "key": key})
        w = shown(run, "witness.example/w1")
        ok(status == 0 and w["state"] == "agrees" and w["url"] is None and "brought by" in events(run, "ledger.witnessed")[0], "what was brought is kept, shown and recorded", (said, w))
        ok(post(run, "/api/v1/ledger/cosignature", {"note": note})[0] == 0, "a known one needs no key")
    with Served(witness) as served, Run(data, more=f'witness: [ {{ name: own, url: "http://127.0.0.1:{served.port}/", key: "{key}" }} ]\n') as run:
        run.wait_api()
        w = ask(run, lambda w: w["last_size"] == (run.api("/api/v1/ledger") or {}).get("records"), "own")
        ok(w["state"] == "agrees" and w["last_size"] > 1, "our own service is a witness of our own run", (w, served.said()))


only = sys.argv[3:]
for scenario in (everyday, forks, at_once, killed, bad_peers, over_tls, asks, answers_badly, contradicts, on_the_way, lost_answers, over_https, by_hand):
    if only and scenario.__name__ not in only:
        continue
    with Folder() as place_:
        scenario(place_)
if __name__ == "__main__":
    finish()
