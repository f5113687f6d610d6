"""Doors for makers' engineers, in network namespaces: a vendor's network, devices, and between them a router where Tourniquet runs and its warden changes the
firewall. What passes is tried with real connections; that a door closes is tried with everybody of ours dead."""
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import time

import lab
from lab import wait

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
VENDOR, ELSEWHERE, DEVICE, OTHER_DEVICE = "10.209.0.2", "10.207.0.2", "10.208.0.2", "10.208.0.3"
RDP, OTHER_PORT = 3389, 3390
LONGEST = 20  # seconds that this lab lets a door be open
WARDEN = "warden: { devices: [10.208.0.0/24], vendors: [10.209.0.0/24], longest: %s }\n"


class Space:
    """A network namespace, held by a process that does nothing."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "3600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        own = os.readlink("/proc/self/ns/net")
        self.good = bool(wait(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own))
        self.fd = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC) if self.good else -1

    def enter(self):
        if LIBC.setns(self.fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def __enter__(self):
        self.before = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.enter()

    def __exit__(self, *_):
        LIBC.setns(self.before, CLONE_NEWNET)
        os.close(self.before)

    def run(self, *command):
        with self:
            return subprocess.run(command, capture_output=True, text=True, check=False)

    def end(self):
        self.holder.kill()
        self.holder.wait()


def plug(one, other, name, near, far, gateway):
    """A cable between two namespaces: the router's end gets the gateway's address, the other one its own."""
    one.run("ip", "link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", str(other.holder.pid))
    one.run("ip", "addr", "add", near, "dev", name)
    one.run("ip", "link", "set", name, "up")
    for address in far:
        other.run("ip", "addr", "add", address, "dev", "eth0")
    other.run("ip", "link", "set", "lo", "up")
    other.run("ip", "link", "set", "eth0", "up")
    return other.run("ip", "route", "add", "default", "via", gateway).returncode == 0


class Net:
    def __init__(self):
        self.router, self.vendor, self.elsewhere, self.devices = Space(), Space(), Space(), Space()
        self.listeners = []

    def make(self):
        """What is missing, or None."""
        if not all(s.good for s in (self.router, self.vendor, self.elsewhere, self.devices)):
            return "no network namespaces"
        r = self.router
        if not (plug(r, self.vendor, "vendor", "10.209.0.1/24", [f"{VENDOR}/24", "10.209.0.3/24"], "10.209.0.1") and
                plug(r, self.elsewhere, "office", "10.207.0.1/24", [f"{ELSEWHERE}/24"], "10.207.0.1") and
                plug(r, self.devices, "lab", "10.208.0.1/24", [f"{DEVICE}/24", f"{OTHER_DEVICE}/24"], "10.208.0.1")):
            return "no veth interfaces"
        r.run("ip", "link", "set", "lo", "up")
        with r:
            with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="utf-8") as f:
                f.write("1")
        if r.run("nft", "list", "ruleset").returncode != 0:
            return "no nftables in this kernel, or no program nft"
        for space, port in ((self.devices, RDP), (self.devices, OTHER_PORT), (self.vendor, 8883)):
            with space:
                s = socket.socket()
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("0.0.0.0", port))
                s.listen(16)
                self.listeners.append(s)
        return None

    def end(self):
        for s in self.listeners:
            s.close()
        for s in (self.router, self.vendor, self.elsewhere, self.devices):
            s.end()


def connect(space, to, port, source=None):
    """A connection from a namespace, or None where it is refused or nobody answers."""
    with space:
        s = socket.socket()
    try:
        if source is not None:
            s.bind((source, 0))
        s.settimeout(2)
        s.connect((to, port))
        return s
    except OSError:
        s.close()
        return None


def reaches(space, to, port, source=None):
    s = connect(space, to, port, source)
    if s is None:
        return False
    s.close()
    return True


def accept(listener, near):
    """The listener's end of this connection; what others began before is let go."""
    while True:
        listener.settimeout(60)
        far, peer = listener.accept()
        if peer == near.getsockname():
            return far
        far.close()


def alive(near, far):
    """Do bytes pass on an established connection, both ways?"""
    for a, b in ((near, far), (far, near)):
        try:
            a.send(b"x")
            b.settimeout(2)
            if b.recv(1) != b"x":
                return False
        except OSError:
            return False
    return True


def door(run, *arguments):
    done = subprocess.run([lab.TOURNIQUET, "door", *arguments, "--data", run.data], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def make_device(run):
    sheet = f"name,ip,maker\nAnalyzer,{DEVICE},Example Diagnostics\nFridge,{OTHER_DEVICE},Cold Ltd\n"
    preview = subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, "POST", "/api/v1/devices/import", "-d", "-"], input=sheet, capture_output=True, text=True, check=True)
    token = json.loads(preview.stdout)["token"]
    subprocess.run([lab.TOURNIQUET, "api", "--data", run.data, "POST", "/api/v1/devices/import/" + token, "-d", "-"], input=sheet, capture_output=True, text=True, check=True)
    subprocess.run([lab.TOURNIQUET, "people", "invite", "ana", "--role", "maker's engineer", "--until", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400 * 7)),
                    "--maker", "Example Diagnostics", "--why", "service contract", "--data", run.data], capture_output=True, text=True, check=True)
    return {d["title"]: d["id"] for d in run.api("/api/v1/devices")["items"]}


def open_door(run, device, port=RDP):
    asked = door(run, "ask", "--device", device, "--for", "port", "--port", str(port), "--minutes", "5", "--why", "yearly service", "--from", VENDOR,
                 "--account", "ana")
    approved = door(run, "approve", asked["id"]) if isinstance(asked, dict) else asked
    if not isinstance(approved, dict):
        return {"state": approved}
    return wait(lambda: (lambda d: d if d["state"] in ("open", "closed") else None)(run.api("/api/v1/doors/" + asked["id"])))


def state(run, d):
    return run.api("/api/v1/doors/" + d["id"])


def check_before(net, run):
    lab.ok(wait(lambda: run.api("/api/v1/doors")["firewall"]["on"]), "the firewall does what it is told", run.api("/api/v1/doors"))
    lab.ok(not reaches(net.vendor, DEVICE, RDP), "before: nothing passes from a vendor's network to a device")
    lab.ok(reaches(net.elsewhere, DEVICE, RDP), "what comes from elsewhere is not touched")
    lab.ok(reaches(net.devices, VENDOR, 8883, DEVICE), "nor what a device begins with a vendor")


def check_narrow(run):
    pid = run.pid("warden")
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        s = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    net_admin = 1 << 12
    lab.ok(int(s["CapEff"], 16) == net_admin and int(s["CapPrm"], 16) == net_admin and int(s["CapBnd"], 16) == 0 and s["Seccomp"] == "2" and
           s["Uid"].split()[0] != "0", "the warden has the right to change the firewall, and nothing else", s)
    fds = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd") if fd != "2"]
    lab.ok(all(f == "/dev/null" or f.startswith(("socket:", "pipe:")) for f in fds), "and has no file but where it says what is wrong", fds)


def check_during(net, run, ids):
    d = open_door(run, ids["Analyzer"])
    lab.ok(d is not None and d["state"] == "open", "a door opens", d)
    s = connect(net.vendor, DEVICE, RDP, VENDOR)
    lab.ok(s is not None, "during: its port is reached")
    far = accept(net.listeners[0], s)  # first what passes while it is open, then what never does and takes time to be seen
    s.sendall(b"y" * 5000)
    far.settimeout(60)
    got = b""
    while len(got) < 5000:
        got += far.recv(5000 - len(got))
    lab.ok(alive(s, far), "bytes pass both ways")
    lab.ok(not reaches(net.vendor, DEVICE, OTHER_PORT, VENDOR), "no other port")
    lab.ok(not reaches(net.vendor, OTHER_DEVICE, RDP, VENDOR), "no other device")
    lab.ok(not reaches(net.vendor, DEVICE, RDP, "10.209.0.3"), "and not from another address")
    counted = wait(lambda: (state(run, d)["bytes_up"] or 0) > 5000 and state(run, d))
    lab.ok(counted and counted["bytes_down"] > 0, "and are counted while it is open", state(run, d))
    again = door(run, "ask", "--device", ids["Fridge"], "--for", "ssh", "--minutes", "5", "--why", "curious", "--from", VENDOR, "--account", "ana")
    lab.ok(isinstance(again, str), "another maker's device cannot be asked for", again)
    return d, s, far


def cut(s):
    """Is the connection at its end: reset, or nothing passes?"""
    try:
        s.send(b"z")
        ready, _, _ = select.select([s], [], [], 1)
        if not ready:
            return False
        return s.recv(100) == b""
    except OSError:
        return True


def check_timeout(net, run, d, s, far):
    closed = wait(lambda: state(run, d)["state"] == "closed" and state(run, d))
    lab.ok(closed and closed["ended"] == "time", "it closes by itself", state(run, d))
    lab.ok(closed and closed["packets"] and closed["bytes_up"] > 5000, "what went through is on the record", closed)
    lab.ok(not alive(s, far), "after: the established connection is cut")
    lab.ok(cut(s) and cut(far), "and both ends are told")
    lab.ok(not reaches(net.vendor, DEVICE, RDP, VENDOR), "and no new one comes through")
    lab.ok(reaches(net.devices, VENDOR, 8883, DEVICE), "devices' own connections go on")
    s.close()
    far.close()


def check_close_now(net, run, ids):
    d = open_door(run, ids["Analyzer"])
    s = connect(net.vendor, DEVICE, RDP, VENDOR)
    far = accept(net.listeners[0], s)
    lab.ok(s is not None and alive(s, far), "a second door, the same way", d)
    door(run, "close", d["id"], "--why", "enough")
    closed = wait(lambda: state(run, d)["state"] == "closed" and state(run, d))
    lab.ok(closed and closed["ended"] == "withdrawn" and closed["ended_reason"] == "enough", "a person closes it at once", state(run, d))
    lab.ok(not alive(s, far) and not reaches(net.vendor, DEVICE, RDP, VENDOR), "with its connection")
    s.close()
    far.close()


def check_restart(net, run, ids):
    """A warden that is killed leaves the door as it is; the next one goes on counting, and closes it."""
    d = open_door(run, ids["Analyzer"])
    s = connect(net.vendor, DEVICE, RDP, VENDOR)
    far = accept(net.listeners[0], s)
    pid = run.pid("warden")
    run.signal("warden", signal.SIGKILL)
    lab.ok(alive(s, far), "a killed warden closes nothing")
    lab.ok(run.wait_pid("warden", other_than=pid) is not None, "it is replaced")
    closed = wait(lambda: state(run, d)["state"] == "closed" and state(run, d))
    lab.ok(closed and closed["ended"] == "time" and closed["packets"], "and the next one tells what went through, to the end", state(run, d))
    lab.ok(not alive(s, far), "closed it is")
    s.close()
    far.close()


def check_all_dead(net, run, ids):
    """Everybody of ours dies at once: the kernel closes the door in time."""
    d = open_door(run, ids["Analyzer"])
    s = connect(net.vendor, DEVICE, RDP, VENDOR)
    lab.ok(s is not None, "a fourth door, the same way", (d, net.router.run("nft", "list", "table", "inet", "tourniquet").stdout))
    far = accept(net.listeners[0], s)
    pids = [run.process.pid] + [int(c) for c in run.children()]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    run.process.wait()
    lab.ok(alive(s, far), "everybody of ours is dead: what was approved goes on")
    lab.ok(wait(lambda: not alive(s, far), LONGEST + 60), "and the kernel closes it in time, the established connection too")
    lab.ok(not reaches(net.vendor, DEVICE, RDP, VENDOR), "and lets nothing in", net.router.run("nft", "list", "table", "inet", "tourniquet").stdout)
    s.close()
    far.close()
    return d


def leaving(net, run):
    """Who leaves has no open door."""
    ids = {d["title"]: d["id"] for d in run.api("/api/v1/devices")["items"]}
    d = open_door(run, ids["Analyzer"])
    lab.ok(d["state"] == "open" and reaches(net.vendor, DEVICE, RDP, VENDOR), "a door is open", d)
    subprocess.run([lab.TOURNIQUET, "people", "withdraw", "ana", "--role", "maker's engineer", "--why", "contract ended", "--data", run.data], capture_output=True, check=True)
    closed = wait(lambda: state(run, d)["state"] == "closed" and state(run, d))
    lab.ok(closed and closed["ended"] == "withdrawn", "it closes with the engineer's access", state(run, d))
    lab.ok(not reaches(net.vendor, DEVICE, RDP, VENDOR), "and nothing passes")


def scenes(net, folder):
    data = os.path.join(folder, "data")
    net.router.run("nft", "add table inet others; add chain inet others x { type filter hook forward priority 0; policy accept; }; add rule inet others x counter")
    rules = net.router.run("nft", "-s", "list", "table", "inet", "others").stdout
    lab.ok("chain x" in rules, "another program has a table of its own", rules)
    with lab.Run(data, unprivileged=False, preexec=net.router.enter, more=WARDEN % f"{LONGEST}s") as run:
        run.wait_api("/api/v1/doors")
        check_before(net, run)
        check_narrow(run)
        ids = make_device(run)
        check_timeout(net, run, *check_during(net, run, ids))
        check_close_now(net, run, ids)
        check_restart(net, run, ids)
        last = check_all_dead(net, run, ids)
    with lab.Run(data, unprivileged=False, preexec=net.router.enter, more=WARDEN % "1h") as run:
        run.wait_api("/api/v1/doors")
        wait(lambda: run.api("/api/v1/doors")["firewall"]["on"])
        closed = wait(lambda: state(run, last)["state"] == "closed" and state(run, last))
        lab.ok(closed and closed["ended"] == "time", "the next start puts its end on the ledger", state(run, last))
        leaving(net, run)
        kinds = wait(lambda: "access.door_again" in [f["kind"] for f in run.api("/api/v1/findings?state=all")["items"]])
        lab.ok(kinds, "the same door again and again is a finding", run.api("/api/v1/findings?state=all"))
        events = [r["event"] for r in run.api("/api/v1/ledger/records?limit=200")["items"]]
        lab.ok(all(e in events for e in ("door.asked", "door.approved", "door.opened", "door.withdrawn", "door.closed")), "every step is on the ledger", events)
    lab.ok(net.router.run("nft", "-s", "list", "table", "inet", "others").stdout == rules, "the other table is as it was")
    lab.ok(not reaches(net.vendor, DEVICE, RDP, VENDOR), "Tourniquet is stopped: what is shut stays shut")
    lab.ok(lab.verify(data)[0] == 0, "the ledger holds", lab.verify(data))


def without_right(folder):
    """Where the firewall cannot be used, that is said, and no door is approved."""
    data = os.path.join(folder, "poor")

    def drop():
        LIBC.prctl(24, 12, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_NET_ADMIN: gone behind execve
    with lab.Run(data, preexec=drop, more=WARDEN % "1h") as run:
        run.wait_api("/api/v1/doors")
        firewall = wait(lambda: (lambda f: f if f["why"] and "not there" not in f["why"] else None)(run.api("/api/v1/doors")["firewall"]))
        lab.ok(firewall and not firewall["on"], "without the right, that is said", run.api("/api/v1/doors"))
        ids = make_device(run)
        asked = door(run, "ask", "--device", ids["Analyzer"], "--for", "rdp", "--minutes", "5", "--why", "yearly service", "--from", VENDOR, "--account", "ana")
        approved = door(run, "approve", asked["id"])
        lab.ok(isinstance(approved, str) and "cannot open" in approved, "and no door is approved", approved)


def main():
    with lab.Folder() as folder:
        if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None:
            lab.skip("doors", "skipped: no root, or no iproute2")
            return
        os.chmod(folder, 0o755)
        net = Net()
        try:
            missing = net.make()
            if missing is not None:
                lab.skip("doors", "skipped: " + missing)
            else:
                scenes(net, folder)
        finally:
            net.end()
        without_right(folder)


main()
lab.finish()
