"""A bad wire on both sides of a link: cuts, half-open connections, bytes one by one, frames that are lost, late, twice or out of order. Nothing that was acknowledged
is lost, changed or out of order. usage: test_relay_wire.py TOURNIQUET MLLP_LOAD MLLP_SINK BAD_WIRE"""
import ctypes
import os
import random
import subprocess
import sys
import threading
import time

import lab
import links

LOAD, SINK, WIRE = sys.argv[2:5]
LONG = os.environ.get("TOURNIQUET_LONG") == "1"
SEED = int(os.environ.get("TEST_SEED") or random.randrange(1 << 30))
SECONDS = 120 if LONG else 6


def wire(port, to, seed, *knobs):
    return links.Program(WIRE, "proxy", seed, port, to, *knobs, ready=lambda: links.listening(port))


def cuts(folder, mode):
    arrived, sent = os.path.join(folder, mode + ".arrived"), os.path.join(folder, mode + ".sent")
    analyzer_port, link_port, lis_wire, lis_port = (lab.free_port() for _ in range(4))
    sink = links.Program(SINK, lis_port, "--log", arrived, ready=lambda: links.listening(lis_port))
    chemistry = {"name": "chemistry", "listen": f"127.0.0.1:{link_port}", "forward": f"127.0.0.1:{lis_wire}", "protocol": "mllp", "mode": mode}
    behind = wire(lis_wire, lis_port, SEED + 1, "delay=3", "drip=5", "cut=4", "half=1")
    with lab.Run(os.path.join(folder, mode), more=links.yaml(chemistry)) as run:
        lab.ok(links.listening(link_port), f"{mode}: the link listens", run.said())
        before = wire(analyzer_port, link_port, SEED, "delay=3", "drip=5", "cut=4", "half=1")
        done = subprocess.run([LOAD, str(analyzer_port), "--connections", "8", "--warm", "0", "--seconds", str(SECONDS), "--stubborn", "--patience", "40", "--log", sent],
                              stdout=subprocess.PIPE, text=True, check=False)
        lab.ok(done.returncode == 0, f"{mode}, seed {SEED}: everything is acknowledged in the end", (done.stdout, run.said()))
        acknowledged = links.lines_of(sent)
        lab.ok(lab.wait(lambda: {c for c, _ in acknowledged} <= {c for c, _ in links.lines_of(arrived)}, 300), f"{mode}: the queue empties", links.link(run, "chemistry"))
        did = [before.end(), behind.end()]
        lab.ok(all(w and w["cut"] + w["half"] > 0 for w in did), f"{mode}: both wires were bad", did)
        twice = links.custody_holds(acknowledged, links.lines_of(arrived), mode)
        cut = sum(w["cut"] + w["half"] for w in did) * 2
        lab.ok(len(twice) <= cut, f"{mode}: {len(twice)} messages came twice, no more than were cut off ({cut})", twice[:10])
    sink.end()
    status, line = lab.verify(os.path.join(folder, mode))
    lab.ok(status == 0, f"{mode}: the ledger verifies", line)


# ── frames: two network namespaces, and an Ethernet between them that is not to be relied on ──

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def enter(pid):
    with open(f"/proc/{pid}/ns/net", "rb") as f:
        libc.setns(f.fileno(), CLONE_NEWNET)


def ip(*arguments, pid=None):
    return subprocess.run(["ip", *arguments], preexec_fn=(lambda: enter(pid)) if pid else None, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def stubborn(port, number, count, acknowledged, until):
    """An analyzer that sends one message after the other, each until it is acknowledged."""
    analyzer, n = None, 0
    while n < count and time.monotonic() < until:
        content = links.message(f"C{number:05}N{n + 1:09}", value=f"{3 + n % 3}.{n % 10}")
        try:
            analyzer = analyzer or links.Analyzer(port, seconds=5, host="10.9.0.2")
            answer = analyzer.ask(content, 5)
        except OSError:
            answer = None
        if answer is not None and answer[0] == "AA":
            acknowledged.append((answer[1], content))
            n += 1
        elif analyzer is not None:
            analyzer.sock.close()
            analyzer = None


def frames(folder):
    name = "frames lost, late, twice, out of order"
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun") or libc.unshare(CLONE_NEWNET) != 0:
        lab.skip(name, "no root, or no tap devices")
        return
    other = subprocess.Popen(["sleep", "3600"], preexec_fn=lambda: libc.unshare(CLONE_NEWNET), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.2)
    try:
        cable = links.Program(WIRE, "frames", SEED, f"/proc/{other.pid}/ns/net", "delay=20", "lose=40", "twice=20", "dark=400")
        if cable.process.stdout.readline() != "ready\n":
            lab.skip(name, "no tap devices")
            return
        made = ip("link", "set", "lo", "up") and ip("addr", "add", "10.9.0.1/24", "dev", "bad0") and ip("link", "set", "bad0", "up")
        made = made and all(ip(*a, pid=other.pid) for a in (("link", "set", "lo", "up"), ("addr", "add", "10.9.0.2/24", "dev", "bad1"), ("link", "set", "bad1", "up")))
        lab.ok(made, "two namespaces and a cable between them")
        over_frames(folder, cable, other.pid, name)
    finally:
        other.kill()
        other.wait()


def over_frames(folder, cable, there, name):
    arrived = os.path.join(folder, "frames.arrived")
    lis_port, link_port = lab.free_port(), lab.free_port()
    sink = subprocess.Popen([SINK, str(lis_port), "--log", arrived], preexec_fn=lambda: enter(there), stdout=subprocess.DEVNULL)
    chemistry = {"name": "chemistry", "listen": f"10.9.0.2:{link_port}", "forward": f"127.0.0.1:{lis_port}", "protocol": "mllp"}
    acknowledged = []
    with lab.Run(os.path.join(folder, "frames"), more=links.yaml(chemistry), preexec=lambda: enter(there)) as run:
        lab.ok(lab.wait(lambda: run.pid("relay")), "the relay runs in the other namespace", run.said())
        until = time.monotonic() + (600 if LONG else 240)
        threads = [threading.Thread(target=stubborn, args=(link_port, i, 400 if LONG else 25, acknowledged, until)) for i in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        did = cable.end()
        lab.ok(len(acknowledged) == 4 * (400 if LONG else 25), f"{name}, seed {SEED}: everything is acknowledged in the end", (len(acknowledged), did, run.said()))
        lab.ok(did and did["lose"] > 0 and did["twice"] > 0, "the cable was bad", did)
    sink.terminate()
    sink.wait()
    ids = [c for c, _ in links.lines_of(arrived)]
    lab.ok(all(c in ids for c, _ in acknowledged), f"{name}: each acknowledged message reached the LIS", [c for c, _ in acknowledged if c not in ids][:5])
    status, line = lab.verify(os.path.join(folder, "frames"))
    lab.ok(status == 0, f"{name}: the ledger verifies", line)


with lab.Folder() as scratch:
    for kind in ("end-to-end", "store-and-forward"):
        cuts(scratch, kind)
    frames(scratch)
lab.finish()
