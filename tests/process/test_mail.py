"""Mails that people report, with the real program: judged within a second or so by a process that is gone afterwards, whatever is in them; larger than one
request; damaged; while the part that reads them is killed. What they say stands nowhere in clear on the disk. An attack is confirmed, and its like is known
again. ClamAV is asked where it can run: a real clamd with a signature of our own."""
import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import browser
import lab

PASSWORD = "seven grey herons wade"
MARK = "ZEBRAFINCH-9917"  # a patient's name would stand there
PIECE = 700 << 10


class Browser(browser.Browser):
    def report(self, mail):
        """As the page does it: whole, or in pieces; what is above 24 MiB stays behind."""
        cut = len(mail) > 24 << 20
        mail = mail[: 24 << 20]
        at = 0
        while len(mail) - at > PIECE:
            status, data = self.ask("POST", f"/mail/pieces?at={at}", mail[at : at + PIECE], kind="message/rfc822")
            if status != 200:
                return status, data
            at = data["kept"]
        return self.ask("POST", "/mail" + (f"?at={at}" if at else "") + ("&cut=yes" if cut else ""), mail[at:], kind="message/rfc822")


def letter(sender, subject, text, more="", parts=()):
    head = f"From: {sender}\r\nTo: pat@lab.example\r\nSubject: {subject}\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{abs(hash(subject + text))}@x.example>\r\n{more}"
    if not parts:
        return (head + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n").encode()
    body = f"--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    for name, data in parts:
        coded = base64.encodebytes(data).decode().replace("\n", "\r\n")
        body += f'--b1\r\nContent-Type: application/octet-stream; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}'
    return (head + 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b1"\r\n\r\n' + body + "--b1--\r\n").encode()


def attack(n, text="Your mailbox is full and will be closed today. Sign in at once to keep your messages: http://login.lab-exarnple.top/owa?u=pat@lab.example"):
    return letter('"IT help desk" <help@lab-exarnple.top>', f"Mailbox of {MARK} number {n}: password expires today", text + f"\r\n\r\n{MARK}")


FINE = letter("Maria Lopez <maria@lab.example>", "Rota for next week", "Here is the rota for next week. Tell me if a day does not suit you.\r\n\r\nMaria",
              "Authentication-Results: mx.lab.example; spf=pass smtp.mailfrom=lab.example; dkim=pass header.d=lab.example; dmarc=pass header.from=lab.example\r\n")


def nested(levels):
    inner = b"Content-Type: text/plain\r\n\r\nthe middle\r\n"
    for i in range(levels):
        inner = b"Content-Type: multipart/mixed; boundary=n%d\r\n\r\n--n%d\r\n" % (i, i) + inner + b"\r\n--n%d--\r\n" % i
    return b"From: a@b.example\r\nSubject: nested\r\n" + inner


HOSTILE = {
    "1,000 levels": nested(1000),
    "charset lies": b"From: a@b.example\r\nSubject: =?utf-16?B?/////w==?= =?nonsense?Q?=FF=FE?=\r\nContent-Type: text/html; charset=utf-7\r\n\r\n+ADw-script+AD4-\xff\xfe\x00<img src=x onerror=alert(1)>",
    "no end of a boundary": b"From: a@b.example\r\nSubject: cut\r\nContent-Type: multipart/mixed; boundary=\"" + b"x" * 100000 + b"\"\r\n\r\n--x\r\n",
    "a header of 5 MB": b"From: a@b.example\r\nSubject: " + b"long " * 1000000 + b"\r\n\r\nhello\r\n",
    "zeros": b"From: a@b.example\r\nSubject: zero\x00\x00\r\n\r\n" + b"\x00" * 100000,
}


def signed_in(run):
    wanted = r"set-up code .*: ([A-Z0-9-]+)"
    code = lab.wait(lambda: re.search(wanted, run.said()))
    lab.wait(lambda: os.path.exists(os.path.join(run.data, "authority.pem")))
    browser = Browser(run)

    def begin():
        try:
            return browser.ask("POST", "/setup", {"code": code.group(1), "name": "ana", "display_name": "Ana R", "password": PASSWORD})[0] == 201
        except OSError:
            return False
    lab.ok(lab.wait(begin), "the first administrator signs in", run.said())
    return browser


def reads(run, ana):
    began = time.monotonic()
    status, first = ana.report(attack(1))
    took = time.monotonic() - began
    lab.ok(status == 201 and first["verdict"] == "dangerous" and first["state"] == "waiting", "an attack is called dangerous", first)
    lab.ok(all(r["text"] and "{" not in r["text"] for r in first["reasons"]), f"with reasons in words ({took * 1000:.0f} ms)", first["reasons"])
    status, again = ana.report(attack(1))
    lab.ok(status == 201 and again["id"] == first["id"], "the same mail again is the same report", again)
    status, fine = ana.report(FINE)
    lab.ok(status == 201 and fine["verdict"] == "fine" and fine["state"] == "answered", "a mail of the lab's own is fine, and nobody has to decide", fine)
    status, spanish = ana.ask("GET", f"/mail/{first['id']}?language=es")
    lab.ok(status == 200 and any("buzón" in r["text"] or "dominio" in r["text"] for r in spanish["reasons"]), "the reasons come in Spanish too", spanish["reasons"])
    lab.ok(ana.report(b"\x89PNG\r\n\x1a\nnothing of a mail")[0] == 422, "what is no mail is refused")
    return first


def patient(ana, mail):
    """Reports it again where the program says so: on a machine that is busy with other things a large mail has too little time."""
    for _ in range(5):
        status, data = ana.report(mail)
        if status != 503:
            break
    return status, data


def starved(run, ana):
    """A mail whose reading gets no time is not called one that does harm, nor is one whose reader dies."""
    for how in ("no time", "no reader"):
        reader, stopped, over = run.pid("reader"), [], threading.Event()

        def stop():
            while not stopped and not over.is_set():
                with open(f"/proc/{reader}/task/{reader}/children", encoding="ascii") as f:
                    for pid in f.read().split():
                        os.kill(int(pid), signal.SIGSTOP)
                        stopped.append(int(pid))
            if stopped and how == "no reader":
                run.signal("reader", signal.SIGKILL)

        thread = threading.Thread(target=stop)
        thread.start()
        status, data = ana.report(letter("a@b.example", how, "see the file", parts=[("big.bin", os.urandom(8 << 20))]))
        over.set()
        thread.join()
        for pid in stopped:  # nobody waits for one whose reader is gone
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        lab.ok(stopped and status == 503 and data["code"] == "reader", f"{how}: the mail is not called harmful, it may be sent again", (stopped, status, data))


def harm(run, ana):
    before = run.pid("reader")
    for name, mail in HOSTILE.items():
        status, data = ana.report(mail)
        lab.ok(status in (201, 422), f"hostile mail: {name}: {status} {data.get('verdict', data.get('code'))}", data)
    large = letter("a@b.example", "large", "see the file", parts=[("big.bin", os.urandom(15 << 20)), ("run.exe", b"MZ" + bytes(64) + b"PE\0\0" + bytes(2000))])
    status, data = patient(ana, large)
    lab.ok(status == 201 and data["files"] == 2 and any(r["code"] == "file-program" for r in data["reasons"]), "20 MiB come in pieces, and what is behind them is seen", data)
    status, data = patient(ana, letter("a@b.example", "larger", "see the file", parts=[("big.bin", os.urandom(30 << 20))]))
    lab.ok(status == 201 and any(r["code"] == "mail-cut" for r in data["reasons"]), "of 40 MiB the beginning is read, and that is said", data)
    lab.ok(run.pid("reader") == before, "the reader lived through all of it")
    starved(run, ana)
    status, data = ana.ask("POST", "/mail/pieces?at=0", b"x" * 1000, kind="message/rfc822")
    lab.ok(status == 200 and ana.ask("POST", "/mail/pieces?at=999", b"x", kind="message/rfc822")[0] == 409, "a piece that does not follow is refused")
    lab.ok(run.signal("reader", signal.SIGKILL, wait=30), "the reader is killed")
    lab.ok(lab.wait(lambda: ana.report(attack(2, "Quite another text: your parcel waits, pay the customs fee at http://dhl-customs.top/pay"))[0] == 201), "and a new one reads", run.said())


def decides(run, ana, first):
    status, whole = ana.ask("GET", f"/mail/{first['id']}")
    lab.ok(status == 200 and any(i["value"] == "login.lab-exarnple.top" for i in whole["indicators"]), "it says what the mail may be known by", whole)
    lab.ok(MARK not in json.dumps(whole), "what it says is not in the answer")
    lab.ok(ana.ask("POST", f"/mail/{first['id']}/look", {"reason": "x"})[0] == 422, "without a reason nobody sees it")
    status, shown = ana.ask("POST", f"/mail/{first['id']}/look", {"reason": "to decide about it", "password": PASSWORD})
    lab.ok(status == 200 and MARK in shown["subject"] and MARK in shown["text"], "with a reason and a proof it is shown", shown)
    lab.ok("http://" not in shown["text"] and shown["links"][0]["site"] == "lab-exarnple.top" and shown["links"][0]["before"] == "login.", "its links are taken apart, and none is one any more", shown)
    status, looks = ana.ask("GET", "/looks")
    lab.ok(status == 200 and looks["items"][0]["what"] == "text of a mail", "and that is written down", looks)
    lab.ok(ana.ask("POST", f"/mail/{first['id']}/decide", {"verdict": "dangerous"}, match=1)[0] == 412, "who decides has seen the newest state")
    status, decided = ana.ask("POST", f"/mail/{first['id']}/decide", {"verdict": "dangerous", "answer": "Well seen. Delete it."}, match=whole["etag"])
    lab.ok(status == 200 and decided["state"] == "dangerous" and decided["incident"] and decided["answer"] == "Well seen. Delete it.", "it is confirmed: an incident is opened", decided)
    status, kept = ana.ask("GET", "/indicators")
    lab.ok(status == 200 and {"kind": "host", "value": "login.lab-exarnple.top"}.items() <= next(i for i in kept["items"] if i["kind"] == "host").items(), "what it may be known by is kept", kept)
    like = letter("News <news@harmless.example>", "Hello", "Have a look: http://login.lab-exarnple.top/x")
    status, known = ana.report(like)
    lab.ok(status == 201 and known["verdict"] == "dangerous" and known["reasons"][0]["code"] == "seen-before", "another mail with the same link is known at once", known)
    status, mine = ana.ask("GET", "/mail?state=dangerous&mine=yes")
    lab.ok(status == 200 and mine["total"] == 1 and mine["items"][0]["answer"], "who reported it reads the answer", mine)
    return decided


def once(folder):
    data = os.path.join(folder, "data")
    more = "mail:\n  domains: [ lab.example ]\n  receiver: mx.lab.example\n"
    with lab.Run(data, more=more) as run:
        ana = signed_in(run)
        first = reads(run, ana)
        harm(run, ana)
        decided = decides(run, ana, first)
        total = ana.ask("GET", "/mail")[1]["total"]
    lab.ok(not lab.holding(data, MARK.encode()), "nothing of a mail stands in clear on the disk", lab.holding(data, MARK.encode()))
    lab.ok(MARK not in run.errors.name and MARK not in open(run.errors.name, encoding="utf-8").read(), "nor in what the program says")
    status, said = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", said)
    shutil.rmtree(os.path.join(data, "store"))
    with lab.Run(data, more=more) as run:
        run.wait_api()
        ana = Browser(run)
        ana.ask("POST", "/session", {"name": "ana", "password": PASSWORD})
        after = ana.ask("GET", f"/mail/{first['id']}")[1]
        lab.ok(ana.ask("GET", "/mail")[1]["total"] == total and after["incident"] == decided["incident"] and after["reasons"] == decided["reasons"], "views made anew from the ledger say the same", after)


# ── ClamAV ──

CLAMD = os.environ.get("TOURNIQUET_CLAMD") or shutil.which("clamd", path=os.environ.get("PATH", "") + ":/usr/sbin")
VIRUS = b"this is no virus, but a signature of our own says so: " + bytes(range(200))


def clamd(folder):
    """A real clamd that knows one file; it writes what it has in hand below /dev/shm, which is in memory."""
    spool = f"/dev/shm/tourniquet-clamd-{os.getpid()}"
    os.mkdir(spool, 0o700)
    os.mkdir(os.path.join(folder, "db"))
    with open(os.path.join(folder, "db", "own.hdb"), "w", encoding="ascii") as f:
        f.write(f"{hashlib.md5(VIRUS).hexdigest()}:{len(VIRUS)}:Lab.Test\n")
    conf = os.path.join(folder, "clamd.conf")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(f"LocalSocket {folder}/clamd.sock\nDatabaseDirectory {folder}/db\nTemporaryDirectory {spool}\nForeground yes\nStreamMaxLength 30M\nMaxScanSize 100M\nMaxFileSize 30M\n"
                "MaxThreads 2\nConcurrentDatabaseReload no\n")
    process = subprocess.Popen([CLAMD, "-c", conf, "-F"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lab.wait(lambda: os.path.exists(os.path.join(folder, "clamd.sock")) or process.poll() is not None)
    return process, spool


def doctor(run):
    done = subprocess.run([lab.TOURNIQUET, "doctor", "-c", run.config], capture_output=True, text=True)
    return next((line["state"] for line in map(json.loads, done.stdout.splitlines()) if line["check"] == "scanner"), None)


def on_disk(folder, run):
    """Another clamd, whose folder is on a disk: doctor says so."""
    conf = os.path.join(folder, "disk.conf")
    spool = os.path.join(os.path.dirname(os.path.abspath(__file__)), f".clamd-{os.getpid()}")
    with open(os.path.join(folder, "clamd.conf"), encoding="utf-8") as f, open(conf, "w", encoding="utf-8") as out:
        out.write(re.sub("TemporaryDirectory .*", f"TemporaryDirectory {spool}", f.read()))
    os.mkdir(spool, 0o700)
    process = subprocess.Popen([CLAMD, f"--config-file={conf}", "-F"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.ok(lab.wait(lambda: doctor(run) in ("good", "attention", "bad") and os.path.exists(os.path.join(folder, "clamd.sock")) and process.poll() is None), "another clamd runs")
        lab.ok(lab.wait(lambda: "on a disk" in subprocess.run([lab.TOURNIQUET, "doctor", "-c", run.config], capture_output=True, text=True).stdout), "doctor finds that it writes mails on a disk")
    finally:
        process.terminate()
        process.wait(90)
        shutil.rmtree(spool, ignore_errors=True)


def scanned(folder):
    data = os.path.join(folder, "scanned")
    infected = letter("Maria Lopez <maria@lab.example>", "Picture", "As promised.", parts=[("picture.bin", VIRUS)])
    more = f'mail:\n  domains: [ lab.example ]\n  scanner: "{folder}/clamd.sock"\n'
    with lab.Run(data, more=more) as run:
        ana = signed_in(run)
        status, answer = ana.report(letter("a@b.example", "early", "nobody scans yet"))
        lab.ok(status == 201 and answer["scanned"] == "no answer", "a scanner that is not there is said", answer)
        lab.ok(doctor(run) == "bad", "doctor finds it missing")
        if CLAMD is None:
            lab.skip("a real clamd finds what is attached", "clamd is not installed (Debian: clamav-daemon)")
            return
        process, spool = clamd(folder)
        try:
            status, answer = ana.report(infected)
            lab.ok(status == 201 and answer["scanned"] == "found" and answer["verdict"] == "dangerous" and "Lab.Test" in answer["reasons"][0]["text"], "a real clamd finds what is attached", answer)
            status, answer = ana.report(FINE)
            lab.ok(status == 201 and answer["scanned"] == "clean" and answer["verdict"] == "fine", "and lets through what is clean", answer)
            lab.ok(doctor(run) == "good", "doctor finds that it keeps mails in memory")
            os.chmod(spool, 0o755)
            lab.ok(doctor(run) == "attention", "… and that others may enter there")
            lab.ok(lab.wait(lambda: not os.listdir(spool)), "what it had in hand is gone from its folder in memory", os.listdir(spool))
        finally:
            process.terminate()
            process.wait(90)
            shutil.rmtree(spool, ignore_errors=True)
        on_disk(folder, run)


with lab.Folder() as work:
    once(work)
    scanned(work)
lab.finish()
