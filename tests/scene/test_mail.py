"""How well mail is judged. Prints TAP. Usage: test_mail.py TOURNIQUET DOCS

Over modern mail that tests/mail/make_mail.py writes, and the corpus's: rates of each verdict, which docs/mail.md shows (--table prints them; they must be
current), and bounds that they may not cross. The even wordings and the odd files were looked at when the weights were set; the others were not. Then the verb
itself: what it prints, what it refuses, and the virus scanner's protocol."""
import collections
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM, DOCS = sys.argv[1], pathlib.Path(sys.argv[2])
TESTS = pathlib.Path(__file__).resolve().parent.parent
CORPUS = os.environ.get("TOURNIQUET_CORPUS")
VERDICTS = ("dangerous", "suspicious", "fine")
FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="tq-mail-"))
count = 0
failed = 0


def ok(good, name, note=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}")
    if not good and note:
        print("# " + str(note).replace("\n", "\n# "))


def check(*arguments, data=None):
    r = subprocess.run([PROGRAM, "mail", "check", *map(str, arguments)], input=data, capture_output=True, timeout=300)
    return r.returncode, [json.loads(line) for line in r.stdout.splitlines()], r.stderr.decode()


def rates(files, *options):
    status, rows, words = check(*options, *files)
    if status != 0 or len(rows) != len(files):
        sys.exit(f"{status}: {words[:400]}")
    return collections.Counter(r["verdict"] for r in rows), rows


def percent(n, of):
    return f"{100 * n / of:.1f} %".replace("100.0 %", "100 %")


def table():
    subprocess.run([sys.executable, TESTS / "mail" / "make_mail.py", FOLDER], check=True, stdout=subprocess.DEVNULL)
    lab = ("--own", "sunrise-lab.example", "--receiver", "mx.sunrise-lab.example")
    rows = []
    for kind in ("attack", "legitimate"):
        files = sorted(glob.glob(f"{FOLDER}/{kind}/*.eml"))
        for half, wanted in (("looked at", (0, 2, 4)), ("held out", (1, 3))):
            part = [f for f in files if int(f.split("-")[-2]) in wanted]
            rows.append((f"modern, {kind}, {half}", rates(part, *lab), len(part)))
        rows.append((f"modern, {kind}, all, the lab's own names not given", rates(files), len(files)))
    if CORPUS:
        for kind in ("spam-1", "easy-ham-1"):
            files = sorted(glob.glob(f"{CORPUS}/mail/spamassassin/data/{kind}/*"))
            for half, odd in (("looked at", 0), ("held out", 1)):
                part = files[odd::2]
                rows.append((f"corpus, {kind}, {half}", rates(part), len(part)))
    text = "| set | mails | dangerous | suspicious | fine |\n|---|---|---|---|---|\n"
    for name, (counts, _), n in rows:
        text += f"| {name} | {n} | " + " | ".join(percent(counts[v], n) for v in VERDICTS) + " |\n"
    return text, rows


def reasons():
    header = (TESTS.parent / "src/engine/mail/reasons.h").read_text(encoding="utf-8")
    text = "| reason | weight | group | what it says |\n|---|---|---|---|\n"
    for code, group, points, english in re.findall(r'R\(\w+, "([^"]+)", (\w+), (-?\d+),\s*"((?:[^"\\]|\\.)*)"', header):
        text += f"| {code} | {points} | {group.lower()} | {english} |\n"
    return text


def scanner(answer):
    """A server that speaks clamd's side of INSTREAM, checks what it gets and answers."""
    path = str(FOLDER / "scanner")
    if os.path.exists(path):
        os.unlink(path)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path)
    listening.listen(1)
    got = {}

    def serve():
        peer, _ = listening.accept()
        stream = peer.makefile("rb")
        got["command"] = stream.read(10)
        data = b""
        while True:
            n, = struct.unpack(">I", stream.read(4))
            if n == 0:
                break
            data += stream.read(n)
        got["data"] = data
        peer.sendall(answer)
        peer.close()
        listening.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return path, got, thread


def verb():
    plain = FOLDER / "plain.eml"
    plain.write_bytes(b"From: Tom <tom@sunrise-lab.example>\nTo: ana@sunrise-lab.example\nSubject: rota\n\nThe rota is on the board.\n")
    attack = sorted(glob.glob(f"{FOLDER}/attack/own_look-0-*.eml"))[0]
    status, rows, words = check("--json", plain, attack, "--own", "sunrise-lab.example")
    ok(status == 0 and [r["verdict"] for r in rows] == ["fine", "dangerous"], "verdicts are output, not failure", (status, rows, words))
    first = rows[1]["reasons"][0]
    ok(set(rows[1]) >= {"file", "verdict", "score", "reasons"} and set(first) >= {"code", "text", "evidence"}, "what a line holds", rows[1])
    ok(rows[1]["score"] >= 60 and rows[0]["score"] < 28, "scores", [r["score"] for r in rows])
    status, rows, _ = check("--language", "es", attack)
    ok("El dominio del remitente" in rows[0]["reasons"][0]["text"], "reasons in Spanish", rows)
    ok(check("--fail-on", "dangerous", attack, "--own", "sunrise-lab.example")[0] == 1 and check("--fail-on", "suspicious", plain)[0] == 0, "--fail-on")
    status, rows, _ = check("-", data=plain.read_bytes())
    ok(status == 0 and rows[0]["file"] == "-", "standard input")
    status, rows, words = check(FOLDER / "missing.eml", plain)
    ok(status == 2 and len(rows) == 1 and "missing.eml" in words, "a file that is not there: told, the others are judged", words)
    (FOLDER / "picture.eml").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300))
    status, rows, words = check(FOLDER / "picture.eml")
    ok(status == 2 and "no mail" in words, "what is no mail: told", words)
    ok(check("--own")[0] == 2 and check()[0] == 2 and check("--language", "fr", plain)[0] == 2, "wrong use")
    html = FOLDER / "viewer.eml"
    html.write_bytes(b"From: a@b.example\nSubject: x\nContent-Type: text/html\n\n<script>alert(1)</script><img src=http://t.example/x onerror=alert(1)><a href='https://bad.example/'>https://bad.example/</a>")
    shown = check("--show", html)[1][0]["shown"]
    ok("<" not in shown and "alert" not in shown and "hxxps://bad[.]example" in shown, "what is shown is harmless", shown)
    path, got, thread = scanner(b"stream: Eicar-Test-Signature FOUND\0")
    status, rows, _ = check("--clamd", path, plain)
    thread.join(10)
    ok(got.get("command") == b"zINSTREAM\0" and got.get("data") == plain.read_bytes(), "the scanner gets the whole message by INSTREAM", got)
    ok(rows[0]["verdict"] == "dangerous" and rows[0]["reasons"][0]["evidence"] == "Eicar-Test-Signature", "what the scanner finds is dangerous", rows)
    path, _, thread = scanner(b"stream: OK\0")
    status, rows, _ = check("--clamd", path, plain)
    thread.join(10)
    ok(rows[0]["virus_scanner"] == "clean" and rows[0]["verdict"] == "fine", "a clean answer changes nothing", rows)
    path, _, thread = scanner(b"INSTREAM size limit exceeded. ERROR\0")
    status, rows, words = check("--clamd", path, plain)
    thread.join(10)
    ok(status == 0 and rows[0]["virus_scanner"] == "no answer" and "StreamMaxLength" in words, "a scanner that refuses is told", words)
    status, rows, words = check("--clamd", FOLDER / "nobody", plain)
    ok(status == 0 and rows[0]["virus_scanner"] == "no answer" and "does not answer" in words, "no scanner: told, and judged without", words)
    status, rows, words = check("--clamd", "192.0.2.1:3310", plain)
    ok(rows[0]["virus_scanner"] == "no answer", "mail goes to no scanner on another machine", rows)
    real_scanner(plain)


def real_scanner(plain):
    """ClamAV itself, with a signature of our own."""
    global count
    daemon = shutil.which("clamd", path="/usr/sbin:/usr/bin")
    if daemon is None:
        count += 1
        print(f"ok {count} - a real clamd # SKIP clamd is not installed")
        return
    database = FOLDER / "signatures"
    database.mkdir()
    (database / "lab.ndb").write_text("Lab.Marker:0:*:" + b"TQ-VIRUS-MARKER".hex() + "\n")
    (FOLDER / "clamd.conf").write_text(f"DatabaseDirectory {database}\nLocalSocket {FOLDER}/clamd\nForeground yes\nTemporaryDirectory /dev/shm\n")
    process = subprocess.Popen([daemon, "-c", FOLDER / "clamd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        if os.path.exists(f"{FOLDER}/clamd") or process.poll() is not None:
            break
        time.sleep(0.1)
    bad = FOLDER / "bad.eml"
    bad.write_bytes(plain.read_bytes() + b"TQ-VIRUS-MARKER\n")
    rows = check("--clamd", f"{FOLDER}/clamd", plain, bad)[1]
    process.terminate()
    process.wait()
    ok([r["virus_scanner"] for r in rows] == ["clean", "found"], "a real clamd", rows)


def main():
    text, rows = table()
    if "--table" in sys.argv:
        print(text)
        print(reasons())
        return
    by_name = {name: (counts, n) for name, (counts, _), n in rows}
    for name, (counts, n) in by_name.items():
        if "attack" in name:
            ok(counts["fine"] <= n * 0.05 and counts["dangerous"] >= n * 0.75, f"{name}: at most 5 % fine, 75 % dangerous at least", dict(counts))
        elif "legitimate" in name:
            ok(counts["dangerous"] == 0 and counts["fine"] >= n * 0.95, f"{name}: none dangerous, 95 % fine at least", dict(counts))
        elif "ham" in name:
            ok(counts["dangerous"] < n * 0.002 and counts["fine"] >= n * 0.98, f"{name}: dangerous under 0.2 %", dict(counts))
        else:
            ok(counts["fine"] < n * 0.7, f"{name}: some of what is merely advertising is called fine", dict(counts))
    page = (DOCS / "mail.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| modern") or (CORPUS and line.startswith("| corpus"))]
    missing = [line for line in lines if line not in page]
    ok(not missing, "docs/mail.md has these rates (scripts: test_mail.py --table)", "\n".join(missing))
    missing = [line for line in reasons().splitlines() if line not in page]
    ok(not missing, "docs/mail.md has every reason with its weight", "\n".join(missing))
    verb()
    print(f"1..{count}")
    sys.exit(failed > 0)


main()
