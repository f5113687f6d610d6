"""Certificates of links with openssl's own programs at both ends: who is let in, who is refused and why, and what happens to connections that run when a
key is replaced or a certificate revoked. The authority's key is read from the data folder to make certificates that it would not make."""
import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import lab


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, **more)


def pki(run, *arguments, text=False):
    done = subprocess.run([lab.TOURNIQUET, "pki", *arguments, "--data", run.data], capture_output=True, text=True)
    if done.returncode != 0:
        return None
    return done.stdout if text else json.loads(done.stdout)


def request(folder, name, common):
    key, csr = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".csr")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-subj", "/CN=" + common, "-out", csr)
    return key, csr


def enrolled(run, folder, name, side, names):
    """A certificate as a colleague at the other end gets it: key, certificate with its chain."""
    code = pki(run, "enrol", "--link", "sealed", "--side", side, "--names", names)["code"]
    key, csr = request(folder, name, names.split(",")[0])
    pem = os.path.join(folder, name + ".pem")
    with open(pem, "w", encoding="utf-8") as f:
        f.write(pki(run, "enrol", "--code", code, csr, text=True) or "")
    return key, pem


def days_off(days, form="%Y%m%d%H%M%SZ"):
    return time.strftime(form, time.gmtime(time.time() + days * 86400))


def forged(run, folder, name, subject, extensions, start=None, end="20491231000000Z", authority=None):
    """A certificate with dates and names of our choice, signed with the authority's own key, or with another."""
    ca_key, ca_pem = authority or (os.path.join(run.data, "pki/authority.key"), os.path.join(run.data, "pki/authority.pem"))
    key, csr = request(folder, name, subject)
    pem, base = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".ca")
    os.makedirs(base)
    open(os.path.join(base, "index"), "w", encoding="utf-8").close()
    with open(os.path.join(base, "conf"), "w", encoding="utf-8") as f:
        f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={base}/index\nnew_certs_dir={base}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n"
                f"[p]\ncommonName=supplied\n[x]\nextendedKeyUsage=serverAuth,clientAuth\n{extensions}\n")
    done = openssl("ca", "-batch", "-notext", "-config", os.path.join(base, "conf"), "-cert", ca_pem, "-keyfile", ca_key, "-in", csr, "-out", pem, "-startdate", start or days_off(-60), "-enddate", end)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return key, pem


def other_authority(folder):
    key, pem = os.path.join(folder, "other.key"), os.path.join(folder, "other.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", pem, "-subj", "/CN=Other authority", "-days", "3650")
    return key, pem


def answer_to(message):
    control = message.split(b"\r")[0].split(b"|")[9]
    return b"\x0bMSH|^~\\&|LIS|LAB|AN1|LAB|20261128||ACK^R01|A" + control + b"|P|2.5.1\rMSA|AA|" + control + b"\r\x1c\r"


class Lis:
    """A LIS that speaks TLS (Python's, over OpenSSL) and asks for the relay's certificate."""

    def __init__(self, port, key, pem, authority):
        self.port, self.seen, self.got, self.connections = port, [], [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(pem, key)
        self.context.load_verify_locations(authority)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        for s in [self.socket, *self.connections]:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _accept(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        try:
            with self.context.wrap_socket(c, server_side=True) as tls:
                self.connections.append(tls)
                self.seen.append(tls.getpeercert()["serialNumber"].lower())
                held = b""
                while True:
                    piece = tls.recv(65536)
                    if not piece:
                        return
                    held += piece
                    while b"\x1c\r" in held:
                        message, held = held.split(b"\x1c\r", 1)
                        self.got.append(message.lstrip(b"\x0b"))
                        tls.sendall(answer_to(message.lstrip(b"\x0b")))
        except OSError:
            pass


def oru(control):
    return (f"MSH|^~\\&|AN1|LAB|LIS|LAB|20261128200000||ORU^R01^ORU_R01|{control}|P|2.5.1\rPID|1||PAT77^^^LAB\rOBR|1|S{control}||GLU^Glucose\r"
            f"OBX|1|NM|2345-7^Glucose^LN||95|mg/dL|70-110|N|||F|||20261128195900\r").encode()


class Analyzer:
    def __init__(self, port, key, pem, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(authority)
        context.load_cert_chain(pem, key)
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=60))
        self.serial = self.socket.getpeercert()["serialNumber"].lower()

    def send(self, control):
        try:
            self.socket.sendall(b"\x0b" + oru(control) + b"\x1c\r")
            held = b""
            while b"\x1c\r" not in held:
                piece = self.socket.recv(65536)
                if not piece:
                    return None
                held += piece
        except OSError:
            return None
        return re.search(rb"MSA\|(\w\w)", held).group(1).decode()

    def ended(self, seconds=60):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True


class HalfWay:
    """An analyzer in the middle of its handshake: its certificate is shown when it goes on."""

    def __init__(self, port, key, pem, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(authority)
        context.load_cert_chain(pem, key)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                self.incoming.write(self.socket.recv(65536))

    def goes_on(self, control):
        """What comes of it: the answer's code, or None where the connection is closed."""
        self.tls.write(b"\x0b" + oru(control) + b"\x1c\r")
        held = b""
        try:
            self.socket.sendall(self.outgoing.read())
            while b"\x1c\r" not in held:
                piece = self.socket.recv(65536)
                if not piece:
                    return None
                self.incoming.write(piece)
                try:
                    held += self.tls.read(65536)
                except ssl.SSLWantReadError:
                    continue
        except OSError:
            return None
        return re.search(rb"MSA\|(\w\w)", held).group(1).decode()


def link(run):
    items = (run.api("/api/v1/links") or {"items": []})["items"]
    return items[0] if items else {}


def why(run, side):
    item = link(run)
    return json.dumps(item.get("analyzer" if side == "analyzer" else "lis") or {}) + str(item.get("why"))


def s_client(port, folder, key, pem, authority, *more):
    """One message through openssl s_client: was it acknowledged?"""
    process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", authority, "-verify_return_error", "-quiet",
                                *(["-cert", pem, "-key", key] if key else []), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    answer = b""

    def read():
        nonlocal answer
        while b"\x1c\r" not in answer:
            piece = os.read(process.stdout.fileno(), 4096)
            if not piece:
                return
            answer += piece

    reader = threading.Thread(target=read, daemon=True)
    try:
        process.stdin.write(b"\x0b" + oru(f"c{time.monotonic_ns() % 1000000}") + b"\x1c\r")
        process.stdin.flush()
        reader.start()
        reader.join(30)
    except BrokenPipeError:
        pass
    process.kill()
    process.wait()
    return b"MSA|AA" in answer


def analyzers(run, folder, port, authority):
    """Who connects with openssl s_client, and what the relay says about it."""
    sealed = "tourniquet:link/sealed/analyzer"
    good = enrolled(run, folder, "analyzer", "analyzer", "10.0.5.9")
    lab.ok(s_client(port, folder, *good, authority), "openssl s_client with its certificate: the message is acknowledged end to end")
    socket.create_connection(("127.0.0.1", port)).close()
    time.sleep(3)
    lab.ok(not (run.api("/api/v1/findings?state=all&kind=link.tls") or {"items": [1]})["items"], "who only looks at the port is no finding")
    ended = "ended on " + days_off(-30, "%Y-%m-%d")
    old = forged(run, folder, "expired", "10.0.5.9", f"subjectAltName=IP:10.0.5.9,URI:{sealed}", end=days_off(-30))
    early = forged(run, folder, "early", "10.0.5.9", f"subjectAltName=IP:10.0.5.9,URI:{sealed}", start=days_off(3650))
    elsewhere = forged(run, folder, "elsewhere", "10.0.5.9", "subjectAltName=IP:10.0.5.9,URI:tourniquet:link/other/analyzer")
    other = other_authority(folder)
    foreign = forged(run, folder, "foreign", "10.0.5.9", f"subjectAltName=IP:10.0.5.9,URI:{sealed}", authority=other)
    cases = (("no certificate", (None, None), "showed no certificate"), ("a certificate that ended", old, ended),
             ("a certificate that has not begun", early, "is a clock wrong?"), ("a certificate of another link", elsewhere, "made for another link"),
             ("a certificate of another authority", foreign, "another authority"), ("a self-signed certificate", other, "signed by itself"))
    for name, (key, pem), reason in cases:
        refused = not s_client(port, folder, key, pem, authority)
        said = lab.wait(lambda: reason in why(run, "analyzer"))
        lab.ok(refused and said, f"{name} is refused, and the link says why", why(run, "analyzer"))
    refused = not s_client(port, folder, *good, authority, "-tls1_2")
    lab.ok(refused and lab.wait(lambda: "version of TLS" in why(run, "analyzer")), "TLS 1.2 is refused where 1.3 is asked for", why(run, "analyzer"))
    lab.ok(s_client(port, folder, *good, authority), "and the good one is let in as before")
    return good


def knocks(listen, analyzer, authority):
    """An analyzer with a message: then the LIS is called. What it hears within two seconds."""
    try:
        waiting = Analyzer(listen, *analyzer, authority)
    except OSError:
        return None
    waiting.socket.settimeout(2)
    code = waiting.send(f"x{time.monotonic_ns() % 1000000}")
    waiting.socket.close()
    return code


def lis_side(run, folder, port, listen, lis, analyzer, authority):
    """What the relay dials: openssl s_server with certificates that must not be taken."""
    sealed = "tourniquet:link/sealed/lis"
    lis.stop()
    other = (os.path.join(folder, "other.key"), os.path.join(folder, "other.pem"))
    cases = (("another name", forged(run, folder, "lis-name", "lis.example", f"subjectAltName=DNS:lis.example,URI:{sealed}"), "another name than"),
             ("an end", forged(run, folder, "lis-old", "127.0.0.1", f"subjectAltName=IP:127.0.0.1,URI:{sealed}", end=days_off(-30)), "ended on " + days_off(-30, "%Y-%m-%d")),
             ("another side of the link", forged(run, folder, "lis-side", "127.0.0.1", "subjectAltName=IP:127.0.0.1,URI:tourniquet:link/sealed/analyzer"), "other side"),
             ("another authority", forged(run, folder, "lis-foreign", "127.0.0.1", f"subjectAltName=IP:127.0.0.1,URI:{sealed}", authority=other), "another authority"),
             ("nobody's signature but its own", other, "signed by itself"))
    for name, (key, pem), reason in cases:
        with subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pem, "-key", key, "-CAfile", authority, "-Verify", "1", "-quiet"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            said = lab.wait(lambda: knocks(listen, analyzer, authority) != "AA" and reason in why(run, "lis"))
            server.kill()
            got = server.stdout.read()
        lab.ok(said and b"MSH" not in got, f"a LIS whose certificate has {name} gets nothing, and the link says why", why(run, "lis"))


def rotation(run, port, analyzer, authority, lis_factory):
    """A new key while connections run: none is cut, new ones see the new certificate."""
    lis = lis_factory()
    first = Analyzer(port, *analyzer, authority)
    lab.ok(lab.wait(lambda: first.send(f"r{time.monotonic_ns() % 100000}") == "AA"), "a message passes before the rotation")
    own = [c for c in pki(run, "list")["items"] if c["holder"] == "ours" and c["side"] == "analyzer" and c["state"] == "in-force"]
    lab.ok(len(own) == 1 and own[0]["serial"] == first.serial, "the relay shows its own certificate in force", own)
    new = pki(run, "rotate", own[0]["serial"], "--why", "a drill")
    lab.ok(new is not None and new["replaces"] == own[0]["serial"], "it is replaced on demand", new)
    fresh = lab.wait(lambda: (lambda a: a.serial == new["serial"] and a)(Analyzer(port, *analyzer, authority)))
    lab.ok(bool(fresh), "new connections see the new certificate")
    lab.ok(first.send("after1") == "AA" and first.send("after2") == "AA", "the connection that ran goes on, message by message")
    lab.ok(fresh and fresh.send("after3") == "AA", "and the new one carries messages too")
    events = [r["event"] for r in run.api("/api/v1/ledger/records?limit=60")["items"]]
    lab.ok("certificate.rotated" in events and "certificate.issued" in events, "the ledger tells of it", events)
    return lis, first


def revocation(run, folder, port, analyzer, authority, running):
    serial = openssl("x509", "-in", analyzer[1], "-noout", "-serial").stdout.split("=")[1].strip().lower()
    lab.ok(HalfWay(port, *analyzer, authority).goes_on("half1") == "AA", "a handshake that pauses in its middle goes well")
    half = HalfWay(port, *analyzer, authority)
    lab.ok(pki(run, "revoke", serial, "--why", "the key was stolen") is not None, "a certificate is revoked")
    lab.ok(half.goes_on("half2") is None, "whoever was shaking hands meanwhile is not let in")
    lab.ok(running.ended(), "the connection of whoever showed it is cut at once")
    refused = not s_client(port, folder, *analyzer, authority)
    lab.ok(refused and lab.wait(lambda: "is revoked" in why(run, "analyzer")), "and it is refused from then on", why(run, "analyzer"))
    crl = os.path.join(folder, "crl.pem")
    with open(crl, "w", encoding="utf-8") as f:
        f.write(pki(run, "export", "--crl", text=True))
    checked = openssl("verify", "-crl_check", "-CRLfile", crl, "-CAfile", authority, analyzer[1])
    lab.ok("revoked" in checked.stderr, "openssl knows it from the exported list", checked.stderr)
    again = enrolled(run, folder, "analyzer2", "analyzer", "10.0.5.9")
    lab.ok(s_client(port, folder, *again, authority), "another enrolment lets the same system in again")
    item = [c for c in pki(run, "list")["items"] if c["serial"] == serial][0]
    lab.ok(item["state"] == "revoked" and item["revoked"]["why"] == "the key was stolen" and item["revoked"]["record"] is not None, "the list says by whom and why", item)


def expiring(run, state):
    rows = (run.api("/api/v1/findings?state=all&kind=certificate.expiring") or {"items": []})["items"]
    return [f for f in rows if f["state"] == state]


def goes(port):
    """A message in clear is acknowledged end to end."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as s:
            s.settimeout(5)
            s.sendall(b"\x0b" + oru(f"o{time.monotonic_ns() % 1000000}") + b"\x1c\r")
            answer = s.recv(65536)
            time.sleep(1.5)  # the link's state is told while it is connected
            return b"MSA|AA" in answer
    except OSError:
        return False


def vendor(folder):
    """A LIS that takes only what its vendor's authority made: a request goes out, the certificate comes back."""
    port, lis_port = lab.free_port(), lab.free_port()
    work = os.path.join(folder, "vendor")
    os.makedirs(work)
    other = other_authority(work)
    more = (f'relay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, tls: {{ to: required, authority: "{other[1]}", name: lis.example }} }}\n')
    data = os.path.join(work, "data")

    def signed(run, days):
        csr, pem = os.path.join(work, f"relay{days}.csr"), os.path.join(work, f"relay{days}.pem")
        with open(csr, "w", encoding="utf-8") as f:
            f.write(pki(run, "csr", "sealed", "--names", "box.example,10.0.5.2", text=True) or "")
        openssl("x509", "-req", "-in", csr, "-CA", other[1], "-CAkey", other[0], "-CAcreateserial", "-copy_extensions", "copyall", "-days", str(days), "-out", pem)
        with open(pem, "a", encoding="utf-8") as out, open(other[1], encoding="utf-8") as root:
            out.write(root.read())
        return pem

    ours = lambda run: [c for c in (pki(run, "list") or {"items": []})["items"] if c["holder"] == "ours" and c["state"] != "replaced"]
    with lab.Run(data, more=more) as run:
        lab.wait(lambda: ours(run))
        lis = Lis(lis_port, *forged(run, work, "lis", "lis.example", "subjectAltName=DNS:lis.example", authority=other), other[1])
        lab.ok(not goes(port), "a LIS that takes only its vendor's certificates refuses ours")
        lab.ok(pki(run, "install", "sealed", other[1]) is None, "nothing is installed that was not asked for")
        short = signed(run, 5)
        said = openssl("req", "-in", short.replace(".pem", ".csr"), "-noout", "-verify", "-text").stdout
        lab.ok("DNS:box.example" in said and "IP Address:10.0.5.2" in said and "TLS Web Client" in said, "the request names what was asked for, and openssl takes it", said)
        took = pki(run, "install", "sealed", short, "--why", "the vendor made it")
        lab.ok(took and took["issuer"] == "outside" and took["holder"] == "ours" and took["names"] == "box.example,10.0.5.2", "the certificate is installed", took)
        lab.ok(lab.wait(lambda: goes(port)) and took["serial"] in lis.seen, "and shown to the LIS, which takes it", (lis.seen, took))
        found = lab.wait(lambda: expiring(run, "open"))
        lab.ok(found and found[0]["severity"] == "medium" and "this program" in found[0]["title"], "that it ends within 7 days is a finding", found)
        lab.ok(pki(run, "install", "sealed", short) is None, "it cannot be installed twice")
        long = pki(run, "install", "sealed", signed(run, 300))
        lab.ok(long and long["replaces"] == took["serial"] and lab.wait(lambda: not expiring(run, "open")), "which is over with the next one", expiring(run, "open"))
    with lab.Run(data, more=more) as run:
        lab.ok(lab.wait(lambda: goes(port)) and [c["serial"] for c in ours(run)] == [long["serial"]], "it is the same after a restart: nothing renews it by itself", ours(run))
        acts = [c["made"]["why"] for c in ours(run)]
        lab.ok(acts == ["made by another authority, from our request"], "and the ledger says how it came", acts)
        lab.ok(pki(run, "rotate", long["serial"], "--why", "back to our own") is not None and lab.wait(lambda: not goes(port)),
               "a rotation puts one of the lab's own authority back")
        lis.stop()


def late(folder):
    """A link that stores and forwards, and whose certificate is not there at the start: a finding; when it comes, what waited goes first."""
    port, lis_port = lab.free_port(), lab.free_port()
    work = os.path.join(folder, "late")
    os.makedirs(work)
    other = other_authority(work)
    more = (f'relay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, mode: store-and-forward, '
            f'tls: {{ to: required, authority: "{other[1]}", name: lis.example }} }}\n')
    data = os.path.join(work, "data")
    key = os.path.join(data, "links/sealed.lis.pem")

    def say(*controls):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
                for control in controls:
                    s.sendall(b"\x0b" + oru(control) + b"\x1c\r")
                    if b"MSA|AA|" + control.encode() not in s.recv(65536):
                        return False
        except OSError:
            return False
        return True

    def listens():
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    with lab.Run(data, more=more) as run:
        lab.wait(lambda: os.path.exists(key) and (link(run) or {}).get("state"))
        csr, pem = os.path.join(work, "relay.csr"), os.path.join(work, "relay.pem")
        with open(csr, "w", encoding="utf-8") as f:
            f.write(pki(run, "csr", "sealed", text=True))
        openssl("x509", "-req", "-in", csr, "-CA", other[1], "-CAkey", other[0], "-CAcreateserial", "-copy_extensions", "copyall", "-days", "90", "-out", pem)
        lab.ok(pki(run, "install", "sealed", pem) is not None, "a certificate of another authority")
        lab.ok(lab.wait(listens) and say("1", "2", "3"), "messages are taken while the LIS is away", run.said())
        forged(run, work, "lis", "lis.example", "subjectAltName=DNS:lis.example", authority=other)
    os.rename(key, key + ".away")
    with lab.Run(data, more=more) as run:
        found = lambda state: (run.api(f"/api/v1/findings?state={state}&kind=link.no_certificate") or {"items": []})["items"]
        lab.ok(lab.wait(lambda: found("open")) and not os.path.exists(key), "no certificate to show is a finding, and nobody puts another one in its place", run.said())
        os.rename(key + ".away", key)
        lab.ok(lab.wait(lambda: say("4")), "when it is back the link takes messages", run.said())
        lis = Lis(lis_port, os.path.join(work, "lis.key"), os.path.join(work, "lis.pem"), other[1])
        got = lambda: [m.split(b"|")[9].decode() for m in lis.got]
        lab.ok(lab.wait(lambda: len(lis.got) >= 4) and got() == ["1", "2", "3", "4"], "and delivers what had waited first", (got(), run.said()))
        lab.ok(lab.wait(lambda: not found("open")), "the finding is over", found("open"))
        lis.stop()
    with lab.Run(os.path.join(work, "own"), more=more) as run:
        made = os.path.join(work, "own", "links/sealed.lis.pem")
        lab.wait(lambda: os.path.exists(made))
    os.unlink(made)
    with lab.Run(os.path.join(work, "own"), more=more) as run:
        lab.ok(lab.wait(lambda: os.path.exists(made)), "a key of our own authority that is gone is made anew", run.said())


def succession(folder):
    """Another authority takes the place of the present one: both are taken until the former one is dropped, and no message is lost over it."""
    port, lis_port = lab.free_port(), lab.free_port()
    work = os.path.join(folder, "succession")
    os.makedirs(work)
    more = f"relay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, tls: {{ from: required, to: required }} }}\n"

    def exported(run, name):
        path = os.path.join(work, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(pki(run, "export", text=True) or "")
        return path

    step = lambda run, what: pki(run, "authority", what, "--why", "a test of it")
    own = lambda run: [c for c in pki(run, "list")["items"] if c["holder"] == "ours" and c["state"] == "in-force"]
    with lab.Run(os.path.join(work, "data"), more=more) as run:
        lab.wait(lambda: len(own(run)) == 2)
        first = exported(run, "first.pem")
        lis_files, analyzer = enrolled(run, work, "lis", "lis", "127.0.0.1"), enrolled(run, work, "an", "analyzer", "10.0.5.9")
        lis = Lis(lis_port, *lis_files, first)
        lab.ok(lab.wait(lambda: s_client(port, work, *analyzer, first)), "a link under the first authority", run.said())
        lab.ok(step(run, "switch") is None and step(run, "drop") is None, "there is nothing to switch to, or to drop")
        said = step(run, "next")
        lab.ok(said and said["authority"]["next"] and not said["authority"]["former"], "the next one is made", said)
        both = exported(run, "both.pem")
        with open(both, encoding="utf-8") as f:
            lab.ok(f.read().count("BEGIN CERTIFICATE") == 2, "whoever asks for the authority gets both")
        lis.stop()
        lis = Lis(lis_port, *lis_files, both)
        lab.ok(lab.wait(lambda: s_client(port, work, *analyzer, first)), "nothing changes for who knows the first one only")
        before = {c["serial"] for c in own(run)}
        said = step(run, "switch")
        lab.ok(said and said["authority"]["former"] and not said["authority"]["next"], "it takes the place", said)
        lab.ok(len(own(run)) == 2 and not before & {c["serial"] for c in own(run)}, "and makes our own certificates anew", own(run))
        lab.ok(lab.wait(lambda: s_client(port, work, *analyzer, both)), "those that the first one certified are let in still, where they take both")
        lab.ok(set(lis.seen) & {c["serial"] for c in own(run)}, "the LIS sees the new certificate", (lis.seen, own(run)))
        lis_files, renewed = enrolled(run, work, "lis2", "lis", "127.0.0.1"), enrolled(run, work, "an2", "analyzer", "10.0.5.9")
        second = os.path.join(work, "second.pem")
        with open(os.path.join(run.data, "pki/authority.pem"), encoding="utf-8") as f, open(second, "w", encoding="utf-8") as out:
            out.write(f.read())
        lis.stop()
        lis = Lis(lis_port, *lis_files, second)
        lab.ok(lab.wait(lambda: s_client(port, work, *renewed, second)), "the other ends enrol anew, and need the first one no more")
        lab.ok(step(run, "drop") is not None and lab.wait(lambda: not s_client(port, work, *analyzer, second)), "it is dropped: what it had made is refused", why(run, "analyzer"))
        lab.ok(s_client(port, work, *renewed, second), "and the rest goes on")
        events = [r["event"] for r in run.api("/api/v1/ledger/records?limit=60")["items"] if r["event"].startswith("certificate.")]
        lab.ok(events.count("certificate.rotated") == 3 and events.count("certificate.revoked") == 1, "all of it is on the ledger", events)
        lis.stop()


def outside(folder):
    """A LIS with a certificate of another authority that ends within a day: it is taken, there is a finding, and that goes with the next certificate."""
    port, lis_port = lab.free_port(), lab.free_port()
    work = os.path.join(folder, "outside")
    os.makedirs(work)
    other = other_authority(work)
    more = (f'relay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, tls: {{ to: required, authority: "{other[1]}", name: lis.example }} }}\n')
    with lab.Run(os.path.join(work, "data"), more=more) as run:
        lab.wait(lambda: (pki(run, "list") or {}).get("items"))
        authority = os.path.join(work, "links.pem")
        with open(authority, "w", encoding="utf-8") as f:
            f.write(pki(run, "export", text=True))
        soon = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 12 * 3600))
        names = "subjectAltName=DNS:lis.example"
        lis = Lis(lis_port, *forged(run, work, "short", "lis.example", names, end=soon, authority=other), authority)

        passes = lambda: goes(port)
        lab.ok(lab.wait(passes), "a LIS with a certificate of another authority is taken, under the name that lab.yaml gives", link(run))
        listed = lambda: [c for c in pki(run, "list")["items"] if c["issuer"] == "outside" and "lis.example" in c["name"]]
        lab.ok(lab.wait(lambda: listed() or (passes() and listed())), "its certificate is in the list")
        found = lab.wait(lambda: expiring(run, "open"))
        lab.ok(found and found[0]["severity"] == "high" and "ends within a day" in found[0]["title"], "a finding says that it ends within a day", found)
        lis.stop()
        lis = Lis(lis_port, *forged(run, work, "long", "lis.example", names, authority=other), authority)
        lab.ok(lab.wait(passes) and lab.wait(lambda: not expiring(run, "open")), "and is over when another certificate was shown", expiring(run, "open"))
        theirs = [c for c in pki(run, "list")["items"] if c["issuer"] == "outside"]
        lab.ok(len(theirs) == 1 and pki(run, "revoke", theirs[0]["serial"], "--why", "their authority is slow") is not None, "it can be revoked here, too", theirs)
        lab.ok(not passes() and lab.wait(lambda: "is revoked" in why(run, "lis") or passes() is None), "and is refused by its fingerprint", why(run, "lis"))
        lis.stop()


def lives(folder):
    """Findings before a peer's certificate ends, each once and worse as it comes nearer; ours are renewed by themselves."""
    port, lis_port = lab.free_port(), lab.free_port()
    work = os.path.join(folder, "lives")
    os.makedirs(work)
    data = os.path.join(work, "data")
    more = f"relay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, tls: {{ to: required }} }}\n"
    with lab.Run(data, more=more) as run:
        lab.wait(lambda: (pki(run, "list") or {}).get("items"))

        def enrol(days):
            code = pki(run, "enrol", "--link", "sealed", "--names", "lis.example", "--days", str(days))["code"]
            return pki(run, "enrol", "--code", code, request(work, f"for{days}", "lis.example")[1], text=True)

        seen = []
        for days, severity in ((20, "low"), (5, "medium"), (1, "high")):
            before = [c["serial"] for c in pki(run, "list")["items"] if c["holder"] == "peer" and c["state"] != "revoked"]
            lab.ok(enrol(days) is not None, f"a certificate for {days} days is made")
            for serial in before:
                pki(run, "revoke", serial, "--why", "a shorter one is in its place")
            seen.append(lab.wait(lambda: [f for f in expiring(run, "open") if f["severity"] == severity]))
        lab.ok(all(len(f) == 1 for f in seen) and len({f[0]["id"] for f in seen}) == 1, "one finding for it, low, then medium, then high", seen)
        lab.ok(enrol(365) is not None and lab.wait(lambda: not expiring(run, "open")), "another enrolment ends it", expiring(run, "open"))
        own = [c for c in pki(run, "list")["items"] if c["holder"] == "ours"][0]
    issued = os.path.join(data, "pki/issued")
    with open(issued, encoding="utf-8") as f:
        lines = [line.split(" ") for line in f]
    for line in lines:  # as if our own had been made 250 days ago
        if line[0] == "made" and line[2] == own["serial"]:
            line[7], line[8] = str(int(line[7]) - 250 * 86400), str(int(line[8]) - 250 * 86400)
    with open(issued, "w", encoding="utf-8") as f:
        f.writelines(" ".join(line) for line in lines)
    with lab.Run(data, more=more) as run:
        new = lab.wait(lambda: [c for c in (pki(run, "list") or {"items": []})["items"] if c["replaces"] == own["serial"] and c["made"]["record"] is not None])
        lab.ok(new and new[0]["state"] == "in-force" and new[0]["made"]["by"] is None, "our own is renewed by itself at two thirds of its life", new)
        key = openssl("x509", "-in", os.path.join(data, "links/sealed.lis.pem"), "-noout", "-serial").stdout.strip().lower()
        lab.ok(new and key == "serial=" + new[0]["serial"], "and the relay's key file is the new one", key)


def unlock(run, *more):
    return subprocess.run([lab.TOURNIQUET, "unlock", "--data", run.data, *more], input="five words and one more\n", capture_output=True, text=True).returncode == 0


def locked(folder):
    """The ledger waits for its passphrase: certificates are made, links connect, and what was done is recorded afterwards."""
    port, lis_port = lab.free_port(), lab.free_port()
    work = os.path.join(folder, "locked")
    os.makedirs(work)
    data = os.path.join(work, "data")
    more = f"root_key: passphrase\nrelay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, tls: {{ from: required, to: required }} }}\n"
    with lab.Run(data, more=more) as run:
        made = lab.wait(lambda: os.path.exists(os.path.join(data, "links/sealed.analyzer.pem")))
        lab.ok(made, "certificates are made before there is a ledger", run.said())
        lab.ok(lab.wait(lambda: unlock(run, "--new")), "the first passphrase is chosen")
        acts = lab.wait(lambda: [c["made"] for c in (pki(run, "list") or {"items": []})["items"] if c["made"]["record"] is not None])
        lab.ok(acts and len(acts) == 2 and all("was not open" in a["why"] for a in acts), "what was done before is recorded", acts)
        authority = os.path.join(work, "links.pem")
        with open(authority, "w", encoding="utf-8") as f:
            f.write(pki(run, "export", text=True))
        lis_files, analyzer = enrolled(run, work, "lis", "lis", "127.0.0.1"), enrolled(run, work, "an", "analyzer", "10.0.5.9")
    with lab.Run(data, more=more) as run:
        lis = Lis(lis_port, *lis_files, authority)
        passed = lab.wait(lambda: s_client(port, work, *analyzer, authority))
        still = "locked" in run.said() and pki(run, "list") is None
        lab.ok(passed and still, "a link with TLS delivers while the ledger is locked", run.said()[-800:])
        lab.ok(unlock(run) and lab.wait(lambda: pki(run, "list")), "and the list is there once it is open")
        lis.stop()


def restored(folder, data, more, ports, authority, analyzer, lis_files):
    """A backup carries the authority and the links' keys: on another machine the other ends go on with what they have."""
    there, again = os.path.join(folder, "there"), os.path.join(folder, "again")
    os.mkdir(there)

    def files(where):
        names = [os.path.join(at, name) for base in ("pki", "links") for at, _, some in os.walk(os.path.join(where, base)) for name in some]
        return {os.path.relpath(name, where): (open(name, "rb").read(), os.stat(name).st_mode & 0o077) for name in names}
    done = subprocess.run([lab.TOURNIQUET, "backup", "--data", data, "--to", there], capture_output=True, text=True)
    backup = [os.path.join(there, name) for name in os.listdir(there) if name.endswith(".backup")]
    if not lab.ok(done.returncode == 0 and len(backup) == 1, "a backup is made", done.stderr):
        return
    with open(backup[0], "rb") as f:
        whole = f.read()
    lab.ok(b"PRIVATE KEY" not in whole and b"CERTIFICATE" not in whole, "in which no key can be read")
    done = subprocess.run([lab.TOURNIQUET, "restore", backup[0], "--to", again, "--key", os.path.join(data, "root.key")], capture_output=True, text=True)
    lab.ok(done.returncode == 0, "it is restored", done.stderr)
    before, after = files(data), files(again)
    lab.ok(before == after and "pki/authority.key" in after and "links/sealed.lis.pem" in after and not any(mode for _, mode in after.values()),
           "with the authority, what is revoked, and the links' keys, for nobody else", sorted(set(before) ^ set(after)))
    with lab.Run(again, more=more) as run:
        lab.ok(lab.wait(lambda: pki(run, "export", text=True)) == open(authority, encoding="utf-8").read(), "the authority is the same one", run.said())
        lis = Lis(ports[1], *lis_files, authority)
        lab.ok(lab.wait(lambda: s_client(ports[0], folder, *analyzer, authority)), "and a message passes between those that have certificates of before", run.said())
        lis.stop()


def main():
    with lab.Folder() as folder:
        port, lis_port = lab.free_port(), lab.free_port()
        more = (f"relay:\n  - {{ name: sealed, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{lis_port}, protocol: mllp, tls: {{ from: required, to: required }} }}\n")
        data = os.path.join(folder, "data")
        with lab.Run(data, more=more) as run:
            if not lab.ok(lab.wait(lambda: (pki(run, "list") or {}).get("authority")), "the authority makes itself for the first link with TLS", run.said()):
                lab.finish()
            authority = os.path.join(folder, "links.pem")
            with open(authority, "w", encoding="utf-8") as f:
                f.write(pki(run, "export", text=True))
            lab.ok((os.stat(os.path.join(data, "pki/authority.key")).st_mode & 0o777) == 0o600 and (os.stat(os.path.join(data, "links/sealed.lis.pem")).st_mode & 0o777) == 0o600,
                   "keys are for nobody else")
            lis_files = enrolled(run, folder, "lis", "lis", "127.0.0.1")
            lab.ok(openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", authority, lis_files[1]).returncode == 0, "openssl takes the enrolled certificate, strictly")
            make = lambda: Lis(lis_port, *lis_files, authority)
            lis = make()
            good = analyzers(run, folder, port, authority)
            ours = [c["serial"] for c in pki(run, "list")["items"] if c["holder"] == "ours" and c["side"] == "lis"]
            lab.ok(any(m.startswith(b"MSH") for m in lis.got) and set(lis.seen) == set(ours), "the LIS got the message, from whoever has the relay's certificate", (lis.seen, ours))
            lis_side(run, folder, lis_port, port, lis, good, authority)
            lis, first = rotation(run, port, good, authority, make)
            revocation(run, folder, port, good, authority, first)
            lis.stop()
            keeps = [enrolled(run, folder, "keeps-" + side, side, name) for side, name in (("analyzer", "10.0.5.8"), ("lis", "127.0.0.1"))]
            findings = [f["title"] for f in run.api("/api/v1/findings?limit=50")["items"]]
            lab.ok(any("certificate" in t for t in findings), "findings tell of refused certificates", findings)
        status, words = lab.verify(data)
        lab.ok(status == 0, "and the ledger verifies", words)
        restored(folder, data, more, (port, lis_port), authority, *keeps)
        outside(folder)
        vendor(folder)
        late(folder)
        succession(folder)
        lives(folder)
        locked(folder)
    lab.finish()


main()
