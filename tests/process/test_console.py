"""The HTTPS door as a hostile network meets it: what it says, what it refuses, who can block whom. The real program, TLS checked against the authority that it
wrote; Python's own client only."""
import http.client
import json
import os
import re
import signal
import socket
import ssl
import threading
import time
import warnings

import lab

COOKIE = "__Host-tourniquet"
PASSWORD = "seven grey herons wade"
LINES = 512  # FRONT_CONNECTIONS


class Door:
    """One running program, and ways to talk to its page."""

    def __init__(self, run):
        self.run = run
        self.port = run.port
        self.origin = f"https://localhost:{run.port}"
        self.tls = ssl.create_default_context(cafile=os.path.join(run.data, "authority.pem"))
        self.cookie = None
        self.csrf = None

    def connect(self, timeout=60):
        return http.client.HTTPSConnection("localhost", self.port, context=self.tls, timeout=timeout)

    def raw(self, timeout=60):
        return self.tls.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout), server_hostname="localhost")

    def ask(self, method, path, body=None, headers=None, connection=None, signed=True):
        """status, headers (lower case), body"""
        c = connection or self.connect()
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        if signed and self.cookie:
            sent.setdefault("Cookie", f"{COOKIE}={self.cookie}")
        try:
            c.request(method, path, body, sent)
            answer = c.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        except (OSError, http.client.HTTPException) as e:
            return 0, {}, str(e).encode()
        finally:
            if connection is None:
                c.close()

    def status(self, method, path, **more):
        return self.ask(method, path, **more)[0]

    def alive(self, seconds=20):
        """Is somebody else served, and soon?"""
        began = time.monotonic()
        c = self.connect(seconds)
        status = self.ask("GET", "/healthz", connection=c)[0]
        c.close()
        return status == 200 and time.monotonic() - began < seconds


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def all_of(sock, seconds=5):
    """What comes until the end or until time is up."""
    got = b""
    until = time.monotonic() + seconds
    try:
        while (left := until - time.monotonic()) > 0:
            sock.settimeout(left)
            if not (piece := sock.recv(65536)):
                break
            got += piece
    except OSError:
        pass
    return got


def read_until(sock, mark, seconds=60):
    got = b""
    until = time.monotonic() + seconds
    sock.settimeout(1)
    while mark not in got and time.monotonic() < until:
        try:
            piece = sock.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            continue
        except OSError:
            break
        if not piece:
            break
        got += piece
    return got


# ── what it says ──


def plain_words(door):
    status, headers, body = door.ask("GET", "/healthz")
    lab.ok(status == 200 and body == b"ok\n", "healthz", (status, body))
    lab.ok(headers.get("x-content-type-options") == "nosniff" and headers.get("referrer-policy") == "no-referrer", "nosniff, no referrer", headers)
    _, headers, _ = door.ask("GET", "/api/v1/setup")
    lab.ok(headers.get("content-disposition") == 'attachment; filename="api.json"', "what the API answers is never shown as a page", headers)
    lab.ok("strict-transport-security" not in headers, "no HSTS for localhost: other programs of this machine share the name", headers)
    lab.ok("server" not in headers, "no word about the server's software", headers)
    status, _, body = door.ask("GET", "/", headers={"Host": "evil.example"})
    lab.ok(status == 421, "another host name gets 421", (status, body))
    for host in (f"localhost.evil.example:{door.port}", "127.0.0.1", "localhostx", ""):
        lab.ok(door.status("GET", "/api/v1/setup", headers={"Host": host}) == 421, f"so does {host!r}")
    lab.ok(door.status("GET", "/api/v1/setup", headers={"Host": "LOCALHOST"}) == 200, "capitals in the name do not matter")
    nonces = set()
    for _ in range(3):
        status, headers, body = door.ask("GET", "/")
        policy = headers.get("content-security-policy", "")
        nonce = re.search(r"'nonce-([0-9a-f]{32})'", policy)
        nonces.add(nonce and nonce[1])
        good = status == 200 and nonce and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src 'self';" in policy
        good = good and b"__CSP_NONCE__" not in body and nonce[1].encode() in body and headers.get("cache-control") == "no-store"
        if not good:
            break
    types = [door.ask("GET", path)[1].get("content-type", "") for path in ("/", "/healthz", "/favicon.svg", "/api/v1/setup", "/no-such.txt")]
    texts = [t for t in types if t.startswith("text/") or "xml" in t]
    lab.ok(all(types) and len(texts) >= 2 and all("charset=utf-8" in t for t in texts), "every answer says what it is, texts in which characters", types)
    lab.ok(good and len(nonces) == 3, "the page: a policy with a nonce that is new each time, and never stored", (status, headers))
    c = door.connect()
    c.request("HEAD", "/")
    answer = c.getresponse()
    lab.ok(answer.status == 200 and answer.read() == b"", "HEAD has no body")
    lab.ok(door.ask("GET", "/healthz", connection=c)[0] == 200, "and the connection goes on")
    c.close()


def assets(door):
    page = door.ask("GET", "/")[2].decode()
    path = re.search(r'src="(/assets/[^"]+\.js)"', page)
    if not path:
        lab.skip("assets", "the page is not built in")
        return
    path = path[1]
    status, headers, body = door.ask("GET", path)
    lab.ok(status == 200 and "immutable" in headers.get("cache-control", "") and "javascript" in headers.get("content-type", ""), "an asset is kept by browsers", headers)
    tag = headers.get("etag", "")
    for match in (tag, f'"other", {tag}', "*"):
        status, _, rest = door.ask("GET", path, headers={"If-None-Match": match})
        lab.ok(status == 304 and rest == b"", "If-None-Match: 304 without a body", (match, status))
    lab.ok(door.status("GET", path, headers={"If-None-Match": '"other"'}) == 200, "another tag: 200")
    status, headers, packed = door.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    lab.ok(headers.get("content-encoding") == "gzip" and len(packed) < len(body), "compressed for who can read it", headers)
    lab.ok(door.status("POST", "/") == 405, "a page cannot be posted to")
    for trick in ("/../../etc/passwd", "/assets/../../root.key", "/assets/%2e%2e/%2e%2e/root.key", "/assets/..%5croot.key", "//etc/passwd", "/.%00/root.key"):
        status, headers, body = door.ask("GET", trick)
        harmless = status in (400, 404) or (status == 200 and body.lstrip().lower().startswith(b"<!doctype html"))
        lab.ok(harmless and b"root:" not in body, f"no way out by {trick}", (status, body[:80]))


# ── who may ──


def set_up(door, code):
    person = {"name": "ada", "display_name": "Ada", "password": PASSWORD}
    wrong = {"code": "00000-00000", **person}
    lab.ok(door.status("POST", "/api/v1/setup", body=wrong) == 403, "a wrong set-up code is refused")
    lab.ok(door.status("POST", "/api/v1/setup", body={"code": code, **person, "password": "password"}) == 422, "a weak password is refused")
    good = {"code": code, **person}
    lab.ok(door.status("POST", "/api/v1/setup", body=good, headers={"Origin": "https://evil.example"}) == 403, "a foreign origin cannot set up")
    lab.ok(door.status("POST", "/api/v1/setup", body=good, headers={"Sec-Fetch-Site": "cross-site"}) == 403, "nor can another site")
    lab.ok(door.status("POST", "/api/v1/setup", body=good, headers={"Content-Type": "text/plain"}) == 415, "nor a form's content type")
    status, headers, body = door.ask("POST", "/api/v1/setup", body=good, headers={"Origin": door.origin, "Sec-Fetch-Site": "same-origin"})
    cookie = headers.get("set-cookie", "")
    lab.ok(status == 201 and cookie.startswith(COOKIE + "="), "the right code signs the first administrator in", (status, body))
    flags = {part.strip().lower() for part in cookie.split(";")[1:]}
    lab.ok({"secure", "httponly", "samesite=strict", "path=/"} <= flags and not any(f.startswith("domain") for f in flags), "the cookie's flags", cookie)
    lab.ok(headers.get("cache-control") == "no-store", "an answer is never stored", headers)
    door.cookie = cookie.split(";")[0].split("=", 1)[1]
    door.csrf = json.loads(body)["csrf"]
    lab.ok(door.status("POST", "/api/v1/setup", body=good, signed=False) == 409, "the code cannot be used twice")


def device(door):
    _, _, body = door.ask("GET", "/api/v1/devices?limit=1")
    d = json.loads(body)["items"][0]
    return d["id"], d["etag"]


def forged(door):
    name, tag = device(door)
    path, body = f"/api/v1/devices/{name}/name", {"name": "forged"}
    match = {"If-Match": f'"{tag}"'}
    lab.ok(door.status("GET", "/api/v1/today", signed=False) == 401, "nothing without a session")
    lab.ok(door.status("PUT", path, body=body, headers=match) == 403, "a change without the token is refused")
    lab.ok(door.status("PUT", path, body=body, headers={**match, "X-CSRF": "0" * len(door.csrf)}) == 403, "so is one with a wrong token")
    token = {**match, "X-CSRF": door.csrf}
    for name, value in (("Origin", "https://evil.example"), ("Origin", "null"), ("Origin", "http://localhost"), ("Origin", f"https://localhost:{door.port + 1}"),
                        ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site")):
        lab.ok(door.status("PUT", path, body=body, headers={**token, name: value}) == 403, f"so is one with {name}: {value}")
    lab.ok(door.status("PUT", path, body=body, headers={"X-CSRF": door.csrf}) == 428, "If-Match is asked for")
    lab.ok(door.status("PUT", path, body=body, headers={"X-CSRF": door.csrf, "If-Match": '"1000000000"'}) == 412, "a stale one gives 412")


def event_stream(door):
    stream = door.raw()
    stream.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nCookie: {COOKIE}={door.cookie}\r\n\r\n".encode())
    head = read_until(stream, b"retry:")
    lab.ok(b" 200 " in head and b"text/event-stream" in head, "a stream opens", head)
    lab.ok(door.status("HEAD", "/api/v1/stream") == 200, "HEAD opens none and is answered at once")
    name, tag = device(door)
    status, _, body = door.ask("PUT", f"/api/v1/devices/{name}/name", body={"name": "Front desk"}, headers={"X-CSRF": door.csrf, "If-Match": f'"{tag}"', "Origin": door.origin})
    lab.ok(status == 200, "a change with everything in place is made", (status, body))
    heard = read_until(stream, b'"topic":"devices"')
    lab.ok(b'"topic":"devices"' in heard, "the stream tells of it", heard)
    lab.ok(b"Front desk" not in heard, "by topic and id only")
    before = door.cookie
    lab.ok(door.status("DELETE", "/api/v1/session", headers={"X-CSRF": door.csrf}) == 204, "signing out")
    ended = all_of(stream, 60)
    stream.settimeout(2)
    try:
        at_end = stream.recv(1) == b""
    except OSError:
        at_end = ended.endswith(b"0\r\n\r\n")
    lab.ok(at_end, "ends the stream", ended)
    lab.ok(door.status("GET", "/api/v1/today", headers={"Cookie": f"{COOKIE}={before}"}, signed=False) == 401, "the old cookie is worth nothing")
    stream.close()
    door.cookie = None
    lab.ok(door.status("POST", "/api/v1/session", body={"name": "ada", "password": "wrong password"}) == 401, "a wrong password")
    status, headers, body = door.ask("POST", "/api/v1/session", body={"name": "ada", "password": PASSWORD})
    lab.ok(status == 200, "signing in again", (status, body))
    door.cookie = headers.get("set-cookie", "=").split(";")[0].split("=", 1)[1]
    door.csrf = json.loads(body)["csrf"]


# ── what it does not swallow ──


def too_much(door):
    status = door.status("POST", "/api/v1/session", body=b"x" * (3 << 20))
    lab.ok(status in (0, 413), "a body over the limit is not taken", status)
    status = door.status("GET", "/", headers={"X-Long": "a" * 40000})
    lab.ok(status in (0, 400, 413, 431), "headers over the limit are not taken", status)
    status = door.status("GET", "/" + "a" * 40000)
    lab.ok(status in (0, 400, 413, 414), "nor is such a path", status)
    for nonsense in (b"\0\1\2\3\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"BREW /pot HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n bad\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"):
        s = door.raw()
        s.sendall(nonsense)
        got = all_of(s, 0.5)
        s.close()
        lab.ok(b" 200 " not in got.split(b"\r\n")[0], f"no sense in {nonsense[:60]!r}", got[:200])
    lab.ok(door.alive(), "others are served")


def other_tongues(door):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(os.path.join(door.run.data, "authority.pem"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    said = ""
    try:
        old.wrap_socket(socket.create_connection(("127.0.0.1", door.port), 5), server_hostname="localhost").close()
    except (ssl.SSLError, OSError) as e:
        said = str(e)
    lab.ok("ALERT" in said.upper(), "TLS 1.1 is refused", said)
    for what, first in (("plain HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), ("garbage", os.urandom(400)), ("half a hello", b"\x16\x03\x01\x02\x00\x01")):
        with socket.create_connection(("127.0.0.1", door.port), 5) as s:
            s.sendall(first)
            if what == "half a hello":
                s.shutdown(socket.SHUT_WR)
            got = all_of(s, 3)
        lab.ok(b"HTTP/1.1 200" not in got and b"<html" not in got.lower(), f"{what} on the TLS port gets nothing", got[:100])
    lab.ok(door.alive(), "others are served")


def one_connection(door):
    c = door.connect()
    lab.ok(all(door.ask("GET", p, connection=c)[0] == 200 for p in ("/healthz", "/api/v1/setup", "/readyz", "/")), "many requests on one connection")
    c.close()
    s = door.raw()
    s.sendall(b"GET /api/v1/setup HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    got = all_of(s, 60)
    s.close()
    order = [got.find(b'"needed"'), got.find(b"ok\n")]
    lab.ok(got.count(b"HTTP/1.1 200") == 3 and -1 < order[0] < order[1], "pipelined requests are answered in order", got)


# ── who can block whom ──


class Trickler(threading.Thread):
    """A client that sends one byte of a request every second, for ever."""

    def __init__(self, door):
        super().__init__(daemon=True)
        self.sock = door.raw()
        self.began = time.monotonic()
        self.ended = None
        self.start()

    def run(self):
        try:
            self.sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            while True:
                self.sock.sendall(b"a")
                time.sleep(1)
        except OSError:
            self.ended = time.monotonic() - self.began


def crowd(door):
    held = []
    for _ in range(600):
        try:
            held.append(socket.create_connection(("127.0.0.1", door.port), 2))
        except OSError:
            break
    lab.ok(door.alive(), f"{len(held)} silent connections do not keep others out")
    lab.ok(all(door.alive() for _ in range(5)), "not even the next ones")
    for s in held:
        s.close()
    lab.ok(door.alive(), "nor afterwards")


def grew_little(kib, limit):
    """A sanitizer keeps what was freed for a while, so that its memory says nothing; how much was taken in counts in both builds."""
    return lab.SANITIZED or kib < limit


def large(door):
    """A list of devices may have 1 MiB: it comes in whole, whoever sends it, and many at once do not hold memory each."""
    body = b"name\r\n" + b"x" * (700 << 10)
    head = b"POST /api/v1/devices/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n" % len(body)
    s = door.raw()
    s.settimeout(60)
    s.sendall(head + body)
    answer = s.recv(64)
    lab.ok(answer.startswith(b"HTTP/1.1 401"), "a request of 700 KiB is answered", answer)
    s.close()
    pid = door.run.pid("console")
    before = memory(pid)
    held = [door.raw() for _ in range(60)]
    for s in held:
        s.settimeout(1)
        try:
            s.sendall(head + body[:-1])
        except OSError:
            pass
    after = memory(pid)
    lab.ok(grew_little(after - before, 40 << 10), f"60 of them, none ended, take {after - before} KiB more")
    for s in held:
        s.close()
    lab.ok(door.alive(), "others are served")


def unread(door):
    """Asks for much, reads nothing, and goes on sending."""
    pid = door.run.pid("console")
    before = memory(pid)
    s = door.raw()
    s.settimeout(2)
    sent = 0
    piece = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
    try:
        while sent < 64 << 20:
            s.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    after = memory(pid)
    lab.ok(sent < 16 << 20 and grew_little(after - before, 8192), f"who does not read cannot fill the memory ({sent >> 10} KiB sent, {after - before} KiB more)")
    s.close()
    lab.ok(door.alive(), "others are served")
    stream = door.raw()
    stream.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nCookie: {COOKIE}={door.cookie}\r\n\r\n".encode())
    read_until(stream, b"retry:")
    stream.settimeout(2)
    sent = 0
    try:
        while sent < 64 << 20:
            stream.sendall(b"x" * 65536)
            sent += 65536
    except OSError:
        pass
    after = memory(pid)
    lab.ok(sent < 16 << 20 and grew_little(after - before, 8192), f"nor who talks into an event stream ({sent >> 10} KiB sent, {after - before} KiB more)")
    stream.close()


def keeper_killed(door):
    forms = []
    before = door.run.pid("keeper")
    ready = door.connect()
    seen = {door.ask("GET", "/readyz", connection=ready)[0]}
    door.run.process.send_signal(signal.SIGSTOP)  # the supervisor: there is no next keeper before this was asked
    door.run.signal("keeper", signal.SIGKILL)
    seen.add(door.ask("GET", "/readyz", connection=ready)[0])
    door.run.process.send_signal(signal.SIGCONT)
    ready.close()
    seen.discard(200)
    until = time.monotonic() + 90
    while time.monotonic() < until and 200 not in seen:
        status, headers, body = door.ask("GET", "/readyz")
        if status == 503:
            forms.append(headers.get("content-type") == "application/problem+json" and json.loads(body)["status"] == 503)
        seen.add(status)
        time.sleep(0.05)
    lab.ok(503 in seen and all(forms) and seen <= {200, 503}, "while the keeper is away: 503, in the form of RFC 9457", seen)
    lab.ok(200 in seen and door.run.pid("keeper") != before, "and then it is back", seen)
    lab.ok(door.status("GET", "/api/v1/today") == 401, "sessions do not outlive the keeper")


def keeper_asleep(door):
    """A keeper that stands still is waited for, but not for ever."""
    door.run.signal("keeper", signal.SIGSTOP)
    began = time.monotonic()
    c = door.connect(120)
    status = door.ask("GET", "/readyz", connection=c)[0]
    c.close()
    took = time.monotonic() - began
    lab.ok(door.alive(), "meanwhile the console lives")
    door.run.signal("keeper", signal.SIGCONT)
    lab.ok(status == 503 and took < 100, f"a keeper that stands still: 503 after {took:.0f} s", status)
    lab.ok(lab.wait(lambda: door.status("GET", "/readyz") == 200), "and it goes on", door.run.said())


def flat(door):
    pids = {role: door.run.pid(role) for role in ("console", "keeper")}

    def many(n):
        c = door.connect()
        bad = 0
        for i in range(n):
            if i % 50 == 49:
                c.close()
                c = door.connect()
            bad += door.ask("GET", ("/", "/api/v1/setup", "/api/v1/openapi.json", "/readyz")[i % 4], connection=c)[0] != 200
        c.close()
        return bad

    many(400)
    before = {role: memory(pid) for role, pid in pids.items()}
    bad = many(2000)
    grown = {role: memory(pid) - before[role] for role, pid in pids.items()}
    lab.ok(bad == 0 and all(grew_little(g, 1500) for g in grown.values()), f"2000 requests, memory flat (KiB more: {grown})", bad)


def secrets(door, code):
    """Nothing secret in the environment or in what was printed; only the supervisor ever shows the code, once."""
    said = door.run.said()
    lab.ok(said.count(code) == 1 and PASSWORD not in said, "the set-up code is printed once, the password never")
    with open(os.path.join(door.run.data, "root.key"), "rb") as f:
        root = f.read()
    never = (("password", PASSWORD.encode()), ("code", code.encode()), ("key", root), ("cookie", (door.cookie or "-" * 40).encode()))
    found = [(path, what) for path, content in lab.contents(door.run.data) if os.path.basename(path) != "root.key" for what, secret in never if secret in content]
    lab.ok(not found, "no secret in any file of the data folder", found)
    for role in ("keeper", "console"):
        try:
            with open(f"/proc/{door.run.pid(role)}/environ", "rb") as f:
                left = [part for part in f.read().split(b"\0") if part and b"SAN_OPTIONS=" not in part]
            lab.ok(not left, f"{role}: an empty environment", left)
        except PermissionError:
            lab.ok(True, f"{role}: its environment cannot even be read")


def main():
    with lab.Folder() as scratch:
        capture, _, _ = lab.capture(scratch, 3)
        with lab.Run(os.path.join(scratch, "data"), "--replay", capture) as run:
            lab.ok(run.wait_ended(), "it runs", run.said())
            code = lab.wait(lambda: re.search(r"set-up code .*: (\S+)", run.said()))[1]
            door = Door(run)
            slow = Trickler(door)
            console = run.pid("console")
            for part in (plain_words, assets):
                part(door)
            set_up(door, code)
            for part in (forged, event_stream, too_much, other_tongues, one_connection, large, unread, crowd, flat):
                part(door)
            secrets(door, code)
            keeper_killed(door)
            keeper_asleep(door)
            lab.ok(run.pid("console") == console, "all the while it was one console", run.said())
            slow.join(90)
            lab.ok(slow.ended is not None and slow.ended < 90, f"who sends one byte a second is cut off ({slow.ended} s)")
        lab.ok(lab.verify(run.data)[0] == 0, "the ledger verifies", lab.verify(run.data))
    lab.finish()


main()
