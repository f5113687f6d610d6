"""Listening to a live interface: one end of a pair of interfaces in a network namespace of its own, while a simulated lab's capture is sent into the other end."""
import ctypes
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

import lab
from lab import wait

REPLAY = os.path.abspath(sys.argv[2])
LISTEN, SEND = "tqlisten", "tqsend"
CLONE_NEWNET = 0x40000000
RATE = 4000  # packets a second


def ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False).returncode == 0


def make_pair():
    return ip("link", "add", LISTEN, "type", "veth", "peer", "name", SEND) and bring_up()


def bring_up():
    for name in (LISTEN, SEND):
        # nothing but the test's own packets
        try:
            with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="utf-8") as f:
                f.write("1")
        except OSError:
            pass
    return ip("link", "set", LISTEN, "up") and ip("link", "set", SEND, "up")


def missing():
    """What this machine lacks for the test, or None. Enters a new network namespace, which ends with this process."""
    if os.geteuid() != 0:
        return "no root"
    if not ip("-V"):
        return "no iproute2"
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return "no network namespaces"
    if not ip("link", "set", "lo", "up") or not make_pair():
        return "no veth interfaces"
    return None


def send(capture, rate=RATE):
    done = subprocess.run([REPLAY, SEND, capture, str(rate)], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else -1


def listens(pid):
    """Whether a process has the kernel's ring for packets in its memory: from then on nothing passes by unseen."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
            return "socket:" in f.read()
    except OSError:
        return False


def start_sense(*arguments):
    process = subprocess.Popen([lab.TOURNIQUET, "sense", "-i", LISTEN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait(lambda: listens(process.pid) or process.poll() is not None)
    return process


def sense(capture, messages, results):
    process = start_sense("--stats", "--events")
    sent = send(capture)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=90)
    lines = [json.loads(line) for line in out.splitlines()]
    stats = lines[-1] if lines else {}
    lab.ok(process.returncode == 0 and stats.get("event") == "stats", "sense -i ends with its counters", said)
    lab.ok(sent > 0 and stats.get("packets") == sent and stats.get("dropped") == 0, f"it sees each of {sent} packets", f"{stats}")
    lab.ok(sum(stats.get(f"{name}_messages", 0) for name in ("hl7", "astm", "poct1a")) == messages, f"the {messages} messages of the truth", f"{stats}")
    lab.ok(stats.get("results") == results, f"and the {results} results", f"{stats}")
    lab.ok(sum(line["event"] == "lab.message" for line in lines) == messages, "one event a message")
    file_stats = json.loads(subprocess.run([lab.TOURNIQUET, "sense", capture, "--stats"], capture_output=True, text=True, check=True).stdout)
    same = ("packets", "bytes", "flows", "tcp_gaps", "retransmitted", "hl7_messages", "astm_messages", "results", "malformed")
    lab.ok(all(stats.get(k) == file_stats[k] for k in same), "the same counters as from the file", f"{stats}\n{file_stats}")


def sense_prints_at_once(folder, capture):
    path = os.path.join(folder, "events")

    def seen():
        with open(path, encoding="utf-8") as f:
            return "lab.message" in f.read()

    with open(path, "w", encoding="utf-8") as out, subprocess.Popen([lab.TOURNIQUET, "sense", "-i", LISTEN], stdout=out) as process:
        wait(lambda: listens(process.pid))
        send(capture)
        printed = wait(seen)
        process.send_signal(signal.SIGTERM)
        lab.ok(process.wait(90) == 0 and printed, "events are printed while it listens")


def tagged(capture, path, vlan):
    """A copy of a capture (pcap, little-endian) with an 802.1Q tag in every frame."""
    with open(capture, "rb") as f:
        data = f.read()
    out, at = [data[:24]], 24
    while at < len(data):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + captured]
        out.append(struct.pack("<IIII", seconds, fraction, captured + 4, original + 4) + frame[:12] + struct.pack(">HH", 0x8100, vlan) + frame[12:])
        at += 16 + captured
    with open(path, "wb") as f:
        f.write(b"".join(out))


def sense_vlan(folder, capture):
    """The kernel takes the tag off before a listener gets the frame; what is counted shows that it was put back."""
    path = os.path.join(folder, "tagged.pcap")
    tagged(capture, path, 42)
    process = start_sense("--stats")
    send(path)
    process.send_signal(signal.SIGINT)
    stats = json.loads(process.communicate(timeout=90)[0])
    file_stats = json.loads(subprocess.run([lab.TOURNIQUET, "sense", path, "--stats"], capture_output=True, text=True, check=True).stdout)
    same = ("packets", "bytes", "flows", "hl7_messages", "astm_messages", "results", "damaged_packets")
    lab.ok(all(stats[k] == file_stats[k] for k in same), "VLAN tags are put back", f"{stats}\n{file_stats}")


def without_raw_sockets():
    """Takes CAP_NET_RAW out of the bounding set: what is executed next does not get it, though it stays root (whose folder others may not enter)."""
    ctypes.CDLL(None).prctl(24, 13, 0, 0, 0)  # PR_CAPBSET_DROP


def sense_refuses():
    done = subprocess.run([lab.TOURNIQUET, "sense", "-i", LISTEN], capture_output=True, text=True, check=False,
                          preexec_fn=without_raw_sockets)
    lab.ok(done.returncode == 3 and "CAP_NET_RAW" in done.stderr and done.stderr.count("\n") == 1, "without permission: one sentence", f"{done}")
    done = subprocess.run([lab.TOURNIQUET, "sense", "-i", "tqnone"], capture_output=True, text=True, check=False)
    lab.ok(done.returncode == 2 and "no interface tqnone" in done.stderr, "an interface that is not there", f"{done}")
    process = start_sense("--stats")
    ip("link", "set", LISTEN, "down")
    out, said = process.communicate(timeout=90)
    lab.ok(process.returncode == 3 and "down or gone" in said and '"stats"' in out, "an interface that goes down ends it, with its counters", f"{out} {said}")
    bring_up()


def state_of(run, name):
    captures = (run.api("/api/v1/sensor") or {}).get("captures", [])
    return next((c for c in captures if c["capture"] == name), {})


def reads(run, name=LISTEN, seconds=90):
    return wait(lambda: state_of(run, name).get("state") == "reading" and any(map(listens, run.children())), seconds)


def total(run, what):
    return (run.api(f"/api/v1/{what}?limit=1") or {}).get("total")


def rests(get, seconds, little=0, most=300):
    """Waits until what is got has not grown by more than a little for so long; returns it."""
    last, since, until = get(), time.monotonic(), time.monotonic() + most
    while time.monotonic() - since < seconds and time.monotonic() < until:
        time.sleep(0.25)
        now = get()
        if last is None or (now is not None and now > last + little):
            last, since = now, time.monotonic()
    return last


def worked(pid):
    """The processor time that a process took, in hundredths of a second."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def packets_kept(run):
    """Packets that are kept of what is found, and the findings above info."""
    found = [f for f in (run.api("/api/v1/findings?limit=200") or {}).get("items", []) if f["flows"]]
    return sum(p["packets"] for f in found for p in run.api(f"/api/v1/findings/{f['id']}")["evidence"]["packets"]), len(found)


def run_live(folder, capture, messages, results):
    """Everything, with an interface in lab.yaml: what is sent is on the page; then the interface goes and comes, and parts are killed."""
    more = f"capture: [ {{ interface: {LISTEN} }}, {{ interface: tqnone }} ]\n"
    data = os.path.join(folder, "data")
    with lab.Run(data, more=more) as run:
        lab.ok(run.wait_api() is not None and reads(run), "an interface of lab.yaml is listened to", run.said())
        lab.ok(wait(lambda: state_of(run, "tqnone").get("state") == "failed"), "one that is not there is shown as failed", run.said())
        lab.ok("no interface tqnone" in (state_of(run, "tqnone").get("why") or ""), "and why", state_of(run, "tqnone"))
        sent = send(capture)
        lab.ok(wait(lambda: total(run, "messages") == messages and total(run, "results") == results), f"its {messages} messages are on the page",
               f"{total(run, 'messages')} {total(run, 'results')}\n{run.said()}")
        lab.ok(wait(lambda: state_of(run, LISTEN).get("packets") == sent), "so are its packets", f"{sent} {state_of(run, LISTEN)}")
        lab.ok(state_of(run, LISTEN).get("dropped") == 0 and state_of(run, LISTEN).get("why") is None, "nothing was dropped", state_of(run, LISTEN))
        lab.ok((total(run, "devices") or 0) > 5, "and devices are", run.api("/api/v1/devices"))
        lab.ok(wait(lambda: packets_kept(run)[0] > 0), "of what is found its packets are kept", packets_kept(run))
        have = messages

        ip("link", "del", LISTEN)
        lab.ok(wait(lambda: state_of(run, LISTEN).get("state") == "failed"), "an interface that vanishes is shown as failed", run.said())
        lab.ok(wait(lambda: "no interface" in (state_of(run, LISTEN).get("why") or "")), "and why", state_of(run, LISTEN))
        make_pair()
        lab.ok(reads(run), "one that comes back is listened to again", run.said())
        have = more_comes(run, folder, 21, "what comes then is on the page", have)

        for seed, role in ((22, "sensor"), (23, "detector"), (24, "keeper")):
            before = run.pid(role)
            run.signal(role, signal.SIGKILL)
            lab.ok(run.wait_pid(role, other_than=before) is not None and run.wait_api() is not None and reads(run), f"a killed {role} is replaced", run.said())
            time.sleep(2.5)
            have = more_comes(run, folder, seed, "and nothing that comes then is missed", have)
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", line)
    lab.ok(lab.kept(data)[0] == have, "and keeps every message", f"{lab.kept(data)} {have}")


def more_comes(run, folder, seed, name, have):
    """Another capture each time: the same packets again would be retransmissions. Returns how many messages there are then."""
    capture, messages, _ = lab.capture(folder, 5, seed=seed)
    send(capture)
    lab.ok(wait(lambda: total(run, "messages") == have + messages), name, f"{have} + {messages}: {total(run, 'messages')}\n{run.said()}")
    return have + messages


def run_full(folder):
    """A detector that does not read, for as long as hours of the lab take: what is worth least is dropped, no message is, and it is told."""
    capture, messages, _ = lab.capture(folder, 120, seed=31)
    with lab.Run(os.path.join(folder, "full"), more=f"capture: [ {{ interface: {LISTEN} }} ]\n") as run:
        lab.ok(run.wait_api() is not None and reads(run), "another run listens", run.said())
        run.signal("detector", signal.SIGSTOP)
        sent = send(capture, 20000)
        rests(lambda: worked(run.pid("sensor")), 10, 2)  # it has read all that was sent, and reported conversations that are over
        run.signal("detector", signal.SIGCONT)
        lab.ok(wait(lambda: total(run, "messages") == messages, 600), f"a detector that was stopped gets all {messages} messages", f"{total(run, 'messages')}\n{run.said()}")
        lab.ok(wait(lambda: (state_of(run, LISTEN).get("dropped") or 0) > 0), "records of flows and devices made room", f"{sent} {state_of(run, LISTEN)}")
        why = state_of(run, LISTEN).get("why") or ""
        lab.ok("dropped: 0 packets" in why and "and 0 others" in why, "and it is told which", why)
        lost = state_of(run, LISTEN)
        lab.ok(lost.get("dropped_flows") == lost.get("dropped") and lost.get("dropped_lab") == 0 and lost.get("dropped_first"), "also in numbers", lost)


SYN, ACK = 2, 16


class Frames:
    """A capture in the making: TCP segments from 10.9.0.1 to 10.9.0.2, each on its port's connection behind the one before."""

    def __init__(self, at):
        self.out, self.at = [], at

    def add(self, sport, dport, payload, flags=ACK):
        seq = self.at.get(sport, 1000)
        self.at[sport] = seq + len(payload) + (flags & SYN != 0)
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, 1, 0x50, flags, 8192, 0, 0) + payload
        ip4 = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, bytes((10, 9, 0, 1)), bytes((10, 9, 0, 2)))
        frame = bytes((2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0)) + ip4 + tcp
        self.out.append(struct.pack("<IIII", 1700000000, len(self.out), len(frame), len(frame)) + frame)

    def message(self, number):
        text = f"\x0bMSH|^~\\&|FLOOD|LAB|LIS|H|20260302080000||ORU^R01|F-{number}|P|2.5\rPID|1||P{number}\rOBR|1|S{number}||GLU\rOBX|1|NM|GLU||5.{number % 10}|mmol/L\r\x1c\r"
        self.add(4000, 2575, text.encode())

    def write(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + b"".join(self.out))
        return path


def run_flooded(folder):
    """A sensor that does not get on while its ring fills to some five sixths with what is mostly bulk: that is passed over and counted, new connections
    too, and not one message of the lab's connection is."""
    path = os.path.join(folder, "flood.pcap")
    at = {}
    before = Frames(at)
    before.add(4000, 2575, b"", SYN)
    before.add(4100, 9999, b"", SYN)
    before.message(0)
    for _ in range(60):
        before.add(4100, 9999, b"b" * 1400)
    flood = Frames(at)
    for i in range(9000):
        flood.add(4100, 9999, b"b" * 1400)
        if i % 45 == 0:
            flood.message(1 + i // 45)
            flood.add(10000 + i, 80, b"", SYN)
    with lab.Run(os.path.join(folder, "flooded"), more=f"capture: [ {{ interface: {LISTEN} }} ]\n") as run:
        lab.ok(run.wait_api() is not None and reads(run), "a run for a flood listens", run.said())
        send(before.write(path))
        lab.ok(wait(lambda: total(run, "messages") == 1), "a lab's connection is known", run.said())
        run.signal("sensor", signal.SIGSTOP)
        sent = send(flood.write(path), 20000)
        run.signal("sensor", signal.SIGCONT)
        lab.ok(wait(lambda: total(run, "messages") == 201, 120), "all 201 messages of it come through", f"{sent} {total(run, 'messages')} {state_of(run, LISTEN)}\n{run.said()}")
        def counted():  # a machine that sends slowly leaves blocks of the ring half full: the last few of the flood may find none
            told = state_of(run, LISTEN)
            return told.get("packets", 0) + told.get("dropped", 0) == sent + 63 and told["dropped"] < 90
        lab.ok(wait(counted), "every packet is counted", f"{sent} {state_of(run, LISTEN)}")
        told = state_of(run, LISTEN)
        lab.ok(1000 < told.get("shed_bulk", 0) <= 9000 and 0 < told.get("shed_other", 0) <= 200, "bulk and new connections were passed over, and it is told", told)
        lab.ok(told.get("dropped_lab") == 0 and "none of a lab connection" in (told.get("why") or ""), "nothing of the lab was lost, and that too is said", told)


def unix_sockets(pid):
    """The descriptors of a process that are sockets to another one."""
    with open("/proc/net/unix", encoding="ascii") as f:
        there = {line.split()[6] for line in f.read().splitlines()[1:]}
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        inode = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{fd}"))
        if inode and inode.group(1) in there:
            found.append(int(fd))
    return found


def say_as(pid, fd, data):
    """Writes into a descriptor of another process, as that process would."""
    pidfd = os.pidfd_open(pid)
    copy = ctypes.CDLL(None, use_errno=True).syscall(438, pidfd, fd, 0)  # pidfd_getfd(2)
    os.close(pidfd)
    if copy < 0:
        return False
    written = os.write(copy, data)
    os.close(copy)
    return written == len(data)


def run_malformed(folder):
    """Two interfaces; what one sensor says is no message. It is restarted, and nobody else."""
    with lab.Run(os.path.join(folder, "malformed"), more=f"capture: [ {{ interface: {LISTEN} }}, {{ interface: {SEND} }} ]\n") as run:
        lab.ok(run.wait_api() is not None and reads(run, LISTEN) and reads(run, SEND), "two interfaces are listened to", run.said())

        def sensors():
            return [int(pid) for pid in run.children() if run.title(pid) == "tourniquet-sensor"]

        wait(lambda: len(sensors()) == 2 and all(map(listens, sensors())))
        others = {role: run.pid(role) for role in ("detector", "keeper", "console")}
        for at in (0, 1):
            before = sensors()
            bad = before[at]
            detector = [fd for fd in unix_sockets(bad) if fd != 3]  # 3 leads to the supervisor
            said = len(detector) == 1 and say_as(bad, detector[0], b"\x00\x00\x00\x05\xff\x00\x00\x00none!")
            lab.ok(said and wait(lambda: bad not in sensors() and len(sensors()) == 2), "a sensor that says what is no message is restarted", (detector, run.said()))
            lab.ok([pid for pid in before if pid != bad] == [pid for pid in sensors() if pid in before], "the other one is not", (before, sensors()))
            wait(lambda: all(map(listens, sensors())))
        lab.ok({role: run.pid(role) for role in others} == others and "the detector says of the sensor" in run.said(), "nor is anybody else", run.said())


def run_refuses(folder):
    """As somebody without rights, in a folder of their own."""
    os.chmod(folder, 0o755)
    own = os.path.join(folder, "own")
    os.mkdir(own)
    config = os.path.join(own, "lab.yaml")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f'data: "{own}/data"\nconsole: {{ listen: "127.0.0.1:{lab.free_port()}" }}\ncapture: [ {{ interface: {LISTEN} }} ]\n')
    os.chown(own, 65534, 65534)
    done = subprocess.run([lab.TOURNIQUET, "run", "-c", config], capture_output=True, text=True, timeout=180, check=False,
                          preexec_fn=without_raw_sockets)
    lab.ok(done.returncode == 3 and "CAP_NET_RAW" in done.stderr and done.stderr.count("\n") == 1, "run without permission: one sentence", f"{done}")


def replace_programs(folder):
    """The same executables as other files, as a newer package puts them there."""
    parts = os.path.join(folder, "libexec", "tourniquet")
    for path in [os.path.join(folder, "tourniquet")] + [os.path.join(parts, name) for name in os.listdir(parts)]:
        shutil.copy2(path, path + ".new")
        os.utime(path + ".new")
        os.rename(path + ".new", path)


def run_upgraded(folder, capture, messages, results):
    """Every role is replaced while a lab's traffic comes in. What comes while no sensor holds the ring is lost; so one is sent between: the detector's,
    the console's and the keeper's change must lose nothing."""
    program = os.path.join(folder, "program")
    os.makedirs(os.path.join(program, "libexec"))
    built = os.path.dirname(lab.TOURNIQUET)
    shutil.copy2(lab.TOURNIQUET, os.path.join(program, "tourniquet"))
    shutil.copytree(os.path.join(built, "libexec", "tourniquet"), os.path.join(program, "libexec", "tourniquet"), ignore=shutil.ignore_patterns("*.p", "*.build"))
    before, lab.TOURNIQUET = lab.TOURNIQUET, os.path.join(program, "tourniquet")
    data = os.path.join(folder, "upgraded")
    with lab.Run(data, more=f"capture: [ {{ interface: {LISTEN} }} ]\n") as run:
        reads(run)
        sender = subprocess.Popen([REPLAY, SEND, capture, "2000"], stdout=subprocess.PIPE, text=True)
        first = {role: run.pid(role) for role in ("sensor", "detector", "keeper", "console")}
        time.sleep(0.5)
        replace_programs(program)
        run.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 90
        while run.pid("sensor") == first["sensor"] and time.monotonic() < until:
            time.sleep(0.002)
        sender.send_signal(signal.SIGSTOP)  # the wire stands still, however long the next sensor takes to come
        reads(run)
        sender.send_signal(signal.SIGCONT)
        lab.ok(wait(lambda: "upgraded from" in run.said()), "upgraded while it listens", run.said())
        lab.ok(all(run.pid(r) not in (None, p) for r, p in first.items()), "each role is another process")
        sender.communicate(timeout=300)
        wait(lambda: (total(run, "messages") or 0) >= messages * 0.8)
        seen = rests(lambda: total(run, "messages"), 5)
        lab.ok(messages * 0.8 <= seen <= messages, f"{seen} of {messages} messages: what is missing is what nobody listened to", run.said())
        lab.ok(reads(run), "it listens again", run.said())
        more_comes(run, folder, 31, "and nothing that comes then is missed", seen)
    lab.TOURNIQUET = before
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", line)


def run_locked(folder, capture, messages, results):
    """A live interface while the ledger waits for its passphrase; then a detector that knows what was learnt before."""
    data = os.path.join(folder, "locked")
    more = f"root_key: passphrase\ncapture: [ {{ interface: {LISTEN} }} ]\n"

    def unlock(*options):
        return subprocess.run([lab.TOURNIQUET, "unlock", "--data", data, *options], input="eleven purple centrifuges hum\n", capture_output=True, text=True)

    with lab.Run(data, more=more) as run:
        wait(lambda: "first passphrase" in run.said())
        lab.ok(unlock("--new").returncode == 0, "a first passphrase is chosen")
    with lab.Run(data, more=more) as run:
        wait(lambda: any(map(listens, run.children())))
        send(capture)

        def waiting():
            return (run.api("/api/v1/unlock") or {}).get("records", 0)

        lab.ok(wait(lambda: waiting() > results), "what a live interface shows is spooled", f"{waiting()}")
        time.sleep(6)  # flows that are quiet are told
        detector = run.pid("detector")
        lab.ok(unlock().returncode == 0 and wait(lambda: not os.path.exists(os.path.join(data, "spool"))), "it is unlocked and read in", run.said())
        lab.ok(wait(lambda: total(run, "messages") == messages), f"all {messages} messages are there, once", f"{total(run, 'messages')} {total(run, 'results')} of {results}\n{run.api('/api/v1/sensor')}\n{run.said()}")
        lab.ok(wait(lambda: run.pid("detector") not in (None, detector)), "a detector takes over that is told what was learnt", run.said())
        lab.ok("is started again" not in run.said(), "… in order", run.said())
    status, line = lab.verify(data)
    lab.ok(status == 0, "the ledger holds", line)


def main():
    why = missing()
    if why is not None:
        lab.skip("live capture", why)
        lab.finish()
    with lab.Folder() as folder:
        capture, messages, results = lab.capture(folder, 10)
        sense(capture, messages, results)
        sense_prints_at_once(folder, capture)
        sense_vlan(folder, capture)
        sense_refuses()
        run_live(folder, capture, messages, results)
        capture, messages, results = lab.capture(folder, 10)
        run_locked(folder, capture, messages, results)
        run_upgraded(folder, capture, messages, results)
        run_full(folder)
        run_flooded(folder)
        run_malformed(folder)
        run_refuses(folder)
    lab.finish()


main()
