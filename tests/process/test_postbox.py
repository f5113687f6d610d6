"""Mail about mail, with the real program: a mail server (Python's smtplib speaks for it) hands over what people forward, encrypted, by the real SMTP; what was
taken is on the ledger; what cannot be taken stays with the mail server; who forwarded hears by mail (a real server, aiosmtpd) what is thought of it, and what
a person decided. Strangers, unknown senders, relaying, floods and injected commands get nowhere."""
import email.message
import os
import re
import signal
import smtplib
import socket
import ssl
import sys
import threading
import time

import lab
from browser import Box, Browser, Controller

HOST = "report.lab.example"
SERVER = "127.0.0.2"  # the lab's mail server
MARK = "ZEBRAFINCH-9917"
PASSWORD = "seven grey herons wade"


def attack(n, more=b""):
    return (f'From: "IT help desk" <help@lab-exarnple.top>\r\nTo: pat@lab.example\r\nSubject: Mailbox of {MARK} number {n}: password expires today\r\n'
            f"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{n}@x.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
            f"Your mailbox is full and will be closed today. Sign in at once: http://login.lab-exarnple.top/owa?n={n}\r\n.{MARK}\r\n").encode() + more


def forwarded(inner, attached=True, sender="pat@lab.example"):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = sender, f"mail@{HOST}", "FW: is this real?"
    m.set_content("Is this real?")
    if attached:
        m.add_attachment(email.message_from_bytes(inner))
    return m.as_bytes(policy=email.policy.SMTP)


class Named(smtplib.SMTP):
    """Connects to this machine, and wants the postbox's name in its certificate."""

    def __init__(self, port, tls, source=SERVER):
        self._tls = tls
        super().__init__("127.0.0.1", port, local_hostname="mx.lab.example", timeout=120, source_address=(source, 0))
        self._host = HOST

    def secure(self):
        self.starttls(context=self._tls)
        self.ehlo()
        return self


def send(port, tls, mail, sender="pat@lab.example", to=f"mail@{HOST}"):
    """The server's last reply: (code, text)."""
    with Named(port, tls).secure() as line:
        try:
            refused = line.sendmail(sender, [to], mail)
            return (250, refused)
        except smtplib.SMTPResponseException as e:
            return (e.smtp_code, e.smtp_error)
        except smtplib.SMTPRecipientsRefused as e:
            return list(e.recipients.values())[0]


def set_up(run):
    found = lab.wait(lambda: re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", run.said()))
    ana = Browser(run)
    lab.wait(lambda: ana.ask("POST", "/setup", {"code": found[0], "name": "ana", "display_name": "Ana", "password": PASSWORD})[0] == 201)
    for name in ("pat", "quinn"):
        code = ana.ask("POST", "/people", {"name": name, "display_name": name.title(), "role": "phlebotomist", "why": "works here", "password": PASSWORD})[1]["code"]
        Browser(run).ask("POST", "/invitation", {"name": name, "code": code, "password": f"{name} keeps quiet herons"})
    status, said = ana.ask("PUT", "/training/people/pat/contact", {"mail": "Pat@lab.example"})
    lab.ok(status == 200, "Pat has an address", (status, said))
    return ana


def guarded(run, port, tls):
    stranger = smtplib.SMTP(timeout=60, source_address=("127.0.0.3", 0))
    code, text = stranger.connect("127.0.0.1", port)
    lab.ok(code == 554, "who is no mail server of the lab is sent away", (code, text))
    stranger.close()
    with Named(port, tls) as line:
        line.ehlo()
        lab.ok(line.mail("pat@lab.example")[0] == 530, "nothing is taken in clear")
        line.secure()
        lab.ok("starttls" not in line.esmtp_features and line.sock.version() in ("TLSv1.2", "TLSv1.3"), "the certificate is the site's own, with the name of this door", line.sock.version())
        lab.ok(line.mail("nobody@lab.example")[0] == 550, "an address that no account has is refused")
        lab.ok(line.mail("quinn@lab.example")[0] == 550, "nor does a name make one")
        lab.ok(line.mail("pat@lab.example")[0] == 250 and line.rcpt("other@elsewhere.example")[0] == 550, "nothing is passed on")
        lab.ok(line.rset()[0] == 250 and line.mail("")[0] == 550, "mail of machines is not taken")
    raw = socket.create_connection(("127.0.0.1", port), 60, (SERVER, 0))
    raw.recv(200)
    raw.sendall(b"EHLO a\r\nSTARTTLS\r\nMAIL FROM:<pat@lab.example>\r\n")
    said = b""
    while b"220 2.0.0" not in said and (piece := raw.recv(500)):
        said += piece
    try:
        secure = tls.wrap_socket(raw, server_hostname=HOST)
        secure.sendall(b"NOOP\r\n")
        lab.ok(secure.recv(200).startswith(b"250 2.0.0"), "a command that was put in before TLS is no command behind it")
        secure.close()
    except OSError as e:  # the bytes in clear were the first of a handshake that failed
        lab.ok(True, "a command that was put in before TLS is no command behind it", e)


def taken(ana, port, tls, box):
    code, text = send(port, tls, forwarded(attack(1)))
    lab.ok(code == 250, "a mail that was forwarded as an attachment is taken", text)
    status, listed = ana.ask("GET", "/mail")
    first = listed["items"][0]
    lab.ok(status == 200 and listed["total"] == 1 and first["person"] == "pat" and first["verdict"] == "dangerous" and first["sender"] == "help@lab-exarnple.top",
           "it is Pat's report, judged by what was attached", first)
    lab.ok(lab.wait(lambda: len(box.mails) == 1), "Pat hears by mail")
    to, letter, text, _ = box.mails[0]
    lab.ok(to == "Pat@lab.example" and letter["auto-submitted"] == "auto-generated" and "looks DANGEROUS" in text and "What speaks against it" in text, "what is thought of it, and why", text)
    lab.ok("lab-exarnple[.]top" in text and "lab-exarnple.top" not in text and "http" not in text and MARK not in text, "no link is in it, and nothing of the mail", text)
    again = forwarded(attack(1))
    lab.ok([send(port, tls, again)[0] for _ in range(2)] == [250, 250] and ana.ask("GET", "/mail")[1]["total"] == 2, "what its server sends again is the same report")
    code, text = send(port, tls, b"\x89PNG\r\n\x1a\nnothing of a mail\r\n")
    lab.ok(code == 550, "what is no mail is refused", (code, text))
    total = ana.ask("GET", "/mail")[1]["total"]
    big = forwarded(attack(2, os.urandom(12 << 20).hex().encode()[: 18 << 20]))
    code, text = send(port, tls, big)
    newest = ana.ask("GET", "/mail")[1]
    lab.ok(code == 250 and newest["total"] == total + 1 and newest["items"][0]["verdict"] == "dangerous", f"{len(big) >> 20} MiB come in pieces", (code, text, newest["items"][0]))
    code, text = send(port, tls, forwarded(attack(3, b"x" * 76 + b"\r\n") + b"y" * (30 << 20)))
    newest = ana.ask("GET", "/mail")[1]
    lab.ok(code == 250 and any(r["code"] == "mail-cut" for r in newest["items"][0]["reasons"]), "of more than 24 MiB the beginning is read", (code, text, newest["items"][0]["reasons"]))
    lab.ok(lab.wait(lambda: len(box.mails) >= 3), "each is answered", len(box.mails))
    return first


def told(box, *words):
    return any(all(w in text for w in words) for _, _, text, _ in box.mails)


def inline(ana, port, tls, box):
    lab.ok(send(port, tls, forwarded(b"", attached=False))[0] == 250, "one that was forwarded without its head is taken")
    lab.ok(lab.wait(lambda: told(box, "as an attachment")), "and the answer says how to do it better", box.mails[-1][2])


def decided(ana, box, first):
    one = ana.ask("GET", f"/mail/{first['id']}")[1]
    lab.ok(ana.ask("POST", f"/mail/{first['id']}/decide", {"verdict": "dangerous", "answer": "Well seen, Pat."}, match=one["etag"])[0] == 200, "somebody decides")
    lab.ok(lab.wait(lambda: told(box, "WAS DANGEROUS", "Well seen, Pat.")), "and Pat hears that too, by mail", box.mails[-1][2])


def unlucky(run, ana, port, tls):
    """The keeper is killed while mails come: each that was taken is on the ledger, each that was not is tried again by its server."""
    answers, until = {}, time.monotonic() + 180

    def deliver(n):
        while time.monotonic() < until:
            try:
                answers[n] = send(port, tls, forwarded(attack(n)))
                if answers[n][0] == 250:
                    return
            except (OSError, smtplib.SMTPException) as e:
                answers[n] = (0, e)
            time.sleep(0.5)

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(100, 106)]
    before = ana.ask("GET", "/mail")[1]["total"]
    for i, t in enumerate(threads):
        t.start()
        if i == 2:
            run.signal("keeper", signal.SIGKILL)
    for t in threads:
        t.join()
    lab.ok(all(a[0] == 250 for a in answers.values()), "with the keeper killed under it, each mail is taken in the end", answers)
    lab.wait(lambda: ana.ask("POST", "/session", {"name": "ana", "password": PASSWORD})[0] == 200)
    listed = ana.ask("GET", "/mail?limit=50")[1]
    lab.ok(listed["total"] - before >= 6, "and none is lost", (before, listed["total"]))


def flood(run, ana, port, tls):
    lines, said = [], []

    def crowd():
        """Those who spoke before have left once all 16 places are free."""
        for line in lines:
            line.close()
        lines[:] = [socket.create_connection(("127.0.0.1", port), 60, (SERVER, 0)) for _ in range(40)]
        said[:] = [line.recv(100)[:3] for line in lines]
        return said.count(b"220") == 16 and said.count(b"421") == 24

    lab.ok(lab.wait(crowd), "of 40 connections 16 are served, the others told to come again", said)
    lab.ok(ana.ask("GET", "/mail")[0] == 200, "the page is not touched by it")
    for line in lines[:16]:
        line.sendall(b"x" * 100000)
    for line in lines:
        line.close()

    def again():
        try:
            return send(port, tls, forwarded(attack(200)))[0] == 250
        except (OSError, smtplib.SMTPException):  # those who left are not seen to have left yet
            return False

    lab.ok(lab.wait(again), "and afterwards mail is taken again", run.said())


def main():
    if Controller is None:
        lab.skip("mail about mail", "python3-aiosmtpd is not installed")
        lab.finish()
        return
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        box = Box()
        served = Controller(box, hostname="127.0.0.1", port=lab.free_port())
        served.start()
        port = lab.free_port()
        more = (f"mail: {{ server: \"127.0.0.1:{served.port}\", tls: \"off\", from: tourniquet@lab.example, domains: [ lab.example ], servers: [ {SERVER} ] }}\n"
                f"listeners: [ {{ for: mail, listen: \"127.0.0.1:{port}\", name: {HOST} }} ]\n")
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ana = set_up(run)
            tls = ssl.create_default_context(cafile=os.path.join(data, "authority.pem"))
            guarded(run, port, tls)
            first = taken(ana, port, tls, box)
            inline(ana, port, tls, box)
            decided(ana, box, first)
            unlucky(run, ana, port, tls)
            flood(run, ana, port, tls)
        lab.ok(MARK not in open(run.errors.name, encoding="utf-8").read(), "nothing of a mail is in what the program says")
        lab.ok(not lab.holding(data, MARK.encode()), "nothing of a mail stands in clear on the disk", lab.holding(data, MARK.encode()))
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
        served.stop()
    lab.finish()


main()
