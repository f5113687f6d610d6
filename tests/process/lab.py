"""What the process tests share: TAP, a simulated capture with its truth, and a running Tourniquet whose processes can be found, killed and stopped."""
import atexit
import faulthandler
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOURNIQUET = os.path.abspath(sys.argv[1])
with open(TOURNIQUET, "rb") as _f:
    _program = _f.read()
SANITIZED = b"__asan_init" in _program or b"__tsan_init" in _program
del _program
SANITIZERS = re.compile(r"(Thread|Address|Leak|UndefinedBehavior)Sanitizer|runtime error:")
LONG = os.environ.get("TOURNIQUET_LONG") == "1"
ROLES = ("sensor", "detector", "keeper", "console", "courier", "relay", "warden", "reader")

# A supervisor waits up to 30 s before it starts a role again that keeps dying. Nobody learns anything from such waits but a long run.
if not LONG:
    os.environ.setdefault("TOURNIQUET_BACKOFF_MOST", "1")

# A bare machine may have no /etc/hosts: the tests find localhost all the same.
_getaddrinfo = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: _getaddrinfo("127.0.0.1" if host == "localhost" else host, *rest, **more)

_count = 0
_failed = 0


def _descendants(pid):
    """All processes that came of one, the nearest first."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
            children = f.read().split()
    except OSError:
        return []
    return [int(c) for c in children] + [d for c in children for d in _descendants(c)]


def _where(pid):
    """What a process is and what each of its threads is waiting in, a line each."""
    lines = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            said = []
            for name in ("cmdline", "wchan", "syscall"):
                with open(f"/proc/{pid}/task/{task}/{name}", "rb") as f:
                    said.append(f.read(120).replace(b"\0", b" ").decode(errors="replace").strip())
            with open(f"/proc/{pid}/task/{task}/stat", "rb") as f:
                said.insert(1, f.read().rpartition(b")")[2].split()[0].decode())
            lines.append(f"{pid}/{task}: " + " | ".join(said))
    except OSError as e:
        lines.append(f"{pid}: {e}")
    return lines


def _end_all():
    """Whoever is left holds the output, and who reads that waits for its end."""
    for pid in _descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


atexit.register(_end_all)


# A test that hangs says where, ends what it started and fails: long before the run as a whole is out of time, and whoever reads that learns nothing.
SILENCE = 3000 if LONG else 400  # seconds without a line
_spoke = time.monotonic()


def _watch():
    while time.monotonic() - _spoke < SILENCE:
        time.sleep(1)
    print(f"not ok {_count + 1} - nothing was said for {SILENCE} s\n1..{_count + 1}", flush=True)
    with tempfile.TemporaryFile("w+") as stacks:
        faulthandler.dump_traceback(stacks)
        stacks.seek(0)
        lines = stacks.read().splitlines()
    for line in lines + [line for pid in _descendants(os.getpid()) for line in _where(pid)]:
        print(f"# {line}", flush=True)
    _end_all()
    os._exit(1)


threading.Thread(target=_watch, daemon=True).start()


def ok(condition, name, detail=""):
    global _count, _failed, _spoke
    _count += 1
    _spoke = time.monotonic()
    print(f"{'ok' if condition else 'not ok'} {_count} - {name}", flush=True)
    if not condition:
        _failed += 1
        for line in str(detail).splitlines()[-30:]:
            print(f"# {line}", flush=True)
    return bool(condition)


def skip(name, why):
    global _count
    _count += 1
    print(f"ok {_count} - {name} # SKIP {why}", flush=True)


def finish():
    print(f"1..{_count}", flush=True)
    sys.exit(1 if _failed else 0)


def wait(condition, seconds=90):
    """Asks until the answer is a yes, or time is up: the last answer. The time is long, for a machine that is busy with other things: what fails shall be wrong,
    not late. While nobody answers, what is asked for is not in the answer: that is no yes."""
    until = time.monotonic() + seconds
    while True:
        try:
            answer = condition()
        except (KeyError, IndexError, TypeError):
            answer = None
        if answer or time.monotonic() >= until:
            return answer
        time.sleep(0.05)


_claims = []  # open as long as this test runs


def free_port():
    """A port that nobody has, and that no other test gets while this one runs: its number is claimed by the name of a socket, which the kernel gives to one
    process only. Below those that connections get from the kernel, any of which another test may hold when this one is wanted."""
    while True:
        port = random.SystemRandom().randrange(10240, 32768)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0tourniquet-test-port-{port}")
            with socket.socket() as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return port


def capture(folder, minutes, seed=11, attacks=("sender.unknown", "message.malformed")):
    """Writes a simulated lab's capture; returns its path and how many messages and results are in it."""
    path, truth = os.path.join(folder, "lab.pcap"), os.path.join(folder, "truth.json")
    arguments = [TOURNIQUET, "simulate", "lab", "--seed", str(seed), "--minutes", str(minutes), "--out", path, "--truth", truth]
    for attack in attacks:
        arguments += ["--attack", attack]
    subprocess.run(arguments, check=True)
    with open(truth, encoding="utf-8") as f:
        t = json.load(f)
    return path, t["hl7"]["messages"] + t["astm"]["messages"] + t["poct1a"]["messages"], t["results"]


class Folder:
    """A temporary folder, removed at the end."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="tourniquet-test-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Run:
    """One `tourniquet run`, as a context: stopped at its end. What it says goes into a file of the folder `beside`, or next to its data. What it replays gets a name of its own: an earlier run may have read the same capture into the
    same folder, and what is known of that one must not be taken for this one's."""

    runs = 0

    def __init__(self, data, *arguments, unprivileged=True, preexec=None, more="", beside=None):
        self.data = data
        self.port = free_port()
        self.config = os.path.join(beside or os.path.dirname(data), f"lab-{self.port}.yaml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f'site: test-lab\ndata: "{data}"\nconsole: {{ listen: "127.0.0.1:{self.port}", name: localhost }}\n{more}')
        arguments = list(arguments)
        self.capture = None
        if "--replay" in arguments:
            Run.runs += 1
            at = arguments.index("--replay") + 1
            self.capture = f"{Run.runs}-{os.path.basename(arguments[at])}"
            named = os.path.join(os.path.dirname(self.config), self.capture)
            os.symlink(os.path.abspath(arguments[at]), named)
            arguments[at] = named
        command = [TOURNIQUET, "run", "-c", self.config, *arguments] + (["--unprivileged"] if unprivileged else [])
        self.errors = open(self.config + ".err", "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True, preexec_fn=preexec)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            for role in ROLES:
                self.signal(role, signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        found = SANITIZERS.search(self.said())
        if found: # else it would be one more restart of a role, which every test here lives with
            ok(False, "a sanitizer has found something in a role", self.said()[found.start():][:4000])
        self.errors.close()

    def said(self):
        self.errors.flush()
        with open(self.errors.name, encoding="utf-8") as f:
            return f.read()

    def children(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="utf-8") as f:
                return f.read().split()
        except OSError:
            return []

    def title(self, pid):
        """What a process calls itself; "" where there is none."""
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return f.read().split(b"\0")[0].decode()
        except OSError:
            return ""

    def pid(self, role):
        """The process of a role: a child of the supervisor, by its name; None where it is down."""
        return next((int(child) for child in self.children() if self.title(child) == f"tourniquet-{role}"), None)

    def wait_pid(self, role, other_than=None, seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            pid = self.pid(role)
            if pid is not None and pid != other_than:
                return pid
            time.sleep(0.002)
        return None

    def signal(self, role, number, wait=0):
        """Signals the process of a role; wait: so many seconds for one that is being begun anew, since another was killed just now."""
        pid = self.wait_pid(role, seconds=wait) if wait else self.pid(role)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def api(self, path):
        """GET over the local socket: the answer as an object, or None."""
        done = subprocess.run([TOURNIQUET, "api", "--data", self.data, "GET", path], capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_api(self, path="/api/v1/sensor", seconds=120):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = self.api(path)
            if answer is not None:
                return answer
            time.sleep(0.1)
        return None

    def wait_ended(self, seconds=300):
        """Waits until its capture is read and shown."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            captures = (self.api("/api/v1/sensor") or {}).get("captures", [])
            if any(c["capture"] == self.capture and c["state"] == "ended" for c in captures):
                return True
            time.sleep(0.1)
        return False

    def finish(self, seconds=300):
        """Waits for the end; returns the exit status and the line of counts."""
        try:
            out, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None, None
        lines = out.splitlines()
        return self.process.returncode, json.loads(lines[-1]) if lines else None


def memory_holds(pid, what):
    """Does the writable memory of a process hold these bytes? Only root may look: the roles are not dumpable."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        areas = [line.split()[:2] for line in f if "rw" in line.split()[1]]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for area, _ in areas:
            start, end = (int(n, 16) for n in area.split("-"))
            if end - start > 1 << 32:  # a sanitizer's shadow: terabytes, and no byte of ours
                continue
            tail = b""
            for at in range(start, end, 1 << 20):
                try:
                    mem.seek(at)
                    piece = mem.read(min(1 << 20, end - at))
                except OSError:
                    break
                if what in tail + piece:
                    return True
                tail = piece[-64:]
    return False


def contents(folder):
    """Path and bytes of every file below a folder. A running program may take one away meanwhile: then nothing of it is left to be read."""
    for path, _, names in os.walk(folder):
        for full in (os.path.join(path, name) for name in names):
            try:
                if os.path.isfile(full) and not os.path.islink(full):
                    with open(full, "rb") as f:
                        yield full, f.read()
            except FileNotFoundError:
                continue


def holding(folder, what):
    """The files below a folder that hold these bytes."""
    return [path for path, content in contents(folder) if what in content]


def verify(data):
    """What `ledger verify` says: exit status and its line."""
    done = subprocess.run([TOURNIQUET, "ledger", "verify", os.path.join(data, "ledger")], capture_output=True, text=True)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def kept(data):
    """How many messages and results a later run finds on the ledger: views rebuilt from nothing."""
    shutil.rmtree(os.path.join(data, "store"), ignore_errors=True)
    with Run(data) as run:
        messages, results = run.wait_api("/api/v1/messages?limit=1", 600), run.wait_api("/api/v1/results?limit=1")  # a slow machine rebuilds for minutes
        return (messages or {}).get("total"), (results or {}).get("total")
