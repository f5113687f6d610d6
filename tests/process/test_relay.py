"""The relay as a part of the whole: messages pass, stand on the ledger as received and as forwarded, and none that was acknowledged is lost, whoever is
killed. The analyzers and the LIS here are sockets of this process."""
import json
import os
import signal
import socket
import subprocess
import threading
import time

import lab


def oru(control, value=95):
    return (f"MSH|^~\\&|AN1|LAB|LIS|LAB|20261128200000||ORU^R01^ORU_R01|{control}|P|2.5.1\rPID|1||PAT77^^^LAB||Meier^Anna\rOBR|1|S{control}||GLU^Glucose\r"
            f"OBX|1|NM|2345-7^Glucose^LN||{value}|mg/dL|70-110|N|||F|||20261128195900\r").encode()


LOAD = 400


class Lis:
    """Listens, acknowledges with AA, and keeps what it got, in order."""

    def __init__(self, port=None):
        self.port = port or lab.free_port()
        self.got = []
        self.raw = []
        self.quiet = False
        self.socket = None
        self.connections = []

    def start(self):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", self.port))
        self.socket.listen(64)
        threading.Thread(target=self._accept, args=(self.socket,), daemon=True).start()
        return self

    def stop(self):
        for s in [self.socket] + self.connections:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.connections = []

    def _accept(self, listening):
        while True:
            try:
                c, _ = listening.accept()
            except OSError:
                return
            self.connections.append(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        held = b""
        try:
            while True:
                piece = c.recv(65536)
                if not piece:
                    return
                held += piece
                while b"\x1c\r" in held:
                    message, held = held.split(b"\x1c\r", 1)
                    message = message.lstrip(b"\x0b")
                    control = message.split(b"\r")[0].split(b"|")[9]
                    self.got.append(control.decode())
                    self.raw.append(message)
                    if not self.quiet:
                        c.sendall(b"\x0bMSH|^~\\&|LIS|LAB|AN1|LAB|20261128||ACK^R01|A" + control + b"|P|2.5.1\rMSA|AA|" + control + b"\r\x1c\r")
        except OSError:
            pass


class Analyzer:
    def __init__(self, port):
        self.port = port
        self.socket = None

    def connect(self, seconds=90):
        until = time.monotonic() + seconds
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=60)
                return self
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def send(self, message):
        """The answer's code, and how long it took; None where the connection broke or nothing came."""
        begin = time.monotonic()
        try:
            self.socket.sendall(b"\x0b" + message + b"\x1c\r")
            held = b""
            while b"\x1c\r" not in held:
                piece = self.socket.recv(65536)
                if not piece:
                    return None, 0
                held += piece
        except OSError:
            return None, 0
        for segment in held.split(b"\r"):
            if segment.startswith(b"MSA|"):
                return segment.split(b"|")[1].decode(), time.monotonic() - begin
        return None, 0

    def stubborn(self, message, seconds=120):
        """Sends until it is acknowledged, as analyzers do; how often it was sent."""
        until = time.monotonic() + seconds
        times = 0
        while time.monotonic() < until:
            if self.socket is None:
                self.connect()
            times += 1
            code, _ = self.send(message)
            if code in ("AA", "CA"):
                return times
            self.socket.close()
            self.socket = None
            time.sleep(0.1)
        return 0

    def close(self):
        if self.socket is not None:
            self.socket.close()


def frames(records, size=240):
    """ASTM frames (LIS1-A, 8.3) of a message's records."""
    out, number = [], 1
    while records:
        text, records = records[:size], records[size:]
        body = bytes([48 + number % 8]) + text + (b"\x17" if records else b"\x03")
        out.append(b"\x02" + body + b"%02X" % (sum(body) % 256) + b"\r\n")
        number += 1
    return out


def astm(number):
    return (f"H|\\^&|||Chem^1^{number}|||||||P|LIS2-A2|20261128200000\rP|1||PAT{number}||Meier^Anna\rO|1|A{number}||^^^GLU|R\r"
            f"R|1|^^^GLU|{90 + number}|mg/dL|70^110|N||F||||20261128195900\rL|1|N\r").encode()


class AstmLis(Lis):
    def _serve(self, c):
        held = b""
        message = b""
        try:
            while True:
                piece = c.recv(1)
                if not piece:
                    return
                if piece == b"\x05":
                    message, held = b"", b""
                    c.sendall(b"\x06")
                elif piece == b"\x04":
                    if message:
                        self.raw.append(message)
                        self.got.append(message.split(b"\r")[0].split(b"|")[4].decode())
                else:
                    held += piece
                    if held.endswith(b"\r\n"):
                        message += held[2:-5]
                        held = b""
                        c.sendall(b"\x06")
        except OSError:
            pass


def send_astm(port, records):
    """Whether every frame was acknowledged."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        for piece in [b"\x05"] + frames(records):
            s.sendall(piece)
            if s.recv(1) != b"\x06":
                return False
        s.sendall(b"\x04")
        time.sleep(0.2)
    return True


def over_astm(run, port, lis):
    lab.ok(all(send_astm(port, astm(i)) for i in range(3)), "ASTM, store and forward: acknowledged while the LIS is away")
    lab.ok(lab.wait(lambda: link(run, "astm").get("queue", {}).get("messages") == 3), "and waits", link(run, "astm").get("queue"))
    before = run.pid("relay")
    run.signal("relay", signal.SIGKILL)
    run.wait_pid("relay", other_than=before)
    lis.start()
    lab.ok(lab.wait(lambda: len(lis.raw) >= 3) and lis.raw == [astm(i) for i in range(3)], "a new relay delivers all of it, record for record, in order",
           f"{lis.got} {lis.raw[:1]}")
    lab.ok(lab.wait(lambda: link(run, "astm").get("queue", {}).get("messages") == 0), "and its queue is empty")
    lis.stop()


def astm_killed(run, port, lis):
    """Relay, keeper and LIS are killed under an analyzer that speaks ASTM and does not give up: what it was told is safe arrives, in order."""
    lis.start()
    lis.raw.clear()
    done, times = threading.Event(), []

    def stubborn(records):
        for n in range(1, 200):
            try:
                if send_astm(port, records):
                    return n
            except OSError:
                pass
            time.sleep(0.1)
        return 0

    def load():
        times.extend(stubborn(astm(i)) for i in range(100, 160))
        done.set()

    threading.Thread(target=load, daemon=True).start()
    kills = 0
    for who in ("relay", "keeper", "lis") * 4:
        if done.wait(1.2):
            break
        if who == "lis":
            lis.stop()
            time.sleep(0.3)
            lis.start()
            kills += 1
        elif run.signal(who, signal.SIGKILL):
            kills += 1
            run.wait_pid(who)
    done.wait(240)
    sent = [astm(i) for i in range(100, 160)]
    lab.ok(len(times) == len(sent) and all(times) and kills >= 6, f"ASTM, {kills} kills under load: every message is acknowledged in the end", (kills, times))
    lab.ok(lab.wait(lambda: all(m in lis.raw for m in sent)), "each reached the LIS, record for record", [i for i, m in enumerate(sent) if m not in lis.raw])
    first = [m for i, m in enumerate(lis.raw) if m in sent and m not in lis.raw[:i]]
    lab.ok(first == sent, "in order", [sent.index(m) for m in first])
    lab.ok(lab.wait(lambda: link(run, "astm").get("queue", {}).get("messages") == 0), "the queue is empty", link(run, "astm").get("queue"))
    again = len(lis.raw) - len(set(lis.raw))
    lab.ok(again <= kills + sum(n - 1 for n in times), f"{again} came again, no more than kills cut off", times)
    lis.stop()


def links(run):
    answer = run.api("/api/v1/links") or {"items": []}
    return {link["name"]: link for link in answer["items"]}


def link(run, name):
    return links(run).get(name) or {}


def config(end, lis_end, store, lis_store, more=""):
    return ("relay:\n"
            f"  - {{ name: chem, listen: 127.0.0.1:{end}, forward: 127.0.0.1:{lis_end}, protocol: mllp }}\n"
            f"  - {{ name: store, listen: 127.0.0.1:{store}, forward: 127.0.0.1:{lis_store}, protocol: mllp, mode: store-and-forward }}\n" + more)


def messages(run, most=5000):
    """Every lab message that the views keep, oldest first."""
    rows, cursor = [], ""
    while len(rows) < most:
        page = run.api("/api/v1/messages?limit=200" + (f"&cursor={cursor}" if cursor else ""))
        rows += page["items"]
        cursor = page.get("next")
        if not cursor:
            break
    return rows[::-1]


def counted(run, name, leg, side):
    return [m["control_id"] for m in messages(run) if m.get("link") == name and m["leg"] == leg and m["side"] == side and not m["ack"]]


def twice(controls):
    return sorted({c for c in controls if controls.count(c) > 1})


def order(run, what, name, *more):
    return subprocess.run([lab.TOURNIQUET, "link", what, name, "--data", run.data, "--why", "a test", *more], capture_output=True, text=True).returncode


def in_order(controls, prefix):
    """The first sight of each: in the order in which they were numbered?"""
    seen = [int(c[len(prefix):]) for i, c in enumerate(controls) if c.startswith(prefix) and c not in controls[:i]]
    return seen == sorted(seen)


def end_to_end(run, ports, lis):
    a = Analyzer(ports[0]).connect()
    codes = [a.send(oru(f"E{i}", 90 + i % 9))[0] for i in range(40)]
    a.close()
    lab.ok(codes == ["AA"] * 40 and lis.got == [f"E{i}" for i in range(40)], "forty messages end to end, in order", f"{codes[:3]} {lis.got[:5]}")
    lab.ok(lis.raw[7] == oru("E7", 97), "byte for byte", lis.raw[7])
    lab.wait(lambda: len(counted(run, "chem", "forwarded", "lis")) == 40)
    received, forwarded = counted(run, "chem", "received", "analyzer"), counted(run, "chem", "forwarded", "lis")
    lab.ok(received == forwarded == [f"E{i}" for i in range(40)], "on the ledger as received and as forwarded, each once", f"{received[:5]} {forwarded[:5]}")
    lab.wait(lambda: link(run, "chem").get("counters", {}).get("received") == 40)
    state = link(run, "chem")
    lab.ok(state.get("state") == "up" and state["counters"]["received"] == 40 and state["last"][0]["answer"] == "AA", "GET /links tells state, counters, answers", state)
    lab.ok(lab.wait(lambda: (run.api("/api/v1/results?limit=1") or {}).get("total", 0) >= 80), "its results are on the ledger")
    summary = lab.wait(lambda: [s for s in [run.api("/api/v1/results/summary") or {}] if s.get("as_sent") == 40])
    lab.ok(summary and summary[0]["total"] == 40, "each of them once, and told to have arrived as it was sent", run.api("/api/v1/results/summary"))
    newest = run.api("/api/v1/results?limit=1")["items"][0]["record"]
    way = run.api(f"/api/v1/results/{newest}")["way"]
    lab.ok([w["message"]["leg"] for w in way] == ["received", "forwarded"] and way[0]["record"] == way[1]["record"] == newest
           and way[0]["message"]["record"] < newest < way[1]["message"]["record"], "seen twice, and told once: the message went on unchanged", way)
    told = [m for m in messages(run) if m.get("link") == "chem" and m["leg"] == "forwarded" and m["side"] == "lis"]
    rows = run.api("/api/v1/ledger/records?limit=200")["items"]
    lab.ok(len(told) == 40 and sum(r["event"] == "lab.result" for r in rows) <= 42, "its records: one for each result that came", [r["event"] for r in rows])
    text = str(run.api("/api/v1/links")) + run.said()
    lab.ok("Meier" not in text and "PAT77" not in text, "no patient in what is shown or logged")


def stored(run, ports, lis):
    a = Analyzer(ports[1]).connect()
    codes = [a.send(oru(f"S{i}"))[0] for i in range(30)]
    lab.ok(codes == ["AA"] * 30, "while the LIS is away messages are acknowledged once they are safe", codes[:5])
    lab.ok(lab.wait(lambda: link(run, "store").get("queue", {}).get("messages") == 30), "and wait in a queue that shows", link(run, "store").get("queue"))
    a.close()
    for role in ("relay", "keeper", "detector"):
        before = run.pid(role)
        run.signal(role, signal.SIGKILL)
        run.wait_pid(role, other_than=before)
        run.wait_api()
    lab.ok(lab.wait(lambda: link(run, "store").get("queue", {}).get("messages") == 30), "relay, keeper and detector were killed: the queue is whole again",
           link(run, "store"))
    lis.start()
    lab.ok(lab.wait(lambda: len(lis.got) >= 30) and lis.got == [f"S{i}" for i in range(30)], "the LIS is back: all of it arrives once, in order",
           f"{len(lis.got)} {lis.got[:40]}")
    lab.ok(lis.raw[3] == oru("S3"), "byte for byte", lis.raw[3])
    lab.ok(lab.wait(lambda: link(run, "store").get("queue", {}).get("messages") == 0), "and the queue is empty", link(run, "store").get("queue"))
    before = run.pid("relay")
    run.signal("relay", signal.SIGKILL)
    run.wait_pid("relay", other_than=before)
    time.sleep(3)
    lab.ok(len(lis.got) == 30, "what was delivered is not delivered again by the next relay", lis.got)


def killed_under_load(run, ports, lis, who):
    """One analyzer that does not give up, a role killed again and again: nothing acknowledged is lost, order is kept."""
    prefix = "K" + who[0].upper()
    lis.got.clear()
    done = threading.Event()
    sent = {}

    def load():
        a = Analyzer(ports[1])
        for i in range(LOAD):
            sent[f"{prefix}{i}"] = a.stubborn(oru(f"{prefix}{i}"))
            time.sleep(0.01)
        a.close()
        done.set()

    threading.Thread(target=load, daemon=True).start()
    kills = 0
    while not done.is_set() and kills < 8:
        time.sleep(0.4)
        if who == "lis":
            lis.stop()
            time.sleep(0.3)
            lis.start()
            kills += 1
        elif run.signal(who, signal.SIGKILL):
            kills += 1
            n = len(sent)
            run.wait_pid(who)
            lab.wait(lambda: len(sent) > n + 1 or done.is_set()) # else only waiting would be tested
    done.wait(240)
    lab.ok(len(sent) == LOAD and all(sent.values()), f"{who} killed {kills} times under load: every message is acknowledged in the end", str(sent)[-300:])
    lab.ok(lab.wait(lambda: set(sent) <= set(lis.got)), f"{who}: every acknowledged message reached the LIS", sorted(set(sent) - set(lis.got))[:20])
    lab.ok(in_order(lis.got, prefix), f"{who}: in order", lis.got[:60])
    lab.wait(lambda: link(run, "store").get("queue", {}).get("messages") == 0)
    again = twice(lis.got)
    lab.ok(len(again) <= kills + sum(n > 1 for n in sent.values()), f"{who}: none twice but those whose acknowledgement a kill cut off", again)


def keeper_stands_still(run, ports, lis):
    lis.got.clear()
    a = Analyzer(ports[0]).connect()
    a.send(oru("W0"))
    run.signal("keeper", signal.SIGSTOP)
    taken = [a.send(oru(f"W{i}")) for i in range(1, 20)]
    run.signal("keeper", signal.SIGCONT)
    lab.ok(all(code == "AA" for code, _ in taken), "a keeper that stands still holds up no message", taken)
    lab.ok(lis.got == [f"W{i}" for i in range(20)], "all of them arrive", lis.got)
    wanted = [f"W{i}" for i in range(20)]
    got = lambda: [c for c in counted(run, "chem", "received", "analyzer") if c and c.startswith("W")]
    lab.wait(lambda: sorted(got()) == sorted(wanted))
    lab.ok(sorted(got()) == sorted(wanted), "afterwards each stands on the ledger, once", got())
    a.close()


def no_keeper(run, ports, lis):
    lis.got.clear()
    a = Analyzer(ports[0]).connect()
    b = Analyzer(ports[1]).connect()
    run.signal("keeper", signal.SIGKILL)
    one = [a.send(oru(f"N{i}"))[0] for i in range(10)]
    two = [b.send(oru(f"M{i}"))[0] for i in range(10)]
    lab.ok(one == two == ["AA"] * 10, "without a keeper both kinds of links go on", f"{one} {two}")
    run.wait_pid("keeper")
    run.wait_api()
    wanted = sorted([f"N{i}" for i in range(10)] + [f"M{i}" for i in range(10)])
    got = lambda: sorted(c for c in counted(run, "chem", "received", "analyzer") + counted(run, "store", "received", "analyzer") if c and c[0] in "NM")
    lab.wait(lambda: got() == wanted)
    lab.ok(got() == wanted, "and all stands on the ledger once it is back, each once", got())
    lab.ok(lab.wait(lambda: spooled(run.data) == 0), "the spool is empty again")
    a.close()
    b.close()


def decided(run, ports, lis):
    lis.got.clear()
    lab.ok(order(run, "hold", "chem") == 0 and lab.wait(lambda: link(run, "chem").get("state") == "held"), "a link is held", link(run, "chem"))
    a = Analyzer(ports[0]).connect()
    a.socket.settimeout(2)
    lab.ok(a.send(oru("H1"))[0] is None and lis.got == [], "then nothing goes to the LIS", lis.got)
    lab.ok(order(run, "hold", "chem", "--off") == 0 and lab.wait(lambda: lis.got == ["H1"]), "it goes on when the hold ends", lis.got)
    a.close()
    lab.ok(order(run, "bypass", "chem") == 0 and lab.wait(lambda: link(run, "chem").get("state") == "bypassed"), "a link is bypassed", link(run, "chem"))
    before = run.pid("relay")
    run.signal("relay", signal.SIGKILL)
    run.wait_pid("relay", other_than=before)
    lab.ok(lab.wait(lambda: link(run, "chem").get("state") == "bypassed"), "the next relay knows of it", link(run, "chem").get("state"))
    a = Analyzer(ports[0]).connect()
    lab.ok(a.send(oru("B1"))[0] == "AA" and "B1" in lis.got, "messages pass it", lis.got)
    a.close()
    told = lambda: any(f["kind"] == "link.bypassed" for f in (run.api("/api/v1/findings?state=open&limit=200") or {"items": []})["items"])
    lab.ok(lab.wait(told), "and a finding says so")
    lab.ok(order(run, "bypass", "chem", "--off") == 0 and lab.wait(lambda: link(run, "chem").get("state") == "up"), "the bypass ends", link(run, "chem"))
    lab.ok(lab.wait(lambda: not told()), "so does its finding")
    lab.ok(order(run, "bypass", "nosuch") == 2, "a link that is none is refused")


def post(run, path, body):
    done = subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, "POST", path, "-d", json.dumps(body)], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def kill_relay(run):
    before = run.pid("relay")
    run.signal("relay", signal.SIGKILL)
    run.wait_pid("relay", other_than=before)


def learnt(run, port, lis):
    """A new link learns from its first message on, over restarts; what it proposes a person approves, hidden names after a look; and it keeps to that."""
    lis.start()
    policy = lambda: link(run, "new").get("policy") or {}
    numbered = lambda i: oru(f"T{i}").replace(b"|LAB|", b"|LAB 12345678|", 1)  # a name with a long number in it is hidden
    lab.ok(policy().get("learnt") is None and policy().get("learning_until") is None, "a link that nobody used has learnt nothing, and its time has not begun", policy())
    a = Analyzer(port).connect()
    codes = [a.send(oru(f"T{i}"))[0] for i in range(3)] + [a.send(numbered(3))[0]]
    lab.ok(codes == ["AA"] * 4, "a link that learns lets everything pass", codes)
    a.close()
    lab.ok(lab.wait(lambda: len((policy().get("learnt") or {}).get("senders", [])) == 2), "what it learns is on the ledger at once", policy())
    since = policy()["learning_since"]
    kill_relay(run)  # nothing more comes: all that is proposed was learnt by the relay before
    proposed = lab.wait(lambda: policy().get("proposed"))
    lab.ok(proposed and proposed["types"] == ["ORU^R01"] and proposed["tests"] == ["2345-7"], "then it proposes what was usual, over a restart", proposed)
    lab.ok(policy()["learning_since"] == since, "whose time goes on, and does not begin anew", policy())
    lab.ok(len(proposed["senders"]) == 2 and proposed["hidden"] == 1 and b"12345678" not in json.dumps(proposed).encode(), "one of the senders is hidden", proposed)
    approve = {"approve": True, "unknown": "refuse", "reason": "as seen"}
    code, said = post(run, "/api/v1/links/new/policy", approve)
    lab.ok(code != 0 and "hidden" in said, "which has to be decided about", said)
    code, said = post(run, "/api/v1/links/new/policy", {**approve, "hidden": "include"})
    lab.ok(code != 0 and "look-first" in said, "and is not let pass unseen", said)
    code, said = post(run, "/api/v1/looks", {"record": str(proposed["look_at"]), "reason": "the policy of a link is to be approved"})
    lab.ok(code == 0 and "12345678" in said, "a look shows it", said)
    code, said = post(run, "/api/v1/links/new/policy", {**approve, "hidden": "include"})
    lab.ok(code == 0, "then a person approves", said)
    lab.ok(lab.wait(lambda: policy().get("unknown") == "refuse"), "and it is in force", policy())
    other = oru("T5").replace(b"ORU^R01^ORU_R01", b"ADT^A01^ADT_A01")
    stranger = oru("T6").replace(b"|LAB|", b"|LAB 12345679|", 1)
    for when in ("", ", by the next relay, too"):
        a = Analyzer(port).connect()
        lab.ok(a.send(oru("T4" + when[:1]))[0] == "AA" and a.send(numbered("4h" + when[:1]))[0] == "AA", "the usual passes, from the hidden sender as well" + when)
        lab.ok(a.send(other)[0] in ("AR", "AE", "CR") and "T5" not in lis.got, "the unusual is refused, with an answer" + when, lis.got)
        lab.ok(a.send(stranger)[0] in ("AR", "AE", "CR") and "T6" not in lis.got, "so is a sender that was not seen" + when, lis.got)
        a.close()
        if when == "":
            kill_relay(run)
    kinds = lambda: {f["kind"] for f in (run.api("/api/v1/findings?state=open&limit=200") or {"items": []})["items"]}
    lab.ok(lab.wait(lambda: "link.refused" in kinds()), "and is a finding", kinds())
    code, said = post(run, "/api/v1/links/new/policy", {"approve": False, "reason": "other tests come soon"})
    lab.ok(code == 0, "what was approved is taken back", said)
    lab.ok(lab.wait(lambda: policy().get("unknown") == "flag" and policy().get("approved") is None and policy().get("proposed") is None), "it goes by lab.yaml again", policy())
    a = Analyzer(port).connect()
    lab.ok(lab.wait(lambda: a.send(other)[0] == "AA"), "and learns anew: everything passes")
    lab.ok(lab.wait(lambda: "ADT^A01" in (policy().get("learnt") or {}).get("types", [])), "and is learnt", policy())
    a.close()
    lis.stop()


def unlock(data, *options):
    done = subprocess.run([lab.TOURNIQUET, "unlock", "--data", data, *options], input="eleven purple centrifuges hum\n", capture_output=True, text=True)
    return done.returncode


def spooled(data):
    """Bytes of the relay's spool behind which only zeros stand: room for what comes."""
    with open(os.path.join(data, "relay.spool"), "rb") as f:
        return len(f.read().rstrip(b"\0"))


def locked(folder):
    """The ledger waits for its passphrase: links work all the same."""
    data = os.path.join(folder, "locked")
    ports = (lab.free_port(), lab.free_port())
    one, two = Lis().start(), Lis().start()
    more = "root_key: passphrase\n" + config(ports[0], one.port, ports[1], two.port)
    with lab.Run(data, more=more) as run:
        lab.wait(lambda: "first passphrase" in run.said())
        lab.ok(unlock(data, "--new") == 0 and run.wait_api() is not None, "a ledger with a passphrase")
        a = Analyzer(ports[0]).connect()
        lab.ok(a.send(oru("P0"))[0] == "AA", "and a link beside it")
        a.close()
        lab.wait(lambda: len(counted(run, "chem", "received", "analyzer")) == 1)
    one.got.clear()
    with lab.Run(data, more=more) as run:
        a, b = Analyzer(ports[0]).connect(), Analyzer(ports[1])
        first = a.send(oru("L0"))[0]
        b.connect()
        codes = [a.send(oru(f"L{i}"))[0] for i in range(1, 8)] + [b.send(oru(f"Q{i}"))[0] for i in range(8)]
        lab.ok(first == "AA" and codes == ["AA"] * 15, "locked: both kinds of links go on", codes)
        lab.ok(lab.wait(lambda: two.got == [f"Q{i}" for i in range(8)]) and one.got == [f"L{i}" for i in range(8)], "and deliver", f"{one.got} {two.got}")
        lab.ok(spooled(data) > 0, "their records wait in the spool")
        with open(os.path.join(data, "relay.spool"), "rb") as f:
            lab.ok(b"Meier" not in f.read(), "where nobody can read them")
        a.close()
        b.close()
        lab.ok(unlock(data) == 0 and run.wait_api() is not None, "it is unlocked")
        wanted = sorted([f"L{i}" for i in range(8)] + [f"Q{i}" for i in range(8)])
        got = lambda: sorted(c for c in counted(run, "chem", "received", "analyzer") + counted(run, "store", "received", "analyzer") if c and c[0] in "LQ")
        lab.wait(lambda: got() == wanted)
        lab.ok(got() == wanted, "then each stands on the ledger, once", got())
        lab.ok(lab.wait(lambda: spooled(data) == 0), "and the spool is empty")
        time.sleep(2)
        lab.ok(two.got == [f"Q{i}" for i in range(8)], "nothing is delivered twice over it", two.got)
    status, said = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", said)
    one.stop()
    two.stop()


def away(folder):
    """Nobody records: messages go on, which is told; when the keeper is back, what was spooled meanwhile is on the ledger, and judged."""
    data = os.path.join(folder, "away")
    ports = (lab.free_port(), lab.free_port())
    one, two = Lis().start(), Lis().start()
    with lab.Run(data, more=config(ports[0], one.port, ports[1], two.port)) as run:
        run.wait_api()
        a, b = Analyzer(ports[0]).connect(), Analyzer(ports[1]).connect()
        lab.ok(a.send(oru("W0"))[0] == "AA" and b.send(oru("X0"))[0] == "AA", "two links, and a keeper")
        lab.ok(lab.wait(lambda: "X0" in counted(run, "store", "received", "analyzer")), "that records")
        run.signal("keeper", signal.SIGSTOP)
        run.signal("detector", signal.SIGSTOP)
        codes = [a.send(oru("W1", 95000))[0], a.send(oru("W2"))[0], b.send(oru("X1", 96000))[0]]
        lab.ok(codes == ["AA"] * 3 and one.got == ["W0", "W1", "W2"], "nobody records: both kinds of links go on", f"{codes} {one.got}")
        time.sleep(12)
        lab.ok(a.send(oru("W3"))[0] == "AA", "for as long as it takes")
        size = lambda: spooled(data)
        lab.ok(lab.wait(lambda: size() > 0), "their records wait in the spool")
        a.close()
        b.close()
        before = run.pid("relay")
        for role in ("relay", "detector"):  # so that nothing but the spool has them
            run.signal(role, signal.SIGKILL)
        run.signal("keeper", signal.SIGCONT)
        run.wait_pid("relay", other_than=before)
        wanted = ["W0", "W1", "W2", "W3", "X0", "X1"]
        got = lambda: sorted(counted(run, "chem", "received", "analyzer") + counted(run, "store", "received", "analyzer"))
        lab.ok(lab.wait(lambda: got() == wanted), "then each stands on the ledger, once", got())
        lab.ok(lab.wait(lambda: size() == 0), "and the spool is empty")
        found = lambda kind: [f["title"] for f in (run.api("/api/v1/findings?severity=all&limit=200") or {"items": []})["items"] if f["kind"] == kind]
        lab.ok(lab.wait(lambda: found("result.implausible")), "what was spooled is judged: an impossible value is a finding", found("result.implausible"))
        lab.ok(lab.wait(lambda: len(found("link.spooled")) == 2), "and that the ledger was not written is one, for each link", found("link.spooled"))
        lab.ok(not found("result.replayed") and not found("result.extra"), "nothing of it is taken for a replay, or for a result that came from nowhere",
               found("result.replayed") + found("result.extra"))
        told = lambda: sum((link(run, n).get("counters") or {}).get("spooled", 0) for n in ("chem", "store"))
        a = Analyzer(ports[0]).connect()
        for n, stands in enumerate((2, 6, 20, 60)):  # a keeper that stands still sees nobody's counts: how long it has to, the machine says
            run.signal("keeper", signal.SIGSTOP)
            a.send(oru(f"W{4 + n}"))
            time.sleep(stands)
            run.signal("keeper", signal.SIGCONT)
            if lab.wait(lambda: told() >= 1, 30):
                break
        lab.ok(told() >= 1, "what goes by the spool is counted", told())
        a.close()
    status, said = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", said)
    one.stop()
    two.stop()


def no_room(folder):
    """A disk that takes nothing any more, and no keeper: end to end goes on, store and forward does not say that anything is safe."""
    data = os.path.join(folder, "full")
    os.mkdir(data)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=0700", "none", data], capture_output=True).returncode != 0:
        lab.skip("a spool without room", "needs a mount")
        return
    ports = (lab.free_port(), lab.free_port())
    one, two = Lis().start(), Lis().start()
    try:
        with lab.Run(data, more=config(ports[0], one.port, ports[1], two.port)) as run:
            run.wait_api()
            a, b = Analyzer(ports[0]).connect(), Analyzer(ports[1]).connect()
            lab.ok(a.send(oru("F0"))[0] == "AA" and b.send(oru("G0"))[0] == "AA", "two links on a small disk")
            run.signal("keeper", signal.SIGSTOP)
            with open(os.path.join(data, "ballast"), "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                except OSError:
                    pass
            time.sleep(0.5)
            big = [a.send(oru(f"F{i}"))[0] for i in range(1, 12)]
            lab.ok(big == ["AA"] * 11 and one.got == [f"F{i}" for i in range(12)], "no room and no keeper: end to end goes on", f"{big} {one.got}")
            b.socket.settimeout(4)
            lab.ok(b.send(oru("G1"))[0] not in ("AA", "CA"), "store and forward acknowledges nothing that is not safe")
            b.close()
            os.unlink(os.path.join(data, "ballast"))
            b = Analyzer(ports[1])
            lab.ok(b.stubborn(oru("G1")) > 0, "there is room again: it is taken")
            run.signal("keeper", signal.SIGCONT)
            wanted = [f"F{i}" for i in range(12)]
            got = lambda: sorted((c for c in counted(run, "chem", "received", "analyzer") if c), key=lambda c: int(c[1:]))
            lab.wait(lambda: got() == wanted)
            lab.ok(got() == wanted, "and what waited in memory is on the ledger, each once", got())
            lab.ok(lab.wait(lambda: "G1" in two.got), "what was taken arrives", two.got)
            a.close()
            b.close()
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
    finally:
        one.stop()
        two.stop()
        subprocess.run(["umount", "-l", data], check=False)


def main():
    with lab.Folder() as folder:
        data = os.path.join(folder, "data")
        ports = (lab.free_port(), lab.free_port())
        one, two, three = Lis().start(), Lis(), AstmLis()
        port = lab.free_port()
        third = f"  - {{ name: astm, listen: 127.0.0.1:{port}, forward: 127.0.0.1:{three.port}, protocol: astm, mode: store-and-forward }}\n"
        four, fresh = Lis(), lab.free_port()
        third += f"  - {{ name: new, listen: 127.0.0.1:{fresh}, forward: 127.0.0.1:{four.port}, protocol: mllp, learn: 20s }}\n"
        with lab.Run(data, more=config(ports[0], one.port, ports[1], two.port, third)) as run:
            run.wait_api()
            lab.wait(lambda: link(run, "chem").get("state") is not None)
            end_to_end(run, ports, one)
            stored(run, ports, two)
            over_astm(run, port, three)
            learnt(run, fresh, four)
            astm_killed(run, port, three)
            for who in ("relay", "keeper", "detector", "lis"):
                killed_under_load(run, ports, two, who)
            keeper_stands_still(run, ports, one)
            no_keeper(run, ports, one)
            decided(run, ports, one)
            kept = messages(run)
            ids = [m["id"] for m in kept]
            lab.ok(len(ids) > 100 and len(set(ids)) == len(ids), "no relay gives a conversation the number of another one's", [m for m in kept if ids.count(m["id"]) > 1][:6])
        status, said = lab.verify(data)
        lab.ok(status == 0, "the ledger holds", said)
        locked(folder)
        away(folder)
        no_room(folder)
    lab.finish()


main()
