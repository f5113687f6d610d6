"""Who is on a simulated lab's network, by the whole program: devices and their models, instruments behind a terminal server, what people say, lists; and all of
it again after a restart, from the ledger. On the corpus's lab, if it is there: every analyzer, each once."""
import json
import os
import signal
import subprocess
import time

import lab

# docs/simulate.md: who is there. Makers and models are what the catalog knows of the headers that the simulated analyzers send.
EXPECTED = {
    "10.20.20.101": ("analyzer", "Mindray"),
    "10.20.20.102": ("analyzer", "Abbott"),
    "10.20.10.103": ("analyzer", "Roche"),
    "10.20.20.104": ("analyzer", "Sysmex"),
    "10.20.10.70": ("analyzer", "Siemens Healthineers"),
    "10.20.10.80": ("analyzer", "Nova Biomedical"),
    "10.20.20.11": ("middleware", None),
    "10.20.10.11": ("middleware", None),
    "10.20.10.10": ("lis", None),
    "10.20.20.40": ("network", None),
}


def devices(run):
    """All devices, page by page."""
    items, cursor = [], ""
    while True:
        page = run.api(f"/api/v1/devices?limit=200{cursor}")
        if page is None:
            return None
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = "&cursor=" + page["next"]


def ask(run, method, path, body=None, if_match=None):
    command = [lab.TOURNIQUET, "api", "--data", run.data, method, path]
    command += ["-d", "-"] if body is not None else []
    command += ["--if-match", if_match] if if_match is not None else []
    done = subprocess.run(command, input=body, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def at(items, ip):
    return next((d for d in items if ip in d["ip"]), None)


def check_identity(items):
    wrong = []
    for ip, (role, maker) in EXPECTED.items():
        d = at(items, ip)
        if d is None or d["role"] != role or (maker is not None and d["maker"] != maker):
            wrong.append((ip, d and (d["role"], d["maker"], d["model"])))
    lab.ok(not wrong, "every device of the lab is what it is", wrong)
    server = at(items, "10.20.20.40")
    behind = [d for d in items if server is not None and d["behind"] == server["id"]]
    lab.ok(server is not None and server["instruments"] == 2 and sorted(d["maker"] or "" for d in behind) == ["Bio-Rad", "Sysmex"],
           "two instruments stand behind the terminal server", [(d["title"], d["maker"]) for d in behind])
    lab.ok(all(d["role"] == "analyzer" and d["messages"] > 0 and d["serial"] for d in behind), "each with its own messages and serial number", behind)
    clocks = [d["clock_skew_s"] for d in items if d["role"] in ("analyzer", "middleware", "lis") and d["clock_skew_s"] is not None]
    lab.ok(len(clocks) >= 6 and all(abs(c) <= 60 for c in clocks), "clocks are right, whatever their zone", clocks)


def check_decisions(run, items):
    xn = at(items, "10.20.20.104")
    path = f"/api/v1/devices/{xn['id']}"
    detail = run.api(path)
    lab.ok(any(w["record"] is not None and "ASTM header" in w["text"] for w in detail["why"]), "it says why, with a record", detail["why"])
    lab.ok(sum(detail["hours"]) == detail["messages"] and sum(r["count"] for r in detail["reports"]) > 0, "hours and tests are counted",
           (detail["hours"], detail["messages"]))
    told = ask(run, "PATCH", path, json.dumps({"owner": "Haematology", "criticality": "high"}), detail["etag"])
    lab.ok(told.get("owner") == "Haematology", "a person's word is taken", told)
    joined = ask(run, "POST", path + "/join", json.dumps({"other": at(items, "10.20.20.101")["id"]}), told["etag"])
    lab.ok(sorted(joined.get("ip", [])) == ["10.20.20.101", "10.20.20.104"], "two are one when a person says so", joined)
    split = ask(run, "POST", path + "/split", json.dumps({"address": "10.20.20.101"}), joined["etag"])
    lab.ok(split.get("ip") == ["10.20.20.104"], "and two again", split)
    listed = "name,ip,place\nFridge,10.20.10.99,Cellar\nOffice label printer,10.20.10.30,Office\n"
    preview = ask(run, "POST", "/api/v1/devices/import", listed)
    lab.ok(preview.get("counts", {}).get("create") == 1 and preview["counts"]["change"] == 1, "a list is looked at", preview)
    done = ask(run, "POST", "/api/v1/devices/import/" + preview["token"])
    lab.ok(done.get("saved") == 2, "and saved", done)
    told = devices(run)
    preview = ask(run, "POST", "/api/v1/devices/import", "name,ip,place\nFreezer,10.20.10.98,Attic\nFridge,10.20.10.99,Attic\nOffice label printer,10.20.10.30,Attic\n")
    done = ask(run, "POST", "/api/v1/devices/import/" + preview["token"])
    fridge = at(devices(run), "10.20.10.99")
    ask(run, "PATCH", f"/api/v1/devices/{fridge['id']}", json.dumps({"place": "Garage"}), fridge["etag"])
    undone = ask(run, "POST", f"/api/v1/devices/imports/{done['list']}/undo")
    lab.ok((undone.get("back"), undone.get("gone")) == (1, 1) and [s["fields"] for s in undone["stayed"]] == [["place"]], "one act takes a list back", undone)
    place = {d["title"]: d["place"] for d in devices(run)}
    lab.ok(len(place) == len({d["title"] for d in told}) and place["Fridge"] == "Garage" and place["Office label printer"] == "Office",
           "what was changed since stays, the rest is as before", place)
    again = ask(run, "POST", f"/api/v1/devices/imports/{done['list']}/undo")
    lab.ok(again == "" or again.get("code") == "undone", "and only once", again)


def check_torn_list(run):
    """The keeper is killed in the middle of a list: records of a hundred rows are there or not, and bringing the list again does the rest."""
    rows = 10000 - run.api("/api/v1/devices?limit=1")["total"] - 100
    sheet = "name,place\n" + "".join(f"Shelf {i},Store {i % 7}\n" for i in range(rows))
    preview = ask(run, "POST", "/api/v1/devices/import", sheet)
    lab.ok(preview["counts"]["create"] == rows and preview["cut"], f"a list of {rows} rows is looked at", preview["counts"])
    before = run.api("/api/v1/devices?limit=1")["total"]
    command = [lab.TOURNIQUET, "api", "--data", run.data, "POST", "/api/v1/devices/import/" + preview["token"]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as saving:
        until = time.monotonic() + 300  # the command itself waits a minute for its answer, in which a slow machine has saved less
        while (run.api("/api/v1/devices?limit=1") or {"total": 0})["total"] < before + 200 and time.monotonic() < until:
            pass
        keeper = run.pid("keeper")
        run.signal("keeper", signal.SIGKILL)
        saving.communicate()
        lab.ok(saving.returncode != 0, "saving it is cut short, and said to be", saving.returncode)
    run.wait_pid("keeper", other_than=keeper)
    run.wait_api("/api/v1/devices?limit=1")
    preview = ask(run, "POST", "/api/v1/devices/import", sheet)
    same, create = preview["counts"]["same"], preview["counts"]["create"]
    lab.ok(same >= 200 and same % 100 == 0 and create > 0 and same + create == rows, "whole records are there, and no row twice", preview["counts"])
    done = ask(run, "POST", "/api/v1/devices/import/" + preview["token"], sheet)
    late = not isinstance(done, dict)  # a slow machine's command no longer waits for its answer: what counts is what is saved
    lab.ok(late or done.get("saved") == create, "bringing it again saves the rest", done)
    lab.ok(lab.wait(lambda: (run.api("/api/v1/devices?limit=1") or {}).get("total") == before + rows, 300), "and every row is one device", done)


with lab.Folder() as folder:
    capture, _, _ = lab.capture(folder, 12, seed=7, attacks=())
    data = os.path.join(folder, "data")
    with lab.Run(data, "--replay", capture) as run:
        lab.ok(run.wait_ended(), "the capture is read", run.said())
        items = devices(run)
        check_identity(items)
        check_decisions(run, items)
        before, sheet, bom = devices(run), ask(run, "GET", "/api/v1/devices/export.csv"), ask(run, "GET", "/api/v1/devices/export.cdx.json")
        lab.ok(bom.get("bomFormat") == "CycloneDX" and len(bom["components"]) == len(before), "all are in the bill of materials", str(bom)[:300])
        again = ask(run, "POST", "/api/v1/devices/import", sheet)
        lab.ok(again.get("counts", {}).get("same") == len(before), "what goes out comes back unchanged", str(again)[:600])
    with lab.Run(data) as run:
        run.wait_api("/api/v1/devices?limit=1")
        lab.ok(devices(run) == before, "after a restart the ledger gives the same devices")
        check_torn_list(run)

corpus = os.path.join(os.environ.get("TOURNIQUET_CORPUS", "/nonexistent"), "pcap", "lab")
if not os.path.isdir(corpus):
    lab.skip("every analyzer of the corpus's lab", "no TOURNIQUET_CORPUS")
else:
    with open(os.path.join(corpus, "lab50.truth.json"), encoding="utf-8") as f:
        analyzers = json.load(f)["analyzers"]
    with lab.Folder() as folder, lab.Run(os.path.join(folder, "data"), "--replay", os.path.join(corpus, "lab50.pcap.zst")) as run:
        lab.ok(run.wait_ended(1200), "the corpus's lab is read", run.said())
        found = [d for d in devices(run) if d["role"] == "analyzer"]
        lab.ok(len(found) == analyzers and len({d["serial"] for d in found}) == analyzers, f"its {analyzers} analyzers, each once",
               (len(found), len({d["serial"] for d in found})))
        lab.ok(all(d["model"] and d["role_basis"] == "seen" for d in found), "each by its own words", [d["title"] for d in found if not d["model"]])
lab.finish()
