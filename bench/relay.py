"""The relay beside what laboratories use for the same hop: HAProxy and stunnel, doing TCP → TLS 1.3 and nothing else, and no hop at all. All on loopback, in
turn, with bench/mllp_load in front and bench/mllp_sink behind, which read every answer and follow every control id.

Processor time is that of the process in the middle alone (its own clock, all threads), divided by the messages that were acknowledged meanwhile."""
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

LINKS = 20  # that share the connections which say nothing


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listening(port, process, seconds=20):
    """Waits until something listens there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"scripts/bench: {process.args[0]} does not listen on {port}")


def parent_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def role(supervisor, name):
    """The process of a role; None where the program has no roles."""
    for child in pathlib.Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        if pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0] == f"tourniquet-{name}".encode():
            return int(child)
    return None


def resident(pid):
    """MiB that a process has in memory."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0


def pairs_most(wanted):
    """How many connections with one behind each a process may have here: wanted, or what its descriptors allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in (2 * wanted + 1000, hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, max(most, hard)))
            soft = most
            break
        except (OSError, ValueError):
            continue
    return min(wanted, (soft - 200) // 2)


class Stage:
    """Certificates, a sink, and whoever stands in the middle; ends all that it started."""

    def __init__(self, build, work):
        self.bench, self.program = build / "bench", build / "tourniquet"
        self.work = work / "relay"
        self.work.mkdir(exist_ok=True)
        self.certificate, self.key = self.work / "sink.crt", self.work / "sink.key"
        if not self.key.exists():
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.most = pairs_most(10000)
        self.since = None
        self.ports = []
        self.log = (self.work / "log").open("a")

    def start(self, argv, port):
        p = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, stderr=self.log, text=True)
        listening(port, p)
        return p

    @contextlib.contextmanager
    def sink(self, tls=True):
        """A LIS; yields its port and, after its end, its counts in the list."""
        port, counts = free_port(), []
        p = self.start([self.bench / "mllp_sink", port, *(["--tls", self.certificate, self.key] if tls else [])], port)
        try:
            yield port, counts
        finally:
            p.send_signal(signal.SIGTERM)
            counts.append(json.loads(p.communicate(timeout=20)[0].splitlines()[-1]))

    @contextlib.contextmanager
    def middle(self, kind, to):
        """HAProxy, stunnel or the relay's engine in front of the sink at port `to`; yields port and process id (0: nobody)."""
        port = free_port()
        if kind == "direct":
            yield to, 0
            return
        p = self.start(getattr(self, kind)(port, to), port)
        try:
            while p.args[0] == str(self.program) and (role(p.pid, "relay") is None or not self.settled()):
                time.sleep(0.05)
            yield port, role(p.pid, "relay") or p.pid
        finally:
            p.terminate()
            p.wait(60)

    def settled(self):
        """The relay has made its spool's room ready (where the disk has any to spare), as it has on any day."""
        self.since = self.since or time.monotonic()
        spool = self.work / "data" / "relay.spool"
        done = (spool.exists() and spool.stat().st_size >= 256 << 20) or time.monotonic() - self.since > 30
        if done:
            self.since = None
        return done

    def haproxy(self, port, to):
        config = self.work / "haproxy.cfg"
        config.write_text(f"""global
    nbthread 1
    maxconn {self.most}
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
listen analyzers
    bind 127.0.0.1:{port}
    server lis 127.0.0.1:{to} ssl verify required ca-file {self.certificate} verifyhost localhost force-tlsv13
""")
        return [shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "-db", "-f", config]

    def stunnel(self, port, to):
        config = self.work / "stunnel.conf"
        config.write_text(f"""foreground = quiet
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[lis]
client = yes
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{to}
CAfile = {self.certificate}
verifyChain = yes
checkHost = localhost
sslVersion = TLSv1.3
""")
        return [shutil.which("stunnel4", path="/usr/bin:/usr/sbin"), config]

    def tourniquet(self, port, to, ports=(), **link):
        """`tourniquet run` with one link, or one a port; returns its supervisor."""
        shutil.rmtree(self.work / "data", ignore_errors=True)
        config = self.work / "lab.yaml"
        more = "".join(f", {k}: {v}" for k, v in link.items())
        tls = f"""{{ to: required, authority: "{self.certificate}", name: localhost }}"""
        links = [f"""  - {{ name: bench{i or ""}, listen: "127.0.0.1:{p}", forward: "127.0.0.1:{to}", protocol: mllp, tls: {tls}{more} }}""" for i, p in enumerate(ports or [port])]
        config.write_text("\n".join(["site: bench", f'data: "{self.work}/data"', f'console: {{ listen: "127.0.0.1:{free_port()}", name: localhost }}', "relay:", *links, ""]))
        return [self.program, "run", "-c", config, "--unprivileged"]

    def relay(self, port, to):
        """The engine alone: parsing and policy on, recording off."""
        return [self.bench / "relay_engine", port, to, self.certificate]

    def recorded(self, port, to):
        return self.tourniquet(port, to)

    def many(self, port, to):
        """A link takes no more connections than a lab has: LINKS of them."""
        self.ports = [port, *(free_port() for _ in range(LINKS - 1))]
        return self.tourniquet(port, to, self.ports)

    def stored(self, port, to):
        return self.tourniquet(port, to, mode="store-and-forward", queue_max=1000000, connections=32)

    def load(self, port, pids=(), late=False, **options):
        """What mllp_load measured; it must have been answered rightly throughout. late: but some may have waited in vain, which the spool's cap can lead to."""
        argv = [self.bench / "mllp_load", port]
        for name, value in options.items():
            argv += [f"--{name}", value]
        if pids:
            argv += ["--observe", ",".join(map(str, pids))]
        done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, text=True, check=False)
        r = json.loads(done.stdout or "{}")
        if done.returncode != 0 and not (late and r.get("refused") == 0 and r.get("wrong") == 0):
            sys.exit(f"scripts/bench: {' '.join(map(str, argv))} ended with {done.returncode}: {done.stdout}")
        return r

    def once(self, kind, tls=True, beside=(), **options):
        """One measurement: the load's line with `us`, processor time of the middle a message, and in `cpu` that of the roles named in beside after it."""
        with self.sink(tls) as (to, counts):
            with self.middle(kind, to) as (port, pid):
                parent = parent_of(pid) if pid else 0
                others = [role(parent, n) for n in beside]
                since = time.monotonic()
                r = self.load(port, [p for p in [pid, *others] if p], **options)
                if kind == "stored":
                    self.drain()
        seen = counts[0]
        r["delivered_per_s"] = r["acknowledged"] / (seen["last_at"] - since) if pid else 0
        if any(seen[k] for k in ("foreign", "repeated", "gaps", "late", "junk")) or seen["messages"] < r["acknowledged"]:
            sys.exit(f"scripts/bench: {kind}: what arrived is not what was sent: {seen}")
        r["us"] = r["cpu"][0] if pid else 0
        return r

    def drain(self, seconds=300):
        """Waits until the link's queue is empty, as was said at two times so far apart that the second cannot be of before the load's end."""
        until = time.monotonic() + seconds
        empty = None
        while time.monotonic() < until:
            done = subprocess.run([self.program, "api", "--data", self.work / "data", "GET", "/api/v1/links"], capture_output=True, text=True, check=False)
            if done.returncode != 0 or any(link["queue"]["messages"] != 0 for link in json.loads(done.stdout)["items"]):
                empty = None
            elif empty is None:
                empty = time.monotonic()
            elif time.monotonic() - empty > 1.5:
                return
            time.sleep(0.2)
        sys.exit("scripts/bench: the queue does not empty")

    def syncs(self, rate, seconds):
        """What making something durable costs on this disk by itself (bench/sync_met)."""
        argv = [self.bench / "sync_met", self.work / "sync", str(rate), str(seconds)]
        return json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout)

    def idle(self, kind, connections):
        """MiB of the middle before and while so many connections stand and say nothing, as many on each of its ports."""
        with self.sink() as (to, _), self.middle(kind, to) as (port, pid):
            before = resident(pid)
            ports = self.ports if kind == "many" else [port]
            argv = [str(self.bench / "mllp_load"), "--connections", str(connections // len(ports)), "--idle"]
            loads = [subprocess.Popen([argv[0], str(p), *argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for p in ports]
            opened = sum(json.loads(p.stdout.readline())["open"] for p in loads)
            after = self.settles(pid)
            for p in loads:
                p.stdin.close()
                p.wait(60)
            return opened, before, after

    def settles(self, pid, seconds=60):
        """MiB, once they have not changed for three seconds: handshakes towards the LIS have buffers, and end later than those of the load."""
        seen = [resident(pid)]
        until = time.monotonic() + seconds
        while time.monotonic() < until and (len(seen) < 4 or max(seen[-4:]) - min(seen[-4:]) > 0.5):
            time.sleep(1)
            seen.append(resident(pid))
        return seen[-1]


def rounds(stage, runs, kinds, best, **options):
    """Each kind's best of so many runs, taken in turn."""
    kept = {}
    for _ in range(runs):
        for kind in kinds:
            r = stage.once(kind, tls=kind != "direct", **options)
            if kind not in kept or best(r) < best(kept[kind]):
                kept[kind] = r
    return kept


def rates(r):
    return ", ".join(f"{kind} {v['per_s']:,.0f}/s" for kind, v in r.items())


def measure(bench, build):
    """The rows. Messages are ORU^R01 of 1 KB, in clear to the middle and over TLS 1.3 behind it; each is acknowledged before the next of its connection."""
    stage = Stage(build, bench.work)
    processor(bench, stage)
    stored(bench, stage)
    delay(bench, stage)
    idle(bench, stage)


def processor(bench, stage):
    r = rounds(stage, bench.options.runs, ["direct", "haproxy", "stunnel", "relay"], lambda x: x["us"] or -x["per_s"], connections=16, seconds=5)
    ratio = r["relay"]["us"] / r["haproxy"]["us"]
    bench.row("relay CPU", "16 connections, parsing and policy on, recording off: processor time of the process for a message and its answer",
              f"HAProxy {r['haproxy']['us']:.1f} us, stunnel {r['stunnel']['us']:.1f} us", f"{r['relay']['us']:.1f} us", round(ratio, 2), "at most 1.25 of HAProxy's", ratio <= 1.25, rates(r))


def stored(bench, stage):
    beside = ("keeper", "detector")
    r = rounds(stage, bench.options.runs, ["haproxy"], lambda x: -x["per_s"], connections=256, seconds=5)
    r |= rounds(stage, bench.options.runs, ["stored"], lambda x: -x["per_s"], beside=beside, connections=256, seconds=5)
    ours = min(r["stored"]["per_s"], r["stored"]["delivered_per_s"])
    ratio = ours / r["haproxy"]["per_s"]
    cpu = ", ".join(f"{name} {us:.0f} us" for name, us in zip(("relay", *beside), r["stored"]["cpu"]))
    bench.row("relay, store and forward", f"256 connections, each message durable before it is acknowledged, 32 to the LIS: messages a second, from analyzer to LIS ({cpu} of the processor a message)",
              f"HAProxy {r['haproxy']['per_s']:,.0f}/s", f"{ours:,.0f}/s ({r['stored']['per_s']:,.0f}/s acknowledged)", round(ratio, 2), "at least 0.5 of HAProxy's", ratio >= 0.5)
    long = stage.once("stored", beside=beside, late=True, connections=256, seconds=60)  # a burst is over after ten seconds: then the ledger catches up beside what comes
    bench.row("relay, store and forward, a minute", "the same for 60 s, longer than a burst is let wait: the ledger is written meanwhile", f"HAProxy {r['haproxy']['per_s']:,.0f}/s",
              f"{min(long['per_s'], long['delivered_per_s']):,.0f}/s ({long['per_s']:,.0f}/s acknowledged)", round(min(long["per_s"], long["delivered_per_s"]) / r["haproxy"]["per_s"], 2), "none", True,
              f"{long['broken']} of its messages were not answered within 10 s: the spool was full, and what comes then has to come again" if long["broken"] else "")


def delay(bench, stage):
    """What arrives by the clock meets a slow sync, a pause of the machine or a full queue as often as it lasts long: so all of them are measured from when a message
    was due, the disk too. Each row is the median of the rounds: the best of them would be that in which nothing of the kind happened."""
    kinds = ["direct", "haproxy", "stunnel", "relay", "recorded"]
    seen = [rounds(stage, 1, kinds, lambda x: x["p99"], connections=16, seconds=5, rate=2000) | {"disk": stage.syncs(2000, 5)} for _ in range(bench.options.runs)]
    r = {kind: sorted((one[kind] for one in seen), key=lambda x: x["p99"])[len(seen) // 2] for kind in kinds}
    disk = {name: statistics.median(one["disk"][name] for one in seen) for name in ("alone", "met")}
    most = r["haproxy"]["p99"] + 2 * disk["met"]
    target = f"at most HAProxy's + 2 x fdatasync ({disk['met']:,.0f} us for 99 of 100 that come at this pace; {disk['alone']:,.0f} us one after the other)"
    for kind, name, more in (("recorded", "relay delay", "a burst of 6 s, each recorded before it is answered"), ("relay", "relay delay, recording off", "recording off")):
        bench.row(name, f"16 connections, 2,000 messages a second, end to end, {more}: 99 of 100 are answered within",
                  ", ".join(f"{k} {v['p99']:,.0f} us" for k, v in r.items() if k not in ("relay", "recorded")), f"{r[kind]['p99']:,.0f} us", round(r[kind]["p99"] / r["haproxy"]["p99"], 2),
                  target if kind == "recorded" else "", r[kind]["p99"] <= most if kind == "recorded" else True)
    long = stage.once("recorded", connections=16, seconds=60, rate=2000)  # a burst is over after ten seconds: then the ledger catches up, and is written beside what comes
    bench.row("relay delay, a minute", "the same for 60 s, longer than a burst is let wait: 99 of 100 are answered within", f"haproxy {r['haproxy']['p99']:,.0f} us", f"{long['p99']:,.0f} us (half within {long['p50']:,.0f} us)",
              round(long["p99"] / r["haproxy"]["p99"], 2), "none", True)


def idle(bench, stage):
    opened, before, after = stage.idle("many", stage.most)
    reference = stage.idle("haproxy", stage.most)
    bench.row("relay, idle links", f"{opened:,} connections on {LINKS} links that stand on both sides, TLS towards the LIS, and say nothing: memory of the relay's process", f"HAProxy {reference[2]:.0f} MiB",
              f"{after:.0f} MiB ({before:.0f} before)", round(after / reference[2], 2), "10,000 under 256 MiB", after * 10000 / opened < 256,
              "" if opened == 10000 else "as many as this machine's limit of descriptors allows")
