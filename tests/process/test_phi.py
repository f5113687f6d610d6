"""What is hidden stays hidden. Marked PHI goes through every decoder of a running Tourniquet; then all that it says, writes and keeps is searched for it: nowhere
but sealed, until somebody looks. Looks are recorded before they are answered, also when the keeper is killed between the two."""
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scene"))
import capture  # noqa: E402

import lab  # noqa: E402

# Every field that is a patient's has a mark of its own, of letters that no standard knows.
MARK = "Qzx"
PASSWORD = "seven grey herons wade"
REASON = "a physician asks for it"
START = "\x0b"
END = "\x1c\r"


def mark(n):
    return f"{MARK}{n:04d}Vkj"


def marks(first, count):
    return [mark(first + i) for i in range(count)]


def hl7(control_id, first, value):
    pid = "|".join(["PID", "1", "", f"{mark(first)}^^^H^MR", "", f"{mark(first + 1)}^{mark(first + 2)}", mark(first + 3), "19340117", "F", ""] + marks(first + 4, 20))
    return capture.mllp(
        f"MSH|^~\\&|CHEM^8000|LAB1|LIS|HOSP|20260302080000||ORU^R01^ORU_R01|{control_id}|P|2.5.1|||AL|NE||UNICODE UTF-8",
        pid,
        "NK1|1|" + "|".join(marks(first + 30, 10)),
        "IN1|1|" + "|".join(marks(first + 41, 10)),
        f"NTE|1||{mark(first + 52)} free text",
        f"OBR|1|{mark(first + 53)}||GLU|||20260302080000",
        f"OBX|1|NM|GLU^Glucose^L||{value}|mmol/L|3.9-5.5|N|||F|||20260302080000",
        f"OBX|2|TX|COM^Comment^L||{mark(first + 54)}||||||F",
    )


def astm(first):
    records = [
        f"H|\\^&||{mark(first)}|H550^00-22^7714|||||LIS||P|E1394-97|20260302080000",
        "P|1||" + "|".join(marks(first + 1, 12)),
        f"C|1|I|{mark(first + 20)}|G",
        f"O|1|{mark(first + 21)}||^^^WBC",
        f"R|1|^^^WBC|{mark(first + 22)}|10*3/uL||N||F||||20260302080000",
        "L|1|N",
    ]
    frames = b""
    for i, record in enumerate(records):
        body = f"{(i + 1) % 8}{record}\r\x03".encode()
        frames += b"\x02" + body + b"%02X\r\n" % (sum(body) & 255)
    return b"\x05" + frames + b"\x04"


def poct1a(first):
    return (
        f'<OBS.R01><HDR><HDR.control_id V="77"/><HDR.version_id V="POCT1"/></HDR><SVC><SVC.role_cd V="OBS"/><SVC.observation_dttm V="2026-03-02T08:00:00"/>'
        f'<PT><PT.patient_id V="{mark(first)}"/><PT.name V="{mark(first + 1)}"/><PT.birth_date V="1934-01-17"/>'
        f'<OBS><OBS.observation_id V="GLU" SN="X"/><OBS.value V="{mark(first + 2)}" U="mmol/L"/></OBS></PT>'
        f'<OPR><OPR.operator_id V="{mark(first + 3)}"/></OPR></SVC></OBS.R01>'
    ).encode()


HOSTILE = "</script><img src=x onerror=alert(1)>" + mark(900)


def write_capture(path):
    c = capture.Capture()
    c.conversation("10.0.5.7", 40001, "10.0.5.1", 2575, [(0, hl7("M1", 1, "5.1")), (1, capture.ack("M1")), (0, hl7("M2", 100, mark(160)))])
    c.conversation("10.0.5.7", 40002, "10.0.5.1", 2575, [(0, hl7("M3", 1, "9.7")), (1, capture.ack("M3"))])  # the same result with another value
    c.conversation("10.0.5.8", 40003, "10.0.5.1", 5000, [(0, b"\x05"), (1, b"\x06"), (0, astm(200)[1:]), (1, b"\x06" * 6)])
    c.conversation("10.0.5.9", 40004, "10.0.5.1", 5100, [(0, poct1a(300))])
    body = hl7("M4", 400, mark(460))[1:-2]
    head = f"POST /hl7 HTTP/1.1\r\nHost: lis\r\nContent-Type: application/hl7-v2\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    c.conversation("10.0.5.10", 40005, "10.0.5.1", 80, [(0, head + body)])
    c.conversation("10.0.5.11", 40006, "10.0.5.1", 2575, [(0, capture.mllp(f"PID|1||{mark(500)}", f"ZZZ|{mark(501)}"))])  # no header: malformed
    c.conversation("10.0.5.12", 40007, "10.0.5.1", 2575, [(0, hl7("M5", 600, mark(660))[:-40])], close=False)  # cut off
    c.conversation("10.0.5.7", 40008, "10.0.5.1", 2575, [(0, capture.mllp("MSH|^~\\&|CHEM^8000|LAB1|LIS|HOSP|20260302080000||ORU^R01|M6|P|2.5.1", f"NTE|1||{HOSTILE}\x1b[2J", f"ZZL|{mark(901)}{'A' * 262144}"))])
    with open(path, "wb") as f:
        f.write(c.bytes())


def holds(text, what=None):
    """Whether a text holds these words, or any mark: its letters and its number, which chance does not make in megabytes of sealed bytes."""
    text = text if isinstance(text, bytes) else text.encode()
    return text.find(what.encode()) >= 0 if what is not None else re.search(MARK.encode() + rb"[0-9]{4}", text) is not None


def files(folder):
    """Each file below a folder that holds a mark; the capture itself has a link there, which is none."""
    return [path for path, content in lab.contents(folder) if holds(content)]


def api(run, method, path, body=None):
    command = [lab.TOURNIQUET, "api", "--data", run.data, method, path]
    done = subprocess.run(command + (["-d", "-"] if body is not None else []), input=json.dumps(body).encode() if body is not None else None, capture_output=True)
    return done.returncode, done.stdout


def everything(run):
    """All that GET answers: every path of the API that needs no name, every finding, every device, every proof of the first records."""
    code, description = api(run, "GET", "/api/v1/openapi.json")
    lab.ok(code == 0, "the API describes itself")
    paths = [p for p, methods in json.loads(description)["paths"].items() if "get" in methods and "{" not in p and not p.endswith("/stream")]
    for noun in ("findings?severity=all&state=all", "devices"):
        for item in json.loads(api(run, "GET", f"/api/v1/{noun}")[1])["items"]:
            paths.append(f"/api/v1/{noun.split('?')[0]}/{item['id']}")
    paths += [f"/api/v1/ledger/proof/{i}" for i in range(5)] + ["/api/v1/findings?severity=all&state=all&limit=200", "/api/v1/results?limit=200", "/api/v1/messages?limit=200"]
    return [p for p in paths if holds(api(run, "GET", p)[1])]


def looked(run, record, reason=REASON, **more):
    code, out = api(run, "POST", "/api/v1/looks", {"record": str(record), "reason": reason, **more})
    return code, out


def nowhere(run, folder, when):
    lab.ok(everything(run) == [], f"{when}: no answer of the API says it", everything(run))
    lab.ok(not holds(run.said()), f"{when}: no log says it", run.said())
    found = files(folder)
    lab.ok(found == [], f"{when}: no file holds it", found)


def no_cores(run):
    for role in lab.ROLES:
        pid = run.pid(role)
        if pid is None:
            continue  # the sensor has read its capture
        with open(f"/proc/{pid}/limits", encoding="utf-8") as f:
            core = re.search(r"Max core file size\s+(\d+)\s+(\d+)", f.read())
        lab.ok(core and core.groups() == ("0", "0"), f"{role} leaves no core file")


def messages(run):
    return {m["control_id"]: m["record"] for m in json.loads(api(run, "GET", "/api/v1/messages?limit=200")[1])["items"] if m["control_id"]}


def what_looks_show(run):
    kept = messages(run)
    for control_id, first in (("M1", 1), ("M2", 100), ("M4", 400)):
        code, out = looked(run, kept[control_id])
        wanted = marks(first, 4) + [mark(first + 30), mark(first + 41), mark(first + 52)]
        lab.ok(code == 0 and all(holds(out, m) for m in wanted), f"a look at {control_id} shows what was received", out[:500])
    others = json.loads(api(run, "GET", "/api/v1/messages?limit=200")[1])["items"]
    for protocol, wanted, withheld in (("astm", mark(201), mark(200)), ("poct1a", mark(301), None)):
        record = next(m["record"] for m in others if m["protocol"] == protocol and m["results"] > 0)
        code, out = looked(run, record)
        lab.ok(code == 0 and holds(out, wanted), f"a look at a message of {protocol} shows it", out[:500])
        if withheld:
            lab.ok(not holds(out, withheld), "but not the password in its header")
    code, out = looked(run, kept["M1"], **{"as": "file"})
    lab.ok(out == hl7("M1", 1, "5.1")[1:-2], "as a file it is the bytes that were received")
    code, out = looked(run, kept["M6"])
    body = json.loads(out)["items"][0]["body"]
    lab.ok(body["cut"] and body["kept"] == 262144 and body["bytes"] > 262144 and body["sha256"], "of a message over 256 KiB the beginning is kept, with the digest of the whole", {k: v for k, v in body.items() if k != "lines"})
    lab.ok(holds(out, HOSTILE) and b"\x1b" not in out, "a hostile message is shown as text, its control characters escaped")
    found = json.loads(api(run, "GET", "/api/v1/findings?severity=all&kind=result.altered")[1])["items"]
    if lab.ok(len(found) == 1, "the changed result is a finding", found):
        record = json.loads(api(run, "GET", "/api/v1/findings/" + found[0]["id"])[1])
        code, out = looked(run, record["records"][-1])
        values = [f["text"] for i in json.loads(out)["items"] if i["body"] for line in i["body"]["lines"] if line["name"] == "OBX" for f in line["fields"] if f["number"] == 5]
        lab.ok(values[0] == "5.1" and values[2] == "9.7", "a look at it shows both messages, the earlier one first", values)
        packets = record["evidence"]["packets"]
        code, out = looked(run, packets[0]["record"])
        lab.ok(out[:4] == b"\x0a\x0d\x0d\x0a" and holds(out, mark(1)) and len(out) == packets[0]["bytes"], "its packets are a pcapng file", packets)
        path = os.path.join(os.path.dirname(run.data), "evidence.pcapng")
        with open(path, "wb") as f:
            f.write(out)
        stats = subprocess.run([lab.TOURNIQUET, "sense", "--stats", path], capture_output=True, text=True)
        os.remove(path)
        told = json.loads(stats.stdout.splitlines()[-1])
        lab.ok(told["packets"] == packets[0]["packets"] and told["hl7_messages"] >= 1, "which we read again", told)


def refusals(run):
    record = messages(run)["M1"]
    for reason in ("", "because", "no reason"):
        code, out = looked(run, record, reason)
        lab.ok(code == 2 and not holds(out), f"no look for the reason '{reason}'", out)
    events = json.loads(api(run, "GET", "/api/v1/ledger/records?limit=20")[1])["items"]
    lab.ok(sum(e["event"] == "request.refused" for e in events) == 3, "and each refusal is on the ledger", events)


class Page:
    def __init__(self, run):
        self.run = run
        self.tls = ssl.create_default_context(cafile=os.path.join(run.data, "authority.pem"))
        self.headers = {"Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        c = http.client.HTTPSConnection("localhost", self.run.port, context=self.tls, timeout=60)
        try:
            c.request(method, path, json.dumps(body) if body is not None else None, self.headers)
            answer = c.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            c.close()

    def set_up(self):
        code = re.search(r"\b([0-9A-Z]{5}-[0-9A-Z]{5})\b", self.run.said())[1]
        status, headers, body = self.ask("POST", "/api/v1/setup", {"code": code, "name": "ana", "display_name": "Ana", "password": PASSWORD})
        self.headers["Cookie"] = headers["set-cookie"].split(";")[0]
        self.headers["X-CSRF"] = json.loads(body)["csrf"]
        return status == 201


def through_the_page(run):
    page = Page(run)
    lab.ok(page.set_up(), "signed in at the page")
    record = str(messages(run)["M2"])
    console = run.pid("console")
    needle = mark(102).encode()
    readable = os.geteuid() == 0
    if readable:
        lab.ok(not lab.memory_holds(console, needle), "the console knows nothing of it")
    status, headers, body = page.ask("POST", "/api/v1/looks", {"record": record, "reason": REASON})
    lab.ok(status == 403 and not holds(body), "at the page no look without the password", body)
    status, headers, body = page.ask("POST", "/api/v1/looks", {"record": record, "reason": REASON, "password": "seven grey herons walk"})
    lab.ok(status == 403 and not holds(body), "nor with a wrong one", body)
    for _ in range(3):
        status, headers, body = page.ask("POST", "/api/v1/looks", {"record": record, "reason": REASON, "password": PASSWORD})
    lab.ok(status == 200 and holds(body, needle.decode()), "with the right one it is shown", (status, body[:300]))
    lab.ok(headers.get("cache-control") == "no-store", "and no cache keeps it", headers)
    if readable:
        lab.ok(lab.wait(lambda: not lab.memory_holds(console, needle)), "a moment later the console's memory holds nothing of it")
        lab.ok(lab.wait(lambda: not lab.memory_holds(console, PASSWORD.encode())), "nor the password")
    else:
        lab.skip("the console's memory holds nothing of it", "only root may look")
    status, headers, body = page.ask("GET", "/api/v1/looks?person=ana")
    lab.ok(json.loads(body)["total"] == 3 and not holds(body), "who looked is told, what was seen is not", body)


def killed_between(run):
    """The keeper dies at any moment around a look: every answer that came has its record."""
    record = messages(run)["M1"]
    answered = 0
    asked = 0
    for n, delay in enumerate((0.0, 0.004, 0.012, 0.03, 0.06)):
        before = run.wait_pid("keeper")
        command = [lab.TOURNIQUET, "api", "--data", run.data, "POST", "/api/v1/looks", "-d", "-"]
        look = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        look.stdin.write(json.dumps({"record": str(record), "reason": f"killed at moment {n}"}).encode())
        look.stdin.close()
        time.sleep(delay)
        os.kill(before, signal.SIGKILL)
        out = look.stdout.read()
        look.wait()
        asked += 1
        answered += holds(out, mark(1))
        run.wait_pid("keeper", other_than=before)
        run.wait_api()
    items = json.loads(api(run, "GET", "/api/v1/looks?limit=200")[1])["items"]
    recorded = sum(i["reason"].startswith("killed at moment") for i in items)
    lab.ok(answered <= recorded <= asked, f"killed {asked} times: {answered} answers, {recorded} records of them", items[:8])
    code, said = lab.verify(run.data)
    lab.ok(code == 0, "and the ledger holds", said)


def main():
    with lab.Folder() as folder:
        path = os.path.join(folder, "phi.pcap")
        write_capture(path)
        kept = os.path.join(folder, "kept")
        os.mkdir(kept)
        data = os.path.join(kept, "data")
        with lab.Run(data, "--replay", path) as run:
            lab.ok(run.wait_ended(), "the capture is read", run.said())
            nowhere(run, kept, "before a look")
            no_cores(run)
            what_looks_show(run)
            refusals(run)
            through_the_page(run)
            nowhere(run, kept, "after looks")
        with lab.Run(data) as run:
            run.wait_api()
            lab.ok(everything(run) == [], "a store rebuilt says nothing of it either")
        with lab.Run(os.path.join(kept, "deaths"), "--replay", path) as run:  # another ledger: nobody looks more than ten times a minute, the local socket neither
            lab.ok(run.wait_ended(), "the capture is read again", run.said())
            killed_between(run)
            nowhere(run, kept, "after deaths")
    lab.finish()


main()
