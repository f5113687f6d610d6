"""Whom a link talks to over TLS, on the running program: keys that are pinned, versions of TLS, certificates that end soon, TLS that breaks, and peers that do not
take us. Whoever is not the right one gets nothing, is told in a finding that says who, why and what to do, and nothing is lost over it.
usage: test_relay_trust.py TOURNIQUET"""
import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time
import warnings

import lab
import links

DAY = 86400
warnings.filterwarnings("ignore", category=DeprecationWarning)  # TLS 1.1 is asked for on purpose


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


def key(folder, name):
    path = os.path.join(folder, name + ".key")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    return path


def pin(path):
    spki = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    return "sha256/" + base64.b64encode(hashlib.sha256(spki).digest()).decode()


class Authority:
    """An authority of others, which makes certificates for localhost that end when it is told to."""

    def __init__(self, folder, name):
        self.folder, self.made = os.path.join(folder, name), 0
        os.mkdir(self.folder)
        self.key, self.pem = key(self.folder, "authority"), os.path.join(self.folder, "authority.pem")
        openssl("req", "-x509", "-key", self.key, "-out", self.pem, "-subj", f"/CN={name}", "-days", "3650", "-addext", "basicConstraints=critical,CA:TRUE")
        with open(os.path.join(self.folder, "conf"), "w", encoding="utf-8") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                    f"x509_extensions=x\n[p]\ncommonName=supplied\n[x]\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n")
        open(os.path.join(self.folder, "index"), "w", encoding="utf-8").close()

    def certificate(self, of, seconds=300 * DAY):
        """A certificate for this key that ends in so many seconds."""
        self.made += 1
        base = os.path.join(self.folder, f"certificate-{self.made}")
        at = lambda when: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(when))
        openssl("req", "-new", "-key", of, "-subj", "/CN=lis.example", "-out", base + ".csr")
        openssl("ca", "-batch", "-notext", "-config", os.path.join(self.folder, "conf"), "-cert", self.pem, "-keyfile", self.key, "-in", base + ".csr", "-out", base + ".pem",
                "-startdate", at(time.time() - DAY), "-enddate", at(time.time() + seconds))
        return base + ".pem"


def server(pem, of, newest=ssl.TLSVersion.TLSv1_3, oldest=ssl.TLSVersion.TLSv1_2, wants=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if newest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = min(oldest, newest), newest
    context.load_cert_chain(pem, of)
    if wants is not None:
        context.load_verify_locations(wants)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client(newest=ssl.TLSVersion.TLSv1_3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if newest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = min(ssl.TLSVersion.TLSv1_2, newest), newest
    return context


def speak_to_each_other(one, other):
    """Do these two, a client and a server, come to terms?"""
    to_one, to_other = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [one.wrap_bio(to_one, to_other), other.wrap_bio(to_other, to_one, server_side=True)]
    for _ in range(6):
        for end in list(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return False
    return not ends


def ask(port, control, context=None, seconds=60):
    """What an analyzer hears: (code, control id); None: its connection was closed."""
    try:
        with links.Analyzer(port, context) as a:
            return a.ask(links.message(control), seconds)
    except OSError:
        return None


def findings(run, kind, name):
    items = (run.api(f"/api/v1/findings?state=all&severity=all&kind={kind}&limit=100") or {"items": []})["items"]
    return [f for f in items if f"ink {name}" in f["title"]]


def refused(run, name, *words, advice=""):
    """The finding that says that TLS failed, with whom, and why; and what to do."""
    hit = lab.wait(lambda: [f for f in findings(run, "link.tls", name) if all(w in f["title"] for w in words)])
    whole = run.api(f"/api/v1/findings/{hit[0]['id']}") if hit else {}
    lab.ok(hit and hit[0]["severity"] == "high" and advice in (whole.get("advice") or ""), f"link {name}: a finding says with whom, why and what to do: {words[-1]}",
           ([f["title"] for f in links.found(run)], whole.get("advice")))


class Flipping:
    """Somebody between the two, who changes one byte of what goes to the LIS once he is told to."""

    def __init__(self, to):
        self.to, self.armed = to, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                one, _ = self.listener.accept()
                other = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            threading.Thread(target=self._pass, args=(one, other, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(other, one, True), daemon=True).start()

    def _pass(self, one, other, back):
        try:
            while piece := one.recv(65536):
                if back and self.armed:
                    piece, self.armed = piece[:-1] + bytes([piece[-1] ^ 1]), False
                other.sendall(piece)
        except OSError:
            pass
        for s in (one, other):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def pinned(run, ports, at, two, second):
    """The key is another one: the certificate, of the right authority, does not help."""
    before = ask(ports["by"], "BY0") == ("AA", "BY0")
    with links.Lis(context=server(*second), port=at) as other:
        lab.ok(ask(ports["pinned"], "P2") is None, "a LIS with another key than the pinned one, end to end: the analyzer is promised nothing")
        refused(run, "pinned", f"127.0.0.1:{at}", pin(second[1]), "not the one that lab.yaml pins", advice="tls.pin")
        lab.ok([ask(ports["kept"], f"P{i}") for i in (3, 4)] == [("AA", "P3"), ("AA", "P4")], "store and forward: messages are taken, and wait")
        refused(run, "kept", f"127.0.0.1:{at}", "not the one that lab.yaml pins", advice="tls.pin")
        lab.ok(not other.taken, "nothing went to it", other.taken)
        lab.ok(ask(ports["by"], "BY1") == ("AA", "BY1") and before, "another link goes on")
        shown = lambda: links.link(run, "pinned")
        lab.ok(lab.wait(lambda: shown()["state"] == "down" and "pins" in shown()["why"]), "GET /links says so, too", links.link(run, "pinned"))
    with links.Lis(context=two, port=at) as lis:
        lab.ok(lab.wait(lambda: lis.controls() == ["P3", "P4"]), "the right key again, in a renewed certificate: what waited is delivered", lis.controls())
        lab.ok(lab.wait(lambda: ask(ports["pinned"], "P5") == ("AA", "P5")), "and end to end it goes on")


def encrypted(run, port, to):
    """What passes over TLS is not told to pass in clear text; what the analyzer sends in clear is."""
    def told(where):
        return [f for f in links.found(run, "phi.cleartext") if f"port {where} " in f["title"]]
    lab.ok(lab.wait(lambda: told(port)), "that the analyzer sends in clear text is told", [f["title"] for f in links.found(run)])
    items = (run.api("/api/v1/messages?limit=50") or {"items": []})["items"]
    lab.ok(any(m["leg"] == "forwarded" and m["link"] == "pinned" for m in items) and not told(to), "and of what went on over TLS nothing of the kind", told(to))


def versions(run, ports, old):
    """TLS 1.3; 1.2 where lab.yaml allows it; never what is older. Both ways."""
    lab.ok(ask(ports["new"], "V1") is None, "a LIS that speaks TLS 1.2 only gets nothing")
    refused(run, "new", "the LIS", "another version of TLS", "(1.3)", advice="tls.min")
    lab.ok(ask(ports["old"], "V2") == ("AA", "V2") and old.controls() == ["V2"], "with tls.min 1.2 it does", old.failed)
    lab.ok(lab.wait(lambda: links.link(run, "old")["lis"]["tls"]["version"] == "TLSv1.2"), "GET /links says which version",
           links.link(run, "old"))
    lab.ok(ask(ports["new_from"], "V3", client(ssl.TLSVersion.TLSv1_2)) is None, "nor is an analyzer heard that speaks TLS 1.2 only")
    refused(run, "new_from", "the analyzer at 127.0.0.1", "another version of TLS", "(1.3)", advice="tls.min")
    lab.ok(ask(ports["new_from"], "V4", client()) == ("AA", "V4"), "with 1.3 it is")
    lab.ok(ask(ports["old_from"], "V5", client(ssl.TLSVersion.TLSv1_2)) == ("AA", "V5"), "with tls.min 1.2 it is as well")


def ancient(run, ports, pem):
    if not speak_to_each_other(client(ssl.TLSVersion.TLSv1_1), server(*pem, newest=ssl.TLSVersion.TLSv1_1)):
        lab.skip("TLS 1.1", "no OpenSSL that speaks it")
        return
    lab.ok(ask(ports["ancient"], "V6") is None, "a LIS that speaks TLS 1.1 gets nothing, whatever lab.yaml says")
    refused(run, "ancient", "the LIS", "another version of TLS", "(1.2 and 1.3)", advice="never")
    lab.ok(ask(ports["old_from"], "V7", client(ssl.TLSVersion.TLSv1_1)) is None, "and an analyzer neither")
    refused(run, "old_from", "the analyzer", "another version of TLS", "(1.2 and 1.3)", advice="never")


def ends_soon(run, port, at, authority, of):
    """Each step is told once, worse as the end comes nearer; with another certificate it is over."""
    def shown():
        rows = findings(run, "certificate.expiring", "ends")
        return (rows[0]["state"], rows[0]["severity"], rows[0]["title"]) if len(rows) == 1 else (len(rows),)

    count = lambda: findings(run, "certificate.expiring", "ends")[0]["count"]

    def with_one_of(seconds, name, state, severity, words):
        with links.Lis(context=server(authority.certificate(of, seconds), of), port=at):
            passed = lab.wait(lambda: ask(port, f"X{seconds}") == ("AA", f"X{seconds}"))
            def told():  # the certificate is seen while it is connected
                with links.Analyzer(port) as a:
                    a.ask(links.message("LOOK"))
                    return lab.wait(lambda: shown()[:2] == (state, severity) and words in shown()[2], 5)
            lab.ok(passed and lab.wait(told), f"a certificate that ends in {name}: {state}, {severity}", (passed, shown()))
            return count()

    counts = [with_one_of(29 * DAY, "29 days", "open", "low", "ends within 30 days"), with_one_of(6 * DAY, "6 days", "open", "medium", "ends within 7 days"),
              with_one_of(DAY // 2, "12 hours", "open", "high", "ends within a day")]
    lab.ok(counts == [1, 2, 3], "one finding, told once at each step", counts)
    again = with_one_of(DAY // 2 - 60, "11 hours and 59 minutes", "open", "high", "ends within a day")
    lab.ok(again == 3, "another one of the same step is no news", again)
    with_one_of(20 * DAY, "20 days, in its place", "open", "low", "ends within 30 days")
    with_one_of(300 * DAY, "300 days", "dismissed", "low", "")

    def ended():
        """One that ends in a minute, while the program runs."""
        with links.Lis(context=server(authority.certificate(of, 60), of), port=at) as lis:
            with links.Analyzer(port) as a:
                if a.ask(links.message("SOON")) != ("AA", "SOON") or not lab.wait(lambda: shown()[0] == "open" and "ends within a day" in shown()[2] or "has ended" in shown()[2], 30):
                    return False
            told = lab.wait(lambda: shown()[:2] == ("open", "high") and "has ended" in shown()[2], 150)
            taken = len(lis.taken)
            return told and ask(port, "OVER") is None and len(lis.taken) == taken
    lab.ok(any(ended() for _ in range(3)), "one that ends meanwhile is told as ended, and is not talked to any more", shown())
    refused(run, "ends", f"127.0.0.1:{at}", "its certificate ended on " + time.strftime("%Y-%m-%d", time.gmtime(time.time())), advice="renewed")
    with_one_of(300 * DAY, "300 days", "dismissed", "high", "")


def not_taken(run, ports):
    """A LIS with TLS 1.3 that does not take our certificate says so behind the handshake."""
    lab.ok(ask(ports["fussy"], "F1") is None, "a LIS that does not take our certificate: the analyzer is promised nothing")
    refused(run, "fussy", "the LIS", "it does not know the authority of our certificate")


def revoked(run, port, lis):
    with links.Analyzer(port) as a:
        lab.ok(a.ask(links.message("R1")) == ("AA", "R1"), "a LIS with a certificate of another authority")
        listed = lambda: [c for c in json.loads(subprocess.run([lab.TOURNIQUET, "pki", "list", "--data", run.data], capture_output=True, text=True).stdout)["items"]
                          if c["issuer"] == "outside" and c["link"] == "revoked"]
        theirs = lab.wait(listed)
        done = subprocess.run([lab.TOURNIQUET, "pki", "revoke", theirs[0]["serial"], "--why", "its key was stolen", "--data", run.data], capture_output=True, text=True)
        lab.ok(done.returncode == 0, "is revoked here", done.stderr)
        lab.ok(a.hear(60) is None and a.frames.ended, "the connection that runs is cut at once")
    lab.ok(ask(port, "R2") is None and lis.controls() == ["R1"], "and it gets nothing any more", lis.controls())
    refused(run, "revoked", "the LIS", "its certificate is revoked", advice="pki enrol")


def breaks(run, ports, between, lis):
    """TLS that breaks in the middle: of the LIS's answer, of a message."""
    with links.Analyzer(ports["between"]) as a:
        lab.ok(a.ask(links.message("M1")) == ("AA", "M1"), "a message passes")
        between.armed = True
        a.say(links.message("M2"))
        lab.ok(a.hear() is None and a.frames.ended, "somebody changes a byte of the answer: the analyzer is promised nothing")
    refused(run, "between", "the LIS", "changed or damaged on the way")
    lab.ok(ask(ports["between"], "M2") == ("AA", "M2"), "and may send it again", lis.controls())
    with links.Analyzer(ports["new_from"], client()) as a:
        lab.ok(a.ask(links.message("M3")) == ("AA", "M3"), "an analyzer speaks TLS")
        with socket.socket(fileno=os.dup(a.sock.fileno())) as raw:
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"no record of this TLS" + b"." * 11)
        lab.ok(a.hear() is None and a.frames.ended, "and then does not: its connection ends")
    refused(run, "new_from", "the analyzer at 127.0.0.1", "changed or damaged on the way")


def mute(run, port):
    """It takes the connection and says nothing at all."""
    lab.ok(ask(port, "U1") is None, "a LIS that accepts and does not shake hands: the analyzer's connection ends")
    told = lab.wait(lambda: ask(port, "U2") or [f for f in findings(run, "link.down", "mute") if f["severity"] == "high"])
    lab.ok(told and "handshake" in told[0]["title"], "which is told, and why", told or links.found(run))


def main():
    with lab.Folder() as folder:
        authority, other = Authority(folder, "hospital"), Authority(folder, "elsewhere")
        one, two, three = key(folder, "one"), key(folder, "two"), key(folder, "three")
        at = {"pinned": lab.free_port(), "ends": lab.free_port()}
        plain = (authority.certificate(three), three)
        servers = {"old": links.Lis(context=server(*plain, newest=ssl.TLSVersion.TLSv1_2)), "ancient": links.Lis(context=server(*plain, newest=ssl.TLSVersion.TLSv1_1)),
                   "fussy": links.Lis(context=server(*plain, wants=other.pem)), "revoked": links.Lis(context=server(authority.certificate(key(folder, "four")), os.path.join(folder, "four.key"))),
                   "good": links.Lis(context=server(*plain)), "clear": links.Lis()}
        between, silent = Flipping(servers["good"].port), socket.create_server(("127.0.0.1", 0))
        to = {"to": "required", "authority": authority.pem, "name": "localhost"}
        kept = {"mode": "store-and-forward"}

        def configured(pinned_key):
            """name: where it leads, its TLS, more keys"""
            held = {**to, "pin": pin(pinned_key)}
            return {"pinned": (at["pinned"], held, {}), "kept": (at["pinned"], held, kept), "by": (servers["good"].port, to, {}),
                    "new": (servers["old"].port, to, {}), "old": (servers["old"].port, {**to, "min": "1.2"}, {}), "ancient": (servers["ancient"].port, {**to, "min": "1.2"}, {}),
                    "new_from": (servers["clear"].port, {"from": "optional"}, {}), "old_from": (servers["clear"].port, {"from": "optional", "min": "1.2"}, {}),
                    "ends": (at["ends"], to, {}), "fussy": (servers["fussy"].port, to, {}), "revoked": (servers["revoked"].port, to, {}), "between": (between.port, to, {}),
                    "mute": (silent.getsockname()[1], to, {})}

        ports = {name: lab.free_port() for name in configured(one)}
        more = lambda pinned_key: links.yaml(*({"name": name, "listen": f"127.0.0.1:{ports[name]}", "forward": f"127.0.0.1:{where}", "protocol": "mllp", "tls": tls, **rest}
                                               for name, (where, tls, rest) in configured(pinned_key).items()))
        data = os.path.join(folder, "data")
        with lab.Run(data, more=more(one)) as run:
            if not lab.ok(all(links.listening(port) for port in ports.values()), "the links listen", run.said()):
                lab.finish()
            with links.Lis(context=server(authority.certificate(one), one), port=at["pinned"]) as lis:
                lab.ok(all(lab.wait(lambda n=n: ask(ports[n], "P1") == ("AA", "P1")) for n in ("pinned", "kept")), "the LIS whose key is pinned is talked to", run.said())
                lab.ok(lab.wait(lambda: sorted(lis.controls()) == ["P1"] * 2), "on each kind of link", lis.controls())
            encrypted(run, ports["pinned"], at["pinned"])
            pinned(run, ports, at["pinned"], server(authority.certificate(one), one), (authority.certificate(two), two))
            versions(run, ports, servers["old"])
            ancient(run, ports, plain)
            not_taken(run, ports)
            revoked(run, ports["revoked"], servers["revoked"])
            breaks(run, ports, between, servers["good"])
            mute(run, ports["mute"])
            ends_soon(run, ports["ends"], at["ends"], authority, key(folder, "five"))
            with links.Lis(context=server(authority.certificate(two), two), port=at["pinned"]):
                lab.ok([ask(ports["kept"], f"P{i}") for i in (6, 7)] == [("AA", "P6"), ("AA", "P7")], "the LIS has a new key: messages wait")
        with lab.Run(data, more=more(two)) as run, links.Lis(context=server(authority.certificate(two), two), port=at["pinned"]) as lis:
            lab.ok(lab.wait(lambda: lis.controls() == ["P6", "P7"]), "whose pin is put in lab.yaml: after a start anew what waited is delivered, in order", (lis.controls(), run.said()))
            lab.ok(lab.wait(lambda: ask(ports["pinned"], "P8") == ("AA", "P8")), "and end to end it goes on")
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
    lab.finish()


main()
