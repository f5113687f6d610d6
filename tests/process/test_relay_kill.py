"""kill -9 of relay, keeper and LIS at random under load, end to end, and store and forward over one connection and over three: what was acknowledged reached the LIS, unchanged and in order; what came
twice is what a kill cut off; the ledger verifies. usage: test_relay_kill.py TOURNIQUET MLLP_LOAD MLLP_SINK; KILL_SEED repeats a run."""
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
LONG = os.environ.get("TOURNIQUET_LONG") == "1"
SEED = int(os.environ.get("KILL_SEED") or os.environ.get("TEST_SEED") or random.randrange(1 << 30))
SECONDS = 240 if LONG else 12
CONNECTIONS = 8


class Lis:
    """mllp_sink, which may die and come back; its log stays."""

    def __init__(self, log):
        self.port, self.log, self.process = lab.free_port(), log, None
        self.start()

    def start(self):
        self.process = subprocess.Popen([SINK, str(self.port), "--log", self.log], stdout=subprocess.DEVNULL)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Watch:
    """How many messages the LIS had at every moment."""

    def __init__(self, log):
        self.log, self.had, self.over = log, [(time.monotonic(), 0)], False
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self):
        lines, at = 0, 0
        while not self.over:
            time.sleep(0.02)
            if os.path.exists(self.log):
                with open(self.log, "rb") as f:
                    f.seek(at)
                    new = f.read()
                lines, at = lines + new.count(b"\n"), at + len(new)
                self.had.append((time.monotonic(), lines))

    def lately(self, when, seconds):
        """How many came in the seconds before; the look after that moment counts, too."""
        before = max(n for at, n in self.had if at <= when - seconds or at == self.had[0][0])
        return next((n for at, n in self.had if at >= when), self.had[-1][1]) - before

    def end(self):
        self.over = True
        self.thread.join()


def mode(folder, name, rng, **more):
    data = os.path.join(folder, name.replace(", ", "-"))
    sent, arrived = data + ".sent", data + ".arrived"
    lis, port = Lis(arrived), lab.free_port()
    chemistry = {"name": "chemistry", "listen": f"127.0.0.1:{port}", "forward": f"127.0.0.1:{lis.port}", "protocol": "mllp", "mode": name.split(",")[0], **more}
    killed, blows, watch = [], [], Watch(arrived)
    with lab.Run(data, more=links.yaml(chemistry)) as run:
        lab.ok(links.listening(port), f"{name}: the link listens", run.said())
        lab.ok(run.wait_api() is not None, f"{name}: the keeper is at work", run.said())  # one that dies before it ever was ends the run
        load = subprocess.Popen([LOAD, str(port), "--connections", str(CONNECTIONS), "--rate", "400", "--warm", "0", "--seconds", str(SECONDS), "--stubborn",
                                 "--patience", "40", "--log", sent], stdout=subprocess.PIPE, text=True)
        until = time.monotonic() + SECONDS
        while time.monotonic() < until - 1:
            time.sleep(rng.uniform(0.1, 1.2))
            victim = rng.choice(("relay", "keeper", "lis"))
            if victim == "lis":
                lis.kill()
                time.sleep(rng.uniform(0, 0.5))
                lis.start()
                killed.append(victim)
            elif run.signal(victim, signal.SIGKILL):
                killed.append(victim)
                blows += [time.monotonic()] if victim == "relay" else []
        out, _ = load.communicate(timeout=300)
        lab.ok(load.returncode == 0, f"{name}, seed {SEED}: everything is acknowledged in the end, with {', '.join(f'{killed.count(v)} x {v}' for v in sorted(set(killed)))} killed",
               (out, run.said()))
        lab.ok(len(killed) >= 5, f"{name}: enough was killed", killed)
        acknowledged = links.lines_of(sent)

        def all_there():
            return {c for c, _ in acknowledged} <= {c for c, _ in links.lines_of(arrived)}

        def empty():
            shown = links.link(run, "chemistry") or {}
            return (shown.get("queue") or {}).get("messages") == 0 and shown.get("why") is None
        lab.ok(lab.wait(lambda: all_there() and empty(), 300), f"{name}: the queue empties", links.link(run, "chemistry"))
        twice = links.custody_holds(acknowledged, links.lines_of(arrived), name)
        watch.end()
        most = CONNECTIONS * len(killed) * (1 if name == "end-to-end" else 2)
        if name != "end-to-end":  # that the LIS took a message is durable within a second, on a machine that is as busy as may be: a relay that dies before comes again with it
            most += sum(watch.lately(at, 1) for at in blows)
        lab.ok(len(twice) <= most, f"{name}: {len(twice)} messages came twice, no more than kills can have cut off ({most})", twice[:10])
        if name != "end-to-end":
            told = links.found(run, "link.resent") + links.found(run, "protocol.violation", "came again")
            own = len(twice) <= CONNECTIONS * killed.count("relay")  # what no relay had on record when it died, or all of it, is the analyzer's own to send again
            lab.ok(not twice or told or own, f"{name}: that they were sent again is told", [f["title"] for f in links.found(run)])
        replayed = links.found(run, "result.replayed")
        lab.ok(not replayed, f"{name}: and nothing of it is taken for a replay", [f["title"] for f in replayed])
    lis.kill()
    status, line = lab.verify(data)
    lab.ok(status == 0, f"{name}: the ledger verifies", line)


with lab.Folder() as scratch:
    for kind, options in (("end-to-end", {}), ("store-and-forward", {}), ("store-and-forward, three", {"connections": 3})):
        mode(scratch, kind, random.Random(f"{SEED} {kind}"), **options)
lab.finish()
