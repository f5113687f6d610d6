"""What the tests of links share: analyzers and LIS that are scripts of ours, behave or misbehave as told, and say what they saw."""
import json
import os
import re
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time

import lab


def yaml(*links):
    """Links for lab.yaml: each a dict of its keys; nested ones are written inline."""
    def text(v):
        return "{ " + ", ".join(f"{k}: {text(x)}" for k, x in v.items()) + " }" if isinstance(v, dict) else \
            "[ " + ", ".join(map(text, v)) + " ]" if isinstance(v, list) else f'"{v}"' if isinstance(v, str) and re.search(r"[^A-Za-z0-9_-]", v) else str(v)
    return "relay:\n" + "".join(f"  - {text(link)}\n" for link in links)


def message(control, value="4.1", specimen=None, application="CHEM", charset="", kind="ORU^R01^ORU_R01", more=""):
    """A result as a chemistry analyzer sends it, without its frame."""
    s, now = specimen or f"S{control}", time.strftime("%Y%m%d%H%M%S")
    return (f"MSH|^~\\&|{application}|LAB|LIS|HOSP|{now}||{kind}|{control}|P|2.5.1|||||{'|' + charset if charset else ''}\r"
            f"PID|1||P{s}^^^HOSP^MR||DOE^ROBIN||19700101|F\rOBR|1|{s}|{s}|CHEM^Chemistry^L|||{now}\r"
            f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|N|||F|||{now}\r{more}").encode("latin-1")


def frame(content):
    return b"\x0b" + content + b"\x1c\r"


def field(content, segment, number):
    """Field of the first such segment, as text; None where it is not there."""
    for line in content.decode("latin-1").split("\r"):
        parts = line.split("|")
        if parts[0] == segment:
            at = number - 1 if segment == "MSH" else number
            return parts[at] if at < len(parts) else ""
    return None


def acknowledge(content, code="AA", control=None):
    c = control or field(content, "MSH", 10)
    return frame(f"MSH|^~\\&|LIS|HOSP|CHEM|LAB|{time.strftime('%Y%m%d%H%M%S')}||ACK^R01^ACK|A{c}|P|2.5.1\rMSA|{code}|{c}\r".encode("latin-1"))


class Frames:
    """Blocks out of a socket."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def next(self, seconds=60):
        """The next content; None: no whole one came in time, or the connection is over (then .ended)."""
        self.ended = False
        until = time.monotonic() + seconds
        while True:
            end = self.rest.find(b"\x1c\r")
            start = self.rest.rfind(b"\x0b", 0, max(end, 0))  # a block that begins anew takes the place of one that was cut off
            if 0 <= start:
                content, self.rest = self.rest[start + 1:end], self.rest[end + 2:]
                return content
            left = until - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                more = self.sock.recv(65536)
            except socket.timeout:
                return None
            except OSError:
                more = b""
            if not more:
                self.ended = True
                return None
            self.rest += more


class Analyzer:
    """One connection to a link."""

    def __init__(self, port, context=None, seconds=30, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self.frames = Frames(self.sock)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def say(self, content):
        self.sock.sendall(frame(content))

    def hear(self, seconds=60):
        """(MSA-1, MSA-2) of the next answer, or None."""
        answer = self.frames.next(seconds)
        return None if answer is None else (field(answer, "MSA", 1), field(answer, "MSA", 2))

    def ask(self, content, seconds=60):
        self.say(content)
        return self.hear(seconds)


class Lis:
    """Listens, keeps what it receives, and answers with what answer(content) gives: bytes, or None for nothing."""

    def __init__(self, answer=acknowledge, context=None, port=None):
        self.answer, self.context = answer, context
        self.taken, self.connections, self.failed = [], 0, []
        self.listener = socket.create_server(("127.0.0.1", port or 0))
        self.port = self.listener.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        self.open.append(sock)
        try:
            if self.context is not None:
                bare, sock = sock, self.context.wrap_socket(sock, server_side=True)
                self.open[self.open.index(bare)] = sock  # which has taken its descriptor
            self.connections += 1
            frames = Frames(sock)
            while True:
                content = frames.next(3600)
                if content is None:
                    return
                self.taken.append(content)
                said = self.answer(content)
                if said:
                    sock.sendall(said)
        except (OSError, ssl.SSLError) as e:
            self.failed.append(str(e))
        finally:
            sock.close()

    def controls(self):
        return [field(c, "MSH", 10) for c in self.taken]

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # else one more comes in: a thread waits for it
        self.listener.close()
        for sock in self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def found(run, kind=None, words=None):
    """Findings of the running Tourniquet, by kind and a pattern in the title."""
    items, cursor = [], ""
    while True:
        answer = run.api(f"/api/v1/findings?severity=all&limit=100{cursor}") or {"items": []}
        items += answer["items"]
        if not answer.get("next"):
            break
        cursor = f"&cursor={answer['next']}"
    return [f for f in items if (kind is None or f["kind"] == kind) and (words is None or re.search(words, f["title"], re.I))]


def link(run, name):
    """The link as GET /links shows it."""
    for item in (run.api("/api/v1/links") or {"items": []})["items"]:
        if item["name"] == name:
            return item
    return None


def listening(port, seconds=90):
    """Waits until somebody listens there."""
    def try_it():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0
    return lab.wait(try_it, seconds)


def resident(pid):
    """MiB."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024
    except (OSError, AttributeError):
        return 0


def many_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Program:
    """A program that says something when it is ready and a JSON line at its end."""

    def __init__(self, *argv, ready=None):
        self.process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True)
        if ready is not None:
            lab.wait(ready)

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        out, _ = self.process.communicate(timeout=60)
        lines = out.splitlines()
        return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None


def lines_of(path):
    """[(control id, digest)] of a log of mllp_load or mllp_sink."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii", errors="replace") as f:
        return [tuple(line.split()) for line in f if line.endswith("\n") and len(line.split()) == 2]


def custody_holds(acknowledged, arrived, name):
    """What was acknowledged arrived, unchanged, and in the order in which each connection sent it; what came twice came twice the same. Returns the ids
    that came more than once."""
    first, times, other = {}, {}, []
    for at, (control, digest) in enumerate(arrived):
        times[control] = times.get(control, 0) + 1
        if control not in first:
            first[control] = (at, digest)
        elif first[control][1] != digest:
            other.append(control)
    lost = [c for c, _ in acknowledged if c not in first]
    lab.ok(not lost, f"{name}: each of {len(acknowledged)} acknowledged messages reached the LIS", lost[:10])
    changed = [c for c, d in acknowledged if c in first and first[c][1] != d]
    lab.ok(not changed and not other, f"{name}: unchanged, also what came again", (changed[:5], other[:5]))
    order, wrong = {}, []
    for control, (at, _) in sorted(first.items(), key=lambda x: x[1][0]):
        connection, number = control[:6], int(control[7:])
        if number < order.get(connection, 0):
            wrong.append(control)
        order[connection] = max(number, order.get(connection, 0))
    lab.ok(not wrong, f"{name}: in the order in which they were sent", wrong[:10])
    return [c for c, n in times.items() if n > 1]


sys.stdout.reconfigure(line_buffering=True)
