"""What happens to a link is told: each kind of finding comes when its cause is there, with the answer that the protocol has, and ends with it.
usage: test_relay_told.py TOURNIQUET"""
import calendar
import os
import signal
import time

import lab
import links

FULL = 5  # messages that may wait


def finding(run, kind, name):
    """The newest finding of this kind about this link."""
    items = (run.api(f"/api/v1/findings?state=all&severity=all&kind={kind}&limit=50") or {"items": []})["items"]
    return next((f for f in items if f"Link {name}:" in f["title"]), None)


def told(run, kind, name, severity, why):
    hit = lab.wait(lambda: finding(run, kind, name))
    if lab.ok(hit and hit["severity"] == severity, f"{why}: {kind}, {severity}", [(f["kind"], f["severity"], f["title"]) for f in links.found(run)]):
        whole = run.api(f"/api/v1/findings/{hit['id']}") or {}
        lab.ok(len(whole.get("advice") or "") > 20, f"{kind} says what to do", whole)
    return hit


def ended(run, kind, name, why):
    lab.ok(lab.wait(lambda: (finding(run, kind, name) or {}).get("state") == "dismissed"), f"{why}: {kind} ends by itself", finding(run, kind, name))


def queue_of(run, name):
    return (links.link(run, name) or {}).get("queue", {}).get("messages")


def away(run, port, at):
    """The LIS is away: told, kept, alarmed before it is full, and full; then it comes back."""
    with links.Analyzer(port) as a:
        answers = [a.ask(links.message(f"Q{i}"), 20) for i in range(FULL)]
        lab.ok(answers == [("AA", f"Q{i}") for i in range(FULL)], "while the LIS is away, what there is room for is acknowledged", answers)
        told(run, "link.queue", "queue", "high", "four fifths of the queue are full")
        a.say(links.message("Q5"))
        full = told(run, "link.stopped", "queue", "critical", "the queue is full")
        lab.ok(full and "queue is full" in full["title"], "and that it is, not that this machine is broken", full)
        lab.ok(a.hear(2) is None, "what finds no room is not acknowledged")
        told(run, "link.down", "queue", "high", "the LIS cannot be reached for ten seconds")
        shown = links.link(run, "queue")
        lab.ok(shown["queue"]["messages"] == shown["queue"]["max"] == FULL and shown["queue"]["oldest_at"] and shown["state"] == "degraded" and shown["why"],
               "GET /links shows the queue, its cap, the oldest of it, and why", shown)
        with links.Lis(port=at) as lis:
            lab.ok(a.hear(90) == ("AA", "Q5"), "the LIS is back: what waited is acknowledged, too")
            wanted = [f"Q{i}" for i in range(FULL + 1)]
            lab.ok(lab.wait(lambda: lis.controls() == wanted), "all of it arrives, in order, once", lis.controls())
            for kind in ("link.down", "link.queue", "link.stopped"):
                ended(run, kind, "queue", "afterwards")
            shown = links.link(run, "queue")
            lab.ok(shown["delay_ms"]["p99"] < 10000 and not finding(run, "link.delayed", "queue"), "that the LIS was away is no delay that the link adds", shown["delay_ms"])


def waits_since(run, port):
    """How long a message waits is counted from when it was taken, by the next relay, too."""
    def shown():
        return (links.link(run, "queue") or {}).get("queue", {})
    with links.Analyzer(port) as a:
        lab.ok(a.ask(links.message("W1"), 20) == ("AA", "W1"), "the LIS is away again: one more is taken")
    first = lab.wait(lambda: shown().get("messages") == 1 and shown().get("oldest_at"))
    time.sleep(3)
    before = run.pid("relay")
    run.signal("relay", signal.SIGKILL)
    run.wait_pid("relay", other_than=before)
    lab.ok(lab.wait(lambda: shown().get("messages") == 1 and seconds(shown()["oldest_at"]) - seconds(first) < 2), "the next relay says since when it waits", (first, shown()))


def seconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def refused(run, port, lis, refuses):
    """The LIS refuses a message for good: it is put aside, and a person hears which one it is. Sent again, it is delivered."""
    refuses.add("R1")
    with links.Analyzer(port) as a:
        lab.ok([a.ask(links.message(f"R{i}")) for i in range(3)] == [("AA", f"R{i}") for i in range(3)], "three messages are taken")
        told(run, "link.undelivered", "refuses", "high", "the LIS refuses one of them three times")
        told(run, "link.rejected", "refuses", "low", "each time that it does")
        lab.ok(lab.wait(lambda: lis.controls() == ["R0", "R1", "R1", "R1", "R2"]), "the next one goes on its way behind it", lis.controls())
        aside = lab.wait(lambda: (links.link(run, "refuses") or {}).get("undelivered")) or [{}]
        lab.ok(len(aside) == 1 and aside[0].get("control_id") == "R1" and aside[0]["results"] == 1 and aside[0]["type"] == "ORU^R01", "GET /links says which one it is", aside)
        record = run.api(f"/api/v1/ledger/records?from={aside[0].get('record', 0)}&limit=1") or {"items": [{}]}
        lab.ok(record["items"][0].get("event") == "lab.message", "and where it stands on the ledger", record)
        refuses.clear()
        content = next(c for c in lis.taken if links.field(c, "MSH", 10) == "R1")
        before = len(lis.taken)
        lab.ok(a.ask(content) == ("AA", "R1"), "the LIS is mended, and it is sent again from the analyzer")
        lab.ok(lab.wait(lambda: lis.taken[before:] == [content]), "then it is delivered", lis.controls()[before:])
        time.sleep(1.5)
        since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        accepted = next(c for c in lis.taken if links.field(c, "MSH", 10) == "R0")
        lab.ok(a.ask(accepted) == ("AA", "R0"), "one that the LIS had taken is sent again, too")
        replay = lab.wait(lambda: links.found(run, "result.replayed"))
        lab.ok(replay and len(replay) == 1 and replay[0]["first_time"] >= since, "that is told as a replay, and the other one was not", replay)
    kinds = {f["kind"] for f in links.found(run) if f["severity"] in ("medium", "high", "critical")}
    lab.ok(not kinds & {"result.altered", "result.altered_in_transit", "result.extra", "result.missing"}, "none of it is taken for tampering", kinds)


def error_end_to_end(run, port, refuses):
    refuses.add("E1")
    with links.Analyzer(port) as a:
        lab.ok(a.ask(links.message("E1")) == ("AR", "E1"), "end to end, the LIS's no is what the analyzer hears")
    told(run, "link.rejected", "plain", "low", "and it is told")
    refuses.clear()


def for_another(run, port):
    """A whole panel comes again with the very same values, as another specimen's."""
    def panel(control, of):
        return links.message(control, value=f"{3 + of % 3}.{of % 10}", more="".join(f"OBX|{2 + i}|NM|{2951 + i}-2^Analyte {i}^LN||{130 + (of * 7 + i * 13) % 61}|mmol/L|||||F\r" for i in range(5)))
    with links.Analyzer(port) as a:
        lab.ok([a.ask(panel(f"V{i}", i)) for i in range(12)] == [("AA", f"V{i}") for i in range(12)], "twelve panels pass")
        lab.ok(a.ask(panel("V99", 5)) == ("AA", "V99"), "and one of them again, for another specimen and patient")
    told = lab.wait(lambda: links.found(run, "result.replayed", "as those of another"))
    lab.ok(told and len(told) == 1 and told[0]["severity"] in ("medium", "high"), "which is told", told)


def with_a_picture(run, port):
    """Five megabytes, as a report or a histogram has: too many to be examined, and on record all the same, as it came and as it went."""
    with links.Analyzer(port) as a:
        content = links.message("LARGE1", more="OBX|2|ED|PDF^Report^L||" + "A" * (5 << 20) + "|||||F\r")
        lab.ok(a.ask(content) == ("AA", "LARGE1"), "a message of five megabytes passes")

    def legs():
        items = (run.api("/api/v1/messages?limit=200") or {"items": []})["items"]
        return sorted((m["leg"], m["side"]) for m in items if m.get("link") == "plain" and m["bytes"] == len(content))
    lab.ok(lab.wait(lambda: legs() == [("forwarded", "lis"), ("received", "analyzer")]), "it is on the ledger as it came and as it went on", legs())
    lab.ok(not finding(run, "link.unrecorded", "plain"), "so nothing passed without a record")


def in_clear(run, port):
    """TLS is optional, and the LIS has none."""
    with links.Analyzer(port) as a:
        lab.ok(a.ask(links.message("C1")) == ("AA", "C1"), "where TLS is optional and the LIS has none, messages pass in clear")
    told(run, "link.clear", "clear", "low", "which is told")


def policy(run, port, lis):
    with links.Analyzer(port) as a:
        lab.ok(a.ask(links.message("P1")) == ("AA", "P1"), "a message that the policy allows passes")
        lab.ok(a.ask(links.message("P2", application="OTHER")) == ("AA", "P2"), "one of another sender passes where the link flags")
        told(run, "link.flagged", "policy", "low", "and is told")
        lab.ok(a.ask(links.message("P3", kind="ADT^A01^ADT_A01")) == ("AA", "P3"), "one of another type passes, too")
        both = lab.wait(lambda: [t for t in ("sender", "type") if links.found(run, "link.flagged", t)] == ["sender", "type"], 30)
        lab.ok(both, "and is told by its own reason at once, not a minute later", links.found(run, "link.flagged"))
    lab.ok(lis.controls()[-3:] == ["P1", "P2", "P3"], "all of them reached the LIS", lis.controls())


def queries(run, port, lis):
    """Both kinds of acknowledgement, as MSH-15 and MSH-16 ask."""
    def enhanced(control, accept, application):
        return links.message(control).replace(b"|P|2.5.1|||||", f"|P|2.5.1|||{accept}|{application}|".encode())
    with links.Analyzer(port) as a:
        lab.ok(a.ask(enhanced("A1", "AL", "NE"), 20) == ("CA", "A1"), "MSH-15 AL: CA, by ourselves")
        lab.ok(a.ask(enhanced("A2", "NE", "AL"), 20) == ("AA", "A2"), "MSH-16 AL alone: AA")
        a.say(enhanced("A3", "NE", "NE"))
        lab.ok(a.ask(enhanced("A4", "AL", "NE"), 20) == ("CA", "A4"), "both NE: no answer; the next one is answered")
    lab.ok(lab.wait(lambda: lis.controls()[-4:] == ["A1", "A2", "A3", "A4"]), "each of them arrives once, in order", lis.controls()[-6:])


def no_certificate(run, port):
    told(run, "link.no_certificate", "bare", "high", "the authority that lab.yaml names is not there")
    lab.ok("certificate" in ((links.link(run, "bare") or {}).get("why") or ""), "and says so itself", links.link(run, "bare"))


def main():
    refuses = set()

    def answer(content):
        control = links.field(content, "MSH", 10)
        code = "AR" if control in refuses else "CA" if links.field(content, "MSH", 15) == "AL" else "AA"
        return None if links.field(content, "MSH", 15) == links.field(content, "MSH", 16) == "NE" else links.acknowledge(content, code)

    with lab.Folder() as folder, links.Lis(answer) as lis, links.Lis() as clear, links.Lis() as judged:
        ports = {n: lab.free_port() for n in ("queue", "refuses", "plain", "clear", "policy", "bare")}
        absent = lab.free_port()
        store = {"mode": "store-and-forward"}
        at = {"queue": absent, "refuses": lis.port, "plain": lis.port, "clear": clear.port, "policy": judged.port, "bare": lis.port}
        more = {"queue": {**store, "queue_max": FULL}, "refuses": store, "clear": {"tls": {"to": "optional"}},
                "policy": {"policy": {"senders": ["CHEM"], "types": ["ORU^R01"]}, "unknown": "flag"}, "bare": {"tls": {"to": "required", "authority": os.path.join(folder, "none.pem")}}}
        configured = [{"name": n, "listen": f"127.0.0.1:{ports[n]}", "forward": f"127.0.0.1:{at[n]}", "protocol": "mllp", **more.get(n, {})} for n in ports]
        with lab.Run(os.path.join(folder, "data"), more=links.yaml(*configured)) as run:
            lab.ok(links.listening(ports["queue"]), "the links listen", run.said())
            away(run, ports["queue"], absent)
            waits_since(run, ports["queue"])
            refused(run, ports["refuses"], lis, refuses)
            queries(run, ports["refuses"], lis)
            error_end_to_end(run, ports["plain"], refuses)
            for_another(run, ports["plain"])
            with_a_picture(run, ports["plain"])
            in_clear(run, ports["clear"])
            policy(run, ports["policy"], judged)
            no_certificate(run, ports["bare"])
        status, said = lab.verify(os.path.join(folder, "data"))
        lab.ok(status == 0, "the ledger holds", said)
    lab.finish()


main()
