"""Listening to a live interface: one end of a pair of interfaces in a network namespace of its own, while a simulated lab's capture is sent into the other end."""
import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import time

import lab

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


def send(capture):
    done = subprocess.run([REPLAY, SEND, capture, str(RATE)], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else -1


def wait(condition, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.1)
    return False


def start_sense(*arguments):
    process = subprocess.Popen([lab.TOURNIQUET, "sense", "-i", LISTEN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    return process


def sense(capture, messages, results):
    process = start_sense("--stats", "--events")
    sent = send(capture)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)
    lines = [json.loads(line) for line in out.splitlines()]
    stats = lines[-1] if lines else {}
    lab.ok(process.returncode == 0 and stats.get("event") == "stats", "sense -i ends with its counters", said)
    lab.ok(sent > 0 and stats.get("packets") == sent and stats.get("dropped") == 0, f"it sees each of {sent} packets", f"{stats}")
    lab.ok(stats.get("hl7_messages", 0) + stats.get("astm_messages", 0) == messages, f"the {messages} messages of the truth", f"{stats}")
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
        time.sleep(0.5)
        send(capture)
        printed = wait(seen, 10)
        process.send_signal(signal.SIGTERM)
        lab.ok(process.wait(10) == 0 and printed, "events are printed while it listens")


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
    stats = json.loads(process.communicate(timeout=30)[0])
    file_stats = json.loads(subprocess.run([lab.TOURNIQUET, "sense", path, "--stats"], capture_output=True, text=True, check=True).stdout)
    same = ("packets", "bytes", "flows", "hl7_messages", "astm_messages", "results", "damaged_packets")
    lab.ok(all(stats[k] == file_stats[k] for k in same), "VLAN tags are put back", f"{stats}\n{file_stats}")


def sense_refuses():
    done = subprocess.run([lab.TOURNIQUET, "sense", "-i", LISTEN], capture_output=True, text=True, check=False,
                          preexec_fn=lambda: (os.setgid(65534), os.setuid(65534)))
    lab.ok(done.returncode == 3 and "CAP_NET_RAW" in done.stderr and done.stderr.count("\n") == 1, "without permission: one sentence", f"{done}")
    done = subprocess.run([lab.TOURNIQUET, "sense", "-i", "tqnone"], capture_output=True, text=True, check=False)
    lab.ok(done.returncode == 2 and "no interface tqnone" in done.stderr, "an interface that is not there", f"{done}")
    process = start_sense("--stats")
    ip("link", "set", LISTEN, "down")
    out, said = process.communicate(timeout=10)
    lab.ok(process.returncode == 3 and "down or gone" in said and '"stats"' in out, "an interface that goes down ends it, with its counters", f"{out} {said}")
    bring_up()


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
    lab.finish()


main()
