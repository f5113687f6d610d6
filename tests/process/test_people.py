"""People with the real program: invited at the machine, signed in over HTTPS, tokens of programs, somebody who leaves, the envelope; and that all of it is on the
ledger: a restart with the views thrown away knows the same people, the same grants and who did what."""
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess

import lab
from browser import PASSWORD, Browser, set_up

OTHER = "lantern gravel pumice 31"
LEAKED = "marble thicket oboe 12"


def verb(run, *arguments, given=None):
    done = subprocess.run([lab.TOURNIQUET, *arguments, "--data", run.data], input=given, capture_output=True, text=True)
    return done.returncode, (json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout), done.stderr


def at_the_machine(run):
    code, made, error = verb(run, "people", "invite", "dana", "--display-name", "Dana W", "--role", "technologist", "--why", "starts on Monday")
    lab.ok(code == 0 and re.fullmatch(r"([0-9A-Z]{5}-){4}[0-9A-Z]{5}", made["code"]), "somebody is invited at the machine", error)
    lab.ok(verb(run, "people", "invite", "eve")[0] == 2, "not without a reason")
    lab.ok(verb(run, "people", "grant", "dana", "--role", "assessor", "--why", "the audit")[0] == 2, "an outsider's role needs its last day")
    code, answer, error = verb(run, "people", "grant", "dana", "--role", "IT", "--until", "2099-01-31", "--why", "for ever")
    lab.ok(code == 2 and "five years" in error, "no end is farther away than five years", error)
    code, answer, error = verb(run, "people", "import", "-", given="name,display name,role\nlea,Lea Sol,phlebotomist\nnoa,Noa,king\n")
    lab.ok(code == 0 and answer["counts"] == {"create": 1, "grant": 0, "same": 0, "error": 1}, "a list is looked at first", answer)
    code, answer, error = verb(run, "people", "import", "-", "--apply", answer["token"], "--why", "the new season", given="name,display name,role\nlea,Lea Sol,phlebotomist\nnoa,Noa,king\n")
    lab.ok(code == 0 and answer["saved"] == 1 and len(answer["codes"]) == 1, "and then it is done", error)
    return made["code"]


def come_in(run, code):
    dana = Browser(run)
    status, answer = dana.ask("POST", "/invitation", {"name": "dana", "code": code, "password": LEAKED})
    lab.ok(status == 422 and "leaked" in answer["detail"], "a password on the site's list is refused", answer)
    status, answer = dana.ask("POST", "/invitation", {"name": "dana", "code": code, "password": OTHER})
    lab.ok(status == 200 and answer["person"]["roles"] == ["technologist"], "the code opens the account, with a password of her own", answer)
    lab.ok(dana.ask("GET", "/devices")[0] == 200 and dana.ask("GET", "/ledger")[0] == 403, "she may what her role may")
    again = Browser(run)
    lab.ok(again.ask("POST", "/invitation", {"name": "dana", "code": code, "password": "another long phrase 9"})[0] == 401, "the code is good once")
    return dana


def often(run, token, times):
    """The answers to so many requests on one connection: as fast as they can be asked, for on a slow machine so many connections take longer than the minute."""
    c = http.client.HTTPSConnection("localhost", run.port, context=ssl.create_default_context(cafile=os.path.join(run.data, "authority.pem")), timeout=60)
    answers = []
    for _ in range(times):
        c.request("GET", "/api/v1/session", headers={"Authorization": f"Bearer {token}"})
        answer = c.getresponse()
        answer.read()
        answers.append(answer.status)
    c.close()
    return answers


def by_programs(run, ada, dana):
    status, made = dana.ask("POST", "/tokens", {"label": "a script", "scopes": "device.read metrics.read", "password": OTHER})
    lab.ok(status == 201 and made["token"].startswith("tqt_"), "a token is made", made)
    program = Browser(run)
    lab.ok(program.ask("GET", "/devices", bearer=made["token"])[0] == 200, "a program reads with it, over HTTPS")
    lab.ok(program.ask("GET", "/results", bearer=made["token"])[0] == 403, "and no more than its scopes")
    lab.ok(program.ask("POST", "/tokens", {"label": "x", "scopes": "device.read"}, bearer=made["token"])[0] == 403, "a token makes no token")
    answers = often(run, made["token"], 620)
    lab.ok(answers.count(200) <= 600 and answers.count(200) > 500 and answers[-1] == 429, "600 a minute, and no more", (answers.count(200), answers[-1]))
    code, listed, error = verb(run, "token", "list", "dana")
    lab.ok(code == 0 and listed["items"][0]["last_used"] is not None and made["token"] not in json.dumps(listed), "the machine lists it, without its text", error)
    return made["token"]


def explained(ada):
    acts = ada.ask("GET", "/acts?person=dana")[1]
    lab.ok(acts["total"] >= 4 and any(a["event"] == "request.refused" and a["permission"] == "ledger.read" for a in acts["items"]), "what was refused is written down", acts["total"])
    why = ada.ask("GET", "/people/dana/why?permission=phi.look")[1]
    lab.ok(why["may"] and why["grants"][0]["why"] == "starts on Monday" and why["grants"][0]["by"].startswith("local socket"), "why could Dana see this", why)
    return acts


def leave(run, ada, dana, token):
    status, answer = ada.ask("POST", "/people/dana/close", {"why": "her last day", "password": PASSWORD})
    lab.ok(status == 200 and answer["state"] == "closed" and answer["sessions"] == 0, "an account is closed", answer)
    lab.ok(dana.ask("GET", "/session")[0] == 401, "her session is over")
    lab.ok(Browser(run).ask("GET", "/devices", bearer=token)[0] == 401, "her token opens nothing")
    lab.ok(Browser(run).ask("POST", "/session", {"name": "dana", "password": OTHER})[0] == 401, "her password neither")


def envelope(run, ada):
    status, sealed = ada.ask("POST", "/emergency", {"why": "for the safe", "password": PASSWORD})
    lab.ok(status == 200, "the envelope is filled", sealed)
    status, who = Browser(run).ask("POST", "/session", {"name": "emergency", "password": sealed["code"]})
    lab.ok(status == 200 and who["person"]["roles"] == ["emergency"], "its code opens", who)
    found = ada.ask("GET", "/findings?kind=access.emergency")[1]
    lab.ok(found["total"] == 1 and found["items"][0]["severity"] == "critical", "and everybody sees it", found)


def rules(run, ada):
    def verb(*arguments):
        return subprocess.run([lab.TOURNIQUET, "people", "rules", *arguments, "--data", run.data], capture_output=True, text=True, check=False)
    lab.ok(verb("--second-factor", "everybody").returncode == 2, "no rule without a reason")
    done = verb("--second-factor", "everybody", "--why", "our insurer asks for it")
    lab.ok(done.returncode == 0 and '"second_factor":"everybody"' in done.stdout, "a second factor is asked of everybody, from the machine itself", done.stdout + done.stderr)
    status, answer = ada.ask("GET", "/people")
    lab.ok((status, answer["code"]) == (403, "second-factor"), "a session with a password alone has no role from then on", answer)
    lab.ok(ada.ask("GET", "/session")[1]["sign_in"]["withheld"], "and is told so")
    done = verb("--second-factor", "none", "--why", "the keys are not here yet")
    lab.ok(done.returncode == 0 and ada.ask("GET", "/people")[0] == 200, "and has it again when the rule is gone", done.stdout + done.stderr)


def known(browser):
    people = {p["name"]: browser.ask("GET", f"/people/{p['name']}")[1] for p in browser.ask("GET", "/people?state=all")[1]["items"]}
    for p in people.values():
        del p["sessions"], p["last_sign_in"], p["review_due"]
    acts = [a for a in browser.ask("GET", "/acts?limit=200")[1]["items"] if not a["event"].startswith("session.")]
    return people, acts


def main():
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        breached = os.path.join(folder, "leaked.txt")
        with open(breached, "w", encoding="utf-8") as f:
            f.write(f"{LEAKED}\n5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:3730471\n")
        more = f'breached_passwords: "{breached}"\n'
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = set_up(run)
            lab.ok(ada.ask("GET", "/access-policy")[1]["breached"] == 2, "the list of leaked passwords is read")
            code = at_the_machine(run)
            dana = come_in(run, code)
            token = by_programs(run, ada, dana)
            explained(ada)
            leave(run, ada, dana, token)
            rules(run, ada)
            envelope(run, ada)
            before = known(ada)
        shutil.rmtree(os.path.join(data, "store"), ignore_errors=True)
        with lab.Run(data, more=more) as run:
            run.wait_api()
            ada = Browser(run)
            lab.ok(ada.ask("POST", "/session", {"name": "ada", "password": PASSWORD})[0] == 200, "the views are made anew: she comes in as before")
            people, acts = known(ada)
            lab.ok(people == before[0], "the same people with the same grants", [k for k in people if people[k] != before[0].get(k)])
            lab.ok([a["record"] for a in acts if a["record"] <= before[1][0]["record"]] == [a["record"] for a in before[1]], "and who did what")
            held = subprocess.run(["grep", "-rlaE", f"{OTHER}|{LEAKED}|{token}|{code}", data], capture_output=True, text=True, check=False).stdout
            lab.ok(held == "", "no password, code or token lies in the data folder", held)
            said = run.said()
            lab.ok(OTHER not in said and token not in said, "nor does the log say one")
    lab.finish()


main()
