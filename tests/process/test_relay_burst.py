"""A burst that is faster than the ledger, store and forward over four connections: everything that was acknowledged reached the LIS and is on the ledger once, as
received and as forwarded, though the ledger came far behind; nothing of it is taken for something wrong. Then the same with a relay, and with a keeper, that is killed in
the middle of it: when, the seed says (KILL_SEED repeats a run). And more than is ordinary, end to end: nothing is handed on to the ledger meanwhile; whoever decides
something, or signs in, is not kept waiting by it. usage: test_relay_burst.py TOURNIQUET MLLP_LOAD MLLP_SINK"""
import os
import random
import signal
import subprocess
import sys
import threading
import time

import lab
import links

LOAD, SINK = sys.argv[2:4]
CONNECTIONS = 64
RATE = 8000  # messages a second at most: more than a ledger takes on a small machine, and no more than is counted in time on a fast one
SEED = int(os.environ.get("KILL_SEED") or os.environ.get("TEST_SEED") or random.randrange(1 << 30))


def load(port, sent, *more):
    done = subprocess.run([LOAD, str(port), "--connections", str(CONNECTIONS), "--warm", "0", "--log", sent, *more], stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def on_ledger(run):
    """Control ids of the messages that the views keep (as tokens), by way."""
    legs, cursor = {"received": [], "forwarded": []}, ""
    while True:
        page = run.api("/api/v1/messages?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        for m in page["items"]:
            if not m["ack"]:
                legs[m["leg"]].append(m["control_id"])
        cursor = page.get("next")
        if not cursor:
            return legs


def all_recorded(run, most):
    """Waits until so many different ones are there, both ways; returns what is."""
    until, legs = time.monotonic() + 600, {}
    while time.monotonic() < until:
        legs = on_ledger(run)
        if all(len(set(legs[leg])) >= most for leg in legs):
            break
        time.sleep(1)
    return legs


def how_far(run, pages=600):
    """What the ledger's newest relay.behind says; None: it is not among the records that the views keep. Tens of thousands may follow it: what came meanwhile."""
    cursor = ""
    for _ in range(pages):
        page = run.api("/api/v1/ledger/records?limit=200" + (f"&cursor={cursor}" if cursor else "")) or {"items": []}
        said = [r["summary"] for r in page["items"] if r["event"] == "relay.behind"]
        cursor = page.get("next")
        if said or not cursor:
            return said[0] if said else None
    return None


def burst(scratch, name, kill):
    data = os.path.join(scratch, name)
    sent, arrived, port, lis = data + ".sent", data + ".arrived", lab.free_port(), lab.free_port()
    sink = subprocess.Popen([SINK, str(lis), "--log", arrived], stdout=subprocess.DEVNULL)
    chemistry = {"name": "chemistry", "listen": f"127.0.0.1:{port}", "forward": f"127.0.0.1:{lis}", "protocol": "mllp", "mode": "store-and-forward",
                 "connections": 4, "queue_max": 1000000}
    with lab.Run(data, more=links.yaml(chemistry)) as run:
        lab.ok(links.listening(port), f"{name}: the link listens", run.said())
        lab.ok(run.wait_api() is not None, f"{name}: the keeper is at work", run.said())
        away = []

        def blow():
            """How long the keeper was away is noted: after ten seconds the relay rightly tells that nobody records."""
            before, since = run.pid("keeper"), time.monotonic()
            if kill and run.signal(kill, signal.SIGKILL) and kill == "keeper":
                run.wait_pid("keeper", other_than=before)
                run.wait_api()
                away.append(time.monotonic() - since)

        killer = threading.Timer(chance.uniform(0.3, 1.9), blow)
        killer.start()
        status, said = load(port, sent, "--seconds", "2", "--rate", str(RATE), *(("--stubborn", "--patience", "60") if kill else ()))
        killer.join()
        lab.ok(status == 0, f"{name}: it is acknowledged", (said, run.said()))
        acknowledged = {c for c, _ in links.lines_of(sent)}
        legs = all_recorded(run, len(acknowledged))
        for leg, ids in legs.items():
            lab.ok(len(set(ids)) >= len(acknowledged), f"{name}: {len(acknowledged)} messages are on the ledger as {leg}", (len(set(ids)), run.said()))
        twice = links.custody_holds(links.lines_of(sent), links.lines_of(arrived), name)
        # without a kill, and but for what the load gave up waiting for at its end, each once
        lab.ok(kill == "relay" or (not twice and all(len(ids) == len(set(ids)) for ids in legs.values())), f"{name}: each once", (twice[:5], {k: len(v) for k, v in legs.items()}))
        wrong = [f for f in links.found(run) if f["kind"].startswith("result.") or f["kind"] in ("link.unrecorded", "link.stopped") or
                 (f["kind"] == "link.spooled" and max(away, default=0) < 8)]
        lab.ok(not wrong, f"{name}: and nothing is told that is not so", [(f["kind"], f["title"]) for f in wrong][:5])
        if kill == "relay":
            far = lab.wait(lambda: (how_far(run) or "").endswith("whole") or None, seconds=180)
            lab.ok(far, f"{name}: the ledger tells that all of it is there", how_far(run))
        print("#", *[line for line in run.said().splitlines() if "only the relay's spool had" in line])
    sink.terminate()
    sink.wait()
    status, line = lab.verify(data)
    lab.ok(status == 0, f"{name}: the ledger verifies", line)


def end_to_end(scratch):
    """Ten seconds of 800 messages a second, each answered by the LIS alone."""
    data = os.path.join(scratch, "through")
    sent, arrived, port, lis = data + ".sent", data + ".arrived", lab.free_port(), lab.free_port()
    sink = subprocess.Popen([SINK, str(lis), "--log", arrived], stdout=subprocess.DEVNULL)
    chemistry = {"name": "chemistry", "listen": f"127.0.0.1:{port}", "forward": f"127.0.0.1:{lis}", "protocol": "mllp"}
    with lab.Run(data, more=links.yaml(chemistry)) as run:
        lab.ok(links.listening(port) and run.wait_api() is not None, "through: it is at work", run.said())
        ended = []
        loader = threading.Thread(target=lambda: ended.append(load(port, sent, "--seconds", "10", "--rate", "800", "--stubborn", "--patience", "60")))
        loader.start()
        behind = lab.wait(lambda: [x for x in run.api("/api/v1/links")["items"] if "the ledger comes behind" in (x.get("why") or "")], seconds=9)
        lab.ok(behind, "through: the link says that the ledger comes behind", run.api("/api/v1/links"))
        since = time.monotonic()
        made = subprocess.run([lab.TOURNIQUET, "api", "--data", data, "POST", "/api/v1/people", "-d", "-"], input='{"name": "robin", "why": "a burst"}', capture_output=True, text=True, check=False)
        took = time.monotonic() - since
        lab.ok(made.returncode == 0 and run.api("/api/v1/people/robin") and took < (20 if lab.SANITIZED else 5), "through: somebody who decides meanwhile sees it at once", (made, took))
        loader.join()
        acknowledged = {c for c, _ in links.lines_of(sent)}
        lab.ok(ended[0][0] == 0 and len(acknowledged) > 4000, "through: it is acknowledged", (ended, len(acknowledged), run.said()))
        legs = all_recorded(run, len(acknowledged))
        twice = links.custody_holds(links.lines_of(sent), links.lines_of(arrived), "through")
        lab.ok(not twice and all(len(ids) == len(set(ids)) >= len(acknowledged) for ids in legs.values()), "through: each is on the ledger once, both ways",
               (twice[:5], {k: (len(v), len(set(v))) for k, v in legs.items()}))
        said = lab.wait(lambda: [x for x in run.api("/api/v1/links")["items"] if not x.get("why")], seconds=30)
        lab.ok(said, "through: and the link says nothing of it any more", run.api("/api/v1/links"))
        lab.ok((how_far(run) or "").endswith("whole"), "through: the ledger tells that all of it is there", how_far(run))
        wrong = [f for f in links.found(run) if f["kind"].startswith(("result.", "link."))]
        lab.ok(not wrong, "through: and nothing is told that is not so", [(f["kind"], f["title"]) for f in wrong][:5])
    sink.terminate()
    sink.wait()
    status, line = lab.verify(data)
    lab.ok(status == 0, "through: the ledger verifies", line)


with lab.Folder() as folder:
    chance = random.Random(SEED)
    print(f"# seed {SEED}")
    end_to_end(folder)
    burst(folder, "burst", None)
    burst(folder, "killed", "relay")
    burst(folder, "unkept", "keeper")
lab.finish()
