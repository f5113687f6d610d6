"""A role that stands still, and a disk that is full: the others go on, nothing is lost."""
import os
import resource
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import lab


def page(run, path, seconds=5):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"https://localhost:{run.port}{path}", context=context, timeout=seconds) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code
    except OSError as e:
        return str(e)


def wait_page(run, path, wanted, seconds=90):
    until = time.monotonic() + seconds
    got = None
    while time.monotonic() < until:
        got = page(run, path)
        if got == wanted:
            return True
        time.sleep(0.1)
    return got


def standing_still(folder, path, messages, results):
    data = os.path.join(folder, "still")
    with lab.Run(data, "--replay", path) as run:
        run.wait_pid("console")
        run.signal("console", signal.SIGSTOP)
        lab.ok(run.wait_ended(), "with the console stopped, the capture is read and kept", run.said())
        run.signal("console", signal.SIGCONT)
        lab.ok(wait_page(run, "/readyz", 200) is True, "the console goes on and reaches the keeper", run.said())
        run.signal("detector", signal.SIGSTOP)
        lab.ok(wait_page(run, "/readyz", 200) is True, "with the detector stopped, the page answers", run.said())
        run.signal("detector", signal.SIGCONT)
        run.signal("keeper", signal.SIGSTOP)
        lab.ok(wait_page(run, "/healthz", 200) is True, "with the keeper stopped, the console is alive", run.said())
        run.signal("keeper", signal.SIGCONT)
        answer = run.wait_api("/api/v1/messages?limit=1")
        lab.ok(answer is not None and answer["total"] == messages, "the keeper goes on where it was", answer)
    with lab.Run(os.path.join(folder, "slow"), "--replay", path, "--exit") as run:
        for _ in range(4):
            if run.wait_pid("sensor", seconds=5) is None:
                break
            for role in ("keeper", "detector"):
                run.signal(role, signal.SIGSTOP)
                time.sleep(0.15)
                run.signal(role, signal.SIGCONT)
                time.sleep(0.02)
        status, counts = run.finish()
        lab.ok(status == 0 and (counts["messages"], counts["results"]) == (messages, results), "a chain that stumbles drops nothing", (status, counts))


def stuck_at_stop(folder, path):
    with lab.Run(os.path.join(folder, "stuck"), "--replay", path) as run:
        lab.ok(run.wait_ended(), "it serves", run.said())
        run.signal("console", signal.SIGSTOP)
        run.process.send_signal(signal.SIGTERM)
        status, _ = run.finish()
        lab.ok(status == 0 and run.said().count("did not stop in time") == 1, "a role that does not stop is killed, and the rest ends in order", run.said())
    lab.ok(lab.verify(run.data)[0] == 0, "the ledger verifies", lab.verify(run.data))


def full_disk(folder, path, messages, results):
    """On a small file system of its own: full, then made larger."""
    place = os.path.join(folder, "small")
    os.mkdir(place)
    mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True).returncode == 0
    if not mounted:
        lab.skip("a full disk, then a larger one", "needs root and mount")
        return
    try:
        data = os.path.join(place, "data")
        with lab.Run(data, "--replay", path, "--exit", beside=folder) as run:  # what it says needs room, too
            lab.ok(lab.wait(lambda: "cannot" in run.said() and "No space left" in run.said()), "a full disk is named", run.said())
            lab.ok(run.process.poll() is None and run.pid("console") is not None, "the other parts go on", run.said())
            subprocess.run(["mount", "-o", "remount,size=200m", place], check=True)
            status, counts = run.finish()
            lab.ok(status == 0 and (counts["messages"], counts["results"]) == (messages, results), "with room again, all of the capture is on the ledger", (counts, run.said()))
        lab.ok(lab.verify(data)[0] == 0, "the ledger verifies", lab.verify(data))
        lab.ok(lab.kept(data) == (messages, results), "none lost, none twice", lab.kept(data))
    finally:
        subprocess.run(["umount", "-l", place], capture_output=True)


def file_limit(folder, path):
    """Without a file system of its own: files may not grow beyond a limit."""
    data = os.path.join(folder, "limit")
    with lab.Run(data, "--replay", path, preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))) as run:
        lab.wait(lambda: "cannot" in run.said())
        lab.ok("cannot" in run.said() and run.process.poll() is None, "a file that may not grow is named, and the program goes on", run.said())
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger verifies", line)


with lab.Folder() as scratch:
    capture, message_count, result_count = lab.capture(scratch, 60)
    standing_still(scratch, capture, message_count, result_count)
    stuck_at_stop(scratch, capture)
    full_disk(scratch, capture, message_count, result_count)
    file_limit(scratch, capture)
lab.finish()
