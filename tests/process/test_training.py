"""Training with the real program: a course is assigned, an attempt goes on over a keeper that is killed in the middle of it and over views that are thrown
away, is signed and its paper found genuine; reminders go to a real mail server (aiosmtpd) over STARTTLS with an account, or say why not; policies are asked for
again when their version grows. Who reads the ledger finds no answer in it."""
import email
import email.policy
import json
import os
import re
import shutil
import signal
import ssl
import subprocess

import lab
from browser import Browser, Controller

if Controller is not None:
    from aiosmtpd.smtp import AuthResult

PASSWORD = "seven grey herons wade"
SECRET = "amber-kettle-4711"
POLICY = "---\nid: clean-desk\ntitle: Clean desk\nfor: everyone\nlanguage: en\nversion: %d\ndays: 7\n---\n\n## What we ask\n\nLock your **screen**.\n\n- Always.\n"


def authority(folder):
    def run(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority",
        "-addext", "basicConstraints=critical,CA:TRUE")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    with open(os.path.join(folder, "ext"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=DNS:localhost\n")
    run("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "server.pem")


class Box:
    """What a mail server takes."""

    def __init__(self):
        self.mails = []
        self.refuse = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse:
            return "550 no such person here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default), session.ssl is not None))
        return "250 taken"


def mail_server(folder, box):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))

    def known(server, session, envelope, mechanism, data):
        return AuthResult(success=data.login == b"tourniquet" and data.password == SECRET.encode())

    served = Controller(box, hostname="127.0.0.1", port=lab.free_port(), tls_context=context, require_starttls=True, auth_required=True, authenticator=known)
    served.start()
    return served


def course(name):
    done = subprocess.run([lab.TOURNIQUET, "course", "show", name], capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout)
    return {q["id"]: q for lesson in shown["lessons"] for q in lesson["questions"]}


def plain(runs):
    return "".join(r.get("text", "") for r in runs)


def places(question, truth):
    """The right places among the answers as they were shown."""
    shown = [plain(a["runs"]) for a in question["answers"]]
    right = [plain(a["runs"]) for a in truth[question["id"]]["answers"] if a["right"]]
    chosen = [shown.index(text) for text in right]
    return ",".join(map(str, chosen if question["kind"] == "order" else sorted(chosen)))


def set_up(run):
    found = lab.wait(lambda: re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", run.said()))
    ada = Browser(run)
    status, _ = ada.ask("POST", "/setup", {"code": found[0], "name": "ada", "display_name": "Ada López", "password": PASSWORD})
    lab.ok(status == 201, "the first administrator is made", status)
    return ada


def attempt(run, ada):
    truth = course("everyone")
    lab.ok(ada.ask("POST", "/training/rules", {"course": "everyone", "days": "14", "renew_months": "12"})[0] == 200, "a course is assigned to everybody")
    mine = ada.ask("GET", "/training/mine")[1]
    lab.ok([d["course"] for d in mine["duties"] if d["kind"] == "course"] == ["everyone"], "it is hers", mine)
    begun = ada.ask("POST", "/courses/everyone/attempts", {})[1]
    lab.ok("right\"" not in json.dumps(begun["questions"]).replace("\"verdict\": null", ""), "no question says what is right")
    for place in range(3):
        status, _ = ada.ask("POST", f"/training/attempts/{begun['id']}/answers", {"place": str(place), "chosen": places(begun["questions"][place]["question"], truth)})
        lab.ok(status == 200, f"answer {place + 1} is taken", status)
    keeper = run.pid("keeper")
    os.kill(keeper, signal.SIGKILL)
    run.wait_pid("keeper", keeper)
    run.wait_api()
    ada.cookie = None
    lab.ok(lab.wait(lambda: ada.ask("POST", "/session", {"name": "ada", "password": PASSWORD})[0] == 200), "the keeper was killed in the middle; she signs in again")
    again = ada.ask("POST", "/courses/everyone/attempts", {})[1]
    lab.ok(again["id"] == begun["id"] and again["answered"] == 3 and again["questions"][4] == begun["questions"][4], "the attempt goes on, with all three answers", again.get("answered"))
    for place in range(3, len(again["questions"])):
        last = ada.ask("POST", f"/training/attempts/{begun['id']}/answers", {"place": str(place), "chosen": places(begun["questions"][place]["question"], truth)})[1]
    lab.ok(last["state"] == "passed", "it is passed", last.get("state"))
    status, signed = ada.ask("POST", f"/training/attempts/{begun['id']}/sign", {"password": PASSWORD})
    lab.ok(status == 200, "and signed", signed)
    return signed["record"]


def paper(run, ada, record):
    status, answer = ada.ask("GET", f"/training/certificates/{record}/paper.pdf")
    lab.ok(status == 200 and answer["text"][:8] == b"%PDF-1.4" and answer["text"].rstrip().endswith(b"%%EOF"), "there is a paper")
    url = ada.ask("GET", f"/training/certificates/{record}")[1]["url"]
    code = re.search(r"code=([0-9a-f]+)", url)[1]
    stranger = Browser(run)
    status, answer = stranger.ask("GET", f"/training/verify/{record}/{code}")
    lab.ok(status == 200 and answer["genuine"] and answer["display_name"] == "Ada López" and answer["counts"], "whoever holds it learns that it is genuine", answer)
    lab.ok(stranger.ask("GET", f"/training/verify/{record}/{code[:-1]}{'1' if code[-1] == '0' else '0'}")[0] == 404, "nobody makes one up")
    done = subprocess.run([lab.TOURNIQUET, "ledger", "prove", os.path.join(run.data, "ledger"), str(record)], capture_output=True, check=False)
    proof = os.path.join(os.path.dirname(run.data), "proof")
    with open(proof, "wb") as f:
        f.write(done.stdout)
    checked = subprocess.run([lab.TOURNIQUET, "ledger", "check", proof, "--key", os.path.join(run.data, "ledger", "verifier.pub")], capture_output=True, check=False)
    lab.ok(done.returncode == 0 and checked.returncode == 0, "its record is proved by the program alone", done.stderr + checked.stderr)


def evidence(ada, record):
    status, answer = ada.ask("POST", "/training/evidence.pdf", {"password": PASSWORD})
    pdf = answer.get("text", b"")
    lab.ok(status == 200 and pdf[:8] == b"%PDF-1.4" and pdf.rstrip().endswith(b"%%EOF"), "there is evidence on paper", answer if status != 200 else "")
    drawn = b" ".join(bytes.fromhex(found.decode()) for found in re.findall(rb"<((?:[0-9a-f]{2})+)> Tj", pdf))
    lab.ok(b"45 CFR 164.308(a)(5)" in drawn and str(record).encode() in drawn and b"Safe every day" in drawn and b"2 entries, 0 of them late" in drawn, "it names what was done, with its record", drawn)
    table = int(re.search(rb"startxref\s+(\d+)", pdf)[1])
    entries = [int(line) for line in re.findall(rb"(\d{10}) 00000 n", pdf[table:])]
    lab.ok(pdf[table:table + 4] == b"xref" and all(re.match(rb"%d 0 obj" % (i + 1), pdf[at:at + 12]) for i, at in enumerate(entries)), "every object stands where the file says")
    lab.ok(ada.ask("POST", "/training/evidence.pdf?from=yesterday", {"password": PASSWORD})[0] == 400, "a day is a day")
    lab.ok(any(a["event"] == "data.exported" for a in ada.ask("GET", "/acts?event=data.exported")[1]["items"]), "that it was taken is on the record")


def mails(ada, box):
    ada.ask("PUT", "/training/people/ada/contact", {"mail": "ada@lab.example"})
    ada.ask("POST", "/training/refreshers", {"account": "ada", "course": "after-finding", "why": "a stick at her bench"})
    lab.ok(ada.ask("POST", "/training/remind", {"people": "ada"})[0] == 200, "she is reminded")
    lab.ok(lab.wait(lambda: box.mails), "a mail arrives at a real server")
    sender, to, mail, tls = box.mails[0]
    text = mail.get_body().get_content()
    lab.ok(tls and sender == "tourniquet@lab.example" and to == ["ada@lab.example"], "over STARTTLS, with the account of lab.yaml", (sender, to, tls))
    lab.ok(mail["subject"] == "Su formación" and "Ada López" in text and "http" not in text, "in the lab's language, without a link", (mail["subject"], text))
    told = lab.wait(lambda: [a for a in ada.ask("GET", "/acts?event=training.reminded")[1]["items"] if a["person"] is None])
    lab.ok(told, "and that is on the record")
    for now, then in ((PASSWORD, PASSWORD + " twice"), (PASSWORD + " twice", PASSWORD)):
        status, _ = ada.ask("POST", "/session/password", {"password": now, "new_password": then})
        lab.ok(status == 200, "she changes her password")
    lab.ok(lab.wait(lambda: len(box.mails) >= 3), "and is told so by mail, each time", len(box.mails))
    _, to, mail, _ = box.mails[-1]
    text = mail.get_body().get_content()
    lab.ok(to == ["ada@lab.example"] and mail["subject"] == "Su cuenta de Tourniquet ha cambiado" and "Su contraseña" in text and "http" not in text and mail["Auto-Submitted"],
           "in the lab's language, without a link", (mail["subject"], text))
    box.refuse = True
    ada.ask("POST", "/training/remind", {"people": "ada"})
    refused = lab.wait(lambda: [a for a in ada.ask("GET", "/acts?event=training.reminded")[1]["items"] if "refused" in (a["why"] or "")])
    lab.ok(refused, "a mail that is refused is told so", refused)


def no_answers(run):
    found = subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, "GET", "/api/v1/ledger/records?limit=200"], capture_output=True, text=True, check=True).stdout
    lab.ok("training.answered" in found and "chosen" not in found.replace("Password chosen", "") and "by ada" not in "".join(line for line in found.split("}") if "training.answered" in line), "the ledger's list tells no answer")
    everything = b""
    for folder, _, names in os.walk(run.data):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as f:
                    everything += f.read()
            except OSError:
                pass
    lab.ok(SECRET.encode() not in everything and b"ada@lab.example" not in everything and SECRET not in run.said(), "password and addresses lie nowhere in clear")


def main():
    if Controller is None:
        lab.skip("training with the real program", "python3-aiosmtpd is not installed")
        lab.finish()
        return
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        policies = os.path.join(folder, "policies")
        os.mkdir(policies)
        authority(folder)
        box = Box()
        served = mail_server(folder, box)
        with open(os.path.join(folder, "password"), "w", encoding="utf-8") as f:
            f.write(SECRET + "\n")
        with open(os.path.join(policies, "desk.md"), "w", encoding="utf-8") as f:
            f.write(POLICY % 1)
        more = (f"time_zone: America/Chicago\npolicies: \"{policies}\"\nmail: {{ server: \"localhost:{served.port}\", from: tourniquet@lab.example, user: tourniquet, "
                f"password_file: \"{folder}/password\", authority: \"{folder}/ca.pem\", language: es }}\n")
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = set_up(run)
            lab.ok([d["course"] for d in ada.ask("GET", "/training/mine")[1]["duties"]] == ["clean-desk"], "the policy is asked for")
            lab.ok(ada.ask("POST", "/training/policies/clean-desk/acknowledge", {"version": "1", "password": PASSWORD})[0] == 200, "and acknowledged")
            record = attempt(run, ada)
            paper(run, ada, record)
            evidence(ada, record)
            mails(ada, box)
            no_answers(run)
            before = ada.ask("GET", "/training")[1]
        with open(os.path.join(policies, "desk.md"), "w", encoding="utf-8") as f:
            f.write(POLICY % 2)
        shutil.rmtree(os.path.join(data, "store"), ignore_errors=True)
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = Browser(run)
            lab.wait(lambda: ada.ask("POST", "/session", {"name": "ada", "password": PASSWORD})[0] == 200)
            after = ada.ask("GET", "/training")[1]
            lab.ok(after["all"] == before["all"] and after["months"] == before["months"], "views made anew count the same", (before["all"], after["all"]))
            desk = next(d for d in ada.ask("GET", "/training/mine")[1]["duties"] if d["course"] == "clean-desk")
            lab.ok(desk["state"] == "open", "a new version is asked for again", desk)
        served.stop()
        with lab.Run(os.path.join(folder, "other"), more="time_zone: Mars/Olympus\n") as run:
            lab.ok(run.process.wait(180) == 2 and "time_zone: Mars/Olympus" in run.said(), "a time zone that is none stops the start", run.said()[-300:])
    lab.finish()


main()
