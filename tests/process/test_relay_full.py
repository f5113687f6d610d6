"""What happens when the relay can keep no more: it reads no more from analyzers that it answers itself, before something that it has read finds no room. Whoever
waits keeps its connection, and each message is answered AA once and arrives once, when there is room again."""
import ctypes
import os
import signal
import subprocess
import threading
import time

import lab
import links

PADDING = "Z" * 180000
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17


def large(control):
    """A result with a report in it, as large as a link that stores and forwards takes about."""
    return links.message(control, more=f"OBX|2|ED|REPORT^Report^L||^application^pdf^Base64^{PADDING}||||||F\r")


class Sender(threading.Thread):
    """An analyzer that sends one message after another over one connection, each when the one before was answered."""

    def __init__(self, port, name, most, content=large):
        super().__init__(daemon=True)
        self.name, self.most, self.content = name, most, content
        self.analyzer = links.Analyzer(port)
        self.answers, self.sent, self.stop, self.broken = [], 0, False, False
        self.start()

    def run(self):
        while self.sent < self.most and not self.stop:
            control = f"{self.name}{self.sent:05}"
            self.sent += 1
            try:
                answer = self.analyzer.ask(self.content(control), 600)
            except OSError:
                answer = None
            if answer is None:
                self.broken = True
                return
            self.answers.append((answer, control))

    def rest(self):
        self.stop = True
        self.join(300)


def stand_still(senders, seconds=120):
    """Waits until nobody has been answered for 3 s."""
    until, count, since = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < until:
        now = sum(len(s.answers) for s in senders)
        if now != count:
            count, since = now, time.monotonic()
        elif time.monotonic() - since > 3:
            return True
        time.sleep(0.1)
    return False


def all_went_on(senders, lis, name):
    """Each message of each was answered AA, once, on the one connection that it had; and the LIS has each once."""
    for s in senders:
        s.rest()
    lab.ok(not any(s.broken for s in senders), f"{name}: each analyzer keeps its connection", [(s.name, s.sent, len(s.answers)) for s in senders])
    wrong = [(a, c) for s in senders for a, c in s.answers if a != ("AA", c)]
    lab.ok(not wrong and all(len(s.answers) == s.sent for s in senders), f"{name}: each message is answered AA, once", wrong[:5])
    time.sleep(1)
    more = [s.name for s in senders if s.analyzer.hear(0.01) is not None]
    lab.ok(not more, f"{name}: and by no second answer", more)
    wanted = sorted(c for s in senders for _, c in s.answers)
    lab.wait(lambda: len(lis.taken) >= len(wanted))
    time.sleep(1)
    got = sorted(lis.controls())
    lab.ok(got == wanted, f"{name}: the LIS has each of {len(wanted)}, once", (len(got), [c for c in wanted if c not in got][:5], [c for c in set(got) if got.count(c) > 1][:5]))
    for s in senders:
        s.analyzer.sock.close()


def two_links(name, lis, other):
    ports = lab.free_port(), lab.free_port()
    return ports, links.yaml({"name": name, "listen": f"127.0.0.1:{ports[0]}", "forward": f"127.0.0.1:{lis.port}", "protocol": "mllp", "mode": "store-and-forward"},
                             {"name": "through", "listen": f"127.0.0.1:{ports[1]}", "forward": f"127.0.0.1:{other.port}", "protocol": "mllp"})


def spool_full(folder):
    """A small disk, and nobody who writes the ledger: the spool gets as large as it may."""
    data = os.path.join(folder, "small")
    os.mkdir(data)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=280m,mode=0700", "none", data], capture_output=True).returncode != 0:
        lab.skip("a small disk", "needs a mount")
        return
    lis, other = links.Lis(), links.Lis()
    ports, more = two_links("chem", lis, other)
    try:
        with lab.Run(data, more=more, beside=folder) as run:
            run.wait_api()
            links.listening(ports[0])
            lab.wait(lambda: (links.link(run, "chem") or {}).get("state") == "up")
            keeper = run.pid("keeper")
            run.signal("keeper", signal.SIGSTOP)
            half = links.Analyzer(ports[0])
            begun = links.frame(large("HALF"))
            senders = [Sender(ports[0], name, 4000) for name in "ABCD"]
            lab.wait(lambda: sum(len(s.answers) for s in senders) >= 4)
            half.sock.sendall(begun[:4000])  # it is in the middle of a message when nothing is read any more
            lab.ok(stand_still(senders), "nobody records, and the spool fills: then nothing is read")
            free = os.statvfs(data)
            lab.ok(free.f_bavail * free.f_frsize > 150 << 20, "before the disk is full: what is in the spool has to go on the ledger", free.f_bavail * free.f_frsize >> 20)
            through = links.Analyzer(ports[1])
            lab.ok(through.ask(links.message("T1"))[0] == "AA", "end to end, messages go on")
            late = links.Analyzer(ports[0])
            late.say(links.message("LATE"))
            half.sock.settimeout(300)
            threading.Thread(target=lambda: half.sock.sendall(begun[4000:]), daemon=True).start()
            time.sleep(65)  # longer than a message may take from its first byte to its last
            lab.ok(late.hear(0.1) is None and not late.frames.ended, "who connects meanwhile waits")
            for s in senders:
                s.stop = True
            os.kill(keeper, signal.SIGCONT)
            lab.ok(half.hear(120) == ("AA", "HALF"), "the keeper is back: a message in whose middle we stopped reading is taken", half.frames.ended)
            lab.ok(late.hear(120) == ("AA", "LATE"), "and that of who came later")
            told = lambda: (run.api("/api/v1/findings?state=all&severity=all&kind=link.stopped") or {"items": []})["items"]
            lab.ok(lab.wait(lambda: [f for f in told() if "spool is full" in f["title"] and f["state"] == "dismissed"], 120),
                   "that nothing was taken is told, and why, and ends by itself", told())
            lis_wanted = ("HALF", "LATE")
            lab.wait(lambda: all(c in lis.controls() for c in lis_wanted))
            lab.ok(all(lis.controls().count(c) == 1 for c in lis_wanted), "both arrive, once")
            lis.taken[:] = [c for c in lis.taken if links.field(c, "MSH", 10) not in lis_wanted]
            all_went_on(senders, lis, "full spool")
            lab.ok(not links.found(run, "protocol.violation", "not finished in time"), "nobody who was not read is called slow")
            lab.ok(lab.wait(lambda: (links.link(run, "chem") or {}).get("state") == "up", 120), "and the link is up again", links.link(run, "chem"))
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
    finally:
        lis.close()
        other.close()
        subprocess.run(["umount", "-l", data], check=False)


def disk_stands(folder):
    """The disk takes nothing for some seconds, as one that is failing does: what comes meanwhile waits in memory, and there is not room for all."""
    libc = ctypes.CDLL(None, use_errno=True)
    trace = lambda what, task: libc.ptrace(ctypes.c_long(what), ctypes.c_long(task), ctypes.c_void_p(0), ctypes.c_void_p(0))
    data = os.path.join(folder, "stands")
    lis, other = links.Lis(), links.Lis()
    ports, more = two_links("chem", lis, other)
    with lab.Run(data, more=more) as run:
        run.wait_api()
        links.listening(ports[0])
        lab.wait(lambda: (links.link(run, "chem") or {}).get("state") == "up")
        thread = max(int(t) for t in os.listdir(f"/proc/{run.pid('relay')}/task"))  # the spool's own: the last that was begun
        keeper = run.pid("keeper")
        os.kill(keeper, signal.SIGSTOP)
        if trace(SEIZE, thread) != 0 or trace(INTERRUPT, thread) != 0:
            lab.skip("a disk that stands still", "needs ptrace")
            os.kill(keeper, signal.SIGCONT)
            return
        senders = [Sender(ports[0], f"{n:02}", 3) for n in range(120)]
        lab.ok(stand_still(senders), "the disk stands still: nothing is answered", sum(len(s.answers) for s in senders))
        told = sum(len(s.answers) for s in senders)
        lab.ok(told == 0, "since nothing is safe", told)
        through = links.Analyzer(ports[1])
        lab.ok(through.ask(links.message("T1"))[0] == "AA", "end to end, messages go on without a record")
        trace(DETACH, thread)
        os.kill(keeper, signal.SIGCONT)
        all_went_on(senders, lis, "standing disk")
    status, said = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", said)
    lis.close()
    other.close()


with lab.Folder() as folder:
    disk_stands(folder)
    spool_full(folder)
lab.finish()
