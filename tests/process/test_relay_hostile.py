"""Peers of a link that misbehave: each is told in a finding, gets the answer that its protocol has for it, costs bounded memory, and no other link notices.
usage: test_relay_hostile.py TOURNIQUET"""
import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import lab
import links

LONG = os.environ.get("TOURNIQUET_LONG") == "1"
MEMORY = 512 if lab.SANITIZED else 128  # MiB that the relay may take more than at its start, whatever comes; a sanitizer keeps what was freed


class Bystander:
    """Another link in use all the while: its answers must go on coming."""

    def __init__(self, port):
        self.port, self.asked, self.wrong, self.slowest, self.stop = port, 0, [], 0.0, False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with links.Analyzer(self.port) as a:
            while not self.stop:
                since = time.monotonic()
                control = f"BY{self.asked:06}"
                answer = a.ask(links.message(control))
                self.slowest = max(self.slowest, time.monotonic() - since)
                self.asked += 1
                if answer != ("AA", control):
                    self.wrong.append((control, answer))
                    return
                time.sleep(0.1)

    def end(self):
        self.stop = True
        self.thread.join(30)


def told(run, name, words, seconds=90, kind=None):
    """A finding above info whose title has these words, in time."""
    hit = lab.wait(lambda: [f for f in links.found(run, kind, words) if f["severity"] != "info"], seconds)
    lab.ok(hit, f"{name}: it is told", [f"{f['kind']} ({f['severity']}): {f['title']}" for f in links.found(run)])


def over(analyzer, seconds):
    """The relay ended the connection in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            analyzer.sock.settimeout(0.5)
            if not analyzer.sock.recv(4096):
                return True
        except socket.timeout:
            continue
        except OSError:
            return True
    return False


def one_byte_a_second(port, result):
    """A message that does not get on; runs beside the others, for it takes more than a minute."""
    with links.Analyzer(port) as a:
        content = links.frame(links.message("SLOW0001"))
        for at in range(100):
            try:
                a.sock.sendall(content[at:at + 1])
            except OSError:
                break
            if over(a, 1):
                result.append("ended")
                return
    result.append("never ended")


def endless(run, port, lis):
    """No end comes: sixteen MiB and more."""
    before = len(lis.taken)
    megabytes = 4096 if LONG else 48
    block = b"OBX|1|TX|9^NOTE^L||" + b"A" * 65000 + b"\r"
    sent = 0
    with links.Analyzer(port) as a:
        try:
            a.sock.sendall(b"\x0b" + links.message("ENDLESS1"))
            while sent < megabytes << 20:
                a.sock.sendall(block)
                sent += len(block)
        except OSError:
            pass
        ended = over(a, 90)
    lab.ok(ended or sent >= megabytes << 20, f"a message without an end: after {sent >> 20} MiB the relay has ended it or thrown it away")
    told(run, "a message without an end", r"too long|longer|end")
    lab.ok(len(lis.taken) == before, "the LIS took no message of it", len(lis.taken) - before)


def garbage(run, port):
    with links.Analyzer(port) as a:
        a.sock.sendall(b"GET / HTTP/1.1\r\nHost: lis\r\n\r\n" * 20)
        a.sock.sendall(b"\x0bMSH|^~\\&|CHEM|LAB|LIS|HOSP|2026")
        answer = a.ask(links.message("AFTER001"))
        lab.ok(answer == ("AA", "AFTER001"), "bytes of another protocol and a message that is cut off: the whole one behind them is answered", answer)
    told(run, "bytes outside a message", r"outside|cut|frame|not MLLP")


def charset(run, port):
    with links.Analyzer(port) as a:
        content = links.message("CHARSET1", charset="UNICODE UTF-8").replace(b"ROBIN", b"R\xd6\xf1BIN")
        lab.ok(a.ask(content) == ("AA", "CHARSET1"), "bytes that are not in the character set they say: passed on, since a policy that flags never keeps a result back")
    told(run, "a false character set", r"charset|character")


def control_ids(run, port):
    with links.Analyzer(port) as a:
        first = a.ask(links.message("TWICE001", "4.1", specimen="S100"))
        second = a.ask(links.message("TWICE001", "6.9", specimen="S200"))
        lab.ok(first == second == ("AA", "TWICE001"), "a control id twice, with other content: the LIS decides", (first, second))
    told(run, "a control id twice", r"control id|again|repeat")


def connect_many(port, most):
    """So many connections at one time, each with a message of which the answer is not read."""
    open_ones = []
    for i in range(most):
        try:
            s = socket.create_connection(("127.0.0.1", port), 30)
            open_ones.append(s)
            s.sendall(links.frame(links.message(f"FLOOD{i:05}")))
        except OSError:  # closed already
            continue
    return open_ones


def flood(run, port, pid):
    """More connections than a link takes."""
    before = links.resident(pid)
    open_ones = connect_many(port, 1400)
    told(run, "a flood of connections", r"more connections")
    after = links.resident(pid)
    for s in open_ones:
        s.close()
    lab.ok(after - before < MEMORY, f"{len(open_ones)} connections at once: {after - before:.0f} MiB")

    def answered_again():
        try:
            with links.Analyzer(port) as a:
                return a.ask(links.message("FLOODEND"), 5) == ("AA", "FLOODEND")
        except OSError:
            return False
    lab.ok(lab.wait(answered_again), "when it is over, the link answers again")


def crowded_out(run, port):
    """The same where the LIS takes no connection: they wait for it, so that none but those that are too many is closed."""
    open_ones = connect_many(port, 1400)
    told(run, "a flood of connections to a LIS that takes none", r"Link deaf: more connections")
    for s in open_ones:
        s.close()


def wrong_answer(run, port):
    with links.Analyzer(port) as a:
        answer = a.ask(links.message("WRONG001"), 5)
        lab.ok(answer != ("AA", "WRONG001"), "a LIS that acknowledges another message: the analyzer is not told that its own was taken", answer)
    told(run, "a wrong acknowledgement", r"acknowledg|answer")


def never_answers(run, port):
    since = time.monotonic()
    with links.Analyzer(port) as a:
        answer = a.ask(links.message("NEVER001"), 60)
        took = time.monotonic() - since
        lab.ok((answer is None and a.frames.ended) or (answer or ("",))[0] in ("AE", "AR", "CE", "CR"),
               f"a LIS that accepts and never answers: after {took:.0f} s the analyzer is told, or its connection ends", answer)
    told(run, "a LIS that never answers", r"answer")


def half_open(run, port, lis):
    """The analyzer's power goes: no FIN. Then it comes back."""
    a = links.Analyzer(port)
    lab.ok(a.ask(links.message("HALF0001")) == ("AA", "HALF0001"), "before its power goes, an analyzer is answered")
    a.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    a.say(links.message("HALF0002"))
    a.sock.close()  # RST
    with links.Analyzer(port) as b:
        lab.ok(b.ask(links.message("HALF0003")) == ("AA", "HALF0003"), "when it is back, it is answered at once")
    lab.ok(lis.controls().count("HALF0003") == 1, "and the LIS has its message once")


def broken_tls(run, port):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(32)
    for what in (hello, hello + os.urandom(600), b"\x16\x03\x01\xff\xff" + os.urandom(70000), b"\x15\x03\x01\x00\x02\x02\x28", os.urandom(2000), links.frame(links.message("CLEAR001"))):
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            try:
                s.sendall(what)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(60)
                while s.recv(4096):
                    pass
            except OSError:
                pass
    told(run, "TLS that breaks in the middle, garbage and clear text where TLS is required", r"TLS|handshake|certificate")


def certificate(folder, name, *, days="2", san="DNS:localhost", authority=None, expired=False):
    base = os.path.join(folder, name)
    make = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", base + ".key"]
    if authority is None:
        subprocess.run([*make, "-x509", "-days", days, "-out", base + ".crt", "-addext", "basicConstraints=critical,CA:TRUE"], check=True, capture_output=True)
        return base
    subprocess.run([*make, "-out", base + ".csr"], check=True, capture_output=True)
    with open(base + ".ext", "w", encoding="ascii") as f:
        f.write(f"subjectAltName={san}\nextendedKeyUsage=serverAuth\n")
    dates = ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"]
    sign = ["openssl", "x509", "-req", "-in", base + ".csr", "-CA", authority + ".crt", "-CAkey", authority + ".key", "-CAcreateserial", "-extfile", base + ".ext", "-out", base + ".crt"]
    if expired:  # openssl of Debian 12 signs for a time in the past with "ca" only
        conf = base + ".cnf"
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"[ca]\ndefault_ca=a\n[a]\ndatabase={base}.db\nnew_certs_dir={folder}\nserial={base}.srl\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
        open(base + ".db", "w", encoding="ascii").close()
        with open(base + ".srl", "w", encoding="ascii") as f:
            f.write("5005\n")
        sign = ["openssl", "ca", "-batch", "-notext", "-config", conf, "-in", base + ".csr", "-cert", authority + ".crt", "-keyfile", authority + ".key", "-extfile", base + ".ext",
                "-startdate", dates[1], "-enddate", dates[3], "-out", base + ".crt"]
    else:
        sign += ["-days", days]
    subprocess.run(sign, check=True, capture_output=True)
    return base


def server_context(base):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(base + ".crt", base + ".key")
    return context


def refused_certificates(run, cases):
    for name, words, port, lis in cases:
        answer = None
        try:
            with links.Analyzer(port) as a:
                answer = a.ask(links.message("CERT0001"), 5)
        except OSError:
            pass
        lab.ok((answer is None or answer[0] != "AA") and not lis.taken, f"a LIS whose certificate is {name}: nothing goes to it", (answer, lis.taken))
        told(run, f"a certificate that is {name}", words)


def main():
    links.many_descriptors()
    with lab.Folder() as folder:
        ports = {n: lab.free_port() for n in ("good", "victim", "crowd", "liar", "silent", "deaf", "sealed", "expired", "misnamed", "stranger")}
        authority, other = certificate(folder, "authority"), certificate(folder, "other-authority")
        bad = {"expired": certificate(folder, "expired", authority=authority, expired=True),
               "misnamed": certificate(folder, "misnamed", san="DNS:elsewhere.example", authority=authority),
               "stranger": certificate(folder, "stranger", authority=other)}
        with links.Lis() as good, links.Lis() as victim, links.Lis() as crowd, links.Lis(lambda c: links.acknowledge(c, control="OTHER999")) as liar, links.Lis(lambda c: None) as silent:
            sealed = {n: links.Lis(context=server_context(base)) for n, base in bad.items()}
            to = {"good": good, "victim": victim, "crowd": crowd, "liar": liar, "silent": silent, "sealed": good, **sealed}
            deaf = socket.create_server(("127.0.0.1", 0), backlog=0)
            configured = []
            for name, at in [*((n, lis.port) for n, lis in to.items()), ("deaf", deaf.getsockname()[1])]:
                link = {"name": name, "listen": f"127.0.0.1:{ports[name]}", "forward": f"127.0.0.1:{at}", "protocol": "mllp"}
                if name in bad:
                    link["tls"] = {"to": "required", "authority": authority + ".crt", "name": "localhost"}
                if name == "sealed":
                    link["tls"] = {"from": "required"}
                configured.append(link)
            with lab.Run(os.path.join(folder, "data"), more=links.yaml(*configured)) as run:
                lab.ok(links.listening(ports["good"]), "the links listen", run.said())
                pid = run.wait_pid("relay")
                start = links.resident(pid)
                by, slow = Bystander(ports["good"]), []
                slowly = threading.Thread(target=one_byte_a_second, args=(ports["victim"], slow))
                slowly.start()
                refused_certificates(run, [("expired", r"expired|certificate", ports["expired"], sealed["expired"]),
                                           ("for another name", r"name|certificate", ports["misnamed"], sealed["misnamed"]),
                                           ("of an authority that nobody knows", r"authority|certificate", ports["stranger"], sealed["stranger"])])
                broken_tls(run, ports["sealed"])
                garbage(run, ports["victim"])
                charset(run, ports["victim"])
                control_ids(run, ports["victim"])
                half_open(run, ports["victim"], victim)
                wrong_answer(run, ports["liar"])
                flood(run, ports["crowd"], pid)
                crowded_out(run, ports["deaf"])
                endless(run, ports["victim"], victim)
                never_answers(run, ports["silent"])
                slowly.join(240)
                lab.ok(slow == ["ended"], "one byte a second: the relay ends it when its time is over", slow)
                told(run, "one byte a second", r"slow|too long|whole|time")
                by.end()
                lab.ok(not by.wrong and by.asked > 20, f"another link was answered all the while: {by.asked} times, after {by.slowest * 1000:.0f} ms at most", (by.wrong, run.said()))
                lab.ok(run.pid("relay") == pid, "the relay is the process that it was", run.said())
                lab.ok(links.resident(pid) - start < MEMORY, f"its memory grew by {links.resident(pid) - start:.0f} MiB")
        status, line = lab.verify(os.path.join(folder, "data"))
        lab.ok(status == 0, "the ledger verifies", line)


main()
lab.finish()
