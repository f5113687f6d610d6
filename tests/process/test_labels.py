"""Labels by nDPI in `run`: its library is loaded before the sensor is narrowed, and works inside the narrow sensor; without the key it is not there."""
import os
import struct
import sys

import lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scene"))
from capture import Capture  # noqa: E402


def hello(name):
    """A ClientHello that asks for a server."""
    host = name.encode()
    server = struct.pack(">HHHBH", 0, len(host) + 5, len(host) + 3, 0, len(host)) + host
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(server)) + server
    return b"\x16\3\1" + struct.pack(">H", len(body) + 4) + b"\1\0" + struct.pack(">H", len(body)) + body


def write(folder):
    """TLS to a remote-support service, DNP3, and every capture of the corpus that makes nDPI decrypt."""
    c = Capture()
    c.conversation("10.0.5.20", 40001, "10.0.5.30", 443, [(0, hello("router7.teamviewer.com"))])
    c.conversation("10.0.5.21", 40002, "10.0.5.31", 20000, [(0, bytes.fromhex("056405c001000c00b8d1"))])
    corpus = os.path.join(os.environ.get("TOURNIQUET_CORPUS", ""), "pcap/zeek/testing/btest/Traces/quic")
    names = sorted(n for n in os.listdir(corpus) if n.endswith(".pcap")) if os.path.isdir(corpus) else []
    content = c.bytes()
    added = 0
    for name in names:
        with open(os.path.join(corpus, name), "rb") as f:
            other = f.read()
        if other[:4] == content[:4] and other[20:24] == content[20:24]:
            content += other[24:]
            added += 1
    path = os.path.join(folder, "labels.pcap")
    with open(path, "wb") as f:
        f.write(content)
    return path, added


def protocols(run):
    found = set()
    for device in (run.api("/api/v1/devices?limit=200") or {"items": []})["items"]:
        found.update(device.get("protocols", []))
    return found


with lab.Folder() as scratch:
    capture, added = write(scratch)
    with lab.Run(os.path.join(scratch, "own"), "--replay", capture) as run:
        ended = run.wait_ended()
        found = protocols(run)
        lab.ok(ended and "tls" in found and not any("." in p for p in found), "own labels: tls is tls", (found, run.said()))
    with lab.Run(os.path.join(scratch, "ndpi"), "--replay", capture, more="labels: ndpi\n") as run:
        ended = run.wait_ended()
        found = protocols(run)
        lab.ok(ended and {"tls.teamviewer", "dnp3"} <= found, "labels: ndpi names what is inside TLS, in the narrow sensor", (found, run.said()))
        lab.ok("went away" not in run.said() and "restart" not in run.said(), "and the sensor lives through it", run.said())
        if added:
            lab.ok(any(p.startswith("quic") for p in found), f"QUIC is decrypted there ({added} captures)", found)
        else:
            lab.skip("QUIC is decrypted there", "TOURNIQUET_CORPUS is not set")
lab.finish()
