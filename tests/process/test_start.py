"""How a run starts and stops: wrong configurations, taken ports and folders, unusable captures, signals; every time one clear line and the promised status."""
import json
import os
import signal
import socket
import subprocess

import lab


def run_once(*arguments, seconds=180):
    done = subprocess.run([lab.TOURNIQUET, "run", "--unprivileged", *arguments], capture_output=True, text=True, timeout=seconds)
    return done.returncode, done.stdout, done.stderr


def with_config(folder, text):
    path = os.path.join(folder, "wrong.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return run_once("-c", path)


def with_data(folder, data):
    """On a port of its own: another program may have the one that is used where nothing is said."""
    return with_config(folder, f'data: "{data}"\nconsole: {{ listen: "127.0.0.1:{lab.free_port()}" }}\n')


def wrong_configurations(folder):
    cases = (
        ("site: a\ncapure: []\n", ":2:1:", 'unknown key "capure"'),
        ("site: a b\n", ":1:7:", "expected a name"),
        ("site: a\nsite: b\n", ":2:1:", "twice"),
        ("data: var/lib\n", ":1:7:", "absolute path"),
        ("console: { listen: 127.0.0.1 }\n", ":1:20:", "address:port"),
        ("console: { listen: 127.0.0.1:70000 }\n", ":1:20:", "address:port"),
        ("console: { name: 10.0.0.1 }\n", ":1:18:", "never an address"),
        ("capture: [ { } ]\n", ":1:12:", "interface is missing"),
        ("capture: { interface: eth0 }\n", ":1:10:", "a list"),
        ("relay:\n  - { name: x, listen: 10.0.0.1:1, forward: lis.example:2, protocol: smtp }\n", ":2:70:", "one of: mllp astm"),
        ("relay:\n  - { name: x, listen: 10.0.0.1:1, forward: lis.example:2, protocol: mllp, tls: { to: no } }\n", ":2:87:", "one of: off optional required"),
        ("console: &a { name: localhost }\n", ":1:10:", "anchors and aliases"),
        ("site: a\n--- \nsite: b\n", ":2:1:", "second document"),
        ("site: [\n", ":1:7:", "expected a name"),
        ("site: a\ncapture: [\n", ":3:1:", "not YAML"),
        ("- a\n", ":1:1:", "keys with values"),
    )
    for text, place, words in cases:
        status, _, said = with_config(folder, text)
        lab.ok(status == 2 and place in said and words in said, f"wrong configuration: {words} at {place.strip(':')}", f"{status} {said}")
    status, _, said = run_once("-c", os.path.join(folder, "none.yaml"))
    lab.ok(status == 2 and "none.yaml" in said, "a configuration that is not there", said)


def later_keys(folder):
    data = os.path.join(folder, "later")
    port = lab.free_port()
    path = os.path.join(folder, "later.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'data: "{data}"\nconsole: {{ listen: "127.0.0.1:{port}" }}\ncapture: [ {{ interface: eth9 }} ]\n'
                "listeners: [ { for: taxii, listen: 0.0.0.0:8444, name: share.lab.example } ]\n")
    capture = lab.capture(folder, 2)[0]
    status, _, said = run_once("-c", path, "--replay", capture, "--exit")
    lab.ok(status == 0 and "interface eth9 is not listened to" in said and "share.lab.example is not served" in said, "interfaces and listeners are checked, and said not to be served", said)


def own_catalog(folder):
    own = os.path.join(folder, "catalog")
    data = os.path.join(folder, "with-catalog")
    os.mkdir(own)
    path = os.path.join(folder, "catalog.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'data: "{data}"\ncatalog: "{own}"\nconsole: {{ listen: "127.0.0.1:{lab.free_port()}" }}\n')
    capture = lab.capture(folder, 2)[0]
    with open(os.path.join(own, "ours.txt"), "w", encoding="utf-8") as f:
        f.write("maker: Roche\nmodel: cobas in room 2\nid: our-cobas\nclass: chemystry\n")
    status, _, said = run_once("-c", path, "--replay", capture, "--exit")
    lab.ok(status == 2 and "ours.txt:4:8: class: expected a class" in said, "a wrong entry of the lab's own catalog stops the start, with its place", said)
    with open(os.path.join(own, "ours.txt"), "w", encoding="utf-8") as f:
        f.write("maker: Lablink\nmodel: the bridge in room 2\nid: our-bridge\nclass: middleware\nsaid: hl7 LABLINK\nsource: set by us\nsure: seen\n")
    with lab.Run(data, "--replay", capture, more=f'catalog: "{own}"\n') as run:
        run.wait_ended()
        models = [d["model"] for d in (run.api("/api/v1/devices") or {}).get("items", [])]
        lab.ok("the bridge in room 2" in models and "XN-550" in models, "a device is named by the lab's own catalog, another by the program's", models)
    os.rename(own, own + "-gone")
    status, _, said = run_once("-c", path, "--replay", capture, "--exit")
    lab.ok(status == 2 and "catalog: " + own in said, "a folder that is not there is said", said)


def unusable_captures(folder):
    data = os.path.join(folder, "captures")
    for name, content, words in (("random", b"\x93\x11" * 500, "not a capture"), ("empty", b"", "capture"), ("cut", b"\xd4\xc3\xb2\xa1\x02\x00", "capture")):
        path = os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(content)
        port = lab.free_port()
        config = os.path.join(folder, "captures.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f'data: "{data}"\nconsole: {{ listen: "127.0.0.1:{port}" }}\n')
        status, _, said = run_once("-c", config, "--replay", path, "--exit")
        lab.ok(status == 2 and words in said, f"a capture that is {name}: status 2 and a sentence", f"{status} {said}")
    status, _, said = run_once("-c", config, "--replay", os.path.join(folder, "nowhere.pcap"), "--exit")
    lab.ok(status == 2 and "nowhere.pcap" in said, "a capture that is not there", f"{status} {said}")
    status, _, said = run_once("-c", config, "--replay", "/dev/zero", "--exit")
    lab.ok(status == 2 and "no ordinary file" in said, "a device in place of a capture", f"{status} {said}")
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger verifies after all that", line)


def taken(folder):
    data = os.path.join(folder, "taken")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        config = os.path.join(folder, "port.yaml")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f'data: "{data}"\nconsole: {{ listen: "127.0.0.1:{s.getsockname()[1]}" }}\n')
        status, _, said = run_once("-c", config)
        lab.ok(status == 2 and "another program uses this port" in said, "a port in use: status 2, and what to do", f"{status} {said}")
    with lab.Run(data) as run:
        lab.ok(run.wait_api() is not None, "the first run on a folder works", run.said())
        status, _, said = with_data(folder, data)
        lab.ok(status == 2 and "another Tourniquet is running on" in said, "a second run on the same folder is refused", f"{status} {said}")
        lab.ok(run.wait_api() is not None, "the first one does not mind", run.said())
    if os.geteuid() == 0:
        status, _, said = with_data(folder, "/proc/tourniquet")
    else:
        locked = os.path.join(folder, "locked")
        os.mkdir(locked, 0o500)
        status, _, said = with_data(folder, os.path.join(locked, "data"))
    lab.ok(status == 3 and "data folder" in said, "a data folder that cannot be made: status 3", f"{status} {said}")


def stopped(folder):
    capture, messages, results = lab.capture(folder, 5)
    for number in (signal.SIGTERM, signal.SIGINT):
        data = os.path.join(folder, number.name)
        with lab.Run(data, "--replay", capture) as run:
            lab.ok(run.wait_ended(), f"{number.name}: a run serves", run.said())
            pids = [run.pid(role) for role in ("detector", "keeper", "console")]
            run.process.send_signal(number)
            status, _ = run.finish(180)
            lab.ok(status == 0, f"{number.name}: it stops with status 0", f"{status} {run.said()}")
            lab.ok(all(p and not os.path.exists(f"/proc/{p}") for p in pids), f"{number.name}: no process is left")
            lab.ok("did not stop in time" not in run.said(), f"{number.name}: every role stopped by itself", run.said())
        lab.ok(lab.verify(data)[0] == 0, f"{number.name}: the ledger verifies", lab.verify(data))
    with lab.Run(data) as run:
        run.wait_api()
        def events():
            return [r["event"] for r in (run.api("/api/v1/ledger/records?limit=20") or {"items": []})["items"]]

        lab.ok(lab.wait(lambda: {"run.stopped", "run.started"} <= set(events())), "start and stop stand on the ledger", events())
        answer = run.api("/api/v1/messages?limit=1")
        lab.ok(answer and answer["total"] == messages, "a later run shows what the first one kept", answer)


def privileges(folder):
    capture = lab.capture(folder, 2)[0]
    unprivileged = os.geteuid() != 0
    with lab.Run(os.path.join(folder, "privileges"), "--replay", capture, unprivileged=unprivileged) as run:
        lab.ok(run.wait_ended(), "it runs", run.said())
        uids = set()
        for role in ("detector", "keeper", "console"):
            with open(f"/proc/{run.pid(role)}/status", encoding="utf-8") as f:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            lab.ok(status["Seccomp"] == "2" and status["NoNewPrivs"] == "1", f"{role}: seccomp and no_new_privs", status)
            lab.ok(int(status["CapEff"], 16) == 0 and int(status["CapPrm"], 16) == 0, f"{role}: no capability", status)
            uids.add(status["Uid"].split()[0])
            if not unprivileged:
                lab.ok(int(status["CapBnd"], 16) == 0 and status["Groups"].strip() == "", f"{role}: empty bounding set, no groups", status)
            fds = os.listdir(f"/proc/{run.pid(role)}/fd") if os.geteuid() == 0 else []
            lab.ok(len(fds) < 24, f"{role}: few descriptors", fds)
        if unprivileged:
            lab.skip("every role has its own uid", "needs root")
        else:
            lab.ok(len(uids) == 3 and "0" not in uids, "every role has its own uid, none is root", uids)


COURSE = """---
id: everyone
title: Our own
about: Ours.
for: everyone
language: en
version: 1
minutes: 3
pass: 80
source: here | Our lab | page 1
---

## One
minutes: 3

Text of ours.[^here]

![A tube with its label](pictures/tube.svg)
"""


def own_courses(folder):
    """Beside a catalog of their own, so that both come through the one file that is handed over."""
    own = os.path.join(folder, "courses")
    catalog = os.path.join(folder, "catalog-too")
    data = os.path.join(folder, "with-courses")
    os.makedirs(os.path.join(own, "pictures"))
    os.mkdir(catalog)
    path = os.path.join(folder, "courses.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'data: "{data}"\ncourses: "{own}"\nconsole: {{ listen: "127.0.0.1:{lab.free_port()}" }}\n')
    capture = lab.capture(folder, 2)[0]
    with open(os.path.join(own, "ours.md"), "w", encoding="utf-8") as f:
        f.write(COURSE)
    status, _, said = run_once("-c", path, "--replay", capture, "--exit")
    lab.ok(status == 2 and "ours.md:18:1: there is no picture pictures/tube.svg" in said, "a course of the lab's own without its picture stops the start", said)
    with open(os.path.join(own, "pictures", "tube.svg"), "w", encoding="utf-8") as f:
        f.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>A tube</title></svg>')
    with open(os.path.join(catalog, "ours.txt"), "w", encoding="utf-8") as f:
        f.write("maker: Lablink\nmodel: the bridge in room 2\nid: our-bridge\nclass: middleware\nsaid: hl7 LABLINK\nsource: set by us\nsure: seen\n")
    with lab.Run(data, "--replay", capture, more=f'catalog: "{catalog}"\ncourses: "{own}"\n') as run:
        run.wait_ended()
        models = [d["model"] for d in (run.api("/api/v1/devices") or {}).get("items", [])]
        courses = (run.api("/api/v1/courses") or {}).get("items", [])
        titles = [c["title"] for c in courses if c["id"] == "everyone"]
        lab.ok(titles == ["Our own"] and "the bridge in room 2" in models, "a lab's own course takes the place of the program's", (titles, models))
        whole = run.api("/api/v1/courses/everyone") or {}
        lab.ok(whole.get("own") is True and whole["lessons"][0]["text"][1]["picture"] == "tube.svg", "it is shown with its picture", whole)


def course_verb(folder):
    def course(*asked):
        done = subprocess.run([lab.TOURNIQUET, "course", *asked], capture_output=True, text=True)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    status, every, _ = course("list")
    lab.ok(status == 0 and len(every) >= 8 and all(c["pool"] >= 12 and not c["own"] for c in every), "the program's courses are listed", every)
    status, one, _ = course("show", "bench")
    lab.ok(status == 0 and one[0]["lessons"][0]["scenario"]["answers"], "one is shown with its questions", one)
    lab.ok(course("show", "nosuch")[0] == 2 and course("check")[0] == 2 and course("dance")[0] == 2, "wrong use is told by status 2")
    own = os.path.join(folder, "verb")
    os.makedirs(os.path.join(own, "pictures"))
    with open(os.path.join(own, "good.md"), "w", encoding="utf-8") as f:
        f.write(COURSE)
    with open(os.path.join(own, "bad.md"), "w", encoding="utf-8") as f:
        f.write(COURSE.replace("Text of ours.", "Text of <b>ours</b>."))
    with open(os.path.join(own, "pictures", "tube.svg"), "w", encoding="utf-8") as f:
        f.write('<svg xmlns="http://www.w3.org/2000/svg"><title>A tube</title></svg>')
    status, checked, said = course("check", os.path.join(own, "good.md"), os.path.join(own, "bad.md"), os.path.join(own, "none.md"))
    lab.ok(status == 1 and [c["valid"] for c in checked] == [True, False, False] and "bad.md:16:9: no HTML" in said, "files are checked, good and bad, with the place", (checked, said))
    lab.ok(any("scenario" in n["text"] for n in checked[0]["notes"]), "what could be better is told as notes", checked[0])
    os.remove(os.path.join(own, "bad.md"))
    status, every, _ = course("list", "--courses", own)
    lab.ok(status == 0 and [c["title"] for c in every if c["id"] == "everyone"] == ["Our own"], "a lab's own course takes the place of the program's", every)


def settings(folder):
    data = os.path.join(folder, "settings")

    def told(run, times):
        """Every such act, newest first, once there are so many."""
        run.wait_api()
        return lab.wait(lambda: (lambda items: items if len(items) >= times else None)(run.api("/api/v1/acts?event=config")["items"])) or run.api("/api/v1/acts?event=config")["items"]

    with lab.Run(data) as run:
        first = told(run, 1)
        lab.ok(first and len(first) == 1 and first[0]["why"] == "the first start" and "retention" in first[0]["object"], "what lab.yaml says at the first start is on the record", first)
    with lab.Run(data, more="backup: { every: 12h }\n") as run:
        then = told(run, 2)
        names = then[0]["object"].split(", ") if then else []
        lab.ok(len(then) == 2 and "backup" in names and "retention" not in names and "site" not in names, "what changed before another start is told by its name", then)
        words = json.dumps([{k: v for k, v in act.items() if k != "time"} for act in then])  # a time may have any digits
        lab.ok("12h" not in words and "43200" not in words, "and not what it says", then)


def document():
    done = subprocess.run([lab.TOURNIQUET, "run", "--keys"], capture_output=True, text=True)
    path = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "configuration.md")
    with open(path, encoding="utf-8") as f:
        lab.ok(done.stdout == f.read(), "docs/configuration.md is current (else: tourniquet run --keys > docs/configuration.md)")


with lab.Folder() as scratch:
    wrong_configurations(scratch)
    later_keys(scratch)
    own_catalog(scratch)
    own_courses(scratch)
    course_verb(scratch)
    unusable_captures(scratch)
    taken(scratch)
    stopped(scratch)
    privileges(scratch)
    settings(scratch)
    document()
lab.finish()
