"""Phishing simulations with the real program: mails go through a real mail server (aiosmtpd), slowly, and only to domains that are allowed; their links lead to
a listener of its own that sets no cookie, has no form and no script, and keeps nothing of what is typed; who follows one gets a refresher, who reports one has
done well; managers see counts, of five people at least, and nobody's name; who stops a simulation stops its next mail."""
import http.client
import json
import os
import re
import ssl
import subprocess
import time

import browser
import lab
from browser import Browser, Controller


PASSWORD = "seven grey herons wade"
# No letters of a hexadecimal number, no part of a word: what names nobody must not name one by chance.
PEOPLE = ("beatriz", "calixto", "dorotea", "eliseo", "faustina", "gustavo")
LANDING = "inbox.lab.example"


class Named(http.client.HTTPSConnection):
    """Connects to this machine, and asks for the landing page's name."""

    def connect(self):
        import socket
        self.sock = self._context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 60), server_hostname=LANDING)


def visit(run, port, path, method="GET", headers=None, body=None):
    c = Named(LANDING, port, context=ssl.create_default_context(cafile=os.path.join(run.data, "authority.pem")), timeout=60)
    c.request(method, path, body, {"Sec-Fetch-Mode": "navigate"} if headers is None else headers)
    answer = c.getresponse()
    text = answer.read().decode()
    c.close()
    return answer.status, text, answer.headers


class Box(browser.Box):
    def link(self, name):
        text = next(text for to, _, text, _ in self.mails if to.startswith(name + "@"))
        return re.search(r"https://[^/]+/([0-9a-f]{32})\b", text)[1]


def set_up(run):
    found = lab.wait(lambda: re.search(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", run.said()))
    ada = Browser(run)
    ada.ask("POST", "/setup", {"code": found[0], "name": "ada", "display_name": "Ada", "password": PASSWORD})
    people = {}
    for name in PEOPLE + ("zed",):
        code = ada.ask("POST", "/people", {"name": name, "display_name": name.title(), "role": "phlebotomist", "why": "works here", "password": PASSWORD})[1]["code"]
        people[name] = Browser(run)
        people[name].ask("POST", "/invitation", {"name": name, "code": code, "password": f"{name} keeps quiet herons"})
        ada.ask("PUT", f"/training/people/{name}/contact", {"mail": f"{name}@{'elsewhere' if name == 'zed' else 'lab'}.example"})
    return ada, people


def in_an_hour(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))


def sent(ada, box):
    status, answer = ada.ask("POST", "/phishing", {"template": "lis-sign-in", "roles": "privacy officer", "until": in_an_hour(5)})
    lab.ok(status == 422 and answer["code"] == "too-few", "a simulation for fewer than five people is refused", answer)
    status, one = ada.ask("POST", "/phishing", {"template": "lis-sign-in", "roles": "phlebotomist", "until": in_an_hour(5), "rate": "600", "language": "en"})
    lab.ok(status == 201 and one["state"] == "running" and one["waiting"] == 6 and one["unreachable"] == 1, "one is planned; who can be reached is counted", one)
    box.refuse = "gustavo@lab.example"
    lab.wait(lambda: len(box.mails) == 5 and ada.ask("GET", f"/phishing/{one['id']}")[1]["failed"] == 1, 300)  # one every six seconds, and looked at every five
    tos = sorted(to for to, _, _, _ in box.mails)
    lab.ok(tos == [f"{name}@lab.example" for name in PEOPLE[:5]], "each gets one mail, over real SMTP; no mail leaves the allowed domain; a refusal is counted", tos)
    gaps = [b[3] - a[3] for a, b in zip(box.mails, box.mails[1:])]
    lab.ok(sum(gaps) > 4 * 5 and min(gaps) > 1, "one after the other, slowly", gaps)  # one that is held up comes the nearer to the next
    mail = box.mails[0][1]
    lab.ok(mail["from"] == "LIS Support <news@lab.example>" and mail["subject"] == "Your LIS password expires today" and box.mails[0][0].split("@")[0].title() in box.mails[0][2],
           "it says what the template says", (mail["from"], mail["subject"]))
    lab.ok(len({box.link(name) for name in PEOPLE[:5]}) == 5, "each with a token of its own")
    return one["id"]


def landed(run, port, ada, people, box, campaign):
    token = box.link("beatriz")
    counts = lambda: ada.ask("GET", f"/phishing/{campaign}")[1]
    visit(run, port, f"/{token}", "HEAD")
    visit(run, port, f"/{token}", headers={"Sec-Fetch-Mode": "navigate", "Sec-Purpose": "prefetch"})
    status, page, _ = visit(run, port, f"/{token}", headers={})
    lab.ok(status == 200 and counts()["visited"] == 0, "a scanner that fetches the link counts as nobody's visit", counts())
    status, page, headers = visit(run, port, f"/{token}")
    lab.ok(status == 200 and "type=\"password\"" in page and "<form" not in page and "<script" not in page and not re.search(r"<input[^>]*\sname=", page), "a sign-in that can send nothing", page)
    policy = headers["content-security-policy"]
    lab.ok("default-src 'none'" in policy and "form-action 'none'" in policy and "script" not in policy and headers["set-cookie"] is None, "its policy forbids all else, no cookie is set", policy)
    lab.ok(visit(run, port, f"/{token}", "POST", body="a=ana&b=secret-4711")[0] == 405, "nothing can be posted to it")
    lab.ok(counts()["visited"] == 1 and counts()["neither"] == 4, "the visit is counted", counts())
    status, page, _ = visit(run, port, f"/{token}/in")
    lab.ok(status == 200 and "This was an exercise" in page and page.count("<li>") >= 6, "behind the button it says what it was, and by which signs it could be known", page)
    mine = people["beatriz"].ask("GET", "/training/mine")[1]["duties"]
    lab.ok([d["course"] for d in mine] == ["after-simulation"], "a refresher waits for her", mine)
    lab.ok(visit(run, port, "/" + "0" * 32)[0] == 404 and visit(run, port, "/api/v1/session")[0] == 404 and visit(run, port, "/")[0] == 404, "nothing else is there")
    lab.ok(people["calixto"].ask("GET", "/training/mine")[1]["duties"] == [] and people["calixto"].ask("GET", "/phishing/mine")[1]["items"] == [], "nobody else hears of it, nor which mail it is")
    own = people["beatriz"].ask("GET", "/phishing/mine")[1]["items"]
    lab.ok(len(own) == 1 and own[0]["visited"] and own[0]["signed_in"] and len(own[0]["signs"]) == 4, "she sees her own", own)


def reported(ada, people, box, campaign):
    claim = iter(("AAAAA-BBBBB-CCCCC-DDDD%d" % n for n in range(2, 9)))
    body = lambda text: {"kind": "message", "text": text, "claim": next(claim)}
    lab.ok(people["beatriz"].ask("POST", "/reports", body(f"strange: https://{LANDING}:1/{box.link('beatriz')}"))[0] == 201, "she reports it after all")
    lab.ok(people["calixto"].ask("POST", "/reports", body("I got a strange mail"))[0] == 201, "another one says only that there was a mail")
    people["dorotea"].ask("POST", "/reports", body(f"Eliseo showed me https://{LANDING}:1/{box.link('eliseo')}"))
    status, told = people["faustina"].ask("POST", "/mail", box.raw["faustina@lab.example"], kind="message/rfc822") if "faustina@lab.example" in box.raw else (0, None)
    lab.ok(status == 201 and told["exercise"], "who hands the mail in learns that it was an exercise", told)
    now = ada.ask("GET", f"/phishing/{campaign}")[1]
    lab.ok((now["reported"], now["visited"], now["both"], now["neither"]) == (3, 1, 1, 2), "reports are counted, each for whom the mail reached, also behind a visit", now)
    lab.ok([r["name"] for r in now["by_role"]["rows"]] == ["phlebotomist"], "by role, where five are in it", now["by_role"])
    lab.ok(all(name not in json.dumps(now) for name in PEOPLE), "no name is in it")
    status, _ = people["beatriz"].ask("GET", f"/phishing/{campaign}")
    lab.ok(status == 403, "counts are for managers")


def sealed(run, box):
    found = subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, "GET", "/api/v1/ledger/records?limit=200"], capture_output=True, text=True, check=True).stdout
    rows = [r for r in json.loads(found)["items"] if r["event"].startswith("phish.")]
    lab.ok({r["event"] for r in rows} == {"phish.planned", "phish.sent", "phish.visited", "phish.reported"}, "all of it is on the ledger", {r["event"] for r in rows})
    lab.ok(not any(name in json.dumps([r for r in rows if r["event"] != "phish.planned"]) for name in PEOPLE), "which says of nobody what they did")
    everything = b""
    for folder, _, names in os.walk(run.data):
        for name in names:
            try:
                with open(os.path.join(folder, name), "rb") as f:
                    everything += f.read()
            except OSError:
                pass
    lab.ok(box.link("beatriz").encode() not in everything and b"secret-4711" not in everything, "tokens lie nowhere, nor what was typed")


def stopped(ada, box, campaign):
    status, answer = ada.ask("POST", "/phishing", {"template": "courier", "until": in_an_hour(5), "rate": "600"})
    lab.ok(status == 201 and answer["waiting"] == 0, "nobody gets a second mail within the days that lab.yaml says", answer)
    status, over = ada.ask("POST", f"/phishing/{answer['id']}/stop", {"why": "planned by mistake"})
    lab.ok(status == 200 and over["state"] == "stopped" and over["stopped_why"] == "planned by mistake", "it is stopped, with a reason", over)
    lab.ok(ada.ask("POST", f"/phishing/{answer['id']}/stop", {"why": "again"})[0] == 409, "once")
    listed = ada.ask("GET", "/phishing")[1]
    lab.ok([p["id"] for p in listed["items"]] == [answer["id"], campaign] and len(listed["templates"]) == 5 and listed["ready"]["all"], "both are listed", listed["items"])


def main():
    if Controller is None:
        lab.skip("phishing simulations with the real program", "python3-aiosmtpd is not installed")
        lab.finish()
        return
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        box = Box()
        served = Controller(box, hostname="127.0.0.1", port=lab.free_port())
        served.start()
        port = lab.free_port()
        more = (f"mail: {{ server: \"127.0.0.1:{served.port}\", tls: \"off\", from: tourniquet@lab.example }}\nphishing: {{ domains: [ lab.example ], from: news@lab.example }}\n"
                f"listeners: [ {{ for: landing, listen: \"127.0.0.1:{port}\", name: {LANDING} }} ]\n")
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada, people = set_up(run)
            campaign = sent(ada, box)
            landed(run, port, ada, people, box, campaign)
            reported(ada, people, box, campaign)
            sealed(run, box)
            stopped(ada, box, campaign)
            before = ada.ask("GET", f"/phishing/{campaign}")[1]
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = Browser(run)
            lab.wait(lambda: ada.ask("POST", "/session", {"name": "ada", "password": PASSWORD})[0] == 200)
            after = ada.ask("GET", f"/phishing/{campaign}")[1]
            lab.ok({k: after[k] for k in ("sent", "reported", "visited", "neither")} == {k: before[k] for k in ("sent", "reported", "visited", "neither")}, "a new start counts the same", after)
            lab.ok(visit(run, port, f"/{box.link('dorotea')}/in")[0] == 200, "and the links lead on")
        served.stop()
    lab.finish()


main()
