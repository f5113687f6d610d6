"""Standing vendor access, end to end: a capture in which a device is worked on from afar without a door, read by the whole program, is a finding; what is
nobody's business (from inside, never answered, another protocol, another way round) is none."""
import os
import sys

import lab

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scene"))
from capture import Capture  # noqa: E402

DEVICE = "10.20.0.5"
AFAR = "203.0.113.9"
VENDOR = "10.209.0.2"
INSIDE = "10.30.0.7"
HELLO = [(0, b"hello"), (1, b"welcome")]


def standing(run):
    return [f for f in (run.api("/api/v1/findings?state=all&limit=200") or {"items": []})["items"] if f["kind"] == "access.standing"]


def read(folder, name, fill, more="", ways=1):
    """What is found in a capture."""
    c = Capture()
    fill(c)
    path = os.path.join(folder, name + ".pcap")
    with open(path, "wb") as f:
        f.write(c.bytes())
    with lab.Run(os.path.join(folder, name), "--replay", path, more=more) as run:
        lab.ok(run.wait_ended(), f"{name}: the capture is read", run.said())
        return lab.wait(lambda: (lambda found: found if ways and len(found) >= ways else None)(standing(run)), 60 if ways else 5) or standing(run)


def afar(c):
    c.conversation(AFAR, 50001, DEVICE, 3389, HELLO)
    c.conversation(AFAR, 50002, DEVICE, 3389, HELLO)  # the same way in again: still one
    c.conversation(AFAR, 50003, DEVICE, 22, [(0, b"SSH-2.0-a\r\n"), (1, b"SSH-2.0-b\r\n")])


def usual(c):
    c.conversation(INSIDE, 50001, DEVICE, 3389, HELLO)  # from inside the lab
    c.segment(AFAR, 50002, DEVICE, 3389, 1000, 0, 0x02)  # nobody opened
    c.conversation(AFAR, 50003, DEVICE, 8080, HELLO)  # no remote access
    c.conversation(DEVICE, 50004, AFAR, 22, HELLO)  # the device went out


def vendors(c):
    c.conversation(VENDOR, 50001, DEVICE, 5900, [(0, b"RFB 003.008\n"), (1, b"RFB 003.008\n")])


def main():
    with lab.Folder() as folder:
        found = read(folder, "afar", afar, ways=2)
        lab.ok(len(found) == 2, "each standing way in is one finding", found)
        titles = sorted(f["title"] for f in found)
        lab.ok(all(f["severity"] == "high" and f["technique"] == "T1133" and f["state"] == "open" for f in found), "high, with its technique, and open", found)
        lab.ok(all(AFAR in t and "without an open door" in t for t in titles) and any("RDP" in t.upper() for t in titles) and any("SSH" in t.upper() for t in titles),
               "it says from where, and by what", titles)
        found = read(folder, "usual", usual, ways=0)
        lab.ok(found == [], "from inside, unanswered, another protocol, the other way round: no finding", found)
        warden = "warden:\n  devices: [10.20.0.0/24]\n  vendors: [10.209.0.0/24]\n"
        found = read(folder, "vendors", vendors, more=warden)
        lab.ok(len(found) == 1 and VENDOR in found[0]["title"], "from a network that lab.yaml calls a vendor's, though its address is private", found)
        found = read(folder, "unnamed", vendors, ways=0)
        lab.ok(found == [], "the same where nobody calls it that: no finding", found)
    lab.finish()


main()
