"""New findings go by mail to those whom lab.yaml names, with the real program and a real mail server (aiosmtpd): without a link, once, over a keeper that is killed
too; a test says what came of it; wrong settings are refused at the start."""
import os
import signal
import subprocess
import time

import lab
from browser import Box, Browser, Controller, PASSWORD, set_up

TO = ["it@lab.example", "boss@lab.example"]


def settings(port, more=""):
    return f"mail: {{ server: 127.0.0.1:{port}, tls: off, from: tourniquet@lab.example, findings: [{', '.join(TO)}]{more} }}\n"


def told(ada):
    return ada.ask("GET", "/finding-mail")[1]


def emergency(run, ada):
    status, sealed = ada.ask("POST", "/emergency", {"why": "for the safe", "password": PASSWORD})
    status, _ = Browser(run).ask("POST", "/session", {"name": "emergency", "password": sealed["code"]})
    lab.ok(status == 200, "the emergency account is used", status)


def is_told(run, ada, box):
    lab.ok(told(ada)["addresses"] == TO and told(ada)["from"] == "high" and told(ada)["last"] is None, "nothing was told yet", told(ada))
    emergency(run, ada)
    lab.ok(lab.wait(lambda: len(box.mails) >= 2), "the mail server has mails", box.mails)
    lab.ok(sorted(m[0] for m in box.mails) == sorted(TO), "one to each address", box.mails)
    _, first, said, _ = box.mails[0]
    lab.ok("CRITICAL" in first["Subject"] and first["Auto-Submitted"] == "auto-generated", "its subject says how bad it is", first["Subject"])
    lab.ok("emergency" in said.lower() and "http" not in said, "it says what was found, without a link", said)
    last = lab.wait(lambda: told(ada)["last"])
    lab.ok(last and last["findings"] == 1 and last["addresses"] == 2 and last["why"] is None, "it is on the ledger, and the page says so", last)


def once(run, ada, box):
    keeper = run.pid("keeper")
    os.kill(keeper, signal.SIGKILL)
    run.wait_pid("keeper", keeper)
    run.wait_api()
    ada.cookie = None
    lab.ok(lab.wait(lambda: ada.ask("POST", "/session", {"name": "ada", "password": PASSWORD})[0] == 200), "the keeper was killed; she signs in again")
    time.sleep(25)  # two looks of the new one
    lab.ok(len(box.mails) == 2, "the next keeper tells nothing twice", box.mails)


def tested(ada, box):
    before = len(box.mails)
    status, _ = ada.ask("POST", "/finding-mail/test", {})
    lab.ok(status == 202 and lab.wait(lambda: len(box.mails) == before + 2), "a test reaches both", box.mails)
    lab.ok("new findings reach this address" in box.mails[-1][2], "and says that it is one", box.mails[-1][2])
    box.refuse = TO[0]
    ada.ask("POST", "/finding-mail/test", {})
    result = lab.wait(lambda: (told(ada)["tested"] or {}).get("why") and told(ada)["tested"])
    box.refuse = None
    lab.ok(result and result["addresses"] == 1 and "550" in result["why"], "a test that is refused says why", result)
    lab.ok(told(ada)["last"]["findings"] == 1, "and is no news", told(ada))


def refused(data):
    for more, says in ((settings(2525).replace("server: 127.0.0.1:2525, tls: off, ", ""), "no mail server"), (settings(2525).replace(TO[0], "nobody"), "mail addresses")):
        path = os.path.join(os.path.dirname(data), "wrong.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f'site: test-lab\ndata: "{data}"\nconsole: {{ listen: "127.0.0.1:{lab.free_port()}" }}\n{more}')
        done = subprocess.run([lab.TOURNIQUET, "run", "-c", path, "--unprivileged"], capture_output=True, text=True, timeout=180, check=False)
        lab.ok(done.returncode == 2 and says in done.stderr, f"refused at the start: {says}", done.stderr)


def main():
    if Controller is None:
        lab.skip("findings by mail", "no aiosmtpd")
        return
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        refused(data)
        box = Box()
        port = lab.free_port()
        with lab.Run(data, more=settings(port)) as run:
            ada = set_up(run)
            server = Controller(box, hostname="127.0.0.1", port=port)
            server.start()
            try:
                is_told(run, ada, box)
                once(run, ada, box)
                tested(ada, box)
            finally:
                server.stop()
    lab.finish()


main()
