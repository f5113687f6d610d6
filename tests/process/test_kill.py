"""kill -9 of every role, again and again, while a capture is read: restarted, nothing lost, nothing twice, the ledger holds."""
import os
import random
import signal
import time

import lab

ROUNDS = 2
SEED = int(os.environ.get("KILL_SEED", "1"))


def undisturbed(folder, path):
    with lab.Run(os.path.join(folder, "undisturbed"), "--replay", path, "--exit") as run:
        return run.finish()[1]


def kill_during_replay(folder, path, messages, results):
    random.seed(SEED)
    calm = undisturbed(folder, path)
    data = os.path.join(folder, "data")
    with lab.Run(data, "--replay", path, "--exit") as run:
        run.wait_pid("sensor")
        run.signal("sensor", signal.SIGSTOP)  # nothing is read before the keeper is at work: one that dies before it ever was ends the run
        lab.ok(run.wait_api() is not None, "the keeper is at work", run.said())
        run.signal("sensor", signal.SIGCONT)
        killed = []
        for role in ("sensor", "detector", "keeper") * ROUNDS:
            # The keeper is held still for a moment, so that bytes are in flight on all sides when the blow comes.
            if run.wait_pid("sensor") is None:
                break
            time.sleep(random.uniform(0.002, 0.03))
            run.signal("keeper", signal.SIGSTOP)
            time.sleep(0.05)
            victim = run.pid(role)
            if run.signal(role, signal.SIGKILL):
                killed.append(role)
            if role != "keeper":
                run.signal("keeper", signal.SIGCONT)
            run.wait_pid(role, other_than=victim)
        status, counts = run.finish()
        lab.ok(len(killed) >= 5, f"roles were killed while the capture was read (seed {SEED}): {' '.join(killed)}", run.said())
        lab.ok(status == 0 and counts is not None and counts["durable"], "the capture is durable to its end all the same", run.said())
        counts = counts or {}
        lab.ok((counts.get("messages"), counts.get("results")) == (messages, results), f"counts: {messages} messages, {results} results", counts)
        lab.ok(all(counts.get(k) == calm[k] for k in ("packets", "records", "findings")), "all other counts are those of a run that nobody disturbed", (counts, calm))
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger verifies", line)
    found = lab.kept(data)
    lab.ok(found == (messages, results), f"on the ledger: {messages} messages, {results} results: none lost, none twice", found)


def kill_while_serving(folder, path):
    data = os.path.join(folder, "serving")
    with lab.Run(data, "--replay", path) as run:
        lab.ok(run.wait_ended(), "the capture is read", run.said())

        def restarts():
            return [r["summary"] for r in (run.api("/api/v1/ledger/records?limit=50") or {"items": []})["items"] if r["event"] == "role.restarted"]

        for n, role in enumerate(("console", "detector", "keeper")):
            before = run.pid(role)
            others = {r: run.pid(r) for r in ("console", "detector", "keeper") if r != role}
            run.signal(role, signal.SIGKILL)
            after = run.wait_pid(role, other_than=before)
            lab.ok(after is not None, f"the {role} was killed and is started again", run.said())
            lab.wait(lambda: len(restarts()) > n)  # it is durable before the next blow
            lab.ok(all(run.pid(r) == p for r, p in others.items()), f"its siblings were not restarted for the {role}", run.said())
        answer = run.wait_api("/api/v1/messages?limit=1")
        lab.ok(answer is not None and answer["total"] > 0, "the keeper answers again with all that it knew", run.said())
        lab.ok(lab.wait(lambda: len(restarts()) >= 3) and len(restarts()) == 3, "each restart stands on the ledger", restarts())
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger verifies", line)


def kill_supervisor(folder, path, messages, results):
    data = os.path.join(folder, "orphans")
    with lab.Run(data, "--replay", path) as run:
        pids = [run.wait_pid(role) for role in ("sensor", "detector", "keeper", "console")]
        lab.ok(all(pids), "every role is there", run.said())
        run.process.kill()
        run.process.wait()
        lab.ok(lab.wait(lambda: not any(p and os.path.exists(f"/proc/{p}") for p in pids)), "without its supervisor every role ends by itself", pids)
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger verifies", line)
    with lab.Run(data) as run:
        lab.ok(run.wait_api() is not None, "a new run starts on the same folder", run.said())


with lab.Folder() as scratch:
    capture, message_count, result_count = lab.capture(scratch, 120)
    kill_during_replay(scratch, capture, message_count, result_count)
    short = os.path.join(scratch, "short")
    os.mkdir(short)
    kill_while_serving(scratch, lab.capture(short, 5)[0])
    kill_supervisor(scratch, capture, message_count, result_count)
lab.finish()
