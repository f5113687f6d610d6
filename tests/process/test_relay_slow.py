"""What takes long, on the running program: a delay that the link adds itself is told with its figures, once, and ends; that of the LIS is not ours. A LIS behind a
link that stores and forwards which answers the wrong message, or never; and a sender that floods its link.
usage: test_relay_slow.py TOURNIQUET"""
import ctypes
import os
import re
import signal
import time

import lab
import links

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
LIMIT, WAIT = 1000, 3000  # ms


def finding(run, kind, name, words=""):
    items = (run.api(f"/api/v1/findings?state=all&severity=all&kind={kind}&limit=100") or {"items": []})["items"]
    return next((f for f in items if f"Link {name}:" in f["title"] and words in f["title"]), None)


def told(run, kind, name, severity, words, what):
    hit = lab.wait(lambda: finding(run, kind, name, words))
    lab.ok(hit and hit["severity"] == severity, f"{what}: {kind}, {severity}", [(f["kind"], f["severity"], f["title"]) for f in links.found(run)])
    return hit or {"title": "", "count": 0}


def p99(run, name):
    return ((links.link(run, name) or {}).get("delay_ms") or {}).get("p99") or 0


class Standing:
    """The disk of the spool takes nothing, as one that is failing, and nobody writes the ledger: an answer waits for its record."""

    def __init__(self, run):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.keeper = run.pid("keeper")
        self.thread = max(int(t) for t in os.listdir(f"/proc/{run.pid('relay')}/task"))  # the spool's own: the last that was begun
        self.good = False

    def trace(self, what):
        return self.libc.ptrace(ctypes.c_long(what), ctypes.c_long(self.thread), ctypes.c_void_p(0), ctypes.c_void_p(0)) == 0

    def __enter__(self):
        os.kill(self.keeper, signal.SIGSTOP)
        self.good = self.trace(SEIZE) and self.trace(INTERRUPT)
        return self

    def __exit__(self, *_):
        if self.good:
            self.trace(DETACH)
        os.kill(self.keeper, signal.SIGCONT)


def delayed(run, ports):
    """First the LIS is slow, then we are, then nobody is."""
    with links.Analyzer(ports["tardy"]) as a:
        lab.ok([a.ask(links.message(f"T{i}")) for i in range(3)] == [("AA", f"T{i}") for i in range(3)], "a LIS takes its time to answer")
    lab.ok(lab.wait(lambda: 0 < p99(run, "tardy")) and p99(run, "tardy") < LIMIT, "that is no delay of ours", p99(run, "tardy"))
    with Standing(run) as disk:
        if not disk.good:
            lab.skip("a link that adds delay", "needs ptrace")
            return
        with links.Analyzer(ports["late"]) as a:
            since = time.monotonic()
            lab.ok([a.ask(links.message(f"L{i}")) for i in range(2)] == [("AA", f"L{i}") for i in range(2)], "the disk stands still: answers wait for their record, as long as lab.yaml says")
            waited = (time.monotonic() - since) * 1000 / 2
            lab.ok(waited >= WAIT * 0.9, "and not less", waited)
    hit = told(run, "link.delayed", "late", "medium", "", "the link delays messages")
    figures = [int(n) for n in re.findall(r"(\d+) ms", hit["title"])]
    lab.ok(len(figures) == 2 and figures[0] >= WAIT * 0.9 and figures[1] == LIMIT, "its title says how long, and what the limit is", hit["title"])
    with links.Analyzer(ports["late"]) as a:
        lab.ok(a.ask(links.message("AGAIN")) == ("AA", "AGAIN"), "the disk is mended: one more message")
        time.sleep(3)
        lab.ok((finding(run, "link.delayed", "late") or {}).get("count") == 1, "while it lasts it is told once", finding(run, "link.delayed", "late"))
        sent = 0
        while sent < 4000 and (finding(run, "link.delayed", "late") or {}).get("state") != "dismissed":
            wrong = [i for i in range(sent, sent + 300) if a.ask(links.message(f"N{i:05}")) != ("AA", f"N{i:05}")]
            sent += 300
            if wrong:
                break
            lab.wait(lambda: (finding(run, "link.delayed", "late") or {}).get("state") == "dismissed", 3)
    lab.ok((finding(run, "link.delayed", "late") or {}).get("state") == "dismissed", "where 99 of 100 pass quickly again it ends by itself", (sent, p99(run, "late"), finding(run, "link.delayed", "late")))
    lab.ok(not finding(run, "link.delayed", "tardy"), "of the link with the slow LIS nothing of the kind was told", finding(run, "link.delayed", "tardy"))


def wrong_answers(run, port, lis, says):
    """The LIS acknowledges another message, then the right one."""
    with links.Analyzer(port) as a:
        lab.ok(a.ask(links.message("W1")) == ("AA", "W1"), "store and forward: a message is taken")
    told(run, "protocol.violation", "liar", "medium", "does not wait for one", "the LIS acknowledges another one")
    lab.ok((links.link(run, "liar") or {}).get("queue", {}).get("messages") == 1, "which does not count: it waits", links.link(run, "liar"))
    says["control"] = None
    lab.ok(lab.wait(lambda: lis.controls().count("W1") >= 2 and links.link(run, "liar")["queue"]["messages"] == 0), "it is sent again, unchanged, until the LIS says its own control id",
           (lis.controls(), links.link(run, "liar")))
    lab.ok(len(set(lis.taken)) == 1, "byte for byte", len(set(lis.taken)))


def never(run, port, lis, says):
    with links.Analyzer(port) as a:
        lab.ok([a.ask(links.message(f"S{i}")) for i in range(2)] == [("AA", "S0"), ("AA", "S1")], "a LIS that accepts and never answers: messages are taken")
    told(run, "link.unanswered", "silent", "medium", "", "which is told")
    lab.ok(lab.wait(lambda: lis.controls().count("S0") >= 2) and "S1" not in lis.controls(), "the first is asked about again, and none goes past it", lis.controls())
    says["silent"] = False
    lab.ok(lab.wait(lambda: "S1" in lis.controls() and links.link(run, "silent")["queue"]["messages"] == 0, 120), "it answers: both are delivered, in order", lis.controls())


def floods(run, port, lis):
    with links.Analyzer(port) as a:
        answers = [a.ask(links.message(f"F{i:02}")) for i in range(40)]
    codes = [code for code, _ in answers]
    lab.ok(codes[:5] == ["AA"] * 5 and "AR" in codes, "more messages in a minute than lab.yaml allows, on a link that refuses: AR", codes)
    lab.ok(len(lis.taken) == codes.count("AA"), "the LIS has those that were taken, and no others", (len(lis.taken), codes.count("AA")))
    told(run, "protocol.violation", "flood", "medium", "in a minute", "and it is told")


def main():
    says, mute = {"control": "OTHER999"}, {"silent": True}

    def tardy(content):
        time.sleep(1.5 * LIMIT / 1000)
        return links.acknowledge(content)

    with lab.Folder() as folder, links.Lis(tardy) as slow, links.Lis() as good, links.Lis(lambda c: links.acknowledge(c, control=says["control"])) as liar, \
            links.Lis(lambda c: None if mute["silent"] else links.acknowledge(c)) as silent, links.Lis() as flooded:
        store = {"mode": "store-and-forward"}
        configured = {"late": (good, {"record_wait": f"{WAIT}ms", "delay_limit": f"{LIMIT}ms"}), "tardy": (slow, {"delay_limit": f"{LIMIT}ms"}), "liar": (liar, store), "silent": (silent, store),
                      "flood": (flooded, {"policy": {"rate": 10}, "unknown": "refuse"})}
        ports = {name: lab.free_port() for name in configured}
        more = links.yaml(*({"name": n, "listen": f"127.0.0.1:{ports[n]}", "forward": f"127.0.0.1:{lis.port}", "protocol": "mllp", **rest} for n, (lis, rest) in configured.items()))
        data = os.path.join(folder, "data")
        with lab.Run(data, more=more) as run:
            if not lab.ok(all(links.listening(port) for port in ports.values()) and run.wait_api(), "the links listen", run.said()):
                lab.finish()
            floods(run, ports["flood"], flooded)
            wrong_answers(run, ports["liar"], liar, says)
            never(run, ports["silent"], silent, mute)
            delayed(run, ports)
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
    lab.finish()


main()
